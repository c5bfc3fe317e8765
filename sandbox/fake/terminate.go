package fake

import (
	"context"
	"fmt"

	"github.com/artel-network/artel/sandbox"
)

var (
	_ sandbox.Terminable = (*run)(nil)
	_ sandbox.Terminable = (*stepper)(nil)
)

type runKey struct{}

// Told returns, to a Program, a channel on which it is told to end. A Program that has not
// asked for it dies of that.
func Told(ctx context.Context) <-chan struct{} {
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handles = true
	return r.signals
}

// Trap sets the step that programs of that name take when they are told to end; nil: they
// die of it. One that gives no end goes on.
func (b *Box) Trap(name string, p Steps) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.traps == nil {
		b.traps = map[string]Steps{}
	}
	b.traps[name] = p
}

func (b *Box) trap(spec sandbox.Spec) Steps {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(spec.Args) < 2 {
		return nil
	}
	return b.traps[spec.Args[1]]
}

// diedOf is the exit of a program that does not handle its signal.
func diedOf(spec sandbox.Spec) sandbox.Exit {
	return sandbox.Exit{Code: 128 + int32(spec.Stops()), Reason: sandbox.Exited}
}

// Terminate is sandbox.Terminable's.
func (r *run) Terminate(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("terminate %s: %w", r.id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return fmt.Errorf("terminate %s: %w", r.id, sandbox.ErrEnded)
	}
	r.told = true
	if !r.handles {
		r.died = true
		r.kill()
		return nil
	}
	select {
	case r.signals <- struct{}{}:
	default: // it has not taken those before
	}
	return nil
}

// Terminate is sandbox.Terminable's.
func (s *stepper) Terminate(ctx context.Context) error {
	fail := func(err error) error { return fmt.Errorf("terminate %s: %w", s.id, err) }
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case s.over || s.moved:
		return fail(sandbox.ErrEnded)
	case s.frozen:
		return fail(sandbox.ErrFrozen)
	}
	s.signal = true
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.told = true
	return nil
}
