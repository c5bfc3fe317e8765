package provider

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
)

// How often the provider looks at the clock, the chain and its outbox.
const (
	tickEvery   = time.Second
	chainEvery  = 2 * time.Second
	refreshAll  = time.Minute
	outboxEvery = time.Second
	keepClosed  = 10 * time.Minute   // a closed lease answers for as long
	keepOwed    = 7 * 24 * time.Hour // and so long where its renter, who may be asleep, has not paid what is due
)

// book queues the signed reserve for the ledger. The id is that of the
// document, so that asking twice submits once.
func (p *Provider) book(t *tx, b lease.Book) {
	digest := b.Reserve.Digest(p.c.Params.Domain())
	p.queue(t, chain.Tx{
		ID: "book-" + hex.EncodeToString(digest[:]), From: p.sender(),
		Call: chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: b.Reserve, Sig: b.ReserveSig}}},
	})
}

// redeem queues a lane's voucher for the ledger, if that would pay what a call is
// worth. What the voucher promises beyond the cap is booked first; the redemption follows
// when a final block shows the higher cap.
func (p *Provider) redeem(t *tx, k lease.Key) {
	b := p.lanes[k]
	if b == nil {
		return
	}
	worth := p.policy().MinRedeem
	if b.Cap.Less(b.Voucher) && !b.Unbooked().Less(worth) && b.CanBook(uint64(t.now/1000)) && !b.Waiving {
		p.book(t, b.Book)
	}
	if b.Redeemable().IsZero() || b.Redeemable().Less(worth) {
		return
	}
	v, sig := b.SignedVoucher()
	digest := v.Digest(p.c.Params.Domain())
	p.queue(t, chain.Tx{
		// The cap is part of the id: a voucher that grew past its cap is redeemed
		// again once more of it is booked.
		ID: "redeem-" + hex.EncodeToString(digest[:]) + "-" + b.Secured().String(), From: p.sender(),
		Call: chain.Redeem{Provider: p.c.Account, Vouchers: []chain.SignedVoucher{{Voucher: v, Sig: sig}}},
	})
}

// sender is who pays for the transaction: the node key. Redemptions and
// bookings may come from anybody, so the account's own key need not be here.
func (p *Provider) sender() artel.Address { return p.c.Key.Address() }

// refusal is a call that the ledger would not carry out.
type refusal struct {
	times int
	until int64       // unix ms: not before is it tried again
	look  int64       // unix ms: then its lanes are looked up, to try again
	lanes []lease.Key // it is about
}

// rest is how long a call that was refused n times is left alone, in
// milliseconds.
func rest(n int) int64 { return min(lastAgain, int64(firstAgain)<<min(n, 12)) }

// maxRefused bounds what is remembered of refused calls; they are forgotten
// together, as by a restart.
const maxRefused = 4096

// firstAgain is when a refused call is tried again, in milliseconds; then after
// twice as long, up to a day.
const (
	firstAgain = 30_000
	lastAgain  = 24 * 3600 * 1000
)

// queue hands a call to the outbox. One that was refused (no gas here, no
// deposit there) is tried again under a new id, for the ledger carries an id out
// once; and ever more rarely, for a renter can sign what will never be accepted.
// It returns the id under which the call is in the outbox, "" if it is not.
func (p *Provider) queue(t *tx, x chain.Tx) string {
	if no, ok := p.refused[x.ID]; ok {
		if t.now < no.until {
			return ""
		}
		x.ID = fmt.Sprintf("%s~%d", x.ID, no.times)
	}
	if _, ok := p.outbox[x.ID]; ok {
		return x.ID
	}
	p.outbox[x.ID] = x
	t.change.Outbox = append(t.change.Outbox, x)
	return x.ID
}

// outboxLoop hands queued calls to the chain and waits for their outcome. The
// chain may be away for as long as it likes.
func (p *Provider) outboxLoop(ctx context.Context) {
	submitted := map[string]bool{}
	for core.Every(ctx, outboxEvery) {
		if p.calls.Load() == 0 {
			continue
		}
		var waiting []chain.Tx
		if !p.do(ctx, func(*tx) {
			for _, x := range p.outbox {
				waiting = append(waiting, x)
			}
		}) {
			return
		}
		slices.SortFunc(waiting, func(a, b chain.Tx) int { return strings.Compare(a.ID, b.ID) })
		for _, x := range waiting {
			if !submitted[x.ID] {
				if err := p.c.Ledger.Submit(ctx, x); err != nil {
					p.c.Log.Warn("submit to chain", "call", x.Call.Kind(), "error", err)
					var no *chain.Refusal
					if errors.As(err, &no) {
						p.settled(ctx, x, true)
					}
					continue
				}
				submitted[x.ID] = true
			}
			o, err := p.c.Ledger.Outcome(ctx, x.ID)
			if err != nil || !o.State.Final() {
				continue
			}
			if o.Refusal != nil {
				p.c.Log.Warn("the ledger refused", "call", x.Call.Kind(), "reason", o.Refusal.Error())
			}
			delete(submitted, x.ID)
			p.settled(ctx, x, o.Refusal != nil)
		}
	}
}

