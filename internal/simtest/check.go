package simtest

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
)

// check holds the world against the promises after everything is over.
func (w *world) check() (broken []string) {
	bad := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	t := w.chain.Totals()
	if sum := t.Outside.Add(t.InLedger).Add(t.InStake); sum != w.total {
		bad("money: %s units in all, %s at the beginning", sum, w.total)
	}
	if sum := t.Deposits.Add(t.Earned).Add(t.Booked); sum != t.InLedger {
		bad("ledger: %s deposited + %s earned + %s booked is not its balance of %s", t.Deposits, t.Earned, t.Booked, t.InLedger)
	}
	signed := map[signedKey]artel.Receipt{}
	for _, p := range w.providers() {
		d := p.prov
		d.mu.Lock()
		for _, r := range d.double {
			bad("%s signed two results of lease %s task %d", p.name, r.Lease.Short(), r.Task)
		}
		for _, b := range d.over {
			bad("%s: lane %x is unpaid by %s of at most %s: %s due, voucher %s, cap %s", p.name, b.Key.Number, b.Exposed(), d.maxUnpaid, b.Due(), b.Voucher, b.Cap)
		}
		for _, b := range d.back {
			bad("%s: lane %x went backwards to %s due, voucher %s", p.name, b.Key.Number, b.Due(), b.Voucher)
		}
		for _, b := range d.lost {
			bad("%s: lane %x was forgotten with voucher %s, paid %s", p.name, b.Key.Number, b.Voucher, b.Paid)
		}
		for k, b := range d.lanes {
			if u := artel.Cost(p.policy.Price, unit); p.habit == honest && b.Due().Add(u).Less(b.Voucher) {
				bad("%s: lane %x was paid %s, due are %s", p.name, k.Number, b.Voucher, b.Due())
			}
			if left := b.Redeemable(); !left.IsZero() && !left.Less(p.policy.MinRedeem) {
				bad("%s: lane %x has %s units left to redeem", p.name, k.Number, b.Redeemable())
			}
		}
		for k, r := range d.signed {
			signed[k] = r
		}
		d.mu.Unlock()
	}
	used := map[signedKey]bool{}
	for _, r := range w.renters() {
		w.checkRenter(r, signed, used, bad)
	}
	for _, p := range w.providers() {
		w.checkPockets(p, used, bad)
	}
	return broken
}

func (w *world) checkRenter(r *node, signed map[signedKey]artel.Receipt, used map[signedKey]bool, bad func(string, ...any)) {
	d := r.rent
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.back {
		bad("%s: voucher of lane %x went backwards to %s", r.name, b.Key.Number, b.Voucher)
	}
	w.checkSpeeds(r, bad)
	for _, t := range d.undone {
		bad("%s: a done task %d changed", r.name, t.Index)
	}
	for id, j := range d.jobs {
		ts := d.list(id)
		if spent := d.spent[id]; !j.Spec.Budget.IsZero() && j.Spec.Budget.Less(spent) && !r.restored {
			bad("%s: vouchers of %s units were signed for job %s, its budget is %s", r.name, spent, j.Spec.Name, j.Spec.Budget)
		}
		if (j.Phase == job.Cancelled || j.Failed > 0) && (j.Why == "" || j.Message == "") {
			bad("%s: job %s is %s, and nobody says why: %q %q", r.name, j.Spec.Name, j.Phase, j.Why, j.Message)
		}
		if j.Why == artel.ReasonEnough && j.Done() < j.Spec.Enough {
			bad("%s: job %s has enough with %d of %d tasks", r.name, j.Spec.Name, j.Done(), j.Spec.Enough)
		}
		if uint64(len(ts)) != j.Spec.Count {
			bad("%s: job %s has %d tasks, want %d", r.name, j.Spec.Name, len(ts), j.Spec.Count)
		}
		for _, t := range ts {
			if t.State == job.Done {
				w.checkTask(r, j, t, signed, used, bad)
			} else if j.Phase == job.Finished && t.State != job.Failed && j.Why != artel.ReasonEnough {
				bad("%s: job %s is over, its task %d is %s", r.name, j.Spec.Name, t.Index, t.State)
			}
		}
	}
}

