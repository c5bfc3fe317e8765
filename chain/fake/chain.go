// Package fake is a whole ledger in memory, with the rules of contracts/ and
// without a chain under it: for tests of actors and for simulations of many
// nodes. It starts no goroutine and takes its time from a clock of the caller's,
// so it works inside testing/synctest.
//
// That its rules are those of the contracts is shown by package chaintest: the
// same suite and the same random sequences of calls run on both.
package fake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// Options say how the chain behaves.
type Options struct {
	Params   chain.Params // zero fields get those of DefaultParams
	Balances map[artel.Address]artel.Amount
	// Now is the chain's clock; nil: time.Now, which is virtual in a synctest
	// bubble.
	Now func() time.Time
	// Inclusion is how long a call waits before it is in a block. With a clock
	// other than time.Now, call Mine after moving it to wake those who Wait.
	Inclusion time.Duration
}

// DefaultParams are those of a private network: a day of delay, a week for
// stake.
func DefaultParams() chain.Params {
	address := func(b byte) artel.Address { return artel.Address{0: 0xa7, 1: 0xe1, 19: b} }
	return chain.Params{
		ChainID: 41337, Token: address(1), Ledger: address(2), Stake: address(3),
		Delay: 86400, Window: 86400, StakeDelay: 7 * 86400,
	}
}

// Chain is a ledger in memory, shared by the clients of all nodes.
type Chain struct {
	params    chain.Params
	domain    artel.Domain
	now       func() time.Time
	inclusion time.Duration

	mu      sync.Mutex // guards the following
	state   state
	head    chain.Head
	log     []chain.Event      // never rewritten: readers hold slices of it
	records map[string]*record // every call ever submitted
	queue   []*record          // not in a block yet, in order of submission
}

// record is one submitted call.
type record struct {
	tx      chain.Tx
	bytes   []byte // its JSON, to tell a repeat from a reuse of the id
	due     time.Time
	outcome chain.Outcome
	done    chan struct{} // closed when the outcome is final
}

// New returns a chain whose first block has the clock's present time.
func New(o Options) *Chain {
	c := &Chain{
		params: fill(o.Params), now: o.Now, inclusion: o.Inclusion,
		state: newState(), records: map[string]*record{},
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.domain = c.params.Domain()
	for a, v := range o.Balances {
		c.state.balances[a] = v
	}
	c.head = c.block(1, uint64(c.now().Unix()))
	return c
}

func fill(p chain.Params) chain.Params {
	d := DefaultParams()
	if p == (chain.Params{}) {
		return d
	}
	set := func(v *uint64, to uint64) {
		if *v == 0 {
			*v = to
		}
	}
	setAddress := func(a *artel.Address, to artel.Address) {
		if a.IsZero() {
			*a = to
		}
	}
	set(&p.ChainID, d.ChainID)
	set(&p.Delay, d.Delay)
	set(&p.Window, d.Window)
	set(&p.StakeDelay, max(7*p.Delay, 1))
	setAddress(&p.Token, d.Token)
	setAddress(&p.Ledger, d.Ledger)
	setAddress(&p.Stake, d.Stake)
	return p
}

// block derives a block's hash from its number and time, so that empty blocks
// need not be kept and a cursor can still be checked.
func (c *Chain) block(number, unix uint64) chain.Head {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], c.params.ChainID)
	binary.BigEndian.PutUint64(b[8:], number)
	binary.BigEndian.PutUint64(b[16:], unix)
	return chain.Head{Number: number, Hash: artel.Keccak(c.params.Ledger[:], b[:]), Time: unix}
}

// Mine carries out what is due now. Every read and submission does so by itself.
func (c *Chain) Mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
}

func (c *Chain) mine() {
	now := c.now()
	for len(c.queue) > 0 && !c.queue[0].due.After(now) {
		r := c.queue[0]
		c.queue = c.queue[1:]
		c.carryOut(r)
	}
	if t := uint64(now.Unix()); t > c.head.Time {
		c.head = c.block(c.head.Number+1, t)
	}
}

// carryOut puts one call into a block of its own.
func (c *Chain) carryOut(r *record) {
	c.head = c.block(c.head.Number+1, max(c.head.Time, uint64(r.due.Unix())))
	hash := artel.Keccak(c.head.Hash[:], []byte(r.tx.ID))
	x := execution{state: &c.state, params: c.params, domain: c.domain, now: c.head.Time, from: r.tx.From}
	if refusal := x.run(r.tx.Call); refusal != nil {
		r.outcome = chain.Outcome{ID: r.tx.ID, State: chain.Refused, Block: c.head, Tx: hash, Refusal: refusal}
	} else {
		r.outcome = chain.Outcome{ID: r.tx.ID, State: chain.Done, Block: c.head, Tx: hash}
		for i, f := range x.facts {
			c.log = append(c.log, chain.Event{Block: c.head, Index: uint32(i), Tx: hash, Fact: f})
		}
	}
	close(r.done)
}

// submit accepts a checked call, once.
func (c *Chain) submit(tx chain.Tx, raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	if old := c.records[tx.ID]; old != nil {
		return sameCall(old.bytes, raw, tx.ID)
	}
	r := &record{tx: tx, bytes: raw, due: c.now().Add(c.inclusion), done: make(chan struct{}),
		outcome: chain.Outcome{ID: tx.ID, State: chain.Pending, Note: "waits for a block"}}
	c.records[tx.ID] = r
	c.queue = append(c.queue, r)
	c.mine()
	return nil
}

func (c *Chain) record(id string) (*record, chain.Outcome, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	r := c.records[id]
	if r == nil {
		return nil, chain.Outcome{}, false
	}
	return r, r.outcome, true
}

func sameCall(old, new []byte, id string) error {
	if !bytes.Equal(old, new) {
		return chain.Refuse(chain.ErrIDReused, "id %s", id)
	}
	return nil
}

// encode checks a call and returns its stored form; Submit keeps a decoded copy
// of it, so that nobody can change a call after handing it in.
func encode(tx chain.Tx) (chain.Tx, []byte, error) {
	if err := tx.Check(); err != nil {
		return tx, nil, err
	}
	raw, err := json.Marshal(tx)
	if err != nil {
		return tx, nil, fmt.Errorf("encode call %s: %w", tx.ID, err)
	}
	var own chain.Tx
	if err := json.Unmarshal(raw, &own); err != nil {
		return tx, nil, err
	}
	return own, raw, nil
}

// Totals is where all tokens are.
type Totals struct {
	Outside  artel.Amount // balances of accounts, the burnt included
	Deposits artel.Amount
	Earned   artel.Amount
	Booked   artel.Amount // cap − paid of all lanes
	Staked   artel.Amount
	Claims   artel.Amount // reporters' shares that wait
	InLedger artel.Amount // the ledger contract's token balance
	InStake  artel.Amount // the stake contract's token balance
}

// Totals sums up the chain. Deposits + Earned + Booked = InLedger and Staked +
// Claims = InStake, unless somebody gave tokens to a contract.
func (c *Chain) Totals() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	return c.state.totals(c.params)
}

// Lanes calls visit for each lane ever used, in no order, until it returns false.
func (c *Chain) Lanes(visit func(chain.LaneKey, chain.Lane) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	for k, l := range c.state.lanes {
		if !visit(k, l) {
			return
		}
	}
}
