package devnet

import (
	"fmt"
	"syscall"
)

// attributes make the child die with its starter, and keep a Ctrl-C of the
// terminal from it: it is stopped in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// lower sets the priority of the calling thread, and so of what it starts.
func lower(nice int) error {
	if nice == 0 {
		return nil
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), nice); err != nil {
		return fmt.Errorf("set priority %d: %w", nice, err)
	}
	return nil
}
