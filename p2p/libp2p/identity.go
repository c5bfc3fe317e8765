package libp2p

import (
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// idPrefix is what precedes the 33 bytes of a compressed secp256k1 key in its peer
// id: an identity multihash (0x00) of 37 bytes, which hold the protobuf
// PublicKey{Type: Secp256k1 (2), Data: 33 bytes}.
// Source: https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
const idPrefix = "\x00\x25\x08\x02\x12\x21"

// peerID returns the libp2p name of a node.
func peerID(n artel.NodeID) peer.ID { return peer.ID(idPrefix + string(n[:])) }

// nodeID is the inverse of peerID for ids that libp2p has authenticated or that
// came through parseAddr; ok is false for keys of another kind.
func nodeID(id peer.ID) (n artel.NodeID, ok bool) {
	key, ok := strings.CutPrefix(string(id), idPrefix)
	if !ok || len(key) != len(n) {
		return n, false
	}
	copy(n[:], key)
	return n, true
}

// ParseNode reads which node a person means: a node id in hex, a libp2p peer id, or a
// multiaddr that ends in one, which is then an address of it.
func ParseNode(s string) (n artel.NodeID, addr string, err error) {
	if strings.HasPrefix(s, "/") {
		info, err := parseAddr(s)
		if err != nil {
			return n, "", err
		}
		n, _ = nodeID(info.ID)
		return n, s, nil
	}
	if n, err = artel.ParseNodeID(s); err == nil {
		return n, "", nil
	}
	if id, perr := peer.Decode(s); perr == nil {
		if n, ok := nodeID(id); ok {
			if _, perr = artel.NodeIDFromBytes(n[:]); perr == nil {
				return n, "", nil
			}
		}
	}
	return n, "", p2p.Errorf(p2p.Invalid, "%q names no node", s[:min(len(s), 80)]).WithHint("the node or peer id that artel status shows there, or an address: /ip4/192.0.2.1/udp/4101/quic-v1/p2p/16Uiu2…")
}

func privateKey(k artel.Key) (crypto.PrivKey, error) {
	priv, err := crypto.UnmarshalSecp256k1PrivateKey(k.Bytes())
	if err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	return priv, nil
}

// parseAddr reads a full address and checks that it names a node.
func parseAddr(s string) (*peer.AddrInfo, error) {
	const hint = "an address reads /ip4/192.0.2.1/udp/4101/quic-v1/p2p/16Uiu2…"
	if len(s) > 1024 {
		return nil, p2p.Errorf(p2p.Invalid, "address of %d bytes", len(s)).WithHint(hint)
	}
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "not an address: %q", s).WithHint(hint)
	}
	info, err := peer.AddrInfoFromP2pAddr(addr)
	if err != nil || len(info.Addrs) == 0 {
		return nil, p2p.Errorf(p2p.Invalid, "address without host or peer id: %q", s).WithHint(hint)
	}
	n, ok := nodeID(info.ID)
	if ok {
		_, err = artel.NodeIDFromBytes(n[:])
	}
	if !ok || err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "the peer id of %q is not a node key", s).WithHint("node ids are secp256k1 keys and start with 16Uiu2")
	}
	return info, nil
}
