package evm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/chaintest"
	"github.com/artel-network/artel/chain/evm"
)

// crashStore is a store whose process dies when it is told to: from then on
// nothing is stored any more.
type crashStore struct {
	*evm.MemStore

	mu   sync.Mutex                              // guards the following
	dead bool                                    //
	at   func(evm.TxRecord) (before, after bool) // die before or after storing this record
}

var errDead = errors.New("the process is dead")

func (c *crashStore) PutTx(ctx context.Context, r evm.TxRecord) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return errDead
	}
	before, after := false, false
	if c.at != nil {
		before, after = c.at(r)
	}
	if before {
		c.dead = true
		return errDead
	}
	err := c.MemStore.PutTx(ctx, r)
	if after {
		c.dead = true
		return errDead
	}
	return err
}

func (c *crashStore) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// deposits returns what was deposited for an account, and in how many events.
func deposits(t *testing.T, l chain.Ledger, a artel.Key) (sum artel.Amount, n int) {
	t.Helper()
	acc, err := l.Account(t.Context(), a.Address())
	if err != nil {
		t.Fatal(err)
	}
	after := chain.Head{}
	for {
		events, head, err := l.Events(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if d, ok := e.Fact.(chain.Deposited); ok && d.Account == a.Address() {
				n++
			}
		}
		if head == after {
			return acc.Deposit, n
		}
		after = head
	}
}

func once(t *testing.T, l chain.Ledger, a artel.Key, amount uint64) {
	t.Helper()
	if sum, n := deposits(t, l, a); sum != artel.Units(amount) || n != 1 {
		t.Errorf("deposited %s in %d events, want %d in one", sum, n, amount)
	}
}

func deposit(id string, a artel.Key, amount uint64) chain.Tx {
	return chain.Tx{ID: id, From: a.Address(), Call: chain.Deposit{To: a.Address(), Amount: artel.Units(amount)}}
}

// funded returns an account of the network and a plain ledger to look with.
func funded(t *testing.T, a *anvil, f chain.Finality) (evm.Network, *evm.Ledger, artel.Key) {
	t.Helper()
	n := a.deploy(t, chain.Finality{})
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Signers: []evm.Signer{rich(t)}})
	k := chaintest.NewKey(t)
	a.fund(t, l, k, 1000)
	n.Finality = f
	return n, l, k
}

