package image_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// platforms puts app's image into a layout for each architecture.
func platforms(t testing.TB, l *oci.Layout, archs ...string) (parts []oci.Descriptor) {
	t.Helper()
	for _, arch := range archs {
		b := app(arch)
		b.Name, b.Platform = "", oci.Platform{OS: "linux", Arch: arch}
		d, err := l.Image(b)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, d)
	}
	return parts
}

// noise is bytes that do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

// base is a layer that the images of the tests share.
var base = oci.Files(
	oci.File{Name: "etc/"}, oci.File{Name: "etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:,,,:/home/app:/bin/sh\n")},
	oci.File{Name: "etc/group", Data: []byte("root:x:0:\nstaff:x:50:app\n")}, oci.File{Name: "tmp/", Mode: 0o777 | fs.ModeSticky},
	oci.File{Name: "usr/lib/base", Data: noise(1, 200_000)})

// app is an image of two layers.
func app(name string) oci.Build {
	return oci.Build{
		Name:   name,
		Layers: []oci.Layer{base, oci.Files(oci.File{Name: "app", Mode: 0o755, Data: append([]byte(name), noise(2, 100_000)...)}, oci.File{Name: "tmp/.wh..wh..opq"})},
		Config: oci.RunConfig{Entrypoint: []string{"/app"}, Cmd: []string{"run"}, Env: []string{"PATH=/bin", "A=b"}, WorkingDir: "/work/dir", User: "app:staff"},
	}
}

// layout writes builds as one layout.
func layout(t testing.TB, builds ...oci.Build) (dir string, tops []oci.Descriptor) {
	t.Helper()
	dir = t.TempDir()
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range builds {
		d, err := l.Image(b)
		if err != nil {
			t.Fatal(err)
		}
		tops = append(tops, d)
	}
	l.List(tops...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, tops
}

// server is a registry on loopback that a test can put faults into.
type server struct {
	*httptest.Server
	host string

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	asked []string
	sent  int64
	inner http.Handler
}

func newServer(t testing.TB) *server {
	s := &server{inner: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.host = strings.TrimPrefix(s.URL, "http://")
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if r.Method == http.MethodGet {
		s.asked = append(s.asked, r.URL.Path+r.Header.Get("Range"))
	}
	fault := s.fault
	s.mu.Unlock()
	cw := &countingWriter{ResponseWriter: w, s: s}
	if fault == nil || !fault(cw, r) {
		s.inner.ServeHTTP(cw, r)
	}
}

type countingWriter struct {
	http.ResponseWriter
	s *server
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.s.mu.Lock()
	c.s.sent += int64(n)
	c.s.mu.Unlock()
	return n, err
}

func (c *countingWriter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// set puts a fault in, nil none, and forgets what was asked.
func (s *server) set(fault func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.asked, s.sent = fault, nil, 0
}

// count says how often something was asked for whose path holds part.
func (s *server) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

// push puts all of a layout into a repository, manifests under their digests.
func (s *server) push(t testing.TB, repo, dir string) {
	t.Helper()
	send := func(method, path, kind string, b []byte) {
		req, err := http.NewRequest(method, s.URL+"/v2/"+repo+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			text, _ := io.ReadAll(resp.Body)
			t.Fatalf("%s %s: %s %s", method, path, resp.Status, text)
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "blobs/sha256"))
	if err != nil {
		t.Fatal(err)
	}
	type doc struct {
		digest, kind string
		text         []byte
	}
	var docs []doc
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		send("POST", "/blobs/uploads/?digest=sha256:"+f.Name(), "application/octet-stream", b)
		var head struct{ MediaType string }
		if json.Unmarshal(b, &head) == nil && head.MediaType != "" {
			docs = append(docs, doc{"sha256:" + f.Name(), head.MediaType, b})
		}
	}
	slices.SortFunc(docs, func(a, b doc) int { return -strings.Compare(a.kind, b.kind) }) // manifests before indexes
	for _, d := range docs {
		send("PUT", "/manifests/"+d.digest, d.kind, d.text)
	}
}

// tag names a manifest.
func (s *server) tag(t testing.TB, repo, tag, dir string, d oci.Descriptor) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", d.Digest.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("PUT", s.URL+"/v2/"+repo+"/manifests/"+tag, bytes.NewReader(b))
	req.Header.Set("Content-Type", d.MediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

// loopback is how the tests' registries are spoken to.
var loopback = image.Registries{Loopback: true, Backoff: time.Millisecond}

func store(t testing.TB, o image.Options) (*image.Store, blob.Store) {
	t.Helper()
	b := mem.New(0)
	if o.Registries.Stall == 0 {
		o.Registries = loopback
	}
	s, err := image.Open(filepath.Join(t.TempDir(), "images"), b, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, b
}

func ensure(t testing.TB, s *image.Store, w image.Want) *image.Image {
	t.Helper()
	img, err := s.Ensure(t.Context(), w, nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// wantApp checks the unpacked files of app(name).
func wantApp(t testing.TB, img *image.Image, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(img.Root, "app"))
	if err != nil || !bytes.HasPrefix(b, []byte(name)) || len(b) != len(name)+100_000 {
		t.Fatalf("/app of %s has %d bytes, %v", name, len(b), err)
	}
	b, err = os.ReadFile(filepath.Join(img.Root, "usr/lib/base"))
	if err != nil || !bytes.Equal(b, noise(1, 200_000)) {
		t.Fatalf("/usr/lib/base has %d bytes, %v", len(b), err)
	}
	if info, err := os.Stat(filepath.Join(img.Root, "work/dir")); err != nil || !info.IsDir() {
		t.Fatalf("working directory: %v, %v", info, err)
	}
	want := image.Config{Entrypoint: []string{"/app"}, Cmd: []string{"run"}, Env: []string{"PATH=/bin", "A=b"}, Dir: "/work/dir", User: "1000:50", Home: "/home/app"}
	if got := fmt.Sprintf("%+v", img.Config); got != fmt.Sprintf("%+v", want) {
		t.Fatalf("configuration %s, want %+v", got, want)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if err != nil && (strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 1500) {
		t.Errorf("message %q", err)
	}
}

// tidy checks that nothing is left where work is done.
func tidy(t testing.TB, s *image.Store, dir string) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}
