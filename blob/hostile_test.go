package blob_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

// The encoder of this file writes whatever it is told; blocks of these tests
// come from here and not from the package.

func field(tag byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{tag}, uint64(len(body))), body...)
}

func number(tag byte, v uint64) []byte { return binary.AppendUvarint([]byte{tag}, v) }

func pbLink(ref artel.Ref, name string, tsize uint64) []byte {
	return field(0x12, join(field(0x0a, ref.Bytes()), field(0x12, []byte(name)), number(0x18, tsize)))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// unixfs returns the data field: kind, file size and block sizes.
func unixfs(kind byte, size uint64, sizes ...uint64) []byte {
	b := join([]byte{0x08, kind}, number(0x18, size))
	for _, n := range sizes {
		b = append(b, number(0x20, n)...)
	}
	return field(0x0a, b)
}

var dirData = field(0x0a, []byte{0x08, 1})

func put(t testing.TB, s blob.Store, codec byte, data []byte) artel.Ref {
	t.Helper()
	ref, err := blob.RefOf(codec, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	return ref
}

func node(t testing.TB, s blob.Store, parts ...[]byte) artel.Ref {
	t.Helper()
	return put(t, s, artel.CodecDagPB, join(parts...))
}

// TestNodes changes one thing at a time of a sound directory and a sound file.
func TestNodes(t *testing.T) {
	s := mem.New(0)
	leaf := put(t, s, artel.CodecRaw, []byte("leaf"))
	v0 := append([]byte{0x12, 0x20}, make([]byte, 32)...)
	other := append([]byte{1, 0x71, 0x12, 0x20}, make([]byte, 32)...) // dag-cbor
	many := strings.Repeat("x", 256)
	f := unixfs(2, 4, 4)
	fileLink := pbLink(leaf, "", 4)
	rows := []struct {
		name  string
		block []byte
		want  error
	}{
		{"sound directory", join(pbLink(leaf, "a", 4), pbLink(leaf, "b", 4), dirData), nil},
		{"sound file", join(fileLink, f), nil},
		{"sound leaf", field(0x0a, join([]byte{0x08, 2}, field(0x12, []byte("hi")), number(0x18, 2))), nil},
		{"empty file", field(0x0a, []byte{0x08, 2, 0x18, 0}), nil},
		{"mode and mtime", join(fileLink, field(0x0a, join([]byte{0x08, 2, 0x18, 4, 0x20, 4}, number(0x38, 0o755), field(0x42, []byte{0x08, 1})))), nil},
		{"wrong tsize", join(pbLink(leaf, "", math.MaxUint64), f), nil}, // a hint that nobody relies on

		{"empty block", nil, blob.ErrMalformed},
		{"garbage", []byte("garbage"), blob.ErrMalformed},
		{"no data", pbLink(leaf, "a", 4), blob.ErrMalformed},
		{"data before links", join(dirData, pbLink(leaf, "a", 4)), blob.ErrMalformed},
		{"two data", join(dirData, dirData), blob.ErrMalformed},
		{"trailing byte", join(dirData, []byte{0}), blob.ErrMalformed},
		{"unknown field", join(dirData, field(0x1a, nil)), blob.ErrMalformed},
		{"truncated", join(pbLink(leaf, "a", 4), dirData)[:40], blob.ErrMalformed},
		{"length past the end", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, blob.ErrMalformed},
		{"varint of eleven bytes", append([]byte{0x0a}, bytes.Repeat([]byte{0x80}, 11)...), blob.ErrMalformed},
		{"varint too long", []byte{0x0a, 0x82, 0x00, 0x08, 0x01}, blob.ErrMalformed},
		{"link without hash", join(field(0x12, join(field(0x12, []byte("a")), number(0x18, 4))), dirData), blob.ErrMalformed},
		{"link without size", join(field(0x12, join(field(0x0a, leaf.Bytes()), field(0x12, []byte("a")))), dirData), blob.ErrMalformed},
		{"link with more", join(field(0x12, join(field(0x0a, leaf.Bytes()), field(0x12, []byte("a")), number(0x18, 4), number(0x20, 4))), dirData), blob.ErrMalformed},
		{"link to a CIDv0", join(field(0x12, join(field(0x0a, v0), field(0x12, []byte("a")), number(0x18, 4))), dirData), blob.ErrMalformed},
		{"link to another codec", join(field(0x12, join(field(0x0a, other), field(0x12, []byte("a")), number(0x18, 4))), dirData), blob.ErrMalformed},

		{"name ..", join(pbLink(leaf, "..", 4), dirData), blob.ErrMalformed},
		{"name .", join(pbLink(leaf, ".", 4), dirData), blob.ErrMalformed},
		{"no name", join(pbLink(leaf, "", 4), dirData), blob.ErrMalformed},
		{"name with slash", join(pbLink(leaf, "a/b", 4), dirData), blob.ErrMalformed},
		{"name /etc", join(pbLink(leaf, "/etc", 4), dirData), blob.ErrMalformed},
		{"name with NUL", join(pbLink(leaf, "a\x00", 4), dirData), blob.ErrMalformed},
		{"name of 256 bytes", join(pbLink(leaf, many, 4), dirData), blob.ErrMalformed},
		{"a name twice", join(pbLink(leaf, "a", 4), pbLink(leaf, "a", 4), dirData), blob.ErrMalformed},
		{"not sorted", join(pbLink(leaf, "b", 4), pbLink(leaf, "a", 4), dirData), blob.ErrMalformed},
		{"directory with a size", join(field(0x0a, []byte{0x08, 1, 0x18, 0})), blob.ErrMalformed},

		{"a file's link with a name", join(pbLink(leaf, "a", 4), f), blob.ErrMalformed},
		{"file without sizes", join(fileLink, unixfs(2, 4)), blob.ErrMalformed},
		{"one size too many", join(fileLink, unixfs(2, 8, 4, 4)), blob.ErrMalformed},
		{"sizes do not sum up", join(fileLink, unixfs(2, 5, 4)), blob.ErrMalformed},
		{"empty child", join(fileLink, fileLink, unixfs(2, 4, 4, 0)), blob.ErrMalformed},
		{"sizes overflow", join(fileLink, fileLink, unixfs(2, 2, math.MaxInt64, math.MaxInt64)), blob.ErrMalformed},
		{"sizes overflow 64 bits", join(fileLink, fileLink, unixfs(2, 0, math.MaxUint64, 1)), blob.ErrMalformed},
		{"data and links", join(fileLink, field(0x0a, join([]byte{0x08, 2}, field(0x12, []byte("hi")), number(0x18, 6), number(0x20, 4)))), blob.ErrMalformed},
		{"leaf of another size", field(0x0a, join([]byte{0x08, 2}, field(0x12, []byte("hi")), number(0x18, 3))), blob.ErrMalformed},

		{"symlink", field(0x0a, join([]byte{0x08, 4}, field(0x12, []byte("/etc/passwd")))), blob.ErrUnsupported},
		{"shard", field(0x0a, join([]byte{0x08, 5}, number(0x28, 0x22), number(0x30, 256))), blob.ErrUnsupported},
		{"metadata", field(0x0a, []byte{0x08, 3}), blob.ErrUnsupported},
		{"unknown kind", field(0x0a, []byte{0x08, 77}), blob.ErrUnsupported},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			ref := node(t, s, row.block)
			_, err := blob.ReadDir(t.Context(), s, ref)
			if row.want == nil {
				if _, ferr := blob.Open(t.Context(), s, ref); err != nil && ferr != nil {
					t.Fatal(err, ferr)
				}
				return
			}
			wantErr(t, err, row.want)
			_, err = blob.Open(t.Context(), s, ref)
			wantErr(t, err, row.want)
			// Within a directory it is refused as well.
			dir := node(t, s, pbLink(ref, "x", 4), dirData)
			wantErr(t, blob.Extract(t.Context(), s, dir, t.TempDir(), blob.Limits{}), row.want)
		})
	}
}

