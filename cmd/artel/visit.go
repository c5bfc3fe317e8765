package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
	"github.com/spf13/cobra"
)

// target is a running task of a job, or any healthy replica of a service.
type target struct {
	job  string // of a service its name
	task uint64
	any  bool
}

func (t target) String() string {
	if t.any {
		return t.job
	}
	return fmt.Sprintf("%s/%d", t.job, t.task)
}

// reach is visit, for what may also be the name of a service.
func (a *app) reach(ctx context.Context, arg string) (*api.Client, target, error) {
	c, err := a.client()
	if err != nil {
		return nil, target{}, err
	}
	all, err := c.Services(ctx, false)
	if err != nil {
		c.Close()
		return nil, target{}, err
	}
	if slices.ContainsFunc(all, func(s api.Service) bool { return s.Name == arg }) {
		return c, target{job: arg, any: true}, nil
	}
	c.Close()
	return a.visit(ctx, arg)
}

// visit connects with the daemon and finds the container that arg names. The client
// is the caller's to close.
func (a *app) visit(ctx context.Context, arg string) (*api.Client, target, error) {
	c, err := a.client()
	if err != nil {
		return nil, target{}, err
	}
	t, err := a.target(ctx, c, arg)
	if err != nil {
		c.Close()
		return nil, target{}, err
	}
	return c, t, nil
}

// target reads JOB or JOB/TASK and wants a container that runs. Without a task
// it is the only one that runs.
func (a *app) target(ctx context.Context, c *api.Client, arg string) (target, error) {
	id, index, hasTask := strings.Cut(arg, "/")
	var task uint64
	if hasTask {
		var err error
		if task, err = strconv.ParseUint(index, 10, 63); err != nil {
			return target{}, usage("like "+clean(id)+"/3", "%q is not JOB/TASK", clean(arg))
		}
	}
	j, err := c.Job(ctx, id)
	switch {
	case err != nil:
		return target{}, err
	case j.Spec.Box.Image.IsZero():
		return target{}, api.Errorf(api.CodeUnsupported, "job %s runs a WASM program, and nobody can look into one", id).
			WithHint("artel logs -f %s shows what it prints; programs of artel run --image can be looked into", id)
	case j.State.Ended():
		return target{}, api.Errorf(api.CodeConflict, "job %s has ended: %s", id, j.State).WithHint("artel logs %s, artel fetch %s", id, id)
	}
	var running []api.Task
	for _, t := range j.List {
		if hasTask && t.Index == task && t.State != api.StateRunning {
			return target{}, api.Errorf(api.CodeConflict, "task %d of job %s does not run now: %s", task, id, t.State).WithHint("artel ps %s", id)
		}
		if t.State == api.StateRunning && (!hasTask || t.Index == task) {
			running = append(running, t)
		}
	}
	switch {
	case len(running) == 1:
		return target{job: id, task: running[0].Index}, nil
	case hasTask:
		return target{}, api.Errorf(api.CodeNotFound, "job %s has no task %d", id, task).WithHint("artel ps %s", id)
	case len(running) == 0:
		return target{}, api.Errorf(api.CodeConflict, "no task of job %s runs now", id).WithHint("artel ps %s; a task can be looked into once it runs", id)
	}
	return target{}, usage(fmt.Sprintf("name one: %s/%d", id, running[0].Index), "%d tasks of job %s run", len(running), id)
}

