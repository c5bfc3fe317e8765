package lease

import (
	"testing"

	"github.com/artel-network/artel"
)

// The lease of lease_test.go, paid by checkpoints: of ten seconds of work 9,000
// units are due with a checkpoint and the rest on the receipt.

var (
	keeperA = testKey(4)
	keeperB = testKey(5)
	one     = TaskKey{1, 1}
)

func keeping() *artel.Keeping {
	k := &artel.Keeping{
		Survival: artel.Survival{Min: 100, Max: 100, Keepers: 2}, Task: artel.Hash{7},
		Keepers: []artel.Keeper{{Node: keeperA.NodeID()}, {Node: keeperB.NodeID()}, {Node: renter.NodeID()}},
		Grant:   artel.Grant{Task: artel.Hash{7}, Try: 1, Saver: provider.NodeID()},
	}
	return granted(k, renter)
}

func granted(k *artel.Keeping, by artel.Key) *artel.Keeping {
	k.Grant.Signature = by.Sign(k.Grant.Digest())
	return k
}

// pair is the two sides of a lease with one task that runs.
func pair(t *testing.T) (Sold, Bought) {
	t.Helper()
	l, terms := document()
	l.Rule, terms.Risk, terms.Unit = artel.RuleCheckpoint, keeping().Risk(), 10*unit
	terms.MaxUnpaid = artel.Units(1_000_000)
	id := l.ID(domain)
	b, err := NewBought(id, l, terms, nil, renter.Sign(id), Book{Key: KeyOf(l)}, start).Accepted(provider.Sign(id), start)
	if err != nil {
		t.Fatal(err)
	}
	s, fx, err := NewSold(id, l, terms, renter.Address(), Book{Key: KeyOf(l)}, start).Take(one, spec, keeping(), start)
	if err != nil || len(fx) != 1 {
		t.Fatalf("the task does not begin: %v, %v", fx, err)
	}
	return s, b.Sent(one, keeping(), start)
}

func generation(id artel.Hash, n, wall uint64) artel.Saved {
	return artel.Saved{Lease: id, Number: 1, Attempt: 1, Task: artel.Hash{7}, Kind: artel.CheckpointWhole, Generation: n, Root: ref(byte(n)), Wall: wall}
}

// signed is what a provider gives out of a segment that keepers have confirmed.
func signed(g artel.Segment, keepers ...artel.Key) artel.Segment {
	digest := g.Saved.Digest(domain)
	g.Signature, g.Kept = provider.Sign(digest), nil
	for _, k := range keepers {
		x := artel.Kept{Saved: digest, Until: 1}
		x.Signature = k.Sign(x.Digest(domain))
		g.Kept = append(g.Kept, x)
	}
	return g
}

// Both sides come to the same sum after each checkpoint, and all of the work is
// due in the end, once.
func TestSegmentsAndReceiptMakeOneBill(t *testing.T) {
	s, b := pair(t)
	var seq uint64
	for n, wall := range []uint64{10_000, 10_000, 25_001, 40_000} {
		now := start + int64(wall)
		next, g, _, err := s.Kept(generation(s.ID, uint64(n)+1, wall), now)
		if err != nil {
			t.Fatal(err)
		}
		s, seq = next, seq+1
		g = signed(g, keeperB, renter)
		var v Verdict
		if b, v, err = b.Ended(domain, End{Seq: seq, Task: 1, Attempt: 1, Segment: &g}, now); err != nil || v.Segment == nil {
			t.Fatalf("segment %d: %s, %v", n+1, v.Message, err)
		}
		if len(v.Holders) != 2 || len(b.Outstanding) != 1 || !v.Known {
			t.Fatalf("segment %d: %d holders, %d attempts out", n+1, len(v.Holders), len(b.Outstanding))
		}
		if owed, _ := b.Owed(); owed != s.Book.Due() || owed != g.Due {
			t.Fatalf("segment %d: %s units are owed, %s due", n+1, owed, s.Book.Due())
		}
	}
	// One slot of two was idle for the fifty seconds.
	if got, want := s.Book.Due(), artel.Units(artel.Earned(40_000)+40_000); got != want {
		t.Errorf("%s units are due after the last checkpoint, want %s", got, want)
	}
	s, r, _, err := s.Finished(Finish{TaskKey: one, Billed: true, Reason: artel.ReasonExited, Usage: artel.Usage{Wall: 50_000}}, start+50_000)
	if err != nil {
		t.Fatal(err)
	}
	r.Signature = provider.Sign(r.Result.Digest(domain))
	b, v, err := b.Ended(domain, End{Seq: seq + 1, Task: 1, Attempt: 1, Receipt: r}, start+50_000)
	if err != nil || v.Receipt == nil {
		t.Fatalf("%s, %v", v.Message, err)
	}
	if want := artel.Units(100_000); b.Book.Due() != want || r.Due != want || r.Last != ref(4) || len(b.Outstanding) != 0 {
		t.Errorf("due %s and %s, want %s; last checkpoint %s", b.Book.Due(), r.Due, want, r.Last)
	}
}

