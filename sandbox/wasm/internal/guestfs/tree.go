package guestfs

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
)

// MaxDepth bounds how deep directories go. Whoever packs or removes a result walks it
// recursively; no honest program needs more.
const MaxDepth = 64

// node is a file or directory of a Writable. The tree mirrors the disk: it is what
// answers questions, so that answers are the same on every host and metering does not
// depend on what the disk says.
type node struct {
	ino      uint64
	children map[string]*node // nil for a file
	size     int64            // of a file
	opens    int              // handles on a file
	gone     bool             // a file removed while open: charged until the last close
}

func (n *node) isDir() bool { return n.children != nil }

// place is a resolved path.
type place struct {
	path   string // clean, as on disk
	parent *node  // nil for the root
	name   string // last element
	node   *node  // nil if there is nothing of this name
	depth  int
}

// find resolves p. The error is about the way there; that nothing is there shows in
// place.node.
func (w *Writable) find(p string) (place, wsys.Errno) {
	p, e := clean(p)
	if e != 0 {
		return place{}, e
	}
	if p == "." {
		return place{path: ".", name: ".", node: w.tree}, 0
	}
	elems := strings.Split(p, "/")
	at := w.tree
	for _, name := range elems[:len(elems)-1] {
		next := at.children[name]
		if next == nil {
			return place{}, wsys.ENOENT
		}
		if !next.isDir() {
			return place{}, wsys.ENOTDIR
		}
		at = next
	}
	name := elems[len(elems)-1]
	return place{path: p, parent: at, name: name, node: at.children[name], depth: len(elems)}, 0
}

// creatable says whether a file may have this name. What is refused would not survive
// the way to other systems: it could not be written there, or would be another name.
func (p place) creatable() wsys.Errno {
	if len(p.name) > 255 || p.depth > MaxDepth {
		return wsys.ENAMETOOLONG
	}
	if !utf8.ValidString(p.name) || strings.ContainsFunc(p.name, unicode.IsControl) || strings.Contains(p.name, ":") {
		return wsys.EINVAL
	}
	return 0
}

// chargeFile throws LimitError when there are too many files.
func (w *Writable) chargeFile() {
	if w.files >= w.maxFiles {
		panic(&LimitError{What: "files", Limit: w.maxFiles})
	}
	w.files++
}

// resize throws LimitError when n's new size is too much. To be called BEFORE the disk
// is written to.
func (w *Writable) resize(n *node, size int64) {
	if size-n.size > w.maxBytes-w.bytes {
		panic(&LimitError{What: "bytes", Limit: w.maxBytes})
	}
	w.bytes += size - n.size
	n.size = size
}

// detach takes a node's charge back, or leaves it with the open handles.
func (w *Writable) detach(n *node) {
	w.files--
	if n.isDir() {
		return
	}
	if n.opens > 0 {
		n.gone = true
		return
	}
	w.bytes -= n.size
}

func (w *Writable) newNode(dir bool) *node {
	w.lastIno++
	n := &node{ino: w.lastIno}
	if dir {
		n.children = make(map[string]*node)
	}
	return n
}

func (w *Writable) list(n *node) []wsys.Dirent {
	list := make([]wsys.Dirent, 0, len(n.children))
	for name, c := range n.children {
		d := wsys.Dirent{Ino: c.ino, Name: name}
		if c.isDir() {
			d.Type = fs.ModeDir
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b wsys.Dirent) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// load mirrors what is on disk already (an earlier attempt's checkpoint). Anything but
// files and directories is an error: the box never makes it.
func (w *Writable) load(n *node, name string, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("read %s: deeper than %d directories", name, MaxDepth)
	}
	d, err := w.root.Open(name)
	if err != nil {
		return err
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		at := path.Join(name, entry.Name())
		if w.files >= w.maxFiles {
			return &LimitError{What: "files", Limit: w.maxFiles}
		}
		w.files++
		child := w.newNode(entry.IsDir())
		n.children[entry.Name()] = child
		switch {
		case entry.IsDir():
			if err := w.load(child, at, depth+1); err != nil {
				return err
			}
		case entry.Type().IsRegular():
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if info.Size() > w.maxBytes-w.bytes {
				return &LimitError{What: "bytes", Limit: w.maxBytes}
			}
			child.size = info.Size()
			w.bytes += child.size
		default:
			return fmt.Errorf("%s is neither a file nor a directory", at)
		}
	}
	return nil
}

// within reports whether n is below, or is, dir.
func within(dir, n *node) bool {
	if dir == n {
		return true
	}
	for c := range maps.Values(dir.children) {
		if c.isDir() && within(c, n) {
			return true
		}
	}
	return false
}

// height is how many levels of directories n holds.
func (n *node) height() int {
	h := 0
	for _, c := range n.children {
		h = max(h, 1+c.height())
	}
	return h
}

// hostErr throws what the disk says when it should have done as told.
func hostErr(err error) {
	if err != nil {
		panic(&HostError{Err: err})
	}
}

func create(root *os.Root, name string) (*os.File, error) {
	return openFile(root, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}
