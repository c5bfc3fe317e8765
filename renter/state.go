package renter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
)

// Meta is what an installation drew once.
type Meta struct {
	Lane       uint32 `json:"lane"`
	Generation uint64 `json:"generation"`
	Journal    uint32 `json:"journal,omitempty"` // the last attempt number of a journal's grant
	// JournalAt are the machines that may hold a journal of this installation.
	JournalAt []artel.Keeper `json:"journalAt,omitempty"`
	// Took are the lane numbers of the installations that this one has taken over:
	// what older journals of theirs say is past.
	Took []uint32 `json:"took,omitempty"`
	// Old are the journals of those, to be let go of when one of this installation is
	// held; Past are those that keepers are still to be told to let go of.
	Old  []PastJournal `json:"old,omitempty"`
	Past []PastJournal `json:"past,omitempty"`
	// TakenOver are the jobs that came with them and were not over when this was
	// stored: what they need may not be on this machine.
	TakenOver []artel.Hash `json:"takenOver,omitempty"`
}

// State is everything a renter wakes up with.
type State struct {
	Meta   Meta
	Books  []lease.Book
	Leases []LeaseRow
	Jobs   []job.Job
	Tasks  map[artel.Hash][]job.Task // of those jobs, complete and in order
	Outbox []chain.Tx
	Nodes  []NodeRow
}

// NodeRow is what was seen of a node. It outlives every lease: a restart must not
// wash anybody white.
type NodeRow struct {
	Node   artel.NodeID  `json:"node"`
	Record market.Record `json:"record"`
}

// LeaseRow is a lease with what the renter keeps beside the rule's state.
type LeaseRow struct {
	Bought   lease.Bought // without Book
	Failover artel.Failover
	Job      artel.Hash  // the job that pays for what no task of its own is billed with
	Claim    uint32      // the offer's speed
	Class    artel.Class // and what goes on there
	Work     []Work      // what is outstanding, held or not yet opened
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
	Receipt bool         `json:"receipt"`         // it has ended with a receipt that counts
	Here    bool         `json:"here"`            // the sealed output is in the blob store
	Seq     uint64       `json:"seq"`             // of the event that brought the receipt
	Begun   int64        `json:"begun,omitempty"` // unix ms, when it had a slot as far as is known here; 0: it waits for one
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
	DropJobs   []artel.Hash              // with their tasks
	Tasks      map[artel.Hash][]job.Task // those that changed
	Outbox     []chain.Tx
	Sent       []string
	Nodes      []NodeRow
}

func (c Change) empty() bool {
	return c.Meta == nil && len(c.Books)+len(c.Leases)+len(c.DropLeases)+len(c.Jobs)+len(c.DropJobs)+len(c.Tasks)+len(c.Outbox)+len(c.Sent)+len(c.Nodes) == 0
}

func (r *Renter) load(ctx context.Context) error {
	st, err := r.c.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load renter: %w", err)
	}
	r.setMeta(st.Meta)
	for _, n := range st.Nodes {
		r.c.Board.Keep(n.Node, n.Record)
	}
	if r.meta.Generation == 0 {
		var n [4]byte
		if _, err := io.ReadFull(r.c.Rand, n[:]); err != nil {
			return fmt.Errorf("draw lane number: %w", err)
		}
		r.setMeta(Meta{Lane: binary.BigEndian.Uint32(n[:]) &^ 0xffff, Generation: 1})
		if err := r.c.Store.Save(ctx, Change{Meta: &r.meta}); err != nil {
			return fmt.Errorf("store lane number: %w", err)
		}
	}
	for _, b := range st.Books {
		r.books[b.Key] = &b
	}
	for _, t := range st.Outbox {
		r.outbox[t.ID] = t
		r.calls.Add(1)
	}
	for _, j := range st.Jobs {
		if uint64(len(st.Tasks[j.ID])) != j.Spec.Count {
			return fmt.Errorf("load renter: job %s has %d tasks stored, want %d", j.ID.Short(), len(st.Tasks[j.ID]), j.Spec.Count)
		}
		r.take(j, st.Tasks[j.ID])
	}
	now := r.loop.Now().UnixMilli()
	r.woke = now
	for _, row := range st.Leases {
		b := r.newBought(row.Bought.Renumbered(uint64(now)), row.Failover, row.Job, row.Claim, row.Class, now)
		k := lease.KeyOf(b.Lease)
		if r.books[k] == nil {
			return fmt.Errorf("load renter: lease %s has no lane", b.ID.Short())
		}
		b.Book = *r.books[k]
		b.Heard = now                     // silence counts from when we listen again
		b.Bought = b.Bought.NotAfter(now) // the clock may have been set back meanwhile
		for _, w := range row.Work {
			b.work[w.TaskKey] = &w
		}
		r.rekey(b)
		r.leases[b.ID] = b
	}
	r.journal.keepers = r.meta.JournalAt
	for _, o := range r.meta.Past {
		for _, k := range o.Keepers {
			r.letDrop(k, o.Name, now)
		}
	}
	for _, a := range r.jobs {
		r.learn(a, now)
		if !a.Spec.Service.IsZero() {
			a.Grew = now // nobody looked at an update since
		}
		if slices.Contains(r.meta.TakenOver, a.ID) {
			a.lacks = []string{lacksUnknown}
		}
	}
	if err := r.loadPayers(ctx); err != nil {
		return err
	}
	for _, b := range r.ordered() {
		r.resume(ctx, b)
	}
	return nil
}

