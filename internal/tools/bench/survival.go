package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
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
	return nil
}
