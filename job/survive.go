package job

import (
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
)

// What a task remembers of its checkpoints: the newest that was confirmed, and the
// one before it.
//
//	attempt 1   ──1──2──3 ✗ dead                  Saved 3, 2
//	attempt 2           └──4──5 ✗ dead            Saved 5, 4
//	attempt 3                 └── "stale" (twice) 5 is given up
//	attempt 4               └──5'──6 ─ receipt    Saved 5', 4: what 5 had beyond 4 is lost
//
// The checkpoints of a later attempt go before those of an earlier one, whatever
// their numbers: keepers hold those of the newest attempt that brought them one. So
// what a fenced attempt confirms counts until its successor has confirmed
// something, and no longer; if that successor dies before, the next one goes on from
// what the fenced one had. Who began elsewhere meanwhile does not begin again.

// Safe is the part of a task that outlives its machines.
type Safe struct {
	Saved   []Checkpoint   `json:"saved,omitempty"`   // the newest first, at most two
	Keepers []artel.Keeper `json:"keepers,omitempty"` // all that may hold something of it
	Lost    uint64         `json:"lost,omitempty"`    // ms that ran and were not saved when their machine was gone
	Paid    artel.Amount   `json:"paid"`              // what was paid for such time
}

// Checkpoint is a confirmed checkpoint that a task can go on from.
type Checkpoint struct {
	Try     uint32         `json:"try"` // the attempt that made it
	Node    artel.NodeID   `json:"node"`
	Class   artel.Class    `json:"class"` // of its machine
	Segment artel.Segment  `json:"segment"`
	Holders []artel.Keeper `json:"holders"`
	At      int64          `json:"at"`   // unix ms when it was heard of
	Done    uint64         `json:"done"` // ms of work in it, of all attempts that led to it
	Paid    artel.Amount   `json:"paid"` // and what was billed for them

	Stale    []artel.NodeID `json:"stale,omitempty"`  // machines that could not go on from it
	Missed   uint32         `json:"missed,omitempty"` // attempts that could not fetch it
	MissedAt int64          `json:"missedAt,omitempty"`
	GivenUp  bool           `json:"givenUp,omitempty"` // nothing goes on from it any more
}

// Ran is what an attempt began from and has saved.
type Ran struct {
	Keeps bool         `json:"keeps,omitempty"` // its lease pays by checkpoints
	From  uint64       `json:"from,omitempty"`  // the generation it began from; 0: the beginning
	Root  artel.Ref    `json:"root,omitzero"`   // of that
	Host  artel.NodeID `json:"host,omitzero"`   // whose machine made it
	Done  uint64       `json:"done,omitempty"`  // ms of work in that
	Paid  artel.Amount `json:"paid"`            // what was billed for it
	Why   string       `json:"why,omitempty"`   // it goes on from less than there was
	Saved uint64       `json:"saved,omitempty"` // ms of this attempt that are in its newest checkpoint
	At    int64        `json:"at,omitempty"`    // unix ms when that was heard of
	Gen   uint64       `json:"gen,omitempty"`   // its generation
	Spent artel.Amount `json:"spent"`           // what this attempt was billed with by its checkpoints
	Lost  uint64       `json:"lost,omitempty"`  // ms of this attempt that are in Safe.Lost
}

const (
	generations = 2    // remembered
	maxHolders  = 32   // machines that are told to let go when a task is over
	maxTries    = 1000 // attempts of a task in all, however much each has saved
	staleAfter  = 2    // machines that must say so before a checkpoint is given up for all
	missedAfter = 3    // attempts that must have failed to fetch it

	// mostMissed is for how many ms at most keepers may hand nothing out: long before a
	// task has been tried too often.
	mostMissed = 15 * 60_000

	leastWait = int64(time.Minute / time.Millisecond) // for what is needed to go on from a checkpoint,
	mostWait  = 6 * int64(time.Hour/time.Millisecond) // where the task has not run so long itself
)

