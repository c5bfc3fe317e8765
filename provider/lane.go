package provider

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// LaneRow is a lane as it is stored: its book with what a provider keeps beside
// it.
//
//	          lease accepted            lease closed
//	resting ─────────────────▶ in use ───────────────▶ resting
//	   │                                                  ▲
//	   └─ a minute, all redeemed ─▶ waiving ─ final block ┘   the epoch has risen
type LaneRow struct {
	lease.Book
	Rested  int64        `json:"rested,omitempty"`  // unix ms since which no lease is open on it; 0: one is
	Waiving bool         `json:"waiving,omitempty"` // a waiver is on its way: nothing may be built on the lane's cap
	Waived  artel.Amount `json:"waived"`            // what it had paid at its last waiver
}

// waiveAfter is how long a lane rests before what was booked and not used goes
// back to its renter, in milliseconds: who comes again within it finds the lane
// as it was.
var waiveAfter = time.Minute.Milliseconds()

// mayWaive reports whether the node's key is the account: nobody else can give
// back what was booked for it.
func (p *Provider) mayWaive() bool { return p.c.Account == p.c.Key.Address() }

// waive gives what was booked and not used back to the renters of lanes that
// rest. Otherwise it would come home by their own release, a day later. Lanes
// gather while one waiver is under way, and go together in the next. The mark is
// stored with the call, so that no lease is ever built on a cap that is about
// to fall.
func (p *Provider) waive(t *tx) {
	if !p.mayWaive() || p.waiver != "" || t.now < p.waiveAgain {
		return
	}
	var keys []lease.Key
	for k, row := range p.lanes {
		if p.waivable(row, t.now) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return
	}
	for _, x := range p.outbox {
		for _, k := range lanesOf(x) {
			keys = slices.DeleteFunc(keys, func(o lease.Key) bool { return o == k }) // a call about it is under way
		}
	}
	slices.SortFunc(keys, func(a, b lease.Key) int {
		return cmp.Or(slices.Compare(a.Renter[:], b.Renter[:]), cmp.Compare(a.Number, b.Number))
	})
	keys = keys[:min(len(keys), chain.MaxBatch)]
	var call chain.Waive
	named := slices.Clone(p.c.Account[:])
	for _, k := range keys {
		call.Lanes = append(call.Lanes, chain.WaiveRef{Renter: k.Renter, Lane: k.Number})
		named = append(named, laneEpoch(k, p.lanes[k].Epoch)...)
	}
	if len(keys) == 0 {
		return
	}
	digest := artel.Keccak(named)
	if p.waiver = p.queue(t, chain.Tx{ID: "waive-" + hex.EncodeToString(digest[:]), From: p.c.Account, Call: call}); p.waiver == "" {
		return
	}
	for _, k := range keys {
		row := p.lanes[k]
		row.Waiving, row.Waived = true, row.Paid
		t.lanes[k] = true
	}
}

// waivable reports whether a lane's booked rest is of no use to anybody here:
// no lease, nothing promised that is worth a redemption, nothing due. Where calls
// cost something, a lane must have earned that much since its last waiver, or a
// renter could have this account give back for ever what it books.
func (p *Provider) waivable(row *LaneRow, now int64) bool {
	if !row.Paid.Less(row.Cap) || row.Waiving || row.Rested == 0 || now-row.Rested < waiveAfter {
		return false
	}
	if _, open := p.open[row.Key]; open || row.Voucher.Less(row.Due()) {
		return false
	}
	worth := p.policy().MinRedeem
	if worth.IsZero() {
		return !row.Paid.Less(row.Voucher)
	}
	return row.Voucher.Sub(row.Paid).Less(worth) && !row.Cap.Sub(row.Paid).Less(worth) && !row.Paid.Sub(row.Waived).Less(worth)
}

func laneEpoch(k lease.Key, epoch uint32) []byte {
	b := append(k.Renter[:], byte(epoch>>24), byte(epoch>>16), byte(epoch>>8), byte(epoch))
	for s := 56; s >= 0; s -= 8 {
		b = append(b, byte(k.Number>>s))
	}
	return b
}

// waived takes the final outcome of a waiver. The marks of one that was carried
// out stay until a final block shows the new epoch.
func (p *Provider) waived(t *tx, x chain.Tx, refused bool) {
	if p.waiver == x.ID {
		p.waiver = ""
	}
	if !refused {
		p.waiveNo = 0
		p.c.Log.Debug("what was booked and not used went back to its renters", "lanes", len(lanesOf(x)))
		return
	}
	p.waiveNo++
	p.waiveAgain = t.now + rest(p.waiveNo)
	for _, k := range lanesOf(x) {
		if row := p.lanes[k]; row != nil {
			row.Waiving = false
			t.lanes[k] = true
		}
	}
}

// errWaiving answers whoever wants to build on a lane whose cap is about to fall.
var errWaiving = p2p.Errorf(p2p.Busy, "what was left on the lane is on its way back to its renter").WithHint("try again in some seconds")

// seenAtRest takes over what a final block says of a lane without a lease. idle says
// that no waiver of it was under way when the question was asked.
func (p *Provider) seenAtRest(t *tx, row *LaneRow, seen lease.Lane, idle bool) {
	was := *row
	if row.Epoch < seen.Epoch || idle {
		row.Waiving = false
	}
	if row.Book = row.Seen(seen); *row != was {
		t.lanes[row.Key] = true
	}
}
