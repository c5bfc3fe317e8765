// Package swarm brings one root to many nodes while each of its leaves leaves
// the source about once: who pulls a root serves what it has verified so far to
// the others that pull it. It is blob.Fetch and blob.Serve for what many want,
// such as the image of a job that runs everywhere at once.
//
//	source ──leaf 1──▶ A ──leaf 1──▶ B      the source gives a leaf to one puller,
//	   └─────leaf 2──▶ B ──leaf 2──▶ A      and sends whoever asks next to that one
//
// A puller has a stream to each node that has something it lacks, and asks for
// the rarest leaves first, in an order of its own. What a stream does not bring
// in time is asked for elsewhere; the source gives a leaf again to whom says
// that its holder did not. So no node that dies, stalls or lies holds up the
// others for longer than Config.Patience.
//
// Everything that arrives is compared with its ref before it is kept, told of or
// passed on. Who sends a wrong byte is not asked again for that root.
//
// The frames are in docs/spec/blob.md. Nothing here starts a goroutine that
// outlives the call that started it.
package swarm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// Config is a node's part in its swarms. Self, Store and Open are needed; zero
// fields take the values named.
type Config struct {
	Self  artel.NodeID
	Store blob.Store
	// Open opens a stream to a peer that runs Serve. addrs is where peers say
	// that it can be dialled: a stranger's word, at most 8, perhaps none.
	Open func(ctx context.Context, peer artel.NodeID, addrs []string) (blob.Stream, error)
	// Allow says whether the peer may have the root and all below it, and may
	// be named to others that pull it. Its error is for this node's log. Without
	// Allow nobody may have anything.
	Allow func(ctx context.Context, peer artel.NodeID, root artel.Ref) error
	// Addrs is where this node can be dialled; nil: it does not say.
	Addrs func() []string
	// Seed sets the order in which leaves are asked for, together with Self.
	Seed uint64

	// Streams is how many streams are served at once, 64, and PerPeer how many
	// of them to one peer, 8. Each holds at most one block of 2 MiB.
	Streams, PerPeer int
	// Blocks is the most that all roots in memory may have together: 1<<20, at
	// some 60 bytes each; Roots how many roots, 256.
	Blocks, Roots int
	// Links is how many peers one Fetch pulls from at once, 16, and Window how
	// many leaves it may have asked each of them for, 32 (at most 64).
	Links, Window int
	// Idle is how long a peer may take for one frame: blob.DefaultIdle.
	Idle time.Duration
	// Patience is how long a leaf may be on its way before it is asked for
	// elsewhere: 5 s.
	Patience time.Duration
	// Linger is how long after a puller has left others are still sent to it:
	// an hour.
	Linger time.Duration
}

func or[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Usage counts bytes of blocks, for one root since it came into memory.
type Usage struct {
	Sent   int64 // to peers
	Got    int64 // from peers, and kept
	Wasted int64 // from peers, and not needed or not right
}

// Swarm is a node's part in all swarms. Make one with New. All methods may be
// called at once from many goroutines.
type Swarm struct {
	cfg Config

	mu      sync.Mutex
	shares  map[artel.Ref]*share
	blocks  int // of all shares
	streams int
	peers   map[artel.NodeID]int // streams to each
}

// New returns a Swarm, and starts nothing.
func New(c Config) *Swarm {
	or(&c.Streams, 64)
	or(&c.PerPeer, 8)
	or(&c.Blocks, 1<<20)
	or(&c.Roots, 256)
	or(&c.Links, 16)
	or(&c.Window, 32)
	c.Window = min(c.Window, maxWant)
	or(&c.Idle, blob.DefaultIdle)
	or(&c.Patience, 5*time.Second)
	or(&c.Linger, time.Hour)
	if c.Allow == nil {
		c.Allow = func(context.Context, artel.NodeID, artel.Ref) error { return blob.ErrRefused }
	}
	return &Swarm{cfg: c, shares: map[artel.Ref]*share{}, peers: map[artel.NodeID]int{}}
}

// Usage returns the counts of a root; zero for one that is not in memory.
func (s *Swarm) Usage(root artel.Ref) Usage {
	s.mu.Lock()
	sh := s.shares[root]
	s.mu.Unlock()
	if sh == nil {
		return Usage{}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.usage
}

// errBusy says that a limit of this node is reached.
var errBusy = errors.New("busy")

// acquire returns the share of a root, which stays until it is released.
func (s *Swarm) acquire(root artel.Ref) (*share, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shares[root]
	if sh == nil {
		if len(s.shares) >= s.cfg.Roots && !s.evict() {
			return nil, fmt.Errorf("%w: %d roots in use", errBusy, len(s.shares))
		}
		sh = &share{root: root, cfg: &s.cfg, changed: make(chan struct{}), members: map[artel.NodeID]*member{},
			banned: map[artel.NodeID]struct{}{}, turn: make(chan struct{}, 1)}
		s.shares[root] = sh
	}
	sh.users++
	return sh, nil
}

func (s *Swarm) release(sh *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.users--
	sh.used = time.Now()
}

// evict forgets the root that has been out of use longest. The caller holds mu.
func (s *Swarm) evict() bool {
	var oldest *share
	for _, sh := range s.shares {
		if sh.users == 0 && (oldest == nil || sh.used.Before(oldest.used)) {
			oldest = sh
		}
	}
	if oldest == nil {
		return false
	}
	delete(s.shares, oldest.root)
	s.blocks -= oldest.charged
	return true
}

// charge counts a graph that is about to be kept in memory.
func (s *Swarm) charge(sh *share, blocks int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.blocks+blocks-sh.charged > s.cfg.Blocks {
		if !s.evict() {
			return fmt.Errorf("%w: %d blocks of roots in use", errBusy, s.blocks)
		}
	}
	s.blocks += blocks - sh.charged
	sh.charged = blocks
	return nil
}

// enter counts a stream that is served.
func (s *Swarm) enter(peer artel.NodeID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams >= s.cfg.Streams || s.peers[peer] >= s.cfg.PerPeer {
		return fmt.Errorf("%w: %d streams, %d to this peer", errBusy, s.streams, s.peers[peer])
	}
	s.streams++
	s.peers[peer]++
	return nil
}

func (s *Swarm) leave(peer artel.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams--
	if s.peers[peer]--; s.peers[peer] == 0 {
		delete(s.peers, peer)
	}
}

func (s *Swarm) addrs() []string {
	if s.cfg.Addrs == nil {
		return nil
	}
	return s.cfg.Addrs()
}

// breakOff ends a stream at once, in both directions.
func breakOff(s blob.Stream) {
	if r, ok := s.(interface{ Reset() error }); ok {
		r.Reset()
		return
	}
	s.Close()
}
