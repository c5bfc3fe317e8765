package renter

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// NewID draws an id for a job.
func NewID() (id artel.Hash) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// Submit stores a job; from then on it goes on by itself. The same id again
// does nothing, so that who got no answer may ask again. The program and the
// input must be in the blob store.
func (r *Renter) Submit(ctx context.Context, id artel.Hash, spec artel.JobSpec) error {
	j, tasks, err := job.New(id, spec, r.loop.Now().UnixMilli())
	if err != nil {
		return err
	}
	if _, _, err := r.c.Store.Job(ctx, id); !errors.Is(err, ErrNoJob) {
		return err
	}
	return r.do(ctx, func(t *tx) {
		if r.jobs[id] != nil {
			return
		}
		a := &active{Job: j, tasks: tasks, waiting: make([]uint64, len(tasks))}
		t.jobs[id] = true
		t.tasks[id] = make(map[uint64]bool, len(tasks))
		for i := range tasks {
			a.waiting[i] = uint64(i)
			t.tasks[id][uint64(i)] = true
		}
		r.jobs[id] = a
		r.order = append(r.order, id)
	})
}

// Job returns a job with its tasks as of now; ErrNoJob for none.
func (r *Renter) Job(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	var j job.Job
	var ts []job.Task
	if err := r.do(ctx, func(*tx) {
		if a := r.jobs[id]; a != nil {
			j, ts = a.Job, slices.Clone(a.tasks)
		}
	}); err != nil {
		return j, nil, err
	}
	if ts != nil {
		return j, ts, nil
	}
	return r.c.Store.Job(ctx, id)
}

// Jobs lists the newest jobs first, at most n.
func (r *Renter) Jobs(ctx context.Context, n int) ([]job.Job, error) { return r.c.Store.Jobs(ctx, n) }

// News returns a channel that is closed after the next change of any job.
func (r *Renter) News() <-chan struct{} {
	r.newsMu.Lock()
	defer r.newsMu.Unlock()
	return r.news
}

// Wait returns the job when it is over.
func (r *Renter) Wait(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	for {
		news := r.News()
		j, ts, err := r.Job(ctx, id)
		if err != nil || j.Phase != job.Active {
			return j, ts, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return j, ts, ctx.Err()
		case <-r.loop.Closed():
			return j, ts, errStopped
		}
	}
}

// Cancel ends a job. What runs is told to stop; what was delivered is paid.
func (r *Renter) Cancel(ctx context.Context, id artel.Hash, why string) error {
	found := false
	if err := r.do(ctx, func(t *tx) {
		a := r.jobs[id]
		if a == nil {
			return
		}
		found = true
		a.Job = a.Job.Cancel(why, t.now)
		t.jobs[id] = true
		for _, b := range r.ordered() {
			var ks []wire.TaskKey
			for _, k := range b.keys() {
				if w := b.work[k]; w.Job == id && !w.Receipt {
					ks = append(ks, wire.TaskKey(k))
				}
			}
			if len(ks) > 0 {
				r.tellCancel(t, b, ks)
			}
		}
	}); err != nil {
		return err
	}
	if found {
		return nil
	}
	_, _, err := r.c.Store.Job(ctx, id)
	return err
}

// Logs reads a part of the newest attempt's log of a task from its provider.
// eof is true when nothing follows.
func (r *Renter) Logs(ctx context.Context, id artel.Hash, index, offset uint64) (data []byte, eof bool, err error) {
	var node artel.NodeID
	req := wire.LogsRequest{Offset: offset, Max: wire.MaxLogChunk / 2}
	if err := r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			for k, w := range b.work {
				if w.Job == id && w.Index == index && w.Try >= req.Attempt {
					node, req.Lease, req.TaskKey = b.node, b.id, wire.TaskKey(k)
				}
			}
		}
	}); err != nil {
		return nil, false, err
	}
	if req.Lease.IsZero() {
		return nil, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	raw, err := r.c.Host.Call(ctx, node, wire.MethodLogs, req.Marshal(), wire.MaxLogChunk)
	if err != nil {
		return nil, false, err
	}
	resp, err := wire.UnmarshalLogsResponse(raw)
	return resp.Data, resp.EOF, err
}

