// Package blobtest is the suite that every blob.Store passes.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// Subject is a kind of store under test.
type Subject struct {
	// Open returns an empty store that takes at most limit bytes (0: no limit)
	// and is closed by the test's cleanup.
	Open func(t *testing.T, limit int64) blob.Store
	// Rot changes one byte of a block behind the store's back, keeping its length.
	Rot func(t *testing.T, s blob.Store, ref artel.Ref)
}

// Run runs the suite.
func Run(t *testing.T, sub Subject) {
	for name, f := range map[string]func(*testing.T, Subject){
		"put get":            putGet,
		"refuses":            refuses,
		"absent":             absent,
		"batch":              batch,
		"batch is invisible": batchInvisible,
		"rot":                rot,
		"delete":             deletes,
		"list":               list,
		"quota":              quota,
		"cancelled":          cancelled,
		"concurrent":         concurrent,
		"files":              files,
		"collect":            collect,
	} {
		t.Run(name, func(t *testing.T) { f(t, sub) })
	}
}

// Block returns n bytes that depend on seed, and their raw ref.
func Block(seed uint64, n int) (artel.Ref, []byte) {
	data := Bytes(seed, n)
	ref, err := blob.RefOf(artel.CodecRaw, data)
	if err != nil {
		panic(err) // the codec is right
	}
	return ref, data
}

// Bytes returns n bytes that depend on seed.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	data := make([]byte, n)
	rand.NewChaCha8(key).Read(data)
	return data
}

func put(t *testing.T, s blob.Store, seed uint64, n int) (artel.Ref, []byte) {
	t.Helper()
	ref, data := Block(seed, n)
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	return ref, data
}

