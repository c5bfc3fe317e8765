package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

var update = flag.Bool("update", false, "rewrite testdata/golden.json")

// codec is one message with its two directions, for the tests that all
// messages share.
type codec struct {
	name   string
	limit  int
	full   any // every field set
	decode func([]byte) (any, error)
	encode func(any) []byte
	random func(*rand.Rand) any
}

func codecOf[T interface{ Marshal() []byte }](limit int, decode func([]byte) (T, error)) codec {
	typ := reflect.TypeFor[T]()
	return codec{
		name: typ.Name(), limit: limit,
		full:   mend(fill(typ, &counter{})),
		decode: func(b []byte) (any, error) { return decode(b) },
		encode: func(v any) []byte { return v.(T).Marshal() },
		random: func(r *rand.Rand) any { return mend(fill(typ, &dice{r})) },
	}
}

// termsCodec and offerCodec put the two documents into the same shape.
func termsCodec() codec {
	typ := reflect.TypeFor[artel.Terms]()
	return codec{
		name: "Terms", limit: MaxTerms, full: fill(typ, &counter{}),
		decode: func(b []byte) (any, error) { return DecodeTerms(b) },
		encode: func(v any) []byte { return EncodeTerms(v.(artel.Terms)) },
		random: func(r *rand.Rand) any { return fill(typ, &dice{r}) },
	}
}

func offerCodec() codec {
	own := func(v any) any {
		o := v.(artel.Offer)
		o.Network, o.Node = testNetwork(), testKey(1).NodeID()
		return o
	}
	typ := reflect.TypeFor[artel.Offer]()
	return codec{
		name: "Offer", limit: MaxOffer, full: own(fill(typ, &counter{})),
		decode: func(b []byte) (any, error) { o, _, err := OpenOffer(b, testNetwork()); return o, err },
		encode: func(v any) []byte { return SealOffer(v.(artel.Offer), testKey(1)) },
		random: func(r *rand.Rand) any { return own(fill(typ, &dice{r})) },
	}
}

func codecs() []codec {
	return []codec{
		offerCodec(),
		termsCodec(),
		codecOf(MaxPropose, UnmarshalProposeRequest),
		codecOf(MaxSmall, UnmarshalProposeResponse),
		codecOf(MaxSmall, UnmarshalReserveRequest),
		codecOf(MaxStart, UnmarshalStartRequest),
		codecOf(MaxStartAnswer, UnmarshalStartResponse),
		codecOf(MaxCancel, UnmarshalCancelRequest),
		codecOf(MaxSmall, UnmarshalWatchRequest),
		codecOf(MaxWatch, UnmarshalWatchResponse),
		codecOf(MaxCancel, UnmarshalPayRequest),
		codecOf(MaxPay, UnmarshalPayResponse),
		codecOf(MaxSmall, UnmarshalLogsRequest),
		codecOf(MaxLogChunk, UnmarshalLogsResponse),
		codecOf(MaxSmall, UnmarshalCloseRequest),
		codecOf(MaxSmall, UnmarshalRecoverRequest),
		codecOf(MaxRecover, UnmarshalRecoverResponse),
		codecOf(MaxSmall, UnmarshalFindRequest),
		codecOf(MaxSmall, UnmarshalFindResponse),
		codecOf(MaxVisit, UnmarshalVisit),
		codecOf(MaxSmall, UnmarshalReading),
		codecOf(MaxSmall, UnmarshalChallengeRequest),
		codecOf(MaxSmall, UnmarshalChallengeResponse),
		codecOf(MaxSmall, UnmarshalProofRequest),
		codecOf(MaxProof, UnmarshalProofResponse),
		codecOf(MaxSmall, UnmarshalKeepRequest),
		codecOf(MaxSmall, UnmarshalKeepResponse),
		codecOf(MaxKept, UnmarshalKeptRequest),
		codecOf(MaxKept, UnmarshalKeptResponse),
	}
}

func testNetwork() artel.Hash { return artel.Keccak([]byte("test network")) }

