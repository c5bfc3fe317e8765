package keeper_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/sqlite"
	"github.com/artel-network/artel/wire"
)

// machine is a node of the real network, on loopback, with a disk.
type machine struct {
	*libp2p.Host
	key    artel.Key
	blobs  *disk.Store
	keeper *keeper.Keeper
	client keeper.Client
	served atomic.Int64 // bytes of blocks
}

func (w *world) machine(k artel.Key) *machine {
	t := w.t.(*testing.T)
	t.Helper()
	h, err := libp2p.New(libp2p.Config{Key: k, Network: network, Wire: p2p.Versions{Min: 1, Max: 1}, Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Host: h, key: k}
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "artel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if m.blobs, err = disk.Open(filepath.Join(dir, "kept"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.blobs.Close() })
	open := func(ctx context.Context, from artel.NodeID) (blob.Stream, error) {
		return h.OpenStream(ctx, from, stream)
	}
	m.keeper, err = keeper.Open(t.Context(), keeper.Config{
		Key: k, Network: network, Domain: domain, Store: db.Keeper(), Blobs: m.blobs, Account: w.ledger.account, Log: quiet,
		Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error {
			return blob.Fetch(ctx, func(ctx context.Context) (blob.Stream, error) { return open(ctx, from) }, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}, Progress: progress})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.keeper.SetLimits(w.limits)
	m.keeper.Register(h)
	m.client = keeper.Client{Host: h, Domain: domain, Self: m.keeper, Open: open}
	run(t, h.Run)
	run(t, m.keeper.Run)
	<-h.Ready()
	return m
}

// serve answers streams from a store, as far as allowed.
func (m *machine) serve(s blob.Store, allow func(root artel.Ref) bool) {
	m.HandleStream(stream, func(ctx context.Context, from artel.NodeID, st p2p.Stream) {
		n, _ := blob.Serve(ctx, st, from, s, blob.ServeOptions{Allow: func(_ context.Context, _ artel.NodeID, root artel.Ref) error {
			if !allow(root) {
				return errors.New("not for you")
			}
			return nil
		}})
		m.served.Add(n)
	})
}

// TestRealNetwork: two generations go from a provider to a keeper that it has never
// met, over QUIC or TCP, the second as the difference; a third node that knows the
// root alone brings it back.
func TestRealNetwork(t *testing.T) {
	w := newWorld(t)
	provider, k, next := w.machine(saverKey), w.machine(keeperKey), w.machine(nextKey)
	saves, err := disk.Open(filepath.Join(t.TempDir(), "saves"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer saves.Close()
	provider.serve(saves, func(artel.Ref) bool { return true })
	k.serve(k.blobs, k.keeper.Holds)
	s := &saver{w: w, key: saverKey, blobs: saves, dir: t.TempDir()}
	x := w.task(renterKey, 1)
	s.grow("memory", 24<<20)
	to := artel.Keeper{Node: keeperKey.NodeID(), Addrs: append([]string{"/ip4/127.0.0.1/tcp/1/p2p/" + peerOf(k.Addrs()[0])}, k.Addrs()...)}
	var last wire.KeepRequest
	for g := range 3 {
		if g > 0 {
			s.grow("little", 30_000)
		}
		before := provider.served.Load()
		last = s.save(x, 1, artel.Ref{})
		kept, err := provider.client.Ship(t.Context(), to, last)
		if err != nil {
			t.Fatal(err)
		}
		seg := artel.Segment{Saved: last.Saved, Signature: last.Signature, Kept: []artel.Kept{kept}}
		if holders, err := seg.Check(domain, saverKey.NodeID(), []artel.Keeper{to}, 1); err != nil || len(holders) != 1 {
			t.Fatal(holders, err)
		}
		until(t, "the stream is closed", func() bool { return provider.served.Load() > before })
		travelled := provider.served.Load() - before
		t.Logf("generation %d: %d of %d bytes travelled", g+1, travelled, last.Saved.Stored)
		if g > 0 && travelled > 200_000 {
			t.Errorf("generation %d: %d bytes for a change of 30,000", g+1, travelled)
		}
	}
	if err := next.client.Bring(t.Context(), []artel.Keeper{{Node: otherKey.NodeID()}, to}, next.blobs, ref(9), 1<<30); !errors.Is(err, blob.ErrRefused) {
		t.Errorf("a root that is not held: %v", err)
	}
	if err := next.client.Bring(t.Context(), []artel.Keeper{to}, next.blobs, last.Saved.Root, int64(last.Saved.Stored)-1); !errors.Is(err, blob.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
	if err := next.client.Bring(t.Context(), []artel.Keeper{to}, next.blobs, last.Saved.Root, int64(last.Saved.Stored)); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	if _, err := checkpoint.Restore(t.Context(), next.blobs, x.key, last.Saved.Root, checkpoint.Want{Task: x.id, Generation: 3, Digest: last.Saved.Tree}, back, checkpoint.Options{}); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(back, "memory")); err != nil || i.Size() != 24<<20 {
		t.Error(i, err)
	}
}

// peerOf is the identity at the end of a full address.
func peerOf(addr string) string { return filepath.Base(addr) }
