package renter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/seal"
	"github.com/artel-network/artel/wire"
)

// defaultLog is what a box keeps of a log for which no limit was asked, in bytes.
const defaultLog = 1 << 20

// saveLog brings what an attempt printed here before its provider forgets it: at
// most limit bytes, and no longer than the policy's grace.
func (r *Renter) saveLog(ctx context.Context, b *bought, w Work, limit uint64) {
	r.loop.Go(func() {
		var buf bytes.Buffer
		for began := time.Now(); uint64(buf.Len()) < limit && time.Since(began) < r.c.Policy.Grace; {
			req := wire.LogsRequest{Lease: b.id, Gen: r.gen.Load(), TaskKey: wire.TaskKey(w.TaskKey), Offset: uint64(buf.Len()), Max: uint32(min(wire.MaxLogChunk/2, limit-uint64(buf.Len())))}
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
	r.set(t, b, r.secure(t, b, next))
	r.settle(t, b)
}

// withhold is a provider that does not hand over what it signed for. From that
// receipt on nothing is paid, and the tasks of all receipts that are not opened
// go elsewhere: their outputs will not come either.
func (r *Renter) withhold(t *tx, b *bought, msg string) {
	next := b.Withheld(msg)
	r.writtenOff(t, b, b.Bought, next)
	r.set(t, b, next)
	for _, k := range b.keys() {
		if w := b.work[k]; w.Receipt && !b.opening[k] {
			delete(b.work, k)
			r.back(t, b, *w, artel.ReasonGarbage, msg)
		}
	}
	r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
	r.noteEnd(t, b.node, false, 0)
}

// writtenOff takes what a lease will not pay any more out of what its jobs have
// cost: receipts out of their tasks, and the time that it was held after them out
// of the job that pays for the lease.
func (r *Renter) writtenOff(t *tx, b *bought, was, next lease.Bought) {
	gone := was.Book.Due().Sub(next.Book.Due())
	for _, h := range was.Held {
		part := h.Due.Sub(h.Before.Max(next.Book.Due())).Min(gone)
		w := b.work[h.TaskKey]
		if part.IsZero() || w == nil || r.jobs[w.Job] == nil {
			continue
		}
		a := r.jobs[w.Job]
		a.Job, a.tasks[w.Index] = a.WrittenOff(a.tasks[w.Index], part)
		t.mark(a.ID, w.Index)
		gone = gone.Sub(part)
	}
	if a := r.jobs[b.job]; a != nil && !gone.IsZero() {
		a.Spent = a.Spent.Sub(gone)
		t.jobs[a.ID] = true
	}
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
			r.set(t, b, r.secure(t, b, b.Opened(w.TaskKey)))
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