// TestWrongSizesBelow declares what the parts do not hold.
func TestWrongSizesBelow(t *testing.T) {
	s := mem.New(0)
	leaf := put(t, s, artel.CodecRaw, []byte("leaf"))
	sound := node(t, s, pbLink(leaf, "", 4), unixfs(2, 4, 4))
	dir := node(t, s, pbLink(leaf, "a", 4), dirData)
	for name, c := range map[string]struct {
		ref  artel.Ref
		want error
	}{
		"leaf longer than declared":  {node(t, s, pbLink(leaf, "", 4), unixfs(2, 3, 3)), blob.ErrMalformed},
		"leaf shorter than declared": {node(t, s, pbLink(leaf, "", 4), unixfs(2, 1<<40, 1<<40)), blob.ErrMalformed},
		"node longer than declared":  {node(t, s, pbLink(sound, "", 4), unixfs(2, 1, 1)), blob.ErrMalformed},
		"directory within a file":    {node(t, s, pbLink(dir, "", 4), unixfs(2, 4, 4)), blob.ErrKind},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := blob.Open(t.Context(), s, c.ref)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, f)
			wantErr(t, err, c.want)
			root := node(t, s, pbLink(c.ref, "x", 4), dirData)
			if err := blob.Extract(t.Context(), s, root, t.TempDir(), blob.Limits{Bytes: math.MaxInt64}); err == nil {
				t.Fatal("extracted")
			}
		})
	}
}

