package gpuproof

import (
	"fmt"
	"slices"
	"strings"
)

// PTX is the two kernels in NVIDIA's intermediate language, which a driver compiles for
// its device.
//
//	fill(memory, first group, 8 keys)          a block for each group
//	product(memory, V, sums, first group)      a block for each group, a thread for each row; adds to sums
//
// first is the number of the first block's group, so that work can be cut into launches
// which a display's watchdog bears.
func PTX(s Shape) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	words := s.Cols / 4
	line(".version 6.0\n.target sm_50\n.address_size 64\n")

	// Thread r of group g writes the words g·n + w·Rows + r, w = 0 … words-1.
	line(".visible .entry fill(\n\t.param .u64 p_mem,\n\t.param .u32 p_first,")
	for i := range 8 {
		line("\t.param .u32 p_k%d%s", i, map[bool]string{true: "", false: ","}[i == 7])
	}
	line(")\n{")
	line("\t.reg .pred %%p<3>;\n\t.reg .b32 %%r<16>;\n\t.reg .b32 %%k<8>;\n\t.reg .b64 %%d<8>;")
	line("\tld.param.u64 %%d0, [p_mem];\n\tld.param.u32 %%r0, [p_first];")
	for i := range 8 {
		line("\tld.param.u32 %%k%d, [p_k%d];", i, i)
	}
	line("\tcvta.to.global.u64 %%d0, %%d0;")
	index := func() { // %r1 = thread, %d1 = index of its first word
		line("\tmov.u32 %%r1, %%ctaid.x;\n\tadd.u32 %%r0, %%r0, %%r1;\n\tmov.u32 %%r1, %%tid.x;")
		line("\tmul.wide.u32 %%d1, %%r0, %d;\n\tcvt.u64.u32 %%d2, %%r1;\n\tadd.u64 %%d1, %%d1, %%d2;", words*s.Rows)
		line("\tshl.b64 %%d2, %%d1, 2;\n\tadd.u64 %%d3, %%d0, %%d2;")
	}
	index()
	line("\tmov.u32 %%r2, 0;")
	line("FILL_WORD:")
	line("\tcvt.u32.u64 %%r3, %%d1;\n\tshr.u64 %%d4, %%d1, 32;\n\tcvt.u32.u64 %%r4, %%d4;")
	line("\txor.b32 %%r3, %%r3, %%k0;\n\txor.b32 %%r4, %%r4, %%k1;\n\tmov.u32 %%r5, 0;")
	mix := func(a, c, k string) {
		line("\tshr.u32 %%r6, %s, 16;\n\txor.b32 %%r6, %%r6, %s;\n\tmad.lo.u32 %s, %%r6, %d, %s;", a, a, a, uint32(mulA), c)
		if k != "" {
			line("\tadd.u32 %s, %s, %s;", a, a, k)
		}
		line("\tshr.u32 %%r6, %s, 13;\n\txor.b32 %%r6, %%r6, %s;\n\tmad.lo.u32 %s, %%r6, %d, %s;", c, c, c, uint32(mulB), a)
	}
	line("FILL_MIX:")
	for i := range 8 {
		mix("%r3", "%r4", fmt.Sprintf("%%k%d", i))
	}
	line("\tadd.u32 %%r5, %%r5, 8;\n\tsetp.lt.u32 %%p0, %%r5, %d;\n\t@%%p0 bra FILL_MIX;", s.Mix)
	line("\tst.global.u32 [%%d3], %%r3;")
	line("\tadd.u64 %%d1, %%d1, %d;\n\tadd.u64 %%d3, %%d3, %d;\n\tadd.u32 %%r2, %%r2, 1;", s.Rows, 4*s.Rows)
	line("\tsetp.lt.u32 %%p0, %%r2, %d;\n\t@%%p0 bra FILL_WORD;", words)
	line("\tret;\n}\n")

	line(".visible .entry product(\n\t.param .u64 p_mem,\n\t.param .u64 p_v,\n\t.param .u64 p_sums,\n\t.param .u32 p_first\n)\n{")
	line("\t.reg .pred %%p<3>;\n\t.reg .b32 %%r<16>;\n\t.reg .b64 %%d<12>;\n\t.reg .f32 %%e;\n\t.reg .f32 %%v<4>;\n\t.reg .f32 %%c<%d>;", s.Width)
	line("\tld.param.u64 %%d0, [p_mem];\n\tld.param.u64 %%d5, [p_v];\n\tld.param.u64 %%d6, [p_sums];\n\tld.param.u32 %%r0, [p_first];")
	line("\tcvta.to.global.u64 %%d0, %%d0;\n\tcvta.to.global.u64 %%d5, %%d5;\n\tcvta.to.global.u64 %%d6, %%d6;")
	index()
	for p := range s.Width {
		line("\tmov.f32 %%c%d, 0f00000000;", p)
	}
	line("\tmov.u32 %%r2, 0;")
	line("PRODUCT_WORD:")
	line("\tld.global.u32 %%r3, [%%d3];")
	for j := range 4 {
		line("\tshr.u32 %%r4, %%r3, %d;\n\tand.b32 %%r4, %%r4, 63;\n\tcvt.rn.f32.u32 %%e, %%r4;", 8*j)
		for p := 0; p < s.Width; p += 4 {
			line("\tld.global.v4.f32 {%%v0, %%v1, %%v2, %%v3}, [%%d5+%d];", 4*(j*s.Width+p))
			for i := range 4 {
				line("\tfma.rn.f32 %%c%d, %%e, %%v%d, %%c%d;", p+i, i, p+i)
			}
		}
	}
	line("\tadd.u64 %%d3, %%d3, %d;\n\tadd.u64 %%d5, %%d5, %d;\n\tadd.u32 %%r2, %%r2, 1;", 4*s.Rows, 4*4*s.Width)
	line("\tsetp.lt.u32 %%p0, %%r2, %d;\n\t@%%p0 bra PRODUCT_WORD;", words)
	line("\tmov.u32 %%r7, %%r0;\n\tmov.u32 %%r8, %%r1;") // group and row
	for p := range s.Width {
		line("\tcvt.rzi.u32.f32 %%r9, %%c%d;", p)
		mix("%r7", "%r8", "%r9")
	}
	mix("%r7", "%r8", "")
	mix("%r7", "%r8", "")
	line("\tcvt.u64.u32 %%d7, %%r7;\n\tshl.b64 %%d7, %%d7, 32;\n\tcvt.u64.u32 %%d8, %%r8;\n\tor.b64 %%d7, %%d7, %%d8;")
	line("\tmul.wide.u32 %%d9, %%r0, 8;\n\tadd.u64 %%d9, %%d6, %%d9;\n\tred.global.add.u64 [%%d9], %%d7;")
	line("\tret;\n}")
	return b.String()
}

func median(x []float64) float64 {
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
