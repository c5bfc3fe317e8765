//go:build linux

package devnet_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel/internal/devnet"
)

// TestDiskFull fills the disks of a renter and of a provider while they work.
// Each ends with a sentence and a hint, having promised nothing that it did not
// store; with room again it goes on where it was. The disks are small file
// systems in memory, mounted where nobody else sees them.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const inside = "ARTEL_TEST_MOUNTS"
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		runtime.LockOSThread() // whose end would be the child's
		out, err := cmd.CombinedOutput()
		runtime.UnlockOSThread()
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
			t.Skipf("this system lets no one mount for himself: %v", err)
		}
		t.Logf("%s", out)
		switch {
		case err != nil:
			t.Fatal(err)
		case strings.Contains(string(out), "--- SKIP"):
			t.Skip("this system lets no one mount for himself")
		}
		return
	}
	w := newWorld(t, devnet.Config{})
	for name, size := range map[string]string{"renter": "96m", "provider1": "3g"} { // a provider leaves 1 GiB free
		dir := filepath.Join(w.net.Dir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); errors.Is(err, syscall.EPERM) {
			t.Skip(err)
		} else if err != nil {
			t.Fatalf("mount: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	w.start(1)
	id := w.submit(t, w.renter, 16, 4)
	full := func(n *devnet.Node) {
		t.Helper()
		before := w.promised(t)
		w.until(t, "the job to go on", func() bool {
			j, err := w.renter.API.Job(w.ctx, id)
			return err == nil && (before.Less(w.promised(t)) && j.Running > 0 || j.State.Ended())
		})
		free := fill(t, n.Dir)
		select {
		case <-n.Done():
		case <-w.ctx.Done():
			t.Fatalf("%s does not end on a full disk", n.Name)
		}
		b, err := os.ReadFile(filepath.Join(w.net.Dir(), n.Name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		said := string(b)[strings.LastIndex(string(b), "artel: "):]
		t.Logf("%s: %s", n.Name, said)
		for _, want := range []string{"the disk takes no more", "hint: free space on the disk of " + n.Dir} {
			if !strings.Contains(said, want) {
				t.Errorf("%s ends without saying %q:\n%s", n.Name, want, said)
			}
		}
		// Still full: it does not start, or not for long, and says the same.
		again, code := w.artel(n.Dir, "up", "--no-passphrase", "--network", w.net.NetworkFile(), "--listen", "/ip4/127.0.0.1/tcp/0")
		if code != 1 || !strings.Contains(again, "hint: free space on the disk") {
			t.Errorf("%s starts on a full disk: exit code %d\n%s", n.Name, code, again)
		}
		free()
	}
	full(w.renter)
	var err error
	if w.renter, err = w.net.StartNode(w.ctx, "renter", 0); err != nil {
		t.Fatal(err)
	}
	full(w.providers[0])
	if w.providers[0], err = w.net.StartNode(w.ctx, "provider1", 0); err != nil {
		t.Fatal(err)
	}
	w.done(t, w.renter, id)
	out := filepath.Join(t.TempDir(), "out")
	if said, code := w.artel(w.renter.Dir, "fetch", id, "--out", out); code != 0 {
		t.Fatalf("fetch: exit code %d\n%s", code, said)
	}
	checkOutput(t, out, 16)
	w.statement(t)
}

// fill takes the last byte of a directory's disk until it is told to free it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 1 << 20; n > 0; {
		if _, err := f.Write(make([]byte, n)); errors.Is(err, syscall.ENOSPC) {
			n /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
