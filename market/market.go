// Package market answers which offers suit a job, in what order, at what price
// and in what expected time.
//
// An Index holds the live offers; Admit says which of a stranger's bytes may
// enter it; Quote ranks what a Query finds by price, speed and what this renter
// has seen of the machines. All of it is a function of values: the time is a
// parameter, in unix seconds, and what the chain says comes through a function
// that the caller gives.
package market

import (
	"bytes"
	"math"

	"github.com/artel-network/artel"
)

// Policy bounds what an index takes.
type Policy struct {
	Network    artel.Hash
	Skew       uint64       // seconds that a clock may be off
	Interval   uint64       // seconds between two offers of one machine
	Burst      uint64       // how many may come at once all the same
	MinStake   artel.Amount // less is not listed; zero: none is asked for
	SafeStake  artel.Amount // from here on an account displaces those without when the index is full; zero: none does
	MaxSize    int          // bytes of a signed offer
	Total      int          // machines in all
	PerAccount int          // machines of one account
	PerNode    int          // machines of one node key
}

// DefaultPolicy is what a node of a network without stakes uses.
func DefaultPolicy(network artel.Hash) Policy {
	return Policy{
		Network: network, Skew: artel.ClockSkew, Interval: 60, Burst: 2, MaxSize: 8 << 10,
		Total: 200_000, PerAccount: 2_000, PerNode: 64,
	}
}

// Listing is an offer in the index. Its slices are shared: do not change them.
type Listing struct {
	Offer   artel.Offer   `json:"offer"`
	ID      artel.Hash    `json:"id"`      // what Terms.Offer names
	Owner   artel.Address `json:"owner"`   // whose share it takes: the account, or the node's own address while the chain does not confirm the account
	Secured bool          `json:"secured"` // the owner has the policy's SafeStake
}

// Machine names a machine on the network.
type Machine struct {
	Node artel.NodeID
	ID   [16]byte
}

// Machine returns whose offer it is.
func (l Listing) Machine() Machine { return Machine{l.Offer.Node, l.Offer.Machine} }

// Claimed speeds are a stranger's word. They count within these bounds, and a
// machine that claims none counts as the slowest.
const (
	minSpeed = 10 // a machine that interprets WASM says about 18 (docs/spec/measure.md)
	maxSpeed = 20_000
)

func speedOf(claimed uint32) float64 { return float64(min(max(claimed, minSpeed), maxSpeed)) }

// EffectivePrice is what an offer's slot asks for 10⁶ seconds of the reference
// machine's work: its price, divided by its speed as far as that is believed.
func EffectivePrice(o artel.Offer) float64 {
	return float64(o.Price) * 1000 / speedOf(o.Speed)
}

// before is the index's order: by effective price, then by machine so that
// equal prices have one order everywhere.
func before(aKey float64, a *artel.Offer, bKey float64, b *artel.Offer) bool {
	if aKey != bKey {
		return aKey < bKey
	}
	if c := bytes.Compare(a.Node[:], b.Node[:]); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.Machine[:], b.Machine[:]) < 0
}

// ago returns the seconds from t to now, 0 where t is in the future.
func ago(t, now uint64) uint64 {
	if t > now {
		return 0
	}
	return now - t
}

// plus adds seconds without wrapping around.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
