//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// headroom is what the kernel in user space may have beside the program: its heap,
// its tables, the pages of its binary.
const headroom = 128 << 20

// cgroups says where groups can be made: a directory for each controller (v1) or
// one for all (v2). The zero value says that they cannot.
type cgroups struct {
	V1 map[string]string `json:",omitempty"` // cpu, cpuacct, memory, pids, perhaps freezer
	V2 string            `json:",omitempty"`
}

func (c cgroups) none() bool { return c.V2 == "" && len(c.V1) == 0 }

// findCgroups makes the parent of all groups of a box, called name, where this
// process may; why says what is in the way.
func findCgroups(name string) (c cgroups, why error) {
	v1, v2, err := cgroupMounts()
	if err != nil {
		return cgroups{}, err
	}
	need := []string{"cpu", "cpuacct", "memory", "pids"}
	if v2 != "" {
		if dir, err := makeV2(v2, name); err == nil {
			return cgroups{V2: dir}, nil
		} else if len(v1) == 0 {
			return cgroups{}, err
		}
	}
	c.V1 = map[string]string{}
	for _, n := range need {
		if v1[n] == "" {
			return cgroups{}, fmt.Errorf("the kernel has no cgroup controller %s", n)
		}
		dir := filepath.Join(v1[n], name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			c.remove()
			return cgroups{}, fmt.Errorf("make a cgroup: %w", err)
		}
		c.V1[n] = dir
	}
	if v1["freezer"] != "" { // a box without it is frozen by gVisor
		dir := filepath.Join(v1["freezer"], name)
		if err := os.Mkdir(dir, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			c.V1["freezer"] = dir
		}
	}
	return c, nil
}

func cgroupMounts() (v1 map[string]string, v2 string, err error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, "", fmt.Errorf("find cgroups: %w", err)
	}
	v1 = map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		left, right, ok := strings.Cut(s.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			continue
		}
		switch r[0] {
		case "cgroup2":
			v2 = l[4]
		case "cgroup":
			for _, o := range strings.Split(r[2], ",") {
				v1[o] = l[4]
			}
		}
	}
	return v1, v2, nil
}

// enableV2 lets groups below have limits.
const enableV2 = "+cpu +memory +pids"

// makeV2 looks for a place where the three controllers are: the root for root, and for
// others beside their own group, which is where a user's systemd has services and scopes.
// It is never below our own: a group with processes in it cannot have groups with
// controllers, and a service manager could not start this daemon again in a group that
// has some, while what it had started lives on in them.
func makeV2(mount, name string) (string, error) {
	parent := mount
	if os.Geteuid() != 0 {
		b, err := os.ReadFile("/proc/self/cgroup")
		if err != nil {
			return "", fmt.Errorf("find cgroups: %w", err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if own, ok := strings.CutPrefix(line, "0::"); ok {
				parent = filepath.Dir(filepath.Join(mount, own))
			}
		}
	}
	have, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil {
		return "", fmt.Errorf("find cgroups: %w", err)
	}
	for _, n := range []string{"cpu", "memory", "pids"} {
		if !strings.Contains(" "+strings.TrimSpace(string(have))+" ", " "+n+" ") {
			return "", fmt.Errorf("the cgroup controller %s is not delegated to this user", n)
		}
	}
	dir := filepath.Join(parent, name)
	return dir, enterV2(dir)
}

// enterV2 makes a parent of groups, or finds it, and has limits below it.
func enterV2(dir string) error {
	// Whoever is in charge of the group above may have switched controllers off there
	// while nobody below used them.
	if err := writeFile(filepath.Dir(dir), "cgroup.subtree_control", enableV2); errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("the cgroup %s has processes of its own, so that none below it can have limits: %w", filepath.Dir(dir), err)
	} else if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a cgroup: %w", err)
	}
	return writeFile(dir, "cgroup.subtree_control", enableV2)
}

// remove removes the parent once it is empty.
func (c cgroups) remove() {
	for _, d := range c.dirs() {
		_ = os.Remove(d)
	}
}

func (c cgroups) dirs() []string {
	if c.V2 != "" {
		return []string{c.V2}
	}
	var d []string
	for _, dir := range c.V1 {
		d = append(d, dir)
	}
	return d
}

// group is the cgroup of one attempt.
type group struct {
	c    cgroups
	name string
}

func (c cgroups) group(name string) *group { return &group{c: c, name: name} }

// dir is where the controller's files are.
func (g *group) dir(controller string) string {
	if g.c.V2 != "" {
		return filepath.Join(g.c.V2, g.name)
	}
	return filepath.Join(g.c.V1[controller], g.name)
}

func writeFile(dir, file, text string) error {
	if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
		return fmt.Errorf("set %s to %s: %w", file, text, err)
	}
	return nil
}

// pidsBeside is what the sandbox needs of threads and processes beside the program's
// own: with fewer it panics.
const pidsBeside = 2048

