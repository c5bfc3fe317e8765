package simtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	blobmem "github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/wire"
)

// saves is what a node has of checkpoints, as package node wires it: a keeper with
// facts and blocks, and, where it is a provider, a Boxed that saves and goes on. All of
// it but the sandbox is the real thing.
type saves struct {
	n     *node
	dir   string
	habit keeping

	facts keeper.Memory
	kept  blob.Store // the keeper's blocks
	own   blob.Store // the Boxed's

	keeper *keeper.Keeper
	boxed  *provider.Boxed
	client keeper.Client
	moves  bool

	running atomic.Int64 // attempts
	failed  atomic.Int64 // checkpoints that came to nothing
}

// keeping is how a keeper behaves.
type keeping int

const (
	keepsWell  keeping = iota
	corrupts           // a bit of each block that it hands out is another
	truncates          // its blocks end early
	keptBack           // it confirms, and hands nothing out
	stalls             // it takes whoever asks for blocks, and says nothing
	letsGo             // it forgets what it confirmed, again and again
	keptSecret         // it tells its renters that it holds nothing
)

func (k keeping) String() string {
	return [...]string{"keeps well", "corrupts", "truncates", "hands nothing out", "stalls", "lets go of", "is silent on"}[k] + " what it keeps"
}

const (
	savesProtocol = "saves" // from who saves to a keeper
	keptProtocol  = "kept"  // from a keeper to who goes on
	keptBytes     = 1 << 30
)

// open makes what runs from one boot to the next crash. It registers; the keeper is run
// by who calls.
func (s *saves) open(ctx context.Context) {
	n, host := s.n, s.n.hostOf()
	params, err := n.ledger.Params(ctx)
	if err != nil {
		panic(err)
	}
	stream := func(ctx context.Context, to artel.NodeID, protocol string) (blob.Stream, error) {
		return host.OpenStream(ctx, to, protocol)
	}
	s.keeper, err = keeper.Open(ctx, keeper.Config{
		Key: n.key, Network: network, Domain: params.Domain(), Store: &s.facts, Blobs: s.kept, Now: n.now, Log: n.w.log.With("node", n.name),
		Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error {
			open := func(ctx context.Context) (blob.Stream, error) { return stream(ctx, from, savesProtocol) }
			return blob.Fetch(ctx, open, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}, Progress: progress})
		},
		Account: func(ctx context.Context, account, key artel.Address) (keeper.Account, error) {
			a, err := n.ledger.Account(ctx, account)
			return keeper.Account{Signer: account == key, Deposit: a.Deposit}, err
		},
	})
	if err != nil {
		panic(err)
	}
	limits := keeper.Limits{Own: keptBytes}
	if n.prov != nil {
		limits.Others, limits.Renter = keptBytes, keptBytes/2
	}
	s.keeper.SetLimits(limits)
	s.keeper.Register(keptHost{host, s})
	host.HandleStream(keptProtocol, s.handOut)
	s.client = keeper.Client{Host: host, Domain: params.Domain(), Self: s.keeper, Now: n.now, Open: func(ctx context.Context, to artel.NodeID) (blob.Stream, error) {
		return stream(ctx, to, keptProtocol)
	}}
	if n.prov == nil {
		return
	}
	s.boxed = &provider.Boxed{
		Boxes: map[string]sandbox.Box{"gvisor": &box{n: n, moves: s.moves}}, Images: oneImage(s.dir), Blobs: n.blobs, Dir: s.dir,
		Scratch: func(int64) (blob.Store, func(), error) { return blobmem.New(0), func() {}, nil },
		Keepers: provider.Keepers{
			Key: n.key, Domain: params.Domain(), Saves: s.own, Ship: s.client.Ship, Bring: s.client.Bring,
			Failed: func(provider.Attempt, error) { s.failed.Add(1) },
		},
	}
	boxed := s.boxed
	host.HandleStream(savesProtocol, func(ctx context.Context, from artel.NodeID, st p2p.Stream) {
		_, _ = blob.Serve(ctx, st, from, s.own, blob.ServeOptions{Allow: func(_ context.Context, to artel.NodeID, root artel.Ref) error {
			if !boxed.Sends(to, root) {
				return errors.New("it is for its keepers")
			}
			return nil
		}})
	})
}

