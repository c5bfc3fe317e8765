package renter

import (
	"context"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire"
)

// Attempt is where a task of a job runs.
type Attempt struct {
	Node  artel.NodeID
	Lease artel.Hash
	Key   wire.TaskKey // the lease's own numbers
	Gen   uint64       // that this controller speaks with
}

// Attempt returns the newest attempt of a task that is out; ok is false where
// there is none.
func (r *Renter) Attempt(ctx context.Context, job artel.Hash, index uint64) (a Attempt, ok bool, err error) {
	err = r.do(ctx, func(*tx) {
		var try uint32
		for _, b := range r.leases {
			for k, w := range b.work {
				if w.Job == job && w.Index == index && !w.Receipt && w.Try >= try {
					try, ok = w.Try, true
					a = Attempt{Node: b.node, Lease: b.id, Key: wire.TaskKey(k), Gen: r.gen.Load()}
				}
			}
		}
	})
	return a, ok, err
}
