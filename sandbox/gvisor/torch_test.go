//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// torchRoot, in the environment, names a directory with root/ (an unpacked Debian with
// python3-torch) and in/ (train.py and digits.csv.gz of examples/digits).
const torchRoot = "ARTEL_TEST_TORCH"

// TestMoveTorch moves an unmodified PyTorch training twice, between boxes that share
// nothing: the weights are those of a training that nobody moved, bit for bit.
func TestMoveTorch(t *testing.T) {
	dir := os.Getenv(torchRoot)
	if dir == "" {
		t.Skip("no PyTorch; hint: " + torchRoot + " names a directory with root and in")
	}
	needs(t)
	train := func() sandbox.Spec {
		s := specOf(t)
		s.Root, s.In, s.Args = filepath.Join(dir, "root"), filepath.Join(dir, "in"), []string{"python3", "/in/train.py", "--epochs", "40"}
		s.Env = map[string]string{"PATH": "/usr/bin:/bin"}
		s.Limits.MemoryBytes = 2 << 30
		return s
	}
	undisturbed := train()
	box := newBox(t, t.TempDir(), nil)
	if exit, log := run(t, box, undisturbed); !exit.OK() {
		t.Fatalf("%v; log %s", exit, log)
	}
	s := train()
	r := begun(t, box, "training", "epoch 5:", s)
	for _, word := range []string{"epoch 12:", "epoch 25:"} {
		to := t.TempDir()
		c, err := r.Checkpoint(t.Context(), to, sandbox.CheckpointOptions{Stop: true})
		if err != nil {
			t.Fatal(err)
		}
		if exit := ended(t, r); exit.Reason != sandbox.Checkpointed {
			t.Fatal(exit)
		}
		t.Logf("moved %d bytes; it stood still for %d ms", c.Bytes, c.PauseMillis)
		_ = os.RemoveAll(s.Out)
		next := again(t, s, to)
		next.Root, next.In, next.Env = s.Root, s.In, s.Env
		s = next
		r = begun(t, newBox(t, t.TempDir(), nil), "training", word, s)
	}
	if exit := ended(t, r); !exit.OK() {
		log, _ := os.ReadFile(s.Log)
		t.Fatalf("%v; log %s", exit, log)
	}
	files, err := os.ReadDir(undisturbed.Out)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(undisturbed.Out, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(s.Out, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from that of a training that nobody moved", f.Name())
		} else {
			t.Logf("%s: %d bytes are the same", f.Name(), len(got))
		}
	}
}
