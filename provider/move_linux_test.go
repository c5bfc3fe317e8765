package provider

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/artel-network/artel/wire"
)

// built is what the tests with real sandboxes run, made once.
var built struct {
	once                           sync.Once
	main, root, worker, guest, dir string
	err                            error
}

// builds makes the programs, or skips where they cannot be.
func builds(t testing.TB) {
	t.Helper()
	built.once.Do(func() { built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
}

func build() error {
	dir, err := os.MkdirTemp("", "artel-provider-")
	if err != nil {
		return err
	}
	_ = os.Chmod(dir, 0o755) // other users run what is in it
	built.dir, built.main, built.root = dir, filepath.Join(dir, "main"), filepath.Join(dir, "root")
	built.worker, built.guest = filepath.Join(dir, "worker"), filepath.Join(dir, "guest.wasm")
	for _, d := range []string{"etc", "tmp", "in", "out", "checkpoint", "proc", "sys", "dev"} {
		if err := os.MkdirAll(filepath.Join(built.root, d), 0o755); err != nil {
			return err
		}
	}
	const module = "github.com/artel-network/artel/sandbox/"
	for _, c := range []struct{ out, pkg, env string }{
		{built.main, "gvisor/internal/gvisormain", ""}, {filepath.Join(built.root, "program"), "sandboxtest/guest", ""},
		{built.worker, "wasm/internal/workermain", ""}, {built.guest, "sandboxtest/guest", "GOOS=wasip1 GOARCH=wasm"},
	} {
		cmd := exec.Command("go", "build", "-o", c.out, module+c.pkg)
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), strings.Fields(c.env)...)
		if b, err := cmd.CombinedOutput(); err != nil {
			return errors.Join(err, errors.New(string(b)))
		}
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// real gives a world's machine real sandboxes, and disks.
func (w *world) real(n byte, wrap func(sandbox.Box) sandbox.Box) *machine {
	m, root := w.disks(n)
	opts := gvisor.Options{Command: []string{built.main}, Dir: filepath.Join(root, "containers"), Slots: 2, Crashed: func(id, detail string) {
		w.t.Logf("%s was lost: %.2000s", id, detail)
	}}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := gvisor.Probe(ctx, opts); errors.Is(err, gvisor.ErrUnsupported) {
		w.t.Skip(err)
	} else if err != nil {
		w.t.Fatal(err)
	}
	containers, err := gvisor.New(opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { containers.Close() })
	m.Boxes = map[string]sandbox.Box{"": containers}
	if wrap != nil {
		m.Boxes[""] = wrap(containers)
	}
	m.Images = laidImage{built.root}
	return m
}

// programs gives it a sandbox of WASM programs alone.
func (w *world) programs(n byte) *machine {
	m, root := w.disks(n)
	box, err := wasm.New(wasm.Options{Command: []string{built.worker, wasm.WorkerArg}, Root: m.Dir, Cache: filepath.Join(root, "compiled"), Slots: 2})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { box.Close() })
	m.Boxes, m.kind = map[string]sandbox.Box{"wasm": box}, "wasm"
	return m
}

// disks is a machine with a real store for what it saves.
func (w *world) disks(n byte) (m *machine, root string) {
	m, root = w.machine(n, fakeNeeds), w.t.TempDir()
	m.Dir = filepath.Join(root, "jobs")
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	saves, err := disk.Open(filepath.Join(root, "saves"), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { saves.Close() })
	m.Saves = saves
	return m, root
}

// large gives a task what real programs need.
func large(r *lease.Running) {
	r.Spec.Want = artel.Resources{Disk: 16 << 20, Memory: 256 << 20, Slots: 1}
	r.Spec.Box.Source = "test"
}

// TestMovedContainer: a container is written down while it runs, its machine's files are
// deleted, and it goes on elsewhere as if nothing had been.
func TestMovedContainer(t *testing.T) {
	builds(t)
	w := newWorld(t, 2)
	const steps = "4000000"
	here, there := w.real(1, nil), w.real(2, nil)
	if !here.Boxes[""].Capabilities().Moves {
		t.Skip("programs cannot be moved on this machine")
	}
	alone := here.begin(nil, large, "diary", steps, "0").wait()
	if alone.Reason != artel.ReasonExited || alone.Exit != 0 || alone.Root == (artel.Hash{}) {
		t.Fatalf("undisturbed it ended as %+v", alone)
	}
	said := here.log()
	keep := w.keeping("", 2)
	x := here.begin(keep, large, "diary", steps, "0")
	kept := x.waitKept(2)
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	f := x.wait()
	kept = x.got()
	last := kept[len(kept)-1].Saved
	if f.Reason != artel.ReasonDrained || !f.Billed || f.Usage.Wall != last.Wall || last.Kind != artel.CheckpointWhole {
		t.Fatalf("it ended as %+v with %+v", f, last)
	}
	partial := here.log()
	if !strings.HasPrefix(said, partial) || partial == said {
		t.Fatalf("it was drained at %q", partial)
	}
	here.clean()
	if err := os.RemoveAll(filepath.Dir(here.Dir)); err != nil {
		t.Fatal(err)
	}
	keep.From = from(kept[len(kept)-1])
	y := there.begin(keep, large, "diary", steps, "0")
	if f := y.wait(); f.Reason != artel.ReasonExited || f.Exit != 0 || f.Root != alone.Root {
		t.Errorf("elsewhere it ended as %+v, want root %s", f, alone.Root)
	}
	if got := there.log(); got != said {
		t.Errorf("its log has %d bytes and begins %.100q, want %d bytes that begin %.100q", len(got), got, len(said), said)
	}
	for i, k := range y.got() {
		if want := last.Generation + uint64(i) + 1; k.Saved.Generation != want {
			t.Errorf("generation %d, want %d", k.Saved.Generation, want)
		}
	}
	there.clean()
}

// TestForgedContainer: an image that opens with the task's key and is none is taken up in
// the box alone, and told.
func TestForgedContainer(t *testing.T) {
	builds(t)
	w := newWorld(t, 1)
	m := w.real(1, nil)
	if !m.Boxes[""].Capabilities().Moves {
		t.Skip("programs cannot be moved on this machine")
	}
	keep := w.keeping("", 1)
	x := m.begin(keep, large, "diary", "1000000000", "0")
	kept := x.waitKept(1)
	x.cancel()
	x.wait()
	// Who has the key writes another one in its name.
	dir := filepath.Join(t.TempDir(), "x")
	store, root := w.keeper(0).store, kept[0].Saved.Root
	want := checkpoint.Want{Task: keep.Task}
	info, err := checkpoint.Describe(t.Context(), store, checkpoint.Key(keep.Key), root, want, checkpoint.Limits{})
	if err == nil {
		_, err = checkpoint.Restore(t.Context(), store, checkpoint.Key(keep.Key), root, want, dir, checkpoint.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "checkpoint.img")
	b, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(b) / 2; i < len(b)/2+64; i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(state, b, 0o600); err != nil {
		t.Fatal(err)
	}
	forged, _, err := checkpoint.Save(t.Context(), store, checkpoint.Key(keep.Key), dir, nil, info.Meta, checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seg := from(kept[0])
	seg.Saved.Root, seg.Saved.Tree, seg.Saved.Stored, seg.Saved.Generation = forged.Root, forged.Digest, uint64(forged.Stored), 1
	keep.From = seg
	if f := m.begin(keep, large, "diary", "1000000000", "0").wait(); f.Reason != artel.ReasonStale || f.Billed || f.Message == "" {
		t.Errorf("it ended as %+v", f)
	}
	m.clean()
}

// TestContainersFiles: what a container keeps under /checkpoint is enough where no more
// is wanted.
func TestContainersFiles(t *testing.T) {
	builds(t)
	testFiles(t, "", "4000000", "20000")
}

// TestContainerIsTold: a container that is drained writes its first checkpoint then, and goes
// on elsewhere from it although it exits with 0; a service that is to leave is told as well.
func TestContainerIsTold(t *testing.T) {
	builds(t)
	w := newWorld(t, 2)
	here, there := w.real(1, nil), w.real(2, nil)
	keep := w.keeping(artel.CheckpointFiles, 2)
	x := here.begin(keep, large, "trap", "0")
	until(t, "it is ready", func() bool { return strings.Contains(here.log(), "ready") })
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	f := x.wait()
	kept := x.got()
	if f.Reason != artel.ReasonDrained || !f.Billed || f.Exit != -1 || !f.Sealed.IsZero() || len(kept) != 1 || f.Usage.Wall != kept[0].Saved.Wall || !strings.Contains(here.log(), "told 15\n") {
		t.Fatalf("it ended as %+v with %d checkpoints, and said %q", f, len(kept), here.log())
	}
	here.clean()
	keep.From = from(kept[0])
	y := there.begin(keep, large, "peek", "/checkpoint/told")
	if f := y.wait(); f.Reason != artel.ReasonExited || f.Exit != 0 || !strings.Contains(there.log(), `/checkpoint/told "told" true`) {
		t.Errorf("elsewhere it ended as %+v, and said %q", f, there.log())
	}
	there.clean()
	there.risk = 60_000
	z := there.begin(nil, func(r *lease.Running) { large(r); r.Attempt = 2 }, "trap", "5")
	until(t, "it is ready", func() bool {
		b, _ := there.Log(artel.Hash{1}, z.key, 0, 100)
		return strings.Contains(string(b), "ready")
	})
	z.drain <- Drain{Reason: artel.ReasonCancelled, Within: patience}
	f = z.wait()
	if b, _ := there.Log(artel.Hash{1}, z.key, 0, 100); f.Reason != artel.ReasonCancelled || !f.Billed || f.Exit != -1 || !strings.Contains(string(b), "told 15\n") {
		t.Errorf("the service ended as %+v, and said %q", f, b)
	}
}

// TestWASMFiles: the same for a WASM program, which cannot stand still.
func TestWASMFiles(t *testing.T) {
	builds(t)
	testFiles(t, "wasm", "1500000", "2000")
}

func testFiles(t *testing.T, box, steps, every string) {
	w := newWorld(t, 2)
	var here, there *machine
	change := large
	if box == "" {
		here, there = w.real(1, nil), w.real(2, nil)
	} else {
		here, there = w.programs(1), w.programs(2)
		b, err := os.ReadFile(built.guest)
		if err != nil {
			t.Fatal(err)
		}
		renter := mem.New(0)
		program, _, err := blob.AddFile(t.Context(), renter, strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*machine{here, there} {
			m.Fetch = func(ctx context.Context, _ artel.NodeID, into blob.Store, root artel.Ref, _ int64) error {
				return copyBlob(ctx, into, renter, root)
			}
		}
		change = func(r *lease.Running) {
			large(r)
			r.Spec.Box, r.Spec.Program = artel.Box{}, program
		}
	}
	alone := here.begin(nil, change, "diary", steps, "0").wait()
	if alone.Reason != artel.ReasonExited || alone.Exit != 0 || alone.Root == (artel.Hash{}) {
		t.Fatalf("undisturbed it ended as %+v", alone)
	}
	keep := w.keeping(artel.CheckpointFiles, 2)
	x := here.begin(keep, change, "diary", steps, every)
	x.waitKept(2)
	x.drain <- Drain{Reason: artel.ReasonDrained, Within: patience}
	f := x.wait()
	kept := x.got()
	last := kept[len(kept)-1].Saved
	if f.Reason != artel.ReasonDrained || !f.Billed || f.Usage.Wall != last.Wall || last.Kind != artel.CheckpointFiles || last.Wall == 0 {
		t.Fatalf("it ended as %+v with %+v", f, last)
	}
	here.clean()
	if err := os.RemoveAll(filepath.Dir(here.Dir)); err != nil {
		t.Fatal(err)
	}
	keep.From = from(kept[len(kept)-1])
	y := there.begin(keep, change, "diary", steps, every)
	if f := y.wait(); f.Reason != artel.ReasonExited || f.Exit != 0 || f.Root != alone.Root {
		t.Errorf("elsewhere it ended as %+v, want root %s; it said %.200q", f, alone.Root, there.log())
	}
	if !strings.HasPrefix(there.log(), "begins at ") || strings.HasPrefix(there.log(), "begins at 0\n") {
		t.Errorf("it said %.100q", there.log())
	}
	there.clean()
}

// timed is a box that notes for how long its programs stood still.
type timed struct {
	*gvisor.Box
	mu     sync.Mutex
	pauses []int64 // ms
	bytes  int64   // of the last checkpoint
}

type timedRun struct {
	movable
	box *timed
}

func (b *timed) Start(ctx context.Context, id string, s sandbox.Spec) (sandbox.Run, error) {
	r, err := b.Box.Start(ctx, id, s)
	if err != nil {
		return nil, err
	}
	return timedRun{r.(movable), b}, nil
}

func (r timedRun) Checkpoint(ctx context.Context, dir string, o sandbox.CheckpointOptions) (sandbox.Checkpoint, error) {
	c, err := r.movable.Checkpoint(ctx, dir, o)
	if err == nil {
		r.box.mu.Lock()
		defer r.box.mu.Unlock()
		r.box.pauses, r.box.bytes = append(r.box.pauses, c.PauseMillis), c.Bytes
	}
	return c, err
}

// BenchmarkSaved takes checkpoints of a program with 100 MB of noise in memory, a
// thousand pages of which change each second, and has them confirmed by a keeper on
// this machine: what it stood still for, what travelled, how long that took.
func BenchmarkSaved(b *testing.B) {
	builds(b)
	for b.Loop() {
		w := newWorld(b, 1)
		box := &timed{}
		m := w.real(1, func(x sandbox.Box) sandbox.Box { box.Box = x.(*gvisor.Box); return box })
		var mu sync.Mutex
		var confirmed []time.Duration
		ship := m.Ship
		m.Ship = func(ctx context.Context, to artel.Keeper, req wire.KeepRequest) (artel.Kept, error) {
			began := time.Now()
			k, err := ship(ctx, to, req)
			mu.Lock()
			defer mu.Unlock()
			confirmed = append(confirmed, time.Since(began))
			return k, err
		}
		keep := w.keeping("", 1)
		keep.Min, keep.Max = 2000, 2000
		x := m.begin(keep, large, "journey", "100000000", "100")
		kept := x.waitKept(3)
		x.cancel()
		x.wait()
		k := w.keeper(0)
		k.mu.Lock()
		mu.Lock()
		b.ReportMetric(float64(box.bytes)/1e6, "MB-whole")
		for i := range 3 {
			n := string(rune('1' + i))
			b.ReportMetric(float64(box.pauses[i]), "ms-pause-"+n)
			b.ReportMetric(float64(k.bytes[i])/1e6, "MB-sent-"+n)
			b.ReportMetric(float64(confirmed[i].Milliseconds()), "ms-ship-"+n)
			b.ReportMetric(float64(kept[i].Saved.Wall), "ms-wall-"+n)
		}
		mu.Unlock()
		k.mu.Unlock()
		b.ReportMetric(0, "ns/op")
	}
}
