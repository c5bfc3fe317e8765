// Package sandboxtest is the suite that every sandbox.Box passes, the fake included. It
// has a section for each capability; a section is skipped only when the box does not
// declare the capability and the caller says that it expects so.
package sandboxtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// Target is what is tested.
type Target struct {
	// New makes a box with two slots or more, for directories below root.
	New func(t testing.TB, root string) sandbox.Box
	// Program is the host path of the guest program (package guest), built for the
	// box's platform, and Key its content id.
	Program, Key string
	// Root is the host path of an image that holds the guest as /program, for boxes
	// that run images. Program is empty then.
	Root string
	// Skips names the sections that the box is expected not to run.
	Skips []string
}

// patience bounds every wait of the suite; it is far beyond what a loaded machine needs.
const patience = 2 * time.Minute

// lifetime bounds a section of many waits, against a hang.
const lifetime = 10 * patience

// Run runs the suite.
func Run(t *testing.T, target Target) {
	s := &suite{target: target, root: t.TempDir()}
	s.box = target.New(t, s.root)
	t.Cleanup(func() {
		if err := s.box.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	can := s.box.Capabilities()
	sections := []struct {
		name     string
		declared bool
		run      func(*testing.T, *suite)
	}{
		{"Attempts", true, testAttempts},
		{"Logs", can.Log, testLogs},
		{"Contract", can.Runs, testContract},
		{"BadPrograms", can.Runs, testBadPrograms},
		{"Files", can.Runs, testFiles},
		{"Escapes", can.Runs, testEscapes},
		{"Deterministic", can.Deterministic, testDeterministic},
		{"Wall", can.Wall, testWall},
		{"Memory", can.Memory, testMemory},
		{"Output", can.Output, testOutput},
		{"Flood", can.Runs && can.Log, testFlood},
		{"Images", can.Images, testImages},
		{"CPU", can.CPU, testCPU},
		{"Processes", can.Processes, testProcesses},
		{"Layer", can.Layer, testLayer},
		{"Interactive", can.Interactive, testInteractive},
		{"Outlives", can.Outlives, testOutlives},
		{"Freezes", can.Freezes, testFreezes},
		{"Moves", can.Moves, testMoves},
		{"Terminates", can.Terminates, testTerminates},
	}
	for _, skip := range target.Skips {
		if !slices.ContainsFunc(sections, func(x struct {
			name     string
			declared bool
			run      func(*testing.T, *suite)
		}) bool {
			return x.name == skip
		}) {
			t.Errorf("Skips names %q, which is no section", skip)
		}
	}
	for _, section := range sections {
		t.Run(section.name, func(t *testing.T) {
			expected := slices.Contains(target.Skips, section.name)
			switch {
			case !section.declared && expected:
				t.Skipf("%s does not declare it", can.Kind)
			case !section.declared:
				t.Fatalf("%s does not declare what this section needs, and the skip is not expected", can.Kind)
			case expected:
				t.Fatalf("%s is expected to skip this section but declares it", can.Kind)
			}
			section.run(t, s)
		})
	}
}

type suite struct {
	target Target
	root   string
	box    sandbox.Box
	n      int
}

// job is a Spec with directories of its own, and what came of it.
type job struct {
	t    *testing.T
	spec sandbox.Spec
	exit sandbox.Exit
}

// job makes a Spec that runs a verb of the guest.
func (s *suite) job(t *testing.T, args ...string) *job {
	t.Helper()
	s.n++
	dir := filepath.Join(s.root, fmt.Sprintf("job%d", s.n))
	j := &job{t: t, spec: sandbox.Spec{
		Program: s.target.Program, Key: s.target.Key, Args: args,
		In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"), Log: filepath.Join(dir, "log"),
		Start: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano(),
	}}
	if s.target.Root != "" {
		j.spec.Program, j.spec.Key, j.spec.Root = "", "", s.target.Root
		j.spec.Args = append([]string{"/program"}, args...)
	}
	for _, d := range []string{j.spec.In, j.spec.Out} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func (j *job) in(name, content string) *job {
	j.t.Helper()
	path := filepath.Join(j.spec.In, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		j.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		j.t.Fatal(err)
	}
	return j
}

func (s *suite) start(j *job) sandbox.Run {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.n++
	r, err := s.box.Start(ctx, fmt.Sprintf("attempt-%d", s.n), j.spec)
	if err != nil {
		j.t.Fatalf("start %v: %v", j.spec.Args, err)
	}
	return r
}

// run starts the job and waits for its end.
func (s *suite) run(j *job) *job {
	j.t.Helper()
	j.exit = wait(j.t, s.start(j))
	return j
}

func wait(t *testing.T, r sandbox.Run) sandbox.Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	exit, err := r.Wait(ctx)
	if err != nil {
		t.Fatalf("wait for %s: %v", r.ID(), err)
	}
	return exit
}

func (j *job) log() string {
	j.t.Helper()
	b, err := os.ReadFile(j.spec.Log)
	if err != nil {
		j.t.Fatal(err)
	}
	return string(b)
}

func (j *job) out(name string) string {
	j.t.Helper()
	b, err := os.ReadFile(filepath.Join(j.spec.Out, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(b)
}

// wantExit demands that the program ended by itself with this code.
func (j *job) wantExit(code int32) *job {
	j.t.Helper()
	if j.exit.Reason != sandbox.Exited || j.exit.Code != code {
		j.t.Fatalf("%v: %v (code %d), want exited with code %d; log:\n%s", j.spec.Args, j.exit, j.exit.Code, code, j.log())
	}
	return j
}

// wantReason demands an end that is not the program's own, explained.
func (j *job) wantReason(reason sandbox.Reason) *job {
	j.t.Helper()
	if j.exit.Reason != reason {
		j.t.Fatalf("%v: %v (code %d), want reason %q; log:\n%.2000s", j.spec.Args, j.exit, j.exit.Code, reason, j.log())
	}
	if j.exit.Code != -1 {
		j.t.Errorf("%v: code %d with reason %q, want -1", j.spec.Args, j.exit.Code, reason)
	}
	if m := j.exit.Message; !strings.HasSuffix(m, ".") && !strings.HasSuffix(m, "?") || strings.ContainsAny(m, "\n\x1b") {
		j.t.Errorf("%v: message %q is not a sentence on one line", j.spec.Args, m)
	}
	return j
}

// wantLog demands these lines, in any order.
func (j *job) wantLog(lines ...string) *job {
	j.t.Helper()
	have := strings.Split(j.log(), "\n")
	for _, l := range lines {
		if !slices.Contains(have, l) {
			j.t.Errorf("%v: no line %q in the log:\n%s", j.spec.Args, l, j.log())
		}
	}
	return j
}

// eventually polls until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// usage is the sum of file sizes and the number of files and directories below dir.
func usage(t *testing.T, dir string) (size, files int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == dir {
			return nil
		}
		files++
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size, files
}

// snapshot is every file below dir with its content.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %v\n", rel, d.Type())
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%q\n", content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
