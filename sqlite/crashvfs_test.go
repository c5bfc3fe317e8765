//go:build unix

package sqlite

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// recorder is a VFS of SQLite that hands every call on to the system's own and
// notes each change of what is in one directory, in order, with the moments at
// which SQLite had it fsynced. From the notes disks are made as a power cut at
// any moment may leave them.
type recorder struct {
	name string // the DSN's vfs=
	dir  string

	mu    sync.Mutex
	notes []note
	inos  map[string]int  // inode of each name
	open  map[uintptr]int // inode of each open file
	last  int             // highest inode given
	// fault, if set, may fail a write, a truncate or a sync, with SQLite's code.
	fault func(op) int32

	tls           *libc.TLS
	under         sqlite3.Tsqlite3_vfs // the system's
	methods       map[uintptr]uintptr  // of open files: ours by the system's
	memory        []uintptr            // that SQLite holds
	keep          []any                // functions whose addresses SQLite holds
	openDirectory uintptr              // the system's
}

// note is one change, or a mark of the test's.
type note struct {
	op   op
	name string // created, removed
	ino  int
	off  int64 // of a write; the new size of a truncate
	data []byte
}

type op byte

const (
	opCreate op = iota
	opRemove
	opWrite
	opTruncate
	opSync    // a file's bytes and size
	opSyncDir // the directory's names
	opSaving  // the test began a change …
	opSaved   // … which was promised
)

// at reads a C pointer as a Go one.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// call returns the Go function behind a C function pointer.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }

// pointer returns the C function pointer of a Go function, which is kept alive.
func (r *recorder) pointer(f any) uintptr {
	r.keep = append(r.keep, f)
	return (*[2]uintptr)(unsafe.Pointer(&f))[1]
}

// copied puts a value into C memory, where SQLite may hold it.
func copied[T any](r *recorder, v T) uintptr {
	p := libc.Xmalloc(r.tls, libc.Tsize_t(unsafe.Sizeof(v)))
	*at[T](p) = v
	r.memory = append(r.memory, p)
	return p
}

func (r *recorder) text(s string) uintptr {
	var b [32]byte
	copy(b[:len(b)-1], s)
	return copied(r, b)
}

type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	writeFunc    = func(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	openDirFunc  = func(tls *libc.TLS, name, fd uintptr) int32
	getCallFunc  = func(tls *libc.TLS, vfs, name uintptr) uintptr
	setCallFunc  = func(tls *libc.TLS, vfs, name, f uintptr) int32
)

// record registers a VFS that records what happens in dir, until the test ends.
// There may be one at a time.
func record(t *testing.T, dir string) *recorder {
	t.Helper()
	r := &recorder{
		name: fmt.Sprintf("recorder%x", rand.Uint32()), dir: dir, inos: map[string]int{}, open: map[uintptr]int{},
		tls: libc.NewTLS(), methods: map[uintptr]uintptr{},
	}
	r.under = *at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(r.tls, 0))
	own := r.under
	own.FpNext, own.FzName = 0, r.text(r.name)
	own.FxOpen, own.FxDelete = r.pointer(r.onOpen), r.pointer(r.onDelete)
	vfs := copied(r, own)
	if rc := sqlite3.Xsqlite3_vfs_register(r.tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("register VFS: %d", rc)
	}
	// SQLite syncs the directory behind the VFS's back, by a file opened so.
	what := r.text("openDirectory")
	r.openDirectory = call[getCallFunc](r.under.FxGetSystemCall)(r.tls, vfs, what)
	set := call[setCallFunc](r.under.FxSetSystemCall)
	if rc := set(r.tls, vfs, what, r.pointer(r.onOpenDirectory)); rc != sqlite3.SQLITE_OK {
		t.Fatalf("watch the directory: %d", rc)
	}
	t.Cleanup(func() {
		set(r.tls, vfs, what, r.openDirectory)
		sqlite3.Xsqlite3_vfs_unregister(r.tls, vfs)
		for _, p := range r.memory {
			libc.Xfree(r.tls, p)
		}
		r.tls.Close()
	})
	return r
}

