package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/crypto/blake2b"
)

// A file is a sequence of chunks and of zeros. Which ones depends on its bytes
// and its mode alone, so that a digest over them is one over the content.
//
//	pages    every 4 KiB is a chunk
//	content  a chunk ends where the bytes before it say (FastCDC), between 2 and 64 KiB
//
// Aligned windows of nothing but zeros (a page; 64 KiB) are no chunk, and end the
// chunk before them. The last window of a file may be shorter.
const (
	minChunk   = 2 << 10
	avgChunk   = 8 << 10
	maxChunk   = 64 << 10
	zeroWindow = 64 << 10
	// readBlock is read at once; a multiple of both windows.
	readBlock = 4 << 20
)

// piece is a chunk, or n zeros where data is nil.
type piece struct {
	data []byte
	n    int64
	id   chunkID
	sum  [32]byte // BLAKE2b-256
}

// cutter reads files and cuts them. One goroutine uses it at a time.
type cutter struct {
	gear *[256]uint64
	name func([]byte) chunkID
	// sum returns the sum of a chunk that is known already.
	sum  func(chunkID) ([32]byte, bool)
	buf  []byte
	base []byte // where rest lies: what is left of the block before, and a block
	rest []byte // content that is not cut yet
	out  []piece
}

func newCutter(name func([]byte) chunkID, sum func(chunkID) ([32]byte, bool)) *cutter {
	c := &cutter{name: name, sum: sum, gear: new([256]uint64)}
	for i := range c.gear {
		sum := sha256.Sum256([]byte{'a', 'r', 't', 'e', 'l', ' ', 'g', 'e', 'a', 'r', byte(i)})
		c.gear[i] = binary.BigEndian.Uint64(sum[:])
	}
	return c
}

// run yields the pieces of size bytes of f, in order; their data is good until
// take returns. A file that turns out shorter is ErrChanged.
func (c *cutter) run(ctx context.Context, f *os.File, size int64, pages bool, take func(piece) error) error {
	window := zeroWindow
	if pages {
		window = PageSize
	}
	if block := int(min(size, readBlock)); len(c.buf) < block {
		c.buf, c.base = make([]byte, block), make([]byte, 0, block+2*maxChunk)
	}
	var zeros int64
	c.rest = c.base[:0]
	flush := func() error {
		c.hash(c.out)
		for _, p := range c.out {
			if p.data == nil {
				zeros += p.n
				continue
			}
			if zeros > 0 {
				if err := take(piece{n: zeros}); err != nil {
					return err
				}
				zeros = 0
			}
			if err := take(p); err != nil {
				return err
			}
		}
		c.out = c.out[:0]
		c.rest = append(c.base[:0], c.rest...) // to the front
		return nil
	}
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if data := nextData(f, off, size) / int64(window) * int64(window); data > off {
			c.cutRest()
			c.out = append(c.out, piece{n: min(data, size) - off})
			off = min(data, size)
			if err := flush(); err != nil {
				return err
			}
			continue
		}
		b := c.buf[:min(size-off, readBlock)]
		if n, err := f.ReadAt(b, off); n < len(b) {
			if err == io.EOF {
				err = fmt.Errorf("%w: %d bytes where %d were", ErrChanged, off+int64(n), size)
			}
			return err
		}
		off += int64(len(b))
		for len(b) > 0 {
			w := b[:min(window, len(b))]
			b = b[len(w):]
			switch {
			case allZero(w):
				c.cutRest()
				c.out = append(c.out, piece{n: int64(len(w))})
			case pages:
				c.out = append(c.out, piece{data: w, n: int64(len(w))})
			default:
				c.cutContent(w)
			}
		}
		// What is cut lies in the buffers: it goes before more is read.
		if err := flush(); err != nil {
			return err
		}
	}
	c.cutRest()
	if err := flush(); err != nil {
		return err
	}
	if zeros > 0 {
		return take(piece{n: zeros})
	}
	return nil
}

// cutContent takes a window that follows what is in rest.
func (c *cutter) cutContent(w []byte) {
	c.rest = append(c.rest, w...)
	for len(c.rest) >= maxChunk {
		c.cut()
	}
}

// cutRest ends the stretch.
func (c *cutter) cutRest() {
	for len(c.rest) > 0 {
		c.cut()
	}
}

func (c *cutter) cut() {
	n := boundary(c.gear, c.rest)
	c.out = append(c.out, piece{data: c.rest[:n:n], n: int64(n)})
	c.rest = c.rest[n:]
}

// boundary returns where the first chunk of b ends. Source: Xia et al., FastCDC,
// USENIX ATC 2016: a harder mask before the average length, an easier one after.
func boundary(gear *[256]uint64, b []byte) int {
	const (
		hard = 1<<15 - 1
		easy = 1<<11 - 1
	)
	if len(b) <= minChunk {
		return len(b)
	}
	n := min(len(b), maxChunk)
	var h uint64
	i := minChunk
	for ; i < min(n, avgChunk); i++ {
		if h = h<<1 + gear[b[i]]; h>>40&hard == 0 {
			return i + 1
		}
	}
	for ; i < n; i++ {
		if h = h<<1 + gear[b[i]]; h>>40&easy == 0 {
			return i + 1
		}
	}
	return n
}

// hash fills in ids and sums, on all cores where it pays. Naming a chunk is ten
// times as fast as hashing it, and most are known by their names.
func (c *cutter) hash(ps []piece) {
	spread(ps, func(p *piece) {
		if p.data != nil {
			p.id = c.name(p.data)
		}
	})
	var fresh []*piece
	for i := range ps {
		if p := &ps[i]; p.data != nil {
			var ok bool
			if p.sum, ok = c.sum(p.id); !ok {
				fresh = append(fresh, p)
			}
		}
	}
	spread(fresh, func(p **piece) { (*p).sum = blake2b.Sum256((*p).data) })
}

// spread calls do with every element, from several goroutines if there are many.
func spread[T any](all []T, do func(*T)) {
	const least = 64 // elements a goroutine
	n := min(runtime.GOMAXPROCS(0), 1+len(all)/least)
	var wg sync.WaitGroup
	for w := range n {
		part := all[len(all)*w/n : len(all)*(w+1)/n]
		run := func() {
			for i := range part {
				do(&part[i])
			}
		}
		if w == n-1 {
			run()
		} else {
			wg.Go(run)
		}
	}
	wg.Wait()
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// digest sums up a sequence of pieces.
//
//	chunk  varint(length<<1 | 1) BLAKE2b-256     zeros  varint(length<<1)
type digest struct{ h hash.Hash }

func newDigest(what string) digest {
	h, _ := blake2b.New256(nil) // errs for long keys alone
	d := digest{h}
	d.h.Write([]byte("artel checkpoint v1 " + what + "\x00"))
	return d
}

func (d digest) add(p piece) {
	var b [binary.MaxVarintLen64]byte
	if p.data == nil {
		d.h.Write(binary.AppendUvarint(b[:0], uint64(p.n)<<1))
		return
	}
	d.h.Write(binary.AppendUvarint(b[:0], uint64(p.n)<<1|1))
	d.h.Write(p.sum[:])
}

func (d digest) sum() (s [32]byte) {
	d.h.Sum(s[:0])
	return s
}
