package chainnode

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// maxAhead is how far a proposed block may lie ahead of a validator's clock.
const maxAhead = 5 * time.Second

// payloadVersion is the first byte of the one transaction in a CometBFT block.
const payloadVersion = 1

// errForged marks a block that breaks the block rule.
var errForged = errors.New("block breaks the rule")

// rule is the block rule: the one right value of every field that execution
// takes on trust from whoever drives it. A proposer has no freedom but the
// choice and order of transactions.
type rule struct {
	gasLimit     uint64
	feeRecipient common.Address
}

func (g *Genesis) rule() rule {
	return rule{gasLimit: g.evm.GasLimit, feeRecipient: g.evm.Coinbase}
}

// attributes gives the builder the values that check will ask for. decided is
// the time in CometBFT's header: the median of the validators' clocks when they
// voted on the block before.
func (r rule) attributes(parent *types.Header, decided time.Time) evm.Attributes {
	return evm.Attributes{
		Time:         blockTime(parent, decided),
		Random:       random(parent),
		FeeRecipient: r.feeRecipient,
		BeaconRoot:   common.Hash{},
		Withdrawals:  types.Withdrawals{},
	}
}

// check compares a block with the rule. It does not execute it.
func (r rule) check(parent *types.Header, block *types.Block, decided time.Time) error {
	h := block.Header()
	forged := func(field string, have, want any) error {
		return fmt.Errorf("%w: %s is %v, must be %v", errForged, field, have, want)
	}
	want := r.attributes(parent, decided)
	gasLimit := core.CalcGasLimit(parent.GasLimit, r.gasLimit)
	switch {
	case h.ParentHash != parent.Hash():
		return forged("parent hash", h.ParentHash, parent.Hash())
	case !h.Number.IsUint64() || h.Number.Uint64() != parent.Number.Uint64()+1:
		return forged("number", h.Number, parent.Number.Uint64()+1)
	case h.Time != want.Time:
		return forged("time", h.Time, want.Time)
	case h.MixDigest != want.Random:
		return forged("randomness", h.MixDigest, want.Random)
	case h.Coinbase != want.FeeRecipient:
		return forged("fee recipient", h.Coinbase, want.FeeRecipient)
	case h.ParentBeaconRoot == nil || *h.ParentBeaconRoot != want.BeaconRoot:
		return forged("parent beacon root", h.ParentBeaconRoot, want.BeaconRoot)
	case len(block.Withdrawals()) != 0:
		return forged("number of withdrawals", len(block.Withdrawals()), 0)
	case h.WithdrawalsHash == nil || *h.WithdrawalsHash != types.EmptyWithdrawalsHash:
		return forged("withdrawals hash", h.WithdrawalsHash, types.EmptyWithdrawalsHash)
	case h.GasLimit != gasLimit:
		return forged("gas limit", h.GasLimit, gasLimit)
	case len(h.Extra) != 0:
		return forged("extra data", common.Bytes2Hex(h.Extra), "empty")
	case h.BlobGasUsed == nil || *h.BlobGasUsed != 0:
		return forged("blob gas used", orNil(h.BlobGasUsed), 0)
	case h.ExcessBlobGas == nil || *h.ExcessBlobGas != 0:
		return forged("excess blob gas", orNil(h.ExcessBlobGas), 0)
	case h.RequestsHash == nil: // its value is recomputed by execution
		return forged("requests hash", "missing", "set")
	case h.Difficulty.Sign() != 0 || h.Nonce != (types.BlockNonce{}):
		return forged("seal", "set", "empty")
	case len(block.Uncles()) != 0 || h.UncleHash != types.EmptyUncleHash:
		return forged("number of uncles", len(block.Uncles()), 0)
	case h.BlockAccessListHash != nil || h.SlotNumber != nil:
		return forged("fields of later forks", "set", "absent")
	}
	for i, tx := range block.Transactions() {
		if tx.Type() == types.BlobTxType {
			return fmt.Errorf("%w: transaction %d carries blobs", errForged, i)
		}
	}
	return nil
}

// tooEarly refuses a block whose time the local clock has not nearly reached,
// so that no proposer drives chain time ahead of the world's. Only validators
// ask it, and only before they vote: a decided block is never refused for it.
func tooEarly(block *types.Block, now time.Time) error {
	if latest := now.Add(maxAhead).Unix(); latest < 0 || block.Time() > uint64(latest) {
		return fmt.Errorf("%w: time %d is ahead of the clock at %d", errForged, block.Time(), now.Unix())
	}
	return nil
}

func blockTime(parent *types.Header, decided time.Time) uint64 {
	return max(uint64(max(decided.Unix(), 0)), parent.Time+1)
}

// random is what contracts see as PREVRANDAO: the same on every node, and
// known in advance to whoever knows the parent. It is no source of secrets.
func random(parent *types.Header) common.Hash {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], parent.Number.Uint64()+1)
	hash := parent.Hash()
	return sha256.Sum256(append(hash[:], number[:]...))
}

// encodePayload makes the one transaction of a CometBFT block:
// the version byte and the block's RLP.
func encodePayload(block *types.Block) ([]byte, error) {
	raw, err := rlp.EncodeToBytes(block)
	if err != nil {
		return nil, fmt.Errorf("encode block %d: %w", block.NumberU64(), err)
	}
	return append([]byte{payloadVersion}, raw...), nil
}

// decodePayload is encodePayload's inverse. A block has one encoding only.
func decodePayload(height int64, txs [][]byte) (*types.Block, error) {
	if len(txs) != 1 {
		return nil, fmt.Errorf("%w: %d payloads at height %d, must be 1", errForged, len(txs), height)
	}
	if len(txs[0]) == 0 || txs[0][0] != payloadVersion {
		return nil, fmt.Errorf("%w: payload at height %d is not of version %d", errForged, height, payloadVersion)
	}
	block := new(types.Block)
	if err := rlp.DecodeBytes(txs[0][1:], block); err != nil {
		return nil, fmt.Errorf("%w: payload at height %d: %w", errForged, height, err)
	}
	if height < 1 || block.NumberU64() != uint64(height) {
		return nil, fmt.Errorf("%w: block %d at height %d", errForged, block.NumberU64(), height)
	}
	if again, err := encodePayload(block); err != nil || !bytes.Equal(again, txs[0]) {
		return nil, fmt.Errorf("%w: payload at height %d is not in its canonical encoding", errForged, height)
	}
	return block, nil
}

func orNil(v *uint64) any {
	if v == nil {
		return "missing"
	}
	return *v
}
