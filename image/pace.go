package image

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Pace is what a fetch has to bring while somebody else could go on with it: so that
// a source which only trickles does not keep an image from others. What it has
// brought is kept. The zero value is 512 KiB in 10 s.
type Pace struct {
	Bytes  int64
	Window time.Duration
}

func (p Pace) orDefault() Pace {
	if p.Bytes == 0 {
		p.Bytes = 512 << 10
	}
	if p.Window == 0 {
		p.Window = 10 * time.Second
	}
	return p
}

// widest is how often a fetch's window is doubled at most.
const widest = 6

// errSlow says that a fetch has brought too little while another could go on.
var errSlow = errors.New("too little came in time")

// flow is the pace of a fetch that has lost the lead so often. Each loss doubles the
// window: where every source is slow, each comes to its end.
type flow struct {
	Pace
	losses int
}

// keep breaks fetch off, with errSlow, once less than the pace has come in a window and
// another could go on. fetch tells of the bytes that come.
func (f flow) keep(ctx context.Context, another func() bool, fetch func(ctx context.Context, came func(n int64)) error) error {
	double := min(f.losses, widest)
	ctx, cancel := context.WithCancelCause(ctx)
	var moved atomic.Int64
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(f.Window << double)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if moved.Swap(0) < f.Bytes<<double && another() {
					cancel(errSlow)
					return
				}
			}
		}
	}()
	err := fetch(ctx, func(n int64) { moved.Add(n) })
	close(done)
	<-watched
	if err != nil && context.Cause(ctx) == errSlow {
		err = errSlow
	}
	cancel(nil)
	return err
}
