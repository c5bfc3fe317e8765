package simtest

import (
	"context"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
)

// still is a machine that stands still, as one that is suspended or whose processes
// were stopped: nothing goes out or comes in, nothing is stored, no program takes a
// step. What it had begun goes on when it does. Its timers and its clock are the
// simulation's: they go on, so it wakes up to deadlines that have passed.
type still struct {
	mu     sync.Mutex
	thawed chan struct{} // closed when it goes on; nil: it does
}

func (s *still) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.thawed == nil {
		s.thawed = make(chan struct{})
	}
}

func (s *still) thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.thawed != nil {
		close(s.thawed)
		s.thawed = nil
	}
}

// wait returns when the machine goes on, or with ctx's error.
func (s *still) wait(ctx context.Context) error {
	s.mu.Lock()
	thawed := s.thawed
	s.mu.Unlock()
	if thawed == nil {
		return ctx.Err()
	}
	select {
	case <-thawed:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *node) frozen() bool {
	n.still.mu.Lock()
	defer n.still.mu.Unlock()
	return n.still.thawed != nil
}

func (n *node) hostOf() stillHost { return stillHost{n.host, n} }

// stillHost is a host whose machine may stand still.
type stillHost struct {
	*mem.Host
	still *node
}

func (h stillHost) Handle(method string, maxReq int, f p2p.Handler) {
	h.Host.Handle(method, maxReq, func(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
		if err := h.still.still.wait(ctx); err != nil {
			return nil, err
		}
		resp, err := f(ctx, from, req)
		if err := h.still.still.wait(ctx); err != nil {
			return nil, err
		}
		return resp, err
	})
}

func (h stillHost) HandleStream(protocol string, f p2p.StreamHandler) {
	h.Host.HandleStream(protocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
		if h.still.still.wait(ctx) != nil {
			_ = s.Reset()
			return
		}
		f(ctx, from, s)
	})
}

func (h stillHost) Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	if err := h.still.still.wait(ctx); err != nil {
		return nil, err
	}
	resp, err := h.Host.Call(ctx, to, method, req, maxResp)
	if err := h.still.still.wait(ctx); err != nil {
		return nil, err
	}
	return resp, err
}

func (h stillHost) OpenStream(ctx context.Context, to artel.NodeID, protocol string) (p2p.Stream, error) {
	if err := h.still.still.wait(ctx); err != nil {
		return nil, err
	}
	return h.Host.OpenStream(ctx, to, protocol)
}

func (h stillHost) Publish(ctx context.Context, topic string, data []byte) error {
	if err := h.still.still.wait(ctx); err != nil {
		return err
	}
	return h.Host.Publish(ctx, topic, data)
}

// stillProv and stillRent are disks of a machine that may stand still.
type stillProv struct {
	*provDisk
	n *node
}

func (d stillProv) Save(ctx context.Context, c provider.Change) error {
	if err := d.n.still.wait(ctx); err != nil {
		return err
	}
	return d.provDisk.Save(ctx, c)
}

type stillRent struct {
	*rentDisk
	n *node
}

func (d stillRent) Save(ctx context.Context, c renter.Change) error {
	if err := d.n.still.wait(ctx); err != nil {
		return err
	}
	return d.rentDisk.Save(ctx, c)
}
