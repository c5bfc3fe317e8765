package provider

import (
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
)

// What a provider waits for lasts as long as it did, wherever the clock has gone.
func TestJumped(t *testing.T) {
	const now, hour = int64(1_800_000_000_000), int64(3_600_000)
	for _, j := range []core.Jump{{Set: time.Hour}, {Set: -time.Hour}, {Slept: time.Hour}} {
		p := bare(t, Policy{})
		row := resting(p, 1, 10, 10, 50, 10)
		row.Rested = now - 5_000
		p.since, p.seq = time.UnixMilli(now-5_000), uint64(now)
		p.refused["x"] = refusal{times: 1, until: now + 5_000, look: now + 5_000}
		s := &sold{Sold: lease.Sold{Phase: lease.Open, Metered: now, UnpaidAt: now - 5_000, Running: []lease.Running{{Taken: now - 5_000}}}}
		p.leases[artel.Hash{1}] = s
		set := j.Set.Milliseconds()
		all := set + j.Slept.Milliseconds()
		x := newTx(now + all)
		p.jumped(x, j)
		if row.Rested != now-5_000+set || !x.lanes[row.Key] || p.since.UnixMilli() != now-5_000+set || p.refused["x"].until != now+5_000+set {
			t.Errorf("%+v: rests since %d, up since %v, refused until %d", j, row.Rested, p.since, p.refused["x"].until)
		}
		// Of an hour that was slept nothing is metered either.
		if s.Metered != now+all || s.UnpaidAt != now-5_000+all || s.Running[0].Taken != now-5_000+all || s.Running[0].Started != 0 || s.StuckAt != 0 {
			t.Errorf("%+v: the lease is %+v", j, s.Sold)
		}
		if p.seq != map[bool]uint64{true: 0, false: uint64(now)}[set < 0] || len(x.after) != 1 {
			t.Errorf("%+v: the next offer follows %d", j, p.seq)
		}
	}
}

// A lease is not forgotten, and so never accepted twice, because the clock was
// fast for a while.
func TestAFastClockForgetsNoLease(t *testing.T) {
	const now = int64(1_800_000_000_000)
	for _, c := range []struct {
		set, later time.Duration
		kept       bool
	}{
		{set: 0, later: 11 * time.Minute, kept: true},
		{set: time.Hour, later: 11 * time.Minute, kept: true},
		{set: 0, later: 31 * time.Minute},
		{set: time.Hour, later: 31 * time.Minute},
		{set: -time.Minute, later: 32 * time.Minute},
	} {
		p := bare(t, Policy{})
		p.leases[artel.Hash{1}] = &sold{Sold: lease.Sold{Phase: lease.Closed, Lease: artel.Lease{Start: uint64(now/1000) + apart}}, closing: time.UnixMilli(now)}
		p.jumped(newTx(now+c.set.Milliseconds()), core.Jump{Set: c.set})
		p.tick(newTx(now + (c.set + c.later).Milliseconds()))
		if kept := p.leases[artel.Hash{1}] != nil; kept != c.kept {
			t.Errorf("clock set by %v, %v later: kept %v, want %v", c.set, c.later, kept, c.kept)
		}
	}
}
