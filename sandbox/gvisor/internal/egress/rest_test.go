//go:build linux && (amd64 || arm64)

package egress

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// TestRest: what the box sends waits while the host has spent too much on it, and comes
// through after that; a long rest does not keep Run from ending.
func TestRest(t *testing.T) {
	port := listen(t, "93.184.215.14", echo)
	var asked atomic.Int64
	b := newBox(t, Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}, Rest: func() time.Duration {
		if asked.Add(1)%2 == 0 {
			return 5 * time.Millisecond
		}
		return 0
	}}, Create)
	b.want("ok", "upload", "93.184.215.14:"+port, "1000000")
	if asked.Load() < 4 {
		t.Errorf("asked %d times", asked.Load())
	}
	resting := make(chan struct{}, 1)
	long := newBox(t, Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}, Rest: func() time.Duration {
		select {
		case resting <- struct{}{}:
		default:
		}
		return time.Hour
	}}, Create)
	<-resting
	long.stop()
}
