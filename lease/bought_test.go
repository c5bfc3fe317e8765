package lease

import (
	"testing"

	"github.com/artel-network/artel"
)

// sealedRef stands for an output that is closed until it is paid for.
var sealedRef = ref(9)

// receipt is of task 1, which ran for ten seconds.
func receipt(b Bought) artel.Receipt {
	r := artel.Receipt{
		Result: artel.Result{Lease: b.ID, Task: 1, Attempt: 1}, Reason: artel.ReasonExited,
		Usage: artel.Usage{Wall: 10_000}, Due: artel.Units(10_000),
	}
	r.Signature = provider.Sign(r.Result.Digest(domain))
	return r
}

func TestReceipt(t *testing.T) {
	sign := func(k artel.Key, r *artel.Receipt) { r.Signature = k.Sign(r.Result.Digest(domain)) }
	for _, c := range []struct {
		name   string
		change func(*Bought, *artel.Receipt, *End)
		want   string // "" for one that counts
	}{
		{"as it should be", func(*Bought, *artel.Receipt, *End) {}, ""},
		{"with idle time", func(_ *Bought, r *artel.Receipt, _ *End) { r.Usage.Idle, r.Due = 5_000, artel.Units(15_000) }, ""},
		{"of another lease", func(_ *Bought, r *artel.Receipt, _ *End) { r.Result.Lease[0] ^= 1; sign(provider, r) }, "another attempt"},
		{"of another task", func(_ *Bought, r *artel.Receipt, _ *End) { r.Result.Task = 2; sign(provider, r) }, "another attempt"},
		{"of another attempt", func(_ *Bought, r *artel.Receipt, _ *End) { r.Result.Attempt = 2; sign(provider, r) }, "another attempt"},
		{"signed by another", func(_ *Bought, r *artel.Receipt, _ *End) { sign(stranger, r) }, "signed by node"},
		{"another output than signed", func(_ *Bought, r *artel.Receipt, _ *End) { r.Result.OutputRoot[0] ^= 1 }, "signed by node"},
		{"never handed out", func(b *Bought, r *artel.Receipt, e *End) { r.Result.Task, e.Task = 7, 7; sign(provider, r) }, "was not given"},
		{"longer than a unit", func(_ *Bought, r *artel.Receipt, _ *End) { r.Usage.Wall, r.Due = unit+1, artel.Units(unit+1) }, "a unit is"},
		{"longer than it was out", func(_ *Bought, r *artel.Receipt, _ *End) { r.Usage.Wall, r.Due = 22_001, artel.Units(22_001) }, "was out for"},
		{"held longer than it exists", func(_ *Bought, r *artel.Receipt, _ *End) { r.Usage.Idle, r.Due = 40_001, artel.Units(50_001) }, "has run"},
		{"a unit too much", func(_ *Bought, r *artel.Receipt, _ *End) { r.Due = artel.Units(10_001) }, "by its own meter"},
		{"a unit too little", func(_ *Bought, r *artel.Receipt, _ *End) { r.Due = artel.Units(9_999) }, "by its own meter"},
		{"on a disputed lease", func(b *Bought, _ *artel.Receipt, _ *End) { b.Disputed = true }, "disputed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBought().Sent(TaskKey{1, 1}, nil, start)
			r, e := receipt(b), End{Seq: 1, Task: 1, Attempt: 1}
			c.change(&b, &r, &e)
			e.Receipt = &r
			after, v, err := b.Ended(domain, e, start+20_000)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if v.Receipt == nil || after.Disputed || after.Book.Due() != r.Due {
					t.Errorf("it does not count: %s; due %s", v.Message, after.Book.Due())
				}
				return
			}
			refused(t, artel.Invalid("%s", v.Message), c.want)
			if v.Receipt != nil || v.Reason != artel.ReasonGarbage || !after.Disputed || !after.Book.Due().IsZero() {
				t.Errorf("it counts: %+v; due %s", v, after.Book.Due())
			}
		})
	}
}

func TestEndsAreTakenOnce(t *testing.T) {
	b := newBought().Sent(TaskKey{1, 1}, nil, start)
	r := receipt(b)
	e := End{Seq: 1, Task: 1, Attempt: 1, Receipt: &r}
	b, _, _ = b.Ended(domain, e, start+20_000)
	again, v, err := b.Ended(domain, e, start+20_000)
	if err != nil || v.Known || again.Book.Due() != b.Book.Due() || again.Wall != b.Wall {
		t.Errorf("the same event twice: %+v, %v", v, err)
	}
}

