package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob/mem"
)

// TestGenerations: 20 generations of a tree that changes at random come back bit
// by bit, from no more than what a keeper has; and saving goes on from what was
// restored as well as from what was saved.
func TestGenerations(t *testing.T) {
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			z, store, key := newZoo(t, seed), mem.New(0), newKey(t)
			var prev *Manifest
			var roots []artel.Ref
			for g := range 20 {
				for range 1 + z.rng.IntN(12) {
					z.step()
				}
				meta := Meta{Task: task, Attempt: uint32(g), Lease: artel.Hash{9}, Extra: []byte("class")}
				o := Options{Pages: pagesImg}
				m, stats, err := Save(t.Context(), store, key, z.dir, prev, meta, o)
				if err != nil {
					t.Fatal(err)
				}
				if m.Generation != uint64(g)+1 || prev != nil && m.Parent != prev.Root {
					t.Fatalf("generation %d with parent %s", m.Generation, m.Parent)
				}
				if m.Blocks() > 2*int(m.Stored/smallPack)+2*smallPacks+4 {
					t.Errorf("%d blocks for %d bytes", m.Blocks(), m.Stored)
				}
				keeper := copyOf(t, store, m.Root)
				if held, err := Verify(t.Context(), keeper, m.Root, Limits{}); err != nil || held.Generation != m.Generation || held.Bytes != m.Stored {
					t.Fatalf("keeper holds %+v, %v; stored %d", held, err, m.Stored)
				}
				back := filepath.Join(t.TempDir(), "back")
				r, err := Restore(t.Context(), keeper, key, m.Root, want(m), back, o)
				if err != nil {
					t.Fatal(err)
				}
				same(t, z.dir, back)
				if r.Digest != m.Digest || r.Stored != m.Stored || r.Bytes != stats.Bytes || string(r.Extra) != "class" || r.Attempt != uint32(g) {
					t.Fatalf("restored %+v, saved %+v", r, m)
				}
				// What was restored saves to nothing new: but for the head and the list.
				again, stats, err := Save(t.Context(), keeper, key, back, r, meta, o)
				if err != nil {
					t.Fatal(err)
				}
				if again.Digest != m.Digest || stats.Changed != 0 {
					t.Fatalf("saved again: %+v, digest %s, was %s", stats, again.Digest, m.Digest)
				}
				os.RemoveAll(back)
				if z.rng.IntN(3) == 0 { // a process that knows nothing any more
					if m, err = Load(t.Context(), store, key, m.Root, want(m), o); err != nil {
						t.Fatal(err)
					}
				}
				prev = m
				roots = append(roots, m.Root)
				if len(roots) > 2 {
					if err := Drop(t.Context(), store, roots[len(roots)-3], roots[len(roots)-2:], Limits{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			// Nothing is left but the two generations that were kept.
			left := map[artel.Ref]bool{}
			for _, root := range roots[len(roots)-2:] {
				blocks, err := Blocks(t.Context(), store, root, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range blocks {
					left[b.Ref] = true
				}
			}
			for info := range store.List(t.Context()) {
				if !left[info.Ref] {
					t.Errorf("block %s of %d bytes is left over", info.Ref, info.Size)
				}
				delete(left, info.Ref)
			}
			if len(left) > 0 {
				t.Errorf("%d blocks are missing", len(left))
			}
		})
	}
}
