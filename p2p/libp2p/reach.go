package libp2p

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// Reach says whether strangers can dial this node directly: "public", "private", or
// "unknown" while its peers have not found out, which needs a public address.
func (h *Host) Reach() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reached.String()
}

// reachability is what AutoNAT has told: the whole node's by version 1 or by
// Config.Public, and of how many of its public addresses by version 2.
type reachability struct {
	node              network.Reachability
	yes, no, untested int
}

func (r reachability) String() string {
	switch {
	case r.yes > 0 || r.node == network.ReachabilityPublic:
		return "public"
	case r.no > 0 && r.untested == 0 || r.node == network.ReachabilityPrivate:
		return "private"
	}
	return "unknown"
}

// watchReach follows what AutoNAT finds out.
func (h *Host) watchReach(ctx context.Context) error {
	sub, err := h.lib.EventBus().Subscribe([]any{
		new(event.EvtLocalReachabilityChanged), new(event.EvtHostReachableAddrsChanged),
	}, eventbus.Name("artel reach"))
	if err != nil {
		return fmt.Errorf("watch reachability: %w", err)
	}
	h.work.Go(func() {
		defer sub.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sub.Out():
				h.mu.Lock()
				switch e := e.(type) {
				case event.EvtLocalReachabilityChanged:
					h.reached.node = e.Reachability
				case event.EvtHostReachableAddrsChanged:
					h.reached.yes, h.reached.no, h.reached.untested = len(e.Reachable), len(e.Unreachable), len(e.Unknown)
				}
				h.mu.Unlock()
			}
		}
	})
	return nil
}
