package core

import "time"

// Jump is how far a machine's clocks came apart between two rounds. An actor's
// durations are differences of wall times: it moves what they begin at.
type Jump struct {
	// Set is by how much the wall clock was set: that much of its time never was.
	Set time.Duration
	// Slept is for how long the machine slept: the time went by, and nothing here
	// ran.
	Slept time.Duration
}

// tolerance is what two readings of clocks may be apart for nothing.
const tolerance = 100 * time.Millisecond

// clocks compares a wall clock with those that nobody sets.
type clocks struct {
	began time.Time
	read  func(began time.Time) (wall time.Time, awake, slept time.Duration)
	set   time.Duration // wall clock less all time, at the last look
	slept time.Duration
}

func newClocks(read func(began time.Time) (wall time.Time, awake, slept time.Duration)) *clocks {
	c := &clocks{began: time.Now(), read: read}
	_, c.set, c.slept = c.now()
	return c
}

// machine reads this machine's clocks. One reading has the wall clock's time and
// the monotonic one's.
func machine(began time.Time) (wall time.Time, awake, slept time.Duration) {
	wall = time.Now()
	return wall, wall.Sub(began), Slept()
}

// apart reads a wall clock that is not this machine's.
func apart(now func() time.Time) func(time.Time) (time.Time, time.Duration, time.Duration) {
	return func(began time.Time) (wall time.Time, awake, slept time.Duration) { return now(), time.Since(began), 0 }
}

func (c *clocks) now() (wall time.Time, set, slept time.Duration) {
	wall, awake, slept := c.read(c.began)
	return wall, wall.Round(0).Sub(c.began.Round(0)) - awake - slept, slept
}

// look returns the wall clock's time and what happened to it since the last
// look.
func (c *clocks) look() (time.Time, Jump) {
	now, set, slept := c.now()
	j := Jump{Set: far(set - c.set), Slept: max(0, far(slept-c.slept))}
	if j.Set != 0 {
		c.set = set
	}
	if j.Slept != 0 {
		c.slept = slept
	}
	return now, j
}

func far(d time.Duration) time.Duration {
	if d.Abs() < tolerance {
		return 0
	}
	return d
}
