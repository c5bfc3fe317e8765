package wire

import (
	"bytes"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

func testOffer() artel.Offer { return offerCodec().full.(artel.Offer) }

func TestOfferID(t *testing.T) {
	o := testOffer()
	b := SealOffer(o, testKey(1))
	got, id, err := OpenOffer(b, o.Network)
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Fatalf("got %+v, %v", got, err)
	}
	var m wirepb.Signed
	if err := proto.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if want := artel.Keccak([]byte("artel/offer/1\n"), o.Network[:], m.Body); id != want {
		t.Errorf("id %s, want %s", id, want)
	}
	o.Seq++
	if _, other, _ := OpenOffer(SealOffer(o, testKey(1)), o.Network); other == id {
		t.Error("two offers share an id")
	}
}

// TestOfferMutations changes every field of a signed body, one at a time, and
// keeps the signature.
func TestOfferMutations(t *testing.T) {
	o := testOffer()
	sealed := SealOffer(o, testKey(1))
	var env wirepb.Signed
	if err := proto.Unmarshal(sealed, &env); err != nil {
		t.Fatal(err)
	}
	forge := func(m *wirepb.Offer) []byte {
		return encode(&wirepb.Signed{Body: encode(m), Signature: env.Signature})
	}
	if _, _, err := OpenOffer(forge(offerPB(o)), o.Network); err != nil {
		t.Fatalf("the unchanged body: %v", err)
	}
	for name, change := range map[string]func(*wirepb.Offer){
		"network":    func(m *wirepb.Offer) { m.Network = bytes.Repeat([]byte{1}, 32) },
		"node":       func(m *wirepb.Offer) { n := testKey(2).NodeID(); m.Node = n[:] },
		"account":    func(m *wirepb.Offer) { m.Account[0] ^= 1 },
		"machine":    func(m *wirepb.Offer) { m.Machine[0] ^= 1 },
		"seq":        func(m *wirepb.Offer) { m.Seq++ },
		"issued":     func(m *wirepb.Offer) { m.Issued++ },
		"expires":    func(m *wirepb.Offer) { m.Expires++ },
		"slots":      func(m *wirepb.Offer) { m.Resources.Slots++ },
		"memory":     func(m *wirepb.Offer) { m.Resources.Memory++ },
		"disk":       func(m *wirepb.Offer) { m.Resources.Disk++ },
		"price":      func(m *wirepb.Offer) { m.Price-- },
		"region":     func(m *wirepb.Offer) { m.Region += "x" },
		"sandboxes":  func(m *wirepb.Offer) { m.Sandboxes = append(m.Sandboxes, "x") },
		"speed":      func(m *wirepb.Offer) { m.Speed++ },
		"up_since":   func(m *wirepb.Offer) { m.UpSince-- },
		"max_unpaid": func(m *wirepb.Offer) { m.MaxUnpaid = nil },
		"prepay":     func(m *wirepb.Offer) { m.Prepay = !m.Prepay },
		"max_unit":   func(m *wirepb.Offer) { m.MaxUnit++ },
		"addrs":      func(m *wirepb.Offer) { m.Addrs = m.Addrs[1:] },
	} {
		m := offerPB(o)
		change(m)
		_, id, err := OpenOffer(forge(m), o.Network)
		if name == "network" {
			if !errors.Is(err, artel.ErrInvalid) || !strings.Contains(err.Error(), "network file") {
				t.Errorf("network: %v", err)
			}
			// The thief's own network: now it is the signature that gives it away.
			_, _, err = OpenOffer(forge(m), artel.Hash(bytes.Repeat([]byte{1}, 32)))
		}
		if !errors.Is(err, artel.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
		if !id.IsZero() {
			t.Errorf("%s: an id came with the error", name)
		}
	}
}

func TestOfferEveryByteFlipped(t *testing.T) {
	o := testOffer()
	o.Sandboxes, o.Addrs = o.Sandboxes[:1], o.Addrs[:1]
	sealed := SealOffer(o, testKey(1))
	for i := range sealed {
		for _, bit := range []int{i % 8, (i + 3) % 8} {
			b := bytes.Clone(sealed)
			b[i] ^= 1 << bit
			if got, _, err := OpenOffer(b, o.Network); err == nil {
				t.Fatalf("byte %d bit %d: accepted as %+v", i, bit, got)
			}
		}
	}
}

func TestOfferForgeries(t *testing.T) {
	o := testOffer()
	sealed := SealOffer(o, testKey(1))
	var env wirepb.Signed
	if err := proto.Unmarshal(sealed, &env); err != nil {
		t.Fatal(err)
	}
	high := bytes.Clone(env.Signature) // the twin with n−s and the other parity
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	s := new(big.Int).SetBytes(append([]byte{high[32] & 0x7f}, high[33:]...))
	new(big.Int).Sub(n, s).FillBytes(high[32:])

	otherKind := testKey(1).Sign(docDigest("lease", o.Network, env.Body))
	bare := testKey(1).Sign(artel.Keccak(env.Body))
	noNode := o
	noNode.Node = artel.NodeID{}
	bigBody := offerPB(o)
	for range 16 {
		bigBody.Addrs = append(bigBody.Addrs, strings.Repeat("/", MaxOffer/16))
	}
	for name, tc := range map[string]struct {
		b    []byte
		want error
	}{
		"wrong signer":               {SealOffer(o, testKey(2)), artel.ErrSignature},
		"no node":                    {SealOffer(noNode, testKey(1)), artel.ErrSignature},
		"signed as another kind":     {encode(&wirepb.Signed{Body: env.Body, Signature: otherKind[:]}), artel.ErrSignature},
		"signed without a domain":    {encode(&wirepb.Signed{Body: env.Body, Signature: bare[:]}), artel.ErrSignature},
		"signed for another network": {seal(kindOffer, artel.Hash{1}, env.Body, testKey(1)), artel.ErrSignature},
		"high s":                     {encode(&wirepb.Signed{Body: env.Body, Signature: high}), artel.ErrSignature},
		"zero signature":             {encode(&wirepb.Signed{Body: env.Body, Signature: make([]byte, 64)}), artel.ErrSignature},
		"no signature":               {encode(&wirepb.Signed{Body: env.Body}), artel.ErrInvalid},
		"no body":                    {encode(&wirepb.Signed{Signature: env.Signature}), artel.ErrInvalid},
		"nothing":                    {nil, artel.ErrInvalid},
		"oversized":                  {seal(kindOffer, o.Network, encode(bigBody), testKey(1)), artel.ErrInvalid},
		"envelope with a rider":      {append(bytes.Clone(sealed), 3<<3, 1), artel.ErrInvalid},
		"envelope out of order": {append(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), env.Signature),
			protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), env.Body)...), artel.ErrInvalid},
		"envelope with a long varint": {append([]byte{sealed[0] | 0x80, 0}, sealed[1:]...), artel.ErrInvalid},
	} {
		if _, _, err := OpenOffer(tc.b, o.Network); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

// TestOfferOfALaterBuild: a field that this build does not know is skipped and
// still covered by the signature.
func TestOfferOfALaterBuild(t *testing.T) {
	o := testOffer()
	body := append(encode(offerPB(o)), protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7)...)
	got, id, err := OpenOffer(seal(kindOffer, o.Network, body, testKey(1)), o.Network)
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if id != artel.Keccak([]byte("artel/offer/1\n"), o.Network[:], body) {
		t.Error("the id does not cover the unknown field")
	}
}

