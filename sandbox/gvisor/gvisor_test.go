//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/sandboxtest"
)

// built is what TestMain makes: the program that is executed again, never the test's own,
// and an image.
var built struct {
	main, root string
	why        func() error // why containers cannot run here, tried once
}

// rerun, in the environment, names what an earlier TestMain has built.
const rerun = "ARTEL_TEST_GVISOR"

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	if main, root, ok := strings.Cut(os.Getenv(rerun), ":"); ok {
		built.main, built.root = main, root
		return probed(m, os.TempDir())
	}
	dir, err := os.MkdirTemp("", "artel-gvisor-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	_ = os.Chmod(dir, 0o755) // other users run what is in it
	built.main, built.root = filepath.Join(dir, "gvisormain"), filepath.Join(dir, "root")
	for _, d := range []string{"etc", "tmp", "in", "out", "checkpoint", "proc", "sys", "dev"} {
		if err := os.MkdirAll(filepath.Join(built.root, d), 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	_ = os.Chmod(filepath.Join(built.root, "tmp"), 0o777|os.ModeSticky)
	if err := errors.Join(os.WriteFile(filepath.Join(built.root, "etc/mark"), []byte("image"), 0o644), os.WriteFile(filepath.Join(built.root, "etc/resolv.conf"), nil, 0o644)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	const module = "github.com/artel-network/artel/sandbox/"
	for out, pkg := range map[string]string{built.main: "gvisor/internal/gvisormain", filepath.Join(built.root, "program"): "sandboxtest/guest"} {
		cmd := exec.Command("go", "build", "-o", out, module+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if b, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, b)
			return 1
		}
	}
	return probed(m, dir)
}

func probed(m *testing.M, dir string) int {
	built.why = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return gvisor.Probe(ctx, gvisor.Options{Command: []string{built.main}, Dir: filepath.Join(dir, "probe")})
	})
	return m.Run()
}

// needs skips a test on a machine that cannot run containers.
func needs(t testing.TB) {
	t.Helper()
	if err := built.why(); errors.Is(err, gvisor.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// groups has the names of the cgroups of boxes that were made here. Others on the same
// machine have boxes too.
var groups sync.Map

// grouped notes the cgroup of the box that has its state in dir.
func grouped(t testing.TB, dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	groups.Store(gvisor.GroupName(dir), true)
}

func newBox(t testing.TB, root string, change func(*gvisor.Options)) *gvisor.Box {
	t.Helper()
	opt := gvisor.Options{
		Command: []string{built.main}, Dir: filepath.Join(root, "state"), Slots: 2,
		Crashed: func(id, detail string) { t.Logf("%s was lost: %.3000s", id, detail) },
	}
	if change != nil {
		change(&opt)
	}
	b, err := gvisor.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	grouped(t, opt.Dir)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	needs(t)
	skips := []string{"Deterministic"}
	if !newBox(t, t.TempDir(), nil).Capabilities().CPU {
		skips = append(skips, "CPU")
	}
	sandboxtest.Run(t, sandboxtest.Target{
		New:  func(t testing.TB, root string) sandbox.Box { return newBox(t, root, nil) },
		Root: built.root, Skips: skips,
	})
}

// TestGroupBox: what a box says of itself is what its kernel lets it do.
func TestGroupBox(t *testing.T) {
	box := newBox(t, t.TempDir(), nil)
	said := fmt.Sprint(box.Limited())
	held := box.Capabilities().CPU
	if want := os.Getenv("ARTEL_TEST_GROUPS"); want != "" && held != (want == "yes") {
		t.Errorf("it holds containers to their processor time: %v; %s", held, said)
	}
	if held == strings.Contains(said, "no limit of processor time") {
		t.Errorf("it holds containers to their processor time: %v, and says %s", held, said)
	}
}

// TestProgram: a box whose processes are a program in memory does what one does whose
// processes are a file.
func TestProgram(t *testing.T) {
	needs(t)
	b, err := os.ReadFile(built.main)
	if err != nil {
		t.Fatal(err)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	program, err := gvisor.Unpack(w.EncodeAll(b, nil))
	if err != nil {
		t.Fatal(err)
	}
	box := newBox(t, t.TempDir(), func(o *gvisor.Options) { o.Command, o.Program = nil, program })
	s := specOf(t, "sit")
	r, err := box.Start(t.Context(), "sits", s)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
	// What runs needs nothing of who has started it.
	if err := program.Close(); err != nil {
		t.Error(err)
	}
	var said strings.Builder
	p, err := r.(sandbox.Interactive).Exec(t.Context(), sandbox.Command{Args: []string{"/program", "where"}, Stdout: &said})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(t.Context()); code != 0 || err != nil || said.String() != "in /\n" {
		t.Errorf("exec ended with %d, %v and said %q", code, err, said.String())
	}
	r.Kill()
	if exit, err := r.Wait(t.Context()); err != nil || exit.Reason != sandbox.Killed {
		t.Errorf("%v, %v", exit, err)
	}
	if _, err := box.Start(t.Context(), "late", specOf(t, "ok")); err == nil {
		t.Error("a program that is closed was executed")
	}
	if _, err := gvisor.Unpack(b[:1<<10]); err == nil {
		t.Error("what is not packed was unpacked")
	}
}
