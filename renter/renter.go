// Package renter is the actor that gets jobs done on strangers' machines: it
// chooses offers, makes leases, hands out tasks, checks receipts, pays, and
// tries elsewhere when a machine vanishes.
//
// All its state belongs to one goroutine, the core (package core). A voucher is
// stored BEFORE it is sent.
package renter

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
)

// Config is what a renter is made of. Everything but Puzzle, Probe, Own, Now and
// Rand is required.
type Config struct {
	Key     artel.Key     // the node key
	Account artel.Address // whose money is spent
	Network artel.Hash
	Params  chain.Params
	Policy  Policy
	Host    Caller
	Ledger  chain.Ledger
	Board   Board
	Store   Store
	Blobs   blob.Store
	// Fetch brings a root into Blobs from a node.
	Fetch func(ctx context.Context, from artel.NodeID, root artel.Ref, limit int64) error
	// Puzzle checks what machines show of their speed; nil: they are not asked.
	Puzzle Puzzle
	// Probe checks the health of a replica, until ctx ends; nil: this renter has no services.
	Probe func(ctx context.Context, at Attempt, s artel.Service) Probed
	// Own is this node as a keeper of checkpoints; nil: it keeps none.
	Own Keeper
	// Journals is how open jobs are noted where another machine finds them; nil: not.
	Journals *Journals
	// Lacks says what of a job's program, input and image is not on this machine, each
	// with what to do about it; it brings here what it can from nodes that may have it.
	// nil: nothing ever is.
	Lacks func(ctx context.Context, spec artel.JobSpec, from []artel.NodeID) []string

	Log  *slog.Logger
	Now  func() time.Time // the wall clock; nil: this machine's
	Rand io.Reader        // for numbers that nobody else may draw; nil: crypto/rand
}

// Policy is how a renter goes about it.
type Policy struct {
	Ahead    time.Duration // how much of a lease to reserve ahead
	Linger   time.Duration // how long to hold a lease without a task
	LeaseFor time.Duration // how long leases run
	Grace    time.Duration // how long a silent host may come back with its results
	Release  time.Duration // how long a lane may rest before its money is called home
	ServeFor time.Duration // how long leases of services run; 0: a day
	Stall    time.Duration // how long beyond a task's limit a host may take before the task goes elsewhere
}

// DefaultPolicy is what the daemon uses.
var DefaultPolicy = Policy{
	Ahead: 10 * time.Minute, Linger: 5 * time.Second, LeaseFor: 6 * time.Hour, Grace: 2 * time.Minute, Release: time.Hour,
	Stall: 2 * time.Minute,
}

// Caller is the part of a p2p.Host that a renter needs.
type Caller interface {
	Connect(ctx context.Context, addr string) error
	Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error)
}

// Board knows the live offers.
type Board interface {
	// Offers lists those that suit the job, best first, at most n.
	Offers(j artel.JobSpec, now time.Time, n int) []Listed
	// Movers is Offers on machines where a program from one of that class goes on.
	Movers(j artel.JobSpec, from artel.Class, now time.Time, n int) []Listed
	// Keepers lists those that hold checkpoints of others, at most n, the ones that are
	// likely to stay longest first.
	Keepers(now time.Time, n int) []Listed
	// Record is what was seen of a node so far.
	Record(node artel.NodeID) market.Record
	// Keep replaces it: the next choice goes by it. The renter stores it.
	Keep(node artel.NodeID, r market.Record)
}

// Listed is a live offer with the hash of its signed bytes.
type Listed struct {
	Offer artel.Offer
	ID    artel.Hash
}

// List makes what an index holds what a Board lists.
func List(offers []market.Listing) []Listed {
	var out []Listed
	for _, l := range offers {
		out = append(out, Listed{Offer: l.Offer, ID: l.ID})
	}
	return out
}

// Store keeps a renter's facts. Save is atomic and durable when it returns.
type Store interface {
	// Load returns what is not over: meta, books, leases, active jobs.
	Load(ctx context.Context) (State, error)
	Save(ctx context.Context, c Change) error
	// Job returns any job with its tasks, over or not; ErrNoJob for none.
	Job(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error)
	// Jobs lists the newest jobs first, at most n.
	Jobs(ctx context.Context, n int) ([]job.Job, error)
}

// ErrNoJob says that there is no job of that id.
var ErrNoJob = errors.New("no such job")

// ErrJobOpen says that a job is not over, or not settled yet.
var ErrJobOpen = errors.New("the job is open")

