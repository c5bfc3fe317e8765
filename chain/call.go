package chain

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/artel-network/artel"
)

// MaxBatch is the most lanes, reserves or vouchers one call may carry. 100
// fresh ones fit a transaction of 16.7 M gas under the Amsterdam rules too.
const MaxBatch = 100

// Call is one of the call structs of this package.
type Call interface {
	// Kind is the call's name in its stored form.
	Kind() string
	// check refuses what no ledger could carry out.
	check() error
}

// Deposit moves tokens from the sender's balance into To's deposit. The
// approval of the token is part of it.
type Deposit struct {
	To     artel.Address `json:"to"`
	Amount artel.Amount  `json:"amount"`
}

// ReserveLanes raises absolute caps of the sender's lanes, paid from its
// deposit. A cap that is reached already is left as it is.
type ReserveLanes struct {
	Lanes []LaneCap `json:"lanes"`
}

// LaneCap asks for a cap on a lane of the sender.
type LaneCap struct {
	Provider artel.Address `json:"provider"`
	Lane     uint64        `json:"lane"`
	Cap      artel.Amount  `json:"cap"`
}

// ReserveFor books what renters have signed. Anyone may send it, usually the
// provider. Each one counts only in its epoch and until its validUntil; one
// whose cap is reached already does nothing.
type ReserveFor struct {
	Reserves []SignedReserve `json:"reserves"`
}

// SignedReserve is a Reserve with the signature of its renter or of a session
// signer.
type SignedReserve struct {
	artel.Reserve
	Sig artel.Signature `json:"sig"`
}

// Redeem credits a provider with what vouchers promise beyond what their lanes
// have paid, up to their caps. Anyone may send it. A voucher that is stale does
// nothing; a wrong signature refuses the whole call.
type Redeem struct {
	Provider artel.Address   `json:"provider"`
	Vouchers []SignedVoucher `json:"vouchers"`
}

// SignedVoucher is a Voucher with the signature of its renter or of a session
// signer.
type SignedVoucher struct {
	artel.Voucher
	Sig artel.Signature `json:"sig"`
}

// WithdrawEarned pays part of what the sender earned to its payout address.
type WithdrawEarned struct {
	Amount artel.Amount `json:"amount"`
}

// WithdrawFor pays all that an account earned to its payout address. Anyone may
// send it.
type WithdrawFor struct {
	Account artel.Address `json:"account"`
}

// StartRelease starts, or starts again, the delay after which lanes of the
// sender may be released.
type StartRelease struct {
	Lanes []LaneRef `json:"lanes"`
}

// LaneRef names a lane of a renter.
type LaneRef struct {
	Provider artel.Address `json:"provider"`
	Lane     uint64        `json:"lane"`
}

// Release returns what is booked on lanes to the renter's deposit. It counts
// within the window after the delay, and raises the epochs. Anyone may send it:
// the renter has asked for it.
type Release struct {
	Renter artel.Address `json:"renter"`
	Lanes  []LaneRef     `json:"lanes"`
}

// Waive gives what is booked back to the renters at once; the sender is the
// provider. It raises the epochs.
type Waive struct {
	Lanes []WaiveRef `json:"lanes"`
}

// WaiveRef names a lane to the sender.
type WaiveRef struct {
	Renter artel.Address `json:"renter"`
	Lane   uint64        `json:"lane"`
}

// RequestExit starts the delay after which up to Amount of the sender's deposit
// may leave the ledger. It replaces an earlier request; zero takes it back.
type RequestExit struct {
	Amount artel.Amount `json:"amount"`
}

// Exit carries a requested exit out. It counts within the window after the
// delay.
type Exit struct {
	To artel.Address `json:"to"`
}

// SetSigner gives a key the right to sign for the sender: to book up to
// Allowance in all by Reserves, and to sign vouchers, until a time. Another
// allowance counts at once, and so does a later Until; an earlier one leaves the
// key another delay.
type SetSigner struct {
	Key       artel.Address `json:"key"`
	Allowance artel.Amount  `json:"allowance"`
	Until     uint64        `json:"until"`
}

// SetPayout changes, after the delay, where the sender's earnings and stake go;
// zero means to the sender itself. A second one before that starts anew.
type SetPayout struct {
	To artel.Address `json:"to"`
}

// StakeUp moves tokens from the sender's balance into To's stake. The approval
// of the token is part of it.
type StakeUp struct {
	To     artel.Address `json:"to"`
	Amount artel.Amount  `json:"amount"`
}

// Leave starts the delay after which Amount of the sender's stake may be taken.
// It replaces an earlier one; zero takes it back.
type Leave struct {
	Amount artel.Amount `json:"amount"`
}

