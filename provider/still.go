package provider

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// still is whether a Boxed's programs run.
type still struct {
	turn sync.Mutex // one freeze, shut or thaw at a time

	mu    sync.Mutex                          // below Boxed.mu
	shut  bool                                // no program begins
	begin map[Attempt]context.CancelCauseFunc // those that have not begun
}

// phaseRunning is an attempt's whose program has begun.
const phaseRunning = "running"

// freezeFor is how long a box may take to stand still, or to go on. The kernel needs
// milliseconds, but where a disk is slow.
const freezeFor = 10 * time.Second

var _ Yielder = (*Boxed)(nil)

// beginning returns a context for what comes before an attempt's program: it ends when the
// owner needs the machine. began is called when the program runs, or will not.
func (b *Boxed) beginning(ctx context.Context, k Attempt) (begin context.Context, began func()) {
	begin, cancel := context.WithCancelCause(ctx)
	s := &b.still
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		cancel(errEvicted)
	}
	if s.begin == nil {
		s.begin = map[Attempt]context.CancelCauseFunc{}
	}
	s.begin[k] = cancel
	return begin, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.begin, k)
		cancel(nil)
	}
}

// begins notes that the program of an attempt runs. It reports false when none may: the
// caller ends it. Freeze finds all that have begun before it.
func (b *Boxed) begins(k Attempt, run sandbox.Run) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.still.mu.Lock()
	defer b.still.mu.Unlock()
	if b.still.shut {
		return false
	}
	if b.live == nil {
		b.live = map[Attempt]sandbox.Run{}
	}
	b.live[k] = run
	return true
}

// set says whether programs may begin, and ends what has not begun.
func (s *still) set(shut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = shut
	if shut {
		for _, cancel := range s.begin {
			cancel(errEvicted)
		}
	}
}

// Freeze implements Yielder.
func (b *Boxed) Freeze(ctx context.Context) error {
	b.still.turn.Lock()
	defer b.still.turn.Unlock()
	b.still.set(true)
	cannot, err := b.each(ctx, sandbox.Freezer.Freeze)
	if cannot {
		err = errors.Join(ErrCannotFreeze, err)
	}
	return err
}

// Shut implements Yielder.
func (b *Boxed) Shut(ctx context.Context) error { return b.goOnWith(ctx, true) }

// Thaw implements Yielder.
func (b *Boxed) Thaw(ctx context.Context) error { return b.goOnWith(ctx, false) }

func (b *Boxed) goOnWith(ctx context.Context, shut bool) error {
	b.still.turn.Lock()
	defer b.still.turn.Unlock()
	b.still.set(shut)
	_, err := b.each(ctx, sandbox.Freezer.Thaw)
	return err
}

// each does something to all that runs, at once; cannot says that to some it cannot be done.
func (b *Boxed) each(ctx context.Context, do func(sandbox.Freezer, context.Context) error) (cannot bool, err error) {
	b.mu.Lock()
	live := maps.Clone(b.live)
	for k, run := range b.goOn { // not taken up again yet
		if live == nil {
			live = map[Attempt]sandbox.Run{}
		}
		live[k] = run
	}
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, freezeFor)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for _, run := range live {
		f, ok := run.(sandbox.Freezer)
		if !ok {
			mu.Lock()
			cannot = true
			mu.Unlock()
			continue
		}
		all.Go(func() {
			err := do(f, ctx)
			if errors.Is(err, errors.ErrUnsupported) {
				mu.Lock()
				cannot = true
				mu.Unlock()
			} else if err != nil && !errors.Is(err, sandbox.ErrEnded) {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return cannot, errors.Join(errs...)
}

// CPU is the processor time that all attempts have used so far.
func (b *Boxed) CPU() (total time.Duration) {
	for _, box := range b.Boxes {
		if m, ok := box.(sandbox.Meter); ok {
			total += m.CPU()
		}
	}
	return total
}
