package market

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/artel-network/artel"
)

const t0 = 1_800_000_000 // unix seconds

func node(i int) (n artel.NodeID) {
	n[0] = 2
	for k := range 8 {
		n[32-k] = byte(i >> (8 * k))
	}
	return n
}

func account(i int) (a artel.Address) {
	a[0] = 0xaa
	for k := range 8 {
		a[19-k] = byte(i >> (8 * k))
	}
	return a
}

// offer returns a plain offer of machine i that suits plainQuery.
func offer(i int, change ...func(*artel.Offer)) artel.Offer {
	o := artel.Offer{
		Node: node(i), Account: account(i), Seq: 1, Issued: t0, Expires: t0 + 1200,
		Resources: artel.Resources{Slots: 4, Memory: 1 << 30, Disk: 10 << 30}, Price: 1000, Region: "eu",
		Sandboxes: []string{"wasm"}, Speed: 1000, UpSince: t0 - 7200, MaxUnit: 3_600_000, Addrs: []string{"/ip4/127.0.0.1/tcp/4001"},
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

// listed gives an offer the id of its content.
func listed(o artel.Offer) Listing {
	return Listing{Offer: o, ID: artel.Keccak(fmt.Append(nil, o)), Owner: o.Account}
}

func plainQuery() Query {
	return Query{Sandbox: "wasm", Want: artel.Resources{Slots: 2, Memory: 1 << 29, Disk: 1 << 30}, Unit: 60_000, MaxPrice: 2000, Region: "eu"}
}

func freePolicy() Policy {
	p := DefaultPolicy(artel.Hash{})
	p.Interval = 0
	return p
}

func mustPut(t *testing.T, x *Index, l Listing, now uint64) {
	t.Helper()
	if _, err := x.Put(l, now); err != nil {
		t.Fatal(err)
	}
}

// TestQueryMutations changes one thing of an offer that suits, or of the query.
func TestQueryMutations(t *testing.T) {
	for name, tc := range map[string]struct {
		offer func(*artel.Offer)
		query func(*Query)
		want  Code
	}{
		"nothing":            {},
		"expired":            {offer: func(o *artel.Offer) { o.Expires = t0 - artel.ClockSkew }, want: WhyExpired},
		"within the skew":    {offer: func(o *artel.Offer) { o.Expires = t0 - artel.ClockSkew + 1 }},
		"another sandbox":    {offer: func(o *artel.Offer) { o.Sandboxes = []string{"gvisor"} }, want: WhySandbox},
		"one more sandbox":   {offer: func(o *artel.Offer) { o.Sandboxes = []string{"gvisor", "wasm", "wasm"} }},
		"few slots":          {offer: func(o *artel.Offer) { o.Resources.Slots = 1 }, want: WhySlots},
		"no slots asked":     {query: func(q *Query) { q.Want.Slots = 0 }},
		"a byte of memory":   {query: func(q *Query) { q.Want.Memory = 4<<30 + 1 }, want: WhyMemory},
		"all its memory":     {query: func(q *Query) { q.Want.Memory = 4 << 30 }},
		"a byte of disk":     {query: func(q *Query) { q.Want.Disk = 40<<30 + 1 }, want: WhyDisk},
		"memory past count":  {offer: func(o *artel.Offer) { o.Resources.Memory = 1<<64 - 1 }},
		"a GPU":              {query: func(q *Query) { q.Want.GPUs = 1 }, want: WhyGPUs},
		"a larger GPU":       {offer: func(o *artel.Offer) { o.Resources.GPUs = 2 }, query: func(q *Query) { q.Want.GPUs, q.Want.GPUMemory = 1, 1 }, want: WhyGPUMemory},
		"its GPUs":           {offer: func(o *artel.Offer) { o.Resources.GPUs, o.Resources.GPUMemory = 2, 1<<33 }, query: func(q *Query) { q.Want.GPUs, q.Want.GPUMemory = 2, 1<<33 }},
		"too long a task":    {query: func(q *Query) { q.Unit = 3_600_001 }, want: WhyUnit},
		"a unit too dear":    {query: func(q *Query) { q.MaxPrice = 999 }, want: WhyPrice},
		"just affordable":    {query: func(q *Query) { q.MaxPrice = 1000 }},
		"any price":          {query: func(q *Query) { q.MaxPrice = 0 }},
		"another region":     {query: func(q *Query) { q.Region = "us" }, want: WhyRegion},
		"any region":         {query: func(q *Query) { q.Region = "" }},
		"for other machines": {offer: func(o *artel.Offer) { o.CPU.Arch = "arm64" }, query: func(q *Query) { q.Archs = []string{"amd64", "s390x"} }, want: WhyArch},
		"for several":        {offer: func(o *artel.Offer) { o.CPU.Arch = "arm64" }, query: func(q *Query) { q.Archs = []string{"amd64", "arm64"} }},
		"for any machine":    {offer: func(o *artel.Offer) { o.CPU.Arch = "arm64" }},
		"does not say which": {offer: func(o *artel.Offer) { o.CPU = artel.CPU{} }, query: func(q *Query) { q.Archs = []string{"amd64"} }},
		"not among named":    {query: func(q *Query) { q.Providers = []artel.NodeID{node(2)} }, want: WhyProviders},
		"among the named":    {query: func(q *Query) { q.Providers = []artel.NodeID{node(2), node(1), node(1)} }},
		"excluded":           {query: func(q *Query) { q.Exclude = []artel.NodeID{node(1)} }, want: WhyExcluded},
		"another excluded":   {query: func(q *Query) { q.Exclude = []artel.NodeID{node(2)} }},
		"any sandbox":        {query: func(q *Query) { q.Sandbox = "" }},
		"named and excluded": {query: func(q *Query) { q.Providers, q.Exclude = []artel.NodeID{node(1)}, []artel.NodeID{node(1)} }, want: WhyExcluded},
	} {
		o, q := offer(1), plainQuery()
		if tc.offer != nil {
			tc.offer(&o)
		}
		if tc.query != nil {
			tc.query(&q)
		}
		why := q.Why(o, t0, artel.ClockSkew)
		if tc.want == "" && len(why) != 0 || tc.want != "" && (len(why) != 1 || why[0].Code != tc.want) {
			t.Errorf("%s: Why says %v, want %q", name, why, tc.want)
		}
		for _, w := range why {
			if s := w.String(); s == "" || s == string(w.Code) {
				t.Errorf("%s: no sentence for %q", name, w.Code)
			}
		}
		x := NewIndex(freePolicy())
		_, err := x.Put(listed(o), o.Issued-1200)
		if got := x.Query(q, t0); err != nil || (len(got) == 1) != (tc.want == "") {
			t.Errorf("%s: Query finds %d, %v; want reason %q", name, len(got), err, tc.want)
		}
	}
}

// model is the index as one would write it without thinking of speed.
type model map[Machine]Listing

// put checks what the index decided on l, and follows it.
func (m model) put(l Listing, now uint64, changed bool, err error) error {
	old, known := m[l.Machine()]
	remembered := known && now < max(old.Offer.Expires, old.Offer.Issued+artel.MaxOfferTTL)+artel.ClockSkew
	newer := !known || l.Offer.Seq > old.Offer.Seq
	switch {
	case newer && (err != nil || !changed):
		return fmt.Errorf("a newer offer: changed %v, %w", changed, err)
	case !newer && remembered && changed:
		return errors.New("an older offer was listed")
	case !newer && remembered && l.ID == old.ID && err != nil:
		return fmt.Errorf("the same offer again: %w", err)
	case !newer && remembered && l.Offer.Seq < old.Offer.Seq && !errors.Is(err, ErrOld):
		return fmt.Errorf("an older offer: %w", err)
	case !newer && remembered && l.Offer.Seq == old.Offer.Seq && l.ID != old.ID && !errors.Is(err, ErrConflict):
		return fmt.Errorf("another offer of the same number: %w", err)
	}
	if changed {
		m[l.Machine()] = l
	}
	return nil
}

func (m model) query(q Query, now uint64) []Listing {
	var out []Listing
	for _, l := range m {
		if len(q.Why(l.Offer, now, artel.ClockSkew)) == 0 {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Listing) int {
		return cmp.Or(cmp.Compare(EffectivePrice(a.Offer), EffectivePrice(b.Offer)),
			slices.Compare(a.Offer.Node[:], b.Offer.Node[:]), slices.Compare(a.Offer.Machine[:], b.Offer.Machine[:]))
	})
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out
}

func randomOffer(r *rand.Rand, machines int, now uint64) artel.Offer {
	return offer(r.IntN(machines), func(o *artel.Offer) {
		o.Machine[0] = byte(r.IntN(2))
		o.Seq = uint64(r.IntN(40))
		o.Issued = now - uint64(r.IntN(100))
		o.Expires = o.Issued + 1 + uint64(r.IntN(artel.MaxOfferTTL))
		o.Price = artel.Price(1 + r.IntN(20))
		o.Speed = uint32(r.IntN(4) * 500)
		o.Region = []string{"", "eu", "us"}[r.IntN(3)]
		o.Resources = artel.Resources{Slots: uint32(1 + r.IntN(4)), Memory: uint64(r.IntN(4)) << 28, Disk: uint64(r.IntN(4)) << 28}
		o.Sandboxes = [][]string{{"wasm"}, {"gvisor"}, {"wasm", "gvisor"}, {"wasm", "wasm"}}[r.IntN(4)]
	})
}

func randomQuery(r *rand.Rand, machines int) Query {
	q := Query{Sandbox: []string{"", "wasm", "gvisor", "none"}[r.IntN(4)], Limit: r.IntN(10)}
	q.Want = artel.Resources{Slots: uint32(r.IntN(3)), Memory: uint64(r.IntN(3)) << 28, Disk: uint64(r.IntN(3)) << 28}
	q.MaxPrice = artel.Price(r.IntN(20))
	q.Region = []string{"", "eu", "us"}[r.IntN(3)]
	for range r.IntN(3) {
		q.Exclude = append(q.Exclude, node(r.IntN(machines)))
	}
	if r.IntN(4) == 0 {
		for range r.IntN(8) {
			q.Providers = append(q.Providers, node(r.IntN(machines)))
		}
	}
	return q
}

func TestIndexAgainstBruteForce(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 0))
		const machines = 700 // enough for fresh and dead slots to be merged
		x, m := NewIndex(freePolicy()), model{}
		now := uint64(t0)
		for step := range 4000 {
			switch n := r.IntN(200); {
			case n == 0:
				now += uint64(r.IntN(6000))
			case n < 20:
				now += uint64(r.IntN(20))
			}
			l := listed(randomOffer(r, machines, now))
			if !x.alive(&l.Offer, now) {
				continue
			}
			changed, err := x.Put(l, now)
			if err := m.put(l, now, changed, err); err != nil {
				t.Fatalf("seed %d step %d: put: %v", seed, step, err)
			}
			if step%40 == 0 {
				q := randomQuery(r, machines)
				got, want := x.Query(q, now), m.query(q, now)
				if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d step %d: query %+v\n got %d: %s\nwant %d: %s", seed, step, q, len(got), brief(got), len(want), brief(want))
				}
			}
			if step%500 == 0 {
				checkIndex(t, x)
			}
		}
		if x.Expire(now + 3*artel.MaxOfferTTL); len(x.machines)+len(x.nodes)+len(x.owners)+len(x.buckets)+len(x.due)+x.live != 0 {
			t.Errorf("seed %d: after all expired: %d machines, %d nodes, %d owners, %d buckets, %d due, %d live",
				seed, len(x.machines), len(x.nodes), len(x.owners), len(x.buckets), len(x.due), x.live)
		}
	}
}

