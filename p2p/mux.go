package p2p

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/artel-network/artel"
)

// Mux holds the handlers of a host and runs them the way every adapter must:
// sizes checked first, a panic ends the call and not the node. The zero Mux is
// ready to use.
type Mux struct {
	// Panicked is told of a handler's panic with its stack. It may be nil. Set it
	// before the first call.
	Panicked func(name string, from artel.NodeID, value any, stack []byte)

	mu      sync.RWMutex
	methods map[string]method
	streams map[string]StreamHandler
}

type method struct {
	maxReq  int
	handler Handler
}

// Handle registers a method as Host.Handle says.
func (m *Mux) Handle(name string, maxReq int, h Handler) {
	if err := CheckName(name); err != nil {
		panic(err)
	}
	if maxReq < 0 || maxReq > MaxMessage {
		panic(fmt.Sprintf("p2p: handle %s: maxReq %d is outside 0..%d", name, maxReq, MaxMessage))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, dup := m.methods[name]; dup {
		panic(fmt.Sprintf("p2p: handle %s: a second handler", name))
	}
	if m.methods == nil {
		m.methods = make(map[string]method)
	}
	m.methods[name] = method{maxReq, h}
}

// HandleStream registers a bulk protocol as Host.HandleStream says.
func (m *Mux) HandleStream(name string, h StreamHandler) {
	if err := CheckName(name); err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, dup := m.streams[name]; dup {
		panic(fmt.Sprintf("p2p: handle stream %s: a second handler", name))
	}
	if m.streams == nil {
		m.streams = make(map[string]StreamHandler)
	}
	m.streams[name] = h
}

// Admit says whether a request of size bytes may be read: nil, Unsupported for an
// unknown method, or TooLarge.
func (m *Mux) Admit(name string, size int64) *Error {
	m.mu.RLock()
	e, ok := m.methods[name]
	m.mu.RUnlock()
	if !ok {
		return Errorf(Unsupported, "unknown method %q", clean(name, 64)).WithHint("the peer may run an older artel or another role")
	}
	if size > int64(e.maxReq) {
		return Errorf(TooLarge, "request of %s: %d bytes, at most %d", name, size, e.maxReq)
	}
	return nil
}

// MaxRequest returns the request limit of a method, 0 for an unknown one.
func (m *Mux) MaxRequest(name string) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.methods[name].maxReq
}

// Serve answers one call. Its error is ready for the wire.
func (m *Mux) Serve(ctx context.Context, from artel.NodeID, name string, req []byte) (resp []byte, refusal *Error) {
	if e := m.Admit(name, int64(len(req))); e != nil {
		return nil, e
	}
	m.mu.RLock()
	h := m.methods[name].handler
	m.mu.RUnlock()
	defer func() {
		if v := recover(); v != nil {
			m.panicked(name, from, v)
			resp, refusal = nil, Outgoing(fmt.Errorf("panic: %v", v))
		}
	}()
	resp, err := h(ctx, from, req)
	if err != nil {
		return nil, Outgoing(err)
	}
	if len(resp) > MaxMessage {
		return nil, Errorf(TooLarge, "answer of %s: %d bytes, at most %d", name, len(resp), MaxMessage)
	}
	return resp, nil
}

// ServeStream runs the handler of a bulk protocol and then closes s, or resets it
// when there is none or when it panics.
func (m *Mux) ServeStream(ctx context.Context, from artel.NodeID, name string, s Stream) {
	m.mu.RLock()
	h, ok := m.streams[name]
	m.mu.RUnlock()
	if !ok {
		s.Reset()
		return
	}
	defer func() {
		if v := recover(); v != nil {
			m.panicked(name, from, v)
			s.Reset()
			return
		}
		s.Close()
	}()
	h(ctx, from, s)
}

// Streams lists the bulk protocols that have a handler.
func (m *Mux) Streams() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	names := make([]string, 0, len(m.streams))
	for n := range m.streams {
		names = append(names, n)
	}
	return names
}

// HasStream reports whether a bulk protocol has a handler.
func (m *Mux) HasStream(name string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.streams[name]
	return ok
}

func (m *Mux) panicked(name string, from artel.NodeID, v any) {
	if m.Panicked != nil {
		m.Panicked(name, from, v, debug.Stack())
	}
}

// Judge runs a validator; one that panics ignores the message.
func (m *Mux) Judge(ctx context.Context, topic string, v Validator, msg Message) (verdict Verdict) {
	defer func() {
		if p := recover(); p != nil {
			m.panicked("validate "+topic, msg.From, p)
			verdict = Ignore
		}
	}()
	return v(ctx, msg)
}

// Deliver hands a message over; a panic loses that message only.
func (m *Mux) Deliver(topic string, deliver func(Message), msg Message) {
	defer func() {
		if p := recover(); p != nil {
			m.panicked("deliver "+topic, msg.From, p)
		}
	}()
	deliver(msg)
}
