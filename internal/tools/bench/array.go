package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
)

// array runs arrays on simulated hosts of which some are slow and some hang. Their
// time is virtual: this machine has no part in the figures.
func (b *bench) array(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^TestArrays$", "./internal/simtest")
	out, err := c.CombinedOutput()
	lines := regexp.MustCompile(`array "(.*?)": ideal (\d+) s; with copies (\d+) s ([\d.]+) times, wasted ([\d.]+), (\d+) copies; without (\d+) s ([\d.]+) times`).FindAllStringSubmatch(string(out), -1)
	if len(lines) == 0 {
		return fmt.Errorf("simulate arrays: no figure: %w\n%.2000s", err, out)
	}
	for _, m := range lines {
		b.add("array on 8 hosts of 4 slots, "+m[1]+": makespan ÷ ideal; work for nothing", "", m[4]+"×; "+percent(m[5]),
			fmt.Sprintf("ideal %s s, %s s with %s copies; without copies %s s, %s×", m[2], m[3], m[6], m[7], m[8]))
	}
	return nil
}

func percent(share string) string {
	var f float64
	if _, err := fmt.Sscan(share, &f); err != nil {
		return share
	}
	return fmt.Sprintf("%.1f %%", 100*f)
}
