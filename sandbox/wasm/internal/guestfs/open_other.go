//go:build !unix

package guestfs

const openFlags = 0
