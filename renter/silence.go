package renter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

func (r *Renter) tickLoop(ctx context.Context) {
	for core.Every(ctx, tickEvery) {
		if r.do(ctx, r.tick) != nil {
			return
		}
	}
}

// jumped keeps what lasts as long as it does, whatever the clock was set to;
// only documents go by the clock. After a sleep nobody was silent: nobody was
// listened to.
func (r *Renter) jumped(t *tx, j core.Jump) {
	ms := j.Set.Milliseconds()
	r.c.Log.Info("time has jumped", "clock", j.Set, "slept", j.Slept)
	r.shift += ms
	r.woke += ms
	r.ticked += ms
	if j.Slept > 0 {
		r.woke, r.ticked = t.now, t.now
	}
	for n, until := range r.shy {
		r.shy[n] = until.Add(j.Set)
	}
	for n, d := range r.denied {
		d.At = d.At.Add(j.Set)
		r.denied[n] = d
	}
	for _, d := range r.drops {
		d.since = d.since.Add(j.Set)
		if !d.not.IsZero() {
			d.not = d.not.Add(j.Set)
		}
	}
	for n := range r.journal.away {
		r.journal.away[n] += ms
	}
	if r.journal.heldAt != 0 {
		r.journal.heldAt += ms
	}
	for _, b := range r.leases {
		b.Bought, b.idle = b.Shifted(ms), b.idle.Add(j.Set)
		b.patient += ms
		for k, s := range b.stood {
			if s.since != 0 {
				s.since += ms
				b.stood[k] = s
			}
		}
		for _, w := range b.work {
			if w.Begun != 0 {
				w.Begun += ms
			}
		}
		if b.askAt != 0 {
			b.askAt += ms
		}
		if b.heldAt != 0 {
			b.heldAt += ms + j.Slept.Milliseconds()
		}
		if j.Slept > 0 {
			b.patient = t.now
		}
	}
	for _, a := range r.jobs {
		if !a.Spec.Service.IsZero() { // an update that nobody could look at was not stuck
			a.Grew = max(a.Created, a.Grew) + ms + j.Slept.Milliseconds()
		}
		if a.Halted != 0 { // or it waits until then for what is out
			a.Halted += ms
		}
		for i, task := range a.tasks {
			if len(task.Attempts) > 0 {
				a.tasks[i] = task.Shifted(ms)
			}
		}
	}
}

// tick does what time alone brings.
func (r *Renter) tick(t *tx) {
	r.woken(t)
	for _, b := range r.ordered() {
		r.judge(t, b)
		if r.leases[b.id] == b {
			r.standStill(t, b)
			r.stalled(t, b)
			r.takeBack(t, b)
			r.rest(t, b)
			r.heldUp(t, b)
			r.wonder(t, b)
		}
	}
	r.serve(t)
	for _, id := range r.order {
		if a := r.jobs[id]; a != nil {
			r.broke(t, a)
			r.ends(t, a)
		}
	}
	now := time.UnixMilli(t.now)
	for n, until := range r.shy {
		if now.After(until) {
			delete(r.shy, n)
		}
	}
	r.callHome(t)
}

const (
	tickEvery  = 500 * time.Millisecond // how often silence is judged
	wokenAfter = 10 * time.Second       // of standing still: more than a busy machine makes of a tick
	silentFor  = time.Minute            // for which one who was given up, or stalls, is left alone; less when it comes back
)

// woken finds out whether this process stood still, which is no sleep of the machine:
// it was stopped, or its virtual machine was, or nothing was left of the processor.
// Nobody was listened to for so long, and that is nobody's silence.
func (r *Renter) woken(t *tx) {
	still := t.now - r.ticked - tickEvery.Milliseconds()
	if r.ticked != 0 && still > tickEvery.Milliseconds() {
		for _, b := range r.leases {
			b.patient = max(b.Heard, b.patient) + still
		}
	}
	if r.ticked != 0 && still > wokenAfter.Milliseconds() {
		r.woke = t.now // and what happened meanwhile is still to be heard
	}
	r.ticked = t.now
}

// judge draws conclusions from a host's silence.
func (r *Renter) judge(t *tx, b *bought) {
	if b.asking {
		return // still being proposed
	}
	silence := t.now - max(b.Heard, b.patient)
	was := b.silent
	switch b.silent = job.Judge(b.failover, silence); {
	case b.silent == job.Suspect && was == job.Fine:
		r.c.Log.Info("provider is silent", "provider", b.node.Short(), "seconds", silence/1000)
	case b.silent == job.Dead && was != job.Dead:
		r.c.Log.Info("provider is given up, its tasks go elsewhere", "provider", b.node.Short(), "seconds", silence/1000, "tasks", len(b.Outstanding))
		r.noteEnd(t, b.node, false, 0)
		r.gone(t, b.node, false)
		r.shy[b.node] = time.UnixMilli(t.now).Add(silentFor)
		r.set(t, b, b.Stopped(artel.ReasonLost, "the provider fell silent"))
		for _, k := range b.keys() {
			switch w := b.work[k]; {
			case b.opening[k]: // all of it is here
			case w.Receipt && w.Sealed.IsZero():
				r.delivered(t, b, *w, artel.Ref{}) // the receipt is the result
			case w.Receipt:
				r.doubt(t, w)
			default: // what it has not said that it has is sent again when it is back, and ended then
				ran := b.ran(k)
				if r.fence(t, *w) {
					r.wasted(t, b, *w, ran, artel.Amount{})
					r.seek(t, b, *w)
				}
			}
		}
	case b.silent == job.Dead && silence > r.c.Policy.Grace.Milliseconds():
		r.drop(t, b, artel.ReasonLost, fmt.Sprintf("the provider did not come back within %s", r.c.Policy.Grace))
	}
}

