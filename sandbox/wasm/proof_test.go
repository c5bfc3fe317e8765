package wasm_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm"
)

// The program in the box gives the same states as the machine's own code, compiled
// and interpreted: who checks a proof has no box.
func TestProofProgramSolvesTheChallenge(t *testing.T) {
	if wasm.MaxProofSteps != host.MaxSteps {
		t.Fatalf("room for %d steps, a challenge may have %d", wasm.MaxProofSteps, host.MaxSteps)
	}
	for name, interpret := range map[string]bool{"usual": false, "interpreted": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "proof.wasm")
			if err := os.WriteFile(program, wasm.ProofProgram(), 0o600); err != nil {
				t.Fatal(err)
			}
			box, err := wasm.New(wasm.Options{Command: []string{built.worker, wasm.WorkerArg}, Root: dir, Cache: filepath.Join(dir, "cache"), Slots: 1, Interpret: interpret})
			if err != nil {
				t.Fatal(err)
			}
			defer box.Close()
			for i, steps := range []int{1, 2, 9} {
				seed := [32]byte{byte(i), 0xff, 3, 31: 0x80}
				want, err := host.Solve(context.Background(), seed, steps)
				if err != nil {
					t.Fatal(err)
				}
				out := filepath.Join(dir, "out", string(rune('a'+i)))
				if err := os.MkdirAll(out, 0o700); err != nil {
					t.Fatal(err)
				}
				r, err := box.Start(t.Context(), out, sandbox.Spec{
					Program: program, Key: "proof", Out: out, Log: out + ".log", Args: wasm.ProofArgs(host.First(seed, steps), uint64(steps)),
				})
				if err != nil {
					t.Fatal(err)
				}
				if exit, err := r.Wait(t.Context()); err != nil || !exit.OK() {
					t.Fatalf("%d steps: %s, %v", steps, exit, err)
				}
				got, err := os.ReadFile(out + ".log")
				if err != nil || string(got) != string(host.Encode(want)[1:]) {
					t.Errorf("%d steps: %d bytes %x, %v; want %x", steps, len(got), got, err, host.Encode(want)[1:])
				}
			}
		})
	}
}
