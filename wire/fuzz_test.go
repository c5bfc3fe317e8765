package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/artel-network/artel"
)

func codecNamed(name string) codec {
	for _, c := range codecs() {
		if c.name == name {
			return c
		}
	}
	panic("no codec " + name)
}

// fuzz feeds one decoder: it never panics, its errors have a kind, and what it
// accepts survives another trip.
func fuzz(f *testing.F, name string) {
	c := codecNamed(name)
	full := c.encode(c.full)
	f.Add(full)
	f.Add([]byte{})
	f.Add(full[:len(full)/2])
	f.Add(bytes.Repeat([]byte{0x0a, 0}, 2000))
	f.Add(append(bytes.Clone(full), 0xa0, 0x06, 1))
	f.Add(append(bytes.Clone(full), full...))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.decode(b)
		if err != nil {
			if !errors.Is(err, artel.ErrInvalid) && !errors.Is(err, artel.ErrSignature) {
				t.Fatalf("%v matches neither ErrInvalid nor ErrSignature", err)
			}
			return
		}
		if len(b) > c.limit {
			t.Fatalf("%d bytes accepted, the limit is %d", len(b), c.limit)
		}
		if name == "Offer" {
			return // no key here to seal it again
		}
		again, err := c.decode(c.encode(v))
		if err != nil {
			t.Fatalf("own encoding of %+v: %v", v, err)
		}
		if !reflect.DeepEqual(again, v) {
			t.Fatalf("second trip:\n got %+v\nwant %+v", again, v)
		}
	})
}

// FuzzOfferBody is FuzzOffer past the signature, where its bytes matter.
func FuzzOfferBody(f *testing.F) {
	o := testOffer()
	f.Add(encode(offerPB(o)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := readOffer(body)
		if err != nil {
			return
		}
		again, err := readOffer(encode(offerPB(o)))
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Fatalf("second trip: %+v, %v; want %+v", again, err, o)
		}
		_ = o.Check(o.Network, o.Issued, 300)
	})
}

func FuzzOffer(f *testing.F)           { fuzz(f, "Offer") }
func FuzzTerms(f *testing.F)           { fuzz(f, "Terms") }
func FuzzProposeRequest(f *testing.F)  { fuzz(f, "ProposeRequest") }
func FuzzProposeResponse(f *testing.F) { fuzz(f, "ProposeResponse") }
func FuzzReserveRequest(f *testing.F)  { fuzz(f, "ReserveRequest") }
func FuzzStartRequest(f *testing.F)    { fuzz(f, "StartRequest") }
func FuzzStartResponse(f *testing.F)   { fuzz(f, "StartResponse") }
func FuzzCancelRequest(f *testing.F)   { fuzz(f, "CancelRequest") }
func FuzzWatchRequest(f *testing.F)    { fuzz(f, "WatchRequest") }
func FuzzWatchResponse(f *testing.F)   { fuzz(f, "WatchResponse") }
func FuzzPayRequest(f *testing.F)      { fuzz(f, "PayRequest") }
func FuzzPayResponse(f *testing.F)     { fuzz(f, "PayResponse") }
func FuzzLogsRequest(f *testing.F)     { fuzz(f, "LogsRequest") }
func FuzzLogsResponse(f *testing.F)    { fuzz(f, "LogsResponse") }
func FuzzCloseRequest(f *testing.F)    { fuzz(f, "CloseRequest") }
func FuzzRecoverRequest(f *testing.F)  { fuzz(f, "RecoverRequest") }
func FuzzRecoverResponse(f *testing.F) { fuzz(f, "RecoverResponse") }

func FuzzFindRequest(f *testing.F)  { fuzz(f, "FindRequest") }
func FuzzFindResponse(f *testing.F) { fuzz(f, "FindResponse") }
func FuzzVisit(f *testing.F)        { fuzz(f, "Visit") }
func FuzzReading(f *testing.F)      { fuzz(f, "Reading") }

func FuzzChallengeRequest(f *testing.F)  { fuzz(f, "ChallengeRequest") }
func FuzzChallengeResponse(f *testing.F) { fuzz(f, "ChallengeResponse") }
func FuzzProofRequest(f *testing.F)      { fuzz(f, "ProofRequest") }
func FuzzProofResponse(f *testing.F)     { fuzz(f, "ProofResponse") }

// FuzzFrame: what is read again after writing is the same, and nothing longer
// than a frame may be is kept.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{4, 0, 0, 2, 'h', 'i'})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		for {
			kind, data, err := ReadFrame(r, nil)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, artel.ErrInvalid) {
					t.Fatal(err)
				}
				return
			}
			var w bytes.Buffer
			if err := WriteFrame(&w, kind, data); err != nil {
				t.Fatal(err)
			}
			again, more, err := ReadFrame(&w, make([]byte, 8))
			if again != kind || !bytes.Equal(more, data) || err != nil {
				t.Fatalf("frame %d of %d bytes became %d of %d: %v", kind, len(data), again, len(more), err)
			}
		}
	})
}
