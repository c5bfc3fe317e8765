package host

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A step is a fixed piece of work for one core: what a score counts and what a
// challenge is made of. It fills a scratch of 256 KiB (more than a first-level
// cache, less than a second-level one) and then walks through it, each round's place
// given by the round before, mixing integers, additions-rotations-xors as hash
// functions have them, and floating point.
//
// All of it is exact on every machine: integers wrap, and each float operation is
// rounded by itself (the conversions below forbid the compiler to fuse them).
//
// The number of rounds is chosen so that the reference core does 1000 steps a second:
// an Intel Xeon of 2019 (Cascade Lake) at 2.5 GHz as a virtual processor.
const (
	scratchWords = 1 << 15
	stepRounds   = 112_000
)

// Constants of the mixing: odd, and without structure (golden ratio; splitmix64,
// Steele, Lea and Flood 2014).
const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xbf58476d1ce4e5b9
	mulC = 0x94d049bb133111eb
)

const (
	mantissa = 1<<52 - 1
	oneBits  = 0x3ff << 52 // exponent of 1.0
)

// scratch is the memory that a step walks through.
type scratch [scratchWords]uint64

// registers is what a step leaves.
type registers struct {
	a, b, c, d uint64
	f          float64 // in [1, 2)
}

// step does one step from in. What it fills the scratch with depends on x and y as well:
// a step with others is other work from the first round on.
func (m *scratch) step(in [32]byte, x, y uint64) registers {
	r := registers{
		a: binary.LittleEndian.Uint64(in[0:]), b: binary.LittleEndian.Uint64(in[8:]),
		c: binary.LittleEndian.Uint64(in[16:]), d: binary.LittleEndian.Uint64(in[24:]), f: 1.5,
	}
	m.fill(r.a^bits.RotateLeft64(r.c, 32)^x, r.b^bits.RotateLeft64(r.d, 32)^y)
	return m.walk(r, stepRounds)
}

// fill expands two words to the whole scratch.
func (m *scratch) fill(x, y uint64) {
	for i := range m {
		x += mulA
		z := x ^ y
		z = (z ^ z>>30) * mulB
		z = (z ^ z>>27) * mulC
		z ^= z >> 31
		m[i] = z
		y = bits.RotateLeft64(y, 7) + z
	}
}

// walk does n rounds. sandbox/wasm has the same rounds as a WASM program.
func (m *scratch) walk(r registers, n int) registers {
	a, b, c, d, f := r.a, r.b, r.c, r.d, r.f
	for range n {
		i := (a >> 40) & (scratchWords - 1)
		w := m[i]
		a = bits.RotateLeft64(a^w, 23) * mulA
		// A quarter round on 64-bit words, as in BLAKE2.
		b += c
		d = bits.RotateLeft64(d^b, 32)
		c += d ^ w
		b = bits.RotateLeft64(b^c, 40)
		// x and y are in [1, 2), f stays there.
		x := math.Float64frombits(a>>12 | oneBits)
		y := math.Float64frombits(b&mantissa | oneBits)
		f = float64(float64(f*x) + y)
		f = float64(f*0.5) + 1
		f = math.Float64frombits(math.Float64bits(f)&mantissa | oneBits)
		m[i] = w + b ^ math.Float64bits(f)
		a += d
	}
	return registers{a, b, c, d, f}
}
