//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
)

// TestDevice runs programs on a real GPU in a box, where there is one: the driver's own
// nvidia-smi, and one that uses CUDA.
func TestDevice(t *testing.T) {
	list, driver, err := host.Local().GPUs(t.Context())
	if errors.Is(err, host.ErrNoDriver) {
		t.Skip("no GPU here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	needs(t)
	gpus := gvisor.GPUs{Version: driver.Version, Libraries: driver.Libraries, Binaries: driver.Binaries}
	for _, g := range list {
		if !g.MIG {
			gpus.Minors = append(gpus.Minors, g.Index)
		}
	}
	if err := gpus.Check(); err != nil {
		t.Skip("the GPU cannot be used: ", err)
	}
	t.Logf("driver %s, files by %s: %q; devices %v", driver.Version, driver.From, driver.Libraries, gpus.Minors)
	tools(t)
	dir, err := os.MkdirTemp(filepath.Dir(built.main), "device-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	compile(t, filepath.Join(dir, "device"), "testdata/device.c", "-ldl")
	programs := map[string]string{"device": filepath.Join(dir, "device")}
	if len(driver.Binaries) > 0 {
		programs["nvidia-smi"] = driver.Binaries[0] // for the libraries that it wants
	}
	image := filepath.Join(dir, "image")
	dynamicImage(t, image, programs)
	cached(t, image)
	box := newBox(t, t.TempDir(), func(o *gvisor.Options) { o.GPUs = &gpus })
	inBox := func(t *testing.T, args ...string) string {
		t.Helper()
		s := specOf(t)
		s.Root, s.Args, s.GPUs, s.Env = image, args, gpus.Minors[:1], map[string]string{"PATH": "/bin"}
		s.Limits = sandbox.Limits{MemoryBytes: 4 << 30, Processes: 2048}
		exit, text := run(t, box, s)
		if !exit.OK() {
			t.Fatalf("%+v\n%s", exit, text)
		}
		t.Logf("%s", text)
		return text
	}
	t.Run("nvidia-smi", func(t *testing.T) {
		if len(driver.Binaries) == 0 {
			t.Skip("the driver came without nvidia-smi")
		}
		if text := inBox(t, "nvidia-smi", "-L"); strings.Count(text, "GPU ") != 1 {
			t.Errorf("one device was given, listed are:\n%s", text)
		}
	})
	t.Run("CUDA", func(t *testing.T) {
		if text := inBox(t, "/device"); !strings.HasPrefix(text, "1 devices") {
			t.Errorf("one device was given:\n%s", text)
		}
	})
}
