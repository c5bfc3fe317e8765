//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// watch follows the terminal's size and the signals of this process until it is
// told to stop. A stopped process leaves the terminal as it was, and takes it
// again when it goes on.
func (r *rawTerminal) watch(resized, ended func()) (stop func()) {
	ch, done := make(chan os.Signal, 8), make(chan struct{})
	signal.Notify(ch, syscall.SIGWINCH, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-ch:
				switch s {
				case syscall.SIGWINCH:
					resized()
				case syscall.SIGTSTP:
					r.restore()
					syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
				case syscall.SIGCONT:
					r.set()
					resized()
				default:
					r.end()
					ended()
				}
			}
		}
	}()
	resized() // it may have changed since it was first asked for
	return func() {
		signal.Stop(ch)
		close(done)
	}
}
