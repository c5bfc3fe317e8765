package job

import (
	"testing"

	"github.com/artel-network/artel"
)

func service(t *testing.T, n uint64) (Job, []Task) {
	t.Helper()
	s := artel.DefaultService
	s.Port, s.Replicas = 80, uint32(n)
	j, ts, err := New(artel.Hash{9}, artel.JobSpec{
		Name: "web", Box: artel.Box{Image: artel.Hash{1}}, Count: n, Wall: artel.ServiceWall, Sandbox: "gvisor", Tries: 3,
		Failover: artel.FailoverNormal, Service: s,
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return j, ts
}

func host(n byte) (id artel.NodeID) { id[0] = n; return id }

// up hands a replica to a host and has it healthy.
func up(j Job, t Task, h byte, now int64) (Job, Task) {
	t, a := j.Dispatch(t, artel.Hash{h}, host(h), now)
	j, t, _ = j.Checked(t, a.N, Check{}, now)
	return j, t
}

func ends(why artel.Reason) *artel.Receipt { return &artel.Receipt{Reason: why} }

func TestAReplicaThatFailsItsChecksIsReplaced(t *testing.T) {
	j, ts := service(t, 1)
	j, task := up(j, ts[0], 1, 1_000)
	if n, ok := task.Healthy(); !ok || n != 1 || !j.Good {
		t.Fatalf("attempt %d is healthy: %t", n, ok)
	}
	for i := range j.Spec.Service.Fails {
		var fails bool
		j, task, fails = j.Checked(task, 1, Check{Bad: "status 500"}, 2_000)
		if _, ok := task.Healthy(); ok || fails != (i+1 == j.Spec.Service.Fails) {
			t.Fatalf("after %d bad checks: healthy %t, replaced %t", i+1, ok, fails)
		}
	}
	j, task = j.Ill(task, 1, false, 3_000)
	if task.State != Waiting || task.Faults != 1 || !task.Avoid(host(1)) || task.Attempts[0].Reason != artel.ReasonUnhealthy {
		t.Fatalf("it is %s, %+v", task.State, task.Attempts[0])
	}
	// Its receipt still comes, is paid for, and changes nothing else.
	j, task, accept, _ := j.Received(task, 1, ends(artel.ReasonCancelled), artel.Units(5), 4_000)
	if accept || task.State != Waiting || j.Spent != artel.Units(5) || task.Attempts[0].Reason != artel.ReasonUnhealthy {
		t.Errorf("after its receipt: %s, spent %s, %+v", task.State, j.Spent, task.Attempts[0])
	}
}

func TestACheckThatOnceFailsIsForgiven(t *testing.T) {
	j, ts := service(t, 1)
	j, task := up(j, ts[0], 1, 1_000)
	for range 10 {
		var fails bool
		if j, task, fails = j.Checked(task, 1, Check{Bad: "slow"}, 2_000); fails {
			t.Fatal("replaced for one bad check")
		}
		j, task, _ = j.Checked(task, 1, Check{}, 3_000)
	}
	if _, ok := task.Healthy(); !ok {
		t.Error("it is not healthy")
	}
}

// What never gets healthy has its time to start, from when it runs, and no longer.
func TestStart(t *testing.T) {
	j, ts := service(t, 1)
	task, _ := j.Dispatch(ts[0], artel.Hash{1}, host(1), 0)
	if task.Late(1, fetchFor) || !task.Late(1, fetchFor+1) {
		t.Error("an image may take ten minutes")
	}
	runs := int64(300_000)
	for _, c := range []struct {
		at    int64
		fails bool
	}{{runs, false}, {runs + int64(j.Spec.Service.Start), false}, {runs + int64(j.Spec.Service.Start) + 1, true}} {
		var fails bool
		if j, task, fails = j.Checked(task, 1, Check{Bad: "nothing listens on that port"}, c.at); fails != c.fails {
			t.Errorf("after %d ms it is replaced: %t", c.at-runs, fails)
		}
	}
}

// A program that fails on three hosts stops costing money; one that has run for long
// may end again and again.
func TestAProgramThatCannotRun(t *testing.T) {
	j, ts := service(t, 2)
	for h := byte(1); h <= 3; h++ {
		if _, _, end := j.End(0, 0); end || ts[0].State != Waiting {
			t.Fatalf("after %d failures the job ends: %t, its replica is %s", h-1, end, ts[0].State)
		}
		ts[0], _ = j.Dispatch(ts[0], artel.Hash{h}, host(h), 0)
		j, ts[0], _, _ = j.Received(ts[0], uint32(h), ends(artel.ReasonExited), artel.Amount{}, 1_000)
	}
	if ts[0].State != Failed || j.Open != 1 {
		t.Errorf("after three hosts it is %s", ts[0].State)
	}
	if why, _, end := j.End(0, 0); !end || why != artel.ReasonProgram {
		t.Errorf("the service goes on: %t, %s", !end, why)
	}
}

func TestALongLivedReplicaMayEndOften(t *testing.T) {
	j, ts := service(t, 1)
	task, now := ts[0], int64(0)
	for n := uint32(1); n <= 3*MaxAttempts; n++ {
		j, task = up(j, task, byte(n), now+1)
		now += settled + 1
		if j, task, _, _ = j.Received(task, n, ends(artel.ReasonExited), artel.Amount{}, now); task.State != Waiting {
			t.Fatalf("after %d days of service it is %s", n, task.State)
		}
	}
	if _, _, end := j.End(0, now); end || j.Phase != Active {
		t.Error("the service has ended")
	}
}

// Before its lease ends a replica has a successor; it leaves when that is healthy.
func TestRenewal(t *testing.T) {
	j, ts := service(t, 1)
	j, task := up(j, ts[0], 1, 1)
	task, a, ok := j.Copy(task, artel.Hash{2}, host(2), 10_000)
	if !ok {
		t.Fatal("no second attempt")
	}
	if n, _ := task.Healthy(); n != 1 || j.Unwanted(task, 1, 10_000) {
		t.Fatalf("attempt %d serves before the new one is healthy", n)
	}
	j, task, _ = j.Checked(task, a.N, Check{}, 20_000)
	drained := 20_000 + int64(j.Spec.Service.Drain)
	if n, _ := task.Healthy(); n != 2 || j.Unwanted(task, 1, drained-1) || !j.Unwanted(task, 1, drained) || j.Unwanted(task, 2, drained) {
		t.Errorf("attempt %d serves: %+v", n, task.Attempts)
	}
	j, task, _, _ = j.Received(task, 1, ends(artel.ReasonCancelled), artel.Amount{}, drained)
	if n, ok := task.Healthy(); !ok || n != 2 || task.State != Out {
		t.Errorf("after the old one has ended: attempt %d, %s", n, task.State)
	}
}

func TestScale(t *testing.T) {
	j, ts := service(t, 3)
	j, ts[0] = up(j, ts[0], 1, 1)
	ts[1], _ = j.Dispatch(ts[1], artel.Hash{2}, host(2), 0)
	j, ts, changed := j.Scale(ts, 5, 0)
	if len(ts) != 5 || len(changed) != 2 || j.Open != 5 || j.Spec.Count != 5 || j.Spec.Check() != nil {
		t.Fatalf("%d tasks, %d open, %d new", len(ts), j.Open, len(changed))
	}
	// Those that serve go last.
	j, ts, changed = j.Scale(ts, 1, 1_000)
	if s, ok := ts[0].Healthy(); !ok || s != 1 || len(changed) != 4 || j.Open != 1 || Healthy(ts) != 1 {
		t.Fatalf("%d healthy, %d open, %v gone", Healthy(ts), j.Open, changed)
	}
	if !j.Unwanted(ts[1], 1, 1_000) || ts[1].State != Done {
		t.Errorf("what never was healthy is drained: %+v", ts[1])
	}
	j, ts, _ = j.Scale(ts, 1, 2_000)
	if len(ts) != 5 || j.Open != 1 {
		t.Error("it has changed again")
	}
}

// A place whose replica failed for good is not filled again.
func TestScaleKeepsTheFailed(t *testing.T) {
	j, ts := service(t, 2)
	ts[1].State, j.Open, j.Failed = Failed, 1, 1
	if _, ts, _ = j.Scale(ts, 2, 0); len(ts) != 2 {
		t.Error("another one begins in its place")
	}
}

// The new version grows by one, the old one shrinks by what is healthy; when the new one
// fails all of the old is there again.
func TestRolling(t *testing.T) {
	old, ots := service(t, 3)
	for i := range ots {
		old, ots[i] = up(old, ots[i], byte(i+1), 1)
	}
	next, nts := service(t, 1)
	next.Spec.Service.Replicas = 3
	for n := uint32(0); n < 3; n++ {
		places := next.Places(nts, nil, 0, true)
		if places != n+1 {
			t.Fatalf("with %d healthy the new version has %d places", n, places)
		}
		next, nts, _ = next.Scale(nts, places, 1_000)
		next, nts[n] = up(next, nts[n], byte(10+n), 2_000)
		old, ots, _ = old.Scale(ots, old.Places(ots, &next, Healthy(nts), false), 3_000)
		if sum := Healthy(ots) + Healthy(nts); sum != 3 {
			t.Fatalf("with %d of the new version %d replicas serve, want 3", n+1, sum)
		}
	}
	if old.Places(ots, &next, 3, false) != 0 || old.Places(ots, nil, 0, false) != 3 {
		t.Error("the old version goes, and comes back where there is no new one")
	}
	if next.Stuck(2_000+int64(next.Spec.Service.Start)+fetchFor) || !next.Stuck(2_001+int64(next.Spec.Service.Start)+fetchFor) {
		t.Error("a version is stuck when nothing grew for as long as a start may take")
	}
}

func TestStopDrains(t *testing.T) {
	j, ts := service(t, 2)
	j, ts[0] = up(j, ts[0], 1, 1)
	j, ts = j.Stop(ts, artel.ReasonCancelled, "stopped", 1_000)
	gone := 1_000 + int64(j.Spec.Service.Drain)
	if Healthy(ts) != 0 || j.Unwanted(ts[0], 1, gone-1) || !j.Unwanted(ts[0], 1, gone) || j.Ready(&ts[1], gone) {
		t.Error("it serves on, or ends at once, or begins anew")
	}
	if j = j.Over(1, gone+1); j.Phase != Active {
		t.Error("it is over before its replica is")
	}
	if j = j.Over(0, gone+2); j.Phase != Cancelled {
		t.Error("it is not over")
	}
}

func TestServiceIsChecked(t *testing.T) {
	j, _ := service(t, 1)
	for _, c := range []struct {
		name   string
		change func(*artel.JobSpec)
	}{
		{"no port", func(s *artel.JobSpec) { s.Service.Port = 0 }},
		{"a program without an image", func(s *artel.JobSpec) { s.Box = artel.Box{}; s.Program = artel.Ref{} }},
		{"a deadline", func(s *artel.JobSpec) { s.Deadline = 1 }},
		{"a time limit", func(s *artel.JobSpec) { s.Wall = 1000 }},
		{"too many", func(s *artel.JobSpec) { s.Service.Replicas = artel.MaxReplicas + 1 }},
		{"no path", func(s *artel.JobSpec) { s.Service.Path = "healthz" }},
		{"a path that is two lines", func(s *artel.JobSpec) { s.Service.Path = "/ HTTP/1.1\r\nX: y" }},
		{"less than two checks away", func(s *artel.JobSpec) { s.Service.Away = s.Service.Every }},
	} {
		spec := j.Spec
		if c.change(&spec); spec.Check() == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

// The clock was ahead when a replica was told to leave: it leaves now, and not when that
// time comes, for until then it would be paid.
func TestLeavesByAClockThatWasAhead(t *testing.T) {
	j, ts := service(t, 1)
	const ahead = 3600_000
	j, task := up(j, ts[0], 1, ahead)
	j, stopped := j.Stop([]Task{task}, artel.ReasonCancelled, "enough", ahead)
	if j.Unwanted(stopped[0], 1, ahead) {
		t.Error("it is not drained")
	}
	for _, now := range []int64{1_000, ahead - 60_000, ahead + int64(j.Spec.Service.Drain)} {
		if !j.Unwanted(stopped[0], 1, now) {
			t.Errorf("%d ms before that it stays, and is paid", ahead-now)
		}
	}
}

// One check of the new version fails in the middle of an update: nothing is begun or
// ended elsewhere for that, each time an image would be fetched and a machine paid. When
// the replica is replaced, the old version has its place back.
func TestAnUpdateOutlastsABadCheck(t *testing.T) {
	old, ots := service(t, 3)
	next, nts := service(t, 3)
	for i := range 2 {
		next, nts[i] = up(next, nts[i], byte(10+i), 1_000)
	}
	count := func() (uint32, uint32) {
		return next.Places(nts, nil, 0, true), old.Places(ots, &next, Standing(nts), false)
	}
	var fails bool
	for range next.Spec.Service.Fails {
		if fresh, stay := count(); fresh != 3 || stay != 1 {
			t.Fatalf("%d of the new version and %d of the old are wanted, want 3 and 1", fresh, stay)
		}
		next, nts[1], fails = next.Checked(nts[1], 1, Check{Bad: "status 503"}, 2_000)
	}
	if !fails {
		t.Fatal("it is not replaced")
	}
	next, nts[1] = next.Ill(nts[1], 1, false, 3_000)
	if fresh, stay := count(); fresh != 2 || stay != 2 {
		t.Errorf("%d of the new version and %d of the old are wanted, want 2 and 2", fresh, stay)
	}
}
