package node

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/provider"
)

// Every daemon keeps the checkpoints of its own jobs; a provider also those of
// others, as far as its owner gives.

// ownKept bounds what checkpoints of this node's own jobs take, in bytes; ownShare
// is what part of the free disk that may be.
const ownKept = 256 << 30

// renterShare is what part of what is kept for others one renter may take.
const renterShare = 2

// keptLimits divides what the owner gives for checkpoints of others.
func keptLimits(bytes uint64) keeper.Limits {
	all := int64(min(bytes, math.MaxInt64))
	return keeper.Limits{Others: all, Renter: all / renterShare}
}

func (n *Node) openKeeper(ctx context.Context) (err error) {
	if n.kept, err = disk.Open(n.c.Paths.Kept(), 0); err != nil {
		return err
	}
	n.keeper, err = keeper.Open(ctx, keeper.Config{
		Key: n.c.Key, Network: n.network, Domain: n.params.Domain(), Store: n.db.Keeper(), Blobs: n.kept,
		Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error {
			open := func(ctx context.Context) (blob.Stream, error) { return n.openBlobs(ctx, from) }
			return blob.Fetch(ctx, open, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}, Progress: progress})
		},
		Account: n.memberOf, Room: func(bytes int64) error { return n.owner.room(bytes) }, Log: n.c.Log.With("room", "keeper"),
	})
	if err != nil {
		return err
	}
	n.limitKept(0)
	n.keeper.Register(n.host)
	return nil
}

// limitKept divides the disk between checkpoints of this node's own jobs and those
// of others.
func (n *Node) limitKept(others uint64) {
	l := keptLimits(others)
	if free, err := spared(n.c.Paths.Root()); err == nil {
		l.Own = max(min(ownKept, n.keeper.Status().Own+free/ownShare), 0)
	}
	n.keeper.SetLimits(l)
}

// memberOf asks the ledger about an account and one of its keys.
func (n *Node) memberOf(ctx context.Context, account, key artel.Address) (a keeper.Account, err error) {
	if a.Signer = account == key; !a.Signer {
		s, err := n.ledger.Signer(ctx, account, key)
		if err != nil {
			return a, err
		}
		head, err := n.ledger.Head(ctx)
		if err != nil {
			return a, err
		}
		a.Signer = s.Until >= head.Time && s.Until > 0
	}
	x, err := n.ledger.Account(ctx, account)
	a.Deposit = x.Deposit
	return a, err
}

// keep takes what the owner gives for checkpoints of others. Called with mu held.
func (o *owner) keep(c api.ProvideConfig) {
	if !o.set.On || c.Kept == nil {
		o.n.limitKept(0)
		return
	}
	o.n.limitKept(*c.Kept)
}

// keepers is how this machine's attempts bring their checkpoints to keepers.
func (o *owner) keepers() (provider.Keepers, error) {
	n := o.n
	var err error
	if o.saves == nil {
		if o.saves, err = disk.Open(n.c.Paths.Work()+"/saves", 0); err != nil {
			return provider.Keepers{}, fmt.Errorf("open checkpoints on their way: %w", err)
		}
		n.begin <- room{"count checkpoints on their way", o.saves.Recount}
	}
	c := keeper.Client{Host: n.host, Domain: n.params.Domain(), Self: n.keeper, Open: n.openBlobs}
	return provider.Keepers{
		Key: n.c.Key, Domain: c.Domain, Saves: o.saves, Ship: c.Ship, Bring: c.Bring, Stays: n.uptimes.host,
		Failed: func(k provider.Attempt, err error) {
			n.c.Log.Info("a checkpoint came to nothing", "lease", k.Lease.Short(), "task", k.Task, "error", err)
		},
		Took: func(k provider.Attempt, c provider.Taken) {
			n.c.Log.Debug("checkpoint confirmed", "lease", k.Lease.Short(), "task", k.Task, "kind", c.Saved.Kind, "generation", c.Saved.Generation,
				"bytes", c.Saved.Bytes, "stored", c.Saved.Stored, "stood_ms", c.Stood.Milliseconds(), "took_ms", c.Took.Milliseconds())
		},
		WentOn: func(k provider.Attempt, from artel.Saved, brought, began time.Duration) {
			n.c.Log.Debug("went on from a checkpoint", "lease", k.Lease.Short(), "task", k.Task, "kind", from.Kind, "generation", from.Generation,
				"brought_ms", brought.Milliseconds(), "began_ms", began.Milliseconds())
		},
	}, nil
}

// sends returns where a root may be fetched from that a peer keeps for an attempt
// here; nil: nowhere.
func (o *owner) sends(peer artel.NodeID, root artel.Ref) blob.Store {
	o.mu.Lock()
	boxed := o.boxed
	o.mu.Unlock()
	if boxed == nil || !boxed.Sends(peer, root) {
		return nil
	}
	return boxed.Saves
}

// Kept implements api.Keeper.
func (n *Node) Kept(context.Context) (api.KeptList, error) {
	s := n.keeper.Status()
	l := api.KeptList{Own: api.ImageRoom{Limit: uint64(s.Limits.Own), Used: uint64(s.Own)}, Others: api.ImageRoom{Limit: uint64(s.Limits.Others), Used: uint64(s.Others)}}
	for _, t := range s.Tasks {
		newest := t.Held[0]
		k := api.KeptTask{
			Task: t.Grant.Task, Kind: newest.Saved.Kind, Own: t.Renter == n.c.Key.NodeID(), Renter: t.Renter, Saver: newest.Grant.Saver, Attempt: newest.Grant.Try,
			Generation: newest.Saved.Generation, Held: len(t.Held), Bytes: uint64(t.Bytes), Until: time.Unix(int64(newest.Kept.Until), 0).UTC(),
		}
		l.Tasks = append(l.Tasks, k)
	}
	return l, nil
}
