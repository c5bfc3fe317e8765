package main

import (
	"math/rand/v2"
	"slices"
)

// setting is one point of the sweep.
type setting struct {
	Rate   float64 `json:"learningRate"`
	Hidden int     `json:"hidden"`
	Decay  float64 `json:"weightDecay"`
}

// grid is the sweep: 16 settings, from too timid to bold.
func grid() []setting {
	var all []setting
	for _, rate := range []float64{0.003, 0.03, 0.1, 0.3} {
		for _, hidden := range []int{32, 128} {
			for _, decay := range []float64{1e-4, 1e-3} {
				all = append(all, setting{Rate: rate, Hidden: hidden, Decay: decay})
			}
		}
	}
	return all
}

const (
	batch    = 32
	momentum = 0.9
)

// trainer is one training run. The same setting, digits and seed give the same net, bit
// for bit, on any machine.
type trainer struct {
	setting
	net      *net
	velocity []float64
	grad     *net
	rng      *rand.Rand
}

func newTrainer(s setting, seed uint64) *trainer {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &trainer{
		setting: s, net: newNet(s.Hidden, rng), rng: rng,
		velocity: make([]float64, size(s.Hidden)),
		grad:     view(s.Hidden, make([]float64, size(s.Hidden))),
	}
}

// epoch trains on each digit once, in a new order, and returns the mean loss. done is
// the part of training that is over, from 0 to 1: the rate falls with it, in a line.
func (t *trainer) epoch(digits []digit, done float64) float64 {
	rate := t.Rate * (1 - 0.9*done)
	s := newPass(t.Hidden)
	var loss float64
	order := t.rng.Perm(len(digits))
	for group := range slices.Chunk(order, batch) {
		clear(t.grad.w)
		for _, i := range group {
			d := &digits[i]
			t.net.forward(&d.ink, s)
			loss += s.loss(d.label)
			t.net.backward(&d.ink, d.label, s, t.grad)
		}
		scale := 1 / float64(len(group))
		for i, g := range t.grad.w {
			slope := float64(g*scale) + float64(t.Decay*t.net.w[i])
			t.velocity[i] = float64(momentum*t.velocity[i]) - float64(rate*slope)
			t.net.w[i] += t.velocity[i]
		}
	}
	return loss / float64(len(digits))
}