func brief(list []Listing) (s string) {
	for _, l := range list {
		s += fmt.Sprintf(" %s#%d:%d/%d", l.Offer.Node.Short(), l.Offer.Seq, l.Offer.Price, l.Offer.Speed)
	}
	return s
}

// checkIndex verifies that the parts of the index agree.
func checkIndex(t *testing.T, x *Index) {
	t.Helper()
	live, owned, noded := 0, 0, 0
	for m, r := range x.machines {
		if r.machine != m || r.owner.records[r.pos] != r {
			t.Fatalf("record of %x is misplaced", m.ID)
		}
		if r.entry != nil {
			live++
			if r.entry.dead || r.entry.Offer.Seq != r.seq || r.entry.Owner != r.owner.address {
				t.Fatalf("entry of %x is not its record's", m.ID)
			}
		}
	}
	for _, list := range x.nodes {
		noded += len(list)
	}
	for a, o := range x.owners {
		owned += len(o.records)
		c := x.crowd(o)
		if o.address != a || len(o.records) > c.top || c.rows[len(o.records)][o.pos] != o {
			t.Fatalf("owner %s is misplaced", a)
		}
	}
	if live != x.live || owned != len(x.machines) || noded != len(x.machines) {
		t.Fatalf("%d live of %d counted; %d machines, %d owned, %d under nodes", live, x.live, len(x.machines), owned, noded)
	}
	for name, b := range x.buckets {
		dead := 0
		all := 0
		var last *slot
		b.walk(func(run []slot) bool {
			for i := range run {
				s := &run[i]
				all++
				if s.entry.dead {
					dead++
				}
				if last != nil && compare(*last, *s) > 0 {
					t.Fatalf("bucket %s is out of order", name)
				}
				last = s
			}
			return true
		})
		if dead != b.dead || b.len() != all-dead || b.len() == 0 {
			t.Fatalf("bucket %s: %d slots, %d dead, counted %d dead", name, all, dead, b.dead)
		}
	}
}

