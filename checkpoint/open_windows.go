package checkpoint

import (
	"errors"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// diskFull reports whether the disk is full.
func diskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
