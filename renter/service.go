package renter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// A service's replicas are checked from here, by way of their providers; what is
// answered is paid for. The job machine says what follows from it.

// Probed is the outcome of a health check.
type Probed struct {
	// Answered: the provider said that the program took the connection. That is what a
	// slice is paid for, however good the answer.
	Answered bool
	job.Check
}

// checking is what is remembered of an attempt between its checks.
type checking struct {
	at     int64 // unix ms of the last one's begin
	asking bool
	told   int64 // unix ms at which its provider was last told to stop it
	since  int64 // and was told first; 0: it was not
}

const (
	tellAgain = 2_000                 // ms until a provider is told again to stop a replica
	renewAt   = 3600_000              // ms before its lease ends, at most, a replica has a successor
	serveFor  = artel.ServiceWall / 2 // ms that a service's lease runs for
)

// serve does what a service wants at each tick: as many replicas as it should have,
// checks of those that run, and an end for those that nobody wants any more.
func (r *Renter) serve(t *tx) {
	for _, id := range r.order {
		if a := r.jobs[id]; a != nil && !a.Spec.Service.IsZero() && a.Phase == job.Active && a.Halted == 0 {
			r.places(t, a)
		}
	}
	for _, b := range r.ordered() {
		if b.Lease.Rule != artel.RuleTime || b.asking {
			continue
		}
		for _, k := range b.keys() {
			if w := b.work[k]; !w.Receipt {
				r.inspect(t, b, k, w)
				if r.leases[b.id] != b {
					break
				}
			}
		}
	}
}

// places makes a version of a service have the replicas that it should.
func (r *Renter) places(t *tx, a *active) {
	old, next := r.jobs[a.Spec.Service.Old], r.successor(a.ID)
	before := old != nil && old.Phase == job.Active && old.Halted == 0
	healthy := job.Healthy(a.tasks)
	switch {
	case before && healthy >= a.Spec.Service.Replicas:
		r.drain(t, old, artel.ReasonCancelled, fmt.Sprintf("version %s has taken over", a.ID.Short()))
	case before && a.Stuck(t.now):
		r.drain(t, a, artel.ReasonUnhealthy, fmt.Sprintf("only %d of %d replicas of this version became healthy; version %s goes on", healthy, a.Spec.Service.Replicas, old.ID.Short()))
		return
	}
	var by *job.Job
	others := uint32(0)
	if next != nil {
		if by, others = &next.Job, job.Standing(next.tasks); job.Healthy(next.tasks) >= a.Spec.Service.Replicas {
			return // it is about to be over
		}
	}
	j, tasks, changed := a.Scale(a.tasks, a.Places(a.tasks, by, others, before), t.now)
	if len(changed) == 0 {
		return
	}
	for _, i := range changed {
		switch {
		case i >= uint64(len(a.tasks)):
			a.waiting = append(a.waiting, i)
		case a.tasks[i].State == job.Out:
			a.out--
		}
		t.mark(a.ID, i)
	}
	a.Job, a.tasks = j.Settle(t.now), tasks
	r.c.Log.Info("service changes", "job", a.ID.Short(), "name", a.Spec.Name, "replicas", a.Open)
}

// successor is the version that takes over from one; nil: there is none.
func (r *Renter) successor(id artel.Hash) *active {
	for _, a := range r.jobs {
		if a.Spec.Service.Old == id && !a.Spec.Service.IsZero() && a.Phase == job.Active && a.Halted == 0 {
			return a
		}
	}
	return nil
}

// drain ends a version of a service: nothing is sent to it any more, then it is stopped.
func (r *Renter) drain(t *tx, a *active, why artel.Reason, msg string) {
	a.Job, a.tasks = a.Stop(a.tasks, why, msg, t.now)
	for i := range a.tasks {
		t.mark(a.ID, uint64(i))
	}
	r.c.Log.Info("service ends", "job", a.ID.Short(), "name", a.Spec.Name, "reason", why, "message", msg)
}

