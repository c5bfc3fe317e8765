package gpuproof

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// device executes PTX, as much of it as the kernels use, one thread after the other. It
// is no proof that a driver takes the text, but that the text says what is meant.
type device struct {
	kernels map[string]*kernel
	memory  []byte // addresses begin at base
}

const base = 0x7f0000000000

type kernel struct {
	params []string
	code   []instruction
	labels map[string]int
}

type instruction struct {
	guard string // a predicate, or ""
	op    string
	args  []string
}

func load(ptx string) (*device, error) {
	d := &device{kernels: map[string]*kernel{}}
	for _, part := range strings.Split(ptx, ".visible .entry ")[1:] {
		name, rest, _ := strings.Cut(part, "(")
		head, body, _ := strings.Cut(rest, ")\n{")
		body, _, ok := strings.Cut(body, "\n}")
		if !ok {
			return nil, fmt.Errorf("kernel %s has no end", name)
		}
		k := &kernel{labels: map[string]int{}}
		for _, p := range strings.Split(head, ",") {
			f := strings.Fields(p)
			k.params = append(k.params, f[len(f)-1])
		}
		for line := range strings.Lines(body) {
			line = strings.TrimSpace(line)
			if l, ok := strings.CutSuffix(line, ":"); ok {
				k.labels[l] = len(k.code)
				continue
			}
			line, ok := strings.CutSuffix(line, ";")
			if line == "" || strings.HasPrefix(line, ".reg") {
				continue
			}
			if !ok {
				return nil, fmt.Errorf("no ; in %q", line)
			}
			var i instruction
			if g, more, ok := strings.Cut(line, " "); ok && strings.HasPrefix(g, "@") {
				i.guard, line = g[1:], more
			}
			var args string
			i.op, args, _ = strings.Cut(line, " ")
			for _, a := range strings.FieldsFunc(args, func(r rune) bool { return r == ',' || r == ' ' || r == '{' || r == '}' }) {
				i.args = append(i.args, a)
			}
			k.code = append(k.code, i)
		}
		d.kernels[name] = k
	}
	return d, nil
}

// launch runs a grid of blocks.
func (d *device) launch(name string, blocks, threads int, params ...uint64) error {
	k := d.kernels[name]
	if k == nil || len(params) != len(k.params) {
		return fmt.Errorf("kernel %s: %d parameters", name, len(params))
	}
	for b := range blocks {
		for t := range threads {
			regs := map[string]uint64{"%ctaid.x": uint64(b), "%tid.x": uint64(t)}
			for i, p := range k.params {
				regs[p] = params[i]
			}
			if err := d.thread(k, regs); err != nil {
				return fmt.Errorf("%s, block %d, thread %d: %w", name, b, t, err)
			}
		}
	}
	return nil
}

func (d *device) at(addr uint64, n int) ([]byte, error) {
	if addr < base || addr-base+uint64(n) > uint64(len(d.memory)) || addr%uint64(n) != 0 {
		return nil, fmt.Errorf("access of %d bytes at %#x", n, addr)
	}
	return d.memory[addr-base:][:n], nil
}

