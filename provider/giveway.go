package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// Way is how a machine's owner has it back.
type Way uint8

// The ways, by how much of the machine they give.
const (
	Free     Way = iota // strangers' work runs
	Resting             // what runs goes on, nothing new begins
	Draining            // what has checkpoints goes elsewhere, the rest has two minutes at half speed to end
	Frozen              // what runs stands still; its memory stays
	Evicted             // what runs is ended, the leases with it
)

// String returns the way's word.
func (w Way) String() string {
	return [...]string{"free", "resting", "draining", "frozen", "evicted"}[w]
}

// Yielder is a Runner whose attempts can stand still.
type Yielder interface {
	Runner
	// Freeze stops every program; it returns when none runs any more, those that ended
	// meanwhile included. Until Thaw none begins: attempts that have not begun their
	// program end as evicted. ErrCannotFreeze: some go on all the same.
	Freeze(ctx context.Context) error
	// Shut lets programs go on that were stopped, and none begin.
	Shut(ctx context.Context) error
	// Thaw lets all go on.
	Thaw(ctx context.Context) error
}

// ErrCannotFreeze is about a box, or a system, on which programs cannot be stopped.
var ErrCannotFreeze = errors.New("programs cannot be frozen here")

// giving is what the core knows of it.
type giving struct {
	how   Way
	why   string // for the owner alone: strangers need not know that somebody is at home
	since int64  // unix ms
	until int64  // unix ms: the end of a drain
	stood int64  // unix ms up to which leases stand still
}

// needs is what strangers are told.
const needs = "its owner needs the machine"

// errEvicted ends attempts that have not begun.
var errEvicted = errors.New(needs)

// GiveWay gives the owner the machine back, or (Free) takes it again; why is for the
// owner. When it returns, nothing runs that should not. The offer is withdrawn meanwhile, and
// neither leases nor tasks are taken; heartbeats go on, payment too. Where programs cannot be
// frozen they are evicted; other errors are those of single boxes, and all the rest has given
// way.
func (p *Provider) GiveWay(ctx context.Context, how Way, why string) error {
	how, err := p.yield(ctx, how) // before anything is stored: the owner waits
	if !p.do(ctx, func(t *tx) { p.giveWay(t, how, why) }) {
		return errors.Join(err, errStopped)
	}
	p.announce()
	if err != nil {
		return fmt.Errorf("give way: %w", err)
	}
	return nil
}

// yield has the runner do it. It returns what can be done.
func (p *Provider) yield(ctx context.Context, how Way) (Way, error) {
	p.yieldMu.Lock()
	defer p.yieldMu.Unlock()
	p.slow = how == Draining
	y, ok := p.c.Runner.(Yielder)
	switch {
	case !ok && how == Frozen:
		return Evicted, nil
	case !ok:
		return how, nil
	case how == Free || how == Resting:
		return how, y.Thaw(ctx)
	case how == Frozen:
		err := y.Freeze(ctx)
		if !errors.Is(err, ErrCannotFreeze) {
			return how, err
		}
		how = Evicted
	}
	return how, y.Shut(ctx)
}

func (p *Provider) giveWay(t *tx, how Way, why string) {
	if p.way.why = why; p.way.how == how {
		return
	}
	p.c.Log.Info("the owner comes first", "work", how, "was", p.way.how, "reason", why)
	p.way.how, p.way.since, p.way.stood = how, t.now, t.now
	if how == Draining {
		p.way.until = t.now + drainFor.Milliseconds()
		select {
		case p.drains <- struct{}{}:
		default:
		}
	}
	if how == Evicted {
		p.evictAll(t)
	}
	p.draining(t)
	for _, s := range p.leases {
		p.makeRoom(s)
		t.after = append(t.after, s.wake) // those who watch learn it at once
	}
}

// leave ends leases for a reason: a drained one's checkpoints have until the drain's end.
func (p *Provider) leave(t *tx, why artel.Reason, which func(*sold) bool) {
	t.within = time.Duration(max(p.way.until-t.now, 1)) * time.Millisecond
	for _, id := range p.open {
		s := p.leases[id]
		if s.Phase != lease.Open || !which(s) {
			continue
		}
		next, fx := s.Drain(why, needs, t.now)
		p.set(t, s, next, fx)
		t.after = append(t.after, s.wake)
	}
}

// evictAll ends every lease, and what still runs on those that are ending. Called by the core.
func (p *Provider) evictAll(t *tx) {
	p.leave(t, artel.ReasonEvicted, func(*sold) bool { return true })
	for _, s := range p.leases {
		for _, r := range s.Running {
			t.after = append(t.after, func() {
				if ph := s.phases[r.TaskKey]; ph != nil {
					ph.gone = true
					ph.cancel()
				}
			})
		}
	}
}

// draining ends leases without a task, has those with checkpoints go on elsewhere, and when
// the time is up ends all. Called by the core once a second.
func (p *Provider) draining(t *tx) {
	switch {
	case p.way.how != Draining:
	case t.now >= p.way.until:
		p.evictAll(t)
	default:
		p.leave(t, artel.ReasonDrained, func(s *sold) bool {
			return s.Lease.Rule == artel.RuleTime || !slices.ContainsFunc(s.Running, func(r lease.Running) bool { return r.Keep == nil })
		})
	}
}

// Halves of the time that what is drained does not get, and gets.
const (
	drainOff = 200 * time.Millisecond
	drainOn  = 200 * time.Millisecond
)

// drainLoop throttles what is being drained.
func (p *Provider) drainLoop(ctx context.Context) {
	y, ok := p.c.Runner.(Yielder)
	if !ok {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.drains:
		}
		for p.throttle(ctx, y.Freeze, drainOff) && p.throttle(ctx, y.Shut, drainOn) {
		}
	}
}

// throttle does something to what is being drained, and waits; it reports false when nothing
// is any more.
func (p *Provider) throttle(ctx context.Context, do func(context.Context) error, wait time.Duration) bool {
	p.yieldMu.Lock()
	slow := p.slow
	if slow {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.c.Log.Debug("throttle what is drained", "error", err)
		}
	}
	p.yieldMu.Unlock()
	return slow && core.Every(ctx, wait)
}

// shut says why no lease and no task is taken; empty: they are. Called by the core.
func (p *Provider) shut() string {
	switch {
	case p.paused:
		return "the owner has paused this machine"
	case p.way.how != Free:
		return needs
	}
	return ""
}

// stand makes time stand still for leases whose work does: nobody is billed for slots that
// the owner has, nor is anybody late. Called by the core before all else.
func (p *Provider) stand(now int64) {
	if p.way.how != Frozen {
		return
	}
	for _, s := range p.leases {
		if s.Phase != lease.Closed {
			s.Sold = s.Shifted(now - p.way.stood)
		}
	}
	p.way.stood = now
}

// standing tells the renter that what runs stands still: its host lives.
func (p *Provider) standing(r wire.WatchResponse) wire.WatchResponse {
	if p.way.how == Frozen {
		for i := range r.Running {
			if ph := r.Running[i].Phase; ph == phaseRunning || ph == phaseUnsaved {
				r.Running[i].Phase = wire.PhaseFrozen
			}
		}
	}
	return r
}