func TestNewestOfferOnly(t *testing.T) {
	x := NewIndex(freePolicy())
	first := listed(offer(1, func(o *artel.Offer) { o.Seq, o.Price = 5, 10; o.Expires = o.Issued + artel.MaxOfferTTL }))
	mustPut(t, x, first, t0)
	if changed, err := x.Put(first, t0); changed || err != nil {
		t.Errorf("the same again: %v, %v", changed, err)
	}
	if _, err := x.Put(listed(offer(1, func(o *artel.Offer) { o.Seq, o.Price = 5, 11 })), t0); !errors.Is(err, ErrConflict) {
		t.Errorf("same number, other content: %v", err)
	}
	if _, err := x.Put(listed(offer(1, func(o *artel.Offer) { o.Seq = 4 })), t0); !errors.Is(err, ErrOld) {
		t.Errorf("older: %v", err)
	}
	// The last one withdraws the machine: it lives a second.
	mustPut(t, x, listed(offer(1, func(o *artel.Offer) { o.Seq, o.Price, o.Expires = 6, 10, o.Issued+1 })), t0)
	later := uint64(t0 + 1 + artel.ClockSkew + 120)
	if got := x.Query(Query{}, later); len(got) != 0 || x.Len() != 0 {
		t.Errorf("withdrawn: still %d found, %d live", len(got), x.Len())
	}
	if _, err := x.Put(first, later); !errors.Is(err, ErrOld) {
		t.Errorf("the first, unexpired, replayed after the withdrawal: %v", err)
	}
	if _, ok := x.Get(first.Machine(), later); ok {
		t.Error("Get finds the withdrawn machine")
	}
	mustPut(t, x, listed(offer(1, func(o *artel.Offer) { o.Seq, o.Issued, o.Expires = 7, later, later+600 })), later)
	if l, ok := x.Get(first.Machine(), later); !ok || l.Offer.Seq != 7 {
		t.Errorf("back again: %v, %v", l.Offer.Seq, ok)
	}
	x.Expire(t0 + 3*artel.MaxOfferTTL)
	if len(x.machines) != 0 {
		t.Error("the machine is never forgotten")
	}
}

