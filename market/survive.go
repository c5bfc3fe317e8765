package market

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
)

// Up is what is known of how long a machine stays.
type Up struct {
	Age time.Duration   // since when it is up
	Ups []time.Duration // uptimes that this renter saw end
}

// maxUps is how many uptimes of a node are remembered.
const maxUps = 16

// Here notes that a node was there at the unix second now.
func (r Record) Here(now uint64) Record {
	if r.Since == 0 {
		r.Since = now
	}
	return r
}

// Gone notes that a node has vanished. One that went as announced has not: that says
// nothing of when it will vanish.
func (r Record) Gone(announced bool, now uint64) Record {
	if up := ago(r.Since, now); r.Since != 0 && up > 0 && !announced {
		r.Ups = append(slices.Clip(r.Ups), up)
		r.Ups = r.Ups[max(0, len(r.Ups)-maxUps):]
	}
	r.Since = 0
	return r
}

// Up is what a record and an offer say of a machine's stay. Its word counts up to a
// day, or where it is against it; beyond that counts what was seen.
func (r Record) Up(o artel.Offer, now uint64) Up {
	age := min(ago(o.UpSince, now), maxUp)
	if r.Since != 0 && o.UpSince <= r.Since {
		age = max(age, ago(r.Since, now))
	}
	u := Up{Age: time.Duration(age) * time.Second}
	for _, s := range r.Ups {
		u.Ups = append(u.Ups, time.Duration(min(s, 1<<32))*time.Second)
	}
	return u
}

// long is from how many ms on a task's chance is that of its machine to stay, by
// Stay; shorter ones go by Lindy's law.
const long = 10 * 60 * 1000

// success is the chance that a machine brings home what takes ms milliseconds.
func (h History) success(r Record, o artel.Offer, ms, now uint64) float64 {
	if h.Stay == nil || ms < long {
		return r.Success(o, ms, now)
	}
	return max(r.trust(ms, now)*h.Stay(r.Up(o, now), time.Duration(min(ms, 1<<50))*time.Millisecond), 0.001)
}

// exposed is for how many ms of work a machine must stay for a task of ms to come
// through: to its end, or to the next checkpoint.
func exposed(j artel.JobSpec, o artel.Offer, ms uint64) uint64 {
	if j.Saves(o.Moves) == artel.CheckpointNone {
		return ms
	}
	return min(ms, j.Survival.Max)
}

// unsafe is how many times dearer a machine counts that cannot save what its renter
// would have saved.
const unsafe = 2

// Keepers returns machines that hold checkpoints of others, those that stay longest
// first, one of each account before the second of any.
func Keepers(offers []Listing, h History, now uint64) []Listing {
	type keeper struct {
		Listing
		stay float64
		nth  int // of its account
	}
	var ks []keeper
	for _, l := range offers {
		rec := h.Nodes[l.Offer.Node]
		if l.Offer.Keeps == 0 || rec.Rest(now) > 0 {
			continue
		}
		k := keeper{Listing: l}
		if up := rec.Up(l.Offer, now); h.Stay != nil {
			k.stay = h.Stay(up, keepFor)
		} else {
			k.stay = up.Age.Hours() / (up.Age + keepFor).Hours()
		}
		ks = append(ks, k)
	}
	slices.SortFunc(ks, func(a, b keeper) int {
		return cmp.Or(cmp.Compare(b.stay, a.stay), bytes.Compare(a.Offer.Node[:], b.Offer.Node[:]))
	})
	nth := map[artel.Address]int{}
	for i := range ks {
		ks[i].nth = nth[ks[i].Owner]
		nth[ks[i].Owner]++
	}
	slices.SortStableFunc(ks, func(a, b keeper) int { return cmp.Compare(min(a.nth, 8), min(b.nth, 8)) })
	out := make([]Listing, len(ks))
	for i, k := range ks {
		out[i] = k.Listing
	}
	return out
}

// keepFor is the time for which keepers are compared.
const keepFor = time.Hour

// ranked is how many of the cheapest offers are ranked by what was seen of them.
const ranked = 256

// Best returns at most n live offers that suit a job and q, ranked by what was seen
// of their machines, the best first.
func (x *Index) Best(j artel.JobSpec, q Query, h History, n int, now uint64) []Listing {
	q.Limit = max(n, ranked)
	all := Rank(j, x.Query(q, now), h, now)
	out := make([]Listing, 0, min(len(all), n))
	for _, c := range all[:min(len(all), n)] {
		out = append(out, c.Listing)
	}
	return out
}

// BestKeepers returns at most n live offers that hold checkpoints of others, those
// that stay longest first.
func (x *Index) BestKeepers(h History, n int, now uint64) []Listing {
	all := Keepers(x.Keepers(max(n, ranked), now), h, now)
	return all[:min(len(all), n)]
}

// Keepers returns at most n live offers that hold checkpoints of others, cheap ones
// first.
func (x *Index) Keepers(n int, now uint64) []Listing {
	x.Expire(now)
	var out []Listing
	seen := map[Machine]bool{}
	for _, word := range slices.Sorted(maps.Keys(x.buckets)) {
		x.buckets[word].walk(func(run []slot) bool {
			for i := range run {
				e := run[i].entry
				if !e.dead && e.Offer.Keeps > 0 && plus(e.Offer.Expires, x.policy.Skew) > now && !seen[e.Machine()] {
					seen[e.Machine()] = true
					out = append(out, e.Listing)
				}
				if len(out) >= n {
					return false
				}
			}
			return true
		})
	}
	return out
}
