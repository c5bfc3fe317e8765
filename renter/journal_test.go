package renter

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	blobmem "github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/wire"
)

// shelves are the keepers' halves of journals: the blocks, all of them on one shelf,
// and the facts in the world's vault.
type shelves struct {
	dir    string
	blobs  blob.Store
	spoilt map[artel.Ref]bool // roots that nobody hands out
	made   []wire.KeepRequest // in the order in which they came
	sent   int
}

func (x *shelves) journals(w *world) *Journals {
	sent := blobmem.New(0)
	return &Journals{
		Dir: filepath.Join(x.dir, "journal"), Blobs: sent, Scratch: func() blob.Store { return blobmem.New(0) },
		Ship: func(ctx context.Context, to artel.Keeper, q wire.KeepRequest) (k artel.Kept, err error) {
			w.vault.mu.Lock()
			defer w.vault.mu.Unlock()
			if w.vault.gone[to.Node] {
				return k, errors.New("nobody is there")
			}
			if err := x.move(ctx, sent, x.blobs, q.Saved.Root); err != nil {
				return k, err
			}
			k = artel.Kept{Saved: q.Saved.Digest(w.r.domain), Until: q.Grant.Expires}
			for _, s := range w.sellers {
				if s.key.NodeID() == to.Node {
					k.Signature = s.key.Sign(k.Digest(w.r.domain))
				}
			}
			h := wire.Holding{Grant: q.Grant, Segment: artel.Segment{Saved: q.Saved, Signature: q.Signature, Kept: []artel.Kept{k}}}
			w.vault.held[to.Node] = append([]wire.Holding{h}, w.vault.held[to.Node]...)
			if len(x.made) == 0 || x.made[len(x.made)-1].Saved != q.Saved {
				x.made = append(x.made, q)
			}
			return k, nil
		},
		Bring: func(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error {
			if x.spoilt[root] {
				return errors.New("it is not handed out")
			}
			return x.move(ctx, x.blobs, into, root)
		},
	}
}

// move copies the blocks of a root.
func (x *shelves) move(ctx context.Context, from, to blob.Store, root artel.Ref) error {
	blocks, err := checkpoint.Blocks(ctx, from, root, checkpoint.Limits{})
	if err != nil {
		return err
	}
	batch := to.Batch(ctx)
	defer batch.Close()
	for _, b := range blocks {
		data, err := from.Get(ctx, b.Ref)
		if err == nil {
			err = batch.Put(ctx, b.Ref, data)
		}
		if err != nil {
			return err
		}
		x.sent += len(data)
	}
	return batch.Commit(ctx)
}

// holds answers a renter that lost everything, as a provider does. Called with mu held.
func (s *seller) holds(m wire.RecoverRequest) (resp wire.RecoverResponse, err error) {
	lanes := map[uint64]*wire.HeldLane{}
	for id, l := range s.sold {
		n := l.Lease.Lane
		if lanes[n] == nil {
			lanes[n] = &wire.HeldLane{Lane: n}
		}
		h := lanes[n]
		if h.Accrued.Ceil().Less(l.Book.Due()) {
			h.Accrued = l.Book.Accrued
		}
		if v, sig := l.Book.SignedVoucher(); !sig.IsZero() && (h.Voucher == nil || h.Voucher.Voucher.Cumulative.Less(v.Cumulative)) {
			h.Voucher = &wire.SignedVoucher{Voucher: v, Signature: sig}
		}
		h.Leases = append(h.Leases, wire.HeldLease{Lease: l.Lease, Terms: wire.EncodeTerms(l.Terms), Signature: s.key.Sign(id), Open: l.Phase != lease.Closed})
	}
	for _, h := range lanes {
		resp.Lanes = append(resp.Lanes, *h)
	}
	return resp, nil
}

// journalled is a lasting world in which the renter keeps a journal.
func journalled(t *testing.T, n int, f func(t *testing.T, w *world)) {
	dir := t.TempDir()
	lasting(t, n, func(t *testing.T, w *world) {
		w.shelves = &shelves{dir: dir, blobs: blobmem.New(0), spoilt: map[artel.Ref]bool{}}
		f(t, w)
	})
}

// lose takes the renter's machine away with all that is on it, and gives it another
// one with its key.
func (w *world) lose() {
	was := w.renter()
	h := w.store
	h.mu.Lock()
	h.crash = func() error { // with mu held
		fresh := newHeap()
		h.meta, h.books, h.leases, h.jobs, h.tasks, h.outbox, h.nodes, h.crash = fresh.meta, fresh.books, fresh.leases, fresh.jobs, fresh.tasks, fresh.outbox, fresh.nodes, nil
		return errCrash
	}
	h.mu.Unlock()
	w.records[artel.NodeID{}] = w.records[artel.NodeID{}] // the board goes with it
	for w.renter() == was {
		was.post(func(t *tx) { m := was.meta; t.change.Meta = &m })
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
}

// come has the renter find what an earlier one left.
func (w *world) come() TakenUp {
	nodes := map[artel.NodeID]artel.Address{}
	var ask []artel.Keeper
	for _, s := range w.sellers {
		nodes[s.key.NodeID()] = s.key.Address()
		ask = append(ask, artel.Keeper{Node: s.key.NodeID(), Addrs: s.offer.Addrs})
	}
	_, _ = w.renter().Recover(w.t.Context(), nodes) // one that is dead does not answer
	got, err := w.renter().TakeUp(w.t.Context(), ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// A renter is lost with all it had. What runs is watched on by the next one, and what
// was promised goes on from where it was.
func TestTakesUpWhatRuns(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(25 * time.Second)
			lane := w.store.meta.Lane
			w.lose()
			if _, _, err := w.renter().Job(t.Context(), id); !errors.Is(err, ErrNoJob) {
				t.Fatalf("the new machine knows the job: %v", err)
			}
			got := w.come()
			if len(got.Jobs) != 1 || got.Jobs[0].ID != id || got.Jobs[0].Running != 1 || got.Leases != 1 || got.Closed != 0 || len(got.Refused) != 0 || got.Kept != 1 {
				t.Fatalf("taken up: %+v", got) // of one task there are checkpoints
			}
			j, ts := w.end(id, 2*time.Minute)
			if j.Phase != job.Finished || len(ts[0].Attempts) != 1 || ts[0].State != job.Done {
				t.Errorf("%s: %+v", j.Phase, ts[0])
			}
			time.Sleep(30 * time.Second)
			s := w.sellers[0]
			j, _, err := w.renter().Job(t.Context(), id) // with the time that the lease was held afterwards
			if paid := s.paid(); err != nil || paid != j.Spent {
				t.Errorf("paid %s, the job has cost %s", paid, j.Spent)
			}
			if w.store.meta.Lane == lane || len(w.store.meta.TakenOver) != 0 {
				t.Errorf("the new machine is %+v", w.store.meta)
			}
			w.vault.mu.Lock()
			defer w.vault.mu.Unlock()
			for n, hs := range w.vault.held {
				if len(hs) > 0 {
					t.Errorf("%s still holds %d, the first of %s", n.Short(), len(hs), hs[0].Grant.Task.Short())
				}
			}
		})
	})
}

