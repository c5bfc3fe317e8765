package guestfs

import (
	"cmp"
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
)

// ReadOnly shows a host directory to be read. Regular files, directories, and symbolic
// links that stay inside are there; pipes, devices and sockets are not.
type ReadOnly struct {
	wsys.UnimplementedFS
	root  *os.Root
	start int64
	open  int
}

// NewReadOnly shows root, or an empty directory when root is nil. start is the modification time of everything, in nanoseconds
// since 1970. The caller closes root when the program has ended.
func NewReadOnly(root *os.Root, start int64) *ReadOnly {
	return &ReadOnly{root: root, start: start}
}

func (r *ReadOnly) stat(name string, info fs.FileInfo) (sys.Stat_t, wsys.Errno) {
	switch {
	case info.IsDir():
		return stat(DevIn, inode(name), fs.ModeDir|0o555, 0, r.start), 0
	case info.Mode().IsRegular():
		return stat(DevIn, inode(name), 0o444, info.Size(), r.start), 0
	case info.Mode()&fs.ModeSymlink != 0:
		return stat(DevIn, inode(name), fs.ModeSymlink|0o444, info.Size(), r.start), 0
	}
	return sys.Stat_t{}, wsys.ENOENT
}

// empty is the directory that a nil root shows.
type empty struct{ fs.FileInfo }

func (empty) IsDir() bool       { return true }
func (empty) Mode() fs.FileMode { return fs.ModeDir }

func (r *ReadOnly) lookup(name string) (fs.FileInfo, error) {
	if r.root != nil {
		return r.root.Lstat(name)
	}
	if name != "." {
		return nil, fs.ErrNotExist
	}
	return empty{}, nil
}

func (r *ReadOnly) follow(name string) (fs.FileInfo, error) {
	if r.root != nil {
		return r.root.Stat(name)
	}
	return r.lookup(name)
}

// inode is the same for a name on every host.
func inode(name string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name)
	return max(h.Sum64(), 1)
}

func (r *ReadOnly) Stat(p string) (sys.Stat_t, wsys.Errno) {
	name, e := clean(p)
	if e != 0 {
		return sys.Stat_t{}, e
	}
	info, err := r.follow(name)
	if err != nil {
		return sys.Stat_t{}, errno(err)
	}
	return r.stat(name, info)
}

func (r *ReadOnly) Lstat(p string) (sys.Stat_t, wsys.Errno) {
	name, e := clean(p)
	if e != 0 {
		return sys.Stat_t{}, e
	}
	info, err := r.lookup(name)
	if err != nil {
		return sys.Stat_t{}, errno(err)
	}
	return r.stat(name, info)
}

func (r *ReadOnly) Readlink(p string) (string, wsys.Errno) {
	name, e := clean(p)
	if e != 0 {
		return "", e
	}
	info, err := r.lookup(name)
	if err != nil {
		return "", errno(err)
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", wsys.EINVAL
	}
	to, err := r.root.Readlink(name)
	return to, errno(err)
}

func (r *ReadOnly) OpenFile(p string, flag wsys.Oflag, _ fs.FileMode) (wsys.File, wsys.Errno) {
	name, e := clean(p)
	if e != 0 {
		return nil, e
	}
	info, err := r.lookup(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if flag&wsys.O_NOFOLLOW != 0 {
			return nil, wsys.ELOOP
		}
		info, err = r.follow(name)
	}
	if err != nil {
		if e := errno(err); e == wsys.ENOENT && flag&wsys.O_CREAT != 0 {
			return nil, wsys.EROFS
		} else {
			return nil, e
		}
	}
	st, e := r.stat(name, info)
	if e != 0 {
		return nil, e
	}
	wants := flag & (wsys.O_RDWR | wsys.O_WRONLY | wsys.O_TRUNC | wsys.O_APPEND)
	switch {
	case flag&wsys.O_CREAT != 0 && flag&wsys.O_EXCL != 0:
		return nil, wsys.EEXIST
	case isDir(info) && wants != 0:
		return nil, wsys.EISDIR
	case isDir(info):
		d := &readDir{st: st}
		d.dirents = dirents{list: func() ([]wsys.Dirent, wsys.Errno) { return r.list(name) }}
		return d, 0
	case flag&wsys.O_DIRECTORY != 0:
		return nil, wsys.ENOTDIR
	case wants != 0:
		return nil, wsys.EROFS
	case r.open >= MaxOpen:
		return nil, wsys.EAGAIN
	}
	f, err := openFile(r.root, name, os.O_RDONLY)
	if err != nil {
		return nil, errno(err)
	}
	r.open++
	return &readFile{fs: r, f: f, st: st}, 0
}

