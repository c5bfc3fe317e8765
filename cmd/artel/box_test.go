package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
	"github.com/creack/pty"
)

// box answers visits as a provider does, with real programs, terminals and ports
// of this machine in place of a container's.
type box struct{ dir string }

func (b box) visit(v api.VisitRequest, rw io.ReadWriteCloser) {
	f := &frames{ReadWriteCloser: rw}
	defer f.Close()
	var err error
	switch v.Kind {
	case wire.VisitExec:
		err = b.exec(v, f)
	case wire.VisitDial:
		err = b.dial(v, f)
	case wire.VisitUsage:
		for {
			if _, _, err := wire.ReadFrame(f, nil); err != nil {
				return
			}
			f.send(wire.FrameReading, wire.Reading{CPU: 1500, Wall: 3000, Memory: 64 << 20, Processes: 2, Sent: 10}.Marshal())
		}
	}
	if err != nil {
		f.send(wire.FrameError, []byte(err.Error()))
	}
}

// out sends what is written to it as frames.
type out struct {
	f    *frames
	kind wire.Frame
}

func (o out) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), 32<<10)
		if err := o.f.send(o.kind, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func (b box) exec(v api.VisitRequest, f *frames) error {
	if v.Args[0] == "evil" { // a provider that sends what it likes
		return evil(v, f)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "no-"+v.Args[0])); err == nil {
		return notThere(v.Args[0], f)
	}
	cmd := exec.Command(v.Args[0], v.Args[1:]...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), v.Env...)
	if v.Dir != "" {
		cmd.Dir = v.Dir
	}
	var stdin io.WriteCloser
	var tty *os.File
	var copied sync.WaitGroup
	var err error
	if v.TTY {
		tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: v.Rows, Cols: v.Cols})
		if err == nil {
			stdin = tty
			copied.Go(func() { io.Copy(out{f, wire.FrameOut}, tty) })
		}
	} else {
		cmd.Stdout, cmd.Stderr = out{f, wire.FrameOut}, out{f, wire.FrameErr}
		if stdin, err = cmd.StdinPipe(); err == nil {
			err = cmd.Start()
		}
	}
	if err != nil {
		return notThere(v.Args[0], f)
	}
	go func() {
		defer cmd.Process.Kill() // whoever looked in has left
		for {
			kind, b, err := wire.ReadFrame(f, nil)
			switch {
			case err != nil:
				return
			case kind == wire.FrameIn:
				stdin.Write(b)
			case kind == wire.FrameInEnd && !v.TTY:
				stdin.Close()
			case kind == wire.FrameResize && v.TTY:
				pty.Setsize(tty, &pty.Winsize{Rows: binary.BigEndian.Uint16(b), Cols: binary.BigEndian.Uint16(b[2:])})
			case kind == wire.FrameSignal:
				cmd.Process.Signal(syscall.Signal(b[0]))
			}
		}
	}()
	copied.Wait()
	code := 0
	var ee *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &ee) {
		if code = ee.ExitCode(); code < 0 {
			code = 128 + int(ee.Sys().(syscall.WaitStatus).Signal())
		}
	}
	return f.send(wire.FrameExit, binary.BigEndian.AppendUint32(nil, uint32(code)))
}

// notThere is how a provider tells of a program that the image has not.
func notThere(name string, f *frames) error {
	if err := f.send(wire.FrameErr, fmt.Appendf(nil, "there is no such program in the image: %q\n", name)); err != nil {
		return err
	}
	return f.send(wire.FrameExit, binary.BigEndian.AppendUint32(nil, wire.ExitNoProgram))
}

// evil sends the file named by its first argument as output, or as a frame of the kind that
// is its second.
func evil(v api.VisitRequest, f *frames) error {
	b, err := os.ReadFile(v.Args[1])
	if err != nil {
		return err
	}
	kind := wire.FrameOut
	if len(v.Args) > 2 {
		n, err := strconv.Atoi(v.Args[2])
		if err != nil {
			return err
		}
		kind = wire.Frame(n)
	}
	if _, err := (out{f, kind}).Write(b); err != nil {
		return err
	}
	return f.send(wire.FrameExit, make([]byte, 4))
}

func (b box) dial(v api.VisitRequest, f *frames) error {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", v.Port))
	if err != nil {
		return errors.New("nothing listens on that port")
	}
	conn := c.(*net.TCPConn)
	defer conn.Close()
	got := make(chan struct{})
	go func() {
		defer close(got)
		if _, err := io.Copy(out{f, wire.FrameOut}, conn); err == nil {
			f.send(wire.FrameOutEnd, nil)
		}
	}()
	for {
		kind, b, err := wire.ReadFrame(f, nil)
		if err != nil {
			break
		}
		switch kind {
		case wire.FrameIn:
			if _, err := conn.Write(b); err != nil {
				return nil
			}
		case wire.FrameInEnd:
			conn.CloseWrite()
		}
	}
	conn.Close()
	<-got
	return nil
}
