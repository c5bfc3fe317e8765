package artel

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// ErrSignature says that a signature is malformed or was made by another key.
var ErrSignature = errors.New("bad signature")

// Signature is a recoverable secp256k1 signature in the compact form of
// EIP-2098: r, then s with the y-parity in its top bit. s is always low.
type Signature [64]byte

// IsZero reports whether there is no signature.
func (s Signature) IsZero() bool { return s == Signature{} }

// R returns the first word, as the contracts take it.
func (s Signature) R() [32]byte { return [32]byte(s[:32]) }

// VS returns the second word, as the contracts take it.
func (s Signature) VS() [32]byte { return [32]byte(s[32:]) }

// String returns the signature in hex with 0x.
func (s Signature) String() string { return "0x" + hex.EncodeToString(s[:]) }

// NodeID recovers the public key that made s over digest. A high s, a zero
// word or a point off the curve is ErrSignature.
func (s Signature) NodeID(digest Hash) (NodeID, error) {
	pub, err := s.recover(digest)
	if err != nil {
		return NodeID{}, err
	}
	return NodeID(pub.SerializeCompressed()), nil
}

// Signer recovers the address whose key made s over digest.
func (s Signature) Signer(digest Hash) (Address, error) {
	pub, err := s.recover(digest)
	if err != nil {
		return Address{}, err
	}
	return pubAddress(pub), nil
}

func (s Signature) recover(digest Hash) (*secp256k1.PublicKey, error) {
	var c [65]byte
	c[0] = 27 + s[32]>>7
	copy(c[1:], s[:])
	c[33] &= 0x7f
	var sc secp256k1.ModNScalar
	if sc.SetByteSlice(c[33:]) || sc.IsOverHalfOrder() {
		return nil, fmt.Errorf("%w: s is not low", ErrSignature)
	}
	pub, _, err := ecdsa.RecoverCompact(c[:], digest[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	return pub, nil
}

// Key signs. It holds a secret: it has no String that shows it.
type Key struct {
	priv *secp256k1.PrivateKey
	id   NodeID
	addr Address
}

// KeyFromBytes reads a 32-byte secret in 1..n−1.
func KeyFromBytes(b []byte) (Key, error) {
	var sc secp256k1.ModNScalar
	if len(b) != 32 || sc.SetByteSlice(b) || sc.IsZero() {
		return Key{}, errors.New("read key: want 32 bytes in 1..n-1 of secp256k1")
	}
	priv := secp256k1.NewPrivateKey(&sc)
	pub := priv.PubKey()
	return Key{priv, NodeID(pub.SerializeCompressed()), pubAddress(pub)}, nil
}

// Bytes returns the 32-byte secret. Whoever sees it can spend what it may sign.
func (k Key) Bytes() []byte { return k.priv.Serialize() }

// NodeID returns the public half.
func (k Key) NodeID() NodeID { return k.id }

// Address returns the key's account address.
func (k Key) Address() Address { return k.addr }

// Sign signs a digest, deterministically (RFC 6979).
func (k Key) Sign(digest Hash) Signature {
	c := ecdsa.SignCompact(k.priv, digest[:], false)
	var s Signature
	copy(s[:], c[1:])
	s[32] |= (c[0] - 27) << 7
	return s
}

// String hides the secret and shows the address.
func (k Key) String() string {
	if k.priv == nil {
		return "no key"
	}
	return "key of " + k.Address().String()
}

// GoString hides the secret as String does.
func (k Key) GoString() string { return k.String() }

// MarshalText writes the signature as String does.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Signature) UnmarshalText(b []byte) error {
	if err := parseHex(s[:], string(b)); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}
