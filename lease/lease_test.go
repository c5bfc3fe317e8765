package lease

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
)

// One lease of two slots: a unit is a minute and costs 60,000 units, ten
// thousand seconds after the epoch.
const (
	start = int64(10_000_000) // unix ms
	price = artel.Price(1_000_000_000)
	unit  = uint64(60_000)
)

var (
	domain   = artel.NewDomain(7, artel.Address{1}, artel.Address{2})
	renter   = testKey(1)
	provider = testKey(2)
	stranger = testKey(3)
	lane     = artel.LaneNumber(renter.Address(), 0x10000)
	spec     = artel.TaskSpec{Program: ref(1), Wall: unit}
	policy   = Policy{Delay: 86_400, Patience: 60_000}
)

func testKey(n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		panic(err)
	}
	return k
}

func ref(n byte) artel.Ref {
	r, err := artel.NewRef(artel.CodecRaw, [32]byte{n})
	if err != nil {
		panic(err)
	}
	return r
}

func document() (artel.Lease, artel.Terms) {
	t := artel.Terms{
		Node: provider.NodeID(), Renter: renter.NodeID(), Slots: 2, Price: price, Unit: unit, Sandbox: "wasm",
		MaxUnpaid: artel.Units(120_000),
	}
	l := artel.Lease{
		Renter: renter.Address(), Provider: provider.Address(), Lane: lane, Start: uint64(start / 1000),
		End: uint64(start/1000) + 3600, Rule: artel.RuleResult,
	}
	return l, t
}

func newSold() Sold {
	l, t := document()
	return NewSold(l.ID(domain), l, t, renter.Address(), Book{Key: KeyOf(l)}, start)
}

func newBought() Bought {
	l, t := document()
	id := l.ID(domain)
	b := NewBought(id, l, t, nil, renter.Sign(id), Book{Key: KeyOf(l)}, start)
	b, err := b.Accepted(provider.Sign(id), start)
	if err != nil {
		panic(err)
	}
	return b
}

func voucher(n uint64) artel.Voucher {
	return artel.Voucher{Renter: renter.Address(), Provider: provider.Address(), Lane: lane, Cumulative: artel.Units(n)}
}

func reserve(n uint64) artel.Reserve {
	return artel.Reserve{Renter: renter.Address(), Provider: provider.Address(), Lane: lane, Cap: artel.Units(n), ValidUntil: uint64(start/1000) + 60}
}

// refused checks an error's text; "" wants none.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestTakeVoucher(t *testing.T) {
	for _, c := range []struct {
		name string
		v    artel.Voucher
		key  artel.Key
		held uint64
		want string
	}{
		{"higher", voucher(200), renter, 100, ""},
		{"equal", voucher(100), stranger, 100, ""}, // changes nothing, so nothing is checked
		{"backwards", voucher(99), renter, 100, "goes backwards"},
		{"another signer", voucher(200), stranger, 100, "signed by"},
		{"another lane", artel.Voucher{Renter: renter.Address(), Provider: provider.Address(), Lane: lane + 1, Cumulative: artel.Units(200)}, renter, 100, "another lane"},
		{"another provider", artel.Voucher{Renter: renter.Address(), Provider: stranger.Address(), Lane: lane, Cumulative: artel.Units(200)}, renter, 100, "another lane"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newSold().Book
			b.Voucher = artel.Units(c.held)
			next, err := b.TakeVoucher(domain, c.v, c.key.Sign(c.v.Digest(domain)), renter.Address())
			refused(t, err, c.want)
			if want := max(c.held, map[bool]uint64{true: 200}[c.name == "higher"]); next.Voucher != artel.Units(want) {
				t.Errorf("the book holds %s, want %d", next.Voucher, want)
			}
		})
	}
}

func TestTakeReserve(t *testing.T) {
	late, epoch := reserve(200), reserve(200)
	late.ValidUntil = uint64(start / 1000)
	epoch.Epoch = 1
	for _, c := range []struct {
		name string
		r    artel.Reserve
		key  artel.Key
		want string
		cap  uint64
	}{
		{"higher", reserve(200), renter, "", 200},
		{"lower is harmless", reserve(50), stranger, "", 100},
		{"another signer", reserve(200), stranger, "signed by", 100},
		{"ran out", late, renter, "ran out", 100},
		{"another epoch", epoch, renter, "epoch 1", 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newSold().Book
			b.Reserve.Cap = artel.Units(100)
			next, err := b.TakeReserve(domain, c.r, c.key.Sign(c.r.Digest(domain)), renter.Address(), uint64(start/1000))
			refused(t, err, c.want)
			if next.Reserve.Cap != artel.Units(c.cap) {
				t.Errorf("the book holds a cap of %s, want %d", next.Reserve.Cap, c.cap)
			}
		})
	}
}

