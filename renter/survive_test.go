package renter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

var errCrash = errors.New("power cut")

// vault is what keepers hold, all of them, and what is in the checkpoints.
type vault struct {
	mu      sync.Mutex
	done    map[artel.Ref]uint64 // ms of work in a checkpoint
	held    map[artel.NodeID][]wire.Holding
	dropped map[artel.NodeID]int
	gone    map[artel.NodeID]bool // does not answer, holds nothing new
}

func newVault() *vault {
	return &vault{done: map[artel.Ref]uint64{}, held: map[artel.NodeID][]wire.Holding{}, dropped: map[artel.NodeID]int{}, gone: map[artel.NodeID]bool{}}
}

func (v *vault) kept(by artel.NodeID, m wire.KeptRequest) (resp wire.KeptResponse) {
	v.mu.Lock()
	defer v.mu.Unlock()
	mine := func(h wire.Holding) bool { return len(m.Tasks) == 0 || slices.Contains(m.Tasks, h.Grant.Task) }
	for _, h := range v.held[by] {
		if mine(h) {
			resp.Holdings = append(resp.Holdings, h)
		}
	}
	if m.Drop {
		v.held[by] = slices.DeleteFunc(v.held[by], mine)
		v.dropped[by]++
		return wire.KeptResponse{}
	}
	return resp
}

// ownKeeper is the renter's node as a keeper.
type ownKeeper struct{ w *world }

func (k ownKeeper) Addrs() []string { return nil }
func (k ownKeeper) Kept(_ context.Context, m wire.KeptRequest) (wire.KeptResponse, error) {
	return k.w.vault.kept(k.w.key.NodeID(), m), nil
}

// saves is how a seller takes checkpoints.
type saves struct {
	w     *world
	work  time.Duration // of a task
	every time.Duration
	dead  bool
	stale bool                                 // it can restore nothing
	lacks bool                                 // it can fetch nothing
	bad   func(g *artel.Segment)               // after it was signed
	begun map[lease.TaskKey]uint64             // generation that an attempt began from
	keys  map[artel.NodeID]artel.Key           // of keepers
	end   map[lease.TaskKey]func(artel.Reason) // ends an attempt early
}

func (s *seller) registerKept(h *mem.Host) {
	if s.saves.w == nil {
		return
	}
	h.Handle(wire.MethodKept, wire.MaxKept, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
		m, err := wire.UnmarshalKeptRequest(req)
		if err != nil {
			return nil, err
		}
		return s.saves.w.vault.kept(s.key.NodeID(), m).Marshal(), nil
	})
}

