package chaintest

import (
	"errors"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

func testSubmit(s *stage) {
	a := s.Account(s.T, 100)
	tx := chain.Tx{ID: s.id(), From: a.Address(), Call: chain.Deposit{To: a.Address(), Amount: artel.Units(40)}}
	for range 3 { // the same call again, before and after it is done, is one call
		if err := s.Ledger.Submit(s.ctx, tx); err != nil {
			s.Fatalf("Submit: %v", err)
		}
	}
	if o, err := s.Ledger.Wait(s.ctx, tx.ID); err != nil || o.State != chain.Done || o.ID != tx.ID || o.Block.Number == 0 {
		s.Fatalf("Wait: %+v, %v", o, err)
	}
	if err := s.Ledger.Submit(s.ctx, tx); err != nil {
		s.Errorf("Submit of a call that is done: %v", err)
	}
	s.money("account", a, 60, 40, 0)

	other := tx
	other.Call = chain.Deposit{To: a.Address(), Amount: artel.Units(41)}
	if err := s.Ledger.Submit(s.ctx, other); !errors.Is(err, chain.ErrIDReused) {
		s.Errorf("another call under the same id: %v, want %v", err, chain.ErrIDReused)
	}
	if _, err := s.Ledger.Outcome(s.ctx, "never submitted"); !errors.Is(err, chain.ErrUnknownTx) {
		s.Errorf("Outcome of an unknown id: %v", err)
	}
	if _, err := s.Ledger.Wait(s.ctx, "never submitted"); !errors.Is(err, chain.ErrUnknownTx) {
		s.Errorf("Wait for an unknown id: %v", err)
	}
	for _, bad := range []chain.Tx{
		{From: a.Address(), Call: chain.Unstake{}},
		{ID: s.id(), Call: chain.Unstake{}},
		{ID: s.id(), From: a.Address()},
		{ID: s.id(), From: a.Address(), Call: chain.Deposit{Amount: artel.Units(1)}},
		{ID: s.id(), From: a.Address(), Call: chain.Deposit{To: a.Address()}},
		{ID: s.id(), From: a.Address(), Call: chain.ReserveLanes{}},
		{ID: s.id(), From: a.Address(), Call: chain.Release{Renter: a.Address(), Lanes: make([]chain.LaneRef, 1)}},
		{ID: s.id(), From: a.Address(), Call: chain.SetSigner{Key: a.Address(), Until: 1 << 40}},
	} {
		if err := s.Ledger.Submit(s.ctx, bad); !errors.Is(err, chain.ErrBadCall) {
			s.Errorf("Submit %+v: %v, want %v", bad, err, chain.ErrBadCall)
		}
	}

	// Calls of one account go in order; a refused one does not hold up the next.
	calls := []chain.Call{
		chain.Deposit{To: a.Address(), Amount: artel.Units(10)},
		chain.WithdrawEarned{Amount: artel.Units(1)}, // refused
		chain.Deposit{To: a.Address(), Amount: artel.Units(20)},
		chain.RequestExit{Amount: artel.Units(70)},
	}
	var ids []string
	for _, c := range calls {
		ids = append(ids, s.id())
		if err := s.Ledger.Submit(s.ctx, chain.Tx{ID: ids[len(ids)-1], From: a.Address(), Call: c}); err != nil {
			s.Fatalf("Submit: %v", err)
		}
	}
	var last chain.Head
	for i, id := range ids {
		o, err := s.Ledger.Wait(s.ctx, id)
		if err != nil {
			s.Fatal(err)
		}
		if refused := o.State == chain.Refused; refused != (i == 1) {
			s.Errorf("call %d: %s, %v", i, o.State, o.Err())
		}
		if o.State == chain.Done && o.Block.Number < last.Number {
			s.Errorf("call %d is in block %d, an earlier one in %d", i, o.Block.Number, last.Number)
		}
		if o.State == chain.Done {
			last = o.Block
		}
	}
	s.money("account", a, 30, 70, 0)
}

func testDeposit(s *stage) {
	a, b := s.Account(s.T, 100), s.Account(s.T, 0)
	s.ok(a, chain.Deposit{To: a.Address(), Amount: artel.Units(30)})
	s.ok(a, chain.Deposit{To: b.Address(), Amount: artel.Units(20)})
	s.money("a", a, 50, 30, 0)
	s.money("b", b, 0, 20, 0)
	s.refused(a, chain.Deposit{To: a.Address(), Amount: artel.Units(51)}, chain.ErrTokens)
	s.refused(a, chain.TransferToken{To: b.Address(), Amount: artel.Units(51)}, chain.ErrTokens)
	s.ok(a, chain.TransferToken{To: b.Address(), Amount: artel.Units(50)})
	s.ok(b, chain.Deposit{To: b.Address(), Amount: artel.Units(50)})
	s.money("a", a, 0, 30, 0)
	s.money("b", b, 0, 70, 0)
}

func testReserve(s *stage) {
	renter, provider, k := s.pair(100, 0)
	other := chain.LaneKey{Renter: k.Renter, Provider: k.Provider, Number: 8}
	s.ok(renter, raise(k, 60))
	s.isLane(k, 60, 0, 0)
	s.ok(renter, raise(k, 60)) // absolute: nothing more
	s.ok(renter, raise(k, 10)) // never down
	s.isLane(k, 60, 0, 0)
	s.refused(renter, raise(other, 41), chain.ErrDeposit)
	s.refused(provider, raise(chain.LaneKey{Provider: k.Renter, Number: 7}, 1), chain.ErrDeposit)
	both := chain.ReserveLanes{Lanes: []chain.LaneCap{
		{Provider: k.Provider, Lane: 7, Cap: artel.Units(70)},
		{Provider: k.Provider, Lane: 8, Cap: artel.Units(31)}}}
	s.refused(renter, both, chain.ErrDeposit) // all or nothing
	s.isLane(k, 60, 0, 0)
	both.Lanes[1].Cap = artel.Units(30)
	s.ok(renter, both)
	s.isLane(k, 70, 0, 0)
	s.isLane(other, 30, 0, 0)
	s.money("renter", renter, 0, 0, 0)
	s.refused(renter, chain.ReserveLanes{Lanes: []chain.LaneCap{
		{Provider: k.Provider, Lane: 7, Cap: artel.MaxAmount},
		{Provider: k.Provider, Lane: 8, Cap: artel.MaxAmount}}}, chain.ErrDeposit)
}

func testReserveFor(s *stage) {
	renter, provider, k := s.pair(100, 0)
	hot, stranger := s.Account(s.T, 0), s.Account(s.T, 0)
	own := chain.LaneKey{Renter: k.Renter, Provider: k.Provider, Number: artel.LaneNumber(hot.Address(), 1)}
	now := s.head().Time

	s.ok(provider, reserves(s.booking(k, renter, 0, 30)))
	s.isLane(k, 30, 0, 0)
	s.ok(stranger, reserves(s.booking(k, renter, 0, 30), s.booking(k, renter, 0, 20))) // replays do nothing
	s.isLane(k, 30, 0, 0)

	good := artel.Reserve{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Cap: artel.Units(40), ValidUntil: now + 3600}
	for _, row := range []struct {
		name   string
		change func(r *artel.Reserve, by *artel.Key)
		after  func(r *chain.SignedReserve)
		want   chain.Code
	}{
		{name: "expired", change: func(r *artel.Reserve, _ *artel.Key) { r.ValidUntil = now - 1 }, want: chain.ErrExpired},
		{name: "never valid", change: func(r *artel.Reserve, _ *artel.Key) { r.ValidUntil = 0 }, want: chain.ErrExpired},
		{name: "next epoch", change: func(r *artel.Reserve, _ *artel.Key) { r.Epoch = 1 }, want: chain.ErrEpoch},
		{name: "by a stranger", change: func(_ *artel.Reserve, by *artel.Key) { *by = stranger }, want: chain.ErrSignature},
		{name: "by the provider", change: func(_ *artel.Reserve, by *artel.Key) { *by = provider }, want: chain.ErrSignature},
		{name: "beyond the deposit", change: func(r *artel.Reserve, _ *artel.Key) { r.Cap = artel.Units(101) }, want: chain.ErrDeposit},
		{name: "all there is", change: func(r *artel.Reserve, _ *artel.Key) { r.Cap = artel.MaxAmount }, want: chain.ErrDeposit},
		{name: "cap changed", after: func(r *chain.SignedReserve) { r.Cap = artel.Units(41) }, want: chain.ErrSignature},
		{name: "lane changed", after: func(r *chain.SignedReserve) { r.Lane++ }, want: chain.ErrSignature},
		{name: "time changed", after: func(r *chain.SignedReserve) { r.ValidUntil++ }, want: chain.ErrSignature},
		{name: "no signature", after: func(r *chain.SignedReserve) { r.Sig = artel.Signature{} }, want: chain.ErrSignature},
		{name: "high s", after: func(r *chain.SignedReserve) { r.Sig = highS(r.Sig) }, want: chain.ErrSignature},
	} {
		r, by := good, renter
		if row.change != nil {
			row.change(&r, &by)
		}
		signed := s.signReserve(by, r)
		if row.after != nil {
			row.after(&signed)
		}
		o := s.do(provider, reserves(signed))
		if !errors.Is(o.Err(), row.want) {
			s.Errorf("%s: %s, %v; want %s", row.name, o.State, o.Err(), row.want)
		}
	}
	s.isLane(k, 30, 0, 0)

	// A session signer: own lanes only, up to its allowance, while its time lasts.
	s.refused(provider, reserves(s.booking(own, hot, 0, 10)), chain.ErrSignature)
	s.ok(renter, chain.SetSigner{Key: hot.Address(), Allowance: artel.Units(25), Until: s.head().Time + 10000})
	s.ok(provider, reserves(s.booking(own, hot, 0, 10)))
	s.ok(provider, reserves(s.booking(own, hot, 0, 10))) // a replay uses up nothing
	s.refused(provider, reserves(s.booking(k, hot, 0, 40)), chain.ErrLaneTag)
	s.refused(provider, reserves(s.booking(own, hot, 0, 26)), chain.ErrAllowance)
	s.ok(provider, reserves(s.booking(own, hot, 0, 25)))
	second := own
	second.Number++
	s.refused(provider, reserves(s.booking(second, hot, 0, 1)), chain.ErrAllowance)
	s.ok(renter, chain.SetSigner{Key: hot.Address(), Allowance: artel.Units(45), Until: s.head().Time + 10000})
	s.refused(provider, reserves(s.booking(second, hot, 0, 21)), chain.ErrAllowance)
	s.ok(provider, reserves(s.booking(second, hot, 0, 20)))
	if sg, err := s.Ledger.Signer(s.ctx, renter.Address(), hot.Address()); err != nil || sg.Booked != artel.Units(45) || !sg.Left().IsZero() {
		s.Errorf("Signer: %+v, %v; want 45 booked, nothing left", sg, err)
	}
	s.money("renter", renter, 0, 25, 0)

	// A key's time may be shorter than the delay; only taking time away waits.
	brief := s.head().Time + 1
	s.ok(renter, chain.SetSigner{Key: stranger.Address(), Until: brief})
	if sg, err := s.Ledger.Signer(s.ctx, renter.Address(), stranger.Address()); err != nil || sg.Until != brief {
		s.Errorf("Signer: %+v, %v; want until %d", sg, err, brief)
	}

	// One bad one in a list takes the whole list back.
	s.refused(provider, reserves(s.booking(k, renter, 0, 31), s.booking(k, renter, 9, 32)), chain.ErrEpoch)
	s.isLane(k, 30, 0, 0)
}

// highS returns the other signature of the same message that a lenient
// verifier would take: s' = n − s.
func highS(sig artel.Signature) artel.Signature {
	n := [32]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41}
	parity := sig[32] & 0x80
	sig[32] &= 0x7f
	borrow := 0
	for i := 31; i >= 0; i-- {
		d := int(n[i]) - int(sig[32+i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		sig[32+i] = byte(d)
	}
	sig[32] = sig[32]&0x7f | parity ^ 0x80
	return sig
}

func testRedeem(s *stage) {
	renter, provider, k := s.pair(100, 50)
	watcher := s.Account(s.T, 0)
	s.ok(watcher, s.redeem(s.voucher(k, renter, 20))) // anyone may
	s.isLane(k, 50, 20, 0)
	s.money("provider", provider, 0, 0, 20)
	s.ok(watcher, s.redeem(s.voucher(k, renter, 20), s.voucher(k, renter, 5))) // stale ones do nothing
	s.money("provider", provider, 0, 0, 20)
	s.ok(provider, s.redeem(s.voucher(k, renter, 80), s.voucher(k, renter, 60))) // up to the cap
	s.isLane(k, 50, 50, 0)
	s.money("provider", provider, 0, 0, 50)
	s.ok(renter, raise(k, 65))
	s.ok(provider, s.redeem(s.voucher(k, renter, 80))) // the same voucher pays the rest when the cap rises
	s.isLane(k, 65, 65, 0)
	s.money("provider", provider, 0, 0, 65)

	// Many lanes of many renters in one call; one of them has nothing booked.
	r2, k2 := s.Account(s.T, 10), k
	k2.Renter = r2.Address()
	s.ok(r2, chain.Deposit{To: r2.Address(), Amount: artel.Units(10)})
	s.ok(r2, raise(k2, 10))
	empty := k
	empty.Number = 99
	s.ok(watcher, s.redeem(s.voucher(k2, r2, 4), s.voucher(empty, renter, 9), s.voucher(k2, r2, 6)))
	s.money("provider", provider, 0, 0, 71)
	s.refused(provider, chain.WithdrawEarned{Amount: artel.Units(72)}, chain.ErrEarned)
	s.ok(provider, chain.WithdrawEarned{Amount: artel.Units(70)})
	s.money("provider", provider, 70, 0, 1)
	s.ok(watcher, chain.WithdrawFor{Account: provider.Address()})
	s.money("provider", provider, 71, 0, 0)
}

func testRedeemHostile(s *stage) {
	renter, provider, k := s.pair(100, 50)
	hot, stranger := s.Account(s.T, 0), s.Account(s.T, 0)
	own := chain.LaneKey{Renter: k.Renter, Provider: k.Provider, Number: artel.LaneNumber(hot.Address(), 1)}
	s.ok(renter, raise(own, 30))
	elsewhere := func(d artel.Domain) chain.SignedVoucher {
		v := s.voucher(k, renter, 10)
		v.Sig = renter.Sign(v.Digest(d))
		return v
	}
	p := s.params
	for _, row := range []struct {
		name string
		v    chain.SignedVoucher
		want chain.Code
	}{
		{"by a stranger", s.voucher(k, stranger, 10), chain.ErrSignature},
		{"by the provider", s.voucher(k, provider, 10), chain.ErrSignature},
		{"of another chain", elsewhere(artel.NewDomain(p.ChainID+1, p.Ledger, p.Stake)), chain.ErrSignature},
		{"of another contract", elsewhere(artel.NewDomain(p.ChainID, p.Stake, p.Ledger)), chain.ErrSignature},
		{"raised after signing", change(s.voucher(k, renter, 10), func(v *chain.SignedVoucher) { v.Cumulative = artel.Units(11) }), chain.ErrSignature},
		{"for another lane", change(s.voucher(k, renter, 10), func(v *chain.SignedVoucher) { v.Lane = own.Number }), chain.ErrSignature},
		{"with another memo", change(s.voucher(k, renter, 10), func(v *chain.SignedVoucher) { v.Memo[0] = 1 }), chain.ErrSignature},
		{"no signature", change(s.voucher(k, renter, 10), func(v *chain.SignedVoucher) { v.Sig = artel.Signature{} }), chain.ErrSignature},
		{"high s", change(s.voucher(k, renter, 10), func(v *chain.SignedVoucher) { v.Sig = highS(v.Sig) }), chain.ErrSignature},
		{"by a key that is no signer", s.voucher(own, hot, 10), chain.ErrSignature},
	} {
		if o := s.do(provider, s.redeem(row.v)); !errors.Is(o.Err(), row.want) {
			s.Errorf("%s: %s, %v; want %s", row.name, o.State, o.Err(), row.want)
		}
		// One of them spoils the call it is in, and nothing of that call stays.
		if o := s.do(provider, s.redeem(s.voucher(k, renter, 3), row.v)); !errors.Is(o.Err(), row.want) {
			s.Errorf("%s, after a good one: %s, %v; want %s", row.name, o.State, o.Err(), row.want)
		}
	}
	s.isLane(k, 50, 0, 0)
	s.ok(renter, chain.SetSigner{Key: hot.Address(), Until: s.head().Time + s.params.Delay + 30})
	s.ok(provider, s.redeem(s.voucher(own, hot, 10))) // no allowance is needed for what is booked
	s.refused(provider, s.redeem(s.voucher(k, hot, 10)), chain.ErrLaneTag)
	s.money("provider", provider, 0, 0, 10)
	sg, err := s.Ledger.Signer(s.ctx, renter.Address(), hot.Address())
	if err != nil {
		s.Fatal(err)
	}
	if s.Warp != nil {
		s.reach(sg.Until + 2)
		s.refused(provider, s.redeem(s.voucher(own, hot, 20)), chain.ErrSigner)
		s.refused(provider, reserves(s.booking(own, hot, 0, 40)), chain.ErrSigner)
	}
}

func change[T any](v T, f func(*T)) T {
	f(&v)
	return v
}

// testRevocation: a voucher that was valid when accepted stays redeemable for
// the delay, whatever the renter signs, revokes or withdraws.
func testRevocation(s *stage) {
	renter, provider, _ := s.pair(100, 0)
	hot := s.Account(s.T, 0)
	k := chain.LaneKey{Renter: renter.Address(), Provider: provider.Address(), Number: artel.LaneNumber(hot.Address(), 3)}
	s.ok(renter, chain.SetSigner{Key: hot.Address(), Allowance: artel.Units(50), Until: s.head().Time + 10*s.params.Delay + 1000})
	s.ok(provider, reserves(s.booking(k, hot, 0, 50)))
	voucher := s.voucher(k, hot, 50)

	revoked := s.ok(renter, chain.SetSigner{Key: hot.Address()})
	s.ok(renter, chain.StartRelease{Lanes: refs(k)})
	s.ok(renter, chain.RequestExit{Amount: artel.Units(100)})
	sg, err := s.Ledger.Signer(s.ctx, renter.Address(), hot.Address())
	if err != nil || sg.Until != revoked.Block.Time+s.params.Delay || !sg.Left().IsZero() {
		s.Errorf("Signer after the revocation at %d: %+v, %v; want until %d and nothing left", revoked.Block.Time, sg, err, revoked.Block.Time+s.params.Delay)
	}
	again := s.ok(renter, chain.SetSigner{Key: hot.Address(), Until: 1}) // twice is not sooner, nor later
	if sg2, err := s.Ledger.Signer(s.ctx, renter.Address(), hot.Address()); err != nil || sg2.Until != sg.Until {
		s.Errorf("Signer after a second revocation at %d: until %d, %v; want %d", again.Block.Time, sg2.Until, err, sg.Until)
	}
	s.refused(provider, reserves(s.booking(k, hot, 0, 60)), chain.ErrAllowance)
	if s.Warp != nil {
		s.reach(sg.Until - 60)
	}
	s.ok(provider, s.redeem(voucher))
	s.money("provider", provider, 0, 0, 50)
}
