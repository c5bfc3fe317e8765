package lease

import (
	"testing"

	"github.com/artel-network/artel"
)

// The lease of lease_test.go, paid by time: an answered check is good for 16 s, and
// two seconds of them make a slice.
const risk = 16_000

func serving(t *testing.T) (Sold, Bought) {
	t.Helper()
	l, terms := document()
	l.Rule, terms.Risk, terms.Unit, terms.Slots = artel.RuleTime, risk, artel.ServiceWall, 1
	terms.MaxUnpaid = artel.Units(1_000_000)
	id := l.ID(domain)
	b, err := NewBought(id, l, terms, nil, renter.Sign(id), Book{Key: KeyOf(l)}, start).Accepted(provider.Sign(id), start)
	if err != nil {
		t.Fatal(err)
	}
	s, fx, err := NewSold(id, l, terms, renter.Address(), Book{Key: KeyOf(l)}, start).Take(one, spec, nil, start)
	if err != nil || len(fx) != 1 {
		t.Fatalf("the service does not begin: %v, %v", fx, err)
	}
	return s.Runs(one, start), b.Sent(one, nil, start)
}

// check is one that both sides see answered at start+wall ms.
func check(t *testing.T, s Sold, b Bought, seq *uint64, wall uint64) (Sold, Bought) {
	t.Helper()
	now := start + int64(wall)
	s, x, _, err := s.Answered(one, wall, now)
	if err != nil {
		t.Fatal(err)
	}
	if b = b.Answered(one, now); x == nil {
		return s, b
	}
	*seq++
	b, v, err := b.Ended(domain, End{Seq: *seq, Task: 1, Attempt: 1, Slice: x}, now)
	if err != nil || v.Slice == nil || !v.Known || b.Disputed {
		t.Fatalf("slice %+v after %d ms does not count: %s, %v", *x, wall, v.Message, err)
	}
	if owed, _ := b.Owed(); owed != s.Book.Due() || owed != x.Due {
		t.Fatalf("%s units are owed, %s due", owed, s.Book.Due())
	}
	return s, b
}

func ended(t *testing.T, s Sold, b Bought, seq, wall uint64) (Bought, Verdict) {
	t.Helper()
	now := start + int64(wall)
	_, r, _, err := s.Finished(Finish{TaskKey: one, Billed: true, Reason: artel.ReasonCancelled, Usage: artel.Usage{Wall: wall}}, now)
	if err != nil {
		t.Fatal(err)
	}
	r.Signature = provider.Sign(r.Result.Digest(domain))
	b, v, err := b.Ended(domain, End{Seq: seq + 1, Task: 1, Attempt: 1, Receipt: r}, now)
	if err != nil {
		t.Fatal(err)
	}
	return b, v
}

// What answers all the time is paid for all of it, once, and both sides say so.
func TestAnsweredTimeIsPaid(t *testing.T) {
	s, b := serving(t)
	var seq uint64
	for wall := uint64(1_000); wall <= 60_000; wall += 1_000 {
		s, b = check(t, s, b, &seq, wall)
	}
	if want := artel.Units(60_000); s.Book.Due() != want || seq != 30 {
		t.Errorf("%s units are due after a minute, want %s; %d slices, want 30", s.Book.Due(), want, seq)
	}
	b, v := ended(t, s, b, seq, 60_500)
	if want := artel.Units(60_500); v.Receipt == nil || b.Book.Due() != want {
		t.Errorf("%s units are due at the end, want %s: %s", b.Book.Due(), want, v.Message)
	}
}

// Time for which nobody looked is not paid beyond one Risk, at the beginning, between
// and at the end; and where both cut the same gaps, a clock that is a little fast is no lie.
func TestUnansweredTimeIsNotPaid(t *testing.T) {
	s, b := serving(t)
	var seq uint64
	s, b = check(t, s, b, &seq, 100_000)
	for n := range uint64(20) {
		s, b = check(t, s, b, &seq, 200_000+n*(risk+500))
	}
	last := uint64(200_000 + 19*(risk+500))
	b, v := ended(t, s, b, seq, last+100_000)
	if want := artel.Units(risk * 22); v.Receipt == nil || b.Book.Due() != want {
		t.Errorf("%s units are due, want %s: %s", b.Book.Due(), want, v.Message)
	}
}

// A program that ends before anybody could look is paid for one Risk at most.
func TestEndedBeforeACheck(t *testing.T) {
	s, b := serving(t)
	b, v := ended(t, s, b, 0, 40_000)
	if want := artel.Units(risk); v.Receipt == nil || b.Book.Due() != want {
		t.Errorf("%s units are due, want %s: %s", b.Book.Due(), want, v.Message)
	}
}

