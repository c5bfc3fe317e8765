//go:build linux

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func free() error { return nil }

// save writes the trees, and files in place of gVisor's, into a new directory.
func save(t testing.TB, trees ...Tree) string {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := SaveTrees(root, trees, free); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(root.WriteFile(StateFile, []byte("kernel"), 0o600), root.WriteFile(PagesMetaFile, []byte("table"), 0o600),
		root.WriteFile(PagesFile, make([]byte, 2*Page), 0o600), root.WriteFile(LogFile, []byte("log"), 0o600)); err != nil {
		t.Fatal(err)
	}
	facts := Facts{Descriptors: 256}
	facts.LogBytes = 3
	if _, err := Seal(root, facts); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree is everything below a directory that a program can see.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q %v %v", path[len(dir):], info.Mode(), info.Size())
		if info.Mode().Type() == fs.ModeSymlink {
			to, err := os.Readlink(path)
			fmt.Fprintf(&b, " -> %q\n", to)
			return err
		}
		fmt.Fprintf(&b, " %d", info.ModTime().UnixNano())
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", content[:min(len(content), 64)])
			fmt.Fprintf(&b, " %d zeros", bytes.Count(content, []byte{0}))
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func hostile(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "new\nline", "\xff\xfe", "..a", " ", strings.Repeat("n", 255), `back\slash`, "-rf", "$(x)"} {
		must(os.WriteFile(filepath.Join(dir, name), []byte(name), 0o640))
	}
	deep := dir
	for range 64 {
		deep = filepath.Join(deep, "deep")
		must(os.Mkdir(deep, 0o750))
	}
	must(os.WriteFile(filepath.Join(deep, "end"), []byte("end"), 0o755))
	must(os.Symlink("/etc/passwd", filepath.Join(dir, "abs")))
	must(os.Symlink("../../..", filepath.Join(dir, "up")))
	must(os.Symlink("\xff", filepath.Join(dir, "dangling")))
	f, err := os.Create(filepath.Join(dir, "sparse"))
	must(err)
	_, err = f.WriteAt([]byte("middle"), 10<<20)
	must(err)
	must(f.Truncate(40<<20 + 1))
	must(f.Close())
	must(os.WriteFile(filepath.Join(dir, "zeros"), make([]byte, 100_000), 0o600))
	must(os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600))
	must(os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Unix(1, 5)))
	must(os.Chmod(filepath.Join(dir, "deep"), 0o700))
	must(os.Chtimes(filepath.Join(dir, "deep"), time.Time{}, time.Unix(77, 0)))
	return dir
}

func bounds(dir string) Tree { return Tree{Dir: dir, Bytes: 64 << 20, Entries: 1000} }