// stalled takes tasks away from a host that answers every heartbeat and does
// not end them.
func (r *Renter) stalled(t *tx, b *bought) {
	slack := r.c.Policy.Stall.Milliseconds()
	if t.now-r.woke < slack {
		return // what ended meanwhile is still to be heard
	}
	overdue := func(slack int64) []lease.TaskKey {
		at := func(now int64) []lease.TaskKey { return append(b.overdue(now, slack), r.unsaved(b, now, slack)...) }
		return b.excused(at(t.now), at, t.now)
	}
	late := overdue(slack)
	if len(late) == 0 {
		return
	}
	var ks []wire.TaskKey
	for _, k := range late {
		if w := b.work[k]; w != nil && !w.Receipt && r.fence(t, *w) {
			r.wasted(t, b, *w, b.ran(k), artel.Amount{})
			r.seek(t, b, *w) // one keeper may hold what was never enough of them did
			delete(b.waiting, k)
			ks = append(ks, wire.TaskKey(k))
		}
	}
	if len(ks) > 0 {
		r.tellCancel(t, b, ks)
	}
	if b.Phase == lease.Open {
		r.c.Log.Info("provider does not end its tasks", "provider", b.node.Short(), "lease", b.id.Short(), "tasks", len(late))
		r.noteEnd(t, b.node, false, 0)
		r.shy[b.node] = time.UnixMilli(t.now).Add(silentFor)
		r.set(t, b, b.Stopped(artel.ReasonLost, "the provider does not end its tasks"))
		return
	}
	if len(overdue(slack+r.c.Policy.Grace.Milliseconds())) > 0 {
		r.tellClose(t, b)
		r.drop(t, b, artel.ReasonLost, "the provider does not end its tasks")
	}
}

// heldUp ends the wait for a host that answers every heartbeat and yet takes no
// payment, gives no key or does not close: the job must go on elsewhere.
func (r *Renter) heldUp(t *tx, b *bought) {
	fetching := slices.ContainsFunc(slices.Collect(maps.Values(b.work)), func(w *Work) bool { return w.Receipt && !w.Here })
	keys := len(b.unopened()) > 0
	ends := b.Phase != lease.Open && len(b.Outstanding)+len(b.opening)+len(b.logs) == 0 && !fetching
	if b.asking || b.silent != job.Fine || r.leases[b.id] != b || !keys && !ends {
		b.heldAt = 0
		return
	}
	if b.heldAt == 0 {
		b.heldAt = t.now
	}
	if t.now-b.heldAt < (r.c.Policy.Stall + r.c.Policy.Grace).Milliseconds() {
		return
	}
	b.heldAt = 0
	const msg = "the provider answers, but neither takes money nor hands out what it is for, nor closes"
	r.withhold(t, b, msg)
	if ends {
		r.drop(t, b, artel.ReasonGarbage, msg)
	}
}

// doubt gives a task to another host although its receipt is here: its host fell
// silent before it gave the output's key. If it comes back with that first, the
// receipt counts again.
func (r *Renter) doubt(t *tx, w *Work) {
	a := r.jobs[w.Job]
	if a == nil {
		return
	}
	if receipt := a.tasks[w.Index].Receipt; r.fence(t, *w) {
		w.Late = receipt
	}
}

// fence makes a task free for another host, and reports whether it did.
func (r *Renter) fence(t *tx, w Work) bool {
	a := r.jobs[w.Job]
	if a == nil {
		return false
	}
	was := a.tasks[w.Index]
	task := a.Fence(was, w.Try, t.now)
	a.tasks[w.Index] = task
	if was.Fenced(w.Try) == task.Fenced(w.Try) {
		return false
	}
	t.mark(a.ID, w.Index)
	if task.State != job.Waiting || was.State == job.Waiting {
		return true // another attempt of it is out
	}
	a.out--
	a.waiting = slices.Insert(a.waiting, 0, w.Index) // it has waited longest
	return true
}

// rest closes a lease that nobody needs.
func (r *Renter) rest(t *tx, b *bought) {
	if len(b.Outstanding) > 0 || len(b.work) > 0 {
		b.idle = time.UnixMilli(t.now)
		return
	}
	if b.q != nil && b.q.on {
		return // its machine is just showing what it can do
	}
	linger := r.c.Policy.Linger.Milliseconds()
	if a := r.jobs[b.job]; a != nil && !a.Spec.Budget.IsZero() && (a.Phase != job.Active || a.Halted != 0) {
		linger = 0 // nobody else may use it
	}
	if b.Phase != lease.Open || b.Theirs.IsZero() || t.now-b.idle.UnixMilli() < linger {
		return
	}
	r.set(t, b, b.Stopped(artel.ReasonCancelled, "no task needs it"))
	r.tellClose(t, b)
}
