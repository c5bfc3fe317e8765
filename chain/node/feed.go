package chainnode

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/mempool"
	comet "github.com/cometbft/cometbft/types"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// resend is how long a ready transaction may wait before it is gossiped once
// more. A peer that was still catching up ignored it the first time.
const resend = 15 * time.Second

// maxWaiting bounds what the feed remembers; geth's pool holds no more anyway.
const maxWaiting = 32_768

// feed carries transactions that became ready in geth's pool, sent over RPC or
// unlocked by another, to CometBFT's mempool. From there they reach every
// node, and wake the proposer.
type feed struct {
	engine *evm.Engine
	pool   mempool.Mempool
	log    *slog.Logger

	mu    sync.Mutex
	queue []*types.Transaction
	wake  chan struct{}
}

func newFeed(engine *evm.Engine, pool mempool.Mempool, log *slog.Logger) *feed {
	return &feed{engine: engine, pool: pool, log: log, wake: make(chan struct{}, 1)}
}

// run works until the context ends.
func (f *feed) run(ctx context.Context) {
	var collecting sync.WaitGroup
	defer collecting.Wait()
	ready := make(chan core.NewTxsEvent, 64)
	sub := f.engine.SubscribeTransactions(ready)
	defer sub.Unsubscribe()
	// Two goroutines, because geth's pool waits for its subscribers, and
	// CometBFT's mempool, while locked, waits for geth's pool (Recheck → Sync).
	// The collector outlives the context: offer may be waiting for that lock.
	collecting.Go(func() { f.collect(sub.Err(), ready) })
	f.push(f.engine.ReadyTransactions()) // from geth's journal, before a crash

	waiting := make(map[common.Hash]time.Time)
	again := time.NewTicker(resend / 3)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			f.mu.Lock()
			queue := f.queue
			f.queue = nil
			f.mu.Unlock()
			for _, tx := range queue {
				f.offer(tx)
				if len(waiting) < maxWaiting {
					waiting[tx.Hash()] = time.Now()
				}
			}
		case <-again.C:
			f.offerAgain(waiting)
		}
	}
}

func (f *feed) collect(unsubscribed <-chan error, ready <-chan core.NewTxsEvent) {
	for {
		select {
		case <-unsubscribed:
			return
		case ev := <-ready:
			f.push(ev.Txs)
		}
	}
}

func (f *feed) push(txs []*types.Transaction) {
	f.mu.Lock()
	f.queue = append(f.queue, txs...)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed) offer(tx *types.Transaction) {
	if tx.Type() == types.BlobTxType {
		return
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		f.log.Error("encode transaction", "hash", tx.Hash(), "err", err)
		return
	}
	// A full mempool is no loss: offerAgain comes back to it.
	if err := f.pool.CheckTx(raw, func(*abci.ResponseCheckTx) {}, mempool.TxInfo{}); err != nil && !errors.As(err, new(mempool.ErrMempoolIsFull)) {
		f.log.Debug("offer transaction", "hash", tx.Hash(), "err", err)
	}
}

// offerAgain takes transactions that have waited for long out of the mempool
// and puts them in anew, which sends them to all peers again.
func (f *feed) offerAgain(waiting map[common.Hash]time.Time) {
	for hash, since := range waiting {
		tx := f.engine.Transaction(hash)
		if tx == nil {
			delete(waiting, hash)
			continue
		}
		if time.Since(since) < resend {
			continue
		}
		raw, err := tx.MarshalBinary()
		if err != nil {
			delete(waiting, hash)
			continue
		}
		f.pool.Lock()
		_ = f.pool.RemoveTxByKey(comet.Tx(raw).Key()) // absent is as good
		f.pool.Unlock()
		f.offer(tx)
		waiting[hash] = time.Now()
	}
}
