package api

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/artel-network/artel"
)

// Stewards is how another node of the account, which is on when this one is not,
// drives jobs: the steward. Its API is reached over the network and through this
// node's; it takes the calls that Remote lists from nodes of its account alone.
type Stewards interface {
	// Steward returns the node that was named as steward, as it is seen now. A zero
	// Node: none was.
	Steward(ctx context.Context) (Steward, error)
	// SetSteward looks the node up, has it say that it works for this account, and
	// remembers it; one without a Node forgets it.
	SetSteward(ctx context.Context, r StewardRequest) (Steward, error)
	// DialSteward opens a connection to the steward's API; not-found where none was named.
	DialSteward(ctx context.Context) (net.Conn, error)
	// Lend lets the steward read what a job needs until done is called.
	Lend(ctx context.Context, spec artel.JobSpec) (done func(), err error)
	// Bring fetches what a job needs from the node that hands it over. When it returns
	// nil all of it is stored here.
	Bring(ctx context.Context, from artel.NodeID, spec artel.JobSpec) error
	// Resting lists lanes of this node's key on which money lies for nothing. Only the
	// account's own key can call it home.
	Resting(ctx context.Context) ([]Resting, error)
}

// Steward is a node that drives jobs of this account.
type Steward struct {
	Node      artel.NodeID  `json:"node,omitzero"`
	Signer    artel.Address `json:"signer"` // its key, as the ledger knows session signers
	Addrs     []string      `json:"addrs,omitempty"`
	Reachable bool          `json:"reachable"`
	Release   string        `json:"release,omitempty"`
	Message   string        `json:"message,omitempty"` // why it is not reachable
	Allowance artel.Amount  `json:"allowance"`         // what it may still book
	Until     time.Time     `json:"until,omitzero"`    // until when; zero: it has no rights
}

// Resting is a lane that rests with money booked on it.
type Resting struct {
	Provider artel.Address `json:"provider"`
	Lane     uint64        `json:"lane"`
}

// StewardRequest names a steward: by node id, by peer id or by a multiaddr that ends
// in one. Empty: there is to be none.
type StewardRequest struct {
	Node string `json:"node"`
}

// headerSteward marks a request that this node's daemon passes on to the steward.
const headerSteward = "Artel-Steward"

// remote lists what a steward answers over the network: nothing that touches its own
// files, its machine, its keys or the ledger.
var remote = map[string]bool{
	"GET /v1/version": true, "GET /v1/status": true, "GET /v1/network": true, "GET /v1/chain": true,
	"POST /v1/quote": true, "POST /v1/jobs": true, "GET /v1/jobs": true, "GET /v1/jobs/{id}": true,
	"POST /v1/jobs/{id}/cancel": true, "POST /v1/jobs/{id}/remove": true, "POST /v1/jobs/{id}/visit": true,
	"GET /v1/jobs/{id}/events": true, "GET /v1/jobs/{id}/logs": true, "GET /v1/jobs/{id}/files": true, "GET /v1/jobs/{id}/output": true,
	"GET /v1/services": true, "POST /v1/services/{name}/scale": true, "POST /v1/services/{name}/stop": true,
	"GET /v1/offers": true, "GET /v1/leases": true,
	"GET /v1/wallet": true, "GET /v1/wallet/vouchers": true, "GET /v1/wallet/statement": true, "GET /v1/wallet/resting": true,
}

// notRemote answers what is not in remote.
func notRemote(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	return nil, Errorf(CodeForbidden, "a steward does not answer %s %s over the network", clip(r.Method), clip(r.URL.Path)).WithHint("ask on the steward's own machine")
}

// peerKey is under what a request's context carries the node that it came from.
type peerKey struct{}

// fromPeer notes on whose connection a request comes, where the listener knows.
func fromPeer(ctx context.Context, c net.Conn) context.Context {
	if p, ok := c.(interface{ Peer() artel.NodeID }); ok {
		return context.WithValue(ctx, peerKey{}, p.Peer())
	}
	return ctx
}

// bring has what a job needs here before a steward takes it.
func (s *Server) bring(r *http.Request, spec artel.JobSpec) error {
	from, ok := r.Context().Value(peerKey{}).(artel.NodeID)
	if !ok {
		return Errorf(CodeForbidden, "the connection is no node's")
	}
	return s.node.Bring(r.Context(), from, spec)
}

// status leaves out what is the machine's own business where the network asks.
func (s *Server) status(_ http.ResponseWriter, r *http.Request, g Guard) (any, error) {
	st, err := s.node.Status(r.Context())
	if g.Steward {
		st.PID, st.DataDir = 0, ""
	}
	return st, err
}

func (s *Server) setSteward(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[StewardRequest](w, r)
	if err != nil {
		return nil, err
	}
	if len(q.Node) > 1024 {
		return nil, Errorf(CodeInvalid, "steward: a node of %d bytes, at most 1024", len(q.Node))
	}
	return s.node.SetSteward(r.Context(), q)
}

// Steward returns a client of the same daemon whose calls go on to its steward.
func (c *Client) Steward() *Client {
	to := *c
	to.steward, to.local = true, false
	return &to
}

// StewardNode returns who the steward is.
func (c *Client) StewardNode(ctx context.Context) (Steward, error) {
	return get[Steward](ctx, c, "/v1/steward", nil)
}

// SetSteward names the steward.
func (c *Client) SetSteward(ctx context.Context, r StewardRequest) (Steward, error) {
	return post[Steward](ctx, c, "/v1/steward", r)
}

// Resting returns lanes on which money lies for nothing.
func (c *Client) Resting(ctx context.Context) ([]Resting, error) {
	return get[[]Resting](ctx, c, "/v1/wallet/resting", nil)
}

// maxConnAnswer bounds an answer of another node, in bytes.
const maxConnAnswer = 4 << 20

// NewConnClient returns a client that speaks to an API on connections that dial makes;
// where names it in messages. It takes no more than 4 MiB for an answer: who answers is
// another node.
func NewConnClient(where string, dial func(context.Context) (net.Conn, error)) *Client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }, DisableKeepAlives: true}
	return &Client{http: &http.Client{Transport: t}, base: "http://artel", where: where, most: maxConnAnswer}
}
