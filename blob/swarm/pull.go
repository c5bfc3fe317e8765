package swarm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

const (
	// maxMet is how many nodes one Fetch ever tries, maxHearsay how many of them
	// because others named them: a crowd of strangers leaves room for who comes.
	maxMet     = 128
	maxHearsay = 96
	// maxFails is how often in a row a node may fail before it is given up.
	maxFails = 5
	// sample is how many leaves are looked at for the rarest.
	sample = 64
	// crawl is the rate in bytes per second below which a link is slow, whatever
	// the others are: a leaf would take longer than Config.Idle.
	crawl = 16 << 10
	// beat is how often a Fetch looks for what is late.
	beat = 250 * time.Millisecond
)

// pull is the state of one Fetch whose graph is known. A leaf is
//
//	free ──ask──▶ on its way ──comes──▶ got ──keeper──▶ in share.have
//	  ▲               │
//	  └───late, absent, elsewhere, link gone
//
// A leaf that is late is free and on its way at once: it may be asked for on
// another link, and the first to come is kept.
type pull struct {
	s     *Swarm
	share *share
	graph *graph
	opts  Options
	keep  chan arrival

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there may be more to ask for
	free    set
	got     set
	flying  []uint8 // links that a leaf is on its way on
	avail   []uint8 // links that have it
	links   map[artel.NodeID]*link
	met     map[artel.NodeID]*candidate
	left    int   // leaves that are not in share.have
	heard   int   // candidates by hearsay
	bytes   int64 // of what is kept, against the limit
	gain    time.Time
	rng     *rand.Rand
	err     error
	stop    context.CancelFunc
}

// candidate is a node that may have leaves.
type candidate struct {
	contact
	rank  rank
	fails int
	next  time.Time
	final error // it is not asked again
	last  error
}

// rank says how a candidate is known.
type rank int

const (
	hearsay rank = iota // another peer named it
	came                // it opened a stream to this node
	named               // the caller of Fetch named it
)

// arrival is a leaf whose hash was compared.
type arrival struct {
	leaf int
	data []byte
}

// wake lets links look for something to ask. The caller holds mu.
func (p *pull) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// fail ends the Fetch.
func (p *pull) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.stop()
}

// meet learns of a node that opened a stream to this one. It is alive, so it
// gets another chance if it was given up, but not sooner than its turn.
func (p *pull) meet(c contact) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learn(c, came)
	if m := p.met[c.id]; m != nil {
		m.fails = min(m.fails, maxFails-1)
	}
}

// learn adds a candidate, or where one can be dialled. The caller holds mu.
func (p *pull) learn(c contact, r rank) {
	if m := p.met[c.id]; m != nil {
		m.rank = max(m.rank, r)
		if len(c.addrs) > 0 && (r == came || m.rank == hearsay) {
			m.addrs = c.addrs
		}
		return
	}
	if c.id == p.s.cfg.Self || len(p.met) >= maxMet || r == hearsay && p.heard >= maxHearsay || p.share.outcast(c.id) {
		return
	}
	if r == hearsay {
		p.heard++
	}
	p.met[c.id] = &candidate{contact: c, rank: r}
}

// due lists candidates to link to now: first those who are known best. Half of
// the links at most are tried on hearsay, or a crowd of strangers that do not
// answer would keep out those who do.
func (p *pull) due() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []*candidate
	now := time.Now()
	for id, c := range p.met {
		if _, linked := p.links[id]; !linked && c.final == nil && c.fails < maxFails && !now.Before(c.next) {
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.fails, b.fails), bytes.Compare(a.id[:], b.id[:]))
	})
	tried := 0
	for id, l := range p.links {
		if !l.welcomed && p.met[id].rank == hearsay {
			tried++
		}
	}
	var out []*link
	for _, c := range due {
		if len(p.links) >= p.s.cfg.Links {
			break
		}
		opening := p.s.cfg.Idle
		if c.rank == hearsay {
			if opening = min(opening, 2*p.s.cfg.Patience); tried >= (p.s.cfg.Links+1)/2 {
				break
			}
			tried++
		}
		l := &link{p: p, peer: c.id, addrs: c.addrs, opening: opening, last: now, window: 2,
			has: newSet(len(p.graph.leaves)), skip: newSet(len(p.graph.leaves)),
			began: now, pending: map[int]time.Time{}, deferred: map[int]deferral{}, leads: map[int]int{}}
		p.links[c.id] = l
		out = append(out, l)
	}
	return out
}

// ended takes a link out. What was on its way on it is free again.
func (p *pull) ended(l *link, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l.peer)
	l.has.each(func(i int) { p.avail[i]-- })
	for i := range l.pending {
		p.landed(l, i)
	}
	p.failed(p.met[l.peer], err, l.served)
	p.wake()
}

// failed notes why a candidate did. The caller holds mu.
func (p *pull) failed(c *candidate, err error, served bool) {
	c.last = err
	if served {
		c.fails = 0
	}
	c.fails++
	c.next = time.Now().Add(beat << c.fails)
	var refusal *blob.Refusal
	switch {
	case errors.Is(err, blob.ErrMismatch), errors.Is(err, blob.ErrProtocol):
		c.final = err
	case errors.As(err, &refusal) && (refusal.Code == blob.CodeForbidden || refusal.Code == blob.CodeVersion):
		c.final = err
	}
}

