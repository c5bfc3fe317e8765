package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// maxAnswer bounds what an endpoint may send for one request, in bytes.
const maxAnswer = 32 << 20

// endpoint is one RPC server. It is dialled at first use and again after a
// failure to dial.
type endpoint struct {
	url  string
	name string // without secrets, for messages

	mu     sync.Mutex // guards the following
	client *rpc.Client
}

func newEndpoint(s string) (*endpoint, error) {
	if err := checkURL(s); err != nil {
		return nil, err
	}
	name := s
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		name = u.Scheme + "://" + u.Host // keys of paid services are in the path or the query
	}
	return &endpoint{url: s, name: name}, nil
}

func (e *endpoint) dial(ctx context.Context) (*rpc.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return e.client, nil
	}
	c, err := rpc.DialOptions(ctx, e.url, rpc.WithBatchResponseSizeLimit(maxAnswer), rpc.WithWebsocketMessageSizeLimit(maxAnswer))
	if err != nil {
		return nil, err
	}
	e.client = c
	return c, nil
}

func (e *endpoint) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		e.client.Close()
		e.client = nil
	}
}

// call makes one request. A nil *json.RawMessage result of "null" stays null.
func (e *endpoint) call(ctx context.Context, result any, method string, args ...any) error {
	c, err := e.dial(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, hideURL(err, e))
	}
	if err := c.CallContext(ctx, result, method, args...); err != nil {
		return fmt.Errorf("%s: %s: %w", e.name, method, hideURL(err, e))
	}
	return nil
}

// batch makes several requests at once; the first error of any is returned.
func (e *endpoint) batch(ctx context.Context, elems []rpc.BatchElem) error {
	if len(elems) == 0 {
		return nil
	}
	c, err := e.dial(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, hideURL(err, e))
	}
	if err := c.BatchCallContext(ctx, elems); err != nil {
		return fmt.Errorf("%s: %w", e.name, hideURL(err, e))
	}
	for _, el := range elems {
		if el.Error != nil {
			return fmt.Errorf("%s: %s: %w", e.name, el.Method, el.Error)
		}
	}
	return nil
}

// hideURL keeps an endpoint's secret path out of messages.
func hideURL(err error, e *endpoint) error {
	if e.name == e.url || !strings.Contains(err.Error(), e.url) {
		return err
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return errors.New(strings.ReplaceAll(err.Error(), e.url, e.name))
}

type answer[T any] struct {
	from  *endpoint
	value T
	err   error
}

// askAll asks every endpoint at once and returns the answers as they come.
func askAll[T any](ctx context.Context, l *Ledger, fetch func(context.Context, *endpoint) (T, error)) <-chan answer[T] {
	out := make(chan answer[T], len(l.endpoints))
	for _, e := range l.endpoints {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, l.timeout)
			defer cancel()
			v, err := fetch(ctx, e)
			out <- answer[T]{e, v, err}
		}()
	}
	return out
}

