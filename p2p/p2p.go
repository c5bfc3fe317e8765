// Package p2p is the door to other nodes: who they are, how they are reached,
// one question and one answer (Call), bytes in bulk (OpenStream), and news for
// everybody (Publish).
//
// It holds the port: the Host interface, its values and its errors. Adapters
// live below: libp2p for the real network and mem for simulations; p2ptest is
// the suite that both pass. The bytes on the wire are described in
// docs/spec/transport.md.
//
// Whatever arrives here was sent by a stranger. A host proves who the sender is
// (the NodeID handed to handlers is authenticated), holds every message to its
// size limit before it is read, and survives a handler that panics; what the
// bytes mean is for the handler to distrust.
package p2p

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/artel-network/artel"
)

// Limits that hold on every network.
const (
	// MaxMessage is the most that one request or one answer of Call may hold,
	// whatever a method allows. More belongs on a stream.
	MaxMessage = 4 << 20
	// MaxGossip is the most that one published message may hold.
	MaxGossip = 64 << 10
	// MaxCallTime is the longest that a host lets a handler work on one call,
	// whatever deadline the caller claims. Long polls stay well below it.
	MaxCallTime = 60 * time.Second
)

// Host is one node's presence on one network. It is made by an adapter, which
// starts nothing; Run brings it up and keeps it up. Handlers, streams and
// subscriptions are best registered before Run, so that no peer is refused in
// between. All methods may be called at any time from any goroutine: Connect,
// Call, OpenStream and Publish wait until the host is up (or ctx ends), and
// answer Unavailable once Run has returned.
type Host interface {
	// ID is the node's key, which is also its address on the network.
	ID() artel.NodeID

	// Addrs lists the full addresses at which peers may Connect to this node,
	// each with its identity. Empty before the host is up; it changes as
	// the node learns how it is seen from outside.
	Addrs() []string

	// Ready is closed once the host listens and Addrs says where.
	Ready() <-chan struct{}

	// Connect dials one full address and shakes hands: same network (its whole
	// hash), a wire version that both speak, and the identity the address names.
	// It does nothing when the two are already connected. Errors: Invalid for
	// an address that is none, OtherNetwork, Version, Unavailable.
	Connect(ctx context.Context, addr string) error

	// Handle answers calls of method. A request over maxReq bytes is refused
	// with TooLarge before it is read. It panics on a bad method name, on a
	// maxReq outside 0..MaxMessage, and on a second handler for one method.
	Handle(method string, maxReq int, h Handler)

	// Call asks a peer and waits for its one answer, at most maxResp bytes. The
	// peer is dialled if need be, at addresses learnt from Connect or discovery.
	// The deadline of ctx travels along; cancelling ctx cancels the handler's.
	//
	// An error of the handler arrives as *Error with Remote set. Without Remote
	// the error was made here; then the handler may or may not have run, so
	// calls must be safe to repeat. When ctx ended, the error wraps ctx.Err().
	Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error)

	// HandleStream serves bulk protocol. It panics as Handle does.
	HandleStream(protocol string, h StreamHandler)

	// OpenStream opens a stream of its own to the peer, dialling as Call does.
	// ctx governs the opening only. A peer that does not speak protocol gives
	// Unsupported.
	OpenStream(ctx context.Context, to artel.NodeID, protocol string) (Stream, error)

	// Publish sends data to everybody subscribed to topic: best effort, in no
	// order, perhaps more than once. The publisher does not receive its own.
	// Errors: TooLarge over MaxGossip. No subscribers is not an error.
	Publish(ctx context.Context, topic string, data []byte) error

	// Subscribe receives topic. Each message goes through validate, which
	// decides whether it is delivered and passed on, then to deliver, one at a
	// time. validate may run concurrently and should be cheap, cheapest check
	// first; it sees a message at most once in about two minutes, after which a
	// replayed one looks new: freshness is validate's to check. Messages are
	// dropped while deliver lags behind. Signatures of the origin are verified
	// before validate. A topic takes one subscription at a time (Conflict).
	Subscribe(topic string, validate Validator, deliver func(Message)) (cancel func(), err error)

	// Peers lists the connected peers that shook hands.
	Peers() []Peer

	// Watch calls f with every later change of Peers, one at a time and in
	// order. f must return at once: it may not block or call the host.
	Watch(f func(Event)) (cancel func())

	// Run brings the host up, keeps it connected, and returns when ctx ends,
	// after everything it started has stopped; its error is nil then. It may be
	// called once.
	Run(ctx context.Context) error
}

