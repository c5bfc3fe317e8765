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
	laneOf := map[artel.Hash]lease.Key{}
	idle := map[lease.Key]uint64{}
	leases := map[lease.Key]int{}
	provider := map[artel.Address]*node{}
	for _, p := range w.providers() {
		provider[p.key.Address()] = p
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
		for k, b := range d.lanes {
			if u := artel.Cost(p.policy.Price, unit); p.habit == honest && b.Due().Add(u).Less(b.Voucher) {
				bad("%s: lane %x was paid %s, due are %s", p.name, k.Number, b.Voucher, b.Due())
			}
			if !b.Redeemable().IsZero() {
				bad("%s: lane %x has %s units left to redeem", p.name, k.Number, b.Redeemable())
			}
		}
		for k, r := range d.signed {
			signed[k] = r
		}
		for id, k := range d.laneOf {
			laneOf[id] = k
			idle[k] += d.idle[id]
			leases[k]++
		}
		d.mu.Unlock()
	}
	for _, r := range w.renters() {
		w.checkRenter(r, provider, signed, laneOf, idle, leases, bad)
	}
	return broken
}

func (w *world) checkRenter(r *node, provider map[artel.Address]*node, signed map[signedKey]artel.Receipt,
	laneOf map[artel.Hash]lease.Key, idle map[lease.Key]uint64, leases map[lease.Key]int, bad func(string, ...any)) {
	d := r.rent
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.back {
		bad("%s: voucher of lane %x went backwards to %s", r.name, b.Key.Number, b.Voucher)
	}
	for _, t := range d.undone {
		bad("%s: a done task %d changed", r.name, t.Index)
	}
	delivered := map[lease.Key]uint64{}
	used := map[signedKey]bool{}
	for id, j := range d.jobs {
		for _, t := range d.list(id) {
			if t.State == job.Done {
				w.checkTask(r, j, t, signed, used, bad)
			}
			for _, a := range t.Attempts {
				if rc, ok := signed[signedOf(t, a, signed)]; ok && a.Reason == artel.ReasonExited {
					delivered[laneOf[a.Lease]] += rc.Usage.Wall
				}
			}
		}
	}
	_ = delivered
}

func signedOf(job.Task, job.Attempt, map[signedKey]artel.Receipt) signedKey { return signedKey{} }

// checkTask: a done task has one receipt, that receipt was signed, nobody else
// has it, and what it names is what the task computes.
func (w *world) checkTask(r *node, j job.Job, t job.Task, signed map[signedKey]artel.Receipt, used map[signedKey]bool, bad func(string, ...any)) {
	if t.Receipt == nil {
		bad("%s: task %d of %s is done without a receipt", r.name, t.Index, j.Spec.Name)
		return
	}
	res := t.Receipt.Result
	k := signedKey{res.Lease, res.Task, res.Attempt}
	if rc, ok := signed[k]; !ok || rc.Result != res {
		bad("%s: task %d of %s is done by a receipt that nobody signed", r.name, t.Index, j.Spec.Name)
	}
	if used[k] {
		bad("%s: task %d of %s is done by another task's receipt", r.name, t.Index, j.Spec.Name)
	}
	used[k] = true
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
