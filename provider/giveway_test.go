package provider

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/fake"
	"github.com/artel-network/artel/wire"
)

// stands is a Runner whose tasks take as many seconds of their own time as Wall says in
// milliseconds, and whose time can be stopped.
type stands struct {
	works
	mu      sync.Mutex
	frozen  bool
	changes int
}

func (s *stands) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, r lease.Running, c Course) lease.Finish {
	c.Phase(phaseRunning)
	for ran := uint64(0); ran < r.Spec.Wall; {
		select {
		case <-ctx.Done():
			return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed", Billed: true, Usage: artel.Usage{Wall: ran}}
		case <-time.After(10 * time.Millisecond):
		}
		s.mu.Lock()
		if !s.frozen {
			ran += 10
		}
		s.mu.Unlock()
	}
	return lease.Finish{Reason: artel.ReasonExited, Billed: true, Root: artel.Hash{1}, Usage: artel.Usage{Wall: r.Spec.Wall}}
}

func (s *stands) set(frozen bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = frozen
	s.changes++
	return nil
}
func (s *stands) Freeze(context.Context) error { return s.set(true) }
func (s *stands) Shut(context.Context) error   { return s.set(false) }
func (s *stands) Thaw(context.Context) error   { return s.set(false) }

func (b *bench) runs(id artel.Hash, task, wall uint64) wire.StartResponse {
	b.t.Helper()
	m, err := b.start(b.host, id, wire.Start{Task: task, Attempt: 1, Spec: artel.TaskSpec{Program: program, Wall: wall, Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}}})
	if err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
	return m
}

