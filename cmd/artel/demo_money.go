package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/core"
)

// rescue redeems the killed provider's voucher for it.
func (d *demo) rescue(ctx context.Context) error {
	d.step("The money: providers redeem, and somebody does it for the dead one")
	if d.victim == nil {
		return nil
	}
	// The living redeem when their leases end.
	left := map[artel.Address]artel.Amount{}
	for {
		vs, err := d.m.renter.API.Vouchers(ctx)
		if err != nil {
			return err
		}
		now := unpaid(vs)
		for a, sum := range left {
			if now[a].IsZero() {
				d.tell("%s redeemed its voucher: %s", d.who(a), money(sum, d.token))
			}
		}
		left = now
		living := len(left)
		if !left[d.victim.Account].IsZero() {
			living--
		}
		if living == 0 {
			break
		}
		d.progress(false, "waiting for %d providers to redeem", living)
		if !core.Every(ctx, 300*time.Millisecond) {
			return fmt.Errorf("wait for redemptions: %w", ctx.Err())
		}
	}
	d.line = ""
	owed := left[d.victim.Account]
	d.check(!owed.IsZero(), "%s left a voucher that nobody had redeemed, of %s", d.victim.name, money(owed, d.token))
	if owed.IsZero() {
		return nil
	}
	d.tell("%s", d.paint(yellow, fmt.Sprintf("%s is dead and has not redeemed its voucher of %s", d.victim.name, money(owed, d.token))))
	done, err := d.m.renter.API.Redeem(ctx, api.RedeemRequest{Provider: d.victim.Account})
	if err != nil {
		return err
	}
	d.tell("%s", d.paint(green, fmt.Sprintf("the renter's node redeemed it for %s: %s, transaction %s in block %d", d.victim.name, money(done.Amount, d.token), done.Tx.Short(), done.Block)))
	d.check(done.Final && done.Amount == owed, "somebody else redeemed it for %s, to the last unit", d.victim.name)
	return d.withdraw(ctx)
}

// unpaid sums what vouchers promise beyond what is paid, by provider.
func unpaid(vs []api.Voucher) map[artel.Address]artel.Amount {
	sums := map[artel.Address]artel.Amount{}
	for _, v := range vs {
		if left := v.Cumulative.Sub(v.Paid); !left.IsZero() {
			sums[v.Provider] = sums[v.Provider].Add(left)
		}
	}
	return sums
}

// withdraw lets the living provider that earned most take its money out.
func (d *demo) withdraw(ctx context.Context) error {
	var who *provider
	var most artel.Amount
	for _, p := range d.m.providers {
		if p == d.victim {
			continue
		}
		b, err := p.API.Balance(ctx)
		if err != nil {
			return err
		}
		if most.Less(b.Earned) {
			who, most = p, b.Earned
		}
	}
	if who == nil {
		return nil
	}
	if _, err := who.API.Withdraw(ctx, api.WithdrawRequest{Amount: most, Earned: true}); err != nil {
		return err
	}
	d.tell("%s took what it earned, %s, out of the ledger", who.name, money(most, d.token))
	return nil
}

// account shows the statement and checks it.
func (d *demo) account(ctx context.Context) error {
	d.step("The statement: figures of three sources, which must agree")
	s, err := d.m.renter.API.Statement(ctx)
	if err != nil {
		return err
	}
	m := func(a artel.Amount) string { return money(a, d.token) }
	slices.SortFunc(s.Parties, func(x, y api.PartyFigures) int { return d.rank(x.Account) - d.rank(y.Account) })
	slices.SortFunc(s.Lanes, func(x, y api.LaneFigures) int { return d.rank(x.Provider) - d.rank(y.Provider) })
	rows := [][]string{{"BLOCK " + fmt.Sprint(s.Block), "DEPOSITED", "REDEEMED", "WITHDRAWN", "EARNED, THERE NOW", "DEPOSIT NOW", "LANE: CAP − PAID"}}
	var in, out, redeemed, booked, deposits, earned, promised artel.Amount
	for _, p := range s.Parties {
		var lane artel.Amount
		for _, l := range s.Lanes {
			if l.Provider == p.Account {
				lane = lane.Add(l.Cap.Sub(l.Paid))
				promised = promised.Add(l.Voucher)
			}
		}
		in, out, redeemed = in.Add(p.Deposited), out.Add(p.Withdrawn).Add(p.Exited), redeemed.Add(p.Redeemed)
		earned, deposits, booked = earned.Add(p.Earned), deposits.Add(p.Deposit), booked.Add(lane)
		rows = append(rows, []string{d.who(p.Account), m(p.Deposited), m(p.Redeemed), m(p.Withdrawn), m(p.Earned), m(p.Deposit), m(lane)})
	}
	d.table(rows)
	d.tell("")
	d.tell("events    deposited − withdrawn        %s − %s = %s", m(in), m(out), m(in.Sub(out)))
	d.tell("storage   deposits + earned + booked   %s + %s + %s = %s", m(deposits), m(earned), m(booked), m(deposits.Add(earned).Add(booked)))
	d.tell("token     balance of the ledger        %s", m(s.Balance))
	for _, f := range s.Check() {
		if !f.OK {
			d.tell("%s  %s: %s, %s %s", d.paint(red, "BAD"), f.What, f.Left, f.Right, f.Note)
		}
	}
	d.check(s.Balanced(), "events, storage and the token's balance agree to the last unit: %s units", s.Balance)
	d.check(redeemed == promised, "what the renter promised by vouchers is what the providers were paid: %s", m(redeemed))
	d.check(!redeemed.Less(d.spent), "it covers the %s that the tasks took; the rest is time that leases were held", m(d.spent))
	if d.victim != nil {
		i := slices.IndexFunc(s.Parties, func(p api.PartyFigures) bool { return p.Account == d.victim.Account })
		d.check(i >= 0 && !s.Parties[i].Redeemed.IsZero() && s.Parties[i].Redeemed == s.Parties[i].Earned, "%s, killed, finds its money in the ledger when it comes back", d.victim.name)
	}
	return nil
}

// rank is the order in which the demo lists accounts.
func (d *demo) rank(a artel.Address) int {
	for i, p := range d.m.providers {
		if p.Account == a {
			return i + 1
		}
	}
	return 0
}
