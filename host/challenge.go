package host

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// # Challenge
//
// A renter asks a provider to show its speed: it draws a seed, asks for so many
// steps, takes the time until the answer is there, and checks a few of the steps.
//
//	s₀ = H(seed, steps)      sᵢ₊₁ = fold(step(sᵢ, s₀, i))      answer: s₁ … sₙ
//
// Each step starts from the end of the one before, so that the chain cannot be
// shared among cores. Each step takes s₀ and its number besides, and its work depends on
// them from the first round on: what was worked out for another seed, or at another
// place of the same chain, is no step of this one. The seed holds whom and what the
// answer is for (wire.ChallengeRequest.Start). Whoever checks redoes the first step and
// k of the n-1 others, drawn after the answer is there. A step and its fold need no more
// than integers, floats and 256 KiB, so that a program in a sandbox does the same
// (sandbox/wasm has it).
//
// What it proves: somebody who knew the seed did about this much work on one core in
// this time. What it does not prove: that it was the machine of the offer (a faster
// one may have answered for it), that the machine is as fast tomorrow, or at other
// kinds of work. Whoever leaves out a share p of the steps, which is to claim
// 1/(1-p) of its speed, is caught with probability 1-(1-p)ᵏ. The cheapest cheat makes up
// m-1 states and works on the m parts between them at once, on m cores for one: it is
// caught with probability k(m-1)/n each time it is asked; so it is asked more than
// once, and being caught once is enough.

// MaxSteps is the longest challenge: some 8 s of the reference core, and an answer of
// 256 KiB.
const MaxSteps = 8192

// ErrChallenge is what an answer matches that is not one, or not one to this
// challenge. The peer that gave it is to blame.
var ErrChallenge = errors.New("wrong answer to the challenge")

// Answer is the chain's states after each step. The last one is the result.
type Answer [][32]byte

// Solve works on one core until the chain is done, or ctx ends. The caller has seen
// to it that the core is free: what is claimed is the speed of a slot.
func Solve(ctx context.Context, seed [32]byte, steps int) (Answer, error) {
	if err := checkSteps(steps); err != nil {
		return nil, err
	}
	m := new(scratch)
	a := make(Answer, steps)
	first := First(seed, steps)
	s := first
	for i := range a {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("solve challenge: %w", err)
		}
		s = next(m, first, i, s)
		a[i] = s
	}
	return a, nil
}

// Verify redoes the first step of the answer and `checks` others, drawn without repetition
// from rand, which has to be unpredictable to who answered. It costs (1+checks)/steps of
// the work. ErrChallenge: the answer is wrong.
func (a Answer) Verify(seed [32]byte, steps, checks int, rand io.Reader) error {
	return Verify([]Answer{a}, [][32]byte{seed}, steps, checks, rand)
}

// Verify is Answer.Verify for chains that ran at once, a seed each: the first step of
// each is redone, and the checks are drawn from the other steps of all of them.
func Verify(as []Answer, seeds [][32]byte, steps, checks int, rand io.Reader) error {
	if err := checkSteps(steps); err != nil {
		return err
	}
	if len(as) != len(seeds) {
		return fmt.Errorf("%w: %d chains for %d seeds", ErrChallenge, len(as), len(seeds))
	}
	for _, a := range as {
		if len(a) != steps {
			return fmt.Errorf("%w: %d states for %d steps", ErrChallenge, len(a), steps)
		}
	}
	m := new(scratch)
	redo := func(chain, i int) error {
		first := First(seeds[chain], steps)
		from := first
		if i > 0 {
			from = as[chain][i-1]
		}
		if next(m, first, i, from) != as[chain][i] {
			return fmt.Errorf("%w: step %d of %d of chain %d does not follow from the one before", ErrChallenge, i+1, steps, chain+1)
		}
		return nil
	}
	for chain := range as {
		if err := redo(chain, 0); err != nil {
			return err
		}
	}
	// The first of a shuffle of the other steps.
	order := make([]int, (steps-1)*len(as))
	for i := range order {
		order[i] = i
	}
	for k := range min(max(checks, 1), len(order)) {
		j, err := draw(rand, len(order)-k)
		if err != nil {
			return fmt.Errorf("draw steps to check: %w", err)
		}
		order[k], order[k+j] = order[k+j], order[k]
		if err := redo(order[k]/(steps-1), 1+order[k]%(steps-1)); err != nil {
			return err
		}
	}
	return nil
}