// MayRead reports whether a node may fetch a root from here: programs and
// inputs of what it was given to do.
func (r *Renter) MayRead(ctx context.Context, node artel.NodeID, root artel.Ref) (may bool) {
	_ = r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			if b.node != node {
				continue
			}
			for _, w := range b.work {
				if a := r.jobs[w.Job]; a != nil && (a.Spec.Program == root || a.Spec.Input == root) {
					may = true
					return
				}
			}
		}
	})
	return may
}

// LeaseStatus is one lease for its renter.
type LeaseStatus struct {
	ID       artel.Hash
	Provider artel.Address
	Node     artel.NodeID
	Phase    string
	Slots    uint32
	Price    artel.Price
	Out      int
	Due      artel.Amount
	Voucher  artel.Amount
	Reserve  artel.Amount
	Lane     uint64
	Cap      artel.Amount
	Start    uint64 // unix seconds
	End      uint64 // unix seconds
	Silent   bool
	Message  string
	Running  map[lease.TaskKey]Progress
}

// Status is what a renter sees of its leases and lanes.
type Status struct {
	Leases []LeaseStatus
	Lanes  []lease.Book
	Active int
	Denied []Denial // the newest first
}

// Status returns the state as of now.
func (r *Renter) Status(ctx context.Context) (st Status, err error) {
	err = r.do(ctx, func(*tx) {
		for _, b := range r.leases {
			l := LeaseStatus{
				ID: b.ID, Provider: b.Lease.Provider, Node: b.node, Phase: b.Phase.String(), Slots: b.Terms.Slots,
				Price: b.Terms.Price, Out: len(b.Outstanding), Due: b.Book.Due(), Voucher: b.Book.Voucher,
				Reserve: b.Book.Reserve.Cap, Silent: b.silent != job.Fine, Lane: b.Lease.Lane, Cap: b.Book.Cap, Start: b.Lease.Start, End: b.Lease.End, Message: b.Message, Running: map[lease.TaskKey]Progress{},
			}
			for k, p := range b.progress {
				if w := b.work[k]; w != nil {
					l.Running[lease.TaskKey{Task: w.Index, Attempt: w.Try}] = p
				}
			}
			st.Leases = append(st.Leases, l)
		}
		for _, b := range r.books {
			st.Lanes = append(st.Lanes, *b)
		}
		st.Active = len(r.jobs)
		for _, d := range r.denied {
			st.Denied = append(st.Denied, d)
		}
	})
	slices.SortFunc(st.Denied, func(a, b Denial) int { return b.At.Compare(a.At) })
	slices.SortFunc(st.Leases, func(a, b LeaseStatus) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return st, err
}

// Recover takes over what the account's earlier controller promised, after its
// database was lost: it raises the generation, which ends the earlier one, and
// asks each node for the vouchers it holds. It returns how many lanes it found.
func (r *Renter) Recover(ctx context.Context, nodes map[artel.NodeID]artel.Address) (found int, err error) {
	// The time orders generations of installations that know nothing of each
	// other. Where the earlier one's clock was ahead of ours, more is needed.
	for try := range 3 {
		var generation uint64
		if err := r.do(ctx, func(t *tx) {
			r.meta.Generation = max(r.meta.Generation+1, uint64(t.now+int64(try)*2*skew*1000))
			m := r.meta
			t.change.Meta, generation = &m, m.Generation
		}); err != nil {
			return 0, err
		}
		if found, err = r.recoverAll(ctx, nodes, generation); !errors.Is(err, p2p.Conflict) {
			break
		}
	}
	return found, err
}

func (r *Renter) recoverAll(ctx context.Context, nodes map[artel.NodeID]artel.Address, generation uint64) (found int, err error) {
	var errs []error
	for _, node := range slices.SortedFunc(maps.Keys(nodes), func(a, b artel.NodeID) int { return bytes.Compare(a[:], b[:]) }) {
		resp, err := r.recoverFrom(ctx, node, generation)
		if err != nil {
			errs = append(errs, fmt.Errorf("ask %s: %w", node.Short(), err))
			continue
		}
		found += len(resp.Lanes)
		if err := r.do(ctx, func(t *tx) {
			for _, h := range resp.Lanes {
				r.adopt(t, nodes[node], h)
			}
		}); err != nil {
			return found, err
		}
	}
	return found, errors.Join(errs...)
}

// tick does what time alone brings.
func (r *Renter) tick(t *tx) {
	for _, b := range r.ordered() {
		r.judge(t, b)
		if r.leases[b.id] == b {
			r.stalled(t, b)
			r.rest(t, b)
			r.heldUp(t, b)
		}
	}
	for _, id := range r.order {
		if a := r.jobs[id]; a != nil {
			r.broke(t, a)
		}
	}
	now := time.UnixMilli(t.now)
	for n, until := range r.shy {
		if now.After(until) {
			delete(r.shy, n)
		}
	}
	r.callHome(t)
}

// judge draws conclusions from a host's silence.
func (r *Renter) judge(t *tx, b *bought) {
	if b.asking {
		return // still being proposed
	}
	silence := t.now - max(b.Heard, b.patient)
	was := b.silent
	switch b.silent = job.Judge(b.failover, silence); {
	case b.silent == job.Suspect && was == job.Fine:
		r.c.Log.Info("provider is silent", "provider", b.node.Short(), "seconds", silence/1000)
	case b.silent == job.Dead && was != job.Dead:
		r.c.Log.Info("provider is given up, its tasks go elsewhere", "provider", b.node.Short(), "seconds", silence/1000, "tasks", len(b.Outstanding))
		r.c.Board.Note(b.node, false, time.UnixMilli(t.now))
		r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
		r.set(t, b, b.Stopped(artel.ReasonLost, "the provider fell silent"))
		for _, k := range b.keys() {
			switch w := b.work[k]; {
			case b.opening[k]: // all of it is here
			case w.Receipt && w.Sealed.IsZero():
				r.delivered(t, b, *w, artel.Ref{}) // the receipt is the result
			case w.Receipt:
				r.doubt(t, w)
			default:
				delete(b.waiting, k)
				r.fence(t, *w)
			}
		}
	case b.silent == job.Dead && silence > r.c.Policy.Grace.Milliseconds():
		r.drop(t, b, artel.ReasonLost, fmt.Sprintf("the provider did not come back within %s", r.c.Policy.Grace))
	}
}

// stalled takes tasks away from a host that answers every heartbeat and does
// not end them.
func (r *Renter) stalled(t *tx, b *bought) {
	slack := r.c.Policy.Stall.Milliseconds()
	late := b.Overdue(t.now, slack)
	if len(late) == 0 {
		return
	}
	var ks []wire.TaskKey
	for _, k := range late {
		if w := b.work[k]; w != nil && !w.Receipt && r.fence(t, *w) {
			delete(b.waiting, k)
			ks = append(ks, wire.TaskKey(k))
		}
	}
	if len(ks) > 0 {
		r.tellCancel(t, b, ks)
	}
	if b.Phase == lease.Open {
		r.c.Log.Info("provider does not end its tasks", "provider", b.node.Short(), "lease", b.id.Short(), "tasks", len(late))
		r.c.Board.Note(b.node, false, time.UnixMilli(t.now))
		r.shy[b.node] = time.UnixMilli(t.now).Add(time.Minute)
		r.set(t, b, b.Stopped(artel.ReasonLost, "the provider does not end its tasks"))
		return
	}
	if len(b.Overdue(t.now, slack+r.c.Policy.Grace.Milliseconds())) > 0 {
		r.tellClose(t, b)
		r.drop(t, b, artel.ReasonLost, "the provider does not end its tasks")
	}
}

// heldUp ends the wait for a host that answers every heartbeat and yet takes no
// payment, gives no key or does not close: the job must go on elsewhere.
func (r *Renter) heldUp(t *tx, b *bought) {
	fetching := slices.ContainsFunc(slices.Collect(maps.Values(b.work)), func(w *Work) bool { return w.Receipt && !w.Here })
	keys := len(b.unopened()) > 0
	ends := b.Phase != lease.Open && len(b.Outstanding)+len(b.opening)+len(b.logs) == 0 && !fetching
	if b.asking || b.silent != job.Fine || r.leases[b.id] != b || !keys && !ends {
		b.heldAt = 0
		return
	}
	if b.heldAt == 0 {
		b.heldAt = t.now
	}
	if t.now-b.heldAt < (r.c.Policy.Stall + r.c.Policy.Grace).Milliseconds() {
		return
	}
	b.heldAt = 0
	const msg = "the provider answers, but neither takes money nor hands out what it is for, nor closes"
	r.withhold(t, b, msg)
	if ends {
		r.drop(t, b, artel.ReasonGarbage, msg)
	}
}

// doubt gives a task to another host although its receipt is here: its host fell
// silent before it gave the output's key. If it comes back with that first, the
// receipt counts again.
func (r *Renter) doubt(t *tx, w *Work) {
	a := r.jobs[w.Job]
	if a == nil {
		return
	}
	if receipt := a.tasks[w.Index].Receipt; r.fence(t, *w) {
		w.Late = receipt
	}
}

// fence makes a task free for another host, and reports whether it did.
func (r *Renter) fence(t *tx, w Work) bool {
	a := r.jobs[w.Job]
	if a == nil {
		return false
	}
	was := a.tasks[w.Index].State
	a.tasks[w.Index] = a.Fence(a.tasks[w.Index], w.Try, t.now)
	if was != job.Out && was != job.Paying || a.tasks[w.Index].State != job.Waiting {
		return false
	}
	a.out--
	a.waiting = slices.Insert(a.waiting, 0, w.Index) // it has waited longest
	t.mark(a.ID, w.Index)
	return true
}

// rest closes a lease that nobody needs.
func (r *Renter) rest(t *tx, b *bought) {
	if len(b.Outstanding) > 0 || len(b.work) > 0 {
		b.idle = time.UnixMilli(t.now)
		return
	}
	if b.Phase != lease.Open || b.Theirs.IsZero() || t.now-b.idle.UnixMilli() < r.c.Policy.Linger.Milliseconds() {
		return
	}
	r.set(t, b, b.Stopped(artel.ReasonCancelled, "no task needs it"))
	r.tellClose(t, b)
}

// broke ends a job whose budget does not pay for another try.
func (r *Renter) broke(t *tx, a *active) {
	if a.Phase != job.Active || a.out > 0 || len(a.waiting) == 0 || a.Spec.Budget.IsZero() {
		return
	}
	left := a.Spec.Budget.Sub(a.Spent)
	for _, l := range r.c.Board.Offers(a.Spec, time.UnixMilli(t.now), 64) {
		if !left.Less(artel.Cost(l.Offer.Price, a.Spec.Wall)) {
			return
		}
	}
	if len(r.c.Board.Offers(a.Spec, time.UnixMilli(t.now), 1)) == 0 {
		return // nobody is there yet; somebody may come
	}
	a.Job = a.Job.Cancel(fmt.Sprintf("%s of the budget's %s units are left, the cheapest offer's unit costs more; hint: a larger --budget or a shorter --timeout", left, a.Spec.Budget), t.now)
	t.jobs[a.ID] = true
}

// callHome starts the release of lanes that rest with money booked on them, and
// carries matured ones out. Only the account itself may: with a session signer
// it is left to `artel wallet release`.
func (r *Renter) callHome(t *tx) {
	if r.c.Account != r.c.Key.Address() {
		return
	}
	for k, b := range r.books {
		if !b.Voucher.Less(b.Cap) || r.inUse(k) {
			continue
		}
		// One number serves lanes to many providers: a call's id names both.
		ref := []chain.LaneRef{{Provider: k.Provider, Lane: k.Number}}
		now := uint64(t.now / 1000)
		switch {
		case b.ReleaseAt == 0 && r.rested(b, now):
			r.queue(t, chain.Tx{ID: fmt.Sprintf("release-start-%x-%x-%d-%d", k.Provider, k.Number, b.Epoch, now/3600), From: r.c.Account, Call: chain.StartRelease{Lanes: ref}})
		case b.ReleaseAt != 0 && r.chainAt > b.ReleaseAt: // its time, not ours: what comes too early is refused
			r.queue(t, chain.Tx{ID: fmt.Sprintf("release-%x-%x-%d-%d", k.Provider, k.Number, b.Epoch, b.ReleaseAt), From: r.c.Account, Call: chain.Release{Renter: k.Renter, Lanes: ref}})
		}
	}
}

func (r *Renter) inUse(k lease.Key) bool {
	for _, b := range r.leases {
		if lease.KeyOf(b.Lease) == k {
			return true
		}
	}
	return false
}

// rested reports whether the last signed Reserve is as old as the policy's rest.
func (r *Renter) rested(b *lease.Book, now uint64) bool {
	signed := b.Reserve.ValidUntil - min(b.Reserve.ValidUntil, uint64(reserveFor.Seconds()))
	return now > signed+uint64(r.c.Policy.Release.Seconds())
}

// maxRejected bounds what is remembered of refused calls.
const maxRejected = 4096

func (r *Renter) queue(t *tx, x chain.Tx) {
	if _, ok := r.outbox[x.ID]; ok || r.rejected[x.ID] {
		return // what was refused once is refused under this id for ever
	}
	r.outbox[x.ID] = x
	t.change.Outbox = append(t.change.Outbox, x)
}

// outboxLoop hands queued calls to the chain, and keeps what the books say of
// the lanes fresh.
func (r *Renter) outboxLoop(ctx context.Context) {
	sent := map[string]bool{}
	for n := 0; core.Every(ctx, time.Second); n++ {
		var waiting []chain.Tx
		var keys []lease.Key
		if r.do(ctx, func(*tx) {
			for _, x := range r.outbox {
				waiting = append(waiting, x)
			}
			for k, b := range r.books {
				// One that is all paid out and not in use has nothing to tell.
				if n%10 == 0 && (b.Voucher.Less(b.Cap.Max(b.Reserve.Cap)) || r.inUse(k)) || n%60 == 0 && b.Cap.IsZero() {
					keys = append(keys, k)
				}
			}
		}) != nil {
			return
		}
		for _, x := range waiting {
			r.forward(ctx, x, sent)
		}
		r.refresh(ctx, keys)
	}
}

func (r *Renter) forward(ctx context.Context, x chain.Tx, sent map[string]bool) {
	if !sent[x.ID] {
		err := r.c.Ledger.Submit(ctx, x)
		var no *chain.Refusal
		if err != nil && !errors.As(err, &no) {
			return // the chain is away; again in a second
		}
		sent[x.ID] = true
	}
	o, err := r.c.Ledger.Outcome(ctx, x.ID)
	if errors.Is(err, chain.ErrUnknownTx) {
		o.State = chain.Refused // it was never accepted
	} else if err != nil || !o.State.Final() {
		return
	}
	if o.Refusal != nil {
		r.c.Log.Warn("the ledger refused", "call", x.Call.Kind(), "reason", o.Refusal.Error())
	}
	delete(sent, x.ID)
	_ = r.do(ctx, func(t *tx) {
		if o.State == chain.Refused {
			if len(r.rejected) >= maxRejected {
				clear(r.rejected)
			}
			r.rejected[x.ID] = true
		}
		delete(r.outbox, x.ID)
		t.change.Sent = append(t.change.Sent, x.ID)
	})
}

func (r *Renter) refresh(ctx context.Context, keys []lease.Key) {
	if len(keys) == 0 {
		return
	}
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return
	}
	for _, k := range keys {
		l, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
		if err != nil {
			return
		}
		seen := lease.Lane{Cap: l.Cap, Paid: l.Paid, Epoch: l.Epoch}
		if l.Releasing(r.c.Params, head.Time) {
			seen.ReleaseAt = l.ReleaseAt
		}
		_ = r.do(ctx, func(t *tx) {
			r.chainAt = max(r.chainAt, head.Time)
			r.seen(t, k, seen)
		})
	}
}

func (r *Renter) seen(t *tx, k lease.Key, seen lease.Lane) {
	b := r.books[k]
	if b == nil || b.Cap == seen.Cap && b.Paid == seen.Paid && b.Epoch == seen.Epoch && b.ReleaseAt == seen.ReleaseAt {
		return
	}
	next := b.Seen(seen)
	r.books[k], t.books[k] = &next, true
	for _, x := range r.leases {
		if lease.KeyOf(x.Lease) == k {
			x.Book = next
		}
	}
}
