// Package provider is the actor that rents a machine out: it advertises,
// accepts leases, runs tasks in a sandbox, signs receipts, and turns vouchers
// into money.
//
// All its state belongs to one goroutine, the core (package core): it lets the
// rules of package lease decide what becomes of what happens.
package provider

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/wire"
)

// Policy is what the owner decides.
type Policy struct {
	Price     artel.Price     // units per 10⁶ s of one slot
	Resources artel.Resources // slots, and what each of them has
	MaxUnit   uint64          // longest task, milliseconds
	MaxUnpaid artel.Amount    // per lease: how far to work ahead of what is secured
	Prepay    bool            // renters without history pay the first unit ahead
	MaxLease  uint64          // longest lease, seconds
	Penalty   artel.Amount    // the most that a lease may put at stake
	Patience  time.Duration   // how long a due sum may stay unpaid
	Region    string
	Sandboxes []string
	Speed     uint32
	CPU       artel.CPU
	GPU       artel.GPU     // of what kind Resources.GPUs are
	PullFree  uint64        // bytes of a lease's image that are fetched for nothing
	PullPrice artel.Price   // units per 10⁹ bytes beyond that
	MaxImage  uint64        // largest image, in bytes as it travels; 0: any
	Moves     string        // version of the sandbox that takes whole programs elsewhere; empty: none does
	Keeps     uint64        // bytes of a task's checkpoints that are held for others; 0: none
	Strict    bool          // containers' limits are held by the kernel: see artel.Offer
	OfferTTL  time.Duration // at most artel.MaxOfferTTL
	// RedeemAt is what a lane must be worth before it is redeemed while its
	// lease goes on.
	RedeemAt artel.Amount
	// MinRedeem is the least sum that a call to the ledger is made for: less is neither
	// booked nor redeemed, or strangers could spend this account's gas. It gathers
	// on the lane, and as far as it is not booked it counts against MaxUnpaid. Zero
	// where calls cost nothing.
	MinRedeem artel.Amount
	// Remember is how long a lane is kept on which nothing is due and nothing
	// promised; zero: for ever.
	Remember time.Duration
}

// Config is what a provider is made of. Everything but the clock and Provers is
// required.
type Config struct {
	Key     artel.Key     // the node key
	Account artel.Address // who earns
	Network artel.Hash
	Machine [16]byte
	Params  chain.Params
	Policy  Policy
	Host    p2p.Host
	Ledger  chain.Ledger
	Store   Store
	Runner  Runner
	// Provers answer challenges, by kind. None is needed: a machine without is
	// believed less in time.
	Provers map[wire.ChallengeKind]Prover
	Log     *slog.Logger
	Now     func() time.Time // the wall clock; nil: this machine's
}

// Runner runs attempts: it fetches what they need, boxes them in and seals what
// they leave.
type Runner interface {
	// Run blocks until the attempt has ended, however it ends; cancelling ctx
	// ends it. A Finish without Billed says that nothing was delivered, and why.
	Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, r lease.Running, c Course) lease.Finish
	// Log reads an attempt's log from offset, at most max bytes.
	Log(id artel.Hash, k lease.TaskKey, offset uint64, max int) ([]byte, error)
	// Begin is called once, before all else, with the attempts that ran in boxes when
	// the provider stopped. It returns those that go on there: Run takes up such a one
	// where it is. Whatever else was left is ended and removed.
	Begin(ctx context.Context, before []Ran) (goOn []Attempt)
	// Live returns the attempt while it runs in its box.
	Live(id artel.Hash, k lease.TaskKey) (sandbox.Run, bool)
	// Closed says that a lease with LabelPrivate is over: what its renter's tasks
	// were given goes, as soon as none of them runs.
	Closed(from artel.NodeID)
	// Keep says, after a restart, that an attempt has left a sealed output that is
	// not settled.
	Keep(ctx context.Context, id artel.Hash, k lease.TaskKey, sealed artel.Ref)
	// Forget removes what was kept for an attempt besides its receipt: its log and
	// its sealed output, where there is one.
	Forget(ctx context.Context, id artel.Hash, k lease.TaskKey, sealed artel.Ref)
}

