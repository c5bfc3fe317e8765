package main

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/network"
	"github.com/spf13/cobra"
)

func (a *app) networkCmd() *cobra.Command {
	c := &cobra.Command{Use: "network", Short: "Look at network files, or make a network on any EVM chain", Args: cobra.ArbitraryArgs, RunE: group}
	c.AddCommand(a.networkShowCmd(), a.networkCheckCmd(), a.networkHashCmd(), a.networkDeployCmd())
	return c
}

// networkFile loads the file that was named, or the data directory's.
func (a *app) networkFile(args []string) (network.File, error) {
	if len(args) == 1 {
		return network.Load(args[0])
	}
	p, err := a.paths()
	if err != nil {
		return network.File{}, err
	}
	return network.Load(p.Network())
}

func (a *app) networkShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show [FILE]", Short: "Show a network file (default the data directory's)", Args: atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := a.networkFile(args)
			if err != nil {
				return err
			}
			return a.print(api.NetworkInfo{Hash: f.Hash(), File: f}, func() {
				fmt.Fprintf(a.out, "name       %s\nhash       %s\nprotocol   %s\n", f.Name, f.Hash(), f.Protocol)
				fmt.Fprintf(a.out, "chain      %d, %s, genesis %s\n", f.Chain.ID, f.Chain.Kind, f.Chain.Genesis)
				fmt.Fprintf(a.out, "token      %s, %d decimals, %s\nledger     %s\nstake      %s\n", f.Token.Symbol, f.Token.Decimals, f.Contracts.Token, f.Contracts.Ledger, f.Contracts.Stake)
				fmt.Fprintf(a.out, "finality   %s\n", f.Finality)
				fmt.Fprintf(a.out, "delay      %s, then %s to act\n", time.Duration(f.Rules.Delay)*time.Second, time.Duration(f.Rules.Window)*time.Second)
				fmt.Fprintf(a.out, "stake      at least %s\n", money(f.Rules.MinStake, f.Token))
				for _, u := range f.Chain.RPC {
					fmt.Fprintf(a.out, "rpc        %s\n", u)
				}
				for _, b := range f.Bootstrap {
					fmt.Fprintf(a.out, "bootstrap  %s\n", b)
				}
			})
		},
	}
}

func (a *app) networkHashCmd() *cobra.Command {
	return &cobra.Command{
		Use: "hash [FILE]", Short: "Print a network's hash: what keeps networks apart", Args: atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := a.networkFile(args)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"hash": f.Hash()}, func() { fmt.Fprintln(a.out, f.Hash()) })
		},
	}
}

func (a *app) networkCheckCmd() *cobra.Command {
	var rpc []string
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Check a network file, and that its chain is the one it says", Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := a.networkFile(args)
			if err != nil {
				return err
			}
			if len(rpc) == 0 {
				rpc = f.Chain.RPC
			}
			var checks []check
			for _, u := range rpc {
				checks = append(checks, checkRPC(cmd.Context(), f, u, time.Now())...)
			}
			return a.checks(append([]check{pass("network file", "%s, hash %s", f.Name, f.Hash())}, checks...))
		},
	}
	c.Flags().StringArrayVar(&rpc, "chain-rpc", nil, "RPC URL to ask, instead of the file's; may be repeated")
	return c
}

// checkRPC asks an RPC whether it is on the file's chain, which way its clock
// goes, and whether the contracts are there.
func checkRPC(ctx context.Context, f network.File, url string, now time.Time) []check {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r := rpcClient{url: url}
	id, err := r.chainID(ctx)
	if err != nil {
		return []check{fail("rpc", "check the URL and that the chain's node runs", "%s: %s", url, err)}
	}
	if id != f.Chain.ID {
		return []check{fail("rpc", "give an RPC of the right chain with --chain-rpc", "%s is on chain %d, the network is on %d", url, id, f.Chain.ID)}
	}
	genesis, err := r.block(ctx, "0x0")
	if err != nil {
		return []check{fail("rpc", "it must serve block 0", "%s: genesis: %s", url, err)}
	}
	if genesis.Hash != f.Chain.Genesis {
		return []check{fail("rpc", "another chain has the same id; give an RPC of the right one", "%s begins with block %s, the network with %s", url, genesis.Hash, f.Chain.Genesis)}
	}
	out := []check{pass("rpc", "%s is on chain %d", url, id)}
	head, err := r.block(ctx, "latest")
	if err != nil {
		return append(out, fail("rpc", "is the node syncing?", "%s: newest block: %s", url, err))
	}
	out = append(out, checkClock(time.Unix(int64(min(head.Time, 1<<40)), 0), now))
	for _, c := range []struct {
		name string
		at   [20]byte
	}{{"token", f.Contracts.Token}, {"ledger", f.Contracts.Ledger}, {"stake", f.Contracts.Stake}} {
		code, err := r.code(ctx, c.at)
		switch {
		case err != nil:
			out = append(out, fail("contracts", "ask another RPC", "%s: %s: %s", url, c.name, err))
		case code == 0:
			out = append(out, fail("contracts", "the file is wrong, or the chain was made anew", "there is no code where the %s should be", c.name))
		}
	}
	if d, err := r.decimals(ctx, f.Contracts.Token); err == nil && d != uint64(f.Token.Decimals) {
		out = append(out, fail("token", "correct the file: amounts are shown and read by it", "%s has %d decimals, the file says %d", f.Token.Symbol, d, f.Token.Decimals))
	}
	for _, c := range []struct {
		name, function string
		want           uint64
	}{{"delay", "delay()", f.Rules.Delay}, {"window", "WINDOW()", f.Rules.Window}} {
		if n, err := r.number(ctx, f.Contracts.Ledger, c.function); err == nil && n != c.want {
			out = append(out, fail("rules", "correct the file: providers count on it", "the ledger's %s is %d s, the file says %d", c.name, n, c.want))
		}
	}
	return out
}
