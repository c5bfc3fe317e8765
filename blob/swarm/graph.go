package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// graph numbers the blocks below a root, as both sides of a stream do.
type graph struct {
	nodes  []artel.Ref // dag-pb, breadth first
	leaves []artel.Ref // raw, in the order in which nodes name them first
}

func (g *graph) blocks() int { return len(g.nodes) + len(g.leaves) }

// walk builds a graph from the root down. Nodes are expanded in the order of
// their numbers, so that the ref of the next one is always known.
type walk struct {
	graph
	lim   blob.Limits
	seen  map[artel.Ref]struct{}
	next  int   // the node to expand
	links int   // followed
	inner int64 // bytes of the nodes
	bytes int64 // of the nodes, and what the leaves are said to hold
}

func newWalk(root artel.Ref, lim blob.Limits) *walk {
	w := &walk{lim: lim, seen: map[artel.Ref]struct{}{}}
	w.admit(root)
	return w
}

func (w *walk) admit(ref artel.Ref) (first bool) {
	if _, ok := w.seen[ref]; ok {
		return false
	}
	w.seen[ref] = struct{}{}
	if ref.Codec() == artel.CodecDagPB {
		w.nodes = append(w.nodes, ref)
	} else {
		w.leaves = append(w.leaves, ref)
	}
	return true
}

// done says that every node is expanded.
func (w *walk) done() bool { return w.next == len(w.nodes) }

// expand takes the bytes of the next node, whose hash was compared.
func (w *walk) expand(block []byte) error {
	ref := w.nodes[w.next]
	entries, err := blob.Links(ref, block)
	if err != nil {
		return err
	}
	if w.links += len(entries); w.links > w.lim.Blocks {
		return fmt.Errorf("%w: more than %d links", blob.ErrLimit, w.lim.Blocks)
	}
	w.inner += int64(len(block))
	w.bytes += int64(len(block))
	for _, e := range entries {
		if w.admit(e.Ref) && e.Ref.Codec() != artel.CodecDagPB {
			// A hint, and no raw block is longer.
			w.bytes += int64(min(e.Size, blob.MaxBlock))
		}
	}
	if w.bytes > w.lim.Bytes {
		return fmt.Errorf("%w: more than %d bytes", blob.ErrLimit, w.lim.Bytes)
	}
	w.next++
	return nil
}

// local expands nodes that the store holds until one is missing. look is
// Store.Renew or Store.Size.
func (w *walk) local(ctx context.Context, s blob.Store, look func(context.Context, artel.Ref) (int64, error)) error {
	for !w.done() {
		ref := w.nodes[w.next]
		_, err := look(ctx, ref)
		var b []byte
		if err == nil {
			b, err = s.Get(ctx, ref)
		}
		if absent(err) {
			return nil
		}
		if err == nil {
			err = w.expand(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func absent(err error) bool {
	return errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrMismatch)
}
