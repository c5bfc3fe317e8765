// Package chaintest is what every adapter of package chain must pass: the rules
// of the ledger one by one, hostile calls, the guarantees of Submit, Events and
// the follower, and random sequences of calls that must end alike on two
// adapters (see Differential).
package chaintest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// World is a ledger under test with what a test needs beside it.
type World struct {
	Ledger chain.Ledger
	// Fund lets the ledger send as a key and gives it tokens (and the chain's own
	// coin, where there is one).
	Fund func(t *testing.T, k artel.Key, tokens uint64)
	// Warp moves the chain's time forward. Nil where time cannot be moved: then
	// the suite waits for it, and leaves out what needs the window to pass.
	Warp func(t *testing.T, seconds uint64)
	// Parallel says that blocks are slow: tests that can share them do.
	Parallel bool
	// Next sets the time of the next block, unix seconds; only Differential needs
	// it.
	Next func(t *testing.T, at uint64)
}

// Account returns a fresh key with that many tokens.
func (w World) Account(t *testing.T, tokens uint64) artel.Key {
	t.Helper()
	k := NewKey(t)
	w.Fund(t, k, tokens)
	return k
}

// Run runs the suite. The world may be shared by its tests: each uses accounts
// of its own.
func Run(t *testing.T, w World) {
	for _, test := range []struct {
		name  string
		run   func(*stage)
		alone bool // the test looks at everything that happens on the chain
	}{
		{name: "Submit", run: testSubmit},
		{name: "Deposit", run: testDeposit},
		{name: "Reserve", run: testReserve},
		{name: "ReserveFor", run: testReserveFor},
		{name: "Redeem", run: testRedeem},
		{name: "RedeemHostile", run: testRedeemHostile},
		{name: "VoucherOutlivesRevocation", run: testRevocation},
		{name: "Release", run: testRelease},
		{name: "Waive", run: testWaive},
		{name: "Exit", run: testExit},
		{name: "Payout", run: testPayout},
		{name: "Stake", run: testStake},
		{name: "Equivocation", run: testEquivocation},
		{name: "EquivocationHostile", run: testEquivocationHostile},
		{name: "Events", run: testEvents, alone: true},
		{name: "Follower", run: testFollower, alone: true},
		{name: "Unknown", run: testUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			if w.Parallel && !test.alone {
				t.Parallel()
			}
			test.run(newStage(t, w))
		})
	}
}

// stage is one test's place to act.
type stage struct {
	*testing.T
	World
	ctx    context.Context
	params chain.Params
	domain artel.Domain
	calls  int
}

func newStage(t *testing.T, w World) *stage {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	p, err := w.Ledger.Params(ctx)
	if err != nil {
		t.Fatalf("Params: %v", err)
	}
	return &stage{T: t, World: w, ctx: ctx, params: p, domain: p.Domain()}
}

func (s *stage) id() string {
	s.calls++
	return fmt.Sprintf("%s/%d", s.Name(), s.calls)
}

// do carries a call out and returns its outcome.
func (s *stage) do(from artel.Key, c chain.Call) chain.Outcome {
	s.Helper()
	id := s.id()
	if err := s.Ledger.Submit(s.ctx, chain.Tx{ID: id, From: from.Address(), Call: c}); err != nil {
		s.Fatalf("Submit %s: %v", c.Kind(), err)
	}
	o, err := s.Ledger.Wait(s.ctx, id)
	if err != nil {
		s.Fatalf("Wait for %s: %v", c.Kind(), err)
	}
	return o
}

func (s *stage) ok(from artel.Key, c chain.Call) chain.Outcome {
	s.Helper()
	o := s.do(from, c)
	if o.State != chain.Done || o.Err() != nil {
		s.Fatalf("%s %+v: %s, %v; want done", c.Kind(), c, o.State, o.Err())
	}
	return o
}

func (s *stage) refused(from artel.Key, c chain.Call, want chain.Code) {
	s.Helper()
	o := s.do(from, c)
	if o.State != chain.Refused || !errors.Is(o.Err(), want) {
		s.Errorf("%s %+v: %s, %v; want refused as %s", c.Kind(), c, o.State, o.Err(), want)
	}
}

func (s *stage) account(a artel.Key) chain.Account {
	s.Helper()
	v, err := s.Ledger.Account(s.ctx, a.Address())
	if err != nil {
		s.Fatalf("Account: %v", err)
	}
	return v
}