func wantBlock(t *testing.T, s blob.Store, ref artel.Ref, want []byte) {
	t.Helper()
	got, err := s.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %d other bytes for %s", len(got), ref)
	}
	size, err := s.Size(t.Context(), ref)
	if err != nil || size != int64(len(want)) {
		t.Fatalf("size %d, %v; want %d", size, err, len(want))
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func wantAbsent(t *testing.T, s blob.Store, ref artel.Ref) {
	t.Helper()
	_, err := s.Get(t.Context(), ref)
	wantErr(t, err, blob.ErrNotFound)
	_, err = s.Size(t.Context(), ref)
	wantErr(t, err, blob.ErrNotFound)
	if ok, err := blob.Has(t.Context(), s, ref); ok || err != nil {
		t.Fatalf("Has says %v, %v", ok, err)
	}
}

func usage(t *testing.T, s blob.Store) int64 {
	t.Helper()
	u, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u.Bytes
}

func putGet(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	for i, n := range []int{0, 1, 4096, blob.LeafSize, blob.MaxBlock} {
		ref, data := put(t, s, uint64(i), n)
		wantBlock(t, s, ref, data)
		got, err := s.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		clear(got) // the caller's to change
		wantBlock(t, s, ref, data)
		if err := s.Put(t.Context(), ref, data); err != nil {
			t.Fatalf("put again: %v", err)
		}
	}
	// One and the same bytes under both codecs are two blocks.
	data := []byte{0x0a, 0x02, 0x08, 0x01}
	for _, codec := range []byte{artel.CodecRaw, artel.CodecDagPB} {
		ref, err := blob.RefOf(codec, data)
		if err != nil {
			t.Fatal(err)
		}
		wantAbsent(t, s, ref)
		if err := s.Put(t.Context(), ref, data); err != nil {
			t.Fatal(err)
		}
		wantBlock(t, s, ref, data)
	}
}

func refuses(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	before := usage(t, s)
	ref, data := Block(1, 1000)
	other, _ := Block(2, 1000)
	bigData := Bytes(3, blob.MaxBlock+1)
	big, err := artel.NewRef(artel.CodecRaw, sha256.Sum256(bigData))
	if err != nil {
		t.Fatal(err)
	}
	b := s.Batch(t.Context())
	defer b.Close()
	for _, put := range []func(context.Context, artel.Ref, []byte) error{s.Put, b.Put} {
		wantErr(t, put(t.Context(), other, data), blob.ErrMismatch)
		wantErr(t, put(t.Context(), ref, data[:999]), blob.ErrMismatch)
		wantErr(t, put(t.Context(), ref, nil), blob.ErrMismatch)
		wantErr(t, put(t.Context(), big, bigData), blob.ErrTooBig)
		wantErr(t, put(t.Context(), artel.Ref{}, data), artel.ErrRef)
	}
	_, err = b.Add(t.Context(), artel.CodecRaw, bigData)
	wantErr(t, err, blob.ErrTooBig)
	_, err = b.Add(t.Context(), 0x71, data)
	wantErr(t, err, artel.ErrRef)
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range []artel.Ref{ref, other, big, {}} {
		wantAbsent(t, s, r)
	}
	if after := usage(t, s); after != before {
		t.Fatalf("refused blocks changed usage from %d to %d", before, after)
	}
}

func absent(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	ref, _ := Block(1, 10)
	wantAbsent(t, s, ref)
	if err := s.Delete(t.Context(), ref, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for range s.List(t.Context()) {
		t.Fatal("an empty store lists a block")
	}
}

func batch(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	held, heldData := put(t, s, 99, 5000)
	b := s.Batch(t.Context())
	defer b.Close()
	for round := range 2 { // a batch may be used again
		buf := make([]byte, 3000)
		var refs []artel.Ref
		for i := range 100 {
			ref, data := Block(uint64(1000*round+i), 3000)
			copy(buf, data)
			if i%2 == 0 {
				if err := b.Put(t.Context(), ref, buf); err != nil {
					t.Fatal(err)
				}
			} else if got, err := b.Add(t.Context(), artel.CodecRaw, buf); err != nil || got != ref {
				t.Fatal(got, err)
			}
			clear(buf) // not kept by the batch
			refs = append(refs, ref)
		}
		for range 2 { // one that is held, and held again
			if err := b.Put(t.Context(), held, heldData); err != nil {
				t.Fatal(err)
			}
		}
		ref, data := Block(uint64(1000*round), 3000) // one that is in the batch
		if err := b.Put(t.Context(), ref, data); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, ref := range refs {
			_, data := Block(uint64(1000*round+i), 3000)
			wantBlock(t, s, ref, data)
		}
	}
	wantBlock(t, s, held, heldData)
	if err := b.Commit(t.Context()); err != nil {
		t.Fatalf("commit of nothing: %v", err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func batchInvisible(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	before := usage(t, s)
	ref, data := Block(1, 100)
	b := s.Batch(t.Context())
	if err := b.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, ref)
	for range s.List(t.Context()) {
		t.Fatal("a block is listed before Commit")
	}
	if usage(t, s) == before {
		t.Fatal("a batch reserves no room")
	}
	// Somebody else puts the same block meanwhile; dropping the batch must not
	// take it away, nor count it twice.
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantBlock(t, s, ref, data)
	once := usage(t, s)
	b = s.Batch(t.Context())
	defer b.Close()
	if err := b.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := usage(t, s); got != once {
		t.Fatalf("one block counts %d, put again %d", once, got)
	}
}

func rot(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	ref, data := put(t, s, 1, 5000)
	taken := usage(t, s)

	// Found by Get: out of the store, mended by Put.
	sub.Rot(t, s, ref)
	_, err := s.Get(t.Context(), ref)
	wantErr(t, err, blob.ErrMismatch)
	wantAbsent(t, s, ref)
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	wantBlock(t, s, ref, data)

	// Not found yet: a Put mends it all the same.
	sub.Rot(t, s, ref)
	if err := s.Put(t.Context(), ref, data); err != nil {
		t.Fatal(err)
	}
	wantBlock(t, s, ref, data)
	if got := usage(t, s); got != taken {
		t.Fatalf("usage %d after mending, %d before", got, taken)
	}
}

func deletes(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	start := time.Now()
	ref, data := put(t, s, 1, 100)
	if err := s.Delete(t.Context(), ref, start); err != nil {
		t.Fatal(err)
	}
	wantBlock(t, s, ref, data) // put since
	old := time.Now().Add(time.Second)
	if err := s.Delete(t.Context(), ref, old); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, ref)
	if n := usage(t, s); n != 0 {
		t.Fatalf("usage %d of an empty store", n)
	}
	// Putting again renews the time.
	put(t, s, 1, 100)
	var first, second time.Time
	for info := range s.List(t.Context()) {
		first = info.Time
	}
	put(t, s, 1, 100)
	for info := range s.List(t.Context()) {
		second = info.Time
	}
	if second.Before(first) || first.Before(start) || !second.After(start) {
		t.Fatalf("put at %v, again at %v, both after %v", first, second, start)
	}
	between := time.Now()
	if n, err := s.Renew(t.Context(), ref); err != nil || n != 100 {
		t.Fatal(n, err)
	}
	if err := s.Delete(t.Context(), ref, between); err != nil {
		t.Fatal(err)
	}
	wantBlock(t, s, ref, data)
	if err := s.Delete(t.Context(), ref, time.Time{}); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, ref)
	_, err := s.Renew(t.Context(), ref)
	wantErr(t, err, blob.ErrNotFound)
}

func list(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	want := map[artel.Ref]int64{}
	for i := range 50 {
		ref, data := put(t, s, uint64(i), 10*i)
		want[ref] = int64(len(data))
	}
	got := map[artel.Ref]int64{}
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[info.Ref] = info.Size
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("listed %d blocks, want %d", len(got), len(want))
	}
	for range s.List(t.Context()) {
		break
	}
}

func quota(t *testing.T, sub Subject) {
	const limit = 1 << 20
	s := sub.Open(t, limit)
	var n int
	var err error
	for ; n < 100; n++ {
		ref, data := Block(uint64(n), 64<<10)
		if err = s.Put(t.Context(), ref, data); err != nil {
			break
		}
	}
	wantErr(t, err, blob.ErrFull)
	if n != limit/(64<<10) {
		t.Fatalf("%d blocks of 64 KiB fit into 1 MiB", n)
	}
	u, err := s.Usage(t.Context())
	if err != nil || u.Limit != limit || u.Bytes > limit || u.Bytes < int64(n)*64<<10 {
		t.Fatalf("usage %+v, %v", u, err)
	}
	// What was there is whole, a block that is held still counts as put, and a
	// batch is refused at Put.
	for i := range n {
		ref, data := Block(uint64(i), 64<<10)
		wantBlock(t, s, ref, data)
		if err := s.Put(t.Context(), ref, data); err != nil {
			t.Fatal(err)
		}
	}
	b := s.Batch(t.Context())
	defer b.Close()
	more, moreData := Block(1000, 1)
	wantErr(t, b.Put(t.Context(), more, moreData), blob.ErrFull)
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, more)
	ref, _ := Block(0, 64<<10)
	if err := s.Delete(t.Context(), ref, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), more, moreData); err != nil {
		t.Fatalf("put after making room: %v", err)
	}
}

