//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/sentry/control"
	"gvisor.dev/gvisor/pkg/sentry/kernel/auth"
	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"
	"gvisor.dev/gvisor/runsc/container"
	"gvisor.dev/gvisor/runsc/specutils"

	"github.com/artel-network/artel/sandbox"
)

// serve answers the holder until the listener closes.
func (s *supervisor) serve(l *net.UnixListener, conns *sync.WaitGroup) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		conns.Go(func() {
			defer c.Close()
			s.answer(c)
		})
	}
}

// lastWords is how long a supervisor that has ended waits for who listens.
const lastWords = 2 * time.Second

func (s *supervisor) answer(c *net.UnixConn) {
	// When all is over, nobody can keep this process by not listening.
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-s.ended:
			_ = c.SetDeadline(time.Now().Add(lastWords))
		case <-over:
		}
	}()
	var r request
	files, err := receive(c, &r)
	if err != nil {
		return
	}
	defer closeAll(files)
	switch r.Op {
	case "hold":
		s.hold(1)
		defer s.hold(-1)
		gone := make(chan struct{})
		go func() { _, _ = c.Read(make([]byte, 1)); close(gone) }()
		select {
		case <-s.ended:
			_ = send(c, response{Exit: &s.exit})
		case <-gone:
		}
	case "kill":
		s.stop(sandbox.Killed)
		_ = send(c, response{})
	case "follow":
		s.follow(c)
	case "usage":
		u := s.usage()
		_ = send(c, response{Usage: &u})
	case "exec":
		s.exec(c, r.Exec, files)
	case "signal":
		_ = send(c, s.try(func(box *container.Container) error {
			return box.Sandbox.SignalProcess(box.ID, r.PID, unix.Signal(r.Signal), r.TTY)
		}))
	case "terminate":
		_ = send(c, s.terminate())
	case "dial":
		s.dial(c, r.Port)
	case "freeze":
		ctx, cancel := context.WithTimeout(context.Background(), freezeFor)
		defer cancel()
		_ = send(c, s.freeze(ctx))
	case "thaw":
		_ = send(c, s.thaw())
	case "checkpoint":
		if len(files) != 1 {
			return
		}
		gone := make(chan struct{})
		go func() { _, _ = c.Read(make([]byte, 1)); close(gone) }()
		_ = send(c, s.checkpoint(files[0], r.Stop, gone))
	}
}

// box is the running container, or nil.
func (s *supervisor) box() *container.Container {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun.IsZero() {
		return nil
	}
	return s.running
}

// try does f with the running box, and puts its error in words for the holder.
func (s *supervisor) try(f func(*container.Container) error) response {
	select { // an attempt that has just been started has hardly begun
	case <-s.up:
	case <-s.ended:
	}
	box := s.box()
	if box == nil || box.Sandbox == nil {
		return response{Ended: true}
	}
	err := f(box)
	var why unmovable
	switch {
	case err == nil:
		return response{}
	case errors.As(err, &why):
		return response{NotMovable: why.Error()}
	case errors.Is(err, sandbox.ErrEnded):
		return response{Ended: true}
	case errors.Is(err, sandbox.ErrFrozen):
		return response{Frozen: true}
	case s.box() == nil || !box.IsSandboxRunning(), unheard(err) && errors.Is(s.ending(box, err), sandbox.ErrEnded):
		return response{Ended: true}
	case strings.Contains(err.Error(), "connection was refused"), strings.Contains(err.Error(), "connection refused"):
		return response{Errno: unix.ECONNREFUSED}
	case strings.Contains(err.Error(), "no such process"):
		return response{Errno: unix.ESRCH}
	}
	if f, ok := faultOf(err); ok {
		return response{Errno: f.errno}
	}
	return response{Err: err.Error()}
}

// unheard says that gVisor's kernel did not take up what it was told, as one that is about
// to end does not: nobody listens any more, it hung up, or it has no program any more. Not
// all that gVisor says can be unwrapped.
func unheard(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return true
	}
	text := err.Error()
	for _, mark := range []string{"connecting to control server", "no control socket", `container "box" has stopped`, `container "box" not started`} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return strings.HasSuffix(text, ": EOF") || strings.HasSuffix(text, ": broken pipe") || strings.HasSuffix(text, ": connection reset by peer")
}

// endFor is how long a sandbox that does not answer any more may take to end.
const endFor = 5 * time.Second

// ending is ErrEnded where gVisor did not do what it was told because its end was on the
// way, and err where it lives on.
func (s *supervisor) ending(box *container.Container, err error) error {
	for end := time.Now().Add(endFor); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if s.box() == nil || !box.IsSandboxRunning() {
			return sandbox.ErrEnded
		}
	}
	return err
}

func (s *supervisor) follow(c *net.UnixConn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _, _ = c.Read(make([]byte, 1)); cancel() }()
	select { // who follows an attempt that has just been started may be early
	case <-s.logged:
	case <-s.ended:
	}
	if s.log == nil {
		return // the holder reads the file
	}
	_ = s.log.Follow(ctx, c)
}

