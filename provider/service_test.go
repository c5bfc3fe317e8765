package provider

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/wire"
)

// serves is a Runner of programs that listen on port 80 until they are ended.
type serves struct {
	works
	mu    sync.Mutex
	began map[lease.TaskKey]time.Time
	open  bool // its connections stay open
}

func (s *serves) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, r lease.Running, c Course) lease.Finish {
	s.mu.Lock()
	s.began[r.TaskKey] = time.Now()
	s.mu.Unlock()
	c.Phase(phaseRunning)
	f := lease.Finish{Reason: artel.ReasonCancelled, Billed: true}
	select {
	case <-ctx.Done():
	case d := <-c.Drain:
		f.Reason, f.Message = d.Reason, d.Message
	}
	f.Usage.Wall = s.wall(r.TaskKey)
	return f
}

func (s *serves) wall(k lease.TaskKey) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(time.Since(s.began[k]).Milliseconds())
}

func (s *serves) Live(_ artel.Hash, k lease.TaskKey) (sandbox.Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.began[k]
	return served{s: s, k: k}, ok
}

type served struct {
	sandbox.Interactive
	s *serves
	k lease.TaskKey
}

func (s served) Dial(_ context.Context, port uint16) (net.Conn, error) {
	if port != 80 {
		return nil, syscall.ECONNREFUSED
	}
	here, there := net.Pipe()
	if !s.s.open {
		there.Close()
	}
	return here, nil
}

func (s served) Usage(context.Context) (sandbox.Usage, error) {
	return sandbox.Usage{WallMillis: int64(s.s.wall(s.k))}, nil
}

// service opens a lease for a service and begins it.
func (b *bench) service() artel.Hash {
	b.t.Helper()
	d := b.good(1)
	d.lease.Rule, d.terms.Risk, d.terms.Unit, d.terms.Image = artel.RuleTime, 16_000, artel.ServiceWall, artel.Hash{7}
	id, err := b.propose(d)
	if err != nil {
		b.t.Fatal(err)
	}
	spec := artel.TaskSpec{Box: artel.Box{Image: artel.Hash{7}}, Wall: artel.ServiceWall}
	if resp, err := b.start(b.host, id, wire.Start{Task: 1, Attempt: 1, Spec: spec}); err != nil || len(resp.Refused) > 0 {
		b.t.Fatalf("start: %+v, %v", resp.Refused, err)
	}
	time.Sleep(time.Millisecond)
	return id
}

