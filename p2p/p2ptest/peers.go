package p2ptest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

func testLifecycle(t *testing.T, r *room) {
	o := Options{Key: Key(100), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}}
	b, _ := r.host(withEcho)
	h := r.world.NewHost(t, o)
	if len(h.Addrs()) != 0 || len(h.Peers()) != 0 {
		t.Errorf("before Run: addresses %v, peers %v", h.Addrs(), h.Peers())
	}
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := h.Connect(short, b.Addrs()[0]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("connect of a host that is not up: %v", err)
	}
	early := make(chan error, 1)
	go func() { early <- h.Connect(r.ctx(), b.Addrs()[0]) }()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	if err := <-early; err != nil {
		t.Fatalf("a connect made before Run: %v", err)
	}
	if err := h.Run(ctx); err == nil {
		t.Error("a second Run: no error")
	}
	stop()
	if err := <-done; err != nil {
		t.Fatalf("run: %v", err)
	}
	_, err := h.Call(r.ctx(), b.ID(), "echo", nil, 0)
	r.wantCode(err, p2p.Unavailable, false)
	r.wantCode(h.Connect(r.ctx(), b.Addrs()[0]), p2p.Unavailable, false)
	r.wantCode(h.Publish(r.ctx(), "topic", nil), p2p.Unavailable, false)
	_, err = h.OpenStream(r.ctx(), b.ID(), "bulk")
	r.wantCode(err, p2p.Unavailable, false)
}

func testConnect(t *testing.T, r *room) {
	a, b := r.pair(withEcho)
	r.connect(a, b) // again: nothing happens
	r.connect(b, a)
	r.eventually("both know each other", func() bool { return connected(a, b.ID()) && connected(b, a.ID()) })
	pa, pb := a.Peers(), b.Peers()
	if len(pa) != 1 || pa[0].Inbound || pa[0].Relayed || pa[0].Version != 1 || pa[0].Addr == "" {
		t.Errorf("peers of the one that dialled: %+v", pa)
	}
	if len(pb) != 1 || !pb[0].Inbound {
		t.Errorf("peers of the one dialled: %+v", pb)
	}
	// The one that was dialled may call back.
	a.Handle("late", 0, echo)
	if _, err := b.Call(r.ctx(), a.ID(), "late", nil, 0); err != nil {
		t.Errorf("call back: %v", err)
	}
	for _, addr := range []string{"", "nonsense", "/ip4/127.0.0.1/tcp/1", "/p2p/xyz", "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAm"} {
		r.wantCode(a.Connect(r.ctx(), addr), p2p.Invalid, false)
	}
	r.wantCode(a.Connect(r.ctx(), a.Addrs()[0]), p2p.Invalid, false)
}

func testOtherNetwork(t *testing.T, r *room) {
	a, _ := r.host(withEcho)
	stranger, _ := r.start(Options{Key: Key(200), Network: artel.Keccak([]byte("another")), Wire: p2p.Versions{Min: 1, Max: 1}}, withEcho)
	r.wantCode(stranger.Connect(r.ctx(), a.Addrs()[0]), p2p.OtherNetwork, false)
	r.wantCode(a.Connect(r.ctx(), stranger.Addrs()[0]), p2p.OtherNetwork, false)
	if _, err := a.Call(r.ctx(), stranger.ID(), "echo", nil, 0); err == nil {
		t.Error("a call across networks was answered")
	}
	if _, err := a.OpenStream(r.ctx(), stranger.ID(), "bulk"); err == nil {
		t.Error("a stream across networks was opened")
	}
	r.eventually("no peers", func() bool { return len(a.Peers()) == 0 && len(stranger.Peers()) == 0 })
}

func testVersions(t *testing.T, r *room) {
	start := func(n int, low, high uint32) p2p.Host {
		h, _ := r.start(Options{Key: Key(n), Network: network, Wire: p2p.Versions{Min: low, Max: high}}, withEcho)
		return h
	}
	old, mid, fresh := start(301, 1, 2), start(302, 2, 4), start(303, 3, 5)
	r.connect(mid, old)
	r.connect(mid, fresh)
	want := map[artel.NodeID]uint32{old.ID(): 2, fresh.ID(): 4}
	for _, p := range mid.Peers() {
		if p.Version != want[p.ID] {
			t.Errorf("peer %s: version %d, want %d", p.ID.Short(), p.Version, want[p.ID])
		}
	}
	err := old.Connect(r.ctx(), fresh.Addrs()[0])
	if !errors.Is(err, p2p.Version) {
		t.Errorf("connect 1..2 to 3..5: %v", err)
	}
	_, err = fresh.Call(r.ctx(), old.ID(), "echo", nil, 0)
	if err == nil {
		t.Error("a call without a common version was answered")
	}
}

func testEvents(t *testing.T, r *room) {
	var mu sync.Mutex
	var seen []p2p.Event
	a, _ := r.host()
	defer a.Watch(func(e p2p.Event) { mu.Lock(); seen = append(seen, e); mu.Unlock() })()
	off := a.Watch(func(p2p.Event) { t.Error("a cancelled watcher was called") })
	off()
	b, stop := r.host()
	r.connect(a, b)
	stop()
	want := []p2p.Event{{Peer: b.ID(), Connected: true}, {Peer: b.ID()}}
	r.eventually("two events", func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) >= 2 })
	if seen[0] != want[0] || seen[1] != want[1] || len(seen) != 2 {
		t.Errorf("events %+v, want %+v", seen, want)
	}
	if connected(a, b.ID()) {
		t.Error("still a peer")
	}
}

func testRestart(t *testing.T, r *room) {
	o := Options{Key: Key(400), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}}
	a, _ := r.host()
	for range 3 {
		b, stop := r.start(o, withEcho)
		r.connect(a, b)
		if resp, err := a.Call(r.ctx(), b.ID(), "echo", []byte("x"), 1); err != nil || string(resp) != "x" {
			t.Fatalf("call after a start: %q, %v", resp, err)
		}
		stop()
		r.eventually("the peer is gone", func() bool { return !connected(a, b.ID()) })
	}
}

// testOneKeyTwice: two hosts that run with one key are one node to the others.
// Whoever answers, the call is answered; when one is gone, the other is there.
func testOneKeyTwice(t *testing.T, r *room) {
	o := Options{Key: Key(500), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}}
	a, _ := r.host()
	name := func(s string) func(p2p.Host) {
		return func(h p2p.Host) {
			h.Handle("name", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) { return []byte(s), nil })
		}
	}
	first, stop := r.start(o, name("first"))
	r.connect(a, first)
	second, _ := r.start(o, name("second"))
	r.connect(a, second)
	resp, err := a.Call(r.ctx(), o.Key.NodeID(), "name", nil, 10)
	if err != nil || string(resp) != "first" && string(resp) != "second" {
		t.Fatalf("call: %q, %v", resp, err)
	}
	stop()
	r.eventually("the second answers", func() bool {
		ctx := r.ctx()
		if err := a.Connect(ctx, second.Addrs()[0]); err != nil {
			return false
		}
		resp, err := a.Call(ctx, o.Key.NodeID(), "name", nil, 10)
		return err == nil && string(resp) == "second"
	})
}
