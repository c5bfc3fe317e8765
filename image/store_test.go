package image_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// neighbours hands blobs over from another store, as a swarm would.
type neighbours struct {
	from  *image.Store
	blobs blob.Store // of from
	to    blob.Store
	lies  []artel.Ref // offered before the truth

	mu    sync.Mutex
	asked map[image.Digest]int
}

func (n *neighbours) Fetch(ctx context.Context, d image.Digest, _ int64, not []artel.Ref, progress func(int64)) (artel.Ref, error) {
	n.mu.Lock()
	n.asked[d]++
	n.mu.Unlock()
	if len(not) < len(n.lies) {
		return n.lies[len(not)], nil
	}
	ref, size, ok := n.from.Ref(d)
	if !ok {
		return artel.Ref{}, errors.New("nobody has it")
	}
	f, err := blob.Open(ctx, n.blobs, ref)
	if err != nil {
		return artel.Ref{}, err
	}
	progress(size / 2)
	ref, _, err = blob.AddFile(ctx, n.to, f)
	return ref, err
}

func TestPeersBeforeTheRegistry(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	first, its := store(t, image.Options{})
	if err := first.Pull(t.Context(), want, nil); err != nil {
		t.Fatal(err)
	}
	if list := first.List(); len(list) != 1 || list[0].Unpacked != 0 || list[0].Size != m.Size()+top.Size {
		t.Fatalf("%+v", list)
	}
	for name, lies := range map[string]int{"honest": 0, "one lie": 1, "lies alone": 9} {
		t.Run(name, func(t *testing.T) {
			srv.set(nil)
			blobs := mem.New(0)
			n := &neighbours{from: first, blobs: its, to: blobs, asked: map[image.Digest]int{}}
			for i := range lies {
				ref, _, err := blob.AddFile(t.Context(), blobs, strings.NewReader(fmt.Sprint("lie ", i)))
				if err != nil {
					t.Fatal(err)
				}
				n.lies = append(n.lies, ref)
			}
			s, err := image.Open(filepath.Join(t.TempDir(), "images"), blobs, image.Options{Registries: loopback, Peers: n})
			if err != nil {
				t.Fatal(err)
			}
			img := ensure(t, s, want)
			defer img.Release()
			wantApp(t, img, "a")
			p := img.Pulled
			if lies < 9 && (srv.count("") != 0 || p.Peers != p.Total || p.Registry != 0) || lies == 9 && (p.Registry != p.Total || p.Peers != 0) {
				t.Errorf("%d requests to the registry; %+v", srv.count(""), p)
			}
			if p.Done != p.Total {
				t.Errorf("%+v", p)
			}
		})
	}
	// One lies, nobody else has it.
	empty, none := store(t, image.Options{})
	blobs := mem.New(0)
	lie, _, err := blob.AddFile(t.Context(), blobs, strings.NewReader("lie"))
	if err != nil {
		t.Fatal(err)
	}
	n := &neighbours{from: empty, blobs: none, to: blobs, lies: []artel.Ref{lie}, asked: map[image.Digest]int{}}
	alone, err := image.Open(filepath.Join(t.TempDir(), "images"), blobs, image.Options{Peers: n})
	if err != nil {
		t.Fatal(err)
	}
	_, err = alone.Ensure(t.Context(), image.Want{Digest: top.Digest}, nil)
	wantErr(t, err, image.ErrNotFound)
	wantErr(t, err, image.ErrDigest)
	// Nobody has it, and no registry is named.
	s, _ := store(t, image.Options{})
	_, err = s.Ensure(t.Context(), image.Want{Digest: top.Digest}, nil)
	wantErr(t, err, image.ErrNotFound)
}

