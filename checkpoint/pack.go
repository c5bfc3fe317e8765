package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// The plain content of a pack, which is compressed, then sealed:
//
//	varint n   then n bytes: (varint length, varint count)*   then the chunks
//
// Lengths are at least 1, counts too. Packs hold at most packPlain bytes, table
// included, and packChunks chunks.

// encodePack returns the plain content of a pack of these chunk lengths.
func encodePack(dst []byte, lengths []uint32, data []byte) []byte {
	var table []byte
	for len(lengths) > 0 {
		n := 1
		for n < len(lengths) && lengths[n] == lengths[0] {
			n++
		}
		table = binary.AppendUvarint(table, uint64(lengths[0]))
		table = binary.AppendUvarint(table, uint64(n))
		lengths = lengths[n:]
	}
	dst = binary.AppendUvarint(dst, uint64(len(table)))
	dst = append(dst, table...)
	return append(dst, data...)
}

// unpacked is a pack's content. Chunk i is data[ends[i-1]:ends[i]].
type unpacked struct {
	ends []uint32
	data []byte
}

func (u unpacked) chunk(i int) []byte {
	if i == 0 {
		return u.data[:u.ends[0]]
	}
	return u.data[u.ends[i-1]:u.ends[i]]
}

// decodePack is the inverse of encodePack. The result is a part of b.
func decodePack(b []byte) (unpacked, error) {
	r := reader{b: b}
	t := reader{b: r.bytes(len(b))}
	var u unpacked
	var sum uint64
	for r.err == nil && t.err == nil && len(t.b) > 0 {
		length, count := t.uvarint(), t.uvarint()
		switch {
		case t.err != nil:
		case length == 0 || count == 0 || length > packPlain || count > packChunks || len(u.ends)+int(count) > packChunks:
			t.err = malformed("pack: %d chunks of %d bytes", count, length)
		case sum+length*count > uint64(len(r.b)):
			t.err = malformed("pack: chunks of more than its %d bytes", len(r.b))
		default:
			for range count {
				sum += length
				u.ends = append(u.ends, uint32(sum))
			}
		}
	}
	if r.err != nil {
		return unpacked{}, r.err
	}
	if t.err != nil {
		return unpacked{}, t.err
	}
	if sum != uint64(len(r.b)) {
		return unpacked{}, malformed("pack: chunks of %d bytes, %d are there", sum, len(r.b))
	}
	u.data = r.b
	return u, nil
}

// newEncoder returns what compresses packs, from many goroutines.
func newEncoder() (*zstd.Encoder, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(workers()), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(2<<20))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return enc, nil
}

// newDecoder returns what expands packs, from many goroutines.
func newDecoder() (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(workers()), zstd.WithDecoderMaxMemory(blob.MaxBlock*2),
		zstd.WithDecoderMaxWindow(4<<20), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return dec, nil
}

// expand decompresses into buf, which has to hold exactly plain bytes. No more
// than that is ever made, whatever b says.
func expand(dec *zstd.Decoder, buf, b []byte, plain int) ([]byte, error) {
	if cap(buf) < plain {
		buf = make([]byte, 0, plain)
	}
	out, err := dec.DecodeAll(b, buf[:0:plain])
	if err != nil {
		return nil, malformed("does not decompress to %d bytes: %v", plain, err)
	}
	if len(out) != plain {
		return nil, malformed("decompresses to %d bytes where %d are declared", len(out), plain)
	}
	return out, nil
}

func workers() int { return min(8, runtime.GOMAXPROCS(0)) }

// packer fills packs, and compresses, seals and stores them on all cores while
// the next one is filled. It holds a few packs in memory.
type packer struct {
	ctx        context.Context
	seal       *sealer
	enc        *zstd.Encoder
	generation uint64
	lim        Limits

	next    uint32 // id of the pack that is being filled
	lengths []uint32
	table   int // bytes the table may take at most
	data    []byte
	free    chan []byte // as many buffers as packs may be in memory
	wg      sync.WaitGroup

	mu     sync.Mutex
	batch  blob.Batch
	queued int64 // bytes in batch
	done   []packInfo
	sent   int64
	err    error
}

func newPacker(ctx context.Context, store blob.Store, s *sealer, enc *zstd.Encoder, generation uint64, next uint32, lim Limits) *packer {
	p := &packer{ctx: ctx, seal: s, enc: enc, generation: generation, lim: lim, next: next, batch: store.Batch(ctx)}
	p.free = make(chan []byte, workers()+1)
	for range cap(p.free) {
		p.free <- nil
	}
	return p
}

// tableRoom is what a run of equal lengths takes in the table at most.
const tableRoom = 3 + 3

// add takes a chunk and returns where it will be.
func (p *packer) add(data []byte) (place, error) {
	room := 0
	if n := len(p.lengths); n == 0 || p.lengths[n-1] != uint32(len(data)) {
		room = tableRoom
	}
	if len(p.lengths) == packChunks || 4+p.table+room+len(p.data)+len(data) > packPlain {
		if err := p.flush(); err != nil {
			return 0, err
		}
		room = tableRoom
	}
	if len(p.lengths) == 0 {
		select {
		case p.data = <-p.free:
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	p.table += room
	p.data = append(p.data, data...)
	p.lengths = append(p.lengths, uint32(len(data)))
	return at(p.next, len(p.lengths)-1), nil
}

// flush hands the pack on that is being filled.
func (p *packer) flush() error {
	if len(p.lengths) == 0 {
		return nil
	}
	if p.next == 1<<32-1 {
		return overLimit("packs ever", 1<<32, 1<<32-1)
	}
	p.mu.Lock()
	err := p.err
	p.mu.Unlock()
	if err != nil {
		return err
	}
	data, lengths, id := p.data, p.lengths, p.next
	p.data, p.lengths, p.table, p.next = nil, nil, 0, p.next+1
	p.wg.Go(func() {
		if err := p.store(id, lengths, data); err != nil {
			p.mu.Lock()
			if p.err == nil {
				p.err = err
			}
			p.mu.Unlock()
		}
		p.free <- data[:0]
	})
	return nil
}

func (p *packer) store(id uint32, lengths []uint32, data []byte) error {
	plain := encodePack(make([]byte, 0, len(data)+64+len(lengths)), lengths, data)
	packed := p.enc.EncodeAll(plain, make([]byte, 0, len(plain)/2+1024))
	sealed, err := p.seal.seal(plain[:0], kindPack, p.generation, id, packed)
	if err != nil {
		return err
	}
	ref, err := p.put(sealed)
	if err != nil {
		return fmt.Errorf("pack %d: %w", id, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, packInfo{id: id, born: p.generation, plain: uint32(len(plain)), sealed: uint32(len(sealed)), ref: ref})
	return nil
}

// group is how many bytes are made durable at once.
const group = 64 << 20

func (p *packer) put(sealed []byte) (artel.Ref, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ref, err := p.batch.Add(p.ctx, artel.CodecRaw, sealed)
	if err != nil {
		return ref, err
	}
	p.sent += int64(len(sealed))
	if p.queued += int64(len(sealed)); p.queued >= group {
		p.queued = 0
		return ref, p.batch.Commit(p.ctx)
	}
	return ref, nil
}

// finish waits until all packs are stored, and makes them durable.
func (p *packer) finish() error {
	err := p.flush()
	p.wg.Wait()
	if p.err != nil {
		err = p.err
	}
	if err != nil {
		return err
	}
	return p.batch.Commit(p.ctx)
}

// close ends what runs. It may be called after finish.
func (p *packer) close() {
	p.wg.Wait()
	p.batch.Close()
}