// Renter and host are lost together: another host goes on from what keepers hold.
func TestTakesUpWhatDied(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(35 * time.Second)
			w.sellers[0].die()
			w.lose()
			got := w.come()
			if len(got.Jobs) != 1 || got.Answered != 2 || got.Closed != 0 {
				t.Fatalf("taken up: %+v", got)
			}
			j, ts := w.end(id, 3*time.Minute)
			if j.Phase != job.Finished || len(ts[0].Attempts) != 2 || ts[0].Attempts[1].Ran.From < 3 {
				t.Errorf("%s: %+v", j.Phase, ts[0])
			}
		})
	})
}

// Nothing of a job begins on a machine that has nothing of it, while what it needs is
// on the lost machine alone.
func TestLacks(t *testing.T) {
	journalled(t, 2, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(longSpec(""))
			time.Sleep(35 * time.Second)
			w.sellers[0].die()
			w.lose()
			w.lacks = func() []string { return []string{"its input is gone; hint: bring it"} }
			got := w.come()
			if len(got.Jobs) != 1 || len(got.Jobs[0].Lacks) != 1 {
				t.Fatalf("taken up: %+v", got)
			}
			time.Sleep(2 * time.Minute)
			if task := w.taskOf(id); task.State != job.Waiting || len(task.Attempts) != 1 {
				t.Fatalf("without its input: %+v", task)
			}
			if got := w.renter().Lacks(t.Context(), id); len(got) != 1 {
				t.Errorf("lacks %q", got)
			}
			w.lacks = nil
			if j, _ := w.end(id, 3*time.Minute); j.Phase != job.Finished {
				t.Errorf("the job %s: %s", j.Phase, j.Message)
			}
		})
	})
}

