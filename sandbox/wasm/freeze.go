package wasm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel/sandbox"
)

var (
	_ sandbox.Freezer = (*attempt)(nil)
	_ sandbox.Meter   = (*Box)(nil)
)

// limit ends the time that ran and lets another one begin: after ms milliseconds, those
// frozen not counted, the attempt is stopped for the cause. With no cause none begins. It
// returns for how long the one before ran, and whether that was in time.
func (a *attempt) limit(ms int64, cause sandbox.Reason) (ran time.Duration, inTime bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	inTime = a.clock.Stop()
	ran = a.clock.Read()
	if !inTime && cause != "" {
		return ran, false
	}
	a.clock, a.began = sandbox.Clock{}, cause == sandbox.OutOfTime
	if cause != "" {
		a.clock = sandbox.Clock{Limit: millis(ms), End: func() { a.stop(cause) }}
		if !a.frozen {
			a.clock.Start()
		}
	}
	return ran, inTime
}

// Freeze is sandbox.Freezer's: the worker's process is stopped by a signal.
func (a *attempt) Freeze(ctx context.Context) error {
	a.mu.Lock()
	w := a.worker
	if w == nil || a.cause != "" {
		a.mu.Unlock()
		return fmt.Errorf("freeze %s: %w", a.id, sandbox.ErrEnded)
	}
	a.frozen = true
	a.clock.Stop()
	err := w.pause(true)
	a.mu.Unlock()
	if err != nil {
		_ = a.Thaw(ctx)
		return fmt.Errorf("freeze %s: %w", a.id, err)
	}
	// The signal reaches all threads at once, but for one that waits for a disk.
	for wait := 100 * time.Microsecond; !w.still(); wait = min(2*wait, 10*time.Millisecond) {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
			if !a.stands(w) { // its last word was on its way
				return nil
			}
		case <-w.exited:
			t.Stop()
			return nil
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("freeze %s: %w", a.id, ctx.Err())
		}
	}
	return nil
}

// stands reports whether the worker is still meant to stand still for the attempt.
func (a *attempt) stands(w *worker) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.worker == w && a.frozen
}

// Thaw is sandbox.Freezer's.
func (a *attempt) Thaw(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.worker == nil || a.cause != "" {
		return fmt.Errorf("thaw %s: %w", a.id, sandbox.ErrEnded)
	}
	return a.release()
}

// release lets a frozen worker go on. a.mu is held.
func (a *attempt) release() error {
	if !a.frozen {
		return nil
	}
	a.frozen = false
	a.clock.Start()
	return a.worker.pause(false)
}

// errNoFreeze is about systems on which a process cannot be stopped.
var errNoFreeze = fmt.Errorf("stop a process: %w", errors.ErrUnsupported)

// CPU is sandbox.Meter's.
func (b *Box) CPU() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := b.spent
	for w := range b.workers {
		total += w.used()
	}
	return total
}
