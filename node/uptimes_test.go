package node

import (
	"slices"
	"testing"
	"time"
)

func TestUptimes(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	was := uptime{Boot: "a", Up: 3 * time.Hour, Seen: now, Ups: []time.Duration{time.Hour}}
	left := was
	left.Left = true
	for name, row := range map[string]struct {
		was  uptime
		boot string
		away time.Duration
		up   time.Duration
		ups  []time.Duration
	}{
		"new":                     {uptime{}, "a", 0, 0, nil},
		"daemon killed":           {was, "a", 2 * time.Minute, 3 * time.Hour, []time.Duration{time.Hour}},
		"daemon away for long":    {was, "a", time.Hour, 0, []time.Duration{time.Hour, 3 * time.Hour}},
		"power cut":               {was, "b", 2 * time.Minute, 0, []time.Duration{time.Hour, 3 * time.Hour}},
		"of a system without one": {uptime{Up: time.Hour, Seen: now}, "", time.Minute, 0, []time.Duration{time.Hour}},
		"clock set back":          {was, "a", -time.Hour, 0, []time.Duration{time.Hour, 3 * time.Hour}},
		"announced":               {left, "b", time.Hour, 0, []time.Duration{time.Hour}},
	} {
		s := row.was.back(row.boot, now.Add(row.away))
		if s.Up != row.up || !slices.Equal(s.Ups, row.ups) || s.Left || s.Boot != row.boot || !s.Seen.Equal(now.Add(row.away)) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	var s uptime
	for n := range 3 * maxUps {
		s.Up = time.Duration(n + 1)
		s = s.ended()
	}
	if len(s.Ups) != maxUps || s.Ups[maxUps-1] != 3*maxUps || s.Up != 0 {
		t.Errorf("after many ends: %+v", s)
	}
}
