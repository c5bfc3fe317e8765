package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// room counts bytes against the quota without ever scanning the store: the file
// usage holds an upper bound, the mark, which is raised durably BEFORE the
// bytes that pass it are written, by slack at a time. Only a power cut that
// undoes a delete, which nobody syncs, brings back bytes that the mark forgot.
type room struct {
	fs    filesystem
	limit int64 // 0: none
	slack int64

	mu       sync.Mutex
	held     int64 // in blocks, or more after a crash
	reserved int64 // in tmp
	mark     int64 // durable; at least held + reserved
	recount  *recount
}

// recount is a count of the blocks that is under way.
type recount struct {
	sum  int64
	done [256]bool // shards that sum holds
}

func slack(limit int64) int64 {
	const most = 256 << 20
	if limit == 0 {
		return most
	}
	return min(most, limit/64)
}

// cost is what a block of size bytes takes on the disk, about.
func cost(size int64) int64 { return (size + 4095) &^ 4095 }

// load reads the mark. ok is false if the file holds no number, which only a
// disk that lied about a sync leaves behind: the blocks have to be counted.
func (r *room) load() (ok bool, err error) {
	text, err := r.fs.Read("usage", 32)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // nothing was ever put
	}
	if err != nil {
		return false, err
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(string(text), "\n"), 10, 64)
	if err != nil || n < 0 {
		return false, nil
	}
	r.held, r.mark = n, n
	return true, nil
}

// reserve takes room for a block that is about to be written.
func (r *room) reserve(size int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	need := r.held + r.reserved + cost(size)
	if r.limit > 0 && need > r.limit {
		return fmt.Errorf("%w: %d of %d bytes taken; hint: raise the limit or delete what is no longer needed",
			blob.ErrFull, r.held+r.reserved, r.limit)
	}
	if need > r.mark {
		mark := need + r.slack
		if r.limit > 0 {
			mark = min(mark, r.limit)
		}
		if err := r.setMark(mark); err != nil {
			return err
		}
	}
	r.reserved += cost(size)
	return nil
}

func (r *room) setMark(n int64) error {
	if err := replace(r.fs, "usage", strconv.FormatInt(n, 10)+"\n"); err != nil {
		return err
	}
	r.mark = n
	return nil
}

func (r *room) release(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved -= cost(size)
}

// kept moves a reservation into the shard, whose mu is held.
func (r *room) kept(shard byte, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved -= cost(size)
	r.change(shard, cost(size))
}

// removed takes a block of the shard, whose mu is held, off the count.
func (r *room) removed(shard byte, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.change(shard, -cost(size))
}

func (r *room) change(shard byte, n int64) {
	r.held = max(0, r.held+n)
	if r.recount != nil && r.recount.done[shard] {
		r.recount.sum += n
	}
}

func (r *room) usage() blob.Usage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return blob.Usage{Bytes: r.held + r.reserved, Limit: r.limit}
}

func (r *room) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark == r.held {
		return nil
	}
	return r.setMark(r.held)
}

// Recount looks at every block and sets Usage right. The store may be used
// meanwhile. It is worth calling after a crash; it takes seconds per million
// blocks. A second Recount at the same time makes the first one void.
func (s *Store) Recount(ctx context.Context) error {
	count := &recount{}
	s.room.mu.Lock()
	s.room.recount = count
	s.room.mu.Unlock()
	for i := range s.shards {
		if err := s.countShard(ctx, byte(i), count); err != nil {
			return fmt.Errorf("recount blocks: %w", err)
		}
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.room.recount != count {
		return nil
	}
	s.room.recount = nil
	s.room.held = count.sum
	if need := s.room.held + s.room.reserved; need > s.room.mark {
		if err := s.room.setMark(need); err != nil {
			return fmt.Errorf("recount blocks: %w", full(err))
		}
	}
	return nil
}

func (s *Store) countShard(ctx context.Context, i byte, count *recount) error {
	sh := &s.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	names, err := s.fs.Names(shardDir(i))
	if err != nil {
		return err
	}
	var sum int64
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := artel.ParseRef(name); err != nil {
			continue // not put there by a store
		}
		size, _, err := s.fs.Stat(shardDir(i) + "/" + name)
		if err != nil {
			return err
		}
		sum += cost(size)
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	count.sum += sum
	count.done[i] = true
	return nil
}
