package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/artel-network/artel/sandbox"
)

func query(t testing.TB, name string, kind dnsmessage.Type, change func(*dnsmessage.Message)) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	if change != nil {
		change(&m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("a.", 126)
	lookup := func(_ context.Context, name string) ([]netip.Addr, error) {
		switch name {
		case "Site.Example.":
			return []netip.Addr{netip.MustParseAddr("93.184.215.14"), netip.MustParseAddr("2606:4700::1")}, nil
		case long:
			var all []netip.Addr
			for i := range maxPerType {
				all = append(all, netip.AddrFrom4([4]byte{1, 1, 1, byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}))
			}
			return all, nil
		case "gone.example.":
			return nil, errNoName
		case "inside.example.":
			return nil, errClosed
		case "broken.example.":
			return nil, context.DeadlineExceeded
		case "more.example.":
			return nil, errTooMany
		}
		return nil, errNotListed
	}
	q := func(name string, kind dnsmessage.Type) []byte { return query(t, name, kind, nil) }
	for _, c := range []struct {
		name    string
		query   []byte
		code    dnsmessage.RCode
		answers int
		refused error
	}{
		{"A", q("Site.Example.", dnsmessage.TypeA), 0, 1, nil},
		{"AAAA", q("Site.Example.", dnsmessage.TypeAAAA), 0, 1, nil},
		{"MX", q("Site.Example.", dnsmessage.TypeMX), 0, 0, nil},
		{"HTTPS", q("Site.Example.", 65), 0, 0, nil},
		{"the longest", q(long, dnsmessage.TypeAAAA), 0, maxPerType, nil},
		{"gone", q("gone.example.", dnsmessage.TypeA), dnsmessage.RCodeNameError, 0, nil},
		{"inside", q("inside.example.", dnsmessage.TypeA), dnsmessage.RCodeNameError, 0, errClosed},
		{"unlisted", q("evil.example.", dnsmessage.TypeTXT), dnsmessage.RCodeNameError, 0, errNotListed},
		{"broken", q("broken.example.", dnsmessage.TypeA), dnsmessage.RCodeServerFailure, 0, nil},
		{"too many", q("more.example.", dnsmessage.TypeA), dnsmessage.RCodeRefused, 0, errTooMany},
		{"class", query(t, "Site.Example.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }), dnsmessage.RCodeRefused, 0, errNotListed},
		{"update", query(t, "Site.Example.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.OpCode = 5 }), dnsmessage.RCodeNotImplemented, 0, nil},
		{"no question", query(t, ".", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = nil }), dnsmessage.RCodeFormatError, 0, nil},
		{"two questions", query(t, ".", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }), dnsmessage.RCodeFormatError, 0, nil},
	} {
		reply, _, refused := answerDNS(t.Context(), c.query, lookup)
		var m dnsmessage.Message
		if err := m.Unpack(reply); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.RCode != c.code || len(m.Answers) != c.answers || m.ID != 7 || !m.Response || len(reply) > 512 || !errors.Is(refused, c.refused) {
			t.Errorf("%s: %v with %d answers in %d bytes, refused %v", c.name, m.RCode, len(m.Answers), len(reply), refused)
		}
	}
	for _, b := range [][]byte{nil, {1, 2, 3}, query(t, "a.example.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Response = true })} {
		if reply, _, _ := answerDNS(t.Context(), b, lookup); reply != nil {
			t.Errorf("%x was answered", b)
		}
	}
}

// Whatever the box sends, an answer is a small well-formed message about the same
// question.
func FuzzAnswerDNS(f *testing.F) {
	f.Add(query(f, "site.example.", dnsmessage.TypeA, nil))
	f.Add(query(f, "site.example.", dnsmessage.TypeAAAA, nil))
	f.Add([]byte{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1}) // a name that points to itself
	f.Fuzz(func(t *testing.T, b []byte) {
		reply, _, _ := answerDNS(t.Context(), b, func(_ context.Context, name string) ([]netip.Addr, error) {
			if len(name)%2 == 0 {
				return nil, errNotListed
			}
			return []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700::1")}, nil
		})
		if reply == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(reply); err != nil || !m.Response || len(reply) > 512 || m.ID != uint16(b[0])<<8|uint16(b[1]) {
			t.Fatalf("%x is answered by %x: %v", b, reply, err)
		}
	})
}

type resolverFunc func(ctx context.Context, name string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, _, name string) ([]netip.Addr, error) {
	return f(ctx, name)
}

func testPins(t *testing.T, r Resolver, allow ...string) *pins {
	t.Helper()
	p := Policy{Resolver: r, Network: sandbox.Network{Allow: allow}, Own: func() ([]netip.Addr, error) { return nil, nil }}.withDefaults()
	dests, err := p.Network.Destinations()
	if err != nil {
		t.Fatal(err)
	}
	return newPins(p, dests)
}

func TestNameIsResolvedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := testPins(t, resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
			asked++
			time.Sleep(time.Second)
			return []netip.Addr{netip.AddrFrom4([4]byte{1, 1, 1, byte(asked)})}, nil
		}), "a.example", "a.example:22")
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				addrs, err := s.lookup(t.Context(), "A.example.")
				if err != nil || !slices.Equal(addrs, []netip.Addr{netip.MustParseAddr("1.1.1.1")}) {
					t.Errorf("%v, %v", addrs, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(24 * time.Hour)
		s.lookup(t.Context(), "a.example")
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		for dst, open := range map[string]bool{"1.1.1.1:80": true, "1.1.1.1:443": true, "1.1.1.1:22": true, "1.1.1.1:8080": false, "1.1.1.2:80": false, "1.1.1.1:25": false} {
			if why := s.check(netip.MustParseAddrPort(dst)); (why == "") != open {
				t.Errorf("%s: %q", dst, why)
			}
		}
	})
}

func TestFailureIsNotPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := testPins(t, resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
			if asked++; asked < 3 {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: asked == 1}
			}
			return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
		}), "a.example")
		if _, err := s.lookup(t.Context(), "a.example"); !errors.Is(err, errNoName) {
			t.Error(err)
		}
		s.lookup(t.Context(), "a.example")
		if asked != 1 {
			t.Errorf("asked %d times within the wait", asked)
		}
		time.Sleep(failureFor)
		if _, err := s.lookup(t.Context(), "a.example"); err == nil || errors.Is(err, errNoName) {
			t.Error(err)
		}
		time.Sleep(failureFor)
		if addrs, err := s.lookup(t.Context(), "a.example"); err != nil || len(addrs) != 1 {
			t.Error(addrs, err)
		}
	})
}

func TestNamesAndAddressesAreBounded(t *testing.T) {
	s := testPins(t, resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
		var all []netip.Addr
		for i := range 200 {
			all = append(all, netip.AddrFrom4([4]byte{1, 1, 1, byte(i)}))
		}
		return all, nil
	}), "*.a.example")
	for i := range maxNames {
		name := strings.Repeat("x", 1+i%60) + "." + strings.Repeat("y", 1+i/60) + ".a.example"
		if addrs, err := s.lookup(t.Context(), name); err != nil || len(addrs) != maxPerType {
			t.Fatal(name, addrs, err)
		}
	}
	if _, err := s.lookup(t.Context(), "more.a.example"); !errors.Is(err, errTooMany) {
		t.Error(err)
	}
}
