package wasm_test

import (
	"context"
	"math"
	"math/bits"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/artel-network/artel/sandbox/wasm"
)

// walked is what the program's walk should return, in Go.
func walked(n int) uint64 {
	m := make([]uint64, 1<<15)
	a, b, c, d, f := uint64(1), uint64(2), uint64(3), uint64(4), 1.5
	const one, mantissa = 0x3ff << 52, 1<<52 - 1
	for range n {
		i := (a >> 40) & (1<<15 - 1)
		w := m[i]
		a = bits.RotateLeft64(a^w, 23) * 0x9e3779b97f4a7c15
		b += c
		d = bits.RotateLeft64(d^b, 32)
		c += d ^ w
		b = bits.RotateLeft64(b^c, 40)
		f = float64(float64(f*math.Float64frombits(a>>12|one)) + math.Float64frombits(b&mantissa|one))
		f = math.Float64frombits(math.Float64bits(float64(f*0.5)+1)&mantissa | one)
		m[i] = (w + b) ^ math.Float64bits(f)
		a += d
	}
	return a ^ b ^ c ^ d ^ math.Float64bits(f)
}

func TestSpeedProgramDoesTheWork(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range map[string]wazero.RuntimeConfig{"usual": wazero.NewRuntimeConfig(), "interpreted": wazero.NewRuntimeConfigInterpreter()} {
		t.Run(name, func(t *testing.T) {
			rt := wazero.NewRuntimeWithConfig(ctx, cfg)
			defer rt.Close(ctx)
			wasi_snapshot_preview1.MustInstantiate(ctx, rt)
			m, err := rt.InstantiateWithConfig(ctx, wasm.SpeedProgram(), wazero.NewModuleConfig().WithStartFunctions())
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.ExportedFunction("walk").Call(ctx, 50_000)
			// host's kernel is held to the same number.
			if want := walked(50_000); err != nil || got[0] != want || want != 0x558d091816a97839 {
				t.Errorf("walk = %x, %v; want %x", got, err, want)
			}
		})
	}
}

func TestSpeed(t *testing.T) {
	for _, interpret := range []bool{false, true} {
		samples, err := wasm.Speed(t.Context(), wasm.Options{Command: []string{built.worker, wasm.WorkerArg}, Interpret: interpret}, t.TempDir())
		if err != nil || len(samples) == 0 {
			t.Fatalf("interpret %t: %v, %v", interpret, samples, err)
		}
		for _, s := range samples {
			if s <= 0 {
				t.Errorf("interpret %t: %v steps a second", interpret, s)
			}
		}
		t.Logf("interpret %t: %.1f steps a second", interpret, samples)
	}
}

// The targets of make cross: where wazero has no compiler the offer must not say the
// processor's own speed.
func TestWhereProgramsAreCompiled(t *testing.T) {
	for target, want := range map[string]bool{
		"linux/amd64": true, "linux/arm64": true, "linux/arm": false, "linux/riscv64": false, "linux/386": false,
		"darwin/amd64": true, "darwin/arm64": true, "windows/amd64": true, "plan9/amd64": false,
	} {
		system, arch, _ := strings.Cut(target, "/")
		if got := wasm.Compiles(system, arch, true); got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
	if wasm.Compiles("linux", "amd64", false) {
		t.Error("an amd64 processor without SSE 4.1 is taken to have a compiler")
	}
	if wasm.Compiled() != (wazeroCompiles()) {
		t.Errorf("Compiled is %t, and wazero itself says otherwise", wasm.Compiled())
	}
}

// wazeroCompiles asks wazero, which panics where it has no compiler.
func wazeroCompiles() (yes bool) {
	defer func() { yes = recover() == nil }()
	ctx := context.Background()
	return wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler()).Close(ctx) == nil
}
