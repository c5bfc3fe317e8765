package oci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Descriptor points at a blob: what it is, which bytes, how many. The size is a
// claim of whoever wrote the document.
type Descriptor struct {
	MediaType   string            `json:"mediaType,omitempty"`
	Digest      Digest            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls,omitempty"`
	Platform    *Platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Manifest is one image for one platform.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"` // the lowest first
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Size is the sum of configuration and layers in bytes, as the manifest claims.
func (m Manifest) Size() int64 {
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size
}

// Index lists the manifests of one image for several platforms.
type Index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Manifests     []Descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Config is an image's configuration: what it is for and how it is run.
type Config struct {
	Platform
	Created string    `json:"created,omitempty"`
	Config  RunConfig `json:"config"`
	RootFS  RootFS    `json:"rootfs"`
}

// RunConfig says how programs of an image are run.
type RunConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
}

// RootFS names the layers by the digests of their uncompressed bytes.
type RootFS struct {
	Type    string   `json:"type"`
	DiffIDs []Digest `json:"diff_ids"`
}

// Document is either a manifest or an index.
type Document struct {
	Manifest *Manifest
	Index    *Index
}

// Decode reads a manifest or an index. Bytes that could be read as both are
// refused. Errors: ErrMalformed, ErrUnsupported.
func Decode(b []byte) (Document, error) {
	var head struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     string          `json:"mediaType"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
		FSLayers      json.RawMessage `json:"fsLayers"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if err := decode(b, &head, "manifest"); err != nil {
		return Document{}, err
	}
	isIndex, isManifest := head.Manifests != nil, head.Config != nil || head.Layers != nil
	switch {
	case head.SchemaVersion == 1 || head.FSLayers != nil:
		return Document{}, fmt.Errorf("%w: a manifest of Docker's schema 1; hint: push it again with a tool of this decade", ErrUnsupported)
	case head.SchemaVersion != 2:
		return Document{}, fmt.Errorf("%w: schemaVersion is %d, not 2; hint: is it a manifest?", ErrMalformed, head.SchemaVersion)
	case isIndex && isManifest:
		return Document{}, fmt.Errorf("%w: it reads as a manifest and as an index", ErrMalformed)
	case isIndex:
		x, err := decodeIndex(b)
		return Document{Index: x}, err
	case isManifest:
		m, err := decodeManifest(b)
		return Document{Manifest: m}, err
	}
	return Document{}, fmt.Errorf("%w: neither a manifest nor an index (media type %s)", ErrMalformed, clip(head.MediaType))
}

func decodeIndex(b []byte) (*Index, error) {
	var x Index
	if err := decode(b, &x, "index"); err != nil {
		return nil, err
	}
	if t := x.MediaType; t != "" && t != TypeIndex && t != TypeDockerIndex {
		return nil, fmt.Errorf("%w: an index of media type %s", ErrUnsupported, clip(t))
	}
	if n := len(x.Manifests); n == 0 || n > MaxManifests {
		return nil, fmt.Errorf("%w: an index of %d manifests, 1 to %d are handled", ErrMalformed, n, MaxManifests)
	}
	for i, d := range x.Manifests {
		if err := d.check(MaxDocument); err != nil {
			return nil, fmt.Errorf("manifest %d of the index: %w", i+1, err)
		}
	}
	return &x, nil
}

func decodeManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := decode(b, &m, "manifest"); err != nil {
		return nil, err
	}
	if t := m.MediaType; t != "" && t != TypeManifest && t != TypeDockerManifest {
		return nil, fmt.Errorf("%w: a manifest of media type %s", ErrUnsupported, clip(t))
	}
	if len(m.Layers) > MaxLayers {
		return nil, fmt.Errorf("%w: %d layers, at most %d are handled; hint: squash them", ErrMalformed, len(m.Layers), MaxLayers)
	}
	if t := m.Config.MediaType; t != TypeConfig && t != TypeDockerConfig {
		return nil, fmt.Errorf("%w: configuration of media type %s; hint: it is an artifact, not a container image", ErrUnsupported, clip(t))
	}
	if err := m.Config.check(MaxDocument); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for i, d := range m.Layers {
		err := d.check(maxBlob)
		if err == nil {
			err = d.checkLayer()
		}
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	return &m, nil
}

