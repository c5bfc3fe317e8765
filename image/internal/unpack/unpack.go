// Package unpack lays the layers of a container image out in a directory. The
// layers are a stranger's: whatever they hold, nothing outside the directory is
// read, written or made, and nothing inside it is but a file, a directory or a
// link.
//
//   - Every step goes through os.Root, and through no symbolic link: paths are
//     resolved here first, as the image would resolve them (an absolute target
//     starts at the image's root, ".." stops there).
//   - Devices and pipes are left out. Extended attributes, setuid and setgid bits
//     are dropped: the box gives no new privileges anyway.
//   - As root, files keep the image's numeric owners: the caller keeps the directory
//     below one that only it may enter. Otherwise all is ours, and readable to us; in
//     a user namespace, so is what belongs to somebody who is not mapped into it.
package unpack

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/artel-network/artel/image/oci"
)

// Errors to match with errors.Is.
var (
	// ErrUnsafe says that a layer holds what an honest one does not: a name that
	// leads out, a link to nowhere, a whiteout of the parent.
	ErrUnsafe = errors.New("unsafe layer")
	// ErrTooLarge says that an image is over a limit.
	ErrTooLarge = errors.New("image too large")
	// ErrFull says that the disk has no room.
	ErrFull = errors.New("no room for the image")
)

// Limits bound what an image may unpack to, all layers together. What a later
// layer replaces counts too.
type Limits struct {
	Bytes   int64 // sum of the sizes of files; a hole counts as if it were written
	Entries int   // entries of the archives
	Ratio   int64 // uncompressed bytes for one compressed, beyond the first 64 MiB
}

// Root is a directory that layers are unpacked into, lowest first. One goroutine
// uses it.
type Root struct {
	root   *os.Root
	owners bool // keep numeric owners
	lim    Limits
	left   Limits // Bytes and Entries that may still come
	stream int64  // uncompressed bytes that may still come
	disk   int64  // bytes that the files take, whole pages
	dirs   map[string]dir
	made   map[uint64]struct{} // hashes of the paths that this layer made
	seed   maphash.Seed
	buf    []byte
}

// dir is an open directory of the image.
type dir struct {
	*os.Root
	path string // without symbolic links
}

// Open makes the directory, which must not exist.
func Open(name string, lim Limits) (*Root, error) {
	if err := os.Mkdir(name, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	r := &Root{root: root, owners: os.Geteuid() == 0, lim: lim, left: lim, dirs: map[string]dir{}, seed: maphash.MakeSeed(), buf: make([]byte, 256<<10)}
	r.stream = 2*lim.Bytes + 64<<20
	return r, root.Chmod(".", 0o755) // whatever the umask
}

// Disk is about what the unpacked image takes, in bytes.
func (r *Root) Disk() int64 { return r.disk }

// Close gives the directory back.
func (r *Root) Close() error {
	r.forget()
	return r.root.Close()
}

// Mkdir makes a directory of the image and those above it, as WORKDIR does. One
// that is there stays as it is.
func (r *Root) Mkdir(name string) error {
	p, err := clean("./" + name)
	if err == nil {
		_, err = r.walk(p, true)
	}
	return err
}

// Layer unpacks one layer and returns the digest of its uncompressed bytes. The
// caller compares it. After an error the directory is to be thrown away.
func (r *Root) Layer(ctx context.Context, src io.Reader) (oci.Digest, error) {
	r.made = map[uint64]struct{}{}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := newStream(ctx, src, r.lim.Ratio, &r.stream)
	if err != nil {
		return oci.Digest{}, err
	}
	defer s.close()
	if err := r.entries(ctx, s); err != nil {
		return oci.Digest{}, full(err)
	}
	return s.rest()
}

// full gives the errors of a full disk a name.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w; hint: free space on the disk", ErrFull, err)
	}
	return err
}

// Bounds of names. File systems take no more.
const (
	maxName  = 255
	maxPath  = 4095
	maxDepth = 128
	maxLinks = 40 // followed for one path, as Linux does
)

// clean checks the name of an entry and returns it without "./" and doubled or
// trailing slashes; the root itself is ".".
func clean(name string) (string, error) {
	switch {
	case name == "":
		return "", fmt.Errorf("%w: no name", ErrUnsafe)
	case len(name) > maxPath:
		return "", fmt.Errorf("%w: a name of %d bytes", ErrUnsafe, len(name))
	case strings.ContainsRune(name, 0):
		return "", fmt.Errorf("%w: a zero byte in the name", ErrUnsafe)
	case name[0] == '/':
		return "", fmt.Errorf("%w: an absolute name", ErrUnsafe)
	}
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == ".":
			continue
		case part == "..":
			return "", fmt.Errorf("%w: the name holds \"..\"", ErrUnsafe)
		case len(part) > maxName:
			return "", fmt.Errorf("%w: a part of the name has %d bytes", ErrUnsafe, len(part))
		}
		if depth++; depth > maxDepth {
			return "", fmt.Errorf("%w: directories nested deeper than %d", ErrUnsafe, maxDepth)
		}
	}
	return path.Clean(name), nil
}

// walk returns the path that a directory's name stands for inside the image,
// every symbolic link followed as the image would. Missing directories are made,
// or else the error wraps fs.ErrNotExist.
func (r *Root) walk(name string, create bool) (string, error) {
	if create {
		return resolve(r.root, name, r.mkdir)
	}
	return resolve(r.root, name, nil)
}

// mkdir makes a directory that no entry described.
func (r *Root) mkdir(p string) error {
	if err := r.root.Mkdir(p, 0o755); err != nil {
		return err
	}
	r.disk += page
	return r.root.Chmod(p, 0o755)
}

// parent opens the directory of an entry. Handles are kept until a directory or
// a link goes.
func (r *Root) parent(name string, create bool) (dir, error) {
	key := path.Dir(name)
	if d, ok := r.dirs[key]; ok {
		return d, nil
	}
	p, err := r.walk(key, create)
	if err != nil {
		return dir{}, err
	}
	h, err := r.root.OpenRoot(p)
	if err != nil {
		return dir{}, err
	}
	if len(r.dirs) >= 64 {
		r.forget()
	}
	r.dirs[key] = dir{h, p}
	return r.dirs[key], nil
}

func (r *Root) forget() {
	for _, d := range r.dirs {
		d.Close()
	}
	clear(r.dirs)
}

// mark notes that this layer made the path.
func (r *Root) mark(p string) { r.made[maphash.String(r.seed, p)] = struct{}{} }

func (r *Root) isMade(p string) bool {
	_, ok := r.made[maphash.String(r.seed, p)]
	return ok
}

// clear removes what is at p, a path without symbolic links, unless this layer made it.
// It reports whether anything stays.
func (r *Root) clear(p string) (stays bool, err error) {
	info, err := r.root.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stays = r.isMade(p)
	if info.IsDir() {
		below, err := r.clearBelow(p)
		if err != nil {
			return false, err
		}
		stays = stays || below
	}
	if stays {
		return true, nil
	}
	return false, r.root.Remove(p)
}

// clearBelow clears what a directory holds.
func (r *Root) clearBelow(p string) (stays bool, err error) {
	d, err := r.root.Open(p)
	if err != nil {
		return false, err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil {
		return false, err
	}
	for _, name := range names {
		one, err := r.clear(path.Join(p, name))
		if err != nil {
			return false, err
		}
		stays = stays || one
	}
	return stays, nil
}

// quote keeps a stranger's name within a line.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return fmt.Sprintf("%q…%q", s[:most/2], s[len(s)-most/2:])
	}
	return fmt.Sprintf("%q", s)
}
