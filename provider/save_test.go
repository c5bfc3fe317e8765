package provider

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/fake"
	"github.com/artel-network/artel/wire"
)

var testDomain = artel.NewDomain(7, artel.Address{1}, artel.Address{2})

// patience bounds every wait for what surely comes.
const patience = 5 * time.Minute

func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	over := time.After(patience)
	for !f() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("never: %s", what)
		}
	}
}

// world is some machines that keep checkpoints, and those that ask them to.
type world struct {
	t       testing.TB
	keepers map[artel.NodeID]*keeper
	list    []artel.Keeper
}

// keeper holds what it is brought, unless it is told otherwise.
type keeper struct {
	key   artel.Key
	store blob.Store

	mu     sync.Mutex
	asked  int
	habit  func(ctx context.Context, k *artel.Kept) error // nil: it is honest
	bytes  []int64                                        // that each request moved
	holds  []artel.Saved
	served int // blocks
}

func (k *keeper) does(habit func(context.Context, *artel.Kept) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.habit = habit
}

func newWorld(t testing.TB, n byte) *world {
	w := &world{t: t, keepers: map[artel.NodeID]*keeper{}}
	for i := range n {
		key, err := artel.KeyFromBytes(append(make([]byte, 31), 100+i))
		if err != nil {
			t.Fatal(err)
		}
		w.keepers[key.NodeID()] = &keeper{key: key, store: mem.New(0)}
		w.list = append(w.list, artel.Keeper{Node: key.NodeID()})
	}
	return w
}

func (w *world) keeper(i int) *keeper { return w.keepers[w.list[i].Node] }

// copySave copies the blocks of a checkpoint that a store lacks.
func copySave(ctx context.Context, into, from blob.Store, root artel.Ref) (moved int64, err error) {
	blocks, err := checkpoint.Blocks(ctx, from, root, checkpoint.Limits{})
	if err != nil {
		return 0, err
	}
	for _, b := range blocks {
		if ok, err := blob.Has(ctx, into, b.Ref); ok || err != nil {
			continue
		}
		data, err := from.Get(ctx, b.Ref)
		if err == nil {
			err = into.Put(ctx, b.Ref, data)
		}
		if err != nil {
			return moved, err
		}
		moved += int64(len(data))
	}
	return moved, nil
}

// joins gives a Boxed its way to the keepers.
func (w *world) joins(b *Boxed, key artel.Key) {
	b.Keepers = Keepers{
		Key: key, Domain: testDomain, Saves: mem.New(0),
		Failed: func(k Attempt, err error) { w.t.Logf("attempt %d: %v", k.Task, err) },
		Ship: func(ctx context.Context, to artel.Keeper, req wire.KeepRequest) (artel.Kept, error) {
			return w.keepers[to.Node].keep(ctx, b, req)
		},
		Bring: func(ctx context.Context, from []artel.Keeper, into blob.Store, root artel.Ref, limit int64) error {
			err := errors.New("nobody has it")
			for _, k := range from {
				if _, err = copySave(ctx, into, w.keepers[k.Node].store, root); err == nil || ctx.Err() != nil {
					return errors.Join(err, ctx.Err())
				}
			}
			return err
		},
	}
}

func (k *keeper) keep(ctx context.Context, b *Boxed, req wire.KeepRequest) (artel.Kept, error) {
	k.mu.Lock()
	k.asked++
	habit := k.habit
	k.mu.Unlock()
	if by, err := req.Signature.NodeID(req.Saved.Digest(testDomain)); err != nil || by != b.Key.NodeID() {
		return artel.Kept{}, fmt.Errorf("signed by %s, %v", by.Short(), err)
	}
	if !b.Sends(k.key.NodeID(), req.Saved.Root) || b.Sends(artel.NodeID{9}, req.Saved.Root) {
		return artel.Kept{}, errors.New("it may not be fetched, or anybody may")
	}
	if habit == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		n, err := copySave(ctx, k.store, b.Saves, req.Saved.Root)
		if err != nil {
			return artel.Kept{}, err
		}
		if _, err := checkpoint.Verify(ctx, k.store, req.Saved.Root, checkpoint.Limits{}); err != nil {
			return artel.Kept{}, err
		}
		k.bytes, k.holds = append(k.bytes, n), append(k.holds, req.Saved)
	}
	kept := artel.Kept{Saved: req.Saved.Digest(testDomain), Until: uint64(time.Now().Unix()) + 3600}
	if habit != nil {
		if err := habit(ctx, &kept); err != nil || !kept.Signature.IsZero() {
			return kept, err
		}
	}
	kept.Signature = k.key.Sign(kept.Digest(testDomain))
	return kept, nil
}

