//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a task sends for a copy is a stranger's.
func TestUntarIsNotFooled(t *testing.T) {
	file := func(name string) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o4755, Size: 3}
	}
	for _, r := range []struct {
		name    string
		headers []*tar.Header
		err     string
		left    int
	}{
		{"a file", []*tar.Header{file("./base")}, "", 0},
		{"a directory", []*tar.Header{{Typeflag: tar.TypeDir, Name: "./base/", Mode: 0}, file("base/a"), file("base/b/c")}, "", 0},
		{"absolute", []*tar.Header{file("/etc/passwd")}, "is not inside base", 0},
		{"up", []*tar.Header{file("base/../../x")}, "is not inside base", 0},
		{"beside", []*tar.Header{file("basement")}, "is not inside base", 0},
		{"another", []*tar.Header{file("other")}, "is not inside base", 0},
		{"nothing", []*tar.Header{file("")}, "is not inside base", 0},
		{"through a link", []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "base/l", Linkname: "/tmp"}, file("base/l/x")}, "", 1},
		{"links alone", []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "base", Linkname: "/etc/shadow"}}, "", 1},
		{"hard link out", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "/etc/passwd"}}, "is not inside base", 0},
		{"hard link up", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "base/../../x"}}, "is not inside base", 0},
		{"hard link", []*tar.Header{file("base/a"), {Typeflag: tar.TypeLink, Name: "base/l", Linkname: "./base/a"}}, "", 0},
		{"hard link to nothing", []*tar.Header{{Typeflag: tar.TypeLink, Name: "base/l", Linkname: "base/a"}}, "no such file", 0},
		{"devices", []*tar.Header{{Typeflag: tar.TypeChar, Name: "base/c", Devmajor: 1, Devminor: 3}, {Typeflag: tar.TypeBlock, Name: "base/b"}, {Typeflag: tar.TypeFifo, Name: "base/f"}}, "", 3},
		{"twice", []*tar.Header{file("base/a"), file("base/a")}, "file exists", 0},
		{"file as directory", []*tar.Header{file("base"), file("base/a")}, "exists", 0},
		{"large", []*tar.Header{{Typeflag: tar.TypeReg, Name: "base", Size: 1 << 40}}, "more than the limit", 0},
		{"large together", []*tar.Header{file("base/a"), file("base/b"), file("base/c"), file("base/d")}, "more than the limit", 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			for _, h := range r.headers {
				if err := w.WriteHeader(h); err != nil {
					t.Fatal(err)
				}
				if h.Size == 3 {
					io.WriteString(w, "abc")
				}
			}
			w.Flush() // a tar that ends in the middle ends with an error
			if r.err == "" {
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			outer := t.TempDir()
			dir := filepath.Join(outer, "in")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			got, err := untar(&b, dir, "base", 10)
			if r.err == "" && err != nil || r.err != "" && (err == nil || !strings.Contains(err.Error(), r.err)) || got.left != r.left {
				t.Errorf("got %+v, %v; want %q and %d left out", got, err, r.err, r.left)
			}
			err = filepath.WalkDir(outer, func(p string, d os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				fi, err := d.Info()
				if err != nil {
					return err
				}
				if !fi.IsDir() && (!fi.Mode().IsRegular() || fi.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 || !strings.HasPrefix(p, filepath.Join(dir, "base"))) {
					t.Errorf("%s is %s", p, fi.Mode())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("without end", func(t *testing.T) {
		if _, err := untar(io.MultiReader(bytes.NewReader(make([]byte, 1024)), zeros{}), t.TempDir(), "base", 10); err == nil {
			t.Error("zeros without end were taken for a tar")
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
