package lease

import "fmt"

// Phase of a lease.
//
//	          propose+countersign
//	(nothing) ───────────────────▶ Open ──close, end, unpaid, release──▶ Ending ──last task over──▶ Closed
//
// An Ending lease takes no new tasks; what was delivered may still be paid.
type Phase uint8

// The phases.
const (
	Open Phase = iota + 1
	Ending
	Closed
)

// String returns the phase's word.
func (p Phase) String() string {
	switch p {
	case Open:
		return "open"
	case Ending:
		return "ending"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// TaskKey names an attempt within a lease.
type TaskKey struct {
	Task    uint64 `json:"task"`
	Attempt uint32 `json:"attempt"`
}

// MaxOut is how many attempts may be out on a lease at once: what a renter can
// make a provider remember, and what one answer lists (wire.MaxRunning).
func MaxOut(slots uint32) int { return int(min(max(1024, slots+64), 4096)) }