// Renter is the actor. Make it with New, start it with Run.
type Renter struct {
	c      Config
	domain artel.Domain
	loop   *core.Loop[*tx]

	// Owned by the core goroutine.
	meta     Meta
	books    map[lease.Key]*lease.Book
	leases   map[artel.Hash]*bought
	jobs     map[artel.Hash]*active
	order    []artel.Hash // jobs, oldest first
	shy      map[artel.NodeID]time.Time
	asking   map[artel.NodeID]uint32 // slots of proposals on their way, by node
	number   map[artel.NodeID]uint32 // lane number to use with a node, where not meta.Lane
	outbox   map[string]chain.Tx
	rejected map[string]bool // calls that the ledger would not carry out
	room     []*bought       // leases with free slots at the beginning of a plan
	guide    job.Guide       // of what may wait for a slot, in this plan
	chainAt  uint64          // unix seconds of the newest final block that was seen
	shift    int64           // ms by which the clock was set since the start
	notice   string          // what the owner should know; empty: nothing
	woke     int64           // unix ms at which the machine last woke up
	ticked   int64           // unix ms of the last tick; 0: there was none
	notes    uint64          // how often anything was learnt of a machine
	sought   sought
	turn     int                     // where in order the next plan begins to seek machines
	denied   map[artel.NodeID]Denial // the last answer of those that would not sign

	keep      []Listed // see keepers
	keepersAt int64    // unix ms of that
	searches  map[taskID]*search
	drops     map[artel.NodeID]*drop

	journal   journal
	forgotten map[artel.Hash]forgotten // open leases that providers told of and nobody here knows
	over      map[artel.Hash]bool      // leases that ended here since the start; their providers may still remember them as open

	calls   atomic.Int64  // len(outbox), as of the last round
	gen     atomic.Uint64 // meta.Generation, for those outside the core
	sending rootSet       // journals on their way

	newsMu sync.Mutex
	news   chan struct{} // closed and replaced after each round that changed a job
}

// active is a job that is not over.
type active struct {
	job.Job
	tasks   []job.Task
	waiting []uint64 // indices, may hold ones that are not waiting any more
	out     int      // units out: what the budget must still cover
	lonely  bool     // there is nobody but those that have failed what waits
	pace    job.Pace // what its elements take
	lacks   []string // what is not on this machine any more, of a job that was taken over
	// Unix ms of the last look for what takes too long, of the last search for a
	// machine for a copy, of the last word to what is to stop, and of the last estimate.
	lookedAt, soughtAt, toldAt, warnedAt int64
}

// bought is a lease with what the core needs around it.
type bought struct {
	lease.Bought
	id       artel.Hash   // as in Bought, for those outside the core
	node     artel.NodeID // as in Bought, for those outside the core
	failover artel.Failover
	job      artel.Hash   // as in LeaseRow
	noted    bool         // the newest journal has it, or the one on its way
	notedSeq uint64       // and its events up to here
	claim    uint32       // as in LeaseRow
	class    artel.Class  // as in LeaseRow
	q        *question    // nil: nobody wonders about the machine's speed
	askAt    int64        // unix ms: no examination before; 0: not drawn
	claimed  artel.Amount // the provider's running total, as far as the clock allows it
	work     map[lease.TaskKey]*Work
	idle     time.Time
	waiting  map[lease.TaskKey]artel.TaskSpec // handed out, not yet taken
	logs     map[lease.TaskKey]uint64         // being saved, with the numbers of their events
	sending  bool
	paying   bool
	asking   bool                   // the proposal is on its way
	opening  map[lease.TaskKey]bool // outputs being decrypted
	heldAt   int64                  // unix ms since which nothing comes of what is paid, or of closing
	keyless  int                    // payments that were taken without handing out a key
	paidUp   artel.Amount           // highest voucher the provider has confirmed
	told     artel.Amount           // highest reserve the provider has confirmed
	closing  bool                   // the provider was told
	silent   job.Silence
	patient  int64 // unix ms from which silence counts: the running question may take as long
	progress map[lease.TaskKey]Progress
	stood    map[lease.TaskKey]stood
	checks   map[lease.TaskKey]*checking
	cancel   context.CancelFunc
}

// Progress of an attempt as its provider tells it.
type Progress struct {
	Phase   string
	Elapsed uint64 // ms since it was taken
	Before  uint64 // of these it did not run yet, as far as was seen
}

// op is one thing that happened. It changes the core's state through tx.
type op func(t *tx)

