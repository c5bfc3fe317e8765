package chain

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/artel-network/artel"
)

// Event is something that happened on the ledger, final.
type Event struct {
	Block Head       `json:"block"`
	Index uint32     `json:"index"` // within the block, rising
	Tx    artel.Hash `json:"tx"`
	Fact  Fact       `json:"fact"`
}

// Fact is one of the event structs of this package.
type Fact interface {
	// Kind is the fact's name in its stored form.
	Kind() string
}

// Deposited says that tokens came into a deposit.
type Deposited struct {
	Account artel.Address `json:"account"`
	Amount  artel.Amount  `json:"amount"`
}

// Reserved says that a lane's cap was raised.
type Reserved struct {
	Lane  LaneKey      `json:"lane"`
	Cap   artel.Amount `json:"cap"`   // now
	Epoch uint32       `json:"epoch"` // now
}

// Redeemed says that a voucher was paid into the provider's earned.
type Redeemed struct {
	Lane       LaneKey      `json:"lane"`
	Amount     artel.Amount `json:"amount"`     // by this voucher
	Cumulative artel.Amount `json:"cumulative"` // what the voucher says; more than the cap pays up to the cap
	Memo       artel.Hash   `json:"memo"`
}

// Withdrawn says that earned tokens left for the payout address.
type Withdrawn struct {
	Account artel.Address `json:"account"`
	To      artel.Address `json:"to"`
	Amount  artel.Amount  `json:"amount"`
}

// Releasing says that a release was started.
type Releasing struct {
	Lane LaneKey `json:"lane"`
	At   uint64  `json:"at"` // from when it may be carried out
}

// Released says that a release was carried out.
type Released struct {
	Lane   LaneKey      `json:"lane"`
	Amount artel.Amount `json:"amount"` // back in the renter's deposit
	Epoch  uint32       `json:"epoch"`  // now
}

// Waived says that a provider gave its booking back.
type Waived struct {
	Lane   LaneKey      `json:"lane"`
	Amount artel.Amount `json:"amount"` // back in the renter's deposit
	Epoch  uint32       `json:"epoch"`  // now
}

// ExitRequested says that a renter wants deposit back.
type ExitRequested struct {
	Account artel.Address `json:"account"`
	Amount  artel.Amount  `json:"amount"`
	At      uint64        `json:"at"` // from when it may be carried out
}

// Exited says that deposit left the ledger.
type Exited struct {
	Account artel.Address `json:"account"`
	To      artel.Address `json:"to"`
	Amount  artel.Amount  `json:"amount"`
}

// SignerSet says what a key may do now.
type SignerSet struct {
	Account   artel.Address `json:"account"`
	Key       artel.Address `json:"key"`
	Allowance artel.Amount  `json:"allowance"` // in all, ever
	Until     uint64        `json:"until"`
}

// PayoutSet says where an account's money will go from a time on.
type PayoutSet struct {
	Account artel.Address `json:"account"`
	To      artel.Address `json:"to"`
	At      uint64        `json:"at"`
}

// Staked says that tokens came into a stake.
type Staked struct {
	Provider artel.Address `json:"provider"`
	Amount   artel.Amount  `json:"amount"`
}

// Leaving says that a provider wants stake back.
type Leaving struct {
	Provider artel.Address `json:"provider"`
	Amount   artel.Amount  `json:"amount"`
	At       uint64        `json:"at"` // from when it may be taken
}

// Unstaked says that stake was taken back.
type Unstaked struct {
	Provider artel.Address `json:"provider"`
	To       artel.Address `json:"to"`
	Amount   artel.Amount  `json:"amount"`
}

// Equivocated says that a provider was shown to have contradicted itself.
type Equivocated struct {
	Provider artel.Address `json:"provider"`
	Lease    artel.Hash    `json:"lease"`
	Task     uint64        `json:"task"`
	Attempt  uint32        `json:"attempt"`
}

