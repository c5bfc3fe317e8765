package wasm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// WorkerArg is the argument with which a program that embeds this package starts
// itself as a worker: when os.Args[1] is WorkerArg, its main calls WorkerMain and
// nothing else.
const WorkerArg = "wasm-worker"

// WorkerMain is the whole life of a worker: it confines its process, then runs the
// tasks that come in on stdin until that ends. It returns the process's exit code and
// must be called before the process has opened or started anything.
func WorkerMain(stdin io.Reader, stdout io.Writer) int {
	if err := work(bufio.NewReaderSize(stdin, 64<<10), stdout); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "wasm worker:", err)
		return 1
	}
	return 0
}

func work(in *bufio.Reader, out io.Writer) error {
	var buf []byte
	kind, b, err := getFrame(in, &buf)
	if err != nil {
		return err
	}
	var cfg config
	if kind != frameConfig {
		return fmt.Errorf("frame %q where the config should be", kind)
	} else if err := json.Unmarshal(b, &cfg); err != nil {
		return fmt.Errorf("read config: %w", err)
	}
	// The program is single-threaded; a second processor is for the collector.
	runtime.GOMAXPROCS(2)
	os.Clearenv()
	applied, err := confine.Apply(confine.Config{Dirs: []string{cfg.Root, cfg.Cache}, MaxMemory: cfg.MaxMemory})
	if err != nil {
		return fmt.Errorf("confine worker: %w", err)
	}
	ctx := context.Background()
	e, err := newEngine(ctx, cfg.Cache, cfg.Keep, cfg.Interpret)
	if err != nil {
		return err
	}
	if err := putJSON(out, frameReady, ready{applied, confine.CPUMillis()}); err != nil {
		return err
	}
	for {
		kind, b, err := getFrame(in, &buf)
		if err != nil {
			return err
		}
		if kind != frameTask {
			return fmt.Errorf("frame %q where a task should be", kind)
		}
		var t task
		if err := json.Unmarshal(b, &t); err != nil {
			return fmt.Errorf("read task: %w", err)
		}
		result, err := perform(ctx, e, t, in, out)
		if err != nil {
			return err
		}
		if err := putJSON(out, frameDone, result); err != nil {
			return err
		}
	}
}

// perform runs one task. The error is about the pipe to the box, and ends the worker.
func perform(ctx context.Context, e *engine, t task, in io.Reader, out io.Writer) (outcome, error) {
	cpu := confine.CPUMillis()
	confine.LimitHeap(t.Limits.MemoryBytes)
	module := e.has(t.Key)
	if module == nil {
		b, err := fetch(in, out)
		if err != nil {
			return outcome{}, err
		}
		if module, err = e.load(ctx, t.Key, b, t.Limits.MemoryBytes); err != nil {
			return outcome{Code: -1, Reason: sandbox.BadProgram, Message: err.Error(), CPUMillis: confine.CPUMillis() - cpu}, nil
		}
		// Compiling leaves many times the program's size behind.
		b = nil
		debug.FreeOSMemory()
	}
	result := e.run(ctx, module, t, out, func() error { return putFrame(out, frameStarted, nil) })
	result.CPUMillis = confine.CPUMillis() - cpu
	return result, nil
}

// fetch asks the box for the program's bytes.
func fetch(in io.Reader, out io.Writer) ([]byte, error) {
	if err := putFrame(out, frameNeed, nil); err != nil {
		return nil, err
	}
	var program bytes.Buffer
	var buf []byte
	for {
		kind, b, err := getFrame(in, &buf)
		switch {
		case err != nil:
			return nil, err
		case kind == frameEnd:
			return program.Bytes(), nil
		case kind != frameProgram:
			return nil, fmt.Errorf("frame %q in the middle of a program", kind)
		}
		program.Write(b)
	}
}
