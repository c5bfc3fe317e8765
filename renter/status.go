package renter

import (
	"context"
	"slices"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// LeaseStatus is one lease for its renter.
type LeaseStatus struct {
	ID       artel.Hash
	Provider artel.Address
	Node     artel.NodeID
	Phase    string
	Slots    uint32
	Price    artel.Price
	Out      int
	Due      artel.Amount
	Voucher  artel.Amount
	Reserve  artel.Amount
	Lane     uint64
	Cap      artel.Amount
	Start    uint64 // unix seconds
	End      uint64 // unix seconds
	Silent   bool
	Message  string
	Running  map[lease.TaskKey]Progress
}

// Status is what a renter sees of its leases and lanes.
type Status struct {
	Leases []LeaseStatus
	Lanes  []lease.Book
	Active int
	Denied []Denial // the newest first
	Notice string   // what the owner should know; empty: nothing
}

// Status returns the state as of now.
func (r *Renter) Status(ctx context.Context) (st Status, err error) {
	err = r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			l := LeaseStatus{
				ID: b.ID, Provider: b.Lease.Provider, Node: b.node, Phase: b.Phase.String(), Slots: b.Terms.Slots,
				Price: b.Terms.Price, Out: len(b.Outstanding), Due: b.Book.Due(), Voucher: b.Book.Voucher,
				Reserve: b.Book.Reserve.Cap, Silent: b.silent != job.Fine, Lane: b.Lease.Lane, Cap: b.Book.Cap, Start: b.Lease.Start, End: b.Lease.End, Message: b.Message, Running: map[lease.TaskKey]Progress{},
			}
			for k, p := range b.progress {
				if w := b.work[k]; w != nil {
					l.Running[lease.TaskKey{Task: w.Index, Attempt: w.Try}] = p
				}
			}
			st.Leases = append(st.Leases, l)
		}
		for _, b := range r.books {
			st.Lanes = append(st.Lanes, *b)
		}
		for _, a := range r.jobs {
			if a.Phase == job.Active {
				st.Active++
			}
		}
		st.Notice = r.notice
		for _, d := range r.denied {
			st.Denied = append(st.Denied, d)
		}
	})
	slices.SortFunc(st.Denied, func(a, b Denial) int { return b.At.Compare(a.At) })
	slices.SortFunc(st.Leases, func(a, b LeaseStatus) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return st, err
}

// MayRead reports whether a node may fetch a root from here: programs and
// inputs of what it was given to do.
func (r *Renter) MayRead(ctx context.Context, node artel.NodeID, root artel.Ref) (may bool) {
	_ = r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			if b.node != node {
				continue
			}
			for _, w := range b.work {
				if a := r.jobs[w.Job]; a != nil && (a.Spec.Program == root || a.Spec.Input == root) {
					may = true
					return
				}
			}
		}
	})
	return may
}

// Leases reports whether a node has a lease of ours, not over yet, whose tasks run
// on that image, and the strictest label of such leases.
func (r *Renter) Leases(ctx context.Context, node artel.NodeID, image artel.Hash) (label artel.Label, ok bool) {
	_ = r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			if b.node != node || b.Terms.Image != image || image.IsZero() || b.Phase != lease.Open || b.Theirs.IsZero() {
				continue
			}
			if ok = true; b.Terms.Label == artel.LabelPrivate {
				label = artel.LabelPrivate
			}
		}
	})
	return label, ok
}

// Logs reads a part of the newest attempt's log of a task from its provider.
// eof is true when nothing follows.
func (r *Renter) Logs(ctx context.Context, id artel.Hash, index, offset uint64) (data []byte, eof bool, err error) {
	var node artel.NodeID
	req := wire.LogsRequest{Gen: r.gen.Load(), Offset: offset, Max: wire.MaxLogChunk / 2}
	if err := r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			for k, w := range b.work {
				if w.Job == id && w.Index == index && w.Try >= req.Attempt {
					node, req.Lease, req.TaskKey = b.node, b.id, wire.TaskKey(k)
				}
			}
		}
	}); err != nil {
		return nil, false, err
	}
	if req.Lease.IsZero() {
		return nil, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	raw, err := r.c.Host.Call(ctx, node, wire.MethodLogs, req.Marshal(), wire.MaxLogChunk)
	if err != nil {
		return nil, false, err
	}
	resp, err := wire.UnmarshalLogsResponse(raw)
	return resp.Data, resp.EOF, err
}
