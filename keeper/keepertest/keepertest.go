// Package keepertest is the suite that every keeper.Store passes.
package keepertest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/keeper"
)

// Run runs the suite. open returns an empty store, and a function that closes it
// and opens it again as the next process does.
func Run(t *testing.T, open func(t *testing.T) (keeper.Store, func() keeper.Store)) {
	t.Run("holds what was saved", func(t *testing.T) {
		s, again := open(t)
		want := []keeper.Task{Task(1, 1, 0), Task(1, 2, 3), Task(2, 1, 1)}
		same(t, s, nil)
		save(t, s, want, nil)
		same(t, s, want)
		same(t, again(), want)
	})
	t.Run("replaces and forgets at once", func(t *testing.T) {
		s, again := open(t)
		save(t, s, []keeper.Task{Task(1, 1, 2), Task(1, 2, 2), Task(1, 3, 1)}, nil)
		later := Task(1, 1, 1)
		later.Grant.Try, later.Let = 7, true
		save(t, s, []keeper.Task{later, Task(3, 3, 1)}, []keeper.ID{Task(1, 2, 0).ID(), Task(9, 9, 0).ID()})
		want := []keeper.Task{later, Task(1, 3, 1), Task(3, 3, 1)}
		same(t, s, want)
		same(t, again(), want)
	})
	t.Run("forgets before it puts", func(t *testing.T) {
		s, _ := open(t)
		x := Task(1, 1, 1)
		save(t, s, []keeper.Task{x}, []keeper.ID{x.ID()})
		same(t, s, []keeper.Task{x})
	})
	t.Run("keeps renters apart", func(t *testing.T) {
		s, _ := open(t)
		a, b := Task(1, 5, 1), Task(2, 5, 2)
		save(t, s, []keeper.Task{a, b}, nil)
		save(t, s, nil, []keeper.ID{a.ID()})
		same(t, s, []keeper.Task{b})
	})
	t.Run("nothing is no change", func(t *testing.T) {
		s, _ := open(t)
		save(t, s, nil, nil)
		same(t, s, nil)
	})
}

// Task returns a task of some renter with so many generations held.
func Task(renter, task byte, held int) keeper.Task {
	x := keeper.Task{Renter: node(renter), Grant: artel.Grant{Network: artel.Hash{9}, Task: artel.Hash{task}, Try: 3, Saver: node(99), Bytes: 1 << 30, Expires: 1 << 31}, Seen: 1_800_000_000}
	for i := range held {
		root, err := artel.NewRef(artel.CodecDagPB, [32]byte{renter, task, byte(i)})
		if err != nil {
			panic(fmt.Sprintf("ref of a test: %v", err))
		}
		g := uint64(held - i)
		x.Held = append(x.Held, keeper.Held{
			Grant: x.Grant, Signature: artel.Signature{4, byte(i)},
			Saved: artel.Saved{Task: x.Grant.Task, Kind: artel.CheckpointWhole, Generation: g, Root: root, Bytes: 1 << 40, Stored: 5 << 20, Wall: 1},
			Kept:  artel.Kept{Saved: artel.Hash{byte(g)}, Until: 1 << 31, Signature: artel.Signature{5}},
		})
		x.Bytes += 5 << 20
	}
	return x
}

func node(n byte) artel.NodeID {
	k, err := artel.KeyFromBytes(append(make([]byte, 30), 1, n))
	if err != nil {
		panic(fmt.Sprintf("key of a test: %v", err))
	}
	return k.NodeID()
}

func save(t *testing.T, s keeper.Store, put []keeper.Task, drop []keeper.ID) {
	t.Helper()
	if err := s.Save(t.Context(), put, drop); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, s keeper.Store, want []keeper.Task) {
	t.Helper()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := func(a, b keeper.Task) int {
		return slices.Compare(append(a.Renter[:], a.Grant.Task[:]...), append(b.Renter[:], b.Grant.Task[:]...))
	}
	want = slices.Clone(want)
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	if len(got) != len(want) {
		t.Fatalf("the store holds %d tasks, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("the store holds\n%+v\nwant\n%+v", got[i], want[i])
		}
	}
}
