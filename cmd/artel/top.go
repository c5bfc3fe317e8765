package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
	"github.com/spf13/cobra"
)

// maxTop is how many tasks top reads at once, the first ones.
const maxTop = 24

func (a *app) topCmd() *cobra.Command {
	var once bool
	var every time.Duration
	c := &cobra.Command{
		Use: "top [JOB]", Short: "Show what running tasks use", Args: atMost(1), ValidArgsFunction: a.jobCompletion(""),
		Long: `Show what the running containers of a job, or of all jobs, use, by their providers'
meters. WASM programs have none. CPU is of one core: 200% is two.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if every < 500*time.Millisecond {
				return usage("at least 500ms: a meter is not read for nothing", "--interval %s is too short", every)
			}
			return a.top(cmd.Context(), args, once, every)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "show it once and return")
	c.Flags().DurationVar(&every, "interval", 2*time.Second, "time between two readings")
	return c
}

// usageRow is a task and its reading.
type usageRow struct {
	Job      string        `json:"job"`
	Task     uint64        `json:"task"`
	Provider artel.NodeID  `json:"provider"`
	CPU      float64       `json:"cpuPercent"` // of one core, since the reading before, or since the start
	Reading  *wire.Reading `json:"reading,omitempty"`
	Error    string        `json:"error,omitempty"`
}

// meter is an open visit that reads a task's usage.
type meter struct {
	f    *frames
	last *wire.Reading
}

func (a *app) top(ctx context.Context, args []string, once bool, every time.Duration) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	only := ""
	if len(args) == 1 {
		only = strings.TrimSuffix(args[0], "/")
	}
	meters := map[target]*meter{}
	defer func() {
		for _, m := range meters {
			m.close()
		}
	}()
	live := !once && !a.json && isTerminal(a.out)
	for {
		rows, more, err := a.readings(ctx, c, only, meters)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how top ends
		}
		if err != nil {
			return err
		}
		if err := a.showTop(rows, more, live, once); err != nil || once {
			return err
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *app) showTop(rows []usageRow, more int, live, once bool) error {
	if a.json {
		if rows == nil {
			rows = []usageRow{}
		}
		if once {
			return a.print(rows, nil)
		}
		return a.line(rows)
	}
	if live {
		fmt.Fprint(a.out, "\x1b[H\x1b[2J")
	}
	if len(rows) == 0 {
		a.say("no containers run; hint: artel ps")
		return nil
	}
	lines := [][]string{{"TASK", "PROVIDER", "CPU", "MEMORY", "PROCESSES", "OUT", "LOG", "SENT", "GOT", "TIME"}}
	for _, r := range rows {
		head := []string{fmt.Sprintf("%s/%d", r.Job, r.Task), r.Provider.Short()}
		if r.Reading == nil {
			lines = append(lines, append(head, clean(r.Error)))
			continue
		}
		u := r.Reading
		lines = append(lines, append(head, fmt.Sprintf("%.0f%%", r.CPU), size(u.Memory), fmt.Sprint(u.Processes), size(u.Output), size(u.Log), size(u.Sent), size(u.Got), millis(u.Wall)))
	}
	table(a.out, lines)
	if more > 0 {
		a.say("and %d more; hint: artel top JOB", more)
	}
	return nil
}

// readings reads the meters of the tasks that run now, all at once. more is the
// number of tasks left out.
func (a *app) readings(ctx context.Context, c *api.Client, only string, meters map[target]*meter) (rows []usageRow, more int, err error) {
	js := []api.Job{{ID: only}}
	if only == "" {
		if js, err = c.List(ctx, api.JobQuery{Limit: 1000}); err != nil {
			return nil, 0, err
		}
	}
	for _, j := range js {
		d, err := c.Job(ctx, j.ID)
		if err != nil {
			return nil, 0, err
		}
		if only != "" && d.Spec.Box.Image.IsZero() {
			return nil, 0, api.Errorf(api.CodeUnsupported, "job %s runs a WASM program, which has no meter", only).WithHint("artel ps %s", only)
		}
		if only != "" && d.State.Ended() {
			return nil, 0, api.Errorf(api.CodeConflict, "job %s has ended: %s", only, d.State).WithHint("artel ps %s shows what its tasks took", only)
		}
		for _, t := range d.List {
			switch {
			case t.State != api.StateRunning || d.Spec.Box.Image.IsZero():
			case len(rows) == maxTop:
				more++
			default:
				rows = append(rows, usageRow{Job: d.ID, Task: t.Index, Provider: t.Provider})
			}
		}
	}
	for t, m := range meters { // of tasks that have ended
		if !slices.ContainsFunc(rows, func(r usageRow) bool { return r.Job == t.job && r.Task == t.task }) {
			m.close()
			delete(meters, t)
		}
	}
	var wg sync.WaitGroup
	for i := range rows {
		t := target{job: rows[i].Job, task: rows[i].Task}
		if meters[t] == nil {
			meters[t] = &meter{}
		}
		wg.Go(func() { meters[t].read(ctx, c, t, &rows[i]) })
	}
	wg.Wait()
	return rows, more, nil
}

// read takes a reading, by a visit that stays open for the next one.
func (m *meter) read(ctx context.Context, c *api.Client, t target, row *usageRow) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := m.ask(ctx, c, t)
	if err != nil {
		m.close()
		row.Error = api.AsError(err).Message
		return
	}
	cpu, wall := r.CPU, r.Wall
	if m.last != nil && r.CPU >= m.last.CPU && r.Wall > m.last.Wall {
		cpu, wall = r.CPU-m.last.CPU, r.Wall-m.last.Wall
	}
	if wall > 0 {
		row.CPU = 100 * float64(cpu) / float64(wall)
	}
	row.Reading, m.last = &r, &r
}

func (m *meter) ask(ctx context.Context, c *api.Client, t target) (wire.Reading, error) {
	if m.f == nil {
		rw, err := c.Visit(ctx, t.job, api.VisitRequest{Kind: wire.VisitUsage, Task: t.task})
		if err != nil {
			return wire.Reading{}, err
		}
		m.f, m.last = &frames{ReadWriteCloser: rw}, nil
	}
	f := m.f
	defer context.AfterFunc(ctx, func() { f.Close() })()
	if err := f.send(wire.FrameIn, nil); err != nil {
		return wire.Reading{}, silent(ctx, err)
	}
	kind, b, err := wire.ReadFrame(f, nil)
	switch {
	case err != nil:
		return wire.Reading{}, silent(ctx, err)
	case kind == wire.FrameError:
		return wire.Reading{}, errors.New(wire.Sentence(b))
	case kind != wire.FrameReading:
		return wire.Reading{}, fmt.Errorf("the provider answers with frame %d", kind)
	}
	return wire.UnmarshalReading(b)
}

func silent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("the provider does not answer")
	}
	return fmt.Errorf("no reading: %w", err)
}

func (m *meter) close() {
	if m.f != nil {
		m.f.Close()
		m.f = nil
	}
}
