package renter

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
)

// Nobody who could show the journal was asked, or all who hold it say that they have
// none: what runs is left alone, and goes on when the journal comes to light.
func TestWithoutAJournalNothingIsClosed(t *testing.T) {
	for name, hide := range map[string]func(w *world) (ask []artel.Keeper, show func()){
		"nobody is asked": func(*world) ([]artel.Keeper, func()) { return nil, func() {} },
		"all hide it": func(w *world) (ask []artel.Keeper, show func()) {
			w.vault.mu.Lock()
			defer w.vault.mu.Unlock()
			held := w.vault.held
			w.vault.held = newVault().held
			for _, s := range w.sellers {
				ask = append(ask, artel.Keeper{Node: s.key.NodeID(), Addrs: s.offer.Addrs})
			}
			return ask, func() {
				w.vault.mu.Lock()
				w.vault.held = held
				w.vault.mu.Unlock()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			journalled(t, 3, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(longSpec(""))
					time.Sleep(25 * time.Second)
					w.lose()
					ask, show := hide(w)
					nodes := map[artel.NodeID]artel.Address{}
					for _, s := range w.sellers {
						nodes[s.key.NodeID()] = s.key.Address()
					}
					if n, err := w.renter().Recover(t.Context(), nodes); err != nil || n != 1 {
						t.Fatalf("%d lanes, %v", n, err)
					}
					if got, err := w.renter().TakeUp(t.Context(), ask); err != nil || got.Closed != 0 || len(got.Jobs) != 0 {
						t.Fatalf("taken up: %+v, %v", got, err)
					}
					show()
					if got := w.come(); len(got.Jobs) != 1 || got.Jobs[0].Running != 1 {
						t.Fatalf("taken up: %+v", got)
					}
					j, ts := w.end(id, 2*time.Minute)
					if j.Phase != job.Finished || len(ts[0].Attempts) != 1 {
						t.Errorf("%s: %+v", j.Phase, ts[0])
					}
				})
			})
		})
	}
}

// keepsJournal counts the machines that hold a journal of the renter's.
func (w *world) keepsJournal() (n int) {
	r := w.renter()
	name := r.journalName(w.meta().ownJournal())
	w.vault.mu.Lock()
	defer w.vault.mu.Unlock()
	for _, hs := range w.vault.held {
		for _, h := range hs {
			if h.Grant.Task == name {
				n++
				break
			}
		}
	}
	return n
}

// A job ends, and the next begins before all keepers were told to let go of the journal:
// what they are told late does not take the next one's journal away.
func TestLettingGoOfAJournalIsNotLate(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(55 * time.Second)
			cut := func(lose float64) {
				for _, s := range w.sellers[1:] {
					w.net.SetPair(w.key.NodeID(), s.key.NodeID(), mem.Link{LoseRequest: lose, LoseAnswer: lose})
				}
			}
			cut(1)
			w.end(id, 2*time.Minute)
			for len(w.meta().JournalAt) > 0 { // it is dropped here
				time.Sleep(50 * time.Millisecond)
			}
			time.Sleep(20 * time.Second)
			cut(0)
			for _, s := range w.sellers { // the next is a task that says nothing for long
				s.saves.work, s.saves.every = 10*time.Minute, 5*time.Minute
			}
			sp := longSpec("")
			sp.Wall, sp.Survival.Min, sp.Survival.Max = 900_000, 300_000, 300_000
			w.submit(sp)
			time.Sleep(20 * time.Second)
			before := w.keepsJournal()
			time.Sleep(2 * time.Minute)
			if n := w.keepsJournal(); n < before || n == 0 {
				t.Fatalf("%d keep the journal of what runs, %d did", n, before)
			}
		})
	})
}

// crash ends the renter as kill -9 does, between two of its writes: the next one begins
// with what was stored.
func (w *world) kill() {
	was := w.renter()
	w.store.mu.Lock()
	w.store.crash = func() error { w.store.crash = nil; return errCrash } // with mu held
	w.store.mu.Unlock()
	for w.renter() == was {
		was.post(func(t *tx) { m := was.meta; t.change.Meta = &m })
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
}

// A keeper is away when a job ends, and the renter is restarted before it is back: the
// journal is let go of all the same. Else whoever recovers within a month runs the job
// once more, and pays for it.
func TestPastJournalsGoAfterARestart(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(55 * time.Second)
			away := w.sellers[2].key.NodeID()
			w.net.SetPair(w.key.NodeID(), away, mem.Link{LoseRequest: 1, LoseAnswer: 1})
			w.end(id, 2*time.Minute)
			time.Sleep(10 * time.Second)
			w.kill()
			w.net.SetPair(w.key.NodeID(), away, mem.Link{})
			time.Sleep(2 * time.Minute)
			if n := w.keepsJournal(); n != 0 {
				t.Errorf("%d still keep the journal of a job that is over", n)
			}
			if m := w.meta(); len(m.Past) > 0 {
				t.Errorf("still to be told: %+v", m.Past)
			}
			w.lose()
			if got := w.come(); len(got.Jobs) != 0 {
				t.Errorf("what is over begins anew: %+v", got.Jobs)
			}
		})
	})
}

