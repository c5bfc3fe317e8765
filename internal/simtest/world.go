package simtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	blobmem "github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/chain/fake"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
)

var network = artel.Keccak([]byte("simulated network"))

// world is a network under simulation. All of it lives in one synctest bubble.
type world struct {
	net   *mem.Network
	chain *fake.Chain
	rng   *rand.Rand
	log   *slog.Logger
	nodes []*node
}

// node is one machine: its disk and identity outlive its crashes.
type node struct {
	w       *world
	key     artel.Key
	ledger  *fake.Client
	blobs   blob.Store
	prov    *provDisk // nil for a renter
	rent    *rentDisk // nil for a provider
	policy  provider.Policy
	stop    context.CancelFunc
	down    chan struct{}
	host    *mem.Host
	p       *provider.Provider
	r       *renter.Renter
	machine [16]byte
	lazy    bool // takes tasks and never ends them
}

func simKey(n uint64) artel.Key {
	var b [32]byte
	binary.BigEndian.PutUint64(b[24:], n+1)
	k, err := artel.KeyFromBytes(b[:])
	if err != nil {
		panic(err)
	}
	return k
}

const fund = 1_000_000_000

func newWorld(seed uint64, providers, renters int) *world {
	w := &world{net: mem.NewNetwork(seed), rng: rand.New(rand.NewPCG(seed, 7)), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if os.Getenv("ARTEL_SIM_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	balances := map[artel.Address]artel.Amount{}
	for i := range providers + renters {
		n := &node{w: w, key: simKey(uint64(i)), blobs: blobmem.New(0)}
		binary.BigEndian.PutUint64(n.machine[:], uint64(i))
		if i < providers {
			n.prov = newProvDisk()
			n.policy = provider.Policy{
				Price: artel.Price(1_000_000_000 + w.rng.IntN(1_000_000_000)), Resources: artel.Resources{Slots: uint32(1 + w.rng.IntN(4)), Memory: 1 << 30, Disk: 1 << 30},
				MaxUnit: 600_000, MaxUnpaid: artel.Units(20_000_000), MaxLease: 86400, Patience: 2 * time.Minute,
				Sandboxes: []string{"wasm"}, Speed: 1000, OfferTTL: 10 * time.Minute, RedeemAt: artel.Units(1_000_000),
			}
		} else {
			n.rent = newRentDisk()
			balances[n.key.Address()] = artel.Units(fund)
		}
		w.nodes = append(w.nodes, n)
	}
	w.chain = fake.New(fake.Options{Balances: balances, Inclusion: time.Second})
	for _, n := range w.nodes {
		n.ledger = w.chain.Client()
	}
	return w
}

// start boots a node from what is on its disk.
func (n *node) start() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop, n.down = cancel, make(chan struct{})
	n.host = n.w.net.NewHost(mem.Config{ID: n.key.NodeID(), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}})
	params, _ := n.ledger.Params(ctx)
	n.host.HandleStream(blobProtocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
		_, _ = blob.Serve(ctx, s, from, n.blobs, blob.ServeOptions{Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil }})
	})
	var run func(context.Context) error
	if n.prov != nil {
		n.p = provider.New(provider.Config{
			Key: n.key, Account: n.key.Address(), Network: network, Machine: n.machine, Params: params, Policy: n.policy,
			Host: n.host, Ledger: n.ledger, Store: n.prov, Runner: &runner{n: n}, Log: n.w.log.With("node", n.key.NodeID().Short()),
		})
		n.p.Register()
		run = n.p.Run
	} else {
		board := newBoard()
		_, err := n.host.Subscribe(wire.TopicOffers, board.validate, func(p2p.Message) {})
		if err != nil {
			panic(err)
		}
		n.r = renter.New(renter.Config{
			Key: n.key, Account: n.key.Address(), Network: network, Params: params, Policy: renter.DefaultPolicy,
			Host: n.host, Ledger: n.ledger, Board: board, Store: n.rent, Blobs: n.blobs, Fetch: n.fetch,
			Log: n.w.log.With("node", n.key.NodeID().Short()),
		})
		run = n.r.Run
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.host.Run(ctx) })
	wg.Go(func() { _ = run(ctx) })
	down := n.down
	go func() { wg.Wait(); close(down) }()
}

// crash ends a node: what it had not stored is gone.
func (n *node) crash() {
	n.stop()
	<-n.down
}

const blobProtocol = "blob"

func (n *node) fetch(ctx context.Context, from artel.NodeID, root artel.Ref, limit int64) error {
	open := func(ctx context.Context) (blob.Stream, error) { return n.host.OpenStream(ctx, from, blobProtocol) }
	return blob.Fetch(ctx, open, n.blobs, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}})
}

// board is a market index fed by gossip.
type board struct {
	mu    sync.Mutex
	index *market.Index
}

func newBoard() *board {
	return &board{index: market.NewIndex(market.DefaultPolicy(network))}
}

func (b *board) validate(_ context.Context, m p2p.Message) p2p.Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := uint64(time.Now().Unix())
	l, v := market.Admit(m.Data, wire.OpenOffer, b.index, nil, now)
	if v.Err != nil {
		return p2p.Ignore
	}
	_, _ = b.index.Put(l, now)
	return p2p.Accept
}

func (b *board) Offers(j artel.JobSpec, now time.Time, n int) []renter.Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := market.QueryFor(j)
	q.Limit = n
	var out []renter.Listed
	for _, l := range b.index.Query(q, uint64(now.Unix())) {
		out = append(out, renter.Listed{Offer: l.Offer, ID: l.ID})
	}
	return out
}

func (b *board) Note(artel.NodeID, bool, time.Time) {}

// runner stands for the sandbox: it takes the virtual time that the task's
// first argument names and leaves an output that depends on the task alone.
type runner struct{ n *node }

func (r *runner) Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, run lease.Running, phase func(string)) lease.Finish {
	phase("running")
	d, err := time.ParseDuration(run.Spec.Args[0])
	if err != nil {
		return lease.Finish{Reason: artel.ReasonBadProgram, Message: err.Error()}
	}
	if r.n.lazy {
		<-ctx.Done()
		return lease.Finish{Reason: artel.ReasonCancelled}
	}
	began := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed"}
	case <-timer.C:
	}
	wall := uint64(time.Since(began).Milliseconds())
	return lease.Finish{Exit: 0, Reason: artel.ReasonExited, Billed: true, Usage: artel.Usage{Wall: wall, CPU: wall}}
}

func (r *runner) Log(artel.Hash, lease.TaskKey, uint64, int) ([]byte, error) {
	return nil, fmt.Errorf("no log here")
}
func (r *runner) Forget(artel.Hash, lease.TaskKey) {}
