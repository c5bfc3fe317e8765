package lease

import (
	"errors"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// Outstanding is an attempt that a renter has handed out and not heard the end
// of.
type Outstanding struct {
	TaskKey
	Sent  int64 // unix ms
	Acked int64 // unix ms when the provider said that it took it; 0: not yet

	Keep   *artel.Keeping // nil: it is not checkpointed
	Saved  *artel.Saved   // the last one that was paid for
	Billed uint64         // ms of it that are in the running total
	Past   bool           // handed out by the controller before, for a task that nobody knows: see Gap

	// With RuleTime: ms for which checks were answered, and unix ms of the last one.
	Seen   uint64
	SeenAt int64
}

// Gap is what the controller that a lease was taken over from may have handed out
// after its records end. Such attempts are paid for as any other, their results are
// of no use.
type Gap struct {
	From uint64 // the first number that may be one of them
	To   uint64 // and the first that is none; 0: there is no gap
	At   int64  // unix ms, where the records end
}

// Bought is a lease as its renter sees it.
type Bought struct {
	ID        artel.Hash
	Lease     artel.Lease
	Terms     artel.Terms
	TermsRaw  []byte
	Signature artel.Signature // the renter's
	Theirs    artel.Signature // the provider's; zero until it accepted

	Phase   Phase
	Stop    artel.Reason
	Message string

	Book     Book
	Began    int64  // unix ms, when the proposal was sent: no honest meter starts earlier
	Heard    int64  // unix ms of the last answer
	Seq      uint64 // last event taken over
	Wall     uint64 // ms of all receipts taken over
	Disputed bool   // the provider's figures do not add up: pays no more than is proved

	Next        uint64 // number of the next task; never used twice, 0 is none
	Gap         Gap    `json:",omitzero"` // of a lease that was taken over
	Outstanding []Outstanding
	Held        []Held // receipts whose sealed output is not opened yet, oldest first
}

// Held is a receipt with a sealed output. It is paid for when the sealed bytes
// are here, and the next one when this one's key has opened them: so a provider
// that takes the money and keeps the bytes, or the key, gains one unit.
type Held struct {
	TaskKey
	Before artel.Amount // what was due before it
	Due    artel.Amount // and with it
	Here   bool         // the sealed bytes have arrived
}

// Tolerance is how much longer a provider's clock may have measured than the
// renter's, in milliseconds: an answer's way back and coarse timers.
const Tolerance = 2_000

// NewBought is a lease about to be proposed at now (unix ms).
func NewBought(id artel.Hash, l artel.Lease, t artel.Terms, raw []byte, sig artel.Signature, b Book, now int64) Bought {
	return Bought{ID: id, Lease: l, Terms: t, TermsRaw: raw, Signature: sig, Phase: Open, Book: b, Began: now, Heard: now, Next: 1}
}

// Accepted takes the provider's signature over the lease.
func (b Bought) Accepted(sig artel.Signature, now int64) (Bought, error) {
	node, err := sig.NodeID(b.ID)
	if err != nil {
		return b, err
	}
	if node != b.Terms.Node {
		return b, artel.Invalid("lease %s countersigned by node %s, want %s", b.ID.Short(), node.Short(), b.Terms.Node.Short())
	}
	b.Theirs, b.Heard = sig, now
	return b, nil
}

// Room is how many more attempts the lease takes, when so many may wait at the
// provider for a slot.
func (b Bought) Room(now int64, ahead int) int {
	if b.Phase != Open || b.Theirs.IsZero() || b.Disputed || uint64(now/1000) >= b.Lease.End {
		return 0
	}
	return max(0, min(int(b.Terms.Slots)+ahead, MaxOut(b.Terms.Slots))-len(b.Outstanding))
}

// Mean is how many ms an attempt of this lease took on average, by its receipts; 0:
// none has ended.
func (b Bought) Mean() float64 {
	if b.Seq == 0 {
		return 0
	}
	return max(float64(b.Wall), 1) / float64(b.Seq)
}

// Sent notes an attempt about to be handed out.
func (b Bought) Sent(k TaskKey, keep *artel.Keeping, now int64) Bought {
	b.Outstanding = append(slices.Clone(b.Outstanding), Outstanding{TaskKey: k, Sent: now, Keep: keep})
	return b
}

// Drop forgets an attempt that the provider did not take.
func (b Bought) Drop(k TaskKey) Bought {
	b.Outstanding = slices.DeleteFunc(slices.Clone(b.Outstanding), func(o Outstanding) bool { return o.TaskKey == k })
	return b
}

// Shifted moves all instants by so many ms, when the wall clock was set by as
// much: what has lasted so far has lasted as long by the new clock.
func (b Bought) Shifted(ms int64) Bought {
	b.Began, b.Heard = shifted(b.Began, ms), shifted(b.Heard, ms)
	b.Outstanding = slices.Clone(b.Outstanding)
	for i := range b.Outstanding {
		o := &b.Outstanding[i]
		o.Sent, o.Acked, o.SeenAt = shifted(o.Sent, ms), shifted(o.Acked, ms), shifted(o.SeenAt, ms)
	}
	return b
}

// NotAfter is the lease in the hands of one whose clock says now: what was noted by a
// clock that was ahead has been until now, or checks of a service would count for nothing
// until that time comes.
func (b Bought) NotAfter(now int64) Bought {
	b.Outstanding = slices.Clone(b.Outstanding)
	for i := range b.Outstanding {
		o := &b.Outstanding[i]
		o.Sent, o.SeenAt = min(o.Sent, now), min(o.SeenAt, now)
	}
	return b
}

// Ack notes at now (unix ms) that the provider took attempts.
func (b Bought) Ack(ks []TaskKey, now int64) Bought {
	b.Outstanding = slices.Clone(b.Outstanding)
	for i, o := range b.Outstanding {
		if slices.Contains(ks, o.TaskKey) {
			b.Outstanding[i].Acked = now
		}
	}
	b.Heard = now
	return b
}

// Missing lists attempts that the provider had said it took before it was
// asked, and that it neither runs nor ended: it lost them. One that was on its
// way while the provider answered is not missing. runs is all that it runs: from
// an answer that may be cut off nothing follows.
func (b Bought) Missing(runs []TaskKey, askedAt int64) []TaskKey {
	var lost []TaskKey
	for _, o := range b.Outstanding {
		if o.Acked != 0 && o.Acked < askedAt && !slices.Contains(runs, o.TaskKey) {
			lost = append(lost, o.TaskKey)
		}
	}
	return lost
}

// Overdue lists attempts that have been out for longer than a unit and slack
// ms: a provider that answers every question and ends nothing.
func (b Bought) Overdue(now, slack int64) []TaskKey {
	var late []TaskKey
	for _, o := range b.Outstanding {
		if now-o.Sent > int64(b.Terms.Unit)+slack {
			late = append(late, o.TaskKey)
		}
	}
	return late
}

// Renumbered makes the next task's number at least n. A renter that comes back
// takes its clock for n: its database may be an older copy, and numbers that the
// lost future has used name results of other tasks.
func (b Bought) Renumbered(n uint64) Bought {
	b.Next = max(b.Next, n)
	return b
}

// TakenOver is the lease in the hands of a controller that has it from records that
// end at unix ms at: numbers go on at n, the present in milliseconds.
func (b Bought) TakenOver(at int64, n uint64) Bought {
	if b.Gap.To == 0 {
		b.Gap = Gap{From: b.Next, At: at}
	}
	b = b.Renumbered(n)
	b.Gap.To = b.Next
	return b
}

// Forgotten lists those of the running attempts that a controller before this one
// handed out and this one knows nothing of.
func (b Bought) Forgotten(running []TaskKey) (ks []TaskKey) {
	for _, k := range running {
		if b.past(k) || slices.ContainsFunc(b.Outstanding, func(o Outstanding) bool { return o.TaskKey == k && o.Past }) {
			ks = append(ks, k)
		}
	}
	return ks
}

// past reports whether an attempt that is not outstanding may be in the gap.
func (b Bought) past(k TaskKey) bool {
	return b.Gap.From <= k.Task && k.Task < b.Gap.To && !slices.ContainsFunc(b.Outstanding, func(o Outstanding) bool { return o.TaskKey == k })
}

// End is how an attempt ended by the provider's account; with a Segment or a Slice it
// has not ended: a checkpoint was confirmed, checks were answered.
type End struct {
	Seq     uint64
	Task    uint64
	Attempt uint32
	Receipt *artel.Receipt
	Segment *artel.Segment
	Slice   *artel.Slice
	Reason  artel.Reason
	Message string
}

// Verdict on an End. With a Segment or a Slice the attempt goes on.
type Verdict struct {
	Known   bool // the attempt was outstanding
	Segment *artel.Segment
	Holders []artel.Keeper // who confirmed it
	Slice   *artel.Slice
	Receipt *artel.Receipt
	Reason  artel.Reason // why there is no good receipt
	Message string
	Spent   artel.Amount // what this end added to the bill
}

// ErrGap says that the provider gives out events beyond those that it forgot
// because this renter was done with them: the renter's database is an old copy.
var ErrGap = errors.New("events are missing")

// Ended checks the next event of the provider. Events come in the order of
// their numbers, without gaps; an old one is skipped, a gap is an error and the
// renter asks again.
//
// The bill is recomputed, not believed: the running total must be exactly the
// lane's base and price × (all tasks + idle time), and neither figure may be
// longer than the renter's own clock saw. Where it does not add up, the receipt
// does not count and the lease is disputed: no further unit is paid.
func (b Bought) Ended(d artel.Domain, e End, now int64) (Bought, Verdict, error) {
	if e.Seq <= b.Seq {
		return b, Verdict{}, nil
	}
	if e.Seq != b.Seq+1 {
		return b, Verdict{}, fmt.Errorf("event %d of lease %s follows %d: %w", e.Seq, b.ID.Short(), b.Seq, ErrGap)
	}
	k := TaskKey{e.Task, e.Attempt}
	if b.past(k) {
		b.Outstanding = append(slices.Clone(b.Outstanding), Outstanding{TaskKey: k, Sent: b.Gap.At, Acked: b.Gap.At, Past: true})
	}
	i := slices.IndexFunc(b.Outstanding, func(o Outstanding) bool { return o.TaskKey == k })
	b.Seq, b.Heard = e.Seq, now
	v := Verdict{Known: i >= 0, Reason: e.Reason, Message: e.Message}
	if e.Segment != nil && e.Receipt == nil && !b.Disputed && i >= 0 {
		paid := b.Book.Due()
		after, holders, err := b.segment(d, *e.Segment, i, now)
		if err == nil {
			v.Segment, v.Holders, v.Spent = e.Segment, holders, after.Book.Due().Sub(paid)
			return after, v, nil
		}
		b.Disputed = true
		v.Reason, v.Message = artel.ReasonGarbage, err.Error()
	}
	if e.Slice != nil && e.Receipt == nil && e.Segment == nil && !b.Disputed && i >= 0 {
		paid := b.Book.Due()
		after, err := b.slice(*e.Slice, i, now)
		if err == nil {
			v.Slice, v.Spent = e.Slice, after.Book.Due().Sub(paid)
			return after, v, nil
		}
		b.Disputed = true
		v.Reason, v.Message = artel.ReasonGarbage, err.Error()
	}
	var o Outstanding
	if i >= 0 {
		o = b.Outstanding[i]
		b.Outstanding = slices.Delete(slices.Clone(b.Outstanding), i, i+1)
	}
	if e.Receipt == nil {
		if v.Reason == "" {
			v.Reason = artel.ReasonHost
		}
		return b, v, nil
	}
	if b.Disputed {
		v.Reason, v.Message = artel.ReasonGarbage, "the lease is disputed"
		return b, v, nil
	}
	paid := b.Book.Due()
	after, err := b.check(d, *e.Receipt, k, o, i >= 0, now)
	if err != nil {
		b.Disputed = true
		v.Reason, v.Message = artel.ReasonGarbage, err.Error()
		return b, v, nil
	}
	v.Receipt, v.Spent = e.Receipt, after.Book.Due().Sub(paid)
	if !e.Receipt.Sealed.IsZero() && !o.Past {
		after.Held = append(slices.Clip(after.Held), Held{TaskKey: k, Before: paid, Due: after.Book.Due()})
	}
	v.Reason, v.Message = e.Receipt.Reason, e.Receipt.Message
	return after, v, nil
}

// segment checks a confirmed checkpoint of what is outstanding at i, as check does a
// receipt.
func (b Bought) segment(d artel.Domain, g artel.Segment, i int, now int64) (Bought, []artel.Keeper, error) {
	o, x := b.Outstanding[i], g.Saved
	switch {
	case o.Keep == nil && !(o.Past && b.Terms.Risk > 0):
		return b, nil, artel.Invalid("a checkpoint of a task that wants none")
	case x.Lease != b.ID || x.Number != o.Task || x.Attempt != o.Attempt || o.Keep != nil && x.Task != o.Keep.Task:
		return b, nil, artel.Invalid("checkpoint is of another attempt")
	case x.Root.IsZero() || x.Generation == 0:
		return b, nil, artel.Invalid("checkpoint without a root or a generation")
	case o.Saved != nil && (x.Generation <= o.Saved.Generation || x.Wall < o.Saved.Wall):
		return b, nil, artel.Invalid("checkpoint of generation %d after %d ms, follows %d after %d", x.Generation, x.Wall, o.Saved.Generation, o.Saved.Wall)
	case o.Keep != nil && o.Keep.From != nil && x.Generation <= o.Keep.From.Saved.Generation:
		return b, nil, artel.Invalid("checkpoint of generation %d, the attempt began at %d", x.Generation, o.Keep.From.Saved.Generation)
	}
	var keepers []artel.Keeper // of a past one nobody knows who they are to be
	need := uint32(0)
	if o.Keep != nil {
		keepers, need = o.Keep.Keepers, o.Keep.Survival.Keepers
	}
	holders, err := g.Check(d, b.Terms.Node, keepers, need)
	if err != nil {
		return b, nil, err
	}
	earned := artel.Earned(x.Wall)
	if b, err = b.billed(x.Wall, earned-min(earned, o.Billed), g.Idle, o, now); err != nil {
		return b, nil, err
	}
	if b.Book.Due() != g.Due {
		return b, nil, artel.Invalid("checkpoint says %s units are due in all, by its own meter it is %s", g.Due, b.Book.Due())
	}
	o.Saved, o.Billed = &x, max(o.Billed, earned)
	b.Outstanding = slices.Clone(b.Outstanding)
	b.Outstanding[i] = o
	return b, holders, nil
}

// billed adds ms to the bill of an attempt that has run for wall ms by its
// provider's meter, and holds the sums against the renter's own clock.
func (b Bought) billed(wall, ms, idle uint64, o Outstanding, now int64) (Bought, error) {
	if wall > b.Terms.Unit {
		return b, artel.Invalid("%d ms are billed, a unit is %d", wall, b.Terms.Unit)
	}
	if seen := uint64(max(0, now-o.Sent)) + Tolerance; wall > seen {
		return b, artel.Invalid("%d ms are billed for a task that was out for %d", wall, seen)
	}
	held := (uint64(max(0, now-b.Began)) + Tolerance) * uint64(b.Terms.Slots)
	b.Wall += ms
	if idle > held || b.Wall > held-idle {
		return b, artel.Invalid("%d ms of work and %d of holding are billed, the lease has run %d slot-ms", b.Wall, idle, held)
	}
	x, err := b.Terms.Start()
	if err == nil {
		x, err = x.Accrue(b.Terms.Price, b.Wall+idle)
	}
	if err != nil {
		return b, err
	}
	b.Book.Accrued = x
	return b, nil
}

func (b Bought) check(d artel.Domain, r artel.Receipt, k TaskKey, o Outstanding, known bool, now int64) (Bought, error) {
	if r.Result.Lease != b.ID || r.Result.Task != k.Task || r.Result.Attempt != k.Attempt {
		return b, artel.Invalid("receipt is for another attempt")
	}
	node, err := r.Signature.NodeID(r.Result.Digest(d))
	if err != nil {
		return b, err
	}
	if node != b.Terms.Node {
		return b, artel.Invalid("receipt is signed by node %s, want %s", node.Short(), b.Terms.Node.Short())
	}
	if !known {
		return b, artel.Invalid("receipt for task %d attempt %d, which this lease was not given", k.Task, k.Attempt)
	}
	var unseen error
	if b.Lease.Rule == artel.RuleTime {
		// What it ran since the last answer is due, too: one Risk beyond what a slice may say.
		if unseen = b.seen(r.Usage.Wall, o, 2*b.Terms.Risk); unseen != nil && b.Gap.To == 0 {
			return b, unseen
		}
	}
	b, err = b.billed(r.Usage.Wall, r.Usage.Wall-min(r.Usage.Wall, o.Billed), r.Usage.Idle, o, now)
	if err != nil {
		return b, err
	}
	if unseen != nil && !b.promised() {
		return b, unseen
	}
	if b.Book.Due() != r.Due {
		return b, artel.Invalid("receipt says %s units are due in all, by its own meter it is %s", r.Due, b.Book.Due())
	}
	return b, nil
}

// Holding takes the provider's running total while nothing ended: idle time
// only. It is believed up to what the renter's own clock allows.
func (b Bought) Holding(due artel.Amount, now int64) Bought {
	b.Heard = now
	if b.Disputed || len(b.Outstanding) > 0 || !b.Book.Due().Less(due) {
		return b
	}
	held := uint64(max(0, now-b.Began)) * uint64(b.Terms.Slots)
	x, err := b.Terms.Start()
	if err == nil {
		x, err = x.Accrue(b.Terms.Price, max(held, b.Wall))
	}
	if err == nil && !x.Ceil().Less(due) {
		b.Book.Accrued = artel.AccrualOf(due) // replaced by the exact sum with the next receipt
	}
	return b
}

// Claim is what of a provider's running total may be meant honestly: no more
// than the renter's own clock allows.
func (b Bought) Claim(due artel.Amount, now int64) artel.Amount {
	held := (uint64(max(0, now-b.Began)) + Tolerance) * uint64(b.Terms.Slots)
	x, err := b.Terms.Start()
	if err == nil {
		x, err = x.Accrue(b.Terms.Price, max(held, b.Wall))
	}
	if err != nil {
		return b.Book.Due()
	}
	return due.Min(x.Ceil()).Max(b.Book.Due())
}

// Owed is the voucher that the renter should sign next: everything proved so
// far, or the prepaid unit. ok is false when the highest voucher covers it.
func (b Bought) Owed() (artel.Amount, bool) {
	owed := b.Book.Due()
	if len(b.Held) > 0 {
		if owed = b.Held[0].Before; b.Held[0].Here {
			owed = b.Held[0].Due
		}
	}
	if !b.Terms.Prepaid.IsZero() {
		if p, err := b.Terms.Base.Ceil().Plus(b.Terms.Prepaid); err == nil {
			owed = owed.Max(p)
		}
	}
	return owed, b.Book.Voucher.Less(owed)
}

// WantReserve gives the absolute cap to sign next: ahead ms of the lease beyond
// what is owed, when less than half of that is left. ok is false when the
// signed cap still lasts or the lane is being released.
func (b Bought) WantReserve(ahead uint64) (artel.Amount, bool) {
	if b.Phase != Open || b.Disputed || b.Book.ReleaseAt != 0 {
		return artel.Amount{}, false
	}
	owed, _ := b.Owed()
	owed = owed.Max(b.Book.Voucher)
	span := max(ahead, b.Terms.Stake()) * uint64(b.Terms.Slots)
	have := b.Book.Reserve.Cap.Max(b.Book.Cap).Sub(owed)
	if !have.Less(artel.Cost(b.Terms.Price, span/2)) {
		return artel.Amount{}, false
	}
	want, err := owed.Plus(artel.Cost(b.Terms.Price, span))
	if err != nil {
		return artel.Amount{}, false
	}
	return want, true
}

// Arrived notes that a sealed output is here, byte for byte.
func (b Bought) Arrived(k TaskKey) Bought {
	b.Held = slices.Clone(b.Held)
	for i, h := range b.Held {
		b.Held[i].Here = h.Here || h.TaskKey == k
	}
	return b
}

// Opened notes that a sealed output was opened, or that nobody wants it any
// more: what comes after it may be paid.
func (b Bought) Opened(k TaskKey) Bought {
	b.Held = slices.DeleteFunc(slices.Clone(b.Held), func(h Held) bool { return h.TaskKey == k })
	return b
}

// Withheld notes that a provider would not hand over what it signed for: from
// that receipt on nothing is paid.
func (b Bought) Withheld(msg string) Bought {
	b.Disputed = true
	return b.WrittenOff().Stopped(artel.ReasonGarbage, msg)
}

// WrittenOff takes the receipts whose outputs are not opened, and those after the
// first of them, out of the running total, as far as no voucher was signed for
// them: nobody waits for them any more, and the lane's next lease must not begin
// with paying for them.
func (b Bought) WrittenOff() Bought {
	if len(b.Held) == 0 {
		return b
	}
	due := b.Book.Due()
	if sum := b.Held[0].Before.Max(due.Min(b.Book.Voucher)); sum.Less(due) {
		b.Book.Accrued = artel.AccrualOf(sum)
	}
	b.Held = nil
	return b
}

// Stopped ends a lease and notes why: it takes no new tasks.
func (b Bought) Stopped(why artel.Reason, msg string) Bought {
	if b.Phase == Open {
		b.Phase, b.Stop, b.Message = Ending, why, msg
	}
	return b.Settled()
}

// Settled closes a lease that ends with nothing outstanding.
func (b Bought) Settled() Bought {
	if b.Phase == Ending && len(b.Outstanding) == 0 {
		b.Phase = Closed
	}
	return b
}
