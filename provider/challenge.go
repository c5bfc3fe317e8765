package provider

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Prover does the work of one kind of challenge, in the kind of box that tasks run
// in: what is timed is what is sold.
type Prover interface {
	// Prove works out a chain of so many steps from each of the seeds, all at once,
	// and returns the proof. It ends early when ctx does.
	Prove(ctx context.Context, seeds [][32]byte, steps int) ([]byte, error)
}

// How challenges are bounded. Only the holder of a lease may ask, and the work is
// done on slots of that lease on which nothing runs: it pays for them, and nobody
// else's slot is touched. One at a time for each lease.
const (
	proveFor    = 45 * time.Second // how long one may take
	proveEvery  = 10.0             // seconds: a node may ask once in so many, in the long run,
	proveBurst  = 8                // and so often at once
	answerBurst = 60               // questions of any kind at once, one a second in the long run
	maxProofs   = 16               // kept for a node, one of each of its leases
	proofFor    = 2 * time.Minute  // how long one is kept
)

// proving is a challenge that is being worked on.
type proving struct {
	width  uint32
	cancel context.CancelFunc
}

// proof waits to be fetched.
type proof struct {
	from  artel.NodeID
	lease artel.Hash
	seed  [32]byte
	bytes []byte
	until int64 // unix ms
}

// idle is how many of the machine's slots a lease holds and does not use.
func (s *sold) idle() uint32 {
	return slotsOf(s.Terms) - min(slotsOf(s.Terms), uint32(len(s.Running))*max(s.Terms.Resources.Slots, 1))
}

// makeRoom ends a challenge whose slots are wanted back: the lease's tasks, and the
// owner, go before it. Called by the core after every change of a lease.
func (p *Provider) makeRoom(s *sold) {
	if s.proving != nil && (p.shut() != "" || s.Phase != lease.Open || s.idle() < s.proving.width) {
		s.proving.cancel()
	}
}

func notNow(format string, args ...any) *p2p.Error {
	return p2p.Errorf(p2p.Busy, format, args...).WithHint("ask again later")
}

// challenge does timed work for the holder of a lease.
func (p *Provider) challenge(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !p.asked.Allow(from) {
		return nil, errBusy
	}
	m, err := wire.UnmarshalChallengeRequest(req)
	if err == nil {
		err = m.Check()
	}
	if err != nil {
		return nil, invalid(err)
	}
	prover := p.c.Provers[m.Kind]
	if prover == nil {
		return nil, p2p.Errorf(p2p.Unsupported, "no challenge of kind %d here", m.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	if err := p.with(ctx, from, m.Lease, m.Gen, func(_ *tx, s *sold) error {
		switch {
		case s.Phase != lease.Open:
			return p2p.Errorf(p2p.Conflict, "lease %s is over", m.Lease.Short())
		case m.Steps == 0:
			return nil
		case p.shut() != "":
			return notNow("%s", p.shut())
		case s.proving != nil:
			return notNow("another challenge of this lease is being worked on")
		case s.idle() < m.Width:
			return notNow("%d of the lease's slots are idle, the challenge wants %d", s.idle(), m.Width)
		case !p.proofRate.Allow(from):
			return errBusy
		}
		s.proving = &proving{m.Width, cancel}
		return nil
	}); err != nil || m.Steps == 0 {
		return wire.ChallengeResponse{}.Marshal(), err
	}
	b, err := prover.Prove(ctx, m.Starts(p.c.Network, p.c.Key.NodeID()), int(m.Steps))
	p.post(func(t *tx) {
		if s := p.leases[m.Lease]; s != nil {
			s.proving = nil
		}
		if err == nil {
			p.keepProof(proof{from, m.Lease, m.Seed, b, t.now + proofFor.Milliseconds()}, t.now)
		}
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, notNow("the slots were wanted back, or the time was up")
	case err != nil:
		p.c.Log.Warn("a challenge could not be worked on", "lease", m.Lease.Short(), "error", err)
		return nil, p2p.Errorf(p2p.Unavailable, "the challenge could not be worked on").WithHint("try again later")
	}
	p.c.Log.Debug("challenge answered", "lease", m.Lease.Short(), "steps", m.Steps, "width", m.Width)
	return wire.ChallengeResponse{Commitment: sha256.Sum256(b)}.Marshal(), nil
}

// keepProof keeps a proof until its time is up, or the same node has others: nobody
// can push another's out. Called by the core.
func (p *Provider) keepProof(x proof, now int64) {
	p.proofs = slices.DeleteFunc(p.proofs, func(o proof) bool { return o.until <= now || o.lease == x.lease })
	oldest, n := -1, 0
	for i, o := range p.proofs {
		if o.from != x.from {
			continue
		}
		if n++; oldest < 0 {
			oldest = i
		}
	}
	if n == maxProofs {
		p.proofs = slices.Delete(p.proofs, oldest, oldest+1)
	}
	p.proofs = append(p.proofs, x)
}

// prove hands out what a commitment is of.
func (p *Provider) prove(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !p.asked.Allow(from) {
		return nil, errBusy
	}
	m, err := wire.UnmarshalProofRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	var resp wire.ProofResponse
	err = p.with(ctx, from, m.Lease, m.Gen, func(*tx, *sold) error {
		for _, x := range p.proofs {
			if x.lease == m.Lease && x.seed == m.Seed {
				resp.Proof = x.bytes
				return nil
			}
		}
		return p2p.Errorf(p2p.NotFound, "no proof of that challenge").WithHint("it is kept for two minutes; ask for another challenge")
	})
	if err != nil {
		return nil, err
	}
	return resp.Marshal(), nil
}