// runSaved runs a task that is checkpointed. Called with mu held.
func (s *seller) runSaved(id artel.Hash, k lease.TaskKey, keep artel.Keeping) {
	x := &s.saves
	had, gen := uint64(0), uint64(0)
	if keep.From != nil {
		gen = keep.From.Saved.Generation
		if x.stale || x.lacks {
			why := map[bool]artel.Reason{true: artel.ReasonStale, false: artel.ReasonNoInput}[x.stale]
			time.AfterFunc(100*time.Millisecond, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.end(id, lease.Finish{TaskKey: k, Reason: why, Message: "it cannot be restored"})
			})
			return
		}
		x.w.vault.mu.Lock()
		had = x.w.vault.done[keep.From.Saved.Root]
		x.w.vault.mu.Unlock()
	}
	x.begun[k] = gen
	began, parent, over := time.Now(), keep.Grant.From, false
	left := x.work - time.Duration(had)*time.Millisecond
	finish := func(why artel.Reason) {
		if over || x.dead {
			return
		}
		over = true
		s.end(id, lease.Finish{TaskKey: k, Reason: why, Billed: true, Usage: artel.Usage{Wall: uint64(time.Since(began).Milliseconds())}})
	}
	x.end[k] = finish
	time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		finish(artel.ReasonExited)
	})
	var again func()
	again = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if over || x.dead {
			return
		}
		gen++
		wall := uint64(time.Since(began).Milliseconds())
		root, err := artel.NewRef(artel.CodecRaw, artel.Keccak(fmt.Append(nil, id, k, gen)))
		must(err)
		saved := artel.Saved{
			Lease: id, Number: k.Task, Attempt: k.Attempt, Task: keep.Task, Kind: keep.Kind, Generation: gen, Root: root, Parent: parent,
			Tree: artel.Hash{1}, Bytes: 100, Stored: 50, Wall: wall,
		}
		parent = root
		d := s.params.Domain()
		sig := s.key.Sign(saved.Digest(d))
		var kept []artel.Kept
		x.w.vault.mu.Lock()
		x.w.vault.done[root] = had + wall
		for _, to := range keep.Keepers {
			key, ok := x.keys[to.Node]
			if !ok || x.w.vault.gone[to.Node] {
				continue
			}
			c := artel.Kept{Saved: saved.Digest(d), Until: keep.Grant.Expires}
			c.Signature = key.Sign(c.Digest(d))
			kept = append(kept, c)
			h := wire.Holding{Grant: keep.Grant, Segment: artel.Segment{Saved: saved, Signature: sig, Kept: []artel.Kept{c}}}
			x.w.vault.held[to.Node] = append([]wire.Holding{h}, x.w.vault.held[to.Node]...)
		}
		x.w.vault.mu.Unlock()
		time.AfterFunc(x.every, again)
		if len(kept) < int(keep.Survival.Keepers) {
			return
		}
		l := s.sold[id]
		next, seg, _, err := l.Kept(saved, unixMilli())
		if err != nil {
			return
		}
		*l = next
		seg.Signature, seg.Kept = sig, kept
		if x.bad != nil {
			x.bad(&seg)
		}
		s.events[id] = append(s.events[id], wire.Event{Seq: next.Seq, Task: k.Task, Attempt: k.Attempt, Segment: &seg})
	}
	time.AfterFunc(x.every, again)
}

// die takes a seller off the network for good.
func (s *seller) die() {
	s.mu.Lock()
	s.saves.dead = true
	s.mu.Unlock()
	s.stop()
}

// lasting is a world in which n sellers move whole programs and keep checkpoints,
// and the renter's node keeps too.
func lasting(t *testing.T, n int, f func(t *testing.T, w *world)) {
	live(t, n, func(t *testing.T, w *world) {
		w.vault = newVault()
		keys := map[artel.NodeID]artel.Key{w.key.NodeID(): w.key}
		for _, s := range w.sellers {
			keys[s.key.NodeID()] = s.key
		}
		for _, s := range w.sellers {
			s.offer.Moves, s.offer.CPU, s.offer.Keeps = "1", artel.CPU{Arch: "amd64", Features: []string{"avx", "sse"}}, 1<<30
			s.offer.MaxUnpaid = artel.Cost(unitPrice, 1_000_000)
			s.saves = saves{w: w, work: time.Minute, every: 10 * time.Second, begun: map[lease.TaskKey]uint64{}, keys: keys, end: map[lease.TaskKey]func(artel.Reason){}}
		}
		f(t, w)
	})
}

// longSpec is a job whose tasks want checkpoints.
func longSpec(kind artel.CheckpointKind) artel.JobSpec {
	s := spec(1)
	s.Program, s.Box.Image = artel.Ref{}, artel.Hash{7}
	s.Wall = 100_000
	s.Survival = artel.Survival{Kind: kind, Min: 5_000, Max: 10_000, Keepers: 2}
	return s
}

func (w *world) task(id artel.Hash) job.Task {
	_, ts, err := w.r.Job(w.t.Context(), id)
	must(err)
	return ts[0]
}

