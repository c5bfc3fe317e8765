package keeper_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/keeper/keepertest"
	"github.com/artel-network/artel/p2p"
	pmem "github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

var (
	network = artel.Hash{7}
	domain  = artel.NewDomain(1337, artel.Address{1}, artel.Address{2})
	quiet   = slog.New(slog.NewTextHandler(io.Discard, nil))
)

const stream = "blob/1"

func TestMemory(t *testing.T) {
	keepertest.Run(t, func(*testing.T) (keeper.Store, func() keeper.Store) {
		m := &keeper.Memory{}
		return m, func() keeper.Store { return m }
	})
}

func key(n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 30), 2, n))
	if err != nil {
		panic(err)
	}
	return k
}

// ledger is what the chain says of accounts.
type ledger struct {
	mu       sync.Mutex
	accounts map[artel.Address]keeper.Account // by the key that asks to be known
	err      error
	asked    int
}

func (l *ledger) account(_ context.Context, account, key artel.Address) (keeper.Account, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.accounts[key], l.err
}

// world is a keeper and those who come to it, in one process.
type world struct {
	t      testing.TB
	net    *pmem.Network
	ledger *ledger
	now    func() time.Time
	limits keeper.Limits
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, net: pmem.NewNetwork(1), ledger: &ledger{accounts: map[artel.Address]keeper.Account{}}, now: time.Now,
		limits: keeper.Limits{Own: 1 << 30, Others: 1 << 30, Renter: 1 << 29},
	}
}

// run runs until the returned function is called, or the test ends.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, errPower) {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// errPower is what everything says once the power of a test's machine is cut.
var errPower = errors.New("power cut")

func (w *world) host(k artel.Key) *pmem.Host {
	return w.net.NewHost(pmem.Config{ID: k.NodeID(), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}, Log: slog.Default()})
}

// kept is a keeper at work.
type kept struct {
	*keeper.Keeper
	key   artel.Key
	store keeper.Store
	blobs blob.Store
	host  *pmem.Host
	stop  func()
}

func (w *world) keeper(k artel.Key, store keeper.Store, blobs blob.Store) *kept {
	w.t.Helper()
	h := w.host(k)
	x, err := keeper.Open(context.Background(), keeper.Config{
		Key: k, Network: network, Domain: domain, Store: store, Blobs: blobs, Account: w.ledger.account, Now: w.now, Log: quiet,
		Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error {
			open := func(ctx context.Context) (blob.Stream, error) { return h.OpenStream(ctx, from, stream) }
			return blob.Fetch(ctx, open, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}, Progress: progress})
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	x.SetLimits(w.limits)
	x.Register(h)
	h.HandleStream(stream, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
		blob.Serve(ctx, s, from, blobs, blob.ServeOptions{Allow: func(_ context.Context, _ artel.NodeID, root artel.Ref) error {
			if !x.Holds(root) {
				return errors.New("not held")
			}
			return nil
		}})
	})
	stopHost, stopKeeper := run(w.t, h.Run), run(w.t, x.Run)
	<-h.Ready()
	return &kept{x, k, store, blobs, h, func() { stopKeeper(); stopHost() }}
}

// saver is a provider's node: it saves a directory, and serves what it saved.
type saver struct {
	w     *world
	key   artel.Key
	host  *pmem.Host
	blobs blob.Store
	dir   string
	state *mrand.Rand
}

func (w *world) saver(k artel.Key) *saver {
	w.t.Helper()
	s := &saver{w: w, key: k, host: w.host(k), blobs: mem.New(0), dir: w.t.TempDir(), state: mrand.New(mrand.NewPCG(uint64(k.Bytes()[31]), 1))}
	s.host.HandleStream(stream, func(ctx context.Context, from artel.NodeID, st p2p.Stream) {
		blob.Serve(ctx, st, from, s.blobs, blob.ServeOptions{Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil }})
	})
	run(w.t, s.host.Run)
	<-s.host.Ready()
	return s
}

func (s *saver) client() keeper.Client {
	return keeper.Client{Host: s.host, Domain: domain, Now: s.w.now, Open: func(ctx context.Context, n artel.NodeID) (blob.Stream, error) {
		return s.host.OpenStream(ctx, n, stream)
	}}
}

// task is a renter's task, with the keys that go with it.
type task struct {
	renter artel.Key
	id     artel.Hash
	key    checkpoint.Key
	last   *checkpoint.Manifest
}

