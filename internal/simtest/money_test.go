package simtest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
)

// moneyWorld is one renter with the daemon's policy on a ledger with the delay of a day,
// and providers of one slot each.
func moneyWorld(seed uint64, providers int) (w *world, r *node) {
	w = newWorld(seed, providers, 1, newStory(*full))
	w.calm = true
	w.net.SetLink(mem.Link{Latency: 30 * time.Millisecond, Jitter: 20 * time.Millisecond})
	for _, p := range w.providers() {
		p.policy.Price, p.policy.Prepay, p.policy.MinRedeem, p.policy.Resources.Slots = base, false, artel.Amount{}, 1
		p.policy.MaxUnpaid, p.policy.MaxUnit, p.policy.Remember = artel.Cost(base, 4*unit), 4*unit, 0
		p.prov.maxUnpaid = p.policy.MaxUnpaid
	}
	return w, w.nodes[providers]
}

// perSecond is the price of a second at base.
const perSecond = time.Duration(base / 1_000_000)

// unused is what is booked on each lane and promised to nobody, in time of one slot.
func (w *world) unused(of *node) map[lease.Key]time.Duration {
	out := map[lease.Key]time.Duration{}
	of.rent.mu.Lock()
	defer of.rent.mu.Unlock()
	w.chain.Lanes(func(k chain.LaneKey, l chain.Lane) bool {
		if b := of.rent.books[lease.Key(k)]; b.Voucher.Less(l.Cap) {
			sum, _ := l.Cap.Sub(b.Voucher).Uint64()
			out[lease.Key(k)] = time.Duration(sum) * time.Second / perSecond
		}
		return true
	})
	return out
}

// vanish has a provider go while it works, and returns how long it takes until its tasks,
// and the money that was not booked for them, are free to be used elsewhere, and until the
// release of what was booked is on the ledger.
func vanish(seed uint64) (free, released time.Duration, broken []string) {
	w, r := moneyWorld(seed, 4)
	for _, n := range slices.Backward(w.nodes) {
		n.start()
	}
	defer func() {
		for _, n := range w.nodes {
			n.crash()
		}
	}()
	r.deposit()
	time.Sleep(3 * time.Second)
	r.submit(spec("long", 60, 50*time.Second, false))
	time.Sleep(7*time.Minute + time.Duration(w.rng.Int64N(int64(time.Minute))))
	var gone *node
	for k := range w.unused(r) {
		for _, p := range w.providers() {
			if p.key.Address() == k.Provider && (gone == nil || p.name < gone.name) {
				gone = p
			}
		}
	}
	if gone == nil {
		return 0, 0, []string{"nothing is booked"}
	}
	began := time.Now()
	gone.crash()
	for ; time.Since(began) < 3*time.Hour && (free == 0 || released == 0); time.Sleep(100 * time.Millisecond) {
		if free == 0 && w.left(r, gone) {
			free = time.Since(began)
		}
		w.chain.Lanes(func(k chain.LaneKey, l chain.Lane) bool {
			if k.Provider == gone.key.Address() && l.ReleaseAt != 0 && released == 0 {
				released = time.Since(began)
			}
			return true
		})
	}
	if free == 0 || released == 0 {
		broken = append(broken, "the money did not come home within three hours")
	}
	return free, released, broken
}

// left reports whether every task that a machine had is free for another one: what was
// promised for it and not booked is there for that.
func (w *world) left(r, gone *node) bool {
	js, err := r.r.Jobs(context.Background(), 1)
	if err != nil || len(js) == 0 {
		return false
	}
	_, tasks, err := r.r.Job(context.Background(), js[0].ID)
	if err != nil {
		return false
	}
	for _, t := range tasks {
		if t.State == job.Done || t.State == job.Failed || len(t.Attempts) == 0 {
			continue
		}
		if last := t.Attempts[len(t.Attempts)-1]; last.Node == gone.key.NodeID() && !last.Fenced {
			return false
		}
	}
	return true
}

// A provider vanishes: what was promised to it and not booked can be used elsewhere, and
// what was booked is called home, within two minutes and with nobody there.
func TestMoneyOfWhoVanished(t *testing.T) {
	for seed := range uint64(*vanishes) {
		synctest.Test(t, func(t *testing.T) {
			free, released, broken := vanish(seed + 1)
			for _, b := range broken {
				t.Error(b)
			}
			t.Logf("vanished %d: free after %.1f s, released after %.1f s", seed+1, free.Seconds(), released.Seconds())
			if free > time.Minute || released > 2*time.Minute { // of virtual time
				t.Errorf("seed %d: the tasks are free after %s, the release is on the ledger after %s", seed+1, free, released)
			}
		})
	}
}

var vanishes = flag.Int("sim.vanish", 5, "how often TestMoneyOfWhoVanished has a provider vanish")

var monthOf = flag.Int("sim.month", 0, "days of TestMoneyOfAMonth; 0: some hours")

// Over a month on machines that come and go, little is booked that nobody needs.
func TestMoneyOfAMonth(t *testing.T) {
	minutes := shortHours * 60
	if *monthOf > 0 {
		minutes = *monthOf * 24 * 60
	}
	synctest.Test(t, func(t *testing.T) {
		w, r := moneyWorld(1, 3)
		rng := rand.New(rand.NewPCG(1, 19))
		for _, n := range slices.Backward(w.nodes) {
			n.start()
		}
		ctx, cancel := context.WithCancel(context.Background())
		x := lifetimes{stay: seti, away: exponential(2 * time.Hour)}
		lived := make(chan struct{}, len(w.nodes))
		for _, p := range w.providers() {
			r := rand.New(rand.NewPCG(rng.Uint64(), 5))
			go func() { x.live(ctx, p, r); lived <- struct{}{} }()
		}
		defer func() {
			cancel()
			for range w.providers() {
				<-lived
			}
			for _, n := range w.nodes {
				n.crash()
			}
		}()
		r.deposit()
		time.Sleep(3 * time.Second)
		var samples []time.Duration
		next := time.Now()
		for minute := range minutes {
			if !time.Now().Before(next) {
				r.submit(spec(fmt.Sprint("job-", minute), 1+rng.Uint64N(40), time.Minute+time.Duration(rng.Int64N(int64(2*time.Minute))), false))
				next = time.Now().Add(time.Duration(rng.Int64N(int64(6 * time.Hour))))
			}
			time.Sleep(time.Minute)
			for _, d := range w.unused(r) {
				samples = append(samples, d)
			}
			if len(samples) > 0 && (minute+1)%(24*60) == 0 {
				sorted := slices.Sorted(slices.Values(samples))
				t.Logf("after %d days: %d lane-minutes with money booked and not promised, of it p50 %.0f s, p95 %.0f s, most %.0f s of the lease's price",
					(minute+1)/(24*60), len(sorted), sorted[len(sorted)/2].Seconds(), sorted[len(sorted)*95/100].Seconds(), sorted[len(sorted)-1].Seconds())
			}
		}
		if len(samples) == 0 {
			t.Fatal("nothing was booked")
		}
		if p95 := slices.Sorted(slices.Values(samples))[len(samples)*95/100]; p95 > 10*time.Minute {
			t.Errorf("p95 of what is booked and promised to nobody is %s of the lease's price", p95)
		}
	})
}
