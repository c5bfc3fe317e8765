//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gvisor.dev/gvisor/runsc/container"

	"github.com/artel-network/artel/sandbox"
)

// freezer says whether the kernel can stop the group's processes. Where it cannot,
// gVisor is asked to.
func (g *group) freezer() bool { return g != nil && (g.c.V2 != "" || g.c.V1["freezer"] != "") }

// set stops the group's processes, or lets them go on; settled says whether that has
// come to pass.
func (g *group) set(frozen bool) error {
	switch {
	case !g.freezer():
		return nil
	case g.c.V2 != "" && frozen:
		return writeFile(g.dir(""), "cgroup.freeze", "1")
	case g.c.V2 != "":
		return writeFile(g.dir(""), "cgroup.freeze", "0")
	case frozen:
		return writeFile(g.dir("freezer"), "freezer.state", "FROZEN")
	}
	return writeFile(g.dir("freezer"), "freezer.state", "THAWED")
}

func (g *group) settled(frozen bool) bool {
	if g.c.V2 != "" {
		return g.field("", "cgroup.events", "frozen") == 1 == frozen
	}
	b, err := os.ReadFile(filepath.Join(g.dir("freezer"), "freezer.state"))
	return err == nil && strings.TrimSpace(string(b)) == map[bool]string{true: "FROZEN", false: "THAWED"}[frozen]
}

// settle waits for it. The kernel gets to most processes at once, and to one that waits
// for a disk when that has answered.
func (g *group) settle(ctx context.Context, frozen bool) error {
	for wait := 200 * time.Microsecond; !g.settled(frozen); wait = min(2*wait, 10*time.Millisecond) {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("wait for the freezer: %w", ctx.Err())
		}
	}
	return nil
}

// freeze is sandbox.Freezer's.
func (s *supervisor) freeze(ctx context.Context) response {
	return s.try(func(box *container.Container) error {
		s.freezing.Lock()
		defer s.freezing.Unlock()
		s.mu.Lock()
		if s.running == nil || s.cause != "" {
			s.mu.Unlock()
			return sandbox.ErrEnded
		}
		if s.frozen {
			s.mu.Unlock()
			return s.settleFrozen(ctx)
		}
		s.frozen = true
		s.clock.Stop()
		s.mu.Unlock()
		if !s.grp.freezer() {
			if err := box.Sandbox.Pause(box.ID); err != nil {
				_ = s.release(nil)
				return s.ending(box, err)
			}
			return nil
		}
		s.halt(box)
		s.mu.Lock()
		switch {
		case s.running == nil || s.cause != "":
			s.mu.Unlock()
			return sandbox.ErrEnded
		case s.saving: // the program stands still for a checkpoint, and will go on doing so
			s.mu.Unlock()
			return nil
		}
		// With mu: who kills the program thaws it first, and must not be overtaken.
		err := s.grp.set(true)
		s.mu.Unlock()
		if err != nil {
			_ = s.release(box)
			return err
		}
		return s.settleFrozen(ctx)
	})
}

// haltFor is how long gVisor may take to stop the program by itself. It needs milliseconds,
// and on a machine with twenty times too much to do a good part of a second.
const haltFor = 2 * time.Second

// halt has gVisor stop the program's tasks before the kernel stops all of gVisor. It
// measures the time in which a task answers an interrupt, and takes one that has not done so
// within five seconds for dead: it kills the program as soon as it is thawed. What
// does not stop in time is frozen nevertheless. s.freezing is held.
func (s *supervisor) halt(box *container.Container) {
	if s.halted != nil {
		return
	}
	halted := make(chan error, 1)
	s.halted = halted
	go func() { halted <- box.Sandbox.Pause(box.ID) }()
	t := time.NewTimer(haltFor)
	defer t.Stop()
	select {
	case err := <-halted:
		halted <- err
	case <-t.C:
	}
}

// unhalt ends halt, when the kernel lets gVisor run. s.freezing is held.
func (s *supervisor) unhalt(box *container.Container) error {
	halted := s.halted
	if s.halted = nil; halted == nil {
		return nil
	}
	select {
	case err := <-halted:
		if err == nil {
			err = box.Sandbox.Resume(box.ID)
		}
		if err == nil {
			return nil
		}
		if err = s.ending(box, err); !errors.Is(err, sandbox.ErrEnded) {
			s.stop(sandbox.Lost) // nobody else would end it
		}
		return err
	case <-s.ended:
		return sandbox.ErrEnded
	}
}

func (s *supervisor) settleFrozen(ctx context.Context) error {
	s.mu.Lock()
	saving := s.saving
	s.mu.Unlock()
	if saving || !s.grp.freezer() {
		return nil
	}
	return s.grp.settle(ctx, true)
}

// thaw is sandbox.Freezer's.
func (s *supervisor) thaw() response {
	return s.try(func(box *container.Container) error {
		s.freezing.Lock()
		defer s.freezing.Unlock()
		return s.release(box)
	})
}

// release ends a freeze. Without a box, gVisor is not told. s.freezing is held.
func (s *supervisor) release(box *container.Container) error {
	s.mu.Lock()
	frozen := s.frozen
	var err error
	if frozen && s.grp.freezer() {
		err = s.grp.set(false)
	}
	s.mu.Unlock()
	if !frozen || err != nil {
		return err
	}
	if s.grp.freezer() {
		err = s.unhalt(box)
	} else if box != nil {
		err = box.Sandbox.Resume(box.ID)
		if err != nil {
			err = s.ending(box, err)
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = false
	s.clock.Start()
	return nil
}

// melt lets the processes of a box that is to end do so: those that the old cgroups have
// frozen cannot even be killed. s.mu is held.
func (s *supervisor) melt() {
	if s.frozen && s.grp.freezer() {
		_ = s.grp.set(false)
	}
}
