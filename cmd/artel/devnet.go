package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
	"github.com/spf13/cobra"
)

type devnetOptions struct {
	providers int
	deposit   string
	logLevel  string
}

// devnetCmd runs a private network on this machine, to develop against.
func (a *app) devnetCmd() *cobra.Command {
	var o devnetOptions
	c := &cobra.Command{
		Use: "devnet", Short: "Run a private network on this machine", Args: exactly(),
		Long: `Run a private network on this machine until Ctrl-C: a chain of one validator, a
renter with money in the ledger, and providers of different prices and sizes,
each a process of its own on free ports of the loopback. All of it lives below
--dir, which is kept, or else in a temporary directory, which is removed.`,
		Example: `  artel devnet --providers 3
  artel devnet --dir /tmp/net`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.devnet(cmd.Context(), o) },
	}
	f := c.Flags()
	f.IntVar(&o.providers, "providers", 2, "how many providers, 0 to 20")
	f.StringVar(&o.deposit, "deposit", "500_000_000", "what the renter puts into the ledger, in smallest units")
	f.StringVar(&o.logLevel, "log-level", "info", "of the daemons: debug, info, warn or error")
	return c
}

// stall is a provider of a devnet.
type stall struct {
	name  string
	slots uint32
	price artel.Price
	nice  int
}

// stalls are n providers: a slot of the first costs about a credit an hour, one
// of each further one more.
func stalls(n int) []stall {
	var out []stall
	for i := range n {
		out = append(out, stall{name: fmt.Sprintf("provider%d", i+1), slots: uint32(1 + i%2), price: artel.Price(1+uint64(i)%10) * 300_000_000})
	}
	return out
}

func (a *app) devnet(ctx context.Context, o devnetOptions) error {
	if o.providers < 0 || o.providers > 20 {
		return usage("0 to 20", "--providers %d", o.providers)
	}
	deposit, err := artel.ParseAmount(o.deposit)
	if err != nil {
		return usage("a whole number of smallest units", "--deposit %q", clean(o.deposit))
	}
	net, remove, err := a.newDevnet(ctx, o.logLevel)
	if err != nil {
		return err
	}
	defer remove()
	defer net.Close()
	m, err := a.openMarket(ctx, net, stalls(o.providers), deposit)
	if err != nil {
		return err
	}
	if err := net.NamePeers(); err != nil {
		return err
	}
	type row struct {
		Name string       `json:"name"`
		PID  int          `json:"pid"`
		Node artel.NodeID `json:"node"`
		Dir  string       `json:"dir"`
	}
	rows := []row{{"renter", m.renter.PID(), m.renter.Node, m.renter.Dir}}
	for _, p := range m.providers {
		rows = append(rows, row{p.name, p.PID(), p.Node.Node, p.Dir})
	}
	if a.json {
		if err := a.line(map[string]any{"network": net.NetworkFile(), "rpc": net.RPC(), "nodes": rows}); err != nil {
			return err
		}
	} else {
		t := [][]string{{"PROCESS", "PID", "NODE", "DATA DIRECTORY"}, {"chain", fmt.Sprint(m.chain.PID()), "-", filepath.Join(net.Dir(), "chain")}}
		for _, r := range rows {
			t = append(t, []string{r.Name, fmt.Sprint(r.PID), r.Node.Short(), r.Dir})
		}
		table(a.out, t)
		fmt.Fprintf(a.out, `
chain RPC     %s
network file  %s

In another terminal, as the renter:
  export ARTEL_DIR=%s
  artel offers
  artel run --wasm prog.wasm
  artel wallet statement

As a further node:
  artel up --dir NEW --network %s --no-passphrase

With kill -9 PID a machine's power goes off: its work goes on elsewhere. Ctrl-C ends all of it.
`, net.RPC(), net.NetworkFile(), m.renter.Dir, net.NetworkFile())
	}
	return m.stay(ctx, a.say)
}

