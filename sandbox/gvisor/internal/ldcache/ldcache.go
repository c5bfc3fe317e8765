// Package ldcache adds libraries to a glibc loader's cache (/etc/ld.so.cache), as
// ldconfig would, without running a program of an image to do so.
//
// The format is that of glibc's sysdeps/generic/dl-cache.h, "glibc-ld.so.cache1.1":
//
//	header      48 bytes: magic, number of entries, length of strings, extension's offset
//	entries     24 bytes each: flags, name, path, unused, hwcap; by falling name
//	strings     ended by zero bytes
//	extension   sections; that of the hwcap names (glibc-hwcaps) is kept
//
// Before glibc 2.32 an older table stood before the header; it is read over, and not
// written: a loader that finds none uses the new one alone.
package ldcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Library is one name that programs load, and where it is.
type Library struct {
	Name string // "libcuda.so.1"
	Path string // absolute
}

// MaxSize is the largest cache that is read, in bytes. A full desktop's has 200 KiB.
const MaxSize = 8 << 20

// ErrFormat is matched by the errors of Merge about the bytes that it was given.
var ErrFormat = errors.New("not a loader's cache")

const (
	magicOld = "ld.so-1.7.0"
	magicNew = "glibc-ld.so.cache1.1"

	headerSize = 48
	entrySize  = 24

	extensionMagic = 0xeaa42174
	tagHwcaps      = 1
	hwcapExtension = 1 << 62

	littleEndian = 2
)

// flags says what kind of library an entry is of: ELF for glibc, and the architecture.
func flags(arch string) (uint32, bool) {
	switch arch {
	case "amd64":
		return 0x0303, true
	case "arm64":
		return 0x0a03, true
	}
	return 0, false
}

type entry struct {
	flags      uint32
	name, path string
	osVersion  uint32
	hwcap      uint64
}

// Merge returns cache with the libraries in it, for programs of arch as Go names it. An
// entry of the same name and kind gives way. An empty cache is one without entries.
func Merge(cache []byte, arch string, add []Library) ([]byte, error) {
	kind, ok := flags(arch)
	if !ok {
		return nil, fmt.Errorf("add to a loader's cache: no flags are known for %s", arch)
	}
	entries, hwcaps, err := parse(cache)
	if err != nil {
		return nil, fmt.Errorf("add to a loader's cache: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return e.flags == kind && slices.ContainsFunc(add, func(l Library) bool { return l.Name == e.name })
	})
	for _, l := range add {
		// The loader searches by halves, so each has its place; what is there keeps its order.
		at := slices.IndexFunc(entries, func(e entry) bool { return compare(l.Name, e.name) > 0 })
		if at < 0 {
			at = len(entries)
		}
		entries = slices.Insert(entries, at, entry{flags: kind, name: l.Name, path: l.Path})
	}
	return write(entries, hwcaps), nil
}

func parse(b []byte) (entries []entry, hwcaps []string, err error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	if len(b) > MaxSize {
		return nil, nil, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrFormat, len(b), MaxSize)
	}
	le := binary.LittleEndian
	if bytes.HasPrefix(b, []byte(magicOld)) {
		if len(b) < 16 {
			return nil, nil, fmt.Errorf("%w: it is cut short", ErrFormat)
		}
		skip := (16 + 12*uint64(le.Uint32(b[12:])) + 7) &^ 7
		if skip > uint64(len(b)) {
			return nil, nil, fmt.Errorf("%w: its old table is cut short", ErrFormat)
		}
		b = b[skip:] // offsets count from here
	}
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(magicNew)) {
		return nil, nil, fmt.Errorf("%w: it does not begin like one", ErrFormat)
	}
	if e := b[28] & 3; e != 0 && e != littleEndian {
		return nil, nil, fmt.Errorf("%w: its byte order is another", ErrFormat)
	}
	n := uint64(le.Uint32(b[20:]))
	if headerSize+n*entrySize > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: %d entries in %d bytes", ErrFormat, n, len(b))
	}
	total := 0
	text := func(at uint32) (string, error) {
		if uint64(at) >= uint64(len(b)) {
			return "", fmt.Errorf("%w: a string lies outside", ErrFormat)
		}
		end := bytes.IndexByte(b[at:min(uint64(len(b)), uint64(at)+maxString)], 0)
		if end < 0 {
			return "", fmt.Errorf("%w: a string has no end", ErrFormat)
		}
		if total += end; total > 2*MaxSize { // suffixes of one string would grow as they are written
			return "", fmt.Errorf("%w: its strings overlap", ErrFormat)
		}
		return string(b[at : int(at)+end]), nil
	}
	for i := range n {
		f := b[headerSize+i*entrySize:]
		e := entry{flags: le.Uint32(f), osVersion: le.Uint32(f[12:]), hwcap: le.Uint64(f[16:])}
		if e.name, err = text(le.Uint32(f[4:])); err != nil {
			return nil, nil, err
		}
		if e.path, err = text(le.Uint32(f[8:])); err != nil {
			return nil, nil, err
		}
		entries = append(entries, e)
	}
	list, err := hwcapNames(b)
	if err != nil {
		return nil, nil, err
	}
	for _, at := range list {
		s, err := text(at)
		if err != nil {
			return nil, nil, err
		}
		hwcaps = append(hwcaps, s)
	}
	return entries, hwcaps, nil
}

