package job

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// The tasks of a service are its replicas. Each is out on one machine until it is
// replaced: its machine is gone, it failed its checks, or another attempt of it, begun
// before its lease ends, is healthy.
//
//	Waiting ──dispatch──▶ Out ──runs──▶ Out, Up ──fails, ends, machine gone──▶ Waiting
//	                       │                                           3 × by the program ──▶ Failed
//	                       └──Retire (scaled down, or the new version is there)──▶ Done
//
// A new version is a job of its own: it grows by one when all it has is healthy, and the
// old one shrinks by what is healthy of the new, see Places.

// settled is for how many ms a replica must have been up for its end to be no sign of a
// program that cannot run.
const settled = 60_000

// Healthy reports whether the attempt answered its newest check as it should and is to
// stay.
func (a Attempt) Healthy() bool {
	return a.Up != 0 && a.Bad == 0 && a.Ended == 0 && !a.Fenced && a.Leaves == 0
}

// Healthy is the number of the attempt of a replica that serves; ok is false where none
// does.
func (t Task) Healthy() (n uint32, ok bool) {
	if t.State != Out {
		return 0, false
	}
	for _, a := range slices.Backward(t.Attempts) {
		if a.Healthy() {
			return a.N, true
		}
	}
	return 0, false
}

// Healthy is how many of a service's replicas serve.
func Healthy(ts []Task) (n uint32) {
	for _, t := range ts {
		if _, ok := t.Healthy(); ok {
			n++
		}
	}
	return n
}

// Standing is how many of a service's replicas have been healthy and are out: a check
// that fails once is no reason to begin or end another one elsewhere.
func Standing(ts []Task) (n uint32) {
	for _, t := range ts {
		if t.State == Out && slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.Up != 0 && a.Ended == 0 && !a.Fenced && a.Leaves == 0 }) {
			n++
		}
	}
	return n
}

// Check is the outcome of a health check.
type Check struct {
	Bad  string // why it failed; empty: it did not
	Host bool   // the machine could not even be asked
}

// Checked takes a check of attempt n. A replica whose newer attempt is healthy is served
// by that one: the older ones leave. fails says that the attempt is to be replaced; see
// Ill.
func (j Job) Checked(t Task, n uint32, c Check, now int64) (job Job, task Task, fails bool) {
	if a := t.attempt(n); a == nil || a.Ended != 0 || a.Fenced || t.State != Out {
		return j, t, false
	}
	t.Attempts = slices.Clone(t.Attempts)
	a := t.attempt(n)
	if a.Runs == 0 {
		a.Runs = now
	}
	s := j.Spec.Service
	if c.Bad != "" {
		a.Bad, a.Message = a.Bad+1, c.Bad
		return j, t, a.Up != 0 && a.Bad >= s.Fails || a.Up == 0 && now-a.Runs > int64(s.Start)
	}
	if a.Up == 0 {
		a.Up, j.Good, j.Grew = now, true, now
	}
	a.Bad, a.Message = 0, ""
	for i := range t.Attempts {
		if x := &t.Attempts[i]; x.N < n && x.Ended == 0 && x.Leaves == 0 {
			x.Leaves = now + int64(s.Drain)
		}
	}
	return j, t, false
}

// Ill replaces attempt n, which fails its checks.
func (j Job) Ill(t Task, n uint32, host bool, now int64) (Job, Task) {
	a := t.attempt(n)
	if a == nil {
		return j, t
	}
	why, msg := artel.ReasonUnhealthy, fmt.Sprintf("%d health checks failed: %s", a.Bad, a.Message)
	if a.Up == 0 {
		msg = fmt.Sprintf("not healthy within %d s: %s", j.Spec.Service.Start/1000, a.Message)
	}
	if host {
		why = artel.ReasonHost
	}
	return j.Lost(t, n, why, msg, now)
}

// forgive forgets earlier faults of a program when attempt n of it has run well for
// long.
func (t Task) forgive(n uint32, now int64) Task {
	if a := t.attempt(n); a != nil && a.Up != 0 && now-a.Up >= settled {
		t.Faults = 0
	}
	return t
}

