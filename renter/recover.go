package renter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Recover takes over what the account's earlier controller promised, after its
// database was lost: it raises the generation, which ends the earlier one, and
// asks each node for the vouchers it holds. It returns how many lanes it found.
func (r *Renter) Recover(ctx context.Context, nodes map[artel.NodeID]artel.Address) (found int, err error) {
	// The time orders generations of installations that know nothing of each
	// other. Where the earlier one's clock was ahead of ours, more is needed.
	for try := range 3 {
		var generation uint64
		if err := r.do(ctx, func(t *tx) {
			m := r.meta
			m.Generation = max(m.Generation+1, uint64(t.now+int64(try)*2*artel.ClockSkew*1000))
			r.setMeta(m)
			r.notice = ""
			clear(r.forgotten)
			t.change.Meta, generation = &m, m.Generation
		}); err != nil {
			return 0, err
		}
		if found, err = r.recoverAll(ctx, nodes, generation); !errors.Is(err, p2p.Conflict) {
			break
		}
	}
	return found, err
}

// forgotten is an open lease that nobody here knows.
type forgotten struct {
	node artel.NodeID
	lane uint64
}

// maxForgotten bounds the open leases that are closed because nobody knows them.
const maxForgotten = 4096

func (r *Renter) recoverAll(ctx context.Context, nodes map[artel.NodeID]artel.Address, generation uint64) (found int, err error) {
	var errs []error
	for _, node := range slices.SortedFunc(maps.Keys(nodes), func(a, b artel.NodeID) int { return bytes.Compare(a[:], b[:]) }) {
		resp, err := r.recoverFrom(ctx, node, generation)
		if err != nil {
			errs = append(errs, fmt.Errorf("ask %s: %w", node.Short(), err))
			continue
		}
		found += len(resp.Lanes)
		if err := r.do(ctx, func(t *tx) {
			for _, h := range resp.Lanes {
				r.adopt(t, nodes[node], h)
				if !r.ownLane(h.Lane) {
					continue // another signer's, which may be at work
				}
				for _, l := range h.Leases {
					if id := l.Lease.ID(r.domain); l.Open && r.leases[id] == nil && !r.over[id] && len(r.forgotten) < maxForgotten {
						r.forgotten[id] = forgotten{node, h.Lane}
					}
				}
			}
		}); err != nil {
			return found, err
		}
		if err := r.adoptBooked(ctx, nodes[node], resp.Lanes); err != nil {
			errs = append(errs, err)
		}
	}
	return found, errors.Join(errs...)
}

