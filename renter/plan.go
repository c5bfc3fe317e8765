package renter

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
)

// Bounds of the plan.
const (
	maxLeases  = 256              // open at once
	perRound   = 16               // proposals begun in one round and for one job
	maxAsks    = 16               // jobs that a round seeks machines for
	shyFor     = 15 * time.Second // how long a refusing provider is left alone
	proposeFor = 20 * time.Second
)

// plan hands ready tasks to leases with free slots and asks for more leases
// where tasks remain. It ends every round of the core.
func (r *Renter) plan(t *tx) {
	for _, id := range slices.Collect(maps.Keys(t.jobs)) {
		if a := r.jobs[id]; a != nil {
			r.ends(t, a)
		}
	}
	r.room, r.guide = r.room[:0], r.guided()
	for _, b := range r.ordered() {
		r.pose(t, b)
		if r.free(b, t.now) > 0 && b.silent == job.Fine && !b.closing {
			r.room = append(r.room, b)
		}
	}
	asks := 0
	for i, id := range r.order {
		a := r.jobs[id]
		if a == nil || a.Phase != job.Active {
			continue
		}
		r.copies(t, a)
		if len(a.waiting) == 0 {
			continue
		}
		// With ten thousand jobs waiting, a round looks for machines for some of them
		// only; where it stopped, the next one goes on.
		turn := asks < maxAsks && (i >= r.turn || r.turn >= len(r.order))
		if len(r.room) == 0 && !turn {
			continue
		}
		ready := r.assign(t, a)
		if ready > 0 && turn {
			if asks++; asks == maxAsks {
				r.turn = i + 1
			}
			late := r.last(t, a)
			r.ask(t, a, ready, func(l Listed) bool {
				return a.knows(l.Offer.Node) && (a.lonely || !a.shuns(l.Offer.Node, t.now)) && !late(l.Offer.Node, r.speedOf(l.Offer.Node, l.Offer.Speed, t.now))
			})
		}
	}
	if asks < maxAsks {
		r.turn = 0
	}
	if len(r.order) > 2*len(r.jobs)+16 {
		r.order = slices.DeleteFunc(r.order, func(id artel.Hash) bool { return r.jobs[id] == nil })
	}
}

// assign returns how many ready tasks found no slot.
func (r *Renter) assign(t *tx, a *active) int {
	var rest []uint64
	ready := 0
	leases := r.apt(t, a, r.fitting(t, a))
	left := a.Left(r.due(a))
	probes, suspect := []uint64(nil), a.Suspect()
	if suspect {
		probes = a.Probes(a.tasks, a.waiting, a.out)
	}
	may := func(i uint64) bool {
		return a.Ready(&a.tasks[i], t.now) && (!suspect || slices.Contains(probes, i))
	}
	for n, i := range a.waiting {
		task := a.tasks[i]
		if task.State != job.Waiting {
			continue
		}
		if !may(i) {
			rest = append(rest, i)
			continue
		}
		if r.searching(a.ID, i, t.now) {
			rest = append(rest, i)
			ready++
			continue
		}
		b := r.pick(leases, task, a.lonely || !suspect && task.Rested(t.now), t.now)
		if b == nil || left.Less(b.commits(1).Sub(b.commits(0))) {
			rest = append(rest, i)
			ready++
			if b == nil && r.freeAll(leases, t.now) == 0 {
				for _, j := range a.waiting[n+1:] { // all slots are taken: the rest waits
					if a.tasks[j].State == job.Waiting {
						rest = append(rest, j)
						if may(j) {
							ready++
						}
					}
				}
				break
			}
			continue
		}
		if !a.Spec.Budget.IsZero() {
			left = left.Sub(b.commits(1).Sub(b.commits(0)))
		}
		if !r.dispatch(t, a, b, i) {
			rest = append(rest, i)
		}
	}
	a.waiting = rest
	return ready
}

