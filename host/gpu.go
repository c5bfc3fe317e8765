package host

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// GPU is a device as the driver lists it.
type GPU struct {
	Index  int    `json:"index"`  // the driver's minor number: /dev/nvidia<Index>
	UUID   string `json:"uuid"`   // "GPU-…"; empty: the driver did not say
	Name   string `json:"name"`   // "NVIDIA GeForce RTX 3060"
	Memory uint64 `json:"memory"` // bytes; 0: not known without nvidia-smi
	PCI    string `json:"pci,omitempty"`
	Device string `json:"device"` // "/dev/nvidia0"
	// MIG: it is cut into instances. Programs then use one of them by device files of
	// its own, which no sandbox here passes on.
	MIG bool `json:"mig,omitempty"`
}

// Driver is the NVIDIA driver of the machine, and what a sandbox needs of it:
// gVisor's nvproxy passes the ioctls on, so the program's libraries have to be those of
// the host's driver.
type Driver struct {
	Version   string   `json:"version"`
	Devices   []string `json:"devices"`   // for any GPU: /dev/nvidiactl, /dev/nvidia-uvm, …
	Libraries []string `json:"libraries"` // host paths
	Binaries  []string `json:"binaries,omitempty"`
	// From says where the list of files came from: "cdi", "ldconfig" or "paths".
	From string `json:"from,omitempty"`
}

// ErrNoDriver: the machine has no NVIDIA driver that works.
var ErrNoDriver = errors.New("no NVIDIA driver")

// Bounds of what is believed of a driver.
const (
	maxGPUs      = 64
	maxLibraries = 256
	maxWord      = 96
)

// GPUs lists the devices and the driver's files. It asks nvidia-smi if it is
// there, and else /proc. ErrNoDriver: there is nothing to list. Other kinds of GPU are
// not listed: no sandbox here can hold them.
func (s System) GPUs(ctx context.Context) ([]GPU, Driver, error) {
	d := Driver{Version: s.driverVersion()}
	if d.Version == "" {
		return nil, Driver{}, ErrNoDriver
	}
	list := s.procGPUs()
	if out, err := s.Command(ctx, "nvidia-smi", "--query-gpu=index,uuid,name,memory.total,pci.bus_id,driver_version,mig.mode.current", "--format=csv,noheader,nounits"); err == nil {
		asked, err := parseSMI(out)
		if err != nil {
			return nil, d, err
		}
		list = merge(list, asked)
	}
	for i := range list {
		cut, err := fs.Glob(s.Files, fmt.Sprintf("proc/driver/nvidia/capabilities/gpu%d/mig/gi*", list[i].Index))
		list[i].MIG = list[i].MIG || err == nil && len(cut) > 0
	}
	list = slices.DeleteFunc(list, func(g GPU) bool { return !s.exists(rel(g.Device)) })
	if len(list) == 0 {
		return nil, d, fmt.Errorf("%w that shows a device: version %s is loaded and /dev has no nvidia device of it; hint: nvidia-smi as root makes them", ErrNoDriver, d.Version)
	}
	for _, dev := range []string{"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"} {
		if s.exists(rel(dev)) {
			d.Devices = append(d.Devices, dev)
		}
	}
	s.driverFiles(&d)
	return list, d, nil
}

// versionWord is a driver's version.
var versionWord = regexp.MustCompile(`\b[0-9]{2,4}\.[0-9]{1,4}(\.[0-9]{1,4})?\b`)

// driverVersion reads "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  …".
func (s System) driverVersion() string {
	t, _ := s.line("proc/driver/nvidia/version")
	first, _, _ := strings.Cut(t, "\n")
	return versionWord.FindString(printable(first, 256))
}

// procGPUs reads /proc/driver/nvidia/gpus/*/information. It has no memory size.
func (s System) procGPUs() []GPU {
	names, err := fs.Glob(s.Files, "proc/driver/nvidia/gpus/*/information")
	if err != nil {
		return nil
	}
	var list []GPU
	for _, name := range names[:min(len(names), maxGPUs)] {
		b, err := s.read(name)
		if err != nil {
			continue
		}
		g := GPU{Index: -1}
		for line := range strings.Lines(string(b)) {
			k, v, _ := strings.Cut(line, ":")
			switch v = printable(strings.TrimSpace(v), maxWord); strings.TrimSpace(k) {
			case "Model":
				g.Name = v
			case "GPU UUID":
				g.UUID = uuid(v)
			case "Bus Location":
				g.PCI = busID(v)
			case "Device Minor":
				g.Index = small(v)
			}
		}
		if g.Index >= 0 {
			g.Device = "/dev/nvidia" + strconv.Itoa(g.Index)
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b GPU) int { return a.Index - b.Index })
	return list
}

// parseSMI reads nvidia-smi's table: index, uuid, name, MiB, bus, version, whether MIG is
// on ("[N/A]" where the device has none).
func parseSMI(out []byte) ([]GPU, error) {
	r := csv.NewReader(strings.NewReader(string(out)))
	r.TrimLeadingSpace, r.FieldsPerRecord = true, 7
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read what nvidia-smi lists: %w", err)
	}
	var list []GPU
	for _, f := range rows[:min(len(rows), maxGPUs)] {
		g := GPU{Index: small(f[0]), UUID: uuid(f[1]), Name: printable(f[2], maxWord), PCI: busID(f[4]), MIG: f[6] == "Enabled"}
		if mib, err := strconv.ParseUint(strings.TrimSpace(f[3]), 10, 24); err == nil { // "[N/A]" where memory is the machine's own
			g.Memory = mib << 20
		}
		if g.Index < 0 {
			return nil, fmt.Errorf("read what nvidia-smi lists: index %q", printable(f[0], maxWord))
		}
		g.Device = "/dev/nvidia" + strconv.Itoa(g.Index)
		list = append(list, g)
	}
	return list, nil
}

