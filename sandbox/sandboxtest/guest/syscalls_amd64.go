//go:build linux

package main

// Numbers of system calls that package syscall does not know on amd64.
const (
	sysInitModule    = 175
	sysAddKey        = 248
	sysIoUringSetup  = 425
	sysBpf           = 321
	sysPerfEventOpen = 298
)