func TestBookSecures(t *testing.T) {
	for _, c := range []struct {
		due, voucher, cap, paid                uint64
		secured, exposed, redeemable, unbooked uint64
	}{
		{due: 100},
		{due: 100, voucher: 60, cap: 0, exposed: 100, unbooked: 60},
		{due: 100, voucher: 60, cap: 50, secured: 50, exposed: 50, redeemable: 50, unbooked: 10},
		{due: 100, voucher: 100, cap: 500, paid: 70, secured: 100, redeemable: 30},
		{due: 10, voucher: 60, cap: 60, secured: 60, redeemable: 60}, // prepaid
	} {
		b := Book{Accrued: artel.AccrualOf(artel.Units(c.due)), Voucher: artel.Units(c.voucher), Cap: artel.Units(c.cap), Paid: artel.Units(c.paid)}
		if c.due == 100 && c.voucher == 0 {
			c.exposed = 100
		}
		got := [4]artel.Amount{b.Secured(), b.Exposed(), b.Redeemable(), b.Unbooked()}
		want := [4]artel.Amount{artel.Units(c.secured), artel.Units(c.exposed), artel.Units(c.redeemable), artel.Units(c.unbooked)}
		if got != want {
			t.Errorf("%+v: secured, exposed, redeemable, unbooked are %v, want %v", c, got, want)
		}
	}
}

func TestReleaseKillsReserve(t *testing.T) {
	b := newSold().Book
	b.Reserve.Cap = artel.Units(100)
	if b = b.Seen(Lane{Cap: artel.Units(5), Paid: artel.Units(5), Epoch: 1}); !b.Reserve.Cap.IsZero() || b.CanBook(0) {
		t.Errorf("a reserve of epoch 0 is still good in epoch 1")
	}
}

func TestTake(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Sold, *TaskKey, *artel.TaskSpec, *int64)
		want   string
		runs   int
	}{
		{"as it should be", func(*Sold, *TaskKey, *artel.TaskSpec, *int64) {}, "", 1},
		{"twice", func(s *Sold, k *TaskKey, _ *artel.TaskSpec, _ *int64) {
			s.Running = []Running{{TaskKey: *k, Started: start}}
		}, "", 0},
		{"used number", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) { s.Floor = 1 }, "used before", 0},
		{"ended lease", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) { s.Phase = Ending }, "no new tasks", 0},
		{"after its end", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, now *int64) { *now = int64(s.Lease.End) * 1000 }, "is over", 0},
		{"longer than a unit", func(_ *Sold, _ *TaskKey, x *artel.TaskSpec, _ *int64) { x.Wall = unit + 1 }, "time limit", 0},
		{"no program", func(_ *Sold, _ *TaskKey, x *artel.TaskSpec, _ *int64) { x.Program = artel.Ref{} }, "no program", 0},
		{"too much unpaid", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) {
			s.Book.Accrued = artel.AccrualOf(artel.Units(60_001))
		}, "", 0},
		{"unpaid but secured", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) {
			s.Book.Accrued = artel.AccrualOf(artel.Units(60_001))
			s.Book.Voucher, s.Book.Cap = artel.Units(60_001), artel.Units(60_001)
		}, "", 1},
		{"voucher without a cap secures nothing", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) {
			s.Book.Accrued, s.Book.Voucher = artel.AccrualOf(artel.Units(60_001)), artel.Units(60_001)
		}, "", 0},
		{"all slots busy", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) {
			s.Running = []Running{{TaskKey: TaskKey{8, 1}, Started: start}, {TaskKey: TaskKey{9, 1}, Started: start}}
		}, "", 0},
		{"prepaid is not there", func(s *Sold, _ *TaskKey, _ *artel.TaskSpec, _ *int64) { s.Terms.Prepaid = artel.Units(60_000) }, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, k, x, now := newSold(), TaskKey{1, 1}, spec, start
			c.change(&s, &k, &x, &now)
			_, fx, err := s.Take(k, x, nil, now)
			refused(t, err, c.want)
			runs := 0
			for _, e := range fx {
				if _, ok := e.(Run); ok {
					runs++
				}
			}
			if runs != c.runs {
				t.Errorf("%d attempts begin, want %d", runs, c.runs)
			}
		})
	}
}

