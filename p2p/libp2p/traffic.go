package libp2p

import (
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// traffic counts the bytes of all streams. It is libp2p's reporter without what that
// keeps of each peer, which strangers could make grow.
type traffic struct{ sent, got atomic.Int64 }

var _ metrics.Reporter = (*traffic)(nil)

// Traffic is how many bytes this host has sent and got since it runs, in streams of
// every kind; what encryption and packets add is not counted.
func (h *Host) Traffic() (sent, got int64) { return h.traffic.sent.Load(), h.traffic.got.Load() }

// LogSentMessage implements metrics.Reporter.
func (t *traffic) LogSentMessage(n int64) { t.sent.Add(n) }

// LogRecvMessage implements metrics.Reporter.
func (t *traffic) LogRecvMessage(n int64) { t.got.Add(n) }

// GetBandwidthTotals implements metrics.Reporter.
func (t *traffic) GetBandwidthTotals() metrics.Stats {
	return metrics.Stats{TotalIn: t.got.Load(), TotalOut: t.sent.Load()}
}

// The rest of metrics.Reporter: nothing is kept of one peer or protocol.

func (*traffic) LogSentMessageStream(int64, protocol.ID, peer.ID)      {}
func (*traffic) LogRecvMessageStream(int64, protocol.ID, peer.ID)      {}
func (*traffic) GetBandwidthForPeer(peer.ID) (s metrics.Stats)         { return s }
func (*traffic) GetBandwidthForProtocol(protocol.ID) (s metrics.Stats) { return s }
func (*traffic) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (*traffic) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (*traffic) Reset()                                                {}
func (*traffic) TrimIdle(time.Time)                                    {}
