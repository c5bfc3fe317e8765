package lease

import (
	"testing"

	"github.com/artel-network/artel"
)

// What a renter writes into the terms must not overflow: a panic would take the
// provider's daemon down.
func TestPrepaidBeyondTheLedgerNeverStarts(t *testing.T) {
	s := newSold()
	s.Terms.Base, s.Book.Accrued = artel.AccrualOf(artel.MaxAmount), artel.AccrualOf(artel.MaxAmount)
	s.Terms.Prepaid, s.Book.Voucher, s.Book.Cap = artel.MaxAmount, artel.MaxAmount, artel.MaxAmount
	s, fx, err := s.Take(TaskKey{Task: 1, Attempt: 1}, spec, nil, start+1)
	if err != nil || len(fx) != 0 || s.busy() != 0 {
		t.Fatalf("got effects %v, error %v: a unit that cannot be prepaid was taken for prepaid", fx, err)
	}
}

// A lease on which nothing runs and nothing may run ends, whatever vouchers come:
// without a cap they are paper, and the machine would be held for nothing.
func TestALeaseThatCannotStartEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(Sold) Sold
		free bool // the money comes
	}{
		{"prepaid, never booked", func(s Sold) Sold { s.Terms.Prepaid = artel.Units(60_000); return s }, false},
		{"prepaid, booked", func(s Sold) Sold {
			s.Terms.Prepaid, s.Book.Cap, s.Book.Voucher = artel.Units(60_000), artel.Units(60_000), artel.Units(60_000)
			return s
		}, true},
		{"vouchers beyond the cap", func(s Sold) Sold {
			s.Book.Accrued, s.Book.Voucher = artel.AccrualOf(artel.Units(120_000)), artel.Units(120_000)
			return s
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.make(newSold())
			s, _, err := s.Take(TaskKey{Task: 1, Attempt: 1}, spec, nil, start)
			if err != nil {
				t.Fatal(err)
			}
			now := start
			for range 2 * stuckFor * int(policy.Patience/1000) {
				now += 1000
				// The thief pays on paper, so that nothing is ever due.
				v := voucher(0)
				v.Cumulative = s.Due(now).Max(s.Book.Voucher)
				if s, _, err = s.Pay(domain, v, renter.Sign(v.Digest(domain)), now); err != nil {
					t.Fatal(err)
				}
				s, _ = s.Tick(policy, now)
			}
			if open := s.Phase == Open; open != c.free {
				t.Errorf("after %d s the lease is %s: %s", (now-start)/1000, s.Phase, s.Message)
			}
		})
	}
}

// A lease that waits for money with tasks in its queue is held all the same.
func TestWaitingForMoneyIsHeld(t *testing.T) {
	s := newSold()
	s.Terms.Prepaid = artel.Units(60_000)
	s, _, err := s.Take(TaskKey{Task: 1, Attempt: 1}, spec, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Due(start+10_000), artel.Units(20_000); got != want { // two slots, ten seconds
		t.Errorf("%s units are due, want %s", got, want)
	}
}

// Inputs that never come hold a slot all the same, and never more than the
// renter's own clock allows.
func TestFetchingIsHeld(t *testing.T) {
	for why, want := range map[artel.Reason]uint64{artel.ReasonNoInput: 20_000, artel.ReasonCancelled: 20_000, artel.ReasonBadProgram: 20_000, artel.ReasonHost: 10_000} {
		s := newSold()
		s.Terms.MaxUnpaid = artel.Units(200_000)
		s, fx, err := s.Take(TaskKey{Task: 1, Attempt: 1}, spec, nil, start)
		if err != nil || len(fx) != 1 {
			t.Fatalf("effects %v, error %v", fx, err)
		}
		s, _, _, err = s.Finished(Finish{TaskKey: TaskKey{Task: 1, Attempt: 1}, Reason: why}, start+10_000)
		if err != nil || s.Idle != want {
			t.Errorf("%s: %d ms were held, want %d (%v)", why, s.Idle, want, err)
		}
	}
}
