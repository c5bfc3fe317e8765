package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// Hello is the first thing either side says on a connection.
type Hello struct {
	Network  artel.Hash // hash of the network file
	Min, Max uint32     // wire versions it speaks
	Software string     // for people, like "artel/0.1.0"
}

// NewHello returns what this build says.
func NewHello(network artel.Hash, software string) Hello {
	return Hello{Network: network, Min: MinVersion, Max: MaxVersion, Software: software}
}

// Agree returns the wire version that both sides use: the highest that both
// speak. It is an error when they are of different networks or share none.
func (m Hello) Agree(peer Hello) (version uint32, err error) {
	if m.Network != peer.Network {
		return 0, artel.Invalid("peer is on network %s, this is %s; hint: both sides need the same network file", peer.Network.Short(), m.Network.Short())
	}
	version = min(m.Max, peer.Max)
	if version < max(m.Min, peer.Min) {
		return 0, artel.Invalid("peer speaks wire versions %d to %d (%s), this node %d to %d; hint: the older side should update",
			peer.Min, peer.Max, peer.Software, m.Min, m.Max)
	}
	return version, nil
}

// Marshal encodes m.
func (m Hello) Marshal() []byte {
	return encode(&wirepb.Hello{Network: blank(m.Network[:]), MinVersion: m.Min, MaxVersion: m.Max, Software: clean(m.Software, maxSoftware)})
}

// UnmarshalHello decodes what a peer sent.
func UnmarshalHello(b []byte) (Hello, error) {
	var p wirepb.Hello
	if err := decode(b, MaxHello, tolerant, &p); err != nil {
		return Hello{}, err
	}
	r := reader{message: "Hello"}
	m := Hello{Network: r.hash("network", p.Network), Min: p.MinVersion, Max: p.MaxVersion, Software: r.text("software", p.Software, maxSoftware)}
	if m.Min == 0 || m.Max < m.Min {
		r.fail("versions", "%d to %d, want 1 ≤ min ≤ max", m.Min, m.Max)
	}
	if r.err != nil {
		return Hello{}, r.err
	}
	return m, nil
}
