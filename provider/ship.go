package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/wire"
)

const (
	shipAgain = 250 * time.Millisecond // after a keeper has failed, then after twice as long
	shipRests = 30 * time.Second       // and at most
	shipSpare = 2                      // keepers that are asked beyond those that must confirm
	shipSlow  = 10 * time.Second       // after which another one is asked
	shipLies  = 3                      // wrong confirmations by a keeper, and it is asked no more
)

// bring has a generation confirmed by enough keepers, and tells what it has earned.
func (s *saver) bring(ctx context.Context, g generation) error {
	x := g.saved
	req := wire.KeepRequest{Grant: s.keep.Grant, Saved: x, Signature: s.Key.Sign(x.Digest(s.Domain))}
	by, err := s.confirm(ctx, req)
	if err != nil {
		return fmt.Errorf("bring checkpoint %d to its keepers: %w", x.Generation, err)
	}
	if err := s.c.Kept(Kept{Saved: x, Signature: req.Signature, By: by, Message: g.note}); err != nil {
		return err
	}
	s.last, s.same = &x, g.same
	if s.Took != nil {
		s.Took(s.Attempt, Taken{Saved: x, Stood: g.pause, Took: time.Since(g.began)})
	}
	s.letGo(ctx)
	return nil
}

// confirm asks keepers until enough have confirmed: at once those that have to and two
// more, another one for each that fails, and after a while the rest.
func (s *saver) confirm(ctx context.Context, req wire.KeepRequest) ([]artel.Kept, error) {
	defer s.sending(req.Saved.Root, s.keep.Keepers)()
	type answer struct {
		kept artel.Kept
		from artel.NodeID
		err  error
	}
	within, enough := context.WithCancel(ctx)
	defer enough()
	waiting := s.inTurn()
	answers, failed := make(chan answer, len(waiting)), make(chan struct{}, len(waiting))
	asked := 0
	next := func() {
		if len(waiting) == 0 {
			return
		}
		k := waiting[0]
		waiting, asked = waiting[1:], asked+1
		go func() {
			kept, err := s.shipTo(within, k, req, func() { failed <- struct{}{} })
			answers <- answer{kept, k.Node, err}
		}()
	}
	need := int(s.keep.Survival.Keepers)
	for range need + shipSpare {
		next()
	}
	slow := time.NewTicker(shipSlow)
	defer slow.Stop()
	var by []artel.Kept
	var had []artel.NodeID
	var errs []error
	for asked > 0 {
		select {
		case <-failed:
			next()
		case <-slow.C:
			next()
		case a := <-answers:
			asked--
			if a.err != nil {
				errs = append(errs, a.err)
				if within.Err() == nil {
					next()
				}
			} else if by, had = append(by, a.kept), append(had, a.from); len(by) == need {
				enough() // the others lack nothing that the next generation does not bring
				waiting = nil
			}
		}
	}
	if len(by) < need {
		return nil, fmt.Errorf("%d of %d have confirmed it, %d have to: %w", len(by), len(s.keep.Keepers), need, errors.Join(errs...))
	}
	s.had = had
	return by, nil
}