func (r *recorder) note(n note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, n)
}

// change notes a change, unless it fails.
func (r *recorder) change(n note) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault != nil {
		if rc := r.fault(n.op); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	r.notes = append(r.notes, n)
	return sqlite3.SQLITE_OK
}

func (r *recorder) onOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	f := call[openFunc](r.under.FxOpen)
	if name == 0 {
		return f(tls, vfs, name, file, flags, out) // a temporary file
	}
	rc := f(tls, vfs, name, file, flags, out)
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	s := at[sqlite3.Tsqlite3_file](file)
	r.mu.Lock()
	defer r.mu.Unlock()
	base := filepath.Base(libc.GoString(name))
	if r.inos[base] == 0 {
		r.last++
		r.inos[base] = r.last
		r.notes = append(r.notes, note{op: opCreate, name: base, ino: r.last})
	}
	r.open[file] = r.inos[base]
	if r.methods[s.FpMethods] == 0 {
		under := *at[sqlite3.Tsqlite3_io_methods](s.FpMethods)
		m := under
		m.FxWrite, m.FxTruncate = r.pointer(r.onWrite(under.FxWrite)), r.pointer(r.onTruncate(under.FxTruncate))
		m.FxSync, m.FxClose = r.pointer(r.onSync(under.FxSync)), r.pointer(r.onClose(under.FxClose))
		r.methods[s.FpMethods] = copied(r, m)
	}
	s.FpMethods = r.methods[s.FpMethods]
	return rc
}

func (r *recorder) onDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	r.mu.Lock()
	base := filepath.Base(libc.GoString(name))
	if r.inos[base] != 0 { // noted first: the directory is synced within the call
		delete(r.inos, base)
		r.notes = append(r.notes, note{op: opRemove, name: base})
	}
	r.mu.Unlock()
	return call[deleteFunc](r.under.FxDelete)(tls, vfs, name, syncDir)
}

func (r *recorder) onOpenDirectory(tls *libc.TLS, name, fd uintptr) int32 {
	if filepath.Dir(libc.GoString(name)) == r.dir {
		r.note(note{op: opSyncDir})
	}
	return call[openDirFunc](r.openDirectory)(tls, name, fd)
}

func (r *recorder) ino(file uintptr) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open[file]
}

func (r *recorder) onWrite(under uintptr) writeFunc {
	return func(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
		x := note{op: opWrite, ino: r.ino(file), off: off, data: bytes.Clone(unsafe.Slice(at[byte](buf), n))}
		if rc := r.change(x); rc != sqlite3.SQLITE_OK {
			part := n / 2 // a full disk takes a part
			x.data = x.data[:part]
			r.note(x)
			call[writeFunc](under)(tls, file, buf, part, off)
			return rc
		}
		return call[writeFunc](under)(tls, file, buf, n, off)
	}
}

func (r *recorder) onTruncate(under uintptr) truncateFunc {
	return func(tls *libc.TLS, file uintptr, size int64) int32 {
		if rc := r.change(note{op: opTruncate, ino: r.ino(file), off: size}); rc != sqlite3.SQLITE_OK {
			return rc
		}
		return call[truncateFunc](under)(tls, file, size)
	}
}

func (r *recorder) onSync(under uintptr) syncFunc {
	return func(tls *libc.TLS, file uintptr, flags int32) int32 {
		// Noted first: the directory is synced after the file, within the call.
		if rc := r.change(note{op: opSync, ino: r.ino(file)}); rc != sqlite3.SQLITE_OK {
			return rc
		}
		return call[syncFunc](under)(tls, file, flags)
	}
}

func (r *recorder) onClose(under uintptr) closeFunc {
	return func(tls *libc.TLS, file uintptr) int32 {
		r.mu.Lock()
		delete(r.open, file)
		r.mu.Unlock()
		return call[closeFunc](under)(tls, file)
	}
}

