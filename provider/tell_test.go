package provider

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
)

// saves is what a counter does when it is told to end: it writes down where it is, and ends as
// its last argument says.
func saves(s sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
	fmt.Fprintln(log, "told")
	n := binary.BigEndian.Uint64(state)
	if s.Checkpoint == "" {
		return state, &sandbox.Exit{}
	}
	if err := os.WriteFile(filepath.Join(s.Checkpoint, "number"), []byte(strconv.FormatUint(n, 10)), 0o644); err != nil {
		return state, &sandbox.Exit{Code: 3}
	}
	code, _ := strconv.Atoi(s.Args[3])
	return state, &sandbox.Exit{Code: int32(code)}
}

// counts waits until a counter has come so far.
func (m *machine) counts(n int) {
	m.t.Helper()
	until(m.t, "it counts", func() bool { return strings.Contains(m.log(), strconv.Itoa(n)+"\n") })
}

// TestToldToEnd: a program whose files are saved is told to end, and they are saved when it
// has, or when its time is over. How it ends then is no end of its work.
func TestToldToEnd(t *testing.T) {
	for _, c := range []struct {
		name, program, arg string
		told               bool // it says so
	}{
		{"saves and ends", "saves", "0", true},
		{"saves and fails", "saves", "7", true},
		{"dies of it", "count", "diary", false},
		{"is deaf", "deaf", "diary", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			here, there := w.machine(1, fakeNeeds), w.machine(2, fakeNeeds)
			if c.program == "deaf" {
				here.Grace = 50 * time.Millisecond
			}
			keep := w.keeping(artel.CheckpointFiles, 2)
			x := here.begin(keep, nil, c.program, "100000000", c.arg)
			here.counts(100)
			x.drain <- Drain{Reason: artel.ReasonDrained, Message: "the owner is back", Within: patience}
			f := x.wait()
			kept := x.got()
			if len(kept) == 0 {
				t.Fatalf("nothing was saved; it ended as %+v", f)
			}
			last := kept[len(kept)-1].Saved
			if f.Reason != artel.ReasonDrained || !f.Billed || f.Exit != -1 || f.Usage.Wall != last.Wall || last.Kind != artel.CheckpointFiles || !f.Sealed.IsZero() || f.Root != (artel.Hash{}) {
				t.Errorf("it ended as %+v, the last checkpoint is %+v", f, last)
			}
			if got := strings.Contains(here.log(), "told\n"); got != c.told {
				t.Errorf("it was told: %v, want %v", got, c.told)
			}
			here.clean()
			said := strings.Count(strings.ReplaceAll(here.log(), "told\n", ""), "\n")
			keep.From = from(kept[len(kept)-1])
			y := there.begin(keep, nil, c.program, "100000000", c.arg)
			var began int
			until(t, "it goes on", func() bool { n, _ := fmt.Sscanf(there.log(), "begins at %d\n", &began); return n == 1 })
			if c.program == "saves" && began != said || began > said {
				t.Errorf("it goes on at %d, and was at %d", began, said)
			}
			y.cancel()
			y.wait()
			there.clean()
		})
	}
}

// TestToldAtItsEnd: a program that ends while it is drained has either finished, with its
// output, or goes on elsewhere from its checkpoint; never both, never neither.
func TestToldAtItsEnd(t *testing.T) {
	w := newWorld(t, 1)
	finished := 0
	for i := range 24 {
		m := w.machine(byte(i+1), fakeNeeds)
		x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "saves", "100", "0")
		m.counts(i * 99 / 23)
		x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
		f := x.wait()
		told := strings.Contains(m.log(), "told\n")
		switch {
		case f.Reason == artel.ReasonExited && f.Exit == 0 && !f.Sealed.IsZero() && !told:
			finished++
		case f.Reason == artel.ReasonDrained && f.Billed && f.Sealed.IsZero() && len(x.got()) > 0:
		case f.Reason == artel.ReasonEvicted && !told && len(x.got()) == 0: // told between its last step and its end: nothing is under /checkpoint
		default:
			t.Errorf("told %v, it ended as %+v with %d checkpoints", told, f, len(x.got()))
		}
		m.clean()
	}
	t.Logf("%d of 24 had finished", finished)
}

// TestToldAndCancelled: who is told to end and then ended by its renter, or evicted, has not
// finished, and has no time left.
func TestToldAndCancelled(t *testing.T) {
	t.Run("deaf", func(t *testing.T) {
		w := newWorld(t, 1)
		m := w.machine(1, fakeNeeds)
		m.Grace = patience
		x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "deaf", "100000000", "diary")
		m.counts(100)
		x.drain <- Drain{Reason: artel.ReasonDrained, Within: 3 * patience}
		until(t, "it is told", func() bool { return strings.Contains(m.log(), "told\n") })
		x.cancel()
		if f := x.wait(); f.Reason != artel.ReasonCancelled || !f.Billed {
			t.Errorf("it ended as %+v", f)
		}
		m.clean()
	})
	t.Run("ended", func(t *testing.T) { // with 0, and its checkpoint is on its way
		w := newWorld(t, 1)
		m := w.machine(1, fakeNeeds)
		asked := make(chan struct{}, 100)
		w.keeper(0).does(func(ctx context.Context, _ *artel.Kept) error { asked <- struct{}{}; <-ctx.Done(); return ctx.Err() })
		x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "saves", "100000000", "0")
		m.counts(100)
		x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
		<-asked
		x.cancel()
		if f := x.wait(); f.Reason != artel.ReasonCancelled && f.Reason != artel.ReasonEvicted || f.Exit != -1 || !f.Sealed.IsZero() {
			t.Errorf("it ended as %+v", f)
		}
		m.clean()
	})
}

