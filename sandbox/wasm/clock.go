package wasm

import (
	"math/rand/v2"
	"time"
)

// clockStep is how much time goes by for the program each time it asks. It must not be
// zero: a loop that waits for a deadline would never end.
const clockStep = time.Microsecond

// clock is the only time a program can see. It stands still while the program computes
// and jumps when it sleeps, so that a run does not depend on the machine's speed.
type clock struct {
	now  int64 // nanoseconds since 1970
	mono int64 // nanoseconds since the start
}

func (c *clock) advance(d int64) {
	// A program may sleep for as long as it likes; time does not run backwards for it.
	if d > 0 && c.now+d > c.now && c.mono+d > c.mono {
		c.now += d
		c.mono += d
	}
}

// walltime is wazero's sys.Walltime.
func (c *clock) walltime() (sec int64, nsec int32) {
	c.advance(int64(clockStep))
	t := time.Unix(0, c.now)
	return t.Unix(), int32(t.Nanosecond())
}

// nanotime is wazero's sys.Nanotime.
func (c *clock) nanotime() int64 {
	c.advance(int64(clockStep))
	return c.mono
}

// nanosleep is wazero's sys.Nanosleep.
func (c *clock) nanosleep(ns int64) { c.advance(ns) }

// entropy is the program's only source of randomness: ChaCha8 (C2SP) keyed by the
// Spec's seed. Its numbers are unpredictable to who does not know the seed; the renter
// and the provider both do.
func entropy(seed [32]byte) *rand.ChaCha8 { return rand.NewChaCha8(seed) }
