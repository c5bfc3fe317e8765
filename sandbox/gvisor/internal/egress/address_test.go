package egress

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func TestRefusedAddresses(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("93.184.216.1"), netip.MustParseAddr("2606:4700:2::1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.5")}
	lan := Owner{Permit: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("127.0.0.0/8")}}
	all := Owner{Permit: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	self := Owner{Permit: []netip.Prefix{netip.MustParsePrefix("93.184.216.1/32")}}
	deny := Owner{Permit: lan.Permit, Deny: []netip.Prefix{netip.MustParsePrefix("192.168.1.64/26"), netip.MustParsePrefix("93.184.215.0/24")}}
	for _, c := range []struct {
		owner Owner
		addr  string
		why   string // "": allowed
	}{
		{Owner{}, "93.184.215.14", ""},
		{Owner{}, "1.1.1.1", ""},
		{Owner{}, "2606:4700::1111", ""},
		{Owner{}, "64:ff9b::5db8:d70e", ""}, // NAT64 of 93.184.215.14
		{Owner{}, "2002:5db8:d70e::1", ""},  // 6to4 of it

		{Owner{}, "127.0.0.1", "host's own"},
		{Owner{}, "127.8.8.8", "loopback"},
		{Owner{}, "::1", "loopback"},
		{Owner{}, "0.0.0.0", "unspecified"},
		{Owner{}, "0.1.2.3", "this network"},
		{Owner{}, "::", "unspecified"},
		{Owner{}, "10.0.0.1", "private"},
		{Owner{}, "172.16.0.1", "private"},
		{Owner{}, "172.31.255.255", "private"},
		{Owner{}, "172.32.0.1", ""},
		{Owner{}, "192.168.0.1", "private"},
		{Owner{}, "100.64.0.1", "private"},
		{Owner{}, "100.127.255.255", "private"},
		{Owner{}, "100.128.0.1", ""},
		{Owner{}, "169.254.1.1", "link-local"},
		{Owner{}, "169.254.169.254", "metadata"},
		{Owner{}, "fd00:ec2::254", "metadata"},
		{Owner{}, "168.63.129.16", "metadata"},
		{Owner{}, "192.0.2.1", "documentation"},
		{Owner{}, "198.18.0.1", "measurements"},
		{Owner{}, "224.0.0.1", "multicast"},
		{Owner{}, "239.255.255.255", "multicast"},
		{Owner{}, "240.0.0.1", "reserved"},
		{Owner{}, "255.255.255.255", "broadcast"},
		{Owner{}, "ff02::1", "multicast"},
		{Owner{}, "fe80::1", "link-local"},
		{Owner{}, "fe80::1%eth0", "internet"},
		{Owner{}, "fd12::1", "private"},
		{Owner{}, "2001:0:1::1", "reserved"}, // Teredo
		{Owner{}, "2001:db8::1", "documentation"},
		{Owner{}, "4000::1", "reserved"},

		// IPv4 within IPv6.
		{Owner{}, "::ffff:127.0.0.1", "host's own"},
		{Owner{}, "::ffff:169.254.169.254", "metadata"},
		{Owner{}, "::ffff:10.0.0.1", "private"},
		{Owner{}, "::10.0.0.1", "reserved"},
		{Owner{}, "::ffff:0:10.0.0.1", "reserved"},
		{Owner{}, "64:ff9b::10.0.0.1", "a form of 10.0.0.1"},
		{Owner{}, "64:ff9b::169.254.169.254", "a form of 169.254.169.254"},
		{Owner{}, "64:ff9b::93.184.216.1", "a form of 93.184.216.1"},
		{Owner{}, "64:ff9b:1::93.184.215.14", "translation"},
		{Owner{}, "2002:a00:1::1", "a form of 10.0.0.1"},
		{Owner{}, "2002:7f00:1::", "a form of 127.0.0.1"},
		{Owner{}, "2606:4700::5efe:10.0.0.1", "a form of 10.0.0.1"},
		{Owner{}, "2606:4700::200:5efe:127.0.0.1", "a form of 127.0.0.1"},

		// The host's own, and what an owner says.
		{Owner{}, "93.184.216.1", "host's own"},
		{Owner{}, "2606:4700:2::1", "host's own"},
		{lan, "192.168.1.7", ""},
		{lan, "192.168.2.7", "private"},
		{lan, "192.168.1.5", "host's own"},
		{lan, "127.0.0.1", ""},
		{lan, "::ffff:127.0.0.1", ""},
		{self, "93.184.216.1", ""},
		{all, "10.0.0.1", ""},
		{all, "127.0.0.1", "host's own"},
		{all, "93.184.216.1", "host's own"},
		{all, "169.254.169.254", "metadata"},
		{all, "fd00:ec2::254", "metadata"},
		{all, "224.0.0.1", "multicast"},
		{deny, "192.168.1.7", ""},
		{deny, "192.168.1.70", "denied"},
		{deny, "93.184.215.14", "denied"},
		{deny, "64:ff9b::93.184.215.14", "a form of"},
	} {
		got := c.owner.refuse(netip.MustParseAddr(c.addr), own)
		if (got == "") != (c.why == "") || !strings.Contains(got, c.why) {
			t.Errorf("%s for %+v: %q, want %q", c.addr, c.owner, got, c.why)
		}
	}
	if (Owner{}).refuse(netip.Addr{}, nil) == "" {
		t.Error("no address at all was let through")
	}
}

