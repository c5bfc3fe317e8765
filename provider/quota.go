package provider

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/artel-network/artel/blob"
)

// The bytes that a Boxed takes of the owner's disk for all renters together:
//
//	laid out programs and inputs      until room is needed, the longest unused first
//	what an attempt may still write   its claim, until it has ended
//	its log and its sealed output     until its renter has settled it
//	a checkpoint, laid out            while it is taken, or taken up
//	its blocks, in Saves              until the next is confirmed, or the attempt has ended
//
// What may be written is counted before it is: a claim that does not fit is
// refused.

// errQuota says that what the owner gives of the disk is taken.
var errQuota = fmt.Errorf("%w: what its owner gives of this machine's disk is taken", blob.ErrFull)

// Limit sets how many bytes of disk may be taken in all; 0: no limit. What is
// there stays, but for blobs that nobody uses.
func (b *Boxed) Limit(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = bytes
	for b.limit > 0 && b.sum() > b.limit && b.evict() {
	}
}

// Used returns how many bytes are taken or claimed, and the limit.
func (b *Boxed) Used() (used, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum(), b.limit
}

// sum is what is taken, with the blocks of checkpoints. Called with mu held.
func (b *Boxed) sum() int64 {
	if b.Saves == nil {
		return b.used
	}
	u, err := b.Saves.Usage(context.Background())
	if err != nil {
		return b.used
	}
	return b.used + u.Bytes
}

// mostProgram is the largest program, in bytes: a small machine must not be
// filled by one.
func (b *Boxed) mostProgram() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit == 0 {
		return maxProgram
	}
	return min(maxProgram, b.limit/8)
}

// take claims n bytes, at the cost of laid out blobs that nobody uses.
func (b *Boxed) take(n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit > 0 {
		if n > b.limit {
			return fmt.Errorf("%w; this may need %d bytes, all there are is %d; hint: less --disk or a smaller input, or another provider", errQuota, n, b.limit)
		}
		for b.sum() > b.limit-n {
			if !b.evict() {
				return fmt.Errorf("%w; this may need %d bytes, %d of %d are left; hint: fetch and pay for results that wait, or try another provider", errQuota, n, max(0, b.limit-b.sum()), b.limit)
			}
		}
	}
	b.used += n
	return nil
}

// claimed is room on the disk for what is there for a while.
type claimed struct {
	b *Boxed
	n int64
}

// claimRoom claims n bytes; the caller leaves them.
func (b *Boxed) claimRoom(n int64) (*claimed, error) {
	if b.Room != nil {
		if err := b.Room(n); err != nil {
			return nil, err
		}
	}
	if err := b.take(n); err != nil {
		return nil, err
	}
	return &claimed{b, n}, nil
}

// is sets how many bytes it really takes.
func (c *claimed) is(n int64) {
	c.b.give(c.n - n)
	c.n = n
}

func (c *claimed) leave() { c.is(0) }

// give takes back a claim of n bytes.
func (b *Boxed) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}

// evict removes the laid out blob that was not used for longest. It reports
// whether there was one. Called with mu held.
func (b *Boxed) evict() bool {
	var oldest laid
	var found *cached
	for l, c := range b.cache {
		if c.idle() && (found == nil || c.last < found.last) {
			oldest, found = l, c
		}
	}
	if found == nil {
		return false
	}
	b.drop(oldest)
	return true
}

// drop removes a laid out blob that nobody uses. Called with mu held.
func (b *Boxed) drop(l laid) {
	b.used -= b.cache[l].bytes
	delete(b.cache, l)
	os.RemoveAll(l.path(b.Dir))
}

// hold ends an attempt's claim and counts what it has left: its log, and so many
// bytes sealed.
func (b *Boxed) hold(h Attempt, claim, sealed int64) {
	n := sealed
	if log, err := taken(b.logPath(h.Lease, h.TaskKey)); err == nil {
		n += log
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n - claim - b.held[h]
	if b.held == nil {
		b.held = map[Attempt]int64{}
	}
	if b.held[h] = n; n == 0 {
		delete(b.held, h)
	}
}

func (b *Boxed) release(h Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= b.held[h]
	delete(b.held, h)
}

// taken returns the disk that a file or a directory takes, in bytes: whole pages,
// and one for each name.
func taken(path string) (n int64, err error) {
	const page = 4096
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n += page
		if d.Type().IsRegular() {
			i, err := d.Info()
			if err != nil {
				return err
			}
			n += (i.Size() + page - 1) / page * page
		}
		return nil
	})
	return n, err
}
