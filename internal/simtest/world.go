package simtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	blobmem "github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/fake"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/seal"
	"github.com/artel-network/artel/wire"
)

var network = artel.Keccak([]byte("simulated network"))

// world is a network under simulation. All of it lives in one synctest bubble.
type world struct {
	net   *mem.Network
	chain *fake.Chain
	seed  uint64
	rng   *rand.Rand
	log   *slog.Logger
	story *story
	began time.Time
	nodes []*node // providers first
	total artel.Amount
	// patient renters leave it to their providers to give back what was not used.
	patient bool
	calm    bool // renters have the daemon's policy

	copies atomic.Int64 // done tasks whose copy was first
	moved  atomic.Int64 // done tasks that went on from a checkpoint
	went   atomic.Int64 // how often one of lifetimes' machines went

	later sync.WaitGroup // what waits for machines that stand still

	asked atomic.Int64 // machines that have answered a challenge, for each renter that remembers it

	opened sync.Map // sealed offer → opened; a thousand nodes check each once
}

// habit is how a node behaves.
type habit int

const (
	honest      habit = iota
	lazy              // provider: takes tasks and never ends them
	withholds         // provider: hands no output out
	keyless           // provider: hands the output out and keeps its key
	garbage           // provider: its receipts are signed over something else
	overbills         // provider: its receipts bill more than the renter's clock saw
	boasts            // provider: claims ten times its speed
	forges            // provider: answers challenges at once, with what it made up
	deadbeat          // renter: stops paying after some vouchers
	scrambles         // provider: what it saves of a program cannot be taken up
	misnumbers        // provider: numbers its checkpoints as it likes
	mistells          // provider: signs another content than its checkpoints have
	overstates        // provider: says that more work is in its checkpoints than it did
	unconfirmed       // provider: brings checkpoints that fewer keepers have confirmed
)

func (h habit) String() string {
	return [...]string{"honest", "lazy", "withholds", "keyless", "garbage", "overbills", "boasts", "forges", "deadbeat",
		"scrambles", "misnumbers", "mistells", "overstates", "unconfirmed"}[h]
}