// Sealed outputs are paid for one by one, each after it has arrived and the one
// before it was opened.
func TestOwedWaitsForOutputs(t *testing.T) {
	b := newBought().Sent(TaskKey{1, 1}, nil, start).Sent(TaskKey{2, 1}, nil, start)
	for i := range uint64(2) {
		r := receipt(b)
		r.Result.Task, r.Sealed, r.Due = i+1, sealedRef, artel.Units(10_000*(i+1))
		r.Signature = provider.Sign(r.Result.Digest(domain))
		var v Verdict
		if b, v, _ = b.Ended(domain, End{Seq: i + 1, Task: i + 1, Attempt: 1, Receipt: &r}, start+20_000); v.Receipt == nil {
			t.Fatal(v.Message)
		}
	}
	for _, step := range []struct {
		name string
		do   func(Bought) Bought
		want uint64
	}{
		{"nothing has arrived", func(b Bought) Bought { return b }, 0},
		{"the second has", func(b Bought) Bought { return b.Arrived(TaskKey{2, 1}) }, 0},
		{"both have", func(b Bought) Bought { return b.Arrived(TaskKey{1, 1}) }, 10_000},
		{"the first is open", func(b Bought) Bought { return b.Opened(TaskKey{1, 1}) }, 20_000},
		{"both are", func(b Bought) Bought { return b.Opened(TaskKey{2, 1}) }, 20_000},
	} {
		b = step.do(b)
		if owed, _ := b.Owed(); owed != artel.Units(step.want) {
			t.Errorf("%s: %s units are owed, want %d", step.name, owed, step.want)
		}
	}
}

// Outputs that nobody waits for any more are not paid for, be it by the lane's
// next lease; what was promised for them stays promised.
func TestWrittenOff(t *testing.T) {
	for _, c := range []struct {
		name     string
		promised uint64
		do       func(Bought) Bought
		want     uint64
	}{
		{"no output has come", 0, func(b Bought) Bought { return b }, 0},
		{"the first came, and was not paid", 0, func(b Bought) Bought { return b.Arrived(TaskKey{1, 1}) }, 0},
		{"the first was paid, its key did not come", 10_000, func(b Bought) Bought { return b.Arrived(TaskKey{1, 1}) }, 10_000},
		{"the first is open", 10_000, func(b Bought) Bought { return b.Opened(TaskKey{1, 1}) }, 10_000},
		{"part of the first was paid ahead", 7_000, func(b Bought) Bought { return b }, 7_000},
		{"more was paid ahead than is due", 90_000, func(b Bought) Bought { return b }, 30_000},
		{"all are open", 0, func(b Bought) Bought { return b.Opened(TaskKey{1, 1}).Opened(TaskKey{2, 1}).Opened(TaskKey{3, 1}) }, 30_000},
	} {
		b := newBought().Sent(TaskKey{1, 1}, nil, start).Sent(TaskKey{2, 1}, nil, start).Sent(TaskKey{3, 1}, nil, start)
		for i := range uint64(3) {
			r := receipt(b)
			r.Result.Task, r.Sealed, r.Due = i+1, sealedRef, artel.Units(10_000*(i+1))
			r.Signature = provider.Sign(r.Result.Digest(domain))
			var v Verdict
			if b, v, _ = b.Ended(domain, End{Seq: i + 1, Task: i + 1, Attempt: 1, Receipt: &r}, start+20_000); v.Receipt == nil {
				t.Fatal(v.Message)
			}
		}
		b.Book.Voucher = artel.Units(c.promised)
		b = c.do(b).Withheld("it keeps its outputs")
		if owed, _ := b.Owed(); !b.Disputed || owed != artel.Units(c.want) || b.Book.Due() != owed {
			t.Errorf("%s: %s units are owed and %s due in all, want %d", c.name, owed, b.Book.Due(), c.want)
		}
	}
}

func TestMissing(t *testing.T) {
	k := TaskKey{1, 1}
	out := newBought().Sent(k, nil, start)
	taken := out.Ack([]TaskKey{k}, start+100)
	for _, c := range []struct {
		name  string
		b     Bought
		runs  []TaskKey
		asked int64
		want  int
	}{
		{"on its way", out, nil, start + 200, 0},
		{"taken after the question", taken, nil, start + 50, 0},
		{"runs", taken, []TaskKey{k}, start + 200, 0},
		{"taken, asked, not there", taken, nil, start + 200, 1},
	} {
		if got := c.b.Missing(c.runs, c.asked); len(got) != c.want {
			t.Errorf("%s: %v is missing", c.name, got)
		}
	}
	if late := taken.Overdue(start+int64(unit)+1000, 1000); len(late) != 0 {
		t.Errorf("%v is overdue at its limit", late)
	}
	if late := taken.Overdue(start+int64(unit)+1001, 1000); len(late) != 1 {
		t.Error("an attempt that never ends is not overdue")
	}
}

