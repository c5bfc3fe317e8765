package renter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// serves is the part of a seller that runs services.
type serves struct {
	began map[lease.TaskKey]time.Time
	bad   func(spec artel.TaskSpec) string // what a check of one finds; nil: nothing
	mute  bool                             // answers no check
	lies  bool                             // says that it was asked, and is deaf
	dead  bool
}

func (v *serves) begins(s *seller, id artel.Hash, k lease.TaskKey) {
	if v.began == nil {
		v.began = map[lease.TaskKey]time.Time{}
	}
	v.began[k] = time.Now()
	*s.sold[id] = s.sold[id].Runs(k, unixMilli())
	if v.lies {
		v.lie(s, id, k)
	}
}

// lie tells of a slice every second.
func (v *serves) lie(s *seller, id artel.Hash, k lease.TaskKey) {
	time.AfterFunc(time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.answer(id, k) == nil {
			v.lie(s, id, k)
		}
	})
}

// answer notes a check. Called with mu held.
func (s *seller) answer(id artel.Hash, k lease.TaskKey) error {
	l := s.sold[id]
	if l == nil {
		return fmt.Errorf("no such lease")
	}
	next, slice, _, err := l.Answered(k, uint64(time.Since(s.serves.began[k]).Milliseconds()), unixMilli())
	if err != nil {
		return err
	}
	if *l = next; slice != nil {
		s.events[id] = append(s.events[id], wire.Event{Seq: next.Seq, Task: k.Task, Attempt: k.Attempt, Slice: slice})
	}
	return nil
}

// ends stops a service, which is paid until now.
func (v *serves) ends(s *seller, id artel.Hash, k lease.TaskKey) bool {
	began, ok := v.began[k]
	if ok {
		s.end(id, lease.Finish{
			TaskKey: k, Reason: artel.ReasonCancelled, Message: "stopped", Billed: true, Usage: artel.Usage{Wall: uint64(time.Since(began).Milliseconds())},
		})
	}
	return ok
}

func (w *world) probe(ctx context.Context, at Attempt, _ artel.Service) Probed {
	time.Sleep(20 * time.Millisecond)
	for _, s := range w.sellers {
		if s.key.NodeID() != at.Node {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.serves.dead || s.serves.mute || s.serves.lies {
			return Probed{Check: job.Check{Bad: "no answer", Host: true}}
		}
		k := lease.TaskKey(at.Key)
		var bad string
		for _, r := range s.sold[at.Lease].Running {
			if r.TaskKey == k && s.serves.bad != nil {
				bad = s.serves.bad(r.Spec)
			}
		}
		if err := s.answer(at.Lease, k); err != nil {
			return Probed{Check: job.Check{Bad: err.Error()}}
		}
		return Probed{Answered: true, Check: job.Check{Bad: bad}}
	}
	return Probed{Check: job.Check{Bad: "no such machine", Host: true}}
}

// serving is a world in which nothing is booked, and n sellers trust it all the same.
func serving(t *testing.T, n int, f func(t *testing.T, w *world)) {
	live(t, n, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.offer.MaxUnpaid = artel.Cost(unitPrice, 10_000_000)
		}
		f(t, w)
	})
}

func (s *seller) vanish() {
	s.mu.Lock()
	s.serves.dead = true
	s.mu.Unlock()
	s.stop()
}

func webSpec(n uint32) artel.JobSpec {
	s := spec(uint64(n))
	s.Program, s.Box.Image, s.Wall, s.Name = artel.Ref{}, artel.Hash{7}, artel.ServiceWall, "web"
	s.Service = artel.DefaultService
	s.Service.Port, s.Service.Replicas, s.Service.Every, s.Service.Away, s.Service.Start = 80, n, 1_000, 16_000, 10_000
	return s
}

// healthy lists who serves a version.
func (w *world) healthy(id artel.Hash) map[artel.NodeID]int {
	on := map[artel.NodeID]int{}
	rs, err := w.renter().Replicas(w.t.Context(), id)
	must(err)
	for _, tries := range rs {
		for _, x := range tries {
			if x.Healthy {
				on[x.Node]++
			}
		}
	}
	return on
}