// maxBlob keeps the sum of an image's sizes far from overflow.
const maxBlob = 1 << 50

func (d Descriptor) check(most int64) error {
	switch {
	case d.Digest.IsZero():
		return fmt.Errorf("%w: no digest", ErrMalformed)
	case d.Size < 0 || d.Size > most:
		return fmt.Errorf("%w: %s claims %d bytes, at most %d are handled", ErrMalformed, d.Digest, d.Size, most)
	}
	return nil
}

var layerTypes = []string{TypeLayer, TypeLayerGzip, TypeLayerZstd, TypeDockerLayer, TypeDockerLayerGzip, TypeDockerLayerZstd}

// checkLayer refuses what is not an archive in the registry itself: foreign
// layers, which lie at addresses that the manifest names, and encrypted ones.
func (d Descriptor) checkLayer() error {
	switch {
	case len(d.URLs) > 0:
		return fmt.Errorf("%w: %s is a foreign layer, to be taken from another address; hint: push the image with all its layers", ErrUnsupported, d.Digest)
	case !slices.Contains(layerTypes, d.MediaType):
		return fmt.Errorf("%w: %s has media type %s; hint: plain, gzip and zstd archives are handled", ErrUnsupported, d.Digest, clip(d.MediaType))
	}
	return nil
}

// DecodeConfig reads the configuration of a manifest with the given number of
// layers. Errors: ErrMalformed, ErrUnsupported.
func DecodeConfig(b []byte, layers int) (*Config, error) {
	var c Config
	if err := decode(b, &c, "configuration"); err != nil {
		return nil, err
	}
	switch {
	case c.OS == "" || c.Arch == "":
		return nil, fmt.Errorf("%w: its configuration names no platform", ErrMalformed)
	case c.RootFS.Type != "" && c.RootFS.Type != "layers":
		return nil, fmt.Errorf("%w: rootfs of type %s", ErrUnsupported, clip(c.RootFS.Type))
	case len(c.RootFS.DiffIDs) != layers:
		return nil, fmt.Errorf("%w: the manifest has %d layers, the configuration %d", ErrMalformed, layers, len(c.RootFS.DiffIDs))
	case slices.Contains(c.RootFS.DiffIDs, Digest{}):
		return nil, fmt.Errorf("%w: an empty diff_id", ErrMalformed)
	}
	return &c, nil
}

// decode reads one JSON value and nothing after it.
func decode(b []byte, v any, what string) error {
	if len(b) > MaxDocument {
		return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrMalformed, what, len(b), MaxDocument)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: decode %s: %w", ErrMalformed, what, short(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: decode %s: bytes after the document", ErrMalformed, what)
	}
	return nil
}

// short keeps an error that quotes a stranger's text within a line, and what it
// wraps.
func short(err error) error {
	if s := err.Error(); len(s) > 200 {
		return fmt.Errorf("%.200s…", s)
	}
	return err
}

// Encode writes the manifest.
func (m Manifest) Encode() []byte { return encode(m) }

// encode writes a document. Keys come in the order of the fields, maps sorted,
// so that equal documents have equal digests.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers alone
	}
	return b
}

// Names lists the names that a layout's index gives to its images.
func (x Index) Names() []string {
	names := map[string]bool{}
	for _, d := range x.Manifests {
		if n := d.Annotations[AnnotationName]; n != "" {
			names[n] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// AnnotationName is where a layout's index keeps an image's name.
const AnnotationName = "org.opencontainers.image.ref.name"
