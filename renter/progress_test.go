package renter

import (
	"testing"

	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// TestRan: what an attempt waited for what it needs is not among what is lost with it.
func TestRan(t *testing.T) {
	type word struct {
		phase   string
		elapsed uint64
	}
	k := lease.TaskKey{Task: 1, Attempt: 1}
	for _, c := range []struct {
		name  string
		words []word
		heard int64 // after it was sent
		want  uint64
	}{
		{"nothing was heard", nil, 60_000, 0},
		{"it runs at once", []word{{"running", 5000}, {"running", 9000}}, 60_000, 9000},
		{"its image came first", []word{{"queued", 10}, {"fetching", 20_000}, {"waiting", 21_000}, {"running", 26_000}}, 60_000, 5000},
		{"still on its way", []word{{"fetching", 20_000}}, 60_000, 0},
		{"it was restored", []word{{"fetching", 100}, {"restoring", 4000}, {"running-unsaved", 14_000}, {"frozen", 15_000}}, 60_000, 11_000},
		{"more than the clock says", []word{{"fetching", 1000}, {"running", 500_000}}, 10_000, 9000},
		{"a clock that goes backwards", []word{{"fetching", 9000}, {"running", 10}}, 60_000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bought{progress: map[lease.TaskKey]Progress{}}
			b.Outstanding = []lease.Outstanding{{TaskKey: k}}
			b.Heard = c.heard
			for _, w := range c.words {
				b.progress[k] = b.progress[k].next(wire.Progress{TaskKey: wire.TaskKey(k), Phase: w.phase, Elapsed: w.elapsed})
			}
			if got := b.ran(k); got != c.want {
				t.Errorf("it ran for %d ms, want %d", got, c.want)
			}
		})
	}
}