// until polls in virtual time.
func (w *world) until(what string, within time.Duration, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("after %s: not %s", within, what)
		}
	}
}

// conserved checks, when all is over, that each machine holds the voucher for what it
// was owed, to the unit.
func (w *world) conserved(j job.Job, but ...*seller) {
	w.t.Helper()
	var sum artel.Amount
	for _, s := range w.sellers {
		skip := false
		for _, x := range but {
			skip = skip || s == x
		}
		sum = sum.Add(s.paid())
		s.mu.Lock()
		for _, l := range s.sold {
			if !skip && l.Book.Voucher.Less(l.Book.Due()) {
				w.t.Errorf("%s is owed %s and holds %s", s.key.NodeID().Short(), l.Book.Due(), l.Book.Voucher)
			}
		}
		s.mu.Unlock()
	}
	if sum.Less(j.Spent) || j.Vouched.Less(sum) {
		w.t.Errorf("spent %s, vouched %s, machines hold %s", j.Spent, j.Vouched, sum)
	}
}

// Replicas go on different machines; one whose machine dies is replaced on another,
// and what was answered is paid.
func TestService(t *testing.T) {
	serving(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(webSpec(2))
			w.until("two replicas are up", time.Minute, func() bool { return len(w.healthy(id)) == 2 })
			first := w.sellers[0].key.NodeID()
			if w.healthy(id)[first] != 1 {
				t.Fatalf("the cheapest machine serves %d", w.healthy(id)[first])
			}
			time.Sleep(time.Minute)
			if paid, want := w.sellers[0].paid(), artel.Cost(unitPrice, 58_000); paid.Less(want) {
				t.Errorf("after a minute %s units are paid, want %s", paid, want)
			}
			w.sellers[0].vanish()
			w.until("a third machine serves", time.Minute, func() bool {
				on := w.healthy(id)
				return len(on) == 2 && on[first] == 0
			})
			must(w.r.StopService(t.Context(), id, "enough"))
			j, _ := w.end(id, 5*time.Minute)
			if j.Phase != job.Cancelled || j.Why != artel.ReasonCancelled {
				t.Errorf("it is %s, %s", j.Phase, j.Why)
			}
			time.Sleep(10 * time.Second)
			j, _, err := w.store.Job(t.Context(), id)
			must(err)
			w.conserved(j, w.sellers[0])
		})
	})
}

// What does not answer, or answers badly, is replaced.
func TestUnhealthy(t *testing.T) {
	for _, c := range []struct {
		name string
		ill  func(*seller)
		why  artel.Reason
	}{
		{"status 500", func(s *seller) { s.serves.bad = func(artel.TaskSpec) string { return "status 500" } }, artel.ReasonUnhealthy},
		{"mute", func(s *seller) { s.serves.mute = true }, artel.ReasonHost},
	} {
		t.Run(c.name, func(t *testing.T) {
			serving(t, 2, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(webSpec(1))
					w.until("it is up", time.Minute, func() bool { return len(w.healthy(id)) == 1 })
					time.Sleep(20 * time.Second)
					w.sellers[0].mu.Lock()
					c.ill(w.sellers[0])
					w.sellers[0].mu.Unlock()
					w.until("it is elsewhere", time.Minute, func() bool { return w.healthy(id)[w.sellers[1].key.NodeID()] == 1 })
					_, ts, err := w.r.Job(t.Context(), id)
					must(err)
					if at := ts[0].Attempts[0]; at.Reason != c.why || at.Ended == 0 {
						t.Errorf("the first attempt: %+v", at)
					}
				})
			})
		})
	}
}

// A program that gets healthy nowhere is the program's fault after three machines.
func TestAServiceThatCannotRun(t *testing.T) {
	serving(t, 5, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.serves.bad = func(artel.TaskSpec) string { return "nothing listens on that port" }
		}
		w.run(func() {
			j, ts := w.end(w.submit(webSpec(1)), 10*time.Minute)
			if j.Why != artel.ReasonProgram || len(ts[0].Attempts) != 3 {
				t.Errorf("%s, after %d attempts", j.Why, len(ts[0].Attempts))
			}
		})
	})
}

