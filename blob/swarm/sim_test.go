package swarm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	p2pmem "github.com/artel-network/artel/p2p/mem"
)

var seeds = flag.Int("swarm.seeds", 12, "number of seeds of the simulation")

// TestSimulation lets nodes pull under faults drawn from a seed: lines of all
// kinds, deaths and returns, partitions, a liar, one whose disk is full. Every
// honest node ends with every byte, and nothing wrong is ever kept.
func TestSimulation(t *testing.T) {
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, seed, func(w *world) { w.play(rand.New(rand.NewPCG(seed, 77))) })
		})
	}
}

func (w *world) play(rng *rand.Rand) {
	t := w.t
	between := func(lo, hi time.Duration) time.Duration { return lo + time.Duration(rng.Int64N(int64(hi-lo))) }
	count := 3 + rng.IntN(4)
	for i := range count + 2 {
		for j := range i {
			w.net.SetPair(id(i), id(j), p2pmem.Link{Latency: between(time.Millisecond, 150*time.Millisecond), Bandwidth: 32<<10 + rng.IntN(2<<20)})
		}
	}
	seeder := w.node(0, newStore())
	root, total := tree(t, seeder.store, w.seed, 1+rng.IntN(4), 20+rng.IntN(60), 1<<10+rng.IntN(30<<10))
	from := []*peer{seeder}
	var bad *pulling
	if rng.IntN(2) == 0 { // a liar that pulls, and whom all ask
		p := w.node(count+1, liar{newStore()})
		bad = p.pull(root, seeder)
		from = append(from, p)
	}
	cut := rng.IntN(2) == 0
	stores := make([]blob.Store, count)
	var all sync.WaitGroup
	for i := range count {
		start, deaths := between(0, 5*time.Second), rng.IntN(3)
		lives := []time.Duration{between(0, 3*time.Second), between(0, 3*time.Second)}
		stores[i] = newStore()
		all.Go(func() {
			time.Sleep(start)
			p := w.node(1+i, stores[i])
			for n := range deaths {
				q := p.pull(root, from...)
				time.Sleep(lives[n])
				p.stop()
				<-q.done
				time.Sleep(lives[1-n])
				p = w.node(1+i, stores[i])
			}
			// A cut may last longer than a Fetch hopes.
			for tries := 0; ; tries++ {
				q := p.pull(root, from...)
				<-q.done
				if q.err == nil {
					return
				}
				if tries == 5 {
					t.Errorf("seed %d: node %d: %v", w.seed, i+1, q.err)
					return
				}
				time.Sleep(10 * time.Second)
			}
		})
	}
	if cut {
		time.Sleep(between(0, 4*time.Second))
		var half []artel.NodeID
		for i := range count + 1 {
			if rng.IntN(2) == 0 {
				half = append(half, id(i))
			}
		}
		w.net.Partition(half)
		time.Sleep(between(0, 12*time.Second))
		w.net.Heal()
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, s := range stores {
		same(t, s, root, total)
	}
	if bad != nil {
		bad.stop()
		<-bad.done
	}
	t.Logf("seed %d: %d pullers, cut %v, liar %v: the seeder sent %.2f times the root", w.seed, count, cut, bad != nil,
		float64(seeder.swarm.Usage(root).Sent)/float64(total))
}
