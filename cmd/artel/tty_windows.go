package main

import (
	"os"
	"os/signal"
	"time"
)

// watch asks for the terminal's size now and then, since Windows does not tell,
// and follows the signals of this process until it is told to stop.
func (r *rawTerminal) watch(resized, ended func()) (stop func()) {
	ch, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(ch, os.Interrupt)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				resized()
			case <-ch:
				r.end()
				ended()
			}
		}
	}()
	resized()
	return func() {
		signal.Stop(ch)
		close(done)
	}
}
