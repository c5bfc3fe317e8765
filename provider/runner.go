package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/seal"
)

// Boxed is the Runner that runs tasks in sandboxes. Dir is its own: programs,
// inputs and what attempts leave behind live there.
type Boxed struct {
	Boxes map[string]sandbox.Box // by the kind that a lease's terms name
	// Images lays out what containers run on; nil: there are none here.
	Images Images
	Blobs  blob.Store
	Dir    string
	// Fetch brings a root from the node that rents into a store.
	Fetch func(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64) error
	// Scratch makes a store of its own for so many bytes, gone with done.
	Scratch func(bytes int64) (s blob.Store, done func(), err error)
	// Room, if set, refuses an attempt that may need so many bytes of disk while
	// the owner has too few left.
	Room func(bytes int64) error
	// Tidy, if set, is told when an image may be here for the time of a lease that is
	// over, or that nobody uses now. It returns at once.
	Tidy func()

	Keepers

	// Grace is how long a program has when it is told to end, within what a drain gives; 0:
	// 10 s.
	Grace time.Duration

	// Left are the attempts that boxes have kept from an earlier run of the daemon.
	Left []sandbox.Left

	mu     sync.Mutex
	goOn   map[Attempt]sandbox.Left // those of Left that Run has yet to take up
	roots  map[Attempt]func()       // and what gives their images back
	live   map[Attempt]sandbox.Run
	lend   []int             // the GPUs that are for strangers, as the sandbox names them
	gpus   map[int]bool      // those in use
	freed  chan struct{}     // closed when some are given back; nil: nobody waits
	going  []sandbox.Left    // those of Left that nobody takes up, with devices in use
	cache  map[laid]*cached  // programs and inputs laid out on disk
	turn   uint64            // counts uses of them
	limit  int64             // bytes that all of it may take; 0: no limit
	used   int64             // bytes taken, and those that attempts may still take
	held   map[Attempt]int64 // by attempts that are not settled
	ready  bool              // the directories are there
	spared map[string]bool   // what attempts of Left use
	empty  []string          // output directories to be used again
	outs   int               // how many were made
	still  still             // whether programs run at all
	left   []Attempt         // those of Left that an earlier run may have frozen

	moved   uint64             // see Networks
	movedBy map[Attempt]uint64 // by those that ran then

	since   time.Time                          // of Begin
	saved   map[Attempt][]artel.Ref            // generations in Saves, the oldest first
	sends   map[artel.Ref]map[artel.NodeID]int // who may fetch them now
	stands  map[Attempt]*stand
	stale   []artel.Ref           // generations in Saves that nobody needs
	writing map[Attempt]time.Time // since when attempts write blocks that nothing names yet
}

// Bounds of what one task may bring.
const (
	maxProgram = 256 << 20
	fetchSlack = 2 * time.Minute // beyond a unit, for what a task needs to be here
)

// attempt is one that Run runs.
type attempt struct {
	*Boxed
	Attempt
	from artel.NodeID
	t    artel.Terms
	r    lease.Running
	c    Course

	box      sandbox.Box
	run      sandbox.Run
	out      string               // behind /out
	kept     string               // behind /checkpoint; empty: there is none
	began    *checkpoint.Manifest // what it went on from; nil: it began
	leave    *Drain               // what came before it ran; nil: nothing
	restored func()               // removes what it has gone on from; nil: it is gone
	back     []func()             // give back what it has, the last first
	sealed   int64                // bytes that its output takes, sealed
}

// Run implements Runner.
func (b *Boxed) Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, r lease.Running, c Course) lease.Finish {
	a := &attempt{Boxed: b, Attempt: Attempt{id, r.TaskKey}, from: from, t: t, r: r, c: c, box: b.Boxes[t.Sandbox]}
	if t.Label == artel.LabelPrivate {
		a.defers(b.tidy) // after all else was given back
	}
	defer a.giveBack()
	switch {
	case a.box == nil:
		return a.fail(ctx, artel.ReasonRefused, "no sandbox %q here", t.Sandbox)
	case r.Keep != nil && !b.keeps():
		return a.fail(ctx, artel.ReasonRefused, "no checkpoints are taken here")
	}
	prepared := b.prepare(ctx) // before an attempt is taken up: what is in goOn keeps its files
	left := b.takeUp(a.Attempt)
	claim := a.claim()
	if err := b.take(claim); err != nil {
		if left == nil {
			return a.fail(ctx, artel.ReasonRefused, "%v", err)
		}
		claim = 0 // it goes on all the same, and gives back no more than it took
	}
	a.defers(func() { b.hold(a.Attempt, claim, a.sealed) })
	if r.Keep != nil {
		a.defers(a.endSaves)
	}
	if left != nil {
		a.takeUp(left)
	} else if prepared != nil {
		return a.fail(ctx, artel.ReasonHost, "prepare attempt: %v", clean(prepared))
	} else if f := a.begin(ctx); f != nil {
		return *f
	}
	return a.conclude(ctx)
}