func TestCrashAtEveryStore(t *testing.T) {
	a := startAnvil(t)
	n, look, _ := funded(t, a, chain.Finality{})
	for _, row := range []struct {
		name string
		at   func(evm.TxRecord) (before, after bool)
	}{
		{"before the signed bytes are stored", func(r evm.TxRecord) (bool, bool) { return len(r.Attempts) > 0, false }},
		{"between storing and broadcasting", func(r evm.TxRecord) (bool, bool) { return false, len(r.Attempts) > 0 }},
		{"before the outcome is stored", func(r evm.TxRecord) (bool, bool) { return r.Outcome.State.Final(), false }},
		{"after the outcome is stored", func(r evm.TxRecord) (bool, bool) { return false, r.Outcome.State.Final() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := chaintest.NewKey(t)
			a.fund(t, look, k, 100)
			store := &crashStore{MemStore: evm.NewMemStore(), at: row.at}
			first := open(t, evm.Options{Network: n, RPC: []string{a.url}, Store: store, Signers: []evm.Signer{k}})
			tx := deposit("d", k, 60)
			if err := first.Submit(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
			until(t, "the crash", store.isDead)
			before, _, err := store.GetTx(t.Context(), "d")
			if err != nil {
				t.Fatal(err)
			}
			second := open(t, evm.Options{Network: n, RPC: []string{a.url}, Store: store.MemStore, Signers: []evm.Signer{k}})
			if err := second.Submit(t.Context(), tx); err != nil { // the caller's outbox does not know either
				t.Fatal(err)
			}
			wait(t, second, "d")
			once(t, look, k, 60)
			after, _, err := store.GetTx(t.Context(), "d")
			if err != nil {
				t.Fatal(err)
			}
			if len(before.Attempts) == 1 && (len(after.Attempts) != 1 || after.Attempts[0].Hash != before.Attempts[0].Hash) {
				t.Errorf("what was signed before the crash was not what was mined: %+v, %+v", before.Attempts, after.Attempts)
			}
		})
	}
}

func TestOutageAndLostAnswers(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	p := newProxy(t, a.url)
	l := open(t, evm.Options{Network: n, RPC: []string{p.URL}, Signers: []evm.Signer{k}})
	p.set(func(p *proxy) { p.down = true })
	if _, err := l.Head(t.Context()); !errors.Is(err, chain.ErrUnreachable) || !hasHint(err) {
		t.Errorf("Head while the RPC is down: %v", err)
	}
	if err := l.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatalf("Submit while the RPC is down: %v", err)
	}
	until(t, "the sender notices", func() bool {
		o, err := l.Outcome(t.Context(), "d")
		return err == nil && o.State == chain.Pending && strings.Contains(o.Note, "cannot be reached")
	})
	// The request arrives, its answer does not; then nothing for a while.
	p.set(func(p *proxy) {
		p.down = false
		p.watch = func(method string, _ json.RawMessage) bool {
			if method == "eth_sendRawTransaction" {
				p.loses = true
			}
			return true
		}
	})
	until(t, "the transaction is sent", func() bool { return p.count("eth_sendRawTransaction") > 0 })
	p.set(func(p *proxy) { p.watch, p.down, p.loses = nil, true, false })
	until(t, "the sender notices", func() bool {
		o, err := l.Outcome(t.Context(), "d")
		return err == nil && strings.Contains(o.Note, "502")
	})
	p.set(func(p *proxy) { p.down = false })
	wait(t, l, "d")
	once(t, look, k, 60)
}

// mining switches automatic blocks.
func (a *anvil) mining(t *testing.T, on bool) { t.Helper(); a.do(t, "evm_setAutomine", on) }

func TestStuckTransactionIsReplaced(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	a.mining(t, false)
	store := evm.NewMemStore()
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Store: store, Signers: []evm.Signer{k}, BumpAfter: time.Second})
	if err := l.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatal(err)
	}
	attempts := func() []evm.Attempt {
		r, _, err := store.GetTx(t.Context(), "d")
		if err != nil {
			t.Fatal(err)
		}
		return r.Attempts
	}
	until(t, "it is sent", func() bool { return len(attempts()) > 0 })
	a.do(t, "anvil_setNextBlockBaseFeePerGas", "0x2540be400") // 10 gwei, more than it offers
	a.do(t, "evm_mine")
	if o, err := l.Outcome(t.Context(), "d"); err != nil || o.State != chain.Pending {
		t.Fatalf("after a block that is too dear: %+v, %v", o, err)
	}
	until(t, "it is replaced often enough", func() bool {
		a.do(t, "anvil_setNextBlockBaseFeePerGas", "0x2540be400")
		a.do(t, "evm_mine")
		o, err := l.Outcome(t.Context(), "d")
		return err == nil && o.State == chain.Done
	})
	all := attempts()
	if len(all) < 2 {
		t.Errorf("%d attempts, want at least 2", len(all))
	}
	for _, x := range all {
		if x.Nonce != all[0].Nonce {
			t.Errorf("attempts have the nonces %d and %d", x.Nonce, all[0].Nonce)
		}
	}
	a.mining(t, true)
	once(t, look, k, 60)
}

