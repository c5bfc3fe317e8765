package market

import (
	"time"

	"github.com/artel-network/artel"
)

// History is what a renter has seen for itself. It is the only evidence that no
// stranger can forge.
type History struct {
	Nodes map[artel.NodeID]Record
	// Work is how long one task of the job at hand takes on the reference
	// machine, in milliseconds, as far as finished tasks have shown; 0: unknown,
	// and the job's time limit stands for it.
	Work uint64
	// Stay is the chance that a machine is still up after another d (package
	// survival); nil: Lindy's law.
	Stay func(up Up, d time.Duration) float64
}

// Record is what a renter has seen of one node. The zero value is a newcomer.
type Record struct {
	Done     float64 `json:"done"`     // attempts that ended as they should, the older the lighter
	Failed   float64 `json:"failed"`   // attempts that the host lost or spoilt, the older the lighter
	Streak   uint32  `json:"streak"`   // failures since the last success
	LastFail uint64  `json:"lastFail"` // unix seconds
	Speed    float64 `json:"speed"`    // measured score, 1000 is the reference; 0: not measured
	Longest  uint64  `json:"longest"`  // longest task it brought home, milliseconds

	Since uint64   `json:"since,omitempty"` // unix seconds: as far as was seen it is up since then; 0: it was not seen, or it went
	Ups   []uint64 `json:"ups,omitempty"`   // seconds: uptimes that were seen to end, the newest last

	// What challenges have shown: see Show.
	SpeedAt  uint64  `json:"speedAt,omitempty"`  // unix seconds of the newest measurement
	Checked  uint64  `json:"checked,omitempty"`  // unix seconds of the newest answer
	Claim    uint32  `json:"claim,omitempty"`    // what it claimed then
	Marks    float64 `json:"marks,omitempty"`    // as of MarkedAt
	MarkedAt uint64  `json:"markedAt,omitempty"` // unix seconds
	Lied     uint64  `json:"lied,omitempty"`     // unix seconds of the newest wrong answer
	Evasions uint32  `json:"evasions,omitempty"` // challenges without an answer since the last one with
	Held     uint64  `json:"held,omitempty"`     // slot-milliseconds of ended leases
	Asked    uint64  `json:"asked,omitempty"`    // slot-milliseconds of challenges
}

// Outcome is how one attempt ended, as the renter saw it.
type Outcome struct {
	OK bool // a receipt that verified; a program's own failure is the host's success
	// Excused: it gave the task back as it had said it would, which says nothing.
	Excused bool
	Wall    uint64 // milliseconds it ran
	Work    uint64 // milliseconds it would have run on the reference machine; 0: unknown
}

const (
	memory    = 64.0 // attempts after which older ones have faded to about a third
	speedStep = 0.25 // weight of the newest measurement
)

// Learn returns the record after one more attempt, which ended at the unix
// second now.
func (r Record) Learn(o Outcome, now uint64) Record {
	if o.Excused {
		return r
	}
	fade := 1 - 1/memory
	r.Done, r.Failed = r.Done*fade, r.Failed*fade
	if !o.OK {
		r.Failed++
		r.Streak++
		r.LastFail = now
		return r
	}
	r.Done++
	r.Streak = 0
	r.Longest = max(r.Longest, o.Wall)
	if o.Wall > 0 && o.Work > 0 {
		r = r.measure(min(max(1000*float64(o.Work)/float64(o.Wall), 1), maxSpeed), speedStep, now)
	}
	return r
}

// Rest returns how many seconds longer a node that failed is left alone: 30 s
// after the second failure in a row, twice as long after each further one, an
// hour at most. A single failure costs it its place in the order only. After a wrong
// answer to a challenge it is a day.
func (r Record) Rest(now uint64) uint64 {
	lied := uint64(0)
	if past := ago(r.Lied, now); r.Lied != 0 && past < proofRest {
		lied = proofRest - past
	}
	return max(lied, r.failedRest(now))
}

func (r Record) failedRest(now uint64) uint64 {
	if r.Streak < 2 {
		return 0
	}
	pause := uint64(3600)
	if r.Streak < 9 {
		pause = 30 << (r.Streak - 2)
	}
	pause = min(pause, 3600)
	past := ago(r.LastFail, now)
	if past >= pause {
		return 0
	}
	return pause - past
}

// What is thought of a node before anything is known of it.
const (
	priorDone   = 4.0
	priorFailed = 1.0
	firstTask   = 10 * 60 * 1000 // milliseconds: what a newcomer is trusted with at once
	trustStep   = 4              // and how many times the longest it brought home
	minUp       = 3600           // seconds; claimed uptime counts within these bounds,
	maxUp       = 24 * 3600      // because it is only claimed
)

// Success estimates the chance that the node brings home a task of ms
// milliseconds: by its record and marks, by how long it says to be up (Lindy's law: a
// machine up for u survives another t with about u/(u+t); current
// uptime is the best free predictor), and by the longest task it has shown: newcomers
// get short tasks first.
func (r Record) Success(o artel.Offer, ms, now uint64) float64 {
	up := float64(min(max(ago(o.UpSince, now), minUp), maxUp)) * 1000
	return max(r.trust(ms, now)*up/(up+float64(ms)), 0.001)
}

// trust is the part of it that the renter has seen for itself.
func (r Record) trust(ms, now uint64) float64 {
	p := (r.Done + priorDone) / (r.Done + r.Failed + priorDone + priorFailed)
	p /= 1 + r.Weight(now) // who lies of its speed is not to be relied on, however much it has done
	trusted := float64(firstTask)
	if r.Longest > firstTask/trustStep {
		trusted = trustStep * float64(r.Longest)
	}
	if float64(ms) > trusted {
		p *= trusted / float64(ms)
	}
	return p
}
