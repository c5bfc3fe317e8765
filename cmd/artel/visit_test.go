//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
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
	c.keys("\x03")
	c.keys("echo af''ter\r")
	c.wants("after")
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

// What a task sends for a copy is a stranger's.
func TestUntarIsNotFooled(t *testing.T) {
	file := func(name string) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o4755, Size: 3}
	}
	for _, r := range []struct {
		name    string
		headers []*tar.Header
		err     string
		left    int
	}{
		{"a file", []*tar.Header{file("./base")}, "", 0},
		{"a directory", []*tar.Header{{Typeflag: tar.TypeDir, Name: "./base/", Mode: 0}, file("base/a"), file("base/b/c")}, "", 0},
		{"absolute", []*tar.Header{file("/etc/passwd")}, "is not inside base", 0},
		{"up", []*tar.Header{file("base/../../x")}, "is not inside base", 0},
		{"beside", []*tar.Header{file("basement")}, "is not inside base", 0},
		{"another", []*tar.Header{file("other")}, "is not inside base", 0},
		{"nothing", []*tar.Header{file("")}, "is not inside base", 0},
		{"through a link", []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "base/l", Linkname: "/tmp"}, file("base/l/x")}, "", 1},
		{"links alone", []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "base", Linkname: "/etc/shadow"}}, "", 1},
		{"hard link out", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "/etc/passwd"}}, "is not inside base", 0},
		{"hard link up", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "base/../../x"}}, "is not inside base", 0},
		{"hard link", []*tar.Header{file("base/a"), {Typeflag: tar.TypeLink, Name: "base/l", Linkname: "./base/a"}}, "", 0},
		{"hard link to nothing", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "base/a"}}, "no such file", 0},
		{"devices", []*tar.Header{{Typeflag: tar.TypeChar, Name: "base/c", Devmajor: 1, Devminor: 3}, {Typeflag: tar.TypeBlock, Name: "base/b"}, {Typeflag: tar.TypeFifo, Name: "base/f"}}, "", 3},
		{"twice", []*tar.Header{file("base/a"), file("base/a")}, "file exists", 0},
		{"file as directory", []*tar.Header{file("base"), file("base/a")}, "exists", 0},
		{"large", []*tar.Header{{Typeflag: tar.TypeReg, Name: "base", Size: 1 << 40}}, "more than the limit", 0},
		{"large together", []*tar.Header{file("base/a"), file("base/b"), file("base/c"), file("base/d")}, "more than the limit", 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			for _, h := range r.headers {
				if err := w.WriteHeader(h); err != nil {
					t.Fatal(err)
				}
				if h.Size == 3 {
					io.WriteString(w, "abc")
				}
			}
			w.Flush() // a tar that ends in the middle ends with an error
			if r.err == "" {
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			outer := t.TempDir()
			dir := filepath.Join(outer, "in")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			got, err := untar(&b, dir, "base", 10)
			if r.err == "" && err != nil || r.err != "" && (err == nil || !strings.Contains(err.Error(), r.err)) || got.left != r.left {
				t.Errorf("got %+v, %v; want %q and %d left out", got, err, r.err, r.left)
			}
			err = filepath.WalkDir(outer, func(p string, d os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				fi, err := d.Info()
				if err != nil {
					return err
				}
				if !fi.IsDir() && (!fi.Mode().IsRegular() || fi.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 || !strings.HasPrefix(p, filepath.Join(dir, "base"))) {
					t.Errorf("%s is %s", p, fi.Mode())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("without end", func(t *testing.T) {
		if _, err := untar(io.MultiReader(bytes.NewReader(make([]byte, 1024)), zeros{}), t.TempDir(), "base", 10); err == nil {
			t.Error("zeros without end were taken for a tar")
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Connections are forwarded side by side, whole, and each half of one may end
// before the other.
func TestForward(t *testing.T) {
	_, c := visited(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // answers once the question is whole
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b, _ := io.ReadAll(conn)
				io.WriteString(conn, strings.ToUpper(string(b)))
			}()
		}
	}()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	fl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	a := &app{err: stderr, out: stderr}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.accept(ctx, c, target{"a0000001", 0}, &forwarding{Listener: fl, Port: port}, make(chan struct{}, 4))
	}()
	text := strings.Repeat("abcdefgh", 50_000)
	errs := make(chan error, 10)
	for range cap(errs) {
		go func() {
			errs <- func() error {
				conn, err := net.Dial("tcp", fl.Addr().String())
				if err != nil {
					return err
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, text); err != nil {
					return err
				}
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					return err
				}
				b, err := io.ReadAll(conn)
				if err == nil && string(b) != strings.ToUpper(text) {
					err = errors.New("the answer is not what was asked for")
				}
				return err
			}()
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	// Nobody listens any more: the connection here ends, and artel says why.
	l.Close()
	if conn, err := net.Dial("tcp", fl.Addr().String()); err == nil { // it may be reset before it is there
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	cancel()
	fl.Close()
	<-ended
	if b, _ := os.ReadFile(stderr.Name()); !strings.Contains(string(b), "nothing listens on that port") {
		t.Errorf("artel says %q", b)
	}
}

func TestParseForward(t *testing.T) {
	for in, want := range map[string][2]uint16{"8080": {8080, 8080}, "8000:80": {8000, 80}, "0:80": {0, 80}} {
		if l, p, err := parseForward(in); err != nil || l != want[0] || p != want[1] {
			t.Errorf("%s: %d, %d, %v", in, l, p, err)
		}
	}
	for _, in := range []string{"", "0", "x", "80:0", "1:2:3", "70000", "-1", "80:", ":80", "127.0.0.1:80:80"} {
		if _, _, err := parseForward(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
