package node

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/network"
)

var _ api.Node = (*Node)(nil)

// Status implements api.Daemon.
func (n *Node) Status(ctx context.Context) (api.Status, error) {
	s := api.Status{
		Release: n.c.Version.Release, Started: n.started.UTC(), PID: os.Getpid(), DataDir: n.c.Paths.Root(),
		Network: n.c.Network.Name, Hash: n.network, Node: n.c.Key.NodeID(), Account: n.account(),
		Addrs: n.host.Addrs(), Peers: len(n.host.Peers()), Reach: n.host.Reach(), Offers: n.board.len(),
		Provider: n.owner.provider() != nil,
	}
	sent, got := n.host.Traffic()
	s.Sent, s.Got = uint64(sent), uint64(got)
	if len(s.Addrs) > 0 {
		_, s.PeerID, _ = strings.Cut(s.Addrs[0], "/p2p/")
	}
	st, err := n.renter.Status(ctx)
	if err != nil {
		return s, err
	}
	s.Jobs, s.Leases = st.Active, len(st.Leases)
	if s.Kept, err = n.safeLine(ctx); err != nil {
		return s, err
	}
	if st.Notice != "" {
		s.Notices = append(s.Notices, st.Notice)
	}
	s.Notices = append(s.Notices, n.owner.notices()...)
	s.Notices = append(s.Notices, n.guard.notices()...)
	if odd := n.board.clockDoubt(); odd != nil && s.Offers == 0 {
		s.Notices = append(s.Notices, fmt.Sprintf("no offers are known; the last one was refused: %v", odd))
	}
	cctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	s.Chain, _ = n.Chain(cctx)
	return s, nil
}

// Network implements api.Daemon.
func (n *Node) Network(context.Context) (network.File, error) { return n.c.Network, nil }

// Chain implements api.Daemon.
func (n *Node) Chain(ctx context.Context) (api.ChainStatus, error) {
	s := api.ChainStatus{Kind: n.c.Network.Chain.Kind, ID: n.params.ChainID}
	if cur, err := n.db.Cursor(ctx); err == nil {
		s.Followed = cur.Number
	}
	if rows, err := n.db.OpenCalls(ctx); err == nil {
		s.Pending = len(rows)
	}
	h, err := n.ledger.Head(ctx)
	if err != nil {
		s.Message = err.Error()
		return s, nil
	}
	s.Reachable, s.Head, s.Final, s.HeadTime = true, h.Number, h.Number, time.Unix(int64(h.Time), 0).UTC()
	return s, nil
}

// Offers implements api.Market.
func (n *Node) Offers(_ context.Context, q api.OfferQuery) ([]api.Offer, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 50
	}
	ls, rec := n.board.list(market.Query{
		Sandbox: q.Sandbox, Region: q.Region, MaxPrice: q.MaxPrice, Want: artel.Resources{Slots: q.Slots, Memory: q.Memory, GPUs: q.GPUs, GPUMemory: q.GPUMem}, Limit: limit,
	})
	now := uint64(time.Now().Unix())
	out := []api.Offer{}
	for _, l := range ls {
		r := rec[l.Offer.Node]
		out = append(out, api.Offer{Offer: l.Offer, Rating: r.Success(l.Offer, 0, now), Known: r.Done >= 1, Measured: r.Measured(now), Marks: r.Weight(now)})
	}
	return out, nil
}

// Quote implements api.Market.
func (n *Node) Quote(ctx context.Context, spec artel.JobSpec) (api.Quote, error) {
	e, now := n.board.quote(spec), uint64(time.Now().Unix())
	q := api.Quote{Tasks: spec.Count, Slots: e.Slots, Expected: e.Cost, Most: e.MaxCost, Wall: e.Millis}
	for _, c := range e.Suiting {
		if c.Tasks == 0 {
			continue
		}
		q.Offers = append(q.Offers, api.QuotedOffer{
			Node: c.Offer.Node, Price: c.Offer.Price, Slots: c.Slots, Tasks: c.Tasks, Speed: c.Offer.Speed, Counts: n.board.Record(c.Offer.Node).Believed(c.Offer, now), Region: c.Offer.Region, Cost: c.Cost,
		})
	}
	for i, c := range e.Excluded {
		if i == 5 {
			q.Notes = append(q.Notes, fmt.Sprintf("and %d more offers that do not suit", len(e.Excluded)-i))
			break
		}
		q.Notes = append(q.Notes, fmt.Sprintf("%s does not suit: %s", c.Offer.Node.Short(), c.Why[0]))
	}
	if len(e.Suiting) == 0 && len(e.Excluded) == 0 {
		q.Notes = append(q.Notes, "no offers are known yet")
	}
	if !e.Within {
		q.Notes = append(q.Notes, "at their time limit the tasks would cost more than the budget; the job stops there")
	}
	if left := spec.Deadline - time.Now().UnixMilli(); spec.Deadline != 0 && e.Slots > 0 && int64(e.Millis) > left {
		q.Notes = append(q.Notes, "if tasks take as long as that, the deadline is not kept: the job ends then, with what is done")
	}
	if a, err := n.ledger.Account(ctx, n.account()); err == nil {
		q.Deposit = a.Deposit
		if a.Deposit.Less(q.Expected) {
			q.Notes = append(q.Notes, "the account's free deposit does not cover it; hint: artel wallet deposit")
		}
	} else {
		q.Notes = append(q.Notes, "the chain does not answer, the deposit is unknown")
	}
	return q, nil
}

// Leases implements api.Market.
func (n *Node) Leases(ctx context.Context, q api.LeaseQuery) ([]api.Lease, error) {
	st, err := n.renter.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.Lease{}
	for _, l := range st.Leases {
		state := l.Phase
		if l.Silent {
			state = "silent"
		}
		out = append(out, api.Lease{
			ID: l.ID, Role: "renter", Peer: l.Node, Renter: n.account(), Provider: l.Provider, Lane: l.Lane, Slots: l.Slots, Price: l.Price,
			State: state, Start: time.Unix(int64(l.Start), 0).UTC(), End: time.Unix(int64(l.End), 0).UTC(), Running: l.Out,
			Owed: l.Due.Sub(l.Voucher), Promised: l.Voucher, Cap: l.Cap,
		})
	}
	if p := n.owner.provider(); p != nil {
		ps, _ := p.Status(ctx)
		for _, l := range ps.Leases {
			if l.Phase == "closed" && !q.All {
				continue
			}
			out = append(out, api.Lease{
				ID: l.ID, Role: "provider", Peer: l.Node, Renter: l.Renter, Provider: n.account(), Lane: l.Lane, Slots: l.Slots, Price: l.Price,
				State: l.Phase, Start: time.Unix(int64(l.Start), 0).UTC(), End: time.Unix(int64(l.End), 0).UTC(), Running: l.Running,
				Owed: l.Due.Sub(l.Voucher), Promised: l.Voucher, Cap: l.Cap,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b api.Lease) int { return b.Start.Compare(a.Start) })
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	return out[:min(limit, len(out))], nil
}
