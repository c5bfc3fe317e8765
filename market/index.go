package market

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unique"

	"github.com/artel-network/artel"
)

// Errors of Put.
var (
	ErrOld      = errors.New("an older offer of this machine")
	ErrConflict = errors.New("another offer of this machine has the same number")
	ErrRate     = errors.New("this machine announces too often")
	ErrShare    = errors.New("this account or node lists as many machines as it may")
	ErrFull     = errors.New("the index is full")
)

// Index holds one live offer per machine. It is not safe for concurrent use,
// queries included: whoever holds it locks.
//
// A machine keeps its record, and its place in its owner's share, for
// artel.MaxOfferTTL after its last offer was issued, so that an older offer
// that is still unexpired cannot be replayed once a newer one has expired.
type Index struct {
	policy   Policy
	machines map[Machine]*record
	nodes    map[artel.NodeID][]*record
	owners   map[artel.Address]*owner
	crowds   [2]crowd // unsecured, secured
	buckets  map[string]*bucket
	due      map[uint64][]*record // by minute: when to look at a record again
	swept    uint64               // the last minute looked at
	live     int
}

// record is what is remembered of a machine.
type record struct {
	machine Machine
	seq     uint64
	id      artel.Hash
	until   uint64 // unix second when it is forgotten
	tat     uint64 // when its rate allows the next offer, the burst aside
	owner   *owner
	pos     int    // in the owner's records
	entry   *entry // nil once the offer expired
}

// NewIndex returns an empty index under a policy.
func NewIndex(p Policy) *Index {
	return &Index{
		policy:   p,
		machines: map[Machine]*record{},
		nodes:    map[artel.NodeID][]*record{},
		owners:   map[artel.Address]*owner{},
		buckets:  map[string]*bucket{},
		due:      map[uint64][]*record{},
	}
}

// Policy returns the policy it was made with.
func (x *Index) Policy() Policy { return x.policy }

// Len returns the number of live offers, as of the last Put, Expire or Query.
func (x *Index) Len() int { return x.live }

// Get returns a machine's live offer.
func (x *Index) Get(m Machine, now uint64) (Listing, bool) {
	r := x.machines[m]
	if r == nil || r.entry == nil || !x.alive(&r.entry.Offer, now) {
		return Listing{}, false
	}
	return r.entry.Listing, true
}

func (x *Index) alive(o *artel.Offer, now uint64) bool { return plus(o.Expires, x.policy.Skew) > now }

// Put lists an offer that Admit accepted. It reports whether anything changed:
// the same offer again changes nothing. What it refuses it leaves as it was,
// with ErrOld, ErrConflict, ErrRate, ErrShare or ErrFull.
func (x *Index) Put(l Listing, now uint64) (changed bool, err error) {
	x.Expire(now)
	m := l.Machine()
	r := x.machines[m]
	if err := x.refuse(l, r, now); err != nil {
		return false, fmt.Errorf("list offer %d of node %s: %w", l.Offer.Seq, l.Offer.Node.Short(), err)
	}
	if r != nil && r.seq == l.Offer.Seq && (r.entry != nil || !x.alive(&l.Offer, now)) {
		return false, nil
	} // else a clock that was fast has let it expire
	if r == nil {
		if len(x.machines) >= x.policy.Total {
			x.forget(x.victim(x.held(l.Owner), l.Secured)) // refuse saw to it that there is one
		}
		r = &record{machine: m}
		x.machines[m] = r
		x.nodes[m.Node] = append(x.nodes[m.Node], r)
		x.give(r, l.Owner, l.Secured)
	} else if r.owner.address != l.Owner || r.owner.secured != l.Secured {
		x.take(r)
		x.give(r, l.Owner, l.Secured)
	}
	r.seq, r.id = l.Offer.Seq, l.ID
	if r.tat > x.fullest(now) {
		r.tat = now // by a clock that was fast
	}
	r.tat = plus(max(r.tat, now), x.policy.Interval)
	r.until = max(plus(l.Offer.Expires, x.policy.Skew), plus(l.Offer.Issued, artel.MaxOfferTTL+x.policy.Skew))
	x.place(r, l)
	x.look(r, plus(l.Offer.Expires, x.policy.Skew))
	return true, nil
}

// refuse says why l may not enter; nil also for the offer that is there already.
func (x *Index) refuse(l Listing, r *record, now uint64) error {
	if r != nil {
		switch {
		case l.Offer.Seq < r.seq:
			return fmt.Errorf("%w: %d was seen", ErrOld, r.seq)
		case l.Offer.Seq == r.seq && l.ID != r.id:
			return ErrConflict
		case l.Offer.Seq == r.seq:
			return nil
		case !x.mayAnnounce(r, now):
			return fmt.Errorf("%w: once in %d s", ErrRate, x.policy.Interval)
		case r.owner.address != l.Owner && x.held(l.Owner) >= x.policy.PerAccount:
			return ErrShare
		}
		return nil
	}
	switch {
	case x.held(l.Owner) >= x.policy.PerAccount || len(x.nodes[l.Offer.Node]) >= x.policy.PerNode:
		return ErrShare
	case len(x.machines) >= x.policy.Total && x.victim(x.held(l.Owner), l.Secured) == nil:
		return ErrFull
	}
	return nil
}

