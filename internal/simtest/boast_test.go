package simtest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p/mem"
)

// A machine that claims ten times its speed gets the first work, is found out while it
// does it, and is the last to get more, also after the renter has restarted.
func TestWhoBoastsIsFoundOut(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(seed, 4, 1, newStory(false))
				w.net.SetLink(mem.Link{Latency: 20 * time.Millisecond, Jitter: 30 * time.Millisecond})
				r, liar := w.nodes[4], w.nodes[seed%4]
				liar.habit = boasts
				r.start()
				for _, p := range w.providers() {
					p.policy.Prepay = false
					p.policy.MaxUnpaid = artel.Cost(p.policy.Price, 8*unit)
					p.prov.maxUnpaid = p.policy.MaxUnpaid
					p.start()
				}
				r.deposit()
				defer func() {
					for _, n := range w.nodes {
						n.crash()
					}
				}()
				rank := func() (place int, of int) {
					job := spec("next", 1, time.Second, false)
					offers := r.board.Offers(job, r.now(), 10)
					for i, l := range offers {
						if l.Offer.Node == liar.key.NodeID() {
							return i, len(offers)
						}
					}
					return -1, len(offers)
				}
				heard := func() { // of all offers; an hour is the time that one lives
					for range 3600 {
						if _, of := rank(); of == 4 {
							return
						}
						time.Sleep(time.Second)
					}
				}
				time.Sleep(3 * time.Second)
				heard()
				if place, of := rank(); place != 0 || of != 4 {
					t.Fatalf("with its claim it stands at place %d of %d", place, of)
				}
				job := spec("long", 30, 15*time.Second, false)
				job.Parallel = liar.policy.Resources.Slots
				r.submit(job)
				time.Sleep(5 * time.Minute)
				for range 2 {
					rec := r.board.Record(liar.key.NodeID())
					if rec.Checked == 0 || rec.Speed < 0.5*trueSpeed || rec.Speed > 1.5*trueSpeed || rec.Marks == 0 {
						t.Errorf("after five minutes of work: %+v", rec)
					}
					if place, of := rank(); place != of-1 || of != 4 {
						t.Errorf("found out, it stands at place %d of %d", place, of)
					}
					r.crash()
					r.start()
					time.Sleep(3 * time.Second)
					heard()
				}
				r.rent.mu.Lock()
				w.checkSpeeds(r, func(format string, args ...any) { t.Errorf(format, args...) })
				r.rent.mu.Unlock()
				if w.asked.Load() == 0 {
					t.Error("nobody has answered a challenge: nothing was shown")
				}
				for _, b := range append(w.ended(), append(w.home(), w.check()...)...) {
					t.Error(b)
				}
			})
		})
	}
}
