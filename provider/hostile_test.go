package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	fakebox "github.com/artel-network/artel/sandbox/fake"
	"github.com/artel-network/artel/wire"
)

func testKey(t *testing.T, n byte) artel.Key {
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func scratch(int64) (blob.Store, func(), error) { return mem.New(0), func() {}, nil }

// heap is a store that remembers what it was asked to keep.
type heap struct{ saved []Change }

func (h *heap) Load(context.Context) (State, error)    { return State{}, nil }
func (h *heap) Save(_ context.Context, c Change) error { h.saved = append(h.saved, c); return nil }

// Lane numbers cost nothing: what a renter owes on one counts on all.
func TestDebtsFollowTheRenter(t *testing.T) {
	p := New(Config{Policy: Policy{MaxUnpaid: artel.Units(100)}})
	thief, other := artel.Address{1}, artel.Address{2}
	book := func(renter artel.Address, number, due, voucher, limit, paid uint64) {
		k := lease.Key{Renter: renter, Number: number}
		p.lanes[k] = &LaneRow{Book: lease.Book{
			Key: k, Accrued: artel.AccrualOf(artel.Units(due)), Voucher: artel.Units(voucher), Cap: artel.Units(limit), Paid: artel.Units(paid),
		}}
	}
	book(thief, 1, 60, 0, 0, 0)    // never paid
	book(thief, 2, 70, 70, 10, 10) // paid with a voucher that nobody booked
	book(thief, 3, 500, 0, 0, 0)   // the lane of the lease to be made: accept looks at it itself
	book(thief, 4, 500, 0, 0, 0)   // still open: its own MaxUnpaid bounds it
	p.open[lease.Key{Renter: thief, Number: 4}] = artel.Hash{1}
	book(other, 1, 60, 0, 0, 0)
	for _, c := range []struct {
		renter      artel.Address
		owed, limit uint64
	}{{thief, 120, 101}, {other, 60, 100}, {artel.Address{3}, 0, 100}} {
		owed, limit := p.owes(lease.Key{Renter: c.renter, Number: 3})
		if owed != artel.Units(c.owed) || limit != artel.Units(c.limit) {
			t.Errorf("%s owes %s of at most %s, want %d of %d", c.renter, owed, limit, c.owed, c.limit)
		}
	}
}

// Everybody may speak for his own address; what strangers say must not pile up
// in memory and in the database.
func TestStrangersGenerationsAreNotKept(t *testing.T) {
	store := &heap{}
	p := New(Config{Key: testKey(t, 9), Params: chain.Params{ChainID: 1}, Store: store, Runner: works{}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		a := p.actor()
		a.Beside = nil
		ended <- p.loop.Run(ctx, a)
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	customer := testKey(t, 1)
	k := lease.Key{Renter: customer.Address(), Number: artel.LaneNumber(customer.Address(), 1)}
	p.do(ctx, func(*tx) { p.lanes[k] = &LaneRow{Book: lease.Book{Key: k}} })
	for n := byte(1); n <= 5; n++ {
		key := testKey(t, n)
		req := wire.RecoverRequest{Renter: key.Address(), Node: key.NodeID(), Generation: 7}
		req.Signature = key.Sign(wire.RecoverDigest(p.c.Network, req))
		if _, err := p.recover(ctx, key.NodeID(), req.Marshal()); err != nil {
			t.Fatal(err)
		}
	}
	p.do(ctx, func(*tx) {
		if len(p.gens) != 1 || p.gens[Controller{customer.Address(), customer.Address()}] != 7 {
			t.Errorf("generations %v, want the customer's alone", p.gens)
		}
	})
	if len(store.saved) != 1 {
		t.Errorf("%d transactions were stored, want 1", len(store.saved))
	}
}

// A renter that names no disk gets none: zero is no limit in the blob store.
func TestNoDiskIsNoLimitForNobody(t *testing.T) {
	input, err := artel.NewRef(artel.CodecRaw, [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	limits := map[artel.Ref]int64{}
	store := mem.New(0)
	program, _, err := blob.AddFile(t.Context(), store, strings.NewReader("a program"))
	if err != nil {
		t.Fatal(err)
	}
	b := &Boxed{Boxes: map[string]sandbox.Box{"wasm": fakebox.New(1, nil)}, Dir: t.TempDir(), Blobs: store, Scratch: scratch, Fetch: func(ctx context.Context, _ artel.NodeID, into blob.Store, root artel.Ref, limit int64) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the fetch may take for ever")
		}
		limits[root] = limit
		if root != input {
			_, _, err := blob.AddFile(ctx, into, strings.NewReader("a program"))
			return err
		}
		return errors.New("not served")
	}}
	spec := artel.TaskSpec{Program: program, Input: input, Wall: 1000}
	got := b.Run(t.Context(), artel.NodeID{}, artel.Hash{}, artel.Terms{Sandbox: "wasm", Unit: 1000}, lease.Running{Spec: spec}, Course{Phase: func(string) {}})
	if got.Reason != artel.ReasonNoInput || got.Billed {
		t.Errorf("got %+v, want a task without input", got)
	}
	if limits[program] != maxProgram || limits[input] != 1 {
		t.Errorf("fetched with limits %v, want %d for the program and 1 for the input", limits, maxProgram)
	}
	full := errors.New("the disk is full")
	b.Room = func(n int64) error {
		if n != 1 {
			t.Errorf("room for %d bytes was asked, want 1", n)
		}
		return full
	}
	if got := b.Run(t.Context(), artel.NodeID{}, artel.Hash{}, artel.Terms{Sandbox: "wasm", Unit: 1000}, lease.Running{Spec: spec}, Course{Phase: func(string) {}}); got.Reason != artel.ReasonHost || got.Billed {
		t.Errorf("got %+v with a full disk", got)
	}
}

// A call that the ledger refuses is neither tried for ever nor given up.
func TestRefusedCallsAreTriedEverMoreRarely(t *testing.T) {
	key := testKey(t, 9)
	p := New(Config{Key: key, Account: key.Address(), Store: &heap{}, Log: slog.New(slog.DiscardHandler)})
	k := lease.Key{Renter: artel.Address{1}, Provider: key.Address(), Number: 1}
	p.lanes[k] = &LaneRow{Book: lease.Book{Key: k, Voucher: artel.Units(5), Cap: artel.Units(5)}}
	seen := map[string]bool{}
	tries, last := 0, int64(0)
	for now := int64(1); now < lastAgain; now += 2000 {
		x := &tx{now: now}
		p.redeem(x, k)
		p.redeem(x, k)
		if len(x.change.Outbox) == 0 {
			continue
		}
		if tries++; len(x.change.Outbox) != 1 || seen[x.change.Outbox[0].ID] {
			t.Fatalf("queued %v, tried before: %v", x.change.Outbox, seen)
		}
		if tries > 2 && now-last < firstAgain {
			t.Errorf("tried again after %d ms", now-last)
		}
		last = now
		call := x.change.Outbox[0]
		seen[call.ID] = true
		p.forgetCall(x, call, true)
	}
	if tries < 8 || tries > 13 {
		t.Errorf("tried %d times in a day", tries)
	}
	for id := range seen {
		p.forgetCall(&tx{now: last}, chain.Tx{ID: id, Call: chain.Redeem{}}, false)
	}
	if len(p.refused) != 0 {
		t.Errorf("%v is remembered after a success", p.refused)
	}
}

// An attempt that is cancelled while it fetches takes no other one with it, and
// a renter that serves nothing holds up nobody else.
func TestCancelledFetchesAreTakenOver(t *testing.T) {
	store := mem.New(0)
	program, _, err := blob.AddFile(t.Context(), store, strings.NewReader("a program"))
	if err != nil {
		t.Fatal(err)
	}
	slow, other := artel.NodeID{1}, artel.NodeID{2}
	begun := make(chan struct{}, 8)
	let := make(chan struct{})
	b := &Boxed{Boxes: map[string]sandbox.Box{"": fakebox.New(1, nil)}, Dir: t.TempDir(), Blobs: store, Scratch: scratch, Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, _ artel.Ref, _ int64) error {
		_, _, err := blob.AddFile(ctx, into, strings.NewReader("a program"))
		if err != nil || from == other {
			return err
		}
		begun <- struct{}{}
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	lay := func(ctx context.Context, from artel.NodeID) error {
		_, done, err := b.lay(ctx, from, program, 100, false)
		if err == nil {
			done()
		}
		return err
	}
	first, cancel := context.WithCancel(t.Context())
	got := make(chan error, 2)
	go func() { got <- lay(first, slow) }()
	<-begun
	if err := lay(t.Context(), other); err != nil {
		t.Fatalf("another renter's: %v", err)
	}
	second := make(chan error, 1)
	go func() { second <- lay(t.Context(), slow) }()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one: %v", err)
	}
	<-begun // whether it waited for the first or came after it
	close(let)
	if err := <-second; err != nil {
		t.Errorf("the one that was not cancelled: %v", err)
	}
}

// What a program leaves may be no output that can be kept. That is its own doing, and its
// time is paid like any other's: it must not get it for nothing, nor make the machine look broken.
func TestOutputThatCannotBeKeptIsBilled(t *testing.T) {
	for name, leave := range map[string]func(out string) error{
		"deep": func(out string) error { return os.MkdirAll(filepath.Join(out, strings.Repeat("a/", 70)), 0o755) },
		"a link to a directory": func(out string) error {
			return errors.Join(os.Mkdir(filepath.Join(out, "run1"), 0o755), os.Symlink("run1", filepath.Join(out, "latest")))
		},
		"one file a hundred times": func(out string) error {
			errs := []error{os.WriteFile(filepath.Join(out, "x"), make([]byte, 64<<10), 0o600)}
			for i := range 100 {
				errs = append(errs, os.Symlink("x", filepath.Join(out, fmt.Sprint(i))))
			}
			return errors.Join(errs...)
		},
		"names": func(out string) error {
			var errs []error
			for i := range 9000 {
				errs = append(errs, os.WriteFile(filepath.Join(out, fmt.Sprintf("%0255d", i)), nil, 0o600))
			}
			return errors.Join(errs...)
		},
	} {
		s := newShop(t, 0, func(_ context.Context, spec sandbox.Spec, _ io.Writer) sandbox.Exit {
			if err := leave(spec.Out); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return sandbox.Exit{WallMillis: 900}
		})
		renter := artel.NodeID{1}
		spec := artel.TaskSpec{Wall: 1000, Want: artel.Resources{Disk: 1 << 20}, Program: s.serves(renter, "a program")}
		f := s.run(renter, 1, spec)
		if !f.Billed || f.Reason != artel.ReasonOutput || f.Usage.Wall != 900 || f.Exit == 0 || !f.Sealed.IsZero() {
			t.Errorf("%s: %+v; want it billed, for its output", name, f)
		}
		if !strings.Contains(f.Message, "hint:") || strings.Contains(f.Message, s.Dir) {
			t.Errorf("%s: the renter reads %q", name, f.Message)
		}
	}
}
