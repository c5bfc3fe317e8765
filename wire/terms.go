package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// TermsVersion is the version of terms that this build writes and reads.
const TermsVersion = 1

// EncodeTerms returns the one encoding of t; its keccak-256 is what the lease
// holds (see TermsHash).
func EncodeTerms(t artel.Terms) []byte {
	return encode(&wirepb.Terms{
		Version: TermsVersion,
		Network: blank(t.Network[:]), Node: blank(t.Node[:]), Renter: blank(t.Renter[:]), Offer: blank(t.Offer[:]), Nonce: blank(t.Nonce[:]),
		Slots: t.Slots, Price: uint64(t.Price), Unit: t.Unit, Resources: resourcesPB(t.Resources), Sandbox: valid(t.Sandbox),
		MaxUnpaid: amountBytes(t.MaxUnpaid), Prepaid: amountBytes(t.Prepaid), Base: accrualBytes(t.Base), Generation: t.Gen,
		Image: blank(t.Image[:]), Pull: t.Pull, PullFree: t.PullFree, PullPrice: uint64(t.PullPrice), Label: valid(string(t.Label)), Risk: t.Risk,
	})
}

// DecodeTerms reads what EncodeTerms wrote. Another version, an unknown field or
// any other encoding of the same terms is refused: nobody signs what it cannot
// read in full.
func DecodeTerms(b []byte) (artel.Terms, error) {
	var m wirepb.Terms
	if err := decode(b, MaxTerms, strict, &m); err != nil {
		return artel.Terms{}, err
	}
	if m.Version != TermsVersion {
		return artel.Terms{}, artel.Invalid("decode Terms: version %d, this build reads %d; hint: the older side should update", m.Version, TermsVersion)
	}
	r := reader{message: "Terms"}
	t := artel.Terms{
		Network: r.hash("network", m.Network), Node: r.node("node", m.Node), Renter: r.node("renter", m.Renter), Offer: r.hash("offer", m.Offer),
		Slots: m.Slots, Price: artel.Price(m.Price), Unit: m.Unit, Resources: resources(m.Resources), Sandbox: r.name("sandbox", m.Sandbox),
		MaxUnpaid: r.amount("max_unpaid", m.MaxUnpaid), Prepaid: r.amount("prepaid", m.Prepaid), Base: r.accrual("base", m.Base), Gen: m.Generation,
		Image: r.hash("image", m.Image), Pull: m.Pull, PullFree: m.PullFree, PullPrice: artel.Price(m.PullPrice), Label: artel.Label(r.word("label", m.Label)), Risk: m.Risk,
	}
	r.fixed("nonce", t.Nonce[:], m.Nonce)
	if r.err != nil {
		return artel.Terms{}, r.err
	}
	// An absent field and one of zero bytes would be two encodings of one value.
	if string(EncodeTerms(t)) != string(b) {
		return artel.Terms{}, artel.Invalid("decode Terms: the encoding is not the canonical one")
	}
	return t, nil
}

// TermsHash returns what Lease.Terms must be for these encoded terms.
func TermsHash(terms []byte) artel.Hash { return artel.Keccak(terms) }
