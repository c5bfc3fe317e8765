package devnet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// frozen stops the processes below a daemon: it answers every question, and its tasks
// do not get on.
func frozen(t *testing.T, daemon int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", daemon))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		b, _ := os.ReadFile(l) // a thread that has ended has none
		for _, s := range strings.Fields(string(b)) {
			pid, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			if syscall.Kill(pid, syscall.SIGSTOP) == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Arrays on real machines: one hangs and the others do its work, what is done can be
// fetched at once, a deadline is kept, and a program that always fails costs little.
func TestArray(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(2)
	t.Run("a machine hangs", w.hangs)
	t.Run("deadline", w.deadline)
	t.Run("failing program", w.failing)
}

func (w *world) hangs(t *testing.T) {
	id := w.submit(t, w.renter, 12, 20)
	var d api.JobDetail
	detail := func() bool {
		var err error
		d, err = w.renter.API.Job(w.ctx, id)
		return err == nil
	}
	slow := w.providers[1]
	st, err := slow.API.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.until(t, "both machines to work, and some results", func() bool {
		return detail() && d.Done >= 3 && d.Providers == 2
	})
	if len(frozen(t, slow.PID())) == 0 {
		t.Fatal("nothing runs below the daemon")
	}
	out := filepath.Join(t.TempDir(), "partly")
	if said, code := w.artel(w.renter.Dir, "fetch", id, "--out", out); code != 0 || !strings.Contains(said, "goes on") {
		t.Errorf("fetch of a job that goes on: exit code %d\n%s", code, said)
	}
	if got, err := filepath.Glob(filepath.Join(out, "*", "result.json")); err != nil || len(got) < 3 || len(got) >= 12 {
		t.Errorf("%d results were fetched before the end, %v", len(got), err)
	}
	w.until(t, "the job to be done", func() bool { return detail() && d.State.Ended() })
	if d.State != api.StateDone || d.Done != 12 {
		t.Fatalf("the job is %s: %s", d.State, d.Message)
	}
	for _, task := range d.List {
		if task.Provider == st.Node && task.Attempt > 1 {
			t.Errorf("a copy of task %d is the frozen machine's", task.Index)
		}
	}
	if d.Attempts <= 12 {
		t.Errorf("%d attempts: nothing was begun a second time", d.Attempts)
	}
	// The frozen machine is told to stop what nobody waits for, and is free again.
	w.until(t, "the frozen machine to be free", func() bool {
		s, err := slow.API.ProvideStatus(w.ctx)
		return err == nil && s.Leases == 0 && s.Busy == 0
	})
}

func (w *world) deadline(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(), "--array", "1-5000", "--deadline", "1m",
		"--out", out, "--json", "--", "-epochs", "5")
	if code != 5 {
		t.Fatalf("exit code %d, want 5\n%.3000s", code, said)
	}
	got, err := filepath.Glob(filepath.Join(out, "*", "result.json"))
	if err != nil || len(got) == 0 || len(got) == 5000 {
		t.Errorf("%d results are here, %v", len(got), err)
	}
	js, err := w.renter.API.List(w.ctx, api.JobQuery{All: true, Limit: 1})
	if err != nil || js[0].Reason != artel.ReasonDeadline || js[0].Ended.Before(js[0].Deadline) || js[0].Done != uint64(len(got)) {
		b, _ := json.Marshal(js)
		t.Errorf("%d results, the job: %s, %v", len(got), b, err)
	}
	if !strings.Contains(said, "cannot be kept at this pace") {
		t.Errorf("nobody was warned\n%.3000s", said)
	}
}

func (w *world) failing(t *testing.T) {
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "guest.wasm"), "--array", "1-400", "--tries", "2", "--", "exit", "3")
	js, err := w.renter.API.List(w.ctx, api.JobQuery{All: true, Limit: 1})
	if err != nil || code != 4 || js[0].Reason != artel.ReasonProgram || js[0].Attempts > 40 || !strings.Contains(said, "it is the program") {
		b, _ := json.Marshal(js)
		t.Errorf("exit code %d, the job: %s, %v\n%.3000s", code, b, err, said)
	}
}
