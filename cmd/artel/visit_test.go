//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/api/fake"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// visited starts a fake node behind the real API, with a container that runs.
func visited(t *testing.T) (socket string, c *api.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "a") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := api.ListenUnix(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	n := fake.New()
	n.OnVisit(box{t.TempDir()}.visit)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- api.NewServer(n, api.Version{Program: "artel"}, slog.New(slog.DiscardHandler)).Serve(ctx, l, api.Guard{Local: true})
	}()
	t.Cleanup(func() { cancel(); <-done; os.RemoveAll(dir) })
	c = api.NewUnixClient(filepath.Join(dir, "s"))
	t.Cleanup(c.Close)
	if _, err := c.Deposit(ctx, artel.Units(1000)); err != nil {
		t.Fatal(err)
	}
	spec := artel.JobSpec{Name: "slow", Count: 1, Sandbox: sandboxImage, Wall: 1000, Tries: 1, Failover: artel.FailoverNormal, Box: artel.Box{Image: artel.Hash{1}}}
	if _, err := c.Submit(ctx, api.SubmitRequest{Key: strings.Repeat("k", 16), Spec: spec}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "s"), c
}

// console is artel at a terminal.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File // the end that a person sees
	name *os.File // the end that artel has
	seen bytes.Buffer
	out  chan []byte
}

func atTerminal(t *testing.T, socket string, args ...string) *console {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	tty, name, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 33, Cols: 101}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "artel"), args...)
	cmd.Env = append(os.Environ(), "ARTEL_SOCKET="+socket, "TERM=vt100", "PS1=$ ", "ENV=", "BASH_ENV=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = name, name, name
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c := &console{t: t, cmd: cmd, tty: tty, name: name, out: make(chan []byte, 1024)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.out)
		for {
			b := make([]byte, 4096)
			n, err := tty.Read(b)
			if err != nil {
				return
			}
			c.out <- b[:n]
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); name.Close(); tty.Close() })
	return c
}

func (c *console) keys(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.tty, s); err != nil {
		c.t.Fatal(err)
	}
}

// wants waits until the terminal has shown s, and forgets what came before.
func (c *console) wants(s string) {
	c.t.Helper()
	limit := time.After(time.Minute)
	for {
		if i := bytes.Index(c.seen.Bytes(), []byte(s)); i >= 0 {
			c.seen.Next(i + len(s))
			return
		}
		select {
		case b, ok := <-c.out:
			if !ok {
				c.t.Fatalf("the terminal closed before %q; it shows %q", s, c.seen.String())
			}
			c.seen.Write(b)
		case <-limit:
			c.t.Fatalf("waited for %q; the terminal shows %q", s, c.seen.String())
		}
	}
}

// ends waits for artel and wants its exit code and a terminal as it was.
func (c *console) ends(code int, before *term.State) {
	c.t.Helper()
	err := c.cmd.Wait()
	var ee *exec.ExitError
	got := 0
	if errors.As(err, &ee) {
		got = ee.ExitCode()
	}
	if got != code {
		c.t.Errorf("exit code %d, want %d", got, code)
	}
	after, err := term.GetState(int(c.name.Fd()))
	if err != nil {
		c.t.Fatal(err)
	}
	if *after != *before {
		c.t.Errorf("the terminal is not as it was: %+v, was %+v", after, before)
	}
}

