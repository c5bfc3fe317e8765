package chaintest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// Differential has the same random sequence of calls happen on two worlds at the
// same times and demands the same refusals, the same events and the same state.
// Both worlds need Next, and the same delays; their blocks must hold one call
// each. The seed is printed on failure.
func Differential(t *testing.T, seed uint64, steps int, one, two World) {
	t.Helper()
	d := &differ{T: t, rng: rand.New(rand.NewPCG(seed, 2)), seed: seed, side: [2]*stage{newStage(t, one), newStage(t, two)}}
	p, q := d.side[0].params, d.side[1].params
	if p.Delay != q.Delay || p.Window != q.Window || p.StakeDelay != q.StakeDelay {
		t.Fatalf("the worlds have other delays: %+v, %+v", p, q)
	}
	for i := range 8 {
		k := NewKey(t)
		d.keys = append(d.keys, k)
		tokens := uint64(500)
		if i >= 5 {
			tokens = 0
		}
		for _, s := range d.side {
			s.Fund(t, k, tokens)
		}
	}
	heads := [2]chain.Head{d.side[0].head(), d.side[1].head()}
	d.now = max(heads[0].Time, heads[1].Time) + 10
	for n := range steps {
		d.step(n)
		if n%20 == 19 || n == steps-1 {
			d.compare(n)
		}
	}
	d.events(heads)
	if d.done*5 < steps || d.refused == 0 {
		t.Errorf("seed %d: only %d of %d calls were carried out, %d refused: the sequence tests little", seed, d.done, steps, d.refused)
	}
	t.Logf("seed %d: %d calls, %d carried out, %d refused", seed, steps, d.done, d.refused)
}

type differ struct {
	*testing.T
	rng           *rand.Rand
	seed          uint64
	side          [2]*stage
	keys          []artel.Key // 0 to 2 rent, 3 and 4 provide, 5 and 6 are hot keys, 7 is a stranger
	now           uint64
	done, refused int
	claims        []uint64
	outcomes      [2]chain.Outcome
}

func (d *differ) pick(from, to int) artel.Key { return d.keys[from+d.rng.IntN(to-from)] }

// step has one call happen on both sides.
func (d *differ) step(n int) {
	d.Helper()
	p := d.side[0].params
	gap := 1 + d.rng.Uint64N(40)
	switch d.rng.IntN(12) {
	case 0:
		gap = p.Delay - d.rng.Uint64N(3)
	case 1:
		gap = p.Window + d.rng.Uint64N(3)
	case 2:
		gap = p.StakeDelay
	}
	d.now += gap
	from, call := d.call()
	for i, s := range d.side {
		s.Next(d.T, d.now)
		d.outcomes[i] = s.do(from, call(s))
	}
	a, b := d.outcomes[0], d.outcomes[1]
	if a.State != b.State || code(a) != code(b) {
		d.Fatalf("seed %d, step %d, time %d: %T %+v\n one: %s, %v\n two: %s, %v", d.seed, n, d.now, call(d.side[0]), call(d.side[0]), a.State, a.Err(), b.State, b.Err())
	}
	if a.State == chain.Done {
		d.done++
		if a.Block.Time != d.now || b.Block.Time != d.now {
			d.Fatalf("seed %d, step %d: blocks at %d and %d, want %d", d.seed, n, a.Block.Time, b.Block.Time, d.now)
		}
		if _, ok := call(d.side[0]).(chain.ProveEquivocation); ok {
			d.claims = append(d.claims, d.now+p.StakeDelay)
		}
	} else {
		d.refused++
	}
}

func code(o chain.Outcome) chain.Code {
	var c chain.Code
	errors.As(o.Err(), &c)
	return c
}