// A machine that says it was checked, and is not there, gets a Risk and no more; the
// service goes elsewhere.
func TestALyingHost(t *testing.T) {
	serving(t, 2, func(t *testing.T, w *world) {
		w.sellers[0].serves.lies = true
		w.run(func() {
			id := w.submit(webSpec(1))
			w.until("an honest machine serves", 2*time.Minute, func() bool { return len(w.healthy(id)) == 1 })
			time.Sleep(time.Minute)
			s := webSpec(1).Service
			if paid, most := w.sellers[0].paid(), artel.Cost(unitPrice, s.Away+lease.Tolerance); most.Less(paid) {
				t.Errorf("the liar got %s, at most %s", paid, most)
			}
			must(w.r.StopService(t.Context(), id, ""))
			w.end(id, 5*time.Minute)
		})
	})
}

// Before a lease ends its replica has a successor: somebody serves all the time.
func TestServiceRenewal(t *testing.T) {
	serving(t, 2, func(t *testing.T, w *world) {
		w.serveFor = 2 * time.Minute
		w.run(func() {
			id := w.submit(webSpec(1))
			w.until("it is up", time.Minute, func() bool { return len(w.healthy(id)) == 1 })
			seen := map[artel.NodeID]bool{}
			for range 10 * 60 {
				time.Sleep(time.Second)
				on := w.healthy(id)
				if len(on) == 0 {
					t.Fatal("nobody serves")
				}
				for n := range on {
					seen[n] = true
				}
			}
			_, ts, err := w.r.Job(t.Context(), id)
			must(err)
			if len(seen) != 2 || len(ts[0].Attempts) < 5 || ts[0].Faults != 0 {
				t.Errorf("%d machines served in %d attempts", len(seen), len(ts[0].Attempts))
			}
			must(w.r.StopService(t.Context(), id, ""))
			w.end(id, 5*time.Minute)
			time.Sleep(10 * time.Second)
			j, _, err := w.store.Job(t.Context(), id)
			must(err)
			w.conserved(j)
		})
	})
}

// spoil makes an image one that never answers well.
func (w *world) spoil(image artel.Hash) {
	for _, s := range w.sellers {
		s.serves.bad = func(x artel.TaskSpec) string {
			if x.Box.Image == image {
				return "status 503"
			}
			return ""
		}
	}
}

// A new version takes over one replica at a time; one that does not run leaves the old
// one where it was.
func TestServiceUpdate(t *testing.T) {
	serving(t, 5, func(t *testing.T, w *world) {
		w.spoil(artel.Hash{9})
		w.run(func() {
			update := func(old artel.Hash, image byte) artel.Hash {
				s := webSpec(1)
				s.Service.Replicas, s.Service.Old, s.Box.Image = 2, old, artel.Hash{image}
				return w.submit(s)
			}
			one := w.submit(webSpec(2))
			w.until("two replicas are up", time.Minute, func() bool { return len(w.healthy(one)) == 2 })

			bad := update(one, 9)
			j, _ := w.end(bad, 20*time.Minute)
			if j.Why != artel.ReasonProgram {
				t.Errorf("the bad version: %s, %s", j.Why, j.Message)
			}
			w.until("the old version is whole", time.Minute, func() bool { return len(w.healthy(one)) == 2 })

			two := update(one, 8)
			for end := time.Now().Add(5 * time.Minute); len(w.healthy(two)) < 2; time.Sleep(250 * time.Millisecond) {
				if n := len(w.healthy(one)) + len(w.healthy(two)); n < 2 {
					t.Fatalf("%d replicas serve in the middle of the update", n)
				}
				if time.Now().After(end) {
					t.Fatal("the new version does not come")
				}
			}
			if j, _ := w.end(one, 2*time.Minute); j.Why != artel.ReasonCancelled || len(w.healthy(two)) != 2 {
				t.Errorf("the old version: %s; %d of the new one serve", j.Why, len(w.healthy(two)))
			}
			must(w.r.ScaleService(t.Context(), two, 1))
			w.until("one replica serves", time.Minute, func() bool { return len(w.healthy(two)) == 1 })
			must(w.r.ScaleService(t.Context(), two, 3))
			w.until("three replicas serve", 2*time.Minute, func() bool { return len(w.healthy(two)) == 3 })
			must(w.r.StopService(t.Context(), two, ""))
			w.end(two, 5*time.Minute)
			time.Sleep(time.Minute)
			w.store.mu.Lock()
			n := len(w.store.leases)
			w.store.mu.Unlock()
			if n != 0 {
				t.Errorf("%d leases are left", n)
			}
			var spent job.Job
			for _, id := range []artel.Hash{one, bad, two} {
				j, _, err := w.store.Job(t.Context(), id)
				must(err)
				spent.Spent, spent.Vouched = spent.Spent.Add(j.Spent), spent.Vouched.Add(j.Vouched)
			}
			w.conserved(spent)
		})
	})
}

