package artel

// Survival is how a job's tasks survive the machines that they run on.
type Survival struct {
	Kind    CheckpointKind `json:"kind,omitempty"`    // "": the best that a machine can
	Min     uint64         `json:"min,omitempty"`     // shortest time between checkpoints, milliseconds
	Max     uint64         `json:"max,omitempty"`     // longest; what a dead machine costs at most
	Keepers uint32         `json:"keepers,omitempty"` // other machines that must confirm a checkpoint; 0: there are none
}

// IsZero reports whether tasks begin anew when their machine is gone.
func (s Survival) IsZero() bool { return s == Survival{} }

// CheckpointKind says what of an attempt a checkpoint holds.
type CheckpointKind string

// Kinds of checkpoints.
const (
	// CheckpointWhole is the whole program as it runs: memory, processes, files. It
	// goes on only on a machine of the same class.
	CheckpointWhole CheckpointKind = "whole"
	// CheckpointFiles is what is under /checkpoint: the program starts again and finds it.
	CheckpointFiles CheckpointKind = "files"
	// CheckpointNone is said by jobs that want none.
	CheckpointNone CheckpointKind = "none"
)

// Bounds of Survival.
const (
	MaxKeepers  = 8
	minInterval = 100 // milliseconds
)

// Check verifies what a user or a peer said.
func (s Survival) Check() error {
	switch s.Kind {
	case "", CheckpointWhole, CheckpointFiles:
	case CheckpointNone:
		if s != (Survival{Kind: CheckpointNone}) {
			return Invalid("a job without checkpoints has no interval and no keepers; hint: --checkpoint auto")
		}
		return nil
	default:
		return Invalid("checkpoints of kind %q are not known here; hint: auto, %s, %s or %s", clip(string(s.Kind)), CheckpointWhole, CheckpointFiles, CheckpointNone)
	}
	switch {
	case s.IsZero():
		return nil
	case s.Keepers == 0 || s.Keepers > MaxKeepers:
		return Invalid("checkpoints on %d other machines, want 1 to %d; hint: --keepers 2", s.Keepers, MaxKeepers)
	case s.Min < minInterval || s.Max < s.Min || s.Max > MaxUnit:
		return Invalid("checkpoints every %d to %d ms, want %d ≤ least ≤ most; hint: --checkpoint-every 5m-1h", s.Min, s.Max, minInterval)
	}
	return nil
}

// Wanted reports whether checkpoints are to be taken.
func (s Survival) Wanted() bool { return s.Keepers > 0 }

// away is what bringing a checkpoint to its keepers may take, in milliseconds.
const away = 120_000

// Risk is the longest time, in milliseconds, that work may stay without a
// confirmed checkpoint before its provider stops it: twice the longest interval,
// and two minutes to bring it away.
func (s Survival) Risk() uint64 { return min(2*s.Max+away, MaxUnit) }

// Within shortens the longest interval until Risk is at most risk. ok is false
// where that is less than the shortest.
func (s Survival) Within(risk uint64) (_ Survival, ok bool) {
	if s.Risk() > risk {
		s.Max = (risk - min(risk, away)) / 2
	}
	return s, s.Max >= s.Min && s.Risk() <= risk
}

// Keeping is what a provider is given to take checkpoints of an attempt, and to
// go on from one.
type Keeping struct {
	Survival `json:"survival"` // by its name: both have keepers
	Task     Hash              `json:"task"`           // what keepers know the task by
	Key      [32]byte          `json:"key"`            // opens and makes its checkpoints
	Keepers  []Keeper          `json:"keepers"`        // who may confirm; of these Survival.Keepers must
	Grant    Grant             `json:"grant"`          // for them
	From     *Segment          `json:"from,omitempty"` // where to go on; nil: from the beginning
}

// Keeper is a node that holds checkpoints of others.
type Keeper struct {
	Node  NodeID   `json:"node"`
	Addrs []string `json:"addrs,omitempty"` // multiaddrs
}

// Grant is a renter's word to keepers: hold what this node brings of this task.
// A keeper takes no grant of an attempt after it has seen that of a later one, so
// that whoever was replaced cannot push out what its successor saves.
type Grant struct {
	Network   Hash      `json:"network"`
	Task      Hash      `json:"task"`
	Try       uint32    `json:"try"`   // the job's attempt number; a later one replaces an earlier one
	Saver     NodeID    `json:"saver"` // who brings it
	From      Ref       `json:"from"`  // the generation that the attempt began from, kept besides; zero: none
	Account   Address   `json:"account"`
	Bytes     uint64    `json:"bytes"`   // most, of one generation
	Expires   uint64    `json:"expires"` // unix seconds: until then it is wanted
	Signature Signature `json:"signature"`
}

// Digest returns what the renter's node signs of g, its Signature aside.
func (g Grant) Digest() Hash {
	body := hashWords(g.Network, g.Task, wordUint(uint64(g.Try)), Keccak(g.Saver[:]), Keccak(g.From.Bytes()), wordAddress(g.Account),
		wordUint(g.Bytes), wordUint(g.Expires))
	return Keccak([]byte("artel/keep/1\n"), body[:])
}

// Renter returns the node that signed.
func (g Grant) Renter() (NodeID, error) { return g.Signature.NodeID(g.Digest()) }

// Saved is what a provider signs of a generation of a task's checkpoints. Parent
// makes them a chain that says which host made which.
type Saved struct {
	Lease      Hash           `json:"lease"`
	Number     uint64         `json:"number"` // the attempt's task number on the lease
	Attempt    uint32         `json:"attempt"`
	Task       Hash           `json:"task"`
	Kind       CheckpointKind `json:"kind"`
	Generation uint64         `json:"generation"` // 1, 2, 3 … over all attempts of the task
	Root       Ref            `json:"root"`
	Parent     Ref            `json:"parent"` // zero for the first
	Tree       Hash           `json:"tree"`   // digest of its content
	Bytes      uint64         `json:"bytes"`  // of all files
	Stored     uint64         `json:"stored"` // of all blocks
	Wall       uint64         `json:"wall"`   // milliseconds of this attempt up to it
}

