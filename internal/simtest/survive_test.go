package simtest

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel/survival"
)

func seti(r *rand.Rand, age time.Duration) time.Duration {
	return survival.SETI().Left(age, r.Float64())
}

func exponential(mean time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(-math.Log1p(-r.Float64()) * float64(mean)) }
}

func never(*rand.Rand) time.Duration { return 0 }

func lifetime(t *testing.T, x lifetimes) (out survived) {
	t.Helper()
	real := time.Now()
	synctest.Test(t, func(*testing.T) { out = x.run() })
	for _, b := range out.broken {
		t.Error(b)
	}
	t.Logf("%s: %d of %d finished, %.3f times undisturbed (worst %.3f), %.2f moves a task, goodput %.4f, lost %.4f of the work; simulated in %s",
		x.name, out.finished, x.tasks, out.slowdown, out.worst, out.moves, out.goodput, out.lost, time.Since(real).Round(time.Second))
	return out
}

// A job of some hours on machines that come and go as SETI@home's do.
func TestSurvives(t *testing.T) {
	x := lifetimes{
		name: "3 h on SETI@home's hosts", hosts: 20, tasks: 6, work: 3 * time.Hour, stay: seti, away: exponential(2 * time.Hour),
		pause: 10 * time.Second, ship: 50 * time.Second, restart: 2 * time.Minute, saves: true, within: 24 * time.Hour, seed: 1,
	}
	if out := lifetime(t, x); out.finished != x.tasks {
		t.Errorf("%d of %d finished", out.finished, x.tasks)
	}
}
