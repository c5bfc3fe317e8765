package provider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// slowly is a Prover that takes a millisecond a step.
type slowly struct{ ended chan error }

func (s slowly) Prove(ctx context.Context, seeds [][32]byte, steps int) ([]byte, error) {
	timer := time.NewTimer(time.Duration(steps) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		s.ended <- ctx.Err()
		return nil, ctx.Err()
	case <-timer.C:
	}
	var b []byte
	for _, x := range seeds {
		b = append(b, x[:]...)
	}
	s.ended <- nil
	return b, nil
}

func (b *bench) ask(h *mem.Host, m wire.ChallengeRequest) (wire.ChallengeResponse, error) {
	raw, err := b.call(h, wire.MethodChallenge, m.Marshal())
	if err != nil {
		return wire.ChallengeResponse{}, err
	}
	return wire.UnmarshalChallengeResponse(raw)
}

func (b *bench) proof(h *mem.Host, id artel.Hash, seed [32]byte) (wire.ProofResponse, error) {
	raw, err := b.call(h, wire.MethodProof, wire.ProofRequest{Lease: id, Seed: seed}.Marshal())
	if err != nil {
		return wire.ProofResponse{}, err
	}
	return wire.UnmarshalProofResponse(raw)
}

// challenged runs f beside a provider with a lease of two slots and a Prover.
func challenged(t *testing.T, f func(t *testing.T, b *bench, id artel.Hash, p slowly)) {
	onBench(t, benchPolicy, func(t *testing.T, b *bench) {
		p := slowly{make(chan error, 100)}
		b.c.Provers = map[wire.ChallengeKind]Prover{wire.ChallengeCPU: p}
		d := b.good(1)
		d.terms.Slots = 2
		id, err := b.propose(d)
		if err != nil {
			t.Fatal(err)
		}
		f(t, b, id, p)
	})
}

func TestChallengeIsAnsweredByWork(t *testing.T) {
	challenged(t, func(t *testing.T, b *bench, id artel.Hash, _ slowly) {
		m := wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{7}, Steps: 500, Width: 2}
		began := time.Now()
		if r, err := b.ask(b.host, wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU}); err != nil || r.Commitment != [32]byte{} || time.Since(began) > 200*time.Millisecond {
			t.Errorf("no steps: %+v, %v after %s", r, err, time.Since(began))
		}
		began = time.Now()
		r, err := b.ask(b.host, m)
		if took := time.Since(began); err != nil || took < 500*time.Millisecond || took > time.Second {
			t.Fatalf("500 steps: %v after %s", err, took)
		}
		proof, err := b.proof(b.host, id, m.Seed)
		if err != nil || sha256.Sum256(proof.Proof) != r.Commitment {
			t.Fatalf("the proof is not what was committed to: %v", err)
		}
		// Bound to this network, node and lease.
		var want []byte
		for _, s := range m.Starts(testNetwork, b.c.Key.NodeID()) {
			want = append(want, s[:]...)
		}
		if !bytes.Equal(proof.Proof, want) {
			t.Error("the chains begin elsewhere")
		}
		_, err = b.proof(b.host, id, [32]byte{8})
		wantRefusal(t, err, p2p.NotFound, "no proof", "two minutes")
		_, err = b.proof(b.theirs, id, m.Seed)
		wantRefusal(t, err, p2p.Unauthorized, "another node", "")
	})
}

func TestChallengesThatAreRefused(t *testing.T) {
	challenged(t, func(t *testing.T, b *bench, id artel.Hash, p slowly) {
		good := wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{7}, Steps: 100, Width: 1}
		for name, c := range map[string]struct {
			host   *mem.Host
			change func(*wire.ChallengeRequest)
			code   p2p.Code
			words  string
			hint   string
		}{
			"a stranger":         {b.theirs, func(*wire.ChallengeRequest) {}, p2p.Unauthorized, "another node", ""},
			"a stranger's ping":  {b.theirs, func(m *wire.ChallengeRequest) { m.Steps = 0 }, p2p.Unauthorized, "another node", ""},
			"no such lease":      {b.host, func(m *wire.ChallengeRequest) { m.Lease = artel.Hash{1} }, p2p.NotFound, "no lease", "ended"},
			"another kind":       {b.host, func(m *wire.ChallengeRequest) { m.Kind = wire.ChallengeGPU }, p2p.Unsupported, "kind 2", ""},
			"more than it holds": {b.host, func(m *wire.ChallengeRequest) { m.Width = 3 }, p2p.Busy, "wants 3", "later"},
			"too long":           {b.host, func(m *wire.ChallengeRequest) { m.Steps = wire.MaxChallengeSteps + 1 }, p2p.Invalid, "at most 8192", ""},
			"no chains":          {b.host, func(m *wire.ChallengeRequest) { m.Width = 0 }, p2p.Invalid, "width 0", ""},
		} {
			m := good
			c.change(&m)
			_, err := b.ask(c.host, m)
			t.Log(name)
			wantRefusal(t, err, c.code, c.words, c.hint)
		}
		b.Pause(t.Context(), true)
		_, err := b.ask(b.host, good)
		wantRefusal(t, err, p2p.Busy, "paused", "later")
		b.Pause(t.Context(), false)
		if _, err := b.call(b.host, wire.MethodClose, wire.CloseRequest{Lease: id}.Marshal()); err != nil {
			t.Fatal(err)
		}
		_, err = b.ask(b.host, good)
		wantRefusal(t, err, p2p.Conflict, "over", "")
		if len(p.ended) > 0 {
			t.Errorf("%d of them were worked on", len(p.ended))
		}
	})
}

