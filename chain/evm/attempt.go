package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// step takes one call one step on. next: the account's next call may start.
func (l *Ledger) step(ctx context.Context, r TxRecord, again *bool) (next bool, err error) {
	if err := l.Check(ctx); err != nil {
		return false, err
	}
	if len(r.Attempts) == 0 {
		refused, err := l.begin(ctx, r)
		*again = *again || refused
		return refused, err
	}
	rc, err := l.receipt(ctx, r.Attempts)
	if err != nil {
		return false, err
	}
	if rc == nil {
		return false, l.unmined(ctx, r)
	}
	head, err := l.head(ctx)
	if err != nil {
		return false, err
	}
	if uint64(rc.Block) > head.Number {
		if !r.Approval && (r.Outcome.State != chain.Mined || r.Outcome.Block.Hash != rc.BlockHash) {
			r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Mined, Tx: rc.Tx, Block: chain.Head{Number: uint64(rc.Block), Hash: rc.BlockHash},
				Note: "waits for " + l.net.Finality.String()}
			l.send.show(r) // not stored: it may come to nothing
		}
		return !r.Approval, nil
	}
	block, err := l.header(ctx, uint64(rc.Block))
	if err != nil {
		return false, err
	}
	if block.Hash != rc.BlockHash {
		return false, nil // the receipt is of a block that was replaced; look again
	}
	*again = true
	return true, l.settle(ctx, r, rc, block)
}

// settle writes down what a final block says of a call.
func (l *Ledger) settle(ctx context.Context, r TxRecord, rc *receipt, block chain.Head) error {
	switch {
	case rc.Status == 0:
		return l.refuse(ctx, r, rc.Tx, l.whyFailed(ctx, r, rc, block))
	case r.Approval:
		r.Approval, r.Approved, r.Attempts = false, true, nil
		return l.send.save(ctx, r)
	}
	r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Done, Block: block, Tx: rc.Tx}
	return l.send.save(ctx, r)
}

func (l *Ledger) refuse(ctx context.Context, r TxRecord, tx artel.Hash, why *chain.Refusal) error {
	r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Refused, Tx: tx, Refusal: why}
	return l.send.save(ctx, r)
}

// whyFailed plays a failed transaction again to hear its reason.
func (l *Ledger) whyFailed(ctx context.Context, r TxRecord, rc *receipt, block chain.Head) *chain.Refusal {
	unknown := chain.Refuse(chain.ErrRefused, "transaction %s failed in block %d", rc.Tx, block.Number)
	var tx types.Transaction
	for _, a := range r.Attempts {
		if a.Hash == rc.Tx && tx.UnmarshalBinary(a.Raw) != nil {
			return unknown
		}
	}
	if tx.To() == nil || block.Number == 0 {
		return unknown
	}
	_, err := anyOf(ctx, l, "the reason", func(ctx context.Context, e *endpoint) (b hexutil.Bytes, err error) {
		return b, e.call(ctx, &b, "eth_call", map[string]any{"from": r.Tx.From, "to": tx.To(), "data": hexutil.Bytes(tx.Data())}, hexNumber(block.Number-1))
	})
	if why := l.refusal(err, block.Time); why != nil {
		return why
	}
	return unknown
}

// receipt is the part of a transaction receipt that is used here.
type receipt struct {
	Tx        artel.Hash     `json:"transactionHash"`
	Block     hexutil.Uint64 `json:"blockNumber"`
	BlockHash artel.Hash     `json:"blockHash"`
	Status    hexutil.Uint64 `json:"status"`
}

// receipt finds the attempt that is in the chain; nil if none is.
func (l *Ledger) receipt(ctx context.Context, attempts []Attempt) (*receipt, error) {
	return agree(ctx, l, "receipt", func(ctx context.Context, e *endpoint) (*receipt, error) {
		for i := len(attempts) - 1; i >= 0; i-- {
			var rc *receipt
			if err := e.call(ctx, &rc, "eth_getTransactionReceipt", attempts[i].Hash); err != nil {
				return nil, err
			}
			if rc != nil && rc.Tx == attempts[i].Hash {
				return rc, nil
			}
		}
		return nil, nil
	})
}

func (l *Ledger) nonce(ctx context.Context, a artel.Address, at string) (uint64, error) {
	n, err := anyOf(ctx, l, "nonce", func(ctx context.Context, e *endpoint) (n hexutil.Uint64, err error) {
		return n, e.call(ctx, &n, "eth_getTransactionCount", a, at)
	})
	return uint64(n), err
}

