package renter

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// gone reports whether the provider no longer knows the lease.
func gone(err error) bool {
	var e *p2p.Error
	return errors.As(err, &e) && e.Remote && (errors.Is(err, p2p.NotFound) || errors.Is(err, p2p.Unauthorized) || errors.Is(err, p2p.Conflict))
}

// follow watches a lease until it is closed. Called by the core.
func (r *Renter) follow(ctx context.Context, b *bought) {
	ctx, cancel := context.WithCancel(ctx)
	b.cancel = cancel
	r.loop.Go(func() {
		defer cancel()
		for ctx.Err() == nil {
			var req wire.WatchRequest
			var asked int64 // unix ms, as if the clock had never been set
			if r.do(ctx, func(t *tx) {
				asked = t.now - r.shift
				req = wire.WatchRequest{Lease: b.id, Gen: r.gen.Load(), After: b.Seq, Wait: b.failover.Heartbeat, Done: r.done(b, t.now)}
				if (b.closing || b.Phase == lease.Closed) && len(b.work) == 0 {
					req.Wait = 0 // only the last bill is missing
				}
				if len(b.waiting) > 0 && !b.sending && b.silent != job.Dead {
					t.after = append(t.after, func() { r.send(t.ctx, b) })
				}
			}) != nil {
				return
			}
			wait := time.Duration(req.Wait)*time.Millisecond + 2*time.Second
			cctx, done := context.WithTimeout(ctx, wait)
			raw, err := r.c.Host.Call(cctx, b.node, wire.MethodWatch, req.Marshal(), wire.MaxWatch)
			done()
			var resp wire.WatchResponse
			if err == nil {
				resp, err = wire.UnmarshalWatchResponse(raw)
			}
			over, futile := false, false
			if r.do(ctx, func(t *tx) {
				known := len(b.Outstanding)
				over = r.heard(t, b, resp, err, asked+r.shift)
				futile = len(resp.Events) > 0 && len(b.Outstanding) >= known // an answer at once that says nothing new
			}) != nil || over {
				return
			}
			if err != nil || futile {
				core.Every(ctx, 500*time.Millisecond)
			} else if req.Wait == 0 {
				core.Every(ctx, 100*time.Millisecond)
			}
		}
	})
}

// settled is the event up to which everything is done with: paid for, opened
// and stored.
func (b *bought) settled() uint64 {
	through := b.Seq
	for _, w := range b.work {
		if w.Receipt {
			through = min(through, max(w.Seq, 1)-1)
		}
	}
	for _, seq := range b.logs {
		through = min(through, seq-1)
	}
	return through
}

// heard takes an answer of the provider, or its absence, and reports whether
// the lease is over.
func (r *Renter) heard(t *tx, b *bought, resp wire.WatchResponse, err error, asked int64) (over bool) {
	if r.leases[b.id] != b {
		return true
	}
	if err != nil {
		if gone(err) {
			r.ousted(b.node, err)
			r.drop(t, b, artel.ReasonLost, err.Error())
			return true
		}
		return false // silence is judged by the tick
	}
	was := b.Bought
	if b.silent != job.Fine {
		// Who was given up is left alone for longer than one who has come back needs be:
		// where all were silent for a moment, nothing would run anywhere meanwhile.
		now := time.UnixMilli(t.now)
		if left := r.shy[b.node].Sub(now); b.silent == job.Dead && left > shyFor && left <= silentFor {
			r.shy[b.node] = now.Add(shyFor)
		}
		b.silent = job.Fine
		r.c.Log.Info("provider answers again", "provider", b.node.Short(), "lease", b.id.Short())
	}
	told := maps.Clone(b.progress)
	clear(b.progress)
	var running []lease.TaskKey
	for _, p := range resp.Running {
		k := lease.TaskKey(p.TaskKey)
		running = append(running, k)
		b.progress[k] = told[k].next(p)
	}
	if ks := b.Forgotten(running); len(ks) > 0 {
		stop := make([]wire.TaskKey, len(ks))
		for i, k := range ks {
			stop[i] = wire.TaskKey(k)
		}
		r.tellCancel(t, b, stop) // nobody knows what they are for
	}
	b.stands(was.Heard, t.now)
	t.news = t.news || len(running) > 0
	for _, e := range resp.Events {
		k := lease.TaskKey{Task: e.Task, Attempt: e.Attempt}
		next, v, err := b.Ended(r.domain, lease.End(e), t.now)
		if err != nil {
			r.c.Log.Warn("provider's events", "lease", b.id.Short(), "error", err)
			r.tellClose(t, b)
			r.drop(t, b, artel.ReasonLost, err.Error())
			return true
		}
		b.Bought = next
		if v.Known {
			delete(b.waiting, k)
			r.ended(t, b, k, v)
			if v.Segment == nil && v.Slice == nil {
				b.begin(t.now)
			}
		}
	}
	if r.leases[b.id] != b {
		return true
	}
	next := b.Bought
	next.Heard = t.now
	if len(resp.Events) < wire.MaxTasks/2 && len(resp.Running) < wire.MaxRunning {
		for _, k := range next.Missing(running, asked) {
			next = next.Drop(k)
			r.lost(t, b, k, artel.ReasonLost, "the provider restarted and lost it")
		}
	}
	before := next.Book.Due()
	next, b.claimed = next.Holding(resp.Due, t.now), next.Claim(resp.Due, t.now)
	if a := r.jobs[b.job]; a != nil && before.Less(next.Book.Due()) {
		a.Spent = plus(a.Spent, next.Book.Due().Sub(before))
		t.jobs[b.job] = true
	}
	if resp.Stopping != "" && next.Phase == lease.Open {
		next = next.Stopped(resp.Stopping, resp.Message)
		r.c.Log.Info("lease ends", "lease", b.id.Short(), "provider", b.node.Short(), "reason", resp.Stopping, "message", resp.Message)
	}
	next = r.secure(t, b, next.Settled())
	if len(resp.Events) == 0 && next.Phase == was.Phase && next.Book == was.Book && len(next.Outstanding) == len(was.Outstanding) {
		b.Bought = next // a heartbeat without news: not worth a write
	} else {
		r.set(t, b, next)
	}
	r.settle(t, b)
	return r.finish(t, b, resp)
}

