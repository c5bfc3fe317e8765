//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/flag"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/outfs"
)

// capabilities are those of root in the box. What would lift RLIMIT_NPROC (SYS_ADMIN,
// SYS_RESOURCE), make devices or raw sockets is not among them.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT", "CAP_KILL", "CAP_SETFCAP",
}

// user parses Spec.User.
func user(s string) (uid, gid uint32, err error) {
	if s == "" {
		return 0, 0, nil
	}
	u, g, both := strings.Cut(s, ":")
	n, err := strconv.ParseUint(u, 10, 32)
	if err == nil && both {
		var m uint64
		m, err = strconv.ParseUint(g, 10, 32)
		gid = uint32(m)
	}
	if err != nil || n == math.MaxUint32 || gid == math.MaxUint32 {
		return 0, 0, fmt.Errorf(`%w: User is %q; it is "uid" or "uid:gid", in numbers`, sandbox.ErrSpec, s)
	}
	return uint32(n), gid, nil
}

// environment is the Spec's, in order.
func environment(env map[string]string) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// cpus is how many processors the program sees: as many as it can keep busy. Programs
// start that many threads, and threads that wait for each other by spinning are what
// this sandbox is slowest at.
func cpus(l sandbox.Limits) int64 { return max(1, (l.CPUMillis+999)/1000) }

// descriptors is the limit of open files of a program: what it opens is open on the
// host too.
func descriptors(hostHard uint64) uint64 { return max(256, min(hostHard/2, 65536)) }

// ociSpec is the Spec in the words of the container world, and what gVisor's processes need
// beside it. empty is an empty directory.
func ociSpec(s sandbox.Spec, empty, netns string, files uint64) (*specs.Spec, boxConfig, error) {
	uid, gid, err := user(s.User)
	if err != nil {
		return nil, boxConfig{}, err
	}
	box := boxConfig{CPUs: cpus(s.Limits), Memory: s.Limits.MemoryBytes, LayerFiles: s.Limits.LayerFiles, Mounts: map[string]outfs.Limits{}}
	oci := &specs.Spec{
		Version:  "1.1.0",
		Hostname: "artel",
		Root:     &specs.Root{Path: s.Root},
		Process: &specs.Process{
			Args: s.Args, Env: environment(s.Env), Cwd: s.Dir,
			User:            specs.User{UID: uid, GID: gid},
			NoNewPrivileges: true,
			Capabilities:    &specs.LinuxCapabilities{Bounding: capabilities},
			Rlimits: []specs.POSIXRlimit{
				{Type: "RLIMIT_NOFILE", Hard: files, Soft: files},
				{Type: "RLIMIT_NPROC", Hard: uint64(s.Limits.Processes), Soft: uint64(s.Limits.Processes)},
				{Type: "RLIMIT_CORE"},
			},
		},
		Linux:       &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.NetworkNamespace, Path: netns}}},
		Annotations: map[string]string{},
	}
	if oci.Process.Cwd == "" {
		oci.Process.Cwd = "/"
	}
	if uid == 0 {
		oci.Process.Capabilities.Effective, oci.Process.Capabilities.Permitted = capabilities, capabilities
	}
	in := s.In
	if in == "" {
		in = empty
	}
	oci.Mounts = []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs"},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777", "size=" + strconv.FormatInt(s.Limits.MemoryBytes/2, 10)}},
		// gVisor ignores the type, and its own idea, a tmpfs without a limit, as well: so
		// /tmp is a part of the layer.
		{Destination: "/tmp", Type: "mqueue", Source: "none"},
		{Destination: "/in", Type: "bind", Source: in, Options: []string{"bind", "ro", "nosuid", "nodev"}},
	}
	for name, host := range map[string]string{"out": s.Out, "checkpoint": s.Checkpoint} {
		if host == "" {
			continue
		}
		box.Mounts[host] = outfs.Limits{Name: name, Bytes: s.Limits.OutputBytes, Files: s.Limits.OutputFiles, UID: uid, GID: gid}
		oci.Mounts = append(oci.Mounts, specs.Mount{Destination: "/" + name, Type: "bind", Source: host, Options: []string{
			"bind", "rw", "nosuid", "nodev",
			// No cache of names: with them it would keep files open for writing, and a file
			// that is cannot be mapped here, so not be run.
			"dcache=0",
		}})
		hint := "dev.gvisor.spec.mount." + name + "."
		// Everything through the file server: with direct access there would be no limits.
		oci.Annotations[hint+"source"], oci.Annotations[hint+"type"] = host, "bind"
		oci.Annotations[hint+"share"], oci.Annotations[hint+"directfs"] = "shared", "off"
	}
	oci.Linux.Devices = devices(s.GPUs)
	return oci, box, nil
}

