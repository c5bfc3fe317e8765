package simtest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p/mem"
)

// maxWide is how many faults of one run concern the whole network.
const maxWide = 8

// Times of a run.
const (
	workFor       = 2 * time.Minute  // jobs come and faults happen
	endWithin     = 30 * time.Minute // after healing, every job has ended
	poorEndWithin = 10 * time.Minute // for those whose budget is small
	homeWithin    = 30 * time.Minute // after that, all money is redeemed or home
	// After a lane's last lease, an honest provider has given back what was not used.
	givenBackWithin = 10 * time.Minute
)

// kept lists the lanes on which an honest provider still holds money that nobody
// promised it.
func (w *world) kept() (broken []string) {
	names := map[artel.Address]*node{}
	for _, n := range w.nodes {
		names[n.key.Address()] = n
	}
	w.chain.Lanes(func(k chain.LaneKey, l chain.Lane) bool {
		p := names[k.Provider]
		p.prov.mu.Lock()
		defer p.prov.mu.Unlock()
		b, ok := p.prov.lanes[lease.Key(k)]
		// By the simulation's clock: a provider that was down while its own was set
		// by an hour has had a second, not an hour, to give anything back.
		rested := time.Since(p.prov.rested[lease.Key(k)])
		if ok && p.habit == honest && b.Rested != 0 && rested > givenBackWithin && !l.Booked().IsZero() && p.policy.MinRedeem.IsZero() && !b.Voucher.Less(b.Due()) && !b.Paid.Less(b.Voucher) {
			broken = append(broken, fmt.Sprintf("%s keeps %s units of %s on lane %x that nothing was promised on: cap %s, voucher %s, due %s",
				p.name, l.Booked(), names[k.Renter].name, k.Number, l.Cap, b.Voucher, b.Due()))
		}
		return true
	})
	return broken
}

// run plays one seed and returns what broke a promise. It must be called in a
// synctest bubble. Below dir is room for what programs write.
func run(seed uint64, nodes int, s *story, dir string) (broken []string) {
	providers := nodes * 2 / 3
	w := newWorld(seed, providers, nodes-providers, s)
	w.savesOf(dir)
	w.habits()
	w.keepings()
	w.clocks()
	w.net.SetLink(mem.Link{Latency: 20 * time.Millisecond, Jitter: 30 * time.Millisecond})
	for _, n := range slices.Backward(w.nodes) { // renters first: they listen for offers
		n.start()
	}
	defer func() {
		for _, n := range w.nodes {
			n.crash()
		}
	}()
	for _, n := range w.renters() {
		n.deposit()
	}
	time.Sleep(3 * time.Second)
	w.troubled()
	w.heal()
	broken = append(broken, w.ended()...)
	broken = append(broken, w.home()...)
	if w.patient {
		w.again()
		broken = append(broken, w.ended()...)
		broken = append(broken, w.home()...)
	}
	broken = append(broken, w.tidied()...)
	return append(broken, w.check()...)
}

// again is what comes when all money has come home: every honest renter has
// another job, on lanes whose epoch has risen.
func (w *world) again() {
	w.say("everybody comes again")
	for _, n := range w.renters() {
		if n.habit == honest {
			n.submit(spec(n.name+"-again", uint64(1+w.rng.IntN(4)), 5*time.Second, w.rng.IntN(2) == 0))
		}
	}
}

// habits draws who is dishonest: about one provider in four and one renter in
// ten.
func (w *world) habits() {
	for _, n := range w.providers() {
		if w.rng.IntN(4) == 0 {
			n.habit = lazy + habit(w.rng.IntN(7))
		}
	}
	for _, n := range w.renters() {
		if w.rng.IntN(10) == 0 {
			n.habit = deadbeat
			n.pays.Store(w.rng.Int64N(4))
		}
	}
	for _, n := range w.nodes {
		if n.habit != honest {
			w.say("%s %s", n.name, n.habit)
		}
	}
}

// maxSkew is how far a clock may be off.
const maxSkew = 5 * time.Minute

// clocks draws whose clock is off: every second one within what is borne, one in
// twenty by far more. Chain time is right.
func (w *world) clocks() {
	for _, n := range w.nodes {
		switch w.rng.IntN(20) {
		case 0:
			skew := 2*maxSkew + time.Duration(w.rng.Int64N(int64(time.Hour)))
			if w.rng.IntN(2) == 0 {
				skew = -skew
			}
			n.set(skew)
			n.wrong = true
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
			n.set(w.skew())
		}
		if n.skew() != 0 {
			w.say("%s has a clock that is off by %v", n.name, n.skew())
		}
	}
}

func (w *world) skew() time.Duration { return time.Duration(w.rng.Int64N(int64(2*maxSkew))) - maxSkew }

