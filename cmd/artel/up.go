package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
	"github.com/spf13/cobra"
)

type upOptions struct {
	network        string
	account        string
	chainRPC       []string
	listen         []string
	passphraseFile string
	noPassphrase   bool
	apiListen      string
	apiHosts       []string
	apiOrigins     []string
	apiRemote      bool
	logLevel       string
	insecure       []string
}

// daemon is a node that api can serve.
type daemon interface {
	api.Node
	// Run works until ctx ends, then stops in order.
	Run(ctx context.Context) error
	// Vacate has what runs here for others go on elsewhere, while Run goes on. It returns
	// when that is done, after a while in any case, and when ctx ends.
	Vacate(ctx context.Context)
	// Close gives back what opening took. It is called after Run.
	Close() error
	// StewardDoor is where the account's own node connects; nil: the daemon is
	// nobody's steward.
	StewardDoor() net.Listener
}

// daemonConfig is what a daemon is opened with.
type daemonConfig struct {
	Dir      *datadir.Dir
	Network  network.File
	Key      artel.Key
	Account  artel.Address // zero: the key's own
	ChainRPC []string      // instead of the network file's
	Listen   []string      // multiaddrs; none: the usual ones
	Version  api.Version
	Log      *slog.Logger
	// InsecureRegistries, "host" or "host:port", may be private and speak http.
	InsecureRegistries []string
}

func (a *app) upCmd() *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use: "up", Short: "Run the daemon that the other verbs talk to", Args: exactly(),
		Long: `Run the daemon. It keeps going until it is told to stop, and whatever stops it,
a start continues where it was.

Told to stop (Ctrl-C, SIGTERM), it lets strangers' tasks leave first: those with
checkpoints have half a minute to bring a last one away and go on elsewhere, the
rest begins anew there. A second time stops it at once.

The first start makes the node key, encrypted under a passphrase. For starts
without a person there: --passphrase-file, $ARTEL_PASSPHRASE_FILE, or
--no-passphrase for a key that only its file's mode protects.`,
		Example: `  artel up --network network.json
  artel up --no-passphrase --api-listen 127.0.0.1:7700`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := notBoth(cmd, "passphrase-file", "no-passphrase"); err != nil {
				return err
			}
			return a.up(cmd.Context(), o, openDaemon)
		},
	}
	f := c.Flags()
	f.StringVar(&o.network, "network", "", "network file to join with (default the data directory's)")
	f.StringVar(&o.account, "account", "", "account whose money this node spends and earns, as its session signer and steward (default the node key's own)")
	f.StringArrayVar(&o.chainRPC, "chain-rpc", nil, "RPC URL of the chain, instead of the network file's; may be repeated")
	f.StringArrayVar(&o.listen, "listen", nil, "multiaddr to listen on for peers; may be repeated")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the key's passphrase in its first line (default $ARTEL_PASSPHRASE_FILE, else a question)")
	f.BoolVar(&o.noPassphrase, "no-passphrase", false, "make a new key without a passphrase")
	f.StringVar(&o.apiListen, "api-listen", "", "TCP address for the API besides the socket, like 127.0.0.1:7700; wants the token in DIR/api.token")
	f.StringArrayVar(&o.apiHosts, "api-host", nil, "name under which the API may be called, besides localhost")
	f.StringArrayVar(&o.apiOrigins, "api-origin", nil, "web page that may call the API: scheme://host:port")
	f.BoolVar(&o.apiRemote, "api-remote", false, "let --api-listen be more than loopback; nothing is encrypted")
	f.StringArrayVar(&o.insecure, "insecure-registry", nil, "registry, host or host:port, that may be on this network and speak plain http; whoever rents this machine may pull from it; may be repeated")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	return c
}

// up takes the data directory, opens what is in it, and serves until ctx ends.
func (a *app) up(ctx context.Context, o upOptions, open func(context.Context, daemonConfig) (daemon, error)) (err error) {
	log, err := a.logger(o.logLevel)
	if err != nil {
		return err
	}
	p, err := a.paths()
	if err != nil {
		return err
	}
	dir, err := datadir.Open(p.Root())
	if err != nil {
		return err
	}
	defer dir.Close()
	net, err := joinNetwork(dir.Paths, o.network)
	if err != nil {
		return err
	}
	key, err := a.openKey(dir.Paths, o)
	if err != nil {
		return err
	}
	var account artel.Address
	if o.account != "" {
		if account, err = artel.ParseAddress(o.account); err != nil {
			return usage("0x and 40 hex digits", "--account %q is not an address", clean(o.account))
		}
	}
	for _, r := range o.insecure {
		if r == "" || strings.ContainsAny(r, "/@ ") {
			return usage("like registry.lan:5000, without a scheme or a name", "--insecure-registry %q is no host", clean(r))
		}
	}
	doors, err := a.openDoors(dir.Paths, o)
	if err != nil {
		return err
	}
	defer doors.close()
	d, err := open(ctx, daemonConfig{Dir: dir, Network: net, Key: key, Account: account, ChainRPC: o.chainRPC, Listen: o.listen, Version: version(), Log: log, InsecureRegistries: o.insecure})
	if err != nil {
		return err
	}
	defer func() {
		cerr := d.Close()
		if err == nil {
			err = cerr
		} else if cerr != nil {
			log.Warn("close", "error", cerr) // what came first is what the person should read
		}
	}()
	if !account.IsZero() && account != key.Address() {
		log.Info("works for an account whose key is elsewhere, and is its steward if that account's node says: artel steward NODE --allowance AMOUNT", "of", account, "node", key.NodeID())
	}
	hurry, unhurried := twice()
	defer unhurried()
	log.Info("up", "account", key.Address(), "network", net.Name, "hash", net.Hash().Short(), "dir", dir.Root(), "api", doors.socket.Addr())
	return serve(ctx, hurry, d, doors, log)
}

