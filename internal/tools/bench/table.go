package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// table is a part's rows, with the load that the machine had before it and has now.
func (b *bench) table(before string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured %s on %s, %d cores, %s, load %s before and %s after.\n\n", time.Now().UTC().Format("2006-01-02"), cpu(), runtime.NumCPU(), runtime.Version(), before, load())
	s.WriteString("| what | target | measured | spread and notes |\n|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", r.what, r.target, r.measured, r.note)
	}
	return s.String()
}

// replace puts text between a part's markers in a file.
func replace(path, part, text string) error {
	begin, end := "<!-- bench "+part+" -->\n", "<!-- /bench "+part+" -->"
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