// call draws a call and who makes it; the call is signed for each side's domain.
func (d *differ) call() (artel.Key, func(*stage) chain.Call) {
	r := d.rng
	renter, provider, hot := d.pick(0, 3), d.pick(3, 5), d.pick(5, 7)
	k := chain.LaneKey{Renter: renter.Address(), Provider: provider.Address(), Number: uint64(1 + r.IntN(2))}
	signer := renter
	if r.IntN(2) == 0 {
		signer, k.Number = hot, artel.LaneNumber(hot.Address(), uint32(1+r.IntN(2)))
	}
	if r.IntN(25) == 0 {
		signer = d.pick(0, 8)
	}
	units := func(n uint64) artel.Amount { return artel.Units(r.Uint64N(n)) }
	amount := func(n uint64) artel.Amount { return artel.Units(1 + r.Uint64N(n)) }
	same := func(c chain.Call) func(*stage) chain.Call { return func(*stage) chain.Call { return c } }
	lane := d.side[0].lane(k)
	switch r.IntN(20) {
	case 0:
		return renter, same(chain.Deposit{To: renter.Address(), Amount: amount(120)})
	case 1, 2:
		return renter, same(chain.ReserveLanes{Lanes: []chain.LaneCap{
			{Provider: k.Provider, Lane: k.Number, Cap: lane.Cap.Add(units(30))},
			{Provider: k.Provider, Lane: k.Number, Cap: lane.Cap.Add(units(30))}}})
	case 3, 4, 5:
		res := artel.Reserve{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Epoch: lane.Epoch,
			Cap: lane.Cap.Add(units(25)), ValidUntil: d.now + r.Uint64N(50) - 3}
		if r.IntN(10) == 0 {
			res.Epoch++
		}
		return d.pick(0, 8), func(s *stage) chain.Call { return reserves(s.signReserve(signer, res)) }
	case 6, 7, 8, 9:
		n, _ := lane.Paid.Add(units(40)).Uint64()
		return d.pick(0, 8), func(s *stage) chain.Call {
			return s.redeem(s.voucher(k, signer, n), s.voucher(k, signer, n/2), s.voucher(k, signer, n+5))
		}
	case 10:
		if r.IntN(3) == 0 {
			return d.pick(0, 8), same(chain.WithdrawFor{Account: provider.Address()})
		}
		return provider, same(chain.WithdrawEarned{Amount: amount(30)})
	case 11:
		return renter, same(chain.StartRelease{Lanes: refs(k)})
	case 12, 13:
		return d.pick(0, 8), same(chain.Release{Renter: k.Renter, Lanes: refs(k)})
	case 14:
		if r.IntN(3) == 0 {
			return provider, same(chain.Waive{Lanes: []chain.WaiveRef{{Renter: k.Renter, Lane: k.Number}}})
		}
		return d.pick(0, 8), same(chain.SetPayout{To: d.pick(3, 8).Address()})
	case 15:
		return renter, same(chain.RequestExit{Amount: units(60)})
	case 16:
		return renter, same(chain.Exit{To: d.pick(0, 8).Address()})
	case 17:
		until := d.now + d.side[0].params.Delay*uint64(r.IntN(30))
		if r.IntN(4) == 0 {
			until = 0
		}
		return renter, same(chain.SetSigner{Key: hot.Address(), Allowance: units(200), Until: until})
	case 18:
		switch r.IntN(3) {
		case 0:
			return d.pick(0, 5), same(chain.StakeUp{To: provider.Address(), Amount: amount(60)})
		case 1:
			return provider, same(chain.Leave{Amount: units(60)})
		}
		return provider, same(chain.Unstake{})
	}
	if len(d.claims) > 0 && r.IntN(2) == 0 {
		return d.pick(7, 8), same(chain.Claim{At: []uint64{d.claims[r.IntN(len(d.claims))]}})
	}
	return d.lie(renter, provider)
}

