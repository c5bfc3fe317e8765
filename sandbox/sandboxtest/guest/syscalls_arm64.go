//go:build linux

package main

// Numbers of system calls that package syscall does not know on arm64.
const (
	sysInitModule    = 105
	sysAddKey        = 217
	sysIoUringSetup  = 425
	sysBpf           = 280
	sysPerfEventOpen = 241
)
