package devnet_test

import (
	"slices"
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
	x := depart(t, w, 2, 6_000) // each keeps for the other: who sleeps keeps nothing
	x.underway(t)
	if err := syscall.Kill(w.renter.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(w.renter.PID(), syscall.SIGCONT)
	slept := time.Now()
	x.until(t, "the work to be done, and hosts to be given up by who listens", func() bool {
		if time.Since(slept) < 2*time.Duration(artel.FailoverNormal.Replace)*time.Millisecond {
			return false
		}
		for _, p := range w.providers {
			ls, err := p.API.Leases(w.ctx, api.LeaseQuery{All: true})
			if err != nil || len(ls) == 0 || slices.ContainsFunc(ls, func(l api.Lease) bool { return l.Running > 0 }) {
				return false
			}
		}
		return true
	})
	if err := syscall.Kill(w.renter.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	x.arrived(t, w.renter)
	d, err := w.renter.API.Job(w.ctx, x.job)
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range d.List {
		if y.Attempt != 1 {
			t.Errorf("task %d was done by attempt %d, want the first", y.Index, y.Attempt)
		}
	}
	x.settled(t, w.renter)
}
