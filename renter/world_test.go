package renter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	blobmem "github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/fake"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/seal"
	"github.com/artel-network/artel/wire"
)

// A renter on a fake chain and a simulated network, in virtual time, with
// providers that keep the rules of package lease unless a test says otherwise.

var network = artel.Keccak([]byte("a renter's tests"))

const (
	taskTakes = 4 * time.Second
	taskLimit = 10_000                   // ms
	unitPrice = artel.Price(100_000_000) // units per 10⁶ s: 1000 for a unit
	deposit   = 1_000_000
)

// heap is a store in memory.
type heap struct {
	mu       sync.Mutex
	meta     Meta
	books    map[lease.Key]lease.Book
	leases   map[artel.Hash]LeaseRow
	jobs     map[artel.Hash]job.Job
	tasks    map[artel.Hash]map[uint64]job.Task
	outbox   map[string]chain.Tx
	nodes    map[artel.NodeID]market.Record
	promised artel.Amount // see total
	crash    func() error // asked before each save; nil: never
	saves    int
}

func newHeap() *heap {
	return &heap{
		books: map[lease.Key]lease.Book{}, leases: map[artel.Hash]LeaseRow{}, jobs: map[artel.Hash]job.Job{},
		tasks: map[artel.Hash]map[uint64]job.Task{}, outbox: map[string]chain.Tx{}, nodes: map[artel.NodeID]market.Record{},
	}
}

func (h *heap) Load(context.Context) (State, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := State{Meta: h.meta, Books: slices.Collect(maps.Values(h.books)), Leases: slices.Collect(maps.Values(h.leases)), Tasks: map[artel.Hash][]job.Task{}}
	for n, x := range h.nodes {
		st.Nodes = append(st.Nodes, NodeRow{n, x})
	}
	for id, j := range h.jobs {
		if j.Phase == job.Active {
			st.Jobs, st.Tasks[id] = append(st.Jobs, j), h.list(id)
		}
	}
	return st, nil
}

func (h *heap) list(id artel.Hash) (ts []job.Task) {
	for _, i := range slices.Sorted(maps.Keys(h.tasks[id])) {
		ts = append(ts, h.tasks[id][i])
	}
	return ts
}

func (h *heap) Save(ctx context.Context, c Change) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saves++
	if h.crash != nil {
		if err := h.crash(); err != nil {
			return err
		}
	}
	if c.Meta != nil {
		h.meta = *c.Meta
	}
	for _, b := range c.Books {
		h.promised = h.promised.Add(b.Voucher.Sub(h.books[b.Key].Voucher))
		h.books[b.Key] = b
	}
	for _, r := range c.Leases {
		h.leases[r.Bought.ID] = r
	}
	for _, id := range c.DropLeases {
		delete(h.leases, id)
	}
	for _, j := range c.Jobs {
		h.jobs[j.ID] = j
	}
	for _, id := range c.DropJobs {
		delete(h.jobs, id)
		delete(h.tasks, id)
	}
	for _, n := range c.Nodes {
		h.nodes[n.Node] = n.Record
	}
	for id, ts := range c.Tasks {
		if h.tasks[id] == nil {
			h.tasks[id] = map[uint64]job.Task{}
		}
		for _, t := range ts {
			h.tasks[id][t.Index] = t
		}
	}
	return nil
}

// total is what the vouchers of all lanes have come to, as they were stored.
func (h *heap) total() artel.Amount {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.promised
}

func (h *heap) Job(_ context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j, ok := h.jobs[id]
	if !ok {
		return j, nil, ErrNoJob
	}
	return j, h.list(id), nil
}

func (h *heap) Jobs(context.Context, int) ([]job.Job, error) { return nil, nil }

// seller is a provider in a few lines. Its habits are what a test gives it.
type seller struct {
	key    artel.Key
	offer  artel.Offer
	params chain.Params
	blobs  blob.Store
	output bool // its tasks leave one
	bills  bool // a second of what it is told to stop
	slots  uint32
	stop   context.CancelFunc

	// Set before it runs; nil or zero is honest.
	propose func(wire.ProposeRequest) error
	accept  func(artel.Signature) artel.Signature
	start   func(k lease.TaskKey) *wire.Refusal
	take    func() error // asked before any start of a message is looked at
	event   func(*wire.Event)
	keys    func([]wire.OutputKey) []wire.OutputKey
	watch   func(*wire.WatchResponse) error
	recover func(wire.RecoverRequest) (wire.RecoverResponse, error)
	takes   func(lease.Running) time.Duration             // how long a task takes it; nil: taskTakes
	exit    int32                                         // of its tasks
	idles   int64                                         // extra ms that it claims to have been held
	prove   func(m wire.ChallengeRequest) ([]byte, error) // nil: it knows no challenges

	mu     sync.Mutex
	hides  bool // hands no output out
	sold   map[artel.Hash]*lease.Sold
	events map[artel.Hash][]wire.Event
	sealed map[lease.TaskKey][]byte
	calls  []string // methods, in order
	saves  saves
	serves serves
}

