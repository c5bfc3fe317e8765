//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// BenchmarkMove writes a running program down and lets it go on in another box. The
// program itself says for how long it did not run.
func BenchmarkMove(b *testing.B) {
	needs(b)
	for _, megabytes := range []int{20, 500} {
		b.Run(fmt.Sprintf("%dMB", megabytes), func(b *testing.B) {
			var took, paused, seen, resumed []time.Duration
			var bytes int64
			for b.Loop() {
				here, there := newBox(b, b.TempDir(), nil), newBox(b, b.TempDir(), nil)
				s := specOf(b, "gaps", strconv.Itoa(megabytes))
				s.Limits.MemoryBytes = 1 << 30
				r := begun(b, here, "here", "gap ", s)
				dir, at := b.TempDir(), time.Now()
				c, err := r.Checkpoint(b.Context(), dir, sandbox.CheckpointOptions{})
				if err != nil {
					b.Fatal(err)
				}
				took, paused, bytes = append(took, time.Since(at)), append(paused, time.Duration(c.PauseMillis)*time.Millisecond), c.Bytes
				until(b, "the program saw it", func() bool { return longest(b, s) >= time.Duration(c.PauseMillis/2)*time.Millisecond })
				seen = append(seen, longest(b, s))
				r.Kill()
				ended(b, r)
				m := again(b, s, dir)
				at = time.Now()
				moved, err := there.Start(b.Context(), "there", m)
				if err != nil {
					b.Fatal(err)
				}
				until(b, "it goes on", func() bool { info, err := os.Stat(m.Log); return err == nil && info.Size() > c.LogBytes })
				resumed = append(resumed, time.Since(at))
				moved.Kill()
				ended(b, moved)
				_ = os.RemoveAll(dir)
			}
			b.ReportMetric(median(took), "checkpoint-ms")
			b.ReportMetric(median(paused), "pause-ms")
			b.ReportMetric(median(seen), "pause-seen-ms")
			b.ReportMetric(median(resumed), "restore-ms")
			b.ReportMetric(float64(bytes)/1e6, "MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// longest is the last gap that the program gaps has written down.
func longest(t testing.TB, s sandbox.Spec) time.Duration {
	t.Helper()
	b, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndex(string(b), "gap ")
	if i < 0 {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b[i+4:])))
	return time.Duration(n) * time.Millisecond
}

// BenchmarkFreeze stops a program of 1,000 threads that all compute, and looks at what
// it uses of the processor a second later.
func BenchmarkFreeze(b *testing.B) {
	needs(b)
	box := newBox(b, b.TempDir(), nil)
	s := specOf(b, "spinners", "1000")
	s.Limits.Processes, s.Limits.CPUMillis, s.Limits.MemoryBytes = 2000, 2000, 1<<30
	r := begun(b, box, "spinners", "count ", s)
	var frozen, thawed []time.Duration
	var after int64
	used := func() int64 {
		u, err := r.(sandbox.Interactive).Usage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return u.CPUMillis
	}
	for b.Loop() {
		at := time.Now()
		if err := r.Freeze(b.Context()); err != nil {
			b.Fatal(err)
		}
		frozen = append(frozen, time.Since(at))
		before, end := used(), time.NewTimer(time.Second)
		<-end.C
		after = max(after, used()-before)
		info, err := os.Stat(s.Log)
		if err != nil {
			b.Fatal(err)
		}
		at = time.Now()
		if err := r.Thaw(b.Context()); err != nil {
			b.Fatal(err)
		}
		until(b, "it goes on", func() bool { now, err := os.Stat(s.Log); return err == nil && now.Size() > info.Size() })
		thawed = append(thawed, time.Since(at))
	}
	b.ReportMetric(median(frozen), "freeze-ms")
	b.ReportMetric(float64(slices.Max(frozen).Microseconds())/1000, "freeze-max-ms")
	b.ReportMetric(float64(after), "used-in-a-frozen-second-ms")
	b.ReportMetric(median(thawed), "thaw-ms")
	b.ReportMetric(0, "ns/op")
	r.Kill()
	ended(b, r)
}
