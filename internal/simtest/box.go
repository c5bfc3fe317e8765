package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/sandbox"
)

// box is a sandbox whose programs take virtual time and can be moved: all that
// provider.Boxed asks of gVisor. (sandbox/fake holds a lock while its programs take
// steps, and a goroutine that waits for a lock holds up virtual time.)
type box struct {
	n     *node
	moves bool

	mu   sync.Mutex
	live map[string]*boxRun
}

var (
	_ sandbox.Mover      = (*box)(nil)
	_ sandbox.Movable    = (*boxRun)(nil)
	_ sandbox.Terminable = (*boxRun)(nil)
)

// state is what a program has in its memory. Its result follows from all steps that it
// took, so whoever goes on from another state than was saved has another result.
type state struct {
	Steps  uint64
	Digest artel.Hash
}

const (
	stepTime  = time.Second // that a step takes
	stateFile = "state"     // below /checkpoint
	imageFile = "image"     // of a whole checkpoint
	outFile   = "result"    // below /out
)

func (s state) next(args []string, task string) state {
	return state{s.Steps + 1, artel.Keccak(s.Digest[:], fmt.Append(nil, args, task, s.Steps))}
}

// worth is what a program of so many steps leaves.
func worth(args []string, task string, steps uint64) []byte {
	var s state
	for s.Steps < steps {
		s = s.next(args, task)
	}
	return fmt.Appendf(nil, "%v of %s: %s\n", args, task, s.Digest)
}

func stepsOf(args []string) (uint64, error) {
	if len(args) != 3 {
		return 0, fmt.Errorf("arguments %q", args)
	}
	d, err := time.ParseDuration(args[0])
	return uint64(d / stepTime), err
}

type savedBox struct {
	Needs sandbox.Needs
	State state
	Pad   []byte
}

func (b *box) Capabilities() sandbox.Capabilities {
	return sandbox.Capabilities{Kind: "gvisor", Slots: int(b.n.policy.Resources.Slots), Log: true, Moves: b.moves, Terminates: true}
}

// Needs implements sandbox.Mover.
func (b *box) Needs() sandbox.Needs {
	return sandbox.Needs{Version: "1", CPU: b.n.policy.CPU}
}

// Inspect implements sandbox.Mover.
func (b *box) Inspect(dir string, spec sandbox.Spec) (sandbox.Checkpoint, error) {
	x, err := b.inspect(dir, spec)
	return sandbox.Checkpoint{Needs: x.Needs}, err
}

func (b *box) inspect(dir string, spec sandbox.Spec) (x savedBox, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, imageFile))
	if err == nil {
		err = json.Unmarshal(raw, &x)
	}
	if err != nil {
		return x, fmt.Errorf("inspect checkpoint: %w: %w", sandbox.ErrMismatch, err)
	}
	have := b.Needs()
	have.Spec = fmt.Sprint(spec.Args)
	return x, x.Needs.MetBy(have)
}

func (b *box) Close() error { return nil }

// Start implements sandbox.Box. Slots are the provider's to count.
func (b *box) Start(_ context.Context, id string, spec sandbox.Spec) (sandbox.Run, error) {
	r := &boxRun{b: b, id: id, spec: spec, asks: make(chan func()), kill: make(chan struct{}), ended: make(chan struct{})}
	var err error
	if r.want, err = stepsOf(spec.Args); err != nil {
		return nil, fmt.Errorf("start %s: %w: %w", id, sandbox.ErrSpec, err)
	}
	if spec.Restore != "" {
		x, err := b.inspect(spec.Restore, spec)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", id, err)
		}
		r.state = x.State
	} else if raw, err := os.ReadFile(filepath.Join(spec.Checkpoint, stateFile)); spec.Checkpoint != "" && err == nil {
		r.bad = json.Unmarshal(raw, &r.state)
	}
	if r.log, err = sandbox.CreateLog(spec.Log, 1<<20); err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live[id] != nil {
		return nil, fmt.Errorf("start %s: %w", id, sandbox.ErrRunning)
	}
	if b.live == nil {
		b.live = map[string]*boxRun{}
	}
	b.live[id] = r
	go r.drive()
	return r, nil
}

// boxRun is a program. One goroutine owns what is not a channel.
type boxRun struct {
	b     *box
	id    string
	spec  sandbox.Spec
	want  uint64
	log   *sandbox.Log
	asks  chan func()
	kill  chan struct{}
	once  sync.Once
	ended chan struct{}
	exit  sandbox.Exit // set before ended is closed

	state  state
	ran    time.Duration
	frozen bool
	moved  bool
	told   bool         // to end
	signal *int32       // what it ends with then; nil: it goes on
	bad    error        // what it found under /checkpoint it cannot read
	wall   atomic.Int64 // ms, for the meter
}

func (r *boxRun) ID() string { return r.id }

func (r *boxRun) Kill() { r.once.Do(func() { close(r.kill) }) }

func (r *boxRun) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-r.ended:
		return r.exit, nil
	case <-ctx.Done():
		return sandbox.Exit{}, ctx.Err()
	}
}

