package main

import (
	"fmt"
	"math/big"

	"github.com/artel-network/artel"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// txGasLimit is the most a transaction may use (EIP-7825). Under Amsterdam the
// gas for new state comes on top of it (EIP-8037).
const txGasLimit = params.MaxTxGas

// blockGasLimit only has to be larger than every transaction measured.
const blockGasLimit = 1 << 30

const chainID = 7_327_835

// rules is a set of forks to measure under.
type rules struct {
	Name   string
	Config *params.ChainConfig
}

// ruleSets pins the forks by hand: geth's development genesis switches on every
// fork it knows.
func ruleSets() []rules {
	osaka := *params.AllDevChainProtocolChanges
	osaka.ChainID = big.NewInt(chainID)
	osaka.AmsterdamTime, osaka.BogotaTime = nil, nil
	amsterdam := osaka
	amsterdam.AmsterdamTime = new(uint64)
	return []rules{{"Osaka", &osaka}, {"Amsterdam", &amsterdam}}
}

// evmChain is geth's EVM over a state in memory: one transaction at a time, as
// a block's state processor would apply it, without blocks around it.
type evmChain struct {
	rules rules
	state *state.StateDB
	block *types.Header
}

func newEVMChain(r rules) (*evmChain, error) {
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		return nil, err
	}
	return &evmChain{rules: r, state: db, block: &types.Header{
		Number:     big.NewInt(1),
		Time:       1_790_000_000,
		GasLimit:   blockGasLimit,
		BaseFee:    new(big.Int),
		Difficulty: new(big.Int),
	}}, nil
}

// pass moves the block clock on.
func (c *evmChain) pass(seconds uint64) { c.block.Time += seconds }

// send applies one transaction and returns the gas that its receipt would show.
// A nil `to` deploys; the result is then the contract's address.
func (c *evmChain) send(from artel.Address, to *common.Address, data []byte) (gas uint64, out []byte, err error) {
	sender := common.Address(from)
	nonce := c.state.GetNonce(sender)
	limit := uint64(txGasLimit)
	if c.rules.Config.AmsterdamTime != nil {
		limit = blockGasLimit
	}
	msg := &core.Message{
		From:      sender,
		To:        to,
		Nonce:     nonce,
		Value:     new(uint256.Int),
		GasLimit:  limit,
		GasPrice:  new(uint256.Int),
		GasFeeCap: new(uint256.Int),
		GasTipCap: new(uint256.Int),
		Data:      data,
	}
	coinbase := common.Address{19: 0xc0}
	evm := vm.NewEVM(core.NewEVMBlockContext(c.block, nil, &coinbase), c.state, c.rules.Config, vm.Config{NoBaseFee: true})
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(blockGasLimit))
	if err != nil {
		return 0, nil, fmt.Errorf("apply transaction: %w", err)
	}
	c.state.Finalise(evm.GetRules())
	if result.Failed() {
		return 0, nil, fmt.Errorf("transaction reverted: %w, data %#x", result.Err, result.ReturnData)
	}
	return result.UsedGas, result.ReturnData, nil
}