func TestPutKeepsItsOwnCopy(t *testing.T) {
	x := NewIndex(freePolicy())
	l := listed(offer(1))
	mustPut(t, x, l, t0)
	l.Offer.Sandboxes[0] = "gvisor"
	if got, _ := x.Get(l.Machine(), t0); got.Offer.Sandboxes[0] != "wasm" {
		t.Errorf("the caller changed a listing to %q", got.Offer.Sandboxes[0])
	}
}

func TestRate(t *testing.T) {
	x := NewIndex(DefaultPolicy(artel.Hash{}))
	seq := uint64(0)
	put := func(now uint64) error {
		seq++
		_, err := x.Put(listed(offer(1, func(o *artel.Offer) { o.Seq, o.Price = seq, artel.Price(seq) })), now)
		return err
	}
	for i, step := range []struct {
		after uint64
		ok    bool
	}{{0, true}, {0, true}, {0, false}, {59, false}, {1, true}, {0, false}, {60, true}, {59, false}, {300, true}, {0, true}, {0, false}} {
		now := uint64(t0)
		for _, s := range []uint64{0, 0, 0, 59, 1, 0, 60, 59, 300, 0, 0}[:i+1] {
			now += s
		}
		if err := put(now); (err == nil) != step.ok || err != nil && !errors.Is(err, ErrRate) {
			t.Errorf("step %d, %d s after the last: %v, want accepted %v", i, step.after, err, step.ok)
		}
	}
}

