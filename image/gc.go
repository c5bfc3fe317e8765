package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/artel-network/artel/blob"
)

// Freed is what was let go, in bytes.
type Freed struct {
	Images int
	// Unpacked are files that are deleted, Blobs are packed bytes whose blocks are:
	// those that work under way may have just put go with a later collection.
	Unpacked, Blobs int64
}

// partialAge is how long the beginning of a blob waits for its pull to go on.
const partialAge = 24 * time.Hour

// GC drops the images of this store that were used longest ago until they take at
// most limit bytes, packed and unpacked. Images in use or needed stay, and so do
// blobs that an image which stays needs.
func (s *Store) GC(ctx context.Context, limit int64) (Freed, error) {
	freed, err := evict(ctx, []*Store{s}, limit)
	if err == nil {
		err = s.dropPartials(time.Now().Add(-partialAge))
	}
	if err != nil {
		return freed, fmt.Errorf("collect images: %w", err)
	}
	return freed, nil
}

// Remove drops one image. It is an error if it is in use, or needed.
func (s *Store) Remove(ctx context.Context, d Digest) (freed Freed, err error) {
	if err = s.remove(ctx, d, &freed); err != nil {
		err = fmt.Errorf("remove image %s: %w", d, err)
	}
	return freed, err
}

func (s *Store) remove(ctx context.Context, d Digest, freed *Freed) error {
	if s.opts.Needed != nil {
		needed, err := s.opts.Needed(ctx)
		if err != nil {
			return fmt.Errorf("find out which images are needed: %w", err)
		}
		if needed[d] {
			return fmt.Errorf("%w: a job that is not done yet runs on it; hint: artel cancel JOB, or wait", ErrInUse)
		}
	}
	s.mu.Lock()
	r := s.records[d]
	if r == nil {
		s.mu.Unlock()
		return ErrNotFound
	}
	if err := s.idle(d, r); err != nil {
		s.mu.Unlock()
		return err
	}
	rest := s.dropRecord(d, freed)
	s.mu.Unlock()
	return errors.Join(os.RemoveAll(rest), s.sweep(ctx))
}

// Usage returns the bytes that images take, packed and unpacked.
func (s *Store) Usage() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage()
}

// usage wants mu.
func (s *Store) usage() int64 {
	n := s.reserved()
	for _, l := range s.loose {
		n += l.bytes
	}
	for _, k := range s.kept {
		n += k.size
	}
	for _, r := range s.roots {
		n += r.meta.Bytes
	}
	return n
}

// idle says why an image cannot go. It wants mu.
func (s *Store) idle(d Digest, r *record) error {
	if root := s.roots[r.Manifest]; root != nil && root.inUse > 0 {
		return fmt.Errorf("%w: a box is using it", ErrInUse)
	}
	if s.busy[d] > 0 {
		return fmt.Errorf("%w: it is being pulled or unpacked", ErrInUse)
	}
	return nil
}

// dropRecord forgets an image, its blobs that no other has, and its root, whose
// files it moves to where they are to be removed. It wants mu. The record goes
// first: what a crash leaves of the rest is found to belong to nobody.
func (s *Store) dropRecord(d Digest, freed *Freed) (rest string) {
	r := s.records[d]
	delete(s.records, d)
	os.Remove(s.path("images", d.Hex())) // the next Open finds it again at worst
	freed.Images++
	s.dropOrphans(freed)
	root := s.roots[r.Manifest]
	if root == nil || s.needed(r.Manifest) {
		return ""
	}
	freed.Unpacked += root.meta.Bytes
	delete(s.roots, r.Manifest)
	s.temp++
	rest = s.path("tmp", fmt.Sprint(s.temp))
	if os.Rename(s.path("roots", r.Manifest.Hex()), rest) != nil {
		return "" // it is gone, or the next Open removes it
	}
	return rest
}

// dropOrphans forgets blobs that no image needs, and reports whether there were
// any. It wants mu.
func (s *Store) dropOrphans(freed *Freed) (any bool) {
	needed := map[Digest]bool{}
	for _, r := range s.records {
		for _, b := range r.Blobs {
			needed[b] = true
		}
	}
	for d, k := range s.kept {
		if !needed[d] && s.busy[d] == 0 {
			delete(s.kept, d)
			os.Remove(s.path("blobs", d.Hex()))
			freed.Blobs += k.size
			any = true
		}
	}
	return any
}

// sweep deletes the blocks that no blob of the store has. Work that begins
// meanwhile waits; of work under way, what may be its own stays.
func (s *Store) sweep(ctx context.Context) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	before := time.Now().Add(time.Hour) // nobody puts anything now
	s.mu.Lock()
	for h := range s.works {
		if t := h.began.Add(-time.Minute); t.Before(before) { // clocks of disks are coarse
			before = t
		}
	}
	s.mu.Unlock()
	if _, err := blob.GC(ctx, s.blobs, s.Roots(), before); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loose = slices.DeleteFunc(s.loose, func(l loose) bool { return l.at.Before(before) })
	return nil
}

