package job

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
)

func TestEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Job)
		out    int
		want   artel.Reason // empty: it goes on
	}{
		{"it goes on", func(*Job) {}, 3, ""},
		{"enough", func(j *Job) { j.Spec.Enough, j.Open = 10, 90 }, 3, artel.ReasonEnough},
		{"nearly enough", func(j *Job) { j.Spec.Enough, j.Open = 10, 91 }, 3, ""},
		{"failed ones are no results", func(j *Job) { j.Spec.Enough, j.Open, j.Failed = 10, 85, 10 }, 3, ""},
		{"before the deadline", func(j *Job) { j.Spec.Deadline = now + 1 }, 3, ""},
		{"the deadline", func(j *Job) { j.Spec.Deadline = now }, 3, artel.ReasonDeadline},
		{"enough at the deadline", func(j *Job) { j.Spec.Deadline, j.Spec.Enough, j.Open = now, 10, 90 }, 3, artel.ReasonEnough},
		{"suspect, and some run", func(j *Job) { j.Faults, j.Failed, j.Open = 9, 3, 97 }, 3, ""},
		{"guilty", func(j *Job) { j.Faults, j.Failed, j.Open = 9, 3, 97 }, 0, artel.ReasonProgram},
		{"two have failed", func(j *Job) { j.Faults, j.Failed, j.Open = 6, 2, 98 }, 0, ""},
		{"one has succeeded", func(j *Job) { j.Faults, j.Failed, j.Open, j.Good = 9, 3, 97, true }, 0, ""},
		{"failing is an answer", func(j *Job) { j.Faults, j.Failed, j.Open, j.Spec.Enough = 9, 3, 97, 100 }, 0, ""},
		{"it ends already", func(j *Job) { j.Spec.Deadline, j.Halted = now, now }, 0, ""},
		{"it is over", func(j *Job) { j.Spec.Deadline, j.Phase = now, Cancelled }, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, _ := arrayOf(t, 100, 0)
			j.Open = 100
			c.change(&j)
			why, msg, ok := j.End(c.out, now)
			if ok != (c.want != "") || why != c.want || ok != (msg != "") {
				t.Errorf("%v, %q, %q; want %q", ok, why, msg, c.want)
			}
		})
	}
}

// A job that was halted is over when all that was out has ended, or has taken too
// long to be paid for.
func TestHalt(t *testing.T) {
	for _, c := range []struct {
		name  string
		why   artel.Reason
		out   int
		later int64
		want  Phase
	}{
		{"something is out", artel.ReasonDeadline, 1, haltFor - 1, Active},
		{"nothing is", artel.ReasonDeadline, 0, 0, Cancelled},
		{"it takes too long", artel.ReasonDeadline, 1, haltFor, Cancelled},
		{"enough is a good end", artel.ReasonEnough, 0, 0, Finished},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, ts := newJob(t, 0)
			j = j.Halt(c.why, "so it is", now)
			if j.Phase != Active || j.Ready(&ts, now) {
				t.Fatalf("it is %s, and hands out more: %v", j.Phase, j.Ready(&ts, now))
			}
			j = j.Halt(artel.ReasonBudget, "again", now+1).Over(c.out, now+c.later)
			if j.Phase != c.want || j.Why != c.why || j.Message != "so it is" || (j.Ended != 0) != (c.want != Active) {
				t.Errorf("%+v", j)
			}
		})
	}
	j, task := newJob(t, 1)
	j, task, _, _ = j.Received(task, 1, receipt(1, artel.ReasonExited, 0), artel.Amount{}, now)
	j.Late = now + 1
	if j, task = j.Halt(artel.ReasonDeadline, "late", now).Delivered(task, artel.Ref{}, now); task.State != Done || j.Phase != Finished || j.Why != "" || j.Message != "" || j.Late != 0 {
		t.Errorf("what was delivered before the end is %s, the job %s: %s %s", task.State, j.Phase, j.Why, j.Message)
	}
}

