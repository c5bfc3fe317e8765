package keeper_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/sqlite"
	"github.com/artel-network/artel/wire"
)

// power goes after so many changes to a disk.
type power struct {
	mu   sync.Mutex
	left int
	rng  *rand.Rand
}

func (p *power) step() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; p.left < 0 {
		return errPower
	}
	return nil
}

func (p *power) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left < 0
}

// first reports whether this is what the power went at.
func (p *power) first() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left == -1
}

func (p *power) coin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(2) == 0
}

// mortalFacts are on the disk whole, or not.
type mortalFacts struct {
	keeper.Store
	p *power
}

func (m mortalFacts) Save(ctx context.Context, put []keeper.Task, drop []keeper.ID) error {
	if err := m.p.step(); err != nil {
		if m.p.coin() && m.p.first() { // it was, but nobody heard of it
			m.Store.Save(ctx, put, drop)
		}
		return err
	}
	return m.Store.Save(ctx, put, drop)
}

// mortalBlobs keep what was committed, as blob.Store promises, and any part of what
// was not.
type mortalBlobs struct {
	*mem.Store
	p *power
}

func (m mortalBlobs) Delete(ctx context.Context, ref artel.Ref, before time.Time) error {
	if err := m.p.step(); err != nil {
		return err
	}
	return m.Store.Delete(ctx, ref, before)
}

func (m mortalBlobs) Batch(ctx context.Context) blob.Batch {
	return &mortalBatch{Batch: m.Store.Batch(ctx), m: m}
}

type mortalBatch struct {
	blob.Batch
	m    mortalBlobs
	refs []artel.Ref
	data [][]byte
}

func (b *mortalBatch) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	if err := b.m.p.step(); err != nil {
		return err
	}
	b.refs, b.data = append(b.refs, ref), append(b.data, slices.Clone(data))
	return b.Batch.Put(ctx, ref, data)
}

func (b *mortalBatch) Commit(ctx context.Context) error {
	if err := b.m.p.step(); err != nil {
		for i, ref := range b.refs {
			if b.m.p.coin() {
				b.m.Store.Put(ctx, ref, b.data[i])
			}
		}
		return err
	}
	b.refs, b.data = nil, nil
	return b.Batch.Commit(ctx)
}

// TestPowerCut: wherever the power goes, what was confirmed is held by the next
// process, whole, or a later generation in its place; and nothing besides.
func TestPowerCut(t *testing.T) {
	w := newWorld(t)
	s, n, x := w.saver(saverKey), w.saver(nextKey), w.task(renterKey, 1)
	n.blobs, n.dir = s.blobs, s.dir
	s.grow("a", 150_000)
	var story []wire.KeepRequest
	for try, by := range []*saver{s, n} {
		var from artel.Ref
		if try > 0 {
			from = story[1].Saved.Root
		}
		for range 3 {
			s.grow("b", 5000)
			story = append(story, by.save(x, uint32(try+1), from))
		}
	}
	sentinel := s.save(w.task(otherKey, 1), 1, artel.Ref{})
	for cut := 0; ; cut++ {
		p := &power{left: cut, rng: rand.New(rand.NewPCG(uint64(cut), 1))}
		facts, blobs := &keeper.Memory{}, mem.New(0)
		k := w.keeper(keeperKey, mortalFacts{facts, p}, mortalBlobs{blobs, p})
		var confirmed *wire.KeepRequest
		var err error
		for i, q := range story {
			by := s
			if q.Grant.Try == 2 {
				by = n
			}
			if _, err = by.ship(k, q); err != nil {
				break
			}
			confirmed = &story[i]
		}
		dropping := err == nil
		if dropping {
			h := w.host(renterKey)
			stop := run(t, h.Run)
			<-h.Ready()
			_, err = h.Call(t.Context(), keeperKey.NodeID(), wire.MethodKept, wire.KeptRequest{Drop: true}.Marshal(), wire.MaxKept)
			stop()
		}
		over := err == nil
		if over {
			until(t, "blocks are removed", func() bool { u, _ := blobs.Usage(t.Context()); return u.Bytes == 0 || p.gone() })
		}
		k.stop()
		all := over && !p.gone()
		p.left = 1 << 30
		k = w.keeper(keeperKey, facts, blobs)
		s.mustShip(k, sentinel) // it has looked
		w.ask(otherKey, k, wire.KeptRequest{Drop: true})
		tasks := k.Status().Tasks
		switch {
		case over:
			if len(tasks) > 0 {
				t.Fatalf("cut %d: what was let go of is held", cut)
			}
		case confirmed != nil && !dropping:
			if len(tasks) != 1 {
				t.Fatalf("cut %d: nothing is held, generation %d was promised", cut, confirmed.Saved.Generation)
			}
			if h := tasks[0].Held[0]; h.Saved.Generation < confirmed.Saved.Generation {
				t.Fatalf("cut %d: generation %d is held, %d was promised", cut, h.Saved.Generation, confirmed.Saved.Generation)
			}
		}
		// What stopped goes on: asked again the next keeper takes it.
		if !dropping {
			q := story[len(story)-1]
			n.mustShip(k, q)
			if h := k.Status().Tasks[0].Held[0]; h.Saved.Root != q.Saved.Root {
				t.Fatalf("cut %d: %+v is held", cut, h)
			}
		}
		var want []artel.Ref
		for _, x := range k.Status().Tasks {
			for _, h := range x.Held {
				want = append(want, h.Saved.Root)
			}
		}
		until(t, "blocks of what was let go of are removed", func() bool {
			u, _ := blobs.Usage(t.Context())
			return u.Bytes < 3*int64(sentinel.Saved.Stored)/2 && (len(want) > 0 || u.Bytes == 0)
		})
		k.whole(t, want...)
		k.stop()
		if all {
			t.Logf("%d places", cut)
			return
		}
	}
}