// loose is what a pull that broke off has left, at most, in bytes: blocks, and the
// beginnings of blobs, from which another would go on.
type loose struct {
	bytes int64
	at    time.Time
}

// left is how much pulls that broke off have left.
func (s *Store) left() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.loose {
		n += l.bytes
	}
	return n
}

// dropPartials deletes the beginnings of blobs that nobody pulls now and that were
// left before the given time.
func (s *Store) dropPartials(before time.Time) error {
	err := s.each("partial", func(d Digest, e fs.DirEntry) error {
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(before) {
			return nil // it is gone, or young
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.busy[d] > 0 {
			return nil
		}
		return os.Remove(s.path("partial", e.Name()))
	})
	return err
}

// hold keeps GC away from what an operation needs, and counts what it is about
// to bring.
type hold struct {
	s       *Store
	began   time.Time
	digests []Digest
	due     map[due]bool // reserved, and not come yet
}

// due is a blob that is about to come, counted once for however many that want it.
type due struct {
	Digest
	size int64
}

// reserved is how many bytes are about to come. It wants mu.
func (s *Store) reserved() (n int64) {
	all := map[due]bool{}
	for h := range s.works {
		maps.Copy(all, h.due)
	}
	for d := range all {
		n += d.size
	}
	return n
}

// reserves reports whether a blob is about to come. It wants mu.
func (s *Store) reserves(d due) bool {
	for h := range s.works {
		if h.due[d] {
			return true
		}
	}
	return false
}

func (s *Store) hold() *hold {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &hold{s: s, began: time.Now(), due: map[due]bool{}}
	s.works[h] = true
	return h
}

// add holds digests, here or still to come.
func (h *hold) add(digests ...Digest) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, d := range digests {
		h.s.busy[d]++
		h.digests = append(h.digests, d)
	}
}

// reserve makes room for blobs of these sizes. ErrFull if images in use leave none,
// or the disk has not twice as much: a blob is pulled to a file before it is kept.
func (h *hold) reserve(ctx context.Context, sizes map[Digest]int64) (err error) {
	s := h.s
	var n int64
	s.mu.Lock()
	for d, size := range sizes {
		if d := (due{d, size}); !h.due[d] {
			h.due[d] = true
			n += size
		}
	}
	s.mu.Unlock()
	defer func() {
		if err != nil {
			h.forgo(sizes)
		}
	}()
	if err := s.fit(ctx, 0); err != nil {
		return err
	}
	if free, err := s.opts.Free(s.dir); err == nil && free < 2*n+minFree {
		return fmt.Errorf("%w: the machine's disk has %d bytes for images, %d are needed; hint: another machine, or a smaller image", ErrFull, max(free, 0), 2*n+minFree)
	}
	return nil
}

// forgo takes a reservation back of which nothing has come.
func (h *hold) forgo(sizes map[Digest]int64) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for d, size := range sizes {
		delete(h.due, due{d, size})
	}
}

// fit drops images until n bytes more are within the cap, or returns ErrFull. What
// is wanted is counted before others are looked at, so that two who want the last
// bytes at once cannot both have them.
func (s *Store) fit(ctx context.Context, n int64) error {
	limit := s.cap.Limit()
	if limit == 0 {
		return nil
	}
	if _, err := evict(ctx, s.cap.all(), limit-n); err != nil {
		return err
	}
	if u := s.cap.Usage() + n; u > limit {
		return fmt.Errorf("%w: with those in use it would take %d bytes of the machine's %d for images; hint: a smaller image, another machine, or wait for jobs to end", ErrFull, u, limit)
	}
	return nil
}

// room is what one image may still unpack to within the cap, if all that can go
// went.
func (s *Store) room() int64 {
	limit := s.cap.Limit()
	if limit == 0 {
		return math.MaxInt64
	}
	for _, o := range s.cap.all() {
		limit -= o.stays()
	}
	return max(limit, 0)
}

// stays is what cannot go, in bytes.
func (s *Store) stays() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	stays := s.reserved()
	blobs, roots := map[Digest]bool{}, map[Digest]bool{}
	for d, r := range s.records {
		if s.idle(d, r) == nil {
			continue
		}
		for _, b := range r.Blobs {
			if !blobs[b] {
				blobs[b] = true
				stays += s.kept[b].size
			}
		}
		if root := s.roots[r.Manifest]; root != nil && !roots[r.Manifest] {
			roots[r.Manifest] = true
			stays += root.meta.Bytes
		}
	}
	return stays
}

// minFree is what stays free on the disk, in bytes.
const minFree = 64 << 20

// came says that a blob is here, and counted as such from now on, whoever wants it.
func (h *hold) came(d Digest, size int64) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for w := range h.s.works {
		delete(w.due, due{d, size})
	}
}

// release ends the hold.
func (h *hold) release() {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	delete(h.s.works, h)
	for d := range h.due {
		if !h.s.reserves(d) {
			h.s.loose = append(h.s.loose, loose{d.size, time.Now()})
		}
	}
	for _, d := range h.digests {
		if h.s.busy[d]--; h.s.busy[d] == 0 {
			delete(h.s.busy, d)
		}
	}
	h.digests = nil
}
