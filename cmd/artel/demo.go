package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/network"
	"github.com/spf13/cobra"
)

type demoOptions struct {
	program, native, data string
	keep                  bool
}

// demoCmd shows a whole network at work on this machine.
func (a *app) demoCmd() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use: "demo", Short: "Show a whole network at work on this machine", Args: exactly(),
		Long: `Show a whole network at work on this machine: a chain, a renter and four
providers, each a process of its own. The renter trains a small neural network on
1,797 handwritten digits, with 16 settings, on the providers' machines. One
provider is killed while it works. The winner is trained further in a container,
where containers run, on a machine that loses its power: it goes on elsewhere from its
last checkpoint, and comes to the same weights. At the end every unit of money is accounted for. The exit
code is 0 only if everything on the list at the end holds.

make demo builds the program that is trained and starts this.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.program, "program", filepath.Join("bin", "digits.wasm"), "examples/digits, built for WASI")
	f.StringVar(&o.native, "native", filepath.Join("bin", "digits"), "examples/digits, built for linux without cgo: it runs as a container where containers do")
	f.StringVar(&o.data, "data", filepath.Join("examples", "digits"), "directory of digits.csv.gz")
	f.BoolVar(&o.keep, "keep", false, "keep the network's directory, with every process's log")
	return c
}

// demoStalls are the providers. The later ones are dearer; the last one's
// process has a low priority, so that its machine is a slow one.
var demoStalls = []stall{
	{name: "amber", slots: 1, price: 500_000_000},
	{name: "birch", slots: 2, price: 600_000_000},
	{name: "cedar", slots: 2, price: 800_000_000},
	{name: "dune", slots: 1, price: 400_000_000, nice: 5},
}

// demoDeposit is what the renter puts into the ledger: 100 tokens.
const demoDeposit = "100_000_000"

// demoFor ends a demo that hangs.
const demoFor = 10 * time.Minute

// digitsFile is what the program reads.
const digitsFile = "digits.csv.gz"

// demo is one run.
type demo struct {
	*show
	m      *marketplace
	token  network.Token
	work   string    // for inputs and outputs
	victim *provider // the one that was killed
	spent  artel.Amount
}

func (a *app) demo(ctx context.Context, o demoOptions) (err error) {
	for _, f := range []string{o.program, filepath.Join(o.data, digitsFile)} {
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("find what the demo runs: %w; hint: make demo, or --program and --data", err)
		}
	}
	if err := checkWASM(o.program); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, demoFor)
	defer cancel()
	began := time.Now()
	net, remove, err := a.newDevnet(ctx, "info")
	if err != nil {
		return err
	}
	defer func() {
		net.Close()
		if o.keep || err != nil {
			a.say("the logs of all processes are in %s", net.Dir())
			return
		}
		remove()
	}()
	d := &demo{show: newShow(a.out), work: filepath.Join(net.Dir(), "demo")}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return d.open(ctx, a, net) },
		d.offers,
		func(ctx context.Context) error { return d.learn(ctx, o) },
		d.rescue,
		d.account,
	} {
		if err := step(ctx); err != nil {
			d.end()
			return err
		}
	}
	return d.verdict(time.Since(began))
}

// offers shows the market as the renter sees it.
func (d *demo) offers(ctx context.Context) error {
	d.step("What is on offer, as the renter sees it")
	list, err := d.m.renter.Offers(ctx, len(d.m.providers))
	if err != nil {
		return err
	}
	rows := [][]string{{"PROVIDER", "NODE", "PRICE OF A SLOT", "SLOTS", "MEMORY", "TERMS"}}
	for _, o := range list {
		rows = append(rows, []string{d.name(o.Node), o.Node.Short(), hourly(o.Price, d.token), fmt.Sprint(o.Resources.Slots), size(o.Resources.Memory),
			"works up to " + money(o.MaxUnpaid, d.token) + " ahead of the money"})
	}
	d.table(rows)
	d.check(len(list) == len(d.m.providers), "the renter sees %d offers", len(list))
	return nil
}

// name is what the demo calls a node.
func (d *demo) name(n artel.NodeID) string {
	for _, p := range d.m.providers {
		if p.Node.Node == n {
			return p.name
		}
	}
	return n.Short()
}

// who is what the demo calls an account.
func (d *demo) who(a artel.Address) string {
	if a == d.m.renter.Account {
		return "renter"
	}
	for _, p := range d.m.providers {
		if p.Account == a {
			return p.name
		}
	}
	return a.String()
}

// fetched unpacks what a job's tasks left: dir/TASK/FILE.
func (d *demo) fetched(ctx context.Context, id, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("fetch output: %w", err)
	}
	return d.m.renter.API.Output(ctx, id, nil, func(r io.Reader) error {
		_, err := extract(r, dir, false)
		return err
	})
}

// copyFile copies a small file.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, b, 0o600))
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

// submit adds what a job needs and hands it to the renter's daemon.
func (d *demo) submit(ctx context.Context, spec artel.JobSpec, program, in string) (api.Job, error) {
	abs, err := filepath.Abs(program)
	if err != nil {
		return api.Job{}, fmt.Errorf("add program: %w", err)
	}
	p, err := d.m.renter.API.AddPath(ctx, abs)
	if err != nil {
		return api.Job{}, err
	}
	i, err := d.m.renter.API.AddPath(ctx, in)
	if err != nil {
		return api.Job{}, err
	}
	spec.Program, spec.Input, spec.Sandbox = p.Ref, i.Ref, "wasm"
	return d.hand(ctx, spec)
}

// hand submits a job that has what it needs.
func (d *demo) hand(ctx context.Context, spec artel.JobSpec) (api.Job, error) {
	spec.Tries, spec.Failover = 3, artel.FailoverFast
	spec.Want = artel.Resources{Slots: 1, Memory: 256 << 20, Disk: 16 << 20}
	spec.Wall, spec.Log = uint64((5*time.Minute)/time.Millisecond), 1<<20
	key, err := jobKey()
	if err != nil {
		return api.Job{}, err
	}
	return d.m.renter.API.Submit(ctx, api.SubmitRequest{Key: key, Spec: spec})
}
