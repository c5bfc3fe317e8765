package simtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/renter"
)

func spec(count uint64, d string) artel.JobSpec {
	program, _ := artel.NewRef(artel.CodecRaw, [32]byte{1})
	return artel.JobSpec{
		Name: "sim", Program: program, Args: []string{d}, Count: count, Wall: 60_000, Sandbox: "wasm",
		Want: artel.Resources{Memory: 1 << 20, Disk: 1 << 20}, Tries: 3, Failover: artel.FailoverNormal,
	}
}

func TestOneJobEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 3, 1)
		for _, n := range w.nodes {
			n.start()
		}
		r := w.nodes[3]
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.ledger.Submit(ctx, chain.Tx{ID: "deposit", From: r.key.Address(), Call: chain.Deposit{To: r.key.Address(), Amount: artel.Units(fund)}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		id := renter.NewID()
		if err := r.r.Submit(ctx, id, spec(20, "3s")); err != nil {
			t.Fatal(err)
		}
		j, tasks, err := r.r.Wait(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Phase != job.Finished || j.Failed != 0 {
			t.Errorf("job %s, %d failed: %s", j.Phase, j.Failed, j.Message)
		}
		for _, task := range tasks {
			if task.State != job.Done {
				t.Errorf("task %d is %s after %d attempts", task.Index, task.State, len(task.Attempts))
			}
		}
		time.Sleep(3 * time.Minute) // leases close, vouchers are redeemed
		tot := w.chain.Totals()
		t.Logf("virtual %s; deposits %s earned %s booked %s in ledger %s; job spent %s", time.Since(time.UnixMilli(j.Created)), tot.Deposits, tot.Earned, tot.Booked, tot.InLedger, j.Spent)
		if tot.Earned.IsZero() {
			t.Error("nobody earned anything")
		}
		for _, n := range w.nodes {
			n.crash()
		}
	})
}
