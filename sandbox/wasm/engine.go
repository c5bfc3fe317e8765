package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm/internal/guestfs"
)

// engine compiles and runs programs, one at a time. It lives in a worker.
type engine struct {
	runtime wazero.Runtime
	keep    int
	kept    []compiled // most recently used first
	spare   spare
}

type compiled struct {
	key    string
	module wazero.CompiledModule
}

func newEngine(ctx context.Context, cacheDir string, keep int, interpret bool) (*engine, error) {
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
	if err != nil {
		return nil, fmt.Errorf("open compile cache: %w", err)
	}
	// No WithCloseOnContextDone: it makes programs six times slower (wazero issue
	// 2466). A worker that must stop is killed.
	// Where wazero has no compiler (32-bit machines, riscv64) this is its interpreter.
	cfg := wazero.NewRuntimeConfig()
	if interpret {
		cfg = wazero.NewRuntimeConfigInterpreter()
	}
	rt := wazero.NewRuntimeWithConfig(ctx, cfg.WithCompilationCache(cache))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, fmt.Errorf("offer WASI: %w", err)
	}
	return &engine{runtime: rt, keep: max(keep, 1)}, nil
}

// has returns the compiled program if it is kept.
func (e *engine) has(key string) wazero.CompiledModule {
	for i, c := range e.kept {
		if c.key == key {
			copy(e.kept[1:i+1], e.kept[:i])
			e.kept[0] = c
			return c.module
		}
	}
	return nil
}

// load compiles a program, from the cache on disk if it is there, and keeps it. An
// error is a sentence about the program.
func (e *engine) load(ctx context.Context, key string, b []byte, memory int64) (wazero.CompiledModule, error) {
	if err := inspect(b, memory); err != nil {
		return nil, err
	}
	module, err := e.runtime.CompileModule(ctx, mergeData(b))
	if err != nil {
		return nil, fmt.Errorf("The WASM file is not valid: %s. Build it again with a current compiler.", oneLine(err.Error()))
	}
	if len(e.kept) >= e.keep {
		last := e.kept[len(e.kept)-1]
		e.kept = e.kept[:len(e.kept)-1]
		_ = last.module.Close(ctx)
	}
	e.kept = append([]compiled{{key, module}}, e.kept...)
	return module, nil
}

// floodError is thrown through the program when it writes too much log.
type floodError struct{ limit int64 }

func (floodError) Error() string { return "log flood" }

// logWriter passes the program's log on, as far as it is kept.
type logWriter struct {
	w     io.Writer // one frame per Write
	limit int64
	total int64
}

func (l *logWriter) Write(b []byte) (int, error) {
	before := l.total
	l.total += int64(len(b))
	// One byte beyond the limit is passed on, so that the box sees there was more.
	if room := l.limit + 1 - before; room > 0 {
		for pass := b[:min(int64(len(b)), room)]; len(pass) > 0; {
			n := min(len(pass), 64<<10)
			if err := putFrame(l.w, frameLog, pass[:n]); err != nil {
				panic(&guestfs.HostError{Err: err})
			}
			pass = pass[n:]
		}
	}
	if l.total/sandbox.FloodFactor >= l.limit && l.total > l.limit {
		panic(floodError{l.limit})
	}
	return len(b), nil
}

// run starts the program and stays with it to its end. begin is called right before
// its first instruction.
func (e *engine) run(ctx context.Context, module wazero.CompiledModule, t task, logs io.Writer, begin func() error) (out outcome) {
	log := &logWriter{w: logs, limit: t.Limits.LogBytes}
	mem := &meter{limit: uint64(t.Limits.MemoryBytes), spare: &e.spare}
	var dirs dirs
	defer func() {
		dirs.close()
		out.Memory = int64(mem.peak)
		out.LogBytes = log.total
		if dirs.out != nil {
			out.OutputBytes, out.OutputFiles = dirs.out.Usage()
		}
	}()
	mounts, err := dirs.open(t)
	if err != nil {
		return ended(err, mem, t.Limits)
	}
	c := &clock{now: t.Start}
	cfg := wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions(). // called below, when begin has been
		WithArgs(append([]string{"program"}, t.Args...)...).
		WithStdout(log).WithStderr(log).
		WithRandSource(entropy(t.Seed)).
		WithWalltime(c.walltime, sys.ClockResolution(clockStep)).
		WithNanotime(c.nanotime, sys.ClockResolution(clockStep)).
		WithNanosleep(c.nanosleep).
		WithFSConfig(mounts)
	for _, kv := range t.Env {
		k, v, _ := strings.Cut(kv, "=")
		cfg = cfg.WithEnv(k, v)
	}
	if err := begin(); err != nil {
		return ended(&guestfs.HostError{Err: err}, mem, t.Limits)
	}
	return ended(e.call(experimental.WithMemoryAllocator(ctx, mem), module, cfg), mem, t.Limits)
}

// call instantiates the module, which may run code already (its start section), and
// calls _start. What is thrown while instantiating comes out of wazero as a panic.
func (e *engine) call(ctx context.Context, module wazero.CompiledModule, cfg wazero.ModuleConfig) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if thrown, ok := p.(error); ok {
				err = thrown
			} else {
				err = fmt.Errorf("panic: %v", p)
			}
		}
	}()
	m, err := e.runtime.InstantiateModule(ctx, module, cfg)
	if err != nil {
		return &instantiateError{err}
	}
	defer m.Close(ctx)
	start := m.ExportedFunction("_start")
	if start == nil {
		return &instantiateError{errors.New(`no function "_start"`)}
	}
	if def := start.Definition(); len(def.ParamTypes())+len(def.ResultTypes()) > 0 {
		return &instantiateError{errors.New(`function "_start" takes or returns something`)}
	}
	_, err = start.Call(ctx)
	return err
}

