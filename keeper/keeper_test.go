package keeper_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

var (
	renterKey, otherKey = key(1), key(2)
	saverKey, nextKey   = key(3), key(4)
	keeperKey           = key(5)
)

// TestGenerations: what is held of a task over two attempts, what travels, what
// the renter is told, and where a third machine goes on from.
func TestGenerations(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 6<<20)
	var qs []wire.KeepRequest
	for g := range 4 {
		s.grow("b", 10_000)
		q := s.save(x, 1, artel.Ref{})
		before, _ := k.blobs.Usage(t.Context())
		kept := s.mustShip(k, q)
		after, _ := k.blobs.Usage(t.Context())
		if kept.Saved != q.Saved.Digest(domain) || kept.Until != q.Grant.Expires {
			t.Fatalf("kept %+v", kept)
		}
		if added := after.Bytes - before.Bytes; g > 0 && added > 100_000 {
			t.Errorf("generation %d: %d bytes more", g+1, added)
		}
		qs = append(qs, q)
	}
	k.whole(t, qs[3].Saved.Root, qs[2].Saved.Root)

	// Asked again it answers at once, and the same.
	if again := s.mustShip(k, qs[3]); again != s.mustShip(k, qs[3]) {
		t.Errorf("another word for the same: %+v", again)
	}
	// An attempt that goes on from generation 3 on another machine.
	from := qs[2].Saved.Root
	n := w.saver(nextKey)
	if err := n.client().Bring(t.Context(), []artel.Keeper{{Node: otherKey.NodeID()}, {Node: keeperKey.NodeID()}}, n.blobs, from, 1<<30); err != nil {
		t.Fatal(err)
	}
	m, err := checkpoint.Restore(t.Context(), n.blobs, x.key, from, checkpoint.Want{Task: x.id, Generation: 3, Digest: qs[2].Saved.Tree}, filepath.Join(n.dir, "in"), checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := os.ReadFile(filepath.Join(n.dir, "in", "a")); err != nil || len(a) != 6<<20 {
		t.Fatal(len(a), err)
	}
	x.last, n.dir = m, filepath.Join(n.dir, "in")
	var later []wire.KeepRequest
	for range 3 {
		n.grow("b", 20_000)
		q := n.save(x, 2, from)
		n.mustShip(k, q)
		later = append(later, q)
		want := []artel.Ref{q.Saved.Root}
		if len(later) > 1 {
			want = append(want, later[len(later)-2].Saved.Root)
		}
		k.whole(t, append(want, from)...)
	}
	// Whoever was replaced is refused.
	s.grow("b", 99)
	x.last = nil
	old := s.save(x, 1, artel.Ref{})
	old.Saved.Generation, old.Saved.Parent = 9, qs[3].Saved.Root
	if _, err := s.ship(k, sign(old, renterKey, saverKey)); !errors.Is(err, p2p.Refused) || !strings.Contains(err.Error(), "was replaced") {
		t.Errorf("an attempt that was replaced: %v", err)
	}
	hs := w.ask(renterKey, k, wire.KeptRequest{Tasks: []artel.Hash{x.id, {99}}})
	if len(hs) != 3 || hs[0].Segment.Saved != later[2].Saved || hs[1].Segment.Saved.Generation != 5 || hs[2].Segment.Saved.Root != from {
		t.Fatalf("held are %+v", hs)
	}
	if holders, err := hs[0].Segment.Check(domain, nextKey.NodeID(), []artel.Keeper{{Node: keeperKey.NodeID()}}, 1); err != nil || len(holders) != 1 {
		t.Errorf("what a keeper tells of itself: %v, %v", holders, err)
	}
	if hs := w.ask(otherKey, k, wire.KeptRequest{Tasks: []artel.Hash{x.id}}); len(hs) != 0 {
		t.Errorf("another renter is told of %d", len(hs))
	}
	// Nobody else lets go of it.
	w.ask(otherKey, k, wire.KeptRequest{Drop: true})
	k.whole(t, later[2].Saved.Root, later[1].Saved.Root, from)
	w.ask(renterKey, k, wire.KeptRequest{Tasks: []artel.Hash{x.id}, Drop: true})
	until(t, "blocks are removed", func() bool { u, _ := k.blobs.Usage(t.Context()); return u.Bytes == 0 })
	k.whole(t)
	if k.Holds(from) {
		t.Error("still held")
	}
	// And nobody brings it back, but a later attempt.
	if _, err := n.ship(k, later[2]); !errors.Is(err, p2p.Refused) {
		t.Errorf("what was let go of: %v", err)
	}
	q := sign(func() wire.KeepRequest { q := later[2]; q.Grant.Try = 3; return q }(), renterKey, nextKey)
	n.mustShip(k, q)
	k.whole(t, q.Saved.Root)
}

