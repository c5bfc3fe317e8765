package image_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// onRegistry serves app("a") as a:1 and returns its descriptor and manifest.
func onRegistry(t testing.TB, b oci.Build) (*server, oci.Descriptor, oci.Manifest) {
	t.Helper()
	srv := newServer(t)
	dir, tops := layout(t, b)
	srv.push(t, "org/a", dir)
	srv.tag(t, "org/a", "1", dir, tops[0])
	text, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", tops[0].Digest.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := oci.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return srv, tops[0], *doc.Manifest
}

func TestResolveAndEnsure(t *testing.T) {
	for name, c := range map[string]oci.Compression{"gzip": oci.Gzip, "zstd": oci.Zstd, "plain": oci.Plain} {
		t.Run(name, func(t *testing.T) {
			b := app("a")
			b.Compression = c
			srv, top, m := onRegistry(t, b)
			pin, err := loopback.Resolve(t.Context(), srv.host+"/org/a:1", image.Platform{})
			if err != nil {
				t.Fatal(err)
			}
			if pin.Digest != top.Digest || pin.Source != srv.host+"/org/a" || pin.Size != m.Size() || len(pin.Platforms) != 1 || pin.Platforms[0] != oci.Host() {
				t.Fatalf("%+v", pin)
			}
			s, _ := store(t, image.Options{})
			var last image.Progress
			img, err := s.Ensure(t.Context(), image.Want{Digest: pin.Digest, Source: pin.Source}, func(p image.Progress) { last = p })
			if err != nil {
				t.Fatal(err)
			}
			defer img.Release()
			wantApp(t, img, "a")
			if last.Stage != "unpack" || last.Done != last.Total || last.Registry != last.Total || last.Peers != 0 || img.Pulled != last {
				t.Errorf("progress at the end: %+v", last)
			}
			if img.Digest != pin.Digest || img.Manifest != pin.Digest || img.Platform != oci.Host() || img.Size < 300_000 {
				t.Errorf("%+v", img)
			}
			srv.set(nil)
			again := ensure(t, s, image.Want{Digest: pin.Digest, Source: pin.Source})
			defer again.Release()
			if again.Root != img.Root || srv.count("") != 0 || again.Pulled != (image.Progress{}) {
				t.Errorf("the second time: %s, %d requests", again.Root, srv.count(""))
			}
		})
	}
}

func TestManyPlatforms(t *testing.T) {
	srv := newServer(t)
	dir := t.TempDir()
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	parts := platforms(t, l, "s390x", "amd64", "arm64", "arm", "riscv64", "ppc64le")
	index, err := l.Index("", parts...)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := l.Index("", parts[0], parts[5])
	if err != nil {
		t.Fatal(err)
	}
	srv.push(t, "org/a", dir)
	srv.tag(t, "org/a", "latest", dir, index)

	pin, err := loopback.Resolve(t.Context(), srv.host+"/org/a", image.Platform{})
	if err != nil || pin.Digest != index.Digest || len(pin.Platforms) != 6 || pin.Size == 0 {
		t.Fatalf("%+v, %v", pin, err)
	}
	arm, err := loopback.Resolve(t.Context(), srv.host+"/org/a", image.Platform{OS: "linux", Arch: "arm64"})
	if err != nil || arm.Digest != parts[2].Digest {
		t.Fatalf("%+v, %v", arm, err)
	}
	s, _ := store(t, image.Options{Platform: image.Platform{OS: "linux", Arch: "arm64"}})
	img := ensure(t, s, image.Want{Digest: index.Digest, Source: pin.Source})
	wantApp(t, img, "arm64")
	one := ensure(t, s, image.Want{Digest: arm.Digest, Source: pin.Source})
	if one.Root != img.Root {
		t.Errorf("the index is unpacked to %s, its manifest to %s", img.Root, one.Root)
	}
	img.Release()
	one.Release()
	for _, d := range []oci.Digest{foreign.Digest, parts[0].Digest} {
		_, err = s.Ensure(t.Context(), image.Want{Digest: d, Source: pin.Source}, nil)
		wantErr(t, err, image.ErrPlatform)
		if !strings.Contains(err.Error(), "linux/s390x") || !strings.Contains(err.Error(), "linux/arm64") {
			t.Errorf("it does not say what there is, and what is wanted: %v", err)
		}
	}
	_, err = loopback.Resolve(t.Context(), srv.host+"/org/a", image.Platform{OS: "linux", Arch: "mips"})
	wantErr(t, err, image.ErrPlatform)
}

