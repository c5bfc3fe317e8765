package wasm

import "encoding/binary"

// MaxProofSteps is how many steps ProofProgram has room for.
const MaxProofSteps = 8192

// Where ProofProgram has what: the scratch of a step, then the states, then what WASI
// is told and tells.
const (
	proofStates = scratchBytes
	proofArgv   = proofStates + 32*MaxProofSteps // two pointers
	proofIOV    = proofArgv + 64
	proofArgs   = proofArgv + 128
)

// ProofProgram returns a WASI program of some 800 bytes that works out the chain of a
// challenge, as Solve of room host does, and writes its states to the log, 32 bytes
// each. ProofArgs is its argument.
func ProofProgram() []byte {
	const i32, i64 = 0x7f, 0x7e
	return module{
		types:     [][]byte{{0x60, 2, i32, i32, 1, i32}, {0x60, 4, i32, i32, i32, i32, 1, i32}, {0x60, 0, 0}, {0x60, 1, i32, 1, i64}},
		imports:   []imported{{"args_get", 0}, {"fd_write", 1}},
		functions: []function{{3, proofRead()}, {2, proofStart()}},
		exports:   []exported{{"_start", 3}},
		pages:     proofArgs>>16 + 1,
	}.encode()
}

// ProofArgs returns what ProofProgram is called with: the state where the chain
// begins, and its number of steps, 1 to MaxProofSteps. Each word of 64 bits is sixteen
// letters, the lowest four bits first: no byte of an argument may be zero.
func ProofArgs(first [32]byte, steps uint64) []string {
	var b []byte
	for _, v := range [5]uint64{
		binary.LittleEndian.Uint64(first[0:]), binary.LittleEndian.Uint64(first[8:]),
		binary.LittleEndian.Uint64(first[16:]), binary.LittleEndian.Uint64(first[24:]), steps,
	} {
		for k := range 16 {
			b = append(b, 'a'+byte(v>>(4*k)&15))
		}
	}
	return []string{string(b)}
}

// proofRead is read(p i32) i64: the word whose letters begin at p.
func proofRead() []byte {
	const p, n, v = 0, 1, 2
	e := &emitter{b: []byte{2, 1, 0x7f, 1, 0x7e}} // locals: 1 × i32, 1 × i64
	e.i32(16).op(opSet, n)
	e.op(opLoop, 0x40)
	// v = v<<4 | p[n-1] - 'a'
	e.op(opGet, v).i64(4).op(op64Shl)
	e.op(opGet, p, opGet, n, op32Add).i32(1).op(op32Sub, opLoad8, 0, 0).i32('a').op(op32Sub, op64OfU32, op64Or, opSet, v)
	e.op(opGet, n).i32(1).op(op32Sub, opTee, n, opBrIf, 0, opEnd)
	e.op(opGet, v, opEnd)
	return e.b
}

// proofStart is _start. Imports are functions 0 and 1, read is 2.
func proofStart() []byte {
	const p, n, at, out = 0, 1, 2, 3
	const a, b, c, d, w, x, y, z, steps, step, first, place, f = 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
	const mulA, mulB, mulC = -0x61c8864680b583eb, -0x40a7b892e31b1a47, -0x6b2fb644ecceee15
	e := &emitter{b: []byte{3, 4, 0x7f, 12, 0x7e, 1, 0x7c}} // locals: 4 × i32, 12 × i64, 1 × f64
	e.i32(proofArgv).i32(proofArgs).op(opCall, 0, opDrop)
	e.i32(proofArgv+4).op(opLoad32, 2, 0, opSet, p) // the argument after the program's name
	for i, r := range []byte{a, b, c, d, steps} {
		e.op(opGet, p).i32(int64(16*i)).op(op32Add, opCall, 2, opSet, r)
	}
	e.op(opGet, d, opSet, first, opGet, a, opSet, place) // d₀, and a₀ plus the step's number
	e.i32(proofStates).op(opSet, out)
	e.op(opLoop, 0x40)

	// Fill: x = a ^ rotl(c, 32) ^ first, y = b ^ rotl(d, 32) ^ place; each word is splitmix64's.
	e.op(opGet, a, opGet, c).i64(32).op(op64Rotl, op64Xor, opGet, first, op64Xor, opSet, x)
	e.op(opGet, b, opGet, d).i64(32).op(op64Rotl, op64Xor, opGet, place, op64Xor, opSet, y)
	e.i32(0).op(opSet, at)
	e.op(opLoop, 0x40)
	e.op(opGet, x).i64(mulA).op(op64Add, opTee, x, opGet, y, op64Xor, opSet, z)
	e.op(opGet, z, opGet, z).i64(30).op(op64ShrU, op64Xor).i64(mulB).op(op64Mul, opSet, z)
	e.op(opGet, z, opGet, z).i64(27).op(op64ShrU, op64Xor).i64(mulC).op(op64Mul, opSet, z)
	e.op(opGet, z, opGet, z).i64(31).op(op64ShrU, op64Xor, opSet, z)
	e.op(opGet, at, opGet, z, opStore64, 3, 0)
	e.op(opGet, y).i64(7).op(op64Rotl, opGet, z, op64Add, opSet, y)
	e.op(opGet, at).i32(8).op(op32Add, opTee, at).i32(scratchBytes).op(op32Less, opBrIf, 0, opEnd)

	e.f64(1.5).op(opSet, f).i32(speedRounds).op(opSet, n)
	e.rounds(registers{n, at, a, b, c, d, w, x, f})

	// Fold: a ^= bits(f); the state is kept, and the next step goes on from it.
	e.op(opGet, a, opGet, x, op64Xor, opSet, a)
	e.op(opGet, place).i64(1).op(op64Add, opSet, place, opGet, step).i64(1).op(op64Add, opSet, step)
	for i, r := range []byte{a, b, c, d} {
		e.op(opGet, out, opGet, r, opStore64, 3, byte(8*i))
	}
	e.op(opGet, out).i32(32).op(op32Add, opSet, out)
	e.op(opGet, step, opGet, steps, op64Less, opBrIf, 0, opEnd)

	e.i32(proofIOV).i32(proofStates).op(opStore32, 2, 0)
	e.i32(proofIOV).op(opGet, out).i32(proofStates).op(op32Sub, opStore32, 2, 4)
	e.i32(1).i32(proofIOV).i32(1).i32(proofIOV+8).op(opCall, 1, opDrop, opEnd)
	return e.b
}
