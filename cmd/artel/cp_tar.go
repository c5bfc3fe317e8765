package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// copied says what was copied; left are links and special files.
type copied struct {
	files, left int
	bytes       int64
}

// maxCopied is the number of files, directories and others that a task may send.
const maxCopied = 1_000_000

// untar unpacks base, and what is below it, into dir. The tar is a stranger's:
// os.Root keeps names inside, only files and directories are made, and nothing is
// made twice. limit bounds the bytes of all files.
func untar(r io.Reader, dir, base string, limit int64) (copied, error) {
	var got copied
	root, err := os.OpenRoot(dir)
	if err != nil {
		return got, err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for entries := 0; ; entries++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return got, drain(r)
		}
		if err != nil {
			return got, fmt.Errorf("read tar: %w", err)
		}
		if entries == maxCopied {
			return got, fmt.Errorf("read tar: more than %d files", maxCopied)
		}
		name, err := inside(h.Name, base)
		if err != nil {
			return got, err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg, tar.TypeGNUSparse:
			if h.Size > limit-got.bytes {
				return got, fmt.Errorf("read tar: more than the limit of %s; hint: --limit", size(uint64(limit)))
			}
			err = writeFile(root, name, t, h)
			got.files, got.bytes = got.files+1, got.bytes+h.Size
		case tar.TypeLink: // a further name of a file that came before
			var old string
			if old, err = inside(h.Linkname, base); err == nil {
				err = linkFile(root, old, name)
			}
			got.files++
		default:
			got.left++
		}
		if err != nil {
			return got, fmt.Errorf("unpack %q: %w", clean(h.Name), err)
		}
	}
}

// inside wants a name that is base or below it.
func inside(s, base string) (string, error) {
	name := path.Clean(s)
	if name != base && !strings.HasPrefix(name, base+"/") || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\x00") {
		return "", fmt.Errorf("read tar: %q is not inside %s", clean(s), clean(base))
	}
	return filepath.FromSlash(name), nil
}

func writeFile(root *os.Root, name string, r io.Reader, h *tar.Header) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if h.Mode&0o111 != 0 {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func linkFile(root *os.Root, old, name string) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return root.Link(old, name)
}

// drain takes what tar fills its last block with, so that it can end.
func drain(r io.Reader) error {
	const most = 1 << 20
	n, err := io.Copy(io.Discard, io.LimitReader(r, most))
	if err == nil && n == most {
		err = errors.New("read tar: it goes on after its end")
	}
	return err
}

// sendTree writes the file or directory at from as a tar of base. Links are sent
// as they are: they point to what the task has there.
func sendTree(w io.Writer, from, base string) (copied, error) {
	var got copied
	t := tar.NewWriter(w)
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		switch {
		case fi.Mode()&fs.ModeSymlink != 0:
			if link, err = os.Readlink(p); err != nil {
				return err
			}
		case !fi.IsDir() && !fi.Mode().IsRegular():
			got.left++
			return nil
		}
		h, err := tar.FileInfoHeader(fi, filepath.ToSlash(link))
		if err != nil {
			return err
		}
		h.Name, h.Format = "./"+path.Join(base, filepath.ToSlash(rel)), tar.FormatPAX
		h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", "" // whom the task's tar runs as
		h.Mode &= 0o777
		if fi.IsDir() {
			h.Name += "/"
		}
		if err := t.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
			return err
		}
		n, err := sendFile(t, p, h.Size)
		got.files, got.bytes = got.files+1, got.bytes+n
		return err
	})
	if err == nil {
		err = t.Close()
	}
	return got, err
}

func sendFile(w io.Writer, name string, size int64) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.Copy(w, io.LimitReader(f, size)) // it may grow meanwhile
	if err == nil && n < size {
		err = fmt.Errorf("%s has shrunk while it was read", name)
	}
	return n, err
}