// mayAnnounce is a token bucket of policy.Burst tokens, one more each Interval.
func (x *Index) mayAnnounce(r *record, now uint64) bool {
	grace := x.policy.Interval * (max(x.policy.Burst, 1) - 1)
	return r.tat <= plus(now, grace) || r.tat > x.fullest(now)
}

// fullest is the latest tat that offers which came by now can have led to.
func (x *Index) fullest(now uint64) uint64 {
	return plus(now, x.policy.Interval*max(x.policy.Burst, 1))
}

func (x *Index) held(a artel.Address) int {
	if o := x.owners[a]; o != nil {
		return len(o.records)
	}
	return 0
}

// place makes l the record's live offer, in place where no slot changes.
func (x *Index) place(r *record, l Listing) {
	l.Offer.Region = unique.Make(l.Offer.Region).Value()
	l.Offer.Sandboxes = slices.Clone(l.Offer.Sandboxes)
	for i, s := range l.Offer.Sandboxes {
		l.Offer.Sandboxes[i] = unique.Make(s).Value()
	}
	if r.entry != nil && sameSlots(&r.entry.Offer, &l.Offer) {
		r.entry.Listing = l
		return
	}
	x.withdraw(r)
	e := &entry{Listing: l}
	r.entry = e
	x.live++
	for i, s := range l.Offer.Sandboxes {
		if slices.Contains(l.Offer.Sandboxes[:i], s) {
			continue
		}
		b := x.buckets[s]
		if b == nil {
			b = &bucket{}
			x.buckets[s] = b
		}
		b.add(slotOf(e))
	}
}

// withdraw takes the record's live offer, if any, out of the buckets.
func (x *Index) withdraw(r *record) {
	e := r.entry
	if e == nil {
		return
	}
	e.dead, r.entry = true, nil
	x.live--
	for i, s := range e.Offer.Sandboxes {
		if slices.Contains(e.Offer.Sandboxes[:i], s) {
			continue
		}
		b := x.buckets[s]
		if b.died(); b.len() == 0 {
			delete(x.buckets, s) // words are a stranger's: keep none
		}
	}
}

// forget drops a machine altogether.
func (x *Index) forget(r *record) {
	x.withdraw(r)
	x.take(r)
	delete(x.machines, r.machine)
	rest := slices.DeleteFunc(x.nodes[r.machine.Node], func(o *record) bool { return o == r })
	if len(rest) == 0 {
		delete(x.nodes, r.machine.Node)
	} else {
		x.nodes[r.machine.Node] = rest
	}
}

// look asks for a record to be looked at when second t has passed.
func (x *Index) look(r *record, t uint64) {
	minute := max(t/60, x.swept) + 1 // a clock that went back must not hide it in a minute already swept
	x.due[minute] = append(x.due[minute], r)
}

// Expire takes out what has expired by the unix second now and returns how many
// live offers that were. Put and Query call it; each minute is swept once.
func (x *Index) Expire(now uint64) int {
	minute, before := now/60, x.live
	if x.swept == 0 || minute > x.swept+uint64(len(x.due)) {
		for _, m := range slices.Sorted(maps.Keys(x.due)) { // the clock jumped: go by what there is
			if m <= minute {
				x.sweep(m, now)
			}
		}
		x.swept = max(x.swept, minute)
	}
	for x.swept < minute {
		x.swept++
		x.sweep(x.swept, now)
	}
	return before - x.live
}

func (x *Index) sweep(minute, now uint64) {
	list := x.due[minute]
	delete(x.due, minute)
	for _, r := range list {
		switch {
		case x.machines[r.machine] != r: // forgotten before
		case r.until <= now:
			x.forget(r)
		case r.entry != nil && !x.alive(&r.entry.Offer, now):
			x.withdraw(r)
			x.look(r, r.until)
		}
	}
}

// Query returns the live offers that suit q, by EffectivePrice, the best first.
func (x *Index) Query(q Query, now uint64) []Listing {
	x.Expire(now)
	f := q.filter()
	var out []Listing
	take := func(e *entry) bool {
		out = append(out, e.Listing)
		return q.Limit == 0 || len(out) < q.Limit
	}
	if q.Sandbox == "" || len(q.Providers) != 0 {
		for _, e := range x.gather(q) {
			s := slotOf(e)
			if f.may(&s) && f.does(e, now, x.policy.Skew) && (q.Sandbox == "" || slices.Contains(e.Offer.Sandboxes, q.Sandbox)) && !take(e) {
				break
			}
		}
		return out
	}
	if b := x.buckets[q.Sandbox]; b != nil {
		b.walk(func(run []slot) bool {
			for i := range run {
				if s := &run[i]; f.may(s) && f.does(s.entry, now, x.policy.Skew) && !take(s.entry) {
					return false
				}
			}
			return true
		})
	}
	return out
}

// gather returns the live entries of the named providers, or all, in order.
func (x *Index) gather(q Query) []*entry {
	var list []*entry
	add := func(r *record) {
		if r.entry != nil {
			list = append(list, r.entry)
		}
	}
	if len(q.Providers) != 0 {
		seen := map[artel.NodeID]bool{}
		for _, n := range q.Providers {
			if !seen[n] {
				seen[n] = true
				for _, r := range x.nodes[n] {
					add(r)
				}
			}
		}
	} else {
		for _, r := range x.machines {
			add(r)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int {
		if before(EffectivePrice(a.Offer), &a.Offer, EffectivePrice(b.Offer), &b.Offer) {
			return -1
		}
		return 1
	})
	return list
}
