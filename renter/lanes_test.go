package renter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// Whoever refuses for want of money, however often, gets Reserves on one lane
// only, and its lease when it has thought better of it.
func TestRefusedForMoneyKeepsItsLane(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		refuse, lanes := 20, map[uint64]bool{}
		s.propose = func(m wire.ProposeRequest) error {
			if lanes[m.Lease.Lane] = true; refuse > 0 {
				refuse--
				return p2p.Errorf(p2p.Unpaid, "there is no money")
			}
			return nil
		}
		w.run(func() {
			id := w.submit(spec(1))
			if j, _ := w.end(id, 20*time.Minute); j.Phase != job.Finished {
				t.Errorf("the job is %s", j.Phase)
			}
			if refuse > 0 || len(lanes) != 1 {
				t.Errorf("%d refusals left, proposed on lanes %v", refuse, lanes)
			}
		})
	})
}

// A Reserve that the deposit does not cover is never signed.
func TestNoReserveBeyondTheDeposit(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		s.offer.Price *= 1_000_000
		w.run(func() {
			w.submit(spec(1))
			time.Sleep(time.Minute)
			st, err := w.r.Status(t.Context())
			if err != nil || len(st.Lanes) != 0 || s.did(wire.MethodPropose) != 0 {
				t.Errorf("%d proposals, lanes %+v, error %v", s.did(wire.MethodPropose), st.Lanes, err)
			}
			if len(st.Denied) != 1 || !errors.Is(st.Denied[0].Err, p2p.Unpaid) || !strings.Contains(st.Denied[0].Err.Error(), "artel wallet deposit") {
				t.Errorf("denied: %+v", st.Denied)
			}
		})
	})
}

// A lane against which the provider holds what we know nothing of is left alone.
func TestASpoiltLaneIsLeft(t *testing.T) {
	for name, held := range map[string]func(h *wire.HeldLane, asked wire.ProposeRequest){
		"an old debt": func(h *wire.HeldLane, _ wire.ProposeRequest) { h.Accrued = artel.AccrualOf(artel.Units(700)) },
		"another lease": func(h *wire.HeldLane, asked wire.ProposeRequest) {
			asked.Lease.Start-- // signed by a future that a restored database has forgotten
			h.Leases = []wire.HeldLease{{Lease: asked.Lease, Terms: asked.Terms, Signature: asked.Signature, Open: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			live(t, 1, func(t *testing.T, w *world) {
				s := w.sellers[0]
				var lanes []uint64
				var asked wire.ProposeRequest
				s.propose = func(m wire.ProposeRequest) error {
					if lanes = append(lanes, m.Lease.Lane); len(lanes) == 1 {
						asked = m
						return p2p.Errorf(p2p.Conflict, "something stands against it")
					}
					return nil
				}
				s.recover = func(wire.RecoverRequest) (wire.RecoverResponse, error) {
					h := wire.HeldLane{Lane: asked.Lease.Lane}
					held(&h, asked)
					return wire.RecoverResponse{Lanes: []wire.HeldLane{h}}, nil
				}
				w.run(func() {
					w.end(w.submit(spec(1)), time.Minute)
					if len(lanes) != 2 || lanes[1] != lanes[0]+1 {
						t.Errorf("proposed on lanes %x", lanes)
					}
				})
			})
		})
	}
}

// A provider with Reserves on as many lanes as are borne, never booked, is not
// shut out: one of those lanes is as good as a new one.
func TestManyUnbookedReserves(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		w.store.meta = Meta{Lane: 0x70000, Generation: 1}
		for i := range uint32(maxBound + 1) {
			k := lease.Key{Renter: w.key.Address(), Provider: s.key.Address(), Number: artel.LaneNumber(w.key.Address(), w.store.meta.Lane+1+i)}
			r := artel.Reserve{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Cap: artel.Units(1000), ValidUntil: uint64(unixMilli()/1000) + 3600}
			w.store.books[k] = lease.Book{Key: k, Reserve: r, ReserveSig: w.key.Sign(r.Digest(s.params.Domain())), Generation: 1}
		}
		var lanes []uint64
		s.propose = func(m wire.ProposeRequest) error { lanes = append(lanes, m.Lease.Lane); return nil }
		w.run(func() {
			w.end(w.submit(spec(1)), time.Minute)
			if want := artel.LaneNumber(w.key.Address(), 0x70001); len(lanes) != 1 || lanes[0] != want {
				t.Errorf("proposed on lanes %x, want %x", lanes, want)
			}
		})
	})
}

