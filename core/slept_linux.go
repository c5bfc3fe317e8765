package core

import (
	"time"

	"golang.org/x/sys/unix"
)

// Slept is how long this machine has slept since it was started, 0 where that is not known: the
// kernel's boot clock runs on then, its monotonic one does not.
func Slept() time.Duration {
	var awake, boot, after unix.Timespec
	for range 5 {
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &after) != nil {
			return 0
		}
		if time.Duration(after.Nano()-awake.Nano()) < tolerance/10 {
			break // nothing came between the readings
		}
	}
	return time.Duration(boot.Nano() - awake.Nano())
}