// settled forgets a call whose outcome is final and looks its lanes up again.
func (p *Provider) settled(ctx context.Context, x chain.Tx, refused bool) {
	p.do(ctx, func(t *tx) { p.forgetCall(t, x, refused) })
}

func (p *Provider) forgetCall(t *tx, x chain.Tx, refused bool) {
	delete(p.outbox, x.ID)
	t.change.Sent = append(t.change.Sent, x.ID)
	first, _, _ := strings.Cut(x.ID, "~")
	if refused {
		if len(p.refused) >= maxRefused {
			clear(p.refused)
		}
		n := p.refused[first].times
		p.refused[first] = refusal{n + 1, t.now + rest(n), t.now + rest(n), lanesOf(x)}
	} else {
		delete(p.refused, first)
	}
	for _, k := range lanesOf(x) {
		p.dirty[k] = true
	}
	if _, ok := x.Call.(chain.Waive); ok {
		p.waived(t, x, refused)
	}
}

// lanesOf lists the lanes that a call of this provider is about.
func lanesOf(x chain.Tx) []lease.Key {
	var ks []lease.Key
	switch c := x.Call.(type) {
	case chain.ReserveFor:
		for _, r := range c.Reserves {
			ks = append(ks, lease.Key{Renter: r.Renter, Provider: r.Provider, Number: r.Lane})
		}
	case chain.Redeem:
		for _, v := range c.Vouchers {
			ks = append(ks, lease.Key{Renter: v.Renter, Provider: v.Provider, Number: v.Lane})
		}
	case chain.Waive:
		for _, l := range c.Lanes {
			ks = append(ks, lease.Key{Renter: l.Renter, Provider: x.From, Number: l.Lane})
		}
	}
	return ks
}

// chainLoop keeps what the provider knows of its lanes fresh: those that an
// event or a call touched at once, those of open leases every minute.
func (p *Provider) chainLoop(ctx context.Context) {
	var cursor chain.Head
	all := time.Time{}
	for core.Every(ctx, chainEvery) {
		if cursor == (chain.Head{}) {
			h, err := p.c.Ledger.Head(ctx)
			if err != nil {
				continue
			}
			cursor = h // what happened before is read lane by lane
		}
		events, head, err := p.c.Ledger.Events(ctx, cursor, 1000)
		if err != nil {
			if errors.Is(err, chain.ErrReorg) {
				p.c.Log.Error("the chain replaced final blocks; looking everything up again", "error", err)
				cursor, all = chain.Head{}, time.Time{}
			}
			continue
		}
		cursor = head
		everything := time.Since(all) > refreshAll
		if everything {
			all = time.Now()
		}
		p.refresh(ctx, p.touched(ctx, head, events, everything))
	}
}

// compare holds the wall clock against the chain's time, which is never ahead: a
// machine whose clock is far behind must not make leases, for it would not see
// them end. (One that is far ahead is refused by those it deals with: a chain
// may be slow.)
func (p *Provider) compare(t *tx, head chain.Head) {
	late := behind(head, t.now)
	if (late > artel.ClockSkew) == p.late {
		return
	}
	if p.late = late > artel.ClockSkew; p.late {
		p.c.Log.Warn("this machine's clock is behind the chain's: it makes no leases; hint: set the clock", "seconds", late)
	}
	t.after = append(t.after, p.announce)
}

// behind returns by how many seconds a clock that shows now (unix ms) is behind
// the chain's.
func behind(head chain.Head, now int64) uint64 {
	sec := uint64(max(0, now/1000))
	return head.Time - min(head.Time, sec)
}

type laneSigner struct {
	key    lease.Key
	signer artel.Address
	idle   bool // no waiver of it is under way
}

// touched compares the clocks and lists the lanes to look up: those with a mark, those
// of the events, and with all those of every open lease.
func (p *Provider) touched(ctx context.Context, head chain.Head, events []chain.Event, all bool) []laneSigner {
	var out []laneSigner
	p.do(ctx, func(t *tx) {
		p.compare(t, head)
		mark := map[lease.Key]bool{}
		for k := range p.dirty {
			mark[k] = true
		}
		clear(p.dirty)
		for id, no := range p.refused {
			if t.now < no.look {
				continue
			}
			for _, k := range no.lanes {
				mark[k] = true
			}
			no.look = t.now + rest(no.times)
			p.refused[id] = no
		}
		renters := map[artel.Address]bool{}
		for _, e := range events {
			renters[renterOf(e.Fact)] = true
		}
		for k := range p.lanes {
			if len(renters) > 0 && renters[k.Renter] {
				mark[k] = true
			}
		}
		for k := range p.open {
			if all {
				mark[k] = true
			}
		}
		for k := range mark {
			ls := laneSigner{k, k.Renter, p.waiver == ""}
			if s := p.leases[p.open[k]]; s != nil {
				ls.signer = s.Signer
			}
			out = append(out, ls)
		}
		slices.SortFunc(out, func(a, b laneSigner) int { return a.key.Compare(b.key) })
	})
	return out
}

