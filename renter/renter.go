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
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// Config is what a renter is made of. Everything but
// Now and Rand is required.
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
	Log   *slog.Logger
	Now   func() time.Time // the wall clock; nil: this machine's
	Rand  io.Reader        // for numbers that nobody else may draw; nil: crypto/rand
}

// Policy is how a renter goes about it.
type Policy struct {
	Ahead    time.Duration // how much of a lease to reserve ahead
	Linger   time.Duration // how long to hold a lease without a task
	LeaseFor time.Duration // how long leases run
	Grace    time.Duration // how long a silent host may come back with its results
	Release  time.Duration // how long a lane may rest before its money is called home
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
	// Note tells how an attempt on a node went, so that the next choice is better.
	Note(node artel.NodeID, ok bool, now time.Time)
}

// Listed is a live offer with the hash of its signed bytes.
type Listed struct {
	Offer artel.Offer
	ID    artel.Hash
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

// Meta is what an installation drew once.
type Meta struct {
	Lane       uint32 `json:"lane"`
	Generation uint64 `json:"generation"`
}

// State is everything a renter wakes up with.
type State struct {
	Meta   Meta
	Books  []lease.Book
	Leases []LeaseRow
	Jobs   []job.Job
	Tasks  map[artel.Hash][]job.Task // of those jobs, complete and in order
	Outbox []chain.Tx
}

// LeaseRow is a lease with what the renter keeps beside the rule's state.
type LeaseRow struct {
	Bought   lease.Bought // without Book
	Failover artel.Failover
	Work     []Work // what is outstanding, held or not yet opened
}

// Work ties an attempt of a lease to the task of a job. Its TaskKey is the
// lease's own: numbers rise and are never used twice on a lease, whichever jobs
// they are for.
type Work struct {
	lease.TaskKey
	Job     artel.Hash   `json:"job"`
	Index   uint64       `json:"index"`
	Try     uint32       `json:"try"` // the job's attempt number
	Sealed  artel.Ref    `json:"sealed"`
	Due     artel.Amount `json:"due"` // the voucher that pays for it
	Root    artel.Hash   `json:"root"`
	Receipt bool         `json:"receipt"` // it has ended with a receipt that counts
	Here    bool         `json:"here"`    // the sealed output is in the blob store
	Seq     uint64       `json:"seq"`     // of the event that brought the receipt
	// Late is the receipt, where the host fell silent after it and the task was
	// given to another one: what comes first counts.
	Late *artel.Receipt `json:"late,omitempty"`
}

// Change is what one transaction stores.
type Change struct {
	Meta       *Meta
	Books      []lease.Book
	Leases     []LeaseRow
	DropLeases []artel.Hash
	Jobs       []job.Job
	Tasks      map[artel.Hash][]job.Task // those that changed
	Outbox     []chain.Tx
	Sent       []string
}

func (c Change) empty() bool {
	return c.Meta == nil && len(c.Books)+len(c.Leases)+len(c.DropLeases)+len(c.Jobs)+len(c.Tasks)+len(c.Outbox)+len(c.Sent) == 0
}

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
	rejected map[string]bool         // calls that the ledger would not carry out
	room     []*bought               // leases with free slots at the beginning of a plan
	chainAt  uint64                  // unix seconds of the newest final block that was seen
	turn     int                     // where in order the next plan begins to seek machines
	denied   map[artel.NodeID]Denial // the last answer of those that would not sign

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
}

// bought is a lease with what the core needs around it.
type bought struct {
	lease.Bought
	id       artel.Hash   // as in Bought, for those outside the core
	node     artel.NodeID // as in Bought, for those outside the core
	failover artel.Failover
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
	cancel   context.CancelFunc
}

// Progress of an attempt as its provider tells it.
type Progress struct {
	Phase   string
	Elapsed uint64
}

// op is one thing that happened. It changes the core's state through tx.
type op func(t *tx)

// tx collects what one round of ops wants stored and done.
type tx struct {
	ctx    context.Context // the core's life; ends what the round starts
	now    int64
	change Change
	books  map[lease.Key]bool
	leases map[artel.Hash]bool
	jobs   map[artel.Hash]bool
	tasks  map[artel.Hash]map[uint64]bool
	after  []func()
	news   bool // progress that is not worth a row
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
	}
}

// Run loads what was stored and works until ctx ends. It returns an error when
// the store fails.
func (r *Renter) Run(ctx context.Context) error {
	return r.loop.Run(ctx, core.Actor[*tx]{
		Load:   r.load,
		Beside: []func(context.Context){r.tickLoop, r.outboxLoop},
		Begin: func(ctx context.Context, now time.Time) *tx {
			return &tx{
				ctx: ctx, now: now.UnixMilli(), books: map[lease.Key]bool{}, leases: map[artel.Hash]bool{},
				jobs: map[artel.Hash]bool{}, tasks: map[artel.Hash]map[uint64]bool{},
			}
		},
		Commit: r.commit,
	})
}