// A provider whose maxUnpaid is one unit must be able to work: time that the
// lease is held never stands in the way of a task.
func TestIdleTimeLeavesRoomForATask(t *testing.T) {
	s := newSold()
	s.Terms.MaxUnpaid = s.Terms.UnitCost()
	s, _ = s.Tick(policy, start+20_000)
	s, fx, err := s.Take(TaskKey{1, 1}, spec, nil, start+30_000)
	if err != nil || len(fx) != 1 {
		t.Fatalf("the task does not begin: %v, %v", fx, err)
	}
	s, r, _, err := s.Finished(Finish{TaskKey: TaskKey{1, 1}, Billed: true, Usage: artel.Usage{Wall: unit}}, start+90_000)
	if err != nil || r.Due != artel.Units(60_000) || s.Terms.MaxUnpaid.Less(s.Book.Exposed()) {
		t.Errorf("due %s, exposed by %s of %s: %v", r.Due, s.Book.Exposed(), s.Terms.MaxUnpaid, err)
	}
}

// What is due never outgrows maxUnpaid, however long the lease is held and
// whatever runs.
func TestNeverBeyondMaxUnpaid(t *testing.T) {
	s, n := newSold(), uint64(0)
	for now := start; now < start+3_000_000; now += 7_000 {
		s, _ = s.Tick(Policy{Delay: 1, Patience: 1 << 40}, now)
		if len(s.Running) < 2 {
			n++
			s, _, _ = s.Take(TaskKey{n, 1}, spec, nil, now)
		}
		if len(s.Running) > 0 && s.Running[0].Started != 0 && now-s.Running[0].Started > 30_000 {
			s, _, _, _ = s.Finished(Finish{TaskKey: s.Running[0].TaskKey, Billed: true, Usage: artel.Usage{Wall: 2 * unit}}, now)
		}
		if s.Terms.MaxUnpaid.Less(s.Book.Exposed()) {
			t.Fatalf("after %d s %s units are unpaid, at most %s", (now-start)/1000, s.Book.Exposed(), s.Terms.MaxUnpaid)
		}
	}
	if s.Book.Due().IsZero() {
		t.Error("nothing was billed at all")
	}
}

func TestTickEndsALease(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Sold)
		after  int64 // ms
		want   artel.Reason
	}{
		{"paid for and used", func(s *Sold) { s.Book.Voucher, s.Book.Cap = artel.Units(1e6), artel.Units(1e6) }, 59_000, ""},
		{"its time is over", func(*Sold) {}, 3_600_000, artel.ReasonExpired},
		{"a receipt is not paid", func(s *Sold) { s.Book.Accrued, s.UnpaidAt = artel.AccrualOf(artel.Units(9)), start }, 60_001, artel.ReasonUnpaid},
		{"patience lasts", func(s *Sold) { s.Book.Accrued, s.UnpaidAt = artel.AccrualOf(artel.Units(9)), start }, 60_000, ""},
		{"held for nothing", func(s *Sold) { s.Terms.MaxUnpaid, s.FreeAt = s.Terms.UnitCost(), start }, 60_001, artel.ReasonUnpaid},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSold()
			c.change(&s)
			s, _ = s.Tick(policy, start+c.after)
			if s.Stop != c.want {
				t.Errorf("it stops for %q (%s), want %q", s.Stop, s.Message, c.want)
			}
		})
	}
	s := newSold() // nobody pays for the holding
	for now := start; now <= start+3*policy.Patience; now += 1000 {
		s, _ = s.Tick(policy, now)
	}
	if s.Stop != artel.ReasonUnpaid {
		t.Errorf("a lease that nobody uses or pays is still %s", s.Phase)
	}
}

func TestLaneSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		lane Lane
		want artel.Reason
	}{
		{"as it should be", Lane{Signer: SignerRights{Account: true}}, ""},
		{"a release runs", Lane{ReleaseAt: 99, Signer: SignerRights{Account: true}}, artel.ReasonUnpaid},
		{"the signer outlasts the delay", Lane{Signer: SignerRights{Until: uint64(start/1000) + 86_400}}, ""},
		{"the signer runs out before", Lane{Signer: SignerRights{Until: uint64(start/1000) + 86_399}}, artel.ReasonUnpaid},
	} {
		if s, _ := newSold().LaneSeen(c.lane, policy, start); s.Stop != c.want {
			t.Errorf("%s: it stops for %q, want %q", c.name, s.Stop, c.want)
		}
	}
}

func TestPayOpensWhatItCovers(t *testing.T) {
	s := newSold()
	s.Delivered = []Delivered{{TaskKey{1, 1}, artel.Units(10)}, {TaskKey{2, 1}, artel.Units(20)}}
	s.Book.Accrued, s.UnpaidAt = artel.AccrualOf(artel.Units(20)), start
	v := voucher(19)
	s, _, err := s.Pay(domain, v, renter.Sign(v.Digest(domain)), start)
	if err != nil || len(s.Delivered) != 1 || s.Delivered[0].Task != 2 {
		t.Errorf("19 of 20 units leave %v: %v", s.Delivered, err)
	}
}

