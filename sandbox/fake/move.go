package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// Steps stands for a program that can be moved: a call is a step from one state to the
// next, and between two of them it can stand still. The first state is empty. With an
// Exit it has ended.
type Steps func(spec sandbox.Spec, state []byte, log io.Writer) (next []byte, end *sandbox.Exit)

// stepEvery is how long a step takes at least.
const stepEvery = 100 * time.Microsecond

// NewMover makes a box that runs Steps alone, by Spec.Args[1], and takes checkpoints of
// them. It wants a Root, of which it sees nothing.
func NewMover(slots int, needs sandbox.Needs, programs map[string]Steps) *Box {
	b := New(slots, nil)
	b.needs, b.steps = needs, programs
	return b
}

// Refuse makes checkpoints fail from now on; nil: no more.
func (b *Box) Refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = err
}

func (b *Box) refused() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refuse
}

var _ sandbox.Mover = (*Box)(nil)
var _ sandbox.Movable = (*stepper)(nil)
var _ sandbox.Metered = (*stepper)(nil)

// Needs is sandbox.Mover's.
func (b *Box) Needs() sandbox.Needs { return b.needs }

// image is what a checkpoint holds, but for its state, which is a file of its own.
type image struct {
	Facts sandbox.Checkpoint
	Log   []byte
	Files [2]map[string]file // of /out and /checkpoint
	Steps int64
}

type file struct {
	Mode os.FileMode
	Data []byte
}

const (
	imageFile = "image.json"
	stateFile = "state"
)

func digestOf(s sandbox.Spec) string {
	l := s.Limits.WithDefaults()
	l.WallMillis = 0
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %+v %v", s.Args, s.User, l, s.Checkpoint != ""))
	return hex.EncodeToString(sum[:8])
}

// Inspect is sandbox.Mover's.
func (b *Box) Inspect(dir string, spec sandbox.Spec) (sandbox.Checkpoint, error) {
	i, err := b.inspect(dir, spec)
	return i.Facts, err
}

func (b *Box) inspect(dir string, spec sandbox.Spec) (i image, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, imageFile))
	if err == nil {
		err = json.Unmarshal(raw, &i)
	}
	if err != nil {
		return i, fmt.Errorf("inspect checkpoint: %w: %w", sandbox.ErrMismatch, err)
	}
	have := b.needs
	have.Spec = digestOf(spec)
	return i, i.Facts.Needs.MetBy(have)
}

// resume fills the directories of an attempt that goes on.
func (b *Box) resume(spec sandbox.Spec) (i image, state []byte, err error) {
	if spec.Restore == "" {
		return i, nil, nil
	}
	if i, err = b.inspect(spec.Restore, spec); err == nil {
		state, err = os.ReadFile(filepath.Join(spec.Restore, stateFile))
	}
	if err != nil {
		return i, nil, err
	}
	for n, dir := range []string{spec.Out, spec.Checkpoint} {
		if dir == "" {
			continue
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
			return i, nil, fmt.Errorf("%w: Out and Checkpoint are to be empty (%v)", sandbox.ErrSpec, err)
		}
		for name, f := range i.Files[n] {
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, f.Mode); err != nil {
				return i, nil, err
			}
		}
	}
	return i, state, nil
}

// stepper is a run of Steps.
type stepper struct {
	*run
	box  *Box
	spec sandbox.Spec

	mu     sync.Mutex // held by a step, and by whoever wants none meanwhile
	image  image
	state  []byte
	frozen bool
	thawed chan struct{} // closed when it may go on
	signal bool          // its program has yet to hear that it is to end
	ran    time.Duration
	moved  bool // it was ended by a checkpoint
	over   bool
}

func (s *stepper) program(p Steps) Program {
	return func(ctx context.Context, _ sandbox.Spec, log io.Writer) (exit sandbox.Exit) {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.over = true
			exit.WallMillis, exit.CPUMillis = s.ran.Milliseconds()+1, s.image.Steps
		}()
		for ctx.Err() == nil {
			if end, wait := s.step(p, log); end != nil {
				return *end
			} else if wait != nil {
				select {
				case <-wait:
				case <-ctx.Done():
				}
			}
		}
		return sandbox.Exit{}
	}
}

