package keeper

import (
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// MaxKeep is the longest that a keeper promises, whatever a grant says: a renter
// that still wants a checkpoint then has made a newer one.
const MaxKeep = 30 * 24 * time.Hour

// check holds a request against itself, and returns the node that signed its grant, which signer tells.
func check(d artel.Domain, network artel.Hash, from artel.NodeID, q wire.KeepRequest, now time.Time, signer func(artel.Grant) (artel.NodeID, error)) (renter artel.NodeID, err error) {
	g, s := q.Grant, q.Saved
	switch {
	case g.Network != network:
		return renter, p2p.Errorf(p2p.OtherNetwork, "the grant is for network %s, this is %s", g.Network.Short(), network.Short())
	case g.Saver != from:
		return renter, p2p.Errorf(p2p.Unauthorized, "the grant is for node %s", g.Saver.Short())
	case g.Expires <= uint64(now.Unix()):
		return renter, p2p.Errorf(p2p.Refused, "the grant expired %d s ago", uint64(now.Unix())-g.Expires).WithHint("check the clock")
	case g.Task == artel.Hash{} || s.Task != g.Task:
		return renter, p2p.Errorf(p2p.Invalid, "the grant is for task %s, the checkpoint of task %s", g.Task.Short(), s.Task.Short())
	case s.Kind != artel.CheckpointWhole && s.Kind != artel.CheckpointFiles:
		return renter, p2p.Errorf(p2p.Invalid, "checkpoints of this kind are not known here")
	case s.Generation == 0 || (s.Generation == 1) != s.Parent.IsZero():
		return renter, p2p.Errorf(p2p.Invalid, "checkpoint of generation %d: the first alone has no parent", s.Generation)
	case s.Root.Codec() != artel.CodecDagPB || s.Root.IsZero() || s.Root == s.Parent || s.Root == g.From:
		return renter, p2p.Errorf(p2p.Invalid, "the checkpoint's root names no new list of blocks")
	case s.Stored == 0 || s.Stored > g.Bytes || int64(s.Stored) < 0:
		return renter, p2p.Errorf(p2p.Invalid, "checkpoint of %d bytes, the grant is for 1 to %d", s.Stored, g.Bytes)
	}
	if node, err := q.Signature.NodeID(s.Digest(d)); err != nil || node != from {
		return renter, p2p.Errorf(p2p.Unauthorized, "the checkpoint is not signed by the node that brings it")
	}
	if renter, err = signer(g); err != nil {
		return renter, p2p.Errorf(p2p.Unauthorized, "the grant is not signed")
	}
	return renter, nil
}

// until is when a promise ends.
func until(g artel.Grant, now time.Time) uint64 {
	return min(g.Expires, uint64(now.Add(MaxKeep).Unix()))
}

// admit says whether a generation may come after what is known of its task.
//
//	a lower try than one that was seen       refused: it was replaced
//	let go of, and no later try since        refused
//	the same try of another node             conflict
//	a lower generation of the try            refused
//	the same generation once more            taken, in the place of the one before:
//	                                         whoever saves had not heard of it
//	at or below what the try began from      refused
func (t Task) admit(g artel.Grant, s artel.Saved) error {
	switch {
	case g.Try < t.Grant.Try:
		return p2p.Errorf(p2p.Refused, "attempt %d was replaced by attempt %d", g.Try, t.Grant.Try)
	case t.Let && g.Try == t.Grant.Try:
		return p2p.Errorf(p2p.Refused, "the renter has let go of this task")
	case g.Try == t.Grant.Try && g.Saver != t.Grant.Saver:
		return p2p.Errorf(p2p.Conflict, "attempt %d is another node's", g.Try)
	}
	for _, h := range t.Held {
		if h.Grant.Try == g.Try && s.Generation < h.Saved.Generation {
			return p2p.Errorf(p2p.Refused, "generation %d of the checkpoint is held, this is %d", h.Saved.Generation, s.Generation)
		}
		if h.Saved.Root == g.From && s.Generation <= h.Saved.Generation {
			return p2p.Errorf(p2p.Refused, "the attempt began from generation %d, this is %d", h.Saved.Generation, s.Generation)
		}
	}
	return nil
}

// with returns what is held of a task once h is: h, the generation before it of
// the same attempt, and the one that the attempt began from.
func (t Task) with(h Held) []Held {
	out := []Held{h}
	for _, x := range t.Held { // newest first
		if x.Grant.Try == h.Grant.Try && x.Saved.Generation < h.Saved.Generation && x.Saved.Root != h.Saved.Root {
			out = append(out, x)
			break
		}
	}
	for _, x := range t.Held {
		if x.Saved.Root == h.Grant.From && !slices.ContainsFunc(out, func(y Held) bool { return y.Saved.Root == x.Saved.Root }) {
			out = append(out, x)
			break
		}
	}
	return out
}

// roots lists the roots of generations.
func roots(hs []Held) (out []artel.Ref) {
	for _, h := range hs {
		out = append(out, h.Saved.Root)
	}
	return out
}

// over reports whether nothing of a task is to be known any more.
func (t Task) over(now uint64) bool {
	if len(t.Held) == 0 {
		return t.Seen+uint64(remember.Seconds()) <= now || t.Grant.Expires <= now
	}
	// The older ones stay as long as the newest.
	for _, h := range t.Held {
		if h.Kept.Until > now {
			return false
		}
	}
	return true
}

// remember is how long an attempt is known of which nothing is held: because
// nothing came, or its renter let go.
const remember = 24 * time.Hour