// Offers that came while the clock was fast do not shut their machine out when it
// is right again.
func TestRateOutlastsAFastClock(t *testing.T) {
	x := NewIndex(DefaultPolicy(artel.Hash{}))
	for i, step := range []struct {
		at uint64
		ok bool
	}{{t0 + 1200, true}, {t0 + 1200, true}, {t0, true}, {t0, true}, {t0, false}, {t0 + 60, true}} {
		seq := uint64(i + 1)
		if _, err := x.Put(listed(offer(1, func(o *artel.Offer) { o.Seq = seq })), step.at); (err == nil) != step.ok {
			t.Errorf("offer %d at %d: %v, want accepted %v", i, step.at-t0, err, step.ok)
		}
	}
}

// An offer that a fast clock let expire is listed again when it comes again.
func TestExpiredByAFastClock(t *testing.T) {
	x := NewIndex(freePolicy())
	l := listed(offer(1))
	mustPut(t, x, l, t0)
	if x.Expire(l.Offer.Expires + 400); x.Len() != 0 || x.machines[l.Machine()] == nil {
		t.Fatalf("%d live, want none, and the machine remembered", x.Len())
	}
	mustPut(t, x, l, t0+60)
	if _, ok := x.Get(l.Machine(), t0+60); !ok || x.Len() != 1 {
		t.Errorf("%d live", x.Len())
	}
}

func TestClockGoesBack(t *testing.T) {
	x := NewIndex(freePolicy())
	x.Expire(t0 + 100_000)
	mustPut(t, x, listed(offer(1)), t0)
	if got := x.Query(Query{}, t0); len(got) != 1 {
		t.Fatalf("%d found", len(got))
	}
	x.Expire(t0 + 100_060) // one minute on: it is looked at then, not in a minute swept long ago
	if x.Len() != 0 {
		t.Errorf("%d live after the clock caught up", x.Len())
	}
	x.Expire(t0 + 200_000)
	if x.Len() != 0 || len(x.due) != 0 {
		t.Errorf("%d live, %d minutes due", x.Len(), len(x.due))
	}
}

