package evm

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// TestCrashClone copies geth's directory while it is open, as a crash would
// leave it, and replays on the copy what it lost. The loss must be bounded by
// persistBlocks and the end must be the same.
func TestCrashClone(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	rules := *params.AllDevChainProtocolChanges
	rules.AmsterdamTime, rules.BogotaTime = nil, nil
	alloc := core.SystemContractAllocs()
	alloc[crypto.PubkeyToAddress(key.PublicKey)] = types.Account{Balance: big.NewInt(1e18)}
	genesis := &core.Genesis{Config: &rules, Timestamp: 1000, GasLimit: 30_000_000, BaseFee: big.NewInt(7), Difficulty: new(big.Int), Alloc: alloc}
	dir := filepath.Join(t.TempDir(), "evm")
	live, err := Open(dir, genesis)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()

	const blocks, payee = persistBlocks + 60, "0xbeef"
	log := make([]*types.Block, 0, blocks)
	for i := range blocks {
		tx := types.MustSignNewTx(key, types.LatestSigner(&rules), &types.DynamicFeeTx{
			ChainID: rules.ChainID, Nonce: uint64(i), To: ptr(common.HexToAddress(payee)), Value: big.NewInt(1), Gas: 21000, GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(100),
		})
		if err := live.Add(tx); err != nil {
			t.Fatal(err)
		}
		block, err := live.Build(Attributes{Time: live.Head().Time + 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(block.Transactions()) != 1 {
			t.Fatalf("block %d has %d transactions", i, len(block.Transactions()))
		}
		adopt(t, live, block)
		log = append(log, block)
	}

	// Crash and replay twice: the second crash hits a database that has been
	// through one before.
	for crash := range 2 {
		clone := filepath.Join(t.TempDir(), "clone")
		if err := os.CopyFS(clone, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again, err := Open(clone, genesis)
		if err != nil {
			t.Fatal(err)
		}
		head := again.Head().Number.Uint64()
		if head < persistBlocks || head > blocks {
			t.Fatalf("crash %d: head fell to %d, state was written out at %d", crash, head, persistBlocks)
		}
		for _, block := range log[head:] {
			adopt(t, again, block)
		}
		if have, want := again.Head().Hash(), live.Head().Hash(); have != want {
			t.Fatalf("crash %d: replay ends at %s, want %s", crash, have, want)
		}
		state, err := again.eth.BlockChain().State()
		if err != nil {
			t.Fatal(err)
		}
		if got := state.GetBalance(common.HexToAddress(payee)).Uint64(); got != blocks {
			t.Fatalf("crash %d: payee has %d, want %d", crash, got, blocks)
		}
		t.Logf("crash %d: head fell from %d to %d", crash, blocks, head)
		t.Cleanup(func() { again.Close() })
		dir = clone
	}
}

func adopt(t *testing.T, e *Engine, block *types.Block) {
	t.Helper()
	if err := e.Execute(context.Background(), block); err != nil {
		t.Fatal(err)
	}
	if err := e.Adopt(block); err != nil {
		t.Fatal(err)
	}
}

// TestRejectedProposalLeavesNoTrace executes two blocks of one height and
// adopts the one that was executed first.
func TestRejectedProposalLeavesNoTrace(t *testing.T) {
	genesis := new(core.Genesis)
	rules := *params.AllDevChainProtocolChanges
	rules.AmsterdamTime, rules.BogotaTime = nil, nil
	raw, err := json.Marshal(&core.Genesis{Config: &rules, GasLimit: 30_000_000, BaseFee: big.NewInt(7), Difficulty: new(big.Int), Alloc: core.SystemContractAllocs()})
	if err == nil {
		err = json.Unmarshal(raw, genesis) // as it comes from a genesis file
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.TempDir(), genesis)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var blocks [2]*types.Block
	for i := range blocks {
		if blocks[i], err = e.Build(Attributes{Time: uint64(10 + i)}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a known block is not made head by executing it again
			if err := e.Execute(context.Background(), blocks[i]); err != nil {
				t.Fatal(err)
			}
		}
		if e.Head().Number.Sign() != 0 {
			t.Fatal("executing moved the head")
		}
	}
	if err := e.Adopt(blocks[0]); err != nil {
		t.Fatal(err)
	}
	if have, want := e.BlockHash(1), blocks[0].Hash(); have != want {
		t.Fatalf("block 1 is %s, want %s", have, want)
	}
	if err := e.Execute(context.Background(), blocks[1]); err == nil {
		t.Fatal("executed a block that does not follow the head")
	}
}

func ptr[T any](v T) *T { return &v }
