package unpack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// insideUsers says to the test that it is root of a user namespace with no other users.
const insideUsers = "ARTEL_TEST_USERS"

// TestOwnerNotMapped: root of a user namespace lays out what belongs to users that are not
// mapped into it. It is root's then.
func TestOwnerNotMapped(t *testing.T) {
	if os.Getenv(insideUsers) == "" {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestOwnerNotMapped$", "-test.v")
		cmd.Env = append(os.Environ(), insideUsers+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if _, ran := err.(*exec.ExitError); err != nil && !ran {
			t.Skipf("this system lets nobody have users of his own: %v", err)
		} else if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	of := func(e entry, uid, gid int) entry {
		e.Uid, e.Gid = uid, gid
		return e
	}
	root := filepath.Join(t.TempDir(), "root")
	layer := pack(t, of(dir("var"), 0, 42), of(file("var/shadow", "x"), 0, 42), of(symlink("link", "var"), 1000, 1000), of(file("own", "y"), 0, 0))
	if err := run(t, root, limits, layer); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"var", "var/shadow", "link", "own"} {
		wantOwner(t, filepath.Join(root, name), 0, 0)
	}
	if b, err := os.ReadFile(filepath.Join(root, "var/shadow")); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}
