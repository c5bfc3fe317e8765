//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
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

// freeze is sandbox.Movable's.
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
		s.clock.stop()
		if s.saving && s.grp.freezer() { // the program stands still for a checkpoint, and will go on doing so
			s.mu.Unlock()
			return nil
		}
		if s.grp.freezer() {
			// With mu: who kills the program thaws it first, and must not be overtaken.
			err := s.grp.set(true)
			s.mu.Unlock()
			if err != nil {
				_ = s.release(box)
				return err
			}
			return s.settleFrozen(ctx)
		}
		s.mu.Unlock()
		if err := box.Sandbox.Pause(box.ID); err != nil {
			_ = s.release(nil)
			return err
		}
		return nil
	})
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

// thaw is sandbox.Movable's.
func (s *supervisor) thaw() response {
	return s.try(func(box *container.Container) error {
		s.freezing.Lock()
		defer s.freezing.Unlock()
		return s.release(box)
	})
}

// release ends a freeze. Without a box, gVisor is not told.
func (s *supervisor) release(box *container.Container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.frozen {
		return nil
	}
	if s.grp.freezer() {
		if err := s.grp.set(false); err != nil {
			return err
		}
	} else if box != nil {
		if err := box.Sandbox.Resume(box.ID); err != nil {
			return err
		}
	}
	s.frozen = false
	s.clock.start()
	return nil
}

// melt lets the processes of a box that is to end do so: those that the old cgroups have
// frozen cannot even be killed. s.mu is held.
func (s *supervisor) melt() {
	if s.frozen && s.grp.freezer() {
		_ = s.grp.set(false)
	}
}

// clock is the wall clock of a limit; it can be stopped. Its user sees to it that
// one at a time calls it.
type clock struct {
	limit time.Duration
	end   func()
	ran   time.Duration
	since time.Time // zero while it stands
	timer *time.Timer
}

// start starts it, or lets it go on; end is called when it has run for limit.
func (c *clock) start() {
	if !c.since.IsZero() || c.end == nil {
		return
	}
	c.since = time.Now()
	c.timer = time.AfterFunc(c.limit-c.ran, c.end)
}

func (c *clock) stop() {
	if c.since.IsZero() {
		return
	}
	c.timer.Stop()
	c.ran, c.since = c.read(), time.Time{}
}

// read is for how long it has run.
func (c *clock) read() time.Duration {
	if c.since.IsZero() {
		return c.ran
	}
	return c.ran + time.Since(c.since)
}
