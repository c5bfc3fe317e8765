package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/p2p"
	p2pmem "github.com/artel-network/artel/p2p/mem"
)

const protocol = "swarm"

func id(n int) artel.NodeID {
	var out artel.NodeID
	out[0], out[31], out[32] = 2, byte(n>>8), byte(n)
	return out
}

func anyone(context.Context, artel.NodeID, artel.Ref) error { return nil }

// world is nodes in virtual time.
type world struct {
	t    *testing.T
	net  *p2pmem.Network
	seed uint64
}

func simulate(t *testing.T, seed uint64, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t, p2pmem.NewNetwork(seed), seed}
		w.net.SetLink(p2pmem.Link{Latency: 20 * time.Millisecond, Bandwidth: 1 << 20})
		f(w)
	})
}

// peer is one node of a world.
type peer struct {
	id    artel.NodeID
	store blob.Store
	swarm *Swarm
	host  *p2pmem.Host
	stop  func() // as a crash
	ctx   context.Context

	mu    sync.Mutex
	opens map[artel.NodeID]int
}

// node brings up node n, over a store that may hold something.
func (w *world) node(n int, store blob.Store, change ...func(*Config)) *peer {
	w.t.Helper()
	p := w.host(n)
	p.store = store
	c := Config{Self: p.id, Store: store, Allow: anyone, Seed: w.seed, Open: func(ctx context.Context, to artel.NodeID, _ []string) (blob.Stream, error) {
		p.mu.Lock()
		p.opens[to]++
		p.mu.Unlock()
		return p.host.OpenStream(ctx, to, protocol)
	}}
	for _, f := range change {
		f(&c)
	}
	p.swarm = New(c)
	p.host.HandleStream(protocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) { p.swarm.Serve(ctx, s, from) })
	w.up(p)
	return p
}

// evil brings up node n that answers streams as f does.
func (w *world) evil(n int, f func(s p2p.Stream, from artel.NodeID)) *peer {
	p := w.host(n)
	p.host.HandleStream(protocol, func(_ context.Context, from artel.NodeID, s p2p.Stream) { f(s, from) })
	w.up(p)
	return p
}

func (w *world) host(n int) *peer {
	return &peer{id: id(n), opens: map[artel.NodeID]int{},
		host: w.net.NewHost(p2pmem.Config{ID: id(n), Network: artel.Keccak([]byte("swarm")), Wire: p2p.Versions{Min: 1, Max: 1}})}
}

func (w *world) up(p *peer) {
	ctx, cancel := context.WithCancel(w.t.Context())
	p.ctx = ctx
	done := make(chan struct{})
	go func() { defer close(done); p.host.Run(ctx) }()
	p.stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(p.stop)
	<-p.host.Ready()
}

// pulling is a Fetch under way.
type pulling struct {
	*peer
	err  error
	took time.Duration
	done chan struct{}
}

func (p *peer) pull(root artel.Ref, from ...*peer) *pulling {
	var ids []artel.NodeID
	for _, f := range from {
		ids = append(ids, f.id)
	}
	q := &pulling{peer: p, done: make(chan struct{})}
	go func() {
		defer close(q.done)
		start := time.Now()
		q.err = p.swarm.Fetch(p.ctx, root, ids, Options{})
		q.took = time.Since(start)
	}()
	return q
}

func (q *pulling) wait(t *testing.T) {
	t.Helper()
	<-q.done
	if q.err != nil {
		t.Fatalf("node %s: %v", q.id.Short(), q.err)
	}
}

// tree keeps a directory of dirs directories of files, each a leaf of about
// size bytes, and returns its root and the bytes of all blocks.
func tree(t testing.TB, s blob.Store, seed uint64, dirs, files, size int) (artel.Ref, int64) {
	t.Helper()
	ctx := context.Background()
	var top []blob.Entry
	for d := range dirs {
		var in []blob.Entry
		for f := range files {
			data := blobtest.Bytes(seed<<32|uint64(d)<<16|uint64(f), size+f)
			ref, _, err := blob.AddFile(ctx, s, bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			in = append(in, blob.Entry{Name: fmt.Sprint("f", f), Ref: ref})
		}
		ref, err := blob.MakeDir(ctx, s, in)
		if err != nil {
			t.Fatal(err)
		}
		top = append(top, blob.Entry{Name: fmt.Sprint("d", d), Ref: ref})
	}
	root, err := blob.MakeDir(ctx, s, top)
	if err != nil {
		t.Fatal(err)
	}
	return root, held(t, s)
}

// held is the bytes of all blocks of a store, each read and so compared.
func held(t testing.TB, s blob.Store) int64 {
	t.Helper()
	var sum int64
	for info, err := range s.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(context.Background(), info.Ref); err != nil {
			t.Fatal(err)
		}
		sum += info.Size
	}
	return sum
}

// same checks that a store holds all below root, and total bytes and no more.
func same(t testing.TB, s blob.Store, root artel.Ref, total int64) {
	t.Helper()
	if err := blob.Complete(context.Background(), s, root, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := held(t, s); got != total {
		t.Fatalf("the store holds %d bytes, the root has %d", got, total)
	}
}

// sent checks how often the seeder sent the root.
func sent(t testing.TB, seeder *peer, root artel.Ref, total int64, most float64) {
	t.Helper()
	n := seeder.swarm.Usage(root).Sent
	t.Logf("the seeder sent %.3f times the root", float64(n)/float64(total))
	if float64(n) > most*float64(total) {
		t.Fatalf("the seeder sent %d bytes of a root of %d: %.3f, at most %.2f", n, total, float64(n)/float64(total), most)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func newStore() *mem.Store { return mem.New(0) }

func newStoreOf(limit int64) *mem.Store { return mem.New(limit) }
