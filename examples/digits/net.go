package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// net is a perceptron with one hidden layer of rectified linear units and softmax
// outputs. Products are rounded by an explicit float64 conversion before they are
// added: without it compilers for some processors fuse the two, and the same training
// would give other weights there.
type net struct {
	hidden int
	w      []float64 // all parameters, in the order of the views below
	w1     []float64 // hidden × pixels
	b1     []float64 // hidden
	w2     []float64 // classes × hidden
	b2     []float64 // classes
}

func size(hidden int) int { return hidden*pixels + hidden + classes*hidden + classes }

// view makes a net of a slice of parameters.
func view(hidden int, w []float64) *net {
	n := &net{hidden: hidden, w: w}
	cut := func(k int) []float64 {
		part := w[:k:k]
		w = w[k:]
		return part
	}
	n.w1, n.b1 = cut(hidden*pixels), cut(hidden)
	n.w2, n.b2 = cut(classes*hidden), cut(classes)
	return n
}

// newNet draws the weights as He et al. (2015) do for rectified units.
func newNet(hidden int, rng *rand.Rand) *net {
	n := view(hidden, make([]float64, size(hidden)))
	for i := range n.w1 {
		n.w1[i] = normal(rng) * math.Sqrt(2.0/pixels)
	}
	for i := range n.w2 {
		n.w2[i] = normal(rng) * math.Sqrt(2.0/float64(hidden))
	}
	return n
}

// normal is close to a standard normal number (Irwin-Hall): it needs no logarithm,
// whose last bit differs between processors.
func normal(rng *rand.Rand) float64 {
	sum := -6.0
	for range 12 {
		sum += rng.Float64()
	}
	return sum
}

// exp is e^x to about 1e-13, for x <= 0, by additions and multiplications only, so that
// it is the same everywhere; math.Exp is not.
func exp(x float64) float64 {
	if x < -700 {
		return 0
	}
	const ln2 = 0.6931471805599453
	k := math.Floor(x/ln2 + 0.5)
	r := x - float64(k*ln2)
	sum, term := 1.0, 1.0
	for i := 1; i <= 13; i++ {
		term = float64(term*r) / float64(i)
		sum += term
	}
	return math.Ldexp(sum, int(k))
}

// pass is the scratch of one forward and backward pass.
type pass struct {
	h, dh []float64        // hidden activations, and the loss's slope in them
	p     [classes]float64 // the answer: a probability for each class
}

func newPass(hidden int) *pass {
	return &pass{h: make([]float64, hidden), dh: make([]float64, hidden)}
}

// dot adds in four lanes: one lane would wait for each addition to end. The order of
// additions is part of the result, so it is fixed here and left to no compiler.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += float64(v * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// forward fills the pass for an image.
func (n *net) forward(x *[pixels]float64, s *pass) {
	for j := range s.h {
		s.h[j] = max(0, n.b1[j]+dot(x[:], n.w1[j*pixels:(j+1)*pixels]))
	}
	top := math.Inf(-1)
	for k := range s.p {
		s.p[k] = n.b2[k] + dot(s.h, n.w2[k*n.hidden:(k+1)*n.hidden])
		top = max(top, s.p[k])
	}
	var sum float64
	for k := range s.p {
		s.p[k] = exp(s.p[k] - top)
		sum += s.p[k]
	}
	for k := range s.p {
		s.p[k] /= sum
	}
}

// backward adds the slope of the loss (cross-entropy) for one image to grad. The pass
// holds the image's forward.
func (n *net) backward(x *[pixels]float64, label int, s *pass, grad *net) {
	clear(s.dh)
	for k, p := range s.p {
		if k == label {
			p--
		}
		grad.b2[k] += p
		row, out := n.w2[k*n.hidden:(k+1)*n.hidden], grad.w2[k*n.hidden:(k+1)*n.hidden]
		for j, h := range s.h {
			out[j] += float64(p * h)
			s.dh[j] += float64(p * row[j])
		}
	}
	for j, d := range s.dh {
		if s.h[j] == 0 {
			continue
		}
		grad.b1[j] += d
		out := grad.w1[j*pixels : (j+1)*pixels]
		for i, v := range x {
			out[i] += float64(d * v)
		}
	}
}

// loss is the cross-entropy for one image, for the pass's forward.
func (s *pass) loss(label int) float64 { return -math.Log(max(s.p[label], 1e-300)) }

// answer is the most probable class.
func (s *pass) answer() int {
	best := 0
	for k, p := range s.p {
		if p > s.p[best] {
			best = k
		}
	}
	return best
}

// correct counts how many digits the net reads right.
func (n *net) correct(digits []digit) int {
	s := newPass(n.hidden)
	right := 0
	for i := range digits {
		n.forward(&digits[i].ink, s)
		if s.answer() == digits[i].label {
			right++
		}
	}
	return right
}

// A model file is this line, the number of hidden units (4 bytes) and the parameters
// (8 bytes each), all little endian.
const modelMagic = "artel digits 1\n"

const maxHidden = 4096

func (n *net) write(w io.Writer) error {
	b := append([]byte(modelMagic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[len(modelMagic):], uint32(n.hidden))
	for _, v := range n.w {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	_, err := w.Write(b)
	return err
}

func readNet(r io.Reader) (*net, error) {
	head := make([]byte, len(modelMagic)+4)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(modelMagic)]) != modelMagic {
		return nil, errors.New("this is not a model that digits has trained")
	}
	hidden := binary.LittleEndian.Uint32(head[len(modelMagic):])
	if hidden == 0 || hidden > maxHidden {
		return nil, fmt.Errorf("the model has %d hidden units, want 1 to %d", hidden, maxHidden)
	}
	b := make([]byte, 8*size(int(hidden)))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("the model is cut short: %w", err)
	}
	w := make([]float64, size(int(hidden)))
	for i := range w {
		w[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		if math.IsNaN(w[i]) || math.IsInf(w[i], 0) {
			return nil, fmt.Errorf("the model's parameter %d is not a number", i)
		}
	}
	return view(int(hidden), w), nil
}
