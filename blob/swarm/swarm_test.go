package swarm

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/disk"
	p2pmem "github.com/artel-network/artel/p2p/mem"
)

// TestSeederSendsOnce: four pull, and the seeder sends little more than one copy.
func TestSeederSendsOnce(t *testing.T) {
	for name, link := range map[string]p2pmem.Link{
		"LAN":       {Latency: time.Millisecond, Bandwidth: 100 << 20},
		"far":       {Latency: 100 * time.Millisecond, Bandwidth: 4 << 20},
		"slow":      {Latency: 20 * time.Millisecond, Bandwidth: 50 << 10},
		"immediate": {},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, func(w *world) {
				t := w.t
				w.net.SetLink(link)
				seeder := w.node(0, newStore())
				root, total := tree(t, seeder.store, 1, 4, 100, 16<<10)
				var all []*pulling
				for n := range 4 {
					all = append(all, w.node(1+n, newStore()).pull(root, seeder))
				}
				for _, q := range all {
					q.wait(t)
					same(t, q.store, root, total)
					t.Logf("%s: %v, %+v", q.id.Short(), q.took, q.swarm.Usage(root))
				}
				sent(t, seeder, root, total, 1.2)
			})
		})
	}
}

// TestFileOfWholeLeaves pulls leaves of 1 MiB over lines on which one takes
// longer than anybody's patience.
func TestFileOfWholeLeaves(t *testing.T) {
	for name, bandwidth := range map[string]int{"fast": 10 << 20, "slower than patience": 150 << 10} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 2, func(w *world) {
				t := w.t
				w.net.SetLink(p2pmem.Link{Latency: 20 * time.Millisecond, Bandwidth: bandwidth})
				seeder := w.node(0, newStore())
				data := blobtest.Bytes(1, 24<<20+77)
				root, _, err := blob.AddFile(t.Context(), seeder.store, bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				total := held(t, seeder.store)
				var all []*pulling
				for n := range 4 {
					all = append(all, w.node(1+n, newStore()).pull(root, seeder))
				}
				for _, q := range all {
					q.wait(t)
					same(t, q.store, root, total)
				}
				sent(t, seeder, root, total, 1.2)
			})
		})
	}
}

// TestSmallRoots: one raw block, an empty file, and an empty directory.
func TestSmallRoots(t *testing.T) {
	simulate(t, 1, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		puller := w.node(1, newStore())
		for _, n := range []int{0, 5, blob.LeafSize} {
			root, _, err := blob.AddFile(t.Context(), seeder.store, bytes.NewReader(blobtest.Bytes(uint64(n), n)))
			if err != nil {
				t.Fatal(err)
			}
			puller.pull(root, seeder).wait(t)
			if _, err := puller.store.Get(t.Context(), root); err != nil {
				t.Fatal(err)
			}
		}
		root, err := blob.MakeDir(t.Context(), seeder.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		puller.pull(root, seeder).wait(t)
		puller.pull(root).wait(t) // nothing is missing: nobody is asked
	})
}

// TestKilledPuller: what was given to a puller that dies reaches the others.
func TestKilledPuller(t *testing.T) {
	simulate(t, 3, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 3, 4, 100, 16<<10)
		var all []*pulling
		for n := range 4 {
			all = append(all, w.node(1+n, newStore()).pull(root, seeder))
		}
		time.Sleep(time.Second)
		all[0].stop()
		<-all[0].done
		if n := held(t, all[0].store); n == 0 || n == total {
			t.Fatalf("it held %d of %d bytes when it died", n, total)
		}
		for _, q := range all[1:] {
			q.wait(t)
			same(t, q.store, root, total)
		}
		// What only the dead one had is given again: at most its share.
		sent(t, seeder, root, total, 1.5)
		// It comes back, and goes on where it was.
		before := held(t, all[0].store)
		again := w.node(1, all[0].store)
		again.pull(root, seeder).wait(t)
		same(t, again.store, root, total)
		if u := again.swarm.Usage(root); u.Got > total-before {
			t.Fatalf("got %d bytes where %d were missing", u.Got, total-before)
		}
	})
}

