package simtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

var update = flag.Bool("update", false, "write the stories of testdata anew")

// TestStories plays what may happen to a job, one thing at a time, and compares
// every word of it with testdata: two providers, p0 the cheaper one, and a
// renter.
func TestStories(t *testing.T) {
	for _, s := range []struct {
		name string
		play func(w *world, p0, p1, r *node)
	}{
		{"happy", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 4, 9*time.Second, true))
		}},
		{"killed", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 2, 10103*time.Millisecond, true))
			time.Sleep(5 * time.Second)
			w.say("p0 is killed and stays down for a minute")
			p0.crash()
			time.Sleep(time.Minute)
			w.say("p0 is back")
			p0.start()
		}},
		{"unsent-voucher", func(w *world, p0, p1, r *node) {
			stored, dead := make(chan struct{}), make(chan struct{})
			var once sync.Once
			r.before = func(method string) {
				if method == wire.MethodPay {
					once.Do(func() { close(stored) })
					<-dead
				}
			}
			r.submit(spec("render", 1, 10103*time.Millisecond, true))
			<-stored
			w.say("r0 is killed: its voucher is stored and not sent")
			r.stop()
			close(dead)
			r.crash()
			r.before = nil
			time.Sleep(3 * time.Second)
			w.say("r0 is back")
			r.start()
		}},
		{"late-receipt", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 1, 10103*time.Millisecond, true))
			time.Sleep(5 * time.Second)
			w.say("p0 is cut off for half a minute")
			w.net.Partition([]artel.NodeID{p0.key.NodeID()})
			time.Sleep(25 * time.Second)
			w.say("p0 can be reached again")
			w.net.Heal()
		}},
		{"lost-answer", func(w *world, p0, p1, r *node) {
			bad, good := mem.Link{Latency: 23 * time.Millisecond, LoseAnswer: 1}, mem.Link{Latency: 23 * time.Millisecond}
			w.say("p0's answers are lost for ten seconds")
			w.net.SetPair(p0.key.NodeID(), r.key.NodeID(), bad)
			r.submit(spec("render", 2, 9*time.Second, true))
			time.Sleep(10 * time.Second)
			w.say("p0's answers arrive again")
			w.net.SetPair(p0.key.NodeID(), r.key.NodeID(), good)
		}},
		{"keeps-keys", func(w *world, p0, p1, r *node) {
			w.say("p0 takes vouchers and keeps the keys")
			p0.habit = keyless
			r.submit(spec("render", 2, 9*time.Second, true))
		}},
		{"renters-clock-is-fast", func(w *world, p0, p1, r *node) {
			w.say("r0's clock is 12 minutes ahead")
			r.crash()
			r.set(12 * time.Minute)
			r.start()
			r.submit(spec("render", 1, 9*time.Second, true))
			time.Sleep(5 * time.Second)
			w.say("r0's clock is set")
			r.crash()
			r.set(0)
			r.start()
		}},
		{"renters-clock-is-slow", func(w *world, p0, p1, r *node) {
			w.say("r0's clock is 8 minutes behind")
			r.crash()
			r.set(-8 * time.Minute)
			r.start()
			r.submit(spec("render", 1, 9*time.Second, true))
			time.Sleep(5 * time.Second)
			w.say("r0's clock is set")
			r.crash()
			r.set(0)
			r.start()
		}},
		{"providers-clock-is-slow", func(w *world, p0, p1, r *node) {
			w.say("p0's clock is 6 minutes behind")
			p0.crash()
			p0.set(-6 * time.Minute)
			p0.start()
			synctest.Wait() // until it can be called
			r.submit(spec("render", 2, 9*time.Second, true))
		}},
		{"clocks-are-apart", func(w *world, p0, p1, r *node) {
			w.say("p0's clock is 4 minutes ahead, that of r0 4 minutes behind")
			p0.crash()
			r.crash()
			p0.set(4 * time.Minute)
			r.set(-4 * time.Minute)
			r.start()
			p0.start()
			time.Sleep(time.Second)
			r.submit(spec("render", 1, 9*time.Second, true))
		}},
		{"renters-clock-leaps-back", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 1, 10103*time.Millisecond, true))
			time.Sleep(5 * time.Second)
			w.say("r0's clock is set back by an hour, and p0 dies")
			r.set(-time.Hour)
			p0.crash()
			time.Sleep(30 * time.Second)
			w.say("r0's clock is set right")
			r.set(0)
		}},
		{"renters-clock-was-fast", func(w *world, p0, p1, r *node) {
			w.say("r0's clock is set ahead by an hour")
			r.set(time.Hour)
			r.submit(spec("render", 1, 9*time.Second, true))
			time.Sleep(40 * time.Second)
			w.say("r0's clock is set right, offers come again")
			r.set(0)
			for _, p := range w.providers() {
				p.p.SetPolicy(p.policy)
			}
		}},
		{"providers-clock-leaps", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 2, 9*time.Second, true))
			time.Sleep(5 * time.Second)
			w.say("p0's clock is set ahead by an hour")
			p0.set(time.Hour)
			time.Sleep(5 * time.Second)
			w.say("p0's clock is set back by two")
			p0.set(-time.Hour)
			time.Sleep(5 * time.Second)
			w.say("p0's clock is set right")
			p0.set(0)
		}},
		{"dies-before-the-key", func(w *world, p0, p1, r *node) {
			w.say("p0 will die when it is asked for the key")
			dieAt(w, p0, r, time.Minute)
			r.submit(eager("render", 2))
		}},
		{"back-with-the-key", func(w *world, p0, p1, r *node) {
			w.say("p0 will be cut off for six seconds when it is asked for the key")
			cutAt(w, p0, r, 6*time.Second)
			r.submit(eager("render", 1))
		}},
		{"budget-is-enough", func(w *world, p0, p1, r *node) {
			sp := spec("render", 2, 9*time.Second, true)
			sp.Budget = artel.Cost(base, unit+15_000)
			r.submit(sp)
		}},
		{"budget-runs-out", func(w *world, p0, p1, r *node) {
			sp := spec("render", 3, 50*time.Second, true)
			sp.Budget = artel.Cost(base, unit+30_000)
			r.submit(sp)
		}},
		{"held-beyond-the-budget", func(w *world, p0, p1, r *node) {
			for _, p := range w.providers() {
				p.policy.Resources.Slots, p.policy.MaxUnpaid = 4, artel.Cost(p.policy.Price, 10*unit)
				p.prov.maxUnpaid = p.policy.MaxUnpaid
				p.p.SetPolicy(p.policy)
			}
			time.Sleep(time.Second)
			w.say("four tasks, one of them long: its machine's other slots are held")
			sp := spec("render", 4, 4*time.Second, true)
			sp.Args[0], sp.Args[1] = "4s", "long-0"
			sp.Wall, sp.Budget = 41_000, artel.Cost(base, 4*41_000)
			r.submit(sp)
		}},
		{"broken-program", func(w *world, p0, p1, r *node) {
			w.say("p1 is down: p0 is the only provider")
			p1.crash()
			r.submit(spec("broken", 1, 9*time.Second, false))
		}},
		{"given-back", func(w *world, p0, p1, r *node) {
			w.say("p1 is down: p0 is the only provider")
			p1.crash()
			r.submit(spec("render", 1, 10103*time.Millisecond, true))
			for !p0.waiving() {
				time.Sleep(100 * time.Millisecond)
			}
			w.say("p0 is killed: its waiver is stored and not sent")
			p0.crash()
			time.Sleep(3 * time.Second)
			w.say("p0 is back")
			p0.start()
			time.Sleep(313 * time.Millisecond)
			r.submit(spec("again", 1, 10103*time.Millisecond, true))
			time.Sleep(30 * time.Second)
			w.chain.Lanes(func(_ chain.LaneKey, l chain.Lane) bool {
				w.say("the lane is in epoch %d", l.Epoch)
				return true
			})
		}},
		{"old-backup", func(w *world, p0, p1, r *node) {
			r.submit(spec("render", 3, 10103*time.Millisecond, true))
			time.Sleep(5 * time.Second)
			w.say("r0's disk is copied")
			backup := r.rent.copyOf()
			time.Sleep(8 * time.Second)
			w.say("r0's disk breaks, the copy takes its place")
			r.crash()
			r.rent, r.restored = backup, true
			r.start()
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			story := newStory(true)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 2, 1, story)
				w.patient = s.name == "given-back"
				p0, p1, r := w.nodes[0], w.nodes[1], w.nodes[2]
				for i, p := range w.providers() {
					p.policy.Price, p.policy.Prepay, p.policy.Resources.Slots, p.policy.Remember = base*artel.Price(i+1), false, 1, 0
					p.policy.MaxUnpaid = artel.Cost(p.policy.Price, 2*unit)
					p.prov.maxUnpaid = p.policy.MaxUnpaid
				}
				// Odd times keep apart what nothing orders, so that a story is always
				// told in the same words.
				w.net.SetPair(p0.key.NodeID(), r.key.NodeID(), mem.Link{Latency: 23 * time.Millisecond})
				w.net.SetPair(p1.key.NodeID(), r.key.NodeID(), mem.Link{Latency: 41 * time.Millisecond})
				r.start()
				time.Sleep(1007 * time.Millisecond)
				p0.start()
				time.Sleep(13 * time.Millisecond)
				p1.start()
				r.deposit()
				time.Sleep(3119 * time.Millisecond)
				s.play(w, p0, p1, r)
				broken := append(w.ended(), w.home()...)
				w.outcome()
				for _, n := range w.nodes {
					n.crash()
				}
				for _, b := range append(broken, w.check()...) {
					t.Error(b)
				}
			})
			compare(t, filepath.Join("testdata", s.name+".txt"), story.text(true))
		})
	}
}