// The lease's own tasks go before a challenge, and so does the owner.
func TestChallengeGivesWay(t *testing.T) {
	challenged(t, func(t *testing.T, b *bench, id artel.Hash, p slowly) {
		program, err := artel.NewRef(artel.CodecRaw, [32]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		start := func(task uint64) {
			t.Helper()
			req := wire.StartRequest{Lease: id, Starts: []wire.Start{{Task: task, Attempt: 1, Spec: artel.TaskSpec{Program: program, Wall: 60_000, Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}}}}}
			raw, err := b.call(b.host, wire.MethodStart, req.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if m, err := wire.UnmarshalStartResponse(raw); err != nil || len(m.Refused) > 0 {
				t.Fatalf("task %d: %+v, %v", task, m, err)
			}
		}
		answer := make(chan error, 1)
		ask := func(width uint32) {
			go func() {
				_, err := b.ask(b.host, wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{byte(width)}, Steps: 8000, Width: width})
				answer <- err
			}()
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
		}
		ask(1)
		start(1) // the other slot
		synctest.Wait()
		if len(p.ended) != 0 {
			t.Fatal("a task on the other slot ended the challenge")
		}
		_, err = b.ask(b.host, wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{99}, Steps: 10, Width: 1})
		wantRefusal(t, err, p2p.Busy, "another challenge", "later")
		start(2)
		wantRefusal(t, <-answer, p2p.Busy, "wanted back", "later")
		if err := <-p.ended; err == nil {
			t.Error("it was worked on to its end")
		}
		time.Sleep(5 * time.Second) // the tasks end
		ask(2)
		b.Pause(t.Context(), true)
		wantRefusal(t, <-answer, p2p.Busy, "wanted back", "later")
		if err := <-p.ended; err == nil {
			t.Error("it was worked on although the owner wants the machine")
		}
	})
}

func TestChallengesAreRationed(t *testing.T) {
	challenged(t, func(t *testing.T, b *bench, id artel.Hash, p slowly) {
		n := 0
		for i := range 3 * proveBurst {
			if _, err := b.ask(b.host, wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{byte(i), 1}, Steps: 1, Width: 1}); err == nil {
				n++
			}
		}
		if n > proveBurst+1 || n != len(p.ended) {
			t.Errorf("%d of %d were worked on at once, at most %d", n, 3*proveBurst, proveBurst)
		}
		if len(b.proofs) > 1 {
			t.Errorf("%d proofs are kept for one lease", len(b.proofs))
		}
		time.Sleep(time.Minute)
		if _, err := b.ask(b.host, wire.ChallengeRequest{Lease: id, Kind: wire.ChallengeCPU, Seed: [32]byte{2}, Steps: 1, Width: 1}); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

// Who asks for many proofs on many leases pushes nobody else's out.
func TestProofsOfOthersStay(t *testing.T) {
	var p Provider
	victim, other := artel.NodeID{1}, artel.NodeID{2}
	p.keepProof(proof{from: victim, lease: artel.Hash{1}, until: 1000}, 0)
	for i := range 3 * maxProofs {
		p.keepProof(proof{from: other, lease: artel.Hash{2, byte(i)}, until: 1000}, 1)
	}
	kept := map[artel.NodeID]int{}
	for _, x := range p.proofs {
		kept[x.from]++
	}
	if kept[victim] != 1 || kept[other] != maxProofs || p.proofs[len(p.proofs)-1].lease != (artel.Hash{2, 3*maxProofs - 1}) {
		t.Errorf("kept are %v", kept)
	}
	p.keepProof(proof{from: other, lease: artel.Hash{3}, until: 3000}, 2000)
	if len(p.proofs) != 1 {
		t.Errorf("%d are kept beyond their time", len(p.proofs))
	}
}
