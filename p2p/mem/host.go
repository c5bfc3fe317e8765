package mem

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// Config describes a host.
type Config struct {
	// ID is the node. Nothing is signed here, so the key stays elsewhere.
	ID artel.NodeID
	// Network is the hash of the network file.
	Network artel.Hash
	// Wire is the range of wire versions spoken.
	Wire p2p.Versions
	// Log is told of panicking handlers; nil is silent.
	Log *slog.Logger
}

// Host is a p2p.Host on a Network. When the context of its Run ends it is gone at
// once and without a word, as after a crash; the node comes back as a new Host
// with the same ID.
type Host struct {
	net   *Network
	id    artel.NodeID
	hello p2p.Hello
	mux   p2p.Mux

	ready chan struct{} // closed once up
	gone  chan struct{} // closed once Run's context ended
	once  sync.Once
	ctx   context.Context // of Run; set before ready is closed
	work  sync.WaitGroup  // handlers
	inbox inbox

	// Guarded by net.mu.
	stopped  bool
	peers    map[artel.NodeID]p2p.Peer
	sent     map[artel.NodeID]uint64
	streams  map[*stream]struct{}
	early    map[string]*subscription // subscriptions made before Run
	watchers map[int]func(p2p.Event)
	watches  int
}

var _ p2p.Host = (*Host)(nil)

// NewHost returns a host that is not up yet.
func (n *Network) NewHost(c Config) *Host {
	h := &Host{
		net: n, id: c.ID, hello: p2p.Hello{Network: c.Network, Wire: c.Wire},
		ready: make(chan struct{}), gone: make(chan struct{}),
		peers: make(map[artel.NodeID]p2p.Peer), sent: make(map[artel.NodeID]uint64),
		streams: make(map[*stream]struct{}), early: make(map[string]*subscription),
		watchers: make(map[int]func(p2p.Event)),
		inbox:    inbox{wake: make(chan struct{}, 1)},
	}
	if c.Log != nil {
		h.mux.Panicked = func(name string, from artel.NodeID, v any, stack []byte) {
			c.Log.Error("handler panicked", "name", name, "from", from.Short(), "panic", v, "stack", string(stack))
		}
	}
	return h
}

func addr(id artel.NodeID) string { return "/memory/p2p/" + id.String() }

// ID is the node.
func (h *Host) ID() artel.NodeID { return h.id }

// Addrs is one address of the form /memory/p2p/ID.
func (h *Host) Addrs() []string {
	select {
	case <-h.ready:
		return []string{addr(h.id)}
	default:
		return nil
	}
}

// Ready is closed once the host is up.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Handle registers a method.
func (h *Host) Handle(method string, maxReq int, f p2p.Handler) { h.mux.Handle(method, maxReq, f) }

// HandleStream registers a bulk protocol.
func (h *Host) HandleStream(protocol string, f p2p.StreamHandler) { h.mux.HandleStream(protocol, f) }

// Run puts the host on the network until ctx ends.
func (h *Host) Run(ctx context.Context) error {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		return fmt.Errorf("run host %s: it ran before", h.id.Short())
	}
	h.ctx = ctx
	h.net.up(h)
	close(h.ready)
	h.readNews(ctx)
	h.net.mu.Lock()
	h.stopped = true
	h.net.mu.Unlock()
	close(h.gone)
	h.net.down(h)
	h.work.Wait()
	return nil
}

