package survival

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by || math.IsNaN(got) {
		t.Errorf("%s: %.4f, want %.4f ± %.4f", what, got, want, by)
	}
}

const h = time.Hour

// TestFit holds the model against what the fit's sources say of it.
func TestFit(t *testing.T) {
	w := SETI()
	near(t, "mean up, h", w.Mean().Hours(), 10.3, 0.1)
	near(t, "median up, h", w.Quantile(0.5).Hours(), 1.17, 0.01)
	near(t, "P(up > 4 h)", w.Survive(0, 4*h), 0.32, 0.005)
	near(t, "P(up > 24 h)", w.Survive(0, 24*h), 0.10, 0.005)
	for _, x := range []struct {
		age  time.Duration
		want float64
	}{{1 * h, 0.56}, {4 * h, 0.70}, {24 * h, 0.87}, {72 * h, 0.93}} {
		near(t, "P(another 4 h) at "+x.age.String(), w.Survive(x.age, 4*h), x.want, 0.006)
		p := w.Survive(x.age, 4*h)
		near(t, "and back", w.Left(x.age, 1-p).Hours(), 4, 0.001)
		// The hazard is what the chance falls by.
		dt := time.Minute
		near(t, "hazard", w.Hazard(x.age), -math.Log(w.Survive(x.age, dt))/dt.Hours(), 0.002)
	}
}

// TestGangs is the table of slowdowns of N synchronous nodes that was found by
// simulation: cost 1 min, restart 5 min, the best interval.
func TestGangs(t *testing.T) {
	for _, x := range []struct {
		mtbf time.Duration
		want [5]float64
	}{
		{10 * h, [5]float64{1.16, 1.26, 1.44, 1.82, 2.75}},
		{50 * h, [5]float64{1.06, 1.09, 1.14, 1.23, 1.38}},
		{200 * h, [5]float64{1.03, 1.04, 1.06, 1.09, 1.14}},
	} {
		for i, n := range []int{4, 8, 16, 32, 64} {
			m := Gang(x.mtbf, n)
			got := Slowdown(m, time.Minute, 5*time.Minute, Daly(m, time.Minute))
			near(t, "gang", got, x.want[i], 0.03*x.want[i])
		}
	}
}

// host draws how long a host of this age stays.
func host(rng *rand.Rand, w Weibull, age time.Duration) time.Duration {
	return w.Left(age, rng.Float64())
}

// play runs a job in virtual time, from host to host, each of this age at the
// start, and returns its time. rule says how long to work until the next
// checkpoint.
func play(rng *rand.Rand, w Weibull, p Plan, rule func(age time.Duration) time.Duration) (total time.Duration, hosts int) {
	for done := time.Duration(0); ; total += p.Restart {
		hosts++
		left := host(rng, w, p.Age)
		for up := time.Duration(0); ; {
			step := min(rule(p.Age+up), p.Work-done)
			if done+step >= p.Work && up+step <= left { // the end needs no checkpoint
				return total + up + step, hosts
			}
			if up+step+p.Cost > left {
				total += left
				break
			}
			up += step + p.Cost
			done += step
		}
		if total > 1000*p.Work {
			return total, hosts
		}
	}
}

func meanOf(t *testing.T, w Weibull, p Plan, rule func(age time.Duration) time.Duration) (slowdown, hosts float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	const jobs = 5_000
	for range jobs {
		total, n := play(rng, w, p, rule)
		slowdown += total.Hours() / p.Work.Hours() / jobs
		hosts += float64(n) / jobs
	}
	return slowdown, hosts
}

// TestDay: a job of 24 h on hosts with the availability of SETI@home, in virtual
// time, by the rule alone. Fresh hosts: at most 1.10 of an undisturbed run;
// hosts that have been up for a day: 1.05.
func TestDay(t *testing.T) {
	w := SETI()
	for _, x := range []struct {
		what          string
		age           time.Duration
		cost, restart time.Duration
		most          float64
		hosts, byHost float64
	}{
		{"fresh hosts", 0, time.Minute, 3 * time.Minute, 1.10, 6, 1},
		{"up for a day", 24 * h, time.Minute, 3 * time.Minute, 1.05, 1.7, 0.2},
		{"fresh hosts, a checkpoint of a second", 0, time.Second, 3 * time.Minute, 1.05, 6, 1},
		{"fresh hosts, restart 20 min", 0, time.Minute, 20 * time.Minute, 1.15, 6, 1},
		{"fresh hosts, cost 5 min", 0, 5 * time.Minute, 20 * time.Minute, 1.25, 6.5, 1},
	} {
		p := Plan{Age: x.age, Work: 24 * h, Cost: x.cost, Restart: x.restart}
		got, hosts := meanOf(t, w, p, func(age time.Duration) time.Duration { return Interval(w, age, x.cost, p.Bounds) })
		half, _ := meanOf(t, w, p, func(time.Duration) time.Duration { return 30 * time.Minute })
		t.Logf("%s: %.3f with %.1f hosts, expected %.3f; every 30 min: %.3f", x.what, got, hosts, p.Expect(w), half)
		if got > x.most {
			t.Errorf("%s: %.3f, at most %.2f", x.what, got, x.most)
		}
		near(t, "hosts", hosts, x.hosts, x.byHost)
		near(t, x.what+": expected", p.Expect(w), got, 0.02*got)
	}
	p := Plan{Age: 24 * h, Work: 24 * h, Cost: time.Minute, Restart: 3 * time.Minute}
	none, _ := meanOf(t, w, p, func(time.Duration) time.Duration { return 1000 * h })
	near(t, "without checkpoints, hosts up for a day", none, 1.44, 0.05)
}

