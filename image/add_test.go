package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

func write(t testing.TB, name string, f func(io.Writer) error) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	w, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := f(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAdd(t *testing.T) {
	b := app("a")
	tarOf := func(b oci.Build) func(io.Writer) error {
		return func(w io.Writer) error { _, err := b.WriteTar(w); return err }
	}
	dir, tops := layout(t, b)
	packed := b
	packed.Compression = oci.Zstd
	for name, c := range map[string]struct {
		file, name string
		digest     image.Digest // zero: whatever it is
	}{
		"directory":   {dir, "", tops[0].Digest},
		"by name":     {dir, "a", tops[0].Digest},
		"archive":     {write(t, "a.tar", tarOf(b)), "", tops[0].Digest},
		"zstd layers": {write(t, "a.tar", tarOf(packed)), "", image.Digest{}},
		"gzip archive": {write(t, "a.tgz", func(w io.Writer) error {
			z := gzip.NewWriter(w)
			if err := tarOf(b)(z); err != nil {
				return err
			}
			return z.Close()
		}), "", tops[0].Digest},
		"zstd archive": {write(t, "a.tar.zst", func(w io.Writer) error {
			z, err := zstd.NewWriter(w)
			if err != nil {
				return err
			}
			if err := tarOf(b)(z); err != nil {
				return err
			}
			return z.Close()
		}), "", tops[0].Digest},
		"docker save": {write(t, "a.tar", b.WriteDockerTar), "", image.Digest{}},
		"docker save, by name": {write(t, "a.tar", func(w io.Writer) error {
			b := b
			b.Name = "a:latest"
			return b.WriteDockerTar(w)
		}), "a", image.Digest{}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := store(t, image.Options{})
			var last image.Progress
			pin, err := s.Add(t.Context(), c.file, c.name, func(p image.Progress) { last = p })
			if err != nil {
				t.Fatal(err)
			}
			if !c.digest.IsZero() && pin.Digest != c.digest || pin.Size == 0 || len(pin.Platforms) != 1 || pin.Source != "" {
				t.Errorf("%+v", pin)
			}
			if last.Done == 0 || last.Peers+last.Registry != 0 {
				t.Errorf("%+v", last)
			}
			img := ensure(t, s, image.Want{Digest: pin.Digest})
			defer img.Release()
			if img.Pulled.Registry+img.Pulled.Peers != 0 {
				t.Errorf("%+v", img.Pulled)
			}
			wantApp(t, img, "a")
			again, err := s.Add(t.Context(), c.file, c.name, nil)
			if err != nil || again.Digest != pin.Digest {
				t.Errorf("again: %v, %v", again, err)
			}
		})
	}
}

// TestAddManyPlatforms: an index, a layout that is one, and one of which the file
// has a part.
func TestAddManyPlatforms(t *testing.T) {
	dir := t.TempDir()
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	parts := platforms(t, l, "amd64", "arm64", "s390x")
	absent := oci.Descriptor{MediaType: oci.TypeManifest, Digest: oci.DigestOf([]byte("x")), Size: 1, Platform: &oci.Platform{OS: "linux", Arch: "mips"}}
	artifact, err := l.Blob(oci.TypeManifest, []byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.example"},"layers":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	index, err := l.Index("all", append(parts, absent, artifact)...)
	if err != nil {
		t.Fatal(err)
	}
	l.List(index)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"arm64", "amd64"} {
		s, _ := store(t, image.Options{Platform: image.Platform{OS: "linux", Arch: arch}})
		pin, err := s.Add(t.Context(), dir, "", nil)
		if err != nil || pin.Digest != index.Digest || len(pin.Platforms) != 3 {
			t.Fatal(pin, err)
		}
		wantApp(t, ensure(t, s, image.Want{Digest: pin.Digest}), arch)
	}
	// Now the same without an index of its own.
	bare, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	bare.List(parts...)
	if err := bare.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ := store(t, image.Options{})
	pin, err := s.Add(t.Context(), dir, "", nil)
	if err != nil || len(pin.Platforms) != 3 {
		t.Fatal(pin, err)
	}
	if s, _ := store(t, image.Options{Platform: image.Platform{OS: "linux", Arch: "s390x"}}); true {
		if _, err := s.Add(t.Context(), dir, "", nil); err != nil {
			t.Fatal(err)
		}
		wantApp(t, ensure(t, s, image.Want{Digest: pin.Digest}), "s390x")
	}
}

