package main

import (
	"testing"

	"github.com/artel-network/artel"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		offer artel.Offer
		want  string
	}{
		{artel.Offer{Sandboxes: []string{"wasm"}}, "-"},
		{artel.Offer{Sandboxes: []string{"wasm"}, Strict: true}, "-"}, // there is nothing that it speaks of
		{artel.Offer{Sandboxes: []string{"gvisor", "wasm"}}, "loose"},
		{artel.Offer{Sandboxes: []string{"gvisor", "wasm"}, Strict: true}, "strict"},
	} {
		if got := limits(c.offer); got != c.want {
			t.Errorf("limits of %v, strict %t: %q, want %q", c.offer.Sandboxes, c.offer.Strict, got, c.want)
		}
	}
}
