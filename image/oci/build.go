package oci

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Build makes an image of layers, lowest first:
//
//	d, err := oci.Build{
//		Layers: []oci.Layer{oci.Binary("bin/hello", "/hello")},
//		Config: oci.RunConfig{Entrypoint: []string{"/hello"}},
//	}.WriteLayout(dir)
//
// Equal input gives equal digests: times are zero, owners are 0:0, names sorted.
type Build struct {
	// Name is how a layout of several images tells this one from the others.
	Name string
	// Platform is what the image is for; zero: Host.
	Platform Platform
	// Layers hold the files.
	Layers []Layer
	// Config says how programs are run.
	Config RunConfig
	// Compression of the layers.
	Compression Compression
}

// Compression is how a layer is packed.
type Compression int

// The three that registries know.
const (
	Gzip Compression = iota
	Zstd
	Plain
)

// Layer writes the entries of one layer.
type Layer func(*tar.Writer) error

// Binary is a layer of one executable file, for images FROM scratch.
func Binary(hostPath, name string) Layer {
	return func(w *tar.Writer) error {
		f, err := os.Open(hostPath)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return writeFile(w, relative(name), 0o755, info.Size(), f)
	}
}

// File is an entry of Files: a directory if the name ends with a slash, a
// symbolic link if Link is set, a file otherwise.
type File struct {
	Name string
	Mode fs.FileMode // zero: 0o755 for directories, 0o644 for files
	Data []byte
	Link string
}

// Files is a layer of files given in memory, in their order.
func Files(files ...File) Layer {
	return func(w *tar.Writer) error {
		for _, f := range files {
			name := relative(f.Name)
			var err error
			switch {
			case f.Link != "":
				err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: f.Link, Mode: 0o777})
			case name == "" || name[len(name)-1] == '/':
				err = writeDir(w, name, or(f.Mode, 0o755))
			default:
				h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: tarMode(or(f.Mode, 0o644)), Size: int64(len(f.Data))}
				if err = w.WriteHeader(h); err == nil {
					_, err = w.Write(f.Data)
				}
			}
			if err != nil {
				return fmt.Errorf("%q: %w", f.Name, err)
			}
		}
		return nil
	}
}

// Dir is a layer of everything below a directory of this host: files,
// directories and symbolic links with their modes. Other kinds are left out.
func Dir(hostDir string) Layer {
	return func(w *tar.Writer) error {
		return filepath.WalkDir(hostDir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(hostDir, path)
			if err != nil || rel == "." {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			name := filepath.ToSlash(rel)
			switch info.Mode().Type() {
			case fs.ModeDir:
				return writeDir(w, name+"/", info.Mode())
			case fs.ModeSymlink:
				to, err := os.Readlink(path)
				if err != nil {
					return err
				}
				return w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777})
			case 0:
				f, err := os.Open(path)
				if err != nil {
					return err
				}
				defer f.Close()
				return writeFile(w, name, info.Mode(), info.Size(), f)
			}
			return nil
		})
	}
}

func writeDir(w *tar.Writer, name string, mode fs.FileMode) error {
	if name == "" {
		name = "./"
	}
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: tarMode(mode)})
}

func writeFile(w *tar.Writer, name string, mode fs.FileMode, size int64, r io.Reader) error {
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: tarMode(mode), Size: size}); err != nil {
		return err
	}
	_, err := io.CopyN(w, r, size)
	return err
}

func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	if m&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}

func or(m, def fs.FileMode) fs.FileMode {
	if m == 0 {
		return def
	}
	return m
}

// relative makes a path inside the image a name in its archive.
func relative(name string) string {
	for len(name) > 0 && name[0] == '/' {
		name = name[1:]
	}
	return name
}

// Layout writes an OCI image layout: a directory of blobs with an index.
// Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
type Layout struct {
	dir   string
	index []Descriptor
}

// NewLayout begins a layout in dir, which is made if need be.
func NewLayout(dir string) (*Layout, error) {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, fmt.Errorf("make image layout: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644); err != nil {
		return nil, fmt.Errorf("make image layout: %w", err)
	}
	return &Layout{dir: dir}, nil
}

// Image builds an image into the layout and returns its manifest's descriptor.
// List or Close decide whether the layout's index names it.
func (l *Layout) Image(b Build) (Descriptor, error) {
	d, err := l.image(b)
	if err != nil {
		return Descriptor{}, fmt.Errorf("build image %q: %w", b.Name, err)
	}
	return d, nil
}

func (l *Layout) image(b Build) (Descriptor, error) {
	p := b.Platform
	if p.IsZero() {
		p = Host()
	}
	m := Manifest{SchemaVersion: 2, MediaType: TypeManifest, Layers: []Descriptor{}}
	c := Config{Platform: p, Created: time.Unix(0, 0).UTC().Format(time.RFC3339), Config: b.Config, RootFS: RootFS{Type: "layers", DiffIDs: []Digest{}}}
	for i, layer := range b.Layers {
		d, diff, err := l.layer(layer, b.Compression)
		if err != nil {
			return Descriptor{}, fmt.Errorf("layer %d: %w", i+1, err)
		}
		m.Layers, c.RootFS.DiffIDs = append(m.Layers, d), append(c.RootFS.DiffIDs, diff)
	}
	var err error
	if m.Config, err = l.Blob(TypeConfig, encode(c)); err != nil {
		return Descriptor{}, err
	}
	d, err := l.Blob(TypeManifest, encode(m))
	d.Platform = &p
	if b.Name != "" {
		d.Annotations = map[string]string{AnnotationName: b.Name}
	}
	return d, err
}

