package libp2p_test

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

// TestReach: a node says what AutoNAT's events tell of it.
func TestReach(t *testing.T) {
	server, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["TCP"], Public: true})
	eventually(t, "a server is public", func() bool { return server.Reach() == "public" })

	h, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: transports["TCP"]})
	if got := h.Reach(); got != "unknown" {
		t.Fatalf("before any peer has dialled back: %s", got)
	}
	bus := h.Lib().EventBus()
	addrs, err := bus.Emitter(new(event.EvtHostReachableAddrsChanged))
	if err != nil {
		t.Fatal(err)
	}
	defer addrs.Close()
	node, err := bus.Emitter(new(event.EvtLocalReachabilityChanged))
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	a, b := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")}, []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.2/tcp/1")}
	for _, c := range []struct {
		e    any
		want string
	}{
		{event.EvtHostReachableAddrsChanged{Unreachable: a}, "private"},
		{event.EvtHostReachableAddrsChanged{Unreachable: a, Unknown: b}, "unknown"},
		{event.EvtHostReachableAddrsChanged{Reachable: a, Unreachable: b}, "public"},
		{event.EvtHostReachableAddrsChanged{}, "unknown"},
		{event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPrivate}, "private"},
		{event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPublic}, "public"},
	} {
		emit := addrs.Emit
		if _, ok := c.e.(event.EvtLocalReachabilityChanged); ok {
			emit = node.Emit
		}
		if err := emit(c.e); err != nil {
			t.Fatal(err)
		}
		eventually(t, c.want, func() bool { return h.Reach() == c.want })
	}
}
