//go:build !linux

package devnet

import "syscall"

// attributes keep a Ctrl-C of the terminal from the child. A child that dies
// with its starter is Linux's own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// lower does nothing: priorities belong to threads only on Linux.
func lower(int) error { return nil }

// KillAll ends the process; what it has started ends by itself.
func (p *Proc) KillAll() error {
	p.Kill()
	return nil
}