// TestRequests changes one thing of a request that is good.
func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world, q *wire.KeepRequest)
		code   p2p.Code
		text   string
	}{
		"as it is":                         {nil, "", ""},
		"another network":                  {func(_ *world, q *wire.KeepRequest) { q.Grant.Network[0]++ }, p2p.OtherNetwork, "is for network"},
		"another saver":                    {func(_ *world, q *wire.KeepRequest) { q.Grant.Saver = nextKey.NodeID() }, p2p.Unauthorized, "grant is for node"},
		"expired":                          {func(_ *world, q *wire.KeepRequest) { q.Grant.Expires = uint64(time.Now().Unix()) }, p2p.Refused, "expired"},
		"another task":                     {func(_ *world, q *wire.KeepRequest) { q.Saved.Task[0]++ }, p2p.Invalid, "checkpoint of task"},
		"no task":                          {func(_ *world, q *wire.KeepRequest) { q.Grant.Task, q.Saved.Task = artel.Hash{}, artel.Hash{} }, p2p.Invalid, "task"},
		"no kind":                          {func(_ *world, q *wire.KeepRequest) { q.Saved.Kind = "" }, p2p.Invalid, "kind"},
		"kind none":                        {func(_ *world, q *wire.KeepRequest) { q.Saved.Kind = artel.CheckpointNone }, p2p.Invalid, "kind"},
		"generation 0":                     {func(_ *world, q *wire.KeepRequest) { q.Saved.Generation = 0 }, p2p.Invalid, "generation 0"},
		"the first with a parent":          {func(_ *world, q *wire.KeepRequest) { q.Saved.Parent = ref(9) }, p2p.Invalid, "parent"},
		"the second without":               {func(_ *world, q *wire.KeepRequest) { q.Saved.Generation = 2 }, p2p.Invalid, "parent"},
		"another generation than the head": {func(_ *world, q *wire.KeepRequest) { q.Saved.Generation, q.Saved.Parent = 2, ref(9) }, p2p.Invalid, "its blocks generation 1"},
		"no root":                          {func(_ *world, q *wire.KeepRequest) { q.Saved.Root = artel.Ref{} }, p2p.Invalid, "root"},
		"a leaf":                           {func(_ *world, q *wire.KeepRequest) { q.Saved.Root, _ = artel.NewRef(artel.CodecRaw, [32]byte{1}) }, p2p.Invalid, "root"},
		"what it began from":               {func(_ *world, q *wire.KeepRequest) { q.Grant.From = q.Saved.Root }, p2p.Invalid, "root"},
		"nothing stored":                   {func(_ *world, q *wire.KeepRequest) { q.Saved.Stored = 0 }, p2p.Invalid, "0 bytes"},
		"more than granted":                {func(_ *world, q *wire.KeepRequest) { q.Grant.Bytes = q.Saved.Stored - 1 }, p2p.Invalid, "the grant is for"},
		"more than there can be":           {func(_ *world, q *wire.KeepRequest) { q.Grant.Bytes, q.Saved.Stored = 1<<64-1, 1<<63 }, p2p.Invalid, "the grant is for"},
		"more stored than there is":        {func(_ *world, q *wire.KeepRequest) { q.Saved.Stored++ }, p2p.Invalid, "its blocks"},
		"less stored than there is":        {func(_ *world, q *wire.KeepRequest) { q.Saved.Stored-- }, p2p.Invalid, "limit"},
		"a root that is not there":         {func(_ *world, q *wire.KeepRequest) { q.Saved.Root = ref(9) }, p2p.NotFound, "not found at the peer"},
		"another's deposit": {func(w *world, q *wire.KeepRequest) {
			w.ledger.accounts = map[artel.Address]keeper.Account{renterKey.Address(): {Deposit: artel.Units(1)}}
		}, p2p.Unauthorized, "may not sign"},
		"no deposit": {func(w *world, q *wire.KeepRequest) {
			w.ledger.accounts = map[artel.Address]keeper.Account{renterKey.Address(): {Signer: true}}
		}, p2p.Unpaid, "no deposit"},
		"no chain": {func(w *world, q *wire.KeepRequest) { w.ledger.err = errors.New("gone") }, p2p.Unavailable, "chain"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
			s, x := w.saver(saverKey), w.task(renterKey, 1)
			s.grow("a", 300_000)
			q := s.save(x, 1, artel.Ref{})
			if c.change != nil {
				c.change(w, &q)
			}
			_, err := s.ship(k, sign(q, renterKey, saverKey))
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				k.whole(t, q.Saved.Root)
				return
			}
			if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want %s: %s", err, c.code, c.text)
			}
			k.whole(t)
		})
	}
}