// waiving reports whether a waiver is stored on a provider's disk.
func (n *node) waiving() bool {
	n.prov.mu.Lock()
	defer n.prov.mu.Unlock()
	for _, row := range n.prov.lanes {
		if row.Waiving {
			return true
		}
	}
	return false
}

// eager is a job that fails over fast.
func eager(name string, count uint64) artel.JobSpec {
	s := spec(name, count, 9*time.Second, true)
	s.Failover = artel.FailoverFast
	return s
}

// asked calls f when r is about to ask for the first key.
func asked(r *node, f func()) {
	var once sync.Once
	r.before = func(method string) {
		if method == wire.MethodPay {
			once.Do(f)
		}
	}
}

func dieAt(w *world, p, r *node, down time.Duration) {
	asked(r, func() {
		w.say("%s is killed", p.name)
		p.stop()
		go func() {
			p.crash()
			time.Sleep(down)
			w.say("%s is back", p.name)
			p.start()
		}()
	})
}

func cutAt(w *world, p, r *node, off time.Duration) {
	asked(r, func() {
		w.say("%s is cut off", p.name)
		w.net.Partition([]artel.NodeID{p.key.NodeID()})
		time.AfterFunc(off, func() {
			w.say("%s can be reached again", p.name)
			w.net.Heal()
		})
	})
}