// Attempt names an attempt among all leases.
type Attempt struct {
	Lease artel.Hash
	lease.TaskKey
}

// Ran is an attempt that ran when the provider stopped.
type Ran struct {
	Attempt
	Saved artel.Ref // its last confirmed checkpoint; zero: there is none
}

// Course is what an attempt and its provider tell each other while it runs.
type Course struct {
	// Phase tells what it is doing, for the renter's progress: a word as wire has it.
	Phase func(word string)
	// Kept hands over a checkpoint that enough keepers have confirmed, with a sentence
	// for the renter or none. It returns once that is stored; the error says why not.
	Kept func(k Kept) error
	// Drain asks for a last checkpoint, and the end. One counts.
	Drain <-chan Drain
}

// Kept is a confirmed checkpoint.
type Kept struct {
	Saved     artel.Saved
	Signature artel.Signature // this node's
	By        []artel.Kept
	Message   string // what the renter is told besides; empty: nothing
}

// Drain says why an attempt is to go on elsewhere, and how soon it has to be away.
type Drain struct {
	Reason  artel.Reason
	Message string
	Within  time.Duration
}

// Store keeps a provider's facts. Save is atomic and durable when it returns.
type Store interface {
	Load(ctx context.Context) (State, error)
	Save(ctx context.Context, c Change) error
}

// Controller is what drives an account's leases: the account's own key or one of its
// session signers, such as a steward's. Each has lanes, and generations, of its own:
// one that was recovered ends its earlier self and no other.
type Controller struct{ Renter, Signer artel.Address }

// State is everything a provider wakes up with.
type State struct {
	Lanes       []LaneRow
	Leases      []LeaseRow
	Events      []EventRow // ordered by lease and sequence
	Generations map[Controller]uint64
	Outbox      []chain.Tx
}

// LeaseRow is a lease as it is stored, without what is in State.Lanes and
// State.Events.
type LeaseRow struct {
	Sold     lease.Sold // without Book and Delivered; of Running, what may outlast a crash
	TermsRaw []byte
	Renter   artel.Signature
}

// EventRow is the end of an attempt, with the receipt that was signed for it, or one of
// its confirmed checkpoints, or a slice of its time.
type EventRow struct {
	Lease artel.Hash
	Event wire.Event
	Key   []byte // opens the output; nil where there is none
}

func (e EventRow) attempt() lease.TaskKey {
	return lease.TaskKey{Task: e.Event.Task, Attempt: e.Event.Attempt}
}

// ends reports whether it is the end of its attempt: no checkpoint, and no slice.
func (e EventRow) ends() bool { return e.Event.Segment == nil && e.Event.Slice == nil }

// due is the lane's cumulative total with what is delivered; zero without.
func (e EventRow) due() artel.Amount {
	switch {
	case e.Event.Receipt != nil:
		return e.Event.Receipt.Due
	case e.Event.Segment != nil:
		return e.Event.Segment.Due
	case e.Event.Slice != nil:
		return e.Event.Slice.Due
	}
	return artel.Amount{}
}

// sealed returns the sealed output; zero where there is none.
func (e EventRow) sealed() artel.Ref {
	if e.Event.Receipt == nil {
		return artel.Ref{}
	}
	return e.Event.Receipt.Sealed
}

// Change is what one transaction stores.
type Change struct {
	Lanes       []LaneRow
	Leases      []LeaseRow
	Events      []EventRow
	Forget      []Forget // events that are settled
	DropLeases  []artel.Hash
	Generations map[Controller]uint64
	Outbox      []chain.Tx
	Sent        []string // outbox ids whose outcome is final

	// Dropped before anything of the above is stored: a lane may begin anew at once.
	DropLanes       []lease.Key
	DropGenerations []Controller
}