func (w *world) taskOf(id artel.Hash) job.Task {
	_, ts, err := w.renter().Job(w.t.Context(), id)
	must(err)
	return ts[0]
}

// Keepers lie: they show old journals, others' words, or hand nothing out. What is
// taken up is the newest that is whole, and no voucher goes backwards whatever it is.
func TestKeepersOfJournalsLie(t *testing.T) {
	old := func(w *world) wire.KeepRequest { return w.shelves.made[1] } // the lease is in it, and little else
	for name, c := range map[string]struct {
		spoil   func(w *world, by int, h *wire.Holding)
		first   bool // one keeper alone lies
		refused string
		found   bool
	}{
		"one shows an old one": {first: true, found: true, spoil: func(w *world, _ int, h *wire.Holding) {
			h.Grant, h.Segment.Saved, h.Segment.Signature = old(w).Grant, old(w).Saved, old(w).Signature
		}},
		"all show an old one": {found: true, spoil: func(w *world, _ int, h *wire.Holding) {
			h.Grant, h.Segment.Saved, h.Segment.Signature = old(w).Grant, old(w).Saved, old(w).Signature
		}},
		"a later generation": {refused: "signed by node", spoil: func(_ *world, _ int, h *wire.Holding) { h.Segment.Saved.Generation += 100 }},
		"another root": {refused: "signed by node", spoil: func(_ *world, _ int, h *wire.Holding) {
			h.Segment.Saved.Root = artel.Ref{}
			h.Segment.Saved.Root = mustRef(9)
		}},
		"a grant of its own": {refused: "not granted", spoil: func(w *world, by int, h *wire.Holding) { h.Grant.Signature = w.sellers[by].key.Sign(h.Grant.Digest()) }},
		"a provider's word": {refused: "no journal", spoil: func(w *world, _ int, h *wire.Holding) { // as this node would sign for a stranger
			h.Segment.Saved.Lease = artel.Hash{7}
			h.Segment.Signature = w.key.Sign(h.Segment.Saved.Digest(w.r.domain))
		}},
		"another network": {refused: "another network", spoil: func(w *world, _ int, h *wire.Holding) {
			h.Grant.Network = artel.Hash{1}
			h.Grant.Signature = w.key.Sign(h.Grant.Digest())
		}},
		"too large": {refused: "at most", spoil: func(w *world, _ int, h *wire.Holding) {
			h.Segment.Saved.Stored = maxJournal + 1
			h.Segment.Signature = w.key.Sign(h.Segment.Saved.Digest(w.r.domain))
		}},
		"the newest is withheld": {found: true, refused: "not handed out", spoil: func(w *world, _ int, h *wire.Holding) {
			w.shelves.spoilt[w.shelves.made[len(w.shelves.made)-1].Saved.Root] = true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			journalled(t, 3, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(longSpec(""))
					time.Sleep(35 * time.Second)
					s := w.sellers[0]
					before := s.paid()
					w.lose()
					w.vault.mu.Lock()
					names := map[artel.Hash]bool{}
					for i := range journalNames {
						names[w.renter().journalName(byte(i))] = true
					}
					lied := 0
					for i, x := range w.sellers {
						hs := slices.Clone(w.vault.held[x.key.NodeID()])
						if c.first && lied > 0 {
							break
						}
						for n := range hs {
							if names[hs[n].Grant.Task] {
								c.spoil(w, i, &hs[n])
								lied++
							}
						}
						w.vault.held[x.key.NodeID()] = hs
					}
					w.vault.mu.Unlock()
					if lied == 0 {
						t.Fatal("nobody keeps a journal")
					}
					got := w.come()
					if (len(got.Jobs) == 1) != c.found {
						t.Fatalf("taken up: %+v", got)
					}
					if c.refused != "" && !strings.Contains(strings.Join(got.Refused, "\n"), c.refused) {
						t.Errorf("refused: %q, want %q", got.Refused, c.refused)
					}
					if !c.found {
						return
					}
					j, ts := w.end(id, 5*time.Minute)
					if j.Phase != job.Finished || ts[0].State != job.Done {
						t.Errorf("%s: %+v", j.Phase, ts[0])
					}
					time.Sleep(30 * time.Second)
					if paid := s.paid(); paid.Less(before) {
						t.Errorf("the voucher went from %s back to %s", before, paid)
					}
				})
			})
		})
	}
}

