package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/image/oci"
)

// Add keeps an image from a file of this host: an OCI layout (a directory, or an
// archive of one) or what `docker save` writes; archives may be compressed. name
// chooses among several images; empty: there is one. Every blob is compared with
// its digest. What comes back is pinned as Resolve would.
//
// An archive of `docker save` before version 25 has no OCI manifest: one is written
// for it, the same each time.
func (s *Store) Add(ctx context.Context, file, name string, report func(Progress)) (Pinned, error) {
	pin, err := s.add(ctx, file, name, report)
	if err != nil {
		return Pinned{}, fmt.Errorf("add image %s: %w", file, err)
	}
	return pin, nil
}

func (s *Store) add(ctx context.Context, file, name string, report func(Progress)) (Pinned, error) {
	src, err := s.openSource(file)
	if err != nil {
		return Pinned{}, err
	}
	defer src.close()
	k, err := s.work(Want{}, report)
	if err != nil {
		return Pinned{}, err
	}
	defer k.close()
	a := adder{work: k, src: src}
	var pin Pinned
	index, err := src.read("index.json", oci.MaxDocument)
	switch {
	case err == nil:
		pin, err = a.layout(ctx, index, name)
	case errors.Is(err, fs.ErrNotExist):
		var list []byte
		if list, err = src.read("manifest.json", oci.MaxDocument); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: it holds neither index.json nor manifest.json; hint: `docker save -o FILE IMAGE` writes such a file", ErrMalformed)
		}
		if err == nil {
			pin, err = a.docker(ctx, list, name)
		}
	}
	if err != nil {
		return Pinned{}, err
	}
	if name == "" {
		name = filepath.Base(file)
	}
	return pin, s.setRecord(pin.Digest, Digest{}, name, false, a.digests...)
}

// adder copies from a source.
type adder struct {
	*work
	src     *source
	digests []Digest // all that the image consists of
}

func blobName(d Digest) string { return "blobs/sha256/" + d.Hex() }

// layout adds what the index of an OCI layout names.
func (a *adder) layout(ctx context.Context, index []byte, name string) (Pinned, error) {
	doc, err := oci.Decode(index)
	if err != nil {
		return Pinned{}, fmt.Errorf("index.json: %w", err)
	}
	if doc.Index == nil {
		return Pinned{}, fmt.Errorf("index.json: %w: it is no index", ErrMalformed)
	}
	var fit []oci.Descriptor
	for _, d := range doc.Index.Manifests {
		if name == "" || named(d, name) {
			fit = append(fit, d)
		}
	}
	fit = slices.CompactFunc(fit, func(x, y oci.Descriptor) bool { return x.Digest == y.Digest })
	switch names := doc.Index.Names(); {
	case len(fit) == 1:
		return a.top(ctx, fit[0].Digest, nil)
	case name != "":
		return Pinned{}, fmt.Errorf("%w: %d of its images are named %.100q; it has %.400q", ErrNotFound, len(fit), name, names)
	case len(names) > 1:
		return Pinned{}, fmt.Errorf("%w: it holds %d images; hint: name one of %.400q", ErrMalformed, len(names), names)
	}
	// Nameless manifests for several platforms: the layout's index is the image's.
	return a.top(ctx, oci.DigestOf(index), index)
}

func named(d oci.Descriptor, name string) bool {
	for _, key := range []string{oci.AnnotationName, "io.containerd.image.name"} {
		if n := d.Annotations[key]; n == name || strings.TrimPrefix(n, "docker.io/library/") == name {
			return n != ""
		}
	}
	return false
}

