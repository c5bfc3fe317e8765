// Package survival says how long a host is likely to stay, and from that how often
// a task on it should be checkpointed. It is pure: ages, histories and measured
// costs go in, chances and intervals come out.
//
// Home machines die young: the chance that a host leaves in the next minute falls
// with the time it has been up, so its present uptime is the best free predictor of
// how long it will stay. The model is a Weibull distribution of uptimes with shape
// below 1, fitted to SETI@home's hosts (Javadi, Kondo, Vincent, Anderson,
// "Discovering Statistical Models of Availability in Large Distributed Systems",
// IEEE TPDS 2011; the figures are those of BOINC's simulator,
// CLIENT_AVAILABILITY_ALL_RANDOM_HOSTS). What is known of a host moves the scale
// and leaves the shape.
//
// The interval is Young's, √(2·cost·MTBF), with 1/MTBF the hazard at the host's
// age (Young 1974, Daly 2006).
//
// All durations are of a monotonic clock; chances are between 0 and 1.
package survival

import (
	"math"
	"time"
)

// Weibull is a distribution of uptimes: P(up > t) = exp(-(t/Scale)^Shape).
// Shape and Scale are above 0.
type Weibull struct {
	Shape float64
	Scale time.Duration
}

// SETI is the fit to the hosts of SETI@home whose uptimes are random.
func SETI() Weibull { return Weibull{Shape: 0.393, Scale: 10670400 * time.Millisecond} } // 2.964 h

// Mean is the expected uptime of a host that has just come: 10.3 h for SETI.
func (w Weibull) Mean() time.Duration {
	return seconds(w.Scale.Seconds() * math.Gamma(1+1/w.Shape))
}

// Quantile is the uptime that a share p of hosts does not reach.
func (w Weibull) Quantile(p float64) time.Duration {
	return seconds(w.Scale.Seconds() * math.Pow(-math.Log1p(-p), 1/w.Shape))
}

// cumulative is the cumulative hazard of so many seconds: -ln P(up > t).
func (w Weibull) cumulative(t float64) float64 {
	return math.Pow(max(t, 0)/w.Scale.Seconds(), w.Shape)
}

// Hazard is how many times an hour a host of this age leaves, at this instant.
// A host that has just come counts as a second old: the hazard at 0 has no bound.
func (w Weibull) Hazard(age time.Duration) float64 {
	scale := w.Scale.Hours()
	return w.Shape / scale * math.Pow(max(age.Hours(), 1.0/3600)/scale, w.Shape-1)
}

// Survive is the chance that a host of this age is still up after another d.
func (w Weibull) Survive(age, d time.Duration) float64 {
	return math.Exp(w.cumulative(age.Seconds()) - w.cumulative((max(age, 0) + max(d, 0)).Seconds()))
}

// Left is the time within which a host of this age leaves with chance p.
func (w Weibull) Left(age time.Duration, p float64) time.Duration {
	c := w.cumulative(age.Seconds()) - math.Log1p(-p)
	return seconds(w.Scale.Seconds()*math.Pow(c, 1/w.Shape)) - max(age, 0)
}

func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(s * 1e9)
}

// Host is what is known of a host. The zero value is a stranger that has just
// come.
type Host struct {
	// Age is its present uptime as we saw it: a host that says it has been up for
	// a year, and was first seen an hour ago, is an hour old.
	Age time.Duration
	// Ups are uptimes that we saw end. Those that ended as announced, by a drain
	// that lost nothing, do not count.
	Ups []time.Duration
	// Availability is the share of time that its owner declares; 0: nothing said.
	Availability float64
	// Until is how long from now the owner lends it at least, 0: nothing said.
	// When it is over the host drains, which is no death, but no work is done after
	// it either.
	Until time.Duration
}

// The weights with which what is known moves the fit.
const (
	// weight is how many uptimes of its own a host must show before they count as
	// much as what is known of all hosts.
	weight = 2
	// mean availability of hosts in Anderson and Fedak 2006, where 1/5 of the time
	// is lost.
	average = 0.81
	// A declaration is a stranger's word: the best is believed half, the worst
	// eightfold.
	bestFactor, worstFactor = 0.5, 8
)

// Model blends the fit to all hosts with what is known of one. For a Weibull
// distribution of known shape k the sum of t^k over all uptimes, ended or not, and
// the number of those that ended are all there is to know; with a Gamma prior the
// rate scale^-k is then (a+n)/(b+Σt^k) (Gelman et al., Bayesian Data Analysis,
// conjugate exponential model after t → t^k).
func (h Host) Model(prior Weibull) Weibull {
	k, scale := prior.Shape, prior.Scale.Hours()
	rate := math.Pow(scale, -k)
	if a := h.Availability; a > 0 && a < 1 {
		rate *= min(worstFactor, max(bestFactor, (1-a)/a/((1-average)/average)))
	} else if a >= 1 {
		rate *= bestFactor
	}
	ended, seen := float64(weight), weight/rate
	for _, up := range h.Ups {
		ended++
		seen += math.Pow(max(up.Hours(), 0), k)
	}
	// Of a host without a history its age says nothing more about its scale: the
	// fit to all hosts falls with age because it has the good ones among them.
	if len(h.Ups) > 0 {
		seen += math.Pow(max(h.Age.Hours(), 0), k)
	}
	return Weibull{Shape: k, Scale: seconds(math.Pow(seen/ended, 1/k) * 3600)}
}

// Survive is the chance that a task which begins now on the host, and takes d,
// is not cut off: neither by death nor by the end of the time it is lent for.
func (h Host) Survive(prior Weibull, d time.Duration) float64 {
	if h.Until > 0 && d > h.Until {
		return 0
	}
	return h.Model(prior).Survive(h.Age, d)
}
