// Package devnet runs a private network on this machine: a chain validator and
// any number of nodes, each a process of its own of the artel program, all on
// the loopback and below one directory. The demo, `artel devnet` and the
// process tests are made of it. Instead of a validator of its own it takes any
// chain that runs already.
//
// It ends the processes that it started, and no others; they die with it if it
// is killed (on Linux).
package devnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/network"
)

// Config is what a network is made with.
type Config struct {
	Binary string // the artel program
	Dir    string // everything lives below it; empty or not there yet
	Name   string // of the network; "": devnet
	Delay  string // of the ledger, as artel chain init reads it; "": 1h
	Log    string // the daemons' log level; "": info

	Validators int // of the chain; 0: one
}

// Net is a network. Its methods may be called from one goroutine at a time.
type Net struct {
	c     Config
	file  network.File      // without the doors of this network
	rpc   []string          // URLs of the chain's JSON-RPCs
	door  []string          // what a daemon is told about it besides the network file
	ports map[string]string // host:port of each node, kept over restarts
	peers []string          // addresses of the nodes, as the network file may name them
	put   map[string]Place  // of nodes that live elsewhere than this process

	figures []byte // of this machine; nil: not measured yet

	mu    sync.Mutex
	procs []*Proc // in the order of their start
}

// chainName is the directory and the process name of the chain.
const chainName = "chain"

// New makes the directory, the chain's genesis and the network file. It starts
// nothing.
func New(ctx context.Context, c Config) (*Net, error) {
	n, err := prepare(c)
	if err != nil {
		return nil, err
	}
	home := filepath.Join(n.c.Dir, chainName)
	args := []string{"chain", "init", "--dir", home, "--name", n.c.Name, "--delay", n.c.Delay, "--faucet-listen", "127.0.0.1:0", "--validators", strconv.Itoa(n.c.Validators)}
	for range n.c.Validators {
		for _, flag := range []string{"--rpc", "--p2p"} {
			at, err := freeTCP()
			if err != nil {
				return nil, err
			}
			args = append(args, flag, at)
		}
	}
	if _, err = n.Artel(ctx, args...); err != nil {
		return nil, err
	}
	if n.file, err = network.Load(datadir.At(home).Network()); err != nil {
		return nil, err
	}
	n.rpc = n.file.Chain.RPC
	return n, n.writeNetwork(nil)
}

// On makes the directory of a network whose contracts are on a chain that runs
// already, behind an RPC URL. The file is written as it is, but for the first
// peer: the nodes are told the URL by --chain-rpc. It starts nothing, and
// StartChain is not for it.
func On(c Config, f network.File, rpcURL string) (*Net, error) {
	n, err := prepare(c)
	if err != nil {
		return nil, err
	}
	n.file, n.rpc, n.door = f, []string{rpcURL}, []string{"--chain-rpc", rpcURL}
	return n, n.writeNetwork(nil)
}

// prepare makes the directory and fills in what c leaves open.
func prepare(c Config) (*Net, error) {
	if c.Name == "" {
		c.Name = "devnet"
	}
	if c.Delay == "" {
		c.Delay = "1h"
	}
	if c.Log == "" {
		c.Log = "info"
	}
	c.Validators = max(c.Validators, 1)
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make network directory: %w", err)
	}
	if es, err := os.ReadDir(c.Dir); err != nil {
		return nil, fmt.Errorf("read network directory: %w", err)
	} else if len(es) > 0 {
		return nil, fmt.Errorf("make network: %s is not empty; hint: name a new --dir", c.Dir)
	}
	return &Net{c: c, ports: map[string]string{}, put: map[string]Place{}}, nil
}

// Artel runs the program to its end and returns what it wrote to stdout.
func (n *Net) Artel(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, n.c.Binary, args...)
	cmd.Env = environ()
	out, err := cmd.Output()
	if err != nil {
		said := err.Error()
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			said = strings.TrimSpace(string(exit.Stderr))
		}
		return out, fmt.Errorf("artel %s: %s", strings.Join(args[:min(2, len(args))], " "), said)
	}
	return out, nil
}

