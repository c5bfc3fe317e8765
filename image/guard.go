package image

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// guard is the transport below everything: whatever a registry's answers lead to
// (redirections, token services), only public addresses are reached, over https.
type guard struct {
	r     Registries
	inner *http.Transport
}

// refusedAddress is an address that the registry's name or answer led to.
type refusedAddress struct{ what string }

func (e *refusedAddress) Error() string {
	return e.what + " is refused: only public addresses are reached, over https; hint: the owner of this machine can name an insecure registry"
}

func newGuard(r Registries) *guard {
	g := &guard{r: r}
	proxies := proxyHosts()
	open := &net.Dialer{Timeout: r.stall()}
	public := &net.Dialer{Timeout: r.stall(), Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !isPublic(ap.Addr()) {
			return &refusedAddress{address}
		}
		return nil
	}}
	g.inner = &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   r.stall(),
		ResponseHeaderTimeout: r.stall(),
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   4,
		DisableCompression:    true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if r.allows(addr) || proxies[addr] {
				return open.DialContext(ctx, network, addr)
			}
			return public.DialContext(ctx, network, addr)
		},
	}
	return g
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if !g.r.allows(req.URL.Host) {
		if req.URL.Scheme != "https" {
			return nil, &refusedAddress{req.URL.Scheme + "://" + req.URL.Host}
		}
		// Behind a proxy nobody dials it here, so it is looked at by name.
		if a, err := netip.ParseAddr(strings.Trim(hostOf(req.URL.Host), "[]")); err == nil && !isPublic(a) || isLoopback(hostOf(req.URL.Host)) {
			return nil, &refusedAddress{req.URL.Host}
		}
	}
	return g.inner.RoundTrip(req)
}

// proxyHosts are the proxies that the owner's environment names.
func proxyHosts() map[string]bool {
	hosts := map[string]bool{}
	for _, scheme := range []string{"http", "https"} {
		req, err := http.NewRequest(http.MethodGet, scheme+"://registry.example/", nil)
		if err != nil {
			continue
		}
		u, err := http.ProxyFromEnvironment(req)
		if err != nil || u == nil {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
		hosts[net.JoinHostPort(u.Hostname(), port)] = true
	}
	return hosts
}

func hostOf(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return hostport
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}

// special are the blocks of the IANA registries that no public registry has, and
// that netip does not name.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	// IPv6 that stands for an IPv4 address, which may be any; and site-local.
	netip.MustParsePrefix("64:ff9b::/16"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("100::/64"),
}

// isPublic reports whether an address belongs to the world, not to this machine
// or its network.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// get asks for a part of the repository. Its body breaks off when nothing comes
// for a while. Call done with it read.
func (r *repository) get(ctx context.Context, what string, header http.Header) (*http.Response, func(), error) {
	client, err := r.client(ctx)
	if err != nil {
		return nil, nil, err
	}
	scheme := "https"
	if r.repo.Scheme() == "http" {
		scheme = "http" // the handshake found out which, and its transport sets it
	}
	ctx, cancel := context.WithCancelCause(ctx)
	url := fmt.Sprintf("%s://%s/v2/%s/%s", scheme, r.repo.RegistryStr(), r.repo.RepositoryStr(), what)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel(nil)
		return nil, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	w := &watched{ctx: ctx, stall: r.r.stall()}
	w.timer = time.AfterFunc(w.stall, func() { cancel(fmt.Errorf("nothing came for %v", w.stall)) })
	done := func() { w.timer.Stop(); cancel(nil) }
	resp, err := client.Do(req)
	if err == nil {
		err = checkStatus(resp)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
			err = cause
		}
		done()
		return nil, nil, err
	}
	w.inner = resp.Body
	resp.Body = w
	return resp, func() { done(); w.inner.Close() }, nil
}