// A host dies; the task goes on from what its keepers hold, costs no more than the
// work that was saved and that which followed, and is forgotten by its keepers.
func TestGoesOnElsewhere(t *testing.T) {
	for _, kind := range []artel.CheckpointKind{"", artel.CheckpointWhole, artel.CheckpointFiles} {
		t.Run(string(kind), func(t *testing.T) {
			lasting(t, 3, func(t *testing.T, w *world) {
				w.run(func() {
					began := time.Now()
					id := w.submit(longSpec(kind))
					time.Sleep(35 * time.Second)
					task := w.task(id)
					if len(task.Safe.Saved) != 2 || task.Safe.Saved[0].Segment.Saved.Generation != 3 || len(task.Safe.Saved[0].Holders) < 2 {
						t.Fatalf("after 35 s: %+v", task.Safe)
					}
					w.sellers[0].die()
					j, ts := w.end(id, 3*time.Minute)
					took := time.Since(began)
					if j.Phase != job.Finished || len(ts[0].Attempts) != 2 || ts[0].Attempts[1].Ran.From != 3 || took > 100*time.Second {
						t.Errorf("%s after %s: %+v", j.Phase, took, ts[0])
					}
					if lost := ts[0].Safe.Lost; lost > 10_000 || ts[0].Safe.Paid != (artel.Amount{}) {
						t.Errorf("%d ms are lost, paid with %s", lost, ts[0].Safe.Paid)
					}
					price := w.sellers[0].offer.Price
					if paid, most := w.sellers[0].paid(), artel.Cost(price, artel.Earned(30_000)+2_000); most.Less(paid) || paid.IsZero() {
						t.Errorf("the dead machine got %s, at most %s", paid, most)
					}
					if most := artel.Cost(price, 65_000); most.Less(j.Spent) {
						t.Errorf("spent %s, at most %s", j.Spent, most)
					}
					time.Sleep(time.Minute)
					w.vault.mu.Lock()
					defer w.vault.mu.Unlock()
					for n, hs := range w.vault.held {
						if len(hs) > 0 && n != w.sellers[0].key.NodeID() {
							t.Errorf("%s still holds %d", n.Short(), len(hs))
						}
					}
				})
			})
		})
	}
}

// The renter has not heard of the last checkpoint when the host dies: a keeper tells.
func TestKeeperKnowsMore(t *testing.T) {
	lasting(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(32 * time.Second)
			gen := w.task(id).Safe.Saved[0].Segment.Saved.Generation
			w.net.SetPair(w.key.NodeID(), w.sellers[0].key.NodeID(), mem.Link{LoseRequest: 1, LoseAnswer: 1})
			time.Sleep(10 * time.Second) // another one, confirmed by keepers
			w.sellers[0].die()
			_, ts := w.end(id, 3*time.Minute)
			if from := ts[0].Attempts[1].Ran.From; from <= gen {
				t.Errorf("it went on from %d, known was %d; %+v", from, gen, ts[0])
			}
		})
	})
}

// All keepers but one are gone, so nothing is confirmed any more, and the task is taken
// from a host that saves nothing. What the last keeper holds is gone on from.
func TestOneKeeperIsLeft(t *testing.T) {
	lasting(t, 3, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.saves.work = 10 * time.Minute
		}
		w.run(func() {
			sp := longSpec("")
			sp.Wall = 900_000
			id := w.submit(sp)
			time.Sleep(35 * time.Second)
			known := w.task(id).Safe.Saved[0].Segment.Saved.Generation
			keepersGo := func(gone bool) {
				w.vault.mu.Lock()
				defer w.vault.mu.Unlock()
				for _, s := range w.sellers {
					w.vault.gone[s.key.NodeID()] = gone
				}
			}
			keepersGo(true)
			for end := time.Now().Add(20 * time.Minute); len(w.task(id).Attempts) < 2 && time.Now().Before(end); {
				time.Sleep(time.Second)
			}
			keepersGo(false)
			_, ts := w.end(id, 30*time.Minute)
			if len(ts[0].Attempts) < 2 || ts[0].Attempts[1].Ran.From < known+5 {
				t.Errorf("it went on from less than its last keeper held; known was %d: %+v", known, ts[0].Attempts)
			}
		})
	})
}

