package guestfs

import (
	"fmt"
	"io/fs"
	"os"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
)

// Writable shows a host directory to be read and written, bounded in bytes and files.
// There are regular files and directories in it, nothing else: links are refused, times
// and permissions are not kept. Nobody else may change the directory meanwhile; to read
// it (for a checkpoint) is fine.
//
// It is used by one program, from one goroutine.
type Writable struct {
	wsys.UnimplementedFS
	root               *os.Root
	dev                uint64
	start              int64
	maxBytes, maxFiles int64

	tree         *node
	lastIno      uint64
	bytes, files int64
	open         int
}

// NewWritable shows root, with what is in it. The caller closes root when the program
// has ended. The error is a *LimitError when what is there exceeds the limits already.
func NewWritable(root *os.Root, dev uint64, start, maxBytes, maxFiles int64) (*Writable, error) {
	w := &Writable{root: root, dev: dev, start: start, maxBytes: maxBytes, maxFiles: maxFiles}
	w.tree = w.newNode(true)
	if err := w.load(w.tree, ".", 0); err != nil {
		return nil, fmt.Errorf("read what is there already: %w", err)
	}
	return w, nil
}

// Usage is the sum of file sizes, and the number of files and directories.
func (w *Writable) Usage() (bytes, files int64) { return w.bytes, w.files }

func (w *Writable) stat(n *node) sys.Stat_t {
	if n.isDir() {
		return stat(w.dev, n.ino, fs.ModeDir|0o755, 0, w.start)
	}
	return stat(w.dev, n.ino, 0o644, n.size, w.start)
}

func (w *Writable) Stat(p string) (sys.Stat_t, wsys.Errno) {
	at, e := w.find(p)
	if e != 0 {
		return sys.Stat_t{}, e
	}
	if at.node == nil {
		return sys.Stat_t{}, wsys.ENOENT
	}
	return w.stat(at.node), 0
}

func (w *Writable) Lstat(p string) (sys.Stat_t, wsys.Errno) { return w.Stat(p) }

func (w *Writable) Readlink(p string) (string, wsys.Errno) {
	if _, e := w.Stat(p); e != 0 {
		return "", e
	}
	return "", wsys.EINVAL
}

func (w *Writable) OpenFile(p string, flag wsys.Oflag, _ fs.FileMode) (wsys.File, wsys.Errno) {
	at, e := w.find(p)
	if e != 0 {
		return nil, e
	}
	writes := flag&(wsys.O_RDWR|wsys.O_WRONLY) != 0
	n := at.node
	switch {
	case n == nil && flag&wsys.O_CREAT == 0:
		return nil, wsys.ENOENT
	case n != nil && flag&wsys.O_CREAT != 0 && flag&wsys.O_EXCL != 0:
		return nil, wsys.EEXIST
	case n != nil && n.isDir() && (writes || flag&(wsys.O_TRUNC|wsys.O_CREAT) != 0):
		return nil, wsys.EISDIR
	case n != nil && n.isDir():
		d := &readDir{st: w.stat(n)}
		d.dirents = dirents{list: func() ([]wsys.Dirent, wsys.Errno) { return w.list(n), 0 }}
		return d, 0
	case flag&wsys.O_DIRECTORY != 0:
		return nil, wsys.ENOTDIR
	case w.open >= MaxOpen:
		return nil, wsys.EAGAIN
	}
	var f *os.File
	var err error
	if n == nil {
		if e := at.creatable(); e != 0 {
			return nil, e
		}
		w.chargeFile()
		f, err = create(w.root, at.path)
		hostErr(err)
		n = w.newNode(false)
		at.parent.children[at.name] = n
	} else {
		f, err = openFile(w.root, at.path, os.O_RDWR)
		hostErr(err)
		if flag&wsys.O_TRUNC != 0 {
			w.resize(n, 0)
			hostErr(f.Truncate(0))
		}
	}
	n.opens++
	w.open++
	return &writeFile{
		fs: w, n: n, f: f,
		reads: flag&wsys.O_WRONLY == 0, writes: writes, append: flag&wsys.O_APPEND != 0,
	}, 0
}

func (w *Writable) Mkdir(p string, _ fs.FileMode) wsys.Errno {
	at, e := w.find(p)
	switch {
	case e != 0:
		return e
	case at.node != nil:
		return wsys.EEXIST
	}
	if e := at.creatable(); e != 0 {
		return e
	}
	w.chargeFile()
	hostErr(w.root.Mkdir(at.path, 0o755))
	at.parent.children[at.name] = w.newNode(true)
	return 0
}

func (w *Writable) Unlink(p string) wsys.Errno {
	at, e := w.find(p)
	switch {
	case e != 0:
		return e
	case at.node == nil:
		return wsys.ENOENT
	case at.node.isDir():
		return wsys.EISDIR
	}
	hostErr(w.root.Remove(at.path))
	delete(at.parent.children, at.name)
	w.detach(at.node)
	return 0
}

func (w *Writable) Rmdir(p string) wsys.Errno {
	at, e := w.find(p)
	switch {
	case e != 0:
		return e
	case at.node == nil:
		return wsys.ENOENT
	case !at.node.isDir():
		return wsys.ENOTDIR
	case at.parent == nil:
		return wsys.EPERM
	case len(at.node.children) > 0:
		return wsys.ENOTEMPTY
	}
	hostErr(w.root.Remove(at.path))
	delete(at.parent.children, at.name)
	w.detach(at.node)
	return 0
}

