package chain

import (
	"context"

	"github.com/artel-network/artel"
)

// Ledger is the money of one network. Implementations are safe for use by many
// goroutines at once.
type Ledger interface {
	Reader
	Writer
}

// Reader answers at the newest final block. A read fails with ErrUnreachable
// (wrapped) while the chain is away: money questions wait.
type Reader interface {
	// Params returns the network's constants. They never change.
	Params(ctx context.Context) (Params, error)
	// Head returns the newest final block.
	Head(ctx context.Context) (Head, error)
	// Account returns what a holds in the ledger; zero for one never heard of.
	Account(ctx context.Context, a artel.Address) (Account, error)
	// Lane returns a lane; zero for one never used.
	Lane(ctx context.Context, k LaneKey) (Lane, error)
	// Signer returns the rights of key to sign for account; zero for none.
	Signer(ctx context.Context, account, key artel.Address) (Signer, error)
	// Stake returns what provider has at stake; zero for nothing.
	Stake(ctx context.Context, provider artel.Address) (Stake, error)
	// Balance returns the tokens that a holds outside the ledger.
	Balance(ctx context.Context, a artel.Address) (artel.Amount, error)
	// Events returns the events of the final blocks after the given one, oldest
	// first, and the block up to which (inclusive) they are complete. Blocks are
	// never split; max is where it stops taking further blocks, at least 1. The
	// returned head advances without events too, so a follower knows the chain's
	// time. The zero Head asks from the ledger's birth. ErrReorg (wrapped) says
	// that the block given is no longer part of the chain.
	Events(ctx context.Context, after Head, max int) ([]Event, Head, error)
}

// Writer carries out calls.
type Writer interface {
	// Submit accepts a call. When it returns nil the call is stored and will be
	// carried out; the same id again is accepted and does nothing, unless the
	// call differs (ErrIDReused). ErrNoKey: this ledger cannot send as From.
	Submit(ctx context.Context, tx Tx) error
	// Outcome returns where the call stands; ErrUnknownTx if it was never
	// submitted.
	Outcome(ctx context.Context, id string) (Outcome, error)
	// Wait returns the outcome as soon as it is Done or Refused, or the context's
	// error.
	Wait(ctx context.Context, id string) (Outcome, error)
}

// Params are a network's constants. Times are in seconds of chain time.
type Params struct {
	ChainID    uint64        `json:"chainId"`
	Ledger     artel.Address `json:"ledger"`
	Stake      artel.Address `json:"stake"`
	Token      artel.Address `json:"token"`
	Delay      uint64        `json:"delay"`      // from the start of a release, exit or revocation to its effect
	Window     uint64        `json:"window"`     // how long a matured release or exit may be carried out
	StakeDelay uint64        `json:"stakeDelay"` // from Leave to Unstake, and from a proof to the reporter's claim
}

// Domain returns the signing domain of the network's contracts.
func (p Params) Domain() artel.Domain { return artel.NewDomain(p.ChainID, p.Ledger, p.Stake) }

// Head is a block of the chain. As a cursor it means: everything up to and
// including this block has been seen.
type Head struct {
	Number uint64     `json:"number"`
	Hash   artel.Hash `json:"hash"`
	Time   uint64     `json:"time"` // unix seconds
}

// LaneKey names a lane.
type LaneKey struct {
	Renter   artel.Address `json:"renter"`
	Provider artel.Address `json:"provider"`
	Number   uint64        `json:"lane"`
}

// Lane is one reserved purse from a renter to a provider.
type Lane struct {
	Cap       artel.Amount `json:"cap"`       // reserved in all, ever
	Paid      artel.Amount `json:"paid"`      // redeemed in all, ever; never more than Cap
	ReleaseAt uint64       `json:"releaseAt"` // when a started release matures; 0: none was started
	Epoch     uint32       `json:"epoch"`     // rises with every release and waiver
}

// Booked returns what is reserved and not yet redeemed.
func (l Lane) Booked() artel.Amount { return l.Cap.Sub(l.Paid) }

