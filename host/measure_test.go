package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// The kernel's rounds are those of sandbox/wasm's program: the same number there.
func TestWalkIsThatOfWASM(t *testing.T) {
	m := new(scratch)
	r := m.walk(registers{1, 2, 3, 4, 1.5}, 50_000)
	const want = 0x558d091816a97839
	if got := r.a ^ r.b ^ r.c ^ r.d ^ math.Float64bits(r.f); got != want {
		t.Errorf("walk = %#x, want %#x", got, uint64(want))
	}
}

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 1, 12, 0, 0, 5, time.UTC)
	f, err := Measure(t.Context(), Options{
		System: Local(), Dir: dir, Free: 64 << 20, LineFrom: "memory", Now: func() time.Time { return at },
		Line: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(zeros{}, 8<<20)), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]Figure{"one": f.One, "slot": f.Slot, "copy": f.Copy, "write": f.Write, "sync": f.Sync, "read": f.Read, "line": f.Line} {
		if !g.Known() || g.Median <= 0 || g.Low > g.Median || g.High < g.Median || g.Spread() < 0 {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if !f.At.Equal(at.Truncate(time.Second)) || f.LineFrom != "memory" || f.Speed() == 0 || len(f.Missed) > 0 || f.WASM.Known() {
		t.Errorf("%+v", f)
	}
	if es, err := os.ReadDir(dir); err != nil || len(es) > 0 {
		t.Errorf("left behind: %v, %v", es, err)
	}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeFigures(b); err != nil || back.Slot != f.Slot || back.CPU.Hash != f.CPU.Hash || !back.At.Equal(f.At) {
		t.Errorf("back: %+v, %v", back, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestMeasureSaysWhatItMissed(t *testing.T) {
	s := Local()
	s.Files = machine(nil).Files
	s.TotalMemory = nil
	f, err := Measure(t.Context(), Options{
		System: s, Dir: t.TempDir() + "/none", LineFrom: "http://x",
		Line: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("short")), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(f.Missed, "; ")
	for _, want := range []string{"memory", "disk", "line from http://x: 5 bytes"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q does not mention %q", all, want)
		}
	}
	if f.Line.Known() || f.Write.Known() || f.Memory.Total != 0 {
		t.Errorf("invented: %+v", f)
	}
	if f, err := Measure(t.Context(), Options{System: Local(), Dir: t.TempDir(), Free: 1 << 20, Quick: true}); err != nil || f.Write.Known() || f.Copy.Known() || !f.Slot.Known() {
		t.Errorf("quick: %+v, %v", f, err)
	}
}

func TestMeasureStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := Measure(ctx, Options{System: Local(), Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("Measure = %v", err)
	}
	if es, _ := os.ReadDir(dir); len(es) > 0 {
		t.Errorf("left behind: %v", es)
	}
}

func TestNoRoomForTheDisk(t *testing.T) {
	var f Figures
	if err := disk(t.Context(), Options{Dir: t.TempDir(), Free: 1 << 20}, &f); err == nil || f.Write.Known() {
		t.Errorf("disk = %v, %+v", err, f.Write)
	}
}

func TestSpeedOfAnOffer(t *testing.T) {
	fig := func(v float64) Figure { return Figure{Median: v, Low: v, High: v, Samples: 1} }
	for name, c := range map[string]struct {
		f    Figures
		want uint32
	}{
		"not measured":     {Figures{}, 0},
		"compiled":         {Figures{One: fig(1100), Slot: fig(900), WASM: fig(500)}, 900},
		"interpreted":      {Figures{Slot: fig(900), WASM: fig(16), Interpreted: true}, 17},
		"not more than it": {Figures{Slot: fig(900), WASM: fig(9000), Interpreted: true}, 900},
		"wasm unknown":     {Figures{Slot: fig(900), Interpreted: true}, 0},
		"slow":             {Figures{Slot: fig(0.2)}, 1},
	} {
		if got := c.f.Speed(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    Figure
	}{
		{nil, Figure{}}, {[]float64{3}, Figure{3, 3, 3, 1}}, {[]float64{9, 1, 2}, Figure{2, 1, 9, 3}}, {[]float64{4, 1, 2, 8}, Figure{3, 1, 8, 4}},
	} {
		if got := figure(c.samples); got != c.want {
			t.Errorf("figure(%v) = %+v, want %+v", c.samples, got, c.want)
		}
	}
}

func FuzzDecodeFigures(f *testing.F) {
	f.Add([]byte(`{"version":1,"slot":{"median":5,"samples":1}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"slot":{"median":-5,"samples":1}}`))
	f.Add(bytes.Repeat([]byte("["), 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeFigures(b)
		if err != nil && !errors.Is(err, ErrFigures) {
			t.Fatal(err)
		}
		_ = v.Speed()
	})
}
