package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/crypto/blake2b"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// Restore writes the generation that root names into dir, which is made if it does
// not exist and has to be empty: fs.ErrExist otherwise. The store has to hold all
// of it (blob.Fetch with root). What comes back is the parent for the next Save.
//
// All that the checkpoint declares is held against the limits before anything is
// written; nothing is written outside dir, and no link in it leads out of it. After an error
// dir is empty again.
//
// Errors: blob.ErrNotFound and blob.ErrMismatch with the pack that is missing or
// has rotted, ErrKey, ErrOther for what is not wanted, ErrMalformed, ErrLimit,
// ErrUnsupported where this host cannot have such a name or link, blob.ErrFull for
// a full disk.
func Restore(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, dir string, o Options) (*Manifest, error) {
	m, err := restore(ctx, store, key, root, want, dir, o)
	if err != nil {
		return nil, fmt.Errorf("restore checkpoint %s to %s: %w", root, dir, err)
	}
	return m, nil
}

func restore(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, dir string, o Options) (*Manifest, error) {
	l, err := begin(ctx, store, key, root, want, o.Limits)
	if err != nil {
		return nil, err
	}
	defer l.dec.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w, err := newWriter(dir, l.entries)
	if err != nil {
		return nil, err
	}
	defer w.root.Close()
	err = w.begin()
	if err == nil {
		err = l.all(ctx, w.write)
	}
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		w.clear()
		return nil, full(err)
	}
	return l.manifest(), nil
}

