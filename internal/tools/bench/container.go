package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
)

// module is where the programs that are built for a benchmark live.
const module = "github.com/artel-network/artel/"

// build builds a static program of this module.
func build(ctx context.Context, pkg, out string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, module+pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

// containers measures jobs in containers: how long one takes that does nothing, and how
// fast one computes.
func (b *bench) containers(ctx context.Context) error {
	guest := filepath.Join(b.dir, "guest")
	if err := build(ctx, "internal/tools/bench/guest", guest); err != nil {
		return err
	}
	n, err := b.network(ctx, "container", 1, api.ProvideConfig{Slots: 2, Memory: 2 << 30, Disk: 4 << 30, Price: 277_000_000, MaxUnit: 60_000})
	if err != nil {
		return err
	}
	defer n.Close()
	img, err := n.image(ctx, filepath.Join(b.dir, "layout"), oci.Build{
		Layers: []oci.Layer{oci.Binary(guest, "/guest")}, Config: oci.RunConfig{Entrypoint: []string{"/guest"}},
	})
	if err != nil {
		return err
	}
	if err := b.starts(ctx, n, img, guest); err != nil {
		return err
	}
	return b.computes(ctx, n, img, guest)
}

// image adds an image to the renter.
func (n *net) image(ctx context.Context, layout string, i oci.Build) (api.Image, error) {
	if _, err := i.WriteLayout(layout); err != nil {
		return api.Image{}, fmt.Errorf("build image: %w", err)
	}
	return n.renter.API.Image(ctx, api.ImageRequest{Path: layout})
}

// inBox is a job that runs the guest of an image.
func inBox(i api.Image, args ...string) artel.JobSpec {
	return artel.JobSpec{
		Name: "guest", Args: args, Count: 1, Sandbox: "gvisor", Pull: i.Bytes, Tries: 1, Failover: artel.FailoverNormal,
		Box: artel.Box{Image: i.Digest, Source: i.Source}, Wall: 60_000, Log: 4096,
		Want: artel.Resources{Slots: 1, Memory: 256 << 20, Disk: 16 << 20},
	}
}

// starts measures a container that does nothing three ways, in turn, so that all three
// see the same machine: as a job of the network, by the box that runs it there, and by
// gVisor's own command line in a program that holds nothing else.
func (b *bench) starts(ctx context.Context, n *net, img api.Image, guest string) error {
	bare, err := newBare(ctx, b.dir, guest)
	if err != nil {
		return err
	}
	defer bare.close()
	program := filepath.Join(b.dir, "artel-box") // what artel holds of containers
	if err := build(ctx, "cmd/artel/internal/box", program); err != nil {
		return err
	}
	box, err := gvisor.New(gvisor.Options{Command: []string{program}, Dir: filepath.Join(b.dir, "box")})
	if err != nil {
		return err
	}
	defer box.Close()
	spec := inBox(img, "true")
	if _, err := b.one(ctx, n.renter.API, spec); err != nil { // pulls the image, makes the lease
		return err
	}
	var jobs, boxes, bares []float64
	for range b.o.starts {
		job, err := b.one(ctx, n.renter.API, spec)
		if err != nil {
			return err
		}
		alone, err := bare.boxed(ctx, box)
		if err != nil {
			return err
		}
		naked, err := bare.run(ctx)
		if err != nil {
			return err
		}
		jobs, boxes, bares = append(jobs, millis(job)), append(boxes, millis(alone)), append(bares, millis(naked))
	}
	p50 := func(ms []float64) float64 { return quantile(ms, 0.5) }
	b.add("container job on a held lease, image cached, `true`: submit → receipt, p50 / p95", "≤ 250 ms", fmt.Sprintf("%.0f / %.0f ms", p50(jobs), quantile(jobs, 0.95)),
		fmt.Sprintf("n = %d, min %.0f, max %.0f; beside each, the box alone: %s", len(jobs), slices.Min(jobs), slices.Max(jobs), spread(boxes)))
	b.add("the same ÷ the start of bare gVisor beside it", "≤ 1.15×", fmt.Sprintf("%.2f×", p50(jobs)/p50(bares)),
		fmt.Sprintf("bare: %s; the box alone %.2f×", spread(bares), p50(boxes)/p50(bares)))
	return nil
}

// spread says a median and the quartiles around it.
func spread(ms []float64) string {
	return fmt.Sprintf("p50 %.0f ms (%.0f to %.0f)", quantile(ms, 0.5), quantile(ms, 0.25), quantile(ms, 0.75))
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bare starts gVisor by its own command line.
type bare struct {
	program, dir, root string
	n                  int
}

func newBare(ctx context.Context, dir, guest string) (*bare, error) {
	b := &bare{program: filepath.Join(dir, "bare"), dir: filepath.Join(dir, "runsc"), root: filepath.Join(dir, "root")}
	if err := build(ctx, "sandbox/gvisor/internal/bare", b.program); err != nil {
		return nil, err
	}
	for _, d := range []string{b.dir, b.root, b.bundle(), filepath.Join(dir, "attempt")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	program, err := os.ReadFile(guest)
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(map[string]any{
		"ociVersion": "1.1.0", "root": map[string]any{"path": b.root, "readonly": true},
		"process": map[string]any{"args": []string{"/guest", "true"}, "cwd": "/", "user": map[string]int{"uid": 0, "gid": 0}},
		"linux":   map[string]any{},
	})
	if err != nil {
		return nil, err
	}
	return b, errors.Join(os.WriteFile(filepath.Join(b.root, "guest"), program, 0o755), os.WriteFile(filepath.Join(b.bundle(), "config.json"), spec, 0o644))
}

func (b *bare) bundle() string { return filepath.Join(b.dir, "bundle") }

// close takes away what gVisor leaves: a network namespace.
func (b *bare) close() {
	_ = syscall.Unmount(filepath.Join(b.dir, "state/null-netns"), syscall.MNT_DETACH)
}

// run starts the guest and waits for its end.
func (b *bare) run(ctx context.Context) (time.Duration, error) {
	b.n++
	args := []string{"--root=" + filepath.Join(b.dir, "state"), "--network=none", "--ignore-cgroups"}
	if os.Geteuid() != 0 {
		args = append(args, "--rootless")
	}
	start := time.Now()
	out, err := exec.CommandContext(ctx, b.program, append(args, "run", "--bundle="+b.bundle(), "bare"+strconv.Itoa(b.n))...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("start bare gVisor: %w\n%s", err, out)
	}
	return time.Since(start), nil
}

// boxed does the same with a box of ours, within the limits that the job has.
func (b *bare) boxed(ctx context.Context, box *gvisor.Box) (time.Duration, error) {
	b.n++
	dir := filepath.Join(filepath.Dir(b.dir), "attempt", strconv.Itoa(b.n))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	start := time.Now()
	run, err := box.Start(ctx, strconv.Itoa(b.n), sandbox.Spec{
		Root: b.root, Args: []string{"/guest", "true"}, Out: dir, Log: dir + ".log",
		Limits: sandbox.Limits{MemoryBytes: 256 << 20, CPUMillis: 1000, LayerBytes: 16 << 20, OutputBytes: 16 << 20, LogBytes: 4096},
	})
	if err != nil {
		return 0, err
	}
	exit, err := run.Wait(ctx)
	if err == nil && !exit.OK() {
		err = fmt.Errorf("the box alone: %v", exit)
	}
	return time.Since(start), err
}

// computes measures arithmetic in a container and outside, in turn.
func (b *bench) computes(ctx context.Context, n *net, img api.Image, guest string) error {
	var in, out, ratios []float64
	for range b.o.pairs {
		boxed, err := b.spun(ctx, n, inBox(img, "spin"))
		if err != nil {
			return err
		}
		said, err := exec.CommandContext(ctx, guest, "spin").Output()
		if err != nil {
			return fmt.Errorf("compute outside: %w", err)
		}
		native, err := spun(said)
		if err != nil {
			return err
		}
		in, out, ratios = append(in, boxed), append(out, native), append(ratios, boxed/native)
	}
	b.add("CPU-bound program, sandbox ÷ native in one run", "≤ 1.03×", fmt.Sprintf("%.3f×", quantile(in, 0.5)/quantile(out, 0.5)),
		fmt.Sprintf("n = %d pairs in turn, a Go program on one core: in the container %s, native %s; pairs %.3f to %.3f×", len(in), spread(in), spread(out), slices.Min(ratios), slices.Max(ratios)))
	return nil
}

// spun runs a job to its end and reads from its log how long it computed.
func (b *bench) spun(ctx context.Context, n *net, spec artel.JobSpec) (float64, error) {
	id, err := b.submit(ctx, n.renter.API, spec)
	if err != nil {
		return 0, err
	}
	if _, err := over(ctx, n.renter.API, id); err != nil {
		return 0, err
	}
	var log bytes.Buffer
	if err := n.renter.API.Logs(ctx, id, api.LogQuery{}, func(c api.LogChunk) error { log.Write(c.Data); return nil }); err != nil {
		return 0, err
	}
	return spun(log.Bytes())
}

// spun reads milliseconds from what the guest printed.
func spun(said []byte) (float64, error) {
	f := strings.Fields(string(said))
	if len(f) != 5 || f[0] != "spun" {
		return 0, fmt.Errorf("the guest said %.200q", said)
	}
	us, err := strconv.ParseFloat(f[3], 64)
	return us / 1000, err
}
