package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/sandbox/wasm"
)

// freshFor is how long figures are believed: machines change rarely, their fans and
// their disks slowly.
const freshFor = 30 * 24 * time.Hour

// Measure measures this machine and keeps the figures in the data directory, where the
// next offer finds them. worker is the command of a sandbox worker. It takes up to ten
// seconds, or two where o.Quick says so, in which the machine should do nothing else. No
// lock is taken: it works beside a daemon.
func Measure(ctx context.Context, p datadir.Paths, worker []string, o host.Options) (host.Figures, error) {
	o.System, o.Dir = host.Local(), p.Root()
	if free, err := datadir.Free(p.Root()); err == nil {
		o.Free = free
	}
	f, err := host.Measure(ctx, o)
	if err != nil {
		return f, err
	}
	// Compiled programs are about as fast as the machine is; interpreted ones are not,
	// and an offer has to say so.
	f.Interpreted = !wasm.Compiled()
	if f.Interpreted || !o.Quick {
		samples, err := wasm.Speed(ctx, wasm.Options{Command: worker}, p.Root())
		switch {
		case ctx.Err() != nil:
			return f, fmt.Errorf("measure this machine: %w", ctx.Err())
		case err != nil:
			f.Missed = append(f.Missed, err.Error())
		}
		f.WASM = host.Of(samples)
	}
	b, err := f.Encode()
	if err != nil {
		return f, err
	}
	return f, datadir.WriteFile(p.Measured(), b, 0o600)
}

// Measured returns the figures of an earlier Measure. fs.ErrNotExist: there are none;
// host.ErrFigures: none that this program can read.
func Measured(p datadir.Paths) (host.Figures, error) {
	b, err := os.ReadFile(p.Measured())
	if err != nil {
		return host.Figures{}, fmt.Errorf("read figures of this machine: %w", err)
	}
	return host.DecodeFigures(b)
}

// fresh reports whether figures are of this machine as it is, and not too old.
func fresh(f host.Figures, now time.Time) bool {
	s := host.Local()
	age := now.Sub(f.At)
	return f.CPU.Hash == s.CPU().Hash && f.Cores == s.Cores() && age > -24*time.Hour && age < freshFor &&
		f.Interpreted == !wasm.Compiled() && (!f.Interpreted || f.WASM.Known()) && f.Speed() > 0
}

// speed is what an offer says of one slot: as measured before, or measured now, which
// takes a second or two.
func (o *owner) speed(ctx context.Context) (uint32, error) {
	f, err := Measured(o.n.c.Paths)
	if err == nil && fresh(f, time.Now()) {
		return f.Speed(), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.n.c.Log.Warn("measure this machine again", "error", err)
	}
	if f, err = Measure(ctx, o.n.c.Paths, o.n.c.Worker, host.Options{Quick: true}); err != nil {
		return 0, err
	}
	if f.Speed() == 0 {
		o.n.c.Log.Warn("this machine's speed is unknown, and its offer counts as the slowest", "missed", f.Missed)
	}
	o.n.c.Log.Info("measured this machine", "speed", f.Speed(), "spread", fmt.Sprintf("%.0f %%", 100*f.Slot.Spread()), "interpreted", f.Interpreted)
	return f.Speed(), nil
}