// Forget names the settled events of a lease: all up to Through.
type Forget struct {
	Lease   artel.Hash
	Through uint64
}

// Provider is the actor. Make it with New, start it with Run.
type Provider struct {
	c    Config
	loop *core.Loop[*tx]

	places    places       // for visits
	strange   *p2p.Limiter // calls that cost us questions to the chain
	asked     *p2p.Limiter // calls about challenges
	proofRate *p2p.Limiter // challenges that are work

	drains  chan struct{}          // a drain has begun
	changed chan struct{}          // the policy or the pause changed
	sealed  atomic.Pointer[[]byte] // the current offer, signed; nil: none

	yieldMu sync.Mutex // held while the runner gives way, or is told to go on
	slow    bool       // what runs is being drained

	polMu sync.Mutex
	pol   Policy

	calls atomic.Int64 // len(outbox), as of the last round

	// Owned by the core goroutine.
	lanes   map[lease.Key]*LaneRow
	leases  map[artel.Hash]*sold
	open    map[lease.Key]artel.Hash // the one lease of a lane that is not closed
	gens    map[Controller]uint64
	outbox  map[string]chain.Tx
	refused map[string]refusal // by the id of the first try
	seq     uint64
	since   time.Time
	proofs  []proof            // oldest first
	dirty   map[lease.Key]bool // lanes to be looked up on chain
	paused  bool
	way     giving
	shift   int64  // ms by which the clock was set since the start
	late    bool   // the clock is far behind the chain's
	signed  uint64 // receipts since the start

	waiver     string // outbox id of the waiver that is under way; empty: none is
	waiveNo    int    // waivers refused in a row
	waiveAgain int64  // unix ms: none before
	pruneAt    int64  // unix ms: when finished lanes are looked for again
}

// sold is a lease with what the core needs around it.
type sold struct {
	lease.Sold
	row     LeaseRow
	events  []EventRow
	phases  map[lease.TaskKey]*phase
	news    chan struct{} // closed and replaced when an event arrives
	proving *proving      // nil: no challenge is being worked on
	closing time.Time
	told    uint64 // the last event that its renter was answered with
}

type phase struct {
	cancel context.CancelFunc
	word   string
	drain  chan Drain
	gone   bool // it was ended for the owner, before it was drained
}

// op is one thing that happened. It changes the core's state through tx.
type op func(tx *tx)

// tx collects what one round of ops wants stored and done.
type tx struct {
	ctx    context.Context // the core's life; ends what the round starts
	now    int64
	change Change
	lanes  map[lease.Key]bool
	leases map[artel.Hash]bool
	after  []func()
	within time.Duration // for what this round drains; 0: drainFor
}

// Ops that may wait for the core before callers are held up.
const inboxSize = 256

// New returns a provider. It starts nothing.
func New(c Config) *Provider {
	return &Provider{
		c: c, strange: p2p.NewLimiter(1, 30, 4096, time.Now),
		asked: p2p.NewLimiter(1, answerBurst, 4096, time.Now), proofRate: p2p.NewLimiter(1/proveEvery, proveBurst, 4096, time.Now),
		loop: core.New[*tx](inboxSize, c.Now), changed: make(chan struct{}, 1), drains: make(chan struct{}, 1), pol: c.Policy,
		lanes: map[lease.Key]*LaneRow{}, leases: map[artel.Hash]*sold{}, open: map[lease.Key]artel.Hash{},
		gens: map[Controller]uint64{}, outbox: map[string]chain.Tx{}, refused: map[string]refusal{}, dirty: map[lease.Key]bool{},
	}
}