// TestFlooderDisplacesNobody fills an index with honest machines and lets
// others try to push them out.
func TestFlooderDisplacesNobody(t *testing.T) {
	p := freePolicy()
	p.Total, p.PerAccount, p.PerNode = 100, 60, 8
	honest := func(x *Index) (n int) {
		for i := range 40 {
			if _, ok := x.Get(Machine{Node: node(i)}, t0); ok {
				n++
			}
		}
		return n
	}
	start := func() *Index {
		x := NewIndex(p)
		for i := range 40 { // 20 accounts of two machines each
			l := listed(offer(i))
			l.Owner = account(i / 2)
			mustPut(t, x, l, t0)
		}
		return x
	}
	next := 10_000
	flood := func(x *Index, machines int, owner func(i int) artel.Address, secured bool) (took int, last error) {
		for i := range machines {
			next++
			l := listed(offer(next))
			l.Owner, l.Secured = owner(i), secured
			if _, err := x.Put(l, t0); err == nil {
				took++
			} else {
				last = err
			}
		}
		checkIndex(t, x)
		return took, last
	}

	x := start()
	if took, err := flood(x, 1000, func(int) artel.Address { return account(9999) }, false); honest(x) != 40 || took != 60 || !errors.Is(err, ErrShare) {
		t.Errorf("one account: %d of 40 left, %d taken, %v", honest(x), took, err)
	}
	// The index is full now, and the flooder has most of it: honest newcomers displace it.
	for i := range 10 {
		mustPut(t, x, listed(offer(20_000+i)), t0)
	}
	if honest(x) != 40 || len(x.machines) != 100 {
		t.Errorf("newcomers displaced honest ones: %d of 40 left of %d", honest(x), len(x.machines))
	}

	x = start()
	if took, err := flood(x, 1000, func(i int) artel.Address { return account(9000 + i) }, false); honest(x) < 20 || took != 80 || !errors.Is(err, ErrFull) {
		t.Errorf("a thousand accounts: %d of 40 left, %d taken, %v", honest(x), took, err)
	}
	for i := range 20 {
		if x.held(account(i)) == 0 {
			t.Errorf("account %d lost its last machine to a flooder", i)
		}
	}

	if took, _ := flood(x, 5, func(i int) artel.Address { return account(50 + i) }, true); took != 5 {
		t.Errorf("five with stake: %d taken", took)
	}
	if _, err := flood(x, 1000, func(i int) artel.Address { return account(8000 + i) }, false); !errors.Is(err, ErrFull) {
		t.Errorf("flood after the staked: %v", err)
	}
	for i := range 5 {
		if x.held(account(50+i)) != 1 {
			t.Errorf("staked account %d was displaced by one without", i)
		}
	}

	x = NewIndex(p)
	if took, _ := flood(x, p.Total, func(i int) artel.Address { return account(i / 4) }, true); took != p.Total {
		t.Fatalf("%d of %d with stake taken", took, p.Total)
	}
	if took, err := flood(x, 10, func(i int) artel.Address { return account(7000 + i) }, false); took != 0 || !errors.Is(err, ErrFull) {
		t.Errorf("no stake against all with stake: %d taken, %v", took, err)
	}

	x = NewIndex(p) // a machine that changes its account does not slip past the account's share
	flood(x, p.PerAccount, func(int) artel.Address { return account(1) }, false)
	moved := listed(offer(1))
	moved.Owner = account(2)
	mustPut(t, x, moved, t0)
	moved.Offer.Seq, moved.Owner = 2, account(1)
	if _, err := x.Put(moved, t0); x.held(account(1)) != p.PerAccount || !errors.Is(err, ErrShare) {
		t.Errorf("moved into a full share: %d machines, %v", x.held(account(1)), err)
	}

	x = NewIndex(p)
	var last error
	for i := range 20 {
		o := offer(1, func(o *artel.Offer) { o.Machine[0] = byte(i) })
		_, last = x.Put(listed(o), t0)
	}
	if x.Len() != p.PerNode || !errors.Is(last, ErrShare) {
		t.Errorf("one node key: %d machines, %v", x.Len(), last)
	}
}

// TestReplayIsDeterministic: the same history evicts the same machines.
func TestReplayIsDeterministic(t *testing.T) {
	run := func() []Listing {
		p := freePolicy()
		p.Total = 50
		x := NewIndex(p)
		r := rand.New(rand.NewPCG(3, 0))
		now := uint64(t0)
		for range 3000 {
			now += uint64(r.IntN(30))
			if r.IntN(100) == 0 {
				now += artel.MaxOfferTTL
			}
			l := listed(randomOffer(r, 300, now))
			l.Owner, l.Secured = account(r.IntN(30)), r.IntN(5) == 0
			_, _ = x.Put(l, now)
		}
		checkIndex(t, x)
		return x.Query(Query{}, now)
	}
	if a, b := run(), run(); len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("two runs differ: %d and %d listings", len(a), len(b))
	}
}

// crowded returns an index of n offers as a large network might have them.
func crowded(n int) *Index {
	p := freePolicy()
	p.PerNode = n
	x := NewIndex(p)
	r := rand.New(rand.NewPCG(1, 0))
	for i := range n {
		l := listed(crowdOffer(r, i))
		if _, err := x.Put(l, t0); err != nil {
			panic(err)
		}
	}
	return x
}

func crowdOffer(r *rand.Rand, i int) artel.Offer {
	return offer(i, func(o *artel.Offer) {
		o.Price = artel.Price(500 + r.IntN(5000))
		o.Speed = uint32(300 + r.IntN(3000))
		o.Region = fmt.Sprintf("region-%d", r.IntN(20))
		o.Resources = artel.Resources{Slots: uint32(1 + r.IntN(32)), Memory: uint64(1+r.IntN(64)) << 29, Disk: uint64(1+r.IntN(64)) << 30}
		o.MaxUnit = uint64(1+r.IntN(24)) * 3_600_000
		o.Sandboxes = [][]string{{"wasm"}, {"wasm"}, {"wasm", "gvisor"}}[r.IntN(3)]
		o.Addrs = []string{
			fmt.Sprintf("/ip4/203.0.113.%d/udp/%d/quic-v1", r.IntN(256), 1024+r.IntN(60000)),
			fmt.Sprintf("/ip4/203.0.113.%d/tcp/%d", r.IntN(256), 1024+r.IntN(60000)),
		}
	})
}

