package wire

import (
	"fmt"

	"github.com/artel-network/artel"
	"google.golang.org/protobuf/encoding/protowire"
)

// MethodOffers asks any node for sealed offers that it knows: a newcomer need
// not wait until they are announced again. Its answer is the protobuf message
//
//	message Offers { repeated bytes offer = 1; } // sealed, each at most MaxOffer
const MethodOffers = "offer.list"

// Limits of an answer to MethodOffers.
const (
	MaxOffers    = 512 << 10 // bytes
	MaxOfferList = 128       // offers
)

// MarshalOffers encodes as many of the sealed offers as fit.
func MarshalOffers(sealed [][]byte) []byte {
	var b []byte
	for i, o := range sealed {
		if i == MaxOfferList || len(b)+len(o)+16 > MaxOffers {
			break
		}
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), o)
	}
	return b
}

// UnmarshalOffers decodes what MarshalOffers encodes. The offers themselves are
// not opened.
func UnmarshalOffers(b []byte) ([][]byte, error) {
	if len(b) > MaxOffers {
		return nil, fmt.Errorf("decode offers: %w: %d bytes, at most %d", artel.ErrInvalid, len(b), MaxOffers)
	}
	var out [][]byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num != 1 || typ != protowire.BytesType {
			return nil, fmt.Errorf("decode offers: %w: field %d", artel.ErrInvalid, num)
		}
		o, m := protowire.ConsumeBytes(b[n:])
		if m < 0 || len(o) > MaxOffer || len(out) == MaxOfferList {
			return nil, fmt.Errorf("decode offers: %w: offer %d", artel.ErrInvalid, len(out))
		}
		out, b = append(out, o), b[n+m:]
	}
	return out, nil
}