// Digest returns what the provider's node signs, and what names the checkpoint
// in a keeper's confirmation.
func (s Saved) Digest(d Domain) Hash {
	return d.digest(d.separate.stake, hashWords(
		Keccak([]byte("Saved(bytes32 lease,uint64 number,uint32 attempt,bytes32 task,bytes32 kind,uint64 generation,bytes32 root,bytes32 parent,bytes32 tree,uint64 bytes,uint64 stored,uint64 wall)")),
		s.Lease, wordUint(s.Number), wordUint(uint64(s.Attempt)), s.Task, Keccak([]byte(s.Kind)), wordUint(s.Generation), Keccak(s.Root.Bytes()),
		Keccak(s.Parent.Bytes()), s.Tree, wordUint(s.Bytes), wordUint(s.Stored), wordUint(s.Wall)))
}

// Kept is a keeper's signed word that it holds every block of a checkpoint and
// has compared their hashes.
type Kept struct {
	Saved     Hash      `json:"saved"` // Saved.Digest
	Until     uint64    `json:"until"` // unix seconds
	Signature Signature `json:"signature"`
}

// Digest returns what the keeper's node signs.
func (k Kept) Digest(d Domain) Hash {
	return d.digest(d.separate.stake, hashWords(Keccak([]byte("Kept(bytes32 saved,uint64 until)")), k.Saved, wordUint(k.Until)))
}

// Segment is a confirmed checkpoint with what it earned.
type Segment struct {
	Saved     Saved     `json:"saved"`
	Signature Signature `json:"signature"` // the provider's
	Kept      []Kept    `json:"kept"`
	Idle      uint64    `json:"idle"` // slot-milliseconds the lease was held without a task, ever
	Due       Amount    `json:"due"`  // the lane's cumulative total with it
}

// Check verifies who signed: saver the checkpoint, and at least need of keepers,
// each counted once, that they hold it. It returns those keepers.
func (s Segment) Check(d Domain, saver NodeID, keepers []Keeper, need uint32) ([]Keeper, error) {
	digest := s.Saved.Digest(d)
	node, err := s.Signature.NodeID(digest)
	if err != nil {
		return nil, err
	}
	if node != saver {
		return nil, Invalid("checkpoint is signed by node %s, want %s", node.Short(), saver.Short())
	}
	if len(s.Kept) > MaxKeepers {
		return nil, Invalid("checkpoint with %d confirmations, at most %d", len(s.Kept), MaxKeepers)
	}
	signed := map[NodeID]bool{}
	for _, k := range s.Kept {
		if k.Saved != digest {
			return nil, Invalid("a keeper confirms another checkpoint")
		}
		n, err := k.Signature.NodeID(k.Digest(d))
		if err != nil {
			return nil, err
		}
		signed[n] = true
	}
	var holders []Keeper
	for _, k := range keepers {
		if signed[k.Node] && k.Node != saver {
			holders = append(holders, k)
			delete(signed, k.Node)
		}
	}
	if uint32(len(holders)) < need {
		return holders, Invalid("checkpoint is confirmed by %d keepers, want %d", len(holders), need)
	}
	return holders, nil
}

// Earned is how many milliseconds of an attempt's time are due with a checkpoint
// after wall of them: the last tenth is due on the receipt.
func Earned(wall uint64) uint64 { return wall - wall/10 }

// Check verifies what a renter says for an attempt on a lease with terms t.
func (k Keeping) Check(t Terms) error {
	if err := k.Survival.Check(); err != nil {
		return err
	}
	switch {
	case !k.Wanted():
		return Invalid("task wants no checkpoints, its lease pays by them")
	case k.Risk() > t.Risk:
		return Invalid("task may have %d ms without a checkpoint, its lease %d", k.Risk(), t.Risk)
	case len(k.Keepers) < int(k.Survival.Keepers) || len(k.Keepers) > MaxKeepers:
		return Invalid("task names %d keepers, want %d to %d", len(k.Keepers), k.Survival.Keepers, MaxKeepers)
	case k.Grant.Network != t.Network || k.Grant.Task != k.Task || k.Grant.Saver != t.Node:
		return Invalid("task's grant to keepers is for another network, task or node")
	}
	for i, x := range k.Keepers {
		if err := x.check(); err != nil {
			return err
		}
		for _, y := range k.Keepers[:i] {
			if x.Node == y.Node {
				return Invalid("task names keeper %s twice", x.Node.Short())
			}
		}
		if x.Node == t.Node {
			return Invalid("task names the machine that it runs on as its keeper")
		}
	}
	if by, err := k.Grant.Renter(); err != nil || by != t.Renter {
		return Invalid("task's grant to keepers is not signed by the renter's node %s", t.Renter.Short())
	}
	if f := k.From; f != nil && (f.Saved.Task != k.Task || f.Saved.Root != k.Grant.From || f.Saved.Generation == 0) {
		return Invalid("task goes on from a checkpoint of another task, or one that its grant does not name")
	}
	return nil
}

func (k Keeper) check() error {
	if k.Node == (NodeID{}) || len(k.Addrs) > maxAddrs {
		return Invalid("keeper without a node, or with %d addresses, at most %d", len(k.Addrs), maxAddrs)
	}
	for _, a := range k.Addrs {
		if a == "" || len(a) > maxAddrLen || a[0] != '/' {
			return Invalid("keeper's address %q is not a multiaddr", clip(a))
		}
	}
	return nil
}
