package chainnode

import (
	"errors"
	"fmt"
	"maps"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"
)

// genesisGas is what a constructor may spend; no block limit applies to it.
const genesisGas = 1_000_000_000

// DeployInGenesis runs a contract's constructor as if deployer had created it
// at the given address, and records the resulting code and storage in alloc, as
// well as whatever else the constructor changed. initCode is the creation
// bytecode with the encoded constructor arguments behind it.
//
// The chain id and the address are the real ones, so what a constructor bakes
// in (EIP-712 domain separators and other immutables) is right. The constructor
// sees all accounts that are in alloc already, block number 0, time 0, and its
// own address with code on it; it receives no money.
func DeployInGenesis(alloc types.GenesisAlloc, chainID uint64, address, deployer common.Address, initCode []byte) error {
	if account, taken := alloc[address]; taken && len(account.Code) > 0 {
		return fmt.Errorf("deploy %s in the genesis: the address has code already", address)
	}
	if len(initCode) == 0 {
		return fmt.Errorf("deploy %s in the genesis: no code given", address)
	}
	known := core.SystemContractAllocs()
	maps.Copy(known, alloc)
	config := ChainConfig(chainID)
	rules := config.Rules(new(big.Int), true, 0)
	db, err := loadAlloc(known, rules)
	if err != nil {
		return fmt.Errorf("deploy %s in the genesis: %w", address, err)
	}
	// The creation code is put in the contract's place and called: geth creates
	// contracts only at addresses of its own choice.
	db.SetCode(address, initCode, tracing.CodeChangeUnspecified)
	db.SetNonce(address, 1, tracing.NonceChangeUnspecified)

	touched := make(map[common.Address]map[common.Hash]struct{})
	touch := func(a common.Address) map[common.Hash]struct{} {
		if touched[a] == nil {
			touched[a] = make(map[common.Hash]struct{})
		}
		return touched[a]
	}
	hooked := state.NewHookedState(db, &tracing.Hooks{
		OnStorageChange: func(a common.Address, slot, _, _ common.Hash) { touch(a)[slot] = struct{}{} },
		OnBalanceChange: func(a common.Address, _, _ *big.Int, _ tracing.BalanceChangeReason) { touch(a) },
		OnNonceChange:   func(a common.Address, _, _ uint64) { touch(a) },
		OnCodeChange:    func(a common.Address, _ common.Hash, _ []byte, _ common.Hash, _ []byte) { touch(a) },
	})
	code, err := construct(hooked, config, rules, address, deployer)
	if err != nil {
		return fmt.Errorf("deploy %s in the genesis: %w", address, err)
	}
	touch(address)
	for a, slots := range touched {
		account := alloc[a]
		if account.Balance = db.GetBalance(a).ToBig(); db.GetNonce(a) > 0 {
			account.Nonce = db.GetNonce(a)
		}
		account.Code = db.GetCode(a)
		if a == address {
			account.Code = code
		}
		account.Storage = maps.Clone(account.Storage)
		for slot := range slots {
			value := db.GetState(a, slot)
			if value == (common.Hash{}) {
				delete(account.Storage, slot)
				continue
			}
			if account.Storage == nil {
				account.Storage = make(map[common.Hash]common.Hash)
			}
			account.Storage[slot] = value
		}
		alloc[a] = account
	}
	return nil
}

// construct runs what lies at address and returns the code it leaves behind.
func construct(db vm.StateDB, config *params.ChainConfig, rules params.Rules, address, deployer common.Address) ([]byte, error) {
	evm := vm.NewEVM(vm.BlockContext{
		CanTransfer: core.CanTransfer,
		Transfer:    core.Transfer,
		GetHash:     func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: new(big.Int), Difficulty: new(big.Int),
		GasLimit: genesisGas, BaseFee: new(big.Int), BlobBaseFee: new(big.Int),
		Random: new(common.Hash), // marks the rules as those after the merge
	}, db, config, vm.Config{})
	evm.SetTxContext(vm.TxContext{Origin: deployer, GasPrice: new(uint256.Int)})
	db.Prepare(rules, deployer, common.Address{}, &address, vm.ActivePrecompiles(rules), nil)
	code, _, err := evm.Call(deployer, address, nil, vm.NewGasBudget(genesisGas, genesisGas), new(uint256.Int))
	if err != nil {
		if reason, unpackErr := abi.UnpackRevert(code); unpackErr == nil {
			return nil, fmt.Errorf("constructor: %w: %s", err, reason)
		}
		return nil, fmt.Errorf("constructor: %w", err)
	}
	switch {
	case len(code) == 0:
		return nil, errors.New("constructor returned no code; is this creation bytecode?")
	case len(code) > params.MaxCodeSize:
		return nil, fmt.Errorf("constructor returned %d bytes of code, the limit is %d", len(code), params.MaxCodeSize)
	case code[0] == 0xef: // EIP-3541
		return nil, errors.New("constructor returned code that starts with 0xef")
	}
	return code, nil
}

func loadAlloc(alloc types.GenesisAlloc, rules params.Rules) (*state.StateDB, error) {
	disk := rawdb.NewMemoryDatabase()
	tries := triedb.NewDatabase(disk, nil)
	db, err := state.New(types.EmptyRootHash, state.NewMPTDatabase(tries, state.NewCodeDB(disk)))
	if err != nil {
		return nil, err
	}
	for a, account := range alloc {
		if account.Balance != nil {
			balance, overflow := uint256.FromBig(account.Balance)
			if overflow {
				return nil, fmt.Errorf("balance of %s does not fit 256 bits", a)
			}
			db.SetBalance(a, balance, tracing.BalanceIncreaseGenesisBalance)
		}
		db.SetNonce(a, account.Nonce, tracing.NonceChangeGenesis)
		db.SetCode(a, account.Code, tracing.CodeChangeGenesis)
		for slot, value := range account.Storage {
			db.SetState(a, slot, value)
		}
	}
	// Without this, everything would count as changed in the constructor's own
	// transaction, which changes what storage refunds and SELFDESTRUCT do.
	db.Finalise(rules)
	return db, nil
}
