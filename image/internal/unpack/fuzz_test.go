package unpack_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image/internal/unpack"
)

// FuzzLayer unpacks arbitrary bytes: no panic, nothing outside, nothing special inside.
func FuzzLayer(f *testing.F) {
	f.Add(pack(f, dir("d"), file("d/f", "x"), symlink("l", "../.."), hardlink("h", "d/f"), file("l/secret", "x"), file(".wh.d", "")))
	f.Add(pack(f, symlink("a", "/"), symlink("a/b", ".."), file("a/b/c", "")))
	f.Add(sparse(f, 1<<16))
	top := f.TempDir()
	secret := filepath.Join(top, "secret")
	if err := os.WriteFile(secret, []byte("the host's"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		box, err := os.MkdirTemp(top, "box")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(box)
		root := filepath.Join(box, "root")
		r, err := unpack.Open(root, unpack.Limits{Bytes: 1 << 20, Entries: 100, Ratio: 100})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Layer(t.Context(), bytes.NewReader(b)); err != nil && len(err.Error()) > 2000 {
			t.Errorf("a message of %d bytes", len(err.Error()))
		}
		harmless(t, root)
		if left, err := os.ReadDir(box); err != nil || len(left) != 1 {
			t.Fatalf("beside the root: %v, %v", left, err)
		}
		if b, err := os.ReadFile(secret); err != nil || string(b) != "the host's" {
			t.Fatalf("%q, %v", b, err)
		}
	})
}

func BenchmarkLayer(b *testing.B) {
	// About as well as programs do: to a third.
	r := rand.New(rand.NewPCG(1, 2))
	var words strings.Builder
	for words.Len() < 3<<20 {
		fmt.Fprintf(&words, "%x", r.Uint32())
		words.WriteString("the quick brown fox"[:r.IntN(19)])
	}
	text := words.String()
	var entries []entry
	for i := range 40 {
		entries = append(entries, file(fmt.Sprintf("usr/lib/big%d", i), text))
	}
	for i := range 4000 {
		entries = append(entries, file(fmt.Sprintf("usr/share/doc/p%d/f%d", i/20, i), text[:5000]))
	}
	plain := pack(b, entries...)
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(plain)
	w.Close()
	b.Logf("%d bytes, gzip %d", len(plain), gz.Len())
	z, _ := zstd.NewWriter(&zs)
	z.Write(plain)
	z.Close()
	lim := unpack.Limits{Bytes: 1 << 30, Entries: 1 << 20, Ratio: 1 << 20}
	for name, l := range map[string][]byte{"plain": plain, "gzip": gz.Bytes(), "zstd": zs.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			cpu := 0.0
			for i := range b.N {
				root := filepath.Join(b.TempDir(), fmt.Sprint(i))
				start := cpuSeconds()
				if err := bare(b, root, lim, l); err != nil {
					b.Fatal(err)
				}
				cpu += cpuSeconds() - start
				b.StopTimer()
				os.RemoveAll(root)
				b.StartTimer()
			}
			// On a busy machine this says more than the time on the wall.
			b.ReportMetric(float64(b.N*len(plain))/1e6/cpu, "MB/cpu-s")
		})
	}
}

// bare unpacks one layer and no more.
func bare(b *testing.B, root string, lim unpack.Limits, layer []byte) error {
	r, err := unpack.Open(root, lim)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.Layer(b.Context(), bytes.NewReader(layer))
	return err
}
