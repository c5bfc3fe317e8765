package p2p_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

func TestErrorMatches(t *testing.T) {
	err := fmt.Errorf("accept: %w", p2p.Errorf(p2p.Unpaid, "owes %d", 7).WithHint("pay"))
	for target, want := range map[error]bool{
		p2p.Unpaid: true, p2p.Conflict: false, p2p.Errorf(p2p.Unpaid, "other words"): true,
		context.DeadlineExceeded: false, context.Canceled: false,
	} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("errors.Is(%v, %v) = %v", err, target, got)
		}
	}
	if !errors.Is(p2p.Errorf(p2p.Timeout, ""), context.DeadlineExceeded) {
		t.Error("a timeout is not a deadline exceeded")
	}
	if got, want := err.Error(), "accept: owes 7 (unpaid); hint: pay"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "lease/accept": true, "blob.v2-x/9": true, strings.Repeat("a", 64): true,
		"": false, "A": false, "9a": false, "/a": false, "a/": false, "a//b": false, "a b": false,
		".hello": false, "é": false, strings.Repeat("a", 65): false, "a\x00": false,
	} {
		if err := p2p.CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAgree(t *testing.T) {
	v := func(low, high uint32) p2p.Versions { return p2p.Versions{Min: low, Max: high} }
	for _, c := range []struct {
		a, b p2p.Versions
		want uint32
		code p2p.Code
	}{
		{v(1, 1), v(1, 1), 1, ""}, {v(1, 3), v(2, 5), 3, ""}, {v(1, 9), v(2, 2), 2, ""},
		{v(1, 2), v(3, 4), 0, p2p.Version}, {v(3, 4), v(1, 2), 0, p2p.Version},
		{v(2, 1), v(1, 2), 0, p2p.Invalid}, {v(1, 2), v(2, 1), 0, p2p.Invalid},
	} {
		got, err := c.a.Agree(c.b)
		if got != c.want || (err == nil) != (c.code == "") || err != nil && !errors.Is(err, c.code) {
			t.Errorf("%v and %v: %d, %v", c.a, c.b, got, err)
		}
	}
}

func node(n byte) artel.NodeID { return artel.NodeID{2, n} }

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	l := p2p.NewLimiter(0.5, 3, 2, func() time.Time { return now })
	take := func(n byte) (got int) {
		for l.Allow(node(n)) {
			got++
		}
		return got
	}
	if got := take(1); got != 3 {
		t.Errorf("burst: %d", got)
	}
	if got := take(2); got != 3 {
		t.Errorf("burst of another: %d", got)
	}
	now = now.Add(3 * time.Second)
	if got := take(1); got != 1 {
		t.Errorf("after 3 s at 0.5/s: %d", got)
	}
	now = now.Add(time.Second) // with the half token left over
	if got := take(1); got != 1 {
		t.Errorf("after another second: %d", got)
	}
	now = now.Add(-time.Hour)
	if got := take(1); got != 0 {
		t.Errorf("after the clock stepped back: %d", got)
	}
	now = now.Add(time.Hour + time.Minute)
	if got := take(1); got != 3 {
		t.Errorf("after a long rest: %d", got)
	}
	take(3) // there is room for two: the quiet 2 is forgotten, 1 is not
	if got := take(1); got != 0 {
		t.Errorf("after a third came: %d", got)
	}
}

func FuzzIncoming(f *testing.F) {
	f.Add("unpaid", "owes 7", "pay")
	f.Add("", "\x1b[2J\u202e", strings.Repeat("é", 1000))
	f.Fuzz(func(t *testing.T, code, message, hint string) {
		e := p2p.Incoming(p2p.Error{Code: p2p.Code(code), Message: message, Hint: hint})
		for _, s := range []string{e.Message, e.Hint, e.Error()} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x1b\n\r\x00\u202e") || len(s) > 3*p2p.MaxErrorText {
				t.Fatalf("%q", s)
			}
		}
		if len(e.Code) == 0 || len(e.Code) > 32 || len(e.Message) > p2p.MaxErrorText || len(e.Hint) > p2p.MaxErrorText {
			t.Fatalf("%+v", e)
		}
		if again := p2p.Incoming(*e); *again != *e {
			t.Fatalf("%+v became %+v", *e, *again)
		}
	})
}
