package unpack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image/oci"
)

// freeRatio is how much a layer may unpack to whatever its compressed length.
const freeRatio = 64 << 20

// stream uncompresses and hashes a layer in a goroutine of its own, which ends
// with the context, and is read by the one that writes files.
type stream struct {
	cancel context.CancelFunc
	chunks chan []byte
	free   chan []byte
	done   chan struct{}
	now    []byte
	whole  []byte // the chunk that now is the rest of
	err    error  // io.EOF at the end; set before chunks is closed
	h      hash.Hash
}

// meter counts compressed bytes and keeps the error of their source, so that it
// is not taken for one of the archive.
type meter struct {
	r   io.Reader
	n   int64
	err error
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

// newStream begins to uncompress src, whatever its compression. left is what may
// still come of all layers, uncompressed.
func newStream(ctx context.Context, src io.Reader, ratio int64, left *int64) (*stream, error) {
	m := &meter{r: src}
	plain, closer, err := Uncompress(m)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{cancel: cancel, chunks: make(chan []byte, 8), free: make(chan []byte, 8), done: make(chan struct{}), h: sha256.New()}
	go func() {
		defer close(s.done)
		defer closer()
		defer close(s.chunks)
		s.err = s.run(ctx, plain, m, ratio, left)
	}()
	return s, nil
}

// Uncompress returns the plain bytes of r, whatever its compression, and what
// gives the decompressor back.
func Uncompress(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 256<<10)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return uncompress(b, head)
}

// uncompress looks at the first bytes instead of the media type, as container
// runtimes do: some tools write one and mean the other. The digest of the
// uncompressed bytes decides in the end.
func uncompress(b *bufio.Reader, head []byte) (io.Reader, func(), error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: gzip: %w", oci.ErrMalformed, err)
		}
		return z, func() { z.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, fmt.Errorf("%w: zstd: %w", oci.ErrMalformed, err)
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

func (s *stream) run(ctx context.Context, plain io.Reader, m *meter, ratio int64, left *int64) error {
	var total int64
	for {
		var buf []byte
		select {
		case buf = <-s.free:
		default:
			buf = make([]byte, 256<<10)
		}
		n, err := fill(plain, buf)
		total += int64(n)
		if *left -= int64(n); *left < 0 {
			return fmt.Errorf("%w: its archives unpack to more than twice what its files may have; hint: a decompression bomb?", ErrTooLarge)
		}
		if total > freeRatio && total/ratio > m.n {
			return fmt.Errorf("%w: %d compressed bytes unpack to %d, more than %d times as much; hint: a decompression bomb?", ErrTooLarge, m.n, total, ratio)
		}
		s.h.Write(buf[:n])
		if n > 0 {
			select {
			case s.chunks <- buf[:n]:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		switch {
		case err == nil:
		case err == io.EOF:
			return io.EOF
		case m.err != nil:
			return m.err
		default:
			return fmt.Errorf("%w: uncompress: %w", oci.ErrMalformed, err)
		}
	}
}

// fill is io.ReadFull that keeps the reader's own error.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var one int
		one, err = r.Read(buf[n:])
		n += one
	}
	return n, err
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.now) == 0 {
		if s.whole != nil {
			select {
			case s.free <- s.whole[:cap(s.whole)]:
			default:
			}
			s.whole = nil
		}
		b, ok := <-s.chunks
		if !ok {
			return 0, s.err
		}
		s.now, s.whole = b, b
	}
	n := copy(p, s.now)
	s.now = s.now[n:]
	return n, nil
}

// rest reads what follows the archive and returns the digest of all of it.
func (s *stream) rest() (oci.Digest, error) {
	for range s.chunks {
	}
	if s.err != io.EOF {
		return oci.Digest{}, s.err
	}
	return oci.Digest(s.h.Sum(nil)), nil
}

// close ends the goroutine and waits for it.
func (s *stream) close() {
	s.cancel()
	for range s.chunks {
	}
	<-s.done
}