func TestAddRefuses(t *testing.T) {
	dir, tops := layout(t, app("a"))
	text, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", tops[0].Digest.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := oci.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	layer, config := "blobs/sha256/"+doc.Manifest.Layers[1].Digest.Hex(), "blobs/sha256/"+doc.Manifest.Config.Digest.Hex()
	edit := func(name string, f func([]byte) []byte) func(t *testing.T) string {
		return func(t *testing.T) string {
			there := t.TempDir()
			if err := os.CopyFS(there, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			p := filepath.Join(there, name)
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			os.Remove(p)
			if b = f(b); b != nil {
				if err := os.WriteFile(p, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return there
		}
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	gone := func([]byte) []byte { return nil }
	docker := func(change map[string]func([]byte) []byte) func(t *testing.T) string {
		return func(t *testing.T) string {
			return write(t, "d.tar", func(w io.Writer) error { return rewrite(w, change) })
		}
	}
	for name, c := range map[string]struct {
		file func(t *testing.T) string
		name string
		want error
	}{
		"layer changed":       {edit(layer, flip), "", image.ErrDigest},
		"layer longer":        {edit(layer, func(b []byte) []byte { return append(b, 0) }), "", image.ErrDigest},
		"layer missing":       {edit(layer, gone), "", image.ErrNotFound},
		"configuration":       {edit(config, flip), "", image.ErrDigest},
		"no configuration":    {edit(config, gone), "", image.ErrNotFound},
		"manifest changed":    {edit("blobs/sha256/"+tops[0].Digest.Hex(), flip), "", image.ErrDigest},
		"manifest missing":    {edit("blobs/sha256/"+tops[0].Digest.Hex(), gone), "", image.ErrNotFound},
		"index is garbage":    {edit("index.json", func([]byte) []byte { return []byte("{") }), "", image.ErrMalformed},
		"index is a manifest": {edit("index.json", func([]byte) []byte { return text }), "", image.ErrMalformed},
		"no such name":        {func(*testing.T) string { return dir }, "b", image.ErrNotFound},
		"two, none named":     {func(t *testing.T) string { d, _ := layout(t, app("a"), app("b")); return d }, "", image.ErrMalformed},
		"empty directory":     {func(t *testing.T) string { return t.TempDir() }, "", image.ErrMalformed},
		"nothing":             {func(t *testing.T) string { return filepath.Join(t.TempDir(), "x") }, "", os.ErrNotExist},
		"no archive":          {func(t *testing.T) string { return filepath.Join(dir, layer) }, "", image.ErrMalformed},
		"archive of one file": {func(t *testing.T) string {
			return write(t, "x", func(w io.Writer) error { return tarred(w, "x", nil) })
		}, "", image.ErrMalformed},
		"cut archive": {func(t *testing.T) string {
			return write(t, "x", func(w io.Writer) error { return tarred(limit{w, new(int)}, "x", nil) })
		}, "", image.ErrMalformed},
		"link out":             {edit(layer, gone), "", image.ErrNotFound},
		"docker: layer":        {docker(map[string]func([]byte) []byte{"layer.tar": flip}), "", image.ErrDigest},
		"docker: config":       {docker(map[string]func([]byte) []byte{".json": flip}), "", image.ErrDigest},
		"docker: list":         {docker(map[string]func([]byte) []byte{"manifest.json": func([]byte) []byte { return []byte("[") }}), "", image.ErrMalformed},
		"docker: empty list":   {docker(map[string]func([]byte) []byte{"manifest.json": func([]byte) []byte { return []byte("[]") }}), "", image.ErrMalformed},
		"docker: no such name": {docker(nil), "b", image.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "images")
			_, blobs := store(t, image.Options{})
			s, err := image.Open(root, blobs, image.Options{})
			if err != nil {
				t.Fatal(err)
			}
			pin, err := s.Add(t.Context(), c.file(t), c.name, nil)
			if err == nil {
				t.Fatalf("%+v", pin)
			}
			wantErr(t, err, c.want)
			if len(s.List()) != 0 {
				t.Errorf("it is listed: %+v", s.List())
			}
			tidy(t, s, root)
		})
	}
}

// limit lets only the first bytes through.
type limit struct {
	io.Writer
	n *int
}

func (l limit) Write(p []byte) (int, error) {
	if *l.n += len(p); *l.n > 300 {
		return len(p), nil
	}
	return l.Writer.Write(p[:min(len(p), 300)])
}

func tarred(w io.Writer, name string, data []byte) error {
	t := tar.NewWriter(w)
	if err := t.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600}); err != nil {
		return err
	}
	if _, err := t.Write(data); err != nil {
		return err
	}
	return t.Close()
}

// rewrite writes app("a") as docker save does, with files changed whose names end so.
func rewrite(w io.Writer, change map[string]func([]byte) []byte) error {
	var buf bytes.Buffer
	if err := app("a").WriteDockerTar(&buf); err != nil {
		return err
	}
	r, out := tar.NewReader(&buf), tar.NewWriter(w)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		for suffix, f := range change {
			if strings.HasSuffix(h.Name, suffix) && (suffix != ".json" || h.Name != "manifest.json") {
				b = f(b)
			}
		}
		h.Size = int64(len(b))
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
}

// TestDiffIDs: the configuration names other uncompressed bytes than the layer has.
func TestDiffIDs(t *testing.T) {
	dir, tops := layout(t, app("a"))
	read := func(d oci.Digest) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", d.Hex()))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	doc, err := oci.Decode(read(tops[0].Digest))
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(read(doc.Manifest.Config.Digest), &c); err != nil {
		t.Fatal(err)
	}
	c["rootfs"].(map[string]any)["diff_ids"].([]any)[1] = oci.DigestOf([]byte("other")).String()
	text, _ := json.Marshal(c)
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := *doc.Manifest
	if m.Config, err = l.Blob(oci.TypeConfig, text); err != nil {
		t.Fatal(err)
	}
	d, err := l.Blob(oci.TypeManifest, m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	l.List(d)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ := store(t, image.Options{})
	pin, err := s.Add(t.Context(), dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Ensure(t.Context(), image.Want{Digest: pin.Digest}, nil)
	wantErr(t, err, image.ErrDigest)
	if !strings.Contains(err.Error(), "layer 2 (sha256:") {
		t.Error(err)
	}
}
