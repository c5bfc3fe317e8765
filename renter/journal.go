package renter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// A renter's own records of open jobs are a checkpoint too: its journal. It is made,
// sealed and kept as those of tasks are, and the renter is its own saver. With the
// node key alone another machine finds it and goes on (takeup.go).
//
//	core: what changed ─▶ files ─▶ checkpoint.Save ─▶ keepers hold it ─▶ core: events up to
//	here may be forgotten by their providers
//
// Between two journals a provider keeps the events that the newest one does not have,
// so whoever takes over hears them again.

// Journals is how a journal is brought to keepers, and back.
type Journals struct {
	Dir string // for the renter alone; emptied when it starts
	// Blobs is where blocks are until keepers have fetched them.
	Blobs blob.Store
	// Scratch makes a store for what is brought here to be read.
	Scratch func() blob.Store
	// Ship asks a keeper to hold a generation, until it does or ctx ends.
	Ship func(ctx context.Context, to artel.Keeper, q wire.KeepRequest) (artel.Kept, error)
	// Bring fetches a generation from any of its keepers.
	Bring func(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error
}

const (
	journalEvery  = 3 * time.Second  // at most so often,
	journalShare  = 20               // and no more than one part in so many of the time
	journalAge    = time.Minute      // jobs without checkpoints are noted when they are older
	journalFor    = 30 * 24          // hours for which keepers are asked to hold it
	journalKeep   = 3                // machines that are to hold it
	journalShip   = 45 * time.Second // for which keepers are waited for
	journalAway   = time.Minute      // for which a keeper that does not take it is left alone
	journalStale  = 30 * time.Second // without a journal that is held, nobody waits for the next
	maxJournal    = 512 << 20        // bytes, sealed or not
	maxNoted      = 50_000           // tasks of a job that is noted
	tasksPerFile  = 256
	journalNames  = 256 // that installations with one key have between them
	journalFormat = 1
)

// journalName is what keepers know the journal of an installation by. Two of one key
// may draw the same: then the later one takes the place of the earlier one, as it
// would by taking it over.
func (r *Renter) journalName(n byte) artel.Hash {
	node := r.c.Key.NodeID()
	return artel.Keccak([]byte("artel journal\n"), node[:], []byte{n})
}

func (r *Renter) journalKey(name artel.Hash) checkpoint.Key {
	return checkpoint.Key(artel.Keccak([]byte("artel journal key\n"), r.c.Key.Bytes(), name[:]))
}

// ownJournal is the number of this installation's name.
func (m Meta) ownJournal() byte { return byte(m.Lane >> 24) }

// journalHead is the first file of a journal: whose it is, and when it ends.
type journalHead struct {
	Format  int           `json:"format"`
	Network artel.Hash    `json:"network"`
	Node    artel.NodeID  `json:"node"`
	Account artel.Address `json:"account"`
	Meta    Meta          `json:"meta"`
	At      int64         `json:"at"` // unix ms
	Jobs    int           `json:"jobs"`
	Leases  []LeaseRow    `json:"leases"`
	Books   []lease.Book  `json:"books"` // of their lanes
	// Keepers may hold journals of this installation, this one or older ones.
	Keepers []artel.Keeper `json:"keepers,omitempty"`
}

// journal is the core's part: what is to be noted. Owned by the core.
type journal struct {
	changed map[artel.Hash]bool    // jobs
	leases  bool                   // a lease changed
	noted   map[artel.Hash]bool    // jobs that the newest journal has, or the one on its way
	heldAt  int64                  // unix ms when keepers last confirmed one; 0: none is held
	keepers []artel.Keeper         // that may hold something of it
	away    map[artel.NodeID]int64 // unix ms until which one that did not take it is left alone
	try     uint32                 // of its grant; 0: none was made since the start
}

// PastJournal is a journal that says nothing any more, and those that may hold it: who
// looks for journals must not find it, or what has ended would begin anew.
type PastJournal struct {
	Name    artel.Hash     `json:"name"`
	Keepers []artel.Keeper `json:"keepers"`
	At      int64          `json:"at"` // unix ms since which it is one
}

// records is what the core hands out to be written.
type records struct {
	head journalHead
	jobs map[artel.Hash]*jobRecord // nil: as written before
	seqs map[artel.Hash]uint64     // of the leases
	try  uint32
}

type jobRecord struct {
	job   job.Job
	tasks []job.Task
}

// touched notes what a round has changed. Called by the core.
func (r *Renter) touched(t *tx) {
	if r.c.Journals == nil {
		return
	}
	for id := range t.jobs {
		r.journal.changed[id] = true
	}
	for id := range t.leases { // one that is new comes with a change of its job
		if b := r.leases[id]; b != nil && b.noted {
			r.journal.leases = true
		}
	}
	if len(t.change.DropLeases) > 0 && len(r.journal.noted) > 0 {
		r.journal.leases = true
	}
}

// lasts reports whether a job is noted in the journal.
func lasts(a *active, now int64) bool {
	return a.Phase == job.Active && len(a.tasks) <= maxNoted &&
		(a.Spec.Survival.Wanted() || now-a.Created >= journalAge.Milliseconds())
}

// noteDown collects what the next journal has to hold; nil: nothing has changed, or there
// is nothing to note. drop says that none is wanted any more. Called by the core.
func (r *Renter) noteDown(t *tx) (rec *records, drop bool) {
	x := &r.journal
	rec = &records{jobs: map[artel.Hash]*jobRecord{}, seqs: map[artel.Hash]uint64{}}
	changed := false
	for id, a := range r.jobs {
		if !lasts(a, t.now) {
			continue
		}
		if x.noted[id] && !x.changed[id] {
			rec.jobs[id] = nil
			continue
		}
		rec.jobs[id], changed = &jobRecord{a.Job, slices.Clone(a.tasks)}, true
	}
	for id := range x.noted {
		changed = changed || rec.jobs[id] == nil && r.jobs[id] == nil
	}
	if len(rec.jobs) == 0 {
		clear(x.changed)
		x.leases = false
		return nil, len(x.keepers) > 0 || len(r.meta.Old) > 0
	}
	if !changed && !x.leases || !r.claimName(t) {
		return nil, false
	}
	rec.head = journalHead{
		Format: journalFormat, Network: r.c.Network, Node: r.c.Key.NodeID(), Account: r.c.Account, Meta: r.meta, At: t.now, Jobs: len(rec.jobs),
	}
	for _, b := range r.ordered() {
		if _, ok := rec.jobs[b.job]; !ok && !slices.ContainsFunc(slices.Collect(maps.Values(b.work)), func(w *Work) bool { _, ok := rec.jobs[w.Job]; return ok }) {
			b.noted = false
			continue
		}
		rec.head.Leases = append(rec.head.Leases, b.stored())
		rec.head.Books = append(rec.head.Books, b.Book)
		rec.seqs[b.id] = b.Seq
		if !b.noted {
			b.noted, b.notedSeq = true, b.Seq
		}
	}
	clear(x.changed)
	clear(x.noted)
	x.leases = false
	for id := range rec.jobs {
		x.noted[id] = true
	}
	if x.try == 0 {
		m := r.meta
		x.try = max(m.Journal+1, uint32(t.now/1000))
		m.Journal = x.try
		r.setMeta(m)
		t.change.Meta = &m
	}
	rec.try, rec.head.Meta = x.try, r.meta
	return rec, false
}

// done is the event up to which a provider need not remember a lease's: everything is
// done with, and the journal that keepers hold has it.
func (r *Renter) done(b *bought, now int64) uint64 {
	through := b.settled()
	if b.noted && now-r.journal.heldAt < journalStale.Milliseconds() {
		through = min(through, b.notedSeq)
	}
	return through
}

// journalLoop notes down what changes, and brings it to keepers.
func (r *Renter) journalLoop(ctx context.Context) {
	if r.c.Journals == nil {
		return
	}
	w := &journalist{r: r, Journals: r.c.Journals}
	if err := w.begin(); err != nil {
		r.c.Log.Warn("no journal can be kept: another machine could not take over the jobs of this one", "error", err)
		return
	}
	again := time.Time{} // not before, by a clock that nobody sets
	for core.Every(ctx, time.Second) {
		if time.Now().Before(again) {
			continue
		}
		var rec *records
		var to []artel.Keeper
		drop := false
		if r.do(ctx, func(t *tx) {
			if rec, drop = r.noteDown(t); rec != nil {
				to = r.journalKeepers(t.now)
				rec.head.Keepers = joined(r.journal.keepers, to)
			}
		}) != nil {
			return
		}
		if drop {
			w.forget()
			if r.do(ctx, r.dropJournal) != nil {
				return
			}
		}
		if rec == nil {
			continue
		}
		began := time.Now()
		held, err := w.keep(ctx, rec, to)
		took := time.Since(began)
		if took > journalShip/2 {
			took = 0 // it waited for keepers, which costs nothing
		}
		again = time.Now().Add(max(journalEvery, journalShare*took))
		if err != nil && ctx.Err() == nil {
			r.c.Log.Log(ctx, map[bool]slog.Level{true: slog.LevelWarn, false: slog.LevelDebug}[len(held) == 0], "journal", "keepers", len(held), "error", err)
		}
		if r.do(ctx, func(t *tx) { r.journaled(t, rec, to, held) }) != nil {
			return
		}
	}
}

// journalKeepers chooses who is to hold the journal: those that do, as long as they are
// there, then others.
func (r *Renter) journalKeepers(now int64) []artel.Keeper {
	fresh, _ := r.choose(r.c.Key.NodeID(), r.journalName(r.meta.ownJournal()), nil, journalKeep-spareKeepers+1, false, now)
	var out []artel.Keeper
	for _, k := range r.journal.keepers {
		here := slices.ContainsFunc(r.keepers(now), func(l Listed) bool { return l.Offer.Node == k.Node })
		if here && len(out) < journalKeep && r.journal.away[k.Node] <= now && !time.UnixMilli(now).Before(r.shy[k.Node]) {
			out = append(out, k)
		}
	}
	for _, k := range fresh {
		if len(out) < journalKeep && r.journal.away[k.Node] <= now {
			out = joined(out, []artel.Keeper{k})
		}
	}
	return out
}

// joined is a, and those of b that are not in it.
func joined(a, b []artel.Keeper) []artel.Keeper {
	out := slices.Clone(a)
	for _, k := range b {
		if !slices.ContainsFunc(out, func(x artel.Keeper) bool { return x.Node == k.Node }) {
			out = append(out, k)
		}
	}
	return out
}

// journaled takes what became of a journal that keepers were asked to hold. Called by
// the core.
func (r *Renter) journaled(t *tx, rec *records, to, held []artel.Keeper) {
	x := &r.journal
	if all := joined(x.keepers, to); len(all) > len(x.keepers) {
		r.journalAt(t, all)
	}
	for _, k := range to {
		delete(x.away, k.Node)
		if !slices.ContainsFunc(held, func(h artel.Keeper) bool { return h.Node == k.Node }) {
			x.away[k.Node] = t.now + journalAway.Milliseconds()
		}
	}
	if len(held) == 0 {
		x.leases = true // once more, whole as far as it takes
		for id := range rec.jobs {
			x.changed[id] = true
		}
		x.try = 0 // they may know of a later one
		return
	}
	x.heldAt = t.now
	for id, seq := range rec.seqs {
		if b := r.leases[id]; b != nil && b.noted {
			b.notedSeq = max(b.notedSeq, seq)
		}
	}
	r.dropTaken(t)
	r.c.Log.Debug("journal", "jobs", rec.head.Jobs, "leases", len(rec.head.Leases), "keepers", len(held))
}

// journalAt notes who may hold a journal.
func (r *Renter) journalAt(t *tx, ks []artel.Keeper) {
	m := r.meta
	r.journal.keepers, m.JournalAt = ks, ks
	r.setMeta(m)
	t.change.Meta = &m
}

// dropJournal has keepers let go of the journal: no job is open. Called by the core.
func (r *Renter) dropJournal(t *tx) {
	x := &r.journal
	r.dropTaken(t)
	r.dropNamed(t, PastJournal{Name: r.journalName(r.meta.ownJournal()), Keepers: x.keepers})
	x.try, x.heldAt = 0, 0
	r.journalAt(t, nil)
	clear(x.noted)
	clear(x.away)
	for _, b := range r.leases {
		b.noted = false
	}
}

// dropTaken lets go of the journals that were taken over: this installation's own says
// all that they do, or there is nothing more to say.
func (r *Renter) dropTaken(t *tx) {
	if len(r.meta.Old) == 0 {
		return
	}
	old := r.meta.Old
	m := r.meta
	m.Old = nil
	r.setMeta(m)
	t.change.Meta = &m
	for _, o := range old {
		if o.Name != r.journalName(r.meta.ownJournal()) {
			r.dropNamed(t, o)
		}
	}
}

// dropNamed has keepers let go of a journal. It is stored who is to be told: one that is
// forgotten by a restart would be shown for as long as its grant lasts.
func (r *Renter) dropNamed(t *tx, o PastJournal) {
	if len(o.Keepers) == 0 {
		return
	}
	o.At = t.now
	m := r.meta
	m.Past = withPast(slices.DeleteFunc(slices.Clone(m.Past), func(x PastJournal) bool { return t.now-x.At > journalFor*time.Hour.Milliseconds() }), o)
	r.setMeta(m)
	t.change.Meta = &m
	for _, k := range o.Keepers {
		r.letDrop(k, o.Name, t.now)
	}
}

// withPast is a list of past journals with one more.
func withPast(ps []PastJournal, o PastJournal) []PastJournal {
	i := slices.IndexFunc(ps, func(x PastJournal) bool { return x.Name == o.Name })
	if i < 0 {
		return append(slices.Clip(ps), o)
	}
	ps = slices.Clone(ps)
	ps[i].Keepers, ps[i].At = joined(ps[i].Keepers, o.Keepers), max(ps[i].At, o.At)
	return ps
}

// letGone notes that a keeper has let go of journals.
func (r *Renter) letGone(t *tx, k artel.NodeID, names []artel.Hash) {
	m, changed := r.meta, false
	m.Past = slices.Clone(m.Past)
	for i := range m.Past {
		o := &m.Past[i]
		if slices.Contains(names, o.Name) {
			left := slices.DeleteFunc(slices.Clone(o.Keepers), func(x artel.Keeper) bool { return x.Node == k })
			changed = changed || len(left) < len(o.Keepers)
			o.Keepers = left
		}
	}
	if !changed {
		return
	}
	m.Past = slices.DeleteFunc(m.Past, func(o PastJournal) bool { return len(o.Keepers) == 0 })
	r.setMeta(m)
	t.change.Meta = &m
}

// claimName takes back what keepers were still to be told of this installation's journal:
// it would be the new one that they let go of. ok is false while one is being told.
func (r *Renter) claimName(t *tx) (ok bool) {
	name := r.journalName(r.meta.ownJournal())
	i := slices.IndexFunc(r.meta.Past, func(o PastJournal) bool { return o.Name == name })
	if i < 0 {
		return true
	}
	for _, d := range r.drops {
		if slices.Contains(d.tasks[:d.telling], name) {
			return false
		}
	}
	for n, d := range r.drops {
		if d.tasks = slices.DeleteFunc(d.tasks, func(x artel.Hash) bool { return x == name }); len(d.tasks) == 0 {
			delete(r.drops, n)
		}
	}
	m := r.meta
	at := joined(r.journal.keepers, m.Past[i].Keepers) // whose old one is let go of with the new
	m.Past = slices.Delete(slices.Clone(m.Past), i, i+1)
	r.setMeta(m)
	r.journalAt(t, at)
	return true
}

// Sends returns where a journal may be fetched from that a peer is asked to keep; nil:
// nowhere.
func (r *Renter) Sends(root artel.Ref) blob.Store {
	if r.c.Journals == nil || !r.sending.has(root) {
		return nil
	}
	return r.c.Journals.Blobs
}

// roots are the journals on their way.
type rootSet struct {
	mu  sync.Mutex
	set map[artel.Ref]bool
}

func (s *rootSet) has(r artel.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set[r]
}

func (s *rootSet) only(roots ...artel.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = map[artel.Ref]bool{}
	for _, r := range roots {
		s.set[r] = true
	}
}

// journalist writes journals. It belongs to journalLoop.
type journalist struct {
	*Journals
	r    *Renter
	last *checkpoint.Manifest // that keepers hold
	made []artel.Ref          // generations in Blobs
	jobs map[artel.Hash]bool  // that have files
}

func (w *journalist) begin() error {
	w.jobs = map[artel.Hash]bool{}
	if err := os.RemoveAll(w.Dir); err != nil {
		return fmt.Errorf("clear journal: %w", err)
	}
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	return nil
}

// forget begins anew, with another try.
func (w *journalist) forget() {
	w.last = nil
	w.clean(context.Background(), nil)
	_ = w.begin()
}

// keep makes a generation of what is noted and brings it to keepers. It returns those
// that hold it.
func (w *journalist) keep(ctx context.Context, rec *records, to []artel.Keeper) ([]artel.Keeper, error) {
	if len(to) == 0 {
		return nil, fmt.Errorf("bring journal to keepers: there are none; hint: machines that keep checkpoints say so in their offer")
	}
	if err := w.write(rec); err != nil {
		return nil, fmt.Errorf("write journal: %w", err)
	}
	r := w.r
	name := r.journalName(rec.head.Meta.ownJournal())
	meta := checkpoint.Meta{Task: name, Attempt: rec.try}
	m, stats, err := checkpoint.Save(ctx, w.Blobs, r.journalKey(name), w.Dir, w.last, meta, checkpoint.Options{Limits: journalLimits()})
	if err != nil {
		return nil, fmt.Errorf("write journal: %w", err)
	}
	w.made = append(w.made, m.Root)
	r.sending.only(m.Root)
	q := wire.KeepRequest{
		Saved: artel.Saved{
			Task: name, Attempt: rec.try, Kind: artel.CheckpointFiles, Generation: m.Generation, Root: m.Root, Parent: m.Parent, Tree: m.Digest,
			Bytes: uint64(m.Bytes), Stored: uint64(m.Stored),
		},
		Grant: artel.Grant{
			Network: r.c.Network, Task: name, Try: rec.try, Saver: r.c.Key.NodeID(), Account: r.c.Account, Bytes: maxJournal,
			Expires: uint64(rec.head.At/1000) + journalFor*3600,
		},
	}
	q.Grant.Signature = r.c.Key.Sign(q.Grant.Digest())
	q.Signature = r.c.Key.Sign(q.Saved.Digest(r.domain))
	held, err := w.ship(ctx, q, to)
	if len(held) == 0 {
		return nil, err
	}
	r.c.Log.Debug("journal is kept", "generation", m.Generation, "bytes", m.Bytes, "sent", stats.Sent)
	before := w.last
	w.last = m
	keep := []artel.Ref{m.Root}
	if before != nil {
		keep = append(keep, before.Root) // a keeper that fell behind may still fetch it
	}
	w.clean(ctx, keep)
	return held, err
}

func journalLimits() checkpoint.Limits {
	return checkpoint.Limits{Bytes: maxJournal, Stored: maxJournal, Files: 100_000}
}

// ship asks keepers at once, and waits for all of them.
func (w *journalist) ship(ctx context.Context, q wire.KeepRequest, to []artel.Keeper) (held []artel.Keeper, err error) {
	ctx, cancel := context.WithTimeout(ctx, journalShip)
	defer cancel()
	errs := make([]error, len(to))
	var all sync.WaitGroup
	for i, k := range to {
		all.Go(func() { _, errs[i] = w.Ship(ctx, k, q) })
	}
	all.Wait()
	for i, k := range to {
		if errs[i] == nil {
			held = append(held, k)
		} else {
			err = errs[i]
		}
	}
	return held, err
}

// clean lets go of all generations but those to keep.
func (w *journalist) clean(ctx context.Context, keep []artel.Ref) {
	var left []artel.Ref
	for _, root := range w.made {
		if slices.Contains(keep, root) {
			left = append(left, root)
		} else if err := checkpoint.Drop(ctx, w.Blobs, root, keep, checkpoint.Limits{}); err != nil && ctx.Err() == nil {
			w.r.c.Log.Warn("clear old journal", "error", err)
		}
	}
	w.made = left
}

// Files of a journal.
const (
	headFile = "journal.json"
	jobFile  = "job.json"
	jobsDir  = "jobs"
)

// write brings the files up to date.
func (w *journalist) write(rec *records) error {
	for id := range w.jobs {
		if _, ok := rec.jobs[id]; !ok {
			if err := os.RemoveAll(w.jobDir(id)); err != nil {
				return err
			}
			delete(w.jobs, id)
		}
	}
	for id, j := range rec.jobs {
		if j == nil {
			continue
		}
		w.jobs[id] = true
		if err := os.MkdirAll(w.jobDir(id), 0o700); err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(w.jobDir(id), jobFile), j.job); err != nil {
			return err
		}
		for i := 0; i < len(j.tasks); i += tasksPerFile {
			some := j.tasks[i:min(i+tasksPerFile, len(j.tasks))]
			if err := writeJSON(filepath.Join(w.jobDir(id), tasksFile(i)), some); err != nil {
				return err
			}
		}
	}
	return writeJSON(filepath.Join(w.Dir, headFile), rec.head)
}

func (w *journalist) jobDir(id artel.Hash) string { return filepath.Join(w.Dir, jobsDir, id.String()) }

func tasksFile(from int) string { return fmt.Sprintf("tasks-%06d.json", from) }

// writeJSON writes a file, unless it says the same already.
func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
