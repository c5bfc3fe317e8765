package p2ptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

func testCall(t *testing.T, r *room) {
	a, b := r.pair(withEcho, func(h p2p.Host) {
		h.Handle("who", 0, func(_ context.Context, from artel.NodeID, req []byte) ([]byte, error) {
			return from[:], nil
		})
	})
	for _, size := range []int{0, 1, 1000, 100_000, p2p.MaxMessage} {
		req := bytes.Repeat([]byte{7, byte(size)}, size/2+1)[:size]
		resp, err := a.Call(r.ctx(), b.ID(), "echo", req, size)
		if err != nil || !bytes.Equal(resp, req) {
			t.Fatalf("echo of %d bytes: %d bytes, %v", size, len(resp), err)
		}
	}
	id := a.ID()
	from, err := a.Call(r.ctx(), b.ID(), "who", nil, len(id))
	if err != nil || !bytes.Equal(from, id[:]) {
		t.Fatalf("handler saw %x (%v), want %s", from, err, id)
	}
	_, err = a.Call(r.ctx(), a.ID(), "who", nil, 0)
	r.wantCode(err, p2p.Invalid, false)
	_, err = a.Call(r.ctx(), b.ID(), "No Such Name", nil, 0)
	r.wantCode(err, p2p.Invalid, false)
	_, err = a.Call(r.ctx(), Key(999).NodeID(), "echo", nil, 0)
	r.wantCode(err, p2p.Unavailable, false)
}

func testCallLimits(t *testing.T, r *room) {
	a, b := r.pair(func(h p2p.Host) {
		h.Handle("small", 100, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
			return bytes.Repeat([]byte("x"), 200), nil
		})
		h.Handle("huge", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) {
			return make([]byte, p2p.MaxMessage+1), nil
		})
	})
	if _, err := a.Call(r.ctx(), b.ID(), "small", make([]byte, 100), 200); err != nil {
		t.Fatalf("request and answer at their limits: %v", err)
	}
	_, err := a.Call(r.ctx(), b.ID(), "small", make([]byte, 101), 200)
	r.wantCode(err, p2p.TooLarge, true)
	_, err = a.Call(r.ctx(), b.ID(), "small", make([]byte, p2p.MaxMessage), 200)
	r.wantCode(err, p2p.TooLarge, true)
	_, err = a.Call(r.ctx(), b.ID(), "small", nil, 199)
	r.wantCode(err, p2p.TooLarge, false)
	_, err = a.Call(r.ctx(), b.ID(), "small", make([]byte, p2p.MaxMessage+1), 200)
	r.wantCode(err, p2p.TooLarge, false)
	_, err = a.Call(r.ctx(), b.ID(), "huge", nil, p2p.MaxMessage)
	r.wantCode(err, p2p.TooLarge, true)
	if _, err := a.Call(r.ctx(), b.ID(), "small", nil, 200); err != nil {
		t.Fatalf("a call after refused ones: %v", err)
	}
	for what, f := range map[string]func(){
		"bad name":     func() { a.Handle("Bad", 0, echo) },
		"limit over":   func() { a.Handle("over", p2p.MaxMessage+1, echo) },
		"limit under":  func() { a.Handle("under", -1, echo) },
		"second":       func() { b.Handle("small", 0, echo) },
		"stream name":  func() { a.HandleStream("", func(context.Context, artel.NodeID, p2p.Stream) {}) },
		"leading dot":  func() { a.Handle(".hello", 0, echo) },
		"double slash": func() { a.Handle("a//b", 0, echo) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}

func testCallErrors(t *testing.T, r *room) {
	answers := make(chan error, 1)
	a, b := r.pair(func(h p2p.Host) {
		h.Handle("fail", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) { return []byte("ignored"), <-answers })
	})
	long := strings.Repeat("é", 3*p2p.MaxErrorText)
	for _, c := range []struct {
		name   string
		answer error
		want   p2p.Error
	}{
		{"typed", p2p.Errorf(p2p.Unpaid, "owes %d", 7).WithHint("pay"), p2p.Error{Code: p2p.Unpaid, Message: "owes 7", Hint: "pay"}},
		{"wrapped", fmt.Errorf("accept lease: %w", p2p.Errorf(p2p.Conflict, "taken")), p2p.Error{Code: p2p.Conflict, Message: "taken"}},
		{"bare code", p2p.NotFound, p2p.Error{Code: p2p.NotFound}},
		{"own code", p2p.Errorf("epoch-closed", "no"), p2p.Error{Code: "epoch-closed", Message: "no"}},
		{"impossible code", p2p.Errorf("Not A Code", "no"), p2p.Error{Code: p2p.Internal, Message: "no"}},
		{"unknown", errors.New("the password is 12345"), p2p.Error{Code: p2p.Internal, Message: "internal error"}},
		{"control characters", p2p.Errorf(p2p.Refused, "a\x1b[31m\x00b\u202ec\nd\xff"), p2p.Error{Code: p2p.Refused, Message: "a[31mbc d"}},
		{"long", p2p.Errorf(p2p.Refused, "%s", long), p2p.Error{Code: p2p.Refused, Message: long[:p2p.MaxErrorText]}},
		{"of a third node", &p2p.Error{Code: p2p.Refused, Message: "secret", Remote: true}, p2p.Error{Code: p2p.Refused, Message: "another node refused"}},
	} {
		answers <- c.answer
		resp, err := a.Call(r.ctx(), b.ID(), "fail", nil, 100)
		var e *p2p.Error
		if resp != nil || !errors.As(err, &e) {
			t.Fatalf("%s: %q, %v", c.name, resp, err)
		}
		c.want.Remote = true
		if *e != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, *e, c.want)
		}
	}
	_, err := a.Call(r.ctx(), b.ID(), "nothing", nil, 0)
	r.wantCode(err, p2p.Unsupported, true)
	_, err = a.Call(r.ctx(), b.ID(), "nothing", make([]byte, 1<<20), 0)
	r.wantCode(err, p2p.Unsupported, true)
}

