package market

import (
	"math"
	"slices"
	"testing"

	"github.com/artel-network/artel"
)

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		claim            uint32
		score, low, high float64
		want             Proof
	}{
		"as claimed":             {1000, 1000, 10, 12, Proved},
		"faster":                 {1000, 4000, 10, 12, Proved},
		"within the tolerance":   {1000, 670, 10, 12, Proved},
		"beyond it":              {1000, 660, 10, 12, Slow},
		"a tenth":                {10_000, 1000, 10, 12, Slow},
		"on an unsteady line":    {10_000, 1000, 10, 120, Unproved},
		"nothing was claimed":    {0, 1, 10, 12, Proved},
		"beyond what is counted": {math.MaxUint32, 0.7 * maxSpeed, 10, 12, Proved},
	} {
		if got := Judge(c.claim, c.score, c.low, c.high, 1000); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A machine that claims ten times its speed stands first until it was asked, and last
// then; it does not come back when the renter forgets the rest.
func TestWhoClaimsTooMuchLosesItsRank(t *testing.T) {
	liar, honest := node(1), node(2)
	offers := []Listing{
		listed(offer(1, func(o *artel.Offer) { o.Price, o.Speed = 2000, 10_000 })),
		listed(offer(2, func(o *artel.Offer) { o.Price, o.Speed = 2000, 1000 })),
	}
	rank := func(h History, now uint64) []artel.NodeID { return order(Rank(plainJob(), offers, h, now)) }
	h := History{Nodes: map[artel.NodeID]Record{}}
	if got := rank(h, t0); !slices.Equal(got, []artel.NodeID{liar, honest}) {
		t.Fatalf("before anything is known: %v", got)
	}
	slow := Shown{Proof: Slow, Claim: 10_000, Speed: 1000, Cost: 500}
	h.Nodes[liar] = Record{}.Show(slow, t0)
	h.Nodes[honest] = Record{}.Show(Shown{Proof: Proved, Claim: 1000, Speed: 950, Cost: 500}, t0)
	if got := rank(h, t0); !slices.Equal(got, []artel.NodeID{honest, liar}) {
		t.Errorf("once found out: %v", got)
	}
	if r := h.Nodes[liar]; r.Weight(t0) != 1 || math.Abs(r.Weight(t0+halfLife)-0.5) > 1e-9 || r.Measured(t0) != 1000 || r.Measured(t0+believed+1) != 0 || r.Asked != 500 {
		t.Errorf("record %+v", r)
	}
	// A wrong answer: nothing for a day, little for months.
	h.Nodes[liar] = Record{Done: 30}.Show(Shown{Proof: Wrong, Claim: 10_000, Speed: 10_000}, t0)
	if r := h.Nodes[liar]; r.Speed != 0 || r.Rest(t0) != proofRest || r.Rest(t0+proofRest) != 0 {
		t.Errorf("made-up work was measured: %+v, rest %d", r, r.Rest(t0))
	}
	if got := rank(h, t0); !slices.Equal(got, []artel.NodeID{honest}) {
		t.Errorf("on the day of a wrong answer: %v", got)
	}
	if s := h.Nodes[liar].Success(offers[0].Offer, 0, t0+proofRest); s > 0.45 {
		t.Errorf("a day after a wrong answer it succeeds with %.2f, as if it were in order", s)
	}
}

func TestWhoEvadesIsBelievedLess(t *testing.T) {
	o := offer(1, func(o *artel.Offer) { o.Speed = 8000 })
	r := Record{}
	for range evaded {
		if r.Believed(o, t0) != 8000 {
			t.Fatalf("after %d evasions its claim counts as %.0f", r.Evasions, r.Believed(o, t0))
		}
		r = r.Show(Shown{}, t0)
	}
	if r.Believed(o, t0) != evader || r.Weight(t0) != 0 {
		t.Errorf("an evader counts as %.0f, with marks of %.1f", r.Believed(o, t0), r.Weight(t0))
	}
	if r = r.Show(Shown{Proof: Proved, Claim: 8000, Speed: 7800}, t0); r.Evasions != 0 || r.Believed(o, t0) != 7800 {
		t.Errorf("once it answers: %+v", r)
	}
}

func TestWhenToAsk(t *testing.T) {
	if (Record{}).MayAsk(500, 49_999) || !(Record{}).MayAsk(500, 50_000) {
		t.Error("a challenge is not a hundredth of what was held")
	}
	if (Record{Held: 1_000_000, Asked: 9_900}).MayAsk(500, 0) || !(Record{Held: 1_000_000, Asked: 9_500}).MayAsk(500, 0) {
		t.Error("earlier leases and challenges do not count")
	}
	r := Record{}.Show(Shown{Proof: Proved, Claim: 1000, Speed: 1000}, t0)
	for name, c := range map[string]struct {
		r     Record
		claim uint32
		now   uint64
		want  bool
	}{
		"never": {Record{}, 1000, t0, true}, "just now": {r, 1000, t0 + 60, false}, "two days ago": {r, 1000, t0 + 2*freshProof, true},
		"claims more now": {r, 2000, t0 + 60, true}, "claims less now": {r, 500, t0 + 60, false}, "a little more": {r, 1400, t0 + 60, false},
	} {
		if got := c.r.Doubts(c.claim, c.now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
