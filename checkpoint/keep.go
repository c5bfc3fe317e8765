package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// What a keeper does, without a key. Bringing a generation is blob.Fetch with its
// root, and keeping it is naming the root to blob.GC.

// Block is one block of a generation.
type Block struct {
	Ref  artel.Ref
	List bool // a node of the list; else a head or a pack, to a keeper alike
}

// Blocks lists all that a keeper has to hold for root, each block once: the nodes
// of the list, which the store has to hold, then what they name. A list of other
// shape or over lim is ErrMalformed or ErrLimit.
func Blocks(ctx context.Context, store blob.Store, root artel.Ref, lim Limits) ([]Block, error) {
	l, err := readList(ctx, store, root, lim.orDefault())
	if err != nil {
		return nil, fmt.Errorf("blocks of checkpoint %s: %w", root, err)
	}
	seen := map[artel.Ref]bool{}
	var all []Block
	add := func(refs []artel.Ref, list bool) {
		for _, r := range refs {
			if !seen[r] {
				seen[r] = true
				all = append(all, Block{r, list})
			}
		}
	}
	add(l.nodes, true)
	add(l.leaves, false)
	return all, nil
}

// Missing lists the blocks of root that the store does not hold: what has to
// travel. If the root itself is missing it is all that can be told.
func Missing(ctx context.Context, store blob.Store, root artel.Ref, lim Limits) ([]artel.Ref, error) {
	blocks, err := Blocks(ctx, store, root, lim)
	var lacks *missingNode
	if errors.As(err, &lacks) {
		return []artel.Ref{lacks.ref}, nil
	}
	if err != nil {
		return nil, err
	}
	var missing []artel.Ref
	for _, b := range blocks {
		ok, err := blob.Has(ctx, store, b.Ref)
		if err != nil {
			return nil, fmt.Errorf("blocks of checkpoint %s: %w", root, err)
		}
		if !ok {
			missing = append(missing, b.Ref)
		}
	}
	return missing, nil
}

// Held is what Verify found.
type Held struct {
	Generation uint64 // as the head says in the clear; only the key proves it
	Blocks     int
	Bytes      int64 // of all blocks, each once
}

// Verify reads every block of a generation and compares its hash: what a keeper
// does before it confirms, and whoever asks it afterwards. It needs no key, and so
// cannot tell whether the blocks make sense. The first block that is missing or
// has rotted is the error: blob.ErrNotFound, blob.ErrMismatch.
func Verify(ctx context.Context, store blob.Store, root artel.Ref, lim Limits) (Held, error) {
	lim = lim.orDefault()
	var h Held
	blocks, err := Blocks(ctx, store, root, lim)
	if err != nil {
		return h, err
	}
	for i, b := range blocks {
		data, err := store.Get(ctx, b.Ref)
		if err == nil && h.Generation == 0 && !b.List {
			h.Generation, err = clearHead(data)
		}
		if err != nil {
			return h, fmt.Errorf("verify checkpoint %s: block %d of %d, %s: %w", root, i+1, len(blocks), b.Ref, err)
		}
		h.Blocks++
		if h.Bytes += int64(len(data)); h.Bytes > lim.Stored {
			return h, fmt.Errorf("verify checkpoint %s: %w", root, overLimit("bytes of blocks", h.Bytes, lim.Stored))
		}
	}
	return h, nil
}

// Drop deletes the blocks of root that none of keep names too. It deletes nothing
// if the list of one of keep cannot be read in full. What is absent is no error,
// so Drop may be called again after a crash; a root without its list is left to
// blob.GC.
//
// Two generations are to be kept: the last one that keepers have confirmed, and
// the one before, for the case that a keeper lied.
func Drop(ctx context.Context, store blob.Store, root artel.Ref, keep []artel.Ref, lim Limits) error {
	lim = lim.orDefault()
	stay := map[artel.Ref]bool{}
	for _, k := range keep {
		l, err := readList(ctx, store, k, lim)
		if err != nil {
			return fmt.Errorf("drop checkpoint %s: keep %s: %w", root, k, err)
		}
		for _, refs := range [][]artel.Ref{l.nodes, l.leaves} {
			for _, r := range refs {
				stay[r] = true
			}
		}
	}
	l, err := readList(ctx, store, root, lim)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop checkpoint %s: %w", root, err)
	}
	// Leaves first, the root last: a list that is still there finds them again.
	for _, refs := range [][]artel.Ref{l.leaves, reversed(l.nodes)} {
		for _, r := range refs {
			if stay[r] {
				continue
			}
			if err := store.Delete(ctx, r, time.Time{}); err != nil {
				return fmt.Errorf("drop checkpoint %s: %w", root, err)
			}
		}
	}
	return nil
}

func reversed(refs []artel.Ref) []artel.Ref {
	out := make([]artel.Ref, 0, len(refs))
	for i := len(refs) - 1; i >= 0; i-- {
		out = append(out, refs[i])
	}
	return out
}

// list is what the nodes below a root name.
type list struct {
	nodes  []artel.Ref // the root first
	leaves []artel.Ref // in order: the head, then packs
	inner  int64       // bytes of the nodes
}

// missingNode says that a node of a list is not here.
type missingNode struct {
	ref artel.Ref
	err error
}

func (m *missingNode) Error() string {
	return fmt.Sprintf("list, node %s: %v; hint: fetch the root from a keeper", m.ref, m.err)
}
func (m *missingNode) Unwrap() error { return m.err }

// listHeight is how many nodes may lie above a leaf: four would hold an exabyte.
const listHeight = 4

// readList walks from the root, leftmost first.
func readList(ctx context.Context, store blob.Store, root artel.Ref, lim Limits) (*list, error) {
	if root.IsZero() || root.Codec() != artel.CodecDagPB {
		return nil, malformed("%s names no list of blocks", root)
	}
	l := &list{}
	var walk func(ref artel.Ref, height int) error
	walk = func(ref artel.Ref, height int) error {
		if ref.Codec() != artel.CodecDagPB {
			if l.leaves = append(l.leaves, ref); len(l.leaves) > lim.Packs+1 {
				return overLimit("packs", int64(len(l.leaves)-1), int64(lim.Packs))
			}
			return nil
		}
		if height == listHeight {
			return malformed("list of more than %d levels", listHeight)
		}
		if l.nodes = append(l.nodes, ref); len(l.nodes) > lim.Packs/64+64 {
			return overLimit("nodes of a list", int64(len(l.nodes)), int64(lim.Packs/64+64))
		}
		b, err := store.Get(ctx, ref)
		if err != nil {
			return &missingNode{ref, err}
		}
		l.inner += int64(len(b))
		links, err := blob.Links(ref, b)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		for _, e := range links {
			if e.Name != "" {
				return malformed("a directory, where a list of blocks is due")
			}
			if err := walk(e.Ref, height+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(root, 0); err != nil {
		return nil, err
	}
	if len(l.leaves) < 1 {
		return nil, malformed("an empty list")
	}
	return l, nil
}
