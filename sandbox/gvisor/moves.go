//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/snapshot"
)

var _ sandbox.Movable = (*attempt)(nil)
var _ sandbox.Mover = (*Box)(nil)

// Freeze is sandbox.Freezer's.
func (a *attempt) Freeze(ctx context.Context) error {
	if _, _, err := a.call(ctx, request{Op: "freeze"}); err != nil {
		return fmt.Errorf("freeze %s: %w", a.task.ID, err)
	}
	return nil
}

// Thaw is sandbox.Freezer's.
func (a *attempt) Thaw(ctx context.Context) error {
	if _, _, err := a.call(ctx, request{Op: "thaw"}); err != nil {
		return fmt.Errorf("thaw %s: %w", a.task.ID, err)
	}
	return nil
}

// Checkpoint is sandbox.Movable's.
func (a *attempt) Checkpoint(ctx context.Context, dir string, o sandbox.CheckpointOptions) (sandbox.Checkpoint, error) {
	c, err := a.checkpoint(ctx, dir, o)
	if err != nil {
		return sandbox.Checkpoint{}, fmt.Errorf("checkpoint %s: %w", a.task.ID, err)
	}
	return c, nil
}

func (a *attempt) checkpoint(ctx context.Context, dir string, o sandbox.CheckpointOptions) (sandbox.Checkpoint, error) {
	fail := func(err error) (sandbox.Checkpoint, error) { return sandbox.Checkpoint{}, err }
	d, err := os.Open(dir)
	if err != nil {
		return fail(err)
	}
	defer d.Close()
	if names, err := d.Readdirnames(1); len(names) > 0 {
		return fail(fmt.Errorf("the directory %s is not empty", dir))
	} else if errors.Is(err, unix.ENOTDIR) {
		return fail(err)
	}
	conn, err := a.dial(ctx, request{Op: "checkpoint", Stop: o.Stop}, d)
	if err != nil {
		return fail(a.gone(err))
	}
	defer conn.Close()
	// Whoever gives up says so, and waits until the program goes on.
	defer context.AfterFunc(ctx, func() { _ = conn.CloseWrite() })()
	var resp response
	if _, err := receive(conn, &resp); err != nil {
		if root, rerr := os.OpenRoot(dir); rerr == nil { // its supervisor died at it
			snapshot.Clear(root)
			_ = root.Close()
		}
		return fail(a.gone(errors.Join(ctx.Err(), err)))
	}
	if ctx.Err() != nil && resp.Checkpoint == nil {
		return fail(ctx.Err())
	}
	if err := resp.err(); err != nil {
		return fail(err)
	}
	if resp.Checkpoint == nil {
		return fail(errors.New("the supervisor gave none"))
	}
	return *resp.Checkpoint, nil
}

// freezeFor is how long the supervisor tries when its caller does not give up earlier.
const freezeFor = time.Minute