func TestTermsAreCanonical(t *testing.T) {
	terms := termsCodec().full.(artel.Terms)
	b := EncodeTerms(terms)
	for name, bad := range map[string][]byte{
		"empty":               {},
		"version 0":           b[2:],
		"version 2":           append([]byte{1 << 3, 2}, b[2:]...),
		"explicit zero":       append(bytes.Clone(b), 15<<3, 0),
		"long varint":         append([]byte{1 << 3, 0x81, 0}, b[2:]...),
		"fields out of order": append(bytes.Clone(b[2:]), b[:2]...),
		"unknown field":       append(bytes.Clone(b), 16<<3|0x80, 1, 1),
		"zero hash written out": func() []byte {
			m := &wirepb.Terms{Version: TermsVersion, Offer: make([]byte, 32)}
			return encode(m)
		}(),
		"empty resources written out": encode(&wirepb.Terms{Version: TermsVersion, Resources: &wirepb.Resources{}}),
	} {
		if got, err := DecodeTerms(bad); !errors.Is(err, artel.ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := DecodeTerms(append([]byte{1 << 3, 2}, b[2:]...)); err == nil || !strings.Contains(err.Error(), "version 2, this build reads 1") {
		t.Errorf("version 2: %v", err)
	}
	if got, err := DecodeTerms(b); err != nil || got != terms {
		t.Errorf("the unchanged terms: %+v, %v", got, err)
	}
}

func TestRecoverDigestCoversEverything(t *testing.T) {
	n := testNetwork()
	r := RecoverRequest{Renter: artel.Address{1}, Node: testKey(1).NodeID(), Generation: 5}
	d := RecoverDigest(n, r)
	for name, other := range map[string]artel.Hash{
		"network":    RecoverDigest(artel.Hash{1}, r),
		"renter":     RecoverDigest(n, RecoverRequest{artel.Address{2}, r.Node, r.Generation, r.Signature}),
		"node":       RecoverDigest(n, RecoverRequest{r.Renter, testKey(2).NodeID(), r.Generation, r.Signature}),
		"generation": RecoverDigest(n, RecoverRequest{r.Renter, r.Node, 6, r.Signature}),
	} {
		if other == d {
			t.Errorf("%s is not signed", name)
		}
	}
	r.Signature = testKey(1).Sign(d)
	if RecoverDigest(n, r) != d {
		t.Error("the signature changes what it signs")
	}
	back, err := UnmarshalRecoverRequest(r.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if who, err := back.Signature.NodeID(RecoverDigest(n, back)); err != nil || who != r.Node {
		t.Errorf("after the wire: signed by %s, %v", who, err)
	}
}

func BenchmarkOpenOffer(b *testing.B) {
	o := testOffer()
	sealed := SealOffer(o, testKey(1))
	for b.Loop() {
		if _, _, err := OpenOffer(sealed, o.Network); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWatchResponse(b *testing.B) {
	m := codecNamed("WatchResponse")
	for b.Loop() {
		if _, err := m.decode(m.encode(m.full)); err != nil {
			b.Fatal(err)
		}
	}
}
