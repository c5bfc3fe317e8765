// Package job decides what becomes of a renter's job: which task runs where,
// what a failure means, when to try again and when to give up. It is pure; the
// renter stores every step before it acts on it.
package job

import (
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// State of a task.
//
//	Waiting ──dispatch──▶ Out ──receipt──▶ Paying ──key──▶ Done
//	   ▲                  │ ▲│                │
//	   │                  └─┘│ copy           │
//	   └──host's fault───────┴────────────────┘   program's fault, Tries times on different hosts ──▶ Failed
//	      and no other attempt is left
//
// A task that is Out has one live attempt, or two: a copy of what takes too long
// (Copy). The first good receipt counts, the other attempt is cancelled; one that
// is lost, or fenced, leaves the task to the other one. What is waiting goes on from
// its newest confirmed checkpoint, where it has one: see Safe. A job that was halted
// (Halt) hands out nothing more and is over when nothing of it is Out or Paying.
type State uint8

// The states of a task.
const (
	Waiting State = iota
	Out
	Paying
	Done
	Failed
)

// String returns the state's word.
func (s State) String() string {
	return [...]string{"waiting", "out", "paying", "done", "failed"}[s]
}

// Attempt is one try of a task on one lease.
type Attempt struct {
	N       uint32       `json:"n"` // 1, 2, 3 …
	Lease   artel.Hash   `json:"lease"`
	Node    artel.NodeID `json:"node"`
	Sent    int64        `json:"sent"` // unix ms
	Ended   int64        `json:"ended,omitempty"`
	Reason  artel.Reason `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
	Fenced  bool         `json:"fenced,omitempty"` // replaced by a later attempt
	Silent  int64        `json:"silent,omitempty"` // unix ms of the fence
	Ran     Ran          `json:"ran,omitzero"`
	Copy    bool         `json:"copy,omitempty"`  // begun beside another one that took too long
	Taken   bool         `json:"taken,omitempty"` // fenced before it had begun: its host had no slot for it

	// Of a service, unix ms: when it was first seen to run, was first healthy, and is told
	// to stop, and how many checks in a row have failed; Message says why.
	Runs   int64  `json:"runs,omitempty"`
	Up     int64  `json:"up,omitempty"`
	Leaves int64  `json:"leaves,omitempty"`
	Bad    uint32 `json:"bad,omitempty"`
}

// end notes how an attempt ended. Of one that was replaced, why it was says more than
// that it was stopped for it.
func (a *Attempt) end(why artel.Reason, msg string, now int64) {
	a.Ended, a.Reason = now, why
	if !a.Fenced || why != artel.ReasonCancelled {
		a.Message = msg
	}
}

// Task is one unit of a job.
type Task struct {
	Index    uint64         `json:"index"` // 0 ≤ Index < Count
	State    State          `json:"state"`
	Attempts []Attempt      `json:"attempts,omitempty"`
	NotUntil int64          `json:"notUntil,omitempty"` // unix ms, backoff
	Faults   uint32         `json:"faults,omitempty"`   // by the program, on different hosts
	Receipt  *artel.Receipt `json:"receipt,omitempty"`  // the one that counts
	Node     artel.NodeID   `json:"node"`               // who delivered it
	Output   artel.Ref      `json:"output"`             // the opened output; zero where empty or not there yet
	Log      artel.Ref      `json:"log"`                // what the counting attempt printed; zero until it is here
	Spent    artel.Amount   `json:"spent"`
	Safe     Safe           `json:"safe,omitzero"`
}

func (t *Task) attempt(n uint32) *Attempt {
	for i := range t.Attempts {
		if t.Attempts[i].N == n {
			return &t.Attempts[i]
		}
	}
	return nil
}

// Lives reports whether an attempt is out and not fenced, n aside.
func (t Task) Lives(n uint32) bool {
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.N != n && a.Ended == 0 && !a.Fenced })
}

// Fenced reports whether attempt n was replaced.
func (t Task) Fenced(n uint32) bool {
	a := t.attempt(n)
	return a != nil && a.Fenced
}

// tried is how many attempts were made of it, those aside that were taken back
// before they had begun.
func (t Task) tried() (n int) {
	for _, a := range t.Attempts {
		if !a.Taken {
			n++
		}
	}
	return n
}

// Phase of a job.
type Phase uint8

// The phases of a job.
const (
	Active Phase = iota
	Finished
	Cancelled
)

// String returns the phase's word.
func (p Phase) String() string { return [...]string{"active", "finished", "cancelled"}[p] }

// Job is what a renter asked for and what became of it.
type Job struct {
	ID      artel.Hash    `json:"id"`
	Spec    artel.JobSpec `json:"spec"`
	Phase   Phase         `json:"phase"`
	Message string        `json:"message,omitempty"`
	Why     artel.Reason  `json:"why,omitempty"`    // it ended, or is ending, before all its tasks had a result
	Halted  int64         `json:"halted,omitempty"` // unix ms since which it is ending
	Late    int64         `json:"late,omitempty"`   // unix ms at which it will be over, where that is after its deadline
	Created int64         `json:"created"`          // unix ms
	Ended   int64         `json:"ended,omitempty"`
	Spent   artel.Amount  `json:"spent"`   // what was billed for it and not written off, holding machines included
	Vouched artel.Amount  `json:"vouched"` // what was promised to providers in vouchers because of it; never more than its budget
	Open    uint64        `json:"open"`    // tasks neither Done nor Failed
	Failed  uint64        `json:"failed"`
	Faults  uint64        `json:"faults,omitempty"` // attempts that failed by the program's fault
	Good    bool          `json:"good,omitempty"`   // one has succeeded, or been healthy
	Grew    int64         `json:"grew,omitempty"`   // unix ms at which a replica was last healthy for the first time
}

// New makes a job and its tasks at now (unix ms).
func New(id artel.Hash, spec artel.JobSpec, now int64) (Job, []Task, error) {
	if err := spec.Check(); err != nil {
		return Job{}, nil, err
	}
	ts := make([]Task, spec.Count)
	for i := range ts {
		ts[i].Index = uint64(i)
	}
	return Job{ID: id, Spec: spec, Created: now, Open: spec.Count}, ts, nil
}

// MaxAttempts is how often a task is tried in all before it fails, whoever is
// to blame: a job must end. Attempts that have saved something do not count.
const MaxAttempts = 50

// Ready reports whether the task may be handed out at now.
func (j *Job) Ready(t *Task, now int64) bool {
	rests := t.NotUntil > now && t.NotUntil <= now+maxBackoff // further ahead is by a clock that was wrong
	return j.Phase == Active && j.Halted == 0 && t.State == Waiting && !rests
}

// Avoid reports whether the task has failed on the node by its own fault, or could not
// begin there: the next try belongs to another host.
func (t Task) Avoid(n artel.NodeID) bool {
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool {
		return a.Node == n && (a.Reason == artel.ReasonStale || a.Reason == artel.ReasonNoInput || a.Reason.ProgramsFault() || a.Reason == artel.ReasonGarbage || a.Reason == artel.ReasonExited)
	})
}

// patience is how long a task waits for a host on which it has not failed, in
// milliseconds. Then any will do: on a small network there may be no other, and
// a job must end.
const patience = 5_000

// Rested reports whether the task has waited long enough for a host that it
// need not avoid.
func (t Task) Rested(now int64) bool {
	for _, a := range t.Attempts {
		if ago := now - max(a.Ended, a.Silent, a.Sent); ago >= 0 && ago < patience { // not from the future
			return false
		}
	}
	return true
}

// Left is what remains of the budget when so much may become due beyond what was
// promised already; all there is where there is no budget.
func (j Job) Left(due artel.Amount) artel.Amount {
	if j.Spec.Budget.IsZero() {
		return artel.MaxAmount
	}
	return j.Spec.Budget.Sub(j.Vouched).Sub(due)
}

// Dispatch hands the task to a lease: the caller stores this BEFORE it asks the
// provider, so that an attempt number is never used twice.
func (j Job) Dispatch(t Task, lease artel.Hash, node artel.NodeID, now int64) (Task, Attempt) {
	a := Attempt{N: uint32(len(t.Attempts)) + 1, Lease: lease, Node: node, Sent: now}
	t.Attempts = append(slices.Clone(t.Attempts), a)
	t.State = Out
	return t, a
}

// Received takes the receipt of attempt n. accept is false when another
// attempt's receipt counts already: exactly one does. A receipt of a fenced
// attempt counts as long as the newer one has not delivered; cancel names the
// attempts that are then not needed any more.
func (j Job) Received(t Task, n uint32, r *artel.Receipt, spent artel.Amount, now int64) (job Job, task Task, accept bool, cancel []Attempt) {
	if t.attempt(n) == nil {
		return j, t, false, nil
	}
	if !j.Spec.Service.IsZero() {
		job, task = j.stopped(t, n, r, spent, now)
		return job, task, false, nil
	}
	t.Attempts = slices.Clone(t.Attempts)
	a := t.attempt(n)
	a.end(r.Reason, r.Message, now)
	t.Spent, j.Spent = t.Spent.Add(spent), j.Spent.Add(spent) // wanted or not, it is paid for
	if t.State != Out && t.State != Waiting {
		return j, t, false, nil
	}
	newer := t.State == Out && t.Lives(n)                           // another attempt is out: the task waits for it
	if r.Reason == artel.ReasonCancelled || r.Reason.HostsFault() { // whatever its result says, it is none
		if t.State == Out && !newer {
			j, t = j.again(t, now)
		}
		return j, t, false, nil
	}
	if r.Reason.ProgramsFault() || r.Result.ExitCode != 0 {
		t.Faults++
		t = t.unfit(n, r.Reason, now)
		j.Faults++
		if t.Faults < j.Spec.Tries && t.tries() < MaxAttempts {
			if !newer {
				t.State, t.NotUntil = Waiting, now+backoff(t.Faults)
			}
			return j, t, false, nil
		}
		t.Receipt, t.Node = r, a.Node
		t.State = Failed
		j.Open, j.Failed = j.Open-1, j.Failed+1
		return j, t, true, others(t, n)
	}
	t = t.delivered(n)
	t.Receipt, t.Node, t.State, j.Good = r, a.Node, Paying, true
	return j, t, true, others(t, n)
}

func others(t Task, n uint32) []Attempt {
	var rest []Attempt
	for _, a := range t.Attempts {
		if a.N != n && a.Ended == 0 {
			rest = append(rest, a)
		}
	}
	return rest
}

// WrittenOff takes so much out of what a task was billed with: nobody will pay it.
func (j Job) WrittenOff(t Task, sum artel.Amount) (Job, Task) {
	j.Spent, t.Spent = j.Spent.Sub(sum), t.Spent.Sub(sum)
	return j, t
}

// Delivered ends a task: its output was paid for, opened and stored.
func (j Job) Delivered(t Task, output artel.Ref, now int64) (Job, Task) {
	if t.State != Paying {
		return j, t
	}
	t.State, t.Output = Done, output
	j.Open--
	return j.Settle(now), t
}

// Lost takes the end of attempt n without a good receipt, or a paid output that
// never came: the host's fault, unless it says that the program, or its image, can run
// nowhere. The task is tried elsewhere.
func (j Job) Lost(t Task, n uint32, why artel.Reason, msg string, now int64) (Job, Task) {
	paying := t.State == Paying && t.Receipt != nil && t.Receipt.Result.Attempt == n
	if a := t.attempt(n); a == nil || a.Ended != 0 && !paying {
		return j, t
	}
	t.Attempts = slices.Clone(t.Attempts)
	t.attempt(n).end(why, msg, now)
	t = t.unfit(n, why, now)
	if why.ProgramsFault() {
		t = t.forgive(n, now)
		j.Faults++
		t.Faults++ // it was not run and is not paid for, and another host would say the same
	}
	if paying {
		t.Receipt, t.Node, t.State = nil, artel.NodeID{}, Out
	}
	if t.State != Out || t.Lives(n) {
		return j, t
	}
	return j.again(t, now)
}

// again gives a task that ended without a result another try, or fails it after
// the last one.
func (j Job) again(t Task, now int64) (Job, Task) {
	if t.tries() < MaxAttempts && (t.Faults == 0 || t.Faults < j.Spec.Tries) {
		return j, t.back(now)
	}
	t.State = Failed
	j.Open, j.Failed = j.Open-1, j.Failed+1
	return j.Settle(now), t
}

func (t Task) back(now int64) Task {
	host, excused := t.failures()
	t.State = Waiting
	switch {
	case host > 2:
		t.NotUntil = now + backoff(uint32(host-2))
	case excused > 2:
		t.NotUntil = now + backoff(1) // who is sent away at once each time rests a little
	}
	return t
}

// maxBackoff bounds backoff, in milliseconds.
const maxBackoff = 60_000

// backoff is 1, 2, 4 … 60 seconds, in milliseconds.
func backoff(n uint32) int64 { return min(maxBackoff, int64(1000)<<min(n-1, 6)) }

// Shifted moves all instants by so many ms, when the wall clock was set by as
// much: what has lasted so far has lasted as long by the new clock.
func (t Task) Shifted(ms int64) Task {
	move := func(at *int64) {
		if *at != 0 {
			*at += ms
		}
	}
	move(&t.NotUntil)
	t.Attempts = slices.Clone(t.Attempts)
	for i := range t.Attempts {
		a := &t.Attempts[i]
		move(&a.Sent)
		move(&a.Ended)
		move(&a.Silent)
		move(&a.Ran.At)
		move(&a.Runs)
		move(&a.Up)
		move(&a.Leaves)
	}
	t.Safe = t.Safe.shifted(ms)
	return t
}

// Fence replaces attempt n of a silent host: the task may be handed out again,
// unless another attempt of it is out.
// The fenced attempt's receipt still counts if it comes before the new one's; and
// if it has come and its output has not, see Opened.
func (j Job) Fence(t Task, n uint32, now int64) Task {
	a := t.attempt(n)
	if a == nil || a.Fenced {
		return t
	}
	out, lives := t.State == Out && a.Ended == 0, t.Lives(n)
	unopened := t.State == Paying && t.Receipt != nil && t.Receipt.Result.Attempt == n
	if !out && !unopened || !(out && lives) && t.tries() >= MaxAttempts {
		return t // the last try of all is waited for until it is lost
	}
	t.Attempts = slices.Clone(t.Attempts)
	a = t.attempt(n)
	a.Fenced, a.Silent, a.Message = true, now, fmt.Sprintf("host was silent, replaced after %d s", (now-a.Sent)/1000)
	if !out || !lives {
		t.State, t.Receipt, t.Node = Waiting, nil, artel.NodeID{}
	}
	return t
}

// Opened ends a task with the output of attempt n, which was fenced after its
// receipt r had come and is open now after all. accept is false when a later
// attempt's receipt counts; cancel names the attempts that are not needed any
// more.
func (j Job) Opened(t Task, n uint32, r *artel.Receipt, output artel.Ref, now int64) (job Job, task Task, accept bool, cancel []Attempt) {
	a := t.attempt(n)
	if a == nil || !a.Fenced || t.State != Waiting && t.State != Out {
		return j, t, false, nil
	}
	t.Receipt, t.Node, t.State = r, a.Node, Paying
	j, t = j.Delivered(t, output, now)
	return j, t, true, others(t, n)
}

// Cancel ends a job at once; what runs is to be cancelled by the caller.
func (j Job) Cancel(why artel.Reason, msg string, now int64) Job {
	if j.Phase == Active {
		j.Phase, j.Why, j.Message, j.Ended, j.Late = Cancelled, why, msg, now, 0
	}
	return j
}

// Settle closes a job with nothing left open.
func (j Job) Settle(now int64) Job {
	if j.Phase != Active || j.Open != 0 {
		return j
	}
	j.Phase, j.Ended, j.Late = Finished, now, 0
	switch {
	case j.Why == artel.ReasonEnough:
	case j.Failed > 0 && !j.Spec.Service.IsZero() && !j.Good:
		j.Why, j.Message = artel.ReasonProgram, j.cannotRun()
	case j.Failed > 0:
		j.Why, j.Message = artel.ReasonFailed, fmt.Sprintf("%d of %d tasks failed", j.Failed, j.Spec.Count)
	default:
		j.Why, j.Message = "", "" // whatever was feared
	}
	return j
}

// Silence is what a renter concludes from a host's silence.
type Silence uint8

// Conclusions.
const (
	Fine    Silence = iota
	Suspect         // prepare elsewhere
	Dead            // start elsewhere
)

// Judge concludes from ms of silence.
func Judge(f artel.Failover, ms int64) Silence {
	switch {
	case ms >= int64(f.Replace):
		return Dead
	case ms >= int64(f.Suspect):
		return Suspect
	}
	return Fine
}