// runscConfig is gVisor's configuration. root holds its state, layer what is written
// above the image.
func runscConfig(root, layer, panicLog, netns string, t task) (*config.Config, error) {
	fs := flag.NewFlagSet("gvisor", flag.ContinueOnError)
	config.RegisterFlags(fs)
	settings := map[string]string{
		"root":                      root,
		"platform":                  "systrap",
		"gofer-network-namespace":   netns, // of its own, it would cost as much as the first
		"network":                   "sandbox",
		"ignore-cgroups":            "true",
		"overlay2":                  fmt.Sprintf("root:dir=%s,size=%d", layer, t.Spec.Limits.LayerBytes),
		"panic-log":                 panicLog,
		"host-uds":                  "none",
		"net-raw":                   "false",
		"allow-packet-socket-write": "false",
		"oci-seccomp":               "false",
		"host-settings":             "ignore", // advice about the host's huge pages
		"sidecar-usage-policy":      "LEGACY_DEPRECATED_SLOW_EMBEDDED_FALLBACK",
	}
	if t.GPUs != nil { // the devices of the spec switch nvproxy on
		settings["nvproxy-driver-version"] = t.GPUs.Version
		settings["nvproxy-allowed-driver-capabilities"] = "compute,utility" // no graphics, video, profiling
	}
	for k, v := range settings {
		if err := fs.Set(k, v); err != nil {
			return nil, fmt.Errorf("set gVisor's %s: %w", k, err)
		}
	}
	return config.NewFromFlags(fs)
}

// mountError names what is in the way in an image; that is its renter's to mend.
type mountError string

func (m mountError) Error() string { return "/" + string(m) + " in the image is not a directory" }

// mountable reports whether a directory of the box can take the place of what an image has
// under its name. A link that leads out is followed by the file server, within the image.
func mountable(r *os.Root, name string, info os.FileInfo) bool {
	switch {
	case info.IsDir():
		return true
	case info.Mode().Type() != os.ModeSymlink || name == "proc" || name == "sys" || name == "dev":
		return false
	}
	if to, err := r.Readlink(name); err != nil || filepath.Join("/", to) == "/" {
		return false // its own top, where ".." ends
	}
	at, err := r.Stat(name)
	if err != nil {
		return !errors.Is(err, unix.ELOOP)
	}
	top, err := r.Stat(".")
	return err == nil && at.IsDir() && !os.SameFile(at, top)
}

// mountPoints makes the directories in the image that the box mounts on, where they are
// missing: the file server would make them anyway, with wider permissions.
func mountPoints(root string, checkpoint, network bool) error {
	names := []string{"in", "out"}
	if checkpoint {
		names = append(names, "checkpoint")
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, n := range append(names, "proc", "sys", "dev", "tmp") {
		if info, err := r.Lstat(n); err == nil {
			if !mountable(r, n, info) {
				return mountError(n)
			}
			continue
		}
		if err := r.Mkdir(n, 0o755); err != nil && !os.IsExist(err) {
			return fmt.Errorf("make %s in the image: %w", filepath.Join("/", n), err)
		}
		if n == "tmp" {
			if err := r.Chmod(n, 0o777|os.ModeSticky); err != nil {
				return fmt.Errorf("make %s in the image: %w", filepath.Join("/", n), err)
			}
		}
	}
	if network {
		_ = r.Mkdir("etc", 0o755)
		f, err := r.OpenFile("etc/resolv.conf", os.O_CREATE|os.O_RDONLY, 0o644)
		if err == nil {
			return f.Close()
		} else if os.IsPermission(err) {
			return fmt.Errorf("make /etc/resolv.conf in the image: %w", err)
		}
		// A link that leads nowhere: the file server makes what it leads to.
	}
	return nil
}