// tries is how many of the attempts of a task count as tries: those that have saved
// nothing and were never healthy. A day's work on machines that go every hour must not fail for that.
func (t Task) tries() (n int) {
	if len(t.Attempts) >= maxTries {
		return MaxAttempts
	}
	for _, a := range t.Attempts {
		if a.Ran.Saved == 0 && a.Up == 0 && !a.Taken {
			n++
		}
	}
	return n
}

// failures is for how many ended attempts in a row a task has got nowhere by fault
// of its hosts, and how many have ended excused meanwhile.
func (t Task) failures() (failed, excused int) {
	for _, a := range slices.Backward(t.Attempts) {
		switch {
		case a.Ended == 0 && !a.Fenced, a.Taken:
		case a.Ran.Saved != 0, a.Up != 0:
			return failed, excused
		case a.Reason.Excused():
			excused++
		case a.Ended != 0:
			failed++
		}
	}
	return failed, excused
}

// patienceFor is how long a task waits for what it needs to go on from a checkpoint
// before it goes on from less: as long as the work would take again, so that in
// the worst case the wait doubles what is lost.
func patienceFor(c Checkpoint) int64 {
	return min(mostWait, max(leastWait, int64(min(c.Done, uint64(mostWait)))))
}

// Begin says what the next attempt, on a machine of that class, goes on from: nil is
// the beginning, and why says what was there to go on from besides. ok is false
// where the task should wait for another machine.
func (t Task) Begin(node artel.NodeID, class artel.Class, now int64) (from *Checkpoint, why string, ok bool) {
	waits := false
	for i := range t.Safe.Saved {
		c := &t.Safe.Saved[i]
		switch {
		case c.GivenUp:
			why = fmt.Sprintf("checkpoint %d cannot be restored", c.Segment.Saved.Generation)
		case slices.Contains(c.Stale, node):
			why = fmt.Sprintf("checkpoint %d cannot be restored here", c.Segment.Saved.Generation)
		case c.Segment.Saved.Kind == artel.CheckpointWhole && !class.Takes(c.Class):
			if waits = waits || now-t.since() < patienceFor(*c); waits {
				continue
			}
			why = fmt.Sprintf("no machine of its class came for checkpoint %d within %d min", c.Segment.Saved.Generation, (now-t.since())/60_000)
		case waits:
		default:
			return c, why, true
		}
	}
	if waits {
		return nil, "", false
	}
	if why != "" {
		why += ": it begins anew"
	}
	return nil, why, true
}

// Needs returns the class that a waiting task's next machine should be of; ok is
// false where any will do.
func (t Task) Needs(now int64) (class artel.Class, ok bool) {
	for _, c := range t.Safe.Saved {
		if c.GivenUp {
			continue
		}
		if c.Segment.Saved.Kind != artel.CheckpointWhole || now-t.since() >= patienceFor(c) {
			return class, false
		}
		return c.Class, true
	}
	return class, false
}

// PatientUntil is the unix ms until which a task waits for a machine that goes on from its
// newest checkpoint; 0: there is none.
func (t Task) PatientUntil() int64 {
	for _, c := range t.Safe.Saved {
		if !c.GivenUp {
			return t.since() + patienceFor(c)
		}
	}
	return 0
}

// since is the unix ms since which a task waits.
func (t Task) since() (at int64) {
	for _, a := range t.Attempts {
		at = max(at, a.Ended, a.Silent)
	}
	return at
}

// Begun notes what attempt n begins from, and who will hold what it saves: nobody
// where its lease does not pay by checkpoints.
func (t Task) Begun(n uint32, from *Checkpoint, why string, keepers []artel.Keeper) Task {
	t.Attempts = slices.Clone(t.Attempts)
	a := t.attempt(n)
	if a == nil {
		return t
	}
	a.Ran = Ran{Keeps: len(keepers) > 0, Why: why}
	if from != nil {
		a.Ran.From, a.Ran.Root, a.Ran.Host = from.Segment.Saved.Generation, from.Segment.Saved.Root, from.Node
		a.Ran.Done, a.Ran.Paid = from.Done, from.Paid
	}
	t.Safe.Keepers = slices.Clone(t.Safe.Keepers)
	for _, k := range keepers {
		t.Safe.Keepers = slices.DeleteFunc(t.Safe.Keepers, func(x artel.Keeper) bool { return x.Node == k.Node })
		t.Safe.Keepers = append(t.Safe.Keepers, k)
	}
	t.Safe.Keepers = t.Safe.Keepers[max(0, len(t.Safe.Keepers)-maxHolders):]
	return t
}