func testKey(i byte) artel.Key {
	k, err := artel.KeyFromBytes(bytes.Repeat([]byte{i}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

// source draws the values that fill puts into fields.
type source interface {
	number(bits int) uint64
	length() int   // of a list
	present() bool // of an optional part
}

// counter sets every field, each to another value, always the same.
type counter struct{ n uint64 }

func (c *counter) number(bits int) uint64 { c.n++; return c.n%(1<<bits-1) + 1 }
func (c *counter) length() int            { return 2 }
func (c *counter) present() bool          { return true }

// dice draws at random, often the extremes.
type dice struct{ r *rand.Rand }

func (d *dice) number(bits int) uint64 {
	m := uint64(1)<<bits - 1 // bits == 64: 0 − 1
	switch d.r.IntN(4) {
	case 0:
		return 0
	case 1:
		return m
	}
	return d.r.Uint64() & m
}
func (d *dice) length() int   { return d.r.IntN(4) }
func (d *dice) present() bool { return d.r.IntN(2) == 0 }

func fill(t reflect.Type, s source) any {
	v := reflect.New(t).Elem()
	fillValue(v, s, "")
	return v.Interface()
}

func fillValue(v reflect.Value, s source, field string) {
	amount := func() artel.Amount {
		var b [12]byte
		for i := range b {
			b[i] = byte(s.number(8))
		}
		a, _ := artel.AmountFromBytes(b[:s.number(3)])
		return a
	}
	word := func() string { return strings.Repeat(string(rune('a'+s.number(4))), int(s.number(4))) }
	switch v.Type() {
	case reflect.TypeFor[artel.Amount]():
		v.Set(reflect.ValueOf(amount()))
		return
	case reflect.TypeFor[artel.Accrual]():
		x, err := artel.AccrualOf(amount()).Accrue(1, s.number(20))
		if err != nil {
			panic(err)
		}
		v.Set(reflect.ValueOf(x))
		return
	case reflect.TypeFor[artel.Ref]():
		if s.present() {
			var sum [32]byte
			sum[0], sum[31] = byte(s.number(8)), 9
			r, _ := artel.NewRef(artel.CodecRaw, sum)
			v.Set(reflect.ValueOf(r))
		}
		return
	case reflect.TypeFor[artel.NodeID]():
		if s.present() {
			v.Set(reflect.ValueOf(testKey(byte(s.number(7)) | 1).NodeID()))
		}
		return
	case reflect.TypeFor[artel.Rule]():
		v.Set(reflect.ValueOf(artel.Rule(s.number(64)%3 + 1)))
		return
	case reflect.TypeFor[artel.Reason]():
		v.SetString(word())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), s, v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		if s.present() {
			v.Set(reflect.New(v.Type().Elem()))
			fillValue(v.Elem(), s, field)
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(s.number(8))
		}
	case reflect.Slice:
		n := s.length()
		if v.Type().Elem().Kind() == reflect.Uint8 {
			n++ // keys are never empty
		}
		if n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range n {
			fillValue(v.Index(i), s, field)
		}
	case reflect.String:
		v.SetString(word())
	case reflect.Bool:
		v.SetBool(s.present())
	case reflect.Int32:
		v.SetInt(int64(int32(s.number(32))))
	case reflect.Uint64:
		switch field {
		case "Start", "End", "ValidUntil", "Issued", "Expires", "UpSince", "Until":
			v.SetUint(s.number(40))
		case "Wait":
			v.SetUint(s.number(15))
		default:
			v.SetUint(s.number(64))
		}
	case reflect.Uint32:
		if field == "Epoch" {
			v.SetUint(s.number(24))
		} else {
			v.SetUint(s.number(32))
		}
	case reflect.Uint8:
		v.SetUint(s.number(8))
	default:
		panic("fill: " + v.Type().String())
	}
}

// mend makes the drawn values hang together where a decoder checks that.
func mend(v any) any {
	switch m := v.(type) {
	case ProposeRequest:
		m.Lease.Terms = TermsHash(m.Terms)
		return m
	case RecoverResponse:
		for _, lane := range m.Lanes {
			for i := range lane.Leases {
				lane.Leases[i].Lease.Terms = TermsHash(lane.Leases[i].Terms)
			}
		}
		return m
	case WatchResponse:
		for i := range m.Events {
			m.Events[i].Seq = 7 + uint64(i)
		}
		return m
	}
	return v
}

func TestEveryFieldRoundTrips(t *testing.T) {
	for _, c := range codecs() {
		got, err := c.decode(c.encode(c.full))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !reflect.DeepEqual(got, c.full) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.full)
		}
	}
}

