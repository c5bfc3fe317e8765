package keeper

import (
	"math/rand/v2"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

// TestNames holds names against a plain list of who names what, through a few
// thousand changes: a block is there as long as somebody names it.
func TestNames(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	n, store := newNames(), mem.New(0)
	var refs []artel.Ref
	for i := range byte(20) {
		r, err := blob.RefOf(artel.CodecRaw, []byte{i})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, r)
	}
	model := map[artel.Ref]map[uint32]bool{}
	for step := range 20_000 {
		i, task := rng.IntN(len(refs)), uint32(1+rng.IntN(4))
		r := refs[i]
		if model[r] == nil {
			model[r] = map[uint32]bool{}
		}
		switch rng.IntN(4) {
		case 0, 1:
			if err := store.Put(t.Context(), r, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			n.add(task, []artel.Ref{r})
			model[r][task] = true
		case 2:
			if err := n.remove(t.Context(), store, task, r); err != nil {
				t.Fatal(err)
			}
			delete(model[r], task)
		case 3:
			if rng.IntN(2) == 0 {
				n.takeBack(task, r)
				delete(model[r], task)
			}
			if err := n.sweep(t.Context(), store, r); err != nil {
				t.Fatal(err)
			}
		}
		_, noted := n.by[short(r)]
		here, err := blob.Has(t.Context(), store, r)
		if err != nil || noted != (len(model[r]) > 0) || len(model[r]) > 0 && !here {
			t.Fatalf("step %d: block %d is noted: %v, here: %v, %v; named by %v", step, i, noted, here, err, model[r])
		}
		if all := n.shared[short(r)]; len(all) > 0 && len(all) != len(model[r]) || len(model[r]) > 1 && len(all) == 0 {
			t.Fatalf("step %d: block %d is shared by %v, want %v", step, i, all, model[r])
		}
	}
	for r, tasks := range model {
		for task := range tasks {
			if err := n.remove(t.Context(), store, task, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if u, err := store.Usage(t.Context()); err != nil || len(n.by)+len(n.shared) > 0 || u.Bytes > 20 {
		t.Errorf("left are %d and %d, %+v, %v", len(n.by), len(n.shared), u, err)
	}
}
