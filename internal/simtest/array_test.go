package simtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/p2p/mem"
)

// array is a network on which an array runs, and what came of it.
type array struct {
	name  string
	count uint64
	each  time.Duration
	slow  map[int]float64 // by provider: times as long as others
	hangs map[int]int64   // from so many tasks on
}

const arrayHosts, arraySlots = 8, 4

// outcome is what a run of an array came to.
type arrayOutcome struct {
	took   time.Duration
	wasted float64 // slot-time of attempts that do not count, as a share of those that do
	copies int
	broken []string
}

// ideal is the shortest time for a list of equal elements on hosts of known speed,
// without any message: each goes where it is done first. Who hangs does nothing.
func (x array) ideal() time.Duration {
	var free [arrayHosts * arraySlots]float64
	longest := 0.0
	for range x.count {
		best, end := 0, 1e18
		for s := range free {
			p := s / arraySlots
			if x.hangs[p] != 0 {
				continue
			}
			f := max(x.slow[p], 1)
			if e := free[s] + f*x.each.Seconds(); e < end {
				best, end = s, e
			}
		}
		free[best] = end
		longest = max(longest, end)
	}
	return time.Duration(longest * float64(time.Second))
}

func (x array) run(once bool) (out arrayOutcome) {
	w := newWorld(1, arrayHosts, 1, newStory(*full))
	w.net.SetLink(mem.Link{Latency: 40 * time.Millisecond, Jitter: 10 * time.Millisecond})
	r := w.nodes[arrayHosts]
	r.start()
	for i, p := range w.providers() {
		p.policy.Price, p.policy.Prepay, p.policy.Resources.Slots, p.policy.MinRedeem = base, false, arraySlots, artel.Amount{}
		p.policy.MaxUnpaid = artel.Cost(base, 64*unit)
		p.prov.maxUnpaid, p.slow = p.policy.MaxUnpaid, x.slow[i]
		p.hangs.Store(x.hangs[i])
		p.start()
	}
	r.deposit()
	defer func() {
		for _, n := range w.nodes {
			n.crash()
		}
		if *full {
			os.Stdout.WriteString(w.story.text(false))
		}
	}()
	for range 60 { // news may be lost: until all have been heard of
		time.Sleep(5 * time.Second)
		if len(r.board.Offers(spec("", 1, 0, false), r.now(), 2*arrayHosts)) == arrayHosts {
			break
		}
		for _, p := range w.providers() {
			p.p.SetPolicy(p.policy)
		}
	}
	sp := spec(x.name, x.count, x.each, false)
	sp.Once, sp.Wall = once, 10*unit
	r.submit(sp)
	out.broken = w.ended()
	jobs, err := r.r.Jobs(context.Background(), 1)
	if err != nil || len(jobs) != 1 || jobs[0].Phase != job.Finished || jobs[0].Failed != 0 {
		out.broken = append(out.broken, fmt.Sprintf("jobs %+v, error %v", jobs, err))
		return out
	}
	j, tasks, err := r.r.Job(context.Background(), jobs[0].ID)
	if err != nil {
		out.broken = append(out.broken, err.Error())
		return out
	}
	out.took = time.Duration(j.Ended-j.Created) * time.Millisecond
	good, lost := int64(0), int64(0)
	for _, t := range tasks {
		for _, a := range t.Attempts {
			end := a.Ended
			if end == 0 || end > j.Ended {
				end = j.Ended
			}
			if a.Copy {
				out.copies++
			}
			switch {
			case t.Receipt.Result.Attempt == a.N:
				good += end - a.Sent
			case !a.Taken:
				lost += end - a.Sent
			}
		}
	}
	out.wasted = float64(lost) / float64(good)
	out.broken = append(out.broken, w.home()...)
	out.broken = append(out.broken, w.check()...)
	return out
}

// An array on hosts of which some are slow and some hang while they answer every
// question: what waiting for the last ones costs, with copies and without. The
// figures are of virtual time, which the machine that runs the test has no part in.
func TestArrays(t *testing.T) {
	for _, x := range []struct {
		array
		most   float64 // times the ideal, with copies
		wasted float64 // at most, with copies
	}{
		{array{name: "even, 10 s", count: 640, each: 10 * time.Second}, 1.10, 0},
		{array{name: "even, 1 s", count: 3200, each: time.Second}, 1.10, 0},
		{array{name: "one 10 times slower", count: 320, each: 10 * time.Second, slow: map[int]float64{0: 10}}, 1.3, 0.12},
		{array{name: "one hangs", count: 320, each: 10 * time.Second, hangs: map[int]int64{0: 3}}, 1.5, 0.2},
		{array{name: "one slow, one hangs", count: 320, each: 10 * time.Second, slow: map[int]float64{0: 10}, hangs: map[int]int64{1: 3}}, 1.5, 0.3},
		{array{name: "a long tail of hosts", count: 320, each: 10 * time.Second, slow: map[int]float64{0: 16, 1: 8, 2: 4, 3: 2, 4: 1.5}}, 1.5, 0.3},
	} {
		t.Run(x.name, func(t *testing.T) {
			var with, without arrayOutcome
			synctest.Test(t, func(t *testing.T) { with = x.run(false) })
			synctest.Test(t, func(t *testing.T) { without = x.run(true) })
			for _, b := range append(with.broken, without.broken...) {
				t.Error(b)
			}
			ideal := x.ideal()
			ratio := func(o arrayOutcome) float64 { return o.took.Seconds() / ideal.Seconds() }
			t.Logf("array %q: ideal %.0f s; with copies %.0f s %.3f times, wasted %.4f, %d copies; without %.0f s %.3f times, wasted %.4f",
				x.name, ideal.Seconds(), with.took.Seconds(), ratio(with), with.wasted, with.copies, without.took.Seconds(), ratio(without), without.wasted)
			if ratio(with) > x.most || with.wasted > x.wasted {
				t.Errorf("it took %.3f times the ideal and %.3f of the work was for nothing; at most %.2f and %.2f", ratio(with), with.wasted, x.most, x.wasted)
			}
			if with.took > without.took+5*time.Second {
				t.Errorf("it took %s with copies and %s without", with.took, without.took)
			}
		})
	}
}
