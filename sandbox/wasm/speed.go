package wasm

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/artel-network/artel/sandbox"
	"golang.org/x/sys/cpu"
)

// Compiled reports whether programs are compiled on this machine. Where wazero has no
// compiler they are interpreted, which is some 60 times slower (measured: 57 times, for the program of Speed).
func Compiled() bool { return compiles(runtime.GOOS, runtime.GOARCH, cpu.X86.HasSSE41) }

func compiles(system, arch string, sse41 bool) bool {
	switch system {
	case "linux", "darwin", "freebsd", "netbsd", "windows":
		return arch == "arm64" || arch == "amd64" && sse41
	}
	return false
}

// How Speed samples.
const (
	speedSample = 300 * time.Millisecond
	speedTimes  = 5
	speedFor    = 6 * time.Second // after which the samples so far do
)

// Speed measures how fast programs run in this sandbox: steps a second of one slot, a
// figure for each sample. A step is speedRounds rounds of the work that room host
// measures processors by, so that the two compare. It takes about two seconds, longer
// on a very slow machine; dir is for its files, which are removed.
func Speed(ctx context.Context, o Options, dir string) (samples []float64, err error) {
	dir, err = os.MkdirTemp(dir, ".artel-speed-")
	if err != nil {
		return nil, fmt.Errorf("measure wasm: %w", err)
	}
	defer os.RemoveAll(dir)
	o.Root, o.Cache, o.Slots, o.Warm = dir, filepath.Join(dir, "cache"), 1, 1
	program := filepath.Join(dir, "speed.wasm")
	if err := os.WriteFile(program, speedProgram(), 0o600); err != nil {
		return nil, fmt.Errorf("measure wasm: %w", err)
	}
	box, err := New(o)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	run := func(id string, units int) (time.Duration, error) {
		out := filepath.Join(dir, id)
		if err := os.Mkdir(out, 0o700); err != nil {
			return 0, err
		}
		r, err := box.Start(ctx, id, sandbox.Spec{Program: program, Key: "speed", Out: out, Log: out + ".log", Args: make([]string, units)})
		if err != nil {
			return 0, err
		}
		began := time.Now()
		exit, err := r.Wait(ctx)
		if err == nil && !exit.OK() {
			err = fmt.Errorf("the program %s", exit)
		}
		return time.Since(began), err
	}
	units, end := 1, time.Now().Add(speedFor)
	for i := range speedTimes + 2 {
		if len(samples) > 0 && time.Now().After(end) {
			break
		}
		took, err := run(fmt.Sprint(i), units)
		if err != nil {
			return nil, fmt.Errorf("measure wasm: %w", err)
		}
		switch {
		case i == 0: // compiled it, and made a worker warm
		case i == 1:
			units = int(min(max(speedSample/max(took, 1), 1), sandbox.MaxArgs))
		default:
			samples = append(samples, float64(units*speedUnit)/took.Seconds())
		}
	}
	return samples, nil
}

// A unit of the program's work is so many steps; it does one for each argument.
const (
	speedUnit   = 2
	speedRounds = 112_000 // of a step, as in room host
)

const scratchBytes = 256 << 10

// speedProgram returns a WASI program of about 400 bytes that does speedUnit steps for each of its
// arguments. It exports walk(rounds) besides, for tests.
//
// It is put together here by hand, so that measuring needs no compiler, and so that
// it is the same for everybody.
func speedProgram() []byte {
	const i32, i64 = 0x7f, 0x7e
	return module{
		types:     [][]byte{{0x60, 2, i32, i32, 1, i32}, {0x60, 0, 0}, {0x60, 1, i32, 1, i64}},
		imports:   []imported{{"args_sizes_get", 0}},
		functions: []function{{2, speedWalk()}, {1, speedStart()}},
		exports:   []exported{{"walk", 1}, {"_start", 2}},
		pages:     scratchBytes>>16 + 1,
	}.encode()
}

// module is what the programs here are put together from. Functions are numbered from
// the first import on.
type module struct {
	types     [][]byte
	imports   []imported // of wasi_snapshot_preview1
	functions []function
	exports   []exported
	pages     byte
}

type imported struct {
	name string
	typ  byte
}

type exported struct {
	name  string
	index byte
}

type function struct {
	typ  byte
	body []byte
}

// encode returns the bytes of a WebAssembly module that exports its memory besides.
func (m module) encode() []byte {
	str := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	vec := func(items ...[]byte) []byte {
		b := []byte{byte(len(items))}
		for _, i := range items {
			b = append(b, i...)
		}
		return b
	}
	section := func(id byte, body []byte) []byte { return append(uleb([]byte{id}, uint64(len(body))), body...) }
	var imports, types, codes [][]byte
	for _, i := range m.imports {
		imports = append(imports, append(append(str("wasi_snapshot_preview1"), str(i.name)...), 0, i.typ))
	}
	for _, f := range m.functions {
		types = append(types, []byte{f.typ})
		codes = append(codes, append(uleb(nil, uint64(len(f.body))), f.body...))
	}
	exports := [][]byte{append(str("memory"), 2, 0)}
	for _, x := range m.exports {
		exports = append(exports, append(str(x.name), 0, x.index))
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, vec(m.types...))...)
	b = append(b, section(2, vec(imports...))...)
	b = append(b, section(3, vec(types...))...)
	b = append(b, section(5, vec([]byte{0, m.pages}))...)
	b = append(b, section(7, vec(exports...))...)
	return append(b, section(10, vec(codes...))...)
}

