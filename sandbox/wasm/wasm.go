// Package wasm runs WASI preview 1 programs with wazero, each in a worker process that
// can be killed.
//
// A worker is the same binary started again with WorkerArg; it confines itself, then
// runs one program at a time, sent over a pipe, and stays for the next: compiled
// programs stay in its memory, and on disk for the other workers. What a program can do
// is bounded twice: inside the worker by what it is given (guestfs, clock, meter), from
// outside by the box, which kills the worker when the time is up and takes nothing it
// says on trust.
//
//	box ──Start──▶ worker of the pool ──task──▶ [confined process: wazero ▸ program]
//	    ◀─Exit───  log file ◀──────────log─────
//
// Programs are deterministic: they see a virtual clock and seeded randomness, no host
// file's times, and no network. The one thing that may differ between machines is the
// bit pattern of a NaN, which WebAssembly leaves open.
package wasm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// Options of a box. Command, Root and Cache are needed; zero elsewhere takes the default.
type Options struct {
	// Command starts a worker, for example {os.Executable(), WorkerArg}.
	Command []string
	// Root is the directory below which the In, Out and Checkpoint of every Spec lie.
	// It, and Cache, are all that a worker's process can open.
	Root string
	// Cache is the directory of compiled programs. It is made if it does not exist and
	// belongs to this box's workers alone: what is in it is executed.
	Cache string
	// CacheBytes bounds Cache; the oldest programs go first. Default 1 GiB.
	CacheBytes int64
	// Slots is how many programs run at once. Default: the number of processors.
	Slots int
	// Warm is how many idle workers Run keeps ready. Default 1.
	Warm int
	// Keep is how many compiled programs a worker holds in memory. Default 4.
	Keep int
	// MaxMemory is the most that Limits.MemoryBytes may ask for. Default 4 GiB, which is
	// also the most that WASM can use; 512 MiB on a 32-bit machine.
	MaxMemory int64
	// MaxProgram is the size of the largest program. Default 64 MiB.
	MaxProgram int64
	// MaxTasks, MaxRSS: a worker that has run so many programs, or whose resident memory
	// is above so many bytes after one, is replaced. Default 10,000 and 256 MiB.
	MaxTasks int
	MaxRSS   int64
	// IdleAfter is how long Run lets workers beyond Warm sit idle. Default 30 s.
	IdleAfter time.Duration
	// Interpret runs programs by wazero's interpreter even where it has a compiler, to
	// see how slow that is. Cache is not used then.
	Interpret bool
	// Crashed, if set, is told what a worker that died by itself said last. It is for the
	// owner's log: the text may hold host paths and a stranger's words.
	Crashed func(id, stderr string)
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = 1 << 30
	}
	if o.Slots <= 0 {
		o.Slots = runtime.NumCPU()
	}
	if o.Warm == 0 {
		o.Warm = 1
	}
	o.Warm = min(max(o.Warm, 0), o.Slots)
	if o.Keep <= 0 {
		o.Keep = 4
	}
	if o.MaxMemory <= 0 || o.MaxMemory > addressable {
		o.MaxMemory = addressable
	}
	if o.MaxProgram <= 0 {
		o.MaxProgram = 64 << 20
	}
	if o.MaxTasks <= 0 {
		o.MaxTasks = 10_000
	}
	if o.MaxRSS <= 0 {
		o.MaxRSS = 256 << 20
	}
	if o.IdleAfter <= 0 {
		o.IdleAfter = 30 * time.Second
	}
	return o
}

// Box is the sandbox.Box. See New.
type Box struct {
	opt   Options
	slots chan struct{} // holds one per attempt that has a slot

	mu      sync.Mutex
	idle    []*worker // longest idle first
	workers map[*worker]struct{}
	live    map[string]*attempt
	spent   time.Duration // processor time of workers that are gone
	closed  bool

	done    chan struct{} // closed by Close
	changed chan struct{} // of one: the pool may need tending
	spawns  chan spawn
	once    sync.Once // starts the spawner
	wg      sync.WaitGroup
	caching sync.Mutex // held while the cache is pruned
}

var _ sandbox.Box = (*Box)(nil)

// New makes a box. No process is started before Run or Start.
func New(opt Options) (*Box, error) {
	opt = opt.withDefaults()
	if len(opt.Command) == 0 {
		return nil, errors.New("wasm sandbox: no command to start workers with")
	}
	if self, err := os.Executable(); withCgo && err == nil && opt.Command[0] == self {
		return nil, errors.New("wasm sandbox: this program was built with cgo, so its workers could not confine themselves; hint: CGO_ENABLED=0 go build, as make does")
	}
	if err := os.MkdirAll(opt.Cache, 0o700); err != nil {
		return nil, fmt.Errorf("make compile cache: %w", err)
	}
	for _, dir := range []*string{&opt.Root, &opt.Cache} {
		abs, err := filepath.Abs(*dir)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			return nil, fmt.Errorf("wasm sandbox: %w", err)
		}
		*dir = abs
	}
	return &Box{
		opt:     opt,
		slots:   make(chan struct{}, opt.Slots),
		workers: make(map[*worker]struct{}),
		live:    make(map[string]*attempt),
		done:    make(chan struct{}),
		changed: make(chan struct{}, 1),
		spawns:  make(chan spawn),
	}, nil
}

// Capabilities is sandbox.Box's.
func (b *Box) Capabilities() sandbox.Capabilities {
	can := confine.Possible()
	return sandbox.Capabilities{
		Kind: "wasm", Slots: b.opt.Slots, Deterministic: true, Runs: true,
		Memory: true, Wall: true, Output: true, Log: true, Freezes: freezes,
		Confined: can.Files && can.Calls,
	}
}

// Run keeps workers warm until ctx ends, then closes the box. Without it Start works
// too, and pays for each worker's start.
func (b *Box) Run(ctx context.Context) error {
	tick := time.NewTicker(b.opt.IdleAfter / 2)
	defer tick.Stop()
	for {
		b.tend(ctx)
		select {
		case <-b.changed:
		case <-tick.C:
		case <-b.done:
			return nil
		case <-ctx.Done():
			return b.Close()
		}
	}
}

// Close is sandbox.Box's.
func (b *Box) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
	for _, a := range b.live {
		a.Kill()
	}
	for w := range b.workers {
		w.kill()
	}
	b.mu.Unlock()
	b.wg.Wait()
	return nil
}
