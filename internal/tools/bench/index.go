package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// index runs the market's own benchmark.
func (b *bench) index(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "test", "./market", "-run", "^$", "-bench", "Query100k", "-benchtime", "1s")
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("benchmark the index: %w\n%s", err, out)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^BenchmarkQuery100k/(\S+?)(?:-\d+)?\s.*?([\d.]+) p50-µs\s+([\d.]+) p95-µs`).FindAllStringSubmatch(string(out), -1) {
		found = append(found, fmt.Sprintf("%s %s / %s", m[1], m[2], m[3]))
	}
	if len(found) == 0 {
		return fmt.Errorf("benchmark the index: no figure in\n%s", out)
	}
	b.add("offers an index matches: 100,000 offers, a query", "p50 ≤ 2 ms", strings.Join(found, ", "), "µs, p50 / p95, by kind of query")
	return nil
}
