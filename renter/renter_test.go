package renter

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

func TestSubmitRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*artel.JobSpec)
		want   string
	}{
		{"no program", func(j *artel.JobSpec) { j.Program = artel.Ref{} }, "--wasm FILE"},
		{"no tasks", func(j *artel.JobSpec) { j.Count = 0 }, "want 1 to 1,000,000"},
		{"too many tasks", func(j *artel.JobSpec) { j.Count = 1_000_001 }, "want 1 to 1,000,000"},
		{"no limit", func(j *artel.JobSpec) { j.Wall = 0 }, "--timeout"},
		{"a limit of ages", func(j *artel.JobSpec) { j.Wall = artel.MaxUnit + 1 }, "--timeout"},
		{"no sandbox", func(j *artel.JobSpec) { j.Sandbox = "" }, "names no sandbox"},
		{"no tries", func(j *artel.JobSpec) { j.Tries = 0 }, "--tries"},
		{"a heartbeat slower than the end", func(j *artel.JobSpec) { j.Failover.Replace = 1 }, "heartbeat ≤ suspect ≤ replace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 0, func(t *testing.T, w *world) {
				w.run(func() {
					s := spec(1)
					c.change(&s)
					err := w.r.Submit(t.Context(), artel.Hash{1}, s)
					if !errors.Is(err, artel.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
						t.Errorf("got %v, want %q", err, c.want)
					}
					if _, _, err := w.r.Job(t.Context(), artel.Hash{1}); !errors.Is(err, ErrNoJob) {
						t.Errorf("a refused job is kept: %v", err)
					}
				})
			})
		})
	}
}

func TestSubmitTwiceIsOneJob(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(spec(2))
			if err := w.r.Submit(t.Context(), id, spec(2)); err != nil {
				t.Fatal(err)
			}
			j, ts := w.end(id, time.Minute)
			if j.Phase != job.Finished || len(ts) != 2 || w.sellers[0].did(wire.MethodStart) > 2 {
				t.Errorf("the job is %s with %d tasks after %d starts", j.Phase, len(ts), w.sellers[0].did(wire.MethodStart))
			}
			if err := w.r.Submit(t.Context(), id, spec(2)); err != nil {
				t.Errorf("a job that is over, once more: %v", err)
			}
		})
	})
}

func TestCancel(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			if err := w.r.Cancel(t.Context(), artel.Hash{9}, "why not"); !errors.Is(err, ErrNoJob) {
				t.Errorf("nobody's job: %v", err)
			}
			id := w.submit(spec(3))
			time.Sleep(time.Second)
			if err := w.r.Cancel(t.Context(), id, "no longer wanted"); err != nil {
				t.Fatal(err)
			}
			j, ts := w.end(id, time.Second)
			if j.Phase != job.Cancelled || j.Message != "no longer wanted" {
				t.Errorf("the job is %s: %s", j.Phase, j.Message)
			}
			time.Sleep(20 * time.Second)
			_, ts, err := w.r.Job(t.Context(), id)
			if err != nil || ts[0].Attempts[0].Reason != artel.ReasonCancelled || len(ts[1].Attempts) != 0 {
				t.Errorf("tasks %+v, error %v", ts, err)
			}
			s := w.sellers[0]
			if s.did(wire.MethodCancel) != 1 || s.did(wire.MethodClose) == 0 {
				t.Errorf("the provider heard %v", s.calls)
			}
		})
	})
}

// A job is forgotten when it is over and its machines are paid, and not before.
func TestRemove(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			if err := w.r.Remove(t.Context(), artel.Hash{9}); !errors.Is(err, ErrNoJob) {
				t.Errorf("nobody's job: %v", err)
			}
			id := w.submit(spec(2))
			time.Sleep(time.Second)
			if err := w.r.Remove(t.Context(), id); !errors.Is(err, ErrJobOpen) {
				t.Errorf("a job that runs: %v", err)
			}
			w.end(id, time.Minute)
			if err := w.r.Remove(t.Context(), id); !errors.Is(err, ErrJobOpen) {
				t.Errorf("a job whose lease is open: %v", err)
			}
			time.Sleep(2 * time.Minute)
			if err := w.r.Remove(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, _, err := w.r.Job(t.Context(), id); !errors.Is(err, ErrNoJob) {
				t.Errorf("a forgotten job: %v", err)
			}
			if js, err := w.r.Jobs(t.Context(), 10); err != nil || len(js) != 0 {
				t.Errorf("jobs: %v, %v", js, err)
			}
		})
	})
}

