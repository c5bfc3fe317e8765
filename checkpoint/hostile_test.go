package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

// small saves a small tree of every kind of entry, in two generations.
func small(t testing.TB) (dir string, store *mem.Store, key Key, first, second *Manifest) {
	t.Helper()
	z := newZoo(t, 7)
	dir, store, key = z.dir, mem.New(0), newKey(t)
	z.must(os.Mkdir(filepath.Join(dir, "sub"), 0o750))
	z.must(os.WriteFile(filepath.Join(dir, "sub", "model"), z.bytes(3000), 0o640))
	z.must(os.WriteFile(filepath.Join(dir, "a.pages.img"), z.bytes(3*PageSize), 0o600))
	z.must(os.Symlink("sub/model", filepath.Join(dir, "latest")))
	o := Options{Pages: pagesImg}
	var err error
	first, _, err = Save(t.Context(), store, key, dir, nil, Meta{Task: task}, o)
	z.must(err)
	z.must(os.WriteFile(filepath.Join(dir, "sub", "model"), z.bytes(3100), 0o640))
	second, _, err = Save(t.Context(), store, key, dir, first, Meta{Task: task}, o)
	z.must(err)
	return dir, store, key, first, second
}

// liar is a store that gives other bytes for one block, as a store would that
// does not compare hashes.
type liar struct {
	blob.Store
	ref  artel.Ref
	data []byte
}

func (l liar) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	if ref == l.ref {
		return bytes.Clone(l.data), nil
	}
	return l.Store.Get(ctx, ref)
}

// TestEveryByte: no byte of any block can be changed, added or left out without
// being noticed, even where the store does not compare hashes; and nothing is left
// behind.
func TestEveryByte(t *testing.T) {
	_, store, key, _, m := small(t)
	blocks, err := Blocks(t.Context(), store, m.Root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	n := 0
	try := func(what string, ref artel.Ref, data []byte) {
		t.Helper()
		_, err := Load(t.Context(), liar{store, ref, data}, key, m.Root, want(m), Options{})
		if n++; n%16 == 0 && err != nil { // they read alike; one of them writes besides
			_, err = Restore(t.Context(), liar{store, ref, data}, key, m.Root, want(m), back, Options{})
		}
		if err == nil {
			t.Fatalf("%s of block %s is not noticed", what, ref)
		}
		for _, is := range []error{ErrKey, ErrMalformed, ErrOther, ErrLimit, blob.ErrMalformed, blob.ErrUnsupported, blob.ErrNotFound} {
			if errors.Is(err, is) {
				empty(t, back)
				return
			}
		}
		t.Fatalf("%s of block %s: %v", what, ref, err)
	}
	for _, b := range blocks {
		data, err := store.Get(t.Context(), b.Ref)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			if b.List && !matters(t, store, m, b.Ref, data, i) {
				continue // a size hint of the list, which says nothing
			}
			bad := bytes.Clone(data)
			bad[i] ^= 1 << (i % 8)
			try("changing a byte", b.Ref, bad)
		}
		if !b.List {
			try("leaving out a byte", b.Ref, data[:len(data)-1])
			try("adding a byte", b.Ref, append(bytes.Clone(data), 0))
			try("emptying", b.Ref, nil)
		}
	}
	t.Logf("%d changes to %d blocks", n, len(blocks))
}

