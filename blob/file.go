package blob

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sort"

	"github.com/artel-network/artel"
)

// maxHeight is how many nodes a file may have between root and leaf. Four hold
// an exabyte in the layout of AddFile.
const maxHeight = 8

// File reads a file of a store, as io.Reader, io.Seeker, io.ReaderAt and
// io.WriterTo. One goroutine uses it at a time. It holds nothing that has to be
// closed.
type File struct {
	get  func(artel.Ref) ([]byte, error) // ends with the context given to Open
	root artel.Ref
	size int64
	pos  int64

	path []span // the nodes above the leaf that was read last, root first
	leaf []byte // that leaf
	at   artel.Ref
}

// span is one decoded node and where its children end in the bytes below it.
type span struct {
	ref  artel.Ref
	node fsNode
	ends []int64
}

// Open opens a file: a raw block or a UnixFS file. Reading stops with the
// context's error once ctx ends. Errors: ErrNotFound, ErrKind for a directory,
// ErrMalformed, ErrUnsupported.
//
// What a read returns has been verified: every block against its ref, every
// part against the size that the node above declared.
func Open(ctx context.Context, s Store, ref artel.Ref) (*File, error) {
	f := &File{root: ref, get: func(r artel.Ref) ([]byte, error) { return s.Get(ctx, r) }}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", ref, err)
	}
	return f, nil
}

func (f *File) open() error {
	if f.root.Codec() != artel.CodecDagPB {
		b, err := f.get(f.root)
		f.size, f.leaf, f.at = int64(len(b)), b, f.root
		return err
	}
	sp, err := f.span(0, f.root)
	if err != nil {
		return err
	}
	f.size = sp.node.size
	return nil
}

// Size returns the length of the file in bytes.
func (f *File) Size() int64 { return f.size }

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := f.from(f.pos)
	n := copy(p, b)
	f.pos += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt. It does not move the place of Read.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		b, err := f.from(off + int64(done))
		if err != nil {
			return done, err
		}
		done += copy(p[done:], b)
	}
	return done, nil
}

// Seek implements io.Seeker.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, fmt.Errorf("seek in blob %s to %d, whence %d: before the start", f.root, offset, whence)
	}
	f.pos = offset
	return offset, nil
}

// WriteTo implements io.WriterTo: everything from the place of Read to the end.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	return f.writeTo(w, func() error { return nil })
}

func (f *File) writeTo(w io.Writer, each func() error) (int64, error) {
	start := f.pos
	for {
		if err := each(); err != nil {
			return f.pos - start, err
		}
		b, err := f.from(f.pos)
		if err == io.EOF {
			return f.pos - start, nil
		}
		if err != nil {
			return f.pos - start, err
		}
		n, err := w.Write(b)
		f.pos += int64(n)
		if err != nil {
			return f.pos - start, err
		}
	}
}

// from returns the bytes from off to the end of their leaf; io.EOF past the end.
func (f *File) from(off int64) ([]byte, error) {
	if off < 0 {
		return nil, fmt.Errorf("read blob %s at %d: before the start", f.root, off)
	}
	if off >= f.size {
		return nil, io.EOF
	}
	b, err := f.descend(off)
	if err != nil {
		return nil, fmt.Errorf("read blob %s at %d: %w", f.root, off, err)
	}
	return b, nil
}

func (f *File) descend(off int64) ([]byte, error) {
	ref, size := f.root, f.size
	for height := 0; ; height++ {
		if height > maxHeight {
			return nil, fmt.Errorf("%w: file nested deeper than %d nodes", ErrLimit, maxHeight)
		}
		if ref.Codec() != artel.CodecDagPB {
			break
		}
		sp, err := f.span(height, ref)
		if err != nil {
			return nil, err
		}
		if sp.node.size != size {
			return nil, wrongSize(ref, size, sp.node.size)
		}
		if len(sp.node.links) == 0 {
			return sp.node.leaf[off:], nil
		}
		i := sort.Search(len(sp.ends), func(i int) bool { return sp.ends[i] > off })
		size = int64(sp.node.sizes[i])
		off -= sp.ends[i] - size
		ref = sp.node.links[i].ref
	}
	if f.at != ref || f.leaf == nil {
		b, err := f.get(ref)
		if err != nil {
			return nil, err
		}
		f.leaf, f.at = b, ref
	}
	if int64(len(f.leaf)) != size {
		return nil, wrongSize(ref, size, int64(len(f.leaf)))
	}
	return f.leaf[off:], nil
}

func wrongSize(ref artel.Ref, want, got int64) error {
	return fmt.Errorf("%w: part %s holds %d bytes where %d are declared", ErrMalformed, ref, got, want)
}

// span returns the decoded node at the given height of the path.
func (f *File) span(height int, ref artel.Ref) (*span, error) {
	if height < len(f.path) && f.path[height].ref == ref {
		return &f.path[height], nil
	}
	b, err := f.get(ref)
	if err != nil {
		return nil, err
	}
	n, err := decodeFS(b)
	if err != nil {
		return nil, fmt.Errorf("part %s: %w", ref, err)
	}
	if n.dir {
		return nil, fmt.Errorf("%w: %s is a directory; hint: list it or extract it", ErrKind, ref)
	}
	sp := span{ref: ref, node: n, ends: make([]int64, len(n.sizes))}
	var end int64
	for i, size := range n.sizes {
		end += int64(size)
		sp.ends[i] = end
	}
	f.path = append(f.path[:height], sp)
	return &f.path[height], nil
}

// ReadDir lists a directory, sorted by name. ErrKind if ref is a file.
func ReadDir(ctx context.Context, s Store, ref artel.Ref) ([]Entry, error) {
	n, err := readDir(ctx, s, ref)
	if err != nil {
		return nil, fmt.Errorf("read directory %s: %w", ref, err)
	}
	entries := make([]Entry, len(n.links))
	for i, l := range n.links {
		entries[i] = Entry{l.name, l.ref, l.tsize}
	}
	return entries, nil
}

func readDir(ctx context.Context, s Store, ref artel.Ref) (fsNode, error) {
	if ref.Codec() != artel.CodecDagPB {
		return fsNode{}, fmt.Errorf("%w: a file, not a directory", ErrKind)
	}
	b, err := s.Get(ctx, ref)
	if err != nil {
		return fsNode{}, err
	}
	n, err := decodeFS(b)
	if err == nil && !n.dir {
		err = fmt.Errorf("%w: a file, not a directory", ErrKind)
	}
	return n, err
}

// links returns what a block refers to, in order: none for a raw block.
func links(ref artel.Ref, block []byte) iter.Seq2[artel.Ref, error] {
	return func(yield func(artel.Ref, error) bool) {
		if ref.Codec() != artel.CodecDagPB {
			return
		}
		n, err := decodeFS(block)
		if err != nil {
			yield(artel.Ref{}, fmt.Errorf("node %s: %w", ref, err))
			return
		}
		for _, l := range n.links {
			if !yield(l.ref, nil) {
				return
			}
		}
	}
}

// Links returns what one block refers to, in order: the names of a directory,
// the nameless parts of a file, nothing for a raw block. Size is a hint, as in
// ReadDir. The block's hash is the caller's to compare. Errors: ErrMalformed,
// ErrUnsupported.
func Links(ref artel.Ref, block []byte) ([]Entry, error) {
	if ref.Codec() != artel.CodecDagPB {
		return nil, nil
	}
	n, err := decodeFS(block)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", ref, err)
	}
	entries := make([]Entry, len(n.links))
	for i, l := range n.links {
		entries[i] = Entry{l.name, l.ref, l.tsize}
	}
	return entries, nil
}
