//go:build !unix || 386 || arm || mips || mipsle

package wasm

// area is memory of the Go heap, which moves when it grows: a 32-bit machine has no
// address space to reserve, and Windows reserves in another way.
type area struct{ b []byte }

func reserve(uint64) (*area, error) { return &area{}, nil }

func (a *area) grow(size uint64) ([]byte, error) {
	if n := uint64(len(a.b)); size > n {
		a.b = append(a.b, make([]byte, size-n)...)
	}
	return a.b[:size:size], nil
}

// clear does not keep anything: the collector has it.
func (a *area) clear(uint64) bool { return false }

func (a *area) free() { a.b = nil }
