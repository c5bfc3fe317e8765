package artel

import (
	"errors"
	"fmt"
	"math"
	"strings"
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
	Sandboxes []string  `json:"sandboxes"`    // kinds of box it runs: "wasm"
	Speed     uint32    `json:"speed"`        // one slot's measured score; 1000 is the reference machine
	UpSince   uint64    `json:"upSince"`      // unix seconds; a hint about survival, unproved
	MaxUnpaid Amount    `json:"maxUnpaid"`    // how far it works ahead of what is secured
	Prepay    bool      `json:"prepay"`       // renters without history pay the first unit ahead
	MaxUnit   uint64    `json:"maxUnit"`      // longest that a task may run until something of it is due, milliseconds: see Terms.Stake
	Addrs     []string  `json:"addrs"`        // multiaddrs
	CPU       CPU       `json:"cpu"`          // what a checkpoint of it needs elsewhere
	PullFree  uint64    `json:"pullFree"`     // bytes of a lease's image that it fetches for nothing
	PullPrice Price     `json:"pullPrice"`    // units per 10⁹ bytes beyond that
	GPU       GPU       `json:"gpu,omitzero"` // of what kind Resources.GPUs are, all of them
	// Moves is the version of its sandbox, where that takes whole programs to other
	// machines: one goes on where Moves is the same and CPU.Has holds. Empty: it does not.
	Moves string `json:"moves,omitempty"`
	Keeps uint64 `json:"keeps,omitempty"` // bytes of a task's checkpoints that it holds for others; 0: none
	// Strict: the machine's kernel holds containers to their processor time, memory and
	// threads (cgroups). Without it processor time is not limited, and the other limits
	// are the sandbox's own, which a fast program may be above for a moment.
	Strict bool `json:"strict,omitempty"`
}

// GPU is a kind of graphics processor, as its driver names it.
type GPU struct {
	Model  string `json:"model,omitempty"`  // "NVIDIA GeForce RTX 3060"
	Driver string `json:"driver,omitempty"` // its version: "580.95.05"
}

func (g GPU) check() error {
	for _, s := range []string{g.Model, g.Driver} {
		if len(s) > maxWord || strings.ContainsFunc(s, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(" -_.,/+()", c)
		}) {
			return Invalid("offer's GPU is not named by at most %d letters, digits, spaces or any of -_.,/+()", maxWord)
		}
	}
	return nil
}

// CPU is the class of a machine's processors: a checkpoint taken on one goes on
// only where Has holds.
type CPU struct {
	Arch     string   `json:"arch,omitempty"`     // as Go names it: amd64, arm64
	Vendor   string   `json:"vendor,omitempty"`   // AuthenticAMD, GenuineIntel, ...
	Features []string `json:"features,omitempty"` // sorted, as Linux names them in /proc/cpuinfo
}

// Has reports whether a program that has seen c's features runs on d.
func (d CPU) Has(c CPU) bool {
	if d.Arch != c.Arch || d.Vendor != c.Vendor {
		return false
	}
	i := 0
	for _, f := range c.Features {
		for i < len(d.Features) && d.Features[i] < f {
			i++
		}
		if i == len(d.Features) || d.Features[i] != f {
			return false
		}
	}
	return true
}

func (c CPU) check() error {
	if c.Arch != "" && !isWord(c.Arch) || c.Vendor != "" && !isWord(c.Vendor) {
		return Invalid("offer's processor is not named by words of at most %d letters, digits, - or _", maxWord)
	}
	if len(c.Features) > maxFeatures {
		return Invalid("offer lists %d processor features, at most %d", len(c.Features), maxFeatures)
	}
	for i, f := range c.Features {
		if !isWord(f) || i > 0 && c.Features[i-1] >= f {
			return Invalid("offer's processor feature %q is not a word in its place", clip(f))
		}
	}
	return nil
}

// ClockSkew is how many seconds an honest machine's clock may be off: two of them
// may be apart by twice that.
const ClockSkew = 300

// MaxOfferTTL is the longest an offer may live, in seconds.
const MaxOfferTTL = 3600

// Resources is what a machine has or a task wants.
type Resources struct {
	Slots     uint32 `json:"slots"`               // of a machine: one CPU core each; of a task: how many it takes at once
	Memory    uint64 `json:"memory"`              // bytes: of a machine, per slot; of a task, in all
	Disk      uint64 `json:"disk"`                // bytes of output and scratch, likewise
	GPUs      uint32 `json:"gpus,omitempty"`      // in all
	GPUMemory uint64 `json:"gpuMemory,omitempty"` // bytes of each
}

// Weight is how many slots of a machine with r a task takes that wants w: as many
// as it wants, or as hold the memory and disk it wants. ok is false where the
// machine has not so many, or not the GPUs.
func (r Resources) Weight(w Resources) (slots uint32, ok bool) {
	n := max(uint64(w.Slots), 1, times(w.Memory, r.Memory), times(w.Disk, r.Disk))
	if n > uint64(r.Slots) || w.GPUs > r.GPUs || w.GPUs > 0 && w.GPUMemory > r.GPUMemory {
		return 0, false
	}
	return uint32(n), true
}

// Fits is how many tasks that want w a machine with r takes at once.
func (r Resources) Fits(w Resources) uint32 {
	weight, ok := r.Weight(w)
	if !ok {
		return 0
	}
	n := r.Slots / weight
	if w.GPUs > 0 {
		n = min(n, r.GPUs/w.GPUs)
	}
	return n
}

// times is how often part must be taken to make whole.
func times(whole, part uint64) uint64 {
	switch {
	case whole == 0:
		return 0
	case part == 0:
		return math.MaxUint64
	}
	return (whole-1)/part + 1
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
	maxFeatures  = 256
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
	case o.Resources.GPUs > 4096:
		return Invalid("offer has %d GPUs, at most 4096", o.Resources.GPUs)
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
	if o.Moves != "" && !isVersion(o.Moves) {
		return Invalid("offer's sandbox version is not a word of at most %d letters, digits or any of -_.+", maxWord)
	}
	if err := o.CPU.check(); err != nil {
		return err
	}
	if err := o.GPU.check(); err != nil {
		return err
	}
	for _, a := range o.Addrs {
		if a == "" || len(a) > maxAddrLen || a[0] != '/' {
			return Invalid("offer's address %q is not a multiaddr", clip(a))
		}
	}
	return nil
}

func isVersion(s string) bool {
	return isWord(strings.Map(func(c rune) rune {
		if c == '.' || c == '+' {
			return '-'
		}
		return c
	}, s))
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
