package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/network"
	"github.com/spf13/cobra"
)

// app is what every verb has: where to read and write, and the flags that all
// verbs share.
type app struct {
	in, out, err *os.File
	getenv       func(string) string

	dir       string
	socket    string
	api       string
	tokenFile string
	json      bool
	steward   bool // the daemon passes what is asked on to its steward

	net *network.File // asked for once, for amounts
}

func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	return a.report(ctx, cmd, err)
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "artel",
		Short: "A decentralised cloud: rent a machine, or rent yours out",
		Long: `artel rents out machines and rents machines, under a contract that pays for
exactly what was delivered.

Start here:
  artel demo                            a whole network on this machine, in a minute
  artel up                              the daemon; the other verbs talk to it
  artel provide --price 0.5/h           rent this machine out
  artel run --image python:3.12 -- args run a program on somebody else's`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	c.SetOut(a.out)
	c.SetErr(a.err)
	c.SetFlagErrorFunc(flagError)
	f := c.PersistentFlags()
	f.StringVar(&a.dir, "dir", "", "data directory (default $ARTEL_DIR, else ~/.local/share/artel)")
	f.StringVar(&a.socket, "socket", "", "the daemon's socket (default DIR/api.sock)")
	f.StringVar(&a.api, "api", "", "the daemon's URL, instead of a socket: http://127.0.0.1:7700")
	f.StringVar(&a.tokenFile, "token-file", "", "file with the token for --api (default DIR/api.token)")
	f.BoolVar(&a.json, "json", false, "print JSON")
	c.AddGroup(&cobra.Group{ID: "rent", Title: "Rent:"}, &cobra.Group{ID: "provide", Title: "Provide:"},
		&cobra.Group{ID: "money", Title: "Money:"}, &cobra.Group{ID: "node", Title: "Node:"})
	add := func(id string, cs ...*cobra.Command) {
		for _, x := range cs {
			x.GroupID = id
			c.AddCommand(x)
		}
	}
	rent := []*cobra.Command{a.psCmd(), a.logsCmd(), a.cancelCmd(), a.rmCmd(), a.fetchCmd(), a.execCmd(), a.shellCmd(), a.cpCmd(), a.topCmd(), a.forwardCmd(), a.servicesCmd(), a.scaleCmd(), a.stopCmd(), a.offersCmd(), a.leasesCmd()}
	a.ofSteward(rent...)
	add("rent", append(rent, a.runCmd(), a.addCmd(), a.serveCmd(), a.gpuCmd(), a.quoteCmd(), a.stewardCmd())...)
	add("provide", a.provideCmd(), a.pauseCmd(), a.resumeCmd(), a.ownerCmd(), a.measureCmd())
	add("money", a.walletCmd())
	status := a.statusCmd()
	a.ofSteward(status)
	add("node", a.demoCmd(), a.devnetCmd(), a.upCmd(), a.imagesCmd(), a.keptCmd(), status, a.recoverCmd(), a.chainCmd(), a.networkCmd(), a.doctorCmd(), a.versionCmd())
	c.AddCommand(a.wasmWorkerCmd())
	c.InitDefaultCompletionCmd()
	return c
}

// paths returns the data directory's paths.
func (a *app) paths() (datadir.Paths, error) {
	if a.dir != "" {
		d, err := filepath.Abs(a.dir)
		return datadir.At(d), err
	}
	d, err := datadir.Default(a.getenv)
	return datadir.At(d), err
}

func (a *app) socketPath() (string, error) {
	if a.socket != "" {
		return a.socket, nil
	}
	if s := a.getenv("ARTEL_SOCKET"); s != "" {
		return s, nil
	}
	p, err := a.paths()
	return p.Socket(), err
}

// client returns a client of the daemon, or through it of its steward if that was
// asked for; nothing is sent yet.
func (a *app) client() (*api.Client, error) {
	c, err := a.local()
	if err == nil && a.steward {
		c = c.Steward()
	}
	return c, err
}

// local returns a client of the daemon itself.
func (a *app) local() (*api.Client, error) {
	if a.api == "" {
		s, err := a.socketPath()
		if err != nil {
			return nil, err
		}
		return api.NewUnixClient(s), nil
	}
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	file := a.tokenFile
	if file == "" {
		file = p.Token()
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read API token: %w; hint: --token-file FILE, a copy of the daemon's api.token", err)
	}
	return api.NewTCPClient(a.api, strings.TrimSpace(string(b)))
}

// token returns how the daemon's network writes amounts.
func (a *app) token(ctx context.Context, c *api.Client) (network.Token, error) {
	if a.net == nil {
		n, err := c.Network(ctx)
		if err != nil {
			return network.Token{}, err
		}
		a.net = &n.File
	}
	return a.net.Token, nil
}

// print writes v as JSON if that was asked for, and else what text writes.
func (a *app) print(v any, text func()) error {
	if !a.json {
		text()
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", b)
	return err
}

// line writes v as one line of JSON.
func (a *app) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", b)
	return err
}

// say talks to the person.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}
