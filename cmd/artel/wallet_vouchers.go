package main

import (
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) vouchersCmd() *cobra.Command {
	return &cobra.Command{
		Use: "vouchers", Short: "List vouchers that are not redeemed in full", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			vs, err := c.Vouchers(ctx)
			if err != nil {
				return err
			}
			return a.print(vs, func() {
				rows := [][]string{{"PROVIDER", "RENTER", "LANE", "PROMISED", "PAID", "REDEEMABLE"}}
				for _, v := range vs {
					rows = append(rows, []string{v.Provider.String(), v.Renter.String(), fmt.Sprint(v.Lane), a.money(ctx, c, v.Cumulative), a.money(ctx, c, v.Paid), a.money(ctx, c, v.Redeemable())})
				}
				table(a.out, rows)
			})
		},
	}
}

func (a *app) redeemCmd() *cobra.Command {
	return &cobra.Command{
		Use: "redeem [PROVIDER]", Short: "Send vouchers to the ledger", Args: atMost(1),
		Long: `Send the vouchers held for a provider to the ledger; without an address, this
account's own. Anyone may: it credits the provider and nobody else.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var r api.RedeemRequest
			if len(args) == 1 {
				p, err := artel.ParseAddress(args[0])
				if err != nil {
					return usage("0x and 40 hex digits, as `artel wallet vouchers` shows them", "%q is not an address", clean(args[0]))
				}
				r.Provider = p
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			d, err := c.Redeem(cmd.Context(), r)
			if err != nil {
				return err
			}
			return a.done(cmd.Context(), c, d)
		},
	}
}

func (a *app) statementCmd() *cobra.Command {
	return &cobra.Command{
		Use: "statement", Short: "Set the ledger's figures side by side and check them", Args: exactly(),
		Long: `Set side by side what the ledger's events say happened, what its storage says
is there, and what the token says it holds. Exit code 1 if they do not agree to
the last unit.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Statement(ctx)
			if err != nil {
				return err
			}
			checks := s.Check()
			err = a.print(struct {
				api.Statement
				Checks   []api.Finding `json:"checks"`
				Balanced bool          `json:"balanced"`
			}{s, checks, s.Balanced()}, func() {
				fmt.Fprint(a.out, statementText(s, func(m artel.Amount) string { return a.money(ctx, c, m) }))
			})
			if err == nil && !s.Balanced() {
				err = exitError(exitFailed)
			}
			return err
		},
	}
}
