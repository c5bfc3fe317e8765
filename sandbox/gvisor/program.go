//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// maxProgram bounds an unpacked program, in bytes.
const maxProgram = 256 << 20

// Program is a static executable in memory whose main calls Main: what a Box may execute
// in place of the whole binary that it lives in, and that has less to begin. It has no
// name in any directory, and nobody can change it, its owner included.
type Program struct{ f *os.File }

// Unpack makes a Program of an executable that is packed with zstd.
func Unpack(packed []byte) (_ *Program, err error) {
	fail := func(err error) (*Program, error) { return nil, fmt.Errorf("unpack the program of containers: %w", err) }
	r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxProgram))
	if err != nil {
		return fail(err)
	}
	defer r.Close()
	const executable = 0x10 // MFD_EXEC, of Linux 6.3: where the system wants it said
	fd, err := unix.MemfdCreate("artel-box", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|executable)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("artel-box", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return fail(err)
	}
	f := os.NewFile(uintptr(fd), "artel-box")
	_, err = r.WriteTo(f)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = f.Close()
		return fail(err)
	}
	return &Program{f}, nil
}

// Close gives the memory back once no process executes it any more.
func (p *Program) Close() error { return p.f.Close() }

// path names it to execve, in this process and in a child of it.
func (p *Program) path() string { return fmt.Sprintf("/proc/self/fd/%d", p.f.Fd()) }
