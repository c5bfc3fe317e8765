package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

const (
	drainFor = 120 * time.Second        // the longest that an attempt has for its last checkpoint
	stopFor  = graceFor + 5*time.Second // and a service to end that is told to
)

// kept signs for what a confirmed checkpoint has earned. It is stored before anybody
// is told.
func (p *Provider) kept(ctx context.Context, id artel.Hash, k Kept) (err error) {
	fail := func(format string, args ...any) {
		err = fmt.Errorf("note checkpoint of task %d attempt %d: "+format, append([]any{k.Saved.Number, k.Saved.Attempt}, args...)...)
	}
	ok := p.do(ctx, func(t *tx) {
		s := p.leases[id]
		if s == nil {
			fail("the lease is over")
			return
		}
		if len(s.events) >= maxKept {
			fail("%d events wait to be settled", len(s.events))
			return
		}
		next, seg, fx, e := s.Kept(k.Saved, t.now)
		if e != nil {
			err = e
			return
		}
		seg.Signature, seg.Kept = k.Signature, k.By
		row := EventRow{Lease: id, Event: wire.Event{Seq: next.Seq, Task: k.Saved.Number, Attempt: k.Saved.Attempt, Segment: &seg, Message: k.Message}}
		s.events = append(s.events, row)
		t.change.Events = append(t.change.Events, row)
		p.set(t, s, next, fx)
		t.after = append(t.after, s.wake)
	})
	if !ok {
		return errStopped
	}
	return err
}

// drain asks an attempt for a last checkpoint. Called by the core.
func (p *Provider) drain(s *sold, k lease.TaskKey, d Drain) {
	ph := s.phases[k]
	if ph == nil {
		p.kill(s, k)
		return
	}
	select {
	case ph.drain <- d:
	default: // it was asked before
	}
}

// endAgain ends an attempt on a lease that was ending when the daemon died.
func (p *Provider) endAgain(s *sold, r lease.Running) {
	if s.Stop == artel.ReasonCancelled || s.Stop == artel.ReasonEvicted || r.Keep == nil && s.Lease.Rule != artel.RuleTime {
		p.kill(s, r.TaskKey)
		return
	}
	p.drain(s, r.TaskKey, Drain{s.Stop, s.Message, drainFor})
}

// evicted is the end of an attempt that its host has ended for its own reasons, without
// another checkpoint: what was confirmed is paid, what came after is not.
func (s *sold) evicted(f lease.Finish) lease.Finish {
	msg := s.Message
	if msg == "" {
		msg = wantsBack
	}
	e := lease.Finish{TaskKey: f.TaskKey, Exit: -1, Reason: artel.ReasonEvicted, Message: msg}
	for _, r := range s.Running {
		if r.TaskKey == f.TaskKey && r.Saved != nil {
			e.Billed, e.Usage = true, artel.Usage{Wall: r.Saved.Wall}
		}
	}
	return e
}

// Drain ends every lease. What is checkpointed has until within is over to be away, then
// it goes on elsewhere; the rest ends at once and is not billed. It returns when nothing
// runs here any more; false: ctx has ended before, or the provider has stopped.
func (p *Provider) Drain(ctx context.Context, reason artel.Reason, msg string, within time.Duration) bool {
	within = min(max(within, 0), drainFor)
	ok := p.do(ctx, func(t *tx) {
		t.within = max(within, time.Millisecond)
		p.drainAll(t, reason, msg, func(*sold) bool { return true })
	})
	if !ok {
		return false
	}
	over := time.NewTimer(within + drainSlack)
	defer over.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for !p.Drained(ctx) {
		select {
		case <-look.C:
		case <-over.C:
			p.evict(ctx)
		case <-ctx.Done():
			return false
		case <-p.loop.Closed():
			return false
		}
	}
	return true
}

// drainAll ends leases for the owner. Called by the core.
func (p *Provider) drainAll(t *tx, reason artel.Reason, msg string, which func(*sold) bool) {
	for _, s := range p.leases {
		if s.Phase == lease.Open && which(s) {
			next, fx := s.Drain(reason, msg, t.now)
			p.set(t, s, next, fx)
			t.after = append(t.after, s.wake)
		}
	}
}

// wantsBack is what renters are told.
const wantsBack = "the owner wants the machine back"

const (
	drainSlack = 5 * time.Second // for an attempt to end by itself when its time is over
	drainLook  = 20 * time.Millisecond
)

// evict ends what still runs on leases that are ending.
func (p *Provider) evict(ctx context.Context) {
	p.do(ctx, func(t *tx) {
		for _, s := range p.leases {
			if s.Phase == lease.Open {
				continue
			}
			for _, r := range s.Running {
				t.after = append(t.after, func() {
					if ph := s.phases[r.TaskKey]; ph != nil {
						ph.gone = true
						ph.cancel()
					}
				})
			}
		}
	})
}
