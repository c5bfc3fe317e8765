package api_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
)

// container starts a job in a container that runs until it is cancelled.
func container(t *testing.T, c *api.Client) api.Job {
	t.Helper()
	if _, err := c.Deposit(t.Context(), artel.Units(1000)); err != nil {
		t.Fatal(err)
	}
	j, err := c.Submit(t.Context(), api.SubmitRequest{Key: strings.Repeat("k", 16), Spec: artel.JobSpec{
		Name: "slow", Count: 1, Sandbox: "gvisor", Wall: 1000, Tries: 1, Failover: artel.FailoverNormal, Box: artel.Box{Image: artel.Hash{1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func code(err error) api.Code {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestImage(t *testing.T) {
	c, _, _ := onSocket(t)
	i, err := c.Image(t.Context(), api.ImageRequest{Name: "python:3.12"})
	if err != nil || i.Digest.IsZero() || i.Source != "python:3.12" || i.Bytes == 0 {
		t.Errorf("got %+v, %v", i, err)
	}
	if i, err := c.Image(t.Context(), api.ImageRequest{Path: "/images/a.tar"}); err != nil || i.Source != "" {
		t.Errorf("a path: got %+v, %v", i, err)
	}
	for _, r := range []struct {
		q    api.ImageRequest
		want api.Code
	}{
		{api.ImageRequest{}, api.CodeInvalid}, {api.ImageRequest{Name: "a", Path: "/b"}, api.CodeInvalid},
		{api.ImageRequest{Path: "a.tar"}, api.CodeInvalid}, {api.ImageRequest{Name: "missing"}, api.CodeNotFound},
	} {
		if _, err := c.Image(t.Context(), r.q); code(err) != r.want {
			t.Errorf("%+v: got %v, want %s", r.q, err, r.want)
		}
	}
}

// Who holds the token may sit elsewhere, and does not read this disk.
func TestImagePathOverTCP(t *testing.T) {
	s := httptest.NewServer(server().Handler(overTCP()))
	defer s.Close()
	c, err := api.NewTCPClient(s.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Image(t.Context(), api.ImageRequest{Path: "/etc/passwd"}); code(err) != api.CodeForbidden {
		t.Errorf("got %v, want forbidden", err)
	}
	if _, err := c.Image(t.Context(), api.ImageRequest{Name: "python"}); err != nil {
		t.Error(err)
	}
}

func TestVisitExec(t *testing.T) {
	c, _, _ := onSocket(t)
	j := container(t, c)
	for _, r := range []struct {
		program string
		code    uint32
	}{{"cat", 0}, {"false", 1}} {
		s, err := c.Visit(t.Context(), j.ID, api.VisitRequest{Kind: wire.VisitExec, Args: []string{r.program, "x"}})
		if err != nil {
			t.Fatal(err)
		}
		wants(t, s, wire.FrameOut, r.program+" x\n")
		big := strings.Repeat("0123456789", 3000)
		for range 20 { // more than any buffer on the way
			if err := wire.WriteFrame(s, wire.FrameIn, []byte(big)); err != nil {
				t.Fatal(err)
			}
			wants(t, s, wire.FrameOut, big)
		}
		if err := wire.WriteFrame(s, wire.FrameInEnd, nil); err != nil {
			t.Fatal(err)
		}
		wants(t, s, wire.FrameExit, string(binary.BigEndian.AppendUint32(nil, r.code)))
		if _, _, err := wire.ReadFrame(s, nil); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		s.Close()
	}
}

func wants(t *testing.T, s io.Reader, kind wire.Frame, text string) {
	t.Helper()
	got, b, err := wire.ReadFrame(s, nil)
	if err != nil || got != kind || string(b) != text {
		t.Fatalf("got frame %d of %d bytes, %v; want %d of %d", got, len(b), err, kind, len(text))
	}
}

func TestVisitRefuses(t *testing.T) {
	c, _, _ := onSocket(t)
	j := container(t, c)
	ls := api.VisitRequest{Kind: wire.VisitExec, Args: []string{"ls"}}
	for _, r := range []struct {
		name, id string
		q        api.VisitRequest
		want     api.Code
	}{
		{"no kind", j.ID, api.VisitRequest{}, api.CodeInvalid},
		{"no program", j.ID, api.VisitRequest{Kind: wire.VisitExec}, api.CodeInvalid},
		{"no port", j.ID, api.VisitRequest{Kind: wire.VisitDial}, api.CodeInvalid},
		{"no job", "ffff", ls, api.CodeNotFound},
	} {
		if _, err := c.Visit(t.Context(), r.id, r.q); code(err) != r.want {
			t.Errorf("%s: got %v, want %s", r.name, err, r.want)
		}
	}
	if _, err := c.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Visit(t.Context(), j.ID, ls); code(err) != api.CodeConflict {
		t.Errorf("of a job that has ended: got %v, want conflict", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Visit(ctx, j.ID, ls); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: got %v", err)
	}
}

// The context of the opening does not end what is open; closing does, on both
// sides.
func TestVisitLivesUntilItIsClosed(t *testing.T) {
	c, n, _ := onSocket(t)
	j := container(t, c)
	ended := make(chan error, 1)
	n.OnVisit(func(_ api.VisitRequest, s io.ReadWriteCloser) {
		defer s.Close()
		for {
			kind, b, err := wire.ReadFrame(s, nil)
			if err != nil {
				ended <- err
				return
			}
			wire.WriteFrame(s, kind, b)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Visit(ctx, j.ID, api.VisitRequest{Kind: wire.VisitUsage})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := wire.WriteFrame(s, wire.FrameIn, []byte("still")); err != nil {
		t.Fatal(err)
	}
	wants(t, s, wire.FrameIn, "still")
	s.Close()
	if err := <-ended; err == nil {
		t.Error("the other side did not see the end")
	}
}

// A visit is guarded as all else is, and is never what a web form can ask for.
func TestVisitIsGuarded(t *testing.T) {
	h := server().Handler(overTCP())
	for _, r := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized},
		{"a page", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		{"a form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType},
		{"another name", func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
		{"no upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, http.StatusBadRequest},
		{"no job", func(*http.Request) {}, http.StatusNotFound},
	} {
		req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/jobs/ffff/visit", strings.NewReader(`{"kind":3}`))
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Upgrade", "artel-visit")
		r.change(req)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != r.status {
			t.Errorf("%s: status %d, want %d: %s", r.name, w.Code, r.status, w.Body)
		}
	}
}