// A registry with one fault a row.
func TestRegistryFaults(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	isLayer := func(r *http.Request) bool { return strings.Contains(r.URL.Path, m.Layers[0].Digest.Hex()) }
	var n atomic.Int64
	status := func(code int, until int64) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) || n.Add(1) > until {
				return false
			}
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"%s"}]}`, strings.Repeat("slow\\ndown", 1000))
			return true
		}
	}
	// cut lets each answer for the layer end after some bytes.
	cut := func(most int, ranges bool) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) {
				return false
			}
			if !ranges {
				r.Header.Del("Range")
			}
			srv.inner.ServeHTTP(&cutter{w, most}, r)
			return true
		}
	}
	length := func(change int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) {
				return false
			}
			w.Header().Set("Content-Length", strconv.Itoa(int(m.Layers[0].Size)+change))
			w.Write(make([]byte, int(m.Layers[0].Size)+change))
			return true
		}
	}
	to := func(url string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) {
				return false
			}
			http.Redirect(w, r, url, http.StatusTemporaryRedirect)
			return true
		}
	}
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		want  error // nil: it is overcome
	}{
		"breaks off, goes on":     {cut(50_000, true), nil},
		"breaks off, from zero":   {cut(50_000, false), image.ErrRegistry},
		"busy for a while":        {status(429, 3), nil},
		"broken for a while":      {status(503, 3), nil},
		"broken for ever":         {status(500, 1<<30), image.ErrRegistry},
		"refuses":                 {status(403, 1<<30), image.ErrAuth},
		"wants a login":           {status(401, 1<<30), image.ErrAuth},
		"has it not":              {status(404, 1<<30), image.ErrNotFound},
		"teapot":                  {status(418, 1<<30), image.ErrRegistry},
		"other bytes":             {length(0), image.ErrDigest},
		"says it is shorter":      {length(-1), image.ErrDigest},
		"says it is longer":       {length(+1), image.ErrDigest},
		"redirects to metadata":   {to("http://169.254.169.254/latest/meta-data/"), image.ErrRegistry},
		"redirects to a LAN":      {to("https://192.168.1.1/admin"), image.ErrRegistry},
		"redirects to loopback":   {to("https://localhost/"), image.ErrRegistry},
		"redirects in circles":    {to("/v2/org/a/blobs/" + m.Layers[0].Digest.String()), image.ErrRegistry},
		"redirects to a file":     {to("file:///etc/passwd"), image.ErrRegistry},
		"sends without an end":    {endless(isLayer), image.ErrDigest},
		"manifest without an end": {endless(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/") }), image.ErrMalformed},
		"another manifest": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Write(m.Encode()[1:])
			return true
		}, image.ErrDigest},
		"goes on elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) {
				return false
			}
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", "bytes 0-9/10")
				w.WriteHeader(http.StatusPartialContent)
				return true
			}
			srv.inner.ServeHTTP(&cutter{w, 1000}, r)
			return true
		}, image.ErrRegistry},
		"never heard of ranges": {func(w http.ResponseWriter, r *http.Request) bool {
			if !isLayer(r) {
				return false
			}
			if r.Header.Get("Range") != "" && n.Add(1) < 3 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return true
			}
			most := 1 << 30
			if n.Add(1) < 4 {
				most = 1000
			}
			srv.inner.ServeHTTP(&cutter{w, most}, r)
			return true
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n.Store(0)
			srv.set(c.fault)
			defer srv.set(nil)
			s, _ := store(t, image.Options{})
			img, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
			wantErr(t, err, c.want)
			if err == nil {
				wantApp(t, img, "a")
				img.Release()
				return
			}
			// With the fault gone the same store gets it.
			srv.set(nil)
			img = ensure(t, s, image.Want{Digest: top.Digest, Source: srv.host + "/org/a"})
			wantApp(t, img, "a")
			img.Release()
		})
	}
}

// cutter breaks the connection after some bytes of the body.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func endless(which func(*http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !which(r) {
			return false
		}
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil || r.Context().Err() != nil {
				return true
			}
		}
	}
}

// TestRegistryStalls: one that answers and then sends nothing more is given up,
// one that only pauses is not.
func TestRegistryStalls(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	regs := loopback
	regs.Stall = 50 * time.Millisecond
	s, _ := store(t, image.Options{Registries: regs})
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, m.Layers[1].Digest.Hex()) {
			return false
		}
		w.Header().Set("Content-Length", strconv.FormatInt(m.Layers[1].Size, 10))
		w.Write([]byte{0x1f})
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	})
	_, err := s.Ensure(t.Context(), want, nil)
	wantErr(t, err, image.ErrRegistry)
	if !strings.Contains(err.Error(), "nothing came") {
		t.Errorf("it does not say why: %v", err)
	}
	// Silence before the answer, and a caller that gives up.
	srv.set(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	_, err = s.Ensure(t.Context(), want, nil)
	wantErr(t, err, image.ErrRegistry)
	patient, _ := store(t, image.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = patient.Ensure(ctx, want, nil)
	wantErr(t, err, context.DeadlineExceeded)
	srv.set(nil)
	wantApp(t, ensure(t, s, want), "a")
}

func TestPullGoesOnAfterRestart(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	dir := filepath.Join(t.TempDir(), "images")
	_, blobs := store(t, image.Options{})
	open := func() *image.Store {
		s, err := image.Open(dir, blobs, image.Options{Registries: loopback})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	layer := m.Layers[0]
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, layer.Digest.Hex()) {
			return false
		}
		if r.Header.Get("Range") != "" {
			panic(http.ErrAbortHandler)
		}
		srv.inner.ServeHTTP(&cutter{w, 150_000}, r)
		return true
	})
	_, err := open().Ensure(t.Context(), want, nil)
	wantErr(t, err, image.ErrRegistry)
	srv.set(nil)
	s := open()
	img := ensure(t, s, want)
	wantApp(t, img, "a")
	if n := srv.count(fmt.Sprintf("%sbytes=150000-", layer.Digest)); n != 1 || img.Pulled.Registry > m.Size()-150_000 {
		t.Errorf("%d requests went on at 150000; %d bytes pulled", n, img.Pulled.Registry)
	}
	img.Release()

	// What waits there is rubbish after a power cut.
	if _, err := s.Remove(t.Context(), top.Digest); err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(dir, "partial", layer.Digest.Hex())
	if err := os.WriteFile(partial, make([]byte, 150_000), 0o600); err != nil {
		t.Fatal(err)
	}
	wantApp(t, ensure(t, open(), want), "a")
	if left, err := os.ReadDir(filepath.Join(dir, "partial")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestWhoMayBeAsked(t *testing.T) {
	srv, _, _ := onRegistry(t, app("a"))
	strangers := image.Registries{Backoff: time.Millisecond}
	for _, host := range []string{srv.host, "localhost:5000", "192.168.1.1:5000", "10.0.0.1", "[::1]:5000", "169.254.169.254", "100.64.0.1:443", "[fd00::1]:443", "[::ffff:127.0.0.1]:443"} {
		_, err := strangers.Resolve(t.Context(), host+"/org/a:1", image.Platform{})
		if err == nil {
			t.Errorf("%s was asked", host)
		}
	}
	if n := srv.count(""); n != 0 {
		t.Errorf("%d requests came", n)
	}
	for _, r := range []image.Registries{{Insecure: []string{srv.host}}, {Insecure: []string{"127.0.0.1"}}, {Loopback: true}} {
		if _, err := r.Resolve(t.Context(), srv.host+"/org/a:1", image.Platform{}); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "UPPER/case", "a b", "x@sha256:12", "host/../../x", strings.Repeat("x", 1000)} {
		_, err := loopback.Resolve(t.Context(), bad, image.Platform{})
		wantErr(t, err, image.ErrMalformed)
	}
}

// TestToken: a registry that hands out tokens to anybody, as the public ones do.
func TestToken(t *testing.T) {
	srv, top, _ := onRegistry(t, app("a"))
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token":
			if r.URL.Query().Get("scope") != "repository:org/a:pull" {
				t.Errorf("token for %s", r.URL.RawQuery)
			}
			fmt.Fprint(w, `{"token":"opened"}`)
			return true
		case r.Header.Get("Authorization") == "Bearer opened":
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+srv.URL+`/token",service="s",scope="repository:org/a:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	s, _ := store(t, image.Options{})
	wantApp(t, ensure(t, s, image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}), "a")
}
