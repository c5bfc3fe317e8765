package main

import (
	"fmt"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// statementText shows a statement for people; the demo ends with it too.
func statementText(s api.Statement, money func(artel.Amount) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "block %d\n\n", s.Block)
	rows := [][]string{{"ACCOUNT", "DEPOSITED", "EXITED", "REDEEMED", "WITHDRAWN", "DEPOSIT NOW", "EARNED NOW"}}
	for _, p := range s.Parties {
		rows = append(rows, []string{p.Account.String(), money(p.Deposited), money(p.Exited), money(p.Redeemed), money(p.Withdrawn), money(p.Deposit), money(p.Earned)})
	}
	table(&b, rows)
	b.WriteString("\n")
	rows = [][]string{{"LANE", "RENTER", "PROVIDER", "CAP", "PAID", "BOOKED", "VOUCHER", "UNREDEEMED"}}
	for _, l := range s.Lanes {
		rows = append(rows, []string{fmt.Sprintf("%x", l.Lane), l.Renter.String()[:10], l.Provider.String()[:10], money(l.Cap), money(l.Paid), money(l.Cap.Sub(l.Paid)), money(l.Voucher), money(l.Unredeemed())})
	}
	table(&b, rows)
	b.WriteString("\n")
	if len(s.Lost) > 0 {
		rows = [][]string{{"JOB", "NAME", "MOVES", "WORK LOST", "PAID FOR IT"}}
		for _, l := range s.Lost {
			rows = append(rows, []string{l.Job[:min(len(l.Job), 10)], clean(l.Name), fmt.Sprint(l.Moves), millis(l.Millis), money(l.Paid)})
		}
		table(&b, rows)
		b.WriteString("\n")
	}
	for _, f := range s.Check() {
		mark, sign := "ok ", "="
		if !f.OK {
			mark, sign = "BAD", "≠"
		}
		fmt.Fprintf(&b, "%s  %s: %s %s %s", mark, f.What, f.Left, sign, f.Right)
		if f.Note != "" {
			fmt.Fprintf(&b, " (%s)", f.Note)
		}
		b.WriteString("\n")
	}
	return b.String()
}