// keeping is what a renter says of a task, of which a checkpoint is taken ten times a
// second.
func (w *world) keeping(kind artel.CheckpointKind, need uint32) *artel.Keeping {
	return &artel.Keeping{
		Survival: artel.Survival{Kind: kind, Min: 100, Max: 100, Keepers: need}, Task: artel.Hash{42}, Key: [32]byte{7}, Keepers: w.list,
		Grant: artel.Grant{Task: artel.Hash{42}, Try: 1, Bytes: 1 << 30},
	}
}

// counter counts in its memory up to its argument, and says so. It writes the number to
// /checkpoint/number if its other argument wants that, and to /out when it is done.
func counter(s sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
	if len(state) == 0 {
		state = make([]byte, 64<<10)
		if b, err := os.ReadFile(filepath.Join(s.Checkpoint, "number")); err == nil {
			n, _ := strconv.ParseUint(string(b), 10, 64)
			binary.BigEndian.PutUint64(state, n)
			fmt.Fprintf(log, "begins at %d\n", n)
		}
	}
	n := binary.BigEndian.Uint64(state)
	fmt.Fprintf(log, "%d\n", n)
	n++
	binary.BigEndian.PutUint64(state, n)
	number := []byte(strconv.FormatUint(n, 10))
	if s.Args[3] == "diary" && n%20 == 0 {
		tmp := filepath.Join(s.Checkpoint, ".new")
		if err := errors.Join(os.WriteFile(tmp, number, 0o644), os.Rename(tmp, filepath.Join(s.Checkpoint, "number"))); err != nil {
			return state, &sandbox.Exit{Code: 1}
		}
	}
	if most, _ := strconv.ParseUint(s.Args[2], 10, 64); n == most {
		if err := os.WriteFile(filepath.Join(s.Out, "number"), number, 0o644); err != nil {
			return state, &sandbox.Exit{Code: 2}
		}
		return state, &sandbox.Exit{}
	}
	return state, nil
}

// laidImage is an image that is here.
type laidImage struct{ root string }

func (i laidImage) Ensure(context.Context, artel.NodeID, artel.Box, artel.Terms) (*image.Image, error) {
	return &image.Image{Root: i.root, Config: image.Config{Entrypoint: []string{"/program"}}}, nil
}
func (laidImage) Hold(string) func() { return func() {} }

var (
	fakeNeeds = sandbox.Needs{Version: "fake/1", CPU: artel.CPU{Arch: "fake", Vendor: "fake", Features: []string{"one", "two"}}}
	programs  = map[string]fake.Steps{"count": counter, "saves": counter, "deaf": counter}
)

// machine is a Boxed with a box that moves programs.
type machine struct {
	*Boxed
	t   testing.TB
	box *fake.Box
	key artel.Key

	kind string // of its boxes
	risk uint64 // of its leases' terms
}

func (w *world) machine(n byte, needs sandbox.Needs) *machine {
	key, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		w.t.Fatal(err)
	}
	m := &machine{t: w.t, box: fake.NewMover(2, needs, programs), key: key}
	m.box.Trap("saves", saves)
	m.box.Trap("deaf", func(_ sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
		fmt.Fprintln(log, "told")
		return state, nil
	})
	w.t.Cleanup(func() { m.box.Close() })
	dir := w.t.TempDir()
	m.Boxed = &Boxed{Boxes: map[string]sandbox.Box{"": m.box}, Images: laidImage{dir}, Blobs: mem.New(0), Dir: filepath.Join(dir, "jobs"), Scratch: scratch}
	w.joins(m.Boxed, key)
	return m
}

