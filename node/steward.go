package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
)

// This file has both ends of a steward's door: the account's node that hands jobs
// over and asks after them, and the steward, which opens to nobody else.

// Bounds of the two ends.
const (
	dialSteward  = 30 * time.Second
	lookSteward  = 10 * time.Second // while a person waits for artel steward
	stewardAddrs = 16
	lastYear     = 253402300799 // the last second that JSON has a time for
	// handProgram is the largest WASM program that is fetched, in bytes: no provider
	// runs one as large.
	handProgram = 256 << 20
)

// named is the steward as it is remembered.
type named struct {
	Node  artel.NodeID `json:"node"`
	Addrs []string     `json:"addrs"`
}

const settingSteward = "steward"

func (n *Node) steward(ctx context.Context) (s named, err error) {
	if _, err = n.db.Setting(ctx, settingSteward, &s); err == nil && s.Node == (artel.NodeID{}) {
		err = api.Errorf(api.CodeNotFound, "no steward is named").WithHint("artel steward NODE; docs/survive.md says how to set one up")
	}
	return s, err
}

// DialSteward implements api.Stewards.
func (n *Node) DialSteward(ctx context.Context) (net.Conn, error) {
	s, err := n.steward(ctx)
	if err != nil {
		return nil, err
	}
	return n.dialSteward(ctx, s)
}

func (n *Node) dialSteward(ctx context.Context, s named) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialSteward)
	defer cancel()
	if !slices.ContainsFunc(n.host.Peers(), func(p p2p.Peer) bool { return p.ID == s.Node }) {
		for _, a := range s.Addrs {
			if n.connect(ctx, a) == nil {
				break
			}
		}
	}
	st, err := n.host.OpenStream(ctx, s.Node, wire.ProtocolSteward)
	switch {
	case errors.Is(err, p2p.Unsupported):
		return nil, api.Errorf(api.CodeRefused, "%s is nobody's steward", s.Node.Short()).WithHint("start it with artel up --account %s", n.account())
	case err != nil:
		return nil, api.Errorf(api.CodeUnavailable, "reach the steward %s: %v", s.Node.Short(), err).WithHint("is it up? artel steward ADDRESS names it where it is to be found: /ip4/192.0.2.1/udp/4101/quic-v1/p2p/16Uiu2…")
	}
	return newConn(st, n.c.Key.NodeID(), s.Node), nil
}

// connect dials an address that may be one of yesterday.
func (n *Node) connect(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, dialSteward/4)
	defer cancel()
	return n.host.Connect(ctx, addr)
}

// Steward implements api.Stewards.
func (n *Node) Steward(ctx context.Context) (api.Steward, error) {
	s, err := n.steward(ctx)
	switch {
	case err == nil:
	case api.AsError(err).Code == api.CodeNotFound:
		return api.Steward{}, nil
	default:
		return api.Steward{}, err
	}
	v, _, err := n.meet(ctx, s)
	if err != nil {
		v.Message = err.Error()
	}
	return v, nil
}

// SetSteward implements api.Stewards.
func (n *Node) SetSteward(ctx context.Context, r api.StewardRequest) (api.Steward, error) {
	if r.Node == "" {
		return api.Steward{}, n.db.SetSetting(ctx, settingSteward, named{})
	}
	id, addr, err := libp2p.ParseNode(r.Node)
	if err != nil {
		return api.Steward{}, api.Errorf(api.CodeInvalid, "name a steward: %v", err)
	}
	switch {
	case id == n.c.Key.NodeID():
		return api.Steward{}, api.Errorf(api.CodeInvalid, "that is this node itself").WithHint("a steward is another machine, which stays on")
	case n.account() != n.c.Key.Address():
		return api.Steward{}, api.Errorf(api.CodeUnsupported, "a steward takes jobs from its account's own node, and this node works for %s", n.account()).WithHint("name it where the account's key is")
	}
	s := named{Node: id}
	if addr != "" {
		s.Addrs = []string{addr}
	}
	v, st, err := n.meet(ctx, s)
	if err != nil {
		return v, err
	}
	s.Addrs = addrsOf(id, s.Addrs, st.Addrs)
	v.Addrs = s.Addrs
	return v, n.db.SetSetting(ctx, settingSteward, s)
}

