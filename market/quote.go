package market

import (
	"cmp"
	"math"
	"slices"

	"github.com/artel-network/artel"
)

// Candidate is one offer seen with a job's eyes.
type Candidate struct {
	Listing
	Why      []Why        `json:"why,omitempty"` // why it does not suit; nil where it does
	Millis   uint64       `json:"millis"`        // what one task is expected to take on it
	Cost     artel.Amount `json:"cost"`          // what that comes to
	MaxCost  artel.Amount `json:"maxCost"`       // what one task may come to at its time limit
	Success  float64      `json:"success"`       // the chance that it brings the task home
	Newcomer bool         `json:"newcomer"`      // this renter has not seen it finish anything
	Weight   uint32       `json:"weight"`        // how many of its slots a task takes
	Slots    uint32       `json:"slots"`         // how many tasks at once the estimate gives it
	Tasks    uint64       `json:"tasks"`         // of the job's tasks, how many the estimate gives it
	score    float64
}

// price is what a task costs there, in units per 10⁶ s.
func (c *Candidate) price() artel.Price { return c.Offer.Price.Times(max(c.Weight, 1)) }

// Suits reports whether the candidate can take the job's tasks.
func (c Candidate) Suits() bool { return len(c.Why) == 0 }

// Estimate answers "what would this job cost, and how long would it take".
type Estimate struct {
	Suiting  []Candidate  `json:"suiting"`  // the best first
	Excluded []Candidate  `json:"excluded"` // each with its reasons, in the order of the offers
	Slots    uint64       `json:"slots"`    // used at once
	Millis   uint64       `json:"millis"`   // from the first start to the last end, failures averaged in; 0: nobody suits
	Cost     artel.Amount `json:"cost"`     // expected
	MaxCost  artel.Amount `json:"maxCost"`  // if every task ran into its time limit
	Within   bool         `json:"within"`   // MaxCost is within the job's budget, or the job has none
}

// Quote ranks offers for a job and estimates the whole: who suits, and what it
// costs and how long it takes on as many slots as the job may use. now is in
// unix seconds; clocks may differ by artel.ClockSkew.
//
// The order is by cost ÷ success²: a failed attempt costs its renter no money
// (nothing unverified is paid), but its own time, and that of the whole job
// which waits for its last task. Equal ones go by time.
func Quote(j artel.JobSpec, offers []Listing, h History, now uint64) Estimate {
	var e Estimate
	q := QueryFor(j)
	for _, l := range offers {
		c := assess(q, j, l, h, now)
		if c.Suits() {
			e.Suiting = append(e.Suiting, c)
		} else {
			e.Excluded = append(e.Excluded, c)
		}
	}
	slices.SortFunc(e.Suiting, func(a, b Candidate) int {
		if c := cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.Millis, b.Millis)); c != 0 {
			return c
		}
		if before(0, &a.Offer, 0, &b.Offer) {
			return -1
		}
		return 1
	})
	e.spread(j)
	e.Within = j.Budget.IsZero() || !j.Budget.Less(e.MaxCost)
	return e
}

// Rank returns the offers that suit a job, the best first.
func Rank(j artel.JobSpec, offers []Listing, h History, now uint64) []Candidate {
	return Quote(j, offers, h, now).Suiting
}

func assess(q Query, j artel.JobSpec, l Listing, h History, now uint64) Candidate {
	rec := h.Nodes[l.Offer.Node]
	c := Candidate{Listing: l, Newcomer: rec.Done < 1}
	c.Why = q.Why(l.Offer, now, artel.ClockSkew)
	if rest := rec.Rest(now); rest > 0 {
		c.Why = append(c.Why, Why{Code: WhyResting, Have: rest})
	}
	if stake := j.StakeOn(l.Offer); l.Offer.MaxUnit < stake && l.Offer.MaxUnit >= q.Unit {
		c.Why = append(c.Why, Why{Code: WhyUnit, Have: l.Offer.MaxUnit, Want: stake})
	}
	c.Weight, _ = l.Offer.Resources.Weight(j.Want)
	c.MaxCost = artel.Cost(c.price(), j.Wall)
	// What is due with checkpoints need not be affordable all at once.
	if first := artel.Cost(c.price(), j.StakeOn(l.Offer)); !j.Budget.IsZero() && j.Budget.Less(first) {
		have, _ := first.Uint64()
		want, _ := j.Budget.Uint64()
		c.Why = append(c.Why, Why{Code: WhyBudget, Have: have, Want: want})
	}
	ms := expect(l.Offer, rec, h.Work, j.Wall, now)
	c.Millis = max(uint64(min(math.Ceil(ms), float64(j.Wall))), 1)
	c.Cost = artel.Cost(c.price(), c.Millis)
	c.Success = h.success(rec, l.Offer, exposed(j, l.Offer, c.Millis), now)
	// Not c.Cost: it is rounded up to whole units, which short tasks would all share.
	// Nor c.Millis: where the limit stands for the work, all that are slower than the
	// reference would share it.
	c.score = float64(c.price()) * ms / (c.Success * c.Success)
	if j.Survival.Wanted() && j.Saves(l.Offer.Moves) == artel.CheckpointNone {
		c.score *= unsafe
	}
	return c
}