// landed notes that leaf i is not on its way on l any more. The caller holds mu.
func (p *pull) landed(l *link, i int) {
	delete(l.pending, i)
	l.skip.drop(i)
	if p.flying[i]--; p.flying[i] == 0 && !p.got.has(i) {
		p.free.add(i)
	}
}

// pick chooses what to ask on l now.
func (p *pull) pick(l *link) (wants []int, insists []deferral) {
	room := min(l.window, p.s.cfg.Window) - len(l.pending)
	now := time.Now()
	if room <= 0 || l.stalled(now) {
		return nil, nil
	}
	ask := func(i int) {
		p.free.drop(i)
		p.flying[i]++
		l.pending[i] = now
		l.skip.add(i)
		room--
	}
	later := l.urgent[:0]
	for _, d := range l.urgent {
		switch {
		case p.got.has(d.leaf):
			l.skip.drop(d.leaf)
		case room > 0 && p.free.has(d.leaf):
			ask(d.leaf)
			insists = append(insists, d)
		default:
			later = append(later, d)
		}
	}
	l.urgent = later
	for room > 0 {
		found := p.rarest(l, room)
		for _, i := range found {
			ask(i)
		}
		wants = append(wants, found...)
		if len(found) == 0 {
			break
		}
	}
	if len(l.pending) == len(wants)+len(insists) && len(l.pending) > 0 {
		l.last = now // the wait begins
	}
	return wants, insists
}

// rarest returns up to n leaves that l has and nobody is asked for, of a sample
// those that the fewest links have.
func (p *pull) rarest(l *link, n int) []int {
	words := len(p.free)
	var out []int
	for k, start := 0, p.rng.IntN(words); k < words && len(out) < sample; k++ {
		at := (start + k) % words
		for w := p.free[at] & l.has[at] &^ l.skip[at]; w != 0; w &= w - 1 {
			out = append(out, at*64+bits.TrailingZeros64(w))
		}
	}
	p.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(p.avail[a], p.avail[b]) })
	return out[:min(n, len(out))]
}

// look finds what is late: leaves on their way, leaves that a source leads to
// others for, links that say nothing. It returns an error when nothing is left
// to hope for.
func (p *pull) look() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, l := range p.links {
		allowed := p.s.cfg.Idle
		if !l.welcomed {
			allowed = l.opening
		}
		if now.Sub(l.last) > allowed && (len(l.pending) > 0 || !l.welcomed) {
			l.drop(fmt.Errorf("%w for %v", errSilent, allowed))
			continue
		}
		l.gauge()
		for i, asked := range l.pending {
			if now.Sub(asked) > p.s.cfg.Patience && !p.got.has(i) && p.late(l, i, now) {
				p.free.add(i) // for the others
			}
		}
		for i, d := range l.deferred {
			if p.got.has(i) {
				delete(l.deferred, i)
				l.skip.drop(i)
			} else if p.unserved(l, d, now) {
				delete(l.deferred, i)
				l.urgent = append(l.urgent, d)
			}
		}
	}
	p.wake()
	if now.Sub(p.gain) > 2*p.s.cfg.Idle {
		return fmt.Errorf("nothing came for %v, %d leaves are missing%w", 2*p.s.cfg.Idle, p.left, p.blame())
	}
	for _, c := range p.met {
		if _, linked := p.links[c.id]; linked || c.final == nil && c.fails < maxFails {
			return nil
		}
	}
	return fmt.Errorf("no peer is left, %d leaves are missing%w", p.left, p.blame())
}

// late says that leaf i is better asked for on another link than awaited on l.
// The caller holds mu.
func (p *pull) late(l *link, i int, now time.Time) bool {
	if l.stalled(now) {
		return true
	}
	for _, o := range p.links {
		if o != l && o.has.has(i) && !o.stalled(now) && l.slow(o) {
			return true
		}
	}
	return false
}

// mute is how long a peer that has not said a word yet may be waited for: one that has
// died a moment ago is still named by those who knew it.
const mute = 500 * time.Millisecond

// unserved says that leaf d.leaf will not come from where l led to, nor from
// another link. The caller holds mu.
func (p *pull) unserved(l *link, d deferral, now time.Time) bool {
	if p.flying[d.leaf] > 0 && !p.free.has(d.leaf) {
		return false
	}
	for _, o := range p.links {
		if _, led := o.deferred[d.leaf]; o != l && !led && o.has.has(d.leaf) && !o.stalled(now) && !o.slow(l) {
			return false
		}
	}
	if o := p.links[d.holder]; o != nil && !o.welcomed && now.Sub(o.began) > mute {
		return true
	}
	c := p.met[d.holder]
	if d.holder != (artel.NodeID{}) && (c == nil || c.final != nil || c.fails >= maxFails) {
		return true
	}
	return now.After(d.until)
}

// blame joins what the candidates failed with. The caller holds mu.
func (p *pull) blame() error {
	var errs []error
	for _, c := range p.met {
		if c.last != nil && len(errs) < 4 {
			errs = append(errs, fmt.Errorf("%s: %w", c.id.Short(), c.last))
		}
	}
	return &blame{errors.Join(errs...)}
}

// blame prints on one line, and is nothing if nobody is to blame.
type blame struct{ err error }

func (b *blame) Error() string {
	if b.err == nil {
		return ""
	}
	return ": " + oneLine(b.err.Error())
}

func (b *blame) Unwrap() error { return b.err }
