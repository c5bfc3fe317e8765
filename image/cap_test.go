package image_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// under opens a store below a shared cap.
func under(t *testing.T, c *image.Cap, o image.Options) (*image.Store, blob.Store) {
	t.Helper()
	o.Cap = c
	return store(t, o)
}

// add takes app(name) into the store.
func add(t *testing.T, s *image.Store, name string) image.Digest {
	t.Helper()
	dir, _ := layout(t, app(name))
	pin, err := s.Add(t.Context(), dir, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pin.Digest
}

func kept(t *testing.T, blobs ...blob.Store) (n int64) {
	t.Helper()
	for _, b := range blobs {
		u, err := b.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += u.Bytes
	}
	return n
}

// TestSharedCap: two stores under one cap. The image that was used longest ago goes,
// whichever store has it, and its blocks with it; what is in use or needed stays.
func TestSharedCap(t *testing.T) {
	c := image.NewCap(0)
	needed := map[image.Digest]bool{}
	one, its := under(t, c, image.Options{Needed: func(context.Context) (map[image.Digest]bool, error) { return needed, nil }})
	two, others := under(t, c, image.Options{})
	a, b := add(t, one, "a"), add(t, two, "b")
	used, err := two.Ensure(t.Context(), image.Want{Digest: b}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := add(t, two, "d")
	needed[a] = true

	// a is the oldest and needed, b is in use: d goes.
	c.SetLimit(c.Usage() - 1)
	before := kept(t, its, others)
	freed, err := c.Collect(t.Context())
	if err != nil || freed.Images != 1 || freed.Blobs == 0 {
		t.Fatalf("%+v, %v", freed, err)
	}
	if _, _, ok := two.Ref(d); ok {
		t.Error("the newest of the idle ones is still there")
	}
	if got := before - kept(t, its, others); got < freed.Blobs {
		t.Errorf("%d bytes of blocks were deleted, %d are said to be free", got, freed.Blobs)
	}
	if _, err := one.Remove(t.Context(), a); !errors.Is(err, image.ErrInUse) {
		t.Errorf("an image that a job wants was removed: %v", err)
	}
	c.SetLimit(1)
	if freed, err = c.Collect(t.Context()); err != nil || freed.Images != 0 {
		t.Fatalf("%+v, %v", freed, err)
	}
	wantApp(t, used, "b")

	// Now a goes, and b when it is given back. Nothing is left, not even blocks.
	delete(needed, a)
	used.Release()
	if freed, err = c.Collect(t.Context()); err != nil || freed.Images != 2 || c.Usage() != 0 || kept(t, its, others) != 0 {
		t.Fatalf("%+v, %v; %d bytes are counted, %d kept", freed, err, c.Usage(), kept(t, its, others))
	}
	// Where nobody can say what is needed, nothing goes.
	blind, _ := under(t, c, image.Options{Needed: func(context.Context) (map[image.Digest]bool, error) { return nil, errors.New("no database") }})
	c.SetLimit(0)
	add(t, blind, "a")
	c.SetLimit(1)
	if _, err = c.Collect(t.Context()); err == nil || len(blind.List()) != 1 {
		t.Errorf("%v; %d images are left", err, len(blind.List()))
	}
}

// TestPullMakesRoom: a pull over the cap collects in the other store, and what it
// needs itself is never collected.
func TestPullMakesRoom(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	c := image.NewCap(0)
	old, its := under(t, c, image.Options{})
	b := add(t, old, "b")
	ensure(t, old, image.Want{Digest: b}).Release()
	c.SetLimit(m.Size() + 500_000) // for one of them, unpacked
	s, _ := under(t, c, image.Options{})
	img := ensure(t, s, image.Want{Digest: top.Digest, Source: srv.host + "/org/a"})
	wantApp(t, img, "a")
	if len(old.List()) != 0 || kept(t, its) != 0 || c.Usage() > c.Limit() {
		t.Errorf("%d images and %d bytes are left of the old ones; %d of %d taken", len(old.List()), kept(t, its), c.Usage(), c.Limit())
	}
	// The next one does not fit beside what is in use, and says so.
	_, err := old.Add(t.Context(), mustLayout(t, app("c")), "c", nil)
	wantErr(t, err, image.ErrFull)
	img.Release()
	if _, err = old.Add(t.Context(), mustLayout(t, app("c")), "c", nil); err != nil {
		t.Error(err)
	}
}

func mustLayout(t *testing.T, b oci.Build) string {
	dir, _ := layout(t, b)
	return dir
}

// TestLeftovers: what pulls that broke off have left counts, and goes before any
// image does.
func TestLeftovers(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	dir, blobs := filepath.Join(t.TempDir(), "images"), mem.New(0)
	open := func(limit int64) *image.Store {
		s, err := image.Open(dir, blobs, image.Options{Registries: loopback, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open(0)
	stays := add(t, s, "z")
	before := s.Usage()
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, m.Layers[1].Digest.Hex()) {
			return false
		}
		if r.Header.Get("Range") != "" {
			panic(http.ErrAbortHandler)
		}
		srv.inner.ServeHTTP(&cutter{w, 60_000}, r)
		return true
	})
	_, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
	wantErr(t, err, image.ErrRegistry)
	partial := filepath.Join(dir, "partial", m.Layers[1].Digest.Hex())
	info, err := os.Stat(partial)
	if err != nil || s.Usage() < before+info.Size() {
		t.Fatalf("%v; %d bytes are counted, %d were before", err, s.Usage(), before)
	}
	for name, s := range map[string]*image.Store{"at once": s, "after a restart": open(0)} {
		if s.Usage() < before+info.Size() {
			t.Errorf("%s %d bytes are counted", name, s.Usage())
		}
	}
	freed, err := s.GC(t.Context(), before+50_000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(partial); !errors.Is(err, os.ErrNotExist) || s.Usage() > before+50_000 {
		t.Errorf("%+v; the beginning is still there: %v", freed, err)
	}
	if _, _, ok := s.Ref(stays); !ok {
		t.Error("an image went instead")
	}
}

// TestHold: an image whose box has outlived the process stays.
func TestHold(t *testing.T) {
	s, _ := store(t, image.Options{})
	a := add(t, s, "a")
	img := ensure(t, s, image.Want{Digest: a})
	img.Release()
	release, ok := s.Hold(img.Root)
	if !ok {
		t.Fatal("it is not there")
	}
	if freed, err := s.GC(t.Context(), 0); err != nil || freed.Images != 0 {
		t.Errorf("%+v, %v", freed, err)
	}
	release()
	release()
	if freed, err := s.GC(t.Context(), 0); err != nil || freed.Images != 1 {
		t.Errorf("%+v, %v", freed, err)
	}
	if _, ok := s.Hold(img.Root); ok {
		t.Error("what is gone is held")
	}
}

// TestPulledForNothing: an image that the cap has no room to unpack is not pulled.
func TestPulledForNothing(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	srv.set(nil)
	s, _ := store(t, image.Options{Limit: m.Size() + m.Size()/2})
	_, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
	wantErr(t, err, image.ErrFull)
	for _, l := range m.Layers {
		if n := srv.count(l.Digest.String()); n != 0 {
			t.Errorf("layer %s was asked for %d times", l.Digest, n)
		}
	}
	// Peers may have it all the same: packed, it fits.
	if err := s.Pull(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil); err != nil {
		t.Error(err)
	}
}
