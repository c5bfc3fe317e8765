package job

import (
	"slices"
	"testing"

	"github.com/artel-network/artel"
)

// arrayOf is a job of count elements, and the pace of some hosts of reference speed
// that took 10 s for each of the elements that are done.
func arrayOf(t *testing.T, count uint64, done int) (Job, *Pace) {
	t.Helper()
	j, _ := newJob(t, 0)
	j.Spec.Count = count
	p := &Pace{}
	for i := range done {
		p.Took(node(i%4), 10_000, 1000)
	}
	return j, p
}

func run(index uint64, host int, ms int64, speed float64) Running {
	return Running{Index: index, N: 1, Node: node(host), For: ms, Speed: speed}
}

// hosts 0 to 3 have done elements, 9 and up have not.
func TestStragglers(t *testing.T) {
	for _, c := range []struct {
		name    string
		count   uint64
		done    int
		change  func(*Job)
		waiting int
		out     []Running
		want    []uint64
	}{
		{"nobody is late", 100, 90, nil, 0, []Running{run(1, 9, 9_000, 1000), run(2, 9, 12_000, 1000)}, nil},
		{"a little late", 100, 90, nil, 0, []Running{run(1, 9, 17_000, 1000)}, nil},
		{"late", 100, 90, nil, 0, []Running{run(1, 9, 18_000, 1000)}, []uint64{1}},
		{"late on a host that says to be half as fast", 100, 90, nil, 0, []Running{run(1, 9, 18_000, 500)}, nil},
		{"with long to go on a host that says to be slow", 100, 90, nil, 0, []Running{run(1, 9, 1_000, 100)}, []uint64{1}},
		{"late, and others wait", 100, 90, nil, 1, []Running{run(1, 9, 30_000, 1000)}, nil},
		{"hangs, and others wait", 100, 90, nil, 1, []Running{run(1, 9, 90_000, 1000)}, []uint64{1}},
		{"the latest first, one in twenty", 60, 50, nil, 0, []Running{run(1, 9, 20_000, 1000), run(2, 9, 40_000, 1000), run(3, 9, 50_000, 1000), run(4, 9, 30_000, 1000)}, []uint64{3, 2, 4}},
		{"a copy runs already", 30, 28, nil, 0, []Running{run(1, 9, 40_000, 1000), run(1, 3, 2_000, 1000), run(2, 9, 40_000, 1000)}, nil},
		{"and another one may", 40, 38, nil, 0, []Running{run(1, 9, 40_000, 1000), run(1, 3, 2_000, 1000), run(2, 9, 40_000, 1000)}, []uint64{2}},
		{"too few siblings to tell", 100, 2, nil, 0, []Running{run(1, 9, 90_000, 1000)}, nil},
		{"one of two", 2, 1, nil, 0, []Running{run(1, 9, 18_000, 1000)}, []uint64{1}},
		{"alone", 1, 0, nil, 0, []Running{run(0, 9, 59_000, 1000)}, nil},
		{"alone, the deadline far", 1, 0, func(j *Job) { j.Spec.Deadline = now + 61_000 }, 0, []Running{run(0, 9, 5_000, 1000)}, nil},
		{"alone, the deadline near", 1, 0, func(j *Job) { j.Spec.Deadline = now + 60_000 }, 0, []Running{run(0, 9, 5_000, 1000)}, []uint64{0}},
		{"alone, the deadline past", 1, 0, func(j *Job) { j.Spec.Deadline = now }, 0, []Running{run(0, 9, 5_000, 1000)}, nil},
		{"it will miss the deadline", 100, 90, func(j *Job) { j.Spec.Deadline = now + 9_000 }, 0, []Running{run(1, 9, 15_000, 1000)}, []uint64{1}},
		{"never, says the renter", 100, 90, func(j *Job) { j.Spec.Once = true }, 0, []Running{run(1, 9, 90_000, 1000)}, nil},
		{"the job ends", 100, 90, func(j *Job) { j.Halted = now }, 0, []Running{run(1, 9, 90_000, 1000)}, nil},
		{"the job is over", 100, 90, func(j *Job) { j.Phase = Cancelled }, 0, []Running{run(1, 9, 90_000, 1000)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, p := arrayOf(t, c.count, c.done)
			if c.change != nil {
				c.change(&j)
			}
			var got []uint64
			for _, x := range j.Stragglers(p, c.out, c.waiting, now) {
				got = append(got, x.Index)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("copies of %v, want of %v", got, c.want)
			}
		})
	}
}

