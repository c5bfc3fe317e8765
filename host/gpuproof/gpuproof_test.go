package gpuproof

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"testing"
)

var small = Shape{Cols: 16, Rows: 4, Width: 8, Mix: 16}

func question(groups, passes uint32) Question {
	return Question{Seed: [32]byte{7, 1, 9}, Groups: groups, Passes: passes}
}

// The kernels' text and the processor's half do the same.
func TestKernelsAgree(t *testing.T) {
	for _, s := range []Shape{small, {Cols: 32, Rows: 2, Width: 4, Mix: 8}} {
		d, err := load(PTX(s))
		if err != nil {
			t.Fatal(err)
		}
		q := question(5, 3)
		a, err := d.solve(s, q)
		if err != nil {
			t.Fatal(err)
		}
		for g := range q.Groups {
			words := s.fill(q.keys(), g)
			for i, w := range words {
				at := uint64(g)*s.GroupBytes() + uint64(4*i)
				if got := d.memory[at : at+4]; !bytes.Equal(got, []byte{byte(w), byte(w >> 8), byte(w >> 16), byte(w >> 24)}) {
					t.Fatalf("group %d, word %d is %x, want %08x", g, i, got, w)
				}
			}
		}
		if err := a.Verify(s, q, a.Digest(q), 40, rand.Reader); err != nil {
			t.Error(err)
		}
	}
}

// Two groups of the real shape, once: sums stay exact, and indices beyond 2³² count.
func TestStandardShape(t *testing.T) {
	s, q := Standard, question(MaxGroups, 1)
	k, v := q.keys(), vectors(Standard, q.first())
	for i := range v {
		v[i] = 63
	}
	words := make([]uint32, s.Cols/4*s.Rows)
	for i := range words {
		words[i] = math.MaxUint32
	}
	c := float32(0)
	for range s.Cols {
		c += 63 * 63
	}
	if c != float32(63*63*4096) || c >= 1<<24 {
		t.Errorf("the largest sum is %v", c)
	}
	if s.product(words, v, 0) == s.product(words, v, 1) {
		t.Error("two groups of the same memory have one sum")
	}
	if a, b := s.fill(k, 1), s.fill(k, MaxGroups-1); a[0] == b[0] && a[1] == b[1] {
		t.Error("two groups have the same memory")
	}
}

func TestVerify(t *testing.T) {
	q := question(6, 2)
	d, err := load(PTX(small))
	if err != nil {
		t.Fatal(err)
	}
	good, err := d.solve(small, q)
	if err != nil {
		t.Fatal(err)
	}
	told := good.Digest(q)
	clone := func() Answer {
		var a Answer
		for _, sums := range good {
			a = append(a, append([]uint64(nil), sums...))
		}
		return a
	}
	all := 200 // of 12, so that none is left out
	for name, c := range map[string]struct {
		change func(a Answer) (Answer, Question, [32]byte)
	}{
		"a sum changed, digest kept": {func(a Answer) (Answer, Question, [32]byte) { a[1][3] ^= 1; return a, q, told }},
		"a sum made up":              {func(a Answer) (Answer, Question, [32]byte) { a[1][3] ^= 1; return a, q, a.Digest(q) }},
		"a sum of the first pass":    {func(a Answer) (Answer, Question, [32]byte) { a[0][0]++; return a, q, a.Digest(q) }},
		"a group too few":            {func(a Answer) (Answer, Question, [32]byte) { a[1] = a[1][:5]; return a, q, a.Digest(q) }},
		"a pass too few":             {func(a Answer) (Answer, Question, [32]byte) { return a[:1], q, a[:1].Digest(q) }},
		"none":                       {func(a Answer) (Answer, Question, [32]byte) { return nil, q, told }},
		"of another seed":            {func(a Answer) (Answer, Question, [32]byte) { o := q; o.Seed[0]++; return a, o, a.Digest(o) }},
		"two groups in others' place": {func(a Answer) (Answer, Question, [32]byte) {
			a[0][1], a[0][2] = a[0][2], a[0][1]
			return a, q, a.Digest(q)
		}},
	} {
		a, asked, digest := c.change(clone())
		if err := a.Verify(small, asked, digest, all, rand.Reader); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Verify(small, q, told, 1, bytes.NewReader(nil)); err == nil || errors.Is(err, ErrWrong) {
		t.Errorf("without randomness: %v", err)
	}
	for _, bad := range []Question{{}, {Groups: 1}, {Passes: 1}, {Groups: MaxGroups + 1, Passes: 1}, {Groups: 1, Passes: MaxPasses + 1}, {Groups: MaxGroups, Passes: 5}} {
		if bad.Check() == nil {
			t.Errorf("%+v", bad)
		}
	}
}

// Who keeps the sums of another seed has not one that is right, even behind true passes,
// and those of one pass are right at no other place.
func TestOldSumsAreNoneOfAnotherSeed(t *testing.T) {
	d, err := load(PTX(small))
	if err != nil {
		t.Fatal(err)
	}
	q, oldQ := question(8, 10), Question{Seed: [32]byte{9}, Groups: 8, Passes: 10}
	right, err := d.solve(small, q)
	if err != nil {
		t.Fatal(err)
	}
	old, err := d.solve(small, oldQ)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kept   int // passes that were done
		answer Answer
	}{
		"all of another":        {0, old},
		"behind a true pass":    {1, append(Answer{right[0]}, old[1:]...)},
		"the first pass again":  {1, Answer{right[0], right[0], right[0], right[0], right[0], right[0], right[0], right[0], right[0], right[0]}},
		"behind most of passes": {9, append(append(Answer(nil), right[:9]...), old[9])},
	} {
		if err := c.answer.Verify(small, q, c.answer.Digest(q), 2000, rand.Reader); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
		before := q.first()
		for p, sums := range c.answer {
			v := vectors(small, before)
			for g, sum := range sums {
				if (small.product(small.fill(q.keys(), uint32(g)), v, uint32(g)) == sum) != (p < c.kept) {
					t.Errorf("%s: group %d of pass %d is right: %t", name, g, p+1, p >= c.kept)
				}
			}
			before = next(before, sums)
		}
	}
}

func TestFigures(t *testing.T) {
	q := Fill(Standard, [32]byte{}, 24<<30, 0.9, 8)
	if q.Groups != 22118 || q.Check() != nil {
		t.Errorf("%+v", q)
	}
	f := q.Measure(Standard, 4)
	if f.Bytes != 22118<<20 || math.Abs(f.TFLOPS-2*22118*1048576*32*8/4/1e12) > 1e-9 {
		t.Errorf("%+v", f)
	}
	if f := q.Measure(Standard, 0); f.TFLOPS != 0 {
		t.Errorf("in no time: %+v", f)
	}
	others := []Figures{{TFLOPS: 1}, {TFLOPS: 3 * f.TFLOPS}, {TFLOPS: 1000}, {}, {TFLOPS: math.Inf(1)}}
	if got := f.Slower(others); math.Abs(got-3) > 1e-9 {
		t.Errorf("slower by %v, want 3", got)
	}
	if f.Slower(nil) != 0 || (Figures{}).Slower(others) != 0 {
		t.Error("of nothing something is known")
	}
}

func BenchmarkVerifyGroup(b *testing.B) {
	q := question(100, 1)
	v := vectors(Standard, q.first())
	for b.Loop() {
		Standard.product(Standard.fill(q.keys(), 99), v, 99)
	}
}
