package evm_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// proxy is an RPC endpoint in front of a chain that misbehaves on demand.
type proxy struct {
	*httptest.Server
	to string

	mu    sync.Mutex // guards the following
	down  bool
	hang  chan struct{}                                              // not nil: answer only when it is closed
	loses bool                                                       // requests arrive, answers do not
	lie   func(method string, params, result json.RawMessage) any    // nil result: pass on
	fail  func(method string, params json.RawMessage) (yes bool)     // answer with an error
	seen  map[string]int                                             // requests by method
	watch func(method string, params json.RawMessage) (proceed bool) // false: pretend to be down from here on
}

type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

func newProxy(t *testing.T, to string) *proxy {
	p := &proxy{to: to, seen: map[string]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// set changes the proxy's behaviour.
func (p *proxy) set(f func(*proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

func (p *proxy) count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[method]
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var in []message
	batch := bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	if batch {
		err = json.Unmarshal(body, &in)
	} else {
		in = make([]message, 1)
		err = json.Unmarshal(body, &in[0])
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	hang := p.hang
	p.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range in {
		p.seen[m.Method]++
		if p.watch != nil && !p.watch(m.Method, m.Params) {
			p.down = true
		}
	}
	if p.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	resp, err := http.Post(p.to, "application/json", bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || p.loses {
		http.Error(w, "lost", http.StatusGatewayTimeout)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.twist(in, answer, batch))
}

// twist applies lies and failures to the answers.
func (p *proxy) twist(in []message, answer []byte, batch bool) []byte {
	var out []message
	if batch {
		if json.Unmarshal(answer, &out) != nil {
			return answer
		}
	} else {
		out = make([]message, 1)
		if json.Unmarshal(answer, &out[0]) != nil {
			return answer
		}
	}
	for i := range out {
		for _, q := range in {
			if !bytes.Equal(q.ID, out[i].ID) {
				continue
			}
			if p.fail != nil && p.fail(q.Method, q.Params) {
				out[i].Result, out[i].Error = nil, json.RawMessage(`{"code":-32000,"message":"no"}`)
			}
			if p.lie != nil && out[i].Error == nil {
				if v := p.lie(q.Method, q.Params, out[i].Result); v != nil {
					out[i].Result, _ = json.Marshal(v)
				}
			}
		}
		if out[i].Result == nil && out[i].Error == nil {
			out[i].Result = json.RawMessage("null")
		}
	}
	var b []byte
	if batch {
		b, _ = json.Marshal(out)
	} else {
		b, _ = json.Marshal(out[0])
	}
	return b
}
