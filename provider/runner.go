package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
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

	// Left are the attempts that boxes have kept from an earlier run of the daemon.
	Left []sandbox.Left

	mu    sync.Mutex
	goOn  map[Attempt]sandbox.Left // those of Left that Run has yet to take up
	roots map[Attempt]func()       // and what gives their images back
	live  map[Attempt]sandbox.Run
	lend  []int             // the GPUs that are for strangers, as the sandbox names them
	gpus  map[int]bool      // those in use
	freed chan struct{}     // closed when some are given back; nil: nobody waits
	going []sandbox.Left    // those of Left that nobody takes up, with devices in use
	cache map[laid]*cached  // programs and inputs laid out on disk
	turn  uint64            // counts uses of them
	limit int64             // bytes that all of it may take; 0: no limit
	used  int64             // bytes taken, and those that attempts may still take
	held  map[Attempt]int64 // by attempts that are not settled
	ready bool              // the directories are there
	empty []string          // output directories to be used again
	outs  int               // how many were made
	still still             // whether they run
}

// Bounds of what one task may bring.
const (
	maxProgram = 256 << 20
	fetchSlack = 2 * time.Minute // beyond a unit, for what a task needs to be here
)

// Run implements Runner.
func (b *Boxed) Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, r lease.Running, phase func(string)) lease.Finish {
	k := Attempt{id, r.TaskKey}
	begin, began := b.beginning(ctx, k)
	defer began()
	fail := func(why artel.Reason, format string, args ...any) lease.Finish {
		if errors.Is(context.Cause(begin), errEvicted) {
			return lease.Finish{Reason: artel.ReasonEvicted, Message: errEvicted.Error()}
		}
		if ctx.Err() != nil {
			why = artel.ReasonCancelled
		}
		return lease.Finish{Reason: why, Message: fmt.Sprintf(format, args...)}
	}
	if t.Label == artel.LabelPrivate {
		defer b.tidy() // after all else was given back
	}
	// A limit of zero is the default of the rooms below, and theirs are for
	// their owner's own files.
	disk := int64(max(t.Resources.Disk, 1))
	box := b.Boxes[t.Sandbox]
	if box == nil {
		return fail(artel.ReasonRefused, "no sandbox %q here", t.Sandbox)
	}
	// An output lies here as it was left, as blocks, and sealed. What a container writes
	// elsewhere is gone before its output is more than one of these. With twice the disk for
	// an input, a task takes five times what it asks for: node offers a fifth.
	claim := 3*int64(r.Spec.Want.Disk) + int64(r.Spec.Log)
	prepared := b.prepare() // before an attempt is taken up: what is in goOn keeps its files
	run := b.takeUp(k)
	if err := b.take(claim); err != nil {
		if run == nil {
			return fail(artel.ReasonRefused, "%v", err)
		}
		claim = 0 // it goes on all the same, and gives back no more than it took
	}
	var sealed int64
	defer func() { b.hold(k, claim, sealed) }()
	if run != nil {
		defer b.heldImage(k)() // it must not go while it is used
		out := run.Spec().Out
		defer os.RemoveAll(out)
		defer b.freeGPUs(run.Spec().GPUs)
		f, n := b.conclude(ctx, k, t, run, out, phase)
		sealed = n
		return f
	}
	if b.Room != nil {
		if err := b.Room(disk + 2*int64(r.Spec.Want.Disk) + int64(r.Spec.Log)); err != nil { // an output lies here open and sealed
			return fail(artel.ReasonHost, "%v", clean(err))
		}
	}
	if prepared != nil {
		return fail(artel.ReasonHost, "prepare attempt: %v", clean(prepared))
	}
	phase("fetching")
	// No renter waits longer for a task, and a trickle must not hold a slot.
	fetching, fetched := context.WithTimeout(begin, time.Duration(t.Unit)*time.Millisecond+fetchSlack)
	defer fetched()
	why := func(err error) artel.Reason {
		switch {
		case errors.Is(err, errQuota):
			return artel.ReasonRefused
		case errors.Is(err, blob.ErrKind), errors.Is(err, blob.ErrLimit), errors.Is(err, blob.ErrUnsupported), errors.Is(err, blob.ErrMalformed):
			return artel.ReasonBadProgram // it would be the same elsewhere
		}
		return artel.ReasonNoInput
	}
	s := spec(r.Spec)
	if r.Spec.Box.Image.IsZero() {
		program, done, err := b.lay(fetching, from, r.Spec.Program, b.mostProgram(), false)
		if err != nil {
			return fail(why(err), "fetch program: %v", err)
		}
		defer done()
		s.Program, s.Key = program, r.Spec.Program.String()
	} else {
		img, reason, err := b.image(fetching, from, r.Spec.Box, t)
		if err != nil {
			return fail(reason, "fetch image: %v", clean(err))
		}
		defer img.Release()
		inImage(&s, r.Spec, img)
		if err := runnable(s); err != nil {
			return fail(artel.ReasonBadProgram, "start image: %v", err)
		}
	}
	if !r.Spec.Input.IsZero() {
		in, done, err := b.lay(fetching, from, r.Spec.Input, disk, true)
		if err != nil {
			return fail(why(err), "fetch input: %v", err)
		}
		defer done()
		s.In = in
	}
	if n := int(r.Spec.Want.GPUs); n > 0 {
		gpus, done, err := b.takeGPUs(fetching, n)
		if err != nil {
			return fail(artel.ReasonHost, "%v", err)
		}
		defer done()
		s.GPUs = gpus
	}
	out, leave, err := b.outDir()
	if err != nil {
		return fail(artel.ReasonHost, "prepare attempt: %v", clean(err))
	}
	defer leave()
	phase("waiting")
	s.Out, s.Log = out, b.logPath(id, r.TaskKey)
	started, err := box.Start(begin, k.name(), s)
	if err != nil {
		return fail(artel.ReasonHost, "start sandbox: %v", clean(err))
	}
	if !b.begins(k, started) {
		started.Kill()
		_, _ = started.Wait(context.WithoutCancel(ctx)) // its files are in use until then
		return fail(artel.ReasonEvicted, "%v", errEvicted)
	}
	f, n := b.conclude(ctx, k, t, started, out, phase)
	sealed = n
	return f
}

