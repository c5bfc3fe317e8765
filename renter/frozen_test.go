package renter

import (
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// owned makes a seller's owner come back with its first task, for so long; its task ends four
// seconds of its own time later. Nobody knows of it: zero.
func (s *seller) owned(away time.Duration, says string) {
	var begun time.Time
	s.takes = func(lease.Running) time.Duration {
		if begun.IsZero() {
			begun = time.Now()
			return away + taskTakes
		}
		return taskTakes
	}
	s.watch = func(r *wire.WatchResponse) error {
		for i := range r.Running {
			if !begun.IsZero() && time.Since(begun) < away {
				r.Running[i].Phase = says
			}
		}
		return nil
	}
}

func TestOwnersCome(t *testing.T) {
	for _, c := range []struct {
		name     string
		away     time.Duration
		other    time.Duration // that a task takes on the other machine
		fast     bool
		attempts int
		counts   int // index of the attempt whose receipt does
		from, to time.Duration
	}{
		{name: "and go again", away: 40 * time.Second, attempts: 1},
		{name: "and stay", away: time.Hour, attempts: 2, counts: 1, from: 58 * time.Second, to: 75 * time.Second},
		{name: "and stay, of a job in a hurry", away: time.Hour, fast: true, attempts: 2, counts: 1, from: 8 * time.Second, to: 15 * time.Second},
		{name: "and go when another has begun", away: 80 * time.Second, other: 100 * time.Second, attempts: 2, counts: 0, from: 58 * time.Second, to: 75 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, 2, func(t *testing.T, w *world) {
				first, second := w.sellers[0], w.sellers[1]
				first.owned(c.away, wire.PhaseFrozen)
				if c.other > 0 {
					second.takes = func(lease.Running) time.Duration { return c.other }
				}
				w.run(func() {
					s := spec(1)
					s.Wall = 60_000
					if c.fast {
						s.Failover.Heartbeat, s.Failover.Suspect, s.Failover.Replace = 1000, 2000, 3000
					}
					id := w.submit(s)
					j, ts := w.end(id, 10*time.Minute)
					at := ts[0].Attempts
					if j.Phase != job.Finished || j.Failed != 0 || len(at) != c.attempts || ts[0].Faults != 0 {
						t.Fatalf("%s: %+v", j.Phase, at)
					}
					if ts[0].Node != at[c.counts].Node {
						t.Errorf("the receipt of %s counts", ts[0].Node.Short())
					}
					if c.attempts > 1 {
						if after := time.Duration(at[1].Sent-at[0].Sent) * time.Millisecond; after < c.from || after > c.to {
							t.Errorf("it began elsewhere after %s, want %s to %s", after, c.from, c.to)
						}
						if !at[0].Fenced || c.counts == 1 && !strings.Contains(at[0].Message, "owner came back") {
							t.Errorf("the first: %+v", at[0])
						}
					}
					if r := w.records[first.key.NodeID()]; r.Failed != 0 || r.Streak != 0 {
						t.Errorf("it counts against the machine: %+v", r)
					}
				})
			})
		})
	}
}

func TestStands(t *testing.T) {
	k := lease.TaskKey{Task: 1, Attempt: 1}
	b := &bought{Bought: lease.Bought{Outstanding: []lease.Outstanding{{TaskKey: k}}}, progress: map[lease.TaskKey]Progress{}}
	b.Terms.Unit = 10_000
	now := int64(1_000_000)
	say := func(phase string) {
		last := now
		now += 5_000
		b.progress[k] = Progress{Phase: phase}
		b.stands(last, now)
	}
	late := func() bool {
		at := func(now int64) []lease.TaskKey {
			if now > 1_040_000 {
				return []lease.TaskKey{k}
			}
			return nil
		}
		return len(b.excused(at(now), at, now)) > 0
	}
	for range 9 {
		say("running")
	}
	if len(b.stood) != 0 || !late() { // 45 s
		t.Errorf("what runs is excused: %+v", b.stood)
	}
	say(wire.PhaseFrozen) // since when is not known
	say(wire.PhaseFrozen)
	if s := b.stood[k]; s.sum != 5_000 || s.since != now-5_000 || !late() {
		t.Errorf("%+v", s)
	}
	say("running")
	say(wire.PhaseFrozen)
	for range 3 {
		say(wire.PhaseFrozen)
	}
	if s := b.stood[k]; s.sum != 20_000 || s.since != now-15_000 {
		t.Errorf("%+v", s)
	}
	now = 1_050_000
	if late() {
		t.Error("a unit of it is no excuse")
	}
	if now++; !late() {
		t.Error("more than a unit of it is")
	}
	b.Outstanding = nil
	if say("running"); len(b.stood) != 0 {
		t.Errorf("kept: %+v", b.stood)
	}
}
