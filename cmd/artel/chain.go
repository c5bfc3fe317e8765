package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/artel-network/artel/api"
	chainnode "github.com/artel-network/artel/chain/node"
	"github.com/artel-network/artel/datadir"
	"github.com/spf13/cobra"
)

func (a *app) chainCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "chain", Short: "Run or look at the embedded chain", Args: cobra.ArbitraryArgs, RunE: group,
		Long: `Run or look at the embedded chain: a private network's own ledger, with one
validator on a laptop or several as a real network. It lives in DIR/chain and
runs in a process of its own, so that it outlives the daemon.`,
	}
	c.AddCommand(a.chainInitCmd(), a.chainStartCmd(), a.chainJoinCmd(), a.chainStatusCmd())
	return c
}

// chainDir makes sure that the data directory is one and returns the chain's
// home in it. It takes no lock: the chain has its own.
func (a *app) chainDir() (datadir.Paths, error) {
	p, err := a.paths()
	if err != nil {
		return p, err
	}
	return p, datadir.Prepare(p)
}

func (a *app) chainStartCmd() *cobra.Command {
	var level, home string
	c := &cobra.Command{
		Use: "start", Short: "Run this machine's node of the chain", Args: exactly(),
		Long: `Run this machine's node of the chain until it is told to stop. When its
JSON-RPC answers, its status goes to stdout, as one line of JSON with --json.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			dir, err := a.chainHome(home)
			if err != nil {
				return err
			}
			if _, err := os.Stat(chainnode.GenesisPath(dir)); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no chain in %s; hint: artel chain init makes one, artel chain join follows one", dir)
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			var faucet sync.WaitGroup
			defer faucet.Wait()
			defer cancel()
			n, err := chainnode.New(dir, chainnode.Options{Log: log, Ready: func(s chainnode.Status) {
				faucet.Go(func() {
					if err := a.serveFaucet(ctx, s.RPC, log); err != nil {
						log.Error("faucet", "error", err)
					}
				})
				if a.json {
					a.line(s)
					return
				}
				fmt.Fprintf(a.out, "chain %d is up: block %d, rpc %s, join with --peer %s\n", s.ChainID, s.Height, s.RPC, s.P2P)
			}})
			if err != nil {
				return err
			}
			err = n.Run(ctx)
			if errors.Is(err, chainnode.ErrHomeInUse) {
				return fmt.Errorf("%w; hint: it runs already: artel chain status", err)
			}
			return err
		},
	}
	c.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	c.Flags().StringVar(&home, "home", "", "the chain's directory (default DIR/chain)")
	return c
}

func (a *app) chainHome(home string) (string, error) {
	if home != "" {
		return filepath.Abs(home)
	}
	p, err := a.paths()
	return p.Chain(), err
}

func (a *app) chainJoinCmd() *cobra.Command {
	var genesis, p2p, rpc string
	var peers []string
	c := &cobra.Command{
		Use: "join", Short: "Follow a chain that others run", Args: exactly(),
		Long: `Make this machine a follower of a chain: it fetches and checks every block and
serves the same JSON-RPC, but does not vote. Then: artel chain start.`,
		Example: `  artel chain join --genesis genesis.json --peer 3f…@192.0.2.1:26656`,
		RunE: func(*cobra.Command, []string) error {
			if genesis == "" || len(peers) == 0 {
				return usage("--genesis FILE (DIR/chain/genesis.json of any node) and --peer id@host:port (artel chain status shows it)", "joining wants a genesis and a peer")
			}
			raw, err := os.ReadFile(genesis)
			if err != nil {
				return fmt.Errorf("read genesis: %w", err)
			}
			p, err := a.chainDir()
			if err != nil {
				return err
			}
			if err := chainnode.Join(p.Chain(), raw, chainnode.Settings{P2P: p2p, RPC: rpc, Peers: peers}); err != nil {
				return err
			}
			g, err := chainnode.ReadGenesis(chainnode.GenesisPath(p.Chain()))
			if err != nil {
				return err
			}
			a.say("hint: artel chain start")
			return a.print(map[string]any{"home": p.Chain(), "chainId": g.ChainID(), "genesis": g.Hash()}, func() {
				fmt.Fprintf(a.out, "a follower of chain %d, genesis %s, is in %s\n", g.ChainID(), g.Hash(), p.Chain())
			})
		},
	}
	f := c.Flags()
	f.StringVar(&genesis, "genesis", "", "the chain's genesis file")
	f.StringArrayVar(&peers, "peer", nil, "id@host:port of a node of the chain; may be repeated")
	f.StringVar(&p2p, "p2p", "", "host:port to listen on for other nodes (default a free port on the loopback)")
	f.StringVar(&rpc, "rpc", "127.0.0.1:0", "loopback host:port of the JSON-RPC")
	return c
}

func (a *app) chainStatusCmd() *cobra.Command {
	var home string
	c := &cobra.Command{
		Use: "status", Short: "Show this machine's node of the chain, or the chain as the daemon sees it", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.chainHome(home)
			if err != nil {
				return err
			}
			if _, err := os.Stat(chainnode.GenesisPath(dir)); err == nil || home != "" {
				s, err := chainnode.ReadStatus(cmd.Context(), dir)
				if errors.Is(err, chainnode.ErrNotRunning) {
					return api.Errorf(api.CodeNoDaemon, "the chain in %s is not running", dir).WithHint("artel chain start")
				}
				if err != nil {
					return err
				}
				return a.print(s, func() { a.chainNodeText(s) })
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Chain(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(s, func() { fmt.Fprintln(a.out, chainText(s)) })
		},
	}
	c.Flags().StringVar(&home, "home", "", "the chain's directory (default DIR/chain, if it is there)")
	return c
}

func (a *app) chainNodeText(s chainnode.Status) {
	role := "follower"
	if s.Validator {
		role = "validator"
	}
	fmt.Fprintf(a.out, "chain      %d, genesis %s\n", s.ChainID, s.Genesis)
	fmt.Fprintf(a.out, "block      %d, %s, of %s\n", s.Height, s.Hash, clock(s.Time))
	fmt.Fprintf(a.out, "this node  %s of %d, %d peers, catching up %v\n", role, s.Validators, s.Peers, s.CatchingUp)
	fmt.Fprintf(a.out, "rpc        %s\njoin       --peer %s\n", s.RPC, s.P2P)
}
