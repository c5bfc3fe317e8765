package api

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/artel-network/artel"
)

// Statement sets figures of different sources side by side: what the ledger's
// events say happened, what its storage says is there, what the token contract
// says it holds, and what providers say they were promised. All are of one
// block.
//
//	events    Deposited − (Exited + EarnedWithdrawn)          ┐
//	storage   deposits + earned + Σ lanes (cap − paid)        ├ equal, to the last unit
//	token     balanceOf(ledger)                               ┘
//	events    Redeemed, per provider                          ┐
//	storage   Σ lanes paid, per provider                      ├ equal
//	storage   earned + events EarnedWithdrawn, per provider   ┘
type Statement struct {
	Block   uint64         `json:"block"`
	Hash    artel.Hash     `json:"hash"`
	Balance artel.Amount   `json:"balance"` // the token's balanceOf(ledger)
	Parties []PartyFigures `json:"parties"`
	Lanes   []LaneFigures  `json:"lanes"`
	Lost    []Lost         `json:"lost,omitempty"` // of this node's jobs, the newest first
}

// PartyFigures are of one account.
type PartyFigures struct {
	Account   artel.Address `json:"account"`
	Deposited artel.Amount  `json:"deposited"` // Σ Deposited events to it
	Exited    artel.Amount  `json:"exited"`    // Σ Exited events
	Withdrawn artel.Amount  `json:"withdrawn"` // Σ EarnedWithdrawn events
	Redeemed  artel.Amount  `json:"redeemed"`  // Σ Redeemed events for it as provider
	Deposit   artel.Amount  `json:"deposit"`   // storage
	Earned    artel.Amount  `json:"earned"`    // storage
}

// LaneFigures are of one lane.
type LaneFigures struct {
	Renter   artel.Address `json:"renter"`
	Provider artel.Address `json:"provider"`
	Lane     uint64        `json:"lane"`
	Cap      artel.Amount  `json:"cap"`     // storage
	Paid     artel.Amount  `json:"paid"`    // storage
	Voucher  artel.Amount  `json:"voucher"` // highest known, off chain; zero where none is
}

// Unredeemed is what the lane's highest known voucher would still pay.
func (l LaneFigures) Unredeemed() artel.Amount { return l.Voucher.Min(l.Cap).Sub(l.Paid) }

// Finding is one equation of a statement.
type Finding struct {
	What  string       `json:"what"`
	Left  artel.Amount `json:"left"`
	Right artel.Amount `json:"right"`
	OK    bool         `json:"ok"`
	Note  string       `json:"note,omitempty"`
}

// Check compares the sources. A sum that does not fit an amount is a finding
// that is not OK, never a panic: the figures come from a chain.
func (s Statement) Check() []Finding {
	var events, gone, storage sum
	redeemed, kept, paid := map[artel.Address]*sum{}, map[artel.Address]*sum{}, map[artel.Address]*sum{}
	for _, p := range s.Parties {
		events.add(p.Deposited)
		gone.add(p.Exited, p.Withdrawn)
		storage.add(p.Deposit, p.Earned)
		of(redeemed, p.Account).add(p.Redeemed)
		of(kept, p.Account).add(p.Earned, p.Withdrawn)
	}
	var over []Finding
	for _, l := range s.Lanes {
		if l.Cap.Less(l.Paid) {
			over = append(over, Finding{What: fmt.Sprintf("lane %d of %s: paid within cap", l.Lane, l.Renter), Left: l.Paid, Right: l.Cap})
		}
		storage.add(l.Cap.Sub(l.Paid))
		of(paid, l.Provider).add(l.Paid)
	}
	out := []Finding{
		equal("events: deposited − exited − withdrawn = token: balance of the ledger", events.minus(gone), sum{a: s.Balance}),
		equal("storage: deposits + earned + booked = token: balance of the ledger", storage, sum{a: s.Balance}),
	}
	for _, a := range union(redeemed, paid) {
		r, p, k := *of(redeemed, a), *of(paid, a), *of(kept, a)
		if r.a.IsZero() && p.a.IsZero() && k.a.IsZero() && !r.bad && !p.bad && !k.bad {
			continue
		}
		out = append(out,
			equal(fmt.Sprintf("%s: events: redeemed = storage: paid by lanes", a), r, p),
			equal(fmt.Sprintf("%s: events: redeemed = earned + withdrawn", a), r, k))
	}
	return append(out, over...)
}

// Balanced reports whether every finding is OK.
func (s Statement) Balanced() bool {
	return !slices.ContainsFunc(s.Check(), func(f Finding) bool { return !f.OK })
}

// sum is an amount that remembers that it did not fit.
type sum struct {
	a   artel.Amount
	bad bool
}

func (s *sum) add(as ...artel.Amount) {
	for _, a := range as {
		t, err := s.a.Plus(a)
		if err != nil {
			s.bad = true
			return
		}
		s.a = t
	}
}

func (s sum) minus(t sum) sum {
	return sum{s.a.Sub(t.a), s.bad || t.bad || s.a.Less(t.a)}
}

func equal(what string, l, r sum) Finding {
	f := Finding{What: what, Left: l.a, Right: r.a, OK: l.a == r.a && !l.bad && !r.bad}
	if l.bad || r.bad {
		f.Note = "a sum is negative or does not fit the ledger's 96 bits"
	}
	return f
}

func of(m map[artel.Address]*sum, a artel.Address) *sum {
	if m[a] == nil {
		m[a] = &sum{}
	}
	return m[a]
}

func union(ms ...map[artel.Address]*sum) []artel.Address {
	all := map[artel.Address]bool{}
	for _, m := range ms {
		for a := range m {
			all[a] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b artel.Address) int { return bytes.Compare(a[:], b[:]) })
}