// try is an attempt on a machine.
type try struct {
	t      testing.TB
	drain  chan Drain
	cancel context.CancelFunc
	done   chan struct{}
	end    lease.Finish
	key    lease.TaskKey

	mu     sync.Mutex
	kept   []Kept
	phases []string
	refuse error // for Kept
}

const number = 5 // of the task on its lease

func (m *machine) begin(keep *artel.Keeping, change func(*lease.Running), args ...string) *try {
	ctx, cancel := context.WithCancel(m.t.Context())
	r := lease.Running{
		TaskKey: lease.TaskKey{Task: number, Attempt: 1}, Keep: keep,
		Spec: artel.TaskSpec{Args: args, Wall: 600_000, Log: 1 << 20, Want: artel.Resources{Disk: 1 << 20, Memory: 1 << 20}, Box: artel.Box{Image: artel.Hash{1}}},
	}
	if change != nil {
		change(&r)
	}
	x := &try{t: m.t, drain: make(chan Drain, 1), cancel: cancel, done: make(chan struct{}), key: r.TaskKey}
	go func() {
		defer close(x.done)
		x.end = m.Run(ctx, artel.NodeID{3}, artel.Hash{1}, artel.Terms{Unit: 600_000, Sandbox: m.kind, Risk: m.risk, Resources: artel.Resources{Disk: r.Spec.Want.Disk}}, r, Course{
			Phase: func(w string) { x.mu.Lock(); defer x.mu.Unlock(); x.phases = append(x.phases, w) },
			Kept: func(k Kept) error {
				x.mu.Lock()
				defer x.mu.Unlock()
				if x.refuse == nil {
					x.kept = append(x.kept, k)
				}
				return x.refuse
			},
			Drain: x.drain,
		})
	}()
	m.t.Cleanup(func() { cancel(); <-x.done })
	return x
}

func (x *try) got() []Kept { x.mu.Lock(); defer x.mu.Unlock(); return slices.Clone(x.kept) }

func (x *try) was(phase string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Contains(x.phases, phase)
}

func (x *try) waitKept(n int) []Kept {
	x.t.Helper()
	until(x.t, fmt.Sprintf("%d checkpoints are confirmed", n), func() bool {
		select {
		case <-x.done:
			x.t.Fatalf("it ended: %+v", x.end)
		default:
		}
		return len(x.got()) >= n
	})
	return x.got()
}

func (x *try) wait() lease.Finish {
	x.t.Helper()
	select {
	case <-x.done:
	case <-time.After(patience):
		x.t.Fatal("it does not end")
	}
	return x.end
}

// from is where to go on after what was confirmed last.
func from(k Kept) *artel.Segment {
	return &artel.Segment{Saved: k.Saved, Signature: k.Signature, Kept: k.By}
}

func (m *machine) clean() {
	m.t.Helper()
	if u, err := m.Saves.Usage(m.t.Context()); err != nil || u.Bytes != 0 {
		m.t.Errorf("%d bytes of checkpoints are left, %v", u.Bytes, err)
	}
	for _, pattern := range []string{"saving-*", "restoring-*"} {
		if left, _ := filepath.Glob(filepath.Join(m.Dir, pattern)); len(left) > 0 {
			m.t.Errorf("left: %v", left)
		}
	}
	if len(m.sends) != 0 || len(m.writing) != 0 || len(m.saved) != 0 {
		m.t.Errorf("left: may be fetched %v, is written %v, held %v", m.sends, m.writing, m.saved)
	}
}

func (m *machine) log() string {
	b, err := m.Log(artel.Hash{1}, lease.TaskKey{Task: number, Attempt: 1}, 0, 1<<20)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(b)
}

// lines is what a counter says that nobody has disturbed.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()
}

