package wasm_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// TestConfinement runs native code where a program that broke out of wazero would be.
func TestConfinement(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("the owner's"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(built.worker, "probe", dir, secret)
	cmd.Env = []string{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("probe: %v\n%s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	possible := confine.Possible()
	want := []string{
		fmt.Sprint("applied ", possible.Files, " ", possible.Calls, " <nil>"),
		"write inside true", "read inside true", "move inside true", "signal itself true",
		"no new privileges 1 dumpable 0", "core 0 0", "environment 0",
	}
	if possible.Files {
		want = append(want, "read outside false", "write outside false", "remove outside false",
			"read /etc/passwd false", "list / false", "execute false", "listen false")
	} else {
		t.Log("this kernel has no Landlock: not tested")
	}
	if possible.Calls {
		want = append(want, "execute false", "listen false", "unix socket false", "link inside false", "signal the parent false",
			"trace the parent false", "limit the parent false", "unshare false", "mount false")
	} else {
		t.Log("this kernel has no seccomp: not tested")
	}
	for _, w := range want {
		if !slices.Contains(lines, w) {
			t.Errorf("no line %q", w)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// TestWorkersAreConfined: a real worker applies all that the kernel offers, on every
// thread, and has no descriptors, environment or directory of its starter.
func TestWorkersAreConfined(t *testing.T) {
	t.Setenv("ARTEL_SECRET_OF_THE_HOST", "do not show")
	// A descriptor that children inherit, as a careless shell leaves them.
	leak, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leak)
	root := t.TempDir()
	box := newBox(t, root, nil)
	if exit := runModule(t, box, root, command()); !exit.OK() {
		t.Fatal(exit)
	}
	possible := confine.Possible()
	if files, calls := wasm.Confined(box); files != possible.Files || calls != possible.Calls {
		t.Errorf("the worker applied files %v, calls %v; this kernel can %+v", files, calls, possible)
	}
	_, pid := wasm.WorkerRSS(box)
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads: %v, %v", threads, err)
	}
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		if status := string(b); !strings.Contains(status, "NoNewPrivs:\t1") || possible.Calls && !strings.Contains(status, "Seccomp:\t2") {
			t.Errorf("%s:\n%s", path, status)
		}
	}
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil && len(b) > 0 {
		t.Errorf("environment %q", b)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Skipf("descriptors cannot be listed: %v", err)
	}
	for _, fd := range fds {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		if err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:[event") && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
}

// TestWorkersDieWithTheirStarter kills the process that started a busy worker.
func TestWorkersDieWithTheirStarter(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(built.worker, "hold", root, built.guest)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "running\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	var workers []string
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		workers = append(workers, strings.Fields(string(b))...)
	}
	if len(workers) == 0 {
		t.Skip("this kernel does not list children")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for _, pid := range workers {
		for alive(pid) {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("worker %s has outlived the process that started it", pid)
			}
		}
	}
}

// alive reports whether a process runs; one that waits to be reaped does not.
func alive(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
