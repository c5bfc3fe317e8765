package libp2p_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lp2p "github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// enemy is a bare libp2p host, bound by nothing, connected to h.
func enemy(t *testing.T, h *libp2p.Host, opts ...lp2p.Option) host.Host {
	t.Helper()
	key, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The last option wins over an earlier one of its kind only where lp2p allows,
	// so the identity is left out when the caller brings one.
	if len(opts) == 0 {
		opts = append(opts, lp2p.Identity(key))
	}
	none, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits))
	if err != nil {
		t.Fatal(err)
	}
	e, err := lp2p.New(append(opts, lp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), lp2p.DisableMetrics(), lp2p.ResourceManager(none))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	info, err := peer.AddrInfoFromString(h.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Connect(within(t), *info); err != nil {
		t.Fatal(err)
	}
	return e
}

func open(t *testing.T, e host.Host, h *libp2p.Host, id string) network.Stream {
	t.Helper()
	s, err := e.NewStream(within(t), libp2p.PeerID(h.ID()), protocol.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDeadline(time.Now().Add(patience))
	return s
}

// friend checks that h still answers others.
func friend(t *testing.T, h *libp2p.Host) func() {
	t.Helper()
	f, _ := up(t, libp2p.Config{Key: p2ptest.Key(900), Listen: transports["TCP"]})
	if err := f.Connect(within(t), h.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if resp, err := f.Call(within(t), h.ID(), "echo", []byte("x"), 1); err != nil || string(resp) != "x" {
			t.Fatalf("the node no longer answers others: %q, %v", resp, err)
		}
	}
}

func victim(t *testing.T, setup ...func(*libp2p.Host)) *libp2p.Host {
	t.Helper()
	h, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: transports["TCP"], DHT: true},
		append(setup, withEcho, func(h *libp2p.Host) {
			h.Hasten(300 * time.Millisecond)
			h.HandleStream("bulk", func(_ context.Context, _ artel.NodeID, s p2p.Stream) { io.Copy(io.Discard, s) })
		})...)
	return h
}

func TestGarbage(t *testing.T) {
	h := victim(t)
	alive := friend(t, h)
	e := enemy(t, h)
	noise := make([]byte, 300<<10)
	rand.Read(noise)
	dht := strings.TrimSuffix(h.RPCID(), "/1/rpc") + "/kad/1.0.0"
	for _, id := range []string{h.RPCID(), h.GossipID(), h.BulkID("bulk"), dht} {
		for _, junk := range [][]byte{noise, bytes.Repeat([]byte{0xff}, 64), {0}, []byte("GET / HTTP/1.1\r\n\r\n"), nil} {
			s := open(t, e, h, id)
			s.SetDeadline(time.Now().Add(500 * time.Millisecond)) // it need not take all of it
			s.Write(junk)
			s.CloseWrite()
			io.Copy(io.Discard, io.LimitReader(s, 1<<20))
			s.Reset()
			if e.Network().Connectedness(libp2p.PeerID(h.ID())) != network.Connected {
				t.Fatalf("%s: the connection broke", id)
			}
		}
	}
	if _, err := e.NewStream(within(t), libp2p.PeerID(h.ID()), "/artel/0000000000000000/1/rpc"); err == nil {
		t.Error("a protocol of another network was served")
	}
	alive()
}

// request sends raw HTTP and returns the status and the body.
func request(t *testing.T, e host.Host, h *libp2p.Host, raw string) (int, string) {
	t.Helper()
	s := open(t, e, h, h.RPCID())
	defer s.Reset()
	io.WriteString(s, raw)
	resp, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(body)
}

