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
	const want = "de74d319c0df1e0fe0ec3449bed763be8eb6813325482560dab8e19b9efc15f0"
	if got := hex.EncodeToString(a[1][:]); got != want {
		t.Errorf("state after 2 steps: %s, want %s", got, want)
	}
	m := new(scratch)
	if r := m.step(testSeed()); r.f < 1 || r.f >= 2 {
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

// Who makes up half of the steps is caught by 16 checks of 24 whatever is drawn, and
// by 4 checks nearly always; one made-up state is caught in about the share of checks.
func TestSomeChecksCatchWhoSkips(t *testing.T) {
	half := append(Answer(nil), solved(t)...)
	for i := range half {
		if i%2 == 0 {
			half[i] = [32]byte{byte(i), 0xff}
		}
	}
	caught := 0
	for n := range byte(20) {
		if half.Verify(testSeed(), testSteps, 4, chacha(n)) != nil {
			caught++
		}
	}
	if caught < 19 { // every link is broken on one side
		t.Errorf("caught %d of 20", caught)
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
		m.step(s)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "score")
}
