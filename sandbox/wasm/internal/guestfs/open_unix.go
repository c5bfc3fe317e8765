//go:build unix

package guestfs

import "syscall"

// openFlags keeps an open from waiting for the other end of a pipe that somebody left
// in the inputs.
const openFlags = syscall.O_NONBLOCK
