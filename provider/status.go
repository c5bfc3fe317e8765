package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
)

// Status is what the owner sees.
type Status struct {
	Paused  bool
	Way     Way    // how the machine's owner has it back
	Why     string // and why
	Since   int64  // unix ms
	Slots   uint32
	Busy    uint32 // of Slots, those under lease
	Leases  []LeaseStatus
	Lanes   []lease.Book
	Waiting []string // calls on their way to the ledger
	Signed  uint64   // receipts since the start
}

// LeaseStatus is one lease for the owner.
type LeaseStatus struct {
	ID      artel.Hash
	Renter  artel.Address
	Phase   string
	Slots   uint32 // tasks at once
	Running int
	Price   artel.Price
	Due     artel.Amount
	Voucher artel.Amount
	Node    artel.NodeID
	Lane    uint64
	Cap     artel.Amount
	Start   uint64 // unix seconds
	End     uint64 // unix seconds
	Message string
}

// Status returns the state as of now; ok is false when the provider has
// stopped.
func (p *Provider) Status(ctx context.Context) (st Status, ok bool) {
	ok = p.do(ctx, func(t *tx) {
		st.Signed = p.signed
		st.Way, st.Why, st.Since = p.way.how, p.way.why, p.way.since
		st.Paused, st.Slots = p.paused, p.policy().Resources.Slots
		for _, s := range p.leases {
			st.Leases = append(st.Leases, LeaseStatus{
				ID: s.ID, Renter: s.Lease.Renter, Phase: s.Phase.String(), Slots: s.Terms.Slots, Running: len(s.Running),
				Price: s.Terms.Price, Due: s.Due(t.now), Voucher: s.Book.Voucher, End: s.Lease.End, Message: s.Message,
				Node: s.Terms.Renter, Lane: s.Lease.Lane, Cap: s.Book.Cap, Start: s.Lease.Start,
			})
		}
		for _, id := range p.open {
			st.Busy += slotsOf(p.leases[id].Terms)
		}
		for _, b := range p.lanes {
			st.Lanes = append(st.Lanes, b.Book)
		}
		for id := range p.outbox {
			st.Waiting = append(st.Waiting, id)
		}
	})
	slices.SortFunc(st.Leases, func(a, b LeaseStatus) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	slices.Sort(st.Waiting)
	return st, ok
}

// Pause makes the machine take no new tasks and leases, or takes it back. What
// runs goes on.
func (p *Provider) Pause(ctx context.Context, on bool) bool {
	ok := p.do(ctx, func(*tx) {
		p.paused = on
		for _, s := range p.leases {
			p.makeRoom(s)
		}
	})
	p.announce()
	return ok
}

// MayRead reports whether a node may fetch a root from here: the sealed outputs
// of its own leases.
func (p *Provider) MayRead(ctx context.Context, node artel.NodeID, root artel.Ref) (may bool) {
	p.do(ctx, func(*tx) {
		for _, s := range p.leases {
			if s.Terms.Renter != node {
				continue
			}
			for _, e := range s.events {
				if r := e.Event.Receipt; r != nil && r.Sealed == root {
					may = true
					return
				}
			}
		}
	})
	return may
}

// Terms returns those of the leases that are not over.
func (p *Provider) Terms(ctx context.Context) (list []artel.Terms, ok bool) {
	ok = p.do(ctx, func(*tx) {
		for _, s := range p.leases {
			if s.Phase != lease.Closed {
				list = append(list, s.Terms)
			}
		}
	})
	return list, ok
}

// Roots lists the blobs that must be kept: sealed outputs that were not fetched
// or paid for yet.
func (p *Provider) Roots(ctx context.Context) (roots []artel.Ref, ok bool) {
	ok = p.do(ctx, func(*tx) {
		for _, s := range p.leases {
			for _, e := range s.events {
				if r := e.Event.Receipt; r != nil {
					roots = append(roots, r.Sealed)
				}
			}
		}
	})
	return roots, ok
}

// Drained reports whether nothing runs here.
func (p *Provider) Drained(ctx context.Context) (yes bool) {
	p.do(ctx, func(*tx) {
		yes = true
		for _, s := range p.leases {
			yes = yes && len(s.Running) == 0
		}
	})
	return yes
}

// Settled reports whether those who rent have heard of all that has ended here, and are done
// with it: paid for it, and fetched what it left.
func (p *Provider) Settled(ctx context.Context) (yes bool) {
	p.do(ctx, func(*tx) {
		yes = true
		for _, s := range p.leases {
			yes = yes && len(s.events) == 0
		}
	})
	return yes
}

// EndAll ends every lease and what runs on it: the owner wants the machine now.
func (p *Provider) EndAll(ctx context.Context) bool {
	return p.do(ctx, func(t *tx) {
		p.drainAll(t, artel.ReasonEvicted, wantsBack, func(*sold) bool { return true })
	})
}

// LeaveKept has the tasks go elsewhere that are checkpointed, each after a last one, and
// ends their leases; others go on to their end.
func (p *Provider) LeaveKept(ctx context.Context) bool {
	return p.do(ctx, func(t *tx) {
		p.drainAll(t, artel.ReasonDrained, wantsBack, func(s *sold) bool { return s.Terms.Risk != 0 })
	})
}
