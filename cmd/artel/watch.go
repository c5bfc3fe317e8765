package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/artel-network/artel/api"
)

// watch shows what happens to a job and what it prints, until it has ended, and
// returns how.
func (a *app) watch(ctx context.Context, c *api.Client, j api.Job) (api.Job, error) {
	s := &screen{a: a, live: isTerminal(a.err) && !a.json, prefix: j.Tasks > 1}
	printed := make(chan error, 1)
	go func() {
		printed <- c.Logs(ctx, j.ID, api.LogQuery{Follow: true}, s.log)
	}()
	last := j
	err := c.Watch(ctx, j.ID, 0, func(e api.JobEvent) error {
		if e.Job != nil {
			last = *e.Job
		}
		return s.event(e)
	})
	logErr := <-printed
	s.close()
	if err != nil {
		return last, err
	}
	if logErr != nil && ctx.Err() == nil {
		a.say("artel: the log is not whole: %s", clean(logErr.Error()))
	}
	d, err := c.Job(ctx, j.ID)
	return d.Job, err
}

// screen puts program output on stdout and a job's progress on stderr: as a
// line that renews itself where that is a terminal, else as a line per event.
type screen struct {
	a      *app
	live   bool
	prefix bool // before each line the task it came from

	mu     sync.Mutex
	status string
	half   map[[2]uint64][]byte // lines not yet complete, per task and attempt
	order  [][2]uint64
}

func (s *screen) event(e api.JobEvent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.a.json {
		return s.a.line(map[string]any{"event": e})
	}
	text := describe(e)
	quiet := s.live && e.Kind == api.EventTask && (e.State == api.StateRunning || e.State == api.StateDone)
	s.wipe()
	if text != "" && !quiet {
		s.a.say("%s", text)
	}
	if e.Job != nil {
		s.status = tally(*e.Job)
	}
	s.draw()
	return nil
}

func (s *screen) log(l api.LogChunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.a.json {
		return s.a.line(map[string]any{"log": l})
	}
	if s.half == nil {
		s.half = map[[2]uint64][]byte{}
	}
	k := [2]uint64{l.Task, uint64(l.Attempt)}
	if _, ok := s.half[k]; !ok {
		s.order = append(s.order, k)
	}
	b := append(s.half[k], l.Data...)
	s.wipe()
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok && len(b) < 64<<10 { // a line without an end is not kept for ever
			break
		}
		s.print(l.Task, line)
		if b = rest; !ok {
			break
		}
	}
	s.half[k] = b
	s.draw()
	return nil
}

func (s *screen) print(task uint64, line []byte) {
	text := string(line)
	if isTerminal(s.a.out) { // strangers' bytes must not drive the terminal
		text = cleanLog(line)
	}
	if s.prefix {
		fmt.Fprintf(s.a.out, "%d| %s\n", task, text)
		return
	}
	fmt.Fprintln(s.a.out, text)
}

// close prints what has no newline and ends the live line.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	for _, k := range s.order {
		if b := s.half[k]; len(b) > 0 {
			s.print(k[0], b)
		}
	}
	if s.live && s.status != "" {
		s.a.say("%s", s.status)
	}
}

func (s *screen) wipe() {
	if s.live && s.status != "" {
		fmt.Fprint(s.a.err, "\r\x1b[K")
	}
}

func (s *screen) draw() {
	if s.live && s.status != "" {
		fmt.Fprint(s.a.err, s.status)
	}
}

// tally is a job's progress in a line.
func tally(j api.Job) string {
	const width = 20
	ended := j.Done + j.Failed + j.Cancelled
	n := 0
	if j.Tasks > 0 {
		n = int(ended * width / j.Tasks)
	}
	s := fmt.Sprintf("[%s%s] %d/%d done", strings.Repeat("#", n), strings.Repeat(".", width-n), j.Done, j.Tasks)
	if j.Running > 0 {
		s += fmt.Sprintf(", %d running", j.Running)
	}
	if j.Failed > 0 {
		s += fmt.Sprintf(", %d failed", j.Failed)
	}
	if j.Message != "" {
		s += ", " + clean(j.Message)
	}
	return s
}

func describe(e api.JobEvent) string {
	on := ""
	if e.Provider != [33]byte{} {
		on = " on " + e.Provider.Short()
	}
	tail := ""
	if e.Message != "" {
		tail = ": " + clean(e.Message)
	}
	switch e.Kind {
	case api.EventLost:
		return fmt.Sprintf("lost%s%s", on, tail)
	case api.EventNotice:
		return clean(e.Message)
	case api.EventJob:
		return fmt.Sprintf("job %s%s", e.State, tail)
	case api.EventTask:
		if e.Attempt > 1 {
			on += fmt.Sprintf(", attempt %d", e.Attempt)
		}
		if e.State == api.StateFailed && tail == "" {
			tail = fmt.Sprintf(": %s, exit code %d", e.Reason, e.ExitCode)
		}
		return fmt.Sprintf("task %d %s%s%s", e.Task, e.State, on, tail)
	}
	return ""
}
