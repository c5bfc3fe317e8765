package blob

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/artel-network/artel"
)

// The UnixFS message within a dag-pb node. Fields come in this order:
//
//	08 kind   12 len data   18 filesize   20 blocksize ...   38 mode   42 len mtime
//
//	directory  kind; links sorted by name, no two alike
//	file       kind, filesize, a blocksize for each (nameless) link, their sum = filesize
//	leaf       kind, data, filesize = length of data; no links (older importers; ours are raw)
//
// mode and mtime are read over. Source: https://specs.ipfs.tech/unixfs/
const (
	kindRaw     = 0
	kindDir     = 1
	kindFile    = 2
	kindSymlink = 4
	kindShard   = 5
)

// maxName is the longest name that the file systems of hosts take, in bytes.
const maxName = 255

// fsNode is a decoded dag-pb block that is a sound directory or file.
type fsNode struct {
	node
	dir   bool
	leaf  []byte   // bytes of a file without links
	sizes []uint64 // bytes of the file below each link; each at least 1
	size  int64    // bytes of the file; 0 for a directory
}

// decodeFS reads and checks a dag-pb block.
func decodeFS(b []byte) (fsNode, error) {
	n, err := decodeNode(b)
	if err != nil {
		return fsNode{}, err
	}
	f := fsNode{node: n}
	r := reader{b: n.data}
	if !r.field(0x08) {
		return fsNode{}, fmt.Errorf("%w: unixfs: no kind", ErrMalformed)
	}
	switch kind := r.uvarint(); {
	case r.err != nil:
		err = r.err
	case kind == kindDir:
		f.dir = true
		err = f.checkDir(&r)
	case kind == kindFile || kind == kindRaw:
		err = f.checkFile(&r)
	case kind == kindSymlink:
		return fsNode{}, fmt.Errorf("%w: a symlink; hint: replace it by the file that it means", ErrUnsupported)
	case kind == kindShard:
		return fsNode{}, fmt.Errorf("%w: a sharded directory; hint: pack it into an archive", ErrUnsupported)
	default:
		return fsNode{}, fmt.Errorf("%w: unixfs kind %d", ErrUnsupported, kind)
	}
	if err != nil {
		return fsNode{}, fmt.Errorf("%w: unixfs: %w", ErrMalformed, err)
	}
	return f, nil
}

func (f *fsNode) checkDir(r *reader) error {
	if err := skipTimes(r); err != nil {
		return err
	}
	for i, l := range f.links {
		if err := CheckName(l.name); err != nil {
			return err
		}
		if i > 0 && l.name <= f.links[i-1].name {
			return fmt.Errorf("name %q after %q: not sorted, or twice", l.name, f.links[i-1].name)
		}
	}
	return nil
}

func (f *fsNode) checkFile(r *reader) error {
	if r.field(0x12) {
		f.leaf = r.bytes()
	}
	declared := false
	var size uint64
	if r.field(0x18) {
		declared, size = true, r.uvarint()
	}
	var sum uint64
	for r.field(0x20) {
		n := r.uvarint()
		if r.err != nil {
			return r.err
		}
		// An empty child would cost a visit and bring nothing: a thousand of
		// them at each of ten levels would never end.
		if n == 0 || n > math.MaxInt64-sum {
			return fmt.Errorf("child of %d bytes", n)
		}
		sum += n
		f.sizes = append(f.sizes, n)
	}
	if err := skipTimes(r); err != nil {
		return err
	}
	if len(f.sizes) != len(f.links) {
		return fmt.Errorf("%d sizes for %d links", len(f.sizes), len(f.links))
	}
	for _, l := range f.links {
		if l.name != "" {
			return fmt.Errorf("link %q of a file has a name", l.name)
		}
	}
	if len(f.links) > 0 && len(f.leaf) > 0 {
		return fmt.Errorf("a file with both %d bytes of its own and links", len(f.leaf))
	}
	sum += uint64(len(f.leaf)) // one of the two is zero
	if declared && size != sum {
		return fmt.Errorf("file size %d declared, children sum up to %d", size, sum)
	}
	f.size = int64(sum)
	return nil
}

func skipTimes(r *reader) error {
	if r.field(0x38) {
		r.uvarint()
	}
	if r.field(0x42) {
		r.bytes()
	}
	return r.end()
}

// CheckName accepts what is one element of a path on any host.
func CheckName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("name %q", name)
	case len(name) > maxName:
		return fmt.Errorf("name of %d bytes, at most %d", len(name), maxName)
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("name %q holds a slash or a zero byte", name)
	}
	return nil
}

// child is a finished part of a graph: what the node above needs to know.
type child struct {
	ref   artel.Ref
	size  uint64 // bytes of the file
	tsize uint64 // bytes of all blocks below and including ref
}

// fileNode makes the node above children. It has at least one.
func fileNode(children []child) (block []byte, size, tsize uint64) {
	data := []byte{0x08, kindFile, 0x18}
	var n node
	for _, c := range children {
		size += c.size
		tsize += c.tsize
		n.links = append(n.links, link{ref: c.ref, tsize: c.tsize})
	}
	data = binary.AppendUvarint(data, size)
	for _, c := range children {
		data = append(data, 0x20)
		data = binary.AppendUvarint(data, c.size)
	}
	n.data = data
	block = n.encode()
	return block, size, tsize + uint64(len(block))
}

// dirNode makes a directory of links that are sorted by name.
func dirNode(links []link) (block []byte, tsize uint64) {
	n := node{links: links, data: []byte{0x08, kindDir}}
	block = n.encode()
	for _, l := range links {
		tsize += l.tsize
	}
	return block, tsize + uint64(len(block))
}