func (s *seller) did(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range s.calls {
		if m == method {
			n++
		}
	}
	return n
}

// paid is the highest voucher that it holds.
func (s *seller) paid() (sum artel.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.sold {
		sum = sum.Max(l.Book.Voucher)
	}
	return sum
}

func unixMilli() int64 { return time.Now().UnixMilli() }

func handle[Q any, A interface{ Marshal() []byte }](s *seller, h *mem.Host, method string, most int, decode func([]byte) (Q, error), f func(Q) (A, error)) {
	h.Handle(method, most, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
		m, err := decode(req)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, method)
		a, err := f(m)
		if err != nil {
			return nil, err
		}
		return a.Marshal(), nil
	})
}

func (s *seller) register(h *mem.Host) {
	if s.saves.w != nil {
		s.recover = s.holds
	}
	s.registerChallenges(h)
	s.registerKept(h)
	handle(s, h, wire.MethodPropose, wire.MaxPropose, wire.UnmarshalProposeRequest, s.onPropose)
	handle(s, h, wire.MethodReserve, wire.MaxSmall, wire.UnmarshalReserveRequest, func(wire.ReserveRequest) (wire.Empty, error) { return wire.Empty{}, nil })
	handle(s, h, wire.MethodStart, wire.MaxStart, wire.UnmarshalStartRequest, s.onStart)
	handle(s, h, wire.MethodCancel, wire.MaxCancel, wire.UnmarshalCancelRequest, func(m wire.CancelRequest) (wire.Empty, error) {
		for _, k := range m.Tasks {
			if s.serves.ends(s, m.Lease, lease.TaskKey(k)) {
				continue
			}
			f := lease.Finish{TaskKey: lease.TaskKey(k), Reason: artel.ReasonCancelled, Message: "killed"}
			if s.bills {
				f.Billed, f.Usage.Wall = true, 1000
			}
			s.end(m.Lease, f)
		}
		return wire.Empty{}, nil
	})
	handle(s, h, wire.MethodWatch, wire.MaxSmall, wire.UnmarshalWatchRequest, s.onWatch)
	handle(s, h, wire.MethodPay, wire.MaxCancel, wire.UnmarshalPayRequest, s.onPay)
	handle(s, h, wire.MethodClose, wire.MaxSmall, wire.UnmarshalCloseRequest, func(m wire.CloseRequest) (wire.Empty, error) {
		if l := s.sold[m.Lease]; l != nil {
			*l, _ = l.Close(unixMilli())
		}
		return wire.Empty{}, nil
	})
	handle(s, h, wire.MethodRecover, wire.MaxSmall, wire.UnmarshalRecoverRequest, func(m wire.RecoverRequest) (wire.RecoverResponse, error) {
		if s.recover == nil {
			return wire.RecoverResponse{}, nil
		}
		return s.recover(m)
	})
}

func (s *seller) onPropose(m wire.ProposeRequest) (wire.ProposeResponse, error) {
	if s.propose != nil {
		if err := s.propose(m); err != nil {
			return wire.ProposeResponse{}, err
		}
	}
	d := s.params.Domain()
	id := m.Lease.ID(d)
	terms, err := wire.DecodeTerms(m.Terms)
	if err != nil {
		return wire.ProposeResponse{}, err
	}
	signer, err := m.Signature.Signer(id)
	if err != nil {
		return wire.ProposeResponse{}, err
	}
	l := lease.NewSold(id, m.Lease, terms, signer, lease.Book{Key: lease.KeyOf(m.Lease), Accrued: terms.Base}, unixMilli())
	s.sold[id] = &l
	sig := s.key.Sign(id)
	if s.accept != nil {
		sig = s.accept(sig)
	}
	return wire.ProposeResponse{Signature: sig}, nil
}

