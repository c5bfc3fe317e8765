package market

import (
	"math"

	"github.com/artel-network/artel"
)

// A claim is put to the proof by a timed challenge (wire.ChallengeRequest). What is
// made of the answers is decided here.

// Proof is what a challenge has shown.
type Proof uint8

// What a challenge may show.
const (
	// Unproved: there was no answer, or none that was checked. Nobody is to blame
	// for one; who never answers is believed less (Evasions).
	Unproved Proof = iota
	// Proved: the work was done, and in about the time that the claim promises, or
	// nobody can say that it was not.
	Proved
	// Slow: the work was done, and by a steady line it took longer than Tolerance
	// lets it.
	Slow
	// Wrong: the work was not done. No honest machine that is in order answers so.
	Wrong
)

// Tolerance is the share of the claimed speed that an answer must show. What else
// runs on a machine only ever makes it slower, and a claim is its best hour.
const Tolerance = 2.0 / 3

// Steady is the most by which the round trips beside a challenge may differ, as a
// share of the time of the work, for slowness to be the machine's.
const Steady = 0.1

// Shown is what a challenge has shown of a node.
type Shown struct {
	Proof Proof
	Claim uint32  // the offer's speed
	Speed float64 // the score of the answer; 0: none
	Cost  uint64  // slot-milliseconds that it took
}

// Judge says what an answer shows: it came from a machine that claims speed claim, had
// the given score, and the round trips beside it lay between low and high, where the
// work took so long, all in one unit. Unproved: it was late, and the line is too
// unsteady to say whose fault that is.
func Judge(claim uint32, score, low, high, took float64) Proof {
	if claim == 0 || score >= Tolerance*min(float64(claim), maxSpeed) {
		return Proved
	}
	if high-low > Steady*took {
		return Unproved
	}
	return Slow
}

// How marks count and fade.
const (
	slowMark  = 1.0
	wrongMark = 10.0
	halfLife  = 90 * 24 * 3600 // seconds in which a mark loses half its weight
	believed  = 90 * 24 * 3600 // seconds for which a measured speed stands before the claim
	proofRest = 24 * 3600      // seconds that a node rests after a wrong answer
	evaded    = 3              // challenges without an answer, in a row, after which
	evader    = 500            // a claim counts as no more than this speed
)

// proofStep is the weight of the newest challenge in the measured speed.
const proofStep = 0.5

// Show returns the record after a challenge at the unix second now.
func (r Record) Show(s Shown, now uint64) Record {
	r.Asked += s.Cost
	if s.Proof == Unproved {
		r.Evasions++
		return r
	}
	r.Evasions, r.Checked, r.Claim = 0, now, s.Claim
	switch s.Proof {
	case Wrong:
		r = r.mark(wrongMark, now)
		r.Lied = now
		return r // made-up work has no speed
	case Slow:
		r = r.mark(slowMark, now)
	}
	if v := min(s.Speed, maxSpeed); v > 0 {
		r = r.measure(v, proofStep, now)
	}
	return r
}

// measure takes a speed that was seen into the running figure, in which it weighs step.
func (r Record) measure(speed, step float64, now uint64) Record {
	if r.Speed == 0 {
		r.Speed = speed
	} else {
		r.Speed += step * (speed - r.Speed)
	}
	r.SpeedAt = now
	return r
}

// mark adds to the marks, which have faded meanwhile.
func (r Record) mark(m float64, now uint64) Record {
	r.Marks, r.MarkedAt = r.Weight(now)+m, now
	return r
}

// Weight is what is left of a node's marks at the unix second now: 1 for each slow
// answer, 10 for each wrong one, half of it after 90 days.
func (r Record) Weight(now uint64) float64 {
	return r.Marks * math.Exp2(-float64(ago(r.MarkedAt, now))/halfLife)
}

// Measured is the speed that this renter has seen of the node; 0: none of late.
func (r Record) Measured(now uint64) float64 {
	if ago(r.SpeedAt, now) > believed {
		return 0
	}
	return r.Speed
}

// Believed is the speed that a node's offer counts with: what was measured, or the
// claim; that of a node which evades every question counts for little.
func (r Record) Believed(o artel.Offer, now uint64) float64 {
	if v := r.Measured(now); v > 0 {
		return v
	}
	if r.Evasions >= evaded {
		return min(speedOf(o.Speed), evader)
	}
	return speedOf(o.Speed)
}

// ProofShare is the share of the time paid to a node that may go into challenges.
const ProofShare = 0.01

// MayAsk reports whether a challenge of cost slot-milliseconds is within what may be
// spent on a node, of which held slot-ms are under lease beside those of the record.
func (r Record) MayAsk(cost, held uint64) bool {
	return float64(r.Asked+cost) <= ProofShare*float64(r.Held+held)
}

// freshProof is for how long, in seconds, a new lease with a node begins without a
// challenge.
const freshProof = 24 * 3600

// Doubts reports whether a lease with a node should begin with a challenge: it was
// never proved, not for a day, or claims more than it did then.
func (r Record) Doubts(claim uint32, now uint64) bool {
	return r.Checked == 0 || ago(r.Checked, now) > freshProof || float64(claim) > float64(r.Claim)/Tolerance
}