func TestRecoverOutdoesAFasterClock(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		s := w.sellers[0]
		number := artel.LaneNumber(w.key.Address(), 77)
		ours := artel.Voucher{Renter: w.key.Address(), Provider: s.key.Address(), Lane: number, Cumulative: artel.Units(500)}
		least := uint64(unixMilli()) + 9*60*1000 // the lost installation's clock was 9 minutes ahead
		var asked []uint64
		s.recover = func(m wire.RecoverRequest) (resp wire.RecoverResponse, err error) {
			if asked = append(asked, m.Generation); m.Generation < least {
				return resp, p2p.Errorf(p2p.Conflict, "generation %d was replaced by %d", m.Generation, least)
			}
			resp.Lanes = []wire.HeldLane{{Lane: number, Voucher: &wire.SignedVoucher{Voucher: ours, Signature: w.key.Sign(ours.Digest(s.params.Domain()))}}}
			return resp, nil
		}
		liar := w.sellers[1]
		liar.recover = func(wire.RecoverRequest) (resp wire.RecoverResponse, err error) {
			v := artel.Voucher{Renter: w.key.Address(), Provider: liar.key.Address(), Lane: number, Cumulative: artel.Units(900)}
			resp.Lanes = []wire.HeldLane{{Lane: number, Voucher: &wire.SignedVoucher{Voucher: v, Signature: liar.key.Sign(v.Digest(liar.params.Domain()))}}}
			return resp, nil
		}
		w.run(func() {
			nobody := testKey(99)
			nodes := map[artel.NodeID]artel.Address{s.key.NodeID(): s.key.Address(), liar.key.NodeID(): liar.key.Address(), nobody.NodeID(): nobody.Address()}
			found, err := w.r.Recover(t.Context(), nodes)
			if found != 2 || err == nil || !strings.Contains(err.Error(), nobody.NodeID().Short()) {
				t.Errorf("found %d lanes, error %v; want 2, and that one node did not answer", found, err)
			}
			if len(asked) != 2 || asked[1] < least {
				t.Errorf("asked with generations %v, at least %d was needed", asked, least)
			}
			st, err := w.r.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range st.Lanes {
				want := artel.Units(500)
				if b.Key.Provider == liar.key.Address() {
					want = artel.Amount{} // signed by itself
				}
				if b.Voucher != want {
					t.Errorf("the lane to %s is at %s, want %s", b.Key.Provider, b.Voucher, want)
				}
			}
		})
	})
}

// Each way to say no to a lease is told with its reason, and the job goes to the
// one who says yes.
func TestDenials(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(w *world, s *seller)
		want  []string
	}{
		{"it wants money", func(w *world, s *seller) {
			s.propose = func(wire.ProposeRequest) error {
				return p2p.Errorf(p2p.Unpaid, "the account is leaving").WithHint("cancel the exit")
			}
		}, []string{"the account is leaving", "hint: cancel the exit"}},
		{"it is full", func(w *world, s *seller) {
			s.propose = func(wire.ProposeRequest) error {
				return p2p.Errorf(p2p.Refused, "1 slots wanted, 0 are free").WithHint("another provider")
			}
		}, []string{"0 are free", "hint: another provider"}},
		{"it signs with another key", func(w *world, s *seller) {
			s.accept = func(sig artel.Signature) artel.Signature { return testKey(50).Sign(artel.Hash{1}) }
		}, []string{"countersigned by"}},
		{"its address is wrong", func(w *world, s *seller) { s.offer.Addrs = []string{"mem:nowhere"} }, []string{"connect"}},
		{"our clock is behind", func(w *world, s *seller) { w.skew = -10 * time.Minute }, []string{"this machine's clock is", "s behind the chain's", "hint: set the clock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 2, func(t *testing.T, w *world) {
				c.spoil(w, w.sellers[0])
				w.run(func() {
					id := w.submit(spec(1))
					time.Sleep(2 * time.Second)
					st, err := w.r.Status(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					i := slices.IndexFunc(st.Denied, func(d Denial) bool { return d.Node == w.sellers[0].key.NodeID() })
					if i < 0 {
						t.Fatalf("no word of it: %+v", st.Denied)
					}
					for _, want := range c.want {
						if got := st.Denied[i].Err.Error(); !strings.Contains(got, want) {
							t.Errorf("told %q, want %q", got, want)
						}
					}
					if w.skew != 0 {
						return // nobody can help
					}
					// A provider that answered nonsense is asked again later; the task is done
					// by the other one or by it.
					if j, ts := w.end(id, 3*time.Minute); j.Phase != job.Finished || ts[0].Node != w.sellers[1].key.NodeID() {
						t.Errorf("the job is %s by %s", j.Phase, ts[0].Node.Short())
					}
				})
			})
		})
	}
}

