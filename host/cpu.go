package host

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// Class is the class of a processor; artel.CPU.Has says where a process that was
// saved on one goes on.
type Class struct {
	Arch     string   `json:"arch"`   // GOARCH
	Vendor   string   `json:"vendor"` // "GenuineIntel", "AuthenticAMD", "0x41" (Arm)
	Family   int      `json:"family,omitempty"`
	Model    int      `json:"model,omitempty"`
	Stepping int      `json:"stepping,omitempty"`
	Name     string   `json:"name,omitempty"` // for people
	Features []string `json:"features"`       // names as Linux has them, sorted; those that programs can use
	Hash     string   `json:"hash"`           // of Arch, Vendor and Features: 16 hex digits
}

// Bounds of what is believed of /proc/cpuinfo.
const (
	maxFeatures   = 512
	maxFeatureLen = 32
)

// CPU returns the class of the machine's processor.
func (s System) CPU() Class {
	b, err := s.read("proc/cpuinfo")
	if err != nil {
		return s.cpuid()
	}
	return parseCPU(s.Arch, b)
}

// cpuid asks the processor itself, where there is no /proc.
func (s System) cpuid() Class {
	c := Class{
		Arch: s.Arch, Vendor: cpuid.CPU.VendorString, Family: cpuid.CPU.Family, Model: cpuid.CPU.Model, Stepping: cpuid.CPU.Stepping,
		Name: printable(cpuid.CPU.BrandName, 80),
	}
	for _, f := range cpuid.CPU.FeatureSet() {
		c.Features = append(c.Features, strings.ToLower(f))
	}
	return c.finish()
}

// parseCPU reads the first processor of /proc/cpuinfo.
func parseCPU(arch string, b []byte) Class {
	c := Class{Arch: arch}
	var flags, isa []string
	num := func(v string) int {
		n, err := strconv.ParseInt(v, 0, 32)
		if err != nil || n < 0 {
			return 0
		}
		return int(n)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 64<<10)
	begun := false
	for lines.Scan() {
		k, v, ok := strings.Cut(lines.Text(), ":")
		if k = strings.TrimSpace(k); !ok {
			if begun {
				break // the next processor's
			}
			continue
		}
		begun = true
		switch v = strings.TrimSpace(v); k {
		case "vendor_id", "CPU implementer", "mvendorid":
			c.Vendor = printable(v, 40)
		case "cpu family":
			c.Family = num(v)
		case "model", "CPU part":
			c.Model = num(v)
		case "stepping", "CPU revision":
			c.Stepping = num(v)
		case "model name", "uarch":
			c.Name = printable(v, 80)
		case "flags", "Features":
			flags = strings.Fields(v)
		case "isa":
			isa = strings.Split(v, "_") // rv64imafdc_zicsr_…
		}
	}
	for _, f := range append(flags, isa...) {
		if f == printable(f, maxFeatureLen) && f != "" && len(c.Features) < maxFeatures && (!x86(arch) || slices.Contains(forPrograms, f)) {
			c.Features = append(c.Features, f)
		}
	}
	return c.finish()
}

func (c Class) finish() Class {
	slices.Sort(c.Features)
	c.Features = slices.Compact(c.Features)
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", c.Arch, c.Vendor, c.Features)
	c.Hash = hex.EncodeToString(h.Sum(nil)[:8])
	return c
}

func x86(arch string) bool { return arch == "amd64" || arch == "386" }

// forPrograms are the flags of x86 that a program can make use of. What Linux lists
// besides (mitigations, the kernel's own) differs between equal machines.
var forPrograms = []string{
	"fpu", "tsc", "cx8", "cmov", "mmx", "mmxext", "3dnow", "3dnowext", "fxsr", "fxsr_opt", "sse", "sse2", "ht", "lm", "rdtscp",
	"pni", "pclmulqdq", "ssse3", "fma", "cx16", "sse4_1", "sse4_2", "movbe", "popcnt", "aes", "xsave", "avx", "f16c", "rdrand",
	"lahf_lm", "abm", "sse4a", "misalignsse", "3dnowprefetch", "xop", "fma4", "tbm", "fsgsbase", "bmi1", "hle", "avx2", "bmi2", "erms", "fsrm",
	"rtm", "mpx", "rdseed", "adx", "clflushopt", "clwb", "sha_ni", "clzero", "rdpru", "wbnoinvd", "rdpid", "movdiri", "movdir64b", "serialize",
	"avx512f", "avx512dq", "avx512ifma", "avx512pf", "avx512er", "avx512cd", "avx512bw", "avx512vl", "avx512vbmi", "avx512_vbmi2", "avx512_vnni",
	"avx512_bitalg", "avx512_vpopcntdq", "avx512_4vnniw", "avx512_4fmaps", "avx512_vp2intersect", "avx512_bf16", "avx512_fp16",
	"avx_vnni", "avx_ifma", "avx_vnni_int8", "avx_ne_convert", "gfni", "vaes", "vpclmulqdq", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
	"xsaveopt", "xsavec", "xgetbv1", "xsaves", "pku", "ospke", "prefetchwt1", "waitpkg", "cldemote", "ptwrite", "user_shstk", "sm3", "sm4", "sha512", "apx",
}
