//go:build linux && amd64

package devnet_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// shiftClock makes a running process see a clock that is wrong by some seconds.
// A Go program asks the kernel's vDSO, by an address that it looked up; here it
// is led to a few instructions of ours, written over a function of the vDSO that
// Go has no use for.
func (w *world) shiftClock(t *testing.T, pid int, seconds int32) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("shift the clock of process %d: %v", pid, err)
		}
	}
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: CLOCK_REALTIME?
		0x75, 7, // jnz past the addition
		0x48, 0x81, 0x06, 0, 0, 0, 0, // add qword [rsi], seconds
		0xc3, // ret
	}
	binary.LittleEndian.PutUint32(code[14:], uint32(seconds))

	program, err := elf.Open(filepath.Join(w.bin, "artel"))
	must(err)
	defer program.Close()
	syms, err := program.Symbols()
	must(err)
	var pointer uint64
	for _, s := range syms {
		if s.Name == "runtime.vdsoClockgettimeSym" {
			pointer = s.Value
		}
	}
	aux, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	must(err)
	const sysinfo = 33 // AT_SYSINFO_EHDR
	var base uint64
	for ; len(aux) >= 16; aux = aux[16:] {
		if binary.LittleEndian.Uint64(aux) == sysinfo {
			base = binary.LittleEndian.Uint64(aux[8:])
		}
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	must(err)
	defer mem.Close()
	image := make([]byte, 1<<14)
	n, err := mem.ReadAt(image, int64(base))
	if n == 0 {
		must(err)
	}
	vdso, err := elf.NewFile(bytes.NewReader(image[:n]))
	must(err)
	dyn, err := vdso.DynamicSymbols()
	must(err)
	var room uint64
	for _, s := range dyn {
		if (s.Name == "__vdso_getcpu" || s.Name == "__vdso_time") && s.Size >= uint64(len(code)) {
			room = base + s.Value
		}
	}
	if pointer == 0 || base == 0 || room == 0 {
		must(errors.New("no address"))
	}
	_, err = mem.WriteAt(code, int64(room))
	must(err)
	_, err = mem.WriteAt(binary.LittleEndian.AppendUint64(nil, room), int64(pointer))
	must(err)
	_, err = mem.Seek(0, io.SeekStart)
	must(err)
}
