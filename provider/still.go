package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// still is whether a Boxed's programs run.
type still struct {
	turn sync.Mutex         // one freeze, shut or thaw at a time
	goOn map[Attempt]func() // those that stand still for the owner

	mu    sync.Mutex                          // below Boxed.mu
	shut  bool                                // no program begins
	begin map[Attempt]context.CancelCauseFunc // those that have not begun
}

// Phases of an attempt whose program runs.
const (
	phaseRunning = "running"
	phaseUnsaved = "running-unsaved" // and of which no checkpoint could be brought away of late
)

// freezeFor is how long a box may take to stand still, or to go on. The kernel needs
// milliseconds, but where a disk is slow.
const freezeFor = 10 * time.Second

var _ Yielder = (*Boxed)(nil)

// enter notes a run. b.mu is held.
func (b *Boxed) enter(k Attempt, run sandbox.Run) {
	if b.live == nil {
		b.live, b.stands = map[Attempt]sandbox.Run{}, map[Attempt]*stand{}
	}
	if b.live[k] = run; b.stands[k] == nil {
		b.stands[k] = &stand{}
	}
}

// beginning returns a context for what comes before an attempt's program: it ends when the
// owner needs the machine, and with done.
func (b *Boxed) beginning(ctx context.Context, k Attempt) (begin context.Context, done context.CancelCauseFunc) {
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
	return begin, func(why error) {
		s.mu.Lock()
		delete(s.begin, k)
		s.mu.Unlock()
		cancel(why)
	}
}

// begins notes that the program of an attempt runs. It reports false when none may: the
// caller ends it. Freeze finds all that have begun before it.
func (b *Boxed) begins(k Attempt, run sandbox.Run) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.still.mu.Lock()
	defer b.still.mu.Unlock()
	if !b.still.shut {
		b.enter(k, run)
	}
	return !b.still.shut
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
	b.mu.Lock()
	for k, run := range b.goOn { // not taken up again yet
		b.enter(k, run)
	}
	live := slices.Collect(maps.Keys(b.live))
	b.mu.Unlock()
	if b.still.goOn == nil {
		b.still.goOn = map[Attempt]func(){}
	}
	ctx, cancel := context.WithTimeout(ctx, freezeFor)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	live = slices.DeleteFunc(live, func(k Attempt) bool { return b.still.goOn[k] != nil })
	for _, k := range live {
		all.Go(func() {
			goOn, err := b.Still(ctx, k)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				b.still.goOn[k] = goOn
			case errors.Is(err, sandbox.ErrNotMovable), errors.Is(err, errors.ErrUnsupported):
				errs = append(errs, ErrCannotFreeze)
			case !errors.Is(err, sandbox.ErrEnded):
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Shut implements Yielder.
func (b *Boxed) Shut(context.Context) error { b.letGoOn(true); return nil }

// Thaw implements Yielder.
func (b *Boxed) Thaw(ctx context.Context) error {
	b.letGoOn(false)
	return b.melt(ctx)
}

func (b *Boxed) letGoOn(shut bool) {
	b.still.turn.Lock()
	defer b.still.turn.Unlock()
	b.still.set(shut)
	var all sync.WaitGroup
	for _, goOn := range b.still.goOn {
		all.Go(goOn)
	}
	all.Wait()
	b.still.goOn = nil
}

// melt lets go on what an earlier run of the daemon has left frozen. It does nothing to
// what runs, and what somebody here makes stand still goes on standing.
func (b *Boxed) melt(ctx context.Context) error {
	type frozen struct {
		sandbox.Freezer
		*stand
	}
	b.mu.Lock()
	var left []frozen
	for _, k := range b.left {
		f, ok := b.live[k].(sandbox.Freezer)
		if run := b.goOn[k]; run != nil {
			f, ok = run.(sandbox.Freezer)
			b.enter(k, run)
		}
		if ok {
			left = append(left, frozen{f, b.stands[k]})
		}
	}
	b.left = nil
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, freezeFor)
	defer cancel()
	var errs []error
	for _, f := range left {
		f.stand.mu.Lock()
		if f.by == 0 {
			if err := f.Thaw(ctx); err != nil && !errors.Is(err, sandbox.ErrEnded) {
				errs = append(errs, err)
			}
		}
		f.stand.mu.Unlock()
	}
	return errors.Join(errs...)
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

// Networks is what the networks of all attempts have moved so far, in bytes, both ways. What
// an attempt moves after the last time that this was asked, and before its end, is missed.
func (b *Boxed) Networks(ctx context.Context) uint64 {
	b.mu.Lock()
	live := maps.Clone(b.live)
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, freezeFor)
	defer cancel()
	now := map[Attempt]uint64{}
	for k, run := range live {
		if m, ok := run.(sandbox.Metered); ok {
			if u, err := m.Usage(ctx); err == nil {
				now[k] = uint64(max(u.SentBytes, 0)) + uint64(max(u.GotBytes, 0))
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, n := range now {
		b.moved += n - min(n, b.movedBy[k])
	}
	b.movedBy = now
	return b.moved
}
