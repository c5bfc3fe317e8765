package disk

import (
	"os"
	"path/filepath"
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
