package libp2p_test

import (
	"context"
	"io"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

// TestRelay: a node that cannot be dialled is called, and streamed to, through one
// that relays.
func TestRelay(t *testing.T) {
	relay, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["TCP"], Public: true, Relay: true})
	hidden, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Bootstrap: relay.Addrs()}, withEcho, func(h *libp2p.Host) {
		h.HandleStream("echo", func(_ context.Context, _ artel.NodeID, s p2p.Stream) { io.Copy(s, s) })
	})
	eventually(t, "bootstrap", func() bool { return knows(hidden, relay.ID()) })
	info, err := peer.AddrInfoFromString(relay.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	// AutoRelay does this once AutoNAT has found that the node is hidden.
	if _, err := client.Reserve(within(t), hidden.Lib(), *info); err != nil {
		t.Fatal(err)
	}
	caller, _ := up(t, libp2p.Config{Key: p2ptest.Key(3), Listen: transports["TCP"]})
	addr := relay.Addrs()[0] + "/p2p-circuit/p2p/" + libp2p.PeerID(hidden.ID()).String()
	if err := caller.Connect(within(t), addr); err != nil {
		t.Fatal(err)
	}
	if resp, err := caller.Call(within(t), hidden.ID(), "echo", []byte("x"), 1); err != nil || string(resp) != "x" {
		t.Fatalf("call: %q, %v", resp, err)
	}
	for _, p := range caller.Peers() {
		if p.ID == hidden.ID() && !p.Relayed {
			t.Logf("already direct: %s", p.Addr)
		}
	}
	s, err := caller.OpenStream(within(t), hidden.ID(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	data := make([]byte, 1<<20) // more than libp2p's own relays let through
	go func() { s.Write(data); s.CloseWrite() }()
	if got, err := io.ReadAll(s); err != nil || len(got) != len(data) {
		t.Fatalf("stream: %d bytes, %v", len(got), err)
	}
}
