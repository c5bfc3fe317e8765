package node

import (
	"errors"
	"reflect"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/job"
)

// A job's history is derived from what is stored: what comes later only adds to
// it, and every event keeps its number.
func TestHistoryOnlyGrows(t *testing.T) {
	receipt := func(n uint32, why artel.Reason, exit int32) *artel.Receipt {
		return &artel.Receipt{Result: artel.Result{Attempt: n, ExitCode: exit}, Reason: why}
	}
	j := job.Job{Spec: artel.JobSpec{First: 7, Count: 2}, Created: 1000, Ended: 9000, Phase: job.Finished, Failed: 1, Message: "1 of 2 tasks failed"}
	ts := []job.Task{
		{Index: 0, State: job.Done, Receipt: receipt(2, artel.ReasonExited, 0), Attempts: []job.Attempt{
			{N: 1, Sent: 2000, Fenced: true, Silent: 5000, Ended: 6000, Reason: artel.ReasonLost},
			{N: 2, Sent: 5100, Ended: 8000, Reason: artel.ReasonExited},
		}},
		{Index: 1, State: job.Failed, Receipt: receipt(1, artel.ReasonExited, 3), Attempts: []job.Attempt{
			{N: 1, Sent: 2000, Ended: 4000, Reason: artel.ReasonExited},
		}},
	}
	all := history(j, ts, 1<<62)
	type step struct {
		kind  api.EventKind
		task  uint64
		state api.State
	}
	want := []step{
		{api.EventJob, 0, api.StateWaiting},
		{api.EventTask, 7, api.StateRunning},
		{api.EventTask, 8, api.StateRunning},
		{api.EventTask, 8, api.StateFailed},
		{api.EventLost, 7, api.StateWaiting}, // told when it was fenced, and not again at its end
		{api.EventTask, 7, api.StateRunning},
		{api.EventTask, 7, api.StateDone},
		{api.EventJob, 0, api.StateFailed},
	}
	var got []step
	for i, e := range all {
		got = append(got, step{e.Kind, e.Task, e.State})
		if e.Seq != uint64(i)+1 || i > 0 && e.Time.Before(all[i-1].Time) {
			t.Errorf("event %d has number %d and time %v", i, e.Seq, e.Time)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("history:\n%v\nwant:\n%v", got, want)
	}
	if all[3].ExitCode != 3 {
		t.Errorf("the failed task has exit code %d", all[3].ExitCode)
	}
	for until := int64(1000); until <= 9001; until += 500 {
		some := history(j, ts, until)
		if len(some) > len(all) || len(some) > 0 && !reflect.DeepEqual(some, all[:len(some)]) {
			t.Errorf("as of %d ms: %+v", until, some)
		}
	}
}

func TestBeginsWith(t *testing.T) {
	js := []job.Job{{ID: artel.Hash{0xab, 0xcd}}, {ID: artel.Hash{0xab, 0x01}}, {ID: artel.Hash{0x12}}}
	for id, c := range map[string]struct {
		want artel.Hash
		code api.Code
	}{
		"0xabc": {js[0].ID, ""}, "abc": {js[0].ID, ""}, "1": {js[2].ID, ""}, js[1].ID.String()[:20]: {js[1].ID, ""},
		"0xab": {code: api.CodeInvalid}, "0xac": {code: api.CodeNotFound}, "": {code: api.CodeNotFound}, "0x": {code: api.CodeNotFound},
		js[2].ID.String() + "0": {code: api.CodeNotFound},
	} {
		got, err := beginsWith(js, id)
		if got != c.want || (err == nil) != (c.code == "") || err != nil && !errors.Is(err, &api.Error{Code: c.code}) {
			t.Errorf("%q: %s, %v", id, got, err)
		}
	}
}

func TestJobLine(t *testing.T) {
	node := testKey(t, 1).NodeID()
	out := job.Task{State: job.Out, Attempts: []job.Attempt{{N: 1, Node: node}}}
	for _, c := range []struct {
		name  string
		j     job.Job
		ts    []job.Task
		state api.State
		want  [4]uint64 // waiting, running, done, cancelled
	}{
		{"nothing has begun", job.Job{}, []job.Task{{}, {}}, api.StateWaiting, [4]uint64{2, 0, 0, 0}},
		{"one runs", job.Job{}, []job.Task{out, {}}, api.StateRunning, [4]uint64{1, 1, 0, 0}},
		{"one is done, none runs", job.Job{}, []job.Task{{State: job.Done}, {}}, api.StateRunning, [4]uint64{1, 0, 1, 0}},
		{"cancelled", job.Job{Phase: job.Cancelled}, []job.Task{out, {}, {State: job.Done}}, api.StateCancelled, [4]uint64{0, 0, 1, 2}},
		{"all done", job.Job{Phase: job.Finished}, []job.Task{{State: job.Done}}, api.StateDone, [4]uint64{0, 0, 1, 0}},
	} {
		l := jobLine(c.j, c.ts)
		if got := [4]uint64{l.Waiting, l.Running, l.Done, l.Cancelled}; l.State != c.state || got != c.want {
			t.Errorf("%s: %s, waiting, running, done, cancelled %v; want %s, %v", c.name, l.State, got, c.state, c.want)
		}
	}
	spent := job.Job{Spent: artel.Units(5), Vouched: artel.Units(3)}
	if got := promised(spent); got != artel.Units(5) {
		t.Errorf("without a budget %s are promised", got)
	}
	if spent.Spec.Budget = artel.Units(9); promised(spent) != artel.Units(3) {
		t.Errorf("with a budget %s are promised", promised(spent))
	}
}