// Of the keepers of a long task most may go while it runs, so all are named that may be.
func TestKeepersOfLongTasks(t *testing.T) {
	for wall, want := range map[uint64]int{100_000: 4, 7_200_000: artel.MaxKeepers} {
		lasting(t, 12, func(t *testing.T, w *world) {
			for _, s := range w.sellers {
				s.offer.MaxUnit, s.offer.MaxUnpaid = 10_000_000, artel.Cost(unitPrice, 20_000_000)
			}
			w.run(func() {
				sp := longSpec("")
				sp.Wall = wall
				id := w.submit(sp)
				time.Sleep(10 * time.Second)
				if n := len(w.task(id).Safe.Keepers); n != want {
					t.Errorf("a task of at most %d s has %d keepers, want %d", wall/1000, n, want)
				}
			})
		})
	}
}

// One machine cannot restore the newest checkpoint: another one is asked. Two
// cannot: the one before is taken, then the beginning, and it is said.
func TestStale(t *testing.T) {
	for name, c := range map[string]struct {
		stale []int
		from  uint64
		why   bool
	}{
		"one machine lies": {[]int{1}, 3, false},
		"nobody can":       {[]int{1, 2, 3}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			lasting(t, 4, func(t *testing.T, w *world) {
				for _, i := range c.stale {
					w.sellers[i].saves.stale = true
				}
				w.run(func() {
					id := w.submit(longSpec(""))
					time.Sleep(35 * time.Second)
					w.sellers[0].die()
					j, ts := w.end(id, 5*time.Minute)
					last := ts[0].Attempts[len(ts[0].Attempts)-1]
					if j.Phase != job.Finished || last.Ran.From != c.from || (last.Ran.Why != "") != c.why {
						t.Errorf("%s: %+v", j.Phase, ts[0].Attempts)
					}
					for _, i := range c.stale {
						if r := w.records[w.sellers[i].key.NodeID()]; r.Failed != 0 {
							t.Errorf("it counts against machine %d: %+v", i, r)
						}
					}
				})
			})
		})
	}
}

// Keepers hand nothing out: in the end the task begins anew.
func TestWithheld(t *testing.T) {
	lasting(t, 3, func(t *testing.T, w *world) {
		w.sellers[1].saves.lacks, w.sellers[2].saves.lacks = true, true
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(35 * time.Second)
			w.sellers[0].die()
			j, ts := w.end(id, 20*time.Minute)
			last := ts[0].Attempts[len(ts[0].Attempts)-1]
			if j.Phase != job.Finished || last.Ran.From != 0 || last.Ran.Why == "" || ts[0].Safe.Lost < 20_000 {
				t.Errorf("%s: %+v", j.Phase, ts[0])
			}
		})
	})
}

// What does not verify is not paid for, and not gone on from.
func TestForgedSegments(t *testing.T) {
	for name, bad := range map[string]func(s *seller, g *artel.Segment){
		"nobody confirmed": func(_ *seller, g *artel.Segment) { g.Kept = nil },
		"one, twice":       func(_ *seller, g *artel.Segment) { g.Kept[1] = g.Kept[0]; g.Kept = g.Kept[:2] },
		"itself": func(s *seller, g *artel.Segment) {
			g.Kept = g.Kept[:1]
			own := g.Kept[0]
			own.Signature = s.key.Sign(own.Digest(s.params.Domain()))
			g.Kept = append(g.Kept, own)
		},
		"more time": func(s *seller, g *artel.Segment) {
			g.Saved.Wall += 60_000
			g.Signature = s.key.Sign(g.Saved.Digest(s.params.Domain()))
		},
		"a larger bill":      func(_ *seller, g *artel.Segment) { g.Due = g.Due.Add(artel.Units(500)) },
		"another one's name": func(_ *seller, g *artel.Segment) { g.Signature = testKey(99).Sign(artel.Hash{}) },
	} {
		t.Run(name, func(t *testing.T) {
			lasting(t, 3, func(t *testing.T, w *world) {
				s := w.sellers[0]
				s.saves.bad = func(g *artel.Segment) { bad(s, g) }
				w.run(func() {
					id := w.submit(longSpec(""))
					j, ts := w.end(id, 3*time.Minute)
					if j.Phase != job.Finished || ts[0].Attempts[0].Reason != artel.ReasonGarbage || ts[0].Attempts[1].Ran.From != 0 {
						t.Errorf("%s: %+v", j.Phase, ts[0].Attempts)
					}
					if paid := s.paid(); artel.Cost(s.offer.Price, 1_000).Less(paid) {
						t.Errorf("it got %s", paid)
					}
				})
			})
		})
	}
}