func BenchmarkQuery100k(b *testing.B) {
	x := crowded(100_000)
	allow := make([]artel.NodeID, 0, 20)
	for i := range 20 {
		allow = append(allow, node(i*37))
	}
	exclude := make([]artel.NodeID, 0, 200)
	for i := range 200 {
		exclude = append(exclude, node(i))
	}
	all := Query{Sandbox: "wasm", Limit: 64}
	queries := []struct {
		name string
		q    Query
	}{
		{"plain", all},
		{"memory+price", Query{Sandbox: "wasm", Want: artel.Resources{Slots: 4, Memory: 16 << 30}, MaxPrice: 2000, Unit: 3_600_000, Limit: 64}},
		{"region", Query{Sandbox: "gvisor", Region: "region-7", Want: artel.Resources{Memory: 8 << 30}, Limit: 64}},
		{"rare", Query{Sandbox: "wasm", Region: "region-7", Want: artel.Resources{Slots: 31, Memory: 31 << 30}, Limit: 64}},
		{"nothing", Query{Sandbox: "wasm", Want: artel.Resources{Memory: 1 << 50}, Limit: 64}},
		{"providers", Query{Sandbox: "wasm", Providers: allow, Limit: 64}},
		{"exclude", Query{Sandbox: "wasm", Exclude: exclude, Limit: 64}},
	}
	measure := func(b *testing.B, between func(), next func(i int) Query) {
		took := make([]time.Duration, 0, 1<<12)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if between != nil {
				b.StopTimer()
				between()
				b.StartTimer()
			}
			q := next(i)
			start := time.Now()
			x.Query(q, t0)
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-µs")
		b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
	}
	for _, q := range queries {
		b.Run(q.name, func(b *testing.B) { measure(b, nil, func(int) Query { return q.q }) })
	}
	b.Run("mix", func(b *testing.B) { measure(b, nil, func(i int) Query { return queries[i%len(queries)].q }) })
	// 167 offers come between two queries, one in three with other figures: what
	// a second of 100,000 machines brings that announce every ten minutes.
	r := rand.New(rand.NewPCG(2, 0))
	seq := uint64(1)
	b.Run("mix+churn", func(b *testing.B) {
		measure(b, func() {
			for range 167 {
				i := r.IntN(100_000)
				seq++
				l, ok := x.Get(Machine{Node: node(i)}, t0)
				if !ok {
					b.Fatalf("machine %d is gone", i)
				}
				if r.IntN(3) == 0 {
					l = listed(crowdOffer(r, i))
				}
				l.Offer.Seq = seq
				if _, err := x.Put(l, t0); err != nil {
					b.Fatal(err)
				}
			}
		}, func(i int) Query { return queries[i%len(queries)].q })
	})
}

func BenchmarkPut(b *testing.B) {
	x := crowded(100_000)
	r := rand.New(rand.NewPCG(2, 0))
	seq := uint64(1)
	for _, every := range []int{0, 1} {
		b.Run([]string{"same figures", "other figures"}[every], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i := r.IntN(100_000)
				l, _ := x.Get(Machine{Node: node(i)}, t0)
				seq++
				l.Offer.Seq = seq
				if every == 1 {
					l.Offer.Price++
				}
				if _, err := x.Put(l, t0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemory100k reports the heap that an offer takes in an index.
func BenchmarkMemory100k(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := crowded(100_000)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/100_000, "B/offer")
		runtime.KeepAlive(x)
	}
}

// TestQueryForArchs: what a job's image is for is asked of an offer.
func TestQueryForArchs(t *testing.T) {
	j := artel.JobSpec{Archs: []string{"arm64"}}
	o := offer(1)
	o.CPU.Arch = "amd64"
	for _, w := range QueryFor(j).Why(o, t0, 0) {
		if w.Code == WhyArch {
			return
		}
	}
	t.Error("an image for arm64 suits amd64")
}
