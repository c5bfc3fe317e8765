//go:build unix && !(386 || arm || mips || mipsle)

package wasm

import "golang.org/x/sys/unix"

// area is address space of a fixed size, of which the beginning is memory. It never
// moves.
type area struct {
	b []byte // all of it
	n uint64 // how much of it may be touched
}

func reserve(size uint64) (*area, error) {
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	return &area{b: b}, nil
}

func (a *area) grow(size uint64) ([]byte, error) {
	if size > a.n {
		if err := unix.Mprotect(a.b[a.n:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil, err
		}
		a.n = size
	}
	if size == 0 {
		return []byte{}, nil
	}
	return a.b[:size:size], nil
}

// clear makes the area as new, if no more than most bytes of it were in use.
func (a *area) clear(most uint64) bool {
	if a.n > most {
		return false
	}
	clear(a.b[:a.n])
	if a.n > 0 && unix.Mprotect(a.b[:a.n], unix.PROT_NONE) != nil {
		return false
	}
	a.n = 0
	return true
}

func (a *area) free() {
	_ = unix.Munmap(a.b)
	a.b, a.n = nil, 0
}
