package market

import (
	"errors"
	"fmt"

	"github.com/artel-network/artel"
)

// Action is what a node does with an offer that a peer passed on.
type Action uint8

// The actions. Reject is for what no honest peer passes on, Ignore for what it
// may have passed on before it knew better.
const (
	Accept Action = iota // list it and pass it on
	Ignore               // neither, and the peer is not to blame
	Reject               // neither, and the peer is to blame
)

// String returns the action's word.
func (a Action) String() string {
	switch a {
	case Accept:
		return "accept"
	case Ignore:
		return "ignore"
	case Reject:
		return "reject"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Cause says in one word why an offer was not accepted.
type Cause string

// The causes.
const (
	CauseSize      Cause = "size"      // longer than the policy allows
	CauseMalformed Cause = "malformed" // not an offer of this network
	CauseSignature Cause = "signature" // not signed by its node
	CauseClock     Cause = "clock"     // from the future, beyond the skew
	CauseExpired   Cause = "expired"
	CauseDuplicate Cause = "duplicate" // listed already
	CauseOld       Cause = "old"       // a newer one was seen
	CauseConflict  Cause = "conflict"  // another one has the same number
	CauseRate      Cause = "rate"      // too soon after the last
	CauseStake     Cause = "stake"     // less than the policy asks for
	CauseUnknown   Cause = "unknown"   // the chain did not answer, and the policy asks for a stake
	CauseShare     Cause = "share"     // the account or node lists enough machines
	CauseFull      Cause = "full"      // no room, and nobody has more than its share
)

// Verdict is what Admit says of an offer.
type Verdict struct {
	Action Action
	Cause  Cause // "" when accepted
	Err    error // nil when accepted
}

// Open reads a signed offer and checks its signature; wire.OpenOffer is one.
type Open func(sealed []byte, network artel.Hash) (artel.Offer, artel.Hash, error)

// Standing is what the chain says about a node that claims an account.
type Standing struct {
	Signer bool         // the node is a session signer of the account, now and for the delay
	Stake  artel.Amount // the account's stake that is not on its way out
}

// Lookup asks the chain, or a cache of it. It is not called for a node that is
// the account itself unless the policy speaks of stake.
type Lookup func(artel.Address, artel.NodeID) (Standing, error)

// Admit decides on the bytes of a signed offer at the unix second now. It
// changes nothing: the caller gives the listing of an accepted one to x.Put.
//
// An offer names its account, but only the chain can confirm it. Until it does,
// the offer counts as one of its node's own address: otherwise a stranger could
// fill another's share, or borrow its stake. A nil lookup confirms nothing.
func Admit(sealed []byte, open Open, x *Index, lookup Lookup, now uint64) (Listing, Verdict) {
	p := x.policy
	no := func(a Action, c Cause, err error) (Listing, Verdict) { return Listing{}, Verdict{a, c, err} }
	if len(sealed) > p.MaxSize {
		return no(Reject, CauseSize, artel.Invalid("offer of %d bytes, at most %d", len(sealed), p.MaxSize))
	}
	o, id, err := open(sealed, p.Network)
	switch {
	case errors.Is(err, artel.ErrSignature):
		return no(Reject, CauseSignature, err)
	case err != nil:
		return no(Reject, CauseMalformed, err)
	case o.Issued > plus(now, 2*p.Skew): // both clocks may be off
		return no(Ignore, CauseClock, artel.Invalid("offer comes from %d s in the future; hint: check the clock", o.Issued-now))
	case !x.alive(&o, now):
		return no(Ignore, CauseExpired, artel.Invalid("offer expired %d s ago", ago(o.Expires, now)))
	}
	if err := o.Check(p.Network, now, 2*p.Skew); err != nil {
		return no(Reject, CauseMalformed, err)
	}
	r := x.machines[Machine{o.Node, o.Machine}]
	if r != nil && r.seq == o.Seq && r.id == id && r.entry != nil {
		return no(Ignore, CauseDuplicate, artel.Invalid("offer %d is listed already", o.Seq))
	}
	if r != nil && (r.seq > o.Seq || r.seq == o.Seq && r.id != id) { // before the chain is asked for nothing
		err := x.refuse(Listing{Offer: o, ID: id}, r, now)
		return no(Ignore, causeOf(err), err)
	}

	l := Listing{Offer: o, ID: id, Owner: o.Node.Address()}
	self := o.Account == l.Owner
	var s Standing
	if lookup != nil && (!self || !p.MinStake.IsZero() || !p.SafeStake.IsZero()) {
		if s, err = lookup(o.Account, o.Node); err != nil {
			s = Standing{}
		}
	}
	if s.Signer = s.Signer || self; s.Signer {
		l.Owner = o.Account
		l.Secured = !p.SafeStake.IsZero() && !s.Stake.Less(p.SafeStake)
	}
	if !p.MinStake.IsZero() {
		switch {
		case err != nil:
			return no(Ignore, CauseUnknown, fmt.Errorf("look up the stake of %s: %w", o.Account, err))
		case !s.Signer:
			return no(Ignore, CauseStake, artel.Invalid("node %s does not speak for account %s", o.Node.Short(), o.Account))
		case s.Stake.Less(p.MinStake):
			return no(Ignore, CauseStake, artel.Invalid("account %s has %s at stake, the policy asks for %s", o.Account, s.Stake, p.MinStake))
		}
	}
	if err := x.refuse(l, r, now); err != nil {
		return no(Ignore, causeOf(err), err)
	}
	return l, Verdict{}
}

func causeOf(err error) Cause {
	switch {
	case errors.Is(err, ErrOld):
		return CauseOld
	case errors.Is(err, ErrConflict):
		return CauseConflict
	case errors.Is(err, ErrRate):
		return CauseRate
	case errors.Is(err, ErrShare):
		return CauseShare
	}
	return CauseFull
}
