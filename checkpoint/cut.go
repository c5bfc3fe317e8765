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
	sum  [32]byte
}

// cutter reads files and cuts them. One goroutine uses it at a time.
type cutter struct {
	gear *[256]uint64
	buf  []byte
	base []byte // where rest lies: what is left of the block before, and a block
	rest []byte // content that is not cut yet
	out  []piece
}

func newCutter() *cutter {
	c := &cutter{gear: new([256]uint64), buf: make([]byte, readBlock), base: make([]byte, 0, readBlock+2*maxChunk)}
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
	var zeros int64
	c.rest = c.base[:0]
	flush := func() error {
		hashAll(c.out)
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

// hashAll fills in the sums, on all cores where it pays.
func hashAll(ps []piece) {
	const least = 64 // chunks a goroutine
	workers := min(runtime.GOMAXPROCS(0), 1+len(ps)/least)
	var wg sync.WaitGroup
	for w := range workers {
		part := ps[len(ps)*w/workers : len(ps)*(w+1)/workers]
		do := func() {
			for i := range part {
				if part[i].data != nil {
					part[i].sum = sha256.Sum256(part[i].data)
				}
			}
		}
		if w == workers-1 {
			do()
		} else {
			wg.Go(do)
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
//	chunk  varint(length<<1 | 1) sha256     zeros  varint(length<<1)
type digest struct{ h hash.Hash }

func newDigest(what string) digest {
	d := digest{sha256.New()}
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