func TestTrees(t *testing.T) {
	out, ckpt := hostile(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(ckpt, "count"), []byte("7"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := save(t, bounds(out), bounds(ckpt))
	facts, err := ReadFacts(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(dir, facts, free); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, ContentFile), &st); err != nil || st.Blocks*512 > 1<<20 {
		t.Errorf("holes were filled: %d blocks, %v", st.Blocks, err)
	}
	out2, ckpt2 := t.TempDir(), t.TempDir()
	if err := RestoreTrees(dir, []Tree{bounds(out2), bounds(ckpt2)}, free); err != nil {
		t.Fatal(err)
	}
	if got, want := tree(t, out2), tree(t, out); got != want {
		t.Errorf("/out is\n%s\nwant\n%s", got, want)
	}
	if got, want := tree(t, ckpt2), tree(t, ckpt); got != want {
		t.Errorf("/checkpoint is\n%s\nwant\n%s", got, want)
	}
	if err := syscall.Stat(filepath.Join(out2, "sparse"), &st); err != nil || st.Blocks*512 > 1<<20 {
		t.Errorf("holes were filled: %d blocks, %v", st.Blocks, err)
	}
	for name, trees := range map[string][]Tree{
		"bytes":   {{Dir: t.TempDir(), Bytes: 1 << 20, Entries: 1000}, bounds(t.TempDir())},
		"files":   {{Dir: t.TempDir(), Bytes: 64 << 20, Entries: 50}, bounds(t.TempDir())},
		"no tree": {bounds(t.TempDir()), {}},
	} {
		if err := RestoreTrees(dir, trees, free); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

func TestStop(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	enough := errors.New("enough")
	if err := SaveTrees(root, []Tree{bounds(hostile(t))}, func() error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	Clear(root)
	if left, _ := fs.ReadDir(root.FS(), "."); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestStopOfRestore: taking a checkpoint up can be ended at any point, in the middle of
// a large file too.
func TestStopOfRestore(t *testing.T) {
	from := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(from, name), bytes.Repeat([]byte("x"), 3<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := save(t, bounds(from))
	facts, err := ReadFacts(dir)
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	after := func(n int) func() error {
		return func() error {
			if n--; n < 0 {
				return enough
			}
			return nil
		}
	}
	for n := range 6 {
		if err := Verify(dir, facts, after(n)); !errors.Is(err, enough) {
			t.Errorf("verify, after %d: %v", n, err)
		}
		out := t.TempDir()
		if err := RestoreTrees(dir, []Tree{bounds(out)}, after(n)); !errors.Is(err, enough) {
			t.Errorf("restore, after %d: %v", n, err)
		}
	}
}

// TestEntries mutates an index that is good.
func TestEntries(t *testing.T) {
	line := func(e entry) string {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	name := func(s string) []byte { return []byte(s) }
	d := line(entry{Name: name("d"), Kind: "d"})
	var deep strings.Builder
	for i := range maxDepth + 1 {
		deep.WriteString(line(entry{Parent: i, Name: name("d"), Kind: "d"}))
	}
	for what, index := range map[string]string{
		"dots":                 line(entry{Name: name(".."), Kind: "d"}),
		"a dot":                line(entry{Name: name("."), Kind: "d"}),
		"no name":              line(entry{Kind: "d"}),
		"a slash":              line(entry{Name: name("a/b"), Kind: "d"}),
		"a zero":               line(entry{Name: name("a\x00b"), Kind: "d"}),
		"a long name":          line(entry{Name: bytes.Repeat([]byte("x"), 256), Kind: "d"}),
		"twice":                d + d,
		"a parent to come":     line(entry{Parent: 1, Name: name("a"), Kind: "d"}),
		"a negative parent":    line(entry{Parent: -1, Name: name("a"), Kind: "d"}),
		"another tree":         line(entry{Tree: 2, Name: name("a"), Kind: "d"}),
		"a negative tree":      line(entry{Tree: -1, Name: name("a"), Kind: "d"}),
		"a parent of another":  d + line(entry{Tree: 1, Parent: 1, Name: name("a"), Kind: "d"}),
		"a link for a parent":  line(entry{Name: name("l"), Kind: "l", Link: name("/tmp")}) + line(entry{Parent: 1, Name: name("a"), Kind: "f"}),
		"a file over a link":   line(entry{Name: name("l"), Kind: "l", Link: name("/tmp/x")}) + line(entry{Name: name("l"), Kind: "f"}),
		"a device":             line(entry{Name: name("a"), Kind: "c"}),
		"a negative size":      line(entry{Name: name("a"), Kind: "f", Size: -1}),
		"a large size":         line(entry{Name: name("a"), Kind: "f", Size: 1 << 62}),
		"content not there":    line(entry{Name: name("a"), Kind: "f", Size: 1}),
		"a link to nothing":    line(entry{Name: name("a"), Kind: "l"}),
		"a link with a zero":   line(entry{Name: name("a"), Kind: "l", Link: name("\x00")}),
		"too deep":             deep.String(),
		"a line without end":   strings.Repeat("x", maxLine+1),
		"no JSON":              "x\n",
		"content nobody needs": "",
	} {
		dir, out := t.TempDir(), t.TempDir()
		content := []byte(nil)
		if what == "content nobody needs" {
			content = make([]byte, Page)
		}
		if err := errors.Join(os.WriteFile(filepath.Join(dir, IndexFile), []byte(index), 0o600), os.WriteFile(filepath.Join(dir, ContentFile), content, 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := RestoreTrees(dir, []Tree{bounds(out), bounds(t.TempDir())}, free); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
	}
}

// FuzzCheckpoint reads facts, index and content that anybody may have written, into
// directories beside which lies a file that is not to be touched.
func FuzzCheckpoint(f *testing.F) {
	dir := save(f, bounds(hostile(f)), bounds(f.TempDir()))
	var seeds [][]byte
	for _, name := range []string{FactsFile, IndexFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	f.Add(seeds[0], seeds[1], []byte("content"))
	f.Add([]byte(`{}`), []byte(`{"t":0,"p":0,"n":"YQ==","k":"f","s":5}`), make([]byte, Page))
	f.Add([]byte(`{}`), []byte(`{"t":1,"p":0,"n":"YQ==","k":"l","l":"Li4v"}`+"\n"+`{"t":1,"p":1,"n":"YQ==","k":"f"}`), []byte{})
	f.Fuzz(func(t *testing.T, facts, index, content []byte) {
		if parsed, err := ParseFacts(facts); err == nil {
			var sum int64
			for _, file := range parsed.Files {
				sum += file.Bytes
			}
			if sum != parsed.Bytes || sum < 0 || len(parsed.Files) != len(Images) {
				t.Errorf("facts %+v", parsed)
			}
		}
		home := t.TempDir()
		from, out, ckpt, other := filepath.Join(home, "from"), filepath.Join(home, "out"), filepath.Join(home, "checkpoint"), filepath.Join(home, "other")
		for _, d := range []string{from, out, ckpt} {
			if err := os.Mkdir(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.WriteFile(other, []byte("the owner's"), 0o600), os.WriteFile(filepath.Join(from, IndexFile), index, 0o600),
			os.WriteFile(filepath.Join(from, ContentFile), content, 0o600)); err != nil {
			t.Fatal(err)
		}
		const maxBytes, maxEntries = 1 << 20, 20
		err := RestoreTrees(from, []Tree{{Dir: out, Bytes: maxBytes, Entries: maxEntries}, {Dir: ckpt, Bytes: maxBytes, Entries: maxEntries}}, free)
		if b, rerr := os.ReadFile(other); rerr != nil || string(b) != "the owner's" {
			t.Fatalf("the file beside them is %q, %v", b, rerr)
		}
		if entries, _ := os.ReadDir(home); len(entries) != 4 {
			t.Fatalf("beside them there is now %v", entries)
		}
		for _, d := range []string{out, ckpt} {
			var size, n int64
			_ = filepath.WalkDir(d, func(path string, e fs.DirEntry, err error) error {
				if path == d {
					return nil
				}
				n++
				info, ierr := os.Lstat(path)
				if ierr == nil && info.Mode().IsRegular() {
					size += info.Size()
				}
				if ierr == nil && info.Mode().Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 || ierr == nil && info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
					t.Errorf("%q is %v (%v)", path, info.Mode(), err)
				}
				return nil
			})
			if size > maxBytes || n > maxEntries {
				t.Errorf("%d bytes in %d entries, %v", size, n, err)
			}
		}
	})
}