// liar is a store that shows wrong leaves.
type liar struct{ blob.Store }

func (l liar) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	b, err := l.Store.Get(ctx, ref)
	if err == nil && ref.Codec() == artel.CodecRaw && len(b) > 0 {
		b[0] ^= 1
	}
	return b, err
}

// TestLiar: a puller passes wrong bytes on. They are not kept, and it is left
// alone from then on.
func TestLiar(t *testing.T) {
	simulate(t, 4, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 4, 4, 100, 16<<10)
		bad := w.node(9, liar{newStore()}).pull(root, seeder)
		var all []*pulling
		for n := range 3 {
			all = append(all, w.node(1+n, newStore()).pull(root, seeder))
		}
		for _, q := range all {
			q.wait(t)
			same(t, q.store, root, total)
			if u := q.swarm.Usage(root); u.Wasted > 100<<10 {
				t.Fatalf("%d bytes wasted on the liar", u.Wasted)
			}
			if n := q.opens[bad.id]; n != 1 {
				t.Fatalf("%d streams to the liar", n)
			}
		}
		<-bad.done
		sent(t, seeder, root, total, 1.8) // the liar's share was given twice
	})
}

// TestSlowPeer: one is slow to everybody and holds up nobody.
func TestSlowPeer(t *testing.T) {
	simulate(t, 5, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 5, 4, 100, 16<<10)
		for n := range 9 {
			w.net.SetPair(id(9), id(n), p2pmem.Link{Latency: 300 * time.Millisecond, Bandwidth: 4 << 10})
		}
		slow := w.node(9, newStore()).pull(root, seeder)
		time.Sleep(30 * time.Second)
		var all []*pulling
		for n := range 3 {
			all = append(all, w.node(1+n, newStore()).pull(root, seeder))
		}
		var worst time.Duration
		for _, q := range all {
			q.wait(t)
			same(t, q.store, root, total)
			worst = max(worst, q.took)
		}
		sent(t, seeder, root, total, 1.2)
		t.Logf("the others took %v", worst)
		if worst > 30*time.Second { // virtual; 6.5 MB come at 1 MB/s
			t.Fatalf("the slow peer held up the others for %v", worst)
		}
		slow.wait(t)
		same(t, slow.store, root, total)
		sent(t, seeder, root, total, 1.5)
	})
}

// TestLateJoiner: who comes when all are done is sent to them.
func TestLateJoiner(t *testing.T) {
	simulate(t, 6, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 6, 4, 100, 16<<10)
		var all []*pulling
		for n := range 4 {
			all = append(all, w.node(1+n, newStore()).pull(root, seeder))
		}
		for _, q := range all {
			q.wait(t)
		}
		before := seeder.swarm.Usage(root).Sent
		time.Sleep(20 * time.Minute)
		late := w.node(7, newStore()).pull(root, seeder)
		late.wait(t)
		same(t, late.store, root, total)
		after := seeder.swarm.Usage(root).Sent
		t.Logf("the seeder sent %d bytes of %d to the late one, in %v", after-before, total, late.took)
		if after-before > total/20 {
			t.Fatalf("the seeder sent %d bytes of %d to the late one", after-before, total)
		}
	})
}

// TestGoneHolders: who comes when all who were given leaves have gone is served
// by the source.
func TestGoneHolders(t *testing.T) {
	simulate(t, 7, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 7, 2, 50, 16<<10)
		for n := range 3 {
			q := w.node(1+n, newStore()).pull(root, seeder)
			q.wait(t)
			q.stop()
		}
		late := w.node(7, newStore()).pull(root, seeder)
		late.wait(t)
		same(t, late.store, root, total)
		t.Logf("took %v", late.took)
	})
}

