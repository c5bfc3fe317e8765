package core

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is the smallest actor: it stores sums.
type ledger struct {
	sum    int
	stored []int // one for each round that changed something
	broken error
}

type sums struct {
	add int
	did []func()
}

func (l *ledger) actor() Actor[*sums] {
	return Actor[*sums]{
		Begin: func(context.Context, time.Time) *sums { return &sums{} },
		Commit: func(_ context.Context, s *sums) error {
			if l.broken != nil {
				return l.broken
			}
			if l.sum += s.add; s.add != 0 {
				l.stored = append(l.stored, l.sum)
			}
			for _, f := range s.did {
				f()
			}
			return nil
		},
	}
}

func TestABurstIsOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, loop := &ledger{}, New[*sums](8, nil)
		for range 5 {
			loop.Post(func(s *sums) { s.add++ })
		}
		told := make(chan int, 1)
		go func() {
			if err := loop.Do(ctx, func(s *sums) { s.add += 10; s.did = append(s.did, func() { told <- 1 }) }); err != nil {
				t.Error(err)
			}
			if len(told) != 1 {
				t.Error("the caller was answered before what it asked for was done")
			}
			cancel()
		}()
		synctest.Wait() // all six wait before the loop begins
		if err := loop.Run(ctx, l.actor()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(l.stored, []int{15}) {
			t.Errorf("stored %v, want 15 at once", l.stored)
		}
	})
}

func TestRunEndsWithWhatItStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, loop := &ledger{}, New[*sums](8, nil)
		a := l.actor()
		var ended atomic.Int32
		a.Beside = []func(context.Context){func(ctx context.Context) {
			for Every(ctx, time.Second) {
				loop.Post(func(s *sums) { s.add++ })
			}
			ended.Add(1)
		}}
		loop.Go(func() { <-ctx.Done(); time.Sleep(time.Minute); ended.Add(1) })
		time.AfterFunc(3500*time.Millisecond, cancel)
		if err := loop.Run(ctx, a); err != nil || ended.Load() != 2 || l.sum != 3 {
			t.Errorf("error %v, %d of 2 ended, %d of 3 ticks", err, ended.Load(), l.sum)
		}
		if err := loop.Do(t.Context(), func(*sums) { t.Error("ran after the end") }); !errors.Is(err, ErrStopped) {
			t.Errorf("Do after the end: %v", err)
		}
		for range 2 * 8 {
			loop.Post(func(*sums) { t.Error("ran after the end") }) // does not block
		}
	})
}

func TestWhatCannotBeStoredIsNotPromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		l, loop := &ledger{broken: full}, New[*sums](8, nil)
		answer := make(chan error, 1)
		go func() { answer <- loop.Do(t.Context(), func(s *sums) { s.add++ }) }()
		if err := loop.Run(t.Context(), l.actor()); !errors.Is(err, full) {
			t.Errorf("Run: %v", err)
		}
		if err := <-answer; !errors.Is(err, ErrStopped) {
			t.Errorf("Do: %v", err)
		}
		a := l.actor()
		a.Load = func(context.Context) error { return full }
		if err := New[*sums](8, nil).Run(t.Context(), a); !errors.Is(err, full) {
			t.Errorf("Run without a store: %v", err)
		}
	})
}

// An op whose caller has gone does not run beside what the caller does next.
func TestDoNeverRunsBehindItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, leave := context.WithCancel(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		l, loop := &ledger{}, New[*sums](8, nil)
		answer := make(chan error, 1)
		go func() { answer <- loop.Do(gone, func(s *sums) { t.Error("ran behind its caller") }) }()
		synctest.Wait() // it is in the inbox, and nobody takes it
		leave()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("Do: %v", err)
		}
		go func() { _ = loop.Do(ctx, func(*sums) {}); cancel() }()
		if err := loop.Run(ctx, l.actor()); err != nil {
			t.Error(err)
		}
	})
}

// The clock is the caller's: a node's may be off.
func TestRoundsAreTimedByTheNodesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &ledger{}
		loop := New[*sums](8, func() time.Time { return time.Now().Add(time.Minute) })
		a, begin := l.actor(), time.Time{}
		a.Begin = func(_ context.Context, now time.Time) *sums { begin = now; return &sums{} }
		go func() { _ = loop.Do(ctx, func(*sums) {}); cancel() }()
		if err := loop.Run(ctx, a); err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(time.Minute); !begin.Equal(want) || !loop.Now().Equal(want) {
			t.Errorf("the round began at %s, the loop says %s, want %s", begin, loop.Now(), want)
		}
	})
}

// What comes while a round is at work is later than the round's now.
func TestARoundTakesNothingLaterThanItsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, loop := &ledger{}, New[*sums](8, nil)
		a := l.actor()
		var now time.Time
		a.Begin = func(_ context.Context, at time.Time) *sums { now = at; return &sums{} }
		loop.Post(func(*sums) { time.Sleep(time.Minute) })
		time.AfterFunc(time.Second, func() {
			posted := time.Now()
			loop.Post(func(*sums) {
				if now.Before(posted) {
					t.Errorf("an op of %s ran in a round of %s", posted, now)
				}
				cancel()
			})
		})
		if err := loop.Run(ctx, a); err != nil {
			t.Fatal(err)
		}
	})
}
