package renter

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// Whatever the clock is set to, an honest host's task ends as it would have, by
// its first attempt, and is paid to the unit.
func TestClockIsSetWhileATaskRuns(t *testing.T) {
	for _, jump := range []time.Duration{time.Second, -time.Second, 5 * time.Minute, -5 * time.Minute, time.Hour, -time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			live(t, 1, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(spec(1))
					time.Sleep(2 * time.Second)
					must(w.r.do(t.Context(), func(*tx) { w.skew = jump }))
					j, ts := w.end(id, time.Minute)
					if j.Phase != job.Finished || len(ts[0].Attempts) != 1 || j.Spent.IsZero() {
						t.Errorf("the job is %s, attempts %+v, spent %s", j.Phase, ts[0].Attempts, j.Spent)
					}
					time.Sleep(10 * time.Second)
					if st, err := w.r.Status(t.Context()); err != nil || len(st.Leases) != 0 {
						t.Errorf("leases %+v, error %v", st.Leases, err)
					}
				})
			})
		})
	}
}

// A host that dies is replaced in time, wherever the clock has gone.
func TestClockIsSetWhileAHostIsSilent(t *testing.T) {
	for _, jump := range []time.Duration{2 * time.Minute, -2 * time.Minute} {
		t.Run(jump.String(), func(t *testing.T) {
			live(t, 2, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(spec(1))
					time.Sleep(2 * time.Second)
					w.sellers[0].stop()
					time.Sleep(10 * time.Second)
					must(w.r.do(t.Context(), func(*tx) { w.skew = jump }))
					time.Sleep(5 * time.Second)
					if _, ts, err := w.r.Job(t.Context(), id); err != nil || ts[0].State != job.Out || ts[0].Attempts[0].Fenced {
						t.Errorf("replaced after 15 s of silence: %+v, %v", ts[0], err)
					}
					if j, _ := w.end(id, 20*time.Second); j.Phase != job.Finished {
						t.Errorf("the job is %s", j.Phase)
					}
				})
			})
		})
	}
}

// Who refused while the clock was fast is asked again in time when it is right.
func TestRestsOutlastNoClock(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.skew = time.Hour
		s := w.sellers[0]
		w.run(func() {
			must(w.r.do(t.Context(), func(x *tx) { w.r.shy[s.key.NodeID()] = time.UnixMilli(x.now).Add(shyFor) }))
			id := w.submit(spec(1))
			must(w.r.do(t.Context(), func(*tx) { w.skew = 0 }))
			if j, _ := w.end(id, time.Minute); j.Phase != job.Finished {
				t.Errorf("the job is %s", j.Phase)
			}
		})
	})
}

// A renter that stood still for a minute blames nobody for it.
func TestAfterStandingStill(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(spec(1))
			time.Sleep(2 * time.Second)
			must(w.r.do(t.Context(), func(x *tx) {
				back := -time.Minute.Milliseconds()
				for _, b := range w.r.leases { // a minute goes by
					b.Bought = b.Shifted(back)
					b.patient += back
				}
				w.r.ticked += back
				w.r.tick(x)
				for _, b := range w.r.leases {
					if b.silent != job.Fine {
						t.Errorf("%s is silent", b.node.Short())
					}
				}
			}))
			j, ts := w.end(id, time.Minute)
			if j.Phase != job.Finished || len(ts[0].Attempts) != 1 {
				t.Errorf("the job is %s, attempts %+v", j.Phase, ts[0].Attempts)
			}
		})
	})
}

// What ended while the renter stood still is heard before anything is taken from its host,
// however long ago that was due.
func TestWhatEndedMeanwhileIsHeard(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(spec(1))
			time.Sleep(2 * time.Second)
			must(w.r.do(t.Context(), func(*tx) { time.Sleep(DefaultPolicy.Stall + time.Minute) }))
			j, ts := w.end(id, time.Minute)
			if at := ts[0].Attempts; j.Phase != job.Finished || len(at) != 1 || at[0].Fenced {
				t.Errorf("the job is %s, attempts %+v", j.Phase, at)
			}
			if n := w.sellers[0].did(wire.MethodCancel); n != 0 {
				t.Errorf("its host was told %d times to stop what it had ended", n)
			}
		})
	})
}

// A machine that has slept finds its lease as it was: nobody was listened to.
func TestAfterASleep(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.run(func() {
			id := w.submit(spec(1))
			time.Sleep(2 * time.Second)
			must(w.r.do(t.Context(), func(x *tx) {
				for _, b := range w.r.leases { // an hour goes by
					b.Bought = b.Shifted(-time.Hour.Milliseconds())
				}
				w.r.jumped(x, core.Jump{Slept: time.Hour})
			}))
			j, ts := w.end(id, time.Minute)
			if j.Phase != job.Finished || len(ts[0].Attempts) != 1 {
				t.Errorf("the job is %s, attempts %+v", j.Phase, ts[0].Attempts)
			}
		})
	})
}

// A keeper that was away while the clock was fast is told what to let go in time when
// the clock is right.
func TestKeepersAreToldWhateverTheClock(t *testing.T) {
	live(t, 0, func(t *testing.T, w *world) {
		w.skew = time.Hour
		w.run(func() {
			k := testKey(99).NodeID()
			must(w.r.do(t.Context(), func(x *tx) {
				w.r.letDrop(artel.Keeper{Node: k, Addrs: []string{"/memory/p2p/" + k.String()}}, artel.Hash{1}, x.now)
			}))
			time.Sleep(dropEvery + callFor + time.Second) // nobody is there
			must(w.r.do(t.Context(), func(*tx) { w.skew = 0 }))
			var told atomic.Int64
			h := w.net.NewHost(mem.Config{ID: k, Network: network, Wire: p2p.Versions{Min: 1, Max: 1}})
			h.Handle(wire.MethodKept, wire.MaxKept, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
				if m, err := wire.UnmarshalKeptRequest(req); err == nil && m.Drop {
					told.Add(int64(len(m.Tasks)))
				}
				return wire.KeptResponse{}.Marshal(), nil
			})
			ctx, cancel := context.WithCancel(t.Context())
			down := make(chan struct{})
			go func() { _ = h.Run(ctx); close(down) }()
			time.Sleep(2 * time.Minute)
			cancel()
			<-down
			if n := told.Load(); n != 1 {
				t.Errorf("in two minutes it was told of %d tasks", n)
			}
		})
	})
}