// A renter takes over an earlier one's jobs and is killed before keepers hold a journal
// of its own: the earlier one's is let go of when there is one.
func TestTakenJournalsGoAfterARestart(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(25 * time.Second)
			name := w.renter().journalName(w.meta().ownJournal())
			w.lose()
			keepersGo := func(gone bool) {
				w.vault.mu.Lock()
				defer w.vault.mu.Unlock()
				for _, s := range w.sellers {
					w.vault.gone[s.key.NodeID()] = gone
				}
			}
			keepersGo(true) // none takes a new journal
			if got := w.come(); len(got.Jobs) != 1 {
				t.Fatalf("taken up: %+v", got)
			}
			w.kill()
			keepersGo(false)
			w.end(id, 5*time.Minute)
			time.Sleep(2 * time.Minute)
			w.vault.mu.Lock()
			defer w.vault.mu.Unlock()
			for n, hs := range w.vault.held {
				for _, h := range hs {
					if h.Grant.Task == name {
						t.Errorf("%s still keeps the journal that was taken over", n.Short())
					}
				}
			}
		})
	})
}

// A renter is lost minutes after its last journal. A service that it had checked
// meanwhile has earned more than the journal can know: it is paid, and serves on.
func TestTakesUpAServiceOfAnOldJournal(t *testing.T) {
	journalled(t, 2, func(t *testing.T, w *world) {
		for _, s := range w.sellers {
			s.offer.MaxUnpaid = artel.Cost(unitPrice, 10_000_000)
		}
		w.run(func() {
			id := w.submit(webSpec(1))
			time.Sleep(80 * time.Second)
			if w.keepsJournal() == 0 {
				t.Fatal("nobody keeps a journal")
			}
			keepersGo := func(gone bool) {
				w.vault.mu.Lock()
				defer w.vault.mu.Unlock()
				for _, s := range w.sellers {
					w.vault.gone[s.key.NodeID()] = gone
				}
			}
			keepersGo(true)
			time.Sleep(25 * time.Second)
			w.lose()
			keepersGo(false)
			if got := w.come(); len(got.Jobs) != 1 || got.Leases != 1 {
				t.Fatalf("taken up: %+v", got)
			}
			time.Sleep(time.Minute)
			if on := w.healthy(id); len(on) != 1 {
				t.Errorf("healthy on %v", on)
			}
			if task := w.taskOf(id); len(task.Attempts) != 1 {
				t.Errorf("the replica was replaced: %+v", task.Attempts)
			}
		})
	})
}

// The lost machine's clock was ahead when it was recovered: providers follow a generation
// of that time. The next installation takes it from the journal, and is followed.
func TestGenerationOfAClockThatWasAhead(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			must(w.renter().do(t.Context(), func(x *tx) {
				m := w.renter().meta
				m.Generation = uint64(x.now + 1000*time.Hour.Milliseconds())
				w.renter().setMeta(m)
				x.change.Meta = &m
			}))
			id := w.submit(longSpec(""))
			time.Sleep(25 * time.Second)
			was := w.meta().Generation
			w.lose()
			if got := w.come(); len(got.Jobs) != 1 {
				t.Fatalf("taken up: %+v", got)
			}
			if g := w.meta().Generation; g <= was {
				t.Errorf("generation %d after %d: providers refuse it", g, was)
			}
			w.end(id, 2*time.Minute)
		})
	})
}

// Services that run are listed, the newest first, and nothing else is.
func TestServicesAreListed(t *testing.T) {
	serving(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			old := w.submit(webSpec(1))
			time.Sleep(time.Second)
			w.submit(spec(1))
			s := webSpec(1)
			s.Name = "api"
			id := w.submit(s)
			for _, want := range [][]artel.Hash{{id, old}, {id}} {
				js, err := w.renter().Services(t.Context())
				if err != nil || len(js) != len(want) {
					t.Fatalf("%d services, want %d; %v", len(js), len(want), err)
				}
				for i := range js {
					if js[i].ID != want[i] {
						t.Errorf("service %d is %s, want %s", i, js[i].ID.Short(), want[i].Short())
					}
				}
				if len(want) == 2 {
					must(w.renter().StopService(t.Context(), old, "enough"))
					w.end(old, time.Minute)
				}
			}
		})
	})
}

