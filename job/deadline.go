package job

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/artel-network/artel"
)

// Halt begins a job's end: nothing more is handed out, and what runs without a
// receipt is to be cancelled by the caller. The job is over (Over) when what was
// delivered is paid for and opened.
func (j Job) Halt(why artel.Reason, msg string, now int64) Job {
	if j.Phase == Active && j.Halted == 0 {
		j.Why, j.Message, j.Halted = why, msg, now
	}
	return j
}

// haltFor is how long what was delivered before a job's end may take to be paid for
// and opened, in milliseconds.
const haltFor = 30_000

// Over ends a job that was halted, when no task of it is out any more, or when that
// has lasted too long.
func (j Job) Over(out int, now int64) Job {
	if j.Phase != Active || j.Halted == 0 || out > 0 && now-j.Halted < haltFor+int64(j.Spec.Service.Drain) {
		return j
	}
	j.Ended, j.Late = now, 0
	if j.Phase = Cancelled; j.Why == artel.ReasonEnough {
		j.Phase = Finished
	}
	return j
}

// Done is how many tasks have a result.
func (j Job) Done() uint64 { return j.Spec.Count - j.Open - j.Failed }

// hopeless is how many attempts must have failed by the program's fault while none
// succeeded for the program to be suspected, and how many tasks for good for it to be
// found guilty.
const hopeless = 3

// Suspect reports whether the program seems to fail whatever it is given and wherever
// it runs: only Probes are handed out then, until an attempt succeeds. Where a number
// of results is asked for, failing is an answer like any other.
func (j Job) Suspect() bool { return j.Spec.Enough == 0 && !j.Good && j.Faults >= hopeless }

// Probes are the waiting tasks on which a suspect program is tried again, while so
// many are out: those that have failed most often, a few at once, and none any more
// when it is as good as found guilty.
func (j Job) Probes(ts []Task, waiting []uint64, out int) []uint64 {
	if j.Failed >= hopeless || out >= hopeless {
		return nil
	}
	var worst, fresh []uint64
	for _, i := range waiting {
		switch {
		case ts[i].State != Waiting:
		case ts[i].Faults > 0:
			worst = append(worst, i)
		case len(fresh) < hopeless:
			fresh = append(fresh, i)
		}
	}
	slices.SortFunc(worst, func(a, b uint64) int { return cmp.Or(cmp.Compare(ts[b].Faults, ts[a].Faults), cmp.Compare(a, b)) })
	worst = append(worst, fresh...)
	return worst[:min(len(worst), hopeless-out)]
}

// End says why a job should end now; ok is false where it should not. out is how
// many of its tasks are out.
func (j Job) End(out int, now int64) (why artel.Reason, msg string, ok bool) {
	switch done := j.Done(); {
	case j.Phase != Active || j.Halted != 0:
	case j.Spec.Enough != 0 && done >= j.Spec.Enough:
		return artel.ReasonEnough, fmt.Sprintf("%d of %d tasks are done, %d were asked for", done, j.Spec.Count, j.Spec.Enough), true
	case j.Spec.Deadline != 0 && now >= j.Spec.Deadline:
		return artel.ReasonDeadline, fmt.Sprintf("the deadline came with %d of %d tasks done", done, j.Spec.Count), true
	case j.Suspect() && !j.Spec.Service.IsZero():
		return artel.ReasonProgram, j.cannotRun(), true
	case j.Suspect() && j.Failed >= hopeless && out == 0:
		return artel.ReasonProgram, fmt.Sprintf("it is the program: %d attempts have failed, %d tasks on as many machines as each may, and none has succeeded; hint: artel logs, and --stop-after %d where failing is an answer", j.Faults, j.Failed, j.Spec.Count), true
	}
	return "", "", false
}

// InTime reports whether an element that a host begins now may be done by the
// deadline: by its own earlier ones, or as fast as the quickest quarter of all was.
// Before anything is known, it may.
func (j Job) InTime(p *Pace, n artel.NodeID, speed float64, now int64) bool {
	left := float64(j.Spec.Deadline - now)
	if j.Spec.Deadline == 0 || left > 0 && !p.known(j.Spec.Count) {
		return true
	}
	if left <= 0 {
		return false
	}
	if p.hosts[n].n > 0 {
		return p.Expect(n, speed) <= left
	}
	return p.on(speed, 0.25) <= left
}

// Forecast estimates when the last open task will be done, unix ms: what waits
// shares slots of hosts like those so far, and what runs is as far as it is. Before
// anything is known of the elements' time it says what is the least: that they take
// at least as long as those that run have taken. 0: nothing to go by.
func (j Job) Forecast(p *Pace, out []Running, waiting, slots int, now int64) int64 {
	known := p.known(j.Spec.Count)
	each, longest, rest := p.Typical(), 0.0, 0.0
	if !known {
		each = 0
		for _, x := range out {
			each = max(each, float64(x.For))
		}
	}
	for _, x := range out {
		left := 0.0
		if known {
			left = p.Left(x)
		}
		longest, rest = max(longest, left), rest+left
	}
	if each == 0 || waiting+len(out) == 0 || slots == 0 && waiting > 0 {
		return 0
	}
	ms := longest
	if waiting > 0 {
		ms = max(ms, (rest+float64(waiting)*each)/float64(slots), each)
	}
	return now + int64(min(math.Ceil(ms), 1<<50))
}

// Wide is how many tasks may be out at once; 0: as many as help. A deadline that
// cannot be kept otherwise takes more than the job asks for, as many as could still
// keep it.
func (j Job) Wide(p *Pace, waiting, out int, now int64) int {
	most := int(j.Spec.Parallel)
	left := float64(j.Spec.Deadline - now)
	if most == 0 || j.Late == 0 || left <= 0 || !p.known(j.Spec.Count) {
		return most
	}
	rounds := math.Floor(left / max(p.Typical(), 1))
	return max(most, int(math.Ceil(float64(waiting+out)/max(rounds, 1))))
}

// Warn says that the deadline cannot be kept, and with what estimate, or that it can
// be after all. changed is false where that is no news.
func (j Job) Warn(at int64, slots int) (job Job, changed bool) {
	switch {
	case j.Spec.Deadline == 0 || j.Phase != Active || j.Halted != 0:
		return j, false
	case at <= j.Spec.Deadline:
		changed = j.Late != 0
		if j.Late = 0; changed {
			j.Message = ""
		}
		return j, changed
	}
	over, told := at-j.Spec.Deadline, j.Late-j.Spec.Deadline
	if j.Late != 0 && over < told+told/4 && over > told-told/4 {
		return j, false // about what was said before
	}
	j.Late = at
	j.Message = fmt.Sprintf("the deadline cannot be kept at this pace: %d of %d tasks are done and %d run at once, so the rest ends about %s after it; hint: a higher --max-price or --parallel finds more machines",
		j.Done(), j.Spec.Count, slots, roughly(over))
	return j, true
}

// roughly rounds to what a person wants to know of an estimate.
func roughly(ms int64) time.Duration {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d > 2*time.Hour:
		return d.Round(10 * time.Minute)
	case d > 2*time.Minute:
		return d.Round(time.Minute)
	}
	return max(d.Round(time.Second), time.Second)
}
