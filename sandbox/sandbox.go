// Package sandbox is the door through which a stranger's program runs on the
// owner's machine: one attempt of a task goes in as a Spec, an Exit comes out.
//
// The port says what a program sees and what it can never do; the adapters below
// keep it: wasm (wazero in killable worker processes), containers later, fake for
// tests. sandboxtest holds each of them to the same suite, section by section of
// what its Capabilities declare.
//
// # What a program sees
//
//	/in           its inputs, read only
//	/out          empty at the start; what is here at the end is the result
//	/checkpoint   only when Spec.Checkpoint is set: kept between attempts
//	args, env     exactly as in the Spec, nothing of the host's
//	stdout+stderr one log file, in the order of writing
//
// Nothing else: no other file, no network, no other process.
//
// # What to expect of a program
//
// The worst. Loops that never end, allocation until refused, a million empty
// files, a log without end, a file that is not a program at all: each ends in an
// Exit that names the reason, and costs the owner no more than its Limits.
package sandbox

import (
	"context"
	"errors"
	"io"
)

// Box runs attempts. All methods may be called from many goroutines.
type Box interface {
	// Start begins an attempt and returns once it has a slot to run in; it waits
	// for a free one until ctx ends. ctx bounds Start only: an attempt that has
	// started ends by itself, by its limits, by Run.Kill or by Close.
	//
	// id names the attempt in errors and must not be that of a live one (ErrRunning).
	//
	// The error is about the host or the Spec (ErrSpec, ErrClosed, ErrRunning, ctx's
	// error, a directory that cannot be opened). Whatever is wrong with the program
	// itself is never an error here: it comes from Run.Wait as BadProgram.
	Start(ctx context.Context, id string, spec Spec) (Run, error)

	// Capabilities says what this box can do. It is constant for the box's life.
	Capabilities() Capabilities

	// Close kills every live attempt (they end as Killed), and returns when no
	// process of the box is left. Start refuses from then on with ErrClosed. A
	// second Close does nothing.
	Close() error
}

// Run is one attempt that has been started.
type Run interface {
	// ID is the id given to Start.
	ID() string

	// Wait blocks until the attempt has ended and returns its Exit; the error is
	// ctx's and nothing else, since every end has an Exit. It may be called again,
	// and by many, and gives the same Exit each time. When it has returned an Exit,
	// nothing writes to the Spec's directories or its log any more.
	Wait(ctx context.Context) (Exit, error)

	// Kill ends the attempt at once, without a chance to tidy up, and returns
	// without waiting. An attempt that has ended keeps the Exit it had.
	Kill()

	// Follow copies the log to w from its first byte, goes on as it grows, and
	// returns nil when the attempt has ended and all of the log is written, or
	// else ctx's or w's error. The same bytes are in Spec.Log at the same time.
	Follow(ctx context.Context, w io.Writer) error
}

// Capabilities are what a box declares, and what sandboxtest then demands of it.
type Capabilities struct {
	// Kind names the way of running: "wasm", "gvisor", "fake".
	Kind string
	// Slots is how many attempts run at the same time; a further Start waits.
	Slots int
	// Deterministic: the same Spec gives the same bytes in /out, the same log and
	// the same Code on any machine, when it ends with Reason Exited. Clock and
	// randomness come from Spec.Start and Spec.Seed alone.
	Deterministic bool
	// Runs: it executes programs. Only fake, which has nothing to run them with,
	// leaves it false.
	Runs bool
	// Memory, Wall, Output, Log: the limit of that name is enforced while running.
	Memory, Wall, Output, Log bool
	// Confined: the process that runs the program could not reach the owner's
	// files, network or other processes even if the program broke out of its
	// runtime (what the kernel offers for this differs; see the adapter).
	Confined bool
}

var (
	// ErrSpec wraps what Spec.Validate found, and host paths that are not usable.
	ErrSpec = errors.New("sandbox: bad spec")
	// ErrClosed is returned by Start after Close.
	ErrClosed = errors.New("sandbox: closed")
	// ErrRunning is returned by Start for the id of a live attempt.
	ErrRunning = errors.New("sandbox: an attempt of this id is running")
)