// A restart ends what ran, without a signature and without a bill.
func TestRestarted(t *testing.T) {
	s, _, err := newSold().Take(TaskKey{1, 1}, spec, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	due := s.Book.Due()
	again := s.Restarted(start+50_000, func(k TaskKey) bool { return k == TaskKey{1, 1} })
	if len(again.Running) != 1 || again.Due(start+50_000) != due {
		t.Errorf("%d attempts of one that goes on, %s units are due", len(again.Running), again.Due(start+50_000))
	}
	s = s.Restarted(start+50_000, func(TaskKey) bool { return false })
	if len(s.Running) != 0 || s.Due(start+50_000) != due {
		t.Errorf("%d attempts run after a restart, %s units are due", len(s.Running), s.Due(start+50_000))
	}
	if _, _, _, err := s.Finished(Finish{TaskKey: TaskKey{1, 1}, Billed: true}, start+50_000); err == nil {
		t.Error("an attempt that was lost is signed")
	}
}

func TestGapIsNoDispute(t *testing.T) {
	b, _, err := newBought().Ended(domain, End{Seq: 2}, start)
	if !errors.Is(err, ErrGap) || b.Disputed {
		t.Errorf("got %v, want %v", err, ErrGap)
	}
}

// What a session signer promised, owes or has running is booked at once: the
// account can take its allowance away from one block to the next. The account's
// own waits until it is worth the gas.
func TestASessionSignersReserveIsBookedAtOnce(t *testing.T) {
	runs := []Running{{TaskKey: TaskKey{Task: 1, Attempt: 1}, Started: start}}
	for _, c := range []struct {
		name    string
		signer  artel.Address
		voucher uint64
		running []Running
		cap     uint64
		want    bool
	}{
		{"account", renter.Address(), 10, runs, 0, false},
		{"promised", stranger.Address(), 10, nil, 0, true},
		{"running", stranger.Address(), 0, runs, 0, true},
		{"nothing yet", stranger.Address(), 0, nil, 0, false},
		{"promised within the cap", stranger.Address(), 10, nil, 10, false},
		{"running beyond the cap", stranger.Address(), 10, runs, 10, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSold()
			s.Signer, s.Running = c.signer, c.running
			s.Book.Reserve, s.Book.Voucher, s.Book.Cap = reserve(1_000_000), artel.Units(c.voucher), artel.Units(c.cap)
			_, fx := s.next(start)
			if got := slices.Contains(fx, Effect(BookReserve{})); got != c.want {
				t.Errorf("effects %v, want a booking: %v", fx, c.want)
			}
		})
	}
}

// Time that never was is metered by nobody, and time that was by both.
func TestClockIsSet(t *testing.T) {
	const hour = int64(3_600_000)
	for _, jump := range []int64{hour, -hour} {
		s, b := newSold(), newBought()
		s.Terms.MaxUnpaid = artel.Units(1 << 40)
		k := TaskKey{Task: 1, Attempt: 1}
		b = b.Sent(k, nil, start)
		s, _, err := s.Take(k, spec, nil, start)
		if err != nil {
			t.Fatal(err)
		}
		s, b = s.Shifted(jump), b.Shifted(jump)
		now := start + jump + 5_000
		s, r, _, err := s.Finished(Finish{TaskKey: k, Billed: true, Reason: artel.ReasonExited, Usage: artel.Usage{Wall: 5_000}}, now)
		if err != nil || r == nil {
			t.Fatalf("receipt %v, error %v", r, err)
		}
		if s.Idle != 5_000 { // one of two slots was free
			t.Errorf("jump of %d ms: %d ms are billed as idle, want 5000", jump, s.Idle)
		}
		r.Signature = provider.Sign(r.Result.Digest(domain))
		b, v, err := b.Ended(domain, End{Seq: 1, Task: 1, Attempt: 1, Receipt: r}, now)
		if err != nil || v.Receipt == nil || b.Disputed {
			t.Errorf("jump of %d ms: %+v, %v", jump, v, err)
		}
		if s.UnpaidAt != now || len(b.Overdue(now, 0)) != 0 {
			t.Errorf("unpaid since %d, want %d", s.UnpaidAt, now)
		}
	}
}

func TestSignerRightsInWords(t *testing.T) {
	text, _ := SignerRights{Until: 1_795_383_144}.Short(1_795_383_144, 86_400)
	if !strings.Contains(text, "ends at 2026-11-22T") || !strings.Contains(text, "until 2026-11-23T") {
		t.Error(text)
	}
	text, hint := SignerRights{}.Short(1, 2)
	if text != "the session signer has no rights" || !strings.Contains(hint, "artel wallet signer") {
		t.Error(text, hint)
	}
	if text, _ := (SignerRights{Until: 1<<64 - 1}).Short(1<<63, 1<<63); text == "" {
		t.Error("the largest time has no words")
	}
}
