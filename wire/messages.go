// Package wire holds what peers say to each other: the messages, their protobuf
// encoding and their limits. Decoding is where a stranger's bytes become
// values, so every decoder checks sizes and shapes; what a value means is
// checked by the rules.
//
// A lease is driven by its renter, who asks; the provider only answers, so that
// a renter behind any router needs no open port:
//
//	renter                                   provider
//	  │ propose: lease, terms, reserve  ────▶  checks policy and chain, countersigns
//	  │ start: task, attempt, spec      ────▶  stores, runs (fetches inputs by blob streams)
//	  │ watch: after event n, wait      ────▶  answers with news, at the latest after `wait`
//	  │                                        (the answer is the heartbeat)
//	  │ pay: voucher                    ────▶  stores, answers with the keys of paid outputs
//	  │ close                           ────▶  no new tasks; what runs is ended
package wire

import "github.com/artel-network/artel"

// Methods of the provider's RPC service. Each is idempotent: a renter that got
// no answer asks again.
const (
	MethodPropose = "lease.propose"
	MethodReserve = "lease.reserve"
	MethodStart   = "lease.start"
	MethodCancel  = "lease.cancel"
	MethodWatch   = "lease.watch"
	MethodPay     = "lease.pay"
	MethodLogs    = "lease.logs"
	MethodClose   = "lease.close"

	MethodChallenge = "lease.challenge" // see Challenge in challenge.go
	MethodProof     = "lease.proof"

	MethodRecover = "lane.recover"
	MethodFind    = "image.find"
	MethodKeep    = "checkpoint.keep" // see KeepRequest in keep.go
	MethodKept    = "checkpoint.kept"
	MethodOffer   = "offer.get" // the current offer of this very node, sealed; anybody may ask
)

// TopicOffers is the gossip topic of signed offers.
const TopicOffers = "offers"

// Limits of messages in bytes. A longer one is refused before it is read.
const (
	MaxOffer    = 8 << 10
	MaxPropose  = 16 << 10
	MaxStart    = 4 << 20 // a batch of task specs; p2p carries no more in one message
	MaxWatch    = 2 << 20
	MaxPay      = 256 << 10
	MaxSmall    = 4 << 10
	MaxLogChunk = 256 << 10
	MaxRecover  = 1 << 20
)

// SignedReserve is a reserve with its renter's signature.
type SignedReserve struct {
	Reserve   artel.Reserve
	Signature artel.Signature
}

// SignedVoucher is a voucher with its renter's signature.
type SignedVoucher struct {
	Voucher   artel.Voucher
	Signature artel.Signature
}

// ProposeRequest asks for a lease. The provider answers a repeated proposal of
// the same lease with the same signature.
type ProposeRequest struct {
	Lease     artel.Lease
	Terms     []byte          // EncodeTerms; Lease.Terms is its keccak-256
	Signature artel.Signature // the renter's, over Lease.ID
	Reserve   *SignedReserve  // what secures the first units
	Voucher   *SignedVoucher  // the prepaid first unit, where the offer wants it
}

// ProposeResponse is the provider's half of the lease.
type ProposeResponse struct {
	Signature artel.Signature // the provider node's, over Lease.ID
}

// ReserveRequest raises what secures a lease.
type ReserveRequest struct {
	Lease   artel.Hash
	Gen     uint64 // of the controller that speaks; 0: as in the terms
	Reserve SignedReserve
}

// Start is one task to run.
type Start struct {
	Task    uint64
	Attempt uint32
	Spec    artel.TaskSpec
	Keep    *artel.Keeping // how it is checkpointed; nil: not
}

// StartRequest hands tasks to a lease. At most MaxTasks at once.
type StartRequest struct {
	Lease  artel.Hash
	Gen    uint64 // of the controller that speaks; 0: as in the terms
	Starts []Start
}

// Refusal says why one task of a StartRequest was not taken.
type Refusal struct {
	Task    uint64
	Attempt uint32
	Reason  artel.Reason
	Message string
}

// StartResponse lists what was not taken; all else was stored and will end in
// an event.
type StartResponse struct {
	Refused []Refusal
}

// CancelRequest ends attempts; each still ends in an event.
type CancelRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	Tasks []TaskKey
}

// TaskKey names an attempt within a lease.
type TaskKey struct {
	Task    uint64
	Attempt uint32
}

// WatchRequest asks for the events after After. The provider answers as soon as
// there is one, at the latest after Wait milliseconds.
type WatchRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	After uint64
	Wait  uint64
	Done  uint64 // events up to here are settled: the provider may forget them
}

// WatchResponse is also the heartbeat.
type WatchResponse struct {
	Events   []Event
	Running  []Progress
	Due      artel.Amount // the lane's running total by the provider's meter, idle time included
	Stopping artel.Reason // "" while the lease takes tasks
	Message  string
}

// PhaseFrozen is that of an attempt that stands still, and whose time does not count, while
// the provider's owner needs the machine.
const PhaseFrozen = "frozen"

// Progress of a running attempt.
type Progress struct {
	TaskKey
	Phase    string // "fetching", "queued", "running", "sealing", or PhaseFrozen
	Elapsed  uint64 // milliseconds since it was taken
	LogBytes uint64
}

// Event is the end of an attempt: with a receipt, or without one. With a segment
// it is a confirmed checkpoint, with a slice time that is due because checks were
// answered, and the attempt goes on.
type Event struct {
	Seq     uint64 // 1, 2, 3 … per lease, without gaps
	Task    uint64
	Attempt uint32
	Receipt *artel.Receipt // nil where nothing was delivered
	Segment *artel.Segment
	Slice   *artel.Slice
	Reason  artel.Reason // why, where there is no receipt
	Message string
}

// PayRequest raises the lane's voucher.
type PayRequest struct {
	Lease   artel.Hash
	Gen     uint64 // of the controller that speaks; 0: as in the terms
	Voucher SignedVoucher
	Want    []TaskKey // outputs to open; those not paid for stay shut
}

// OutputKey opens one sealed output.
type OutputKey struct {
	TaskKey
	Key []byte // age X25519 identity, as text
}

// PayResponse confirms what is stored and opens what is paid.
type PayResponse struct {
	Cumulative artel.Amount // the highest voucher stored
	Keys       []OutputKey
}

// LogsRequest reads a part of an attempt's log.
type LogsRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	TaskKey
	Offset uint64
	Max    uint32
}

// LogsResponse is that part. EOF is true when the attempt has ended and nothing
// follows.
type LogsResponse struct {
	Data []byte
	EOF  bool
}

// CloseRequest ends a lease.
type CloseRequest struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
}

// RecoverRequest asks a provider what it holds of a renter that lost its
// database. Generation rises with every recovery; providers refuse older ones
// from then on. The signature is the renter node's over RecoverDigest.
type RecoverRequest struct {
	Renter     artel.Address
	Node       artel.NodeID
	Generation uint64
	Signature  artel.Signature
}

// HeldLane is what a provider holds of one lane.
type HeldLane struct {
	Lane    uint64
	Voucher *SignedVoucher
	Accrued artel.Accrual
	Leases  []HeldLease
}

// HeldLease is a lease that the provider still knows.
type HeldLease struct {
	Lease     artel.Lease
	Terms     []byte
	Signature artel.Signature // the provider's
	Open      bool
}

// RecoverResponse lists them.
type RecoverResponse struct {
	Lanes []HeldLane
}

// Empty answers what needs no answer.
type Empty struct{}

// MaxTasks bounds the tasks of one StartRequest or CancelRequest and the events
// of one WatchResponse.
const MaxTasks = 1024
