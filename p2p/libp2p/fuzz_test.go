package libp2p

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

func FuzzHello(f *testing.F) {
	f.Add(formatHello(p2p.Hello{Network: artel.Keccak([]byte("x")), Wire: p2p.Versions{Min: 1, Max: 3}}))
	f.Add("0x00 1-2")
	f.Add(strings.Repeat("a", 200))
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHello(s)
		if err != nil {
			if h != (p2p.Hello{}) {
				t.Fatalf("%q: %v, yet %+v", s, err, h)
			}
			return
		}
		again, err := parseHello(formatHello(h))
		if err != nil || again != h || h.Wire.Min == 0 || h.Wire.Min > h.Wire.Max {
			t.Fatalf("%q: %+v, then %+v, %v", s, h, again, err)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(encodeError(p2p.Errorf(p2p.Unpaid, "owes %d", 7).WithHint("pay")))
	f.Add([]byte(`{"code":"` + strings.Repeat("a", 100) + `"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := decodeError(b)
		if !e.Remote || len(e.Message) > p2p.MaxErrorText || len(e.Hint) > p2p.MaxErrorText ||
			!utf8.ValidString(e.Message) || strings.ContainsAny(e.Message+e.Hint, "\x1b\n\x00") {
			t.Fatalf("%q: %+v", b, *e)
		}
		if again := decodeError(encodeError(e)); *again != *e {
			t.Fatalf("%+v became %+v", *e, *again)
		}
	})
}

func FuzzAddr(f *testing.F) {
	k, err := artel.KeyFromBytes(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/ip4/127.0.0.1/udp/4101/quic-v1/p2p/" + peerID(k.NodeID()).String())
	f.Add("/ip4/1.2.3.4/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
	f.Add("/p2p-circuit")
	f.Fuzz(func(t *testing.T, s string) {
		info, err := parseAddr(s)
		if err != nil {
			return
		}
		n, ok := nodeID(info.ID)
		if !ok || peerID(n) != info.ID {
			t.Fatalf("%q: %v is not a node", s, info.ID)
		}
		if _, err := artel.NodeIDFromBytes(n[:]); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add([]byte("abc"), int64(3))
	f.Add([]byte("abc"), int64(4<<20))
	f.Fuzz(func(t *testing.T, b []byte, n int64) {
		if n < 0 || n > p2p.MaxMessage {
			return // Admit lets no such length pass
		}
		got, err := readBody(bytes.NewReader(b), n)
		if err == nil && (int64(len(got)) != n || !bytes.Equal(got, b[:n])) {
			t.Fatalf("%d of %d bytes: %d", n, len(b), len(got))
		}
		if err == nil != (n <= int64(len(b))) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	})
}
