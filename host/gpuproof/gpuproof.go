// Package gpuproof lets who rents a GPU see that it is there: memory is filled from a
// seed, and again and again multiplied as a matrix, against the clock.
//
// A program (Program, in Python, with the kernels as PTX) runs in a task's own box on the rented machine, beside
// the task: it needs nothing of the provider but the GPU that was sold, and shows what a
// task would get of it. Whoever asked talks to it by its streams, keeps the time, and
// recomputes some of the result on a processor (Answer.Verify).
//
// # The work
//
//	fill     every word of 32 bits, of as many groups of 1 MiB as are asked for:
//	         256 steps of a mixer, from the seed and the word's number
//	pass t   V := 4096 × 32 numbers below 64, from the digest of pass t-1
//	         C := A × V, A being all of the memory, a row of 4096 numbers below 64 after the other
//	         each row of C is folded to 64 bits, each group of 256 rows to their sum
//	         digest t := SHA-256(digest t-1, the sums)
//
// The sums of products stay below 2²⁴, so that binary32 holds them exactly, in any order,
// and a GPU and a processor agree to the bit.
//
// # What it shows, and what not
//
// Each pass wants all of the memory, and its numbers cannot be known before the pass
// ahead has ended. Who has only a part of the memory fills the rest anew in every pass,
// which is made to cost more than a pass. Who makes up a share p of the groups is caught with
// probability 1-(1-p)ᵏ by k of them recomputed. It does not show that it was this GPU: a
// larger one may have answered, elsewhere. What a model should reach is for
// whoever asks to know, from others of it.
//
// The kernels have never run on a device. Their text is executed by an interpreter in
// the tests and agrees with the processor's half, and NVIDIA's ptxas 11.8 assembles it for sm_50 to sm_90.
package gpuproof

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Shape is the size of the work's parts. It is a part of the kernels' text: both sides
// use Standard, and tests smaller ones.
type Shape struct {
	Cols  int // numbers in a row, a multiple of 4
	Rows  int // rows in a group: threads of a block
	Width int // columns of V, a multiple of 4
	Mix   int // steps for each word of memory, a multiple of 8
}

// Standard is what Program knows.
var Standard = Shape{Cols: 4096, Rows: 256, Width: 32, Mix: 256}

// GroupBytes is the memory of a group.
func (s Shape) GroupBytes() uint64 { return uint64(s.Cols) * uint64(s.Rows) }

// Bounds of a question. A group is 1 MiB, so it is 4 TiB at most.
const (
	MaxGroups = 1 << 22
	MaxPasses = 64
	maxSums   = 1 << 24 // of all passes: 128 MiB
)

// Question is what is asked.
type Question struct {
	Seed   [32]byte
	Groups uint32
	Passes uint32
}

// Check says what is wrong with a question.
func (q Question) Check() error {
	if q.Groups == 0 || q.Groups > MaxGroups || q.Passes == 0 || q.Passes > MaxPasses || uint64(q.Groups)*uint64(q.Passes) > maxSums {
		return fmt.Errorf("a proof of %d groups in %d passes: 1 to %d groups, 1 to %d passes, and at most %d together", q.Groups, q.Passes, MaxGroups, MaxPasses, maxSums)
	}
	return nil
}

// Fill is the question for a share of a device's memory, as much as leaves room for a
// driver's own. memory and spare are in bytes.
func Fill(s Shape, seed [32]byte, memory uint64, share float64, passes uint32) Question {
	groups := min(uint64(float64(memory)*share)/s.GroupBytes(), MaxGroups)
	return Question{Seed: seed, Groups: uint32(groups), Passes: passes}
}

// Answer is the sums of all groups, pass by pass.
type Answer [][]uint64

// ErrWrong is matched where an answer is not one to the question. Who gave it is to
// blame.
var ErrWrong = errors.New("wrong answer to the GPU's challenge")

// Digest is the digest after the last pass: what is told before the answer itself, so
// that nothing in it can be made up after the clock was stopped.
func (a Answer) Digest(q Question) [32]byte {
	d := q.first()
	for _, sums := range a {
		d = next(d, sums)
	}
	return d
}

// Verify compares an answer with the digest that was told ahead of it, and recomputes
// `checks` of its groups, drawn from rand. On one core the standard shape takes some
// half a second for each.
func (a Answer) Verify(s Shape, q Question, told [32]byte, checks int, rand io.Reader) error {
	if err := q.Check(); err != nil {
		return err
	}
	if len(a) != int(q.Passes) {
		return fmt.Errorf("%w: %d passes of %d", ErrWrong, len(a), q.Passes)
	}
	before := make([][32]byte, len(a)) // the digest that a pass begins with
	d := q.first()
	for t, sums := range a {
		if len(sums) != int(q.Groups) {
			return fmt.Errorf("%w: %d groups of %d", ErrWrong, len(sums), q.Groups)
		}
		before[t], d = d, next(d, sums)
	}
	if d != told {
		return fmt.Errorf("%w: it has another digest than was told when the time was taken", ErrWrong)
	}
	k := q.keys()
	for range max(checks, 1) {
		var b [8]byte
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return fmt.Errorf("draw groups to check: %w", err)
		}
		n := binary.LittleEndian.Uint64(b[:]) % (uint64(q.Groups) * uint64(q.Passes))
		t, g := int(n/uint64(q.Groups)), uint32(n%uint64(q.Groups))
		if got := s.product(s.fill(k, g), vectors(s, before[t]), g); got != a[t][g] {
			return fmt.Errorf("%w: group %d of pass %d is not the product", ErrWrong, g, t+1)
		}
	}
	return nil
}

