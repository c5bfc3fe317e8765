package provider

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/sandbox"
)

// name is what an attempt is called in its box.
func (k Attempt) name() string { return fmt.Sprintf("%s-%d-%d", k.Lease, k.Task, k.Attempt) }

// Begin implements Runner.
func (b *Boxed) Begin(ctx context.Context, before []Ran) (goOn []Attempt) {
	known := map[string]Ran{}
	for _, a := range before {
		known[a.name()] = a
	}
	b.born()
	if b.Saves != nil {
		defer b.clearSaves(ctx)
	}
	defer b.prepare(ctx) // what an earlier run has left and nobody needs goes now; Run tells of errors
	b.mu.Lock()
	defer b.mu.Unlock()
	b.goOn, b.roots = map[Attempt]sandbox.Left{}, map[Attempt]func(){}
	for _, run := range b.Left {
		a, ok := known[run.ID()]
		if gpus := run.Spec().GPUs; len(gpus) > 0 {
			b.hasGPUs(gpus)
			if !ok {
				b.going = append(b.going, run)
			}
		}
		if !ok {
			run.Kill() // its end was stored, or its lease is over
			continue
		}
		b.goOn[a.Attempt] = run
		if root := run.Spec().Root; root != "" && b.Images != nil {
			b.roots[a.Attempt] = b.Images.Hold(root)
		}
		if !a.Saved.IsZero() {
			if b.saved == nil {
				b.saved = map[Attempt][]artel.Ref{}
			}
			b.saved[a.Attempt] = []artel.Ref{a.Saved}
		}
		goOn = append(goOn, a.Attempt)
		b.left = append(b.left, a.Attempt)
	}
	b.Left = nil
	return goOn
}

// takeUp returns the run of an attempt that goes on from an earlier run of the
// daemon, once.
func (b *Boxed) takeUp(k Attempt) sandbox.Left {
	b.mu.Lock()
	defer b.mu.Unlock()
	run := b.goOn[k]
	if run != nil {
		delete(b.goOn, k)
		b.enter(k, run) // never in neither: Freeze looks at both
	}
	return run
}

// heldImage returns what gives back the image of an attempt that goes on.
func (b *Boxed) heldImage(k Attempt) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if release = b.roots[k]; release == nil {
		return func() {}
	}
	delete(b.roots, k)
	return release
}