// TestKill kills a keeper's process at moments of its own choosing, and looks at what
// is on the disk.
func TestKill(t *testing.T) {
	if dir := os.Getenv("ARTEL_TEST_KEEPER"); dir != "" {
		live(t, dir)
		return
	}
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	dir, temp := t.TempDir(), t.TempDir() // what is killed does not tidy up
	promised, let := map[artel.Hash]uint64{}, map[artel.Hash]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), "ARTEL_TEST_KEEPER="+dir, "TMPDIR="+temp, fmt.Sprintf("ARTEL_TEST_ROUND=%d", round))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := 5 + rng.IntN(40)
		kill := time.Duration(rng.IntN(20_000)) * time.Microsecond
		for in := bufio.NewScanner(out); in.Scan(); {
			var what, id string
			var g uint64
			if _, err := fmt.Sscan(in.Text(), &what, &id, &g); err != nil {
				t.Logf("round %d: %s", round, in.Text())
				continue
			}
			b, err := hex.DecodeString(id)
			if err != nil || len(b) != 32 {
				t.Fatal(in.Text())
			}
			switch task := artel.Hash(b); what {
			case "kept":
				promised[task] = max(promised[task], g)
			case "letting":
				let[task] = true
			}
			if lines--; lines == 0 {
				time.AfterFunc(kill, cancel) // SIGKILL; what is said until then counts
			}
		}
		cmd.Wait()
		cancel()
		if lines > 0 {
			t.Fatalf("round %d: the process ended by itself", round)
		}
		look(t, dir, promised, let)
	}
	t.Logf("%d tasks, %d of them let go of", len(promised), len(let))
}

func openAt(t *testing.T, dir string) (*sqlite.DB, *disk.Store) {
	t.Helper()
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "artel.db"))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := disk.Open(filepath.Join(dir, "kept"), 0)
	if err != nil {
		t.Fatal(err)
	}
	return db, blobs
}

// look holds what a killed process left against what it had said.
func look(t *testing.T, dir string, promised map[artel.Hash]uint64, let map[artel.Hash]bool) {
	t.Helper()
	db, blobs := openAt(t, dir)
	defer db.Close()
	defer blobs.Close()
	w := newWorld(t)
	k := w.keeper(keeperKey, db.Keeper(), blobs)
	defer k.stop()
	s := w.saver(saverKey)
	x := w.task(renterKey, 250)
	if _, err := s.ship(k, s.save(x, 1, artel.Ref{})); err != nil { // it has looked, and works
		t.Fatal(err)
	}
	held := map[artel.Hash]uint64{}
	var want []artel.Ref
	for _, x := range k.Status().Tasks {
		held[x.Grant.Task] = x.Held[0].Saved.Generation
		for _, h := range x.Held {
			want = append(want, h.Saved.Root)
		}
	}
	for task, g := range promised {
		if !let[task] && held[task] < g {
			t.Fatalf("task %s: generation %d is held, %d was promised", task.Short(), held[task], g)
		}
	}
	k.whole(t, want...)
}

// live is the process that is killed: savers that save as fast as they can, and say
// what was confirmed.
func live(t *testing.T, dir string) {
	db, blobs := openAt(t, dir)
	w := newWorld(t)
	k := w.keeper(keeperKey, db.Keeper(), blobs)
	var round byte
	fmt.Sscan(os.Getenv("ARTEL_TEST_ROUND"), &round)
	var say sync.Mutex
	line := func(what string, task artel.Hash, g uint64) {
		say.Lock()
		defer say.Unlock()
		fmt.Println(what, hex.EncodeToString(task[:]), g)
	}
	var lives sync.WaitGroup
	for i := range byte(3) {
		renter := key(10 + i)
		s := w.saver(key(20 + i))
		h := w.host(renter)
		run(t, h.Run)
		<-h.Ready()
		lives.Go(func() {
			for n := byte(0); ; n++ {
				x := w.task(renter, 1)
				x.id = artel.Hash{1, round, i, n}
				s.grow("a", 200_000)
				for range 4 {
					s.grow("b", 20_000)
					q := s.save(x, 1, artel.Ref{})
					if _, err := s.ship(k, q); err != nil {
						t.Error(err)
						return
					}
					line("kept", x.id, q.Saved.Generation)
				}
				if n%2 == 0 {
					line("letting", x.id, 0)
					if _, err := h.Call(context.Background(), keeperKey.NodeID(), wire.MethodKept, wire.KeptRequest{Tasks: []artel.Hash{x.id}, Drop: true}.Marshal(), wire.MaxKept); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	lives.Wait()
}