// TestBlend: what is known of a host moves its chances the right way, and a
// stranger's word not far.
func TestBlend(t *testing.T) {
	w := SETI()
	long, short := []time.Duration{200 * h, 300 * h, 150 * h, 400 * h}, []time.Duration{10 * time.Minute, 5 * time.Minute, 20 * time.Minute, time.Minute}
	many := make([]time.Duration, 1000)
	own := Weibull{Shape: w.Shape, Scale: 20 * h}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range many {
		many[i] = host(rng, own, 0)
	}
	for _, x := range []struct {
		what   string
		host   Host
		lo, hi float64 // of the model's scale, in hours
	}{
		{"nothing is known", Host{}, 2.964, 2.964},
		{"its age alone changes the hazard, not the fit", Host{Age: 1000 * h}, 2.964, 2.964},
		{"it stayed long", Host{Ups: long}, 50, 200},
		{"it stayed long, and is up", Host{Ups: long, Age: 300 * h}, 70, 300},
		{"it left soon", Host{Ups: short}, 0.1, 1},
		{"one short stay says little", Host{Ups: short[:1]}, 1, 2.9},
		{"a long history is all that counts", Host{Ups: many}, 17, 23},
		{"it declares what is usual", Host{Availability: 0.81}, 2.96, 2.97},
		{"it declares the best", Host{Availability: 0.999999}, 17, 17.5},
		{"it declares everything", Host{Availability: 1}, 17, 17.5},
		{"it declares an hour a day", Host{Availability: 1.0 / 24}, 0.01, 0.02},
		{"it declares nonsense", Host{Availability: -3}, 2.964, 2.964},
	} {
		m := x.host.Model(w)
		if got := m.Scale.Hours(); got < x.lo-0.001 || got > x.hi+0.001 || m.Shape != w.Shape {
			t.Errorf("%s: scale %.3f h, want %.3f to %.3f", x.what, got, x.lo, x.hi)
		}
	}
	near(t, "survives 4 h at 24 h", Host{Age: 24 * h}.Survive(w, 4*h), 0.87, 0.006)
	if p := (Host{Age: 24 * h, Until: 3 * h}).Survive(w, 4*h); p != 0 {
		t.Errorf("chance of staying beyond the declared end: %v", p)
	}
	near(t, "within it", Host{Age: 24 * h, Until: 5 * h}.Survive(w, 4*h), 0.87, 0.006)
}

func TestInterval(t *testing.T) {
	w := SETI()
	wide := Bounds{Min: time.Millisecond, Max: 1e6 * h}
	for _, x := range []struct {
		what      string
		age, cost time.Duration
		b         Bounds
		lo, hi    time.Duration
	}{
		{"a host that has just come", 0, time.Minute, Bounds{}, 5 * time.Minute, 5 * time.Minute},
		{"five minutes old", 5 * time.Minute, time.Minute, Bounds{}, 10 * time.Minute, 11 * time.Minute},
		{"an hour old", h, time.Minute, Bounds{}, 21 * time.Minute, 22 * time.Minute},
		{"a day old", 24 * h, time.Minute, Bounds{}, 56 * time.Minute, 58 * time.Minute},
		{"a month old", 720 * h, time.Minute, Bounds{}, h, h},
		{"no cost", 24 * h, 0, Bounds{}, 5 * time.Minute, 5 * time.Minute},
		{"negative cost and age", -h, -h, Bounds{}, 5 * time.Minute, 5 * time.Minute},
		{"in seconds", 10 * time.Second, 10 * time.Millisecond, Bounds{Min: time.Second, Max: 10 * time.Second}, time.Second, 10 * time.Second},
		{"bounds the wrong way", 24 * h, time.Minute, Bounds{Min: 2 * h, Max: h}, 2 * h, 2 * h},
		{"free", h, time.Minute, wide, 21 * time.Minute, 22 * time.Minute},
	} {
		if got := Interval(w, x.age, x.cost, x.b); got < x.lo || got > x.hi {
			t.Errorf("%s: %s, want %s to %s", x.what, got, x.lo, x.hi)
		}
	}
	// It never falls while a host stays, and rises with the cost.
	before := time.Duration(0)
	for age := time.Duration(0); age < 100*h; age += 7 * time.Minute {
		got := Interval(w, age, time.Minute, wide)
		if got < before || got > Interval(w, age, 2*time.Minute, wide) {
			t.Fatalf("at %s: %s after %s", age, got, before)
		}
		before = got
	}
	if got := Next(Host{Age: 24 * h, Until: 30 * time.Minute}, w, time.Minute, 4*time.Minute, Bounds{}); got != 25*time.Minute {
		t.Errorf("before the host goes: %s", got)
	}
	if got := Next(Host{Age: 24 * h, Until: time.Minute}, w, time.Minute, 4*time.Minute, Bounds{}); got != 0 {
		t.Errorf("when the host goes at once: %s", got)
	}
}

func TestCost(t *testing.T) {
	var c Cost
	if c.Or(time.Minute) != time.Minute {
		t.Error("no guess")
	}
	c = c.Observe(10 * time.Second)
	if c.Or(time.Minute) != 10*time.Second {
		t.Errorf("after the first: %s", c.Mean)
	}
	for range 20 {
		c = c.Observe(2 * time.Second)
	}
	near(t, "after a change, s", c.Mean.Seconds(), 2, 0.05)
	c = c.Observe(100 * time.Second)
	near(t, "after one that was slow, s", c.Mean.Seconds(), 31.4, 0.1)
	if c = (Cost{}).Observe(-time.Second); c.Mean != 0 || c.N != 1 {
		t.Errorf("negative: %+v", c)
	}
}
