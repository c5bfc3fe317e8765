package sandboxtest

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// testEnds asks for all that can be asked of a program, again and again until it has
// ended: whatever meets the end hears that it did.
func testEnds(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	type ask func(t *testing.T, r sandbox.Interactive) error
	asks := map[string]ask{
		"Exec": func(_ *testing.T, r sandbox.Interactive) error {
			p, err := r.Exec(ctx, sandbox.Command{Args: []string{"/program", "ok"}})
			if err == nil {
				_, err = p.Wait(ctx)
			}
			return err
		},
		"Dial": func(_ *testing.T, r sandbox.Interactive) error {
			c, err := r.Dial(ctx, 8080)
			if err == nil {
				_ = c.Close()
			} else if errors.Is(err, syscall.ECONNREFUSED) { // by the program
				err = nil
			}
			return err
		},
		"Usage": func(_ *testing.T, r sandbox.Interactive) error {
			_, err := r.Usage(ctx)
			return err
		},
	}
	if s.box.Capabilities().Freezes {
		asks["Thaw"] = func(t *testing.T, r sandbox.Interactive) error { return freezer(t, r).Thaw(ctx) }
	}
	if s.box.Capabilities().Moves {
		asks["Checkpoint"] = func(t *testing.T, r sandbox.Interactive) error {
			dir, err := os.MkdirTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			_, err = movable(t, r).Checkpoint(ctx, dir, sandbox.CheckpointOptions{})
			return err
		}
	}
	for name, ask := range asks {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				j := s.job(t, "counts", "20")
				r := s.start(j).(sandbox.Interactive)
				for {
					err := ask(t, r)
					if errors.Is(err, sandbox.ErrEnded) {
						break
					} else if err != nil {
						t.Error(err)
						break
					}
				}
				j.exit = wait(t, r)
				j.wantExit(0)
			}
		})
	}
	t.Run("Signal", func(t *testing.T) {
		for range 2 {
			j := s.job(t, "counts", "20")
			r := s.start(j).(sandbox.Interactive)
			p, err := r.Exec(ctx, sandbox.Command{Args: []string{"/program", "sit"}})
			for err == nil || errors.Is(err, syscall.ESRCH) { // its end comes before the program's
				err = p.Signal(int(syscall.SIGCONT))
			}
			if !errors.Is(err, sandbox.ErrEnded) {
				t.Error(err)
			}
			j.exit = wait(t, r)
			j.wantExit(0)
		}
	})
}