func (r *boxRun) Follow(ctx context.Context, w io.Writer) error { return r.log.Follow(ctx, w) }

// Usage implements sandbox.Metered.
func (r *boxRun) Usage(context.Context) (sandbox.Usage, error) {
	return sandbox.Usage{WallMillis: r.wall.Load(), CPUMillis: r.wall.Load()}, nil
}

func (r *boxRun) drive() {
	r.exit = r.program()
	r.exit.Told = r.told
	r.exit.WallMillis = max(1, r.ran.Milliseconds())
	r.exit.CPUMillis = r.exit.WallMillis
	_ = r.log.Close()
	r.b.mu.Lock()
	delete(r.b.live, r.id)
	r.b.mu.Unlock()
	close(r.ended)
}

func (r *boxRun) program() sandbox.Exit {
	tick := time.NewTicker(stepTime)
	defer tick.Stop()
	if r.bad != nil {
		return sandbox.Exit{Code: 1, Reason: sandbox.Exited}
	}
	for {
		select {
		case <-r.kill:
			return sandbox.Exit{Code: -1, Reason: sandbox.Killed, Message: "killed"}
		case f := <-r.asks:
			f()
			switch {
			case r.moved:
				return sandbox.Exit{Code: -1, Reason: sandbox.Checkpointed, Message: "It can go on elsewhere."}
			case r.signal != nil:
				return sandbox.Exit{Code: *r.signal, Reason: sandbox.Exited}
			}
		case <-tick.C:
			if r.frozen || r.b.n.frozen() {
				continue
			}
			if r.ran += stepTime; r.state.Steps < r.want { // it may have been saved when it had just done the last one
				r.state = r.state.next(r.spec.Args, r.spec.Env["ARTEL_TASK"])
			}
			r.wall.Store(r.ran.Milliseconds())
			if err := r.diary(); err != nil {
				return sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: err.Error()}
			}
			if r.state.Steps < r.want {
				continue
			}
			out := fmt.Appendf(nil, "%v of %s: %s\n", r.spec.Args, r.spec.Env["ARTEL_TASK"], r.state.Digest)
			if err := os.WriteFile(filepath.Join(r.spec.Out, outFile), out, 0o644); err != nil {
				return sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: err.Error()}
			}
			return sandbox.Exit{Reason: sandbox.Exited, OutputBytes: int64(len(out)), OutputFiles: 1}
		}
	}
}

// diary is what the program itself writes under /checkpoint.
func (r *boxRun) diary() error {
	if r.spec.Checkpoint == "" {
		return nil
	}
	raw, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	if r.b.n.habit == scrambles {
		raw = raw[len(raw)/2:]
	}
	tmp := filepath.Join(r.spec.Checkpoint, ".new")
	return errors.Join(os.WriteFile(tmp, raw, 0o644), os.Rename(tmp, filepath.Join(r.spec.Checkpoint, stateFile)))
}

// ask has the program's goroutine do something between two steps.
func (r *boxRun) ask(what string, f func() error) (err error) {
	done := make(chan struct{})
	select {
	case r.asks <- func() { err = f(); close(done) }:
		<-done
	case <-r.ended:
		err = sandbox.ErrEnded
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, r.id, err)
	}
	return nil
}

// Freeze implements sandbox.Freezer.
func (r *boxRun) Freeze(context.Context) error {
	return r.ask("freeze", func() error { r.frozen = true; return nil })
}

// Thaw implements sandbox.Freezer.
func (r *boxRun) Thaw(context.Context) error {
	return r.ask("thaw", func() error { r.frozen = false; return nil })
}

// Terminate implements sandbox.Terminable. Of three programs one ends as if it had finished,
// one dies of it, and one is deaf.
func (r *boxRun) Terminate(context.Context) error {
	return r.ask("terminate", func() error {
		if r.frozen || r.b.n.frozen() {
			return sandbox.ErrFrozen
		}
		r.told = true
		codes := [...]int32{0, 143}
		if how := artel.Keccak([]byte(r.id))[0] % 3; int(how) < len(codes) {
			r.signal = &codes[how]
		}
		return nil
	})
}

// Checkpoint implements sandbox.Movable.
func (r *boxRun) Checkpoint(_ context.Context, dir string, o sandbox.CheckpointOptions) (c sandbox.Checkpoint, err error) {
	err = r.ask("checkpoint", func() error {
		x := savedBox{Needs: r.b.Needs(), State: r.state, Pad: slices.Repeat(r.state.Digest[:], 512)}
		x.Needs.Spec = fmt.Sprint(r.spec.Args)
		raw, err := json.Marshal(x)
		if err != nil {
			return err
		}
		if r.b.n.habit == scrambles {
			raw = raw[len(raw)/2:]
		}
		if err := os.WriteFile(filepath.Join(dir, imageFile), raw, 0o600); err != nil {
			return err
		}
		r.moved = o.Stop
		c = sandbox.Checkpoint{Needs: x.Needs, Bytes: int64(len(raw)), WallMillis: r.ran.Milliseconds(), CPUMillis: r.ran.Milliseconds(), PauseMillis: 1}
		return nil
	})
	return c, err
}