// draw returns a number in [0, n), n at most MaxSteps; the bias is below 2⁻⁵⁰.
func draw(rand io.Reader, n int) (int, error) {
	var b [8]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint64(b[:]) % uint64(n)), nil
}

// Score is the speed that a challenge shows, on the scale of artel.Offer's Speed: 1000
// is the reference. elapsed is the whole time from question to answer; whoever wants
// to be fair to a peer that is far away takes a round trip off, or asks for more
// steps.
func Score(steps int, elapsed time.Duration) uint32 {
	if elapsed <= 0 || steps <= 0 {
		return 0
	}
	return toScore(float64(steps) / elapsed.Seconds())
}

// toScore makes a score of steps a second: the reference core does 1000.
func toScore(perSecond float64) uint32 {
	if !(perSecond > 0) {
		return 0
	}
	return uint32(min(max(math.Round(perSecond), 1), math.MaxUint32))
}

func checkSteps(steps int) error {
	if steps < 1 || steps > MaxSteps {
		return fmt.Errorf("challenge of %d steps: at least 1 and at most %d", steps, MaxSteps)
	}
	return nil
}

const firstTag = "artel challenge 3 start\x00"

// First is s₀: where the chain of a seed begins.
func First(seed [32]byte, steps int) [32]byte {
	b := append(make([]byte, 0, 64), firstTag...)
	b = append(b, seed[:]...)
	return sha256.Sum256(binary.LittleEndian.AppendUint64(b, uint64(steps)))
}

// next does step i, counted from 0, of the chain that begins at first. With 128 bits of
// first and the number the work is that of no other chain and place: the registers come
// from s alone, what they read from s, first and i.
func next(m *scratch, first [32]byte, i int, s [32]byte) (out [32]byte) {
	r := m.step(s, binary.LittleEndian.Uint64(first[24:]), binary.LittleEndian.Uint64(first[:])+uint64(i))
	for k, v := range [4]uint64{r.a ^ math.Float64bits(r.f), r.b, r.c, r.d} {
		binary.LittleEndian.PutUint64(out[8*k:], v)
	}
	return out
}

// answerVersion is the first byte of an encoded answer: another kernel is another
// version.
const answerVersion = 3

// Encode returns the bytes of answers of one length: a version, then 32 bytes a
// step, chain by chain.
func Encode(as ...Answer) []byte {
	b := []byte{answerVersion}
	for _, a := range as {
		for i := range a {
			b = append(b, a[i][:]...)
		}
	}
	return b
}

// Decode reads what a peer sent for so many chains. ErrChallenge: it is not an
// answer to that.
func Decode(b []byte, chains int) ([]Answer, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrChallenge)
	case b[0] != answerVersion:
		return nil, fmt.Errorf("%w: version %d, this program knows %d; hint: both sides need the same release", ErrChallenge, b[0], answerVersion)
	}
	states := (len(b) - 1) / 32
	if chains < 1 || states == 0 || (len(b)-1)%32 != 0 || states%chains != 0 || states/chains > MaxSteps {
		return nil, fmt.Errorf("%w: %d bytes for %d chains", ErrChallenge, len(b), chains)
	}
	out := make([]Answer, chains)
	for c := range out {
		a := make(Answer, states/chains)
		for i := range a {
			copy(a[i][:], b[1+32*(c*len(a)+i):])
		}
		out[c] = a
	}
	return out, nil
}
