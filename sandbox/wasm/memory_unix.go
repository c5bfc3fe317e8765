//go:build unix

package wasm

import "golang.org/x/sys/unix"

// area is address space of a fixed size, of which the beginning is memory. It never
// moves.
type area struct {
	b []byte // all of it
	n uint64 // how much of it may be touched
}

func reserve(size uint64) (*area, error) {
	if size == 0 {
		return &area{}, nil
	}
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	return &area{b: b}, nil
}

func (a *area) max() uint64 { return uint64(len(a.b)) }

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

func (a *area) free() {
	if len(a.b) > 0 {
		_ = unix.Munmap(a.b)
	}
	a.b, a.n = nil, 0
}