// addrsOf is what is known with what a node says of its addresses: those of others it
// does not choose for us to dial.
func addrsOf(id artel.NodeID, known, said []string) []string {
	for _, a := range said {
		if len(a) > 1024 || len(known) >= stewardAddrs || !strings.HasPrefix(a, "/") || slices.Contains(known, a) {
			continue
		}
		if n, _, err := libp2p.ParseNode(a); err == nil && n == id {
			known = append(slices.Clip(known), a)
		}
	}
	return known
}

// meet asks a steward who it is, and the ledger what it may do.
func (n *Node) meet(ctx context.Context, s named) (v api.Steward, st api.Status, err error) {
	v = api.Steward{Node: s.Node, Signer: s.Node.Address(), Addrs: s.Addrs}
	if r, err := n.ledger.Signer(ctx, n.account(), v.Signer); err == nil {
		if v.Allowance = r.Left(); r.Until != 0 {
			v.Until = time.Unix(int64(min(r.Until, lastYear)), 0).UTC()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookSteward)
	defer cancel()
	c := api.NewConnClient("the steward", func(ctx context.Context) (net.Conn, error) { return n.dialSteward(ctx, s) })
	defer c.Close()
	st, err = c.Status(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = api.Errorf(api.CodeUnavailable, "the steward %s does not answer", s.Node.Short()).WithHint("is it up? artel status on its machine")
	case err != nil && api.AsError(err).Code == api.CodeNoDaemon:
		err = api.Errorf(api.CodeRefused, "%s hung up: it takes no jobs of this account", s.Node.Short()).WithHint("start it with artel up --account %s", n.account())
	case err == nil && st.Account != n.account():
		err = api.Errorf(api.CodeRefused, "%s works for %s", s.Node.Short(), st.Account).WithHint("start it with artel up --account %s", n.account())
	}
	if v.Reachable = err == nil; v.Reachable {
		v.Release = st.Release
	}
	return v, st, err
}

// loan is what a node may read here for the time that a job is handed over to it.
type loan struct {
	to    artel.NodeID
	root  artel.Ref
	image artel.Hash
}

// loans counts them.
type loans struct {
	mu  sync.Mutex
	out map[loan]int
}

func (l *loans) add(k loan, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		l.out = map[loan]int{}
	}
	if l.out[k] += by; l.out[k] == 0 {
		delete(l.out, k)
	}
}

func (l *loans) has(k loan) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out[k] > 0
}

// Lend implements api.Stewards.
func (n *Node) Lend(ctx context.Context, spec artel.JobSpec) (done func(), err error) {
	s, err := n.steward(ctx)
	if err != nil {
		return nil, err
	}
	var ks []loan
	for _, root := range []artel.Ref{spec.Program, spec.Input} {
		if !root.IsZero() {
			ks = append(ks, loan{to: s.Node, root: root})
		}
	}
	if !spec.Box.Image.IsZero() {
		ks = append(ks, loan{to: s.Node, image: spec.Box.Image})
	}
	for _, k := range ks {
		n.loans.add(k, 1)
	}
	return sync.OnceFunc(func() {
		for _, k := range ks {
			n.loans.add(k, -1)
		}
	}), nil
}

// Bring implements api.Stewards.
func (n *Node) Bring(ctx context.Context, from artel.NodeID, spec artel.JobSpec) error {
	free, err := spared(n.c.Paths.Root())
	switch {
	case err != nil:
		return fmt.Errorf("take over a job: %w", err)
	case free <= 0:
		return api.Errorf(api.CodeTooLarge, "the steward's disk is full").WithHint("free some space there")
	}
	for _, x := range []struct {
		what  string
		root  artel.Ref
		limit uint64
	}{{"program", spec.Program, handProgram}, {"input", spec.Input, max(spec.Want.Disk, 1)}} {
		if x.root.IsZero() || blob.Complete(ctx, n.blobs, x.root, blob.Limits{}) == nil {
			continue
		}
		limit := int64(min(x.limit, uint64(free)))
		if err := n.fetch(ctx, from, x.root, limit); err != nil {
			return n.notBrought(x.what, from, err)
		}
	}
	if spec.Box.Image.IsZero() || spec.Box.Source != "" {
		return nil // whoever runs it has it from a registry
	}
	if err := n.images.bring(ctx, from, spec); err != nil {
		return n.notBrought("image", from, err)
	}
	return nil
}

func (n *Node) notBrought(what string, from artel.NodeID, err error) error {
	n.c.Log.Info("a job was not taken over", "from", from.Short(), "error", err)
	if errors.Is(err, blob.ErrLimit) {
		return api.Errorf(api.CodeTooLarge, "the steward fetches the job's %s: %v", what, err).WithHint("an input has room in --disk, and on the steward's disk")
	}
	return api.Errorf(api.CodeUnavailable, "the steward fetches the job's %s: %v", what, err).WithHint("hand it over again: what has arrived is kept for a day")
}

