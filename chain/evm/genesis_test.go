package evm_test

import (
	"bytes"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
)

func TestGenesisIsFixed(t *testing.T) {
	c := evm.Creation{Faucet: artel.Address{7}, Supply: artel.Units(1000), Delay: 60, StakeDelay: 600}
	list, n, err := evm.Genesis(c)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := evm.Genesis(c)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[artel.Address]bool{}
	for i, d := range list {
		if !bytes.Equal(d.InitCode, again[i].InitCode) || d.Address != again[i].Address || len(d.InitCode) < 1000 || d.Deployer.IsZero() {
			t.Errorf("%s is not the same twice, or is nothing", d.Name)
		}
		seen[d.Address] = true
	}
	if len(seen) != 3 || !seen[n.Token] || !seen[n.Ledger] || !seen[n.Stake] {
		t.Errorf("addresses: %+v, network %+v", seen, n)
	}
	for name, bad := range map[string]func(*evm.Creation){
		"no delay":            func(c *evm.Creation) { c.Delay = 0 },
		"stake delay shorter": func(c *evm.Creation) { c.StakeDelay = 59 },
		"a delay of years":    func(c *evm.Creation) { c.Delay, c.StakeDelay = 400*86400, 400*86400 },
		"no faucet":           func(c *evm.Creation) { c.Faucet = artel.Address{} },
		"no supply":           func(c *evm.Creation) { c.Supply = artel.Amount{} },
		"a token of its own":  func(c *evm.Creation) { c.Token = artel.Address{9} },
	} {
		x := c
		bad(&x)
		if _, _, err := evm.Genesis(x); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestDeployOverAnExistingToken: as on a public chain, whose coin is there.
func TestDeployOverAnExistingToken(t *testing.T) {
	a := startAnvil(t)
	first := a.deploy(t, chain.Finality{})
	n, err := evm.DeployAll(t.Context(), a.url, rich(t), evm.Creation{Token: first.Token, Delay: 5, StakeDelay: 7}, chain.Finality{Depth: 2})
	if err != nil {
		t.Fatal(err)
	}
	if n.Token != first.Token || n.Ledger == first.Ledger || n.Stake == first.Stake || n.Birth <= first.Birth {
		t.Errorf("second network %+v, first %+v", n, first)
	}
	a.do(t, "anvil_mine", "0x3")
	l := open(t, evm.Options{Network: n, RPC: []string{a.url}})
	p, err := l.Params(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := chain.Params{ChainID: 31337, Ledger: n.Ledger, Stake: n.Stake, Token: n.Token, Delay: 5, Window: 86400, StakeDelay: 7}
	if p != want {
		t.Errorf("Params: %+v, want %+v", p, want)
	}
	if _, err := evm.DeployAll(t.Context(), "http://127.0.0.1:1", rich(t), evm.Creation{Token: first.Token, Delay: 5, StakeDelay: 7}, chain.Finality{}); !hasHint(err) {
		t.Errorf("DeployAll without a chain: %v, want a hint", err)
	}
	var code hexutil.Bytes
	if err := a.CallContext(t.Context(), &code, "eth_getCode", common.Address(n.Stake), "latest"); err != nil || len(code) == 0 {
		t.Errorf("code of the stake: %d bytes, %v", len(code), err)
	}
}
