package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// syncBuffer is a bytes.Buffer for many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// running starts an attempt that runs until it is killed, and returns when it does.
func (s *suite) running(t *testing.T) (*job, sandbox.Run) {
	t.Helper()
	j := s.job(t, "block")
	r := s.start(j)
	eventually(t, "the program runs", func() bool { return strings.Contains(j.log(), "running") })
	return j, r
}

func testAttempts(t *testing.T, s *suite) {
	ctx := context.Background()
	t.Run("Exit", func(t *testing.T) {
		j := s.run(s.job(t, "ok")).wantExit(0)
		if !j.exit.OK() || j.exit.Message != "" {
			t.Errorf("exit %+v is not OK without a message", j.exit)
		}
		s.run(s.job(t, "exit", "7")).wantExit(7)
	})
	t.Run("WaitAgain", func(t *testing.T) {
		r := s.start(s.job(t, "exit", "3"))
		first := wait(t, r)
		over, cancel := context.WithCancel(ctx)
		cancel()
		if again, err := r.Wait(over); err != nil || again != first {
			t.Errorf("second Wait: %+v, %v; want %+v", again, err, first)
		}
		r.Kill()
		if again := wait(t, r); again != first {
			t.Errorf("Kill after the end changed the exit to %+v", again)
		}
	})
	t.Run("Kill", func(t *testing.T) {
		j, r := s.running(t)
		over, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := r.Wait(over); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait with an ended context: %v", err)
		}
		r.Kill()
		r.Kill()
		j.exit = wait(t, r)
		j.wantReason(sandbox.Killed)
	})
	t.Run("SameID", func(t *testing.T) {
		_, r := s.running(t)
		if _, err := s.box.Start(ctx, r.ID(), s.job(t, "ok").spec); !errors.Is(err, sandbox.ErrRunning) {
			t.Errorf("start with a live id: %v, want ErrRunning", err)
		}
		r.Kill()
		wait(t, r)
		again, err := s.box.Start(ctx, r.ID(), s.job(t, "ok").spec)
		if err != nil {
			t.Fatalf("start with the id of an ended attempt: %v", err)
		}
		wait(t, again)
	})
	t.Run("Slots", func(t *testing.T) {
		slots := s.box.Capabilities().Slots
		if slots < 2 {
			t.Fatalf("%d slots; the suite needs 2", slots)
		}
		var runs []sandbox.Run
		for range slots {
			_, r := s.running(t)
			runs = append(runs, r)
		}
		over, cancel := context.WithCancel(ctx)
		refused := make(chan error, 1)
		waiting := s.job(t, "ok").spec
		go func() {
			_, err := s.box.Start(over, "one too many", waiting)
			refused <- err
		}()
		cancel()
		if err := <-refused; !errors.Is(err, context.Canceled) {
			t.Errorf("start without a free slot: %v, want that the context ended", err)
		}
		next := s.job(t, "ok")
		started := make(chan sandbox.Run, 1)
		go func() {
			r, err := s.box.Start(ctx, "next in line", next.spec)
			if err != nil {
				t.Errorf("start in line: %v", err)
			}
			started <- r
		}()
		runs[0].Kill()
		if r := <-started; r != nil {
			next.exit = wait(t, r)
			next.wantExit(0)
		}
		for _, r := range runs {
			r.Kill()
			wait(t, r)
		}
	})
	t.Run("BadSpec", func(t *testing.T) { testBadSpec(t, s) })
	t.Run("Close", func(t *testing.T) {
		other := &suite{target: s.target, root: t.TempDir()}
		other.box = s.target.New(t, other.root)
		j, r := other.running(t)
		if err := other.box.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		j.exit = wait(t, r)
		j.wantReason(sandbox.Killed)
		if _, err := other.box.Start(ctx, "late", other.job(t, "ok").spec); !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("start after close: %v, want ErrClosed", err)
		}
		if err := other.box.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
}