func (w *Writable) Rename(from, to string) wsys.Errno {
	src, e := w.find(from)
	if e != 0 {
		return e
	}
	dst, e := w.find(to)
	if e != 0 {
		return e
	}
	switch {
	case src.node == nil:
		return wsys.ENOENT
	case src.parent == nil || dst.parent == nil:
		return wsys.EPERM
	case src.node == dst.node:
		return 0
	case src.node.isDir() && within(src.node, dst.parent):
		return wsys.EINVAL
	case dst.node != nil && dst.node.isDir() && !src.node.isDir():
		return wsys.EISDIR
	case dst.node != nil && !dst.node.isDir() && src.node.isDir():
		return wsys.ENOTDIR
	case dst.node != nil && len(dst.node.children) > 0:
		return wsys.ENOTEMPTY
	}
	if e := dst.creatable(); e != 0 {
		return e
	}
	if dst.depth+src.node.height() > MaxDepth {
		return wsys.ENAMETOOLONG
	}
	if dst.node != nil && dst.node.isDir() {
		// Not every host replaces an empty directory by a rename.
		hostErr(w.root.Remove(dst.path))
	}
	hostErr(w.root.Rename(src.path, dst.path))
	if dst.node != nil {
		w.detach(dst.node)
	}
	delete(src.parent.children, src.name)
	dst.parent.children[dst.name] = src.node
	return 0
}

// Link and Symlink are refused: they would be the one way to make a name mean a file
// elsewhere, for whoever reads the result later.
func (w *Writable) Link(string, string) wsys.Errno    { return wsys.EPERM }
func (w *Writable) Symlink(string, string) wsys.Errno { return wsys.EPERM }

// Chmod and Utimens do nothing, successfully: archivers stop when they fail.
func (w *Writable) Chmod(p string, _ fs.FileMode) wsys.Errno {
	_, e := w.Stat(p)
	return e
}

func (w *Writable) Utimens(p string, _, _ int64) wsys.Errno {
	_, e := w.Stat(p)
	return e
}

type writeFile struct {
	wsys.UnimplementedFile
	fs                    *Writable
	n                     *node
	f                     *os.File // nil when closed
	at                    int64
	reads, writes, append bool
}

func (f *writeFile) Dev() (uint64, wsys.Errno)      { return f.fs.dev, 0 }
func (f *writeFile) Ino() (sys.Inode, wsys.Errno)   { return f.n.ino, 0 }
func (f *writeFile) IsDir() (bool, wsys.Errno)      { return false, 0 }
func (f *writeFile) IsAppend() bool                 { return f.append }
func (f *writeFile) Stat() (sys.Stat_t, wsys.Errno) { return f.fs.stat(f.n), 0 }

func (f *writeFile) SetAppend(on bool) wsys.Errno {
	f.append = on
	return 0
}

func (f *writeFile) Read(b []byte) (int, wsys.Errno) {
	n, e := f.Pread(b, f.at)
	f.at += int64(n)
	return n, e
}

func (f *writeFile) Pread(b []byte, off int64) (int, wsys.Errno) {
	if f.f == nil || !f.reads {
		return 0, wsys.EBADF
	}
	return readAt(f.f, b, off)
}

func (f *writeFile) Seek(offset int64, whence int) (int64, wsys.Errno) {
	if f.f == nil {
		return 0, wsys.EBADF
	}
	return seek(&f.at, offset, whence, f.n.size)
}

func (f *writeFile) Write(b []byte) (int, wsys.Errno) {
	if f.append {
		f.at = f.n.size
	}
	n, e := f.Pwrite(b, f.at)
	f.at += int64(n)
	return n, e
}

func (f *writeFile) Pwrite(b []byte, off int64) (int, wsys.Errno) {
	switch {
	case f.f == nil || !f.writes:
		return 0, wsys.EBADF
	case off < 0:
		return 0, wsys.EINVAL
	case len(b) == 0:
		return 0, 0
	}
	end := off + int64(len(b))
	if end < off {
		return 0, wsys.EINVAL
	}
	if end > f.n.size {
		f.fs.resize(f.n, end)
	}
	n, err := f.f.WriteAt(b, off)
	hostErr(err)
	return n, 0
}

func (f *writeFile) Truncate(size int64) wsys.Errno {
	switch {
	case f.f == nil || !f.writes:
		return wsys.EBADF
	case size < 0:
		return wsys.EINVAL
	}
	f.fs.resize(f.n, size)
	hostErr(f.f.Truncate(size))
	return 0
}

// Sync does nothing: what survives a power cut is decided by who keeps the result, and
// a program that syncs in a loop must not wear out the owner's disk.
func (f *writeFile) Sync() wsys.Errno                { return 0 }
func (f *writeFile) Datasync() wsys.Errno            { return 0 }
func (f *writeFile) Utimens(int64, int64) wsys.Errno { return 0 }

func (f *writeFile) Close() wsys.Errno {
	if f.f == nil {
		return 0
	}
	err := f.f.Close()
	f.f = nil
	f.fs.open--
	if f.n.opens--; f.n.opens == 0 && f.n.gone {
		f.fs.bytes -= f.n.size
	}
	hostErr(err)
	return 0
}