// await waits until the host is up.
func (h *Host) await(ctx context.Context) error {
	select {
	case <-h.gone:
		return p2p.Errorf(p2p.Unavailable, "this host has stopped")
	default:
	}
	select {
	case <-h.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin counts a handler of h, or says that h is going away.
func (h *Host) begin() bool {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.stopped {
		return false
	}
	h.work.Add(1)
	return true
}

// Connect shakes hands with the host of an address.
func (h *Host) Connect(ctx context.Context, address string) error {
	text, ok := strings.CutPrefix(address, "/memory/p2p/")
	id, err := artel.ParseNodeID(text)
	if !ok || err != nil {
		return p2p.Errorf(p2p.Invalid, "connect %q: not an address", address).WithHint("an address reads /memory/p2p/<node id>")
	}
	if err := h.await(ctx); err != nil {
		return fmt.Errorf("connect %s: %w", id.Short(), err)
	}
	if _, _, err := h.reach(ctx, id); err != nil {
		return fmt.Errorf("connect %s: %w", id.Short(), err)
	}
	return nil
}

// reach finds the host of an id, connects to it if need be, and draws the fate of
// a message to it. A dialling that is lost is dialled again until Silence.
func (h *Host) reach(ctx context.Context, to artel.NodeID) (*Host, fate, error) {
	if to == h.id {
		return nil, fate{}, p2p.Errorf(p2p.Invalid, "a host does not call itself")
	}
	n := h.net
	n.mu.Lock()
	target, f := n.hosts[to], n.draw(h, to, n.linkOf(h.id, to))
	cut := n.cut(h.id, to)
	var version uint32
	var err error
	if target != nil && !cut {
		version, err = h.hello.Check(target.hello)
		if err == nil {
			n.join(h, target, version)
		}
	}
	n.mu.Unlock()
	switch {
	case cut:
		return nil, f, h.silence(ctx)
	case target == nil:
		if err := pause(ctx, f.there+f.back); err != nil {
			return nil, f, err
		}
		return nil, f, p2p.Errorf(p2p.Unavailable, "no host %s", to.Short()).WithHint("it is down or was never up")
	}
	return target, f, err
}

// silence waits for an answer that will not come.
func (h *Host) silence(ctx context.Context) error {
	if err := pause(ctx, Silence); err != nil {
		return err
	}
	return p2p.Errorf(p2p.Unavailable, "no answer")
}

// pause sleeps for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call asks a peer.
func (h *Host) Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	resp, err := h.call(ctx, to, method, req, maxResp)
	if err != nil {
		return nil, fmt.Errorf("call %s of %s: %w", method, to.Short(), err)
	}
	return resp, nil
}

type answer struct {
	resp    []byte
	refusal *p2p.Error
	lost    bool
}

func (h *Host) call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	if err := p2p.CheckName(method); err != nil {
		return nil, err
	}
	if len(req) > p2p.MaxMessage {
		return nil, p2p.Errorf(p2p.TooLarge, "request: %d bytes, at most %d", len(req), p2p.MaxMessage)
	}
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	target, f, err := h.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	h.net.count(f)
	if f.lost {
		return nil, h.silence(ctx)
	}
	// The handler hears of the caller's giving up, its deadline, or the cap.
	hctx, cancel := context.WithTimeout(target.ctx, p2p.MaxCallTime)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if d, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		hctx, stop = context.WithDeadline(hctx, d)
		defer stop()
	}
	ch := make(chan answer, 1)
	if !target.begin() {
		return nil, p2p.Errorf(p2p.Unavailable, "the peer went away")
	}
	if f.repeated && target.begin() {
		go func() { // the repetition comes later and nobody hears its answer
			defer target.work.Done()
			if pause(target.ctx, 2*f.there) == nil {
				rctx, stop := context.WithTimeout(target.ctx, p2p.MaxCallTime)
				defer stop()
				target.mux.Serve(rctx, h.id, method, bytes.Clone(req))
			}
		}()
	}
	body := bytes.Clone(req)
	go func() {
		a := target.serve(hctx, h.id, method, body, f)
		target.work.Done()
		if pause(h.ctx, f.back) == nil {
			ch <- a
		}
	}()
	patience := time.NewTimer(p2p.MaxCallTime + Silence) // for a handler deaf to its context
	defer patience.Stop()
	select {
	case a := <-ch:
		return h.accept(ctx, to, a, maxResp)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-target.gone:
		if err := pause(ctx, f.back); err != nil {
			return nil, err
		}
		return nil, p2p.Errorf(p2p.Unavailable, "the peer went away during the call")
	case <-h.gone:
		return nil, p2p.Errorf(p2p.Unavailable, "this host has stopped")
	case <-patience.C:
		return nil, p2p.Errorf(p2p.Unavailable, "no answer")
	}
}

// serve runs the handler of one call on the target's side.
func (h *Host) serve(ctx context.Context, from artel.NodeID, method string, req []byte, f fate) answer {
	if pause(h.ctx, f.there) != nil {
		return answer{lost: true}
	}
	resp, refusal := h.mux.Serve(ctx, from, method, req)
	return answer{bytes.Clone(resp), refusal, f.mute || h.ctx.Err() != nil}
}

// accept takes an answer that has arrived, unless it was lost on the way.
func (h *Host) accept(ctx context.Context, to artel.NodeID, a answer, maxResp int) ([]byte, error) {
	h.net.mu.Lock()
	cut := h.net.cut(h.id, to)
	h.net.mu.Unlock()
	switch {
	case a.lost || cut:
		return nil, h.silence(ctx)
	case a.refusal != nil:
		return nil, p2p.Incoming(*a.refusal)
	case len(a.resp) > maxResp:
		return nil, p2p.Errorf(p2p.TooLarge, "answer: %d bytes, at most %d", len(a.resp), maxResp)
	}
	return a.resp, nil
}

func (n *Network) count(f fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Calls++
	switch {
	case f.lost:
		n.stats.LostRequests++
	case f.mute:
		n.stats.LostAnswers++
	}
	if f.repeated && !f.lost {
		n.stats.Duplicates++
	}
}

// Peers lists the hosts connected to this one.
func (h *Host) Peers() []p2p.Peer {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	peers := make([]p2p.Peer, 0, len(h.peers))
	for _, p := range h.peers {
		peers = append(peers, p)
	}
	return peers
}

// Watch calls f with changes of Peers.
func (h *Host) Watch(f func(p2p.Event)) (cancel func()) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	id := h.watches
	h.watches++
	h.watchers[id] = f
	return func() {
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		delete(h.watchers, id)
	}
}

// tell calls the watchers. The caller holds net.mu.
func (h *Host) tell(e p2p.Event) {
	for _, f := range h.watchers {
		f(e)
	}
}
