//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// explain says what a kernel's refusal to make a supervisor means.
func explain(err error) error {
	hint := ""
	switch {
	case errors.Is(err, unix.EPERM) && os.Geteuid() != 0, errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		hint = "the kernel does not let this user make user namespaces; hint: " + usernsHint()
	case errors.Is(err, unix.EPERM):
		hint = "the kernel does not let this process make namespaces; hint: artel is itself in a container; give that one CAP_SYS_ADMIN and no seccomp filter, or offer WASM only"
	default:
		return err
	}
	return fmt.Errorf("%w: %s (%w)", ErrUnsupported, hint, err)
}

// usernsHint names the switch that this system has for it.
func usernsHint() string {
	for _, s := range []struct{ path, off, hint string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for artel that allows userns"},
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"},
	} {
		if b, err := os.ReadFile(s.path); err == nil && strings.TrimSpace(string(b)) == s.off {
			return s.hint
		}
	}
	return "run artel as root, or outside of a container that forbids it"
}

// Probe tries whether containers can run here, by starting one. The error wraps
// ErrUnsupported, says why in a sentence, and what to do. ctx should have a deadline.
func Probe(ctx context.Context, opt Options) error { return probe(ctx, opt) }

// trial is the whole program of a trial: exit(trialCode), made by hand, since a
// machine need not have any image.
func trial() []byte {
	code, machine := []byte{0xbf, trialCode, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05}, uint16(elf.EM_X86_64) // mov edi; mov eax; syscall
	if goarch == "arm64" {
		code, machine = nil, uint16(elf.EM_AARCH64)
		for _, w := range []uint32{0xd2800000 | trialCode<<5, 0xd2800000 | 93<<5 | 8, 0xd4000001} { // movz x0; movz x8; svc
			code = binary.LittleEndian.AppendUint32(code, w)
		}
	}
	const base, head = 0x400000, 64 + 56
	var b bytes.Buffer
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: machine, Version: 1, Entry: base + head, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	size := uint64(head + len(code))
	p := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 4096}
	_ = binary.Write(&b, binary.LittleEndian, h)
	_ = binary.Write(&b, binary.LittleEndian, p)
	b.Write(code)
	return b.Bytes()
}

const trialCode = 42

func probe(ctx context.Context, opt Options) (err error) {
	var detail string
	opt.Slots, opt.Crashed = 1, func(_, d string) { detail = d }
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	tmp, err := os.MkdirTemp(opt.Dir, "probe-")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	defer os.RemoveAll(tmp)
	opt.Dir = filepath.Join(tmp, "state")
	box, err := New(opt)
	if err != nil {
		return err
	}
	defer box.Close()
	spec := sandbox.Spec{Root: filepath.Join(tmp, "root"), Args: []string{"/trial"}, Out: filepath.Join(tmp, "out"), Log: filepath.Join(tmp, "log")}
	if err := errors.Join(os.Mkdir(spec.Root, 0o755), os.Mkdir(spec.Out, 0o755), os.WriteFile(filepath.Join(spec.Root, "trial"), trial(), 0o755)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	r, err := box.Start(ctx, "probe", spec)
	if err != nil {
		if !errors.Is(err, ErrUnsupported) {
			err = fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
		return err
	}
	exit, err := r.Wait(ctx)
	if err != nil {
		r.Kill()
		return fmt.Errorf("%w: a trial did not end in time: %w; hint: the kernel runs gVisor too slowly or not at all, offer WASM only", ErrUnsupported, err)
	}
	if exit.Reason == sandbox.Exited && exit.Code == trialCode {
		return nil
	}
	return fmt.Errorf("%w: a trial ended with %v: %s; hint: %s", ErrUnsupported, exit, firstLine(detail), hintFor(detail))
}

// hintFor guesses from what a failed trial said.
func hintFor(detail string) string {
	switch {
	case strings.Contains(detail, "built with cgo"):
		return "build artel with CGO_ENABLED=0"
	case strings.Contains(detail, "mount /proc"):
		return "artel is in a container that hides parts of /proc; run it outside, or let that container see all of /proc"
	case strings.Contains(detail, "memfd"):
		return "the kernel has no memfd_create; use Linux 4.15 or newer"
	case strings.Contains(detail, "seccomp"):
		return "a seccomp filter or a kernel without CONFIG_SECCOMP_FILTER is in the way; run artel outside of the container"
	case strings.Contains(detail, "operation not permitted"), strings.Contains(detail, "permission denied"):
		return usernsHint()
	}
	return "offer WASM only, and report what the trial said"
}

// firstLine is the line of a supervisor's log that says most.
func firstLine(s string) string {
	for _, l := range strings.Split(s, "\n")[min(1, strings.Count(s, "\n")):] {
		if l = strings.TrimSpace(l); l != "" {
			return l
		}
	}
	return "it said nothing"
}
