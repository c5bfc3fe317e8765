package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/provider"
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

// proofChecks is how many steps of a proof are done again: some 16 ms of the
// reference machine. Who makes up one in ten is caught four times in five.
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