// Register makes the provider answer its methods on the host. Call it once,
// before the host runs.
func (p *Provider) Register() {
	for method, answer := range map[string]p2p.Handler{
		wire.MethodPropose: p.propose, wire.MethodReserve: p.reserve, wire.MethodStart: p.start, wire.MethodCancel: p.cancel,
		wire.MethodWatch: p.watch, wire.MethodPay: p.pay, wire.MethodLogs: p.logs, wire.MethodClose: p.close,
		wire.MethodRecover: p.recover, wire.MethodOffer: p.offer, wire.MethodChallenge: p.challenge, wire.MethodProof: p.prove,
	} {
		most, _, _ := wire.Limits(method)
		p.c.Host.Handle(method, most, answer)
	}
	p.c.Host.HandleStream(wire.ProtocolVisit, p.visit)
}

// Run loads what was stored and works until ctx ends. It returns an error when
// the store fails: what cannot be stored must not be promised.
func (p *Provider) Run(ctx context.Context) error { return p.loop.Run(ctx, p.actor()) }

func (p *Provider) actor() core.Actor[*tx] {
	return core.Actor[*tx]{
		Load:   p.load,
		Beside: []func(context.Context){p.tickLoop, p.chainLoop, p.offerLoop, p.outboxLoop, p.drainLoop},
		Begin: func(ctx context.Context, now time.Time) *tx {
			p.stand(now.UnixMilli())
			return &tx{ctx: ctx, now: now.UnixMilli(), lanes: map[lease.Key]bool{}, leases: map[artel.Hash]bool{}}
		},
		Jumped: p.jumped,
		Commit: p.commit,
	}
}

// commit stores what a round decided and acts on it.
func (p *Provider) commit(ctx context.Context, t *tx) error {
	for k := range t.lanes {
		t.change.Lanes = append(t.change.Lanes, *p.lanes[k])
	}
	for id := range t.leases {
		if s := p.leases[id]; s != nil {
			t.change.Leases = append(t.change.Leases, s.stored())
		}
	}
	if !t.change.empty() {
		if err := p.c.Store.Save(ctx, t.change); err != nil {
			return fmt.Errorf("store provider's state: %w", err)
		}
	}
	p.calls.Store(int64(len(p.outbox)))
	for _, f := range t.after {
		f()
	}
	return nil
}

func (c Change) empty() bool {
	return len(c.Lanes)+len(c.Leases)+len(c.Events)+len(c.Forget)+len(c.DropLeases)+len(c.Generations)+len(c.Outbox)+len(c.Sent)+
		len(c.DropLanes)+len(c.DropGenerations) == 0
}

func (s *sold) stored() LeaseRow {
	r := s.row
	r.Sold = s.Sold
	r.Sold.Book, r.Sold.Running, r.Sold.Delivered = lease.Book{}, nil, nil
	if s.Terms.Image.IsZero() {
		return r // a program of no image dies with this process
	}
	for _, x := range s.Running {
		if x.Started != 0 {
			r.Sold.Running = append(r.Sold.Running, x)
		}
	}
	return r
}

