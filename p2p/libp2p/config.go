// Package libp2p is p2p on go-libp2p: QUIC and TCP, gossipsub, a Kademlia DHT of
// the network's own, mDNS on the LAN, hole punching and relays. Protocol ids,
// encodings and limits are in docs/spec/transport.md.
//
// Calls are HTTP/1.1 over libp2p streams: net/http serves on a listener whose
// connections are streams, and keeps them for the next call; each call in flight
// has a stream to itself, so a long poll holds up nobody. Bulk streams and gossip
// use protocols of their own.
package libp2p

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// Config describes a host. Zero fields are the quiet choice: nothing is
// discovered, announced or relayed that is not named here. Hole punching and the
// use of relays are always on.
type Config struct {
	// Key is the node key. The peer id is derived from it.
	Key artel.Key
	// Network is the hash of the network file.
	Network artel.Hash
	// Wire is the range of wire versions spoken.
	Wire p2p.Versions
	// Listen are the multiaddrs to listen on, QUIC and TCP; port 0 picks a free
	// one. None means that this node only dials.
	Listen []string
	// Announce are further addresses under which the node can be reached, such as
	// a forwarded port.
	Announce []string
	// Bootstrap are full addresses of nodes to stay connected to.
	Bootstrap []string
	// MDNS finds nodes of the network on the LAN.
	MDNS bool
	// DHT finds nodes of the network, and addresses of nodes, over the internet.
	DHT bool
	// PortMap asks the router for a port by UPnP or NAT-PMP.
	PortMap bool
	// Public says that strangers reach this node, as a server with an address of
	// its own; otherwise AutoNAT finds out, which takes some minutes and peers.
	Public bool
	// Relay, on a node that is reachable, carries the bytes of nodes behind NATs, without a limit on how many.
	Relay bool
	// MaxPeers is how many connections are kept before the idle ones are
	// trimmed; 0 is 96.
	MaxPeers int
	// MaxMemory bounds what connections and streams may buffer, in bytes; 0 is
	// 512 MiB. It is a ceiling, not a reservation; over TCP every open stream counts
	// 256 KiB against it, and 64 MiB is one peer's share.
	MaxMemory int64
	// Log is told of faults and oddities; nil is silent.
	Log *slog.Logger
}

const (
	defaultMaxPeers  = 96
	defaultMaxMemory = 512 << 20
)

// plan is a Config that has been read.
type plan struct {
	Config
	listen, announce []ma.Multiaddr
	bootstrap        []peer.AddrInfo
	hello            p2p.Hello
	greeting         string // hello as a header
	// How long a caller may take to send its header, and to send a body or take an
	// answer; tests shorten them.
	headerTime, bodyTime time.Duration
}

// read checks every field.
func (c Config) read() (plan, error) {
	p := plan{
		Config: c, hello: p2p.Hello{Network: c.Network, Wire: c.Wire},
		headerTime: 10 * time.Second, bodyTime: 30 * time.Second,
	}
	if c.Key == (artel.Key{}) {
		return p, errors.New("p2p config: no key")
	}
	if c.Network.IsZero() {
		return p, errors.New("p2p config: no network hash; hint: load a network file")
	}
	if c.Wire.Min == 0 || c.Wire.Min > c.Wire.Max {
		return p, fmt.Errorf("p2p config: wire versions %d..%d", c.Wire.Min, c.Wire.Max)
	}
	for _, s := range c.Listen {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return p, fmt.Errorf("p2p config: listen %q: %w; hint: /ip4/0.0.0.0/udp/4101/quic-v1", s, err)
		}
		p.listen = append(p.listen, a)
	}
	for _, s := range c.Announce {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return p, fmt.Errorf("p2p config: announce %q: %w; hint: /ip4/203.0.113.7/udp/4101/quic-v1", s, err)
		}
		p.announce = append(p.announce, a)
	}
	p.greeting = formatHello(p.hello)
	self := peerID(c.Key.NodeID())
	for _, s := range c.Bootstrap {
		info, err := parseAddr(s)
		if err != nil {
			return p, fmt.Errorf("p2p config: bootstrap: %w", err)
		}
		if info.ID != self { // a bootstrap node lists itself in the network file
			p.bootstrap = append(p.bootstrap, *info)
		}
	}
	if p.MaxPeers <= 0 {
		p.MaxPeers = defaultMaxPeers
	}
	if p.MaxMemory <= 0 {
		p.MaxMemory = defaultMaxMemory
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return p, nil
}

// Protocol ids and topics of a network: /artel/<16 hex digits>/1/...

const format = "1" // of the transport itself: docs/spec/transport.md

func prefix(network artel.Hash) string {
	return "/artel/" + network.String()[2:18]
}

func (p *plan) rpcID() protocol.ID { return protocol.ID(prefix(p.Network) + "/" + format + "/rpc") }
func (p *plan) gossipID() protocol.ID {
	return protocol.ID(prefix(p.Network) + "/" + format + "/gossip")
}
func (p *plan) bulkID(name string) protocol.ID {
	return protocol.ID(prefix(p.Network) + "/" + format + "/bulk/" + name)
}
func (p *plan) topic(name string) string { return prefix(p.Network) + "/" + format + "/" + name }
