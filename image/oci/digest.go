package oci

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest is the SHA-256 of a manifest, a configuration or a layer, as it lies
// in a registry. The zero Digest names nothing.
type Digest [sha256.Size]byte

// DigestOf hashes b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads "sha256:" and 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	algorithm, text, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return d, fmt.Errorf("%w: digest %s; hint: it reads sha256:<64 hexadecimal digits>", ErrMalformed, clip(s))
	case algorithm != "sha256":
		return d, fmt.Errorf("%w: digest of algorithm %s; hint: only sha256 is handled", ErrUnsupported, clip(algorithm))
	case len(text) != 2*len(d) || strings.ToLower(text) != text:
		return d, fmt.Errorf("%w: digest %s; hint: it reads sha256:<64 hexadecimal digits>", ErrMalformed, clip(s))
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return Digest{}, fmt.Errorf("%w: digest %s: %w", ErrMalformed, clip(s), err)
	}
	return d, nil
}

// IsZero reports whether d names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// Hex is the digest without its algorithm, fit for a file name.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// String is the digest as it stands in manifests; empty for the zero Digest.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return "sha256:" + d.Hex()
}

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Empty text is the zero Digest.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Digest{}
		return nil
	}
	*d, err = ParseDigest(string(b))
	return err
}

// clip quotes a stranger's text and keeps it short.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%.*q…", most, s)
	}
	return fmt.Sprintf("%q", s)
}
