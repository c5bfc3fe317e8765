package libp2p

import (
	"bytes"
	"errors"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// TestParseNode: however a person names a node, and what is none.
func TestParseNode(t *testing.T) {
	k, err := artel.KeyFromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	want, id := k.NodeID(), peerID(k.NodeID()).String()
	at := "/ip4/192.0.2.1/udp/4101/quic-v1/p2p/" + id
	for in, addr := range map[string]string{want.String(): "", id: "", at: at} {
		if n, a, err := ParseNode(in); err != nil || n != want || a != addr {
			t.Errorf("%s: %s at %q, %v", in, n, a, err)
		}
	}
	for _, in := range []string{"", "x", "/", "/ip4/192.0.2.1/tcp/1", want.String()[2:], "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5", "02" + string(bytes.Repeat([]byte("f"), 64)), string(bytes.Repeat([]byte("/a"), 4096))} {
		var e *p2p.Error
		if _, _, err := ParseNode(in); !errors.As(err, &e) || e.Code != p2p.Invalid || e.Hint == "" {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}
