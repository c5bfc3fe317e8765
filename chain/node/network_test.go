package chainnode_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	chainnode "github.com/artel-network/artel/chain/node"
	"github.com/artel-network/artel/chain/node/internal/forge"
)

func quick() chainnode.Settings {
	return chainnode.Settings{Heartbeat: chainnode.Duration(3 * time.Second), RoundTimeout: chainnode.Duration(time.Second)}
}

func makeNetwork(t *testing.T, validators int, alloc types.GenesisAlloc) []string {
	t.Helper()
	homes, err := chainnode.Init(t.TempDir(), chainnode.Config{
		Validators: validators, ChainID: testChainID, Alloc: alloc, Settings: quick(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return homes
}

// TestNetwork is the life of one network of four validators.
func TestNetwork(t *testing.T) {
	t.Parallel()
	payer, alloc := newPayer(t)
	homes := makeNetwork(t, 4, alloc)
	nodes := startAll(t, homes)

	step := func(name string, f func(t *testing.T)) {
		began := time.Now()
		f(t)
		t.Logf("%-28s %6.1f s, height %d", name, time.Since(began).Seconds(), nodes[0].status().Height)
	}

	step("four agree", func(t *testing.T) {
		tx := payer.pay(nodes[1])
		for _, n := range nodes {
			payer.settled(n, tx)
		}
		sameHashes(t, nodes...)
		for _, n := range nodes {
			s := n.status()
			if !s.Validator || s.Validators != 4 || s.ChainID != testChainID {
				t.Fatalf("status: %+v", s)
			}
		}
	})
	if testing.Short() {
		return
	}

	step("one killed: goes on", func(t *testing.T) {
		nodes[3].kill()
		// Enough blocks that the dead one would have had its turn.
		height := nodes[0].status().Height
		for nodes[0].status().Height < height+4 {
			payer.settled(nodes[2], payer.pay(nodes[0]))
		}
	})

	step("two killed: halts", func(t *testing.T) {
		nodes[2].kill()
		// A block may have been decided as the second died; then nothing.
		var height uint64
		quiet := time.Now()
		eventually(t, "the chain stands still", func() error {
			if now := nodes[0].status().Height; now != height {
				height, quiet = now, time.Now()
			}
			if time.Since(quiet) < 6*time.Second { // twice the heartbeat
				return fmt.Errorf("moved %s ago", time.Since(quiet))
			}
			return nil
		})
		tx := payer.pay(nodes[0])
		nodes[2], nodes[3] = spawn(t, homes[2]), spawn(t, homes[3])
		nodes[2].ready()
		nodes[3].ready()
		for _, n := range nodes {
			payer.settled(n, tx)
		}
		sameHashes(t, nodes...)
	})

	step("all killed under load", func(t *testing.T) {
		stop := payer.flood(nodes[0])
		nodes[0].waitHeight(nodes[0].status().Height + 3)
		before := nodes[0].status()
		for _, n := range nodes {
			n.cmd.Process.Signal(syscall.SIGKILL)
		}
		for _, n := range nodes {
			<-n.done
		}
		stop()
		for i := range nodes {
			nodes[i] = spawn(t, homes[i])
		}
		for _, n := range nodes {
			n.ready()
			n.waitHeight(before.Height)
			header, err := n.client().HeaderByNumber(context.Background(), new(big.Int).SetUint64(before.Height))
			if err != nil || header.Hash() != before.Hash {
				t.Fatalf("block %d was %s before the crash, now %v, error %v", before.Height, before.Hash, header, err)
			}
			payer.nothingLost(n)
		}
		payer.resync(nodes[0])
		tx := payer.pay(nodes[0])
		for _, n := range nodes {
			payer.settled(n, tx)
			payer.balance(n)
		}
		sameHashes(t, nodes...)
	})

	step("late follower", func(t *testing.T) {
		genesis, err := os.ReadFile(chainnode.GenesisPath(homes[0]))
		if err != nil {
			t.Fatal(err)
		}
		s := quick()
		s.Peers = []string{nodes[1].status().P2P} // one is enough
		dir := filepath.Join(t.TempDir(), "follower")
		if err := chainnode.Join(dir, genesis, s); err != nil {
			t.Fatal(err)
		}
		follower := start(t, dir)
		follower.waitHeight(nodes[0].status().Height)
		if follower.status().Validator {
			t.Fatal("a follower takes itself for a validator")
		}
		payer.nothingLost(follower)
		tx := payer.pay(follower)
		for _, n := range append([]*proc{follower}, nodes...) {
			payer.settled(n, tx)
		}
		sameHashes(t, append([]*proc{follower}, nodes...)...)
		follower.kill()
	})

	step("Byzantine proposer", func(t *testing.T) {
		nodes[3].kill()
		nodes[3] = start(t, homes[3], "-byzantine")
		var rejected int
		eventually(t, "honest validators turn forged blocks down", func() error {
			payer.settled(nodes[0], payer.pay(nodes[0]))
			rejected = strings.Count(nodes[0].log.tail(1<<30), "reject proposed block")
			if rejected < 3 {
				return fmt.Errorf("%d so far", rejected)
			}
			return nil
		})
		height := nodes[0].status().Height
		for _, n := range nodes {
			n.waitHeight(height) // the thief follows the honest chain too
		}
		client := nodes[0].client()
		for i := uint64(1); i <= height; i++ {
			h, err := client.HeaderByNumber(context.Background(), new(big.Int).SetUint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if h.Coinbase != (common.Address{}) || h.GasLimit != chainnode.DefaultGasLimit || len(h.Extra) != 0 ||
				*h.WithdrawalsHash != types.EmptyWithdrawalsHash || *h.ParentBeaconRoot != (common.Hash{}) {
				t.Fatalf("forged block %d was adopted: %+v", i, h)
			}
			if ahead := int64(h.Time) - time.Now().Unix(); ahead > 5 {
				t.Fatalf("block %d lies %d s ahead of the clock", i, ahead)
			}
		}
		if loot, err := client.BalanceAt(context.Background(), forge.Thief, nil); err != nil || loot.Sign() != 0 {
			t.Fatalf("the thief has %s (error %v)", loot, err)
		}
		sameHashes(t, nodes...)
	})
}

// TestCrashes kills a single validator at random moments under load.
func TestCrashes(t *testing.T) {
	t.Parallel()
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	payer, alloc := newPayer(t)
	homes := makeNetwork(t, 1, alloc)
	node := start(t, homes[0])
	replayed := 0
	for range rounds {
		stop := payer.flood(node)
		began := node.status().Height
		node.waitHeight(began + 2)
		moment := time.After(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
		before := node.status()
		<-moment
		node.kill()
		stop()
		node = start(t, homes[0])
		if strings.Contains(node.log.tail(1<<30), "replayed blocks") {
			replayed++
		}
		if now := node.status(); now.Height < before.Height {
			t.Fatalf("height fell from %d to %d", before.Height, now.Height)
		}
		header, err := node.client().HeaderByNumber(context.Background(), new(big.Int).SetUint64(before.Height))
		if err != nil || header.Hash() != before.Hash {
			t.Fatalf("block %d was %s before the crash, now %v, error %v", before.Height, before.Hash, header, err)
		}
		payer.nothingLost(node)
		payer.resync(node)
		payer.settled(node, payer.pay(node))
		payer.balance(node)
	}
	if replayed == 0 {
		t.Error("geth never lost a block: the test proves nothing about replay")
	}

	// geth's data is a cache of CometBFT's log: without it, all is executed anew.
	before := node.status()
	node.kill()
	if err := os.RemoveAll(filepath.Join(homes[0], "data", "evm")); err != nil {
		t.Fatal(err)
	}
	node = start(t, homes[0])
	node.waitHeight(before.Height)
	payer.nothingLost(node)
	payer.balance(node)
	t.Logf("%d receipts shown, none lost; geth lost blocks in %d of %d crashes", len(payer.seen), replayed, rounds)
}

func TestOneNodePerHome(t *testing.T) {
	t.Parallel()
	homes := makeNetwork(t, 1, nil)
	first := start(t, homes[0])
	second := spawn(t, homes[0])
	<-second.done
	if second.err == nil || !strings.Contains(second.log.tail(4000), chainnode.ErrHomeInUse.Error()) {
		t.Fatalf("second node on one home: %v\n%s", second.err, second.log.tail(4000))
	}
	first.waitHeight(1) // the first one is none the worse
	// Asked to stop, it stops cleanly and takes its address back.
	first.cmd.Process.Signal(syscall.SIGTERM)
	<-first.done
	if first.err != nil {
		t.Fatalf("stopping: %v", first.err)
	}
	if _, err := chainnode.ReadStatus(context.Background(), homes[0]); err == nil {
		t.Fatal("status of a stopped node")
	}
	again := start(t, homes[0])
	if again.status().Height < 1 {
		t.Fatal("the chain began anew")
	}
}
