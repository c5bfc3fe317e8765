package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/seal"
)

// Boxed is the Runner that runs tasks in a sandbox. Dir is its own: programs,
// inputs and what attempts leave behind live there.
type Boxed struct {
	Box   sandbox.Box
	Blobs blob.Store
	Dir   string
	// Fetch brings a root into Blobs from the node that rents.
	Fetch func(ctx context.Context, from artel.NodeID, root artel.Ref, limit int64) error

	mu    sync.Mutex
	cache map[artel.Ref]*cached // programs and inputs laid out on disk
	ready bool                  // the directories are there
	empty []string              // output directories to be used again
	outs  int                   // how many were made
}

// cached is a blob laid out for the sandbox, shared by the attempts that use it.
type cached struct {
	ready chan struct{}
	err   error
	users int
}

// Bounds of what one task may bring.
const (
	maxProgram = 256 << 20
	keepIdle   = 32 // laid out blobs kept although no attempt uses them
)

// Run implements Runner.
func (b *Boxed) Run(ctx context.Context, from artel.NodeID, id artel.Hash, t artel.Terms, r lease.Running, phase func(string)) lease.Finish {
	fail := func(why artel.Reason, format string, args ...any) lease.Finish {
		if ctx.Err() != nil {
			why = artel.ReasonCancelled
		}
		return lease.Finish{Reason: why, Message: fmt.Sprintf(format, args...)}
	}
	phase("fetching")
	program, done, err := b.lay(ctx, from, r.Spec.Program, maxProgram, false)
	if err != nil {
		return fail(artel.ReasonNoInput, "fetch program: %v", err)
	}
	defer done()
	in := ""
	if !r.Spec.Input.IsZero() {
		var done func()
		if in, done, err = b.lay(ctx, from, r.Spec.Input, int64(t.Resources.Disk), true); err != nil {
			return fail(artel.ReasonNoInput, "fetch input: %v", err)
		}
		defer done()
	}
	out, leave, err := b.outDir()
	if err != nil {
		return fail(artel.ReasonHost, "prepare attempt: %v", clean(err))
	}
	defer leave()
	phase("waiting")
	name := id.Short() + "-" + fmt.Sprint(r.Task, "-", r.Attempt)
	run, err := b.Box.Start(ctx, name, spec(r.Spec, program, in, out, b.logPath(id, r.TaskKey)))
	if err != nil {
		return fail(artel.ReasonHost, "start sandbox: %v", clean(err))
	}
	phase("running")
	stop := context.AfterFunc(ctx, run.Kill)
	exit, err := run.Wait(context.WithoutCancel(ctx))
	stop()
	if err != nil {
		return fail(artel.ReasonHost, "wait for sandbox: %v", clean(err))
	}
	f := finish(exit)
	if exit.Reason == sandbox.Lost || exit.Reason == sandbox.Killed && ctx.Err() == nil {
		return fail(artel.ReasonHost, "the sandbox was lost: %s", exit.Message)
	}
	if exit.Reason != sandbox.Exited {
		return f // what a stopped program left is no result
	}
	phase("sealing")
	if err := b.seal(context.WithoutCancel(ctx), out, t, &f); err != nil {
		return fail(artel.ReasonHost, "keep output: %v", clean(err))
	}
	return f
}

