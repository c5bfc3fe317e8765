package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/blob"
)

// FuzzHead: any bytes that somebody with the key seals as a head.
func FuzzHead(f *testing.F) {
	_, store, key, first, second := small(f)
	seal, err := newSealer(key, task)
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []*Manifest{first, second} {
		l, err := readList(f.Context(), store, m.Root, DefaultLimits())
		if err != nil {
			f.Fatal(err)
		}
		b, err := store.Get(f.Context(), l.leaves[0])
		if err != nil {
			f.Fatal(err)
		}
		plain, err := seal.open(kindHead, m.Generation, 0, b[headClear:])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain, m.Generation)
	}
	f.Fuzz(func(t *testing.T, b []byte, generation uint64) {
		lim := DefaultLimits()
		h, err := decodeHead(b, generation, lim)
		if err != nil {
			return
		}
		if h.Bytes > lim.Bytes || h.Files > lim.Files || len(h.packs) > lim.Packs || h.indexLen > lim.Index || h.Stored > lim.Stored {
			t.Fatalf("over the limits: %+v", h)
		}
		if again := h.encode(); !bytes.Equal(again, b) {
			t.Fatalf("decodes to what encodes otherwise:\n%x\n%x", b, again)
		}
	})
}

// FuzzClearHead: any bytes in the place of a head block.
func FuzzClearHead(f *testing.F) {
	_, store, key, first, _ := small(f)
	l, err := readList(f.Context(), store, first.Root, DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	b, err := store.Get(f.Context(), l.leaves[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:headClear])
	f.Fuzz(func(t *testing.T, b []byte) {
		seal, err := newSealer(key, task)
		if err != nil {
			t.Fatal(err)
		}
		h, err := openHead(seal, b, Want{Task: task}, DefaultLimits())
		if err == nil && h.Generation != 1 {
			t.Fatal("a forged head opens")
		}
	})
}

// FuzzPack: any content of a pack.
func FuzzPack(f *testing.F) {
	f.Add(encodePack(nil, []uint32{PageSize, PageSize, 3}, make([]byte, 2*PageSize+3)))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := decodePack(b)
		if err != nil {
			return
		}
		n, lengths := 0, []uint32{}
		for i := range u.ends {
			n += len(u.chunk(i))
			lengths = append(lengths, uint32(len(u.chunk(i))))
		}
		if n != len(u.data) || len(u.ends) > packChunks {
			t.Fatalf("%d chunks of %d bytes in %d", len(u.ends), n, len(u.data))
		}
		if v, err := decodePack(encodePack(nil, lengths, u.data)); err != nil || !bytes.Equal(v.data, u.data) || len(v.ends) != len(u.ends) {
			t.Fatal("does not come back", err)
		}
	})
}

// FuzzIndex: any index, restored in full from packs that are sound. Nothing is
// written outside the directory, nothing is left behind, and no more than allowed.
func FuzzIndex(f *testing.F) {
	f.Add(cat(other(kindDir, 0, "a", ""), file(1, "x", 16387, 1, 0, 5, 16387), other(kindLink, 0, "b", "a/x")))
	f.Add(cat(file(0, "sparse", 1<<20, 0, 1<<19, 1, 1, 2, 8192, 0, 1<<19-8192), file(0, "x", 16387, 1, 0, 4, 16384, 1, 4, 1, 3)))
	f.Add(raw(kindDir, 0, "../x", 0o755))
	f.Fuzz(func(t *testing.T, index []byte) {
		if len(index) > 64<<10 {
			return
		}
		g := newForge(t)
		lim := Limits{Bytes: 1 << 24, Files: 100, Runs: 1000}.orDefault()
		// The numbers that the head declares are those of the index, or it would
		// go no further.
		d := indexDecoder{r: reader{b: index}, packs: map[uint32]uint32{0: 0}, lim: lim}
		for d.r.err == nil && len(d.r.b) > 0 {
			d.entry()
		}
		root := g.make(index, min(d.bytes, lim.Bytes), len(d.entries), func(h *head) {
			if d.r.err == nil {
				h.Digest = treeDigest(d.entries)
			}
		})
		outside := t.TempDir()
		back := filepath.Join(outside, "back")
		_, err := Restore(t.Context(), g.store, g.key, root, Want{Task: task}, back, Options{Limits: lim})
		if err != nil {
			empty(t, back)
		}
		if names, _ := os.ReadDir(outside); len(names) > 1 {
			t.Fatalf("wrote outside: %v", names)
		}
	})
}

// FuzzList: any node in the place of a root, in a store that does not compare
// hashes.
func FuzzList(f *testing.F) {
	_, store, key, first, second := small(f)
	for _, m := range []*Manifest{first, second} {
		b, err := store.Get(f.Context(), m.Root)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > blob.MaxBlock {
			return
		}
		s := liar{store, second.Root, b}
		lim := Limits{Packs: 1000}
		blocks, err := Blocks(t.Context(), s, second.Root, lim)
		if err == nil && len(blocks) > 2100 {
			t.Fatalf("%d blocks", len(blocks))
		}
		Verify(t.Context(), s, second.Root, lim)
		Missing(t.Context(), s, second.Root, lim)
		back := filepath.Join(t.TempDir(), "back")
		if _, err := Restore(t.Context(), s, key, second.Root, want(second), back, Options{Limits: lim}); err != nil {
			empty(t, back)
		}
	})
}

// FuzzCut: any content is cut into what it was, and the same twice.
func FuzzCut(f *testing.F) {
	f.Add([]byte("hello"), uint32(100_000), false)
	f.Add(make([]byte, 70_000), uint32(9), true)
	f.Fuzz(func(t *testing.T, b []byte, times uint32, pages bool) {
		content := bytes.Repeat(b, min(int(times), 1+300_000/(len(b)+1)))
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		seal, err := newSealer(Key{}, task)
		if err != nil {
			t.Fatal(err)
		}
		c := newCutter(seal.id, func(chunkID) ([32]byte, bool) { return [32]byte{}, false })
		var sums [2][32]byte
		for i := range sums {
			var got []byte
			d := newDigest("file")
			err := c.run(t.Context(), r, int64(len(content)), pages, func(p piece) error {
				d.add(p)
				if p.data == nil {
					got = append(got, make([]byte, p.n)...)
				} else if got = append(got, p.data...); len(p.data) > maxChunk {
					t.Fatalf("chunk of %d bytes", len(p.data))
				}
				return nil
			})
			if err != nil || !bytes.Equal(got, content) {
				t.Fatal("cut into something else", err)
			}
			sums[i] = d.sum()
		}
		if sums[0] != sums[1] {
			t.Fatal("cut differently")
		}
	})
}