// fitting lists the open leases that a job's tasks may use, cheapest first.
func (r *Renter) fitting(t *tx, a *active) []*bought {
	var out []*bought
	for _, b := range r.room {
		if r.free(b, t.now) > 0 && r.suits(b, a, t.now) && r.shares(b, a) && a.knows(b.node) {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(x, y *bought) int {
		if a.Late != 0 { // there is no time to be lost
			return cmp.Compare(a.pace.Expect(x.node, r.speed(x, t.now)), a.pace.Expect(y.node, r.speed(y, t.now)))
		}
		return cmp.Or(cmp.Compare(x.Terms.Price, y.Terms.Price), x.idle.Compare(y.idle))
	})
	return out
}

// shares reports whether a job may use a lease. One with a budget has leases of
// its own: what they cost can be told from what others cost.
func (r *Renter) shares(b *bought, a *active) bool {
	if b.job == a.ID {
		return true
	}
	payer := r.jobs[b.job]
	return a.Spec.Budget.IsZero() && (payer == nil || payer.Spec.Budget.IsZero())
}

func suits(t artel.Terms, j artel.JobSpec) bool {
	slots := max(t.Resources.Slots, 1)
	return t.Sandbox == j.Sandbox && t.Image == j.Box.Image && t.Label == j.Label && t.Unit >= j.Wall &&
		slots >= j.Want.Slots && t.Resources.Memory >= j.Want.Memory && t.Resources.Disk >= j.Want.Disk &&
		t.Resources.GPUs == j.Want.GPUs && t.Resources.GPUMemory >= j.Want.GPUMemory &&
		(j.MaxPrice == 0 || t.Price <= j.MaxPrice.Times(slots)) &&
		(len(j.Providers) == 0 || slices.Contains(j.Providers, t.Node))
}

// pick chooses the first lease with room on whose host a task has not failed, or any
// where that is better than to wait.
func (r *Renter) pick(leases []*bought, task job.Task, any bool, now int64) *bought {
	var second *bought
	for _, b := range leases {
		if r.free(b, now) == 0 {
			continue
		}
		if _, _, ok := b.origin(task, now); !ok {
			continue
		}
		if !task.Avoid(b.Terms.Node) {
			return b
		}
		second = b
	}
	if any {
		return second // nobody else is there
	}
	return nil
}

func (r *Renter) freeAll(leases []*bought, now int64) int {
	n := 0
	for _, b := range leases {
		n += r.free(b, now)
	}
	return n
}

// dispatch hands one task to a lease, and reports whether it did. It is stored before it is sent.
func (r *Renter) dispatch(t *tx, a *active, b *bought, i uint64) bool {
	begun := t.now
	if b.room(t.now, 0) == 0 {
		begun = 0
	}
	task, at := a.Dispatch(a.tasks[i], b.ID, b.Terms.Node, t.now)
	if !r.hand(t, a, b, task, at, begun) {
		return false
	}
	a.out++
	r.guide.Waiting--
	return true
}

// hand gives an attempt of a task to a lease, where it begins then, or 0: when a slot
// is free. It does not where nobody is left to keep its checkpoints.
func (r *Renter) hand(t *tx, a *active, b *bought, task job.Task, at job.Attempt, begun int64) bool {
	i := task.Index
	task, keep, ok := r.keeping(t, a, b, task, at.N)
	if !ok {
		return false
	}
	a.tasks[i] = task
	if old := r.jobs[b.job]; old != nil && old.Phase != job.Active {
		t.jobs[b.job] = true // it may have been waiting for this alone
	}
	b.job = a.ID
	t.mark(a.ID, i)
	k := lease.TaskKey{Task: b.Next, Attempt: at.N}
	next := b.Sent(k, keep, t.now)
	next.Next++
	r.set(t, b, next)
	if a.Spec.Failover.Replace < b.failover.Replace {
		// The most impatient of its jobs has its way. A question that is under way
		// may still take as long as it was asked with.
		b.patient = t.now + int64(b.failover.Heartbeat)
		b.failover = a.Spec.Failover
	}
	b.work[k] = &Work{TaskKey: k, Job: a.ID, Index: i, Try: at.N, Begun: begun}
	b.waiting[k] = a.Spec.Task(i)
	if len(b.waiting) == 1 {
		t.after = append(t.after, func() { r.send(t.ctx, b) })
	}
	return true
}

// ask proposes leases to the best offers that will do until so many tasks would have
// slots.
func (r *Renter) ask(t *tx, a *active, ready int, will func(Listed) bool) {
	want := ready
	if most := a.Wide(&a.pace, len(a.waiting), a.out, t.now); most > 0 {
		want = min(want, most-a.out)
	}
	for _, n := range r.asking {
		want -= int(n)
	}
	open := 0
	for _, b := range r.leases {
		if b.Phase == lease.Open && b.silent != job.Dead {
			open++
		}
	}
	if want <= 0 || open+len(r.asking) >= maxLeases {
		return
	}
	now := time.UnixMilli(t.now)
	left := a.Left(r.due(a))
	begun := 0
	offers := r.offers(t, a, want)
	leased := r.leasedNodes()
	a.lonely = !slices.ContainsFunc(offers, func(l choice) bool {
		if !a.Spec.Service.IsZero() && leased[l.Offer.Node] {
			return false // another replica has it, and stays
		}
		return !now.Before(r.shy[l.Offer.Node]) && r.asking[l.Offer.Node] == 0 && !a.shuns(l.Offer.Node, t.now)
	}) && a.waitsLong(t.now)
	taken := 0
	for _, l := range offers {
		want := want - taken
		if want <= 0 || begun == perRound {
			return
		}
		o := &l.Offer
		if want = min(want, *l.want); want <= 0 || leased[o.Node] || now.Before(r.shy[o.Node]) || r.asking[o.Node] > 0 {
			continue
		}
		weight, ok := o.Resources.Weight(a.Spec.Want)
		if !ok || !will(*l.Listed) {
			continue
		}
		unit, pull := costOf(*o, weight, a.Spec)
		fits := min(o.Resources.Fits(a.Spec.Want), uint32(want))
		if !a.Spec.Service.IsZero() {
			fits = min(fits, 1) // no two replicas go with one machine
		}
		slots := affordable(left.Sub(pull), unit, fits)
		if slots == 0 {
			continue
		}
		left = left.Sub(pull)
		for range slots {
			left = left.Sub(unit)
		}
		*l.want -= int(slots)
		taken += int(slots)
		begun++
		r.asking[o.Node] = slots
		id, spec, offer := a.ID, a.Spec, *l.Listed
		t.after = append(t.after, func() { r.loop.Go(func() { _ = r.propose(t.ctx, offer, id, spec, slots) }) })
	}
}

// shuns reports whether a node has failed all tasks that wait (the first few of
// them, where many do): a lease with it would stand empty.
func (a *active) shuns(n artel.NodeID, now int64) bool {
	seen := 0
	for _, i := range a.waiting {
		if !a.Ready(&a.tasks[i], now) {
			continue
		}
		if !a.tasks[i].Avoid(n) {
			return false
		}
		if seen++; seen == 32 {
			break
		}
	}
	return true
}

// waitsLong reports whether a task has waited so long for another host that one
// which failed it is better than none. A host that is gone stays on the board
// until its offer ends.
func (a *active) waitsLong(now int64) bool {
	long := time.Minute
	if !a.Spec.Service.IsZero() {
		long = shyFor // others are taken by its own replicas
	}
	return slices.ContainsFunc(a.waiting, func(i uint64) bool {
		t := &a.tasks[i]
		return a.Ready(t, now) && len(t.Attempts) > 0 && now-t.Attempts[len(t.Attempts)-1].Ended > long.Milliseconds()
	})
}
