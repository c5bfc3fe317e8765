//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStart runs a program that does nothing, beside the bare sandbox: the same
// gVisor in the same kind of binary, run by its own command line.
func BenchmarkStart(b *testing.B) {
	needs(b)
	dir := b.TempDir()
	bare := filepath.Join(dir, "bare")
	cmd := exec.Command("go", "build", "-o", bare, "github.com/artel-network/artel/sandbox/gvisor/internal/bare")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	bundle := filepath.Join(dir, "bundle")
	spec := map[string]any{
		"ociVersion": "1.1.0", "root": map[string]any{"path": built.root, "readonly": true},
		"process": map[string]any{"args": []string{"/program", "ok"}, "cwd": "/", "user": map[string]int{"uid": 0, "gid": 0}},
		"linux":   map[string]any{},
	}
	text, err := json.Marshal(spec)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(bundle, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o644); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = syscall.Unmount(filepath.Join(dir, "runsc/null-netns"), syscall.MNT_DETACH) }) // it keeps one
	box := newBox(b, dir, nil)
	var ours, theirs []time.Duration
	for i := 0; b.Loop(); i++ {
		s := specOf(b, "ok")
		at := time.Now()
		if exit, log := run(b, box, s); !exit.OK() {
			b.Fatalf("%v; log %s", exit, log)
		}
		ours = append(ours, time.Since(at))
		at = time.Now()
		out, err := exec.Command(bare, "--root="+filepath.Join(dir, "runsc"), "--network=none", "--ignore-cgroups", "run", "--bundle="+bundle, "bare"+strconv.Itoa(i)).CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		theirs = append(theirs, time.Since(at))
	}
	b.ReportMetric(median(ours), "p50-ms")
	b.ReportMetric(median(theirs), "bare-p50-ms")
	b.ReportMetric(median(ours)/median(theirs), "ratio")
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}

// BenchmarkCompute runs the same arithmetic inside and outside.
func BenchmarkCompute(b *testing.B) {
	needs(b)
	box := newBox(b, b.TempDir(), nil)
	took := func(log string) float64 {
		_, ms, ok := strings.Cut(strings.TrimSpace(log), "took ")
		n, err := strconv.ParseFloat(ms, 64)
		if !ok || err != nil {
			b.Fatalf("log %q", log)
		}
		return n
	}
	var in, out []float64
	for b.Loop() {
		s := specOf(b, "arithmetic", "40")
		s.Limits.CPUMillis = 4000 // no quota in the way
		exit, log := run(b, box, s)
		if !exit.OK() {
			b.Fatalf("%v; log %s", exit, log)
		}
		in = append(in, took(log))
		native, err := exec.Command(filepath.Join(built.root, "program"), "arithmetic", "40").Output()
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, took(string(native)))
	}
	slices.Sort(in)
	slices.Sort(out)
	b.ReportMetric(in[len(in)/2]/out[len(out)/2], "ratio")
	b.ReportMetric(in[0]/out[0], "best-ratio")
}
