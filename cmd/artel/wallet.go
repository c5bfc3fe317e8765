package main

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) walletCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "wallet", Short: "Look after the account's money and the node's key",
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	show, vouchers, statement := a.walletShowCmd(), a.vouchersCmd(), a.statementCmd()
	a.ofSteward(show, vouchers, statement)
	c.AddCommand(show,
		a.amountCmd("deposit AMOUNT", "Move tokens into the ledger, to pay providers from", (*api.Client).Deposit),
		a.withdrawCmd(),
		a.amountCmd("stake AMOUNT", "Add to the stake that stands behind this provider's results", (*api.Client).Stake),
		a.leaveCmd(), a.signerCmd(),
		a.plainCmd("faucet", "Ask a private network's faucet for first tokens", (*api.Client).Faucet),
		vouchers, a.redeemCmd(), statement,
		a.backupCmd(), a.restoreCmd())
	return c
}

func (a *app) walletShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what the account holds", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			b, err := c.Balance(ctx)
			if err != nil {
				return err
			}
			return a.print(b, func() { a.balanceText(b) })
		},
	}
}

func (a *app) balanceText(b api.Balance) {
	row := func(name string, m artel.Amount, tail string) {
		fmt.Fprintf(a.out, "%-9s %s%s\n", name, money(m, b.Token), tail)
	}
	fmt.Fprintf(a.out, "account   %s\n", b.Account)
	switch {
	case b.Signer == b.Account:
	case b.Until.IsZero() || b.Allowance == nil:
		fmt.Fprintf(a.out, "signer    %s, has no rights yet\n", b.Signer)
	default:
		fmt.Fprintf(a.out, "signer    %s, may book %s until %s\n", b.Signer, money(*b.Allowance, b.Token), clock(b.Until))
	}
	row("tokens", b.Tokens, "")
	row("deposit", b.Deposit, "")
	row("booked", b.Booked, ", in lanes for providers")
	row("earned", b.Earned, "")
	row("stake", b.Stake, "")
	fmt.Fprintf(a.out, "gas       %s wei of the chain's coin, for fees\n", b.Gas)
	if !b.Exiting.IsZero() {
		row("exiting", b.Exiting, fmt.Sprintf(", can be taken from %s to %s", clock(b.ExitAt), clock(b.ExitVoid)))
	}
	if !b.Leaving.IsZero() {
		row("leaving", b.Leaving, fmt.Sprintf(", of the stake, can be taken from %s", clock(b.LeaveAt)))
	}
	fmt.Fprintf(a.out, "as of     block %d\n", b.Block)
}

// done tells how a transaction ended.
func (a *app) done(ctx context.Context, c *api.Client, d api.Done) error {
	return a.print(d, func() {
		fmt.Fprintf(a.out, "%s %s\n", clean(d.Message), a.money(ctx, c, d.Amount))
		switch {
		case d.Tx.IsZero():
		case d.Final:
			fmt.Fprintf(a.out, "transaction %s, final in block %d\n", d.Tx, d.Block)
		default:
			fmt.Fprintf(a.out, "transaction %s, not final yet; it goes on by itself\n", d.Tx)
		}
	})
}

// amountCmd is a command that moves an amount.
func (a *app) amountCmd(use, short string, do func(*api.Client, context.Context, artel.Amount) (api.Done, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: exactly("AMOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			m, err := a.parseAmount(cmd.Context(), c, "AMOUNT", args[0])
			if err != nil {
				return err
			}
			d, err := do(c, cmd.Context(), m)
			if err != nil {
				return err
			}
			return a.done(cmd.Context(), c, d)
		},
	}
}

func (a *app) plainCmd(use, short string, do func(*api.Client, context.Context) (api.Done, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			d, err := do(c, cmd.Context())
			if err != nil {
				return err
			}
			return a.done(cmd.Context(), c, d)
		},
	}
}

func (a *app) withdrawCmd() *cobra.Command {
	var r api.WithdrawRequest
	c := &cobra.Command{
		Use: "withdraw [AMOUNT]", Short: "Take money out of the ledger", Args: atMost(1),
		Long: `Take money out of the ledger, to the account's payout address.

What was earned leaves at once (--earned). Deposits leave in two steps, so that
no renter can run from its providers: the first asks, and after the network's
delay --finish takes. A request that is not finished in its window is void.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notBoth(cmd, "earned", "finish"); err != nil {
				return err
			}
			return a.twoSteps(cmd, args, &r, (*api.Client).Withdraw, "artel wallet withdraw --finish")
		},
	}
	c.Flags().BoolVar(&r.Earned, "earned", false, "from what was earned as a provider")
	c.Flags().BoolVar(&r.Finish, "finish", false, "take what was asked for before")
	return c
}

func (a *app) leaveCmd() *cobra.Command {
	var r api.WithdrawRequest
	c := &cobra.Command{
		Use: "leave [AMOUNT]", Short: "Take stake back", Args: atMost(1),
		Long: "Take stake back in two steps: the first asks, and after the delay --finish takes.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.twoSteps(cmd, args, &r, (*api.Client).Leave, "artel wallet leave --finish")
		},
	}
	c.Flags().BoolVar(&r.Finish, "finish", false, "take what was asked for before")
	return c
}

func (a *app) twoSteps(cmd *cobra.Command, args []string, r *api.WithdrawRequest, do func(*api.Client, context.Context, api.WithdrawRequest) (api.Done, error), finish string) error {
	ctx := cmd.Context()
	switch {
	case r.Finish && len(args) > 0:
		return usage("leave the amount out", "--finish takes what was asked for, not %s", clean(args[0]))
	case !r.Finish && len(args) == 0:
		return usage("", "%s wants AMOUNT, or --finish", cmd.CommandPath())
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	if len(args) > 0 {
		if r.Amount, err = a.parseAmount(ctx, c, "AMOUNT", args[0]); err != nil {
			return err
		}
	}
	d, err := do(c, ctx, *r)
	if err != nil {
		return err
	}
	if err := a.done(ctx, c, d); err != nil {
		return err
	}
	switch {
	case !d.Void.IsZero():
		a.say("hint: between %s and %s, %s", clock(d.Ready), clock(d.Void), finish)
	case !d.Ready.IsZero():
		a.say("hint: from %s on, %s", clock(d.Ready), finish)
	}
	return nil
}