func (s *stepper) step(p Steps, log io.Writer) (end *sandbox.Exit, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved {
		return &sandbox.Exit{Code: -1, Reason: sandbox.Checkpointed, Message: "It can go on elsewhere."}, nil
	}
	if s.frozen {
		return nil, s.thawed
	}
	if s.signal {
		s.signal = false
		if p = s.box.trap(s.spec); p == nil {
			exit := diedOf(s.spec)
			return &exit, nil
		}
	}
	began := time.Now()
	t := time.NewTimer(stepEvery)
	defer t.Stop()
	s.state, end = p(s.spec, s.state, log)
	s.image.Steps++
	if end == nil {
		<-t.C
	}
	s.ran += time.Since(began)
	if end == nil && s.ran > time.Duration(s.spec.Limits.WallMillis)*time.Millisecond {
		end = &sandbox.Exit{Code: -1, Reason: sandbox.OutOfTime, Message: "It ran for its limit."}
	}
	return end, nil
}

// Freeze is sandbox.Movable's.
func (s *stepper) Freeze(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return fmt.Errorf("freeze %s: %w", s.id, sandbox.ErrEnded)
	}
	if !s.frozen {
		s.frozen, s.thawed = true, make(chan struct{})
	}
	return nil
}

// Thaw is sandbox.Movable's.
func (s *stepper) Thaw(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return fmt.Errorf("thaw %s: %w", s.id, sandbox.ErrEnded)
	}
	if s.frozen {
		s.frozen = false
		close(s.thawed)
	}
	return nil
}

// Usage is sandbox.Metered's.
func (s *stepper) Usage(context.Context) (sandbox.Usage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return sandbox.Usage{}, sandbox.ErrEnded
	}
	return sandbox.Usage{WallMillis: s.ran.Milliseconds(), CPUMillis: s.image.Steps, MemoryBytes: int64(len(s.state))}, nil
}

// Checkpoint is sandbox.Movable's.
func (s *stepper) Checkpoint(ctx context.Context, dir string, o sandbox.CheckpointOptions) (sandbox.Checkpoint, error) {
	c, err := s.checkpoint(ctx, dir, o)
	if err != nil {
		return c, fmt.Errorf("checkpoint %s: %w", s.id, err)
	}
	return c, nil
}

func (s *stepper) checkpoint(ctx context.Context, dir string, o sandbox.CheckpointOptions) (c sandbox.Checkpoint, err error) {
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		return c, errors.Join(err, errors.New("the directory is not empty"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return c, ctx.Err()
	case s.over:
		return c, sandbox.ErrEnded
	case s.box.refused() != nil:
		return c, s.box.refused()
	}
	i := s.image
	if i.Log, err = os.ReadFile(s.spec.Log); err != nil {
		return c, err
	}
	for n, d := range []string{s.spec.Out, s.spec.Checkpoint} {
		if d == "" {
			continue
		}
		i.Files[n] = map[string]file{}
		names, err := os.ReadDir(d)
		if err != nil {
			return c, err
		}
		for _, e := range names {
			data, err := os.ReadFile(filepath.Join(d, e.Name()))
			if err != nil {
				return c, err
			}
			i.Files[n][e.Name()] = file{0o644, data}
		}
	}
	needs := s.box.needs
	needs.Spec = digestOf(s.spec)
	i.Facts = sandbox.Checkpoint{
		Needs: needs, Bytes: int64(len(s.state)), CPUMillis: i.Steps, WallMillis: s.ran.Milliseconds() + 1, LogBytes: int64(len(i.Log)), PauseMillis: 1,
	}
	raw, err := json.Marshal(i)
	if err != nil {
		return c, err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, imageFile), raw, 0o600), os.WriteFile(filepath.Join(dir, stateFile), s.state, 0o600)); err != nil {
		return c, err
	}
	if o.Stop {
		s.moved = true
		if s.frozen {
			s.frozen = false
			close(s.thawed)
		}
	}
	return i.Facts, nil
}
