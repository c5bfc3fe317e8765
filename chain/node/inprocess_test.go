package chainnode_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	chainnode "github.com/artel-network/artel/chain/node"
)

// TestRunAgainInOneProcess runs a node in this process, as the daemon does,
// twice on one home: the first life must leave nothing open or locked.
func TestRunAgainInOneProcess(t *testing.T) {
	t.Parallel()
	payer, alloc := newPayer(t)
	dir := makeNetwork(t, 1, alloc)[0]
	var height uint64
	var hash common.Hash
	for life := range 2 {
		ready := make(chan chainnode.Status, 1)
		node, err := chainnode.New(dir, chainnode.Options{RPC: "localhost:0", Ready: func(s chainnode.Status) { ready <- s }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Status(); !errors.Is(err, chainnode.ErrNotRunning) {
			t.Fatalf("status before Run: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- node.Run(ctx) }()
		var first chainnode.Status
		select {
		case first = <-ready:
		case err := <-ended:
			t.Fatalf("life %d ended: %v", life, err)
		}
		if first.Height < height {
			t.Fatalf("life %d begins at height %d, the last one ended at %d", life, first.Height, height)
		}
		client, err := ethclient.Dial(first.RPC)
		if err != nil {
			t.Fatal(err)
		}
		if height > 0 {
			header, err := client.HeaderByNumber(ctx, new(big.Int).SetUint64(height))
			if err != nil || header.Hash() != hash {
				t.Fatalf("block %d was %s, now %v (error %v)", height, hash, header, err)
			}
		}
		for range 3 {
			tx := payer.sign()
			if err := client.SendTransaction(ctx, tx); err != nil {
				t.Fatal(err)
			}
			eventually(t, fmt.Sprintf("receipt of nonce %d", tx.Nonce()), func() error {
				if _, err := node.Status(); err != nil {
					t.Fatal(err)
				}
				_, err := client.TransactionReceipt(ctx, tx.Hash())
				return err
			})
		}
		client.Close()
		last, err := node.Status()
		if err != nil {
			t.Fatal(err)
		}
		height, hash = last.Height, last.Hash
		cancel()
		if err := <-ended; err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		if _, err := node.Status(); !errors.Is(err, chainnode.ErrNotRunning) {
			t.Fatalf("status after Run: %v", err)
		}
	}
	// Without the log of record, a node that has a state must not begin at
	// block 1 again.
	if err := os.RemoveAll(filepath.Join(dir, "data", "comet")); err != nil {
		t.Fatal(err)
	}
	node, err := chainnode.New(dir, chainnode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "block store lacks") {
		t.Fatalf("run without CometBFT's data: %v", err)
	}
}