// Saved takes a confirmed checkpoint of attempt n, for which so much was added to the
// bill: it is paid for in any case, and remembered where the next attempt would go
// on from it. kept reports that.
func (j Job) Saved(t Task, n uint32, s artel.Segment, holders []artel.Keeper, class artel.Class, spent artel.Amount, now int64) (job Job, task Task, kept bool) {
	a := t.attempt(n)
	if a == nil {
		return j, t, false
	}
	t.Spent, j.Spent = t.Spent.Add(spent), j.Spent.Add(spent)
	t.Attempts = slices.Clone(t.Attempts)
	a = t.attempt(n)
	a.Ran.Spent = a.Ran.Spent.Add(spent)
	if s.Saved.Generation <= a.Ran.Gen {
		return j, t, false
	}
	t = t.regained(n, s.Saved.Wall-min(s.Saved.Wall, a.Ran.Saved))
	a.Ran.Saved, a.Ran.Gen, a.Ran.At = max(a.Ran.Saved, s.Saved.Wall), s.Saved.Generation, now
	if t.State == Done || t.State == Failed || t.State == Paying {
		return j, t, false
	}
	t, kept = t.remember(*a, s, holders, class, now)
	return j, t, kept
}

// Found takes a checkpoint of attempt n that a keeper holds and whose confirmation
// never came: its host died before. It earned nothing.
func (t Task) Found(n uint32, s artel.Segment, holders []artel.Keeper, class artel.Class, now int64) (task Task, kept bool) {
	a := t.attempt(n)
	if a == nil || t.State != Waiting && t.State != Out {
		return t, false
	}
	if s.Saved.Generation == a.Ran.Gen {
		if i := slices.IndexFunc(t.Safe.Saved, func(c Checkpoint) bool { return c.Segment.Saved.Root == s.Saved.Root }); i >= 0 {
			t.Safe.Saved = slices.Clone(t.Safe.Saved)
			t.Safe.Saved[i].Holders = join(t.Safe.Saved[i].Holders, holders)
			return t, false
		}
	}
	if s.Saved.Generation <= a.Ran.Gen || s.Saved.Generation <= a.Ran.From {
		return t, false
	}
	t.Attempts = slices.Clone(t.Attempts)
	a = t.attempt(n)
	more := s.Saved.Wall - min(s.Saved.Wall, a.Ran.Saved)
	a.Ran.Saved, a.Ran.Gen, a.Ran.At = a.Ran.Saved+more, s.Saved.Generation, now
	t = t.regained(n, more)
	return t.remember(*a, s, holders, class, now)
}

func join(a, b []artel.Keeper) []artel.Keeper {
	out := slices.Clone(a)
	for _, k := range b {
		if !slices.ContainsFunc(out, func(x artel.Keeper) bool { return x.Node == k.Node }) && len(out) < artel.MaxKeepers {
			out = append(out, k)
		}
	}
	return out
}

// remember puts a checkpoint of attempt a where it belongs.
func (t Task) remember(a Attempt, s artel.Segment, holders []artel.Keeper, class artel.Class, now int64) (Task, bool) {
	c := Checkpoint{
		Try: a.N, Node: a.Node, Class: class, Segment: s, Holders: holders, At: now,
		Done: a.Ran.Done + a.Ran.Saved, Paid: a.Ran.Paid.Add(a.Ran.Spent),
	}
	if s.Saved.Kind != artel.CheckpointWhole {
		c.Class = artel.Class{}
	}
	before := t.Safe.Saved
	if len(before) > 0 {
		switch newest := before[0]; {
		case a.N < newest.Try, a.N == newest.Try && s.Saved.Generation <= newest.Segment.Saved.Generation:
			return t, false
		case a.N > newest.Try:
			t = t.overtaken(a)
			// Keepers hold what it began from, and nothing else that is older.
			before = slices.DeleteFunc(slices.Clone(before), func(x Checkpoint) bool { return x.Segment.Saved.Root != a.Ran.Root })
		}
	}
	t.Safe.Saved = append([]Checkpoint{c}, before...)
	t.Safe.Saved = t.Safe.Saved[:min(len(t.Safe.Saved), generations)]
	return t, true
}

