package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// probe confines itself to dir and says what it can still do, a line each.
func probe(dir, forbidden string) {
	applied, err := confine.Apply(confine.Config{Dirs: []string{dir}, MaxMemory: 1 << 30})
	fmt.Println("applied", applied.Files, applied.Calls, err)
	can := func(what string, err error) { fmt.Println(what, err == nil) }
	can("write inside", os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644))
	_, err = os.ReadFile(filepath.Join(dir, "f"))
	can("read inside", err)
	can("move inside", os.Rename(filepath.Join(dir, "f"), filepath.Join(dir, "g")))
	_, err = os.ReadFile(forbidden)
	can("read outside", err)
	can("write outside", os.WriteFile(forbidden, []byte("x"), 0o644))
	can("remove outside", os.Remove(forbidden))
	_, err = os.ReadFile("/etc/passwd")
	can("read /etc/passwd", err)
	_, err = os.ReadDir("/")
	can("list /", err)
	can("link inside", os.Symlink("/etc", filepath.Join(dir, "l")))
	can("execute", exec.Command("/bin/true").Run())
	_, err = net.Listen("tcp", "127.0.0.1:0")
	can("listen", err)
	_, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	can("unix socket", err)
	can("signal the parent", unix.Kill(os.Getppid(), 0))
	can("trace the parent", unix.PtraceAttach(os.Getppid()))
	can("limit the parent", unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, nil, &unix.Rlimit{}))
	can("unshare", unix.Unshare(unix.CLONE_NEWUSER))
	can("mount", unix.Mount("x", dir, "tmpfs", 0, ""))
	can("signal itself", unix.Kill(os.Getpid(), 0))
	nnp, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	dump, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println("no new privileges", nnp, "dumpable", dump)
	var l unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &l)
	fmt.Println("core", l.Cur, l.Max)
	fmt.Println("environment", len(os.Environ()))
}
