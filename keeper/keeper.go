// Package keeper holds other people's checkpoints: the actor that a provider asks
// to take what it saved, and a renter what there is of its tasks.
//
//	saver                                       keeper
//	  │ keep: grant, saved            ────▶  grant, account, attempt, room: may it be here?
//	  │ ◀──── blob streams: what it lacks of saved.root, each block's hash compared
//	  │                                      reads all of it once more, stores the fact
//	  │ ◀──── kept: until             ────   then answers, then lets older ones go
//	renter
//	  │ kept: tasks                   ────▶  what is held of the tasks whose grants it signed
//	  │ kept: tasks, drop             ────▶  nothing any more
//
// What is held is ciphertext, and a CID of it is drawn from 2²⁵⁶: whoever knows a
// root may fetch it. Of a task are held the two newest generations of its newest
// attempt, and the one which that began from.
//
// All that is asked is a stranger's word: Client is the other end.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Config is what a keeper is opened with.
type Config struct {
	Key     artel.Key // the node's; tasks of its own grants are its own
	Network artel.Hash
	Domain  artel.Domain
	Store   Store
	Blobs   blob.Store // the keeper's alone: what it does not know it removes
	// Fetch brings into a store what it lacks of a root, at most limit bytes of it,
	// as blob.Fetch does.
	Fetch func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error
	// Account says what the ledger knows of an account and one of its keys.
	Account func(ctx context.Context, account artel.Address, key artel.Address) (Account, error)
	// Room refuses what would take the owner's last bytes; nil: there is room.
	Room func(bytes int64) error
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: slog.Default
}

// Account is what a stranger must have whose checkpoints are held.
type Account struct {
	Signer  bool // the key may sign for it
	Deposit artel.Amount
}

// Limits are what the owner gives, in bytes of disk.
type Limits struct {
	Own    int64 // for tasks of this node
	Others int64 // for those of all others together; 0: no new ones are taken
	Renter int64 // of that, for one of them
}

// Bounds of what a keeper does at once and for anybody.
const (
	places       = 8                // generations that travel at once, for others; as many for this node's own
	perSaver     = 4                // of them from one node
	maxTasks     = 4096             // of one renter
	maxAll       = 65_536           // of all others
	rowCost      = 64 << 10         // bytes that a task counts for besides its blocks
	askRate      = 20               // calls a second of one node, in the long run
	askBurst     = 256              // and at once
	ledgerRate   = 1                // questions to the ledger a second that one node leads to
	ledgerBurst  = 16               // and at once
	knownFor     = time.Hour        // an answer of the ledger counts for so long,
	unknownFor   = time.Minute      // and for so long if it was no
	maxKnown     = 16_384           // answers that are remembered
	answerWithin = 40 * time.Second // or the saver is told to ask again; see p2p.MaxCallTime
	abandoned    = 3 * time.Minute  // what travels is given up when nobody has asked for so long
	partialFor   = 15 * time.Minute // what came of a generation waits for its saver to come back
	paceTime     = time.Minute      // a saver that brings less than
	paceBytes    = 2 << 20          // in it loses its place
)

// Keeper holds checkpoints. Make one with Open.
type Keeper struct {
	c     Config
	self  artel.NodeID
	calls *p2p.Limiter
	asks  *p2p.Limiter
	names *names
	begin chan *fetch
	wake  chan struct{} // holds a token while there are chores

	mu       sync.Mutex
	ready    bool // what is on the disk is known
	limits   Limits
	grace    int64 // what tasks that are held already may take when no new ones are taken
	tasks    map[ID]*entry
	numbers  uint32 // last number given to an entry
	held     map[artel.Ref]int
	fetches  map[ID]*fetch
	partials map[ID]*partial
	used     map[artel.NodeID]*usage // of each renter
	own      usage                   // of this node itself
	others   usage                   // of all others together
	chores   []chore
	known    map[member]standing
	granted  map[artel.Grant]artel.NodeID // who signed them; see signer
}

// maxGranted bounds the grants whose signers are remembered.
const maxGranted = 4096

// signer returns who signed a grant. One comes with each generation of its attempt.
func (k *Keeper) signer(g artel.Grant) (artel.NodeID, error) {
	k.mu.Lock()
	n, ok := k.granted[g]
	k.mu.Unlock()
	if ok {
		return n, nil
	}
	n, err := g.Renter()
	if err != nil {
		return n, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.granted) >= maxGranted {
		clear(k.granted)
	}
	k.granted[g] = n
	return n, nil
}

// entry is a task in memory.
type entry struct {
	Task
	number uint32 // what names knows it by
}

type usage struct {
	bytes int64
	tasks int
}