func TestNonceTakenByAnotherWallet(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	a.mining(t, false)
	store := evm.NewMemStore()
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Store: store, Signers: []evm.Signer{k}})
	if err := l.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatal(err)
	}
	var first evm.Attempt
	until(t, "it is sent", func() bool {
		r, _, err := store.GetTx(t.Context(), "d")
		if err != nil || len(r.Attempts) == 0 || r.Outcome.Tx.IsZero() {
			return false
		}
		first = r.Attempts[0]
		var tx *struct{ Hash artel.Hash }
		return a.CallContext(t.Context(), &tx, "eth_getTransactionByHash", first.Hash) == nil && tx != nil
	})
	a.do(t, "anvil_dropTransaction", first.Hash)
	a.do(t, "anvil_impersonateAccount", k.Address())
	a.do(t, "eth_sendTransaction", map[string]any{"from": k.Address(), "to": k.Address(), "nonce": hexutil.Uint64(first.Nonce), "gas": "0x5208"})
	a.do(t, "evm_mine")
	a.mining(t, true)
	wait(t, l, "d")
	r, _, err := store.GetTx(t.Context(), "d")
	if err != nil || r.Attempts[0].Nonce != first.Nonce+1 {
		t.Errorf("the call was mined with nonce %d, want the next after %d; %v", r.Attempts[0].Nonce, first.Nonce, err)
	}
	once(t, look, k, 60)
}

func TestNonceGapIsFilled(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	a.mining(t, false)
	a.do(t, "anvil_impersonateAccount", k.Address())
	var other artel.Hash // another wallet's transaction takes the first nonce, and vanishes
	if err := a.CallContext(t.Context(), &other, "eth_sendTransaction", map[string]any{"from": k.Address(), "to": k.Address(), "gas": "0x5208"}); err != nil {
		t.Fatal(err)
	}
	store := evm.NewMemStore()
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Store: store, Signers: []evm.Signer{k}, BumpAfter: 2 * time.Second})
	if err := l.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatal(err)
	}
	until(t, "it is sent", func() bool {
		r, _, err := store.GetTx(t.Context(), "d")
		return err == nil && len(r.Attempts) > 0
	})
	a.do(t, "anvil_dropTransaction", other)
	until(t, "the gap is filled and it is mined", func() bool {
		a.do(t, "evm_mine")
		o, err := l.Outcome(t.Context(), "d")
		return err == nil && o.State == chain.Done
	})
	a.mining(t, true)
	once(t, look, k, 60)
}

func TestReorg(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{Depth: 4})
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Signers: []evm.Signer{k}})
	a.do(t, "anvil_mine", "0xa")
	if err := l.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatal(err)
	}
	var mined chain.Outcome
	until(t, "it is mined and not final", func() bool {
		var err error
		mined, err = l.Outcome(t.Context(), "d")
		return err == nil && mined.State == chain.Mined && strings.Contains(mined.Note, "confirmations:4")
	})
	if acc, err := l.Account(t.Context(), k.Address()); err != nil || !acc.Deposit.IsZero() {
		t.Errorf("a deposit that is not final counts: %+v, %v", acc, err)
	}
	a.do(t, "anvil_mine", "0x2")
	a.do(t, "anvil_reorg", 3, []any{}) // its block is gone; the policy allows for that
	var done chain.Outcome
	until(t, "it is mined again and final", func() bool {
		a.do(t, "evm_mine")
		var err error
		done, err = l.Outcome(t.Context(), "d")
		return err == nil && done.State == chain.Done
	})
	if done.Block.Hash == mined.Block.Hash {
		t.Errorf("it is in block %s, which was replaced", done.Block.Hash)
	}
	once(t, look, k, 60)

	store := chaintest.NewStore(chain.Head{})
	f := chain.Follower{From: l, Into: store, Interval: time.Millisecond}
	for more := true; more; {
		var err error
		if more, err = f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a.do(t, "anvil_reorg", 8, []any{}) // deeper than the policy
	a.do(t, "anvil_mine", "0x4")
	if err := f.Run(t.Context()); !errors.Is(err, chain.ErrReorg) || !hasHint(err) {
		t.Errorf("Follower.Run after a deep reorg: %v, want %v and a hint", err, chain.ErrReorg)
	}
}

