//go:build linux && (amd64 || arm64)

package outfs

import (
	"errors"
	"io"
	"math"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/fd"
	"gvisor.dev/gvisor/pkg/fsutil"
	"gvisor.dev/gvisor/pkg/lisafs"
	"gvisor.dev/gvisor/pkg/marshal/primitive"
)

// open is the lisafs.OpenFDImpl: an open file or directory. It holds its control.
type open struct {
	lisafs.OpenFD
	c    *control
	host int
}

var _ lisafs.OpenFDImpl = (*open)(nil)

// opened makes the descriptor, and owns host.
func (c *control) opened(host int, flags uint32) *open {
	o := &open{c: c, host: host}
	o.Init(c.FD(), flags, o)
	return o
}

// FD is lisafs.OpenFDImpl's.
func (o *open) FD() *lisafs.OpenFD {
	if o == nil {
		return nil
	}
	return &o.OpenFD
}

// Close is lisafs.OpenFDImpl's.
func (o *open) Close() { _ = unix.Close(o.host) }

// Stat is lisafs.OpenFDImpl's.
func (o *open) Stat() (lisafs.Statx, error) { return o.c.m.stat(o.host, o.c.top) }

// Sync is lisafs.OpenFDImpl's.
func (o *open) Sync() error { return unix.Fsync(o.host) }

// Flush is lisafs.OpenFDImpl's.
func (*open) Flush() error { return nil }

// Renamed is lisafs.OpenFDImpl's.
func (*open) Renamed() {}

// Write is lisafs.OpenFDImpl's. What it grows the file by is reserved first.
func (o *open) Write(b []byte, off uint64) (uint64, error) {
	m := o.c.m
	if off > math.MaxInt64-uint64(len(b)) {
		return 0, unix.EFBIG
	}
	end := int64(off) + int64(len(b))
	m.mu.Lock()
	i := m.inodes[o.c.ino]
	if i == nil {
		m.mu.Unlock()
		return 0, unix.EBADF
	}
	if end > i.size {
		if err := m.resize(o.c.ino, end); err != nil {
			m.mu.Unlock()
			return 0, err
		}
	}
	m.mu.Unlock()
	rw := fd.NewReadWriter(o.host)
	n, err := rw.WriteAt(b, int64(off))
	return uint64(n), err
}

// Read is lisafs.OpenFDImpl's.
func (o *open) Read(b []byte, off uint64) (uint64, error) {
	rw := fd.NewReadWriter(o.host)
	n, err := rw.ReadAt(b, int64(off))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return uint64(n), nil
}

// Allocate is lisafs.OpenFDImpl's: only the kind that sets the size, and so is counted.
func (o *open) Allocate(mode, off, length uint64) error {
	if mode != 0 {
		return unix.EOPNOTSUPP
	}
	if o.c.ino == 0 || length == 0 || off > math.MaxInt64-length || length > math.MaxInt64 {
		return unix.EINVAL
	}
	m, end := o.c.m, int64(off+length)
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.inodes[o.c.ino]; i == nil {
		return unix.EBADF
	} else if end > i.size {
		if err := m.resize(o.c.ino, end); err != nil {
			return err
		}
	}
	return unix.Fallocate(o.host, 0, int64(off), int64(length))
}

// Getdent64 is lisafs.OpenFDImpl's.
func (o *open) Getdent64(count uint32, seek0 bool, record func(lisafs.Dirent64)) error {
	if seek0 {
		if _, err := unix.Seek(o.host, 0, io.SeekStart); err != nil {
			return err
		}
	}
	var buf [8192]byte
	for read := 0; read < int(count); {
		end := min(len(buf), int(count)-read)
		n, err := unix.Getdents(o.host, buf[:end])
		if err == unix.EINVAL && end < fsutil.UnixDirentMaxSize {
			return nil // no room for one more
		}
		if err != nil {
			return err
		}
		if n <= 0 {
			return nil
		}
		fsutil.ParseDirents(buf[:n], func(ino uint64, off int64, kind uint8, name string, length uint16) {
			record(lisafs.Dirent64{Ino: primitive.Uint64(ino), Off: primitive.Uint64(off), Type: primitive.Uint8(kind), Name: lisafs.SizedString(name)})
			read += int(length)
		})
	}
	return nil
}
