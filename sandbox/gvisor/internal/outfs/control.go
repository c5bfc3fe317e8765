//go:build linux && (amd64 || arm64)

package outfs

import (
	"math"
	"strings"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/abi/linux"
	"gvisor.dev/gvisor/pkg/fsutil"
	"gvisor.dev/gvisor/pkg/lisafs"
)

const openFlags = unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK

// control is the lisafs.ControlFDImpl: a place in the tree.
type control struct {
	lisafs.ControlFD
	m    *served
	host int    // regular files: read and write; links: O_PATH
	ino  uint64 // of a regular file, else 0
	top  bool
}

var _ lisafs.ControlFDImpl = (*control)(nil)

// open takes hold of an entry of the directory.
func (c *control) open(name string) (*lisafs.ControlFD, lisafs.Statx, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(c.host, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, lisafs.Statx{}, err
	}
	flags := openFlags
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		flags |= unix.O_RDWR
	case unix.S_IFDIR:
		flags |= unix.O_RDONLY | unix.O_DIRECTORY
	case unix.S_IFLNK:
		flags |= unix.O_PATH
	default: // nothing else is ever made here
		return nil, lisafs.Statx{}, unix.EPERM
	}
	host, err := unix.Openat(c.host, name, flags, 0)
	if err != nil {
		return nil, lisafs.Statx{}, err
	}
	d, stat, err := c.child(host, name)
	return d.FD(), stat, err
}

// child makes the control descriptor of an open entry, and owns host.
func (c *control) child(host int, name string) (*control, lisafs.Statx, error) {
	d := &control{m: c.m, host: host}
	st, err := d.Stat()
	if err != nil {
		_ = unix.Close(host)
		return nil, lisafs.Statx{}, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		d.ino = st.Ino
		c.m.hold(st.Ino, int64(st.Size))
	}
	var node *lisafs.Node
	parent := c.Node()
	parent.WithChildrenMu(func() {
		if node = parent.LookupChildLocked(name); node != nil {
			node.IncRef()
			return
		}
		node = &lisafs.Node{}
		node.InitLocked(name, parent)
	})
	d.Init(c.Conn(), node, linux.FileMode(st.Mode), d)
	return d, st, nil
}

// FD is lisafs.ControlFDImpl's.
func (c *control) FD() *lisafs.ControlFD {
	if c == nil {
		return nil
	}
	return &c.ControlFD
}

// Close is lisafs.ControlFDImpl's.
func (c *control) Close() {
	_ = unix.Close(c.host)
	if c.ino != 0 {
		c.m.drop(c.ino)
	}
}

// Stat is lisafs.ControlFDImpl's.
func (c *control) Stat() (lisafs.Statx, error) { return c.m.stat(c.host, c.top) }

func (m *served) stat(host int, top bool) (lisafs.Statx, error) {
	var st unix.Statx_t
	if err := unix.Statx(host, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		return lisafs.Statx{}, err
	}
	if top {
		st.Mode |= 0o777
	}
	stamp := func(t unix.StatxTimestamp) lisafs.StatxTimestamp {
		return lisafs.StatxTimestamp{Sec: t.Sec, Nsec: t.Nsec}
	}
	return lisafs.Statx{
		Mask: st.Mask, Mode: st.Mode, DevMinor: st.Dev_minor, DevMajor: st.Dev_major, Ino: st.Ino, Nlink: st.Nlink,
		UID: m.limits.UID, GID: m.limits.GID, Size: st.Size, Blksize: st.Blksize, Blocks: st.Blocks,
		Atime: stamp(st.Atime), Btime: stamp(st.Btime), Mtime: stamp(st.Mtime), Ctime: stamp(st.Ctime),
	}, nil
}

// hostMode is what a file has on the host: the owner can read it, and no bit lends
// anyone rights.
func hostMode(mode uint32, dir bool) uint32 {
	mode = mode&0o777 | 0o600
	if dir {
		mode |= 0o700
	}
	return mode
}