// Index writes an index of manifests for several platforms.
func (l *Layout) Index(name string, manifests ...Descriptor) (Descriptor, error) {
	d, err := l.Blob(TypeIndex, encode(Index{SchemaVersion: 2, MediaType: TypeIndex, Manifests: manifests}))
	if name != "" {
		d.Annotations = map[string]string{AnnotationName: name}
	}
	return d, err
}

// Blob writes one blob of the layout as it is.
func (l *Layout) Blob(mediaType string, b []byte) (Descriptor, error) {
	d := DigestOf(b)
	err := os.WriteFile(l.path(d), b, 0o644)
	return Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}, err
}

// List makes the layout's index name what d points at.
func (l *Layout) List(d ...Descriptor) { l.index = append(l.index, d...) }

// Close writes the layout's index.
func (l *Layout) Close() error {
	b := encode(Index{SchemaVersion: 2, MediaType: TypeIndex, Manifests: l.index})
	if err := os.WriteFile(filepath.Join(l.dir, "index.json"), b, 0o644); err != nil {
		return fmt.Errorf("close image layout: %w", err)
	}
	return nil
}

func (l *Layout) path(d Digest) string { return filepath.Join(l.dir, "blobs", "sha256", d.Hex()) }

// layer writes a layer beside the blobs and gives it its name at the end.
func (l *Layout) layer(layer Layer, c Compression) (d Descriptor, diff Digest, err error) {
	f, err := os.CreateTemp(l.dir, "layer-*")
	if err != nil {
		return d, diff, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	packed := &hashed{w: f, h: sha256.New()}
	z, mediaType, err := compress(packed, c)
	if err != nil {
		return d, diff, err
	}
	plain := &hashed{w: z, h: sha256.New()}
	t := tar.NewWriter(plain)
	if err := errors.Join(layer(t), t.Close(), z.Close()); err != nil {
		return d, diff, err
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return d, diff, err
	}
	d = Descriptor{MediaType: mediaType, Digest: Digest(packed.h.Sum(nil)), Size: packed.n}
	return d, Digest(plain.h.Sum(nil)), os.Rename(f.Name(), l.path(d.Digest))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func compress(w io.Writer, c Compression) (io.WriteCloser, string, error) {
	switch c {
	case Plain:
		return nopCloser{w}, TypeLayer, nil
	case Zstd:
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault))
		return z, TypeLayerZstd, err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	return z, TypeLayerGzip, err
}

// hashed counts and hashes what is written through it.
type hashed struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (h *hashed) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.h.Write(p[:n])
	h.n += int64(n)
	return n, err
}

// WriteLayout writes the image as a layout of its own and returns its manifest's
// descriptor.
func (b Build) WriteLayout(dir string) (Descriptor, error) {
	l, err := NewLayout(dir)
	if err != nil {
		return Descriptor{}, err
	}
	d, err := l.Image(b)
	if err != nil {
		return Descriptor{}, err
	}
	l.List(d)
	return d, l.Close()
}

// WriteTar writes the image as the archive of a layout.
func (b Build) WriteTar(w io.Writer) (Descriptor, error) {
	dir, err := os.MkdirTemp("", "artel-image-*")
	if err != nil {
		return Descriptor{}, fmt.Errorf("build image: %w", err)
	}
	defer os.RemoveAll(dir)
	d, err := b.WriteLayout(dir)
	if err != nil {
		return Descriptor{}, err
	}
	return d, Pack(w, dir)
}

// Pack writes the archive of a layout.
func Pack(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	if err := errors.Join(Dir(dir)(t), t.Close()); err != nil {
		return fmt.Errorf("pack image layout %s: %w", dir, err)
	}
	return nil
}

// WriteDockerTar writes the image as `docker save` of before version 25 does:
// manifest.json, a configuration, uncompressed layers. Such an archive has no
// OCI manifest, hence no digest until somebody gives it one.
func (b Build) WriteDockerTar(w io.Writer) error {
	dir, err := os.MkdirTemp("", "artel-image-*")
	if err != nil {
		return fmt.Errorf("build image: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := b.dockerTar(w, dir); err != nil {
		return fmt.Errorf("build docker archive: %w", err)
	}
	return nil
}

func (b Build) dockerTar(w io.Writer, dir string) error {
	b.Compression = Plain
	l, err := NewLayout(dir)
	if err != nil {
		return err
	}
	d, err := l.Image(b)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(l.path(d.Digest))
	if err != nil {
		return err
	}
	m, err := decodeManifest(text)
	if err != nil {
		return err
	}
	type entry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	e := entry{Config: m.Config.Digest.Hex() + ".json", RepoTags: []string{}}
	if b.Name != "" {
		e.RepoTags = append(e.RepoTags, b.Name)
	}
	t := tar.NewWriter(w)
	if err := Binary(l.path(m.Config.Digest), e.Config)(t); err != nil {
		return err
	}
	for _, layer := range m.Layers {
		name := layer.Digest.Hex() + "/layer.tar"
		e.Layers = append(e.Layers, name)
		if err := Binary(l.path(layer.Digest), name)(t); err != nil {
			return err
		}
	}
	list, err := json.Marshal([]entry{e})
	if err != nil {
		return err
	}
	return errors.Join(Files(File{Name: "manifest.json", Data: list})(t), t.Close())
}
