package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/sandbox"
)

const (
	graceFor  = 10 * time.Second // what Boxed.Grace is where it is not set
	graceOf   = 3                // and no more than this part of what the drain gives: a checkpoint follows
	thawFor   = 2 * time.Second  // how long one that stands still is waited for, to be told
	tellAgain = 20 * time.Millisecond
)

// grace is how long a program that is told to end may take, when all has to be over with ctx.
func (b *Boxed) grace(ctx context.Context) time.Duration {
	g := cmp.Or(b.Grace, graceFor)
	if over, ok := ctx.Deadline(); ok {
		g = max(min(g, time.Until(over)/graceOf), 0)
	}
	return g
}

// endWithin tells the program to end, where its box can do that, and ends it when the grace is
// over, or ctx. It returns how it ended.
func (a *attempt) endWithin(ctx context.Context) (sandbox.Exit, error) {
	within, done := context.WithTimeout(ctx, a.grace(ctx))
	defer done()
	if a.tell(within) == nil {
		if exit, err := a.run.Wait(within); err == nil {
			return exit, nil
		}
	}
	a.run.Kill()
	return a.run.Wait(context.WithoutCancel(ctx))
}

// tell sends the program its signal. What is throttled hears it when it goes on for a moment;
// what stands still for longer, its owner being there, is not told.
func (a *attempt) tell(ctx context.Context) error {
	t, ok := a.run.(sandbox.Terminable)
	if !ok || !a.box.Capabilities().Terminates {
		return fmt.Errorf("tell task %d to end: %w", a.Task, errors.ErrUnsupported)
	}
	a.mu.Lock()
	s := a.stands[a.Attempt]
	a.mu.Unlock()
	if s == nil {
		return sandbox.ErrEnded
	}
	once := func() error {
		s.mu.Lock() // nobody makes it stand meanwhile
		defer s.mu.Unlock()
		if s.by > 0 {
			return sandbox.ErrFrozen
		}
		return t.Terminate(ctx)
	}
	for until := time.Now().Add(thawFor); ; {
		err := once()
		if !errors.Is(err, sandbox.ErrFrozen) || time.Now().After(until) || !core.Every(ctx, tellAgain) {
			return err
		}
	}
}

// ended is an exit as it counts: a program that ends when it is told to has not finished its
// work, whatever its exit code says, and its output is none. One that was about to finish
// does so again elsewhere. Its time limit, and what befell its host, stay what they are.
func ended(e sandbox.Exit) sandbox.Exit {
	if !e.Told {
		return e
	}
	switch e.Reason {
	case sandbox.Exited, sandbox.Trapped, sandbox.OutOfMemory, sandbox.OutputLimit, sandbox.LogFlood:
		e.Code, e.Reason, e.Message = -1, sandbox.Killed, "The program was told to end, and did."
	}
	return e
}