// checkPockets: what a renter has promised on a lane is what was delivered on it
// and what the machine was held for, and one unit for each lease at most.
func (w *world) checkPockets(p *node, used map[signedKey]bool, bad func(string, ...any)) {
	d := p.prov
	d.mu.Lock()
	defer d.mu.Unlock()
	ms, leases := map[lease.Key]uint64{}, map[lease.Key]uint64{}
	for id, k := range d.laneOf {
		ms[k] += d.idle[id]
		leases[k]++
	}
	for k, r := range d.signed {
		// Of a cheat counts only what can be used without its help.
		if p.habit == honest || r.Sealed.IsZero() || used[k] {
			ms[d.laneOf[k.lease]] += r.Usage.Wall - min(r.Usage.Wall, d.earned[k])
		}
	}
	for k, wall := range d.earned {
		ms[d.laneOf[k.lease]] += wall
	}
	for _, r := range w.renters() {
		if r.restored {
			continue // it pays by vouchers of a future that it has forgotten
		}
		r.rent.mu.Lock()
		for k, b := range r.rent.books {
			if k.Provider != p.key.Address() {
				continue
			}
			// One more: the prepaid unit that came with a refused proposal.
			worth := artel.Cost(p.policy.Price, ms[k]+(leases[k]+1)*unit)
			if worth.Less(b.Voucher) {
				bad("%s promised %s (%s) %s units on lane %x, %d ms of %d leases were delivered", r.name, p.name, p.habit, b.Voucher, k.Number, ms[k], leases[k])
			}
		}
		r.rent.mu.Unlock()
	}
}

// checkTask: a done task has one receipt, that receipt was signed, nobody else
// has it, and what it names is what the task computes.
func (w *world) checkTask(r *node, j job.Job, t job.Task, signed map[signedKey]artel.Receipt, used map[signedKey]bool, bad func(string, ...any)) {
	if t.Receipt == nil {
		bad("%s: task %d of %s is done without a receipt", r.name, t.Index, j.Spec.Name)
		return
	}
	res := t.Receipt.Result
	if t.Attempts[res.Attempt-1].Copy {
		w.copies.Add(1)
	}
	k := signedKey{res.Lease, res.Task, res.Attempt}
	if rc, ok := signed[k]; !ok || rc.Result != res {
		bad("%s: task %d of %s is done by a receipt that nobody signed", r.name, t.Index, j.Spec.Name)
	}
	if used[k] {
		bad("%s: task %d of %s is done by another task's receipt", r.name, t.Index, j.Spec.Name)
	}
	used[k] = true
	if j.Spec.Sandbox == "gvisor" {
		w.checkMoved(r, j, t, bad)
		return
	}
	want := result(j.Spec.Task(t.Index))
	if j.Spec.Args[2] != "true" {
		if res.OutputRoot != artel.Keccak(want) {
			bad("%s: task %d of %s has a wrong result", r.name, t.Index, j.Spec.Name)
		}
		return
	}
	f, err := blob.Open(context.Background(), r.blobs, t.Output)
	if err != nil {
		bad("%s: output of task %d of %s: %v", r.name, t.Index, j.Spec.Name, err)
		return
	}
	buf := make([]byte, len(want)+1)
	if n, _ := f.Read(buf); string(buf[:n]) != string(want) {
		bad("%s: task %d of %s has output %q, want %q", r.name, t.Index, j.Spec.Name, buf[:n], want)
	}
}

// checkMoved: the result of a task that was saved, moved and taken up is what one
// machine would have computed that nothing happens to.
func (w *world) checkMoved(r *node, j job.Job, t job.Task, bad func(string, ...any)) {
	ctx, res := context.Background(), t.Receipt.Result
	if t.Attempts[res.Attempt-1].Ran.From > 0 {
		w.moved.Add(1)
	}
	steps, err := stepsOf(j.Spec.Args)
	if err != nil {
		bad("%s: job %s: %v", r.name, j.Spec.Name, err)
		return
	}
	want, err := tree(ctx, r.saves.dir, worth(j.Spec.Args, fmt.Sprint(j.Spec.First+t.Index), steps))
	if err != nil {
		bad("%s: task %d of %s: %v", r.name, t.Index, j.Spec.Name, err)
		return
	}
	if res.OutputRoot != artel.Hash(want.Sum()) || t.Output != want {
		bad("%s: task %d of %s has a wrong result: %s, want %s", r.name, t.Index, j.Spec.Name, t.Output, want)
	}
	if _, err := blob.Weight(ctx, r.blobs, t.Output); err != nil {
		bad("%s: output of task %d of %s: %v", r.name, t.Index, j.Spec.Name, err)
	}
}
