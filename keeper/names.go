package keeper

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// names knows which tasks name a block, so that letting go of one task leaves
// alone what another one holds. Honest tasks share no blocks, for each seals its
// own; but whoever knows the CIDs of another's may name them as well, and drop
// them then.
//
// A block is noted by eight bytes of its hash: two that collide keep each other.
type names struct {
	mu     sync.Mutex
	by     map[uint64]uint32   // the only task that names a block, or the first
	shared map[uint64][]uint32 // all, of those that several name
}

func newNames() *names { return &names{by: map[uint64]uint32{}, shared: map[uint64][]uint32{}} }

func short(ref artel.Ref) uint64 {
	sum := ref.Sum()
	return binary.BigEndian.Uint64(sum[:8])
}

// add notes that a task names blocks. It is called BEFORE they are read for the
// last time: what was deleted until then is found to be missing.
func (n *names) add(task uint32, refs []artel.Ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range refs {
		s := short(r)
		first, ok := n.by[s]
		switch all := n.shared[s]; {
		case !ok:
			n.by[s] = task
		case first == task || slices.Contains(all, task):
		case all == nil:
			n.shared[s] = []uint32{first, task}
		default:
			n.shared[s] = append(all, task)
		}
	}
}

// remove takes a task's name off a block, and the block out of the store if no
// other task names it. Doing it twice is no harm.
func (n *names) remove(ctx context.Context, store blob.Store, task uint32, ref artel.Ref) error {
	n.mu.Lock()
	defer n.mu.Unlock() // deleted within: nobody may begin to name it meanwhile
	if n.off(task, ref) {
		return store.Delete(ctx, ref, time.Time{})
	}
	return nil
}

// takeBack takes a task's name off a block, which stays.
func (n *names) takeBack(task uint32, ref artel.Ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.off(task, ref)
}

// off reports whether no task names the block now. Called with mu held.
func (n *names) off(task uint32, ref artel.Ref) bool {
	s := short(ref)
	if all := n.shared[s]; all != nil {
		if all = slices.DeleteFunc(all, func(t uint32) bool { return t == task }); len(all) > 1 {
			n.shared[s] = all
		} else {
			delete(n.shared, s)
		}
		n.by[s] = all[0]
		return false
	}
	if first, ok := n.by[s]; ok && first != task {
		return false
	}
	delete(n.by, s)
	return true
}

// sweep deletes a block that no task names.
func (n *names) sweep(ctx context.Context, store blob.Store, ref artel.Ref) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.by[short(ref)]; ok {
		return nil
	}
	return store.Delete(ctx, ref, time.Time{})
}

// lender is the store as checkpoint.Drop sees it when it lets go of a task's
// generation.
type lender struct {
	blob.Store
	names *names
	task  uint32
}

// Delete implements blob.Store.
func (l lender) Delete(ctx context.Context, ref artel.Ref, _ time.Time) error {
	return l.names.remove(ctx, l.Store, l.task, ref)
}

// meter is the store as a fetch sees it: each block is counted before it is
// written.
type meter struct {
	blob.Store
	take func(bytes int64) error // blob.ErrFull where there is no more room
	got  *[]artel.Ref            // what came
}

// cost is what a block takes of the disk, about.
func cost(size int64) int64 { return (size + 4095) &^ 4095 }

// Batch implements blob.Store.
func (m meter) Batch(ctx context.Context) blob.Batch { return &metered{m.Store.Batch(ctx), m} }

type metered struct {
	blob.Batch
	m meter
}

// Put implements blob.Batch.
func (b *metered) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	if err := b.m.take(cost(int64(len(data)))); err != nil {
		return err
	}
	*b.m.got = append(*b.m.got, ref) // before it is there: a part of a batch may be
	return b.Batch.Put(ctx, ref, data)
}