func (a *attempt) defers(f func()) { a.back = append(a.back, f) }

func (a *attempt) giveBack() {
	for _, f := range slices.Backward(a.back) {
		f()
	}
}

func (a *attempt) fail(ctx context.Context, why artel.Reason, format string, args ...any) lease.Finish {
	if ctx.Err() != nil {
		why = artel.ReasonCancelled
	}
	return lease.Finish{Reason: why, Message: fmt.Sprintf(format, args...)}
}

// claim is the disk that it may come to, in bytes. An output lies here as it was left,
// as blocks, and sealed. What a container writes elsewhere is gone before its output is
// more than one of these. With twice the disk for an input, a task takes five times
// what it asks for: node offers a fifth. /checkpoint may take as much again; what
// checkpoints take beside it is counted as they are taken.
func (a *attempt) claim() int64 {
	n := 3*int64(a.r.Spec.Want.Disk) + int64(a.r.Spec.Log)
	if a.r.Keep != nil {
		n += int64(a.r.Spec.Want.Disk)
	}
	return n
}

// takeUp goes on with what has outlived an earlier run of the daemon.
func (a *attempt) takeUp(run sandbox.Left) {
	s := run.Spec()
	a.run, a.out, a.kept = run, s.Out, s.Checkpoint
	a.defers(func() { a.freeGPUs(s.GPUs) })
	a.defers(func() {
		os.RemoveAll(s.Out)
		if s.Checkpoint != "" {
			os.RemoveAll(s.Checkpoint)
		}
	})
	a.defers(a.heldImage(a.Attempt)) // it must not go while it is used
}

// begin starts it, unless it is to leave before it has: then, and when it cannot be
// started, it returns its end.
func (a *attempt) begin(ctx context.Context) (f *lease.Finish) {
	within, cancel := a.beginning(ctx, a.Attempt)
	defer cancel(nil)
	var heard sync.WaitGroup
	started := make(chan struct{})
	heard.Go(func() {
		select {
		case d := <-a.c.Drain:
			a.leave = &d
			cancel(context.Canceled)
		case <-started:
		}
	})
	end := a.start(within)
	close(started)
	heard.Wait()
	if end == nil && !a.begins(a.Attempt, a.run) {
		a.run.Kill()
		_, _ = a.run.Wait(context.WithoutCancel(ctx))      // its files are in use until then
		f := a.fail(ctx, artel.ReasonEvicted, "%s", needs) // or it was ended by who waits for it, in the same moment
		end = &f
	}
	switch {
	case end == nil || ctx.Err() != nil:
	case errors.Is(context.Cause(within), errEvicted):
		end.Reason, end.Message = artel.ReasonEvicted, needs
	case a.leave != nil:
		end.Reason, end.Message = a.leave.Reason, a.leave.Message
	}
	return end
}

