package image_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// quick is a pace that a registry on loopback keeps and a trickle does not.
var quick = image.Pace{Bytes: 10_000, Window: 100 * time.Millisecond}

// trickling serves a registry that sends some bytes of a layer and then one after the
// other. asked is closed once it does.
func trickling(t *testing.T, b oci.Build, first int) (srv *server, asked chan struct{}) {
	t.Helper()
	srv, _, m := onRegistry(t, b)
	d := m.Layers[1]
	asked = make(chan struct{})
	var once sync.Once
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, d.Digest.Hex()) || r.Header.Get("Range") != "" {
			return false
		}
		w.Header().Set("Content-Length", strconv.FormatInt(d.Size, 10))
		body := new(bodyOnly)
		srv.inner.ServeHTTP(body, r)
		w.Write(body.b[:first])
		w.(http.Flusher).Flush()
		once.Do(func() { close(asked) })
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for _, c := range body.b[first:] {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return true
			}
			w.Write([]byte{c})
			w.(http.Flusher).Flush()
		}
		return true
	})
	return srv, asked
}

type bodyOnly struct{ b []byte }

func (b *bodyOnly) Header() http.Header         { return http.Header{} }
func (b *bodyOnly) WriteHeader(int)             {}
func (b *bodyOnly) Write(p []byte) (int, error) { b.b = append(b.b, p...); return len(p), nil }

// TestTrickle: a registry that hardly sends anything keeps nobody else from an image
// that another has, and what it has sent is not fetched again.
func TestTrickle(t *testing.T) {
	const first = 50_000
	slow, asked := trickling(t, app("a"), first)
	good, top, m := onRegistry(t, app("a"))
	good.set(nil)
	s, _ := store(t, image.Options{Registries: loopback, Pace: quick})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	led := make(chan error, 1)
	go func() {
		img, err := s.Ensure(ctx, image.Want{Digest: top.Digest, Source: slow.host + "/org/a"}, nil)
		if err == nil {
			img.Release()
		}
		led <- err
	}()
	<-asked
	img, err := s.Ensure(ctx, image.Want{Digest: top.Digest, Source: good.host + "/org/a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, img, "a")
	img.Release()
	if err := <-led; err != nil {
		t.Errorf("who trickled has nothing of it: %v", err)
	}
	if n := good.count("blobs/" + m.Layers[1].Digest.String()); n == 0 {
		t.Fatal("the layer did not come from where it could")
	}
	good.mu.Lock()
	defer good.mu.Unlock()
	for _, a := range good.asked {
		from := 0
		if _, tail, ok := strings.Cut(a, m.Layers[1].Digest.String()); ok {
			if _, err := fmt.Sscanf(tail, "bytes=%d-", &from); err != nil || from < first {
				t.Errorf("%d bytes were here, and it was asked for %q", first, tail)
			}
		}
	}
}

// TestTrickleAlone: where nobody else waits, a slow registry is given its time.
func TestTrickleAlone(t *testing.T) {
	b := app("a")
	b.Layers[1] = oci.Files(oci.File{Name: "app", Data: noise(3, 600)})
	slow, _ := trickling(t, b, 0)
	_, top, _ := onRegistry(t, b)
	s, _ := store(t, image.Options{Registries: loopback, Pace: image.Pace{Bytes: 10_000, Window: 5 * time.Millisecond}})
	ensure(t, s, image.Want{Digest: top.Digest, Source: slow.host + "/org/a"}).Release()
	if n := slow.count("bytes="); n != 0 {
		t.Errorf("it was broken off %d times", n)
	}
}

// drips is a peer that says it has everything, and sends next to nothing.
type drips struct{}

func (drips) Fetch(ctx context.Context, _ image.Digest, _ int64, _ []artel.Ref, progress func(int64)) (artel.Ref, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := int64(1); ; n++ {
		select {
		case <-tick.C:
			progress(n)
		case <-ctx.Done():
			return artel.Ref{}, ctx.Err()
		}
	}
}

// TestTricklingPeer: the registry is asked where a peer hardly sends anything, and who
// has no registry to ask gives way to who has.
func TestTricklingPeer(t *testing.T) {
	srv, top, _ := onRegistry(t, app("a"))
	s, _ := store(t, image.Options{Registries: loopback, Peers: drips{}, Pace: quick})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	led, begun := make(chan error, 1), make(chan struct{})
	var once sync.Once
	go func() {
		img, err := s.Ensure(ctx, image.Want{Digest: top.Digest}, func(image.Progress) { once.Do(func() { close(begun) }) })
		if err == nil {
			img.Release()
		}
		led <- err
	}()
	<-begun
	img, err := s.Ensure(ctx, image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, img, "a")
	if img.Pulled.Peers < 0 || img.Pulled.Registry == 0 || img.Pulled.Done != img.Pulled.Total {
		t.Errorf("%+v", img.Pulled)
	}
	img.Release()
	if err := <-led; err != nil {
		t.Error(err)
	}
}
