package provider

import (
	"log/slog"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
)

// bare is a provider without goroutines, for tests that call the core's own
// methods.
func bare(t *testing.T, pol Policy) *Provider {
	key := testKey(t, 9)
	return New(Config{Key: key, Account: key.Address(), Policy: pol, Params: chain.Params{ChainID: 1}, Store: &heap{}, Log: slog.New(slog.DiscardHandler)})
}

// resting puts a lane without a lease into p: figures in units, resting since
// the clock's beginning.
func resting(p *Provider, renter byte, due, voucher, cap, paid uint64) *LaneRow {
	k := lease.Key{Renter: artel.Address{renter}, Provider: p.c.Account, Number: 1}
	row := &LaneRow{Rested: 1, Book: lease.Book{
		Key: k, Accrued: artel.AccrualOf(artel.Units(due)), Voucher: artel.Units(voucher), Cap: artel.Units(cap), Paid: artel.Units(paid), Epoch: 4,
	}}
	p.lanes[k] = row
	return row
}

func newTx(now int64) *tx {
	return &tx{now: now, lanes: map[lease.Key]bool{}, leases: map[artel.Hash]bool{}}
}

func TestWhatIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		name                    string
		due, voucher, cap, paid uint64
		worth                   uint64
		change                  func(p *Provider, row *LaneRow)
		now                     int64
		back                    bool
	}{
		{name: "all redeemed", due: 10, voucher: 10, cap: 50, paid: 10, back: true},
		{name: "never used", cap: 50, back: true},
		{name: "prepaid and not used up", due: 3, voucher: 10, cap: 50, paid: 10, back: true},
		{name: "nothing booked", due: 10, voucher: 10, cap: 10, paid: 10},
		{name: "not redeemed", due: 10, voucher: 10, cap: 50, paid: 9},
		{name: "voucher beyond the cap", due: 60, voucher: 60, cap: 50, paid: 50},
		{name: "something is due", due: 11, voucher: 10, cap: 50, paid: 10},
		{name: "too soon", due: 10, voucher: 10, cap: 50, paid: 10, now: waiveAfter},
		{name: "in use", due: 10, voucher: 10, cap: 50, paid: 10, change: func(p *Provider, row *LaneRow) { p.open[row.Key] = artel.Hash{1} }},
		{name: "a call is under way", due: 10, voucher: 10, cap: 50, paid: 10, change: func(p *Provider, row *LaneRow) {
			p.outbox["x"] = chain.Tx{ID: "x", Call: chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: artel.Reserve{Renter: row.Key.Renter, Provider: row.Key.Provider, Lane: row.Key.Number}}}}}
		}},
		{name: "not the account's key", due: 10, voucher: 10, cap: 50, paid: 10, change: func(p *Provider, row *LaneRow) { p.c.Account = artel.Address{7} }},
		{name: "gas: earned enough", due: 10, voucher: 10, cap: 50, paid: 10, worth: 10, back: true},
		{name: "gas: dust is left", due: 15, voucher: 15, cap: 50, paid: 10, worth: 10, back: true},
		{name: "gas: earned too little", due: 9, voucher: 9, cap: 50, paid: 9, worth: 10},
		{name: "gas: too little is left", due: 45, voucher: 45, cap: 50, paid: 45, worth: 10},
		{name: "gas: nothing earned since the last one", due: 45, voucher: 45, cap: 90, paid: 45, worth: 10, change: func(p *Provider, row *LaneRow) { row.Waived = artel.Units(40) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := bare(t, Policy{MinRedeem: artel.Units(c.worth)})
			row := resting(p, 1, c.due, c.voucher, c.cap, c.paid)
			if c.change != nil {
				c.change(p, row)
			}
			if c.now == 0 {
				c.now = waiveAfter + 1
			}
			x := newTx(c.now)
			p.waive(x)
			if got := len(x.change.Outbox) == 1; got != c.back || row.Waiving != c.back || x.lanes[row.Key] != c.back {
				t.Fatalf("queued %v, marked %t, stored %t; want %t", x.change.Outbox, row.Waiving, x.lanes[row.Key], c.back)
			}
			if c.back && x.change.Outbox[0].From != p.c.Account {
				t.Errorf("sent by %s, want the account", x.change.Outbox[0].From)
			}
		})
	}
}

