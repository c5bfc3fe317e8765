package node

import (
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/job"
)

// What watchers hear of a task that was copied, and of one that was taken back: each
// attempt begins once, and who was not first is not told of as a failure.
func TestHistoryOfCopies(t *testing.T) {
	good := &artel.Receipt{Result: artel.Result{Attempt: 2}, Reason: artel.ReasonExited}
	j := job.Job{Spec: artel.JobSpec{Count: 2}, Created: 1000}
	ts := []job.Task{
		{Index: 0, State: job.Done, Receipt: good, Attempts: []job.Attempt{
			{N: 1, Sent: 2000, Ended: 9100, Reason: artel.ReasonCancelled, Message: "killed"},
			{N: 2, Sent: 8000, Ended: 9000, Reason: artel.ReasonExited, Copy: true},
		}},
		{Index: 1, State: job.Done, Receipt: good, Attempts: []job.Attempt{
			{N: 1, Sent: 2000, Fenced: true, Taken: true, Silent: 5000, Ended: 5100, Reason: artel.ReasonCancelled, Message: "taken back"},
			{N: 2, Sent: 5001, Ended: 9500, Reason: artel.ReasonExited},
		}},
	}
	type step struct {
		task    uint64
		attempt uint32
		state   api.State
	}
	want := []step{
		{0, 0, api.StateWaiting}, {0, 1, api.StateRunning}, {1, 1, api.StateRunning}, {1, 1, api.StateWaiting}, {1, 2, api.StateRunning},
		{0, 2, api.StateRunning}, {0, 2, api.StateDone}, {1, 2, api.StateDone},
	}
	all := history(j, ts, 1<<62)
	if len(all) != len(want) {
		t.Fatalf("%d events, want %d: %+v", len(all), len(want), all)
	}
	for i, e := range all {
		if (step{e.Task, e.Attempt, e.State}) != want[i] || e.Kind == api.EventLost {
			t.Errorf("event %d is %+v, want %+v", i, e, want[i])
		}
	}
	if all[5].Message == "" || all[3].Message != "taken back" {
		t.Errorf("nobody says why: %+v", all)
	}
}

// What a job that ended early is called, and what its tasks without a result are.
func TestStatesOfEndedJobs(t *testing.T) {
	for _, c := range []struct {
		name string
		j    job.Job
		want api.State
	}{
		{"enough, some failed", job.Job{Phase: job.Finished, Why: artel.ReasonEnough, Failed: 3}, api.StateDone},
		{"some failed", job.Job{Phase: job.Finished, Why: artel.ReasonFailed, Failed: 3}, api.StateFailed},
		{"its deadline", job.Job{Phase: job.Cancelled, Why: artel.ReasonDeadline}, api.StateCancelled},
		{"it is ending", job.Job{Phase: job.Active, Why: artel.ReasonDeadline, Halted: 1}, api.StateRunning},
	} {
		c.j.Spec.Count, c.j.Spec.Deadline = 2, 5000
		line := jobLine(c.j, []job.Task{{State: job.Done}, {State: job.Waiting}})
		if line.State != c.want || line.Reason != c.j.Why || line.Deadline.UnixMilli() != 5000 {
			t.Errorf("%s: %+v", c.name, line)
		}
		if cancelled := line.Cancelled == 1; cancelled != (c.j.Phase != job.Active) || line.Done != 1 {
			t.Errorf("%s: %d done, %d cancelled, %d wait", c.name, line.Done, line.Cancelled, line.Waiting)
		}
	}
	failed := job.Task{State: job.Failed, Receipt: &artel.Receipt{Result: artel.Result{ExitCode: 3}, Reason: artel.ReasonExited}}
	if l := taskLine(job.Job{}, failed); l.Message != "the program ended with exit code 3" {
		t.Errorf("a failed task says %q", l.Message)
	}
}
