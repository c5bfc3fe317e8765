package renter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// laneFor returns the lane number this installation uses with a node.
func (r *Renter) laneFor(n artel.NodeID) uint64 {
	return artel.LaneNumber(r.c.Key.Address(), r.meta.Lane+r.number[n])
}

// laneTo is laneFor for a proposal at now (unix ms). Where the provider may
// hold money on as many lanes as are borne, it is the first of those instead of
// a new one.
func (r *Renter) laneTo(o artel.Offer, now int64) lease.Key {
	k := lease.Key{Renter: r.c.Account, Provider: o.Account, Number: r.laneFor(o.Node)}
	if r.books[k] != nil || r.bound(k, now) < maxBound {
		return k
	}
	own := artel.LaneNumber(r.c.Key.Address(), r.meta.Lane)
	first := k
	for l, b := range r.books {
		if l.Provider == o.Account && l.Number-own <= maxNumber && b.ReleaseAt == 0 && !r.inUse(l) && (first == k || l.Number < first.Number) {
			first = l
		}
	}
	if first != k {
		r.number[o.Node] = uint32(first.Number - own)
	}
	return first
}

// maxNumber is the highest number that an installation adds to what it drew.
const maxNumber = 0xffff

// maxBound is how many lanes without a lease one provider may hold money on. One
// that signs nothing and books every Reserve that it is sent, each on a new
// lane, would bind the whole deposit.
const maxBound = 8

// bound counts the lanes to k's provider, without k and those in use, on which
// more is booked, or may be, than was paid.
func (r *Renter) bound(k lease.Key, now int64) (n int) {
	for o, b := range r.books {
		if o.Provider != k.Provider || o == k || r.inUse(o) {
			continue
		}
		if b.Voucher.Less(b.Cap) || b.Voucher.Less(b.Reserve.Cap) && b.CanBook(uint64(now/1000)) {
			n++
		}
	}
	return n
}

// purse is what a final block says of the money that a Reserve may book.
type purse struct {
	deposit artel.Amount
	rights  lease.SignerRights // of this node's key
}

func (r *Renter) look(ctx context.Context) (p purse, err error) {
	a, err := r.c.Ledger.Account(ctx, r.c.Account)
	if err != nil {
		return p, fmt.Errorf("look up account: %w", err)
	}
	p.deposit, p.rights.Account = a.Deposit, r.c.Account == r.c.Key.Address()
	if p.rights.Account {
		return p, nil
	}
	s, err := r.c.Ledger.Signer(ctx, r.c.Account, r.c.Key.Address())
	if err != nil {
		return p, fmt.Errorf("look up session signer: %w", err)
	}
	p.rights.Allowance, p.rights.Until = s.Left(), s.Until
	return p, nil
}

// covers says why a Reserve that books so much for a lease is not worth signing:
// the provider would refuse it, and could book it on a better day.
func (p purse) covers(need artel.Amount, l artel.Lease, delay uint64) error {
	switch {
	case !p.rights.Good(l.End, delay):
		text, hint := p.rights.Short(l.End, delay)
		return p2p.Errorf(p2p.Unpaid, "%s", text).WithHint(hint)
	case p.deposit.Less(need):
		return p2p.Errorf(p2p.Unpaid, "the Reserve books %s units, the account has %s", need, p.deposit).WithHint("artel wallet deposit")
	case !p.rights.Account && p.rights.Allowance.Less(need):
		return p2p.Errorf(p2p.Unpaid, "the Reserve books %s units, the session signer may book %s", need, p.rights.Allowance).WithHint("artel wallet signer: raise its allowance")
	}
	return nil
}

func (r *Renter) inUse(k lease.Key) bool {
	for _, b := range r.leases {
		if lease.KeyOf(b.Lease) == k {
			return true
		}
	}
	return false
}

// maxRejected bounds what is remembered of refused calls.
const maxRejected = 4096

func (r *Renter) queue(t *tx, x chain.Tx) {
	if _, ok := r.outbox[x.ID]; ok || r.rejected[x.ID] {
		return // what was refused once is refused under this id for ever
	}
	r.outbox[x.ID] = x
	t.change.Outbox = append(t.change.Outbox, x)
}

// outboxLoop hands queued calls to the chain, and keeps what the books say of
// the lanes fresh.
func (r *Renter) outboxLoop(ctx context.Context) {
	sent := map[string]bool{}
	for n := 0; core.Every(ctx, time.Second); n++ {
		if n%10 != 0 && r.calls.Load() == 0 {
			continue
		}
		var waiting []chain.Tx
		var keys []lease.Key
		if r.do(ctx, func(*tx) {
			for _, x := range r.outbox {
				waiting = append(waiting, x)
			}
			for k, b := range r.books {
				// One that is all paid out and not in use has nothing to tell.
				if n%10 == 0 && (b.Voucher.Less(b.Cap.Max(b.Reserve.Cap)) || r.inUse(k)) || n%60 == 0 && b.Cap.IsZero() {
					keys = append(keys, k)
				}
			}
		}) != nil {
			return
		}
		for _, x := range waiting {
			r.forward(ctx, x, sent)
		}
		r.refresh(ctx, keys)
	}
}

func (r *Renter) forward(ctx context.Context, x chain.Tx, sent map[string]bool) {
	if !sent[x.ID] {
		err := r.c.Ledger.Submit(ctx, x)
		var no *chain.Refusal
		if err != nil && !errors.As(err, &no) {
			return // the chain is away; again in a second
		}
		sent[x.ID] = true
	}
	o, err := r.c.Ledger.Outcome(ctx, x.ID)
	if errors.Is(err, chain.ErrUnknownTx) {
		o.State = chain.Refused // it was never accepted
	} else if err != nil || !o.State.Final() {
		return
	}
	if o.Refusal != nil {
		r.c.Log.Warn("the ledger refused", "call", x.Call.Kind(), "reason", o.Refusal.Error())
	}
	delete(sent, x.ID)
	_ = r.do(ctx, func(t *tx) {
		if o.State == chain.Refused {
			if len(r.rejected) >= maxRejected {
				clear(r.rejected)
			}
			r.rejected[x.ID] = true
		}
		delete(r.outbox, x.ID)
		t.change.Sent = append(t.change.Sent, x.ID)
	})
}

func (r *Renter) refresh(ctx context.Context, keys []lease.Key) {
	if len(keys) == 0 {
		return
	}
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return
	}
	for _, k := range keys {
		l, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
		if err != nil {
			return
		}
		seen := r.asOf(l, head)
		_ = r.do(ctx, func(t *tx) {
			r.chainAt = max(r.chainAt, head.Time)
			r.seen(t, k, seen)
		})
	}
}

// asOf is a lane as the rules see it at a final block: a release that can not be
// carried out any more does not run.
func (r *Renter) asOf(l chain.Lane, head chain.Head) lease.Lane {
	seen := lease.Lane{Cap: l.Cap, Paid: l.Paid, Epoch: l.Epoch}
	if l.Releasing(r.c.Params, head.Time) {
		seen.ReleaseAt = l.ReleaseAt
	}
	return seen
}

func (r *Renter) seen(t *tx, k lease.Key, seen lease.Lane) {
	b := r.books[k]
	if b == nil || b.Cap == seen.Cap && b.Paid == seen.Paid && b.Epoch == seen.Epoch && b.ReleaseAt == seen.ReleaseAt {
		return
	}
	next := b.Seen(seen)
	r.books[k], t.books[k] = &next, true
	for _, x := range r.leases {
		if lease.KeyOf(x.Lease) == k {
			x.Book = next
		}
	}
}
