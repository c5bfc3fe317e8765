package mem_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/p2p/p2ptest"
)

type world struct{ *mem.Network }

func (w world) NewHost(_ *testing.T, o p2ptest.Options) p2p.Host {
	return w.Network.NewHost(mem.Config{ID: o.Key.NodeID(), Network: o.Network, Wire: o.Wire})
}

func TestSuite(t *testing.T) {
	for name, link := range map[string]mem.Link{
		"Perfect": {},
		"Distant": {Latency: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Bandwidth: 100 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			p2ptest.Run(t, synctest.Test, func(*testing.T) p2ptest.World {
				n := mem.NewNetwork(1)
				n.SetLink(link)
				return world{n}
			})
		})
	}
}
