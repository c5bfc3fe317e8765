// Command gotest runs `go test -json` with the given arguments and reports what
// a person, and CI, need: a line per package, the output of what failed, every
// skip with its reason, and a closing count. A skip that is not in skips.txt
// fails the run: a check that silently stopped running is no check.
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// skips.txt lists the tests that may skip, one a line: package and test name, and
// "user" where only an ordinary user may skip it, not root.
//
//go:embed skips.txt
var allowed string

// event is one line of go test -json; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

type key struct{ pkg, test string }

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(2)
	}
	r := report{output: map[key]*strings.Builder{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // a build that failed speaks plainly
			continue
		}
		r.take(e)
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	os.Exit(r.close(err))
}

type report struct {
	output                  map[key]*strings.Builder
	passed, failed, skipped int
	skips                   []string
	unexpected              []string
}

func (r *report) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		b := r.output[k]
		if b == nil {
			b = &strings.Builder{}
			r.output[k] = b
		}
		b.WriteString(e.Output)
		return
	case "build-fail":
		fmt.Print(r.text(k))
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	if e.Test == "" {
		r.pkg(e, k)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Printf("--- FAIL: %s %s (%.2fs)\n%s", e.Package, e.Test, e.Elapsed, r.text(k))
	case "skip":
		r.skipped++
		r.skip(e, k)
	}
	delete(r.output, k)
}

func (r *report) pkg(e event, k key) {
	switch e.Action {
	case "pass":
		fmt.Printf("ok  \t%s\t%.1fs\n", e.Package, e.Elapsed)
	case "fail":
		fmt.Printf("FAIL\t%s\t%.1fs\n%s", e.Package, e.Elapsed, r.text(k))
	}
	delete(r.output, k)
}

func (r *report) text(k key) string {
	if b := r.output[k]; b != nil {
		return b.String()
	}
	return ""
}

func (r *report) skip(e event, k key) {
	line := fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.text(k)))
	r.skips = append(r.skips, line)
	pkg := strings.TrimPrefix(e.Package, "github.com/artel-network/artel/")
	for l := range strings.Lines(allowed) {
		f := strings.Fields(l)
		if len(f) >= 2 && f[0] == pkg && f[1] == e.Test && (len(f) == 2 || f[2] == "user" && os.Getuid() != 0) {
			return
		}
	}
	r.unexpected = append(r.unexpected, line)
}

// reason is what the test said when it skipped.
func reason(out string) string {
	for l := range strings.Lines(out) {
		if _, text, ok := strings.Cut(l, ".go:"); ok {
			if _, text, ok = strings.Cut(text, ": "); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return "no reason given"
}

func (r *report) close(err error) int {
	if len(r.skips) > 0 {
		slices.Sort(r.skips)
		fmt.Printf("\nskipped:\n  %s\n", strings.Join(r.skips, "\n  "))
	}
	if len(r.unexpected) > 0 {
		fmt.Printf("\nunexpected skips, which fail the run (expected ones are in internal/tools/gotest/skips.txt):\n  %s\n", strings.Join(r.unexpected, "\n  "))
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	switch {
	case err != nil, r.failed > 0, len(r.unexpected) > 0:
		return 1
	case r.passed == 0:
		fmt.Println("no test ran")
		return 1
	}
	return 0
}