// Releasing reports whether a release that was started can still be carried out
// at chain time now, or later. One whose window has passed is void.
func (l Lane) Releasing(p Params, now uint64) bool {
	return l.ReleaseAt != 0 && now <= l.ReleaseAt+p.Window
}

// Account is what an address holds in the ledger.
type Account struct {
	Deposit    artel.Amount `json:"deposit"`    // as a renter: unreserved
	Earned     artel.Amount `json:"earned"`     // as a provider: redeemed, not withdrawn
	ExitAt     uint64       `json:"exitAt"`     // when a requested exit matures; 0: none
	ExitAmount artel.Amount `json:"exitAmount"` // how much of the deposit it takes at most
	Payout     Payout       `json:"payout"`
}

// Payout says where an account's earnings and stake go.
type Payout struct {
	To        artel.Address `json:"to"`        // until ChangesAt; zero: the account itself
	ChangesAt uint64        `json:"changesAt"` // from when Next counts; 0: no change was asked for
	Next      artel.Address `json:"next"`      // zero: the account itself
}

// At returns where the money of account goes at chain time now.
func (p Payout) At(account artel.Address, now uint64) artel.Address {
	to := p.To
	if p.ChangesAt != 0 && now >= p.ChangesAt {
		to = p.Next
	}
	if to.IsZero() {
		return account
	}
	return to
}

// Exiting reports whether a requested exit can still be carried out at chain
// time now, or later.
func (a Account) Exiting(p Params, now uint64) bool {
	return a.ExitAt != 0 && now <= a.ExitAt+p.Window
}

// Signer is the right of a key to sign for an account that is not its own. It
// reaches only lanes that carry the key's tag.
type Signer struct {
	Allowance artel.Amount `json:"allowance"` // what its Reserves may book in all, ever
	Until     uint64       `json:"until"`     // the last second at which its signatures count; 0: never authorised
	Booked    artel.Amount `json:"booked"`    // what its Reserves have booked in all
}

// Left returns what the signer's Reserves may still book.
func (s Signer) Left() artel.Amount { return s.Allowance.Sub(s.Booked) }

// Stake is what a provider loses when it provably lies.
type Stake struct {
	Amount  artel.Amount `json:"amount"`  // liable, what is leaving included
	Leaving artel.Amount `json:"leaving"` // asked back
	LeaveAt uint64       `json:"leaveAt"` // when it may be taken, for one Window; 0: nothing was asked back
	Faults  uint32       `json:"faults"`  // how often it was slashed
}

// Behind returns what stands behind the provider's word at chain time now: the
// stake without what is on its way out.
func (s Stake) Behind(p Params, now uint64) artel.Amount {
	if s.LeaveAt != 0 && now <= s.LeaveAt+p.Window {
		return s.Amount.Sub(s.Leaving)
	}
	return s.Amount
}

// Tx is a call with the account that makes it. It is a value to be stored.
type Tx struct {
	ID   string        `json:"id"` // unique, chosen by the caller, 1 to 128 bytes
	From artel.Address `json:"from"`
	Call Call          `json:"call"`
}

// State says where a submitted call stands.
type State string

// The states of a call.
const (
	Pending State = "pending" // accepted, not in a block
	Mined   State = "mined"   // in a block that is not final yet
	Done    State = "done"    // carried out, final
	Refused State = "refused" // the ledger said no, or will never say yes; final
)

// Final reports whether the state will not change any more.
func (s State) Final() bool { return s == Done || s == Refused }

// Outcome is the fate of a call.
type Outcome struct {
	ID      string     `json:"id"`
	State   State      `json:"state"`
	Block   Head       `json:"block"`             // Mined, Done: where it is
	Tx      artel.Hash `json:"tx"`                // the chain's own name of it, where there is one
	Refusal *Refusal   `json:"refusal,omitempty"` // Refused: why
	Note    string     `json:"note,omitempty"`    // Pending: what it waits for, for people
}

// Err returns the refusal, or nil.
func (o Outcome) Err() error {
	if o.Refusal == nil {
		return nil
	}
	return o.Refusal
}