// matters says whether the changed byte of a list makes it another list. The store
// compares its hash in any case: this is for a store that does not.
func matters(t *testing.T, store blob.Store, m *Manifest, ref artel.Ref, data []byte, i int) bool {
	t.Helper()
	bad := bytes.Clone(data)
	bad[i] ^= 1 << (i % 8)
	was, err := readList(t.Context(), store, m.Root, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	is, err := readList(t.Context(), liar{store, ref, bad}, m.Root, DefaultLimits())
	if err != nil || len(is.leaves) != len(was.leaves) {
		return true
	}
	for n := range is.leaves {
		if is.leaves[n] != was.leaves[n] {
			return true
		}
	}
	return false
}

func empty(t *testing.T, dir string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if len(names) > 0 {
		t.Fatalf("%s is left behind", names[0].Name())
	}
}

// TestWithheld: each block that a keeper withholds is named, with what it is.
func TestWithheld(t *testing.T) {
	_, store, key, _, m := small(t)
	blocks, err := Blocks(t.Context(), store, m.Root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		keeper := copyOf(t, store, m.Root)
		if err := keeper.Delete(t.Context(), b.Ref, time.Time{}); err != nil {
			t.Fatal(err)
		}
		back := filepath.Join(t.TempDir(), "back")
		_, err := Restore(t.Context(), keeper, key, m.Root, want(m), back, Options{})
		if !errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), b.Ref.String()) || !strings.Contains(err.Error(), "hint") {
			t.Errorf("withheld: %v", err)
		}
		empty(t, back)
		if _, err := Verify(t.Context(), keeper, m.Root, Limits{}); !errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), b.Ref.String()) {
			t.Errorf("withheld, verify: %v", err)
		}
		missing, err := Missing(t.Context(), keeper, m.Root, Limits{})
		if err != nil || len(missing) != 1 || missing[0] != b.Ref {
			t.Errorf("missing %v, %v", missing, err)
		}
	}
}

// TestWrongOnes: another key, task, generation, digest, and blocks that are sound
// but stand in another's place.
func TestWrongOnes(t *testing.T) {
	_, store, key, first, m := small(t)
	back := filepath.Join(t.TempDir(), "back")
	for _, x := range []struct {
		what string
		key  Key
		root artel.Ref
		want Want
		is   error
	}{
		{"key", newKey(t), m.Root, want(m), ErrKey},
		{"task", key, m.Root, Want{Task: artel.Hash{4}, Generation: 2}, ErrKey},
		{"generation", key, m.Root, Want{Task: task, Generation: 3}, ErrOther},
		{"an old generation", key, first.Root, want(m), ErrOther},
		{"digest", key, m.Root, Want{Task: task, Digest: artel.Hash{4}}, ErrOther},
		{"a leaf", key, m.packs[0].ref, want(m), ErrMalformed},
		{"nothing", key, artel.Ref{}, want(m), ErrMalformed},
	} {
		if _, err := Restore(t.Context(), store, x.key, x.root, x.want, back, Options{}); !errors.Is(err, x.is) {
			t.Errorf("wrong %s: %v", x.what, err)
		}
		if _, err := Describe(t.Context(), store, x.key, x.root, x.want, Limits{}); !errors.Is(err, x.is) {
			t.Errorf("describe wrong %s: %v", x.what, err)
		}
		empty(t, back)
	}
	// An old head in the place of the new one, an old pack in the place of a new one.
	head := func(m *Manifest) artel.Ref {
		l, err := readList(t.Context(), store, m.Root, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		return l.leaves[0]
	}
	for _, swap := range [][2]artel.Ref{{head(m), head(first)}, {m.packs[0].ref, m.packs[len(m.packs)-1].ref}, {m.packs[0].ref, head(m)}, {head(m), m.packs[0].ref}} {
		data, err := store.Get(t.Context(), swap[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), liar{store, swap[0], data}, key, m.Root, want(m), back, Options{}); err == nil {
			t.Errorf("block %s instead of %s is not noticed", swap[1], swap[0])
		}
		empty(t, back)
	}
	if _, _, err := Save(t.Context(), store, key, t.TempDir(), m, Meta{Task: artel.Hash{4}}, Options{}); !errors.Is(err, ErrOther) {
		t.Errorf("parent of another task: %v", err)
	}
}

// forge makes a generation of an index that its saver made up. The chunks it may
// refer to are in one pack: 4 pages, then 3 bytes.
type forge struct {
	t     testing.TB
	store *mem.Store
	key   Key
	enc   *zstd.Encoder
	seal  *sealer
}

func newForge(t testing.TB) *forge {
	key := newKey(t)
	seal, err := newSealer(key, task)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enc.Close() })
	return &forge{t, mem.New(0), key, enc, seal}
}