// node is one machine: its disk and identity outlive its crashes.
type node struct {
	w       *world
	name    string // p0, p1, … and r0, r1, …
	habit   habit
	key     artel.Key
	ledger  *fake.Client
	blobs   blob.Store
	board   *board
	prov    *provDisk // nil for a renter
	rent    *rentDisk // nil for a provider
	policy  provider.Policy
	machine [16]byte
	rand    *rand.ChaCha8 // what the node draws
	ids     *rand.ChaCha8 // of its jobs
	off     atomic.Int64  // ns by which its wall clock is off
	wrong   bool          // by more than anybody must bear
	leapt   bool          // its clock was once off by as much while it ran

	stop context.CancelFunc // nil while the node is down
	down chan struct{}
	host *mem.Host
	p    *provider.Provider
	r    *renter.Renter

	domain   artel.Domain
	shelf    *shelf              // its keeper; nil: it keeps nothing
	mover    *mover              // takes checkpoints of tasks; nil: a runner does not
	saves    *saves              // takes and keeps them as a real node does; nil: it does not
	still    still               // while it is frozen
	boots    int                 // how often it was started
	pays     atomic.Int64        // vouchers a deadbeat still sends
	restored bool                // from an old copy of its disk
	before   func(method string) // told of each call of a renter
	slow     float64             // times as long for a task as others; 0: as long
	hangs    atomic.Int64        // from so many tasks on it ends none and answers every question; 0: it does not
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

// Constants of the simulated economy. A task may run for a minute.
const (
	fund  = 1_000_000_000
	unit  = 60_000                   // ms
	base  = artel.Price(100_000_000) // units per 10⁶ s
	delay = 120                      // seconds: of the ledger
)

// rentPolicy is the daemon's, but brings money home within the simulation: by
// its own release at once, or, with patience, by what providers give back.
func rentPolicy(patient bool) renter.Policy {
	p := renter.DefaultPolicy
	p.Release, p.Stall = 30*time.Second, time.Minute
	if patient {
		p.Release = 20 * time.Minute
	}
	return p
}

// rentPolicy is the daemon's own for a world that is not in a hurry.
func (w *world) rentPolicy() renter.Policy {
	if w.calm {
		return renter.DefaultPolicy
	}
	return rentPolicy(w.patient)
}

func newWorld(seed uint64, providers, renters int, s *story) *world {
	w := &world{seed: seed, patient: seed%2 == 0, net: mem.NewNetwork(seed), rng: rand.New(rand.NewPCG(seed, 7)), story: s, began: time.Now()}
	w.log = slog.New(&teller{story: s, began: w.began})
	balances := map[artel.Address]artel.Amount{}
	for i := range providers + renters {
		n := &node{w: w, key: simKey(uint64(i)), blobs: blobmem.New(0)}
		binary.BigEndian.PutUint64(n.machine[:], uint64(i))
		var seeds [32]byte
		binary.BigEndian.PutUint64(seeds[:], seed)
		binary.BigEndian.PutUint64(seeds[8:], uint64(i))
		n.rand = rand.NewChaCha8(seeds)
		seeds[31] = 1
		n.ids = rand.NewChaCha8(seeds)
		if i < providers {
			n.name = fmt.Sprintf("p%d", i)
			n.prov = newProvDisk()
			price := base + artel.Price(w.rng.IntN(int(base)))
			n.policy = provider.Policy{
				Price: price, Resources: artel.Resources{Slots: uint32(1 + w.rng.IntN(4)), Memory: 1 << 30, Disk: 1 << 30},
				MaxUnit: 600_000, MaxUnpaid: artel.Cost(price, unit*uint64(1+w.rng.IntN(4))), MaxLease: 86400, Patience: time.Minute,
				Prepay: w.rng.IntN(4) == 0, Sandboxes: []string{"wasm"}, Speed: 1000, OfferTTL: 30 * time.Minute, RedeemAt: artel.Units(50_000),
			}
			n.prov.maxUnpaid = n.policy.MaxUnpaid
			if i%3 == 1 {
				n.policy.Remember = 2 * time.Minute // it has forgotten its lanes when everybody comes again
			}
			if u := artel.Cost(price, unit); i%2 == 1 && !n.policy.MaxUnpaid.Less(u.Add(u)) {
				n.policy.MinRedeem = artel.Cost(price, 3_000) // its calls cost gas
			}
		} else {
			n.name = fmt.Sprintf("r%d", i-providers)
			n.rent = newRentDisk()
			n.board = &board{n: n, index: market.NewIndex(market.DefaultPolicy(network)), history: market.History{Nodes: map[artel.NodeID]market.Record{}}}
			balances[n.key.Address()] = artel.Units(fund)
			w.total = w.total.Add(artel.Units(fund))
		}
		s.name(n.key.NodeID().Short(), n.name)
		s.name(n.key.Address().String(), n.name)
		w.nodes = append(w.nodes, n)
	}
	params := fake.DefaultParams()
	params.Delay, params.Window = delay, 3600
	w.chain = fake.New(fake.Options{Params: params, Balances: balances, Inclusion: time.Second})
	for _, n := range w.nodes {
		n.ledger = w.chain.Client()
	}
	return w
}

func (w *world) providers() (ps []*node) {
	for _, n := range w.nodes {
		if n.prov != nil {
			ps = append(ps, n)
		}
	}
	return ps
}

func (w *world) renters() (rs []*node) {
	for _, n := range w.nodes {
		if n.rent != nil {
			rs = append(rs, n)
		}
	}
	return rs
}

// say adds a line of the simulation's own to the transcript.
func (w *world) say(format string, args ...any) {
	w.story.add(time.Since(w.began), fmt.Sprintf(format, args...))
}

// start boots a node from what is on its disk.
func (n *node) start() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop, n.down = cancel, make(chan struct{})
	n.boots++
	n.host = n.w.net.NewHost(mem.Config{ID: n.key.NodeID(), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}})
	params, _ := n.ledger.Params(ctx)
	if n.habit != withholds {
		n.host.HandleStream(blobProtocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
			_, _ = blob.Serve(ctx, s, from, n.blobs, blob.ServeOptions{Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil }})
		})
	}
	var run func(context.Context) error
	if n.shelf != nil {
		n.shelf.register(n.host)
	}
	if n.saves != nil {
		n.saves.open(ctx)
	}
	if n.prov != nil {
		if n.policy.Speed = trueSpeed; n.habit == boasts {
			n.policy.Speed *= 10
		}
		n.p = provider.New(provider.Config{
			Key: n.key, Account: n.key.Address(), Network: network, Machine: n.machine, Params: params, Policy: n.policy,
			Host: cheatingHost{n.hostOf(), n}, Ledger: n.ledger, Store: stillProv{n.prov, n}, Runner: n.runner(),
			Provers: map[wire.ChallengeKind]provider.Prover{wire.ChallengeCPU: prover{n}}, Log: n.w.log.With("node", n.name),
			Now: n.now,
		})
		n.p.Register()
		run = n.p.Run
	} else {
		n.board.forget()
		if _, err := n.host.Subscribe(wire.TopicOffers, n.board.validate, func(p2p.Message) {}); err != nil {
			panic(err)
		}
		n.r = renter.New(renter.Config{
			Key: n.key, Account: n.key.Address(), Network: network, Params: params, Policy: n.w.rentPolicy(),
			Host: caller{n.hostOf(), n}, Ledger: n.ledger, Board: n.board, Store: stillRent{n.rent, n}, Blobs: n.blobs, Fetch: n.fetch, Puzzle: puzzle{},
			Own: n.own(), Log: n.w.log.With("node", n.name), Now: n.now, Rand: n.rand,
		})
		run = n.r.Run
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.host.Run(ctx) })
	if n.saves != nil {
		wg.Go(func() { _ = n.saves.keeper.Run(ctx) })
	}
	wg.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			panic(fmt.Sprintf("%s: %v", n.name, err))
		}
	})
	down := n.down
	go func() { wg.Wait(); close(down) }()
}

