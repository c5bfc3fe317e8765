package job

import (
	"testing"

	"github.com/artel-network/artel"
)

const now = int64(1_000_000)

// newJob is a job of one task that has been handed out n times, each attempt
// but the last fenced.
func newJob(t *testing.T, n int) (Job, Task) {
	t.Helper()
	program, err := artel.NewRef(artel.CodecRaw, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	j, ts, err := New(artel.Hash{1}, artel.JobSpec{
		Program: program, Count: 1, Wall: 60_000, Sandbox: "wasm", Tries: 2, Failover: artel.FailoverNormal,
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	task := ts[0]
	for i := range n {
		if i > 0 {
			task = j.Fence(task, uint32(i), now)
		}
		var a Attempt
		if task, a = j.Dispatch(task, artel.Hash{2}, node(i), now); a.N != uint32(i+1) {
			t.Fatalf("attempt %d has number %d", i+1, a.N)
		}
	}
	return j, task
}

func node(i int) (n artel.NodeID) {
	n[0] = byte(i + 1)
	return n
}

func receipt(n uint32, why artel.Reason, exit int32) *artel.Receipt {
	return &artel.Receipt{Result: artel.Result{Attempt: n, ExitCode: exit}, Reason: why}
}

func TestReceived(t *testing.T) {
	for _, c := range []struct {
		name   string
		out    int // attempts handed out, all but the last fenced
		state  State
		n      uint32
		r      *artel.Receipt
		faults uint32
		accept bool
		want   State
		cancel int
		spent  uint64
	}{
		{"a result", 1, Out, 1, receipt(1, artel.ReasonExited, 0), 0, true, Paying, 0, 5},
		{"of the newer of two", 2, Out, 2, receipt(2, artel.ReasonExited, 0), 0, true, Paying, 1, 5},
		{"of the fenced one, in time", 2, Out, 1, receipt(1, artel.ReasonExited, 0), 0, true, Paying, 1, 5},
		{"of the fenced one, nobody else yet", 1, Waiting, 1, receipt(1, artel.ReasonExited, 0), 0, true, Paying, 0, 5},
		{"while another is paid", 2, Paying, 1, receipt(1, artel.ReasonExited, 0), 0, false, Paying, 0, 5},
		{"after the end", 2, Done, 1, receipt(1, artel.ReasonExited, 0), 0, false, Done, 0, 5},
		{"after the failure", 2, Failed, 1, receipt(1, artel.ReasonExited, 0), 0, false, Failed, 0, 5},
		{"of no attempt", 1, Out, 9, receipt(9, artel.ReasonExited, 0), 0, false, Out, 0, 0},
		{"exit code 1, the first", 1, Out, 1, receipt(1, artel.ReasonExited, 1), 0, false, Waiting, 0, 5},
		{"exit code 1, the last", 1, Out, 1, receipt(1, artel.ReasonExited, 1), 1, true, Failed, 0, 5},
		{"out of memory, the last", 1, Out, 1, receipt(1, artel.ReasonMemory, 0), 1, true, Failed, 0, 5},
		{"exit code 1 of the fenced one", 2, Out, 1, receipt(1, artel.ReasonExited, 1), 0, false, Out, 0, 5},
		{"cancelled", 1, Out, 1, receipt(1, artel.ReasonCancelled, 0), 0, false, Waiting, 0, 5},
		{"the host's own trouble", 1, Out, 1, receipt(1, artel.ReasonHost, 0), 0, false, Waiting, 0, 5},
		{"a word that nobody knows, with an exit code", 1, Out, 1, receipt(1, "splendid", 1), 0, false, Waiting, 0, 5},
		{"no word at all", 1, Out, 1, receipt(1, "", 0), 0, false, Waiting, 0, 5},
		{"the host's trouble with the fenced one", 2, Out, 1, receipt(1, artel.ReasonHost, 0), 0, false, Out, 0, 5},
		{"cancelled, the last of all", MaxAttempts, Out, MaxAttempts, receipt(MaxAttempts, artel.ReasonCancelled, 0), 0, false, Failed, 0, 5},
		{"the fenced one cancelled", 2, Out, 1, receipt(1, artel.ReasonCancelled, 0), 0, false, Out, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, task := newJob(t, c.out)
			task.State, task.Faults = c.state, c.faults
			j, task, accept, cancel := j.Received(task, c.n, c.r, artel.Units(5), now)
			if accept != c.accept || task.State != c.want || len(cancel) != c.cancel || j.Spent != artel.Units(c.spent) {
				t.Errorf("accepted %v, %s, cancels %d, spent %s; want %v, %s, %d, %d", accept, task.State, len(cancel), j.Spent, c.accept, c.want, c.cancel, c.spent)
			}
			if open := map[bool]uint64{true: 0, false: 1}[c.want == Failed && c.state != Failed]; j.Open != open {
				t.Errorf("%d tasks are open, want %d", j.Open, open)
			}
		})
	}
}

func TestLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		out    int
		before func(Job, Task) (Job, Task)
		n      uint32
		want   State
	}{
		{"its only attempt", 1, nil, 1, Waiting},
		{"the fenced one", 2, nil, 1, Out},
		{"the newer one", 2, nil, 2, Waiting},
		{"a paid output that never came", 1, func(j Job, t Task) (Job, Task) {
			j, t, _, _ = j.Received(t, 1, receipt(1, artel.ReasonExited, 0), artel.Amount{}, now)
			return j, t
		}, 1, Waiting},
		{"another one while an output is paid", 2, func(j Job, t Task) (Job, Task) {
			j, t, _, _ = j.Received(t, 2, receipt(2, artel.ReasonExited, 0), artel.Amount{}, now)
			return j, t
		}, 1, Paying},
		{"after it was done", 1, func(j Job, t Task) (Job, Task) {
			j, t, _, _ = j.Received(t, 1, receipt(1, artel.ReasonExited, 0), artel.Amount{}, now)
			return j.Delivered(t, artel.Ref{}, now)
		}, 1, Done},
		{"the last try of all", MaxAttempts, nil, MaxAttempts, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, task := newJob(t, c.out)
			if c.before != nil {
				j, task = c.before(j, task)
			}
			j, task = j.Lost(task, c.n, artel.ReasonLost, "gone", now)
			if task.State != c.want {
				t.Errorf("the task is %s, want %s", task.State, c.want)
			}
			if over := j.Phase == Finished; over != (c.want == Done || c.want == Failed) {
				t.Errorf("the job is %s", j.Phase)
			}
		})
	}
}

