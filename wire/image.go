package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// FindRequest asks a node whether it has a blob of an image, and serves it. It is
// also the first frame (FrameOpen) of an image stream, then without a Digest.
type FindRequest struct {
	Digest artel.Hash // sha256 of the blob's bytes, as manifests name it
	// Owner is the renter whose own image it is; zero: it is a registry's, and
	// anybody may have it.
	Owner artel.NodeID
	Image artel.Hash // what the lease names
	Grant *Grant     // the owner's word for who asks; nil: the owner itself is asked, or none is needed
}

// FindResponse says under which ref. Whoever fetches it compares the bytes with
// the digest: the answer is a stranger's word.
type FindResponse struct {
	Ref   artel.Ref // zero: it has none, or not for who asks
	Size  uint64
	Grant *Grant // for who asks, to be shown to others; from the owner alone
}

// Grant is an owner's word that a node may have its image. It is of use to that
// node only: a peer proves its id by its connection.
type Grant struct {
	Image     artel.Hash
	Node      artel.NodeID
	Expires   uint64 // unix seconds
	Signature artel.Signature
}

// SignGrant makes a grant.
func SignGrant(network artel.Hash, owner artel.Key, image artel.Hash, node artel.NodeID, expires uint64) Grant {
	g := Grant{Image: image, Node: node, Expires: expires}
	g.Signature = owner.Sign(GrantDigest(network, g))
	return g
}

// GrantDigest returns what the owner's node signs of g, its Signature aside:
// keccak-256 of "artel/grant/1\n", the network's hash, and image (32 bytes), node
// (33) and expires (8, big-endian).
func GrantDigest(network artel.Hash, g Grant) artel.Hash {
	body := make([]byte, 0, 73)
	body = append(body, g.Image[:]...)
	body = append(body, g.Node[:]...)
	body = binary.BigEndian.AppendUint64(body, g.Expires)
	return docDigest(kindGrant, network, body)
}

// Check says why g does not give node the owner's image at the unix second now;
// nil: it does.
func (g *Grant) Check(network artel.Hash, owner artel.NodeID, image artel.Hash, node artel.NodeID, now uint64) error {
	switch {
	case g == nil:
		return artel.Invalid("no grant is shown")
	case g.Node != node:
		return artel.Invalid("the grant is for node %s, %s shows it", g.Node.Short(), node.Short())
	case g.Image != image:
		return artel.Invalid("the grant is for image %s, %s is asked for", g.Image.Short(), image.Short())
	case g.Expires <= now:
		return artel.Invalid("the grant ended %d s ago", now-g.Expires)
	}
	signer, err := g.Signature.NodeID(GrantDigest(network, *g))
	if err == nil && signer != owner {
		err = fmt.Errorf("%w: the grant is node %s's, the image %s's", artel.ErrSignature, signer.Short(), owner.Short())
	}
	return err
}

func grantPB(g *Grant) *wirepb.Grant {
	if g == nil {
		return nil
	}
	return &wirepb.Grant{Image: blank(g.Image[:]), Node: blank(g.Node[:]), Expires: g.Expires, Signature: blank(g.Signature[:])}
}

func (r *reader) grant(field string, p *wirepb.Grant) *Grant {
	if p == nil {
		return nil
	}
	return &Grant{
		Image: r.hash(field+".image", p.Image), Node: r.node(field+".node", p.Node), Expires: p.Expires,
		Signature: r.signature(field+".signature", p.Signature),
	}
}

// Marshal encodes m.
func (m FindRequest) Marshal() []byte {
	return encode(&wirepb.FindRequest{Digest: blank(m.Digest[:]), Owner: blank(m.Owner[:]), Image: blank(m.Image[:]), Grant: grantPB(m.Grant)})
}

// UnmarshalFindRequest decodes what a peer sent.
func UnmarshalFindRequest(b []byte) (FindRequest, error) {
	var p wirepb.FindRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return FindRequest{}, err
	}
	r := reader{message: "FindRequest"}
	m := FindRequest{
		Digest: r.hash("digest", p.Digest), Owner: r.node("owner", p.Owner), Image: r.hash("image", p.Image), Grant: r.grant("grant", p.Grant),
	}
	if r.err != nil {
		return FindRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m FindResponse) Marshal() []byte {
	return encode(&wirepb.FindResponse{Ref: m.Ref.Bytes(), Size: m.Size, Grant: grantPB(m.Grant)})
}

// UnmarshalFindResponse decodes what a peer sent.
func UnmarshalFindResponse(b []byte) (FindResponse, error) {
	var p wirepb.FindResponse
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return FindResponse{}, err
	}
	r := reader{message: "FindResponse"}
	m := FindResponse{Ref: r.ref("ref", p.Ref), Size: p.Size, Grant: r.grant("grant", p.Grant)}
	if r.err != nil {
		return FindResponse{}, r.err
	}
	return m, nil
}