func TestRandomValuesRoundTrip(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 0))
	for _, c := range codecs() {
		for i := range 300 {
			want := c.random(r)
			b := c.encode(want)
			got, err := c.decode(b)
			if err != nil {
				t.Fatalf("seed %d: %s %d: %v\n%+v", seed, c.name, i, err, want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: %s %d:\n got %+v\nwant %+v", seed, c.name, i, got, want)
			}
			if !bytes.Equal(c.encode(got), b) {
				t.Fatalf("seed %d: %s %d: second encoding differs", seed, c.name, i)
			}
		}
	}
}

// TestGolden keeps the wire from changing unnoticed: other nodes run older
// builds.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "golden.json")
	have := map[string]string{}
	for _, c := range codecs() {
		have[c.name] = hex.EncodeToString(c.encode(c.full))
	}
	have["RecoverDigest"] = RecoverDigest(testNetwork(), RecoverRequest{Renter: artel.Address{1}, Node: testKey(1).NodeID(), Generation: 2}).String()
	_, id, err := OpenOffer(offerCodec().encode(offerCodec().full), testNetwork())
	if err != nil {
		t.Fatal(err)
	}
	have["Offer id"] = id.String()
	if *update {
		b, _ := json.MarshalIndent(have, "", "  ")
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for name, h := range have {
		if want[name] != h {
			t.Errorf("%s: the encoding changed; hint: a changed meaning needs a new wire version; go test ./wire -update\n got %s\nwant %s", name, h, want[name])
		}
	}
	for _, c := range codecs() {
		old, err := hex.DecodeString(want[c.name])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.decode(old); err != nil || !reflect.DeepEqual(got, c.full) {
			t.Errorf("%s: the committed bytes decode to %+v, %v", c.name, got, err)
		}
	}
}

// documents are refused with any byte that their version does not define.
func isDocument(name string) bool { return name == "Offer" || name == "Terms" }

func TestHostileBytes(t *testing.T) {
	for _, c := range codecs() {
		full := c.encode(c.full)
		refused := func(what string, b []byte) {
			t.Helper()
			v, err := c.decode(b)
			if err == nil {
				t.Errorf("%s: %s: accepted", c.name, what)
			} else if !errors.Is(err, artel.ErrInvalid) && !errors.Is(err, artel.ErrSignature) {
				t.Errorf("%s: %s: %v matches neither ErrInvalid nor ErrSignature", c.name, what, err)
			}
			if !reflect.ValueOf(v).IsZero() {
				t.Errorf("%s: %s: a value came with the error: %+v", c.name, what, v)
			}
		}
		over := append(bytes.Clone(full), protowire.AppendBytes(protowire.AppendTag(nil, 30, protowire.BytesType), make([]byte, c.limit))...)
		refused("oversized", over)
		if _, err := c.decode(over); !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, at most %d", len(over), c.limit)) {
			t.Errorf("%s: oversized, and refused only for %v", c.name, err)
		}
		refused("group", append(bytes.Clone(full), protowire.AppendTag(protowire.AppendTag(nil, 30, protowire.StartGroupType), 30, protowire.EndGroupType)...))
		refused("field 0", append(bytes.Clone(full), 0, 0))
		refused("cut tag", append(bytes.Clone(full), 0xff))
		var unknown []byte
		for range maxUnknown {
			unknown = protowire.AppendVarint(protowire.AppendTag(unknown, 200, protowire.VarintType), 1)
		}
		if isDocument(c.name) {
			refused("one unknown field", append(bytes.Clone(full), unknown[:3]...))
		} else {
			got, err := c.decode(append(bytes.Clone(full), unknown...))
			if err != nil || !reflect.DeepEqual(got, c.full) {
				t.Errorf("%s: with %d unknown fields: %+v, %v", c.name, maxUnknown, got, err)
			}
			refused("too many unknown fields", append(append(bytes.Clone(full), unknown...), unknown[:3]...))
			refused("too large an unknown field", append(bytes.Clone(full), protowire.AppendBytes(protowire.AppendTag(nil, 30, protowire.BytesType), make([]byte, maxUnknownLen))...))
		}
		// A second value of the first singular field: protobuf would merge.
		if len(full) > 0 {
			num, typ, n := protowire.ConsumeTag(full)
			size := protowire.ConsumeFieldValue(num, typ, full[n:])
			desc := (&wirepb.Lease{}).ProtoReflect().Descriptor().ParentFile().Messages().ByName(protoreflect.Name(c.name))
			if !desc.Fields().ByNumber(num).IsList() {
				refused("a field twice", append(bytes.Clone(full[:n+size]), full...))
			}
		}
		for i := range full { // never a panic, whatever is cut or flipped
			_, _ = c.decode(full[:i])
			b := bytes.Clone(full)
			b[i] ^= 1 << (i % 8)
			_, _ = c.decode(b)
		}
	}
}