func (s *seller) onStart(m wire.StartRequest) (resp wire.StartResponse, err error) {
	l := s.sold[m.Lease]
	if l == nil {
		return resp, p2p.Errorf(p2p.NotFound, "no such lease")
	}
	if s.take != nil {
		if err := s.take(); err != nil {
			return resp, err
		}
	}
	for _, x := range m.Starts {
		k := lease.TaskKey{Task: x.Task, Attempt: x.Attempt}
		if slices.ContainsFunc(s.events[m.Lease], func(e wire.Event) bool { return e.Task == k.Task }) {
			continue
		}
		if s.start != nil {
			if no := s.start(k); no != nil {
				no.Task, no.Attempt = k.Task, k.Attempt
				resp.Refused = append(resp.Refused, *no)
				continue
			}
		}
		next, fx, err := l.Take(k, x.Spec, x.Keep, unixMilli())
		if err != nil {
			return resp, err
		}
		*l = next
		s.run(m.Lease, fx)
	}
	return resp, nil
}

// run begins what has a slot.
func (s *seller) run(id artel.Hash, fx []lease.Effect) {
	for _, f := range fx {
		if r, ok := f.(lease.Run); ok {
			if s.sold[id].Lease.Rule == artel.RuleTime {
				s.serves.begins(s, id, r.TaskKey)
				continue
			}
			if r.Keep != nil {
				s.runSaved(id, r.TaskKey, *r.Keep)
				continue
			}
			takes := taskTakes
			if s.takes != nil {
				takes = s.takes(r.Running)
			}
			time.AfterFunc(takes, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.end(id, s.work(r.TaskKey))
			})
		}
	}
}