// What a bad provider does to an attempt is told with a reason, costs at most a
// unit, and the task is done elsewhere.
func TestBadProviders(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(s *seller)
		reason artel.Reason
		want   string
		paid   uint64 // most units that it gets
	}{
		{"refuses the task", func(s *seller) {
			s.start = func(lease.TaskKey) *wire.Refusal {
				return &wire.Refusal{Reason: artel.ReasonRefused, Message: "the owner has paused this machine"}
			}
		}, artel.ReasonRefused, "paused", 600},
		{"bills more than the clock saw", func(s *seller) {
			s.event = func(e *wire.Event) { e.Receipt.Usage.Wall += 3_000 }
		}, artel.ReasonGarbage, "for a task that was out for", 0},
		{"bills another sum", func(s *seller) {
			s.event = func(e *wire.Event) { e.Receipt.Due = e.Receipt.Due.Add(artel.Units(1)) }
		}, artel.ReasonGarbage, "by its own meter", 0},
		{"bills more than a unit", func(s *seller) {
			s.event = func(e *wire.Event) { e.Receipt.Usage.Wall = taskLimit + 1 }
		}, artel.ReasonGarbage, "a unit is", 0},
		{"signs another result", func(s *seller) {
			s.event = func(e *wire.Event) { e.Receipt.Result.OutputRoot[0] ^= 1 }
		}, artel.ReasonGarbage, "signed by", 0},
		{"signs another task", func(s *seller) {
			s.event = func(e *wire.Event) { e.Receipt.Result.Task++ }
		}, artel.ReasonGarbage, "another attempt", 0},
		{"loses an event", func(s *seller) {
			s.event = func(e *wire.Event) { e.Seq++ }
		}, artel.ReasonLost, "events are missing", 0},
		{"forgets the lease", func(s *seller) {
			s.watch = func(*wire.WatchResponse) error { return p2p.Errorf(p2p.NotFound, "no such lease") }
		}, artel.ReasonLost, "no such lease", 0},
		{"keeps the keys", func(s *seller) {
			s.output = true
			s.keys = func([]wire.OutputKey) []wire.OutputKey { return nil }
		}, artel.ReasonGarbage, "keeps the key", 1100},
		{"hands out wrong keys", func(s *seller) {
			s.output = true
			s.keys = func(ks []wire.OutputKey) []wire.OutputKey {
				for i := range ks {
					ks[i].Key = []byte("AGE-SECRET-KEY-1NOTTHEONE")
				}
				return ks
			}
		}, artel.ReasonGarbage, "", 1100},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 2, func(t *testing.T, w *world) {
				bad, good := w.sellers[0], w.sellers[1]
				c.spoil(bad)
				w.run(func() {
					s := spec(1)
					s.Providers = []artel.NodeID{bad.key.NodeID()}
					id := w.submit(s)
					time.Sleep(8 * time.Second)
					// Only now is there another one.
					if err := w.r.do(t.Context(), func(*tx) { w.r.jobs[id].Spec.Providers = nil }); err != nil {
						t.Fatal(err)
					}
					j, ts := w.end(id, 5*time.Minute)
					if j.Phase != job.Finished || ts[0].State != job.Done {
						t.Fatalf("the job is %s: %+v", j.Phase, ts)
					}
					a := ts[0].Attempts[0]
					if a.Node != bad.key.NodeID() || a.Reason != c.reason || !strings.Contains(a.Message, c.want) {
						t.Errorf("the attempt ended as %s: %q; want %s: %q", a.Reason, a.Message, c.reason, c.want)
					}
					if ts[0].Node != good.key.NodeID() || ts[0].Receipt == nil || ts[0].Receipt.Reason != artel.ReasonExited {
						t.Errorf("done by %s with %+v", ts[0].Node.Short(), ts[0].Receipt)
					}
					if got := bad.paid(); artel.Units(c.paid).Less(got) {
						t.Errorf("it was paid %s units, at most %d are its", got, c.paid)
					}
				})
			})
		})
	}
}

