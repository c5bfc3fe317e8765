package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
)

// What can happen to checkpoints: who holds them corrupts, truncates or withholds them,
// who makes them lies about them, and machines stand still. All of it is drawn apart
// from the rest, so that what else a seed tells stays what it was.

// keepings draws who keeps badly, one machine in four, and which of the honest ones
// lies about what it saves, one in eight.
func (w *world) keepings() {
	rng := rand.New(rand.NewPCG(w.seed, 13))
	for _, p := range w.providers() {
		if rng.IntN(4) == 0 {
			p.saves.habit = corrupts + keeping(rng.IntN(6))
			w.say("%s %s", p.name, p.saves.habit)
		}
		if lies := scrambles + habit(rng.IntN(5)); rng.IntN(8) == 0 && p.habit == honest {
			p.habit = lies
			w.say("%s %s", p.name, p.habit)
		}
	}
}

// savingTroubles draws jobs that are checkpointed, and faults.
func (w *world) savingTroubles(add func(at time.Duration, do func())) {
	rng := rand.New(rand.NewPCG(w.seed, 17))
	in := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
	kinds := []artel.CheckpointKind{"", "", artel.CheckpointWhole, artel.CheckpointFiles}
	for _, n := range w.renters() {
		if rng.IntN(3) == 0 {
			continue
		}
		sp := saving(n.name+"-saving", 1+rng.Uint64N(3), 10*time.Second+in(40*time.Second).Truncate(time.Second), kinds[rng.IntN(len(kinds))])
		switch rng.IntN(6) {
		case 0:
			sp.Budget = artel.Cost(base, uint64(rng.Int64N(int64(6*unit*sp.Count))))
		case 1, 2:
			sp.Failover = artel.FailoverFast
		case 3:
			sp.Once = true
		}
		add(in(workFor/2), func() { n.submit(sp) })
	}
	for range 1 + len(w.nodes)/5 {
		n, at, length := w.nodes[rng.IntN(len(w.nodes))], in(workFor), time.Second+in(time.Minute)
		add(at, func() { w.say("%s stands still", n.name); n.still.freeze() })
		add(at+length, func() { w.say("%s goes on", n.name); n.still.thaw() })
	}
	for range 1 + len(w.nodes)/10 {
		n := w.nodes[rng.IntN(len(w.nodes))]
		add(in(workFor), func() { w.say("%s loses the blocks that it keeps", n.name); n.saves.spoil(context.Background()) })
	}
}

// tidyWithin is how soon after all work is over nothing of it is left.
const tidyWithin = 15 * time.Minute

// tidied waits until nothing is left of the checkpoints of what is over: at whoever
// saved them, and at the keepers that a renter could tell.
func (w *world) tidied() (broken []string) {
	for began := time.Now(); time.Since(began) < tidyWithin; time.Sleep(5 * time.Second) {
		broken = nil
		over := map[artel.NodeID]string{} // renters that remember all their keepers, and want nothing kept
		for _, n := range w.renters() {
			if n.habit != honest || n.wrong || n.boots > 1 {
				continue
			}
			over[n.key.NodeID()] = n.name
			n.rent.mu.Lock()
			for _, j := range n.rent.jobs {
				if j.Phase == job.Active {
					delete(over, n.key.NodeID())
				}
			}
			n.rent.mu.Unlock()
		}
		for _, n := range w.nodes {
			broken = append(broken, n.saves.leftovers()...)
			for _, t := range n.saves.keeper.Status().Tasks {
				if r, ok := over[t.Renter]; ok && len(t.Held) > 0 {
					broken = append(broken, fmt.Sprintf("%s still keeps %d checkpoints of attempt %d of a task of %s, which is over", n.name, len(t.Held), t.Grant.Try, r))
				}
			}
		}
		if len(broken) == 0 {
			return nil
		}
	}
	return broken
}