var forgedPages = bytes.Repeat([]byte("page"), 4*PageSize/4)

// make returns a root. edit may change the head before it is sealed.
func (f *forge) make(index []byte, bytesTotal int64, files int, edit func(*head)) artel.Ref {
	f.t.Helper()
	h := &head{Manifest: Manifest{Info: Info{Meta: Meta{Task: task}, Generation: 1, Bytes: bytesTotal, Files: files}, next: 9}, indexLen: int64(len(index))}
	pack := func(id uint32, lengths []uint32, data []byte) {
		plain := encodePack(nil, lengths, data)
		sealed, err := f.seal.seal(nil, kindPack, 1, id, f.enc.EncodeAll(plain, nil))
		if err != nil {
			f.t.Fatal(err)
		}
		h.packs = append(h.packs, packInfo{id: id, born: 1, plain: uint32(len(plain)), sealed: uint32(len(sealed)), ref: f.put(sealed)})
	}
	pack(0, []uint32{PageSize, PageSize, PageSize, PageSize, 3}, append(bytes.Clone(forgedPages), "end"...))
	var lengths []uint32
	for n := len(index); n > 0; n -= maxChunk {
		lengths = append(lengths, uint32(min(n, maxChunk)))
	}
	if len(index) > 0 {
		pack(1, lengths, index)
		h.index = []run{{pack: 1, bytes: uint32(len(index)), more: uint16(len(lengths) - 1)}}
	} else {
		h.packs = h.packs[:1]
	}
	if edit != nil {
		edit(h)
	}
	block, err := sealHead(f.seal, h)
	if err != nil {
		f.t.Fatal(err)
	}
	parts := []blob.Part{{Ref: f.put(block), Size: int64(len(block))}}
	for _, p := range h.packs {
		parts = append(parts, p.part())
	}
	root, _, err := blob.MakeFile(f.t.Context(), f.store, parts)
	if err != nil {
		f.t.Fatal(err)
	}
	return root
}