// troubled is the time of work and faults. What happens, and when, is drawn
// before anything runs, so that it does not depend on it.
func (w *world) troubled() {
	type event struct {
		at time.Duration
		do func()
	}
	var events []event
	arrays := rand.New(rand.NewPCG(w.seed, 11)) // of its own: what else is drawn stays what it was
	in := func(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }
	add := func(at time.Duration, do func()) { events = append(events, event{at, do}) }
	for _, n := range w.renters() {
		for i := range 1 + w.rng.IntN(2) {
			name := fmt.Sprintf("%s-%d", n.name, i)
			sp := spec(name, uint64(1+w.rng.IntN(6)), time.Second+in(20*time.Second), w.rng.IntN(2) == 0)
			if w.rng.IntN(3) == 0 {
				sp.Failover = artel.FailoverFast
			}
			if w.rng.IntN(3) == 0 { // from too little to more than enough
				sp.Budget = artel.Cost(base, uint64(w.rng.Int64N(int64(3*unit*sp.Count))))
			}
			at := in(workFor / 2)
			switch arrays.IntN(8) {
			case 0, 1: // long enough for copies
				sp.Count += arrays.Uint64N(20)
			case 2:
				sp.Count += 4
				sp.Enough = 1 + arrays.Uint64N(sp.Count)
			case 3:
				after := time.Second + time.Duration(arrays.Int64N(int64(3*time.Minute)))
				add(at, func() { sp.Deadline = n.now().Add(after).UnixMilli() })
			case 4:
				sp.Once = true
			}
			add(at, func() { n.submit(sp) })
		}
	}
	wide := 0
	for range 1 + len(w.nodes)*2/3 {
		n, at, length := w.nodes[w.rng.IntN(len(w.nodes))], in(workFor), time.Second+in(40*time.Second)
		what := w.rng.IntN(12)
		if what >= 6 && what <= 8 {
			if wide++; wide > maxWide {
				what = 0 // a large network is not cut more often than a small one
			}
		}
		switch what {
		case 0, 1, 2, 3:
			set, skew := w.rng.IntN(4) == 0 && !n.wrong, w.skew()
			add(at, func() { w.say("%s is killed", n.name); n.crash() })
			add(at+length, func() {
				if n.up() {
					return
				}
				if set && !n.restored { // an old copy and a clock that went back: see docs/spec/lease.md
					n.set(skew)
					w.say("%s has its clock off by %v now", n.name, skew)
				}
				w.say("%s is back", n.name)
				n.start()
			})
		case 4, 5:
			add(at, func() { w.say("%s loses the chain", n.name); n.ledger.SetReachable(false) })
			add(at+length, func() { n.ledger.SetReachable(true) })
		case 6, 7:
			var side []artel.NodeID
			for _, n := range w.nodes {
				if w.rng.IntN(3) == 0 {
					side = append(side, n.key.NodeID())
				}
			}
			add(at, func() { w.say("the network is cut, %d nodes on one side", len(side)); w.net.Partition(side) })
			add(at+length, w.net.Heal)
		case 8:
			l := mem.Link{
				Latency: 20 * time.Millisecond, Jitter: in(2 * time.Second), LoseRequest: w.rng.Float64() / 5,
				LoseAnswer: w.rng.Float64() / 5, Duplicate: w.rng.Float64() / 3,
			}
			add(at, func() { w.say("links turn bad: %+v", l); w.net.SetLink(l) })
			add(at+length, func() { w.net.SetLink(mem.Link{Latency: 20 * time.Millisecond}) })
		case 10:
			skew := w.skew()
			add(at, func() {
				if !n.wrong && !n.restored {
					w.say("%s has its clock set while it runs, off by %v now", n.name, skew)
					n.set(skew)
				}
			})
		case 11: // by more than is borne, and back: it costs time and no money
			far, back := time.Hour, w.skew()
			if w.rng.IntN(2) == 0 {
				far = -far
			}
			add(at, func() {
				if !n.wrong && !n.restored {
					w.say("%s has its clock off by %v of a sudden", n.name, far)
					n.leapt = true
					n.set(far)
				}
			})
			add(at+length, func() {
				if n.leapt {
					w.say("%s has its clock set right, off by %v now", n.name, back)
					n.set(back)
				}
			})
		case 9:
			if n.rent == nil {
				continue
			}
			var backup *rentDisk
			add(at, func() { backup = n.rent.copyOf() })
			add(at+length, func() {
				if n.leapt {
					return // as where a clock is set back while it is down
				}
				w.say("%s is restored from a copy %v old", n.name, length)
				n.crash()
				n.rent, n.restored = backup, true
				n.start()
			})
		}
	}
	w.savingTroubles(add)
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	began := time.Now()
	for _, e := range events {
		time.Sleep(e.at - time.Since(began))
		e.do()
	}
}

// submit stores a job on the renter, if it is up.
func (n *node) submit(sp artel.JobSpec) {
	if n.frozen() { // its owner waits, and the world does not
		n.w.later.Go(func() {
			if n.still.wait(context.Background()) == nil {
				n.submit(sp)
			}
		})
		return
	}
	if !n.up() {
		return
	}
	var id artel.Hash
	_, _ = io.ReadFull(n.ids, id[:])
	n.w.story.mu.Lock()
	n.w.story.names[id.Short()] = "job " + sp.Name
	n.w.story.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := n.r.Submit(ctx, id, sp); err == nil {
		n.w.say("%s submits %d tasks of %s", n.name, sp.Count, sp.Args[0])
	}
}