// Opcodes of WebAssembly 1.0.
const (
	opLoop, opIf, opBrIf, opCall, opDrop         = 0x03, 0x04, 0x0d, 0x10, 0x1a
	opGet, opSet, opTee                          = 0x20, 0x21, 0x22
	opLoad32, opLoad8, opStore32                 = 0x28, 0x2d, 0x36
	opLoad64, opStore64                          = 0x29, 0x37
	opI32, opI64, opF64                          = 0x41, 0x42, 0x44
	op32Less, op32Add, op32Sub, op64Wrap         = 0x49, 0x6a, 0x6b, 0xa7
	op64Less, op64OfU32, op64Shl                 = 0x54, 0xad, 0x86
	op64Add, op64Mul, op64And, op64Or, op64Xor   = 0x7c, 0x7e, 0x83, 0x84, 0x85
	op64ShrU, op64Rotl                           = 0x88, 0x89
	opF64Add, opF64Mul, opBitsOfF64, opF64OfBits = 0xa0, 0xa2, 0xbd, 0xbf
)

// speedWalk is walk(n i32) i64: n rounds from fixed registers through memory 0.
func speedWalk() []byte {
	const n, at, a, b, c, d, w, x, f = 0, 1, 2, 3, 4, 5, 6, 7, 8
	e := &emitter{b: []byte{3, 1, 0x7f, 6, 0x7e, 1, 0x7c}} // locals: 1 × i32, 6 × i64, 1 × f64
	for i, v := range []int64{1, 2, 3, 4} {
		e.i64(v).op(opSet, byte(a+i))
	}
	e.f64(1.5).op(opSet, f)
	e.rounds(registers{n, at, a, b, c, d, w, x, f})
	e.op(opGet, a, opGet, b, op64Xor, opGet, c, op64Xor, opGet, d, op64Xor, opGet, x, op64Xor, opEnd)
	return e.b
}

// registers are the locals of a walk: n rounds to go, the place in memory (both i32),
// the mixed words, what was read, the bits of f (i64) and f.
type registers struct{ n, at, a, b, c, d, w, x, f byte }

// rounds walks r.n rounds through memory 0, as room host does; r.x holds the bits of
// r.f at the end.
func (e *emitter) rounds(r registers) {
	n, at, a, b, c, d, w, x, f := r.n, r.at, r.a, r.b, r.c, r.d, r.w, r.x, r.f
	const mantissa, one = 1<<52 - 1, 0x3ff << 52
	e.op(opLoop, 0x40)
	// at = (a >> 40 & (words-1)) * 8; w = m[at]
	e.op(opGet, a).i64(40).op(op64ShrU).i64(scratchBytes/8-1).op(op64And).i64(8).op(op64Mul).op(op64Wrap, opTee, at, opLoad64, 3, 0, opSet, w)
	// a = rotl(a^w, 23) * mulA
	e.op(opGet, a, opGet, w, op64Xor).i64(23).op(op64Rotl).i64(-0x61c8864680b583eb).op(op64Mul, opSet, a)
	// b += c; d = rotl(d^b, 32); c += d^w; b = rotl(b^c, 40)
	e.op(opGet, b, opGet, c, op64Add, opSet, b)
	e.op(opGet, d, opGet, b, op64Xor).i64(32).op(op64Rotl, opSet, d)
	e.op(opGet, c, opGet, d, opGet, w, op64Xor, op64Add, opSet, c)
	e.op(opGet, b, opGet, c, op64Xor).i64(40).op(op64Rotl, opSet, b)
	// f = ((f*float(a>>12) + float(b&mantissa)) * 0.5 + 1), exponent set to that of 1
	e.op(opGet, f, opGet, a).i64(12).op(op64ShrU).i64(one).op(op64Or, opF64OfBits, opF64Mul)
	e.op(opGet, b).i64(mantissa).op(op64And).i64(one).op(op64Or, opF64OfBits, opF64Add)
	e.f64(0.5).op(opF64Mul).f64(1).op(opF64Add, opBitsOfF64).i64(mantissa).op(op64And).i64(one).op(op64Or, opTee, x, opF64OfBits, opSet, f)
	// m[at] = (w+b) ^ bits(f); a += d
	e.op(opGet, at, opGet, w, opGet, b, op64Add, opGet, x, op64Xor, opStore64, 3, 0)
	e.op(opGet, a, opGet, d, op64Add, opSet, a)
	e.op(opGet, n).i32(1).op(op32Sub, opTee, n, opBrIf, 0, opEnd)
}

// speedStart is _start: a unit for each argument after the program's name.
func speedStart() []byte {
	e := &emitter{b: []byte{1, 1, 0x7f}} // locals: 1 × i32
	e.i32(scratchBytes).i32(scratchBytes+4).op(opCall, 0, opDrop)
	e.i32(scratchBytes).op(opLoad32, 2, 0).i32(1).op(op32Sub, opTee, 0, opIf, 0x40, opLoop, 0x40)
	e.i32(speedUnit*speedRounds).op(opCall, 1, opDrop)
	e.op(opGet, 0).i32(1).op(op32Sub, opTee, 0, opBrIf, 0, opEnd, opEnd, opEnd)
	return e.b
}

// emitter writes instructions.
type emitter struct{ b []byte }

func (e *emitter) op(b ...byte) *emitter { e.b = append(e.b, b...); return e }

func (e *emitter) i32(v int64) *emitter { e.b = sleb(append(e.b, opI32), v); return e }

func (e *emitter) i64(v int64) *emitter { e.b = sleb(append(e.b, opI64), v); return e }

func (e *emitter) f64(v float64) *emitter {
	e.b = binary.LittleEndian.AppendUint64(append(e.b, opF64), math.Float64bits(v))
	return e
}

// uleb and sleb append a number in LEB128.
func uleb(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

func sleb(b []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
