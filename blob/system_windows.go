package blob

import (
	"errors"

	"golang.org/x/sys/windows"
)

// openFlags is empty: files of Windows' disks are never pipes.
const openFlags = 0

// diskFull reports whether the disk, or the user's share of it, is full.
func diskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
