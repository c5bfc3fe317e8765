package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// journey starts the program that is moved: with all that a program can have.
func (s *suite) journey(t *testing.T, steps int) *job {
	t.Helper()
	j := s.job(t, "journey", strconv.Itoa(steps), "8")
	j.spec.Checkpoint = filepath.Join(filepath.Dir(j.spec.Out), "checkpoint")
	if err := os.Mkdir(j.spec.Checkpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	return j
}

// undisturbed is what a journey says and leaves when nobody moves it.
func (s *suite) undisturbed(t *testing.T, steps int) (log, out string) {
	t.Helper()
	j := s.run(s.journey(t, steps)).wantExit(0)
	return j.log(), snapshot(t, j.spec.Out)
}

func (s *suite) far(t *testing.T, j *job, step int) {
	t.Helper()
	eventually(t, "the program gets to step "+strconv.Itoa(step), func() bool {
		if strings.Contains(j.log(), "panic") {
			t.Fatalf("the program failed:\n%s", j.log())
		}
		return strings.Contains(j.log(), "step "+strconv.Itoa(step)+"\n")
	})
}

func movable(t *testing.T, r sandbox.Run) sandbox.Movable {
	t.Helper()
	m, ok := r.(sandbox.Movable)
	if !ok {
		t.Fatal("the run is not Movable")
	}
	return m
}

// checkpoint takes one into a new directory.
func checkpoint(t *testing.T, r sandbox.Run, o sandbox.CheckpointOptions) (string, sandbox.Checkpoint) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	c, err := movable(t, r).Checkpoint(ctx, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, the program stood still for %d ms", c.Bytes, c.PauseMillis)
	return dir, c
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// elsewhere is another machine: a box with other directories, and a journey's Spec for it.
func (s *suite) elsewhere(t *testing.T, was *job, from string) (*suite, *job) {
	t.Helper()
	other := &suite{target: s.target, root: t.TempDir(), n: s.n}
	other.box = s.target.New(t, other.root)
	j := other.job(t)
	out, in, log := j.spec.Out, j.spec.In, j.spec.Log
	j.spec = was.spec
	j.spec.Out, j.spec.In, j.spec.Log, j.spec.Restore = out, in, log, from
	if was.spec.Checkpoint != "" {
		j.spec.Checkpoint = filepath.Join(filepath.Dir(out), "checkpoint")
		if err := os.Mkdir(j.spec.Checkpoint, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return other, j
}

func testMoves(t *testing.T, s *suite) {
	const steps = 1500
	wantLog, wantOut := s.undisturbed(t, steps)
	arrived := func(t *testing.T, j *job) {
		t.Helper()
		j.wantExit(0)
		if got := j.log(); got != wantLog {
			t.Errorf("the log differs from that of a journey that nobody disturbed:\n%s\nwant:\n%s", got, wantLog)
		}
		if got := snapshot(t, j.spec.Out); got != wantOut {
			t.Errorf("/out differs from that of a journey that nobody disturbed: %d and %d bytes", len(got), len(wantOut))
		}
	}
	t.Run("GoesOnBothWays", func(t *testing.T) {
		here := &suite{target: s.target, root: t.TempDir()}
		here.box = s.target.New(t, here.root)
		was := here.journey(t, steps)
		r := here.start(was)
		here.far(t, was, 300)
		first, c := checkpoint(t, r, sandbox.CheckpointOptions{})
		if c.Bytes <= 8<<20 || c.CPUMillis < 1 || c.WallMillis < 1 || c.LogBytes < 1 || c.Needs.Spec == "" || c.Needs.Version == "" {
			t.Errorf("checkpoint %+v", c)
		}
		here.far(t, was, 600)
		second, _ := checkpoint(t, r, sandbox.CheckpointOptions{}) // twice in a row
		was.exit = wait(t, r)
		arrived(t, was) // it was not disturbed
		if err := here.box.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(here.root); err != nil {
			t.Error(err)
		}
		for _, dir := range []string{first, second} {
			there, j := s.elsewhere(t, was, dir)
			r := there.start(j)
			eventually(t, "it goes on", func() bool { return strings.Contains(j.log(), "step 700\n") })
			if err := os.RemoveAll(dir); err != nil { // not needed any more
				t.Error(err)
			}
			j.exit = wait(t, r)
			arrived(t, j)
			if j.exit.WallMillis < 1 || j.exit.LogBytes != int64(len(wantLog)) {
				t.Errorf("exit %+v", j.exit)
			}
		}
	})
	t.Run("AgainAndAgain", func(t *testing.T) {
		at, j := s, s.journey(t, steps)
		for _, step := range []int{100, 400, 700} {
			r := at.start(j)
			at.far(t, j, step)
			dir, _ := checkpoint(t, r, sandbox.CheckpointOptions{Stop: true})
			j.exit = wait(t, r)
			j.wantReason(sandbox.Checkpointed)
			at, j = s.elsewhere(t, j, dir)
		}
		arrived(t, at.run(j))
	})
	t.Run("Refused", func(t *testing.T) { testRefused(t, s) })
}

// testRefused has checkpoints that must not be taken up, and Specs that do not fit.
func testRefused(t *testing.T, s *suite) {
	was := s.journey(t, 1_000_000)
	r := s.start(was)
	s.far(t, was, 0)
	dir, c := checkpoint(t, r, sandbox.CheckpointOptions{})
	if _, err := movable(t, r).Checkpoint(t.Context(), dir, sandbox.CheckpointOptions{}); err == nil {
		t.Error("a directory that is not empty was taken")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	empty := t.TempDir()
	if _, err := movable(t, r).Checkpoint(over, empty, sandbox.CheckpointOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a checkpoint that nobody waits for: %v", err)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
	r.Kill()
	wait(t, r)
	if _, err := movable(t, r).Checkpoint(t.Context(), empty, sandbox.CheckpointOptions{}); !errors.Is(err, sandbox.ErrEnded) {
		t.Errorf("checkpoint after the end: %v", err)
	}
	mover := s.box.(sandbox.Mover)
	for _, row := range []struct {
		name   string
		change func(*sandbox.Spec)
	}{
		{"other arguments", func(x *sandbox.Spec) { x.Args = append([]string(nil), append(x.Args, "more")...) }},
		{"another user", func(x *sandbox.Spec) { x.User = "1000" }},
		{"more memory", func(x *sandbox.Spec) { x.Limits.MemoryBytes = 1 << 30 }},
		{"no /checkpoint", func(x *sandbox.Spec) { x.Checkpoint = "" }},
		{"no checkpoint", func(x *sandbox.Spec) { x.Restore = empty }},
	} {
		t.Run(row.name, func(t *testing.T) {
			other, j := s.elsewhere(t, was, dir)
			row.change(&j.spec)
			if _, err := other.box.Start(t.Context(), "refused", j.spec); !errors.Is(err, sandbox.ErrMismatch) {
				t.Errorf("start: %v, want ErrMismatch", err)
			}
			if _, err := mover.Inspect(j.spec.Restore, j.spec); !errors.Is(err, sandbox.ErrMismatch) {
				t.Errorf("inspect: %v, want ErrMismatch", err)
			}
		})
	}
	t.Run("Out is not empty", func(t *testing.T) {
		other, j := s.elsewhere(t, was, dir)
		if err := os.WriteFile(filepath.Join(j.spec.Out, "x"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := other.box.Start(t.Context(), "refused", j.spec); !errors.Is(err, sandbox.ErrSpec) {
			t.Errorf("start: %v, want ErrSpec", err)
		}
	})
	t.Run("Needs", func(t *testing.T) {
		have := mover.Needs()
		if got, err := mover.Inspect(dir, was.spec); err != nil || got.Needs.MetBy(have) != nil || mustJSON(got) != mustJSON(c) {
			t.Errorf("inspect: %s, %v", mustJSON(got), err)
		}
		if len(have.CPU.Features) == 0 || have.CPU.Vendor == "" {
			t.Fatalf("the box does not know its processor: %+v", have)
		}
		less := have
		less.CPU.Features = have.CPU.Features[1:]
		if err := c.Needs.MetBy(less); !errors.Is(err, sandbox.ErrMismatch) || !strings.Contains(err.Error(), fmt.Sprintf("%q", have.CPU.Features[0])) {
			t.Errorf("a processor with fewer features: %v", err)
		}
	})
}
