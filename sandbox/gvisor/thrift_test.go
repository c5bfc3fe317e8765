//go:build linux && (amd64 || arm64)

package gvisor

import (
	"testing"
	"time"
)

// TestThrift: however a box's packets come, they cost its host no more than the share,
// and what was saved.
func TestThrift(t *testing.T) {
	for _, share := range []float64{0.1, 1, 4} {
		start := time.Unix(0, 0)
		now, spent := start, time.Duration(0)
		h := thrift{share: share, spent: func() time.Duration { return spent }, now: func() time.Time { return now }}
		for range 10_000 {
			if d := h.rest(); d > 0 {
				now = now.Add(d)
				continue
			}
			now, spent = now.Add(time.Millisecond), spent+5*time.Millisecond // five threads are at it
		}
		if most := time.Duration(float64(now.Sub(start)+saved)*share) + 5*time.Millisecond; spent > most {
			t.Errorf("with %g processors %s were spent in %s", share, spent, now.Sub(start))
		}
		if least := time.Duration(float64(now.Sub(start)) * share * 9 / 10); spent < min(least, 5*now.Sub(start)) {
			t.Errorf("with %g processors only %s were spent in %s", share, spent, now.Sub(start))
		}
		now = now.Add(time.Hour) // idleness is not saved up
		h.rest()
		spent += time.Duration(float64(saved)*share) + 10*time.Millisecond
		if h.rest() == 0 {
			t.Errorf("with %g processors an hour of rest was saved", share)
		}
	}
}
