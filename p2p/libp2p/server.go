package libp2p

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

const (
	helloPath     = "/.hello" // no method can have this name
	timeoutHeader = "Connect-Timeout-Ms"
	versionHeader = "Connect-Protocol-Version"
	callType      = "application/proto"
	errorType     = "application/json"

	maxHeader  = 4 << 10         // bytes of request or response headers
	serverIdle = 2 * time.Minute // longer than clientIdle: the caller hangs up first
	// eager is how much of a body is allocated on the caller's word; more only as
	// it arrives.
	eager = 64 << 10
)

// streamConn is a libp2p stream as net/http wants it.
type streamConn struct {
	network.Stream
	node artel.NodeID
}

type streamAddr string

func (streamAddr) Network() string  { return "libp2p" }
func (a streamAddr) String() string { return string(a) }

func (c streamConn) LocalAddr() net.Addr  { return streamAddr(c.Conn().LocalPeer().String()) }
func (c streamConn) RemoteAddr() net.Addr { return streamAddr(c.node.String()) }

// streamListener hands incoming streams to net/http.
type streamListener struct {
	conns chan net.Conn
	done  <-chan struct{}
}

func (l streamListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l streamListener) Close() error   { return nil }
func (l streamListener) Addr() net.Addr { return streamAddr("rpc") }

type callerKey struct{}

// serveCalls answers calls, and makes the client that asks them.
func (h *Host) serveCalls(ctx context.Context) {
	h.calls = h.newTransport()
	l := streamListener{make(chan net.Conn), ctx.Done()}
	h.lib.SetStreamHandler(h.rpcID(), func(s network.Stream) {
		node, ok := nodeID(s.Conn().RemotePeer())
		if !ok {
			s.Reset()
			return
		}
		select {
		case l.conns <- streamConn{s, node}:
		case <-ctx.Done():
			s.Reset()
		}
	})
	server := &http.Server{
		Handler:                      http.HandlerFunc(h.serveCall),
		ReadHeaderTimeout:            h.headerTime,
		IdleTimeout:                  serverIdle,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // what strangers send is not worth a line
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, callerKey{}, c.(streamConn))
		},
	}
	h.work.Go(func() { server.Serve(l) })
	h.work.Go(func() { <-ctx.Done(); server.Close() })
}

// serveCall answers one call, or one hello.
func (h *Host) serveCall(w http.ResponseWriter, r *http.Request) {
	if !h.begin() {
		h.refuse(w, p2p.Errorf(p2p.Unavailable, "this node is stopping"))
		return
	}
	defer h.work.Done()
	caller, ok := r.Context().Value(callerKey{}).(streamConn)
	if !ok {
		h.refuse(w, p2p.Errorf(p2p.Internal, "no caller"))
		return
	}
	version, err := h.checkHello(r.Header.Get(helloHeader))
	if err != nil {
		h.refuse(w, p2p.Outgoing(err))
		return
	}
	h.meets(caller.Conn().RemotePeer(), version)
	if r.URL.Path == helloPath {
		h.reply(w, nil)
		return
	}
	method := strings.TrimPrefix(r.URL.Path, "/")
	req, refusal := h.readRequest(w, r, method)
	if refusal != nil {
		w.Header().Set("Connection", "close") // do not look for the next call in an unread body
		h.refuse(w, refusal)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTime(r.Header.Get(timeoutHeader)))
	defer cancel()
	resp, refusal := h.mux.Serve(ctx, caller.node, method, req)
	if refusal != nil {
		h.refuse(w, refusal)
		return
	}
	h.reply(w, resp)
}

// readRequest reads a request that the method admits.
func (h *Host) readRequest(w http.ResponseWriter, r *http.Request, method string) ([]byte, *p2p.Error) {
	if r.Method != http.MethodPost || r.ContentLength < 0 {
		return nil, p2p.Errorf(p2p.Invalid, "a call is a POST with a Content-Length")
	}
	if refusal := h.mux.Admit(method, r.ContentLength); refusal != nil {
		return nil, refusal
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(h.bodyTime))
	body, err := readBody(r.Body, r.ContentLength)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "the request broke off")
	}
	// The handler may take its time; from here on a read error means that the
	// caller hung up, and ends the request's context.
	control.SetReadDeadline(time.Time{})
	return body, nil
}

// readBody reads exactly n bytes, allocating as they come.
func readBody(r io.Reader, n int64) ([]byte, error) {
	if n <= eager {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	b.Grow(eager)
	if got, err := io.Copy(&b, io.LimitReader(r, n)); err != nil || got != n {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return b.Bytes(), nil
}

// callTime is how long a handler may take, by the caller's word and our cap.
func callTime(header string) time.Duration {
	ms, err := strconv.ParseUint(header, 10, 32)
	if err != nil {
		return p2p.MaxCallTime
	}
	return min(time.Duration(ms)*time.Millisecond, p2p.MaxCallTime)
}

// answering starts an answer: the caller has so long to take it.
func (h *Host) answering(w http.ResponseWriter) http.Header {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.bodyTime))
	return w.Header()
}

func (h *Host) reply(w http.ResponseWriter, resp []byte) {
	header := h.answering(w)
	header["Date"] = nil
	header["Content-Type"] = []string{callType}
	header["Content-Length"] = []string{strconv.Itoa(len(resp))}
	header[helloHeader] = []string{h.greeting}
	w.Write(resp)
}

func (h *Host) refuse(w http.ResponseWriter, e *p2p.Error) {
	header := h.answering(w)
	header["Date"] = nil
	header["Content-Type"] = []string{errorType}
	header[helloHeader] = []string{h.greeting}
	w.WriteHeader(statusOf(e.Code))
	w.Write(encodeError(e))
}

// statusOf follows the HTTP statuses that Connect gives its codes; programs look
// at the code in the body.
func statusOf(c p2p.Code) int {
	switch c {
	case p2p.Invalid, p2p.TooLarge, p2p.OtherNetwork, p2p.Version:
		return http.StatusBadRequest
	case p2p.Unauthorized:
		return http.StatusUnauthorized
	case p2p.Refused, p2p.Unpaid:
		return http.StatusForbidden
	case p2p.NotFound:
		return http.StatusNotFound
	case p2p.Conflict:
		return http.StatusConflict
	case p2p.Busy:
		return http.StatusTooManyRequests
	case p2p.Unsupported:
		return http.StatusNotImplemented
	case p2p.Unavailable:
		return http.StatusServiceUnavailable
	case p2p.Timeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// wireError is the JSON of a refusal, as in Connect's unary protocol, with a hint.
type wireError struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// maxErrorBody holds three texts with every byte escaped.
const maxErrorBody = 16 << 10

func encodeError(e *p2p.Error) []byte {
	b, err := json.Marshal(wireError{string(e.Code), e.Message, e.Hint})
	if err != nil { // no field can fail
		return []byte(`{"code":"internal"}`)
	}
	return b
}

// decodeError reads a refusal; what is none becomes Internal.
func decodeError(b []byte) *p2p.Error {
	var e wireError
	if len(b) > maxErrorBody || json.Unmarshal(b, &e) != nil {
		return p2p.Incoming(p2p.Error{Code: p2p.Internal, Message: "unreadable error"})
	}
	return p2p.Incoming(p2p.Error{Code: p2p.Code(e.Code), Message: e.Message, Hint: e.Hint})
}
