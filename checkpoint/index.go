package checkpoint

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// The index lists what is in the tree, a directory before what it holds, names
// of one directory in order:
//
//	kind depth name(length first) permissions mtime(ns, signed)
//	  file   size digest(32) then runs until their bytes are size
//	         run = 0 zeros  |  pack+1 first count [bytes, unless kind is memory]
//	  link   target(length first)
//
// A file's runs follow each other, so they cannot overlap; a name stands in the
// directory that was begun last at the depth above, so it cannot lead elsewhere.
type kind uint8

// The kinds of entries.
const (
	kindDir     kind = 1
	kindContent kind = 2 // a file, cut by its content
	kindPages   kind = 3 // a file, cut into pages
	kindLink    kind = 4
)

func (k kind) file() bool { return k == kindContent || k == kindPages }

// entry is a file, directory or link.
type entry struct {
	kind   kind
	depth  int
	path   string // with slashes
	perm   uint16 // at most 0777
	mtime  int64  // unix ns
	size   int64
	sum    [32]byte // of the content, by digest
	target string
	runs   [2]int // a file's part of all runs
}

func (e *entry) name() string { return e.path[strings.LastIndexByte(e.path, '/')+1:] }

// appendEntry writes all of an entry but its runs.
func appendEntry(b []byte, e *entry) []byte {
	b = append(b, byte(e.kind))
	b = binary.AppendUvarint(b, uint64(e.depth))
	name := e.name()
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, uint64(e.perm))
	b = appendVarint(b, e.mtime)
	switch {
	case e.kind.file():
		b = binary.AppendUvarint(b, uint64(e.size))
		b = append(b, e.sum[:]...)
	case e.kind == kindLink:
		b = binary.AppendUvarint(b, uint64(len(e.target)))
		b = append(b, e.target...)
	}
	return b
}

// treeDigest sums up entries: what a receipt signs of a tree.
func treeDigest(entries []entry) artel.Hash {
	d := newDigest("tree")
	var b []byte
	for i := range entries {
		b = appendEntry(b[:0], &entries[i])
		d.h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		d.h.Write(b)
	}
	return d.sum()
}

// decodeIndex is the inverse. It checks all that can be told without the chunks.
func decodeIndex(b []byte, h *head, lim Limits) ([]entry, []run, error) {
	d := indexDecoder{r: reader{b: b}, packs: h.numbers(), lim: lim}
	for d.r.err == nil && len(d.r.b) > 0 {
		d.entry()
	}
	if d.r.err == nil && (d.bytes != h.Bytes || len(d.entries) != h.Files) {
		d.r.fail("%d files of %d bytes where %d of %d are declared", len(d.entries), d.bytes, h.Files, h.Bytes)
	}
	if d.r.err != nil {
		return nil, nil, fmt.Errorf("index: %w", d.r.err)
	}
	return d.entries, d.runs, nil
}

type indexDecoder struct {
	r       reader
	packs   map[uint32]uint32
	lim     Limits
	entries []entry
	runs    []run
	bytes   int64
	dirs    []string // open directories: dirs[i] is the path at depth i
	last    []string // the name that came last at each depth
}

func (d *indexDecoder) entry() {
	if len(d.entries) >= d.lim.Files {
		d.r.err = overLimit("files", int64(len(d.entries))+1, int64(d.lim.Files))
		return
	}
	e := entry{kind: kind(d.r.upTo(255, "kind"))}
	e.depth = int(d.r.upTo(maxDepth, "depth"))
	name := string(d.r.bytes(maxName))
	e.perm = uint16(d.r.upTo(0o777, "permissions"))
	e.mtime = d.r.varint()
	if d.r.err != nil {
		return
	}
	if err := checkName(name); err != nil {
		d.r.fail("%v", err)
		return
	}
	if len(d.last) == 0 {
		d.last, d.dirs = append(d.last, ""), append(d.dirs, "")
	}
	if e.depth >= len(d.dirs) {
		d.r.fail("%q at depth %d, but no directory is there", name, e.depth)
		return
	}
	d.dirs, d.last = d.dirs[:e.depth+1], d.last[:e.depth+1]
	if name <= d.last[e.depth] {
		d.r.fail("name %q after %q: not in order, or twice", name, d.last[e.depth])
		return
	}
	d.last[e.depth] = name
	e.path = join(d.dirs[e.depth], name)
	if len(e.path) > 4096 {
		d.r.fail("path of %d bytes", len(e.path))
		return
	}
	switch {
	case e.kind == kindDir:
		d.dirs, d.last = append(d.dirs, e.path), append(d.last, "")
	case e.kind == kindLink:
		e.target = string(d.r.bytes(4096))
		if err := checkTarget(e.depth, e.target); d.r.err == nil && err != nil {
			d.r.fail("link %q: %v", e.path, err)
		}
	case e.kind.file():
		d.file(&e)
	default:
		d.r.fail("%q is of kind %d", e.path, e.kind)
	}
	if d.r.err == nil {
		d.entries = append(d.entries, e)
	}
}

func (d *indexDecoder) file(e *entry) {
	e.size = int64(d.r.upTo(1<<62, "size"))
	e.sum = d.r.hash()
	if d.r.err != nil {
		return
	}
	if d.bytes += e.size; d.bytes > d.lim.Bytes {
		d.r.err = overLimit("bytes of files", d.bytes, d.lim.Bytes)
		return
	}
	e.runs[0] = len(d.runs)
	for off := int64(0); off < e.size; {
		left := uint64(e.size - off)
		id := d.r.upTo(1<<32, "pack")
		if id == 0 {
			n := d.r.upTo(left, "zeros")
			if d.r.err == nil && n == 0 {
				d.r.fail("no zeros")
			}
			if d.r.err != nil {
				return
			}
			off += int64(n)
			continue
		}
		one := d.r.runOf(uint32(id-1), d.packs)
		one.off, one.file = off, uint32(len(d.entries))
		if e.kind == kindPages {
			one.bytes = uint32(min((uint64(one.more)+1)*PageSize, left))
		} else {
			one.bytes = uint32(d.r.upTo(min(left, packPlain), "bytes of a run"))
		}
		if d.r.err == nil && (one.bytes == 0 || one.bytes > packPlain) {
			d.r.fail("run of %d bytes", one.bytes)
		}
		if d.r.err == nil && len(d.runs) >= d.lim.Runs {
			d.r.err = overLimit("runs of chunks", int64(len(d.runs))+1, int64(d.lim.Runs))
		}
		if d.r.err != nil {
			return
		}
		off += int64(one.bytes)
		d.runs = append(d.runs, one)
	}
	e.runs[1] = len(d.runs)
}

// checkName accepts what is one element of a path on any host.
func checkName(name string) error {
	if err := blob.CheckName(name); err != nil {
		return err
	}
	if !filepath.IsLocal(name) {
		return fmt.Errorf("name %q is none on this host", name)
	}
	return nil
}

// checkTarget accepts a link, in a directory of the given depth, that leads
// nowhere out of the tree whatever other links there are: it may go up before it
// goes down, and never after.
func checkTarget(depth int, target string) error {
	if target == "" || len(target) > 4095 || target[0] == '/' || strings.ContainsAny(target, "\x00\\") {
		return fmt.Errorf("target %q", target)
	}
	up, down := 0, false
	for _, part := range strings.Split(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if up++; down || up > depth {
				return fmt.Errorf("target %q leads out, or up again", target)
			}
		default:
			down = true
		}
	}
	if !filepath.IsLocal(strings.TrimLeft(target, "./")) && down {
		return fmt.Errorf("target %q is none on this host", target)
	}
	return nil
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