func (p *Provider) load(ctx context.Context) error {
	st, err := p.c.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load provider: %w", err)
	}
	p.since = p.loop.Now()
	now := p.since.UnixMilli()
	for _, row := range st.Lanes {
		p.lanes[row.Key] = &row
		p.dirty[row.Key] = true
	}
	for a, g := range st.Generations {
		p.gens[a] = g
	}
	for _, t := range st.Outbox {
		p.outbox[t.ID] = t
		p.calls.Add(1)
		if _, ok := t.Call.(chain.Waive); ok {
			p.waiver = t.ID
		}
	}
	var before []Ran
	for _, r := range st.Leases {
		for _, x := range r.Sold.Running {
			ran := Ran{Attempt: Attempt{r.Sold.ID, x.TaskKey}}
			if x.Saved != nil {
				ran.Saved = x.Saved.Root
			}
			before = append(before, ran)
		}
	}
	goOn := map[Attempt]bool{}
	for _, a := range p.c.Runner.Begin(ctx, before) {
		goOn[a] = true
	}
	if len(before) > 0 {
		p.c.Log.Info("attempts ran when the provider stopped", "count", len(before), "go on", len(goOn))
	}
	for _, r := range st.Leases {
		s := &sold{Sold: r.Sold, row: r, phases: map[lease.TaskKey]*phase{}, news: make(chan struct{})}
		b := p.lanes[lease.KeyOf(r.Sold.Lease)]
		if b == nil {
			return fmt.Errorf("load provider: lease %s has no lane", r.Sold.ID.Short())
		}
		s.Book = b.Book
		s.Sold = s.Restarted(now, func(k lease.TaskKey) bool { return goOn[Attempt{s.ID, k}] })
		p.leases[s.ID] = s
		for _, r := range s.Running {
			p.launch(ctx, s, r)
			if s.Phase == lease.Ending {
				p.endAgain(s, r)
			}
		}
		if s.Phase != lease.Closed {
			p.open[lease.KeyOf(s.Lease)] = s.ID
		}
	}
	for _, e := range st.Events {
		s := p.leases[e.Lease]
		if s == nil {
			continue
		}
		if ref := e.sealed(); !ref.IsZero() {
			p.c.Runner.Keep(ctx, e.Lease, e.attempt(), ref)
		}
		s.events = append(s.events, e)
		if due := e.due(); s.Book.Voucher.Less(due) {
			s.Delivered = append(s.Delivered, lease.Delivered{TaskKey: e.attempt(), Due: due})
		}
	}
	for k, row := range p.lanes {
		if _, open := p.open[k]; !open && (row.Rested == 0 || row.Rested > now) {
			row.Rested = now // stored by an older release, or by a clock that was fast
		}
	}
	if !p.mayWaive() {
		p.c.Log.Info("what renters book and do not use comes home by their own release only: this node's key is not the account", "account", p.c.Account)
	}
	return nil
}

// do hands an op to the core and waits until it is stored. It reports false
// when the provider has stopped or ctx ended first: then o never runs, or has
// run, but not beside the caller.
func (p *Provider) do(ctx context.Context, o op) bool { return p.loop.Do(ctx, o) == nil }

// post hands over an op without waiting for it.
func (p *Provider) post(o op) { p.loop.Post(o) }

// set puts a lease's next state in place and queues its effects for after the
// commit.
func (p *Provider) set(t *tx, s *sold, next lease.Sold, fx []lease.Effect) {
	k := lease.KeyOf(next.Lease)
	s.Sold = next
	row := p.lanes[k]
	if row == nil {
		row = &LaneRow{}
		p.lanes[k] = row
	}
	row.Book = next.Book
	t.lanes[k], t.leases[next.ID] = true, true
	if other := p.leases[p.open[k]]; other != nil && other != s {
		other.Book = next.Book // s is closed, its lane has gone on
	}
	if next.Phase == lease.Closed && p.open[k] == next.ID {
		delete(p.open, k)
		if from := next.Terms.Renter; next.Terms.Label == artel.LabelPrivate {
			t.after = append(t.after, func() { p.loop.Go(func() { p.c.Runner.Closed(from) }) })
		}
		s.closing, row.Rested = time.UnixMilli(t.now), t.now
	} else if next.Phase != lease.Closed {
		row.Rested = 0
	}
	p.makeRoom(s)
	for _, e := range fx {
		p.perform(t, s, e)
	}
}

func (p *Provider) perform(t *tx, s *sold, e lease.Effect) {
	switch e := e.(type) {
	case lease.Run:
		t.after = append(t.after, func() { p.launch(t.ctx, s, e.Running) })
	case lease.Kill:
		t.after = append(t.after, func() { p.kill(s, e.TaskKey) })
	case lease.Drain:
		d := Drain{e.Reason, e.Message, cmp.Or(t.within, drainFor)}
		t.after = append(t.after, func() { p.drain(s, e.TaskKey, d) })
	case lease.BookReserve:
		if !s.Book.Unbooked().Less(p.policy().MinRedeem) {
			p.book(t, s.Book)
		}
	case lease.Redeem:
		p.redeem(t, lease.KeyOf(s.Lease))
	}
}

