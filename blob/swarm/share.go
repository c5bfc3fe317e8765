package swarm

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// maxMembers is how many pullers of one root are remembered.
const maxMembers = 256

// share is what this node has of one root and who else pulls it.
type share struct {
	root artel.Ref
	cfg  *Config
	turn chan struct{} // holds one token while the graph is read, or fetched

	// Guarded by Swarm.mu.
	users   int // streams and fetches
	used    time.Time
	charged int // blocks

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when have or members grow
	graph   *graph        // nil until every node is here; then it stays
	have    set           // leaves that are kept
	given   []*member     // who was given each leaf last; nil before the first gift
	members map[artel.NodeID]*member
	banned  map[artel.NodeID]struct{}
	pull    *pull // the Fetch that runs
	usage   Usage
}

// member is a node that pulls the root from here, or did.
type member struct {
	id      artel.NodeID
	addrs   []string
	streams int
	left    time.Time // when the last stream ended
	gone    bool      // a peer says that it serves no more
	// The leaves that were written to it last, the newest first, -1 for none,
	// and when a part of each was last taken: they may still be on their way.
	sending [2]int
	moved   [2]time.Time
}

// receives says that leaf i is on its way to m, as far as can be told here.
func (m *member) receives(i int, patience time.Duration) bool {
	for k, leaf := range m.sending {
		if leaf == i && time.Since(m.moved[k]) < patience {
			return true
		}
	}
	return false
}

// holds says that others may be sent to m.
func (m *member) holds(linger time.Duration) bool {
	return !m.gone && (m.streams > 0 || time.Since(m.left) < linger)
}

// change wakes whoever waits. The caller holds mu.
func (sh *share) change() {
	close(sh.changed)
	sh.changed = make(chan struct{})
}

// lock waits for the right to read or to fetch the graph.
func (sh *share) lock(ctx context.Context) error {
	select {
	case sh.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (sh *share) unlock() { <-sh.turn }

// load reads the graph of a root that this node does not pull now.
func (s *Swarm) load(ctx context.Context, sh *share) error {
	for {
		sh.mu.Lock()
		ready, pulling := sh.graph != nil, sh.pull != nil
		sh.mu.Unlock()
		if ready {
			return nil
		}
		if pulling {
			return fmt.Errorf("%w: its nodes are not here yet", blob.ErrNotFound)
		}
		select {
		case sh.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // a Fetch may have begun
			continue
		}
		defer sh.unlock()
		break
	}
	sh.mu.Lock()
	ready := sh.graph != nil
	sh.mu.Unlock()
	if ready {
		return nil
	}
	lim := blob.DefaultLimits()
	lim.Bytes = 1 << 62 // one's own
	w := newWalk(sh.root, lim)
	if err := w.local(ctx, s.cfg.Store, s.cfg.Store.Size); err != nil {
		return err
	}
	if !w.done() {
		return fmt.Errorf("node %s: %w", w.nodes[w.next], blob.ErrNotFound)
	}
	if len(w.nodes) == 0 { // the root is the only leaf
		if _, err := s.cfg.Store.Size(ctx, sh.root); err != nil {
			return err
		}
	}
	_, err := s.adopt(ctx, sh, &w.graph, s.cfg.Store.Size)
	return err
}

// adopt makes g the graph of the share, and finds out which leaves are here. It
// returns their bytes. The caller has the share locked.
func (s *Swarm) adopt(ctx context.Context, sh *share, g *graph, look func(context.Context, artel.Ref) (int64, error)) (int64, error) {
	if err := s.charge(sh, g.blocks()); err != nil {
		return 0, err
	}
	have, sum := newSet(len(g.leaves)), int64(0)
	for i, ref := range g.leaves {
		n, err := look(ctx, ref)
		if absent(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		have.add(i)
		sum += n
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.graph == nil { // else it is the same, and read without mu
		sh.graph = g
	}
	sh.have = have
	sh.change()
	return sum, nil
}

// join notes that id pulls the root from here by one more stream.
func (sh *share) join(id artel.NodeID, addrs []string) *member {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.members[id]
	if m == nil {
		if len(sh.members) >= maxMembers {
			sh.forget()
		}
		m = &member{id: id, sending: [2]int{-1, -1}}
		sh.members[id] = m
	}
	m.streams++
	m.gone = false
	if len(addrs) > 0 {
		m.addrs = addrs
	}
	sh.change()
	return m
}

// forget drops the member that left first. Streams are fewer than maxMembers or
// the map grows by no more than those.
func (sh *share) forget() {
	var first *member
	for _, m := range sh.members {
		if m.streams == 0 && (first == nil || m.left.Before(first.left)) {
			first = m
		}
	}
	if first != nil {
		first.gone = true
		delete(sh.members, first.id)
	}
}

func (sh *share) part(m *member) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m.streams--
	m.left = time.Now()
}

// others lists members that are not in told yet, at most limit, and adds them.
// The caller holds mu.
func (sh *share) others(of artel.NodeID, told map[artel.NodeID]struct{}, limit int) []contact {
	var out []contact
	for id, m := range sh.members {
		if _, ok := told[id]; ok || id == of || !m.holds(sh.cfg.Linger) {
			continue
		}
		if len(out) == limit {
			break
		}
		told[id] = struct{}{}
		out = append(out, contact{id, m.addrs})
	}
	return out
}

// verdict is what becomes of a wish for a leaf.
type verdict int

const (
	give verdict = iota
	lead         // to another member
	lack
)

// judge decides who m gets leaf i from. With insist set, unserved is the node
// that did not serve it; the zero id is any. A holder that is still receiving
// the leaf from here is not to blame: on a slow line it would be sent twice.
func (sh *share) judge(i int, m *member, insist bool, unserved artel.NodeID) (verdict, artel.NodeID) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !sh.have.has(i) {
		return lack, artel.NodeID{}
	}
	if sh.pull != nil { // who pulls gives to everybody
		return give, artel.NodeID{}
	}
	if sh.given == nil {
		sh.given = make([]*member, len(sh.graph.leaves))
	}
	h := sh.given[i]
	if insist && h != nil && h.id == unserved && h.streams == 0 {
		h.gone = true
	}
	if h != nil && h != m && h.holds(sh.cfg.Linger) {
		if blamed := insist && (h.id == unserved || unserved == artel.NodeID{}); !blamed || h.receives(i, sh.cfg.Patience) {
			return lead, h.id
		}
	}
	sh.given[i] = m
	return give, artel.NodeID{}
}

// outcast says that id sent wrong bytes of the root.
func (sh *share) outcast(id artel.NodeID) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, ok := sh.banned[id]
	return ok
}

// ban remembers who sent wrong bytes of the root.
func (sh *share) ban(id artel.NodeID) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.banned) < maxMembers {
		sh.banned[id] = struct{}{}
	}
}

// meet tells a Fetch that runs of a node that pulls the root too.
func (sh *share) meet(id artel.NodeID, addrs []string) {
	sh.mu.Lock()
	p := sh.pull
	sh.mu.Unlock()
	if p != nil {
		p.meet(contact{id, addrs})
	}
}

// moves notes that some of leaf i was taken by m, at least by the buffers on
// the way there.
func (sh *share) moves(m *member, i int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m.sending[0] != i {
		m.sending[1], m.moved[1] = m.sending[0], m.moved[0]
		m.sending[0] = i
	}
	m.moved[0] = time.Now()
}

func (sh *share) wasted(n int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.usage.Wasted += int64(n)
}

// lost notes that a leaf which was here is not.
func (sh *share) lost(i int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.have.drop(i)
}
