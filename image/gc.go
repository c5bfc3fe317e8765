package image

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// Freed is what GC let go.
type Freed struct {
	Images int
	// Bytes of unpacked files, which are free now, and of blobs, which are free
	// after the next blob.GC.
	Unpacked, Blobs int64
}

// partialAge is how long the beginning of a blob waits for its pull to go on.
const partialAge = 24 * time.Hour

// GC drops the images that were used longest ago until all of them take at most
// limit bytes, packed and unpacked. Images in use stay, and so do blobs that an
// image which stays needs. The blocks themselves are deleted by the node's
// blob.GC, which Roots no longer holds back.
func (s *Store) GC(ctx context.Context, limit int64) (Freed, error) {
	freed, err := s.evict(ctx, limit)
	if err == nil {
		err = s.dropPartials(time.Now().Add(-partialAge))
	}
	if err != nil {
		return freed, fmt.Errorf("collect images: %w", err)
	}
	return freed, nil
}

// Remove drops one image. It is an error if it is in use.
func (s *Store) Remove(d Digest) error {
	s.mu.Lock()
	r := s.records[d]
	if r == nil {
		s.mu.Unlock()
		return fmt.Errorf("remove image %s: %w", d, ErrNotFound)
	}
	if err := s.idle(d, r); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("remove image %s: %w", d, err)
	}
	var freed Freed
	rest := s.dropRecord(d, &freed)
	s.mu.Unlock()
	return os.RemoveAll(rest)
}

// Usage returns the bytes that images take, packed and unpacked.
func (s *Store) Usage() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage()
}

// usage wants mu.
func (s *Store) usage() int64 {
	n := s.reserved
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
		return errors.New("a box is using it")
	}
	if s.busy[d] > 0 {
		return errors.New("it is being pulled or unpacked")
	}
	return nil
}

// evict drops images, oldest first, until at most limit bytes are taken.
func (s *Store) evict(ctx context.Context, limit int64) (Freed, error) {
	var freed Freed
	for {
		if err := ctx.Err(); err != nil {
			return freed, err
		}
		s.mu.Lock()
		s.dropOrphans(&freed)
		if s.usage() <= limit {
			s.mu.Unlock()
			return freed, nil
		}
		var oldest Digest
		for d, r := range s.records {
			if s.idle(d, r) == nil && (oldest.IsZero() || r.used.Before(s.records[oldest].used)) {
				oldest = d
			}
		}
		if oldest.IsZero() {
			s.mu.Unlock()
			return freed, nil
		}
		rest := s.dropRecord(oldest, &freed)
		s.mu.Unlock()
		if err := os.RemoveAll(rest); err != nil {
			return freed, err
		}
	}
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

// dropOrphans forgets blobs that no image needs. It wants mu.
func (s *Store) dropOrphans(freed *Freed) {
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
		}
	}
}

func (s *Store) dropPartials(before time.Time) error {
	entries, err := os.ReadDir(s.path("partial"))
	for _, e := range entries {
		info, ierr := e.Info()
		if ierr == nil && info.ModTime().Before(before) {
			err = errors.Join(err, os.Remove(s.path("partial", e.Name())))
		}
	}
	return err
}

// hold keeps GC away from what an operation needs, and counts what it is about
// to bring.
type hold struct {
	s        *Store
	digests  []Digest
	reserved int64
}

func (s *Store) hold() *hold { return &hold{s: s} }

// add holds digests, here or still to come.
func (h *hold) add(digests ...Digest) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, d := range digests {
		h.s.busy[d]++
		h.digests = append(h.digests, d)
	}
}

// reserve makes room for n bytes more. ErrFull if images in use leave none, or
// the disk has not twice as much: a blob is pulled to a file before it is kept.
func (h *hold) reserve(ctx context.Context, n int64) error {
	s := h.s
	s.mu.Lock()
	s.reserved += n
	h.reserved += n
	s.mu.Unlock()
	if err := s.fit(ctx, 0); err != nil {
		return err
	}
	if free, err := s.opts.Free(s.dir); err == nil && free < 2*n+minFree {
		return fmt.Errorf("%w: %d bytes are free on the disk of %s, %d are needed; hint: free space there", ErrFull, free, s.dir, 2*n+minFree)
	}
	return nil
}

// fit drops images until n bytes more are within the cap, or returns ErrFull.
func (s *Store) fit(ctx context.Context, n int64) error {
	if s.opts.Limit == 0 {
		return nil
	}
	if _, err := s.evict(ctx, s.opts.Limit-n); err != nil {
		return err
	}
	if u := s.Usage() + n; u > s.opts.Limit {
		return fmt.Errorf("%w: images in use and this one take %d bytes, the cap is %d; hint: raise the cap, or wait for jobs to end", ErrFull, u, s.opts.Limit)
	}
	return nil
}

// room is what one image may still unpack to within the cap, if all that can go
// went.
func (s *Store) room() int64 {
	if s.opts.Limit == 0 {
		return math.MaxInt64
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stays := s.reserved
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
	return max(s.opts.Limit-stays, 0)
}

// minFree is what stays free on the disk, in bytes.
const minFree = 64 << 20

// came says that n reserved bytes are counted elsewhere now.
func (h *hold) came(n int64) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	n = min(n, h.reserved)
	h.reserved -= n
	h.s.reserved -= n
}

// release ends the hold.
func (h *hold) release() {
	h.came(h.reserved)
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, d := range h.digests {
		if h.s.busy[d]--; h.s.busy[d] == 0 {
			delete(h.s.busy, d)
		}
	}
	h.digests = nil
}
