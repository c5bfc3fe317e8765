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
	"net/url"
	"strconv"
	"time"

	"github.com/artel-network/artel"
)

const (
	typeJSON   = "application/json"
	typeBytes  = "application/octet-stream"
	typeTar    = "application/x-tar"
	typeStream = "application/x-ndjson"

	pathBlobs = "/v1/blobs"

	// maxBody is the largest JSON request: a job's arguments and environment
	// have at most 128 KiB between them.
	maxBody = 1 << 20

	trailerEnd = "Artel-End" // "ok", or an Error in JSON
)

// Server serves the API of a node.
type Server struct {
	node    Node
	version Version
	log     *slog.Logger
}

// NewServer returns a server; Serve starts it.
func NewServer(n Node, v Version, log *slog.Logger) *Server {
	v.API = Revision
	return &Server{node: n, version: v, log: log}
}

// Serve answers requests on l until ctx ends, then lets those under way finish
// for a moment. It closes l. It may be called for several listeners.
func (s *Server) Serve(ctx context.Context, l net.Listener, g Guard) error {
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	srv := &http.Server{
		Handler:           s.Handler(g),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       fromPeer,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // streams end with an error line instead of holding the daemon up
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-failed
	return err
}

// handler answers a request; what it returns is written as JSON, unless it is
// written already.
type handler func(w http.ResponseWriter, r *http.Request, g Guard) (any, error)

// written says that a handler wrote its answer itself.
type written struct{}

// Handler returns the API as an http.Handler that lets in whom g lets in.
func (s *Server) Handler(g Guard) http.Handler {
	mux, paths := http.NewServeMux(), http.NewServeMux()
	known := map[string]bool{}
	relay := s.relay()
	for pattern, h := range s.routes() {
		if g.Steward && !remote[pattern] {
			h = notRemote
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, g, h) })
		path := pattern[bytes.IndexByte([]byte(pattern), ' ')+1:]
		if !known[path] {
			known[path] = true
			paths.HandleFunc(path, http.NotFound)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := paths.Handler(r); pattern != "" {
			s.fail(w, r, Errorf(CodeMethod, "%s does not take %s", clip(r.URL.Path), clip(r.Method)))
			return
		}
		s.fail(w, r, Errorf(CodeNotFound, "no such path: %s", clip(r.URL.Path)).WithHint("this is API version %d, paths begin with /v%d/", Revision, Revision))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.check(r); err != nil {
			s.fail(w, r, err)
			return
		}
		if g.Steward { // it is small, and who is refused before it was read may not hear why
			b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
			if err != nil {
				s.fail(w, r, Errorf(CodeInvalid, "read request: %v", err))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		g.allowPage(w, r)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.Header.Get(headerSteward) != "" && !g.Steward {
			relay.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, g Guard, h handler) {
	v, err := h(w, r, g)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if _, ok := v.(written); ok {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", typeJSON)
	w.Write(append(b, '\n'))
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(err)
	if e.Code == CodeInternal {
		s.log.Error("api request", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.Status())
	b, _ := json.Marshal(map[string]*Error{"error": e})
	w.Write(append(b, '\n'))
}

// body reads a JSON request of type T strictly.
func body[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return v, Errorf(CodeTooLarge, "the request has more than %d bytes", maxBody)
	}
	if err != nil {
		return v, Errorf(CodeInvalid, "read request: %v", err)
	}
	if len(bytes.TrimSpace(b)) == 0 { // every field has a zero value
		return v, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, Errorf(CodeInvalid, "read request: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, Errorf(CodeInvalid, "read request: something follows the JSON value")
	}
	return v, nil
}

// query reads numbers and flags from a URL and keeps the first complaint.
type query struct {
	v   url.Values
	err error
}

func (q *query) uint(name string) uint64 {
	s := q.v.Get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	q.complain(name, s, err)
	return n
}

func (q *query) uints(name string) []uint64 {
	var out []uint64
	for _, s := range q.v[name] {
		n, err := strconv.ParseUint(s, 10, 64)
		q.complain(name, s, err)
		out = append(out, n)
	}
	return out
}

func (q *query) bool(name string) bool {
	s := q.v.Get(name)
	if s == "" {
		return false
	}
	b, err := strconv.ParseBool(s)
	q.complain(name, s, err)
	return b
}

func (q *query) complain(name, s string, err error) {
	if err != nil && q.err == nil {
		q.err = Errorf(CodeInvalid, "query %s=%s is not what was wanted", name, clip(s)).WithHint("a number, or 1 for yes")
	}
}

// limit keeps a client from asking for everything at once.
func limit(n uint64, usual, most int) int {
	switch {
	case n == 0:
		return usual
	case n > uint64(most):
		return most
	}
	return int(n)
}

func positive(a artel.Amount) error {
	if a.IsZero() {
		return Errorf(CodeInvalid, "the amount is zero").WithHint("say how much")
	}
	return nil
}
