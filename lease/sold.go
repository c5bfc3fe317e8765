package lease

import (
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// Running is an attempt that a provider has taken and not ended.
type Running struct {
	TaskKey
	Spec    artel.TaskSpec
	Taken   int64 // unix ms
	Started int64 // unix ms; 0: waits for a slot

	Keep   *artel.Keeping // nil: it is not checkpointed
	Saved  *artel.Saved   // its last confirmed checkpoint; nil: there is none
	SafeAt int64          // unix ms of that, or of the last answered check; 0: none
	Billed uint64         // ms of it that are in the running total

	// With RuleTime: ms that answered checks have earned, and that the program had run at
	// the last one.
	Earned, Ran uint64
}

// Delivered is a receipt that is not yet paid for.
type Delivered struct {
	TaskKey
	Due artel.Amount
}

// Policy is what a provider decides for itself.
type Policy struct {
	Delay    uint64 // seconds a lane's cap outlasts its release
	Patience int64  // ms a due sum may stay unpaid before the lease ends
}

// Sold is a lease as its provider sees it. Its attempts live in memory alone: a
// crash ends them without a signature. Everything else is stored.
type Sold struct {
	ID     artel.Hash
	Lease  artel.Lease
	Terms  artel.Terms
	Signer artel.Address // signs for the renter

	Phase   Phase
	Stop    artel.Reason
	Message string

	Book       Book
	Metered    int64  // unix ms up to which idle time is counted
	Idle       uint64 // slot-ms without a task, ever
	IdleBilled uint64 // the part of Idle that is in Book.Accrued
	UnpaidAt   int64  // unix ms since which something is due; 0: nothing is
	StuckAt    int64  // unix ms since which nothing runs and nothing may; 0: it may
	FreeAt     int64  // unix ms since which it is held without a task and without pay; 0: it is not
	Seq        uint64 // last event given out
	Floor      uint64 // task numbers up to here are used up: none is ever signed for twice

	Running   []Running
	Delivered []Delivered
}

// NewSold is a lease just countersigned at now (unix ms).
func NewSold(id artel.Hash, l artel.Lease, t artel.Terms, signer artel.Address, b Book, now int64) Sold {
	return Sold{ID: id, Lease: l, Terms: t, Signer: signer, Phase: Open, Book: b, Metered: now}
}

// Effect is something the caller does after it has stored the state.
type Effect interface{ effect() }

// Run starts an attempt in the sandbox.
type Run struct{ Running }

// Kill ends an attempt; it still ends in Finish.
type Kill struct{ TaskKey }

// Drain checkpoints an attempt and ends it there, for this reason; it still ends in
// Finish, billed up to its last confirmed checkpoint.
type Drain struct {
	TaskKey
	Reason  artel.Reason
	Message string
}

// BookReserve asks for the signed reserve to be submitted to the ledger.
type BookReserve struct{}

// Redeem asks for the voucher to be redeemed: the lane is being released, or
// nothing more will come.
type Redeem struct{}

func (Run) effect()         {}
func (Kill) effect()        {}
func (Drain) effect()       {}
func (BookReserve) effect() {}
func (Redeem) effect()      {}

// meter counts idle time up to now. Time before a restart is never counted,
// because the caller sets Metered anew.
func (s Sold) meter(now int64) Sold {
	if s.Phase != Open || now <= s.Metered {
		s.Metered = max(s.Metered, now)
		return s
	}
	idle := int64(s.Terms.Slots) - int64(len(s.Running))
	if s.busy() == 0 {
		idle = int64(s.Terms.Slots) // what waits for money uses no slot
	}
	if idle > 0 {
		more := s
		more.Idle += uint64(idle) * uint64(now-s.Metered)
		// It never grows so far that the next task could not begin: its receipt is
		// what the renter pays on. Beyond that the lease is held for nothing.
		if more.covers(s.Terms.UnitCost(), min(s.busy()+1, int(s.Terms.Slots))) {
			s = more
		} else if len(s.Running) == 0 && s.FreeAt == 0 {
			s.FreeAt = now
		}
	}
	s.Metered = now
	return s
}

// busy is how many attempts have a slot.
func (s Sold) busy() (n int) {
	for _, r := range s.Running {
		if r.Started != 0 {
			n++
		}
	}
	return n
}

// bill adds ms of a task and all idle time that is not yet in the running total.
func (s Sold) bill(ms uint64) (Sold, error) {
	x, err := s.Book.Accrued.Accrue(s.Terms.Price, ms+s.Idle-s.IdleBilled)
	if err != nil {
		return s, err
	}
	s.Book.Accrued, s.IdleBilled = x, s.Idle
	return s, nil
}

// Due is the lane's running total with the idle time counted up to now.
func (s Sold) Due(now int64) artel.Amount {
	m, err := s.meter(now).bill(0)
	if err != nil {
		return s.Book.Due()
	}
	return m.Book.Due()
}

// Restarted is the lease after its provider's process came back at now: what
// ran is gone, but for those attempts whose box has gone on without it; the time in
// between is nobody's bill for holding.
func (s Sold) Restarted(now int64, goesOn func(TaskKey) bool) Sold {
	s.Running = slices.DeleteFunc(slices.Clone(s.Running), func(r Running) bool { return !goesOn(r.TaskKey) })
	for i := range s.Running {
		if r := &s.Running[i]; r.Keep != nil || s.serves() {
			r.SafeAt = now // nobody could take checkpoints, or check anything, meanwhile
		}
	}
	s.Metered, s.FreeAt = now, 0
	s.StuckAt = 0
	if s.UnpaidAt != 0 {
		s.UnpaidAt = now
	}
	return s
}

// Shifted moves all instants by so many ms, when the wall clock was set by as
// much: what has lasted so far has lasted as long by the new clock.
func (s Sold) Shifted(ms int64) Sold {
	s.Metered, s.UnpaidAt, s.StuckAt, s.FreeAt = s.Metered+ms, shifted(s.UnpaidAt, ms), shifted(s.StuckAt, ms), shifted(s.FreeAt, ms)
	s.Running = slices.Clone(s.Running)
	for i := range s.Running {
		r := &s.Running[i]
		r.Taken, r.Started, r.SafeAt = shifted(r.Taken, ms), shifted(r.Started, ms), shifted(r.SafeAt, ms)
	}
	return s
}

// stuckFor is how many patiences a lease may be stuck: a slow chain books late.
const stuckFor = 10

// stuck reports whether the machine is held while nothing runs on it and
// nothing may, because too little is secured. Idle time is not metered then
// beyond MaxUnpaid, and a voucher that nobody booked makes nothing of it due: a
// lease that stays so would hold the machine for nothing.
func (s Sold) stuck() bool {
	return s.Phase == Open && s.busy() == 0 && (!s.covers(s.Terms.UnitCost(), 1) || len(s.Running) > 0 && !s.prepaid())
}

// Take accepts one attempt, with keep where the lease pays by checkpoints. Taking it
// again changes nothing.
func (s Sold) Take(k TaskKey, spec artel.TaskSpec, keep *artel.Keeping, now int64) (Sold, []Effect, error) {
	s = s.meter(now)
	switch {
	case s.Phase != Open:
		return s, nil, Refused{s.stopReason(), "the lease takes no new tasks: " + s.Message}
	case uint64(now/1000)+1 > s.Lease.End:
		return s, nil, Refused{artel.ReasonExpired, "the lease is over"}
	case slices.ContainsFunc(s.Running, func(r Running) bool { return r.TaskKey == k }):
		return s, nil, nil
	case k.Task <= s.Floor:
		return s, nil, Refused{artel.ReasonRefused, fmt.Sprintf("task number %d was used before, the next is %d", k.Task, s.Floor+1)}
	case len(s.Running) >= MaxOut(s.Terms.Slots):
		return s, nil, Refused{artel.ReasonRefused, fmt.Sprintf("%d tasks wait already", len(s.Running))}
	}
	if err := spec.Check(s.Terms); err != nil {
		return s, nil, Refused{artel.ReasonBadProgram, err.Error()}
	}
	if (keep != nil) != (s.Lease.Rule == artel.RuleCheckpoint) {
		return s, nil, Refused{artel.ReasonRefused, fmt.Sprintf("the lease pays by %s, and the task does not suit that", s.Lease.Rule)}
	}
	if keep != nil {
		if err := keep.Check(s.Terms); err != nil {
			return s, nil, Refused{artel.ReasonRefused, err.Error()}
		}
	}
	s.Running, s.FreeAt = append(slices.Clip(s.Running), Running{TaskKey: k, Spec: spec, Taken: now, Keep: keep}), 0
	s, fx := s.next(now)
	return s, fx, nil
}

// Forgot notes that the end of a task was forgotten: from now on its number and
// those below are refused, so that a renter cannot have one attempt signed for
// twice and call that a lie.
func (s Sold) Forgot(task uint64) Sold {
	s.Floor = max(s.Floor, task)
	return s
}

// Refused is why a provider does not take an attempt.
type Refused struct {
	Reason  artel.Reason
	Message string
}

// Error returns the sentence.
func (r Refused) Error() string { return r.Message }

func (s Sold) stopReason() artel.Reason {
	if s.Stop == "" {
		return artel.ReasonRefused
	}
	return s.Stop
}

// next starts waiting attempts while slots and trust last: what is due and not
// secured, with a whole unit for each running task, stays within MaxUnpaid.
func (s Sold) next(now int64) (Sold, []Effect) {
	var fx []Effect
	if s.Phase == Open && s.Book.CanBook(uint64(now/1000)) && s.wantsBooking() {
		fx = append(fx, BookReserve{})
	}
	busy := s.busy()
	if s.Phase != Open || !s.prepaid() {
		return s, fx
	}
	unit := s.Terms.UnitCost()
	for i, r := range s.Running {
		if r.Started != 0 {
			continue
		}
		if busy >= int(s.Terms.Slots) || !s.covers(unit, busy+1) {
			break
		}
		if len(fx) == 0 || !isRun(fx) {
			s.Running = slices.Clone(s.Running)
		}
		r.Started = now
		s.Running[i] = r
		fx = append(fx, Run{r})
		busy++
	}
	return s, fx
}

func isRun(fx []Effect) bool {
	_, ok := fx[len(fx)-1].(Run)
	return ok
}

// prepaid reports whether the first unit is secured, where the terms want it.
func (s Sold) prepaid() bool {
	base := s.Terms.Base.Ceil()
	need, err := base.Plus(s.Terms.Prepaid) // the renter's figures
	return s.Terms.Prepaid.IsZero() || err == nil && !s.Book.Secured().Less(need)
}

// covers reports whether n running units fit under MaxUnpaid, with all that is
// due and not secured, idle time included.
func (s Sold) covers(unit artel.Amount, n int) bool {
	s, err := s.bill(0)
	if err != nil {
		return false
	}
	at := s.Book.Exposed()
	for range n {
		var err error
		if at, err = at.Plus(unit); err != nil {
			return false
		}
	}
	return !s.Terms.MaxUnpaid.Less(at.Sub(s.ahead()))
}

// ahead is what is secured beyond what is due: a prepaid unit.
func (s Sold) ahead() artel.Amount { return s.Book.Secured().Sub(s.Book.Due()) }

// wantsBooking reports whether booking the reserve is worth its gas now: when
// the voucher outgrew the cap by half of what may stay unpaid, or when a first
// unit must be prepaid. A session signer's allowance can be taken from one block
// to the next, and what its Reserve would book with it: what is due, promised or
// running does not wait above the cap.
func (s Sold) wantsBooking() bool {
	if s.Signer != s.Lease.Renter {
		need := s.Book.Due().Max(s.Book.Voucher).Float() + float64(s.busy())*s.Terms.UnitCost().Float()
		if s.Book.Cap.Float() < need {
			return true
		}
	}
	half := s.Terms.MaxUnpaid.Float() / 2
	if s.Terms.Risk != 0 { // what runs adds to it until it is stopped, see trusts
		half = (s.Terms.MaxUnpaid.Float() - float64(max(s.busy(), 1))*s.Terms.UnitCost().Float()) / 2
	}
	return !s.prepaid() || s.Book.Unbooked().Float() >= half || !s.covers(s.Terms.UnitCost(), 1)
}

// Kept takes a checkpoint that its keepers have confirmed, and gives the segment
// that is due with it, to be signed and stored BEFORE anybody hears of it.
func (s Sold) Kept(x artel.Saved, now int64) (Sold, artel.Segment, []Effect, error) {
	s = s.meter(now)
	k := TaskKey{x.Number, x.Attempt}
	i := slices.IndexFunc(s.Running, func(r Running) bool { return r.TaskKey == k })
	if i < 0 || s.Running[i].Keep == nil {
		return s, artel.Segment{}, nil, fmt.Errorf("keep checkpoint of task %d attempt %d: it is not running", k.Task, k.Attempt)
	}
	r := s.Running[i]
	if r.Saved != nil && x.Generation <= r.Saved.Generation {
		return s, artel.Segment{}, nil, fmt.Errorf("keep checkpoint of task %d attempt %d: generation %d after %d", k.Task, k.Attempt, x.Generation, r.Saved.Generation)
	}
	earned := artel.Earned(min(x.Wall, s.Terms.Unit))
	billed, err := s.bill(earned - min(earned, r.Billed))
	if err != nil {
		return s, artel.Segment{}, nil, err
	}
	s = billed
	r.Saved, r.SafeAt, r.Billed = &x, now, max(r.Billed, earned)
	s.Running = slices.Clone(s.Running)
	s.Running[i] = r
	s.Seq++
	seg := artel.Segment{Saved: x, Idle: s.Idle, Due: s.Book.Due()}
	s.Delivered = append(slices.Clip(s.Delivered), Delivered{k, seg.Due})
	if s.UnpaidAt == 0 && s.Book.Voucher.Less(seg.Due) {
		s.UnpaidAt = now
	}
	s, fx := s.settle(now)
	return s, seg, fx, nil
}

// unsafe is for how many ms an attempt has run without a confirmed checkpoint, or an
// answered check.
func (s Sold) unsafe(r Running, now int64) int64 {
	switch {
	case r.Started == 0, r.Keep == nil && !s.serves():
		return 0
	case s.serves() && r.SafeAt == 0:
		return 0 // its image is still being fetched: there is nothing to check
	}
	return now - max(r.Started, r.SafeAt)
}

// Drain gives the machine back to its owner: no new tasks, and what runs goes on
// elsewhere.
func (s Sold) Drain(why artel.Reason, msg string, now int64) (Sold, []Effect) {
	s = s.meter(now)
	s, fx := s.stop(why, msg, now)
	s, more := s.settle(now)
	return s, append(fx, more...)
}

// Finish ends an attempt. Without a receipt it is not billed. The returned
// receipt has everything but its signature.
type Finish struct {
	TaskKey
	Root    artel.Hash
	Exit    int32
	Reason  artel.Reason
	Message string
	Usage   artel.Usage
	Sealed  artel.Ref
	Key     []byte
	Billed  bool // the program ran: there is a receipt
}

// Finished takes the end of an attempt and gives the receipt to sign and store
// BEFORE anybody hears of it, or nil where nothing was delivered.
func (s Sold) Finished(f Finish, now int64) (Sold, *artel.Receipt, []Effect, error) {
	s = s.meter(now)
	i := slices.IndexFunc(s.Running, func(r Running) bool { return r.TaskKey == f.TaskKey })
	if i < 0 {
		return s, nil, nil, fmt.Errorf("finish task %d attempt %d: it is not running", f.Task, f.Attempt)
	}
	was := s.Running[i]
	started := was.Started
	s.Running = slices.Delete(slices.Clone(s.Running), i, i+1)
	if !f.Billed && started != 0 && (f.Reason == artel.ReasonNoInput || f.Reason == artel.ReasonCancelled || f.Reason == artel.ReasonBadProgram) {
		// It had a slot and never ran: the renter did not serve what it needs, thought
		// better of it, or named what is found to be no program when all of it is
		// here, which may take as long as the renter likes. The slot was held.
		more := s
		more.Idle += uint64(max(0, now-started))
		if more.covers(s.Terms.UnitCost(), min(s.busy()+1, int(s.Terms.Slots))) {
			s = more
		}
	}
	s.Seq++
	var receipt *artel.Receipt
	if f.Billed {
		if s.serves() { // what it ran since the last answered check is due as if it ended in one
			f.Usage.Wall, _ = was.upTo(f.Usage.Wall, s.Terms)
		}
		f.Usage.Wall = min(f.Usage.Wall, s.Terms.Unit) // a unit is the most anybody pays
		billed, err := s.bill(f.Usage.Wall - min(f.Usage.Wall, was.Billed))
		if err != nil {
			return s, nil, nil, err
		}
		s = billed
		f.Usage.Idle = s.Idle
		receipt = &artel.Receipt{
			Result: artel.Result{Lease: s.ID, Task: f.Task, Attempt: f.Attempt, OutputRoot: f.Root, ExitCode: f.Exit},
			Reason: f.Reason, Message: f.Message, Usage: f.Usage, Sealed: f.Sealed, Due: s.Book.Due(),
		}
		if was.Saved != nil {
			receipt.Last = was.Saved.Root
		}
		s.Delivered = append(slices.Clip(s.Delivered), Delivered{f.TaskKey, receipt.Due})
		if s.UnpaidAt == 0 && s.Book.Voucher.Less(s.Book.Due()) {
			s.UnpaidAt = now
		}
	}
	s, fx := s.settle(now)
	return s, receipt, fx, nil
}

// Pay takes a voucher; what it covers is delivered no longer.
func (s Sold) Pay(d artel.Domain, v artel.Voucher, sig artel.Signature, now int64) (Sold, []Effect, error) {
	s = s.meter(now)
	b, err := s.Book.TakeVoucher(d, v, sig, s.Signer)
	if err != nil {
		return s, nil, err
	}
	s.Book = b
	n := 0
	for n < len(s.Delivered) && !b.Voucher.Less(s.Delivered[n].Due) {
		n++
	}
	s.Delivered = s.Delivered[n:]
	switch {
	case !s.Book.Voucher.Less(s.Book.Due()):
		s.UnpaidAt = 0
	case n > 0:
		s.UnpaidAt = now
	}
	s, fx := s.settle(now)
	return s, fx, nil
}

// Reserved takes a signed reserve.
func (s Sold) Reserved(d artel.Domain, r artel.Reserve, sig artel.Signature, now int64) (Sold, []Effect, error) {
	s = s.meter(now)
	b, err := s.Book.TakeReserve(d, r, sig, s.Signer, uint64(now/1000))
	if err != nil {
		return s, nil, err
	}
	s.Book = b
	s, fx := s.settle(now)
	return s, fx, nil
}

// LaneSeen takes over a final block's view and stops what is no longer safe.
func (s Sold) LaneSeen(l Lane, p Policy, now int64) (Sold, []Effect) {
	s = s.meter(now)
	s.Book = s.Book.Seen(l)
	var fx []Effect
	sec := uint64(now / 1000)
	switch {
	case l.ReleaseAt != 0:
		s, fx = s.stop(artel.ReasonUnpaid, "the renter is releasing the lane", now)
		fx = append(fx, Redeem{})
	case !l.Signer.Good(max(sec, l.Time), p.Delay):
		s, fx = s.stop(artel.ReasonUnpaid, "the renter's session signer runs out before its vouchers could be redeemed; hint: artel wallet signer", now)
	}
	s, more := s.settle(now)
	return s, append(fx, more...)
}

// Tick does what time alone brings.
func (s Sold) Tick(p Policy, now int64) (Sold, []Effect) {
	s = s.meter(now)
	var fx []Effect
	if s.Phase == Open && s.UnpaidAt == 0 && len(s.Running) == 0 && s.Book.Voucher.Less(s.Due(now)) {
		s.UnpaidAt = now // held without a task; a renter that is there pays for it at every heartbeat
	}
	if !s.stuck() {
		s.StuckAt = 0
	} else if s.StuckAt == 0 {
		s.StuckAt = now
	}
	switch {
	case s.Phase == Closed:
		return s, nil
	case s.Phase == Open && uint64(now/1000) >= s.Lease.End:
		s, fx = s.stop(artel.ReasonExpired, "the lease is over", now)
	case s.Phase == Open && s.UnpaidAt != 0 && now-s.UnpaidAt > p.Patience && !s.trusts():
		s, fx = s.stop(artel.ReasonUnpaid, fmt.Sprintf("%s units are due for %d s", s.Due(now).Sub(s.Book.Voucher), (now-s.UnpaidAt)/1000), now)
	case s.Phase == Open && s.FreeAt != 0 && now-s.FreeAt > p.Patience:
		s, fx = s.stop(artel.ReasonUnpaid, fmt.Sprintf("the lease was held without a task for %d s after its money ran out", (now-s.FreeAt)/1000), now)
	case s.trusts() && !s.covers(s.Terms.UnitCost(), s.busy()):
		s, fx = s.stop(artel.ReasonUnpaid, fmt.Sprintf("%s units are due and not secured; what becomes due next might be beyond %s", s.Book.Exposed(), s.Terms.MaxUnpaid), now)
	case s.StuckAt != 0 && now-s.StuckAt > stuckFor*p.Patience:
		s, fx = s.stop(artel.ReasonUnpaid, fmt.Sprintf("nothing could start for %d s: too little is secured; hint: the account's deposit, or the signer's allowance", (now-s.StuckAt)/1000), now)
	case s.Phase == Open && s.Terms.MaxUnpaid.Less(s.Due(now).Sub(s.Book.Secured())):
		s, fx = s.stop(artel.ReasonUnpaid, fmt.Sprintf("the lease is held %s units beyond what is secured, at most %s", s.Due(now).Sub(s.Book.Secured()), s.Terms.MaxUnpaid), now)
	}
	if s.Phase == Open && s.Terms.Risk != 0 {
		for _, r := range s.Running {
			gone := s.unsafe(r, now)
			switch {
			case gone <= int64(s.Terms.Risk):
			case s.serves():
				fx = append(fx, Drain{r.TaskKey, artel.ReasonUnpaid, fmt.Sprintf("no check of it was answered for %d s; hint: the renter's daemon must run, or --away be longer", gone/1000)})
			default:
				fx = append(fx, Drain{r.TaskKey, artel.ReasonUnpaid, fmt.Sprintf("no checkpoint was confirmed for %d s; hint: keepers that can be reached", gone/1000)})
			}
		}
	}
	s, more := s.settle(now)
	return s, append(fx, more...)
}

// trusts reports whether the lease goes on for what is within MaxUnpaid although
// nobody pays: its renter may be asleep, and its work is safe.
func (s Sold) trusts() bool { return s.Phase == Open && s.Terms.Risk != 0 && s.busy() > 0 }

// Close is the renter's wish to end: no new tasks, what runs is ended.
func (s Sold) Close(now int64) (Sold, []Effect) {
	s = s.meter(now)
	s, fx := s.stop(artel.ReasonCancelled, "the renter closed the lease", now)
	s, more := s.settle(now)
	return s, append(fx, more...)
}

// Cancel ends one attempt. An attempt that is not there is no error.
func (s Sold) Cancel(k TaskKey, now int64) (Sold, []Effect) {
	s = s.meter(now)
	for _, r := range s.Running {
		if r.TaskKey == k {
			return s, []Effect{Kill{k}}
		}
	}
	return s, nil
}

func (s Sold) stop(why artel.Reason, msg string, now int64) (Sold, []Effect) {
	if s.Phase != Open {
		return s, nil
	}
	if billed, err := s.bill(0); err == nil {
		s = billed // the last idle stretch
	}
	s.Phase, s.Stop, s.Message = Ending, why, msg
	var fx []Effect
	for _, r := range s.Running {
		if (r.Keep != nil || s.serves()) && r.Started != 0 && why != artel.ReasonCancelled && why != artel.ReasonEvicted {
			fx = append(fx, Drain{r.TaskKey, why, msg})
			continue
		}
		fx = append(fx, Kill{r.TaskKey})
	}
	return s, fx
}

// settle starts what may start, and closes a lease that ends with nothing left
// to run.
func (s Sold) settle(now int64) (Sold, []Effect) {
	s, fx := s.next(now)
	if s.Phase == Ending && len(s.Running) == 0 {
		s.Phase = Closed
		fx = append(fx, Redeem{})
	}
	return s, fx
}
