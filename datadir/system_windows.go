package datadir

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// errHeld is lockFile's where another process has the lock.
const errHeld = windows.ERROR_LOCK_VIOLATION

// lockAt is where the locked byte lies: far beyond the pid, since Windows keeps
// others from reading what is locked. A lock may lie beyond the end of its file.
const lockAt = 1 << 30

// lockFile locks a byte of the file; the system drops the lock with the handle.
func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockAt})
}

// Free returns the bytes that a user may still write on dir's disk.
func Free(dir string) (uint64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	var free uint64
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(p, &free, nil, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("measure free space of %s: %w", dir, err)
	}
	return free, nil
}

// SyncDir does nothing: Windows has no flush of a directory, NTFS journals names
// by itself.
func SyncDir(string) error { return nil }
