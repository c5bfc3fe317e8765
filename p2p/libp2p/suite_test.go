package libp2p_test

import (
	"testing"

	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

var transports = map[string][]string{
	"QUIC": {"/ip4/127.0.0.1/udp/0/quic-v1"},
	"TCP":  {"/ip4/127.0.0.1/tcp/0"},
}

type world struct{ listen []string }

func (w world) NewHost(t *testing.T, o p2ptest.Options) p2p.Host {
	h, err := libp2p.New(libp2p.Config{Key: o.Key, Network: o.Network, Wire: o.Wire, Listen: w.listen})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func direct(t *testing.T, f func(t *testing.T)) { f(t) }

func TestSuite(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			p2ptest.Run(t, direct, func(*testing.T) p2ptest.World { return world{listen} })
		})
	}
}
