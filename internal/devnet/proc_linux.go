package devnet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// tree lists the processes that descend from pid, itself first, as /proc shows them now.
// What starts a sandbox may be a session of its own: only its ancestry names it.
func tree(pid int) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, d := range dirs {
		n, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join(d, "stat"))
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent: the name may hold anything, the last ) ends it.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], n)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// KillAll ends the process and all that it has started at once, as a power cut
// would: a daemon, its supervisors and their sandboxes. It waits for the process's
// own end.
func (p *Proc) KillAll() error {
	// Nothing may start between the look and the kill.
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("kill %s and what it runs: %w", p.Name, err)
	}
	all, err := tree(p.PID())
	for _, pid := range all {
		syscall.Kill(pid, syscall.SIGKILL) // one that has ended already is fine
	}
	p.Kill()
	if err != nil {
		return fmt.Errorf("kill what %s runs: %w", p.Name, err)
	}
	return nil
}