// Load reads all of a generation without writing it anywhere: the parent for the
// next Save of a process that has lost the one it had. Errors are as for Restore.
func Load(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, o Options) (*Manifest, error) {
	l, err := begin(ctx, store, key, root, want, o.Limits)
	if err == nil {
		defer l.dec.Close()
		err = l.all(ctx, func(run, []byte) error { return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("load checkpoint %s: %w", root, err)
	}
	return l.manifest(), nil
}

// loader reads a generation.
type loader struct {
	store   blob.Store
	seal    *sealer
	dec     *zstd.Decoder
	lim     Limits
	head    *head
	entries []entry
	runs    []run // in the order of the files

	chunks atomic.Int64 // read so far
	packs  []chunks
}

// chunks is what is kept of a pack that was read.
type chunks struct {
	ends []uint32
	ids  []chunkID
	sums [][32]byte
	used []uint64 // a bit for each chunk that something refers to
}

func (c *chunks) length(i int) int64 {
	if i == 0 {
		return int64(c.ends[0])
	}
	return int64(c.ends[i] - c.ends[i-1])
}

// Describe reads what the head of a generation says, and compares the list with
// it. It needs list and head alone: who is to restore finds out by it whether it
// can, before anything else is fetched. Errors are as for Restore.
func Describe(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, lim Limits) (Info, error) {
	_, h, err := describe(ctx, store, key, root, want, lim.orDefault())
	if err != nil {
		return Info{}, fmt.Errorf("describe checkpoint %s: %w", root, err)
	}
	return h.Info, nil
}

func describe(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, lim Limits) (*sealer, *head, error) {
	seal, err := newSealer(key, want.Task)
	if err != nil {
		return nil, nil, err
	}
	list, err := readList(ctx, store, root, lim)
	if err != nil {
		return nil, nil, err
	}
	block, err := store.Get(ctx, list.leaves[0])
	if err != nil {
		return nil, nil, fmt.Errorf("head: %w; hint: fetch the root from a keeper", err)
	}
	blockLen := int64(len(block))
	h, err := openHead(seal, block, want, lim)
	if err != nil {
		return nil, nil, err
	}
	if len(list.leaves)-1 != len(h.packs) {
		return nil, nil, malformed("a list of %d packs for a head of %d", len(list.leaves)-1, len(h.packs))
	}
	for i, p := range h.packs {
		if list.leaves[i+1] != p.ref {
			return nil, nil, malformed("pack %d is %s in the list and %s in the head", p.id, list.leaves[i+1], p.ref)
		}
	}
	h.Root = root
	h.Stored += blockLen + list.inner
	return seal, h, nil
}

// begin reads list, head and index.
func begin(ctx context.Context, store blob.Store, key Key, root artel.Ref, want Want, lim Limits) (*loader, error) {
	lim = lim.orDefault()
	seal, h, err := describe(ctx, store, key, root, want, lim)
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	l := &loader{store: store, seal: seal, dec: dec, lim: lim, head: h, packs: make([]chunks, len(h.packs))}
	if err := l.index(ctx); err != nil {
		dec.Close()
		return nil, err
	}
	return l, nil
}

// index reads what is in the tree.
func (l *loader) index(ctx context.Context) error {
	index := make([]byte, l.head.indexLen)
	err := l.each(ctx, slices.Clone(l.head.index), func(r run, b []byte) error {
		copy(index[r.off:], b)
		return nil
	})
	if err != nil {
		return err
	}
	l.entries, l.runs, err = decodeIndex(index, l.head, l.lim)
	return err
}

// all reads every pack once, hands its parts to write from several goroutines, and
// then holds the digests against what was read.
func (l *loader) all(ctx context.Context, write func(run, []byte) error) error {
	for i := range l.packs {
		l.packs[i] = chunks{} // of the index: all are read again
	}
	l.chunks.Store(0)
	runs := slices.Concat(l.runs, l.head.index)
	index := uint32(len(l.entries))
	for i := len(l.runs); i < len(runs); i++ {
		runs[i].file = index
	}
	used := make([]bool, len(l.packs))
	for _, r := range runs {
		used[r.pack] = true
	}
	if i := slices.Index(used, false); i >= 0 {
		return malformed("pack %d is of no use", l.head.packs[i].id)
	}
	err := l.each(ctx, runs, func(r run, b []byte) error {
		if r.file == index {
			return nil
		}
		return write(r, b)
	})
	if err != nil {
		return err
	}
	return l.digests()
}

// each reads every pack that runs refer to once, on all cores, and calls take
// with each run's bytes. It sorts runs.
func (l *loader) each(ctx context.Context, runs []run, take func(run, []byte) error) error {
	slices.SortFunc(runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.pack, b.pack), cmp.Compare(a.file, b.file), cmp.Compare(a.off, b.off))
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []run)
	var wg sync.WaitGroup
	for range workers() {
		wg.Go(func() {
			var buf []byte
			for part := range work {
				if ctx.Err() != nil {
					continue
				}
				var err error
				if buf, err = l.pack(ctx, part, buf, take); err != nil {
					cancel(err)
				}
			}
		})
	}
	for len(runs) > 0 {
		n := 1
		for n < len(runs) && runs[n].pack == runs[0].pack {
			n++
		}
		work <- runs[:n]
		runs = runs[n:]
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// pack reads one pack and calls take with the bytes of its runs.
func (l *loader) pack(ctx context.Context, runs []run, buf []byte, take func(run, []byte) error) ([]byte, error) {
	i := runs[0].pack
	info := l.head.packs[i]
	fail := func(err error) ([]byte, error) {
		return buf, fmt.Errorf("pack %d, %d of %d of generation %d, block %s: %w", info.id, i+1, len(l.head.packs), l.head.Generation, info.ref, err)
	}
	block, err := l.store.Get(ctx, info.ref)
	if err != nil {
		return fail(fmt.Errorf("%w; hint: fetch the root from a keeper", err))
	}
	if len(block) != int(info.sealed) {
		return fail(malformed("%d bytes where %d are declared", len(block), info.sealed))
	}
	packed, err := l.seal.open(kindPack, info.born, info.id, block)
	if err != nil {
		return fail(err)
	}
	if buf, err = expand(l.dec, buf, packed, int(info.plain)); err != nil {
		return fail(err)
	}
	u, err := decodePack(buf)
	if err != nil {
		return fail(err)
	}
	if n := l.chunks.Add(int64(len(u.ends))); n > int64(l.lim.Chunks)*2 { // what is dead counts too
		return fail(overLimit("chunks", n, int64(l.lim.Chunks)*2))
	}
	c := chunks{ends: u.ends, ids: make([]chunkID, len(u.ends)), sums: make([][32]byte, len(u.ends)), used: make([]uint64, (len(u.ends)+63)/64)}
	for _, r := range runs {
		first, last := int(r.first), int(r.first)+int(r.more)
		if last >= len(u.ends) {
			return fail(malformed("chunk %d of %d", last, len(u.ends)))
		}
		var start uint32
		if first > 0 {
			start = u.ends[first-1]
		}
		b := u.data[start:u.ends[last]]
		if len(b) != int(r.bytes) {
			return fail(malformed("a run of %d bytes where %d are declared", len(b), r.bytes))
		}
		for n := first; n <= last; n++ {
			if bit := uint64(1) << (n % 64); c.used[n/64]&bit == 0 {
				c.used[n/64] |= bit
				c.ids[n], c.sums[n] = l.seal.id(u.chunk(n)), blake2b.Sum256(u.chunk(n))
			}
		}
		if err := take(r, b); err != nil {
			return buf, err
		}
	}
	l.packs[i] = c
	return buf, nil
}

// digests holds what was read against the digests of files and tree. Pieces are
// as the packs have them: those of an honest saver are as its cutter made them.
func (l *loader) digests() error {
	for i := range l.entries {
		e := &l.entries[i]
		if !e.kind.file() {
			continue
		}
		d := newDigest("file")
		var off int64
		for _, r := range l.runs[e.runs[0]:e.runs[1]] {
			if r.off > off {
				d.add(piece{n: r.off - off})
			}
			c := &l.packs[r.pack]
			for n := int(r.first); n <= int(r.first)+int(r.more); n++ {
				d.add(piece{data: []byte{}, n: c.length(n), sum: c.sums[n]})
			}
			off = r.off + int64(r.bytes)
		}
		if off < e.size {
			d.add(piece{n: e.size - off})
		}
		if d.sum() != e.sum {
			return malformed("file %q has other content than its digest says", e.path)
		}
	}
	if got := treeDigest(l.entries); got != l.head.Digest {
		return malformed("tree with digest %s, the head says %s", got, l.head.Digest)
	}
	return nil
}

// manifest is the parent for the next Save.
func (l *loader) manifest() *Manifest {
	m := l.head.Manifest
	m.where = map[chunkID]known{}
	m.live = make([]int64, len(m.packs))
	for i := range l.packs {
		c := &l.packs[i]
		for n := range c.ends {
			if c.used[n/64]&(1<<(n%64)) == 0 {
				continue
			}
			m.live[i] += c.length(n)
			m.where[c.ids[n]] = known{at(m.packs[i].id, n), c.sums[n]}
		}
	}
	return &m
}

// writer writes a tree into an empty directory.
type writer struct {
	root    *os.Root
	entries []entry
}

func newWriter(dir string, entries []entry) (*writer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	w := &writer{root, entries}
	names, err := w.names(1)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%q: %w; hint: restore into an empty directory", names[0], fs.ErrExist)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return w, nil
}

// names lists the directory, the first n or, with -1, all.
func (w *writer) names(n int) ([]string, error) {
	d, err := w.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(n)
	if n > 0 && len(names) == 0 {
		err = nil // io.EOF
	}
	return names, err
}

// begin makes directories, and files of holes. Links come last: nothing is
// written through one.
func (w *writer) begin() error {
	for i := range w.entries {
		e := &w.entries[i]
		var err error
		switch {
		case e.kind == kindDir:
			err = w.root.Mkdir(e.path, 0o700)
		case e.kind.file():
			err = w.create(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) create(e *entry) error {
	f, err := w.root.OpenFile(e.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|openFlags, 0o600)
	if err != nil {
		return err
	}
	if e.size > 0 {
		err = f.Truncate(e.size)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// write puts a run's bytes into its file. Many goroutines may call it.
func (w *writer) write(r run, b []byte) error {
	f, err := w.root.OpenFile(w.entries[r.file].path, os.O_WRONLY|openFlags, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, r.off)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// finish makes links, and sets permissions and times, a directory's after all
// that is in it.
func (w *writer) finish() error {
	for i := range w.entries {
		if e := &w.entries[i]; e.kind == kindLink {
			if err := w.root.Symlink(e.target, e.path); err != nil {
				return err
			}
		}
	}
	for i := range slices.Backward(w.entries) {
		e := &w.entries[i]
		if e.kind == kindLink {
			continue
		}
		// Times first: what may not be opened is not found by every host.
		at := time.Unix(0, e.mtime)
		if err := w.root.Chtimes(e.path, at, at); err != nil {
			return err
		}
		if err := w.root.Chmod(e.path, fs.FileMode(e.perm)); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what was written: the directory was empty.
func (w *writer) clear() {
	for _, e := range w.entries {
		if e.kind == kindDir {
			w.root.Chmod(e.path, 0o700)
		}
	}
	names, _ := w.names(-1)
	for _, name := range names {
		w.root.RemoveAll(name)
	}
}

// full gives the errors of a full disk the name that callers match.
func full(err error) error {
	if !errors.Is(err, blob.ErrFull) && diskFull(err) {
		return fmt.Errorf("%w: %w", blob.ErrFull, err)
	}
	return err
}