func ref(n byte) artel.Ref {
	r, err := artel.NewRef(artel.CodecDagPB, [32]byte{n})
	if err != nil {
		panic(err)
	}
	return r
}

// TestSignatures: what is signed by another, or not at all.
func TestSignatures(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 1000)
	q := s.save(x, 1, artel.Ref{})
	for name, c := range map[string]struct {
		change func(q *wire.KeepRequest)
		code   p2p.Code
	}{
		"the checkpoint by another node": {func(q *wire.KeepRequest) { q.Signature = nextKey.Sign(q.Saved.Digest(domain)) }, p2p.Unauthorized},
		"the checkpoint by nobody":       {func(q *wire.KeepRequest) { q.Signature = artel.Signature{} }, p2p.Unauthorized},
		"the grant by nobody":            {func(q *wire.KeepRequest) { q.Grant.Signature = artel.Signature{} }, p2p.Unauthorized},
		"the grant by a stranger":        {func(q *wire.KeepRequest) { q.Grant.Signature = otherKey.Sign(q.Grant.Digest()) }, p2p.Unauthorized},
		"a grant that was changed":       {func(q *wire.KeepRequest) { q.Grant.Bytes++ }, p2p.Unauthorized},
		"on another chain": {func(q *wire.KeepRequest) {
			q.Signature = saverKey.Sign(q.Saved.Digest(artel.NewDomain(1, artel.Address{1}, artel.Address{2})))
		}, p2p.Unauthorized},
	} {
		c := c
		q := q
		c.change(&q)
		if _, err := s.once(k, q); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	n := w.saver(nextKey) // who asks for another saver
	if _, err := n.once(k, q); !errors.Is(err, p2p.Unauthorized) {
		t.Errorf("brought by another node: %v", err)
	}
	k.whole(t)
}