// TestWidths changes one field of a full message to a shape that it must not
// have.
func TestWidths(t *testing.T) {
	lease := func() *wirepb.Lease {
		return leasePB(fill(reflect.TypeFor[artel.Lease](), &counter{}).(artel.Lease))
	}
	voucher := func() *wirepb.SignedVoucher { return voucherPB(&SignedVoucher{Voucher: artel.Voucher{Lane: 1}}) }
	reserve := func() *wirepb.SignedReserve { return reservePB(&SignedReserve{}) }
	propose := func(b []byte) error { _, err := UnmarshalProposeRequest(b); return err }
	watch := func(b []byte) error { _, err := UnmarshalWatchResponse(b); return err }
	start := func(b []byte) error { _, err := UnmarshalStartRequest(b); return err }
	leaseWith := func(change func(*wirepb.Lease)) []byte {
		l := lease()
		h := TermsHash(nil)
		l.Terms = h[:]
		change(l)
		return encode(&wirepb.ProposeRequest{Lease: l})
	}
	if err := propose(leaseWith(func(*wirepb.Lease) {})); err != nil {
		t.Fatalf("the unchanged lease: %v", err)
	}
	event := func(e *wirepb.Event) []byte { return encode(&wirepb.WatchResponse{Events: []*wirepb.Event{e}}) }
	spec := func(s *wirepb.TaskSpec) []byte {
		return encode(&wirepb.StartRequest{Starts: []*wirepb.Start{{Spec: s}}})
	}
	for _, tc := range []struct {
		name   string
		decode func([]byte) error
		b      []byte
		want   string
	}{
		{"no lease", propose, encode(&wirepb.ProposeRequest{}), "lease: missing"},
		{"address of 19 bytes", propose, leaseWith(func(l *wirepb.Lease) { l.Renter = l.Renter[1:] }), "19 bytes, want 20"},
		{"address of 21 bytes", propose, leaseWith(func(l *wirepb.Lease) { l.Provider = append(l.Provider, 1) }), "21 bytes, want 20"},
		{"rule 0", propose, leaseWith(func(l *wirepb.Lease) { l.Rule = 0 }), "want 1 to 3"},
		{"rule 4", propose, leaseWith(func(l *wirepb.Lease) { l.Rule = 4 }), "want 1 to 3"},
		{"rule 257, which is 1 in eight bits", propose, leaseWith(func(l *wirepb.Lease) { l.Rule = 257 }), "want 1 to 3"},
		{"start of 41 bits", propose, leaseWith(func(l *wirepb.Lease) { l.Start = 1 << 40 }), "lease.start"},
		{"penalty of 13 bytes", propose, leaseWith(func(l *wirepb.Lease) { l.Penalty = bytes.Repeat([]byte{1}, 13) }), "at most 12"},
		{"penalty with a leading zero", propose, leaseWith(func(l *wirepb.Lease) { l.Penalty = []byte{0, 1} }), "leading zeroes"},
		{"terms that the lease does not hold", propose, leaseWith(func(l *wirepb.Lease) { l.Terms[0] ^= 1 }), "their hash"},
		{"terms too long", propose, encode(&wirepb.ProposeRequest{Lease: lease(), Terms: make([]byte, MaxTerms+1)}), "at most 4096"},
		{"epoch of 25 bits", func(b []byte) error { _, err := UnmarshalReserveRequest(b); return err },
			encode(&wirepb.ReserveRequest{Reserve: func() *wirepb.SignedReserve { r := reserve(); r.Epoch = 1 << 24; return r }()}), "reserve.epoch"},
		{"no reserve", func(b []byte) error { _, err := UnmarshalReserveRequest(b); return err }, encode(&wirepb.ReserveRequest{}), "reserve: missing"},
		{"no voucher", func(b []byte) error { _, err := UnmarshalPayRequest(b); return err }, encode(&wirepb.PayRequest{}), "voucher: missing"},
		{"signature of 65 bytes", func(b []byte) error { _, err := UnmarshalPayRequest(b); return err },
			encode(&wirepb.PayRequest{Voucher: func() *wirepb.SignedVoucher { v := voucher(); v.Signature = make([]byte, 65); return v }()}), "want 64"},
		{"empty key", func(b []byte) error { _, err := UnmarshalPayResponse(b); return err }, encode(&wirepb.PayResponse{Keys: []*wirepb.OutputKey{{}}}), "want 1 to 128"},
		{"event 0", watch, event(&wirepb.Event{}), "begin at 1"},
		{"gap between events", watch, encode(&wirepb.WatchResponse{Events: []*wirepb.Event{{Seq: 1}, {Seq: 3}}}), "no gaps"},
		{"event twice", watch, encode(&wirepb.WatchResponse{Events: []*wirepb.Event{{Seq: 1}, {Seq: 1}}}), "no gaps"},
		{"events wrap around", watch, encode(&wirepb.WatchResponse{Events: []*wirepb.Event{{Seq: 1<<64 - 1}, {Seq: 0}}}), "begin at 1"},
		{"receipt without a result", watch, event(&wirepb.Event{Seq: 1, Receipt: &wirepb.Receipt{}}), "result: missing"},
		{"reason with a space", watch, event(&wirepb.Event{Seq: 1, Reason: "not so"}), "not a word"},
		{"long reason", watch, event(&wirepb.Event{Seq: 1, Reason: strings.Repeat("a", MaxWord+1)}), "at most 32"},
		{"long message", watch, event(&wirepb.Event{Seq: 1, Message: strings.Repeat("a", MaxText+1)}), "at most 512"},
		{"not UTF-8", watch, protowire.AppendBytes(protowire.AppendTag(nil, 4, protowire.BytesType), []byte{0xff}), "UTF-8"},
		{"attempt of 33 bits", start, protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType),
			protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 1<<32)), "exceeds 32 bits"},
		{"no spec", start, encode(&wirepb.StartRequest{Starts: []*wirepb.Start{{}}}), "spec: missing"},
		{"program of another hash", start, spec(&wirepb.TaskSpec{Program: append([]byte{1, 0x55, 0x13, 0x20}, make([]byte, 32)...)}), "SHA-256"},
		{"seed of 31 bytes", start, spec(&wirepb.TaskSpec{Seed: make([]byte, 31)}), "want 32"},
		{"too many arguments", start, spec(&wirepb.TaskSpec{Args: make([][]byte, artel.MaxArgs+1)}), "more than 256 of field args"},
		{"arguments too long", start, spec(&wirepb.TaskSpec{Args: [][]byte{make([]byte, maxArgsBytes)}, Env: [][]byte{{'A'}}}), "at most 65536"},
		{"node off the curve", func(b []byte) error { _, err := UnmarshalRecoverRequest(b); return err },
			encode(&wirepb.RecoverRequest{Node: append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)}), "node id"},
		{"accrual of 12 bytes", func(b []byte) error { _, err := UnmarshalRecoverResponse(b); return err },
			encode(&wirepb.RecoverResponse{Lanes: []*wirepb.HeldLane{{Accrued: make([]byte, 12)}}}), "accrual of 12 bytes"},
		{"accrual beyond the ledger", func(b []byte) error { _, err := UnmarshalRecoverResponse(b); return err },
			encode(&wirepb.RecoverResponse{Lanes: []*wirepb.HeldLane{{Accrued: bytes.Repeat([]byte{0xff}, 16)}}}), "exceeds"},
		{"wait for ever", func(b []byte) error { _, err := UnmarshalWatchRequest(b); return err }, encode(&wirepb.WatchRequest{Wait: MaxWait + 1}), "wait"},
		{"log data too long", func(b []byte) error { _, err := UnmarshalLogsResponse(b); return err }, encode(&wirepb.LogsResponse{Data: make([]byte, MaxLogData+1)}), "data"},
		{"eof neither true nor false", func(b []byte) error { _, err := UnmarshalLogsResponse(b); return err }, []byte{2<<3 | 0, 2}, "neither true nor false"},
	} {
		err := tc.decode(tc.b)
		if !errors.Is(err, artel.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error with %q", tc.name, err, tc.want)
		}
	}
}

