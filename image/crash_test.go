//go:build unix

package image_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// TestMain is also the child that TestKill9 kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("ARTEL_TEST_ENSURE"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openDisk(dir string) (*image.Store, *disk.Store, error) {
	blobs, err := disk.Open(filepath.Join(dir, "blobs"), 0)
	if err != nil {
		return nil, nil, err
	}
	s, err := image.Open(filepath.Join(dir, "images"), blobs, image.Options{Registries: loopback})
	return s, blobs, err
}

// child ensures an image and says each step of progress.
func child(dir string) error {
	s, _, err := openDisk(dir)
	if err != nil {
		return err
	}
	d, err := oci.ParseDigest(os.Getenv("ARTEL_TEST_DIGEST"))
	if err != nil {
		return err
	}
	ctx, stop := testContext()
	defer stop()
	img, err := s.Ensure(ctx, image.Want{Digest: d, Source: os.Getenv("ARTEL_TEST_SOURCE")}, func(p image.Progress) { fmt.Println(p.Stage, p.Done) })
	if err != nil {
		return err
	}
	fmt.Println("ready", img.Root)
	return nil
}

// TestKill9 kills a process at ever later steps of its Ensure, until one gets
// through; after each kill the store opens, holds nothing half done, and in the
// end works.
func TestKill9(t *testing.T) {
	b := app("a")
	for i := range 6 {
		b.Layers = append(b.Layers, oci.Files(oci.File{Name: fmt.Sprint("more", i), Data: noise(uint64(10+i), 300_000)}))
	}
	srv, top, _ := onRegistry(t, b)
	srv.set(func(w http.ResponseWriter, r *http.Request) bool {
		srv.inner.ServeHTTP(&slowly{w}, r)
		return true
	})
	dir := t.TempDir()
	want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
	kills := 0
	for step := 1; ; step += 7 {
		if step > 1000 {
			t.Fatal("it never gets through")
		}
		if run(t, dir, want, step) {
			break
		}
		kills++
		s, blobs, err := openDisk(dir)
		if err != nil {
			t.Fatalf("after kill %d: %v", kills, err)
		}
		tidy(t, s, filepath.Join(dir, "images"))
		for _, i := range s.List() {
			if i.InUse {
				t.Fatalf("after kill %d it is in use", kills)
			}
		}
		// Nothing but what the images need survives this; the rest is not needed.
		if _, err := blob.GC(t.Context(), blobs, s.Roots(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := blobs.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if kills < 3 {
		t.Errorf("only %d kills came before it got through", kills)
	}
	srv.set(nil)
	s, _, err := openDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	img := ensure(t, s, want)
	wantApp(t, img, "a")
	if n := srv.count(""); n != 0 {
		t.Errorf("%d requests for an image that is here", n)
	}
}

// slowly sends in small parts, so that there are many steps.
type slowly struct{ http.ResponseWriter }

func (s *slowly) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		n, err := s.ResponseWriter.Write(p[done:min(len(p), done+20_000)])
		if done += n; err != nil {
			return done, err
		}
		s.ResponseWriter.(http.Flusher).Flush()
	}
	return len(p), nil
}

// run starts the child and kills it after so many lines. It reports whether the
// child came to its end before.
func run(t *testing.T, dir string, w image.Want, lines int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ARTEL_TEST_ENSURE="+dir, "ARTEL_TEST_DIGEST="+w.Digest.String(), "ARTEL_TEST_SOURCE="+w.Source)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for r := bufio.NewScanner(out); r.Scan(); lines-- {
		switch {
		case strings.HasPrefix(r.Text(), "error"):
			t.Fatal(r.Text())
		case strings.HasPrefix(r.Text(), "ready"):
			return true
		case lines <= 0:
			return false
		}
	}
	t.Fatal("the child ended without a word")
	return false
}