func TestSlice(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Bought, *artel.Slice)
		want   string
	}{
		{"as it should be", func(*Bought, *artel.Slice) {}, ""},
		{"heard before the answer was", func(b *Bought, _ *artel.Slice) { b.Outstanding[0].Seen = 0 }, ""},
		{"twice", func(b *Bought, x *artel.Slice) { b.Outstanding[0].Billed = x.Earned }, "were billed before"},
		{"less than before", func(b *Bought, x *artel.Slice) { b.Outstanding[0].Billed = x.Earned + 1 }, "were billed before"},
		{"a millisecond", func(b *Bought, x *artel.Slice) { b.Outstanding[0].Billed = x.Earned - 1 }, "the least is"},
		{"without answered checks", func(b *Bought, x *artel.Slice) {
			b.Outstanding[0].Seen, b.Outstanding[0].Sent = 0, start-3600_000
			x.Earned = risk + Tolerance + 1
		}, "by answered checks"},
		{"longer than it was out", func(_ *Bought, x *artel.Slice) { x.Earned = 10_000 + Tolerance + 1 }, "was out for"},
		{"more than it earned", func(_ *Bought, x *artel.Slice) { x.Due = x.Due.Add(artel.Units(1)) }, "by its own meter"},
		{"less than it earned", func(_ *Bought, x *artel.Slice) { x.Due = x.Due.Sub(artel.Units(1)) }, "by its own meter"},
		{"held longer than it exists", func(_ *Bought, x *artel.Slice) { x.Idle = 20_000 }, "has run"},
		{"of another rule", func(b *Bought, _ *artel.Slice) { b.Lease.Rule = artel.RuleResult }, "paid by result"},
		{"absurd", func(_ *Bought, x *artel.Slice) { x.Earned, x.Idle = ^uint64(0), ^uint64(0) }, "by answered checks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := serving(t)
			now := start + 10_000
			s, x, _, err := s.Answered(one, 10_000, now)
			if err != nil || x == nil {
				t.Fatalf("no slice: %v", err)
			}
			b = b.Answered(one, now)
			c.change(&b, x)
			after, v, err := b.Ended(domain, End{Seq: 1, Task: 1, Attempt: 1, Slice: x}, now)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if v.Slice == nil || after.Disputed || after.Book.Due() != s.Book.Due() || len(after.Outstanding) != 1 {
					t.Errorf("it does not count: %s", v.Message)
				}
				return
			}
			refused(t, artel.Invalid("%s", v.Message), c.want)
			if v.Slice != nil || !after.Disputed || !after.Book.Due().IsZero() || len(after.Outstanding) != 0 {
				t.Errorf("it counts: %+v; due %s", v, after.Book.Due())
			}
		})
	}
}

// A provider that says that all was answered gains one Risk over what the renter saw,
// however long it goes on, and another one with its receipt.
func TestALyingProviderGainsARisk(t *testing.T) {
	_, b := serving(t)
	var earned, seq uint64
	for now := start + 3_600_000; ; now += 1_000 {
		seq++
		next := earned + 1_000
		due, err := b.Terms.Base.Accrue(price, next)
		if err != nil {
			t.Fatal(err)
		}
		after, v, err := b.Ended(domain, End{Seq: seq, Task: 1, Attempt: 1, Slice: &artel.Slice{Earned: next, Due: due.Ceil()}}, now)
		if err != nil {
			t.Fatal(err)
		}
		if b = after; v.Slice == nil {
			break
		}
		earned = next
	}
	if earned > risk+Tolerance || !b.Disputed || b.Book.Due() != artel.Units(earned) {
		t.Errorf("it got %d ms, of which none was answered; due %s", earned, b.Book.Due())
	}
}

// A receipt may not say more than what was answered, either.
func TestAServicesReceiptIsHeldAgainstItsChecks(t *testing.T) {
	s, b := serving(t)
	s.Running[0].Earned, s.Running[0].Ran = 50_000, 50_000
	b, v := ended(t, s, b, 0, 51_000)
	if v.Receipt != nil || !b.Disputed || !b.Book.Due().IsZero() {
		t.Errorf("a receipt of %s units counts, nothing was answered", b.Book.Due())
	}
}

// Nobody checks any more: the renter is gone, or lies to itself.
func TestWhatIsNotCheckedIsDrained(t *testing.T) {
	s, _ := serving(t)
	s, _, _, err := s.Answered(one, 10_000, start+10_000)
	if err != nil {
		t.Fatal(err)
	}
	if _, fx := s.Tick(policy, start+10_000+risk); len(fx) != 0 {
		t.Fatalf("within its time: %+v", fx)
	}
	_, fx := s.Tick(policy, start+10_001+risk)
	if d, ok := fx[0].(Drain); !ok || d.TaskKey != one || d.Reason != artel.ReasonUnpaid {
		t.Errorf("a ms later: %+v", fx)
	}
	// What still fetches its image cannot be checked.
	s.Running[0].SafeAt = 0
	if _, fx := s.Tick(policy, start+10*risk); len(fx) != 0 {
		t.Errorf("before it runs: %+v", fx)
	}
}