// Where the elements differ by themselves, one that takes as long as one in ten does
// is none that hangs.
func TestLongElementsAreNoStragglers(t *testing.T) {
	j, p := arrayOf(t, 100, 0)
	for i := range 60 {
		ms := int64(5_000)
		if i%6 == 0 {
			ms = 40_000
		}
		p.Took(node(i%4), ms, 1000)
	}
	if got := j.Stragglers(p, []Running{run(1, 9, 40_000, 1000)}, 0, now); len(got) != 0 {
		t.Errorf("%v is copied, one in six takes as long", got)
	}
	if got := j.Stragglers(p, []Running{run(1, 9, 60_000, 1000)}, 0, now); len(got) != 1 {
		t.Errorf("%v is copied", got)
	}
}

func TestGains(t *testing.T) {
	j, p := arrayOf(t, 100, 90)
	late := run(1, 9, 30_000, 1000)
	for _, c := range []struct {
		name  string
		host  int
		speed float64
		by    int64
		want  bool
	}{
		{"a host like the others", 2, 1000, 0, true},
		{"the very host", 9, 1000, 0, false},
		{"one that is slower than the wait", 10, 400, 0, false},
		{"one that is fast enough", 10, 600, 0, true},
		{"the deadline leaves it the time", 2, 1000, 12_000, true},
		{"the deadline does not", 2, 1000, 9_000, false},
	} {
		j.Spec.Deadline = 0
		if c.by != 0 {
			j.Spec.Deadline = now + c.by
		}
		if got := j.Gains(p, late, node(c.host), c.speed, now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// withCopy is a task that is out twice: attempt 1 on host 0 and its copy on host 5.
func withCopy(t *testing.T) (Job, Task) {
	t.Helper()
	j, task := newJob(t, 1)
	task, a, ok := j.Copy(task, artel.Hash{5}, node(5), now+1000)
	if !ok || a.N != 2 || !a.Copy || !task.Attempts[1].Copy || task.State != Out {
		t.Fatalf("copy %v, attempt %+v of %+v", ok, a, task)
	}
	return j, task
}

// Of a task that is out twice, exactly one receipt counts, and what becomes of one
// attempt leaves the task to the other.
func TestCopy(t *testing.T) {
	good := func(n uint32) func(Job, Task) (Job, Task) {
		return func(j Job, t Task) (Job, Task) {
			j, t, _, _ = j.Received(t, n, receipt(n, artel.ReasonExited, 0), artel.Units(1), now)
			return j, t
		}
	}
	bad := func(n uint32, why artel.Reason, exit int32) func(Job, Task) (Job, Task) {
		return func(j Job, t Task) (Job, Task) {
			j, t, _, _ = j.Received(t, n, receipt(n, why, exit), artel.Units(1), now)
			return j, t
		}
	}
	lost := func(n uint32) func(Job, Task) (Job, Task) {
		return func(j Job, t Task) (Job, Task) { return j.Lost(t, n, artel.ReasonLost, "gone", now) }
	}
	fence := func(n uint32) func(Job, Task) (Job, Task) {
		return func(j Job, t Task) (Job, Task) { return j, j.Fence(t, n, now) }
	}
	delivered := func(j Job, t Task) (Job, Task) { return j.Delivered(t, artel.Ref{}, now) }
	for _, c := range []struct {
		name   string
		steps  []func(Job, Task) (Job, Task)
		want   State
		counts uint32 // the attempt whose receipt counts
	}{
		{"the copy is first", []func(Job, Task) (Job, Task){good(2)}, Paying, 2},
		{"the first one is", []func(Job, Task) (Job, Task){good(1)}, Paying, 1},
		{"both, the copy first", []func(Job, Task) (Job, Task){good(2), good(1)}, Paying, 2},
		{"both, the copy later", []func(Job, Task) (Job, Task){good(1), good(2), delivered}, Done, 1},
		{"the loser is cancelled", []func(Job, Task) (Job, Task){good(2), bad(1, artel.ReasonCancelled, 0), delivered}, Done, 2},
		{"the copy is lost", []func(Job, Task) (Job, Task){lost(2)}, Out, 0},
		{"the first one is lost", []func(Job, Task) (Job, Task){lost(1)}, Out, 0},
		{"and the copy delivers", []func(Job, Task) (Job, Task){lost(1), good(2)}, Paying, 2},
		{"both are lost", []func(Job, Task) (Job, Task){lost(1), lost(2)}, Waiting, 0},
		{"both are lost, the copy first", []func(Job, Task) (Job, Task){lost(2), lost(1)}, Waiting, 0},
		{"the first one's host is silent", []func(Job, Task) (Job, Task){fence(1)}, Out, 0},
		{"and delivers all the same", []func(Job, Task) (Job, Task){fence(1), good(1)}, Paying, 1},
		{"both hosts are silent", []func(Job, Task) (Job, Task){fence(2), fence(1)}, Waiting, 0},
		{"one is silent, one is lost", []func(Job, Task) (Job, Task){fence(1), lost(2)}, Waiting, 0},
		{"the host's trouble with one", []func(Job, Task) (Job, Task){bad(2, artel.ReasonHost, 0)}, Out, 0},
		{"the program fails on one", []func(Job, Task) (Job, Task){bad(1, artel.ReasonExited, 1)}, Out, 0},
		{"the program fails on both", []func(Job, Task) (Job, Task){bad(1, artel.ReasonExited, 1), bad(2, artel.ReasonExited, 1)}, Failed, 2},
		{"the paid output never comes, the other runs", []func(Job, Task) (Job, Task){good(2), lost(2)}, Out, 0},
		{"nor does the other end well", []func(Job, Task) (Job, Task){good(2), lost(2), bad(1, artel.ReasonCancelled, 0)}, Waiting, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, task := withCopy(t)
			for _, s := range c.steps {
				j, task = s(j, task)
			}
			if task.State != c.want {
				t.Errorf("the task is %s, want %s: %+v", task.State, c.want, task.Attempts)
			}
			if got := uint32(0); c.counts != 0 {
				if task.Receipt != nil {
					got = task.Receipt.Result.Attempt
				}
				if got != c.counts {
					t.Errorf("the receipt of attempt %d counts, want %d", got, c.counts)
				}
			}
			if open := task.State != Done && task.State != Failed; open != (j.Open == 1) {
				t.Errorf("the task is %s, %d are open", task.State, j.Open)
			}
		})
	}
	j, task := withCopy(t)
	if _, _, _, cancel := j.Received(task, 2, receipt(2, artel.ReasonExited, 0), artel.Amount{}, now); len(cancel) != 1 || cancel[0].N != 1 {
		t.Errorf("%+v is to be cancelled", cancel)
	}
	if _, _, ok := j.Copy(task, artel.Hash{6}, node(6), now); ok {
		t.Error("a third attempt")
	}
	j, task = newJob(t, 1)
	if _, _, ok := j.Copy(task, artel.Hash{2}, node(0), now); ok {
		t.Error("a copy on the same host")
	}
	if task.State = Paying; true {
		if _, _, ok := j.Copy(task, artel.Hash{5}, node(5), now); ok {
			t.Error("a copy of what is being paid")
		}
	}
	if j, task = newJob(t, MaxAttempts); true {
		if _, _, ok := j.Copy(task, artel.Hash{5}, node(5), now); ok {
			t.Error("a copy beyond the last try of all")
		}
	}
}

// What is taken back costs the task no try and no rest, and still counts if it is
// done first after all.
func TestTakeBack(t *testing.T) {
	j, task := newJob(t, 1)
	task, ok := j.TakeBack(task, 1, now)
	if !ok || task.State != Waiting || !task.Attempts[0].Fenced || !j.Ready(&task, now) {
		t.Fatalf("%v, %+v", ok, task)
	}
	if _, late, accept, _ := j.Received(task, 1, receipt(1, artel.ReasonExited, 0), artel.Amount{}, now); !accept || late.State != Paying {
		t.Error("its receipt does not count")
	}
	task, _ = j.Dispatch(task, artel.Hash{3}, node(3), now)
	if _, ok := j.TakeBack(task, 1, now); ok {
		t.Error("it is taken back twice")
	}
	j, task = j.Lost(task, 1, artel.ReasonCancelled, "cancelled before it began", now)
	if task.State != Out {
		t.Errorf("its end makes the task %s", task.State)
	}
	for n := uint32(2); ; n++ {
		next, ok := j.TakeBack(task, n, now)
		if !ok {
			if n != maxTaken+1 {
				t.Errorf("it is taken back %d times", n-1)
			}
			break
		}
		task, _ = j.Dispatch(next, artel.Hash{3}, node(3), now)
	}
	if task.tried() != 1 {
		t.Errorf("%d tries", task.tried())
	}
	if _, task := j.Lost(task, uint32(len(task.Attempts)), artel.ReasonLost, "gone", now); task.NotUntil != 0 {
		t.Error("it has to rest")
	}
}

func TestGuide(t *testing.T) {
	for _, c := range []struct {
		name string
		g    Guide
		n    uint32
		mean float64
		want int
	}{
		{"short, much to do", Guide{1000, 10, 100}, 4, 100, 12},
		{"short, a huge host", Guide{100_000, 200, 100}, 100, 100, 64},
		{"quick, much to do", Guide{1000, 10, 1000}, 4, 1000, 4},
		{"half a chunk is left for each slot", Guide{10, 10, 1000}, 4, 1000, 2},
		{"little is left", Guide{4, 10, 1000}, 4, 1000, 0},
		{"nothing is left", Guide{0, 10, 1000}, 4, 1000, 0},
		{"a host four times slower", Guide{20, 10, 1000}, 4, 4000, 1},
		{"long", Guide{1000, 10, 20_000}, 4, 20_000, 0},
		{"nothing known of it", Guide{1000, 10, 1000}, 4, 0, 0},
	} {
		if got := c.g.Ahead(c.n, c.mean); got != c.want {
			t.Errorf("%s: %d wait, want %d", c.name, got, c.want)
		}
	}
}

func TestSitsOut(t *testing.T) {
	_, p := arrayOf(t, 100, 90)
	for range 3 {
		p.Took(node(9), 100_000, 1000) // ten times slower
	}
	fast := []Running{run(1, 0, 1000, 1000), run(2, 1, 1000, 1000)}
	for _, c := range []struct {
		name    string
		host    int
		others  []Running
		waiting int
		want    bool
	}{
		{"the work will soon be done", 9, fast, 4, true},
		{"there is enough for all", 9, fast, 100, false},
		{"nobody else is there", 9, nil, 4, false},
		{"only others like it are", 9, []Running{run(1, 9, 1000, 1000)}, 4, false},
		{"one of the fast", 0, fast, 1, false},
	} {
		if got := p.SitsOut(node(c.host), 1000, c.others, c.waiting); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (&Pace{}).SitsOut(node(9), 10, fast, 0) {
		t.Error("somebody sits out before anything is known")
	}
}

func FuzzStragglers(f *testing.F) {
	f.Add(uint64(100), int64(10), int64(30_000), 1000.0, 3, int64(0))
	f.Fuzz(func(t *testing.T, count uint64, done, ms int64, speed float64, waiting int, deadline int64) {
		j, p := arrayOf(t, count, int(done&0xff))
		j.Spec.Deadline = deadline
		out := []Running{run(1, 9, ms, speed), run(2, 9, ms/2, speed), run(2, 3, ms, 1000)}
		late := j.Stragglers(p, out, waiting, now)
		if len(late) > int(max(1, count/copyShare)) {
			t.Errorf("%d copies of %d elements", len(late), count)
		}
		for _, x := range late {
			if x.Index == 2 {
				t.Error("an element with a copy is copied")
			}
			j.Gains(p, x, node(3), speed, now)
		}
		j.Warn(j.Forecast(p, out, waiting&0xffff, 4, now), 4)
		j.Wide(p, waiting&0xffff, 3, now)
	})
}
