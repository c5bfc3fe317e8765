package devnet_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
	"github.com/artel-network/artel/wire"
)

// guest builds sandboxtest's guest.
func (w *world) guest(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "guest")
	cmd := exec.Command("go", "build", "-o", bin, "../../sandbox/sandboxtest/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build guest: %v\n%s", err, out)
	}
	return bin
}

// guestImage is an OCI layout of one image FROM scratch: sandboxtest's guest.
func (w *world) guestImage(t *testing.T) string {
	t.Helper()
	layout := filepath.Join(t.TempDir(), "layout")
	if _, err := imageOf(w.guest(t), "", oci.Platform{}).WriteLayout(layout); err != nil {
		t.Fatal(err)
	}
	return layout
}

// imageOf is an image FROM scratch of one program. Another name is another image.
func imageOf(bin, name string, p oci.Platform) oci.Build {
	b := oci.Build{Layers: []oci.Layer{oci.Binary(bin, "/guest")}, Config: oci.RunConfig{Entrypoint: []string{"/guest"}}, Platform: p}
	if name != "" {
		b.Layers = append(b.Layers, oci.Files(oci.File{Name: "name", Data: []byte(name)}))
	}
	return b
}

func (w *world) containerJob(img api.Image, count uint64, wall time.Duration, args ...string) artel.JobSpec {
	return artel.JobSpec{
		Name: "container", Args: args, Count: count, Sandbox: "gvisor", Pull: img.Bytes, Tries: 1, Failover: artel.FailoverNormal,
		Box:  artel.Box{Image: img.Digest, Source: img.Source},
		Want: artel.Resources{Slots: 1, Memory: 128 << 20, Disk: 16 << 20}, Wall: uint64(wall.Milliseconds()), Log: 1 << 20,
	}
}

// containers returns the offers that take containers, and skips the test where the
// machine runs none.
func (w *world) containers(t *testing.T) []api.Offer {
	t.Helper()
	offers, err := w.renter.API.Offers(w.ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(offers) == 0 {
		t.Skip("containers cannot run on this machine; hint: artel doctor")
	}
	return offers
}

// TestContainers rents containers through the whole network, escrow included.
func TestContainers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(2)
	w.containers(t)
	img, err := w.renter.API.Image(w.ctx, api.ImageRequest{Path: w.guestImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("batch", func(t *testing.T) {
		spec := w.containerJob(img, 4, time.Minute, "copy")
		b, err := w.renter.API.AddPath(w.ctx, w.input())
		if err != nil {
			t.Fatal(err)
		}
		spec.Input = b.Ref
		j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "container-batch-0001", Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		w.done(t, w.renter, j.ID)
		files, err := w.renter.API.Files(w.ctx, j.ID, nil)
		if err != nil || len(files) == 0 {
			t.Fatalf("the job left %d files, %v", len(files), err)
		}
	})
	t.Run("visits", func(t *testing.T) { w.visits(t, img) })
	t.Run("outlives", func(t *testing.T) { w.outlives(t, img) })
}

// outlives kills a provider's daemon under a container: the next daemon takes the
// container up, and its first attempt is the one that counts.
func (w *world) outlives(t *testing.T, img api.Image) {
	j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "container-outlives-1", Spec: w.containerJob(img, 1, 5*time.Minute, "sleep", "12")})
	if err != nil {
		t.Fatal(err)
	}
	var task api.Task
	w.until(t, "the task to run", func() bool {
		d, err := w.renter.API.Job(w.ctx, j.ID)
		if err != nil || len(d.List) != 1 {
			return false
		}
		task = d.List[0]
		return task.State == api.StateRunning
	})
	// It must have begun: what waits for its image is lost with the daemon.
	w.until(t, "the program to run", func() bool {
		c, err := w.renter.API.Visit(w.ctx, j.ID, api.VisitRequest{Kind: wire.VisitUsage})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	killed := false
	for i, p := range w.providers {
		st, err := p.API.Status(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if st.Node != task.Provider {
			continue
		}
		p.Kill()
		if w.providers[i], err = w.net.StartNode(w.ctx, p.Name, 0); err != nil {
			t.Fatal(err)
		}
		killed = true
	}
	if !killed {
		t.Fatalf("no provider is node %s", task.Provider.Short())
	}
	w.done(t, w.renter, j.ID)
	d, err := w.renter.API.Job(w.ctx, j.ID)
	if err != nil || d.List[0].Attempt != 1 {
		t.Errorf("the task was done by attempt %d, want the first; %v", d.List[0].Attempt, err)
	}
}

// visits looks into a running task.
func (w *world) visits(t *testing.T, img api.Image) {
	j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "container-visit-0001", Spec: w.containerJob(img, 1, 5*time.Minute, "block")})
	if err != nil {
		t.Fatal(err)
	}
	defer w.renter.API.Cancel(w.ctx, j.ID)
	var c io.ReadWriteCloser
	w.until(t, "the program to run", func() bool { // until then visits are refused
		c, err = w.renter.API.Visit(w.ctx, j.ID, api.VisitRequest{Kind: wire.VisitExec, Args: []string{"/guest", "show", "me"}})
		return err == nil
	})
	defer c.Close()
	if err := wire.WriteFrame(c, wire.FrameInEnd, nil); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := -1
	for code < 0 {
		kind, b, err := wire.ReadFrame(c, nil)
		if err != nil {
			t.Fatalf("exec: %v after %q", err, out.String())
		}
		switch kind {
		case wire.FrameOut:
			out.Write(b)
		case wire.FrameExit:
			code = int(int32(binary.BigEndian.Uint32(b)))
		case wire.FrameError:
			t.Fatalf("exec: %s", b)
		}
	}
	if code != 0 || !strings.Contains(out.String(), "args 3 show|me") {
		t.Errorf("exec ended with %d and said %q", code, out.String())
	}
	for args, code := range map[string]int{"/no-such": 127, "no-such": 127, "/": 126, "/guest exit 125": 125} {
		said, got := w.artel(w.renter.Dir, append([]string{"exec", j.ID, "--"}, strings.Fields(args)...)...)
		if got != code || code > 125 && !strings.Contains(said, "program") {
			t.Errorf("artel exec %s: exit code %d, want %d\n%s", args, got, code, said)
		}
	}
	if said, code := w.artel(w.renter.Dir, "exec", "nosuchjob", "--", "true"); code != 125 {
		t.Errorf("artel exec without a job: exit code %d\n%s", code, said)
	}
	u, err := w.renter.API.Visit(w.ctx, j.ID, api.VisitRequest{Kind: wire.VisitUsage})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if err := wire.WriteFrame(u, wire.FrameIn, nil); err != nil {
		t.Fatal(err)
	}
	kind, b, err := wire.ReadFrame(u, nil)
	if err != nil || kind != wire.FrameReading {
		t.Fatalf("usage: frame %d, %v, %s", kind, err, b)
	}
	if r, err := wire.UnmarshalReading(b); err != nil || r.Memory == 0 || r.Wall == 0 {
		t.Errorf("usage: %+v, %v", r, err)
	}
	if _, err := w.renter.API.Visit(w.ctx, j.ID, api.VisitRequest{Kind: wire.VisitDial, Port: 9}); err == nil {
		t.Error("a port on which nothing listens was opened")
	}
}
