package renter

import (
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// stood is for how long an attempt has stood still because its machine's owner came back,
// by its provider's word.
type stood struct {
	since int64 // unix ms; 0: it runs
	sum   int64 // ms in all
}

// standFor is how many times the silence after which a host is given up an attempt may
// stand still before it begins elsewhere as well. An owner is often gone again within a
// minute, and nothing is lost then.
const standFor = 3

// stands takes the provider's word for what stands still, of the time since its last answer.
func (b *bought) stands(last, now int64) {
	for k := range b.stood {
		if !slices.ContainsFunc(b.Outstanding, func(o lease.Outstanding) bool { return o.TaskKey == k }) {
			delete(b.stood, k)
		}
	}
	for k, p := range b.progress {
		s, known := b.stood[k]
		switch {
		case p.Phase != wire.PhaseFrozen && known:
			s.since = 0
		case p.Phase != wire.PhaseFrozen:
			continue
		case s.since == 0:
			s.since = now
		default:
			s.sum += max(now-max(last, s.since), 0)
		}
		if b.stood == nil {
			b.stood = map[lease.TaskKey]stood{}
		}
		b.stood[k] = s
	}
}

// excused takes from what is late that which would not be, had it not stood still: for no
// longer than a unit, so that nobody holds a task for ever.
func (b *bought) excused(late []lease.TaskKey, at func(now int64) []lease.TaskKey, now int64) []lease.TaskKey {
	return slices.DeleteFunc(late, func(k lease.TaskKey) bool {
		sum := min(b.stood[k].sum, int64(b.Terms.Unit))
		return sum > 0 && !slices.Contains(at(now-sum), k)
	})
}

// standStill gives tasks that have stood still for long to other machines. That blames
// nobody, and the attempt is not ended: when its owner leaves before the other one is done, its
// result counts.
func (r *Renter) standStill(t *tx, b *bought) {
	n := 0
	for k, s := range b.stood {
		w := b.work[k]
		if s.since == 0 || t.now-s.since < standFor*int64(b.failover.Replace) || w == nil || w.Receipt || !r.fence(t, *w) {
			continue
		}
		r.wasted(t, b, *w, b.ran(k), artel.Amount{})
		if a := r.jobs[w.Job]; a != nil {
			for i, at := range a.tasks[w.Index].Attempts {
				if at.N == w.Try {
					a.tasks[w.Index].Attempts[i].Message = "its machine's owner came back, and it stood still: it begins elsewhere as well"
				}
			}
		}
		n++
	}
	if n == 0 {
		return
	}
	r.c.Log.Info("provider's owner needs the machine, its tasks begin elsewhere as well", "provider", b.node.Short(), "tasks", n)
	r.gone(t, b.node, true)
	r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
	r.set(t, b, b.Stopped(artel.ReasonEvicted, "the provider's owner needs the machine"))
}
