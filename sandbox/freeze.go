package sandbox

import (
	"context"
	"time"
)

// Freezer is a Run that can stand still.
type Freezer interface {
	Run
	// Freeze stops every process of the box and returns when none runs any more; its
	// memory stays. What is frozen uses no processor, its wall clock stands still (neither
	// Limits.WallMillis nor Exit.WallMillis count the time), and Exec and Dial wait. The
	// program's own clocks, where it has any, go on: it sees a jump. Kill works. Freezing
	// what is frozen does nothing. The error is about the host, ErrEnded or ctx's (the box
	// may be frozen then nevertheless: Thaw).
	Freeze(ctx context.Context) error
	// Thaw lets it go on. Thawing what is not frozen does nothing.
	Thaw(ctx context.Context) error
}

// Meter is a Box that knows what it uses of the processors.
type Meter interface {
	// CPU is the processor time of all its attempts so far, those that have ended
	// included. It grows, but for small errors of measurement.
	CPU() time.Duration
}

// Clock is the wall clock of a limit; it can be stopped. Its user sees to it that one at
// a time calls it.
type Clock struct {
	Limit time.Duration
	End   func() // called once, on its own goroutine, when the clock has run for Limit
	ran   time.Duration
	since time.Time // zero while it stands
	timer *time.Timer
}

// Start starts it, or lets it go on.
func (c *Clock) Start() {
	if !c.since.IsZero() || c.End == nil {
		return
	}
	c.since = time.Now()
	c.timer = time.AfterFunc(c.Limit-c.ran, c.End)
}

// Stop halts it; it reports false when End has been called, or is about to be.
func (c *Clock) Stop() bool {
	if c.since.IsZero() {
		return c.End == nil || c.ran < c.Limit
	}
	inTime := c.timer.Stop()
	c.ran, c.since = c.Read(), time.Time{}
	return inTime
}

// Read is for how long it has run.
func (c *Clock) Read() time.Duration {
	if c.since.IsZero() {
		return c.ran
	}
	return c.ran + time.Since(c.since)
}
