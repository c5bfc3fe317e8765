package node

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/artel-network/artel/wire"
)

// What a provider's box works out is what a renter checks; a changed byte is not.
func TestProofsOfTheBoxAreRight(t *testing.T) {
	dir := t.TempDir()
	worker := filepath.Join(dir, "worker")
	build := exec.Command("go", "build", "-o", worker, "github.com/artel-network/artel/cmd/artel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	box, err := wasm.New(wasm.Options{Command: []string{worker, wasm.WorkerArg}, Root: dir, Cache: filepath.Join(dir, "cache"), Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	p := provers(box, filepath.Join(dir, "challenge"))[wire.ChallengeCPU]
	const steps = 6
	seeds := [][32]byte{{1}, {2}, {3}} // one more than slots
	b, err := p.Prove(t.Context(), seeds, steps)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := (puzzle{}).Check(seeds, steps, b); !right || err != nil {
		t.Fatalf("a right proof: %t, %v", right, err)
	}
	// The third chain as a true first step and the states of the chain that was kept.
	fresh, err := host.Solve(t.Context(), [32]byte{4}, steps)
	if err != nil {
		t.Fatal(err)
	}
	spliced := slices.Clone(b)
	copy(spliced[1+2*steps*32:], fresh[0][:])
	for name, bad := range map[string]struct {
		seeds [][32]byte
		steps uint32
		proof []byte
	}{
		"spliced":      {[][32]byte{{1}, {2}, {4}}, steps, spliced},
		"another seed": {[][32]byte{{1}, {2}, {4}}, steps, b}, "fewer chains": {seeds[:2], steps, b}, "more steps": {seeds, 2 * steps, b},
		"cut": {seeds, steps, b[:len(b)-1]}, "empty": {seeds, steps, nil}, "zeroes": {seeds, steps, make([]byte, len(b))},
	} {
		if right, err := (puzzle{}).Check(bad.seeds, bad.steps, bad.proof); right || err != nil {
			t.Errorf("%s: %t, %v", name, right, err)
		}
	}
	// A second time, and ended half-way: nothing is left behind.
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := p.Prove(ctx, seeds[:1], wire.MaxChallengeSteps); err == nil {
		t.Error("8192 steps in a tenth of a second")
	}
	if left, err := os.ReadDir(filepath.Join(dir, "challenge")); err != nil || len(left) != 1 {
		t.Errorf("%d files left beside the program, %v", len(left)-1, err)
	}
	if s := (puzzle{}).Score(940, time.Second); s < 999 || s > 1001 {
		t.Errorf("the reference machine in its box scores %.0f", s)
	}
}

// A machine without gVisor says WASM only.
func TestKinds(t *testing.T) {
	if k := (boxes{}).kinds(); len(k) != 1 || k[0] != kindWASM {
		t.Errorf("without a container box: %v", k)
	}
}

// A trial that fails says what to do, and leaves nothing behind.
func TestTryContainersSaysWhy(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := TryContainers(t.Context(), []string{filepath.Join(t.TempDir(), "no-such-program")})
	if !errors.Is(err, gvisor.ErrUnsupported) {
		t.Errorf("a trial without a program: %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}
