package image_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// TestPrivate: what others could not pull is told from what they could, with and
// without credentials, and nobody in particular shows none.
func TestPrivate(t *testing.T) {
	srv, top, _ := onRegistry(t, app("a"))
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:secret"))
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, srv.host, strings.TrimPrefix(login, "Basic "))
	if err := os.WriteFile(filepath.Join(config, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// closed wants the credentials for some paths; what it answers else differs.
	closed := func(code int, part string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" && r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			if r.Header.Get("Authorization") == login || !strings.Contains(r.URL.Path, part) {
				return false
			}
			w.WriteHeader(code)
			return true
		}
	}
	named := image.Registries{Insecure: []string{srv.host}, Backoff: loopback.Backoff}
	user := named
	user.DockerConfig = true
	here := image.Registries{Loopback: true, DockerConfig: true, Backoff: loopback.Backoff}
	for name, c := range map[string]struct {
		r     image.Registries
		fault func(http.ResponseWriter, *http.Request) bool
		want  bool
		err   error
	}{
		"open":                       {user, nil, false, nil},
		"open to all, logged in":     {user, closed(401, "/nothing/"), false, nil},
		"behind a login":             {user, closed(401, "/manifests/"), true, nil},
		"hidden without a login":     {user, closed(404, "/manifests/"), true, nil},
		"forbidden without":          {user, closed(403, "/manifests/"), true, nil},
		"busy without: nobody knows": {user, closed(429, "/manifests/"), false, nil},
		"on this machine":            {here, nil, true, nil},
		"nobody in particular":       {named, closed(401, "/manifests/"), false, image.ErrAuth},
	} {
		t.Run(name, func(t *testing.T) {
			srv.set(c.fault)
			pin, err := c.r.Resolve(t.Context(), srv.host+"/org/a:1", image.Platform{})
			wantErr(t, err, c.err)
			if err == nil && (pin.Private != c.want || pin.Digest != top.Digest) {
				t.Errorf("%+v", pin)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the credentials are in it: %v", err)
			}
		})
	}
}

// TestPullOfPlatform: of an index each part that boxes can run comes, for a renter
// that serves machines of another kind than its own.
func TestPullOfPlatform(t *testing.T) {
	srv := newServer(t)
	dir := t.TempDir()
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	parts := platforms(t, l, "amd64", "arm64", "s390x")
	index, err := l.Index("", parts...)
	if err != nil {
		t.Fatal(err)
	}
	srv.push(t, "org/a", dir)
	s, _ := store(t, image.Options{})
	for _, arch := range []string{"amd64", "arm64"} {
		w := image.Want{Digest: index.Digest, Source: srv.host + "/org/a", Platform: image.Platform{OS: "linux", Arch: arch}}
		if err := s.Pull(t.Context(), w, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, true, false} {
		if _, _, ok := s.Ref(parts[i].Digest); ok != want {
			t.Errorf("part %d is here: %v", i, ok)
		}
	}
	if n := len(s.Blobs(index.Digest)); n != 1+2*3+1 { // the index; manifest, configuration and layer of both; the layer that they share
		t.Errorf("%d blobs are listed", n)
	}
	wantApp(t, ensure(t, s, image.Want{Digest: index.Digest}), oci.Host().Arch)
}

// TestNestedIndex: an index within an index is refused, however deep it would go.
func TestNestedIndex(t *testing.T) {
	srv := newServer(t)
	dir := t.TempDir()
	l, err := oci.NewLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	host := oci.Host()
	b := app("a")
	b.Name = ""
	d, err := l.Image(b)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		d.Platform, d.MediaType = &host, oci.TypeManifest // as it claims
		if d, err = l.Index("", d); err != nil {
			t.Fatal(err)
		}
	}
	srv.set(func(w http.ResponseWriter, r *http.Request) bool { // no registry takes it
		_, hex, ok := strings.Cut(r.URL.Path, "/manifests/sha256:")
		if ok {
			http.ServeFile(w, r, filepath.Join(dir, "blobs/sha256", hex))
		}
		return ok
	})
	s, _ := store(t, image.Options{})
	_, err = s.Ensure(t.Context(), image.Want{Digest: d.Digest, Source: srv.host + "/org/a"}, nil)
	wantErr(t, err, image.ErrUnsupported)
	if !strings.Contains(err.Error(), "index within an index") || srv.count("/manifests/") > 2 {
		t.Errorf("%v; %d documents were asked for", err, srv.count("/manifests/"))
	}
}

// TestLeadsElsewhere: neither a token service nor a redirection of a manifest leads
// to what is not public.
func TestLeadsElsewhere(t *testing.T) {
	inside := newServer(t)
	srv, top, _ := onRegistry(t, app("a"))
	owner := image.Registries{Insecure: []string{srv.host}, Backoff: loopback.Backoff} // names this registry, and no other
	for name, to := range map[string]string{
		"metadata": "http://169.254.169.254/latest", "LAN": "https://192.168.1.1/token", "another port here": inside.URL + "/token", "IPv6": "http://[fd00:ec2::254]/", "a name of this machine": "http://localhost:80/",
	} {
		for what, fault := range map[string]func(w http.ResponseWriter, r *http.Request){
			"token": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+to+`",service="s"`)
				w.WriteHeader(http.StatusUnauthorized)
			},
			"manifest": func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					http.Redirect(w, r, to, http.StatusFound)
				}
			},
		} {
			srv.set(func(w http.ResponseWriter, r *http.Request) bool { fault(w, r); return true })
			s, _ := store(t, image.Options{Registries: image.Registries{Insecure: owner.Insecure, Backoff: owner.Backoff, Stall: loopback.Stall + 1e9}})
			_, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
			wantErr(t, err, image.ErrRegistry)
			if !strings.Contains(err.Error(), "is refused") && !strings.Contains(err.Error(), "is a private or link-local address") {
				t.Errorf("%s, %s: %v", what, name, err)
			}
		}
	}
	if n := inside.count(""); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}
