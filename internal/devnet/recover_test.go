package devnet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// travel is a network in which nobody's end takes the others with it, and a job of one
// long task on each of its machines.
type travel struct {
	*world
	job   string
	steps int
}

// depart starts the network and the job.
func depart(t *testing.T, w *world, machines, steps int) travel {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.chain, err = w.net.StartChain(w.ctx)
	must(err)
	_, err = w.net.StartNode(w.ctx, "door", 0)
	must(err)
	for i := range machines {
		p, err := w.net.StartNode(w.ctx, fmt.Sprintf("provider%d", i+1), 0)
		must(err)
		_, err = p.API.Faucet(w.ctx)
		must(err)
		_, err = p.API.Provide(w.ctx, api.ProvideConfig{Slots: 1, Price: artel.Price(500_000_000 * (i + 1))})
		must(err)
		w.providers = append(w.providers, p)
	}
	w.renter, err = w.net.StartNode(w.ctx, "renter", 0)
	must(err)
	_, err = w.renter.API.Faucet(w.ctx)
	must(err)
	_, err = w.renter.API.Deposit(w.ctx, artel.Units(100_000_000))
	must(err)
	_, err = w.renter.Offers(w.ctx, machines)
	must(err)
	w.containers(t)
	in, err := w.renter.API.AddPath(w.ctx, w.input())
	must(err)
	spec := w.containerJob(w.traveller(t), uint64(machines), 10*time.Minute, "journey", fmt.Sprint(steps), "1")
	spec.Input, spec.Tries = in.Ref, 5
	spec.Survival = artel.Survival{Kind: artel.CheckpointWhole, Min: 1000, Max: 2000, Keepers: 1}
	j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "recover-test-0001", Spec: spec})
	must(err)
	return travel{w, j.ID, steps}
}

// underway waits until a task that runs has a checkpoint elsewhere, and returns the one
// that has come least far.
func (x travel) underway(t *testing.T) (task api.Task) {
	t.Helper()
	x.until(t, "a checkpoint of a task that runs", func() bool {
		d, err := x.renter.API.Job(x.ctx, x.job)
		if err != nil {
			return false
		}
		if d.State.Ended() {
			t.Fatalf("the job ended before its time: %+v", d.Job)
		}
		task = api.Task{}
		for _, y := range d.List {
			if !y.State.Ended() && y.Checkpoint != nil && (task.Checkpoint == nil || y.Checkpoint.Generation < task.Checkpoint.Generation) {
				task = y
			}
		}
		return task.Checkpoint != nil
	})
	return task
}

// journals counts the machines that hold a journal of a node.
func (w *world) journals(of artel.NodeID) (n int) {
	for _, p := range w.providers {
		l, err := p.API.Kept(w.ctx)
		if err != nil {
			continue
		}
		for _, k := range l.Tasks {
			if k.Saver == of && k.Renter == of {
				n++
			}
		}
	}
	return n
}

// arrived wants each task to have gone its whole way once.
func (x travel) arrived(t *testing.T, n *devnet.Node) {
	t.Helper()
	x.until(t, "the job to end", func() bool {
		j, err := n.API.Job(x.ctx, x.job)
		return err == nil && j.State.Ended()
	})
	x.done(t, n, x.job)
	d, err := n.API.Job(x.ctx, x.job)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range d.List {
		var log bytes.Buffer
		if err := n.API.Logs(x.ctx, x.job, api.LogQuery{Tasks: []uint64{task.Index}}, func(c api.LogChunk) error { log.Write(c.Data); return nil }); err != nil {
			t.Error(err)
		}
		walked(t, log.String(), x.steps)
	}
	out := filepath.Join(t.TempDir(), "out")
	if said, code := x.artel(n.Dir, "fetch", x.job, "--out", out); code != 0 {
		t.Fatalf("fetch: exit code %d\n%s", code, said)
	}
	var first []byte
	for _, task := range d.List {
		from := filepath.Join(out, fmt.Sprint(task.Index))
		if len(d.List) == 1 {
			from = out
		}
		b, err := os.ReadFile(filepath.Join(from, "result"))
		if err != nil || len(b) == 0 || first != nil && !bytes.Equal(b, first) {
			t.Errorf("task %d left %q, %v", task.Index, b, err)
		}
		first = b
	}
}

