package renter

import (
	"context"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
)

// Waits is what the tasks of a job wait for, as far as it is its renter's doing.
type Waits struct {
	Again int64 // unix ms: all that wait have failed and rest until then; 0: one may begin
	// From is the checkpoint that a task would go on from, on a machine of Class alone;
	// at Until, unix ms, it begins from less. 0: any machine will do.
	From  uint64
	Class artel.Class
	Until int64
	// Not are machines that get no task of it for now, and why.
	Not   map[artel.NodeID]Shunned
	Asked int // machines that are being asked for a lease
}

// Shunned is why a machine gets no task now.
type Shunned string

// The reasons.
const (
	ShunRests  Shunned = "rests"  // it refused, failed or was silent a moment ago
	ShunFailed Shunned = "failed" // all tasks that wait have failed there
	ShunBusy   Shunned = "busy"   // its lease has no free slot, or is being settled
)

// Waits says what a job's tasks wait for.
func (r *Renter) Waits(ctx context.Context, id artel.Hash) (w Waits) {
	_ = r.do(ctx, func(t *tx) {
		a := r.jobs[id]
		if a == nil {
			return
		}
		w.Not, w.Asked = map[artel.NodeID]Shunned{}, len(r.asking)
		ready := false
		for _, i := range a.waiting {
			x := a.tasks[i]
			if !a.Ready(&x, t.now) {
				if w.Again == 0 || x.NotUntil < w.Again {
					w.Again = x.NotUntil
				}
				continue
			}
			ready = true
			if class, ok := x.Needs(t.now); ok && w.From == 0 {
				w.Class, w.Until = class, x.PatientUntil()
				for _, c := range x.Safe.Saved {
					if !c.GivenUp {
						w.From = c.Segment.Saved.Generation
						break
					}
				}
			}
		}
		if ready {
			w.Again = 0
		}
		now := time.UnixMilli(t.now)
		for n, until := range r.shy {
			if now.Before(until) {
				w.Not[n] = ShunRests
			}
		}
		for _, b := range r.leases {
			if b.Phase != lease.Open || r.free(b, t.now) == 0 {
				w.Not[b.node] = ShunBusy
			}
		}
		for _, i := range a.waiting {
			for _, at := range a.tasks[i].Attempts {
				if ready && w.Not[at.Node] == "" && a.shuns(at.Node, t.now) {
					w.Not[at.Node] = ShunFailed
				}
			}
		}
	})
	return w
}
