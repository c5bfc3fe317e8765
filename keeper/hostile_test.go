package keeper_test

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// bent is a saver's store that answers as the test says.
type bent struct {
	blob.Store
	mu  sync.Mutex
	get func(ref artel.Ref, data []byte) ([]byte, error)
}

func (b *bent) Get(ctx context.Context, ref artel.Ref) ([]byte, error) {
	data, err := b.Store.Get(ctx, ref)
	b.mu.Lock()
	get := b.get
	b.mu.Unlock()
	if get == nil || err != nil {
		return data, err
	}
	return get(ref, data)
}

func (b *bent) bend(get func(ref artel.Ref, data []byte) ([]byte, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.get = get
}

// fabricate makes a list of leaves by hand, and asks for it to be held.
func (s *saver) fabricate(x *task, leaves [][]byte) wire.KeepRequest {
	s.w.t.Helper()
	q := wire.KeepRequest{
		Grant: artel.Grant{Network: network, Task: x.id, Try: 1, Saver: s.key.NodeID(), Account: x.renter.Address(), Bytes: 1 << 30, Expires: uint64(s.w.now().Add(24 * time.Hour).Unix())},
		Saved: artel.Saved{Lease: artel.Hash{3}, Task: x.id, Kind: artel.CheckpointFiles, Generation: 1},
	}
	var parts []blob.Part
	for _, l := range leaves {
		r, err := blob.RefOf(artel.CodecRaw, l)
		if err != nil {
			s.w.t.Fatal(err)
		}
		if err := s.blobs.Put(context.Background(), r, l); err != nil {
			s.w.t.Fatal(err)
		}
		parts = append(parts, blob.Part{Ref: r, Size: int64(len(l))})
		q.Saved.Stored += uint64(len(l))
	}
	root, nodes, err := blob.MakeFile(context.Background(), s.blobs, parts)
	if err != nil {
		s.w.t.Fatal(err)
	}
	q.Saved.Root, q.Saved.Stored = root, q.Saved.Stored+uint64(nodes)
	return sign(q, x.renter, s.key)
}

func leaf(i, n int) []byte {
	b := append(make([]byte, 0, n), "artel.ck\x01\x00\x00\x00\x00\x00\x00\x00\x01"...)
	b = binary.BigEndian.AppendUint64(b, uint64(i))
	return b[:max(len(b), n)]
}

// empty waits until a keeper holds nothing and has given back what it had counted.
func (k *kept) empty(t *testing.T) {
	t.Helper()
	k.whole(t)
	if s := k.Status(); s.Others > 64<<10 {
		t.Errorf("%d bytes are counted for nothing", s.Others)
	}
}

// bend puts a store that lies between the saver and what it serves.
func bend(s *saver) *bent {
	b := &bent{Store: s.blobs}
	s.blobs = b
	return b
}

// TestJunk: blocks that are not what they are called.
func TestJunk(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	b := bend(s)
	s.grow("a", 5<<20)
	q := s.save(x, 1, artel.Ref{})
	n := 0
	b.bend(func(_ artel.Ref, data []byte) ([]byte, error) {
		if n++; n == 4 {
			data[len(data)/2] ^= 1
		}
		return data, nil
	})
	if _, err := s.ship(k, q); !errors.Is(err, p2p.Invalid) || !strings.Contains(err.Error(), "match") {
		t.Fatalf("a block that was changed: %v", err)
	}
	k.empty(t)
	b.bend(nil)
	s.mustShip(k, q)
}

// TestWithheld: a block that does not come; what has come need not come again.
func TestWithheld(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	b := bend(s)
	s.grow("a", 9<<20)
	q := s.save(x, 1, artel.Ref{})
	var served []artel.Ref
	b.bend(func(r artel.Ref, data []byte) ([]byte, error) {
		if len(served) == 4 {
			return nil, blob.ErrNotFound
		}
		served = append(served, r)
		return data, nil
	})
	if _, err := s.ship(k, q); !errors.Is(err, p2p.NotFound) {
		t.Fatalf("a block that does not come: %v", err)
	}
	if used := k.Status().Others; used < 1<<20 {
		t.Errorf("what has come is not counted: %d bytes", used)
	}
	again := 0
	b.bend(func(r artel.Ref, data []byte) ([]byte, error) {
		for _, x := range served[1:] {
			if x == r && r.Codec() == artel.CodecRaw {
				again++
			}
		}
		return data, nil
	})
	s.mustShip(k, q)
	if again > 0 {
		t.Errorf("%d blocks came twice", again)
	}
	k.whole(t, q.Saved.Root)
	if used := k.Status().Others; used > int64(q.Saved.Stored)+1<<20 {
		t.Errorf("%d bytes are counted for %d", used, q.Saved.Stored)
	}
}

// TestOddLists: roots of other shapes than a checkpoint's.
func TestOddLists(t *testing.T) {
	for name, root := range map[string]func(s *saver, q *wire.KeepRequest){
		"a directory": func(s *saver, q *wire.KeepRequest) {
			r, err := blob.MakeDir(context.Background(), s.blobs, []blob.Entry{{Name: "a", Ref: q.Saved.Root}})
			if err != nil {
				s.w.t.Fatal(err)
			}
			q.Saved.Root, q.Saved.Stored = r, q.Saved.Stored+200
		},
		"too deep": func(s *saver, q *wire.KeepRequest) {
			for range 5 {
				data, err := s.blobs.Get(context.Background(), q.Saved.Root)
				if err != nil {
					s.w.t.Fatal(err)
				}
				// A node above a node: its only child in the place of a leaf.
				q.Saved.Root = above(s, q.Saved.Root, data)
			}
			q.Saved.Stored += 5000
		},
		"no head": func(s *saver, q *wire.KeepRequest) {
			p := s.fabricate(&task{renter: renterKey, id: q.Saved.Task}, [][]byte{[]byte("no head at all")})
			q.Saved.Root, q.Saved.Stored = p.Saved.Root, p.Saved.Stored
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
			s, x := w.saver(saverKey), w.task(renterKey, 1)
			q := s.fabricate(x, [][]byte{leaf(1, 3000)})
			root(s, &q)
			if _, err := s.ship(k, sign(q, renterKey, saverKey)); !errors.Is(err, p2p.Invalid) {
				t.Fatal(err)
			}
			k.empty(t)
		})
	}
}