// renterOf returns whose lanes an event may have changed.
func renterOf(f chain.Fact) artel.Address {
	switch f := f.(type) {
	case chain.Reserved:
		return f.Lane.Renter
	case chain.Redeemed:
		return f.Lane.Renter
	case chain.Releasing:
		return f.Lane.Renter
	case chain.Released:
		return f.Lane.Renter
	case chain.Waived:
		return f.Lane.Renter
	case chain.ExitRequested:
		return f.Account
	case chain.Exited:
		return f.Account
	case chain.SignerSet:
		return f.Account
	}
	return artel.Address{}
}

func (p *Provider) refresh(ctx context.Context, lanes []laneSigner) {
	for _, ls := range lanes {
		seen, _, err := p.look(ctx, ls.key, ls.signer)
		if err != nil {
			p.do(ctx, func(*tx) { p.dirty[ls.key] = true })
			continue
		}
		p.do(ctx, func(t *tx) { p.laneSeen(t, ls.key, seen, ls.idle) })
	}
}

func (p *Provider) laneSeen(t *tx, k lease.Key, seen lease.Lane, idle bool) {
	if s := p.leases[p.open[k]]; s != nil {
		next, fx := s.LaneSeen(seen, p.rules(), t.now)
		p.set(t, s, next, fx)
		t.after = append(t.after, s.wake)
	} else if b := p.lanes[k]; b != nil {
		p.seenAtRest(t, b, seen, idle)
	}
	b := p.lanes[k]
	if b == nil {
		return
	}
	_, open := p.open[k]
	if !open || seen.ReleaseAt != 0 {
		p.redeem(t, k)
	}
}

func (p *Provider) rules() lease.Policy {
	return lease.Policy{Delay: p.c.Params.Delay, Patience: p.policy().Patience.Milliseconds()}
}

// tickLoop lets time pass for the leases.
func (p *Provider) tickLoop(ctx context.Context) {
	for core.Every(ctx, tickEvery) {
		if !p.do(ctx, p.tick) {
			return
		}
	}
}

func (p *Provider) tick(t *tx) {
	p.waive(t)
	p.prune(t)
	p.draining(t)
	for _, k := range slices.SortedFunc(maps.Keys(p.open), lease.Key.Compare) {
		s := p.leases[p.open[k]]
		next, fx := s.Tick(p.rules(), t.now)
		if next.Phase == s.Phase && len(fx) == 0 {
			s.Sold = next // only the meter moved: not worth a write
			continue
		}
		p.set(t, s, next, fx)
		t.after = append(t.after, s.wake)
	}
	now := time.UnixMilli(t.now)
	steady := t.now - max(0, p.shift) // a clock that is set forward may be set back
	for id, s := range p.leases {
		if s.Phase != lease.Closed {
			continue
		}
		if s.closing.IsZero() {
			s.closing = now
		}
		keep := keepClosed
		if p.owed(s) && len(p.leases) < maxLeases/2 {
			keep = keepOwed
		}
		if now.Sub(s.closing) > keep && uint64(steady/1000) > s.Lease.Start+2*apart {
			p.letGo(t, id, s.events)
			delete(p.leases, id)
			t.change.DropLeases = append(t.change.DropLeases, id)
		}
	}
}

// owed reports whether something of a lease that has ended waits to be paid.
func (p *Provider) owed(s *sold) bool {
	n := len(s.Delivered)
	return n > 0 && p.lanes[lease.KeyOf(s.Lease)].Voucher.Less(s.Delivered[n-1].Due)
}

// jumped keeps what lasts as long as it does, whatever the clock was set to;
// only documents go by the clock. While the machine slept nothing was held for
// anybody, and nobody could pay.
func (p *Provider) jumped(t *tx, j core.Jump) {
	ms, slept := j.Set.Milliseconds(), j.Slept.Milliseconds()
	p.c.Log.Info("time has jumped", "clock", j.Set, "slept", j.Slept)
	p.shift += ms
	p.way.since, p.way.until = p.way.since+ms, p.way.until+ms
	p.since = p.since.Add(j.Set)
	for k, row := range p.lanes {
		if row.Rested != 0 {
			row.Rested += ms
			if row.Paid.Less(row.Cap) {
				t.lanes[k] = true
			}
		}
	}
	for id, no := range p.refused {
		no.until, no.look = no.until+ms, no.look+ms
		p.refused[id] = no
	}
	p.waiveAgain, p.pruneAt = p.waiveAgain+ms, p.pruneAt+ms
	for _, s := range p.leases {
		if p.way.how != Frozen { // else stand has done it
			s.Sold = s.Shifted(ms + slept)
		}
		if !s.closing.IsZero() {
			s.closing = s.closing.Add(j.Set)
		}
	}
	if ms < -2*apart*1000 {
		// Nobody whose clock is right has kept what was announced by the fast one.
		p.seq = 0
	}
	t.after = append(t.after, p.announce)
}