// Handler answers one call. from is authenticated, req is the handler's own. ctx
// ends when the caller gives up, at the caller's deadline or after MaxCallTime,
// whichever is first, and when the host stops. Return an *Error for what the
// caller should know; any other error reaches it as Internal, without its text.
type Handler func(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error)

// StreamHandler serves one stream, which is closed when it returns. ctx ends
// when the host stops. Neither side trusts the other to be quick: set deadlines.
type StreamHandler func(ctx context.Context, from artel.NodeID, s Stream)

// Stream is an ordered, reliable, encrypted pipe to one peer with backpressure:
// Write blocks while the peer does not read. Streams of one pair do not wait for
// each other.
type Stream interface {
	io.Reader
	io.Writer
	// CloseWrite tells the peer that nothing more comes (its Read gives io.EOF).
	CloseWrite() error
	// Close ends both directions cleanly; what was written still arrives.
	Close() error
	// Reset drops the stream at once; the peer's Read and Write fail.
	Reset() error
	// SetDeadline bounds later and pending Read and Write calls; the zero time
	// lifts it. After it they fail with os.ErrDeadlineExceeded.
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Message is one published message.
type Message struct {
	// Origin signed and published the message.
	Origin artel.NodeID
	// From is the neighbour that passed it on, and answers for it.
	From artel.NodeID
	// Data is read only: others may hold the same bytes.
	Data []byte
}

// Validator judges a message before it is delivered or passed on.
type Validator func(ctx context.Context, m Message) Verdict

// Verdict is what a Validator decides.
type Verdict int

const (
	// Ignore drops the message and blames nobody: stale, over a rate, unknown.
	// It is the zero Verdict.
	Ignore Verdict = iota
	// Accept delivers the message and passes it on.
	Accept
	// Reject drops the message and counts against the neighbour that passed it
	// on: no honest node would have.
	Reject
)

// String names the verdict.
func (v Verdict) String() string {
	switch v {
	case Accept:
		return "accept"
	case Reject:
		return "reject"
	case Ignore:
		return "ignore"
	}
	return fmt.Sprintf("verdict(%d)", int(v))
}

// Peer is a connected peer.
type Peer struct {
	ID artel.NodeID
	// Version of the wire that both speak, the highest common one.
	Version uint32
	// Addr is the address of the other end as seen here; for people.
	Addr string
	// Inbound says that the peer dialled us.
	Inbound bool
	// Relayed says that bytes pass through a third node, which limits how many.
	Relayed bool
}

// Event is a change of the connected peers.
type Event struct {
	Peer      artel.NodeID
	Connected bool
}

// Versions is the range of wire versions that a node speaks, both ends included.
type Versions struct{ Min, Max uint32 }

// Agree returns the highest version that both speak, or a Version error that
// says which side must upgrade.
func (v Versions) Agree(theirs Versions) (uint32, error) {
	if theirs.Min > theirs.Max || v.Min > v.Max {
		return 0, Errorf(Invalid, "wire versions %d..%d and %d..%d: empty range", v.Min, v.Max, theirs.Min, theirs.Max)
	}
	top := min(v.Max, theirs.Max)
	if top >= max(v.Min, theirs.Min) {
		return top, nil
	}
	e := Errorf(Version, "no common wire version: here %d..%d, peer %d..%d", v.Min, v.Max, theirs.Min, theirs.Max)
	if theirs.Min > v.Max {
		return 0, e.WithHint("upgrade artel on this machine")
	}
	return 0, e.WithHint("the peer runs an older artel and must upgrade")
}

// CheckName reports whether s can name a method, a topic or a protocol: 1 to 64
// of a-z, 0-9, dot, dash and slash, with a letter first and no slash last.
func CheckName(s string) error {
	ok := len(s) >= 1 && len(s) <= 64 && s[0] >= 'a' && s[0] <= 'z' && s[len(s)-1] != '/'
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '/' && s[i-1] != '/'
	}
	if !ok {
		return Errorf(Invalid, "bad name %q", clean(s, 80)).WithHint("use 1 to 64 of a-z 0-9 . - /, a letter first")
	}
	return nil
}
