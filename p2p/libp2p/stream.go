package libp2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// HandleStream serves a bulk protocol.
func (h *Host) HandleStream(name string, f p2p.StreamHandler) {
	h.mux.HandleStream(name, f)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.serving { // or else start does it
		h.listenStream(name)
	}
}

// listenStream takes streams of a bulk protocol. The caller holds mu.
func (h *Host) listenStream(name string) {
	h.lib.SetStreamHandler(h.bulkID(name), func(s network.Stream) {
		node, ok := nodeID(s.Conn().RemotePeer())
		if !ok || !h.begin() {
			s.Reset()
			return
		}
		defer h.work.Done()
		h.mux.ServeStream(h.ctx, node, name, h.track(s, false))
	})
}

// OpenStream opens a bulk stream.
func (h *Host) OpenStream(ctx context.Context, to artel.NodeID, name string) (p2p.Stream, error) {
	s, err := h.openStream(ctx, to, name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s to %s: %w", name, to.Short(), err)
	}
	return s, nil
}

func (h *Host) openStream(ctx context.Context, to artel.NodeID, name string) (p2p.Stream, error) {
	if err := p2p.CheckName(name); err != nil {
		return nil, err
	}
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	id, err := h.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	// No WithAllowLimitedConn: over somebody's limited relay bulk data would break
	// off, so libp2p waits for a direct connection instead.
	s, err := h.lib.NewStream(ctx, id, h.bulkID(name))
	var unknown multistream.ErrNotSupported[protocol.ID]
	if errors.As(err, &unknown) {
		e := p2p.Errorf(p2p.Unsupported, "the peer does not speak %s", name)
		e.Remote = true
		return nil, e
	}
	if err != nil {
		return nil, localError(ctx, err)
	}
	// libp2p sends the protocol's name with the first bytes; a first write that
	// times out would spoil the stream, so the name goes ahead.
	if d, ok := ctx.Deadline(); ok {
		s.SetWriteDeadline(d)
	}
	if _, err := s.Write(nil); err != nil {
		s.Reset()
		return nil, localError(ctx, err)
	}
	s.SetWriteDeadline(time.Time{})
	return h.track(s, true), nil
}

// stream is a libp2p stream with the port's errors; the host resets it when it
// stops, and keeps the connection of one it opened from being trimmed.
type stream struct {
	network.Stream
	host *Host
	tag  string // of the protection; "" for none
	once sync.Once
}

func (h *Host) track(s network.Stream, opened bool) *stream {
	t := &stream{Stream: s, host: h}
	if opened {
		t.tag = "artel stream " + s.ID()
		h.lib.ConnManager().Protect(s.Conn().RemotePeer(), t.tag)
	}
	h.mu.Lock()
	h.streams[t] = struct{}{}
	stopped := h.stopped
	h.mu.Unlock()
	if stopped {
		t.Reset()
	}
	return t
}

func (s *stream) done() {
	s.once.Do(func() {
		if s.tag != "" {
			s.host.lib.ConnManager().Unprotect(s.Conn().RemotePeer(), s.tag)
		}
		s.host.mu.Lock()
		delete(s.host.streams, s)
		s.host.mu.Unlock()
	})
}

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	return n, streamFault(err)
}

func (s *stream) Write(b []byte) (int, error) {
	n, err := s.Stream.Write(b)
	return n, streamFault(err)
}

func (s *stream) Close() error {
	s.done()
	return s.Stream.Close()
}

func (s *stream) Reset() error {
	s.done()
	return s.Stream.Reset()
}

// streamFault gives every transport's timeout one name.
func streamFault(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return os.ErrDeadlineExceeded
	}
	return err
}