// handOut serves what is kept, by the keeper's habit.
func (s *saves) handOut(ctx context.Context, from artel.NodeID, st p2p.Stream) {
	var store blob.Store = s.kept
	switch s.habit {
	case keptBack:
		_ = st.Reset()
		return
	case stalls:
		<-ctx.Done()
		return
	case corrupts, truncates:
		store = spoiled{store, s.habit}
	}
	k := s.keeper
	_, _ = blob.Serve(ctx, st, from, store, blob.ServeOptions{Allow: func(_ context.Context, _ artel.NodeID, root artel.Ref) error {
		if !k.Holds(root) {
			return errors.New("it is not held")
		}
		return nil
	}})
}

// spoil lets go of every block that is kept, and of no fact.
func (s *saves) spoil(ctx context.Context) {
	for i, err := range s.kept.List(ctx) {
		if err == nil {
			_ = s.kept.Delete(ctx, i.Ref, time.Time{})
		}
	}
}

type spoiled struct {
	blob.Store
	habit keeping
}

func (s spoiled) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	b, err := s.Store.Get(ctx, ref)
	if err != nil || len(b) == 0 {
		return b, err
	}
	if s.habit == truncates {
		return b[:len(b)/2], nil
	}
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return b, nil
}

// keptHost is a keeper's host, by its habit.
type keptHost struct {
	stillHost
	s *saves
}

func (h keptHost) Handle(method string, maxReq int, f p2p.Handler) {
	h.stillHost.Handle(method, maxReq, func(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
		resp, err := f(ctx, from, req)
		if err != nil {
			return resp, err
		}
		switch {
		case h.s.habit == keptSecret && method == wire.MethodKept:
			return wire.KeptResponse{}.Marshal(), nil
		case h.s.habit == letsGo && method == wire.MethodKeep:
			h.s.spoil(ctx)
		}
		return resp, nil
	})
}

// ownKeeper is a renter's own.
type ownKeeper struct {
	*keeper.Keeper
	n *node
}

// Addrs implements renter.Keeper.
func (k ownKeeper) Addrs() []string { return []string{"/memory/p2p/" + k.n.key.NodeID().String()} }

// oneImage is the image that everybody has.
type oneImage string

func (o oneImage) Ensure(context.Context, artel.NodeID, artel.Box, artel.Terms) (*image.Image, error) {
	return &image.Image{Root: string(o)}, nil
}

func (oneImage) Hold(string) func() { return func() {} }

// runner runs containers in the Boxed, and all else as ever.
func (s *saves) runner() provider.Runner { return savingRunner{s.boxed, &runner{n: s.n}, s} }

type savingRunner struct {
	*provider.Boxed
	plain *runner
	s     *saves
}

// Run implements provider.Runner.
func (r savingRunner) Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, run lease.Running, c provider.Course) lease.Finish {
	if t.Sandbox != "gvisor" {
		return r.plain.Run(ctx, from, id, t, run, c)
	}
	if r.s.n.habit == lazy {
		<-ctx.Done()
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed"}
	}
	r.s.running.Add(1)
	defer r.s.running.Add(-1)
	tell := c.Kept
	switch r.s.n.habit {
	case misnumbers, mistells, overstates:
		c.Kept = func(k provider.Kept) error {
			if lie, ok := r.s.lie(ctx, run.Keep, k); ok {
				return tell(lie)
			}
			return tell(k)
		}
	}
	return r.Boxed.Run(ctx, from, id, t, run, c)
}