// clean keeps the owner's paths out of what a renter reads.
func clean(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func spec(s artel.TaskSpec, program, in, out, log string) sandbox.Spec {
	env := make(map[string]string, len(s.Env))
	for _, e := range s.Env {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
	}
	return sandbox.Spec{
		Program: program, Key: s.Program.String(), Args: s.Args, Env: env, In: in, Out: out, Log: log,
		Limits: sandbox.Limits{
			MemoryBytes: int64(s.Want.Memory), WallMillis: int64(s.Wall),
			OutputBytes: int64(s.Want.Disk), LogBytes: int64(s.Log),
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

// seal keeps what is in out and writes it, closed, where the renter can fetch
// it. An empty output has no root and nothing to fetch.
func (b *Boxed) seal(ctx context.Context, out string, t artel.Terms, f *lease.Finish) error {
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) == 0 {
		return err
	}
	lim := blob.Limits{Bytes: int64(max(t.Resources.Disk, 1))}
	root, err := blob.AddDir(ctx, b.Blobs, out, lim)
	if err != nil {
		return err
	}
	var key []byte
	pr, pw := io.Pipe()
	go func() {
		pw.CloseWithError(func() error {
			w, k, err := seal.Writer(pw)
			if err != nil {
				return err
			}
			key = k // read after AddFile has seen the end
			if err := blob.WriteCAR(ctx, b.Blobs, root, w, blob.Limits{}); err != nil {
				return err
			}
			return w.Close()
		}())
	}()
	sealed, _, err := blob.AddFile(ctx, b.Blobs, pr)
	pr.CloseWithError(err)
	if err != nil {
		return err
	}
	f.Root, f.Sealed, f.Key = artel.Hash(root.Sum()), sealed, key
	return nil
}

// lay brings a blob onto the disk, once for all attempts that want it.
func (b *Boxed) lay(ctx context.Context, from artel.NodeID, ref artel.Ref, limit int64, dir bool) (path string, done func(), err error) {
	path = filepath.Join(b.Dir, "laid", ref.String())
	b.mu.Lock()
	if b.cache == nil {
		b.cache = map[artel.Ref]*cached{}
	}
	c := b.cache[ref]
	if c == nil {
		c = &cached{ready: make(chan struct{})}
		b.cache[ref] = c
		b.mu.Unlock()
		c.err = b.fetchAndLay(ctx, from, ref, limit, dir, path)
		b.mu.Lock()
		close(c.ready)
		if c.err != nil {
			delete(b.cache, ref)
		}
	}
	c.users++
	b.mu.Unlock()
	done = func() { b.leave(ref, c) }
	select {
	case <-c.ready:
	case <-ctx.Done():
		done()
		return "", nil, ctx.Err()
	}
	if c.err != nil {
		done()
		return "", nil, c.err
	}
	return path, done, nil
}

func (b *Boxed) leave(ref artel.Ref, c *cached) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.users--
	idle := 0
	for _, x := range b.cache {
		if x.users == 0 {
			idle++
		}
	}
	if idle > keepIdle && c.users == 0 && b.cache[ref] == c {
		delete(b.cache, ref)
		os.RemoveAll(filepath.Join(b.Dir, "laid", ref.String()))
	}
}

func (b *Boxed) fetchAndLay(ctx context.Context, from artel.NodeID, ref artel.Ref, limit int64, dir bool, path string) error {
	if err := b.Fetch(ctx, from, ref, limit); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(b.Dir, "laying-")
	if err != nil {
		return clean(err)
	}
	defer os.RemoveAll(tmp)
	made := filepath.Join(tmp, "x")
	if dir {
		err = blob.Extract(ctx, b.Blobs, ref, made, blob.Limits{Bytes: limit})
	} else {
		err = b.layFile(ctx, ref, made, limit)
	}
	if err != nil {
		return clean(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return clean(err)
	}
	os.RemoveAll(path) // of an earlier run of the daemon
	return clean(os.Rename(made, path))
}

func (b *Boxed) layFile(ctx context.Context, ref artel.Ref, path string, limit int64) error {
	src, err := blob.Open(ctx, b.Blobs, ref)
	if err != nil {
		return err
	}
	if src.Size() > limit {
		return fmt.Errorf("%w: a program of %d bytes, at most %d", blob.ErrLimit, src.Size(), limit)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := src.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
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

// Forget implements Runner.
func (b *Boxed) Forget(id artel.Hash, k lease.TaskKey) { os.Remove(b.logPath(id, k)) }

func (b *Boxed) logPath(id artel.Hash, k lease.TaskKey) string {
	return filepath.Join(b.Dir, "logs", fmt.Sprintf("%s-%d-%d", id, k.Task, k.Attempt))
}

// outDir returns an empty directory for one attempt. One that is left as empty
// as it was found serves the next: most small tasks write little, and making
// directories costs more than running them.
func (b *Boxed) outDir() (dir string, leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ready { // whatever an earlier run of the daemon left is nobody's
		for _, d := range []string{"out", "logs"} {
			if err := os.RemoveAll(filepath.Join(b.Dir, d)); err != nil {
				return "", nil, err
			}
			if err := os.MkdirAll(filepath.Join(b.Dir, d), 0o700); err != nil {
				return "", nil, err
			}
		}
		b.ready = true
	}
	if n := len(b.empty); n > 0 {
		dir, b.empty = b.empty[n-1], b.empty[:n-1]
	} else {
		b.outs++
		dir = filepath.Join(b.Dir, "out", fmt.Sprint(b.outs))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return "", nil, err
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
