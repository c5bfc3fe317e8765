package renter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// While tasks wait and nothing changes, heartbeats do not have the market ranked anew;
// with the next tick, and at once when a machine has shown something, it is looked at.
func TestHeartbeatsLeaveTheMarketAlone(t *testing.T) {
	live(t, 12, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.takes = func(lease.Running) time.Duration { return 80 * time.Second }
		}
		w.run(func() {
			x := spec(40)
			x.Wall = 10 * taskLimit
			w.submit(x)
			time.Sleep(20 * time.Second)
			synctest.Wait()
			const watched = 20 * time.Second
			before := w.looks.Load()
			time.Sleep(watched)
			synctest.Wait()
			if n, ticks := w.looks.Load()-before, int64(watched/tickEvery); n < ticks-1 || n > ticks+1 {
				t.Errorf("in %d ticks the market was looked at %d times", ticks, n)
			}
		})
	})
}

func TestSoughtIsOfOneJobAndClass(t *testing.T) {
	var s sought
	looks := 0
	look := func() []Listed { looks++; return make([]Listed, looks) }
	avx := artel.Class{Moves: "1", CPU: artel.CPU{Arch: "amd64", Features: []string{"avx"}}}
	plain := artel.Class{Moves: "1", CPU: artel.CPU{Arch: "amd64"}}
	for range 2 {
		for i, c := range []artel.Class{{}, avx, plain} {
			for j := range byte(2) {
				if got, want := len(s.list(artel.Hash{j}, c, look)), 2*i+int(j)+1; got != want {
					t.Errorf("class %d of job %d has list %d, want %d", i, j, got, want)
				}
			}
		}
	}
	for i := range byte(100) {
		s.list(artel.Hash{1, i}, artel.Class{}, look)
	}
	if len(s.lists) > maxSought {
		t.Errorf("%d lists are held, at most %d", len(s.lists), maxSought)
	}
}

// A job that has the best machines of a large market gets the others, too.
func TestMoreMachinesThanOneLookLists(t *testing.T) {
	const machines = moreOffers + 20
	live(t, machines, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.takes = func(lease.Running) time.Duration { return 5 * time.Minute }
		}
		w.run(func() {
			x := spec(2 * machines)
			x.Wall = 100 * taskLimit
			w.submit(x)
			time.Sleep(time.Minute)
			synctest.Wait()
			busy := 0
			for _, s := range w.sellers {
				if s.did(wire.MethodStart) > 0 {
					busy++
				}
			}
			if busy != machines {
				t.Errorf("%d of %d machines have work", busy, machines)
			}
		})
	})
}
