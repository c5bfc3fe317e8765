package fake_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/fake"
	"github.com/artel-network/artel/sandbox/sandboxtest"
)

// guest does what the suite's guest program does, as far as a fake can.
func guest(ctx context.Context, spec sandbox.Spec, log io.Writer) sandbox.Exit {
	switch spec.Args[0] {
	case "exit":
		code, _ := strconv.Atoi(spec.Args[1])
		return sandbox.Exit{Code: int32(code)}
	case "block":
		fmt.Fprintln(log, "running")
		<-ctx.Done()
	case "log":
		n, _ := strconv.Atoi(spec.Args[1])
		for i := range n {
			fmt.Fprintf(log, "%-63d\n", i)
		}
	}
	return sandbox.Exit{}
}

func TestConformance(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("fake"), 0o755); err != nil {
		t.Fatal(err)
	}
	sandboxtest.Run(t, sandboxtest.Target{
		New:     func(testing.TB, string) sandbox.Box { return fake.New(2, guest) },
		Program: program, Key: "fake",
		Skips: []string{"Contract", "BadPrograms", "Files", "Escapes", "Deterministic", "Wall", "Memory", "Output", "Flood",
			"Images", "CPU", "Processes", "Layer", "Interactive", "Outlives", "Freezes", "Moves"},
	})
}

func TestEcho(t *testing.T) {
	dir := t.TempDir()
	box := fake.New(1, fake.Echo)
	defer box.Close()
	var results []string
	for i, seed := range []byte{1, 1, 2} {
		out := filepath.Join(dir, fmt.Sprint("out", i))
		if err := os.Mkdir(out, 0o755); err != nil {
			t.Fatal(err)
		}
		spec := sandbox.Spec{Program: filepath.Join(dir, "p"), In: dir, Out: out, Log: filepath.Join(t.TempDir(), "log"), Seed: [32]byte{seed}}
		spec.In = filepath.Join(dir, "in")
		if err := os.MkdirAll(spec.In, 0o755); err != nil {
			t.Fatal(err)
		}
		r, err := box.Start(t.Context(), "a", spec)
		if err != nil {
			t.Fatal(err)
		}
		if exit, err := r.Wait(t.Context()); err != nil || !exit.OK() || exit.OutputFiles != 1 {
			t.Fatalf("exit %+v, %v", exit, err)
		}
		b, err := os.ReadFile(filepath.Join(out, "result"))
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, string(b))
	}
	if results[0] != results[1] || results[0] == results[2] {
		t.Errorf("results %q: want the first two equal and the third another", results)
	}
}