func mustRef(n byte) artel.Ref {
	r, err := artel.NewRef(artel.CodecDagPB, [32]byte{n})
	must(err)
	return r
}

// Short jobs pay nothing for the journal: none is made for them.
func TestShortJobsHaveNoJournal(t *testing.T) {
	journalled(t, 2, func(t *testing.T, w *world) {
		w.run(func() {
			for range 5 {
				w.end(w.submit(spec(3)), time.Minute)
			}
			if n := len(w.shelves.made); n != 0 {
				t.Errorf("%d journals were made", n)
			}
			// One that lasts has one, however it wants to be paid.
			s := spec(60)
			id := w.submit(s)
			time.Sleep(75 * time.Second)
			if n := len(w.shelves.made); n == 0 || n > 25 {
				t.Errorf("%d journals were made of a long job in 15 s", n)
			}
			w.end(id, 10*time.Minute)
		})
	})
}

// A lease is heard of again from where the journal ends: until keepers hold what has
// happened since, its provider remembers it.
func TestProvidersRememberUntilItIsNoted(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			w.submit(longSpec(""))
			time.Sleep(15 * time.Second)
			for _, s := range w.sellers { // no journal is held from now on, for a while
				w.vault.mu.Lock()
				w.vault.gone[s.key.NodeID()] = true
				w.vault.mu.Unlock()
			}
			r := w.renter()
			done := func() (seq, through uint64) {
				must(r.do(t.Context(), func(x *tx) {
					for _, b := range r.leases {
						if len(b.work) > 0 {
							seq, through = b.Seq, r.done(b, x.now)
						}
					}
				}))
				return seq, through
			}
			was, noted := done()
			must(r.do(t.Context(), func(x *tx) {
				for _, b := range r.leases {
					if len(b.work) > 0 {
						b.Seq++ // as if another event had come
					}
				}
			}))
			if seq, through := done(); seq != was+1 || through != noted {
				t.Errorf("event %d has come, up to %d may be forgotten; want %d", seq, through, noted)
			}
			must(r.do(t.Context(), func(x *tx) { r.journal.heldAt = x.now - journalStale.Milliseconds() }))
			if seq, through := done(); through != seq {
				t.Errorf("no journal is held for long, and only up to %d of %d may be forgotten", through, seq)
			}
			must(r.do(t.Context(), func(x *tx) {
				for _, b := range r.leases {
					if len(b.work) > 0 {
						b.Seq--
					}
				}
			}))
		})
	})
}

// What a journal says is sealed: keepers learn nothing of it.
func TestJournalIsSealed(t *testing.T) {
	journalled(t, 3, func(t *testing.T, w *world) {
		w.run(func() {
			s := longSpec("")
			s.Name, s.Args = "a-name-to-be-found", []string{"an-argument-to-be-found"}
			w.submit(s)
			time.Sleep(10 * time.Second)
			if len(w.shelves.made) == 0 {
				t.Fatal("no journal is kept")
			}
			for _, q := range w.shelves.made {
				blocks, err := checkpoint.Blocks(t.Context(), w.shelves.blobs, q.Saved.Root, checkpoint.Limits{})
				must(err)
				for _, b := range blocks {
					data, err := w.shelves.blobs.Get(t.Context(), b.Ref)
					must(err)
					if bytes.Contains(data, []byte("to-be-found")) {
						t.Errorf("block %s shows the job", b.Ref)
					}
				}
			}
			for range 3 {
				w.lose()
				if got := w.come(); len(got.Jobs) != 1 {
					t.Fatalf("taken up: %+v", got)
				}
				time.Sleep(5 * time.Second)
			}
		})
	})
}