func TestHolding(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Bought)
		due    uint64
		want   uint64
	}{
		{"what the clock allows", func(*Bought) {}, 20_000, 20_000},
		{"more than that", func(*Bought) {}, 20_001, 0},
		{"while a task is out", func(b *Bought) { *b = b.Sent(TaskKey{1, 1}, nil, start) }, 20_000, 0},
		{"in dispute", func(b *Bought) { b.Disputed = true }, 20_000, 0},
	} {
		b := newBought()
		c.change(&b)
		if b = b.Holding(artel.Units(c.due), start+10_000); b.Book.Due() != artel.Units(c.want) {
			t.Errorf("%s: %s units are believed, want %d", c.name, b.Book.Due(), c.want)
		}
	}
}

func TestClaim(t *testing.T) {
	for claimed, want := range map[uint64]uint64{0: 0, 20_000: 20_000, 1 << 40: 24_000} { // 10 s of two slots, and the tolerance
		if got := newBought().Claim(artel.Units(claimed), start+10_000); got != artel.Units(want) {
			t.Errorf("of %d units %s may be due, want %d", claimed, got, want)
		}
	}
}

func TestNumbersAreNotUsedAgainAfterARestart(t *testing.T) {
	b := newBought()
	if b = b.Renumbered(1000); b.Next != 1000 {
		t.Errorf("the next task is %d", b.Next)
	}
	if b = b.Renumbered(5); b.Next != 1000 {
		t.Errorf("a clock that was set back makes the next task %d", b.Next)
	}
}

// Both sides know the same bound, and one answer lists so many.
func TestBothSidesAgreeOnWhatMayBeOut(t *testing.T) {
	for slots, want := range map[uint32]int{1: 1, 1000: 1000, 1024: 1024, 2000: 2000, 4096: 4096} {
		if got := MaxOut(slots); got < want || got > 4096 {
			t.Errorf("of %d slots %d may be out", slots, got)
		}
	}
	b := newBought()
	b.Theirs, b.Terms.Slots = b.Signature, 4096
	b.Theirs[0] = 1
	if got := b.Room(start, 64); got != MaxOut(4096) {
		t.Errorf("%d may be handed out, the provider takes %d", got, MaxOut(4096))
	}
}

// A lease that is taken over: what its records do not know was handed out by the
// controller before, and is paid for like any other; what nobody can have handed out is
// a lie.
func TestTakenOver(t *testing.T) {
	b := newBought().Sent(TaskKey{1, 1}, nil, start)
	b.Next = 2 // as the records end
	b = b.TakenOver(start+5_000, uint64(start+60_000))
	if b.Next != uint64(start+60_000) || b.Gap != (Gap{From: 2, To: uint64(start + 60_000), At: start + 5_000}) {
		t.Fatalf("taken over: next %d, gap %+v", b.Next, b.Gap)
	}
	if ks := b.Forgotten([]TaskKey{{1, 1}, {2, 1}, {b.Next, 1}}); len(ks) != 1 || ks[0] != (TaskKey{2, 1}) {
		t.Errorf("of three that run %v are forgotten, want the second", ks)
	}
	end := func(task, wall, due uint64) End {
		r := receipt(b)
		r.Result.Task, r.Usage.Wall, r.Due, r.Sealed = task, wall, artel.Units(due), sealedRef
		r.Signature = provider.Sign(r.Result.Digest(domain))
		return End{Seq: 1, Task: task, Attempt: 1, Receipt: &r}
	}
	after, v, err := b.Ended(domain, end(2, 10_000, 10_000), start+20_000)
	if err != nil || v.Receipt == nil || after.Disputed || after.Book.Due() != artel.Units(10_000) || len(after.Held) != 0 {
		t.Errorf("a forgotten attempt's receipt: %+v, due %s, held %v, %v", v, after.Book.Due(), after.Held, err)
	}
	if e := end(1, 10_000, 20_000); true { // the known one goes on as ever
		e.Seq = 2
		if after, v, err = after.Ended(domain, e, start+20_000); err != nil || v.Receipt == nil || len(after.Held) != 1 {
			t.Errorf("the known one's receipt: %+v, held %v, %v", v, after.Held, err)
		}
	}
	for name, e := range map[string]End{
		"before the records end":          end(2, 18_000, 18_000), // it was out for 15 s and the tolerance
		"a number that nobody has used":   end(b.Next, 1_000, 1_000),
		"a number from before the record": end(0, 1_000, 1_000),
	} {
		if after, v, _ := b.Ended(domain, e, start+20_000); v.Receipt != nil || !after.Disputed {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
