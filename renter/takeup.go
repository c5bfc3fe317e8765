package renter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// TakenUp is what a renter found of an earlier one with its key.
type TakenUp struct {
	Asked, Answered int // machines that may keep a journal
	// Journal says when the newest one ends, unix ms; 0: there is none.
	Journal int64
	Leases  int // that go on here
	Closed  int // open ones that no journal knew
	Kept    int // tasks of which machines hold a checkpoint
	Jobs    []TakenJob
	Refused []string // journals that could not be read, and why
}

// TakenJob is an open job that goes on here.
type TakenJob struct {
	ID      artel.Hash
	Name    string
	Tasks   int
	Done    int
	Gone    int      // of those done, whose output was on the lost machine alone
	Running int      // on a lease that goes on
	Kept    int      // of the others, of which a checkpoint is known
	Lacks   []string // what must be added here before anything of it begins anew
}

// Bounds of looking for journals.
const (
	askTogether  = 16 // machines that are asked at once
	maxJournals  = 8  // of one name that are tried, the newest first
	maxUnknowns  = 64 // attempts that were begun after the last journal, of one task
	lacksUnknown = "it is being looked for"
)

// found is a journal that keepers say they hold.
type foundJournal struct {
	holding wire.Holding
	keepers []artel.Keeper
}

// TakeUp finds the journals of this key's installations at the machines it is told,
// and goes on with the jobs of the newest: what runs is watched on, what does not goes
// on from what keepers hold. It comes after Recover, which takes back what was
// promised. Jobs that are known here are left as they are.
func (r *Renter) TakeUp(ctx context.Context, ask []artel.Keeper) (got TakenUp, err error) {
	if r.c.Journals == nil {
		return got, nil
	}
	names := make([]artel.Hash, journalNames)
	for i := range names {
		names[i] = r.journalName(byte(i))
	}
	answers := r.askAll(ctx, ask, [][]artel.Hash{names, nil})
	got.Asked = len(ask)
	candidates := map[artel.Hash][]foundJournal{}
	tasks := map[artel.Hash]bool{}
	for _, a := range answers {
		if a.err != nil {
			r.c.Log.Info("ask for journals", "keeper", a.from.Node.Short(), "error", a.err)
			continue
		}
		got.Answered++
		for _, h := range a.holdings {
			if !slices.Contains(names, h.Grant.Task) {
				if by, err := h.Grant.Renter(); err == nil && by == r.c.Key.NodeID() {
					tasks[h.Grant.Task] = true
				}
				continue
			}
			if err := r.checkJournal(a.from, h); err != nil {
				got.Refused = append(got.Refused, fmt.Sprintf("%s: %v", a.from.Node.Short(), err))
				continue
			}
			list := candidates[h.Grant.Task]
			if i := slices.IndexFunc(list, func(f foundJournal) bool { return f.holding.Segment.Saved == h.Segment.Saved }); i >= 0 {
				list[i].keepers = append(list[i].keepers, a.from)
			} else {
				list = append(list, foundJournal{h, []artel.Keeper{a.from}})
			}
			candidates[h.Grant.Task] = list
		}
	}
	got.Kept = len(tasks)
	var read []*readJournal
	for _, name := range names {
		j, refused := r.newest(ctx, name, candidates[name])
		got.Refused = append(got.Refused, refused...)
		if j != nil {
			read = append(read, j)
		}
	}
	slices.SortFunc(read, func(a, b *readJournal) int {
		return cmp.Or(cmp.Compare(b.head.Meta.Generation, a.head.Meta.Generation), cmp.Compare(b.head.At, a.head.At))
	})
	var ids []artel.Hash
	var past []uint32
	for _, j := range read {
		if slices.Contains(past, j.head.Meta.Lane) {
			continue // whoever took it over has gone on since
		}
		past = append(past, j.head.Meta.Took...)
		if r.isPast(ctx, j) {
			continue
		}
		if got.Journal = max(got.Journal, j.head.At); got.Journal == 0 {
			got.Journal = 1
		}
		some, n, err := r.takeOver(ctx, j)
		if err != nil {
			return got, err
		}
		ids, got.Leases = append(ids, some...), got.Leases+n
	}
	// Where somebody has not answered, a journal may come to light that knows them. Where
	// no journal of an installation was found at all, its keepers are away or hide it: what
	// it has running is left alone, and ends by itself when nobody pays.
	if got.Answered == got.Asked && len(got.Refused) == 0 {
		var lanes []uint32
		for _, j := range read {
			lanes = append(append(lanes, j.head.Meta.Lane), j.head.Meta.Took...)
		}
		if got.Closed, err = r.closeForgotten(ctx, lanes); err != nil {
			return got, err
		}
	}
	r.askAbout(ctx, ids, ask)
	for _, id := range ids {
		j, err := r.takenJob(ctx, id)
		if err != nil {
			return got, err
		}
		got.Jobs = append(got.Jobs, j)
	}
	return got, nil
}