func (s *supervisor) usage() sandbox.Usage {
	cpu, _ := s.meter()
	u := sandbox.Usage{CPUMillis: ceilMillis(cpu)}
	s.mu.Lock()
	u.WallMillis = ceilMillis(s.clock.Read())
	frozen := s.frozen
	s.mu.Unlock()
	if s.grp != nil {
		u.MemoryBytes = s.grp.memory()
	} else if box := s.box(); box != nil && box.Sandbox != nil {
		if m, err := box.Sandbox.Usage(false); err == nil {
			u.MemoryBytes = int64(m.Total)
		}
	}
	if box := s.box(); box != nil && box.Sandbox != nil && !(frozen && s.grp.freezer()) { // it could not answer
		if list, err := box.Sandbox.Processes(box.ID); err == nil {
			u.Processes = int64(len(list))
		}
	}
	s.mu.Lock()
	net := s.net
	s.mu.Unlock()
	u.SentBytes, u.GotBytes = net.counts()
	u.OutputBytes, _ = measure(s.task.Spec.Out)
	if s.log != nil {
		u.LogBytes, _ = s.log.Counts()
	}
	return u
}

// over is an environment with more of it, which comes first where both name a
// variable.
func over(env, more []string) []string {
	named := map[string]bool{}
	for _, e := range more {
		k, _, _ := strings.Cut(e, "=")
		named[k] = true
	}
	out := slices.Clone(more)
	for _, e := range env {
		if k, _, _ := strings.Cut(e, "="); !named[k] {
			out = append(out, e)
		}
	}
	return out
}

// exec runs another program in the box for as long as the connection lives.
func (s *supervisor) exec(c *net.UnixConn, r *execRequest, files []*os.File) {
	fail := func(err error) { _ = send(c, response{Err: err.Error()}) }
	if r == nil || len(r.Args) == 0 || !r.TTY && len(files) != 3 {
		fail(errors.New("exec without a command or its streams"))
		return
	}
	var master *os.File
	if r.TTY {
		m, replica, err := pty.Open()
		if err != nil {
			fail(fmt.Errorf("open a terminal: %w", err))
			return
		}
		defer m.Close()
		defer func() { closeAll(files) }()
		master, files = m, []*os.File{replica, replica, replica}
		_ = pty.Setsize(m, &pty.Winsize{Rows: r.Rows, Cols: r.Cols})
	}
	var pid int32
	resp := s.try(func(box *container.Container) error {
		p := box.Spec.Process
		caps, err := specutils.Capabilities(false, p.Capabilities)
		if err != nil {
			return err
		}
		args := &control.ExecArgs{
			Argv: r.Args, Envv: over(p.Env, r.Env), WorkingDirectory: r.Dir, KUID: auth.KUID(p.User.UID), KGID: auth.KGID(p.User.GID),
			Capabilities: caps, StdioIsPty: r.TTY, NoNewPrivileges: true, SupportTTYs: true, ContainerID: box.ID,
			FilePayload: control.NewFilePayload(map[int]*os.File{0: files[0], 1: files[1], 2: files[2]}, nil),
		}
		pid, err = box.Execute(s.conf, args)
		return err
	})
	closeAll(files) // the box has its own
	if resp.err() != nil {
		_ = send(c, resp)
		return
	}
	answer := response{PID: pid}
	var err error
	if master != nil {
		err = send(c, answer, master)
	} else {
		err = send(c, answer)
	}
	box := s.box()
	if box == nil {
		_ = send(c, response{Ended: true})
		return
	}
	left := make(chan struct{})
	go func() { // the holder has gone, or wants it to end
		_, _ = c.Read(make([]byte, 1))
		close(left)
	}()
	ended := make(chan response, 1)
	go func() {
		ws, err := box.Sandbox.WaitPID(box.ID, pid)
		if err != nil {
			ended <- response{Ended: true}
			return
		}
		code := ws.ExitStatus()
		if ws.Signaled() {
			code = 128 + int(ws.Signal())
		}
		ended <- response{Code: &code}
	}()
	if err == nil {
		select {
		case r := <-ended:
			_ = send(c, r)
			return
		case <-left:
		}
	}
	_ = s.try(func(box *container.Container) error {
		return box.Sandbox.SignalProcess(box.ID, pid, unix.SIGKILL, false)
	})
	select {
	case r := <-ended:
		_ = send(c, r)
	case <-s.ended:
	}
}

// dial connects the holder with a port in the box.
func (s *supervisor) dial(c *net.UnixConn, port uint16) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		_ = send(c, response{Err: err.Error()})
		return
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "dial"), os.NewFile(uintptr(pair[1]), "dial")
	defer ours.Close()
	defer theirs.Close()
	resp := s.try(func(box *container.Container) error {
		return box.PortForward(&boot.PortForwardOpts{FilePayload: urpc.FilePayload{Files: []*os.File{theirs}}, ContainerID: box.ID, Port: port})
	})
	if resp.err() != nil {
		_ = send(c, resp)
		return
	}
	_ = send(c, resp, ours)
}
