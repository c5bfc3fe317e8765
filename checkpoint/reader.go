package checkpoint

import (
	"encoding/binary"

	"github.com/artel-network/artel"
)

// reader takes fields off bytes from outside. After the first error it returns
// zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = malformed(format, args...)
	}
	r.b = nil
}

// uvarint reads a varint of the shortest form.
func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.fail("bad varint")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// upTo is uvarint with a bound.
func (r *reader) upTo(most uint64, what string) uint64 {
	v := r.uvarint()
	if v > most {
		r.fail("%s %d, at most %d", what, v, most)
		return 0
	}
	return v
}

// varint reads a signed number.
func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b) {
		r.fail("%d bytes where %d are due", len(r.b), n)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// bytes reads a length and as many bytes, at most max.
func (r *reader) bytes(most int) []byte { return r.take(int(r.upTo(uint64(most), "length"))) }

func (r *reader) hash() (h artel.Hash) {
	copy(h[:], r.take(len(h)))
	return h
}