// top adds the document that the image is pinned to, and what it leads to.
func (a *adder) top(ctx context.Context, d Digest, text []byte) (Pinned, error) {
	pin := Pinned{Digest: d}
	var err error
	if text == nil {
		text, err = a.document(ctx, d, 0)
	} else {
		a.note(d)
		err = a.s.addBytes(ctx, d, text)
	}
	if err != nil {
		return pin, err
	}
	doc, err := oci.Decode(text)
	if err != nil {
		return pin, err
	}
	if doc.Manifest != nil {
		return pin, a.manifest(ctx, *doc.Manifest, &pin)
	}
	for _, m := range doc.Index.Manifests {
		if !a.src.has(blobName(m.Digest)) {
			continue // `docker save` keeps the index and one platform of it
		}
		text, err := a.document(ctx, m.Digest, m.Size)
		if err != nil {
			return pin, err
		}
		part, err := oci.Decode(text)
		if errors.Is(err, ErrUnsupported) || err == nil && part.Manifest == nil {
			continue // an attestation
		}
		if err == nil {
			err = a.manifest(ctx, *part.Manifest, &pin)
		}
		if err != nil {
			return pin, fmt.Errorf("manifest %s: %w", m.Digest, err)
		}
	}
	if len(pin.Platforms) == 0 {
		return pin, fmt.Errorf("%w: it has the index %s, and none of the images that the index names", ErrNotFound, d)
	}
	return pin, nil
}

// manifest adds configuration and layers.
func (a *adder) manifest(ctx context.Context, m oci.Manifest, pin *Pinned) error {
	text, err := a.document(ctx, m.Config.Digest, m.Config.Size)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	c, err := oci.DecodeConfig(text, len(m.Layers))
	if err != nil {
		return err
	}
	a.tell(func(p *Progress) { p.Total += m.Size() })
	for i, l := range m.Layers {
		if err := a.copy(ctx, l.Digest, l.Size, blobName(l.Digest)); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	pin.Platforms = append(pin.Platforms, c.Platform)
	pin.Size = max(pin.Size, m.Size())
	return nil
}

func (a *adder) note(d Digest) {
	a.add(d)
	a.digests = append(a.digests, d)
}

// document adds and returns a manifest, an index or a configuration. size 0: no
// claim.
func (a *adder) document(ctx context.Context, d Digest, size int64) ([]byte, error) {
	b, err := a.src.read(blobName(d), oci.MaxDocument)
	if err != nil {
		return nil, missing(d, err)
	}
	if oci.DigestOf(b) != d || size > 0 && int64(len(b)) != size {
		return nil, fmt.Errorf("%w: %s in the file has other bytes", ErrDigest, d)
	}
	a.note(d)
	if _, ok := a.s.have(ctx, d); ok {
		return b, nil
	}
	return b, a.s.addBytes(ctx, d, b)
}

func missing(d Digest, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: the file does not have it", d, ErrNotFound)
	}
	return err
}

// copy adds one layer.
func (a *adder) copy(ctx context.Context, d Digest, size int64, from string) error {
	a.note(d)
	r, n, err := a.src.open(from)
	if err != nil {
		return missing(d, err)
	}
	defer r.Close()
	if n != size {
		return fmt.Errorf("%w: %s has %d bytes in the file, the manifest says %d", ErrDigest, d, n, size)
	}
	if _, ok := a.s.have(ctx, d); ok {
		a.tell(func(p *Progress) { p.Done += n })
		return nil
	}
	if err := a.reserve(ctx, map[Digest]int64{d: n}); err != nil {
		return err
	}
	h := sha256.New()
	told := reading{r, func(n int) { a.tell(func(p *Progress) { p.Done += int64(n) }) }}
	ref, n, err := blob.AddFile(ctx, a.s.blobs, io.TeeReader(io.LimitReader(told, size), h))
	switch {
	case err != nil:
		return full(err)
	case n != size || Digest(h.Sum(nil)) != d:
		return fmt.Errorf("%w: %s in the file has other bytes", ErrDigest, d)
	}
	err = a.s.keep(d, ref, n)
	a.came(d, size)
	return err
}

// reading tells how much was read.
type reading struct {
	io.Reader
	tell func(int)
}

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.tell(n)
	return n, err
}