// merge puts what nvidia-smi said onto what /proc said. Its order is that of the bus and
// /proc's number that of the device file, so that they are matched by bus or UUID.
func merge(proc, smi []GPU) []GPU {
	if len(proc) == 0 {
		return smi
	}
	for i, p := range proc {
		for _, g := range smi {
			if p.PCI != "" && g.PCI == p.PCI || p.UUID != "" && g.UUID == p.UUID {
				proc[i].Memory, proc[i].MIG = g.Memory, g.MIG
				proc[i].Name, proc[i].UUID = g.Name, g.UUID
			}
		}
	}
	return proc
}

var (
	uuidWord = regexp.MustCompile(`^GPU-[0-9a-fA-F-]{8,64}$`)
	busWord  = regexp.MustCompile(`^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$`)
)

func uuid(s string) string {
	if s = strings.TrimSpace(s); uuidWord.MatchString(s) {
		return s
	}
	return ""
}

// busID makes "00000000:01:00.0" and "0000:01:00.0" the same.
func busID(s string) string {
	m := busWord.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return ""
	}
	return m[1][len(m[1])-4:] + ":" + m[2]
}

func small(s string) int {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 8)
	if err != nil || n >= 255 { // 255 is nvidiactl
		return -1
	}
	return int(n)
}

// libraryName matches what CUDA programs load of a driver, all of the driver's own version.
var libraryName = regexp.MustCompile(`^lib(cuda|cudadebugger|nvidia-ml|nvidia-ptxjitcompiler|nvidia-nvvm|nvidia-nvvm70|nvidia-opencl|nvidia-gpucomp|nvidia-cfg|nvidia-allocator|nvidia-pkcs11|nvidia-pkcs11-openssl3|nvcuvid|nvidia-encode|nvoptix|nvidia-rtcore)\.so(\.[0-9]+){0,4}$`)

// libraryDirs are where distributions and the driver's own installer put them.
var libraryDirs = []string{
	"usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/nvidia/lib64", "usr/lib/wsl/lib",
	"usr/lib/x86_64-linux-gnu/nvidia/current", "usr/lib/aarch64-linux-gnu/nvidia/current", "run/opengl-driver/lib", "home/kubernetes/bin/nvidia/lib64",
}

// driverFiles fills in the libraries: from a CDI specification if the owner has made
// one (nvidia-ctk cdi generate), from the linker's cache, or from the usual places.
func (s System) driverFiles(d *Driver) {
	if libs, bins, devs := s.cdiFiles(); len(libs) > 0 {
		d.Libraries, d.Binaries, d.From = libs, bins, "cdi"
		for _, dev := range devs {
			if !slices.Contains(d.Devices, dev) {
				d.Devices = append(d.Devices, dev)
			}
		}
		return
	}
	if libs := s.ofVersion(s.cachedLibraries(), d.Version); len(libs) > 0 {
		d.Libraries, d.From = libs, "ldconfig"
	} else {
		var all []string
		for _, dir := range libraryDirs {
			entries, err := fs.ReadDir(s.Files, dir)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if libraryName.MatchString(e.Name()) {
					all = append(all, "/"+path.Join(dir, e.Name()))
				}
			}
		}
		d.Libraries, d.From = s.ofVersion(all, d.Version), "paths"
	}
	for _, b := range []string{"/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"} {
		if s.exists(rel(b)) {
			d.Binaries = append(d.Binaries, b)
			break
		}
	}
}

// ofVersion keeps the files of the driver that is loaded: a library of another
// version is refused by the kernel's half. Of the same name in many directories the
// first is kept, as the linker does.
func (s System) ofVersion(paths []string, version string) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range paths {
		base := path.Base(p)
		at, _, ok := strings.Cut(base, ".so.")
		if !ok || !strings.HasSuffix(base, ".so."+version) || seen[at] || len(out) == maxLibraries {
			continue
		}
		seen[at] = true
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// cachedLibraries looks the linker's cache through for paths of the driver's
// libraries. The cache names links (libcuda.so.1); what they stand for lies beside them.
func (s System) cachedLibraries() []string {
	b, err := s.read("etc/ld.so.cache")
	if err != nil {
		return nil
	}
	dirs := []string{}
	for _, word := range strings.FieldsFunc(string(b), func(r rune) bool { return r < ' ' || r > '~' }) {
		i := strings.IndexByte(word, '/')
		if i < 0 || !libraryName.MatchString(path.Base(word)) {
			continue
		}
		if dir := rel(path.Dir(word[i:])); fs.ValidPath(dir) && !slices.Contains(dirs, dir) && len(dirs) < 16 {
			dirs = append(dirs, dir)
		}
	}
	var out []string
	for _, dir := range dirs {
		entries, err := fs.ReadDir(s.Files, dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if libraryName.MatchString(e.Name()) {
				out = append(out, "/"+path.Join(dir, e.Name()))
			}
		}
	}
	return out
}