// inspect checks an attempt if it is time, and has it stopped if nobody wants it.
func (r *Renter) inspect(t *tx, b *bought, k lease.TaskKey, w *Work) {
	a, c := r.jobs[w.Job], b.checks[k]
	if c == nil {
		c = &checking{}
		if b.checks == nil {
			b.checks = map[lease.TaskKey]*checking{}
		}
		b.checks[k] = c
	}
	if a == nil || a.Unwanted(a.tasks[w.Index], w.Try, t.now) {
		if t.now-c.told >= tellAgain || t.now < c.told {
			c.told = t.now
			c.since = cmp.Or(c.since, t.now)
			r.tellCancel(t, b, []wire.TaskKey{wire.TaskKey(k)})
		}
		if b.silent == job.Fine && t.now-c.since > (r.c.Policy.Stall+r.c.Policy.Grace).Milliseconds() {
			r.tellClose(t, b)
			r.drop(t, b, artel.ReasonLost, "the provider does not stop what it is told to")
		}
		return
	}
	if task := a.tasks[w.Index]; task.Late(w.Try, t.now) {
		r.replace(t, b, a, w, job.Check{Bad: "its image did not come", Host: true})
		return
	}
	s := a.Spec.Service
	age := t.now - c.at
	if phase := b.progress[k].Phase; phase != "running" && phase != wire.PhaseFrozen || c.asking || b.silent != job.Fine || age >= 0 && age < int64(s.Every) {
		return
	}
	c.at, c.asking = t.now, true
	at := Attempt{Node: b.node, Lease: b.id, Key: wire.TaskKey(k), Gen: r.gen.Load()}
	t.after = append(t.after, func() {
		r.loop.Go(func() {
			ctx, cancel := context.WithTimeout(t.ctx, time.Duration(s.Timeout)*time.Millisecond)
			defer cancel()
			p := r.c.Probe(ctx, at, s)
			r.post(func(t *tx) { r.probed(t, b, k, p) })
		})
	})
}

// probed takes a check of an attempt.
func (r *Renter) probed(t *tx, b *bought, k lease.TaskKey, p Probed) {
	if c := b.checks[k]; c != nil {
		c.asking = false
	}
	w := b.work[k]
	if r.leases[b.id] != b || w == nil {
		return
	}
	if p.Answered {
		// Not worth a row: it is stored with the next slice, of which none says more than a
		// Risk beyond it.
		b.Bought = b.Bought.Answered(k, t.now)
	}
	a := r.jobs[w.Job]
	if a == nil {
		return
	}
	was := a.tasks[w.Index]
	j, task, fails := a.Checked(was, w.Try, p.Check, t.now)
	if !changed(was, task, w.Try) {
		return
	}
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	if p.Bad != "" {
		r.c.Log.Info("health check failed", "job", a.ID.Short(), "task", w.Index, "provider", b.node.Short(), "message", p.Bad)
	}
	if fails {
		r.replace(t, b, a, w, job.Check{Bad: p.Bad, Host: p.Host || b.progress[k].Phase == wire.PhaseFrozen})
	}
}

// changed reports whether a check of attempt n says something that is worth a row.
func changed(was, is job.Task, n uint32) bool {
	if n == 0 || int(n) > len(was.Attempts) || len(was.Attempts) != len(is.Attempts) {
		return false
	}
	x, y := was.Attempts[n-1], is.Attempts[n-1]
	return x.Bad != y.Bad || x.Up != y.Up || x.Runs != y.Runs
}

// replace gives a replica that is not well to another machine.
func (r *Renter) replace(t *tx, b *bought, a *active, w *Work, c job.Check) {
	was := a.tasks[w.Index]
	if at := &was.Attempts[w.Try-1]; at.Bad == 0 {
		was.Attempts = slices.Clone(was.Attempts)
		was.Attempts[w.Try-1].Message = c.Bad
	}
	j, task := a.Ill(was, w.Try, c.Host, t.now)
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	if was.State == job.Out && task.State != job.Out {
		a.out--
	}
	if was.State != job.Waiting && task.State == job.Waiting {
		a.waiting = append(a.waiting, w.Index)
	}
	at := task.Attempts[w.Try-1]
	r.c.Log.Info("replica is replaced", "job", a.ID.Short(), "task", w.Index, "provider", b.node.Short(), "reason", at.Reason, "message", at.Message)
	r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
	delete(b.waiting, w.TaskKey)
	if b.Phase == lease.Open {
		r.set(t, b, b.Stopped(artel.ReasonCancelled, "its replica was not well"))
	}
	r.logged(t, b, a, w)
}

// logged keeps what a replica has printed before it failed.
func (r *Renter) logged(t *tx, b *bought, a *active, w *Work) {
	limit := cmp.Or(a.Spec.Log, defaultLog)
	b.logs[w.TaskKey] = max(b.Seq, 1)
	ww := *w
	t.after = append(t.after, func() { r.saveLog(t.ctx, b, ww, limit) })
}

// sliced takes time that is due for answered checks.
func (r *Renter) sliced(t *tx, w *Work, spent artel.Amount) {
	if a := r.jobs[w.Job]; a != nil {
		task := &a.tasks[w.Index]
		task.Spent, a.Spent = plus(task.Spent, spent), plus(a.Spent, spent)
		t.mark(a.ID, w.Index)
	}
}