// newDevnet makes a network in --dir, or in a temporary directory that remove
// removes.
func (a *app) newDevnet(ctx context.Context, level string) (net *devnet.Net, remove func(), err error) {
	if _, err := a.logger(level); err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find this program: %w", err)
	}
	dir, remove := a.dir, func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "artel-"); err != nil {
			return nil, nil, fmt.Errorf("make a directory for the network: %w", err)
		}
		remove = func() { os.RemoveAll(dir) }
	} else if dir, err = filepath.Abs(dir); err != nil {
		return nil, nil, err
	}
	net, err = devnet.New(ctx, devnet.Config{Binary: self, Dir: dir, Log: level})
	if err != nil {
		remove()
		return nil, nil, err
	}
	return net, remove, nil
}

// marketplace is a devnet with everybody on it.
type marketplace struct {
	net       *devnet.Net
	chain     *devnet.Proc
	renter    *devnet.Node
	providers []*provider
}

// provider is a node that rents itself out.
type provider struct {
	stall
	*devnet.Node
}

// openMarket starts the processes, funds them by the faucet, deposits for the
// renter, and waits until it sees all offers.
func (a *app) openMarket(ctx context.Context, net *devnet.Net, ss []stall, deposit artel.Amount) (*marketplace, error) {
	m := &marketplace{net: net}
	var err error
	if m.chain, err = net.StartChain(ctx); err != nil {
		return nil, err
	}
	a.say("the chain is up, pid %d, rpc %s", m.chain.PID(), net.RPC())
	if m.renter, err = net.StartNode(ctx, "renter", 0); err != nil {
		return nil, err
	}
	// While the renter is funded, block by block, the others start.
	renter := make(chan error, 1)
	go func() { renter <- fund(ctx, m.renter, deposit) }()
	for _, s := range ss {
		n, err := net.StartNode(ctx, s.name, s.nice)
		if err != nil {
			return nil, err
		}
		m.providers = append(m.providers, &provider{s, n})
	}
	errs := make([]error, len(m.providers))
	var all sync.WaitGroup
	for i, p := range m.providers {
		all.Go(func() {
			if errs[i] = fund(ctx, p.Node, artel.Amount{}); errs[i] != nil {
				return
			}
			_, errs[i] = p.API.Provide(ctx, api.ProvideConfig{Slots: p.slots, Price: p.price})
		})
	}
	all.Wait()
	for _, err := range append(errs, <-renter) {
		if err != nil {
			return nil, err
		}
	}
	_, err = m.renter.Offers(ctx, len(ss))
	return m, err
}

// fund asks the faucet for tokens and coin, and moves some into the ledger.
func fund(ctx context.Context, n *devnet.Node, deposit artel.Amount) error {
	if _, err := n.API.Faucet(ctx); err != nil {
		return fmt.Errorf("fund %s: %w", n.Name, err)
	}
	if deposit.IsZero() {
		return nil
	}
	if _, err := n.API.Deposit(ctx, deposit); err != nil {
		return fmt.Errorf("deposit for %s: %w", n.Name, err)
	}
	return nil
}

// stay waits for Ctrl-C. A node may end without being asked to, as on any network: that
// is said, and the others go on. The chain has one validator, so it is needed.
func (m *marketplace) stay(ctx context.Context, say func(format string, args ...any)) error {
	ended := make(chan *devnet.Proc)
	watch := func(p *devnet.Proc) {
		go func() {
			select {
			case <-p.Done():
			case <-ctx.Done():
				return
			}
			select {
			case ended <- p:
			case <-ctx.Done():
			}
		}()
	}
	watch(m.chain)
	watch(m.renter.Proc)
	for _, p := range m.providers {
		watch(p.Proc)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-ended:
			if p == m.chain {
				return fmt.Errorf("%s has ended by itself; hint: %s says why", p.Name, p.Log())
			}
			say("%s has ended\nhint: artel up --dir %s --network %s --no-passphrase starts it again", p.Name, filepath.Join(m.net.Dir(), p.Name), m.net.NetworkFile())
		}
	}
}
