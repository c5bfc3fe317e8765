// Package evm is geth's execution layer without a consensus client: it builds
// a block when asked, executes a block when asked, and adopts it as head when
// told. It does not decide anything.
package evm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/event"
	"github.com/ethereum/go-ethereum/miner"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"
)

const (
	// buildTime is how long a proposer fills a block before it proposes what it has.
	buildTime = 600 * time.Millisecond

	// persistBlocks and persistGas bound what a crash makes the node replay:
	// geth's state is written out after that many blocks or that much gas,
	// whichever comes first.
	persistBlocks = 256
	persistGas    = 1_000_000_000
)

// MinTip is the smallest priority fee, in wei per gas, that a transaction must
// offer. geth's pool does not accept less than one.
const MinTip = 1

// Engine is one geth instance on one data directory. Its methods may be called
// from several goroutines, except Execute and Adopt, which belong to one.
type Engine struct {
	stack   *node.Node
	eth     *eth.Ethereum
	genesis *core.Genesis

	sinceBlocks int    // blocks since geth's state was last written out
	sinceGas    uint64 // gas used by them

	mu       sync.Mutex
	feeAfter common.Hash  // head for which baseFee is known
	baseFee  *uint256.Int // base fee of the block after that head
}

// Attributes are the fields of a block that its builder chooses and that
// execution alone cannot judge.
type Attributes struct {
	Time         uint64 // seconds
	Random       common.Hash
	FeeRecipient common.Address
	BeaconRoot   common.Hash
	Withdrawals  types.Withdrawals
	Extra        []byte
}

// Open opens geth's databases under dir, writing the genesis into an empty one.
// No port is opened. The caller must Close it.
func Open(dir string, genesis *core.Genesis) (*Engine, error) {
	if _, err := os.Stat(filepath.Join(dir, "evm", "chaindata")); errors.Is(err, fs.ErrNotExist) {
		// geth writes the genesis's state in the background and does not sync it. A
		// node that is killed before that is on disk has no state to begin from, and
		// none to replay its blocks on. Closing waits for it.
		e, err := open(dir, genesis)
		if err != nil {
			return nil, err
		}
		if err := e.Close(); err != nil {
			return nil, fmt.Errorf("write the genesis into %s: %w", dir, err)
		}
	}
	return open(dir, genesis)
}

func open(dir string, genesis *core.Genesis) (*Engine, error) {
	conf := node.DefaultConfig
	conf.Name, conf.DataDir = "evm", dir
	conf.IPCPath, conf.HTTPHost, conf.WSHost = "", "", ""
	conf.KeyStoreDir = filepath.Join(dir, "keystore") // stays empty: keys never live here
	// Transactions travel through CometBFT, so geth's own network stays silent.
	conf.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	stack, err := node.New(&conf)
	if err != nil {
		return nil, fmt.Errorf("open geth in %s: %w", dir, err)
	}
	backend, err := eth.New(stack, ethConfig(genesis))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open geth's chain in %s: %w", dir, err), stack.Close())
	}
	if err := stack.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start geth in %s: %w", dir, err), stack.Close())
	}
	e := &Engine{stack: stack, eth: backend, genesis: genesis}
	if have, want := backend.BlockChain().Genesis().Hash(), genesis.ToBlock().Hash(); have != want {
		return nil, errors.Join(fmt.Errorf("geth's data in %s belongs to another chain: its genesis is %s, the genesis file gives %s", dir, have, want), stack.Close())
	}
	backend.SetSynced() // otherwise transactions are refused: nobody drives geth's own sync
	return e, nil
}

