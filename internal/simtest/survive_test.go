package simtest

import (
	"flag"
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
	x.tell = t.Logf
	synctest.Test(t, func(*testing.T) { out = x.run() })
	for _, b := range out.broken {
		t.Error(b)
	}
	t.Logf("%s: %d of %d finished, %.3f times undisturbed (worst %.3f), %.2f moves a task, goodput %.4f, lost %.4f of the work, %d machines went in %.1f h; simulated in %s",
		x.name, out.finished, x.tasks, out.slowdown, out.worst, out.moves, out.goodput, out.lost, out.left, out.took.Hours(), time.Since(real).Round(time.Second))
	return out
}

// A job of some hours on machines that come and go as SETI@home's do.
func TestSurvives(t *testing.T) {
	x := lifetimes{
		name: "hours on SETI@home's hosts", hosts: 20, tasks: 6, work: shortHours * time.Hour, stay: seti, away: exponential(2 * time.Hour),
		pause: 2 * time.Second, ship: 50 * time.Second, restart: 2 * time.Minute, again: 20 * time.Second, saves: true, within: 24 * time.Hour, seed: 1,
	}
	if out := lifetime(t, x); out.finished != x.tasks {
		t.Errorf("%d of %d finished", out.finished, x.tasks)
	}
}

var lifetimes24 = flag.Bool("sim.lifetimes", false, "a day's tasks on machines that come and go, a thousand under Salad's churn: minutes")

// The figures of docs/benchmarks.md: see part survival of internal/tools/bench.
func TestLifetimes(t *testing.T) {
	if !*lifetimes24 {
		t.Skip("-sim.lifetimes is not set")
	}
	day := lifetimes{
		hosts: 24, tasks: 8, work: 24 * time.Hour, stay: seti, away: exponential(2 * time.Hour),
		pause: 2 * time.Second, ship: 50 * time.Second, restart: 2 * time.Minute, again: 20 * time.Second, saves: true, within: 5 * 24 * time.Hour, seed: 1,
	}
	old, none, oldNone, salad := day, day, day, day
	day.name = "a day, fresh hosts"
	old.name, old.age, old.away, old.hosts = "a day, hosts up for a day", 24*time.Hour, never, 30
	none.name, none.saves = "a day, fresh hosts, no checkpoints", false
	oldNone.name, oldNone.saves, oldNone.age, oldNone.away = "a day, hosts up for a day, no checkpoints", false, 24*time.Hour, never
	salad.name, salad.hosts, salad.tasks, salad.work, salad.within = "Salad's churn", 100, 1000, time.Hour, 5*24*time.Hour
	salad.stay = func(r *rand.Rand, _ time.Duration) time.Duration { return exponential(35 * time.Hour)(r) }
	salad.away = func(r *rand.Rand) time.Duration { return 10*time.Minute + exponential(20*time.Minute)(r) }
	for _, x := range []lifetimes{day, old, none, oldNone, salad} {
		t.Run(x.name, func(t *testing.T) {
			out := lifetime(t, x)
			if x.saves && out.finished != x.tasks {
				t.Errorf("%d of %d finished", out.finished, x.tasks)
			}
		})
	}
}
