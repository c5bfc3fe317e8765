package ldcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var driver = []Library{{"libcuda.so.1", "/d/libcuda.so.1"}, {"libcuda.so", "/d/libcuda.so.1"}, {"libnvidia-ml.so.1", "/d/libnvidia-ml.so.1"}}

func TestMerge(t *testing.T) {
	old := write([]entry{
		{flags: 0x303, name: "libz.so.1", path: "/lib/libz.so.1"},
		{flags: 0x303, name: "libcuda.so.1", path: "/stale/libcuda.so.1"},
		{flags: 3, name: "libcuda.so.1", path: "/lib32/libcuda.so.1"},
		{flags: 0x303, name: "libblas.so.3", path: "/lib/v3/libblas.so.3", hwcap: hwcapExtension | 1},
		{flags: 0x303, name: "libblas.so.3", path: "/lib/libblas.so.3"},
		{flags: 0x303, name: "libbad.so.3", path: "/x", hwcap: hwcapExtension | 7},
	}, []string{"x86-64-v2", "x86-64-v3"})
	for name, in := range map[string][]byte{"new": old, "behind an old table": append(append([]byte(magicOld+"\x00\x02\x00\x00\x00"), make([]byte, 24)...), old...)} {
		b, err := Merge(in, "amd64", driver)
		if err != nil {
			t.Fatal(err)
		}
		list, hwcaps, err := parse(b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.name+" "+e.path)
		}
		want := []string{"libz.so.1 /lib/libz.so.1", "libnvidia-ml.so.1 /d/libnvidia-ml.so.1", "libcuda.so.1 /d/libcuda.so.1", "libcuda.so.1 /lib32/libcuda.so.1",
			"libcuda.so /d/libcuda.so.1", "libblas.so.3 /lib/v3/libblas.so.3", "libblas.so.3 /lib/libblas.so.3", "libbad.so.3 /x"}
		slices.Sort(got[2:4]) // of one name, in any order
		slices.Sort(want[2:4])
		if !slices.Equal(got, want) || !slices.Equal(hwcaps, []string{"x86-64-v2", "x86-64-v3"}) {
			t.Errorf("%s: %q, %q", name, got, hwcaps)
		}
		if !slices.IsSortedFunc(list, func(a, b entry) int { return compare(b.name, a.name) }) {
			t.Errorf("%s: the loader would not find them all", name)
		}
	}
	if b, err := Merge(nil, "arm64", driver); err != nil || binary.LittleEndian.Uint32(b[20:]) != 3 {
		t.Errorf("empty: %v", err)
	}
	if _, err := Merge(nil, "riscv64", driver); err == nil {
		t.Error("an architecture without GPUs has no flags")
	}
}

// The machine's own ldconfig reads what was written.
func TestLdconfigReadsIt(t *testing.T) {
	b, err := os.ReadFile("/etc/ld.so.cache")
	prog, lookErr := exec.LookPath("ldconfig")
	if lookErr != nil {
		prog, lookErr = exec.LookPath("/sbin/ldconfig")
	}
	if err := errors.Join(err, lookErr); err != nil {
		t.Skip("no glibc here: ", err)
	}
	out, err := Merge(b, runtime.GOARCH, driver)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cache")
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
	show := func(path string) []string {
		text, err := exec.Command(prog, "-p", "-C", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		var l []string
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "=>") {
				l = append(l, line)
			}
		}
		return l
	}
	before, after := show("/etc/ld.so.cache"), show(file)
	more := slices.DeleteFunc(slices.Clone(after), func(l string) bool { return slices.Contains(before, l) })
	if len(after) < len(before) || len(more) != len(driver) || !strings.Contains(strings.Join(more, ""), "libcuda.so.1 (libc6,") {
		t.Errorf("%d entries, now %d; new: %q", len(before), len(after), more)
	}
}

func TestCompare(t *testing.T) {
	falling := []string{"libz.so.1", "libnvidia-ml.so.1", "libcuda.so.10", "libcuda.so.2", "libcuda.so", "libc.so.6", "lib"}
	for i := range falling {
		for j := range falling {
			if got := compare(falling[i], falling[j]); (got > 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("compare(%s, %s) = %d", falling[i], falling[j], got)
			}
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(write([]entry{{flags: 0x303, name: "liba.so", path: "/a", hwcap: hwcapExtension}}, []string{"v2"}))
	f.Add([]byte(magicOld + "\x00\xff\xff\xff\xff"))
	f.Add(append([]byte(magicNew), bytes.Repeat([]byte{0xff}, 64)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := Merge(b, "amd64", driver)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if _, _, err := parse(out); err != nil && len(out) <= MaxSize {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