// One waiver is under way at a time, of at most a batch; it is asked for once,
// and its marks stay until a final block shows the new epoch.
func TestWaiverGoesOnce(t *testing.T) {
	p := bare(t, Policy{})
	for n := range byte(chain.MaxBatch + 20) {
		resting(p, n+1, 10, 10, 50, 10)
	}
	x := newTx(1 << 40)
	p.waive(x)
	p.waive(x)
	if len(x.change.Outbox) != 1 {
		t.Fatalf("queued %d calls", len(x.change.Outbox))
	}
	call := x.change.Outbox[0]
	if n := len(lanesOf(call)); n != chain.MaxBatch {
		t.Errorf("%d lanes in a call, want %d", n, chain.MaxBatch)
	}
	if err := call.Check(); err != nil {
		t.Error(err)
	}
	k := lanesOf(call)[0]
	seen := lease.Lane{Cap: artel.Units(50), Paid: artel.Units(10), Epoch: 4}
	p.laneSeen(x, k, seen, false) // asked before the outcome was known
	p.forgetCall(x, call, false)
	p.laneSeen(x, k, seen, false)
	if !p.lanes[k].Waiving || !p.dirty[k] {
		t.Errorf("the mark is %t and the lane to be looked up %t before its new epoch was seen", p.lanes[k].Waiving, p.dirty[k])
	}
	seen.Cap, seen.Epoch = seen.Paid, 5
	p.laneSeen(x, k, seen, true)
	if p.lanes[k].Waiving {
		t.Error("the mark outlasts the waiver")
	}
	x = newTx(1 << 41)
	if p.waive(x); len(x.change.Outbox) != 1 || len(lanesOf(x.change.Outbox[0])) != 20 {
		t.Errorf("then queued %v, want the other 20 lanes", x.change.Outbox)
	}
}

// Without gas nothing goes back, nor is it asked for every second; the lanes can
// be used.
func TestRefusedWaiverRests(t *testing.T) {
	p := bare(t, Policy{})
	row := resting(p, 1, 10, 10, 50, 10)
	tries := 0
	ids := map[string]bool{}
	for now := waiveAfter + 1; now < lastAgain; now += 1000 {
		x := newTx(now)
		p.waive(x)
		for _, call := range x.change.Outbox {
			tries++
			ids[call.ID] = true
			p.forgetCall(x, call, true)
		}
		if row.Waiving {
			t.Fatal("the lane stays marked")
		}
	}
	if tries < 8 || tries > 13 || len(ids) != tries {
		t.Errorf("tried %d times in a day under %d ids", tries, len(ids))
	}
}

// Below what a call is worth nothing is booked or redeemed: it gathers.
func TestDustGathers(t *testing.T) {
	p := bare(t, Policy{MinRedeem: artel.Units(100)})
	row := resting(p, 1, 0, 0, 1000, 0)
	row.Reserve = artel.Reserve{Renter: row.Key.Renter, Provider: row.Key.Provider, Lane: 1, Epoch: row.Epoch, Cap: artel.Units(5000), ValidUntil: 1 << 50}
	s := &sold{Sold: lease.Sold{Lease: artel.Lease{Renter: row.Key.Renter, Provider: row.Key.Provider, Lane: 1}}}
	for _, c := range []struct {
		voucher, paid uint64
		book, redeem  int
	}{{99, 0, 0, 0}, {100, 0, 0, 1}, {1000, 1000, 0, 0}, {1099, 1000, 0, 0}, {1100, 1000, 1, 0}, {1100, 950, 1, 0}, {1100, 900, 1, 1}} {
		clear(p.outbox)
		row.Voucher, row.Paid = artel.Units(c.voucher), artel.Units(c.paid)
		x := newTx(1000)
		s.Book = row.Book
		p.perform(x, s, lease.BookReserve{})
		p.perform(x, s, lease.Redeem{})
		got := map[string]int{}
		for _, call := range p.outbox {
			got[call.Call.Kind()]++
		}
		if got["reserve-for"] != c.book || got["redeem"] != c.redeem {
			t.Errorf("voucher %d, paid %d: queued %v, want %d bookings and %d redemptions", c.voucher, c.paid, got, c.book, c.redeem)
		}
	}
}