// TestWholeIsNotTold: a program that is written down as it runs notices nothing, unless that
// cannot be done and its files are all there is to save.
func TestWholeIsNotTold(t *testing.T) {
	for _, refuse := range []error{nil, fmt.Errorf("%w: it has 2 connections", sandbox.ErrNotMovable)} {
		t.Run(fmt.Sprint(refuse), func(t *testing.T) {
			w := newWorld(t, 1)
			m := w.machine(1, fakeNeeds)
			keep := w.keeping("", 1)
			keep.Survival.Min, keep.Survival.Max = 600_000, 600_000 // the drain's is the first
			x := m.begin(keep, nil, "saves", "100000000", "0")
			m.counts(100)
			m.box.Refuse(refuse)
			x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
			f := x.wait()
			kept := x.got()
			if f.Reason != artel.ReasonDrained || len(kept) != 1 || (kept[0].Saved.Kind == artel.CheckpointWhole) != (refuse == nil) {
				t.Errorf("it ended as %+v, with %+v", f, kept)
			}
			if told := strings.Contains(m.log(), "told\n"); told != (refuse != nil) {
				t.Errorf("it was told: %v", told)
			}
			m.clean()
		})
	}
}

// TestStandingIsNotTold: what stands still for its owner leaves as it is; what is throttled is
// told in between.
func TestStandingIsNotTold(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	k := Attempt{artel.Hash{1}, lease.TaskKey{Task: number, Attempt: 1}}
	x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "saves", "100000000", "diary")
	x.waitKept(1)
	goOn, err := m.Still(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	if f := x.wait(); f.Reason != artel.ReasonDrained || strings.Contains(m.log(), "told\n") {
		t.Errorf("it ended as %+v, log %.100q", f, m.log())
	}
	goOn()
	m.clean()

	m = w.machine(2, fakeNeeds)
	x = m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "saves", "100000000", "0")
	m.counts(100)
	throttled := make(chan struct{})
	go func() {
		defer close(throttled)
		for {
			goOn, err := m.Still(context.WithoutCancel(t.Context()), k)
			if errors.Is(err, sandbox.ErrEnded) {
				return
			} else if err == nil {
				time.AfterFunc(10*time.Millisecond, goOn)
			}
			select {
			case <-x.done:
			case <-time.After(30 * time.Millisecond):
			}
		}
	}()
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	if f := x.wait(); f.Reason != artel.ReasonDrained || !strings.Contains(m.log(), "told\n") {
		t.Errorf("it ended as %+v, log %.100q", f, m.log())
	}
	<-throttled
	m.clean()
}

// TestToldBeforeRestart: a program that an earlier run of the daemon has told to end, and that
// did, has not finished: what it has left under /checkpoint is saved.
func TestToldBeforeRestart(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	was := m.outlives("saves")
	m.counts(100)
	if err := was.Terminate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e, err := was.Wait(t.Context()); err != nil || !e.OK() || !e.Told {
		t.Fatalf("%+v, %v", e, err)
	}
	m.Left = []sandbox.Left{was}
	if got := m.Begin(t.Context(), []Ran{{Attempt: Attempt{artel.Hash{1}, lease.TaskKey{Task: number, Attempt: 1}}}}); len(got) != 1 {
		t.Fatalf("%d go on", len(got))
	}
	x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "saves", "100000000", "")
	if f := x.wait(); f.Reason != artel.ReasonDrained || !f.Billed || !f.Sealed.IsZero() || len(x.got()) != 1 {
		t.Errorf("it ended as %+v with %d checkpoints", f, len(x.got()))
	}
	m.clean()
}

// TestServiceIsTold: a service that is to leave is told, and its time counts to its end.
func TestServiceIsTold(t *testing.T) {
	for _, program := range []string{"saves", "count", "deaf"} {
		t.Run(program, func(t *testing.T) {
			w := newWorld(t, 1)
			m := w.machine(1, fakeNeeds)
			m.risk = 60_000
			if program == "deaf" {
				m.Grace = 50 * time.Millisecond
			}
			x := m.begin(nil, nil, program, "100000000", "0")
			m.counts(100)
			x.drain <- Drain{Reason: artel.ReasonDrained, Message: "the owner is back", Within: patience}
			if f := x.wait(); f.Reason != artel.ReasonDrained || f.Message != "the owner is back" || !f.Billed || f.Exit != -1 || f.Usage.Wall == 0 || !f.Sealed.IsZero() {
				t.Errorf("it ended as %+v", f)
			}
			if told := strings.Contains(m.log(), "told\n"); told != (program != "count") {
				t.Errorf("it was told: %v", told)
			}
		})
	}
}