// TestEmptyListItemsAreCountedFirst: two bytes say "one more item", so a
// message at its limit could otherwise become a thousand times its size.
func TestEmptyListItemsAreCountedFirst(t *testing.T) {
	for name, decode := range map[string]func([]byte) error{
		"starts": func(b []byte) error { _, err := UnmarshalStartRequest(b); return err },
		"tasks":  func(b []byte) error { _, err := UnmarshalCancelRequest(b[:MaxCancel]); return err },
		"lanes": func(b []byte) error { // field 1, not 2
			b = bytes.ReplaceAll(b[:MaxRecover], []byte{0x12}, []byte{0x0a})
			_, err := UnmarshalRecoverResponse(b)
			return err
		},
		"running": func(b []byte) error { _, err := UnmarshalWatchResponse(b[:MaxWatch]); return err },
	} {
		b := bytes.Repeat([]byte{0x12, 0}, MaxStart/2)
		var err error
		allocs := testing.AllocsPerRun(1, func() { err = decode(b) })
		if !errors.Is(err, artel.ErrInvalid) || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
		if allocs > 50 {
			t.Errorf("%s: %v allocations before the refusal", name, allocs)
		}
	}
}

// TestSchema holds what scan relies on.
func TestSchema(t *testing.T) {
	msgs := (&wirepb.Lease{}).ProtoReflect().Descriptor().ParentFile().Messages()
	var walk func(protoreflect.MessageDescriptor, int)
	walk = func(m protoreflect.MessageDescriptor, depth int) {
		if depth > 6 {
			t.Fatalf("%s nests too deep, or in a circle", m.Name())
		}
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			if fd.Number() >= 32 {
				t.Errorf("%s: field number %d", fd.FullName(), fd.Number())
			}
			if maxItems(fd) == 0 {
				t.Errorf("%s: a list without a limit", fd.FullName())
			}
			switch fd.Kind() {
			case protoreflect.MessageKind:
				walk(fd.Message(), depth+1)
			case protoreflect.BytesKind, protoreflect.StringKind:
			case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Sint32Kind, protoreflect.BoolKind:
				if fd.IsList() {
					t.Errorf("%s: a packed list, which scan does not count", fd.FullName())
				}
			default:
				t.Errorf("%s: kind %s is not handled by scan", fd.FullName(), fd.Kind())
			}
		}
	}
	for i := range msgs.Len() {
		walk(msgs.Get(i), 0)
	}
}