// heal ends all faults.
func (w *world) heal() {
	w.say("everything is healed")
	w.net.Heal()
	w.net.SetLink(mem.Link{Latency: 20 * time.Millisecond})
	for _, n := range w.nodes {
		n.still.thaw()
		n.ledger.SetReachable(true)
		if !n.up() {
			n.start()
		}
	}
	for _, n := range w.providers() {
		n.p.SetPolicy(n.policy) // announces the offer again
	}
	w.later.Wait()
	time.Sleep(time.Second)
	nodes := map[artel.NodeID]artel.Address{}
	for _, p := range w.providers() {
		nodes[p.key.NodeID()] = p.key.Address()
	}
	for _, n := range w.renters() {
		if n.restored { // its owner does what the hint says
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			found, err := n.r.Recover(ctx, nodes)
			cancel()
			w.say("%s recovers %d lanes (%v)", n.name, found, err)
		}
	}
}

// leases counts those that somebody still settles. A renter that does not pay
// never comes to an end with its.
func (w *world) leases() (open int) {
	for _, n := range w.renters() {
		n.rent.mu.Lock()
		if n.habit == honest {
			open += len(n.rent.leases)
		}
		n.rent.mu.Unlock()
	}
	return open
}

// reliable reports whether a renter's jobs must come to an end: it pays, and
// others believe its clock.
func (n *node) reliable() bool { return n.habit == honest && !n.wrong }

// poor reports whether a job has too little left for every machine: it may wait
// for a cheap one for ever, or until its owner raises the budget.
func poor(j job.Job) bool { return j.Left(artel.Amount{}).Less(artel.Cost(2*base, unit)) }

// active lists the jobs of reliable renters that are not over and could be; or
// all of theirs.
func (w *world) active(all bool) (jobs []string) {
	for _, n := range w.renters() {
		n.rent.mu.Lock()
		for _, j := range n.rent.jobs {
			if j.Phase == job.Active && n.reliable() && (all || !poor(j)) {
				jobs = append(jobs, fmt.Sprintf("job %s of %s: %d tasks open", j.Spec.Name, n.name, j.Open))
			}
		}
		n.rent.mu.Unlock()
	}
	return jobs
}

func (w *world) ended() (broken []string) {
	for began := time.Now(); time.Since(began) < endWithin; time.Sleep(5 * time.Second) {
		broken = w.active(false)
		if len(broken) == 0 && (time.Since(began) > poorEndWithin || len(w.active(true)) == 0) {
			break
		}
	}
	for _, n := range w.renters() {
		n.rent.mu.Lock()
		var ids []artel.Hash
		for id, j := range n.rent.jobs {
			if j.Phase == job.Active && (!n.reliable() || poor(j)) {
				ids = append(ids, id)
			}
		}
		n.rent.mu.Unlock()
		for _, id := range ids {
			_ = n.r.Cancel(context.Background(), id, "over")
		}
	}
	return broken
}

// home waits until no lease is open and no money booked: what was earned is
// redeemed, the rest has come back to its renter.
func (w *world) home() []string {
	quiet := 0
	for until := time.Now().Add(homeWithin); time.Now().Before(until); time.Sleep(5 * time.Second) {
		if quiet++; w.leases() > 0 || !w.chain.Totals().Booked.IsZero() {
			quiet = 0
		}
		if quiet == 4 {
			return nil
		}
		if broken := w.kept(); len(broken) > 0 {
			return broken
		}
	}
	names := map[artel.Address]*node{}
	for _, n := range w.nodes {
		names[n.key.Address()] = n
	}
	var broken []string
	if n := w.leases(); n > 0 {
		broken = append(broken, fmt.Sprintf("%d leases are not settled", n))
	}
	w.chain.Lanes(func(k chain.LaneKey, l chain.Lane) bool {
		if !l.Booked().IsZero() {
			r, p := names[k.Renter], names[k.Provider]
			r.rent.mu.Lock()
			p.prov.mu.Lock()
			rb, pb := r.rent.books[lease.Key(k)], p.prov.lanes[lease.Key(k)]
			p.prov.mu.Unlock()
			r.rent.mu.Unlock()
			broken = append(broken, fmt.Sprintf("lane %x of %s (%s) to %s (%s) still has %s units booked: cap %s paid %s release at %d; to the renter voucher %s cap %s, to the provider voucher %s cap %s",
				k.Number, r.name, r.habit, p.name, p.habit, l.Booked(), l.Cap, l.Paid, l.ReleaseAt, rb.Voucher, rb.Cap, pb.Voucher, pb.Cap))
		}
		return true
	})
	return broken
}