// maxString is the longest name or path that is read, in bytes.
const maxString = 4096

// hwcapNames reads the extension's table of where the names are that entries refer to by number.
func hwcapNames(b []byte) ([]uint32, error) {
	le := binary.LittleEndian
	at := uint64(le.Uint32(b[32:]))
	if at == 0 {
		return nil, nil
	}
	if at+8 > uint64(len(b)) || le.Uint32(b[at:]) != extensionMagic {
		return nil, fmt.Errorf("%w: its extension is none", ErrFormat)
	}
	n := uint64(le.Uint32(b[at+4:]))
	if at+8+16*n > uint64(len(b)) {
		return nil, fmt.Errorf("%w: its extension is cut short", ErrFormat)
	}
	for i := range n {
		f := b[at+8+16*i:]
		if le.Uint32(f) != tagHwcaps {
			continue
		}
		from, size := uint64(le.Uint32(f[8:])), uint64(le.Uint32(f[12:]))
		if from+size > uint64(len(b)) || size > 4*1024 {
			return nil, fmt.Errorf("%w: its extension is cut short", ErrFormat)
		}
		var list []uint32
		for ; size >= 4; from, size = from+4, size-4 {
			list = append(list, le.Uint32(b[from:]))
		}
		return list, nil
	}
	return nil, nil
}

func write(entries []entry, hwcaps []string) []byte {
	le := binary.LittleEndian
	var text []byte
	base := uint32(headerSize + len(entries)*entrySize)
	seen := map[string]uint32{}
	put := func(s string) uint32 {
		if at, ok := seen[s]; ok {
			return at
		}
		at := base + uint32(len(text))
		text = append(append(text, s...), 0)
		seen[s] = at
		return at
	}
	out := append(make([]byte, 0, headerSize+len(entries)*100), magicNew...)
	out = le.AppendUint32(out, uint32(len(entries)))
	out = append(out, make([]byte, headerSize-len(out))...) // the rest below
	out[28] = littleEndian
	for _, e := range entries {
		if e.hwcap&hwcapExtension != 0 && uint64(uint32(e.hwcap)) >= uint64(len(hwcaps)) {
			e.flags = 0 // it refers to nothing, and would make a loader stop
			e.hwcap = 0
		}
		out = le.AppendUint32(out, e.flags)
		out = le.AppendUint32(out, put(e.name))
		out = le.AppendUint32(out, put(e.path))
		out = le.AppendUint32(out, e.osVersion)
		out = le.AppendUint64(out, e.hwcap)
	}
	var names []byte
	for _, h := range hwcaps {
		names = le.AppendUint32(names, put(h))
	}
	le.PutUint32(out[24:], uint32(len(text)))
	out = append(out, text...)
	if len(hwcaps) > 0 {
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
		le.PutUint32(out[32:], uint32(len(out)))
		out = le.AppendUint32(out, extensionMagic)
		out = le.AppendUint32(out, 1)
		for _, v := range []int{tagHwcaps, 0, len(out) + 16, len(names)} {
			out = le.AppendUint32(out, uint32(v))
		}
		out = append(out, names...)
	}
	return out
}

// compare is the loader's order of names, in which numbers count as such: it is
// glibc's _dl_cache_libcmp.
func compare(a, b string) int {
	digit := func(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
	number := func(s *string) (n uint32) {
		for ; digit(*s); *s = (*s)[1:] {
			n = n*10 + uint32((*s)[0]-'0')
		}
		return n
	}
	for a != "" {
		switch {
		case digit(a) && digit(b):
			if n, m := number(&a), number(&b); n != m {
				return int(int32(n - m))
			}
		case digit(a):
			return 1
		case digit(b):
			return -1
		case b == "":
			return 1
		case a[0] != b[0]:
			return int(int8(a[0])) - int(int8(b[0]))
		default:
			a, b = a[1:], b[1:]
		}
	}
	return strings.Compare(a, b)
}