// SetStat is lisafs.ControlFDImpl's. Changes of the owner are accepted and mean nothing.
func (c *control) SetStat(req lisafs.SetStatReq) (failed uint32, err error) {
	note := func(mask uint32, e error) {
		if e != nil {
			failed, err = failed|req.Mask&mask, e
		}
	}
	if req.Mask&unix.STATX_MODE != 0 {
		if c.IsSymlink() {
			note(unix.STATX_MODE, unix.EOPNOTSUPP)
		} else {
			note(unix.STATX_MODE, unix.Fchmod(c.host, hostMode(req.Mode, c.IsDir())))
		}
	}
	if req.Mask&unix.STATX_SIZE != 0 {
		note(unix.STATX_SIZE, c.truncate(req.Size))
	}
	if req.Mask&(unix.STATX_ATIME|unix.STATX_MTIME) != 0 && !c.IsSymlink() {
		times := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
		if req.Mask&unix.STATX_ATIME != 0 {
			times[0] = unix.Timespec{Sec: req.Atime.Sec, Nsec: req.Atime.Nsec}
		}
		if req.Mask&unix.STATX_MTIME != 0 {
			times[1] = unix.Timespec{Sec: req.Mtime.Sec, Nsec: req.Mtime.Nsec}
		}
		note(unix.STATX_ATIME|unix.STATX_MTIME, fsutil.Utimensat(c.host, "", times, 0))
	}
	return failed, err
}

func (c *control) truncate(size uint64) error {
	if c.ino == 0 || size > math.MaxInt64 {
		return unix.EINVAL
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if err := c.m.resize(c.ino, int64(size)); err != nil {
		return err
	}
	return unix.Ftruncate(c.host, int64(size))
}

// Walk is lisafs.ControlFDImpl's.
func (c *control) Walk(name string) (*lisafs.ControlFD, lisafs.Statx, error) { return c.open(name) }

// WalkStat is lisafs.ControlFDImpl's.
func (c *control) WalkStat(path lisafs.StringArray, record func(lisafs.Statx)) error {
	if len(path) > 0 && path[0] == "" {
		st, err := c.Stat()
		if err != nil {
			return err
		}
		record(st)
		path = path[1:]
	}
	if !c.IsDir() {
		return nil
	}
	dir := c.host
	defer func() {
		if dir != c.host {
			_ = unix.Close(dir)
		}
	}()
	for _, name := range path {
		next, err := unix.Openat(dir, name, unix.O_PATH|openFlags, 0)
		if err == unix.ENOENT {
			return nil
		} else if err != nil {
			return err
		}
		if dir != c.host {
			_ = unix.Close(dir)
		}
		dir = next
		st, err := c.m.stat(next, false)
		if err != nil {
			return err
		}
		record(st)
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return nil
		}
	}
	return nil
}

// Open is lisafs.ControlFDImpl's. A file that is opened for reading alone is donated
// read only, so that it can be mapped and run.
func (c *control) Open(flags uint32) (*lisafs.OpenFD, int, error) {
	if c.IsSymlink() {
		return nil, -1, unix.ELOOP
	}
	if c.IsDir() {
		host, err := unix.Openat(c.host, ".", unix.O_RDONLY|unix.O_DIRECTORY|openFlags, 0)
		if err != nil {
			return nil, -1, err
		}
		return c.opened(host, flags).FD(), -1, nil
	}
	host, err := unix.Dup(c.host)
	if err != nil {
		return nil, -1, err
	}
	if flags&unix.O_TRUNC != 0 {
		if err := c.truncate(0); err != nil {
			_ = unix.Close(host)
			return nil, -1, err
		}
	}
	donated := -1
	if flags&unix.O_ACCMODE == unix.O_RDONLY {
		donated = c.readOnly()
	}
	return c.opened(host, flags).FD(), donated, nil
}