// above makes a file node whose only link is another node: as an honest layout of
// one level more would be.
func above(s *saver, ref artel.Ref, data []byte) artel.Ref {
	s.w.t.Helper()
	const size = 3000
	fs := []byte{0x08, 0x02, 0x18}
	fs = binary.AppendUvarint(fs, size)
	fs = append(fs, 0x20)
	fs = binary.AppendUvarint(fs, size)
	link := append([]byte{0x0a, 36}, ref.Bytes()...)
	link = append(link, 0x12, 0x00, 0x18)
	link = binary.AppendUvarint(link, uint64(len(data)+size))
	node := append([]byte{0x12, byte(len(link))}, link...)
	node = append(append(node, 0x0a, byte(len(fs))), fs...)
	r, err := blob.RefOf(artel.CodecDagPB, node)
	if err != nil {
		s.w.t.Fatal(err)
	}
	if err := s.blobs.Put(context.Background(), r, node); err != nil {
		s.w.t.Fatal(err)
	}
	return r
}

// TestQuota: what one renter may take, and all together; what is refused leaves
// nothing that counts for long.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.limits = keeper.Limits{Own: 1 << 20, Others: 9 << 20, Renter: 6 << 20}
		k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
		s := w.saver(saverKey)
		ship := func(renter artel.Key, id byte, n int) error {
			x := w.task(renter, id)
			s.grow("a", n)
			q := s.save(x, 1, artel.Ref{})
			_, err := s.ship(k, q)
			return err
		}
		if err := ship(renterKey, 1, 4<<20); err != nil {
			t.Fatal(err)
		}
		if err := ship(renterKey, 2, 4<<20); !errors.Is(err, p2p.Refused) || !strings.Contains(err.Error(), "one renter") {
			t.Fatalf("more than its share: %v", err)
		}
		if err := ship(otherKey, 1, 4<<20); !errors.Is(err, p2p.Refused) || !strings.Contains(err.Error(), "of others are taken") {
			t.Fatalf("more than there is: %v", err) // what the renter's second has brought counts still
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if err := ship(otherKey, 1, 4<<20); err != nil {
			t.Fatal(err)
		}
		if st := k.Status(); st.Others > 9<<20 || len(st.Tasks) != 2 {
			t.Errorf("%+v", st)
		}
		// What is held goes on where nothing new is taken.
		k.SetLimits(keeper.Limits{Own: 1 << 20})
		if err := ship(key(9), 1, 100); !errors.Is(err, p2p.Refused) {
			t.Errorf("a new renter: %v", err)
		}
	})
}

// slow passes on so many bytes a second.
type slow struct {
	p2p.Stream
	rate int
}