// jobCompletion completes the names of jobs that have not ended.
func (a *app) jobCompletion(suffix string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && suffix == "" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := a.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer c.Close()
		js, err := c.List(cmd.Context(), api.JobQuery{Limit: 100})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var out []string
		for _, j := range js {
			out = append(out, j.ID+suffix+"\t"+clean(j.Name))
		}
		if suffix != "" { // the other one is a file
			return out, cobra.ShellCompDirectiveNoSpace
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// frames is a visit's stream, written by many and read by one.
type frames struct {
	io.ReadWriteCloser
	mu sync.Mutex
}

func (f *frames) send(kind wire.Frame, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return wire.WriteFrame(f.ReadWriteCloser, kind, b)
}

// feed sends what r has, and then that it has no more.
func (f *frames) feed(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := f.send(wire.FrameIn, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return f.send(wire.FrameInEnd, nil)
		}
		if err != nil {
			return err
		}
	}
}

// program is a program to run beside a task's own, and its streams. A nil stdin
// is empty.
type program struct {
	api.VisitRequest
	stdin          io.Reader
	stdout, stderr io.Writer
	// opened is called once the program runs; what it returns, when it has ended.
	opened func(*frames) (closed func())
}

// errLeft says that the person left by the escape.
var errLeft = errors.New("left")

// runIn runs a program in a task and returns its exit code. When ctx ends the
// program is interrupted, and has the time that it needs.
func (a *app) runIn(ctx context.Context, c *api.Client, t target, p program) (int, error) {
	p.Kind, p.Task = wire.VisitExec, t.task
	rw, err := c.Visit(ctx, t.job, p.VisitRequest)
	if err != nil {
		return 0, err
	}
	f := &frames{ReadWriteCloser: rw}
	defer f.Close()
	if p.opened != nil {
		defer p.opened(f)()
	}
	if !p.TTY { // at a terminal, Ctrl-C is a key like others
		stop := context.AfterFunc(ctx, func() { f.send(wire.FrameSignal, []byte{2}) })
		defer stop()
	}
	var mu sync.Mutex
	var inErr error
	if p.stdin == nil {
		p.stdin = strings.NewReader("")
	}
	go func() { // ends with the stream, or at the latest with this process, which a terminal may hold
		err := f.feed(p.stdin)
		if err != nil {
			mu.Lock()
			inErr = err
			mu.Unlock()
		}
		if errors.Is(err, errLeft) {
			f.Close()
		}
	}()
	code, err := f.output(p.stdout, p.stderr)
	mu.Lock()
	defer mu.Unlock()
	if err != nil && errors.Is(inErr, errLeft) {
		return 0, errLeft
	}
	return code, err
}

// output copies what a program writes until it has ended.
func (f *frames) output(stdout, stderr io.Writer) (int, error) {
	buf := make([]byte, 64<<10)
	for {
		kind, b, err := wire.ReadFrame(f, buf)
		if err != nil {
			return 0, api.Errorf(api.CodeTorn, "the connection ended before the program did").WithHint("artel ps: has the task ended, or gone to another machine?")
		}
		switch kind {
		case wire.FrameOut:
			_, err = stdout.Write(b)
		case wire.FrameErr:
			_, err = stderr.Write(b)
		case wire.FrameError:
			return 0, api.Errorf(api.CodeRefused, "the provider says: %s", wire.Sentence(b))
		case wire.FrameExit:
			if len(b) != 4 {
				return 0, api.Errorf(api.CodeTorn, "the provider's exit code has %d bytes", len(b))
			}
			return int(int32(binary.BigEndian.Uint32(b))), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// exitCode passes a program's exit code on as this one's.
func exitCode(code int) error {
	switch {
	case code == 0:
		return nil
	case code < 0 || code > 255:
		return exitError(255)
	}
	return exitError(code)
}

// plain is a terminal that what strangers print cannot drive: what is no text is
// shown as ·.
type plain struct {
	w    io.Writer
	rest []byte // of a character that is not whole yet
}

func (p *plain) Write(b []byte) (int, error) {
	all := append(p.rest, b...)
	end := len(all)
	for i := 1; i <= min(utf8.UTFMax-1, len(all)); i++ {
		if c := all[len(all)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(all[len(all)-i:]) {
				end = len(all) - i
			}
			break
		}
	}
	p.rest = append([]byte(nil), all[end:]...)
	text := strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && r != '\r' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(string(all[:end]), "·"))
	if _, err := io.WriteString(p.w, text); err != nil {
		return 0, err
	}
	return len(b), nil
}
