package sandboxtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
)

func freezer(t *testing.T, r sandbox.Run) sandbox.Freezer {
	t.Helper()
	f, ok := r.(sandbox.Freezer)
	if !ok {
		t.Fatal("the run is not a Freezer")
	}
	return f
}

// slack is by how much meters of processor time may be off, in milliseconds.
const slack = 30

func testFreezes(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	busy := []string{"counts", "0"}
	if s.box.Capabilities().Images {
		busy = []string{"spinners", "40"} // with threads
	}
	// Whatever else runs, so that time goes by, does so in a box of its own: it is not metered.
	beside := &suite{target: s.target, root: t.TempDir()}
	beside.box = s.target.New(t, beside.root)
	defer beside.box.Close()
	goesBy := func(t *testing.T, d time.Duration) {
		t.Helper()
		for since := time.Now(); ; {
			if beside.run(beside.job(t, "ok")).wantExit(0); time.Since(since) >= d {
				return
			}
		}
	}
	frozen := func(t *testing.T) (*job, sandbox.Freezer) {
		t.Helper()
		j := s.job(t, busy...)
		r := freezer(t, s.start(j))
		eventually(t, "the program runs", func() bool { return strings.Contains(j.log(), "count ") })
		for range 2 { // twice is as good as once
			if err := r.Freeze(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return j, r
	}
	// used is the processor time of all of the box and, where it can be asked, the wall clock
	// of the attempt.
	used := func(t *testing.T, r sandbox.Run) (cpu, wall int64) {
		t.Helper()
		m, ok := s.box.(sandbox.Meter)
		if !ok {
			t.Fatal("the box is not a Meter")
		}
		cpu = m.CPU().Milliseconds()
		if i, ok := r.(sandbox.Interactive); ok {
			u, err := i.Usage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			wall = u.WallMillis
		}
		return cpu, wall
	}
	t.Run("Stands", func(t *testing.T) {
		j, r := frozen(t)
		defer func() { r.Kill(); wait(t, r) }()
		goesBy(t, 0) // what was said before it was frozen is on its way
		log := j.log()
		cpu, wall := used(t, r)
		goesBy(t, 300*time.Millisecond)
		if c, w := used(t, r); c > cpu+slack || w != wall || j.log() != log {
			t.Errorf("it used %d ms of processor and %d ms of its limit while it was frozen, and said %q", c-cpu, w-wall, j.log()[len(log):])
		}
		for range 2 {
			if err := r.Thaw(ctx); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "it goes on", func() bool { return len(j.log()) > len(log) })
		eventually(t, "its processor time is metered", func() bool { c, _ := used(t, r); return c > cpu+slack })
	})
	t.Run("Kill", func(t *testing.T) {
		j, r := frozen(t)
		r.Kill()
		j.exit = wait(t, r)
		j.wantReason(sandbox.Killed)
		if err := r.Freeze(ctx); !errors.Is(err, sandbox.ErrEnded) {
			t.Errorf("freeze after the end: %v", err)
		}
		if err := r.Thaw(ctx); !errors.Is(err, sandbox.ErrEnded) {
			t.Errorf("thaw after the end: %v", err)
		}
	})
	t.Run("Limit", func(t *testing.T) {
		j := s.job(t, busy...)
		j.spec.Limits.WallMillis = 700
		r := freezer(t, s.start(j))
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		goesBy(t, time.Second)
		if _, wall := used(t, r); wall >= 700 {
			t.Errorf("%d ms of its limit are used", wall)
		}
		if err := r.Thaw(ctx); err != nil {
			t.Fatal(err)
		}
		j.exit = wait(t, r)
		j.wantReason(sandbox.OutOfTime)
		if j.exit.WallMillis < 700 {
			t.Errorf("it was stopped after %d ms of 700", j.exit.WallMillis)
		}
	})
	t.Run("Long", func(t *testing.T) { // for longer than any watchdog of the box's own waits
		j, r := frozen(t)
		defer func() { r.Kill(); wait(t, r) }()
		goesBy(t, 6*time.Second)
		log := j.log()
		if err := r.Thaw(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it goes on", func() bool { return len(j.log()) > len(log)+len("count 1\n") })
	})
	t.Run("Ends", func(t *testing.T) { // frozen and thawed again and again, it ends as if nothing had been
		j := s.job(t, "counts", "60")
		r := freezer(t, s.start(j))
		for {
			said := len(j.log())
			eventually(t, "it goes on", func() bool { return len(j.log()) > said || r.Thaw(ctx) != nil })
			err := r.Freeze(ctx)
			if err == nil {
				err = r.Thaw(ctx)
			}
			if errors.Is(err, sandbox.ErrEnded) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		j.exit = wait(t, r)
		if lines := strings.Count(j.wantExit(0).log(), "count "); lines != 60 {
			t.Errorf("it counted to %d", lines)
		}
		s.run(s.job(t, "counts", "3")).wantExit(0) // what it ran in serves the next
	})
	if !s.box.Capabilities().Moves {
		return
	}
	t.Run("CheckpointOfFrozen", func(t *testing.T) {
		j, f := frozen(t)
		defer func() { f.Kill(); wait(t, f) }()
		r := movable(t, f)
		dir, _ := checkpoint(t, r, sandbox.CheckpointOptions{})
		cpu, wall := used(t, r)
		log := j.log()
		goesBy(t, 0)
		if c, w := used(t, r); c > cpu+slack || w != wall || j.log() != log {
			t.Errorf("it used %d ms of processor and %d ms of its limit after the checkpoint", c-cpu, w-wall)
		}
		there, moved := s.elsewhere(t, j, dir)
		m := there.start(moved)
		eventually(t, "it goes on elsewhere", func() bool { return len(moved.log()) > len(log) })
		m.Kill()
		wait(t, m)
	})
}