func (s slow) Write(b []byte) (int, error) {
	for i := range b {
		time.Sleep(time.Second / time.Duration(s.rate))
		if _, err := s.Stream.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// TestTricklers: savers that bring a byte now and then lose their places, and an
// honest one finds them free.
func TestTricklers(t *testing.T) {
	t.Run("1 byte a second", func(t *testing.T) { trickle(t, 1) })      // a frame never ends
	t.Run("100 bytes a second", func(t *testing.T) { trickle(t, 100) }) // frames do
}

func trickle(t *testing.T, rate int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
		var leaves [][]byte
		for i := range 3000 {
			leaves = append(leaves, leaf(i, 400)) // none of which takes longer than a frame may
		}
		var calls sync.WaitGroup
		began := time.Now()
		for i := range byte(2) {
			s := w.saver(key(30 + i))
			h := w.host(key(40 + i))
			h.HandleStream(stream, func(ctx context.Context, from artel.NodeID, st p2p.Stream) {
				blob.Serve(ctx, slow{st, rate}, from, s.blobs, blob.ServeOptions{Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil }})
			})
			run(t, h.Run)
			<-h.Ready()
			for n := range byte(5) {
				x := w.task(renterKey, 10*i+n)
				q := s.fabricate(x, leaves)
				q.Grant.Saver = h.ID()
				q = sign(q, renterKey, key(40+i))
				calls.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
					defer cancel()
					c := keeper.Client{Host: h, Domain: domain, Now: w.now}
					_, err := c.Ship(ctx, artel.Keeper{Node: keeperKey.NodeID()}, q)
					if err == nil {
						t.Error("a trickler's checkpoint is held")
					}
				})
			}
		}
		// All places are taken: an honest saver waits for its own.
		time.Sleep(10 * time.Second)
		s, x := w.saver(saverKey), w.task(otherKey, 1)
		s.grow("a", 3<<20)
		q := s.save(x, 1, artel.Ref{})
		if _, err := s.once(k, q); !errors.Is(err, p2p.Busy) {
			t.Errorf("there is a place left: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
		defer cancel()
		if _, err := s.client().Ship(ctx, artel.Keeper{Node: keeperKey.NodeID()}, q); err != nil {
			t.Errorf("an honest saver: %v", err)
		}
		t.Logf("an honest saver has its place after %v", time.Since(began))
		calls.Wait()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		k.whole(t, q.Saved.Root)
	})
}

// TestAbandoned: nobody asks any more, and what was on its way is given up.
func TestAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
		s, x := w.saver(saverKey), w.task(renterKey, 1)
		b := bend(s)
		s.grow("a", 40<<20)
		q := s.save(x, 1, artel.Ref{})
		b.bend(func(_ artel.Ref, data []byte) ([]byte, error) {
			time.Sleep(20 * time.Second) // quick enough for its place
			return data, nil
		})
		if _, err := s.once(k, q); !errors.Is(err, p2p.Busy) || !strings.Contains(err.Error(), "bytes have come") {
			t.Fatalf("on its way: %v", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		k.empty(t)
	})
}

// TestShared: two renters' tasks name the same blocks; letting go of one leaves
// the other whole.
func TestShared(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x, y := w.saver(saverKey), w.task(renterKey, 1), w.task(otherKey, 1)
	s.grow("a", 4<<20)
	q := s.save(x, 1, artel.Ref{})
	s.mustShip(k, q)
	thief := q // who knows the root of another's task
	thief.Grant.Account = otherKey.Address()
	thief = sign(thief, y.renter, saverKey)
	s.mustShip(k, thief)
	w.ask(otherKey, k, wire.KeptRequest{Drop: true})
	w.ask(otherKey, k, wire.KeptRequest{Drop: true})
	until(t, "the root is held once", func() bool { return len(k.Status().Tasks) == 1 })
	s.grow("b", 1000)
	next := s.save(x, 1, artel.Ref{})
	s.mustShip(k, next)
	k.whole(t, next.Saved.Root, q.Saved.Root)
	w.ask(renterKey, k, wire.KeptRequest{Drop: true})
	until(t, "blocks are removed", func() bool { u, _ := k.blobs.Usage(t.Context()); return u.Bytes == 0 })
}

// TestDropMeanwhile: a renter lets go of what is on its way.
func TestDropMeanwhile(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	b := bend(s)
	s.grow("a", 5<<20)
	q := s.save(x, 1, artel.Ref{})
	dropped, once := make(chan struct{}), sync.Once{}
	b.bend(func(r artel.Ref, data []byte) ([]byte, error) {
		if r.Codec() == artel.CodecRaw {
			once.Do(func() {
				go func() {
					defer close(dropped) // even if ask ends this goroutine: else all would wait for it
					w.ask(renterKey, k, wire.KeptRequest{Drop: true})
				}()
			})
			<-dropped
		}
		return data, nil
	})
	if _, err := s.ship(k, q); !errors.Is(err, p2p.Refused) || !strings.Contains(err.Error(), "let go") {
		t.Fatal(err)
	}
	<-dropped // its answer is still on its way
	k.empty(t)
}