// A whole checkpoint goes on on machines of its class alone; when none comes, the
// task begins anew and says so.
func TestClass(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*artel.Offer)
		kind   artel.CheckpointKind
		from   uint64
	}{
		"more features":        {func(o *artel.Offer) { o.CPU.Features = []string{"avx", "avx2", "sse"} }, "", 3},
		"fewer features":       {func(o *artel.Offer) { o.CPU.Features = []string{"sse"} }, "", 0},
		"another sandbox":      {func(o *artel.Offer) { o.Moves = "2" }, "", 0},
		"none that moves":      {func(o *artel.Offer) { o.Moves = "" }, "", 0},
		"files move anywhere":  {func(o *artel.Offer) { o.Moves, o.CPU = "", artel.CPU{Arch: "arm64"} }, artel.CheckpointFiles, 3},
		"an older one of them": {func(o *artel.Offer) { o.CPU.Vendor = "other" }, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			lasting(t, 3, func(t *testing.T, w *world) {
				for _, s := range w.sellers[1:] {
					c.change(&s.offer)
				}
				w.run(func() {
					id := w.submit(longSpec(c.kind))
					time.Sleep(35 * time.Second)
					w.sellers[0].die()
					j, ts := w.end(id, 10*time.Minute)
					last := ts[0].Attempts[len(ts[0].Attempts)-1]
					if j.Phase != job.Finished || last.Ran.From != c.from || (c.from == 0) != (last.Ran.Why != "") {
						t.Errorf("%s: %+v", j.Phase, ts[0].Attempts)
					}
					waited := last.Sent - ts[0].Attempts[0].Silent
					if c.from == 0 && waited < 30_000 || c.from != 0 && waited > 10_000 {
						t.Errorf("it waited %d ms for a machine", waited)
					}
				})
			})
		})
	}
}

// A drained task goes on at once, and it counts against nobody.
func TestDrained(t *testing.T) {
	lasting(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(35 * time.Second)
			s := w.sellers[0]
			s.mu.Lock()
			for _, l := range s.sold {
				*l, _ = l.Drain(artel.ReasonDrained, "its owner is back", unixMilli())
			}
			for _, end := range s.saves.end {
				end(artel.ReasonDrained)
			}
			s.mu.Unlock()
			j, ts := w.end(id, 2*time.Minute)
			if j.Phase != job.Finished || ts[0].Attempts[0].Reason != artel.ReasonDrained || ts[0].Attempts[1].Ran.From < 3 || ts[0].Faults != 0 {
				t.Errorf("%s: %+v", j.Phase, ts[0].Attempts)
			}
			if r := w.records[s.key.NodeID()]; r.Failed != 0 || r.Streak != 0 {
				t.Errorf("it counts against the machine: %+v", r)
			}
		})
	})
}

