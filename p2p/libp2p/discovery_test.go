package libp2p_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

func knows(h *libp2p.Host, id artel.NodeID) bool {
	return slices.ContainsFunc(h.Peers(), func(p p2p.Peer) bool { return p.ID == id })
}

// TestBootstrap: a node stays connected to its bootstrap list, across a restart of
// the bootstrap node on its key and port.
func TestBootstrap(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			boot, stop := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: listen}, withEcho)
			addr := boot.Addrs()[0]
			h, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: listen, Bootstrap: []string{addr}})
			eventually(t, "connected", func() bool { return knows(h, boot.ID()) })
			stop()
			eventually(t, "disconnected", func() bool { return !knows(h, boot.ID()) })
			port, _, _ := strings.Cut(addr, "/p2p/")
			again, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: []string{port}}, withEcho)
			eventually(t, "connected again", func() bool { return knows(h, again.ID()) })
			if _, err := h.Call(within(t), again.ID(), "echo", nil, 0); err != nil {
				t.Errorf("call: %v", err)
			}
		})
	}
}

// TestDHT: two nodes that know only a third find each other, by id and by looking
// for company.
func TestDHT(t *testing.T) {
	boot, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["TCP"], DHT: true})
	join := func(n int) *libp2p.Host {
		h, _ := up(t, libp2p.Config{
			Key: p2ptest.Key(n), Listen: transports["TCP"], DHT: true, Bootstrap: boot.Addrs(),
		}, withEcho)
		eventually(t, "bootstrap", func() bool { return knows(h, boot.ID()) })
		return h
	}
	a, b := join(2), join(3)
	eventually(t, "a call to a node known by id only", func() bool {
		_, err := a.Call(within(t), b.ID(), "echo", nil, 0)
		return err == nil
	})
	c := join(4)
	eventually(t, "company", func() bool { return knows(c, a.ID()) && knows(c, b.ID()) })
}

// TestWrongIdentity: an address that names another node than the one that answers
// there is refused.
func TestWrongIdentity(t *testing.T) {
	a, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["TCP"]})
	b, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: transports["TCP"]})
	addr, _, _ := strings.Cut(b.Addrs()[0], "/p2p/")
	err := a.Connect(within(t), addr+"/p2p/"+libp2p.PeerID(p2ptest.Key(3).NodeID()).String())
	if !errors.Is(err, p2p.Unavailable) {
		t.Errorf("connect: %v", err)
	}
	if len(a.Peers()) != 0 {
		t.Errorf("peers %+v", a.Peers())
	}
}

func TestConfig(t *testing.T) {
	good := func() libp2p.Config {
		return libp2p.Config{Key: p2ptest.Key(1), Network: artel.Keccak([]byte("test")), Wire: p2p.Versions{Min: 1, Max: 1}}
	}
	if _, err := libp2p.New(good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*libp2p.Config){
		"no key":         func(c *libp2p.Config) { c.Key = artel.Key{} },
		"no network":     func(c *libp2p.Config) { c.Network = artel.Hash{} },
		"no version":     func(c *libp2p.Config) { c.Wire = p2p.Versions{} },
		"empty versions": func(c *libp2p.Config) { c.Wire = p2p.Versions{Min: 2, Max: 1} },
		"bad listen":     func(c *libp2p.Config) { c.Listen = []string{"0.0.0.0:80"} },
		"bad announce":   func(c *libp2p.Config) { c.Announce = []string{"example.org"} },
		"bad bootstrap":  func(c *libp2p.Config) { c.Bootstrap = []string{"/ip4/127.0.0.1/tcp/1"} },
	} {
		c := good()
		change(&c)
		if _, err := libp2p.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	h, err := libp2p.New(func() libp2p.Config { c := good(); c.Listen = []string{"/ip4/203.0.113.1/tcp/1"}; return c }())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(within(t)); err == nil || !strings.Contains(err.Error(), "hint") {
		t.Errorf("listening on an address that is not ours: %v", err)
	}
	if _, err := h.Call(within(t), p2ptest.Key(2).NodeID(), "echo", nil, 0); !errors.Is(err, p2p.Unavailable) {
		t.Errorf("call on a host that did not start: %v", err)
	}
}

// TestMDNS needs multicast on some interface, so it runs where the tester says
// so: in a network namespace of its own, where nothing leaves the machine.
//
//	unshare -n sh -c 'ip link set lo up multicast on; ip route add 224.0.0.0/4 dev lo
//	    ARTEL_TEST_MDNS=1 go test ./p2p/libp2p -run MDNS'
func TestMDNS(t *testing.T) {
	if os.Getenv("ARTEL_TEST_MDNS") == "" {
		t.Skip("multicast: set ARTEL_TEST_MDNS=1 inside a network namespace")
	}
	other := artel.Keccak([]byte("another"))
	a, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["QUIC"], MDNS: true}, withEcho)
	b, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: transports["QUIC"], MDNS: true}, withEcho)
	c, _ := up(t, libp2p.Config{Key: p2ptest.Key(3), Listen: transports["QUIC"], MDNS: true, Network: other})
	eventually(t, "neighbours", func() bool { return knows(a, b.ID()) && knows(b, a.ID()) })
	if len(c.Peers()) != 0 {
		t.Errorf("a node of another network has peers %+v", c.Peers())
	}
}
