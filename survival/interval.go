package survival

import (
	"math"
	"time"
)

// Bounds are the shortest and longest time between checkpoints. The zero value
// means 5 to 60 minutes; jobs may say otherwise, tests take seconds.
type Bounds struct{ Min, Max time.Duration }

func (b Bounds) orDefault() Bounds {
	if b.Min <= 0 {
		b.Min = 5 * time.Minute
	}
	if b.Max <= 0 {
		b.Max = time.Hour
	}
	b.Max = max(b.Max, b.Min)
	return b
}

// Interval is how long after the last checkpoint the next one begins, on a host of
// this age, when one costs the task so much time: √(2·cost/hazard), within the
// bounds. It grows while the host stays.
func Interval(w Weibull, age, cost time.Duration, b Bounds) time.Duration {
	b = b.orDefault()
	t := seconds(3600 * math.Sqrt(2*max(cost.Hours(), 0)/w.Hazard(age)))
	return min(b.Max, max(b.Min, t))
}

// Next is Interval on a host whose owner may have said until when it is lent: the
// last checkpoint is begun early enough to be elsewhere by then. ship is how long
// that takes from beginning to confirmation.
func Next(h Host, prior Weibull, cost, ship time.Duration, b Bounds) time.Duration {
	t := Interval(h.Model(prior), h.Age, cost, b)
	if h.Until > 0 {
		t = min(t, max(0, h.Until-ship-ship/4))
	}
	return t
}

// Cost is a running estimate of what a checkpoint takes: an exponentially weighted
// mean of what was measured. The zero value knows nothing.
type Cost struct {
	Mean time.Duration `json:"mean"`
	N    int           `json:"n"` // measurements
}

// recent is the weight of the newest measurement.
const recent = 0.3

// Observe takes a measurement in. The first ones count in full, so that a guess
// does not linger.
func (c Cost) Observe(d time.Duration) Cost {
	c.N++
	c.Mean += time.Duration(max(recent, 1/float64(c.N)) * float64(max(d, 0)-c.Mean))
	return c
}

// Or is the estimate, or guess as long as nothing was measured.
func (c Cost) Or(guess time.Duration) time.Duration {
	if c.N == 0 {
		return guess
	}
	return c.Mean
}

// Slowdown is the expected time of a long job by its undisturbed time, when
// hosts leave at a constant rate: M·e^(R/M)·(e^((T+δ)/M)−1)/T for mean time
// between failures M, restart R, checkpoint cost δ, interval T.
// Source: Daly, "A higher order estimate of the optimum checkpoint interval for
// restart dumps", Future Generation Computer Systems 2006.
func Slowdown(mtbf, cost, restart, interval time.Duration) float64 {
	m := mtbf.Hours()
	return m * math.Exp(restart.Hours()/m) * math.Expm1((interval+cost).Hours()/m) / interval.Hours()
}

// Gang is the mean time between failures of n hosts that stop together.
func Gang(mtbf time.Duration, n int) time.Duration { return mtbf / time.Duration(max(1, n)) }

// Daly is the interval for a constant rate: √(2·cost·M).
func Daly(mtbf, cost time.Duration) time.Duration {
	return seconds(3600 * math.Sqrt(2*cost.Hours()*mtbf.Hours()))
}

// Plan is a task's way over hosts that are alike.
type Plan struct {
	Age     time.Duration // of each host when it begins there
	Work    time.Duration // that the task needs, undisturbed
	Cost    time.Duration // by which a checkpoint holds it up
	Restart time.Duration // from a host's death to going on elsewhere
	Bounds  Bounds
}

// Expect is the expected time of the plan by the work in it: 1 is undisturbed. By
// the renewal-reward theorem it is the expected time on one host, restart
// included, by the expected work that is saved there, where no host is used for longer
// than the work takes.
func (p Plan) Expect(w Weibull) float64 {
	var useful, wall, t float64 // hours
	alive := func(at float64) float64 { return w.Survive(p.Age, seconds(at*3600)) }
	spend := func(d float64) { // while the host lives
		const steps = 8
		for range steps {
			wall += d / steps * (alive(t) + alive(t+d/steps)) / 2
			t += d / steps
		}
	}
	wall += p.Restart.Hours()
	for left := p.Work.Hours(); left > 1e-9; {
		step := min(left, Interval(w, p.Age+seconds(t*3600), p.Cost, p.Bounds).Hours())
		left -= step
		spend(step + p.Cost.Hours())
		useful += step * alive(t)
		if alive(t) < 1e-6 {
			break
		}
	}
	if useful == 0 {
		return math.Inf(1)
	}
	return wall / useful
}
