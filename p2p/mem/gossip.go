package mem

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel/p2p"
)

// maxPending is how many published messages may be on their way to one host.
const maxPending = 1 << 16

type subscription struct {
	topic    string
	validate p2p.Validator
	deliver  func(p2p.Message)
}

// Publish sends data to every subscriber that can be reached, directly: From is
// the origin itself.
func (h *Host) Publish(ctx context.Context, name string, data []byte) error {
	if err := p2p.CheckName(name); err != nil {
		return err
	}
	if len(data) > p2p.MaxGossip {
		return p2p.Errorf(p2p.TooLarge, "publish on %s: %d bytes, at most %d", name, len(data), p2p.MaxGossip)
	}
	if err := h.await(ctx); err != nil {
		return fmt.Errorf("publish on %s: %w", name, err)
	}
	m := &p2p.Message{Origin: h.id, From: h.id, Data: bytes.Clone(data)}
	n, now := h.net, time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Published++
	for to, sub := range n.subs[topic{h.hello.Network, name}] {
		if to == h || n.cut(h.id, to.id) {
			continue
		}
		f := n.draw(h, to.id, n.linkOf(h.id, to.id))
		at := now
		if f.there > 0 {
			at = now.Add(f.there + tick - 1).Truncate(tick)
		}
		if f.lost || !to.inbox.put(&news{at: at, sub: sub, msg: m}) {
			n.stats.Dropped++
		}
	}
	return nil
}

// Subscribe receives a topic.
func (h *Host) Subscribe(name string, validate p2p.Validator, deliver func(p2p.Message)) (func(), error) {
	if err := p2p.CheckName(name); err != nil {
		return nil, err
	}
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &subscription{name, validate, deliver}
	_, early := h.early[name]
	_, late := n.subs[topic{h.hello.Network, name}][h]
	switch {
	case early || late:
		return nil, p2p.Errorf(p2p.Conflict, "subscribe %s: this host has a subscription already", name)
	case h.stopped:
		return nil, p2p.Errorf(p2p.Unavailable, "subscribe %s: this host has stopped", name)
	case h.early != nil:
		h.early[name] = s
	default:
		n.subscribe(h, name, s)
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if h.early[name] == s {
			delete(h.early, name)
		}
		if hosts := n.subs[topic{h.hello.Network, name}]; hosts[h] == s {
			delete(hosts, h)
		}
	}, nil
}

// subscribe adds a subscription of a host that is up. The caller holds mu.
func (n *Network) subscribe(h *Host, name string, s *subscription) {
	t := topic{h.hello.Network, name}
	if n.subs[t] == nil {
		n.subs[t] = make(map[*Host]*subscription)
	}
	n.subs[t][h] = s
}

// tick rounds arrivals up, so that a host reads what comes close together at one
// waking.
const tick = 5 * time.Millisecond

// news is a published message on its way to one host.
type news struct {
	at  time.Time // a multiple of tick when in the future
	seq uint64
	sub *subscription
	msg *p2p.Message
}

// inbox is what is on its way to one host, soonest first.
type inbox struct {
	wake chan struct{}

	mu   sync.Mutex
	seq  uint64
	heap newsHeap
}

func (b *inbox) put(w *news) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.heap) >= maxPending {
		return false
	}
	w.seq, b.seq = b.seq, b.seq+1
	heap.Push(&b.heap, w)
	if b.heap[0] == w {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// next returns what is due, and how long to wait for more (0: until woken).
func (b *inbox) next(now time.Time) (due []*news, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.heap) > 0 {
		if d := b.heap[0].at.Sub(now); d > 0 {
			return due, d
		}
		due = append(due, heap.Pop(&b.heap).(*news))
	}
	return due, 0
}

// readNews judges and delivers until ctx ends.
func (h *Host) readNews(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, wait := h.inbox.next(time.Now())
		h.read(ctx, due)
		if len(due) > 0 {
			continue
		}
		if wait == 0 {
			wait = 24 * time.Hour
		}
		timer.Reset(wait)
		select {
		case <-h.inbox.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

func (h *Host) read(ctx context.Context, due []*news) {
	n := h.net
	n.mu.Lock()
	fresh := due[:0]
	for _, w := range due {
		if n.subs[topic{h.hello.Network, w.sub.topic}][h] == w.sub && !n.cut(w.msg.From, h.id) {
			fresh = append(fresh, w)
		}
	}
	n.mu.Unlock()
	accepted, rejected := 0, 0
	for _, w := range fresh {
		if ctx.Err() != nil {
			break
		}
		switch h.mux.Judge(ctx, w.sub.topic, w.sub.validate, *w.msg) {
		case p2p.Accept:
			accepted++
			h.mux.Deliver(w.sub.topic, w.sub.deliver, *w.msg)
		case p2p.Reject:
			rejected++
		}
	}
	n.mu.Lock()
	n.stats.Delivered += accepted
	n.stats.Rejected += rejected
	n.mu.Unlock()
}

type newsHeap []*news

func (h newsHeap) Len() int { return len(h) }
func (h newsHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h newsHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *newsHeap) Push(x any)   { *h = append(*h, x.(*news)) }
func (h *newsHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}
