package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// relay passes requests on to the steward: each on a stream of its own, and of their
// headers only those that it needs, so the token of this API stays here.
func (s *Server) relay() http.Handler {
	t := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.node.DialSteward(ctx) },
		DisableKeepAlives: true, DisableCompression: true,
	}
	p := &httputil.ReverseProxy{
		Transport: t, FlushInterval: -1,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "artel"})
			h := http.Header{}
			for _, k := range []string{"Content-Type", "Connection", "Upgrade", "Te"} {
				if v := r.Out.Header.Values(k); len(v) > 0 {
					h[k] = v
				}
			}
			h["User-Agent"] = nil
			r.Out.Header, r.Out.Host = h, "artel"
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, hungUp(err)) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/jobs" {
			p.ServeHTTP(w, r)
			return
		}
		// The job's files travel meanwhile: the steward fetches them from here.
		q, err := body[SubmitRequest](w, r)
		if err == nil {
			err = checkSubmit(q)
		}
		var done func()
		if err == nil {
			done, err = s.node.Lend(r.Context(), q.Spec)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer done()
		b, err := json.Marshal(q)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		p.ServeHTTP(w, r)
	})
}

// hungUp says why there is no answer.
func hungUp(err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return Errorf(CodeCancelled, "the caller gave up")
	}
	return Errorf(CodeUnavailable, "ask the steward: %v", err).WithHint("is it up, with --account and this account? artel status on its machine. artel ps --steward says whether it has a job that was on its way")
}

func checkSubmit(q SubmitRequest) error {
	if len(q.Key) < 16 || len(q.Key) > 64 {
		return Errorf(CodeInvalid, "submit: key of %d bytes, want 16 to 64", len(q.Key)).WithHint("draw it at random, once per job")
	}
	return q.Spec.Check()
}
