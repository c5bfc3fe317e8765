package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// survivalRows are what internal/simtest's TestLifetimes tells, in its order.
var survivalRows = []struct {
	name, what, target string
	goodput            bool
}{
	{"a day, fresh hosts", "24 h job on hosts with SETI@home's availability, in virtual time, × an undisturbed run", "≤ 1.10", false},
	{"a day, hosts up for a day", "the same, on hosts that have been up for a day", "≤ 1.05", false},
	{"a day, fresh hosts, no checkpoints", "the same without checkpoints, fresh hosts", "", false},
	{"a day, hosts up for a day, no checkpoints", "the same without checkpoints, hosts that have been up for a day", "", false},
	{"Salad's churn", "goodput of 1,000 tasks of 1 h on 100 hosts under Salad's churn", "≥ 97 %", true},
}

var lifetime = regexp.MustCompile(`: (\d+) of (\d+) finished, ([\d.]+) times undisturbed \(worst ([\d.]+)\), ([\d.]+) moves a task, goodput ([\d.]+), lost ([\d.]+) of the work`)

// survival plays long tasks on machines that come and go, with the real renter,
// providers, leases and jobs, in virtual time.
func (b *bench) survival(ctx context.Context) error {
	for _, r := range survivalRows {
		run := "^TestLifetimes$/^" + strings.ReplaceAll(r.name, " ", "_") + "$"
		out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "1h", "-v", "-run", run, "./internal/simtest", "-sim.lifetimes").CombinedOutput()
		m := lifetime.FindStringSubmatch(string(out))
		if m == nil {
			return fmt.Errorf("play %s: no result: %w\n%.2000s", r.name, err, out)
		}
		measured := m[3]
		if r.goodput {
			share, _ := strconv.ParseFloat(m[6], 64)
			measured = fmt.Sprintf("%.1f %%", 100*share)
		}
		lost, _ := strconv.ParseFloat(m[7], 64)
		b.add(r.what, r.target, measured, fmt.Sprintf("%s of %s finished, worst %s, %s moves a task, %.1f %% of the work lost", m[1], m[2], m[4], m[5], 100*lost))
	}
	return b.vanishes(ctx)
}

var (
	vanished = regexp.MustCompile(`vanished \d+: free after ([\d.]+) s, released after ([\d.]+) s`)
	booked   = regexp.MustCompile(`after (\d+) days: (\d+) lane-minutes .* p50 (\d+) s, p95 (\d+) s, most (\d+) s`)
)

// vanishes has providers go while they work, and looks at what is booked for nothing over
// a month, both in virtual time.
func (b *bench) vanishes(ctx context.Context) error {
	play := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "go", append([]string{"test", "-count=1", "-timeout", "2h", "-v", "./internal/simtest"}, args...)...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go test %s: %w\n%.2000s", strings.Join(args, " "), err, out)
		}
		return string(out), nil
	}
	out, err := play("-run", "^TestMoneyOfWhoVanished$", "-sim.vanish=20")
	if err != nil {
		return err
	}
	var free, released []float64
	for _, m := range vanished.FindAllStringSubmatch(out, -1) {
		f, _ := strconv.ParseFloat(m[1], 64)
		r, _ := strconv.ParseFloat(m[2], 64)
		free, released = append(free, f), append(released, r)
	}
	if len(free) == 0 {
		return fmt.Errorf("no result in %.2000s", out)
	}
	slices.Sort(free)
	slices.Sort(released)
	tell := func(what string, s []float64) {
		b.add("a provider vanishes → "+what+", unattended", "≤ 2 min", fmt.Sprintf("%.0f s", s[len(s)/2]), fmt.Sprintf("median of %d (%.0f to %.0f s), virtual time", len(s), s[0], s[len(s)-1]))
	}
	tell("its tasks and the money not booked for them can be used elsewhere", free)
	tell("the release of what is booked is on the ledger", released)
	if out, err = play("-run", "^TestMoneyOfAMonth$", "-sim.month=30"); err != nil {
		return err
	}
	all := booked.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return fmt.Errorf("no result in %.2000s", out)
	}
	m := all[len(all)-1]
	p95, _ := strconv.ParseFloat(m[4], 64)
	b.add("booked and promised to nobody, p95 over "+m[1]+" days, in time of the lease's price", "≤ 10 min", fmt.Sprintf("%.1f min", p95/60),
		fmt.Sprintf("of %s lane-minutes with any; p50 %s s, most %s s", m[2], m[3], m[5]))
	return nil
}