// TestLargestMessagesFit: what a well-behaved peer may say fits the limit of
// its message.
func TestLargestMessagesFit(t *testing.T) {
	ref, _ := artel.NewRef(artel.CodecDagPB, [32]byte{1})
	full := func(n int) (h artel.Hash) { copy(h[:], bytes.Repeat([]byte{0xff}, n)); return h }
	text, word := strings.Repeat("x", MaxText), strings.Repeat("w", MaxWord)
	const big, big32 = 1<<64 - 1, 1<<32 - 1
	sig := artel.Signature(bytes.Repeat([]byte{0xff}, 64))
	var (
		watch   = WatchResponse{Stopping: artel.Reason(word), Message: text}
		refused StartResponse
		pay     = PayResponse{Cumulative: artel.MaxAmount}
		cancel  = CancelRequest{Lease: full(32)}
	)
	for i := range MaxTasks {
		key := TaskKey{big, big32}
		watch.Events = append(watch.Events, Event{Seq: big - MaxTasks + uint64(i), Task: big, Attempt: big32, Reason: artel.Reason(word), Message: text,
			Receipt: &artel.Receipt{
				Result: artel.Result{Lease: full(32), Task: big, Attempt: big32, OutputRoot: full(32), ExitCode: -1 << 31}, Signature: sig,
				Reason: artel.Reason(word), Message: text, Usage: artel.Usage{Wall: big, CPU: big, Idle: big, Output: big, Log: big}, Sealed: ref, Due: artel.MaxAmount,
			}})
		refused.Refused = append(refused.Refused, Refusal{big, big32, artel.Reason(word), text})
		pay.Keys = append(pay.Keys, OutputKey{key, bytes.Repeat([]byte{1}, MaxKey)})
		cancel.Tasks = append(cancel.Tasks, key)
	}
	for range MaxRunning {
		watch.Running = append(watch.Running, Progress{TaskKey{big, big32}, word, big, big})
	}
	_, err1 := UnmarshalWatchResponse(watch.Marshal())
	_, err2 := UnmarshalStartResponse(refused.Marshal())
	_, err3 := UnmarshalPayResponse(pay.Marshal())
	_, err4 := UnmarshalCancelRequest(cancel.Marshal())
	_, err5 := UnmarshalLogsResponse(LogsResponse{Data: make([]byte, MaxLogData), EOF: true}.Marshal())
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Error(err)
	}
}

