package fake

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

func testKey(t *testing.T, n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestWornOutLane: nobody waives 16 million times in a test, so the last epoch
// is put there.
func TestWornOutLane(t *testing.T) {
	r, p := testKey(t, 1).Address(), testKey(t, 2).Address()
	c := New(Options{Balances: map[artel.Address]artel.Amount{r: artel.Units(100)}})
	l := c.Client()
	k := chain.LaneKey{Renter: r, Provider: p, Number: 7}
	c.state.lanes[k] = chain.Lane{Cap: artel.Units(10), Paid: artel.Units(4), Epoch: lastEpoch}
	c.state.balances[c.params.Ledger] = artel.Units(6)
	n := 0
	do := func(from artel.Address, call chain.Call) error {
		n++
		id := fmt.Sprint(n)
		if err := l.Submit(t.Context(), chain.Tx{ID: id, From: from, Call: call}); err != nil {
			t.Fatal(err)
		}
		o, err := l.Wait(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return o.Err()
	}
	if err := do(r, chain.Deposit{To: r, Amount: artel.Units(50)}); err != nil {
		t.Fatal(err)
	}
	raise := chain.ReserveLanes{Lanes: []chain.LaneCap{{Provider: p, Lane: 7, Cap: artel.Units(20)}}}
	if err := do(r, raise); !errors.Is(err, chain.ErrWornOut) {
		t.Errorf("raise in the last epoch: %v, want %v", err, chain.ErrWornOut)
	}
	if err := do(p, chain.Waive{Lanes: []chain.WaiveRef{{Renter: r, Lane: 7}}}); err != nil {
		t.Errorf("money must come back in the last epoch too: %v", err)
	}
	if got := c.state.lanes[k]; got.Cap != artel.Units(4) || got.Epoch != lastEpoch {
		t.Errorf("lane after the waiver: %+v", got)
	}
}

// TestManyNodes has many nodes act at once; money is neither made nor lost.
func TestManyNodes(t *testing.T) {
	const nodes, rounds = 30, 10
	clock := NewClock(time.Unix(2_000_000_000, 0))
	balances := map[artel.Address]artel.Amount{}
	for i := range nodes {
		balances[testKey(t, byte(i+1)).Address()] = artel.Units(1000)
	}
	c := New(Options{Balances: balances, Now: clock.Now})
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			l, me, peer := c.Client(), testKey(t, byte(i+1)), testKey(t, byte((i+1)%nodes+1)).Address()
			params, _ := l.Params(t.Context())
			var cursor chain.Head
			for r := range uint64(rounds) {
				l.SetReachable(r%3 != 0)
				v := artel.Voucher{Renter: me.Address(), Provider: peer, Lane: 1, Cumulative: artel.Units(3 * (r + 1))}
				for j, call := range []chain.Call{
					chain.Deposit{To: me.Address(), Amount: artel.Units(10)},
					chain.ReserveLanes{Lanes: []chain.LaneCap{{Provider: peer, Lane: 1, Cap: artel.Units(5 * (r + 1))}}},
					chain.Redeem{Provider: peer, Vouchers: []chain.SignedVoucher{{Voucher: v, Sig: me.Sign(v.Digest(params.Domain()))}}},
				} {
					if err := l.Submit(t.Context(), chain.Tx{ID: fmt.Sprint(i, r, j), From: me.Address(), Call: call}); err != nil {
						t.Error(err)
					}
				}
				clock.Advance(time.Second)
				l.SetReachable(true)
				_, head, err := l.Events(t.Context(), cursor, 10)
				if err != nil || head.Number < cursor.Number {
					t.Errorf("Events after %d: %d, %v", cursor.Number, head.Number, err)
				}
				cursor = head
			}
		})
	}
	wg.Wait()
	got := c.Totals()
	if got.Deposits != artel.Units(nodes*rounds*5) || got.Booked != artel.Units(nodes*rounds*2) || got.Earned != artel.Units(nodes*rounds*3) {
		t.Errorf("Totals: %+v", got)
	}
	if got.InLedger != got.Deposits.Add(got.Booked).Add(got.Earned) || got.InLedger.Add(got.Outside) != artel.Units(nodes*1000) {
		t.Errorf("money was made or lost: %+v", got)
	}
}
