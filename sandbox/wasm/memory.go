package wasm

import "github.com/tetratelabs/wazero/experimental"

// meter bounds a program's linear memory and remembers whether more was asked for.
// It is wazero's memory allocator, for one program.
//
// Memory comes from the kernel, page by page as it is touched, and goes back the moment
// the program ends: starting a program does not pay for zeroing what it will not use,
// and a worker that ran a big one is small again.
type meter struct {
	limit  uint64
	peak   uint64
	denied bool
}

// errNoMemory is thrown through wazero when even the least that a module declares
// cannot be had.
type errNoMemory struct{ err error }

func (e errNoMemory) Error() string { return "out of memory" }

// Allocate is wazero's; max is what the module declares, or 4 GiB.
func (m *meter) Allocate(_, max uint64) experimental.LinearMemory {
	area, err := reserve(min(max, m.limit))
	if err != nil {
		panic(errNoMemory{err})
	}
	return &linear{meter: m, area: area}
}

type linear struct {
	*meter
	area *area
}

// Reallocate grows the memory to size bytes, or returns nil when that is too much.
func (l *linear) Reallocate(size uint64) []byte {
	if size > l.limit || size > l.area.max() {
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

func (l *linear) Free() { l.area.free() }
