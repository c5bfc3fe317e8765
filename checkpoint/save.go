package checkpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/artel-network/artel/blob"
)

// Save keeps the directory as the generation after prev, or as the first one
// without prev. What prev and the store hold already is not written again. When
// Save has returned, all blocks of the generation are durable in the store; the
// caller writes down Root BEFORE it tells anybody, and Drops the generation before
// prev after it is confirmed elsewhere. After an error, or a power cut, prev is as
// it was; blocks that were kept meanwhile are for blob.GC.
//
// The directory must not change meanwhile: ErrChanged where that is noticed. Kept
// are names, content, permissions (without setuid and the like), modification
// times of files and directories, links that stay inside. Hard links become
// files of their own; stretches of zeros become holes. ErrUnsupported for
// anything else, ErrLimit, ErrOther if prev is of another task, errors of the
// store.
func Save(ctx context.Context, store blob.Store, key Key, dir string, prev *Manifest, meta Meta, o Options) (*Manifest, Stats, error) {
	m, stats, err := save(ctx, store, key, dir, prev, meta, o)
	if err != nil {
		return nil, stats, fmt.Errorf("save checkpoint of %s: %w", dir, err)
	}
	return m, stats, nil
}

func save(ctx context.Context, store blob.Store, key Key, dir string, prev *Manifest, meta Meta, o Options) (*Manifest, Stats, error) {
	o.Limits = o.Limits.orDefault()
	if o.Pages == nil {
		o.Pages = InPlace
	}
	if len(meta.Extra) > maxExtra {
		return nil, Stats{}, overLimit("bytes of Meta.Extra", int64(len(meta.Extra)), maxExtra)
	}
	h := &head{Manifest: Manifest{Info: Info{Meta: meta, Generation: 1}}}
	if prev == nil {
		prev = &Manifest{Info: Info{Meta: meta}}
	} else {
		h.Generation, h.Parent = prev.Generation+1, prev.Root
	}
	if prev.Task != meta.Task {
		return nil, Stats{}, fmt.Errorf("%w: the parent is of task %s, not %s", ErrOther, prev.Task.Short(), meta.Task.Short())
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Stats{}, err
	}
	defer root.Close()
	seal, err := newSealer(key, meta.Task)
	if err != nil {
		return nil, Stats{}, err
	}
	enc, err := newEncoder()
	if err != nil {
		return nil, Stats{}, err
	}
	defer enc.Close()
	gone, err := victims(ctx, store, prev)
	if err != nil {
		return nil, Stats{}, err
	}
	s := &saver{ctx: ctx, store: store, root: root, o: o, prev: prev, gone: gone, head: h, seal: seal,
		where: make(map[chunkID]known, len(prev.where)), live: map[uint32]int64{}, tree: newDigest("tree")}
	s.packs = newPacker(ctx, store, seal, enc, h.Generation, prev.next, o.Limits)
	defer s.packs.close()
	s.cut = newCutter(seal.id, s.sum)
	if err := s.dir("", 0); err != nil {
		return nil, s.stats, err
	}
	m, err := s.finish()
	return m, s.stats, err
}

// victims are the packs of prev that the next generation does without: what it
// still needs of them it writes again. No pack has to be read for that, since all
// that is needed passes by anyway. They are
//
//   - packs less than half of which is in use: so nobody keeps more than twice
//     what is in use, and each byte that is moved has seen another die,
//   - small packs, once there are more than a few: so the number of blocks
//     follows the size of the state and not the number of generations,
//   - packs that the store does not hold.
//
// Those that stay are renewed, so that a blob.GC under way does not take them.
func victims(ctx context.Context, store blob.Store, prev *Manifest) (map[uint32]bool, error) {
	gone := map[uint32]bool{}
	var small []uint32
	for i, p := range prev.packs {
		if prev.live[i]*2 < int64(p.plain) {
			gone[p.id] = true
			continue
		}
		_, err := store.Renew(ctx, p.ref)
		if errors.Is(err, blob.ErrNotFound) {
			gone[p.id] = true
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pack %d: %w", p.id, err)
		}
		if p.plain < smallPack {
			small = append(small, p.id)
		}
	}
	if len(small) > smallPacks {
		for _, id := range small {
			gone[id] = true
		}
	}
	return gone, nil
}

type saver struct {
	ctx   context.Context
	store blob.Store
	root  *os.Root
	o     Options
	prev  *Manifest
	gone  map[uint32]bool
	head  *head
	seal  *sealer
	packs *packer
	cut   *cutter
	stats Stats

	where map[chunkID]known
	live  map[uint32]int64 // by pack
	index []byte
	tree  digest
	runs  int
	open  runBuilder
}

