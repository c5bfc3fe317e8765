package checkpoint

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

var errPower = errors.New("power cut")

// mortal is a store whose power goes after some changes. What was committed
// stays, as blob.Store promises; of a batch that was not, any part may.
type mortal struct {
	*mem.Store
	left int
	rng  *rand.Rand
}

func (m *mortal) step() error {
	if m.left--; m.left < 0 {
		return errPower
	}
	return nil
}

func (m *mortal) Renew(ctx context.Context, ref artel.Ref) (int64, error) {
	if err := m.step(); err != nil {
		return 0, err
	}
	return m.Store.Renew(ctx, ref)
}

func (m *mortal) Delete(ctx context.Context, ref artel.Ref, before time.Time) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.Store.Delete(ctx, ref, before)
}

func (m *mortal) Batch(ctx context.Context) blob.Batch {
	return &mortalBatch{Batch: m.Store.Batch(ctx), m: m}
}

type mortalBatch struct {
	blob.Batch
	m     *mortal
	data  [][]byte
	codec []byte
}

func (b *mortalBatch) Add(ctx context.Context, codec byte, data []byte) (artel.Ref, error) {
	if err := b.m.step(); err != nil {
		return artel.Ref{}, err
	}
	b.data, b.codec = append(b.data, append([]byte(nil), data...)), append(b.codec, codec)
	return b.Batch.Add(ctx, codec, data)
}

func (b *mortalBatch) Commit(ctx context.Context) error {
	if err := b.m.step(); err != nil {
		for i, data := range b.data { // what the disk had written when the power went
			if b.m.rng.IntN(2) == 0 {
				ref, _ := blob.RefOf(b.codec[i], data)
				b.m.Store.Put(ctx, ref, data)
			}
		}
		return err
	}
	b.data, b.codec = nil, nil
	return b.Batch.Commit(ctx)
}

// TestPowerCut: wherever the power goes in Save or Drop, the generation before is
// whole, and so is the new one once Save has returned; and saving again works, in a
// process that has to read the old one first.
func TestPowerCut(t *testing.T) {
	z, key := newZoo(t, 3), newKey(t)
	for range 30 {
		z.step()
	}
	o, meta := Options{Pages: pagesImg}, Meta{Task: task}
	store := mem.New(0)
	old, _, err := Save(t.Context(), store, key, z.dir, nil, meta, o)
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "before")
	if _, err := Restore(t.Context(), store, key, old.Root, want(old), before, o); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		z.step()
	}
	whole := func(m *Manifest, dir string) {
		t.Helper()
		if _, err := Verify(t.Context(), store, m.Root, Limits{}); err != nil {
			t.Fatal(err)
		}
		back := filepath.Join(t.TempDir(), "back")
		if _, err := Restore(t.Context(), store, key, m.Root, want(m), back, o); err != nil {
			t.Fatal(err)
		}
		same(t, dir, back)
	}
	for n := 0; ; n++ {
		m := &mortal{store, n, rand.New(rand.NewPCG(uint64(n), 2))}
		loaded, err := Load(t.Context(), store, key, old.Root, want(old), o)
		if err != nil {
			t.Fatal(err)
		}
		next, _, err := Save(t.Context(), m, key, z.dir, loaded, meta, o)
		whole(old, before)
		if err == nil {
			err = Drop(t.Context(), m, old.Root, []artel.Ref{next.Root}, Limits{})
			whole(next, z.dir)
			if err == nil {
				t.Logf("%d places", n)
				if m, err := Missing(t.Context(), store, old.Root, Limits{}); err != nil || len(m) == 0 {
					t.Errorf("of the dropped one: %v, %v", m, err)
				}
				return
			}
			// The next try finds what is left of it.
			if err := Drop(t.Context(), store, old.Root, []artel.Ref{next.Root}, Limits{}); err != nil {
				t.Fatal(err)
			}
			whole(next, z.dir)
			if old, _, err = Save(t.Context(), store, key, before, nil, meta, o); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil && !errors.Is(err, errPower) {
			t.Fatal(err)
		}
	}
}

// TestFullStore: a store without room leaves the generation before whole.
func TestFullStore(t *testing.T) {
	z, key, store := newZoo(t, 5), newKey(t), mem.New(3<<20)
	memoryImage(z, filepath.Join(z.dir, "pages.img"), 4<<20)
	o := Options{Pages: pagesImg}
	m, _, err := Save(t.Context(), store, key, z.dir, nil, Meta{Task: task}, o)
	if err != nil {
		t.Fatal(err)
	}
	dirty(z, filepath.Join(z.dir, "pages.img"), 1)
	if _, _, err := Save(t.Context(), store, key, z.dir, m, Meta{Task: task}, o); !errors.Is(err, blob.ErrFull) {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), store, m.Root, Limits{}); err != nil {
		t.Fatal(err)
	}
}