func TestRefusalsOfTheChain(t *testing.T) {
	a := startAnvil(t)
	n, _, k := funded(t, a, chain.Finality{})
	poor := chaintest.NewKey(t)
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}, Signers: []evm.Signer{poor, k}})
	if err := l.Submit(t.Context(), chain.Tx{ID: "p", From: poor.Address(), Call: chain.SetPayout{}}); err != nil {
		t.Fatal(err)
	}
	if o, err := l.Wait(t.Context(), "p"); err != nil || !errors.Is(o.Err(), chain.ErrGas) || !hasHint(o.Err()) {
		t.Errorf("a call without coins for gas: %+v, %v", o, err)
	}
	stranger := chaintest.NewKey(t)
	err := l.Submit(t.Context(), chain.Tx{ID: "s", From: stranger.Address(), Call: chain.SetPayout{}})
	if !errors.Is(err, chain.ErrNoKey) {
		t.Errorf("a call of an account without a key: %v", err)
	}

	// The ledger's no in the block itself, after the estimate said yes: two
	// withdrawals of one deposit, of which another wallet's is mined first.
	must(t, l, k, "d", chain.Deposit{To: k.Address(), Amount: artel.Units(100)})
	a.mining(t, false)
	lanes := []chain.LaneCap{{Provider: stranger.Address(), Lane: 1, Cap: artel.Units(100)}}
	if err := l.Submit(t.Context(), chain.Tx{ID: "r", From: k.Address(), Call: chain.ReserveLanes{Lanes: lanes}}); err != nil {
		t.Fatal(err)
	}
	until(t, "it is sent", func() bool {
		var pool struct{ Pending hexutil.Uint64 }
		return a.CallContext(t.Context(), &pool, "txpool_status") == nil && pool.Pending == 1
	})
	zero := fmt.Sprintf("0x%064x", new(big.Int))
	a.do(t, "anvil_setStorageAt", n.Ledger, accountSlot(t, k.Address()), zero) // the deposit vanishes
	a.do(t, "evm_mine")
	if o, err := l.Wait(t.Context(), "r"); err != nil || !errors.Is(o.Err(), chain.ErrDeposit) || o.Tx.IsZero() {
		t.Errorf("a call that failed in its block: %+v, %v", o, err)
	}
}

// accountSlot is where the ledger keeps accounts[a]: its third slot, after the
// two of OpenZeppelin's EIP712.
func accountSlot(t *testing.T, a artel.Address) artel.Hash {
	t.Helper()
	var key [64]byte
	copy(key[12:32], a[:])
	key[63] = 2
	return artel.Keccak(key[:])
}

func TestTokenWithoutPermit(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	p := newProxy(t, a.url)
	p.set(func(p *proxy) {
		p.fail = func(method string, params json.RawMessage) bool { // nonces(address) of EIP-2612
			return method == "eth_call" && strings.Contains(string(params), "0x7ecebe00")
		}
	})
	store := &crashStore{MemStore: evm.NewMemStore(), at: func(r evm.TxRecord) (bool, bool) { return false, r.Approved }}
	first := open(t, evm.Options{Network: n, RPC: []string{p.URL}, Store: store, Signers: []evm.Signer{k}})
	if err := first.Submit(t.Context(), deposit("d", k, 60)); err != nil {
		t.Fatal(err)
	}
	until(t, "the approval is final, and the process dies", store.isDead)
	l := open(t, evm.Options{Network: n, RPC: []string{p.URL}, Store: store.MemStore, Signers: []evm.Signer{k}})
	wait(t, l, "d")
	once(t, look, k, 60)
	r, _, err := store.GetTx(t.Context(), "d")
	if err != nil || !r.Approved {
		t.Errorf("record: %+v, %v; want it approved first", r, err)
	}
}
