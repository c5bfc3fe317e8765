package artel

import (
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/sha3"
)

// Address is an account on the ledger's chain.
type Address [20]byte

// String returns the address in lower-case hex with 0x.
func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// IsZero reports whether a is the zero address, which owns nothing.
func (a Address) IsZero() bool { return a == Address{} }

// ParseAddress reads 0x and 40 hex digits of either case. A mixed-case
// checksum is not verified.
func ParseAddress(s string) (Address, error) {
	var a Address
	if err := parseHex(a[:], s); err != nil {
		return a, fmt.Errorf("parse address: %w", err)
	}
	return a, nil
}

// MarshalText writes a as String does.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Address) UnmarshalText(b []byte) (err error) { *a, err = ParseAddress(string(b)); return err }

// Hash is 32 bytes of keccak-256 or SHA-256.
type Hash [32]byte

// String returns the hash in hex with 0x.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// Short returns the first eight hex digits, for people.
func (h Hash) Short() string { return hex.EncodeToString(h[:4]) }

// IsZero reports whether h is all zeroes.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads 0x and 64 hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if err := parseHex(h[:], s); err != nil {
		return h, fmt.Errorf("parse hash: %w", err)
	}
	return h, nil
}

// MarshalText writes h as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) (err error) { *h, err = ParseHash(string(b)); return err }

func parseHex(dst []byte, s string) error {
	body, ok := strings.CutPrefix(s, "0x")
	if !ok || len(body) != 2*len(dst) {
		return fmt.Errorf("%q is not 0x and %d hex digits", clip(s), 2*len(dst))
	}
	_, err := hex.Decode(dst, []byte(body))
	return err
}

// Keccak returns the keccak-256 of the concatenated parts.
func Keccak(parts ...[]byte) Hash {
	d := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		d.Write(p)
	}
	var h Hash
	d.Sum(h[:0])
	return h
}

// NodeID is a node's identity on the network: its compressed secp256k1 public
// key. The same key is the node's libp2p peer id and, as an address, a session
// signer of its account (or the account itself, on a private network).
type NodeID [33]byte

// String returns the key in hex.
func (n NodeID) String() string { return hex.EncodeToString(n[:]) }

// Short returns the last eight hex digits, for people.
func (n NodeID) Short() string { return hex.EncodeToString(n[29:]) }

// ParseNodeID reads 66 hex digits and checks that they are a point of the curve.
func ParseNodeID(s string) (NodeID, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return NodeID{}, fmt.Errorf("parse node id %q: %w", clip(s), err)
	}
	return NodeIDFromBytes(b)
}

// NodeIDFromBytes checks that b is a compressed point of the curve.
func NodeIDFromBytes(b []byte) (NodeID, error) {
	var n NodeID
	if len(b) != len(n) {
		return n, fmt.Errorf("node id: %d bytes, want %d", len(b), len(n))
	}
	if _, err := secp256k1.ParsePubKey(b); err != nil {
		return n, fmt.Errorf("node id: %w", err)
	}
	copy(n[:], b)
	return n, nil
}

// Address returns the account address of the node key.
func (n NodeID) Address() Address {
	pub, err := secp256k1.ParsePubKey(n[:])
	if err != nil {
		return Address{}
	}
	return pubAddress(pub)
}

// MarshalText writes n in hex, and nothing for no node.
func (n NodeID) MarshalText() ([]byte, error) {
	if n == (NodeID{}) {
		return nil, nil
	}
	return []byte(n.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *NodeID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*n = NodeID{}
		return nil
	}
	*n, err = ParseNodeID(string(b))
	return err
}

func pubAddress(pub *secp256k1.PublicKey) Address {
	raw := pub.SerializeUncompressed()
	h := Keccak(raw[1:])
	return Address(h[12:])
}

// Ref names a blob by its content: a CIDv1 of a SHA-256 multihash whose codec
// is raw (one leaf) or dag-pb (a UnixFS file or directory).
// Source: https://github.com/multiformats/cid
type Ref struct {
	codec byte
	sum   [32]byte
}

// Codecs of a Ref, as in the multicodec table.
const (
	CodecRaw   = 0x55
	CodecDagPB = 0x70
)

// ErrRef says that bytes or text are not a Ref.
var ErrRef = errors.New("not a ref")

// NewRef returns the ref of a block of the given codec and SHA-256.
func NewRef(codec byte, sum [32]byte) (Ref, error) {
	if codec != CodecRaw && codec != CodecDagPB {
		return Ref{}, fmt.Errorf("%w: codec 0x%x; hint: raw (0x55) or dag-pb (0x70)", ErrRef, codec)
	}
	return Ref{codec, sum}, nil
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Codec returns CodecRaw, CodecDagPB, or 0 for the zero ref.
func (r Ref) Codec() byte { return r.codec }

// Sum returns the SHA-256 of the block.
func (r Ref) Sum() [32]byte { return r.sum }

// Bytes returns the 36 bytes of the binary CIDv1; nil for the zero ref.
func (r Ref) Bytes() []byte {
	if r.IsZero() {
		return nil
	}
	return append([]byte{1, r.codec, 0x12, 0x20}, r.sum[:]...)
}

// RefFromBytes is the inverse of Bytes.
func RefFromBytes(b []byte) (Ref, error) {
	if len(b) != 36 || b[0] != 1 || b[2] != 0x12 || b[3] != 0x20 {
		return Ref{}, fmt.Errorf("%w: want a CIDv1 with a SHA-256 multihash, 36 bytes", ErrRef)
	}
	return NewRef(b[1], [32]byte(b[4:]))
}

var cidBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the CID in multibase base32 ("bafy…"), or "" for the zero ref.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return "b" + cidBase32.EncodeToString(r.Bytes())
}

// ParseRef reads what String wrote.
func ParseRef(s string) (Ref, error) {
	body, ok := strings.CutPrefix(s, "b")
	if !ok || len(s) > 64 {
		return Ref{}, fmt.Errorf("%w: %q; hint: a CIDv1 in base32, like bafy…", ErrRef, clip(s))
	}
	b, err := cidBase32.DecodeString(body)
	if err != nil {
		return Ref{}, fmt.Errorf("%w: %q: %v", ErrRef, clip(s), err)
	}
	return RefFromBytes(b)
}

// MarshalText writes r as String does.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Ref) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = Ref{}
		return nil
	}
	*r, err = ParseRef(string(b))
	return err
}
