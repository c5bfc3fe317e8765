package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// totalMemory is for machines without /proc.
func totalMemory() (uint64, error) { return 0, errUnknown }

func mayWrite(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

// forget asks the system to drop what it keeps of a file in memory, so that reading it
// asks the disk. It says whether it was heard.
func forget(fd uintptr) bool {
	return unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED) == nil
}

// accessed is when a file was last read from.
func accessed(path string) time.Time {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return time.Time{}
	}
	return time.Unix(st.Atim.Unix())
}

// OwnTime is the processor time of this process, without its children.
func OwnTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
