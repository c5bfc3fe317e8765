package provider

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
)

// goingOn is an attempt with files, kept from an earlier run of the daemon.
type goingOn struct {
	kept
	spec sandbox.Spec
}

func (g goingOn) Spec() sandbox.Spec { return g.spec }

// TestPreparingIsCancelled: who is cancelled does not clear away what an earlier run has
// left. The next one does, and spares the files of attempts that were taken up meanwhile.
func TestPreparingIsCancelled(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, "out", name, "file")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stale, used := file("1"), file("2")
	mine := Attempt{artel.Hash{1}, lease.TaskKey{Task: 1, Attempt: 1}}
	killed := false
	b := &Boxed{Dir: dir, Left: []sandbox.Left{goingOn{kept{id: mine.name(), killed: &killed}, sandbox.Spec{Out: filepath.Dir(used)}}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := b.Begin(ctx, []Ran{{Attempt: mine}}); len(got) != 1 || killed {
		t.Fatalf("%v go on", got)
	}
	if err := b.prepare(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("prepare: %v", err)
	}
	if _, err := os.Stat(stale); err != nil {
		t.Error(err)
	}
	if b.takeUp(mine) == nil {
		t.Fatal("it is not taken up")
	}
	if err := b.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nobody's file: %v", err)
	}
	if _, err := os.Stat(used); err != nil {
		t.Errorf("the file of an attempt that goes on: %v", err)
	}
}
