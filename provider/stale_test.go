package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/sandbox"
)

// TestStale: what does not fit, or is not what it should be, is told from what nobody
// serves, and costs nothing.
func TestStale(t *testing.T) {
	w := newWorld(t, 1)
	here := w.machine(1, fakeNeeds)
	x := here.begin(w.keeping("", 1), nil, "count", "100000000", "")
	kept := x.waitKept(2)
	x.cancel()
	x.wait()
	good := w.keeper(0).store
	older, newest := kept[0].Saved, kept[1].Saved
	lacks := fakeNeeds
	lacks.CPU.Features = []string{"one"}
	for _, c := range []struct {
		name  string
		needs sandbox.Needs
		make  func(k *artel.Keeping)
		store func(t *testing.T, s blob.Store) // what the keeper's has become
		want  artel.Reason
		words string
	}{
		{name: "another key", make: func(k *artel.Keeping) { k.Key[0]++ }, want: artel.ReasonStale, words: "key"},
		{name: "another task", make: func(k *artel.Keeping) { k.Task[0]++ }, want: artel.ReasonStale},
		{name: "an older one in its place", make: func(k *artel.Keeping) { k.From.Saved.Root = older.Root }, want: artel.ReasonStale, words: "another checkpoint"},
		{name: "another content", make: func(k *artel.Keeping) { k.From.Saved.Tree[0]++ }, want: artel.ReasonStale, words: "another checkpoint"},
		{name: "another kind", make: func(k *artel.Keeping) { k.From.Saved.Kind = artel.CheckpointFiles }, want: artel.ReasonStale, words: `kind "whole"`},
		{name: "more than was granted", make: func(k *artel.Keeping) { k.Grant.Bytes = 10 }, want: artel.ReasonStale, words: "at most 10"},
		{name: "more files than it may have", make: func(k *artel.Keeping) { k.From.Saved.Kind, k.From.Saved.Bytes = artel.CheckpointFiles, 1<<30 }, want: artel.ReasonStale, words: "the task may have"},
		{name: "more than it said", make: func(k *artel.Keeping) { k.From.Saved.Stored = 100 }, want: artel.ReasonStale, words: "limit"},
		{name: "larger than it said", make: func(k *artel.Keeping) { k.From.Saved.Bytes = 100 }, want: artel.ReasonStale, words: "limit"},
		{name: "another version", needs: sandbox.Needs{Version: "fake/2", CPU: fakeNeeds.CPU}, want: artel.ReasonStale, words: "version"},
		{name: "a lesser processor", needs: lacks, want: artel.ReasonStale, words: `lacks ["two"]`},
		{name: "nobody has it", store: func(t *testing.T, s blob.Store) { wipe(t, s) }, want: artel.ReasonNoInput, words: "no keeper"},
		{name: "a block is withheld", store: func(t *testing.T, s blob.Store) {
			blocks, err := checkpoint.Blocks(t.Context(), s, newest.Root, checkpoint.Limits{})
			if err == nil {
				err = s.Delete(t.Context(), blocks[len(blocks)-1].Ref, time.Time{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}, want: artel.ReasonNoInput, words: "no keeper"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.keeper(0).store = mem.New(0)
			for _, root := range []artel.Ref{older.Root, newest.Root} {
				if _, err := copySave(t.Context(), w.keeper(0).store, good, root); err != nil {
					t.Fatal(err)
				}
			}
			if c.store != nil {
				c.store(t, w.keeper(0).store)
			}
			if c.needs.Version == "" {
				c.needs = fakeNeeds
			}
			m := w.machine(2, c.needs)
			keep := w.keeping("", 1)
			keep.From = from(kept[1])
			if c.make != nil {
				c.make(keep)
			}
			f := m.begin(keep, nil, "count", "100000000", "").wait()
			if f.Reason != c.want || f.Billed || !strings.Contains(f.Message, c.words) || strings.Contains(f.Message, m.Dir) {
				t.Errorf("it ended as %+v, want %s: %q", f, c.want, c.words)
			}
			if m.box.Started() != 0 {
				t.Error("it was started")
			}
			m.clean()
			if used, _ := m.Used(); used != 0 {
				t.Errorf("%d bytes are counted", used)
			}
		})
	}
}

func wipe(t *testing.T, s blob.Store) {
	for i, err := range s.List(t.Context()) {
		if err == nil {
			err = s.Delete(t.Context(), i.Ref, time.Time{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestJudgedEarly: what cannot go on here is found out by its first blocks, before the
// rest has come.
func TestJudgedEarly(t *testing.T) {
	w := newWorld(t, 1)
	here := w.machine(1, fakeNeeds)
	x := here.begin(w.keeping("", 1), nil, "count", "100000000", "")
	kept := x.waitKept(1)
	x.cancel()
	x.wait()
	m := w.machine(2, sandbox.Needs{Version: "fake/2", CPU: fakeNeeds.CPU})
	brought := 0
	m.Bring = func(ctx context.Context, _ []artel.Keeper, into blob.Store, root artel.Ref, _ int64) error {
		from := w.keeper(0).store
		blocks, err := checkpoint.Blocks(ctx, from, root, checkpoint.Limits{})
		if err != nil {
			return err
		}
		for _, b := range blocks { // list, head, packs
			if ctx.Err() != nil {
				return ctx.Err()
			}
			data, err := from.Get(ctx, b.Ref)
			if err != nil {
				return err
			}
			batch := into.Batch(ctx)
			if err := errors.Join(batch.Put(ctx, b.Ref, data), batch.Commit(ctx), batch.Close()); err != nil {
				return err
			}
			brought++
		}
		return nil
	}
	keep := w.keeping("", 1)
	keep.From = from(kept[0])
	if f := m.begin(keep, nil, "count", "100000000", "").wait(); f.Reason != artel.ReasonStale || brought != 2 {
		t.Errorf("after %d blocks it ended as %+v", brought, f)
	}
	m.clean()
}

// TestQuotaOfCheckpoints: what checkpoints take counts, and what does not fit is not taken.
func TestQuotaOfCheckpoints(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	m.Limit(8 << 20) // what is claimed of a whole one is more
	x := m.begin(w.keeping("", 1), nil, "count", "100000000", "diary")
	until(t, "it is told", func() bool { return x.was("running-unsaved") })
	if len(x.got()) != 0 {
		t.Error("a checkpoint was taken that does not fit")
	}
	m.Limit(1 << 30)
	x.waitKept(1)
	if used, _ := m.Used(); used <= 4<<20 {
		t.Errorf("%d bytes are counted", used)
	}
	x.cancel()
	x.wait()
	m.clean()
	if used, _ := m.Used(); used > 1<<20 {
		t.Errorf("%d bytes are counted after its end", used)
	}
}

// TestRestlessFiles: a program that writes to one file all the time is saved while it
// stands still, where it can, and else not.
func TestRestlessFiles(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "count", "100000000", "")
	until(t, "it runs", func() bool { return x.was("running") })
	restless := make(chan struct{})
	stopped := make(chan struct{})
	k := Attempt{artel.Hash{1}, x.key}
	go func() { // stands for the program
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-restless:
				return
			default:
				if !m.standing(k) {
					_ = os.WriteFile(filepath.Join(m.Dir, "out", "2", "x"), fmt.Append(nil, i), 0o644)
				}
			}
		}
	}()
	x.waitKept(2)
	close(restless)
	<-stopped
	x.cancel()
	x.wait()
	m.clean()
}
