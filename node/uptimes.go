package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/survival"
)

const (
	uptimeEvery = 5 * time.Minute // it is noted: what a power cut forgets of it
	awayFor     = 5 * time.Minute // for which a daemon may be away from a machine that stays up
	sleepsFrom  = time.Minute     // a sleep is an end: renters have given the machine up
	maxUps      = 16              // that are remembered
)

// uptime is what a machine remembers of how long it was up, whatever its clock was set to.
type uptime struct {
	Boot string          `json:"boot,omitempty"` // of the system
	Up   time.Duration   `json:"up"`             // of the present one
	Seen time.Time       `json:"seen"`           // when Up was true
	Left bool            `json:"left,omitempty"` // its end was announced
	Ups  []time.Duration `json:"ups,omitempty"`  // of those that ended otherwise, the last one last
}

// back is an uptime when the daemon begins again. Without an own end of the machine it goes
// on: containers did.
func (s uptime) back(boot string, now time.Time) uptime {
	away := now.Sub(s.Seen)
	if s.Left || s.Boot != boot || boot == "" || away < 0 || away > uptimeEvery+awayFor {
		s = s.ended()
	}
	s.Boot, s.Seen, s.Left = boot, now, false
	return s
}

// ended begins a new uptime.
func (s uptime) ended() uptime {
	if !s.Left && s.Up > 0 {
		s.Ups = append(slices.Clip(s.Ups), s.Up)
		s.Ups = s.Ups[max(0, len(s.Ups)-maxUps):]
	}
	s.Up = 0
	return s
}

// uptimes tells how long this machine lasted: checkpoints are as far apart as it deserves.
type uptimes struct {
	n *Node

	mu    sync.Mutex
	s     uptime
	at    time.Time // when s was true; zero: nothing is read yet
	slept time.Duration
}

// host is what is known now.
func (x *uptimes) host() survival.Host {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.at.IsZero() {
		return survival.Host{}
	}
	x.look()
	return survival.Host{Age: x.s.Up, Ups: x.s.Ups}
}

// look brings s up to date. Called with mu held.
func (x *uptimes) look() {
	now, slept := time.Now(), core.Slept()
	x.s.Up += now.Sub(x.at)
	if slept-x.slept > sleepsFrom {
		x.s = x.s.ended()
	}
	x.at, x.slept, x.s.Seen = now, slept, now
}

// note stores it. What was announced is left in peace from then on.
func (x *uptimes) note(ctx context.Context, left bool) error {
	x.mu.Lock()
	if x.at.IsZero() || x.s.Left {
		x.mu.Unlock()
		return nil
	}
	x.look()
	x.s.Left = left
	s := x.s
	x.mu.Unlock()
	return x.n.db.SetSetting(ctx, "uptimes", s)
}

func (x *uptimes) run(ctx context.Context) error {
	var s uptime
	if _, err := x.n.db.Setting(ctx, "uptimes", &s); err != nil {
		return err
	}
	x.mu.Lock()
	x.s, x.at, x.slept = s.back(host.Local().Boot(), time.Now()), time.Now(), core.Slept()
	x.mu.Unlock()
	for {
		if err := x.note(ctx, false); err != nil {
			return err
		}
		if !core.Every(ctx, uptimeEvery) {
			return nil
		}
	}
}
