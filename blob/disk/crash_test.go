package disk

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
)

var seeds = flag.Int("blob.seeds", 30, "number of seeds of the crash tests")

// TestStoreOnCrashFS: the disk in memory is a fair copy of a real one.
func TestStoreOnCrashFS(t *testing.T) {
	blobtest.Run(t, blobtest.Subject{
		Open: func(t *testing.T, limit int64) blob.Store {
			s, err := open(newCrashFS(), limit)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Rot: func(t *testing.T, s blob.Store, ref artel.Ref) {
			c := s.(*Store).fs.(*crashFS)
			c.mu.Lock()
			defer c.mu.Unlock()
			_, _, ino, err := c.find(blockPath(ref))
			if err != nil || ino == nil {
				t.Fatal(ino, err)
			}
			ino.data = bytes.Clone(ino.data)
			ino.data[0] ^= 1
		},
	})
}

// model is what a store must hold: promised blocks, and those that may be there.
type model struct {
	promised map[artel.Ref][]byte
	maybe    map[artel.Ref][]byte
}

// work does random things to s until one fails, or steps are done. Blocks are
// drawn from a few, so that they meet again.
func (m *model) work(t *testing.T, s *Store, rng *rand.Rand, steps int) error {
	for range steps {
		switch rng.IntN(10) {
		case 0, 1, 2, 3:
			ref, data := m.draw(rng)
			m.maybe[ref] = data
			if err := s.Put(t.Context(), ref, data); err != nil {
				return err
			}
			m.promised[ref] = data
		case 4, 5, 6:
			if err := m.batch(t, s, rng); err != nil {
				return err
			}
		case 7, 8:
			ref, data := m.draw(rng)
			delete(m.promised, ref)
			m.maybe[ref] = data
			if err := s.Delete(t.Context(), ref, time.Time{}); err != nil {
				return err
			}
		default:
			if err := s.Recount(t.Context()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) batch(t *testing.T, s *Store, rng *rand.Rand) error {
	b := s.Batch(t.Context())
	defer b.Close()
	in := map[artel.Ref][]byte{}
	for range rng.IntN(6) {
		ref, data := m.draw(rng)
		in[ref], m.maybe[ref] = data, data
		if err := b.Put(t.Context(), ref, data); err != nil {
			return err
		}
	}
	if rng.IntN(5) == 0 {
		return nil // changed its mind
	}
	if err := b.Commit(t.Context()); err != nil {
		return err
	}
	for ref, data := range in {
		m.promised[ref] = data
	}
	return nil
}

func (m *model) draw(rng *rand.Rand) (artel.Ref, []byte) {
	seed := uint64(rng.IntN(30))
	return blobtest.Block(seed, int(seed*seed*8))
}

// check compares the store with the model.
func (m *model) check(t *testing.T, s *Store) {
	t.Helper()
	for ref, data := range m.promised {
		got, err := s.Get(t.Context(), ref)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("promised block %s of %d bytes: got %d, %v", ref, len(data), len(got), err)
		}
	}
	var sum int64
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), info.Ref)
		if err != nil || !bytes.Equal(got, m.maybe[info.Ref]) {
			t.Fatalf("listed block %s: got %d bytes, %v", info.Ref, len(got), err)
		}
		sum += cost(info.Size)
	}
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Usage(t.Context()); err != nil || u.Bytes != sum {
		t.Fatalf("recounted %+v for %d bytes, %v", u, sum, err)
	}
}

// TestPowerCut cuts the power at a random change, looks at the disk, goes on
// with it, and again.
func TestPowerCut(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			disk := newCrashFS()
			m := &model{promised: map[artel.Ref][]byte{}, maybe: map[artel.Ref][]byte{}}
			limit := []int64{0, 120 << 10}[seed%2]
			cuts := 0
			for round := range 12 {
				disk.cutAt = disk.steps + 1 + rng.IntN(400)
				if round == 0 {
					disk.cutAt = disk.steps + 1 + rng.IntN(300) // within the first layout, too
				}
				s, err := open(disk, limit)
				if err == nil {
					for err == nil || errors.Is(err, blob.ErrFull) {
						err = m.work(t, s, rng, 20)
					}
				}
				if !errors.Is(err, errPowerCut) {
					t.Fatal(err)
				}
				cuts++
				if rng.IntN(2) == 0 {
					disk = disk.crashClone(rng)
				} else {
					disk.cutAt = 0 // only the process was killed, for now
				}
				if s, err = open(disk, limit); err != nil {
					t.Fatalf("open after cut %d: %v", cuts, err)
				}
				m.check(t, s)
				if rng.IntN(3) == 0 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if rng.IntN(2) == 0 { // opening and checking is no sync
					disk = disk.crashClone(rng)
				}
			}
		})
	}
}

