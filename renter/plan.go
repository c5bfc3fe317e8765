package renter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// skew is how far an honest clock may be off, in seconds.
const skew = 300

// Bounds of the plan.
const (
	maxLeases  = 256              // open at once
	perRound   = 16               // proposals begun in one round and for one job
	maxAsks    = 16               // jobs that a round seeks machines for
	shyFor     = 15 * time.Second // how long a refusing provider is left alone
	proposeFor = 20 * time.Second
)

// plan hands ready tasks to leases with free slots and asks for more leases
// where tasks remain. It ends every round of the core.
func (r *Renter) plan(t *tx) {
	r.room = r.room[:0]
	for _, b := range r.ordered() {
		if b.Free(t.now) > 0 && b.silent == job.Fine && !b.closing {
			r.room = append(r.room, b)
		}
	}
	asks := 0
	for i, id := range r.order {
		a := r.jobs[id]
		if a == nil || a.Phase != job.Active || len(a.waiting) == 0 {
			continue
		}
		// With ten thousand jobs waiting, a round looks for machines for some of them
		// only; where it stopped, the next one goes on.
		turn := asks < maxAsks && (i >= r.turn || r.turn >= len(r.order))
		if len(r.room) == 0 && !turn {
			continue
		}
		ready := r.assign(t, a)
		if ready > 0 && turn {
			if asks++; asks == maxAsks {
				r.turn = i + 1
			}
			r.ask(t, a, ready)
		}
	}
	if asks < maxAsks {
		r.turn = 0
	}
	if len(r.order) > 2*len(r.jobs)+16 {
		r.order = slices.DeleteFunc(r.order, func(id artel.Hash) bool { return r.jobs[id] == nil })
	}
}

// assign returns how many ready tasks found no slot.
func (r *Renter) assign(t *tx, a *active) int {
	var rest []uint64
	ready := 0
	leases := r.fitting(t, a)
	for n, i := range a.waiting {
		task := a.tasks[i]
		if task.State != job.Waiting {
			continue
		}
		if !a.Ready(task, t.now) {
			rest = append(rest, i)
			continue
		}
		b := pick(leases, task, a.lonely, t.now)
		if b == nil || !a.Affords(b.Terms.UnitCost(), a.out) {
			rest = append(rest, i)
			ready++
			if b == nil && free(leases, t.now) == 0 {
				for _, j := range a.waiting[n+1:] { // all slots are taken: the rest waits
					if a.tasks[j].State == job.Waiting {
						rest = append(rest, j)
						if a.Ready(a.tasks[j], t.now) {
							ready++
						}
					}
				}
				break
			}
			continue
		}
		r.dispatch(t, a, b, i)
	}
	a.waiting = rest
	return ready
}

