// Package host is the owner's machine: what it has, how fast it is, and what keeps it
// from running strangers' work.
//
//	System        where the rest looks; Local is this machine, tests make one up
//	System.CPU    the class of processor: where a checkpoint of it can be restored
//	System.Cores, System.Memory   what may be used, as affinity and cgroups leave it
//	System.GPUs   what the driver lists, and the files that a sandbox needs of it
//	System.NewWatch   what it tells of its owner: input, load, battery, heat, network, programs
//	System.Doctor what a sandbox wants of the kernel and does not find
//	Measure       figures with their spread: processor, memory, disk, line
//	Solve, Answer.Verify, Score   a timed challenge that shows the same speed to others
//
// What is read here may be written by others (a driver, a container's files): it is
// parsed as hostile text, bounded, and nothing in it is executed.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
	"time"
)

// System is a machine to look at.
type System struct {
	// Files is its file tree from the root; on machines without /proc and /sys what
	// would be there is simply not found.
	Files fs.FS
	// Arch and OS are as in GOARCH and GOOS.
	Arch, OS string
	// CPUs is how many processors this process may run on.
	CPUs int
	// UID is the user's number; -1 where there are none.
	UID int
	// Usable reports whether this process may open a path, absolute, for reading and
	// writing.
	Usable func(path string) bool
	// Command runs a program of the machine and returns what it writes to stdout,
	// at most MaxOutput bytes. errors.Is(err, exec.ErrNotFound): there is none.
	Command func(ctx context.Context, name string, args ...string) ([]byte, error)
	// TotalMemory is what the system says where there is no /proc/meminfo; nil: it
	// says nothing.
	TotalMemory func() (uint64, error)
	// Accessed is when a path, absolute, was last read from, zero if that is not known; nil:
	// the system does not say.
	Accessed func(path string) time.Time
}

// MaxOutput is how much of a program's output is read, in bytes.
const MaxOutput = 1 << 20

// Local is the machine that this process runs on.
func Local() System {
	return System{
		Files: os.DirFS("/"), Arch: runtime.GOARCH, OS: runtime.GOOS, CPUs: runtime.NumCPU(), UID: os.Getuid(),
		Usable: usable, Command: command, TotalMemory: totalMemory, Accessed: accessed,
	}
}

func usable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		f.Close()
		return true
	}
	// A directory cannot be opened for writing: whether it may be written is another
	// question.
	if fi, statErr := os.Stat(path); statErr == nil && fi.IsDir() {
		return mayWrite(path)
	}
	return false
}

// commandFor ends a driver's tool that hangs, as they do when the device does.
const commandFor = 10 * time.Second

func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	out := &limited{max: MaxOutput}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// limited keeps the first max bytes and takes the rest.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), max(l.max-l.Len(), 0))])
	return len(b), nil
}

// maxFile is how much of a file is read, in bytes: what /proc and /sys say is short,
// but for /proc/cpuinfo of a machine with hundreds of processors.
const maxFile = 1 << 20

// read returns the beginning of a file; name has no leading slash.
func (s System) read(name string) ([]byte, error) {
	f, err := s.Files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// line returns a file's content without the space around it; ok is false if there is
// no such file.
func (s System) line(name string) (text string, ok bool) {
	b, err := s.read(name)
	return strings.TrimSpace(string(b)), err == nil
}

func (s System) exists(name string) bool {
	_, err := fs.Stat(s.Files, name)
	return err == nil
}

// rel makes an absolute path one of System.Files.
// Boot names the present run of the system: another one is another text. Empty: not known.
func (s System) Boot() string {
	t, _ := s.line("proc/sys/kernel/random/boot_id")
	return printable(t, 64)
}

func rel(p string) string { return strings.TrimPrefix(path.Clean("/"+p), "/") }

// printable cuts a stranger's text to n bytes and takes out what is not plain ASCII, so that a
// terminal only shows it.
func printable(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s[:min(len(s), 4*n)])
	return strings.TrimSpace(s[:min(len(s), n)])
}

var errUnknown = errors.New("not known on this system")