func TestSavedAndGoneOn(t *testing.T) {
	w := newWorld(t, 3)
	here, there := w.machine(1, fakeNeeds), w.machine(2, fakeNeeds)
	keep := w.keeping("", 2)
	x := here.begin(keep, nil, "count", "100000000", "")
	kept := x.waitKept(3)
	x.drain <- Drain{Reason: artel.ReasonDrained, Message: "the owner is back", Within: patience}
	f := x.wait()
	kept = x.got()
	last := kept[len(kept)-1].Saved
	if f.Reason != artel.ReasonDrained || !f.Billed || f.Usage.Wall != last.Wall || f.Message != "the owner is back" || !f.Sealed.IsZero() {
		t.Errorf("it ended as %+v, the last checkpoint is %+v", f, last)
	}
	for i, k := range kept {
		s := artel.Segment{Saved: k.Saved, Signature: k.Signature, Kept: k.By}
		if holders, err := s.Check(testDomain, here.key.NodeID(), w.list, 2); err != nil || len(holders) < 2 {
			t.Errorf("checkpoint %d: held by %d, %v", i, len(holders), err)
		}
		if g := k.Saved; g.Generation != uint64(i+1) || g.Kind != artel.CheckpointWhole || g.Lease != (artel.Hash{1}) || g.Number != number || g.Attempt != 1 ||
			i > 0 && (g.Parent != kept[i-1].Saved.Root || g.Wall <= kept[i-1].Saved.Wall) {
			t.Errorf("checkpoint %d: %+v", i, g)
		}
	}
	here.clean()
	said := strings.Count(here.log(), "\n")
	if err := os.RemoveAll(here.Dir); err != nil {
		t.Fatal(err)
	}
	most := strconv.Itoa(said + 50)
	// Its command is part of what it is.
	keep.From = from(kept[len(kept)-1])
	if f := there.begin(keep, nil, "count", most, "").wait(); f.Reason != artel.ReasonStale || f.Billed || !strings.Contains(f.Message, "another Spec") {
		t.Errorf("with another command it ended as %+v", f)
	}
	there.clean()
	y := there.begin(keep, nil, "count", "100000000", "")
	until(t, "it goes on", func() bool { return strings.Contains(there.log(), most+"\n") })
	y.cancel()
	if f := y.wait(); f.Reason != artel.ReasonCancelled || !f.Billed {
		t.Errorf("it ended as %+v", f)
	}
	if got, want := there.log(), lines(said+50); !strings.HasPrefix(got, want) {
		t.Errorf("its log does not begin as that of one that nobody moved: %.200q", got)
	}
	there.clean()
}

// TestUntilItEnds: a program that ends by itself is billed by its receipt, whatever was
// on its way to keepers.
func TestUntilItEnds(t *testing.T) {
	w := newWorld(t, 2)
	m := w.machine(1, fakeNeeds)
	w.keeper(0).does(func(ctx context.Context, _ *artel.Kept) error { <-ctx.Done(); return ctx.Err() })
	w.keeper(1).does(func(context.Context, *artel.Kept) error { return errors.New("full") })
	x := m.begin(w.keeping("", 1), nil, "count", "3000", "")
	if f := x.wait(); f.Reason != artel.ReasonExited || !f.Billed || f.Sealed.IsZero() || len(x.got()) != 0 {
		t.Errorf("it ended as %+v with %d checkpoints", f, len(x.got()))
	}
	m.clean()
}

