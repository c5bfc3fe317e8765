package wasm

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// tend replaces workers that have gone, retires those not needed, and keeps the
// compile cache small. A worker that cannot be started is tried again at the next turn;
// Start says why.
func (b *Box) tend(ctx context.Context) {
	var retired []*worker
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.wg.Add(1) // Close waits for what is started here
	defer b.wg.Done()
	busy := len(b.workers) - len(b.idle)
	want := min(b.opt.Warm, b.opt.Slots-busy)
	for len(b.idle) > max(want, 0) && time.Since(b.idle[0].idleSince) > b.opt.IdleAfter {
		retired = append(retired, b.idle[0])
		b.idle = b.idle[1:]
	}
	missing := want - len(b.idle)
	b.mu.Unlock()
	for _, w := range retired {
		w.retire()
	}
	for ; missing > 0; missing-- {
		w, err := b.launch(ctx)
		if err != nil {
			break
		}
		b.put(w)
	}
	b.prune()
}

// take gives an idle worker, one that has the program at hand if there is one, or
// starts a new one.
func (b *Box) take(ctx context.Context, key string) (*worker, error) {
	b.mu.Lock()
	for len(b.idle) > 0 {
		i := len(b.idle) - 1 // the most recently used: the others may retire
		for j, w := range b.idle {
			if slices.Contains(w.keys, key) {
				i = j
			}
		}
		w := b.idle[i]
		b.idle = slices.Delete(b.idle, i, i+1)
		if !w.dead() {
			b.mu.Unlock()
			return w, nil
		}
		w.closePipes()
	}
	b.mu.Unlock()
	return b.launch(ctx)
}

// put takes a worker back that is waiting for its next task.
func (b *Box) put(w *worker) {
	if w.tasks >= b.opt.MaxTasks || w.rss() > b.opt.MaxRSS {
		w.retire()
		b.wake()
		return
	}
	w.idleSince = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		w.retire()
		return
	}
	b.idle = append(b.idle, w)
}

func (b *Box) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// adopt enters a started worker, unless the box is closed.
func (b *Box) adopt(w *worker) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return sandbox.ErrClosed
	}
	b.workers[w] = struct{}{}
	return nil
}

// disown forgets a worker whose process is gone.
func (b *Box) disown(w *worker) {
	b.mu.Lock()
	delete(b.workers, w)
	if s := w.cmd.ProcessState; s != nil {
		b.spent += s.UserTime() + s.SystemTime()
	}
	if i := slices.Index(b.idle, w); i >= 0 {
		b.idle = slices.Delete(b.idle, i, i+1)
		w.closePipes() // else whoever holds it does, when it has read what is left
	}
	b.mu.Unlock()
	b.wake()
}

// prune removes the oldest compiled programs until the cache is within its bound.
func (b *Box) prune() {
	if !b.caching.TryLock() {
		return
	}
	defer b.caching.Unlock()
	type entry struct {
		path string
		size int64
		at   time.Time
	}
	var all []entry
	var total int64
	_ = filepath.WalkDir(b.opt.Cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone meanwhile: nothing to remove
		}
		if info, err := d.Info(); err == nil {
			all = append(all, entry{path, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	slices.SortFunc(all, func(x, y entry) int { return x.at.Compare(y.at) })
	for _, e := range all {
		if total <= b.opt.CacheBytes {
			return
		}
		if os.Remove(e.path) == nil {
			total -= e.size
		}
	}
}
