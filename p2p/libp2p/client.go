package libp2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

const (
	clientIdle = time.Minute
	dialTime   = 15 * time.Second
	// patience is how long an answer may take beyond the longest call.
	patience = p2p.MaxCallTime + 15*time.Second
)

func (h *Host) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            h.dialCall,
		DisableCompression:     true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        maxCallStreams * 3 / 4, // further calls wait here rather than be cut off there
		IdleConnTimeout:        clientIdle,
		ResponseHeaderTimeout:  patience,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// dialCall opens a stream for calls to the node that the address names.
func (h *Host) dialCall(ctx context.Context, _, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	node, err := artel.ParseNodeID(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "artel call"), dialTime)
	defer cancel()
	s, err := h.lib.NewStream(ctx, peerID(node), h.rpcID())
	if err != nil {
		return nil, h.streamError(err)
	}
	return streamConn{s, node}, nil
}

// streamError explains why a stream of a known protocol could not be opened.
func (h *Host) streamError(err error) error {
	var unknown multistream.ErrNotSupported[protocol.ID]
	if errors.As(err, &unknown) {
		return p2p.OtherNetworkError(h.Network)
	}
	return err
}

// Call asks a peer.
func (h *Host) Call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	resp, err := h.call(ctx, to, method, req, maxResp)
	if err != nil {
		return nil, fmt.Errorf("call %s of %s: %w", method, to.Short(), err)
	}
	return resp, nil
}

func (h *Host) call(ctx context.Context, to artel.NodeID, method string, req []byte, maxResp int) ([]byte, error) {
	if err := p2p.CheckName(method); err != nil {
		return nil, err
	}
	if len(req) > p2p.MaxMessage {
		return nil, p2p.Errorf(p2p.TooLarge, "request: %d bytes, at most %d", len(req), p2p.MaxMessage)
	}
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	if _, err := h.reach(ctx, to); err != nil {
		return nil, err
	}
	resp, _, err := h.post(ctx, to, "/"+method, req, maxResp)
	return resp, err
}

// post makes one exchange and returns the answer and the version agreed on.
func (h *Host) post(ctx context.Context, to artel.NodeID, path string, body []byte, maxResp int) ([]byte, uint32, error) {
	header := http.Header{
		"Content-Type": {callType},
		"User-Agent":   nil,
		versionHeader:  {"1"},
		helloHeader:    {h.greeting},
	}
	if d, ok := ctx.Deadline(); ok {
		header[timeoutHeader] = []string{strconv.FormatInt(max(1, time.Until(d).Milliseconds()), 10)}
	}
	r := (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: to.String(), Path: path},
		Header: header, ContentLength: int64(len(body)), Body: http.NoBody,
	}).WithContext(ctx)
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := h.calls.RoundTrip(r)
	if err != nil {
		return nil, 0, h.callError(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody+1))
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, decodeError(text)
	}
	version, err := h.checkHello(resp.Header.Get(helloHeader))
	switch {
	case err != nil:
		return nil, 0, err
	case resp.ContentLength < 0:
		return nil, 0, p2p.Errorf(p2p.Invalid, "the answer has no length")
	case resp.ContentLength > int64(min(maxResp, p2p.MaxMessage)):
		return nil, 0, p2p.Errorf(p2p.TooLarge, "answer: %d bytes, at most %d", resp.ContentLength, maxResp)
	}
	answer, err := readBody(resp.Body, resp.ContentLength)
	if err != nil {
		return nil, 0, h.callError(ctx, err)
	}
	return answer, version, nil
}

// callError is localError, or says that this host is stopping.
func (h *Host) callError(ctx context.Context, err error) error {
	select {
	case <-h.gone:
		return h.goneError()
	default:
		return localError(ctx, err)
	}
}