func ethConfig(genesis *core.Genesis) *ethconfig.Config {
	c := ethconfig.Defaults
	c.Genesis, c.NetworkId = genesis, genesis.Config.ChainID.Uint64()
	c.SyncMode, c.StateScheme = ethconfig.FullSync, rawdb.PathScheme
	// geth's defaults take 4 GB; a private chain's working set is small (MB).
	c.DatabaseCache, c.TrieCleanCache, c.TrieDirtyCache, c.SnapshotCache = 64, 16, 16, 16
	c.Miner = miner.Config{
		GasCeil:  genesis.GasLimit,
		GasPrice: big.NewInt(MinTip),
		Recommit: buildTime,
	}
	c.TxPool.PriceLimit = MinTip
	c.TxPool.AccountSlots, c.TxPool.GlobalSlots = 1024, 8192
	c.TxPool.AccountQueue, c.TxPool.GlobalQueue = 1024, 4096
	c.GPO.IgnorePrice = big.NewInt(MinTip) // else one-wei tips do not count when a price is suggested
	// Without its index of logs geth scans the blooms of the asked-for blocks,
	// which is fast for the short ranges of a follower. With it, every start
	// reads 65,536 rows one by one: seconds.
	c.LogNoHistory = true
	c.RPCTxFeeCap = 0 // ether; the default refuses large batches
	return &c
}

// Close stops geth and closes its databases.
func (e *Engine) Close() error { return e.stack.Close() }

// Head returns the header of the last adopted block.
func (e *Engine) Head() *types.Header { return e.eth.BlockChain().CurrentBlock() }

// BlockHash returns the hash of the adopted block at a height, zero if none.
func (e *Engine) BlockHash(height uint64) common.Hash {
	return e.eth.BlockChain().GetCanonicalHash(height)
}

// Build assembles a block on the current head from the transaction pool.
func (e *Engine) Build(a Attributes) (*types.Block, error) {
	if err := e.Sync(); err != nil {
		return nil, err
	}
	args := &miner.BuildPayloadArgs{
		Parent: e.Head().Hash(), Timestamp: a.Time, Random: a.Random, FeeRecipient: a.FeeRecipient,
		Withdrawals: a.Withdrawals, BeaconRoot: &a.BeaconRoot,
	}
	if args.Withdrawals == nil {
		args.Withdrawals = types.Withdrawals{}
	}
	// BuildPayload would build in the background and its ResolveFull waits for
	// ever when that fails; this entry builds once, here, and returns the error.
	block, _, err := e.eth.Miner().BuildTestingPayload(args, nil, false, a.Extra)
	if plain, found := withoutBlobs(block); err == nil && found {
		block, _, err = e.eth.Miner().BuildTestingPayload(args, plain, len(plain) == 0, a.Extra)
	}
	if err != nil {
		return nil, fmt.Errorf("build block %d: %w", e.Head().Number.Uint64()+1, err)
	}
	return block, nil
}

// withoutBlobs returns a block's transactions less those with blobs, which this
// chain has no way to carry, and whether there were any. geth's pool takes them
// from its RPC and its builder cannot be told to leave them out.
func withoutBlobs(block *types.Block) (plain []*types.Transaction, found bool) {
	if block == nil {
		return nil, false
	}
	for _, tx := range block.Transactions() {
		if tx.Type() == types.BlobTxType {
			found = true
			continue
		}
		plain = append(plain, tx)
	}
	return plain, found
}

// SetGasLimit changes what Build steers the gas limit towards. Honest nodes
// keep the genesis value; tests forge with it.
func (e *Engine) SetGasLimit(ceil uint64) { e.eth.Miner().SetGasCeil(ceil) }

// Execute runs a block on the current head and stores the result without
// adopting it. Execution checks all that follows from the parent's state and
// the transactions; it takes the Attributes on trust.
func (e *Engine) Execute(ctx context.Context, block *types.Block) error {
	chain, head := e.eth.BlockChain(), e.Head()
	if block.ParentHash() != head.Hash() || block.NumberU64() != head.Number.Uint64()+1 {
		return fmt.Errorf("block %d on parent %s does not follow head %d %s", block.NumberU64(), block.ParentHash(), head.Number, head.Hash())
	}
	// Inserting a known block would make it head, so it must not be inserted twice.
	if chain.HasBlockAndState(block.Hash(), block.NumberU64()) {
		return nil
	}
	if _, err := chain.InsertBlockWithoutSetHead(ctx, block, false); err != nil {
		return fmt.Errorf("execute block %d: %w", block.NumberU64(), err)
	}
	// A chain that is shutting down returns no error and does nothing.
	if !chain.HasBlockAndState(block.Hash(), block.NumberU64()) {
		return fmt.Errorf("execute block %d: geth is stopping", block.NumberU64())
	}
	return nil
}