// work is what a task leaves.
func (s *seller) work(k lease.TaskKey) lease.Finish {
	f := lease.Finish{TaskKey: k, Reason: artel.ReasonExited, Exit: s.exit, Billed: true, Usage: artel.Usage{Wall: uint64(taskTakes.Milliseconds())}}
	if !s.output {
		return f
	}
	ctx := context.Background()
	root, _, err := blob.AddFile(ctx, s.blobs, bytes.NewReader([]byte("a result")))
	must(err)
	var buf bytes.Buffer
	w, key, err := seal.Writer(&buf)
	must(err)
	must(blob.WriteCAR(ctx, s.blobs, root, w, blob.Limits{}))
	must(w.Close())
	f.Root, f.Key = artel.Hash(root.Sum()), key
	f.Sealed, _, err = blob.AddFile(ctx, s.blobs, &buf)
	must(err)
	return f
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (s *seller) end(id artel.Hash, f lease.Finish) {
	l := s.sold[id]
	if l == nil {
		return
	}
	next, receipt, fx, err := l.Finished(f, unixMilli())
	if err != nil {
		return // ended twice
	}
	*l = next
	s.run(id, fx)
	s.sealed[f.TaskKey] = f.Key
	e := wire.Event{Seq: next.Seq, Task: f.Task, Attempt: f.Attempt, Reason: f.Reason, Message: f.Message}
	if receipt != nil {
		receipt.Signature = s.key.Sign(receipt.Result.Digest(s.params.Domain()))
		e.Receipt = receipt
	}
	if s.event != nil {
		s.event(&e)
	}
	s.events[id] = append(s.events[id], e)
}

func (s *seller) onWatch(m wire.WatchRequest) (resp wire.WatchResponse, err error) {
	l := s.sold[m.Lease]
	if l == nil {
		return resp, p2p.Errorf(p2p.NotFound, "no such lease")
	}
	// A long poll, held with the lock given back.
	for until := unixMilli() + int64(m.Wait); ; {
		for _, e := range s.events[m.Lease] {
			if e.Seq > m.After {
				resp.Events = append(resp.Events, e)
			}
		}
		if len(resp.Events) > 0 || unixMilli() >= until || l.Phase != lease.Open {
			break
		}
		s.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		s.mu.Lock()
	}
	due, err := l.Book.Due().Plus(artel.Cost(l.Terms.Price, uint64(s.idles)))
	must(err)
	resp.Due, resp.Stopping, resp.Message = due.Max(l.Due(unixMilli())), l.Stop, l.Message
	for _, run := range l.Running {
		resp.Running = append(resp.Running, wire.Progress{TaskKey: wire.TaskKey(run.TaskKey), Phase: "running"})
	}
	if s.watch != nil {
		err = s.watch(&resp)
	}
	return resp, err
}

func (s *seller) onPay(m wire.PayRequest) (resp wire.PayResponse, err error) {
	l := s.sold[m.Lease]
	if l == nil {
		return resp, p2p.Errorf(p2p.NotFound, "no such lease")
	}
	next, _, err := l.Pay(s.params.Domain(), m.Voucher.Voucher, m.Voucher.Signature, unixMilli())
	if err != nil {
		return resp, p2p.Errorf(p2p.Invalid, "%v", err)
	}
	*l = next
	resp.Cumulative = next.Book.Voucher
	for _, k := range m.Want {
		for _, e := range s.events[m.Lease] {
			if r := e.Receipt; e.Task == k.Task && r != nil && !next.Book.Voucher.Less(r.Due) {
				resp.Keys = append(resp.Keys, wire.OutputKey{TaskKey: k, Key: s.sealed[lease.TaskKey(k)]})
			}
		}
	}
	if s.keys != nil {
		resp.Keys = s.keys(resp.Keys)
	}
	return resp, nil
}

// board lists every seller, the first one first.
type board struct{ world *world }

func (b board) Offers(j artel.JobSpec, now time.Time, n int) (out []Listed) {
	b.world.looks.Add(1)
	for _, s := range b.world.sellers {
		if len(j.Providers) == 0 || slices.Contains(j.Providers, s.key.NodeID()) {
			out = append(out, Listed{Offer: s.offer, ID: artel.Hash{1}})
		}
	}
	return out[:min(n, len(out))]
}

func (b board) Movers(j artel.JobSpec, from artel.Class, now time.Time, n int) (out []Listed) {
	for _, l := range b.Offers(j, now, n) {
		if l.Offer.Class().Takes(from) {
			out = append(out, l)
		}
	}
	return out
}

func (b board) Keepers(now time.Time, n int) (out []Listed) {
	for _, l := range b.Offers(artel.JobSpec{}, now, n) {
		if l.Offer.Keeps > 0 {
			out = append(out, l)
		}
	}
	return out
}

func (b board) Record(n artel.NodeID) market.Record { return b.world.records[n] }

func (b board) Keep(n artel.NodeID, r market.Record) { b.world.records[n] = r }

// world is one renter and its sellers.
type world struct {
	t       *testing.T
	net     *mem.Network
	chain   *fake.Chain
	key     artel.Key
	account artel.Address // zero: the key's own
	store   *heap
	blobs   blob.Store
	sellers []*seller
	r       *Renter
	records map[artel.NodeID]market.Record // owned by the renter's core
	puzzle  Puzzle
	skew    time.Duration
	jobs    int
	looks   atomic.Int64 // at the board
	vault   *vault
	shelves *shelves // nil: no journal is kept
	lacks   []string // what is not on the renter's machine

	serveFor time.Duration // 0: as the policy has it
	mu       sync.Mutex    // guards r where the renter crashes
}

// renter is the one that runs now.
func (w *world) renter() *Renter {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.r
}

// live runs f in a bubble, with a renter and n honest sellers that the test may
// spoil before it calls run.
func live(t *testing.T, n int, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		key := testKey(1)
		w := &world{t: t, net: mem.NewNetwork(1), key: key, store: newHeap(), blobs: blobmem.New(0), records: map[artel.NodeID]market.Record{}}
		w.net.SetLink(mem.Link{Latency: 10 * time.Millisecond})
		w.chain = fake.New(fake.Options{Params: fake.DefaultParams(), Balances: map[artel.Address]artel.Amount{key.Address(): artel.Units(deposit)}, Inclusion: time.Second})
		must(w.chain.Client().Submit(t.Context(), chain.Tx{ID: "deposit", From: key.Address(), Call: chain.Deposit{To: key.Address(), Amount: artel.Units(deposit)}}))
		params, err := w.chain.Client().Params(t.Context())
		must(err)
		for i := range n {
			k := testKey(byte(10 + i))
			w.sellers = append(w.sellers, &seller{
				key: k, params: params, blobs: blobmem.New(0), slots: 1,
				offer: artel.Offer{
					Network: network, Node: k.NodeID(), Account: k.Address(), Price: unitPrice, Sandboxes: []string{"wasm"},
					Resources: artel.Resources{Slots: 1, Memory: 1 << 30, Disk: 1 << 30}, MaxUnpaid: artel.Cost(unitPrice, 10*taskLimit), MaxUnit: 100 * taskLimit,
					Addrs: []string{"/memory/p2p/" + k.NodeID().String()},
				},
				sold: map[artel.Hash]*lease.Sold{}, events: map[artel.Hash][]wire.Event{}, sealed: map[lease.TaskKey][]byte{},
			})
		}
		f(t, w)
	})
}

