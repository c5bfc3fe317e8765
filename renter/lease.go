package renter

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// callFor bounds a call that is not a long poll.
const callFor = 10 * time.Second

// send hands waiting attempts to the provider until it took or refused all of
// them. Handing out twice is harmless, so it goes on until the host is dead.
// One send runs per lease; it is started by the core.
func (r *Renter) send(ctx context.Context, b *bought) {
	if b.sending {
		return
	}
	b.sending = true
	// In the order of their numbers: once a task is settled, the provider refuses
	// those below it that it has not seen.
	keys := slices.SortedFunc(maps.Keys(b.waiting), func(x, y lease.TaskKey) int { return cmp.Compare(x.Task, y.Task) })
	keys = keys[:min(len(keys), wire.MaxTasks/4)]
	batch := make([]wire.Start, 0, len(keys))
	for _, k := range keys {
		batch = append(batch, wire.Start{Task: k.Task, Attempt: k.Attempt, Spec: b.waiting[k], Keep: b.keepOf(k)})
	}
	batch = batch[:wire.FitStarts(batch)] // long arguments fill a message before the tasks are all in it
	r.loop.Go(func() {
		req := wire.StartRequest{Lease: b.id, Gen: r.gen.Load(), Starts: batch}
		cctx, cancel := context.WithTimeout(ctx, callFor)
		raw, err := r.c.Host.Call(cctx, b.node, wire.MethodStart, req.Marshal(), wire.MaxStartAnswer)
		cancel()
		var resp wire.StartResponse
		if err == nil {
			resp, err = wire.UnmarshalStartResponse(raw)
		}
		if err != nil {
			core.Every(ctx, 300*time.Millisecond)
		}
		r.post(func(t *tx) { r.sent(t, b, batch, resp, err) })
	})
}

func (r *Renter) sent(t *tx, b *bought, batch []wire.Start, resp wire.StartResponse, err error) {
	b.sending = false
	if r.leases[b.id] != b {
		return
	}
	if err == nil {
		next := b.Bought
		var took []lease.TaskKey
		var late []wire.TaskKey // that are another machine's by now
		refuses := false
		refused := map[lease.TaskKey]wire.Refusal{}
		for _, x := range resp.Refused {
			refused[lease.TaskKey{Task: x.Task, Attempt: x.Attempt}] = x
		}
		for _, s := range batch {
			k := lease.TaskKey{Task: s.Task, Attempt: s.Attempt}
			delete(b.waiting, k)
			if w := b.work[k]; w != nil && w.Receipt {
				continue // it has ended meanwhile
			}
			if x, no := refused[k]; no {
				next = next.Drop(k)
				r.lost(t, b, k, x.Reason, x.Message)
				refuses = refuses || !x.Reason.Excused()
				continue
			}
			took = append(took, k)
			if w := b.work[k]; w != nil {
				if a := r.jobs[w.Job]; a == nil || a.tasks[w.Index].Fenced(w.Try) {
					late = append(late, wire.TaskKey(k))
				}
			}
		}
		if len(late) > 0 {
			r.tellCancel(t, b, late)
		}
		next = next.Ack(took, t.now)
		if refuses {
			next = next.Stopped(artel.ReasonRefused, "the provider refuses tasks")
			r.shy[b.node] = time.UnixMilli(t.now).Add(shyFor)
		}
		r.set(t, b, next)
	} else if gone(err) {
		r.ousted(b.node, err)
		r.drop(t, b, artel.ReasonLost, err.Error())
		return
	}
	if len(b.waiting) > 0 && b.silent != job.Dead {
		t.after = append(t.after, func() { r.send(t.ctx, b) })
	}
}

