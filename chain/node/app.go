package chainnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// What CheckTx answers, beside abci.CodeTypeOK.
const (
	codeWaiting = 1 // pooled, but not ready for the next block: not gossiped
	codeRefused = 2
)

// app is what CometBFT drives: it turns consensus calls into engine calls.
//
// CometBFT serialises the consensus calls; CheckTx runs beside them.
type app struct {
	abci.BaseApplication

	engine  *evm.Engine
	rule    rule
	genesis common.Hash
	now     func() time.Time
	log     *slog.Logger
	fatal   func(error) // stops the node: a decided block cannot be followed

	// propose replaces the honest proposer in tests of Byzantine ones.
	propose func(*evm.Engine, evm.Attributes) (*types.Block, error)

	executed *types.Block // between FinalizeBlock and Commit
	adopted  atomic.Bool  // a block was adopted that the pool may not have seen
}

// Info reports geth's head: CometBFT replays from there what a crash took.
//
// The app hash is the genesis hash, always. The block that CometBFT agrees on
// already contains the state root, and every validator has recomputed it before
// its vote; a hash that changed with every block would oblige CometBFT to make
// a further block at once, for ever (needProofBlock), and empty blocks could
// not be sparse.
func (a *app) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	return &abci.ResponseInfo{
		Data:             "artel",
		LastBlockHeight:  a.engine.Head().Number.Int64(),
		LastBlockAppHash: a.genesis[:],
	}, nil
}

func (a *app) InitChain(context.Context, *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	return &abci.ResponseInitChain{AppHash: a.genesis[:]}, nil
}

// PrepareProposal builds a block. An error here would end CometBFT's consensus
// for good, so a failed build becomes an empty proposal: it is voted down, this
// validator's own vote included, and the next proposer has its turn.
func (a *app) PrepareProposal(_ context.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	payload, err := a.build(req.Time)
	if err != nil {
		a.log.Error("build block", "height", req.Height, "err", err)
		return &abci.ResponsePrepareProposal{}, nil
	}
	if int64(len(payload)) > req.MaxTxBytes {
		a.log.Error("built block is too large", "height", req.Height, "bytes", len(payload), "max", req.MaxTxBytes)
		return &abci.ResponsePrepareProposal{}, nil
	}
	return &abci.ResponsePrepareProposal{Txs: [][]byte{payload}}, nil
}

func (a *app) build(decided time.Time) ([]byte, error) {
	attributes := a.rule.attributes(a.engine.Head(), decided)
	build := (*evm.Engine).Build
	if a.propose != nil {
		build = a.propose
	}
	block, err := build(a.engine, attributes)
	if err != nil {
		return nil, err
	}
	return encodePayload(block)
}

// ProcessProposal decides this validator's vote. What the proposer sent is
// hostile until it has been recomputed.
func (a *app) ProcessProposal(ctx context.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	if err := a.judge(ctx, req); err != nil {
		a.log.Warn("reject proposed block", "height", req.Height, "proposer", fmt.Sprintf("%X", req.ProposerAddress), "err", err)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

func (a *app) judge(ctx context.Context, req *abci.RequestProcessProposal) (err error) {
	// A proposal that finds a hole in geth must cost the proposer its turn, not
	// this validator its life.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: execution panicked: %v", errForged, r)
		}
	}()
	block, err := decodePayload(req.Height, req.Txs)
	if err != nil {
		return err
	}
	if err := a.rule.check(a.engine.Head(), block, req.Time); err != nil {
		return err
	}
	if err := tooEarly(block, a.now()); err != nil {
		return err
	}
	return a.engine.Execute(ctx, block)
}

// FinalizeBlock executes a decided block: by the votes, or by replay, or by a
// follower's sync. The rule is checked again, so that not even more than two
// thirds of the validators can make this node follow a forged block.
func (a *app) FinalizeBlock(ctx context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	block, err := decodePayload(req.Height, req.Txs)
	if err == nil {
		err = a.rule.check(a.engine.Head(), block, req.Time)
	}
	if err == nil {
		err = a.engine.Execute(ctx, block)
	}
	if err != nil {
		err = fmt.Errorf("follow decided block %d: %w", req.Height, err)
		a.fatal(err)
		return nil, err
	}
	a.executed = block
	return &abci.ResponseFinalizeBlock{TxResults: []*abci.ExecTxResult{{}}, AppHash: a.genesis[:]}, nil
}

// Commit adopts the block that FinalizeBlock executed. Not earlier: CometBFT
// has stored FinalizeBlock's answer by now, and needs it if it finds geth's
// head at this height after a crash.
func (a *app) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	if a.executed == nil {
		return nil, errors.New("commit without a block")
	}
	if err := a.engine.Adopt(a.executed); err != nil {
		a.fatal(err)
		return nil, err
	}
	a.executed = nil
	a.adopted.Store(true)
	// Nothing is pruned: a follower that joins later starts at block 1.
	return &abci.ResponseCommit{RetainHeight: 0}, nil
}

// CheckTx lets a transaction into CometBFT's mempool while it is ready for the
// next block, and no longer: the mempool not being empty is what makes
// CometBFT propose.
func (a *app) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	hash := crypto.Keccak256Hash(req.Tx) // a transaction's hash is its encoding's
	if req.Type == abci.CheckTxType_Recheck && a.adopted.CompareAndSwap(true, false) {
		if err := a.engine.Sync(); err != nil {
			return &abci.ResponseCheckTx{Code: codeWaiting, Log: err.Error()}, nil
		}
	}
	if a.engine.Ready(hash) {
		return &abci.ResponseCheckTx{}, nil
	}
	if req.Type == abci.CheckTxType_Recheck {
		return &abci.ResponseCheckTx{Code: codeWaiting, Log: "mined or not ready"}, nil
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(req.Tx); err != nil {
		return &abci.ResponseCheckTx{Code: codeRefused, Log: err.Error()}, nil
	}
	if tx.Type() == types.BlobTxType {
		return &abci.ResponseCheckTx{Code: codeRefused, Log: "this chain carries no blobs"}, nil
	}
	if a.engine.Transaction(hash) == nil {
		if err := a.engine.Add(tx); err != nil {
			return &abci.ResponseCheckTx{Code: codeRefused, Log: err.Error()}, nil
		}
	}
	if !a.engine.Ready(hash) {
		return &abci.ResponseCheckTx{Code: codeWaiting, Log: "pooled, not ready"}, nil
	}
	return &abci.ResponseCheckTx{}, nil
}