func (s *stage) lane(k chain.LaneKey) chain.Lane {
	s.Helper()
	v, err := s.Ledger.Lane(s.ctx, k)
	if err != nil {
		s.Fatalf("Lane: %v", err)
	}
	return v
}

func (s *stage) head() chain.Head {
	s.Helper()
	h, err := s.Ledger.Head(s.ctx)
	if err != nil {
		s.Fatalf("Head: %v", err)
	}
	return h
}

func (s *stage) balance(a artel.Address) artel.Amount {
	s.Helper()
	v, err := s.Ledger.Balance(s.ctx, a)
	if err != nil {
		s.Fatalf("Balance: %v", err)
	}
	return v
}

// money checks what an account has: tokens outside, deposit, earned.
func (s *stage) money(who string, a artel.Key, outside, deposit, earned uint64) {
	s.Helper()
	acc := s.account(a)
	if b := s.balance(a.Address()); b != artel.Units(outside) || acc.Deposit != artel.Units(deposit) || acc.Earned != artel.Units(earned) {
		s.Errorf("%s has %s outside, %s deposited, %s earned; want %d, %d, %d", who, b, acc.Deposit, acc.Earned, outside, deposit, earned)
	}
}

func (s *stage) isLane(k chain.LaneKey, cap, paid uint64, epoch uint32) {
	s.Helper()
	if l := s.lane(k); l.Cap != artel.Units(cap) || l.Paid != artel.Units(paid) || l.Epoch != epoch {
		s.Errorf("lane %d: cap %s, paid %s, epoch %d; want %d, %d, %d", k.Number, l.Cap, l.Paid, l.Epoch, cap, paid, epoch)
	}
}

// reach moves the chain's time to at or just after it, or waits for it. Chain
// time may run a second or two past.
func (s *stage) reach(at uint64) {
	s.Helper()
	for h := s.head(); h.Time < at; h = s.head() {
		if s.Warp != nil {
			s.Warp(s.T, at-h.Time)
			continue
		}
		// A real chain's time passes by itself; a call makes it show in a block.
		s.ok(s.Account(s.T, 1), chain.SetPayout{})
	}
}

// lateWindow skips what needs a window of a day to pass where time cannot be
// moved.
func (s *stage) lateWindow() bool { return s.Warp != nil }

// voucher signs a voucher.
func (s *stage) voucher(k chain.LaneKey, signer artel.Key, cumulative uint64) chain.SignedVoucher {
	v := artel.Voucher{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Cumulative: artel.Units(cumulative)}
	return chain.SignedVoucher{Voucher: v, Sig: signer.Sign(v.Digest(s.domain))}
}

func (s *stage) redeem(vs ...chain.SignedVoucher) chain.Redeem {
	return chain.Redeem{Provider: vs[0].Provider, Vouchers: vs}
}

// booking signs a Reserve that is valid for an hour.
func (s *stage) booking(k chain.LaneKey, signer artel.Key, epoch uint32, cap uint64) chain.SignedReserve {
	return s.signReserve(signer, artel.Reserve{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Epoch: epoch,
		Cap: artel.Units(cap), ValidUntil: s.head().Time + 3600})
}

func (s *stage) signReserve(signer artel.Key, r artel.Reserve) chain.SignedReserve {
	return chain.SignedReserve{Reserve: r, Sig: signer.Sign(r.Digest(s.domain))}
}

func reserves(rs ...chain.SignedReserve) chain.ReserveFor { return chain.ReserveFor{Reserves: rs} }

// pair returns a renter with a deposit and a provider with nothing, and the
// lane 7 between them with the given cap.
func (s *stage) pair(deposit, cap uint64) (renter, provider artel.Key, k chain.LaneKey) {
	s.Helper()
	renter, provider = s.Account(s.T, deposit), s.Account(s.T, 0)
	k = chain.LaneKey{Renter: renter.Address(), Provider: provider.Address(), Number: 7}
	s.ok(renter, chain.Deposit{To: renter.Address(), Amount: artel.Units(deposit)})
	if cap != 0 {
		s.ok(renter, raise(k, cap))
	}
	return renter, provider, k
}

func raise(k chain.LaneKey, cap uint64) chain.ReserveLanes {
	return chain.ReserveLanes{Lanes: []chain.LaneCap{{Provider: k.Provider, Lane: k.Number, Cap: artel.Units(cap)}}}
}

func refs(ks ...chain.LaneKey) (rs []chain.LaneRef) {
	for _, k := range ks {
		rs = append(rs, chain.LaneRef{Provider: k.Provider, Lane: k.Number})
	}
	return rs
}