// The owner is told when somebody else spends with this node's key.
func TestTwoMachinesWithOneKey(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		w.store.meta = Meta{Lane: 0x70000, Generation: 1}
		book := func(n uint32) {
			r := artel.Reserve{
				Renter: w.key.Address(), Provider: s.key.Address(), Lane: artel.LaneNumber(w.key.Address(), n),
				Cap: artel.Units(1000), ValidUntil: uint64(unixMilli()/1000) + 3600,
			}
			call := chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: r, Sig: w.key.Sign(r.Digest(s.params.Domain()))}}}
			must(w.chain.Client().Submit(t.Context(), chain.Tx{ID: fmt.Sprint("book", n), From: s.key.Address(), Call: call}))
			time.Sleep(time.Minute)
		}
		notice := func() string {
			st, err := w.r.Status(t.Context())
			must(err)
			return st.Notice
		}
		w.run(func() {
			time.Sleep(30 * time.Second)
			book(0x70003)
			if n := notice(); n != "" {
				t.Errorf("about its own lane: %s", n)
			}
			book(0x90000)
			if n := notice(); !strings.Contains(n, "another machine works with the same key") || !strings.Contains(n, "hint: ") {
				t.Errorf("it says %q", n)
			}
		})
	})
}

// What a provider says it holds is remembered only where a signature of ours or
// the chain bears it out.
func TestRecoverBelievesSignaturesAndTheChain(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		booked := artel.LaneNumber(w.key.Address(), 0x50000)
		s.recover = func(wire.RecoverRequest) (r wire.RecoverResponse, err error) {
			for n := range uint64(wire.MaxLanes - 1) {
				r.Lanes = append(r.Lanes, wire.HeldLane{Lane: n})
			}
			r.Lanes = append(r.Lanes, wire.HeldLane{Lane: booked})
			return r, nil
		}
		s.propose = func(wire.ProposeRequest) error { return p2p.Errorf(p2p.Conflict, "no") } // it is asked what it holds
		must(w.chain.Client().Submit(t.Context(), chain.Tx{ID: "book", From: w.key.Address(), Call: chain.ReserveLanes{
			Lanes: []chain.LaneCap{{Provider: s.key.Address(), Lane: booked, Cap: artel.Units(700)}},
		}}))
		lanes := func() (n int, cap artel.Amount) {
			st, err := w.r.Status(t.Context())
			must(err)
			for _, b := range st.Lanes {
				if b.Key.Number == booked {
					cap = b.Cap
				}
			}
			return len(st.Lanes), cap
		}
		w.run(func() {
			w.submit(spec(1))
			time.Sleep(time.Minute)
			if n, _ := lanes(); n > 5 {
				t.Errorf("%d lanes are remembered", n)
			}
			found, err := w.r.Recover(t.Context(), map[artel.NodeID]artel.Address{s.key.NodeID(): s.key.Address()})
			if n, cap := lanes(); n > 6 || cap != artel.Units(700) || found != wire.MaxLanes || err != nil {
				t.Errorf("%d lanes are remembered, %s units on the one that is booked; found %d, error %v", n, cap, found, err)
			}
		})
	})
}

// A node that does not answer holds a recovery up for a while, not for ever.
func TestRecoverDoesNotWaitForTheSilent(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		s.recover = func(wire.RecoverRequest) (r wire.RecoverResponse, err error) {
			time.Sleep(50 * time.Second)
			return r, nil
		}
		w.run(func() {
			began := time.Now()
			_, err := w.r.Recover(t.Context(), map[artel.NodeID]artel.Address{s.key.NodeID(): s.key.Address()})
			if took := time.Since(began); err == nil || took > callFor+time.Second {
				t.Errorf("it took %v, error %v", took, err)
			}
		})
	})
}

// The newest denials are kept.
func TestDenialsAreForgotten(t *testing.T) {
	r := New(Config{})
	for i := range 3 * maxDenied {
		r.deny(Denial{Node: artel.NodeID{byte(i)}, At: time.Unix(int64(i), 0)})
	}
	for i := range 3 * maxDenied {
		if _, kept := r.denied[artel.NodeID{byte(i)}]; kept != (i >= 2*maxDenied) {
			t.Errorf("denial %d is kept: %t", i, kept)
		}
	}
}

func TestTakenOver(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		s.propose = func(wire.ProposeRequest) error { return p2p.Errorf(p2p.Conflict, "generation 1 was replaced by 2") }
		s.recover = func(wire.RecoverRequest) (r wire.RecoverResponse, err error) {
			return r, p2p.Errorf(p2p.Conflict, "generation 1 was replaced by 2")
		}
		w.run(func() {
			w.submit(spec(1))
			time.Sleep(time.Minute)
			st, err := w.r.Status(t.Context())
			if err != nil || !strings.Contains(st.Notice, "newer controller") || !strings.Contains(st.Notice, "hint: ") {
				t.Errorf("it says %q, error %v", st.Notice, err)
			}
		})
	})
}

