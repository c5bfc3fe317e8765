package chaintest

import (
	"errors"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

func testRelease(s *stage) {
	renter, provider, k := s.pair(100, 50)
	never := k
	never.Number = 1234
	old := s.booking(k, renter, 0, 90)
	old.ValidUntil = s.head().Time + 100*s.params.Delay + 1_000_000
	old = s.signReserve(renter, old.Reserve)
	release := chain.Release{Renter: renter.Address(), Lanes: refs(k)}
	s.refused(renter, release, chain.ErrNotStarted)
	s.ok(renter, chain.StartRelease{Lanes: refs(k)})
	if at := s.lane(k).ReleaseAt; s.Warp != nil || at > s.head().Time+1 {
		s.refused(renter, release, chain.ErrEarly)
	}
	s.ok(renter, raise(k, 60)) // a raise does not stop it
	s.ok(provider, s.redeem(s.voucher(k, renter, 20)))
	at := s.lane(k).ReleaseAt
	if at == 0 || !s.lane(k).Releasing(s.params, s.head().Time) {
		s.Fatalf("the release does not run: %+v", s.lane(k))
	}
	s.reach(at)
	s.refused(renter, chain.Release{Renter: renter.Address(), Lanes: refs(k, never)}, chain.ErrNotStarted) // all or nothing
	s.ok(provider, release)                                                                                // anyone may: the renter asked for it
	s.isLane(k, 20, 20, 1)
	s.money("renter", renter, 0, 80, 0)
	s.refused(renter, release, chain.ErrNotStarted)
	s.refused(provider, reserves(old), chain.ErrEpoch) // dead for ever
	s.ok(provider, s.redeem(s.voucher(k, renter, 55))) // pays nothing: nothing is booked
	s.isLane(k, 20, 20, 1)
	s.ok(provider, reserves(s.booking(k, renter, 1, 30)))
	s.isLane(k, 30, 20, 1)

	if !s.lateWindow() {
		return
	}
	s.ok(renter, chain.StartRelease{Lanes: refs(k)})
	s.reach(s.lane(k).ReleaseAt + s.params.Window + 2)
	s.refused(renter, release, chain.ErrWindow)
	s.isLane(k, 30, 20, 1)
	if s.lane(k).Releasing(s.params, s.head().Time) {
		s.Error("a release whose window has passed still counts as running")
	}
	s.ok(renter, chain.StartRelease{Lanes: refs(k)}) // it can be started again
	s.reach(s.lane(k).ReleaseAt)
	s.ok(renter, release)
	s.isLane(k, 20, 20, 2)
}

func testWaive(s *stage) {
	renter, provider, k := s.pair(100, 50)
	stranger := s.Account(s.T, 0)
	s.ok(provider, s.redeem(s.voucher(k, renter, 15)))
	s.ok(renter, chain.StartRelease{Lanes: refs(k)})
	old := s.booking(k, renter, 0, 90)
	waive := chain.Waive{Lanes: []chain.WaiveRef{{Renter: k.Renter, Lane: k.Number}}}
	s.ok(stranger, waive) // of its own lane with that renter, which is empty
	s.isLane(k, 50, 15, 0)
	s.ok(provider, waive)
	s.isLane(k, 15, 15, 1)
	if at := s.lane(k).ReleaseAt; at != 0 {
		s.Errorf("a waived lane still releases at %d", at)
	}
	s.money("renter", renter, 0, 85, 0)
	s.refused(provider, reserves(old), chain.ErrEpoch)
	s.ok(provider, waive) // of nothing: the epoch rises all the same
	s.isLane(k, 15, 15, 2)
	s.money("renter", renter, 0, 85, 0)
}

func testExit(s *stage) {
	renter, provider, k := s.pair(100, 0)
	cold := s.Account(s.T, 0)
	exit := chain.Exit{To: cold.Address()}
	s.refused(renter, exit, chain.ErrNotStarted)
	s.ok(renter, chain.RequestExit{Amount: artel.Units(90)})
	s.ok(renter, chain.RequestExit{}) // taken back
	s.refused(renter, exit, chain.ErrNotStarted)
	s.ok(renter, chain.RequestExit{Amount: artel.Units(90)})
	acc := s.account(renter)
	if acc.ExitAmount != artel.Units(90) || !acc.Exiting(s.params, s.head().Time) {
		s.Errorf("after RequestExit: %+v", acc)
	}
	if s.Warp != nil || acc.ExitAt > s.head().Time+1 {
		s.refused(renter, exit, chain.ErrEarly)
	}
	s.ok(provider, reserves(s.booking(k, renter, 0, 40))) // what is booked is out of reach
	s.reach(acc.ExitAt)
	s.refused(provider, exit, chain.ErrNotStarted)
	s.ok(renter, exit)
	s.money("renter", renter, 0, 0, 0)
	s.money("cold", cold, 60, 0, 0)
	s.refused(renter, exit, chain.ErrNotStarted)
	s.ok(provider, s.redeem(s.voucher(k, renter, 40)))
	s.money("provider", provider, 0, 0, 40)

	if !s.lateWindow() {
		return
	}
	s.ok(cold, chain.Deposit{To: renter.Address(), Amount: artel.Units(60)})
	s.ok(renter, chain.RequestExit{Amount: artel.Units(5)})
	s.reach(s.account(renter).ExitAt + s.params.Window + 2)
	s.refused(renter, exit, chain.ErrWindow)
	s.money("renter", renter, 0, 60, 0)
}

func testPayout(s *stage) {
	renter, provider, k := s.pair(100, 90)
	first, second := s.Account(s.T, 0), s.Account(s.T, 0)
	s.ok(provider, s.redeem(s.voucher(k, renter, 90)))
	s.ok(provider, chain.SetPayout{To: first.Address()})
	pay := s.account(provider).Payout
	if pay.Next != first.Address() || pay.ChangesAt == 0 || pay.At(provider.Address(), pay.ChangesAt-1) != provider.Address() {
		s.Errorf("after SetPayout: %+v", pay)
	}
	if s.Warp != nil || pay.ChangesAt > s.head().Time+1 {
		s.ok(provider, chain.WithdrawEarned{Amount: artel.Units(10)}) // still the old one
		s.money("provider", provider, 10, 0, 80)
	}
	s.ok(renter, chain.SetPayout{To: first.Address()})
	s.ok(renter, chain.SetPayout{To: second.Address()})
	if p := s.account(renter).Payout; s.Warp != nil && !p.To.IsZero() || p.Next != second.Address() {
		s.Errorf("a second SetPayout before the first counts: %+v", p)
	}
	s.reach(pay.ChangesAt)
	s.ok(provider, chain.WithdrawEarned{Amount: artel.Units(20)})
	s.money("first", first, 20, 0, 0)
	s.ok(provider, chain.SetPayout{To: second.Address()})
	pay = s.account(provider).Payout
	if pay.To != first.Address() || pay.Next != second.Address() {
		s.Errorf("after a second SetPayout: %+v", pay)
	}
	if s.Warp == nil {
		return
	}
	s.ok(provider, chain.WithdrawEarned{Amount: artel.Units(5)})
	s.money("first", first, 25, 0, 0)
	s.ok(provider, chain.SetPayout{}) // back to the account itself, starting anew
	s.reach(s.account(provider).Payout.ChangesAt)
	s.ok(provider, chain.WithdrawEarned{Amount: artel.Units(5)})
	s.money("second", second, 0, 0, 0)
	s.money("provider", provider, 15, 0, 50)
}

func (s *stage) stake(a artel.Key) chain.Stake {
	s.Helper()
	v, err := s.Ledger.Stake(s.ctx, a.Address())
	if err != nil {
		s.Fatalf("Stake: %v", err)
	}
	return v
}

func testStake(s *stage) {
	a, b := s.Account(s.T, 100), s.Account(s.T, 0)
	s.refused(a, chain.StakeUp{To: a.Address(), Amount: artel.Units(101)}, chain.ErrTokens)
	s.ok(a, chain.StakeUp{To: a.Address(), Amount: artel.Units(60)})
	s.ok(a, chain.StakeUp{To: b.Address(), Amount: artel.Units(40)})
	s.refused(b, chain.Leave{Amount: artel.Units(41)}, chain.ErrStake)
	s.refused(b, chain.Unstake{}, chain.ErrNotStarted)
	s.ok(b, chain.Leave{Amount: artel.Units(40)})
	s.ok(b, chain.Leave{}) // taken back
	s.refused(b, chain.Unstake{}, chain.ErrNotStarted)
	s.ok(b, chain.Leave{Amount: artel.Units(30)})
	st := s.stake(b)
	if st.Amount != artel.Units(40) || st.Leaving != artel.Units(30) || st.Behind(s.params, s.head().Time) != artel.Units(10) {
		s.Errorf("while leaving: %+v", st)
	}
	if s.Warp == nil {
		return
	}
	s.refused(b, chain.Unstake{}, chain.ErrEarly)
	s.reach(st.LeaveAt)
	s.ok(b, chain.Unstake{})
	s.money("b", b, 30, 0, 0)
	if st := s.stake(b); st.Amount != artel.Units(10) || !st.Leaving.IsZero() || st.LeaveAt != 0 {
		s.Errorf("after Unstake: %+v", st)
	}
	s.ok(b, chain.Leave{Amount: artel.Units(10)})
	s.reach(s.stake(b).LeaveAt + s.params.Window + 2)
	s.refused(b, chain.Unstake{}, chain.ErrWindow)
	if got := s.stake(b).Behind(s.params, s.head().Time); got != artel.Units(10) {
		s.Errorf("after the window %s stand behind the word, want 10", got)
	}
}

// lie is a lease and two results of one attempt that contradict each other.
func (s *stage) lie(renter, provider artel.Key, penalty uint64, reporter artel.Key) chain.ProveEquivocation {
	now := s.head().Time
	l := artel.Lease{Renter: renter.Address(), Provider: provider.Address(), Lane: 7, Start: now - 10, End: now + 100,
		Penalty: artel.Units(penalty), Rule: artel.RuleResult, Terms: artel.Hash{1}}
	a := artel.Result{Task: 3, Attempt: 1, OutputRoot: artel.Hash{1}}
	b := artel.Result{Task: 3, Attempt: 1, OutputRoot: artel.Hash{2}}
	return s.signLie(chain.ProveEquivocation{Lease: l, A: a, B: b, Reporter: reporter.Address()}, renter, provider, provider)
}

func (s *stage) signLie(c chain.ProveEquivocation, renter, leaseKey, resultKey artel.Key) chain.ProveEquivocation {
	id := c.Lease.ID(s.domain)
	c.A.Lease, c.B.Lease = id, id
	c.RenterSig, c.LeaseSig = renter.Sign(id), leaseKey.Sign(id)
	c.ASig, c.BSig = resultKey.Sign(c.A.Digest(s.domain)), resultKey.Sign(c.B.Digest(s.domain))
	return c
}

func testEquivocation(s *stage) {
	renter, provider, reporter := s.Account(s.T, 0), s.Account(s.T, 1000), s.Account(s.T, 0)
	proof := s.lie(renter, provider, 600, reporter)
	s.refused(reporter, proof, chain.ErrStake) // nothing is staked
	s.ok(provider, chain.StakeUp{To: provider.Address(), Amount: artel.Units(1000)})
	s.ok(provider, chain.Leave{Amount: artel.Units(1000)}) // what is leaving can still be lost
	done := s.ok(reporter, proof)
	if st := s.stake(provider); st.Amount != artel.Units(400) || st.Leaving != artel.Units(400) || st.Faults != 1 {
		s.Errorf("after the proof: %+v", st)
	}
	s.refused(reporter, proof, chain.ErrClaimed)

	more := proof // another task of the lease; the penalty is more than what is left
	more.A.Task, more.B.Task = 4, 4
	s.ok(reporter, s.signLie(more, renter, provider, provider))
	if st := s.stake(provider); !st.Amount.IsZero() || !st.Leaving.IsZero() || st.Faults != 2 {
		s.Errorf("after the second proof: %+v", st)
	}

	due := done.Block.Time + s.params.StakeDelay
	s.refused(reporter, chain.Claim{At: []uint64{due + 12345}}, chain.ErrEarly)
	if s.Warp == nil {
		return
	}
	s.refused(reporter, chain.Claim{At: []uint64{due}}, chain.ErrEarly)
	s.reach(due)
	s.refused(provider, chain.Claim{At: []uint64{due}}, chain.ErrNotStarted)
	before := s.balance(reporter.Address())
	s.ok(reporter, chain.Claim{At: []uint64{due}})
	if got := s.balance(reporter.Address()).Sub(before); got != artel.Units(30) && got != artel.Units(50) { // both may share a block
		s.Errorf("the reporter got %s, want 5 %% of 600", got)
	}
	s.refused(reporter, chain.Claim{At: []uint64{due}}, chain.ErrNotStarted)
}

func testEquivocationHostile(s *stage) {
	renter, provider, thief := s.Account(s.T, 0), s.Account(s.T, 1000), s.Account(s.T, 0)
	hot := s.Account(s.T, 0)
	s.ok(provider, chain.StakeUp{To: provider.Address(), Amount: artel.Units(1000)})
	lie := func(f func(*chain.ProveEquivocation)) chain.ProveEquivocation {
		c := s.lie(renter, provider, 600, thief)
		f(&c)
		return s.signLie(c, renter, provider, provider)
	}
	honest := func() chain.ProveEquivocation { return s.lie(renter, provider, 600, thief) }
	now := s.head().Time
	for _, row := range []struct {
		name string
		c    chain.ProveEquivocation
		want chain.Code
	}{
		{"the same result twice", lie(func(c *chain.ProveEquivocation) { c.B = c.A }), chain.ErrNoFault},
		{"two tasks", lie(func(c *chain.ProveEquivocation) { c.B.Task++ }), chain.ErrNoFault},
		{"two attempts", lie(func(c *chain.ProveEquivocation) { c.B.Attempt++ }), chain.ErrNoFault},
		{"no penalty", lie(func(c *chain.ProveEquivocation) { c.Lease.Penalty = artel.Amount{} }), chain.ErrNoFault},
		{"ends before it starts", lie(func(c *chain.ProveEquivocation) { c.Lease.End = c.Lease.Start - 1 }), chain.ErrNoFault},
		{"too long", lie(func(c *chain.ProveEquivocation) { c.Lease.End = c.Lease.Start + 367*86400 }), chain.ErrNoFault},
		{"too old", lie(func(c *chain.ProveEquivocation) {
			c.Lease.End = now - s.params.StakeDelay - 10
			c.Lease.Start = c.Lease.End - 5
		}), chain.ErrNoFault},
		{"results of another lease", change(honest(), func(c *chain.ProveEquivocation) { c.Lease.Terms[5]++ }), chain.ErrNoFault},
		{"penalty raised by the reporter", change(honest(), func(c *chain.ProveEquivocation) { c.Lease.Penalty = artel.Units(1000) }), chain.ErrNoFault},
		{"lease not signed by the renter", s.signLie(honest(), thief, provider, provider), chain.ErrSignature},
		{"lease not signed by the provider", s.signLie(honest(), renter, thief, provider), chain.ErrSignature},
		{"results not signed by the provider", s.signLie(honest(), renter, provider, thief), chain.ErrSignature},
		{"one result not signed by the provider", change(honest(), func(c *chain.ProveEquivocation) { c.BSig = thief.Sign(c.B.Digest(s.domain)) }), chain.ErrSignature},
		{"by a key that never was a signer", s.signLie(honest(), renter, provider, hot), chain.ErrSignature},
	} {
		if o := s.do(thief, row.c); !errors.Is(o.Err(), row.want) {
			s.Errorf("%s: %s, %v; want %s", row.name, o.State, o.Err(), row.want)
		}
	}
	if st := s.stake(provider); st.Amount != artel.Units(1000) || st.Faults != 0 {
		s.Errorf("an honest provider lost stake: %+v", st)
	}
	// A lie of the node key is the account's lie, also after the key was revoked.
	s.ok(provider, chain.SetSigner{Key: hot.Address(), Until: s.head().Time + 1000})
	proof := s.signLie(honest(), renter, hot, hot)
	s.ok(provider, chain.SetSigner{Key: hot.Address()})
	s.ok(thief, proof)
	if st := s.stake(provider); st.Amount != artel.Units(400) {
		s.Errorf("after the proof: %+v", st)
	}
}
