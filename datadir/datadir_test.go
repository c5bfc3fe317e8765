package datadir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b")
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{root, d.Blobs(), d.Work()} {
		fi, err := os.Stat(p)
		if err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want mode 0700", p, fi.Mode(), err)
		}
	}
	if v, err := ReadVersion(d.Paths); err != nil || v != Version {
		t.Errorf("ReadVersion = %d, %v", v, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err = Open(root)
	if err != nil {
		t.Fatalf("open again: %v", err)
	}
	d.Close()
}

func TestSecondDaemonIsRefused(t *testing.T) {
	root := t.TempDir()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = Open(root)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "by process ") || !strings.Contains(err.Error(), "hint:") {
		t.Fatalf("second Open: %v", err)
	}
}

// A process that dies without Close leaves no lock behind.
func TestLockDiesWithItsProcess(t *testing.T) {
	flock, err := exec.LookPath("flock")
	if err != nil {
		t.Skip("no flock(1) on this machine")
	}
	root := t.TempDir()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	cmd := exec.Command(flock, "-F", "-n", At(root).lock(), "sh", "-c", "echo locked; exec cat")
	in, _ := cmd.StdinPipe()
	defer in.Close()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 7)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(root); !errors.Is(err, ErrLocked) {
		t.Errorf("while held by another process: %v", err)
	}
	cmd.Process.Kill() // flock(1) became sh, which became cat, and the lock's file is still open in it
	cmd.Wait()
	d, err = Open(root)
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	d.Close()
}

func TestForeignAndOtherLayouts(t *testing.T) {
	cases := []struct {
		name, file, content string
		want                error
	}{
		{"somebody's files", "thesis.tex", "x", ErrForeign},
		{"newer", "VERSION", "2\n", ErrVersion},
		{"garbage", "VERSION", "\x00\x00", ErrVersion},
		{"torn", "VERSION", "", ErrVersion},
	}
	for _, c := range cases {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, c.file), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(root)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	root := t.TempDir() // a key made before the first start is no foreigner
	if err := os.WriteFile(At(root).Key(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestWriteFileReplacesWhole(t *testing.T) {
	p := filepath.Join(t.TempDir(), "f")
	for _, s := range []string{"long content", "x"} {
		if err := WriteFile(p, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(p); string(b) != s {
			t.Errorf("got %q, want %q", b, s)
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(p), ".artel-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDefault(t *testing.T) {
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		env  func(string) string
		want string
	}{
		{env("ARTEL_DIR", "/x", "HOME", "/h"), "/x"},
		{env("XDG_DATA_HOME", "/d", "HOME", "/h"), "/d/artel"},
		{env("XDG_DATA_HOME", "rel", "HOME", "/h"), "/h/.local/share/artel"},
	} {
		if got, err := Default(c.env); err != nil || got != c.want {
			t.Errorf("Default = %q, %v, want %q", got, err, c.want)
		}
	}
	if _, err := Default(env()); err == nil {
		t.Error("no HOME: no error")
	}
}
