package blob

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/artel-network/artel"
)

// linksPerNode is the width of the balanced layout.
const linksPerNode = 1024

// smallFile is what is read before a buffer for a whole leaf is made.
const smallFile = 32 << 10

// A batch is committed once it holds this much.
const (
	groupBytes  = 64 << 20
	groupBlocks = 1024
)

// AddFile keeps the bytes of r and returns their root and length. A file of at
// most LeafSize is one raw block. All of it is durable when AddFile returns; on
// an error, blocks that were kept so far stay for the next try, or for GC.
func AddFile(ctx context.Context, s Store, r io.Reader) (artel.Ref, int64, error) {
	a := newAdder(ctx, s)
	defer a.batch.Close()
	c, err := a.file(ctx, r)
	if err == nil {
		err = a.batch.Commit(ctx)
	}
	if err != nil {
		return artel.Ref{}, 0, fmt.Errorf("add file: %w", err)
	}
	return c.ref, int64(c.size), nil
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Ref  artel.Ref
	// Size is the sum of all blocks below in bytes, as the directory's maker
	// says: good for a progress bar, not for a decision.
	Size uint64
}

// MakeDir keeps a directory of entries whose blocks the store already holds
// (at least the first of each), in any order; their Size is not looked at.
// Errors: ErrMalformed for a bad name or one that appears twice, ErrNotFound.
func MakeDir(ctx context.Context, s Store, entries []Entry) (artel.Ref, error) {
	links := make([]link, len(entries))
	for i, e := range entries {
		b, err := s.Get(ctx, e.Ref)
		if err != nil {
			return artel.Ref{}, fmt.Errorf("make directory: %q: %w", e.Name, err)
		}
		total := uint64(len(b))
		if e.Ref.Codec() == artel.CodecDagPB {
			n, err := decodeFS(b)
			if err != nil {
				return artel.Ref{}, fmt.Errorf("make directory: %q: %w", e.Name, err)
			}
			for _, l := range n.links {
				total += l.tsize
			}
		}
		links[i] = link{e.Ref, e.Name, total}
	}
	a := newAdder(ctx, s)
	defer a.batch.Close()
	c, err := a.dir(ctx, links)
	if err == nil {
		err = a.batch.Commit(ctx)
	}
	if err != nil {
		return artel.Ref{}, fmt.Errorf("make directory: %w", err)
	}
	return c.ref, nil
}

// AddDir keeps a directory of the host with everything below it. Names and
// bytes are kept; modes, times and owners are not, so that equal content has
// equal refs everywhere.
//
// hostDir may have been written by a stranger's program. A symlink to a file
// within hostDir is kept as that file; one that leads elsewhere, or to a
// directory, is refused (ErrUnsupported), and so are devices, pipes and
// sockets. ErrLimit as soon as lim is passed.
func AddDir(ctx context.Context, s Store, hostDir string, lim Limits) (artel.Ref, error) {
	root, err := os.OpenRoot(hostDir)
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add directory: %w", err)
	}
	defer root.Close()
	a := newAdder(ctx, s)
	defer a.batch.Close()
	b := newBudget(lim)
	c, err := a.hostDir(ctx, root, ".", b, 0)
	if err == nil {
		err = a.batch.Commit(ctx)
	}
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add directory %s: %w", hostDir, err)
	}
	return c.ref, nil
}

// adder builds graphs into a batch.
type adder struct {
	batch  Batch
	leaf   int // bytes a leaf
	width  int // links a node
	buf    []byte
	bytes  int // in the batch
	blocks int // in the batch
}

func newAdder(ctx context.Context, s Store) *adder {
	return &adder{batch: s.Batch(ctx), leaf: LeafSize, width: linksPerNode}
}

func (a *adder) put(ctx context.Context, codec byte, data []byte) (artel.Ref, error) {
	ref, err := a.batch.Add(ctx, codec, data)
	if err != nil {
		return ref, err
	}
	a.bytes, a.blocks = a.bytes+len(data), a.blocks+1
	if a.bytes >= groupBytes || a.blocks >= groupBlocks {
		a.bytes, a.blocks = 0, 0
		return ref, a.batch.Commit(ctx)
	}
	return ref, nil
}

// file builds the balanced layout from left to right: levels[i] holds the
// finished graphs of height i that have no node above them yet.
func (a *adder) file(ctx context.Context, r io.Reader) (child, error) {
	var levels [][]child
	for first := true; ; first = false {
		n, err := a.read(r)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return child{}, err
		}
		if n > 0 || first {
			ref, err := a.put(ctx, artel.CodecRaw, a.buf[:n])
			if err != nil {
				return child{}, err
			}
			c := child{ref, uint64(n), uint64(n)}
			if levels, err = a.add(ctx, levels, 0, c); err != nil {
				return child{}, err
			}
		}
		if last {
			break
		}
	}
	for i := 0; ; i++ {
		top := i == len(levels)-1
		if top && len(levels[i]) == 1 {
			return levels[i][0], nil
		}
		if len(levels[i]) == 0 {
			continue
		}
		c, err := a.node(ctx, levels[i])
		if err != nil {
			return child{}, err
		}
		levels[i] = nil
		if levels, err = a.add(ctx, levels, i+1, c); err != nil {
			return child{}, err
		}
	}
}

// read fills the buffer with the next leaf. The buffer is small until a file
// turns out to be larger: most outputs of tasks are not.
func (a *adder) read(r io.Reader) (int, error) {
	if a.buf == nil {
		a.buf = make([]byte, min(a.leaf, smallFile))
	}
	n, err := io.ReadFull(r, a.buf)
	if err != nil || len(a.buf) == a.leaf {
		return n, err
	}
	a.buf = append(make([]byte, 0, a.leaf), a.buf...)[:a.leaf]
	more, err := io.ReadFull(r, a.buf[n:])
	if err == io.EOF { // the leaf is not empty
		err = io.ErrUnexpectedEOF
	}
	return n + more, err
}

