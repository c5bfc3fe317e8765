package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/image/oci"
)

const versionText = "artel-images 1\n"

// Options is how a Store works. The zero value is good for a provider without a cap.
type Options struct {
	// Limit is the most bytes that images may take, packed and unpacked; 0: no
	// limit but the disk. Cap, where it is set, is shared with other stores and
	// stands in its place.
	Limit int64
	Cap   *Cap
	// Needed, if set, tells which images must stay though nobody uses them now.
	Needed func(ctx context.Context) (map[Digest]bool, error)
	// Platform is what images are for; zero: this machine's.
	Platform Platform
	// Registries is how registries are spoken to.
	Registries Registries
	// Peers, if set, are asked before a registry.
	Peers Peers
	// Pace is what a fetch has to bring where another waits for the same bytes.
	Pace Pace
	// Free returns the bytes that are free on the disk of a directory, or an error
	// where nobody knows; nil: the system is asked.
	Free func(dir string) (int64, error)
}

// Store keeps images in a directory and their bytes in a blob.Store, which has
// nothing else in it: what no image needs is deleted there. One process at a time opens it; keeping a second one out is the owner of the data
// directory's job. All methods may be called from many goroutines.
//
//	version          "artel-images 1"
//	blobs/HEX        which blob an OCI digest is, and its length: one line
//	images/HEX       what a digest that was wanted consists of; its time is that of the last use
//	roots/HEX/       an unpacked manifest: rootfs/ and image.json
//	partial/HEX      the beginning of a blob that is being pulled; a later pull goes on there
//	tmp/             what is being unpacked, or removed; emptied by Open
//
// Small files are written beside, synced and renamed; a root is unpacked in tmp,
// synced and renamed. So whatever has a name is whole, however the process ended.
type Store struct {
	dir   string
	blobs blob.Store
	opts  Options
	locks locks
	pins  blob.Pins
	cap   *Cap
	gate  sync.RWMutex // work passes it to begin; a sweep holds it
	notes sync.Mutex   // one record at a time is written

	mu      sync.Mutex
	kept    map[Digest]kept
	records map[Digest]*record
	roots   map[Digest]*root
	busy    map[Digest]int // digests that work under way needs
	works   map[*hold]bool // under way
	loose   []loose
	temp    int
}

// kept is a blob that the store has.
type kept struct {
	ref  artel.Ref
	size int64
}

// record is what a wanted digest consists of.
type record struct {
	// Manifest that this machine takes of it; zero while nobody asked.
	Manifest Digest `json:"manifest"`
	// Blobs are all digests that belong to it, itself included.
	Blobs []Digest `json:"blobs"`
	// Name is for people: the repository or the file that it came from.
	Name string `json:"name,omitempty"`
	// Short says that it is to go when nobody has a lease on it any more.
	Short bool `json:"short,omitempty"`
	used  time.Time
}

// root is an unpacked manifest.
type root struct {
	meta  rootMeta
	inUse int
}

// rootMeta is image.json.
type rootMeta struct {
	Config   Config   `json:"config"`
	Platform Platform `json:"platform"`
	Bytes    int64    `json:"bytes"`
}

// Open opens the store in dir, which is made if need be; its parent exists.
// What a crash left behind is removed.
func Open(dir string, blobs blob.Store, o Options) (*Store, error) {
	if o.Platform.IsZero() {
		o.Platform = oci.Host()
	}
	if o.Free == nil {
		o.Free = freeBytes
	}
	o.Pace = o.Pace.orDefault()
	s := &Store{dir: dir, blobs: blobs, opts: o, kept: map[Digest]kept{}, records: map[Digest]*record{}, roots: map[Digest]*root{}, busy: map[Digest]int{}, works: map[*hold]bool{}, cap: o.Cap}
	if s.cap == nil {
		s.cap = NewCap(o.Limit)
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open image store %s: %w", dir, err)
	}
	s.cap.join(s)
	return s, nil
}

// Close takes the store out of its cap. Nothing of it may be in use.
func (s *Store) Close() { s.cap.leave(s) }

// needed reports whether some image wants this unpacked manifest.
func (s *Store) needed(manifest Digest) bool {
	for _, r := range s.records {
		if r.Manifest == manifest {
			return true
		}
	}
	return false
}

// Ref returns the root and the length of the blob that holds an OCI digest, so
// that peers can be told.
func (s *Store) Ref(d Digest) (ref artel.Ref, size int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[d]
	return k.ref, k.size, ok
}

// Has reports whether ref holds a blob of an image.
func (s *Store) Has(ref artel.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.ref == ref {
			return true
		}
	}
	return false
}

// Blob is an OCI blob that the store has.
type Blob struct {
	Digest Digest
	Ref    artel.Ref // its root in the blob store
	Size   int64
}

// Blobs lists what is here of an image, named by its manifest or by an index that
// leads to it, so that one question to a peer finds all of it.
func (s *Store) Blobs(d Digest) []Blob {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[d]
	if r == nil {
		for _, other := range s.records {
			if slices.Contains(other.Blobs, d) {
				r = other
				break
			}
		}
	}
	if r == nil {
		return nil
	}
	var list []Blob
	for _, b := range r.Blobs {
		if k, ok := s.kept[b]; ok {
			list = append(list, Blob{b, k.ref, k.size})
		}
	}
	return list
}

