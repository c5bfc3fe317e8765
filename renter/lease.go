package renter

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/seal"
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
		batch = append(batch, wire.Start{Task: k.Task, Attempt: k.Attempt, Spec: b.waiting[k]})
	}
	r.loop.Go(func() {
		req := wire.StartRequest{Lease: b.id, Starts: batch}
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
			} else {
				took = append(took, k)
			}
		}
		next = next.Ack(took, t.now)
		if len(refused) > 0 {
			next = next.Stopped(artel.ReasonRefused, "the provider refuses tasks")
			r.shy[b.node] = time.UnixMilli(t.now).Add(shyFor)
		}
		r.set(t, b, next)
	} else if gone(err) {
		r.drop(t, b, artel.ReasonLost, err.Error())
		return
	}
	if len(b.waiting) > 0 && b.silent != job.Dead {
		t.after = append(t.after, func() { r.send(t.ctx, b) })
	}
}

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
			asked := r.loop.Now().UnixMilli()
			if r.do(ctx, func(t *tx) {
				req = wire.WatchRequest{Lease: b.id, After: b.Seq, Wait: b.failover.Heartbeat, Done: b.settled()}
				if (b.closing || b.Phase == lease.Closed) && len(b.work) == 0 {
					req.Wait = 0 // only the last bill is missing
				}
				if len(b.waiting) > 0 && !b.sending {
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
				over = r.heard(t, b, resp, err, asked)
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
			r.drop(t, b, artel.ReasonLost, err.Error())
			return true
		}
		return false // silence is judged by the tick
	}
	was := b.Bought
	if b.silent != job.Fine {
		b.silent = job.Fine
		r.c.Log.Info("provider answers again", "provider", b.node.Short(), "lease", b.id.Short())
	}
	clear(b.progress)
	var running []lease.TaskKey
	for _, p := range resp.Running {
		k := lease.TaskKey(p.TaskKey)
		running = append(running, k)
		b.progress[k] = Progress{p.Phase, p.Elapsed}
	}
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
		}
	}
	if r.leases[b.id] != b {
		return true
	}
	next := b.Bought
	next.Heard = t.now
	if len(resp.Events) < wire.MaxTasks/2 {
		for _, k := range next.Missing(running, asked) {
			next = next.Drop(k)
			r.lost(t, b, k, artel.ReasonLost, "the provider restarted and lost it")
		}
	}
	next = next.Holding(resp.Due, t.now)
	if resp.Stopping != "" && next.Phase == lease.Open {
		next = next.Stopped(resp.Stopping, resp.Message)
		r.c.Log.Info("lease ends", "lease", b.id.Short(), "provider", b.node.Short(), "reason", resp.Stopping, "message", resp.Message)
	}
	next = r.secure(next.Settled(), t.now)
	if len(resp.Events) == 0 && next.Phase == was.Phase && next.Book == was.Book && len(next.Outstanding) == len(was.Outstanding) {
		b.Bought = next // a heartbeat without news: not worth a write
	} else {
		r.set(t, b, next)
	}
	r.settle(t, b)
	return r.finish(t, b, resp)
}

// secure signs what is owed and what keeps the lease going.
func (r *Renter) secure(b lease.Bought, now int64) lease.Bought {
	b = r.signVoucher(b)
	if _, more := b.WantReserve(uint64(r.c.Policy.Ahead.Milliseconds())); more {
		b = r.signReserve(b, now)
	}
	return b
}