// commit ends a round: it plans what the round made possible, stores what it
// decided and acts on it.
func (r *Renter) commit(ctx context.Context, t *tx) error {
	r.plan(t)
	r.collect(t)
	if !t.change.empty() {
		if err := r.c.Store.Save(ctx, t.change); err != nil {
			return fmt.Errorf("store renter's state: %w", err)
		}
	}
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

// collect turns the marks of a round into rows.
func (r *Renter) collect(t *tx) {
	for k := range t.books {
		t.change.Books = append(t.change.Books, *r.books[k])
	}
	for id := range t.leases {
		if b := r.leases[id]; b != nil {
			t.change.Leases = append(t.change.Leases, b.stored())
		}
	}
	for id := range t.jobs {
		a := r.jobs[id]
		t.change.Jobs = append(t.change.Jobs, a.Job)
		for i := range t.tasks[id] {
			if t.change.Tasks == nil {
				t.change.Tasks = map[artel.Hash][]job.Task{}
			}
			t.change.Tasks[id] = append(t.change.Tasks[id], a.tasks[i])
		}
		if a.Phase != job.Active && r.quiet(id) {
			delete(r.jobs, id) // the store has it
		}
	}
}

// quiet reports whether no lease still works for the job.
func (r *Renter) quiet(id artel.Hash) bool {
	for _, b := range r.leases {
		if len(b.logs) > 0 {
			return false
		}
		for _, w := range b.work {
			if w.Job == id {
				return false
			}
		}
	}
	return true
}

func (b *bought) stored() LeaseRow {
	row := LeaseRow{Bought: b.Bought, Failover: b.failover}
	row.Bought.Book = lease.Book{}
	for _, w := range b.work {
		row.Work = append(row.Work, *w)
	}
	return row
}

func (r *Renter) load(ctx context.Context) error {
	st, err := r.c.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load renter: %w", err)
	}
	r.meta = st.Meta
	if r.meta.Generation == 0 {
		var n [4]byte
		if _, err := io.ReadFull(r.c.Rand, n[:]); err != nil {
			return fmt.Errorf("draw lane number: %w", err)
		}
		r.meta = Meta{Lane: binary.BigEndian.Uint32(n[:]) &^ 0xffff, Generation: 1}
		if err := r.c.Store.Save(ctx, Change{Meta: &r.meta}); err != nil {
			return fmt.Errorf("store lane number: %w", err)
		}
	}
	for _, b := range st.Books {
		r.books[b.Key] = &b
	}
	for _, t := range st.Outbox {
		r.outbox[t.ID] = t
	}
	for _, j := range st.Jobs {
		a := &active{Job: j, tasks: st.Tasks[j.ID]}
		if uint64(len(a.tasks)) != j.Spec.Count {
			return fmt.Errorf("load renter: job %s has %d tasks stored, want %d", j.ID.Short(), len(a.tasks), j.Spec.Count)
		}
		for i := range a.tasks {
			switch a.tasks[i].State {
			case job.Waiting:
				a.waiting = append(a.waiting, uint64(i))
			case job.Out, job.Paying:
				a.out++
			}
		}
		r.jobs[j.ID] = a
		r.order = append(r.order, j.ID)
	}
	now := r.loop.Now().UnixMilli()
	for _, row := range st.Leases {
		b := r.newBought(row.Bought.Renumbered(uint64(now)), row.Failover)
		k := lease.KeyOf(b.Lease)
		if r.books[k] == nil {
			return fmt.Errorf("load renter: lease %s has no lane", b.ID.Short())
		}
		b.Book = *r.books[k]
		b.Heard = now // silence counts from when we listen again
		for _, w := range row.Work {
			b.work[w.TaskKey] = &w
		}
		r.leases[b.ID] = b
	}
	for _, b := range r.ordered() {
		r.resume(ctx, b)
	}
	return nil
}

func (r *Renter) newBought(b lease.Bought, f artel.Failover) *bought {
	return &bought{
		Bought: b, id: b.ID, node: b.Terms.Node, failover: f, work: map[lease.TaskKey]*Work{}, idle: r.loop.Now(),
		waiting: map[lease.TaskKey]artel.TaskSpec{}, progress: map[lease.TaskKey]Progress{}, opening: map[lease.TaskKey]bool{}, logs: map[lease.TaskKey]uint64{},
	}
}

// resume takes up a lease after a restart: what was handed out is handed out
// again under the same numbers, sealed outputs are fetched again.
func (r *Renter) resume(ctx context.Context, b *bought) {
	if b.Theirs.IsZero() {
		// The crash came between the proposal and its answer: the provider may hold
		// its machine for us. Whatever it is, it is ended.
		b.Bought = b.Stopped(artel.ReasonLost, "the renter restarted before the lease was made")
	}
	for _, o := range b.Outstanding {
		if w := b.work[o.TaskKey]; w != nil && r.jobs[w.Job] != nil && o.Acked == 0 {
			b.waiting[o.TaskKey] = r.jobs[w.Job].Spec.Task(w.Index)
		}
	}
	for _, h := range b.Held {
		if w := b.work[h.TaskKey]; w != nil && !h.Here {
			r.fetchSealed(ctx, b, *w)
		}
	}
	r.follow(ctx, b)
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

func (r *Renter) tickLoop(ctx context.Context) {
	for core.Every(ctx, 500*time.Millisecond) {
		if r.do(ctx, r.tick) != nil {
			return
		}
	}
}
