package chaintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// eventsUntil reads all events after a head, in bites of max, until they reach
// block number to.
func (s *stage) eventsUntil(after chain.Head, to uint64, max int) (all []chain.Event) {
	s.Helper()
	for after.Number < to {
		events, head, err := s.Ledger.Events(s.ctx, after, max)
		if err != nil {
			s.Fatalf("Events after %d: %v", after.Number, err)
		}
		if head.Number < after.Number || head == after && len(events) > 0 {
			s.Fatalf("Events after %d went to %d with %d events", after.Number, head.Number, len(events))
		}
		for _, e := range events {
			if e.Block.Number <= after.Number || e.Block.Number > head.Number {
				s.Fatalf("an event of block %d between %d and %d", e.Block.Number, after.Number, head.Number)
			}
		}
		if len(events) > max {
			if first, last := events[max-1], events[len(events)-1]; first.Block.Number != last.Block.Number {
				s.Errorf("asked for %d events, got %d over several blocks", max, len(events))
			}
		}
		all, after = append(all, events...), head
	}
	return all
}

// story has something of every kind happen and returns what should be told.
func (s *stage) story() (want []chain.Fact, end chain.Outcome) {
	renter, provider := s.Account(s.T, 1000), s.Account(s.T, 500)
	hot := s.Account(s.T, 0)
	k := chain.LaneKey{Renter: renter.Address(), Provider: provider.Address(), Number: artel.LaneNumber(hot.Address(), 1)}
	r, p, u := renter.Address(), provider.Address(), artel.Units

	s.ok(renter, chain.Deposit{To: r, Amount: u(300)})
	s.ok(renter, chain.SetSigner{Key: hot.Address(), Allowance: u(100), Until: 1<<40 - 1})
	s.ok(provider, reserves(s.booking(k, hot, 0, 60)))
	s.ok(renter, raise(k, 80))
	s.ok(provider, s.redeem(s.voucher(k, hot, 25), s.voucher(k, hot, 10), s.voucher(k, hot, 90)))
	s.ok(provider, chain.WithdrawEarned{Amount: u(70)})
	rel := s.ok(renter, chain.StartRelease{Lanes: refs(k)})
	s.ok(renter, raise(k, 95))
	s.ok(provider, chain.Waive{Lanes: []chain.WaiveRef{{Renter: r, Lane: k.Number}}})
	exit := s.ok(renter, chain.RequestExit{Amount: u(50)})
	pay := s.ok(provider, chain.SetPayout{To: hot.Address()})
	s.ok(provider, chain.StakeUp{To: p, Amount: u(400)})
	leave := s.ok(provider, chain.Leave{Amount: u(100)})
	proof := s.lie(renter, provider, 200, hot)
	slash := s.ok(hot, proof)
	id := proof.Lease.ID(s.domain)
	var reason artel.Hash
	copy(reason[:], "equivocation")
	want = []chain.Fact{
		chain.Deposited{Account: r, Amount: u(300)},
		chain.SignerSet{Account: r, Key: hot.Address(), Allowance: u(100), Until: 1<<40 - 1},
		chain.Reserved{Lane: k, Cap: u(60)},
		chain.Reserved{Lane: k, Cap: u(80)},
		chain.Redeemed{Lane: k, Amount: u(25), Cumulative: u(25)},
		chain.Redeemed{Lane: k, Amount: u(55), Cumulative: u(90)},
		chain.Withdrawn{Account: p, To: p, Amount: u(70)},
		chain.Releasing{Lane: k, At: rel.Block.Time + s.params.Delay},
		chain.Reserved{Lane: k, Cap: u(95)},
		chain.Waived{Lane: k, Amount: u(15), Epoch: 1},
		chain.ExitRequested{Account: r, Amount: u(50), At: exit.Block.Time + s.params.Delay},
		chain.PayoutSet{Account: p, To: hot.Address(), At: pay.Block.Time + s.params.Delay},
		chain.Staked{Provider: p, Amount: u(400)},
		chain.Leaving{Provider: p, Amount: u(100), At: leave.Block.Time + s.params.StakeDelay},
		chain.Equivocated{Provider: p, Lease: id, Task: 3, Attempt: 1},
		chain.Slashed{Provider: p, By: hot.Address(), Reason: reason, Burned: u(190), Share: u(10), Reporter: hot.Address()},
		chain.ClaimOpened{Reporter: hot.Address(), At: slash.Block.Time + s.params.StakeDelay, Amount: u(10)},
	}
	end = slash
	if s.Warp != nil {
		s.ok(renter, raise(k, 90))
		s.ok(renter, chain.StartRelease{Lanes: refs(k)})
		at := s.lane(k).ReleaseAt
		s.reach(at)
		s.ok(renter, chain.Release{Renter: r, Lanes: refs(k)})
		want = append(want, chain.Reserved{Lane: k, Cap: u(90), Epoch: 1}, chain.Releasing{Lane: k, At: at},
			chain.Released{Lane: k, Amount: u(10), Epoch: 2})
		xat := func() uint64 { s.ok(renter, chain.RequestExit{Amount: u(50)}); return s.account(renter).ExitAt }()
		s.reach(xat)
		s.ok(renter, chain.Exit{To: hot.Address()})
		want = append(want, chain.ExitRequested{Account: r, Amount: u(50), At: xat}, chain.Exited{Account: r, To: hot.Address(), Amount: u(50)})
		s.ok(provider, chain.Leave{Amount: u(100)})
		lat := s.stake(provider).LeaveAt
		s.reach(lat)
		s.ok(provider, chain.Unstake{})
		end = s.ok(hot, chain.Claim{At: []uint64{slash.Block.Time + s.params.StakeDelay}})
		want = append(want, chain.Leaving{Provider: p, Amount: u(100), At: lat},
			chain.Unstaked{Provider: p, To: hot.Address(), Amount: u(100)}, chain.Claimed{Reporter: hot.Address(), Amount: u(10)})
	}
	return want, end
}