// lie draws a proof of equivocation that is sometimes none.
func (d *differ) lie(renter, provider artel.Key) (artel.Key, func(*stage) chain.Call) {
	r := d.rng
	c := chain.ProveEquivocation{
		Lease: artel.Lease{Renter: renter.Address(), Provider: provider.Address(), Start: d.now - 100, End: d.now + r.Uint64N(100),
			Penalty: artel.Units(r.Uint64N(60)), Rule: artel.RuleResult},
		A:        artel.Result{Task: uint64(r.IntN(2)), OutputRoot: artel.Hash{1}, ExitCode: -1},
		B:        artel.Result{Task: uint64(r.IntN(2)), OutputRoot: artel.Hash{byte(1 + r.IntN(3))}, ExitCode: -1},
		Reporter: d.keys[7].Address(),
	}
	by := provider
	if r.IntN(5) == 0 {
		by = d.pick(0, 8)
	}
	return d.pick(0, 8), func(s *stage) chain.Call { return s.signLie(c, renter, provider, by) }
}

// state is all that can be read of a side about the keys in play.
func (d *differ) state(s *stage) map[string]any {
	m := map[string]any{}
	note := func(v any, err error, format string, args ...any) {
		if err != nil {
			d.Fatal(err)
		}
		m[fmt.Sprintf(format, args...)] = v
	}
	for i, a := range d.keys {
		acc, err := s.Ledger.Account(s.ctx, a.Address())
		note(acc, err, "account %d", i)
		st, err := s.Ledger.Stake(s.ctx, a.Address())
		note(st, err, "stake %d", i)
		b, err := s.Ledger.Balance(s.ctx, a.Address())
		note(b, err, "balance %d", i)
	}
	for i := range 3 {
		for j := 3; j < 5; j++ {
			numbers := []uint64{1, 2}
			for h := 5; h < 7; h++ {
				numbers = append(numbers, artel.LaneNumber(d.keys[h].Address(), 1), artel.LaneNumber(d.keys[h].Address(), 2))
			}
			for _, n := range numbers {
				l, err := s.Ledger.Lane(s.ctx, chain.LaneKey{Renter: d.keys[i].Address(), Provider: d.keys[j].Address(), Number: n})
				note(l, err, "lane %d %d %d", i, j, n)
			}
		}
		for h := 5; h < 7; h++ {
			sg, err := s.Ledger.Signer(s.ctx, d.keys[i].Address(), d.keys[h].Address())
			note(sg, err, "signer %d %d", i, h)
		}
	}
	for what, a := range map[string]artel.Address{"ledger": s.params.Ledger, "stake": s.params.Stake, "burnt": {18: 0xde, 19: 0xad}} {
		b, err := s.Ledger.Balance(s.ctx, a)
		note(b, err, "balance of %s", what)
	}
	return m
}

func (d *differ) compare(n int) {
	d.Helper()
	a, b := d.state(d.side[0]), d.state(d.side[1])
	for k := range a {
		if a[k] != b[k] {
			d.Errorf("seed %d, after step %d, %s: %+v and %+v", d.seed, n, k, a[k], b[k])
		}
	}
	if d.Failed() {
		d.FailNow()
	}
}

func (d *differ) events(from [2]chain.Head) {
	d.Helper()
	var facts [2][]chain.Fact
	for i, s := range d.side {
		for _, e := range s.eventsUntil(from[i], s.head().Number, 7) {
			f := e.Fact
			if q, ok := f.(chain.Equivocated); ok {
				q.Lease = artel.Hash{} // differs with the domain
				f = q
			}
			facts[i] = append(facts[i], f)
		}
	}
	if !reflect.DeepEqual(facts[0], facts[1]) {
		for i := range min(len(facts[0]), len(facts[1])) {
			if facts[0][i] != facts[1][i] {
				d.Fatalf("seed %d: event %d: %#v and %#v", d.seed, i, facts[0][i], facts[1][i])
			}
		}
		d.Fatalf("seed %d: %d events and %d", d.seed, len(facts[0]), len(facts[1]))
	}
}
