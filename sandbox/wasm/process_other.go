//go:build !linux

package wasm

import "os/exec"

// tieToParent has nothing to set here: a worker ends when its stdin does, which is at
// the end of its program at the latest.
func tieToParent(*exec.Cmd) {}

// rss is not known here; workers are replaced by number of tasks only.
func (w *worker) rss() int64 { return 0 }