func TestRawRequests(t *testing.T) {
	called := new(atomic.Int32)
	h := victim(t, func(h *libp2p.Host) {
		h.Handle("small", 10, func(context.Context, artel.NodeID, []byte) ([]byte, error) {
			called.Add(1)
			return []byte("ok"), nil
		})
	})
	e := enemy(t, h)
	hello := "Artel-Hello: " + h.Greeting() + "\r\n"
	other := "Artel-Hello: 0x" + strings.Repeat("00", 32) + " 1-1\r\n"
	for _, c := range []struct {
		name, raw  string
		status     int
		text       string
		runsOthers bool
	}{
		{"right", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 2\r\n\r\nhi", 200, "ok", true},
		{"no hello", "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", 400, `"invalid"`, false},
		{"other network", "POST /small HTTP/1.1\r\nHost: x\r\n" + other + "Content-Length: 2\r\n\r\nhi", 400, `"other-network"`, false},
		{"other version", "POST /small HTTP/1.1\r\nHost: x\r\nArtel-Hello: " + strings.TrimSuffix(h.Greeting(), "1-1") + "7-9\r\nContent-Length: 2\r\n\r\nhi", 400, `"version"`, false},
		{"over", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 11\r\n\r\n", 400, `"too-large"`, false},
		{"far over", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 9223372036854775807\r\n\r\n", 400, `"too-large"`, false},
		{"chunked", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400, `"invalid"`, false},
		{"get", "GET /small HTTP/1.1\r\nHost: x\r\n" + hello + "\r\n", 400, `"invalid"`, false},
		{"no method", "POST / HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 0\r\n\r\n", 501, `"unsupported"`, false},
		{"climbing", "POST /../small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 0\r\n\r\n", 501, `"unsupported"`, false},
		{"header over", "POST /small HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 431, "", false},
		{"slow header", "POST /small HTTP/1.1\r\nHost: x\r\nX:", 0, "", false},
		{"slow body", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 9\r\n\r\nhi", 400, `"invalid"`, false},
		{"two lengths", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi", 400, "", false},
		{"smuggled", "POST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 99\r\n\r\nPOST /small HTTP/1.1\r\nHost: x\r\n" + hello + "Content-Length: 0\r\n\r\n", 400, `"too-large"`, false},
	} {
		before := called.Load()
		status, body := request(t, e, h, c.raw)
		if status != c.status || !strings.Contains(body, c.text) {
			t.Errorf("%s: %d %q, want %d with %s", c.name, status, body, c.status, c.text)
		}
		if ran := called.Load() > before; ran != c.runsOthers {
			t.Errorf("%s: handler ran: %v", c.name, ran)
		}
	}
	friend(t, h)()
}

// TestStreamFlood: one peer opens streams by the thousand; it is cut off at its
// share and nobody else notices.
func TestStreamFlood(t *testing.T) {
	h := victim(t)
	alive := friend(t, h)
	e := enemy(t, h)
	for _, id := range []string{h.RPCID(), h.BulkID("bulk"), h.GossipID()} {
		var held []network.Stream
		for range 2000 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			s, err := e.NewStream(ctx, libp2p.PeerID(h.ID()), protocol.ID(id))
			cancel()
			if err != nil {
				break
			}
			s.SetDeadline(time.Now().Add(time.Second))
			s.Write([]byte("P"))
			held = append(held, s)
		}
		// A flooder may lose its connection altogether; that is its affair.
		most := 0
		for _, c := range h.Lib().Network().ConnsToPeer(e.ID()) {
			n := 0
			for _, s := range c.GetStreams() {
				if s.Protocol() == protocol.ID(id) && s.Stat().Direction == network.DirInbound {
					n++
				}
			}
			most = max(most, n)
		}
		t.Logf("%s: %d opened, %d held at the node", id, len(held), most)
		if most > 128 {
			t.Errorf("%s: the node holds %d streams of one peer", id, most)
		}
		alive()
		for _, s := range held {
			s.Reset()
		}
	}
	alive()
}

// TestLyingServer: what a peer answers is as hostile as what it asks.
func TestLyingServer(t *testing.T) {
	h := victim(t)
	hello := "Artel-Hello: " + h.Greeting() + "\r\n"
	answer := new(atomic.Pointer[string])
	e := enemy(t, h)
	e.SetStreamHandler(protocol.ID(h.RPCID()), func(s network.Stream) {
		defer s.Close()
		r := bufio.NewReader(s)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			if req.URL.Path == "/.hello" {
				io.WriteString(s, "HTTP/1.1 200 OK\r\n"+hello+"Content-Length: 0\r\n\r\n")
				continue
			}
			io.WriteString(s, *answer.Load())
		}
	})
	raw, err := e.ID().ExtractPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := raw.Raw()
	if err != nil {
		t.Fatal(err)
	}
	id, err := artel.NodeIDFromBytes(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, answer string
		code         p2p.Code
	}{
		{"over", "HTTP/1.1 200 OK\r\n" + hello + "Content-Length: 101\r\n\r\n", p2p.TooLarge},
		{"far over", "HTTP/1.1 200 OK\r\n" + hello + "Content-Length: 9223372036854775807\r\n\r\n", p2p.TooLarge},
		{"chunked", "HTTP/1.1 200 OK\r\n" + hello + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", p2p.Invalid},
		{"no hello", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", p2p.Invalid},
		{"garbage", strings.Repeat("\xff", 1000) + "\r\n", p2p.Unavailable},
		{"header over", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", p2p.Unavailable},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", p2p.Internal},
		{"error garbage", "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\n{{{", p2p.Internal},
		{"error", "HTTP/1.1 500 No\r\nContent-Length: 26\r\n\r\n{\"code\":\"unpaid\",\"x\":1111}", p2p.Unpaid},
	} {
		answer.Store(&c.answer)
		_, err := h.Call(within(t), id, "x", nil, 100)
		if !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want code %s", c.name, err, c.code)
		}
	}
	silent := ""
	answer.Store(&silent)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := h.Call(ctx, id, "x", nil, 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
}

// TestForeignKey: a peer whose key is no node key gets nowhere.
func TestForeignKey(t *testing.T) {
	h := victim(t)
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := enemy(t, h, lp2p.Identity(key))
	status, body := request(t, e, h, "POST /echo HTTP/1.1\r\nHost: x\r\nArtel-Hello: "+h.Greeting()+"\r\nContent-Length: 0\r\n\r\n")
	if status != 0 {
		t.Errorf("answered %d %q", status, body)
	}
	if len(h.Peers()) != 0 {
		t.Errorf("peers %+v", h.Peers())
	}
}

// TestFullHash: two networks whose hashes share the 16 digits of the protocol ids
// still tell each other apart.
func TestFullHash(t *testing.T) {
	one := artel.Keccak([]byte("test"))
	two := one
	two[31] ^= 1
	a, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Network: one, Listen: transports["TCP"]}, withEcho)
	b, _ := up(t, libp2p.Config{Key: p2ptest.Key(2), Network: two, Listen: transports["TCP"]}, withEcho)
	if a.RPCID() != b.RPCID() {
		t.Fatal("the test is not what it means to be")
	}
	if err := a.Connect(within(t), b.Addrs()[0]); !errors.Is(err, p2p.OtherNetwork) {
		t.Errorf("connect: %v", err)
	}
	if _, err := a.Call(within(t), b.ID(), "echo", nil, 0); !errors.Is(err, p2p.OtherNetwork) {
		t.Errorf("call: %v", err)
	}
	if len(a.Peers())+len(b.Peers()) != 0 {
		t.Errorf("peers %+v, %+v", a.Peers(), b.Peers())
	}
}

// TestHostileNews: unsigned, forged and oversized messages never reach a
// validator; a neighbour that passes on what is rejected loses its hearing.
func TestHostileNews(t *testing.T) {
	var judged, bad atomic.Int32
	h := victim(t, func(h *libp2p.Host) {
		if _, err := h.Subscribe("offers", func(_ context.Context, m p2p.Message) p2p.Verdict {
			judged.Add(1)
			if bytes.HasPrefix(m.Data, []byte("bad")) {
				bad.Add(1)
				return p2p.Reject
			}
			return p2p.Accept
		}, func(p2p.Message) {}); err != nil {
			t.Error(err)
		}
	})
	gossip := func(opts ...pubsub.Option) (host.Host, *pubsub.Topic) {
		e := enemy(t, h)
		ps, err := pubsub.NewGossipSub(within(t), e, append(opts,
			pubsub.WithGossipSubProtocols([]protocol.ID{protocol.ID(h.GossipID())}, func(f pubsub.GossipSubFeature, _ protocol.ID) bool {
				return f == pubsub.GossipSubFeatureMesh
			}), pubsub.WithMaxMessageSize(8<<20))...)
		if err != nil {
			t.Fatal(err)
		}
		topic, err := ps.Join(h.Topic("offers"))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the topic has a peer", func() bool { return len(topic.ListPeers()) > 0 })
		return e, topic
	}
	_, unsigned := gossip(pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign))
	for range 20 {
		unsigned.Publish(within(t), []byte("unsigned"))
	}
	_, big := gossip()
	big.Publish(within(t), make([]byte, p2p.MaxGossip+1))
	big.Publish(within(t), make([]byte, 4<<20))
	forger, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Signed with one key in the name of another.
	_, forged := gossip()
	for range 20 {
		forged.Publish(within(t), []byte("forged"), pubsub.WithSecretKeyAndPeerId(forger, libp2p.PeerID(p2ptest.Key(77).NodeID())))
	}
	if n := judged.Load(); n != 0 {
		t.Errorf("%d messages reached the validator", n)
	}
	_, liar := gossip()
	eventually(t, "the liar is silenced", func() bool {
		before := judged.Load()
		for i := range 50 {
			liar.Publish(within(t), fmt.Appendf(nil, "bad %d %d", before, i))
		}
		probe := time.NewTimer(1500 * time.Millisecond) // scores are renewed every second
		defer probe.Stop()
		<-probe.C
		return judged.Load() == before
	})
	if bad.Load() == 0 {
		t.Error("nothing was rejected: the test shows nothing")
	}
	// Its neighbours are not blamed.
	_, honest := gossip()
	before := judged.Load()
	eventually(t, "honest news", func() bool {
		honest.Publish(within(t), fmt.Appendf(nil, "good %d", time.Now().UnixNano()))
		return judged.Load() > before
	})
}

// TestSlowTaker: a caller that does not take its answer loses its stream.
func TestSlowTaker(t *testing.T) {
	ended := make(chan struct{}, 1)
	h := victim(t, func(h *libp2p.Host) {
		h.Handle("big", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) {
			ended <- struct{}{}
			return make([]byte, p2p.MaxMessage), nil
		})
	})
	e := enemy(t, h)
	s := open(t, e, h, h.RPCID())
	defer s.Reset()
	io.WriteString(s, "POST /big HTTP/1.1\r\nHost: x\r\nArtel-Hello: "+h.Greeting()+"\r\nContent-Length: 0\r\n\r\n")
	<-ended
	eventually(t, "the stream is dropped", func() bool {
		n := 0
		for _, c := range h.Lib().Network().ConnsToPeer(e.ID()) {
			for _, s := range c.GetStreams() {
				if string(s.Protocol()) == h.RPCID() {
					n++
				}
			}
		}
		return n == 0
	})
}

// TestKeptStream: a stream that was kept for longer than an answer may take is
// still good for a refusal.
func TestKeptStream(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			h, _ := up(t, libp2p.Config{Key: p2ptest.Key(1), Listen: listen}, withEcho, func(h *libp2p.Host) { h.Hasten(300 * time.Millisecond) })
			f, _ := up(t, libp2p.Config{Key: p2ptest.Key(5), Listen: listen})
			if err := f.Connect(within(t), h.Addrs()[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Call(within(t), h.ID(), "echo", nil, 0); err != nil {
				t.Fatal(err)
			}
			idle := time.NewTimer(600 * time.Millisecond)
			defer idle.Stop()
			<-idle.C
			if _, err := f.Call(within(t), h.ID(), "nothing", nil, 0); !errors.Is(err, p2p.Unsupported) {
				t.Errorf("a refusal on a kept stream: %v", err)
			}
		})
	}
}