// chore is the letting go of generations, of which the facts say already that they
// are not held.
type chore struct {
	number uint32
	roots  []artel.Ref
}

// Open loads what the keeper knows. It answers, and holds what is new, while Run
// runs.
func Open(ctx context.Context, c Config) (*Keeper, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Room == nil {
		c.Room = func(int64) error { return nil }
	}
	k := &Keeper{
		c: c, self: c.Key.NodeID(), names: newNames(), begin: make(chan *fetch), wake: make(chan struct{}, 1),
		calls: p2p.NewLimiter(askRate, askBurst, 4096, c.Now), asks: p2p.NewLimiter(ledgerRate, ledgerBurst, 4096, c.Now),
		tasks: map[ID]*entry{}, held: map[artel.Ref]int{}, fetches: map[ID]*fetch{}, partials: map[ID]*partial{},
		used: map[artel.NodeID]*usage{}, known: map[member]standing{}, granted: map[artel.Grant]artel.NodeID{},
	}
	ts, err := c.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("open keeper: %w", err)
	}
	for _, t := range ts {
		k.put(t)
	}
	return k, nil
}

// Register makes the keeper answer on a host.
func (k *Keeper) Register(h p2p.Host) {
	for method, f := range map[string]p2p.Handler{wire.MethodKeep: k.keep, wire.MethodKept: k.kept} {
		req, _, _ := wire.Limits(method)
		h.Handle(method, req, f)
	}
}

// SetLimits changes what the owner gives. What is held stays until it is over.
func (k *Keeper) SetLimits(l Limits) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.Others == 0 { // the tasks that are here may go on, and their generations overlap
		k.grace = max(k.limits.Others, 2*k.others.bytes)
	}
	k.limits = l
}

// Holds reports whether a generation with this root is held: anybody who knows it
// may fetch it.
func (k *Keeper) Holds(root artel.Ref) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[root] > 0
}

// Blobs is where what is held can be read.
func (k *Keeper) Blobs() blob.Store { return k.c.Blobs }

// Status is what a keeper holds.
type Status struct {
	Tasks  []Task // that have something, by renter and task
	Limits Limits
	Own    int64 // bytes used of Limits.Own
	Others int64 // and of Limits.Others
}

// Status returns what is held.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{Limits: k.limits, Own: k.own.bytes, Others: k.others.bytes}
	for _, e := range k.tasks {
		if len(e.Held) > 0 {
			s.Tasks = append(s.Tasks, e.Task)
		}
	}
	slices.SortFunc(s.Tasks, func(a, b Task) int { return a.ID().compare(b.ID()) })
	return s
}

// account changes what a renter takes. Called with mu held.
func (k *Keeper) account(renter artel.NodeID, bytes int64, tasks int) {
	u := k.used[renter]
	if u == nil {
		u = &usage{}
		k.used[renter] = u
	}
	all := &k.others
	if renter == k.self {
		all = &k.own
	}
	for _, x := range []*usage{u, all} {
		x.bytes += bytes
		x.tasks += tasks
	}
	if *u == (usage{}) {
		delete(k.used, renter)
	}
}

// takes returns what a renter takes. Called with mu held.
func (k *Keeper) takes(renter artel.NodeID) usage {
	if u := k.used[renter]; u != nil {
		return *u
	}
	return usage{}
}

// put takes a task in, or what is new of it. Called with mu held.
func (k *Keeper) put(t Task) *entry {
	id := t.ID()
	e := k.tasks[id]
	if e == nil {
		k.numbers++
		e = &entry{number: k.numbers}
		k.tasks[id] = e
		k.account(t.Renter, rowCost, 1)
	}
	for _, h := range e.Held {
		if k.held[h.Saved.Root]--; k.held[h.Saved.Root] == 0 {
			delete(k.held, h.Saved.Root)
		}
	}
	for _, h := range t.Held {
		k.held[h.Saved.Root]++
	}
	k.account(t.Renter, t.Bytes-e.Bytes, 0)
	e.Task = t
	return e
}

// forget is put's opposite. Called with mu held.
func (k *Keeper) forget(e *entry) {
	t := e.Task
	t.Held, t.Bytes = nil, 0
	k.put(t)
	delete(k.tasks, t.ID())
	k.account(t.Renter, -rowCost, -1)
}

// leave makes a chore of what an entry held. Later blocks of the same task are
// under another number: the chore leaves them alone. Called with mu held.
func (k *Keeper) leave(e *entry, held []Held) {
	if len(held) == 0 {
		return
	}
	k.chores = append(k.chores, chore{e.number, roots(held)})
	k.numbers++
	e.number = k.numbers
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Run keeps until ctx ends. It looks first at what the last run left on the disk:
// until that is known nothing new is taken.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.look(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var work sync.WaitGroup
	defer work.Wait()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-k.begin:
			work.Go(func() { k.work(ctx, f) })
		case <-k.wake:
			k.doChores(ctx)
		case <-tick.C:
			if err := k.expire(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("forget checkpoints: %w", err)
			}
		}
	}
}

