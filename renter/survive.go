package renter

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/wire"
)

// Keeper is this node as one that holds checkpoints.
type Keeper interface {
	// Addrs lists the multiaddrs at which others reach it.
	Addrs() []string
	// Kept answers what wire.MethodKept asks, asked by this node itself.
	Kept(ctx context.Context, m wire.KeptRequest) (wire.KeptResponse, error)
}

const (
	spareKeepers = 2                // named beyond those that must confirm
	longTask     = time.Hour        // from this limit on all are named that may be: most of them are gone at its end
	keepersFor   = 15 * time.Second // for which a look at the market counts
	fewKeepers   = 64               // that are looked at
	keptAfter    = 24 * time.Hour   // for which a checkpoint is wanted after the longest its task may run
	grantMore    = 256 << 20        // bytes of a checkpoint beyond memory and disk of its task
)

// taskName is what keepers know a task by.
func (r *Renter) taskName(id artel.Hash, index uint64) artel.Hash {
	node := r.c.Key.NodeID()
	return artel.Keccak([]byte("artel task\n"), node[:], id[:], word(index))
}

// taskKey opens and makes the checkpoints of a task. It follows from the node key:
// it is stored nowhere, and a node that has lost everything else has it again.
func (r *Renter) taskKey(id artel.Hash, index uint64) [32]byte {
	return artel.Keccak([]byte("artel checkpoint key\n"), r.c.Key.Bytes(), id[:], word(index))
}

