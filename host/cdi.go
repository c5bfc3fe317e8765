package host

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// cdiSpec is the part of a Container Device Interface specification (CNCF, version
// 0.3 to 1.0) that says which files a container needs. Hooks, which it may hold too,
// are programs of the host: they are never run.
type cdiSpec struct {
	Version string    `yaml:"cdiVersion"`
	Kind    string    `yaml:"kind"`
	Edits   cdiEdits  `yaml:"containerEdits"`
	Devices []cdiItem `yaml:"devices"`
}

type cdiItem struct {
	Name  string   `yaml:"name"`
	Edits cdiEdits `yaml:"containerEdits"`
}

type cdiEdits struct {
	DeviceNodes []struct {
		Path     string `yaml:"path"`
		HostPath string `yaml:"hostPath"`
	} `yaml:"deviceNodes"`
	Mounts []struct {
		HostPath      string `yaml:"hostPath"`
		ContainerPath string `yaml:"containerPath"`
	} `yaml:"mounts"`
}

// cdiFiles returns the files that the machine's CDI specifications of NVIDIA devices
// name for every device, as far as they exist and are such files. JSON is YAML too.
func (s System) cdiFiles() (libraries, binaries, devices []string) {
	for _, dir := range []string{"etc/cdi", "var/run/cdi", "run/cdi"} {
		entries, err := fs.ReadDir(s.Files, dir)
		if err != nil {
			continue
		}
		for _, e := range entries[:min(len(entries), 64)] {
			switch path.Ext(e.Name()) {
			case ".yaml", ".yml", ".json":
			default:
				continue
			}
			b, err := s.read(path.Join(dir, e.Name()))
			if err != nil {
				continue
			}
			l, n, d := s.parseCDI(b)
			libraries, binaries, devices = append(libraries, l...), append(binaries, n...), append(devices, d...)
		}
	}
	for _, l := range []*[]string{&libraries, &binaries, &devices} {
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	return libraries, binaries, devices
}

func (s System) parseCDI(b []byte) (libraries, binaries, devices []string) {
	var spec cdiSpec
	if strings.Count(string(b), "&") > 0 { // no specification has anchors, and they make small files big
		return nil, nil, nil
	}
	if err := yaml.Unmarshal(b, &spec); err != nil || spec.Kind != "nvidia.com/gpu" {
		return nil, nil, nil
	}
	ok := func(p string) bool {
		return strings.HasPrefix(p, "/") && path.Clean(p) == p && p == printable(p, 1024) && s.exists(rel(p))
	}
	for _, m := range spec.Edits.Mounts {
		switch base := path.Base(m.HostPath); {
		case !ok(m.HostPath) || len(libraries) >= maxLibraries:
		case libraryName.MatchString(base):
			libraries = append(libraries, m.HostPath)
		case base == "nvidia-smi":
			binaries = append(binaries, m.HostPath)
		}
	}
	for _, n := range spec.Edits.DeviceNodes {
		at := n.HostPath
		if at == "" {
			at = n.Path
		}
		if ok(at) && strings.HasPrefix(at, "/dev/nvidia") && len(devices) < maxGPUs {
			devices = append(devices, at)
		}
	}
	return libraries, binaries, devices
}