func (w *world) task(renter artel.Key, id byte) *task {
	w.t.Helper()
	k, err := checkpoint.NewKey()
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger.mu.Lock()
	w.ledger.accounts[renter.Address()] = keeper.Account{Signer: true, Deposit: artel.Units(5)}
	w.ledger.mu.Unlock()
	return &task{renter: renter, id: artel.Hash{id}, key: k}
}

// grow changes the state: n random bytes in a file of that name.
func (s *saver) grow(name string, n int) {
	s.w.t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		s.w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), b, 0o600); err != nil {
		s.w.t.Fatal(err)
	}
}

// save makes the next generation of a task, and what is asked of keepers.
func (s *saver) save(x *task, try uint32, from artel.Ref) wire.KeepRequest {
	s.w.t.Helper()
	m, _, err := checkpoint.Save(context.Background(), s.blobs, x.key, s.dir, x.last, checkpoint.Meta{Task: x.id, Attempt: try}, checkpoint.Options{})
	if err != nil {
		s.w.t.Fatal(err)
	}
	x.last = m
	q := wire.KeepRequest{
		Grant: artel.Grant{Network: network, Task: x.id, Try: try, Saver: s.key.NodeID(), From: from, Account: x.renter.Address(), Bytes: 1 << 28, Expires: uint64(s.w.now().Add(24 * time.Hour).Unix())},
		Saved: artel.Saved{Lease: artel.Hash{3}, Number: 1, Attempt: try, Task: x.id, Kind: artel.CheckpointFiles, Generation: m.Generation, Root: m.Root, Parent: m.Parent, Tree: m.Digest, Bytes: uint64(m.Bytes), Stored: uint64(m.Stored), Wall: 1000 * m.Generation},
	}
	return sign(q, x.renter, s.key)
}

// sign signs a request anew.
func sign(q wire.KeepRequest, renter, saver artel.Key) wire.KeepRequest {
	q.Grant.Signature = renter.Sign(q.Grant.Digest())
	q.Signature = saver.Sign(q.Saved.Digest(domain))
	return q
}

// once asks once, and does not come back when the keeper is at work.
func (s *saver) once(k *kept, q wire.KeepRequest) (artel.Kept, error) {
	b, err := s.host.Call(context.Background(), k.key.NodeID(), wire.MethodKeep, q.Marshal(), wire.MaxSmall)
	if err != nil {
		return artel.Kept{}, err
	}
	r, err := wire.UnmarshalKeepResponse(b)
	return r.Kept, err
}

func (s *saver) ship(k *kept, q wire.KeepRequest) (artel.Kept, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return s.client().Ship(ctx, artel.Keeper{Node: k.key.NodeID()}, q)
}

func (s *saver) mustShip(k *kept, q wire.KeepRequest) artel.Kept {
	s.w.t.Helper()
	kept, err := s.ship(k, q)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return kept
}

// ask asks a keeper as a renter's node does.
func (w *world) ask(renter artel.Key, k *kept, q wire.KeptRequest) []wire.Holding {
	w.t.Helper()
	h := w.host(renter)
	stop := run(w.t, h.Run)
	defer stop()
	<-h.Ready()
	b, err := h.Call(context.Background(), k.key.NodeID(), wire.MethodKept, q.Marshal(), wire.MaxKept)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := wire.UnmarshalKeptResponse(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Holdings
}

// whole checks that a keeper holds these generations, that all blocks of them are
// there, and no others.
func (k *kept) whole(t testing.TB, want ...artel.Ref) {
	t.Helper()
	var got []artel.Ref
	for _, x := range k.Status().Tasks {
		for _, h := range x.Held {
			got = append(got, h.Saved.Root)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("held are %v, want %v", got, want)
	}
	here := map[artel.Ref]bool{}
	for _, root := range got {
		if _, err := checkpoint.Verify(context.Background(), k.blobs, root, checkpoint.Limits{}); err != nil {
			t.Fatal(err)
		}
		bs, err := checkpoint.Blocks(context.Background(), k.blobs, root, checkpoint.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bs {
			here[b.Ref] = true
		}
	}
	for i, err := range k.blobs.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if !here[i.Ref] {
			t.Errorf("block %s of %d bytes belongs to nothing that is held", i.Ref, i.Size)
		}
	}
}

// until waits for what a keeper does by itself.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	end, again := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !f() {
		select {
		case <-end:
			t.Fatalf("%s: not within a minute", what)
		case <-again.C:
		}
	}
}