// now is the node's wall clock.
func (n *node) now() time.Time { return time.Now().Add(n.skew()) }

func (n *node) skew() time.Duration { return time.Duration(n.off.Load()) }

// set sets the node's clock, whether it runs or not.
func (n *node) set(skew time.Duration) { n.off.Store(int64(skew)) }

func (n *node) up() bool { return n.stop != nil }

// crash ends a node: what it had not stored is gone.
func (n *node) crash() {
	if !n.up() {
		return
	}
	n.stop()
	n.still.thaw()
	<-n.down
	n.stop = nil
}

const blobProtocol = "blob"

func (n *node) fetch(ctx context.Context, from artel.NodeID, root artel.Ref, limit int64) error {
	open := func(ctx context.Context) (blob.Stream, error) { return n.host.OpenStream(ctx, from, blobProtocol) }
	return blob.Fetch(ctx, open, n.blobs, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}})
}

// cheatingHost is a provider's host that changes its answers by its habit.
type cheatingHost struct {
	stillHost
	n *node
}

func (h cheatingHost) Handle(method string, maxReq int, f p2p.Handler) {
	h.stillHost.Handle(method, maxReq, func(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
		resp, err := f(ctx, from, req)
		if err != nil {
			return resp, err
		}
		switch {
		case method == wire.MethodWatch && h.n.habit == unconfirmed:
			m, err := wire.UnmarshalWatchResponse(resp)
			if err != nil {
				return nil, err
			}
			for i, e := range m.Events {
				if e.Segment != nil {
					g := *e.Segment
					g.Kept = g.Kept[:len(g.Kept)-1]
					m.Events[i].Segment = &g
				}
			}
			return m.Marshal(), nil
		case method == wire.MethodWatch && (h.n.habit == garbage || h.n.habit == overbills):
			m, err := wire.UnmarshalWatchResponse(resp)
			if err != nil {
				return nil, err
			}
			for i, e := range m.Events {
				if e.Receipt == nil {
					continue
				}
				r := *e.Receipt
				if h.n.habit == garbage {
					r.Result.OutputRoot[3] ^= 1
				} else {
					r.Usage.Wall, r.Due = r.Usage.Wall+20_000, r.Due.Add(artel.Cost(h.n.policy.Price, 20_000))
				}
				m.Events[i].Receipt = &r
			}
			return m.Marshal(), nil
		case method == wire.MethodPay && h.n.habit == keyless:
			m, err := wire.UnmarshalPayResponse(resp)
			if err != nil {
				return nil, err
			}
			m.Keys = nil
			return m.Marshal(), nil
		}
		return resp, nil
	})
}

// caller is a renter's host; a deadbeat's sends only so many vouchers.
type caller struct {
	stillHost
	n *node
}

func (c caller) Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	if f := c.n.before; f != nil {
		f(method)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if method == wire.MethodPay && c.n.habit == deadbeat {
		if c.n.pays.Add(-1) < 0 {
			return nil, p2p.Errorf(p2p.Unavailable, "not this time")
		}
	}
	return c.stillHost.Call(ctx, to, method, req, maxResp)
}

// board is a market index fed by gossip.
type board struct {
	n       *node
	mu      sync.Mutex
	index   *market.Index
	history market.History
}

type openedOffer struct {
	offer artel.Offer
	id    artel.Hash
	err   error
}

func (w *world) openOffer(sealed []byte, network artel.Hash) (artel.Offer, artel.Hash, error) {
	k := string(sealed)
	if o, ok := w.opened.Load(k); ok {
		o := o.(openedOffer)
		return o.offer, o.id, o.err
	}
	var o openedOffer
	o.offer, o.id, o.err = wire.OpenOffer(sealed, network)
	w.opened.Store(k, o)
	return o.offer, o.id, o.err
}

func (b *board) validate(_ context.Context, m p2p.Message) p2p.Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := uint64(b.n.now().Unix())
	l, v := market.Admit(m.Data, b.n.w.openOffer, b.index, nil, now)
	if v.Err != nil {
		return p2p.Ignore
	}
	_, _ = b.index.Put(l, now)
	return p2p.Accept
}

func (b *board) Offers(j artel.JobSpec, now time.Time, n int) []renter.Listed {
	return b.rank(j, market.QueryFor(j), now, n)
}

