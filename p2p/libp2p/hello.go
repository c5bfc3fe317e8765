package libp2p

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// helloHeader is carried by every call and every answer, so a call to a peer that
// changed its network or version in between is refused rather than misread.
const helloHeader = "Artel-Hello"

var errHello = p2p.Errorf(p2p.Invalid, "bad %s header", helloHeader)

// formatHello writes "<network hash> <min>-<max>".
func formatHello(h p2p.Hello) string {
	return fmt.Sprintf("%s %d-%d", h.Network, h.Wire.Min, h.Wire.Max)
}

// parseHello reads what formatHello wrote.
func parseHello(s string) (h p2p.Hello, err error) {
	hash, versions, ok := strings.Cut(s, " ")
	low, high, ok2 := strings.Cut(versions, "-")
	if !ok || !ok2 || len(s) > 128 {
		return p2p.Hello{}, errHello
	}
	if h.Network, err = artel.ParseHash(hash); err != nil {
		return p2p.Hello{}, errHello
	}
	lowest, err1 := strconv.ParseUint(low, 10, 32)
	highest, err2 := strconv.ParseUint(high, 10, 32)
	if err1 != nil || err2 != nil || lowest == 0 || lowest > highest {
		return p2p.Hello{}, errHello
	}
	h.Wire = p2p.Versions{Min: uint32(lowest), Max: uint32(highest)}
	return h, nil
}

// checkHello reads a peer's header and returns the version that both speak.
func (h *Host) checkHello(header string) (uint32, error) {
	theirs, err := parseHello(header)
	if err != nil {
		return 0, err
	}
	return h.hello.Check(theirs)
}

// met reports whether a peer is connected and shook hands.
func (h *Host) met(id peer.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.peers[id]
	return ok
}

// meets records a peer that shook hands.
func (h *Host) meets(id peer.ID, version uint32) {
	n, ok := nodeID(id)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.peers[id]; known || h.stopped {
		return
	}
	conns := h.lib.Network().ConnsToPeer(id)
	if len(conns) == 0 {
		return // gone already
	}
	c := conns[0]
	h.peers[id] = p2p.Peer{
		ID: n, Version: version, Addr: c.RemoteMultiaddr().String(),
		Inbound: c.Stat().Direction == network.DirInbound, Relayed: relayed(c),
	}
	h.tell(p2p.Event{Peer: n, Connected: true})
}

// leaves forgets a peer that is no longer connected.
func (h *Host) leaves(id peer.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.peers[id]
	if !ok || len(h.lib.Network().ConnsToPeer(id)) > 0 {
		return
	}
	delete(h.peers, id)
	h.tell(p2p.Event{Peer: p.ID})
}

// tell calls the watchers. The caller holds mu.
func (h *Host) tell(e p2p.Event) {
	for _, f := range h.watchers {
		f(e)
	}
}

func relayed(c network.Conn) bool {
	return strings.Contains(c.RemoteMultiaddr().String(), "/p2p-circuit")
}

// Peers lists the connected peers that shook hands.
func (h *Host) Peers() []p2p.Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	peers := make([]p2p.Peer, 0, len(h.peers))
	for id, p := range h.peers {
		if conns := h.lib.Network().ConnsToPeer(id); len(conns) > 0 {
			p.Relayed = true // until one direct connection is found
			for _, c := range conns {
				if !relayed(c) {
					p.Relayed, p.Addr = false, c.RemoteMultiaddr().String()
				}
			}
		}
		peers = append(peers, p)
	}
	return peers
}

// Watch calls f with changes of Peers.
func (h *Host) Watch(f func(p2p.Event)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.watches
	h.watches++
	h.watchers[id] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, id)
	}
}

// watchPeers follows libp2p's events: the side that dialled says hello, and whoever
// has not shaken hands a while later is let go. Closing at once would race with
// the hello that tells the other side why.
func (h *Host) watchPeers(ctx context.Context) error {
	sub, err := h.lib.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerConnectednessChanged),
	}, eventbus.Name("artel"), eventbus.BufSize(256))
	if err != nil {
		return fmt.Errorf("watch peers: %w", err)
	}
	h.work.Go(func() {
		defer sub.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sub.Out():
				switch e := e.(type) {
				case event.EvtPeerIdentificationCompleted:
					h.identified(ctx, e)
				case event.EvtPeerConnectednessChanged:
					if e.Connectedness == network.NotConnected {
						h.leaves(e.Peer)
					}
				}
			}
		}
	})
	return nil
}

// grace is how long a connected peer may take to shake hands.
const grace = 10 * time.Second

func (h *Host) identified(ctx context.Context, e event.EvtPeerIdentificationCompleted) {
	if h.met(e.Peer) || !h.begin() {
		return
	}
	go func() {
		defer h.work.Done()
		if e.Conn.Stat().Direction == network.DirOutbound && slices.Contains(e.Protocols, h.rpcID()) {
			hctx, cancel := context.WithTimeout(ctx, grace)
			err := h.sayHello(hctx, e.Peer)
			cancel()
			if err == nil {
				return
			}
			h.Log.Debug("hello", "peer", e.Peer, "err", err)
		}
		if pause(ctx, grace) && !h.met(e.Peer) {
			e.Conn.Close() // of no use: its calls, streams and news have other names
		}
	}()
}

// sayHello shakes hands with a connected peer.
func (h *Host) sayHello(ctx context.Context, id peer.ID) error {
	n, ok := nodeID(id)
	if !ok {
		return p2p.Errorf(p2p.Invalid, "peer %s has no node key", id)
	}
	_, version, err := h.post(ctx, n, helloPath, nil, 0)
	if err != nil {
		return err
	}
	h.meets(id, version)
	return nil
}
