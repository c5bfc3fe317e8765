package disk

import (
	"errors"

	"golang.org/x/sys/windows"
)

// SyncDir does nothing: Windows has no flush of a directory, NTFS journals names
// by itself.
func (o osFS) SyncDir(string) error { return nil }

// noSpace reports whether the disk, or the user's share of it, is full.
func noSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
