package main

import (
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) signerCmd() *cobra.Command {
	var allowance, lasts string
	var revoke bool
	c := &cobra.Command{
		Use: "signer KEY", Short: "Let another node sign for this account, within bounds", Args: exactly("KEY"),
		Long: `Make another node's key a session signer of this account: a node that runs with
artel up --account ACCOUNT. Its signatures may book up to --allowance in all,
until its time is over, on lanes of its own; it can never exit, or change who may
sign. The address is the "account" that the other node shows without --account.

--revoke ends new bookings at once; vouchers that it signed stay good for the
ledger's delay.`,
		Example: `  artel wallet signer 0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc --allowance 20 --lasts 30d`,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := artel.ParseAddress(args[0])
			if err != nil {
				return usage("0x and 40 hex digits", "%q is not an address", clean(args[0]))
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			defer cl.Close()
			r := api.SignerRequest{Key: key}
			if !revoke {
				if r.Allowance, err = a.parseAmount(cmd.Context(), cl, "--allowance", allowance); err != nil {
					return err
				}
				ms, err := parseDuration("--lasts", lasts)
				if err != nil {
					return err
				}
				r.Until = time.Now().Add(time.Duration(ms) * time.Millisecond)
			}
			d, err := cl.SetSigner(cmd.Context(), r)
			if err != nil {
				return err
			}
			return a.done(cmd.Context(), cl, d)
		},
	}
	c.Flags().StringVar(&allowance, "allowance", "0", "what it may book in all, ever")
	c.Flags().StringVar(&lasts, "lasts", "30d", "how long its signatures count")
	c.Flags().BoolVar(&revoke, "revoke", false, "take its rights away")
	return c
}