// Whatever the bytes, a form that carries a private address is refused, and mapped
// forms are treated as what they carry.
func FuzzRefuse(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1}, []byte(netip.MustParseAddr("2002:a00:1::1").AsSlice()))
	f.Fuzz(func(t *testing.T, four, six []byte) {
		a4, ok4 := netip.AddrFromSlice(four)
		if a16, ok := netip.AddrFromSlice(six); ok && a16.Is6() {
			if (Owner{}).refuse(a16, nil) == "" && (a16.IsPrivate() || a16.IsLoopback() || a16.IsMulticast() || a16.IsLinkLocalUnicast() || a16.Unmap().IsPrivate()) {
				t.Errorf("%s is let through", a16)
			}
		}
		if !ok4 || !a4.Is4() {
			return
		}
		plain := Owner{}.refuse(a4, nil)
		b := a4.As4()
		if mapped := (Owner{}).refuse(netip.AddrFrom16(a4.As16()), nil); mapped != plain {
			t.Errorf("%s is %q, mapped %q", a4, plain, mapped)
		}
		through := nat64.Addr().As16()
		copy(through[12:], b[:])
		if carried := (Owner{}).refuse(netip.AddrFrom16(through), nil); (carried == "") != (plain == "") {
			t.Errorf("%s is %q, through NAT64 %q", a4, plain, carried)
		}
	})
}

func TestOwnerCheck(t *testing.T) {
	for _, c := range []struct {
		owner Owner
		entry string
		want  string
	}{
		{Owner{}, "pypi.org:443", ""},
		{Owner{}, "smtp.example.org:587", "no mail"},
		{Owner{Mail: true}, "smtp.example.org:587", ""},
		{Owner{}, "192.168.1.1:80", "private"},
		{Owner{Permit: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}}, "192.168.1.1:80", ""},
		{Owner{}, "[fd00:ec2::254]:80", "metadata"},
		{Owner{}, "http://pypi.org", "URL"},
	} {
		err := Policy{Owner: c.owner, Network: sandbox.Network{Allow: []string{c.entry}}}.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.entry, err, c.want)
		}
	}
	if err := (Policy{Conns: -1}).Check(); err == nil {
		t.Error("a negative bound was taken")
	}
}

func TestHostAddrs(t *testing.T) {
	own, err := hostAddrs()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(own, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("this host has %v, without 127.0.0.1", own)
	}
}

func TestMeterStopsAtTheCap(t *testing.T) {
	m := newMeter(10)
	for _, c := range []struct{ n, fits int }{{4, 4}, {5, 5}, {3, 1}, {1, 0}} {
		if fits := m.sent(c.n); fits != c.fits {
			t.Errorf("%d bytes: %d fit, want %d", c.n, fits, c.fits)
		}
	}
	select {
	case <-m.full:
	default:
		t.Error("full, and does not say so")
	}
	if u := m.read(); u.Sent != 10 || !u.Capped {
		t.Errorf("usage %+v", u)
	}
	if m := newMeter(0); m.got(1<<40) != 1<<40 || m.read().Capped {
		t.Error("no cap has a cap")
	}
}
