package provider

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// steady is a Runner whose tasks never end, and have a checkpoint confirmed every ten
// seconds; and before they leave, if they can.
type steady struct {
	works
	key, keeper artel.Key
	domain      artel.Domain
	late        bool // the last one is not confirmed
	errs        chan error
}

func (r *steady) Run(ctx context.Context, _ artel.NodeID, id artel.Hash, _ artel.Terms, x lease.Running, c Course) lease.Finish {
	began := time.Now()
	generation := uint64(0)
	saved := func() artel.Saved {
		generation++
		return artel.Saved{
			Lease: id, Number: x.Task, Attempt: x.Attempt, Task: artel.Hash{42}, Kind: artel.CheckpointFiles, Generation: generation, Root: program,
			Wall: uint64(time.Since(began).Milliseconds()),
		}
	}
	keep := func() artel.Saved {
		s := saved()
		k := artel.Kept{Saved: s.Digest(r.domain), Until: 1 << 39}
		k.Signature = r.keeper.Sign(k.Digest(r.domain))
		if err := c.Kept(Kept{Saved: s, Signature: r.key.Sign(s.Digest(r.domain)), By: []artel.Kept{k}, Message: "said"}); err != nil {
			r.errs <- err
		}
		return s
	}
	var last artel.Saved
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if x.Keep != nil {
				last = keep()
			}
		case d := <-c.Drain:
			f := lease.Finish{Reason: d.Reason, Message: d.Message, Billed: true}
			switch {
			case r.late:
				core.Every(ctx, d.Within)
				f.Reason = artel.ReasonEvicted
			default:
				last = keep()
			}
			f.Usage.Wall = last.Wall
			return f
		case <-ctx.Done():
			return lease.Finish{Reason: artel.ReasonCancelled, Billed: true, Usage: artel.Usage{Wall: uint64(time.Since(began).Milliseconds())}}
		}
	}
}

// kept makes a lease that pays by checkpoints, and starts a task on it.
func (b *bench) kept(r *steady) (artel.Hash, *draft) {
	b.t.Helper()
	r.key, r.keeper, r.domain, r.errs = b.c.Key, testKey(b.t, 55), b.c.Params.Domain(), make(chan error, 100)
	s := artel.Survival{Kind: artel.CheckpointFiles, Min: 1000, Max: 10_000, Keepers: 1}
	d := b.good(1)
	d.lease.Rule, d.terms.Risk = artel.RuleCheckpoint, s.Risk()
	id, err := b.propose(d)
	if err != nil {
		b.t.Fatal(err)
	}
	keep := &artel.Keeping{Survival: s, Task: artel.Hash{42}, Keepers: []artel.Keeper{{Node: r.keeper.NodeID()}}, Grant: artel.Grant{
		Network: testNetwork, Task: artel.Hash{42}, Try: 1, Saver: b.c.Key.NodeID(), Bytes: 1 << 20, Expires: 1 << 39,
	}}
	keep.Grant.Signature = b.renter.Sign(keep.Grant.Digest())
	resp, err := b.start(b.host, id, wire.Start{Task: 4, Attempt: 1, Spec: taskSpec(), Keep: keep})
	if err != nil || len(resp.Refused) > 0 {
		b.t.Fatalf("refused: %+v, %v", resp.Refused, err)
	}
	return id, d
}