func word(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// saved reports whether checkpoints are taken of a job's tasks on a machine. Where
// nobody but itself could keep them, none are.
func (r *Renter) saved(j artel.JobSpec, class artel.Class, node artel.NodeID, now int64) bool {
	if j.Saves(class.Moves) == artel.CheckpointNone {
		return false
	}
	return r.c.Own != nil && node != r.c.Key.NodeID() ||
		slices.ContainsFunc(r.keepers(now), func(l Listed) bool { return l.Offer.Node != node })
}

// suits reports whether a job's tasks may run on a lease, and are paid there as they
// would be by one of its own.
func (r *Renter) suits(b *bought, a *active, now int64) bool {
	if !suits(b.Terms, a.Spec) || (b.Lease.Rule == artel.RuleTime) != !a.Spec.Service.IsZero() {
		return false
	}
	if b.Lease.Rule == artel.RuleTime {
		return b.Terms.Risk == a.Spec.Service.Away
	}
	if !r.saved(a.Spec, b.class, b.node, now) {
		return b.Terms.Risk == 0
	}
	least, most := a.Spec.Survival.Risks()
	return least <= b.Terms.Risk && b.Terms.Risk <= most
}

// keepers lists the machines that keep, those that last longest first.
func (r *Renter) keepers(now int64) []Listed {
	if age := now - r.keepersAt; r.keepersAt == 0 || age < 0 || age >= keepersFor.Milliseconds() {
		r.keep, r.keepersAt = r.c.Board.Keepers(time.UnixMilli(now), fewKeepers), now
	}
	return r.keep
}

// choose names the keepers of an attempt on a node: those first that may hold what it
// goes on from, then this node, then the machines that last longest, another order
// of them for each task. need of them must confirm.
func (r *Renter) choose(node artel.NodeID, name artel.Hash, from *job.Checkpoint, wanted uint32, long bool, now int64) (keepers []artel.Keeper, need uint32) {
	var there []artel.Keeper
	if self := r.c.Key.NodeID(); r.c.Own != nil && self != node {
		there = append(there, artel.Keeper{Node: self, Addrs: clipped(r.c.Own.Addrs())})
	}
	lasting := slices.DeleteFunc(slices.Clone(r.keepers(now)), func(l Listed) bool {
		return l.Offer.Node == node || time.UnixMilli(now).Before(r.shy[l.Offer.Node])
	})
	best := lasting[:min(len(lasting), 4*int(wanted+spareKeepers))]
	slices.SortStableFunc(best, func(a, b Listed) int {
		x, y := artel.Keccak(name[:], a.Offer.Node[:]), artel.Keccak(name[:], b.Offer.Node[:])
		return bytes.Compare(x[:], y[:])
	})
	for _, l := range lasting {
		there = append(there, artel.Keeper{Node: l.Offer.Node, Addrs: clipped(l.Offer.Addrs)})
	}
	need = min(wanted, uint32(len(there)))
	add := func(ks ...artel.Keeper) {
		for _, k := range ks {
			if k.Node != node && len(keepers) < artel.MaxKeepers && !slices.ContainsFunc(keepers, func(x artel.Keeper) bool { return x.Node == k.Node }) {
				keepers = append(keepers, k)
			}
		}
	}
	most := int(need + spareKeepers)
	if long {
		most = artel.MaxKeepers
	}
	add(there[:min(len(there), most)]...)
	if from != nil {
		// Who has it must be among them; better one that is asked in vain too many.
		held := slices.DeleteFunc(slices.Clone(from.Holders), func(k artel.Keeper) bool { return k.Node == node })
		keepers = keepers[:min(len(keepers), max(int(need), artel.MaxKeepers-len(held)))]
		add(held...)
	}
	return keepers, need
}

func clipped(addrs []string) []string { return addrs[:min(len(addrs), 16)] }

// keeping draws up what a provider is given to take checkpoints of an attempt: nothing
// where its lease does not pay by them. ok is false where nobody could keep them.
func (r *Renter) keeping(t *tx, a *active, b *bought, task job.Task, try uint32) (next job.Task, keep *artel.Keeping, ok bool) {
	now, index := t.now, task.Index
	from, why, _ := b.origin(a.tasks[index], now)
	if why != "" {
		r.c.Log.Info("task goes on from less", "job", a.ID.Short(), "task", a.Spec.First+index, "provider", b.node.Short(), "message", why)
	}
	if b.Lease.Rule != artel.RuleCheckpoint {
		if why != "" {
			task = task.Begun(try, nil, why, nil)
		}
		return task, nil, true
	}
	name := r.taskName(a.ID, index)
	k := artel.Keeping{Task: name, Key: r.taskKey(a.ID, index)}
	k.Survival, _ = a.Spec.Survival.Within(b.Terms.Risk)
	k.Kind = a.Spec.Saves(b.class.Moves)
	k.Keepers, k.Survival.Keepers = r.choose(b.node, name, from, a.Spec.Survival.Keepers, a.Spec.Wall >= uint64(longTask.Milliseconds()), now)
	if k.Survival.Keepers == 0 {
		return task, nil, false
	}
	k.Grant = artel.Grant{
		Network: r.c.Network, Task: name, Try: try, Saver: b.node, Account: r.c.Account,
		Bytes:   a.Spec.Want.Memory + a.Spec.Want.Disk + grantMore,
		Expires: min(uint64(now/1000)+a.Spec.Wall/1000+uint64(keptAfter.Seconds()), 1<<40-1),
	}
	if from != nil {
		k.From, k.Grant.From = &from.Segment, from.Segment.Saved.Root
	}
	k.Grant.Signature = r.c.Key.Sign(k.Grant.Digest())
	return task.Begun(try, from, why, k.Keepers), &k, true
}

// origin decides what the next attempt of a task on a lease goes on from; ok is false
// where it should wait for another one.
func (b *bought) origin(task job.Task, now int64) (from *job.Checkpoint, why string, ok bool) {
	if b.Lease.Rule != artel.RuleCheckpoint {
		if len(task.Safe.Saved) == 0 {
			return nil, "", true
		}
		_, wait := task.Needs(now)
		return nil, "it begins anew: no machine came that goes on from its checkpoint", !wait
	}
	return task.Begin(b.node, b.class, now)
}

// keepOf is what an outstanding attempt was given.
func (b *bought) keepOf(k lease.TaskKey) *artel.Keeping {
	for _, o := range b.Outstanding {
		if o.TaskKey == k {
			return o.Keep
		}
	}
	return nil
}

// withoutKeys returns attempts as they are stored: their keys follow from the node's.
func withoutKeys(out []lease.Outstanding) []lease.Outstanding {
	out = slices.Clone(out)
	for i, o := range out {
		if o.Keep != nil {
			k := *o.Keep
			k.Key = [32]byte{}
			out[i].Keep = &k
		}
	}
	return out
}

// rekey gives loaded attempts their keys again.
func (r *Renter) rekey(b *bought) {
	for i, o := range b.Outstanding {
		if w := b.work[o.TaskKey]; o.Keep != nil && w != nil {
			k := *o.Keep
			k.Key = r.taskKey(w.Job, w.Index)
			b.Outstanding[i].Keep = &k
		}
	}
}

// kept takes a checkpoint that was confirmed and is paid for.
func (r *Renter) kept(t *tx, b *bought, w *Work, v lease.Verdict) {
	a := r.jobs[w.Job]
	if a == nil {
		return
	}
	j, task, ok := a.Saved(a.tasks[w.Index], w.Try, *v.Segment, v.Holders, b.class, v.Spent, t.now)
	a.Job, a.tasks[w.Index] = j, task
	t.mark(a.ID, w.Index)
	if !ok {
		return
	}
	s := v.Segment.Saved
	r.c.Log.Debug("checkpoint", "job", a.ID.Short(), "task", a.Spec.First+w.Index, "provider", b.node.Short(), "kind", s.Kind, "generation", s.Generation, "keepers", len(v.Holders))
}

// ran is for how many ms an attempt ran by its provider's last word, within what the
// renter's clock allows. To bring its image and input is no work.
func (b *bought) ran(k lease.TaskKey) uint64 {
	p := b.progress[k]
	for _, o := range b.Outstanding {
		if o.TaskKey == k {
			p.Elapsed = min(p.Elapsed, uint64(max(0, b.Heard-o.Sent)))
		}
	}
	return p.Elapsed - min(p.Elapsed, p.Before)
}

// wasted notes what is lost with an attempt whose host has gone or given it back.
func (r *Renter) wasted(t *tx, b *bought, w Work, ran uint64, billed artel.Amount) {
	if a := r.jobs[w.Job]; a != nil {
		a.tasks[w.Index] = a.tasks[w.Index].Wasted(w.Try, ran, billed)
		t.mark(a.ID, w.Index)
	}
}

// unbilled is what of a receipt's bill is for time after the last checkpoint.
func unbilled(b *bought, rcpt *artel.Receipt, task job.Task, try uint32, spent artel.Amount) artel.Amount {
	lost := rcpt.Usage.Wall
	for _, at := range task.Attempts {
		if at.N == try {
			lost -= min(lost, at.Ran.Saved)
		}
	}
	return artel.Cost(b.Terms.Price, lost).Min(spent)
}

// unsaved lists attempts whose providers answer every heartbeat and bring no
// checkpoint for far longer than their lease allows.
func (r *Renter) unsaved(b *bought, now, slack int64) (late []lease.TaskKey) {
	if b.Terms.Risk == 0 || b.Terms.Risk >= b.Terms.Unit {
		return nil
	}
	for _, o := range b.Outstanding {
		w := b.work[o.TaskKey]
		if o.Keep == nil || w == nil || w.Receipt || r.jobs[w.Job] == nil {
			continue
		}
		most, since := 2*int64(b.Terms.Risk), o.Sent // to fetch what it needs takes its time
		for _, at := range r.jobs[w.Job].tasks[w.Index].Attempts {
			if at.N == w.Try && at.Ran.At != 0 {
				most, since = int64(b.Terms.Risk), at.Ran.At
			}
		}
		if now-since > most+slack {
			late = append(late, o.TaskKey)
		}
	}
	return late
}

// leaves takes the word of a host that gives a task back as it had said it would: its
// owner wants it, and nothing else is begun there for a while.
func (r *Renter) leaves(t *tx, b *bought, why artel.Reason, msg string) {
	if why != artel.ReasonDrained && why != artel.ReasonEvicted {
		return
	}
	r.gone(t, b.node, true)
	b.Bought = b.Stopped(why, msg)
	r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
}

// here notes that a node is up, gone that it is no longer.
func (r *Renter) here(t *tx, n artel.NodeID) {
	if r.c.Board.Record(n).Since == 0 {
		r.note(t, n, func(x market.Record) market.Record { return x.Here(uint64(t.now / 1000)) })
	}
}

func (r *Renter) gone(t *tx, n artel.NodeID, announced bool) {
	if r.c.Board.Record(n).Since != 0 {
		r.note(t, n, func(x market.Record) market.Record { return x.Gone(announced, uint64(t.now/1000)) })
	}
}

// classes lists what machines the ready tasks of a job wait for because of their
// checkpoints, and how many wait for each; the zero class is any. Of many different
// ones a few are sought at a time.
func (a *active) classes(now int64) (out []demand) {
	const most = 4
	for _, i := range a.waiting {
		if !a.Ready(&a.tasks[i], now) {
			continue
		}
		c, _ := a.tasks[i].Needs(now)
		n := slices.IndexFunc(out, func(d demand) bool { return d.class.Takes(c) || d.class.IsZero() && c.IsZero() })
		if n < 0 {
			if len(out) == most {
				continue
			}
			n, out = len(out), append(out, demand{class: c})
		}
		out[n].tasks++
	}
	return out
}

type demand struct {
	class artel.Class
	tasks int
}

// choice is an offer for some of a job's tasks.
type choice struct {
	*Listed
	want *int // of them that have no slot yet
}

// moreOffers is how many offers are looked at beyond those of machines that are leased.
const moreOffers = 64

// offers lists offers for a job's ready tasks, the best first: those first for tasks
// that must find a machine of a class.
func (r *Renter) offers(t *tx, a *active, ready int) (out []choice) {
	n := moreOffers + len(r.leases) // the best ones are those that it has
	now := time.UnixMilli(t.now)
	ds := []demand{{tasks: ready}}
	if a.Spec.Survival.Wanted() {
		ds = a.classes(t.now)
	}
	slices.SortStableFunc(ds, func(x, y demand) int {
		switch {
		case x.class.IsZero() == y.class.IsZero():
			return 0
		case y.class.IsZero():
			return -1
		}
		return 1
	})
	// A round comes with every heartbeat, and nearly always finds the market as it was.
	if age := t.now - r.sought.at; age < 0 || age >= tickEvery.Milliseconds() || r.sought.notes != r.notes {
		r.sought = sought{at: t.now, notes: r.notes}
	}
	for i := range ds {
		d := &ds[i]
		list := r.sought.list(a.ID, d.class, func() []Listed {
			if d.class.IsZero() {
				return r.c.Board.Offers(a.Spec, now, n)
			}
			return r.c.Board.Movers(a.Spec, d.class, now, n)
		})
		out = slices.Grow(out, len(list))
		for i := range list {
			out = append(out, choice{&list[i], &d.tasks})
		}
	}
	return out
}

// sought is what the board listed for jobs, for some of them and each class that their
// tasks need. It is looked at again with the next tick, and once anything was learnt of
// a machine.
type sought struct {
	at    int64  // unix ms
	notes uint64 // Renter.notes as of then
	lists []listing
}

type listing struct {
	job   artel.Hash
	class artel.Class
	list  []Listed
}

// maxSought bounds the lists that are held: where thousands of jobs wait, few are looked
// at twice in a tick.
const maxSought = 2 * maxAsks

func (s *sought) list(id artel.Hash, c artel.Class, look func() []Listed) []Listed {
	for i := range s.lists {
		x := &s.lists[i]
		if x.job == id && (x.class.IsZero() && c.IsZero() || x.class.Takes(c) && c.Takes(x.class)) {
			return x.list
		}
	}
	l := look()
	if len(s.lists) < maxSought {
		s.lists = append(s.lists, listing{id, c, l})
	}
	return l
}
