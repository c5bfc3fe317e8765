package wasm_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// bench starts a warm box and returns a function that runs the no-op once.
func bench(b *testing.B) func(id int64) {
	root := b.TempDir()
	box := newBox(b, root, nil)
	in := filepath.Join(root, "in")
	if err := os.Mkdir(in, 0o755); err != nil {
		b.Fatal(err)
	}
	run := func(id int64) {
		out := filepath.Join(root, fmt.Sprint("out", id))
		if err := os.Mkdir(out, 0o755); err != nil {
			b.Error(err)
			return
		}
		r, err := box.Start(context.Background(), fmt.Sprint(id), sandbox.Spec{
			Program: built.noop, Key: "noop", In: in, Out: out, Log: out + ".log",
			Limits: sandbox.Limits{MemoryBytes: 128 << 20},
		})
		if err != nil {
			b.Error(err)
			return
		}
		if exit, _ := r.Wait(context.Background()); !exit.OK() {
			b.Error(exit)
		}
	}
	for i := range int64(4) { // compile, and make workers warm
		run(-1 - i)
	}
	return run
}

// BenchmarkNoop is a Go wasip1 program that does nothing, on a warm worker, with its
// directories and log: what any task pays on top of its own work.
func BenchmarkNoop(b *testing.B) {
	run := bench(b)
	var all []time.Duration
	b.ResetTimer()
	for i := range b.N {
		t := time.Now()
		run(int64(i))
		all = append(all, time.Since(t))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, "p95-ms")
}

// BenchmarkParallel keeps all slots busy.
func BenchmarkParallel(b *testing.B) {
	run := bench(b)
	var id atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			run(id.Add(1))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkStart is a worker's start, and the no-op from the compile cache on disk.
func BenchmarkStart(b *testing.B) {
	bench(b)(0) // fill the cache
	for b.Loop() {
		b.StopTimer()
		root := b.TempDir()
		box := newBox(b, root, nil)
		out := filepath.Join(root, "out")
		if err := os.Mkdir(out, 0o755); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		r, err := box.Start(context.Background(), "one", sandbox.Spec{Program: built.noop, Key: "noop", Out: out, Log: out + ".log"})
		if err != nil {
			b.Fatal(err)
		}
		if exit, _ := r.Wait(context.Background()); !exit.OK() {
			b.Fatal(exit)
		}
		b.StopTimer()
		box.Close()
		b.StartTimer()
	}
}