// twice returns a context that ends when the program has been told to stop for the
// second time. A third time ends the program.
func twice() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	told := make(chan os.Signal, 2)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(told)
		for range 2 {
			select {
			case <-told:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// serve runs the daemon and its API until told ends, and what runs here has left, or one of
// them fails. When hurry ends, nobody waits for what runs here.
func serve(told, hurry context.Context, d daemon, doors doors, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(told))
	var leaving sync.WaitGroup
	defer leaving.Wait()
	defer cancel()
	leaving.Go(func() {
		select {
		case <-told.Done():
			within, stop := context.WithCancel(hurry)
			defer context.AfterFunc(ctx, stop)() // it has failed
			d.Vacate(within)
			cancel()
		case <-ctx.Done():
		}
	})
	s := api.NewServer(d, version(), log)
	runs := []func() error{
		func() error { return d.Run(ctx) },
		func() error { return s.Serve(ctx, doors.socket, api.Guard{Local: true}) },
	}
	if doors.tcp != nil {
		runs = append(runs, func() error { return s.Serve(ctx, doors.tcp, doors.guard) })
	}
	if l := d.StewardDoor(); l != nil {
		runs = append(runs, func() error { return s.Serve(ctx, l, api.Guard{Steward: true}) })
	}
	ended := make(chan error, len(runs))
	for _, r := range runs {
		go func() { ended <- r() }()
	}
	var all error
	for range runs {
		err := <-ended
		if err != nil && !errors.Is(err, context.Canceled) {
			all = errors.Join(all, err)
		}
		cancel() // one that ends takes the others with it
	}
	return all
}

func (a *app) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("debug, info, warn or error", "--log-level %q", clean(level))
	}
	o := &slog.HandlerOptions{Level: l}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.err, o)), nil
	}
	return slog.New(slog.NewTextHandler(a.err, o)), nil
}

// joinNetwork returns the data directory's network. A file that was named is
// copied there first; one of another network is refused, since leases, lanes
// and the database belong to the one that is there.
func joinNetwork(p datadir.Paths, named string) (network.File, error) {
	if named == "" {
		return network.Load(p.Network())
	}
	f, err := network.Load(named)
	if err != nil {
		return f, err
	}
	was, err := network.Load(p.Network())
	switch {
	case errors.Is(err, network.ErrNone):
	case err != nil:
		return f, err
	case was.Hash() != f.Hash():
		return f, fmt.Errorf("join network %s: %s belongs to network %s, hash %s, and not to hash %s; hint: give each network its own --dir", f.Name, p.Root(), was.Name, was.Hash().Short(), f.Hash().Short())
	}
	b, err := f.Encode()
	if err != nil {
		return f, err
	}
	return f, datadir.WriteFile(p.Network(), b, 0o600)
}

// openKey opens the node key, or makes one on the first start.
func (a *app) openKey(p datadir.Paths, o upOptions) (artel.Key, error) {
	pass := passphrases{a, o.passphraseFile}
	key, err := keys.Load(p.Key(), pass.ask)
	if !errors.Is(err, keys.ErrNone) {
		return key, hintKey(err)
	}
	if _, err := os.Lstat(p.Database()); err == nil {
		return key, fmt.Errorf("open node key: %s is gone and the database is there; hint: artel wallet restore FILE brings the key back from a backup", p.Key())
	} else if !errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("open node key: %w", err)
	}
	if key, err = keys.Generate(); err != nil {
		return key, err
	}
	if o.noPassphrase {
		err = keys.CreateUnprotected(p.Key(), key)
	} else {
		var s string
		if s, err = pass.choose(); err == nil {
			err = keys.Create(p.Key(), key, s)
		}
	}
	if err == nil {
		a.say("made the node key of %s in %s\nhint: artel wallet backup FILE, and keep it elsewhere", key.Address(), p.Key())
	}
	return key, err
}

// doors are the listeners of the API.
type doors struct {
	socket net.Listener
	tcp    net.Listener // nil: not asked for
	guard  api.Guard    // of tcp
}

func (a *app) openDoors(p datadir.Paths, o upOptions) (d doors, err error) {
	path, err := a.socketPath()
	if err != nil {
		return d, err
	}
	if d.socket, err = api.ListenUnix(path); err != nil || o.apiListen == "" {
		return d, err
	}
	d.guard = api.Guard{Hosts: o.apiHosts, Origins: o.apiOrigins}
	if d.guard.Token, err = api.Token(p.Token()); err == nil {
		d.tcp, err = api.ListenTCP(o.apiListen, o.apiRemote)
	}
	if err != nil {
		d.close()
		return d, err
	}
	a.say("API at http://%s, token in %s", d.tcp.Addr(), p.Token())
	return d, nil
}

func (d doors) close() {
	d.socket.Close()
	if d.tcp != nil {
		d.tcp.Close()
	}
}