// dir writes the entries of a directory into the index.
func (s *saver) dir(path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: %w", path, overLimit("directories within each other", int64(depth), maxDepth))
	}
	names, err := s.names(path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.entry(join(path, name), name, depth); err != nil {
			return err
		}
	}
	return nil
}

// names lists a directory in order, no more of it than may be kept.
func (s *saver) names(path string) ([]string, error) {
	if path == "" {
		path = "."
	}
	d, err := s.root.Open(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var names []string
	for {
		some, err := d.Readdirnames(256)
		if err == io.EOF {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
		if n := s.head.Files + len(names); n > s.o.Limits.Files {
			return nil, fmt.Errorf("%w; hint: pack them into an archive", overLimit("files", int64(n), int64(s.o.Limits.Files)))
		}
	}
}

func (s *saver) entry(path, name string, depth int) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("%q: %w: %w", path, ErrUnsupported, err)
	}
	info, err := s.root.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: it is gone", ErrChanged)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	e := entry{depth: depth, path: path, perm: uint16(info.Mode().Perm()), mtime: info.ModTime().UnixNano()}
	if s.head.Files++; s.head.Files > s.o.Limits.Files {
		return overLimit("files", int64(s.head.Files), int64(s.o.Limits.Files))
	}
	switch {
	case info.IsDir():
		e.kind = kindDir
		s.put(&e)
		return s.dir(path, depth+1)
	case info.Mode().IsRegular():
		err = s.file(&e, info)
	case info.Mode().Type() == fs.ModeSymlink:
		err = s.link(&e)
	default:
		err = fmt.Errorf("%w: neither a file nor a directory (%v); hint: keep it outside of the checkpoint", ErrUnsupported, info.Mode().Type())
	}
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	return nil
}

func (s *saver) put(e *entry) {
	n := len(s.index)
	s.index = appendEntry(s.index, e)
	s.tree.h.Write(binary.AppendUvarint(nil, uint64(len(s.index)-n)))
	s.tree.h.Write(s.index[n:])
}

func (s *saver) link(e *entry) (err error) {
	e.kind, e.perm, e.mtime = kindLink, 0o777, 0
	if e.target, err = s.root.Readlink(e.path); err != nil {
		return err
	}
	if err := checkTarget(e.depth, e.target); err != nil {
		return fmt.Errorf("%w: link: %w; hint: make links relative, and within the checkpoint", ErrUnsupported, err)
	}
	s.put(e)
	return nil
}

