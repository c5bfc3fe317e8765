package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) shellCmd() *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use: "shell JOB[/TASK]", Short: "Open a shell in a running task",
		Long: `Open a shell in the container of a running task: bash where the image has it, else
sh. This terminal becomes the shell's, its size and its keys included.

A provider that has fallen silent does not hold the terminal: Enter, then ~ and .
leave. The task goes on.

The exit code is the shell's, or 125 where there was none.`,
		Annotations: map[string]string{endsAsProgram: ""},
		Args:        exactly("JOB"), ValidArgsFunction: a.jobCompletion(""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isTerminal(a.in) {
				return usage("artel exec -i JOB -- sh < script", "artel shell wants a terminal")
			}
			o.tty = true
			return a.exec(cmd.Context(), o, args[0], []string{"/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh"})
		},
	}
	c.Flags().StringArrayVarP(&o.env, "env", "e", nil, "NAME=value for it; may be repeated")
	c.Flags().StringVarP(&o.dir, "workdir", "w", "", "directory to open it in (default the task's)")
	return c
}

var termForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

// session makes this terminal that of a program. The terminal is put back
// however the session ends, and however this process is told to end.
func (a *app) session(ctx context.Context, c *api.Client, t target, p program) error {
	p.TTY = true
	if cols, rows, err := term.GetSize(int(a.in.Fd())); err == nil {
		p.Rows, p.Cols = uint16(rows), uint16(cols)
	}
	if name := a.getenv("TERM"); termForm.MatchString(name) {
		p.Env = append([]string{"TERM=" + name}, p.Env...)
	}
	p.stdin, p.stdout, p.stderr = &escape{in: a.in, fresh: true}, a.out, a.out
	raw := &rawTerminal{fd: int(a.in.Fd())}
	defer raw.restore()
	p.opened = func(f *frames) func() {
		if err := raw.set(); err != nil {
			f.Close()
			return func() {}
		}
		return raw.watch(func() { sendSize(f, a.in) }, func() { f.Close() })
	}
	code, err := a.runIn(ctx, c, t, p)
	raw.restore()
	switch {
	case raw.signalled():
		a.say("\nartel: interrupted")
		return exitError(exitInterrupted)
	case errors.Is(err, errLeft):
		a.say("\nartel: left; the task goes on")
		return exitError(exitInterrupted)
	case err != nil:
		return err
	}
	return exitCode(code)
}

func sendSize(f *frames, tty *os.File) {
	cols, rows, err := term.GetSize(int(tty.Fd()))
	if err != nil {
		return
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(rows))
	f.send(wire.FrameResize, binary.BigEndian.AppendUint16(b, uint16(cols)))
}

// rawTerminal is a terminal that passes keys on instead of reading them.
type rawTerminal struct {
	fd int

	mu     sync.Mutex
	before *term.State // nil: it is as it was
	told   bool        // a signal has ended the session
}

func (r *rawTerminal) set() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before != nil {
		return nil
	}
	s, err := term.MakeRaw(r.fd)
	if err != nil {
		return fmt.Errorf("set up the terminal: %w", err)
	}
	r.before = s
	return nil
}

func (r *rawTerminal) restore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before != nil {
		term.Restore(r.fd, r.before)
		r.before = nil
	}
}

// end puts the terminal back and says that a signal was the reason.
func (r *rawTerminal) end() {
	r.restore()
	r.mu.Lock()
	r.told = true
	r.mu.Unlock()
}

func (r *rawTerminal) signalled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told
}

// escape passes keys on until a line begins with ~ and a dot, as ssh does; ~~ is ~.
type escape struct {
	in    interface{ Read([]byte) (int, error) }
	fresh bool // the last key ended a line
	tilde bool // and after it came ~, which is held back
	held  []byte
}

// Read implements io.Reader; errLeft is the escape.
func (e *escape) Read(b []byte) (int, error) {
	if len(e.held) > 0 {
		n := copy(b, e.held)
		e.held = e.held[n:]
		return n, nil
	}
	keys := make([]byte, max(len(b), 1))
	n, err := e.in.Read(keys)
	for _, k := range keys[:n] {
		switch {
		case e.tilde && k == '.':
			return 0, errLeft
		case e.tilde:
			e.tilde = false
			e.held = append(e.held, '~')
			if k == '~' {
				continue
			}
		case e.fresh && k == '~':
			e.tilde, e.fresh = true, false
			continue
		}
		e.held = append(e.held, k)
		e.fresh = k == '\r' || k == '\n'
	}
	n = copy(b, e.held)
	e.held = e.held[n:]
	if n > 0 {
		return n, nil
	}
	return 0, err
}
