package market

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/artel-network/artel"
)

func plainJob(change ...func(*artel.JobSpec)) artel.JobSpec {
	p, _ := artel.NewRef(artel.CodecRaw, [32]byte{1})
	j := artel.JobSpec{Program: p, Count: 16, Want: artel.Resources{Memory: 1 << 29}, Wall: 60_000, Sandbox: "wasm", Tries: 3, Failover: artel.FailoverNormal}
	for _, c := range change {
		c(&j)
	}
	return j
}

func market3() []Listing {
	return []Listing{
		listed(offer(1, func(o *artel.Offer) { o.Price, o.Speed = 2_000_000, 1000 })),
		listed(offer(2, func(o *artel.Offer) { o.Price, o.Speed = 3_000_000, 2000 })), // dearer by the second, cheaper by the task
		listed(offer(3, func(o *artel.Offer) { o.Price, o.Speed = 8_000_000, 2000 })),
	}
}

func order(list []Candidate) (nodes []artel.NodeID) {
	for _, c := range list {
		nodes = append(nodes, c.Offer.Node)
	}
	return nodes
}

func TestQuoteOrder(t *testing.T) {
	known := func(done, failed float64, streak uint32) Record {
		return Record{Done: done, Failed: failed, Streak: streak, LastFail: t0}
	}
	for name, tc := range map[string]struct {
		nodes map[artel.NodeID]Record
		want  []artel.NodeID
	}{
		"by money per task":               {nil, []artel.NodeID{node(2), node(1), node(3)}},
		"a bad record costs the place":    {map[artel.NodeID]Record{node(2): known(5, 20, 1)}, []artel.NodeID{node(1), node(3), node(2)}},
		"a good record wins it":           {map[artel.NodeID]Record{node(1): known(60, 0, 0), node(2): known(20, 5, 0)}, []artel.NodeID{node(1), node(2), node(3)}},
		"measured speed beats claims":     {map[artel.NodeID]Record{node(2): {Done: 5, Speed: 500, SpeedAt: t0}}, []artel.NodeID{node(1), node(3), node(2)}},
		"two failures in a row: it rests": {map[artel.NodeID]Record{node(2): known(50, 2, 2)}, []artel.NodeID{node(1), node(3)}},
	} {
		got := order(Quote(plainJob(), market3(), History{Nodes: tc.nodes, Work: 10_000}, t0).Suiting)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNewcomersGetShortTasksFirst(t *testing.T) {
	cheap := listed(offer(1, func(o *artel.Offer) { o.Price = 900 }))
	proven := listed(offer(2, func(o *artel.Offer) { o.Price = 1000 }))
	h := History{Nodes: map[artel.NodeID]Record{node(2): {Done: 8, Longest: 3_000_000}}}
	first := func(wall uint64) (artel.NodeID, bool) {
		e := Quote(plainJob(func(j *artel.JobSpec) { j.Wall = wall }), []Listing{proven, cheap}, h, t0)
		return e.Suiting[0].Offer.Node, e.Suiting[0].Newcomer
	}
	cheap.Offer.Price = 700
	if n, newcomer := first(60_000); n != node(1) || !newcomer {
		t.Errorf("a minute's task goes to %s, newcomer %v; want the cheaper newcomer", n.Short(), newcomer)
	}
	if n, newcomer := first(3_600_000); n != node(2) || newcomer {
		t.Errorf("an hour's task goes to %s, newcomer %v; want the one that has shown it", n.Short(), newcomer)
	}
	if e := Quote(plainJob(func(j *artel.JobSpec) { j.Wall = 3_600_000 }), []Listing{cheap}, h, t0); len(e.Suiting) != 1 {
		t.Error("where there are only newcomers, one gets the long task")
	}
}

func TestQuoteReasons(t *testing.T) {
	list := market3()
	list[0].Offer.Expires = t0 - artel.ClockSkew
	list[0].Offer.Resources.Memory = 0
	e := Quote(plainJob(func(j *artel.JobSpec) { j.MaxPrice, j.Budget = 5_000_000, artel.Units(200) }), list, History{}, t0)
	if len(e.Suiting) != 1 || len(e.Excluded) != 2 {
		t.Fatalf("%d suit, %d do not", len(e.Suiting), len(e.Excluded))
	}
	codes := func(c Candidate) (out []Code) {
		for _, w := range c.Why {
			out = append(out, w.Code)
		}
		return out
	}
	if got := codes(e.Excluded[0]); !slices.Equal(got, []Code{WhyExpired, WhyMemory}) {
		t.Errorf("first: %v", got)
	}
	if got := codes(e.Excluded[1]); !slices.Equal(got, []Code{WhyPrice, WhyBudget}) {
		t.Errorf("third: %v", got)
	}
	if got := e.Excluded[1].Why[0].String(); got != "it asks 8000000, the job pays at most 5000000; hint: --max-price 8000000" {
		t.Errorf("sentence: %s", got)
	}
	none := Quote(plainJob(), nil, History{}, t0)
	if none.Millis != 0 || none.Slots != 0 || !none.Cost.IsZero() || !none.Within {
		t.Errorf("nobody: %+v", none)
	}
}

// TestQuoteTotals checks the sums against figures worked out by hand.
func TestQuoteTotals(t *testing.T) {
	one := []Listing{listed(offer(1, func(o *artel.Offer) { o.Price, o.Resources.Slots = 1_000_000, 4 }))} // a unit a second
	h := History{Work: 10_000, Nodes: map[artel.NodeID]Record{node(1): {Done: 1e9, Speed: 1000, SpeedAt: t0, Longest: 60_000}}}
	e := Quote(plainJob(), one, h, t0)
	// 16 tasks of 10 s on 4 slots: 4 rounds, each 10 s ÷ (7200 ÷ 7210 for the machine's uptime).
	if want := uint64(math.Ceil(40_000 * 7210.0 / 7200)); e.Slots != 4 || e.Millis < want || e.Millis > want+1 {
		t.Errorf("%d slots, %d ms; want 4, %d", e.Slots, e.Millis, want)
	}
	if e.Cost != artel.Units(160) || e.MaxCost != artel.Units(960) || !e.Within {
		t.Errorf("cost %s, at most %s", e.Cost, e.MaxCost)
	}
	if c := e.Suiting[0]; c.Tasks != 16 || c.Slots != 4 || c.Cost != artel.Units(10) || c.MaxCost != artel.Units(60) {
		t.Errorf("candidate: %+v", c)
	}
	if e := Quote(plainJob(func(j *artel.JobSpec) { j.Budget = artel.Units(959) }), one, h, t0); e.Within {
		t.Error("959 units for 960 are within the budget")
	}
	if e := Quote(plainJob(func(j *artel.JobSpec) { j.Parallel = 1 }), one, h, t0); e.Slots != 1 || e.Millis < 160_000 || e.Millis > 161_000 {
		t.Errorf("one at a time: %d slots, %d ms", e.Slots, e.Millis)
	}
	// Rounded once for all tasks, not once per task: 16 × 1 ms at a unit a second.
	if e := Quote(plainJob(), one, History{Work: 1}, t0); e.Cost != artel.Units(1) {
		t.Errorf("16 ms cost %s, want 1", e.Cost)
	}
}

// TestQuoteProperties: whatever the offers and the history, the figures hang
// together, and what suits is what Why says.
func TestQuoteProperties(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 400 {
		var list []Listing
		h := History{Nodes: map[artel.NodeID]Record{}, Work: uint64(r.IntN(3)) * r.Uint64N(1<<40)}
		for i := range r.IntN(30) {
			o := randomOffer(r, 1, t0)
			o.Node, o.Resources.Slots, o.Price = node(i), 1+r.Uint32N(4096), artel.Price(1+r.Uint64()>>r.IntN(64))
			o.MaxUnit = 1 << r.IntN(50)
			list = append(list, listed(o))
			rec := Record{}
			for range r.IntN(20) {
				rec = rec.Learn(Outcome{OK: r.IntN(3) > 0, Wall: r.Uint64N(1 << 30), Work: r.Uint64N(1 << 30)}, t0-uint64(r.IntN(100)))
			}
			h.Nodes[o.Node] = rec
		}
		j := plainJob(func(j *artel.JobSpec) {
			j.Count, j.Parallel, j.Wall = 1+r.Uint64N(1_000_000), r.Uint32N(100), 1+r.Uint64N(1<<r.IntN(50))
			j.MaxPrice, j.Want.Memory = artel.Price(r.Uint64N(1<<63)), uint64(r.IntN(3))<<28
		})
		e := Quote(j, list, h, t0)
		if len(e.Suiting)+len(e.Excluded) != len(list) {
			t.Fatalf("seed %d round %d: %d + %d of %d", seed, round, len(e.Suiting), len(e.Excluded), len(list))
		}
		for _, c := range append(slices.Clone(e.Suiting), e.Excluded...) {
			why := QueryFor(j).Why(c.Offer, t0, artel.ClockSkew)
			if rest := h.Nodes[c.Offer.Node].Rest(t0); c.Suits() != (len(why) == 0 && rest == 0) {
				t.Fatalf("seed %d round %d: suits %v, but %v and rest %d", seed, round, c.Suits(), why, rest)
			}
			if c.Millis == 0 || c.Millis > j.Wall || c.MaxCost.Less(c.Cost) || c.Success <= 0 || c.Success > 1 || math.IsNaN(c.score) {
				t.Fatalf("seed %d round %d: %+v", seed, round, c)
			}
		}
		var tasks, slots uint64
		for i, c := range e.Suiting {
			tasks, slots = tasks+c.Tasks, slots+uint64(c.Slots)
			if i > 0 && e.Suiting[i-1].score > c.score {
				t.Fatalf("seed %d round %d: out of order", seed, round)
			}
			if c.Slots > c.Offer.Resources.Slots || c.Slots == 0 && c.Tasks != 0 {
				t.Fatalf("seed %d round %d: %d tasks on %d of %d slots", seed, round, c.Tasks, c.Slots, c.Offer.Resources.Slots)
			}
		}
		if len(e.Suiting) > 0 && (tasks != j.Count || slots != e.Slots || e.Millis == 0 || e.MaxCost.Less(e.Cost)) {
			t.Fatalf("seed %d round %d: %d of %d tasks on %d of %d slots in %d ms for %s, at most %s", seed, round, tasks, j.Count, slots, e.Slots, e.Millis, e.Cost, e.MaxCost)
		}
		if j.Parallel != 0 && e.Slots > uint64(j.Parallel) || e.Slots > j.Count {
			t.Fatalf("seed %d round %d: %d slots at once", seed, round, e.Slots)
		}
	}
}

func TestLearn(t *testing.T) {
	var r Record
	p := func() float64 { return r.Success(offer(1), 60_000, t0) }
	start := p()
	r = r.Learn(Outcome{OK: true, Wall: 50_000, Work: 100_000}, t0)
	if p() <= start || r.Speed != 2000 || r.Longest != 50_000 {
		t.Errorf("after a success: %.3f of %.3f, %+v", p(), start, r)
	}
	r = r.Learn(Outcome{}, t0)
	if p() >= start || r.Rest(t0) != 0 {
		t.Errorf("after one failure: %.3f of %.3f, rests %d", p(), start, r.Rest(t0))
	}
	for i, want := range []uint64{30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600} {
		r = r.Learn(Outcome{}, t0)
		if got := r.Rest(t0); got != want {
			t.Errorf("failure %d in a row: rests %d s, want %d", i+2, got, want)
		}
	}
	if got := r.Rest(t0 + 3599); got != 1 || r.Rest(t0+3600) != 0 || r.Rest(t0-5) != 3600 {
		t.Errorf("rest runs out: %d, %d, %d", got, r.Rest(t0+3600), r.Rest(t0-5))
	}
	bad := p()
	for range 200 {
		r = r.Learn(Outcome{OK: true}, t0)
	}
	if p() < start || r.Rest(t0) != 0 || bad > start {
		t.Errorf("after 200 successes: %.3f, it was %.3f", p(), bad)
	}
	slow := r
	for range 40 {
		slow = slow.Learn(Outcome{OK: true, Wall: 4000, Work: 1000}, t0)
	}
	if math.Abs(slow.Speed-250) > 5 {
		t.Errorf("speed measured 250 forty times: %.0f", slow.Speed)
	}
}

func TestClaimedSpeedIsBounded(t *testing.T) {
	liar := offer(1, func(o *artel.Offer) { o.Speed = math.MaxUint32 })
	mute := offer(2, func(o *artel.Offer) { o.Speed = 0 })
	if got := EffectivePrice(liar); got != 1000.0*1000/maxSpeed {
		t.Errorf("liar: %v", got)
	}
	if got := EffectivePrice(mute); got != 1000.0*1000/minSpeed {
		t.Errorf("mute: %v", got)
	}
}

func BenchmarkQuote1000(b *testing.B) {
	list := crowded(1000).Query(Query{Sandbox: "wasm"}, t0)
	j := plainJob(func(j *artel.JobSpec) { j.Count = 10_000 })
	for b.Loop() {
		Quote(j, list, History{}, t0)
	}
}

func TestAgainst(t *testing.T) {
	h := History{Nodes: map[artel.NodeID]Record{node(2): {Done: 50, Failed: 2, Streak: 2, LastFail: t0}}}
	dear := plainJob(func(j *artel.JobSpec) { j.MaxPrice = 1_500_000 })
	class := QueryFor(plainJob())
	class.From = artel.Class{Moves: "1", CPU: artel.CPU{Arch: "amd64", Features: []string{"avx"}}}
	lesser := func(n int) Listing {
		return listed(offer(n, func(o *artel.Offer) { o.Moves, o.CPU = "1", artel.CPU{Arch: "amd64", Features: []string{"sse"}} }))
	}
	for name, c := range map[string]struct {
		job    artel.JobSpec
		query  Query
		offers []Listing
		want   []Tally
	}{
		"one suits":         {plainJob(), QueryFor(plainJob()), market3(), nil},
		"nobody is there":   {plainJob(), QueryFor(plainJob()), nil, nil},
		"too dear, or rest": {dear, QueryFor(dear), market3(), []Tally{{2, Why{Code: WhyPrice, Have: 2_000_000, Want: 1_500_000}}}}, // the third has two reasons
		"another class":     {plainJob(), class, []Listing{lesser(4), lesser(5)}, []Tally{{2, Why{Code: WhyClass}}}},
	} {
		all, n := Against(c.job, c.query, c.offers, h, t0)
		if !slices.Equal(all, c.want) || (n == len(c.offers)) != (len(all) > 0 || len(c.offers) == 0) {
			t.Errorf("%s: %+v of %d, want %+v", name, all, n, c.want)
		}
	}
}
