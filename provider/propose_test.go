package provider

import (
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// Each refusal once: a good proposal with one change.
func TestProposeRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		pol   func(*Policy)
		setup func(b *bench)
		make  func(b *bench, d *draft)
		code  p2p.Code // "": it is accepted
		words string
		hint  string
	}{
		{name: "good"},
		{name: "no slots", make: func(_ *bench, d *draft) { d.terms.Slots = 0 }, code: p2p.Invalid, words: "0 slots"},
		{name: "other rule", make: func(_ *bench, d *draft) { d.lease.Rule = 9 }, code: p2p.Invalid, words: "rule"},
		{name: "another hash", make: func(_ *bench, d *draft) { d.bySelf = true }, code: p2p.Invalid, words: "their hash is"},
		{name: "another network", make: func(_ *bench, d *draft) { d.terms.Network[0] ^= 1 }, code: p2p.OtherNetwork, words: "is for network"},
		{name: "sent by another", make: func(b *bench, d *draft) { d.host = b.theirs }, code: p2p.Unauthorized, words: "the node it names"},
		{name: "signed by another", make: func(b *bench, d *draft) { d.signer = b.other }, code: p2p.Unauthorized, words: "the node it names"},
		{name: "another provider", make: func(b *bench, d *draft) { d.lease.Provider = b.other.Address() }, code: p2p.Invalid, words: "another provider"},
		{name: "another node", make: func(b *bench, d *draft) { d.terms.Node = b.other.NodeID() }, code: p2p.Invalid, words: "another provider"},
		{name: "another account's lane", make: func(b *bench, d *draft) {
			d.lease.Renter, d.lease.Lane = b.other.Address(), artel.LaneNumber(b.other.Address(), 1)
		}, code: p2p.Invalid, words: "may not sign for lane"},
		{name: "cheap", make: func(_ *bench, d *draft) { d.terms.Price-- }, code: p2p.Refused, words: "price 99999999 is below 100000000", hint: "the offer has changed"},
		{name: "a unit of ages", make: func(_ *bench, d *draft) { d.terms.Unit = artel.MaxUnit + 1 }, code: p2p.Invalid, words: "lease has a unit of"},
		{name: "long unit", make: func(_ *bench, d *draft) { d.terms.Unit++ }, code: p2p.Refused, words: "due for 60001 ms", hint: "checkpoints more often"},
		{name: "too many slots", make: func(_ *bench, d *draft) { d.terms.Slots = 3 }, code: p2p.Refused, words: "the machine has 2 slots"},
		{name: "another sandbox", make: func(_ *bench, d *draft) { d.terms.Sandbox = "vm" }, code: p2p.Refused, words: `no sandbox "vm"`},
		{name: "too much unpaid", make: func(_ *bench, d *draft) { d.terms.MaxUnpaid = artel.Units(18_001) }, code: p2p.Refused, words: "maxUnpaid 18001, at most 18000"},
		{name: "none could begin", make: func(_ *bench, d *draft) { d.terms.MaxUnpaid = artel.Units(5_999) }, code: p2p.Refused, words: "none could begin", hint: "a shorter time limit"},
		{name: "prepaid too little", make: func(_ *bench, d *draft) {
			d.terms.MaxUnpaid, d.terms.Prepaid = artel.Units(5_999), artel.Units(5_999)
		}, code: p2p.Refused, words: "no unit is prepaid"},
		{name: "booked too often", pol: func(p *Policy) { p.MinRedeem = artel.Units(6_001) }, code: p2p.Refused, words: "booked too often", hint: "a shorter time limit"},
		{name: "booked seldom enough", pol: func(p *Policy) { p.MinRedeem = artel.Units(6_000) }},
		{name: "penalty", make: func(_ *bench, d *draft) { d.lease.Penalty = artel.Units(6) }, code: p2p.Refused, words: "penalty 6"},
		{name: "long lease", make: func(_ *bench, d *draft) { d.lease.End += 3001 }, code: p2p.Refused, words: "a lease of 3601 s"},
		{name: "began long ago", make: func(_ *bench, d *draft) { d.lease.Start -= apart + 10 }, code: p2p.Invalid, words: "the lease began", hint: "check the clock"},
		{name: "starts later", make: func(_ *bench, d *draft) { d.lease.Start, d.lease.End = d.lease.Start+apart+10, d.lease.End+apart+10 }, code: p2p.Invalid, words: "the lease starts in", hint: "check the clock"},
		{name: "over already", make: func(_ *bench, d *draft) { d.lease.Start, d.lease.End = d.lease.Start-10, d.lease.Start-5 }, code: p2p.Invalid, words: "over already", hint: "check the clock"},
		{name: "releasing", setup: func(b *bench) {
			b.submit(b.renter, chain.StartRelease{Lanes: []chain.LaneRef{{Provider: b.c.Account, Lane: artel.LaneNumber(b.renter.Address(), 1)}}})
		}, code: p2p.Unpaid, words: "being released", hint: "another lane"},
		{name: "no reserve", make: func(_ *bench, d *draft) { d.reserve = nil }, code: p2p.Unpaid, words: "without a Reserve", hint: "sign a Reserve"},
		{name: "a Reserve of nothing", make: func(_ *bench, d *draft) { d.reserve.Cap = artel.Amount{} }, code: p2p.Unpaid, words: "the Reserve leaves 0 units", hint: "sign a Reserve"},
		{name: "a Reserve of too little", make: func(_ *bench, d *draft) { d.reserve.Cap = artel.Units(2_999) }, code: p2p.Unpaid, words: "the Reserve leaves 2999 units", hint: "sign a Reserve"},
		{name: "a Reserve of half a unit", make: func(_ *bench, d *draft) { d.reserve.Cap = artel.Units(3_000) }},
		{name: "a prepaid unit that is not worth its gas", pol: func(p *Policy) { p.MinRedeem = artel.Units(6_001) }, make: func(b *bench, d *draft) {
			v := b.pay(d, 6_000)
			d.terms.Prepaid, d.voucher = artel.Units(6_000), &v
		}, code: p2p.Refused, words: "would secure 6000 units", hint: "a longer time limit"},
		{name: "no deposit", make: func(_ *bench, d *draft) { d.reserve.Cap = artel.Units(1_000_001) }, code: p2p.Unpaid, words: "the account has 1000000", hint: "artel wallet deposit"},
		{name: "leaving", setup: func(b *bench) { b.submit(b.renter, chain.RequestExit{Amount: artel.Units(10)}) }, code: p2p.Unpaid, words: "the account is leaving", hint: "cancel the exit"},
		{name: "an old generation", setup: func(b *bench) {
			b.do(b.t.Context(), func(*tx) { b.gens[Controller{b.renter.Address(), b.renter.Address()}] = 6 })
		}, code: p2p.Conflict, words: "generation 5 was replaced by 6", hint: "stop this one"},
		{name: "lane in use", setup: func(b *bench) { b.must(b.propose(b.good(1))) }, make: func(_ *bench, d *draft) { d.lease.End++ }, code: p2p.Conflict, words: "is in use by lease", hint: "another lane number"},
		{name: "no slot free", setup: func(b *bench) {
			d := b.good(2)
			d.terms.Slots = 2
			b.must(b.propose(d))
		}, code: p2p.Refused, words: "1 slots wanted, 0 are free", hint: "try again later"},
		{name: "GPUs that it has not", make: func(_ *bench, d *draft) { d.terms.Resources.GPUs = 1 }, code: p2p.Refused, words: "and 0 GPUs"},
		{name: "no GPU free", pol: func(p *Policy) { p.Resources.GPUs = 1 }, setup: func(b *bench) {
			d := b.good(2)
			d.terms.Resources.GPUs = 1
			b.must(b.propose(d))
		}, make: func(_ *bench, d *draft) { d.terms.Resources.GPUs = 1 }, code: p2p.Refused, words: "1 GPUs wanted, 0 are free", hint: "try again later"},
		{name: "paused", setup: func(b *bench) { b.Pause(b.t.Context(), true) }, code: p2p.Refused, words: "are free", hint: "try again later"},
		{name: "waiving", setup: func(b *bench) { b.lane(1, func(r *LaneRow) { r.Waiving = true }) }, code: p2p.Busy, words: "on its way back", hint: "try again"},
		{name: "an older epoch", setup: func(b *bench) { b.lane(1, func(r *LaneRow) { r.Epoch = 1 }) }, code: p2p.Busy, words: "has entered epoch 1", hint: "look the lane up"},
		{name: "an earlier debt", setup: func(b *bench) { b.lane(1, func(r *LaneRow) { r.Accrued = artel.AccrualOf(artel.Units(3)) }) }, code: p2p.Unpaid, words: "3 units of an earlier lease", hint: "pay them"},
		{name: "a base from nowhere", make: func(_ *bench, d *draft) { d.terms.Base = artel.AccrualOf(artel.Units(3)) }, code: p2p.Invalid, words: "the lane's voucher is at 0"},
		{name: "debts elsewhere", setup: func(b *bench) { b.lane(7, func(r *LaneRow) { r.Accrued = artel.AccrualOf(artel.Units(18_001)) }) }, code: p2p.Unpaid, words: "were never paid", hint: "settle the lanes"},
		{name: "too many leases", setup: func(b *bench) {
			b.do(b.t.Context(), func(*tx) {
				for i := range maxRenterLeases {
					id := artel.Hash{1, byte(i >> 8), byte(i)}
					b.leases[id] = &sold{Sold: lease.Sold{ID: id, Phase: lease.Closed, Lease: artel.Lease{Renter: b.renter.Address()}}, closing: time.Now()}
				}
			})
		}, code: p2p.Refused, words: "too many leases", hint: "wait some minutes"},
		{name: "no history", pol: func(p *Policy) { p.Prepay = true }, code: p2p.Unpaid, words: "first unit of 6000 units ahead", hint: "prepaid voucher"},
		{name: "prepaid", pol: func(p *Policy) { p.Prepay = true }, make: func(b *bench, d *draft) {
			v := b.pay(d, 6_000)
			d.terms.Prepaid, d.voucher = artel.Units(6_000), &v
		}},
		{name: "prepaid without a voucher", make: func(_ *bench, d *draft) { d.terms.Prepaid = artel.Units(6_000) }, code: p2p.Unpaid, words: "voucher is missing", hint: "send it"},
		{name: "reserve of another epoch", make: func(_ *bench, d *draft) { d.reserve.Epoch = 2 }, code: p2p.Invalid, words: "reserve is of epoch 2"},
		{name: "reserve of another lane", make: func(_ *bench, d *draft) { d.reserve.Lane++ }, code: p2p.Invalid, words: "another lane"},
		{name: "reserve ran out", make: func(_ *bench, d *draft) { d.reserve.ValidUntil = d.lease.Start - 1 }, code: p2p.Invalid, words: "ran out"},
		{name: "voucher of another lane", make: func(b *bench, d *draft) {
			v := b.pay(d, 1)
			v.Lane++
			d.voucher = &v
		}, code: p2p.Invalid, words: "another lane"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pol := benchPolicy
			if c.pol != nil {
				c.pol(&pol)
			}
			onBench(t, pol, func(t *testing.T, b *bench) {
				if c.setup != nil {
					c.setup(b)
				}
				before := b.count()
				d := b.good(1)
				if c.make != nil {
					c.make(b, d)
				}
				id, err := b.propose(d)
				if c.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					if again, err := b.propose(d); err != nil || again != id || b.count() != before+1 {
						t.Errorf("asked again: %v, %d leases", err, b.count())
					}
					return
				}
				wantRefusal(t, err, c.code, c.words, c.hint)
				if b.count() != before {
					t.Errorf("%d leases after a refusal, %d before", b.count(), before)
				}
			})
		})
	}
}

func (b *bench) must(_ artel.Hash, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) count() (n int) {
	b.do(b.t.Context(), func(*tx) { n = len(b.leases) })
	return n
}

// lane changes what the provider knows of a lane of the renter.
func (b *bench) lane(number uint32, f func(r *LaneRow)) {
	b.do(b.t.Context(), func(*tx) {
		k := lease.Key{Renter: b.renter.Address(), Provider: b.c.Account, Number: artel.LaneNumber(b.renter.Address(), number)}
		if b.lanes[k] == nil {
			b.lanes[k] = &LaneRow{Book: lease.Book{Key: k}}
		}
		f(b.lanes[k])
	})
}
