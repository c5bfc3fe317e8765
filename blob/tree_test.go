package blob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/mem"
)

func mkdir(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

func writeTree(t *testing.T, dir string, tree map[string][]byte) {
	t.Helper()
	for path, data := range tree {
		mkdir(t, dir, filepath.Dir(path))
		if err := os.WriteFile(filepath.Join(dir, path), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wantTree compares the files below dir with tree, and their modes.
func wantTree(t *testing.T, dir string, tree map[string][]byte) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if e.IsDir() {
			mode = fs.ModeDir | 0o755
		}
		if info.Mode()&^0o022 != mode&^0o022 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if e.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if want, ok := tree[rel]; !ok || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d (known: %v)", rel, len(got), len(want), ok)
		}
		found++
		return nil
	})
	if err != nil || found != len(tree) {
		t.Fatalf("%d files of %d, %v", found, len(tree), err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func addFile(t testing.TB, s blob.Store, data []byte) artel.Ref {
	t.Helper()
	ref, n, err := blob.AddFile(t.Context(), s, bytes.NewReader(data))
	if err != nil || n != int64(len(data)) {
		t.Fatalf("added %d bytes, %v", n, err)
	}
	return ref
}

func TestTreeRoundTrip(t *testing.T) {
	s := mem.New(0)
	host := t.TempDir()
	tree := map[string][]byte{
		"empty": nil, "one": {1}, "sub/a": blobtest.Bytes(1, 3*blob.LeafSize+1), "sub/b/c/d": []byte("d"),
		"new\nline": []byte("n"), "-rf": []byte("r"), "\xff\xfe": []byte("not UTF-8"), strings.Repeat("n", 255): []byte("long"),
	}
	writeTree(t, host, tree)
	mkdir(t, host, "hollow/hollow")
	ref, err := blob.AddDir(t.Context(), s, host, blob.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "new", "out")
	if err := blob.Extract(t.Context(), s, ref, out, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, out, tree)
	if _, err := os.Stat(filepath.Join(out, "hollow/hollow")); err != nil {
		t.Fatal(err)
	}
	again, err := blob.AddDir(t.Context(), s, out, blob.Limits{})
	if err != nil || again != ref {
		t.Fatalf("the copy is %s, the original %s, %v", again, ref, err)
	}
	// Extracting over it changes nothing and says so.
	wantErr(t, blob.Extract(t.Context(), s, ref, out, blob.Limits{}), fs.ErrExist)
	wantTree(t, out, tree)

	// The same directory, made of its entries.
	entries, err := blob.ReadDir(t.Context(), s, ref)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	made, err := blob.MakeDir(t.Context(), s, entries)
	if err != nil || made != ref {
		t.Fatalf("made %s, %v", made, err)
	}
}

func TestFileReads(t *testing.T) {
	s := mem.New(0)
	data := blobtest.Bytes(1, 1000)
	for _, leaf := range []int{7, 64, 1000, 4096} {
		ref, err := blob.ShortFile(t.Context(), s, bytes.NewReader(data), leaf, 3)
		if err != nil {
			t.Fatal(err)
		}
		f, err := blob.Open(t.Context(), s, ref)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() != 1000 {
			t.Fatalf("size %d", f.Size())
		}
		for _, off := range []int64{999, 0, 500, 6, 7, 8, 63, 64, 991} {
			p := make([]byte, 9)
			n, err := f.ReadAt(p, off)
			want := data[off:min(1000, off+9)]
			if !bytes.Equal(p[:n], want) || (n < 9) != (err == io.EOF) {
				t.Fatalf("leaf %d: %d bytes at %d, %v", leaf, n, off, err)
			}
		}
		for _, at := range []struct {
			off    int64
			whence int
			want   int64
		}{{10, io.SeekStart, 10}, {5, io.SeekCurrent, 15}, {-3, io.SeekEnd, 997}, {2000, io.SeekStart, 2000}} {
			pos, err := f.Seek(at.off, at.whence)
			if err != nil || pos != at.want {
				t.Fatal(pos, err)
			}
			got, err := io.ReadAll(io.LimitReader(f, 5))
			if want := data[min(1000, pos):min(1000, pos+5)]; err != nil || !bytes.Equal(got, want) {
				t.Fatalf("leaf %d: at %d %x, want %x, %v", leaf, pos, got, want, err)
			}
			f.Seek(pos, io.SeekStart)
		}
		if _, err := f.Seek(-1, io.SeekStart); err == nil {
			t.Fatal("seek before the start")
		}
		f.Seek(0, io.SeekStart)
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("leaf %d: read %d bytes, %v", leaf, len(got), err)
		}
	}
}

func TestKinds(t *testing.T) {
	s := mem.New(0)
	file := addFile(t, s, blobtest.Bytes(1, 2*blob.LeafSize))
	raw := addFile(t, s, []byte("raw"))
	dir, err := blob.MakeDir(t.Context(), s, []blob.Entry{{Name: "f", Ref: file}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = blob.Open(t.Context(), s, dir)
	wantErr(t, err, blob.ErrKind)
	for _, ref := range []artel.Ref{file, raw} {
		_, err = blob.ReadDir(t.Context(), s, ref)
		wantErr(t, err, blob.ErrKind)
		wantErr(t, blob.Extract(t.Context(), s, ref, t.TempDir(), blob.Limits{}), blob.ErrKind)
	}
	missing, _ := blobtest.Block(9, 9)
	_, err = blob.Open(t.Context(), s, missing)
	wantErr(t, err, blob.ErrNotFound)
	_, err = blob.Open(t.Context(), s, artel.Ref{})
	wantErr(t, err, blob.ErrNotFound)
	for _, bad := range [][]blob.Entry{
		{{Name: "..", Ref: raw}}, {{Name: ".", Ref: raw}}, {{Name: "", Ref: raw}}, {{Name: "a/b", Ref: raw}}, {{Name: "a\x00", Ref: raw}},
		{{Name: strings.Repeat("x", 256), Ref: raw}}, {{Name: "a", Ref: raw}, {Name: "a", Ref: file}},
	} {
		_, err := blob.MakeDir(t.Context(), s, bad)
		wantErr(t, err, blob.ErrMalformed)
	}
}

func TestAddDirLimits(t *testing.T) {
	host := t.TempDir()
	writeTree(t, host, map[string][]byte{"a": make([]byte, 100), "d/b": make([]byte, 100), "d/e/c": make([]byte, 100)})
	fits := blob.Limits{Bytes: 300, Files: 6, Depth: 2}
	if _, err := blob.AddDir(t.Context(), mem.New(0), host, fits); err != nil {
		t.Fatal(err)
	}
	for _, lim := range []blob.Limits{{Bytes: 299}, {Files: 5}, {Depth: 1}} {
		_, err := blob.AddDir(t.Context(), mem.New(0), host, lim)
		wantErr(t, err, blob.ErrLimit)
	}
	// A sparse terabyte is refused by its size, before it is read.
	f, err := os.Create(filepath.Join(host, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil {
		t.Skip("no sparse files here:", err)
	}
	_, err = blob.AddDir(t.Context(), mem.New(0), host, blob.Limits{})
	wantErr(t, err, blob.ErrLimit)
}

func TestAddDirSpecialFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	writeTree(t, filepath.Dir(secret), map[string][]byte{"secret": []byte("the host's")})
	link := func(to string) func(string) error {
		return func(path string) error { return os.Symlink(to, path) }
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want error
	}{
		"file within":      {link("file"), nil},
		"absolute, out":    {link(secret), blob.ErrUnsupported},
		"relative, out":    {link("../../../../../../../../etc/passwd"), blob.ErrUnsupported},
		"dangling":         {link("nowhere"), blob.ErrUnsupported},
		"to itself":        {link("x"), blob.ErrUnsupported},
		"to the directory": {link("."), blob.ErrUnsupported},
		"pipe":             {func(path string) error { return syscall.Mkfifo(path, 0o600) }, blob.ErrUnsupported},
		"link to a pipe": {func(path string) error {
			if err := syscall.Mkfifo(filepath.Dir(path)+"/y", 0o600); err != nil {
				return err
			}
			return os.Symlink("y", path)
		}, blob.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			host := t.TempDir()
			writeTree(t, host, map[string][]byte{"file": []byte("inside")})
			if err := c.make(filepath.Join(host, "x")); err != nil {
				t.Fatal(err)
			}
			s := mem.New(0)
			ref, err := blob.AddDir(t.Context(), s, host, blob.Limits{})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			out := t.TempDir()
			if err := blob.Extract(t.Context(), s, ref, out, blob.Limits{}); err != nil {
				t.Fatal(err)
			}
			wantTree(t, out, map[string][]byte{"file": []byte("inside"), "x": []byte("inside")})
		})
	}
}

// TestExtractMeetsSymlinks plants links where the directory's names will go.
func TestExtractMeetsSymlinks(t *testing.T) {
	s := mem.New(0)
	host := t.TempDir()
	writeTree(t, host, map[string][]byte{"d/f": []byte("written")})
	ref, err := blob.AddDir(t.Context(), s, host, blob.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(out, target string) error{
		"directory": func(out, target string) error { return os.Symlink(target, out+"/d") },
		"file": func(out, target string) error {
			if err := os.Mkdir(out+"/d", 0o755); err != nil {
				return err
			}
			return os.Symlink(target+"/f", out+"/d/f")
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, target := t.TempDir(), t.TempDir()
			if err := plant(out, target); err != nil {
				t.Fatal(err)
			}
			wantErr(t, blob.Extract(t.Context(), s, ref, out, blob.Limits{}), fs.ErrExist)
			if left, err := os.ReadDir(target); err != nil || len(left) != 0 {
				t.Fatalf("written through the link: %v, %v", left, err)
			}
		})
	}
}