func testBadSpec(t *testing.T, s *suite) {
	for _, row := range []struct {
		name   string
		change func(*sandbox.Spec)
	}{
		{"no program", func(x *sandbox.Spec) { x.Program, x.Root = "", "" }},
		{"relative program", func(x *sandbox.Spec) { x.Program, x.Root = "program.wasm", "" }},
		{"both a program and an image", func(x *sandbox.Spec) { x.Program, x.Root = "/program", "/" }},
		{"the other kind of program", func(x *sandbox.Spec) {
			if x.Root != "" {
				x.Program, x.Root = filepath.Join(x.Root, "program"), ""
			} else {
				x.Program, x.Root, x.Args = "", filepath.Dir(x.Program), []string{"/program"}
			}
		}},
		{"no out", func(x *sandbox.Spec) { x.Out = "" }},
		{"out does not exist", func(x *sandbox.Spec) { x.Out += "-not-there" }},
		{"out is a file", func(x *sandbox.Spec) {
			x.Out = filepath.Join(x.Root, "program")
			if x.Root == "" {
				x.Out = x.Program
			}
		}},
		{"in does not exist", func(x *sandbox.Spec) { x.In += "-not-there" }},
		{"checkpoint does not exist", func(x *sandbox.Spec) { x.Checkpoint = x.Out + "-not-there" }},
		{"no log", func(x *sandbox.Spec) { x.Log = "" }},
		{"log in no directory", func(x *sandbox.Spec) { x.Log = filepath.Join(x.Out, "not", "there") }},
		{"negative limit", func(x *sandbox.Spec) { x.Limits.WallMillis = -1 }},
		{"absurd limit", func(x *sandbox.Spec) { x.Limits.OutputBytes = 1<<63 - 1 }},
		{"zero byte in an argument", func(x *sandbox.Spec) { x.Args = []string{"a\x00b"} }},
		{"zero byte in a variable", func(x *sandbox.Spec) { x.Env = map[string]string{"A": "\x00"} }},
		{"variable with no name", func(x *sandbox.Spec) { x.Env = map[string]string{"": "x"} }},
		{"variable with '=' in its name", func(x *sandbox.Spec) { x.Env = map[string]string{"A=B": "x"} }},
		{"too many arguments", func(x *sandbox.Spec) { x.Args = make([]string, sandbox.MaxArgs+1) }},
		{"too long arguments", func(x *sandbox.Spec) { x.Args = []string{strings.Repeat("x", sandbox.MaxArgBytes)} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := s.job(t, "ok").spec
			row.change(&spec)
			r, err := s.box.Start(context.Background(), "bad spec", spec)
			if !errors.Is(err, sandbox.ErrSpec) {
				t.Errorf("start: %v, want ErrSpec", err)
			}
			if r != nil {
				r.Kill()
				wait(t, r)
			}
		})
	}
	s.run(s.job(t, "ok")).wantExit(0) // nothing is stuck
}

func testLogs(t *testing.T, s *suite) {
	ctx := context.Background()
	t.Run("Follow", func(t *testing.T) {
		j := s.job(t, "block")
		r := s.start(j)
		var live syncBuffer
		followed := make(chan error, 1)
		go func() { followed <- r.Follow(ctx, &live) }()
		eventually(t, "the log is followed while the program runs", func() bool { return strings.Contains(live.String(), "running") })
		r.Kill()
		wait(t, r)
		if err := <-followed; err != nil {
			t.Errorf("follow: %v", err)
		}
		if live.String() != j.log() {
			t.Errorf("followed %q, the file holds %q", live.String(), j.log())
		}
		var late syncBuffer
		if err := r.Follow(ctx, &late); err != nil || late.String() != j.log() {
			t.Errorf("follow after the end: %q, %v", late.String(), err)
		}
	})
	t.Run("FollowEnds", func(t *testing.T) {
		_, r := s.running(t)
		over, cancel := context.WithCancel(ctx)
		cancel()
		if err := r.Follow(over, &syncBuffer{}); !errors.Is(err, context.Canceled) {
			t.Errorf("follow with an ended context: %v", err)
		}
		r.Kill()
		wait(t, r)
	})
	t.Run("Cut", func(t *testing.T) {
		j := s.job(t, "log", "20") // 20 lines of 64 bytes
		j.spec.Limits.LogBytes = 1000
		s.run(j).wantExit(0)
		if j.exit.LogBytes <= j.exit.LogKept || j.exit.LogKept != 1000 {
			t.Errorf("%d bytes written, %d kept; want more than 1000, and 1000", j.exit.LogBytes, j.exit.LogKept)
		}
		log := j.log()
		if !strings.Contains(log[1000:], "cut") || len(log) > 1100 || !strings.HasPrefix(log, "0 ") {
			t.Errorf("cut log:\n%s", log)
		}
	})
	t.Run("Whole", func(t *testing.T) {
		j := s.job(t, "log", "20")
		j.spec.Limits.LogBytes = 20 * 64
		s.run(j).wantExit(0)
		if j.exit.LogBytes != 20*64 || j.exit.LogKept != 20*64 || len(j.log()) != 20*64 {
			t.Errorf("%d bytes written, %d kept, %d in the file; want %d each", j.exit.LogBytes, j.exit.LogKept, len(j.log()), 20*64)
		}
	})
}