// settled wants all that was promised to be paid, and no unit to be missing.
func (x travel) settled(t *testing.T, n *devnet.Node) {
	t.Helper()
	x.until(t, "the leases to end and the vouchers to be redeemed", func() bool {
		ls, err := n.API.Leases(x.ctx, api.LeaseQuery{})
		if err != nil || len(ls) > 0 {
			return false
		}
		vs, err := n.API.Vouchers(x.ctx)
		return err == nil && len(vs) == 0
	})
	s, err := n.API.Statement(x.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Check() {
		if !f.OK {
			t.Errorf("%s: %s and %s %s", f.What, f.Left, f.Right, f.Note)
		}
	}
	// What the renter saw redeemed each provider's own view of the chain may have a moment later.
	var earned, sum artel.Amount
	defer func() {
		if earned != sum || earned.IsZero() {
			t.Errorf("the providers earned %s, they were promised %s", earned, sum)
		}
	}()
	x.until(t, "all that was promised to be earned", func() bool {
		earned = artel.Amount{}
		for _, p := range x.providers {
			b, err := p.API.Balance(x.ctx)
			if err != nil {
				t.Fatal(err)
			}
			earned = earned.Add(b.Earned)
		}
		sum = x.promised(t)
		return earned == sum && !earned.IsZero()
	})
}

// another starts a daemon that has a node's key and nothing else of it.
func (w *world) another(t *testing.T, name, key string) *devnet.Node {
	t.Helper()
	dir := filepath.Join(w.net.Dir(), name)
	b, err := os.ReadFile(filepath.Join(key, "key.json"))
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "key.json"), b, 0o600)
	}
	if err == nil {
		err = os.RemoveAll(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.net.StartNode(w.ctx, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// recover has a node look for what an earlier one with its key has left.
func (w *world) recover(t *testing.T, n *devnet.Node) (r api.Recovery) {
	t.Helper()
	said, code := w.artel(n.Dir, "recover", "--json")
	if i := strings.Index(said, "{"); code != 0 || i < 0 || json.NewDecoder(strings.NewReader(said[i:])).Decode(&r) != nil {
		t.Fatalf("artel recover: exit code %d\n%s", code, said)
	}
	t.Logf("artel recover: %s", said)
	return r
}

// TestRecovers: a renter's machine is lost in the midst of a job, and one of those that
// work for it too. On a new machine its key alone finds everything: what runs is
// watched on, what does not goes on from its checkpoint, and no voucher is signed twice.
func TestRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	x := depart(t, w, 3, 8_000)
	x.until(t, "the journal to be kept", func() bool { return w.journals(w.renter.Node) >= 2 })
	node, account := w.renter.Node, w.renter.Account
	task := x.underway(t)
	w.renter.Kill()
	n := slices.IndexFunc(w.providers, func(p *devnet.Node) bool { return p.Node == task.Provider })
	gone := w.providers[n]
	if err := gone.KillAll(); err != nil {
		t.Fatal(err)
	}
	w.lookAtVouchers(t)
	back := w.another(t, "back", w.renter.Dir)
	w.renter = back
	if back.Node != node || back.Account != account {
		t.Fatalf("another node came back: %s", back.Node.Short())
	}
	r := w.recover(t, back)
	if len(r.Jobs) != 1 || r.Jobs[0].ID != x.job || r.Leases == 0 || r.Journal.IsZero() || r.Lanes == 0 {
		t.Fatalf("recovered: %+v", r)
	}
	if j := r.Jobs[0]; j.Tasks != 3 || j.Running == 0 || len(j.Lacks) == 0 {
		t.Errorf("the job came back as %+v", j)
	}
	x.arrived(t, back)
	d, err := back.API.Job(w.ctx, x.job)
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range d.List {
		if y.Index == task.Index && (y.From == nil || y.From.Node != gone.Node || y.From.Generation < task.Checkpoint.Generation) {
			t.Errorf("task %d: attempt %d began from %+v, there was checkpoint %d of %s", y.Index, y.Attempt, y.From, task.Checkpoint.Generation, gone.Node.Short())
		}
	}
	if w.providers[n], err = w.net.StartNode(w.ctx, gone.Name, 0); err != nil { // it has a voucher to redeem
		t.Fatal(err)
	}
	x.settled(t, back)
	x.until(t, "keepers to let go", func() bool {
		for _, n := range append(w.providers, back) {
			if l, err := n.API.Kept(w.ctx); err != nil || len(l.Tasks) > 0 {
				return false
			}
		}
		return true
	})
	if again := w.recover(t, back); len(again.Jobs) != 0 || again.Generation <= r.Generation {
		t.Errorf("recovered once more: %+v after generation %d", again, r.Generation)
	}
}
