package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/survival"
	"github.com/artel-network/artel/wire"
)

// Keepers is how a Boxed brings checkpoints to other machines and back. The zero
// value has none: no attempt that wants to be checkpointed runs then.
type Keepers struct {
	// Key signs what is saved, with the node key, in Domain.
	Key    artel.Key
	Domain artel.Domain
	// Saves holds checkpoints that are on their way to keepers, or came back from
	// them. It is the Boxed's alone.
	Saves blob.Store
	// Ship asks a keeper to hold a checkpoint and returns its confirmation. It connects
	// if need be, and the keeper fetches from Saves meanwhile (Sends).
	Ship func(ctx context.Context, to artel.Keeper, req wire.KeepRequest) (artel.Kept, error)
	// Bring fetches what a store lacks of a checkpoint from any of its keepers.
	Bring func(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error
	// Stays is what is known of this machine; nil: for how long this Boxed runs.
	Stays func() survival.Host
	// Failed, if set, is told of checkpoints that came to nothing.
	Failed func(k Attempt, err error)
	// Took, if set, is told of each checkpoint that was confirmed.
	Took func(k Attempt, c Taken)
	// WentOn, if set, is told of each attempt that has begun from a checkpoint: for how
	// long it was brought and laid out, and for how long the sandbox began then.
	WentOn func(k Attempt, from artel.Saved, brought, began time.Duration)
}

// Taken is a checkpoint that was confirmed.
type Taken struct {
	Saved artel.Saved
	Stood time.Duration // the program stood still for it
	Took  time.Duration // from its beginning to its confirmation
}

func (b *Boxed) keeps() bool { return b.Saves != nil && b.Ship != nil && b.Bring != nil }

// What a saver goes by before anything is measured, and how often it tries.
const (
	guessCost  = time.Second // that a program stands still for
	guessShip  = 30 * time.Second
	shipAtMost = time.Minute // or the longest interval: then a newer one is taken
)

// saver takes the checkpoints of one attempt and brings them to its keepers.
type saver struct {
	*attempt
	keep artel.Keeping
	prev *checkpoint.Manifest // parent of the next; nil: there is none
	last *artel.Saved         // of this attempt, confirmed; nil: none is
	same string               // what /checkpoint was like when it was last confirmed
	was  int64                // bytes of the last whole one
	had  []artel.NodeID       // who has confirmed the last one

	cost, ship survival.Cost
	left       *Drain // it was ended for it
	late       error  // then: why its last state is not confirmed; nil: it is
}

// generation is one on its way.
type generation struct {
	m     *checkpoint.Manifest
	saved artel.Saved
	same  string // what /checkpoint was like, where it is of that alone
	note  string // for the renter
	began time.Time
	pause time.Duration
}

// saving begins to take checkpoints. What it returns ends that, and waits.
func (a *attempt) saving(ctx context.Context) (end func() *saver) {
	s := &saver{attempt: a}
	work := s.work
	switch {
	case a.r.Keep != nil:
		s.keep, s.last = *a.r.Keep, a.r.Saved
	case a.t.Risk != 0:
		work = s.serve
	default:
		return func() *saver { return s }
	}
	alive, over := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(ctx, alive)
	}()
	return func() *saver {
		over()
		<-done
		return s
	}
}

// work takes checkpoints until the attempt is not alive any more, or is to leave.
func (s *saver) work(ctx, alive context.Context) {
	rounds, end := context.WithCancel(alive)
	defer end()
	drain := s.leave
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		defer end()
		if drain != nil {
			return
		}
		select {
		case d := <-s.c.Drain:
			drain = &d
		case <-alive.Done():
		}
	}()
	s.parent(rounds)
	s.rounds(rounds)
	<-heard
	if drain == nil {
		drain = s.toldBefore(ctx)
	}
	if drain != nil {
		s.depart(ctx, *drain)
	}
}

// serve waits, for a service, until the attempt is not alive any more, or is to leave: then it
// is told to end. There is nothing to save.
func (s *saver) serve(ctx, alive context.Context) {
	if s.left = s.leave; s.left == nil {
		select {
		case d := <-s.c.Drain:
			s.left = &d
		case <-alive.Done():
			s.left = s.toldBefore(ctx)
			return
		}
	}
	within, cancel := context.WithTimeout(ctx, min(s.left.Within, drainFor))
	defer cancel()
	_, _ = s.endWithin(within)
}

// toldBefore is, of a program that has ended by itself, why it was told to: an earlier run of
// the daemon has done that, and did not see its end. nil: it was not.
func (s *saver) toldBefore(ctx context.Context) *Drain {
	exit, err := s.run.Wait(ctx)
	if e := ended(exit); err != nil || ctx.Err() != nil || e.Reason != sandbox.Killed || exit.Reason == sandbox.Killed {
		return nil
	}
	return &Drain{artel.ReasonDrained, "it was told to end before the daemon of its machine was started again", drainFor}
}