func (r *ReadOnly) list(name string) ([]wsys.Dirent, wsys.Errno) {
	if r.root == nil {
		return nil, 0
	}
	d, err := r.root.Open(name)
	if err != nil {
		return nil, errno(err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, errno(err)
	}
	list := make([]wsys.Dirent, 0, len(entries))
	for _, entry := range entries {
		if t := entry.Type(); t.IsRegular() || t == fs.ModeDir || t == fs.ModeSymlink {
			list = append(list, wsys.Dirent{Ino: inode(path.Join(name, entry.Name())), Name: entry.Name(), Type: t})
		}
	}
	slices.SortFunc(list, func(a, b wsys.Dirent) int { return cmp.Compare(a.Name, b.Name) })
	return list, 0
}

func (r *ReadOnly) Mkdir(string, fs.FileMode) wsys.Errno    { return wsys.EROFS }
func (r *ReadOnly) Chmod(string, fs.FileMode) wsys.Errno    { return wsys.EROFS }
func (r *ReadOnly) Rename(string, string) wsys.Errno        { return wsys.EROFS }
func (r *ReadOnly) Rmdir(string) wsys.Errno                 { return wsys.EROFS }
func (r *ReadOnly) Unlink(string) wsys.Errno                { return wsys.EROFS }
func (r *ReadOnly) Link(string, string) wsys.Errno          { return wsys.EROFS }
func (r *ReadOnly) Symlink(string, string) wsys.Errno       { return wsys.EROFS }
func (r *ReadOnly) Utimens(string, int64, int64) wsys.Errno { return wsys.EROFS }

// readDir is an open directory of either kind.
type readDir struct {
	wsys.DirFile
	dirents
	st sys.Stat_t
}

func (d *readDir) Dev() (uint64, wsys.Errno)       { return d.st.Dev, 0 }
func (d *readDir) Ino() (sys.Inode, wsys.Errno)    { return d.st.Ino, 0 }
func (d *readDir) Stat() (sys.Stat_t, wsys.Errno)  { return d.st, 0 }
func (d *readDir) Sync() wsys.Errno                { return 0 }
func (d *readDir) Datasync() wsys.Errno            { return 0 }
func (d *readDir) Utimens(int64, int64) wsys.Errno { return 0 }
func (d *readDir) Close() wsys.Errno               { return 0 }

type readFile struct {
	wsys.UnimplementedFile
	fs *ReadOnly
	f  *os.File // nil when closed
	st sys.Stat_t
	at int64
}

func (f *readFile) Dev() (uint64, wsys.Errno)      { return f.st.Dev, 0 }
func (f *readFile) Ino() (sys.Inode, wsys.Errno)   { return f.st.Ino, 0 }
func (f *readFile) IsDir() (bool, wsys.Errno)      { return false, 0 }
func (f *readFile) IsAppend() bool                 { return false }
func (f *readFile) Stat() (sys.Stat_t, wsys.Errno) { return f.st, 0 }
func (f *readFile) Sync() wsys.Errno               { return 0 }
func (f *readFile) Datasync() wsys.Errno           { return 0 }

func (f *readFile) Write([]byte) (int, wsys.Errno)         { return 0, wsys.EBADF }
func (f *readFile) Pwrite([]byte, int64) (int, wsys.Errno) { return 0, wsys.EBADF }
func (f *readFile) Truncate(int64) wsys.Errno              { return wsys.EBADF }
func (f *readFile) Utimens(int64, int64) wsys.Errno        { return wsys.EROFS }

func (f *readFile) Read(b []byte) (int, wsys.Errno) {
	n, e := f.Pread(b, f.at)
	f.at += int64(n)
	return n, e
}

func (f *readFile) Pread(b []byte, off int64) (int, wsys.Errno) {
	if f.f == nil {
		return 0, wsys.EBADF
	}
	return readAt(f.f, b, off)
}

func (f *readFile) Seek(offset int64, whence int) (int64, wsys.Errno) {
	if f.f == nil {
		return 0, wsys.EBADF
	}
	return seek(&f.at, offset, whence, f.st.Size)
}

func (f *readFile) Close() wsys.Errno {
	if f.f == nil {
		return 0
	}
	_ = f.f.Close()
	f.f = nil
	f.fs.open--
	return 0
}

func readAt(f *os.File, b []byte, off int64) (int, wsys.Errno) {
	if off < 0 {
		return 0, wsys.EINVAL
	}
	if len(b) == 0 {
		return 0, 0
	}
	n, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		panic(&HostError{Err: err})
	}
	return n, 0
}

func seek(at *int64, offset int64, whence int, size int64) (int64, wsys.Errno) {
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = *at
	case io.SeekEnd:
		base = size
	default:
		return 0, wsys.EINVAL
	}
	to := base + offset
	if to < 0 || (offset > 0 && to < base) {
		return 0, wsys.EINVAL
	}
	*at = to
	return to, 0
}
