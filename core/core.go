// Package core is the loop that both actors run on. One goroutine, the core,
// owns an actor's state. What happens (a call of a peer, the end of an attempt,
// a tick) is an op; the core takes as many ops as are waiting, stores what all of
// them decided in one transaction, and only then acts and answers. So there are
// no locks, a burst costs one commit, and a crash at any instant loses nothing
// that anybody was told.
package core

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStopped says that the loop has ended.
var ErrStopped = errors.New("the loop has stopped")

// Loop runs the ops of one actor. T collects what a round of them wants stored
// and done. Make it with New, start it with Run.
type Loop[T any] struct {
	now    func() time.Time
	clocks *clocks
	inbox  chan entry[T]
	closed chan struct{}
	tasks  sync.WaitGroup
}

// entry is an op, and whom to tell that its outcome is stored; nil: nobody.
type entry[T any] struct {
	op   func(T)
	done chan struct{}
}

// Actor is what a loop drives. Begin and Commit are required.
type Actor[T any] struct {
	// Load wakes the actor up, before the first op.
	Load func(ctx context.Context) error
	// Beside run as long as the loop does, each in a goroutine of its own.
	Beside []func(ctx context.Context)
	// Begin opens a round. ctx is the loop's life: it ends what the round starts.
	Begin func(ctx context.Context, now time.Time) T
	// Jumped, if set, is told before the ops of a round that time itself has
	// jumped since the last one: the round's now is that of the clock as it is now.
	Jumped func(t T, j Jump)
	// Commit stores what the round decided, then does it. An error ends the loop:
	// what cannot be stored must not be promised.
	Commit func(ctx context.Context, t T) error
}

// New returns a loop for which so many ops may wait before callers are held up.
// now tells the wall clock; nil: this machine's.
func New[T any](waiting int, now func() time.Time) *Loop[T] {
	read := machine
	if now == nil {
		now = time.Now
	} else {
		read = apart(now)
	}
	return &Loop[T]{now: now, clocks: newClocks(read), inbox: make(chan entry[T], waiting), closed: make(chan struct{})}
}

// Now is the node's wall clock. It may be minutes away from that of a peer, and
// from the chain's time.
func (l *Loop[T]) Now() time.Time { return l.now() }

// Closed is closed when the loop takes no more ops.
func (l *Loop[T]) Closed() <-chan struct{} { return l.closed }

// Go runs f beside the loop; Run waits for it.
func (l *Loop[T]) Go(f func()) { l.tasks.Go(f) }

// Run works until ctx ends or Commit fails, and returns when everything that was
// started has ended. Call it once.
func (l *Loop[T]) Run(ctx context.Context, a Actor[T]) error {
	l.clocks.look() // what was before is not told
	ctx, cancel := context.WithCancel(ctx)
	defer l.tasks.Wait()
	defer close(l.closed)
	defer cancel()
	if a.Load != nil {
		if err := a.Load(ctx); err != nil {
			return err
		}
	}
	for _, f := range a.Beside {
		l.tasks.Go(func() { f(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-l.inbox:
			if err := l.round(ctx, a, e); err != nil {
				return err
			}
		}
	}
}

// round takes the ops that wait, of which none is later than the round's now; then it
// stores, acts and answers.
func (l *Loop[T]) round(ctx context.Context, a Actor[T], e entry[T]) error {
	more := len(l.inbox) // before the clock is read: what comes from here on has a round of its own
	now, jump := l.clocks.look()
	t := a.Begin(ctx, now)
	if jump != (Jump{}) && a.Jumped != nil {
		a.Jumped(t, jump)
	}
	var done []chan struct{}
	for {
		e.op(t)
		if e.done != nil {
			done = append(done, e.done)
		}
		if more == 0 {
			break
		}
		more--
		e = <-l.inbox
	}
	if err := a.Commit(ctx, t); err != nil {
		return err
	}
	for _, d := range done {
		close(d)
	}
	return nil
}

// Do hands over an op and waits until its outcome is stored and done. On an
// error, ErrStopped or that of ctx, op never runs, or has run, but not beside the
// caller.
func (l *Loop[T]) Do(ctx context.Context, op func(T)) error {
	done := make(chan struct{})
	var claimed atomic.Bool // by the core, or by a caller that goes away
	e := entry[T]{done: done, op: func(t T) {
		if claimed.CompareAndSwap(false, true) {
			op(t)
		}
	}}
	select {
	case l.inbox <- e:
	case <-l.closed:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-l.closed:
		return ErrStopped
	case <-ctx.Done():
	}
	if claimed.CompareAndSwap(false, true) {
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-l.closed:
		return ErrStopped
	}
}

// Post hands over an op without waiting for its outcome. A loop that has ended
// drops it.
func (l *Loop[T]) Post(op func(T)) {
	select {
	case l.inbox <- entry[T]{op: op}:
	case <-l.closed:
	}
}

// Every waits d and reports whether ctx still lives.
func Every(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
