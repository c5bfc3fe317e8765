package oci_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel/image/oci"
)

func hello() oci.Build {
	return oci.Build{
		Name:   "hello:1",
		Layers: []oci.Layer{oci.Files(oci.File{Name: "/etc/"}, oci.File{Name: "/etc/motd", Data: []byte("hi\n")}), oci.Files(oci.File{Name: "motd", Link: "etc/motd"})},
		Config: oci.RunConfig{Entrypoint: []string{"/hello"}, Env: []string{"A=1"}},
	}
}

// TestBuildIsALayout checks the written layout with nothing but its own words:
// every descriptor names bytes of its size and digest.
func TestBuildIsALayout(t *testing.T) {
	for _, c := range []oci.Compression{oci.Gzip, oci.Zstd, oci.Plain} {
		dir := t.TempDir()
		b := hello()
		b.Compression = c
		top, err := b.WriteLayout(dir)
		if err != nil {
			t.Fatal(err)
		}
		read := func(d oci.Descriptor) []byte {
			b, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", d.Digest.Hex()))
			if err != nil || int64(len(b)) != d.Size || oci.DigestOf(b) != d.Digest {
				t.Fatalf("blob %s: %d bytes, want %d, %v", d.Digest, len(b), d.Size, err)
			}
			return b
		}
		index, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		x, err := oci.Decode(index)
		if err != nil || x.Index == nil || x.Index.Manifests[0].Digest != top.Digest {
			t.Fatalf("index %+v, %v", x, err)
		}
		if names := x.Index.Names(); len(names) != 1 || names[0] != "hello:1" {
			t.Errorf("names %q", names)
		}
		d, err := x.Index.Pick(oci.Host())
		if err != nil {
			t.Fatal(err)
		}
		m, err := oci.Decode(read(d))
		if err != nil || m.Manifest == nil || len(m.Manifest.Layers) != 2 {
			t.Fatalf("manifest %+v, %v", m, err)
		}
		if _, err := oci.DecodeConfig(read(m.Manifest.Config), 2); err != nil {
			t.Fatal(err)
		}
		for _, l := range m.Manifest.Layers {
			read(l)
		}
		again, err := b.WriteLayout(t.TempDir())
		if err != nil || again.Digest != top.Digest {
			t.Errorf("built again: %s, first %s, %v", again.Digest, top.Digest, err)
		}
	}
}

func TestTars(t *testing.T) {
	names := func(b []byte) (list []string) {
		for r := tar.NewReader(bytes.NewReader(b)); ; {
			h, err := r.Next()
			if err == io.EOF {
				return list
			}
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, h.Name)
		}
	}
	var layout, docker bytes.Buffer
	d, err := hello().WriteTar(&layout)
	if err != nil {
		t.Fatal(err)
	}
	if list := strings.Join(names(layout.Bytes()), " "); !strings.Contains(list, "blobs/sha256/"+d.Digest.Hex()) || !strings.Contains(list, "index.json") {
		t.Errorf("layout holds %s", list)
	}
	if err := hello().WriteDockerTar(&docker); err != nil {
		t.Fatal(err)
	}
	if list := names(docker.Bytes()); len(list) != 4 || list[3] != "manifest.json" {
		t.Errorf("docker archive holds %q", list)
	}
}