// check visits a port and returns the first frame of the answer.
func (b *bench) check(h *mem.Host, id artel.Hash, kind wire.VisitKind, port uint32) wire.Frame {
	b.t.Helper()
	s, err := h.OpenStream(b.t.Context(), b.c.Key.NodeID(), wire.ProtocolVisit)
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Reset()
	v := wire.Visit{Lease: id, TaskKey: wire.TaskKey{Task: 1, Attempt: 1}, Kind: kind, Port: port}
	if err := wire.WriteFrame(s, wire.FrameOpen, v.Marshal()); err != nil {
		b.t.Fatal(err)
	}
	f, _, err := wire.ReadFrame(s, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it is noted after it was told
	return f
}

func (b *bench) events(id artel.Hash) []wire.Event {
	b.t.Helper()
	raw, err := b.call(b.host, wire.MethodWatch, wire.WatchRequest{Lease: id}.Marshal())
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := wire.UnmarshalWatchResponse(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.Events
}

// Checks that the program answers earn their time, and nothing else does: not a dial,
// not a port that is shut, not a stranger's check.
func TestChecksArePaid(t *testing.T) {
	onBenchWith(t, benchPolicy, &serves{began: map[lease.TaskKey]time.Time{}}, func(t *testing.T, b *bench) {
		id := b.service()
		time.Sleep(10 * time.Second)
		for _, c := range []struct {
			h    *mem.Host
			kind wire.VisitKind
			port uint32
			want wire.Frame
		}{
			{b.host, wire.VisitDial, 80, wire.FrameOpened}, {b.host, wire.VisitCheck, 81, wire.FrameError}, {b.theirs, wire.VisitCheck, 80, wire.FrameError},
		} {
			if f := b.check(c.h, id, c.kind, c.port); f != c.want {
				t.Errorf("visit of kind %d to port %d: frame %d, want %d", c.kind, c.port, f, c.want)
			}
		}
		if es := b.events(id); len(es) > 0 {
			t.Fatalf("it is paid for %+v", es)
		}
		var last *artel.Slice
		for n := range 3 {
			if f := b.check(b.host, id, wire.VisitCheck, 80); f != wire.FrameOpened {
				t.Fatalf("check %d: frame %d", n, f)
			}
			es := b.events(id)
			if len(es) != n+1 || es[n].Slice == nil || es[n].Task != 1 {
				t.Fatalf("after check %d: %+v", n, es)
			}
			last = es[n].Slice
			time.Sleep(10 * time.Second)
		}
		if want := artel.Cost(benchPolicy.Price, last.Earned+last.Idle); last.Earned < 30_000 || last.Earned > 31_000 || last.Due != want {
			t.Errorf("%d ms are due with %s units, want %s", last.Earned, last.Due, want)
		}
	})
}

// grateful is a Runner of services that take their time to end when they are told to.
type grateful struct {
	serves
	takes time.Duration
	told  chan Drain
}

func (g *grateful) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, r lease.Running, c Course) lease.Finish {
	g.mu.Lock()
	g.began[r.TaskKey] = time.Now()
	g.mu.Unlock()
	c.Phase(phaseRunning)
	f := lease.Finish{Exit: -1, Reason: artel.ReasonCancelled, Billed: true}
	select {
	case <-ctx.Done():
	case d := <-c.Drain:
		g.told <- d
		f.Reason, f.Message = d.Reason, d.Message
		select {
		case <-ctx.Done():
			f.Reason = artel.ReasonCancelled
		case <-time.After(g.takes):
		}
	}
	f.Usage.Wall = g.wall(r.TaskKey)
	return f
}

// TestServiceIsEnded: a service that its renter ends is told so and has ten seconds; it is
// paid for them. One that has to be gone for its owner has none.
func TestServiceIsEnded(t *testing.T) {
	for _, c := range []struct {
		name  string
		takes time.Duration
		end   func(t *testing.T, b *bench, id artel.Hash)
		why   artel.Reason
		told  bool
		after time.Duration // at most
	}{
		{"cancelled", 3 * time.Second, func(t *testing.T, b *bench, id artel.Hash) { b.cancelService(t, id) }, artel.ReasonCancelled, true, 4 * time.Second},
		{"cancelled, deaf", time.Hour, func(t *testing.T, b *bench, id artel.Hash) { b.cancelService(t, id) }, artel.ReasonCancelled, true, stopFor + time.Second},
		{"its lease is closed", 3 * time.Second, func(t *testing.T, b *bench, id artel.Hash) {
			if err := b.close(b.host, id); err != nil {
				t.Fatal(err)
			}
		}, artel.ReasonCancelled, true, 4 * time.Second},
		{"evicted", time.Hour, func(_ *testing.T, b *bench, _ artel.Hash) { b.givesWay(Evicted) }, artel.ReasonEvicted, false, time.Second},
		{"cancelled, then evicted", time.Hour, func(t *testing.T, b *bench, id artel.Hash) {
			b.cancelService(t, id)
			time.Sleep(time.Second)
			b.givesWay(Evicted)
		}, artel.ReasonEvicted, true, 2 * time.Second},
		{"drained", 3 * time.Second, func(t *testing.T, b *bench, _ artel.Hash) {
			if !b.Drain(t.Context(), artel.ReasonDrained, "the owner is back", 30*time.Second) {
				t.Error("it was not drained")
			}
		}, artel.ReasonDrained, true, 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &grateful{serves: serves{began: map[lease.TaskKey]time.Time{}}, takes: c.takes, told: make(chan Drain, 9)}
			onBenchWith(t, benchPolicy, g, func(t *testing.T, b *bench) {
				id := b.service()
				time.Sleep(5 * time.Second)
				b.check(b.host, id, wire.VisitCheck, 80)
				began := time.Now()
				c.end(t, b, id)
				ended := func() *wire.Event {
					es := b.events(id)
					if len(es) == 0 || es[len(es)-1].Slice != nil {
						return nil
					}
					return &es[len(es)-1]
				}
				for ended() == nil && time.Since(began) < time.Minute {
					time.Sleep(100 * time.Millisecond)
				}
				took := time.Since(began)
				e := ended()
				if e == nil || e.Reason != c.why || took > c.after {
					t.Fatalf("after %v it ended as %+v, want %s within %v", took, e, c.why, c.after)
				}
				if told := len(g.told) > 0; told != c.told {
					t.Errorf("it was told: %v", told)
				}
				if c.why == artel.ReasonEvicted {
					return
				}
				if wall := e.Receipt.Usage.Wall; wall < 5_000+uint64((took-time.Second).Milliseconds()) {
					t.Errorf("%d ms are due, and it took %v to end", wall, took)
				}
			})
		})
	}
}