// environ is this process's environment without what would lead an artel
// process to another data directory than the one it is told.
func environ() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "ARTEL_") {
			env = append(env, e)
		}
	}
	return env
}

// Dir is where the network lives.
func (n *Net) Dir() string { return n.c.Dir }

// NetworkFile is the file that a further node needs: with it, `artel up` finds
// the chain and the first peer.
func (n *Net) NetworkFile() string { return filepath.Join(n.c.Dir, "network.json") }

// RPC is the URL of the chain's JSON-RPC, of the first validator's where there are
// several. It stays the same over restarts.
func (n *Net) RPC() string { return n.rpc[0] }

// NamePeers puts all nodes that were started into the network file: a new node finds the
// others although the first one is gone.
func (n *Net) NamePeers() error { return n.writeNetwork(n.peers) }

// writeNetwork writes the network file with these peers in it.
func (n *Net) writeNetwork(bootstrap []string) error {
	f := n.file
	f.Bootstrap = bootstrap
	b, err := f.Encode()
	if err != nil {
		return err
	}
	return datadir.WriteFile(n.NetworkFile(), b, 0o600)
}

// StartChain starts the first validator, which is all of the chain where no others
// are wanted, and waits until its JSON-RPC answers. After its end it may be started
// again.
func (n *Net) StartChain(ctx context.Context) (*Proc, error) { return n.StartValidator(ctx, 0) }

// StartValidator starts the validator i, counted from 0, as StartChain does the
// first. There are new blocks while more than two thirds of them run.
func (n *Net) StartValidator(ctx context.Context, i int) (*Proc, error) {
	name := chainName
	if i > 0 {
		name += strconv.Itoa(i + 1)
	}
	args := []string{"chain", "start", "--dir", filepath.Join(n.c.Dir, name), "--log-level", n.c.Log, "--json"}
	if n.c.Validators > 1 {
		args = append(args, "--home", filepath.Join(datadir.At(filepath.Join(n.c.Dir, chainName)).Chain(), fmt.Sprintf("node%d", i)))
	}
	p, err := n.start(name, Place{}, 0, args...)
	if err != nil {
		return nil, err
	}
	return p, p.until(ctx, "the chain's first word", func(context.Context) bool {
		b, err := os.ReadFile(p.out)
		return err == nil && strings.Contains(string(b), "\n")
	})
}

func (n *Net) start(name string, at Place, nice int, args ...string) (*Proc, error) {
	args = slices.Concat(at.Enter, []string{n.c.Binary}, args)
	p, err := start(name, filepath.Join(n.c.Dir, name), nice, args[0], args[1:]...)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.procs = append(n.procs, p)
	return p, nil
}

// Close ends every process that still runs, the newest first, and waits for it.
func (n *Net) Close() {
	n.mu.Lock()
	procs := n.procs
	n.procs = nil
	n.mu.Unlock()
	for i := len(procs) - 1; i >= 0; {
		// The nodes together, then the chain that they talk to.
		var all sync.WaitGroup
		for ; i >= 0 && !strings.HasPrefix(procs[i].Name, chainName); i-- {
			all.Go(procs[i].Stop)
		}
		all.Wait()
		for ; i >= 0 && strings.HasPrefix(procs[i].Name, chainName); i-- {
			procs[i].Stop()
		}
	}
}

// freeTCP returns a loopback address that was free a moment ago.
//
// It lies below those that systems give to connections and to whoever asks for any
// port, one of which would have it before its process is there.
func freeTCP() (string, error) {
	var last error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15_000+rand.IntN(17_000)))
		if err == nil {
			l.Close()
			return l.Addr().String(), nil
		}
		last = err
	}
	return "", fmt.Errorf("find a free port: %w", last)
}

// poll calls ok until it is true; ctx bounds it.
func poll(ctx context.Context, ok func(context.Context) bool) error {
	for !ok(ctx) {
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	return nil
}
