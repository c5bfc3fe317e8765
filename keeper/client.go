package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Client is the other end: who saves, and who goes on from what is held.
type Client struct {
	Host   p2p.Host
	Domain artel.Domain
	Self   *Keeper // what this node holds itself; nil: nothing
	// Open opens a stream to a node that runs blob.Serve.
	Open func(ctx context.Context, node artel.NodeID) (blob.Stream, error)
	Now  func() time.Time // nil: time.Now
}

// How often a keeper is asked again that is busy, or at work.
const (
	askSoon  = 500 * time.Millisecond
	askLater = 10 * time.Second
)

// Ship asks a keeper to hold a checkpoint until it has, refuses, or ctx ends, and
// returns its word. Whoever asks serves the blocks meanwhile.
func (c Client) Ship(ctx context.Context, to artel.Keeper, q wire.KeepRequest) (artel.Kept, error) {
	kept, err := c.ship(ctx, to, q)
	if err != nil {
		return artel.Kept{}, fmt.Errorf("ship checkpoint to keeper %s: %w", to.Node.Short(), err)
	}
	return kept, nil
}

func (c Client) ship(ctx context.Context, to artel.Keeper, q wire.KeepRequest) (k artel.Kept, err error) {
	req := q.Marshal()
	for pause := askSoon; ; pause = min(2*pause, askLater) {
		b, err := c.call(ctx, to, wire.MethodKeep, req)
		if err == nil {
			return c.check(to.Node, q.Saved.Digest(c.Domain), b)
		}
		if ctx.Err() != nil || !errors.Is(err, p2p.Busy) && !errors.Is(err, p2p.Timeout) {
			return k, err
		}
		if !core.Every(ctx, pause) {
			return k, fmt.Errorf("%w; so far: %w", ctx.Err(), err)
		}
	}
}

// call asks a keeper, whom it dials where it is said to be if nobody knows better.
func (c Client) call(ctx context.Context, to artel.Keeper, method string, req []byte) ([]byte, error) {
	_, most, _ := wire.Limits(method)
	b, err := c.Host.Call(ctx, to.Node, method, req, most)
	if errors.Is(err, p2p.Unavailable) && c.reach(ctx, to) {
		b, err = c.Host.Call(ctx, to.Node, method, req, most)
	}
	return b, err
}

// dialFor bounds an attempt to connect to a keeper.
const dialFor = 10 * time.Second

// reach dials a keeper at all addresses at once, and reports whether one answered.
func (c Client) reach(ctx context.Context, to artel.Keeper) bool {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	var dials sync.WaitGroup
	for _, a := range to.Addrs {
		dials.Go(func() {
			if c.Host.Connect(ctx, a) == nil && c.connected(to.Node) {
				cancel()
			}
		})
	}
	dials.Wait()
	return c.connected(to.Node)
}

func (c Client) connected(node artel.NodeID) bool {
	return slices.ContainsFunc(c.Host.Peers(), func(p p2p.Peer) bool { return p.ID == node })
}

// near connects to a keeper. The error says why that is not possible.
func (c Client) near(ctx context.Context, k artel.Keeper) error {
	if c.connected(k.Node) || c.reach(ctx, k) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	s, err := c.Open(ctx, k.Node) // the network may know where it is
	if err != nil {
		return err
	}
	return s.Close()
}

// check holds a keeper's word against what it was asked for.
func (c Client) check(node artel.NodeID, saved artel.Hash, b []byte) (artel.Kept, error) {
	r, err := wire.UnmarshalKeepResponse(b)
	if err != nil {
		return artel.Kept{}, err
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	by, err := r.Kept.Signature.NodeID(r.Kept.Digest(c.Domain))
	switch {
	case err != nil || by != node:
		return artel.Kept{}, artel.Invalid("the confirmation is not signed by the keeper")
	case r.Kept.Saved != saved:
		return artel.Kept{}, artel.Invalid("the keeper confirms another checkpoint")
	case r.Kept.Until <= uint64(now().Unix()):
		return artel.Kept{}, artel.Invalid("the keeper has promised nothing: until %d", r.Kept.Until)
	}
	return r.Kept, nil
}

// Bring fetches what a store lacks of a checkpoint from any of its keepers, one
// after the other: what one has brought the next need not. Those that are connected
// come first, then whoever answers first. One that trickles is left for the next.
func (c Client) Bring(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error {
	var errs []error
	try := func(k artel.Keeper, err error) (done bool) {
		if err == nil {
			err = c.bring(ctx, k, into, root, limit)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("keeper %s: %w", k.Node.Short(), err))
		}
		return err == nil
	}
	dialling, cancel := context.WithCancel(ctx)
	type found struct {
		k   artel.Keeper
		err error
	}
	others := make(chan found, len(from))
	var dials sync.WaitGroup
	defer dials.Wait()
	defer cancel()
	var here []artel.Keeper
	for _, k := range from {
		if k.Node == c.Host.ID() || c.connected(k.Node) {
			here = append(here, k)
		} else {
			dials.Go(func() { others <- found{k, c.near(dialling, k)} })
		}
	}
	for _, k := range here {
		if try(k, nil) {
			return nil
		}
	}
	for range len(from) - len(here) {
		if f := <-others; try(f.k, f.err) {
			return nil
		}
	}
	if len(from) == 0 {
		errs = append(errs, errors.New("it has no keepers"))
	}
	return fmt.Errorf("bring checkpoint %s: %w", root, errors.Join(errs...))
}

func (c Client) bring(ctx context.Context, k artel.Keeper, into blob.Store, root artel.Ref, limit int64) error {
	if k.Node == c.Host.ID() {
		return c.local(ctx, into, root, limit)
	}
	var got atomic.Int64
	fast, stop := pace(ctx, &got, func() error { return nil })
	defer stop()
	open := func(ctx context.Context) (blob.Stream, error) { return c.Open(ctx, k.Node) }
	err := blob.Fetch(fast, open, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}, Progress: func(p blob.Progress) { got.Store(p.Fetched) }})
	if err != nil {
		return because(fast, err)
	}
	return nil
}

// local copies what this node holds itself.
func (c Client) local(ctx context.Context, into blob.Store, root artel.Ref, limit int64) error {
	if c.Self == nil || !c.Self.Holds(root) {
		return fmt.Errorf("it is this node, which does not hold it: %w", blob.ErrNotFound)
	}
	blocks, err := checkpoint.Blocks(ctx, c.Self.Blobs(), root, checkpoint.Limits{Stored: limit})
	if err != nil {
		return err
	}
	batch := into.Batch(ctx)
	defer batch.Close()
	var all, pending int64
	for _, b := range blocks {
		size, err := into.Renew(ctx, b.Ref)
		if errors.Is(err, blob.ErrNotFound) {
			var data []byte
			if data, err = c.Self.Blobs().Get(ctx, b.Ref); err == nil {
				size = int64(len(data))
				err = batch.Put(ctx, b.Ref, data)
				pending += size
			}
		}
		if err != nil {
			return err
		}
		if all += size; all > limit {
			return fmt.Errorf("%w: more than %d bytes", blob.ErrLimit, limit)
		}
		if pending > 64<<20 {
			if err := batch.Commit(ctx); err != nil {
				return err
			}
			pending = 0
		}
	}
	return batch.Commit(ctx)
}
