package renter

import (
	"context"
	"errors"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// secure signs what is owed and what keeps the lease going.
func (r *Renter) secure(t *tx, of *bought, b lease.Bought) lease.Bought {
	b = r.signVoucher(t, of, b)
	if _, more := b.WantReserve(uint64(r.c.Policy.Ahead.Milliseconds())); more {
		b = r.signReserve(b, t.now)
	}
	return b
}

// reserveFor is how long a signed Reserve may wait to be booked.
const reserveFor = 24 * time.Hour

func (r *Renter) signReserve(b lease.Bought, now int64) lease.Bought {
	limit, ok := b.WantReserve(uint64(r.c.Policy.Ahead.Milliseconds()))
	if !ok {
		limit = b.Book.Reserve.Cap.Max(b.Book.Cap)
		if !b.Book.Reserve.Cap.IsZero() && b.Book.Reserve.ValidUntil > b.Lease.End+3600 {
			return b
		}
	}
	v := artel.Reserve{
		Renter: b.Book.Key.Renter, Provider: b.Book.Key.Provider, Lane: b.Book.Key.Number,
		Epoch: b.Book.Epoch, Cap: limit, ValidUntil: uint64(now/1000) + uint64(reserveFor.Seconds()),
	}
	b.Book.Reserve, b.Book.ReserveSig = v, r.c.Key.Sign(v.Digest(r.domain))
	return b
}

// signVoucher promises what is owed, and not a unit more than the budget of the
// job that pays: a provider whose bill goes beyond it is not paid the rest.
func (r *Renter) signVoucher(t *tx, of *bought, b lease.Bought) lease.Bought {
	owed, more := b.Owed()
	if !more {
		return b
	}
	raise, over := owed.Sub(b.Book.Voucher), false
	if a := r.jobs[of.job]; a != nil {
		if left := a.Left(artel.Amount{}); left.Less(raise) {
			raise, over = left, true
		}
		a.Vouched = plus(a.Vouched, raise)
		t.jobs[a.ID] = true
	}
	if !raise.IsZero() {
		b.Book.Voucher, b.Book.VoucherFor = b.Book.Voucher.Add(raise), b.ID
		v, _ := b.Book.SignedVoucher()
		b.Book.VoucherSig = r.c.Key.Sign(v.Digest(r.domain))
	}
	if over { // after the voucher: what it covers is not written off
		next := b.Withheld(overBudget)
		r.writtenOff(t, of, b, next)
		b = next
		t.after = append(t.after, func() { r.loop.Go(func() { r.post(func(t *tx) { r.overrun(t, of) }) }) })
	}
	return b
}

// settle pays what is owed and opens what is paid for. One payment per lease is
// on its way at a time.
func (r *Renter) settle(t *tx, b *bought) {
	if b.paying || b.asking || r.leases[b.id] != b {
		return
	}
	want := b.unopened()
	reserve := b.told.Less(b.Book.Reserve.Cap)
	if !b.paidUp.Less(b.Book.Voucher) && len(want) == 0 && !reserve {
		return
	}
	b.paying = true
	var keys []wire.TaskKey // now: what comes later in this transaction may end the wait for one
	for _, k := range want {
		if !b.work[k].Sealed.IsZero() {
			keys = append(keys, wire.TaskKey(k))
		}
	}
	t.after = append(t.after, func() { r.pay(t.ctx, b, want, keys, reserve) })
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

// pay asks for the keys of those of want that have a sealed output.
func (r *Renter) pay(ctx context.Context, b *bought, want []lease.TaskKey, keys []wire.TaskKey, reserve bool) {
	voucher, sig := b.Book.SignedVoucher()
	req := wire.PayRequest{Lease: b.id, Gen: r.gen.Load(), Voucher: wire.SignedVoucher{Voucher: voucher, Signature: sig}, Want: keys}
	rreq := wire.ReserveRequest{Lease: b.id, Gen: r.gen.Load(), Reserve: wire.SignedReserve{Reserve: b.Book.Reserve, Signature: b.Book.ReserveSig}}
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
			r.set(t, b, r.secure(t, b, b.Opened(k)))
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

func prepaid(req wire.ProposeRequest) artel.Amount {
	if req.Voucher == nil {
		return artel.Amount{}
	}
	return req.Voucher.Voucher.Cumulative
}
