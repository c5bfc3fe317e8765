package libp2p

import (
	"time"

	"github.com/libp2p/go-libp2p/core/host"
)

// Hasten shortens how long the host waits for slow callers.
func (h *Host) Hasten(d time.Duration) { h.headerTime, h.bodyTime = d, d }

// Lib is the libp2p host below, once up.
func (h *Host) Lib() host.Host { return h.lib }

// PeerID, RPCID, GossipID and Topic name things as the wire does.
var PeerID = peerID

func (h *Host) RPCID() string             { return string(h.rpcID()) }
func (h *Host) GossipID() string          { return string(h.gossipID()) }
func (h *Host) BulkID(name string) string { return string(h.bulkID(name)) }
func (h *Host) Topic(name string) string  { return h.topic(name) }
func (h *Host) Greeting() string          { return h.greeting }