func (c *console) state() *term.State {
	c.t.Helper()
	s, err := term.GetState(int(c.name.Fd()))
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func TestShell(t *testing.T) {
	socket, _ := visited(t)
	c := atTerminal(t, socket, "shell", "a0000001")
	before := c.state()
	// Its size, from the start and when it changes; what is typed arrives as keys.
	c.keys("stty size; echo term=$TERM done\r")
	c.wants("33 101")
	c.wants("term=vt100 done")
	if err := pty.Setsize(c.tty, &pty.Winsize{Rows: 50, Cols: 132}); err != nil {
		t.Fatal(err)
	}
	c.keys("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo resi''zed\r")
	c.wants("resized")
	// Ctrl-C goes to the program in front, and not to artel.
	c.keys("echo o''n; cat\r")
	c.wants("on\r\n")
	c.keys("typed\r")
	c.wants("typed\r\ntyped")
	c.keys("\x04")
	c.keys("sh -c 'trap \"echo c$((40+2))t; exit\" INT; echo o$((1+1))n; while :; do sleep 0.05; done'\r")
	c.wants("o2n")
	c.keys("\x03") // drops what was typed before it, so the rest comes after its answer
	c.wants("c42t")
	c.keys("exit 5\r")
	c.ends(5, before)
}

// However a session ends, the terminal is as it was.
func TestShellPutsTheTerminalBack(t *testing.T) {
	socket, _ := visited(t)
	for _, r := range []struct {
		name string
		end  func(c *console)
		code int
	}{
		{"escape", func(c *console) { c.keys("\r~.") }, exitInterrupted},
		{"SIGTERM", func(c *console) { c.cmd.Process.Signal(syscall.SIGTERM) }, exitInterrupted},
		{"SIGHUP", func(c *console) { c.cmd.Process.Signal(syscall.SIGHUP) }, exitInterrupted},
		{"SIGQUIT", func(c *console) { c.cmd.Process.Signal(syscall.SIGQUIT) }, exitInterrupted},
		{"killed", func(c *console) { c.keys("kill -9 $$\r") }, 137},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := atTerminal(t, socket, "exec", "-t", "a0000001", "--", "sh")
			before := c.state()
			c.keys("echo rea''dy\r")
			c.wants("ready")
			if *c.state() == *before {
				t.Error("the terminal is not raw")
			}
			r.end(c)
			c.ends(r.code, before)
		})
	}
}

func TestEscape(t *testing.T) {
	for _, r := range []struct {
		in, want string
		left     bool
	}{
		{"ls\r", "ls\r", false}, {"~.", "", true}, {"a~.", "a~.", false}, {"a\r~.b", "a\r", true}, {"\r~~.", "\r~.", false}, {"~x~.", "~x~.", false}, {"~~~.\r~.", "~~~.\r"[1:], true},
	} {
		for _, each := range []int{1, 3, 100} { // however the keys come
			e := &escape{in: &few{strings.NewReader(r.in), each}, fresh: true}
			b, err := io.ReadAll(e)
			if string(b) != r.want && !(errors.Is(err, errLeft) && strings.HasPrefix(r.want, string(b))) || errors.Is(err, errLeft) != r.left {
				t.Errorf("%q by %d: got %q, %v", r.in, each, b, err)
			}
		}
	}
}

type few struct {
	io.Reader
	n int
}

func (f *few) Read(b []byte) (int, error) { return f.Reader.Read(b[:min(len(b), f.n)]) }

func TestPlain(t *testing.T) {
	var b bytes.Buffer
	p := &plain{w: &b}
	for _, c := range []byte("ä€😀\x1b[2J\a\r\n\u202e\xffok\tdone") {
		if n, err := p.Write([]byte{c}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := "ä€😀·[2J·\r\n··ok\tdone"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// Ctrl-C interrupts the program that exec runs, and its code is passed on.
func TestExecIsInterrupted(t *testing.T) {
	socket, _ := visited(t)
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "artel"), "exec", "a0", "--", "sh", "-c", "trap 'echo tidy; exit 9' INT; echo ready; while :; do sleep 0.05; done")
	cmd.Env = append(os.Environ(), "ARTEL_SOCKET="+socket)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(stdout, b); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(os.Interrupt)
	rest, err := io.ReadAll(stdout)
	if err != nil || string(rest) != "tidy\n" {
		t.Errorf("got %q, %v", rest, err)
	}
	var ee *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ee) || ee.ExitCode() != 9 {
		t.Errorf("got %v, want exit code 9", err)
	}
}
