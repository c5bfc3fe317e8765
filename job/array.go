package job

import (
	"cmp"
	"math"
	"slices"

	"github.com/artel-network/artel"
)

// Bounds of how an array is handed out.
const (
	paceKept  = 256      // finished siblings whose times count, the newest
	siblings  = 3        // finished siblings from which on a time is typical; in small jobs, half of all
	copyShare = 20       // at most one in so many elements has a copy at once, and one in any case
	copyGain  = 1.5      // an attempt has so many times as long to go as its copy would take
	spread    = 1.25     // and has taken so much longer than nine in ten of its siblings
	hanging   = 8.0      // taking so much longer is hanging: nobody waits for the work's end then
	sitOut    = 2.0      // a host sits out that would take so many times as long as waiting for another one
	reference = 1000.0   // the speed of artel's reference machine
	shortTask = 200.0    // ms; shorter ones wait three deep for a slot
	quickTask = 10_000.0 // ms; shorter ones wait one deep
)

// Pace is what the elements of a job have taken so far, from being handed out to
// their receipts, by the renter's own clock: as it was, with the hosts' speeds taken
// off, and host by host. It is not stored: who comes back learns it anew from the
// tasks.
type Pace struct {
	took, work figures
	n          uint64
	hosts      map[artel.NodeID]hostPace
}

type hostPace struct{ n, sum float64 }

// figures are the newest of many.
type figures struct {
	kept   []float64
	sorted []float64 // nil: to be made
	next   int
}

func (f *figures) add(x float64) {
	f.sorted = nil
	if len(f.kept) < paceKept {
		f.kept = append(f.kept, x)
		return
	}
	f.kept[f.next] = x
	f.next = (f.next + 1) % paceKept
}

// at is the figure below which a share q of them is; 0: there is none.
func (f *figures) at(q float64) float64 {
	if len(f.kept) == 0 {
		return 0
	}
	if f.sorted == nil {
		f.sorted = slices.Sorted(slices.Values(f.kept))
	}
	return f.sorted[min(int(q*float64(len(f.sorted))), len(f.sorted)-1)]
}

// Took notes that a host of some speed (1000 is the reference machine's) took ms for
// an element.
func (p *Pace) Took(n artel.NodeID, ms int64, speed float64) {
	if ms < 1 || speed <= 0 {
		return
	}
	if p.hosts == nil {
		p.hosts = map[artel.NodeID]hostPace{}
	}
	h := p.hosts[n]
	p.hosts[n] = hostPace{h.n + 1, h.sum + float64(ms)}
	p.n++
	p.took.add(float64(ms))
	p.work.add(float64(ms) * speed / reference)
}

// Typical is what half of the elements took at most, in ms; 0: none is done.
func (p *Pace) Typical() float64 { return p.took.at(0.5) }

// on is the time within which a share q of the elements would be done on a host of
// some speed, in ms.
func (p *Pace) on(speed, q float64) float64 {
	if speed <= 0 {
		speed = reference
	}
	return p.work.at(q) * reference / speed
}

// known reports whether enough siblings are done to say what is typical of a job of
// count elements.
func (p *Pace) known(count uint64) bool { return p.n >= siblings || p.n > 0 && p.n*2 >= count }

// Expect is how long an element takes on a host: as long as its earlier ones did, or
// what its speed makes of what is typical. 0: nothing is known.
func (p *Pace) Expect(n artel.NodeID, speed float64) float64 {
	if h := p.hosts[n]; h.n > 0 {
		return h.sum / h.n
	}
	return p.on(speed, 0.5)
}

// Running is an attempt that is out and not fenced.
type Running struct {
	Index uint64
	N     uint32
	Node  artel.NodeID
	For   int64   // ms since it was handed out
	Speed float64 // of its host
}

// Left estimates how many ms an attempt will take yet: what is missing to its
// expected time, and beyond that the more the longer it has been out, for who is
// late for no known reason will be as late again.
func (p *Pace) Left(x Running) float64 {
	e, want := float64(x.For), p.Expect(x.Node, x.Speed)
	switch {
	case e <= want:
		return want - e
	case e < 2*want:
		return 2 * (e - want)
	}
	return e
}

// Hangs reports whether an attempt has taken so many times what its host, and what
// nearly all of its siblings, took that it seems not to get on at all.
func (p *Pace) Hangs(x Running) bool {
	e := float64(x.For)
	return p.n > 0 && e > hanging*p.Expect(x.Node, x.Speed) && e > hanging*p.took.at(0.9) && e > hanging*p.on(x.Speed, 0.9)
}

// late reports whether an attempt has taken longer than nearly all of its siblings
// did, its host's speed taken off, or is on a host that is slow.
func (p *Pace) late(x Running) bool {
	e, want := float64(x.For), p.Expect(x.Node, x.Speed)
	return e <= want || e > spread*p.on(x.Speed, 0.9)
}

