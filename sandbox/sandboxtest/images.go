package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func testImages(t *testing.T, s *suite) {
	t.Run("ReadOnly", func(t *testing.T) {
		before := snapshot(t, filepath.Join(s.target.Root, "etc"))
		j := s.run(s.job(t, "scribble", "/etc/new", "/etc/mark", "/tmp/x")).wantExit(0)
		j.wantLog("wrote /etc/new", "wrote /etc/mark", "wrote /tmp/x")
		if snapshot(t, filepath.Join(s.target.Root, "etc")) != before {
			t.Error("the image was changed")
		}
		s.run(s.job(t, "peek", "/etc/mark", "/etc/new")).wantExit(0).wantLog(`/etc/mark "image" true`, `/etc/new "" false`)
	})
	t.Run("DirAndPath", func(t *testing.T) {
		j := s.job(t)
		j.spec.Args, j.spec.Dir, j.spec.Env = []string{"program", "where"}, "/etc", map[string]string{"PATH": "/bin:/"}
		s.run(j).wantExit(0).wantLog("in /etc")
	})
	t.Run("User", func(t *testing.T) {
		for _, row := range []struct{ user, want string }{{"", "user 0:0"}, {"1000", "user 1000:0"}, {"1000:2000", "user 1000:2000"}} {
			j := s.job(t, "who")
			j.spec.User = row.user
			s.run(j).wantExit(0).wantLog(row.want, "out true", "layer true")
			if j.out("made") != "made" {
				t.Errorf("user %q left %s", row.user, snapshot(t, j.spec.Out))
			}
		}
		for _, user := range []string{"root", "-1", "1:", "4294967295"} {
			j := s.job(t, "ok")
			j.spec.User = user
			if _, err := s.box.Start(t.Context(), "user", j.spec); !errors.Is(err, sandbox.ErrSpec) {
				t.Errorf("user %q: %v, want ErrSpec", user, err)
			}
		}
	})
	t.Run("NoSuchProgram", func(t *testing.T) {
		for _, args := range [][]string{{"/no-such-program"}, {"no-such-program"}, {"/etc"}, {"/etc/mark"}} {
			j := s.job(t)
			j.spec.Args = args
			s.run(j).wantReason(sandbox.BadProgram)
			t.Log(j.exit.Message)
		}
	})
	t.Run("Host", func(t *testing.T) {
		secret := filepath.Join(s.root, "owner")
		if err := os.WriteFile(secret, []byte("the owner's secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		other := s.job(t, "ok").in("file", "another task's secret")
		j := s.run(s.job(t, "hunt", "secret", secret, other.spec.In+"/file", "/proc/1/environ", "/proc/1/root"+secret, "/proc/self/root"+secret,
			"/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/sys/kernel/debug", "/proc/sys/kernel/hostname", "/in/../.."+secret, "/out/../../../.."+secret))
		j.wantExit(0).wantLog("nothing found")
	})
	t.Run("Symlinks", func(t *testing.T) {
		secret := filepath.Join(s.root, "behind")
		if err := os.WriteFile(secret, []byte("the owner's"), 0o644); err != nil {
			t.Fatal(err)
		}
		j := s.run(s.job(t, "leavelinks", secret))
		if j.exit.Reason != sandbox.Exited {
			t.Fatalf("%v; log %s", j.exit, j.log())
		}
		if got, err := os.Readlink(filepath.Join(j.spec.Out, "dir", "inside")); err != nil || got != "../file" {
			t.Errorf("a link that stays inside: %q, %v", got, err)
		}
		for _, name := range []string{"abs", "up", "dangling", "loop", "swapped"} {
			if _, err := os.Lstat(filepath.Join(j.spec.Out, name)); err == nil {
				t.Errorf("%s was left:\n%s", name, snapshot(t, j.spec.Out))
			}
		}
		if !strings.Contains(j.exit.Message, "left out") {
			t.Errorf("message %q does not say that links were left out", j.exit.Message)
		}
	})
	t.Run("SpecialFiles", func(t *testing.T) {
		j := s.run(s.job(t, "special")).wantExit(0) // what it may seem to have made is not on the host
		err := filepath.WalkDir(j.spec.Out, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode()&^(os.ModePerm|os.ModeDir) != 0 {
				t.Errorf("%s is left as %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if j.out("new\nline") != "x" {
			t.Error("a name with a newline is missing")
		}
	})
	t.Run("Attacks", func(t *testing.T) {
		j := s.run(s.job(t, "attacks")).wantExit(0)
		for _, line := range strings.Split(strings.TrimSpace(j.log()), "\n") {
			if !strings.HasPrefix(line, "refused") {
				t.Errorf("%s", line)
			}
		}
	})
	t.Run("IgnoresSIGTERM", func(t *testing.T) {
		j := s.job(t, "stubborn")
		j.spec.Limits.WallMillis = 500
		s.run(j).wantReason(sandbox.OutOfTime)
	})
	t.Run("SleepsForEver", func(t *testing.T) {
		j := s.job(t, "sleep", "1000000")
		j.spec.Limits.WallMillis = 300
		s.run(j).wantReason(sandbox.OutOfTime)
	})
	t.Run("RunsWhatItMade", func(t *testing.T) {
		s.run(s.job(t, "selfcopy", "/out/program", "/tmp/program")).wantExit(0).wantLog("ran /out/program", "ran /tmp/program")
	})
}

func testCPU(t *testing.T, s *suite) {
	j := s.job(t, "burn", "1500")
	j.spec.Limits.CPUMillis = 300
	s.run(j).wantExit(0)
	// Four threads want four cores for 1.5 s, and get 0.3 of one; starting costs some too.
	if used := j.exit.CPUMillis; used > 1500 {
		t.Errorf("used %d ms of processor in %d ms, limit 300 a second", used, j.exit.WallMillis)
	}
	j = s.job(t, "cores")
	j.spec.Limits.CPUMillis = 1000
	s.run(j).wantExit(0).wantLog("cores 1")
}

func testProcesses(t *testing.T, s *suite) {
	for _, user := range []string{"", "1000:1000"} {
		t.Run("Bomb as "+user, func(t *testing.T) {
			j := s.job(t, "forkbomb")
			j.spec.User = user
			j.spec.Limits.Processes, j.spec.Limits.WallMillis = 64, 20_000
			s.run(j)
			if j.exit.Reason == sandbox.Exited {
				j.wantLog("fork refused")
			} else if !j.exit.Reason.Fault() {
				t.Errorf("%v; log %.1000s", j.exit, j.log())
			}
		})
	}
	t.Run("Threads", func(t *testing.T) {
		j := s.job(t, "threads", "5000")
		j.spec.Limits.Processes = 200
		s.run(j)
		if j.exit.OK() || !j.exit.Reason.Fault() && j.exit.Reason != sandbox.Exited {
			t.Errorf("5000 threads: %v; log %.1000s", j.exit, j.log())
		}
	})
	s.run(s.job(t, "ok")).wantExit(0)
}

func testLayer(t *testing.T, s *suite) {
	const limit = 8 << 20
	for _, dir := range []string{"/tmp", "/"} {
		j := s.job(t, "fill", dir, fmt.Sprint(limit*4))
		j.spec.Limits.LayerBytes = limit
		s.run(j)
		if j.exit.OK() || !strings.Contains(j.log(), "no space left") {
			t.Errorf("filling %s: %v; log %s", dir, j.exit, j.log())
		}
	}
	j := s.job(t, "fill", "/tmp", fmt.Sprint(limit/2))
	j.spec.Limits.LayerBytes = limit
	s.run(j).wantExit(0)
	j = s.job(t, "inodes", "/tmp", "10000")
	j.spec.Limits.LayerFiles = 1000
	s.run(j)
	if j.exit.OK() || !strings.Contains(j.log(), "no space left") {
		t.Errorf("10000 files: %v; log %s", j.exit, j.log())
	}
}

// sitting starts an attempt that waits, and returns it as what people look into.
func (s *suite) sitting(t *testing.T) (*job, sandbox.Interactive) {
	t.Helper()
	j := s.job(t, "sit")
	r := s.start(j)
	t.Cleanup(func() { r.Kill(); wait(t, r) })
	eventually(t, "the program sits", func() bool { return strings.Contains(j.log(), "sitting") })
	i, ok := r.(sandbox.Interactive)
	if !ok {
		t.Fatal("the run is not Interactive")
	}
	return j, i
}

func testInteractive(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	_, r := s.sitting(t)
	exec := func(t *testing.T, c sandbox.Command) sandbox.Process {
		t.Helper()
		p, err := r.Exec(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("Streams", func(t *testing.T) {
		var out, err bytes.Buffer
		p := exec(t, sandbox.Command{Args: []string{"/program", "echo"}, Stdin: strings.NewReader("hello"), Stdout: &out, Stderr: &err,
			Env: map[string]string{"A": "b"}})
		code, werr := p.Wait(ctx)
		if werr != nil || code != 3 || out.String() != "hello" || err.String() != "A=b\n" {
			t.Errorf("code %d, %v, out %q, err %q", code, werr, out.String(), err.String())
		}
	})
	t.Run("BadCommand", func(t *testing.T) {
		for _, row := range []struct {
			args []string
			dir  string
			want error
		}{
			{nil, "", sandbox.ErrSpec}, {[]string{""}, "", sandbox.ErrSpec},
			{[]string{"/no-such"}, "", sandbox.ErrNoProgram}, {[]string{"no-such"}, "", sandbox.ErrNoProgram},
			{[]string{"/etc/mark"}, "", sandbox.ErrNotExecutable}, {[]string{"/etc"}, "", sandbox.ErrNotExecutable},
			{[]string{"/program", "ok"}, "/no-such", sandbox.ErrNotExecutable},
		} {
			p, err := r.Exec(ctx, sandbox.Command{Args: row.args, Dir: row.dir})
			if err == nil {
				code, _ := p.Wait(ctx)
				t.Errorf("%q was started and ended with %d", row.args, code)
			} else if !errors.Is(err, row.want) {
				t.Errorf("%q in %q: %v, want %v", row.args, row.dir, err, row.want)
			}
		}
	})
	t.Run("KillAndSignal", func(t *testing.T) {
		p := exec(t, sandbox.Command{Args: []string{"/program", "sit"}})
		p.Kill()
		if code, err := p.Wait(ctx); err != nil || code != 137 {
			t.Errorf("killed: %d, %v", code, err)
		}
		p = exec(t, sandbox.Command{Args: []string{"/program", "sit"}})
		if err := p.Signal(int(syscall.SIGTERM)); err != nil {
			t.Error(err)
		}
		if code, err := p.Wait(ctx); err != nil || code != 143 {
			t.Errorf("after SIGTERM: %d, %v", code, err)
		}
	})
	t.Run("Terminal", func(t *testing.T) {
		in, typed := io.Pipe()
		var out syncBuffer
		p := exec(t, sandbox.Command{Args: []string{"/program", "tty"}, TTY: true, Rows: 20, Cols: 70, Stdin: in, Stdout: &out})
		eventually(t, "the size is shown", func() bool { return strings.Contains(out.String(), "size 20 70") })
		if err := p.Resize(30, 90); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new size is shown", func() bool { return strings.Contains(out.String(), "size 30 90") })
		if _, err := typed.Write([]byte("\x03")); err != nil {
			t.Fatal(err)
		}
		if code, err := p.Wait(ctx); err != nil || code != 130 {
			t.Errorf("after Ctrl-C: %d, %v; screen %q", code, err, out.String())
		}
	})
	t.Run("Dial", func(t *testing.T) {
		var out syncBuffer
		p := exec(t, sandbox.Command{Args: []string{"/program", "listen", "8080"}, Stdout: &out})
		defer p.Kill()
		eventually(t, "it listens", func() bool { return strings.Contains(out.String(), "listening") })
		for range 3 {
			c, err := r.Dial(ctx, 8080)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("ping\n")); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 5)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping\n" {
				t.Errorf("answer %q, %v", b, err)
			}
			_ = c.Close()
		}
		if _, err := r.Dial(ctx, 8081); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a port that nobody listens on: %v", err)
		}
	})
	t.Run("Usage", func(t *testing.T) {
		u, err := r.Usage(ctx)
		if err != nil || u.WallMillis < 1 || u.MemoryBytes < 1 || u.Processes < 1 || u.LogBytes < 1 {
			t.Errorf("usage %+v, %v", u, err)
		}
	})
	t.Run("Ends", func(t *testing.T) { testEnds(t, s) })
	t.Run("Ended", func(t *testing.T) {
		p := exec(t, sandbox.Command{Args: []string{"/program", "sit"}})
		r.Kill()
		wait(t, r)
		if code, err := p.Wait(ctx); err != nil || code == 0 {
			t.Errorf("a command of an attempt that was killed: %d, %v", code, err)
		}
		if _, err := r.Exec(ctx, sandbox.Command{Args: []string{"/program", "ok"}}); !errors.Is(err, sandbox.ErrEnded) {
			t.Errorf("exec after the end: %v", err)
		}
		if _, err := r.Dial(ctx, 8080); !errors.Is(err, sandbox.ErrEnded) {
			t.Errorf("dial after the end: %v", err)
		}
		if _, err := r.Usage(ctx); !errors.Is(err, sandbox.ErrEnded) {
			t.Errorf("usage after the end: %v", err)
		}
	})
}

func testOutlives(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	first := &suite{target: s.target, root: t.TempDir()}
	first.box = s.target.New(t, first.root)
	j, r := first.running(t)
	done := first.job(t, "exit", "7")
	ended := first.start(done)
	wait(t, ended)
	if err := first.box.(sandbox.Adopter).Detach(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.box.Start(ctx, "late", first.job(t, "ok").spec); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("start after detach: %v", err)
	}
	over, stop := context.WithCancel(ctx)
	stop()
	if _, err := r.Wait(over); err == nil {
		t.Error("a detached attempt has ended")
	}
	second := s.target.New(t, first.root)
	defer second.Close()
	runs, err := second.(sandbox.Adopter).Live(ctx)
	if err != nil || len(runs) != 1 || runs[0].ID() != r.ID() {
		t.Fatalf("live: %v, %v; want the one that runs, whose exit nobody has collected", runs, err)
	}
	if _, err := second.Start(ctx, r.ID(), first.job(t, "ok").spec); !errors.Is(err, sandbox.ErrRunning) {
		t.Errorf("start with an adopted id: %v", err)
	}
	var log syncBuffer
	followed := make(chan error, 1)
	go func() { followed <- runs[0].Follow(ctx, &log) }()
	eventually(t, "the log goes on", func() bool { return strings.Contains(log.String(), "running") })
	runs[0].Kill()
	j.exit = wait(t, runs[0])
	j.wantReason(sandbox.Killed)
	if err := <-followed; err != nil || log.String() != j.log() {
		t.Errorf("followed %q, %v", log.String(), err)
	}
}
