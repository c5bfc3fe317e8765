package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// hostileTests are the tests of sandbox/gvisor whose programs attack the host or a limit.
const hostileTests = `^(TestConformance|TestAllocation|TestLayerBeyondMemory|TestHostPorts|TestNetwork|TestNothingIsLeft)$`

// benign are sections of the suite that hold no attack.
var benign = []string{"Attempts", "Logs", "Contract", "BadPrograms", "Files", "Deterministic", "Interactive", "Outlives"}

// hostile runs the programs that attack, and counts those that got nowhere. A test that
// fails is a figure here, not an error.
func (b *bench) hostile(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "test", "-count=1", "-json", "-run", hostileTests, "./sandbox/gvisor")
	out, err := c.Output() // it fails when a test does
	results := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var e struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Test != "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			results[e.Test] = e.Action
		}
	}
	count := map[string]int{}
	var failed []string
	for name, result := range results {
		if parent(name, results) || slices.ContainsFunc(benign, func(s string) bool { return strings.HasPrefix(name+"/", "TestConformance/"+s+"/") }) {
			continue
		}
		if count[result]++; result == "fail" {
			failed = append(failed, name)
		}
	}
	if count["pass"]+count["fail"] == 0 {
		return fmt.Errorf("run hostile programs: no result: %w\n%.2000s", err, out)
	}
	note := "tests of sandbox/gvisor: " + fmt.Sprint(count["skip"]) + " skipped"
	if slices.Sort(failed); len(failed) > 0 {
		note += "; failed: " + strings.Join(failed, ", ")
	}
	b.add("hostile programs contained", "all", fmt.Sprintf("%d of %d", count["pass"], count["pass"]+count["fail"]), note)
	return nil
}

// parent says whether other tests ran within that one.
func parent(name string, all map[string]string) bool {
	for other := range all {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}
