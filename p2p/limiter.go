package p2p

import (
	"container/list"
	"sync"
	"time"

	"github.com/artel-network/artel"
)

// Limiter is a token bucket per node, for validators and handlers: each node may
// do burst things at once and rate things a second in the long run. It remembers
// at most a fixed number of nodes and forgets the one that has been quiet longest,
// so a crowd of fresh keys costs no memory; what one key may do is all it bounds.
type Limiter struct {
	rate  float64
	burst float64
	limit int
	now   func() time.Time

	mu      sync.Mutex
	buckets map[artel.NodeID]*list.Element
	quiet   *list.List // of *bucket, most recent first
}

type bucket struct {
	node   artel.NodeID
	tokens float64
	at     time.Time
}

// NewLimiter returns a limiter of rate per second (above 0) and burst (at least
// 1) that remembers up to nodes of them (at least 1), by the clock now.
func NewLimiter(rate float64, burst, nodes int, now func() time.Time) *Limiter {
	return &Limiter{
		rate: rate, burst: float64(max(1, burst)), limit: max(1, nodes), now: now,
		buckets: make(map[artel.NodeID]*list.Element), quiet: list.New(),
	}
}

// Allow takes one token of the node, or reports false when it has none left.
func (l *Limiter) Allow(node artel.NodeID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	e, ok := l.buckets[node]
	if !ok {
		if l.quiet.Len() >= l.limit {
			last := l.quiet.Back()
			delete(l.buckets, last.Value.(*bucket).node)
			l.quiet.Remove(last)
		}
		e = l.quiet.PushFront(&bucket{node, l.burst, now})
		l.buckets[node] = e
	}
	l.quiet.MoveToFront(e)
	b := e.Value.(*bucket)
	// A clock that steps back refills nothing.
	if since := now.Sub(b.at).Seconds(); since > 0 {
		b.tokens = min(l.burst, b.tokens+since*l.rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
