// Package sandbox is the door through which a stranger's program runs on the
// owner's machine: one attempt of a task goes in as a Spec, an Exit comes out.
//
// The port says what a program sees and what it can never do; the adapters below
// keep it: wasm (wazero in killable worker processes), gvisor (container images in
// an embedded gVisor), fake for tests. sandboxtest holds each of them to the same suite, section by section of
// what its Capabilities declare.
//
// # What a program sees
//
//	/in           its inputs, read only
//	/out          empty at the start; what is here at the end is the result
//	/checkpoint   only when Spec.Checkpoint is set: kept between attempts
//	args, env     exactly as in the Spec, nothing of the host's
//	stdout+stderr one log file, in the order of writing
//	a signal      when it is told to end, where the box has them (Terminable)
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
	"net"
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
	// process of the box is left; its error says what would not end. Start refuses
	// from then on with ErrClosed. A second Close does nothing.
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
	// Images: Spec.Root is understood, and has to be set. A box without it runs
	// Spec.Program.
	Images bool
	// CPU, Processes, Layer: the limit of that name is enforced while running.
	CPU, Processes, Layer bool
	// Network: Spec.Network is understood and enforced.
	Network bool
	// GPUs: Spec.GPUs is understood.
	GPUs bool
	// Interactive: every Run of it implements Interactive.
	Interactive bool
	// Freezes: every Run of it implements Freezer, and the box implements Meter.
	Freezes bool
	// Terminates: every Run of it implements Terminable, and Spec.StopSignal is understood.
	Terminates bool
	// Moves: every Run of it implements Movable, Spec.Restore is understood, and the box implements Mover.
	Moves bool
	// Outlives: attempts go on when the process that holds the Box dies, and the box
	// implements Adopter.
	Outlives bool
}

// Interactive is a Run that people can look into while it runs.
type Interactive interface {
	Run

	// Exec starts another program beside the attempt's own, inside the same box and
	// within the same limits. It ends when the attempt does. The error is about the
	// host, the command (ErrSpec, ErrNoProgram, ErrNotExecutable), or ErrEnded.
	Exec(ctx context.Context, c Command) (Process, error)

	// Dial connects to a TCP port that a program of the box listens on, on its
	// loopback or on all its addresses. Refused connections match syscall.ECONNREFUSED.
	Dial(ctx context.Context, port uint16) (net.Conn, error)

	// Usage is what the attempt has used so far.
	Usage(ctx context.Context) (Usage, error)
}

// Metered is a Run whose meter can be read while it runs. A box that measures less leaves
// the rest zero.
type Metered interface {
	Run
	// Usage is what the attempt has used so far; before its first instruction its
	// WallMillis are 0.
	Usage(ctx context.Context) (Usage, error)
}

// Command is a program to be run beside an attempt's own.
type Command struct {
	Args []string          // the whole command; a relative Args[0] is looked up in PATH
	Env  map[string]string // over the attempt's own
	Dir  string            // empty: the attempt's own
	// TTY gives it a terminal of Rows × Cols; Stderr is not used then.
	TTY        bool
	Rows, Cols uint16
	// Streams; nil is /dev/null. Exec does not close them. Process.Wait does not wait
	// for Stdin to end.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Process is a Command that has been started.
type Process interface {
	// Resize tells its terminal the size.
	Resize(rows, cols uint16) error
	// Signal sends a signal by its Linux number to it (with a TTY: to the
	// terminal's foreground processes). ESRCH: it has ended; ErrEnded: so has the box.
	Signal(n int) error
	// Wait returns the exit code (128+n when signal n ended it), after all output
	// has been written. Cancelling ctx ends the waiting alone.
	Wait(ctx context.Context) (int, error)
	// Kill ends it at once.
	Kill()
}

// Left is an attempt that an earlier holder of its box started.
type Left interface {
	Run
	// Spec is what it was started with, defaults filled in.
	Spec() Spec
}

// Usage is a reading of an attempt's meter.
type Usage struct {
	CPUMillis, WallMillis int64
	MemoryBytes           int64 // now
	Processes             int64
	OutputBytes, LogBytes int64
	SentBytes, GotBytes   int64 // by the network of Spec.Network
}

// Adopter is a Box whose attempts outlive the process that started them.
type Adopter interface {
	Box

	// Live returns the attempts that an earlier holder of this box started and whose
	// Exit nobody has collected yet: those that run and those that have ended since.
	// They are this box's from then on. Called once, before the first Start.
	Live(ctx context.Context) ([]Left, error)

	// Detach gives the box up and leaves its attempts running, as a crash would; Close
	// ends them. Without a holder, attempts end by themselves after a while.
	Detach() error
}

var (
	// ErrSpec wraps what Spec.Validate found, and host paths that are not usable.
	ErrSpec = errors.New("sandbox: bad spec")
	// ErrClosed is returned by Start after Close.
	ErrClosed = errors.New("sandbox: closed")
	// ErrEnded is returned for what can be done only while an attempt runs.
	ErrEnded = errors.New("sandbox: the attempt has ended")
	// ErrNoProgram is wrapped by Exec for a Command whose program is not in the box, and
	// ErrNotExecutable for one that cannot be executed there. Their texts are for people.
	ErrNoProgram     = errors.New("there is no such program in the image")
	ErrNotExecutable = errors.New("the program cannot be executed")
	// ErrRunning is returned by Start for the id of a live attempt.
	ErrRunning = errors.New("sandbox: an attempt of this id is running")
)
