package wasm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// mergeData joins a module's data segments where little lies between them.
//
// Go's linker cuts initial memory into thousands of segments, to leave out runs of
// zeros, and wazero interprets the offset of each at every start: for a program that
// does nothing that is two thirds of the whole time. Memory is zero at the start, so
// writing the zeros too changes nothing that the program could see.
//
// It returns b itself when there is nothing to join or anything is out of the
// ordinary: segments that overlap, computed offsets, instructions that name segments.
// It does not validate; the compiler validates what comes out.
func mergeData(b []byte) []byte {
	if len(b) < 8 {
		return b
	}
	r := &reader{b: b[8:]}
	for len(r.b) > 0 {
		at := len(b) - len(r.b)
		id := r.byte()
		body := r.take(r.u32())
		switch {
		case r.err != nil || id == sectionDataCount:
			return b
		case id == sectionData:
			merged, ok := mergeSegments(body)
			if !ok {
				return b
			}
			out := make([]byte, 0, len(b)+len(merged))
			out = append(out, b[:at]...)
			out = append(out, sectionData)
			out = binary.AppendUvarint(out, uint64(len(merged)))
			out = append(out, merged...)
			return append(out, r.b...)
		}
	}
	return b
}

const (
	sectionData      = 11
	sectionDataCount = 12
)

// mergeGap is the most zeros that are written to save a segment.
const mergeGap = 512

// segment is bytes for an offset in memory.
type segment struct {
	offset uint64
	data   []byte
}

func (s segment) end() uint64 { return s.offset + uint64(len(s.data)) }

func mergeSegments(body []byte) ([]byte, bool) {
	r := &reader{b: body}
	n := r.u32()
	if n < 2 || uint64(n) > uint64(len(body)) {
		return nil, false
	}
	all := make([]segment, 0, n)
	for range n {
		if r.u32() != 0 || r.byte() != opI32Const { // active, in memory 0
			return nil, false
		}
		s := segment{offset: uint64(uint32(r.s32()))}
		if r.byte() != opEnd {
			return nil, false
		}
		s.data = r.take(r.u32())
		all = append(all, s)
	}
	if r.err != nil || len(r.b) > 0 {
		return nil, false
	}
	slices.SortStableFunc(all, func(x, y segment) int { return cmp.Compare(x.offset, y.offset) })
	// groups[i] is where the i-th merged segment begins in all.
	groups := []int{0}
	room := uint64(2*len(body) + 1<<20) // zeros that may be added, or a small file would become a huge one
	for i := 1; i < len(all); i++ {
		before, next := all[i-1].end(), all[i].offset
		switch gap := next - before; {
		case next < before:
			return nil, false // the order of segments matters
		case gap <= mergeGap && gap <= room:
			room -= gap
		default:
			groups = append(groups, i)
		}
	}
	if len(groups) == len(all) {
		return nil, false
	}
	out := binary.AppendUvarint(nil, uint64(len(groups)))
	for g, from := range groups {
		to := len(all)
		if g+1 < len(groups) {
			to = groups[g+1]
		}
		begin, end := all[from].offset, all[to-1].end()
		out = append(out, 0, opI32Const)
		out = appendS32(out, int32(uint32(begin)))
		out = append(out, opEnd)
		out = binary.AppendUvarint(out, end-begin)
		at := begin
		for _, s := range all[from:to] {
			out = append(out, make([]byte, s.offset-at)...)
			out = append(out, s.data...)
			at = s.end()
		}
	}
	return out, true
}

const (
	opI32Const = 0x41
	opEnd      = 0x0b
)

// s32 reads a signed LEB128 of at most 32 bits.
func (r *reader) s32() int32 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if c&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			if v != int64(int32(v)) {
				break
			}
			return int32(v)
		}
	}
	r.err = errTruncated
	return 0
}

func appendS32(b []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
