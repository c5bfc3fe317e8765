package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// Kinds of signed documents. The kind and the network are part of what is
// signed, so that no signature counts for another kind or on another network.
const (
	kindOffer   = "offer"
	kindRecover = "recover"
	kindGrant   = "grant"
)

// docDigest returns what a node signs of a document: keccak-256 of
// "artel/<kind>/1\n", the network's hash and the body's bytes as sent.
func docDigest(kind string, network artel.Hash, body []byte) artel.Hash {
	return artel.Keccak([]byte("artel/"+kind+"/1\n"), network[:], body)
}

// seal signs body and returns the encoded Signed.
func seal(kind string, network artel.Hash, body []byte, key artel.Key) []byte {
	sig := key.Sign(docDigest(kind, network, body))
	return encode(&wirepb.Signed{Body: body, Signature: sig[:]})
}

// opened is an envelope whose shape is right; its signature is not yet checked.
type opened struct {
	body      []byte
	signature artel.Signature
	digest    artel.Hash
}

// open reads an envelope. Only the canonical encoding is taken: bytes that a
// relay could add would otherwise make two documents of one.
func open(kind string, network artel.Hash, b []byte, limit int) (opened, error) {
	var m wirepb.Signed
	if err := decode(b, limit, strict, &m); err != nil {
		return opened{}, err
	}
	if len(m.Signature) != len(artel.Signature{}) {
		return opened{}, artel.Invalid("decode Signed: signature: %d bytes, want 64", len(m.Signature))
	}
	return opened{m.Body, artel.Signature(m.Signature), docDigest(kind, network, m.Body)}, nil
}

// by checks that node signed.
func (s opened) by(node artel.NodeID) error {
	signer, err := s.signature.NodeID(s.digest)
	if err != nil {
		return err
	}
	if signer != node {
		return fmt.Errorf("%w: made by node %s, not by %s", artel.ErrSignature, signer.Short(), node.Short())
	}
	return nil
}

// RecoverDigest returns what the renter's node signs of r, its Signature aside:
// keccak-256 of "artel/recover/1\n", the network's hash, and renter (20 bytes),
// node (33) and generation (8, big-endian).
func RecoverDigest(network artel.Hash, r RecoverRequest) artel.Hash {
	body := make([]byte, 0, 61)
	body = append(body, r.Renter[:]...)
	body = append(body, r.Node[:]...)
	body = binary.BigEndian.AppendUint64(body, r.Generation)
	return docDigest(kindRecover, network, body)
}
