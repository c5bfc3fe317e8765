package chainnode

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/big"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/artel-network/artel/chain/node/internal/evm"
	"github.com/artel-network/artel/chain/node/internal/forge"
)

// bench is one validator's application on a real geth, without CometBFT.
type bench struct {
	*app
	t    *testing.T
	time time.Time // CometBFT's header time of the next block
}

func newBench(t *testing.T) *bench {
	t.Helper()
	start := time.Unix(1_800_000_000, 0)
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	rich := crypto.PubkeyToAddress(key.PublicKey)
	homes, err := Init(t.TempDir(), Config{ChainID: 4242, Time: start, Alloc: types.GenesisAlloc{rich: {Balance: big.NewInt(1e18)}}})
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := ReadGenesis(home(homes[0]).genesis())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := evm.Open(home(homes[0]).evm(), genesis.evm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	b := &bench{t: t, time: start.Add(10 * time.Second), app: &app{
		engine: engine, rule: genesis.rule(), genesis: genesis.Hash(), log: slog.New(slog.DiscardHandler),
		fatal: func(error) {},
	}}
	b.now = func() time.Time { return b.time }
	// A transaction, so that gas, fees and receipts are not all zero.
	tx := types.MustSignNewTx(key, types.LatestSigner(genesis.evm.Config), &types.DynamicFeeTx{
		To: &common.Address{1}, Value: big.NewInt(5), Gas: 21000, GasTipCap: big.NewInt(2), GasFeeCap: big.NewInt(100),
	})
	if err := engine.Add(tx); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) honest() *types.Block {
	b.t.Helper()
	block, err := b.engine.Build(b.rule.attributes(b.engine.Head(), b.time))
	if err != nil {
		b.t.Fatal(err)
	}
	return block
}

func (b *bench) payload(block *types.Block) []byte {
	b.t.Helper()
	raw, err := encodePayload(block)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// accepts asks the real ProcessProposal.
func (b *bench) accepts(txs ...[]byte) bool {
	b.t.Helper()
	resp, err := b.ProcessProposal(context.Background(), &abci.RequestProcessProposal{
		Height: b.engine.Head().Number.Int64() + 1, Time: b.time, Txs: txs,
	})
	if err != nil {
		b.t.Fatalf("ProcessProposal must judge, not fail: %v", err)
	}
	return resp.Status == abci.ResponseProcessProposal_ACCEPT
}

func TestHonestBlockIsAcceptedAndAdopted(t *testing.T) {
	b := newBench(t)
	for height := int64(1); height <= 3; height++ {
		prepared, err := b.PrepareProposal(context.Background(), &abci.RequestPrepareProposal{Height: height, Time: b.time, MaxTxBytes: maxBlockBytes})
		if err != nil || len(prepared.Txs) != 1 {
			t.Fatalf("height %d: prepared %d payloads, error %v", height, len(prepared.Txs), err)
		}
		if !b.accepts(prepared.Txs...) {
			t.Fatalf("height %d: own block rejected", height)
		}
		if got := b.engine.Head().Number.Int64(); got != height-1 {
			t.Fatalf("a proposal moved the head to %d before it was decided", got)
		}
		if _, err := b.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{Height: height, Time: b.time, Txs: prepared.Txs}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Commit(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if got := b.engine.Head().Number.Int64(); got != height {
			t.Fatalf("head is %d after block %d was committed", got, height)
		}
		b.time = b.time.Add(time.Second)
	}
}

// TestForgedFields: geth executes each of these blocks without complaint (the
// control at the end of each row proves it); only the rule keeps them out.
func TestForgedFields(t *testing.T) {
	for _, row := range forge.All() {
		t.Run(row.Field, func(t *testing.T) {
			b := newBench(t)
			block, err := row.Build(b.engine, b.rule.attributes(b.engine.Head(), b.time))
			if err != nil {
				t.Fatal(err)
			}
			if block.Hash() == b.honest().Hash() {
				t.Fatal("the forged block is the honest one")
			}
			if b.accepts(b.payload(block)) {
				t.Error("forged block accepted")
			}
			// Should more than two thirds decide it all the same, this node stops.
			if _, err := b.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{Height: 1, Time: b.time, Txs: [][]byte{b.payload(block)}}); !errors.Is(err, errForged) {
				t.Errorf("FinalizeBlock on the forged block: %v, want %v", err, errForged)
			}
			if err := b.engine.Execute(context.Background(), block); err != nil {
				t.Errorf("control: geth alone should have taken it: %v", err)
			}
			if !b.accepts(b.payload(b.honest())) {
				t.Error("honest block rejected afterwards")
			}
		})
	}
}

// TestMutatedHeader changes one field of an honest block each, including those
// that only execution can judge.
func TestMutatedHeader(t *testing.T) {
	one := common.Hash{31: 1}
	u64 := func(v uint64) *uint64 { return &v }
	rows := []struct {
		field  string
		mutate func(h *types.Header, body *types.Body)
	}{
		{"parent hash", func(h *types.Header, _ *types.Body) { h.ParentHash = one }},
		{"number", func(h *types.Header, _ *types.Body) { h.Number = big.NewInt(2) }},
		{"huge number", func(h *types.Header, _ *types.Body) { h.Number = new(big.Int).Lsh(big.NewInt(1), 64) }},
		{"time before parent", func(h *types.Header, _ *types.Body) { h.Time = 1 }},
		{"time behind", func(h *types.Header, _ *types.Body) { h.Time-- }},
		{"state root", func(h *types.Header, _ *types.Body) { h.Root = one }},
		{"receipt root", func(h *types.Header, _ *types.Body) { h.ReceiptHash = one }},
		{"transaction root", func(h *types.Header, _ *types.Body) { h.TxHash = one }},
		{"logs bloom", func(h *types.Header, _ *types.Body) { h.Bloom[0] = 1 }},
		{"gas used", func(h *types.Header, _ *types.Body) { h.GasUsed++ }},
		{"gas limit", func(h *types.Header, _ *types.Body) { h.GasLimit++ }},
		{"base fee", func(h *types.Header, _ *types.Body) { h.BaseFee = big.NewInt(1) }},
		{"no base fee", func(h *types.Header, _ *types.Body) { h.BaseFee = nil }},
		{"difficulty", func(h *types.Header, _ *types.Body) { h.Difficulty = big.NewInt(1) }},
		{"nonce", func(h *types.Header, _ *types.Body) { h.Nonce[0] = 1 }},
		{"uncle hash", func(h *types.Header, _ *types.Body) { h.UncleHash = one }},
		{"withdrawals hash", func(h *types.Header, _ *types.Body) { h.WithdrawalsHash = &one }},
		{"withdrawals in the body only", func(_ *types.Header, b *types.Body) {
			b.Withdrawals = types.Withdrawals{{Address: forge.Thief, Amount: 1}}
		}},
		{"no withdrawals hash", func(h *types.Header, _ *types.Body) { h.WithdrawalsHash = nil }},
		{"blob gas used", func(h *types.Header, _ *types.Body) { h.BlobGasUsed = u64(131072) }},
		{"excess blob gas", func(h *types.Header, _ *types.Body) { h.ExcessBlobGas = u64(131072) }},
		{"no parent beacon root", func(h *types.Header, _ *types.Body) { h.ParentBeaconRoot = nil }},
		{"requests hash", func(h *types.Header, _ *types.Body) { h.RequestsHash = &one }},
		{"no requests hash", func(h *types.Header, _ *types.Body) { h.RequestsHash = nil }},
		{"block access list hash", func(h *types.Header, _ *types.Body) { h.BlockAccessListHash = &one }},
		{"slot number", func(h *types.Header, _ *types.Body) { h.SlotNumber = u64(1) }},
		{"transaction left out", func(_ *types.Header, b *types.Body) { b.Transactions = nil }},
		{"transaction twice", func(_ *types.Header, b *types.Body) { b.Transactions = append(b.Transactions, b.Transactions[0]) }},
		{"blob transaction", func(_ *types.Header, b *types.Body) {
			b.Transactions = append(b.Transactions, types.NewTx(&types.BlobTx{BlobHashes: []common.Hash{one}}))
		}},
		{"uncle", func(h *types.Header, b *types.Body) { b.Uncles = []*types.Header{types.CopyHeader(h)} }},
	}
	b := newBench(t)
	honest := b.honest()
	if len(honest.Transactions()) != 1 {
		t.Fatalf("the honest block has %d transactions, want 1", len(honest.Transactions()))
	}
	for _, row := range rows {
		t.Run(row.field, func(t *testing.T) {
			header, body := honest.Header(), honest.Body()
			row.mutate(header, body)
			// NewBlockWithHeader keeps the header's roots as they are.
			block := types.NewBlockWithHeader(header).WithBody(*body)
			raw, err := encodePayload(block)
			if err != nil {
				t.Skipf("does not even encode: %v", err)
			}
			if b.accepts(raw) {
				t.Error("mutated block accepted")
			}
		})
	}
	if !b.accepts(b.payload(honest)) {
		t.Error("honest block rejected afterwards")
	}
}

func TestMalformedProposal(t *testing.T) {
	b := newBench(t)
	good := b.payload(b.honest())
	rows := map[string][][]byte{
		"no payload":        nil,
		"two payloads":      {good, good},
		"empty payload":     {{}},
		"unknown version":   {append([]byte{payloadVersion + 1}, good[1:]...)},
		"version only":      {{payloadVersion}},
		"garbage":           {{payloadVersion, 0xde, 0xad, 0xbe, 0xef}},
		"cut short":         {good[:len(good)-1]},
		"bytes behind":      {append(bytes.Clone(good), 0)},
		"a transaction":     {{payloadVersion, 0x02, 0xc0}},
		"list of lists":     {{payloadVersion, 0xc3, 0xc0, 0xc0, 0xc0}},
		"length overflow":   {{payloadVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		"block without RLP": {[]byte("hello")},
	}
	for name, txs := range rows {
		t.Run(name, func(t *testing.T) {
			if b.accepts(txs...) {
				t.Error("accepted")
			}
		})
	}
	if !b.accepts(good) {
		t.Error("honest block rejected afterwards")
	}
}

func TestBlockAheadOfTheClock(t *testing.T) {
	b := newBench(t)
	good := b.payload(b.honest())
	headerTime := b.time
	b.now = func() time.Time { return headerTime.Add(-maxAhead) }
	if !b.accepts(good) {
		t.Errorf("block %s ahead of the clock rejected", maxAhead)
	}
	b.now = func() time.Time { return headerTime.Add(-maxAhead - time.Second) }
	if b.accepts(good) {
		t.Error("block further ahead of the clock accepted")
	}
	// Decided all the same, it is followed: clocks differ, the chain must not.
	if _, err := b.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{Height: 1, Time: b.time, Txs: [][]byte{good}}); err != nil {
		t.Errorf("decided block: %v", err)
	}
}

func TestBlockTimeNeverStandsStill(t *testing.T) {
	parent := &types.Header{Number: big.NewInt(9), Time: 1000}
	for decided, want := range map[int64]uint64{-5: 1001, 0: 1001, 999: 1001, 1000: 1001, 1001: 1001, 1002: 1002} {
		if got := blockTime(parent, time.Unix(decided, 0)); got != want {
			t.Errorf("parent 1000, decided %d: block time %d, want %d", decided, got, want)
		}
	}
}

func FuzzDecodePayload(f *testing.F) {
	header := &types.Header{Number: big.NewInt(1), Difficulty: new(big.Int), BaseFee: big.NewInt(7), WithdrawalsHash: &types.EmptyWithdrawalsHash}
	raw, err := encodePayload(types.NewBlockWithHeader(header).WithBody(types.Body{Withdrawals: types.Withdrawals{}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(1), raw)
	f.Add(int64(0), []byte{payloadVersion, 0xc0})
	f.Fuzz(func(t *testing.T, height int64, raw []byte) {
		block, err := decodePayload(height, [][]byte{raw})
		if err != nil {
			if !errors.Is(err, errForged) {
				t.Fatalf("error does not name the cause: %v", err)
			}
			return
		}
		if again, err := encodePayload(block); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("decoded payload encodes differently: %v", err)
		}
		// The rule must survive whatever decodes.
		_ = rule{gasLimit: 30_000_000}.check(&types.Header{Number: big.NewInt(height - 1), GasLimit: 30_000_000, Time: 1, Difficulty: new(big.Int)}, block, time.Unix(5, 0))
	})
}
