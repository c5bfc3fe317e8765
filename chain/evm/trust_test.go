package evm_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
)

func TestRPCThatLies(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	must(t, look, rich(t), "d", chain.Deposit{To: k.Address(), Amount: artel.Units(60)})
	liar := newProxy(t, a.url)
	liar.set(func(p *proxy) {
		p.lie = func(method string, params, result json.RawMessage) any {
			if method == "eth_call" && strings.Contains(string(params), "0x5e5c06e2") { // accounts(address)
				return "0x" + strings.Repeat("00000000000000000000000000000000000000000000000000000000ffffffff", 4)
			}
			return nil
		}
	})
	read := func(quorum int, urls ...string) (chain.Account, error) {
		l, err := evm.New(evm.Options{Network: n, RPC: urls, Quorum: quorum})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Account(t.Context(), k.Address())
	}
	honest, second := newProxy(t, a.url), newProxy(t, a.url)
	if acc, err := read(0, liar.URL); err != nil || acc.Deposit == artel.Units(60) {
		t.Fatalf("the liar does not lie: %+v, %v", acc, err)
	}
	if _, err := read(0, liar.URL, honest.URL); !errors.Is(err, chain.ErrDisagree) || !hasHint(err) {
		t.Errorf("two that contradict each other: %v, want %v and a hint", err, chain.ErrDisagree)
	}
	if acc, err := read(2, liar.URL, honest.URL, second.URL); err != nil || acc.Deposit != artel.Units(60) {
		t.Errorf("two of three agree: %+v, %v", acc, err)
	}
	second.set(func(p *proxy) { p.down = true })
	if acc, err := read(2, honest.URL, second.URL, a.url); err != nil || acc.Deposit != artel.Units(60) {
		t.Errorf("one of three is down: %+v, %v", acc, err)
	}
	if _, err := read(2, honest.URL, second.URL); !errors.Is(err, chain.ErrUnreachable) {
		t.Errorf("one of two is down: %v, want %v", err, chain.ErrUnreachable)
	}

	// One that hangs or lags holds nobody up: the timeout is far longer than this
	// test.
	hang := make(chan struct{})
	second.set(func(p *proxy) { p.down, p.hang = false, hang })
	defer close(hang)
	l3, err := evm.New(evm.Options{Network: n, RPC: []string{second.URL, honest.URL, a.url}, Timeout: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer l3.Close()
	for range 2 {
		if acc, err := l3.Account(t.Context(), k.Address()); err != nil || acc.Deposit != artel.Units(60) {
			t.Errorf("one of three hangs: %+v, %v", acc, err)
		}
	}
	newest, err := l3.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	honest.set(func(p *proxy) {
		p.lie = func(method string, params, _ json.RawMessage) any {
			if method == "eth_getBlockByNumber" && strings.Contains(string(params), "latest") {
				return map[string]any{"number": "0x0", "hash": "0x" + strings.Repeat("44", 32), "timestamp": "0x1"}
			}
			return nil
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if h, err := l3.Head(ctx); err == nil {
		t.Errorf("the head went from block %d to %d", newest.Number, h.Number)
	}
	honest.set(func(p *proxy) { p.lie = nil })

	// It can lie about a block that should be there, hide events, or send rubbish.
	for name, lie := range map[string]func(method string, params, result json.RawMessage) any{
		"another block": func(method string, _, result json.RawMessage) any {
			if method != "eth_getBlockByNumber" {
				return nil
			}
			var h map[string]any
			if json.Unmarshal(result, &h) != nil {
				return nil
			}
			h["hash"] = "0x" + strings.Repeat("ab", 32)
			return h
		},
		"rubbish": func(method string, _, _ json.RawMessage) any {
			if method == "eth_call" {
				return "0x12"
			}
			return nil
		},
		"no block": func(method string, _, _ json.RawMessage) any {
			if method == "eth_getBlockByNumber" {
				return map[string]any{}
			}
			return nil
		},
	} {
		liar.set(func(p *proxy) { p.lie = lie })
		if acc, err := read(0, liar.URL, a.url); err == nil {
			t.Errorf("%s: read %+v", name, acc)
		}
		if name != "another block" { // alone it cannot be told from the truth
			if acc, err := read(0, liar.URL); err == nil {
				t.Errorf("%s, alone: read %+v", name, acc)
			}
		}
	}
	liar.set(func(p *proxy) {
		p.lie = func(method string, _, _ json.RawMessage) any {
			switch method {
			case "eth_getLogs":
				return []map[string]any{{"address": n.Ledger, "topics": []string{"0x" + strings.Repeat("11", 32)}, "data": "0x", "blockNumber": "0x1",
					"blockHash": "0x" + strings.Repeat("22", 32), "transactionHash": "0x" + strings.Repeat("33", 32), "logIndex": "0x0"}}
			}
			return nil
		}
	})
	l, err := evm.New(evm.Options{Network: n, RPC: []string{liar.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if events, _, err := l.Events(t.Context(), chain.Head{}, 10); err == nil {
		t.Errorf("events of a block that is not: %+v", events)
	}
}

// TestRPCThatCosts: an RPC must not make an account burn its coins.
func TestRPCThatCosts(t *testing.T) {
	a := startAnvil(t)
	n, look, k := funded(t, a, chain.Finality{})
	for name, lie := range map[string]func(method string, params json.RawMessage) any{
		"a nonce far ahead": func(method string, params json.RawMessage) any {
			if method == "eth_getTransactionCount" && strings.Contains(string(params), "pending") {
				return "0x186a0"
			}
			return nil
		},
		"a price": func(method string, _ json.RawMessage) any {
			if method == "eth_maxPriorityFeePerGas" {
				return "0x" + strings.Repeat("f", 20)
			}
			return nil
		},
	} {
		p := newProxy(t, a.url)
		p.set(func(p *proxy) {
			p.lie = func(method string, params, _ json.RawMessage) any { return lie(method, params) }
		})
		l := open(t, evm.Options{Network: n, RPC: []string{p.URL}, Signers: []evm.Signer{k}})
		if err := l.Submit(t.Context(), deposit(name, k, 30)); err != nil {
			t.Fatal(err)
		}
		until(t, "the sender complains", func() bool {
			o, err := l.Outcome(t.Context(), name)
			return err == nil && strings.Contains(o.Note, "hint:")
		})
		if c := p.count("eth_sendRawTransaction"); c != 0 {
			t.Errorf("%s: %d transactions were sent", name, c)
		}
		p.set(func(p *proxy) { p.lie = nil })
		wait(t, l, name)
	}
	if sum, c := deposits(t, look, k); sum != artel.Units(60) || c != 2 {
		t.Errorf("deposited %s in %d events, want 60 in 2", sum, c)
	}
}

func TestWrongNetwork(t *testing.T) {
	a, b := startAnvil(t), startAnvil(t, "--chain-id", "31338")
	n := a.deploy(t, chain.Finality{})
	other := artel.Address{5}
	for _, row := range []struct {
		name   string
		change func(*evm.Network)
		url    string
		want   chain.Code
	}{
		{"another chain", func(*evm.Network) {}, b.url, chain.ErrWrongChain},
		{"another chain of the same id", func(n *evm.Network) { n.ChainID = 31338 }, b.url, chain.ErrNoContract},
		{"no contract there", func(n *evm.Network) { n.Stake = other }, a.url, chain.ErrNoContract},
		{"ledger and token swapped", func(n *evm.Network) { n.Ledger, n.Token = n.Token, n.Ledger }, a.url, ""},
		{"another token", func(n *evm.Network) { n.Token = n.Stake }, a.url, chain.ErrWrongToken},
		{"another delay", func(n *evm.Network) { n.Delay = 86_400 }, a.url, chain.ErrWrongRules},
		{"another window", func(n *evm.Network) { n.Window = 3600 }, a.url, chain.ErrWrongRules},
		{"not an RPC", func(*evm.Network) {}, "http://127.0.0.1:1", chain.ErrUnreachable},
	} {
		m := n
		row.change(&m)
		l, err := evm.New(evm.Options{Network: m, RPC: []string{row.url}})
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		_, err = l.Head(t.Context())
		if err == nil || row.want != "" && !errors.Is(err, row.want) || !hasHint(err) {
			t.Errorf("%s: %v, want %s and a hint", row.name, err, row.want)
		}
		l.Close()
	}
	for _, o := range []evm.Options{
		{Network: n},
		{Network: n, RPC: []string{"127.0.0.1:8545"}},
		{Network: n, RPC: []string{"ftp://x"}},
		{Network: n, RPC: []string{""}},
		{Network: n, RPC: []string{a.url}, Quorum: 2},
		{RPC: []string{a.url}},
	} {
		if _, err := evm.New(o); err == nil {
			t.Errorf("New(%+v) took it", o)
		}
	}
	secret, err := evm.New(evm.Options{Network: n, RPC: []string{"http://127.0.0.1:1/v2/secret-key"}})
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	if _, err := secret.Head(t.Context()); err == nil || strings.Contains(err.Error(), "secret-key") {
		t.Errorf("the message tells the URL's secret: %v", err)
	}
}