// Adopt makes an executed block head, safe and final.
func (e *Engine) Adopt(block *types.Block) error {
	chain := e.eth.BlockChain()
	if _, err := chain.SetCanonical(block); err != nil {
		return fmt.Errorf("adopt block %d: %w", block.NumberU64(), err)
	}
	chain.SetFinalized(block.Header())
	chain.SetSafe(block.Header())
	e.sinceBlocks, e.sinceGas = e.sinceBlocks+1, e.sinceGas+block.GasUsed()
	if e.sinceBlocks < persistBlocks && e.sinceGas < persistGas {
		return nil
	}
	e.sinceBlocks, e.sinceGas = 0, 0
	if err := chain.TrieDB().Commit(block.Root(), false); err != nil {
		return fmt.Errorf("write out state of block %d: %w", block.NumberU64(), err)
	}
	if err := e.eth.ChainDb().SyncKeyValue(); err != nil {
		return fmt.Errorf("sync geth's database at block %d: %w", block.NumberU64(), err)
	}
	return nil
}

// Sync waits until the pool has caught up with the head.
func (e *Engine) Sync() error {
	if err := e.eth.TxPool().Sync(); err != nil {
		return fmt.Errorf("sync transaction pool: %w", err)
	}
	return nil
}

// Add offers a transaction to the pool and waits until it has been sorted in.
func (e *Engine) Add(tx *types.Transaction) error {
	return e.eth.TxPool().Add([]*types.Transaction{tx}, true)[0]
}

// Ready reports whether a pooled transaction could go into the next block: its
// nonce is next in line and it pays the next base fee.
func (e *Engine) Ready(hash common.Hash) bool {
	pool := e.eth.TxPool()
	if pool.Status(hash) != txpool.TxStatusPending {
		return false
	}
	tx := pool.Get(hash)
	return tx != nil && tx.Type() != types.BlobTxType && tx.EffectiveGasTipIntCmp(uint256.NewInt(MinTip), e.nextBaseFee()) >= 0
}

// nextBaseFee is worked out once a block, not once a transaction.
func (e *Engine) nextBaseFee() *uint256.Int {
	head := e.Head()
	e.mu.Lock()
	defer e.mu.Unlock()
	if hash := head.Hash(); e.feeAfter != hash {
		e.feeAfter = hash
		e.baseFee = uint256.MustFromBig(eip1559.CalcBaseFee(e.genesis.Config, head))
	}
	return e.baseFee
}

// Transaction returns a pooled transaction, nil if the pool has none.
func (e *Engine) Transaction(hash common.Hash) *types.Transaction { return e.eth.TxPool().Get(hash) }

// ReadyTransactions returns the pooled transactions whose nonce is in line.
func (e *Engine) ReadyTransactions() []*types.Transaction {
	pending, _ := e.eth.TxPool().Content()
	var all []*types.Transaction
	for _, txs := range pending {
		all = append(all, txs...)
	}
	return all
}

// SubscribeTransactions announces transactions that became ready. The channel
// must be drained at all times: the pool waits for it.
func (e *Engine) SubscribeTransactions(ch chan<- core.NewTxsEvent) event.Subscription {
	return e.eth.TxPool().SubscribeTransactions(ch, true)
}

// APIs are geth's JSON-RPC services, all namespaces; the caller picks.
func (e *Engine) APIs() []rpc.API {
	logs := filters.NewFilterSystem(e.eth.APIBackend, filters.Config{})
	return append(e.eth.APIs(), rpc.API{Namespace: "eth", Service: filters.NewFilterAPI(logs)})
}