// Slashed says that a provider lost stake.
type Slashed struct {
	Provider artel.Address `json:"provider"`
	By       artel.Address `json:"by"`     // who sent the proof, or the judge
	Reason   artel.Hash    `json:"reason"` // "equivocation" padded with zeroes, or the judge's word for it
	Burned   artel.Amount  `json:"burned"`
	Share    artel.Amount  `json:"share"` // the reporter's
	Reporter artel.Address `json:"reporter"`
}

// ClaimOpened says that a reporter's share waits for it.
type ClaimOpened struct {
	Reporter artel.Address `json:"reporter"`
	At       uint64        `json:"at"` // from when it may be claimed
	Amount   artel.Amount  `json:"amount"`
}

// Claimed says that a reporter took its shares.
type Claimed struct {
	Reporter artel.Address `json:"reporter"`
	Amount   artel.Amount  `json:"amount"`
}

func (Deposited) Kind() string     { return "deposited" }
func (Reserved) Kind() string      { return "reserved" }
func (Redeemed) Kind() string      { return "redeemed" }
func (Withdrawn) Kind() string     { return "withdrawn" }
func (Releasing) Kind() string     { return "releasing" }
func (Released) Kind() string      { return "released" }
func (Waived) Kind() string        { return "waived" }
func (ExitRequested) Kind() string { return "exit-requested" }
func (Exited) Kind() string        { return "exited" }
func (SignerSet) Kind() string     { return "signer-set" }
func (PayoutSet) Kind() string     { return "payout-set" }
func (Staked) Kind() string        { return "staked" }
func (Leaving) Kind() string       { return "leaving" }
func (Unstaked) Kind() string      { return "unstaked" }
func (Equivocated) Kind() string   { return "equivocated" }
func (ClaimOpened) Kind() string   { return "claim-opened" }
func (Claimed) Kind() string       { return "claimed" }
func (Slashed) Kind() string       { return "slashed" }

func decodeFact(kind string, b []byte) (Fact, error) {
	switch kind {
	case "deposited":
		return factAs[Deposited](b)
	case "reserved":
		return factAs[Reserved](b)
	case "redeemed":
		return factAs[Redeemed](b)
	case "withdrawn":
		return factAs[Withdrawn](b)
	case "releasing":
		return factAs[Releasing](b)
	case "released":
		return factAs[Released](b)
	case "waived":
		return factAs[Waived](b)
	case "exit-requested":
		return factAs[ExitRequested](b)
	case "exited":
		return factAs[Exited](b)
	case "signer-set":
		return factAs[SignerSet](b)
	case "payout-set":
		return factAs[PayoutSet](b)
	case "staked":
		return factAs[Staked](b)
	case "leaving":
		return factAs[Leaving](b)
	case "unstaked":
		return factAs[Unstaked](b)
	case "equivocated":
		return factAs[Equivocated](b)
	case "claim-opened":
		return factAs[ClaimOpened](b)
	case "claimed":
		return factAs[Claimed](b)
	case "slashed":
		return factAs[Slashed](b)
	}
	return nil, fmt.Errorf("decode event: kind %q is not known", clip(kind))
}

func factAs[F Fact](b []byte) (Fact, error) {
	var f F
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("decode event %s: %w", f.Kind(), err)
	}
	return f, nil
}

type eventJSON struct {
	Block Head            `json:"block"`
	Index uint32          `json:"index"`
	Tx    artel.Hash      `json:"tx"`
	Kind  string          `json:"kind"`
	Fact  json.RawMessage `json:"fact"`
}

// MarshalJSON writes the fact with its kind.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Fact == nil {
		return nil, fmt.Errorf("encode event %d/%d: no fact", e.Block.Number, e.Index)
	}
	b, err := json.Marshal(e.Fact)
	if err != nil {
		return nil, err
	}
	return json.Marshal(eventJSON{e.Block, e.Index, e.Tx, e.Fact.Kind(), b})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	f, err := decodeFact(j.Kind, j.Fact)
	if err != nil {
		return err
	}
	*e = Event{j.Block, j.Index, j.Tx, f}
	return nil
}