// TestResume: leaves that are here are not asked for.
func TestResume(t *testing.T) {
	simulate(t, 8, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, total := tree(t, seeder.store, 8, 2, 100, 16<<10)
		dir := t.TempDir()
		open := func() *disk.Store {
			s, err := disk.Open(dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		store := open()
		here, i := int64(0), 0
		for info := range seeder.store.List(t.Context()) {
			if i++; i%2 == 0 {
				b, err := seeder.store.Get(t.Context(), info.Ref)
				if err == nil {
					err = store.Put(t.Context(), info.Ref, b)
				}
				if err != nil {
					t.Fatal(err)
				}
				here += info.Size
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = open()
		defer store.Close()
		p := w.node(1, store)
		var last blob.Progress
		err := p.swarm.Fetch(t.Context(), root, []artel.NodeID{seeder.id}, Options{Progress: func(g blob.Progress) { last = g }})
		if err != nil {
			t.Fatal(err)
		}
		same(t, store, root, total)
		u := p.swarm.Usage(root)
		if u.Wasted != 0 || u.Got > total-here {
			t.Fatalf("%+v, where %d bytes were missing", u, total-here)
		}
		if last.Done != total || last.Total != total || last.Fetched != u.Got {
			t.Fatalf("progress %+v of %d, %+v", last, total, u)
		}
	})
}

// TestTwoSources: half of the leaves at each of two sources.
func TestTwoSources(t *testing.T) {
	simulate(t, 9, func(w *world) {
		t := w.t
		a, b := w.node(0, newStore()), w.node(1, newStore())
		root, total := tree(t, a.store, 9, 2, 100, 16<<10)
		i := 0
		for info := range a.store.List(t.Context()) {
			data, err := a.store.Get(t.Context(), info.Ref)
			if err == nil {
				err = b.store.Put(t.Context(), info.Ref, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			if i++; info.Ref.Codec() == artel.CodecRaw {
				from := []*peer{a, b}[i%2]
				if err := from.store.Delete(t.Context(), info.Ref, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		q := w.node(2, newStore()).pull(root, a, b)
		q.wait(t)
		same(t, q.store, root, total)
		// A third node finds the second by the first.
		q = w.node(3, newStore()).pull(root, a, q.peer)
		q.wait(t)
		same(t, q.store, root, total)
	})
}

// TestErrors: what a Fetch cannot do it says.
func TestErrors(t *testing.T) {
	simulate(t, 10, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		strict := w.node(8, newStore(), func(c *Config) { c.Allow = nil })
		root, _ := tree(t, seeder.store, 10, 2, 20, 16<<10)
		tree(t, strict.store, 10, 2, 20, 16<<10)
		p := w.node(1, newStore())
		for name, c := range map[string]struct {
			root artel.Ref
			from []artel.NodeID
			opts Options
			want error
		}{
			"zero ref":   {want: artel.ErrRef},
			"nobody":     {root: root, want: nil},
			"forbidden":  {root: root, from: []artel.NodeID{strict.id}, want: blob.ErrRefused},
			"unknown":    {root: root, from: []artel.NodeID{id(77)}},
			"bytes":      {root: root, from: []artel.NodeID{seeder.id}, opts: Options{Limits: blob.Limits{Bytes: 1 << 10}}, want: blob.ErrLimit},
			"blocks":     {root: root, from: []artel.NodeID{seeder.id}, opts: Options{Limits: blob.Limits{Blocks: 10}}, want: blob.ErrLimit},
			"not there":  {root: must(artel.NewRef(artel.CodecDagPB, [32]byte{1})), from: []artel.NodeID{seeder.id}, want: blob.ErrRefused},
			"not there2": {root: must(artel.NewRef(artel.CodecRaw, [32]byte{1})), from: []artel.NodeID{seeder.id}},
		} {
			err := p.swarm.Fetch(t.Context(), c.root, c.from, c.opts)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			t.Logf("%s: %v", name, err)
			if c.want != nil {
				wantErr(t, err, c.want)
			}
		}
		small := w.node(2, blob.Store(newStoreOf(100<<10)))
		wantErr(t, small.swarm.Fetch(t.Context(), root, []artel.NodeID{seeder.id}, Options{}), blob.ErrFull)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		wantErr(t, w.node(3, newStore()).swarm.Fetch(ctx, root, []artel.NodeID{seeder.id}, Options{}), context.DeadlineExceeded)
	})
}

func must(r artel.Ref, err error) artel.Ref {
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return r
}
