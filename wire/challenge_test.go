package wire

import (
	"errors"
	"testing"

	"github.com/artel-network/artel"
)

func TestChallengeCheck(t *testing.T) {
	good := ChallengeRequest{Lease: artel.Hash{1}, Kind: ChallengeCPU, Seed: [32]byte{2}, Steps: 500, Width: 4}
	for name, c := range map[string]struct {
		change func(*ChallengeRequest)
		ok     bool
	}{
		"good":             {func(*ChallengeRequest) {}, true},
		"only an answer":   {func(m *ChallengeRequest) { m.Steps, m.Width = 0, 0 }, true},
		"a kind to come":   {func(m *ChallengeRequest) { m.Kind = 77 }, true},
		"no kind":          {func(m *ChallengeRequest) { m.Kind = 0 }, false},
		"no width":         {func(m *ChallengeRequest) { m.Width = 0 }, false},
		"too wide":         {func(m *ChallengeRequest) { m.Width = MaxChallengeWidth + 1 }, false},
		"too long":         {func(m *ChallengeRequest) { m.Steps, m.Width = MaxChallengeSteps+1, 1 }, false},
		"longest":          {func(m *ChallengeRequest) { m.Steps, m.Width = MaxChallengeSteps, 4 }, true},
		"too much in all":  {func(m *ChallengeRequest) { m.Steps, m.Width = MaxChallengeSteps, 5 }, false},
		"product of 2⁶⁴":   {func(m *ChallengeRequest) { m.Steps, m.Width = 1<<32-1, 1<<32-1 }, false},
		"steps alone, 2³²": {func(m *ChallengeRequest) { m.Steps = 1<<32 - 1 }, false},
	} {
		m := good
		c.change(&m)
		if err := m.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, artel.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	proof := ProofResponse{Proof: make([]byte, 1+32*MaxChallengeWork)}
	if _, err := UnmarshalProofResponse(proof.Marshal()); err != nil {
		t.Errorf("the longest proof: %v", err)
	}
}

// What an answer is bound to: nothing of it may change without another beginning.
func TestChallengeStartsAreBound(t *testing.T) {
	m := ChallengeRequest{Lease: artel.Hash{1}, Kind: ChallengeCPU, Seed: [32]byte{2}, Steps: 500, Width: 4}
	node, network := testKey(1).NodeID(), testNetwork()
	seen := map[[32]byte]string{}
	add := func(name string, s [32]byte) {
		if other, ok := seen[s]; ok {
			t.Errorf("%s begins as %s does", name, other)
		}
		seen[s] = name
	}
	add("itself", m.Start(network, node, 0))
	add("another network", m.Start(artel.Hash{9}, node, 0))
	add("another node", m.Start(network, testKey(2).NodeID(), 0))
	add("the next chain", m.Start(network, node, 1))
	for name, change := range map[string]func(*ChallengeRequest){
		"another lease": func(m *ChallengeRequest) { m.Lease[31] = 7 }, "another seed": func(m *ChallengeRequest) { m.Seed[31] = 7 },
		"another kind": func(m *ChallengeRequest) { m.Kind++ }, "more steps": func(m *ChallengeRequest) { m.Steps++ }, "another width": func(m *ChallengeRequest) { m.Width++ },
	} {
		other := m
		change(&other)
		add(name, other.Start(network, node, 0))
	}
	if all := m.Starts(network, node); len(all) != 4 || all[3] != m.Start(network, node, 3) {
		t.Errorf("%d beginnings", len(all))
	}
}
