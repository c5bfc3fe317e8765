package fake

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// Brought is what a steward was told to fetch.
type Brought struct {
	From artel.NodeID
	Spec artel.JobSpec
	Lent int // specs that were lent when it did
}

// Steward implements api.Stewards.
func (n *Node) Steward(context.Context) (api.Steward, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.steward, nil
}

// SetSteward implements api.Stewards. The fake is its own steward, whatever is named.
func (n *Node) SetSteward(_ context.Context, r api.StewardRequest) (api.Steward, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.steward = (api.Steward{}); r.Node != "" {
		k := key(20)
		n.steward = api.Steward{Node: k.NodeID(), Signer: k.Address(), Addrs: []string{"/ip4/127.0.0.1/tcp/1"}, Reachable: true, Release: "fake"}
	}
	return n.steward, nil
}

// DialSteward implements api.Stewards: at the other end is the API of the same fake,
// as a steward serves it.
func (n *Node) DialSteward(context.Context) (net.Conn, error) {
	if s, _ := n.Steward(context.Background()); s.Node == (artel.NodeID{}) {
		return nil, api.Errorf(api.CodeNotFound, "no steward is named").WithHint("artel steward NODE")
	}
	here, there := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	c := &stewardConn{Conn: there, peer: n.key.NodeID(), closed: cancel}
	l := &oneConn{conn: make(chan net.Conn, 1), shut: make(chan struct{})}
	l.conn <- c
	s := api.NewServer(n, api.Version{Program: "artel", Release: "fake"}, slog.New(slog.DiscardHandler))
	go s.Serve(ctx, l, api.Guard{Steward: true})
	return here, nil
}

// Lend implements api.Stewards.
func (n *Node) Lend(_ context.Context, spec artel.JobSpec) (func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lent = append(n.lent, spec)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.lent = n.lent[:len(n.lent)-1]
	}, nil
}

// Lent counts what is lent now.
func (n *Node) Lent() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.lent)
}

// Bring implements api.Stewards.
func (n *Node) Bring(_ context.Context, from artel.NodeID, spec artel.JobSpec) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.brought = append(n.brought, Brought{from, spec, len(n.lent)})
	return nil
}

// Resting implements api.Stewards.
func (n *Node) Resting(context.Context) ([]api.Resting, error) {
	return []api.Resting{{Provider: key(10).Address(), Lane: 5}}, nil
}

// Brought lists what Bring was asked for.
func (n *Node) Brought() []Brought {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Brought(nil), n.brought...)
}

// stewardConn says whose it is, and ends its server with it.
type stewardConn struct {
	net.Conn
	peer   artel.NodeID
	closed func()
}

func (c *stewardConn) Peer() artel.NodeID { return c.peer }

func (c *stewardConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// oneConn accepts what is in it.
type oneConn struct {
	conn chan net.Conn
	once sync.Once
	shut chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.shut:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.shut) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "steward", Net: "unix"} }