func testEvents(s *stage) {
	start := s.head()
	want, end := s.story()
	all := s.eventsUntil(start, end.Block.Number, 1000)
	var got []chain.Fact
	for i, e := range all {
		got = append(got, e.Fact)
		if i > 0 {
			if p := all[i-1]; e.Block.Number < p.Block.Number || e.Block.Number == p.Block.Number && e.Index <= p.Index {
				s.Errorf("event %d is at %d/%d, the one before at %d/%d", i, e.Block.Number, e.Index, p.Block.Number, p.Index)
			}
		}
		if e.Block.Time == 0 || e.Block.Hash.IsZero() || e.Tx.IsZero() {
			s.Errorf("event %d does not say where it comes from: %+v", i, e)
		}
		b, err := json.Marshal(e)
		if err != nil {
			s.Fatalf("encode event: %v", err)
		}
		var back chain.Event
		if err := json.Unmarshal(b, &back); err != nil || back != e {
			s.Errorf("event %s came back from JSON as %+v, %v", b, back, err)
		}
	}
	if !reflect.DeepEqual(got, want) {
		for i := range max(len(got), len(want)) {
			var g, w chain.Fact
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			if g != w {
				s.Errorf("event %d:\n got %#v\nwant %#v", i, g, w)
			}
		}
	}
	for _, bite := range []int{1, 3} {
		if again := s.eventsUntil(start, end.Block.Number, bite); !reflect.DeepEqual(again, all) {
			s.Errorf("read %d at a time: %d events, want the same %d", bite, len(again), len(all))
		}
	}
	alien := s.head()
	alien.Hash[3] ^= 1
	if _, _, err := s.Ledger.Events(s.ctx, alien, 10); !errors.Is(err, chain.ErrReorg) {
		s.Errorf("Events after a block of another chain: %v, want %v", err, chain.ErrReorg)
	}
}

// Store is an EventStore in memory, whose transactions can be made to fail on
// either side of the commit.
type Store struct {
	mu     sync.Mutex // guards the following
	cursor chain.Head
	events []chain.Event
	// Fail is asked at each ApplyEvents; nil: never fails. A failure "after" is
	// a commit whose answer was lost.
	Fail func() (before, after error)
}

var _ chain.EventStore = (*Store)(nil)

// NewStore returns a store that follows from the given block on.
func NewStore(from chain.Head) *Store { return &Store{cursor: from} }

// Cursor implements chain.EventStore.
func (s *Store) Cursor(context.Context) (chain.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, nil
}

// ApplyEvents implements chain.EventStore.
func (s *Store) ApplyEvents(_ context.Context, events []chain.Event, cursor chain.Head) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var before, after error
	if s.Fail != nil {
		before, after = s.Fail()
	}
	if before != nil {
		return before
	}
	s.events, s.cursor = append(s.events, events...), cursor
	return after
}

// Events returns what was applied.
func (s *Store) Events() []chain.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]chain.Event(nil), s.events...)
}

func testFollower(s *stage) {
	start := s.head()
	store := NewStore(start)
	n := 0
	store.Fail = func() (before, after error) {
		n++
		switch n % 4 {
		case 1:
			return fmt.Errorf("disk full"), nil
		case 3:
			return nil, fmt.Errorf("power cut after the commit")
		}
		return nil, nil
	}
	reached := make(chan chain.Head, 1)
	f := chain.Follower{From: s.Ledger, Into: store, Interval: time.Millisecond, Batch: 2, Applied: func(h chain.Head) {
		select {
		case <-reached:
		default:
		}
		reached <- h
	}}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	want, end := s.story()
	// A commit that counted and was told as failed is applied without a word.
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for h := (chain.Head{}); h.Number < end.Block.Number; {
		select {
		case h = <-reached:
		case <-look.C:
		case err := <-done:
			s.Fatalf("Run ended at block %d: %v", h.Number, err)
		case <-s.ctx.Done():
			s.Fatalf("the follower is at block %d of %d", h.Number, end.Block.Number)
		}
		if cur, _ := store.Cursor(ctx); cur.Number >= end.Block.Number {
			break
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		s.Errorf("Run: %v", err)
	}
	var got []chain.Fact
	for _, e := range store.Events() {
		got = append(got, e.Fact)
	}
	if !reflect.DeepEqual(got, want) {
		s.Errorf("the store holds %d events, want each of %d once and in order\n got %v\nwant %v", len(got), len(want), got, want)
	}
}

func testUnknown(s *stage) {
	a := artel.Address{1, 2, 3}
	k := chain.LaneKey{Renter: a, Provider: a, Number: 1}
	acc, err1 := s.Ledger.Account(s.ctx, a)
	lane, err2 := s.Ledger.Lane(s.ctx, k)
	signer, err3 := s.Ledger.Signer(s.ctx, a, a)
	stake, err4 := s.Ledger.Stake(s.ctx, a)
	balance, err5 := s.Ledger.Balance(s.ctx, a)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		s.Fatal(err)
	}
	if acc != (chain.Account{}) || lane != (chain.Lane{}) || signer != (chain.Signer{}) || stake != (chain.Stake{}) || !balance.IsZero() {
		s.Errorf("an address never heard of has something: %+v %+v %+v %+v %s", acc, lane, signer, stake, balance)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.Ledger.Head(ctx); !errors.Is(err, context.Canceled) {
		s.Errorf("Head with a dead context: %v", err)
	}
}