// TestOrder: generations and attempts do not go backwards.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 400_000)
	one := s.save(x, 3, artel.Ref{})
	first := x.last
	s.grow("b", 100)
	two := s.save(x, 3, artel.Ref{})
	s.mustShip(k, one)
	s.mustShip(k, two)
	if _, err := s.ship(k, func() wire.KeepRequest { q := one; q.Saved.Wall++; return sign(q, renterKey, saverKey) }()); !errors.Is(err, p2p.Refused) {
		t.Errorf("a generation before: %v", err)
	}
	s.mustShip(k, one) // which is held still, as it was
	// A saver that lost its memory makes the second generation anew.
	x.last = first
	s.grow("b", 200)
	anew := s.save(x, 3, artel.Ref{})
	s.mustShip(k, anew)
	k.whole(t, anew.Saved.Root, one.Saved.Root)
	// Another node has a grant for the same attempt.
	n := w.saver(nextKey)
	n.blobs = s.blobs
	x.last, n.dir = nil, s.dir
	q := n.save(x, 3, artel.Ref{})
	if _, err := n.ship(k, q); !errors.Is(err, p2p.Conflict) {
		t.Errorf("an attempt of two nodes: %v", err)
	}
	// A later attempt is seen, though it brings nothing that is kept.
	bad := q
	bad.Grant.Try, bad.Saved.Stored = 4, q.Saved.Stored-1
	if _, err := n.ship(k, sign(bad, renterKey, nextKey)); !errors.Is(err, p2p.Invalid) {
		t.Error(err)
	}
	s.grow("b", 300)
	x.last = first
	if _, err := s.ship(k, s.save(x, 3, artel.Ref{})); !errors.Is(err, p2p.Refused) {
		t.Errorf("an attempt before one that was seen: %v", err)
	}
	k.whole(t, anew.Saved.Root, one.Saved.Root)
	// What goes on from a generation that is held is above it.
	low := n.save(x, 5, one.Saved.Root)
	low.Saved.Generation, low.Saved.Parent = 1, artel.Ref{}
	if _, err := n.ship(k, sign(low, renterKey, nextKey)); !errors.Is(err, p2p.Refused) {
		t.Errorf("a generation at what the attempt began from: %v", err)
	}
}