// unmined looks after a call that was signed and is in no block.
func (l *Ledger) unmined(ctx context.Context, r TxRecord) error {
	last := r.Attempts[len(r.Attempts)-1]
	if r.Outcome.State == chain.Mined {
		l.log.Warn("a call's block was replaced; the call is broadcast again", "call", r.Tx.ID, "block", r.Outcome.Block.Number)
		r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Pending, Tx: last.Hash, Note: "its block was replaced"}
		l.send.show(r)
		return l.broadcast(ctx, r)
	}
	used, err := l.nonce(ctx, r.Tx.From, "latest")
	if err != nil {
		return err
	}
	if used > last.Nonce {
		return l.overtaken(ctx, r)
	}
	if used < last.Nonce {
		if err := l.fillGap(ctx, r, used); err != nil {
			return err
		}
	}
	if time.Since(time.Unix(last.At, 0)) >= l.bumpAfter {
		return l.bump(ctx, r)
	}
	l.send.mu.Lock()
	sent := l.send.sent[last.Hash]
	l.send.mu.Unlock()
	if time.Since(sent) < l.bumpAfter/3 {
		return nil
	}
	return l.broadcast(ctx, r)
}

// overtaken: the nonce was used, maybe by one of our attempts just now. Only
// when the transaction that used it was seen in a FINAL block, and is not ours,
// can none of ours ever be mined; then the call may get another nonce. That no
// receipt is found proves nothing: an RPC may be many machines, some of which
// lag.
func (l *Ledger) overtaken(ctx context.Context, r TxRecord) error {
	head, err := l.head(ctx)
	if err != nil {
		return err
	}
	nonce := r.Attempts[0].Nonce
	used, err := l.nonceAt(ctx, r.Tx.From, head.Number)
	if err != nil {
		return err
	}
	if used <= nonce {
		l.send.note(r.Tx.ID, "nonce %d was used by another transaction, which is not final yet", nonce)
		return nil
	}
	user, err := l.whoUsed(ctx, r.Tx.From, nonce, head.Number)
	if err != nil {
		return err
	}
	for _, a := range r.Attempts {
		if a.Hash == user {
			return nil // the next look at the receipts will find it
		}
	}
	l.log.Warn("another wallet used the nonce of a call; the call gets a new one", "call", r.Tx.ID, "account", r.Tx.From, "nonce", nonce, "by", user)
	r.Attempts = nil
	r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Pending, Note: "another wallet used its nonce; it will be sent again"}
	return l.send.save(ctx, r)
}

// nonceAt returns how many transactions an account had sent by a final block.
func (l *Ledger) nonceAt(ctx context.Context, a artel.Address, number uint64) (uint64, error) {
	n, err := agree(ctx, l, "nonce", func(ctx context.Context, e *endpoint) (n hexutil.Uint64, err error) {
		return n, e.call(ctx, &n, "eth_getTransactionCount", a, hexNumber(number))
	})
	return uint64(n), err
}

// whoUsed finds the transaction that used a nonce, in the block in which the
// account's count passed it, at or before block hi.
func (l *Ledger) whoUsed(ctx context.Context, from artel.Address, nonce, hi uint64) (artel.Hash, error) {
	lo := hi
	for back := uint64(1); lo > 0; back *= 4 {
		lo = hi - min(hi, back)
		n, err := l.nonceAt(ctx, from, lo)
		if err != nil {
			return artel.Hash{}, err
		}
		if n <= nonce {
			break
		}
		hi = lo
	}
	for lo+1 < hi { // the count is at most nonce at lo, and more at hi
		mid := lo + (hi-lo)/2
		n, err := l.nonceAt(ctx, from, mid)
		if err != nil {
			return artel.Hash{}, err
		}
		if n <= nonce {
			lo = mid
		} else {
			hi = mid
		}
	}
	type mined struct {
		Hash  artel.Hash     `json:"hash"`
		From  artel.Address  `json:"from"`
		Nonce hexutil.Uint64 `json:"nonce"`
	}
	return agree(ctx, l, fmt.Sprintf("transactions of block %d", hi), func(ctx context.Context, e *endpoint) (artel.Hash, error) {
		var b struct {
			Transactions []mined `json:"transactions"`
		}
		if err := e.call(ctx, &b, "eth_getBlockByNumber", hexNumber(hi), true); err != nil {
			return artel.Hash{}, err
		}
		for _, tx := range b.Transactions {
			if tx.From == from && uint64(tx.Nonce) == nonce {
				return tx.Hash, nil
			}
		}
		return artel.Hash{}, fmt.Errorf("%s: nonce %d of %s is used, and block %d does not show by what", e.name, nonce, from, hi)
	})
}