// TestCancel: a context that ends stops both at once, and leaves nothing behind.
func TestCancel(t *testing.T) {
	_, store, key, _, m := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	back := filepath.Join(t.TempDir(), "back")
	if _, err := Restore(ctx, store, key, m.Root, want(m), back, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	empty(t, back)
	if _, _, err := Save(ctx, store, key, newZoo(t, 1).dir, m, Meta{Task: task}, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestGarbageIsCollected: what a failed Save left is below no root, and what a
// later generation shares with one that was dropped is.
func TestGarbageIsCollected(t *testing.T) {
	z, key, store := newZoo(t, 6), newKey(t), mem.New(0)
	path := filepath.Join(z.dir, "pages.img")
	memoryImage(z, path, 8<<20)
	o, meta := Options{Pages: pagesImg}, Meta{Task: task}
	var m *Manifest
	for range 5 {
		var err error
		if m, _, err = Save(t.Context(), store, key, z.dir, m, meta, o); err != nil {
			t.Fatal(err)
		}
		dirty(z, path, 0.03)
	}
	Save(t.Context(), &mortal{store, 12, z.rng}, key, z.dir, m, meta, o)
	freed, err := blob.GC(t.Context(), store, func(yield func(artel.Ref) bool) { yield(m.Root) }, time.Now().Add(time.Hour))
	if err != nil || freed.Blocks == 0 {
		t.Fatal(freed, err)
	}
	if _, err := Load(t.Context(), store, key, m.Root, want(m), o); err != nil {
		t.Fatal(err)
	}
}

// TestHeal: what the store has lost of the parent is written again.
func TestHeal(t *testing.T) {
	dir, store, key, _, m := small(t)
	if err := store.Delete(t.Context(), m.packs[0].ref, time.Time{}); err != nil {
		t.Fatal(err)
	}
	m, stats, err := Save(t.Context(), store, key, dir, m, Meta{Task: task}, Options{Pages: pagesImg})
	if err != nil || stats.Moved == 0 || stats.Changed != 0 {
		t.Fatal(stats, err)
	}
	if _, err := Verify(t.Context(), store, m.Root, Limits{}); err != nil {
		t.Fatal(err)
	}
}

// TestManyGenerations: blocks and bytes follow the size of the state, not the
// number of generations.
func TestManyGenerations(t *testing.T) {
	z, key, store := newZoo(t, 8), newKey(t), mem.New(0)
	path := filepath.Join(z.dir, "pages.img")
	memoryImage(z, path, 8<<20)
	o, meta := Options{Pages: pagesImg}, Meta{Task: task}
	m, first, err := Save(t.Context(), store, key, z.dir, nil, meta, o)
	z.must(err)
	var sent, changed int64
	generations := 120
	if testing.Short() {
		generations = 30
	}
	for g := range generations {
		dirty(z, path, 0.002+0.03*float64(g%2))
		next, stats, err := Save(t.Context(), store, key, z.dir, m, meta, o)
		z.must(err)
		z.must(Drop(t.Context(), store, m.Root, []artel.Ref{next.Root}, Limits{}))
		sent, changed, m = sent+stats.Sent, changed+stats.Changed, next
		if stats.Packs > first.Packs*2+2*smallPacks || stats.Stored > 2*first.Stored+(2<<20) {
			t.Fatalf("generation %d: %d packs of %d bytes; the first had %d of %d", m.Generation, stats.Packs, stats.Stored, first.Packs, first.Stored)
		}
	}
	if sent > 3*changed {
		t.Errorf("sent %d bytes for %d that changed", sent, changed)
	}
	t.Logf("first %+v; %d generations: %d bytes changed, %d sent, now %d packs of %d bytes", first, generations, changed, sent, m.Blocks(), m.Stored)
	held, err := Verify(t.Context(), store, m.Root, Limits{})
	z.must(err)
	u, err := store.Usage(t.Context())
	z.must(err)
	if u.Bytes != held.Bytes {
		t.Errorf("store holds %d bytes, the generation has %d", u.Bytes, held.Bytes)
	}
	back := filepath.Join(t.TempDir(), "back")
	_, err = Restore(t.Context(), store, key, m.Root, want(m), back, o)
	z.must(err)
	same(t, z.dir, back)
}
