package market

import (
	"slices"
	"testing"
	"time"

	"github.com/artel-network/artel"
)

// stays is a machine's chance by its age alone, for tests: an hour's age stays an
// hour with one half.
func stays(u Up, d time.Duration) float64 {
	age := u.Age
	for _, up := range u.Ups {
		age = min(age, up)
	}
	return float64(age) / float64(age+d+1)
}

func survivor(change ...func(*artel.JobSpec)) artel.JobSpec {
	j := plainJob(change...)
	j.Program, j.Box.Image, j.Count, j.Wall = artel.Ref{}, artel.Hash{1}, 1, 24*3600*1000
	j.Survival = artel.Survival{Min: 300_000, Max: 3_600_000, Keepers: 2}
	for _, c := range change {
		c(&j)
	}
	return j
}

func TestRankSurvivors(t *testing.T) {
	hour := func(h uint64) func(*artel.Offer) { return func(o *artel.Offer) { o.UpSince = t0 - h*3600 } }
	moves := func(o *artel.Offer) { o.Moves = "1" }
	wide := func(o *artel.Offer) { o.MaxUnit, o.Price = 1<<40, 1000 }
	for name, c := range map[string]struct {
		job    artel.JobSpec
		offers []Listing
		nodes  map[artel.NodeID]Record
		want   []artel.NodeID
	}{
		"who moves programs goes first": {survivor(), []Listing{listed(offer(1, wide, hour(5))), listed(offer(2, wide, hour(5), moves))}, nil, []artel.NodeID{node(2), node(1)}},
		"though it is younger":          {survivor(), []Listing{listed(offer(1, wide, hour(20))), listed(offer(2, wide, hour(2), moves))}, nil, []artel.NodeID{node(2), node(1)}},
		"without checkpoints age is all": {survivor(func(j *artel.JobSpec) { j.Survival = artel.Survival{} }),
			[]Listing{listed(offer(1, wide, hour(2), moves)), listed(offer(2, wide, hour(20)))}, nil, []artel.NodeID{node(2), node(1)}},
		"who was seen to go is not older than that": {survivor(), []Listing{listed(offer(1, wide, hour(20), moves)), listed(offer(2, wide, hour(3), moves))},
			map[artel.NodeID]Record{node(1): {Ups: []uint64{600, 900}}}, []artel.NodeID{node(2), node(1)}},
		"whole only": {survivor(func(j *artel.JobSpec) { j.Survival.Kind = artel.CheckpointWhole }),
			[]Listing{listed(offer(1, wide, hour(20))), listed(offer(2, wide, hour(2), moves))}, nil, []artel.NodeID{node(2)}},
		"who takes a stake that lasts but for the shortest interval": {survivor(),
			[]Listing{listed(offer(1, wide, hour(5), moves, func(o *artel.Offer) { o.MaxUnit = 3_600_000 })), listed(offer(2, wide, hour(5), func(o *artel.Offer) { o.MaxUnit = 3_600_000 }))}, nil, []artel.NodeID{node(1)}},
	} {
		got := order(Rank(c.job, c.offers, History{Nodes: c.nodes, Stay: stays}, t0))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A budget must cover a stake of a task that is checkpointed, not all of it.
func TestBudgetOfAStake(t *testing.T) {
	l := listed(offer(1, func(o *artel.Offer) { o.MaxUnit, o.Moves = 1<<40, "1" }))
	j := survivor()
	stake := artel.Cost(l.Offer.Price, j.StakeOn(l.Offer))
	for _, c := range []struct {
		budget artel.Amount
		moves  string
		ok     bool
	}{{stake, "1", true}, {stake.Sub(artel.Units(1)), "1", false}, {stake, "", false}} {
		l.Offer.Moves, j.Budget = c.moves, c.budget
		if got := len(Rank(j, []Listing{l}, History{}, t0)) == 1; got != c.ok {
			t.Errorf("budget %s, moves %q: suits %v", c.budget, c.moves, got)
		}
	}
}

func TestClassOfQueries(t *testing.T) {
	cpu := func(v string, f ...string) func(*artel.Offer) {
		return func(o *artel.Offer) { o.Moves, o.CPU = "1", artel.CPU{Arch: "amd64", Vendor: v, Features: f} }
	}
	x := NewIndex(DefaultPolicy(artel.Hash{}))
	for i, o := range []artel.Offer{offer(1, cpu("a", "avx", "sse")), offer(2, cpu("a", "sse")), offer(3, cpu("b", "avx", "sse")), offer(4, cpu("a", "avx", "avx2", "sse")), offer(5)} {
		if _, err := x.Put(listed(o), t0); err != nil {
			t.Fatalf("offer %d: %v", i+1, err)
		}
	}
	q := Query{Sandbox: "wasm", From: artel.Class{Moves: "1", CPU: artel.CPU{Arch: "amd64", Vendor: "a", Features: []string{"avx", "sse"}}}}
	var got []byte
	for _, l := range x.Query(q, t0) {
		got = append(got, l.Offer.Node[32])
		if why := q.Why(l.Offer, t0, 0); len(why) != 0 {
			t.Errorf("%v", why)
		}
	}
	slices.Sort(got)
	want := []byte{node(1)[32], node(4)[32]}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("nodes %v, want %v", got, want)
	}
}

// Keepers are those that stay, each account once before any twice, and none that
// failed lately.
func TestKeepers(t *testing.T) {
	keeps := func(h, owner uint64) func(*artel.Offer) {
		return func(o *artel.Offer) { o.Keeps, o.UpSince, o.Account = 1<<30, t0-h*3600, artel.Address{byte(owner)} }
	}
	own := func(l Listing) Listing { l.Owner = l.Offer.Account; return l }
	offers := []Listing{
		own(listed(offer(1, keeps(20, 1)))), own(listed(offer(2, keeps(19, 1)))), own(listed(offer(3, keeps(5, 2)))),
		own(listed(offer(4))), own(listed(offer(5, keeps(24, 3)))),
	}
	h := History{Nodes: map[artel.NodeID]Record{node(5): {Streak: 3, LastFail: t0}}, Stay: stays}
	var got []artel.NodeID
	for _, l := range Keepers(offers, h, t0) {
		got = append(got, l.Offer.Node)
	}
	if want := []artel.NodeID{node(1), node(3), node(2)}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	x := NewIndex(DefaultPolicy(artel.Hash{}))
	for _, l := range offers {
		if _, err := x.Put(l, t0); err != nil {
			t.Fatal(err)
		}
	}
	if got := x.Keepers(10, t0); len(got) != 4 {
		t.Errorf("the index has %d keepers, want 4", len(got))
	}
	if got := x.Keepers(2, t0); len(got) != 2 {
		t.Errorf("%d of at most 2", len(got))
	}
}

func TestUps(t *testing.T) {
	o := artel.Offer{UpSince: t0 - 100*3600}
	var r Record
	if up := r.Up(o, t0); up.Age != 24*time.Hour || len(up.Ups) != 0 {
		t.Errorf("a stranger's word: %+v", up)
	}
	r = r.Here(t0).Here(t0 + 5)
	if up := r.Up(o, t0+40*3600); up.Age != 40*time.Hour {
		t.Errorf("seen for 40 h: %+v", up)
	}
	if up := r.Up(artel.Offer{UpSince: t0 + 39*3600}, t0+40*3600); up.Age != time.Hour {
		t.Errorf("it says itself that it has come back since: %+v", up)
	}
	if d := r.Gone(true, t0+3600); len(d.Ups) != 0 || d.Since != 0 {
		t.Errorf("announced: %+v", d)
	}
	for range 40 {
		r = r.Here(t0).Gone(false, t0+3600)
	}
	if up := r.Up(o, t0); len(up.Ups) != maxUps || up.Ups[0] != time.Hour {
		t.Errorf("it has gone: %+v", up)
	}
	before := Record{Done: 3, Failed: 1, Streak: 1}
	if after := before.Learn(Outcome{Excused: true}, t0); after.Failed != 1 || after.Done != 3 || after.Streak != 1 {
		t.Errorf("excused: %+v", after)
	}
}