func (f *forge) put(data []byte) artel.Ref {
	f.t.Helper()
	ref, err := blob.RefOf(artel.CodecRaw, data)
	if err == nil {
		err = f.store.Put(f.t.Context(), ref, data)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return ref
}

// file writes an entry with given runs.
func file(depth int, name string, size int64, runs ...uint64) []byte {
	b := appendEntry(nil, &entry{kind: kindContent, depth: depth, path: name, perm: 0o644, size: size})
	for _, v := range runs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func other(k kind, depth int, name, target string) []byte {
	return appendEntry(nil, &entry{kind: k, depth: depth, path: name, perm: 0o755, target: target})
}

// raw writes an entry whose name is not checked by anything.
func raw(k kind, depth int, name string, perm uint64) []byte {
	b := []byte{byte(k)}
	b = binary.AppendUvarint(b, uint64(depth))
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, perm)
	return appendVarint(b, 0)
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestForged: what somebody makes up who has the key. None of it is written
// anywhere but into the directory, and none of it takes more than was said.
func TestForged(t *testing.T) {
	f := newForge(t)
	all := file(0, "use", 16387, 1, 0, 5, 16387) // uses all of the pack
	const tb = int64(1) << 40
	for _, x := range []struct {
		what  string
		index []byte
		bytes int64
		files int
		edit  func(*head)
		is    error
	}{
		{"a name that goes up", cat(raw(kindDir, 0, "..", 0o755), all), 16387, 2, nil, ErrMalformed},
		{"a name with a slash", cat(raw(kindDir, 0, "a/../../b", 0o755), all), 16387, 2, nil, ErrMalformed},
		{"an absolute name", cat(raw(kindDir, 0, "/etc", 0o755), all), 16387, 2, nil, ErrMalformed},
		{"an empty name", cat(raw(kindDir, 0, "", 0o755), all), 16387, 2, nil, ErrMalformed},
		{"a long name", cat(raw(kindDir, 0, strings.Repeat("x", 256), 0o755), all), 16387, 2, nil, ErrMalformed},
		{"a name twice", cat(other(kindDir, 0, "a", ""), other(kindDir, 0, "a", ""), all), 16387, 3, nil, ErrMalformed},
		{"names out of order", cat(all, other(kindDir, 0, "a", "")), 16387, 2, nil, ErrMalformed},
		{"a file in a file", cat(all, file(1, "x", 0)), 16387, 2, nil, ErrMalformed},
		{"a file in a link", cat(other(kindLink, 0, "a", "b"), file(1, "x", 0), all), 16387, 3, nil, ErrMalformed},
		{"a file too deep", cat(other(kindDir, 0, "a", ""), file(2, "x", 0), all), 16387, 3, nil, ErrMalformed},
		{"an absolute link", cat(other(kindLink, 0, "a", "/etc/passwd"), all), 16387, 2, nil, ErrMalformed},
		{"a link up", cat(other(kindLink, 0, "a", "../x"), all), 16387, 2, nil, ErrMalformed},
		{"a link down and up", cat(other(kindLink, 0, "a", "b/../../x"), all), 16387, 2, nil, ErrMalformed},
		{"an empty link", cat(other(kindLink, 0, "a", ""), all), 16387, 2, nil, ErrMalformed},
		{"a device", cat(raw(9, 0, "null", 0o666), all), 16387, 2, nil, ErrMalformed},
		{"setuid", cat(raw(kindDir, 0, "a", 0o4755), all), 16387, 2, nil, ErrMalformed},
		{"a file with a wrong digest", all, 16387, 1, nil, ErrMalformed},
		{"a sparse terabyte", cat(file(0, "big", tb, 0, uint64(tb)), all), tb + 16387, 2, nil, ErrLimit},
		{"a terabyte that is not declared", cat(file(0, "big", tb, 0, uint64(tb)), all), 16387, 2, nil, ErrLimit},
		{"more than declared", cat(file(0, "big", 1<<30, 0, 1<<30), all), 16387, 2, nil, ErrMalformed},
		{"less than declared", all, 16388, 1, nil, ErrMalformed},
		{"more files than declared", cat(file(0, "a", 0), all), 16387, 1, nil, ErrMalformed},
		{"runs past the end", file(0, "use", 16386, 1, 0, 5, 16387), 16386, 1, nil, ErrMalformed},
		{"runs that lie about their length", file(0, "use", 16386, 1, 0, 5, 16386), 16386, 1, nil, ErrMalformed},
		{"a run of no chunks", file(0, "use", 16387, 1, 0, 0, 16387), 16387, 1, nil, ErrMalformed},
		{"a run of no bytes", file(0, "use", 16387, 1, 0, 5, 0), 16387, 1, nil, ErrMalformed},
		{"a run of chunks that are not there", file(0, "use", 16387, 1, 0, 6, 16387), 16387, 1, nil, ErrMalformed},
		{"a run that begins nowhere", file(0, "use", 16387, 1, 60000, 5, 16387), 16387, 1, nil, ErrMalformed},
		{"a pack that is not listed", file(0, "use", 16387, 8, 0, 5, 16387), 16387, 1, nil, ErrMalformed},
		{"no zeros, forever", file(0, "use", 16387, 0, 0, 0, 0), 16387, 1, nil, ErrMalformed},
		{"an index that ends early", all[:len(all)-1], 16387, 1, nil, ErrMalformed},
		{"an index that goes on", cat(all, []byte{1}), 16387, 1, nil, ErrMalformed},
		{"a pack that nobody needs", file(0, "a", 0), 0, 1, nil, ErrMalformed},
		{"no index at all", nil, 0, 0, nil, ErrMalformed},
		{"the same pack twice", all, 16387, 1, func(h *head) { h.packs = append(h.packs, h.packs[1]) }, ErrMalformed},
		{"ids that do not rise", all, 16387, 1, func(h *head) { h.packs[0].id, h.packs[1].id = 1, 0 }, ErrMalformed},
		{"an id that comes again", all, 16387, 1, func(h *head) { h.next = 1 }, ErrMalformed},
		{"a pack from the future", all, 16387, 1, func(h *head) { h.packs[0].born = 2 }, ErrMalformed},
		{"a pack of another generation", all, 16387, 1, func(h *head) { h.Generation, h.Parent, h.packs[0].born = 2, h.packs[0].ref, 2 }, ErrKey},
		{"an orphan", all, 16387, 1, func(h *head) { h.Generation = 2 }, ErrMalformed},
		{"a bomb", all, 16387, 1, func(h *head) { h.packs[0].plain = 4 }, ErrMalformed},
		{"a pack that is shorter", all, 16387, 1, func(h *head) { h.packs[0].plain = packPlain }, ErrMalformed},
		{"a pack over the size", all, 16387, 1, func(h *head) { h.packs[0].plain = packPlain + 1 }, ErrMalformed},
		{"a block of another length", all, 16387, 1, func(h *head) { h.packs[0].sealed++ }, ErrMalformed},
		{"an index of a terabyte", all, 16387, 1, func(h *head) { h.indexLen = tb }, ErrLimit},
		{"a billion files", all, 16387, 1e9, nil, ErrLimit},
		{"index runs that lie", all, 16387, 1, func(h *head) { h.index[0].bytes-- }, ErrMalformed},
	} {
		t.Run(x.what, func(t *testing.T) {
			f.t = t
			root := f.make(x.index, x.bytes, x.files, x.edit)
			outside := t.TempDir()
			back := filepath.Join(outside, "back")
			lim := Limits{Bytes: 1 << 31}
			_, err := Restore(t.Context(), f.store, f.key, root, Want{Task: task}, back, Options{Limits: lim})
			if !errors.Is(err, x.is) {
				t.Fatalf("%v", err)
			}
			t.Log(err)
			empty(t, back)
			if names, _ := os.ReadDir(outside); len(names) > 1 {
				t.Fatalf("wrote outside: %v", names)
			}
			if _, err := Load(t.Context(), f.store, f.key, root, Want{Task: task}, Options{Limits: lim}); !errors.Is(err, x.is) {
				t.Fatalf("load: %v", err)
			}
		})
	}
}

// TestForgedSound: the forge is not refused for its own mistakes.
func TestForgedSound(t *testing.T) {
	f := newForge(t)
	d := newDigest("file")
	for i := range 5 {
		chunk := append(bytes.Clone(forgedPages), "end"...)[i*PageSize : min(len(forgedPages)+3, (i+1)*PageSize)]
		ps := []piece{{data: chunk, n: int64(len(chunk))}}
		newCutter(f.seal.id, func(chunkID) ([32]byte, bool) { return [32]byte{}, false }).hash(ps)
		d.add(ps[0])
	}
	e := entry{kind: kindContent, path: "use", perm: 0o644, size: 16387, sum: d.sum()}
	index := append(appendEntry(nil, &e), 1, 0, 5, 0x83, 0x80, 0x01)
	root := f.make(index, 16387, 1, func(h *head) { h.Digest = treeDigest([]entry{e}) })
	back := filepath.Join(t.TempDir(), "back")
	if _, err := Restore(t.Context(), f.store, f.key, root, Want{Task: task}, back, Options{}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(back, "use")); err != nil || string(b) != string(forgedPages)+"end" {
		t.Fatal(err)
	}
}

// TestLists: lists that a stranger makes up, which need no key.
func TestLists(t *testing.T) {
	f := newForge(t)
	leaf := f.put([]byte("leaf"))
	wide := make([]blob.Part, 3000)
	for i := range wide {
		wide[i] = blob.Part{Ref: leaf, Size: 4}
	}
	many, _, err := blob.MakeFile(t.Context(), f.store, wide)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := blob.MakeDir(t.Context(), f.store, []blob.Entry{{Name: "x", Ref: leaf}})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what string
		root artel.Ref
		is   error
	}{{"too many", many, ErrLimit}, {"a directory", dir, ErrMalformed}, {"a leaf", leaf, ErrMalformed}} {
		lim := Limits{Packs: 2000}
		if _, err := Blocks(t.Context(), f.store, x.root, lim); !errors.Is(err, x.is) {
			t.Errorf("%s: %v", x.what, err)
		}
		if _, err := Verify(t.Context(), f.store, x.root, lim); !errors.Is(err, x.is) {
			t.Errorf("verify %s: %v", x.what, err)
		}
		if err := Drop(t.Context(), f.store, x.root, nil, lim); !errors.Is(err, x.is) {
			t.Errorf("drop %s: %v", x.what, err)
		}
	}
	if ok, _ := blob.Has(t.Context(), f.store, leaf); !ok {
		t.Error("a list that was refused had its leaf deleted")
	}
}

// TestNotKept: what a program may have made that is not kept.
func TestNotKept(t *testing.T) {
	for what, make := range map[string]func(dir string) error{
		"link out":    func(d string) error { return os.Symlink("/etc/passwd", filepath.Join(d, "x")) },
		"link up":     func(d string) error { return os.Symlink("..", filepath.Join(d, "x")) },
		"link around": func(d string) error { return os.Symlink("a/../../x", filepath.Join(d, "x")) },
		"pipe":        func(d string) error { return mkfifo(filepath.Join(d, "x")) },
		"sparse monster": func(d string) error {
			if err := os.WriteFile(filepath.Join(d, "x"), nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(filepath.Join(d, "x"), 1<<40)
		},
		"many files": func(d string) error {
			for i := range 200 {
				if err := os.WriteFile(filepath.Join(d, string(rune('a'+i))), nil, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		dir, store := t.TempDir(), mem.New(0)
		if err := make(dir); errors.Is(err, errors.ErrUnsupported) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		_, _, err := Save(t.Context(), store, newKey(t), dir, nil, Meta{Task: task}, Options{Limits: Limits{Files: 100}})
		if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSparseTerabyte: holes cost nothing where the host tells them.
func TestSparseTerabyte(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("holes are told on Linux alone")
	}
	dir, store, key := t.TempDir(), mem.New(0), newKey(t)
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 40
	for _, off := range []int64{0, 5<<30 + 77, size - 3} {
		if _, err := f.WriteAt([]byte("abc"), off); err != nil {
			t.Skip("no such file here:", err)
		}
	}
	f.Close()
	o := Options{Limits: Limits{Bytes: 2 << 40}}
	m, stats, err := Save(t.Context(), store, key, dir, nil, Meta{Task: task}, o)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Sent > 10_000 {
		t.Errorf("%d bytes for three of three bytes", stats.Sent)
	}
	back := filepath.Join(t.TempDir(), "back")
	if _, err := Restore(t.Context(), store, key, m.Root, want(m), back, o); err != nil {
		t.Fatal(err)
	}
	g, err := os.Open(filepath.Join(back, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, off := range []int64{0, 5<<30 + 77, size - 3} {
		b := make([]byte, 3)
		if _, err := g.ReadAt(b, off); err != nil || string(b) != "abc" {
			t.Fatalf("at %d: %q, %v", off, b, err)
		}
	}
	if end := nextData(g, 6<<30, size); end < size-(1<<20) {
		t.Errorf("restored with data at %d", end)
	}
}

// TestChanging: a file that changes while it is read is noticed.
func TestChanging(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{Pages: func(string, []byte) bool { // between the first look and the last
		if err := os.WriteFile(path, bytes.Repeat([]byte{1}, rand.IntN(1<<20)), 0o644); err != nil {
			t.Error(err)
		}
		return false
	}}
	if _, _, err := Save(t.Context(), mem.New(0), newKey(t), dir, nil, Meta{Task: task}, o); !errors.Is(err, ErrChanged) {
		t.Fatal(err)
	}
}
