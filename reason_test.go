package artel

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every reason is listed, says something to a person, and has its row in the manual.
func TestReasons(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "job.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []Reason
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "Reason") || len(v.Values) != 1 {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, Reason(s))
		}
		return true
	})
	listed := Reasons()
	slices.Sort(declared)
	slices.Sort(listed)
	if len(declared) == 0 || !slices.Equal(declared, listed) {
		t.Errorf("declared are %q, listed %q", declared, listed)
	}
	manual, err := os.ReadFile("docs/jobs.md")
	if err != nil {
		t.Fatal(err)
	}
	unknown := Reason("splendid").Sentence(0)
	for _, r := range listed {
		if !bytes.Contains(manual, []byte("| `"+string(r)+"` | ")) {
			t.Errorf("docs/jobs.md has no row for %q", r)
		}
		if s := r.Sentence(1); s == "" || strings.HasPrefix(s, strings.TrimSuffix(unknown, "splendid")) {
			t.Errorf("%q says %q", r, s)
		}
	}
	if !strings.HasSuffix(unknown, "splendid") || !strings.Contains(ReasonExited.Sentence(3), "exit code 3") {
		t.Errorf("%q; %q", unknown, ReasonExited.Sentence(3))
	}
}