func testKey(n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	must(err)
	return k
}

// run starts everybody, and f while they live.
func (w *world) run(f func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	host := func(id artel.NodeID) *mem.Host {
		return w.net.NewHost(mem.Config{ID: id, Network: network, Wire: p2p.Versions{Min: 1, Max: 1}})
	}
	for _, s := range w.sellers {
		h := host(s.key.NodeID())
		s.register(h)
		sctx, stop := context.WithCancel(ctx)
		s.stop = stop
		wg.Go(func() { _ = h.Run(sctx) })
	}
	h := host(w.key.NodeID())
	params, err := w.chain.Client().Params(ctx)
	must(err)
	c := Config{
		Key: w.key, Account: w.key.Address(), Network: network, Params: params, Policy: DefaultPolicy, Host: h, Ledger: w.chain.Client(),
		Board: board{w}, Store: w.store, Blobs: w.blobs, Fetch: w.fetch, Puzzle: w.puzzle, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(w.skew) }, Probe: w.probe,
	}
	if w.serveFor != 0 {
		c.Policy.ServeFor = w.serveFor
	}
	if !w.account.IsZero() {
		c.Account = w.account
	}
	if w.vault != nil {
		c.Own = ownKeeper{w}
	}
	if w.shelves != nil {
		c.Journals = w.shelves.journals(w)
		c.Lacks = func(context.Context, artel.JobSpec, []artel.NodeID) []string {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.lacks
		}
	}
	w.r = w.begin(c)
	wg.Go(func() { _ = h.Run(ctx) })
	wg.Go(func() {
		for {
			err := w.renter().Run(ctx)
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, errCrash) {
				w.t.Error(err)
				return
			}
			next := w.begin(c)
			w.mu.Lock()
			w.r = next
			w.mu.Unlock()
		}
	})
	time.Sleep(2 * time.Second)
	f()
}

// begin makes a renter whose sums are gone over each time that it stores something.
func (w *world) begin(c Config) *Renter {
	s := &checked{Store: c.Store, t: w.t}
	c.Store = s
	s.r = New(c)
	return s.r
}

// checked is a store of a renter that wants what is counted to be what is there. It is
// called by the core, so it may look.
type checked struct {
	Store
	t *testing.T
	r *Renter
}

func (s *checked) Save(ctx context.Context, c Change) error {
	if err := s.Store.Save(ctx, c); err != nil {
		return err
	}
	for _, a := range s.r.jobs {
		out := 0
		for _, x := range a.tasks {
			if x.State == job.Out || x.State == job.Paying {
				out++
			}
		}
		if a.Phase == job.Active && out != a.out {
			s.t.Errorf("%d tasks of %s count as out, %d are", a.out, a.Spec.Name, out)
		}
	}
	return nil
}

func (w *world) fetch(ctx context.Context, from artel.NodeID, root artel.Ref, _ int64) error {
	for _, s := range w.sellers {
		if s.key.NodeID() != from {
			continue
		}
		s.mu.Lock()
		hides := s.hides
		s.mu.Unlock()
		if hides {
			return errors.New("not this time")
		}
		f, err := blob.Open(ctx, s.blobs, root)
		if err != nil {
			return err
		}
		_, _, err = blob.AddFile(ctx, w.blobs, io.NewSectionReader(f, 0, f.Size()))
		return err
	}
	return errors.New("no such node")
}

func spec(count uint64) artel.JobSpec {
	program, err := artel.NewRef(artel.CodecRaw, [32]byte{1})
	must(err)
	return artel.JobSpec{
		Name: "job", Program: program, Count: count, Wall: taskLimit, Sandbox: "wasm",
		Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}, Tries: 3, Failover: artel.FailoverNormal,
	}
}

// submit stores a job and returns its id.
func (w *world) submit(s artel.JobSpec) artel.Hash {
	w.jobs++
	id := artel.Keccak(fmt.Append(nil, "job ", w.jobs))
	must(w.r.Submit(w.t.Context(), id, s))
	return id
}

// end waits for a job's end, for as long as the test gives it.
func (w *world) end(id artel.Hash, within time.Duration) (job.Job, []job.Task) {
	ctx, cancel := context.WithTimeout(w.t.Context(), within)
	defer cancel()
	j, ts, err := w.r.Wait(ctx, id)
	if err != nil {
		w.t.Errorf("the job has not ended: %v; %d tasks, the first of them %+v", err, len(ts), ts[:min(len(ts), 4)])
	}
	return j, ts
}
