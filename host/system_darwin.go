package host

import (
	"time"

	"golang.org/x/sys/unix"
)

func totalMemory() (uint64, error) { return unix.SysctlUint64("hw.memsize") }

func mayWrite(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

// forget makes reads of the file pass the system's cache by.
func forget(fd uintptr) bool {
	_, err := unix.FcntlInt(fd, unix.F_NOCACHE, 1)
	return err == nil
}

// accessed is asked of terminals on Linux only.
func accessed(string) time.Time { return time.Time{} }

// OwnTime is the processor time of this process, without its children.
func OwnTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
