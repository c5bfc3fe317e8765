//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// TestGPU asks a GPU that is the processor, by the verb, the API, and Python.
func TestGPU(t *testing.T) {
	for _, p := range []string{"gcc", "python3"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("there is no ", p)
		}
	}
	lib := t.TempDir()
	if out, err := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", filepath.Join(lib, "libcuda.so.1"), "../../host/gpuproof/testdata/cuda.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	t.Setenv("LD_LIBRARY_PATH", lib) // the task's program runs here
	socket, c := visited(t)
	spec := artel.JobSpec{Name: "slow", Count: 1, Sandbox: sandboxImage, Wall: 1000, Tries: 1, Failover: artel.FailoverNormal, Box: artel.Box{Image: artel.Hash{1}}, Want: artel.Resources{GPUs: 1, GPUMemory: 32 << 20}}
	submit := func(key string, change func(*artel.JobSpec)) string {
		s := spec
		change(&s)
		j, err := c.Submit(t.Context(), api.SubmitRequest{Key: strings.Repeat(key, 16), Spec: s})
		if err != nil {
			t.Fatal(err)
		}
		return j.ID
	}
	with, without := submit("w", func(*artel.JobSpec) {}), submit("o", func(s *artel.JobSpec) { s.Want = artel.Resources{} })
	more := submit("m", func(s *artel.JobSpec) { s.Want.GPUMemory = 1 << 30 })
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, "artel"), append([]string{"gpu", "--dir", dir, "--socket", socket}, args...)...)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		code := 0
		var ee *exec.ExitError
		if err := cmd.Run(); errors.As(err, &ee) {
			code = ee.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Fatalf("artel gpu %q: exit code %d, want %d\n%s%s", args, code, want, &out, &errOut)
		}
		return out.String(), errOut.String()
	}
	few := []string{with, "--share", "0.05", "--passes", "2", "--checks", "1"}
	text, _ := run(0, few...)
	for _, want := range []string{"device     Processor, 64 MiB", "filled     3 MiB, multiplied 2 times", "TFLOPS", "recomputed here: right", "none of this model was asked before"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// As if another machine had been twice as fast.
	file := filepath.Join(dir, "gpus.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []known
	if err := json.Unmarshal(b, &list); err != nil || len(list) != 1 {
		t.Fatalf("%s: %v", b, err)
	}
	list[0].Device = 7
	list[0].TFLOPS *= 1000
	b, _ = json.Marshal(list)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, _ = run(0, few...); !strings.Contains(text, "times as long as 1 others of this model: it may have less memory") {
		t.Errorf("%s", text)
	}
	out, _ := run(0, append(few, "--json")...)
	var got shown
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Bytes != 3<<20 || got.Checked != 1 || got.Others != 1 || got.Slower < 10 {
		t.Errorf("%s: %v", out, err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no GPU":          {[]string{without}, 1, "has 0 GPUs"},
		"a second":        {[]string{with, "--device", "1"}, 1, "has 1 GPUs"},
		"less than sold":  {[]string{more}, 1, "the lease is for 1 GiB"},
		"no python":       {[]string{with, "--python", "not-there"}, 1, ""},
		"another program": {[]string{with, "--python", "true"}, 1, "it ended"},
		"bad share":       {[]string{with, "--share", "2"}, 2, "--share above 0"},
	} {
		if _, text := run(c.code, c.args...); !strings.Contains(text, c.want) || strings.Contains(text, "\x1b") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
