package wire

import "github.com/artel-network/artel"

// The versions of this wire that this build speaks. A message keeps its meaning
// within a version; fields may be added, and who does not know them skips them.
const (
	MinVersion = 1
	MaxVersion = 1
)

// More limits of messages in bytes; see also MaxOffer and its neighbours.
const (
	MaxTerms       = 4 << 10  // within MaxPropose
	MaxCancel      = 64 << 10 // MaxTasks keys, with or without a voucher
	MaxStartAnswer = 1 << 20  // MaxTasks refusals
	MaxKept        = 1 << 20  // MaxTasks holdings, without confirmations but the holder's own
)

// Limits of what messages hold.
const (
	MaxRunning    = 4096                // attempts that one WatchResponse reports on
	MaxKeys       = MaxTasks            // keys of one PayResponse
	MaxLanes      = 256                 // lanes of one RecoverResponse
	MaxHeldLeases = 1024                // leases of one HeldLane
	MaxText       = 512                 // bytes of a sentence for a person
	MaxWord       = 32                  // bytes of a reason or a phase
	MaxKey        = 128                 // bytes of an OutputKey
	MaxLogData    = MaxLogChunk - 1<<10 // bytes of one LogsResponse
	MaxWait       = 60_000              // milliseconds a watch may wait; a provider answers earlier if it likes
	maxEpoch      = 1<<24 - 1           // of a lane, on chain
	maxTime       = 1<<40 - 1           // unix seconds, on chain
	maxUnknown    = 16                  // unknown fields of one message
	maxUnknownLen = 1 << 10             // and their bytes
	maxArgsBytes  = artel.MaxArgsBytes  // arguments and variables of one task
	maxNameLen    = 256                 // bytes of a region, a sandbox, an address, a host
	maxDir        = 1024                // bytes of a working directory
	MaxVisit      = 80 << 10            // a Visit, and any frame of its stream
)

// Limits returns the most bytes of a method's request and of its answer. ok is
// false for a method that there is not.
func Limits(method string) (request, answer int, ok bool) {
	switch method {
	case MethodPropose:
		return MaxPropose, MaxSmall, true
	case MethodReserve:
		return MaxSmall, MaxSmall, true
	case MethodStart:
		return MaxStart, MaxStartAnswer, true
	case MethodCancel:
		return MaxCancel, MaxSmall, true
	case MethodWatch:
		return MaxSmall, MaxWatch, true
	case MethodPay:
		return MaxCancel, MaxPay, true
	case MethodLogs:
		return MaxSmall, MaxLogChunk, true
	case MethodClose:
		return MaxSmall, MaxSmall, true
	case MethodChallenge:
		return MaxSmall, MaxSmall, true
	case MethodProof:
		return MaxSmall, MaxProof, true
	case MethodRecover:
		return MaxSmall, MaxRecover, true
	case MethodOffer:
		return MaxSmall, MaxOffer, true
	case MethodFind:
		return MaxSmall, MaxSmall, true
	case MethodKeep:
		return MaxSmall, MaxSmall, true
	case MethodKept:
		return MaxKept, MaxKept, true
	case MethodOffers:
		return MaxSmall, MaxOffers, true
	}
	return 0, 0, false
}
