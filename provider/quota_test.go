package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/fake"
)

// shop is a Boxed whose renters serve what is in their own stores.
type shop struct {
	*Boxed
	t       *testing.T
	stores  map[artel.NodeID]blob.Store
	fetched map[laid]int
}

// page is what the disk takes at least for a name, and for a file's bytes.
const page = 4096

func newShop(t *testing.T, limit int64, program fake.Program) *shop {
	s := &shop{t: t, stores: map[artel.NodeID]blob.Store{}, fetched: map[laid]int{}}
	box := fake.New(1, program)
	t.Cleanup(func() { box.Close() })
	s.Boxed = &Boxed{Boxes: map[string]sandbox.Box{"": box}, Blobs: mem.New(0), Dir: t.TempDir(), Scratch: scratch, Fetch: func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64) error {
		s.fetched[laid{from: from, ref: root}]++
		if s.stores[from] == nil {
			return errors.New("not served")
		}
		return copyBlob(ctx, into, s.stores[from], root)
	}}
	s.Limit(limit)
	return s
}

func copyBlob(ctx context.Context, into, from blob.Store, root artel.Ref) error {
	var car bytes.Buffer
	if err := blob.WriteCAR(ctx, from, root, &car, blob.Limits{}); err != nil {
		return err
	}
	_, err := blob.ReadCAR(ctx, into, &car, blob.Limits{})
	return err
}

