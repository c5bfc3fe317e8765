package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
	"github.com/artel-network/artel/node"
)

// What a newcomer of a private network is given.
const (
	faucetTokens = "1_000_000_000"       // 1,000 tokens of 10⁶ units
	faucetWei    = 1_000_000_000_000_000 // at a few wei a gas: for ever
	faucetGap    = 10 * time.Second
)

// serveFaucet answers newcomers beside the chain, if the faucet's key is in
// this data directory.
func (a *app) serveFaucet(ctx context.Context, rpc string, log *slog.Logger) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	key, err := keys.Load(p.Faucet(), nil)
	if errors.Is(err, keys.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := network.Load(p.Network())
	if err != nil || f.Faucet == nil || f.Faucet.URL == "" {
		return err
	}
	at, err := url.Parse(f.Faucet.URL)
	if err != nil {
		return fmt.Errorf("read the network file's faucet URL: %w", err)
	}
	coin, err := node.CoinKey(key)
	if err != nil {
		return err
	}
	ledger, err := evm.New(evm.Options{
		Network: evm.Network{ChainID: f.Chain.ID, Token: f.Contracts.Token, Ledger: f.Contracts.Ledger, Stake: f.Contracts.Stake},
		RPC:     []string{rpc}, Store: evm.NewMemStore(), Signers: []evm.Signer{key}, Log: log,
	})
	if err != nil {
		return err
	}
	defer ledger.Close()
	l, err := net.Listen("tcp", at.Host)
	if err != nil {
		return fmt.Errorf("listen for newcomers: %w", err)
	}
	defer l.Close()
	tokens, err := artel.ParseAmount(faucetTokens)
	if err != nil {
		return err
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	go ledger.Run(run) // ends with ctx; the deferred Close waits for nothing else
	s := node.Faucet{Key: key, Coin: coin, Ledger: ledger, RPC: rpc, Tokens: tokens, Wei: big.NewInt(faucetWei), Log: log, Gap: faucetGap}
	return s.Serve(ctx, l)
}
