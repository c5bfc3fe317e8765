package artel

import (
	"errors"
	"fmt"
)

// Offer is a provider's signed, expiring advertisement of one machine.
type Offer struct {
	Network   Hash      `json:"network"` // hash of the network file it is meant for
	Node      NodeID    `json:"node"`    // who signs, and where to dial
	Account   Address   `json:"account"` // who earns
	Machine   [16]byte  `json:"machine"` // drawn once per installation; one live offer each
	Seq       uint64    `json:"seq"`     // rises with every re-announcement
	Issued    uint64    `json:"issued"`  // unix seconds
	Expires   uint64    `json:"expires"` // unix seconds, at most MaxOfferTTL after Issued
	Resources Resources `json:"resources"`
	Price     Price     `json:"price"` // units per 10⁶ s of one slot
	Region    string    `json:"region,omitempty"`
	Sandboxes []string  `json:"sandboxes"` // kinds of box it runs: "wasm"
	Speed     uint32    `json:"speed"`     // one slot's measured score; 1000 is the reference machine
	UpSince   uint64    `json:"upSince"`   // unix seconds; a hint about survival, unproved
	MaxUnpaid Amount    `json:"maxUnpaid"` // how far it works ahead of what is secured
	Prepay    bool      `json:"prepay"`    // renters without history pay the first unit ahead
	MaxUnit   uint64    `json:"maxUnit"`   // longest task it takes, milliseconds
	Addrs     []string  `json:"addrs"`     // multiaddrs
}

// MaxOfferTTL is the longest an offer may live, in seconds.
const MaxOfferTTL = 3600

// Resources is what a machine has or a task wants.
type Resources struct {
	Slots  uint32 `json:"slots"`  // tasks at once; one CPU core each
	Memory uint64 `json:"memory"` // bytes per slot
	Disk   uint64 `json:"disk"`   // bytes of output and scratch per slot
}

// Covers reports whether a machine with r has room for a task that wants w.
func (r Resources) Covers(w Resources) bool {
	return r.Slots >= max(w.Slots, 1) && r.Memory >= w.Memory && r.Disk >= w.Disk
}

// ErrInvalid is what every malformed document of a peer or a user matches.
var ErrInvalid = errors.New("invalid")

// Invalid says what is wrong with a document and what to do about it.
func Invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// Limits of an offer's lists and strings.
const (
	maxAddrs     = 16
	maxAddrLen   = 256
	maxSandboxes = 8
	maxWord      = 64
)

// Check verifies what a stranger's offer claims about itself, at the unix
// second now with skew seconds of tolerance; the signature is checked where the
// bytes are.
func (o Offer) Check(network Hash, now, skew uint64) error {
	switch {
	case o.Network != network:
		return Invalid("offer is for network %s, this is %s; hint: both sides need the same network file", o.Network.Short(), network.Short())
	case o.Node == NodeID{} || o.Account.IsZero():
		return Invalid("offer names no node or no account")
	case o.Expires <= o.Issued || o.Expires-o.Issued > MaxOfferTTL:
		return Invalid("offer lives %d s, at most %d", int64(o.Expires)-int64(o.Issued), MaxOfferTTL)
	case o.Issued > now+skew:
		return Invalid("offer comes from %d s in the future; hint: check the clock", o.Issued-now)
	case o.Expires+skew <= now:
		return Invalid("offer expired %d s ago", now-o.Expires)
	case o.Resources.Slots == 0 || o.Resources.Slots > 4096:
		return Invalid("offer has %d slots, want 1 to 4096", o.Resources.Slots)
	case o.Price == 0:
		return Invalid("offer has no price")
	case o.MaxUnit == 0:
		return Invalid("offer takes no task: maxUnit is 0")
	case len(o.Sandboxes) == 0 || len(o.Sandboxes) > maxSandboxes:
		return Invalid("offer lists %d sandboxes, want 1 to %d", len(o.Sandboxes), maxSandboxes)
	case len(o.Addrs) == 0 || len(o.Addrs) > maxAddrs:
		return Invalid("offer lists %d addresses, want 1 to %d", len(o.Addrs), maxAddrs)
	case !isWord(o.Region) && o.Region != "":
		return Invalid("offer's region is not a word of at most %d letters, digits, - or _", maxWord)
	}
	for _, s := range o.Sandboxes {
		if !isWord(s) {
			return Invalid("offer's sandbox is not a word of at most %d letters, digits, - or _", maxWord)
		}
	}
	for _, a := range o.Addrs {
		if a == "" || len(a) > maxAddrLen || a[0] != '/' {
			return Invalid("offer's address %q is not a multiaddr", clip(a))
		}
	}
	return nil
}

// isWord keeps what peers name printable and harmless in a terminal.
func isWord(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