func TestFitStarts(t *testing.T) {
	ref, _ := artel.NewRef(artel.CodecRaw, [32]byte{1})
	small := Start{Task: 1<<64 - 1, Spec: artel.TaskSpec{Program: ref, Input: ref, Want: artel.Resources{Slots: 1 << 31, Memory: 1 << 63, Disk: 1 << 63}, Wall: 1 << 63, Log: 1 << 63, Seed: [32]byte{1}, Epoch: 1 << 63}}
	large := small
	for range artel.MaxArgs {
		large.Spec.Args = append(large.Spec.Args, strings.Repeat("a", artel.MaxArgsBytes/artel.MaxArgs))
	}
	for range artel.MaxArgs {
		large.Spec.Env = append(large.Spec.Env, "")
	}
	for name, s := range map[string]Start{"small": small, "large": large} {
		all := make([]Start, 3000)
		for i := range all {
			all[i] = s
		}
		n := FitStarts(all)
		if n == 0 || n > MaxTasks {
			t.Fatalf("%s: %d fit", name, n)
		}
		if _, err := UnmarshalStartRequest(StartRequest{Lease: artel.Hash{1}, Starts: all[:n]}.Marshal()); err != nil {
			t.Errorf("%s: %d starts that fit: %v", name, n, err)
		}
	}
	if n := FitStarts(make([]Start, 3)); n != 3 {
		t.Errorf("3 empty starts: %d fit", n)
	}
}

func TestTextIsHarmless(t *testing.T) {
	evil := "\x1b[31mred\x00\r\n\u202egnp\u2066.\u2028\xff" + strings.Repeat("é", MaxText)
	got, err := UnmarshalStartResponse(StartResponse{[]Refusal{{Message: evil, Reason: "refused"}}}.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	m := got.Refused[0].Message
	if len(m) > MaxText || strings.ContainsAny(m, "\x1b\x00\r\n\u202e\u2066\u2028") || !strings.Contains(m, "[31mred") || strings.ToValidUTF8(m, "") != m {
		t.Errorf("sent as %q", m)
	}
	// The same from a peer that does not clean.
	b := encode(&wirepb.StartResponse{Refused: []*wirepb.Refusal{{Message: "\x1b]0;x\a"}}})
	if got, err = UnmarshalStartResponse(b); err != nil || got.Refused[0].Message != " ]0;x " {
		t.Errorf("received as %q, %v", got.Refused[0].Message, err)
	}
}

func TestLimitsNameEveryMethod(t *testing.T) {
	for _, m := range []string{MethodPropose, MethodReserve, MethodStart, MethodCancel, MethodWatch, MethodPay, MethodLogs, MethodClose, MethodRecover, MethodOffer, MethodOffers, MethodFind, MethodChallenge, MethodProof} {
		if req, ans, ok := Limits(m); !ok || req < MaxSmall || ans < MaxSmall {
			t.Errorf("%s: %d, %d, %v", m, req, ans, ok)
		}
	}
	if _, _, ok := Limits("lease.steal"); ok {
		t.Error("an unknown method has limits")
	}
}
