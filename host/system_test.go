package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// machine makes a System of files; a name that ends in "/" is a directory.
func machine(files map[string]string) System {
	m := fstest.MapFS{}
	for name, text := range files {
		m[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return System{
		Files: m, Arch: "amd64", OS: "linux", CPUs: 8, UID: 1000,
		Usable: func(string) bool { return true },
		Command: func(_ context.Context, name string, _ ...string) ([]byte, error) {
			return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
		},
	}
}

const xeon = `processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 85
model name	: Intel(R) Xeon(R) Processor @ 2.50GHz
stepping	: 7
flags		: sse2 fpu constant_tsc avx512f md_clear avx sse2
bugs		: spectre_v1

processor	: 1
vendor_id	: Other
flags		: amx_tile
`

func TestCPU(t *testing.T) {
	intel := machine(map[string]string{"/proc/cpuinfo": xeon}).CPU()
	if intel.Vendor != "GenuineIntel" || intel.Family != 6 || intel.Model != 85 || intel.Stepping != 7 || intel.Name != "Intel(R) Xeon(R) Processor @ 2.50GHz" {
		t.Errorf("%+v", intel)
	}
	if want := []string{"avx", "avx512f", "fpu", "sse2"}; !slices.Equal(intel.Features, want) {
		t.Errorf("features %q, want %q: sorted, once, and only what programs can use", intel.Features, want)
	}
	arm := parseCPU("arm64", []byte("processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd aes\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\nCPU revision\t: 3\n"))
	if arm.Vendor != "0x41" || arm.Model != 0xd08 || arm.Stepping != 3 || len(arm.Features) != 3 {
		t.Errorf("%+v", arm)
	}
	riscv := parseCPU("riscv64", []byte("processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc_zicsr_zba\nuarch\t: sifive,u74-mc\n"))
	if !slices.Equal(riscv.Features, []string{"rv64imafdc", "zba", "zicsr"}) || riscv.Name != "sifive,u74-mc" {
		t.Errorf("%+v", riscv)
	}
	if c := machine(nil).CPU(); c.Arch != "amd64" || len(c.Hash) != 16 {
		t.Errorf("without /proc: %+v", c)
	}
}

func TestCPUOfThisMachine(t *testing.T) {
	c := Local().CPU()
	if c.Hash == "" || len(c.Features) == 0 {
		t.Errorf("%+v", c)
	}
}

func TestHashFollowsFeatures(t *testing.T) {
	hash := func(features ...string) string {
		return Class{Arch: "amd64", Vendor: "AuthenticAMD", Features: features}.finish().Hash
	}
	here := hash("sse2", "avx", "sha_ni")
	if here == hash("sse2") || here != hash("sha_ni", "avx", "sse2") {
		t.Error("the hash does not follow the features")
	}
}

func FuzzParseCPU(f *testing.F) {
	f.Add("amd64", []byte(xeon))
	f.Add("riscv64", []byte("isa : rv64imafdc_zba\x1b[2J\n"))
	f.Fuzz(func(t *testing.T, arch string, b []byte) {
		c := parseCPU(arch, b)
		if len(c.Features) > maxFeatures {
			t.Fatal(len(c.Features))
		}
		for _, s := range append(c.Features, c.Name, c.Vendor) {
			if s != printable(s, 80) {
				t.Fatalf("%q", s)
			}
		}
	})
}

const meminfo = "MemTotal:       16000000 kB\nMemFree:  1000 kB\nMemAvailable:   8000000 kB\n"

func TestMemoryAndCores(t *testing.T) {
	for name, c := range map[string]struct {
		files      map[string]string
		total, av  uint64 // KiB
		cores      int
		unreadable bool
	}{
		"no cgroups": {map[string]string{"proc/meminfo": meminfo}, 16000000, 8000000, 8, false},
		"v2": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/memory.max": "4096000\n", "sys/fs/cgroup/a/memory.current": "1024000\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/b/cpu.max": "250000 100000\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 4000, 3000, 3, false},
		"v1": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/x\n1:cpu,cpuacct:/x\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2048000", "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "9999999",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes": "5",
			"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000"}, 2000, 0, 1, false},
		"nonsense": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "::::\n0::/../../etc\nx\n", "sys/fs/cgroup/cpu.max": "-5 0",
			"sys/fs/cgroup/memory.max": "-1"}, 16000000, 8000000, 8, false},
		"nothing": {nil, 0, 0, 8, true},
		"empty":   {map[string]string{"proc/meminfo": "MemTotal: many kB\n"}, 0, 0, 8, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := machine(c.files)
			m, err := s.Memory()
			if c.unreadable != (err != nil) || m.Total>>10 != c.total || m.Available>>10 != c.av {
				t.Errorf("Memory = %+v, %v; want %d KiB, %d KiB", m, err, c.total, c.av)
			}
			if got := s.Cores(); got != c.cores {
				t.Errorf("Cores = %d, want %d", got, c.cores)
			}
		})
	}
}