// cancelService ends the one attempt, as a renter does with a replica that is too many.
func (b *bench) cancelService(t *testing.T, id artel.Hash) {
	t.Helper()
	req := wire.CancelRequest{Lease: id, Tasks: []wire.TaskKey{{Task: 1, Attempt: 1}}}
	for range 2 { // again and again, as renters do
		if _, err := b.call(b.host, wire.MethodCancel, req.Marshal()); err != nil {
			t.Fatal(err)
		}
	}
}

// What nobody checks is stopped.
func TestUncheckedServiceIsStopped(t *testing.T) {
	onBenchWith(t, benchPolicy, &serves{began: map[lease.TaskKey]time.Time{}}, func(t *testing.T, b *bench) {
		id := b.service()
		b.check(b.host, id, wire.VisitCheck, 80)
		time.Sleep(20 * time.Second)
		es := b.events(id)
		if len(es) == 0 || es[len(es)-1].Receipt == nil || es[len(es)-1].Receipt.Reason != artel.ReasonUnpaid {
			t.Fatalf("after 20 s: %+v", es)
		}
		if r := es[len(es)-1].Receipt; r.Usage.Wall > 17_000 {
			t.Errorf("%d ms are billed, of which none but the first was checked", r.Usage.Wall)
		}
	})
}

// knock opens a visit and leaves it there.
func (b *bench) knock(h *mem.Host, v *wire.Visit) (wire.Frame, string) {
	b.t.Helper()
	s, err := h.OpenStream(b.t.Context(), b.c.Key.NodeID(), wire.ProtocolVisit)
	if err != nil {
		b.t.Fatal(err)
	}
	b.knocks = append(b.knocks, s)
	if v == nil {
		return 0, ""
	}
	if err := wire.WriteFrame(s, wire.FrameOpen, v.Marshal()); err != nil {
		b.t.Fatal(err)
	}
	f, text, err := wire.ReadFrame(s, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return f, string(text)
}

// Strangers that fill the door, and a renter whose checks do not end, keep no check and
// no look from anybody: a replica whose checks find no place is replaced.
func TestVisitsHavePlaces(t *testing.T) {
	run := &serves{began: map[lease.TaskKey]time.Time{}, open: true}
	onBenchWith(t, benchPolicy, run, func(t *testing.T, b *bench) {
		id := b.service()
		for range 2 * (maxVisits + maxChecks) {
			b.knock(b.theirs, nil)
		}
		if f := b.check(b.host, id, wire.VisitCheck, 80); f != wire.FrameOpened {
			t.Fatalf("strangers are at the door, and a check gets frame %d", f)
		}
		v := wire.Visit{Lease: id, TaskKey: wire.TaskKey{Task: 1, Attempt: 1}, Kind: wire.VisitCheck, Port: 80}
		for range maxOwnChecks {
			if f, text := b.knock(b.host, &v); f != wire.FrameOpened {
				t.Fatalf("frame %d %q", f, text)
			}
		}
		if f, text := b.knock(b.host, &v); f != wire.FrameError || text != wire.VisitBusy {
			t.Errorf("one check more than a renter may have: frame %d %q", f, text)
		}
		v.Kind = wire.VisitDial
		if f, text := b.knock(b.host, &v); f != wire.FrameOpened {
			t.Errorf("a look beside the checks: frame %d %q", f, text)
		}
		for _, s := range b.knocks {
			s.Reset()
		}
		time.Sleep(time.Second)
		if f := b.check(b.host, id, wire.VisitCheck, 80); f != wire.FrameOpened {
			t.Errorf("when the checks are over: frame %d", f)
		}
	})
}
