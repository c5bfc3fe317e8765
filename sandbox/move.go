package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// Movable is a Freezer whose whole state can be written down, to go on from there
// elsewhere (Spec.Restore).
type Movable interface {
	Freezer
	// Checkpoint writes the whole state of the box into dir, an existing, empty directory:
	// memory, processes, open files, what was written above the image, /out, /checkpoint
	// and the log, all of one instant. The program stands still meanwhile
	// (Checkpoint.PauseMillis), and then goes on as if nothing had been; what was frozen is
	// again. When the error is not nil, dir is empty and the program goes on: ErrNotMovable
	// (this program, at this moment), ErrEnded, ctx's, or about the host. /in and the image
	// are not part of it.
	Checkpoint(ctx context.Context, dir string, o CheckpointOptions) (Checkpoint, error)
}

// CheckpointOptions say how a checkpoint is taken.
type CheckpointOptions struct {
	// Stop ends the attempt once the checkpoint is written, with Reason Checkpointed: it
	// executes nothing that is not in the checkpoint.
	Stop bool
}

// Checkpoint tells what a directory that Movable.Checkpoint has filled holds.
type Checkpoint struct {
	Needs Needs `json:"needs"`
	// Bytes is the sum of its files' sizes; holes count.
	Bytes int64 `json:"bytes"`
	// CPUMillis and WallMillis are what the attempt had used, without earlier attempts.
	CPUMillis  int64 `json:"cpuMillis"`
	WallMillis int64 `json:"wallMillis"`
	// LogBytes is what the program had written to its log, earlier attempts included.
	LogBytes int64 `json:"logBytes"`
	// PauseMillis is for how long the program stood still for it.
	PauseMillis int64 `json:"pauseMillis"`
}

// Needs is what a checkpoint wants of the host, the box and the Spec that it goes on with.
type Needs struct {
	// CPU must be had (artel.CPU.Has): the program has seen these features, and may
	// be in the midst of using them.
	CPU artel.CPU `json:"cpu"`
	// Version of the box; it must be the same.
	Version string `json:"version"`
	// Spec is a digest of what must be the same in the Spec: command, user, limits, which
	// directories there are. Host paths, Env and In's content are not in it.
	Spec string `json:"spec"`
}

// MetBy says what have, a host's, lacks: nil, or an error that wraps ErrMismatch. An
// empty Spec on either side is not compared.
func (n Needs) MetBy(have Needs) error {
	switch {
	case n.Version != have.Version:
		return fmt.Errorf("%w: it was taken by version %.60q of the sandbox, and this is %.60q", ErrMismatch, n.Version, have.Version)
	case n.CPU.Arch != have.CPU.Arch || n.CPU.Vendor != have.CPU.Vendor:
		return fmt.Errorf("%w: it was taken on a processor %.32s of %.32q, and this is %s of %q", ErrMismatch, n.CPU.Arch, n.CPU.Vendor, have.CPU.Arch, have.CPU.Vendor)
	case !have.CPU.Has(n.CPU):
		var lacks []string
		for _, f := range n.CPU.Features {
			if !slices.Contains(have.CPU.Features, f) {
				lacks = append(lacks, f)
			}
		}
		more := ""
		if len(lacks) > 8 {
			lacks, more = lacks[:8], " and more"
		}
		return fmt.Errorf("%w: this processor lacks %.32q%s, which the program has seen", ErrMismatch, lacks, more)
	case n.Spec != "" && have.Spec != "" && n.Spec != have.Spec:
		return fmt.Errorf("%w: it was taken with another Spec; command, user, limits and the presence of Checkpoint and Network must be the same", ErrMismatch)
	}
	return nil
}

// Mover is a Box that takes checkpoints and goes on from them (Capabilities.Moves).
type Mover interface {
	Box
	// Needs is what a checkpoint that is taken here will want elsewhere, and what this
	// box offers to those of others; Spec is empty.
	Needs() Needs
	// Inspect reads what a checkpoint in dir is, and whether this box can go on from it
	// with spec: an error that wraps ErrMismatch says why not. It looks at the small
	// facts only; a damaged image shows when it is restored, as BadCheckpoint.
	Inspect(dir string, spec Spec) (Checkpoint, error)
}

var (
	// ErrNotMovable is wrapped, with the reason, by Checkpoint where what the program does
	// at the moment cannot be written down: connections to the world, a GPU.
	ErrNotMovable = errors.New("sandbox: cannot be moved")
	// ErrMismatch is wrapped, with the reason, by Start where a checkpoint cannot go on
	// here: other processor, other version, other Spec, or no whole checkpoint.
	ErrMismatch = errors.New("sandbox: the checkpoint does not fit")
)