// start brings what it needs, and starts it.
func (a *attempt) start(ctx context.Context) *lease.Finish {
	disk := a.disk()
	fail := func(why artel.Reason, format string, args ...any) *lease.Finish {
		f := a.fail(ctx, why, format, args...)
		return &f
	}
	if a.Room != nil {
		if err := a.Room(disk + 2*int64(a.r.Spec.Want.Disk) + int64(a.r.Spec.Log)); err != nil { // an output lies here open and sealed
			return fail(artel.ReasonHost, "%v", clean(err))
		}
	}
	a.c.Phase("fetching")
	// No renter waits longer for a task, and a trickle must not hold a slot.
	fetching, fetched := context.WithTimeout(ctx, time.Duration(a.t.Unit)*time.Millisecond+fetchSlack)
	defer fetched()
	s := spec(a.r.Spec)
	if f := a.fetch(fetching, &s); f != nil {
		return f
	}
	for _, d := range []struct {
		dir  *string
		want bool
	}{{&a.out, true}, {&a.kept, a.r.Keep != nil}} {
		if !d.want {
			continue
		}
		made, leave, err := a.outDir()
		if err != nil {
			return fail(artel.ReasonHost, "prepare attempt: %v", clean(err))
		}
		a.defers(leave)
		*d.dir = made
	}
	s.Out, s.Checkpoint, s.Log = a.out, a.kept, a.logPath(a.Lease, a.TaskKey)
	restoring, started := time.Now(), time.Now()
	if a.r.Keep != nil && a.r.Keep.From != nil {
		if why, err := a.restore(fetching, &s); err != nil {
			return fail(why, "go on from checkpoint %d: %v", a.r.Keep.From.Saved.Generation, clean(err))
		}
		started = time.Now()
	}
	a.c.Phase("waiting")
	run, err := a.box.Start(ctx, a.name(), s)
	if errors.Is(err, sandbox.ErrMismatch) {
		return fail(artel.ReasonStale, "start sandbox: %v", clean(err))
	} else if err != nil {
		return fail(artel.ReasonHost, "start sandbox: %v", clean(err))
	}
	a.run = run
	if a.WentOn != nil && a.r.Keep != nil && a.r.Keep.From != nil {
		a.WentOn(a.Attempt, a.r.Keep.From.Saved, started.Sub(restoring), time.Since(started))
	}
	return nil
}

// disk is what the task may write, in bytes. A limit of zero is the default of the rooms
// below, and theirs are for their owner's own files.
func (a *attempt) disk() int64 { return int64(max(a.t.Resources.Disk, 1)) }

// fetch brings program or image, and input, and takes GPUs.
func (a *attempt) fetch(ctx context.Context, s *sandbox.Spec) *lease.Finish {
	task := a.r.Spec
	fail := func(why artel.Reason, format string, args ...any) *lease.Finish {
		f := a.fail(ctx, why, format, args...)
		return &f
	}
	if task.Box.Image.IsZero() {
		program, done, err := a.lay(ctx, a.from, task.Program, a.mostProgram(), false)
		if err != nil {
			return fail(notServed(err), "fetch program: %v", err)
		}
		a.defers(done)
		s.Program, s.Key = program, task.Program.String()
	} else {
		img, reason, err := a.image(ctx, a.from, task.Box, a.t)
		if err != nil {
			return fail(reason, "fetch image: %v", clean(err))
		}
		a.defers(img.Release)
		inImage(s, task, img)
		if err := runnable(*s); err != nil {
			return fail(artel.ReasonBadProgram, "start image: %v", err)
		}
	}
	if !task.Input.IsZero() {
		in, done, err := a.lay(ctx, a.from, task.Input, a.disk(), true)
		if err != nil {
			return fail(notServed(err), "fetch input: %v", err)
		}
		a.defers(done)
		s.In = in
	}
	if n := int(task.Want.GPUs); n > 0 {
		gpus, done, err := a.takeGPUs(ctx, n)
		if err != nil {
			return fail(artel.ReasonHost, "%v", err)
		}
		a.defers(done)
		s.GPUs = gpus
	}
	return nil
}

// notServed says whose doing it is that a blob is not here.
func notServed(err error) artel.Reason {
	switch {
	case errors.Is(err, errQuota):
		return artel.ReasonRefused
	case errors.Is(err, blob.ErrKind), errors.Is(err, blob.ErrLimit), errors.Is(err, blob.ErrUnsupported), errors.Is(err, blob.ErrMalformed):
		return artel.ReasonBadProgram // it would be the same elsewhere
	}
	return artel.ReasonNoInput
}

