package api

import (
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/network"
)

// Balance is what an account holds.
type Balance struct {
	Account   artel.Address  `json:"account"`
	Signer    artel.Address  `json:"signer"` // the node key's address; the account itself on private networks
	Token     network.Token  `json:"token"`
	Tokens    artel.Amount   `json:"tokens"`  // outside the ledger
	Deposit   artel.Amount   `json:"deposit"` // in the ledger, free
	Booked    artel.Amount   `json:"booked"`  // in lanes: cap − paid
	Earned    artel.Amount   `json:"earned"`  // as a provider, not withdrawn
	Stake     artel.Amount   `json:"stake"`
	Leaving   artel.Amount   `json:"leaving"` // of the stake
	LeaveAt   time.Time      `json:"leaveAt,omitzero"`
	Exiting   artel.Amount   `json:"exiting"` // of the deposit
	ExitAt    time.Time      `json:"exitAt,omitzero"`
	ExitVoid  time.Time      `json:"exitVoid,omitzero"`   // from then on it cannot be carried out
	Gas       string         `json:"gas"`                 // what Signer has of the chain's own coin to pay fees with, decimal smallest units
	Allowance *artel.Amount  `json:"allowance,omitempty"` // what Signer may still book, where it is not the account
	Until     time.Time      `json:"until,omitzero"`      // and its end; zero: it has no rights
	Block     uint64         `json:"block"`               // of these figures
	Payout    *artel.Address `json:"payout,omitempty"`    // where earnings and stake go, where that is not the account
}

// AmountRequest moves a sum.
type AmountRequest struct {
	Amount artel.Amount `json:"amount"`
}

// WithdrawRequest asks for money, or with Finish takes what was asked for.
type WithdrawRequest struct {
	Amount artel.Amount `json:"amount"`
	Earned bool         `json:"earned,omitempty"` // from what was earned, at once
	Finish bool         `json:"finish,omitempty"`
}

// SignerRequest gives a session signer its rights.
type SignerRequest struct {
	Key       artel.Address `json:"key"`       // of the node that will sign
	Allowance artel.Amount  `json:"allowance"` // what its Reserves may book in all, ever
	Until     time.Time     `json:"until"`     // the end; a time in the past revokes
}

// RedeemRequest sends vouchers for a provider; zero: this node's account.
type RedeemRequest struct {
	Provider artel.Address `json:"provider"`
}

// Done is a transaction's outcome.
type Done struct {
	Tx      artel.Hash   `json:"tx"`
	Block   uint64       `json:"block"`
	Final   bool         `json:"final"`
	Amount  artel.Amount `json:"amount"`
	Message string       `json:"message"`
	Ready   time.Time    `json:"ready,omitzero"` // when the second step may be taken
	Void    time.Time    `json:"void,omitzero"`  // when it is too late for it
}

// Recovery says what recover found.
type Recovery struct {
	Generation uint64       `json:"generation"`
	Asked      int          `json:"asked"`    // nodes that have an offer now
	Answered   int          `json:"answered"` // any other is asked when a lease with it is refused
	Away       int          `json:"away"`     // providers with money booked for them that have no offer now
	Lanes      int          `json:"lanes"`
	Promised   artel.Amount `json:"promised"` // by the vouchers they hold
	Booked     artel.Amount `json:"booked"`   // in lanes, and not paid

	KeepersAsked    int            `json:"keepersAsked"`
	KeepersAnswered int            `json:"keepersAnswered"`
	Kept            int            `json:"kept"`             // tasks of which they hold a checkpoint
	Journal         time.Time      `json:"journal,omitzero"` // when the newest that was found ends
	Refused         []string       `json:"refused,omitempty"`
	Leases          int            `json:"leases"` // that go on from here
	Closed          int            `json:"closed"` // open ones that no journal knew
	Jobs            []RecoveredJob `json:"jobs"`
}

// RecoveredJob is an open job that goes on from here.
type RecoveredJob struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Tasks   int      `json:"tasks"`
	Done    int      `json:"done"`
	Gone    int      `json:"gone,omitempty"`  // of those done, whose output was on the lost machine alone
	Running int      `json:"running"`         // on a lease that goes on
	Kept    int      `json:"kept"`            // of the others, that go on from a checkpoint
	Lacks   []string `json:"lacks,omitempty"` // what was on the lost machine alone
}

// Voucher is a promise that is not redeemed in full.
type Voucher struct {
	artel.Voucher
	Paid artel.Amount `json:"paid"` // of the lane, on chain
	Cap  artel.Amount `json:"cap"`
}

// Redeemable is what redeeming it now would credit.
func (v Voucher) Redeemable() artel.Amount { return v.Cumulative.Min(v.Cap).Sub(v.Paid) }
