package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/artel-network/artel/wire"
)

// Visits look into running tasks.
type Visits interface {
	// Visit opens a stream of frames (wire.ProtocolVisit, after FrameOpened) to the
	// attempt of a task that runs now; conflict where none does. With v.Any id is the name
	// of a service, and the visit goes to a healthy replica of it, each in turn.
	Visit(ctx context.Context, id string, v VisitRequest) (io.ReadWriteCloser, error)
}

// VisitRequest says what to do beside a running task.
type VisitRequest struct {
	Task uint64         `json:"task"` // its index in the array
	Kind wire.VisitKind `json:"kind"`
	Args []string       `json:"args,omitempty"`
	Env  []string       `json:"env,omitempty"` // NAME=value
	Dir  string         `json:"dir,omitempty"`
	TTY  bool           `json:"tty,omitempty"`
	Rows uint16         `json:"rows,omitempty"`
	Cols uint16         `json:"cols,omitempty"`
	Port uint16         `json:"port,omitempty"`
	Any  bool           `json:"any,omitempty"` // to any replica of a service, in the place of Task
}

// Wire is the request as it travels, without lease and attempt.
func (v VisitRequest) Wire() wire.Visit {
	return wire.Visit{
		Kind: v.Kind, Args: v.Args, Env: v.Env, Dir: v.Dir, TTY: v.TTY, Rows: uint32(v.Rows), Cols: uint32(v.Cols), Port: uint32(v.Port),
	}
}

// upgrade is the protocol that a visit's connection becomes.
const upgrade = "artel-visit"

// visit answers with a stream of frames in place of HTTP.
func (s *Server) visit(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	if r.Header.Get("Upgrade") != upgrade {
		return nil, Errorf(CodeInvalid, "a visit upgrades its connection to %s", upgrade)
	}
	q, err := body[VisitRequest](w, r)
	if err != nil {
		return nil, err
	}
	if err := q.Wire().Check(); err != nil {
		return nil, err
	}
	if q.Kind == wire.VisitCheck {
		return nil, Errorf(CodeInvalid, "health checks are the daemon's own: each is paid for")
	}
	peer, err := s.node.Visit(r.Context(), r.PathValue("id"), q)
	if err != nil {
		return nil, err
	}
	defer peer.Close()
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, Errorf(CodeUnsupported, "visit: %v", err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+upgrade+"\r\n\r\n"); err != nil {
		return written{}, nil
	}
	stop := context.AfterFunc(r.Context(), func() { conn.Close(); peer.Close() })
	defer stop()
	ended := make(chan struct{})
	go func() { // either side's end is the end of both
		defer close(ended)
		io.Copy(peer, buf.Reader)
		peer.Close()
	}()
	io.Copy(conn, peer)
	conn.Close()
	<-ended
	return written{}, nil
}

// Visit opens a visit to a running task. Frames are read from and written to what
// it returns, which is the caller's to close; ctx bounds the opening alone.
func (c *Client) Visit(ctx context.Context, id string, v VisitRequest) (io.ReadWriteCloser, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, Errorf(CodeInvalid, "ask the daemon: %v", err)
	}
	// The request's context would end the stream; what is opened outlives it.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	req, err := http.NewRequestWithContext(life, http.MethodPost, c.base+"/v1/jobs/"+url.PathEscape(id)+"/visit", bytes.NewReader(b))
	if err != nil {
		cancel()
		return nil, Errorf(CodeInvalid, "ask the daemon: %v", err)
	}
	req.Header.Set("Content-Type", typeJSON)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", upgrade)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.steward {
		req.Header.Set(headerSteward, "1")
	}
	res, err := c.http.Do(req)
	if err != nil {
		cancel()
		return nil, c.dialError(ctx, err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer cancel()
		defer res.Body.Close()
		return nil, responseError(res)
	}
	conn, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !stop() {
		res.Body.Close()
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, Errorf(CodeIncompatible, "the daemon did not open a stream")
	}
	return visitConn{conn, cancel}, nil
}

type visitConn struct {
	io.ReadWriteCloser
	cancel context.CancelFunc
}

func (v visitConn) Close() error {
	err := v.ReadWriteCloser.Close()
	v.cancel()
	return err
}
