// Package fake is a Box that runs Go functions in place of programs, for tests of
// what drives a sandbox. It keeps every promise of the port about attempts, slots, logs
// and ends; it does not execute programs, and confines nothing.
package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/artel-network/artel/sandbox"
)

// Program stands for a program. It writes its log to log and its result below
// spec.Out; it must return soon after ctx ends, which is how it is killed. What it
// returns becomes the Exit, with the counts of log and output filled in. The zero Exit
// means exited with code 0.
type Program func(ctx context.Context, spec sandbox.Spec, log io.Writer) sandbox.Exit

// Box is the fake. The zero value is not usable; see New.
type Box struct {
	slots chan struct{}

	mu       sync.Mutex
	programs map[string]Program
	fallback Program
	live     map[string]*run
	closed   bool
	done     chan struct{} // closed by Close
	started  int
	refuse   error

	needs sandbox.Needs
	steps map[string]Steps // nil: it takes no checkpoints
	traps map[string]Steps // what they do when they are told to end
}

var _ sandbox.Box = (*Box)(nil)

// New makes a box with the given number of slots (at least one). Programs are found by
// Spec.Key among those Handle has set, else fallback runs; with a nil fallback an
// unknown key ends as BadProgram.
func New(slots int, fallback Program) *Box {
	return &Box{
		slots:    make(chan struct{}, max(slots, 1)),
		programs: make(map[string]Program),
		fallback: fallback,
		live:     make(map[string]*run),
		done:     make(chan struct{}),
	}
}

// Echo is a Program for when any will do: it writes its seed, arguments and inputs'
// hashes to /out/result and says so in the log. The same Spec gives the same bytes.
func Echo(ctx context.Context, spec sandbox.Spec, log io.Writer) sandbox.Exit {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %x\n", spec.Args, spec.Env, spec.Seed)
	if spec.In != "" {
		err := filepath.WalkDir(spec.In, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			rel, _ := filepath.Rel(spec.In, path)
			fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(rel), sha256.Sum256(b))
			return err
		})
		if err != nil {
			return sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: "The inputs could not be read."}
		}
	}
	sum := hex.EncodeToString(h.Sum(nil))
	fmt.Fprintln(log, "echo", sum)
	if err := os.WriteFile(filepath.Join(spec.Out, "result"), []byte(sum+"\n"), 0o644); err != nil {
		return sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: "The result could not be written."}
	}
	return sandbox.Exit{}
}

// Handle sets the program that runs for a key.
func (b *Box) Handle(key string, p Program) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.programs[key] = p
}

// Started is the number of attempts that Start has begun.
func (b *Box) Started() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started
}

// Live is the number of attempts that have not ended.
func (b *Box) Live() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.live)
}

// Capabilities declares attempts, logs and their being told to end, and checkpoints where NewMover has made it.
func (b *Box) Capabilities() sandbox.Capabilities {
	moves := b.steps != nil
	return sandbox.Capabilities{Kind: "fake", Slots: cap(b.slots), Log: true, Moves: moves, Terminates: true}
}