// conclude waits for an attempt that runs and seals what it leaves in out; it
// returns the bytes that this takes.
func (b *Boxed) conclude(ctx context.Context, k Attempt, t artel.Terms, run sandbox.Run, out string, phase func(string)) (f lease.Finish, sealed int64) {
	b.alive(k, run)
	phase(phaseRunning)
	stop := context.AfterFunc(ctx, run.Kill)
	exit, err := run.Wait(context.WithoutCancel(ctx))
	stop()
	b.alive(k, nil)
	lost := func(format string, args ...any) lease.Finish {
		why := artel.ReasonHost
		if ctx.Err() != nil {
			why = artel.ReasonCancelled
		}
		return lease.Finish{Reason: why, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case err != nil:
		return lost("wait for sandbox: %v", clean(err)), 0
	case exit.Reason == sandbox.Lost || exit.Reason == sandbox.Killed && ctx.Err() == nil:
		return lost("the sandbox was lost: %s", exit.Message), 0
	}
	if f = finish(exit); exit.Reason != sandbox.Exited {
		return f, 0 // what a stopped program left is no result
	}
	phase("sealing")
	switch sealed, err = b.seal(context.WithoutCancel(ctx), out, t, &f); {
	case err == nil:
		return f, sealed
	case unfit(err): // it ran: what it left is its own doing, and its time is paid
		f.Exit, f.Reason, f.Message = -1, artel.ReasonOutput, unkept(err, out)
		return f, 0
	}
	return lost("keep output: %s", inOut(clean(err), out)), 0
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
	if b.live == nil {
		b.live = map[Attempt]sandbox.Run{}
	}
	if b.live[k] = run; run == nil {
		delete(b.live, k)
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
// is nobody's.
func (b *Boxed) prepare() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready {
		return nil
	}
	used := map[string]bool{}
	for _, run := range b.goOn {
		s := run.Spec()
		used[s.Out], used[s.Log], used[s.In] = true, true, true
	}
	var stale []string
	for _, pattern := range []string{"laying-*", "out/*", "logs/*", "laid/*"} {
		found, err := filepath.Glob(filepath.Join(b.Dir, pattern))
		if err != nil {
			return err
		}
		stale = append(stale, found...)
	}
	for _, d := range stale {
		real, err := filepath.EvalSymlinks(d) // as boxes name it
		if err == nil && (used[real] || used[d]) {
			continue
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
