//go:build linux

package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is a directory that belongs to a checkpoint.
type Tree struct {
	// Dir is its host path; empty: the box has none.
	Dir string
	// Bytes and Entries bound what is put there, by apparent size.
	Bytes, Entries int64
}

// entry is a line of IndexFile. Parents come before what is in them, and contents are in
// the order of the lines.
type entry struct {
	Tree   int    `json:"t"`           // which of the trees
	Parent int    `json:"p"`           // number of the line of its directory, counted from 1; 0: the tree's top
	Name   []byte `json:"n"`           // names need not be UTF-8
	Kind   string `json:"k"`           // "d", "f" or "l"
	Mode   uint32 `json:"m,omitempty"` // permissions
	Mtime  int64  `json:"u,omitempty"` // nanoseconds since 1970
	Size   int64  `json:"s,omitempty"` // of "f"
	Link   []byte `json:"l,omitempty"` // target of "l"
}

const (
	maxName  = 255
	maxLink  = 4096
	maxDepth = 65 // of what lies in a directory that is as deep as outfs lets it be
	maxLine  = 16 << 10
)

func align(n int64) int64 { return (n + Page - 1) &^ (Page - 1) }

// SaveTrees writes IndexFile and ContentFile. Nobody may write to the trees meanwhile.
// stop, called again and again, ends it early.
func SaveTrees(to *os.Root, trees []Tree, stop func() error) error {
	index, err := to.OpenFile(IndexFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer index.Close()
	content, err := to.OpenFile(ContentFile, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer content.Close()
	buffered := bufio.NewWriter(index)
	s := &saver{lines: json.NewEncoder(buffered), content: content, stop: stop, buf: make([]byte, 1<<20)}
	for i, t := range trees {
		if t.Dir == "" {
			continue
		}
		root, err := os.OpenRoot(t.Dir)
		if err != nil {
			return err
		}
		err = s.dir(root, i, 0)
		_ = root.Close()
		if err != nil {
			return fmt.Errorf("copy files: %w", err)
		}
	}
	return errors.Join(buffered.Flush(), content.Truncate(s.at), index.Close(), content.Close())
}

type saver struct {
	lines   *json.Encoder
	content *os.File
	stop    func() error
	buf     []byte
	line    int
	at      int64
}

func (s *saver) dir(root *os.Root, tree, parent int) error {
	top, err := root.Open(".")
	if err != nil {
		return err
	}
	entries, err := top.ReadDir(-1)
	_ = top.Close()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if err := s.stop(); err != nil {
			return err
		}
		if err := s.entry(root, tree, parent, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) entry(root *os.Root, tree, parent int, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	e := entry{Tree: tree, Parent: parent, Name: []byte(name), Mode: uint32(info.Mode().Perm()), Mtime: info.ModTime().UnixNano()}
	write := func() error { s.line++; return s.lines.Encode(e) }
	switch mode := info.Mode(); {
	case mode.IsDir():
		e.Kind = "d"
		if err := write(); err != nil {
			return err
		}
		sub, err := root.OpenRoot(name)
		if err != nil {
			return err
		}
		defer sub.Close()
		return s.dir(sub, tree, s.line)
	case mode.Type() == fs.ModeSymlink:
		target, err := root.Readlink(name)
		if err != nil {
			return err
		}
		e.Kind, e.Link, e.Mode = "l", []byte(target), 0
		return write()
	case mode.IsRegular():
		f, err := open(root, name)
		if err != nil {
			return err
		}
		defer f.Close()
		if e.Kind, e.Size = "f", info.Size(); e.Size > 0 {
			if err := copySparse(s.content, s.at, f, 0, e.Size, s.buf, s.stop); err != nil {
				return err
			}
			s.at += align(e.Size)
		}
		return write()
	}
	return nil // the file server lets nothing else in
}

// copySparse copies size bytes between places of two files. Where the source has a hole,
// or a page of zeros, nothing is written. stop, called between pieces, ends it early.
func copySparse(dst *os.File, dstAt int64, src *os.File, srcAt, size int64, buf []byte, stop func() error) error {
	end := srcAt + size
	for at := srcAt; at < end; {
		data, err := unix.Seek(int(src.Fd()), at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO):
			return nil // a hole to the end
		case err != nil:
			data = at // not known here: all is data
		}
		if data >= end {
			return nil
		}
		hole, err := unix.Seek(int(src.Fd()), data, unix.SEEK_HOLE)
		if err != nil || hole <= data || hole > end {
			hole = end
		}
		for at = data; at < hole; {
			if err := stop(); err != nil {
				return err
			}
			n, err := src.ReadAt(buf[:min(int64(len(buf)), hole-at)], at)
			if n == 0 {
				if err == nil || err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
			for o := 0; o < n; o += Page {
				page := buf[o:min(o+Page, n)]
				if bytes.Count(page, zero[:1]) == len(page) {
					continue
				}
				if _, err := dst.WriteAt(page, dstAt+at-srcAt+int64(o)); err != nil {
					return err
				}
			}
			at += int64(n)
		}
	}
	return nil
}

var zero [1]byte

// RestoreTrees fills the trees, which are empty directories. stop, called again and
// again, ends it early.
func RestoreTrees(dir string, trees []Tree, stop func() error) error {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer from.Close()
	index, err := open(from, IndexFile)
	if err != nil {
		return err
	}
	defer index.Close()
	content, err := open(from, ContentFile)
	if err != nil {
		return err
	}
	defer content.Close()
	r := &restorer{content: content, stop: stop, trees: slices.Clone(trees), roots: make([]*os.Root, len(trees)), buf: make([]byte, 1<<20)}
	defer func() {
		for _, root := range r.roots {
			if root != nil {
				_ = root.Close()
			}
		}
	}()
	for i, t := range trees {
		if t.Dir == "" {
			continue
		}
		if r.roots[i], err = os.OpenRoot(t.Dir); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(index)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := stop(); err != nil {
			return err
		}
		if err := r.line(lines.Bytes()); err != nil {
			return fmt.Errorf("entry %d: %w", len(r.entries)+1, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = damaged("a line of %s is too long", IndexFile)
		}
		return err
	}
	if info, err := content.Stat(); err != nil {
		return err
	} else if info.Size() != r.at {
		return damaged("%s has %d bytes, and %d are spoken of", ContentFile, info.Size(), r.at)
	}
	for _, e := range slices.Backward(r.entries) { // the last change of a directory is the one that counts
		if e.mtime != 0 {
			if err := r.roots[e.tree].Chtimes(e.path, time.Time{}, time.Unix(0, e.mtime)); err != nil {
				return err
			}
		}
	}
	return nil
}

type restorer struct {
	content *os.File
	stop    func() error
	trees   []Tree // what is still free of the bounds
	roots   []*os.Root
	entries []made
	buf     []byte
	at      int64
}

// made is an entry that exists; only directories have a path.
type made struct {
	tree, depth int
	path        string
	mtime       int64
}

func (r *restorer) line(b []byte) error {
	var e entry
	if err := json.Unmarshal(b, &e); err != nil {
		return damaged("it cannot be read")
	}
	if e.Tree < 0 || e.Tree >= len(r.trees) || r.roots[e.Tree] == nil {
		return damaged("it is of a directory that this box does not have")
	}
	name, t, root := string(e.Name), &r.trees[e.Tree], r.roots[e.Tree]
	if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsAny(name, "/\x00") {
		return damaged("%.40q is no name", name)
	}
	path, depth := name, 1
	if e.Parent != 0 {
		if e.Parent < 0 || e.Parent > len(r.entries) || r.entries[e.Parent-1].path == "" || r.entries[e.Parent-1].tree != e.Tree {
			return damaged("its directory does not precede it")
		}
		dir := r.entries[e.Parent-1]
		path, depth = dir.path+"/"+name, dir.depth+1
	}
	if depth > maxDepth {
		return damaged("it lies too deep")
	}
	if t.Entries--; t.Entries < 0 {
		return damaged("there are more files than the limit")
	}
	mode := fs.FileMode(e.Mode) & fs.ModePerm
	switch e.Kind {
	case "d":
		if err := root.Mkdir(path, 0o700); err != nil {
			return exists(err)
		}
		r.entries = append(r.entries, made{tree: e.Tree, depth: depth, path: path, mtime: e.Mtime})
		return root.Chmod(path, mode|0o700)
	case "l":
		if len(e.Link) == 0 || len(e.Link) > maxLink || bytes.IndexByte(e.Link, 0) >= 0 {
			return damaged("its target is none")
		}
		r.entries = append(r.entries, made{tree: e.Tree})
		return exists(root.Symlink(string(e.Link), path))
	case "f":
		r.entries = append(r.entries, made{tree: e.Tree})
		return r.file(root, path, mode, t, e)
	}
	return damaged("%.8q is no kind of file", e.Kind)
}

func (r *restorer) file(root *os.Root, path string, mode fs.FileMode, t *Tree, e entry) error {
	if e.Size < 0 || e.Size > t.Bytes {
		return damaged("there are more bytes than the limit")
	}
	t.Bytes -= e.Size
	f, err := root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return exists(err)
	}
	defer f.Close()
	if err := f.Truncate(e.Size); err != nil {
		return err
	}
	if e.Size > 0 {
		if err := copySparse(f, 0, r.content, r.at, e.Size, r.buf, r.stop); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return damaged("its content is cut short")
			}
			return err
		}
		r.at += align(e.Size)
	}
	if err := f.Chmod(mode | 0o600); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return root.Chtimes(path, time.Time{}, time.Unix(0, e.Mtime))
}

// exists tells a name that comes twice from a host that cannot.
func exists(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return damaged("its name comes twice")
	}
	return err
}
