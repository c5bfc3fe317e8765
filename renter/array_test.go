package renter

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
)

// slow makes a seller take so long for each task from the first-th on.
func (s *seller) slow(from int, takes time.Duration) {
	n := 0
	s.takes = func(lease.Running) time.Duration {
		if n++; n > from {
			return takes
		}
		return taskTakes
	}
}

// copied lists the tasks of which there was a copy.
func copied(ts []job.Task) (is []uint64) {
	for _, t := range ts {
		if slices.ContainsFunc(t.Attempts, func(a job.Attempt) bool { return a.Copy }) {
			is = append(is, t.Index)
		}
	}
	return is
}

// The last task of an array hangs on a host that answers every question: another
// host does it, the first one is told to stop and is paid for what it ran, and one
// receipt counts.
func TestACopyIsFirst(t *testing.T) {
	live(t, 3, func(t *testing.T, w *world) {
		w.sellers[0].slow(2, time.Hour)
		w.run(func() {
			s := spec(9)
			s.Wall = 60 * 60_000
			for _, x := range w.sellers {
				x.offer.MaxUnpaid, x.offer.MaxUnit = artel.Cost(unitPrice, 10*s.Wall), s.Wall
			}
			id := w.submit(s)
			j, ts := w.end(id, 3*time.Minute)
			if j.Phase != job.Finished || j.Failed != 0 || j.Why != "" {
				t.Fatalf("the job is %s: %s %s", j.Phase, j.Why, j.Message)
			}
			c := copied(ts)
			if len(c) != 1 {
				t.Fatalf("tasks %v were copied", c)
			}
			task := ts[c[0]]
			if len(task.Attempts) != 2 || task.Attempts[0].Node != w.sellers[0].key.NodeID() || task.Node == task.Attempts[0].Node || task.Receipt.Result.Attempt != 2 {
				t.Errorf("%+v", task)
			}
			time.Sleep(time.Minute)
			synctest.Wait() // the core is at rest, and what it has written may be read
			if n := w.sellers[0].did("lease.cancel"); n == 0 {
				t.Error("the first host was not told to stop")
			}
			if w.records[w.sellers[0].key.NodeID()].Failed == 0 {
				t.Error("nothing is remembered of the host that hung")
			}
		})
	})
}

// The one that was copied ends, as it is told, before the copy's output is here: the task
// is out once, not twice (checked.Save).
func TestACopysOutputComesLast(t *testing.T) {
	live(t, 3, func(t *testing.T, w *world) {
		w.sellers[0].slow(2, time.Hour)
		for _, x := range w.sellers {
			x.output, x.bills = true, true
		}
		w.run(func() {
			s := spec(9)
			s.Wall = 60 * 60_000
			for _, x := range w.sellers {
				x.offer.MaxUnpaid, x.offer.MaxUnit = artel.Cost(unitPrice, 10*s.Wall), s.Wall
			}
			id := w.submit(s)
			hide := func(yes bool) {
				for _, x := range w.sellers {
					x.mu.Lock()
					x.hides = yes
					x.mu.Unlock()
				}
			}
			for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
				if _, ts, err := w.renter().Job(t.Context(), id); err == nil && len(copied(ts)) > 0 {
					break
				}
				if time.Since(began) > 3*time.Minute {
					t.Fatal("nothing was copied")
				}
			}
			hide(true)
			time.Sleep(20 * time.Second)
			hide(false)
			if j, _ := w.end(id, 3*time.Minute); j.Phase != job.Finished || j.Failed != 0 {
				t.Errorf("the job is %s: %s %s", j.Phase, j.Why, j.Message)
			}
		})
	})
}

// With copies: never, a task is never out twice.
func TestNoCopies(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		w.sellers[0].slow(1, 50*time.Second)
		w.run(func() {
			s := spec(6)
			s.Once, s.Wall = true, 60_000
			for _, x := range w.sellers {
				x.offer.MaxUnpaid = artel.Cost(unitPrice, 10*s.Wall)
			}
			j, ts := w.end(w.submit(s), 3*time.Minute)
			if c := copied(ts); j.Phase != job.Finished || len(c) != 0 {
				t.Errorf("the job is %s, tasks %v were copied", j.Phase, c)
			}
		})
	})
}

// A budget that pays for the tasks and not for copies beside them is kept, and the
// job is done without.
func TestABudgetPaysForNoCopy(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		w.sellers[0].slow(1, 30*time.Second)
		w.run(func() {
			s := spec(4)
			s.Wall = 40_000
			for _, x := range w.sellers {
				x.offer.MaxUnpaid = artel.Cost(unitPrice, 10*s.Wall)
			}
			s.Budget = artel.Cost(unitPrice, 110_000)
			j, ts := w.end(w.submit(s), 3*time.Minute)
			if c := copied(ts); j.Phase != job.Finished || len(c) != 0 || s.Budget.Less(j.Vouched) {
				t.Errorf("the job is %s (%s), tasks %v were copied, %s units of %s promised", j.Phase, j.Message, c, j.Vouched, s.Budget)
			}
		})
	})
}

