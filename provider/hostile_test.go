package provider

import (
	"context"
	"log/slog"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

func testKey(t *testing.T, n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// heap is a store that remembers what it was asked to keep.
type heap struct{ saved []Change }

func (h *heap) Load(context.Context) (State, error)    { return State{}, nil }
func (h *heap) Save(_ context.Context, c Change) error { h.saved = append(h.saved, c); return nil }

// Lane numbers cost nothing: what a renter owes on one counts on all.
func TestDebtsFollowTheRenter(t *testing.T) {
	p := New(Config{Policy: Policy{MaxUnpaid: artel.Units(100)}})
	thief, other := artel.Address{1}, artel.Address{2}
	book := func(renter artel.Address, number, due, voucher, limit, paid uint64) {
		k := lease.Key{Renter: renter, Number: number}
		p.lanes[k] = &lease.Book{
			Key: k, Accrued: artel.AccrualOf(artel.Units(due)), Voucher: artel.Units(voucher), Cap: artel.Units(limit), Paid: artel.Units(paid),
		}
	}
	book(thief, 1, 60, 0, 0, 0)    // never paid
	book(thief, 2, 70, 70, 10, 10) // paid with a voucher that nobody booked
	book(thief, 3, 500, 0, 0, 0)   // the lane of the lease to be made: accept looks at it itself
	book(thief, 4, 500, 0, 0, 0)   // still open: its own MaxUnpaid bounds it
	p.open[lease.Key{Renter: thief, Number: 4}] = artel.Hash{1}
	book(other, 1, 60, 0, 0, 0)
	for _, c := range []struct {
		renter      artel.Address
		owed, limit uint64
	}{{thief, 120, 101}, {other, 60, 100}, {artel.Address{3}, 0, 100}} {
		owed, limit := p.owes(lease.Key{Renter: c.renter, Number: 3})
		if owed != artel.Units(c.owed) || limit != artel.Units(c.limit) {
			t.Errorf("%s owes %s of at most %s, want %d of %d", c.renter, owed, limit, c.owed, c.limit)
		}
	}
}

// Everybody may speak for his own address; what strangers say must not pile up
// in memory and in the database.
func TestStrangersGenerationsAreNotKept(t *testing.T) {
	store := &heap{}
	p := New(Config{Key: testKey(t, 9), Params: chain.Params{ChainID: 1}, Store: store, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			select {
			case o := <-p.inbox:
				if err := p.round(ctx, o); err != nil {
					t.Error(err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	customer := testKey(t, 1)
	k := lease.Key{Renter: customer.Address(), Number: artel.LaneNumber(customer.Address(), 1)}
	p.do(ctx, func(*tx) { p.lanes[k] = &lease.Book{Key: k} })
	for n := byte(1); n <= 5; n++ {
		key := testKey(t, n)
		req := wire.RecoverRequest{Renter: key.Address(), Node: key.NodeID(), Generation: 7}
		req.Signature = key.Sign(wire.RecoverDigest(p.c.Network, req))
		if _, err := p.recover(ctx, key.NodeID(), req.Marshal()); err != nil {
			t.Fatal(err)
		}
	}
	p.do(ctx, func(*tx) {
		if len(p.gens) != 1 || p.gens[customer.Address()] != 7 {
			t.Errorf("generations %v, want the customer's alone", p.gens)
		}
	})
	if len(store.saved) != 1 {
		t.Errorf("%d transactions were stored, want 1", len(store.saved))
	}
}

// An op whose caller has gone does not run beside what the caller does next.
func TestDoNeverRunsBehindItsCaller(t *testing.T) {
	p := New(Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	for p.do(ctx, func(*tx) { ran = true }) || len(p.inbox) == 0 {
		// select may see ctx before the inbox has taken the op
	}
	if err := p.round(t.Context(), <-p.inbox); err != nil || ran {
		t.Errorf("ran %t, error %v", ran, err)
	}
}
