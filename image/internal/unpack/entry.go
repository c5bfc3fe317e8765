package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/artel-network/artel/image/oci"
)

// page is what the smallest file takes on the disk, about.
const page = 4096

// Names with a meaning of their own in layers.
// Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
const (
	whiteout = ".wh."         // .wh.NAME hides NAME of the layers below
	opaque   = ".wh..wh..opq" // hides all that the layers below have in this directory
	internal = ".wh..wh."     // AUFS's own book-keeping
)

// entries unpacks an archive up to its end.
func (r *Root) entries(ctx context.Context, src io.Reader) error {
	t := tar.NewReader(src)
	for n := 1; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, broken(err))
		}
		if r.left.Entries--; r.left.Entries < 0 {
			return fmt.Errorf("entry %d: %w: more than %d entries", n, ErrTooLarge, r.lim.Entries)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.entry(ctx, h, t); err != nil {
			return fmt.Errorf("entry %d, %s: %w", n, quote(h.Name), err)
		}
	}
}

// broken names what archive/tar found, unless it is an error of what it reads.
func broken(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the archive is broken or cut short: %w", oci.ErrMalformed, err)
	}
	return err
}

func (r *Root) entry(ctx context.Context, h *tar.Header, data io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := clean(h.Name)
	if err != nil {
		return err
	}
	if err := checkHeader(h); err != nil {
		return err
	}
	if name == "." {
		if h.Typeflag != tar.TypeDir {
			return fmt.Errorf("%w: the image's root is not a directory", ErrUnsafe)
		}
		return r.describe(dir{r.root, "."}, ".", h)
	}
	base := path.Base(name)
	if strings.Contains("/"+path.Dir(name), "/"+whiteout) {
		return fmt.Errorf("%w: a whiteout is no directory", ErrUnsafe)
	}
	if strings.HasPrefix(base, whiteout) {
		return r.whiteout(name, base)
	}
	if h.Typeflag == tar.TypeLink {
		return r.link(name, base, h)
	}
	d, err := r.parent(name, true)
	if err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse && h.Typeflag != tar.TypeCont {
		// Files try first and look what is in the way when something is.
		if err := r.makeWay(d, base, h.Typeflag == tar.TypeDir); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		err = r.file(ctx, d, base, h, data)
	case tar.TypeDir:
		err = r.directory(d, base, h)
	case tar.TypeSymlink:
		err = r.symlink(d, base, h)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return nil // left out; the box has devices of its own
	default:
		return fmt.Errorf("%w: an entry of unknown kind %q", ErrUnsafe, h.Typeflag)
	}
	if err != nil {
		return err
	}
	r.mark(path.Join(d.path, base))
	return nil
}

// maxID is the largest user or group: beyond are numbers with meanings of their own.
const maxID = 1<<31 - 1

func checkHeader(h *tar.Header) error {
	switch {
	case h.Uid < 0 || h.Uid > maxID || h.Gid < 0 || h.Gid > maxID:
		return fmt.Errorf("%w: owner %d:%d", ErrUnsafe, h.Uid, h.Gid)
	case h.Size < 0:
		return fmt.Errorf("%w: %d bytes", ErrUnsafe, h.Size)
	}
	return nil
}

// makeWay removes what has the name of a new entry. A directory stays where a
// directory comes.
func (r *Root) makeWay(d dir, base string, isDir bool) error {
	info, err := d.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir() && isDir:
		return nil
	case info.IsDir():
		r.forgetOthers(d)
		return d.RemoveAll(base)
	case info.Mode().Type() == fs.ModeSymlink:
		r.forgetOthers(d)
	}
	return d.Remove(base)
}

// forgetOthers closes all handles but d's, which the caller still uses.
func (r *Root) forgetOthers(d dir) {
	for key, other := range r.dirs {
		if other.Root != d.Root {
			other.Close()
			delete(r.dirs, key)
		}
	}
}

func (r *Root) file(ctx context.Context, d dir, base string, h *tar.Header, data io.Reader) error {
	if h.Size > r.left.Bytes {
		return fmt.Errorf("%w: with this file of %d bytes the image is over %d; hint: ask for a larger limit, or take a smaller image", ErrTooLarge, h.Size, r.lim.Bytes)
	}
	r.left.Bytes -= h.Size
	f, err := d.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := r.makeWay(d, base, false); err != nil {
			return err
		}
		f, err = d.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return err
	}
	err = r.copy(ctx, f, data, h.Size)
	if err == nil && r.owners {
		err = owned(f.Chown(h.Uid, h.Gid))
	}
	if err == nil {
		err = f.Chmod(r.mode(h, 0o400))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.disk += (h.Size + 2*page - 1) &^ (page - 1)
	// Programs compare times: without them Python compiles all its files anew.
	t := time.Unix(min(max(h.ModTime.Unix(), 0), 1<<33), 0)
	return d.Chtimes(base, t, t)
}

