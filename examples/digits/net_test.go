package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGradient compares the slopes of backward with finite differences of the loss.
func TestGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	n := newNet(9, rng)
	for i := range n.b1 {
		n.b1[i] = 0.1 * normal(rng)
	}
	var d digit
	for i := range d.ink {
		d.ink[i] = rng.Float64()
	}
	d.label = 3
	s := newPass(n.hidden)
	grad := view(n.hidden, make([]float64, size(n.hidden)))
	n.forward(&d.ink, s)
	n.backward(&d.ink, d.label, s, grad)
	loss := func() float64 {
		n.forward(&d.ink, s)
		return s.loss(d.label)
	}
	const h = 1e-6
	for i, w := range n.w {
		n.w[i] = w + h
		up := loss()
		n.w[i] = w - h
		down := loss()
		n.w[i] = w
		if want := (up - down) / (2 * h); math.Abs(grad.w[i]-want) > 1e-6*max(1, math.Abs(want)) {
			t.Errorf("parameter %d: slope %g, finite difference %g", i, grad.w[i], want)
		}
	}
}

func TestForwardIsAProbability(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n := newNet(32, rng)
	for i := range n.w {
		n.w[i] *= 100 // far beyond where e^x overflows
	}
	s := newPass(n.hidden)
	x := [pixels]float64{5: 1, 40: 0.5}
	n.forward(&x, s)
	var sum float64
	for _, p := range s.p {
		if !(p >= 0 && p <= 1) {
			t.Errorf("probability %g", p)
		}
		sum += p
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("probabilities add up to %g", sum)
	}
}

func TestExp(t *testing.T) {
	for x := 0.0; x > -740; x -= 0.37 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-12*want+1e-300 {
			t.Errorf("exp(%g) = %g, want %g", x, got, want)
		}
	}
}

func TestDot(t *testing.T) {
	for n := range 12 {
		var a, b []float64
		want := 0.0
		for i := range n {
			a, b = append(a, float64(i+1)), append(b, float64(2*i-3))
			want += a[i] * b[i]
		}
		if got := dot(a, b); got != want {
			t.Errorf("dot of %d = %g, want %g", n, got, want)
		}
	}
}

func digits(t *testing.T) []digit {
	t.Helper()
	f, err := os.Open("digits.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := read(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSplit(t *testing.T) {
	all := digits(t)
	if len(all) != 1797 {
		t.Fatalf("%d digits, want 1797", len(all))
	}
	train, validation, test := split(all)
	if len(train) != 1078 || len(validation) != 359 || len(test) != 360 {
		t.Errorf("split into %d, %d and %d", len(train), len(validation), len(test))
	}
	count := func(ds ...digit) map[digit]int {
		m := map[digit]int{}
		for _, d := range ds {
			m[d]++
		}
		return m
	}
	have, want := count(slices.Concat(train, validation, test)...), count(all...)
	for d, n := range want {
		if have[d] != n {
			t.Fatalf("a digit is in the parts %d times, in the file %d times", have[d], n)
		}
	}
	again, _, _ := split(all)
	if !slices.Equal(train, again) {
		t.Error("a second split differs")
	}
}

// TestTraining trains for a few epochs: it learns, it is the same twice, and the model
// survives the way through its file.
func TestTraining(t *testing.T) {
	train, validation, _ := split(digits(t))
	learn := func(seed uint64) *trainer {
		tr := newTrainer(grid()[9], seed)
		for e := range 5 {
			tr.epoch(train, float64(e)/5)
		}
		return tr
	}
	a, b, c := learn(1), learn(1), learn(2)
	if !slices.Equal(a.net.w, b.net.w) {
		t.Error("the same seed gave other weights")
	}
	if slices.Equal(a.net.w, c.net.w) {
		t.Error("another seed gave the same weights")
	}
	right := a.net.correct(validation)
	if right < len(validation)*85/100 {
		t.Errorf("%d of %d right after 5 epochs", right, len(validation))
	}
	var file bytes.Buffer
	if err := a.net.write(&file); err != nil {
		t.Fatal(err)
	}
	n, err := readNet(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if n.correct(validation) != right {
		t.Error("the model read back answers otherwise")
	}
	for _, bad := range [][]byte{nil, []byte("no model"), file.Bytes()[:file.Len()-1], append([]byte(modelMagic), 0xff, 0xff, 0xff, 0xff)} {
		if _, err := readNet(bytes.NewReader(bad)); err == nil {
			t.Errorf("%d bytes of nonsense were read as a model", len(bad))
		}
	}
}

// TestRun goes through both modes as a task does.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{"-in", ".", "-out", dir, "-task", "14", "-epochs", "2"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"validationAccuracy"`) || strings.Contains(string(b), "test") {
		t.Errorf("a training task reports %s", b)
	}
	data, err := os.ReadFile("digits.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "digits.csv.gz"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-in", dir, "-out", dir, "-evaluate"}); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(filepath.Join(dir, "result.json")); err != nil || !strings.Contains(string(b), `"testAccuracy"`) {
		t.Errorf("-evaluate reports %s, %v", b, err)
	}
	t.Setenv("ARTEL_TASK", "")
	for _, bad := range [][]string{
		{"-in", ".", "-out", dir},
		{"-in", ".", "-out", dir, "-task", "17"},
		{"-in", t.TempDir(), "-out", dir, "-task", "1"},
		{"-in", ".", "-out", dir, "-evaluate"},
	} {
		if err := run(bad); err == nil {
			t.Errorf("run %v: no error", bad)
		}
	}
}

func TestGrid(t *testing.T) {
	g := grid()
	if len(g) != 16 {
		t.Errorf("%d settings, want 16", len(g))
	}
	for i, s := range g {
		if slices.Contains(g[:i], s) {
			t.Errorf("setting %d is there twice", i+1)
		}
	}
}
