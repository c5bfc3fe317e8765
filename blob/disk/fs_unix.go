//go:build unix

package disk

import (
	"errors"
	"os"
	"syscall"
)

func (o osFS) SyncDir(path string) error {
	d, err := os.Open(o.at(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// noSpace reports whether the disk, or the user's share of it, is full.
func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
