package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Guard decides who may speak to the API on one listener.
type Guard struct {
	// Token, if not empty, is wanted from every request. It is what makes a
	// listener fit for TCP.
	Token string
	// Hosts are names, besides loopback ones, under which the API may be called.
	Hosts []string
	// Origins are web pages that may call it: scheme://host:port.
	Origins []string
	// Local says that the listener is a unix socket that only its owner can
	// open: paths of the local disk may be added, and any Host will do.
	Local bool
	// Steward says that the listener takes connections of the account's own nodes,
	// over the network: they may use what a steward is for, and any Host will do.
	Steward bool
}

// check refuses a request before anything of it is acted on.
func (g Guard) check(r *http.Request) *Error {
	if !g.Local && !g.Steward && !g.hostAllowed(r.Host) {
		return Errorf(CodeForbidden, "the API was called under the name %q", clip(r.Host)).
			WithHint("call it as localhost or 127.0.0.1, or allow the name with --api-host")
	}
	if err := g.checkOrigin(r); err != nil {
		return err
	}
	if r.Method == http.MethodOptions { // a preflight carries no token; it does nothing
		return nil
	}
	if g.Token != "" && !g.tokenGiven(r) {
		return Errorf(CodeUnauthorized, "the API wants its token").
			WithHint("send the header Authorization: Bearer TOKEN; the token is in the data directory's api.token")
	}
	return checkContentType(r)
}

// checkOrigin refuses web pages that were not allowed. Browsers send Origin
// with every request that changes something, and Sec-Fetch-Site with all;
// neither can be forged by a page.
func (g Guard) checkOrigin(r *http.Request) *Error {
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 1 && slices.Contains(g.Origins, origins[0]):
		return nil
	case len(origins) > 0:
		return Errorf(CodeForbidden, "web pages of %q may not use this API", clip(origins[0])).
			WithHint("allow it with --api-origin if the page is yours")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none":
		return nil
	}
	return Errorf(CodeForbidden, "a web page may not use this API").
		WithHint("allow its origin with --api-origin if the page is yours")
}

func (g Guard) tokenGiven(r *http.Request) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(g.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (g Guard) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return true
	}
	return strings.EqualFold(host, "localhost") || slices.ContainsFunc(g.Hosts, func(h string) bool {
		return strings.EqualFold(h, host) || strings.EqualFold(h, hostport)
	})
}

// checkContentType wants JSON, or raw bytes where blobs are added: types that
// no HTML form can send, so that a browser asks before it sends them.
func checkContentType(r *http.Request) *Error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	raw := r.URL.Path == pathBlobs && (got == typeBytes || got == typeTar)
	if err != nil || got != typeJSON && !raw {
		return Errorf(CodeContentType, "content type %q", clip(r.Header.Get("Content-Type"))).
			WithHint("send Content-Type: application/json")
	}
	return nil
}

// allowPage answers what a browser asks before and after a request of an
// allowed page.
func (g Guard) allowPage(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	h := w.Header()
	h.Set("Vary", "Origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
