package simtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
)

// A machine with thousands of slots runs thousands of tasks at once, and none of
// them is taken for lost.
func TestThousandsRunOnOneLease(t *testing.T) {
	const tasks = 1500
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 1, 1, newStory(false))
		p, r := w.nodes[0], w.nodes[1]
		p.policy.Prepay, p.policy.Resources.Slots = false, 4096
		p.policy.MaxUnpaid = artel.Cost(p.policy.Price, 5000*unit)
		p.prov.maxUnpaid = p.policy.MaxUnpaid
		r.start()
		p.start()
		r.deposit()
		defer func() {
			for _, n := range w.nodes {
				n.crash()
			}
		}()
		time.Sleep(3 * time.Second)
		r.submit(spec("wide", tasks, 30*time.Second, false))
		broken := append(w.ended(), w.home()...)
		jobs, err := r.r.Jobs(context.Background(), 1)
		if err != nil || len(jobs) != 1 || jobs[0].Phase != job.Finished {
			t.Fatalf("jobs %+v, error %v", jobs, err)
		}
		_, list, err := r.r.Job(context.Background(), jobs[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if x.State != job.Done || len(x.Attempts) != 1 {
				t.Fatalf("task %d is %s after %d attempts: %+v", x.Index, x.State, len(x.Attempts), x.Attempts)
			}
		}
		for _, b := range append(broken, w.check()...) {
			t.Error(b)
		}
	})
}