// launch runs an attempt beside the core. It is called by the core.
func (p *Provider) launch(ctx context.Context, s *sold, r lease.Running) {
	ctx, cancel := context.WithCancel(ctx)
	ph := &phase{cancel: cancel, word: "queued", drain: make(chan Drain, 1)}
	s.phases[r.TaskKey] = ph
	from, id, terms := s.Terms.Renter, s.ID, s.Terms
	p.loop.Go(func() {
		defer cancel()
		f := p.c.Runner.Run(ctx, from, id, terms, r, Course{
			Phase: func(w string) { p.post(func(t *tx) { p.phase(t, id, r.TaskKey, ph, w) }) },
			Kept:  func(k Kept) error { return p.kept(ctx, id, k) },
			Drain: ph.drain,
		})
		f.TaskKey = r.TaskKey
		p.post(func(t *tx) { p.finished(t, id, f) })
	})
}

// phase takes the word of an attempt on what it is doing.
func (p *Provider) phase(t *tx, id artel.Hash, k lease.TaskKey, ph *phase, word string) {
	ph.word = word
	if s := p.leases[id]; s != nil && word == phaseRunning && s.phases[k] == ph {
		s.Sold = s.Runs(k, t.now)
	}
}

// kill ends an attempt that runs, or one that still waits for a slot. A service that its
// renter ends is told to, and has its grace; not where its owner wants the memory.
func (p *Provider) kill(s *sold, k lease.TaskKey) {
	if ph := s.phases[k]; ph != nil {
		if s.Lease.Rule == artel.RuleTime && s.Stop != artel.ReasonEvicted {
			p.drain(s, k, Drain{artel.ReasonCancelled, "its renter has ended it", drainFor})
			time.AfterFunc(stopFor, ph.cancel)
			return
		}
		ph.gone = ph.gone || s.Stop == artel.ReasonDrained || s.Stop == artel.ReasonEvicted
		ph.cancel()
		return
	}
	id, f := s.ID, lease.Finish{TaskKey: k, Reason: artel.ReasonCancelled, Message: "it was cancelled before it started"}
	if s.Stop == artel.ReasonDrained || s.Stop == artel.ReasonEvicted {
		f.Reason, f.Message = artel.ReasonEvicted, s.Message
	}
	p.loop.Go(func() { p.post(func(t *tx) { p.finished(t, id, f) }) })
}

// finished signs what an attempt delivered. The receipt is stored with the
// lease's new state before anybody is told.
func (p *Provider) finished(t *tx, id artel.Hash, f lease.Finish) {
	s := p.leases[id]
	if s == nil {
		p.c.Runner.Forget(t.ctx, id, f.TaskKey, f.Sealed)
		return
	}
	if ph := s.phases[f.TaskKey]; ph != nil && ph.gone && f.Reason == artel.ReasonCancelled {
		f = s.evicted(f)
	}
	delete(s.phases, f.TaskKey)
	next, receipt, fx, err := s.Finished(f, t.now)
	if err != nil {
		p.c.Log.Debug("attempt ended twice", "lease", id.Short(), "task", f.Task, "error", err)
		return
	}
	e := wire.Event{Seq: next.Seq, Task: f.Task, Attempt: f.Attempt, Reason: f.Reason, Message: f.Message}
	if receipt != nil {
		receipt.Signature = p.c.Key.Sign(receipt.Result.Digest(p.c.Params.Domain()))
		e.Receipt = receipt
		p.signed++
	}
	row := EventRow{Lease: id, Event: e, Key: f.Key}
	s.events = append(s.events, row)
	t.change.Events = append(t.change.Events, row)
	p.set(t, s, next, fx)
	t.after = append(t.after, s.wake)
}

// wake answers everybody who watches the lease.
func (s *sold) wake() {
	close(s.news)
	s.news = make(chan struct{})
}
