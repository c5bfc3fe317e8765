package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// EventStore is where a follower leaves what it read.
type EventStore interface {
	// Cursor returns the head that the last ApplyEvents stored; the zero Head
	// before the first.
	Cursor(ctx context.Context) (Head, error)
	// ApplyEvents stores the effects of the events and the cursor in ONE
	// transaction: either both are there after a crash, or neither. That is what
	// makes each event's effect happen exactly once.
	ApplyEvents(ctx context.Context, events []Event, cursor Head) error
}

// Follower carries a ledger's final events into a store.
type Follower struct {
	From     Reader
	Into     EventStore
	Interval time.Duration // between looks at the chain; zero: 1 s
	Batch    int           // events a transaction, about; zero: 500
	Log      *slog.Logger  // nil: silent
	// Applied is called after each transaction, if not nil: for those who wait
	// for chain time. It must not block.
	Applied func(Head)
}

// Run follows until the context ends, through outages of the chain and of the
// store, and then returns the context's error. It stops by itself only for
// ErrReorg: what was final is not, and what was stored may be wrong.
func (f *Follower) Run(ctx context.Context) error {
	interval := f.Interval
	if interval <= 0 {
		interval = time.Second
	}
	wait := interval
	for {
		more, err := f.Step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrReorg):
			return err
		case err != nil:
			f.log().Warn("chain follower waits", "error", err, "retry", wait)
			wait = min(2*wait, max(30*time.Second, interval))
		case more:
			wait = interval
			continue
		default:
			wait = interval
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// Step carries one batch over and reports whether there may be more at once.
func (f *Follower) Step(ctx context.Context) (more bool, err error) {
	batch := f.Batch
	if batch <= 0 {
		batch = 500
	}
	cur, err := f.Into.Cursor(ctx)
	if err != nil {
		return false, fmt.Errorf("read chain cursor: %w", err)
	}
	events, head, err := f.From.Events(ctx, cur, batch)
	if err != nil {
		return false, fmt.Errorf("read events after block %d: %w", cur.Number, err)
	}
	if head == cur {
		return false, nil
	}
	if err := f.Into.ApplyEvents(ctx, events, head); err != nil {
		return false, fmt.Errorf("apply events up to block %d: %w", head.Number, err)
	}
	if f.Applied != nil {
		f.Applied(head)
	}
	return len(events) > 0, nil // a batch may be short of max: blocks are never split, and spans are bounded
}

func (f *Follower) log() *slog.Logger {
	if f.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Log
}