func TestSegment(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Bought, *artel.Segment)
		again  func(artel.Segment) artel.Segment // signs it
		want   string
	}{
		{"as it should be", func(*Bought, *artel.Segment) {}, nil, ""},
		{"confirmed by more than need be", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment { return signed(g, keeperA, keeperB, renter) }, ""},
		{"confirmed by one", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment { return signed(g, keeperA) }, "by 1 keepers, want 2"},
		{"confirmed twice by one", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment { return signed(g, keeperA, keeperA) }, "by 1 keepers, want 2"},
		{"confirmed by a stranger", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment { return signed(g, keeperA, stranger) }, "by 1 keepers, want 2"},
		{"confirmed by its maker", func(b *Bought, _ *artel.Segment) {
			b.Outstanding[0].Keep.Keepers[1].Node = provider.NodeID()
		}, func(g artel.Segment) artel.Segment { return signed(g, keeperA, provider) }, "by 1 keepers, want 2"},
		{"another was confirmed", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment {
			other := g
			other.Saved.Root = ref(9)
			g = signed(g)
			g.Kept = signed(other, keeperA, keeperB).Kept
			return g
		}, "another checkpoint"},
		{"signed by another", func(*Bought, *artel.Segment) {}, func(g artel.Segment) artel.Segment {
			g = signed(g, keeperA, keeperB)
			g.Signature = stranger.Sign(g.Saved.Digest(domain))
			return g
		}, "signed by node"},
		{"of another lease", func(_ *Bought, g *artel.Segment) { g.Saved.Lease[0] ^= 1 }, nil, "another attempt"},
		{"of another task", func(_ *Bought, g *artel.Segment) { g.Saved.Task[0] ^= 1 }, nil, "another attempt"},
		{"without a root", func(_ *Bought, g *artel.Segment) { g.Saved.Root = artel.Ref{} }, nil, "without a root"},
		{"generation 0", func(_ *Bought, g *artel.Segment) { g.Saved.Generation = 0 }, nil, "without a root"},
		{"an older generation", func(b *Bought, _ *artel.Segment) { x := generation(b.ID, 2, 1); b.Outstanding[0].Saved = &x }, nil, "follows"},
		{"less work than before", func(b *Bought, g *artel.Segment) {
			x := generation(b.ID, 1, 11_000)
			b.Outstanding[0].Saved, g.Saved.Generation = &x, 2
		}, nil, "follows"},
		{"of where it began", func(b *Bought, _ *artel.Segment) {
			b.Outstanding[0].Keep.From = &artel.Segment{Saved: generation(b.ID, 1, 1)}
		}, nil, "began at"},
		{"more than it was out", func(_ *Bought, g *artel.Segment) { g.Saved.Wall = 12_001 }, nil, "was out for"},
		{"more than it earned", func(_ *Bought, g *artel.Segment) { g.Due = g.Due.Add(artel.Units(1)) }, nil, "by its own meter"},
		{"held longer than it exists", func(_ *Bought, g *artel.Segment) { g.Idle = 20_000 }, nil, "has run"},
		{"of a task that wants none", func(b *Bought, _ *artel.Segment) { b.Outstanding[0].Keep = nil }, nil, "wants none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := pair(t)
			s, g, _, err := s.Kept(generation(s.ID, 1, 10_000), start+10_000)
			if err != nil {
				t.Fatal(err)
			}
			if c.change(&b, &g); c.again == nil {
				c.again = func(g artel.Segment) artel.Segment { return signed(g, keeperA, keeperB) }
			}
			g = c.again(g)
			after, v, err := b.Ended(domain, End{Seq: 1, Task: 1, Attempt: 1, Segment: &g}, start+10_000)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if v.Segment == nil || after.Disputed || after.Book.Due() != s.Book.Due() {
					t.Errorf("it does not count: %s", v.Message)
				}
				return
			}
			refused(t, artel.Invalid("%s", v.Message), c.want)
			if v.Segment != nil || !after.Disputed || !after.Book.Due().IsZero() || len(after.Outstanding) != 0 {
				t.Errorf("it counts: %+v; due %s", v, after.Book.Due())
			}
		})
	}
}

func TestKeepingIsChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*artel.Keeping) *artel.Keeping
		want   string
	}{
		{"as it should be", func(k *artel.Keeping) *artel.Keeping { return k }, ""},
		{"none", func(*artel.Keeping) *artel.Keeping { return nil }, "pays by checkpoint"},
		{"too few keepers", func(k *artel.Keeping) *artel.Keeping { k.Keepers = k.Keepers[:1]; return k }, "names 1 keepers"},
		{"one twice", func(k *artel.Keeping) *artel.Keeping { k.Keepers[1] = k.Keepers[0]; return k }, "twice"},
		{"the machine itself", func(k *artel.Keeping) *artel.Keeping { k.Keepers[0].Node = provider.NodeID(); return k }, "runs on"},
		{"a stranger's grant", func(k *artel.Keeping) *artel.Keeping { return granted(k, stranger) }, "not signed by"},
		{"a grant for another node", func(k *artel.Keeping) *artel.Keeping { k.Grant.Saver = stranger.NodeID(); return granted(k, renter) }, "another network, task or node"},
		{"too rare", func(k *artel.Keeping) *artel.Keeping { k.Max++; return k }, "without a checkpoint"},
		{"of an unknown kind", func(k *artel.Keeping) *artel.Keeping { k.Kind = "half"; return k }, "not known"},
		{"from another task's", func(k *artel.Keeping) *artel.Keeping {
			k.From = &artel.Segment{Saved: artel.Saved{Generation: 1, Root: ref(1)}}
			return k
		}, "another task"},
	} {
		l, terms := document()
		l.Rule, terms.Risk = artel.RuleCheckpoint, keeping().Risk()
		_, _, err := NewSold(l.ID(domain), l, terms, renter.Address(), Book{Key: KeyOf(l)}, start).Take(one, spec, c.change(keeping()), start)
		t.Run(c.name, func(t *testing.T) { refused(t, err, c.want) })
	}
	if _, _, err := newSold().Take(one, spec, keeping(), start); err == nil {
		t.Error("a lease that pays by results takes a task with checkpoints")
	}
}

// A renter that sleeps costs its task nothing as long as what is due is within
// MaxUnpaid; then the work is brought away.
func TestUnpaidWorkIsDrained(t *testing.T) {
	s, _ := pair(t)
	s.Terms.MaxUnpaid = artel.Units(3 * s.Terms.Stake())
	var g uint64
	for now := start; ; now += 10_000 {
		if now > start+10_000_000 {
			t.Fatal("it runs on for nothing")
		}
		if wall := uint64(now - start); wall > 0 {
			g++
			var err error
			if s, _, _, err = s.Kept(generation(s.ID, g, min(wall, s.Terms.Unit)), now); err != nil {
				t.Fatal(err)
			}
		}
		next, fx := s.Tick(Policy{Delay: 1, Patience: 60_000}, now)
		s = next
		if s.Terms.MaxUnpaid.Less(s.Book.Exposed()) {
			t.Fatalf("%s units are unpaid, at most %s", s.Book.Exposed(), s.Terms.MaxUnpaid)
		}
		if len(fx) == 0 {
			continue
		}
		d, ok := fx[0].(Drain)
		if !ok || d.Reason != artel.ReasonUnpaid || now-start <= 60_000 || s.Phase != Ending {
			t.Errorf("after %d s: %+v, %s", (now-start)/1000, fx, s.Phase)
		}
		return
	}
}

func TestWhatIsNotConfirmedIsDrained(t *testing.T) {
	s, _ := pair(t)
	s.Terms.Risk = 30_000
	s, _, _, err := s.Kept(generation(s.ID, 1, 10_000), start+10_000)
	if err != nil {
		t.Fatal(err)
	}
	if _, fx := s.Tick(policy, start+40_000); len(fx) != 0 {
		t.Fatalf("after the time allowed: %+v", fx)
	}
	_, fx := s.Tick(policy, start+40_001)
	if d, ok := fx[0].(Drain); !ok || d.TaskKey != one {
		t.Errorf("a ms later: %+v", fx)
	}
}

// What is drained is paid up to its last confirmed checkpoint, the last tenth
// included.
func TestDrainedIsPaidWhatIsSafe(t *testing.T) {
	s, _ := pair(t)
	s, _, _, err := s.Kept(generation(s.ID, 1, 20_000), start+20_000)
	if err != nil {
		t.Fatal(err)
	}
	s, fx := s.Drain(artel.ReasonDrained, "its owner is back", start+25_000)
	if len(fx) != 1 || s.Phase != Ending {
		t.Fatalf("%+v, %s", fx, s.Phase)
	}
	s, r, _, err := s.Finished(Finish{TaskKey: one, Billed: true, Reason: artel.ReasonDrained, Usage: artel.Usage{Wall: 20_000}}, start+26_000)
	if err != nil || r == nil {
		t.Fatal(err)
	}
	if want := artel.Units(20_000 + r.Usage.Idle); r.Due != want || s.Phase != Closed {
		t.Errorf("%s units are due, want %s; %s", r.Due, want, s.Phase)
	}
}