func (b *board) Movers(j artel.JobSpec, from artel.Class, now time.Time, n int) []renter.Listed {
	q := market.QueryFor(j)
	q.From = from
	return b.rank(j, q, now, n)
}

func (b *board) Keepers(now time.Time, n int) []renter.Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return renter.List(b.index.BestKeepers(b.history, n, uint64(now.Unix())))
}

func (b *board) rank(j artel.JobSpec, q market.Query, now time.Time, n int) []renter.Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return renter.List(b.index.Best(j, q, b.history, n, uint64(now.Unix())))
}

// forget is what a restart does: the store gives back what it has.
func (b *board) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.history.Nodes)
}

func (b *board) Record(node artel.NodeID) market.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.Nodes[node]
}

func (b *board) Keep(node artel.NodeID, r market.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.Nodes[node] = r
}

// spec is a job whose tasks take d each and leave an output or none.
func spec(name string, count uint64, d time.Duration, output bool) artel.JobSpec {
	program, _ := artel.NewRef(artel.CodecRaw, [32]byte{1})
	return artel.JobSpec{
		Name: name, Program: program, Args: []string{d.String(), name, fmt.Sprint(output)}, Count: count, Wall: unit, Sandbox: "wasm",
		Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}, Tries: 3, Failover: artel.FailoverNormal,
	}
}

// result is what a task of a job leaves: it depends on the task alone.
func result(s artel.TaskSpec) []byte {
	return []byte(s.Args[1] + " " + strings.Join(s.Env, " "))
}

// runner stands for the sandbox: it takes the virtual time that the task's
// first argument names. What it leaves is sealed as by provider.Boxed.
type runner struct{ n *node }

func (r *runner) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, run lease.Running, c provider.Course) lease.Finish {
	c.Phase("running")
	d, err := time.ParseDuration(run.Spec.Args[0])
	if err != nil {
		return lease.Finish{Reason: artel.ReasonBadProgram, Message: err.Error()}
	}
	if run.Spec.Args[1] == "long-0" && slices.Contains(run.Spec.Env, "ARTEL_TASK=0") {
		d *= 10
	}
	if r.n.slow != 0 {
		d = time.Duration(float64(d) * r.n.slow)
	}
	if r.n.habit == lazy || r.n.hangs.Load() != 0 && r.n.hangs.Add(-1) == 0 {
		r.n.hangs.Store(1)
		d = 1000 * time.Hour
	}
	began := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	usage := func() artel.Usage {
		wall := uint64(time.Since(began).Milliseconds())
		return artel.Usage{Wall: wall, CPU: wall}
	}
	select {
	case <-ctx.Done():
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed", Billed: true, Usage: usage()}
	case <-timer.C:
	}
	f := lease.Finish{Reason: artel.ReasonExited, Billed: true, Usage: usage()}
	if run.Spec.Args[1] == "broken" {
		f.Exit = 1
		return f
	}
	if run.Spec.Args[2] != "true" {
		f.Root = artel.Keccak(result(run.Spec))
		return f
	}
	if err := r.seal(run.Spec, &f); err != nil {
		return lease.Finish{Reason: artel.ReasonHost, Message: err.Error()}
	}
	return f
}

func (r *runner) seal(s artel.TaskSpec, f *lease.Finish) error {
	ctx := context.Background()
	root, _, err := blob.AddFile(ctx, r.n.blobs, bytes.NewReader(result(s)))
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	w, key, err := seal.Writer(&buf)
	if err != nil {
		return err
	}
	if err := blob.WriteCAR(ctx, r.n.blobs, root, w, blob.Limits{}); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	f.Root, f.Key = artel.Hash(root.Sum()), key
	f.Sealed, _, err = blob.AddFile(ctx, r.n.blobs, &buf)
	return err
}

func (r *runner) Log(artel.Hash, lease.TaskKey, uint64, int) ([]byte, error) {
	return nil, fmt.Errorf("no log here")
}
func (r *runner) Keep(context.Context, artel.Hash, lease.TaskKey, artel.Ref) {}
func (r *runner) Begin(context.Context, []provider.Ran) []provider.Attempt   { return nil }
func (r *runner) Closed(artel.NodeID)                                        {}

func (r *runner) Live(artel.Hash, lease.TaskKey) (sandbox.Run, bool) { return nil, false }

func (r *runner) Forget(context.Context, artel.Hash, lease.TaskKey, artel.Ref) {}

// deposit gives a renter's money to the ledger.
func (n *node) deposit() {
	tx := chain.Tx{ID: "deposit-" + n.name, From: n.key.Address(), Call: chain.Deposit{To: n.key.Address(), Amount: artel.Units(fund)}}
	if err := n.ledger.Submit(context.Background(), tx); err != nil {
		panic(err)
	}
}
