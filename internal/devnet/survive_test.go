package devnet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// TestSurvives: the machine under a running container is gone, all of it at once, and
// the program goes on in the midst of what it did on another one, from what keepers hold.
func TestSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(3)
	const steps = 12_000
	j, task, before := w.journey(t, steps, 2)
	for i, p := range w.providers {
		if p.Node != before.Provider {
			continue
		}
		if err := p.KillAll(); err != nil {
			t.Fatal(err)
		}
		w.providers = append(w.providers[:i:i], w.providers[i+1:]...)
		break
	}
	kept, err := w.renter.API.Kept(w.ctx)
	if err != nil || len(kept.Tasks) != 1 || !kept.Tasks[0].Own || kept.Own.Used == 0 {
		t.Errorf("the renter's node keeps %+v, %v", kept, err)
	}
	w.done(t, w.renter, j)
	after := task()
	if after.Attempt < 2 || after.Provider == before.Provider || after.From == nil || after.From.Generation < before.Checkpoint.Generation {
		t.Errorf("attempt %d on %s went on from %+v", after.Attempt, after.Provider.Short(), after.From)
	}
	w.onceThrough(t, j, steps)
	// Nobody keeps it any longer.
	w.until(t, "keepers to let go", func() bool {
		for _, n := range append(w.providers, w.renter) {
			if l, err := n.API.Kept(w.ctx); err != nil || len(l.Tasks) > 0 {
				return false
			}
		}
		return true
	})
}

// TestStopsInOrder: a provider that is told to stop lets its container leave first. The
// program goes on elsewhere where it was when it left, and nothing is lost.
func TestStopsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(3)
	const steps = 6_000
	j, task, before := w.journey(t, steps, 1)
	for i, p := range w.providers {
		if p.Node != before.Provider {
			continue
		}
		if err := p.Tell(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.Done():
		case <-w.ctx.Done():
			t.Fatal("it does not stop")
		}
		w.providers = append(w.providers[:i:i], w.providers[i+1:]...)
		break
	}
	w.done(t, w.renter, j)
	after := task()
	if after.Attempt != before.Attempt+1 || after.Provider == before.Provider || after.From == nil || after.From.Node != before.Provider ||
		after.From.Generation <= before.Checkpoint.Generation || after.Lost != 0 {
		t.Errorf("attempt %d on %s went on from %+v, %d ms are lost; before it was %+v", after.Attempt, after.Provider.Short(), after.From, after.Lost, before.Checkpoint)
	}
	w.onceThrough(t, j, steps)
}

// journey starts a job of some steps in a container that is checkpointed, and waits until
// so many checkpoints of it are confirmed.
func (w *world) journey(t *testing.T, steps int, generations uint64) (id string, task func() api.Task, before api.Task) {
	t.Helper()
	offers := w.containers(t)
	for _, o := range offers {
		if o.Keeps == 0 || o.Moves == "" {
			t.Fatalf("node %s keeps %d bytes, its programs move: %q", o.Node.Short(), o.Keeps, o.Moves)
		}
	}
	spec := w.containerJob(w.traveller(t), 1, 5*time.Minute, "journey", fmt.Sprint(steps), "8")
	spec.Tries = 5
	spec.Survival = artel.Survival{Kind: artel.CheckpointWhole, Min: 1000, Max: 2000, Keepers: 2}
	j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "container-survives-1", Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	task = func() (x api.Task) {
		d, err := w.renter.API.Job(w.ctx, j.ID)
		if err == nil && len(d.List) == 1 {
			x = d.List[0]
		}
		return x
	}
	w.until(t, "checkpoints", func() bool {
		if before = task(); before.State == api.StateFailed || before.State == api.StateDone {
			t.Fatalf("the task ended before its time: %+v", before)
		}
		return before.Checkpoint != nil && before.Checkpoint.Generation >= generations
	})
	t.Logf("generation %d of %d bytes is at %d keepers", before.Checkpoint.Generation, before.Checkpoint.Stored, len(before.Checkpoint.Keepers))
	return j.ID, task, before
}

// onceThrough wants that a journey began once, and took each step once, whichever machine
// it was on.
func (w *world) onceThrough(t *testing.T, id string, steps int) {
	t.Helper()
	var log bytes.Buffer
	if err := w.renter.API.Logs(w.ctx, id, api.LogQuery{}, func(c api.LogChunk) error { log.Write(c.Data); return nil }); err != nil {
		t.Error(err)
	}
	walked(t, log.String(), steps)
}

// traveller is the image of a program that goes on journeys.
func (w *world) traveller(t *testing.T) api.Image {
	t.Helper()
	img, err := w.renter.API.Image(w.ctx, api.ImageRequest{Path: w.journeyImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// walked wants that what a journey said is each step once, and its end.
func walked(t *testing.T, said string, steps int) {
	t.Helper()
	at := 0
	for n := 0; n < steps; n += 100 {
		line := fmt.Sprintf("step %d\n", n)
		i := strings.Index(said[at:], line)
		if i < 0 || strings.Count(said, line) != 1 {
			t.Fatalf("step %d is not said once and in its place: %q", n, said)
		}
		at += i
	}
	if strings.Count(said, "on the way") != 1 || !strings.Contains(said, fmt.Sprintf("arrived goodbye %d\n", steps*(steps-1)/2)) {
		t.Errorf("the program says %q", said)
	}
}
