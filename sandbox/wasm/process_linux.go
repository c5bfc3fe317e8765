package wasm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
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

// freezes says that a process can be stopped here.
const freezes = true

// pause stops all threads of the process, or lets them go on.
func (w *worker) pause(on bool) error {
	sig := syscall.SIGCONT
	if on {
		sig = syscall.SIGSTOP
	}
	return w.cmd.Process.Signal(sig)
}

// still reports whether no thread of it runs.
func (w *worker) still() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", w.cmd.Process.Pid))
	for _, path := range threads {
		if f := stat(path); len(f) > 0 && !strings.Contains("TtZX", f[0]) {
			return false
		}
	}
	return true
}

// used is its processor time, to a hundredth of a second.
func (w *worker) used() time.Duration {
	f := stat(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	kernel, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+kernel) * 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
}

// stat are the fields of such a file from the third on: the state. The name before it
// holds what it likes.
func stat(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	text := string(b)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}