const (
	firstTag  = "artel gpu 1 start\x00"
	keysTag   = "artel gpu 1 keys\x00\x00"
	nextTag   = "artel gpu 1 pass\x00\x00"
	vectorTag = "artel gpu 1 vector"
)

func (q Question) first() [32]byte {
	b := append([]byte(firstTag), q.Seed[:]...)
	b = binary.LittleEndian.AppendUint32(b, q.Groups)
	return sha256.Sum256(binary.LittleEndian.AppendUint32(b, q.Passes))
}

// keys are what fills the memory.
func (q Question) keys() (k [8]uint32) {
	d := sha256.Sum256(append([]byte(keysTag), q.Seed[:]...))
	for i := range k {
		k[i] = binary.LittleEndian.Uint32(d[4*i:])
	}
	return k
}

func next(d [32]byte, sums []uint64) [32]byte {
	h := sha256.New()
	h.Write([]byte(nextTag))
	h.Write(d[:])
	var b [8]byte
	for _, s := range sums {
		binary.LittleEndian.PutUint64(b[:], s)
		h.Write(b[:])
	}
	return [32]byte(h.Sum(nil))
}

// vectors expands a digest to V, row by row: SHA-256 of it and a counter, six bits of each
// byte.
func vectors(s Shape, d [32]byte) []float32 {
	v := make([]float32, 0, s.Cols*s.Width+31)
	b := append(append([]byte(vectorTag), d[:]...), 0, 0, 0, 0)
	for i := uint32(0); len(v) < s.Cols*s.Width; i++ {
		binary.LittleEndian.PutUint32(b[len(b)-4:], i)
		for _, c := range sha256.Sum256(b) {
			v = append(v, float32(c&63))
		}
	}
	return v[:s.Cols*s.Width]
}

// Multipliers of the mixer.
const (
	mulA = 0x85ebca6b
	mulB = 0xc2b2ae35
)

// step is one step of the mixer, with one number added.
func step(a, b, k uint32) (uint32, uint32) {
	a = (a^a>>16)*mulA + b + k
	b = (b^b>>13)*mulB + a
	return a, b
}

// fill is the memory of a group. A row's words lie Rows apart, so that the threads of a
// block read neighbours.
func (s Shape) fill(k [8]uint32, group uint32) []uint32 {
	n := s.Cols / 4 * s.Rows
	words := make([]uint32, n)
	base := uint64(group) * uint64(n)
	for w := range words {
		i := base + uint64(w)
		a, b := uint32(i)^k[0], uint32(i>>32)^k[1]
		for t := 0; t < s.Mix; t += 8 {
			for _, key := range k {
				a, b = step(a, b, key)
			}
		}
		words[w] = a
	}
	return words
}

// product is the sum over a group of its rows' folded products.
func (s Shape) product(words []uint32, v []float32, group uint32) (sum uint64) {
	c := make([]float32, s.Width)
	for r := range s.Rows {
		clear(c)
		for w := range s.Cols / 4 {
			word := words[w*s.Rows+r]
			for j := range 4 {
				e := float32(word >> (8 * j) & 63)
				for p, x := range v[(4*w+j)*s.Width:][:s.Width] {
					c[p] += e * x // exact
				}
			}
		}
		a, b := group, uint32(r)
		for _, x := range c {
			a, b = step(a, b, uint32(x))
		}
		a, b = step(a, b, 0)
		a, b = step(a, b, 0)
		sum += uint64(a)<<32 | uint64(b)
	}
	return sum
}

// Figures are what a proof has shown.
type Figures struct {
	Bytes   uint64  `json:"bytes"`   // of memory, all of which every pass has used
	Seconds float64 `json:"seconds"` // from question to digest
	TFLOPS  float64 `json:"tflops"`  // of the products, in binary32, the filling's time counted in
}

// Measure makes figures of a question that was answered in so many seconds.
func (q Question) Measure(s Shape, seconds float64) Figures {
	f := Figures{Bytes: uint64(q.Groups) * s.GroupBytes(), Seconds: seconds}
	if seconds > 0 {
		f.TFLOPS = 2 * float64(f.Bytes) * float64(s.Width) * float64(q.Passes) / seconds / 1e12
	}
	return f
}

// Slower is how many times as long as others of the model a device took for the same
// work: the median of theirs counts. 0: nothing is known of others.
func (f Figures) Slower(others []Figures) float64 {
	var rates []float64
	for _, o := range others {
		if o.TFLOPS > 0 && !math.IsInf(o.TFLOPS, 0) {
			rates = append(rates, o.TFLOPS)
		}
	}
	if len(rates) == 0 || !(f.TFLOPS > 0) {
		return 0
	}
	return median(rates) / f.TFLOPS
}
