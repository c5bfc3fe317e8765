//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// groupsWanted, in the environment, says what a machine is known to give: "yes" or "no".
// Without it a test takes what there is.
const groupsWanted = "ARTEL_TEST_GROUPS"

// ownGroups makes a parent of groups, as a box does.
func ownGroups(t *testing.T) cgroups {
	t.Helper()
	c, err := findCgroups(groupName(t.TempDir()))
	switch want := os.Getenv(groupsWanted); {
	case err == nil && want == "no":
		t.Errorf("groups can be made in %v, and should not", c.dirs())
	case err != nil && want == "yes":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	t.Cleanup(func() {
		c.remove()
		for _, d := range c.dirs() {
			if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is left (%v)", d, err)
			}
		}
	})
	return c
}

// aGroup is one with the given limits, gone at the end of the test.
func aGroup(t *testing.T, c cgroups, name string, l sandbox.Limits) *group {
	t.Helper()
	g := c.group(name)
	t.Cleanup(func() {
		if err := g.destroy(); err != nil {
			t.Error(err)
		}
	})
	if err := g.make(l); err != nil {
		t.Fatal(err)
	}
	return g
}

// lim is what most groups here have.
var lim = sandbox.Limits{MemoryBytes: 64 << 20, Processes: 64, CPUMillis: 1000}

// member is a shell in the group; it runs script there and nowhere else.
type member struct {
	*exec.Cmd
	out   string // a file, which nobody need read to its end
	ended chan struct{}
}

func (g *group) member(t *testing.T, script string) *member {
	t.Helper()
	m := &member{Cmd: exec.Command("/bin/sh", "-c", "read go; "+script), out: filepath.Join(t.TempDir(), "out"), ended: make(chan struct{})}
	out, err := os.Create(m.out)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	m.Stdout, m.Stderr = out, out
	in, err := m.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Process.Kill(); <-m.ended })
	go func() { defer close(m.ended); _ = m.Wait() }()
	if err := g.add(m.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "\n"); err != nil {
		t.Fatal(err)
	}
	return m
}

// signal is what the member has died of.
func (m *member) signal(t *testing.T) unix.Signal {
	t.Helper()
	eventually(t, "a member of the group ends", func() bool {
		select {
		case <-m.ended:
			return true
		default:
			return false
		}
	})
	return m.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(5 * time.Minute); !f(); { // against a hang
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// TestGroupMemory: who needs more than its group may have is killed with all others of it,
// and the watcher hears of it.
func TestGroupMemory(t *testing.T) {
	c := ownGroups(t)
	g := aGroup(t, c, "attempt-memory", lim)
	heard := make(chan struct{}, 1)
	stop, err := g.watch(func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	idle := g.member(t, "exec sleep 100000")
	hog := g.member(t, "exec tail /dev/zero") // keeps all of a line
	if s := hog.signal(t); s != unix.SIGKILL {
		said, _ := os.ReadFile(hog.out)
		t.Errorf("the hog ended by %v: %s", s, said)
	}
	if c.V2 != "" { // v1 kills one, and the supervisor the others
		if s := idle.signal(t); s != unix.SIGKILL {
			t.Errorf("the other ended by %v", s)
		}
	}
	eventually(t, "the watcher hears of it", func() bool { return len(heard) > 0 })
	if n := g.oomKills(); n < 1 {
		t.Errorf("%d were killed, says the kernel", n)
	}
	most := lim.MemoryBytes + headroom
	if p := g.memoryPeak(); p < most/2 || p > most+most/8 {
		t.Errorf("it had %d bytes at most, and was given %d", p, most)
	}
}

// TestGroupProcesses: a group has no more processes than it may, and knows that it wanted.
func TestGroupProcesses(t *testing.T) {
	l := lim
	l.Processes = (24 - pidsBeside) / 4 // 24 in all
	g := aGroup(t, ownGroups(t), "attempt-pids", l)
	m := g.member(t, "while :; do sleep 100000 & done")
	eventually(t, "a fork is refused", func() bool { return g.pidsRefused() > 0 })
	b, err := os.ReadFile(filepath.Join(g.dir("pids"), "cgroup.procs"))
	if n := len(strings.Fields(string(b))); err != nil || n > 24 {
		t.Errorf("%d processes, %v", n, err)
	}
	if err := g.destroy(); err != nil {
		t.Error(err)
	}
	m.signal(t)
}

// TestGroupCPU: a group that wants more processor time than its share is held, and what it
// has used stays known above it when it is gone.
func TestGroupCPU(t *testing.T) {
	c := ownGroups(t)
	l := lim
	l.CPUMillis = 100
	g := aGroup(t, c, "attempt-cpu", l)
	g.member(t, "while :; do :; done")
	eventually(t, "it is held", func() bool { return g.field("cpu", "cpu.stat", "nr_throttled") > 2 })
	used := g.cpu()
	if used <= 0 {
		t.Errorf("it has used %s", used)
	}
	if err := g.destroy(); err != nil {
		t.Fatal(err)
	}
	if all := c.group("").cpu(); all < used {
		t.Errorf("one group had used %s, and all that ever were have %s", used, all)
	}
}

// TestGroupFreeze: what is frozen does nothing, goes on when it is let, and can be killed
// as it stands.
func TestGroupFreeze(t *testing.T) {
	g := aGroup(t, ownGroups(t), "attempt-freeze", lim)
	if !g.freezer() {
		t.Skip("no freezer here")
	}
	m := g.member(t, "while :; do :; done")
	for range 2 {
		if err := g.set(true); err != nil {
			t.Fatal(err)
		}
		if err := g.settle(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if g.settled(false) {
			t.Error("it is frozen and is not")
		}
		still := g.cpu()
		for range 100 { // the kernel has every chance to let it run
			if now := g.cpu(); now != still {
				t.Fatalf("frozen, it went from %s to %s", still, now)
			}
		}
		if err := g.set(false); err != nil {
			t.Fatal(err)
		}
		if err := g.settle(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it goes on", func() bool { return g.cpu() > still })
	}
	if err := g.set(true); err != nil {
		t.Fatal(err)
	}
	if g.c.V2 == "" { // v1 does not let them die
		if err := g.set(false); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.destroy(); err != nil {
		t.Error(err)
	}
	if s := m.signal(t); s != unix.SIGKILL {
		t.Errorf("it ended by %v", s)
	}
}

// TestGroupAgain: a box whose parent group has been removed meanwhile, by the last orphan
// of an earlier one, makes it again, with limits that hold.
func TestGroupAgain(t *testing.T) {
	c := ownGroups(t)
	c.remove()
	g := aGroup(t, c, "attempt-again", lim)
	file := map[bool]string{true: "memory.max", false: "memory.limit_in_bytes"}[c.V2 != ""]
	if n := g.number("memory", file); n != lim.MemoryBytes+headroom {
		t.Errorf("%s is %d", file, n)
	}
	if _, err := findCgroups(filepath.Base(c.dirs()[0])); err != nil {
		t.Errorf("a second box of the same state: %v", err)
	}
}
