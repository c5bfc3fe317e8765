package simtest

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
)

var (
	seeds = flag.Int("sim.seeds", 0, "how many seeds to play; 0: the short form")
	first = flag.Uint64("sim.first", 1, "the first seed")
	nodes = flag.Int("sim.nodes", 30, "how many nodes each")
	full  = flag.Bool("sim.log", false, "print the transcript of every seed")
)

// TestSeeds plays whole networks with faults drawn from seeds.
func TestSeeds(t *testing.T) {
	if *seeds > 0 {
		play(t, *first, *seeds, *nodes)
		return
	}
	t.Run("small", func(t *testing.T) { play(t, 1, shortSeeds, 12) })
	t.Run("large", func(t *testing.T) { play(t, 1, 1, shortLarge) })
}

func play(t *testing.T, first uint64, seeds, nodes int) {
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			if seeds == 1 {
				cryptotest.SetGlobalRandom(t, seed) // the keys of sealed outputs, too
			} else {
				t.Parallel() // bubbles know nothing of each other
			}
			playOne(t, seed, nodes)
		})
	}
}

func playOne(t *testing.T, seed uint64, nodes int) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStory(*full)
		broken := run(seed, nodes, s, dir)
		if *full {
			os.Stdout.WriteString(s.text(false))
		}
		for _, b := range broken {
			t.Errorf("seed %d: %s", seed, b)
		}
		if len(broken) > 0 {
			t.Errorf("replay: go test ./internal/simtest -run TestSeeds -sim.first=%d -sim.seeds=1 -sim.nodes=%d -sim.log", seed, nodes)
		}
	})
}