// make makes the group with its limits.
func (g *group) make(l sandbox.Limits) error {
	for _, d := range g.c.dirs() {
		err := os.Mkdir(filepath.Join(d, g.name), 0o755)
		if errors.Is(err, fs.ErrNotExist) { // the last orphan of an earlier holder has just taken the parent away
			if g.c.V2 != "" {
				err = enterV2(d)
			} else {
				err = os.Mkdir(d, 0o755)
			}
			if err == nil || errors.Is(err, fs.ErrExist) {
				err = os.Mkdir(filepath.Join(d, g.name), 0o755)
			}
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make a cgroup: %w", err)
		}
	}
	memory := strconv.FormatInt(l.MemoryBytes+headroom, 10)
	// A thread of the program is at most a few of the host, by the platform's design.
	pids := strconv.FormatInt(pidsBeside+4*l.Processes, 10)
	const period = 50_000
	quota := max(l.CPUMillis*period/1000, 1000)
	if g.c.V2 != "" {
		d := g.dir("")
		_ = writeFile(d, "memory.oom.group", "1")
		_ = writeFile(d, "memory.swap.max", "0")
		return errors.Join(writeFile(d, "memory.max", memory), writeFile(d, "pids.max", pids), writeFile(d, "cpu.max", fmt.Sprintf("%d %d", quota, period)))
	}
	err := errors.Join(
		writeFile(g.dir("memory"), "memory.limit_in_bytes", memory), writeFile(g.dir("pids"), "pids.max", pids),
		writeFile(g.dir("cpu"), "cpu.cfs_period_us", strconv.Itoa(period)), writeFile(g.dir("cpu"), "cpu.cfs_quota_us", strconv.FormatInt(quota, 10)))
	_ = writeFile(g.dir("memory"), "memory.memsw.limit_in_bytes", memory) // where swap is accounted
	return err
}

// add moves a process into the group.
func (g *group) add(pid int) error {
	for _, d := range g.c.dirs() {
		if err := writeFile(filepath.Join(d, g.name), "cgroup.procs", strconv.Itoa(pid)); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func (g *group) number(controller, file string) int64 {
	b, err := os.ReadFile(filepath.Join(g.dir(controller), file))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// field is a number of a file of "name number" lines.
func (g *group) field(controller, file, name string) int64 {
	b, err := os.ReadFile(filepath.Join(g.dir(controller), file))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if k, v, ok := strings.Cut(line, " "); ok && k == name {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

func (g *group) cpu() time.Duration {
	if g.c.V2 != "" {
		return time.Duration(g.field("", "cpu.stat", "usage_usec")) * time.Microsecond
	}
	return time.Duration(g.number("cpuacct", "cpuacct.usage"))
}

func (g *group) memory() int64 {
	if g.c.V2 != "" {
		return g.number("", "memory.current")
	}
	return g.number("memory", "memory.usage_in_bytes")
}

func (g *group) memoryPeak() int64 {
	if g.c.V2 != "" {
		return max(g.number("", "memory.peak"), g.memory()) // peak is of 5.19
	}
	return g.number("memory", "memory.max_usage_in_bytes")
}

// oomKills counts what the kernel has killed for want of memory.
func (g *group) oomKills() int64 {
	if g.c.V2 != "" {
		return g.field("", "memory.events", "oom_kill")
	}
	return g.field("memory", "memory.oom_control", "oom_kill")
}

// pidsRefused counts the forks that the group's limit has refused.
func (g *group) pidsRefused() int64 { return g.field("pids", "pids.events", "max") }

// watch calls oom each time that the group runs out of memory; stop ends it.
func (g *group) watch(oom func()) (stop func(), err error) {
	var f *os.File
	if g.c.V2 != "" {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("watch memory: %w", err)
		}
		f = os.NewFile(uintptr(fd), "inotify")
		if _, err := unix.InotifyAddWatch(fd, filepath.Join(g.dir(""), "memory.events"), unix.IN_MODIFY); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("watch memory: %w", err)
		}
	} else {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("watch memory: %w", err)
		}
		f = os.NewFile(uintptr(fd), "eventfd")
		control, err := os.Open(filepath.Join(g.dir("memory"), "memory.oom_control"))
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("watch memory: %w", err)
		}
		defer control.Close()
		if err := writeFile(g.dir("memory"), "cgroup.event_control", fmt.Sprintf("%d %d", fd, control.Fd())); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("watch memory: %w", err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 4096); ; {
			if _, err := f.Read(buf); err != nil {
				return
			}
			if g.c.V2 == "" || g.oomKills() > 0 {
				oom()
			}
		}
	}()
	var once sync.Once
	return func() { once.Do(func() { _ = f.Close(); <-done }) }, nil
}

// destroy kills what is in the group and removes it.
func (g *group) destroy() error {
	if g.c.none() {
		return nil
	}
	var last error
	for wait := time.Millisecond; wait < 3*time.Second; wait *= 2 {
		last = nil
		for _, d := range g.c.dirs() {
			dir := filepath.Join(d, g.name)
			if g.c.V2 != "" && writeFile(dir, "cgroup.kill", "1") == nil {
				// all at once, also whom we cannot see, or who forks meanwhile; of Linux 5.14
			} else if b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")); err == nil {
				for _, p := range strings.Fields(string(b)) {
					if pid, err := strconv.Atoi(p); err == nil && pid > 1 {
						_ = unix.Kill(pid, unix.SIGKILL)
					}
				}
			}
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				last = err
			}
		}
		if last == nil {
			return nil
		}
		time.Sleep(wait) // a killed process leaves its group when it has been reaped
	}
	return fmt.Errorf("remove a cgroup: %w", last)
}