// docker adds an image from the older format of `docker save`.
// Source: https://github.com/moby/moby/blob/v24.0.7/image/spec/v1.2.md
func (a *adder) docker(ctx context.Context, list []byte, name string) (Pinned, error) {
	type entry struct {
		Config           string
		RepoTags, Layers []string
	}
	var all, fit []entry
	if err := json.Unmarshal(list, &all); err != nil {
		return Pinned{}, fmt.Errorf("manifest.json: %w: %.200s", ErrMalformed, err)
	}
	var names []string
	for _, e := range all {
		if name == "" || slices.Contains(e.RepoTags, name) || slices.Contains(e.RepoTags, name+":latest") {
			fit = append(fit, e)
		}
		names = append(names, e.RepoTags...)
	}
	switch {
	case len(fit) != 1 && name == "":
		return Pinned{}, fmt.Errorf("%w: it holds %d images; hint: name one of %.400q", ErrMalformed, len(all), names)
	case len(fit) != 1:
		return Pinned{}, fmt.Errorf("%w: %d of its images are named %.100q; it has %.400q", ErrNotFound, len(fit), name, names)
	}
	e := fit[0]
	if len(e.Layers) > oci.MaxLayers {
		return Pinned{}, fmt.Errorf("%w: %d layers, at most %d are handled", ErrMalformed, len(e.Layers), oci.MaxLayers)
	}
	text, err := a.src.read(e.Config, oci.MaxDocument)
	if err != nil {
		return Pinned{}, fmt.Errorf("configuration %.100q: %w", e.Config, err)
	}
	d := oci.DigestOf(text)
	if hex := strings.TrimSuffix(path.Base(e.Config), ".json"); len(hex) == 64 && hex != d.Hex() {
		return Pinned{}, fmt.Errorf("%w: configuration %.100q has the digest %s", ErrDigest, e.Config, d)
	}
	c, err := oci.DecodeConfig(text, len(e.Layers))
	if err != nil {
		return Pinned{}, err
	}
	a.note(d)
	if err := a.s.addBytes(ctx, d, text); err != nil {
		return Pinned{}, err
	}
	m := oci.Manifest{SchemaVersion: 2, MediaType: oci.TypeManifest, Config: oci.Descriptor{MediaType: oci.TypeConfig, Digest: d, Size: int64(len(text))}, Layers: []oci.Descriptor{}}
	for i, l := range e.Layers {
		layer, err := a.dockerLayer(ctx, l, c.RootFS.DiffIDs[i])
		if err != nil {
			return Pinned{}, fmt.Errorf("layer %d (%.100q): %w", i+1, l, err)
		}
		m.Layers = append(m.Layers, layer)
	}
	text = m.Encode()
	pin := Pinned{Digest: oci.DigestOf(text), Size: m.Size(), Platforms: []Platform{c.Platform}}
	a.note(pin.Digest)
	return pin, a.s.addBytes(ctx, pin.Digest, text)
}

// dockerLayer adds one layer, whose digest nobody wrote down but for that of its
// uncompressed bytes.
func (a *adder) dockerLayer(ctx context.Context, file string, diff Digest) (oci.Descriptor, error) {
	r, size, err := a.src.open(file)
	if err != nil {
		return oci.Descriptor{}, err
	}
	h := sha256.New()
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	h.Write(head[:n])
	if err == nil {
		_, err = io.Copy(h, r)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return oci.Descriptor{}, err
	}
	d := oci.Descriptor{MediaType: oci.TypeLayer, Digest: Digest(h.Sum(nil)), Size: size}
	switch {
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		d.MediaType = oci.TypeLayerGzip
	case string(head) == "\x28\xb5\x2f\xfd":
		d.MediaType = oci.TypeLayerZstd
	case d.Digest != diff:
		return d, fmt.Errorf("%w: it is %s, the configuration says %s", ErrDigest, d.Digest, diff)
	}
	return d, a.copy(ctx, d.Digest, size, file)
}
