package evm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/chaintest"
	"github.com/artel-network/artel/chain/evm"
	process "github.com/artel-network/artel/internal/anvil"
)

const (
	delay      = 3600
	stakeDelay = 2 * delay
)

// anvil is a local EVM chain in a process of its own.
type anvil struct {
	url string
	*rpc.Client
}

func startAnvil(t *testing.T, args ...string) *anvil {
	t.Helper()
	url := process.Start(t, args...)
	c, err := rpc.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &anvil{url, c}
}

func (a *anvil) do(t *testing.T, method string, args ...any) {
	t.Helper()
	if err := a.CallContext(t.Context(), nil, method, args...); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

func rich(t *testing.T) artel.Key { return process.Rich(t) }

// deploy makes a network on the chain; the rich account is its faucet.
func (a *anvil) deploy(t *testing.T, finality chain.Finality) evm.Network {
	t.Helper()
	k := rich(t)
	n, err := evm.DeployAll(t.Context(), a.url, k, evm.Creation{
		Faucet: k.Address(), Supply: artel.Units(1 << 60), Delay: delay, StakeDelay: stakeDelay}, finality)
	if err != nil {
		t.Fatalf("DeployAll: %v", err)
	}
	return n
}

// open opens a ledger and runs it until the test ends.
func open(t *testing.T, o evm.Options) *evm.Ledger {
	t.Helper()
	if o.Store == nil {
		o.Store = evm.NewMemStore()
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	l, err := evm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		l.Close()
	})
	return l
}

// fund gives a key coins for fees and tokens.
func (a *anvil) fund(t *testing.T, l *evm.Ledger, k artel.Key, tokens uint64) {
	t.Helper()
	a.do(t, "anvil_setBalance", k.Address(), "0x56bc75e2d63100000")
	l.AddSigner(k)
	if tokens > 0 {
		must(t, l, rich(t), "fund/"+k.Address().String(), chain.TransferToken{To: k.Address(), Amount: artel.Units(tokens)})
	}
}

func must(t *testing.T, l chain.Ledger, from artel.Key, id string, c chain.Call) chain.Outcome {
	t.Helper()
	if err := l.Submit(t.Context(), chain.Tx{ID: id, From: from.Address(), Call: c}); err != nil {
		t.Fatalf("Submit %s: %v", id, err)
	}
	return wait(t, l, id)
}

func wait(t *testing.T, l chain.Ledger, id string) chain.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o, err := l.Wait(ctx, id)
	if err != nil {
		t.Fatalf("Wait %s: %v (%+v)", id, err, o)
	}
	if o.State != chain.Done {
		t.Fatalf("%s: %s, %v", id, o.State, o.Err())
	}
	return o
}

func (a *anvil) world(t *testing.T, l *evm.Ledger) chaintest.World {
	return chaintest.World{
		Ledger: l,
		Fund:   func(t *testing.T, k artel.Key, tokens uint64) { t.Helper(); a.fund(t, l, k, tokens) },
		Next:   func(t *testing.T, at uint64) { t.Helper(); a.do(t, "evm_setNextBlockTimestamp", at) },
		Warp: func(t *testing.T, seconds uint64) {
			t.Helper()
			a.do(t, "evm_increaseTime", fmt.Sprintf("0x%x", seconds))
			a.do(t, "evm_mine")
		},
	}
}

func TestConformance(t *testing.T) {
	a := startAnvil(t)
	l := open(t, evm.Options{Network: a.deploy(t, chain.Finality{}), RPC: []string{a.url}, Signers: []evm.Signer{rich(t)}})
	chaintest.Run(t, a.world(t, l))
}

// until polls for a condition of a real process.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for: %s", what)
		}
		<-tick.C
	}
}

func hasHint(err error) bool { return err != nil && strings.Contains(err.Error(), "hint:") }