// A host that dies between its receipt and the output's key holds a task up no
// longer than the job's failover says.
func TestFailoverDoesNotWaitForKeys(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     artel.Failover
		least time.Duration
		most  time.Duration
	}{
		{"fast", artel.FailoverFast, 3 * time.Second, 5 * time.Second},
		{"normal", artel.FailoverNormal, 20 * time.Second, 22 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 2, func(t *testing.T, w *world) {
				bad, good := w.sellers[0], w.sellers[1]
				bad.output = true
				var died time.Time
				bad.keys = func([]wire.OutputKey) []wire.OutputKey {
					if died.IsZero() {
						died = time.Now()
						bad.stop()
					}
					return nil
				}
				w.run(func() {
					s := spec(1)
					s.Failover = c.f
					id := w.submit(s)
					j, ts := w.end(id, time.Minute)
					if j.Phase != job.Finished || ts[0].Node != good.key.NodeID() || len(ts[0].Attempts) != 2 {
						t.Fatalf("the job is %s: %+v", j.Phase, ts)
					}
					first, second := ts[0].Attempts[0], ts[0].Attempts[1]
					waited := time.UnixMilli(second.Sent).Sub(died)
					if !first.Fenced || first.Reason != artel.ReasonExited || waited < c.least-time.Duration(c.f.Heartbeat)*time.Millisecond || waited > c.most {
						t.Errorf("the first attempt ended as %s, fenced %t; the second began %v after the death", first.Reason, first.Fenced, waited)
					}
					if got := w.store.total(); artel.Units(2 * 1000).Less(got) {
						t.Errorf("%s units were promised for one task of at most 1000", got)
					}
				})
			})
		})
	}
}

// All that is promised because of a job stays within its budget, whatever is
// claimed.
func TestBudgetIsATotal(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget uint64
		count  uint64
		spoil  func(s *seller)
		phase  job.Phase
		say    string
	}{
		{"enough for all", 5000, 3, func(*seller) {}, job.Finished, ""},
		{"not for one", 900, 1, func(*seller) {}, job.Cancelled, "--budget"},
		{"for the first ones", 1500, 6, func(*seller) {}, job.Cancelled, "--budget"},
		{"it claims to have been held", 2500, 3, func(s *seller) { s.idles = 3_600_000 }, job.Finished, ""},
		{"it wants a unit ahead", 1700, 4, func(s *seller) { s.offer.Prepay = true }, job.Cancelled, "--budget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 1, func(t *testing.T, w *world) {
				c.spoil(w.sellers[0])
				w.run(func() {
					s := spec(c.count)
					s.Budget = artel.Units(c.budget)
					id := w.submit(s)
					j, ts := w.end(id, 10*time.Minute)
					time.Sleep(time.Minute) // its leases close
					j, _, err := w.r.Job(t.Context(), id)
					if err != nil || j.Phase != c.phase || !strings.Contains(j.Message, c.say) {
						t.Errorf("the job is %s: %q, error %v; want %s; tasks %+v", j.Phase, j.Message, err, c.phase, ts)
					}
					if got := w.store.total(); s.Budget.Less(got) || got != j.Vouched {
						t.Errorf("%s units of %s were promised, the job says %s", got, s.Budget, j.Vouched)
					}
					if j.Spent.Less(j.Vouched) && !w.sellers[0].offer.Prepay {
						t.Errorf("%s units were promised, %s were billed", j.Vouched, j.Spent)
					}
				})
			})
		})
	}
}

// A task of an impatient job on a lease of a patient one is watched as its own
// job wants.
func TestTheMostImpatientJobOfALeaseHasItsWay(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		s.offer.Resources.Slots = 2
		w.run(func() {
			patient := spec(2)
			patient.Parallel = 2
			w.submit(patient)
			time.Sleep(5 * time.Second)
			eager := spec(1)
			eager.Failover = artel.FailoverFast
			w.submit(eager)
			time.Sleep(2 * time.Second)
			s.stop()
			time.Sleep(8 * time.Second) // the question under way was asked with patience
			st, err := w.r.Status(t.Context())
			if err != nil || len(st.Leases) != 1 || !st.Leases[0].Silent {
				t.Errorf("leases %+v, error %v", st.Leases, err)
			}
			must(w.r.do(t.Context(), func(*tx) {
				for _, b := range w.r.leases {
					if b.failover != artel.FailoverFast {
						t.Errorf("the lease is watched by %+v", b.failover)
					}
				}
			}))
		})
	})
}

