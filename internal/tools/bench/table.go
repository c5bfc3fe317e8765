package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

func (b *bench) table(load0 string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured %s on %s, %d cores, %s, load %s before and %s after.\n\n", time.Now().UTC().Format("2006-01-02"), cpu(), runtime.NumCPU(), runtime.Version(), load0, load())
	s.WriteString("| what | target | measured | spread and notes |\n|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", r.what, r.target, r.measured, r.note)
	}
	return s.String()
}

// replace puts text between the markers of a file.
func replace(path, text string) error {
	const begin, end = "<!-- bench -->\n", "<!-- /bench -->"
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %q … %q", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}
