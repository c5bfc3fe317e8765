package fake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/chaintest"
	"github.com/artel-network/artel/chain/fake"
)

func key(t *testing.T, n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 30), 1, n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestConformance(t *testing.T) {
	chaintest.Run(t, fakeWorld(t))
}

// fakeWorld returns a world in memory whose time stands still unless warped.
func fakeWorld(t *testing.T) chaintest.World {
	t.Helper()
	faucet := chaintest.NewKey(t)
	clock := fake.NewClock(time.Unix(1_900_000_000, 0))
	c := fake.New(fake.Options{Now: clock.Now, Balances: map[artel.Address]artel.Amount{faucet.Address(): artel.Units(1 << 60)}})
	l := c.Client()
	return chaintest.World{
		Ledger: l,
		Fund: func(t *testing.T, k artel.Key, tokens uint64) {
			t.Helper()
			if tokens == 0 {
				return
			}
			tx := chain.Tx{ID: "faucet/" + k.Address().String(), From: faucet.Address(), Call: chain.TransferToken{To: k.Address(), Amount: artel.Units(tokens)}}
			if err := l.Submit(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
		},
		Warp: func(_ *testing.T, seconds uint64) { clock.Advance(time.Duration(seconds) * time.Second) },
	}
}

func TestOutageAndInclusion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := key(t, 1), key(t, 2)
		c := fake.New(fake.Options{
			Inclusion: 3 * time.Second,
			Balances:  map[artel.Address]artel.Amount{a.Address(): artel.Units(100)},
		})
		near, far := c.Client(), c.Client()
		ctx := t.Context()
		deposit := chain.Tx{ID: "d", From: a.Address(), Call: chain.Deposit{To: b.Address(), Amount: artel.Units(30)}}

		far.SetReachable(false)
		if _, err := far.Head(ctx); !errors.Is(err, chain.ErrUnreachable) {
			t.Errorf("Head while away: %v", err)
		}
		if err := far.Submit(ctx, deposit); err != nil {
			t.Fatalf("Submit while away: %v", err)
		}
		time.Sleep(time.Hour)
		if o, err := far.Outcome(ctx, "d"); err != nil || o.State != chain.Pending || o.Note == "" {
			t.Errorf("Outcome while away: %+v, %v", o, err)
		}
		if _, err := near.Outcome(ctx, "d"); !errors.Is(err, chain.ErrUnknownTx) {
			t.Errorf("the chain knows a call that never reached it: %v", err)
		}
		go func() {
			time.Sleep(time.Minute)
			far.SetReachable(true)
		}()
		start := time.Now()
		if o, err := far.Wait(ctx, "d"); err != nil || o.State != chain.Done {
			t.Fatalf("Wait across the outage: %+v, %v", o, err)
		}
		if took := time.Since(start); took != 63*time.Second {
			t.Errorf("it took %s, want the outage and the inclusion time, 1m3s", took)
		}
		if err := near.Submit(ctx, deposit); err != nil { // the same call from elsewhere
			t.Error(err)
		}
		if acc, err := near.Account(ctx, b.Address()); err != nil || acc.Deposit != artel.Units(30) {
			t.Errorf("Account: %+v, %v", acc, err)
		}
		if got := c.Totals(); got.Deposits != artel.Units(30) || got.InLedger != artel.Units(30) || got.Outside != artel.Units(70) {
			t.Errorf("Totals: %+v", got)
		}

		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := near.Submit(ctx, chain.Tx{ID: "e", From: a.Address(), Call: chain.RequestExit{}}); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Wait(short, "e"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait with a short deadline: %v", err)
		}
	})
}

func BenchmarkRedeem100(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r, err := artel.KeyFromBytes(append(make([]byte, 31), 1))
		if err != nil {
			b.Fatal(err)
		}
		c := fake.New(fake.Options{Balances: map[artel.Address]artel.Amount{r.Address(): artel.Units(1000)}})
		l, ctx := c.Client(), b.Context()
		p := artel.Address{1}
		params, _ := l.Params(ctx)
		book := chain.ReserveLanes{}
		redeem := chain.Redeem{Provider: p}
		for i := range uint64(100) {
			book.Lanes = append(book.Lanes, chain.LaneCap{Provider: p, Lane: i, Cap: artel.Units(5)})
			v := artel.Voucher{Renter: r.Address(), Provider: p, Lane: i, Cumulative: artel.Units(5)}
			redeem.Vouchers = append(redeem.Vouchers, chain.SignedVoucher{Voucher: v, Sig: r.Sign(v.Digest(params.Domain()))})
		}
		for id, call := range map[string]chain.Call{"a": chain.Deposit{To: r.Address(), Amount: artel.Units(1000)}} {
			if err := l.Submit(ctx, chain.Tx{ID: id, From: r.Address(), Call: call}); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Submit(ctx, chain.Tx{ID: "b", From: r.Address(), Call: book}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := l.Submit(ctx, chain.Tx{ID: "c", From: r.Address(), Call: redeem}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if acc, _ := l.Account(ctx, p); acc.Earned != artel.Units(500) {
			b.Fatalf("earned %s", acc.Earned)
		}
		b.StartTimer()
	}
}
