// Package mem is p2p in one process, for simulations and tests: a Network joins
// Hosts by links that delay, lose, repeat and reorder what passes, can be
// partitioned, and survive the crash of any host.
//
// Time is the time package's: inside a testing/synctest bubble everything runs in
// virtual time, outside in real time. What happens to the n-th message from one
// host to another is drawn from the seed, the pair and n, so a run repeats as far
// as the order of its sends does.
package mem

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

// Silence is how long a host waits for a peer that does not answer at all, lost
// behind a partition or with its message, before it calls it Unavailable.
const Silence = 10 * time.Second

// Link says how messages pass from one host to another. The zero Link is perfect.
type Link struct {
	// Latency one way, plus a uniform draw below Jitter, which reorders.
	Latency, Jitter time.Duration
	// Bandwidth of streams in bytes per second each; 0 is unlimited.
	Bandwidth int
	// LoseRequest is the share of calls that never reach the handler (and of
	// published messages that never reach one subscriber), LoseAnswer the share
	// whose handler ran and whose answer is lost.
	LoseRequest, LoseAnswer float64
	// Duplicate is the share of calls that reach the handler a second time, as
	// when a caller repeats itself; nobody hears the second answer.
	Duplicate float64
}

// Stats counts what has passed so far.
type Stats struct {
	Calls, LostRequests, LostAnswers, Duplicates int
	// Published counts messages, Delivered and Rejected their arrivals.
	Published, Delivered, Rejected, Dropped int
}

// Network joins hosts. Make one with NewNetwork.
type Network struct {
	seed uint64

	mu    sync.Mutex
	hosts map[artel.NodeID]*Host // those that are up
	link  Link
	pairs map[pair]Link
	group map[artel.NodeID]int
	subs  map[topic]map[*Host]*subscription
	stats Stats
}

type pair struct{ from, to artel.NodeID }

type topic struct {
	network artel.Hash
	name    string
}

// NewNetwork returns a network of perfect links.
func NewNetwork(seed uint64) *Network {
	return &Network{
		seed:  seed,
		hosts: make(map[artel.NodeID]*Host),
		pairs: make(map[pair]Link),
		subs:  make(map[topic]map[*Host]*subscription),
	}
}

// SetLink changes the link between all hosts that have none of their own.
func (n *Network) SetLink(l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link = l
}

// SetPair changes the link between a and b, both ways.
func (n *Network) SetPair(a, b artel.NodeID, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pairs[pair{a, b}], n.pairs[pair{b, a}] = l, l
}

// Partition splits the network: only hosts of one group reach each other; those
// named in no group form one together. Open streams and connections across the
// cut break, calls go silent. A later call replaces the earlier split.
func (n *Network) Partition(groups ...[]artel.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.group = make(map[artel.NodeID]int)
	for i, g := range groups {
		for _, id := range g {
			n.group[id] = i + 1
		}
	}
	for _, h := range n.hosts {
		for id := range h.peers {
			if n.cut(h.id, id) {
				n.unlink(h, id)
			}
		}
		for s := range h.streams {
			if n.cut(s.from, s.to) {
				s.fail(p2p.Errorf(p2p.Unavailable, "the network was cut"))
			}
		}
	}
}

// Heal ends the partition.
func (n *Network) Heal() { n.Partition() }

// Stats returns the counts so far.
func (n *Network) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

func (n *Network) cut(a, b artel.NodeID) bool { return n.group[a] != n.group[b] }

func (n *Network) linkOf(from, to artel.NodeID) Link {
	if l, ok := n.pairs[pair{from, to}]; ok {
		return l
	}
	return n.link
}

// fate is what happens to one message and, for a call, its answer.
type fate struct {
	there, back          time.Duration
	lost, mute, repeated bool
}

// draw decides the n-th message of from to to. The caller holds mu.
func (n *Network) draw(from *Host, to artel.NodeID, l Link) fate {
	from.sent[to]++
	var r rand.PCG
	r.Seed(n.seed^key(from.id), key(to)+from.sent[to]*0x9e3779b97f4a7c15)
	chance := func() float64 { return float64(r.Uint64()>>11) / (1 << 53) }
	delay := func() time.Duration {
		if l.Jitter <= 0 {
			return l.Latency
		}
		return l.Latency + time.Duration(chance()*float64(l.Jitter))
	}
	return fate{
		there: delay(), back: delay(),
		lost: chance() < l.LoseRequest, mute: chance() < l.LoseAnswer, repeated: chance() < l.Duplicate,
	}
}

// key folds the unpredictable end of a node id.
func key(id artel.NodeID) uint64 { return binary.BigEndian.Uint64(id[25:]) }

// up makes h the host that its id reaches; an older one under the same key is
// reached no more, as when a node's new address replaces its old one.
func (n *Network) up(h *Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[h.id] = h
	for name, s := range h.early {
		n.subscribe(h, name, s)
	}
	h.early = nil
}

// down takes h off the network: peers lose their connections to it.
func (n *Network) down(h *Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t, hosts := range n.subs {
		delete(hosts, h)
		if len(hosts) == 0 {
			delete(n.subs, t)
		}
	}
	for s := range h.streams {
		s.fail(p2p.Errorf(p2p.Unavailable, "the peer went away"))
	}
	for id := range h.peers {
		n.unlink(h, id)
	}
	if n.hosts[h.id] == h {
		delete(n.hosts, h.id)
	}
}

// join records that a and b are connected, a having dialled.
func (n *Network) join(a, b *Host, version uint32) {
	n.meet(a, p2p.Peer{ID: b.id, Version: version, Addr: addr(b.id)})
	n.meet(b, p2p.Peer{ID: a.id, Version: version, Addr: addr(a.id), Inbound: true})
}

func (n *Network) meet(h *Host, p p2p.Peer) {
	if _, ok := h.peers[p.ID]; ok {
		return
	}
	h.peers[p.ID] = p
	h.tell(p2p.Event{Peer: p.ID, Connected: true})
}

func (n *Network) unlink(h *Host, id artel.NodeID) {
	n.part(h, id)
	if other := n.hosts[id]; other != nil {
		n.part(other, h.id)
	}
}

func (n *Network) part(h *Host, id artel.NodeID) {
	if _, ok := h.peers[id]; !ok {
		return
	}
	delete(h.peers, id)
	h.tell(p2p.Event{Peer: id})
}
