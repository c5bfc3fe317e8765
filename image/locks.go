package image

import (
	"context"
	"slices"
	"sync"
)

// locks holds a lock for each name that is in use. Who waits gets it in turn.
type locks struct {
	mu   sync.Mutex
	held map[string]*lead
}

// lead is a name that somebody has.
type lead struct {
	l     *locks
	name  string
	queue []chan struct{} // guarded by l.mu
}

// lock waits until nobody else has the name, or ctx ends.
func (l *locks) lock(ctx context.Context, name string) (*lead, error) {
	h, turn := l.join(name)
	if turn == nil {
		return h, nil
	}
	return h, h.await(ctx, turn)
}

// join takes the name, or a place in its queue, which is closed when the turn comes.
func (l *locks) join(name string) (*lead, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]*lead{}
	}
	h := l.held[name]
	if h == nil {
		h = &lead{l: l, name: name}
		l.held[name] = h
		return h, nil
	}
	turn := make(chan struct{})
	h.queue = append(h.queue, turn)
	return h, turn
}

// await waits for a place in the queue, and gives it up when ctx ends.
func (h *lead) await(ctx context.Context, turn chan struct{}) error {
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	h.l.mu.Lock()
	i := slices.Index(h.queue, turn)
	if i >= 0 {
		h.queue = slices.Delete(h.queue, i, i+1)
	}
	h.l.mu.Unlock()
	if i < 0 { // it has just come
		h.unlock()
	}
	return ctx.Err()
}

// unlock hands the name to who has waited longest.
func (h *lead) unlock() {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	if len(h.queue) == 0 {
		delete(h.l.held, h.name)
		return
	}
	close(h.queue[0])
	h.queue = h.queue[1:]
}

// wanted reports whether somebody waits for the name.
func (h *lead) wanted() bool {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	return len(h.queue) > 0
}