func (b *bench) news(id artel.Hash, wait time.Duration) wire.WatchResponse {
	b.t.Helper()
	raw, err := b.call(b.host, wire.MethodWatch, wire.WatchRequest{Lease: id, Wait: uint64(wait.Milliseconds())}.Marshal())
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := wire.UnmarshalWatchResponse(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) givesWay(how Way) {
	b.t.Helper()
	if err := b.GiveWay(b.t.Context(), how, "somebody is at the keyboard"); err != nil {
		b.t.Fatal(err)
	}
}

func TestFrozenCostsNobody(t *testing.T) {
	onBenchWith(t, benchPolicy, &stands{}, func(t *testing.T, b *bench) {
		d := b.good(1)
		d.terms.Slots, d.terms.MaxUnpaid = 2, artel.Units(18_000) // one is held without a task
		id, err := b.propose(d)
		if err != nil {
			t.Fatal(err)
		}
		b.runs(id, 1, 10_000)
		time.Sleep(3 * time.Second)
		b.givesWay(Frozen)
		due := b.news(id, 0).Due
		time.Sleep(5 * time.Minute) // longer than patience, than a unit
		m := b.news(id, 0)
		if len(m.Running) != 1 || m.Running[0].Phase != wire.PhaseFrozen || m.Running[0].Elapsed > 4000 || len(m.Events) != 0 || m.Stopping != "" {
			t.Errorf("while it is frozen: %+v", m)
		}
		if m.Due != due {
			t.Errorf("%s units were due when it was frozen, and now %s", due, m.Due)
		}
		if r := b.runs(id, 2, 1000); len(r.Refused) != 1 || r.Refused[0].Reason != artel.ReasonRefused || r.Refused[0].Message != needs {
			t.Errorf("a task for a frozen machine: %+v", r)
		}
		_, err = b.propose(b.good(2))
		wantRefusal(t, err, p2p.Refused, needs, "another provider")
		if _, ok := b.Offer(t.Context(), time.Minute); ok {
			t.Error("there is an offer of a frozen machine")
		}
		if st, _ := b.Status(t.Context()); st.Way != Frozen || !strings.Contains(st.Why, "keyboard") || time.Now().UnixMilli()-st.Since < 300_000 {
			t.Errorf("status: %s since %d, %q", st.Way, st.Since, st.Why)
		}
		b.givesWay(Free)
		m = b.news(id, 20*time.Second)
		if len(m.Events) != 1 || m.Events[0].Receipt == nil || m.Events[0].Receipt.Usage.Wall != 10_000 || m.Events[0].Receipt.Reason != artel.ReasonExited {
			t.Fatalf("at its end: %+v", m)
		}
		// Ten seconds of the task, and as many of the other slot: 100 units each.
		if u := m.Events[0].Receipt.Usage; u.Idle < 9_000 || u.Idle > 13_000 {
			t.Errorf("%d ms of holding are billed", u.Idle)
		}
		if _, ok := b.Offer(t.Context(), time.Minute); !ok {
			t.Error("no offer afterwards")
		}
		if r := b.runs(id, 2, 1000); len(r.Refused) != 0 {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

func TestEvicted(t *testing.T) {
	for _, first := range []Way{Free, Frozen} {
		t.Run(first.String(), func(t *testing.T) {
			onBenchWith(t, benchPolicy, &stands{}, func(t *testing.T, b *bench) {
				id, _ := b.opened()
				b.runs(id, 1, 30_000)
				b.runs(id, 2, 30_000) // waits for the slot
				time.Sleep(time.Second)
				b.givesWay(first)
				b.givesWay(Evicted)
				synctest.Wait()
				m := b.news(id, 0)
				if m.Stopping != artel.ReasonEvicted || m.Message != needs || len(m.Running) != 0 || len(m.Events) != 2 {
					t.Fatalf("%+v", m)
				}
				for _, e := range m.Events {
					if e.Receipt != nil || e.Reason != artel.ReasonEvicted || e.Message != needs {
						t.Errorf("%+v: what was ended is neither billed nor the renter's wish", e)
					}
				}
				if r := b.runs(id, 3, 1000); len(r.Refused) != 1 {
					t.Errorf("a task on a lease that was left: %+v", r)
				}
				b.givesWay(Free)
				if _, err := b.propose(b.good(2)); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// Without a way to stop programs, the owner still has the machine back.
func TestWhatCannotFreezeIsEvicted(t *testing.T) {
	onBench(t, benchPolicy, func(t *testing.T, b *bench) {
		id, _ := b.opened()
		b.runs(id, 1, 60_000)
		b.givesWay(Frozen)
		synctest.Wait()
		if m := b.news(id, 0); len(m.Events) != 1 || m.Events[0].Reason != artel.ReasonEvicted {
			t.Errorf("%+v", m)
		}
		if st, _ := b.Status(t.Context()); st.Way != Evicted {
			t.Errorf("status: %s", st.Way)
		}
	})
}

func TestDrained(t *testing.T) {
	runner, pol := &stands{}, benchPolicy
	pol.MaxUnit = 120_000
	onBenchWith(t, pol, runner, func(t *testing.T, b *bench) {
		id, _ := b.opened()
		d := b.good(2)
		d.terms.Unit = 120_000
		other, err := b.propose(d)
		if err != nil {
			t.Fatal(err)
		}
		b.runs(id, 1, 20_000)
		b.runs(other, 1, 90_000)
		time.Sleep(time.Second)
		begun := time.Now()
		b.givesWay(Draining)
		if r := b.runs(id, 2, 1000); len(r.Refused) != 1 {
			t.Errorf("a task while it is drained: %+v", r)
		}
		m := b.news(id, 29*time.Second)
		for len(m.Events) == 0 {
			m = b.news(id, 29*time.Second)
		}
		if took := time.Since(begun); took < 35*time.Second || took > 45*time.Second {
			t.Errorf("19 s of work took %s at half of the speed", took)
		}
		if m.Events[0].Receipt == nil || m.Events[0].Receipt.Reason != artel.ReasonExited {
			t.Errorf("%+v", m.Events[0])
		}
		time.Sleep(2 * time.Second)
		if m := b.news(id, 0); m.Stopping != artel.ReasonDrained {
			t.Errorf("a lease without a task is kept: %+v", m)
		}
		time.Sleep(time.Until(begun.Add(119 * time.Second)))
		if m := b.news(other, 0); len(m.Running) != 1 || m.Stopping != "" {
			t.Errorf("before its time: %+v", m)
		}
		time.Sleep(3 * time.Second)
		if m := b.news(other, 0); len(m.Events) != 1 || m.Events[0].Reason != artel.ReasonEvicted {
			t.Errorf("after two minutes: %+v", m)
		}
		b.givesWay(Free)
		time.Sleep(time.Second)
		runner.mu.Lock()
		defer runner.mu.Unlock()
		if was := runner.changes; runner.frozen || was == 0 {
			t.Errorf("frozen %v after %d changes", runner.frozen, was)
		}
	})
}

// However the ways follow each other, and whatever the throttle of a drain is about to do, the
// last one holds.
func TestTheLastWayHolds(t *testing.T) {
	runner := &stands{}
	onBenchWith(t, benchPolicy, runner, func(t *testing.T, b *bench) {
		for i := range 200 {
			for _, w := range []Way{Draining, Frozen, Draining, Free} {
				b.givesWay(w)
				time.Sleep(time.Duration(i*7%230) * time.Millisecond)
				runner.mu.Lock()
				frozen := runner.frozen
				runner.mu.Unlock()
				if w != Draining && frozen != (w == Frozen) {
					t.Fatalf("round %d: frozen %v although it is %s", i, frozen, w)
				}
			}
			time.Sleep(time.Second)
			runner.mu.Lock()
			frozen := runner.frozen
			runner.mu.Unlock()
			if frozen {
				t.Fatalf("round %d: frozen after its end", i)
			}
		}
	})
}

// stoppable is a fake box whose programs stand still when they are told to: those that ask.
type stoppable struct {
	sandbox.Box
	frozen atomic.Int32 // how many runs are
	hold   func()       // before Start returns
}

type stoppableRun struct {
	sandbox.Run
	box *stoppable
	on  atomic.Bool
}

func (s *stoppable) Start(ctx context.Context, id string, spec sandbox.Spec) (sandbox.Run, error) {
	r, err := s.Box.Start(ctx, id, spec)
	if err != nil {
		return nil, err
	}
	if s.hold != nil {
		s.hold()
	}
	return &stoppableRun{Run: r, box: s}, nil
}

func (r *stoppableRun) Freeze(context.Context) error {
	if !r.on.Swap(true) {
		r.box.frozen.Add(1)
	}
	return nil
}

func (r *stoppableRun) Thaw(context.Context) error {
	if r.on.Swap(false) {
		r.box.frozen.Add(-1)
	}
	return nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestBoxedGivesWay(t *testing.T) {
	release := make(chan struct{})
	program := func(ctx context.Context, _ sandbox.Spec, _ io.Writer) sandbox.Exit {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return sandbox.Exit{}
	}
	s := newShop(t, 0, program)
	box := &stoppable{Box: fake.New(4, program)}
	t.Cleanup(func() { box.Close() })
	s.Boxes[""] = box
	renter := artel.NodeID{1}
	ref := s.serves(renter, "program")
	fetching, stuck := make(chan struct{}, 1), artel.NodeID{2}
	fetch := s.Fetch
	s.Fetch = func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64) error {
		if from == stuck {
			fetching <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return fetch(ctx, from, into, root, limit)
	}
	ends := make(chan lease.Finish, 8)
	run := func(from artel.NodeID, task uint64) {
		go func() { ends <- s.run(from, task, artel.TaskSpec{Program: ref, Wall: 60_000}) }()
	}
	live := func(n int) func() bool {
		return func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.live) == n }
	}
	run(renter, 1)
	run(renter, 2)
	eventually(t, "two run", live(2))
	run(stuck, 3)
	<-fetching
	for range 2 {
		if err := s.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := box.frozen.Load(); n != 2 {
		t.Errorf("%d of two are frozen", n)
	}
	if f := <-ends; f.Reason != artel.ReasonEvicted || f.Billed || f.Message != needs {
		t.Errorf("one that fetched: %+v", f)
	}
	run(renter, 4)
	if f := <-ends; f.Reason != artel.ReasonEvicted {
		t.Errorf("one that came later: %+v", f)
	}
	if err := s.Shut(t.Context()); err != nil || box.frozen.Load() != 0 {
		t.Errorf("shut: %d frozen, %v", box.frozen.Load(), err)
	}
	run(renter, 5)
	if f := <-ends; f.Reason != artel.ReasonEvicted {
		t.Errorf("none begins: %+v", f)
	}
	if err := s.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	// One whose program begins at the moment of the freeze is either found or ended.
	begun, goOn := make(chan struct{}), make(chan struct{})
	box.hold = func() { close(begun); <-goOn }
	run(renter, 6)
	<-begun
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if f := <-ends; f.Reason != artel.ReasonEvicted || f.Billed {
		t.Errorf("one that began too late: %+v", f)
	}
	if n := box.frozen.Load(); n != 2 {
		t.Errorf("%d of two are frozen", n)
	}
	if err := s.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The same of one that its renter takes back in that moment: its end has a reason still.
	begun, goOn = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ends <- s.runWithin(ctx, renter, 7, artel.TaskSpec{Program: ref, Wall: 60_000}) }()
	<-begun
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	close(goOn)
	if f := <-ends; f.Reason != artel.ReasonCancelled || f.Message != needs || f.Billed {
		t.Errorf("one that was cancelled as it began too late: %+v", f)
	}
	if err := s.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(release)
	for range 2 {
		if f := <-ends; f.Reason != artel.ReasonExited {
			t.Errorf("thawed: %+v", f)
		}
	}
	eventually(t, "nothing is left", func() bool {
		s.still.mu.Lock()
		defer s.still.mu.Unlock()
		return live(0)() && len(s.still.begin) == 0 && box.frozen.Load() == 0
	})
	if left, err := os.ReadDir(filepath.Join(s.Dir, "out")); err != nil || len(left) > 4 {
		t.Errorf("%d directories are left, %v", len(left), err)
	}
}

func TestBoxedThatCannotFreeze(t *testing.T) {
	s := newShop(t, 0, func(ctx context.Context, _ sandbox.Spec, _ io.Writer) sandbox.Exit {
		<-ctx.Done()
		return sandbox.Exit{}
	})
	renter := artel.NodeID{1}
	ref := s.serves(renter, "program")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.runWithin(ctx, renter, 1, artel.TaskSpec{Program: ref, Wall: 60_000})
	}()
	eventually(t, "it runs", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.live) == 1 })
	if err := s.Freeze(t.Context()); !errors.Is(err, ErrCannotFreeze) {
		t.Errorf("freeze: %v", err)
	}
	if err := s.Thaw(t.Context()); err != nil {
		t.Errorf("thaw: %v", err)
	}
	cancel()
	<-ended
}
