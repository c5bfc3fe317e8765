package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
)

// chainError turns what the chain room says into what crosses the API.
func chainError(err error) error {
	if err == nil {
		return nil
	}
	var no *chain.Refusal
	if errors.As(err, &no) {
		code := api.CodeRefused
		switch no.Code {
		case chain.ErrDeposit, chain.ErrTokens, chain.ErrEarned, chain.ErrStake, chain.ErrGas, chain.ErrAllowance:
			code = api.CodeFunds
		}
		msg := no.Code.Error()
		if no.Detail != "" {
			msg += " (" + no.Detail + ")"
		}
		return &api.Error{Code: code, Message: msg, Hint: no.Code.Hint()}
	}
	for _, c := range []chain.Code{chain.ErrUnreachable, chain.ErrDisagree, chain.ErrWrongChain, chain.ErrNoContract, chain.ErrWrongToken, chain.ErrWrongRules, chain.ErrReorg} {
		if errors.Is(err, c) {
			return &api.Error{Code: api.CodeUnavailable, Message: err.Error(), Hint: c.Hint()}
		}
	}
	return err
}

// send carries one call out and waits until it is final. Where the chain cannot
// be asked it says so at once: a person waits for the answer.
func (n *Node) send(ctx context.Context, c chain.Call, amount artel.Amount, message string) (api.Done, error) {
	if _, err := n.ledger.Head(ctx); err != nil {
		return api.Done{}, chainError(err)
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	x := chain.Tx{ID: c.Kind() + "-" + hex.EncodeToString(id[:]), From: n.account(), Call: c}
	if err := n.ledger.Submit(ctx, x); err != nil {
		return api.Done{}, chainError(err)
	}
	o, err := n.ledger.Wait(ctx, x.ID)
	d := api.Done{Tx: o.Tx, Block: o.Block.Number, Final: o.State == chain.Done, Amount: amount, Message: message}
	if err != nil && ctx.Err() != nil {
		return d, nil // it goes on by itself
	}
	if err == nil {
		err = o.Err()
	}
	return d, chainError(err)
}

// Deposit implements api.Wallet.
func (n *Node) Deposit(ctx context.Context, a artel.Amount) (api.Done, error) {
	return n.send(ctx, chain.Deposit{To: n.account(), Amount: a}, a, "deposited")
}

// Stake implements api.Wallet.
func (n *Node) Stake(ctx context.Context, a artel.Amount) (api.Done, error) {
	return n.send(ctx, chain.StakeUp{To: n.account(), Amount: a}, a, "staked")
}

// SetSigner implements api.Wallet.
func (n *Node) SetSigner(ctx context.Context, r api.SignerRequest) (api.Done, error) {
	if me := n.account(); !r.Allowance.IsZero() && r.Key != me && r.Key.Tag() == me.Tag() {
		return api.Done{}, api.Errorf(api.CodeInvalid, "the key %s has the lanes of this account's own: somebody may have looked for such a key", r.Key).WithHint("have the other node draw another key")
	}
	c := chain.SetSigner{Key: r.Key, Allowance: r.Allowance, Until: uint64(max(0, r.Until.Unix()))}
	return n.send(ctx, c, r.Allowance, fmt.Sprintf("until %s, signer %s may book", r.Until.UTC().Format(time.RFC3339), r.Key))
}

// Withdraw implements api.Wallet.
func (n *Node) Withdraw(ctx context.Context, r api.WithdrawRequest) (api.Done, error) {
	switch {
	case r.Earned:
		return n.send(ctx, chain.WithdrawEarned{Amount: r.Amount}, r.Amount, "withdrawn to the payout address")
	case r.Finish:
		return n.send(ctx, chain.Exit{To: n.account()}, r.Amount, "withdrawn")
	}
	d, err := n.send(ctx, chain.RequestExit{Amount: r.Amount}, r.Amount, "asked for; take it with --finish")
	if err == nil {
		d.Ready, d.Void = n.window(ctx, n.params.Delay)
	}
	return d, err
}

// Leave implements api.Wallet.
func (n *Node) Leave(ctx context.Context, r api.WithdrawRequest) (api.Done, error) {
	if r.Finish {
		return n.send(ctx, chain.Unstake{}, r.Amount, "unstaked")
	}
	d, err := n.send(ctx, chain.Leave{Amount: r.Amount}, r.Amount, "asked for; take it with --finish")
	if err == nil {
		if p, perr := n.ledger.Params(ctx); perr == nil {
			d.Ready, d.Void = n.window(ctx, p.StakeDelay)
		}
	}
	return d, err
}

// window is when something that was started now may be carried out.
func (n *Node) window(ctx context.Context, delay uint64) (from, until time.Time) {
	now := uint64(time.Now().Unix())
	if h, err := n.ledger.Head(ctx); err == nil {
		now = h.Time
	}
	return time.Unix(int64(now+delay), 0).UTC(), time.Unix(int64(now+delay+n.params.Window), 0).UTC()
}

// Balance implements api.Wallet.
func (n *Node) Balance(ctx context.Context) (api.Balance, error) {
	me := n.account()
	b := api.Balance{Account: me, Signer: n.c.Key.Address(), Token: n.c.Network.Token}
	head, err := n.ledger.Head(ctx)
	if err != nil {
		return b, chainError(err)
	}
	b.Block = head.Number
	a, err := n.ledger.Account(ctx, me)
	if err != nil {
		return b, chainError(err)
	}
	if b.Tokens, err = n.ledger.Balance(ctx, me); err != nil {
		return b, chainError(err)
	}
	st, err := n.ledger.Stake(ctx, me)
	if err != nil {
		return b, chainError(err)
	}
	b.Deposit, b.Earned, b.Stake = a.Deposit, a.Earned, st.Amount
	if a.Exiting(n.params, head.Time) {
		b.Exiting = a.ExitAmount
		b.ExitAt = time.Unix(int64(a.ExitAt), 0).UTC()
		b.ExitVoid = time.Unix(int64(a.ExitAt+n.params.Window), 0).UTC()
	}
	if st.LeaveAt != 0 {
		b.Leaving, b.LeaveAt = st.Leaving, time.Unix(int64(st.LeaveAt), 0).UTC()
	}
	if to := a.Payout.At(me, head.Time); to != me {
		b.Payout = &to
	}
	coins, err := n.ledger.Coins(ctx, b.Signer)
	if err != nil {
		return b, chainError(err)
	}
	b.Gas = coins.String()
	if b.Signer != me {
		s, err := n.ledger.Signer(ctx, me, b.Signer)
		if err != nil {
			return b, chainError(err)
		}
		left := s.Left()
		if b.Allowance = &left; s.Until != 0 {
			b.Until = time.Unix(int64(min(s.Until, 1<<40)), 0).UTC()
		}
	}
	lanes, err := n.lanes(ctx)
	if err != nil {
		return b, err
	}
	for _, k := range lanes {
		if k.Renter != me {
			continue
		}
		l, err := n.ledger.Lane(ctx, k)
		if err != nil {
			return b, chainError(err)
		}
		if sum, err := b.Booked.Plus(l.Booked()); err == nil {
			b.Booked = sum
		}
	}
	return b, nil
}

// lanes lists every lane that was ever booked, by the events.
func (n *Node) lanes(ctx context.Context) ([]chain.LaneKey, error) {
	es, err := n.db.Events(ctx, chain.Reserved{}.Kind())
	if err != nil {
		return nil, err
	}
	seen := map[chain.LaneKey]bool{}
	var out []chain.LaneKey
	for _, e := range es {
		if f, ok := e.Fact.(chain.Reserved); ok && !seen[f.Lane] {
			seen[f.Lane] = true
			out = append(out, f.Lane)
		}
	}
	return out, nil
}

// books are the lanes of which this node holds vouchers, on either side.
func (n *Node) books(ctx context.Context) ([]lease.Book, error) {
	st, err := n.renter.Status(ctx)
	if err != nil {
		return nil, err
	}
	books := st.Lanes
	if p := n.owner.provider(); p != nil {
		if ps, ok := p.Status(ctx); ok {
			books = append(books, ps.Lanes...)
		}
	}
	return books, nil
}

// Vouchers implements api.Wallet.
func (n *Node) Vouchers(ctx context.Context) ([]api.Voucher, error) {
	books, err := n.books(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.Voucher{}
	for _, b := range books {
		l, err := n.ledger.Lane(ctx, chain.LaneKey(b.Key))
		if err != nil {
			return nil, chainError(err)
		}
		v, _ := b.SignedVoucher()
		if l.Paid.Less(v.Cumulative) {
			out = append(out, api.Voucher{Voucher: v, Paid: l.Paid, Cap: l.Cap})
		}
	}
	slices.SortFunc(out, func(a, b api.Voucher) int { return strings.Compare(a.Provider.String(), b.Provider.String()) })
	return out, nil
}

// Redeem implements api.Wallet: it books what was signed and not booked, then
// redeems. Whoever sends it, it credits the provider alone.
func (n *Node) Redeem(ctx context.Context, r api.RedeemRequest) (api.Done, error) {
	to := r.Provider
	if to.IsZero() {
		to = n.account()
	}
	books, err := n.books(ctx)
	if err != nil {
		return api.Done{}, err
	}
	var reserves []chain.SignedReserve
	var vouchers []chain.SignedVoucher
	var worth artel.Amount
	for _, b := range books {
		if b.Key.Provider != to || b.Voucher.IsZero() {
			continue
		}
		l, err := n.ledger.Lane(ctx, chain.LaneKey(b.Key))
		if err != nil {
			return api.Done{}, chainError(err)
		}
		b = b.Seen(lease.Lane{Cap: l.Cap, Paid: l.Paid, Epoch: l.Epoch})
		reach := l.Cap
		if l.Cap.Less(b.Voucher) && b.CanBook(uint64(time.Now().Unix())) && len(reserves) < chain.MaxBatch {
			reserves = append(reserves, chain.SignedReserve{Reserve: b.Reserve, Sig: b.ReserveSig})
			reach = b.Reserve.Cap
		}
		if pays := b.Voucher.Min(reach).Sub(l.Paid); !pays.IsZero() && len(vouchers) < chain.MaxBatch {
			v, sig := b.SignedVoucher()
			vouchers = append(vouchers, chain.SignedVoucher{Voucher: v, Sig: sig})
			worth = worth.Add(pays)
		}
	}
	if len(vouchers) == 0 {
		return api.Done{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no voucher for %s would pay anything now", to), Hint: "artel wallet vouchers lists them"}
	}
	if len(reserves) > 0 {
		if _, err := n.send(ctx, chain.ReserveFor{Reserves: reserves}, artel.Amount{}, "booked"); err != nil {
			return api.Done{}, err
		}
	}
	return n.send(ctx, chain.Redeem{Provider: to, Vouchers: vouchers}, worth, fmt.Sprintf("redeemed for %s", to))
}

// joined counts the errors in what errors.Join made.
func joined(err error) int {
	if err == nil {
		return 0
	}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return len(many.Unwrap())
	}
	return 1
}

// Statement implements api.Wallet. All figures are of one block: events up to
// it, and storage read while it is the newest final one.
func (n *Node) Statement(ctx context.Context) (api.Statement, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		s, same, err := n.statement(ctx)
		if err == nil && same {
			s.Lost, err = n.lost(ctx)
		}
		if err != nil || same {
			return s, err
		}
		t := time.NewTimer(300 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return s, api.Errorf(api.CodeUnavailable, "the chain moves faster than it can be read; try again")
		case <-t.C:
		}
	}
}

func (n *Node) statement(ctx context.Context) (s api.Statement, same bool, err error) {
	before, err := n.ledger.Head(ctx)
	if err != nil {
		return s, false, chainError(err)
	}
	if cur, err := n.db.Cursor(ctx); err != nil || cur.Number != before.Number {
		return s, false, err
	}
	s.Block, s.Hash = before.Number, before.Hash
	es, err := n.db.Events(ctx)
	if err != nil {
		return s, false, err
	}
	parties := map[artel.Address]*api.PartyFigures{}
	of := func(a artel.Address) *api.PartyFigures {
		if parties[a] == nil {
			parties[a] = &api.PartyFigures{Account: a}
		}
		return parties[a]
	}
	add := func(sum *artel.Amount, a artel.Amount) { // the figures are a chain's: what does not fit is no panic
		next, perr := sum.Plus(a)
		*sum, err = next, errors.Join(err, perr)
	}
	lanes := map[chain.LaneKey]bool{}
	for _, e := range es {
		switch f := e.Fact.(type) {
		case chain.Deposited:
			add(&of(f.Account).Deposited, f.Amount)
		case chain.Exited:
			add(&of(f.Account).Exited, f.Amount)
		case chain.Withdrawn:
			add(&of(f.Account).Withdrawn, f.Amount)
		case chain.Redeemed:
			add(&of(f.Lane.Provider).Redeemed, f.Amount)
			lanes[f.Lane] = true
		case chain.Reserved:
			lanes[f.Lane] = true
		}
	}
	if err != nil {
		return s, false, fmt.Errorf("sum up the ledger's events: %w", err)
	}
	if s.Balance, err = n.ledger.Balance(ctx, n.params.Ledger); err != nil {
		return s, false, chainError(err)
	}
	for a, p := range parties {
		acc, err := n.ledger.Account(ctx, a)
		if err != nil {
			return s, false, chainError(err)
		}
		p.Deposit, p.Earned = acc.Deposit, acc.Earned
		s.Parties = append(s.Parties, *p)
	}
	books, err := n.books(ctx)
	if err != nil {
		return s, false, err
	}
	known := map[chain.LaneKey]artel.Amount{}
	for _, b := range books {
		k := chain.LaneKey(b.Key)
		known[k] = known[k].Max(b.Voucher)
	}
	for _, k := range slices.SortedFunc(maps.Keys(lanes), func(a, b chain.LaneKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		l, err := n.ledger.Lane(ctx, k)
		if err != nil {
			return s, false, chainError(err)
		}
		s.Lanes = append(s.Lanes, api.LaneFigures{Renter: k.Renter, Provider: k.Provider, Lane: k.Number, Cap: l.Cap, Paid: l.Paid, Voucher: known[k]})
	}
	slices.SortFunc(s.Parties, func(a, b api.PartyFigures) int { return strings.Compare(a.Account.String(), b.Account.String()) })
	after, err := n.ledger.Head(ctx)
	return s, err == nil && after == before, chainError(err)
}
