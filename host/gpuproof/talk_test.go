package gpuproof

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProgram runs the real program, by Python, with a libcuda that computes on the processor.
func TestProgram(t *testing.T) {
	for _, p := range []string{"gcc", "python3"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("there is no ", p)
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", filepath.Join(dir, "libcuda.so.1"), "testdata/cuda.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	libs := []string{"LD_LIBRARY_PATH=" + dir}
	talk, ready, err := start(t, libs)
	if err != nil {
		t.Fatal(err)
	}
	if ready.Name != "Processor" || ready.Devices != 1 || ready.Memory != 64<<20 || ready.Free != 64<<20 || ready.CUDA != 12080 {
		t.Errorf("%+v", ready)
	}
	for i := range byte(2) { // it can be asked again
		q := Question{Seed: [32]byte{i, 9}, Groups: 3, Passes: 2}
		a, digest, took, err := talk.Ask(q)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Verify(Standard, q, digest, 3, rand.Reader); err != nil || took <= 0 {
			t.Errorf("%v, after %v", err, took)
		}
		other := q
		other.Seed[5]++
		if err := a.Verify(Standard, other, digest, 1, rand.Reader); !errors.Is(err, ErrWrong) {
			t.Errorf("another question: %v", err)
		}
	}
	if _, _, _, err := talk.Ask(Question{Groups: 65, Passes: 1}); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "OUT_OF_MEMORY") {
		t.Errorf("more than there is: %v", err)
	}
	if _, _, err := start(t, libs, "1"); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "cuDeviceGet:") {
		t.Errorf("a device that is not there: %v", err)
	}
}

// start begins the program with more in its environment.
func start(t *testing.T, env []string, args ...string) (*Talk, Ready, error) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3: ", err)
	}
	cmd := exec.Command(python, append([]string{"-c", Program()}, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	return Open(out, in)
}

func TestTalkIsHostile(t *testing.T) {
	ready := `{"ready": {"name": "x"}}` + "\n"
	digest := `{"digest": "` + strings.Repeat("00", 32) + `"}` + "\n"
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":         {"", ErrFailed},
		"an error":        {`{"error": "no GPU\u001b[2J"}` + "\n", ErrFailed},
		"no JSON":         {"hello\n", ErrWrong},
		"a long line":     {strings.Repeat("x", maxLine+5000), ErrWrong},
		"no digest":       {ready + "{}\n", ErrWrong},
		"a short digest":  {ready + `{"digest": "00"}` + "\n", ErrWrong},
		"ends":            {ready + digest, ErrFailed},
		"sums too few":    {ready + digest + `{"sums": "AAAA"}` + "\n", ErrWrong},
		"sums no base64":  {ready + digest + `{"sums": "!"}` + "\n", ErrWrong},
		"sums too many":   {ready + digest + `{"sums": "` + strings.Repeat("A", 64<<10) + "\"}\n", ErrWrong},
		"not yet ready":   {digest, ErrWrong},
		"error, in sums":  {ready + digest + `{"error": "lost"}` + "\n", ErrFailed},
		"a number's line": {"7\n", ErrWrong},
	} {
		talk, _, err := Open(strings.NewReader(c.text), io.Discard)
		if err == nil {
			_, _, _, err = talk.Ask(Question{Groups: 2, Passes: 1})
		}
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTalk(f *testing.F) {
	f.Add([]byte("{\"ready\": {}}\n{\"digest\": \"00\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		talk, _, err := Open(bytes.NewReader(b), io.Discard)
		if err == nil {
			_, _, _, _ = talk.Ask(Question{Groups: 1, Passes: 1})
		}
	})
}

// TestDevice asks the first GPU of this machine, where it has one.
func TestDevice(t *testing.T) {
	if _, err := os.Stat("/dev/nvidiactl"); err != nil {
		t.Skip("no GPU here: ", err)
	}
	talk, ready, err := start(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := Fill(Standard, [32]byte{1}, ready.Free, 0.9, 8)
	a, digest, took, err := talk.Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v: %+v", ready, q.Measure(Standard, took.Seconds()))
	if err := a.Verify(Standard, q, digest, 4, rand.Reader); err != nil {
		t.Error(err)
	}
}
