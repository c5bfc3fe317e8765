//go:build !linux

package wasm

import (
	"os/exec"
	"time"
)

// tieToParent has nothing to set here: a worker ends when its stdin does, which is at
// the end of its program at the latest.
func tieToParent(*exec.Cmd) {}

// rss is not known here; workers are replaced by number of tasks only.
func (w *worker) rss() int64 { return 0 }

// freezes says that a process cannot be stopped here.
const freezes = false

func (w *worker) pause(bool) error { return errNoFreeze }

func (w *worker) still() bool { return true }

// used is not known before its end.
func (w *worker) used() time.Duration { return 0 }
