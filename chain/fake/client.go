package fake

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// Client is one node's view of the chain; it implements chain.Ledger. It stands
// for the node's stored calls too: keep it when a simulated node crashes.
type Client struct {
	chain *Chain

	mu     sync.Mutex // guards the following
	away   bool
	queued []*record          // submitted while away, in order
	byID   map[string]*record // of queued
	back   chan struct{}      // closed when no longer away
}

// Client returns a new view, which reaches the chain.
func (c *Chain) Client() *Client { return &Client{chain: c, byID: map[string]*record{}} }

var _ chain.Ledger = (*Client)(nil)

// SetReachable cuts the node off from the chain, or ends that: then what was
// submitted meanwhile goes on.
func (c *Client) SetReachable(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !yes && !c.away:
		c.away, c.back = true, make(chan struct{})
	case yes && c.away:
		for _, r := range c.queued {
			// Two nodes may use one id only for the same call; the first wins.
			_ = c.chain.submit(r.tx, r.bytes)
		}
		c.queued, c.byID, c.away = nil, map[string]*record{}, false
		close(c.back)
	}
}

// Submit implements chain.Writer. Away from the chain it keeps the call.
func (c *Client) Submit(ctx context.Context, tx chain.Tx) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, raw, err := encode(tx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.away {
		return c.chain.submit(tx, raw)
	}
	if old := c.byID[tx.ID]; old != nil {
		return sameCall(old.bytes, raw, tx.ID)
	}
	if old, _, ok := c.chain.record(tx.ID); ok {
		return sameCall(old.bytes, raw, tx.ID)
	}
	r := &record{tx: tx, bytes: raw, outcome: chain.Outcome{ID: tx.ID, State: chain.Pending, Note: "the chain cannot be reached"}}
	c.queued, c.byID[tx.ID] = append(c.queued, r), r
	return nil
}

// Outcome implements chain.Writer.
func (c *Client) Outcome(ctx context.Context, id string) (chain.Outcome, error) {
	_, o, _, err := c.look(ctx, id)
	return o, err
}

// look finds a call. It returns a channel that closes when it is worth looking
// again, unless the outcome is final.
func (c *Client) look(ctx context.Context, id string) (*record, chain.Outcome, <-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, chain.Outcome{}, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byID[id]; r != nil {
		return r, r.outcome, c.back, nil
	}
	r, o, ok := c.chain.record(id)
	if !ok {
		return nil, o, nil, chain.Refuse(chain.ErrUnknownTx, "id %s", id)
	}
	if c.away { // what happened on the chain since is not seen from here
		return r, chain.Outcome{ID: id, State: chain.Pending, Note: "the chain cannot be reached"}, c.back, nil
	}
	return r, o, r.done, nil
}

// Wait implements chain.Writer.
func (c *Client) Wait(ctx context.Context, id string) (chain.Outcome, error) {
	for {
		r, o, again, err := c.look(ctx, id)
		if err != nil || o.State.Final() {
			return o, err
		}
		var due <-chan time.Time
		if again == r.done {
			t := time.NewTimer(r.due.Sub(c.chain.now()))
			defer t.Stop()
			due = t.C
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-again:
		case <-due:
			due = nil
			if c.chain.Mine(); !c.waitedOut(r) {
				// A clock of the caller's that stands still: whoever moves it mines.
				select {
				case <-ctx.Done():
					return o, ctx.Err()
				case <-again:
				}
			}
		}
	}
}

func (c *Client) waitedOut(r *record) bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// read runs f with the chain's state as of now, unless the node is cut off.
func (c *Client) read(ctx context.Context, what string, f func(*Chain)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	away := c.away
	c.mu.Unlock()
	if away {
		return fmt.Errorf("read %s: %w", what, chain.ErrUnreachable)
	}
	c.chain.mu.Lock()
	defer c.chain.mu.Unlock()
	c.chain.mine()
	f(c.chain)
	return nil
}

// Params implements chain.Reader. It works without the chain: they never change.
func (c *Client) Params(context.Context) (chain.Params, error) { return c.chain.params, nil }

// Head implements chain.Reader.
func (c *Client) Head(ctx context.Context) (h chain.Head, err error) {
	err = c.read(ctx, "head", func(x *Chain) { h = x.head })
	return h, err
}

// Account implements chain.Reader.
func (c *Client) Account(ctx context.Context, a artel.Address) (v chain.Account, err error) {
	err = c.read(ctx, "account", func(x *Chain) { v = x.state.accounts[a] })
	return v, err
}

// Lane implements chain.Reader.
func (c *Client) Lane(ctx context.Context, k chain.LaneKey) (v chain.Lane, err error) {
	err = c.read(ctx, "lane", func(x *Chain) { v = x.state.lanes[k] })
	return v, err
}

// Signer implements chain.Reader.
func (c *Client) Signer(ctx context.Context, account, key artel.Address) (v chain.Signer, err error) {
	err = c.read(ctx, "signer", func(x *Chain) { v = x.state.signers[signerKey{account, key}] })
	return v, err
}

// Stake implements chain.Reader.
func (c *Client) Stake(ctx context.Context, provider artel.Address) (v chain.Stake, err error) {
	err = c.read(ctx, "stake", func(x *Chain) { v = x.state.stakes[provider] })
	return v, err
}

// Balance implements chain.Reader.
func (c *Client) Balance(ctx context.Context, a artel.Address) (v artel.Amount, err error) {
	err = c.read(ctx, "balance", func(x *Chain) { v = x.state.balances[a] })
	return v, err
}

// Events implements chain.Reader. The returned slice is shared and must not be
// changed.
func (c *Client) Events(ctx context.Context, after chain.Head, max int) (events []chain.Event, head chain.Head, err error) {
	var reorg error
	err = c.read(ctx, "events", func(x *Chain) {
		if after != (chain.Head{}) && (after.Number > x.head.Number || x.block(after.Number, after.Time) != after) {
			reorg = fmt.Errorf("read events after block %d (%s): %w", after.Number, after.Hash.Short(), chain.ErrReorg)
			return
		}
		from := sort.Search(len(x.log), func(i int) bool { return x.log[i].Block.Number > after.Number })
		to := from
		for to < len(x.log) && (to == from || to-from < max || x.log[to].Block.Number == x.log[to-1].Block.Number) {
			to++
		}
		events, head = x.log[from:to:to], x.head
		if to < len(x.log) {
			head = x.log[to-1].Block
		}
	})
	if err == nil {
		err = reorg
	}
	return events, head, err
}
