package libp2p_test

import (
	"runtime"
	"testing"

	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

// TestNothingLeft: hosts that have stopped leave no goroutine behind.
func TestNothingLeft(t *testing.T) {
	cycle := func() {
		listen := append(append([]string(nil), transports["TCP"]...), transports["QUIC"]...)
		a, stopA := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: listen, DHT: true, Relay: true}, withEcho)
		b, stopB := up(t, libp2p.Config{Key: p2ptest.Key(2), Listen: listen, DHT: true, Bootstrap: a.Addrs()})
		for range 3 {
			if _, err := b.Call(within(t), a.ID(), "echo", nil, 0); err != nil {
				eventually(t, "bootstrap", func() bool { return knows(b, a.ID()) })
			}
		}
		stopB()
		stopA()
	}
	cycle() // what is made once per process is made now
	before := runtime.NumGoroutine()
	for range 3 {
		cycle()
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+2 })
}
