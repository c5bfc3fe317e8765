package provider

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/sandbox"
)

const (
	moveTries  = 3                      // of a program that cannot be moved at the moment
	moveAgain  = 500 * time.Millisecond // after that, then after twice as long
	calmTries  = 3                      // of files that change while they are read
	calmAgain  = 50 * time.Millisecond
	swiftTries = 20                    // then, of programs that cannot stand still
	calmFor    = 20 * time.Millisecond // since the last change: clocks of file systems are coarse
	saveSlack  = 64 << 20              // bytes of a whole checkpoint beyond what is seen of it
)

var (
	errSame    = errors.New("nothing has changed since the last checkpoint")
	errNothing = errors.New("there is nothing under /checkpoint")
)

// take writes a generation, the parent of the next. With stop the program executes
// nothing that is not in it.
func (s *saver) take(ctx context.Context, stop bool) (generation, error) {
	s.writes(true)
	defer s.writes(false)
	began := time.Now()
	g, err := s.takeBest(ctx, stop)
	g.began = began
	if err == nil {
		s.prev = g.m
		s.holds(g.m.Root)
	}
	return g, err
}

// takeBest takes the kind that is wanted, or that can be had.
func (s *saver) takeBest(ctx context.Context, stop bool) (generation, error) {
	why := s.unmoved()
	for try := 0; why == nil; try++ {
		g, err := s.takeWhole(ctx, stop)
		switch {
		case err == nil, ctx.Err() != nil:
			return g, err
		case !errors.Is(err, sandbox.ErrNotMovable) && !stop:
			return g, err
		case !errors.Is(err, sandbox.ErrNotMovable) || try == moveTries-1:
			why = err
		default:
			if !core.Every(ctx, moveAgain<<try) {
				return g, ctx.Err()
			}
		}
	}
	g, err := s.takeFiles(ctx, stop)
	if s.keep.Kind == artel.CheckpointFiles || !s.moves() && s.keep.Kind == "" {
		return g, err // as it is meant to be
	}
	g.note = "the files under /checkpoint were saved alone: " + why.Error()
	if err != nil && !errors.Is(err, errSame) {
		err = fmt.Errorf("%w; %w", why, err)
	}
	return g, err
}

func (a *attempt) moves() bool {
	_, ok := a.run.(sandbox.Movable)
	return ok && a.box.Capabilities().Moves
}

// unmoved says why only files are saved; nil: the whole program is.
func (s *saver) unmoved() error {
	switch {
	case s.keep.Kind == artel.CheckpointFiles:
		return errors.New("the job wants no more")
	case !s.moves():
		return fmt.Errorf("%w: this sandbox does not write down running programs", sandbox.ErrNotMovable)
	}
	return nil
}

// extra is what a checkpoint says to whoever is to go on from it.
type extra struct {
	Kind  artel.CheckpointKind `json:"kind"`
	Needs *sandbox.Needs       `json:"needs,omitempty"` // of a whole one
}

func (s *saver) takeWhole(ctx context.Context, stop bool) (g generation, err error) {
	room, err := s.claimRoom(s.expect(ctx))
	if err != nil {
		return g, err
	}
	defer room.leave()
	dir, err := os.MkdirTemp(s.Dir, "saving-")
	if err != nil {
		return g, clean(err)
	}
	defer os.RemoveAll(dir)
	c, err := s.run.(sandbox.Movable).Checkpoint(ctx, dir, sandbox.CheckpointOptions{Stop: stop})
	if err != nil {
		return g, err
	}
	s.dropRestored() // it runs
	if s.was, err = taken(dir); err != nil {
		return g, clean(err)
	}
	room.is(s.was)
	g, err = s.write(ctx, dir, extra{artel.CheckpointWhole, &c.Needs}, uint64(max(c.WallMillis, 0)))
	g.pause = millis(uint64(max(c.PauseMillis, 0)))
	return g, err
}

// expect is how many bytes a whole checkpoint may have, by what is seen of the program.
func (s *saver) expect(ctx context.Context) int64 {
	n := s.was / 4 * 5
	if m, ok := s.run.(sandbox.Metered); ok {
		if u, err := m.Usage(ctx); err == nil {
			n = max(n, u.MemoryBytes)
		}
	}
	for _, d := range []string{s.out, s.kept} {
		if files, err := taken(d); err == nil {
			n += files
		}
	}
	return n + saveSlack
}