// inTurn lists the keepers, those first that have confirmed the last one: they lack
// the least.
func (s *saver) inTurn() (keepers []artel.Keeper) {
	keepers = slices.Clone(s.keep.Keepers)
	slices.SortStableFunc(keepers, func(a, b artel.Keeper) int {
		x, y := slices.Contains(s.had, a.Node), slices.Contains(s.had, b.Node)
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return keepers
}

// shipTo asks one keeper until it confirms or ctx ends. It says once that it has failed.
func (s *saver) shipTo(ctx context.Context, k artel.Keeper, req wire.KeepRequest, failed func()) (artel.Kept, error) {
	lies := 0
	for rest := shipAgain; ; rest = min(2*rest, shipRests) {
		kept, err := s.Ship(ctx, k, req)
		if err == nil {
			if err = s.confirmed(kept, k, req.Saved); err == nil {
				return kept, nil
			}
			lies++
		}
		if rest == shipAgain {
			failed()
		}
		if lies == shipLies || !core.Every(ctx, rest) {
			return kept, fmt.Errorf("keeper %s: %w", k.Node.Short(), err)
		}
	}
}

// confirmed holds a keeper's answer against what it was asked for.
func (s *saver) confirmed(kept artel.Kept, k artel.Keeper, x artel.Saved) error {
	if kept.Saved != x.Digest(s.Domain) {
		return errors.New("it has confirmed another checkpoint")
	}
	if by, err := kept.Signature.NodeID(kept.Digest(s.Domain)); err != nil {
		return err
	} else if by != k.Node {
		return fmt.Errorf("its confirmation is signed by %s", by.Short())
	}
	if now := uint64(time.Now().Unix()); kept.Until <= now {
		return fmt.Errorf("its confirmation ran out %d s ago", now-kept.Until)
	}
	return nil
}

// Sends reports whether a node may fetch a root from Saves now: a keeper of an
// attempt that runs.
func (b *Boxed) Sends(node artel.NodeID, root artel.Ref) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sends[root][node] > 0
}

// sending lets keepers fetch a root, until what it returns is called.
func (b *Boxed) sending(root artel.Ref, to []artel.Keeper) (over func()) {
	count := func(n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sends == nil {
			b.sends = map[artel.Ref]map[artel.NodeID]int{}
		}
		m := b.sends[root]
		if m == nil {
			m = map[artel.NodeID]int{}
			b.sends[root] = m
		}
		for _, k := range to {
			if m[k.Node] += n; m[k.Node] == 0 {
				delete(m, k.Node)
			}
		}
		if len(m) == 0 {
			delete(b.sends, root)
		}
	}
	count(1)
	return func() { count(-1) }
}

// What Saves holds: of each attempt the generation that is confirmed and the newest, so
// that the next is the difference to it. What is written down nowhere is for blob.GC.

// holds notes a generation of the attempt, and lets go of those that are neither it nor
// confirmed.
func (s *saver) holds(root artel.Ref) {
	keep := []artel.Ref{root}
	if b := s.base(); b != nil && b.Root != root {
		keep = append(keep, b.Root)
	}
	s.swap(s.Attempt, keep)
}

// letGo drops what is not the attempt's any more.
func (b *Boxed) letGo(ctx context.Context) {
	b.mu.Lock()
	old := b.stale
	b.stale = nil
	b.mu.Unlock()
	for _, root := range old {
		b.dropSave(ctx, root)
	}
}

// swap names the generations of an attempt that Saves holds; others of it are stale.
func (b *Boxed) swap(k Attempt, roots []artel.Ref) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.saved == nil {
		b.saved = map[Attempt][]artel.Ref{}
	}
	for _, r := range b.saved[k] {
		if !slices.Contains(roots, r) {
			b.stale = append(b.stale, r)
		}
	}
	if b.saved[k] = roots; len(roots) == 0 {
		delete(b.saved, k)
	}
}

// dropSave deletes a generation, but for what others share with it.
func (b *Boxed) dropSave(ctx context.Context, root artel.Ref) {
	_ = checkpoint.Drop(ctx, b.Saves, root, b.heldSaves(), checkpoint.Limits{}) // what is left goes with the next GC
}

func (b *Boxed) heldSaves() (roots []artel.Ref) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.saved {
		for _, r := range of {
			if !slices.Contains(roots, r) {
				roots = append(roots, r)
			}
		}
	}
	return roots
}

// writes notes that an attempt writes blocks that nothing names yet.
func (a *attempt) writes(on bool) {
	b := a.Boxed
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writing == nil {
		b.writing = map[Attempt]time.Time{}
	}
	if delete(b.writing, a.Attempt); on {
		b.writing[a.Attempt] = time.Now()
	}
}

// endSaves lets go of what an attempt has in Saves.
func (a *attempt) endSaves() {
	a.swap(a.Attempt, nil)
	a.writes(false)
	a.clearSaves(context.Background())
}

// clearSaves removes what no attempt needs of Saves.
func (b *Boxed) clearSaves(ctx context.Context) {
	before := time.Now()
	b.mu.Lock()
	for _, t := range b.writing {
		if t.Before(before) {
			before = t
		}
	}
	b.mu.Unlock()
	b.mu.Lock()
	b.stale = nil
	b.mu.Unlock()
	_, _ = blob.GC(ctx, b.Saves, slices.Values(b.heldSaves()), before) // or the next does
}