// renew gives replicas whose lease will end, or ends already, a second attempt on
// another machine, and seeks machines for them.
func (r *Renter) renew(t *tx, a *active) {
	var ends []uint64
	for _, b := range r.ordered() {
		if b.Lease.Rule != artel.RuleTime {
			continue
		}
		span := int64(b.Lease.End-b.Lease.Start) * 1000
		if b.Phase == lease.Open && int64(b.Lease.End)*1000-t.now > min(renewAt, span/4) {
			continue
		}
		for _, k := range b.keys() {
			w := b.work[k]
			if w.Job == a.ID && !w.Receipt && a.tasks[w.Index].State == job.Out && !a.tasks[w.Index].Lives(w.Try) && !a.Unwanted(a.tasks[w.Index], w.Try, t.now) {
				ends = append(ends, w.Index)
			}
		}
	}
	lacks := 0
	for _, i := range ends {
		given := false
		for _, b := range r.room {
			if b.room(t.now, 0) == 0 || !r.suits(b, a, t.now) || !r.shares(b, a) || a.tasks[i].Avoid(b.node) {
				continue
			}
			if task, at, ok := a.Copy(a.tasks[i], b.ID, b.node, t.now); ok {
				given = r.hand(t, a, b, task, at, t.now)
				break
			}
		}
		if !given {
			lacks++
		}
	}
	if lacks == 0 || t.now-a.soughtAt < seekEvery && t.now >= a.soughtAt {
		return
	}
	a.soughtAt = t.now
	r.ask(t, a, lacks, func(Listed) bool { return true })
}

// StopService ends a service when its replicas are drained; ErrNoJob where none of that
// id runs.
func (r *Renter) StopService(ctx context.Context, id artel.Hash, why string) error {
	return r.service(ctx, id, func(t *tx, a *active) { r.drain(t, a, artel.ReasonCancelled, why) })
}

// ScaleService makes a service have n replicas; ErrNoJob where none of that id runs.
func (r *Renter) ScaleService(ctx context.Context, id artel.Hash, n uint32) error {
	return r.service(ctx, id, func(t *tx, a *active) {
		a.Spec.Service.Replicas = n
		t.jobs[a.ID] = true
		if old := r.jobs[a.Spec.Service.Old]; old != nil && old.Phase == job.Active {
			old.Spec.Service.Replicas = n // should the new version come to nothing
			t.jobs[old.ID] = true
		}
	})
}

func (r *Renter) service(ctx context.Context, id artel.Hash, do func(t *tx, a *active)) error {
	err := ErrNoJob
	if stopped := r.do(ctx, func(t *tx) {
		if a := r.jobs[id]; a != nil && !a.Spec.Service.IsZero() && a.Phase == job.Active && a.Halted == 0 {
			err = nil
			do(t, a)
		}
	}); stopped != nil {
		return stopped
	}
	return err
}

// Services lists the services that run, newest first, however many jobs came after them.
func (r *Renter) Services(ctx context.Context) (js []job.Job, err error) {
	err = r.do(ctx, func(*tx) {
		for _, a := range r.jobs {
			if !a.Spec.Service.IsZero() && a.Phase == job.Active {
				js = append(js, a.Job)
			}
		}
	})
	slices.SortFunc(js, func(x, y job.Job) int {
		return cmp.Or(cmp.Compare(y.Created, x.Created), bytes.Compare(x.ID[:], y.ID[:]))
	})
	return js, err
}

// Replica is a replica of a service as it is now.
type Replica struct {
	Attempt
	Healthy bool
	Price   artel.Price // of the lease
}

// Replicas lists the attempts of a service's version that are not over, by task and
// attempt number.
func (r *Renter) Replicas(ctx context.Context, id artel.Hash) (out map[uint64]map[uint32]Replica, err error) {
	out = map[uint64]map[uint32]Replica{}
	err = r.do(ctx, func(*tx) {
		a := r.jobs[id]
		if a == nil {
			return
		}
		for _, b := range r.leases {
			for k, w := range b.work {
				if w.Job != id || w.Receipt {
					continue
				}
				if out[w.Index] == nil {
					out[w.Index] = map[uint32]Replica{}
				}
				out[w.Index][w.Try] = Replica{
					Attempt: Attempt{Node: b.node, Lease: b.id, Key: wire.TaskKey(k), Gen: r.gen.Load()}, Price: b.Terms.Price,
					Healthy: b.silent == job.Fine && a.tasks[w.Index].Attempts[w.Try-1].Healthy(),
				}
			}
		}
	})
	return out, err
}
