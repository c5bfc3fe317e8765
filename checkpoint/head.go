package checkpoint

import (
	"encoding/binary"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// The head block:
//
//	"artel.ck" 01 generation(8, big endian) nonce(24) sealed{ … } tag(16)
//
// and what is sealed in it, numbers as varints of the shortest form:
//
//	task(32) generation attempt lease(32) parent(0 or 36 bytes, length first) extra(length first)
//	digest(32) bytes files
//	packs  { id - id before, born, plain, sealed, sha256(32) }*    (id + 1 for the first)
//	next   above every id that was ever used
//	index length, runs  { pack, first, count, bytes }*
const headMagic = "artel.ck\x01"

const headClear = len(headMagic) + 8

// run is neighbouring chunks of one pack, and where their bytes go.
type run struct {
	off   int64  // in the file
	file  uint32 // number of the entry
	pack  uint32 // number in the list of packs
	bytes uint32
	first uint16
	more  uint16 // chunks after the first
}

// head is a decoded head.
type head struct {
	Manifest
	indexLen int64
	index    []run
}

func (h *head) encode() []byte {
	b := append([]byte(nil), h.Task[:]...)
	b = binary.AppendUvarint(b, h.Generation)
	b = binary.AppendUvarint(b, uint64(h.Attempt))
	b = append(b, h.Lease[:]...)
	var parent []byte
	if !h.Parent.IsZero() {
		parent = h.Parent.Bytes()
	}
	b = binary.AppendUvarint(b, uint64(len(parent)))
	b = append(b, parent...)
	b = binary.AppendUvarint(b, uint64(len(h.Extra)))
	b = append(b, h.Extra...)
	b = append(b, h.Digest[:]...)
	b = binary.AppendUvarint(b, uint64(h.Bytes))
	b = binary.AppendUvarint(b, uint64(h.Files))
	b = binary.AppendUvarint(b, uint64(len(h.packs)))
	var before uint64
	for _, p := range h.packs {
		id := uint64(p.id) + 1
		b = binary.AppendUvarint(b, id-before)
		before = id
		b = binary.AppendUvarint(b, p.born)
		b = binary.AppendUvarint(b, uint64(p.plain))
		b = binary.AppendUvarint(b, uint64(p.sealed))
		sum := p.ref.Sum()
		b = append(b, sum[:]...)
	}
	b = binary.AppendUvarint(b, uint64(h.next))
	b = binary.AppendUvarint(b, uint64(h.indexLen))
	b = binary.AppendUvarint(b, uint64(len(h.index)))
	for _, r := range h.index {
		b = appendRun(b, h.packs[r.pack].id, r, true)
	}
	return b
}

// appendRun writes a run; withBytes where the chunks' lengths do not follow from
// their count.
func appendRun(b []byte, id uint32, r run, withBytes bool) []byte {
	b = binary.AppendUvarint(b, uint64(id)+1)
	b = binary.AppendUvarint(b, uint64(r.first))
	b = binary.AppendUvarint(b, uint64(r.more)+1)
	if withBytes {
		b = binary.AppendUvarint(b, uint64(r.bytes))
	}
	return b
}

// decodeHead is the inverse of encode. generation is what the block says in the
// clear.
func decodeHead(b []byte, generation uint64, lim Limits) (*head, error) {
	r := reader{b: b}
	h := &head{}
	h.Task = r.hash()
	h.Generation = r.uvarint()
	h.Attempt = uint32(r.upTo(1<<32-1, "attempt"))
	h.Lease = r.hash()
	if parent := r.bytes(36); len(parent) > 0 {
		var err error
		if h.Parent, err = artel.RefFromBytes(parent); err != nil {
			r.fail("parent: %v", err)
		}
	}
	h.Extra = append([]byte(nil), r.bytes(maxExtra)...)
	h.Digest = r.hash()
	h.Bytes = int64(r.upTo(1<<62, "bytes"))
	h.Files = int(r.upTo(1<<31-1, "files"))
	if r.err == nil {
		switch {
		case h.Generation != generation || generation == 0:
			r.fail("generation %d, and %d in the clear", h.Generation, generation)
		case (generation == 1) != h.Parent.IsZero():
			r.fail("generation %d with parent %s", generation, h.Parent)
		case h.Bytes > lim.Bytes:
			r.err = overLimit("bytes of files", h.Bytes, lim.Bytes)
		case h.Files > lim.Files:
			r.err = overLimit("files", int64(h.Files), int64(lim.Files))
		}
	}
	h.decodePacks(&r, lim)
	h.indexLen = int64(r.upTo(1<<62, "index length"))
	if h.indexLen > lim.Index {
		return nil, overLimit("bytes of names and chunk lists", h.indexLen, lim.Index)
	}
	n := r.upTo(uint64(len(r.b)), "runs")
	packs := h.numbers()
	var off int64
	for range n {
		one := r.run(packs)
		one.bytes = uint32(r.upTo(packPlain, "bytes of a run"))
		one.off = off
		if off += int64(one.bytes); r.err == nil && (one.bytes == 0 || off > h.indexLen) {
			r.fail("index of %d bytes where %d are declared", off, h.indexLen)
		}
		if r.err != nil {
			return nil, fmt.Errorf("head: %w", r.err)
		}
		h.index = append(h.index, one)
	}
	if r.err == nil && off != h.indexLen {
		r.fail("index of %d bytes where %d are declared", off, h.indexLen)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	if r.err != nil {
		return nil, fmt.Errorf("head: %w", r.err)
	}
	return h, nil
}

func (h *head) decodePacks(r *reader, lim Limits) {
	n := r.uvarint()
	if r.err == nil && n > uint64(lim.Packs) {
		r.err = overLimit("packs", int64(min(n, 1<<62)), int64(lim.Packs))
	}
	var before uint64
	for i := uint64(0); i < n && r.err == nil; i++ {
		before += r.upTo(1<<32-1, "pack id")
		p := packInfo{id: uint32(before - 1), born: r.uvarint(), plain: uint32(r.upTo(packPlain, "pack length")), sealed: uint32(r.upTo(blob.MaxBlock, "block length"))}
		sum := r.hash()
		var err error
		if p.ref, err = artel.NewRef(artel.CodecRaw, sum); err != nil {
			r.fail("pack: %v", err)
		}
		switch {
		case r.err != nil:
		case before > 1<<32-1 || i > 0 && p.id <= h.packs[i-1].id || before == 0:
			r.fail("pack ids do not rise")
		case p.born == 0 || p.born > h.Generation:
			r.fail("pack %d of generation %d in generation %d", p.id, p.born, h.Generation)
		case p.plain == 0 || p.sealed < overhead:
			r.fail("pack %d of %d bytes, sealed %d", p.id, p.plain, p.sealed)
		}
		if h.Stored += int64(p.sealed); r.err == nil && h.Stored > lim.Stored {
			r.err = overLimit("bytes of blocks", h.Stored, lim.Stored)
		}
		h.packs = append(h.packs, p)
	}
	h.next = uint32(r.upTo(1<<32-1, "next pack"))
	if r.err == nil && uint64(h.next) < before {
		r.fail("next pack %d, %d is there", h.next, before-1)
	}
}

// numbers returns the number of each pack by id.
func (m *Manifest) numbers() map[uint32]uint32 {
	n := make(map[uint32]uint32, len(m.packs))
	for i, p := range m.packs {
		n[p.id] = uint32(i)
	}
	return n
}

// run reads a run's pack, first and count.
func (r *reader) run(packs map[uint32]uint32) run {
	id := r.upTo(1<<32, "pack")
	if id == 0 {
		r.fail("run of zeros out of place")
		return run{}
	}
	return r.runOf(uint32(id-1), packs)
}

// runOf reads the rest of a run.
func (r *reader) runOf(id uint32, packs map[uint32]uint32) run {
	n, ok := packs[id]
	if !ok {
		r.fail("pack %d is not listed", id)
	}
	first := r.upTo(packChunks-1, "chunk")
	count := r.upTo(packChunks-first, "chunks")
	if r.err == nil && count == 0 {
		r.fail("run of no chunks")
	}
	if r.err != nil {
		return run{}
	}
	return run{pack: n, first: uint16(first), more: uint16(count - 1)}
}

// sealHead returns the head block.
func sealHead(s *sealer, h *head) ([]byte, error) {
	b := append([]byte(nil), headMagic...)
	b = binary.BigEndian.AppendUint64(b, h.Generation)
	b, err := s.seal(b, kindHead, h.Generation, 0, h.encode())
	if err == nil && len(b) > blob.MaxBlock {
		err = overLimit("bytes of a head", int64(len(b)), blob.MaxBlock)
	}
	return b, err
}

// clearHead reads what a head says in the clear.
func clearHead(b []byte) (generation uint64, err error) {
	if len(b) < headClear || string(b[:len(headMagic)]) != headMagic {
		return 0, malformed("not the head of a checkpoint of this version")
	}
	return binary.BigEndian.Uint64(b[len(headMagic):]), nil
}

// openHead opens and decodes a head block, and holds it against want.
func openHead(s *sealer, b []byte, want Want, lim Limits) (*head, error) {
	generation, err := clearHead(b)
	if err != nil {
		return nil, err
	}
	if want.Generation != 0 && generation != want.Generation {
		return nil, fmt.Errorf("%w: generation %d where %d is due", ErrOther, generation, want.Generation)
	}
	plain, err := s.open(kindHead, generation, 0, b[headClear:])
	if err != nil {
		return nil, fmt.Errorf("head of generation %d: %w, or it is of another task", generation, err)
	}
	h, err := decodeHead(plain, generation, lim)
	if err != nil {
		return nil, err
	}
	if h.Task != want.Task {
		return nil, fmt.Errorf("%w: of task %s", ErrOther, h.Task.Short())
	}
	if !want.Digest.IsZero() && h.Digest != want.Digest {
		return nil, fmt.Errorf("%w: digest %s where %s is due", ErrOther, h.Digest, want.Digest)
	}
	return h, nil
}
