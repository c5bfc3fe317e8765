package evm

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/artel-network/artel"
)

// SendCoin sends wei of the chain's own coin and returns once the transaction
// was handed to the node. Faucets of private networks use it, so that newcomers
// can pay for gas; money never moves this way. The sender must not be one that
// a Ledger sends as: their nonces would collide.
func SendCoin(ctx context.Context, rpcURL string, by Signer, to artel.Address, wei *big.Int) error {
	fail := func(err error) error { return fmt.Errorf("send coin to %s: %w", to, err) }
	client, err := ethclient.DialContext(ctx, rpcURL)
	if err != nil {
		return fail(err)
	}
	defer client.Close()
	id, err := client.ChainID(ctx)
	if err != nil {
		return fail(err)
	}
	nonce, err := client.PendingNonceAt(ctx, common.Address(by.Address()))
	if err != nil {
		return fail(err)
	}
	price, err := client.SuggestGasPrice(ctx)
	if err != nil {
		return fail(err)
	}
	dst := common.Address(to)
	price = price.Mul(price, big.NewInt(2))
	tx, err := sign(by, id, &types.LegacyTx{Nonce: nonce, GasPrice: price, Gas: 21_000, To: &dst, Value: wei})
	if err != nil {
		return fail(err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return fail(err)
	}
	return nil
}

// Coin returns an account's balance of the chain's own coin, in wei.
func Coin(ctx context.Context, rpcURL string, a artel.Address) (*big.Int, error) {
	client, err := ethclient.DialContext(ctx, rpcURL)
	if err != nil {
		return nil, fmt.Errorf("read coin of %s: %w", a, err)
	}
	defer client.Close()
	v, err := client.BalanceAt(ctx, common.Address(a), nil)
	if err != nil {
		return nil, fmt.Errorf("read coin of %s: %w", a, err)
	}
	return v, nil
}
