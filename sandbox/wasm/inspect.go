package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// inspect reads the declarations of a module: enough to refuse, with a sentence that
// helps, what would fail later with one that does not, or would cost the host much
// before it fails. It does not validate; the compiler does.
//
// The error is a sentence for the person with a hint.
func inspect(b []byte, memory int64) error {
	if err := notWasm(b); err != nil {
		return err
	}
	r := &reader{b: b[8:]}
	var hasStart bool
	for r.err == nil && len(r.b) > 0 {
		id := r.byte()
		body := &reader{b: r.take(r.u32())}
		if r.err != nil {
			break
		}
		var err error
		switch id {
		case sectionImport:
			err = body.imports()
		case sectionTable:
			err = body.tables()
		case sectionMemory:
			err = body.memories(memory)
		case sectionExport:
			hasStart, err = body.exports()
		}
		if err != nil {
			return err
		}
		if body.err != nil {
			return errTruncated
		}
	}
	if r.err != nil {
		return errTruncated
	}
	if !hasStart {
		return errors.New(`The program has no function "_start" to begin with. Build a command, not a library: ` +
			`"GOOS=wasip1 GOARCH=wasm go build" of a main package, or a Rust binary for wasm32-wasip1.`)
	}
	return nil
}

var errTruncated = errors.New("The WASM file is cut short or damaged. Build it again, and compare its size with the one that was uploaded.")

// Bounds on declarations. A table element costs the host 8 bytes.
const maxTable = 4 << 20

const (
	sectionImport = 2
	sectionTable  = 4
	sectionMemory = 5
	sectionExport = 7
)

// notWasm tells common mistakes apart.
func notWasm(b []byte) error {
	const hint = ` Build for WASI preview 1: "GOOS=wasip1 GOARCH=wasm go build", or Rust's target wasm32-wasip1.`
	has := func(s string) bool { return bytes.HasPrefix(b, []byte(s)) }
	switch {
	case len(b) == 0:
		return errors.New("The program is an empty file." + hint)
	case has("\x7fELF"), has("MZ"), has("\xcf\xfa\xed\xfe"):
		return errors.New("The program is a native executable, not WASM." + hint)
	case has("#!"):
		return errors.New("The program is a script, not WASM." + hint)
	case has("!<arch>"):
		return errors.New("The program is an archive of a library, not WASM; is it from a package other than main?" + hint)
	case has("\x1f\x8b"), has("PK\x03\x04"), has("\x28\xb5\x2f\xfd"):
		return errors.New("The program is a compressed file. Unpack it first.")
	case has("(module"):
		return errors.New("The program is WASM in text form. Assemble it first, for example with wat2wasm.")
	case !has("\x00asm"):
		return errors.New("The program is not a WASM file." + hint)
	case len(b) < 8:
		return errTruncated
	case !has("\x00asm\x01\x00\x00\x00"):
		if b[6] == 1 { // layer field of the component model's preamble
			return errors.New("The program is a WASM component (WASI preview 2), which this sandbox does not run." + hint)
		}
		return errors.New("The program is in a version of WASM other than 1." + hint)
	}
	return nil
}

const wasiModule = "wasi_snapshot_preview1"

func (r *reader) imports() error {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		module, name := r.name(), r.name()
		switch kind := r.byte(); kind {
		case 0: // function: type index
			r.u32()
		case 1: // table: type, limits
			r.byte()
			r.limits()
		case 2: // memory
			r.limits()
		case 3: // global: type, mutability
			r.take(2)
		case 4: // tag
			r.take(1)
			r.u32()
		default:
			return errTruncated
		}
		if r.err != nil || module == wasiModule {
			continue
		}
		what := fmt.Sprintf("The program imports %.80q from %.80q, which does not exist here.", name, module)
		switch {
		case module == "gojs" || module == "go":
			return errors.New(what + ` It was built for a browser; build with GOOS=wasip1, not GOOS=js.`)
		case strings.HasPrefix(module, "wasi_unstable"):
			return errors.New(what + ` It was built for an older WASI; build for WASI preview 1 with a current compiler.`)
		case strings.HasPrefix(module, "wasi"):
			return errors.New(what + ` It was built for another WASI; build for WASI preview 1 (wasip1), without threads or sockets.`)
		case module == "wbg" || strings.HasPrefix(module, "__wbindgen"):
			return errors.New(what + ` It was built for a browser; build for wasm32-wasip1.`)
		}
		return errors.New(what + ` A program may import WASI preview 1 ("` + wasiModule + `") and nothing else.`)
	}
	return nil
}

func (r *reader) tables() error {
	total := uint64(0)
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		r.byte()
		low, _, _ := r.limits()
		total += uint64(low)
		if total > maxTable {
			return fmt.Errorf("The program declares tables of %d elements; at most %d fit. Is it damaged, or made to exhaust the host?", total, maxTable)
		}
	}
	return nil
}

func (r *reader) memories(limit int64) error {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		low, _, shared := r.limits()
		if shared {
			return errors.New("The program declares shared memory (threads), which this sandbox does not offer. Build it without threads.")
		}
		if need := int64(low) << 16; r.err == nil && need > limit {
			return fmt.Errorf("The program needs %d MiB of memory to start, and its limit is %d MiB. Ask for more memory.", need>>20, limit>>20)
		}
	}
	return nil
}

func (r *reader) exports() (hasStart bool, err error) {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		name := r.name()
		kind := r.byte()
		r.u32()
		if name == "_start" && kind == 0 {
			hasStart = true
		}
	}
	return hasStart, nil
}

// reader decodes the binary format (https://webassembly.github.io/spec/core/binary/).
// The first error sticks, and everything is zero from then on.
type reader struct {
	b   []byte
	err error
}

func (r *reader) byte() byte {
	if r.err != nil || len(r.b) == 0 {
		r.err = errTruncated
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) take(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.b)) {
		r.err = errTruncated
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// u32 reads an unsigned LEB128 of at most 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.err = errTruncated
	return 0
}

func (r *reader) name() string { return string(r.take(r.u32())) }

// limits reads a table's or memory's size: the least, the most (if given), and whether
// it is shared.
func (r *reader) limits() (low, high uint32, shared bool) {
	flags := r.byte()
	low = r.u32()
	if flags&1 != 0 {
		high = r.u32()
	}
	return low, high, flags&2 != 0
}