// Outputs that were kept are paid neither by their lease nor by the lane's next
// one, and nobody is told that they were paid.
func TestTheNextLeaseDoesNotPayForWhatWasKept(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		s := w.sellers[0]
		s.output, s.hides = true, true
		s.offer.Resources.Slots = 2
		var bases []artel.Amount
		s.propose = func(m wire.ProposeRequest) error {
			terms, err := wire.DecodeTerms(m.Terms)
			bases = append(bases, terms.Base.Ceil())
			return err
		}
		w.run(func() {
			id := w.submit(spec(2))
			time.Sleep(DefaultPolicy.Grace + 30*time.Second)
			if j, _, err := w.r.Job(t.Context(), id); err != nil || j.Spent != w.store.total() {
				t.Errorf("%s units count as spent, %s were promised, error %v", j.Spent, w.store.total(), err)
			}
			s.mu.Lock()
			s.hides = false
			s.mu.Unlock()
			j, ts := w.end(id, 10*time.Minute)
			if j.Phase != job.Finished || len(bases) != 2 {
				t.Fatalf("the job is %s after %d leases: %+v", j.Phase, len(bases), ts)
			}
			const unit = 400 // units that a task comes to
			if artel.Units(unit).Less(bases[1]) {
				t.Errorf("the second lease begins at %s units, of two kept outputs of %d each", bases[1], unit)
			}
			for _, x := range ts {
				if a := x.Attempts[0]; a.Reason != artel.ReasonGarbage || !strings.Contains(a.Message, "the output did not come") || !x.Spent.Less(artel.Units(2*unit)) {
					t.Errorf("task %d: %s: %q; %s units are due for it", x.Index, a.Reason, a.Message, x.Spent)
				}
			}
			time.Sleep(time.Minute) // the lease closes
			if j, _, err := w.r.Job(t.Context(), id); err != nil || j.Spent != w.store.total() || j.Spent != s.paid() {
				t.Errorf("%s units count as spent, %s were promised, the provider holds %s, error %v", j.Spent, w.store.total(), s.paid(), err)
			}
		})
	})
}

// Tasks whose arguments together are longer than a message go in several.
func TestLongArgumentsGoInSeveralMessages(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		const tasks = 100
		s := w.sellers[0]
		s.offer.Resources.Slots = tasks
		s.offer.Price = unitPrice / tasks
		w.run(func() {
			j := spec(tasks)
			j.Args = []string{strings.Repeat("x", artel.MaxArgsBytes-100)}
			id := w.submit(j)
			time.Sleep(time.Minute)
			if j, ts, err := w.r.Job(t.Context(), id); err != nil || j.Phase != job.Finished || len(ts[0].Attempts) != 1 {
				t.Errorf("the job is %s, %d tasks are open, error %v", j.Phase, j.Open, err)
			}
			if n := s.did(wire.MethodStart); n < 2 {
				t.Errorf("%d messages for %d MiB", n, tasks*artel.MaxArgsBytes>>20)
			}
		})
	})
}

// A host that never got a task and was silent meanwhile gets it when it is back, and is
// told at once that nobody wants it: else its lease would wait for the task's limit.
func TestStartsThatWereLost(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		s, until := w.sellers[0], time.Time{}
		s.takes = func(lease.Running) time.Duration { return 30 * time.Minute }
		away := func() error {
			if time.Now().Before(until) {
				return p2p.Errorf(p2p.Unavailable, "nobody is here")
			}
			return nil
		}
		s.take = func() error {
			if until.IsZero() {
				until = time.Now().Add(time.Minute)
			}
			return away()
		}
		s.watch = func(*wire.WatchResponse) error { return away() }
		w.run(func() {
			q := spec(1)
			q.Wall = uint64(time.Hour.Milliseconds())
			id := w.submit(q)
			time.Sleep(3 * time.Minute)
			_, ts, err := w.r.Job(t.Context(), id)
			must(err)
			if at := ts[0].Attempts; len(at) != 2 || !at[0].Fenced || at[0].Reason != artel.ReasonCancelled || at[1].Ended != 0 {
				t.Errorf("%+v", at)
			}
			must(w.r.do(t.Context(), func(*tx) {
				for _, b := range w.r.leases {
					if b.node == s.key.NodeID() {
						t.Errorf("its lease is %s, with %+v", b.Phase, b.Outstanding)
					}
				}
			}))
			if s.did("lease.cancel") == 0 {
				t.Error("nothing was cancelled")
			}
		})
	})
}
