package wasm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/sandboxtest"
	"github.com/artel-network/artel/sandbox/wasm"
)

// built is what TestMain builds: tests start real programs, never their own executable.
var built struct{ worker, guest, noop, cache string }

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "artel-wasm-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	const module = "github.com/artel-network/artel/sandbox/"
	for _, p := range []struct {
		out      *string
		pkg      string
		goos, ar string
	}{
		{&built.worker, module + "wasm/internal/workermain", "", ""},
		{&built.guest, module + "sandboxtest/guest", "wasip1", "wasm"},
		{&built.noop, module + "sandboxtest/noop", "wasip1", "wasm"},
	} {
		*p.out = filepath.Join(dir, filepath.Base(p.pkg))
		cmd := exec.Command("go", "build", "-o", *p.out, p.pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if p.goos != "" {
			cmd.Env = append(cmd.Env, "GOOS="+p.goos, "GOARCH="+p.ar)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", p.pkg, err, out)
			return 1
		}
	}
	built.cache = filepath.Join(dir, "cache") // shared, so that each program is compiled once
	return m.Run()
}

func newBox(t testing.TB, root string, change func(*wasm.Options)) *wasm.Box {
	t.Helper()
	opt := wasm.Options{
		Command: []string{built.worker, wasm.WorkerArg},
		Root:    root, Cache: built.cache, Slots: 2,
		Crashed: func(id, stderr string) { t.Logf("worker of %s died: %.600s", id, stderr) },
	}
	if change != nil {
		change(&opt)
	}
	b, err := wasm.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	sandboxtest.Run(t, sandboxtest.Target{
		New:     func(t testing.TB, root string) sandbox.Box { return newBox(t, root, nil) },
		Program: built.guest, Key: "guest",
	})
}
