package libp2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/multiformats/go-multihash"

	"github.com/artel-network/artel/p2p"
)

const (
	redialFirst = time.Second
	redialMost  = 5 * time.Minute
	// enoughPeers is how many connections a node looks for.
	enoughPeers = 12
	// lookEvery is how often a node with fewer asks the DHT again.
	lookEvery = time.Minute
	// provideEvery is how often a node renews its record, which lasts 48 h.
	provideEvery = 3 * time.Hour
	// maxRecords bounds the provider records that strangers may leave here.
	maxRecords = 1 << 16
)

// discover starts the ways of finding peers that are switched on.
func (h *Host) discover(ctx context.Context) error {
	for _, info := range h.bootstrap {
		h.lib.ConnManager().Protect(info.ID, "bootstrap")
		h.work.Go(func() { h.keep(ctx, info) })
	}
	if h.DHT {
		if err := h.startDHT(ctx); err != nil {
			return fmt.Errorf("start dht: %w", err)
		}
	}
	if h.MDNS {
		h.startMDNS(ctx)
	}
	return nil
}

// keep stays connected to a bootstrap peer, backing off while it is away.
func (h *Host) keep(ctx context.Context, info peer.AddrInfo) {
	changed := make(chan struct{}, 1)
	defer h.Watch(func(e p2p.Event) {
		if !e.Connected && peerID(e.Peer) == info.ID {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})()
	delay := redialFirst
	for {
		tctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		h.forgive(info.ID) // the backing off is done here
		err := h.meet(tctx, info)
		cancel()
		wait := redialMost
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			delay = redialFirst
		default:
			h.Log.Debug("bootstrap", "peer", info.ID, "err", err)
			wait, delay = jitter(delay), min(2*delay, redialMost)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-changed:
		}
		t.Stop()
	}
}

// jitter draws between half and all of d, so that a crowd does not come at once.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// startDHT joins the network's own DHT. A node serves it unless it is known to be
// unreachable, and finds others under one key of the whole network.
func (h *Host) startDHT(ctx context.Context) (err error) {
	h.dht, err = dht.New(h.lib,
		dht.Mode(dht.ModeAutoServer),
		dht.ProtocolPrefix(protocol.ID(prefix(h.Network))),
		dht.DisableValues(),
		dht.Datastore(boundedStore{dssync.MutexWrap(datastore.NewMapDatastore()), make(chan struct{}, maxRecords)}),
		dht.BootstrapPeersFunc(func() []peer.AddrInfo { return h.bootstrap }),
	)
	if err != nil {
		return err
	}
	sum, err := multihash.Sum([]byte(h.topic("nodes")+" "+h.Network.String()), multihash.SHA2_256, -1)
	if err != nil {
		return err
	}
	meetingPoint := cid.NewCidV1(cid.Raw, sum)
	if err := h.dht.Bootstrap(ctx); err != nil {
		return err
	}
	h.work.Go(func() { h.provide(ctx, meetingPoint) })
	h.work.Go(func() { h.look(ctx, meetingPoint) })
	return nil
}

// provide keeps this node's record at the meeting point.
func (h *Host) provide(ctx context.Context, at cid.Cid) {
	wait := 5 * time.Second // until there may be somebody to tell
	for pause(ctx, wait) {
		tctx, cancel := context.WithTimeout(ctx, time.Minute)
		err := h.dht.Provide(tctx, at, true)
		cancel()
		if wait = provideEvery; err != nil {
			wait = jitter(lookEvery)
		}
	}
}

// look meets nodes found at the meeting point while there are few peers.
func (h *Host) look(ctx context.Context, at cid.Cid) {
	wait := 5 * time.Second
	for pause(ctx, wait) {
		wait = jitter(lookEvery)
		if len(h.Peers()) >= enoughPeers {
			continue
		}
		tctx, cancel := context.WithTimeout(ctx, time.Minute)
		for info := range h.dht.FindProvidersAsync(tctx, at, 2*enoughPeers) {
			if len(h.Peers()) >= enoughPeers {
				break
			}
			h.found(tctx, info, "dht")
		}
		cancel()
	}
}

// found meets a node that somebody told of.
func (h *Host) found(ctx context.Context, info peer.AddrInfo, by string) {
	if _, ok := nodeID(info.ID); !ok || info.ID == h.lib.ID() || h.met(info.ID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := h.meet(ctx, info); err != nil {
		h.Log.Debug("found peer", "by", by, "peer", info.ID, "err", err)
	}
}

// pause sleeps, or reports false once ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// lanFinder receives what mDNS finds.
type lanFinder struct {
	host *Host
	ctx  context.Context // of Run: mdns calls without one
}

// HandlePeerFound meets a node of the LAN.
func (f lanFinder) HandlePeerFound(info peer.AddrInfo) {
	if f.host.begin() {
		defer f.host.work.Done()
		f.host.found(f.ctx, info, "mdns")
	}
}

// startMDNS announces this node on the LAN and listens for others. A machine
// without multicast goes on without.
func (h *Host) startMDNS(ctx context.Context) {
	service := mdns.NewMdnsService(h.lib, "_artel-"+h.Network.String()[2:10]+"._udp", lanFinder{h, ctx})
	if err := service.Start(); err != nil {
		h.Log.Warn("mdns is off", "err", err)
		return
	}
	h.work.Go(func() { <-ctx.Done(); service.Close() })
}

// relayCandidates offers peers that may carry our bytes while we are behind a NAT:
// those connected that relay, bootstrap peers among them.
func (h *Host) relayCandidates(ctx context.Context, want int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo, want)
	defer close(out)
	for _, id := range h.lib.Network().Peers() {
		if len(out) == want {
			break
		}
		speaks, err := h.lib.Peerstore().SupportsProtocols(id, "/libp2p/circuit/relay/0.2.0/hop")
		if err != nil || len(speaks) == 0 || h.lib.Network().Connectedness(id) != network.Connected {
			continue
		}
		out <- h.lib.Peerstore().PeerInfo(id)
	}
	return out
}

var errFull = errors.New("no room for more provider records")

// boundedStore is a datastore that refuses to grow for ever. A put over an old
// record costs a place too; deletes, which the DHT's sweep makes, give it back.
type boundedStore struct {
	*dssync.MutexDatastore
	places chan struct{}
}

// Put stores a record while there is room.
func (s boundedStore) Put(ctx context.Context, k datastore.Key, v []byte) error {
	if had, err := s.Has(ctx, k); err != nil || had {
		return errors.Join(err, s.MutexDatastore.Put(ctx, k, v))
	}
	select {
	case s.places <- struct{}{}:
		return s.MutexDatastore.Put(ctx, k, v)
	default:
		return errFull
	}
}

// Delete gives a place back.
func (s boundedStore) Delete(ctx context.Context, k datastore.Key) error {
	had, err := s.Has(ctx, k)
	if err != nil || !had {
		return err
	}
	select {
	case <-s.places:
	default:
	}
	return s.MutexDatastore.Delete(ctx, k)
}

// Batch goes through Put and Delete.
func (s boundedStore) Batch(context.Context) (datastore.Batch, error) {
	return datastore.NewBasicBatch(s), nil
}
