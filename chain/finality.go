package chain

import (
	"fmt"
	"strconv"
	"strings"
)

// Finality says when a block counts. It comes from the network file.
//
//	instant           every block is final (BFT chains, the embedded one)
//	confirmations:N   a block is final when N more stand on it
//	safe, finalized   the chain's own tag (Ethereum, most rollups)
//
// The zero value is instant.
type Finality struct {
	Tag   string // "", "safe" or "finalized"
	Depth uint64 // confirmations, where Tag is ""
}

// ParseFinality reads what String writes.
func ParseFinality(s string) (Finality, error) {
	switch s {
	case "instant", "":
		return Finality{}, nil
	case "safe", "finalized":
		return Finality{Tag: s}, nil
	}
	if n, ok := strings.CutPrefix(s, "confirmations:"); ok {
		if d, err := strconv.ParseUint(n, 10, 16); err == nil {
			return Finality{Depth: d}, nil
		}
	}
	return Finality{}, fmt.Errorf("parse finality %q; hint: instant, confirmations:N, safe or finalized", clip(s))
}

// String returns the policy as the network file has it.
func (f Finality) String() string {
	switch {
	case f.Tag != "":
		return f.Tag
	case f.Depth != 0:
		return fmt.Sprintf("confirmations:%d", f.Depth)
	}
	return "instant"
}

// MarshalText writes what String returns.
func (f Finality) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (f *Finality) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFinality(string(b))
	return err
}