// overtaken counts what is lost for good when attempt a has got somewhere: what was
// saved beyond where it began.
func (t Task) overtaken(a Attempt) Task {
	if len(t.Safe.Saved) == 0 {
		return t
	}
	if newest := t.Safe.Saved[0]; newest.Try < a.N && a.Ran.Done < newest.Done {
		t.Safe.Lost += newest.Done - a.Ran.Done
		t.Safe.Paid = t.Safe.Paid.Add(newest.Paid.Sub(a.Ran.Paid))
	}
	return t
}

// delivered counts what is lost when attempt n has brought the result.
func (t Task) delivered(n uint32) Task {
	a := t.attempt(n)
	if a.Ran.Gen == 0 {
		t = t.overtaken(*a)
	}
	return t.regained(n, a.Ran.Lost)
}

// Wasted notes that attempt n is gone after it ran for so many ms, of which its
// checkpoints have some; so much was billed for the rest.
func (t Task) Wasted(n uint32, ran uint64, billed artel.Amount) Task {
	a := t.attempt(n)
	if a == nil || a.Ran.Lost != 0 {
		return t
	}
	t.Attempts = slices.Clone(t.Attempts)
	a = t.attempt(n)
	a.Ran.Lost = ran - min(ran, a.Ran.Saved)
	t.Safe.Lost += a.Ran.Lost
	t.Safe.Paid = t.Safe.Paid.Add(billed)
	return t
}

// regained takes back so many ms of what attempt n was thought to have lost: its
// host is there again, or a keeper has it. Called with Attempts cloned.
func (t Task) regained(n uint32, ms uint64) Task {
	a := t.attempt(n)
	ms = min(ms, a.Ran.Lost, t.Safe.Lost)
	a.Ran.Lost, t.Safe.Lost = a.Ran.Lost-ms, t.Safe.Lost-ms
	return t
}

// unfit notes, where attempt n could not go on from what it began from, or failed
// after it had, that the next one must not simply do the same.
func (t Task) unfit(n uint32, why artel.Reason, now int64) Task {
	a := t.attempt(n)
	if a == nil || len(t.Safe.Saved) == 0 {
		return t
	}
	t.Safe.Saved = slices.Clone(t.Safe.Saved)
	for i := range t.Safe.Saved {
		c := &t.Safe.Saved[i]
		began := a.Ran.Root == c.Segment.Saved.Root && a.Ran.From != 0
		switch {
		case why == artel.ReasonStale && began:
			if !slices.Contains(c.Stale, a.Node) {
				c.Stale = append(slices.Clip(c.Stale), a.Node)
			}
			c.GivenUp = c.GivenUp || len(c.Stale) >= staleAfter
		case why == artel.ReasonNoInput && began && a.Ran.Saved == 0:
			if c.Missed++; c.MissedAt == 0 {
				c.MissedAt = now
			}
			c.GivenUp = c.GivenUp || c.Missed >= missedAfter && now-c.MissedAt >= min(mostMissed, patienceFor(*c)/4)
		case (why.ProgramsFault() || why == artel.ReasonExited) && why != artel.ReasonTime && (began || c.Try == n):
			// A host can forge what it saves: the next try does not begin where this
			// one broke.
			c.GivenUp = true
			return t
		}
	}
	return t
}

// shifted moves the instants of a task's checkpoints; see Task.Shifted.
func (s Safe) shifted(ms int64) Safe {
	s.Saved = slices.Clone(s.Saved)
	for i := range s.Saved {
		c := &s.Saved[i]
		c.At += ms
		if c.MissedAt != 0 {
			c.MissedAt += ms
		}
	}
	return s
}
