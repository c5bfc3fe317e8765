package unpack_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image/internal/unpack"
	"github.com/artel-network/artel/image/oci"
)

var limits = unpack.Limits{Bytes: 64 << 20, Entries: 1000, Ratio: 400}

type entry = tar.Header

func file(name, text string) entry {
	return entry{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Linkname: text}
}
func dir(name string) entry { return entry{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
func symlink(name, to string) entry {
	return entry{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777}
}
func hardlink(name, to string) entry {
	return entry{Typeflag: tar.TypeLink, Name: name, Linkname: to}
}

// pack writes a layer. The text of a file stands in Linkname.
func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text, h.Linkname = h.Linkname, ""
			h.Size = int64(len(text))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// around makes a directory with a secret beside the place for the root.
func around(t testing.TB) (root string, same func()) {
	t.Helper()
	top := t.TempDir()
	for _, name := range []string{"secret", "d/inside"} {
		p := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("the host's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root = filepath.Join(top, "root")
	before := tree(t, top, root)
	return root, func() {
		t.Helper()
		if after := tree(t, top, root); after != before {
			t.Fatalf("outside of the root, before\n%safter\n%s", before, after)
		}
	}
}

// tree describes all below dir but what is below skip: kind, mode, links, time, bytes.
func tree(t testing.TB, dir, skip string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == skip {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %v %d %q\n", rel, info.Mode(), info.ModTime().UnixNano(), data)
		case info.Mode().Type() == fs.ModeSymlink:
			to, _ := os.Readlink(p)
			fmt.Fprintf(&b, "%s -> %s\n", rel, to)
		default:
			fmt.Fprintf(&b, "%s %v\n", rel, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func run(t testing.TB, root string, lim unpack.Limits, layers ...[]byte) error {
	t.Helper()
	r, err := unpack.Open(root, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, l := range layers {
		d, err := r.Layer(t.Context(), bytes.NewReader(l))
		if err != nil {
			return err
		}
		if l[0] != 0x1f && l[0] != 0x28 && d != sha256.Sum256(l) {
			t.Fatalf("digest %s", d)
		}
	}
	return nil
}

// Each row is one bad entry in an otherwise sound image.
func TestHostileLayers(t *testing.T) {
	long := strings.Repeat("x", 256)
	max := int64(1)<<32 - 1
	beyond := int(max) // -1 where int is short, which is no better
	deep := strings.Repeat("d/", 129) + "f"
	for name, c := range map[string]struct {
		entries []entry
		want    error // nil: harmless
	}{
		"dotdot":                     {[]entry{file("../secret", "x")}, unpack.ErrUnsafe},
		"dotdot within":              {[]entry{file("a/../../secret", "x")}, unpack.ErrUnsafe},
		"dotdot that stays":          {[]entry{file("a/../b", "x")}, unpack.ErrUnsafe},
		"dotdot alone":               {[]entry{dir("..")}, unpack.ErrUnsafe},
		"absolute":                   {[]entry{file("/etc/passwd", "x")}, unpack.ErrUnsafe},
		"root is a file":             {[]entry{file(".", "x")}, unpack.ErrUnsafe},
		"root is a link":             {[]entry{symlink(".", "..")}, unpack.ErrUnsafe},
		"long name":                  {[]entry{file(long, "x")}, unpack.ErrUnsafe},
		"long path":                  {[]entry{file(strings.Repeat(strings.Repeat("y", 99)+"/", 60)+"f", "x")}, unpack.ErrUnsafe},
		"deep":                       {[]entry{file(deep, "x")}, unpack.ErrUnsafe},
		"newline":                    {[]entry{file("a\nb", "x")}, nil},
		"through a link out":         {[]entry{symlink("l", ".."), file("l/secret", "x")}, nil},
		"through an absolute link":   {[]entry{symlink("l", "/"), file("l/secret", "x")}, nil},
		"through links that climb":   {[]entry{symlink("l", "../../../../../../.."), dir("l/etc"), file("l/etc/shadow", "x")}, nil},
		"through a loop":             {[]entry{symlink("l", "m"), symlink("m", "l"), file("l/f", "x")}, unpack.ErrUnsafe},
		"through itself":             {[]entry{symlink("l", "l/l/l/l/l/l"), file("l/f", "x")}, unpack.ErrUnsafe},
		"over a link out":            {[]entry{symlink("l", "../secret"), file("l", "x")}, nil},
		"directory over a link out":  {[]entry{symlink("l", ".."), dir("l"), file("l/secret", "x")}, nil},
		"below a file":               {[]entry{file("f", "x"), file("f/g", "x")}, unpack.ErrUnsafe},
		"empty link":                 {[]entry{symlink("l", "")}, unpack.ErrUnsafe},
		"hard link out":              {[]entry{hardlink("h", "../secret")}, unpack.ErrUnsafe},
		"absolute hard link":         {[]entry{hardlink("h", "/etc/passwd")}, unpack.ErrUnsafe},
		"hard link through a link":   {[]entry{symlink("l", ".."), hardlink("h", "l/secret")}, unpack.ErrUnsafe},
		"hard link to a link out":    {[]entry{symlink("l", "../secret"), hardlink("h", "l"), file("h", "x")}, unpack.ErrUnsafe},
		"hard link to a directory":   {[]entry{dir("d"), hardlink("h", "d")}, unpack.ErrUnsafe},
		"hard link to the root":      {[]entry{hardlink("h", ".")}, unpack.ErrUnsafe},
		"hard link to itself":        {[]entry{file("f", "x"), hardlink("f", "f")}, unpack.ErrUnsafe},
		"hard link to nothing":       {[]entry{hardlink("h", "nothing")}, unpack.ErrUnsafe},
		"hard link replaces its own": {[]entry{file("d/f", "x"), hardlink("d", "d/f")}, unpack.ErrUnsafe},
		"whiteout of parent":         {[]entry{file(".wh...", "")}, unpack.ErrUnsafe},
		"whiteout of itself":         {[]entry{file("d/.wh..", "")}, unpack.ErrUnsafe},
		"whiteout of nothing":        {[]entry{file(".wh.", "")}, unpack.ErrUnsafe},
		"whiteout through a link":    {[]entry{symlink("l", ".."), file("l/.wh.secret", "")}, nil},
		"opaque through a link":      {[]entry{symlink("l", "../d"), file("l/.wh..wh..opq", "")}, nil},
		"whiteout as directory":      {[]entry{file(".wh.d/f", "x")}, unpack.ErrUnsafe},
		"hard link to a whiteout":    {[]entry{file("f", ""), hardlink("h", ".wh.f")}, unpack.ErrUnsafe},
		"device":                     {[]entry{{Typeflag: tar.TypeBlock, Name: "sda", Devmajor: 8, Mode: 0o666}}, nil},
		"character device":           {[]entry{{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3, Mode: 0o666}}, nil},
		"pipe":                       {[]entry{{Typeflag: tar.TypeFifo, Name: "pipe", Mode: 0o666}}, nil},
		"unknown kind":               {[]entry{{Typeflag: 'V', Name: "volume"}}, unpack.ErrUnsafe},
		"setuid":                     {[]entry{{Typeflag: tar.TypeReg, Name: "su", Mode: 0o6755}}, nil},
		"owner beyond":               {[]entry{{Typeflag: tar.TypeReg, Name: "f", Uid: beyond}}, unpack.ErrUnsafe},
		"negative owner":             {[]entry{{Typeflag: tar.TypeReg, Name: "f", Gid: -1}}, unpack.ErrUnsafe},
		"old times":                  {[]entry{{Typeflag: tar.TypeReg, Name: "f", ModTime: time.Unix(-1<<40, 0), Format: tar.FormatPAX}}, nil},
		"attributes":                 {[]entry{{Typeflag: tar.TypeReg, Name: "f", PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "x"}}}, nil},
		"many entries":               {slices.Repeat([]entry{dir("d")}, 1001), unpack.ErrTooLarge},
		"too many bytes":             {[]entry{file("f", strings.Repeat("x", 64<<20)), file("g", "x")}, unpack.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			root, same := around(t)
			base := pack(t, dir("etc"), file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"))
			err := run(t, root, limits, base, pack(t, c.entries...))
			same()
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), "entry ") || strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 1000) {
				t.Errorf("message %q", err)
			}
			harmless(t, root)
		})
	}
}

// harmless checks that a tree holds nothing but files, directories and links,
// none with special bits.
func harmless(t testing.TB, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if kind := info.Mode().Type(); kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func names(t testing.TB, root string) string {
	var list []string
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		list = append(list, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list[1:], " ")
}

func TestLayersAboveEachOther(t *testing.T) {
	for name, c := range map[string]struct {
		layers [][]entry
		want   string
	}{
		"whiteout":          {[][]entry{{file("a", ""), file("d/b", "")}, {file(".wh.a", ""), file("d/.wh.b", "")}}, "d"},
		"of a directory":    {[][]entry{{file("d/b/c", "")}, {file(".wh.d", "")}}, ""},
		"own layer stays":   {[][]entry{{file("d/old", "")}, {file("d/new", ""), file(".wh.d", "")}}, "d d/new"},
		"after, too":        {[][]entry{{file("d/old", "")}, {file(".wh.d", ""), file("d/new", "")}}, "d d/new"},
		"opaque":            {[][]entry{{file("d/old/x", ""), file("d/y", "")}, {file("d/old/new", ""), file("d/.wh..wh..opq", "")}}, "d d/old d/old/new"},
		"opaque first":      {[][]entry{{file("d/old", "")}, {file("d/.wh..wh..opq", ""), file("d/new", "")}}, "d d/new"},
		"opaque and absent": {[][]entry{{file("a", "")}, {file("d/.wh..wh..opq", "")}}, "a d"},
		"of what is absent": {[][]entry{{file("a", "")}, {file(".wh.b", ""), file("x/.wh.c", "")}}, "a"},
		"AUFS":              {[][]entry{{file(".wh..wh.plnk", ""), file(".wh..wh.aufs", "")}}, ""},
		"file for dir":      {[][]entry{{file("d/a", "")}, {file("d", "")}}, "d"},
		"link for dir":      {[][]entry{{file("d/a", ""), dir("e")}, {symlink("d", "e"), file("d/b", "")}}, "d e e/b"},
		"dir for file":      {[][]entry{{file("d", "")}, {dir("d"), file("d/a", "")}}, "d d/a"},
		"dir for link":      {[][]entry{{dir("usr"), symlink("bin", "usr")}, {dir("bin"), file("bin/a", "")}}, "bin bin/a usr"},
		"through a link":    {[][]entry{{dir("usr/bin"), symlink("bin", "usr/bin")}, {file("bin/a", "")}}, "bin usr usr/bin usr/bin/a"},
		"dangling link":     {[][]entry{{symlink("run", "/var/run")}, {file("run/pid", "")}}, "run var var/run var/run/pid"},
		"dir for dir":       {[][]entry{{file("d/a", "")}, {dir("d")}}, "d d/a"},
		"absolute, nested":  {[][]entry{{symlink("a/l", "/b")}, {file("a/l/f", "")}}, "a a/l b b/f"},
		"relative, nested":  {[][]entry{{symlink("a/l", "b")}, {file("a/l/f", "")}}, "a a/b a/b/f a/l"},
		"climbs, stops":     {[][]entry{{symlink("a/l", "../../../b")}, {file("a/l/f", "")}}, "a a/l b b/f"},
		"device for a file": {[][]entry{{file("dev/x", "")}, {{Typeflag: tar.TypeChar, Name: "dev/x"}}}, "dev"},
		"global header":     {[][]entry{{{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, file("a", "")}}, "a"},
		"hard link below":   {[][]entry{{file("a", "")}, {hardlink("b", "a")}}, "a b"},
		"dots and slashes":  {[][]entry{{dir("./"), dir("./a//b/"), file("./a/./b/c", "")}}, "a a/b a/b/c"},
	} {
		t.Run(name, func(t *testing.T) {
			root, same := around(t)
			var layers [][]byte
			for _, l := range c.layers {
				layers = append(layers, pack(t, l...))
			}
			if err := run(t, root, limits, layers...); err != nil {
				t.Fatal(err)
			}
			if got := names(t, root); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			same()
		})
	}
}

func TestFileAttributes(t *testing.T) {
	root, _ := around(t)
	when := time.Unix(1_700_000_000, 0)
	l := pack(t, entry{Typeflag: tar.TypeDir, Name: "tmp", Mode: 0o1777}, entry{Typeflag: tar.TypeReg, Name: "su", Mode: 0o6755, ModTime: when, Uid: 1234, Gid: 5678},
		file("f", "text"), hardlink("g", "f"), file("f", "other"))
	if err := run(t, root, limits, l); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, "su"))
	if err != nil || info.Mode() != 0o755 || !info.ModTime().Equal(when) {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(root, "tmp")); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("%v, %v", info, err)
	}
	// The second f is a new file: the hard link keeps the first one's bytes.
	if b, err := os.ReadFile(filepath.Join(root, "g")); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	wantOwner(t, filepath.Join(root, "su"), 1234, 5678)
}

func TestBrokenStreams(t *testing.T) {
	plain := pack(t, file("f", strings.Repeat("text", 1000)))
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	z, _ := zstd.NewWriter(&zs)
	for _, c := range []io.WriteCloser{w, z} {
		if _, err := c.Write(plain); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	flip := func(b []byte, at int) []byte { b = slices.Clone(b); b[at] ^= 0x55; return b }
	var bomb, zbomb bytes.Buffer
	bw := gzip.NewWriter(&bomb)
	zw, _ := zstd.NewWriter(&zbomb)
	for _, w := range []io.WriteCloser{bw, zw} {
		h := tar.NewWriter(w)
		if err := h.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "zeros", Size: 200 << 20}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(h, zeros{}, 200<<20); err != nil {
			t.Fatal(err)
		}
		h.Close()
		w.Close()
	}
	wide := limits
	wide.Bytes = 1 << 30
	for name, c := range map[string]struct {
		b    []byte
		lim  unpack.Limits
		want error
	}{
		"gzip":             {gz.Bytes(), limits, nil},
		"zstd":             {zs.Bytes(), limits, nil},
		"empty":            {nil, limits, nil},
		"plain, cut":       {plain[:1000], limits, oci.ErrMalformed},
		"plain, in header": {plain[:300], limits, oci.ErrMalformed},
		"gzip, cut":        {gz.Bytes()[:gz.Len()/2], limits, oci.ErrMalformed},
		"gzip, no end":     {gz.Bytes()[:gz.Len()-4], limits, oci.ErrMalformed},
		"zstd, cut":        {zs.Bytes()[:zs.Len()/2], limits, oci.ErrMalformed},
		"gzip, flipped":    {flip(gz.Bytes(), gz.Len()-6), limits, oci.ErrMalformed},
		"zstd, flipped":    {flip(zs.Bytes(), zs.Len()-2), limits, oci.ErrMalformed},
		"header, flipped":  {flip(plain, 150), limits, oci.ErrMalformed},
		"garbage":          {bytes.Repeat([]byte("garbage!"), 1000), limits, oci.ErrMalformed},
		"garbage after":    {append(slices.Clone(gz.Bytes()), "garbage"...), limits, oci.ErrMalformed},
		"gzip bomb":        {bomb.Bytes(), wide, unpack.ErrTooLarge},
		"zstd bomb":        {zbomb.Bytes(), wide, unpack.ErrTooLarge},
		"sparse":           {sparse(t, 1<<40), wide, unpack.ErrTooLarge},
		"sparse, within":   {sparse(t, 1<<20), wide, nil},
	} {
		t.Run(name, func(t *testing.T) {
			root, same := around(t)
			r, err := unpack.Open(root, c.lim)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			_, err = r.Layer(t.Context(), bytes.NewReader(c.b))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			same()
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sparse is a layer with a file of size bytes that is one hole but for its end,
// in the format of PAX 0.1, which archive/tar reads and does not write.
func sparse(t testing.TB, size int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "sparse", Size: 4, Format: tar.FormatPAX}
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("tail")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var records string
	for _, kv := range [][2]string{{"GNU.sparse.size", fmt.Sprint(size)}, {"GNU.sparse.numblocks", "1"}, {"GNU.sparse.map", fmt.Sprintf("%d,4", size-4)}} {
		n := len(kv[0]) + len(kv[1]) + 3
		for n != len(fmt.Sprint(n))+len(kv[0])+len(kv[1])+3 {
			n = len(fmt.Sprint(n)) + len(kv[0]) + len(kv[1]) + 3
		}
		records += fmt.Sprintf("%d %s=%s\n", n, kv[0], kv[1])
	}
	head := make([]byte, 512)
	copy(head, "pax")
	copy(head[100:], "0000644\x000000000\x000000000\x00")
	copy(head[124:], fmt.Sprintf("%011o\x0000000000000\x00        x", len(records)))
	copy(head[257:], "ustar\x0000")
	sum := 0
	for _, b := range head {
		sum += int(b)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	body := make([]byte, (len(records)+511)/512*512)
	copy(body, records)
	return slices.Concat(head, body, buf.Bytes())
}