// disk is the directory as notes make it. It keeps, as the standard promises
// and no more: the bytes of a file as of its last sync, the names as of the last
// sync of the directory. Of what came later, a power cut leaves any part.
type disk struct {
	names   map[string]*inode
	durable map[string]*inode
	changes []note // of names, since the last sync
	inodes  map[int]*inode
}

type inode struct {
	synced  []byte
	pending []note // since the last sync
}

// image is a directory that rests: files by name.
type image map[string][]byte

// newDisk holds an image, all of it durable. The names' inodes are those that r
// gives them.
func newDisk(im image, r *recorder) *disk {
	d := &disk{names: map[string]*inode{}, durable: map[string]*inode{}, inodes: map[int]*inode{}}
	for _, name := range slices.Sorted(maps.Keys(im)) { // always the same numbers
		r.last++
		i := &inode{synced: im[name]}
		r.inos[name], d.inodes[r.last], d.names[name], d.durable[name] = r.last, i, i, i
	}
	return d
}

func (d *disk) apply(n note) {
	switch n.op {
	case opCreate:
		i := &inode{}
		d.inodes[n.ino] = i
		d.names[n.name] = i
		d.changes = append(d.changes, n)
	case opRemove:
		delete(d.names, n.name)
		d.changes = append(d.changes, n)
	case opWrite, opTruncate:
		i := d.inodes[n.ino]
		i.pending = append(i.pending, n)
	case opSync:
		i := d.inodes[n.ino]
		i.synced = i.settle(nil)
		i.pending = nil
	case opSyncDir:
		for _, c := range d.changes {
			d.rename(d.durable, c)
		}
		d.changes = nil
	}
}

func (d *disk) rename(names map[string]*inode, c note) {
	if c.op == opRemove {
		delete(names, c.name)
	} else {
		names[c.name] = d.inodes[c.ino]
	}
}

// cut returns what a power cut at this moment may leave.
func (d *disk) cut(rng *rand.Rand) image {
	names := map[string]*inode{}
	for name, i := range d.durable {
		names[name] = i
	}
	for _, c := range d.changes {
		if rng.IntN(2) == 0 {
			d.rename(names, c)
		}
	}
	im := image{}
	for name, i := range names {
		im[name] = i.settle(rng)
	}
	return im
}

// sector is what a disk writes at once, or does not.
const sector = 512

// settle returns the file's bytes. Without an rng every change is there; with
// one, none, or all, or a first part, or of each its own part: sectors that are
// old, new, or nonsense.
func (i *inode) settle(rng *rand.Rand) []byte {
	how := 0
	if rng != nil {
		how = rng.IntN(4)
	}
	b, todo := bytes.Clone(i.synced), i.pending
	switch how {
	case 1:
		return b
	case 2:
		todo = todo[:rng.IntN(len(todo)+1)]
	}
	for _, n := range todo {
		if how == 3 && rng.IntN(3) == 0 {
			continue
		}
		if n.op == opTruncate {
			b = sized(b, n.off)
			continue
		}
		if end := n.off + int64(len(n.data)); int64(len(b)) < end {
			b = sized(b, end)
		}
		if how != 3 {
			copy(b[n.off:], n.data)
			continue
		}
		for at := 0; at < len(n.data); at += sector {
			part := n.data[at:min(at+sector, len(n.data))]
			switch rng.IntN(8) {
			case 0:
			case 1:
				for j := range part {
					b[n.off+int64(at+j)] = byte(rng.Uint32())
				}
			default:
				copy(b[n.off+int64(at):], part)
			}
		}
	}
	return b
}

func sized(b []byte, n int64) []byte {
	if int64(len(b)) >= n {
		return b[:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}

// lay writes an image into an empty directory.
func (im image) lay(t *testing.T, dir string) {
	t.Helper()
	for name, data := range im {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