func (d *device) thread(k *kernel, regs map[string]uint64) error {
	le := binary.LittleEndian
	for pc, n := 0, 0; pc < len(k.code); n++ {
		if n > 1<<22 {
			return fmt.Errorf("it does not end")
		}
		i := k.code[pc]
		pc++
		if i.guard != "" && regs[i.guard] == 0 {
			continue
		}
		var bad error
		val := func(j int) uint64 {
			a := i.args[j]
			if v, ok := regs[a]; ok {
				return v
			}
			if bits, ok := strings.CutPrefix(a, "0f"); ok {
				v, err := strconv.ParseUint(bits, 16, 32)
				bad = err
				return v
			}
			v, err := strconv.ParseUint(a, 10, 64)
			if err != nil {
				bad = fmt.Errorf("%s: %s is not set", i.op, a)
			}
			return v
		}
		place := func(j, n int) ([]byte, error) {
			r, off, _ := strings.Cut(strings.Trim(i.args[j], "[]"), "+")
			o, _ := strconv.ParseUint(off, 10, 64)
			return d.at(regs[r]+o, n)
		}
		f := func(j int) float32 { return math.Float32frombits(uint32(val(j))) }
		set := func(v uint64) { regs[i.args[0]] = v }
		switch i.op {
		case "ld.param.u64", "ld.param.u32":
			v, ok := regs[strings.Trim(i.args[1], "[]")]
			if !ok {
				return fmt.Errorf("no parameter %s", i.args[1])
			}
			set(v)
		case "cvta.to.global.u64", "mov.u32", "mov.f32", "cvt.u64.u32":
			set(val(1))
		case "cvt.u32.u64":
			set(uint64(uint32(val(1))))
		case "add.u32":
			set(uint64(uint32(val(1) + val(2))))
		case "add.u64":
			set(val(1) + val(2))
		case "mul.wide.u32":
			set(uint64(uint32(val(1))) * uint64(uint32(val(2))))
		case "mad.lo.u32":
			set(uint64(uint32(val(1))*uint32(val(2)) + uint32(val(3))))
		case "shl.b64":
			set(val(1) << val(2))
		case "shr.u64":
			set(val(1) >> val(2))
		case "shr.u32":
			set(uint64(uint32(val(1)) >> val(2)))
		case "xor.b32":
			set(val(1) ^ val(2))
		case "and.b32":
			set(val(1) & val(2))
		case "or.b64":
			set(val(1) | val(2))
		case "setp.lt.u32":
			v := uint64(0)
			if uint32(val(1)) < uint32(val(2)) {
				v = 1
			}
			set(v)
		case "bra":
			to, ok := k.labels[i.args[0]]
			if !ok {
				return fmt.Errorf("no label %s", i.args[0])
			}
			pc = to
		case "ld.global.u32":
			b, err := place(1, 4)
			if err != nil {
				return err
			}
			set(uint64(le.Uint32(b)))
		case "ld.global.v4.f32":
			b, err := place(4, 16)
			if err != nil {
				return err
			}
			for j := range 4 {
				regs[i.args[j]] = uint64(le.Uint32(b[4*j:]))
			}
		case "st.global.u32":
			b, err := place(0, 4)
			if err != nil {
				return err
			}
			le.PutUint32(b, uint32(val(1)))
		case "red.global.add.u64":
			b, err := place(0, 8)
			if err != nil {
				return err
			}
			le.PutUint64(b, le.Uint64(b)+val(1))
		case "cvt.rn.f32.u32":
			set(uint64(math.Float32bits(float32(uint32(val(1))))))
		case "cvt.rzi.u32.f32":
			set(uint64(uint32(f(1))))
		case "fma.rn.f32":
			set(uint64(math.Float32bits(float32(math.FMA(float64(f(1)), float64(f(2)), float64(f(3))))))) // exact here
		case "ret":
			return bad
		default:
			return fmt.Errorf("unknown instruction %s", i.op)
		}
		if bad != nil {
			return bad
		}
	}
	return fmt.Errorf("it runs past its end")
}

// solve answers a question as Program does, on a device.
func (d *device) solve(s Shape, q Question) (Answer, error) {
	mem := uint64(q.Groups) * s.GroupBytes()
	vBytes, sumBytes := uint64(4*s.Cols*s.Width), uint64(8*q.Groups)
	d.memory = make([]byte, mem+vBytes+sumBytes)
	v, sums := base+mem, base+mem+vBytes
	k := q.keys()
	// In two launches, where there are more groups than one.
	cut := func(launch func(first, n uint32) error) error {
		half := q.Groups / 2
		if half > 0 {
			if err := launch(0, half); err != nil {
				return err
			}
		}
		return launch(half, q.Groups-half)
	}
	if err := cut(func(first, n uint32) error {
		params := []uint64{base, uint64(first)}
		for _, key := range k {
			params = append(params, uint64(key))
		}
		return d.launch("fill", int(n), s.Rows, params...)
	}); err != nil {
		return nil, err
	}
	var a Answer
	digest := q.first()
	for range q.Passes {
		for i, x := range vectors(s, digest) {
			binary.LittleEndian.PutUint32(d.memory[mem+uint64(4*i):], math.Float32bits(x))
		}
		clear(d.memory[mem+vBytes:])
		if err := cut(func(first, n uint32) error {
			return d.launch("product", int(n), s.Rows, base, v, sums, uint64(first))
		}); err != nil {
			return nil, err
		}
		list := make([]uint64, q.Groups)
		for i := range list {
			list[i] = binary.LittleEndian.Uint64(d.memory[sums-base+uint64(8*i):])
		}
		a, digest = append(a, list), next(digest, list)
	}
	return a, nil
}