// Only the tasks that failed most often go to other machines while the program is
// suspected, and there are always some until it is found guilty.
func TestProbes(t *testing.T) {
	faults := func(n ...uint32) (ts []Task, waiting []uint64) {
		for i, f := range n {
			ts = append(ts, Task{Index: uint64(i), Faults: f})
			waiting = append(waiting, uint64(i))
		}
		return ts, waiting
	}
	for _, c := range []struct {
		faults []uint32
		want   []uint64
	}{
		{[]uint32{1, 0, 2, 1, 1, 0}, []uint64{2, 0, 3}},
		{[]uint32{0, 0, 1, 0, 0}, []uint64{2, 0, 1}},
		{[]uint32{0, 0, 0, 0}, []uint64{0, 1, 2}},
		{[]uint32{1}, []uint64{0}},
	} {
		ts, waiting := faults(c.faults...)
		if got := (Job{}).Probes(ts, waiting, 0); !slices.Equal(got, c.want) {
			t.Errorf("of %v tasks %v, want %v", c.faults, got, c.want)
		}
	}
	ts, waiting := faults(1, 1, 1, 1)
	ts[0].State, ts[2].State = Out, Failed
	if got := (Job{}).Probes(ts, waiting, 0); !slices.Equal(got, []uint64{1, 3}) {
		t.Errorf("%v are probes", got)
	}
	if got := (Job{}).Probes(ts, waiting, 2); !slices.Equal(got, []uint64{1}) {
		t.Errorf("%v are probes beside two", got)
	}
	if got := (Job{Failed: hopeless}).Probes(ts, waiting, 0); len(got) != 0 {
		t.Errorf("%v are probes of what is known to fail", got)
	}
}

func TestInTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		done  int
		left  int64
		host  int
		speed float64
		want  bool
	}{
		{"time enough", 50, 10_000, 9, 1000, true},
		{"too little", 50, 9_999, 9, 1000, false},
		{"enough for a fast one", 50, 5_000, 9, 2000, true},
		{"too little for a slow one", 50, 15_000, 9, 500, false},
		{"it has shown what it takes", 50, 9_000, 1, 5000, false},
		{"nothing is known", 0, 1, 9, 1000, true},
		{"the deadline has come", 0, 0, 9, 1000, false},
	} {
		j, p := arrayOf(t, 100, c.done)
		j.Spec.Deadline = now + c.left
		if got := j.InTime(p, node(c.host), c.speed, now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if j, p := arrayOf(t, 100, 50); !j.InTime(p, node(9), 1, now) {
		t.Error("without a deadline there is all the time")
	}
}

func TestForecast(t *testing.T) {
	two := []Running{run(1, 0, 4_000, 1000), run(2, 1, 8_000, 1000)}
	for _, c := range []struct {
		name    string
		done    int
		out     []Running
		waiting int
		slots   int
		want    int64 // ms from now; 0: nothing to go by
	}{
		{"the last ones", 50, two, 0, 2, 6_000},
		{"and eight wait for two slots", 50, two, 8, 2, 44_000},
		{"and one waits for many", 50, two, 1, 100, 10_000},
		{"nothing is known but that two run", 0, two, 8, 2, 32_000},
		{"nothing is known", 0, nil, 8, 2, 0},
		{"nobody is there", 50, nil, 8, 0, 0},
		{"nothing is left", 50, nil, 0, 2, 0},
	} {
		j, p := arrayOf(t, 100, c.done)
		want := int64(0)
		if c.want != 0 {
			want = now + c.want
		}
		if got := j.Forecast(p, c.out, c.waiting, c.slots, now); got != want {
			t.Errorf("%s: %d, want %d", c.name, got-now, c.want)
		}
	}
}

// A deadline that cannot be kept is told once, again when the estimate changes, and
// taken back when it can be kept after all; then more slots are taken than asked for.
func TestWarn(t *testing.T) {
	j, p := arrayOf(t, 100, 50)
	j.Open, j.Spec.Parallel, j.Spec.Deadline = 50, 4, now+100_000
	if _, changed := j.Warn(now+100_000, 4); changed || j.Wide(p, 46, 4, now) != 4 {
		t.Error("it is warned of a deadline that is kept")
	}
	j, changed := j.Warn(now+160_000, 4)
	if !changed || j.Late != now+160_000 || !strings.Contains(j.Message, "50 of 100 tasks are done and 4 run at once") || !strings.Contains(j.Message, "1m0s after it; hint: ") {
		t.Errorf("%v, %q", changed, j.Message)
	}
	if got := j.Wide(p, 46, 4, now); got != 5 {
		t.Errorf("%d slots for 50 elements of 10 s in 100 s, want 5", got)
	}
	if _, changed = j.Warn(now+165_000, 4); changed {
		t.Error("it is told anew what it knows")
	}
	if k, changed := j.Warn(now+400_000, 4); !changed || k.Late != now+400_000 {
		t.Error("it is not told that it gets worse")
	}
	if k, changed := j.Warn(now+90_000, 4); !changed || k.Late != 0 || k.Message != "" {
		t.Errorf("it is kept after all: %+v", k)
	}
	j.Spec.Parallel = 0
	if j.Wide(p, 46, 4, now) != 0 {
		t.Error("as many as help has a bound")
	}
	if k, _ := j.Warn(math.MaxInt64/2, 1); k.Late == 0 {
		t.Error("far away is no time")
	}
}
