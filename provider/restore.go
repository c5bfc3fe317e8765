package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/sandbox"
)

// restore brings the checkpoint that an attempt goes on from, and lays it out for the
// sandbox. It is a stranger's: what is wrong with it is told as ReasonStale, and its memory is
// taken up by the sandbox alone, inside its box.
func (a *attempt) restore(ctx context.Context, spec *sandbox.Spec) (artel.Reason, error) {
	from, grant := a.r.Keep.From.Saved, a.r.Keep.Grant
	switch {
	case from.Stored > grant.Bytes:
		return artel.ReasonStale, fmt.Errorf("it has %d bytes of blocks, at most %d were to be kept", from.Stored, grant.Bytes)
	case from.Kind == artel.CheckpointFiles && from.Bytes > uint64(a.disk()), from.Bytes > 1<<50:
		return artel.ReasonStale, fmt.Errorf("it has files of %d bytes, the task may have %d", from.Bytes, a.disk())
	}
	lim := checkpoint.Limits{Bytes: int64(max(from.Bytes, 1)), Stored: int64(max(from.Stored, 1))}
	blocks, err := a.claimRoom(lim.Stored)
	if err != nil {
		return artel.ReasonRefused, err
	}
	defer blocks.leave() // they are counted as part of Saves
	a.swap(a.Attempt, []artel.Ref{from.Root})
	want := checkpoint.Want{Task: a.r.Keep.Task, Generation: from.Generation, Digest: from.Tree}
	if why, err := a.fetchSave(ctx, from, want, lim); err != nil {
		return why, err
	}
	a.c.Phase("restoring")
	room, err := a.claimRoom(lim.Bytes)
	if err != nil {
		return artel.ReasonRefused, err
	}
	a.restored = func() { room.leave() }
	dir := a.kept
	if from.Kind == artel.CheckpointWhole {
		if dir, err = os.MkdirTemp(a.Dir, "restoring-"); err != nil {
			return artel.ReasonHost, clean(err)
		}
		a.restored = func() { os.RemoveAll(dir); room.leave() }
	}
	a.defers(a.dropRestored)
	if a.began, err = checkpoint.Restore(ctx, a.Saves, checkpoint.Key(a.r.Keep.Key), from.Root, want, dir, checkpoint.Options{Limits: lim}); err != nil {
		return unfitSave(err), inside(err, dir)
	}
	if from.Kind != artel.CheckpointWhole {
		a.dropRestored() // it is the program's now, and in its claim
		return "", nil
	}
	spec.Restore = dir
	if _, err := a.box.(sandbox.Mover).Inspect(dir, *spec); errors.Is(err, sandbox.ErrMismatch) {
		return artel.ReasonStale, err
	} else if err != nil {
		return artel.ReasonHost, clean(err)
	}
	return "", nil
}

// dropRestored removes the directory that a program has gone on from.
func (a *attempt) dropRestored() {
	if a.restored != nil {
		a.restored()
		a.restored = nil
	}
}

// fetchSave brings a checkpoint into Saves. It ends as soon as what has come of it shows
// that it cannot go on here.
func (a *attempt) fetchSave(ctx context.Context, from artel.Saved, want checkpoint.Want, lim checkpoint.Limits) (artel.Reason, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var one sync.Mutex
	judged := false
	judge := func() error {
		one.Lock()
		defer one.Unlock()
		if judged {
			return nil
		}
		info, err := checkpoint.Describe(ctx, a.Saves, checkpoint.Key(a.r.Keep.Key), from.Root, want, lim)
		if errors.Is(err, blob.ErrNotFound) {
			return nil // there is more to come
		}
		judged = true
		if err == nil {
			err = a.fits(info, from.Kind)
		}
		if err != nil && ctx.Err() == nil {
			cancel(unfitError{err})
		}
		return err
	}
	err := a.Bring(ctx, a.r.Keep.Keepers, watched{a.Saves, func() { _ = judge() }}, from.Root, lim.Stored)
	var bad unfitError
	switch {
	case errors.As(context.Cause(ctx), &bad):
		return artel.ReasonStale, bad.error
	case errors.Is(err, errQuota), errors.Is(err, blob.ErrFull):
		return artel.ReasonRefused, clean(err)
	case errors.Is(err, blob.ErrLimit), errors.Is(err, blob.ErrMalformed), errors.Is(err, blob.ErrUnsupported), errors.Is(err, blob.ErrKind):
		return artel.ReasonStale, clean(err)
	case err != nil:
		return artel.ReasonNoInput, fmt.Errorf("no keeper has brought it: %w", clean(err))
	}
	if err := judge(); err != nil { // it was here before
		return artel.ReasonStale, err
	}
	return "", nil
}

// unfitError says that a checkpoint cannot go on here.
type unfitError struct{ error }

func (u unfitError) Unwrap() error { return u.error }

// fits compares what a checkpoint says of itself with this box.
func (a *attempt) fits(info checkpoint.Info, kind artel.CheckpointKind) error {
	var x extra
	if err := json.Unmarshal(info.Extra, &x); err != nil {
		return fmt.Errorf("%w: what it says of itself: %w", checkpoint.ErrMalformed, err)
	}
	switch {
	case x.Kind != kind:
		return fmt.Errorf("%w: it is of kind %.20q, want %s", checkpoint.ErrOther, x.Kind, kind)
	case kind == artel.CheckpointFiles:
		return nil
	}
	mover, ok := a.box.(sandbox.Mover)
	if !ok || !a.box.Capabilities().Moves {
		return fmt.Errorf("%w: this machine's sandbox takes up no running programs", sandbox.ErrMismatch)
	}
	if x.Needs == nil {
		return fmt.Errorf("%w: it does not say what it needs", checkpoint.ErrMalformed)
	}
	return x.Needs.MetBy(mover.Needs())
}

// unfitSave says whose doing it is that a checkpoint which is here cannot be laid out.
func unfitSave(err error) artel.Reason {
	for _, bad := range []error{checkpoint.ErrKey, checkpoint.ErrMalformed, checkpoint.ErrOther, checkpoint.ErrLimit, checkpoint.ErrUnsupported, blob.ErrMismatch, blob.ErrNotFound} {
		if errors.Is(err, bad) {
			return artel.ReasonStale
		}
	}
	return artel.ReasonHost
}

// watched is a store that tells when something new is in it.
type watched struct {
	blob.Store
	news func()
}

// Put implements blob.Store.
func (w watched) Put(ctx context.Context, ref artel.Ref, data []byte) error {
	err := w.Store.Put(ctx, ref, data)
	if err == nil {
		w.news()
	}
	return err
}

// Batch implements blob.Store.
func (w watched) Batch(ctx context.Context) blob.Batch {
	return watchedBatch{w.Store.Batch(ctx), w.news}
}

type watchedBatch struct {
	blob.Batch
	news func()
}

// Commit implements blob.Batch.
func (w watchedBatch) Commit(ctx context.Context) error {
	err := w.Batch.Commit(ctx)
	if err == nil {
		w.news()
	}
	return err
}
