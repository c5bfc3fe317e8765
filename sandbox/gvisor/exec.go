//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// process is the sandbox.Process: a connection to the supervisor, which kills the
// program when it closes.
type process struct {
	a     *attempt
	pid   int32
	conn  *net.UnixConn
	tty   *os.File // the terminal's near end, or nil
	done  chan struct{}
	code  int
	close sync.Once
}

// drain is how long Wait waits for output after the end: another program of the box may
// have kept the streams.
const drain = 2 * time.Second

// Exec is sandbox.Interactive's.
func (a *attempt) Exec(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	p, err := a.start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("exec in %s: %w", a.task.ID, err)
	}
	return p, nil
}

func (a *attempt) start(ctx context.Context, c sandbox.Command) (*process, error) {
	if err := (sandbox.Spec{Root: "/", Out: "/", Log: "/", Args: c.Args, Env: c.Env}).Validate(); err != nil {
		return nil, err
	}
	r := execRequest{Args: c.Args, Env: environment(c.Env), Dir: c.Dir, TTY: c.TTY, Rows: c.Rows, Cols: c.Cols}
	if r.Dir == "" {
		r.Dir = a.task.Spec.Dir
	}
	if r.Dir == "" {
		r.Dir = "/"
	}
	s := &streams{}
	if !c.TTY {
		if err := s.pipes(c); err != nil {
			s.shut()
			return nil, err
		}
	}
	conn, err := a.dial(ctx, request{Op: "exec", Exec: &r}, s.theirs...)
	closeAll(s.theirs)
	if err != nil {
		s.shut()
		return nil, a.gone(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	var resp response
	files, err := receive(conn, &resp)
	if err == nil {
		err = resp.err()
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && c.TTY && len(files) != 1 {
		err = errors.New("the supervisor gave no terminal")
	}
	if err != nil {
		closeAll(files)
		s.shut()
		_ = conn.Close()
		return nil, a.gone(unstarted(c, err))
	}
	p := &process{a: a, pid: resp.PID, conn: conn, done: make(chan struct{})}
	if c.TTY {
		p.tty = files[0]
		s.terminal(c, p)
	}
	go p.await(s)
	return p, nil
}

// unstarted puts a program's fault in words.
func unstarted(c sandbox.Command, err error) error {
	name := quote(c.Args[0])
	switch {
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w: %s; hint: name a file of the image, or one in its PATH", sandbox.ErrNoProgram, name)
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %s: its working directory is not in the image", sandbox.ErrNotExecutable, name)
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("%w: %s is no program for linux/%s", sandbox.ErrNotExecutable, name, goarch)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: %s; hint: has it an executable bit?", sandbox.ErrNotExecutable, name)
	}
	return err
}

// streams are the near ends of a program's streams, and who copies them.
type streams struct {
	theirs []*os.File
	in     *os.File
	out    []*os.File
	copied sync.WaitGroup
}

// pipes makes the streams of a program without a terminal.
func (s *streams) pipes(c sandbox.Command) error {
	null := func() error {
		f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err == nil {
			s.theirs = append(s.theirs, f)
		}
		return err
	}
	if c.Stdin == nil {
		if err := null(); err != nil {
			return err
		}
	} else {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		s.theirs, s.in = append(s.theirs, r), w
		go func() { _, _ = io.Copy(w, c.Stdin); _ = w.Close() }()
	}
	for _, to := range []io.Writer{c.Stdout, c.Stderr} {
		if to == nil {
			if err := null(); err != nil {
				return err
			}
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		s.theirs, s.out = append(s.theirs, w), append(s.out, r)
		s.copied.Go(func() { _, _ = io.Copy(to, r) })
	}
	return nil
}

// terminal copies to and from a terminal. Its end reads as an error.
func (s *streams) terminal(c sandbox.Command, p *process) {
	tty := p.tty
	if c.Stdin != nil {
		go func() { _, _ = io.Copy(keyboard{p}, c.Stdin) }()
	}
	to := c.Stdout
	if to == nil {
		to = io.Discard
	}
	s.out = []*os.File{tty}
	s.copied.Go(func() { _, _ = io.Copy(to, tty) })
}

// keyboard writes to a terminal, and does what the kernel cannot here: it knows the
// terminal's processes, which are another kernel's, by no number, so the keys that send
// signals would be without effect.
type keyboard struct{ p *process }

func (k keyboard) Write(b []byte) (int, error) {
	n, err := k.p.tty.Write(b)
	if err != nil {
		return n, err
	}
	t, err := unix.IoctlGetTermios(int(k.p.tty.Fd()), unix.TCGETS)
	if err != nil || t.Lflag&unix.ISIG == 0 {
		return n, nil
	}
	for _, c := range b[:n] {
		switch {
		case c == 0: // _POSIX_VDISABLE
		case c == t.Cc[unix.VINTR]:
			_ = k.p.Signal(int(unix.SIGINT))
		case c == t.Cc[unix.VQUIT]:
			_ = k.p.Signal(int(unix.SIGQUIT))
		case c == t.Cc[unix.VSUSP]:
			_ = k.p.Signal(int(unix.SIGTSTP))
		}
	}
	return n, nil
}

func (s *streams) shut() {
	closeAll(s.theirs)
	closeAll(s.out)
	if s.in != nil {
		_ = s.in.Close()
	}
}

// await stays with the program to its end.
func (p *process) await(s *streams) {
	var resp response
	_, err := receive(p.conn, &resp)
	switch {
	case err == nil && resp.Code != nil:
		p.code = *resp.Code
	default:
		p.code = 128 + int(unix.SIGKILL) // it ended with its box
	}
	copied := make(chan struct{})
	go func() { s.copied.Wait(); close(copied) }()
	t := time.NewTimer(drain)
	defer t.Stop()
	select {
	case <-copied:
	case <-t.C:
	}
	s.shut()
	p.Kill()
	close(p.done)
}

// Resize is sandbox.Process'.
func (p *process) Resize(rows, cols uint16) error {
	if p.tty == nil {
		return errors.New("resize: the program has no terminal")
	}
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		return fmt.Errorf("resize: %w", err)
	}
	return p.Signal(int(unix.SIGWINCH)) // the box does not see the size change
}

// Signal is sandbox.Process'.
func (p *process) Signal(n int) error {
	if _, _, err := p.a.call(context.Background(), request{Op: "signal", PID: p.pid, Signal: n, TTY: p.tty != nil}); err != nil {
		return fmt.Errorf("send signal %d: %w", n, err)
	}
	return nil
}

// Wait is sandbox.Process'.
func (p *process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.code, nil
	default:
	}
	select {
	case <-p.done:
		return p.code, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Kill is sandbox.Process'.
func (p *process) Kill() { p.close.Do(func() { _ = p.conn.CloseWrite() }) }