// stopped takes the receipt of attempt n of a replica: whatever it says, the service
// goes on.
func (j Job) stopped(t Task, n uint32, r *artel.Receipt, spent artel.Amount, now int64) (Job, Task) {
	t.Spent, j.Spent = t.Spent.Add(spent), j.Spent.Add(spent)
	if t.attempt(n).Ended != 0 {
		return j, t // it was replaced, and says why
	}
	t.Attempts = slices.Clone(t.Attempts)
	t.attempt(n).end(r.Reason, r.Message, now)
	if t.State != Out || t.Lives(n) {
		return j, t
	}
	if r.Reason != artel.ReasonExited && !r.Reason.ProgramsFault() {
		return j.again(t, now)
	}
	t = t.forgive(n, now)
	t.Faults, j.Faults = t.Faults+1, j.Faults+1
	if t.Faults < j.Spec.Tries {
		t.State, t.NotUntil = Waiting, now+backoff(t.Faults)
		return j, t
	}
	t.State = Failed
	j.Open, j.Failed = j.Open-1, j.Failed+1
	return j.Settle(now), t
}

// Places is how many replicas a version of a service should have. next is the version
// that takes over from it, of which so many stand; before the one that it takes over from;
// nil: there is none.
func (j Job) Places(ts []Task, next *Job, standingNext uint32, before bool) uint32 {
	want := j.Spec.Service.Replicas
	switch {
	case next != nil:
		return want - min(want, standingNext)
	case before:
		return min(want, Standing(ts)+1)
	}
	return want
}

// Stuck reports whether a version that takes over from another one gets no further: the
// old one is still there and should stay.
func (j Job) Stuck(now int64) bool {
	return now-max(j.Created, j.Grew) > int64(j.Spec.Service.Start)+fetchFor
}

// fetchFor is what a machine may take to have an image, in milliseconds.
const fetchFor = 10 * 60_000

// Late reports whether attempt n has not begun to run for longer than any image should
// take.
func (t Task) Late(n uint32, now int64) bool {
	a := t.attempt(n)
	return a != nil && a.Ended == 0 && !a.Fenced && a.Runs == 0 && now-a.Sent > fetchFor
}

// Scale makes a service have n places, those included whose replica has failed for
// good. changed are the indices of new tasks and of those that have gone.
func (j Job) Scale(ts []Task, n uint32, now int64) (job Job, tasks []Task, changed []uint64) {
	have := j.Open + j.Failed
	for ; have < uint64(n); have++ {
		i := uint64(len(ts))
		ts = append(slices.Clip(ts), Task{Index: i})
		j.Spec.Count, j.Open = i+1, j.Open+1
		changed = append(changed, i)
	}
	if have == uint64(n) {
		return j, ts, changed
	}
	var open []uint64
	for _, t := range ts {
		if t.State == Waiting || t.State == Out {
			open = append(open, t.Index)
		}
	}
	use := func(i uint64) int { // the least use goes first
		if _, ok := ts[i].Healthy(); ok {
			return 2
		}
		return int(ts[i].State) // Waiting, Out
	}
	slices.SortStableFunc(open, func(x, y uint64) int { return cmp.Or(cmp.Compare(use(x), use(y)), cmp.Compare(y, x)) })
	ts = slices.Clone(ts)
	for _, i := range open[:min(len(open), int(have-uint64(n)))] {
		ts[i] = j.leave(ts[i], now)
		ts[i].State = Done
		j.Open--
		changed = append(changed, i)
	}
	return j, ts, changed
}

// cannotRun says that the program is to blame.
func (j Job) cannotRun() string {
	return fmt.Sprintf("it is the program: %d replicas have failed, and none was ever healthy; hint: artel logs, --port, --health", j.Faults)
}

// leave has what runs of a replica end when it is drained.
func (j Job) leave(t Task, now int64) Task {
	t.Attempts = slices.Clone(t.Attempts)
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.Ended == 0 && a.Leaves == 0 {
			a.Leaves = now
			if a.Up != 0 {
				a.Leaves += int64(j.Spec.Service.Drain)
			}
		}
	}
	return t
}

// Stop ends a service: nothing is sent to its replicas any more, and when they are
// drained they end.
func (j Job) Stop(ts []Task, why artel.Reason, msg string, now int64) (Job, []Task) {
	ts = slices.Clone(ts)
	for i := range ts {
		ts[i] = j.leave(ts[i], now)
	}
	return j.Halt(why, msg, now), ts
}

// Unwanted reports whether attempt n is to be told to stop.
func (j Job) Unwanted(t Task, n uint32, now int64) bool {
	a := t.attempt(n)
	if a == nil || j.Phase != Active || a.Ended != 0 || a.Fenced {
		return true
	}
	// Further ahead than a drain lasts: the clock was set back, and nobody pays until it has
	// caught up.
	return a.Leaves != 0 && (now >= a.Leaves || a.Leaves-now > int64(j.Spec.Service.Drain))
}
