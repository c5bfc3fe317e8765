package simtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"time"
)

// trueSpeed is every simulated machine's.
const trueSpeed = 1000

// prover stands for a box that works on challenges: it takes the virtual time that
// the machine's true speed needs.
type prover struct{ n *node }

func (p prover) Prove(ctx context.Context, seeds [][32]byte, steps int) ([]byte, error) {
	if p.n.habit == forges {
		return bytes.Repeat([]byte{1}, 32*len(seeds)), nil
	}
	timer := time.NewTimer(time.Duration(steps) * time.Second / trueSpeed)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
	}
	return simProof(seeds, steps), nil
}

// simProof is what the work of a simulated challenge comes to.
func simProof(seeds [][32]byte, steps int) (b []byte) {
	for _, s := range seeds {
		x := sha256.Sum256(append(s[:], byte(steps), byte(steps>>8)))
		b = append(b, x[:]...)
	}
	return b
}

// puzzle checks it.
type puzzle struct{}

func (puzzle) Score(steps uint32, took time.Duration) float64 { return float64(steps) / took.Seconds() }

func (puzzle) Check(seeds [][32]byte, steps uint32, proof []byte) (bool, error) {
	return bytes.Equal(simProof(seeds, int(steps)), proof), nil
}

// checkSpeeds: who boasts is believed by nobody who has asked it, who forges is marked
// as a liar, and nobody else has a mark, whatever the network did.
func (w *world) checkSpeeds(r *node, bad func(string, ...any)) {
	for _, p := range w.providers() {
		row := r.rent.nodes[p.key.NodeID()].Record
		if p.habit != boasts && p.habit != forges && row.Marks != 0 {
			bad("%s: %s (%s) has marks of %.2f: %+v", r.name, p.name, p.habit, row.Marks, row)
		}
		if row.Checked == 0 {
			continue
		}
		w.asked.Add(1)
		switch {
		case p.habit == forges && row.Lied == 0:
			bad("%s takes %s's made-up work for true: %+v", r.name, p.name, row)
		case p.habit == boasts && (row.Speed == 0 || row.Speed > 2*trueSpeed):
			bad("%s has asked %s, which claims %d and does %d, and takes it to do %.0f", r.name, p.name, p.policy.Speed, trueSpeed, row.Speed)
		}
	}
}
