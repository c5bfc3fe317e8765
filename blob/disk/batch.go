package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// syncers is how many files or directories of one batch are synced at once:
// file systems with a journal write one commit for all that wait for it.
const syncers = 16

// batch syncs each block in the background while the next is being made.
type batch struct {
	s       *Store
	written []written
	names   map[artel.Ref]struct{} // of written
	dirs    [256]bool              // to be synced at Commit

	slots chan struct{} // one per sync in flight
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error // the first of a sync in the background
}

// written is a block in tmp.
type written struct {
	ref  artel.Ref
	temp string
	size int64
}

func (b *batch) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	err := blob.Verify(ref, data)
	if err == nil {
		err = b.put(ctx, ref, data)
	}
	if err != nil {
		return fmt.Errorf("put block %s: %w", ref, full(err))
	}
	return nil
}

func (b *batch) Add(ctx context.Context, codec byte, data []byte) (artel.Ref, error) {
	ref, err := blob.RefOf(codec, data)
	if err == nil {
		err = b.put(ctx, ref, data)
	}
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add block: %w", full(err))
	}
	return ref, nil
}

// put keeps data, which ref is known to name.
func (b *batch) put(ctx context.Context, ref artel.Ref, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := b.names[ref]; ok {
		return nil
	}
	held, err := b.s.renew(ref, data)
	if err != nil {
		return err
	}
	if held {
		b.dirs[shardOf(ref)] = true // durable only once its directory is
		return nil
	}
	if err := b.s.room.reserve(int64(len(data))); err != nil {
		return err
	}
	temp := b.s.tempName()
	if err := b.write(temp, data); err != nil {
		b.s.room.release(int64(len(data)))
		return err
	}
	if b.names == nil {
		b.names = map[artel.Ref]struct{}{}
	}
	b.names[ref] = struct{}{}
	b.written = append(b.written, written{ref, temp, int64(len(data))})
	return nil
}

// renew reports whether the store holds the block with these very bytes, and
// sets its time to now. One that has rotted is as good as absent.
func (s *Store) renew(ref artel.Ref, data []byte) (bool, error) {
	sh := &s.shards[shardOf(ref)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	path := blockPath(ref)
	if size, _, err := s.fs.Stat(path); err != nil || size != int64(len(data)) {
		return false, nil // if the disk is ill, writing will say so
	}
	old, err := s.fs.Read(path, blob.MaxBlock+1)
	if err != nil || !bytes.Equal(old, data) {
		return false, nil
	}
	return true, s.fs.Touch(path, time.Now())
}

// write puts data into a file and has it synced and closed in the background.
// After an error the file is gone.
func (b *batch) write(temp string, data []byte) error {
	f, err := b.s.fs.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		// The kernel's clock for files may lag behind time.Now, which Delete's
		// callers use.
		err = b.s.fs.Touch(temp, time.Now())
	}
	if err != nil {
		f.Close()
		b.s.fs.Remove(temp)
		return err
	}
	b.slots <- struct{}{}
	b.wg.Go(func() {
		err := f.Sync()
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			b.mu.Lock()
			b.err = errors.Join(b.err, err)
			b.mu.Unlock()
		}
		<-b.slots
	})
	return nil
}

func (b *batch) Commit(ctx context.Context) error {
	if err := b.commit(ctx); err != nil {
		b.drop()
		return fmt.Errorf("commit blocks: %w", full(err))
	}
	return nil
}

func (b *batch) commit(ctx context.Context) error {
	b.wg.Wait()
	err := b.err
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	for len(b.written) > 0 {
		w := b.written[0]
		if err := b.s.rename(w); err != nil {
			return err
		}
		b.dirs[shardOf(w.ref)] = true
		b.written = b.written[1:]
	}
	b.names = nil
	return b.syncDirs()
}

// rename makes a synced block visible.
func (s *Store) rename(w written) error {
	i := shardOf(w.ref)
	sh := &s.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	path := blockPath(w.ref)
	old, _, err := s.fs.Stat(path)
	if err := s.fs.Rename(w.temp, path); err != nil {
		return err
	}
	sh.changes++
	s.room.kept(i, w.size)
	if err == nil { // another batch was faster, or the block had rotted
		s.room.removed(i, old)
	}
	return nil
}

func (b *batch) syncDirs() error {
	for i, dirty := range b.dirs {
		if !dirty {
			continue
		}
		b.slots <- struct{}{}
		b.wg.Go(func() {
			if err := b.s.syncShard(byte(i)); err != nil {
				b.mu.Lock()
				b.err = errors.Join(b.err, err)
				b.mu.Unlock()
			}
			<-b.slots
		})
	}
	b.wg.Wait()
	b.dirs = [256]bool{}
	return b.err
}

func (b *batch) Close() error {
	b.drop()
	return nil
}

// drop forgets what is in tmp. A file that cannot be removed is removed by the
// next Open.
func (b *batch) drop() {
	b.wg.Wait()
	for _, w := range b.written {
		b.s.fs.Remove(w.temp)
		b.s.room.release(w.size)
	}
	b.written, b.names, b.err, b.dirs = nil, nil, nil, [256]bool{}
}
