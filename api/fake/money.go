package fake

import (
	"context"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// Offers implements api.Node.
func (n *Node) Offers(_ context.Context, q api.OfferQuery) ([]api.Offer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []api.Offer
	for _, o := range n.offers {
		if (q.MaxPrice == 0 || o.Price <= q.MaxPrice) && (q.Region == "" || o.Region == q.Region) &&
			o.Resources.Slots >= q.Slots && o.Resources.Memory >= q.Memory && len(out) < q.Limit {
			out = append(out, o)
		}
	}
	return out, nil
}

// Measure implements api.Node. The second machine is slower than it claims.
func (n *Node) Measure(_ context.Context, q api.MeasureRequest) (api.Measurement, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.offers {
		o := &n.offers[i]
		if o.Node != q.Node {
			continue
		}
		m := api.Measurement{
			Node: o.Node, Verdict: "proved", Claimed: o.Speed, Speed: 987, Cores: max(q.Slots, 1), Steps: 500, Trip: 12.5, Cost: 540 * uint64(max(q.Slots, 1)),
			Message: "it is as fast as it claims",
		}
		if i == 1 {
			m.Verdict, m.Speed, m.Message, o.Marks = "slow", 123, "it is slower than it claims", 1
		}
		m.Counts, o.Measured = m.Speed, m.Speed
		return m, nil
	}
	return api.Measurement{}, api.Errorf(api.CodeNotFound, "no offer of %s is known", q.Node.Short())
}

// Quote implements api.Node.
func (n *Node) Quote(ctx context.Context, spec artel.JobSpec) (api.Quote, error) {
	offers, err := n.Offers(ctx, api.OfferQuery{MaxPrice: spec.MaxPrice, Limit: 10})
	if err != nil {
		return api.Quote{}, err
	}
	n.mu.Lock()
	q := api.Quote{Tasks: spec.Count, Deposit: n.balance.Deposit}
	n.mu.Unlock()
	if len(offers) == 0 {
		q.Notes = []string{"no offer is within the price"}
		return q, nil
	}
	o := offers[0]
	q.Slots, q.Wall = uint64(o.Resources.Slots), spec.Wall
	q.Most = artel.Cost(o.Price, spec.Wall*spec.Count)
	q.Expected = q.Most
	q.Offers = []api.QuotedOffer{{Node: o.Node, Price: o.Price, Slots: o.Resources.Slots, Tasks: spec.Count, Speed: o.Speed, Counts: float64(o.Speed), Region: o.Region, Cost: q.Most}}
	return q, nil
}

// Leases implements api.Node.
func (n *Node) Leases(context.Context, api.LeaseQuery) ([]api.Lease, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []api.Lease
	for _, j := range n.jobs {
		o := n.offers[0]
		out = append(out, api.Lease{ID: artel.Keccak([]byte(j.detail.ID)), Role: "renter", Peer: o.Node, Renter: n.key.Address(), Provider: o.Account,
			Lane: 5, Slots: o.Resources.Slots, Price: o.Price, State: "held", Start: when, End: when.Add(3600e9), Promised: j.detail.Promised, Cap: artel.Units(1000)})
	}
	return out, nil
}

// Provide implements api.Node.
func (n *Node) Provide(_ context.Context, c api.ProvideConfig) (out api.ProvideStatus, _ error) {
	n.change(func() {
		n.provide.On, n.provide.Draining, n.provide.Config = true, false, c
		out = n.provide
	})
	return out, nil
}

// StopProviding implements api.Node.
func (n *Node) StopProviding(_ context.Context, now bool) (out api.ProvideStatus, _ error) {
	n.change(func() {
		n.provide.On, n.provide.Draining = false, !now
		out = n.provide
	})
	return out, nil
}

// Owner implements api.Node.
func (n *Node) Owner(context.Context) (out api.Owner, _ error) {
	n.change(func() {
		out = n.owner
		out.File, out.Seen = "/dir/owner.yaml", []api.Fact{{Name: "input", Text: "3s ago, by a terminal"}}
		if out.Action == "" {
			out.Action = "run"
		}
	})
	return out, nil
}

// PauseWork implements api.Node.
func (n *Node) PauseWork(ctx context.Context, r api.PauseRequest) (api.Owner, error) {
	if r.How == "" {
		r.How = "freeze"
	}
	n.change(func() {
		n.owner = api.Owner{Action: r.How, Paused: r.How, Why: "its owner has paused it", Since: when}
		n.provide.Way, n.provide.Why, n.provide.Since = map[string]string{"freeze": "frozen", "evict": "evicted", "drain": "draining"}[r.How], n.owner.Why, when
		if r.For > 0 {
			n.owner.Until = when.Add(time.Duration(r.For) * time.Millisecond)
		}
	})
	return n.Owner(ctx)
}

// ResumeWork implements api.Node.
func (n *Node) ResumeWork(ctx context.Context) (api.Owner, error) {
	n.change(func() { n.owner, n.provide.Way = api.Owner{}, "" })
	return n.Owner(ctx)
}

// ProvideStatus implements api.Node.
func (n *Node) ProvideStatus(context.Context) (api.ProvideStatus, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.provide, nil
}

// Balance implements api.Node.
func (n *Node) Balance(context.Context) (api.Balance, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.balance, nil
}

// move takes a from one figure and adds it to another; nil stands for the
// outside.
func (n *Node) move(a artel.Amount, from, to *artel.Amount, what string) (out api.Done, err error) {
	n.change(func() {
		if from != nil {
			if from.Less(a) {
				err = api.Errorf(api.CodeFunds, "%s %s: there are %s", what, a, *from).WithHint("artel wallet show")
				return
			}
			*from = from.Sub(a)
		}
		if to != nil {
			*to = to.Add(a)
		}
		n.balance.Block++
		out = api.Done{Tx: artel.Keccak([]byte(what)), Block: n.balance.Block, Final: true, Amount: a, Message: what}
	})
	return out, err
}

// Deposit implements api.Node.
func (n *Node) Deposit(_ context.Context, a artel.Amount) (api.Done, error) {
	return n.move(a, &n.balance.Tokens, &n.balance.Deposit, "deposited")
}

// Withdraw implements api.Node.
func (n *Node) Withdraw(_ context.Context, r api.WithdrawRequest) (api.Done, error) {
	switch {
	case r.Earned:
		return n.move(r.Amount, &n.balance.Earned, &n.balance.Tokens, "withdrawn")
	case r.Finish:
		n.mu.Lock()
		a := n.balance.Exiting
		n.mu.Unlock()
		if a.IsZero() {
			return api.Done{}, api.Errorf(api.CodeConflict, "no exit was asked for").WithHint("artel wallet withdraw AMOUNT")
		}
		return n.move(a, &n.balance.Exiting, &n.balance.Tokens, "withdrawn")
	}
	d, err := n.move(r.Amount, &n.balance.Deposit, &n.balance.Exiting, "exit requested")
	d.Ready, d.Void = when.Add(24*3600e9), when.Add(48*3600e9)
	return d, err
}

// Stake implements api.Node.
func (n *Node) Stake(_ context.Context, a artel.Amount) (api.Done, error) {
	return n.move(a, &n.balance.Tokens, &n.balance.Stake, "staked")
}

// Leave implements api.Node.
func (n *Node) Leave(_ context.Context, r api.WithdrawRequest) (api.Done, error) {
	if r.Finish {
		n.mu.Lock()
		a := n.balance.Leaving
		n.mu.Unlock()
		return n.move(a, &n.balance.Leaving, &n.balance.Tokens, "unstaked")
	}
	d, err := n.move(r.Amount, &n.balance.Stake, &n.balance.Leaving, "leaving")
	d.Ready = when.Add(48 * 3600e9)
	return d, err
}

// Redeem implements api.Node.
func (n *Node) Redeem(_ context.Context, r api.RedeemRequest) (api.Done, error) {
	out := api.Done{Message: "nothing to redeem", Final: true}
	n.change(func() {
		for i := range n.vouchers {
			v := &n.vouchers[i]
			if a := v.Redeemable(); v.Provider == r.Provider && !a.IsZero() {
				v.Paid = v.Paid.Add(a)
				out = api.Done{Tx: artel.Keccak([]byte("redeem")), Block: 43, Final: true, Amount: a, Message: "redeemed"}
			}
		}
	})
	return out, nil
}

// Faucet implements api.Node.
func (n *Node) Faucet(context.Context) (api.Done, error) {
	return n.move(artel.Units(10_000_000), nil, &n.balance.Tokens, "given by the faucet")
}

// Recover implements api.Node.
func (n *Node) Recover(context.Context) (api.Recovery, error) {
	return api.Recovery{
		Generation: 2, Asked: 1, Answered: 1, Lanes: 1, Promised: artel.Units(700), KeepersAsked: 2, KeepersAnswered: 1, Kept: 1, Leases: 1,
		Journal: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Refused: []string{"journal 7 of 3: block is missing"},
		Jobs: []api.RecoveredJob{{ID: "0x0123456789abcdef", Name: "train", Tasks: 3, Done: 1, Gone: 1, Running: 1, Kept: 1, Lacks: []string{"its input bafy is not on this machine; hint: artel add PATH, with the same content"}}},
	}, nil
}

// Vouchers implements api.Node.
func (n *Node) Vouchers(context.Context) ([]api.Voucher, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []api.Voucher
	for _, v := range n.vouchers {
		if !v.Redeemable().IsZero() {
			out = append(out, v)
		}
	}
	return out, nil
}

// Statement implements api.Node.
func (n *Node) Statement(context.Context) (api.Statement, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	me, prov := n.key.Address(), n.vouchers[0].Provider
	v := n.vouchers[0]
	deposited := n.balance.Deposit.Add(v.Cap)
	return api.Statement{
		Block: n.balance.Block, Balance: deposited,
		Parties: []api.PartyFigures{
			{Account: me, Deposited: deposited, Deposit: n.balance.Deposit},
			{Account: prov, Redeemed: v.Paid, Earned: v.Paid},
		},
		Lanes: []api.LaneFigures{{Renter: me, Provider: prov, Lane: v.Lane, Cap: v.Cap, Paid: v.Paid, Voucher: v.Cumulative}},
	}, nil
}

var _ api.Node = (*Node)(nil)

// SetSigner implements api.Wallet.
func (n *Node) SetSigner(_ context.Context, r api.SignerRequest) (api.Done, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return api.Done{Final: true, Block: 1, Amount: r.Allowance, Message: "signer " + r.Key.String() + " may book"}, nil
}