// takeFiles saves what is under /checkpoint: while the program runs if it leaves the
// files alone meanwhile, else while it stands still, where it can. With stop it is told to end,
// and they are saved when it has, or when its time for that is over.
func (s *saver) takeFiles(ctx context.Context, stop bool) (g generation, err error) {
	if stop {
		wall := s.wall(ctx)
		exit, err := s.endWithin(ctx)
		if err != nil {
			return g, err
		}
		if exit.Told { // what it has done since counts
			wall = max(wall, uint64(max(exit.WallMillis, 0)))
		}
		return s.files(ctx, wall)
	}
	for try := range calmTries {
		before, err := look(s.kept)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return g, clean(err)
		case err == nil && before.names == 0:
			return g, errNothing
		case err == nil && before.mark == s.same:
			return g, errSame
		case err == nil && time.Since(before.newest).Abs() > calmFor:
			g, err := s.files(ctx, s.wall(ctx))
			after, lerr := look(s.kept)
			if err == nil && lerr == nil && after.mark == before.mark {
				g.same = after.mark
				return g, nil
			}
			if errors.Is(err, errSame) {
				s.same = before.mark
			}
			if err != nil && !errors.Is(err, checkpoint.ErrChanged) {
				return g, err
			} else if err == nil {
				s.dropSave(ctx, g.m.Root)
			}
		}
		if !core.Every(ctx, calmAgain<<try) {
			return g, ctx.Err()
		}
	}
	goOn, err := s.Still(ctx, s.Attempt)
	if errors.Is(err, sandbox.ErrNotMovable) || errors.Is(err, errors.ErrUnsupported) {
		return s.filesAsTheyCome(ctx)
	} else if err != nil {
		return generation{}, err
	}
	defer goOn()
	began := time.Now()
	if g, err = s.files(ctx, s.wall(ctx)); err == nil {
		g.pause = time.Since(began)
	}
	return g, err
}

// filesAsTheyCome saves files of which each is as it was at some moment of the copying:
// enough for a program that renames what it has written, and all that can be had of one
// that cannot stand still.
func (s *saver) filesAsTheyCome(ctx context.Context) (g generation, err error) {
	for range swiftTries {
		if g, err = s.files(ctx, s.wall(ctx)); !errors.Is(err, checkpoint.ErrChanged) {
			return g, err
		}
	}
	return g, fmt.Errorf("%w; hint: write another file and rename it", err)
}

func (s *saver) files(ctx context.Context, wall uint64) (generation, error) {
	l, err := look(s.kept)
	if errors.Is(err, fs.ErrNotExist) {
		return generation{}, fmt.Errorf("%w: %w", checkpoint.ErrChanged, clean(err))
	} else if err != nil {
		return generation{}, clean(err)
	}
	if l.names == 0 {
		return generation{}, errNothing
	}
	g, err := s.write(ctx, s.kept, extra{Kind: artel.CheckpointFiles}, wall)
	g.same = l.mark
	return g, err
}

// seen is what a directory is like from outside.
type seen struct {
	mark   string // names, sizes, times and permissions
	names  int
	newest time.Time
}

func look(dir string) (seen, error) {
	var l seen
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		l.names++
		if i.ModTime().After(l.newest) {
			l.newest = i.ModTime()
		}
		fmt.Fprintf(h, "%q %v %d %d\n", path, i.Mode(), i.Size(), i.ModTime().UnixNano())
		return nil
	})
	l.mark = string(h.Sum(nil))
	return l, err
}

// wall is for how many ms the attempt has run.
func (s *saver) wall(ctx context.Context) uint64 {
	if m, ok := s.run.(sandbox.Metered); ok {
		if u, err := m.Usage(ctx); err == nil {
			return uint64(max(u.WallMillis, 0))
		}
	}
	return 0
}

// write makes a directory the next generation.
func (s *saver) write(ctx context.Context, dir string, x extra, wall uint64) (g generation, err error) {
	b, err := json.Marshal(x)
	if err != nil {
		return g, err
	}
	size, err := taken(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return g, fmt.Errorf("%w: %w", checkpoint.ErrChanged, clean(err))
	} else if err != nil {
		return g, clean(err)
	}
	blocks, err := s.claimRoom(size) // they are counted as part of Saves when they are there
	if err != nil {
		return g, err
	}
	defer blocks.leave()
	meta := checkpoint.Meta{Task: s.keep.Task, Attempt: s.keep.Grant.Try, Lease: s.Lease, Extra: b}
	m, _, err := checkpoint.Save(ctx, s.Saves, checkpoint.Key(s.keep.Key), dir, s.prev, meta, s.options())
	if err != nil {
		return g, inside(err, dir)
	}
	if base := s.base(); base != nil && base.Tree == m.Digest {
		s.dropSave(ctx, m.Root)
		return g, errSame
	}
	g.m = m
	g.saved = artel.Saved{
		Lease: s.Lease, Number: s.Task, Attempt: s.TaskKey.Attempt, Task: s.keep.Task, Kind: x.Kind, Generation: m.Generation, Root: m.Root, Parent: m.Parent,
		Tree: m.Digest, Bytes: uint64(m.Bytes), Stored: uint64(m.Stored), Wall: min(wall, s.t.Unit),
	}
	if s.last != nil {
		g.saved.Wall = max(g.saved.Wall, s.last.Wall)
	}
	return g, nil
}

// within keeps a directory's name out of what a renter reads.
type within struct {
	error
	text string
}

func (w within) Error() string { return w.text }
func (w within) Unwrap() error { return w.error }

// inside says /checkpoint for a directory of this host.
func inside(err error, dir string) error {
	return within{err, strings.ReplaceAll(err.Error(), dir, "/checkpoint")}
}