// ended takes the end of an attempt.
func (r *Renter) ended(t *tx, b *bought, k lease.TaskKey, v lease.Verdict) {
	w := b.work[k]
	if w == nil {
		return
	}
	switch {
	case v.Segment != nil:
		r.kept(t, b, w, v)
		return
	case v.Slice != nil:
		r.sliced(t, w, v.Spent)
		return
	}
	delete(b.checks, k)
	if v.Receipt == nil {
		r.wasted(t, b, *w, b.ran(k), artel.Amount{})
		delete(b.work, k)
		if v.Reason.Excused() {
			r.leaves(t, b, v.Reason, v.Message)
		}
		r.back(t, b, *w, v.Reason, v.Message)
		if v.Reason == artel.ReasonGarbage {
			r.noteEnd(t, b.node, false, 0)
		}
		return
	}
	if a := r.jobs[w.Job]; a != nil && v.Receipt.Reason.HostsFault() {
		r.wasted(t, b, *w, v.Receipt.Usage.Wall, unbilled(b, v.Receipt, a.tasks[w.Index], w.Try, v.Spent))
	}
	r.leaves(t, b, v.Receipt.Reason, v.Receipt.Message)
	a := r.jobs[w.Job]
	if a == nil {
		r.noteReceipt(t, b.node, v.Receipt)
		delete(b.work, k)
		b.Bought = b.Opened(k)
		return
	}
	j, task, accept, cancel := a.Received(a.tasks[w.Index], w.Try, v.Receipt, v.Spent, t.now)
	was := a.tasks[w.Index].State
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	r.credit(t, b, a, w, v.Receipt, accept, cancel)
	if was == job.Out && task.State != job.Out && task.State != job.Paying {
		a.out--
	} else if was != job.Out && was != job.Paying && task.State == job.Paying {
		a.out++
	}
	if was != job.Waiting && task.State == job.Waiting {
		a.waiting = append(a.waiting, w.Index)
	}
	if !accept || task.State == job.Failed {
		delete(b.work, k)
		b.Bought = b.Opened(k) // its output is of no use: nothing to hold money back for
		a.Job = a.Settle(t.now)
	} else {
		w.Seq = b.Seq
		w.Receipt, w.Sealed, w.Root, w.Due = true, v.Receipt.Sealed, v.Receipt.Result.OutputRoot, v.Receipt.Due
		if w.Sealed.IsZero() {
			w.Here = true
		} else {
			ww := *w
			t.after = append(t.after, func() { r.fetchSealed(t.ctx, b, ww) })
		}
	}
	limit := a.Spec.Log
	if limit == 0 {
		limit = defaultLog
	}
	if x := v.Receipt.Reason; !a.Spec.Service.IsZero() && (x == artel.ReasonExited || x.ProgramsFault()) {
		r.logged(t, b, a, w) // of what came to nothing
	}
	if limit = min(v.Receipt.Usage.Log, limit); accept && limit > 0 {
		b.logs[k] = b.Seq
		ww := *w
		t.after = append(t.after, func() { r.saveLog(t.ctx, b, ww, limit) })
	}
	for _, other := range cancel {
		r.cancelAttempt(t, a.ID, w.Index, other)
	}
}

// cancelAttempt ends an attempt that is not needed any more.
func (r *Renter) cancelAttempt(t *tx, id artel.Hash, index uint64, at job.Attempt) {
	b := r.leases[at.Lease]
	if b == nil {
		return
	}
	for k, w := range b.work {
		if w.Job == id && w.Index == index && w.Try == at.N {
			r.tellCancel(t, b, []wire.TaskKey{wire.TaskKey(k)})
		}
	}
}

func (r *Renter) tellCancel(t *tx, b *bought, ks []wire.TaskKey) {
	t.after = append(t.after, func() {
		r.loop.Go(func() {
			ctx, cancel := context.WithTimeout(t.ctx, callFor)
			defer cancel()
			req := wire.CancelRequest{Lease: b.id, Gen: r.gen.Load(), Tasks: ks}
			_, _ = r.c.Host.Call(ctx, b.node, wire.MethodCancel, req.Marshal(), wire.MaxSmall) // at worst it runs to its limit
		})
	})
}

// lost takes an attempt that will have no end on this lease.
func (r *Renter) lost(t *tx, b *bought, k lease.TaskKey, why artel.Reason, msg string) {
	w := b.work[k]
	if w == nil {
		return
	}
	r.wasted(t, b, *w, b.ran(k), artel.Amount{})
	delete(b.work, k)
	delete(b.waiting, k)
	r.back(t, b, *w, why, msg)
	if why == artel.ReasonLost {
		r.noteEnd(t, b.node, false, 0)
		r.gone(t, b.node, false)
		r.seek(t, b, *w)
	}
}

// back gives a task back to its job without a result.
func (r *Renter) back(t *tx, b *bought, w Work, why artel.Reason, msg string) {
	a := r.jobs[w.Job]
	if a == nil || w.Late != nil {
		return // nobody wants it, or another host has it
	}
	was := a.tasks[w.Index].State
	j, task := a.Lost(a.tasks[w.Index], w.Try, why, msg, t.now)
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	if (was == job.Out || was == job.Paying) && task.State != job.Out && task.State != job.Paying {
		a.out--
	}
	if was != job.Waiting && task.State == job.Waiting {
		a.waiting = append(a.waiting, w.Index)
	}
	r.c.Log.Info("task goes back", "job", a.ID.Short(), "task", a.Spec.First+w.Index, "provider", b.node.Short(), "reason", why, "message", msg)
}
