//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/runsc/container"

	"github.com/artel-network/artel/sandbox"
)

var _ sandbox.Terminable = (*attempt)(nil)

// Terminate is sandbox.Terminable's.
func (a *attempt) Terminate(ctx context.Context) error {
	_, _, err := a.call(ctx, request{Op: "terminate"})
	if errors.Is(err, unix.ESRCH) {
		err = sandbox.ErrEnded
	}
	if err != nil {
		return fmt.Errorf("terminate %s: %w", a.task.ID, err)
	}
	return nil
}

// terminate is sandbox.Terminable's. That the program was told is known here alone, and
// outlives whoever has asked for it: an end that looks like that of its work is none.
func (s *supervisor) terminate() response {
	return s.try(func(box *container.Container) error {
		s.freezing.Lock() // what is frozen would not answer
		defer s.freezing.Unlock()
		s.mu.Lock()
		frozen := s.frozen
		s.mu.Unlock()
		if frozen {
			return sandbox.ErrFrozen
		}
		sent := make(chan error, 1)
		s.telling.Lock() // until it is known whether it was told
		go func() {
			defer s.telling.Unlock()
			err := box.Sandbox.SignalContainer(box.ID, unix.Signal(s.task.Spec.Stops()), false)
			s.told = s.told || err == nil || !unsent(err)
			sent <- err
		}()
		t := time.NewTimer(haltFor)
		defer t.Stop()
		select {
		case err := <-sent:
			return err
		case <-t.C: // whoever wants it to stand still does not wait for it
			return fmt.Errorf("the sandbox has not answered within %s", haltFor)
		}
	})
}

// unsent says that gVisor did not even hear of a signal, or had no process for it. Of what
// died while it was told nobody knows: it counts as told.
func unsent(err error) bool {
	text := err.Error()
	for _, mark := range []string{"connecting to control server", "no control socket", "connection refused", "no such process", "has stopped", "not started"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// wasTold reports whether the program was told to end, once it has.
func (s *supervisor) wasTold() bool {
	s.telling.Lock()
	defer s.telling.Unlock()
	return s.told
}
