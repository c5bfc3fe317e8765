package blob_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

func TestCARCarriesADirectory(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // several leaves
	for name, data := range map[string][]byte{"a": []byte("a"), "b": big, "sub/c": []byte("c")} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	from, to := mem.New(0), mem.New(0)
	root, err := blob.AddDir(ctx, from, dir, blob.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var car bytes.Buffer
	if err := blob.WriteCAR(ctx, from, root, &car, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	got, err := blob.ReadCAR(ctx, to, bytes.NewReader(car.Bytes()), blob.Limits{})
	if err != nil || got != root {
		t.Fatalf("ReadCAR: %s, %v; want %s", got, err, root)
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := blob.Extract(ctx, to, root, out, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "b")); err != nil || !bytes.Equal(data, big) {
		t.Fatalf("extracted b: %d bytes, %v", len(data), err)
	}

	flip := func(i int) []byte { b := bytes.Clone(car.Bytes()); b[i] ^= 1; return b }
	for name, c := range map[string]struct {
		car  []byte
		want error
	}{
		"empty":          {nil, blob.ErrMalformed},
		"another header": {flip(3), blob.ErrMalformed},
		"another root":   {flip(30), blob.ErrNotFound},
		"changed block":  {flip(car.Len() - 1), blob.ErrMismatch},
		"cut off":        {car.Bytes()[:car.Len()-1], blob.ErrMalformed},
		"block missing":  {car.Bytes()[:1+58], blob.ErrNotFound},
	} {
		if _, err := blob.ReadCAR(ctx, mem.New(0), bytes.NewReader(c.car), blob.Limits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := blob.ReadCAR(ctx, mem.New(0), bytes.NewReader(car.Bytes()), blob.Limits{Bytes: 1000}); !errors.Is(err, blob.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
}

func FuzzReadCAR(f *testing.F) {
	f.Add([]byte{57})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = blob.ReadCAR(t.Context(), mem.New(1<<20), bytes.NewReader(b), blob.Limits{Bytes: 1 << 20})
	})
}