// conclude waits for the end, takes checkpoints meanwhile, and seals what is left in out.
func (a *attempt) conclude(ctx context.Context) lease.Finish {
	a.alive(a.Attempt, a.run)
	a.c.Phase(phaseRunning)
	stop := context.AfterFunc(ctx, a.run.Kill)
	saving := a.saving(ctx)
	exit, err := a.run.Wait(context.WithoutCancel(ctx))
	exit = ended(exit)
	stop()
	saved := saving()
	a.alive(a.Attempt, nil)
	switch {
	case saved.left != nil && a.r.Keep != nil:
		return saved.finish()
	case saved.left != nil && err == nil && exit.Reason == sandbox.Killed && ctx.Err() == nil:
		f := finish(exit) // a service that is to leave: it ran until now
		f.Reason, f.Message = cmp.Or(saved.left.Reason, artel.ReasonDrained), saved.left.Message
		return f
	}
	lost := func(format string, args ...any) lease.Finish { return a.fail(ctx, artel.ReasonHost, format, args...) }
	switch {
	case err != nil:
		return lost("wait for sandbox: %v", clean(err))
	case exit.Reason == sandbox.BadCheckpoint:
		return a.fail(ctx, artel.ReasonStale, "%s", exit.Message)
	case exit.Reason == sandbox.Lost || exit.Reason == sandbox.Checkpointed || exit.Reason == sandbox.Killed && ctx.Err() == nil:
		return lost("the sandbox was lost: %s", exit.Message)
	}
	f := finish(exit)
	if exit.Reason != sandbox.Exited {
		return f // what a stopped program left is no result
	}
	a.c.Phase("sealing")
	switch a.sealed, err = a.seal(context.WithoutCancel(ctx), a.out, a.t, &f); {
	case err == nil:
		return f
	case unfit(err): // it ran: what it left is its own doing, and its time is paid
		a.sealed = 0
		f.Exit, f.Reason, f.Message = -1, artel.ReasonOutput, unkept(err, a.out)
		return f
	}
	a.sealed = 0
	return lost("keep output: %s", inOut(clean(err), a.out))
}

// unfit reports whether an output cannot be kept for what it is like.
func unfit(err error) bool {
	return errors.Is(err, blob.ErrLimit) || errors.Is(err, blob.ErrUnsupported)
}

// unkept tells the renter why, in few words: the names in it are a program's.
func unkept(err error, out string) string {
	text := inOut(err, out)
	if len(text) > 400 {
		text = text[:100] + "…" + text[len(text)-300:]
	}
	if !strings.Contains(text, "hint:") {
		text += "; hint: leave an archive in /out"
	}
	return "keep output: " + text
}

// inOut says /out for the directory on this host.
func inOut(err error, out string) string { return strings.ReplaceAll(err.Error(), out, "/out") }

// clean keeps the owner's paths out of what a renter reads.
func clean(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// alive notes the run of an attempt; nil when it has ended.
func (b *Boxed) alive(k Attempt, run sandbox.Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enter(k, run)
	if run == nil {
		delete(b.live, k)
		delete(b.stands, k)
	}
}

// Live implements Runner.
func (b *Boxed) Live(id artel.Hash, k lease.TaskKey) (sandbox.Run, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	run, ok := b.live[Attempt{id, k}]
	return run, ok
}

func spec(s artel.TaskSpec) sandbox.Spec {
	env := make(map[string]string, len(s.Env))
	for _, e := range s.Env {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
	}
	return sandbox.Spec{
		Args: s.Args, Env: env,
		Limits: sandbox.Limits{
			MemoryBytes: int64(s.Want.Memory), WallMillis: int64(s.Wall),
			OutputBytes: int64(max(s.Want.Disk, 1)), LogBytes: int64(s.Log),
		},
		Seed: s.Seed, Start: int64(s.Epoch),
	}
}

// reasons of the sandbox in the words of a receipt.
func reason(r sandbox.Reason) artel.Reason {
	switch r {
	case sandbox.Exited:
		return artel.ReasonExited
	case sandbox.OutOfTime:
		return artel.ReasonTime
	case sandbox.OutOfMemory:
		return artel.ReasonMemory
	case sandbox.OutputLimit:
		return artel.ReasonOutput
	case sandbox.LogFlood:
		return artel.ReasonLog
	case sandbox.Trapped:
		return artel.ReasonTrap
	case sandbox.BadProgram:
		return artel.ReasonBadProgram
	case sandbox.Killed:
		return artel.ReasonCancelled
	case sandbox.Checkpointed:
		return artel.ReasonDrained
	case sandbox.BadCheckpoint:
		return artel.ReasonStale
	}
	return artel.ReasonHost
}

func finish(e sandbox.Exit) lease.Finish {
	return lease.Finish{
		Exit: e.Code, Reason: reason(e.Reason), Message: e.Message, Billed: true,
		Usage: artel.Usage{
			Wall: uint64(max(0, e.WallMillis)), CPU: uint64(max(0, e.CPUMillis)),
			Output: uint64(max(0, e.OutputBytes)), Log: uint64(max(0, e.LogBytes)),
		},
	}
}

// seal writes what is in out, closed, where the renter can fetch it, and returns
// the bytes that it takes there. The blocks of the open output are kept nowhere.
// An empty output has no root and nothing to fetch.
func (b *Boxed) seal(ctx context.Context, out string, t artel.Terms, f *lease.Finish) (int64, error) {
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	lim := blob.Limits{Bytes: int64(max(t.Resources.Disk, 1))}
	open, done, err := b.Scratch(int64(f.Usage.Output))
	if err != nil {
		return 0, err
	}
	defer done()
	root, err := blob.AddDir(ctx, open, out, lim)
	if err != nil {
		return 0, err
	}
	var key []byte
	pr, pw := io.Pipe()
	sealing := make(chan struct{})
	go func() {
		defer close(sealing)
		pw.CloseWithError(func() error {
			w, k, err := seal.Writer(pw)
			if err != nil {
				return err
			}
			key = k // read after AddFile has seen the end
			if err := blob.WriteCAR(ctx, open, root, w, blob.Limits{}); err != nil {
				return err
			}
			return w.Close()
		}())
	}()
	sealed, size, err := blob.AddFile(ctx, b.Blobs, pr)
	pr.CloseWithError(err)
	<-sealing // it reads the store that done gives back
	if err != nil {
		return 0, err
	}
	f.Root, f.Sealed, f.Key = artel.Hash(root.Sum()), sealed, key
	return size, nil
}

// Log implements Runner.
func (b *Boxed) Log(id artel.Hash, k lease.TaskKey, offset uint64, max int) ([]byte, error) {
	f, err := os.Open(b.logPath(id, k))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, max)
	n, err := f.ReadAt(buf, int64(min(offset, 1<<62)))
	if err != nil && err != io.EOF {
		return nil, err
	}
	return buf[:n], nil
}

