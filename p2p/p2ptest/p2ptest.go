// Package p2ptest is the conformance suite of p2p.Host. Every adapter runs all of
// it; what the port promises is promised here.
package p2ptest

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// World makes hosts that can reach each other.
type World interface {
	// NewHost returns a host that is not up yet.
	NewHost(t *testing.T, o Options) p2p.Host
}

// Options describe a host.
type Options struct {
	Key     artel.Key
	Network artel.Hash
	Wire    p2p.Versions
}

// Run runs the suite. around runs one case, for an adapter that needs a
// testing/synctest bubble; world makes a fresh World for it.
func Run(t *testing.T, around func(t *testing.T, f func(t *testing.T)), world func(t *testing.T) World) {
	cases := []struct {
		name string
		run  func(t *testing.T, w *room)
	}{
		{"Lifecycle", testLifecycle},
		{"Connect", testConnect},
		{"OtherNetwork", testOtherNetwork},
		{"Versions", testVersions},
		{"Events", testEvents},
		{"Call", testCall},
		{"CallLimits", testCallLimits},
		{"CallErrors", testCallErrors},
		{"CallPanic", testCallPanic},
		{"CallCancel", testCallCancel},
		{"CallDeadline", testCallDeadline},
		{"CallerStops", testCallerStops},
		{"CalleeStops", testCalleeStops},
		{"LongPoll", testLongPoll},
		{"CallsAtOnce", testCallsAtOnce},
		{"Restart", testRestart},
		{"OneKeyTwice", testOneKeyTwice},
		{"Stream", testStream},
		{"StreamBackpressure", testStreamBackpressure},
		{"StreamDeadline", testStreamDeadline},
		{"StreamReset", testStreamReset},
		{"StreamStop", testStreamStop},
		{"News", testNews},
		{"NewsVerdicts", testNewsVerdicts},
		{"NewsSubscription", testNewsSubscription},
		{"NewsLimits", testNewsLimits},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			around(t, func(t *testing.T) { c.run(t, &room{t: t, world: world(t)}) })
		})
	}
}

// Key returns the n-th key of the tests.
func Key(n int) artel.Key {
	secret := artel.Keccak([]byte("p2ptest"), []byte{byte(n >> 8), byte(n)})
	k, err := artel.KeyFromBytes(secret[:])
	if err != nil {
		panic(err)
	}
	return k
}

// network is the one of the tests.
var network = artel.Hash(sha256.Sum256([]byte("p2ptest network")))

// room is what one case works with.
type room struct {
	t     *testing.T
	world World
	keys  int
}

// host makes a host of a fresh key and runs it until the case ends or it is stopped.
func (r *room) host(setup ...func(h p2p.Host)) (p2p.Host, func()) {
	r.keys++
	return r.start(Options{Key: Key(r.keys), Network: network, Wire: p2p.Versions{Min: 1, Max: 1}}, setup...)
}

func (r *room) start(o Options, setup ...func(h p2p.Host)) (h p2p.Host, stop func()) {
	t := r.t
	t.Helper()
	h = r.world.NewHost(t, o)
	if h.ID() != o.Key.NodeID() {
		t.Fatalf("host %v, key %v", h.ID(), o.Key.NodeID())
	}
	for _, f := range setup {
		f(h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("host %s does not stop", h.ID().Short())
		}
	}
	t.Cleanup(stop)
	select {
	case <-h.Ready():
	case err := <-done:
		done <- err
		t.Fatalf("run: %v", err)
	case <-time.After(patience):
		t.Fatal("host does not come up")
	}
	return h, stop
}

// pair makes two connected hosts; setup is applied to the second.
func (r *room) pair(setup ...func(h p2p.Host)) (a, b p2p.Host) {
	r.t.Helper()
	a, _ = r.host()
	b, _ = r.host(setup...)
	r.connect(a, b)
	return a, b
}

func (r *room) connect(a, b p2p.Host) {
	r.t.Helper()
	if len(b.Addrs()) == 0 {
		r.t.Fatal("a host that is up has no address")
	}
	if err := a.Connect(r.ctx(), b.Addrs()[0]); err != nil {
		r.t.Fatal(err)
	}
}

// patience is when a test gives up waiting for what must happen.
const patience = 20 * time.Second

func (r *room) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// eventually polls until ok.
func (r *room) eventually(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// wantCode checks that err is an *Error of the code, from the peer or not.
func (r *room) wantCode(err error, code p2p.Code, remote bool) {
	r.t.Helper()
	var e *p2p.Error
	if !errors.As(err, &e) || !errors.Is(err, code) || e.Remote != remote {
		r.t.Fatalf("error %v (%T), want code %q, remote %v", err, err, code, remote)
	}
}

func echo(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) { return req, nil }

func withEcho(h p2p.Host) { h.Handle("echo", p2p.MaxMessage, echo) }

func connected(h p2p.Host, id artel.NodeID) bool {
	for _, p := range h.Peers() {
		if p.ID == id {
			return true
		}
	}
	return false
}

// breathe lets a little time pass.
func (r *room) breathe() {
	t := time.NewTimer(5 * time.Millisecond)
	defer t.Stop()
	<-t.C
}
