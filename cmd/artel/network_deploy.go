package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
	"github.com/spf13/cobra"
)

type deployOptions struct {
	rpc, keyFile, passphraseFile string
	name, out                    string
	delay, stakeDelay            string
	supply, minStake             string
	token, symbol, owner         string
	finality                     string
	public                       []string
}

func (a *app) networkDeployCmd() *cobra.Command {
	var o deployOptions
	c := &cobra.Command{
		Use: "deploy", Short: "Put the contracts on any EVM chain and write its network file", Args: exactly(),
		Long: `Create the ledger and the stake contract, and unless --token names an ERC-20 the
network's own token, on the chain behind an RPC, and write the network file that
everybody on the network needs. The key pays the fees.

A token that takes a part of a transfer, or that changes balances by itself, does
not work as money here.

--chain-rpc is not written into the file, for such URLs often hold a secret:
--public-rpc names the ones that everybody may use.`,
		Example: `  artel network deploy --chain-rpc http://127.0.0.1:8545 --key-file key.json --finality confirmations:1
  artel up --network network.json --chain-rpc http://127.0.0.1:8545`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.networkDeploy(cmd.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.rpc, "chain-rpc", "", "http or https URL of the chain's JSON-RPC")
	f.StringVar(&o.keyFile, "key-file", "", "key file of the account that pays the fees")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the key's passphrase in its first line (default $ARTEL_PASSPHRASE_FILE, else a question)")
	f.StringVar(&o.name, "name", "network", "the network's name")
	f.StringVar(&o.out, "out", "network.json", "network file to write")
	f.StringVar(&o.delay, "delay", "1d", "from the start of a release, exit or revocation to its effect")
	f.StringVar(&o.stakeDelay, "stake-delay", "", "the same for stakes (default twice --delay)")
	f.StringVar(&o.supply, "supply", "1_000_000_000_000_000", "of a new token, in smallest units: 10⁻⁶ tokens")
	f.StringVar(&o.minStake, "min-stake", "0", "least stake of providers, in smallest units")
	f.StringVar(&o.owner, "owner", "", "account that gets the supply of a new token (default the key's own)")
	f.StringVar(&o.token, "token", "", "address of the ERC-20 to pay with (default a new token)")
	f.StringVar(&o.symbol, "symbol", "", "how --token is called when amounts are shown")
	f.StringVar(&o.finality, "finality", "finalized", "when a block counts as final: finalized, safe, confirmations:N or instant")
	f.StringArrayVar(&o.public, "public-rpc", nil, "RPC URL for the network file; may be repeated")
	return c
}

// networkDeploy checks all that it can before anything is paid for.
func (a *app) networkDeploy(ctx context.Context, o deployOptions) error {
	for _, x := range []struct{ flag, value string }{{"--chain-rpc", o.rpc}, {"--key-file", o.keyFile}} {
		if x.value == "" {
			return usage("artel network deploy --help shows an example", "%s is missing", x.flag)
		}
	}
	c, minStake, err := chainInitOptions{validators: 1, delay: o.delay, stakeDelay: o.stakeDelay, supply: o.supply, minStake: o.minStake}.creation()
	if err != nil {
		return err
	}
	policy, err := chain.ParseFinality(o.finality)
	if err != nil {
		return fmt.Errorf("--finality: %w", err)
	}
	if _, err := os.Lstat(o.out); err == nil {
		return fmt.Errorf("deploy network: %s is there already; hint: name a new file with --out", clean(o.out))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deploy network: %w", err)
	}
	key, err := keys.Load(o.keyFile, passphrases{a, o.passphraseFile}.ask)
	if err != nil {
		return hintKey(err)
	}
	c.Faucet = key.Address()
	if o.owner != "" {
		if c.Faucet, err = artel.ParseAddress(o.owner); err != nil {
			return usage("0x and 40 hex digits", "--owner %q is not an address", clean(o.owner))
		}
	}
	f := network.File{
		Schema: network.Schema, Name: o.name, Protocol: "/artel/1",
		Token:    network.Token{Symbol: creditSymbol, Decimals: creditDecimals},
		Finality: filePolicy(policy),
		Rules:    network.Rules{Delay: c.Delay, Window: ledgerWindow, MinStake: minStake},
	}
	if err := o.askChain(ctx, &f, &c, key.Address()); err != nil {
		return err
	}
	// What the file would be, before its contracts cost anything.
	dry := f
	dry.Contracts = network.Contracts{Token: artel.Address{1}, Ledger: artel.Address{2}, Stake: artel.Address{3}}
	if err := dry.Check(); err != nil {
		return fmt.Errorf("deploy network: %w", err)
	}
	a.say("putting the contracts on chain %d as %s", f.Chain.ID, key.Address())
	n, err := evm.DeployAll(ctx, o.rpc, key, c, policy)
	if err != nil {
		if c.Token.IsZero() && !n.Token.IsZero() {
			return fmt.Errorf("%w; hint: the token is there, --token %s --symbol %s goes on with it", err, n.Token, creditSymbol)
		}
		return err
	}
	f.Chain.Birth = n.Birth
	f.Contracts = network.Contracts{Token: n.Token, Ledger: n.Ledger, Stake: n.Stake}
	b, err := f.Encode()
	if err == nil {
		err = datadir.WriteFile(o.out, b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write network file: %w; hint: the contracts are there: token %s, ledger %s, stake %s, after block %d", err, n.Token, n.Ledger, n.Stake, n.Birth)
	}
	if err := o.settle(ctx, a, n); err != nil {
		return err
	}
	a.say("hint: artel up --network %s --chain-rpc %s", o.out, clean(o.rpc))
	return a.print(api.NetworkInfo{Hash: f.Hash(), File: f}, func() {
		fmt.Fprintf(a.out, "token   %s\nledger  %s\nstake   %s\nnetwork file %s, hash %s\n", n.Token, n.Ledger, n.Stake, o.out, f.Hash())
	})
}

// askChain fills in what the chain says, and refuses what would fail later.
func (o deployOptions) askChain(ctx context.Context, f *network.File, c *evm.Creation, payer artel.Address) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r := rpcClient{url: o.rpc}
	fail := func(err error, hint string) error {
		return fmt.Errorf("deploy network: ask %s: %w; hint: %s", clean(o.rpc), err, hint)
	}
	id, err := r.chainID(ctx)
	if err != nil {
		return fail(err, "check the URL and that the chain's node runs")
	}
	genesis, err := r.block(ctx, "0x0")
	if err != nil {
		return fail(err, "it must serve block 0")
	}
	f.Chain = network.Chain{Kind: network.KindRPC, ID: id, Genesis: genesis.Hash, RPC: o.public}
	if f.Finality.Tag != "" {
		if _, err := r.block(ctx, f.Finality.Tag); err != nil {
			return fail(err, "a chain without that tag takes --finality confirmations:N")
		}
	}
	coin, err := evm.Coin(ctx, o.rpc, payer)
	if err != nil {
		return fmt.Errorf("deploy network: %w", err)
	}
	if coin.Sign() == 0 {
		return fmt.Errorf("deploy network: %s has no coin on chain %d; hint: send it some for fees", payer, id)
	}
	if o.token == "" {
		if o.symbol != "" {
			return usage("it is for --token: a new token is called "+creditSymbol, "--symbol %q without --token", clean(o.symbol))
		}
		return nil
	}
	if c.Token, err = artel.ParseAddress(o.token); err != nil {
		return usage("0x and 40 hex digits", "--token %q is not an address", clean(o.token))
	}
	if o.symbol == "" {
		return usage("like --symbol USDC", "--token wants --symbol")
	}
	decimals, err := r.decimals(ctx, c.Token)
	if err != nil {
		return fail(err, "is --token an ERC-20 with decimals(), on this chain?")
	}
	f.Token = network.Token{Symbol: o.symbol, Decimals: uint8(min(decimals, 255))}
	return nil
}

// settle waits until the contracts are in a block that counts as final.
func (o deployOptions) settle(ctx context.Context, a *app, n evm.Network) error {
	l, err := evm.New(evm.Options{Network: n, RPC: []string{o.rpc}})
	if err != nil {
		return err
	}
	defer l.Close()
	a.say("%s is written; waiting until its contracts are final (%s); artel network check looks at it too", o.out, n.Finality)
	for {
		_, err := l.Params(ctx)
		if err == nil {
			return nil
		}
		t := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("wait until the contracts are final: %w (%w)", ctx.Err(), err)
		case <-t.C:
		}
	}
}

// filePolicy writes a policy as the network file has it.
func filePolicy(p chain.Finality) network.Finality {
	switch {
	case p.Tag != "":
		return network.Finality{Policy: network.PolicyTag, Tag: p.Tag}
	case p.Depth > 0:
		return network.Finality{Policy: network.PolicyConfirmations, Confirmations: p.Depth}
	}
	return network.Finality{Policy: network.PolicyInstant}
}
