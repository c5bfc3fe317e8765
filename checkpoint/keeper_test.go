package checkpoint

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/mem"
)

// TestKeeperFetches: a keeper fetches generations as it fetches any root, gets
// what Stats.Sent says, and the next provider restores from the keeper alone.
func TestKeeperFetches(t *testing.T) {
	z, key := newZoo(t, 11), newKey(t)
	path := filepath.Join(z.dir, "pages.img")
	memoryImage(z, path, 12<<20)
	provider, err := disk.Open(filepath.Join(t.TempDir(), "provider"), 0)
	z.must(err)
	defer provider.Close()
	keeper := mem.New(0)
	fetch := func(from, to blob.Store, root artel.Ref) (fetched int64) {
		t.Helper()
		open := func(ctx context.Context) (blob.Stream, error) {
			here, there := net.Pipe()
			go blob.Serve(ctx, there, artel.NodeID{}, from, blob.ServeOptions{
				Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil }})
			return here, nil
		}
		z.must(blob.Fetch(t.Context(), open, to, root, blob.FetchOptions{Progress: func(p blob.Progress) { fetched = p.Fetched }}))
		return fetched
	}
	var m *Manifest
	for g := range 5 {
		var stats Stats
		m, stats, err = Save(t.Context(), provider, key, z.dir, m, Meta{Task: task}, Options{})
		z.must(err)
		missing, err := Missing(t.Context(), keeper, m.Root, Limits{})
		z.must(err)
		if len(missing) != 1 || missing[0] != m.Root {
			t.Errorf("missing of an unknown root: %v", missing)
		}
		if got := fetch(provider, keeper, m.Root); got != stats.Sent {
			t.Errorf("generation %d: %d bytes came, %d were to be sent", m.Generation, got, stats.Sent)
		}
		if g > 0 && stats.Sent > m.Stored/5 {
			t.Errorf("generation %d: %d bytes travel of %d", m.Generation, stats.Sent, m.Stored)
		}
		held, err := Verify(t.Context(), keeper, m.Root, Limits{})
		z.must(err)
		if held.Bytes != m.Stored || held.Generation != m.Generation {
			t.Errorf("held %+v, stored %d", held, m.Stored)
		}
		if w, err := blob.Weight(t.Context(), keeper, m.Root); err != nil || w != m.Stored {
			t.Errorf("weighs %d, %v", w, err)
		}
		dirty(z, path, 0.03)
	}
	info, err := Describe(t.Context(), keeper, key, m.Root, want(m), Limits{})
	z.must(err)
	if info.Digest != m.Digest || info.Stored != m.Stored || info.Parent != m.Parent || info.Files != m.Files {
		t.Errorf("described as %+v, is %+v", info, m.Info)
	}
	next, back := mem.New(0), filepath.Join(t.TempDir(), "back")
	fetch(keeper, next, m.Root)
	r, err := Restore(t.Context(), next, key, m.Root, want(m), back, Options{})
	z.must(err)
	// It goes on there: the next generation shares what the first provider wrote.
	w, err := os.OpenFile(filepath.Join(back, "pages.img"), os.O_WRONLY, 0)
	z.must(err)
	_, err = w.WriteAt([]byte("changed"), 5*PageSize)
	z.must(err)
	z.must(w.Close())
	n, stats, err := Save(t.Context(), next, key, back, r, Meta{Task: task, Attempt: 2}, Options{})
	z.must(err)
	if got := fetch(next, keeper, n.Root); got != stats.Sent || got > 60<<10 {
		t.Errorf("%d bytes came for a page, %+v", got, stats)
	}
	again := filepath.Join(t.TempDir(), "again")
	_, err = Restore(t.Context(), keeper, key, n.Root, want(n), again, Options{})
	z.must(err)
	same(t, back, again)
}
