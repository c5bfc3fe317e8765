package renter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// leased reports whether there is a lease with the node, be it one that is
// still being settled: one lane carries one lease at a time.
func (r *Renter) leased(n artel.NodeID) bool {
	for _, b := range r.leases {
		if b.Terms.Node == n {
			return true
		}
	}
	return false
}

// leasedNodes are all for which leased holds.
func (r *Renter) leasedNodes() map[artel.NodeID]bool {
	nodes := make(map[artel.NodeID]bool, len(r.leases))
	for _, b := range r.leases {
		nodes[b.Terms.Node] = true
	}
	return nodes
}

// Denial is why there is no lease with a provider that was asked.
type Denial struct {
	Node artel.NodeID
	At   time.Time
	Err  error
}

const maxDenied = 64 // kept, to be told

// deny keeps a denial in the place of the oldest one.
func (r *Renter) deny(d Denial) {
	for len(r.denied) >= maxDenied {
		delete(r.denied, slices.MinFunc(slices.Collect(maps.Values(r.denied)), func(a, b Denial) int { return a.At.Compare(b.At) }).Node)
	}
	r.denied[d.Node] = d
}

// propose makes a lease with one provider. It runs beside the core.
func (r *Renter) propose(ctx context.Context, l Listed, id artel.Hash, spec artel.JobSpec, slots uint32) error {
	ctx, cancel := context.WithTimeout(ctx, proposeFor)
	defer cancel()
	node := l.Offer.Node
	err := r.tryPropose(ctx, l, id, spec, slots)
	var no *p2p.Error
	if errors.As(err, &no) && no.Remote && (no.Code == p2p.Unpaid || no.Code == p2p.Conflict) {
		// It may know more of our lane than we do, or the lane is in use: ask, and if
		// that is news try once more, on a fresh lane number if need be.
		if news, rerr := r.catchUp(ctx, l.Offer); rerr == nil && news {
			err = r.tryPropose(ctx, l, id, spec, slots)
		} else if rerr != nil {
			r.post(func(*tx) { r.ousted(node, rerr) })
		}
	}
	r.post(func(t *tx) {
		delete(r.asking, node)
		delete(r.denied, node)
		if err != nil {
			r.shy[node] = time.UnixMilli(t.now).Add(shyFor)
			r.deny(Denial{Node: node, At: time.UnixMilli(t.now), Err: err})
		}
	})
	if err != nil && ctx.Err() == nil {
		r.c.Log.Info("no lease", "provider", node.Short(), "reason", err)
	}
	return err
}

func (r *Renter) tryPropose(ctx context.Context, l Listed, id artel.Hash, spec artel.JobSpec, slots uint32) error {
	o := l.Offer
	var err error
	for _, addr := range o.Addrs {
		if err = r.c.Host.Connect(ctx, addr); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	var k lease.Key
	if err := r.do(ctx, func(t *tx) { k = r.laneTo(o, t.now) }); err != nil {
		return err
	}
	seen, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
	if err != nil {
		return fmt.Errorf("look up lane: %w", err)
	}
	money, err := r.look(ctx)
	if err != nil {
		return err
	}
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return fmt.Errorf("look up chain time: %w", err)
	}
	if late := head.Time - min(head.Time, uint64(r.loop.Now().Unix())); late > artel.ClockSkew {
		return fmt.Errorf("this machine's clock is %d s behind the chain's, at most %d; hint: set the clock", late, artel.ClockSkew)
	}
	var b *bought
	var req wire.ProposeRequest
	var refused error
	if err := r.do(ctx, func(t *tx) {
		if r.leased(o.Node) {
			refused = fmt.Errorf("a lease with %s is open already", o.Node.Short())
			return
		}
		r.chainAt = max(r.chainAt, head.Time)
		b, req, refused = r.draft(t, l, id, spec, slots, k, seen, head, money)
	}); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	raw, err := r.c.Host.Call(ctx, o.Node, wire.MethodPropose, req.Marshal(), wire.MaxPropose)
	var resp wire.ProposeResponse
	if err == nil {
		resp, err = wire.UnmarshalProposeResponse(raw)
	}
	derr := r.do(context.WithoutCancel(ctx), func(t *tx) {
		b.asking = false
		var next lease.Bought
		if err == nil {
			next, err = b.Accepted(resp.Signature, t.now)
		}
		var no *p2p.Error
		if errors.As(err, &no) && no.Remote {
			r.set(t, b, b.Stopped(artel.ReasonRefused, err.Error()))
			r.remove(t, b)
			return
		}
		if err != nil {
			// Nobody knows whether the provider took it. If it did, it holds its
			// machine for us and will want money for that: the lease is followed until
			// it is closed, or unknown to the provider.
			next = b.Stopped(artel.ReasonLost, err.Error())
			next.Heard = t.now
			r.set(t, b, next)
			t.after = append(t.after, func() { r.follow(t.ctx, b) })
			return
		}
		b.paidUp = prepaid(req)
		b.told = next.Book.Reserve.Cap
		r.here(t, b.node)
		r.set(t, b, next)
		t.after = append(t.after, func() { r.follow(t.ctx, b) })
		r.c.Log.Info("lease made", "lease", b.id.Short(), "provider", o.Node.Short(), "slots", slots, "price", uint64(o.Price))
	})
	if err == nil {
		err = derr
	}
	return err
}

