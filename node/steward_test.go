package node

import (
	"slices"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p/libp2p"
)

// A steward says where it is to be found, and not where others are: nobody is dialled at
// its word.
func TestStewardsOwnAddresses(t *testing.T) {
	const id, other = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ", "16Uiu2HAm3RfNzRRWzq84vAX4rpGaMZ6bVkKcgn9zVs4QqLfnK7pN"
	const here = "/ip4/192.0.2.1/udp/4101/quic-v1/p2p/" + id
	const by = "/ip4/192.0.2.9/tcp/4101/p2p/" + id + "/p2p-circuit/p2p/" + id
	node, _, err := libp2p.ParseNode(id)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{
		here, here, "/ip4/10.0.0.1/tcp/22/p2p/" + other, "/ip4/10.0.0.1/tcp/22", id, "", "/p2p/", by,
		"/ip4/192.0.2.1/tcp/1/p2p/" + id + "/p2p-circuit/p2p/" + other,
	}
	if got := addrsOf(node, nil, said); !slices.Equal(got, []string{here, by}) {
		t.Errorf("taken: %q", got)
	}
	var many []string
	for i := range 100 {
		many = append(many, "/ip4/192.0.2.1/tcp/"+string(rune('1'+i%9))+string(rune('0'+i/9%10))+"/p2p/"+id)
	}
	if got := addrsOf(node, nil, many); len(got) != stewardAddrs {
		t.Errorf("%d addresses are taken, want %d", len(got), stewardAddrs)
	}
	if got := addrsOf(artel.NodeID{}, []string{here}, nil); !slices.Equal(got, []string{here}) {
		t.Errorf("forgotten: %q", got)
	}
}