// A renter that checks and does not pay gets what is within MaxUnpaid, and no more.
func TestACheckingRenterThatDoesNotPay(t *testing.T) {
	s, _ := serving(t)
	s.Terms.MaxUnpaid = artel.Units(3 * risk)
	for now := start + 1_000; ; now += 1_000 {
		if now > start+1_000_000 {
			t.Fatal("it runs on for nothing")
		}
		var err error
		if s, _, _, err = s.Answered(one, uint64(now-start), now); err != nil {
			t.Fatal(err)
		}
		next, fx := s.Tick(Policy{Delay: 1, Patience: 5_000}, now)
		s = next
		if s.Terms.MaxUnpaid.Less(s.Book.Exposed()) {
			t.Fatalf("%s units are unpaid, at most %s", s.Book.Exposed(), s.Terms.MaxUnpaid)
		}
		if len(fx) == 0 {
			continue
		}
		if d, ok := fx[0].(Drain); !ok || d.Reason != artel.ReasonUnpaid || s.Phase != Ending {
			t.Errorf("after %d s: %+v, %s", (now-start)/1000, fx, s.Phase)
		}
		return
	}
}

func TestServiceTerms(t *testing.T) {
	l, terms := document()
	l.Rule, terms.Risk = artel.RuleTime, risk
	refused(t, terms.Check(l), "names no image")
	terms.Image = artel.Hash{1}
	refused(t, terms.Check(l), "")
	terms.Risk = 0
	refused(t, terms.Check(l), "without a checkpoint or a check")
	l.Rule, terms.Risk = artel.RuleResult, risk
	refused(t, terms.Check(l), "without a checkpoint or a check")
	s, _ := serving(t)
	if _, _, err := s.Take(TaskKey{2, 1}, spec, keeping(), start); err == nil {
		t.Error("a lease that pays by time takes a task with checkpoints")
	}
	if _, _, _, err := newSold().Answered(one, 1, start); err == nil {
		t.Error("a lease that pays by results is paid for a check")
	}
}

// A controller that takes a lease over knows nothing of the checks since its records
// end. What its predecessor has promised for them counts, and no more than that: the
// provider cannot sell it the time between.
func TestTakenOverService(t *testing.T) {
	s, b := serving(t)
	var seq uint64
	s, b = check(t, s, b, &seq, 4_000)
	noted := b // here the records end; checks go on for a minute
	var slices []artel.Slice
	for wall := uint64(8_000); wall <= 60_000; wall += 4_000 {
		next, x, _, err := s.Answered(one, wall, start+int64(wall))
		if err != nil || x == nil {
			t.Fatalf("after %d ms: %v, %v", wall, x, err)
		}
		s, slices = next, append(slices, *x)
	}
	now := start + 3_600_000
	for _, c := range []struct {
		promised int // of the slices
		good     int
		more     uint64 // ms that are claimed beyond the last
	}{{len(slices), len(slices), 0}, {0, 4, 0}, {6, 9, 0}, {len(slices), len(slices), 600_000}} {
		b := noted.TakenOver(start+4_000, uint64(now))
		if c.promised > 0 {
			b.Book.Voucher = slices[c.promised-1].Due
		}
		told := slices
		if c.more > 0 {
			x := told[len(told)-1]
			x.Earned += c.more
			x.Due = artel.Cost(b.Terms.Price, x.Earned+x.Idle)
			told = append(told[:len(told):len(told)], x)
		}
		n := 0
		for i, x := range told {
			var v Verdict
			var err error
			if b, v, err = b.Ended(domain, End{Seq: seq + uint64(i) + 1, Task: 1, Attempt: 1, Slice: &x}, now); err != nil {
				t.Fatal(err)
			}
			if v.Slice == nil {
				break
			}
			n++
		}
		if n != c.good || b.Disputed != (c.good < len(told)) {
			t.Errorf("%d of %d were promised: %d slices count, want %d; disputed: %v", c.promised, len(told), n, c.good, b.Disputed)
		}
	}
}

// The clock was ahead when a check was noted, and the machine has restarted since: what is
// answered now counts.
func TestChecksOfAClockThatWasAhead(t *testing.T) {
	_, b := serving(t)
	b = b.Answered(one, start+3_600_000).NotAfter(start + 1_000)
	seen := b.Outstanding[0].Seen
	if b = b.Answered(one, start+5_000); b.Outstanding[0].Seen != seen+4_000 {
		t.Errorf("%d ms were seen, want %d", b.Outstanding[0].Seen, seen+4_000)
	}
}