// parent finds what the next generation is the difference to.
func (s *saver) parent(ctx context.Context) {
	x := s.base()
	if s.prev = s.began; s.prev != nil || x == nil {
		return
	}
	want := checkpoint.Want{Task: s.keep.Task, Generation: x.Generation, Digest: x.Tree}
	m, err := checkpoint.Load(ctx, s.Saves, checkpoint.Key(s.keep.Key), x.Root, want, s.options())
	if err != nil { // all of it is written anew then
		m = &checkpoint.Manifest{Info: checkpoint.Info{Meta: checkpoint.Meta{Task: s.keep.Task}, Root: x.Root, Generation: x.Generation}}
	}
	s.prev = m
}

// base is the last confirmed checkpoint of the task, as far as is known here.
func (s *saver) base() *artel.Saved {
	if s.last == nil && s.keep.From != nil {
		return &s.keep.From.Saved
	}
	return s.last
}

func (s *saver) options() checkpoint.Options {
	return checkpoint.Options{Limits: checkpoint.Limits{Stored: int64(min(s.keep.Grant.Bytes, 1<<62))}}
}

func (s *saver) rounds(ctx context.Context) {
	b := survival.Bounds{Min: millis(s.keep.Min), Max: millis(s.keep.Max)}
	for next := s.interval(b); core.Every(ctx, next); {
		began := time.Now()
		err := s.round(ctx, b)
		next = max(s.interval(b)-time.Since(began), 0)
		switch {
		case ctx.Err() != nil, errors.Is(err, sandbox.ErrEnded):
			return
		case errors.Is(err, errSame): // looked at again soon: it costs next to nothing
			next = min(next, max(b.Min, next/4))
		case err != nil:
			next = max(next, b.Min)
			s.c.Phase(phaseUnsaved)
			if s.Failed != nil {
				s.Failed(s.Attempt, err)
			}
		default:
			s.c.Phase(phaseRunning)
		}
	}
}

// interval is from the beginning of a checkpoint to that of the next.
func (s *saver) interval(b survival.Bounds) time.Duration {
	h := survival.Host{Age: time.Since(s.born())}
	if s.Stays != nil {
		h = s.Stays()
	}
	return survival.Next(h, survival.SETI(), s.cost.Or(guessCost), s.ship.Or(guessShip), b)
}

// born is since when this Boxed runs.
func (b *Boxed) born() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = time.Now()
	}
	return b.since
}

// round takes one checkpoint and brings it away.
func (s *saver) round(ctx context.Context, b survival.Bounds) error {
	if s.standing(s.Attempt) {
		return errSame // it computes nothing, and the owner wants the processor
	}
	began := time.Now()
	g, err := s.take(ctx, false)
	if err != nil {
		return err
	}
	s.cost = s.cost.Observe(g.pause)
	within, cancel := context.WithTimeout(ctx, max(b.Max, shipAtMost))
	defer cancel()
	if err := s.bring(within, g); err != nil {
		return err
	}
	s.ship = s.ship.Observe(time.Since(began))
	return nil
}

// depart takes the last checkpoint, ends the program and brings it away, all within the
// time that the drain gives.
func (s *saver) depart(ctx context.Context, d Drain) {
	within, cancel := context.WithTimeout(ctx, min(d.Within, drainFor))
	defer cancel()
	s.c.Phase("draining")
	g, err := s.take(within, true)
	s.run.Kill() // or it has ended
	exit, _ := s.run.Wait(context.WithoutCancel(ctx))
	if exit = ended(exit); ctx.Err() != nil || exit.Reason != sandbox.Checkpointed && exit.Reason != sandbox.Killed {
		return // its renter has ended it, or it had its own end
	}
	s.left = &d
	if err == nil {
		err = s.bring(within, g)
	}
	if !errors.Is(err, errSame) {
		s.late = err
	}
}

// finish is the end of what has left: it is paid up to its last confirmed checkpoint.
func (s *saver) finish() lease.Finish {
	f := lease.Finish{Exit: -1, Reason: cmp.Or(s.left.Reason, artel.ReasonDrained), Message: s.left.Message}
	switch {
	case s.late == nil:
	case s.last == nil && s.keep.Kind == artel.CheckpointFiles && s.left.Reason == artel.ReasonUnpaid && errors.Is(s.late, errNothing):
		// It had all the time that its lease gives: elsewhere it would be the same.
		f.Reason, f.Message = artel.ReasonUnsaved, artel.ReasonUnsaved.Sentence(0)
	default:
		if f.Reason == artel.ReasonDrained {
			f.Reason = artel.ReasonEvicted
		}
		f.Message += fmt.Sprintf("; its last state is not confirmed: %v", clean(s.late))
	}
	if s.last != nil {
		f.Billed, f.Usage = true, artel.Usage{Wall: s.last.Wall}
	}
	return f
}

func millis(ms uint64) time.Duration { return time.Duration(min(ms, 1<<40)) * time.Millisecond }
