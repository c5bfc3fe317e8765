//go:build linux

package devnet_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel/api"
)

// apart runs the test again where it may lose packets and mount file systems, and in
// further namespaces of its own, and reports whether it could.
func apart(t *testing.T, more uintptr) bool {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("no network and no mounts of its own: %v; hint: iproute2", err)
			return false
		}
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(a string) bool { // files that this process writes
		return strings.HasPrefix(a, "-test.testlogfile") || strings.HasPrefix(a, "-test.coverprofile")
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(args, "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), insideStorm+"="+bin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | more, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	runtime.LockOSThread() // whose end would be the child's
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Logf("no network and no mounts of its own: this system lets nobody have a network of his own: %v", err)
		return false
	} else if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		t.Log(strings.TrimSpace(lines.Text()))
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	return true
}

// settle makes the network and the mounts of this process its own.
func settle(t *testing.T) {
	t.Helper()
	tool(t, "ip", "link", "set", "lo", "up")
	tool(t, "tc", "qdisc", "add", "dev", "lo", "clsact")
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("keep mounts from others: %v", err)
	}
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// Offsets of ports in a packet without IP options, as a filter of the kernel's counts
// them from the network header (SKF_NET_OFF).
const (
	sourcePort = 1<<32 - 0x100000 + 20
	targetPort = 1<<32 - 0x100000 + 22
)

// cutOff loses every packet that comes from a node's port, that goes to it, or both.
// The chain it still reaches.
func (s *storm) cutOff(m *member, f fault) error {
	st, err := m.node.API.Status(s.ctx)
	if err != nil {
		return err
	}
	port := portOf(st)
	if port == "" {
		return fmt.Errorf("no port in %v", st.Addrs)
	}
	which := []int64{sourcePort, targetPort}
	switch f.kind {
	case "what it says is lost":
		which = which[:1]
	case "what it is told is lost":
		which = which[1:]
	}
	var prefs []string
	run := func(args ...string) error {
		if out, err := exec.CommandContext(s.ctx, "tc", append([]string{"filter"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("tc filter %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	for _, offset := range which {
		pref := fmt.Sprint(s.prefs.Add(1))
		// ldh [offset]; jeq port: drop; or let the next filter say
		code := fmt.Sprintf("4,40 0 0 %d,21 0 1 %s,6 0 0 2,6 0 0 %d", offset, port, uint32(1<<32-1))
		if err = run("add", "dev", "lo", "ingress", "pref", pref, "protocol", "ip", "bpf", "da", "bytecode", code); err != nil {
			break
		}
		prefs = append(prefs, pref)
	}
	if err == nil {
		s.lull(f.lasts)
	}
	for _, pref := range prefs {
		err = errors.Join(err, run("del", "dev", "lo", "ingress", "pref", pref))
	}
	return err
}

// portOf is the port at which a node listens, for TCP and UDP.
func portOf(s api.Status) string {
	for _, a := range s.Addrs {
		if words := strings.Split(a, "/"); len(words) > 4 && (words[3] == "udp" || words[3] == "tcp") {
			return words[4]
		}
	}
	return ""
}

// roomy is a provider's disk when it is not full: it leaves 1 GiB of it free.
const roomy = "3g"

// ownDisk gives a node a disk of its own, in memory.
func (s *storm) ownDisk(dir string) {
	s.t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+roomy); err != nil {
		s.t.Fatalf("mount: %v", err)
	}
	s.t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// full leaves a machine no room on its disk. Its daemon may end of it, having said why; it
// is started again when there is room.
func (s *storm) full(m *member, f fault) error {
	p, dir := m.proc, m.node.Dir
	size := func(to string) error {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+to); err != nil {
			return fmt.Errorf("make the disk %s large: %w", to, err)
		}
		return nil
	}
	var has syscall.Statfs_t
	if err := syscall.Statfs(dir, &has); err != nil {
		return err
	}
	used := (int64(has.Blocks) - int64(has.Bfree)) * has.Bsize
	if err := size(fmt.Sprint(used + 1<<16)); err != nil {
		return err
	}
	t := time.NewTimer(f.lasts)
	defer t.Stop()
	ended := false
	select {
	case <-p.Done():
		ended = true
	case <-t.C:
	}
	if ended {
		m.set(m.node, nil)
		s.note("%s: has ended on its full disk", m.name)
	}
	if err := size(roomy); err != nil {
		return err
	}
	select {
	case <-p.Done():
		m.set(m.node, nil)
		return s.again(m)
	default:
		return nil
	}
}