func testCallPanic(t *testing.T, r *room) {
	a, b := r.pair(withEcho, func(h p2p.Host) {
		h.Handle("panic", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) { panic("oops") })
		h.Handle("nil-map", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) {
			var m map[string]int
			m["x"] = 1
			return nil, nil
		})
	})
	for _, method := range []string{"panic", "nil-map"} {
		_, err := a.Call(r.ctx(), b.ID(), method, nil, 0)
		r.wantCode(err, p2p.Internal, true)
	}
	if _, err := a.Call(r.ctx(), b.ID(), "echo", nil, 0); err != nil {
		t.Fatalf("a call after a panic: %v", err)
	}
}

// waiter handles "wait" by waiting for its context to end.
type waiter struct{ started, ended chan struct{} }

func newWaiter() waiter {
	return waiter{make(chan struct{}, 100), make(chan struct{}, 100)}
}

func (w waiter) setup(h p2p.Host) {
	h.Handle("wait", 0, func(ctx context.Context, _ artel.NodeID, _ []byte) ([]byte, error) {
		w.started <- struct{}{}
		<-ctx.Done()
		w.ended <- struct{}{}
		return nil, ctx.Err()
	})
}

func (r *room) wait(what string, ch <-chan struct{}) {
	r.t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		r.t.Fatalf("%s: not within %v", what, patience)
	}
}

func testCallCancel(t *testing.T, r *room) {
	w := newWaiter()
	a, b := r.pair(withEcho, w.setup)
	ctx, cancel := context.WithCancel(r.ctx())
	go func() { <-w.started; cancel() }()
	if _, err := a.Call(ctx, b.ID(), "wait", nil, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled call: %v", err)
	}
	r.wait("cancellation at the handler", w.ended)
	if _, err := a.Call(ctx, b.ID(), "echo", nil, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("call under a cancelled context: %v", err)
	}
	if _, err := a.Call(r.ctx(), b.ID(), "echo", nil, 0); err != nil {
		t.Fatalf("call after a cancelled one: %v", err)
	}
}

