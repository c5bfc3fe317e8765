package sandboxtest

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func terminable(t *testing.T, r sandbox.Run) sandbox.Terminable {
	t.Helper()
	x, ok := r.(sandbox.Terminable)
	if !ok {
		t.Fatal("the run is not Terminable")
	}
	return x
}

// trapping starts a program that handles signals: it says so, and then exits with the code,
// or goes on where that is negative. It returns once it handles them.
func (s *suite) trapping(t *testing.T, code string, change func(*sandbox.Spec)) (*job, sandbox.Terminable) {
	t.Helper()
	j := s.job(t, "trap", code)
	if change != nil {
		change(&j.spec)
	}
	r := terminable(t, s.start(j))
	t.Cleanup(func() { r.Kill(); wait(t, r) })
	eventually(t, "the program is ready", func() bool { return strings.Contains(j.log(), "ready") })
	return j, r
}

func testTerminates(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	tell := func(t *testing.T, r sandbox.Terminable) {
		t.Helper()
		if err := r.Terminate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	told := func(t *testing.T, j *job, r sandbox.Run, want bool) *job {
		t.Helper()
		if j.exit = wait(t, r); j.exit.Told != want {
			t.Errorf("%v: told %v, want %v", j.exit, j.exit.Told, want)
		}
		return j
	}
	t.Run("Handled", func(t *testing.T) {
		for _, row := range []struct {
			code string
			want int32
		}{{"0", 0}, {"7", 7}} {
			j, r := s.trapping(t, row.code, nil)
			tell(t, r)
			told(t, j, r, true).wantExit(row.want).wantLog("told 15")
			if j.out("told") != "told" {
				t.Error("what it wrote then is not there")
			}
			if err := r.Terminate(ctx); !errors.Is(err, sandbox.ErrEnded) {
				t.Errorf("after the end: %v", err)
			}
		}
	})
	t.Run("StopSignal", func(t *testing.T) {
		j, r := s.trapping(t, "0", func(x *sandbox.Spec) { x.StopSignal = int(syscall.SIGUSR1) })
		tell(t, r)
		told(t, j, r, true).wantExit(0).wantLog("told 10")
		bad := s.job(t, "ok")
		for _, n := range []int{-1, 65} {
			bad.spec.StopSignal = n
			if _, err := s.box.Start(ctx, "bad", bad.spec); !errors.Is(err, sandbox.ErrSpec) {
				t.Errorf("signal %d: %v, want ErrSpec", n, err)
			}
		}
	})
	t.Run("NotHandled", func(t *testing.T) {
		j, r := s.running(t)
		tell(t, terminable(t, r))
		told(t, j, r, true).wantExit(143)
	})
	t.Run("Ignored", func(t *testing.T) {
		j, r := s.trapping(t, "-1", nil)
		for n := 1; n <= 2; n++ {
			tell(t, r)
			eventually(t, "it hears it and goes on", func() bool { return strings.Count(j.log(), "told 15\n") == n })
		}
		r.Kill()
		told(t, j, r, true).wantReason(sandbox.Killed)
	})
	t.Run("NotTold", func(t *testing.T) {
		j := s.run(s.job(t, "ok")).wantExit(0)
		if j.exit.Told {
			t.Error("it was told")
		}
		j, r := s.trapping(t, "0", nil)
		over, stop := context.WithCancel(ctx)
		stop()
		err := r.Terminate(over)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		r.Kill()
		wait(t, r)
	})
	t.Run("AtItsEnd", func(t *testing.T) { // its own end counts as such, unless it was told
		for range 10 {
			j := s.job(t, "ok")
			r := terminable(t, s.start(j))
			err := r.Terminate(ctx)
			switch j.exit = wait(t, r); {
			case err == nil && !j.exit.Told, err != nil && !errors.Is(err, sandbox.ErrEnded):
				t.Errorf("%v, and then %v", err, j.exit)
			case err != nil && j.exit.Reason == sandbox.Exited && j.exit.Code == 0, err == nil && j.exit.Reason == sandbox.Exited:
			default:
				t.Errorf("%v, and then %v", err, j.exit)
			}
		}
	})
	if s.box.Capabilities().Freezes || s.box.Capabilities().Moves {
		t.Run("Frozen", func(t *testing.T) {
			j, r := s.trapping(t, "0", nil)
			f := freezer(t, r)
			if err := f.Freeze(ctx); err != nil {
				t.Fatal(err)
			}
			if err := r.Terminate(ctx); !errors.Is(err, sandbox.ErrFrozen) {
				t.Errorf("while it stands still: %v, want ErrFrozen", err)
			}
			if err := f.Thaw(ctx); err != nil {
				t.Fatal(err)
			}
			tell(t, r)
			told(t, j, r, true).wantExit(0)
			j, r = s.trapping(t, "0", nil)
			if err := freezer(t, r).Freeze(ctx); err != nil {
				t.Fatal(err)
			}
			_ = r.Terminate(ctx)
			r.Kill()
			told(t, j, r, false).wantReason(sandbox.Killed)
		})
	}
	if s.box.Capabilities().Moves {
		t.Run("Moved", func(t *testing.T) { // what has gone on elsewhere is told there
			was, r := s.trapping(t, "3", nil)
			dir, _ := checkpoint(t, r, sandbox.CheckpointOptions{Stop: true})
			told(t, was, r, false).wantReason(sandbox.Checkpointed)
			there, j := s.elsewhere(t, was, dir)
			m := terminable(t, there.start(j))
			tell(t, m)
			told(t, j, m, true).wantExit(3).wantLog("told 15")
		})
	}
	if !s.box.Capabilities().Outlives {
		return
	}
	t.Run("Outlives", func(t *testing.T) { // whoever comes back knows that it was told, and can tell it
		first := &suite{target: s.target, root: t.TempDir()}
		first.box = s.target.New(t, first.root)
		a := first.job(t, "trap", "0")
		b := first.job(t, "trap", "5")
		was := []sandbox.Run{first.start(a), first.start(b)}
		for _, j := range []*job{a, b} {
			eventually(t, "it is ready", func() bool { return strings.Contains(j.log(), "ready") })
		}
		if err := first.box.(sandbox.Adopter).Detach(); err != nil {
			t.Fatal(err)
		}
		// Detach gives the box up, not the way to its attempts: as of a daemon that dies as soon
		// as it has told one.
		tell(t, terminable(t, was[0]))
		eventually(t, "it has heard it", func() bool { return strings.Contains(a.log(), "told 15") })
		second := s.target.New(t, first.root)
		defer second.Close()
		runs, err := second.(sandbox.Adopter).Live(ctx)
		if err != nil || len(runs) != 2 {
			t.Fatalf("live: %v, %v", runs, err)
		}
		for _, r := range runs {
			j, code := a, int32(0)
			if r.ID() == was[1].ID() {
				j, code = b, 5
				tell(t, terminable(t, r))
			}
			told(t, j, r, true).wantExit(code)
		}
	})
}