// agree returns what a quorum of the endpoints answers alike. ErrDisagree: they
// contradict each other; ErrUnreachable: too few answer.
func agree[T any](ctx context.Context, l *Ledger, what string, fetch func(context.Context, *endpoint) (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	asking, enough := context.WithCancel(ctx)
	defer enough()
	answers := askAll(asking, l, fetch)
	votes := map[string][]string{}
	var errs []error
	for range l.endpoints {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		b, err := json.Marshal(a.value)
		if err != nil {
			return zero, fmt.Errorf("read %s: %w", what, err)
		}
		votes[string(b)] = append(votes[string(b)], a.from.name)
		if len(votes[string(b)]) >= l.quorum {
			return a.value, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	if len(votes) > 1 {
		return zero, fmt.Errorf("read %s: %w (%d different answers, a quorum is %d); hint: %s", what, chain.ErrDisagree, len(votes), l.quorum, chain.ErrDisagree.Hint())
	}
	return zero, unreachable(what, errs)
}

func unreachable(what string, errs []error) error {
	return fmt.Errorf("read %s: %w: %w; hint: %s", what, chain.ErrUnreachable, errors.Join(errs...), chain.ErrUnreachable.Hint())
}

// anyOf returns the first answer that is not an error: for what is checked
// later, or harms nobody when wrong.
func anyOf[T any](ctx context.Context, l *Ledger, what string, fetch func(context.Context, *endpoint) (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	var errs []error
	for _, e := range l.endpoints {
		c, cancel := context.WithTimeout(ctx, l.timeout)
		v, err := fetch(c, e)
		cancel()
		if err == nil {
			return v, nil
		}
		var no rpc.DataError
		if errors.As(err, &no) && no.ErrorData() != nil {
			return zero, err // a revert, which no other endpoint will see otherwise
		}
		errs = append(errs, err)
	}
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	return zero, unreachable(what, errs)
}

// header is the part of a block that is used here.
type header struct {
	Number  hexutil.Uint64 `json:"number"`
	Hash    artel.Hash     `json:"hash"`
	Time    hexutil.Uint64 `json:"timestamp"`
	BaseFee *hexutil.Big   `json:"baseFeePerGas"`
}

func (h header) head() chain.Head {
	return chain.Head{Number: uint64(h.Number), Hash: h.Hash, Time: uint64(h.Time)}
}

// block asks for a header by tag or hex number. A block that is not there is an
// error.
func (e *endpoint) block(ctx context.Context, at string) (header, error) {
	var h *header
	if err := e.call(ctx, &h, "eth_getBlockByNumber", at, false); err != nil {
		return header{}, err
	}
	if h == nil || h.Hash.IsZero() {
		return header{}, fmt.Errorf("%s: there is no block %s", e.name, at)
	}
	return *h, nil
}

// pending is the time of the block that comes next, which has no hash yet.
func (e *endpoint) pending(ctx context.Context) (uint64, error) {
	var h *struct {
		Time hexutil.Uint64 `json:"timestamp"`
	}
	if err := e.call(ctx, &h, "eth_getBlockByNumber", "pending", false); err != nil {
		return 0, err
	}
	if h == nil {
		return 0, fmt.Errorf("%s: there is no pending block", e.name)
	}
	return uint64(h.Time), nil
}

func hexNumber(n uint64) string { return hexutil.EncodeUint64(n) }

// final asks one endpoint for the newest block that the policy calls final.
func (l *Ledger) final(ctx context.Context, e *endpoint) (header, error) {
	if f := l.net.Finality; f.Tag != "" {
		return e.block(ctx, f.Tag)
	}
	h, err := e.block(ctx, "latest")
	if err != nil || l.net.Finality.Depth == 0 {
		return h, err
	}
	n := uint64(h.Number)
	return e.block(ctx, hexNumber(n-min(n, l.net.Finality.Depth)))
}

// head returns a final block that a quorum has and agrees on, the newest one or
// nearly so, and never an older one than before. It does not wait for endpoints
// that hang.
func (l *Ledger) head(ctx context.Context) (chain.Head, error) {
	asking, enough := context.WithCancel(ctx)
	defer enough()
	answers := askAll(asking, l, l.final)
	var seen []header
	var errs []error
	best := l.best.Load()
	for range l.endpoints {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		seen = append(seen, a.value)
		sort.Slice(seen, func(i, j int) bool { return seen[i].Number > seen[j].Number })
		if len(seen) >= l.quorum && uint64(seen[l.quorum-1].Number) >= best {
			return l.agreed(ctx, seen[l.quorum-1].head())
		}
	}
	if err := ctx.Err(); err != nil {
		return chain.Head{}, err
	}
	if len(seen) >= l.quorum {
		errs = append(errs, fmt.Errorf("the newest final block is %d and was %d", seen[l.quorum-1].Number, best))
	}
	return chain.Head{}, unreachable("head", errs)
}

// agreed has a quorum confirm a block, and remembers it.
func (l *Ledger) agreed(ctx context.Context, h chain.Head) (chain.Head, error) {
	if l.quorum > 1 {
		var err error
		if h, err = l.header(ctx, h.Number); err != nil {
			return h, err
		}
	}
	for {
		best := l.best.Load()
		if h.Number <= best || l.best.CompareAndSwap(best, h.Number) {
			return h, nil
		}
	}
}
