package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Proc is a process of the network.
type Proc struct {
	Name string
	out  string // file of its stdout
	log  string // file of its stderr
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and err is set
	err  error
}

// stopFor is how long a process may take to stop in order.
const stopFor = 10 * time.Second

// start starts a process at a priority (nice, 0: as this one). What it writes
// is appended to base.out and base.log.
func start(name, base string, nice int, bin string, args ...string) (*Proc, error) {
	p := &Proc{Name: name, out: base + ".out", log: base + ".log", cmd: exec.Command(bin, args...), done: make(chan struct{})}
	os.Remove(p.out) // of an earlier start
	var files []io.Closer
	closeAll := func() {
		for _, f := range files {
			f.Close()
		}
	}
	defer closeAll() // the child has its own
	for _, f := range []struct {
		path string
		to   *io.Writer
	}{{p.out, &p.cmd.Stdout}, {p.log, &p.cmd.Stderr}} {
		h, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		*f.to = h
		files = append(files, h)
	}
	p.cmd.Env = environ()
	p.cmd.SysProcAttr = attributes()
	begun := make(chan error, 1)
	go func() {
		// The system ends the child when the thread that started it ends, and the
		// child takes over the thread's priority: so it gets a thread of its own,
		// which lives until the child is gone and is never used again.
		runtime.LockOSThread()
		defer close(p.done)
		if err := lower(nice); err != nil {
			begun <- err
			return
		}
		if err := p.cmd.Start(); err != nil {
			begun <- err
			return
		}
		begun <- nil
		p.err = p.cmd.Wait()
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// PID is the process's number.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Log is the file of what the process writes on stderr.
func (p *Proc) Log() string { return p.log }

// Done is closed when the process has ended.
func (p *Proc) Done() <-chan struct{} { return p.done }

// Kill ends the process with SIGKILL and waits for its end.
func (p *Proc) Kill() {
	p.cmd.Process.Kill() // one that has ended already is fine
	<-p.done
}

// Tell tells the process to stop, and does not wait.
func (p *Proc) Tell() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// Stop tells the process to stop, after a while that it should hurry, and after another
// kills it, with what it runs, if it is still there.
func (p *Proc) Stop() {
	for range 2 {
		if p.Tell() != nil { // Windows has no such signal
			p.Kill()
			return
		}
		t := time.NewTimer(stopFor)
		select {
		case <-p.done:
			t.Stop()
			return
		case <-t.C:
		}
	}
	if p.KillAll() != nil {
		p.Kill()
	}
}

// errEnded is what until returns when the process is gone.
var errEnded = errors.New("it ended")

// until waits until ok is true, and gives up when the process ends.
func (p *Proc) until(ctx context.Context, what string, ok func(context.Context) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	if err := poll(ctx, ok); err != nil {
		return fmt.Errorf("wait for %s of %s: %w%s", what, p.Name, context.Cause(ctx), p.lastWords())
	}
	return nil
}

// lastWords are the end of what the process logged.
func (p *Proc) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "; " + p.log + " ends with:\n  " + strings.Join(lines[max(0, len(lines)-4):], "\n  ")
}
