package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/internal/devnet"
)

// settings is how many there are in the sweep.
const settings = 16

// epochs is how often each task goes over the training digits: enough for the
// accuracy that is wanted, and a sweep of a minute on two busy cores.
const epochs = 25

// enough is the accuracy on the test digits that the demo wants.
const enough = 0.96

// open starts the network.
func (d *demo) open(ctx context.Context, a *app, net *devnet.Net) error {
	d.step("A network of %d processes on this machine", 2+len(demoStalls))
	deposit, err := artel.ParseAmount(demoDeposit)
	if err != nil {
		return err
	}
	if d.m, err = a.openMarket(ctx, net, demoStalls, deposit); err != nil {
		return err
	}
	n, err := d.m.renter.API.Network(ctx)
	if err != nil {
		return err
	}
	d.token = n.File.Token
	rows := [][]string{{"PROCESS", "PID", "ACCOUNT", ""},
		{"chain", fmt.Sprint(d.m.chain.PID()), "", fmt.Sprintf("one validator, chain %d", n.File.Chain.ID)},
		{"renter", fmt.Sprint(d.m.renter.PID()), d.m.renter.Account.String(), money(deposit, d.token) + " in the ledger"}}
	for _, p := range d.m.providers {
		what := plural(int(p.slots), "slot")
		if p.nice != 0 {
			what += fmt.Sprintf(", slow: its processes run at nice %d", p.nice)
		}
		rows = append(rows, []string{p.name, fmt.Sprint(p.PID()), p.Account.String(), what})
	}
	d.table(rows)
	return nil
}

// learn runs the sweep with a killing in it, and tests the winner.
func (d *demo) learn(ctx context.Context, o demoOptions) error {
	d.step("%d settings of a neural network, a task each", settings)
	in := filepath.Join(d.work, "in")
	if err := copyFile(filepath.Join(o.data, digitsFile), filepath.Join(in, digitsFile)); err != nil {
		return err
	}
	j, err := d.submit(ctx, artel.JobSpec{Name: "digits", Args: []string{"-epochs", fmt.Sprint(epochs)}, First: 1, Count: settings}, o.program, in)
	if err != nil {
		return err
	}
	end, err := d.follow(ctx, j.ID)
	if err != nil {
		return err
	}
	d.spent = d.spent.Add(end.Promised)
	d.check(end.State == api.StateDone && end.Done == settings, "all %d tasks are done, each counted once", settings)
	best, err := d.choose(ctx, j.ID)
	if err != nil {
		return err
	}
	if err := d.evaluate(ctx, o, in, filepath.Join(d.work, "sweep", fmt.Sprint(best.Task), "model.bin")); err != nil {
		return err
	}
	return d.container(ctx, o, in, best)
}

// sweep is what is shown of a running job.
type sweep struct {
	leases map[artel.Hash]bool
	ended  uint64         // tasks, when last shown
	shown  time.Time      // the progress
	moved  map[uint64]int // the victim's tasks: 0 running there, 1 told that it is gone, 2 told where to
	killed time.Time
	seen   map[uint64]time.Time // since when a task runs where it is
	where  map[uint64]artel.NodeID
}

