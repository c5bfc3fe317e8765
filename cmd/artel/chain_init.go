package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain/evm"
	chainnode "github.com/artel-network/artel/chain/node"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
	"github.com/artel-network/artel/node"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/spf13/cobra"
)

// ledgerWindow is the ledger contract's WINDOW, in seconds.
const ledgerWindow = 86400

// creditDecimals and creditSymbol are the Credit contract's.
const (
	creditDecimals = 6
	creditSymbol   = "CREDIT"
)

type chainInitOptions struct {
	name              string
	validators        int
	chainID           uint64
	delay, stakeDelay string
	supply, minStake  string
	faucet            string
	fund, p2p         []string
	rpc               []string
	faucetListen      string
}

func (a *app) chainInitCmd() *cobra.Command {
	var o chainInitOptions
	c := &cobra.Command{
		Use: "init", Short: "Make a new private chain with the ledger in its genesis", Args: exactly(),
		Long: `Make a new private chain: its genesis with the contracts in it, a home for each
validator below DIR/chain, and the network file DIR/network.json that everybody
on the network needs.

The whole supply of the network's token belongs to the faucet account. Its key is
made in DIR/faucet.json, protected by the file's mode, unless --faucet names an
account.`,
		Example: `  artel chain init
  artel chain init --validators 4 --p2p 10.0.0.1:26656 --p2p 10.0.0.2:26656 --p2p 10.0.0.3:26656 --p2p 10.0.0.4:26656`,
		RunE: func(*cobra.Command, []string) error { return a.chainInit(o) },
	}
	f := c.Flags()
	f.StringVar(&o.name, "name", "private", "the network's name")
	f.IntVar(&o.validators, "validators", 1, "how many validators")
	f.Uint64Var(&o.chainID, "chain-id", 0, "EVM chain id (default drawn at random)")
	f.StringVar(&o.delay, "delay", "1d", "from the start of a release, exit or revocation to its effect")
	f.StringVar(&o.stakeDelay, "stake-delay", "", "the same for stakes (default twice --delay)")
	f.StringVar(&o.supply, "supply", "1_000_000_000_000_000", "of the token, in smallest units: 10⁻⁶ tokens")
	f.StringVar(&o.minStake, "min-stake", "0", "least stake of providers, in smallest units")
	f.StringVar(&o.faucet, "faucet", "", "account that gets the supply (default a new key)")
	f.StringVar(&o.faucetListen, "faucet-listen", "127.0.0.1:7711", "host:port where artel chain start answers newcomers who ask for first tokens; port 0 takes a free one, once")
	f.StringArrayVar(&o.fund, "fund", nil, "account that gets coin for fees; may be repeated")
	f.StringArrayVar(&o.p2p, "p2p", nil, "host:port of each validator (default free ports on the loopback)")
	f.StringArrayVar(&o.rpc, "rpc", nil, "loopback host:port of each validator's JSON-RPC (default a free port, of one validator drawn once)")
	return c
}

func (a *app) chainInit(o chainInitOptions) error {
	c, minStake, err := o.creation()
	if err != nil {
		return err
	}
	if o.chainID == 0 {
		if o.chainID, err = drawChainID(); err != nil {
			return err
		}
	}
	p, err := a.chainDir()
	if err != nil {
		return err
	}
	for _, path := range []string{p.Chain(), p.Network()} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("make chain: %s is there already; hint: a network has one chain for ever, make another in another --dir", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make chain: %w", err)
		}
	}
	if c.Faucet, err = a.faucetAccount(p, o.faucet); err != nil {
		return err
	}
	if o.faucet == "" { // `artel chain start` runs it: its coin has a key of its own
		if o.faucetListen, err = settlePort("--faucet-listen", o.faucetListen); err != nil {
			return err
		}
		coin, err := faucetCoin(p)
		if err != nil {
			return err
		}
		o.fund = append(o.fund, coin.Address().String())
	}
	// The network file names what keeps its address: that of a single validator, or
	// those that were given. Else each node's users name their own with --chain-rpc.
	if o.validators == 1 && len(o.rpc) == 0 {
		o.rpc = []string{"127.0.0.1:0"}
	}
	var urls []string
	for i, at := range o.rpc {
		if o.rpc[i], err = settlePort("--rpc", at); err != nil {
			return err
		}
		urls = append(urls, "http://"+o.rpc[i])
	}
	alloc, contracts, err := genesisAlloc(c, o)
	if err != nil {
		return err
	}
	homes, err := chainnode.Init(p.Chain(), chainnode.Config{Validators: o.validators, ChainID: o.chainID, Alloc: alloc, P2P: o.p2p, RPC: o.rpc})
	if err != nil {
		return err
	}
	g, err := chainnode.ReadGenesis(chainnode.GenesisPath(homes[0]))
	if err != nil {
		return err
	}
	f := network.File{
		Schema: network.Schema, Name: o.name, Protocol: "/artel/1",
		Chain:     network.Chain{Kind: network.KindEmbedded, ID: o.chainID, Genesis: artel.Hash(g.Hash()), RPC: urls},
		Contracts: network.Contracts{Token: contracts.Token, Ledger: contracts.Ledger, Stake: contracts.Stake},
		Token:     network.Token{Symbol: creditSymbol, Decimals: creditDecimals},
		Finality:  network.Finality{Policy: network.PolicyInstant},
		Rules:     network.Rules{Delay: c.Delay, Window: ledgerWindow, MinStake: minStake},
		Faucet:    &network.Faucet{Account: c.Faucet, URL: faucetURL(o)},
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	// Last: a network file is there only if its chain is.
	if err := datadir.WriteFile(p.Network(), b, 0o600); err != nil {
		return err
	}
	start := "artel chain start"
	if len(homes) > 1 {
		start = "artel chain start --home " + homes[0] + ", and so on for each"
	}
	a.say("hint: %s, then artel up", start)
	return a.print(map[string]any{"homes": homes, "network": p.Network(), "hash": f.Hash(), "chainId": o.chainID, "faucet": c.Faucet}, func() {
		fmt.Fprintf(a.out, "chain %d with %d validators is in %s\nnetwork file %s, hash %s\n", o.chainID, len(homes), p.Chain(), p.Network(), f.Hash())
	})
}

