package wasm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// dataModule is a module whose data section holds these segments.
func dataModule(segments ...segment) []byte {
	body := []byte{byte(len(segments))}
	for _, s := range segments {
		body = append(body, 0, opI32Const)
		body = append(appendS32(body, int32(uint32(s.offset))), opEnd, byte(len(s.data)))
		body = append(body, s.data...)
	}
	if len(segments) > 127 || len(body) > 1<<14-1 {
		panic("too long for this helper")
	}
	head := []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x0b")
	return append(append(head, byte(len(body)&0x7f|0x80), byte(len(body)>>7)), body...)
}

// image is memory after a module's data segments were written in order.
func image(t testing.TB, module []byte) (memory [1 << 16]byte, segments int) {
	t.Helper()
	r := &reader{b: module[8:]}
	for len(r.b) > 0 && r.err == nil {
		id := r.byte()
		body := &reader{b: r.take(r.u32())}
		if id != sectionData {
			continue
		}
		segments = int(body.u32())
		for range segments {
			body.take(2)
			at := body.s32()
			body.byte()
			copy(memory[at:], body.take(body.u32()))
		}
		if body.err != nil || len(body.b) > 0 {
			t.Fatalf("the data section is damaged: %v, %d bytes left", body.err, len(body.b))
		}
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return memory, segments
}

func TestMergeData(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		var all []segment
		at := uint64(rng.IntN(100))
		for len(all) < 2+rng.IntN(50) && at < 60_000 {
			data := make([]byte, rng.IntN(40))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			all = append(all, segment{at, data})
			at += uint64(len(data) + rng.IntN(3*mergeGap))
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		before := dataModule(all...)
		kept := slices.Clone(before)
		after := mergeData(before)
		if !bytes.Equal(before, kept) {
			t.Fatal("the input was changed")
		}
		want, n := image(t, before)
		got, m := image(t, after)
		if want != got || m > n {
			t.Fatalf("round %d: %d segments became %d, and memory differs: %v", round, n, m, want != got)
		}
	}
	for name, segments := range map[string][]segment{
		"one":         {{0, []byte("a")}},
		"overlapping": {{0, []byte("abc")}, {2, []byte("d")}},
		"far apart":   {{0, []byte("abc")}, {60_000, []byte("d")}},
		"at the same": {{8, []byte("abc")}, {8, []byte("abc")}},
	} {
		if before := dataModule(segments...); !bytes.Equal(mergeData(before), before) {
			t.Errorf("%s: the module was changed", name)
		}
	}
	if _, n := image(t, mergeData(dataModule(segment{0, []byte("a")}, segment{100, []byte("b")}))); n != 1 {
		t.Errorf("two near segments became %d", n)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(dataModule(segment{0, []byte("a")}, segment{100, []byte("b")}))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x07\x0a\x01\x06_start\x00\x00\x0a\x04\x01\x02\x00\x0b"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\x0e\x01\x04wasi\x01f\x00\x00\x04\x01\x70\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = inspect(b, 1<<20)
		if out := mergeData(b); len(out) > 4*len(b)+2<<20 {
			t.Errorf("%d bytes became %d", len(b), len(out))
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("D\x00\x00\x00\x02{}"))
	f.Add([]byte("L\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		var buf []byte
		for {
			kind, msg, err := getFrame(r, &buf)
			if err != nil {
				return
			}
			var again bytes.Buffer
			if err := putFrame(&again, kind, msg); err != nil {
				t.Fatal(err)
			}
			if k, m, err := getFrame(&again, new([]byte)); err != nil || k != kind || !bytes.Equal(m, msg) {
				t.Fatalf("frame %q %q came back as %q %q, %v", kind, msg, k, m, err)
			}
		}
	})
}

func TestImplausibleOutcomes(t *testing.T) {
	good := outcome{Reason: sandbox.Exited}
	if !good.plausible(true) {
		t.Fatal("an ordinary exit is refused")
	}
	for name, change := range map[string]func(*outcome){
		"no reason":            func(o *outcome) { o.Reason = "" },
		"killed, it says":      func(o *outcome) { o.Reason = sandbox.Killed },
		"own reason":           func(o *outcome) { o.Reason = "fine" },
		"negative code":        func(o *outcome) { o.Code = -1 },
		"code with a trap":     func(o *outcome) { o.Reason = sandbox.Trapped },
		"negative output":      func(o *outcome) { o.OutputBytes = -1 },
		"negative processor":   func(o *outcome) { o.CPUMillis = -1 },
		"message with success": func(o *outcome) { o.Message = "pay me" },
		"endless message":      func(o *outcome) { o.Reason, o.Code, o.Message = sandbox.Lost, -1, string(make([]byte, 5000)) },
	} {
		o := good
		change(&o)
		if o.plausible(true) {
			t.Errorf("%s: %+v is believed", name, o)
		}
	}
	if good.plausible(false) {
		t.Error("an exit before the start is believed")
	}
}

func TestClock(t *testing.T) {
	c := &clock{now: 1 << 60}
	last := int64(0)
	for i := range 1000 {
		if i%10 == 0 {
			c.nanosleep([]int64{0, -5, 1, 1 << 62, 1<<63 - 1}[i/10%5])
		}
		sec, nsec := c.walltime()
		if now := sec*1e9 + int64(nsec); now < last {
			t.Fatalf("time ran from %d back to %d", last, now)
		} else {
			last = now
		}
		if c.mono < 0 || c.nanotime() < 0 {
			t.Fatal("negative time")
		}
	}
}

// BenchmarkEngine is what a worker does for a program that does nothing.
func BenchmarkEngine(b *testing.B) {
	dir := b.TempDir()
	prog := filepath.Join(dir, "noop.wasm")
	cmd := exec.Command("go", "build", "-o", prog, "github.com/artel-network/artel/sandbox/sandboxtest/noop")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(prog)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	e, err := newEngine(ctx, filepath.Join(dir, "cache"), 2, false)
	if err != nil {
		b.Fatal(err)
	}
	m, err := e.load(ctx, "noop", content, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	t := task{In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"), Limits: sandbox.DefaultLimits()}
	for _, d := range []string{t.In, t.Out} {
		if err := os.Mkdir(d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if o := e.run(ctx, m, t, io.Discard, func() error { return nil }); o.Reason != sandbox.Exited {
			b.Fatal(fmt.Sprint(o))
		}
	}
}

// TestWhoseTimeToPrepare: a program is not blamed for a host that had no time for it.
func TestWhoseTimeToPrepare(t *testing.T) {
	for cpu, want := range map[int64]sandbox.Reason{1_000: sandbox.Lost, 29_999: sandbox.Lost, 30_000: sandbox.BadProgram, 90_000: sandbox.BadProgram} {
		exit := sandbox.Exit{CPUMillis: cpu}
		(&Box{}).account(&exit, &worker{cmd: &exec.Cmd{}, stderr: &tail{}}, outOfPrepare, task{Limits: sandbox.Limits{PrepareMillis: 60_000}})
		if exit.Reason != want || exit.Code != -1 || exit.Message == "" {
			t.Errorf("after %d ms of 60 s: %v, want reason %q", cpu, exit, want)
		}
	}
}
