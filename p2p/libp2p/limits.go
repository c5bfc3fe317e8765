package libp2p

import (
	"net/netip"
	"time"

	lp2p "github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// maxCallStreams is how many calls one peer may have in flight here.
	maxCallStreams = 128
	// maxBulkStreams is how many streams of one bulk protocol.
	maxBulkStreams = 32
	// maxPerAddress is how many connections share one IPv4 address or IPv6 /56.
	maxPerAddress = 64
)

// newcomers is how fast one address may open connections.
func newcomers() rate.Limit { return rate.Limit{RPS: 1, Burst: maxPerAddress} }

// newResourceManager bounds what strangers can make this node hold.
func (h *Host) newResourceManager() (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	lp2p.SetDefaultServiceLimits(&limits)
	limits.AddProtocolLimit(h.rpcID(),
		rcmgr.BaseLimit{StreamsInbound: 1024, StreamsOutbound: 4096, Streams: 4096, Memory: h.MaxMemory / 2},
		rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(h.rpcID(),
		rcmgr.BaseLimit{StreamsInbound: maxCallStreams, StreamsOutbound: 512, Streams: 640, Memory: h.MaxMemory / 4},
		rcmgr.BaseLimitIncrease{})
	limits.ProtocolPeerBaseLimit.StreamsInbound = maxBulkStreams
	limits.ProtocolPeerLimitIncrease.StreamsInbound = 0
	limits.SystemBaseLimit.Memory, limits.SystemLimitIncrease.Memory = h.MaxMemory, 0
	// Above MaxPeers the trimmer works; these walls stand behind it.
	limits.SystemBaseLimit.Conns, limits.SystemBaseLimit.ConnsOutbound = 2*h.MaxPeers, 2*h.MaxPeers
	limits.SystemBaseLimit.ConnsInbound = 3 * h.MaxPeers / 2
	limits.SystemLimitIncrease.Conns, limits.SystemLimitIncrease.ConnsOutbound, limits.SystemLimitIncrease.ConnsInbound = 0, 0, 0
	fds := max(512, 4*h.MaxPeers)
	// libp2p's 8 connections per address would turn away most of a farm behind one.
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.Scale(h.MaxMemory, fds)),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: maxPerAddress}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: maxPerAddress}, {PrefixLength: 48, ConnCount: 4 * maxPerAddress}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: []rate.PrefixLimit{
				{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")},
			},
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: newcomers()}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: newcomers()}},
				GracePeriod:      time.Minute,
			},
		}))
}

// newConnManager trims idle connections above MaxPeers.
func (h *Host) newConnManager() (*connmgr.BasicConnMgr, error) {
	return connmgr.NewConnManager(h.MaxPeers*3/4, h.MaxPeers,
		connmgr.WithGracePeriod(20*time.Second), connmgr.WithSilencePeriod(10*time.Second))
}

// gater dials nobody whose key is not a node key: nothing here could name it. Such
// a key may dial in, as AutoNAT's dial-backs do under throw-away keys; it cannot
// shake hands and is let go.
type gater struct{}

func (gater) InterceptPeerDial(id peer.ID) bool                                        { _, ok := nodeID(id); return ok }
func (gater) InterceptAddrDial(peer.ID, ma.Multiaddr) bool                             { return true }
func (gater) InterceptAccept(network.ConnMultiaddrs) bool                              { return true }
func (gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason)          { return true, 0 }
func (gater) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }
