package node

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/survival"
	"github.com/artel-network/artel/wire"
)

// board is this node's view of the market: the live offers, what it has seen of
// their machines, and what the chain says of their accounts.
type board struct {
	ledger chain.Reader
	params chain.Params
	open   market.Open  // wire.OpenOffer
	asks   *p2p.Limiter // of the peers whose offers lead to questions to the chain

	mu      sync.Mutex
	index   *market.Index
	history market.History
	seen    map[artel.NodeID]standing
	sealed  map[artel.NodeID][]byte // the newest offer of a node, as it came
	odd     error                   // why the last offer was refused whose times do not fit this clock
	missed  bool                    // there was one since the last look
}

type standing struct {
	market.Standing
	at time.Time
}

// standingFor is how long an answer of the chain about an account counts.
const standingFor = 5 * time.Minute

// maxSeen bounds the answers that are kept; the chain is asked again.
const maxSeen = 100_000

// askBurst and askRate, a second, bound the questions to the chain that one peer's
// offers lead to: whoever hands them over may have made up the keys that they are of.
// A newcomer takes in a whole list of offers.
const (
	askBurst = wire.MaxOfferList
	askRate  = 4
)

func newBoard(network artel.Hash, minStake artel.Amount, ledger chain.Reader, params chain.Params) *board {
	p := market.DefaultPolicy(network)
	p.MinStake = minStake
	return &board{
		ledger: ledger, params: params, open: wire.OpenOffer, asks: p2p.NewLimiter(askRate, askBurst, 4096, time.Now), index: market.NewIndex(p),
		history: market.History{Nodes: map[artel.NodeID]market.Record{}, Stay: stay}, seen: map[artel.NodeID]standing{}, sealed: map[artel.NodeID][]byte{},
	}
}

// validate judges an offer before it is passed on.
func (b *board) validate(ctx context.Context, m p2p.Message) p2p.Verdict {
	switch b.admit(ctx, m.From, m.Data).Action {
	case market.Accept:
		return p2p.Accept
	case market.Reject:
		return p2p.Reject
	}
	return p2p.Ignore
}

// admit lists an offer that a peer handed over, if it may be listed.
func (b *board) admit(ctx context.Context, from artel.NodeID, sealed []byte) market.Verdict {
	now := uint64(time.Now().Unix())
	o, id, err := b.open(sealed, b.network())
	opened := func([]byte, artel.Hash) (artel.Offer, artel.Hash, error) { return o, id, err }
	ask := false
	b.mu.Lock()
	defer b.mu.Unlock()
	l, v := market.Admit(sealed, opened, b.index, func(a artel.Address, n artel.NodeID) (market.Standing, error) {
		ask = time.Since(b.seen[n].at) >= standingFor
		return b.known(a, n)
	}, now)
	if ask && b.asks.Allow(from) {
		b.mu.Unlock() // the chain may take its time
		b.refresh(ctx, o)
		b.mu.Lock()
		l, v = market.Admit(sealed, opened, b.index, b.known, now)
	}
	if v.Err != nil {
		if v.Cause == market.CauseClock || v.Cause == market.CauseExpired {
			b.odd, b.missed = v.Err, true
		}
		return v
	}
	if _, err := b.index.Put(l, now); err != nil {
		return market.Verdict{Action: market.Ignore, Err: err}
	}
	if len(b.sealed) >= maxSealed {
		clear(b.sealed) // they come again
	}
	b.sealed[l.Offer.Node] = bytes.Clone(sealed)
	return v
}

// maxSealed bounds the offers that are kept for newcomers.
const maxSealed = 4096

// share gives a newcomer the best offers that are known here.
func (b *board) share() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out [][]byte
	for _, l := range b.index.Query(market.Query{Limit: wire.MaxOfferList}, uint64(time.Now().Unix())) {
		if s := b.sealed[l.Offer.Node]; s != nil {
			out = append(out, s)
		}
	}
	return wire.MarshalOffers(out)
}

// clockDoubt says why the last offer was refused whose times do not fit this
// clock; nil: there was none.
func (b *board) clockDoubt() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.odd
}

// lacks reports whether offers should be asked for: none is known, or one was
// refused since the last question because of this clock.
func (b *board) lacks() bool {
	none := b.len() == 0
	b.mu.Lock()
	defer b.mu.Unlock()
	missed := b.missed
	b.missed = false
	return none || missed
}

func (b *board) network() artel.Hash { return b.index.Policy().Network }

// refresh looks up what the chain says of an offer's account.
func (b *board) refresh(ctx context.Context, o artel.Offer) {
	self := o.Account == o.Node.Address()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s := standing{at: time.Now()}
	st, err := b.ledger.Stake(ctx, o.Account)
	if err != nil {
		return
	}
	s.Stake = st.Behind(b.params, uint64(time.Now().Unix()))
	if s.Signer = self; !self {
		r, err := b.ledger.Signer(ctx, o.Account, o.Node.Address())
		if err != nil {
			return
		}
		s.Signer = r.Until >= uint64(time.Now().Unix())+b.params.Delay
	}
	b.mu.Lock()
	if len(b.seen) > maxSeen {
		clear(b.seen)
	}
	b.seen[o.Node] = s
	b.mu.Unlock()
}

// known answers from what refresh found. Called with mu held.
func (b *board) known(_ artel.Address, n artel.NodeID) (market.Standing, error) {
	s, ok := b.seen[n]
	if !ok {
		return market.Standing{}, fmt.Errorf("the chain has not answered about %s", n.Short())
	}
	return s.Standing, nil
}

// Offers implements renter.Board.
func (b *board) Offers(j artel.JobSpec, now time.Time, n int) []renter.Listed {
	return b.rank(j, market.QueryFor(j), now, n)
}

func (b *board) rank(j artel.JobSpec, q market.Query, now time.Time, n int) []renter.Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return renter.List(b.index.Best(j, q, b.history, n, uint64(now.Unix())))
}

// Movers implements renter.Board.
func (b *board) Movers(j artel.JobSpec, from artel.Class, now time.Time, n int) []renter.Listed {
	q := market.QueryFor(j)
	q.From = from
	return b.rank(j, q, now, n)
}

// Keepers implements renter.Board.
func (b *board) Keepers(now time.Time, n int) []renter.Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return renter.List(b.index.BestKeepers(b.history, n, uint64(now.Unix())))
}

// stay is the chance that a machine of which this is known stays for another d.
func stay(u market.Up, d time.Duration) float64 {
	return survival.Host{Age: u.Age, Ups: u.Ups}.Survive(survival.SETI(), d)
}

// of returns the live offers of a node.
func (b *board) of(node artel.NodeID, now uint64) []market.Listing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.index.Query(market.Query{Providers: []artel.NodeID{node}}, now)
}

// Record implements renter.Board.
func (b *board) Record(node artel.NodeID) market.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.Nodes[node]
}

// Keep implements renter.Board.
func (b *board) Keep(node artel.NodeID, r market.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.Nodes[node] = r
}

// list returns the live offers that suit a query, with what was seen of them.
func (b *board) list(q market.Query) ([]market.Listing, map[artel.NodeID]market.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ls := b.index.Query(q, uint64(time.Now().Unix()))
	rec := map[artel.NodeID]market.Record{}
	for _, l := range ls {
		rec[l.Offer.Node] = b.history.Nodes[l.Offer.Node]
	}
	return ls, rec
}

func (b *board) quote(j artel.JobSpec) market.Estimate {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := uint64(time.Now().Unix())
	q := market.QueryFor(j)
	q.MaxPrice = 0 // those that are too dear are shown with the reason
	return market.Quote(j, b.index.Query(q, now), b.history, now)
}

// tallied is how many offers are looked at for why none suits.
const tallied = 2000

// against counts why no offer suits a job whose task would go on from a class, where that
// is not zero; nothing where one does.
func (b *board) against(j artel.JobSpec, from artel.Class) ([]market.Tally, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, q := uint64(time.Now().Unix()), market.QueryFor(j)
	q.From = from
	return market.Against(j, q, b.index.Query(market.Query{Limit: tallied}, now), b.history, now)
}

func (b *board) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.index.Expire(uint64(time.Now().Unix()))
	return b.index.Len()
}

// nodes maps the node of every live offer to its account.
func (b *board) nodes() map[artel.NodeID]artel.Address {
	ls, _ := b.list(market.Query{})
	out := map[artel.NodeID]artel.Address{}
	for _, l := range ls {
		out[l.Offer.Node] = l.Offer.Account
	}
	return out
}

// roots lists what must be kept of the blob store.
func (n *Node) roots(ctx context.Context) (iter.Seq[artel.Ref], error) {
	keep := map[artel.Ref]bool{}
	js, err := n.renter.Jobs(ctx, 1_000_000)
	if err != nil {
		return nil, err
	}
	for _, j := range js {
		_, ts, err := n.renter.Job(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		keep[j.Spec.Program], keep[j.Spec.Input] = true, true
		for _, t := range ts {
			keep[t.Output], keep[t.Log] = true, true
			if t.Receipt != nil && t.Output.IsZero() {
				keep[t.Receipt.Sealed] = true
			}
		}
	}
	mine, err := n.owner.roots(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range mine {
		keep[r] = true
	}
	delete(keep, artel.Ref{})
	return func(yield func(artel.Ref) bool) {
		for r := range keep {
			if !yield(r) {
				return
			}
		}
	}, nil
}
