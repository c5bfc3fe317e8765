package p2ptest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/artel-network/artel/p2p"
)

// reader is a subscriber that remembers.
type reader struct {
	mu     sync.Mutex
	judged map[string]p2p.Message
	got    map[string]p2p.Message
}

// read subscribes: "bad…" is rejected, "old…" ignored, "panic…" panics.
func read(t *testing.T, h p2p.Host, topic string) (*reader, func()) {
	r := &reader{judged: make(map[string]p2p.Message), got: make(map[string]p2p.Message)}
	cancel, err := h.Subscribe(topic, func(_ context.Context, m p2p.Message) p2p.Verdict {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.judged[string(m.Data)] = m
		switch {
		case strings.HasPrefix(string(m.Data), "bad"):
			return p2p.Reject
		case strings.HasPrefix(string(m.Data), "old"):
			return p2p.Ignore
		case strings.HasPrefix(string(m.Data), "panic"):
			panic("oops")
		}
		return p2p.Accept
	}, func(m p2p.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got[string(m.Data)] = m
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, cancel
}

func (r *reader) has(s string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.got[s]
	return ok
}

func (r *reader) saw(s string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.judged[s]
	return ok
}

func (r *reader) message(s string) p2p.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[s]
}

// spread publishes until everybody has news of a kind: the mesh takes a moment.
func (r *room) spread(from p2p.Host, topic, text string, to ...*reader) (last string) {
	r.t.Helper()
	n := 0
	r.eventually("news "+text, func() bool {
		last = fmt.Sprintf("%s %d", text, n)
		n++
		if err := from.Publish(r.ctx(), topic, []byte(last)); err != nil {
			r.t.Fatal(err)
		}
		for range 200 {
			all := true
			for _, s := range to {
				all = all && s.saw(last)
			}
			if all {
				return true
			}
			r.breathe()
		}
		return false
	})
	return last
}

func testNews(t *testing.T, r *room) {
	a, _ := r.host()
	b, _ := r.host()
	c, _ := r.host()
	r.connect(a, b)
	r.connect(b, c) // a and c may only know each other through b
	ra, _ := read(t, a, "offers")
	rb, _ := read(t, b, "offers")
	rc, _ := read(t, c, "offers")
	rother, _ := read(t, c, "other")
	last := r.spread(a, "offers", "hello", rb, rc)
	r.eventually("delivery", func() bool { return rb.has(last) && rc.has(last) })
	for who, s := range map[string]*reader{"b": rb, "c": rc} {
		if m := s.message(last); m.Origin != a.ID() {
			t.Errorf("%s: origin %s, want %s", who, m.Origin.Short(), a.ID().Short())
		}
	}
	if m := rb.message(last); m.From != a.ID() {
		t.Errorf("b: from %s, want %s", m.From.Short(), a.ID().Short())
	}
	if m := rc.message(last); m.From != b.ID() && m.From != a.ID() {
		t.Errorf("c: from %s", m.From.Short())
	}
	r.spread(c, "offers", "back", ra)
	ra.mu.Lock()
	defer ra.mu.Unlock()
	rother.mu.Lock()
	defer rother.mu.Unlock()
	for text := range ra.got {
		if strings.HasPrefix(text, "hello") {
			t.Errorf("a heard itself: %q", text)
		}
	}
	if len(rother.judged) > 0 {
		t.Errorf("another topic heard %v", rother.judged)
	}
}

func testNewsVerdicts(t *testing.T, r *room) {
	a, _ := r.host()
	b, _ := r.host()
	r.connect(a, b)
	rb, _ := read(t, b, "offers")
	r.spread(a, "offers", "hello", rb)
	for _, text := range []string{"bad", "old", "panic"} {
		r.spread(a, "offers", text, rb)
	}
	last := r.spread(a, "offers", "good", rb)
	r.eventually("good news", func() bool { return rb.has(last) })
	rb.mu.Lock()
	defer rb.mu.Unlock()
	for text := range rb.got {
		if !strings.HasPrefix(text, "hello") && !strings.HasPrefix(text, "good") {
			t.Errorf("delivered %q", text)
		}
	}
}

func testNewsSubscription(t *testing.T, r *room) {
	early, stop := (*reader)(nil), func() {}
	b, _ := r.host(func(h p2p.Host) { early, stop = read(t, h, "offers") })
	a, _ := r.host()
	r.connect(a, b)
	r.spread(a, "offers", "early", early)
	_, err := b.Subscribe("offers", nil, nil)
	r.wantCode(err, p2p.Conflict, false)
	_, err = b.Subscribe("Bad Name", nil, nil)
	r.wantCode(err, p2p.Invalid, false)
	stop()
	stop() // twice is harmless
	again, _ := read(t, b, "offers")
	last := r.spread(a, "offers", "again", again)
	if early.saw(last) {
		t.Error("a cancelled subscription heard news")
	}
}

func testNewsLimits(t *testing.T, r *room) {
	a, _ := r.host()
	b, _ := r.host()
	r.connect(a, b)
	rb, _ := read(t, b, "offers")
	r.wantCode(a.Publish(r.ctx(), "offers", make([]byte, p2p.MaxGossip+1)), p2p.TooLarge, false)
	r.wantCode(a.Publish(r.ctx(), "Bad Name", nil), p2p.Invalid, false)
	if err := a.Publish(r.ctx(), "nobody", []byte("x")); err != nil {
		t.Errorf("publish to nobody: %v", err)
	}
	big := strings.Repeat("x", p2p.MaxGossip-10)
	r.spread(a, "offers", big, rb)
}
