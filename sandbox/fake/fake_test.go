package fake_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/artel-network/artel"
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
	case "trap":
		told := fake.Told(ctx)
		fmt.Fprintln(log, "ready")
		code, _ := strconv.Atoi(spec.Args[1])
		for {
			select {
			case <-told:
				if end := trapped(spec, code, log); end != nil {
					return *end
				}
			case <-ctx.Done():
				return sandbox.Exit{}
			}
		}
	case "log":
		n, _ := strconv.Atoi(spec.Args[1])
		for i := range n {
			fmt.Fprintf(log, "%-63d\n", i)
		}
	}
	return sandbox.Exit{}
}

// trapped is what the guest does when it is told to end.
func trapped(spec sandbox.Spec, code int, log io.Writer) *sandbox.Exit {
	fmt.Fprintln(log, "told", spec.Stops())
	if code < 0 {
		return nil
	}
	if err := os.WriteFile(filepath.Join(spec.Out, "told"), []byte("told"), 0o644); err != nil {
		return &sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: "The result could not be written."}
	}
	return &sandbox.Exit{Code: int32(code)}
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

// count goes on until it has counted to its argument, or for ever.
func count(word string, state []byte, args []string, log io.Writer) ([]byte, *sandbox.Exit) {
	n := binary.BigEndian.Uint64(state)
	if len(args) > 0 {
		if most, _ := strconv.ParseUint(args[0], 10, 64); n == most {
			return state, &sandbox.Exit{}
		}
	}
	fmt.Fprintf(log, "%s %d\n", word, n)
	binary.BigEndian.PutUint64(state, n+1)
	return state, nil
}

func TestMoverConformance(t *testing.T) {
	ends := func(e sandbox.Exit) fake.Steps {
		return func(sandbox.Spec, []byte, io.Writer) ([]byte, *sandbox.Exit) { return nil, &e }
	}
	programs := map[string]fake.Steps{
		"ok": ends(sandbox.Exit{}), "burn": ends(sandbox.Exit{}),
		"exit": func(s sandbox.Spec, _ []byte, _ io.Writer) ([]byte, *sandbox.Exit) {
			code, _ := strconv.Atoi(s.Args[2])
			return nil, &sandbox.Exit{Code: int32(code)}
		},
		"block": func(_ sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
			if len(state) == 0 {
				fmt.Fprintln(log, "running")
			}
			return []byte{1}, nil
		},
		"trap": func(_ sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
			if len(state) == 0 {
				fmt.Fprintln(log, "ready")
			}
			return []byte{1}, nil
		},
		"log": func(s sandbox.Spec, _ []byte, log io.Writer) ([]byte, *sandbox.Exit) {
			n, _ := strconv.Atoi(s.Args[2])
			for i := range n {
				fmt.Fprintf(log, "%-63d\n", i)
			}
			return nil, &sandbox.Exit{}
		},
		"spinners": func(_ sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
			if len(state) == 0 {
				state = make([]byte, 8)
			}
			return count("count", state, nil, log)
		},
		"journey": func(s sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
			if len(state) == 0 {
				state = make([]byte, 8<<20+8)
			}
			next, end := count("step", state, s.Args[2:3], log)
			if err := os.WriteFile(filepath.Join(s.Out, "half"), next[:8], 0o644); err != nil {
				return next, &sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: err.Error()}
			}
			return next, end
		},
	}
	needs := sandbox.Needs{Version: "fake/1", CPU: artel.CPU{Arch: "fake", Vendor: "fake", Features: []string{"one", "two"}}}
	sandboxtest.Run(t, sandboxtest.Target{
		New: func(testing.TB, string) sandbox.Box {
			b := fake.NewMover(2, needs, programs)
			b.Trap("trap", func(s sandbox.Spec, state []byte, log io.Writer) ([]byte, *sandbox.Exit) {
				code, _ := strconv.Atoi(s.Args[2])
				return state, trapped(s, code, log)
			})
			return b
		},
		Root: t.TempDir(),
		Skips: []string{"Contract", "BadPrograms", "Files", "Escapes", "Deterministic", "Wall", "Memory", "Output", "Flood",
			"Images", "CPU", "Processes", "Layer", "Interactive", "Outlives", "Freezes"},
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
