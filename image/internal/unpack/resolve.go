package unpack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// resolve returns the path without symbolic links that a directory's name stands
// for inside the image. make, if set, makes one that is missing.
func resolve(root *os.Root, name string, make func(string) error) (string, error) {
	todo := strings.Split(name, "/")
	at, links := ".", 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		if len(part) > maxName || strings.Count(next, "/") >= 2*maxDepth || len(next) > maxPath {
			return "", fmt.Errorf("%w: its directory resolves to a path that is too long", ErrUnsafe)
		}
		info, err := root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) && make != nil:
			if err := make(next); err != nil {
				return "", err
			}
			at = next
		case err != nil:
			return "", err
		case info.IsDir():
			at = next
		case info.Mode().Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return "", fmt.Errorf("%w: more than %d symbolic links on the way to its directory", ErrUnsafe, maxLinks)
			}
			to, err := root.Readlink(next)
			if err != nil {
				return "", err
			}
			if strings.HasPrefix(to, "/") {
				at = "."
			}
			todo = append(strings.Split(to, "/"), todo...)
		default:
			return "", fmt.Errorf("%w: its parent %s is not a directory", ErrUnsafe, quote(next))
		}
	}
	return at, nil
}

// ReadFile returns the bytes of a file of an unpacked image, found as a program
// of the image would find it. At most max bytes; more are ErrTooLarge. A file
// that is not there is fs.ErrNotExist.
func ReadFile(root *os.Root, name string, max int64) ([]byte, error) {
	for range maxLinks {
		d, err := resolve(root, path.Dir(name), nil)
		if err != nil {
			return nil, err
		}
		p := path.Join(d, path.Base(name))
		info, err := root.Lstat(p)
		if err != nil {
			return nil, err
		}
		switch {
		case info.Mode().Type() == fs.ModeSymlink:
			to, err := root.Readlink(p)
			if err != nil {
				return nil, err
			}
			if name = to; !strings.HasPrefix(to, "/") {
				name = d + "/" + to
			}
			continue
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%w: %s is not a file", ErrUnsafe, quote(p))
		}
		f, err := root.Open(p)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, max+1))
		if err == nil && int64(len(b)) > max {
			err = fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, quote(p), max)
		}
		return b, err
	}
	return nil, fmt.Errorf("%w: more than %d symbolic links", ErrUnsafe, maxLinks)
}
