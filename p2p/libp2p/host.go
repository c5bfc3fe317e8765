package libp2p

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	lp2p "github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// Host is a p2p.Host on libp2p.
type Host struct {
	plan
	id      artel.NodeID
	mux     p2p.Mux
	traffic traffic

	ready chan struct{} // closed once listening
	gone  chan struct{} // closed once Run stops
	once  sync.Once
	work  sync.WaitGroup // goroutines and handlers

	// Set by Run before ready is closed.
	ctx   context.Context
	lib   host.Host
	calls *http.Transport
	dht   *dht.IpfsDHT // nil when off

	mu       sync.Mutex
	stopped  bool
	err      error // of Run
	peers    map[peer.ID]p2p.Peer
	watchers map[int]func(p2p.Event)
	watches  int
	streams  map[*stream]struct{}
	topics   map[string]*subscription
	news     *pubsub.PubSub // nil before start
	serving  bool           // bulk protocols are registered
	reached  reachability
}

var _ p2p.Host = (*Host)(nil)

// New checks a config and returns a host that is not up yet.
func New(c Config) (*Host, error) {
	p, err := c.read()
	if err != nil {
		return nil, err
	}
	h := &Host{
		plan: p, id: c.Key.NodeID(),
		ready: make(chan struct{}), gone: make(chan struct{}),
		peers: make(map[peer.ID]p2p.Peer), watchers: make(map[int]func(p2p.Event)),
		streams: make(map[*stream]struct{}), topics: make(map[string]*subscription),
	}
	h.mux.Panicked = func(name string, from artel.NodeID, v any, stack []byte) {
		h.Log.Error("handler panicked", "name", name, "from", from.Short(), "panic", v, "stack", string(stack))
	}
	return h, nil
}

// ID is the node's key.
func (h *Host) ID() artel.NodeID { return h.id }

// Ready is closed once the host listens.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Addrs lists where peers may connect.
func (h *Host) Addrs() []string {
	select {
	case <-h.ready:
	default:
		return nil
	}
	full, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.lib.ID(), Addrs: h.lib.Addrs()})
	if err != nil {
		return nil
	}
	addrs := make([]string, len(full))
	for i, a := range full {
		addrs[i] = a.String()
	}
	return addrs
}

// Handle registers a method.
func (h *Host) Handle(method string, maxReq int, f p2p.Handler) { h.mux.Handle(method, maxReq, f) }

// Run listens, discovers and serves until ctx ends.
func (h *Host) Run(ctx context.Context) (err error) {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		return fmt.Errorf("run host %s: it ran before", h.id.Short())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		h.mu.Lock()
		h.stopped, h.err = true, err
		h.mu.Unlock()
		close(h.gone)
		h.stop()
	}()
	h.ctx = ctx
	if err := h.start(ctx); err != nil {
		return fmt.Errorf("run host %s: %w", h.id.Short(), err)
	}
	close(h.ready)
	<-ctx.Done()
	return nil
}

// start brings everything up; handlers are in place before the first listener.
func (h *Host) start(ctx context.Context) (err error) {
	if h.lib, err = h.newHost(); err != nil {
		return err
	}
	h.serveCalls(ctx)
	if err := h.watchPeers(ctx); err != nil {
		return err
	}
	if err := h.watchReach(ctx); err != nil {
		return err
	}
	if err := h.startNews(ctx); err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	h.mu.Lock()
	h.serving = true
	for _, name := range h.mux.Streams() {
		h.listenStream(name)
	}
	h.mu.Unlock()
	if len(h.listen) > 0 {
		if err := h.lib.Network().Listen(h.listen...); err != nil {
			return fmt.Errorf("listen on %v: %w; hint: is another node using the port?", h.Listen, err)
		}
	}
	return h.discover(ctx)
}

// stop ends what start began; it waits for every goroutine.
func (h *Host) stop() {
	h.mu.Lock()
	var open []*stream
	for s := range h.streams {
		open = append(open, s)
	}
	h.mu.Unlock()
	for _, s := range open {
		s.Reset()
	}
	if h.calls != nil {
		h.calls.CloseIdleConnections()
	}
	if h.dht != nil {
		h.dht.Close()
	}
	if h.lib != nil {
		h.lib.Close()
	}
	h.work.Wait()
}