// Start is sandbox.Box's.
func (b *Box) Start(ctx context.Context, id string, spec sandbox.Spec) (sandbox.Run, error) {
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	if (spec.Root != "") != (b.steps != nil) {
		return nil, fmt.Errorf("start %s: %w: Root is for boxes of NewMover alone", id, sandbox.ErrSpec)
	}
	spec.Limits = spec.Limits.WithDefaults()
	for _, dir := range []string{spec.In, spec.Out, spec.Checkpoint} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("start %s: %w: %w", id, sandbox.ErrSpec, err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("start %s: %w: %s is not a directory", id, sandbox.ErrSpec, dir)
		}
	}
	was, state, err := b.resume(spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	r := &run{id: id, ended: make(chan struct{}), signals: make(chan struct{}, 8)}
	program, err := b.admit(id, r, spec.Key)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		b.forget(id)
		return nil, fmt.Errorf("start %s: wait for a slot: %w", id, ctx.Err())
	case <-b.done:
		b.forget(id)
		return nil, fmt.Errorf("start %s: %w", id, sandbox.ErrClosed)
	}
	if r.log, err = sandbox.CreateLog(spec.Log, spec.Limits.LogBytes); err != nil {
		<-b.slots
		b.forget(id)
		return nil, fmt.Errorf("start %s: %w: %w", id, sandbox.ErrSpec, err)
	}
	runCtx, kill := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), runKey{}, r))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		kill()
		_ = r.log.Close()
		delete(b.live, id)
		return nil, fmt.Errorf("start %s: %w", id, sandbox.ErrClosed)
	}
	r.kill = kill
	b.started++
	if b.steps == nil {
		go b.drive(runCtx, r, program, spec)
		return r, nil
	}
	s := &stepper{run: r, box: b, spec: spec, image: was, state: state}
	r.log.Resume(was.Log, int64(len(was.Log)))
	var name string
	if len(spec.Args) > 1 {
		name = spec.Args[1]
	}
	if p := b.steps[name]; p != nil {
		program = s.program(p)
	}
	go b.drive(runCtx, r, program, spec)
	return s, nil
}

func (b *Box) admit(id string, r *run, key string) (Program, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, sandbox.ErrClosed
	}
	if b.live[id] != nil {
		return nil, sandbox.ErrRunning
	}
	b.live[id] = r
	p := b.programs[key]
	if p == nil {
		p = b.fallback
	}
	if p == nil {
		p = func(context.Context, sandbox.Spec, io.Writer) sandbox.Exit {
			return sandbox.Exit{Code: -1, Reason: sandbox.BadProgram, Message: "This is not a program that the fake knows; set it with Handle."}
		}
	}
	return p, nil
}

func (b *Box) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, id)
}

func (b *Box) drive(ctx context.Context, r *run, p Program, spec sandbox.Spec) {
	exit := p(ctx, spec, r.log)
	r.mu.Lock()
	r.over = true
	switch {
	case r.died:
		exit = diedOf(spec)
	case ctx.Err() != nil:
		exit.Code, exit.Reason, exit.Message = -1, sandbox.Killed, "The attempt was stopped from outside."
	}
	exit.Told = r.told
	r.mu.Unlock()
	if exit.Reason == "" {
		exit.Reason = sandbox.Exited
	}
	exit.OutputBytes, exit.OutputFiles = measure(spec.Out)
	exit.LogBytes, exit.LogKept = r.log.Counts()
	if err := r.log.Close(); err != nil && exit.Reason == sandbox.Exited {
		exit.Code, exit.Reason, exit.Message = -1, sandbox.Lost, "The host could not keep the log; its disk may be full."
	}
	b.forget(r.id)
	<-b.slots
	r.exit = exit
	close(r.ended)
	r.kill() // frees the context
}

func measure(dir string) (bytes, files int64) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return nil
		}
		files++
		if info, err := d.Info(); err == nil && d.Type().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, files
}

// Close is sandbox.Box's.
func (b *Box) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
	var live []*run
	for _, r := range b.live {
		if r.kill != nil { // else it has not started, and Start refuses it
			live = append(live, r)
			r.kill()
		}
	}
	b.mu.Unlock()
	for _, r := range live {
		<-r.ended
	}
	return nil
}

type run struct {
	id    string
	log   *sandbox.Log
	kill  func()
	ended chan struct{} // closed once exit is set
	exit  sandbox.Exit

	mu      sync.Mutex
	signals chan struct{}
	told    bool
	handles bool // its program takes signals
	died    bool // of one
	over    bool
}

func (r *run) ID() string { return r.id }

func (r *run) Kill() { r.kill() }

func (r *run) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-r.ended:
		return r.exit, nil
	default:
	}
	select {
	case <-r.ended:
		return r.exit, nil
	case <-ctx.Done():
		return sandbox.Exit{}, ctx.Err()
	}
}

func (r *run) Follow(ctx context.Context, w io.Writer) error { return r.log.Follow(ctx, w) }
