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
		Skips: []string{"Images", "CPU", "Processes", "Layer", "Interactive", "Outlives", "Moves", "Terminates"},
	})
}

// start runs a verb of the guest with directories of its own below root.
func start(t *testing.T, box *wasm.Box, root, id string, args ...string) (sandbox.Run, sandbox.Spec) {
	t.Helper()
	spec := sandbox.Spec{Program: built.guest, Key: "guest", Args: args, Out: filepath.Join(root, id), Log: filepath.Join(root, id+".log")}
	if err := os.Mkdir(spec.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := box.Start(t.Context(), id, spec)
	if err != nil {
		t.Fatal(err)
	}
	return r, spec
}

// TestSameInTwoWorkers runs a program that uses all randomness and time it can find in
// a worker that has run others and in one that has not.
func TestSameInTwoWorkers(t *testing.T) {
	var results []string
	for _, before := range []int{0, 3} {
		root := t.TempDir()
		box := newBox(t, root, func(o *wasm.Options) { o.Slots = 1 })
		for i := range before {
			r, _ := start(t, box, root, fmt.Sprint("before", i), "eat", "3")
			if exit, _ := r.Wait(t.Context()); !exit.OK() {
				t.Fatal(exit)
			}
		}
		r, spec := start(t, box, root, "random", "random")
		if exit, _ := r.Wait(t.Context()); !exit.OK() {
			t.Fatal(exit)
		}
		out, err := os.ReadFile(filepath.Join(spec.Out, "random"))
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(spec.Log)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, string(out)+string(log))
	}
	if results[0] != results[1] {
		t.Errorf("two workers gave\n%s\nand\n%s", results[0], results[1])
	}
}

// TestWorkerDies: when the kernel kills a worker, the attempt is lost and the next is not.
func TestWorkerDies(t *testing.T) {
	root := t.TempDir()
	box := newBox(t, root, nil)
	r, _ := start(t, box, root, "victim", "block")
	first := make(chan struct{}, 1)
	go func() { _ = r.Follow(t.Context(), signal(first)) }()
	<-first
	wasm.KillWorkers(box)
	if exit, _ := r.Wait(t.Context()); exit.Reason != sandbox.Lost || exit.Code != -1 || exit.Reason.Fault() {
		t.Errorf("%v, want lost, not by the program's fault", exit)
	}
	r, _ = start(t, box, root, "next", "exit", "4")
	if exit, _ := r.Wait(t.Context()); exit.Code != 4 {
		t.Errorf("the next attempt %v", exit)
	}
	wasm.KillWorkers(box) // while idle
	r, _ = start(t, box, root, "after", "exit", "5")
	if exit, _ := r.Wait(t.Context()); exit.Code != 5 {
		t.Errorf("the attempt after that %v", exit)
	}
}

// signal is a writer that tells of its first byte.
type signal chan struct{}

func (s signal) Write(b []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(b), nil
}

// TestWorkerLies: what a worker says is believed only where it makes sense.
func TestWorkerLies(t *testing.T) {
	const ready = `printf 'R\000\000\000\002{}'; `
	for name, script := range map[string]string{
		"done before the start":  ready + `printf 'D\000\000\000\023{"Reason":"exited" }'; exec cat`,
		"log before the start":   ready + `printf 'L\000\000\000\001x'; exec cat`,
		"a frame of 4 GiB":       ready + `printf 'D\377\377\377\377'; exec cat`,
		"an unknown frame":       ready + `printf 'Z\000\000\000\000'; exec cat`,
		"a negative result":      ready + `printf 'S\000\000\000\000D\000\000\000\046{"Reason":"exited","OutputBytes":-1} '; exec cat`,
		"JSON that is none":      ready + `printf 'S\000\000\000\000D\000\000\000\002x}'; exec cat`,
		"nothing, and it leaves": ready + `head -c 1 >/dev/null; kill -9 $$`,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			box := newBox(t, root, func(o *wasm.Options) { o.Command = []string{"/bin/sh", "-c", script} })
			r, _ := start(t, box, root, "x", "ok")
			exit, err := r.Wait(t.Context())
			if err != nil || exit.Reason != sandbox.Lost {
				t.Errorf("%v, %v, want lost", exit, err)
			}
		})
	}
}
