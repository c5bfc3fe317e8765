package node

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/sandbox/gvisor"
)

func TestOneKind(t *testing.T) {
	rtx := host.GPU{Name: "RTX", Memory: 12 << 30}
	at := func(g host.GPU, index int) host.GPU { g.Index = index; return g }
	small, cut := host.GPU{Name: "GT", Memory: 2 << 30, Index: 1}, host.GPU{Name: "A100", Memory: 80 << 30, Index: 5, MIG: true}
	g, err := oneKind([]host.GPU{at(rtx, 0), small, cut, at(rtx, 3), {Name: "RTX", Memory: 11 << 30, Index: 4}})
	if err != nil || g.Kind.Model != "RTX" || !slices.Equal(g.Minors, []int{0, 3, 4}) || g.Memory != 11<<30 {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err = oneKind([]host.GPU{{Name: "X", Index: 2}}); err != nil || g.Memory != 0 || len(g.Minors) != 1 {
		t.Errorf("memory not known: %+v, %v", g, err)
	}
	if _, err = oneKind([]host.GPU{cut}); err == nil || !strings.Contains(err.Error(), "MIG") {
		t.Errorf("cut into instances: %v", err)
	}
}

func TestFindGPUs(t *testing.T) {
	tree := func(version string) host.System {
		files := fstest.MapFS{}
		for name, text := range map[string]string{
			"proc/driver/nvidia/version":                       "NVRM version: NVIDIA UNIX x86_64 Kernel Module  " + version + "  Sat Aug 19 01:15:15 UTC 2023\n",
			"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: NVIDIA T4\nBus Location: 0000:01:00.0\nDevice Minor: 249\n",
			"dev/nvidia249":                                    "", "dev/nvidiactl": "", "usr/lib64/libcuda.so." + version: "",
		} {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return host.System{Files: files, OS: "linux", Arch: "amd64", Command: func(_ context.Context, name string, _ ...string) ([]byte, error) {
			return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
		}}
	}
	if g, err := FindGPUs(t.Context(), host.System{Files: fstest.MapFS{}}); err != nil || len(g.Minors) > 0 {
		t.Errorf("no driver: %+v, %v", g, err)
	}
	for version, want := range map[string]string{"470.1.1": "gVisor does not know driver 470.1.1", "": ""} {
		if version == "" { // a driver that it knows, and no device file of it
			if all := gvisor.Drivers(); len(all) > 0 {
				version, want = all[0], "/dev/nvidia"
			} else {
				continue
			}
		}
		if g, err := FindGPUs(t.Context(), tree(version)); err == nil || len(g.Minors) > 0 || len(gvisor.Drivers()) > 0 && !strings.Contains(err.Error(), want) {
			t.Errorf("driver %s: %+v, %v", version, g, err)
		}
	}
}