func TestKeepersThatLie(t *testing.T) {
	other := testKey(t, 77)
	for name, habit := range map[string]func(ctx context.Context, k *artel.Kept) error{
		"never answers":           func(ctx context.Context, _ *artel.Kept) error { <-ctx.Done(); return ctx.Err() },
		"refuses":                 func(context.Context, *artel.Kept) error { return errors.New("no room") },
		"confirms another digest": func(_ context.Context, k *artel.Kept) error { k.Saved[0]++; return nil },
		"confirmed it long ago":   func(_ context.Context, k *artel.Kept) error { k.Until = 1; return nil },
		"signs as another": func(_ context.Context, k *artel.Kept) error {
			k.Signature = other.Sign(k.Digest(testDomain))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			m := w.machine(1, fakeNeeds)
			w.keeper(0).does(habit)
			x := m.begin(w.keeping("", 2), nil, "count", "100000000", "")
			for _, k := range x.waitKept(2) { // two are honest
				if len(k.By) != 2 {
					t.Errorf("confirmed by %d", len(k.By))
				}
			}
			w.keeper(1).does(habit)
			n := w.keeper(1).asks()
			until(t, "it is asked again", func() bool { return w.keeper(1).asks() > n })
			x.drain <- Drain{Reason: artel.ReasonDrained, Within: 300 * time.Millisecond}
			f := x.wait()
			kept := x.got()
			if last := kept[len(kept)-1].Saved; f.Reason != artel.ReasonEvicted || !f.Billed || f.Usage.Wall != last.Wall || !strings.Contains(f.Message, "2 have to") {
				t.Errorf("it ended as %+v, the last is of %d ms", f, last.Wall)
			}
			m.clean()
		})
	}
	t.Run("none ever", func(t *testing.T) {
		w := newWorld(t, 1)
		m := w.machine(1, fakeNeeds)
		w.keeper(0).does(func(context.Context, *artel.Kept) error { return errors.New("no room") })
		x := m.begin(w.keeping("", 1), nil, "count", "100000000", "")
		until(t, "it is asked", func() bool { return w.keeper(0).asks() > 0 })
		x.drain <- Drain{Reason: artel.ReasonUnpaid, Message: "no keeper", Within: 3 * time.Second}
		if f := x.wait(); f.Billed || f.Reason != artel.ReasonUnpaid || !strings.Contains(f.Message, "no room") {
			t.Errorf("it ended as %+v", f)
		}
		m.clean()
	})
}

func (k *keeper) asks() int { k.mu.Lock(); defer k.mu.Unlock(); return k.asked }

// TestFilesAlone: where the program as a whole cannot be written down, what it keeps
// under /checkpoint is, and its renter is told.
func TestFilesAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   artel.CheckpointKind
		refuse error
		note   string
	}{
		{"wanted", artel.CheckpointFiles, nil, ""},
		{"a connection is open", "", fmt.Errorf("%w: it has 2 connections", sandbox.ErrNotMovable), "2 connections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			here, there := w.machine(1, fakeNeeds), w.machine(2, sandbox.Needs{Version: "another"})
			here.box.Refuse(c.refuse)
			keep := w.keeping(c.kind, 2)
			x := here.begin(keep, nil, "count", "100000000", "diary")
			for _, k := range x.waitKept(2) {
				if k.Saved.Kind != artel.CheckpointFiles || !strings.Contains(k.Message, c.note) || (c.note == "") != (k.Message == "") {
					t.Errorf("checkpoint %+v, %q", k.Saved, k.Message)
				}
			}
			x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
			if f := x.wait(); f.Reason != artel.ReasonDrained || !f.Billed {
				t.Errorf("it ended as %+v", f)
			}
			here.clean()
			kept := x.got()
			keep.From = from(kept[len(kept)-1])
			y := there.begin(keep, nil, "count", "100000000", "diary")
			var began uint64
			until(t, "it begins where it was", func() bool { n, _ := fmt.Sscanf(there.log(), "begins at %d\n", &began); return n == 1 })
			if said := uint64(strings.Count(here.log(), "\n")); began+40 < said || began > said {
				t.Errorf("it begins at %d, and was at %d", began, said)
			}
			for i, k := range y.waitKept(2) {
				if want := kept[len(kept)-1].Saved.Generation + uint64(i) + 1; k.Saved.Generation != want {
					t.Errorf("generation %d, want %d", k.Saved.Generation, want)
				}
			}
			y.cancel()
			y.wait()
			there.clean()
		})
	}
}

// TestNothingToSave: files that are not there, or as they were, earn nothing.
func TestNothingToSave(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	x := m.begin(w.keeping(artel.CheckpointFiles, 1), nil, "count", "100000000", "")
	until(t, "it is told", func() bool { return x.was("running-unsaved") })
	made := filepath.Join(m.Dir, "out", "2", "by-hand")
	if err := os.WriteFile(made, []byte("once"), 0o644); err != nil {
		t.Fatal(err)
	}
	x.waitKept(1)
	until(t, "the program goes on", func() bool { return strings.Count(m.log(), "\n") > 5000 })
	if n, asked := len(x.got()), w.keeper(0).asks(); n != 1 || asked != 1 {
		t.Errorf("%d checkpoints, and the keeper was asked %d times", n, asked)
	}
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	if f := x.wait(); f.Reason != artel.ReasonDrained || !f.Billed || f.Usage.Wall != x.got()[0].Saved.Wall {
		t.Errorf("it ended as %+v", f)
	}
	m.clean()
}