// fillGap sends nothing to oneself at nonces that nobody uses, below the one of
// a call: after a reorg or a dropped transaction of another wallet.
func (l *Ledger) fillGap(ctx context.Context, r TxRecord, used uint64) error {
	waiting, err := l.nonce(ctx, r.Tx.From, "pending")
	if err != nil {
		return err
	}
	by := l.send.signer(r.Tx.From)
	if by == nil {
		return chain.Refuse(chain.ErrNoKey, "account %s", r.Tx.From)
	}
	for n := max(used, waiting); n < r.Attempts[0].Nonce; n++ {
		f, err := l.fees(ctx, nil)
		if err != nil {
			return err
		}
		to := common.Address(r.Tx.From)
		tx, err := l.sign(by, n, f, 21_000, to, nil)
		if err != nil {
			return err
		}
		raw, err := tx.MarshalBinary()
		if err != nil {
			return err
		}
		l.log.Warn("filling a gap in an account's nonces", "account", r.Tx.From, "nonce", n)
		if err := l.spread(ctx, raw); err != nil {
			return fmt.Errorf("fill nonce %d: %w", n, err)
		}
	}
	return nil
}

func (l *Ledger) sign(by Signer, nonce uint64, f fee, gas uint64, to common.Address, data []byte) (*types.Transaction, error) {
	id := bigUint(l.net.ChainID)
	if f.legacy {
		return sign(by, id, &types.LegacyTx{Nonce: nonce, GasPrice: f.cap, Gas: gas, To: &to, Data: data})
	}
	return sign(by, id, &types.DynamicFeeTx{ChainID: id, Nonce: nonce, GasTipCap: f.tip, GasFeeCap: f.cap, Gas: gas, To: &to, Data: data})
}

// bump replaces a stuck transaction by a dearer one at the same nonce. The old
// one may still be mined; both are looked for.
func (l *Ledger) bump(ctx context.Context, r TxRecord) error {
	var old types.Transaction
	last := r.Attempts[len(r.Attempts)-1]
	if err := old.UnmarshalBinary(last.Raw); err != nil || old.To() == nil {
		return fmt.Errorf("read stored transaction %s: %w", last.Hash, err)
	}
	by := l.send.signer(r.Tx.From)
	if by == nil {
		return chain.Refuse(chain.ErrNoKey, "account %s", r.Tx.From)
	}
	f, err := l.fees(ctx, &old)
	if err != nil {
		return err
	}
	if have, err := l.Coins(ctx, r.Tx.From); err != nil {
		return err
	} else if need := new(big.Int).Mul(f.cap, bigUint(old.Gas())); have.Cmp(need) < 0 {
		// It cannot be made dearer; perhaps the chain gets cheaper.
		l.send.note(r.Tx.ID, "%v", chain.Refuse(chain.ErrGas, "a replacement may cost %s wei, %s has %s", need, r.Tx.From, have))
		return l.broadcast(ctx, r)
	}
	l.log.Info("replacing a stuck transaction by a dearer one", "call", r.Tx.ID, "nonce", last.Nonce, "fee", f.cap)
	return l.attempt(ctx, r, by, last.Nonce, f, old.Gas(), *old.To(), old.Data())
}

// attempt signs, stores, and only then broadcasts.
func (l *Ledger) attempt(ctx context.Context, r TxRecord, by Signer, nonce uint64, f fee, gas uint64, to common.Address, data []byte) error {
	tx, err := l.sign(by, nonce, f, gas, to, data)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return err
	}
	r.Attempts = append(r.Attempts[:len(r.Attempts):len(r.Attempts)], Attempt{Nonce: nonce, Hash: artel.Hash(tx.Hash()), Raw: raw, At: time.Now().Unix()})
	r.Outcome = chain.Outcome{ID: r.Tx.ID, State: chain.Pending, Tx: artel.Hash(tx.Hash()), Note: "waits for a block"}
	if err := l.send.save(ctx, r); err != nil {
		return err
	}
	return l.broadcast(ctx, r)
}

// broadcast sends the newest attempt's bytes.
func (l *Ledger) broadcast(ctx context.Context, r TxRecord) error {
	last := r.Attempts[len(r.Attempts)-1]
	if err := l.spread(ctx, last.Raw); err != nil {
		return fmt.Errorf("broadcast %s: %w", last.Hash, err)
	}
	l.send.mu.Lock()
	defer l.send.mu.Unlock()
	l.send.sent[last.Hash] = time.Now()
	return nil
}

// spread hands a transaction to every endpoint. One that takes it, or knows it,
// is enough.
func (l *Ledger) spread(ctx context.Context, raw []byte) error {
	answers := askAll(ctx, l, func(ctx context.Context, e *endpoint) (h artel.Hash, err error) {
		return h, e.call(ctx, &h, "eth_sendRawTransaction", hexutil.Bytes(raw))
	})
	var errs []error
	for range l.endpoints {
		a := <-answers
		if a.err == nil || known(a.err) {
			return nil
		}
		errs = append(errs, a.err)
	}
	return errors.Join(errs...)
}

// known reports whether a node refuses a transaction because it has it, or one
// of the same nonce; the next look at the receipts tells which.
func known(err error) bool {
	msg := strings.ToLower(err.Error())
	for _, s := range []string{"already known", "already imported", "nonce too low", "replacement transaction underpriced", "transaction underpriced"} {
		if strings.Contains(msg, s) {
			return true
		}
	}
	return false
}
