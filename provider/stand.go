package provider

import (
	"context"
	"fmt"
	"sync"

	"github.com/artel-network/artel/sandbox"
)

// stand lets several want one attempt to stand still: the owner who came back, and who
// copies its files.
type stand struct {
	mu sync.Mutex // held while it is made to stand, or to go on
	by int
}

// Still makes an attempt that runs stand still, and returns what lets it go on; it does
// when everybody who made it stand has let it. The error wraps sandbox.ErrNotMovable
// where its box cannot stop it, and sandbox.ErrEnded where it does not run.
func (b *Boxed) Still(ctx context.Context, k Attempt) (goOn func(), err error) {
	b.mu.Lock()
	run, s := b.live[k], b.stands[k]
	b.mu.Unlock()
	if run == nil || s == nil {
		return nil, fmt.Errorf("stop task %d attempt %d: %w", k.Task, k.TaskKey.Attempt, sandbox.ErrEnded)
	}
	m, ok := run.(sandbox.Freezer)
	if !ok {
		return nil, fmt.Errorf("stop task %d attempt %d: %w: programs of this sandbox do not stand still", k.Task, k.TaskKey.Attempt, sandbox.ErrNotMovable)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == 0 {
		if err := m.Freeze(ctx); err != nil {
			_ = m.Thaw(context.WithoutCancel(ctx)) // it may stand all the same
			return nil, err
		}
	}
	s.by++
	var once sync.Once
	return func() {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.by--; s.by == 0 {
				_ = m.Thaw(context.WithoutCancel(ctx)) // or it has ended
			}
		})
	}, nil
}

// stands reports whether somebody wants the attempt to stand still.
func (b *Boxed) standing(k Attempt) bool {
	b.mu.Lock()
	s := b.stands[k]
	b.mu.Unlock()
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by > 0
}
