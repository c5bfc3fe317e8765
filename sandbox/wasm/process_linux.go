package wasm

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// tieToParent lets the kernel kill the process when the box's process dies, however
// that happens.
func tieToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// rss is the worker's resident memory in bytes, 0 if it is not known.
func (w *worker) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
