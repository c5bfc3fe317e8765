package evm_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/chaintest"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/chain/fake"
)

// fakeWorld is the in-memory ledger with the delays of the one on anvil.
func fakeWorld(t *testing.T, start time.Time) chaintest.World {
	t.Helper()
	faucet := chaintest.NewKey(t)
	clock := fake.NewClock(start)
	c := fake.New(fake.Options{Now: clock.Now, Params: chain.Params{Delay: delay, StakeDelay: stakeDelay},
		Balances: map[artel.Address]artel.Amount{faucet.Address(): artel.Units(1 << 60)}})
	l := c.Client()
	return chaintest.World{
		Ledger: l,
		Fund: func(t *testing.T, k artel.Key, tokens uint64) {
			t.Helper()
			if tokens > 0 {
				must(t, l, faucet, "fund/"+k.Address().String(), chain.TransferToken{To: k.Address(), Amount: artel.Units(tokens)})
			}
		},
		Next: func(t *testing.T, at uint64) {
			t.Helper()
			if d := time.Unix(int64(at), 0).Sub(clock.Now()); d > 0 {
				clock.Advance(d)
			}
		},
	}
}

// TestDifferential runs the same random calls on the contracts and on the fake, by a new
// seed and by those that once found something. ARTEL_SEED repeats a run, ARTEL_STEPS makes
// it longer.
func TestDifferential(t *testing.T) {
	seeds, steps := []uint64{rand.Uint64(), 5, 16655562601366799308}, 300
	if s, err := strconv.ParseUint(os.Getenv("ARTEL_SEED"), 10, 64); err == nil {
		seeds = []uint64{s}
	}
	if n, err := strconv.Atoi(os.Getenv("ARTEL_STEPS")); err == nil {
		steps = n
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			a := startAnvil(t)
			l := open(t, evm.Options{Network: a.deploy(t, chain.Finality{}), RPC: []string{a.url}, Signers: []evm.Signer{rich(t)}, Poll: time.Millisecond})
			chaintest.Differential(t, seed, steps, a.world(t, l), fakeWorld(t, time.Now()))
		})
	}
}