// follow shows a job until it has ended, and kills a provider in its midst.
func (d *demo) follow(ctx context.Context, id string) (api.JobDetail, error) {
	s := &sweep{leases: map[artel.Hash]bool{}, moved: map[uint64]int{}, seen: map[uint64]time.Time{}, where: map[uint64]artel.NodeID{}}
	for {
		j, err := d.m.renter.API.Job(ctx, id)
		if err != nil {
			return j, err
		}
		leases, err := d.m.renter.API.Leases(ctx, api.LeaseQuery{})
		if err != nil {
			return j, err
		}
		d.news(s, j, leases)
		if j.State.Ended() {
			d.end()
			d.settled(s, j)
			return j, nil
		}
		if d.victim == nil {
			d.strike(s, j, leases)
		}
		if !core.Every(ctx, 200*time.Millisecond) {
			return j, fmt.Errorf("wait for job %s: %w", id, ctx.Err())
		}
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// news tells what has changed.
func (d *demo) news(s *sweep, j api.JobDetail, leases []api.Lease) {
	for _, l := range leases {
		if l.Role == "renter" && !s.leases[l.ID] && l.State == "open" {
			s.leases[l.ID] = true
			d.tell("lease %s with %s: %s at %s", l.ID.Short(), d.name(l.Peer), plural(int(l.Slots), "slot"), hourly(l.Price, d.token))
		}
	}
	for _, t := range j.List {
		was, ok := s.moved[t.Index]
		if !ok || was == 2 {
			continue
		}
		if was == 0 && (t.State == api.StateWaiting || t.Provider != d.victim.Node.Node) {
			s.moved[t.Index] = 1
			d.tell("%s", d.paint(yellow, fmt.Sprintf("task %d is taken from %s, silent for %.1f s", t.Index, d.victim.name, time.Since(s.killed).Seconds())))
		}
		if t.Provider != d.victim.Node.Node {
			s.moved[t.Index] = 2
			d.tell("%s", d.paint(green, fmt.Sprintf("task %d goes to %s, attempt %d", t.Index, d.name(t.Provider), t.Attempt)))
		}
	}
	now := j.Done >= s.ended+4 || time.Since(s.shown) > 10*time.Second
	if now {
		s.ended, s.shown = j.Done, time.Now()
	}
	d.progress(now || j.State.Ended(), "%s", d.progressLine(j))
}

// progressLine is a job in a line: a bar, and for each provider what it has
// done and what it runs.
func (d *demo) progressLine(j api.JobDetail) string {
	done, running := map[artel.NodeID]int{}, map[artel.NodeID]int{}
	bar := strings.Builder{}
	for _, t := range j.List {
		switch t.State {
		case api.StateDone:
			done[t.Provider]++
			bar.WriteString("#")
		case api.StateRunning:
			running[t.Provider]++
			bar.WriteString("-")
		default:
			bar.WriteString(".")
		}
	}
	text := fmt.Sprintf("[%s] %2d/%d", bar.String(), j.Done, j.Tasks)
	for _, p := range d.m.providers {
		text += fmt.Sprintf("  %s %d", p.name, done[p.Node.Node])
		switch n := running[p.Node.Node]; {
		case p == d.victim:
			text += " dead"
		case n > 0:
			text += fmt.Sprintf("+%d", n)
		}
	}
	if j.Message != "" {
		text += "  " + clean(j.Message)
	}
	return text
}

// strike kills a provider that works, has delivered, and holds a voucher that is
// not redeemed.
func (d *demo) strike(s *sweep, j api.JobDetail, leases []api.Lease) {
	done, running := map[artel.NodeID]int{}, map[artel.NodeID][]uint64{}
	for _, t := range j.List {
		switch t.State {
		case api.StateDone:
			done[t.Provider]++
		case api.StateRunning:
			if s.where[t.Index] != t.Provider {
				s.where[t.Index], s.seen[t.Index] = t.Provider, time.Now()
			}
			running[t.Provider] = append(running[t.Provider], t.Index)
		}
	}
	if j.Done < 3 {
		return
	}
	// Its tasks should be in their midst: one that ends just now has nowhere to go.
	young := func(p artel.NodeID) bool {
		for _, i := range running[p] {
			if time.Since(s.seen[i]) > time.Second {
				return false
			}
		}
		return true
	}
	var best *provider
	var holds artel.Amount
	for _, p := range d.m.providers {
		for _, l := range leases {
			n := p.Node.Node
			if l.Peer != n || l.Promised.IsZero() || done[n] == 0 || l.Running == 0 || len(running[n]) == 0 || j.Done < 10 && !young(n) {
				continue
			}
			// The more it runs the more there is to see.
			if best == nil || len(running[n]) > len(running[best.Node.Node]) {
				best, holds = p, l.Promised
			}
		}
	}
	if best == nil || len(running[best.Node.Node]) < 2 && j.Done < 6 {
		return // there will be a better moment
	}
	best.Kill()
	d.victim, s.killed = best, time.Now()
	var which []string
	for _, i := range running[best.Node.Node] {
		s.moved[i] = 0
		which = append(which, fmt.Sprint(i))
	}
	d.tell("%s", d.paint(red, fmt.Sprintf("kill -9 %d: %s is gone, with task %s on it and a voucher of %s", best.PID(), best.name, strings.Join(which, " and "), money(holds, d.token))))
}

// settled checks what became of the killed provider's tasks.
func (d *demo) settled(s *sweep, j api.JobDetail) {
	d.check(d.victim != nil, "a provider was killed while it worked")
	if d.victim == nil {
		return
	}
	elsewhere := 0
	for _, t := range j.List {
		if _, was := s.moved[t.Index]; was && t.State == api.StateDone && t.Provider != d.victim.Node.Node {
			elsewhere++ // the others were delivered in the instant before
		}
	}
	d.check(elsewhere > 0, "%s of %s, killed, done elsewhere", plural(elsewhere, "task"), d.victim.name)
}

// trained is /out/result.json of a training task.
type trained struct {
	Task    int
	Setting struct {
		LearningRate float64
		Hidden       int
		WeightDecay  float64
	}
	ValidationAccuracy float64
}

// choose reads the outputs and picks the setting of the best validation
// accuracy.
func (d *demo) choose(ctx context.Context, id string) (best trained, err error) {
	d.step("The winner, chosen on the validation digits")
	dir := filepath.Join(d.work, "sweep")
	if err := d.fetched(ctx, id, dir); err != nil {
		return best, err
	}
	var all []trained
	for i := range settings {
		r, err := readResult[trained](filepath.Join(dir, fmt.Sprint(i+1)))
		if err != nil {
			return best, err
		}
		if r.Task != i+1 {
			return best, fmt.Errorf("read result: the output of task %d is of task %d", i+1, r.Task)
		}
		all = append(all, r)
		if r.ValidationAccuracy > best.ValidationAccuracy {
			best = r
		}
	}
	head, rows := []string{"LEARNING RATE"}, [][]string{nil}
	for i, r := range all {
		if i < 4 {
			head = append(head, fmt.Sprintf("%d UNITS, DECAY %g", r.Setting.Hidden, r.Setting.WeightDecay))
		}
		if i%4 == 0 {
			rows = append(rows, []string{fmt.Sprint(r.Setting.LearningRate)})
		}
		cell := fmt.Sprintf("%.2f %%", 100*r.ValidationAccuracy)
		if r.Task == best.Task {
			cell += " *"
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], cell)
	}
	rows[0] = head
	d.table(rows)
	d.tell("%s", d.paint(bold, fmt.Sprintf("setting %d: learning rate %g, %d hidden units, weight decay %g", best.Task, best.Setting.LearningRate, best.Setting.Hidden, best.Setting.WeightDecay)))
	return best, nil
}

// evaluate tests the winner, once, on digits that nobody has looked at. That is
// a job like any other.
func (d *demo) evaluate(ctx context.Context, o demoOptions, in, model string) error {
	if err := copyFile(model, filepath.Join(in, "model.bin")); err != nil {
		return err
	}
	j, err := d.submit(ctx, artel.JobSpec{Name: "digits-test", Args: []string{"-evaluate"}, Count: 1}, o.program, in)
	if err != nil {
		return err
	}
	end, err := d.wait(ctx, j)
	if err != nil {
		return err
	}
	dir := filepath.Join(d.work, "test")
	if err := d.fetched(ctx, j.ID, dir); err != nil {
		return err
	}
	r, err := readResult[struct {
		TestAccuracy float64
		Correct, Of  int
	}](filepath.Join(dir, "0"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("on the test digits it has %d of %d right: %.2f %%", r.Correct, r.Of, 100*r.TestAccuracy)
	d.tell("%s, computed once, by %s", d.paint(bold, text), d.name(end.List[0].Provider))
	d.check(r.TestAccuracy >= enough, "%s, at least %.0f %% are wanted", text, 100*enough)
	return nil
}

// wait waits until a job is done, and counts what it cost.
func (d *demo) wait(ctx context.Context, j api.Job) (end api.JobDetail, err error) {
	for end.Job = j; !end.State.Ended(); {
		if !core.Every(ctx, 200*time.Millisecond) {
			return end, fmt.Errorf("wait for job %s: %w", j.ID, ctx.Err())
		}
		if end, err = d.m.renter.API.Job(ctx, j.ID); err != nil {
			return end, err
		}
	}
	if end.State != api.StateDone {
		return end, fmt.Errorf("job %s %s: %s", end.Name, end.State, clean(end.Message))
	}
	d.spent = d.spent.Add(end.Promised)
	return end, nil
}

func readResult[T any](dir string) (r T, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read result: %w", err)
	}
	return r, nil
}
