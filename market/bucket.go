package market

import (
	"hash/fnv"
	"math"
	"math/bits"
	"slices"

	"github.com/artel-network/artel"
)

// entry is a listing that buckets point to. It is dead once its machine's offer
// changed in a way that its slots show, or is gone.
type entry struct {
	Listing
	dead bool
}

// slot is what a walk over a bucket reads of an offer, side by side in memory:
// a query that little suits walks 100,000 of them and follows hardly a pointer.
type slot struct {
	key    float64 // EffectivePrice
	price  artel.Price
	memory uint64 // of all slots together
	disk   uint64
	unit   uint64
	slots  uint32
	gpus   uint32
	region uint32 // wordHash of the region
	entry  *entry
}

func slotOf(e *entry) slot {
	o := &e.Offer
	return slot{
		key: EffectivePrice(*o), price: o.Price, memory: all(o.Resources.Slots, o.Resources.Memory), disk: all(o.Resources.Slots, o.Resources.Disk),
		unit: o.MaxUnit, slots: o.Resources.Slots, gpus: o.Resources.GPUs, region: wordHash(o.Region), entry: e,
	}
}

// all is what slots have together, as far as 64 bits go.
func all(slots uint32, each uint64) uint64 {
	high, low := bits.Mul64(uint64(slots), each)
	if high != 0 {
		return math.MaxUint64
	}
	return low
}

// sameSlots reports whether both offers have the same slots in the same
// buckets, so that one may take the other's place without moving anything.
func sameSlots(a, b *artel.Offer) bool {
	return a.Price == b.Price && a.Speed == b.Speed && a.Resources == b.Resources && a.MaxUnit == b.MaxUnit &&
		a.Region == b.Region && slices.Equal(a.Sandboxes, b.Sandboxes)
}

func wordHash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func compare(a, b slot) int {
	switch {
	case a.key < b.key: // most often so, and without a look at the entries
		return -1
	case a.key > b.key:
		return 1
	case before(0, &a.entry.Offer, 0, &b.entry.Offer):
		return -1
	case before(0, &b.entry.Offer, 0, &a.entry.Offer):
		return 1
	}
	return 0
}

// bucket holds the slots of one sandbox. Most are in sorted; what came since is
// in fresh, which is sorted when it is read and merged when it has grown, so
// that neither an insert nor a query pays for all. Dead slots stay until then.
type bucket struct {
	sorted, fresh []slot
	dirty         bool // fresh is out of order
	dead          int
}

// slack is how many fresh or dead slots a bucket puts up with beside a share of
// what it holds.
const slack = 512

func (b *bucket) add(s slot) {
	b.fresh, b.dirty = append(b.fresh, s), true
	if len(b.fresh) > slack+len(b.sorted)/64 {
		b.merge()
	}
}

func (b *bucket) died() {
	b.dead++
	if b.dead > slack+len(b.sorted)/8 {
		b.merge()
	}
}

func (b *bucket) len() int { return len(b.sorted) + len(b.fresh) - b.dead }

func (b *bucket) order() {
	if b.dirty {
		slices.SortFunc(b.fresh, compare)
		b.dirty = false
	}
}

func (b *bucket) merge() {
	out := make([]slot, 0, b.len()+slack)
	b.walk(func(run []slot) bool {
		if b.dead == 0 {
			out = append(out, run...)
			return true
		}
		for _, s := range run {
			if !s.entry.dead {
				out = append(out, s)
			}
		}
		return true
	})
	clear(b.fresh) // let the dead ones go
	b.sorted, b.fresh, b.dead = out, b.fresh[:0], 0
}

// walk visits all slots, the dead ones too, in order until visit says no. It
// goes in runs: what of one list comes before the head of the other.
func (b *bucket) walk(visit func(run []slot) (more bool)) {
	b.order()
	old, fresh := b.sorted, b.fresh
	for len(old) > 0 && len(fresh) > 0 {
		if compare(old[0], fresh[0]) > 0 {
			old, fresh = fresh, old
		}
		n, head := 1, fresh[0].key
		for n < len(old) && old[n].key < head {
			n++
		}
		if !visit(old[:n]) {
			return
		}
		old = old[n:]
	}
	if len(old) == 0 {
		old = fresh
	}
	visit(old)
}
