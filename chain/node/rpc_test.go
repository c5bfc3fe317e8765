package chainnode_test

import (
	"bytes"
	"context"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"

	chainnode "github.com/artel-network/artel/chain/node"
)

// TestRPC asks a real node what a ledger client asks.
func TestRPC(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	payer, alloc := newPayer(t)
	from := crypto.PubkeyToAddress(payer.key.PublicKey)
	keeper, logger := common.HexToAddress("0xc0ffee"), common.HexToAddress("0x106")
	argument := common.HexToHash("0x77")
	if err := chainnode.DeployInGenesis(alloc, testChainID, keeper, from, append(bytes.Clone(chainnode.Keeper), argument[:]...)); err != nil {
		t.Fatal(err)
	}
	// Runtime: LOG1(0, 0, CALLER).
	if err := chainnode.DeployInGenesis(alloc, testChainID, logger, from, common.FromHex("64"+"335f5fa100"+"5f526005601bf3")); err != nil {
		t.Fatal(err)
	}
	node := start(t, makeNetwork(t, 1, alloc)[0])
	client := node.client()

	if id, err := client.ChainID(ctx); err != nil || id.Uint64() != testChainID {
		t.Fatalf("chain id %v, %v", id, err)
	}
	for slot, want := range []common.Hash{common.BytesToHash(from[:]), common.BigToHash(big.NewInt(testChainID)), common.BytesToHash(keeper[:]), argument} {
		got, err := client.CallContract(ctx, ethereum.CallMsg{To: &keeper, Data: common.BigToHash(big.NewInt(int64(slot))).Bytes()}, nil)
		if err != nil || common.BytesToHash(got) != want {
			t.Errorf("contract in the genesis answers %x for slot %d, want %s (error %v)", got, slot, want, err)
		}
	}

	// A transaction priced as the client suggests.
	tip, err := client.SuggestGasTipCap(ctx)
	if err != nil {
		t.Fatal(err)
	}
	price, err := client.SuggestGasPrice(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if price.Cmp(big.NewInt(1000)) > 0 {
		t.Errorf("gas costs %s wei on an idle chain", price)
	}
	gas, err := client.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &logger})
	if err != nil {
		t.Fatal(err)
	}
	tx := types.MustSignNewTx(payer.key, types.LatestSignerForChainID(big.NewInt(testChainID)), &types.DynamicFeeTx{
		Nonce: payer.next, To: &logger, Gas: gas, GasTipCap: tip, GasFeeCap: new(big.Int).Mul(price, big.NewInt(2)),
	})
	payer.next++
	if err := client.SendTransaction(ctx, tx); err != nil {
		t.Fatal(err)
	}
	receipt := payer.settled(node, tx)
	logs, err := client.FilterLogs(ctx, ethereum.FilterQuery{Addresses: []common.Address{logger}, FromBlock: big.NewInt(0)})
	if err != nil || len(logs) != 1 || logs[0].TxHash != tx.Hash() || logs[0].Topics[0] != common.BytesToHash(from[:]) {
		t.Errorf("logs %+v, error %v", logs, err)
	}
	// A block is final at once.
	for _, tag := range []rpc.BlockNumber{rpc.FinalizedBlockNumber, rpc.SafeBlockNumber, rpc.LatestBlockNumber} {
		header, err := client.HeaderByNumber(ctx, big.NewInt(int64(tag)))
		if err != nil || header.Number.Cmp(receipt.BlockNumber) < 0 {
			t.Errorf("%s is %v, want at least %s (error %v)", tag, header, receipt.BlockNumber, err)
		}
	}

	t.Run("heartbeat", func(t *testing.T) {
		before := node.status()
		node.waitHeight(before.Height + 2) // nobody sends anything
		after := node.status()
		if !after.Time.After(before.Time) {
			t.Errorf("chain time stands still: %s, %s", before.Time, after.Time)
		}
		if after.Time.After(time.Now().Add(time.Second)) {
			t.Errorf("chain time %s is ahead of the clock", after.Time)
		}
	})
	t.Run("waiting transaction", func(t *testing.T) {
		// With a gap before it, it must not make blocks, and goes in once the
		// gap is filled.
		gap, late := payer.sign(), payer.sign()
		if err := client.SendTransaction(ctx, late); err != nil {
			t.Fatal(err)
		}
		node.waitHeight(node.status().Height + 1)
		if _, err := client.TransactionReceipt(ctx, late.Hash()); err == nil {
			t.Error("a transaction overtook its predecessor")
		}
		if err := client.SendTransaction(ctx, gap); err != nil {
			t.Fatal(err)
		}
		payer.settled(node, gap)
		payer.settled(node, late)
	})
	t.Run("no administration", func(t *testing.T) {
		raw, err := rpc.Dial(node.url)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		for _, method := range []string{"admin_nodeInfo", "debug_setHead", "miner_setExtra", "engine_forkchoiceUpdatedV3", "personal_listAccounts"} {
			var out any
			if err := raw.Call(&out, method); err == nil || !strings.Contains(err.Error(), "does not exist") {
				t.Errorf("%s: %v, %v", method, out, err)
			}
		}
	})
	t.Run("not for web pages", func(t *testing.T) {
		req, _ := http.NewRequest("POST", node.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}`))
		req.Header.Set("Content-Type", "application/json")
		req.Host = "evil.example" // as after DNS rebinding
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusForbidden {
			t.Errorf("foreign host name got %d: %s", resp.StatusCode, body)
		}
	})
}
