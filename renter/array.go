package renter

import (
	"cmp"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// How often what is out of a job is looked at, in milliseconds.
const (
	lookEvery = 500    // for elements that take too long
	seekEvery = 30_000 // for a machine for a copy: one that turns out to be slow would be leased again and again
	tellEvery = 5_000  // attempts of a job that ends are told to stop
	warnEvery = 5_000  // estimates of a deadline
	queuedFor = 2_000  // that an attempt may wait for a slot while another machine has one
)

// guided takes a plan's view of what waits and of who is there for it.
func (r *Renter) guided() job.Guide {
	var g job.Guide
	for _, id := range r.order {
		if a := r.jobs[id]; a != nil && a.Phase == job.Active {
			g.Waiting += len(a.waiting)
		}
	}
	n, sum := 0.0, 0.0
	for _, b := range r.leases {
		if b.Phase == lease.Open && b.silent == job.Fine && !b.Theirs.IsZero() {
			g.Slots += int(b.Terms.Slots)
			n, sum = n+float64(b.Seq), sum+float64(b.Wall)
		}
	}
	if n > 0 {
		g.Mean = max(sum, 1) / n
	}
	return g
}

// free is how many more attempts a lease takes now, those included that wait for its
// slots.
func (r *Renter) free(b *bought, now int64) int {
	if b.Terms.Risk != 0 {
		return b.room(now, 0) // work with checkpoints is long
	}
	return b.room(now, r.guide.Ahead(b.Terms.Slots, b.Mean()))
}

// speed is what a lease's machine counts with.
func (r *Renter) speed(b *bought, now int64) float64 { return r.speedOf(b.node, b.claim, now) }

func (r *Renter) speedOf(n artel.NodeID, claim uint32, now int64) float64 {
	return r.c.Board.Record(n).Believed(artel.Offer{Node: n, Speed: claim}, uint64(now/1000))
}

// learn brings back what a stored job's elements have taken.
func (r *Renter) learn(a *active, now int64) {
	claims := map[artel.NodeID]uint32{}
	for _, b := range r.leases {
		claims[b.node] = b.claim
	}
	for _, t := range a.tasks {
		if t.Receipt == nil || t.Receipt.Reason != artel.ReasonExited || t.Receipt.Result.ExitCode != 0 {
			continue
		}
		for _, at := range t.Attempts {
			if at.N == t.Receipt.Result.Attempt && at.Ran.Done == 0 {
				claim, ok := claims[at.Node]
				if !ok {
					claim = 1000 // nobody remembers: as the reference machine
				}
				a.pace.Took(at.Node, at.Ended-at.Sent, r.speedOf(at.Node, claim, now))
			}
		}
	}
}

// credit remembers of a machine how an attempt on it went, and of a job what its
// element has taken. A machine that is told to stop did nothing right or wrong, but
// for the one whose element another one, begun later, has done first.
func (r *Renter) credit(t *tx, b *bought, a *active, w *Work, rc *artel.Receipt, accepted bool, cancel []job.Attempt) {
	task := a.tasks[w.Index]
	if rc.Reason == artel.ReasonCancelled && !a.Spec.Service.IsZero() {
		return // it was told to
	}
	if rc.Reason == artel.ReasonCancelled {
		if a.Phase == job.Active && a.Halted == 0 && !task.Fenced(w.Try) && (task.State == job.Waiting || task.State == job.Out) {
			r.noteEnd(t, b.node, false, 0) // nobody has told it to
		}
		return
	}
	r.noteReceipt(t, b.node, rc)
	if !accepted || task.State != job.Paying {
		return
	}
	at := task.Attempts[w.Try-1]
	if at.Ran.Done == 0 { // else it had only the rest to do
		took := int64(rc.Usage.Wall)
		if w.Begun != 0 {
			took = t.now - w.Begun
		}
		a.pace.Took(b.node, took, r.speed(b, t.now))
	}
	if !at.Copy {
		return
	}
	for _, slow := range cancel {
		if slow.Copy || slow.Fenced {
			continue
		}
		r.c.Log.Info("a copy was first", "job", a.ID.Short(), "task", a.Spec.First+w.Index, "provider", b.node.Short(), "slow", slow.Node.Short())
		r.noteEnd(t, slow.Node, false, 0)
		if s := r.leases[slow.Lease]; s != nil && s.Phase == lease.Open {
			if x := (job.Running{Node: slow.Node, For: t.now - slow.Sent, Speed: r.speed(s, t.now)}); a.pace.Hangs(x) {
				r.shy[s.node] = time.UnixMilli(t.now).Add(time.Minute)
				r.set(t, s, s.Stopped(artel.ReasonLost, "its tasks take many times as long as elsewhere"))
			}
		}
	}
}

// running lists what is out of a job and not fenced, by lease and number.
func (r *Renter) running(a *active, now int64) (out []job.Running) {
	for _, b := range r.ordered() {
		speed := 0.0
		for _, k := range b.keys() {
			w := b.work[k]
			if w.Job != a.ID || w.Receipt || w.Late != nil {
				continue
			}
			task := a.tasks[w.Index]
			at := task.Attempts[w.Try-1]
			if task.State != job.Out || at.Fenced || at.Ended != 0 {
				continue
			}
			if speed == 0 {
				speed = r.speed(b, now)
			}
			x := job.Running{Index: w.Index, N: w.Try, Node: b.node, Speed: speed}
			if w.Begun != 0 {
				x.For = now - w.Begun
			}
			out = append(out, x)
		}
	}
	return out
}

// last returns what tells of a host whether it would be done long after all others
// with whatever it got of a job now.
func (r *Renter) last(t *tx, a *active) func(artel.NodeID, float64) bool {
	var out []job.Running
	looked := false
	return func(n artel.NodeID, speed float64) bool {
		if typical := a.pace.Typical(); typical == 0 || a.pace.Expect(n, speed) < 2*typical {
			return false
		}
		if !looked {
			out, looked = r.running(a, t.now), true
		}
		return a.pace.SitsOut(n, speed, out, len(a.waiting))
	}
}

// apt leaves those leases of a job out that would not be done in time, or long after
// all others.
func (r *Renter) apt(t *tx, a *active, leases []*bought) []*bought {
	if a.Spec.Deadline == 0 && a.Spec.Count == 1 {
		return leases
	}
	late := r.last(t, a)
	return slices.DeleteFunc(leases, func(b *bought) bool {
		speed, begins := r.speed(b, t.now), t.now
		if b.room(t.now, 0) == 0 {
			begins += int64(a.pace.Expect(b.node, speed)) // it waits for a slot
		}
		return !a.InTime(&a.pace, b.node, speed, begins) || late(b.node, speed)
	})
}

// copies starts second attempts of elements that take too long, and seeks machines
// for them.
func (r *Renter) copies(t *tx, a *active) {
	if !a.Spec.Service.IsZero() {
		if a.Halted == 0 {
			r.renew(t, a)
		}
		return
	}
	if a.Phase != job.Active || a.out == 0 || a.Halted != 0 || a.Spec.Count == 1 && a.Spec.Deadline == 0 || t.now-a.lookedAt < lookEvery && t.now >= a.lookedAt {
		return
	}
	waiting := 0 // or one, or more
	if slices.ContainsFunc(a.waiting, func(i uint64) bool { return a.Ready(&a.tasks[i], t.now) }) {
		waiting = 1
	}
	if waiting > 0 && !slices.ContainsFunc(r.room, func(b *bought) bool { return b.room(t.now, 0) > 0 }) {
		return // a slot is free the next time that something ends
	}
	a.lookedAt = t.now
	out := r.running(a, t.now)
	if most := a.Wide(&a.pace, waiting, a.out, t.now); most != 0 && len(out) >= most {
		return
	}
	var alone []job.Running
	for _, x := range a.Stragglers(&a.pace, out, waiting, t.now) {
		if !r.copy(t, a, x) {
			alone = append(alone, x)
		}
	}
	if len(alone) == 0 || waiting > 0 || t.now-a.soughtAt < seekEvery && t.now >= a.soughtAt {
		return
	}
	a.soughtAt = t.now
	left := a.Left(r.due(a))
	r.ask(t, a, len(alone), func(l Listed) bool {
		speed := r.speedOf(l.Offer.Node, l.Offer.Speed, t.now)
		weight, ok := l.Offer.Resources.Weight(a.Spec.Want)
		unit, pull := costOf(l.Offer, weight, a.Spec)
		return ok && affordable(left.Sub(pull), unit, 2) == 2 && a.Gains(&a.pace, alone[0], l.Offer.Node, speed, t.now)
	})
}

// copy gives a copy of an attempt to the free slot that would be through first, if it
// gains enough and the budget pays for it, and for another try of something.
func (r *Renter) copy(t *tx, a *active, x job.Running) bool {
	task := a.tasks[x.Index]
	left := a.Left(r.due(a))
	var best *bought
	for _, b := range r.room {
		speed := r.speed(b, t.now)
		if b.room(t.now, 0) == 0 || !r.suits(b, a, t.now) || !r.shares(b, a) || task.Avoid(b.node) || left.Less(b.commits(2).Sub(b.commits(0))) ||
			!a.Gains(&a.pace, x, b.node, speed, t.now) {
			continue
		}
		if best == nil || a.pace.Expect(b.node, speed) < a.pace.Expect(best.node, r.speed(best, t.now)) {
			best = b
		}
	}
	if best == nil {
		return false
	}
	next, at, ok := a.Copy(task, best.ID, best.node, t.now)
	if !ok {
		return false
	}
	r.c.Log.Info("a task takes long, a copy begins", "job", a.ID.Short(), "task", a.Spec.First+x.Index, "seconds", x.For/1000, "slow", x.Node.Short(), "provider", best.node.Short())
	return r.hand(t, a, best, next, at, t.now)
}

// queued reports whether an attempt waits at its provider for a slot, by what it
// said last.
func (b *bought) queued(k lease.TaskKey) bool {
	p, ok := b.progress[k]
	return ok && (p.Phase == "waiting" || p.Phase == "queued")
}

// takeBack takes attempts that wait for a slot of a machine away from it, when
// another one has a free slot for them.
func (r *Renter) takeBack(t *tx, b *bought) {
	if b.Phase == lease.Closed || len(b.progress) == 0 {
		return
	}
	patience := max(queuedFor, int64(2*b.Mean()))
	var ks []wire.TaskKey
	taken := map[*bought]int{}
	for _, k := range b.keys() {
		w := b.work[k]
		a := r.jobs[w.Job]
		if w.Receipt || a == nil || a.Phase != job.Active || !b.queued(k) {
			continue
		}
		if at := a.tasks[w.Index].Attempts[w.Try-1]; t.now-at.Sent < patience {
			continue
		}
		to := r.freeFor(t, a, b, taken)
		if to == nil {
			continue
		}
		task, ok := a.TakeBack(a.tasks[w.Index], w.Try, t.now)
		if !ok {
			continue
		}
		taken[to]++
		a.tasks[w.Index] = task
		a.out--
		a.waiting = slices.Insert(a.waiting, 0, w.Index)
		t.mark(a.ID, w.Index)
		delete(b.waiting, k)
		ks = append(ks, wire.TaskKey(k))
	}
	if len(ks) > 0 {
		r.c.Log.Info("tasks that wait are taken back", "provider", b.node.Short(), "tasks", len(ks))
		r.tellCancel(t, b, ks)
	}
}

// freeFor finds a lease with a free slot, beside those that are spoken for, that a
// job may use in the place of another one.
func (r *Renter) freeFor(t *tx, a *active, not *bought, taken map[*bought]int) *bought {
	for _, b := range r.ordered() {
		if b != not && b.silent == job.Fine && !b.closing && b.room(t.now, 0) > taken[b] && r.suits(b, a, t.now) && r.shares(b, a) {
			return b
		}
	}
	return nil
}

// begin notes that something has ended on a lease: what waited longest there for a
// slot has one now.
func (b *bought) begin(now int64) {
	for _, k := range b.keys() {
		if w := b.work[k]; w.Begun == 0 && !w.Receipt {
			w.Begun = now
			return
		}
	}
}

// overdue lists attempts that have been out for longer than a unit and slack ms, but
// for those that were handed out behind others and have begun later, or still wait
// there.
func (b *bought) overdue(now, slack int64) []lease.TaskKey {
	unit := int64(b.Terms.Unit)
	return slices.DeleteFunc(b.Overdue(now, slack), func(k lease.TaskKey) bool {
		w := b.work[k]
		switch {
		case w == nil:
			return false
		case w.Begun != 0:
			return now-w.Begun <= unit+slack
		}
		i := slices.IndexFunc(b.Outstanding, func(o lease.Outstanding) bool { return o.TaskKey == k })
		return i >= 0 && now-b.Outstanding[i].Sent <= 4*unit+slack
	})
}

// ends ends a job whose deadline has come, that has enough, or whose program is to
// blame, and warns of a deadline that will not be kept.
func (r *Renter) ends(t *tx, a *active) {
	if a.Phase != job.Active {
		return
	}
	if why, msg, ok := a.End(a.out, t.now); ok {
		r.halt(t, a, why, msg)
	}
	if a.Halted != 0 {
		if a.Spec.Service.IsZero() && (t.now-a.toldAt >= tellEvery || t.now < a.toldAt) { // a service's replicas are drained first
			a.toldAt = t.now
			r.stop(t, a)
		}
		if j := a.Over(a.out, t.now); j.Phase != job.Active {
			a.Job = j
			t.jobs[a.ID] = true
			r.c.Log.Info("job is over", "job", a.ID.Short(), "reason", j.Why, "message", j.Message)
		}
		return
	}
	if a.Spec.Deadline == 0 || t.now-a.warnedAt < warnEvery && t.now >= a.warnedAt {
		return
	}
	a.warnedAt = t.now
	r.warn(t, a)
}

// warn holds a job against its deadline.
func (r *Renter) warn(t *tx, a *active) {
	out := r.running(a, t.now)
	waiting, slots := 0, 0
	for _, i := range a.waiting {
		if a.tasks[i].State == job.Waiting {
			waiting++
		}
	}
	for _, b := range r.ordered() {
		ours := 0
		for _, x := range out {
			if x.Node == b.node {
				ours++
			}
		}
		slots += min(ours, int(b.Terms.Slots))
		if b.silent == job.Fine && r.suits(b, a, t.now) && r.shares(b, a) {
			slots += b.room(t.now, 0)
		}
	}
	if len(out) == 0 && waiting > 0 && a.out == 0 && !r.inTime(t, a) {
		r.halt(t, a, artel.ReasonDeadline, "nothing more can be done before the deadline, by what its tasks have taken so far")
		return
	}
	at := a.Forecast(&a.pace, out, waiting, slots, t.now)
	if at == 0 {
		return
	}
	if j, changed := a.Warn(at, min(slots, len(out))); changed {
		a.Job = j
		t.jobs[a.ID] = true
		r.c.Log.Info("job and its deadline", "job", a.ID.Short(), "message", j.Message)
	}
}

// inTime reports whether any machine that is leased or listed could still do an
// element by the deadline.
func (r *Renter) inTime(t *tx, a *active) bool {
	for _, b := range r.ordered() {
		if r.suits(b, a, t.now) && a.InTime(&a.pace, b.node, r.speed(b, t.now), t.now) {
			return true
		}
	}
	offers := r.c.Board.Offers(a.Spec, time.UnixMilli(t.now), 64)
	return len(offers) == 0 || slices.ContainsFunc(offers, func(l Listed) bool { return r.listedInTime(t, a, l) })
}

func (r *Renter) listedInTime(t *tx, a *active, l Listed) bool {
	return a.InTime(&a.pace, l.Offer.Node, r.speedOf(l.Offer.Node, l.Offer.Speed, t.now), t.now)
}

// halt begins a job's end: what runs for it is told to stop, what was delivered is
// still paid for and opened.
func (r *Renter) halt(t *tx, a *active, why artel.Reason, msg string) {
	a.Job = a.Job.Halt(why, msg, t.now)
	a.toldAt = t.now
	t.jobs[a.ID] = true
	r.stop(t, a)
}

// urgent orders the offers for a job with a deadline: those first that are likely to
// be there to the end of a task, and where the deadline cannot be kept as it goes,
// the fastest.
func (r *Renter) urgent(t *tx, a *active, offers []Listed) []Listed {
	if a.Spec.Deadline == 0 {
		return offers
	}
	offers = slices.DeleteFunc(slices.Clone(offers), func(l Listed) bool { return !r.listedInTime(t, a, l) })
	expect := func(l Listed) float64 {
		return a.pace.Expect(l.Offer.Node, r.speedOf(l.Offer.Node, l.Offer.Speed, t.now))
	}
	stays := func(l Listed) int {
		ms := uint64(expect(l))
		if ms == 0 {
			ms = a.Spec.Wall
		}
		if r.c.Board.Record(l.Offer.Node).Success(l.Offer, ms, uint64(t.now/1000)) < 0.5 {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(offers, func(x, y Listed) int {
		c := cmp.Compare(stays(x), stays(y))
		if c == 0 && a.Late != 0 {
			c = cmp.Compare(expect(x), expect(y))
		}
		return c
	})
	return offers
}
