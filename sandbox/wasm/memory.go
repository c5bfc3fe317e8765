package wasm

import "github.com/tetratelabs/wazero/experimental"

// meter bounds a program's linear memory and remembers whether more was asked for.
// It is wazero's memory allocator, for one program.
type meter struct {
	limit  uint64
	spare  *spare
	peak   uint64
	denied bool
}

// spare is the memory of the last program, cleared, for the next: to clear a few
// megabytes is cheaper than to have the kernel hand out zero pages one fault at a time,
// which was most of a small program's start. Big memory goes back to the kernel at once.
type spare struct{ area *area }

// spareBytes is how much is worth keeping.
const spareBytes = 8 << 20

// maxMemory is what 32-bit addresses reach. All of it is reserved for any program:
// address space costs nothing, and memory that never moves can be kept.
const maxMemory = 4 << 30

// addressable is the most that a program's memory can have on this machine. On a
// 32-bit one memory moves when it grows, so that for a moment it is there twice.
const addressable = 4 << 30 >> (3 * (1 - is64))

// is64 is 1 where addresses have 64 bits, else 0.
const is64 = int64(^uint(0) >> 63)

// errNoMemory is thrown through wazero when not even address space can be had.
type errNoMemory struct{ err error }

func (e errNoMemory) Error() string { return "out of memory" }

// Allocate is wazero's. What the module declares is wazero's to enforce.
func (m *meter) Allocate(_, _ uint64) experimental.LinearMemory {
	a := m.spare.area
	m.spare.area = nil
	if a == nil {
		var err error
		if a, err = reserve(maxMemory); err != nil {
			panic(errNoMemory{err})
		}
	}
	return &linear{meter: m, area: a}
}

type linear struct {
	*meter
	area *area
}

// Reallocate grows the memory to size bytes, or returns nil when that is too much.
func (l *linear) Reallocate(size uint64) []byte {
	if size > l.limit || size > maxMemory {
		l.denied = true
		return nil
	}
	b, err := l.area.grow(size)
	if err != nil {
		l.denied = true
		return nil
	}
	l.peak = max(l.peak, size)
	return b
}

// Free is wazero's, when the program has ended.
func (l *linear) Free() {
	if l.area == nil {
		return
	}
	if l.spare.area == nil && l.area.clear(spareBytes) {
		l.spare.area = l.area
	} else {
		l.area.free()
	}
	l.area = nil
}