// Resting implements api.Stewards.
func (n *Node) Resting(ctx context.Context) (out []api.Resting, err error) {
	lanes, err := n.renter.Resting(ctx)
	for _, l := range lanes {
		out = append(out, api.Resting{Provider: l.Provider, Lane: l.Lane})
	}
	return out, err
}

// homeEvery is how often money that the steward left on lanes is looked for.
const homeEvery = 5 * time.Minute

// bringHome has money come home that the steward booked with machines that are gone:
// it takes the account's key, which the steward has not.
func (n *Node) bringHome(ctx context.Context) error {
	every := time.NewTicker(homeEvery)
	defer every.Stop()
	for {
		if err := n.callHome(ctx); err != nil && ctx.Err() == nil {
			n.c.Log.Debug("call the steward's money home", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

func (n *Node) callHome(ctx context.Context) error {
	s, err := n.steward(ctx)
	if err != nil {
		if api.AsError(err).Code == api.CodeNotFound {
			return nil
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := api.NewConnClient("the steward", func(ctx context.Context) (net.Conn, error) { return n.dialSteward(ctx, s) })
	defer c.Close()
	rest, err := c.Resting(ctx)
	if err != nil {
		return err
	}
	var lanes []chain.LaneRef
	for _, r := range rest[:min(len(rest), renter.MaxResting)] {
		lanes = append(lanes, chain.LaneRef{Provider: r.Provider, Lane: r.Lane})
	}
	return n.renter.CallHome(ctx, s.Node.Address(), lanes)
}

// stewardDoor is the listener on which the account's own node speaks to its steward.
type stewardDoor struct {
	self  artel.NodeID
	conns chan net.Conn
	once  sync.Once
	shut  chan struct{}
}

func newStewardDoor(self artel.NodeID) *stewardDoor {
	return &stewardDoor{self: self, conns: make(chan net.Conn), shut: make(chan struct{})}
}

// StewardDoor returns where nodes of the account whose steward this is connect; nil:
// it is nobody's.
func (n *Node) StewardDoor() net.Listener {
	if n.door == nil {
		return nil
	}
	return n.door
}

// openDoor lets the account's own node in, where the account has another key than
// this node's. Everybody else is turned away before a byte of theirs is read.
func (n *Node) openDoor() {
	owner := n.account()
	if owner == n.c.Key.Address() {
		return
	}
	n.door = newStewardDoor(n.c.Key.NodeID())
	n.host.HandleStream(wire.ProtocolSteward, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
		if from.Address() != owner {
			n.c.Log.Debug("a stranger at the steward's door", "peer", from.Short())
			s.Reset()
			return
		}
		n.door.serve(ctx, from, s)
	})
}

// serve hands a stream to who accepts, and stays until it is closed.
func (d *stewardDoor) serve(ctx context.Context, from artel.NodeID, s p2p.Stream) {
	c := newConn(s, d.self, from)
	select {
	case d.conns <- c:
	case <-d.shut:
		s.Reset()
		return
	case <-ctx.Done():
		s.Reset()
		return
	}
	select {
	case <-c.closed:
	case <-ctx.Done():
	}
}

// Accept implements net.Listener.
func (d *stewardDoor) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *stewardDoor) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

// Addr implements net.Listener.
func (d *stewardDoor) Addr() net.Addr { return nodeAddr(d.self) }

// nodeAddr is a node as net sees it.
type nodeAddr artel.NodeID

func (nodeAddr) Network() string  { return "artel" }
func (a nodeAddr) String() string { return artel.NodeID(a).String() }

// conn is a stream as a net.Conn.
type conn struct {
	p2p.Stream
	self, peer artel.NodeID
	once       sync.Once
	closed     chan struct{}
}

var _ net.Conn = (*conn)(nil)

func newConn(s p2p.Stream, self, peer artel.NodeID) *conn {
	return &conn{Stream: s, self: self, peer: peer, closed: make(chan struct{})}
}

// Peer is whose connection it is; the network has proved it.
func (c *conn) Peer() artel.NodeID   { return c.peer }
func (c *conn) LocalAddr() net.Addr  { return nodeAddr(c.self) }
func (c *conn) RemoteAddr() net.Addr { return nodeAddr(c.peer) }

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Stream.Close()
}
