package blob

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/artel-network/artel"
)

// The dag-pb block, which IPFS tools read and write. Every field stands where
// it is drawn and every varint is as short as can be, so that a node has one
// encoding and the decoder accepts no other.
// Source: https://ipld.io/specs/codecs/dag-pb/spec/
//
//	node = link* data?
//	link = 12 len { 0a 24 cid(36)   12 len name   18 tsize }
//	data = 0a len { unixfs }
type node struct {
	links []link
	data  []byte
}

type link struct {
	ref   artel.Ref
	name  string
	tsize uint64 // bytes of all blocks below, each as often as it appears; a hint that nobody checks
}

func (n node) encode() []byte {
	var out []byte
	for _, l := range n.links {
		body := 2 + 36 + 1 + varintLen(uint64(len(l.name))) + len(l.name) + 1 + varintLen(l.tsize)
		out = append(out, 0x12)
		out = binary.AppendUvarint(out, uint64(body))
		out = append(out, 0x0a, 36)
		out = append(out, l.ref.Bytes()...)
		out = append(out, 0x12)
		out = binary.AppendUvarint(out, uint64(len(l.name)))
		out = append(out, l.name...)
		out = append(out, 0x18)
		out = binary.AppendUvarint(out, l.tsize)
	}
	if n.data != nil {
		out = append(out, 0x0a)
		out = binary.AppendUvarint(out, uint64(len(n.data)))
		out = append(out, n.data...)
	}
	return out
}

func varintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// decodeNode is the inverse of encode. The data it returns is a part of b.
func decodeNode(b []byte) (node, error) {
	var n node
	r := reader{b: b}
	for r.field(0x12) {
		l, err := decodeLink(r.bytes())
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("link %d: %w", len(n.links), err)
		}
		if r.err != nil {
			break
		}
		n.links = append(n.links, l)
	}
	if r.field(0x0a) {
		n.data = r.bytes()
	}
	if err := r.end(); err != nil {
		return node{}, fmt.Errorf("%w: dag-pb: %w", ErrMalformed, err)
	}
	return n, nil
}

func decodeLink(b []byte) (link, error) {
	var l link
	r := reader{b: b}
	if !r.field(0x0a) {
		return l, errors.New("no hash")
	}
	ref, err := artel.RefFromBytes(r.bytes())
	if err != nil {
		return l, err
	}
	l.ref = ref
	if !r.field(0x12) {
		return l, errors.New("no name")
	}
	l.name = string(r.bytes())
	if !r.field(0x18) {
		return l, errors.New("no size")
	}
	l.tsize = r.uvarint()
	return l, r.end()
}

// reader takes protobuf fields from b in the order in which they are asked for.
// After the first error every method returns zero.
type reader struct {
	b   []byte
	err error
}

// field takes the tag if it is next.
func (r *reader) field(tag byte) bool {
	if r.err != nil || len(r.b) == 0 || r.b[0] != tag {
		return false
	}
	r.b = r.b[1:]
	return true
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n != varintLen(v) {
		r.err = errors.New("bad varint")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes takes a length and that many bytes, never nil without an error.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if r.err == nil && n > uint64(len(r.b)) {
		r.err = fmt.Errorf("%d bytes announced, %d left", n, len(r.b))
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes left over, the first 0x%02x", len(r.b), r.b[0])
	}
	return r.err
}
