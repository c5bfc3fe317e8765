package provider

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
)

// kept is an attempt of an earlier daemon.
type kept struct {
	sandbox.Left
	id     string
	gpus   []int
	ended  chan struct{}
	killed *bool
}

func (k kept) ID() string         { return k.id }
func (k kept) Spec() sandbox.Spec { return sandbox.Spec{GPUs: k.gpus} }
func (k kept) Kill()              { *k.killed = true }
func (k kept) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-k.ended:
		return sandbox.Exit{}, nil
	default:
	}
	<-ctx.Done()
	return sandbox.Exit{}, ctx.Err()
}

// Each device is with one attempt at a time, whoever asks when.
func TestGPUsAreTakenOnce(t *testing.T) {
	b := &Boxed{lend: []int{0, 2, 3}}
	var mu sync.Mutex
	holder := map[int]int{}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			n := 1 + i%3
			gpus, done, err := b.takeGPUs(t.Context(), n)
			if err != nil || len(gpus) != n {
				t.Errorf("%d wanted: %v, %v", n, gpus, err)
				return
			}
			mu.Lock()
			for _, g := range gpus {
				if holder[g]++; holder[g] > 1 || !slices.Contains(b.lend, g) {
					t.Errorf("device %d is with %d attempts", g, holder[g])
				}
			}
			mu.Unlock()
			mu.Lock()
			for _, g := range gpus {
				holder[g]--
			}
			mu.Unlock()
			done()
		})
	}
	all.Wait()
	if gpus, _ := b.tryGPUs(3); len(gpus) != 3 {
		t.Errorf("at the end %v are free", gpus)
	}
	if _, _, err := b.takeGPUs(t.Context(), 4); err == nil {
		t.Error("4 of 3 devices")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.takeGPUs(ctx, 1); err == nil {
		t.Error("a device that is in use was given away")
	}
}

// After a restart of the daemon, what goes on keeps its devices, and what is stopped
// keeps them until it has.
func TestGPUsOfAttemptsThatGoOn(t *testing.T) {
	mine := Attempt{artel.Hash{1}, lease.TaskKey{Task: 1, Attempt: 1}}
	var killed [2]bool
	goesOn := kept{id: mine.name(), gpus: []int{1}, ended: make(chan struct{}), killed: &killed[0]}
	stopped := kept{id: "nobody's", gpus: []int{0}, ended: make(chan struct{}), killed: &killed[1]}
	b := &Boxed{Dir: t.TempDir(), lend: []int{0, 1, 2}, Left: []sandbox.Left{goesOn, stopped}}
	if got := b.Begin(t.Context(), []Ran{{Attempt: mine}}); len(got) != 1 || killed != [2]bool{false, true} {
		t.Fatalf("go on: %v; killed: %v", got, killed)
	}
	if gpus, _ := b.tryGPUs(2); gpus != nil {
		t.Fatalf("%v were free, one was", gpus)
	}
	close(stopped.ended)
	gpus, done, err := b.takeGPUs(t.Context(), 2)
	if err != nil || !slices.Equal(gpus, []int{0, 2}) {
		t.Fatalf("%v, %v", gpus, err)
	}
	done()
	if run := b.takeUp(mine); run == nil {
		t.Fatal("it is not taken up")
	}
	b.freeGPUs(goesOn.gpus) // as Run does at its end
	if gpus, _ := b.tryGPUs(3); len(gpus) != 3 {
		t.Errorf("at the end %v are free", gpus)
	}
}