func (o chainInitOptions) creation() (c evm.Creation, minStake artel.Amount, err error) {
	if o.validators < 1 || o.validators > 100 {
		return c, minStake, usage("1 to 100", "--validators %d", o.validators)
	}
	ms, err := parseDuration("--delay", o.delay)
	if err != nil {
		return c, minStake, err
	}
	stakeMS := 2 * ms
	if o.stakeDelay != "" {
		if stakeMS, err = parseDuration("--stake-delay", o.stakeDelay); err != nil {
			return c, minStake, err
		}
	}
	c = evm.Creation{Delay: ms / 1000, StakeDelay: stakeMS / 1000}
	if c.Delay == 0 {
		return c, minStake, usage("it is kept in seconds", "--delay %q is less than a second", o.delay)
	}
	if minStake, err = artel.ParseAmount(o.minStake); err != nil {
		return c, minStake, fmt.Errorf("--min-stake: %w", err)
	}
	if c.Supply, err = artel.ParseAmount(o.supply); err != nil {
		return c, minStake, fmt.Errorf("--supply: %w", err)
	}
	return c, minStake, nil
}

// faucetAccount returns the account that gets the supply, with a key of its own
// unless one was named.
func (a *app) faucetAccount(p datadir.Paths, named string) (artel.Address, error) {
	if named != "" {
		at, err := artel.ParseAddress(named)
		if err != nil {
			return at, usage("0x and 40 hex digits", "--faucet %q is not an address", clean(named))
		}
		return at, nil
	}
	in, err := keys.Read(p.Faucet())
	if err == nil { // an init that was cut short
		return in.Address, nil
	}
	if !errors.Is(err, keys.ErrNone) {
		return artel.Address{}, err
	}
	k, err := keys.Generate()
	if err != nil {
		return artel.Address{}, err
	}
	return k.Address(), keys.CreateUnprotected(p.Faucet(), k)
}

// faucetURL is where newcomers ask, or nothing where this program does not hold
// the faucet's key.
func faucetURL(o chainInitOptions) string {
	if o.faucet != "" {
		return ""
	}
	return "http://" + o.faucetListen + "/"
}

// settlePort puts a port that is free now in the place of port 0: the network
// file says where things are, for good.
func settlePort(flag, at string) (string, error) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return "", usage("host:port, like 127.0.0.1:7711", "%s %q", flag, clean(at))
	}
	if port != "0" {
		return at, nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port for %s: %w", flag, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func faucetCoin(p datadir.Paths) (artel.Key, error) {
	k, err := keys.Load(p.Faucet(), nil)
	if err != nil {
		return k, err
	}
	return node.CoinKey(k)
}

// genesisAlloc puts the contracts, and coin for fees, into a genesis.
func genesisAlloc(c evm.Creation, o chainInitOptions) (types.GenesisAlloc, evm.Network, error) {
	list, n, err := evm.Genesis(c)
	if err != nil {
		return nil, n, err
	}
	alloc := types.GenesisAlloc{}
	fees := new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)
	alloc[common.Address(c.Faucet)] = types.Account{Balance: fees}
	for _, s := range o.fund {
		at, err := artel.ParseAddress(s)
		if err != nil {
			return nil, n, usage("0x and 40 hex digits", "--fund %q is not an address", clean(s))
		}
		alloc[common.Address(at)] = types.Account{Balance: fees}
	}
	for _, d := range list {
		if err := chainnode.DeployInGenesis(alloc, o.chainID, common.Address(d.Address), common.Address(d.Deployer), d.InitCode); err != nil {
			return nil, n, fmt.Errorf("put %s into the genesis: %w", d.Name, err)
		}
	}
	return alloc, n, nil
}

// drawChainID draws a chain id that fits what wallets accept, 2⁵³−1, and is far
// from the public ones.
func drawChainID() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("draw chain id: %w", err)
	}
	const low = 1 << 32
	return low + binary.BigEndian.Uint64(b[:])%(1<<52-low), nil
}