// serves puts a file into a renter's store.
func (s *shop) serves(renter artel.NodeID, data string) artel.Ref {
	if s.stores[renter] == nil {
		s.stores[renter] = mem.New(0)
	}
	ref, _, err := blob.AddFile(s.t.Context(), s.stores[renter], strings.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

func (s *shop) servesDir(renter artel.NodeID, name, data string) artel.Ref {
	dir := s.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if s.stores[renter] == nil {
		s.stores[renter] = mem.New(0)
	}
	ref, err := blob.AddDir(s.t.Context(), s.stores[renter], dir, blob.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

func (s *shop) run(renter artel.NodeID, task uint64, spec artel.TaskSpec) lease.Finish {
	return s.runWithin(s.t.Context(), renter, task, spec)
}

func (s *shop) runWithin(ctx context.Context, renter artel.NodeID, task uint64, spec artel.TaskSpec) lease.Finish {
	t := artel.Terms{Unit: 60_000, Resources: artel.Resources{Disk: max(spec.Want.Disk, 1)}}
	return s.Run(ctx, renter, artel.Hash{1}, t, lease.Running{TaskKey: lease.TaskKey{Task: task, Attempt: 1}, Spec: spec}, Course{Phase: func(string) {}})
}

// onDisk is what really lies in the box's directory and its blob store.
func (s *shop) onDisk() (n int64) {
	for _, d := range []string{"laid", "logs"} {
		entries, _ := os.ReadDir(filepath.Join(s.Dir, d))
		for _, e := range entries {
			size, err := taken(filepath.Join(s.Dir, d, e.Name()))
			if err != nil {
				s.t.Fatal(err)
			}
			n += size
		}
	}
	u, err := s.Blobs.Usage(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return n + u.Bytes
}

// writes is a program that leaves so many bytes and logs a line.
func writes(n int) fake.Program {
	return func(_ context.Context, spec sandbox.Spec, log io.Writer) sandbox.Exit {
		fmt.Fprintln(log, "a line")
		if err := os.WriteFile(filepath.Join(spec.Out, "x"), make([]byte, n), 0o600); err != nil {
			return sandbox.Exit{Reason: sandbox.Lost, Message: err.Error()}
		}
		return sandbox.Exit{}
	}
}

func TestQuota(t *testing.T) {
	const limit, most = 64 * page, 8 * page // a task may write most
	s := newShop(t, limit, writes(most-100))
	renter := artel.NodeID{1}
	spec := artel.TaskSpec{Wall: 1000, Log: page, Want: artel.Resources{Disk: most}}
	within := func(when string) {
		t.Helper()
		used, _ := s.Used()
		if used > limit || s.onDisk() > used {
			t.Errorf("%s: %d bytes are on the disk, %d are counted, at most %d", when, s.onDisk(), used, limit)
		}
	}
	done := uint64(0)
	for ; done < 20; done++ {
		spec.Program = s.serves(renter, fmt.Sprintf("program %d", done))
		f := s.run(renter, done, spec)
		within(fmt.Sprintf("task %d", done))
		if f.Billed {
			continue
		}
		if f.Reason != artel.ReasonRefused || !strings.Contains(f.Message, "hint:") {
			t.Fatalf("task %d ended as %s: %s", done, f.Reason, f.Message)
		}
		break
	}
	if done < 2 || done == 20 {
		t.Fatalf("%d tasks were done before the disk was full", done)
	}
	sealed, refs := s.onDisk(), sealedRefs(t, s.Blobs)
	if uint64(len(refs)) != done {
		t.Fatalf("%d outputs of one block each are sealed, want %d: the open ones must not stay", len(refs), done)
	}
	again := &Boxed{Blobs: s.Blobs, Dir: s.Dir}
	for i := range done { // the daemon restarts: outputs are still there
		again.Keep(t.Context(), artel.Hash{1}, lease.TaskKey{Task: i, Attempt: 1}, refs[i])
	}
	if used, _ := again.Used(); used == 0 || used > sealed {
		t.Errorf("after a restart %d bytes are counted, %d were there", used, sealed)
	}
	for i := range done {
		s.Forget(t.Context(), artel.Hash{1}, lease.TaskKey{Task: i, Attempt: 1}, refs[i])
	}
	if f := s.run(renter, 100, spec); !f.Billed {
		t.Errorf("after everything was settled: %+v", f)
	}
	within("at last")
	s.Forget(t.Context(), artel.Hash{1}, lease.TaskKey{Task: 100, Attempt: 1}, sealedRefs(t, s.Blobs)[0])
	s.Limit(1)
	if used, _ := s.Used(); used != 0 || s.onDisk() != 0 {
		t.Errorf("%d bytes are counted and %d on the disk when nothing is held", used, s.onDisk())
	}
	if f := s.run(renter, 101, spec); f.Reason != artel.ReasonRefused || !strings.Contains(f.Message, "all there are") {
		t.Errorf("a task larger than the whole quota: %+v", f)
	}
}

// sealedRefs lists the blocks of a store: sealed outputs here are of one block.
func sealedRefs(t *testing.T, s blob.Store) (refs []artel.Ref) {
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, info.Ref)
	}
	return refs
}

// What was not used for longest makes room; what is in use stays.
func TestLaidOutBlobsMakeRoom(t *testing.T) {
	s := newShop(t, 0, writes(0))
	renter := artel.NodeID{1}
	ctx := t.Context()
	var refs []artel.Ref
	for i := range 4 {
		refs = append(refs, s.serves(renter, fmt.Sprint("blob ", i)))
	}
	lay := func(i int) func() {
		t.Helper()
		_, done, err := s.lay(ctx, renter, refs[i], page, false)
		if err != nil {
			t.Fatalf("blob %d: %v", i, err)
		}
		return done
	}
	s.Limit(5 * page) // two laid out take four, the claim of a third takes two
	inUse := lay(0)
	lay(1)()
	lay(0)() // used again
	lay(2)() // 1 goes
	if n := s.fetched[laid{from: renter, ref: refs[0]}]; n != 1 {
		t.Errorf("the blob in use was fetched %d times", n)
	}
	before := s.fetched[laid{from: renter, ref: refs[1]}]
	lay(1)()
	if n := s.fetched[laid{from: renter, ref: refs[1]}]; n != before+1 {
		t.Errorf("the oldest was fetched %d times, want %d", n, before+1)
	}
	second := lay(1)
	if _, _, err := s.lay(ctx, renter, refs[3], page, false); !errors.Is(err, errQuota) || !errors.Is(err, blob.ErrFull) {
		t.Errorf("with all in use: %v", err)
	}
	inUse()
	second()
	lay(3)()
}

// A renter that knows the name of another one's input and never held it gets
// nothing of it; the one that holds it is not made to serve it twice.
func TestKnownNameOpensNothing(t *testing.T) {
	var saw []string
	s := newShop(t, 0, func(_ context.Context, spec sandbox.Spec, _ io.Writer) sandbox.Exit {
		entries, err := os.ReadDir(spec.In)
		saw = append(saw, fmt.Sprint(entries, err))
		return sandbox.Exit{}
	})
	owner, thief := artel.NodeID{1}, artel.NodeID{2}
	spec := artel.TaskSpec{Wall: 1000, Want: artel.Resources{Disk: 1 << 20}}
	spec.Program, spec.Input = s.serves(owner, "a program"), s.servesDir(owner, "secret", "of the owner")
	for task := range uint64(3) {
		if f := s.run(owner, task, spec); !f.Billed {
			t.Fatalf("the owner's task: %+v", f)
		}
	}
	for ref, want := range map[artel.Ref]int{spec.Program: 1, spec.Input: 1} {
		if n := s.fetched[laid{from: owner, ref: ref}]; n != want {
			t.Errorf("%s was fetched %d times from who holds it", ref, n)
		}
	}
	if err := copyBlob(t.Context(), s.Blobs, s.stores[owner], spec.Input); err != nil {
		t.Fatal(err) // the machine's own daemon has it too
	}
	s.serves(thief, "a program")
	if f := s.run(thief, 1, spec); f.Billed || f.Reason != artel.ReasonNoInput {
		t.Errorf("the thief's task: %+v", f)
	}
	if len(saw) != 3 {
		t.Errorf("%d programs saw an input: %v", len(saw), saw)
	}
	// Serving a part of it is not enough: the root without the file below it.
	root, err := s.stores[owner].Get(t.Context(), spec.Input)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stores[thief].Put(t.Context(), spec.Input, root); err != nil {
		t.Fatal(err)
	}
	if f := s.run(thief, 2, spec); f.Billed {
		t.Errorf("the thief's task with a part of the input: %+v", f)
	}
}

// What is wrong with an input itself is wrong everywhere: its task must not go from
// machine to machine. The renter does not read where files lie here.
func TestInputThatIsAFile(t *testing.T) {
	s := newShop(t, 0, writes(0))
	renter := artel.NodeID{1}
	spec := artel.TaskSpec{Wall: 1000, Want: artel.Resources{Disk: 1 << 20}}
	spec.Program, spec.Input = s.serves(renter, "a program"), s.serves(renter, "no directory")
	f := s.run(renter, 1, spec)
	if f.Billed || f.Reason != artel.ReasonBadProgram || !strings.Contains(f.Message, "a file, not a directory") {
		t.Errorf("the task: %+v", f)
	}
	if strings.Contains(f.Message, s.Dir) {
		t.Errorf("the renter reads %q", f.Message)
	}
}

// oneImage gives the same image to everybody.
type oneImage struct{ root string }

func (o oneImage) Ensure(context.Context, artel.NodeID, artel.Box, artel.Terms) (*image.Image, error) {
	return &image.Image{Root: o.root}, nil
}

func (oneImage) Hold(string) func() { return func() {} }

// imageless runs in its box what wants an image, without one: the fake has none.
type imageless struct {
	sandbox.Box
	program string
}

func (b imageless) Start(ctx context.Context, id string, s sandbox.Spec) (sandbox.Run, error) {
	s.Root, s.Program = "", b.program
	return b.Box.Start(ctx, id, s)
}

// An offer names a fifth of its share of the disk for a task: a container with an input
// and an output has room in the whole, however it uses it.
func TestContainerHasRoomInFiveTimesItsDisk(t *testing.T) {
	const disk, log = 1 << 20, 4096
	s := newShop(t, 5*disk+log, writes(disk/2))
	s.Images = oneImage{t.TempDir()}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Boxes[""] = imageless{s.Boxes[""], program}
	renter := artel.NodeID{1}
	spec := artel.TaskSpec{Args: []string{"/program"}, Wall: 1000, Log: log, Want: artel.Resources{Disk: disk}, Box: artel.Box{Image: artel.Hash{1}}}
	spec.Input = s.servesDir(renter, "input", strings.Repeat("x", disk/2))
	terms := artel.Terms{Unit: 60_000, Resources: artel.Resources{Disk: disk}, Image: spec.Box.Image}
	f := s.Run(t.Context(), renter, artel.Hash{1}, terms, lease.Running{TaskKey: lease.TaskKey{Task: 1, Attempt: 1}, Spec: spec}, Course{Phase: func(string) {}})
	if !f.Billed || f.Sealed.IsZero() {
		t.Errorf("the task: %+v", f)
	}
}