// gpuFiles are a machine with two devices, as driver 535 on Debian has them.
func gpuFiles() map[string]string {
	f := map[string]string{
		"proc/driver/nvidia/version":                       "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 12.2.0\n",
		"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 77\nGPU UUID: \t GPU-11111111-2222-3333-4444-555555555555\nBus Location: \t 0000:01:00.0\nDevice Minor: \t 0\n",
		"proc/driver/nvidia/gpus/0000:02:00.0/information": "Model: \t\t NVIDIA A100\nGPU UUID: \t GPU-????????-????-????-????-????????????\nBus Location: \t 0000:02:00.0\nDevice Minor: \t 1\n",
	}
	for _, p := range []string{"dev/nvidia0", "dev/nvidia1", "dev/nvidiactl", "dev/nvidia-uvm",
		"usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05", "usr/lib/x86_64-linux-gnu/libcuda.so.1", "usr/lib/x86_64-linux-gnu/libcuda.so.470.1.1",
		"usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.104.05", "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib64/libcuda.so.535.104.05", "usr/bin/nvidia-smi"} {
		f[p] = ""
	}
	return f
}

const smiTable = `0, GPU-aaaaaaaa-2222-3333-4444-555555555555, NVIDIA A100, 40960, 00000000:02:00.0, 535.104.05, Enabled
1, GPU-11111111-2222-3333-4444-555555555555, NVIDIA GeForce RTX 3060, 12288, 00000000:01:00.0, 535.104.05, [N/A]
`

func TestGPUs(t *testing.T) {
	s := machine(gpuFiles())
	list, d, err := s.GPUs(t.Context())
	if err != nil || len(list) != 2 || list[0].Memory != 0 || list[0].Name != "NVIDIA GeForce RTX 3060" || list[1].UUID != "" || list[1].Device != "/dev/nvidia1" {
		t.Fatalf("by /proc: %+v, %v", list, err)
	}
	if want := []string{"/dev/nvidiactl", "/dev/nvidia-uvm"}; d.Version != "535.104.05" || !slices.Equal(d.Devices, want) {
		t.Errorf("%+v", d)
	}
	if want := []string{"/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05", "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.104.05"}; !slices.Equal(d.Libraries, want) || d.From != "paths" {
		t.Errorf("libraries %q by %s", d.Libraries, d.From)
	}
	cut := gpuFiles()
	cut["proc/driver/nvidia/capabilities/gpu1/mig/gi3/access"] = ""
	s = machine(cut)
	if list, _, err := s.GPUs(t.Context()); err != nil || list[0].MIG || !list[1].MIG {
		t.Errorf("MIG by /proc: %+v, %v", list, err)
	}
	s = machine(gpuFiles())
	// nvidia-smi counts in another order than the device files: the bus decides.
	s.Command = func(_ context.Context, name string, args ...string) ([]byte, error) { return []byte(smiTable), nil }
	list, _, err = s.GPUs(t.Context())
	if err != nil || len(list) != 2 || list[0].Memory != 12288<<20 || list[1].Memory != 40960<<20 || list[1].UUID != "GPU-aaaaaaaa-2222-3333-4444-555555555555" || list[0].MIG || !list[1].MIG {
		t.Errorf("by nvidia-smi: %+v, %v", list, err)
	}
}