// TestStands: what its owner has stopped is not written down again and again, but leaves
// when it has to.
func TestStands(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	x := m.begin(w.keeping("", 1), nil, "count", "100000000", "")
	x.waitKept(1)
	one, err := m.Still(t.Context(), Attempt{artel.Hash{1}, x.key})
	if err != nil {
		t.Fatal(err)
	}
	two, err := m.Still(t.Context(), Attempt{artel.Hash{1}, x.key})
	if err != nil {
		t.Fatal(err)
	}
	one()
	one()
	stood := m.log()
	asked := w.keeper(0).asks()
	time.AfterFunc(400*time.Millisecond, func() { x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience} })
	if f := x.wait(); f.Reason != artel.ReasonDrained || m.log() != stood || w.keeper(0).asks() > asked+2 {
		t.Errorf("it ended as %+v, said %q, and its keeper was asked %d times", f, m.log()[len(stood):], w.keeper(0).asks()-asked)
	}
	two()
	if _, err := m.Still(t.Context(), Attempt{artel.Hash{1}, x.key}); !errors.Is(err, sandbox.ErrEnded) {
		t.Errorf("stopped after its end: %v", err)
	}
	m.clean()
}

// movable is a run with all that a saver uses.
type movable interface {
	sandbox.Movable
	Terminate(context.Context) error
	Usage(context.Context) (sandbox.Usage, error)
}

// left is an attempt that an earlier run of the daemon has started.
type left struct {
	movable
	spec sandbox.Spec
}

func (l left) Spec() sandbox.Spec { return l.spec }

// outlives starts a counter as an earlier run of the daemon would have.
func (m *machine) outlives(program string) left {
	m.t.Helper()
	for _, d := range []string{"out/1", "out/2", "logs"} {
		if err := os.MkdirAll(filepath.Join(m.Dir, d), 0o700); err != nil {
			m.t.Fatal(err)
		}
	}
	k := Attempt{artel.Hash{1}, lease.TaskKey{Task: number, Attempt: 1}}
	s := sandbox.Spec{Root: "/", Args: []string{"/program", program, "100000000", ""}, Out: filepath.Join(m.Dir, "out/1"), Checkpoint: filepath.Join(m.Dir, "out/2"), Log: m.logPath(k.Lease, k.TaskKey)}
	run, err := m.box.Start(m.t.Context(), k.name(), s)
	if err != nil {
		m.t.Fatal(err)
	}
	return left{run.(movable), s}
}

// TestAfterRestart: a program that has outlived its daemon is saved on, with what is
// still here of its last checkpoint, and else in full.
func TestAfterRestart(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost %v", lost), func(t *testing.T) {
			w := newWorld(t, 1)
			m := w.machine(1, fakeNeeds)
			k := Attempt{artel.Hash{1}, lease.TaskKey{Task: number, Attempt: 1}}
			keep := w.keeping("", 1)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x"), []byte("as it was"), 0o644); err != nil {
				t.Fatal(err)
			}
			save := func(prev *checkpoint.Manifest) *checkpoint.Manifest {
				man, _, err := checkpoint.Save(t.Context(), m.Saves, checkpoint.Key(keep.Key), dir, prev, checkpoint.Meta{Task: keep.Task}, checkpoint.Options{})
				if err != nil {
					t.Fatal(err)
				}
				return man
			}
			second := save(save(nil))
			if err := os.WriteFile(filepath.Join(dir, "x"), []byte("shipped, and then the daemon died"), 0o644); err != nil {
				t.Fatal(err)
			}
			save(second) // of which nothing is written down
			saved := &artel.Saved{Task: keep.Task, Generation: 2, Root: second.Root, Tree: second.Digest, Wall: 1}
			if lost {
				if err := checkpoint.Drop(t.Context(), m.Saves, second.Root, nil, checkpoint.Limits{}); err != nil {
					t.Fatal(err)
				}
			}
			m.Left = []sandbox.Left{m.outlives("count")}
			if got := m.Begin(t.Context(), []Ran{{k, second.Root}}); len(got) != 1 {
				t.Fatalf("%d go on", len(got))
			}
			held, err := blob.Has(t.Context(), m.Saves, second.Root)
			if u, uerr := m.Saves.Usage(t.Context()); err != nil || uerr != nil || held == lost || lost && u.Bytes != 0 {
				t.Errorf("its last checkpoint is here: %v, with %d bytes; %v", held, u.Bytes, errors.Join(err, uerr))
			}
			x := m.begin(keep, func(r *lease.Running) { r.Saved = saved }, "count", "100000000", "")
			kept := x.waitKept(2)
			if g := kept[0].Saved; g.Generation != 3 || g.Parent != second.Root || g.Kind != artel.CheckpointWhole {
				t.Errorf("the next is %+v", g)
			}
			if m.box.Started() != 1 {
				t.Errorf("%d were started", m.box.Started())
			}
			x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
			if f := x.wait(); f.Reason != artel.ReasonDrained || !f.Billed {
				t.Errorf("it ended as %+v", f)
			}
			m.clean()
		})
	}
}

