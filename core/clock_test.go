package core

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var off, asleep time.Duration
		c := newClocks(func(began time.Time) (time.Time, time.Duration, time.Duration) {
			return time.Now().Add(off), time.Since(began), asleep
		})
		for _, x := range []struct {
			set, sleep time.Duration
			want       Jump
		}{
			{},
			{set: time.Hour, want: Jump{Set: time.Hour}},
			{set: -2 * time.Hour, want: Jump{Set: -2 * time.Hour}},
			{set: 60 * time.Millisecond},
			{set: 60 * time.Millisecond, want: Jump{Set: 120 * time.Millisecond}}, // small steps add up
			{set: time.Hour, sleep: time.Hour, want: Jump{Slept: time.Hour}},      // the wall clock went on while it slept
			{set: time.Hour, sleep: time.Minute, want: Jump{Set: 59 * time.Minute, Slept: time.Minute}},
		} {
			time.Sleep(time.Minute)
			off, asleep = off+x.set, asleep+x.sleep
			now, j := c.look()
			if j != x.want || !now.Equal(time.Now().Add(off)) {
				t.Errorf("set by %v and slept %v: got %+v, want %+v", x.set, x.sleep, j, x.want)
			}
			if _, j := c.look(); j != (Jump{}) {
				t.Errorf("told twice: %+v", j)
			}
		}
	})
}

// A jump is told before the ops that come after it, and what came before the
// loop is not.
func TestLoopTellsJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		off := time.Duration(0)
		loop := New[*sums](8, func() time.Time { return time.Now().Add(off) })
		off = time.Minute
		var told []Jump
		a := (&ledger{}).actor()
		a.Jumped = func(_ *sums, j Jump) { told = append(told, j) }
		done := make(chan error)
		go func() { done <- loop.Run(ctx, a) }()
		ask := func(want int) {
			if err := loop.Do(ctx, func(*sums) {
				if len(told) != want {
					t.Errorf("%d jumps told, want %d", len(told), want)
				}
			}); err != nil {
				t.Error(err)
			}
		}
		ask(0)
		off += time.Hour
		ask(1)
		ask(1)
		if len(told) != 1 || told[0] != (Jump{Set: time.Hour}) {
			t.Errorf("told %+v", told)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestThisMachinesSleepNeverEnds(t *testing.T) {
	if a, b := Slept(), Slept(); a < 0 || b < a-tolerance {
		t.Errorf("slept %v, then %v", a, b)
	}
}
