package wire

import (
	"encoding/binary"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// A challenge shows how fast the machine is that a lease is of. The holder of the
// lease asks; the work is done on slots of that lease on which nothing runs.
//
//	renter                                   provider
//	  │ challenge: 0 steps, some times  ────▶  answers at once: the round trip
//	  │ challenge: seed, steps, width   ────▶  width chains at once, in the box of tasks
//	  │ ◀──── sha256 of the proof               (the renter stops its clock)
//	  │ proof: seed                     ────▶  the states of all steps
//
// The commitment comes before the proof, so that a slow line costs no time and what
// was not worked out in time cannot be put in later.
//
// Each chain begins at ChallengeRequest.Start: an answer is good for one provider,
// one lease and one seed.

// ChallengeKind says what is timed.
type ChallengeKind uint32

// The kinds of a challenge. A kind brings its own meaning of a step and of width;
// who does not know one answers Unsupported.
const (
	// ChallengeCPU: steps of room host on processor cores, width cores at once.
	ChallengeCPU ChallengeKind = 1
	// ChallengeGPU is kept free for a product of matrices that fills a device's
	// memory, width devices at once. No build answers it yet.
	ChallengeGPU ChallengeKind = 2
)

// Limits of a challenge.
const (
	MaxChallengeSteps = 8192          // of one chain
	MaxChallengeWidth = 64            // chains
	MaxChallengeWork  = 32_768        // steps of all chains
	MaxProof          = 1<<20 + 8<<10 // bytes of a ProofResponse
	maxProofData      = MaxProof - 1<<10
)

// ChallengeRequest asks for timed work. Steps 0 asks for an answer alone.
type ChallengeRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	Kind  ChallengeKind
	Seed  [32]byte // drawn for this challenge
	Steps uint32   // of each chain
	Width uint32
}

// Check says what is wrong with what a renter asks for.
func (m ChallengeRequest) Check() error {
	switch {
	case m.Kind == 0:
		return artel.Invalid("challenge of no kind")
	case m.Steps == 0:
		return nil
	case m.Width == 0 || m.Width > MaxChallengeWidth:
		return artel.Invalid("challenge of width %d, want 1 to %d", m.Width, MaxChallengeWidth)
	case m.Steps > MaxChallengeSteps:
		return artel.Invalid("challenge of %d steps, at most %d", m.Steps, MaxChallengeSteps)
	case uint64(m.Steps)*uint64(m.Width) > MaxChallengeWork:
		return artel.Invalid("challenge of %d × %d steps, at most %d in all", m.Width, m.Steps, MaxChallengeWork)
	}
	return nil
}

// Start is the seed of one of the chains, counted from 0. It holds everything that
// the answer is bound to.
func (m ChallengeRequest) Start(network artel.Hash, node artel.NodeID, chain uint32) [32]byte {
	b := append([]byte("artel/challenge/1\n"), network[:]...)
	b = append(b, node[:]...)
	b = append(b, m.Lease[:]...)
	b = append(b, m.Seed[:]...)
	for _, v := range []uint32{uint32(m.Kind), m.Steps, m.Width, chain} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return artel.Keccak(b)
}

// Starts lists the seeds of all chains of a request that Check has passed.
func (m ChallengeRequest) Starts(network artel.Hash, node artel.NodeID) [][32]byte {
	out := make([][32]byte, m.Width)
	for i := range out {
		out[i] = m.Start(network, node, uint32(i))
	}
	return out
}

// ChallengeResponse commits to the proof: it is its SHA-256; zero where no steps
// were asked for.
type ChallengeResponse struct {
	Commitment [32]byte
}

// ProofRequest asks for the proof of the challenge with that seed. A provider keeps
// it for a short while.
type ProofRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	Seed  [32]byte
}

// ProofResponse is the proof, in the form of its kind.
type ProofResponse struct {
	Proof []byte
}

// Marshal encodes m.
func (m ChallengeRequest) Marshal() []byte {
	return encode(&wirepb.ChallengeRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, Kind: uint32(m.Kind), Seed: blank(m.Seed[:]), Steps: m.Steps, Width: m.Width})
}

// UnmarshalChallengeRequest decodes what a renter sent.
func UnmarshalChallengeRequest(b []byte) (ChallengeRequest, error) {
	var p wirepb.ChallengeRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return ChallengeRequest{}, err
	}
	r := reader{message: "ChallengeRequest"}
	m := ChallengeRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation, Kind: ChallengeKind(p.Kind), Seed: r.hash("seed", p.Seed), Steps: p.Steps, Width: p.Width}
	if r.err != nil {
		return ChallengeRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m ChallengeResponse) Marshal() []byte {
	return encode(&wirepb.ChallengeResponse{Commitment: blank(m.Commitment[:])})
}

// UnmarshalChallengeResponse decodes what a provider sent.
func UnmarshalChallengeResponse(b []byte) (ChallengeResponse, error) {
	var p wirepb.ChallengeResponse
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return ChallengeResponse{}, err
	}
	r := reader{message: "ChallengeResponse"}
	m := ChallengeResponse{Commitment: r.hash("commitment", p.Commitment)}
	if r.err != nil {
		return ChallengeResponse{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m ProofRequest) Marshal() []byte {
	return encode(&wirepb.ProofRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, Seed: blank(m.Seed[:])})
}

// UnmarshalProofRequest decodes what a renter sent.
func UnmarshalProofRequest(b []byte) (ProofRequest, error) {
	var p wirepb.ProofRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return ProofRequest{}, err
	}
	r := reader{message: "ProofRequest"}
	m := ProofRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation, Seed: r.hash("seed", p.Seed)}
	if r.err != nil {
		return ProofRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m ProofResponse) Marshal() []byte { return encode(&wirepb.ProofResponse{Proof: m.Proof}) }

// UnmarshalProofResponse decodes what a provider sent.
func UnmarshalProofResponse(b []byte) (ProofResponse, error) {
	var p wirepb.ProofResponse
	if err := decode(b, MaxProof, tolerant, &p); err != nil {
		return ProofResponse{}, err
	}
	if len(p.Proof) > maxProofData {
		return ProofResponse{}, artel.Invalid("decode ProofResponse: proof: %d bytes, at most %d", len(p.Proof), maxProofData)
	}
	return ProofResponse{Proof: p.Proof}, nil
}