// instantiateError marks what went wrong before _start was called.
type instantiateError struct{ err error }

func (e *instantiateError) Error() string { return e.err.Error() }
func (e *instantiateError) Unwrap() error { return e.err }

// ended turns the error of a call into an outcome with a sentence for the person.
func ended(err error, mem *meter, limits sandbox.Limits) outcome {
	if err == nil {
		return outcome{Reason: sandbox.Exited}
	}
	out := func(reason sandbox.Reason, format string, args ...any) outcome {
		return outcome{Code: -1, Reason: reason, Message: fmt.Sprintf(format, args...)}
	}
	var exit *sys.ExitError
	var limit *guestfs.LimitError
	var host *guestfs.HostError
	var noMemory errNoMemory
	var flood floodError
	var start *instantiateError
	noMem := func() outcome {
		return out(sandbox.OutOfMemory, "The program asked for more memory than its limit of %d MiB. Ask for more, or let it hold less at once.", limits.MemoryBytes>>20)
	}
	switch {
	case errors.As(err, &host):
		return out(sandbox.Lost, "The host could not read or write the files of this attempt (%s). Run it on another machine.", hostReason(host.Err))
	case errors.As(err, &limit) && limit.What == "files":
		return out(sandbox.OutputLimit, "The program made more than the %d files and directories it may have in /out or /checkpoint. Pack them into one archive, or ask for more.", limit.Limit)
	case errors.As(err, &limit):
		return out(sandbox.OutputLimit, "The program wrote more than the %d bytes it may have in /out or /checkpoint (holes in files count too). Write less, or ask for more.", limit.Limit)
	case errors.As(err, &flood):
		return out(sandbox.LogFlood, "The program wrote %d times its log limit of %d bytes. Log less, or write to a file in /out.", sandbox.FloodFactor, flood.limit)
	case errors.As(err, &noMemory):
		return noMem()
	case errors.As(err, &exit) && exit.ExitCode() == 0:
		return outcome{Reason: sandbox.Exited}
	case errors.As(err, &exit) && mem.denied:
		return noMem()
	case errors.As(err, &exit):
		return outcome{Code: exitCode(exit.ExitCode()), Reason: sandbox.Exited}
	case mem.denied:
		return noMem()
	case errors.As(err, &start) && !strings.Contains(err.Error(), "wasm error: "):
		return out(sandbox.BadProgram, "The program could not be started: %s. Build it for WASI preview 1 with a current compiler.", oneLine(err.Error()))
	}
	what := oneLine(err.Error())
	hint := "Look at the log, and run the program locally with wazero or wasmtime."
	if strings.Contains(what, "stack overflow") {
		hint = "Is there a recursion without end?"
	}
	return out(sandbox.Trapped, "The program was stopped by an illegal operation: %s. %s", what, hint)
}

// exitCode keeps a program's exit code apart from -1, which means there is none.
func exitCode(code uint32) int32 {
	if code > math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(code)
}

// hostReason says what a disk said without the host's paths.
func hostReason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err.Error()
	}
	return "input/output error"
}

// oneLine keeps the first line of an error of wazero, bounded, with nothing in it that
// a terminal would act on: names in it are the program's.
func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s = strings.TrimSuffix(s, " (recovered by wazero)")
	s = strings.TrimPrefix(s, "wasm error: ")
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	q := fmt.Sprintf("%q", s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// dirs are the open directories of one attempt.
type dirs struct {
	roots []*os.Root
	out   *guestfs.Writable
}

func (d *dirs) open(t task) (wazero.FSConfig, error) {
	cfg := wazero.NewFSConfig().(sysfs.FSConfig)
	root := func(dir string) (*os.Root, error) {
		r, err := os.OpenRoot(dir)
		if err != nil {
			return nil, &guestfs.HostError{Err: err}
		}
		d.roots = append(d.roots, r)
		return r, nil
	}
	var in *os.Root
	if t.In != "" {
		r, err := root(t.In)
		if err != nil {
			return nil, err
		}
		in = r
	}
	cfg = cfg.WithSysFSMount(guestfs.NewReadOnly(in, t.Start), "/in").(sysfs.FSConfig)
	r, err := root(t.Out)
	if err != nil {
		return nil, err
	}
	d.out, err = guestfs.NewWritable(r, guestfs.DevOut, t.Start, t.Limits.OutputBytes, t.Limits.OutputFiles)
	if err != nil {
		return nil, hostOrLimit(err)
	}
	final := cfg.WithSysFSMount(d.out, "/out")
	if t.Checkpoint != "" {
		r, err := root(t.Checkpoint)
		if err != nil {
			return nil, err
		}
		ckpt, err := guestfs.NewWritable(r, guestfs.DevCheckpoint, t.Start, t.Limits.OutputBytes, t.Limits.OutputFiles)
		if err != nil {
			return nil, hostOrLimit(err)
		}
		final = final.(sysfs.FSConfig).WithSysFSMount(ckpt, "/checkpoint")
	}
	return final, nil
}

func hostOrLimit(err error) error {
	var limit *guestfs.LimitError
	if errors.As(err, &limit) {
		return limit
	}
	return &guestfs.HostError{Err: err}
}

func (d *dirs) close() {
	for _, r := range d.roots {
		_ = r.Close()
	}
}