// longLease is how long a lease for tasks that are checkpointed runs at most: when it
// ends they go on by another one.
const longLease = 24 * time.Hour

// draft writes and signs the lease with what secures it, and stores all of it
// BEFORE the provider sees any of it. Called by the core.
func (r *Renter) draft(t *tx, l Listed, payer artel.Hash, spec artel.JobSpec, slots uint32, k lease.Key, seen chain.Lane, head chain.Head, money purse) (*bought, wire.ProposeRequest, error) {
	o := l.Offer
	var nonce [16]byte
	if _, err := io.ReadFull(r.c.Rand, nonce[:]); err != nil {
		return nil, wire.ProposeRequest{}, fmt.Errorf("draw nonce: %w", err)
	}
	book := lease.Book{Key: k, Generation: r.meta.Generation}
	if have := r.books[k]; have != nil {
		book = *have
	}
	book = book.Seen(r.asOf(seen, head))
	if r.books[k] == nil && r.bound(k, t.now) >= maxBound {
		return nil, wire.ProposeRequest{}, fmt.Errorf("%d other lanes to %s hold money without a lease; hint: it comes home by its release; meanwhile use another provider", maxBound, o.Account)
	}
	if book.ReleaseAt != 0 {
		r.number[o.Node]++ // its money is on its way home; the next lane is free
		return nil, wire.ProposeRequest{}, fmt.Errorf("the lane to %s is being released", o.Account)
	}
	want := spec.Want
	want.Slots, _ = o.Resources.Weight(spec.Want)
	terms := artel.Terms{
		Network: r.c.Network, Node: o.Node, Renter: r.c.Key.NodeID(), Offer: l.ID, Nonce: nonce, Slots: slots,
		Price: o.Price.Times(want.Slots), Unit: spec.Wall, Resources: want,
		Sandbox: spec.Sandbox, MaxUnpaid: o.MaxUnpaid, Base: book.Accrued, Gen: r.meta.Generation,
		Image: spec.Box.Image, Pull: spec.Pull, PullFree: o.PullFree, PullPrice: o.PullPrice, Label: spec.Label,
	}
	if !spec.Service.IsZero() || r.saved(spec, o.Class(), o.Node, t.now) {
		terms.Risk = spec.Risk(o)
	}
	rule, runs := artel.RuleResult, r.c.Policy.LeaseFor
	switch {
	case !spec.Service.IsZero():
		rule, runs = artel.RuleTime, cmp.Or(r.c.Policy.ServeFor, serveFor*time.Millisecond)
	case terms.Risk != 0:
		rule, runs = artel.RuleCheckpoint, min(max(runs, time.Duration(spec.Wall)*time.Millisecond+time.Hour), longLease)
	}
	if o.Prepay {
		terms.Prepaid = terms.UnitCost()
	}
	raw := wire.EncodeTerms(terms)
	start := uint64(t.now / 1000)
	doc := artel.Lease{
		Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Start: start,
		End: start + uint64(runs.Seconds()), Rule: rule, Terms: wire.TermsHash(raw),
	}
	id := doc.ID(r.domain)
	b := r.newBought(lease.NewBought(id, doc, terms, raw, r.c.Key.Sign(id), book, t.now), spec.Failover, payer, o.Speed, o.Class(), t.now)
	a := r.jobs[payer]
	b.asking = true
	req := wire.ProposeRequest{Lease: doc, Terms: raw, Signature: b.Signature}
	next := r.signReserve(b.Bought, t.now)
	if err := money.covers(next.Book.Reserve.Cap.Sub(seen.Cap), doc, r.c.Params.Delay); err != nil {
		return nil, wire.ProposeRequest{}, err
	}
	if !next.Book.Reserve.Cap.IsZero() {
		req.Reserve = &wire.SignedReserve{Reserve: next.Book.Reserve, Signature: next.Book.ReserveSig}
	}
	if !terms.Prepaid.IsZero() {
		if owed, _ := next.Owed(); a != nil && a.Left(artel.Amount{}).Less(owed.Sub(next.Book.Voucher)) {
			return nil, wire.ProposeRequest{}, fmt.Errorf("what is left of the budget does not cover the first unit, which this provider wants ahead")
		}
		next = r.signVoucher(t, b, next)
		v, sig := next.Book.SignedVoucher()
		req.Voucher = &wire.SignedVoucher{Voucher: v, Signature: sig}
	}
	r.leases[id] = b
	r.set(t, b, next)
	return b, req, nil
}