// fitting lists the open leases that a job's tasks may use, cheapest first.
func (r *Renter) fitting(t *tx, a *active) []*bought {
	var out []*bought
	for _, b := range r.room {
		if b.Free(t.now) > 0 && suits(b.Terms, a.Spec) {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(x, y *bought) int {
		if x.Terms.Price != y.Terms.Price {
			return int(min(max(int64(x.Terms.Price)-int64(y.Terms.Price), -1), 1))
		}
		return x.idle.Compare(y.idle)
	})
	return out
}

func suits(t artel.Terms, j artel.JobSpec) bool {
	slots := max(t.Resources.Slots, 1)
	return t.Sandbox == j.Sandbox && t.Image == j.Box.Image && t.Unit >= j.Wall &&
		slots >= j.Want.Slots && t.Resources.Memory >= j.Want.Memory && t.Resources.Disk >= j.Want.Disk &&
		t.Resources.GPUs == j.Want.GPUs && t.Resources.GPUMemory >= j.Want.GPUMemory &&
		(j.MaxPrice == 0 || t.Price <= j.MaxPrice.Times(slots)) &&
		(len(j.Providers) == 0 || slices.Contains(j.Providers, t.Node))
}

func pick(leases []*bought, task job.Task, lonely bool, now int64) *bought {
	var second *bought
	for _, b := range leases {
		if b.Free(now) == 0 {
			continue
		}
		if !task.Avoid(b.Terms.Node) {
			return b
		}
		second = b
	}
	if lonely || task.Rested(now) {
		return second // nobody else is there
	}
	return nil
}

func free(leases []*bought, now int64) int {
	n := 0
	for _, b := range leases {
		n += b.Free(now)
	}
	return n
}

// dispatch hands one task to a lease. It is stored before it is sent.
func (r *Renter) dispatch(t *tx, a *active, b *bought, i uint64) {
	task, at := a.Dispatch(a.tasks[i], b.ID, b.Terms.Node, t.now)
	a.tasks[i] = task
	a.out++
	t.mark(a.ID, i)
	k := lease.TaskKey{Task: b.Next, Attempt: at.N}
	next := b.Sent([]lease.TaskKey{k}, t.now)
	next.Next++
	r.set(t, b, next)
	if a.Spec.Failover.Replace < b.failover.Replace {
		// The most impatient of its jobs has its way. A question that is under way
		// may still take as long as it was asked with.
		b.patient = t.now + int64(b.failover.Heartbeat)
		b.failover = a.Spec.Failover
	}
	b.work[k] = &Work{TaskKey: k, Job: a.ID, Index: i, Try: at.N}
	b.waiting[k] = a.Spec.Task(i)
	if len(b.waiting) == 1 {
		t.after = append(t.after, func() { r.send(t.ctx, b) })
	}
}

// ask proposes leases to the best offers until the job's ready tasks would
// have slots.
func (r *Renter) ask(t *tx, a *active, ready int) {
	want := ready
	if a.Spec.Parallel > 0 {
		want = min(want, int(a.Spec.Parallel)-a.out)
	}
	for _, n := range r.asking {
		want -= int(n)
	}
	open := 0
	for _, b := range r.leases {
		if b.Phase == lease.Open && b.silent != job.Dead {
			open++
		}
	}
	if want <= 0 || open+len(r.asking) >= maxLeases {
		return
	}
	now := time.UnixMilli(t.now)
	begun := 0
	offers := r.c.Board.Offers(a.Spec, now, 64)
	a.lonely = a.waitsLong(t.now) && !slices.ContainsFunc(offers, func(l Listed) bool {
		return !now.Before(r.shy[l.Offer.Node]) && r.asking[l.Offer.Node] == 0 && !a.shuns(l.Offer.Node, t.now)
	})
	for _, l := range offers {
		if want <= 0 || begun == perRound {
			return
		}
		o := l.Offer
		if now.Before(r.shy[o.Node]) || r.asking[o.Node] > 0 || r.leased(o.Node) {
			continue
		}
		weight, ok := o.Resources.Weight(a.Spec.Want)
		if !ok || !a.Affords(artel.Cost(o.Price.Times(weight), a.Spec.Wall), a.out) || !a.lonely && a.shuns(o.Node, t.now) {
			continue
		}
		slots := min(o.Resources.Slots/weight, uint32(want))
		want -= int(slots)
		begun++
		r.asking[o.Node] = slots
		spec := a.Spec
		t.after = append(t.after, func() { r.loop.Go(func() { r.propose(t.ctx, l, spec, slots) }) })
	}
}

// shuns reports whether a node has failed all tasks that wait (the first few of
// them, where many do): a lease with it would stand empty.
func (a *active) shuns(n artel.NodeID, now int64) bool {
	seen := 0
	for _, i := range a.waiting {
		if !a.Ready(a.tasks[i], now) {
			continue
		}
		if !a.tasks[i].Avoid(n) {
			return false
		}
		if seen++; seen == 32 {
			break
		}
	}
	return true
}

// waitsLong reports whether a task has waited so long for another host that one
// which failed it is better than none. A host that is gone stays on the board
// until its offer ends.
func (a *active) waitsLong(now int64) bool {
	return slices.ContainsFunc(a.waiting, func(i uint64) bool {
		t := a.tasks[i]
		return a.Ready(t, now) && len(t.Attempts) > 0 && now-t.Attempts[len(t.Attempts)-1].Ended > time.Minute.Milliseconds()
	})
}

// leased reports whether there is a lease with the node, be it one that is
// still being settled: one lane carries one lease at a time.
func (r *Renter) leased(n artel.NodeID) bool {
	for _, b := range r.leases {
		if b.Terms.Node == n {
			return true
		}
	}
	return false
}

// Denial is why there is no lease with a provider that was asked.
type Denial struct {
	Node artel.NodeID
	At   time.Time
	Err  error
}

const maxDenied = 64 // kept, to be told

// propose makes a lease with one provider. It runs beside the core.
func (r *Renter) propose(ctx context.Context, l Listed, spec artel.JobSpec, slots uint32) {
	ctx, cancel := context.WithTimeout(ctx, proposeFor)
	defer cancel()
	node := l.Offer.Node
	err := r.tryPropose(ctx, l, spec, slots)
	if errors.Is(err, p2p.Unpaid) || errors.Is(err, p2p.Conflict) {
		// It knows more of our lane than we do, or the lane is in use: ask, then
		// try once more, on a fresh lane number if need be.
		if rerr := r.catchUp(ctx, l.Offer); rerr == nil {
			err = r.tryPropose(ctx, l, spec, slots)
		}
	}
	r.post(func(t *tx) {
		delete(r.asking, node)
		delete(r.denied, node)
		if err != nil {
			r.shy[node] = time.UnixMilli(t.now).Add(shyFor)
			if len(r.denied) < maxDenied {
				r.denied[node] = Denial{Node: node, At: time.UnixMilli(t.now), Err: err}
			}
		}
	})
	if err != nil && ctx.Err() == nil {
		r.c.Log.Info("no lease", "provider", node.Short(), "reason", err)
	}
}

func (r *Renter) tryPropose(ctx context.Context, l Listed, spec artel.JobSpec, slots uint32) error {
	o := l.Offer
	var err error
	for _, addr := range o.Addrs {
		if err = r.c.Host.Connect(ctx, addr); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	k := lease.Key{Renter: r.c.Account, Provider: o.Account}
	if err := r.do(ctx, func(*tx) { k.Number = r.laneFor(o.Node) }); err != nil {
		return err
	}
	seen, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
	if err != nil {
		return fmt.Errorf("look up lane: %w", err)
	}
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return fmt.Errorf("look up chain time: %w", err)
	}
	if late := head.Time - min(head.Time, uint64(r.loop.Now().Unix())); late > skew {
		return fmt.Errorf("this machine's clock is %d s behind the chain's, at most %d; hint: set the clock", late, skew)
	}
	var b *bought
	var req wire.ProposeRequest
	var refused error
	if err := r.do(ctx, func(t *tx) {
		if r.leased(o.Node) {
			refused = fmt.Errorf("a lease with %s is open already", o.Node.Short())
			return
		}
		r.chainAt = max(r.chainAt, head.Time)
		b, req, refused = r.draft(t, l, spec, slots, k, seen, head)
	}); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	raw, err := r.c.Host.Call(ctx, o.Node, wire.MethodPropose, req.Marshal(), wire.MaxPropose)
	var resp wire.ProposeResponse
	if err == nil {
		resp, err = wire.UnmarshalProposeResponse(raw)
	}
	derr := r.do(context.WithoutCancel(ctx), func(t *tx) {
		b.asking = false
		var next lease.Bought
		if err == nil {
			next, err = b.Accepted(resp.Signature, t.now)
		}
		var no *p2p.Error
		if errors.As(err, &no) && no.Remote {
			r.set(t, b, b.Stopped(artel.ReasonRefused, err.Error()))
			r.remove(t, b)
			return
		}
		if err != nil {
			// Nobody knows whether the provider took it. If it did, it holds its
			// machine for us and will want money for that: the lease is followed until
			// it is closed, or unknown to the provider.
			next = b.Stopped(artel.ReasonLost, err.Error())
			next.Heard = t.now
			r.set(t, b, next)
			t.after = append(t.after, func() { r.follow(t.ctx, b) })
			return
		}
		b.paidUp = prepaid(req)
		b.told = next.Book.Reserve.Cap
		r.set(t, b, next)
		t.after = append(t.after, func() { r.follow(t.ctx, b) })
		r.c.Log.Info("lease made", "lease", b.id.Short(), "provider", o.Node.Short(), "slots", slots, "price", uint64(o.Price))
	})
	if err == nil {
		err = derr
	}
	return err
}

// draft writes and signs the lease with what secures it, and stores all of it
// BEFORE the provider sees any of it. Called by the core.
func (r *Renter) draft(t *tx, l Listed, spec artel.JobSpec, slots uint32, k lease.Key, seen chain.Lane, head chain.Head) (*bought, wire.ProposeRequest, error) {
	o := l.Offer
	var nonce [16]byte
	if _, err := io.ReadFull(r.c.Rand, nonce[:]); err != nil {
		return nil, wire.ProposeRequest{}, fmt.Errorf("draw nonce: %w", err)
	}
	book := lease.Book{Key: k, Generation: r.meta.Generation}
	if have := r.books[k]; have != nil {
		book = *have
	}
	ls := lease.Lane{Cap: seen.Cap, Paid: seen.Paid, Epoch: seen.Epoch}
	if seen.Releasing(r.c.Params, head.Time) {
		ls.ReleaseAt = seen.ReleaseAt
	}
	book = book.Seen(ls)
	if r.bound(k, t.now) >= maxBound {
		return nil, wire.ProposeRequest{}, fmt.Errorf("%d other lanes to %s hold money without a lease; hint: they are released by and by, or artel wallet release", maxBound, o.Account)
	}
	if book.ReleaseAt != 0 {
		r.number[o.Node]++ // its money is on its way home; the next lane is free
		return nil, wire.ProposeRequest{}, fmt.Errorf("the lane to %s is being released", o.Account)
	}
	want := spec.Want
	want.Slots, _ = o.Resources.Weight(spec.Want)
	terms := artel.Terms{
		Network: r.c.Network, Node: o.Node, Renter: r.c.Key.NodeID(), Offer: l.ID, Nonce: nonce, Slots: slots,
		Price: o.Price.Times(want.Slots), Unit: spec.Wall, Resources: want,
		Sandbox: spec.Sandbox, MaxUnpaid: o.MaxUnpaid, Base: book.Accrued, Gen: r.meta.Generation,
		Image: spec.Box.Image, Pull: spec.Pull, PullFree: o.PullFree, PullPrice: o.PullPrice,
	}
	if o.Prepay {
		terms.Prepaid = terms.UnitCost()
	}
	raw := wire.EncodeTerms(terms)
	start := uint64(t.now / 1000)
	doc := artel.Lease{
		Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Start: start,
		End: start + uint64(r.c.Policy.LeaseFor.Seconds()), Rule: artel.RuleResult, Terms: wire.TermsHash(raw),
	}
	id := doc.ID(r.domain)
	b := r.newBought(lease.NewBought(id, doc, terms, raw, r.c.Key.Sign(id), book, t.now), spec.Failover)
	b.asking = true
	req := wire.ProposeRequest{Lease: doc, Terms: raw, Signature: b.Signature}
	next := r.signReserve(b.Bought, t.now)
	if !next.Book.Reserve.Cap.IsZero() {
		req.Reserve = &wire.SignedReserve{Reserve: next.Book.Reserve, Signature: next.Book.ReserveSig}
	}
	if !terms.Prepaid.IsZero() {
		next = r.signVoucher(next)
		v, sig := next.Book.SignedVoucher()
		req.Voucher = &wire.SignedVoucher{Voucher: v, Signature: sig}
	}
	r.leases[id] = b
	r.set(t, b, next)
	return b, req, nil
}

// maxBound is how many lanes without a lease one provider may hold money on. One
// that signs nothing and books every Reserve that it is sent, each on a new
// lane, would bind the whole deposit.
const maxBound = 8

// bound counts the lanes to k's provider, without k and those in use, on which
// more is booked, or may be, than was paid.
func (r *Renter) bound(k lease.Key, now int64) (n int) {
	for o, b := range r.books {
		if o.Provider != k.Provider || o == k || r.inUse(o) {
			continue
		}
		if b.Voucher.Less(b.Cap) || b.Voucher.Less(b.Reserve.Cap) && uint64(now/1000) < b.Reserve.ValidUntil {
			n++
		}
	}
	return n
}

// laneFor returns the lane number this installation uses with a node.
func (r *Renter) laneFor(n artel.NodeID) uint64 {
	return artel.LaneNumber(r.c.Key.Address(), r.meta.Lane+r.number[n])
}

// reserveFor is how long a signed Reserve may wait to be booked.
const reserveFor = 24 * time.Hour

func (r *Renter) signReserve(b lease.Bought, now int64) lease.Bought {
	limit, ok := b.WantReserve(uint64(r.c.Policy.Ahead.Milliseconds()))
	if !ok {
		limit = b.Book.Reserve.Cap.Max(b.Book.Cap)
		if !b.Book.Reserve.Cap.IsZero() && b.Book.Reserve.ValidUntil > b.Lease.End+3600 {
			return b
		}
	}
	v := artel.Reserve{
		Renter: b.Book.Key.Renter, Provider: b.Book.Key.Provider, Lane: b.Book.Key.Number,
		Epoch: b.Book.Epoch, Cap: limit, ValidUntil: uint64(now/1000) + uint64(reserveFor.Seconds()),
	}
	b.Book.Reserve, b.Book.ReserveSig = v, r.c.Key.Sign(v.Digest(r.domain))
	return b
}

func (r *Renter) signVoucher(b lease.Bought) lease.Bought {
	owed, more := b.Owed()
	if !more {
		return b
	}
	b.Book.Voucher, b.Book.VoucherFor = owed, b.ID
	v, _ := b.Book.SignedVoucher()
	b.Book.VoucherSig = r.c.Key.Sign(v.Digest(r.domain))
	return b
}

// catchUp asks a provider for the highest voucher it holds of ours. One that we
// signed counts, whoever remembers it: a database restored from an old copy
// must not sign a smaller one.
func (r *Renter) catchUp(ctx context.Context, o artel.Offer) error {
	resp, err := r.recoverFrom(ctx, o.Node, r.generation(ctx))
	if err != nil {
		return err
	}
	return r.do(ctx, func(t *tx) {
		used := r.laneFor(o.Node)
		for _, h := range resp.Lanes {
			r.adopt(t, o.Account, h)
		}
		if r.laneFor(o.Node) == used { // whatever was wrong with that lane, the next has no past
			r.number[o.Node]++
		}
	})
}

func (r *Renter) generation(ctx context.Context) (g uint64) {
	_ = r.do(ctx, func(*tx) { g = r.meta.Generation })
	return g
}

func (r *Renter) recoverFrom(ctx context.Context, node artel.NodeID, generation uint64) (wire.RecoverResponse, error) {
	req := wire.RecoverRequest{Renter: r.c.Account, Node: r.c.Key.NodeID(), Generation: generation}
	req.Signature = r.c.Key.Sign(wire.RecoverDigest(r.c.Network, req))
	raw, err := r.c.Host.Call(ctx, node, wire.MethodRecover, req.Marshal(), wire.MaxRecover)
	if err != nil {
		return wire.RecoverResponse{}, err
	}
	return wire.UnmarshalRecoverResponse(raw)
}

// adopt takes over a voucher of ours that we did not know. Called by the core.
func (r *Renter) adopt(t *tx, provider artel.Address, h wire.HeldLane) {
	k := lease.Key{Renter: r.c.Account, Provider: provider, Number: h.Lane}
	if !artel.MaySign(k.Renter, r.c.Key.Address(), k.Number) {
		return
	}
	book := lease.Book{Key: k, Generation: r.meta.Generation}
	if have := r.books[k]; have != nil {
		book = *have
	} else {
		r.books[k], t.books[k] = &book, true // what is booked on it can come home
	}
	if h.Voucher == nil {
		return
	}
	next, err := book.TakeVoucher(r.domain, h.Voucher.Voucher, h.Voucher.Signature, r.c.Key.Address())
	if err != nil || next.Voucher == book.Voucher {
		return
	}
	if next.Due().Less(next.Voucher) {
		next.Accrued = artel.AccrualOf(next.Voucher)
	}
	r.books[k], t.books[k] = &next, true
	for _, b := range r.leases {
		if lease.KeyOf(b.Lease) == k {
			b.Book = next
		}
	}
}

func prepaid(req wire.ProposeRequest) artel.Amount {
	if req.Voucher == nil {
		return artel.Amount{}
	}
	return req.Voucher.Voucher.Cumulative
}
