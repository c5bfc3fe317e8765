package checkpoint

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

var task = artel.Hash{1, 2, 3}

func newKey(t testing.TB) Key {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pagesImg(path string, head []byte) bool {
	return strings.HasSuffix(path, "pages.img") || InPlace(path, head)
}

// zoo changes a directory at random, as programs do.
type zoo struct {
	t   testing.TB
	rng *rand.Rand
	dir string
}

func newZoo(t testing.TB, seed uint64) *zoo {
	z := &zoo{t, rand.New(rand.NewPCG(seed, 1)), filepath.Join(t.TempDir(), "state")}
	if err := os.Mkdir(z.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return z
}

func (z *zoo) must(err error) {
	z.t.Helper()
	if err != nil {
		z.t.Fatal(err)
	}
}

// bytes are partly random, partly text, partly zeros.
func (z *zoo) bytes(n int) []byte {
	b := make([]byte, n)
	for off := 0; off < n; {
		part := b[off:min(n, off+1+z.rng.IntN(90_000))]
		switch z.rng.IntN(3) {
		case 0:
			z.fill(part)
		case 1:
			copy(part, bytes.Repeat([]byte(fmt.Sprintf("line %d of a log\n", z.rng.IntN(9))), len(part)/16+1))
		}
		off += len(part)
	}
	return b
}

func (z *zoo) fill(b []byte) {
	for i := 0; i+8 <= len(b); i += 8 {
		v := z.rng.Uint64()
		for k := range 8 {
			b[i+k] = byte(v >> (8 * k))
		}
	}
}

// files lists what is there, links and directories apart.
func (z *zoo) list() (files, dirs []string) {
	dirs = append(dirs, ".")
	z.must(filepath.WalkDir(z.dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(z.dir, p)
		switch {
		case err != nil || rel == ".":
		case d.IsDir():
			dirs = append(dirs, rel)
		case d.Type().IsRegular():
			files = append(files, rel)
		}
		return err
	}))
	return files, dirs
}

func (z *zoo) pick(s []string) string { return s[z.rng.IntN(len(s))] }

func (z *zoo) step() {
	files, dirs := z.list()
	path := func(rel string) string { return filepath.Join(z.dir, rel) }
	name := filepath.Join(z.pick(dirs), z.pick([]string{"a", "b.bin", "Ω", "log.txt", "with space", "\xff", "c", "d", "e.pages.img"})+fmt.Sprint(z.rng.IntN(4)))
	if z.rng.IntN(8) == 0 {
		name = filepath.Join(z.pick(dirs), "pages.img")
	}
	if _, err := os.Lstat(path(name)); len(files) == 0 || err != nil && z.rng.IntN(3) == 0 {
		switch z.rng.IntN(6) {
		case 0:
			if strings.Count(name, "/") < 4 {
				z.must(os.Mkdir(path(name), 0o755))
			}
		case 1:
			z.must(os.Symlink(z.pick([]string{"a0", "./b/c", "nowhere", "."}), path(name)))
		case 2:
			z.must(os.WriteFile(path(name), nil, 0o600))
			z.must(os.Truncate(path(name), int64(z.rng.IntN(3<<20))))
		default:
			z.must(os.WriteFile(path(name), z.bytes(z.rng.IntN(900_000)>>z.rng.IntN(12)), 0o644))
		}
		return
	}
	f := path(z.pick(files))
	info, err := os.Stat(f)
	z.must(err)
	z.must(os.Chmod(f, 0o600))
	switch z.rng.IntN(8) {
	case 0:
		z.must(os.Remove(f))
		return
	case 1: // insert
		b, err := os.ReadFile(f)
		z.must(err)
		at := z.rng.IntN(len(b) + 1)
		z.must(os.WriteFile(f, append(append(append([]byte(nil), b[:at]...), z.bytes(z.rng.IntN(3000))...), b[at:]...), 0o600))
	case 2:
		z.must(os.Truncate(f, int64(z.rng.IntN(int(info.Size())+1))))
	case 3:
		z.must(os.Rename(f, path(filepath.Join(z.pick(dirs), "moved"+fmt.Sprint(z.rng.IntN(1000))))))
		return
	case 4:
		z.must(os.Chtimes(f, time.Time{}, time.Unix(z.rng.Int64N(1<<33)-1<<32, z.rng.Int64N(1e9))))
	default: // pages in place
		w, err := os.OpenFile(f, os.O_WRONLY, 0)
		z.must(err)
		for range z.rng.IntN(5) {
			_, err := w.WriteAt(z.bytes(1+z.rng.IntN(6000)), z.rng.Int64N(info.Size()+1)&^4095)
			z.must(err)
		}
		z.must(w.Close())
	}
	z.must(os.Chmod(f, fs.FileMode(z.rng.IntN(0o1000))|0o400))
}

// look describes all that is kept of a tree.
func look(t testing.TB, dir string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(p)
			seen[rel] = what + " -> " + to
			return err
		}
		what += " " + info.ModTime().UTC().Format(time.RFC3339Nano)
		if d.Type().IsRegular() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			what += " " + string(b)
		}
		seen[rel] = what
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func same(t testing.TB, a, b string) {
	t.Helper()
	x, y := look(t, a), look(t, b)
	for name, what := range x {
		if y[name] != what {
			t.Fatalf("%q: was %d bytes %.80q, is %d bytes %.80q", name, len(what), what, len(y[name]), y[name])
		}
		delete(y, name)
	}
	for name := range y {
		t.Fatalf("%q was not there", name)
	}
}

func want(m *Manifest) Want {
	return Want{Task: m.Task, Generation: m.Generation, Digest: m.Digest}
}

// copyOf is the store of a keeper that has the generation and nothing else.
func copyOf(t testing.TB, from blob.Store, root artel.Ref) *mem.Store {
	t.Helper()
	to := mem.New(0)
	blocks, err := Blocks(t.Context(), from, root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		data, err := from.Get(t.Context(), b.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Put(t.Context(), b.Ref, data); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