// TestBlocksGone: the node's blob store lost blocks that the image store counts on.
func TestBlocksGone(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	dir, blobs := filepath.Join(t.TempDir(), "images"), mem.New(0)
	s, err := image.Open(dir, blobs, image.Options{Registries: loopback})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Pull(t.Context(), want, nil); err != nil {
		t.Fatal(err)
	}
	for _, d := range []image.Digest{top.Digest, m.Config.Digest, m.Layers[1].Digest} {
		ref, _, ok := s.Ref(d)
		if !ok {
			t.Fatal(d)
		}
		if err := blobs.Delete(t.Context(), ref, time.Time{}); err != nil {
			t.Fatal(err)
		}
		srv.set(nil)
		img := ensure(t, s, want)
		wantApp(t, img, "a")
		if srv.count(d.Hex()) != 1 || srv.count(m.Layers[0].Digest.Hex()) != 0 {
			t.Errorf("asked for %v", srv.asked)
		}
		img.Release()
		// Unpack again the next time.
		if err := os.RemoveAll(filepath.Join(dir, "roots", top.Digest.Hex())); err != nil {
			t.Fatal(err)
		}
		if s, err = image.Open(dir, blobs, image.Options{Registries: loopback}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCollect(t *testing.T) {
	dir, tops := layout(t, app("a"), app("b"), app("c"))
	blobs := mem.New(0)
	root := filepath.Join(t.TempDir(), "images")
	s, err := image.Open(root, blobs, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want []image.Want
	for i, name := range []string{"a", "b", "c"} {
		pin, err := s.Add(t.Context(), dir, name, nil)
		if err != nil || pin.Digest != tops[i].Digest {
			t.Fatal(pin, err)
		}
		want = append(want, image.Want{Digest: pin.Digest})
	}
	collect := func(limit int64) image.Freed {
		t.Helper()
		freed, err := s.GC(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blob.GC(t.Context(), blobs, s.Roots(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		return freed
	}
	a, b, c := ensure(t, s, want[0]), ensure(t, s, want[1]), ensure(t, s, want[2])
	// All are in use: nothing goes.
	if freed := collect(0); freed != (image.Freed{}) {
		t.Fatalf("%+v", freed)
	}
	for i, img := range []*image.Image{a, b, c} {
		wantApp(t, img, string("abc"[i]))
	}
	// b was used longest ago.
	b.Release()
	b.Release() // once more does nothing
	a.Release()
	c.Release()
	ensure(t, s, want[0]).Release()
	ensure(t, s, want[2]).Release()
	before := s.Usage()
	freed := collect(before - 1)
	if freed.Images != 1 || freed.Unpacked != b.Size || s.Usage() != before-freed.Unpacked-freed.Blobs || freed.Blobs < 100_000 || freed.Blobs > 110_000 {
		t.Fatalf("%+v of %d, %d are left", freed, before, s.Usage())
	}
	if _, err := os.Stat(b.Root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("b is still there: %v", err)
	}
	if _, err := s.Ensure(t.Context(), want[1], nil); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("b: %v", err)
	}
	// What b shared with the others is still there, unpacked or not.
	if err := os.RemoveAll(filepath.Join(root, "roots")); err != nil {
		t.Fatal(err)
	}
	if s, err = image.Open(root, blobs, image.Options{}); err != nil {
		t.Fatal(err)
	}
	img := ensure(t, s, want[0])
	wantApp(t, img, "a")
	if _, err := s.Remove(t.Context(), want[0].Digest); !errors.Is(err, image.ErrInUse) {
		t.Error("an image in use was removed")
	}
	img.Release()
	if _, err := s.Remove(t.Context(), want[0].Digest); err != nil {
		t.Error(err)
	}
	_, err = s.Remove(t.Context(), want[0].Digest)
	wantErr(t, err, image.ErrNotFound)
	if freed := collect(0); freed.Images != 1 || s.Usage() != 0 {
		t.Errorf("%+v, %d are left", freed, s.Usage())
	}
	if u, err := blobs.Usage(t.Context()); err != nil || u.Bytes != 0 {
		t.Errorf("blob store holds %+v, %v", u, err)
	}
	tidy(t, s, root)
}

func TestNoRoom(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	small := func(l image.Limits) image.Want { w := want; w.Limits = l; return w }
	for name, c := range map[string]struct {
		o    image.Options
		w    image.Want
		want error
	}{
		"cap below the layers":   {image.Options{Limit: 100_000}, want, image.ErrFull},
		"cap below the files":    {image.Options{Limit: m.Size() + 50_000}, want, image.ErrFull},
		"disk":                   {image.Options{Free: func(string) (int64, error) { return 1 << 20, nil }}, want, image.ErrFull},
		"unknown disk":           {image.Options{Free: func(string) (int64, error) { return 0, errors.ErrUnsupported }}, want, nil},
		"limit of the pull":      {image.Options{}, small(image.Limits{Pull: 1000}), image.ErrTooLarge},
		"limit of the files":     {image.Options{}, small(image.Limits{Bytes: 250_000}), image.ErrTooLarge},
		"limit of their number":  {image.Options{}, small(image.Limits{Entries: 3}), image.ErrTooLarge},
		"no digest":              {image.Options{}, image.Want{Source: want.Source}, image.ErrMalformed},
		"cap just large enough":  {image.Options{Limit: m.Size() + 400_000}, want, nil},
		"another repository":     {image.Options{}, image.Want{Digest: top.Digest, Source: srv.host + "/org/b"}, image.ErrNotFound},
		"another digest":         {image.Options{}, image.Want{Digest: oci.DigestOf(nil), Source: want.Source}, image.ErrNotFound},
		"a layer as the digest":  {image.Options{}, image.Want{Digest: m.Layers[0].Digest, Source: want.Source}, image.ErrNotFound},
		"a source that is none":  {image.Options{}, image.Want{Digest: top.Digest, Source: "://"}, image.ErrMalformed},
		"a private, unnamed one": {image.Options{}, image.Want{Digest: top.Digest, Source: "10.1.2.3:5000/a"}, image.ErrRegistry},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Registries = loopback
			dir := filepath.Join(t.TempDir(), "images")
			s, err := image.Open(dir, mem.New(0), c.o)
			if err != nil {
				t.Fatal(err)
			}
			img, err := s.Ensure(t.Context(), c.w, nil)
			wantErr(t, err, c.want)
			if err == nil {
				wantApp(t, img, "a")
				img.Release()
			}
			if c.o.Limit > 0 && s.Usage() > c.o.Limit {
				t.Errorf("%d bytes are taken, the cap is %d", s.Usage(), c.o.Limit)
			}
			tidy(t, s, dir)
			if left, _ := os.ReadDir(filepath.Join(dir, "roots")); err != nil && len(left) != 0 {
				t.Errorf("roots: %v", left)
			}
		})
	}
}

// TestAtOnce: many want the same image, others go and come meanwhile.
func TestAtOnce(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	other, tops := layout(t, app("b"))
	srv.push(t, "org/a", other)
	wantA := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	wantB := image.Want{Digest: tops[0].Digest, Source: srv.host + "/org/a"}
	s, _ := store(t, image.Options{})
	srv.set(nil)
	ctx, stop := context.WithCancel(t.Context())
	var wg, collector sync.WaitGroup
	collector.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.GC(ctx, 0); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	hold := ensure(t, s, wantA) // a stays all the time
	for i := range 12 {
		wg.Go(func() {
			w, name := wantA, "a"
			if i%3 == 0 {
				w, name = wantB, "b"
			}
			img, err := s.Ensure(ctx, w, nil)
			if err != nil {
				t.Error(err)
				return
			}
			wantApp(t, img, name)
			img.Release()
		})
	}
	wg.Wait()
	stop()
	collector.Wait()
	if n := srv.count("blobs/" + m.Layers[1].Digest.String()); n != 1 {
		t.Errorf("a's own layer was pulled %d times", n)
	}
	wantApp(t, hold, "a")
	hold.Release()
	if _, err := s.GC(t.Context(), 0); err != nil || s.Usage() != 0 {
		t.Errorf("%d bytes are left, %v", s.Usage(), err)
	}
}

// TestCancelled: one who waits for another's Ensure can go, and one who goes in the
// middle leaves it to who waits.
func TestCancelled(t *testing.T) {
	srv, top, _ := onRegistry(t, app("a"))
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	s, _ := store(t, image.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Ensure(ctx, want, func(p image.Progress) {
			if p.Done > 0 {
				cancel()
			}
		})
		done <- err
	}()
	img := ensure(t, s, want)
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	wantApp(t, img, "a")
	gone, stop := context.WithCancel(t.Context())
	stop()
	_, err := s.Ensure(gone, want, nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// hostile images that are sound in all their digests.
func TestHostileImages(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *oci.Build)
		want   error
		says   string
	}{
		"name that leads out": {func(b *oci.Build) { b.Layers = append(b.Layers, oci.Files(oci.File{Name: "../../../x"})) }, image.ErrUnsafe, `layer 3 (sha256:`},
		"user that is not":    {func(b *oci.Build) { b.Config.User = "nobody-of-that-name" }, image.ErrMalformed, "nobody-of-that-name"},
		"group that is not":   {func(b *oci.Build) { b.Config.User = "0:wheel" }, image.ErrMalformed, "wheel"},
		"directory is a file": {func(b *oci.Build) { b.Config.WorkingDir = "/app/x" }, image.ErrUnsafe, "working directory"},
		"passwd is a directory": {func(b *oci.Build) {
			b.Layers = append(b.Layers, oci.Files(oci.File{Name: "etc/passwd", Link: "/tmp"}))
		}, image.ErrUnsafe, "/etc/passwd"},
		"passwd is huge": {func(b *oci.Build) {
			b.Layers = append(b.Layers, oci.Files(oci.File{Name: "etc/passwd", Data: make([]byte, 2<<20)}))
		}, image.ErrTooLarge, "/etc/passwd"},
	} {
		t.Run(name, func(t *testing.T) {
			b := app("a")
			c.change(&b)
			srv, top, _ := onRegistry(t, b)
			s, _ := store(t, image.Options{})
			_, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, nil)
			wantErr(t, err, c.want)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it does not say %q: %v", c.says, err)
			}
		})
	}
}

func TestWorkingDirectory(t *testing.T) {
	for dir, want := range map[string]string{"": "/", "/": "/", "/a/b/": "/a/b", "rel": "/rel", "/a/../../../b": "/b", "/etc": "/etc"} {
		b := app("a")
		b.Config.WorkingDir = dir
		srv, top, _ := onRegistry(t, b)
		s, _ := store(t, image.Options{})
		img := ensure(t, s, image.Want{Digest: top.Digest, Source: srv.host + "/org/a"})
		if info, err := os.Stat(filepath.Join(img.Root, want)); img.Config.Dir != want || err != nil || !info.IsDir() {
			t.Errorf("%q is %q, want %q, %v", dir, img.Config.Dir, want, err)
		}
	}
}

// TestCollectMeanwhile: a collection at every step of a pull takes nothing of it.
func TestCollectMeanwhile(t *testing.T) {
	srv, top, m := onRegistry(t, app("a"))
	s, _ := store(t, image.Options{})
	srv.set(nil)
	img, err := s.Ensure(t.Context(), image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}, func(image.Progress) {
		if freed, err := s.GC(t.Context(), 0); err != nil || freed.Images != 0 || freed.Unpacked != 0 {
			t.Errorf("%+v, %v", freed, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, img, "a")
	if list := s.List(); len(list) != 1 || list[0].Size != m.Size()+top.Size || list[0].Unpacked != img.Size || !list[0].InUse {
		t.Errorf("%+v", list)
	}
	img.Release()
	if freed, err := s.GC(t.Context(), 0); err != nil || freed.Images != 1 || freed.Unpacked != img.Size || s.Usage() != 0 {
		t.Errorf("%+v, %v, %d bytes are left", freed, err, s.Usage())
	}
}
