package artel

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestWeight(t *testing.T) {
	machine := Resources{Slots: 8, Memory: 2 << 30, Disk: 10 << 30, GPUs: 1, GPUMemory: 8 << 30}
	for _, tc := range []struct {
		name string
		want Resources
		n    uint32
		ok   bool
	}{
		{"nothing", Resources{}, 1, true},
		{"two cores", Resources{Slots: 2}, 2, true},
		{"a slot's memory", Resources{Memory: 2 << 30}, 1, true},
		{"a byte more", Resources{Memory: 2<<30 + 1}, 2, true},
		{"disk decides", Resources{Slots: 2, Memory: 3 << 30, Disk: 31 << 30}, 4, true},
		{"all of it", Resources{Slots: 8, Memory: 16 << 30, Disk: 80 << 30, GPUs: 1, GPUMemory: 8 << 30}, 8, true},
		{"a core too many", Resources{Slots: 9}, 0, false},
		{"memory of nine", Resources{Memory: 16<<30 + 1}, 0, false},
		{"all there is", Resources{Memory: math.MaxUint64}, 0, false},
		{"two GPUs", Resources{GPUs: 2}, 0, false},
		{"a larger GPU", Resources{GPUs: 1, GPUMemory: 8<<30 + 1}, 0, false},
		{"GPU memory of none", Resources{GPUMemory: 1 << 60}, 1, true},
	} {
		if n, ok := machine.Weight(tc.want); n != tc.n || ok != tc.ok {
			t.Errorf("%s: %d, %t; want %d, %t", tc.name, n, ok, tc.n, tc.ok)
		}
	}
	for n, want := range map[uint32]Resources{8: {}, 4: {Slots: 2}, 1: {GPUs: 1}, 0: {GPUs: 2}} {
		if got := machine.Fits(want); got != n {
			t.Errorf("%+v fits %d times, want %d", want, got, n)
		}
	}
	if _, ok := (Resources{Slots: 4}).Weight(Resources{Memory: 1}); ok {
		t.Error("a machine without memory takes a task that wants some")
	}
}

func TestCPUHas(t *testing.T) {
	c := CPU{Arch: "amd64", Vendor: "AuthenticAMD", Features: []string{"avx", "avx2", "sse2"}}
	for _, tc := range []struct {
		name string
		d    CPU
		want bool
	}{
		{"itself", c, true},
		{"more", CPU{c.Arch, c.Vendor, []string{"avx", "avx2", "avx512f", "sse2", "vaes"}}, true},
		{"less", CPU{c.Arch, c.Vendor, []string{"avx", "sse2"}}, false},
		{"none", CPU{c.Arch, c.Vendor, nil}, false},
		{"another vendor", CPU{c.Arch, "GenuineIntel", c.Features}, false},
		{"another architecture", CPU{"arm64", c.Vendor, c.Features}, false},
	} {
		if got := tc.d.Has(c); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestTermsStart(t *testing.T) {
	terms := Terms{Base: AccrualOf(Units(7)), Pull: 3_000_000_000, PullFree: 1_000_000_000, PullPrice: 5}
	for _, tc := range []struct {
		name   string
		change func(*Terms)
		want   uint64
	}{
		{"two of three gigabytes at five", func(*Terms) {}, 17},
		{"all free", func(t *Terms) { t.PullFree = t.Pull }, 7},
		{"no price", func(t *Terms) { t.PullPrice = 0 }, 7},
		{"a byte, rounded up once", func(t *Terms) { t.Pull = t.PullFree + 1 }, 8},
	} {
		x := terms
		tc.change(&x)
		got, err := x.Start()
		if err != nil || got.Ceil() != Units(tc.want) {
			t.Errorf("%s: %s, %v; want %d", tc.name, got.Ceil(), err, tc.want)
		}
	}
	terms.Base = AccrualOf(MaxAmount)
	if _, err := terms.Start(); !errors.Is(err, ErrAmount) {
		t.Errorf("a fee beyond the ledger's width: %v", err)
	}
}

// TestContainerTask changes one thing of a container's task that is right.
func TestContainerTask(t *testing.T) {
	image := Hash{1}
	program, err := NewRef(CodecRaw, [32]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	terms := Terms{Unit: 1000, Image: image, Resources: Resources{Slots: 2, Memory: 100, Disk: 100, GPUs: 1}}
	spec := TaskSpec{Wall: 1000, Want: Resources{Slots: 2, Memory: 100, GPUs: 1}, Box: Box{
		Image: image, Source: "registry.example:5000/a/b", Dir: "/work", Network: []string{"pypi.org:443", "*.example.org"},
	}}
	if err := spec.Check(terms); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*TaskSpec)
		want   string
	}{
		"no image":           {func(s *TaskSpec) { s.Box.Image = Hash{} }, "no program"},
		"another image":      {func(s *TaskSpec) { s.Box.Image = Hash{2} }, "the lease is for"},
		"a program as well":  {func(s *TaskSpec) { s.Program = program }, "a program and an image"},
		"a program's box":    {func(s *TaskSpec) { s.Program, s.Box.Image = program, Hash{} }, "no image"},
		"a space in source":  {func(s *TaskSpec) { s.Box.Source = "a b" }, "source"},
		"a relative dir":     {func(s *TaskSpec) { s.Box.Dir = "work" }, "absolute"},
		"NUL in dir":         {func(s *TaskSpec) { s.Box.Dir = "/a\x00" }, "absolute"},
		"an escape in hosts": {func(s *TaskSpec) { s.Box.Network = []string{"a\x1b[2J"} }, "not a name"},
		"65 hosts":           {func(s *TaskSpec) { s.Box.Network = strings.Split(strings.Repeat("a ", 64)+"a", " ") }, "at most 64"},
		"three slots":        {func(s *TaskSpec) { s.Want.Slots = 3 }, "slots"},
		"two GPUs":           {func(s *TaskSpec) { s.Want.GPUs = 2 }, "GPUs"},
	} {
		x := spec
		tc.change(&x)
		if err := x.Check(terms); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