// tx collects what one round of ops wants stored and done.
type tx struct {
	ctx     context.Context // the core's life; ends what the round starts
	now     int64
	change  Change
	books   map[lease.Key]bool
	leases  map[artel.Hash]bool
	jobs    map[artel.Hash]bool
	records map[artel.NodeID]bool
	tasks   map[artel.Hash]map[uint64]bool
	after   []func()
	news    bool // progress that is not worth a row
}

// Ops that may wait for the core before callers are held up.
const inboxSize = 1024

// New returns a renter. It starts nothing.
func New(c Config) *Renter {
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return &Renter{
		c: c, domain: c.Params.Domain(), loop: core.New[*tx](inboxSize, c.Now),
		books: map[lease.Key]*lease.Book{}, leases: map[artel.Hash]*bought{}, jobs: map[artel.Hash]*active{},
		shy: map[artel.NodeID]time.Time{}, asking: map[artel.NodeID]uint32{}, number: map[artel.NodeID]uint32{},
		outbox: map[string]chain.Tx{}, rejected: map[string]bool{}, denied: map[artel.NodeID]Denial{}, news: make(chan struct{}),
		searches: map[taskID]*search{}, drops: map[artel.NodeID]*drop{}, forgotten: map[artel.Hash]forgotten{}, over: map[artel.Hash]bool{},
		journal: journal{changed: map[artel.Hash]bool{}, noted: map[artel.Hash]bool{}, away: map[artel.NodeID]int64{}},
	}
}

// Run loads what was stored and works until ctx ends. It returns an error when
// the store fails.
func (r *Renter) Run(ctx context.Context) error {
	return r.loop.Run(ctx, core.Actor[*tx]{
		Load:   r.load,
		Beside: []func(context.Context){r.tickLoop, r.outboxLoop, r.twinLoop, r.dropLoop, r.journalLoop, r.lacksLoop},
		Begin: func(ctx context.Context, now time.Time) *tx {
			return &tx{
				ctx: ctx, now: now.UnixMilli(), books: map[lease.Key]bool{}, leases: map[artel.Hash]bool{},
				jobs: map[artel.Hash]bool{}, records: map[artel.NodeID]bool{}, tasks: map[artel.Hash]map[uint64]bool{},
			}
		},
		Jumped: r.jumped,
		Commit: r.commit,
	})
}

// commit ends a round: it plans what the round made possible, stores what it
// decided and acts on it.
func (r *Renter) commit(ctx context.Context, t *tx) error {
	r.plan(t)
	r.touched(t)
	r.collect(t)
	if !t.change.empty() {
		if err := r.c.Store.Save(ctx, t.change); err != nil {
			return fmt.Errorf("store renter's state: %w", err)
		}
	}
	r.calls.Store(int64(len(r.outbox)))
	for _, f := range t.after {
		f()
	}
	if len(t.jobs) > 0 || t.news {
		r.newsMu.Lock()
		close(r.news)
		r.news = make(chan struct{})
		r.newsMu.Unlock()
	}
	return nil
}

// do hands an op to the core and waits until it is stored. When ctx ends first,
// o never runs, or has run, but not beside the caller.
func (r *Renter) do(ctx context.Context, o op) error {
	err := r.loop.Do(ctx, o)
	if errors.Is(err, core.ErrStopped) {
		return errStopped
	}
	return err
}

var errStopped = p2p.Errorf(p2p.Unavailable, "the renter is stopping")

func (r *Renter) post(o op) { r.loop.Post(o) }

// set puts a lease's next state in place.
func (r *Renter) set(t *tx, b *bought, next lease.Bought) {
	b.Bought = next
	if r.leases[next.ID] != b {
		return // it is over; its lane has gone on without it
	}
	k := lease.KeyOf(next.Lease)
	book := next.Book
	r.books[k] = &book
	t.books[k], t.leases[next.ID] = true, true
}

// ordered lists the leases by id: whatever depends on an order is the same in
// every run.
func (r *Renter) ordered() []*bought {
	return slices.SortedFunc(maps.Values(r.leases), func(a, b *bought) int { return bytes.Compare(a.id[:], b.id[:]) })
}

// keys lists the attempts of a lease that are not done with, oldest first.
func (b *bought) keys() []lease.TaskKey {
	return slices.SortedFunc(maps.Keys(b.work), func(x, y lease.TaskKey) int {
		return cmp.Or(cmp.Compare(x.Task, y.Task), cmp.Compare(x.Attempt, y.Attempt))
	})
}

// mark notes that a task of a job changed.
func (t *tx) mark(id artel.Hash, index uint64) {
	t.jobs[id] = true
	if t.tasks[id] == nil {
		t.tasks[id] = map[uint64]bool{}
	}
	t.tasks[id][index] = true
}
