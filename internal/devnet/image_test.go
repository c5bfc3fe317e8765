package devnet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
)

// shelves is a registry on the loopback that can be told to lie. What lies below
// secret/ it gives to one user alone.
type shelves struct {
	*httptest.Server
	host  string
	inner http.Handler

	mu     sync.Mutex
	fault  func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	opened int                                               // times that something secret was given
}

const secretUser = "renter:pass word"

func newShelves(t *testing.T) *shelves {
	s := &shelves{inner: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.host = strings.TrimPrefix(s.URL, "http://")
	return s
}

func (s *shelves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, pass, _ := r.BasicAuth()
	s.mu.Lock()
	fault := s.fault
	if known := user+":"+pass == secretUser; strings.HasPrefix(r.URL.Path, "/v2/secret/") && r.Method == http.MethodGet && known {
		s.opened++
	} else if !known && (r.URL.Path == "/v2/" || strings.HasPrefix(r.URL.Path, "/v2/secret/")) && r.Method == http.MethodGet {
		s.mu.Unlock()
		if r.URL.Path == "/v2/" { // it is asked which credentials it takes
			w.Header().Set("WWW-Authenticate", `Basic realm="shelves"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Unlock()
	if fault == nil || !fault(w, r) {
		s.inner.ServeHTTP(w, r)
	}
}

func (s *shelves) set(fault func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// push puts an image there and returns its layers' digests.
func (s *shelves) push(t *testing.T, name string, b oci.Build) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	if _, err := b.WriteLayout(dir); err != nil {
		t.Fatal(err)
	}
	send := func(method, path, kind string, b []byte) {
		req, err := http.NewRequest(method, s.URL+"/v2/"+name+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "blobs/sha256"))
	if err != nil {
		t.Fatal(err)
	}
	var layers []string
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		send(http.MethodPost, "/blobs/uploads/?digest=sha256:"+f.Name(), "application/octet-stream", text)
		if doc, err := oci.Decode(text); err == nil && doc.Manifest != nil {
			defer send(http.MethodPut, "/manifests/1", oci.TypeManifest, text)
			defer send(http.MethodPut, "/manifests/sha256:"+f.Name(), oci.TypeManifest, text)
			for _, l := range doc.Manifest.Layers {
				layers = append(layers, l.Digest.String())
			}
		}
	}
	return layers
}

// TestImagesOfARegistry runs images of a registry through the whole network: what artel run says
// where the registry lies, and who gets what when it does not.
func TestImagesOfARegistry(t *testing.T) {
	reg := newShelves(t)
	// All nodes find credentials; that providers use none is what is tested.
	config := t.TempDir()
	auth, err := json.Marshal(map[string]any{"auths": map[string]any{reg.host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(secretUser))}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(config, "config.json"), auth, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", config)
	w := newWorld(t, devnet.Config{})
	w.start(1, "--insecure-registry", reg.host)
	w.containers(t)
	bin := w.guest(t)
	layer := func(digest string, answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, digest) {
				return false
			}
			answer(w)
			return true
		}
	}
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter)
		says  string
	}{
		{"wrongdigest", func(w http.ResponseWriter) { w.Write(make([]byte, 147)) }, "bytes do not match the digest"},
		{"missing", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "image not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			layers := reg.push(t, "org/"+c.name, imageOf(bin, c.name, oci.Platform{}))
			reg.set(layer(layers[len(layers)-1], c.fault))
			defer reg.set(nil)
			said, code := w.artel(w.renter.Dir, "run", "--image", reg.host+"/org/"+c.name+":1", "--mem", "128MiB", "--disk", "16MiB", "--tries", "1", "--no-fetch", "--", "exit", "0")
			if code != 4 || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d, want 4 and %q:\n%s", code, c.says, said)
			}
		})
	}
	t.Run("of no machine's processor", func(t *testing.T) {
		reg.push(t, "org/wrongarch", imageOf(bin, "wrongarch", oci.Platform{OS: "linux", Arch: "s390x"}))
		said, code := w.artel(w.renter.Dir, "run", "--image", reg.host+"/org/wrongarch:1", "--mem", "128MiB", "--disk", "16MiB", "--deadline", "8s", "--no-fetch", "--", "exit", "0")
		if code != 5 || !strings.Contains(said, "no offer suits") {
			t.Errorf("exit code %d, want 5 and why it waits:\n%s", code, said)
		}
	})
	t.Run("none of that name", func(t *testing.T) {
		said, code := w.artel(w.renter.Dir, "run", "--image", reg.host+"/org/nowhere:1", "--", "exit", "0")
		if code != 1 || !strings.Contains(said, "image not found") {
			t.Errorf("exit code %d:\n%s", code, said)
		}
	})
	run := func(t *testing.T, image string, flags ...string) {
		t.Helper()
		args := append([]string{"run", "--image", image, "--mem", "128MiB", "--disk", "16MiB", "--tries", "1", "--no-fetch"}, flags...)
		said, code := w.artel(w.renter.Dir, append(args, "--", "show", "me")...)
		if code != 0 || !strings.Contains(said, "args 3 show|me") {
			t.Fatalf("exit code %d:\n%s", code, said)
		}
	}
	kinds := func(n *devnet.Node) (s string) {
		l, err := n.API.Images(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range l.Images {
			s += fmt.Sprintf("%s %s;", i.Kind, i.Name)
		}
		return s
	}
	t.Run("public", func(t *testing.T) {
		reg.push(t, "org/good", imageOf(bin, "good", oci.Platform{}))
		run(t, reg.host+"/org/good:1")
		if got := kinds(w.providers[0]); !strings.Contains(got, "public "+reg.host+"/org/good;") {
			t.Errorf("the provider has %q", got)
		}
		if got := kinds(w.renter); got != "" {
			t.Errorf("the renter has %q", got)
		}
	})
	t.Run("behind a login", func(t *testing.T) {
		reg.push(t, "secret/app", imageOf(bin, "secret", oci.Platform{}))
		run(t, reg.host+"/secret/app:1")
		if got := kinds(w.providers[0]); !strings.Contains(got, "guest ") {
			t.Errorf("the provider has %q", got)
		}
		if got := kinds(w.renter); !strings.Contains(got, "own "+reg.host+"/secret/app;") {
			t.Errorf("the renter has %q", got)
		}
		if reg.opened == 0 {
			t.Error("nobody has shown credentials")
		}
		// Nobody but the renter has asked with them: without the renter's word the
		// provider is refused.
		img, err := w.renter.API.Image(w.ctx, api.ImageRequest{Name: reg.host + "/secret/app:1"})
		if err != nil || img.Source != "" {
			t.Fatalf("%+v, %v", img, err)
		}
		reg.push(t, "secret/other", imageOf(bin, "other", oci.Platform{}))
		if img, err = w.renter.API.Image(w.ctx, api.ImageRequest{Name: reg.host + "/secret/other:1"}); err != nil {
			t.Fatal(err)
		}
		spec := w.containerJob(img, 1, time.Minute, "exit", "0")
		spec.Box.Source = reg.host + "/secret/other"
		j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "image-behind-login-1", Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		var d api.JobDetail
		w.until(t, "the job to fail", func() bool {
			d, err = w.renter.API.Job(w.ctx, j.ID)
			return err == nil && d.State.Ended()
		})
		if len(d.List) != 1 || d.List[0].State != api.StateFailed || !strings.Contains(d.List[0].Message, "registry refuses access") {
			t.Errorf("%+v", d.List)
		}
	})
	t.Run("private at rest", func(t *testing.T) {
		layout := filepath.Join(t.TempDir(), "layout")
		if _, err := imageOf(bin, "at rest", oci.Platform{}).WriteLayout(layout); err != nil {
			t.Fatal(err)
		}
		before := kinds(w.providers[0])
		run(t, layout, "--label", "private-at-rest", "--in", layout)
		work := filepath.Join(w.providers[0].Dir, "work", "jobs", "laid")
		w.until(t, "the image and the input to go with the lease", func() bool {
			laid, _ := filepath.Glob(filepath.Join(work, "*-dir"))
			return kinds(w.providers[0]) == before && len(laid) == 0
		})
	})
	t.Run("rm and prune", func(t *testing.T) {
		if said, code := w.artel(w.providers[0].Dir, "images", "prune"); code != 0 || kinds(w.providers[0]) != "" {
			t.Errorf("exit code %d, %q is left:\n%s", code, kinds(w.providers[0]), said)
		}
		run(t, reg.host+"/org/good:1") // it is pulled again
	})
}