// isPast reports whether this installation has had keepers let go of a journal since it
// was written: one of them has not heard of it, and what was in it may be forgotten here.
func (r *Renter) isPast(ctx context.Context, j *readJournal) (past bool) {
	_ = r.do(ctx, func(*tx) {
		past = slices.ContainsFunc(r.meta.Past, func(o PastJournal) bool { return o.Name == j.name && j.head.At <= o.At })
	})
	return past
}

// keeperAnswer is what one keeper holds.
type keeperAnswer struct {
	from     artel.Keeper
	holdings []wire.Holding
	err      error // of the first question
}

// askAll asks keepers the same questions, some keepers at a time.
func (r *Renter) askAll(ctx context.Context, ask []artel.Keeper, questions [][]artel.Hash) []keeperAnswer {
	out := make([]keeperAnswer, len(ask))
	places := make(chan struct{}, askTogether)
	var all sync.WaitGroup
	for i, k := range ask {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			out[i].from = k
			for n, q := range questions {
				cctx, cancel := context.WithTimeout(ctx, callFor)
				resp, err := r.askKept(cctx, k, wire.KeptRequest{Tasks: q})
				cancel()
				if err != nil {
					if n == 0 {
						out[i].err = err
					}
					return
				}
				out[i].holdings = append(out[i].holdings, r.granted(resp.Holdings)...)
			}
		})
	}
	all.Wait()
	return out
}

// Of one answer, how many holdings are looked at that this node never granted, and how
// many of one checkpoint.
const (
	maxForged = 4
	maxSame   = 16
)

// granted is what is worth to be remembered of a keeper's answer: what this node has
// granted, and a few others, to say what is wrong with them. Who asks a thousand
// machines must not remember all that they make up.
func (r *Renter) granted(hs []wire.Holding) (out []wire.Holding) {
	type key struct {
		task artel.Hash
		try  uint32
		root artel.Ref
	}
	seen, forged := map[key]int{}, 0
	for _, h := range hs {
		k := key{h.Grant.Task, h.Grant.Try, h.Segment.Saved.Root}
		if seen[k] == maxSame {
			continue
		}
		if by, err := h.Grant.Renter(); err != nil || by != r.c.Key.NodeID() {
			if forged++; forged > maxForged {
				return out
			}
		}
		seen[k]++
		out = append(out, h)
	}
	return out
}