// TestNotWrittenDown: a checkpoint that is confirmed, and whose segment could not be
// stored, is as if it had not been.
func TestNotWrittenDown(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	x := m.begin(w.keeping("", 1), nil, "count", "100000000", "")
	x.waitKept(1)
	x.mu.Lock()
	x.refuse = errors.New("the disk is full")
	n := len(x.kept)
	x.mu.Unlock()
	until(t, "it is told", func() bool { return x.was("running-unsaved") })
	x.mu.Lock()
	x.refuse = nil
	x.mu.Unlock()
	kept := x.waitKept(n + 1)
	if a, b := kept[n-1].Saved, kept[n].Saved; b.Generation < a.Generation+2 || b.Wall < a.Wall {
		t.Errorf("after %+v comes %+v", a, b)
	}
	x.cancel()
	x.wait()
	m.clean()
}

// TestNeverSaved: who writes nothing under /checkpoint in time has only itself to blame. A
// machine whose owner wants it back blames nobody.
func TestNeverSaved(t *testing.T) {
	for _, c := range []struct {
		name string
		kind artel.CheckpointKind
		why  artel.Reason
		want artel.Reason
	}{
		{"files, no time left", artel.CheckpointFiles, artel.ReasonUnpaid, artel.ReasonUnsaved},
		{"files, the owner is back", artel.CheckpointFiles, artel.ReasonDrained, artel.ReasonEvicted},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			x := w.machine(1, fakeNeeds).begin(w.keeping(c.kind, 1), nil, "count", "100000000", "")
			until(t, "it could not be saved", func() bool { return x.was(phaseUnsaved) })
			x.drain <- Drain{c.why, "no checkpoint was confirmed for 600 s", time.Minute}
			if f := x.wait(); f.Reason != c.want || f.Billed || !strings.Contains(f.Message, "/checkpoint") {
				t.Errorf("it ended as %+v, want %s", f, c.want)
			}
		})
	}
}

// TestDrainedBeforeItRan: what still fetches leaves at once, and costs nothing.
func TestDrainedBeforeItRan(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(1, fakeNeeds)
	keep := w.keeping("", 1)
	keep.From = &artel.Segment{Saved: artel.Saved{Task: keep.Task, Generation: 1, Kind: artel.CheckpointWhole}}
	fetching := make(chan struct{})
	m.Bring = func(ctx context.Context, _ []artel.Keeper, _ blob.Store, _ artel.Ref, _ int64) error {
		close(fetching)
		<-ctx.Done()
		return ctx.Err()
	}
	x := m.begin(keep, nil, "count", "100000000", "")
	<-fetching
	x.drain <- Drain{Reason: artel.ReasonDrained, Message: "the owner is back", Within: time.Second}
	if f := x.wait(); f.Reason != artel.ReasonDrained || f.Billed || f.Message != "the owner is back" {
		t.Errorf("it ended as %+v", f)
	}
	m.clean()
	if used, _ := m.Used(); used != 0 {
		t.Errorf("%d bytes are counted", used)
	}
}
