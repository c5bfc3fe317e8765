package artel

import (
	"encoding/binary"
	"fmt"
)

// Domain separates signatures of one contract on one chain from all others.
// Source: EIP-712.
type Domain struct {
	ChainID  uint64  `json:"chainId"`
	Ledger   Address `json:"ledger"`
	Stake    Address `json:"stake"`
	separate struct{ ledger, stake Hash }
}

// NewDomain computes the two domain separators once.
func NewDomain(chainID uint64, ledger, stake Address) Domain {
	d := Domain{ChainID: chainID, Ledger: ledger, Stake: stake}
	d.separate.ledger = separator("artel Ledger", chainID, ledger)
	d.separate.stake = separator("artel Stake", chainID, stake)
	return d
}

func separator(name string, chainID uint64, contract Address) Hash {
	t := Keccak([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"))
	n, v := Keccak([]byte(name)), Keccak([]byte("1"))
	return hashWords(t, n, v, wordUint(chainID), wordAddress(contract))
}

func (d Domain) digest(sep, structHash Hash) Hash {
	return Keccak([]byte{0x19, 0x01}, sep[:], structHash[:])
}

// Voucher is the renter's cumulative promise on a lane: up to Cumulative units
// in all, ever, are the provider's. It only ever grows; the highest one counts.
type Voucher struct {
	Renter     Address `json:"renter"`
	Provider   Address `json:"provider"`
	Lane       uint64  `json:"lane"`
	Cumulative Amount  `json:"cumulative"`
	Memo       Hash    `json:"memo"` // lease id the last unit was for; the ledger ignores it
}

// Reserve is the renter's signed wish to book Cap on a lane. It counts only in
// the lane's Epoch, which rises with every release and waiver.
type Reserve struct {
	Renter     Address `json:"renter"`
	Provider   Address `json:"provider"`
	Lane       uint64  `json:"lane"`
	Epoch      uint32  `json:"epoch"` // 24 bits on chain
	Cap        Amount  `json:"cap"`   // absolute, ever
	ValidUntil uint64  `json:"validUntil"`
}

// Rule says what a provider is paid for. A lease has exactly one.
type Rule uint8

// The pay rules.
const (
	RuleResult     Rule = 1 // short tasks: each receipt; its key is exchanged for the voucher
	RuleCheckpoint Rule = 2 // each confirmed checkpoint earns its segment
	RuleTime       Rule = 3 // services and sessions: per slice
)

// String returns the rule's word.
func (r Rule) String() string {
	switch r {
	case RuleResult:
		return "result"
	case RuleCheckpoint:
		return "checkpoint"
	case RuleTime:
		return "time"
	}
	return fmt.Sprintf("rule %d", uint8(r))
}

// Lease is what both sides sign. Its digest is the lease id. It stays small
// and stable; everything else is in the terms, of which it holds the hash.
type Lease struct {
	Renter   Address `json:"renter"`
	Provider Address `json:"provider"`
	Lane     uint64  `json:"lane"`
	Start    uint64  `json:"start"` // unix seconds, 40 bits
	End      uint64  `json:"end"`   // unix seconds, 40 bits
	Penalty  Amount  `json:"penalty"`
	Rule     Rule    `json:"rule"`
	Terms    Hash    `json:"terms"` // keccak-256 of the encoded Terms
}

// Result is what a provider signs once, and only once, of an attempt. Two
// different ones of the same attempt are proof of a lie.
type Result struct {
	Lease      Hash   `json:"lease"`
	Task       uint64 `json:"task"`
	Attempt    uint32 `json:"attempt"`
	OutputRoot Hash   `json:"outputRoot"` // SHA-256 of the output's root block; zero where there is none
	ExitCode   int32  `json:"exitCode"`
}

// Digest returns what the renter signs.
func (v Voucher) Digest(d Domain) Hash {
	return d.digest(d.separate.ledger, hashWords(
		Keccak([]byte("Voucher(address renter,address provider,uint64 lane,uint96 cumulative,bytes32 memo)")),
		wordAddress(v.Renter), wordAddress(v.Provider), wordUint(v.Lane), wordAmount(v.Cumulative), v.Memo))
}

// Digest returns what the renter signs.
func (r Reserve) Digest(d Domain) Hash {
	return d.digest(d.separate.ledger, hashWords(
		Keccak([]byte("Reserve(address renter,address provider,uint64 lane,uint24 epoch,uint96 cap,uint40 validUntil)")),
		wordAddress(r.Renter), wordAddress(r.Provider), wordUint(r.Lane), wordUint(uint64(r.Epoch)), wordAmount(r.Cap), wordUint(r.ValidUntil)))
}

// ID returns the lease id: the digest that both sides sign.
func (l Lease) ID(d Domain) Hash {
	return d.digest(d.separate.stake, hashWords(
		Keccak([]byte("Lease(address renter,address provider,uint64 lane,uint40 start,uint40 end,uint96 penalty,uint8 rule,bytes32 terms)")),
		wordAddress(l.Renter), wordAddress(l.Provider), wordUint(l.Lane), wordUint(l.Start), wordUint(l.End),
		wordAmount(l.Penalty), wordUint(uint64(l.Rule)), l.Terms))
}

// Digest returns what the provider signs.
func (r Result) Digest(d Domain) Hash {
	return d.digest(d.separate.stake, hashWords(
		Keccak([]byte("Result(bytes32 lease,uint64 task,uint32 attempt,bytes32 outputRoot,int32 exitCode)")),
		r.Lease, wordUint(r.Task), wordUint(uint64(r.Attempt)), r.OutputRoot, wordInt(int64(r.ExitCode))))
}

// Tag returns the signer tag that the top 32 bits of a lane number carry: a
// session signer may sign only for lanes with its own tag, so that no two
// controllers ever share a lane and a stolen session key reaches no other lane.
func (a Address) Tag() uint32 { return binary.BigEndian.Uint32(a[16:]) }

// LaneNumber joins a signer's tag and a number that its installation drew.
func LaneNumber(signer Address, n uint32) uint64 { return uint64(signer.Tag())<<32 | uint64(n) }

// MaySign reports whether signer may sign for the lane of account, signer
// rights on chain aside.
func MaySign(account, signer Address, lane uint64) bool {
	return account == signer || uint32(lane>>32) == signer.Tag()
}

func hashWords(words ...Hash) Hash {
	b := make([]byte, 0, 32*len(words))
	for _, w := range words {
		b = append(b, w[:]...)
	}
	return Keccak(b)
}

func wordUint(v uint64) (w Hash) {
	binary.BigEndian.PutUint64(w[24:], v)
	return w
}

func wordInt(v int64) (w Hash) {
	if v < 0 {
		for i := range w {
			w[i] = 0xff
		}
	}
	binary.BigEndian.PutUint64(w[24:], uint64(v))
	return w
}

func wordAddress(a Address) (w Hash) {
	copy(w[12:], a[:])
	return w
}

func wordAmount(a Amount) (w Hash) {
	b := a.Bytes()
	copy(w[20:], b[:])
	return w
}
