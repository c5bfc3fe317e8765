package image

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Cap bounds what some stores take together, packed and unpacked. Where room is
// wanted, the image that was used longest ago goes, whichever store has it; what
// is in use, is being pulled or is needed (Options.Needed) stays.
type Cap struct {
	mu     sync.Mutex
	limit  int64
	stores []*Store
}

// NewCap returns a cap of so many bytes; 0: no limit but the disk.
func NewCap(bytes int64) *Cap { return &Cap{limit: bytes} }

// SetLimit changes the cap. It collects nothing: the next pull does, or Collect.
func (c *Cap) SetLimit(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = bytes
}

// Limit returns the cap in bytes; 0: none.
func (c *Cap) Limit() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit
}

// Usage returns the bytes that the stores take, and those about to come.
func (c *Cap) Usage() (n int64) {
	for _, s := range c.all() {
		n += s.Usage()
	}
	return n
}

// Collect drops images until the cap is kept, and deletes what no image needs.
func (c *Cap) Collect(ctx context.Context) (Freed, error) {
	limit := c.Limit()
	if limit == 0 {
		limit = 1<<63 - 1
	}
	freed, err := evict(ctx, c.all(), limit)
	for _, s := range c.all() {
		s.mu.Lock()
		s.dropOrphans(&freed)
		s.mu.Unlock()
		if err == nil {
			err = s.sweep(ctx)
		}
		if err == nil {
			err = s.dropPartials(time.Now().Add(-partialAge))
		}
	}
	if err != nil {
		return freed, fmt.Errorf("collect images: %w", err)
	}
	return freed, nil
}

func (c *Cap) all() []*Store {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.stores)
}

func (c *Cap) join(s *Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stores = append(c.stores, s)
}

func (c *Cap) leave(s *Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stores = slices.DeleteFunc(c.stores, func(x *Store) bool { return x == s })
}

// evict drops images of the stores, oldest first, until they take at most limit
// bytes together, and deletes their blocks.
func evict(ctx context.Context, stores []*Store, limit int64) (freed Freed, err error) {
	var used int64
	for _, s := range stores {
		used += s.Usage()
	}
	if used <= limit {
		return freed, nil // most often, and nobody need be asked what is needed
	}
	needed := map[*Store]map[Digest]bool{}
	for _, s := range stores {
		if s.opts.Needed == nil {
			continue
		}
		if needed[s], err = s.opts.Needed(ctx); err != nil {
			return freed, fmt.Errorf("find out which images are needed: %w", err)
		}
	}
	changed, tidied := map[*Store]bool{}, false
	for {
		if err := ctx.Err(); err != nil {
			return freed, err
		}
		at, oldest, used := pick(stores, needed, &freed, changed)
		if used <= limit {
			break
		}
		if !tidied { // what broken off pulls have left goes before any image does
			tidied = true
			if freed, err = tidy(ctx, stores, freed); err != nil {
				return freed, err
			}
			continue
		}
		if at == nil {
			break
		}
		rest := at.dropIdle(oldest, &freed)
		changed[at] = true
		if err := os.RemoveAll(rest); err != nil {
			return freed, err
		}
	}
	for s := range changed {
		if err := s.sweep(ctx); err != nil {
			return freed, err
		}
	}
	return freed, nil
}

// tidy deletes what pulls that broke off have left in the stores.
func tidy(ctx context.Context, stores []*Store, freed Freed) (Freed, error) {
	for _, s := range stores {
		if s.left() == 0 {
			continue
		}
		if err := s.dropPartials(time.Now()); err != nil {
			return freed, err
		}
		if err := s.sweep(ctx); err != nil {
			return freed, err
		}
	}
	return freed, nil
}

// pick finds the image that goes next, if one may, and what all take.
func pick(stores []*Store, needed map[*Store]map[Digest]bool, freed *Freed, changed map[*Store]bool) (at *Store, oldest Digest, used int64) {
	var when time.Time
	for _, s := range stores {
		s.mu.Lock()
		if s.dropOrphans(freed) {
			changed[s] = true
		}
		used += s.usage()
		for d, r := range s.records {
			if !needed[s][d] && s.idle(d, r) == nil && (at == nil || r.used.Before(when)) {
				at, oldest, when = s, d, r.used
			}
		}
		s.mu.Unlock()
	}
	return at, oldest, used
}

// dropIdle forgets an image unless it came into use meanwhile.
func (s *Store) dropIdle(d Digest, freed *Freed) (rest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[d]
	if r == nil || s.idle(d, r) != nil {
		return ""
	}
	return s.dropRecord(d, freed)
}