func TestDriverFiles(t *testing.T) {
	f := gpuFiles()
	f["opt/nv/libcuda.so.535.104.05"] = ""
	f["etc/ld.so.cache"] = "glibc-ld.so.cache1.1\x00\x00\x02libcuda.so.1\x00/opt/nv/libcuda.so.1\x00libc.so.6\x00/lib/libc.so.6\x00/../../x/libcuda.so.1\x00"
	_, d, err := machine(f).GPUs(t.Context())
	if err != nil || d.From != "ldconfig" || !slices.Equal(d.Libraries, []string{"/opt/nv/libcuda.so.535.104.05"}) {
		t.Errorf("%+v, %v", d, err)
	}
	const cdi = `cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
containerEdits:
  deviceNodes:
  - path: /dev/nvidia-modeset
  - path: /dev/sda
  hooks:
  - hookName: createContainer
    path: /usr/bin/evil
  mounts:
  - hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05
    containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05
  - hostPath: /usr/lib/x86_64-linux-gnu/libc.so.6
  - hostPath: /usr/lib/../../etc/shadow
  - hostPath: /etc/shadow
  - hostPath: /not/there/libcuda.so.1
  - hostPath: /usr/bin/nvidia-smi
`
	f["dev/nvidia-modeset"], f["dev/sda"], f["etc/shadow"], f["usr/bin/evil"] = "", "", "", ""
	f["etc/cdi/nvidia.yaml"] = cdi
	_, d, err = machine(f).GPUs(t.Context())
	if err != nil || d.From != "cdi" || !slices.Equal(d.Libraries, []string{"/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05"}) || !slices.Equal(d.Binaries, []string{"/usr/bin/nvidia-smi"}) {
		t.Errorf("%+v, %v", d, err)
	}
	if slices.Contains(d.Devices, "/dev/sda") || !slices.Contains(d.Devices, "/dev/nvidia-modeset") {
		t.Errorf("devices %q", d.Devices)
	}
	f["etc/cdi/nvidia.yaml"] = `{"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","containerEdits":{"mounts":[{"hostPath":"/usr/lib64/libcuda.so.535.104.05"}]}}`
	if _, d, _ := machine(f).GPUs(t.Context()); d.From != "cdi" || len(d.Libraries) != 1 {
		t.Errorf("JSON: %+v", d)
	}
	for _, bad := range []string{"", "kind: intel.com/gpu", "a: &a [x]\nb: [*a,*a]", "\x00\xff", "kind: [", strings.Repeat("[", 5000)} {
		f["etc/cdi/nvidia.yaml"] = bad
		if _, d, err := machine(f).GPUs(t.Context()); err != nil || d.From == "cdi" {
			t.Errorf("%.20q: %+v, %v", bad, d, err)
		}
	}
}

func TestNoGPU(t *testing.T) {
	for name, change := range map[string]func(map[string]string){
		"no driver":  func(f map[string]string) { delete(f, "proc/driver/nvidia/version") },
		"no version": func(f map[string]string) { f["proc/driver/nvidia/version"] = "NVRM version: \x1b[2J" },
		"no device":  func(f map[string]string) { delete(f, "dev/nvidia0"); delete(f, "dev/nvidia1") },
	} {
		f := gpuFiles()
		change(f)
		if list, _, err := machine(f).GPUs(t.Context()); err == nil || len(list) > 0 {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

func FuzzParseSMI(f *testing.F) {
	f.Add([]byte(smiTable))
	f.Add([]byte("0, x, \x1b[2J, [N/A], y, z, Enabled\n"))
	f.Add([]byte("-1,,,,,\n\"a\nb\",,,,,"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseSMI(b)
		if err != nil {
			return
		}
		for _, g := range list {
			if g.Index < 0 || g.Index > 254 || g.Name != printable(g.Name, maxWord) || g.UUID != uuid(g.UUID) || len(list) > maxGPUs {
				t.Fatalf("%+v", g)
			}
		}
	})
}

func FuzzParseCDI(f *testing.F) {
	f.Add([]byte("kind: nvidia.com/gpu\ncontainerEdits:\n  mounts:\n  - hostPath: /usr/bin/nvidia-smi\n"))
	f.Add([]byte(`{"kind":"nvidia.com/gpu"}`))
	s := machine(gpuFiles())
	f.Fuzz(func(t *testing.T, b []byte) {
		l, n, d := s.parseCDI(b)
		for _, p := range slices.Concat(l, n, d) {
			if !filepath.IsAbs(p) || !s.exists(rel(p)) {
				t.Fatalf("%q", p)
			}
		}
	})
}

func ExampleScore() {
	fmt.Println(Score(2000, 4e9)) // 2000 steps in four seconds
	// Output: 500
}
