package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
)

// Complete returns nil if the store holds every block below root, and
// ErrNotFound with the first that is missing otherwise. Leaves are not read.
// ErrLimit if the root has more than lim.Blocks links.
func Complete(ctx context.Context, s Store, root artel.Ref, lim Limits) error {
	f := fetcher{store: s, opts: FetchOptions{Limits: lim.orDefault(), Window: 1}, look: s.Size, seen: map[artel.Ref]struct{}{}, todo: []artel.Ref{root}}
	want, err := f.advance(ctx)
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("block %s: %w", want[0], ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("complete blob %s: %w", root, err)
	}
	return nil
}

// Weight returns the bytes of all blocks below root, each counted once. The store
// must hold all of them: ErrNotFound otherwise.
func Weight(ctx context.Context, s Store, root artel.Ref) (int64, error) {
	f := fetcher{store: s, opts: FetchOptions{Limits: Limits{}.orDefault(), Window: 1}, look: s.Size, seen: map[artel.Ref]struct{}{}, todo: []artel.Ref{root}}
	want, err := f.advance(ctx)
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("block %s: %w", want[0], ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("weigh blob %s: %w", root, err)
	}
	return f.progress.Done, nil
}

// Remove deletes every block below root. It is for a graph that shares no block
// with another one, as what was encrypted with a key of its own: GC is for all
// others. What is absent is no error.
func Remove(ctx context.Context, s Store, root artel.Ref) error {
	todo := []artel.Ref{root}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if ref.Codec() == artel.CodecDagPB {
			b, err := s.Get(ctx, ref)
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrMismatch) {
				continue
			}
			if err != nil {
				return fmt.Errorf("remove blob %s: %w", root, err)
			}
			for child, err := range links(ref, b) {
				if err != nil {
					return fmt.Errorf("remove blob %s: %w", root, err)
				}
				todo = append(todo, child)
			}
		}
		if err := s.Delete(ctx, ref, time.Time{}); err != nil {
			return fmt.Errorf("remove blob %s: %w", root, err)
		}
	}
	return nil
}

// Freed is what GC deleted.
type Freed struct {
	Blocks int
	Bytes  int64
}

// GC deletes every block that is not below one of roots and was last put
// before the given time. A root need not be complete: what is there of it stays.
//
// before protects what is being added: a graph grows from its leaves, and the
// caller writes down its root only after AddFile or AddDir has returned. Take a
// time that is older than the longest of these, a day for instance. Putting a
// block that is already there renews its time, so a block that an old, deleted
// root and a new one share is safe too. Fetch renews what it finds here; pin
// its root all the same, should it take longer.
//
// If anything of a root cannot be read for another reason than being absent,
// GC deletes nothing.
func GC(ctx context.Context, s Store, roots iter.Seq[artel.Ref], before time.Time) (Freed, error) {
	var freed Freed
	m := marks{nodes: map[artel.Ref]struct{}{}, leaves: map[uint64]struct{}{}}
	for root := range roots {
		if err := m.mark(ctx, s, root); err != nil {
			return freed, fmt.Errorf("collect blobs: root %s: %w", root, err)
		}
	}
	for info, err := range s.List(ctx) {
		if err != nil {
			return freed, fmt.Errorf("collect blobs: %w", err)
		}
		if m.has(info.Ref) || !info.Time.Before(before) {
			continue
		}
		if err := s.Delete(ctx, info.Ref, before); err != nil {
			return freed, fmt.Errorf("collect blobs: %w", err)
		}
		freed.Blocks++
		freed.Bytes += info.Size
	}
	return freed, nil
}

// marks is what GC keeps. Leaves, a thousand times as many as nodes, are noted
// by eight bytes of their hash; two that collide keep each other.
type marks struct {
	nodes  map[artel.Ref]struct{}
	leaves map[uint64]struct{}
}

func short(ref artel.Ref) uint64 {
	sum := ref.Sum()
	return binary.BigEndian.Uint64(sum[:8])
}

func (m *marks) has(ref artel.Ref) bool {
	if ref.Codec() == artel.CodecDagPB {
		_, ok := m.nodes[ref]
		return ok
	}
	_, ok := m.leaves[short(ref)]
	return ok
}

func (m *marks) mark(ctx context.Context, s Store, root artel.Ref) error {
	todo := []artel.Ref{root}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if ref.Codec() != artel.CodecDagPB {
			m.leaves[short(ref)] = struct{}{}
			continue
		}
		if _, ok := m.nodes[ref]; ok {
			continue
		}
		m.nodes[ref] = struct{}{}
		b, err := s.Get(ctx, ref)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrMismatch) {
			continue
		}
		if err != nil {
			return err
		}
		for child, err := range links(ref, b) {
			if err != nil {
				return err
			}
			todo = append(todo, child)
		}
	}
	return nil
}

// Pins holds the roots that running work needs: a fetch, an attempt's inputs.
// It lives in memory; roots that must outlive the process are facts, and their
// keeper names them to GC beside Roots. The zero value is ready.
type Pins struct {
	mu    sync.Mutex
	roots map[artel.Ref]int
}

// Pin holds ref until the returned function is called, once for each Pin.
// Calling it again does nothing.
func (p *Pins) Pin(ref artel.Ref) (unpin func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.roots == nil {
		p.roots = map[artel.Ref]int{}
	}
	p.roots[ref]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.roots[ref]--; p.roots[ref] == 0 {
			delete(p.roots, ref)
		}
	})
}

// Roots yields what is pinned at this moment.
func (p *Pins) Roots() iter.Seq[artel.Ref] {
	p.mu.Lock()
	defer p.mu.Unlock()
	refs := make([]artel.Ref, 0, len(p.roots))
	for ref := range p.roots {
		refs = append(refs, ref)
	}
	return slices.Values(refs)
}
