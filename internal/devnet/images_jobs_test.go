//go:build images

package devnet_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/debian"
)

// pytorch trains a network on the digits. What counts is what the program says of each
// digit that it held out, held against the labels here.
func (g images) pytorch(t *testing.T) {
	out, _ := g.runs(t, g.image(t, debian.PyTorch()), example(t, "jobs/pytorch.yaml"))
	labels := digitLabels(t)
	text, err := os.ReadFile(filepath.Join(out, "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[int]bool{}
	right := 0
	for l := range strings.Lines(string(text)) {
		row, label, _ := strings.Cut(strings.TrimSpace(l), ",")
		n, err := strconv.Atoi(row)
		if err != nil || n < 0 || n >= len(labels) || said[n] {
			t.Fatalf("predictions.csv: line %q", l)
		}
		said[n] = true
		if label == labels[n] {
			right++
		}
	}
	accuracy := float64(right) / float64(len(said))
	t.Logf("%d of %d digits are read right, %.2f %%", right, len(said), 100*accuracy)
	if len(said) < len(labels)/5 || accuracy < 0.97 {
		t.Errorf("%d digits are read with an accuracy of %.4f; want %d, 0.97", len(said), accuracy, len(labels)/5)
	}
	var m struct{ Accuracy float64 }
	b, err := os.ReadFile(filepath.Join(out, "metrics.json"))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil || m.Accuracy-accuracy > 1e-6 || accuracy-m.Accuracy > 1e-6 {
		t.Errorf("metrics.json says %v, %v; the predictions say %v", m.Accuracy, err, accuracy)
	}
	// PyTorch keeps weights in a zip, a file for each tensor.
	z, err := zip.OpenReader(filepath.Join(out, "model.pt"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	tensors := 0
	for _, f := range z.File {
		if ok, _ := filepath.Match("*/data/*", f.Name); ok && f.UncompressedSize64 > 0 {
			tensors++
		}
	}
	if tensors != 8 { // weights and biases of four layers
		t.Errorf("model.pt holds %d tensors", tensors)
	}
}

// digitLabels are the labels of the digits, by row.
func digitLabels(t *testing.T) (labels []string) {
	t.Helper()
	f, err := os.Open(example(t, "digits/digits.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(z); s.Scan(); {
		labels = append(labels, s.Text()[strings.LastIndex(s.Text(), ",")+1:])
	}
	if len(labels) != 1797 {
		t.Fatalf("there are %d digits", len(labels))
	}
	return labels
}

// povray renders an animation, a frame a task, on more than one machine.
func (g images) povray(t *testing.T) {
	out, j := g.runs(t, g.image(t, debian.POVRay()), example(t, "jobs/render.yaml"))
	spread(t, j)
	seen := map[[32]byte]string{}
	for i := 1; i <= 12; i++ {
		name := fmt.Sprintf("%d/frame%02d.png", i, i)
		f, err := os.Open(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := img.Bounds().Size(); s.X != 320 || s.Y != 240 {
			t.Errorf("%s is %v", name, s)
		}
		h := sha256.New()
		colours := map[[3]uint32]bool{}
		for y := range 240 {
			for x := range 320 {
				r, g, b, _ := img.At(x, y).RGBA()
				fmt.Fprintln(h, r, g, b)
				colours[[3]uint32{r, g, b}] = true
			}
		}
		sum := [32]byte(h.Sum(nil))
		if len(colours) < 1000 {
			t.Errorf("%s has %d colours", name, len(colours))
		}
		if other := seen[sum]; other != "" {
			t.Errorf("%s and %s are the same picture", other, name)
		}
		seen[sum] = name
	}
	if files, err := filepath.Glob(filepath.Join(out, "*", "*")); err != nil || len(files) != 12 {
		t.Errorf("there are %d files, %v", len(files), err)
	}
}

// ffmpeg makes a clip, cuts it, transcodes the pieces on several machines and joins
// them again. Beside the clip, each way writes small grey pictures of all frames:
// these are counted, and compared.
func (g images) ffmpeg(t *testing.T) {
	image := g.image(t, debian.FFmpeg())
	const frames, pieces, width, height = 240, 4, 32, 24
	grey := fmt.Sprintf("-vf scale=%d:%d -pix_fmt gray -f rawvideo", width, height)
	clip, _ := g.runs(t, image, "--name", "clip", "--", "sh", "-ec", fmt.Sprintf(`
		ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=24:duration=%d -c:v libx264 -preset veryfast -g 24 -sc_threshold 0 \
			-f segment -segment_time %d -reset_timestamps 1 /out/piece%%d.mkv
		for i in 0 1 2 3; do ffmpeg -v error -i /out/piece$i.mkv %s -; done > /out/grey`, frames/24, frames/24/pieces+1, grey))
	coded, j := g.runs(t, image, "--name", "transcode", "--in", clip, "--array", fmt.Sprintf("0-%d", pieces-1), "--", "sh", "-ec",
		`exec ffmpeg -v error -i /in/piece$ARTEL_TASK.mkv -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k /out/piece.webm`)
	spread(t, j)
	joined, _ := g.runs(t, image, "--name", "join", "--in", coded, "--", "sh", "-ec", fmt.Sprintf(`
		for i in 0 1 2 3; do echo "file /in/$i/piece.webm"; done > /tmp/list
		ffmpeg -v error -f concat -safe 0 -i /tmp/list -c copy /out/clip.webm
		ffmpeg -v error -i /out/clip.webm %s /out/grey`, grey))
	if b, err := os.ReadFile(filepath.Join(joined, "clip.webm")); err != nil || !bytes.HasPrefix(b, []byte("\x1a\x45\xdf\xa3")) {
		t.Errorf("clip.webm is %.8x, %v", b, err)
	}
	before, err := os.ReadFile(filepath.Join(clip, "grey"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(joined, "grey"))
	if err != nil {
		t.Fatal(err)
	}
	const size = width * height
	if len(before) != frames*size || len(after) != frames*size {
		t.Fatalf("the clip has %d frames, the joined one %d; want %d", len(before)/size, len(after)/size, frames)
	}
	far := func(a, b []byte) (sum float64) {
		for i := range a {
			d := float64(a[i]) - float64(b[i])
			sum += d * d
		}
		return sum / float64(len(a))
	}
	worst := 0.0
	for i := range frames {
		worst = max(worst, far(before[i*size:][:size], after[i*size:][:size]))
	}
	t.Logf("%d frames; the worst differs from its original by a mean square of %.1f", frames, worst)
	if worst > 400 { // of 65025; other pictures differ by thousands
		t.Errorf("a frame is not what it was: mean square %.1f", worst)
	}
	if turns := far(before[:size], before[(frames-1)*size:]); turns < 20 {
		t.Errorf("the clip does not move: its first and last frames differ by a mean square of %.1f", turns)
	}
}

// web forwards a port to a web server in a container, and asks it.
func (g images) web(t *testing.T) {
	image := g.image(t, debian.BusyBox())
	site := t.TempDir()
	large := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(large)
	files := map[string][]byte{"index.html": []byte("<h1>Hello from a stranger's machine</h1>\n"), "large.bin": large, "down/page.txt": []byte("below")}
	for name, b := range files {
		path := filepath.Join(site, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	said, code := g.artel(g.renter.Dir, "run", "--image", image, "--in", site, "--detach", "--name", "site", "--", "httpd", "-f", "-p", "8080", "-h", "/in")
	if code != 0 {
		t.Fatalf("artel run: exit code %d\n%s", code, said)
	}
	id, err := g.newest()
	if err != nil {
		t.Fatal(err)
	}
	defer g.renter.API.Cancel(g.ctx, id)
	url := "http://" + g.forwarded(t, id)
	get := func(path string) (int, []byte, error) {
		resp, err := http.Get(url + path)
		if err != nil {
			return 0, nil, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, b, err
	}
	g.until(t, "the server to answer", func() bool {
		code, _, err := get("/")
		return err == nil && code == http.StatusOK
	})
	if len(g.traces(t)) == 0 {
		t.Error("a running container leaves no trace: what looks for what is left looks at nothing")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for name, want := range files {
				if code, got, err := get("/" + name); err != nil || code != http.StatusOK || !bytes.Equal(got, want) {
					t.Errorf("GET %s: %d, %d bytes, %v", name, code, len(got), err)
				}
			}
			if code, got, err := get("/"); err != nil || code != http.StatusOK || !bytes.Equal(got, files["index.html"]) {
				t.Errorf("GET /: %d, %q, %v", code, got, err)
			}
			if code, _, err := get("/nothing"); err != nil || code != http.StatusNotFound {
				t.Errorf("GET /nothing: %d, %v", code, err)
			}
		})
	}
	all.Wait()
	if _, err := g.renter.API.Cancel(g.ctx, id); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the job to be cancelled", func() bool {
		j, err := g.renter.API.Job(g.ctx, id)
		return err == nil && j.State == api.StateCancelled
	})
}

// forwarded runs `artel forward JOB 0:8080` until the test ends, and returns where it
// listens.
func (g images) forwarded(t *testing.T, id string) string {
	t.Helper()
	var addr string
	g.until(t, "the port to be forwarded", func() bool { // refused while the task waits
		cmd := exec.CommandContext(g.ctx, filepath.Join(g.bin, "artel"), "--dir", g.renter.Dir, "--socket", filepath.Join(g.renter.Dir, "api.sock"), "forward", id, "0:8080")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			cmd.Wait()
			return false
		}
		t.Cleanup(func() {
			cmd.Process.Signal(os.Interrupt)
			if err := cmd.Wait(); err != nil {
				t.Errorf("artel forward: %v", err)
			}
		})
		addr, _, _ = strings.Cut(line, " ")
		return true
	})
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Fatalf("artel forward listens on %q", addr)
	}
	return addr
}