func (a *adder) add(ctx context.Context, levels [][]child, height int, c child) ([][]child, error) {
	if height == len(levels) {
		levels = append(levels, nil)
	}
	levels[height] = append(levels[height], c)
	if len(levels[height]) < a.width {
		return levels, nil
	}
	up, err := a.node(ctx, levels[height])
	if err != nil {
		return levels, err
	}
	levels[height] = levels[height][:0]
	return a.add(ctx, levels, height+1, up)
}

func (a *adder) node(ctx context.Context, children []child) (child, error) {
	block, size, tsize := fileNode(children)
	ref, err := a.put(ctx, artel.CodecDagPB, block)
	return child{ref, size, tsize}, err
}

func (a *adder) dir(ctx context.Context, links []link) (child, error) {
	slices.SortFunc(links, func(x, y link) int { return strings.Compare(x.name, y.name) })
	for i, l := range links {
		if err := CheckName(l.name); err != nil {
			return child{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if i > 0 && l.name == links[i-1].name {
			return child{}, fmt.Errorf("%w: name %q appears twice", ErrMalformed, l.name)
		}
	}
	block, tsize := dirNode(links)
	if len(block) > MaxBlock {
		return child{}, fmt.Errorf("%w: %d names make a directory block of %d bytes, at most %d; hint: use subdirectories or an archive",
			ErrLimit, len(links), len(block), MaxBlock)
	}
	ref, err := a.put(ctx, artel.CodecDagPB, block)
	return child{ref: ref, tsize: tsize}, err
}

func (a *adder) hostDir(ctx context.Context, root *os.Root, path string, b *budget, depth int) (child, error) {
	if err := b.dir(depth); err != nil {
		return child{}, fmt.Errorf("%s: %w", path, err)
	}
	d, err := root.Open(path)
	if err != nil {
		return child{}, err
	}
	defer d.Close()
	var links []link
	for {
		entries, err := d.ReadDir(256)
		if err != nil && err != io.EOF {
			return child{}, err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			c, err := a.hostEntry(ctx, root, join(path, e.Name()), e, b, depth)
			if err != nil {
				return child{}, err
			}
			links = append(links, link{c.ref, e.Name(), c.tsize})
		}
	}
	c, err := a.dir(ctx, links)
	if err != nil {
		return child{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (a *adder) hostEntry(ctx context.Context, root *os.Root, path string, e fs.DirEntry, b *budget, depth int) (child, error) {
	if e.IsDir() {
		return a.hostDir(ctx, root, path, b, depth+1)
	}
	if err := b.file(); err != nil {
		return child{}, fmt.Errorf("%s: %w", path, err)
	}
	if t := e.Type(); !t.IsRegular() && t != fs.ModeSymlink {
		return child{}, notAFile(path, t)
	}
	// Not blocking, should a pipe have taken the name since it was listed.
	// os.Root follows symlinks, but not out of the root.
	f, err := root.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		if e.Type() == fs.ModeSymlink {
			return child{}, fmt.Errorf("%w: %w; hint: a link is kept only if it leads to a file within the directory", ErrUnsupported, err)
		}
		return child{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return child{}, err
	}
	if !info.Mode().IsRegular() {
		return child{}, notAFile(path, info.Mode().Type())
	}
	// The size is checked before a sparse file is read, and again by reading
	// no more than is left, should it grow meanwhile.
	if err := b.room(info.Size()); err != nil {
		return child{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := a.file(ctx, io.LimitReader(f, max(b.bytes, b.bytes+1)))
	if err == nil {
		err = b.take(int64(c.size))
	}
	if err != nil {
		return child{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func notAFile(path string, t fs.FileMode) error {
	return fmt.Errorf("%s: %w: neither a file nor a directory (%v); hint: remove it, or give the file that it stands for", path, ErrUnsupported, t)
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// budget counts down from Limits.
type budget struct {
	lim    Limits
	bytes  int64
	files  int
	blocks int
}

func newBudget(l Limits) *budget {
	l = l.orDefault()
	return &budget{lim: l, bytes: l.Bytes, files: l.Files, blocks: l.Blocks}
}

func (b *budget) file() error {
	if b.files--; b.files < 0 {
		return fmt.Errorf("%w: more than %d files and directories; hint: pack them into an archive", ErrLimit, b.lim.Files)
	}
	return nil
}

func (b *budget) dir(depth int) error {
	if depth > b.lim.Depth {
		return fmt.Errorf("%w: directories nested deeper than %d", ErrLimit, b.lim.Depth)
	}
	return b.file()
}

func (b *budget) room(n int64) error {
	if n > b.bytes {
		return fmt.Errorf("%w: more than %d bytes in all", ErrLimit, b.lim.Bytes)
	}
	return nil
}

func (b *budget) take(n int64) error {
	if err := b.room(n); err != nil {
		return err
	}
	b.bytes -= n
	return nil
}

func (b *budget) block() error {
	if b.blocks--; b.blocks < 0 {
		return fmt.Errorf("%w: more than %d blocks to follow", ErrLimit, b.lim.Blocks)
	}
	return nil
}

// noSpace gives an error of a full disk the name that callers match.
func noSpace(err error) error {
	if diskFull(err) {
		return fmt.Errorf("%w: %w; hint: free space on the disk", ErrFull, err)
	}
	return err
}