// A service whose image comes for long has cost nothing yet: its budget is not used up.
func TestBudgetOfAServiceThatHasNotBegun(t *testing.T) {
	b := &bought{Bought: lease.Bought{
		Lease: artel.Lease{Rule: artel.RuleTime}, Terms: artel.Terms{Price: unitPrice, Unit: artel.ServiceWall, Risk: 16_000, Slots: 1},
		Heard: 600_000, Outstanding: []lease.Outstanding{{Sent: 1_000}},
	}}
	if got, most := b.costs(600_000), artel.Cost(unitPrice, 16_000+cancelWithin+graceFor); most.Less(got) {
		t.Errorf("ten minutes of waiting for an image may cost %s, want at most %s", got, most)
	}
}

// A keeper answers with thousands of holdings that it made up, or shows one a thousand
// times: little of it is remembered, and the journal is found beside them.
func TestKeepersThatMakeUpThousands(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(35 * time.Second)
			w.lose()
			w.vault.mu.Lock()
			liar := w.sellers[1]
			hs := w.vault.held[liar.key.NodeID()]
			if len(hs) == 0 {
				t.Fatal("it holds nothing")
			}
			all := slices.Clone(hs)
			for i := range 600 {
				h := hs[i%len(hs)]
				all = append(all, h) // once more
				h.Grant.Try += uint32(i) + 1000
				h.Grant.Signature = liar.key.Sign(h.Grant.Digest())
				all = append(all, h)
			}
			w.vault.held[liar.key.NodeID()] = all
			w.vault.mu.Unlock()
			got := w.come()
			if len(got.Jobs) != 1 || len(got.Refused) > 2*maxForged {
				t.Fatalf("taken up: %d jobs; refused: %d", len(got.Jobs), len(got.Refused))
			}
			if n := len(w.renter().granted(all)); n > maxSame*len(hs)+maxForged {
				t.Errorf("of %d holdings %d are remembered, %d are granted", len(all), n, len(hs))
			}
			w.end(id, 2*time.Minute)
		})
	})
}

// The daemon is away in the middle of an update: when it is back, the new version has its
// time to become healthy.
func TestAnUpdateOutlastsARestart(t *testing.T) {
	serving(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			old := w.submit(webSpec(1))
			time.Sleep(20 * time.Second)
			s := webSpec(1)
			s.Args, s.Service.Old = []string{"2"}, old
			var slow atomic.Bool
			slow.Store(true)
			for _, x := range w.sellers {
				x.mu.Lock()
				x.serves.bad = func(spec artel.TaskSpec) string {
					if slow.Load() && slices.Contains(spec.Args, "2") {
						return "not yet"
					}
					return ""
				}
				x.mu.Unlock()
			}
			id := w.submit(s)
			time.Sleep(2 * time.Second)
			w.store.mu.Lock()
			for _, h := range []artel.Hash{old, id} { // as if both had begun an hour ago
				j := w.store.jobs[h]
				j.Created, j.Grew = j.Created-3600_000, 0
				w.store.jobs[h] = j
			}
			w.store.mu.Unlock()
			w.kill()
			slow.Store(false)
			time.Sleep(time.Minute)
			if on := w.healthy(id); len(on) != 1 {
				t.Errorf("the new version is healthy on %v", on)
			}
		})
	})
}

// A job is over and forgotten, and a keeper that was away still shows its journal: it does
// not begin anew.
func TestWhatIsForgottenStaysSo(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(55 * time.Second)
			away := w.sellers[2].key.NodeID()
			w.net.SetPair(w.key.NodeID(), away, mem.Link{LoseRequest: 1, LoseAnswer: 1})
			w.end(id, 2*time.Minute)
			time.Sleep(20 * time.Second) // it was tried to tell the keeper, and is after a minute
			must(w.renter().Remove(t.Context(), id))
			w.net.SetPair(w.key.NodeID(), away, mem.Link{})
			if w.keepsJournal() == 0 {
				t.Fatal("nobody keeps it")
			}
			if got := w.come(); len(got.Jobs) != 0 {
				t.Errorf("it begins anew: %+v", got.Jobs)
			}
		})
	})
}