// TestExpiry: what nobody lets go of goes when it was promised until then, at the
// latest after MaxKeep.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
		s, x, y := w.saver(saverKey), w.task(renterKey, 1), w.task(renterKey, 2)
		s.grow("a", 1<<20)
		day := s.save(x, 1, artel.Ref{})
		year := s.save(y, 1, artel.Ref{})
		year.Grant.Expires = uint64(time.Now().Add(365 * 24 * time.Hour).Unix())
		s.mustShip(k, day)
		kept := s.mustShip(k, sign(year, renterKey, saverKey))
		if want := uint64(time.Now().Add(keeper.MaxKeep).Unix()); kept.Until != want {
			t.Errorf("until %d, want %d", kept.Until, want)
		}
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		k.whole(t, day.Saved.Root, year.Saved.Root)
		// A later grant of the attempt makes the promise longer.
		longer := day
		longer.Grant.Expires += 86_400
		if kept := s.mustShip(k, sign(longer, renterKey, saverKey)); kept.Until != longer.Grant.Expires {
			t.Errorf("until %d, want %d", kept.Until, longer.Grant.Expires)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		k.whole(t, day.Saved.Root, year.Saved.Root)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		k.whole(t, year.Saved.Root)
		time.Sleep(keeper.MaxKeep)
		synctest.Wait()
		k.empty(t)
		if k.Status().Others != 0 {
			t.Errorf("%+v", k.Status())
		}
	})
}

// TestFlood: one node asks too much.
func TestFlood(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s := w.saver(saverKey)
	busy := 0
	for range 400 {
		if _, err := s.host.Call(t.Context(), keeperKey.NodeID(), wire.MethodKept, nil, wire.MaxKept); errors.Is(err, p2p.Busy) {
			busy++
		}
	}
	if busy < 50 {
		t.Errorf("of 400 questions %d are refused", busy)
	}
	// And of the ledger, by renters that it made up.
	n := w.saver(nextKey)
	for i := range byte(60) {
		x := w.task(key(100+i), 1)
		q := n.fabricate(x, [][]byte{leaf(1, 100)})
		n.once(k, q)
	}
	if w.ledger.asked > 30 {
		t.Errorf("the ledger was asked %d times", w.ledger.asked)
	}
}

// FuzzHandlers: whatever comes, a keeper answers, and holds nothing that is not
// signed.
func FuzzHandlers(f *testing.F) {
	w := newWorld(f)
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	q := s.save(x, 1, artel.Ref{})
	f.Add(true, q.Marshal())
	f.Add(false, wire.KeptRequest{Tasks: []artel.Hash{x.id}}.Marshal())
	f.Add(false, wire.KeptRequest{Drop: true}.Marshal())
	q.Saved.Generation = 1<<64 - 1
	f.Add(true, sign(q, renterKey, saverKey).Marshal())
	handlers := handlers{m: map[string]p2p.Handler{}}
	k, err := keeper.Open(context.Background(), keeper.Config{
		Key: keeperKey, Network: network, Domain: domain, Store: &keeper.Memory{}, Blobs: mem.New(0), Account: w.ledger.account, Log: quiet,
		Fetch: func(ctx context.Context, _ artel.NodeID, into blob.Store, root artel.Ref, limit int64, progress func(blob.Progress)) error {
			return blob.ErrNotFound
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	k.SetLimits(keeper.Limits{Own: 1 << 30, Others: 1 << 30, Renter: 1 << 30})
	k.Register(handlers)
	run(f, k.Run)
	var from [256]artel.NodeID // so that none asks too much
	for i := range from {
		from[i] = key(byte(i)).NodeID()
	}
	n := 0
	f.Fuzz(func(t *testing.T, keep bool, b []byte) {
		method, by := wire.MethodKept, from[n%len(from)]
		if n++; keep {
			method = wire.MethodKeep
			if n%2 == 0 {
				by = saverKey.NodeID()
			}
		}
		resp, err := handlers.m[method](t.Context(), by, b)
		if keep && err == nil {
			t.Fatalf("%x is held", resp)
		}
		if len(k.Status().Tasks) > 0 {
			t.Fatal("something is held")
		}
	})
}

// handlers is what a keeper registers.
type handlers struct {
	p2p.Host
	m map[string]p2p.Handler
}

func (h handlers) Handle(method string, _ int, f p2p.Handler) { h.m[method] = f }
