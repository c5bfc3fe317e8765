package wasm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm"
)

// A module by hand: https://webassembly.github.io/spec/core/binary/.

func uleb(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func section(id byte, items ...[]byte) []byte {
	body := append(uleb(uint64(len(items))), slices.Concat(items...)...)
	return slices.Concat([]byte{id}, uleb(uint64(len(body))), body)
}

// sectionStart is the one that holds no list.
func sectionStart(function byte) []byte { return []byte{8, 1, function} }

func name(s string) []byte { return append(uleb(uint64(len(s))), s...) }

func module(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

var (
	typeVoid  = []byte{0x60, 0, 0}
	typeI32x4 = []byte{0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f}
	typeI32x2 = []byte{0x60, 2, 0x7f, 0x7f, 1, 0x7f}
	export0   = section(7, slices.Concat(name("_start"), []byte{0, 0}))
	export1   = section(7, slices.Concat(name("_start"), []byte{0, 1}))
)

func code(body ...byte) []byte {
	body = slices.Concat([]byte{0}, body, []byte{0x0b})
	return append(uleb(uint64(len(body))), body...)
}

// command is a module with nothing but _start.
func command(body ...byte) []byte {
	return module(section(1, typeVoid), section(3, []byte{0}), export0, section(10, code(body...)))
}

// wasi is a module whose _start calls one function of WASI, with a page of memory.
func wasi(function string, typ []byte, body ...byte) []byte {
	return module(section(1, typ, typeVoid),
		section(2, slices.Concat(name("wasi_snapshot_preview1"), name(function), []byte{0, 0})),
		section(3, []byte{1}), section(5, []byte{0, 1}),
		section(7, slices.Concat(name("memory"), []byte{2, 0}), slices.Concat(name("_start"), []byte{0, 1})),
		section(10, code(body...)))
}

func i32(v int32) []byte {
	b := []byte{0x41}
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

var loop = []byte{0x03, 0x40, 0x0c, 0, 0x0b} // loop: br 0

// runModule runs a program with small limits.
func runModule(t *testing.T, box sandbox.Box, root string, program []byte) sandbox.Exit {
	t.Helper()
	return runLimited(t, box, root, program, sandbox.Limits{MemoryBytes: 64 << 20, WallMillis: 1500, OutputBytes: 1 << 20})
}

func runLimited(t *testing.T, box sandbox.Box, root string, program []byte, limits sandbox.Limits) sandbox.Exit {
	t.Helper()
	dir, err := os.MkdirTemp(root, "job")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "program.wasm")
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, program, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := box.Start(t.Context(), filepath.Base(dir), sandbox.Spec{
		Program: path, Out: out, Log: filepath.Join(dir, "log"),
		Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	exit, err := r.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// TestHostileModules runs what no compiler makes. Each must end with a reason and leave
// a box that works.
func TestHostileModules(t *testing.T) {
	root := t.TempDir()
	box := newBox(t, root, nil)
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for _, row := range []struct {
		name    string
		program []byte
		want    []sandbox.Reason
		says    string
	}{
		{"nothing", command(), []sandbox.Reason{sandbox.Exited}, ""},
		{"unreachable", command(0x00), []sandbox.Reason{sandbox.Trapped}, "unreachable"},
		{"division by zero", command(0x41, 1, 0x41, 0, 0x6d, 0x1a), []sandbox.Reason{sandbox.Trapped}, "divide by zero"},
		{"endless recursion", command(0x10, 0), []sandbox.Reason{sandbox.Trapped}, "recursion"},
		{"endless loop", command(loop...), []sandbox.Reason{sandbox.OutOfTime}, "limit of 1.5s"},
		{"endless loop in the start section",
			module(section(1, typeVoid), section(3, []byte{0}, []byte{0}), export1, sectionStart(0), section(10, code(loop...), code())),
			[]sandbox.Reason{sandbox.OutOfTime}, ""},
		{"trap in the start section",
			module(section(1, typeVoid), section(3, []byte{0}, []byte{0}), export1, sectionStart(0), section(10, code(0x00), code())),
			[]sandbox.Reason{sandbox.Trapped}, "unreachable"},
		{"no _start", module(section(1, typeVoid), section(3, []byte{0}), section(10, code())), []sandbox.Reason{sandbox.BadProgram}, "_start"},
		{"_start takes something",
			module(section(1, []byte{0x60, 1, 0x7f, 0}), section(3, []byte{0}), export0, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, "_start"},
		{"_start is a function of the host", wasiExportedAsStart(), []sandbox.Reason{sandbox.BadProgram}, "_start"},
		{"import of another module",
			module(section(1, typeVoid), section(2, slices.Concat(name("env"), name("system"), []byte{0, 0})), section(3, []byte{0}), export1, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, `"system" from "env"`},
		{"import for a browser",
			module(section(1, typeVoid), section(2, slices.Concat(name("gojs"), name("runtime.wasmExit"), []byte{0, 0})), section(3, []byte{0}), export1, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, "GOOS=wasip1"},
		{"import of a function WASI lacks", wasi("launch_missiles", typeVoid, 0x10, 0), []sandbox.Reason{sandbox.BadProgram}, "launch_missiles"},
		{"import with the wrong type", wasi("fd_close", typeVoid, 0x10, 0), []sandbox.Reason{sandbox.BadProgram}, ""},
		{"import named to confuse a terminal",
			module(section(1, typeVoid), section(2, slices.Concat(name("\x1b[2Jenv\n"), name("x"), []byte{0, 0})), section(3, []byte{0}), export1, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, `\x1b[2Jenv\n`},
		{"4 GiB of memory to start",
			module(section(1, typeVoid), section(3, []byte{0}), section(5, slices.Concat([]byte{0}, uleb(65536))), export0, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, "4096 MiB"},
		{"grows memory to its limit and traps",
			module(section(1, typeVoid), section(3, []byte{0}), section(5, []byte{0, 1}), export0,
				// grow by 65535 pages is refused; then trap
				section(10, code(slices.Concat(i32(65535), []byte{0x40, 0, 0x1a, 0x00})...))),
			[]sandbox.Reason{sandbox.OutOfMemory}, "64 MiB"},
		{"a table of 4 billion",
			module(section(1, typeVoid), section(3, []byte{0}), section(4, slices.Concat([]byte{0x70, 0}, huge)), export0, section(10, code())),
			[]sandbox.Reason{sandbox.BadProgram}, "tables"},
		{"a table that grows for ever",
			module(section(1, typeVoid), section(3, []byte{0}), section(4, []byte{0x70, 0, 1}), export0,
				section(10, code(slices.Concat([]byte{0x03, 0x40, 0xd0, 0x70}, i32(1<<20), []byte{0xfc, 0x0f, 0, 0x1a, 0x0c, 0, 0x0b})...))),
			[]sandbox.Reason{sandbox.OutOfMemory, sandbox.OutOfTime}, ""},
		{"data beyond memory",
			module(section(1, typeVoid), section(3, []byte{0}), section(5, []byte{0, 1}), export0, section(10, code()),
				section(11, slices.Concat([]byte{0}, i32(-1), []byte{0x0b, 1, 'x'}), slices.Concat([]byte{0}, i32(-8), []byte{0x0b, 1, 'x'}))),
			[]sandbox.Reason{sandbox.BadProgram}, ""},
		{"four billion locals",
			module(section(1, typeVoid), section(3, []byte{0}), export0, section(10, slices.Concat([]byte{8, 1}, huge, []byte{0x7e, 0x0b}))),
			[]sandbox.Reason{sandbox.BadProgram}, ""},
		{"a count of four billion", append(module(), 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), []sandbox.Reason{sandbox.BadProgram}, ""},
		{"a section longer than the file", append(module(), slices.Concat([]byte{1}, huge)...), []sandbox.Reason{sandbox.BadProgram}, "cut short"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), []sandbox.Reason{sandbox.BadProgram}, "preview 2"},
		{"a descriptor moved to two billion",
			wasi("fd_renumber", typeI32x2, slices.Concat(i32(0), i32(1<<31-1), []byte{0x10, 0, 0x1a})...),
			[]sandbox.Reason{sandbox.Exited, sandbox.OutOfMemory, sandbox.Trapped}, ""},
		{"ninety million subscriptions",
			wasi("poll_oneoff", typeI32x4, slices.Concat(i32(0), i32(0), i32(89478486), i32(0), []byte{0x10, 0, 0x1a})...),
			[]sandbox.Reason{sandbox.Exited, sandbox.Trapped}, ""},
		{"randomness for all of memory and more",
			wasi("random_get", typeI32x2, slices.Concat(i32(0), i32(-1), []byte{0x10, 0, 0x1a})...),
			[]sandbox.Reason{sandbox.Exited}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			exit := runModule(t, box, root, row.program)
			if !slices.Contains(row.want, exit.Reason) || !strings.Contains(exit.Message, row.says) {
				t.Errorf("%v, want reason %q with %q in the message", exit, row.want, row.says)
			}
			if strings.ContainsAny(exit.Message, "\n\x1b") || strings.Contains(exit.Message, root) {
				t.Errorf("message %q is not fit for a terminal, or shows a host path", exit.Message)
			}
			t.Log(exit)
		})
	}
	t.Run("half a million nested blocks", func(t *testing.T) { // which takes the compiler minutes
		many := func(b ...byte) []byte { return bytes.Repeat(b, 500_000) }
		exit := runLimited(t, box, root, command(slices.Concat(many(0x02, 0x40), many(0x0b))...), sandbox.Limits{PrepareMillis: 500})
		busy := exit.Reason == sandbox.Lost && strings.Contains(exit.Message, "too much else to do") // this machine, now
		if !busy && (exit.Reason != sandbox.BadProgram || !strings.Contains(exit.Message, "compiled within 500ms")) {
			t.Error(exit)
		}
	})
	if exit := runModule(t, box, root, command()); !exit.OK() {
		t.Errorf("after all of them, a program that does nothing: %v", exit)
	}
}

func wasiExportedAsStart() []byte {
	return module(section(1, []byte{0x60, 1, 0x7f, 0}),
		section(2, slices.Concat(name("wasi_snapshot_preview1"), name("proc_exit"), []byte{0, 0})), export0)
}

// TestWorkersStaySmall runs many programs and watches the one worker that runs them.
func TestWorkersStaySmall(t *testing.T) {
	root := t.TempDir()
	box := newBox(t, root, func(o *wasm.Options) { o.Slots = 1 })
	program, err := os.ReadFile(built.noop)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		runModule(t, box, root, program)
	}
	before, worker := wasm.WorkerRSS(box)
	if before == 0 {
		t.Skip("resident memory is not known here")
	}
	for i := range 150 {
		runModule(t, box, root, program)
		runModule(t, box, root, append(command(), 0, 3, 1, 'x', byte(i%20))) // more than it keeps
	}
	after, same := wasm.WorkerRSS(box)
	if same != worker {
		t.Fatalf("worker %d was replaced by %d", worker, same)
	}
	if limit := before + before/2 + 32<<20; after > limit {
		t.Errorf("resident memory grew from %d to %d bytes in 300 tasks", before, after)
	}
	t.Logf("resident memory: %d KiB after 20 tasks, %d KiB after 320", before>>10, after>>10)
}

// TestWorkersAreReplaced: after so many tasks, or when they have become big.
func TestWorkersAreReplaced(t *testing.T) {
	for name, change := range map[string]func(*wasm.Options){
		"tasks":  func(o *wasm.Options) { o.MaxTasks = 1 },
		"memory": func(o *wasm.Options) { o.MaxRSS = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			box := newBox(t, root, change)
			for range 3 {
				if exit := runModule(t, box, root, command()); !exit.OK() {
					t.Fatal(exit)
				}
				if n := wasm.Idle(box); n != 0 {
					t.Fatalf("%d idle workers, want that each is replaced", n)
				}
			}
		})
	}
}

// TestRunKeepsWarm: workers are there before the first task, and again after a kill.
func TestRunKeepsWarm(t *testing.T) {
	root := t.TempDir()
	box := newBox(t, root, func(o *wasm.Options) { o.Warm = 2 })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	warm := func() {
		t.Helper()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(time.Minute)
		for wasm.Idle(box) != 2 {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("%d workers are warm, want 2", wasm.Idle(box))
			}
		}
	}
	warm()
	if exit := runModule(t, box, root, command(loop...)); exit.Reason != sandbox.OutOfTime {
		t.Fatal(exit)
	}
	warm()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if _, err := box.Start(t.Context(), "late", sandbox.Spec{Program: built.noop, Out: root, Log: filepath.Join(root, "l")}); err == nil {
		t.Error("the box is still open after Run")
	}
}

// TestCacheIsBounded compiles more than the cache may hold.
func TestCacheIsBounded(t *testing.T) {
	root, cache := t.TempDir(), t.TempDir()
	box := newBox(t, root, func(o *wasm.Options) { o.Cache, o.CacheBytes = cache, 20_000 })
	for i := range 40 {
		if exit := runModule(t, box, root, append(command(), 0, 3, 1, 'x', byte(i))); !exit.OK() {
			t.Fatal(exit)
		}
	}
	wasm.Prune(box)
	var total int64
	_ = filepath.WalkDir(cache, func(_ string, d os.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	if total > 20_000 || total == 0 {
		t.Errorf("the cache holds %d bytes, bound 20,000", total)
	}
}

// TestRootIsTheBound: no directory outside the root is handed to a program.
func TestRootIsTheBound(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	box := newBox(t, root, nil)
	link := filepath.Join(root, "link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{other, link, root, filepath.Join(root, "..", filepath.Base(other))} {
		_, err := box.Start(t.Context(), "x", sandbox.Spec{Program: built.noop, Out: out, Log: filepath.Join(root, "log")})
		if err == nil || !strings.Contains(err.Error(), "root") {
			t.Errorf("out at %s: %v, want that it is not below the root", out, err)
		}
	}
}

func TestWorkerThatIsNone(t *testing.T) {
	root := t.TempDir()
	for _, command := range [][]string{{"/not/there"}, {"/bin/echo", "hello"}, {built.worker, "other-verb"}} {
		box := newBox(t, root, func(o *wasm.Options) { o.Command = command })
		out := filepath.Join(root, "out")
		_ = os.Mkdir(out, 0o755)
		_, err := box.Start(t.Context(), "x", sandbox.Spec{Program: built.noop, Out: out, Log: out + ".log"})
		if err == nil || !strings.Contains(err.Error(), "start wasm worker") {
			t.Errorf("%v as worker: %v", command, err)
		}
		t.Log(fmt.Sprint(err))
	}
}
