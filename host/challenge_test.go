package host

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

const testSteps = 24

func testSeed() (s [32]byte) { copy(s[:], "a seed of the test"); return s }

func chacha(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func solved(t *testing.T) Answer {
	t.Helper()
	a, err := Solve(t.Context(), testSeed(), testSteps)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The kernel gives the same bytes on every machine and in every release of the
// version; who changes it raises answerVersion.
func TestKernelIsFixed(t *testing.T) {
	a, err := Solve(t.Context(), testSeed(), 2)
	if err != nil {
		t.Fatal(err)
	}
	const want = "d843501bddad840136b00ec602d15d2197959be1011c45e3a3354b932e14855a"
	if got := hex.EncodeToString(a[1][:]); got != want {
		t.Errorf("state after 2 steps: %s, want %s", got, want)
	}
	m := new(scratch)
	if r := m.step(testSeed(), 1, 2); r.f < 1 || r.f >= 2 {
		t.Errorf("f = %v, want it in [1, 2)", r.f)
	}
}

func TestChallenge(t *testing.T) {
	good := solved(t)
	made := func(change func(a Answer) Answer) Answer {
		return change(append(Answer(nil), good...))
	}
	for name, c := range map[string]struct {
		answer Answer
		seed   [32]byte
		steps  int
		ok     bool
	}{
		"right":           {good, testSeed(), testSteps, true},
		"another seed":    {good, [32]byte{1}, testSteps, false},
		"fewer steps":     {good[:testSteps-1], testSeed(), testSteps, false},
		"other steps":     {good[:testSteps-1], testSeed(), testSteps - 1, false},
		"none":            {nil, testSeed(), testSteps, false},
		"a state changed": {made(func(a Answer) Answer { a[7][3] ^= 1; return a }), testSeed(), testSteps, false},
		"result changed":  {made(func(a Answer) Answer { a[testSteps-1][0] ^= 1; return a }), testSeed(), testSteps, false},
		"states swapped":  {made(func(a Answer) Answer { a[3], a[4] = a[4], a[3]; return a }), testSeed(), testSteps, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.answer.Verify(c.seed, c.steps, testSteps, chacha(1))
			if c.ok && err != nil || !c.ok && !errors.Is(err, ErrChallenge) {
				t.Errorf("Verify = %v", err)
			}
		})
	}
}

// Who makes up every second state is caught by 4 checks whatever is drawn.
func TestSomeChecksCatchWhoSkips(t *testing.T) {
	half := append(Answer(nil), solved(t)...)
	for i := range half {
		if i%2 == 1 {
			half[i] = [32]byte{byte(i), 0xff}
		}
	}
	caught := 0
	for n := range byte(20) {
		if half.Verify(testSeed(), testSteps, 4, chacha(n)) != nil {
			caught++
		}
	}
	if caught < 20 { // every link but the first is broken on one side
		t.Errorf("caught %d of 20", caught)
	}
}

// Whoever keeps an old chain and appends its states to the true beginning of another has
// no link right beyond that beginning: one check of what was left out is enough. Nor do
// states of the same chain stand at another place of it, nor an old chain that is bent to
// begin where the new one does.
func TestOldStatesAreNoStepsOfAnotherChain(t *testing.T) {
	const steps = 40
	oldSeed := [32]byte{9}
	old, err := Solve(t.Context(), oldSeed, steps)
	if err != nil {
		t.Fatal(err)
	}
	right, err := Solve(t.Context(), testSeed(), steps)
	if err != nil {
		t.Fatal(err)
	}
	spliced := func(n int, rest func(i int) [32]byte) Answer {
		a := append(Answer(nil), right[:n]...)
		for i := n; i < steps; i++ {
			a = append(a, rest(i))
		}
		return a
	}
	was, is := First(oldSeed, steps), First(testSeed(), steps)
	for name, c := range map[string]struct {
		kept   int // steps that were done
		answer Answer
	}{
		"all of an old chain":       {0, old},
		"after a true step":         {1, spliced(1, func(i int) [32]byte { return old[i] })},
		"after a true tenth":        {steps / 10, spliced(steps/10, func(i int) [32]byte { return old[i] })},
		"itself at another place":   {steps / 10, spliced(steps/10, func(i int) [32]byte { return right[i%(steps/10)] })},
		"the same start, two steps": {2, spliced(2, func(i int) [32]byte { return right[i%2] })},
		"an old chain bent": {1, spliced(1, func(i int) (s [32]byte) {
			for k := range s {
				s[k] = old[i][k] ^ was[k] ^ is[k]
			}
			return s
		})},
	} {
		m, links := new(scratch), 0
		from := is
		for i, s := range c.answer {
			if next(m, is, i, from) == s {
				links++
			}
			from = s
		}
		if links != c.kept {
			t.Errorf("%s: %d links are right, %d steps were done", name, links, c.kept)
		}
		// 16 different ones of 39 cannot all be among the few that were done.
		for n := range byte(10) {
			if err := c.answer.Verify(testSeed(), steps, 16, chacha(n)); !errors.Is(err, ErrChallenge) {
				t.Errorf("%s, drawn from %d: %v", name, n, err)
			}
			if c.kept <= 1 { // then all that is drawn is wrong
				if err := c.answer.Verify(testSeed(), steps, 1, chacha(n)); !errors.Is(err, ErrChallenge) {
					t.Errorf("%s, a single check drawn from %d: %v", name, n, err)
				}
			}
		}
	}
}

// The first step of each chain is checked whatever is drawn.
func TestFirstStepsAreAlwaysChecked(t *testing.T) {
	seeds := [][32]byte{{1}, {2}, {3}, {4}}
	const steps = 12
	var as []Answer
	for _, s := range seeds {
		a, err := Solve(t.Context(), s, steps)
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	for c := range as {
		// A made-up s₁, and true steps from there on: the only wrong link is the first.
		made := append([]Answer(nil), as...)
		made[c] = Answer{{0xee}}
		m := new(scratch)
		for i := 1; i < steps; i++ {
			made[c] = append(made[c], next(m, First(seeds[c], steps), i, made[c][i-1]))
		}
		for n := range byte(5) {
			if err := Verify(made, seeds, steps, 1, chacha(n)); !errors.Is(err, ErrChallenge) {
				t.Errorf("chain %d, drawn from %d: %v", c+1, n, err)
			}
		}
	}
	one, err := Solve(t.Context(), testSeed(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Verify(testSeed(), 1, 16, chacha(1)); err != nil {
		t.Errorf("a chain of one step: %v", err)
	}
}

func TestVerifyDrawsEachStepOnce(t *testing.T) {
	a := solved(t)
	a[11][0] ^= 1
	// As many checks as steps find one wrong state whatever rand says.
	for n := range byte(5) {
		if err := a.Verify(testSeed(), testSteps, testSteps+100, chacha(n)); !errors.Is(err, ErrChallenge) {
			t.Errorf("seed %d: %v", n, err)
		}
	}
	if err := solved(t).Verify(testSeed(), testSteps, 3, bytes.NewReader(nil)); err == nil || errors.Is(err, ErrChallenge) {
		t.Errorf("without randomness: %v; that is not the peer's fault", err)
	}
}

func TestSolveStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Solve(ctx, testSeed(), MaxSteps); !errors.Is(err, context.Canceled) {
		t.Errorf("Solve with an ended context: %v", err)
	}
	for _, n := range []int{0, -1, MaxSteps + 1} {
		if _, err := Solve(t.Context(), testSeed(), n); err == nil {
			t.Errorf("Solve of %d steps: no error", n)
		}
		if err := (Answer{}).Verify(testSeed(), n, 1, chacha(0)); err == nil {
			t.Errorf("Verify of %d steps: no error", n)
		}
	}
}

func TestScore(t *testing.T) {
	for _, c := range []struct {
		steps   int
		elapsed time.Duration
		want    uint32
	}{
		{1000, time.Second, 1000}, {500, time.Second, 500}, {1000, 500 * time.Millisecond, 2000},
		{1, time.Hour, 1}, {MaxSteps, 1, 1<<32 - 1}, {0, time.Second, 0}, {10, 0, 0}, {10, -1, 0},
	} {
		if got := Score(c.steps, c.elapsed); got != c.want {
			t.Errorf("Score(%d, %s) = %d, want %d", c.steps, c.elapsed, got, c.want)
		}
	}
}

// Chains that ran at once are checked together: one wrong state of one of them is
// enough, and they cannot stand for each other.
func TestManyChains(t *testing.T) {
	seeds := [][32]byte{testSeed(), {1}, {2}}
	var as []Answer
	for _, s := range seeds {
		a, err := Solve(t.Context(), s, 5)
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	back, err := Decode(Encode(as...), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(back, seeds, 5, 100, chacha(1)); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]Answer{
		"one missing": as[:2], "one twice": {as[0], as[1], as[1]}, "swapped": {as[0], as[2], as[1]}, "one short": {as[0], as[1], as[2][:4]},
	} {
		if err := Verify(bad, seeds, 5, 100, chacha(1)); !errors.Is(err, ErrChallenge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	back[2][3][31] ^= 1
	if err := Verify(back, seeds, 5, 100, chacha(1)); !errors.Is(err, ErrChallenge) {
		t.Errorf("a changed state of the last chain: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, 1)
	f.Add([]byte{answerVersion}, 1)
	f.Add(Encode(Answer{{1}, {2}}), 1)
	f.Add(Encode(Answer{{1}, {2}}, Answer{{3}, {4}}), 2)
	f.Add(append(Encode(Answer{{1}, {2}}), 0), 2)
	f.Add([]byte{1, 3}, 1)
	f.Add(bytes.Repeat([]byte{answerVersion}, 1+32*(MaxSteps+1)), 1)
	f.Add(Encode(Answer{{1}, {2}}), -1)
	f.Fuzz(func(t *testing.T, b []byte, chains int) {
		as, err := Decode(b, chains)
		if err != nil {
			if !errors.Is(err, ErrChallenge) {
				t.Fatal(err)
			}
			return
		}
		if len(as) != chains || len(as[0]) < 1 || len(as[0]) > MaxSteps || !bytes.Equal(Encode(as...), b) {
			t.Fatalf("%d bytes became %d chains of %d states", len(b), len(as), len(as[0]))
		}
	})
}

func BenchmarkStep(b *testing.B) {
	m := new(scratch)
	s := testSeed()
	for b.Loop() {
		m.step(s, 1, 2)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "score")
}
