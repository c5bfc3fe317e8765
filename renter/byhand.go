package renter

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// Ask has a machine show its speed now, on so many slots, by the lease that is open
// with it or else by one that is made for this and closed again. What it shows is
// remembered as if it had been asked by itself.
func (r *Renter) Ask(ctx context.Context, node artel.NodeID, slots uint32) (Shown, error) {
	if r.c.Puzzle == nil {
		return Shown{}, p2p.Errorf(p2p.Unsupported, "this renter asks nobody")
	}
	answer := make(chan Shown, 1)
	id, err := r.askNow(ctx, node, slots, answer)
	if err == nil && id.IsZero() {
		if err = r.leaseToAsk(ctx, node, slots); err == nil {
			if id, err = r.askNow(ctx, node, slots, answer); err == nil && id.IsZero() {
				err = p2p.Errorf(p2p.Unavailable, "the lease with %s has ended already", node.Short()).WithHint("ask again")
			}
			defer r.post(func(t *tx) { r.closeIdle(t, id) })
		}
	}
	if err != nil {
		return Shown{}, err
	}
	select {
	case s := <-answer:
		return s, nil
	case <-ctx.Done():
		return Shown{}, ctx.Err()
	case <-r.loop.Closed():
		return Shown{}, errStopped
	}
}

// askNow begins an examination by the lease that is open with a node, and returns the
// lease; zero: there is none.
func (r *Renter) askNow(ctx context.Context, node artel.NodeID, slots uint32, answer chan<- Shown) (id artel.Hash, err error) {
	derr := r.do(ctx, func(t *tx) {
		for _, b := range r.ordered() {
			if b.node != node || b.asking || b.Phase != lease.Open || b.Theirs.IsZero() || b.closing || b.Disputed || b.silent != job.Fine {
				continue
			}
			if b.q != nil {
				err = p2p.Errorf(p2p.Busy, "%s is being asked just now", node.Short()).WithHint("artel offers shows what comes of it")
				return
			}
			id, b.q = b.id, &question{slots: min(max(slots, 1), b.Terms.Slots), byHand: answer}
			r.pose(t, b)
			return
		}
	})
	if err == nil {
		err = derr
	}
	return id, err
}

// askUnit is the unit of a lease on which nothing is to run, in milliseconds: what a
// machine may want paid ahead.
const askUnit = 1000

// leaseToAsk makes a lease with a node.
func (r *Renter) leaseToAsk(ctx context.Context, node artel.NodeID, slots uint32) error {
	spec := artel.JobSpec{
		Sandbox: "wasm", Count: 1, Wall: askUnit, Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}, Tries: 1,
		Failover: artel.FailoverNormal, Providers: []artel.NodeID{node},
	}
	var offer Listed
	var err error
	if derr := r.do(ctx, func(t *tx) {
		offers := r.c.Board.Offers(spec, time.UnixMilli(t.now), 1)
		switch {
		case len(offers) == 0:
			err = p2p.Errorf(p2p.NotFound, "no offer of %s can be used now", node.Short()).WithHint("artel offers lists them; one that has failed or lied lately rests")
		case r.asking[node] > 0 || r.leased(node):
			err = p2p.Errorf(p2p.Busy, "a lease with %s is being made or closed", node.Short()).WithHint("ask again in some seconds")
		default:
			offer = offers[0]
			slots = min(max(slots, 1), offer.Offer.Resources.Slots)
			r.asking[node] = slots
		}
	}); err == nil {
		err = derr
	}
	if err != nil {
		return err
	}
	if err := r.propose(ctx, offer, artel.Hash{}, spec, slots); err != nil {
		return fmt.Errorf("make a lease with %s: %w", node.Short(), err)
	}
	return nil
}

// closeIdle closes a lease that was made to ask, unless something runs on it.
func (r *Renter) closeIdle(t *tx, id artel.Hash) {
	if b := r.leases[id]; b != nil && b.Phase == lease.Open && len(b.Outstanding)+len(b.work) == 0 && (b.q == nil || !b.q.on) {
		r.set(t, b, b.Stopped(artel.ReasonCancelled, "it has shown its speed"))
		r.tellClose(t, b)
	}
}
