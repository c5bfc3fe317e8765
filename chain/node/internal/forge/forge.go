// Package forge makes blocks as a Byzantine proposer would: each forgery is a
// block that geth executes without complaint, self-consistent to the last
// hash, with one field that execution takes on trust changed to the
// proposer's advantage or whim. For tests only.
package forge

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// Thief is the account that the forgeries try to enrich.
var Thief = common.HexToAddress("0x7417ef0000000000000000000000000000000bad")

// Forgery is one way to cheat.
type Forgery struct {
	Field string
	Build func(*evm.Engine, evm.Attributes) (*types.Block, error)
}

// All returns one forgery per field that execution takes on trust.
func All() []Forgery {
	change := func(f func(*evm.Attributes)) func(*evm.Engine, evm.Attributes) (*types.Block, error) {
		return func(e *evm.Engine, a evm.Attributes) (*types.Block, error) {
			f(&a)
			return e.Build(a)
		}
	}
	return []Forgery{
		{"withdrawals", change(func(a *evm.Attributes) {
			// A withdrawal mints: this one a million ether.
			a.Withdrawals = types.Withdrawals{{Index: 1, Validator: 1, Address: Thief, Amount: 1e15}}
		})},
		{"randomness", change(func(a *evm.Attributes) { a.Random[0] ^= 1 })},
		{"beacon root", change(func(a *evm.Attributes) { a.BeaconRoot[0] ^= 1 })},
		{"fee recipient", change(func(a *evm.Attributes) { a.FeeRecipient = Thief })},
		{"time ahead", change(func(a *evm.Attributes) { a.Time += 3600 })},
		{"time by one second", change(func(a *evm.Attributes) { a.Time++ })},
		{"extra data", change(func(a *evm.Attributes) { a.Extra = []byte("graffiti") })},
		{"gas limit up", gasLimit(func(now uint64) uint64 { return now * 2 })},
		{"gas limit down", gasLimit(func(now uint64) uint64 { return now / 2 })},
	}
}

// gasLimit steers the gas limit one legal step away, which geth allows anyone.
func gasLimit(target func(uint64) uint64) func(*evm.Engine, evm.Attributes) (*types.Block, error) {
	return func(e *evm.Engine, a evm.Attributes) (*types.Block, error) {
		honest := e.Head().GasLimit
		e.SetGasLimit(target(honest))
		defer e.SetGasLimit(honest)
		return e.Build(a)
	}
}

// Rotate returns a proposer that tries every forgery in turn, one a proposal.
func Rotate() func(*evm.Engine, evm.Attributes) (*types.Block, error) {
	all, next := All(), 0
	return func(e *evm.Engine, a evm.Attributes) (*types.Block, error) {
		f := all[next%len(all)]
		next++
		block, err := f.Build(e, a)
		if err != nil {
			return nil, fmt.Errorf("forge %s: %w", f.Field, err)
		}
		return block, nil
	}
}