// lie has keepers confirm another account of a checkpoint that they hold.
func (s *saves) lie(ctx context.Context, keep *artel.Keeping, k provider.Kept) (provider.Kept, bool) {
	x := k.Saved
	switch s.n.habit {
	case misnumbers:
		x.Generation += 1 + x.Generation%3
	case mistells:
		x.Tree[0] ^= 1
	case overstates:
		x.Wall += 2_000
	}
	params, err := s.n.ledger.Params(ctx)
	if err != nil {
		return k, false
	}
	q := wire.KeepRequest{Grant: keep.Grant, Saved: x, Signature: s.n.key.Sign(x.Digest(params.Domain()))}
	k.Saved, k.Signature, k.By = x, q.Signature, nil
	for _, to := range keep.Keepers {
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		kept, err := s.client.Ship(within, to, q)
		cancel()
		if err == nil {
			k.By = append(k.By, kept)
		}
		if len(k.By) == int(keep.Survival.Keepers) {
			return k, true
		}
	}
	return k, false
}

// savesOf gives all nodes what checkpoints take. Below dir is room for their files.
func (w *world) savesOf(dir string) {
	for i, n := range w.nodes {
		s := &saves{n: n, dir: filepath.Join(dir, n.name), kept: blobmem.New(0), own: blobmem.New(0)}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			panic(err)
		}
		n.saves = s
		if n.prov == nil {
			continue
		}
		n.policy.Sandboxes, n.policy.Keeps = []string{"wasm", "gvisor"}, keptBytes
		n.policy.CPU = artel.CPU{Arch: "amd64", Vendor: "artel"}
		if i%5 == 4 {
			n.policy.CPU.Features = []string{"avx"}
		}
		if s.moves = i%4 != 3; s.moves {
			n.policy.Moves = "1"
		}
		// Work may stay unsaved for minutes, and its provider must bear that.
		n.policy.MaxUnpaid = n.policy.MaxUnpaid.Add(artel.Cost(n.policy.Price, 4*unit))
		n.prov.maxUnpaid = n.policy.MaxUnpaid
	}
}

// saving is a job whose tasks are checkpointed.
func saving(name string, count uint64, d time.Duration, kind artel.CheckpointKind) artel.JobSpec {
	sp := spec(name, count, d, true)
	sp.Program, sp.Box.Image, sp.Sandbox = artel.Ref{}, artel.Hash{7}, "gvisor"
	sp.Survival = artel.Survival{Kind: kind, Min: 1_000, Max: 5_000, Keepers: 2}
	return sp
}

// tree is the root of what a program leaves.
func tree(ctx context.Context, dir string, content []byte) (artel.Ref, error) {
	tmp, err := os.MkdirTemp(dir, "want-")
	if err != nil {
		return artel.Ref{}, err
	}
	defer os.RemoveAll(tmp)
	if err := os.WriteFile(filepath.Join(tmp, outFile), content, 0o644); err != nil {
		return artel.Ref{}, err
	}
	return blob.AddDir(ctx, blobmem.New(0), tmp, blob.Limits{})
}

// leftovers are what an honest machine still has of work that is over.
func (s *saves) leftovers() (broken []string) {
	if s.boxed == nil || s.running.Load() > 0 { // a renter that never pays may hold a task
		return nil
	}
	s.boxed.Begin(context.Background(), nil) // what was written within one instant of virtual time has outlived its removal
	if u, err := s.own.Usage(context.Background()); err != nil || u.Bytes != 0 {
		broken = append(broken, fmt.Sprintf("%s has %d bytes of checkpoints left (%v)", s.n.name, u.Bytes, err))
	}
	for _, pattern := range []string{"saving-*", "restoring-*", "laying-*"} {
		if left, _ := filepath.Glob(filepath.Join(s.dir, pattern)); len(left) > 0 {
			broken = append(broken, fmt.Sprintf("%s has left %v", s.n.name, left))
		}
	}
	return broken
}