// Roots yields the blobs that images need.
func (s *Store) Roots() iter.Seq[artel.Ref] {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs := slices.Collect(s.pins.Roots())
	for _, k := range s.kept {
		refs = append(refs, k.ref)
	}
	return slices.Values(refs)
}

// Info describes an image of the store.
type Info struct {
	Digest   Digest
	Name     string // the repository or the file that it came from; for people
	Short    bool   // it is to go when nobody has a lease on it any more
	Size     int64  // bytes of its blobs that are here
	Unpacked int64  // bytes that its root takes, 0 where it is not unpacked
	Used     time.Time
	InUse    bool
}

// List returns what the store has, the latest used first.
func (s *Store) List() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Info
	for d, r := range s.records {
		i := Info{Digest: d, Name: r.Name, Short: r.Short, Used: r.used, InUse: s.idle(d, r) != nil}
		for _, b := range r.Blobs {
			i.Size += s.kept[b].size
		}
		if root := s.roots[r.Manifest]; root != nil {
			i.Unpacked = root.meta.Bytes
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Info) int { return b.Used.Compare(a.Used) })
	return list
}

// keep notes that a verified blob is here. Its bytes are durable.
func (s *Store) keep(d Digest, ref artel.Ref, size int64) error {
	if err := s.write(filepath.Join("blobs", d.Hex()), fmt.Appendf(nil, "%s %d\n", ref, size)); err != nil {
		return fmt.Errorf("keep %s: %w", d, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[d] = kept{ref, size}
	return nil
}

// drop forgets a blob whose bytes are gone or rotten.
func (s *Store) drop(d Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, d)
	os.Remove(s.path("blobs", d.Hex()))
}

// have reports whether all of a blob is here.
func (s *Store) have(ctx context.Context, d Digest) (kept, bool) {
	s.mu.Lock()
	k, ok := s.kept[d]
	s.mu.Unlock()
	if !ok {
		return k, false
	}
	err := blob.Complete(ctx, s.blobs, k.ref, blob.Limits{Bytes: 1 << 60, Blocks: 1 << 30})
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrMismatch) {
		s.drop(d)
	}
	return k, err == nil
}

// document reads a manifest or configuration that is here.
func (s *Store) document(ctx context.Context, d Digest) ([]byte, error) {
	k, ok := s.have(ctx, d)
	if !ok {
		return nil, fmt.Errorf("%s: %w", d, blob.ErrNotFound)
	}
	f, err := blob.Open(ctx, s.blobs, k.ref)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, oci.MaxDocument+1))
	if err == nil && oci.DigestOf(b) != d {
		s.drop(d)
		err = fmt.Errorf("%s: %w: in the own store", d, blob.ErrMismatch)
	}
	return b, err
}

// setRecord notes what an image consists of, above what was noted before.
func (s *Store) setRecord(d, manifest Digest, name string, short bool, blobs ...Digest) error {
	s.notes.Lock()
	defer s.notes.Unlock()
	s.mu.Lock()
	r := &record{Manifest: manifest, Blobs: blobs, Name: name, Short: short, used: time.Now()}
	if old := s.records[d]; old != nil {
		r.Blobs = append(r.Blobs, old.Blobs...)
		r.Short = r.Short || old.Short
		if name == "" {
			r.Name = old.Name
		}
		if manifest.IsZero() {
			r.Manifest = old.Manifest
		}
	}
	slices.SortFunc(r.Blobs, func(a, b Digest) int { return slices.Compare(a[:], b[:]) })
	r.Blobs = slices.Compact(r.Blobs)
	s.mu.Unlock()
	b, err := json.Marshal(r)
	if err == nil {
		err = s.write(filepath.Join("images", d.Hex()), b)
	}
	if err != nil {
		return fmt.Errorf("keep image %s: %w", d, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[d] = r
	return nil
}

// shorten marks an image that is here.
func (s *Store) shorten(d Digest) error {
	s.mu.Lock()
	r := s.records[d]
	done := r == nil || r.Short
	var m Digest
	if r != nil {
		m = r.Manifest
	}
	s.mu.Unlock()
	if done {
		return nil
	}
	return s.setRecord(d, m, "", true)
}

// use renews the time of an image.
func (s *Store) use(d Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[d]; r != nil {
		r.used = time.Now()
		os.Chtimes(s.path("images", d.Hex()), r.used, r.used) // an old time costs a pull at most
	}
}

// acquire takes an unpacked image into use, or returns nil.
func (s *Store) acquire(d, manifest Digest) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roots[manifest]
	if r == nil || manifest.IsZero() {
		return nil
	}
	r.inUse++
	return &Image{
		Root: s.path("roots", manifest.Hex(), "rootfs"), Config: r.meta.Config, Digest: d, Manifest: manifest, Platform: r.meta.Platform, Size: r.meta.Bytes,
		release: sync.OnceFunc(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			r.inUse--
		}),
	}
}

// Hold keeps an unpacked image that a box has outlived the process with, named by
// its directory (Image.Root), until release is called. ok is false where the store
// has no such image.
func (s *Store) Hold(dir string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for manifest, r := range s.roots {
		if s.path("roots", manifest.Hex(), "rootfs") == dir {
			r.inUse++
			return sync.OnceFunc(func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				r.inUse--
			}), true
		}
	}
	return nil, false
}

// manifestOf returns which manifest a wanted digest stood for last time.
func (s *Store) manifestOf(d Digest) Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[d]; r != nil {
		return r.Manifest
	}
	return Digest{}
}
