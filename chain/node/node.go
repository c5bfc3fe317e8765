package chainnode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/config"
	cometnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/store"
	comet "github.com/cometbft/cometbft/types"
	"github.com/ethereum/go-ethereum/core/types"
	geth "github.com/ethereum/go-ethereum/log"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// Options are what the process decides about a node, as opposed to its home.
type Options struct {
	// Log gets the node's messages, CometBFT's and geth's. Nil discards them.
	// Nothing is ever written to stdout.
	Log *slog.Logger

	// RPC, if set, replaces the address of the JSON-RPC in the home's settings.
	RPC string

	// Ready is called once, when the JSON-RPC answers. Nil is allowed.
	Ready func(Status)

	// Propose replaces the honest block builder. Only tests of Byzantine
	// proposers, inside this module, can set it.
	Propose func(*evm.Engine, evm.Attributes) (*types.Block, error)
}

// Node is one node of a chain. New makes it, Run is its life.
type Node struct {
	home     home
	opts     Options
	log      *slog.Logger
	genesis  *Genesis
	settings Settings
	nodeKey  *p2p.NodeKey
	voter    *privval.FilePV

	mu      sync.Mutex
	running *running // nil unless Run has brought everything up
}

// running is what exists only while Run does.
type running struct {
	engine *evm.Engine
	comet  *cometnode.Node
	rpc    string
}

