package debian

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image/oci"
)

// stand puts a program of that name before all others: sh runs the lines, in which
// $ARCHIVE is an archive and $CALLS a file that notes the calls.
func stand(t *testing.T, lines string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3},
		{Name: "./bin/true", Typeflag: tar.TypeReg, Mode: 0o755, Size: 4},
		{Name: "./bin/sh", Typeflag: tar.TypeSymlink, Linkname: "true", Mode: 0o777},
		{Name: "./bin/no", Typeflag: tar.TypeLink, Linkname: "./bin/true", Mode: 0o755},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("true")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	calls = filepath.Join(dir, "calls")
	script := "#!/bin/sh\nARCHIVE=" + f.Name() + "\necho \"$@\" >> " + calls + "\n" + lines + "\n"
	for name, text := range map[string]string{"mmdebstrap": script, "newuidmap": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if _, err := tool(); errors.Is(err, ErrUser) {
		t.Skip(err)
	}
	return calls
}

func TestMakeKeepsTheImage(t *testing.T) {
	calls := stand(t, `cat $ARCHIVE; head -c 10240 /dev/zero`)
	var told []string
	m := Maker{Dir: filepath.Join(t.TempDir(), "images"), Mirror: "http://mirror.example/debian", Tell: func(f string, _ ...any) { told = append(told, f) }}
	r := Recipe{Name: "small", Variant: "extract", Packages: []string{"a", "b"}, Exclude: []string{"/usr/share/doc/*"}, Config: oci.RunConfig{Cmd: []string{"/bin/true"}}}
	if m.Has(r) {
		t.Error("an image is there before it is made")
	}
	var layout string
	for range 2 {
		var err error
		if layout, err = m.Make(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	const call = "--variant=extract --include=a,b --format=tar --dpkgopt=path-exclude=/usr/share/doc/* bookworm - http://mirror.example/debian\n"
	if b, err := os.ReadFile(calls); err != nil || string(b) != call {
		t.Errorf("mmdebstrap was called, %v:\n%s", err, b)
	}
	if got, want := strings.Join(entries(t, layout), " "), "./ ./bin/true ./bin/sh ./bin/no"; got != want {
		t.Errorf("the image holds %q, want %q", got, want)
	}
	if len(told) != 3 || !m.Has(r) {
		t.Errorf("told %q, has %v", told, m.Has(r))
	}
	// Another recipe takes the place of the image.
	r.Packages = r.Packages[:1]
	if m.Has(r) {
		t.Error("the image of another recipe counts")
	}
	if _, err := m.Make(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(calls); strings.Count(string(b), "\n") != 2 {
		t.Errorf("mmdebstrap was called:\n%s", b)
	}
	if es, err := os.ReadDir(m.Dir); err != nil || len(es) != 2 {
		t.Errorf("the directory holds %v, %v", es, err)
	}
}

// entries are the names in an image's layer.
func entries(t *testing.T, layout string) (names []string) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(layout, "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		f, err := os.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err != nil {
				break // the end, or no layer
			}
			names = append(names, h.Name)
		}
	}
	return names
}

func TestMakeSaysWhatIsWrong(t *testing.T) {
	r := Recipe{Name: "small", Variant: "extract", Packages: []string{"a"}}
	for name, c := range map[string]struct{ script, want string }{
		"it fails":          {`echo "E: Unable to locate package a" >&2; exit 100`, "E: Unable to locate package a"},
		"it fails half way": {`head -c 700 $ARCHIVE; echo "E: no space" >&2; exit 1`, "E: no space"},
		"it writes rubbish": {`head -c 4096 /dev/urandom; exec sleep 60`, "read mmdebstrap's archive"},
	} {
		t.Run(name, func(t *testing.T) {
			stand(t, c.script)
			m := Maker{Dir: t.TempDir()}
			_, err := m.Make(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "small") {
				t.Errorf("%v; want %q", err, c.want)
			}
			if es, _ := os.ReadDir(m.Dir); m.Has(r) || len(es) > 0 {
				t.Errorf("it leaves %v", es)
			}
		})
	}
	t.Run("it is not there", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := Maker{Dir: t.TempDir()}.Make(context.Background(), r)
		if !errors.Is(err, ErrTool) || !strings.Contains(err.Error(), "hint: apt install mmdebstrap") {
			t.Error(err)
		}
	})
}
