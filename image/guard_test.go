package image

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestIsPublic(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"} {
		if !isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for private", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "0.1.2.3", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1",
		"fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001::1", "::7f00:1", "fec0::1",
	} {
		if isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for public", a)
		}
	}
}

// TestGuardRefusesBeforeDialling: these would be dialled by name through a proxy.
func TestGuardRefusesBeforeDialling(t *testing.T) {
	g := newGuard(Registries{Insecure: []string{"lan.example:5000"}})
	for _, url := range []string{"http://8.8.8.8/", "http://registry.example/", "https://127.0.0.1/", "https://[::1]:443/", "https://localhost:5000/", "https://169.254.169.254/", "https://10.0.0.1/", "ftp://8.8.8.8/", "http://lan.example:5001/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is refused") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if !g.r.allows("lan.example:5000") || g.r.allows("lan.example:5001") || g.r.allows("") {
		t.Error("the owner's word counts for what it names")
	}
}

// TestGuardLooksAtTheAddress: whatever name led there, the address that is dialled
// decides.
func TestGuardLooksAtTheAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var refused *refusedAddress
	if _, err := newGuard(Registries{}).inner.DialContext(t.Context(), "tcp", l.Addr().String()); !errors.As(err, &refused) {
		t.Errorf("dialled: %v", err)
	}
	c, err := newGuard(Registries{Loopback: true}).inner.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
