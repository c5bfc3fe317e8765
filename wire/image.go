package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// FindRequest asks a node whether it has a blob of an image, and serves it.
type FindRequest struct {
	Digest artel.Hash // sha256 of the blob's bytes, as manifests name it
}

// FindResponse says under which ref. Whoever fetches it compares the bytes with
// the digest: the answer is a stranger's word.
type FindResponse struct {
	Ref  artel.Ref // zero: it has none
	Size uint64
}

// Marshal encodes m.
func (m FindRequest) Marshal() []byte { return encode(&wirepb.FindRequest{Digest: blank(m.Digest[:])}) }

// UnmarshalFindRequest decodes what a peer sent.
func UnmarshalFindRequest(b []byte) (FindRequest, error) {
	var p wirepb.FindRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return FindRequest{}, err
	}
	r := reader{message: "FindRequest"}
	m := FindRequest{Digest: r.hash("digest", p.Digest)}
	if r.err != nil {
		return FindRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m FindResponse) Marshal() []byte {
	return encode(&wirepb.FindResponse{Ref: m.Ref.Bytes(), Size: m.Size})
}

// UnmarshalFindResponse decodes what a peer sent.
func UnmarshalFindResponse(b []byte) (FindResponse, error) {
	var p wirepb.FindResponse
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return FindResponse{}, err
	}
	r := reader{message: "FindResponse"}
	m := FindResponse{Ref: r.ref("ref", p.Ref), Size: p.Size}
	if r.err != nil {
		return FindResponse{}, r.err
	}
	return m, nil
}