// Unstake takes what is leaving, as far as it was not slashed, to the payout
// address. It counts within the window after the stake delay.
type Unstake struct{}

// ProveEquivocation claims the penalty of a lease whose provider signed two
// different results of one attempt.
type ProveEquivocation struct {
	Lease     artel.Lease     `json:"lease"`
	RenterSig artel.Signature `json:"renterSig"`
	LeaseSig  artel.Signature `json:"leaseSig"` // the provider's
	A         artel.Result    `json:"a"`
	ASig      artel.Signature `json:"aSig"`
	B         artel.Result    `json:"b"`
	BSig      artel.Signature `json:"bSig"`
	Reporter  artel.Address   `json:"reporter"` // gets the share that is not burned, by a Claim after the stake delay
}

// Claim pays the sender's shares of penalties that matured.
type Claim struct {
	At []uint64 `json:"at"` // the times that ClaimOpened named
}

// TransferToken moves tokens outside the ledger.
type TransferToken struct {
	To     artel.Address `json:"to"`
	Amount artel.Amount  `json:"amount"`
}

func (Deposit) Kind() string           { return "deposit" }
func (ReserveLanes) Kind() string      { return "reserve" }
func (ReserveFor) Kind() string        { return "reserve-for" }
func (Redeem) Kind() string            { return "redeem" }
func (WithdrawEarned) Kind() string    { return "withdraw-earned" }
func (WithdrawFor) Kind() string       { return "withdraw-for" }
func (StartRelease) Kind() string      { return "start-release" }
func (Release) Kind() string           { return "release" }
func (Waive) Kind() string             { return "waive" }
func (RequestExit) Kind() string       { return "request-exit" }
func (Exit) Kind() string              { return "exit" }
func (SetSigner) Kind() string         { return "set-signer" }
func (SetPayout) Kind() string         { return "set-payout" }
func (StakeUp) Kind() string           { return "stake" }
func (Leave) Kind() string             { return "leave" }
func (Unstake) Kind() string           { return "unstake" }
func (ProveEquivocation) Kind() string { return "prove-equivocation" }
func (Claim) Kind() string             { return "claim" }
func (TransferToken) Kind() string     { return "transfer-token" }

func decodeCall(kind string, b []byte) (Call, error) {
	switch kind {
	case "deposit":
		return decodeAs[Deposit](b)
	case "reserve":
		return decodeAs[ReserveLanes](b)
	case "reserve-for":
		return decodeAs[ReserveFor](b)
	case "redeem":
		return decodeAs[Redeem](b)
	case "withdraw-earned":
		return decodeAs[WithdrawEarned](b)
	case "withdraw-for":
		return decodeAs[WithdrawFor](b)
	case "start-release":
		return decodeAs[StartRelease](b)
	case "release":
		return decodeAs[Release](b)
	case "waive":
		return decodeAs[Waive](b)
	case "request-exit":
		return decodeAs[RequestExit](b)
	case "exit":
		return decodeAs[Exit](b)
	case "set-signer":
		return decodeAs[SetSigner](b)
	case "set-payout":
		return decodeAs[SetPayout](b)
	case "stake":
		return decodeAs[StakeUp](b)
	case "leave":
		return decodeAs[Leave](b)
	case "unstake":
		return decodeAs[Unstake](b)
	case "prove-equivocation":
		return decodeAs[ProveEquivocation](b)
	case "claim":
		return decodeAs[Claim](b)
	case "transfer-token":
		return decodeAs[TransferToken](b)
	}
	return nil, Refuse(ErrBadCall, "kind %q is not known", clip(kind))
}

func decodeAs[C Call](b []byte) (Call, error) {
	var c C
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("decode call %s: %w", c.Kind(), err)
	}
	return c, nil
}

type txJSON struct {
	ID   string          `json:"id"`
	From artel.Address   `json:"from"`
	Kind string          `json:"kind"`
	Call json.RawMessage `json:"call"`
}

// MarshalJSON writes the call with its kind. The same Tx always gives the same
// bytes.
func (t Tx) MarshalJSON() ([]byte, error) {
	if t.Call == nil {
		return nil, Refuse(ErrBadCall, "tx %q carries no call", clip(t.ID))
	}
	b, err := json.Marshal(t.Call)
	if err != nil {
		return nil, err
	}
	return json.Marshal(txJSON{t.ID, t.From, t.Call.Kind(), b})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (t *Tx) UnmarshalJSON(b []byte) error {
	var j txJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("decode tx: %w", err)
	}
	c, err := decodeCall(j.Kind, j.Call)
	if err != nil {
		return fmt.Errorf("decode tx %q: %w", clip(j.ID), err)
	}
	*t = Tx{j.ID, j.From, c}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
