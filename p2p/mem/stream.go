package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// window is how many bytes may be under way in one direction of a stream.
const window = 256 << 10

var errReset = errors.New("stream reset")

// OpenStream opens a stream to a peer.
func (h *Host) OpenStream(ctx context.Context, to artel.NodeID, protocol string) (p2p.Stream, error) {
	s, err := h.openStream(ctx, to, protocol)
	if err != nil {
		return nil, fmt.Errorf("open stream %s to %s: %w", protocol, to.Short(), err)
	}
	return s, nil
}

func (h *Host) openStream(ctx context.Context, to artel.NodeID, protocol string) (p2p.Stream, error) {
	if err := p2p.CheckName(protocol); err != nil {
		return nil, err
	}
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	target, f, err := h.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	if f.lost {
		return nil, h.silence(ctx)
	}
	if err := pause(ctx, f.there+f.back); err != nil {
		return nil, err
	}
	if !target.mux.HasStream(protocol) {
		e := p2p.Errorf(p2p.Unsupported, "the peer does not speak %s", protocol)
		e.Remote = true
		return nil, e
	}
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if target.stopped || n.cut(h.id, to) {
		return nil, p2p.Errorf(p2p.Unavailable, "the peer went away")
	}
	if h.stopped {
		return nil, p2p.Errorf(p2p.Unavailable, "this host has stopped")
	}
	link := n.linkOf(h.id, to)
	there, back := newPipe(link), newPipe(link)
	ours := &stream{from: h.id, to: to, in: back, out: there}
	theirs := &stream{from: h.id, to: to, in: there, out: back}
	ours.forget = func() { n.forget(h, ours) }
	theirs.forget = func() { n.forget(target, theirs) }
	h.streams[ours], target.streams[theirs] = struct{}{}, struct{}{}
	target.work.Add(1)
	go func() {
		defer target.work.Done()
		target.mux.ServeStream(target.ctx, h.id, protocol, theirs)
	}()
	return ours, nil
}

func (n *Network) forget(h *Host, s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(h.streams, s)
}

// stream is one end.
type stream struct {
	from, to artel.NodeID
	in, out  *pipe
	forget   func()
}

func (s *stream) Read(b []byte) (int, error)  { return s.in.read(b) }
func (s *stream) Write(b []byte) (int, error) { return s.out.write(b) }

func (s *stream) CloseWrite() error { s.out.end(); return nil }

func (s *stream) Close() error {
	s.out.end()
	s.in.fail(os.ErrClosed) // the peer's writes have no reader any more
	s.forget()
	return nil
}

func (s *stream) Reset() error {
	s.fail(errReset)
	s.forget()
	return nil
}

// fail breaks both directions, for both ends.
func (s *stream) fail(err error) {
	s.in.fail(err)
	s.out.fail(err)
}

func (s *stream) SetDeadline(t time.Time) error {
	s.in.setDeadline(&s.in.readBy, t)
	s.out.setDeadline(&s.out.writeBy, t)
	return nil
}
func (s *stream) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(&s.in.readBy, t)
	return nil
}
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.out.setDeadline(&s.out.writeBy, t)
	return nil
}

// pipe is one direction: segments that arrive in order, each not before its time.
type pipe struct {
	link Link

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	segs    []segment
	size    int
	last    time.Time // when the last segment arrives
	ended   bool
	err     error
	readBy  time.Time
	writeBy time.Time
}

type segment struct {
	at   time.Time
	data []byte
}

func newPipe(l Link) *pipe { return &pipe{link: l, changed: make(chan struct{})} }

// change wakes whoever waits. The caller holds mu.
func (p *pipe) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.change()
}

func (p *pipe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && !(p.ended && len(p.segs) == 0) {
		p.err = err
		p.change()
	}
}

func (p *pipe) setDeadline(which *time.Time, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*which = t
	p.change()
}

func (p *pipe) read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		now := time.Now()
		var until time.Time
		switch {
		case p.err != nil:
			defer p.mu.Unlock()
			return 0, p.err
		case past(p.readBy, now):
			p.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(p.segs) > 0 && !p.segs[0].at.After(now):
			n := copy(b, p.segs[0].data)
			p.segs[0].data = p.segs[0].data[n:]
			if len(p.segs[0].data) == 0 {
				p.segs = p.segs[1:]
			}
			p.size -= n
			p.change()
			p.mu.Unlock()
			return n, nil
		case len(p.segs) > 0:
			until = p.segs[0].at
		case p.ended:
			p.mu.Unlock()
			return 0, io.EOF
		}
		until = sooner(until, p.readBy)
		changed := p.changed
		p.mu.Unlock()
		wait(changed, until)
	}
}

func (p *pipe) write(b []byte) (int, error) {
	written := 0
	for {
		p.mu.Lock()
		now := time.Now()
		switch {
		case p.err != nil:
			defer p.mu.Unlock()
			return written, p.err
		case p.ended:
			p.mu.Unlock()
			return written, os.ErrClosed
		case past(p.writeBy, now):
			p.mu.Unlock()
			return written, os.ErrDeadlineExceeded
		case len(b) == 0:
			p.mu.Unlock()
			return written, nil
		case p.size < window:
			n := min(len(b), window-p.size)
			at := now.Add(p.link.Latency)
			if at.Before(p.last) {
				at = p.last
			}
			if p.link.Bandwidth > 0 {
				at = at.Add(time.Duration(n) * time.Second / time.Duration(p.link.Bandwidth))
			}
			p.segs = append(p.segs, segment{at, bytes.Clone(b[:n])})
			p.last, p.size = at, p.size+n
			b, written = b[n:], written+n
			p.change()
			p.mu.Unlock()
			continue
		}
		changed, until := p.changed, p.writeBy
		p.mu.Unlock()
		wait(changed, until)
	}
}

func past(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// wait returns when changed is closed or at until, if it is set.
func wait(changed <-chan struct{}, until time.Time) {
	if until.IsZero() {
		<-changed
		return
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	}
}
