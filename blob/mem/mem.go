// Package mem is a blob.Store in memory, for tests and simulations. It keeps
// every guarantee of the port except surviving the process.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// Store is a blob.Store in memory. Make one with New.
type Store struct {
	limit int64
	now   func() time.Time

	mu     sync.Mutex
	blocks map[artel.Ref]block
	used   int64 // of blocks and of batches that are not yet committed
}

type block struct {
	data []byte
	at   time.Time
}

// New returns an empty store that keeps at most limit bytes; 0: no limit.
// Times of blocks come from time.Now.
func New(limit int64) *Store {
	return &Store{limit: limit, now: time.Now, blocks: map[artel.Ref]block{}}
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	b, ok := s.blocks[ref]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("get block %s: %w", ref, blob.ErrNotFound)
	}
	if err := blob.Verify(ref, b.data); err != nil {
		s.mu.Lock()
		s.drop(ref)
		s.mu.Unlock()
		return nil, fmt.Errorf("get block %s: %w", ref, err)
	}
	return bytes.Clone(b.data), nil
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

// Size implements blob.Store.
func (s *Store) Size(ctx context.Context, ref artel.Ref) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blocks[ref]
	if !ok {
		return 0, fmt.Errorf("size of block %s: %w", ref, blob.ErrNotFound)
	}
	return int64(len(b.data)), nil
}

// Renew implements blob.Store.
func (s *Store) Renew(ctx context.Context, ref artel.Ref) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blocks[ref]
	if !ok {
		return 0, fmt.Errorf("renew block %s: %w", ref, blob.ErrNotFound)
	}
	s.blocks[ref] = block{b.data, s.now()}
	return int64(len(b.data)), nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, ref artel.Ref, before time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.blocks[ref]; ok && (before.IsZero() || b.at.Before(before)) {
		s.drop(ref)
	}
	return nil
}

func (s *Store) drop(ref artel.Ref) {
	if b, ok := s.blocks[ref]; ok {
		s.used -= int64(len(b.data))
		delete(s.blocks, ref)
	}
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		s.mu.Lock()
		infos := make([]blob.Info, 0, len(s.blocks))
		for ref, b := range s.blocks {
			infos = append(infos, blob.Info{Ref: ref, Size: int64(len(b.data)), Time: b.at})
		}
		s.mu.Unlock()
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(blob.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Usage implements blob.Store.
func (s *Store) Usage(ctx context.Context) (blob.Usage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return blob.Usage{Bytes: s.used, Limit: s.limit}, ctx.Err()
}

// Batch implements blob.Store.
func (s *Store) Batch(context.Context) blob.Batch {
	return &batch{s: s, blocks: map[artel.Ref][]byte{}}
}

type batch struct {
	s      *Store
	blocks map[artel.Ref][]byte
}

func (b *batch) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	if err := blob.Verify(ref, data); err != nil {
		return fmt.Errorf("put block %s: %w", ref, err)
	}
	return b.put(ctx, ref, data)
}

func (b *batch) Add(ctx context.Context, codec byte, data []byte) (artel.Ref, error) {
	ref, err := blob.RefOf(codec, data)
	if err != nil {
		return ref, fmt.Errorf("add block: %w", err)
	}
	return ref, b.put(ctx, ref, data)
}

// put keeps data, which ref is known to name.
func (b *batch) put(ctx context.Context, ref artel.Ref, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := b.blocks[ref]; ok {
		return nil
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	n := int64(len(data))
	if _, held := b.s.blocks[ref]; !held && b.s.limit > 0 && b.s.used+n > b.s.limit {
		return fmt.Errorf("put block %s: %w: %d of %d bytes taken; hint: raise the limit or delete what is no longer needed",
			ref, blob.ErrFull, b.s.used, b.s.limit)
	}
	b.s.used += n // given back at Commit if the block is held by then
	b.blocks[ref] = bytes.Clone(data)
	return nil
}

func (b *batch) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for ref, data := range b.blocks {
		b.s.drop(ref)
		b.s.blocks[ref] = block{data, b.s.now()}
	}
	clear(b.blocks)
	return nil
}

func (b *batch) Close() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for _, data := range b.blocks {
		b.s.used -= int64(len(data))
	}
	clear(b.blocks)
	return nil
}
