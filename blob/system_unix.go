//go:build unix

package blob

import (
	"errors"
	"syscall"
)

// openFlags keeps an open from waiting for the other end of a pipe.
const openFlags = syscall.O_NONBLOCK

// diskFull reports whether the disk, or the user's share of it, is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