// ended takes the end of an attempt.
func (r *Renter) ended(t *tx, b *bought, k lease.TaskKey, v lease.Verdict) {
	w := b.work[k]
	if w == nil {
		return
	}
	if v.Receipt == nil {
		delete(b.work, k)
		r.back(t, b, *w, v.Reason, v.Message)
		if v.Reason == artel.ReasonGarbage {
			r.c.Board.Note(b.node, false, time.UnixMilli(t.now))
		}
		return
	}
	r.c.Board.Note(b.node, true, time.UnixMilli(t.now))
	a := r.jobs[w.Job]
	if a == nil {
		delete(b.work, k)
		b.Bought = b.Opened(k)
		return
	}
	j, task, accept, cancel := a.Received(a.tasks[w.Index], w.Try, v.Receipt, v.Spent, t.now)
	was := a.tasks[w.Index].State
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	if was == job.Out && task.State != job.Out && task.State != job.Paying {
		a.out--
	} else if was != job.Out && task.State == job.Paying {
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
	if limit = min(v.Receipt.Usage.Log, limit); accept && limit > 0 {
		b.logs[k] = b.Seq
		ww := *w
		t.after = append(t.after, func() { r.saveLog(t.ctx, b, ww, limit) })
	}
	for _, other := range cancel {
		r.cancelAttempt(t, a.ID, w.Index, other)
	}
}

// defaultLog is what a box keeps of a log for which no limit was asked, in bytes.
const defaultLog = 1 << 20

// saveLog brings what an attempt printed here before its provider forgets it: at
// most limit bytes, and no longer than the policy's grace.
func (r *Renter) saveLog(ctx context.Context, b *bought, w Work, limit uint64) {
	r.loop.Go(func() {
		var buf bytes.Buffer
		for began := time.Now(); uint64(buf.Len()) < limit && time.Since(began) < r.c.Policy.Grace; {
			req := wire.LogsRequest{Lease: b.id, TaskKey: wire.TaskKey(w.TaskKey), Offset: uint64(buf.Len()), Max: uint32(min(wire.MaxLogChunk/2, limit-uint64(buf.Len())))}
			cctx, cancel := context.WithTimeout(ctx, callFor)
			raw, err := r.c.Host.Call(cctx, b.node, wire.MethodLogs, req.Marshal(), wire.MaxLogChunk)
			cancel()
			var resp wire.LogsResponse
			if err == nil {
				resp, err = wire.UnmarshalLogsResponse(raw)
			}
			if err != nil || len(resp.Data) == 0 {
				break
			}
			buf.Write(resp.Data[:min(uint64(len(resp.Data)), limit-uint64(buf.Len()))])
		}
		var ref artel.Ref
		if buf.Len() > 0 {
			ref, _, _ = blob.AddFile(ctx, r.c.Blobs, &buf) // a log is a help, not a result
		}
		r.post(func(t *tx) {
			delete(b.logs, w.TaskKey)
			if a := r.jobs[w.Job]; a != nil && !ref.IsZero() {
				a.tasks[w.Index].Log = ref
				t.mark(a.ID, w.Index)
			}
		})
	})
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
			req := wire.CancelRequest{Lease: b.id, Tasks: ks}
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
	delete(b.work, k)
	delete(b.waiting, k)
	r.back(t, b, *w, why, msg)
	if why == artel.ReasonLost {
		r.c.Board.Note(b.node, false, time.UnixMilli(t.now))
	}
}

// back gives a task back to its job without a result.
func (r *Renter) back(t *tx, b *bought, w Work, why artel.Reason, msg string) {
	a := r.jobs[w.Job]
	if a == nil {
		return
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

// settle pays what is owed and opens what is paid for. One payment per lease is
// on its way at a time.
func (r *Renter) settle(t *tx, b *bought) {
	want := b.unopened()
	if b.paying || b.asking || r.leases[b.id] != b {
		return
	}
	reserve := b.told.Less(b.Book.Reserve.Cap)
	if !b.paidUp.Less(b.Book.Voucher) && len(want) == 0 && !reserve {
		return
	}
	b.paying = true
	t.after = append(t.after, func() { r.pay(t.ctx, b, want, reserve) })
}

// unopened lists the receipts that the voucher covers and that are not done.
func (b *bought) unopened() []lease.TaskKey {
	var ks []lease.TaskKey
	for _, k := range b.keys() {
		if w := b.work[k]; w.Receipt && w.Here && !b.opening[k] && !b.Book.Voucher.Less(w.Due) && len(ks) < wire.MaxTasks {
			ks = append(ks, k)
		}
	}
	return ks
}

func (r *Renter) pay(ctx context.Context, b *bought, want []lease.TaskKey, reserve bool) {
	voucher, sig := b.Book.SignedVoucher()
	req := wire.PayRequest{Lease: b.id, Voucher: wire.SignedVoucher{Voucher: voucher, Signature: sig}}
	for _, k := range want {
		if !b.work[k].Sealed.IsZero() {
			req.Want = append(req.Want, wire.TaskKey(k))
		}
	}
	rreq := wire.ReserveRequest{Lease: b.id, Reserve: wire.SignedReserve{Reserve: b.Book.Reserve, Signature: b.Book.ReserveSig}}
	r.loop.Go(func() {
		cctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		var rerr, err error
		if reserve {
			_, rerr = r.c.Host.Call(cctx, b.node, wire.MethodReserve, rreq.Marshal(), wire.MaxSmall)
		}
		var resp wire.PayResponse
		if !voucher.Cumulative.IsZero() {
			var raw []byte
			if raw, err = r.c.Host.Call(cctx, b.node, wire.MethodPay, req.Marshal(), wire.MaxPay); err == nil {
				resp, err = wire.UnmarshalPayResponse(raw)
			}
		}
		if err != nil || rerr != nil {
			core.Every(ctx, 500*time.Millisecond)
		}
		r.post(func(t *tx) {
			b.paying = false
			if reserve && rerr == nil {
				b.told = b.told.Max(rreq.Reserve.Reserve.Cap)
			}
			if err == nil {
				b.paidUp = b.paidUp.Max(voucher.Cumulative)
				if !r.paid(t, b, want, resp) {
					return // again with the next heartbeat
				}
			} else if errors.Is(err, p2p.Invalid) {
				r.refused(t, b, err)
				return
			}
			r.settle(t, b)
		})
	})
}

// refused takes a provider's no to a voucher. The honest reason is that it holds
// a higher one, which our database has forgotten: then that one counts.
func (r *Renter) refused(t *tx, b *bought, err error) {
	r.c.Log.Warn("voucher refused", "provider", b.node.Short(), "error", err)
	if r.leases[b.id] != b {
		return
	}
	b.paying = true
	had, generation := b.Book.Voucher, r.meta.Generation
	r.set(t, b, b.Stopped(artel.ReasonGarbage, err.Error()))
	t.after = append(t.after, func() {
		r.loop.Go(func() {
			ctx, cancel := context.WithTimeout(t.ctx, callFor)
			defer cancel()
			resp, rerr := r.recoverFrom(ctx, b.node, generation)
			if rerr != nil {
				core.Every(t.ctx, 500*time.Millisecond)
			}
			r.post(func(t *tx) {
				b.paying = false
				for _, h := range resp.Lanes {
					r.adopt(t, b.Lease.Provider, h)
				}
				switch {
				case r.leases[b.id] != b:
				case had.Less(b.Book.Voucher): // pay with that
				case rerr == nil:
					r.withhold(t, b, err.Error())
				}
			})
		})
	})
}

// paid opens the outputs that a voucher paid for, and ends the tasks that have
// none. It reports whether all that was asked for came.
func (r *Renter) paid(t *tx, b *bought, want []lease.TaskKey, resp wire.PayResponse) (all bool) {
	if r.leases[b.id] != b {
		return true
	}
	all = true
	keys := map[lease.TaskKey][]byte{}
	for _, k := range resp.Keys {
		keys[lease.TaskKey(k.TaskKey)] = k.Key
	}
	for _, k := range want {
		w := b.work[k]
		a := (*active)(nil)
		if w != nil {
			a = r.jobs[w.Job]
		}
		if a == nil {
			delete(b.work, k)
			r.set(t, b, r.secure(b.Opened(k), t.now))
			continue
		}
		if w.Sealed.IsZero() {
			r.delivered(t, b, *w, artel.Ref{})
			continue
		}
		if key, ok := keys[k]; ok {
			b.opening[k] = true
			ww := *w
			t.after = append(t.after, func() { r.open(t.ctx, b, ww, key) })
			continue
		}
		all = false
	}
	if all {
		b.keyless = 0
	} else if b.keyless++; b.keyless == maxKeyless {
		r.withhold(t, b, "the provider took the voucher and keeps the key")
	}
	return all
}

// maxKeyless is how many payments may be taken without the keys that they pay
// for.
const maxKeyless = 4

// slowest is what a host must bring of an output, in bytes a second, for it to
// be waited for.
const slowest = 128 << 10

// maxSealed bounds what a sealed output may add to the output itself.
const maxSealed = 16 << 20

// fetchSealed brings a sealed output here before it is paid for.
func (r *Renter) fetchSealed(ctx context.Context, b *bought, w Work) {
	limit := int64(b.Terms.Resources.Disk) + maxSealed
	life := ctx
	r.loop.Go(func() {
		ctx, cancel := context.WithTimeout(life, r.c.Policy.Grace+time.Duration(limit/slowest)*time.Second)
		defer cancel()
		// A host that is cut off withholds nothing: it has as long as for its results.
		began, pause := time.Now(), 250*time.Millisecond
		var err error
		for {
			err = r.c.Fetch(ctx, b.node, w.Sealed, limit)
			if err == nil || errors.Is(err, blob.ErrLimit) || errors.Is(err, blob.ErrMismatch) || time.Since(began) > r.c.Policy.Grace {
				break
			}
			if pause = min(2*pause, 10*time.Second); !core.Every(ctx, pause) {
				break
			}
		}
		if life.Err() != nil {
			return // it is we who stop
		}
		r.post(func(t *tx) { r.arrived(t, b, w.TaskKey, err) })
	})
}

func (r *Renter) arrived(t *tx, b *bought, k lease.TaskKey, err error) {
	w := b.work[k]
	if w == nil || r.leases[b.id] != b {
		return
	}
	if err != nil {
		r.withhold(t, b, fmt.Sprintf("the output did not come: %v", err))
		return
	}
	w.Here = true
	next := b.Arrived(k)
	r.set(t, b, r.secure(next, t.now))
	r.settle(t, b)
}

// withhold is a provider that does not hand over what it signed for. From that
// receipt on nothing is paid, and the tasks of all receipts that are not opened
// go elsewhere: their outputs will not come either.
func (r *Renter) withhold(t *tx, b *bought, msg string) {
	r.set(t, b, b.Withheld(msg))
	for _, k := range b.keys() {
		if w := b.work[k]; w.Receipt && !b.opening[k] {
			delete(b.work, k)
			r.back(t, b, *w, artel.ReasonGarbage, msg)
		}
	}
	r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
	r.c.Board.Note(b.node, false, time.UnixMilli(t.now))
}

// open decrypts a paid output into the blob store and compares it with what the
// provider signed.
func (r *Renter) open(ctx context.Context, b *bought, w Work, key []byte) {
	limit := int64(b.Terms.Resources.Disk)
	r.loop.Go(func() {
		ref, err := r.unseal(ctx, w, key, limit)
		r.post(func(t *tx) {
			delete(b.opening, w.TaskKey)
			if r.leases[b.id] != b || b.work[w.TaskKey] == nil {
				return
			}
			if err != nil {
				r.withhold(t, b, err.Error())
				return
			}
			r.delivered(t, b, *b.work[w.TaskKey], ref)
			r.set(t, b, r.secure(b.Opened(w.TaskKey), t.now))
			r.settle(t, b)
		})
	})
}

func (r *Renter) unseal(ctx context.Context, w Work, key []byte, limit int64) (artel.Ref, error) {
	f, err := blob.Open(ctx, r.c.Blobs, w.Sealed)
	if err != nil {
		return artel.Ref{}, err
	}
	plain, err := seal.Reader(f, key)
	if err != nil {
		return artel.Ref{}, err
	}
	ref, err := blob.ReadCAR(ctx, r.c.Blobs, plain, blob.Limits{Bytes: limit + maxSealed})
	if err != nil {
		return artel.Ref{}, err
	}
	if artel.Hash(ref.Sum()) != w.Root {
		return artel.Ref{}, artel.Invalid("the opened output is %s, the receipt signs another root", ref)
	}
	return ref, nil
}

func (r *Renter) delivered(t *tx, b *bought, w Work, ref artel.Ref) {
	delete(b.work, w.TaskKey)
	t.leases[b.id], b.heldAt = true, 0
	a := r.jobs[w.Job]
	if a == nil {
		return
	}
	was := a.tasks[w.Index].State
	if w.Late != nil {
		j, task, ok, cancel := a.Opened(a.tasks[w.Index], w.Try, w.Late, ref, t.now)
		if !ok {
			return // another host was faster
		}
		a.Job, a.tasks[w.Index] = j, task
		for _, other := range cancel {
			r.cancelAttempt(t, a.ID, w.Index, other)
		}
	} else {
		a.Job, a.tasks[w.Index] = a.Delivered(a.tasks[w.Index], ref, t.now)
	}
	if was == job.Paying || was == job.Out {
		a.out--
	}
	t.mark(a.ID, w.Index)
}

// drop ends a lease at once: the provider does not know it any more.
func (r *Renter) drop(t *tx, b *bought, why artel.Reason, msg string) {
	if r.leases[b.id] != b {
		return
	}
	for _, k := range b.keys() {
		r.lost(t, b, k, why, msg)
	}
	next := b.Stopped(why, msg)
	next.Outstanding = nil
	r.set(t, b, next)
	r.c.Log.Info("lease is gone", "lease", b.id.Short(), "provider", b.node.Short(), "reason", why, "message", msg)
	r.remove(t, b)
}

func (r *Renter) remove(t *tx, b *bought) {
	delete(r.leases, b.id)
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
			_, err := r.c.Host.Call(ctx, b.node, wire.MethodClose, wire.CloseRequest{Lease: b.id}.Marshal(), wire.MaxSmall)
			if err != nil {
				r.post(func(*tx) { b.closing = false })
			}
		})
	})
}
