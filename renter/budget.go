package renter

import (
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
)

// cancelWithin is how long a provider may go on billing after it was told to
// stop, in milliseconds: so much before a budget is used up its job is ended.
const cancelWithin = 2_000

// graceFor is what a service has beyond that to end in, in milliseconds.
const graceFor = 10_000

// commits is what a lease may come to cost beyond its voucher: what its provider
// claims as of now, and a whole unit for each attempt that is out and for so many
// more.
func (b *bought) commits(more int) artel.Amount {
	due := b.owing()
	for _, o := range b.Outstanding {
		due = plus(due, artel.Cost(b.Terms.Price, stake(b.Terms, o)))
	}
	for range more {
		due = plus(due, b.Terms.UnitCost())
	}
	return due.Sub(b.Book.Voucher)
}

// stake is for how many more ms an attempt may come to be billed before something
// of it is due: the last tenth of what is saved is due with its end.
func stake(t artel.Terms, o lease.Outstanding) uint64 {
	if t.Risk != 0 && o.Keep == nil {
		return t.Stake() // of a service
	}
	saved := uint64(0)
	if o.Saved != nil {
		saved = o.Saved.Wall
	}
	return after(o, min(t.Unit, saved+t.Stake()))
}

// after is what of so many ms of an attempt is not billed yet.
func after(o lease.Outstanding, ms uint64) uint64 { return ms - min(ms, o.Billed) }

// costs is the same by this instant: attempts have run for as long as they are
// out, and other slots were held since the provider was last heard.
func (b *bought) costs(now int64) artel.Amount {
	due, busy := b.owing(), uint64(0)
	for _, o := range b.Outstanding {
		ran := after(o, min(b.Terms.Unit, uint64(max(0, now-o.Sent))))
		if b.Lease.Rule == artel.RuleTime {
			ran = min(ran, b.Terms.Stake()) // while its image comes, say, no check earns anything
		}
		due = plus(due, artel.Cost(b.Terms.Price, ran))
		busy++
	}
	held := uint64(max(0, now-b.Heard)) + cancelWithin
	if b.Lease.Rule == artel.RuleTime {
		held += graceFor
	}
	return plus(due, artel.Cost(b.Terms.Price, held*max(uint64(b.Terms.Slots), busy))).Sub(b.Book.Voucher)
}

// owing is the lease's running total as its provider claims it, and no less than
// what fetching the image costs.
func (b *bought) owing() artel.Amount {
	start, err := b.Terms.Start()
	if err != nil {
		return artel.MaxAmount
	}
	return b.claimed.Max(b.Book.Due()).Max(start.Ceil())
}

// costOf is what a unit of a job costs by an offer, for tasks that take weight
// slots of the machine, and what fetching its image does.
func costOf(o artel.Offer, weight uint32, j artel.JobSpec) (unit, pull artel.Amount) {
	start, err := artel.Terms{Pull: j.Pull, PullFree: o.PullFree, PullPrice: o.PullPrice}.Start()
	if err != nil {
		return artel.MaxAmount, artel.MaxAmount
	}
	return artel.Cost(o.Price.Times(weight), j.StakeOn(o)), start.Ceil()
}

func plus(a, b artel.Amount) artel.Amount {
	sum, err := a.Plus(b)
	if err != nil {
		return artel.MaxAmount
	}
	return sum
}

// due is what the leases of a job may come to cost beyond their vouchers.
func (r *Renter) due(a *active) (due artel.Amount) {
	if a.Spec.Budget.IsZero() {
		return due
	}
	for _, b := range r.leases {
		if b.job == a.ID && !b.Disputed {
			due = plus(due, b.commits(0))
		}
	}
	return due
}

// affordable is for how many slots, at most n, the rest of a budget pays a unit.
func affordable(left, unit artel.Amount, n uint32) (slots uint32) {
	for slots < n && !left.Less(unit) {
		left, slots = left.Sub(unit), slots+1
	}
	return slots
}

const overBudget = "the job's budget does not cover its bill"

// overrun gives up the receipts of a lease that a budget does not pay for. It
// comes to that when a provider could not be told in time.
func (r *Renter) overrun(t *tx, b *bought) {
	for _, k := range b.keys() {
		if w := b.work[k]; w.Receipt && !b.opening[k] && b.Book.Voucher.Less(w.Due) {
			delete(b.work, k)
			t.leases[b.id] = true
			r.back(t, b, *w, artel.ReasonUnpaid, overBudget)
		}
	}
}

// broke ends a job whose budget is used up, or does not pay for another try.
func (r *Renter) broke(t *tx, a *active) {
	if a.Phase != job.Active || a.Spec.Budget.IsZero() {
		return
	}
	cost := artel.Amount{}
	for _, b := range r.leases {
		if b.job == a.ID && !b.Disputed && len(b.Outstanding) > 0 {
			cost = plus(cost, b.costs(t.now))
		}
	}
	if !cost.IsZero() && a.Left(cost).IsZero() {
		r.end(t, a, artel.ReasonBudget, fmt.Sprintf("the budget of %s units is used up; hint: a larger --budget", a.Spec.Budget))
		return
	}
	if a.out > 0 || len(a.waiting) == 0 {
		return
	}
	due := r.due(a)
	left := a.Left(due)
	spec := a.Spec
	spec.Budget = artel.Amount{} // the board leaves out what is beyond it
	offers := r.c.Board.Offers(spec, time.UnixMilli(t.now), 64)
	for _, l := range offers {
		weight, ok := l.Offer.Resources.Weight(a.Spec.Want)
		if unit, pull := costOf(l.Offer, weight, a.Spec); ok && affordable(left.Sub(pull), unit, 1) == 1 {
			return
		}
	}
	if len(offers) == 0 || !due.IsZero() {
		return // somebody may come, and what is under way may come to less
	}
	r.end(t, a, artel.ReasonBudget, fmt.Sprintf("%s of the budget's %s units are left, the cheapest offer's unit costs more; hint: a larger --budget or a shorter --timeout", left, a.Spec.Budget))
}