// At its deadline a job ends with what is done: what runs is stopped, leases are
// closed, and what was delivered stays.
func TestDeadline(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.output = true
		}
		w.run(func() {
			s := spec(50)
			s.Deadline = time.Now().Add(30 * time.Second).UnixMilli()
			id := w.submit(s)
			time.Sleep(25 * time.Second)
			if j, _, err := w.r.Job(t.Context(), id); err != nil || j.Late == 0 || !strings.Contains(j.Message, "the deadline cannot be kept at this pace") {
				t.Errorf("nobody was told: %+v, %v", j, err)
			}
			j, ts := w.end(id, 10*time.Second)
			if j.Phase != job.Cancelled || j.Why != artel.ReasonDeadline || j.Ended < s.Deadline || j.Ended > s.Deadline+3_000 {
				t.Fatalf("the job is %s: %s %s, %d ms after its deadline", j.Phase, j.Why, j.Message, j.Ended-s.Deadline)
			}
			done := 0
			for _, task := range ts {
				if task.State == job.Done && !task.Output.IsZero() {
					done++
				} else if task.State != job.Waiting {
					t.Errorf("task %d is %s", task.Index, task.State)
				}
			}
			if done < 8 || uint64(done) != j.Done() {
				t.Errorf("%d tasks are done, by the job %d", done, j.Done())
			}
			time.Sleep(30 * time.Second)
			if st, err := w.r.Status(t.Context()); err != nil || len(st.Leases) != 0 {
				t.Errorf("leases %+v, %v", st.Leases, err)
			}
			if err := w.r.Submit(t.Context(), artel.Hash{9}, s); !errors.Is(err, artel.ErrInvalid) || !strings.Contains(err.Error(), "has passed already") {
				t.Errorf("a deadline of yesterday: %v", err)
			}
			if err := w.r.Submit(t.Context(), id, s); err != nil {
				t.Errorf("the same job again: %v", err)
			}
		})
	})
}

// Nothing is begun that would not be done before the deadline, and the job does not
// wait for it then.
func TestNothingFitsBeforeTheDeadline(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			s := spec(50)
			s.Deadline = time.Now().Add(23 * time.Second).UnixMilli() // five tasks, and three seconds
			j, ts := w.end(w.submit(s), 40*time.Second)
			if j.Why != artel.ReasonDeadline || j.Done() != 5 {
				t.Errorf("%d tasks are done: %s", j.Done(), j.Message)
			}
			for _, task := range ts {
				for _, a := range task.Attempts {
					if a.Reason == artel.ReasonCancelled {
						t.Errorf("task %d was begun for nothing", task.Index)
					}
				}
			}
		})
	})
}

// A job that has enough ends well, whatever else has failed.
func TestEnough(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		w.sellers[0].exit = 1
		w.run(func() {
			s := spec(40)
			s.Enough, s.Tries = 5, 1
			j, _ := w.end(w.submit(s), 3*time.Minute)
			if j.Phase != job.Finished || j.Why != artel.ReasonEnough || j.Done() < 5 || j.Done() > 7 || j.Failed == 0 {
				t.Errorf("the job is %s: %s %s; %d done, %d failed", j.Phase, j.Why, j.Message, j.Done(), j.Failed)
			}
		})
	})
}

// A program that fails wherever it runs costs a few attempts and not one for each
// element.
func TestAProgramThatFailsEverywhere(t *testing.T) {
	live(t, 3, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.exit = 1
		}
		w.run(func() {
			j, ts := w.end(w.submit(spec(500)), 10*time.Minute)
			tries := 0
			for _, task := range ts {
				tries += len(task.Attempts)
				if task.State == job.Failed {
					nodes := map[artel.NodeID]bool{}
					for _, a := range task.Attempts {
						nodes[a.Node] = true
					}
					if len(nodes) != 3 {
						t.Errorf("task %d failed on %d hosts", task.Index, len(nodes))
					}
				}
			}
			if j.Phase != job.Cancelled || j.Why != artel.ReasonProgram || j.Failed < 3 || tries > 20 || !strings.Contains(j.Message, "it is the program") {
				t.Errorf("the job is %s: %s %s; %d failed in %d attempts", j.Phase, j.Why, j.Message, j.Failed, tries)
			}
		})
	})
}

// The renter's process ends at each of its stores in turn while a task is out twice:
// each task is done once, by a receipt of the host that it names.
func TestCrashAtEveryStoreOfACopy(t *testing.T) {
	most, won := 0, 0
	for at := 1; at <= max(most, 1); at++ {
		live(t, 3, func(t *testing.T, w *world) {
			w.sellers[0].slow(1, time.Hour)
			w.store.crash = func() error {
				if w.store.saves == at {
					return errCrash
				}
				return nil
			}
			w.run(func() {
				s, id := spec(5), artel.Keccak([]byte("job"))
				s.Wall = 100_000
				for _, x := range w.sellers {
					x.offer.MaxUnpaid = artel.Cost(unitPrice, 10*s.Wall)
				}
				for range 10 { // the crash may take the answer with it
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					_ = w.renter().Submit(ctx, id, s)
					cancel()
					time.Sleep(time.Second)
				}
				var j job.Job
				var ts []job.Task
				for range 600 {
					time.Sleep(time.Second)
					var err error
					if j, ts, err = w.store.Job(t.Context(), id); err == nil && j.Phase != job.Active {
						break
					}
				}
				if j.Phase != job.Finished || j.Failed != 0 || j.Open != 0 {
					t.Fatalf("crash at store %d: the job is %s, %d open: %+v", at, j.Phase, j.Open, ts)
				}
				for _, task := range ts {
					a := task.Attempts[task.Receipt.Result.Attempt-1]
					if task.State != job.Done || a.Node != task.Node || a.Reason != artel.ReasonExited {
						t.Errorf("crash at store %d: task %d is %s by %s: %+v", at, task.Index, task.State, task.Node.Short(), task.Attempts)
					}
					if a.Copy {
						won++
					}
				}
			})
			most = max(most, w.store.saves)
		})
	}
	if most < 10 || won == 0 {
		t.Errorf("%d stores, %d copies were first: nothing was shown", most, won)
	}
}
