package disk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
)

func openTemp(t testing.TB, limit int64) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "blobs"), limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, blobtest.Subject{
		Open: func(t *testing.T, limit int64) blob.Store { return openTemp(t, limit) },
		Rot: func(t *testing.T, s blob.Store, ref artel.Ref) {
			path := s.(*Store).fs.(osFS).at(blockPath(ref))
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// TestReopen leaves a store without Close, as a killed process does.
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := Open(dir, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	ref, data := blobtest.Block(1, 5000)
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	other, otherData := blobtest.Block(2, 5000)
	if err := s.Batch(t.Context()).Put(t.Context(), other, otherData); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blocks/00/notes.txt"), []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, 64<<20); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), ref); err != nil || len(got) != 5000 {
		t.Fatal(len(got), err)
	}
	if ok, err := blob.Has(t.Context(), s, other); ok || err != nil {
		t.Fatal(ok, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) != 0 {
		t.Fatalf("left in tmp: %v, %v", left, err)
	}
	if u, err := s.Usage(t.Context()); err != nil || u.Bytes < 8192 || u.Bytes > 8192+1<<20+8192 {
		t.Fatal(u, err)
	}
	n := 0
	for range s.List(t.Context()) {
		n++
	}
	if n != 1 {
		t.Fatalf("%d blocks listed", n)
	}
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Usage(t.Context()); err != nil || u.Bytes != 8192 {
		t.Fatal(u, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, 64<<20); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Usage(t.Context()); err != nil || u.Bytes != 8192 {
		t.Fatal(u, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte("artel-blobs 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, 0); err == nil || !strings.Contains(err.Error(), "hint") {
		t.Fatalf("opened another version: %v", err)
	}
}
