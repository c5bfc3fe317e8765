package blob

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
)

// Part is a raw block and its length in bytes.
type Part struct {
	Ref  artel.Ref
	Size int64
}

// MakeFile keeps the nodes of a file whose leaves are parts, in their order, and
// returns the root. The leaves, of any lengths, need not be in the store: what
// was stored before is shared by naming it again. There is always a node above
// the leaves, so that a root never is one of them. nodes is the sum of the
// lengths of the nodes that were made.
//
// Errors: ErrMalformed for no parts at all, and for a part that is no raw block
// or of a length that none has; those of Batch.
func MakeFile(ctx context.Context, s Store, parts []Part) (root artel.Ref, nodes int64, err error) {
	level := make([]child, len(parts))
	for i, p := range parts {
		if p.Ref.IsZero() || p.Ref.Codec() != artel.CodecRaw || p.Size < 1 || p.Size > MaxBlock {
			return artel.Ref{}, 0, fmt.Errorf("make file: %w: part %d, %s of %d bytes, is no leaf", ErrMalformed, i, p.Ref, p.Size)
		}
		level[i] = child{p.Ref, uint64(p.Size), uint64(p.Size)}
	}
	if len(parts) == 0 {
		return artel.Ref{}, 0, fmt.Errorf("make file: %w: no parts", ErrMalformed)
	}
	a := newAdder(ctx, s)
	defer a.batch.Close()
	for first := true; first || len(level) > 1; first = false {
		var up []child
		for len(level) > 0 {
			n := min(a.width, len(level))
			c, err := a.node(ctx, level[:n])
			if err != nil {
				return artel.Ref{}, 0, fmt.Errorf("make file: %w", err)
			}
			nodes += int64(c.tsize)
			for _, l := range level[:n] {
				nodes -= int64(l.tsize)
			}
			up, level = append(up, c), level[n:]
		}
		level = up
	}
	if err := a.batch.Commit(ctx); err != nil {
		return artel.Ref{}, 0, fmt.Errorf("make file: %w", err)
	}
	return level[0].ref, nodes, nil
}
