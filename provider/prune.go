package provider

import (
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
)

// How a provider forgets. A closed lease goes with its events after keepClosed, or
// after keepOwed where something is due
// (tick); its lane, when nothing is to be had on it any more:
//
//	a voucher above what is paid                 never
//	due = voucher = paid                         after Policy.Remember
//	due ≠ paid: a debt, or a prepaid rest        after keepUneven times as long
//
// A lane that was forgotten begins again at what the chain says it has paid, see
// afresh.
const (
	pruneEvery = time.Minute
	prunedMost = 1000 // rows in one transaction
	keepUneven = 12
)

// prune forgets lanes that are finished, and the generations of renters without
// any. Called by the core.
func (p *Provider) prune(t *tx) {
	if t.now < p.pruneAt || p.policy().Remember == 0 {
		return
	}
	p.pruneAt = t.now + pruneEvery.Milliseconds()
	used := map[lease.Key]bool{}
	for _, s := range p.leases {
		used[lease.KeyOf(s.Lease)] = true
	}
	for _, x := range p.outbox {
		for _, k := range lanesOf(x) {
			used[k] = true
		}
	}
	for k, row := range p.lanes {
		if len(t.change.DropLanes) == prunedMost {
			break
		}
		if !used[k] && p.forgettable(row, t.now) {
			delete(p.lanes, k)
			delete(t.lanes, k)
			delete(p.dirty, k)
			t.change.DropLanes = append(t.change.DropLanes, k)
		}
	}
	known := map[artel.Address]bool{}
	for k := range p.lanes {
		known[k.Renter] = true
	}
	for c := range p.gens {
		if !known[c.Renter] && t.change.Generations[c] == 0 && len(t.change.DropGenerations) < prunedMost {
			delete(p.gens, c)
			t.change.DropGenerations = append(t.change.DropGenerations, c)
		}
	}
}

// forgettable reports whether a lane that no lease and no call is about may be
// forgotten at now (unix ms).
func (p *Provider) forgettable(row *LaneRow, now int64) bool {
	keep := p.policy().Remember
	if row.Due() != row.Paid {
		keep *= keepUneven
	}
	return row.Rested != 0 && !row.Waiving && !row.Paid.Less(row.Voucher) && now-row.Rested > keep.Milliseconds()
}

// afresh is the book of a lane that is not known here, or not any more: it
// begins at what a final block says was paid. Whoever has paid more than was
// delivered is not believed, or an old lane would be worth its past again.
func afresh(k lease.Key, seen lease.Lane) lease.Book {
	return lease.Book{Key: k, Accrued: artel.AccrualOf(seen.Paid), Voucher: seen.Paid}
}