// A host that says that the program can run nowhere is believed as often as one that
// ran it: after so many tries the task fails.
func TestLostByTheProgramsFault(t *testing.T) {
	j, task := newJob(t, 1)
	j.Spec.Tries = 2
	j, task = j.Lost(task, 1, artel.ReasonBadProgram, "fetch image: it is for another platform", now)
	if task.State != Waiting || task.Faults != 1 || task.Attempts[0].Message == "" {
		t.Fatalf("%+v", task)
	}
	task, _ = j.Dispatch(task, artel.Hash{2}, artel.NodeID{2}, now)
	j, task = j.Lost(task, 2, artel.ReasonBadProgram, "fetch image: it is for another platform", now)
	if task.State != Failed || j.Phase != Finished || j.Failed != 1 {
		t.Fatalf("%+v of a job that is %s", task, j.Phase)
	}
}

func TestFence(t *testing.T) {
	for _, c := range []struct {
		name  string
		out   int
		state State
		n     uint32
		want  State
	}{
		{"the attempt that is out", 1, Out, 1, Waiting},
		{"one that was fenced before", 2, Out, 1, Out},
		{"one with a receipt and no output", 1, Paying, 1, Waiting},
		{"one beside that with a receipt", 2, Paying, 2, Paying},
		{"the last try of all", MaxAttempts, Out, MaxAttempts, Out},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, task := newJob(t, c.out)
			if task.State = c.state; c.state == Paying {
				task.Receipt = receipt(1, artel.ReasonExited, 0)
			}
			if task = j.Fence(task, c.n, now+20_000); task.State != c.want {
				t.Errorf("the task is %s, want %s", task.State, c.want)
			}
		})
	}
}

// A fenced attempt whose receipt has come counts if its output is open before a
// later attempt has a receipt.
func TestOpened(t *testing.T) {
	good := receipt(1, artel.ReasonExited, 0)
	fenced := func(t *testing.T) (Job, Task) {
		j, task := newJob(t, 1)
		j, task, ok, _ := j.Received(task, 1, good, artel.Units(7), now)
		if task = j.Fence(task, 1, now+3000); !ok || task.State != Waiting || task.Receipt != nil || !task.Attempts[0].Fenced {
			t.Fatalf("the task is %s with receipt %v after the fence", task.State, task.Receipt)
		}
		return j, task
	}
	for _, c := range []struct {
		name   string
		next   func(j Job, t Task) (Job, Task)
		ok     bool
		cancel int
	}{
		{"nobody has it yet", func(j Job, t Task) (Job, Task) { return j, t }, true, 0},
		{"another host runs it", func(j Job, t Task) (Job, Task) { t, _ = j.Dispatch(t, artel.Hash{3}, node(3), now); return j, t }, true, 1},
		{"another host's receipt is here", func(j Job, t Task) (Job, Task) {
			t, _ = j.Dispatch(t, artel.Hash{3}, node(3), now)
			j, t, _, _ = j.Received(t, 2, receipt(2, artel.ReasonExited, 0), artel.Units(7), now)
			return j, t
		}, false, 0},
		{"another host has done it", func(j Job, t Task) (Job, Task) {
			t, _ = j.Dispatch(t, artel.Hash{3}, node(3), now)
			j, t, _, _ = j.Received(t, 2, receipt(2, artel.ReasonExited, 0), artel.Units(7), now)
			return j.Delivered(t, artel.Ref{}, now)
		}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, before := c.next(fenced(t))
			open := j.Open
			j, task, ok, cancel := j.Opened(before, 1, good, artel.Ref{}, now+5000)
			if ok != c.ok || len(cancel) != c.cancel {
				t.Fatalf("accepted %t, cancels %v", ok, cancel)
			}
			if ok && (task.State != Done || task.Receipt != good || task.Node != node(0) || j.Open != open-1) {
				t.Errorf("the task is %s by %s, %d of %d open", task.State, task.Node.Short(), j.Open, open)
			}
			if !ok && (task.State != before.State || j.Open != open) {
				t.Errorf("the task is %s", task.State)
			}
		})
	}
	j, task := newJob(t, 1)
	if _, task, ok, _ := j.Opened(task, 1, good, artel.Ref{}, now); ok || task.State != Out {
		t.Error("an attempt that was not fenced is opened")
	}
}

