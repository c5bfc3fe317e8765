package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/artel-network/artel/wire"
)

// provers answer challenges in the box of WASM tasks, which every machine has. dir is
// below the box's root.
func provers(box sandbox.Box, dir string) map[wire.ChallengeKind]provider.Prover {
	return map[wire.ChallengeKind]provider.Prover{wire.ChallengeCPU: &provider.InBox{
		Box: box, Program: wasm.ProofProgram(), Dir: dir, State: 32,
		Args: func(seed [32]byte, steps int) []string { return wasm.ProofArgs(host.First(seed, steps), uint64(steps)) },
		Encode: func(logs [][]byte) ([]byte, error) {
			as := make([]host.Answer, len(logs))
			for i, l := range logs {
				if len(l)%32 != 0 {
					return nil, fmt.Errorf("chain %d left %d bytes", i+1, len(l))
				}
				for ; len(l) > 0; l = l[32:] {
					as[i] = append(as[i], [32]byte(l))
				}
			}
			return host.Encode(as...), nil
		},
	}}
}

// puzzle checks what those answer.
type puzzle struct{}

// proofChecks is how many steps of a proof are done again, besides the first of each
// chain: some 16 ms of the reference machine. Who makes up one in ten is caught four times
// in five.
const proofChecks = 16

// Score implements renter.Puzzle. The work was done in the box: see
// host.CompiledRatio.
func (puzzle) Score(steps uint32, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(steps) / took.Seconds() / host.CompiledRatio
}

// Check implements renter.Puzzle.
func (puzzle) Check(seeds [][32]byte, steps uint32, proof []byte) (bool, error) {
	as, err := host.Decode(proof, len(seeds))
	if err == nil {
		err = host.Verify(as, seeds, int(steps), proofChecks, rand.Reader)
	}
	if errors.Is(err, host.ErrChallenge) {
		return false, nil
	}
	return err == nil, err
}

// Measure implements api.Market.
func (n *Node) Measure(ctx context.Context, q api.MeasureRequest) (api.Measurement, error) {
	s, err := n.renter.Ask(ctx, q.Node, q.Slots)
	if err != nil {
		return api.Measurement{}, told(err)
	}
	m := api.Measurement{
		Node: q.Node, Claimed: s.Claim, Speed: s.Speed, Cores: s.Width, Steps: s.Steps, Trip: float64(s.Trip.Microseconds()) / 1000, Cost: s.Cost,
	}
	m.Verdict, m.Message = verdict(s)
	now := uint64(time.Now().Unix())
	for _, l := range n.board.of(q.Node, now) {
		m.Counts = n.board.Record(q.Node).Believed(l.Offer, now)
	}
	return m, nil
}

// verdict says in a word and in a sentence what a machine has shown.
func verdict(s renter.Shown) (word, sentence string) {
	switch s.Proof {
	case market.Proved:
		if s.Speed < market.Tolerance*float64(s.Claim) {
			return "proved", "it did the work, late, and nobody can say whose fault that is; what was measured counts from now on"
		}
		return "proved", "it did the work in about the time that it claims"
	case market.Slow:
		return "slow", "it did the work and took longer than it claims; what was measured counts from now on, and it is marked for it"
	case market.Wrong:
		return "wrong", "its answer is not the work; the lease was closed, and it is left alone for a day"
	}
	if s.Err != nil {
		return "unproved", "it gave no answer: " + s.Err.Error()
	}
	return "unproved", "it gave no answer"
}

// told makes an error of the API of what a room or a peer said.
func told(err error) error {
	var e *p2p.Error
	if !errors.As(err, &e) {
		return err
	}
	code := api.CodeRefused
	switch e.Code {
	case p2p.NotFound:
		code = api.CodeNotFound
	case p2p.Busy, p2p.Conflict:
		code = api.CodeConflict
	case p2p.Unavailable, p2p.Timeout:
		code = api.CodeUnavailable
	case p2p.Unsupported:
		code = api.CodeUnsupported
	case p2p.Unpaid:
		code = api.CodeFunds
	}
	return &api.Error{Code: code, Message: e.Message, Hint: e.Hint}
}
