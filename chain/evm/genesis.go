package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm/bindings"
)

// The addresses of the contracts in the genesis of a private network.
const (
	genesisToken  = "0x0000000000000000000000000000000000a47e10"
	genesisLedger = "0x0000000000000000000000000000000000a47e11"
	genesisStake  = "0x0000000000000000000000000000000000a47e12"
	genesisMaker  = "0x0000000000000000000000000000000000a47e0f"
)

// Creation says how the contracts of a network are made. Times in seconds.
type Creation struct {
	Token      artel.Address // an existing ERC-20; zero: make a Credit
	Faucet     artel.Address // gets the whole supply of the Credit
	Supply     artel.Amount
	Delay      uint64 // 1 s to 365 days
	StakeDelay uint64 // Delay to 365 days
}

// Deployment is one contract to create: what Deployer would send to create it.
type Deployment struct {
	Name     string
	Address  artel.Address
	Deployer artel.Address
	InitCode []byte
}

// Genesis returns the contracts of a private network with their fixed addresses,
// in the order in which they must be created: the constructors of the later ones
// call the earlier ones.
func Genesis(c Creation) (list []Deployment, n Network, err error) {
	addresses := make([]artel.Address, 4)
	for i, s := range []string{genesisToken, genesisLedger, genesisStake, genesisMaker} {
		if addresses[i], err = artel.ParseAddress(s); err != nil {
			return nil, n, err
		}
	}
	n = Network{Token: addresses[0], Ledger: addresses[1], Stake: addresses[2]}
	if !c.Token.IsZero() {
		return nil, n, fmt.Errorf("make genesis: a private network makes its own token, not %s", c.Token)
	}
	token, ledger, stake, err := initCodes(c, n.Token, n.Ledger)
	if err != nil {
		return nil, n, err
	}
	maker := addresses[3]
	return []Deployment{
		{"Credit", n.Token, maker, token}, {"Ledger", n.Ledger, maker, ledger}, {"Stake", n.Stake, maker, stake},
	}, n, nil
}

func (c Creation) check() error {
	const most = 365 * 86400
	if c.Delay < 1 || c.Delay > most || c.StakeDelay < c.Delay || c.StakeDelay > most {
		return fmt.Errorf("create contracts: delay %d s, stake delay %d s; hint: 1 <= delay <= stake delay <= 365 days", c.Delay, c.StakeDelay)
	}
	if c.Token.IsZero() && (c.Faucet.IsZero() || c.Supply.IsZero()) {
		return errors.New("create contracts: no token, and no faucet and supply to make one for")
	}
	return nil
}

func initCodes(c Creation, tokenAt, ledgerAt artel.Address) (token, ledger, stake []byte, err error) {
	if err := c.check(); err != nil {
		return nil, nil, nil, err
	}
	token = tokenCode(c)
	ledger = append(common.FromHex(bindings.LedgerMetaData.Bin), bindings.NewLedger().PackConstructor(common.Address(tokenAt), bigUint(c.Delay))...)
	stake = append(common.FromHex(bindings.StakeMetaData.Bin), bindings.NewStake().PackConstructor(common.Address(ledgerAt), bigUint(c.StakeDelay))...)
	return token, ledger, stake, nil
}

func tokenCode(c Creation) []byte {
	return append(common.FromHex(bindings.CreditMetaData.Bin), bindings.NewCredit().PackConstructor(common.Address(c.Faucet), bigOf(c.Supply))...)
}

// DeployAll creates the contracts on the chain behind an RPC URL with an
// ordinary key, which pays the fees, and waits until they are mined. The policy
// goes into the returned Network; whoever writes the network file should wait
// for it too.
func DeployAll(ctx context.Context, rpcURL string, by Signer, c Creation, policy chain.Finality) (n Network, err error) {
	if err := c.check(); err != nil {
		return n, err
	}
	if err := checkURL(rpcURL); err != nil {
		return n, err
	}
	client, err := ethclient.DialContext(ctx, rpcURL)
	if err != nil {
		return n, fmt.Errorf("deploy contracts: %w", err)
	}
	defer client.Close()
	id, err := client.ChainID(ctx)
	if err != nil {
		return n, fmt.Errorf("deploy contracts: %w; hint: wrong RPC URL?", err)
	}
	if !id.IsUint64() {
		return n, fmt.Errorf("deploy contracts: chain id %s is too large", id)
	}
	n = Network{ChainID: id.Uint64(), Token: c.Token, Finality: policy}
	if n.Birth, err = client.BlockNumber(ctx); err != nil {
		return n, fmt.Errorf("deploy contracts: %w", err)
	}
	if n.Token.IsZero() {
		if n.Token, err = deploy(ctx, client, id, by, "Credit", tokenCode(c)); err != nil {
			return n, err
		}
	}
	_, ledger, _, err := initCodes(c, n.Token, artel.Address{})
	if err != nil {
		return n, err
	}
	if n.Ledger, err = deploy(ctx, client, id, by, "Ledger", ledger); err != nil {
		return n, err
	}
	_, _, stake, err := initCodes(c, n.Token, n.Ledger)
	if err != nil {
		return n, err
	}
	n.Stake, err = deploy(ctx, client, id, by, "Stake", stake)
	return n, err
}

func deploy(ctx context.Context, client *ethclient.Client, id *big.Int, by Signer, name string, code []byte) (artel.Address, error) {
	fail := func(err error) (artel.Address, error) { return artel.Address{}, fmt.Errorf("deploy %s: %w", name, err) }
	from := common.Address(by.Address())
	nonce, err := client.PendingNonceAt(ctx, from)
	if err != nil {
		return fail(err)
	}
	gas, err := client.EstimateGas(ctx, ethereum.CallMsg{From: from, Data: code})
	if err != nil {
		return fail(err)
	}
	tip, err := client.SuggestGasTipCap(ctx)
	if err != nil {
		return fail(err)
	}
	h, err := client.HeaderByNumber(ctx, nil)
	if err != nil {
		return fail(err)
	}
	feeCap := new(big.Int).Set(tip)
	if h.BaseFee != nil {
		feeCap.Add(feeCap, new(big.Int).Mul(h.BaseFee, big.NewInt(2)))
	}
	tx, err := sign(by, id, &types.DynamicFeeTx{ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: feeCap, Gas: gas + gas/10, Data: code})
	if err != nil {
		return fail(err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return fail(err)
	}
	for {
		r, err := client.TransactionReceipt(ctx, tx.Hash())
		switch {
		case err == nil && r.Status == types.ReceiptStatusSuccessful:
			return artel.Address(r.ContractAddress), nil
		case err == nil:
			return fail(fmt.Errorf("transaction %s failed on chain", tx.Hash()))
		}
		// Not there yet, or an RPC that fails for a moment: it was sent, so wait.
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return fail(fmt.Errorf("wait for transaction %s: %w (%w)", tx.Hash(), ctx.Err(), err))
		case <-t.C:
		}
	}
}

// sign makes a transaction of a key that signs in the compact form of EIP-2098.
func sign(by Signer, chainID *big.Int, data types.TxData) (*types.Transaction, error) {
	signer := types.LatestSignerForChainID(chainID)
	tx := types.NewTx(data)
	s := by.Sign(artel.Hash(signer.Hash(tx)))
	var rsv [65]byte
	copy(rsv[:], s[:])
	rsv[64] = rsv[32] >> 7
	rsv[32] &= 0x7f
	return tx.WithSignature(signer, rsv[:])
}