// checkJournal holds a keeper's word that it has a journal against what this node's
// own signatures say. A keeper can hide journals and show old ones; it can make none.
// As a provider this node signs checkpoints of tasks that strangers name: those are of
// a lease, a journal is of none.
func (r *Renter) checkJournal(from artel.Keeper, h wire.Holding) error {
	self, s := r.c.Key.NodeID(), h.Segment.Saved
	switch by, err := h.Grant.Renter(); {
	case err != nil || by != self || h.Grant.Saver != self:
		return artel.Invalid("journal is not granted by this node's key")
	case h.Grant.Network != r.c.Network:
		return artel.Invalid("journal is of another network")
	case s.Task != h.Grant.Task || s.Attempt != h.Grant.Try || !s.Lease.IsZero() || s.Kind != artel.CheckpointFiles:
		return artel.Invalid("what is shown is no journal")
	case s.Root.IsZero() || s.Generation == 0 || s.Stored == 0 || s.Stored > maxJournal || s.Bytes > maxJournal:
		return artel.Invalid("journal without a root, or of %d bytes, at most %d", s.Stored, int64(maxJournal))
	}
	if _, err := h.Segment.Check(r.domain, self, nil, 0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// readJournal is a journal as it was sealed.
type readJournal struct {
	head    journalHead
	name    artel.Hash
	keepers []artel.Keeper // that hold it or an older one
	jobs    []jobRecord
}

// newest reads the newest of one installation's journals that is whole.
func (r *Renter) newest(ctx context.Context, name artel.Hash, list []foundJournal) (_ *readJournal, refused []string) {
	slices.SortFunc(list, func(a, b foundJournal) int {
		x, y := a.holding, b.holding
		return cmp.Or(cmp.Compare(y.Grant.Try, x.Grant.Try), cmp.Compare(y.Segment.Saved.Generation, x.Segment.Saved.Generation),
			bytes.Compare(x.Segment.Saved.Root.Bytes(), y.Segment.Saved.Root.Bytes()))
	})
	var all []artel.Keeper
	for _, f := range list {
		all = joined(all, f.keepers)
	}
	for _, f := range list[:min(len(list), maxJournals)] {
		j, err := r.readJournal(ctx, name, f)
		if err == nil {
			j.keepers = joined(all, j.head.Keepers)
			return j, refused
		}
		s := f.holding.Segment.Saved
		r.c.Log.Warn("a journal is of no use", "attempt", s.Attempt, "generation", s.Generation, "error", err)
		refused = append(refused, fmt.Sprintf("journal %d of %d: %v", s.Generation, s.Attempt, err))
	}
	return nil, refused
}

// readJournal brings a journal here, opens it and reads it.
func (r *Renter) readJournal(ctx context.Context, name artel.Hash, f foundJournal) (*readJournal, error) {
	c, s := r.c.Journals, f.holding.Segment.Saved
	store := c.Scratch()
	if err := c.Bring(ctx, f.keepers, store, s.Root, int64(s.Stored)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(c.Dir), "journal-")
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "x")
	want := checkpoint.Want{Task: name, Generation: s.Generation, Digest: s.Tree}
	if _, err := checkpoint.Restore(ctx, store, r.journalKey(name), s.Root, want, dir, checkpoint.Options{Limits: journalLimits()}); err != nil {
		return nil, err
	}
	j := &readJournal{name: name}
	if err := j.files(dir); err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	h := j.head
	switch {
	case h.Format != journalFormat:
		return nil, artel.Invalid("journal of format %d, this program reads %d; hint: the artel that wrote it", h.Format, journalFormat)
	case h.Network != r.c.Network || h.Node != r.c.Key.NodeID():
		return nil, artel.Invalid("journal of another network or node")
	case h.Account != r.c.Account:
		return nil, artel.Invalid("journal of account %s, this node works for %s; hint: artel up --account", h.Account, r.c.Account)
	case len(j.jobs) != h.Jobs:
		return nil, artel.Invalid("journal of %d jobs, it says %d", len(j.jobs), h.Jobs)
	case len(h.Books) != len(h.Leases):
		return nil, artel.Invalid("journal of %d leases and %d lanes", len(h.Leases), len(h.Books))
	}
	return j, nil
}

// files reads what journalist.write wrote.
func (j *readJournal) files(dir string) error {
	if err := readJSON(filepath.Join(dir, headFile), &j.head); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(dir, jobsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		var rec jobRecord
		if err := readJSON(filepath.Join(dir, jobsDir, e.Name(), jobFile), &rec.job); err != nil {
			return err
		}
		if err := rec.job.Spec.Check(); err != nil {
			return fmt.Errorf("job %s: %w", rec.job.ID.Short(), err)
		}
		if rec.job.Spec.Count > maxNoted {
			return artel.Invalid("job of %d tasks, at most %d are noted", rec.job.Spec.Count, maxNoted)
		}
		for i := 0; i < int(rec.job.Spec.Count); i += tasksPerFile {
			var some []job.Task
			if err := readJSON(filepath.Join(dir, jobsDir, e.Name(), tasksFile(i)), &some); err != nil {
				return err
			}
			rec.tasks = append(rec.tasks, some...)
		}
		if uint64(len(rec.tasks)) != rec.job.Spec.Count {
			return artel.Invalid("job %s has %d tasks noted, want %d", rec.job.ID.Short(), len(rec.tasks), rec.job.Spec.Count)
		}
		for i, t := range rec.tasks {
			if t.Index != uint64(i) || t.State > job.Failed {
				return artel.Invalid("job %s has task %d noted as %d", rec.job.ID.Short(), i, t.Index)
			}
		}
		j.jobs = append(j.jobs, rec)
	}
	return nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// takeOver makes a journal's open jobs and leases this renter's, those aside that it
// knows.
func (r *Renter) takeOver(ctx context.Context, j *readJournal) (ids []artel.Hash, leases int, err error) {
	var fresh []jobRecord
	lacks := map[artel.Hash][]string{}
	for _, rec := range j.jobs {
		switch _, _, err := r.c.Store.Job(ctx, rec.job.ID); {
		case err == nil:
			continue // its store knows better
		case !errors.Is(err, ErrNoJob):
			return nil, 0, err
		}
		if rec.job.Phase != job.Active {
			continue
		}
		fresh = append(fresh, rec)
		lacks[rec.job.ID] = r.lacking(ctx, rec.job.Spec, nil)
	}
	err = r.do(ctx, func(t *tx) {
		if j.head.Meta.Lane == r.meta.Lane && len(fresh) == 0 {
			return // this installation's own
		}
		meta := r.meta
		if g := j.head.Meta.Generation; meta.Generation <= g {
			meta.Generation = g + 1 // by a clock that was ahead: providers follow that one
		}
		meta.TakenOver = slices.Clone(meta.TakenOver)
		for _, rec := range fresh {
			if r.jobs[rec.job.ID] != nil {
				continue
			}
			a := r.take(rec.job, rec.tasks)
			a.lacks = lacks[a.ID]
			for i := range a.tasks {
				t.mark(a.ID, uint64(i))
			}
			t.jobs[a.ID] = true
			r.learn(a, t.now)
			ids = append(ids, a.ID)
			if len(a.lacks) > 0 {
				meta.TakenOver = append(meta.TakenOver, a.ID)
			}
		}
		if j.head.Meta.Lane != r.meta.Lane {
			meta.Took = slices.Clone(meta.Took)
			for _, lane := range append(j.head.Meta.Took, j.head.Meta.Lane) {
				if lane != r.meta.Lane && !slices.Contains(meta.Took, lane) {
					meta.Took = append(meta.Took, lane)
				}
			}
			for _, o := range append([]PastJournal{{Name: j.name, Keepers: j.keepers}}, append(j.head.Meta.Old, j.head.Meta.Past...)...) {
				meta.Old = withPast(meta.Old, o)
			}
		}
		r.setMeta(meta)
		t.change.Meta = &meta
		for i, row := range j.head.Leases {
			if r.leases[row.Bought.ID] != nil || !r.serves(row, ids) {
				continue
			}
			r.takeLease(t, row, j.head.Books[i], j.head.At)
			leases++
		}
		r.orphans(t, ids)
		r.c.Log.Info("jobs of an earlier installation go on here", "jobs", len(ids), "leases", leases, "generation", meta.Generation)
	})
	return ids, leases, err
}

// serves reports whether a lease has to do with one of these jobs.
func (r *Renter) serves(row LeaseRow, ids []artel.Hash) bool {
	return slices.Contains(ids, row.Job) || slices.ContainsFunc(row.Work, func(w Work) bool { return slices.Contains(ids, w.Job) })
}

// takeLease goes on with a lease as it was at unix ms at. The highest voucher of all
// that are known counts: those that its provider has, and the journal's.
func (r *Renter) takeLease(t *tx, row LeaseRow, noted lease.Book, at int64) {
	k := lease.KeyOf(row.Bought.Lease)
	book := noted
	if noted.Key != k {
		book = lease.Book{Key: k}
	}
	if have := r.books[k]; have != nil {
		if book.Voucher.Less(have.Voucher) {
			// Signed after the journal, for what it does not know yet.
			if a := r.jobs[row.Job]; a != nil {
				a.Vouched = plus(a.Vouched, have.Voucher.Sub(book.Voucher))
				t.jobs[a.ID] = true
			}
			book.Voucher, book.VoucherSig, book.VoucherFor = have.Voucher, have.VoucherSig, have.VoucherFor
		}
		if book.Epoch < have.Epoch || book.Reserve.Cap.Less(have.Reserve.Cap) && book.Epoch == have.Epoch {
			book.Reserve, book.ReserveSig = have.Reserve, have.ReserveSig
		}
		if book.Epoch <= have.Epoch {
			book.Cap, book.Paid, book.Epoch, book.ReleaseAt = book.Cap.Max(have.Cap), book.Paid.Max(have.Paid), have.Epoch, have.ReleaseAt
		}
	}
	if book.Due().Less(book.Voucher) {
		book.Accrued = artel.AccrualOf(book.Voucher)
	}
	book.Generation = r.meta.Generation
	was := row.Bought
	if at > t.now { // by a clock that was ahead of this one
		was = was.Shifted(t.now - at)
		at = t.now
	}
	b := r.newBought(was.TakenOver(at, uint64(t.now)), row.Failover, row.Job, row.Claim, row.Class, t.now)
	b.Book, b.Heard = book, t.now
	b.Bought = b.NotAfter(t.now)
	b.Held = slices.Clone(b.Held)
	for i := range b.Held {
		b.Held[i].Here = false
	}
	for _, w := range row.Work {
		w.Here = w.Receipt && w.Sealed.IsZero() // what was here was on another disk
		b.work[w.TaskKey] = &w
	}
	r.rekey(b)
	b.noted, b.notedSeq, r.journal.heldAt = true, b.Seq, t.now // the journal is that of before
	r.books[k], r.leases[b.ID] = &book, b
	t.books[k], t.leases[b.ID] = true, true
	t.after = append(t.after, func() { r.resume(t.ctx, b) })
}

// orphans gives back tasks whose attempts are of no lease that is known.
func (r *Renter) orphans(t *tx, ids []artel.Hash) {
	for _, id := range ids {
		a := r.jobs[id]
		for i, task := range a.tasks {
			for _, at := range task.Attempts {
				if at.Ended != 0 || r.works(id, uint64(i), at.N) {
					continue
				}
				was := a.tasks[i].State
				next, lost := a.Lost(a.tasks[i], at.N, artel.ReasonLost, "its lease is not known any more", t.now)
				a.Job, a.tasks[i] = next, lost
				if (was == job.Out || was == job.Paying) && lost.State != job.Out && lost.State != job.Paying {
					a.out--
				}
				if was != job.Waiting && lost.State == job.Waiting {
					a.waiting = append(a.waiting, uint64(i))
				}
				t.mark(id, uint64(i))
			}
		}
	}
}

func (r *Renter) works(id artel.Hash, index uint64, try uint32) bool {
	for _, b := range r.leases {
		for _, w := range b.work {
			if w.Job == id && w.Index == index && w.Try == try {
				return true
			}
		}
	}
	return false
}

// closeForgotten closes the leases that providers hold open for the installations with
// these lanes and that their journals do not know: nobody else will.
func (r *Renter) closeForgotten(ctx context.Context, lanes []uint32) (n int, err error) {
	open := map[artel.Hash]artel.NodeID{}
	if err := r.do(ctx, func(*tx) {
		for id, f := range r.forgotten {
			if r.leases[id] == nil && !r.over[id] && slices.Contains(lanes, uint32(f.lane)&^maxNumber) {
				open[id] = f.node
			}
		}
		clear(r.forgotten)
	}); err != nil {
		return 0, err
	}
	for id, node := range open {
		cctx, cancel := context.WithTimeout(ctx, callFor)
		_, err := r.c.Host.Call(cctx, node, wire.MethodClose, wire.CloseRequest{Lease: id, Gen: r.gen.Load()}.Marshal(), wire.MaxSmall)
		cancel()
		if err != nil {
			r.c.Log.Info("close a lease that is not known any more", "lease", id.Short(), "provider", node.Short(), "error", err)
			continue
		}
		n++
	}
	return n, nil
}

// askAbout asks keepers for checkpoints of taken over jobs that are newer than the
// journal.
func (r *Renter) askAbout(ctx context.Context, ids []artel.Hash, ask []artel.Keeper) {
	where := map[artel.Hash]taskID{}
	var names []artel.Hash
	if r.do(ctx, func(*tx) {
		for _, id := range ids {
			a := r.jobs[id]
			if a == nil || !a.Spec.Survival.Wanted() {
				continue
			}
			for i, task := range a.tasks {
				if task.State == job.Waiting || task.State == job.Out {
					name := r.taskName(id, uint64(i))
					where[name] = taskID{id, uint64(i)}
					names = append(names, name)
				}
			}
		}
	}) != nil || len(names) == 0 {
		return
	}
	for some := range slices.Chunk(names, wire.MaxTasks) {
		for _, a := range r.askAll(ctx, ask, [][]artel.Hash{some}) {
			if r.do(ctx, func(t *tx) {
				for _, h := range a.holdings {
					if id, ok := where[h.Grant.Task]; ok {
						r.heardOf(t, id, a.from, h)
					}
				}
			}) != nil {
				return
			}
		}
	}
}

// heardOf takes what a keeper holds of a task that was taken over. A grant of this
// node for an attempt that the journal does not know says that there was one: its
// number is used up.
func (r *Renter) heardOf(t *tx, id taskID, from artel.Keeper, h wire.Holding) {
	a := r.jobs[id.job]
	if a == nil || h.Segment.Saved.Attempt == 0 {
		return
	}
	if by, err := h.Grant.Renter(); err != nil || by != r.c.Key.NodeID() || h.Grant.Saver == by {
		return
	}
	task := a.tasks[id.index]
	if n := int(h.Grant.Try) - len(task.Attempts); n > 0 && n <= maxUnknowns && task.State == job.Waiting {
		task.Attempts = slices.Clone(task.Attempts)
		for len(task.Attempts) < int(h.Grant.Try) {
			task.Attempts = append(task.Attempts, job.Attempt{
				N: uint32(len(task.Attempts)) + 1, Sent: a.Created, Ended: t.now, Reason: artel.ReasonLost, Message: "begun by an earlier installation after its last journal",
			})
		}
		last := &task.Attempts[len(task.Attempts)-1]
		last.Node, last.Lease, last.Ran.Keeps = h.Grant.Saver, h.Segment.Saved.Lease, true
		a.tasks[id.index] = task
		t.mark(id.job, id.index)
	}
	for _, at := range task.Attempts {
		if at.N != h.Grant.Try || at.Node != h.Grant.Saver {
			continue
		}
		class := artel.Class{}
		if b := r.leases[at.Lease]; b != nil {
			class = b.class
		} else if h.Segment.Saved.Kind == artel.CheckpointWhole {
			return // nobody knows on what machines it goes on
		}
		r.found(t, id, h.Grant.Task, at, from, class, []wire.Holding{h})
		return
	}
}

// takenJob says how a job stands that was taken over.
func (r *Renter) takenJob(ctx context.Context, id artel.Hash) (TakenJob, error) {
	j, tasks, err := r.Job(ctx, id)
	if err != nil {
		return TakenJob{}, err
	}
	got := TakenJob{ID: id, Name: j.Spec.Name, Tasks: len(tasks), Lacks: r.Lacks(ctx, id)}
	for _, t := range tasks {
		switch {
		case t.State == job.Done:
			got.Done++
			if !t.Output.IsZero() && !r.has(ctx, t.Output) {
				got.Gone++
			}
		case t.State == job.Out || t.State == job.Paying:
			got.Running++
		case len(t.Safe.Saved) > 0:
			got.Kept++
		}
	}
	return got, nil
}