func (r *Root) copy(ctx context.Context, w io.Writer, data io.Reader, size int64) error {
	var done int64
	for {
		n, err := data.Read(r.buf)
		if _, werr := w.Write(r.buf[:n]); werr != nil {
			return werr
		}
		done += int64(n)
		switch {
		case done > size:
			return fmt.Errorf("%w: more data than the %d bytes it declares", oci.ErrMalformed, size)
		case err == io.EOF && done < size:
			return fmt.Errorf("%w: %d bytes of data, it declares %d", oci.ErrMalformed, done, size)
		case err == io.EOF:
			return nil
		case err != nil:
			return broken(err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

func (r *Root) directory(d dir, base string, h *tar.Header) error {
	err := d.Mkdir(base, 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	} else {
		r.disk += page
	}
	if err != nil {
		return err
	}
	return r.describe(d, base, h)
}

// describe sets owner and mode of a directory.
func (r *Root) describe(d dir, base string, h *tar.Header) error {
	if r.owners {
		if err := owned(d.Lchown(base, h.Uid, h.Gid)); err != nil {
			return err
		}
	}
	mode := r.mode(h, 0o700)
	if h.Mode&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return d.Chmod(base, mode)
}

// owned passes over an owner that is not to be had: root of a user namespace (in a
// container, say) has those users alone that are mapped into it. The entry stays ours.
func owned(err error) error {
	if errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// mode is what an entry may have of its mode. Where we are not root, we must be
// able to read it, and to remove it one day.
func (r *Root) mode(h *tar.Header, ours fs.FileMode) fs.FileMode {
	mode := fs.FileMode(h.Mode & 0o777)
	if !r.owners {
		mode |= ours
	}
	return mode
}

func (r *Root) symlink(d dir, base string, h *tar.Header) error {
	switch {
	case h.Linkname == "" || len(h.Linkname) > maxPath:
		return fmt.Errorf("%w: a link to a name of %d bytes", ErrUnsafe, len(h.Linkname))
	case strings.ContainsRune(h.Linkname, 0):
		return fmt.Errorf("%w: a zero byte in the link's target", ErrUnsafe)
	}
	// The target may lead anywhere: in the box it starts at the image's root, and
	// here nobody follows it.
	if err := d.Symlink(h.Linkname, base); err != nil {
		return err
	}
	r.disk += page
	if r.owners {
		return owned(d.Lchown(base, h.Uid, h.Gid))
	}
	return nil
}

// link makes a hard link to a file that the image already has.
func (r *Root) link(name, base string, h *tar.Header) error {
	to, err := clean(h.Linkname)
	if err != nil {
		return fmt.Errorf("hard link to %s: %w", quote(h.Linkname), err)
	}
	bad := func(why string) error {
		return fmt.Errorf("%w: hard link to %s, %s", ErrUnsafe, quote(h.Linkname), why)
	}
	if to == "." {
		return bad("the root")
	}
	if strings.HasPrefix(path.Base(to), whiteout) {
		return bad("a whiteout")
	}
	from, err := r.walk(path.Dir(to), false)
	if errors.Is(err, fs.ErrNotExist) {
		return bad("which is not there")
	}
	if err != nil {
		return fmt.Errorf("hard link to %s: %w", quote(h.Linkname), err)
	}
	from = path.Join(from, path.Base(to))
	d, err := r.parent(name, true)
	if err != nil {
		return err
	}
	here := path.Join(d.path, base)
	if here == from {
		return bad("itself")
	}
	info, err := r.root.Lstat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("which is not there")
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return bad("which is not a file")
	}
	if err := r.makeWay(d, base, false); err != nil {
		return err
	}
	if err := r.root.Link(from, here); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return bad("which it replaces")
		}
		if errors.Is(err, syscall.EMLINK) {
			return fmt.Errorf("%w: %s has more hard links than the disk takes", ErrTooLarge, quote(h.Linkname))
		}
		return err
	}
	r.mark(here)
	return nil
}

// whiteout hides what the layers below have. What this layer has itself stays,
// wherever in the archive it comes.
func (r *Root) whiteout(name, base string) error {
	if base == opaque {
		p, err := r.walk(path.Dir(name), true)
		if err != nil {
			return err
		}
		r.forget()
		_, err = r.clearBelow(p)
		return err
	}
	if strings.HasPrefix(base, internal) {
		return nil
	}
	hidden := strings.TrimPrefix(base, whiteout)
	if hidden == "" || hidden == "." || hidden == ".." {
		return fmt.Errorf("%w: a whiteout of %q", ErrUnsafe, hidden)
	}
	p, err := r.walk(path.Dir(name), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.forget()
	_, err = r.clear(path.Join(p, hidden))
	return err
}
