package sandbox

import "fmt"

// Reason says why an attempt ended.
type Reason string

const (
	// Exited: the program ended by itself; Code is its own.
	Exited Reason = "exited"
	// OutOfTime: it ran for Limits.WallMillis and was stopped.
	OutOfTime Reason = "out of time"
	// OutOfMemory: it was refused memory at its limit and did not survive that.
	OutOfMemory Reason = "out of memory"
	// OutputLimit: it wrote more than Limits.OutputBytes or OutputFiles allow and
	// was stopped at the limit.
	OutputLimit Reason = "output limit"
	// LogFlood: it wrote FloodFactor times its log limit and was stopped.
	LogFlood Reason = "log flood"
	// Trapped: it did what a machine forbids: a division by zero, a stack
	// overflow, memory out of bounds, an abort.
	Trapped Reason = "trapped"
	// BadProgram: it could not be started: no program, made for something else,
	// or too costly to prepare.
	BadProgram Reason = "bad program"
	// Killed: by Run.Kill or Box.Close.
	Killed Reason = "killed"
	// Checkpointed: Movable.Checkpoint with Stop ended it; it can go on elsewhere.
	Checkpointed Reason = "checkpointed"
	// BadCheckpoint: what Spec.Restore held was damaged or forged, or this host cannot
	// take it up. Another host, or an older checkpoint, may do.
	BadCheckpoint Reason = "bad checkpoint"
	// Lost: the host failed it: a worker process died, a disk was full.
	Lost Reason = "lost"
)

// Fault says whose doing the end was: true when the program's own (the same would
// happen elsewhere, so trying again is pointless), false when the host's or its owner's.
// OutOfTime counts as the program's although a faster machine may finish it.
func (r Reason) Fault() bool {
	switch r {
	case OutOfTime, OutOfMemory, OutputLimit, LogFlood, Trapped, BadProgram:
		return true
	}
	return false
}

// Exit is how an attempt ended and what it used.
type Exit struct {
	// Code is the program's exit code when Reason is Exited, else -1.
	Code   int32
	Reason Reason
	// Message is a sentence for the person who wrote the program, with a hint what
	// to do next. Empty when Reason is Exited. It never holds text from the program
	// that is not quoted, nor host paths.
	Message string
	// Told: the program had been told to end (Terminable) when it did: its end may not be
	// that of its work.
	Told bool

	// PrepareMillis went by before the program's first instruction, WallMillis from
	// then to the end, without the time that it was frozen, both rounded up. CPUMillis is
	// the processor time of both. An attempt that went on from a checkpoint counts from there.
	PrepareMillis, WallMillis, CPUMillis int64
	// MemoryBytes is the most that the program had at once.
	MemoryBytes int64
	// OutputBytes and OutputFiles are what is in /out.
	OutputBytes, OutputFiles int64
	// LogBytes is what the program wrote to its log, LogKept what of it is in the
	// file (a note about the cut follows in the file and is not counted).
	LogBytes, LogKept int64
}

// OK reports whether the program ended by itself with code 0.
func (e Exit) OK() bool { return e.Reason == Exited && e.Code == 0 }

func (e Exit) String() string {
	if e.Reason == Exited {
		return fmt.Sprintf("exited with code %d", e.Code)
	}
	if e.Message == "" {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Message
}
