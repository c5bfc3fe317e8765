//go:build linux && (amd64 || arm64)

package gvisor

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/abi/nvgpu"
	"gvisor.dev/gvisor/pkg/sentry/devices/nvproxy"
	"gvisor.dev/gvisor/pkg/sentry/devices/nvproxy/nvconf"

	"github.com/artel-network/artel/sandbox/gvisor/internal/ldcache"
)

// Drivers lists the versions of NVIDIA's driver that this gVisor knows, oldest first.
// Any other is refused: what its calls mean may have changed.
func Drivers() []string {
	nvproxy.Init()
	var list []string
	for _, v := range nvproxy.SupportedDrivers() {
		list = append(list, v.String())
	}
	return list
}

// Check says why no attempt could be given these GPUs, or nil.
func (g *GPUs) Check() error {
	if err := known(g.Version); err != nil {
		return err
	}
	if len(g.Minors) == 0 {
		return errors.New("no GPUs for containers: there is no device")
	}
	if !slices.ContainsFunc(g.Libraries, func(p string) bool { return strings.HasPrefix(filepath.Base(p), "libcuda.so.") }) {
		return fmt.Errorf("no GPUs for containers: libcuda.so of driver %s is not found; hint: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml, or install the driver's libraries", g.Version)
	}
	for _, d := range devices(g.Minors) {
		f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
		switch {
		case errors.Is(err, os.ErrNotExist) && d.Path == uvmPath:
			return fmt.Errorf("no GPUs for containers: %w; hint: nvidia-modprobe -u, as root", err)
		case errors.Is(err, os.ErrPermission):
			return fmt.Errorf("no GPUs for containers: %w; hint: let this user read and write %s", err, d.Path)
		case err != nil:
			return fmt.Errorf("no GPUs for containers: %w; hint: nvidia-smi, as root, makes the device files", err)
		}
		_ = f.Close()
	}
	ask := g.Ask
	if ask == nil {
		ask = nvproxy.HostDriverVersion
	}
	switch v, err := ask(); {
	case err != nil:
		return fmt.Errorf("no GPUs for containers: ask the driver for its version: %w", err)
	case v != g.Version:
		return fmt.Errorf("no GPUs for containers: the driver says it is version %s, /proc says %s; hint: the driver was updated, restart the machine", v, g.Version)
	}
	return nil
}

// known says what to install where gVisor does not know the version.
func known(version string) error {
	nvproxy.Init()
	list := nvproxy.SupportedDrivers()
	v, err := nvconf.DriverVersionFrom(version)
	if err != nil {
		return fmt.Errorf("no GPUs for containers: %q is no version of a driver", version)
	}
	if slices.ContainsFunc(list, v.Equals) {
		return nil
	}
	var branch, all []string
	for _, k := range list {
		if all = append(all, k.String()); k.Major() == v.Major() {
			branch = append(branch, k.String())
		}
	}
	if len(branch) > 0 {
		all = branch
	}
	return fmt.Errorf("no GPUs for containers: gVisor does not know driver %s; hint: install one of %s", version, strings.Join(all, ", "))
}

const (
	uvmPath = "/dev/nvidia-uvm"

	// driverDir is where NVIDIA's own images look for a driver that the host has brought.
	driverDir  = "usr/local/nvidia"
	driverLibs = "/" + driverDir + "/lib64"
	driverBin  = "/" + driverDir + "/bin"
	loadCache  = "etc/ld.so.cache"
)

// devices are the device files of GPUs in the words of the container world. Nothing else
// of the driver's devices is in a box: not those of other GPUs, of display, of MIG.
func devices(minors []int) []specs.LinuxDevice {
	if len(minors) == 0 {
		return nil
	}
	list := []specs.LinuxDevice{
		{Path: "/dev/nvidiactl", Type: "c", Major: nvgpu.NV_MAJOR_DEVICE_NUMBER, Minor: nvgpu.NV_MINOR_DEVICE_NUMBER_CONTROL_DEVICE},
		{Path: uvmPath, Type: "c", Minor: nvgpu.NVIDIA_UVM_PRIMARY_MINOR_NUMBER}, // gVisor has a major of its own for it
	}
	for _, m := range minors {
		list = append(list, specs.LinuxDevice{Path: "/dev/nvidia" + strconv.Itoa(m), Type: "c", Major: nvgpu.NV_MAJOR_DEVICE_NUMBER, Minor: int64(m)})
	}
	return list
}

// lent is what a supervisor is told of the driver.
type lent struct {
	Version             string
	Libraries, Binaries []string
}

// imageError is about what an image is like, and its renter's to mend.
type imageError struct{ error }

// lend shows the driver's files to the box, the way nvidia-container-cli does: mounted
// into the image, in this process' own mount namespace, before the box is made. So they lie below
// the layer that the program writes, and neither the image on disk nor other boxes of
// it change, but for an empty directory.
//
// The program finds the libraries by its loader's cache, with them in it. It may run
// ldconfig itself, which finds them no more; a program that looks for CUDA has done so
// by then. Where an image has no cache, LD_LIBRARY_PATH says where they are.
func (g *lent) lend(dir, image string, oci *specs.Spec) error {
	files := filepath.Join(dir, "driver")
	libs, err := g.gather(files)
	if err != nil {
		return fmt.Errorf("gather the driver's files: %w", err)
	}
	root, err := os.OpenRoot(image)
	if err != nil {
		return err
	}
	defer root.Close()
	// gVisor makes the device files' mount points by path in the image's /dev, whatever
	// that is: an empty one is put over it.
	if err := cover(root, "dev", func(target string) error {
		return unix.Mount("tmpfs", target, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, "size=64k,mode=755")
	}); err != nil {
		return err
	}
	if err := root.MkdirAll(driverDir, 0o755); err != nil {
		return imageError{fmt.Errorf("make /%s in the image: %w", driverDir, err)}
	}
	if err := cover(root, driverDir, func(target string) error { return bind(files, target, unix.MS_REC) }); err != nil {
		return err
	}
	env := &oci.Process.Env
	extend(env, "PATH", driverBin, false)
	cached, err := g.cache(dir, root, libs)
	if err != nil {
		return err
	}
	if !cached {
		extend(env, "LD_LIBRARY_PATH", driverLibs, true)
	}
	return nil
}

