package wasm

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func BenchmarkEngine(b *testing.B) {
	dir := b.TempDir()
	prog := filepath.Join(dir, "noop.wasm")
	cmd := exec.Command("go", "build", "-o", prog, "github.com/artel-network/artel/sandbox/sandboxtest/noop")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(prog)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	e, err := newEngine(ctx, filepath.Join(dir, "cache"), 2)
	if err != nil {
		b.Fatal(err)
	}
	m, err := e.load(ctx, "noop", content, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range []string{"in", "out"} {
		os.Mkdir(filepath.Join(dir, d), 0o755)
	}
	t := task{In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"), Limits: sandbox.DefaultLimits()}
	b.ReportAllocs()
	for b.Loop() {
		if o := e.run(ctx, m, t, io.Discard, func() error { return nil }); o.Reason != sandbox.Exited {
			b.Fatal(o)
		}
	}
}
