//go:build linux && (amd64 || arm64)

// Package outfs serves a directory to gVisor within limits: the sum of its files'
// sizes and the number of its entries. It runs inside gVisor's confined file server (the
// gofer), as an extension of it, and knows the protocol (lisafs) only.
//
// The sandbox never gets a writable descriptor of the host, so each byte passes
// Write, and the limit is exact: nothing beyond it is ever on the owner's disk. What a
// directory can hold is regular files, directories and symbolic links. Devices,
// sockets, fifos, hard links, extended attributes and setuid bits do not exist here.
//
// Everything belongs to the attempt's user, whatever it is changed to; on the host
// all is the owner's, and readable for him.
package outfs

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/lisafs"
	"gvisor.dev/gvisor/pkg/seccomp"
	"gvisor.dev/gvisor/runsc/specutils"
)

// MaxDepth of directories below a mount: as deep as blobs and checkpoints go, so that
// what was written can be kept.
const MaxDepth = 64

// Limits of one directory.
type Limits struct {
	// Name is what Over is told.
	Name string
	// Bytes bounds the sum of apparent sizes, those of unlinked open files included;
	// Files the number of entries.
	Bytes, Files int64
	// UID and GID own everything.
	UID, GID uint32
}

// Extension takes over the writable mounts of a sandbox.
type Extension struct {
	// Limits by the mount's source. A writable mount that is not in it is refused.
	Limits map[string]Limits
	// Over is called when a limit was hit, once for each mount; Deep when a directory was
	// refused for its depth, likewise.
	Over, Deep func(name string)
}

// Name is extension.Extension's.
func (*Extension) Name() string { return "artel-outfs" }

// SeccompRules is extension.Extension's: what the gofer may do is enough.
func (*Extension) SeccompRules() seccomp.SyscallRules { return seccomp.NewSyscallRules() }

// TryHandleMount is extension.Extension's.
func (e *Extension) TryHandleMount(spec *specs.Spec, mount *specs.Mount, path string, readonly bool) (lisafs.ConnectionImpl, lisafs.ConnectionOpts, error) {
	if mount == nil || readonly || specutils.IsReadonlyMount(mount.Options) {
		return nil, lisafs.ConnectionOpts{}, nil
	}
	lim, ok := e.Limits[mount.Source]
	if !ok {
		return nil, lisafs.ConnectionOpts{}, fmt.Errorf("a writable mount at %s without a limit", path)
	}
	m := &served{limits: lim, over: sync.OnceFunc(func() { e.Over(lim.Name) }), deep: sync.OnceFunc(func() { e.Deep(lim.Name) }), inodes: map[uint64]*inode{}}
	if err := m.count(path); err != nil {
		return nil, lisafs.ConnectionOpts{}, fmt.Errorf("count what is in %s: %w", path, err)
	}
	return m, lisafs.ConnectionOpts{WalkStatSupported: true, SetAttrOnDeleted: true, AllocateOnDeleted: true, OpenOnDeleted: true}, nil
}

// served is the lisafs.ConnectionImpl.
type served struct {
	limits Limits
	over   func()
	deep   func()
	top    int // slashes in the mount's own path

	mu           sync.Mutex
	bytes, files int64
	inodes       map[uint64]*inode // regular files that have a descriptor
}

// inode is a regular file that has a descriptor.
type inode struct {
	size int64
	fds  int
	gone bool // has no name any more
}

func (m *served) count(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		m.files++
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			m.bytes += info.Size()
		}
		return err
	})
	if m.bytes > m.limits.Bytes || m.files > m.limits.Files {
		m.over()
	}
	return err
}

// full says that a limit was hit; the caller returns it.
func (m *served) full() error {
	m.over()
	return unix.ENOSPC
}

// tooDeep says that a directory was refused; the caller returns it.
func (m *served) tooDeep() error {
	m.deep()
	return unix.ENAMETOOLONG
}

// enter counts a new entry, or refuses it.
func (m *served) enter() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files >= m.limits.Files {
		return m.full()
	}
	m.files++
	return nil
}

func (m *served) left() {
	m.mu.Lock()
	m.files--
	m.mu.Unlock()
}

// resize reserves what the file grows by to the size, or gives back what it
// shrinks by. m.mu is held.
func (m *served) resize(ino uint64, size int64) error {
	i := m.inodes[ino]
	if i == nil || size < 0 {
		return unix.EINVAL
	}
	if grow := size - i.size; grow > 0 && grow > m.limits.Bytes-m.bytes {
		return m.full()
	}
	m.bytes += size - i.size
	i.size = size
	return nil
}

// hold and drop count descriptors of a regular file.
func (m *served) hold(ino uint64, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.inodes[ino]
	if i == nil {
		i = &inode{size: size}
		m.inodes[ino] = i
	}
	i.fds++
}

func (m *served) drop(ino uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.inodes[ino]
	if i == nil {
		return
	}
	if i.fds--; i.fds == 0 {
		if i.gone {
			m.bytes -= i.size
		}
		delete(m.inodes, ino)
	}
}

// removed accounts for an entry that has lost its name. m.mu is held.
func (m *served) removed(st *unix.Stat_t) {
	m.files--
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if i := m.inodes[st.Ino]; i != nil {
		i.gone = true
	} else {
		m.bytes -= st.Size
	}
}

// MaxMessageSize is lisafs.ConnectionImpl's.
func (*served) MaxMessageSize() uint32 { return lisafs.MaxMessageSize() }

// SupportedMessages is lisafs.ConnectionImpl's.
func (*served) SupportedMessages() []lisafs.MID {
	return []lisafs.MID{
		lisafs.Mount, lisafs.Channel, lisafs.FStat, lisafs.SetStat, lisafs.Walk, lisafs.WalkStat, lisafs.OpenAt, lisafs.OpenCreateAt,
		lisafs.Close, lisafs.FSync, lisafs.PWrite, lisafs.PRead, lisafs.MkdirAt, lisafs.MknodAt, lisafs.SymlinkAt, lisafs.FStatFS,
		lisafs.FAllocate, lisafs.ReadLinkAt, lisafs.UnlinkAt, lisafs.RenameAt, lisafs.RenameAt2, lisafs.Getdents64,
	}
}

// Mount is lisafs.ConnectionImpl's. No descriptor is donated: everything goes through
// this process.
func (m *served) Mount(c *lisafs.Connection, node *lisafs.Node) (*lisafs.ControlFD, lisafs.Statx, int, error) {
	host, err := unix.Open(node.FilePath(), unix.O_RDONLY|unix.O_DIRECTORY|openFlags, 0)
	if err != nil {
		return nil, lisafs.Statx{}, -1, err
	}
	m.top = strings.Count(strings.TrimSuffix(node.FilePath(), "/"), "/")
	d := &control{m: m, host: host, top: true}
	st, err := d.Stat()
	if err != nil {
		_ = unix.Close(host)
		return nil, lisafs.Statx{}, -1, err
	}
	node.IncRef() // for the control descriptor
	d.Init(c, node, unix.S_IFDIR, d)
	return d.FD(), st, -1, nil
}