// TestRestart: a keeper that starts again knows what it holds, has removed what
// belongs to nothing, and says so of what has rotted.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	store, blobs := &keeper.Memory{}, mem.New(0)
	k := w.keeper(keeperKey, store, blobs)
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 5<<20)
	one := s.save(x, 1, artel.Ref{})
	s.grow("b", 3<<20)
	two := s.save(x, 1, artel.Ref{})
	y := w.task(otherKey, 1)
	other := s.save(y, 1, artel.Ref{})
	for _, q := range []wire.KeepRequest{one, two, other} {
		s.mustShip(k, q)
	}
	used := k.Status()
	k.stop()
	if _, _, err := blob.AddFile(t.Context(), blobs, bytes.NewReader(make([]byte, 3<<20))); err != nil {
		t.Fatal(err)
	}
	k = w.keeper(keeperKey, store, blobs)
	again := s.mustShip(k, two)
	if st := k.Status(); st.Others != used.Others || len(st.Tasks) != 2 {
		t.Errorf("%+v, was %+v", st, used)
	}
	if again.Until != two.Grant.Expires {
		t.Errorf("until %d", again.Until)
	}
	k.stop()
	// A pack of the newest generation is gone.
	have := map[artel.Ref]bool{}
	for _, root := range []artel.Ref{one.Saved.Root, other.Saved.Root} {
		bs, err := checkpoint.Blocks(t.Context(), blobs, root, checkpoint.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bs {
			have[b.Ref] = true
		}
	}
	bs, err := checkpoint.Blocks(t.Context(), blobs, two.Saved.Root, checkpoint.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bs {
		if !b.List && !have[b.Ref] {
			if err := blobs.Delete(t.Context(), b.Ref, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	k = w.keeper(keeperKey, store, blobs)
	until(t, "the keeper has looked", func() bool { return len(w.ask(renterKey, k, wire.KeptRequest{})) == 1 })
	if hs := w.ask(renterKey, k, wire.KeptRequest{}); hs[0].Segment.Saved.Root != one.Saved.Root {
		t.Errorf("held is %+v", hs)
	}
	s.mustShip(k, two) // and is mended
	if hs := w.ask(renterKey, k, wire.KeptRequest{}); len(hs) != 2 || hs[0].Segment.Saved.Root != two.Saved.Root {
		t.Errorf("held are %+v", hs)
	}
}

// TestOwn: tasks of the node itself need no account, and do not count against what
// others may take.
func TestOwn(t *testing.T) {
	w := newWorld(t)
	w.limits = keeper.Limits{Own: 8 << 20}
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, mine, x := w.saver(saverKey), w.task(keeperKey, 1), w.task(renterKey, 1)
	w.ledger.err = errors.New("gone")
	s.grow("a", 1<<20)
	q := s.save(mine, 1, artel.Ref{})
	s.mustShip(k, q)
	k.whole(t, q.Saved.Root)
	if _, err := s.ship(k, s.save(x, 1, artel.Ref{})); !errors.Is(err, p2p.Refused) || w.ledger.asked != 0 {
		t.Errorf("a node that keeps nothing for others: %v, asked %d times", err, w.ledger.asked)
	}
	s.grow("b", 9<<20)
	if _, err := s.ship(k, s.save(mine, 1, artel.Ref{})); !errors.Is(err, p2p.Refused) || !strings.Contains(err.Error(), "its own jobs") {
		t.Errorf("more than there is room for: %v", err)
	}
	if !k.Holds(q.Saved.Root) {
		t.Error("the generation before is gone")
	}
}

// TestLongList: a full answer fits, whatever the holdings say.
func TestLongList(t *testing.T) {
	full := func(b []byte) {
		for i := range b {
			b[i] = 0xff
		}
	}
	var h wire.Holding
	g, s := &h.Grant, &h.Segment.Saved
	for _, b := range [][]byte{g.Network[:], g.Task[:], g.Account[:], g.Signature[:], s.Lease[:], s.Task[:], s.Tree[:], h.Segment.Signature[:]} {
		full(b)
	}
	g.Saver, g.From, s.Root, s.Parent, s.Kind = saverKey.NodeID(), ref(1), ref(2), ref(3), artel.CheckpointWhole
	g.Try, g.Bytes, g.Expires = 1<<32-1, 1<<64-1, 1<<64-1
	s.Number, s.Attempt, s.Generation, s.Bytes, s.Stored, s.Wall = 1<<64-1, 1<<32-1, 1<<64-1, 1<<64-1, 1<<64-1, 1<<64-1
	k := artel.Kept{Until: 1<<64 - 1}
	full(k.Saved[:])
	full(k.Signature[:])
	h.Segment.Kept = []artel.Kept{k}
	r := wire.KeptResponse{}
	for range wire.MaxTasks {
		r.Holdings = append(r.Holdings, h)
	}
	if n := len(r.Marshal()); n > wire.MaxKept {
		t.Errorf("%d holdings take %d bytes, at most %d", len(r.Holdings), n, wire.MaxKept)
	}
}

// TestOwnQuestions: the node itself asks about its own tasks, without a message.
func TestOwnQuestions(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, mine, x := w.saver(saverKey), w.task(keeperKey, 1), w.task(renterKey, 1)
	s.mustShip(k, s.save(x, 1, artel.Ref{}))
	q := s.save(mine, 1, artel.Ref{})
	s.mustShip(k, q)
	r, err := k.Kept(t.Context(), wire.KeptRequest{})
	if err != nil || len(r.Holdings) != 1 || r.Holdings[0].Segment.Saved != q.Saved {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := k.Kept(t.Context(), wire.KeptRequest{Drop: true}); err != nil || k.Holds(q.Saved.Root) || len(k.Status().Tasks) != 1 {
		t.Errorf("%v, %+v", err, k.Status())
	}
}

// TestLocal: a machine that keeps a checkpoint and goes on from it.
func TestLocal(t *testing.T) {
	w := newWorld(t)
	k := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 3<<20)
	q := s.save(x, 1, artel.Ref{})
	s.mustShip(k, q)
	c := keeper.Client{Host: k.host, Domain: domain, Self: k.Keeper}
	into := mem.New(0)
	self := []artel.Keeper{{Node: keeperKey.NodeID()}}
	if err := c.Bring(t.Context(), self, into, q.Saved.Root, int64(q.Saved.Stored)-1); !errors.Is(err, blob.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
	if err := c.Bring(t.Context(), self, into, q.Saved.Root, int64(q.Saved.Stored)); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Verify(t.Context(), into, q.Saved.Root, checkpoint.Limits{}); err != nil {
		t.Error(err)
	}
	if err := c.Bring(t.Context(), self, into, ref(3), 1<<30); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("what is not held: %v", err)
	}
	if err := c.Bring(t.Context(), nil, into, ref(3), 1<<30); err == nil {
		t.Error("brought from nobody")
	}
}

// TestBringFromSeveral: what one keeper has lost another one has, and what the first
// brought need not come again; one that is gone holds nobody up.
func TestBringFromSeveral(t *testing.T) {
	w := newWorld(t)
	one, two := w.keeper(keeperKey, &keeper.Memory{}, mem.New(0)), w.keeper(key(6), &keeper.Memory{}, mem.New(0))
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	s.grow("a", 9<<20)
	q := s.save(x, 1, artel.Ref{})
	s.mustShip(one, q)
	s.mustShip(two, q)
	bs, err := checkpoint.Blocks(t.Context(), one.blobs, q.Saved.Root, checkpoint.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	lost := bs[len(bs)-1].Ref
	if err := one.blobs.Delete(t.Context(), lost, time.Time{}); err != nil {
		t.Fatal(err)
	}
	n := w.saver(nextKey)
	if err := n.host.Connect(t.Context(), one.host.Addrs()[0]); err != nil { // so that it is the first
		t.Fatal(err)
	}
	if err := n.client().Bring(t.Context(), []artel.Keeper{{Node: keeperKey.NodeID()}}, n.blobs, q.Saved.Root, 1<<30); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("of a keeper that lost a block: %v", err)
	}
	if ok, _ := blob.Has(t.Context(), n.blobs, bs[1].Ref); !ok {
		t.Error("nothing came of the first keeper")
	}
	from := []artel.Keeper{{Node: otherKey.NodeID(), Addrs: []string{"/memory/p2p/" + otherKey.NodeID().String()}}, {Node: keeperKey.NodeID()}, {Node: key(6).NodeID(), Addrs: two.host.Addrs()}}
	if err := n.client().Bring(t.Context(), from, n.blobs, q.Saved.Root, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Verify(t.Context(), n.blobs, q.Saved.Root, checkpoint.Limits{}); err != nil {
		t.Error(err)
	}
}

// TestConfirmations: a saver does not believe whatever comes.
func TestConfirmations(t *testing.T) {
	w := newWorld(t)
	s, x := w.saver(saverKey), w.task(renterKey, 1)
	q := s.save(x, 1, artel.Ref{})
	good := artel.Kept{Saved: q.Saved.Digest(domain), Until: uint64(time.Now().Add(time.Hour).Unix())}
	answer := make(chan []byte, 1)
	h := w.host(keeperKey)
	h.Handle(wire.MethodKeep, wire.MaxSmall, func(context.Context, artel.NodeID, []byte) ([]byte, error) { return <-answer, nil })
	run(t, h.Run)
	<-h.Ready()
	for name, c := range map[string]struct {
		change func(k *artel.Kept)
		by     artel.Key
		ok     bool
	}{
		"as it is":           {func(*artel.Kept) {}, keeperKey, true},
		"by another":         {func(*artel.Kept) {}, otherKey, false},
		"another checkpoint": {func(k *artel.Kept) { k.Saved[0]++ }, keeperKey, false},
		"until yesterday":    {func(k *artel.Kept) { k.Until -= 2 * 86400 }, keeperKey, false},
	} {
		k := good
		c.change(&k)
		k.Signature = c.by.Sign(k.Digest(domain))
		answer <- wire.KeepResponse{Kept: k}.Marshal()
		if _, err := s.client().Ship(t.Context(), artel.Keeper{Node: keeperKey.NodeID()}, q); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer <- []byte("junk")
	if _, err := s.client().Ship(t.Context(), artel.Keeper{Node: keeperKey.NodeID()}, q); err == nil {
		t.Error("junk is taken for a word")
	}
}