// TestKilled ends the process, not the power: then Usage is never too low.
func TestKilled(t *testing.T) {
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		disk := newCrashFS()
		m := &model{promised: map[artel.Ref][]byte{}, maybe: map[artel.Ref][]byte{}}
		for range 5 {
			disk.cutAt = disk.steps + 300 + rng.IntN(400)
			s, err := open(disk, 10<<20)
			for err == nil {
				err = m.work(t, s, rng, 20)
			}
			if !errors.Is(err, errPowerCut) {
				t.Fatal(err)
			}
			disk = disk.crashClone(nil)
			if s, err = open(disk, 10<<20); err != nil {
				t.Fatal(err)
			}
			var sum int64
			for info := range s.List(t.Context()) {
				sum += cost(info.Size)
			}
			if u, err := s.Usage(t.Context()); err != nil || u.Bytes < sum || u.Bytes > sum+10*s.room.slack {
				t.Fatalf("seed %d: usage %+v for %d bytes, %v", seed, u, sum, err)
			}
			m.check(t, s)
		}
	}
}

// TestPowerCutOnALyingDisk: if the disk ignores syncs, blocks may be lost, but
// what is served is still right, and Put mends it.
func TestPowerCutOnALyingDisk(t *testing.T) {
	lost := 0
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		disk := newCrashFS()
		s, err := open(disk, 0)
		if err != nil {
			t.Fatal(err)
		}
		disk.lies = true
		m := &model{promised: map[artel.Ref][]byte{}, maybe: map[artel.Ref][]byte{}}
		if err := m.work(t, s, rng, 60); err != nil {
			t.Fatal(err)
		}
		disk = disk.crashClone(rng)
		if s, err = open(disk, 0); err != nil {
			t.Fatal(err)
		}
		for ref, data := range m.maybe {
			got, err := s.Get(t.Context(), ref)
			switch {
			case errors.Is(err, blob.ErrMismatch), errors.Is(err, blob.ErrNotFound):
				if _, ok := m.promised[ref]; ok {
					lost++
				}
			case err != nil || !bytes.Equal(got, data):
				t.Fatalf("seed %d: served %d wrong bytes, %v", seed, len(got), err)
			}
			if err := s.Put(t.Context(), ref, data); err != nil {
				t.Fatal(err)
			}
			if got, err = s.Get(t.Context(), ref); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("seed %d: not mended: %v", seed, err)
			}
		}
	}
	if lost == 0 {
		t.Fatal("the lie had no effect: these tests would not see a missing sync")
	}
}

// TestFailingDisk fails changes at random, as a full or dying disk does, and
// checks that nothing promised is lost and that the store goes on afterwards.
func TestFailingDisk(t *testing.T) {
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		disk := newCrashFS()
		s, err := open(disk, 0)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{promised: map[artel.Ref][]byte{}, maybe: map[artel.Ref][]byte{}}
		fault := []syscall.Errno{syscall.ENOSPC, syscall.EIO}[seed%2]
		dice := rand.New(rand.NewPCG(uint64(seed), 4))
		disk.fault = func(op, path string) error {
			if dice.IntN(12) == 0 {
				return fault
			}
			return nil
		}
		failures := 0
		for range 100 {
			err := m.work(t, s, rng, 5)
			if err == nil {
				continue
			}
			failures++
			if !errors.Is(err, fault) || errors.Is(err, blob.ErrFull) != (fault == syscall.ENOSPC) && !strings.Contains(err.Error(), "delete") {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if failures == 0 {
			t.Fatal("nothing failed")
		}
		disk.mu.Lock()
		disk.fault = nil
		disk.mu.Unlock()
		m.check(t, s)
		if err := m.work(t, s, rng, 20); err != nil {
			t.Fatal(err)
		}
		m.check(t, s)
		// And after all that, the power goes.
		if s, err = open(disk.crashClone(rng), 0); err != nil {
			t.Fatal(err)
		}
		m.check(t, s)
		if names, err := s.fs.Names("tmp"); err != nil || len(names) != 0 {
			t.Fatalf("left in tmp: %v, %v", names, err)
		}
	}
}
