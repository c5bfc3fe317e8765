package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// KeepRequest asks a node to hold a checkpoint. The node fetches from who asks
// what it lacks of it, compares every block's hash and answers when all is on its
// disk; asked again it answers at once.
type KeepRequest struct {
	Grant     artel.Grant
	Saved     artel.Saved
	Signature artel.Signature // the saver's, over Saved.Digest
}

// KeepResponse confirms.
type KeepResponse struct {
	Kept artel.Kept
}

// KeptRequest asks a node for the checkpoints of a renter's tasks that it holds,
// or to let them go. Only the node that signed a task's grant may ask.
type KeptRequest struct {
	Tasks []artel.Hash // at most MaxTasks; none: all
	Drop  bool
}

// KeptResponse lists them, the newest generation of a task first.
type KeptResponse struct {
	Holdings []Holding
}

// Holding is a checkpoint that a keeper holds. Its segment has no confirmation but
// the holder's own, and earned nothing.
type Holding struct {
	Grant   artel.Grant
	Segment artel.Segment
}

func savedPB(s artel.Saved) *wirepb.Saved {
	return &wirepb.Saved{
		Lease: blank(s.Lease[:]), Number: s.Number, Attempt: s.Attempt, Task: blank(s.Task[:]), Kind: valid(string(s.Kind)),
		Generation: s.Generation, Root: s.Root.Bytes(), Parent: s.Parent.Bytes(), Tree: blank(s.Tree[:]),
		Bytes: s.Bytes, Stored: s.Stored, Wall: s.Wall,
	}
}

func (r *reader) saved(field string, m *wirepb.Saved) artel.Saved {
	if m == nil {
		r.fail(field, "missing")
		return artel.Saved{}
	}
	return artel.Saved{
		Lease: r.hash(field+".lease", m.Lease), Number: m.Number, Attempt: m.Attempt, Task: r.hash(field+".task", m.Task),
		Kind:       artel.CheckpointKind(r.word(field+".kind", m.Kind)),
		Generation: m.Generation, Root: r.ref(field+".root", m.Root), Parent: r.ref(field+".parent", m.Parent), Tree: r.hash(field+".tree", m.Tree),
		Bytes: m.Bytes, Stored: m.Stored, Wall: m.Wall,
	}
}

func keptPB(k artel.Kept) *wirepb.Kept {
	return &wirepb.Kept{Saved: blank(k.Saved[:]), Until: k.Until, Signature: blank(k.Signature[:])}
}

func (r *reader) kept(field string, m *wirepb.Kept) artel.Kept {
	if m == nil {
		r.fail(field, "missing")
		return artel.Kept{}
	}
	return artel.Kept{Saved: r.hash(field+".saved", m.Saved), Until: r.atMost(field+".until", m.Until, maxTime), Signature: r.signature(field+".signature", m.Signature)}
}

func segmentPB(s *artel.Segment) *wirepb.Segment {
	if s == nil {
		return nil
	}
	m := &wirepb.Segment{Saved: savedPB(s.Saved), Signature: blank(s.Signature[:]), Idle: s.Idle, Due: amountBytes(s.Due)}
	for _, k := range s.Kept {
		m.Kept = append(m.Kept, keptPB(k))
	}
	return m
}

func (r *reader) segment(field string, m *wirepb.Segment) *artel.Segment {
	if m == nil {
		return nil
	}
	s := &artel.Segment{
		Saved: r.saved(field+".saved", m.Saved), Signature: r.signature(field+".signature", m.Signature), Idle: m.Idle, Due: r.amount(field+".due", m.Due),
	}
	for _, k := range m.Kept {
		s.Kept = append(s.Kept, r.kept(field+".kept", k))
	}
	return s
}

func keepGrantPB(g artel.Grant) *wirepb.KeepGrant {
	return &wirepb.KeepGrant{
		Network: blank(g.Network[:]), Task: blank(g.Task[:]), Try: g.Try, Saver: blank(g.Saver[:]), From: g.From.Bytes(),
		Account: blank(g.Account[:]), Bytes: g.Bytes, Expires: g.Expires, Signature: blank(g.Signature[:]),
	}
}

func (r *reader) keepGrant(field string, m *wirepb.KeepGrant) artel.Grant {
	if m == nil {
		r.fail(field, "missing")
		return artel.Grant{}
	}
	return artel.Grant{
		Network: r.hash(field+".network", m.Network), Task: r.hash(field+".task", m.Task), Try: m.Try, Saver: r.node(field+".saver", m.Saver),
		From: r.ref(field+".from", m.From), Account: r.address(field+".account", m.Account), Bytes: m.Bytes,
		Expires: r.atMost(field+".expires", m.Expires, maxTime), Signature: r.signature(field+".signature", m.Signature),
	}
}

