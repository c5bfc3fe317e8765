package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Figure is one measured quantity: the median of its samples and how far they lay
// apart.
type Figure struct {
	Median  float64 `json:"median"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Samples int     `json:"samples"`
}

// Known reports whether it was measured.
func (f Figure) Known() bool { return f.Samples > 0 }

// Spread is the distance of the extremes as a share of the median.
func (f Figure) Spread() float64 {
	if f.Median == 0 {
		return 0
	}
	return (f.High - f.Low) / f.Median
}

// Of makes a Figure of samples.
func Of(samples []float64) Figure { return figure(samples) }

func figure(samples []float64) Figure {
	n := len(samples)
	if n == 0 {
		return Figure{}
	}
	s := slices.Sorted(slices.Values(samples))
	return Figure{Median: (s[(n-1)/2] + s[n/2]) / 2, Low: s[0], High: s[n-1], Samples: n}
}

// Figures are what Measure found. What was not measured is not Known.
type Figures struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	CPU     Class     `json:"cpu"`
	Cores   int       `json:"cores"`
	Memory  Memory    `json:"memory"`
	// One is one core's score with the others idle, Slot one core's with all at work:
	// steps a second, 1000 is the reference.
	One  Figure `json:"one"`
	Slot Figure `json:"slot"`
	// Copy is the bandwidth of memory with all cores copying, bytes read and written a
	// second.
	Copy Figure `json:"copy"`
	// Write and Read are the data directory's disk in bytes a second, Write with all of
	// it synced at the end; Sync is the time to keep 4 KiB, in milliseconds.
	Write Figure `json:"write"`
	Sync  Figure `json:"sync"`
	Read  Figure `json:"read"`
	// ReadCached: the system's memory could not be kept out of Read.
	ReadCached bool `json:"readCached,omitempty"`
	// Line is what came over the network, bytes a second; LineFrom is where from.
	Line     Figure `json:"line"`
	LineFrom string `json:"lineFrom,omitempty"`
	// WASM is one core's score inside the WASM sandbox. Measured by who has one.
	WASM Figure `json:"wasm"`
	// Interpreted: that sandbox has no compiler for this machine.
	Interpreted bool `json:"interpreted,omitempty"`
	// Missed says what could not be measured, and why.
	Missed []string `json:"missed,omitempty"`
}

// figuresVersion rises when figures of an earlier program say nothing about this one:
// another kernel, another reference.
const figuresVersion = 1

// CompiledRatio is WASM's score over that of the same rounds as native code, where
// wazero has its compiler, measured on the reference machine. WASM slots are
// normalised by it, so that 1000 is the reference in either sandbox.
const CompiledRatio = 0.94

// Speed is one slot's score for an offer: of all cores at work, the best sample,
// since what else runs on a machine only ever takes away from it. Where WASM is
// interpreted it is lower by as much as the interpreter is slower than the compiler. 0:
// not measured.
func (f Figures) Speed() uint32 {
	switch {
	case !f.Slot.Known() || f.Interpreted && !f.WASM.Known():
		return 0
	case f.Interpreted:
		return toScore(min(f.WASM.High/CompiledRatio, f.Slot.High))
	}
	return toScore(f.Slot.High)
}

// Encode returns the figures as they are kept in a file.
func (f Figures) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// ErrFigures is what DecodeFigures says of a file that holds none, or none of this
// program's; measuring again replaces it.
var ErrFigures = errors.New("no figures of this program")

// DecodeFigures reads what Encode wrote.
func DecodeFigures(b []byte) (Figures, error) {
	var f Figures
	if err := json.Unmarshal(b, &f); err != nil {
		return Figures{}, fmt.Errorf("read figures: %w: %w", ErrFigures, err)
	}
	if f.Version != figuresVersion {
		return Figures{}, fmt.Errorf("read figures: %w: version %d", ErrFigures, f.Version)
	}
	for _, g := range []Figure{f.One, f.Slot, f.Copy, f.Write, f.Sync, f.Read, f.Line, f.WASM} {
		for _, v := range []float64{g.Median, g.Low, g.High} {
			if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
				return Figures{}, fmt.Errorf("read figures: %w: %v", ErrFigures, v)
			}
		}
	}
	return f, nil
}

// Options say what to measure.
type Options struct {
	System System
	// Dir is a directory on the disk to measure; what is written there is removed
	// again. Empty: no disk.
	Dir string
	// Free is how many bytes may be written in Dir at most, 0: 64 MiB. Less is used.
	Free uint64
	// Line opens something to read from the network, as fast as it comes; nil: the line
	// stays unknown. LineFrom says what it is.
	Line     func(ctx context.Context) (io.ReadCloser, error)
	LineFrom string
	// Quick: the processor alone, in about a second.
	Quick bool
	// Now is the clock for Figures.At; nil: time.Now.
	Now func() time.Time
}

// How long the parts take at most, on an idle machine; together below 10 s.
const (
	coreSample = 150 * time.Millisecond
	coreTimes  = 7
	quickTimes = 3
	copySample = 80 * time.Millisecond
	copyTimes  = 7
	diskFor    = 3 * time.Second // and the sample that it ends in
	lineFor    = 4 * time.Second
	lineBytes  = 64 << 20
)

// Measure measures the machine. What cannot be measured is said in Figures.Missed; the
// error is ctx's alone. Others at work on the machine make it slower than it is: that is
// seen in the spread.
func Measure(ctx context.Context, o Options) (Figures, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	f := Figures{Version: figuresVersion, At: o.Now().UTC().Truncate(time.Second), CPU: o.System.CPU(), Cores: o.System.Cores()}
	miss := func(err error) {
		if err != nil && ctx.Err() == nil {
			f.Missed = append(f.Missed, err.Error())
		}
	}
	var err error
	f.Memory, err = o.System.Memory()
	miss(err)
	times := coreTimes
	if o.Quick {
		times = quickTimes
	}
	f.One = cores(ctx, 1, times)
	f.Slot = f.One
	if f.Cores > 1 {
		f.Slot = cores(ctx, f.Cores, times)
	}
	if !o.Quick {
		f.Copy = copying(ctx, f.Cores, f.Memory)
		if o.Dir != "" {
			miss(disk(ctx, o, &f))
		}
		if o.Line != nil {
			miss(line(ctx, o, &f))
		}
	}
	if err := ctx.Err(); err != nil {
		return Figures{}, fmt.Errorf("measure this machine: %w", err)
	}
	return f, nil
}

// cores lets n cores do steps and returns one core's score. A sample counts the steps
// that all of them did.
func cores(ctx context.Context, n, times int) Figure {
	ms := make([]*scratch, n)
	for i := range ms {
		ms[i] = new(scratch)
	}
	var samples []float64
	for k := range times + 1 {
		done := together(ctx, n, coreSample, func(i int) float64 {
			ms[i].step([32]byte{byte(i), byte(i >> 8), byte(k)}, 0, 0)
			return 1
		})
		if k > 0 && done > 0 { // the first sample wakes the processor up
			samples = append(samples, done/float64(n))
		}
	}
	return figure(samples)
}

// together runs do on n threads for about d and returns the sum of what they returned
// per second, each by its own clock.
func together(ctx context.Context, n int, d time.Duration, do func(i int) float64) float64 {
	rates := make([]float64, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			<-start
			began := time.Now()
			var sum float64
			for time.Since(began) < d && ctx.Err() == nil {
				sum += do(i)
			}
			if e := time.Since(began).Seconds(); e > 0 {
				rates[i] = sum / e
			}
		})
	}
	close(start)
	all.Wait()
	var sum float64
	for _, r := range rates {
		sum += r
	}
	return sum
}

// copying measures the bandwidth of memory.
func copying(ctx context.Context, n int, m Memory) Figure {
	// More than any cache has for a core, and little of what is free.
	size := 32 << 20
	if room := m.Available / 16 / uint64(n); m.Available > 0 {
		size = int(min(max(room, 4<<20), uint64(size)))
	}
	from, to := make([][]byte, n), make([][]byte, n)
	for i := range from {
		from[i], to[i] = make([]byte, size), make([]byte, size)
		for j := 0; j < size; j += 4096 {
			from[i][j], to[i][j] = 1, 1 // a page that was never written is not there
		}
	}
	var samples []float64
	for range copyTimes {
		if rate := together(ctx, n, copySample, func(i int) float64 { return 2 * float64(copy(to[i], from[i])) }); rate > 0 {
			samples = append(samples, rate)
		}
	}
	return figure(samples)
}

// line measures what comes over the network, in samples of a quarter of a second. It
// ends after lineFor or lineBytes.
func line(ctx context.Context, o Options, f *Figures) error {
	ctx, cancel := context.WithTimeout(ctx, lineFor)
	defer cancel()
	r, err := o.Line(ctx)
	if err != nil {
		return fmt.Errorf("measure line from %s: %w", o.LineFrom, err)
	}
	defer r.Close()
	const sample = 250 * time.Millisecond
	var samples []float64
	buf := make([]byte, 64<<10)
	var got, all int64
	began := time.Now()
	for last := began; all < lineBytes; {
		n, readErr := r.Read(buf)
		got, all = got+int64(n), all+int64(n)
		if e := time.Since(last); e >= sample {
			samples = append(samples, float64(got)/e.Seconds())
			got, last = 0, time.Now()
		}
		if readErr != nil {
			break
		}
	}
	// One burst that ended at once is no sample of a line.
	if e := time.Since(began); len(samples) == 0 && all >= 1<<20 && e > 0 {
		samples = append(samples, float64(all)/e.Seconds())
	}
	if len(samples) == 0 {
		return fmt.Errorf("measure line from %s: %d bytes came, too few to tell; hint: name something of some MiB", o.LineFrom, all)
	}
	f.Line, f.LineFrom = figure(samples), o.LineFrom
	return nil
}