func TestDirAndBinary(t *testing.T) {
	host := t.TempDir()
	if err := os.MkdirAll(filepath.Join(host, "sub"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(host, "sub", "run"), []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub/run", filepath.Join(host, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := errors.Join(oci.Dir(host)(w), oci.Binary(filepath.Join(host, "sub", "run"), "/bin/run")(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	got := ""
	for r := tar.NewReader(&buf); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprintf("%c %o %s %s\n", h.Typeflag, h.Mode, h.Name, h.Linkname)
	}
	want := "2 777 link sub/run\n5 750 sub/ \n0 755 sub/run \n0 755 bin/run \n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// platform reads what Platform's String writes.
func platform(s string) oci.Platform {
	parts := append(strings.Split(s, "/"), "")
	return oci.Platform{OS: parts[0], Arch: parts[1], Variant: parts[2]}
}

func TestPick(t *testing.T) {
	index := func(platforms ...string) oci.Index {
		var x oci.Index
		for i, s := range platforms {
			p := platform(s)
			x.Manifests = append(x.Manifests, oci.Descriptor{Platform: &p, Size: int64(i)})
		}
		return x
	}
	for _, c := range []struct {
		host  string
		there []string
		want  int64 // -1: ErrPlatform
	}{
		{"linux/amd64", []string{"linux/arm64", "linux/amd64"}, 1},
		{"linux/amd64", []string{"linux/amd64/v3", "linux/amd64"}, 1},
		{"linux/amd64", []string{"linux/amd64/v3"}, -1},
		{"linux/arm64", []string{"linux/arm/v7", "linux/arm64/v8"}, 1},
		{"linux/arm/v7", []string{"linux/arm/v5", "linux/arm/v7", "linux/arm/v6"}, 1},
		{"linux/arm/v6", []string{"linux/arm/v7"}, -1},
		{"linux/amd64", []string{"windows/amd64", "unknown/unknown"}, -1},
		{"linux/amd64", nil, -1},
	} {
		d, err := index(c.there...).Pick(platform(c.host))
		if c.want < 0 {
			if !errors.Is(err, oci.ErrPlatform) {
				t.Errorf("%s of %v: %v, %v", c.host, c.there, d, err)
			}
			continue
		}
		if err != nil || d.Size != c.want {
			t.Errorf("%s of %v: %v, %v", c.host, c.there, d, err)
		}
	}
}

// A sound manifest, and one change a row.
func TestDecodeRefuses(t *testing.T) {
	digest := oci.DigestOf(nil).String()
	sound := `{"schemaVersion":2,"config":{"mediaType":"` + oci.TypeConfig + `","digest":"` + digest + `","size":2},"layers":[{"mediaType":"` + oci.TypeLayer + `","digest":"` + digest + `","size":3}]}`
	if d, err := oci.Decode([]byte(sound)); err != nil || d.Manifest.Size() != 5 {
		t.Fatal(d, err)
	}
	layer := `{"mediaType":"` + oci.TypeLayer + `","digest":"` + digest + `","size":3}`
	for name, c := range map[string]struct {
		from, to string
		want     error
	}{
		"not JSON":        {sound, "hello", oci.ErrMalformed},
		"more after it":   {sound, sound + sound, oci.ErrMalformed},
		"schema 1":        {`"schemaVersion":2`, `"schemaVersion":1`, oci.ErrUnsupported},
		"schema 3":        {`"schemaVersion":2`, `"schemaVersion":3`, oci.ErrMalformed},
		"both":            {`"layers"`, `"manifests":[],"layers"`, oci.ErrMalformed},
		"neither":         {sound, `{"schemaVersion":2}`, oci.ErrMalformed},
		"empty index":     {sound, `{"schemaVersion":2,"manifests":[]}`, oci.ErrMalformed},
		"artifact":        {oci.TypeConfig, "application/vnd.oci.empty.v1+json", oci.ErrUnsupported},
		"negative size":   {`"size":3`, `"size":-3`, oci.ErrMalformed},
		"huge layer":      {`"size":3`, `"size":9223372036854775807`, oci.ErrMalformed},
		"huge config":     {`"size":2`, `"size":9999999999`, oci.ErrMalformed},
		"sha512":          {"sha256:", "sha512:", oci.ErrMalformed},
		"short digest":    {digest, digest[:70], oci.ErrMalformed},
		"upper case":      {digest, "sha256:" + strings.ToUpper(digest[7:]), oci.ErrMalformed},
		"no digest":       {`"digest":"` + digest + `",`, "", oci.ErrMalformed},
		"foreign layer":   {`"size":3`, `"size":3,"urls":["http://169.254.169.254/"]`, oci.ErrUnsupported},
		"nondistributed":  {oci.TypeLayer, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", oci.ErrUnsupported},
		"encrypted layer": {oci.TypeLayer, oci.TypeLayerGzip + "+encrypted", oci.ErrUnsupported},
		"10,000 layers":   {layer, layer + strings.Repeat(","+layer, 9999), oci.ErrMalformed},
		"index type":      {`"config"`, `"mediaType":"` + oci.TypeIndex + `","config"`, oci.ErrUnsupported},
		"deep":            {sound, strings.Repeat("[", 1<<20), oci.ErrMalformed},
		"too long":        {sound, sound + strings.Repeat(" ", oci.MaxDocument), oci.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(sound, c.from, c.to)
			if text == sound {
				t.Fatal("nothing was changed")
			}
			_, err := oci.Decode([]byte(text))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if len(err.Error()) > 600 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:00","size":1}]}`))
	f.Add([]byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := oci.Decode(b)
		if err == nil && (d.Manifest == nil) == (d.Index == nil) {
			t.Fatal("neither or both")
		}
		if err == nil && d.Manifest != nil && (d.Manifest.Size() < 0 || len(d.Manifest.Layers) > oci.MaxLayers) {
			t.Fatal("out of bounds")
		}
		if err == nil && d.Index != nil {
			d.Index.Pick(oci.Host())
		}
		if c, err := oci.DecodeConfig(b, 0); err == nil && c.Arch == "" {
			t.Fatal("no platform")
		}
	})
}