// Ten thousand finished lanes do not stay; what can still become money does, and
// so does what a lease or a call is about.
func TestFinishedLanesAreForgotten(t *testing.T) {
	const week = 7 * 24 * 3600 * 1000
	p := bare(t, Policy{Remember: week * time.Millisecond})
	for n := range 10_000 {
		k := lease.Key{Renter: artel.Address{1, byte(n >> 8), byte(n)}, Provider: p.c.Account, Number: 1}
		p.lanes[k] = &LaneRow{Rested: 1, Book: lease.Book{Key: k, Accrued: artel.AccrualOf(artel.Units(5)), Voucher: artel.Units(5), Cap: artel.Units(5), Paid: artel.Units(5)}}
		p.gens[Controller{k.Renter, k.Renter}] = 1
	}
	kept := []*LaneRow{
		resting(p, 2, 10, 11, 10, 10), // a voucher beyond the cap: a Reserve may still be booked
		resting(p, 3, 10, 10, 10, 9),  // not redeemed
		resting(p, 4, 10, 10, 10, 10), // an open lease
		resting(p, 5, 10, 10, 10, 10), // a lease that still answers
		resting(p, 6, 10, 10, 10, 10), // a call under way
		resting(p, 7, 10, 10, 10, 10), // in use until lately
		resting(p, 8, 10, 10, 20, 10), // being waived
	}
	uneven := []*LaneRow{resting(p, 9, 11, 10, 10, 10), resting(p, 10, 9, 10, 10, 10)} // a debt, a prepaid rest
	kept[2].Rested = 0
	for n, i := range []int{2, 3} {
		k := kept[i].Key
		id := artel.Hash{byte(n)}
		p.leases[id] = &sold{Sold: lease.Sold{ID: id, Lease: artel.Lease{Renter: k.Renter, Provider: k.Provider, Lane: k.Number}}}
	}
	p.queue(newTx(1), chain.Tx{ID: "x", From: p.c.Account, Call: chain.Waive{Lanes: []chain.WaiveRef{{Renter: kept[4].Key.Renter, Lane: 1}}}})
	kept[5].Rested, kept[6].Waiving = week, true
	p.gens[Controller{kept[0].Key.Renter, artel.Address{7}}] = 3
	dropped, gens := 0, 0
	for now := int64(week + 2); now < week+20*pruneEvery.Milliseconds(); now += 1000 {
		x := newTx(now)
		p.prune(x)
		for _, k := range x.change.DropLanes {
			if x.lanes[k] {
				t.Fatal("a lane is stored and dropped")
			}
		}
		dropped += len(x.change.DropLanes)
		gens += len(x.change.DropGenerations)
	}
	if dropped != 10_000 || gens != 10_000 || len(p.lanes) != len(kept)+len(uneven) || len(p.gens) != 1 {
		t.Errorf("%d lanes and %d generations dropped, %d and %d left", dropped, gens, len(p.lanes), len(p.gens))
	}
	for _, row := range append(kept, uneven...) {
		if p.lanes[row.Key] != row {
			t.Errorf("the lane of %s was forgotten: %+v", row.Key.Renter, row)
		}
	}
	p.prune(newTx(100 * week))
	if p.lanes[uneven[0].Key] != nil || p.lanes[uneven[1].Key] != nil || p.lanes[kept[0].Key] == nil || p.lanes[kept[1].Key] == nil {
		t.Errorf("years later %d lanes are left", len(p.lanes))
	}
}

// A lane that was forgotten begins at what the chain has paid: neither can its
// renter work on its past again, nor is it sent away.
func TestForgottenLaneBeginsAfresh(t *testing.T) {
	k := lease.Key{Renter: artel.Address{1}, Number: 1}
	b := afresh(k, lease.Lane{Cap: artel.Units(30), Paid: artel.Units(10), Epoch: 3})
	b = b.Seen(lease.Lane{Cap: artel.Units(30), Paid: artel.Units(10), Epoch: 3})
	if b.Due() != artel.Units(10) || !b.Redeemable().IsZero() || !b.Exposed().IsZero() {
		t.Errorf("due %s, redeemable %s, exposed %s", b.Due(), b.Redeemable(), b.Exposed())
	}
	p := bare(t, Policy{})
	p.lanes[k] = &LaneRow{Book: b}
	if resp := p.held(k.Renter, k.Renter); len(resp.Lanes) != 1 || resp.Lanes[0].Voucher != nil {
		t.Errorf("recovery tells of %+v, want no voucher: nobody signed one", resp.Lanes)
	}
}
