package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/artel-network/artel"
)

func TestOffers(t *testing.T) {
	in := [][]byte{[]byte("a"), bytes.Repeat([]byte("b"), MaxOffer), {}}
	out, err := UnmarshalOffers(MarshalOffers(in))
	if err != nil || len(out) != 3 || !bytes.Equal(out[1], in[1]) {
		t.Errorf("round trip: %d offers, %v", len(out), err)
	}
	many := make([][]byte, 2*MaxOfferList)
	if out, err := UnmarshalOffers(MarshalOffers(many)); err != nil || len(out) != MaxOfferList {
		t.Errorf("too many: %d, %v", len(out), err)
	}
	for name, b := range map[string][]byte{
		"cut": MarshalOffers(in)[:5], "another field": {0x12, 0}, "a number": {0x08, 1},
		"a huge offer": MarshalOffers([][]byte{make([]byte, MaxOffer+1)}), "huge": make([]byte, MaxOffers+1),
	} {
		if _, err := UnmarshalOffers(b); !errors.Is(err, artel.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOffers(f *testing.F) {
	f.Add(MarshalOffers([][]byte{[]byte("a"), {}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := UnmarshalOffers(b)
		if err != nil {
			return
		}
		if again, err := UnmarshalOffers(MarshalOffers(out)); err != nil || len(again) != len(out) {
			t.Errorf("%d offers become %d, %v", len(out), len(again), err)
		}
	})
}
