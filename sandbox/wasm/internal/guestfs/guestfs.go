// Package guestfs is what a WASM program sees of the owner's disk: one read-only
// directory (ReadOnly) and bounded writable ones (Writable), as file systems for wazero.
//
// Both show nothing that differs between hosts: modification times are the virtual
// clock's start, inode numbers come from names or the order of creation, permissions
// are fixed and directories are sorted. Both open files through an os.Root only, so
// neither ".." nor a symbolic link leads out.
package guestfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
)

// Device numbers tell the directories apart, so that (device, inode) is unique.
const (
	DevIn         = 1
	DevOut        = 2
	DevCheckpoint = 3
)

// MaxOpen is how many files a program may hold open in one directory tree.
const MaxOpen = 256

// LimitError is thrown through the program (wazero turns a panic of a host function
// into the error of the call) when it asks for more than it may have. Stopping it at
// the limit, rather than with an error that it may ignore, gives the attempt its reason.
type LimitError struct {
	What  string // "bytes" or "files"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("output limit of %d %s reached", e.Limit, e.What)
}

// HostError is thrown through the program when the owner's disk fails. The program
// must not see it: it would make a result depend on the host.
type HostError struct{ Err error }

func (e *HostError) Error() string { return "the host's disk: " + e.Err.Error() }
func (e *HostError) Unwrap() error { return e.Err }

// clean turns a path as wazero passes it into one that fs.ValidPath accepts.
func clean(p string) (string, wsys.Errno) {
	if len(p) > 4096 {
		return "", wsys.ENAMETOOLONG
	}
	p = path.Clean(strings.TrimPrefix(p, "/"))
	if !fs.ValidPath(p) || strings.ContainsAny(p, "\x00\\") {
		return "", wsys.EPERM
	}
	return p, 0
}

// errno translates what opening or reading a host file may legitimately say. Anything
// else is the host's fault and is thrown.
func errno(err error) wsys.Errno {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, fs.ErrNotExist):
		return wsys.ENOENT
	case errors.Is(err, fs.ErrPermission):
		return wsys.EACCES
	case errors.Is(err, fs.ErrExist):
		return wsys.EEXIST
	}
	// Escaping links, link loops and names the host cannot have: in all of them
	// there is no such file as far as the program is concerned.
	var pe *fs.PathError
	if errors.As(err, &pe) && (pe.Op == "openat" || pe.Op == "statat" || pe.Op == "lstatat" || pe.Op == "readlinkat") {
		return wsys.ENOENT
	}
	panic(&HostError{Err: err})
}

func isDir(info fs.FileInfo) bool { return info.IsDir() }

// dirents is the cursor of an open directory.
type dirents struct {
	list func() ([]wsys.Dirent, wsys.Errno)
	all  []wsys.Dirent
	read bool
	at   int
}

func (d *dirents) Readdir(n int) ([]wsys.Dirent, wsys.Errno) {
	if !d.read {
		all, e := d.list()
		if e != 0 {
			return nil, e
		}
		d.all, d.read, d.at = all, true, 0
	}
	rest := d.all[d.at:]
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	d.at += len(rest)
	return rest, 0
}

func (d *dirents) Seek(offset int64, whence int) (int64, wsys.Errno) {
	if offset != 0 || whence != 0 {
		return 0, wsys.EINVAL
	}
	d.read, d.all, d.at = false, nil, 0
	return 0, 0
}

// openFile opens without ever blocking on, or writing to, anything but a regular file.
func openFile(root *os.Root, name string, flag int) (*os.File, error) {
	return root.OpenFile(name, flag|openFlags, 0o644)
}

func stat(dev, ino uint64, mode fs.FileMode, size, start int64) sys.Stat_t {
	return sys.Stat_t{Dev: dev, Ino: ino, Mode: mode, Nlink: 1, Size: size, Atim: start, Mtim: start, Ctim: start}
}