// expect returns how many milliseconds one task takes on a machine, its limit
// aside. What was measured counts before what is claimed. Without a figure for the
// work, the limit stands for it on the reference machine, so that speeds still
// compare.
func expect(o artel.Offer, r Record, work, limit, now uint64) float64 {
	if work == 0 {
		work = limit
	}
	return float64(work) * 1000 / r.Believed(o, now)
}

// spread gives the job's tasks to slots, the best candidates' first, as many as
// it may use, and finds the time in which they get through.
func (e *Estimate) spread(j artel.JobSpec) {
	most := j.Count
	if j.Parallel != 0 {
		most = min(most, uint64(j.Parallel))
	}
	var used []*Candidate
	for i := range e.Suiting {
		c := &e.Suiting[i]
		take := min(uint64(c.Offer.Resources.Fits(j.Want)), most-e.Slots)
		if take == 0 {
			break
		}
		c.Slots = uint32(take)
		e.Slots += take
		used = append(used, c)
	}
	if len(used) == 0 {
		return
	}
	// The shortest time in which the slots finish j.Count tasks: each slot
	// finishes time ÷ (its time per task, failures included).
	done := func(t float64) (n uint64) {
		for _, c := range used {
			n += uint64(c.Slots) * uint64(min(t/c.each(), 1e9))
		}
		return n
	}
	low, high := 0.0, used[0].each()*(math.Ceil(float64(j.Count)/float64(used[0].Slots))+1)
	for high-low > 0.5 {
		mid := (low + high) / 2
		if mid == low || mid == high {
			break
		}
		if done(mid) >= j.Count {
			high = mid
		} else {
			low = mid
		}
	}
	e.Millis = uint64(math.Ceil(high))

	left := j.Count
	for _, c := range used {
		c.Tasks = min(left, uint64(c.Slots)*uint64(high/c.each()))
		left -= c.Tasks
		e.Cost = add(e.Cost, times(c.price(), c.Millis, c.Tasks))
		e.MaxCost = add(e.MaxCost, times(c.price(), j.Wall, c.Tasks))
	}
}

// each is the time that a task takes a slot, those included that fail.
func (c *Candidate) each() float64 { return float64(c.Millis) / c.Success }

// times returns what n tasks of ms milliseconds come to on one lane: rounded
// once.
func times(p artel.Price, ms, n uint64) artel.Amount {
	if n != 0 && ms > math.MaxUint64/n {
		return artel.MaxAmount
	}
	return artel.Cost(p, ms*n)
}

func add(a, b artel.Amount) artel.Amount {
	s, err := a.Plus(b)
	if err != nil {
		return artel.MaxAmount
	}
	return s
}

// Tally is how many offers do not suit a job for the same reason.
type Tally struct {
	Offers int
	Why    Why // of the one that comes nearest
}

// Against counts why offers do not suit a job that wants q, each of those with the fewest
// reasons for its first one; the most frequent reason first. n is how many offers there are
// that do not suit. None where one does.
func Against(j artel.JobSpec, q Query, offers []Listing, h History, now uint64) (all []Tally, n int) {
	fewest := math.MaxInt
	for _, l := range offers {
		c := assess(q, j, l, h, now)
		if c.Suits() {
			return nil, 0
		}
		n++
		if len(c.Why) > fewest {
			continue
		}
		if len(c.Why) < fewest {
			fewest, all = len(c.Why), nil
		}
		i := slices.IndexFunc(all, func(t Tally) bool { return t.Why.Code == c.Why[0].Code })
		if i < 0 {
			all = append(all, Tally{1, c.Why[0]})
			continue
		}
		all[i].Offers++
		if c.Why[0].nearer(all[i].Why) {
			all[i].Why = c.Why[0]
		}
	}
	slices.SortStableFunc(all, func(a, b Tally) int { return cmp.Compare(b.Offers, a.Offers) })
	return all, n
}

// nearer reports whether less has to change for w than for v, another reason of the code.
func (w Why) nearer(v Why) bool {
	far := func(w Why) uint64 { return max(w.Have, w.Want) - min(w.Have, w.Want) }
	return far(w) < far(v)
}
