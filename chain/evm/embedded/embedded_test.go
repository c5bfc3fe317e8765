// Package embedded runs the ledger's conformance suite on the embedded chain:
// its contracts from the genesis, its RPC, its blocks of a second. It is a
// package of its own because it links CometBFT and all of geth.
package embedded

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain/chaintest"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/chain/evm/bindings"
	chainnode "github.com/artel-network/artel/chain/node"
)

const (
	chainID = 7327835
	delay   = 30 // long enough for what a test does meanwhile, at a block a second
)

// TestMain lets the tests wait for blocks together: they need no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "20"); err != nil {
		panic(err)
	}
	m.Run()
}

func TestConformance(t *testing.T) {
	rich := chaintest.NewKey(t)
	list, network, err := evm.Genesis(evm.Creation{Faucet: rich.Address(), Supply: artel.Units(1 << 60), Delay: delay, StakeDelay: delay})
	if err != nil {
		t.Fatal(err)
	}
	network.ChainID = chainID
	alloc := types.GenesisAlloc{common.Address(rich.Address()): {Balance: new(big.Int).Lsh(big.NewInt(1), 100)}}
	for _, d := range list {
		if err := chainnode.DeployInGenesis(alloc, chainID, common.Address(d.Address), common.Address(d.Deployer), d.InitCode); err != nil {
			t.Fatal(err)
		}
	}
	url := startNode(t, alloc)
	client, err := ethclient.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)

	l, err := evm.New(evm.Options{Network: network, RPC: []string{url}, Store: evm.NewMemStore(), Poll: 20 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	background(t, "sender", l.Run)
	f := &funder{client: client, key: rich, token: common.Address(network.Token), from: l}
	chaintest.Run(t, chaintest.World{Ledger: l, Fund: f.fund, Parallel: true})
}

// background runs something until the test ends.
func background(t *testing.T, what string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	})
}

func startNode(t *testing.T, alloc types.GenesisAlloc) (url string) {
	homes, err := chainnode.Init(t.TempDir(), chainnode.Config{ChainID: chainID, Alloc: alloc,
		Settings: chainnode.Settings{RPC: "127.0.0.1:0", P2P: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan chainnode.Status, 1)
	n, err := chainnode.New(homes[0], chainnode.Options{Ready: func(s chainnode.Status) { ready <- s }})
	if err != nil {
		t.Fatal(err)
	}
	background(t, "chain", n.Run)
	select {
	case s := <-ready:
		return s.RPC
	case <-time.After(time.Minute):
		t.Fatal("the chain does not start")
	}
	return ""
}

// funder gives coins and tokens; several tests may ask at once.
type funder struct {
	client *ethclient.Client
	key    artel.Key
	token  common.Address
	from   *evm.Ledger

	mu    sync.Mutex // guards the following
	nonce uint64
}

func (f *funder) fund(t *testing.T, k artel.Key, tokens uint64) {
	t.Helper()
	f.from.AddSigner(k)
	to := common.Address(k.Address())
	f.mu.Lock()
	coins := f.send(t, to, new(big.Int).Lsh(big.NewInt(1), 60), nil)
	credit := f.send(t, f.token, nil, bindings.NewCredit().PackTransfer(to, new(big.Int).SetUint64(tokens)))
	f.mu.Unlock()
	for _, h := range []common.Hash{coins, credit} {
		f.mined(t, h)
	}
}

// send signs with the next nonce; f.mu is held.
func (f *funder) send(t *testing.T, to common.Address, value *big.Int, data []byte) common.Hash {
	t.Helper()
	signer := types.LatestSignerForChainID(big.NewInt(chainID))
	tx := types.NewTx(&types.DynamicFeeTx{ChainID: big.NewInt(chainID), Nonce: f.nonce, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e11),
		Gas: 100_000, To: &to, Value: value, Data: data})
	s := f.key.Sign(artel.Hash(signer.Hash(tx)))
	rsv := append(s[:], s[32]>>7)
	rsv[32] &= 0x7f
	tx, err := tx.WithSignature(signer, rsv)
	if err == nil {
		err = f.client.SendTransaction(t.Context(), tx)
	}
	if err != nil {
		t.Fatalf("fund %s: %v", to, err)
	}
	f.nonce++
	return tx.Hash()
}

func (f *funder) mined(t *testing.T, h common.Hash) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := f.client.TransactionReceipt(t.Context(), h)
		if err == nil && r.Status == types.ReceiptStatusSuccessful {
			return
		}
		if err == nil { // an error: not there yet, or still indexing after the start
			t.Fatalf("fund: %+v", r)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("fund: %v", err)
		case <-tick.C:
		}
	}
}