// loadPayers brings back the jobs that are over and whose leases are not: what
// those still cost is theirs.
func (r *Renter) loadPayers(ctx context.Context) error {
	for _, b := range r.leases {
		if r.jobs[b.job] != nil {
			continue
		}
		j, tasks, err := r.c.Store.Job(ctx, b.job)
		if errors.Is(err, ErrNoJob) {
			continue
		}
		if err != nil {
			return fmt.Errorf("load renter: job %s: %w", b.job.Short(), err)
		}
		r.jobs[b.job] = &active{Job: j, tasks: tasks}
	}
	return nil
}

func (r *Renter) setMeta(m Meta) {
	r.meta = m
	r.gen.Store(m.Generation)
}

// take makes a stored job an active one.
func (r *Renter) take(j job.Job, tasks []job.Task) *active {
	a := &active{Job: j, tasks: tasks}
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
	return a
}

func (r *Renter) newBought(b lease.Bought, f artel.Failover, payer artel.Hash, claim uint32, class artel.Class, now int64) *bought {
	return &bought{
		Bought: b, id: b.ID, node: b.Terms.Node, failover: f, job: payer, claim: claim, class: class, work: map[lease.TaskKey]*Work{}, idle: time.UnixMilli(now),
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
	for _, k := range b.keys() {
		if w := b.work[k]; w.Receipt && !w.Here {
			r.fetchSealed(ctx, b, *w)
		}
	}
	r.follow(ctx, b)
}

func (b *bought) stored() LeaseRow {
	row := LeaseRow{Bought: b.Bought, Failover: b.failover, Job: b.job, Claim: b.claim, Class: b.class}
	row.Bought.Book = lease.Book{}
	row.Bought.Outstanding = withoutKeys(row.Bought.Outstanding)
	for _, w := range b.work {
		row.Work = append(row.Work, *w)
	}
	return row
}

// collect turns the marks of a round into rows.
func (r *Renter) collect(t *tx) {
	for n := range t.records {
		t.change.Nodes = append(t.change.Nodes, NodeRow{n, r.c.Board.Record(n)})
	}
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
		if a.Phase != job.Active {
			for i := range a.tasks {
				if len(a.tasks[i].Safe.Keepers) > 0 {
					t.mark(id, uint64(i))
				}
			}
		}
		t.change.Jobs = append(t.change.Jobs, a.Job)
		for i := range t.tasks[id] {
			if t.change.Tasks == nil {
				t.change.Tasks = map[artel.Hash][]job.Task{}
			}
			r.letGo(a, i, t.now)
			t.change.Tasks[id] = append(t.change.Tasks[id], a.tasks[i])
		}
		if a.Phase != job.Active && r.quiet(id) {
			delete(r.jobs, id) // the store has it
		}
	}
}

// quiet reports whether no lease still works for the job, or is paid by it.
func (r *Renter) quiet(id artel.Hash) bool {
	for _, b := range r.leases {
		if len(b.logs) > 0 || b.job == id {
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
