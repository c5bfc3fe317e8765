//go:build !unix

package wasm

// area is memory of the Go heap, which moves when it grows.
type area struct {
	b    []byte
	size uint64
}

func reserve(size uint64) (*area, error) { return &area{size: size}, nil }

func (a *area) max() uint64 { return a.size }

func (a *area) grow(size uint64) ([]byte, error) {
	if n := uint64(len(a.b)); size > n {
		a.b = append(a.b, make([]byte, size-n)...)
	}
	return a.b[:size:size], nil
}

func (a *area) free() { a.b = nil }
