package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// laid names a blob laid out for one renter: another one, who is slow to serve
// the same blob, must not hold it up, nor may it read what it does not have.
type laid struct {
	from artel.NodeID
	ref  artel.Ref
	dir  bool
}

func (l laid) path(dir string) string {
	kind := "file"
	if l.dir {
		kind = "dir"
	}
	return filepath.Join(dir, "laid", l.ref.String()+"-"+l.from.String()+"-"+kind)
}

// cached is a blob laid out for the sandbox, shared by the attempts that use it.
type cached struct {
	ready chan struct{}
	err   error
	bytes int64
	users int
	last  uint64 // the turn of its last use
	over  bool   // it goes when nobody uses it any more
}

// idle reports whether it is there and no attempt uses it.
func (c *cached) idle() bool {
	select {
	case <-c.ready:
		return c.users == 0
	default:
		return false
	}
}

// keepIdle is how many laid out blobs are kept although no attempt uses them.
const keepIdle = 32

// lay brings a blob onto the disk, once for all attempts of a renter that want
// it.
func (b *Boxed) lay(ctx context.Context, from artel.NodeID, ref artel.Ref, limit int64, dir bool) (path string, done func(), err error) {
	l := laid{from, ref, dir}
	path = l.path(b.Dir)
	for {
		b.mu.Lock()
		if b.cache == nil {
			b.cache = map[laid]*cached{}
		}
		c := b.cache[l]
		if c == nil {
			c = &cached{ready: make(chan struct{})}
			b.cache[l] = c
			b.mu.Unlock()
			c.bytes, c.err = b.fetchAndLay(ctx, from, ref, limit, dir, path)
			b.mu.Lock()
			close(c.ready)
			if c.err != nil {
				delete(b.cache, l)
			}
		}
		c.users++
		b.turn++
		c.last = b.turn
		b.mu.Unlock()
		done = func() { b.leave(l, c) }
		select {
		case <-c.ready:
		case <-ctx.Done():
			done()
			return "", nil, ctx.Err()
		}
		if c.err == nil {
			return path, done, nil
		}
		done()
		if ctx.Err() != nil || !errors.Is(c.err, context.Canceled) && !errors.Is(c.err, context.DeadlineExceeded) {
			return "", nil, c.err
		}
		// The attempt that fetched was cancelled; this one was not.
	}
}

func (b *Boxed) leave(l laid, c *cached) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.users--; c.over && c.idle() && b.cache[l] == c {
		b.drop(l)
		return
	}
	idle := 0
	for _, x := range b.cache {
		if x.idle() {
			idle++
		}
	}
	if idle > keepIdle {
		b.evict()
	}
}

// Closed implements Runner.
func (b *Boxed) Closed(from artel.NodeID) {
	b.mu.Lock()
	for l, c := range b.cache {
		switch {
		case l.from != from:
		case c.idle():
			b.drop(l)
		default:
			c.over = true
		}
	}
	b.mu.Unlock()
	b.tidy()
}

func (b *Boxed) tidy() {
	if b.Tidy != nil {
		b.Tidy()
	}
}

// fetchAndLay returns how many bytes of disk a blob takes, laid out. It is always
// fetched anew, from the renter it is for, into a store of its own: whoever
// cannot serve every block of it has no right to see it, whatever other renters
// have brought here.
func (b *Boxed) fetchAndLay(ctx context.Context, from artel.NodeID, ref artel.Ref, limit int64, dir bool, path string) (size int64, err error) {
	claim := 2 * limit // as blocks, and laid out
	if err := b.take(claim); err != nil {
		return 0, err
	}
	defer func() { b.give(claim - size) }()
	store, done, err := b.Scratch(limit)
	if err != nil {
		return 0, clean(err)
	}
	defer done()
	if err := b.Fetch(ctx, from, store, ref, limit); err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp(b.Dir, "laying-")
	if err != nil {
		return 0, clean(err)
	}
	defer os.RemoveAll(tmp)
	made := filepath.Join(tmp, "x")
	if dir {
		err = blob.Extract(ctx, store, ref, made, blob.Limits{Bytes: limit})
		if cause := errors.Unwrap(err); cause != nil {
			err = cause // a renter reads it, and has no business with our paths
		}
	} else {
		err = layFile(ctx, store, ref, made, limit)
	}
	if err != nil {
		return 0, clean(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, clean(err)
	}
	os.RemoveAll(path) // of an earlier run of the daemon
	if err := os.Rename(made, path); err != nil {
		return 0, clean(err)
	}
	if size, err = taken(path); err != nil {
		return 0, clean(err)
	}
	return size, nil
}

func layFile(ctx context.Context, s blob.Store, ref artel.Ref, path string, limit int64) error {
	src, err := blob.Open(ctx, s, ref)
	if err != nil {
		return err
	}
	if src.Size() > limit {
		return fmt.Errorf("%w: a program of %d bytes, at most %d", blob.ErrLimit, src.Size(), limit)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := src.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
