//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
)

// inside, in the environment of a test, names the fakeGPU that it is to see.
const inside = "ARTEL_TEST_GPU"

// fakeGPU is what stands in for a machine with one: a library, a tool, an image with a
// dynamic program in it, and one without a loader's cache.
type fakeGPU struct {
	Dir             string
	Version         string
	Library, Tool   string
	Image, Uncached string
	Ldconfig        bool
}

// tools skips a test where no program can be made that loads libraries.
func tools(t *testing.T) {
	t.Helper()
	for _, p := range []string{"gcc", "ldd"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("there is no ", p)
		}
	}
}

func compile(t *testing.T, out string, args ...string) {
	t.Helper()
	if b, err := exec.Command("gcc", append([]string{"-O1", "-o", out}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, b)
	}
}

func makeFakeGPU(t *testing.T) fakeGPU {
	t.Helper()
	tools(t)
	dir, err := os.MkdirTemp(filepath.Dir(built.main), "gpu-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	version := gvisor.Drivers()[len(gvisor.Drivers())-1]
	g := fakeGPU{Dir: dir, Image: filepath.Join(dir, "image"), Uncached: filepath.Join(dir, "uncached")}
	lib, smi := filepath.Join(dir, "libcuda.so."+version), filepath.Join(dir, "nvidia-smi")
	compile(t, lib, "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "testdata/cuda.c")
	program := filepath.Join(dir, "gpu")
	compile(t, program, "testdata/gpu.c", "-ldl")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(smi, []byte("#!/bin/sh\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	g.Version, g.Library, g.Tool = version, lib, smi
	dynamicImage(t, g.Image, map[string]string{"gpu": program})
	dynamicImage(t, g.Uncached, map[string]string{"gpu": program})
	g.Ldconfig = cached(t, g.Image)
	return g
}

// dynamicImage makes an image of programs of this machine and the libraries that they want.
func dynamicImage(t *testing.T, image string, programs map[string]string) {
	t.Helper()
	put := func(from, to string) {
		to = filepath.Join(image, to)
		b, err := os.ReadFile(from)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for name, program := range programs {
		put(program, name)
		text, err := exec.Command("ldd", program).CombinedOutput()
		if err != nil {
			t.Fatalf("ldd: %v\n%s", err, text)
		}
		for _, w := range strings.Fields(string(text)) {
			if filepath.IsAbs(w) {
				put(w, w)
			}
		}
	}
}

// cached gives an image a loader's cache; false: there is no ldconfig here.
func cached(t *testing.T, image string) bool {
	t.Helper()
	for _, p := range []string{"ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"} {
		path, err := exec.LookPath(p)
		if err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Join(image, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if b, err := exec.Command(path, "-r", image).CombinedOutput(); err != nil {
			t.Fatalf("ldconfig: %v\n%s", err, b)
		}
		return true
	}
	return false
}

// TestGPUBox runs a program in a box with nvproxy switched on, on a machine that
// has no GPU: the device files are another's, in a mount namespace of the test's own, and the
// driver's library is one made here. So all but the driver's own answers is real: the
// device files in the box, the filters, the files and how the loader finds them.
func TestGPUBox(t *testing.T) {
	if os.Getenv(inside) != "" {
		t.Skip("this is the inner test")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can show other device files")
	}
	needs(t)
	if _, err := os.Stat(standIn); err != nil {
		t.Skip("nothing can stand in for a device: ", err)
	}
	g := makeFakeGPU(t)
	spec, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	test := filepath.Join(g.Dir, "test")
	if err := os.WriteFile(test, self, 0o755); err != nil {
		t.Fatal(err)
	}
	const uid = 54321
	for name, before := range map[string][]string{"root": nil, "user": {"setpriv", fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--clear-groups", "--bounding-set=-all"}} {
		t.Run(name, func(t *testing.T) {
			if len(before) > 0 {
				if _, err := exec.LookPath(before[0]); err != nil {
					t.Skip("there is no setpriv (util-linux)")
				}
			}
			tmp := filepath.Join(g.Dir, name)
			if err := errors.Join(os.Mkdir(tmp, 0o755), chownAll(tmp, uid, len(before) > 0), chownAll(g.Image, uid, len(before) > 0), chownAll(g.Uncached, uid, len(before) > 0)); err != nil {
				t.Fatal(err)
			}
			args := append(append([]string{"env", "TMPDIR=" + tmp}, before...), test, "-test.run", "^TestGPUInside$", "-test.v")
			cmd := exec.Command(test, append([]string{"-test.run", "^TestGPUDevices$", "-test.v"}, "--")...)
			cmd.Args = append(cmd.Args, args...)
			cmd.Dir = tmp
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + g.Dir, inside + "=" + string(spec), rerun + "=" + built.main + ":" + built.root}
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
			out, err := cmd.CombinedOutput()
			switch {
			case err != nil:
				t.Errorf("%v\n%s", err, out)
			case !strings.Contains(string(out), "--- PASS: TestGPUInside "):
				t.Skipf("%s", out)
			}
		})
	}
}

func chownAll(dir string, uid int, other bool) error {
	if !other {
		return nil
	}
	return filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(p, uid, uid))
	})
}

// TestGPUDevices puts the device files where they belong, in a mount namespace of its
// own, and becomes what follows "--".
func TestGPUDevices(t *testing.T) {
	at := slices.Index(os.Args, "--")
	if os.Getenv(inside) == "" || at < 0 {
		t.Skip("TestGPUBox runs it")
	}
	if err := fakeDevices("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidia1"); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath(os.Args[at+1])
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(syscall.Exec(path, os.Args[at+1:], os.Environ()))
}

// standIn is a device that can be polled, as those of a GPU can, and refuses ioctls by an
// error that nothing else uses.
const standIn = "/dev/net/tun"

// fakeDevices makes a /dev with more in it than the machine's has.
func fakeDevices(more ...string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "dev-")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", tmp, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	entries, err := os.ReadDir("/dev")
	if err != nil {
		return err
	}
	put := func(from, to string) error {
		f, err := os.Create(to)
		if err != nil {
			return err
		}
		_ = f.Close()
		return unix.Mount(from, to, "", unix.MS_BIND, "")
	}
	for _, e := range entries {
		from, to := filepath.Join("/dev", e.Name()), filepath.Join(tmp, e.Name())
		switch {
		case e.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(from)
			if err := errors.Join(err, os.Symlink(link, to)); err != nil {
				return err
			}
		case e.IsDir():
			if err := errors.Join(os.Mkdir(to, 0o755), unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")); err != nil {
				return err
			}
		case e.Type()&os.ModeDevice != 0:
			if err := put(from, to); err != nil {
				return err
			}
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(standIn, &st); err != nil {
		return err
	}
	for _, m := range more { // a driver's are open to all users
		at := filepath.Join(tmp, filepath.Base(m))
		if err := errors.Join(unix.Mknod(at, unix.S_IFCHR|0o666, int(st.Rdev)), os.Chmod(at, 0o666)); err != nil {
			return err
		}
	}
	return unix.Mount(tmp, "/dev", "", unix.MS_BIND|unix.MS_REC, "")
}

// TestGPUInside is what TestGPUBox is about.
func TestGPUInside(t *testing.T) {
	var g fakeGPU
	if os.Getenv(inside) == "" {
		t.Skip("TestGPUBox runs it")
	}
	if err := json.Unmarshal([]byte(os.Getenv(inside)), &g); err != nil {
		t.Fatal(err)
	}
	needs(t)
	driver := gvisor.GPUs{
		Version: g.Version, Minors: []int{0, 1}, Libraries: []string{g.Library}, Binaries: []string{g.Tool},
		Ask: func() (string, error) { return g.Version, nil },
	}
	before, err := os.ReadFile(g.Tool)
	if err != nil {
		t.Fatal(err)
	}
	box := newBox(t, t.TempDir(), func(o *gvisor.Options) { o.GPUs = &driver })
	if !box.Capabilities().GPUs {
		t.Fatalf("no GPUs: %v", box.Limited())
	}
	specIn := func(t *testing.T, image string, gpus []int) sandbox.Spec {
		s := specOf(t)
		s.Root, s.Args, s.GPUs, s.Env = image, []string{"/gpu"}, gpus, map[string]string{"PATH": "/usr/bin"}
		return s
	}
	runIn := func(t *testing.T, image string, gpus []int) string {
		t.Helper()
		exit, text := run(t, box, specIn(t, image, gpus))
		if !exit.OK() {
			t.Fatalf("%+v\n%s", exit, text)
		}
		return text
	}
	has := func(t *testing.T, text string, lines ...string) {
		t.Helper()
		for _, l := range lines {
			if !strings.Contains("\n"+text, "\n"+l) {
				t.Errorf("no line %q in\n%s", l, text)
			}
		}
	}
	const control = "/dev/nvidiactl: char 195:255 open ok ioctl File descriptor in bad state"
	t.Run("one of two", func(t *testing.T) {
		text := runIn(t, g.Image, []int{1})
		has(t, text, control, "/dev/nvidia0: none", "/dev/nvidia1: char 195:1 open ok ioctl File descriptor in bad state", "uvm: 1", "libcuda.so.1: 12080", "libcuda.so: 12080", "smi: 1", "write: 1")
		if g.Ldconfig {
			has(t, text, "path -\n")
		}
	})
	t.Run("both", func(t *testing.T) {
		has(t, runIn(t, g.Image, []int{0, 1}), control, "/dev/nvidia0: char 195:0 open ok", "/dev/nvidia1: char 195:1 open ok")
	})
	t.Run("without a loader's cache", func(t *testing.T) {
		has(t, runIn(t, g.Uncached, []int{0}), "libcuda.so.1: 12080", "path /usr/local/nvidia/lib64\n")
	})
	t.Run("none", func(t *testing.T) { // the image is as it was
		has(t, runIn(t, g.Image, nil), "/dev/nvidiactl: none", "libcuda.so.1: 0", "smi: 0")
	})
	outside := t.TempDir()
	for name, odd := range map[string]func(image string) error{
		"dev leads out":      func(image string) error { return os.Symlink(outside, filepath.Join(image, "dev")) },
		"dev is the root":    func(image string) error { return os.Symlink(".", filepath.Join(image, "dev")) },
		"dev is a file":      func(image string) error { return os.WriteFile(filepath.Join(image, "dev"), nil, 0o644) },
		"dev is a pipe":      func(image string) error { return unix.Mkfifo(filepath.Join(image, "dev"), 0o644) },
		"nvidia leads out":   func(image string) error { return linkNvidia(image, outside) },
		"nvidia is the root": func(image string) error { return linkNvidia(image, "../../..") },
		"nvidia is no place": func(image string) error { return linkNvidia(image, "nowhere") },
		"nvidia is a pipe": func(image string) error {
			return errors.Join(os.MkdirAll(filepath.Join(image, "usr/local"), 0o755), unix.Mkfifo(filepath.Join(image, "usr/local/nvidia"), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := t.TempDir()
			if err := errors.Join(os.Chmod(image, 0o755), odd(image)); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(name, "dev") {
				if err := os.Mkdir(filepath.Join(image, "dev"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if exit, _ := run(t, box, specIn(t, image, []int{0})); exit.Reason != sandbox.BadProgram || !strings.Contains(exit.Message, "director") {
				t.Errorf("%+v", exit)
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("written where the link leads: %v, %v", left, err)
			}
		})
	}
	if after, err := os.ReadFile(g.Tool); err != nil || string(after) != string(before) {
		t.Errorf("the host's file has changed: %v", err)
	}
	for _, image := range []string{g.Image, g.Uncached} {
		for _, p := range []string{"dev/nvidiactl", "usr/local/nvidia/lib64", "usr/local/nvidia/bin"} {
			if _, err := os.Lstat(filepath.Join(image, p)); !os.IsNotExist(err) {
				t.Errorf("%s is in the image: %v", p, err)
			}
		}
	}
	for name, gpus := range map[string][]int{"not there": {7}, "twice": {0, 0}} {
		if _, err := box.Start(t.Context(), "bad", specIn(t, g.Image, gpus)); !errors.Is(err, sandbox.ErrSpec) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func linkNvidia(image, to string) error {
	return errors.Join(os.MkdirAll(filepath.Join(image, "usr/local"), 0o755), os.Symlink(to, filepath.Join(image, "usr/local/nvidia")))
}

func TestGPUCheck(t *testing.T) {
	all := gvisor.Drivers()
	if len(all) < 10 || !slices.Contains(all, "535.129.03") {
		t.Fatalf("known drivers: %v", all)
	}
	ask := func(v string) func() (string, error) { return func() (string, error) { return v, nil } }
	for name, c := range map[string]struct {
		gpus gvisor.GPUs
		want string
	}{
		"unknown version": {gvisor.GPUs{Version: "535.104.05"}, "install one of 535.129.03, "},
		"unknown branch":  {gvisor.GPUs{Version: "470.1.1"}, all[0]},
		"no version":      {gvisor.GPUs{Version: "x"}, "no version of a driver"},
		"no device":       {gvisor.GPUs{Version: all[0]}, "no device"},
		"no library":      {gvisor.GPUs{Version: all[0], Minors: []int{250}, Libraries: []string{"/x/libnvidia-ml.so.1"}}, "nvidia-ctk"},
		"no device file":  {gvisor.GPUs{Version: all[0], Minors: []int{250}, Libraries: []string{"/x/libcuda.so.1"}, Ask: ask(all[0])}, "/dev/nvidia"},
	} {
		if err := c.gpus.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	box := newBox(t, t.TempDir(), func(o *gvisor.Options) { o.GPUs = &gvisor.GPUs{Version: "470.1.1", Minors: []int{0}} })
	if box.Capabilities().GPUs || box.Limited() == nil || !strings.Contains(box.Limited().Error(), "470.1.1") {
		t.Errorf("GPUs with a driver that nobody knows: %v", box.Limited())
	}
	s := specOf(t)
	s.GPUs = []int{0}
	if _, err := box.Start(t.Context(), "x", s); !errors.Is(err, sandbox.ErrSpec) {
		t.Errorf("a box without GPUs takes them: %v", err)
	}
}
