// Package disk is a blob.Store in a directory. One process at a time opens it;
// keeping a second one out is the owner of the data directory's job.
//
//	version            "artel-blobs 1"
//	usage              an upper bound of the bytes kept; see quota.go
//	tmp/N              a block being written; removed by Open
//	blocks/3f/bafk…    one block: its CID, in the directory of its hash's first byte
//
// A block is written to tmp, synced, renamed, and the directory is synced: in
// that order, so that a name in blocks never stands for bytes that are not on
// the disk. Should the disk lie about that, Get still compares every byte.
// Open does not look at blocks, however many there are.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

const versionText = "artel-blobs 1\n"

// Store is a blob.Store in a directory. Make one with Open.
type Store struct {
	fs     filesystem
	room   room
	temp   atomic.Uint64 // the last name used in tmp
	shards [256]shard
}

// shard is one directory of blocks.
type shard struct {
	// mu orders what happens to names in the directory.
	mu sync.Mutex
	// changes counts the renames into the directory. It starts at 1: what an
	// earlier process renamed may not be durable yet.
	changes uint64

	// syncing is held while the directory is synced. It is taken before mu.
	syncing sync.Mutex
	synced  uint64 // changes that are durable
}

// Open opens the store in dir, which is made if need be; its parent exists.
// The store keeps at most limit bytes, whole 4 KiB pages counted; 0: no limit
// but the disk. Close it, or Usage is too high until the next Recount.
func Open(dir string, limit int64) (*Store, error) {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = osFS{filepath.Dir(filepath.Clean(dir))}.SyncDir(".")
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	s, err := open(osFS{dir}, limit)
	if err != nil {
		return nil, fmt.Errorf("open blob store %s: %w", dir, err)
	}
	return s, nil
}

func open(fsys filesystem, limit int64) (*Store, error) {
	s := &Store{fs: fsys, room: room{fs: fsys, limit: limit, slack: slack(limit)}}
	for i := range s.shards {
		s.shards[i].changes = 1
	}
	text, err := fsys.Read("version", 64)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(text) == 0:
		if err := s.create(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case string(text) != versionText:
		return nil, fmt.Errorf("version %q, want %q; hint: it was written by another artel, or is no blob store", text, versionText)
	}
	if err := s.clearTemp(); err != nil {
		return nil, err
	}
	ok, err := s.room.load()
	if err == nil && !ok {
		err = s.Recount(context.Background())
	}
	return s, err
}

