package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"sync"
	"time"
)

var errPowerCut = errors.New("power cut")

// crashFS is a disk in memory that keeps, as the standard promises and no more:
// the bytes of a file as of its last Sync, the names of a directory as of its
// last SyncDir. Of what came later, a power cut leaves any part.
type crashFS struct {
	mu    sync.Mutex
	dirs  map[string]*crashDir
	steps int // changes so far
	// cutAt is the step at which the power goes; later ones fail. 0: never.
	cutAt int
	// fault, if set, may fail a change before it happens.
	fault func(op, path string) error
	// lies makes Sync and SyncDir do nothing.
	lies bool
}

type crashDir struct {
	names   map[string]*inode
	durable map[string]*inode
	log     []change // since the last SyncDir
}

// change is one name that appeared (ino) or went (nil).
type change struct {
	name string
	ino  *inode
}

type inode struct {
	dir     bool
	data    []byte
	durable []byte
	mod     time.Time
}

func newCrashFS() *crashFS {
	return &crashFS{dirs: map[string]*crashDir{".": newCrashDir()}}
}

func newCrashDir() *crashDir {
	return &crashDir{names: map[string]*inode{}, durable: map[string]*inode{}}
}

func (d *crashDir) set(name string, ino *inode) {
	if ino == nil {
		delete(d.names, name)
	} else {
		d.names[name] = ino
	}
	d.log = append(d.log, change{name, ino})
}

// step counts a change, and fails it after the power cut or by a fault. mu is held.
func (c *crashFS) step(op, path string) error {
	if c.cutAt > 0 && c.steps >= c.cutAt {
		return errPowerCut
	}
	c.steps++
	if c.fault != nil {
		return c.fault(op, path)
	}
	return nil
}

func (c *crashFS) find(p string) (*crashDir, string, *inode, error) {
	dir, ok := c.dirs[path.Dir(p)]
	if !ok {
		return nil, "", nil, fs.ErrNotExist
	}
	return dir, path.Base(p), dir.names[path.Base(p)], nil
}

func (c *crashFS) Mkdir(p string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("mkdir", p); err != nil {
		return err
	}
	dir, name, ino, err := c.find(p)
	if err != nil || ino != nil {
		return err
	}
	dir.set(name, &inode{dir: true})
	c.dirs[p] = newCrashDir()
	return nil
}

func (c *crashFS) Names(p string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir, ok := c.dirs[p]
	if !ok {
		return nil, fs.ErrNotExist
	}
	var names []string
	for name := range dir.names {
		names = append(names, name)
	}
	return names, nil
}

func (c *crashFS) Stat(p string) (int64, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, ino, err := c.find(p)
	if err == nil && ino == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return 0, time.Time{}, err
	}
	return int64(len(ino.data)), ino.mod, nil
}

func (c *crashFS) Read(p string, max int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, ino, err := c.find(p)
	if err == nil && ino == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(ino.data[:min(len(ino.data), max)]), nil
}

func (c *crashFS) Create(p string) (file, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("create", p); err != nil {
		return nil, err
	}
	dir, name, ino, err := c.find(p)
	if err == nil && ino != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return nil, err
	}
	ino = &inode{mod: time.Now()}
	dir.set(name, ino)
	return &crashFile{c, p, ino}, nil
}

func (c *crashFS) Rename(from, to string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("rename", to); err != nil {
		return err
	}
	a, old, ino, err := c.find(from)
	if err == nil && ino == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return err
	}
	b, name, _, err := c.find(to)
	if err != nil {
		return err
	}
	b.set(name, ino)
	a.set(old, nil)
	return nil
}

func (c *crashFS) Remove(p string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("remove", p); err != nil {
		return err
	}
	dir, name, ino, err := c.find(p)
	if err == nil && ino == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return err
	}
	dir.set(name, nil)
	return nil
}

func (c *crashFS) Touch(p string, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("touch", p); err != nil {
		return err
	}
	_, _, ino, err := c.find(p)
	if err == nil && ino == nil {
		err = fs.ErrNotExist
	}
	if err == nil {
		ino.mod = t
	}
	return err
}

func (c *crashFS) SyncDir(p string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("syncdir", p); err != nil {
		return err
	}
	dir, ok := c.dirs[p]
	if !ok {
		return fs.ErrNotExist
	}
	if c.lies {
		return nil
	}
	for _, ch := range dir.log {
		ch.apply(dir.durable)
	}
	dir.log = nil
	return nil
}

func (ch change) apply(names map[string]*inode) {
	if ch.ino == nil {
		delete(names, ch.name)
	} else {
		names[ch.name] = ch.ino
	}
}

type crashFile struct {
	c    *crashFS
	path string
	ino  *inode
}

func (f *crashFile) Write(p []byte) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.c.step("write", f.path); err != nil {
		n := len(p) / 2 // a full disk takes a part
		f.ino.data = append(f.ino.data, p[:n]...)
		return n, err
	}
	f.ino.data = append(f.ino.data, p...)
	return len(p), nil
}

func (f *crashFile) Sync() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.c.step("sync", f.path); err != nil {
		return err
	}
	if !f.c.lies {
		f.ino.durable = bytes.Clone(f.ino.data)
	}
	return nil
}

func (f *crashFile) Close() error { return nil }

// crashClone returns the disk as it is found after a power cut at this moment:
// each change of a name since the last SyncDir is there or not, in order, and
// each file holds its synced bytes, or its later ones, torn anywhere. Without
// an rng it is the disk after a process was killed: all changes are there.
func (c *crashFS) crashClone(rng *rand.Rand) *crashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := newCrashFS()
	files := map[*inode]*inode{} // one file may have two names after a rename
	var walk func(p string)
	walk = func(p string) {
		from := c.dirs[p]
		names := map[string]*inode{}
		for name, ino := range from.durable {
			names[name] = ino
		}
		for _, ch := range from.log {
			if rng == nil || rng.IntN(2) == 0 {
				ch.apply(names)
			}
		}
		to := newCrashDir()
		out.dirs[p] = to
		for name, ino := range names {
			if files[ino] == nil {
				files[ino] = &inode{dir: ino.dir, data: tear(ino, rng), mod: ino.mod}
				files[ino].durable = bytes.Clone(files[ino].data)
			}
			to.names[name], to.durable[name] = files[ino], files[ino]
			if ino.dir {
				walk(path.Join(p, name))
			}
		}
	}
	walk(".")
	return out
}

func tear(ino *inode, rng *rand.Rand) []byte {
	if rng == nil || bytes.Equal(ino.data, ino.durable) {
		return bytes.Clone(ino.data)
	}
	switch rng.IntN(4) {
	case 0:
		return bytes.Clone(ino.durable)
	case 1:
		return bytes.Clone(ino.data)
	case 2: // the length is there, the bytes are not
		out := bytes.Clone(ino.data)
		clear(out[rng.IntN(len(out)+1):])
		return out
	default:
		return bytes.Clone(ino.data[:rng.IntN(len(ino.data)+1)])
	}
}