// A budget pays for a task in parts, and never more than it is.
func TestBudgetOfCheckpoints(t *testing.T) {
	for name, c := range map[string]struct {
		ms   uint64
		want job.Phase
	}{
		"enough":                               {140_000, job.Finished},
		"for the task, not for it and a stake": {50_000, job.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			lasting(t, 2, func(t *testing.T, w *world) {
				s := longSpec("")
				s.Wall = 400_000 // would not be affordable all at once
				s.Budget = artel.Cost(unitPrice, c.ms)
				s.Survival = artel.Survival{Min: 1_000, Max: 2_000, Keepers: 1}
				w.run(func() {
					id := w.submit(s)
					j, ts := w.end(id, 10*time.Minute)
					if j.Phase != c.want || j.Spec.Budget.Less(j.Vouched) || j.Spec.Budget.Less(w.store.total()) {
						t.Errorf("%s, %s: vouched %s of %s; %+v", j.Phase, j.Message, j.Vouched, j.Spec.Budget, ts[0])
					}
				})
			})
		})
	}
}

// The renter's process ends at each of its stores in turn: the job ends all the same,
// goes on from its checkpoints, and nothing is promised twice.
func TestCrashAtEveryStore(t *testing.T) {
	most := 0
	for at := 1; at <= max(most, 1); at++ {
		lasting(t, 3, func(t *testing.T, w *world) {
			w.store.crash = func() error {
				if w.store.saves == at {
					return errCrash
				}
				return nil
			}
			w.run(func() {
				var id artel.Hash
				for range 10 { // the crash may take the answer with it
					func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						id = artel.Keccak([]byte("job"))
						_ = w.renter().Submit(ctx, id, longSpec(""))
					}()
					time.Sleep(time.Second)
				}
				time.Sleep(25 * time.Second)
				w.sellers[0].die()
				var j job.Job
				var ts []job.Task
				for range 300 {
					time.Sleep(time.Second)
					var err error
					if j, ts, err = w.store.Job(t.Context(), id); err == nil && j.Phase != job.Active {
						break
					}
				}
				if j.Phase != job.Finished {
					t.Fatalf("crash at store %d: the job is %s: %+v", at, j.Phase, ts)
				}
				if last := ts[0].Attempts[len(ts[0].Attempts)-1]; len(ts[0].Attempts) > 1 && last.Ran.From < 2 {
					t.Errorf("crash at store %d: it went on from %d: %+v", at, last.Ran.From, ts[0].Attempts)
				}
				if sum := w.store.total(); artel.Cost(unitPrice, 80_000).Less(sum) {
					t.Errorf("crash at store %d: %s was promised", at, sum)
				}
				most = max(most, w.store.saves)
			})
		})
	}
	t.Logf("%d stores", most)
}

// A host that nobody hears may save what it does after its task is over elsewhere: the
// keepers are told once more when it is heard or given up, and not in between.
func TestKeepersAreToldAgainWhenTheLastAttemptEnds(t *testing.T) {
	r := New(Config{Key: testKey(1)})
	k := artel.Keeper{Node: testKey(2).NodeID()}
	a := &active{Job: job.Job{Phase: job.Active}, tasks: []job.Task{{
		State: job.Done, Safe: job.Safe{Keepers: []artel.Keeper{k}},
		Attempts: []job.Attempt{{N: 1, Sent: 1_000, Fenced: true}, {N: 2, Sent: 20_000, Ended: 21_000}},
	}}}
	told := func() int {
		if d := r.drops[k.Node]; d != nil {
			return len(d.tasks)
		}
		return 0
	}
	for range 3 {
		if r.letGo(a, 0, 22_000); told() != 1 {
			t.Fatalf("while an attempt is out they are told %d times", told())
		}
	}
	a.tasks[0].Attempts[0].Ended = 90_000
	for range 3 {
		if r.letGo(a, 0, 91_000); told() != 2 {
			t.Fatalf("when all have ended they were told %d times", told())
		}
	}
	if len(a.tasks[0].Safe.Keepers) != 0 || len(a.letGo) != 0 {
		t.Errorf("%d keepers are remembered, and %d tasks", len(a.tasks[0].Safe.Keepers), len(a.letGo))
	}
}