// readOnly opens the file anew, by its name, or returns -1.
func (c *control) readOnly() int {
	fd, err := unix.Openat2(unix.AT_FDCWD, c.Node().FilePath(), &unix.OpenHow{Flags: unix.O_RDONLY | openFlags, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return -1
	}
	// (Seccomp knows statx, but not fstat.)
	if st, err := c.m.stat(fd, false); err != nil || st.Ino != c.ino {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// OpenCreate is lisafs.ControlFDImpl's.
func (c *control) OpenCreate(mode linux.FileMode, _ lisafs.UID, _ lisafs.GID, name string, flags uint32) (*lisafs.ControlFD, lisafs.Statx, *lisafs.OpenFD, int, error) {
	fail := func(err error) (*lisafs.ControlFD, lisafs.Statx, *lisafs.OpenFD, int, error) {
		return nil, lisafs.Statx{}, nil, -1, err
	}
	child, st, err := c.create(name, mode)
	if err != nil {
		return fail(err)
	}
	host, err := unix.Dup(child.host)
	if err != nil {
		child.RemoveFromConn()
		_ = c.Unlink(name, 0)
		return fail(err)
	}
	return child.FD(), st, child.opened(host, flags).FD(), -1, nil
}

// create makes an empty regular file.
func (c *control) create(name string, mode linux.FileMode) (*control, lisafs.Statx, error) {
	if err := c.m.enter(); err != nil {
		return nil, lisafs.Statx{}, err
	}
	host, err := unix.Openat(c.host, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|openFlags, hostMode(uint32(mode), false))
	if err != nil {
		c.m.left()
		return nil, lisafs.Statx{}, err
	}
	return c.child(host, name)
}

// depth is how far below the mount it lies now: what is above may have been moved since
// it was opened.
func (c *control) depth() int { return strings.Count(c.Node().FilePath(), "/") - c.m.top }

// fits refuses the move of an entry of dir to where only so many directories may lie
// below one another: with a tree put at the bottom of another there would be no end.
func (m *served) fits(dir int, name string, left int) error {
	host, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|openFlags, 0)
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	} else if err != nil {
		return err
	}
	defer unix.Close(host)
	if left <= 0 {
		return m.tooDeep()
	}
	for buf := make([]byte, 4096); err == nil; {
		n, e := unix.Getdents(host, buf)
		if e != nil || n <= 0 {
			return e
		}
		fsutil.ParseDirents(buf[:n], func(_ uint64, _ int64, kind uint8, name string, _ uint16) {
			if err == nil && (kind == unix.DT_DIR || kind == unix.DT_UNKNOWN) && name != "." && name != ".." {
				err = m.fits(host, name, left-1)
			}
		})
	}
	return err
}

// Mkdir is lisafs.ControlFDImpl's.
func (c *control) Mkdir(mode linux.FileMode, _ lisafs.UID, _ lisafs.GID, name string) (*lisafs.ControlFD, lisafs.Statx, error) {
	if c.depth() >= MaxDepth {
		return nil, lisafs.Statx{}, c.m.tooDeep()
	}
	if err := c.m.enter(); err != nil {
		return nil, lisafs.Statx{}, err
	}
	if err := unix.Mkdirat(c.host, name, hostMode(uint32(mode), true)); err != nil {
		c.m.left()
		return nil, lisafs.Statx{}, err
	}
	return c.open(name)
}

// Mknod is lisafs.ControlFDImpl's: regular files only.
func (c *control) Mknod(mode linux.FileMode, _ lisafs.UID, _ lisafs.GID, name string, _, _ uint32) (*lisafs.ControlFD, lisafs.Statx, error) {
	if mode.FileType() != unix.S_IFREG {
		return nil, lisafs.Statx{}, unix.EPERM
	}
	d, st, err := c.create(name, mode)
	return d.FD(), st, err
}

// Symlink is lisafs.ControlFDImpl's.
func (c *control) Symlink(name, target string, _ lisafs.UID, _ lisafs.GID) (*lisafs.ControlFD, lisafs.Statx, error) {
	if err := c.m.enter(); err != nil {
		return nil, lisafs.Statx{}, err
	}
	if err := unix.Symlinkat(target, c.host, name); err != nil {
		c.m.left()
		return nil, lisafs.Statx{}, err
	}
	return c.open(name)
}

// StatFS is lisafs.ControlFDImpl's: the limits are the disk.
func (c *control) StatFS() (lisafs.StatFS, error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	const block = 4096
	free := uint64(max(0, c.m.limits.Bytes-c.m.bytes)) / block
	return lisafs.StatFS{
		Type: linux.V9FS_MAGIC, BlockSize: block, Blocks: uint64(c.m.limits.Bytes) / block, BlocksFree: free, BlocksAvailable: free,
		Files: uint64(c.m.limits.Files), FilesFree: uint64(max(0, c.m.limits.Files-c.m.files)), NameLength: 255,
	}, nil
}

// Readlink is lisafs.ControlFDImpl's.
func (c *control) Readlink(buf func(uint32) []byte) (uint16, error) {
	n, err := unix.Readlinkat(c.host, "", buf(linux.PATH_MAX))
	return uint16(max(n, 0)), err
}

// Unlink is lisafs.ControlFDImpl's.
func (c *control) Unlink(name string, flags uint32) error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	var st unix.Stat_t
	if err := unix.Fstatat(c.host, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if err := unix.Unlinkat(c.host, name, int(flags)); err != nil {
		return err
	}
	c.m.removed(&st)
	return nil
}

// RenameAt is lisafs.ControlFDImpl's.
func (c *control) RenameAt(from string, dir lisafs.ControlFDImpl, to string) error {
	return c.RenameAt2(from, dir, to, 0)
}

// RenameAt2 is lisafs.ControlFDImpl's.
func (c *control) RenameAt2(from string, dir lisafs.ControlFDImpl, to string, flags uint32) error {
	if flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return unix.EINVAL // a whiteout is a device
	}
	target, ok := dir.(*control)
	if !ok || target.m != c.m {
		return unix.EXDEV
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	var old, other unix.Stat_t
	replaced := flags&unix.RENAME_EXCHANGE == 0 && unix.Fstatat(target.host, to, &other, unix.AT_SYMLINK_NOFOLLOW) == nil
	if err := unix.Fstatat(c.host, from, &old, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if at := target.depth(); at > c.depth() {
		if err := c.m.fits(c.host, from, MaxDepth-at); err != nil {
			return err
		}
	}
	if at := c.depth(); flags&unix.RENAME_EXCHANGE != 0 && at > target.depth() {
		if err := c.m.fits(target.host, to, MaxDepth-at); err != nil {
			return err
		}
	}
	if err := unix.Renameat2(c.host, from, target.host, to, uint(flags)); err != nil {
		return err
	}
	if replaced && old.Ino != other.Ino {
		c.m.removed(&other)
	}
	return nil
}

// Renamed is lisafs.ControlFDImpl's.
func (*control) Renamed() {}

// What follows does not exist here.

// Link is lisafs.ControlFDImpl's.
func (*control) Link(lisafs.ControlFDImpl, string) (*lisafs.ControlFD, lisafs.Statx, error) {
	return nil, lisafs.Statx{}, unix.EPERM
}

// Connect is lisafs.ControlFDImpl's.
func (*control) Connect(uint32) (int, error) { return -1, unix.EPERM }

// ConnectWithCreds is lisafs.ControlFDImpl's.
func (*control) ConnectWithCreds(uint32, lisafs.UID, lisafs.GID) (int, error) { return -1, unix.EPERM }

// BindAt is lisafs.ControlFDImpl's.
func (*control) BindAt(string, uint32, linux.FileMode, lisafs.UID, lisafs.GID) (*lisafs.ControlFD, lisafs.Statx, *lisafs.BoundSocketFD, int, error) {
	return nil, lisafs.Statx{}, nil, -1, unix.EPERM
}

// GetXattr is lisafs.ControlFDImpl's.
func (*control) GetXattr(string, uint32, func(uint32) []byte) (uint16, error) {
	return 0, unix.EOPNOTSUPP
}

// SetXattr is lisafs.ControlFDImpl's.
func (*control) SetXattr(string, string, uint32) error { return unix.EOPNOTSUPP }

// ListXattr is lisafs.ControlFDImpl's.
func (*control) ListXattr(uint64) (lisafs.StringArray, error) { return nil, unix.EOPNOTSUPP }

// RemoveXattr is lisafs.ControlFDImpl's.
func (*control) RemoveXattr(string) error { return unix.EOPNOTSUPP }
