//go:build unix

package checkpoint

import (
	"errors"
	"syscall"
)

// openFlags keeps an open from waiting for the other end of a pipe, and from
// following a link that has taken the name since it was listed.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// diskFull reports whether the disk, or the user's share of it, is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
