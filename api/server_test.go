package api_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/api/fake"
)

const token = "0123456789abcdef0123456789abcdef"

func server() *api.Server {
	return api.NewServer(fake.New(), api.Version{Program: "artel"}, slog.New(slog.DiscardHandler))
}

func overTCP() api.Guard {
	return api.Guard{Token: token, Hosts: []string{"box.lan"}, Origins: []string{"http://127.0.0.1:7000"}}
}

// onSocket serves a fake node on a unix socket and returns a client of it.
func onSocket(t *testing.T) (*api.Client, *fake.Node, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "api") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(dir, "s")
	l, err := api.ListenUnix(sock)
	if err != nil {
		t.Fatal(err)
	}
	n := fake.New()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- api.NewServer(n, api.Version{Program: "artel"}, slog.New(slog.DiscardHandler)).Serve(ctx, l, api.Guard{Local: true})
	}()
	c := api.NewUnixClient(sock)
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Lstat(sock); err == nil {
			t.Error("the socket was left behind")
		}
		os.RemoveAll(dir)
	})
	return c, n, sock
}

// Who gets in: a good request, and one change per row.
func TestGuardOverTCP(t *testing.T) {
	h := server().Handler(overTCP())
	rows := []struct {
		name   string
		change func(*http.Request)
		want   int
		code   api.Code
	}{
		{"as it should be", func(*http.Request) {}, 200, ""},
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401, api.CodeUnauthorized},
		{"wrong token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, api.CodeUnauthorized},
		{"empty token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401, api.CodeUnauthorized},
		{"basic auth", func(r *http.Request) { r.SetBasicAuth("a", token) }, 401, api.CodeUnauthorized},
		{"token in the URL", func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "token=" + token }, 401, api.CodeUnauthorized},
		{"rebound name", func(r *http.Request) { r.Host = "evil.example" }, 403, api.CodeForbidden},
		{"rebound name, our port", func(r *http.Request) { r.Host = "evil.example:7700" }, 403, api.CodeForbidden},
		{"name that begins like ours", func(r *http.Request) { r.Host = "localhost.evil.example" }, 403, api.CodeForbidden},
		{"no host", func(r *http.Request) { r.Host = "" }, 403, api.CodeForbidden},
		{"LAN address", func(r *http.Request) { r.Host = "192.168.1.5:7700" }, 403, api.CodeForbidden},
		{"localhost", func(r *http.Request) { r.Host = "localhost:7700" }, 200, ""},
		{"IPv6 loopback", func(r *http.Request) { r.Host = "[::1]:7700" }, 200, ""},
		{"allowed name", func(r *http.Request) { r.Host = "box.lan:7700" }, 200, ""},
		{"web page", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, api.CodeForbidden},
		{"sandboxed frame", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, api.CodeForbidden},
		{"own page on another port", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:7001") }, 403, api.CodeForbidden},
		{"two origins", func(r *http.Request) {
			r.Header["Origin"] = []string{"http://127.0.0.1:7000", "https://evil.example"}
		}, 403, api.CodeForbidden},
		{"allowed page", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:7000") }, 200, ""},
		{"cross-site image", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, api.CodeForbidden},
		{"same-site page", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403, api.CodeForbidden},
		{"address bar", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 200, ""},
		{"form", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, api.CodeContentType},
		{"text form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, api.CodeContentType},
		{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, api.CodeContentType},
		{"raw bytes elsewhere than blobs", func(r *http.Request) { r.Header.Set("Content-Type", "application/octet-stream") }, 415, api.CodeContentType},
		{"with a charset", func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, 200, ""},
		{"GET of what changes something", func(r *http.Request) { r.Method = "GET" }, 405, api.CodeMethod},
		{"DELETE", func(r *http.Request) { r.Method = "DELETE" }, 405, api.CodeMethod},
		{"no such path", func(r *http.Request) { r.URL.Path = "/v1/wallet/steal" }, 404, api.CodeNotFound},
		{"other version", func(r *http.Request) { r.URL.Path = "/v2/wallet/faucet" }, 404, api.CodeNotFound},
	}
	for _, row := range rows {
		r := httptest.NewRequest("POST", "/v1/wallet/faucet", strings.NewReader("{}"))
		r.Host = "127.0.0.1:7700"
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		row.change(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var v struct{ Error api.Error }
		json.Unmarshal(w.Body.Bytes(), &v)
		if w.Code != row.want || v.Error.Code != row.code {
			t.Errorf("%s: %d %q, want %d %q", row.name, w.Code, v.Error.Code, row.want, row.code)
		}
		if row.want != 200 && w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: refused and yet shown to the page", row.name)
		}
	}
}

// A browser asks before it sends JSON; a page that is not allowed is told no.
func TestPreflight(t *testing.T) {
	h := server().Handler(overTCP())
	ask := func(origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("OPTIONS", "/v1/wallet/withdraw", nil)
		r.Host = "localhost:7700"
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask("http://127.0.0.1:7000"); w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "http://127.0.0.1:7000" {
		t.Errorf("allowed page: %d %v", w.Code, w.Header())
	}
	if w := ask("https://evil.example"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other page: %d %v", w.Code, w.Header())
	}
}

func TestPathsAreTakenOnTheSocketOnly(t *testing.T) {
	srv := httptest.NewServer(server().Handler(overTCP()))
	defer srv.Close()
	c, err := api.NewTCPClient(srv.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	if _, err := c.AddPath(ctx, "/etc/hostname"); !errors.Is(err, &api.Error{Code: api.CodeForbidden}) {
		t.Errorf("AddPath over TCP: %v", err)
	}
	b, err := c.AddBytes(ctx, strings.NewReader("\x00asm"), false)
	if err != nil || b.Bytes != 4 {
		t.Errorf("AddBytes: %+v, %v", b, err)
	}
}

func TestBodies(t *testing.T) {
	h := server().Handler(api.Guard{Local: true})
	rows := []struct {
		name, path, body string
		want             int
	}{
		{"amount", "/v1/wallet/deposit", `{"amount":"5"}`, 200},
		{"zero", "/v1/wallet/deposit", `{"amount":"0"}`, 400},
		{"nothing", "/v1/wallet/deposit", ``, 400},
		{"negative", "/v1/wallet/deposit", `{"amount":"-5"}`, 400},
		{"number", "/v1/wallet/deposit", `{"amount":5}`, 400},
		{"more than the account has", "/v1/wallet/deposit", `{"amount":"79228162514264337593543950335"}`, 402},
		{"unknown field", "/v1/wallet/deposit", `{"amount":"5","to":"0x0000000000000000000000000000000000000009"}`, 400},
		{"two values", "/v1/wallet/deposit", `{"amount":"5"}{"amount":"5"}`, 400},
		{"huge", "/v1/wallet/deposit", `{"amount":"` + strings.Repeat("1", 1<<20) + `"}`, 413},
		{"finish with an amount", "/v1/wallet/withdraw", `{"amount":"5","finish":true}`, 400},
		{"nothing to finish", "/v1/wallet/withdraw", `{"finish":true}`, 409},
		{"job without a key", "/v1/jobs", `{"spec":{}}`, 400},
		{"empty job", "/v1/jobs", `{"key":"0123456789abcdef","spec":{}}`, 400},
		{"relative path", "/v1/blobs", `{"path":"../etc"}`, 400},
		{"provide for nothing", "/v1/provide", `{}`, 400},
		{"measure nobody", "/v1/measure", `{}`, 400},
		{"measure whom nobody knows", "/v1/measure", `{"node":"03a0434d9e47f3c86235477c7b1ae6ae5d3442d49b1943c2b752a68e2a47e247c7"}`, 404},
		{"cancel what is not there", "/v1/jobs/nope/cancel", `{}`, 404},
	}
	for _, row := range rows {
		r := httptest.NewRequest("POST", row.path, strings.NewReader(row.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var v struct{ Error *api.Error }
		if w.Code != row.want || json.Unmarshal(w.Body.Bytes(), &v) != nil || (v.Error == nil) != (w.Code == 200) {
			t.Errorf("%s: %d %s, want %d", row.name, w.Code, w.Body, row.want)
		}
	}
}

func TestQueries(t *testing.T) {
	h := server().Handler(api.Guard{Local: true})
	for path, want := range map[string]int{
		"/v1/jobs?all=1&limit=5": 200, "/v1/jobs?all=maybe": 400, "/v1/jobs?limit=-1": 400,
		"/v1/offers?max-price=2500000": 200, "/v1/offers?max-price=cheap": 400,
		"/v1/jobs/nope/events": 404, "/v1/jobs/nope/logs?task=x": 400, "/v1/jobs/nope/output": 404, "/v1/jobs/nope/files": 404,
		"/v1/leases": 200, "/v1/wallet": 200, "/v1/provide": 200, "/v1/version": 200, "/": 404,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/v1/jobs", nil))
	if got := strings.TrimSpace(w.Body.String()); got != "[]" {
		t.Errorf("no jobs: %s, want []", got)
	}
}

func TestSocket(t *testing.T) {
	_, _, sock := onSocket(t)
	fi, err := os.Stat(sock)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	if _, err := api.ListenUnix(sock); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("second listener: %v", err)
	}
	dir := t.TempDir()
	dead := filepath.Join(dir, "d")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Skip("the temporary directory's path is too long for a socket")
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	live, err := api.ListenUnix(dead)
	if err != nil {
		t.Errorf("over a dead socket: %v", err)
	} else {
		live.Close()
	}
	plain := filepath.Join(dir, "f")
	os.WriteFile(plain, []byte("precious"), 0o600)
	if _, err := api.ListenUnix(plain); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, _ := os.ReadFile(plain); string(b) != "precious" {
		t.Error("a file was removed")
	}
	if _, err := api.ListenUnix(filepath.Join(dir, strings.Repeat("x", 200))); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("long path: %v", err)
	}
}

func TestListenTCP(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "nonsense"} {
		if l, err := api.ListenTCP(addr, false); err == nil {
			l.Close()
			t.Errorf("%s: listened", addr)
		}
	}
	l, err := api.ListenTCP("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.token")
	a, err := api.Token(path)
	if err != nil || len(a) != 64 {
		t.Fatalf("Token = %q, %v", a, err)
	}
	if b, err := api.Token(path); err != nil || a != b {
		t.Errorf("second time: %q, %v", b, err)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	os.WriteFile(path, nil, 0o600)
	if _, err := api.Token(path); err == nil {
		t.Error("an empty token was taken")
	}
}

func TestNoDaemon(t *testing.T) {
	_, err := api.NewUnixClient(filepath.Join(t.TempDir(), "s")).Status(context.Background())
	if !errors.Is(err, &api.Error{Code: api.CodeNoDaemon}) || !strings.Contains(err.Error(), "hint: artel up") {
		t.Errorf("got %v", err)
	}
}

func job(t *testing.T, c *api.Client, name string, count uint64) api.Job {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Deposit(ctx, artel.Units(1_000_000)); err != nil {
		t.Fatal(err)
	}
	b, err := c.AddBytes(ctx, strings.NewReader("\x00asm\x01"), false)
	if err != nil {
		t.Fatal(err)
	}
	r := api.SubmitRequest{Key: "0123456789abcdef" + name, Spec: artel.JobSpec{
		Name: name, Program: b.Ref, First: 1, Count: count, Wall: 1000, Sandbox: "wasm", Tries: 1, Failover: artel.FailoverFast}}
	j, err := c.Submit(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Submit(ctx, r); err != nil || again.ID != j.ID {
		t.Errorf("the same key: job %s, %v, want %s", again.ID, err, j.ID)
	}
	return j
}

func TestJobStreams(t *testing.T) {
	c, _, _ := onSocket(t)
	ctx := context.Background()
	j := job(t, c, "quick", 3)
	var last api.JobEvent
	err := c.Watch(ctx, j.ID, 0, func(e api.JobEvent) error {
		if e.Seq != last.Seq+1 {
			t.Errorf("event %d after %d", e.Seq, last.Seq)
		}
		last = e
		return nil
	})
	if err != nil || last.State != api.StateDone || last.Job == nil || last.Job.Done != 3 {
		t.Errorf("Watch: %+v, %v", last, err)
	}
	var text bytes.Buffer
	err = c.Logs(ctx, j.ID, api.LogQuery{Tasks: []uint64{2}, Follow: true}, func(l api.LogChunk) error { text.Write(l.Data); return nil })
	if err != nil || text.String() != "hello from task 2 \n" {
		t.Errorf("Logs: %q, %v", text.String(), err)
	}
	var names []string
	err = c.Output(ctx, j.ID, nil, func(r io.Reader) error {
		tr := tar.NewReader(r)
		for {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			names = append(names, h.Name)
		}
	})
	if err != nil || strings.Join(names, " ") != "1/result.txt 2/result.txt 3/result.txt" {
		t.Errorf("Output: %v, %v", names, err)
	}
}

func TestWatchWaitsAndCancelEndsIt(t *testing.T) {
	c, _, _ := onSocket(t)
	ctx := context.Background()
	j := job(t, c, "slow", 2)
	var state api.State
	err := c.Watch(ctx, j.ID, 0, func(e api.JobEvent) error {
		if e.Kind == api.EventTask && e.Task == 2 { // all that was there has come
			if _, err := c.Cancel(ctx, j.ID); err != nil {
				return err
			}
		}
		state = e.State
		return nil
	})
	if err != nil || state != api.StateCancelled {
		t.Errorf("Watch: %s, %v", state, err)
	}
}

// A stream or tar that stops without its end is told from one that is whole.
func TestTornStreams(t *testing.T) {
	h := http.NewServeMux()
	h.HandleFunc("/v1/jobs/a/events", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"item":{"seq":1}}`+"\n") })
	h.HandleFunc("/v1/jobs/b/events", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"error":{"code":"unavailable","message":"chain is away"}}`+"\n")
	})
	h.HandleFunc("/v1/jobs/a/output", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "") })
	h.HandleFunc("/v1/jobs/b/output", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Artel-End")
		io.WriteString(w, "half")
		w.Header().Set("Artel-End", `{"code":"unavailable","message":"blob gone"}`)
	})
	h.HandleFunc("/v1/status", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", 502) })
	srv := httptest.NewServer(h)
	defer srv.Close()
	c, _ := api.NewTCPClient(srv.URL, "")
	ctx := context.Background()
	none := func(api.JobEvent) error { return nil }
	discard := func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
	_, status := c.Status(ctx)
	for name, row := range map[string]struct {
		err  error
		want api.Code
	}{
		"torn stream":  {c.Watch(ctx, "a", 0, none), api.CodeTorn},
		"error line":   {c.Watch(ctx, "b", 0, none), api.CodeUnavailable},
		"torn tar":     {c.Output(ctx, "a", nil, discard), api.CodeTorn},
		"tar's reason": {c.Output(ctx, "b", nil, discard), api.CodeUnavailable},
		"not an API":   {status, api.CodeIncompatible},
	} {
		if !errors.Is(row.err, &api.Error{Code: row.want}) {
			t.Errorf("%s: %v, want %s", name, row.err, row.want)
		}
	}
}

func TestErrorsKeepTheirHints(t *testing.T) {
	e := api.AsError(artel.Invalid("offer has no price; hint: give one"))
	if e.Code != api.CodeInvalid || e.Hint != "give one" || strings.Contains(e.Message, "hint") {
		t.Errorf("%+v", e)
	}
	if e := api.AsError(errors.New("boom")); e.Code != api.CodeInternal || e.Status() != 500 {
		t.Errorf("%+v", e)
	}
}

func FuzzRequest(f *testing.F) {
	h := server().Handler(api.Guard{Local: true})
	f.Add("/v1/jobs", []byte(`{"key":"0123456789abcdef","spec":{"count":1}}`))
	f.Add("/v1/quote", []byte(`{"program":"b","wall":1}`))
	f.Add("/v1/wallet/redeem", []byte(`{"provider":"0x"}`))
	f.Fuzz(func(t *testing.T, path string, b []byte) {
		if !strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v1/blobs") {
			return
		}
		r, err := http.NewRequest("POST", path, bytes.NewReader(b))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == 500 {
			t.Fatalf("%s %q: %s", path, b, w.Body)
		}
	})
}
