package p2p

import "github.com/artel-network/artel"

// Hello is what two nodes tell each other when they meet.
type Hello struct {
	// Network is the hash of the network file, all of it.
	Network artel.Hash
	// Wire is the range of wire versions that the node speaks.
	Wire Versions
}

// Check returns the version that both speak, or OtherNetwork or Version.
func (h Hello) Check(theirs Hello) (uint32, error) {
	if h.Network != theirs.Network {
		return 0, OtherNetworkError(h.Network)
	}
	return h.Wire.Agree(theirs.Wire)
}

// OtherNetworkError says that a peer does not belong to the given network.
func OtherNetworkError(ours artel.Hash) *Error {
	return Errorf(OtherNetwork, "the peer is not of network %s", ours.Short()).
		WithHint("compare the two network files; their hashes must be equal")
}