func (s *saver) file(e *entry, listed fs.FileInfo) error {
	f, err := s.root.OpenFile(e.path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !os.SameFile(info, listed) {
		return fmt.Errorf("%w: another file has its name", ErrChanged)
	}
	e.size, e.mtime, e.kind = info.Size(), info.ModTime().UnixNano(), kindContent
	if s.head.Bytes += e.size; s.head.Bytes > s.o.Limits.Bytes {
		return overLimit("bytes of files", s.head.Bytes, s.o.Limits.Bytes)
	}
	peek := make([]byte, min(headPeek, e.size))
	if n, err := f.ReadAt(peek, 0); err == nil && s.o.Pages(e.path, peek[:n]) {
		e.kind = kindPages
	}
	s.stats.Files++
	s.stats.Bytes += e.size
	sum := newDigest("file")
	s.open = runBuilder{withBytes: e.kind == kindContent}
	err = s.cut.run(s.ctx, f, e.size, e.kind == kindPages, func(p piece) error {
		sum.add(p)
		if p.data == nil {
			s.stats.Zero += p.n
			s.open.zeros(p.n)
			return nil
		}
		return s.chunk(p)
	})
	if err != nil {
		return err
	}
	if after, err := f.Stat(); err != nil {
		return err
	} else if after.Size() != e.size || after.ModTime().UnixNano() != e.mtime {
		return fmt.Errorf("%w; hint: write another file and rename it", ErrChanged)
	}
	e.sum = sum.sum()
	s.put(e)
	s.index = append(s.index, s.open.end()...)
	if s.runs += s.open.runs; s.runs > s.o.Limits.Runs {
		return overLimit("runs of chunks", int64(s.runs), int64(s.o.Limits.Runs))
	}
	if int64(len(s.index)) > s.o.Limits.Index {
		return overLimit("bytes of names and chunk lists", int64(len(s.index)), s.o.Limits.Index)
	}
	return nil
}

// chunk finds a place for a chunk and notes it in the open run.
func (s *saver) chunk(p piece) error {
	pl, err := s.place(p)
	if err == nil {
		s.open.add(pl, len(p.data))
	}
	return err
}

func (s *saver) place(p piece) (place, error) {
	if k, ok := s.where[p.id]; ok {
		return k.at, nil
	}
	if len(s.where) >= s.o.Limits.Chunks {
		return 0, overLimit("chunks", int64(len(s.where))+1, int64(s.o.Limits.Chunks))
	}
	k, ok := s.prev.where[p.id]
	if !ok || s.gone[k.at.pack()] {
		if ok {
			s.stats.Moved += p.n
		} else {
			s.stats.Changed += p.n
		}
		to, err := s.packs.add(p.data)
		if err != nil {
			return 0, err
		}
		k = known{to, p.sum}
	}
	s.where[p.id] = k
	s.live[k.at.pack()] += p.n
	return k.at, nil
}

// sum returns the sum of a chunk that is known.
func (s *saver) sum(id chunkID) ([32]byte, bool) {
	k, ok := s.where[id]
	if !ok {
		k, ok = s.prev.where[id]
	}
	return k.sum, ok
}

// finish stores the index, the head and the list.
func (s *saver) finish() (*Manifest, error) {
	h := s.head
	h.Digest = s.tree.sum()
	h.indexLen = int64(len(s.index))
	s.open = runBuilder{keep: true}
	changed := s.stats.Changed
	for b := s.index; len(b) > 0; {
		n := boundary(s.cut.gear, b)
		ps := []piece{{data: b[:n], n: int64(n)}}
		s.cut.hash(ps)
		if err := s.chunk(ps[0]); err != nil {
			return nil, err
		}
		b = b[n:]
	}
	s.stats.Changed = changed // of files, says its name
	s.open.close()
	if err := s.packs.finish(); err != nil {
		return nil, err
	}
	for _, p := range s.prev.packs {
		if s.live[p.id] > 0 {
			h.packs = append(h.packs, p)
		}
	}
	added := s.packs.done
	slices.SortFunc(added, func(a, b packInfo) int { return int(int64(a.id) - int64(b.id)) })
	h.packs = append(h.packs, added...)
	if len(h.packs) > s.o.Limits.Packs {
		return nil, overLimit("packs", int64(len(h.packs)), int64(s.o.Limits.Packs))
	}
	h.next, h.where = s.packs.next, s.where
	numbers := h.numbers()
	for _, r := range s.open.list {
		h.index = append(h.index, run{pack: numbers[r.id], first: uint16(r.first), more: uint16(r.count - 1), bytes: uint32(r.bytes)})
	}
	if err := s.seals(); err != nil {
		return nil, err
	}
	for _, p := range h.packs {
		h.live = append(h.live, s.live[p.id])
	}
	s.stats.Packs, s.stats.Added, s.stats.Stored = len(h.packs), len(added), h.Stored
	m := h.Manifest
	return &m, nil
}

// seals stores the head and then the list, which names the generation.
func (s *saver) seals() error {
	h := s.head
	block, err := sealHead(s.seal, h)
	if err != nil {
		return err
	}
	ref, err := s.packs.put(block)
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	if err := s.packs.finish(); err != nil {
		return err
	}
	parts := []blob.Part{{Ref: ref, Size: int64(len(block))}}
	h.Stored = 0
	for _, p := range h.packs {
		h.Stored += int64(p.sealed)
		parts = append(parts, p.part())
	}
	if h.Stored > s.o.Limits.Stored {
		return overLimit("bytes of blocks", h.Stored, s.o.Limits.Stored)
	}
	root, nodes, err := blob.MakeFile(s.ctx, s.store, parts)
	if err != nil {
		return err
	}
	h.Root = root
	h.Stored += int64(len(block)) + nodes
	s.stats.Sent = s.packs.sent + nodes
	return nil
}

// rawRun is a run before packs are numbered.
type rawRun struct {
	id           uint32
	first, count int
	bytes        int
}

// runBuilder joins neighbouring chunks, and writes them as the index has them.
type runBuilder struct {
	withBytes bool // of each run
	keep      bool // the runs in list
	out       []byte
	list      []rawRun
	cur       rawRun
	runs      int
}

func (b *runBuilder) add(p place, n int) {
	c := &b.cur
	if c.count > 0 && c.id == p.pack() && c.first+c.count == p.n() {
		c.count++
		c.bytes += n
		return
	}
	b.close()
	*c = rawRun{p.pack(), p.n(), 1, n}
}

func (b *runBuilder) close() {
	if c := b.cur; c.count > 0 {
		b.runs++
		if b.keep {
			b.list = append(b.list, c)
		}
		b.out = appendRun(b.out, c.id, run{first: uint16(c.first), more: uint16(c.count - 1), bytes: uint32(c.bytes)}, b.withBytes)
	}
	b.cur = rawRun{}
}

func (b *runBuilder) zeros(n int64) {
	b.close()
	b.out = binary.AppendUvarint(b.out, 0)
	b.out = binary.AppendUvarint(b.out, uint64(n))
}

func (b *runBuilder) end() []byte {
	b.close()
	return b.out
}