func cancelled(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	ref, data := put(t, s, 1, 100)
	other, otherData := Block(2, 100)
	ctx, cancel := context.WithCancel(t.Context())
	b := s.Batch(ctx)
	defer b.Close()
	if err := b.Put(ctx, other, otherData); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err := s.Get(ctx, ref)
	wantErr(t, err, context.Canceled)
	_, err = s.Size(ctx, ref)
	wantErr(t, err, context.Canceled)
	_, err = s.Renew(ctx, ref)
	wantErr(t, err, context.Canceled)
	wantErr(t, s.Put(ctx, ref, data), context.Canceled)
	wantErr(t, s.Delete(ctx, ref, time.Time{}), context.Canceled)
	wantErr(t, b.Commit(ctx), context.Canceled)
	for _, err := range s.List(ctx) {
		wantErr(t, err, context.Canceled)
	}
	wantBlock(t, s, ref, data)
}

func concurrent(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				ref, data := Block(uint64((g*7+i)%25), 2000)
				if err := s.Put(t.Context(), ref, data); err != nil {
					t.Error(err)
				}
				got, err := s.Get(t.Context(), ref)
				if err == nil && !bytes.Equal(got, data) {
					t.Errorf("other bytes for %s", ref)
				}
				if err != nil && !errors.Is(err, blob.ErrNotFound) {
					t.Error(err)
				}
				if g%4 == 0 {
					if err := s.Delete(t.Context(), ref, time.Time{}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), info.Ref, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := usage(t, s); n != 0 {
		t.Fatalf("usage %d of an empty store", n)
	}
}

func files(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	data := Bytes(7, 3*blob.LeafSize+17)
	ref, size, err := blob.AddFile(t.Context(), s, bytes.NewReader(data))
	if err != nil || size != int64(len(data)) {
		t.Fatal(size, err)
	}
	f, err := blob.Open(t.Context(), s, ref)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := f.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Fatalf("read %d bytes, %v", got.Len(), err)
	}
	if err := blob.Complete(t.Context(), s, ref, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
}

func collect(t *testing.T, sub Subject) {
	s := sub.Open(t, 0)
	add := func(seed uint64, n int) artel.Ref {
		ref, _, err := blob.AddFile(t.Context(), s, bytes.NewReader(Bytes(seed, n)))
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	keep, drop := add(1, 2*blob.LeafSize+5), add(2, blob.LeafSize+5)
	var pins blob.Pins
	unpin := pins.Pin(keep)
	later := time.Now().Add(time.Hour)
	if _, err := blob.GC(t.Context(), s, pins.Roots(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := blob.Complete(t.Context(), s, drop, blob.Limits{}); err != nil {
		t.Fatalf("young blocks were collected: %v", err)
	}
	freed, err := blob.GC(t.Context(), s, pins.Roots(), later)
	if err != nil || freed.Blocks != 3 || freed.Bytes < blob.LeafSize+5 {
		t.Fatalf("freed %+v, %v", freed, err)
	}
	if err := blob.Complete(t.Context(), s, keep, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, drop)
	unpin()
	unpin()
	if freed, err = blob.GC(t.Context(), s, pins.Roots(), later); err != nil || freed.Blocks != 4 {
		t.Fatalf("freed %+v, %v", freed, err)
	}
	if n := usage(t, s); n != 0 {
		t.Fatalf("usage %d of an empty store", n)
	}
}
