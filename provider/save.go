package provider

import (
	"context"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/wire"
)

// Keepers is how a Boxed brings checkpoints to other machines and back. The zero
// value has none: no attempt that wants to be checkpointed runs then.
type Keepers struct {
	// Key signs what is saved, with the node key, in Domain.
	Key    artel.Key
	Domain artel.Domain
	// Saves holds checkpoints that are on their way to keepers, or came back from
	// them. It is the Boxed's alone.
	Saves blob.Store
	// Ship asks a keeper to hold a checkpoint and returns its confirmation. It connects
	// if need be, and the keeper fetches from Saves meanwhile (Sends).
	Ship func(ctx context.Context, to artel.Keeper, req wire.KeepRequest) (artel.Kept, error)
	// Bring fetches what a store lacks of a checkpoint from any of its keepers.
	Bring func(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error
}

// Sends reports whether a node may fetch a root from Saves now: a keeper of an
// attempt that runs.
func (b *Boxed) Sends(node artel.NodeID, root artel.Ref) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sends[root][node]
}
