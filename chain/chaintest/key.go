package chaintest

import (
	"crypto/rand"
	"testing"

	"github.com/artel-network/artel"
)

// NewKey returns a random key.
func NewKey(t *testing.T) artel.Key {
	t.Helper()
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	b[0] &= 0x7f // below the group's order
	k, err := artel.KeyFromBytes(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}
