package devnet

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
)

// Node is a daemon of the network.
type Node struct {
	*Proc
	Dir     string // its data directory
	API     *api.Client
	Node    artel.NodeID
	Account artel.Address
}

// Place is where a node lives, if not where this process does.
type Place struct {
	Enter []string // a command that goes there and executes the rest of its words; none: it is here
	Host  string   // the IPv4 address at which others reach it; "": the loopback
}

// Put says where a node lives that was not started yet. The chain stays on the loopback
// here: who puts a node elsewhere sees to it that its RPC is reached from there, at the same
// address.
func (n *Net) Put(name string, p Place) { n.put[name] = p }

// StartNode starts the daemon of that name and waits until it answers. After
// its end it may be started again. The first one becomes the peer at which the
// others find each other. nice lowers its priority, and that of the tasks it
// runs; more are further flags of artel up.
func (n *Net) StartNode(ctx context.Context, name string, nice int, more ...string) (*Node, error) {
	d := &Node{Dir: filepath.Join(n.c.Dir, name)}
	first := len(n.ports) == 0
	at, known := n.ports[name]
	if !known {
		var err error
		if at, err = freeBoth(); err != nil {
			return nil, err
		}
		if there := n.put[name].Host; there != "" {
			_, port, _ := net.SplitHostPort(at)
			at = net.JoinHostPort(there, port)
		}
		n.ports[name] = at
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	if err := n.measure(ctx, datadir.At(d.Dir)); err != nil {
		return nil, err
	}
	listen := "/ip4/" + host
	socket := datadir.At(d.Dir).Socket()
	args := []string{"up", "--dir", d.Dir, "--socket", socket, "--network", n.NetworkFile(), "--no-passphrase", "--log-level", n.c.Log,
		"--listen", listen + "/udp/" + port + "/quic-v1", "--listen", listen + "/tcp/" + port}
	d.Proc, err = n.start(name, n.put[name], nice, slices.Concat(args, n.door, more)...)
	if err != nil {
		return nil, err
	}
	d.API = api.NewUnixClient(socket)
	var s api.Status
	if err := d.until(ctx, "an answer", func(ctx context.Context) bool {
		var err error
		s, err = d.API.Status(ctx)
		return err == nil && len(s.Addrs) > 0
	}); err != nil {
		return nil, err
	}
	d.Node, d.Account = s.Node, s.Account
	if !known {
		n.peers = append(n.peers, dialable(s.Addrs)...)
	}
	if first {
		return d, n.writeNetwork(n.peers)
	}
	return d, nil
}

// measure gives a new node the figures of this machine, which are measured once for
// all: nodes that measured themselves at the same time would find it slow, each
// another way.
func (n *Net) measure(ctx context.Context, p datadir.Paths) error {
	if _, err := os.Lstat(p.Root()); err == nil {
		return nil // started before
	}
	if n.figures == nil {
		at := filepath.Join(n.c.Dir, "measured")
		if _, err := n.Artel(ctx, "measure", "--quick", "--dir", at); err != nil {
			return err
		}
		b, err := os.ReadFile(datadir.At(at).Measured())
		if err != nil {
			return fmt.Errorf("measure this machine: %w", err)
		}
		n.figures = b
	}
	if err := os.MkdirAll(p.Root(), 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return datadir.WriteFile(p.Measured(), n.figures, 0o600)
}

// dialable keeps the addresses that name their peer.
func dialable(addrs []string) (out []string) {
	for _, a := range addrs {
		if strings.Contains(a, "/p2p/") {
			out = append(out, a)
		}
	}
	return out
}

// freeBoth returns a loopback address that was free a moment ago for TCP and UDP.
func freeBoth() (string, error) {
	var last error
	for range 20 {
		at, err := freeTCP()
		if err != nil {
			return "", err
		}
		c, err := net.ListenPacket("udp", at)
		if err == nil {
			c.Close()
			return at, nil
		}
		last = err
	}
	return "", fmt.Errorf("find a free port: %w", last)
}

// Offers waits until the node knows that many offers, and returns them.
func (d *Node) Offers(ctx context.Context, want int) (list []api.Offer, err error) {
	err = d.until(ctx, fmt.Sprintf("%d offers", want), func(ctx context.Context) bool {
		var no error
		list, no = d.API.Offers(ctx, api.OfferQuery{})
		return no == nil && len(list) >= want
	})
	return list, err
}