// bombs returns roots that are small to hold and huge to unpack.
func bombs(t testing.TB, s blob.Store) map[string]artel.Ref {
	// a: one leaf of a mebibyte, 1000 times at each of three levels: a petabyte.
	big := put(t, s, artel.CodecRaw, make([]byte, blob.LeafSize))
	size := uint64(blob.LeafSize)
	at := big
	for range 3 {
		at, size = wide(t, s, at, size, 1000), 1000*size
	}
	bytesBomb := node(t, s, pbLink(at, "f", 1), dirData)

	// b: one leaf of a byte, so that a legal 10^9 bytes cost 10^9 visits.
	one := put(t, s, artel.CodecRaw, []byte{1})
	at, size = one, 1
	for range 3 {
		at, size = wide(t, s, at, size, 1000), 1000*size
	}
	visits := node(t, s, pbLink(at, "f", 1), dirData)

	// c: directories of two names for one directory: 2^60 files.
	empty := put(t, s, artel.CodecRaw, nil)
	tree := node(t, s, pbLink(empty, "f", 0), dirData)
	for range 60 {
		tree = node(t, s, pbLink(tree, "a", 0), pbLink(tree, "b", 0), dirData)
	}

	// d: a chain of directories.
	deep := node(t, s, dirData)
	for range 5000 {
		deep = node(t, s, pbLink(deep, "d", 0), dirData)
	}

	// e: a chain of nodes in a file.
	at = one
	for range 5000 {
		at = node(t, s, pbLink(at, "", 1), unixfs(2, 1, 1))
	}
	chain := node(t, s, pbLink(at, "f", 1), dirData)
	return map[string]artel.Ref{"bytes": bytesBomb, "visits": visits, "files": tree, "deep": deep, "chain": chain}
}

func wide(t testing.TB, s blob.Store, child artel.Ref, size uint64, n int) artel.Ref {
	sizes := make([]uint64, n)
	for i := range sizes {
		sizes[i] = size
	}
	return node(t, s, bytes.Repeat(pbLink(child, "", size), n), unixfs(2, size*uint64(n), sizes...))
}

func TestBombs(t *testing.T) {
	s := mem.New(0)
	for name, root := range bombs(t, s) {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			lim := blob.Limits{Bytes: 2 << 30, Files: 1000, Blocks: 10_000}
			wantErr(t, blob.Extract(t.Context(), s, root, out, lim), blob.ErrLimit)
			var written int64
			filepath.Walk(out, func(_ string, info os.FileInfo, err error) error {
				if err == nil && info.Mode().IsRegular() {
					written += info.Size()
				}
				return err
			})
			if written > 10_000 {
				t.Fatalf("%d bytes were written", written)
			}
			// Marking for GC visits each block once, however often it appears.
			if freed, err := blob.GC(t.Context(), s, only(root), never); err != nil || freed.Blocks != 0 {
				t.Fatal(freed, err)
			}
		})
	}
}

func FuzzNode(f *testing.F) {
	s := mem.New(0)
	leaf := put(f, s, artel.CodecRaw, []byte("leaf"))
	f.Add(join(pbLink(leaf, "a", 4), pbLink(leaf, "b", 4), dirData))
	f.Add(join(pbLink(leaf, "", 4), unixfs(2, 4, 4)))
	f.Add(field(0x0a, join([]byte{0x08, 2}, field(0x12, []byte("hi")), number(0x18, 2))))
	f.Add(field(0x0a, join([]byte{0x08, 1}, number(0x38, 0o755), field(0x42, []byte{0x08, 1}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, dir, size, err := blob.Recode(b)
		if err != nil {
			return
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %x", b, again)
		}
		if size < 0 || dir && size != 0 {
			t.Fatalf("directory %v of size %d", dir, size)
		}
	})
}