// Stragglers lists the attempts of which a copy may be started now, the one that
// has longest to go first. It is LATE's rule (Zaharia et al., "Improving MapReduce
// Performance in Heterogeneous Environments", OSDI 2008), with what finished
// siblings took in the place of a task's own progress: when nothing waits any more,
// what will end last is copied, at most one element in twenty at once. What of it a
// host is fast enough for, Gains says.
//
// out is all that runs of the job, waiting how many elements wait for a slot.
// A task with checkpoints is not copied: what it has done would be lost, and is safe.
// Without finished siblings nobody is late, unless the deadline is so near that an
// element whose host vanishes now could not be made up for.
func (j Job) Stragglers(p *Pace, out []Running, waiting int, now int64) []Running {
	if j.Phase != Active || j.Halted != 0 || j.Spec.Once || j.Spec.Survival.Wanted() {
		return nil
	}
	live := map[uint64]int{}
	for _, x := range out {
		live[x.Index]++
	}
	may := int(max(1, j.Spec.Count/copyShare))
	for _, n := range live {
		if n > 1 {
			may--
		}
	}
	if may <= 0 {
		return nil
	}
	known := p.known(j.Spec.Count)
	var late []Running
	for _, x := range out {
		switch {
		case live[x.Index] > 1:
		case waiting > 0:
			if known && p.Hangs(x) {
				late = append(late, x)
			}
		case j.presses(p, x, now):
			late = append(late, x)
		case known && p.late(x) && p.Left(x) > copyGain*p.Typical():
			late = append(late, x)
		}
	}
	slices.SortStableFunc(late, func(x, y Running) int {
		return cmp.Or(cmp.Compare(p.Left(y), p.Left(x)), cmp.Compare(y.For, x.For), cmp.Compare(x.Index, y.Index))
	})
	return late[:min(len(late), may)]
}

// presses reports whether an element is to be had twice because of the deadline: by
// its siblings it will not be done in time, or, where there are none, a second start
// from now on might come too late.
func (j Job) presses(p *Pace, x Running, now int64) bool {
	left := float64(j.Spec.Deadline - now)
	switch {
	case j.Spec.Deadline == 0 || left <= 0:
		return false
	case p.known(j.Spec.Count):
		return p.Left(x) > left
	}
	return left <= float64(j.Spec.Wall)
}

// Gains reports whether a copy on a host would be through so much before the attempt
// that it is worth its price.
func (j Job) Gains(p *Pace, x Running, n artel.NodeID, speed float64, now int64) bool {
	if n == x.Node {
		return false
	}
	if !p.known(j.Spec.Count) {
		return true // nobody can tell
	}
	takes, left := p.Expect(n, speed), p.Left(x)
	if by := float64(j.Spec.Deadline - now); j.Spec.Deadline != 0 && left > by {
		return takes <= by
	}
	return takes*copyGain < left
}

// Copy hands a second attempt of a task that is out to another lease. As with
// Dispatch, the caller stores this BEFORE it asks the provider. ok is false where
// the task has no need or no room for one.
func (j Job) Copy(t Task, lease artel.Hash, node artel.NodeID, now int64) (task Task, a Attempt, ok bool) {
	live := 0
	for _, a := range t.Attempts {
		if a.Ended == 0 && !a.Fenced {
			live++
		}
		if a.Ended == 0 && a.Node == node {
			return t, a, false
		}
	}
	if t.State != Out || live != 1 || t.tries() >= MaxAttempts || len(t.Safe.Saved) > 0 {
		return t, a, false // keepers would hold the checkpoints of one of them only
	}
	t, a = j.Dispatch(t, lease, node, now)
	t.Attempts[len(t.Attempts)-1].Copy, a.Copy = true, true
	return t, a, true
}

// maxTaken is how often a task may be taken back: a host that says for ever that it
// has no slot must not keep it.
const maxTaken = 8

// TakeBack frees a task for another host that its own one has had no slot for yet.
// Should it have begun meanwhile, what it delivers still counts if it comes first.
func (j Job) TakeBack(t Task, n uint32, now int64) (task Task, ok bool) {
	a := t.attempt(n)
	if a == nil || t.State != Out || a.Fenced || a.Ended != 0 || t.Lives(n) || len(t.Attempts)-t.tried() >= maxTaken {
		return t, false
	}
	t.Attempts = slices.Clone(t.Attempts)
	a = t.attempt(n)
	a.Fenced, a.Taken, a.Silent, a.Message = true, true, now, "taken back before it had begun, for a host with a free slot"
	t.State = Waiting
	return t, true
}

// Guide says how many elements may wait at a host for its slots.
type Guide struct {
	Waiting int     // elements that nobody has yet
	Slots   int     // of all hosts
	Mean    float64 // ms that an element takes, on average over them
}

// Ahead is for how many attempts a host of so many slots may have beyond them, when
// its own take mean ms each. Else a slot rests for as long as the news of its last
// element travels.
//
// It is guided self-scheduling (Polychronopoulos & Kuck 1987, IEEE Trans. Comput.
// C-36(12)) with half the chunk, and in proportion to speed: a slot gets at most
// waiting ÷ (2 × slots) ahead, so that queues shrink to nothing before the work
// ends. What takes long enough for the news not to matter never waits: it would do
// so while another machine has room.
func (g Guide) Ahead(slots uint32, mean float64) int {
	depth := 0.0
	switch {
	case mean <= 0:
		return 0
	case mean < shortTask:
		depth = 3
	case mean < quickTask:
		depth = 1
	}
	share := float64(g.Waiting) / (2 * float64(max(g.Slots, 1)))
	if g.Mean > 0 && mean > g.Mean {
		share *= g.Mean / mean
	}
	return int(math.Min(math.Min(depth, share)*float64(slots), 64))
}

// SitsOut reports whether a host should get nothing although it has a slot: its
// element would be the last one by far. others are the attempts of the job that run
// elsewhere, waiting the elements that wait: those who are twice as fast would have
// done them all, and this one, in less than half the time.
func (p *Pace) SitsOut(n artel.NodeID, speed float64, others []Running, waiting int) bool {
	typical, takes := p.Typical(), p.Expect(n, speed)
	if typical == 0 || takes < 2*typical {
		return false
	}
	fast := 0
	for _, x := range others {
		if x.Node != n && 2*p.Expect(x.Node, x.Speed) <= takes {
			fast++
		}
	}
	return fast > 0 && takes > sitOut*typical*(float64(waiting)/float64(fast)+1)
}