// A step never changes what it was given: the caller keeps the old state until
// the new one is stored.
func TestStepsLeaveTheirInputAlone(t *testing.T) {
	j, task := newJob(t, 2)
	before := append([]Attempt(nil), task.Attempts...)
	j.Received(task, 1, receipt(1, artel.ReasonExited, 0), artel.Amount{}, now+1)
	j.Lost(task, 2, artel.ReasonLost, "gone", now+1)
	j.Fence(task, 2, now+1)
	j.Dispatch(task, artel.Hash{3}, node(3), now+1)
	for i, a := range task.Attempts {
		if a != before[i] {
			t.Errorf("attempt %d became %+v", a.N, a)
		}
	}
}

func TestAvoid(t *testing.T) {
	for _, c := range []struct {
		why  artel.Reason
		want bool
	}{
		{artel.ReasonLost, false}, {artel.ReasonRefused, false}, {artel.ReasonCancelled, false},
		{artel.ReasonGarbage, true}, {artel.ReasonMemory, true}, {artel.ReasonExited, true},
	} {
		task := Task{Attempts: []Attempt{{N: 1, Node: node(1), Reason: c.why}}}
		if task.Avoid(node(1)) != c.want || task.Avoid(node(2)) {
			t.Errorf("%s: avoid is %v, want %v", c.why, task.Avoid(node(1)), c.want)
		}
	}
}

func TestLeft(t *testing.T) {
	j, _ := newJob(t, 0)
	j.Spec.Budget, j.Vouched = artel.Units(100), artel.Units(40)
	for due, want := range map[uint64]uint64{0: 60, 59: 1, 60: 0, 61: 0} {
		if got := j.Left(artel.Units(due)); got != artel.Units(want) {
			t.Errorf("with %d units due %s are left, want %d", due, got, want)
		}
	}
	if j.Left(artel.MaxAmount) != (artel.Amount{}) {
		t.Error("whatever is due, nothing more is left than nothing")
	}
	if j.Spec.Budget = (artel.Amount{}); j.Left(artel.MaxAmount) != artel.MaxAmount {
		t.Error("no budget is no limit")
	}
}

func TestJudge(t *testing.T) {
	for ms, want := range map[int64]Silence{0: Fine, 14_999: Fine, 15_000: Suspect, 19_999: Suspect, 20_000: Dead} {
		if got := Judge(artel.FailoverNormal, ms); got != want {
			t.Errorf("%d ms: %d, want %d", ms, got, want)
		}
	}
}

// Instants by a clock that was wrong hold nothing up, and those of one that is
// set move with it.
func TestClockIsSet(t *testing.T) {
	const now, hour = int64(1_800_000_000_000), int64(3_600_000)
	j := Job{}
	for at, want := range map[int64]bool{now - 1: true, now: true, now + 1: false, now + maxBackoff: false, now + hour: true} {
		if got := j.Ready(&Task{NotUntil: at}, now); got != want {
			t.Errorf("ready with a rest of %d ms: %v, want %v", at-now, got, want)
		}
	}
	task := Task{NotUntil: now + 500, Attempts: []Attempt{{Sent: now - 3000, Ended: now - 1000}, {Sent: now - 900}}}
	if task.Rested(now) || !(Task{Attempts: []Attempt{{Ended: now + hour}}}).Rested(now) {
		t.Error("an attempt from the future is waited for, or one of now is not")
	}
	moved := task.Shifted(-hour)
	if moved.NotUntil != now+500-hour || moved.Attempts[0].Ended != now-1000-hour || moved.Attempts[1].Ended != 0 || moved.Attempts[0].Silent != 0 {
		t.Errorf("moved to %+v", moved)
	}
	if task.Attempts[0].Sent != now-3000 {
		t.Error("the task that was moved has changed")
	}
}
