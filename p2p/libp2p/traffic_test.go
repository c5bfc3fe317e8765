package libp2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

// TestTraffic: what a host says that it sent is what went out, and what came in at the
// other end.
func TestTraffic(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			x, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: listen})
			y, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: listen}, withEcho)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := x.Connect(ctx, y.Addrs()[0]); err != nil {
				t.Fatal(err)
			}
			sent, got := x.Traffic()
			_, there := y.Traffic()
			const size, calls = 256 << 10, 8
			for range calls {
				if _, err := x.Call(ctx, y.ID(), "echo", make([]byte, size), size); err != nil {
					t.Fatal(err)
				}
			}
			const least, most = size * calls, size*calls + size // what calls and gossip add is little
			sent2, got2 := x.Traffic()
			_, there2 := y.Traffic()
			for what, n := range map[string]int64{"sent": sent2 - sent, "got": got2 - got, "got at the other end": there2 - there} {
				if n < least || n > most {
					t.Errorf("%s %d bytes, want %d to %d", what, n, least, most)
				}
			}
		})
	}
}