// create lays out a new store. The version comes last: a directory without one
// is laid out again.
func (s *Store) create() error {
	for _, dir := range []string{"tmp", "blocks"} {
		if err := s.fs.Mkdir(dir); err != nil {
			return err
		}
	}
	for i := range s.shards {
		if err := s.fs.Mkdir(shardDir(byte(i))); err != nil {
			return err
		}
	}
	if err := s.fs.SyncDir("blocks"); err != nil {
		return err
	}
	if err := s.fs.SyncDir("."); err != nil {
		return err
	}
	if err := s.fs.Remove("version.new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replace(s.fs, "version", versionText)
}

func (s *Store) clearTemp() error {
	names, err := s.fs.Names("tmp")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.fs.Remove("tmp/" + name); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a small file so that it is either the old or the new one.
func replace(fsys filesystem, path, text string) error {
	next := path + ".new"
	if err := fsys.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(next)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(next, path)
	}
	if err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// Close notes how much is kept. No method may be called after it.
func (s *Store) Close() error {
	if err := s.room.close(); err != nil {
		return fmt.Errorf("close blob store: %w", err)
	}
	return nil
}

func shardOf(ref artel.Ref) byte { sum := ref.Sum(); return sum[0] }

func shardDir(i byte) string {
	const hex = "0123456789abcdef"
	return "blocks/" + string([]byte{hex[i>>4], hex[i&15]})
}

// blockPath is where a block is. The zero ref, which has no text, must not
// become the path of the directory.
func blockPath(ref artel.Ref) string {
	name := ref.String()
	if name == "" {
		name = "none"
	}
	return shardDir(shardOf(ref)) + "/" + name
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	b, err := s.get(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("get block %s: %w", ref, err)
	}
	return b, nil
}

func (s *Store) get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := s.read(ref)
	if !errors.Is(err, blob.ErrMismatch) && !errors.Is(err, blob.ErrTooBig) {
		return b, err
	}
	// Rotten, or read badly, or replaced meanwhile: once more, with nobody else
	// at it, before it is taken out.
	sh := &s.shards[shardOf(ref)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b, err = s.read(ref)
	if errors.Is(err, blob.ErrTooBig) {
		err = fmt.Errorf("%w: %w", blob.ErrMismatch, err)
	}
	if errors.Is(err, blob.ErrMismatch) {
		if rerr := s.remove(ref); rerr != nil {
			return nil, errors.Join(err, rerr)
		}
	}
	return b, err
}

func (s *Store) read(ref artel.Ref) ([]byte, error) {
	b, err := s.fs.Read(blockPath(ref), blob.MaxBlock+1)
	if err != nil {
		return nil, notFound(err)
	}
	if err := blob.Verify(ref, b); err != nil {
		return nil, err
	}
	return b, nil
}

// remove takes a block out. The shard's mu is held.
func (s *Store) remove(ref artel.Ref) error {
	path := blockPath(ref)
	size, _, err := s.fs.Stat(path)
	if err == nil {
		err = s.fs.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.room.removed(shardOf(ref), size)
	}
	return err
}

// Size implements blob.Store.
func (s *Store) Size(ctx context.Context, ref artel.Ref) (int64, error) {
	err := ctx.Err()
	var size int64
	if err == nil {
		size, _, err = s.fs.Stat(blockPath(ref))
	}
	if err != nil {
		return 0, fmt.Errorf("size of block %s: %w", ref, notFound(err))
	}
	return size, nil
}

// Renew implements blob.Store.
func (s *Store) Renew(ctx context.Context, ref artel.Ref) (int64, error) {
	sh := &s.shards[shardOf(ref)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	size, err := s.Size(ctx, ref)
	if err == nil {
		err = s.fs.Touch(blockPath(ref), time.Now())
	}
	if err != nil {
		return 0, fmt.Errorf("renew: %w", err)
	}
	return size, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, ref artel.Ref, before time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := &s.shards[shardOf(ref)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, mod, err := s.fs.Stat(blockPath(ref))
	if err == nil && (before.IsZero() || mod.Before(before)) {
		err = s.remove(ref)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete block %s: %w", ref, err)
	}
	return nil
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for i := range s.shards {
			dir := shardDir(byte(i))
			names, err := s.fs.Names(dir)
			if err != nil {
				yield(blob.Info{}, fmt.Errorf("list blocks: %w", err))
				return
			}
			for _, name := range names {
				ref, err := artel.ParseRef(name)
				if err != nil || shardOf(ref) != byte(i) {
					continue // not put there by a store
				}
				size, mod, err := s.fs.Stat(dir + "/" + name)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(blob.Info{}, fmt.Errorf("list blocks: %w", err))
					return
				}
				if !yield(blob.Info{Ref: ref, Size: size, Time: mod}, nil) {
					return
				}
			}
		}
	}
}

// Usage implements blob.Store. After a crash it is off until Recount: too high
// by at most 256 MiB or 1/64 of the limit each time, or, after a power cut, too
// low by what was deleted in the seconds before.
func (s *Store) Usage(ctx context.Context) (blob.Usage, error) {
	return s.room.usage(), ctx.Err()
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	b := s.Batch(ctx)
	defer b.Close()
	if err := b.Put(ctx, ref, data); err != nil {
		return err
	}
	return b.Commit(ctx)
}

// Batch implements blob.Store.
func (s *Store) Batch(context.Context) blob.Batch {
	return &batch{s: s, slots: make(chan struct{}, syncers)}
}

func (s *Store) tempName() string { return "tmp/" + strconv.FormatUint(s.temp.Add(1), 36) }

// syncShard makes every rename into the directory so far durable. Several who
// wait for the same directory share one sync.
func (s *Store) syncShard(i byte) error {
	sh := &s.shards[i]
	sh.mu.Lock()
	need := sh.changes
	sh.mu.Unlock()
	sh.syncing.Lock()
	defer sh.syncing.Unlock()
	if sh.synced >= need {
		return nil
	}
	sh.mu.Lock()
	now := sh.changes
	sh.mu.Unlock()
	if err := s.fs.SyncDir(shardDir(i)); err != nil {
		return err
	}
	sh.synced = now
	return nil
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	return err
}

// full gives the errors of a full disk the name that callers match.
func full(err error) error {
	if noSpace(err) {
		return fmt.Errorf("%w: %w; hint: free space on the disk, or lower the limit of the store", blob.ErrFull, err)
	}
	return err
}