func testCallDeadline(t *testing.T, r *room) {
	lefts := make(chan time.Duration, 1)
	w := newWaiter()
	a, b := r.pair(w.setup, func(h p2p.Host) {
		h.Handle("left", 0, func(ctx context.Context, _ artel.NodeID, _ []byte) ([]byte, error) {
			d, ok := ctx.Deadline()
			if !ok {
				return nil, errors.New("no deadline")
			}
			lefts <- time.Until(d)
			return nil, nil
		})
	})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, b.ID(), "wait", nil, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("call past its deadline: %v", err)
	}
	r.wait("deadline at the handler", w.ended)
	// The caller's word counts only up to the cap.
	for _, c := range []struct{ ask, most time.Duration }{{patience, patience}, {24 * time.Hour, p2p.MaxCallTime}, {0, p2p.MaxCallTime}} {
		ctx := context.Background()
		if c.ask > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.ask)
			defer cancel()
		}
		if _, err := a.Call(ctx, b.ID(), "left", nil, 0); err != nil {
			t.Fatal(err)
		}
		if left := <-lefts; left > c.most || left <= 0 {
			t.Errorf("asked for %v, the handler had %v, want at most %v", c.ask, left, c.most)
		}
	}
}

func testCallerStops(t *testing.T, r *room) {
	w := newWaiter()
	a, stop := r.host()
	b, _ := r.host(w.setup)
	r.connect(a, b)
	failed := make(chan error, 1)
	go func() {
		_, err := a.Call(context.Background(), b.ID(), "wait", nil, 0)
		failed <- err
	}()
	r.wait("handler", w.started)
	stop()
	r.wantCode(<-failed, p2p.Unavailable, false)
	r.eventually("the peer notices", func() bool { return !connected(b, a.ID()) })
}

func testCalleeStops(t *testing.T, r *room) {
	w := newWaiter()
	a, _ := r.host()
	b, stop := r.host(w.setup)
	r.connect(a, b)
	failed := make(chan error, 1)
	go func() {
		_, err := a.Call(r.ctx(), b.ID(), "wait", nil, 0)
		failed <- err
	}()
	r.wait("handler", w.started)
	stop()
	if err := <-failed; !errors.Is(err, p2p.Unavailable) {
		t.Fatalf("call to a peer that stops: %v", err)
	}
	select {
	case <-w.ended:
	default:
		t.Fatal("the host stopped before its handler")
	}
	_, err := a.Call(r.ctx(), b.ID(), "wait", nil, 0)
	r.wantCode(err, p2p.Unavailable, false)
}

func testLongPoll(t *testing.T, r *room) {
	w := newWaiter()
	a, b := r.pair(withEcho, w.setup)
	ctx, cancel := context.WithCancel(r.ctx())
	var polls sync.WaitGroup
	const n = 40
	for range n {
		polls.Go(func() {
			if _, err := a.Call(ctx, b.ID(), "wait", nil, 0); !errors.Is(err, context.Canceled) {
				t.Errorf("poll: %v", err)
			}
		})
	}
	for range n {
		r.wait("poll at the handler", w.started)
	}
	for range 10 {
		if _, err := a.Call(r.ctx(), b.ID(), "echo", []byte("x"), 1); err != nil {
			t.Fatalf("call beside long polls: %v", err)
		}
	}
	cancel()
	polls.Wait()
}

func testCallsAtOnce(t *testing.T, r *room) {
	a, b := r.pair(withEcho)
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			for j := range 5 {
				req := fmt.Appendf(nil, "%d/%d", i, j)
				resp, err := a.Call(r.ctx(), b.ID(), "echo", req, 100)
				if err != nil || !bytes.Equal(resp, req) {
					t.Errorf("call %s: %q, %v", req, resp, err)
				}
			}
		})
	}
	calls.Wait()
}
