package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// FindRequest asks a node which blobs of an image it has and serves.
type FindRequest struct {
	Image artel.Hash // sha256 of a manifest or index
}

// FindResponse lists them, the manifests among them. None is an answer too.
type FindResponse struct {
	Blobs []Found
}

// Found is one blob of an image. Whoever fetches Ref checks that its bytes have
// the digest that the image names: the answer is a stranger's word.
type Found struct {
	Digest artel.Hash // sha256 of its bytes
	Size   uint64
	Ref    artel.Ref
}

// Marshal encodes m.
func (m FindRequest) Marshal() []byte { return encode(&wirepb.FindRequest{Image: blank(m.Image[:])}) }

// UnmarshalFindRequest decodes what a peer sent.
func UnmarshalFindRequest(b []byte) (FindRequest, error) {
	var p wirepb.FindRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return FindRequest{}, err
	}
	r := reader{message: "FindRequest"}
	m := FindRequest{Image: r.hash("image", p.Image)}
	if r.err != nil {
		return FindRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m; it holds at most MaxFound blobs.
func (m FindResponse) Marshal() []byte {
	p := &wirepb.FindResponse{}
	for _, f := range m.Blobs {
		p.Blobs = append(p.Blobs, &wirepb.Found{Digest: blank(f.Digest[:]), Size: f.Size, Ref: f.Ref.Bytes()})
	}
	return encode(p)
}

// UnmarshalFindResponse decodes what a peer sent.
func UnmarshalFindResponse(b []byte) (FindResponse, error) {
	var p wirepb.FindResponse
	if err := decode(b, MaxFind, tolerant, &p); err != nil {
		return FindResponse{}, err
	}
	r := reader{message: "FindResponse"}
	var m FindResponse
	for _, f := range p.Blobs {
		m.Blobs = append(m.Blobs, Found{Digest: r.hash("digest", f.Digest), Size: f.Size, Ref: r.ref("ref", f.Ref)})
	}
	if r.err != nil {
		return FindResponse{}, r.err
	}
	return m, nil
}