// outcome ends a story with what became of its jobs and of the money.
func (w *world) outcome() {
	ctx := context.Background()
	for _, r := range w.renters() {
		jobs, _ := r.r.Jobs(ctx, 10)
		for _, j := range jobs {
			_, tasks, _ := r.r.Job(ctx, j.ID)
			if !j.Spec.Budget.IsZero() {
				w.conclude("job is %s (%s), %s units of %s promised", j.Phase, j.Message, j.Vouched, j.Spec.Budget)
			}
			for _, t := range tasks {
				var tries []string
				for _, a := range t.Attempts {
					tries = append(tries, fmt.Sprintf("%s %s", w.named(a.Node), a.Reason))
				}
				w.conclude("task %d is %s by %s, tried: %s", t.Index, t.State, w.named(t.Node), strings.Join(tries, ", "))
			}
		}
		a, _ := r.ledger.Account(ctx, r.key.Address())
		w.conclude("%s has %s of %d units left", r.name, a.Deposit, fund)
	}
	for _, p := range w.providers() {
		a, _ := p.ledger.Account(ctx, p.key.Address())
		due := artel.Amount{}
		for _, b := range p.prov.lanes {
			due = due.Add(b.Due())
		}
		w.conclude("%s has earned %s units, due were %s", p.name, a.Earned, due)
	}
}

func (w *world) conclude(format string, args ...any) {
	w.story.end = append(w.story.end, fmt.Sprintf(format, args...))
}

func (w *world) named(id artel.NodeID) string {
	for _, n := range w.nodes {
		if n.key.NodeID() == id {
			return n.name
		}
	}
	return "nobody"
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the story has changed; hint: go test ./internal/simtest -run TestStories -update, and read the difference\n%s", got)
	}
}