// New reads a home made by Init or Join. It starts nothing and locks nothing.
func New(dir string, opts Options) (*Node, error) {
	h := home(dir)
	settings, err := h.readSettings()
	if err != nil {
		return nil, fmt.Errorf("open chain node: %w", err)
	}
	if opts.RPC != "" {
		settings.RPC = opts.RPC
		if settings, err = settings.complete(); err != nil {
			return nil, fmt.Errorf("open chain node: %w", err)
		}
	}
	genesis, err := ReadGenesis(h.genesis())
	if err != nil {
		return nil, fmt.Errorf("open chain node: %w", err)
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Node{home: h, opts: opts, log: log, genesis: genesis, settings: settings}, nil
}

// Genesis returns the network's genesis.
func (n *Node) Genesis() *Genesis { return n.genesis }

// Run runs the node until ctx ends (nil) or it cannot go on (the reason). The
// home is locked meanwhile. A Node runs once.
func (n *Node) Run(ctx context.Context) (err error) {
	caller := ctx
	defer func() {
		switch {
		case err != nil && caller.Err() != nil && errors.Is(err, caller.Err()):
			err = nil // told to stop while it was still starting
		case err != nil:
			err = fmt.Errorf("run chain node in %s: %w", n.home, err)
		}
	}()
	unlock, err := n.home.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	// A node that was killed left its address behind, and another process may
	// have got that port since.
	if err := os.Remove(n.home.rpc()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Under the lock: another process may have voted since New.
	if n.nodeKey, n.voter, err = n.home.readKeys(); err != nil {
		return err
	}

	geth.SetDefault(newGethLog(n.log.With("part", "geth").Handler()))
	engine, err := evm.Open(n.home.evm(), n.genesis.evm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	consensus, err := n.startConsensus(ctx, engine, stop)
	if err != nil {
		return err
	}
	defer consensus.close()

	server, err := n.serveRPC(engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()

	n.setRunning(&running{engine: engine, comet: consensus.node, rpc: server.url})
	defer n.setRunning(nil)
	var feeding sync.WaitGroup
	defer func() { stop(nil); feeding.Wait() }()
	feeding.Go(func() { newFeed(engine, consensus.node.Mempool(), n.log).run(ctx) })

	n.log.Info("chain node runs", "rpc", server.url, "height", engine.Head().Number, "validator", n.isValidator())
	if n.opts.Ready != nil {
		status, err := n.Status()
		if err != nil {
			return err
		}
		n.opts.Ready(status)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

func (n *Node) setRunning(r *running) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = r
}

// consensus is a started CometBFT node and the databases that it forgets to close.
type consensus struct {
	node *cometnode.Node
	dbs  []dbm.DB
}

// startConsensus replays what geth lost and then starts CometBFT.
func (n *Node) startConsensus(ctx context.Context, engine *evm.Engine, stop context.CancelCauseFunc) (_ *consensus, err error) {
	c := new(consensus)
	defer func() {
		// CometBFT panics on databases that contradict each other.
		if r := recover(); r != nil {
			err = fmt.Errorf("start CometBFT: %v", r)
		}
		if err != nil {
			c.close()
		}
	}()
	openDB := func(db *config.DBContext) (dbm.DB, error) {
		opened, err := config.DefaultDBProvider(db)
		if err != nil {
			return nil, err
		}
		c.dbs = append(c.dbs, opened)
		if db.ID == "blockstore" {
			// Before the handshake: CometBFT panics on what this finds.
			err = sameChain(store.NewBlockStore(opened), engine)
		}
		return opened, err
	}
	a := &app{
		engine: engine, rule: n.genesis.rule(), genesis: n.genesis.Hash(),
		now: time.Now, log: n.log, fatal: stop, propose: n.opts.Propose,
	}
	conf := n.cometConfig()
	before := engine.Head().Number.Int64()
	// With a mutex per connection, CheckTx does not wait for block execution.
	c.node, err = cometnode.NewNodeWithContext(ctx, conf, n.voter, n.nodeKey,
		proxy.NewConnSyncLocalClientCreator(a),
		func() (*comet.GenesisDoc, error) { return n.genesis.doc, nil },
		openDB, cometnode.DefaultMetricsProvider(conf.Instrumentation),
		newCometLog(ctx, n.log, stop))
	if err != nil {
		return nil, fmt.Errorf("bring CometBFT and geth to one height: %w", err)
	}
	if replayed := engine.Head().Number.Int64() - before; replayed > 0 {
		n.log.Info("replayed blocks that geth had not written out", "blocks", replayed, "height", engine.Head().Number)
	}
	if err := c.node.Start(); err != nil {
		return nil, fmt.Errorf("start CometBFT: %w", err)
	}
	return c, nil
}

// sameChain compares geth's head with the log of record.
func sameChain(blocks *store.BlockStore, engine *evm.Engine) error {
	head := engine.Head()
	if head.Number.Sign() == 0 {
		return nil
	}
	logged := blocks.LoadBlock(head.Number.Int64())
	if logged == nil {
		return fmt.Errorf("CometBFT's block store lacks block %d, which geth has: data/comet is damaged or gone; put it back, or join the network anew in an empty directory", head.Number)
	}
	block, err := decodePayload(head.Number.Int64(), logged.Txs.ToSliceOfBytes())
	if err != nil {
		return fmt.Errorf("block %d in CometBFT's store: %w", head.Number, err)
	}
	if block.Hash() != head.Hash() {
		return fmt.Errorf("geth's block %d is %s, CometBFT's is %s: remove data/evm and start again to rebuild it", head.Number, head.Hash(), block.Hash())
	}
	return nil
}

func (c *consensus) close() {
	if c.node != nil && c.node.IsRunning() {
		_ = c.node.Stop() // fails only if it is stopped already
		c.node.Wait()
		c.node.ConsensusReactor().Wait()
	}
	for _, db := range c.dbs {
		_ = db.Close() // most are closed by now
	}
}

func (n *Node) cometConfig() *config.Config {
	c := config.DefaultConfig()
	c.SetRoot(n.home.comet())
	c.DBPath = "db"
	c.RPC.ListenAddress = "" // one RPC is enough, and it is geth's
	c.P2P.ListenAddress = "tcp://" + n.settings.P2P
	c.P2P.AddrBook = "addrbook.json"
	c.P2P.PersistentPeers = strings.Join(n.settings.Peers, ",")
	c.P2P.PersistentPeersMaxDialPeriod = 5 * time.Second
	c.P2P.AllowDuplicateIP = true // several nodes on one machine are usual here
	c.P2P.AddrBookStrict = false  // so are private addresses
	c.P2P.PexReactor = true       // a follower that knows one node learns of the others
	c.Mempool.Type = config.MempoolTypeFlood
	c.Mempool.Size = 16_384
	c.Mempool.MaxTxsBytes = 64 << 20
	c.Mempool.MaxTxBytes = 128 << 10 // geth's pool takes no larger ones
	c.Mempool.CacheSize = 0          // geth's pool knows what was seen
	c.Mempool.Recheck = true
	c.Consensus.WalPath = "wal/wal"
	c.Consensus.TimeoutPropose = time.Duration(n.settings.RoundTimeout)
	c.Consensus.TimeoutCommit = time.Duration(n.settings.BlockInterval)
	c.Consensus.CreateEmptyBlocks = true
	c.Consensus.CreateEmptyBlocksInterval = time.Duration(n.settings.Heartbeat)
	c.StateSync.Enable = false
	c.Storage.DiscardABCIResponses = true
	c.TxIndex.Indexer = "null"
	c.Instrumentation.Prometheus = false
	return c
}

func (n *Node) isValidator() bool {
	for _, v := range n.genesis.doc.Validators {
		if n.voter != nil && v.Address.String() == n.voter.GetAddress().String() {
			return true
		}
	}
	return false
}