// newHost makes the libp2p host, which does not listen yet.
func (h *Host) newHost() (host.Host, error) {
	key, err := privateKey(h.Key)
	if err != nil {
		return nil, err
	}
	resources, err := h.newResourceManager()
	if err != nil {
		return nil, err
	}
	trimmer, err := h.newConnManager()
	if err != nil {
		return nil, err
	}
	opts := []lp2p.Option{
		lp2p.Identity(key),
		lp2p.UserAgent("artel"),
		lp2p.ProtocolVersion("artel/" + format),
		lp2p.Transport(quic.NewTransport),
		lp2p.Transport(tcp.NewTCPTransport),
		lp2p.Security(tls.ID, tls.New),
		lp2p.ResourceManager(resources),
		lp2p.ConnectionManager(trimmer),
		lp2p.ConnectionGater(gater{}),
		lp2p.AddrsFactory(h.announced),
		lp2p.DisableMetrics(),
		lp2p.BandwidthReporter(&h.traffic),
		lp2p.Ping(true),
		lp2p.EnableAutoNATv2(),
		lp2p.EnableRelay(),
		lp2p.EnableHolePunching(),
		lp2p.EnableAutoRelayWithPeerSource(h.relayCandidates, autorelay.WithNumRelays(2)),
		lp2p.NoListenAddrs,
	}
	if h.PortMap {
		opts = append(opts, lp2p.NATPortMap())
	}
	if h.Public {
		opts = append(opts, lp2p.ForceReachabilityPublic())
	}
	if h.Relay {
		opts = append(opts, lp2p.EnableRelayService(relay.WithInfiniteLimits()))
	}
	return lp2p.New(opts...)
}

// announced adds the configured addresses to those that libp2p knows.
func (h *Host) announced(known []ma.Multiaddr) []ma.Multiaddr {
	return ma.Unique(append(append([]ma.Multiaddr(nil), known...), h.announce...))
}

// await waits until the host is up.
func (h *Host) await(ctx context.Context) error {
	select {
	case <-h.gone:
		return h.goneError()
	default:
	}
	select {
	case <-h.ready:
		return nil
	case <-h.gone:
		return h.goneError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Host) goneError() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return p2p.Errorf(p2p.Unavailable, "this host did not start: %v", h.err)
	}
	return p2p.Errorf(p2p.Unavailable, "this host has stopped")
}

// begin counts a handler, or says that the host is going away.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return false
	}
	h.work.Add(1)
	return true
}

// Connect dials one full address and shakes hands.
func (h *Host) Connect(ctx context.Context, addr string) error {
	info, err := parseAddr(addr)
	if err == nil && info.ID == peerID(h.id) {
		err = p2p.Errorf(p2p.Invalid, "%q is this node itself", addr)
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := h.await(ctx); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	h.forgive(info.ID) // somebody asks now, whatever failed a moment ago
	if err := h.meet(ctx, *info); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	return nil
}

// forgive makes libp2p dial a peer although it failed to a moment ago.
func (h *Host) forgive(id peer.ID) {
	if s, ok := h.lib.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id)
	}
}

// reach makes sure of a connection to a peer that shook hands.
func (h *Host) reach(ctx context.Context, to artel.NodeID) (peer.ID, error) {
	if to == h.id {
		return "", p2p.Errorf(p2p.Invalid, "a host does not call itself")
	}
	id := peerID(to)
	if h.met(id) {
		return id, nil
	}
	info := peer.AddrInfo{ID: id}
	if h.dht != nil && len(h.lib.Peerstore().Addrs(id)) == 0 && h.lib.Network().Connectedness(id) == network.NotConnected {
		found, err := h.dht.FindPeer(ctx, id)
		if err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", p2p.Errorf(p2p.Unavailable, "no address of %s known", to.Short()).WithHint("connect to one of its addresses first")
		}
		info = found
	}
	return id, h.meet(ctx, info)
}

// meet connects and shakes hands.
func (h *Host) meet(ctx context.Context, info peer.AddrInfo) error {
	if h.met(info.ID) {
		h.lib.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
		return nil
	}
	relayed := network.WithAllowLimitedConn(ctx, "artel")
	if err := h.lib.Connect(relayed, info); err != nil {
		return localError(ctx, err)
	}
	return h.sayHello(ctx, info.ID)
}

// localError turns a failure of libp2p or net/http into one of the port's.
func localError(ctx context.Context, err error) error {
	var e *p2p.Error
	switch {
	case errors.As(err, &e):
		return e
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return p2p.Errorf(p2p.Unavailable, "%v", err)
}
