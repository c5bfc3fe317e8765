package keeper

import (
	"context"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// kept implements wire.MethodKept.
func (k *Keeper) kept(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !k.calls.Allow(from) {
		return nil, errBusy
	}
	q, err := wire.UnmarshalKeptRequest(req)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "%v", err)
	}
	r, err := k.answer(ctx, from, q)
	if err != nil {
		return nil, err
	}
	return r.Marshal(), nil
}

// Kept answers this node itself about its own tasks.
func (k *Keeper) Kept(ctx context.Context, q wire.KeptRequest) (wire.KeptResponse, error) {
	return k.answer(ctx, k.self, q)
}

func (k *Keeper) answer(ctx context.Context, renter artel.NodeID, q wire.KeptRequest) (wire.KeptResponse, error) {
	if q.Drop {
		return wire.KeptResponse{}, k.drop(ctx, renter, q.Tasks)
	}
	return k.list(renter, q.Tasks), nil
}

// of returns the entries of a renter's tasks, all where none is named. Called with
// mu held.
func (k *Keeper) of(renter artel.NodeID, tasks []artel.Hash) (es []*entry) {
	if len(tasks) == 0 {
		for id, e := range k.tasks {
			if id.Renter == renter {
				es = append(es, e)
			}
		}
		return es
	}
	seen := map[artel.Hash]bool{}
	for _, t := range tasks {
		if e := k.tasks[ID{renter, t}]; e != nil && !seen[t] {
			seen[t] = true
			es = append(es, e)
		}
	}
	return es
}

// list answers with what is held of a renter's tasks: the newest of each, then the
// others, as far as one answer goes.
func (k *Keeper) list(renter artel.NodeID, tasks []artel.Hash) (r wire.KeptResponse) {
	k.mu.Lock()
	defer k.mu.Unlock()
	es := k.of(renter, tasks)
	for depth := 0; ; depth++ {
		more := false
		for _, e := range es {
			if depth >= len(e.Held) {
				continue
			}
			if len(r.Holdings) == maxHoldings {
				return r
			}
			more = true
			h := e.Held[depth]
			r.Holdings = append(r.Holdings, wire.Holding{Grant: h.Grant, Segment: artel.Segment{Saved: h.Saved, Signature: h.Signature, Kept: []artel.Kept{h.Kept}}})
		}
		if !more {
			return r
		}
	}
}

// maxHoldings is what fits into an answer whatever the holdings say, of at most a
// kilobyte each.
const maxHoldings = min(wire.MaxTasks, wire.MaxKept/1024)

// drop lets go of a renter's tasks.
func (k *Keeper) drop(ctx context.Context, renter artel.NodeID, tasks []artel.Hash) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var put []Task
	for _, e := range k.of(renter, tasks) {
		if f := k.fetches[e.ID()]; f != nil {
			f.stop(errLetGo)
		}
		if !e.Let {
			t := e.Task
			t.Held, t.Bytes, t.Let, t.Seen = nil, 0, true, uint64(k.c.Now().Unix())
			put = append(put, t)
		}
	}
	if len(put) == 0 {
		return nil
	}
	// Stored before a byte is removed: what a fact names is there.
	if err := k.c.Store.Save(ctx, put, nil); err != nil {
		return p2p.Errorf(p2p.Unavailable, "the keeper cannot store it: %v", err)
	}
	for _, t := range put {
		e := k.tasks[t.ID()]
		old := e.Held
		k.put(t)
		k.leave(e, old)
	}
	return nil
}

// expire forgets what is over.
func (k *Keeper) expire(ctx context.Context) error {
	k.mu.Lock()
	now := k.c.Now()
	var ids []ID
	for id, e := range k.tasks {
		if e.over(uint64(now.Unix())) && k.fetches[id] == nil {
			ids = append(ids, id)
		}
	}
	var old []*partial
	for id, p := range k.partials {
		if now.Sub(p.at) > partialFor && k.fetches[id] == nil {
			old = append(old, p)
			delete(k.partials, id)
			k.account(id.Renter, -p.bytes, 0)
		}
	}
	if len(ids) > 0 {
		if err := k.c.Store.Save(ctx, nil, ids); err != nil {
			k.mu.Unlock()
			return err
		}
		for _, id := range ids {
			e := k.tasks[id]
			k.leave(e, e.Held)
			k.forget(e)
		}
	}
	k.mu.Unlock()
	for _, p := range old {
		k.sweep(ctx, p.refs)
	}
	return nil
}

// sweep removes blocks that belong to nothing.
func (k *Keeper) sweep(ctx context.Context, refs []artel.Ref) {
	for _, r := range refs {
		if err := k.names.sweep(ctx, k.c.Blobs, r); err != nil && ctx.Err() == nil {
			k.c.Log.Warn("remove a block of no checkpoint", "block", r, "error", err)
		}
	}
}