func keepingPB(k *artel.Keeping) *wirepb.Keeping {
	if k == nil {
		return nil
	}
	m := &wirepb.Keeping{
		Kind: valid(string(k.Kind)), Min: k.Min, Max: k.Max, Need: k.Survival.Keepers, Task: blank(k.Task[:]), Key: blank(k.Key[:]),
		Grant: keepGrantPB(k.Grant), From: segmentPB(k.From),
	}
	for _, x := range k.Keepers {
		p := &wirepb.Keeper{Node: blank(x.Node[:])}
		for _, a := range x.Addrs {
			p.Addrs = append(p.Addrs, valid(a))
		}
		m.Keepers = append(m.Keepers, p)
	}
	return m
}

func (r *reader) keeping(field string, m *wirepb.Keeping) *artel.Keeping {
	if m == nil {
		return nil
	}
	k := &artel.Keeping{
		Survival: artel.Survival{Kind: artel.CheckpointKind(r.word(field+".kind", m.Kind)), Min: m.Min, Max: m.Max, Keepers: m.Need},
		Task:     r.hash(field+".task", m.Task), Grant: r.keepGrant(field+".grant", m.Grant), From: r.segment(field+".from", m.From),
	}
	r.fixed(field+".key", k.Key[:], m.Key)
	for _, p := range m.Keepers {
		x := artel.Keeper{Node: r.node(field+".keepers.node", p.Node)}
		for _, a := range p.Addrs {
			x.Addrs = append(x.Addrs, r.name(field+".keepers.addrs", a))
		}
		k.Keepers = append(k.Keepers, x)
	}
	return k
}

// Marshal encodes m.
func (m KeepRequest) Marshal() []byte {
	return encode(&wirepb.KeepRequest{Grant: keepGrantPB(m.Grant), Saved: savedPB(m.Saved), Signature: blank(m.Signature[:])})
}

// UnmarshalKeepRequest decodes what a provider sent.
func UnmarshalKeepRequest(b []byte) (KeepRequest, error) {
	var p wirepb.KeepRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return KeepRequest{}, err
	}
	r := reader{message: "KeepRequest"}
	m := KeepRequest{Grant: r.keepGrant("grant", p.Grant), Saved: r.saved("saved", p.Saved), Signature: r.signature("signature", p.Signature)}
	if r.err != nil {
		return KeepRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m KeepResponse) Marshal() []byte { return encode(&wirepb.KeepResponse{Kept: keptPB(m.Kept)}) }

// UnmarshalKeepResponse decodes what a keeper sent.
func UnmarshalKeepResponse(b []byte) (KeepResponse, error) {
	var p wirepb.KeepResponse
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return KeepResponse{}, err
	}
	r := reader{message: "KeepResponse"}
	m := KeepResponse{Kept: r.kept("kept", p.Kept)}
	if r.err != nil {
		return KeepResponse{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m KeptRequest) Marshal() []byte {
	p := &wirepb.KeptRequest{Drop: m.Drop}
	for _, t := range m.Tasks {
		p.Tasks = append(p.Tasks, t[:])
	}
	return encode(p)
}

// UnmarshalKeptRequest decodes what a renter sent.
func UnmarshalKeptRequest(b []byte) (KeptRequest, error) {
	var p wirepb.KeptRequest
	if err := decode(b, MaxKept, tolerant, &p); err != nil {
		return KeptRequest{}, err
	}
	r := reader{message: "KeptRequest"}
	m := KeptRequest{Drop: p.Drop}
	for _, t := range p.Tasks {
		m.Tasks = append(m.Tasks, r.hash("tasks", t))
	}
	if r.err != nil {
		return KeptRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m KeptResponse) Marshal() []byte {
	p := &wirepb.KeptResponse{}
	for _, h := range m.Holdings {
		p.Holdings = append(p.Holdings, &wirepb.Holding{Grant: keepGrantPB(h.Grant), Segment: segmentPB(&h.Segment)})
	}
	return encode(p)
}

// UnmarshalKeptResponse decodes what a keeper sent.
func UnmarshalKeptResponse(b []byte) (KeptResponse, error) {
	var p wirepb.KeptResponse
	if err := decode(b, MaxKept, tolerant, &p); err != nil {
		return KeptResponse{}, err
	}
	r := reader{message: "KeptResponse"}
	var m KeptResponse
	for _, h := range p.Holdings {
		x := Holding{Grant: r.keepGrant("grant", h.Grant)}
		if s := r.segment("segment", h.Segment); s != nil {
			x.Segment = *s
		} else {
			r.fail("segment", "missing")
		}
		if r.err != nil {
			return KeptResponse{}, r.err
		}
		m.Holdings = append(m.Holdings, x)
	}
	if r.err != nil {
		return KeptResponse{}, r.err
	}
	return m, nil
}