// With one machine to spare a bad version has only that, and is given up all the same.
func TestABadVersionWithOneMachineToSpare(t *testing.T) {
	serving(t, 3, func(t *testing.T, w *world) {
		w.spoil(artel.Hash{9})
		w.run(func() {
			one := w.submit(webSpec(2))
			w.until("two replicas are up", time.Minute, func() bool { return len(w.healthy(one)) == 2 })
			s := webSpec(1)
			s.Service.Replicas, s.Service.Old, s.Box.Image = 2, one, artel.Hash{9}
			if j, ts := w.end(w.submit(s), 5*time.Minute); j.Why != artel.ReasonProgram || len(ts[0].Attempts) != 3 || len(w.healthy(one)) != 2 {
				t.Errorf("%s after %d attempts, %d of the old version serve", j.Why, len(ts[0].Attempts), len(w.healthy(one)))
			}
		})
	})
}

// The renter crashes at any store: the service goes on, and nobody is called a liar for it.
func TestServiceOutlivesCrashes(t *testing.T) {
	serving(t, 3, func(t *testing.T, w *world) {
		rnd := rand.New(rand.NewPCG(7, 7))
		crashes := 0
		w.store.crash = func() error {
			if w.store.saves > 3 && rnd.IntN(12) == 0 {
				crashes++
				return errCrash
			}
			return nil
		}
		w.run(func() {
			id := artel.Keccak([]byte("a service"))
			for w.renter().Submit(t.Context(), id, webSpec(2)) != nil {
				time.Sleep(time.Second)
			}
			time.Sleep(5 * time.Minute)
			w.store.mu.Lock()
			w.store.crash = nil
			w.store.mu.Unlock()
			w.until("two replicas are up", time.Minute, func() bool { return len(w.healthy(id)) == 2 })
			if crashes < 5 {
				t.Errorf("%d crashes", crashes)
			}
			for _, s := range w.sellers {
				s.mu.Lock()
				for _, l := range s.sold {
					if l.Stop == artel.ReasonGarbage {
						t.Errorf("an honest machine was disputed: %s", l.Message)
					}
				}
				s.mu.Unlock()
			}
			w.store.mu.Lock()
			for _, row := range w.store.leases {
				if row.Bought.Disputed {
					t.Errorf("an honest machine is disputed: %s", row.Bought.Message)
				}
			}
			w.store.mu.Unlock()
			must(w.renter().StopService(t.Context(), id, ""))
			w.until("it is over", 5*time.Minute, func() bool {
				j, _, err := w.store.Job(t.Context(), id)
				must(err)
				return j.Phase != job.Active
			})
			time.Sleep(time.Minute)
			for _, s := range w.sellers {
				s.mu.Lock()
				for _, l := range s.sold {
					if l.Book.Voucher.Less(l.Book.Due()) && l.Phase == lease.Closed {
						t.Errorf("%s is owed %s and holds %s", s.key.NodeID().Short(), l.Book.Due(), l.Book.Voucher)
					}
				}
				s.mu.Unlock()
			}
		})
	})
}