func (b *bench) watch(h *mem.Host, id artel.Hash, after, done uint64) wire.WatchResponse {
	b.t.Helper()
	raw, err := b.call(h, wire.MethodWatch, wire.WatchRequest{Lease: id, After: after, Done: done}.Marshal())
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := wire.UnmarshalWatchResponse(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp
}

func TestSegmentsAreEvents(t *testing.T) {
	r := &steady{}
	onBenchWith(t, benchPolicy, r, func(t *testing.T, b *bench) {
		id, d := b.kept(r)
		time.Sleep(25 * time.Second)
		resp := b.watch(b.host, id, 0, 0)
		if len(resp.Events) != 2 || len(resp.Running) != 1 {
			t.Fatalf("%d events while %d run", len(resp.Events), len(resp.Running))
		}
		var due [2]artel.Amount
		for i, e := range resp.Events {
			if e.Segment == nil || e.Receipt != nil || e.Seq != uint64(i+1) || e.Task != 4 || e.Attempt != 1 || e.Message != "said" {
				t.Fatalf("event %+v", e)
			}
			if _, err := e.Segment.Check(r.domain, b.c.Key.NodeID(), []artel.Keeper{{Node: r.keeper.NodeID()}}, 1); err != nil {
				t.Error(err)
			}
			due[i] = e.Segment.Due
		}
		if due[1].Sub(due[0]) != artel.Units(900) { // ten seconds less a tenth, for 100 units each
			t.Errorf("%s units are due, and then %s", due[0], due[1])
		}
		store := b.c.Store.(*heap)
		rows := 0
		for _, c := range store.saved {
			rows += len(c.Events)
		}
		if rows != 2 {
			t.Errorf("%d events were stored", rows)
		}
		// What is done with stays until it is paid, and its end is not settled by it.
		if resp := b.watch(b.host, id, 0, 2); len(resp.Events) != 2 {
			t.Errorf("%d events are left before they are paid", len(resp.Events))
		}
		if _, err := b.voucher(b.host, id, b.signed(b.renter, artel.Voucher{Renter: d.lease.Renter, Provider: d.lease.Provider, Lane: d.lease.Lane, Cumulative: due[0]})); err != nil {
			t.Fatal(err)
		}
		if resp := b.watch(b.host, id, 0, 2); len(resp.Events) != 1 || resp.Events[0].Seq != 2 {
			t.Errorf("left are %+v", resp.Events)
		}
		b.do(t.Context(), func(*tx) {
			if s := b.leases[id]; s.Floor != 0 || s.ended()[lease.TaskKey{Task: 4, Attempt: 1}] || len(s.Delivered) != 1 {
				t.Errorf("floor %d, ended %v, %d to be paid", s.Floor, s.ended(), len(s.Delivered))
			}
		})
		if !b.Drain(t.Context(), artel.ReasonDrained, "the owner is back", time.Minute) {
			t.Fatal("it was not drained")
		}
		if b.Settled(t.Context()) {
			t.Error("it is settled before its renter was told")
		}
		resp = b.watch(b.host, id, 2, 0)
		if len(resp.Events) != 2 || len(resp.Running) != 0 || resp.Stopping != artel.ReasonDrained {
			t.Fatalf("after the drain: %+v", resp)
		}
		seg, end := resp.Events[0].Segment, resp.Events[1].Receipt
		if seg == nil || end == nil || end.Reason != artel.ReasonDrained || end.Last != seg.Saved.Root || end.Usage.Wall != seg.Saved.Wall || end.Message != "the owner is back" {
			t.Errorf("at last: %+v, %+v", seg, end)
		}
		// The receipt owes the last tenth.
		if got, want := end.Due.Sub(seg.Due), artel.Cost(d.terms.Price, seg.Saved.Wall-artel.Earned(seg.Saved.Wall)); got.Cmp(want) > 0 || want.Sub(got).Cmp(artel.Units(1)) > 0 {
			t.Errorf("the receipt owes %s units more, want %s", got, want)
		}
		if b.Settled(t.Context()) {
			t.Error("it is settled before it is paid")
		}
		if _, err := b.voucher(b.host, id, b.signed(b.renter, artel.Voucher{Renter: d.lease.Renter, Provider: d.lease.Provider, Lane: d.lease.Lane, Cumulative: end.Due})); err != nil {
			t.Fatal(err)
		}
		if !b.Settled(t.Context()) {
			t.Error("it is not settled although it is paid")
		}
		select {
		case err := <-r.errs:
			t.Error(err)
		default:
		}
	})
}

func TestDrain(t *testing.T) {
	end := func(t *testing.T, b *bench, id artel.Hash) wire.Event {
		t.Helper()
		resp := b.watch(b.host, id, 0, 0)
		e := resp.Events[len(resp.Events)-1]
		if e.Segment != nil || len(resp.Running) != 0 {
			t.Fatalf("it has not ended: %+v", resp)
		}
		return e
	}
	t.Run("not confirmed in time", func(t *testing.T) {
		r := &steady{late: true}
		onBenchWith(t, benchPolicy, r, func(t *testing.T, b *bench) {
			id, _ := b.kept(r)
			time.Sleep(15 * time.Second)
			began := time.Now()
			if !b.Drain(t.Context(), artel.ReasonDrained, "the owner is back", 2*time.Second) {
				t.Fatal("it was not drained")
			}
			if e := end(t, b, id); e.Receipt == nil || e.Receipt.Reason != artel.ReasonEvicted || e.Receipt.Usage.Wall != 10_000 {
				t.Errorf("it ended as %+v, %+v after %v", e, e.Receipt, time.Since(began))
			}
		})
	})
	t.Run("evicted", func(t *testing.T) {
		r := &steady{}
		onBenchWith(t, benchPolicy, r, func(t *testing.T, b *bench) {
			id, _ := b.kept(r)
			time.Sleep(15 * time.Second)
			if !b.Drain(t.Context(), artel.ReasonEvicted, "memory is short", 0) {
				t.Fatal("it was not drained")
			}
			if e := end(t, b, id); e.Receipt == nil || e.Receipt.Reason != artel.ReasonEvicted || e.Receipt.Usage.Wall != 10_000 || e.Receipt.Message != "memory is short" {
				t.Errorf("it ended as %+v, %+v", e, e.Receipt)
			}
		})
	})
	t.Run("without checkpoints", func(t *testing.T) {
		onBenchWith(t, benchPolicy, &steady{}, func(t *testing.T, b *bench) {
			id, _ := b.opened()
			if _, err := b.start(b.host, id, wire.Start{Task: 4, Attempt: 1, Spec: taskSpec()}, wire.Start{Task: 5, Attempt: 1, Spec: taskSpec()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if !b.Drain(t.Context(), artel.ReasonDrained, "the owner is back", time.Minute) {
				t.Fatal("it was not drained")
			}
			resp := b.watch(b.host, id, 0, 0)
			if len(resp.Events) != 2 || len(resp.Running) != 0 {
				t.Fatalf("%+v", resp)
			}
			for _, e := range resp.Events { // one ran, one waited
				if e.Receipt != nil || e.Reason != artel.ReasonEvicted || !strings.Contains(e.Message, "owner") {
					t.Errorf("it ended as %+v", e)
				}
			}
		})
	})
	t.Run("for good", func(t *testing.T) {
		r := &steady{}
		onBenchWith(t, benchPolicy, r, func(t *testing.T, b *bench) {
			id, _ := b.kept(r)
			d := b.good(2)
			other, err := b.propose(d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.start(b.host, other, wire.Start{Task: 4, Attempt: 1, Spec: taskSpec()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(15 * time.Second)
			b.LeaveKept(t.Context())
			time.Sleep(time.Second)
			if e := end(t, b, id); e.Receipt == nil || e.Receipt.Reason != artel.ReasonDrained {
				t.Errorf("it ended as %+v, %+v", e, e.Receipt)
			}
			if resp := b.watch(b.host, other, 0, 0); len(resp.Running) != 1 || resp.Stopping != "" {
				t.Errorf("what has no checkpoints: %+v", resp)
			}
			b.EndAll(t.Context())
			time.Sleep(time.Second)
			if e := end(t, b, other); e.Receipt != nil || e.Reason != artel.ReasonEvicted {
				t.Errorf("it ended as %+v, %+v", e, e.Receipt)
			}
		})
	})
	t.Run("cancelled by its renter", func(t *testing.T) {
		r := &steady{}
		onBenchWith(t, benchPolicy, r, func(t *testing.T, b *bench) {
			id, _ := b.kept(r)
			time.Sleep(15 * time.Second)
			if err := b.close(b.host, id); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if e := end(t, b, id); e.Receipt == nil || e.Receipt.Reason != artel.ReasonCancelled || e.Receipt.Usage.Wall < 15_000 {
				t.Errorf("it ended as %+v, %+v", e, e.Receipt)
			}
		})
	})
}

// stocked is a store with a past.
type stocked struct {
	heap
	State
}

func (s *stocked) Load(context.Context) (State, error) { return s.State, nil }

// takesUp is a Runner that goes on with all that ran.
type takesUp struct {
	works
	began *[]Ran
	ran   chan lease.Running
}

func (r takesUp) Begin(_ context.Context, before []Ran) (goOn []Attempt) {
	*r.began = before
	for _, a := range before {
		goOn = append(goOn, a.Attempt)
	}
	return goOn
}

func (r takesUp) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, x lease.Running, _ Course) lease.Finish {
	r.ran <- x
	<-ctx.Done()
	return lease.Finish{}
}

// TestLoadSegments: after a restart what is due for checkpoints is as it was, and what
// runs knows its last one.
func TestLoadSegments(t *testing.T) {
	saved := artel.Saved{Generation: 3, Root: program, Wall: 7}
	running := lease.Running{TaskKey: lease.TaskKey{Task: 4, Attempt: 1}, Started: 5, Saved: &saved, Keep: &artel.Keeping{Task: artel.Hash{42}}}
	l := artel.Lease{Renter: artel.Address{1}, Provider: artel.Address{2}, Lane: 3}
	k := lease.KeyOf(l)
	event := func(seq, due uint64) EventRow {
		return EventRow{Lease: artel.Hash{9}, Event: wire.Event{Seq: seq, Task: 4, Attempt: 1, Segment: &artel.Segment{Saved: saved, Due: artel.Units(due)}}}
	}
	store := &stocked{State: State{
		Lanes:  []LaneRow{{Book: lease.Book{Key: k, Voucher: artel.Units(10)}}},
		Leases: []LeaseRow{{Sold: lease.Sold{ID: artel.Hash{9}, Lease: l, Phase: lease.Open, Running: []lease.Running{running}}}},
		Events: []EventRow{event(1, 10), event(2, 20)},
	}}
	var began []Ran
	r := takesUp{began: &began, ran: make(chan lease.Running, 1)}
	p := New(Config{Key: testKey(t, 9), Store: store, Runner: r, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.load(ctx); err != nil {
		t.Fatal(err)
	}
	s := p.leases[artel.Hash{9}]
	if len(s.events) != 2 || len(s.Delivered) != 1 || s.Delivered[0].Due != artel.Units(20) {
		t.Errorf("%d events, to be paid: %+v", len(s.events), s.Delivered)
	}
	if want := []Ran{{Attempt{artel.Hash{9}, running.TaskKey}, program}}; !slices.Equal(began, want) {
		t.Errorf("began with %+v", began)
	}
	if x := <-r.ran; x.Saved == nil || *x.Saved != saved || x.Keep == nil || x.SafeAt == 0 {
		t.Errorf("it goes on as %+v", x)
	}
	cancel()
}

// asksAgain is a Runner that goes on with all that ran and notes how it is ended.
type asksAgain struct {
	takesUp
	drained chan Drain
	killed  chan lease.TaskKey
}

func (r asksAgain) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, x lease.Running, c Course) lease.Finish {
	select {
	case d := <-c.Drain:
		r.drained <- d
	case <-ctx.Done():
		r.killed <- x.TaskKey
	}
	return lease.Finish{}
}

// TestEndsAgain: what was to leave, or to be ended, when the daemon died is ended so when
// another one goes on with it.
func TestEndsAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    artel.Rule
		keep    bool
		stop    artel.Reason
		drained artel.Reason // empty: it is killed
	}{
		{"files, drained", artel.RuleCheckpoint, true, artel.ReasonDrained, artel.ReasonDrained},
		{"files, cancelled", artel.RuleCheckpoint, true, artel.ReasonCancelled, ""},
		{"service, drained", artel.RuleTime, false, artel.ReasonDrained, artel.ReasonDrained},
		{"service, cancelled", artel.RuleTime, false, artel.ReasonCancelled, artel.ReasonCancelled},
		{"service, evicted", artel.RuleTime, false, artel.ReasonEvicted, ""},
		{"task, expired", artel.RuleResult, false, artel.ReasonExpired, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			running := lease.Running{TaskKey: lease.TaskKey{Task: 4, Attempt: 1}, Started: 5}
			if c.keep {
				running.Keep = &artel.Keeping{Task: artel.Hash{42}}
			}
			l := artel.Lease{Renter: artel.Address{1}, Provider: artel.Address{2}, Lane: 3, Rule: c.rule}
			store := &stocked{State: State{
				Lanes:  []LaneRow{{Book: lease.Book{Key: lease.KeyOf(l)}}},
				Leases: []LeaseRow{{Sold: lease.Sold{ID: artel.Hash{9}, Lease: l, Phase: lease.Ending, Stop: c.stop, Message: "so", Running: []lease.Running{running}}}},
			}}
			var began []Ran
			r := asksAgain{takesUp{began: &began}, make(chan Drain, 1), make(chan lease.TaskKey, 1)}
			p := New(Config{Key: testKey(t, 9), Store: store, Runner: r, Log: slog.New(slog.DiscardHandler)})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := p.load(ctx); err != nil {
				t.Fatal(err)
			}
			select {
			case d := <-r.drained:
				if d.Reason != c.drained {
					t.Errorf("it is drained as %+v, want %q", d, c.drained)
				}
			case <-r.killed:
				if c.drained != "" {
					t.Error("it is killed")
				}
			case <-time.After(patience):
				t.Error("it goes on")
			}
		})
	}
}