// TestStewardsMoneyComesHome: what a session signer booked with a machine that is gone
// it can only name; the account's controller calls it home, and touches no other lane
// on its word.
func TestStewardsMoneyComesHome(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		own, steward := w.key, testKey(77)
		submit := func(id string, by artel.Key, c chain.Call) {
			t.Helper()
			must(w.chain.Client().Submit(t.Context(), chain.Tx{ID: id, From: by.Address(), Call: c}))
			if o, err := w.chain.Client().Wait(t.Context(), id); err != nil || o.State != chain.Done {
				t.Fatalf("%s: %+v, %v", id, o, err)
			}
		}
		submit("signer", own, chain.SetSigner{Key: steward.Address(), Allowance: artel.Units(5000), Until: uint64(time.Now().Add(1000 * time.Hour).Unix())})
		book := func(id string, by artel.Key) chain.LaneKey {
			r := artel.Reserve{
				Renter: own.Address(), Provider: s.key.Address(), Lane: artel.LaneNumber(by.Address(), 0x70000),
				Cap: artel.Units(1000), ValidUntil: uint64(unixMilli()/1000) + uint64(reserveFor.Seconds()),
			}
			sig := by.Sign(r.Digest(s.params.Domain()))
			submit(id, s.key, chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: r, Sig: sig}}})
			k := chain.LaneKey{Renter: r.Renter, Provider: r.Provider, Number: r.Lane}
			if by == steward {
				w.store.books[lease.Key(k)] = lease.Book{Key: lease.Key(k), Reserve: r, ReserveSig: sig, Cap: r.Cap, Generation: 1}
			}
			return k
		}
		mine, theirs := book("book mine", own), book("book theirs", steward)

		// The steward: it cannot release, and names the lane once it rests.
		w.key, w.account = steward, own.Address()
		w.store.meta = Meta{Lane: 0x70000, Generation: 1}
		var rest []chain.LaneRef
		w.run(func() {
			if early, err := w.r.Resting(t.Context()); err != nil || len(early) != 0 {
				t.Errorf("at once %v, %v", early, err)
			}
			time.Sleep(3 * time.Hour)
			var err error
			if rest, err = w.r.Resting(t.Context()); err != nil || len(rest) != 1 || rest[0] != (chain.LaneRef{Provider: theirs.Provider, Lane: theirs.Number}) {
				t.Fatalf("resting %v, %v", rest, err)
			}
		})
		at := func(k chain.LaneKey) chain.Lane {
			l, err := w.chain.Client().Lane(t.Context(), k)
			must(err)
			return l
		}
		if l := at(theirs); l.ReleaseAt != 0 {
			t.Fatalf("a session signer began a release: %+v", l)
		}

		// The account's own controller.
		w.key, w.account, w.store, w.net = own, artel.Address{}, newHeap(), mem.NewNetwork(2)
		w.run(func() {
			call := func() {
				t.Helper()
				// It says more than is its: a lane of the account's own, and one that is not there.
				lanes := append(rest, chain.LaneRef{Provider: mine.Provider, Lane: mine.Number}, chain.LaneRef{Provider: mine.Provider, Lane: theirs.Number + 1})
				if err := w.r.CallHome(t.Context(), steward.Address(), lanes); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			call()
			if l := at(theirs); l.ReleaseAt == 0 {
				t.Errorf("no release has begun: %+v", l)
			}
			time.Sleep(time.Until(time.Unix(int64(at(theirs).ReleaseAt), 0)) + time.Minute)
			call()
			if l := at(theirs); !l.Booked().IsZero() || l.Epoch == 0 {
				t.Errorf("it did not come home: %+v", l)
			}
			if l := at(mine); l.ReleaseAt != 0 || l.Booked() != artel.Units(1000) {
				t.Errorf("a lane of the account's own was released on the steward's word: %+v", l)
			}
			if err := w.r.CallHome(t.Context(), own.Address(), []chain.LaneRef{{Provider: mine.Provider, Lane: mine.Number}}); err != nil || at(mine).ReleaseAt != 0 {
				t.Errorf("as its own steward: %+v, %v", at(mine), err)
			}
		})
	})
}

// A task that is taken away in the transaction that pays for it is no reason to die: the
// payment goes out, and what it buys is nobody's.
func TestPaidForInTheMomentItIsTakenAway(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(spec(1))
			var of *bought
			var gone *Work
			for end := time.Now().Add(time.Minute); gone == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
				must(w.r.do(t.Context(), func(t *tx) {
					for _, b := range w.r.leases {
						b.paying = false
						if ks := b.unopened(); len(ks) > 0 && gone == nil {
							w.r.settle(t, b)
							of, gone = b, b.work[ks[0]]
							delete(b.work, ks[0])
						}
					}
				}))
			}
			if gone == nil {
				t.Fatal("nothing was ever to be paid for")
			}
			must(w.r.do(t.Context(), func(*tx) { of.work[gone.TaskKey] = gone }))
			if j, _ := w.end(id, 10*time.Minute); j.Phase != job.Finished {
				t.Errorf("the job is %s", j.Phase)
			}
		})
	})
}
