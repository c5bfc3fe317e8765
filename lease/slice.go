package lease

import (
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// The pay rule "time": what runs is paid for as long as it answers. A check is a
// connection of the renter's to the program's port, by way of the provider, so both
// sides see it and neither needs the other's word for it:
//
//	renter ──check──▶ provider ──▶ program        Sold.Answered: due is the time since the last one, at most Risk
//	renter ◀──answered── provider ◀── program     Bought.Answered: the same by the renter's clock
//	renter ◀──Slice── provider                    Bought.Ended: no more than that, and one Risk

// serves reports whether the lease is paid by the time that its programs answer.
func (s Sold) serves() bool { return s.Lease.Rule == artel.RuleTime }

// Runs notes that the program of an attempt has begun to run: from now on it is to
// be checked.
func (s Sold) Runs(k TaskKey, now int64) Sold {
	i := slices.IndexFunc(s.Running, func(r Running) bool { return r.TaskKey == k })
	if !s.serves() || i < 0 {
		return s
	}
	s.Running = slices.Clone(s.Running)
	s.Running[i].SafeAt = now
	return s
}

// Answered notes that the program answered the renter's check after it has run for
// wall ms. Where enough has come together it gives the slice that is due, to be stored
// BEFORE anybody hears of it; else nil.
func (s Sold) Answered(k TaskKey, wall uint64, now int64) (Sold, *artel.Slice, []Effect, error) {
	s = s.meter(now)
	i := slices.IndexFunc(s.Running, func(r Running) bool { return r.TaskKey == k })
	if !s.serves() || i < 0 {
		return s, nil, nil, fmt.Errorf("check task %d attempt %d: no service of that number runs", k.Task, k.Attempt)
	}
	r := s.Running[i]
	r.Earned, r.Ran = r.upTo(wall, s.Terms)
	r.SafeAt = now
	var slice *artel.Slice
	var fx []Effect
	if r.Earned >= r.Billed+s.Terms.Slice() {
		billed, err := s.bill(r.Earned - r.Billed)
		if err != nil {
			return s, nil, nil, err
		}
		s, r.Billed = billed, r.Earned
		s.Seq++
		slice = &artel.Slice{Earned: r.Earned, Idle: s.Idle, Due: s.Book.Due()}
		s.Delivered = append(slices.Clip(s.Delivered), Delivered{k, slice.Due})
		if s.UnpaidAt == 0 && s.Book.Voucher.Less(slice.Due) {
			s.UnpaidAt = now
		}
	}
	s.Running = slices.Clone(s.Running)
	s.Running[i] = r
	if slice != nil {
		s, fx = s.settle(now)
	}
	return s, slice, fx, nil
}

// upTo is what an attempt has earned when it answers, or ends, after wall ms, and the
// wall that counts.
func (r Running) upTo(wall uint64, t artel.Terms) (earned, ran uint64) {
	wall = max(min(wall, t.Unit), r.Ran)
	return r.Earned + t.Answered(wall-r.Ran), wall
}

// Answered notes that a check of an attempt was answered.
func (b Bought) Answered(k TaskKey, now int64) Bought {
	i := slices.IndexFunc(b.Outstanding, func(o Outstanding) bool { return o.TaskKey == k })
	if i < 0 {
		return b
	}
	b.Outstanding = slices.Clone(b.Outstanding)
	o := &b.Outstanding[i]
	gap := uint64(max(0, now-max(o.SeenAt, o.Sent)))
	o.Seen += min(gap, b.Terms.Risk+Tolerance) // of two that are measured a little apart both may be cut
	o.SeenAt = max(o.SeenAt, now)
	return b
}

// slice checks a slice of what is outstanding at i, as check does a receipt.
func (b Bought) slice(x artel.Slice, i int, now int64) (Bought, error) {
	o := b.Outstanding[i]
	switch {
	case b.Lease.Rule != artel.RuleTime:
		return b, artel.Invalid("a slice of a task that is paid by %s", b.Lease.Rule)
	case x.Earned <= o.Billed:
		return b, artel.Invalid("slice of %d ms in all, %d were billed before", x.Earned, o.Billed)
	case x.Earned-o.Billed < b.Terms.Slice():
		return b, artel.Invalid("slice of %d ms, the least is %d: each is stored and paid", x.Earned-o.Billed, b.Terms.Slice())
	}
	// The provider may have seen one answer that did not come back here in time, or that
	// was forgotten by a crash here.
	unseen := b.seen(x.Earned, o, b.Terms.Risk)
	if unseen != nil && b.Gap.To == 0 {
		return b, unseen
	}
	b, err := b.billed(x.Earned, x.Earned-o.Billed, x.Idle, o, now)
	if err != nil {
		return b, err
	}
	if unseen != nil && !b.promised() {
		return b, unseen
	}
	if b.Book.Due() != x.Due {
		return b, artel.Invalid("slice says %s units are due in all, by its own meter it is %s", x.Due, b.Book.Due())
	}
	if o.Billed = x.Earned; unseen != nil {
		o.Seen = x.Earned // by who promised it, about; after that a Risk is open as ever
	}
	b.Outstanding = slices.Clone(b.Outstanding)
	b.Outstanding[i] = o
	return b, nil
}

// promised reports whether what is due now was promised by the controller that the lease
// was taken over from, see Gap. It had seen checks that its records do not have; there is no
// better proof of them than its signature.
func (b Bought) promised() bool { return !b.Book.Voucher.Less(b.Book.Due()) }

// seen holds what an attempt is said to have earned against the checks that were
// answered here, and more ms for which they may not have been yet.
func (b Bought) seen(earned uint64, o Outstanding, more uint64) error {
	if most := o.Seen + more + Tolerance; earned > most {
		return artel.Invalid("%d ms are billed, by answered checks it is %d at most", earned, most)
	}
	return nil
}