// drop ends a lease at once: the provider does not know it any more.
func (r *Renter) drop(t *tx, b *bought, why artel.Reason, msg string) {
	if r.leases[b.id] != b {
		return
	}
	next := b.WrittenOff().Stopped(why, msg)
	r.writtenOff(t, b, b.Bought, next)
	for _, k := range b.keys() {
		r.lost(t, b, k, why, msg)
	}
	next.Outstanding = nil
	r.set(t, b, next)
	if until := time.UnixMilli(t.now).Add(shyFor); r.shy[b.node].Before(until) {
		r.shy[b.node] = until // or its tasks would come back to it at once
	}
	r.c.Log.Info("lease is gone", "lease", b.id.Short(), "provider", b.node.Short(), "reason", why, "message", msg)
	r.remove(t, b)
}

// maxOver bounds the ended leases that are remembered by their ids.
const maxOver = 4096

func (r *Renter) remove(t *tx, b *bought) {
	delete(r.leases, b.id)
	if len(r.over) >= maxOver {
		clear(r.over)
	}
	r.over[b.id] = true
	if b.q != nil && !b.q.on {
		r.unask(b, errors.New("the lease has ended"))
	}
	if held := b.held(t.now); held > 0 {
		r.note(t, b.node, func(x market.Record) market.Record { x.Held += held; return x })
	}
	if r.jobs[b.job] != nil {
		t.jobs[b.job] = true // it may have been waiting for this alone
	}
	t.change.DropLeases = append(t.change.DropLeases, b.id)
	if b.cancel != nil {
		t.after = append(t.after, b.cancel)
	}
}

// finish removes a lease with nothing left to do, after its last bill is paid.
func (r *Renter) finish(t *tx, b *bought, resp wire.WatchResponse) bool {
	if b.Phase == lease.Open || len(b.Outstanding) > 0 {
		return false
	}
	if resp.Stopping == "" { // held, it would cost more with every question
		if !b.closing {
			r.tellClose(t, b)
		}
		return false
	}
	if len(b.work) > 0 || len(b.logs) > 0 || len(resp.Events) > 0 {
		return false
	}
	if _, owed := b.Owed(); owed || b.paidUp.Less(b.Book.Voucher) {
		if !b.Disputed {
			return false // the provider is there and takes it, or it is lost with the lease
		}
	}
	r.c.Log.Info("lease closed", "lease", b.id.Short(), "provider", b.node.Short(), "paid", b.Book.Voucher, "reason", b.Stop)
	r.remove(t, b)
	return true
}

func (r *Renter) tellClose(t *tx, b *bought) {
	b.closing = true
	t.after = append(t.after, func() {
		r.loop.Go(func() {
			ctx, cancel := context.WithTimeout(t.ctx, callFor)
			defer cancel()
			_, err := r.c.Host.Call(ctx, b.node, wire.MethodClose, wire.CloseRequest{Lease: b.id, Gen: r.gen.Load()}.Marshal(), wire.MaxSmall)
			if err != nil {
				r.post(func(*tx) { b.closing = false })
			}
		})
	})
}

// next is the progress of an attempt after its provider's next word on it.
func (was Progress) next(p wire.Progress) Progress {
	x := Progress{Phase: p.Phase, Elapsed: p.Elapsed, Before: min(was.Before, p.Elapsed)}
	switch p.Phase {
	case "queued", "waiting", "fetching", "restoring": // what it needs is on its way
		x.Before = p.Elapsed
	}
	return x
}