// Forget implements Runner. Nothing else shares a block with a sealed output.
func (b *Boxed) Forget(ctx context.Context, id artel.Hash, k lease.TaskKey, sealed artel.Ref) {
	os.Remove(b.logPath(id, k))
	if !sealed.IsZero() {
		_ = blob.Remove(ctx, b.Blobs, sealed) // what is left goes with the next GC
	}
	b.release(Attempt{id, k})
}

// Keep implements Runner.
func (b *Boxed) Keep(ctx context.Context, id artel.Hash, k lease.TaskKey, sealed artel.Ref) {
	size, err := blob.Weight(ctx, b.Blobs, sealed)
	if err == nil {
		b.hold(Attempt{id, k}, 0, size)
	}
}

func (b *Boxed) logPath(id artel.Hash, k lease.TaskKey) string {
	return filepath.Join(b.Dir, "logs", fmt.Sprintf("%s-%d-%d", id, k.Task, k.Attempt))
}

// prepare makes the directories, once. Whatever an earlier run of the daemon left
// is nobody's. That may be much: who is cancelled leaves the rest to the next.
func (b *Boxed) prepare(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready {
		return nil
	}
	if b.spared == nil { // later on some of goOn have been taken up, and use them still
		b.spared = map[string]bool{}
		for _, run := range b.goOn {
			s := run.Spec()
			b.spared[s.Out], b.spared[s.Log], b.spared[s.In], b.spared[s.Checkpoint] = true, true, true, true
		}
	}
	var stale []string
	for _, pattern := range []string{"laying-*", "saving-*", "restoring-*", "out/*", "logs/*", "laid/*"} {
		found, err := filepath.Glob(filepath.Join(b.Dir, pattern))
		if err != nil {
			return err
		}
		stale = append(stale, found...)
	}
	for _, d := range stale {
		real, err := filepath.EvalSymlinks(d) // as boxes name it
		if err == nil && (b.spared[real] || b.spared[d]) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	for _, d := range []string{"out", "logs"} {
		if err := os.MkdirAll(filepath.Join(b.Dir, d), 0o700); err != nil {
			return err
		}
	}
	b.ready = true
	return nil
}

// outDir returns an empty directory for one attempt. One that is left as empty
// as it was found serves the next: most small tasks write little, and making
// directories costs more than running them.
func (b *Boxed) outDir() (dir string, leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.empty); n > 0 {
		dir, b.empty = b.empty[n-1], b.empty[:n-1]
	} else {
		for { // past those of attempts that an earlier run of the daemon has left
			b.outs++
			dir = filepath.Join(b.Dir, "out", fmt.Sprint(b.outs))
			if err := os.Mkdir(dir, 0o700); err == nil {
				break
			} else if !errors.Is(err, fs.ErrExist) {
				return "", nil, err
			}
		}
	}
	return dir, func() {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			os.RemoveAll(dir)
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.empty = append(b.empty, dir)
	}, nil
}