// gather makes a directory of the driver's files with the names that programs load.
func (g *lent) gather(files string) (libs []ldcache.Library, err error) {
	lib64, bin := filepath.Join(files, "lib64"), filepath.Join(files, "bin")
	if err := os.Mkdir(files, 0o755); err != nil {
		return nil, err
	}
	if err := bind(files, files, 0); err != nil { // a mount of its own, to be sealed
		return nil, err
	}
	for _, d := range []string{lib64, bin} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	put := func(dir, host string) error {
		at := filepath.Join(dir, filepath.Base(host))
		f, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_ = f.Close()
		return show(host, at)
	}
	link := func(name, to string) error {
		if name == to {
			return nil
		}
		err := os.Symlink(to, filepath.Join(lib64, name))
		if errors.Is(err, os.ErrExist) {
			return nil // two files of one name; the first is it
		}
		libs = append(libs, ldcache.Library{Name: name, Path: driverLibs + "/" + name})
		return err
	}
	for _, host := range g.Libraries {
		base := filepath.Base(host)
		if err := put(lib64, host); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		libs = append(libs, ldcache.Library{Name: base, Path: driverLibs + "/" + base})
		soname, err := soname(host)
		if err != nil {
			return nil, fmt.Errorf("read the name of %s: %w", host, err)
		}
		if err := link(soname, base); err != nil {
			return nil, err
		}
		if soname == "libcuda.so.1" { // many programs load it without a version
			if err := link("libcuda.so", soname); err != nil {
				return nil, err
			}
		}
	}
	for _, host := range g.Binaries {
		if err := put(bin, host); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
	}
	return libs, seal(files)
}

// soname is the name that a library says it is loaded by, or else its file's.
func soname(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	names, err := f.DynString(elf.DT_SONAME)
	if err != nil {
		return "", err
	}
	if len(names) == 0 || names[0] != filepath.Base(names[0]) || names[0] == "." || names[0] == ".." {
		return filepath.Base(path), nil
	}
	return names[0], nil
}

// cache puts the libraries into the image's loader cache. false: it has none that can
// be read.
func (g *lent) cache(dir string, root *os.Root, libs []ldcache.Library) (bool, error) {
	info, err := root.Stat(loadCache)
	if err != nil || !info.Mode().IsRegular() || info.Size() > ldcache.MaxSize {
		return false, nil
	}
	f, err := root.Open(loadCache)
	if err != nil {
		return false, nil
	}
	b, err := io.ReadAll(io.LimitReader(f, ldcache.MaxSize+1))
	_ = f.Close()
	if err != nil || len(b) == 0 {
		return false, nil
	}
	merged, err := ldcache.Merge(b, goarch, libs)
	if err != nil {
		return false, nil // it is the image's own doing
	}
	file := filepath.Join(dir, "ld.so.cache")
	if err := os.WriteFile(file, merged, 0o644); err != nil {
		return false, err
	}
	if err := show(file, file); err != nil {
		return false, err
	}
	return true, cover(root, loadCache, func(target string) error { return bind(file, target, 0) })
}

// cover calls mount with a path that stands for what name is in the image, whatever
// links lead there within it.
func cover(root *os.Root, name string, mount func(target string) error) error {
	f, err := root.Open(name)
	if err != nil {
		return imageError{fmt.Errorf("open /%s in the image: %w", name, err)}
	}
	defer f.Close()
	if err := mount(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
		return fmt.Errorf("mount on /%s in the image: %w", name, err)
	}
	return nil
}

// bind shows src at dst as well, with the mounts below it where flags say so.
func bind(src, dst string, flags uintptr) error {
	if err := unix.Mount(src, dst, "", unix.MS_BIND|flags, ""); err != nil {
		return &os.PathError{Op: "mount", Path: src, Err: err}
	}
	return nil
}

// show is bind, read only. dst is a path, not a descriptor's, which would be what lies
// below the mount.
func show(src, dst string) error {
	if err := bind(src, dst, 0); err != nil {
		return err
	}
	return seal(dst)
}

// seal makes a mount read only. In a user namespace what a mount came with must stay.
func seal(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV)
	for _, f := range []struct{ st, ms uintptr }{
		{unix.ST_NOEXEC, unix.MS_NOEXEC}, {unix.ST_NOATIME, unix.MS_NOATIME}, {unix.ST_NODIRATIME, unix.MS_NODIRATIME}, {unix.ST_RELATIME, unix.MS_RELATIME},
	} {
		if uintptr(st.Flags)&f.st != 0 {
			flags |= f.ms
		}
	}
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return &os.PathError{Op: "remount read only", Path: path, Err: err}
	}
	return nil
}

// extend adds a directory to a list of them in the environment. make: also where there
// is no such variable.
func extend(env *[]string, name, dir string, make bool) {
	for i, e := range *env {
		k, v, _ := strings.Cut(e, "=")
		if k != name {
			continue
		}
		if !slices.Contains(strings.Split(v, ":"), dir) {
			if v != "" {
				v += ":"
			}
			(*env)[i] = k + "=" + v + dir
		}
		return
	}
	if make {
		*env = append(*env, name+"="+dir)
	}
}
