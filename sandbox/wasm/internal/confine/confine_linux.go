package confine

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// heapRoom is what a worker may use beyond the program's linear memory: its own text,
// the compiler at work, tables, open files.
const heapRoom = 1 << 30

// Apply confines the process for the rest of its life: no new privileges, no core dumps,
// no debugger, few descriptors, bounded memory, and what Applied names. It must be called
// before the process has opened anything.
func Apply(cfg Config) (Applied, error) {
	var done Applied
	closeInherited()
	if err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return done, fmt.Errorf("forbid new privileges: %w", err)
	}
	// Without this, another worker of the same user could read this one's memory.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return done, fmt.Errorf("forbid debuggers: %w", err)
	}
	for _, l := range []struct {
		what  string
		res   int
		value uint64
	}{
		{"core dumps", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, 1024},
		{"memory", unix.RLIMIT_DATA, uint64(min(cfg.MaxMemory, math.MaxInt64-heapRoom) + heapRoom)},
	} {
		if err := lower(l.res, l.value); err != nil {
			return done, fmt.Errorf("limit %s: %w", l.what, err)
		}
	}
	err := landlock(cfg.Dirs)
	if err != nil && !absent(err) {
		return done, fmt.Errorf("restrict files: %w", err)
	}
	done.Files = err == nil
	err = seccomp()
	if err != nil && !absent(err) {
		return done, fmt.Errorf("restrict system calls: %w", err)
	}
	done.Calls = err == nil
	return done, nil
}

// closeInherited closes descriptors that came from whoever started the owner's daemon, a
// shell or a service manager. Those of the Go runtime stay: its poller, and the files by
// which it follows the processor limit.
func closeInherited() {
	const dir = "/proc/self/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink(dir + e.Name())
		if err == nil && !strings.HasPrefix(to, "anon_inode:[event") && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			_ = unix.Close(fd)
		}
	}
}

// Possible reports what Apply can do on this kernel.
func Possible() Applied {
	return Applied{Files: landlockABI() > 0, Calls: seccompWorks()}
}

// absent says that the kernel, or its configuration, lacks what was asked for.
func absent(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL)
}

// allThreads makes a system call on every thread of the process. A binary with cgo
// cannot do that (ENOTSUP, which counts as absent); the product is built without.
func allThreads(trap uintptr, a ...uintptr) error {
	var x [6]uintptr
	copy(x[:], a)
	_, _, e := syscall.AllThreadsSyscall6(trap, x[0], x[1], x[2], x[3], x[4], x[5])
	if e != 0 {
		return e
	}
	return nil
}

// lower sets both limits of a resource, never above what the process has.
func lower(resource int, value uint64) error {
	var have unix.Rlimit
	if err := unix.Getrlimit(resource, &have); err != nil {
		return err
	}
	value = min(value, have.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
}

// LimitHeap bounds the worker's writable memory to what one task may use. Beyond it the
// Go runtime dies of "out of memory", which the box tells as such.
func LimitHeap(memory int64) {
	var have unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_DATA, &have) != nil {
		return
	}
	have.Cur = min(uint64(memory)+heapRoom, have.Max)
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &have)
}

// CPUMillis is the processor time that the process has used.
func CPUMillis() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Milliseconds()
}

// landlockABI is the version of Landlock, or 0 without it.
func landlockABI() int {
	v, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(v)
}

// landlock (Documentation/userspace-api/landlock.rst) forbids all files except below
// the given directories, and all TCP.
func landlock(dirs []string) error {
	abi := landlockABI()
	if abi == 0 {
		return unix.ENOSYS
	}
	const basic = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	attr := unix.LandlockRulesetAttr{Handled_access_fs: basic}
	allow := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG)
	if abi >= 2 { // without it, renames between directories are always refused
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
		allow |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		allow |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if abi >= 4 {
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if e != 0 {
		return e
	}
	defer unix.Close(int(fd))
	for _, dir := range dirs {
		dirFD, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", dir, err)
		}
		rule := unix.LandlockPathBeneathAttr{Allowed_access: allow, Parent_fd: int32(dirFD)}
		_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
		_ = unix.Close(dirFD)
		if e != 0 {
			return e
		}
	}
	return allThreads(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0)
}