// adoptBooked takes over lanes that nothing of ours was signed for, where money
// is booked on them: it can come home. That a provider names them is no proof, or
// it could make us remember as many as it likes. Lanes of the account's other signers
// are left alone: a steward may be at work on them.
func (r *Renter) adoptBooked(ctx context.Context, provider artel.Address, lanes []wire.HeldLane) error {
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return fmt.Errorf("look up chain time: %w", err)
	}
	for _, h := range lanes {
		k := lease.Key{Renter: r.c.Account, Provider: provider, Number: h.Lane}
		known := !r.ownLane(k.Number)
		if err := r.do(ctx, func(*tx) { known = known || r.books[k] != nil }); err != nil {
			return err
		}
		if known {
			continue
		}
		l, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
		if err != nil {
			return fmt.Errorf("look up lane %x to %s: %w", k.Number, k.Provider, err)
		}
		if l.Booked().IsZero() {
			continue
		}
		if err := r.do(ctx, func(t *tx) {
			if r.books[k] == nil {
				r.books[k] = &lease.Book{Key: k, Generation: r.meta.Generation}
				r.seen(t, k, r.asOf(l, head))
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// ownLane reports whether a lane is one of this key's, and not of another signer of
// the account.
func (r *Renter) ownLane(lane uint64) bool { return uint32(lane>>32) == r.c.Key.Address().Tag() }

// catchUp asks a provider for the highest voucher it holds of ours. One that we
// signed counts, whoever remembers it: a database restored from an old copy
// must not sign a smaller one. news says that it makes sense to propose again:
// on the lane as it is known now, or on the next one where something stands
// against it that no voucher of ours settles. Whoever refuses for another reason
// is not given a Reserve on one lane after the other.
func (r *Renter) catchUp(ctx context.Context, o artel.Offer) (news bool, err error) {
	resp, err := r.recoverFrom(ctx, o.Node, r.generation(ctx))
	if err != nil {
		return false, err
	}
	err = r.do(ctx, func(t *tx) {
		k := lease.Key{Renter: r.c.Account, Provider: o.Account, Number: r.laneFor(o.Node)}
		had := artel.Amount{}
		if b := r.books[k]; b != nil {
			had = b.Voucher
		}
		spoilt := len(resp.Lanes) >= wire.MaxLanes // it may have been left out
		for _, h := range resp.Lanes {
			r.adopt(t, o.Account, h)
			if h.Lane == k.Number {
				spoilt = r.spoilt(k, h)
			}
		}
		if spoilt {
			r.number[o.Node] = (r.number[o.Node] + 1) & maxNumber // the next has no past
		}
		b := r.books[k]
		news = spoilt || b != nil && had.Less(b.Voucher)
	})
	return news, err
}

// spoilt reports whether a provider holds something against a lane: a lease that
// is not ours any more, or more due than we ever promised.
func (r *Renter) spoilt(k lease.Key, h wire.HeldLane) bool {
	due := artel.Amount{}
	if b := r.books[k]; b != nil {
		due = b.Voucher.Max(b.Due())
	}
	return due.Less(h.Accrued.Ceil()) || slices.ContainsFunc(h.Leases, func(l wire.HeldLease) bool {
		return l.Open && r.leases[l.Lease.ID(r.domain)] == nil
	})
}

func (r *Renter) generation(ctx context.Context) (g uint64) {
	_ = r.do(ctx, func(*tx) { g = r.meta.Generation })
	return g
}

func (r *Renter) recoverFrom(ctx context.Context, node artel.NodeID, generation uint64) (wire.RecoverResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callFor) // one that does not answer holds up those after it
	defer cancel()
	req := wire.RecoverRequest{Renter: r.c.Account, Node: r.c.Key.NodeID(), Generation: generation}
	req.Signature = r.c.Key.Sign(wire.RecoverDigest(r.c.Network, req))
	raw, err := r.c.Host.Call(ctx, node, wire.MethodRecover, req.Marshal(), wire.MaxRecover)
	if err != nil {
		return wire.RecoverResponse{}, err
	}
	return wire.UnmarshalRecoverResponse(raw)
}

// adopt takes over a voucher of ours that we did not know. Called by the core.
func (r *Renter) adopt(t *tx, provider artel.Address, h wire.HeldLane) {
	k := lease.Key{Renter: r.c.Account, Provider: provider, Number: h.Lane}
	if h.Voucher == nil || !artel.MaySign(k.Renter, r.c.Key.Address(), k.Number) {
		return
	}
	book := lease.Book{Key: k, Generation: r.meta.Generation}
	if have := r.books[k]; have != nil {
		book = *have
	}
	next, err := book.TakeVoucher(r.domain, h.Voucher.Voucher, h.Voucher.Signature, r.c.Key.Address())
	if err != nil || next.Voucher == book.Voucher {
		return
	}
	if next.Due().Less(next.Voucher) {
		next.Accrued = artel.AccrualOf(next.Voucher)
	}
	r.books[k], t.books[k] = &next, true
	for _, b := range r.leases {
		if lease.KeyOf(b.Lease) == k {
			b.Book = next
		}
	}
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
			resp, rerr := r.recoverFrom(t.ctx, b.node, generation)
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