// look compares what is known with what is on the disk. A generation of which
// something is missing is not held; blocks that belong to none are removed: nothing
// travels yet.
func (k *Keeper) look(ctx context.Context) error {
	k.mu.Lock()
	tasks := make([]Task, 0, len(k.tasks))
	numbers := map[ID]uint32{}
	for id, e := range k.tasks {
		tasks, numbers[id] = append(tasks, e.Task), e.number
	}
	k.mu.Unlock()
	var lost []Task
	keep := map[artel.Ref]bool{}
	for _, t := range tasks {
		var whole []Held
		for _, h := range t.Held {
			refs, err := k.blocks(ctx, h.Saved.Root)
			if err == nil {
				err = k.present(ctx, refs)
			}
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				k.c.Log.Warn("a checkpoint is not whole any more", "task", t.Grant.Task.Short(), "generation", h.Saved.Generation, "error", err)
				continue
			}
			k.names.add(numbers[t.ID()], refs)
			keep[h.Saved.Root] = true
			whole = append(whole, h)
		}
		if len(whole) < len(t.Held) {
			t.Held = whole
			lost = append(lost, t)
		}
	}
	if len(lost) > 0 {
		for i := range lost {
			bytes, err := k.weigh(ctx, roots(lost[i].Held))
			if err != nil {
				return err
			}
			lost[i].Bytes = bytes
		}
		if err := k.c.Store.Save(ctx, lost, nil); err != nil {
			return fmt.Errorf("forget checkpoints that are gone: %w", err)
		}
		k.mu.Lock()
		for _, t := range lost {
			k.put(t)
		}
		k.mu.Unlock()
	}
	freed, err := blob.GC(ctx, k.c.Blobs, maps.Keys(keep), time.Now().Add(24*time.Hour))
	if err != nil {
		return fmt.Errorf("remove what belongs to no checkpoint: %w", err)
	}
	if freed.Blocks > 0 {
		k.c.Log.Info("removed blocks of no checkpoint", "blocks", freed.Blocks, "bytes", freed.Bytes)
	}
	k.mu.Lock()
	k.ready = true
	k.mu.Unlock()
	return nil
}

// blocks lists the blocks below a root.
func (k *Keeper) blocks(ctx context.Context, root artel.Ref) ([]artel.Ref, error) {
	bs, err := checkpoint.Blocks(ctx, k.c.Blobs, root, checkpoint.Limits{})
	if err != nil {
		return nil, err
	}
	refs := make([]artel.Ref, 0, len(bs))
	for _, b := range bs {
		refs = append(refs, b.Ref)
	}
	return refs, nil
}

func (k *Keeper) present(ctx context.Context, refs []artel.Ref) error {
	for _, r := range refs {
		if _, err := k.c.Blobs.Size(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// weigh sums up what the blocks below roots take, each counted once.
func (k *Keeper) weigh(ctx context.Context, roots []artel.Ref) (n int64, err error) {
	seen := map[artel.Ref]bool{}
	for _, root := range roots {
		refs, err := k.blocks(ctx, root)
		if err != nil {
			return 0, err
		}
		for _, r := range refs {
			if seen[r] {
				continue
			}
			seen[r] = true
			size, err := k.c.Blobs.Size(ctx, r)
			if err != nil {
				return 0, err
			}
			n += cost(size)
		}
	}
	return n, nil
}

// doChores lets go of what is not held any more.
func (k *Keeper) doChores(ctx context.Context) {
	for {
		k.mu.Lock()
		if len(k.chores) == 0 {
			k.mu.Unlock()
			return
		}
		c := k.chores[0]
		k.chores = k.chores[1:]
		k.mu.Unlock()
		for i, root := range c.roots {
			k.letGo(ctx, c.number, root, c.roots[i+1:])
		}
	}
}

// letGo removes the blocks of a generation that neither those to keep nor another
// task name. What cannot be removed now goes when the keeper starts again.
func (k *Keeper) letGo(ctx context.Context, number uint32, root artel.Ref, keep []artel.Ref) {
	err := checkpoint.Drop(ctx, lender{k.c.Blobs, k.names, number}, root, keep, checkpoint.Limits{})
	if err != nil && ctx.Err() == nil && !errors.Is(err, blob.ErrNotFound) {
		k.c.Log.Warn("let go of a checkpoint", "root", root, "error", err)
	}
}
