//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/specutils"
)

const goarch = runtime.GOARCH

// ownView makes this process' mounts its own, and its /proc that of its pid namespace.
func ownView() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// readSpec reads a bundle's config.json the way gVisor wants it.
func readSpec(bundle string, conf *config.Config) (*specs.Spec, error) {
	f, err := specutils.OpenSpec(bundle)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return specutils.ReadSpecFromFile(bundle, f, conf)
}

// processTime is the processor time of all processes of this pid namespace, as far as
// they live or this process has waited for them.
func processTime() time.Duration {
	var gone unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &gone)
	total := time.Duration(gone.Utime.Nano() + gone.Stime.Nano())
	const tick = 10 * time.Millisecond // USER_HZ is 100 everywhere that Go runs
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, p := range stats {
		b, err := os.ReadFile(p)
		if err != nil || p == "/proc/1/stat" {
			continue
		}
		_, rest, _ := strings.Cut(string(b), ") ") // the name before it holds what it likes
		if f := strings.Fields(rest); len(f) > 13 {
			u, _ := strconv.ParseInt(f[11], 10, 64)
			k, _ := strconv.ParseInt(f[12], 10, 64)
			total += time.Duration(u+k) * tick
		}
	}
	return total
}

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var own unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &own)
	return time.Duration(own.Utime.Nano() + own.Stime.Nano())
}

// largestProcess is the most memory that any process below this one had, of those that
// have ended.
func largestProcess() int64 {
	var gone unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &gone)
	return gone.Maxrss * 1024
}

// heldMemory is what all processes of this pid namespace but this one have, in bytes;
// a page that some share counts once.
func heldMemory() (n int64) {
	files, _ := filepath.Glob("/proc/[0-9]*/smaps_rollup")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || f == "/proc/1/smaps_rollup" {
			continue
		}
		if _, rest, ok := strings.Cut(string(b), "\nPss:"); ok {
			if w := strings.Fields(rest); len(w) > 0 {
				kib, _ := strconv.ParseInt(w[0], 10, 64)
				n += kib << 10
			}
		}
	}
	return n
}

// panicked says whether the sandbox's stderr, where it warns as well, holds its end.
func panicked(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && (bytes.Contains(b, []byte("panic: ")) || bytes.Contains(b, []byte("fatal error: ")) || bytes.Contains(b, []byte("FATAL ERROR")))
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func writeFD(fd int, s string) (int, error) { return unix.Write(fd, []byte(s)) }

func millis(n int64) time.Duration {
	return time.Duration(min(n, int64(1<<62)/int64(time.Millisecond))) * time.Millisecond
}

func ceilMillis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// quote shows a string of a stranger on one line.
func quote(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strconv.Quote(s)
}
