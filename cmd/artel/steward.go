package main

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

// ofSteward gives verbs the flag that has the steward answer.
func (a *app) ofSteward(cs ...*cobra.Command) {
	for _, c := range cs {
		c.Flags().BoolVar(&a.steward, "steward", false, "ask the steward, which drives jobs while this machine is away")
	}
}

func (a *app) stewardCmd() *cobra.Command {
	var allowance, lasts string
	var forget bool
	c := &cobra.Command{
		Use: "steward [NODE]", Short: "Name a machine that drives your jobs while this one is away", Args: atMost(1),
		Long: `Show the steward, or name one: another machine that stays on, of yours or of
somebody you trust, where artel runs with artel up --account and this account.
NODE is what artel status shows there as node or peer id, or an address of it:
/ip4/192.0.2.1/udp/4101/quic-v1/p2p/16Uiu2…

A steward signs with a key of its own. --allowance and --lasts say on the ledger
how much it may book in all, and until when: more it cannot spend, whatever it
does. It does see what its jobs read, and what they leave in /out. --forget lets it go;
artel wallet signer ADDRESS --revoke takes its rights away.

Then artel run --steward hands jobs to it, and artel ps --steward asks after them.
docs/survive.md has more.`,
		Example: `  artel steward 03ab…9f --allowance 20CREDIT --lasts 30d
  artel run --steward --image python:3.12 --timeout 6h --in . -- python3 /in/train.py
  artel ps --steward`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			grants := cmd.Flags().Changed("allowance")
			switch {
			case forget && (len(args) > 0 || grants):
				return usage("artel steward --forget", "--forget goes alone")
			case cmd.Flags().Changed("lasts") && !grants:
				return usage("add --allowance 20CREDIT, what it may book in all", "--lasts without --allowance")
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			var s api.Steward
			switch {
			case forget:
				if s, err = c.StewardNode(ctx); err == nil {
					_, err = c.SetSteward(ctx, api.StewardRequest{})
				}
				if err == nil {
					a.stillSigns(s)
				}
				s = api.Steward{}
			case len(args) == 1:
				was, _ := c.StewardNode(ctx)
				if s, err = c.SetSteward(ctx, api.StewardRequest{Node: args[0]}); err == nil && was.Node != s.Node {
					a.stillSigns(was)
				}
			default:
				s, err = c.StewardNode(ctx)
			}
			if err != nil {
				return err
			}
			if grants {
				if s, err = a.grantSteward(ctx, c, s, allowance, lasts); err != nil {
					return err
				}
			}
			return a.print(s, func() { a.stewardText(ctx, c, s) })
		},
	}
	c.Flags().StringVar(&allowance, "allowance", "", "what it may book in all, ever, like 20CREDIT")
	c.Flags().StringVar(&lasts, "lasts", "30d", "how long its signatures count")
	c.Flags().BoolVar(&forget, "forget", false, "have no steward any more")
	return c
}

// stillSigns says that a steward which is none any more has kept its rights.
func (a *app) stillSigns(s api.Steward) {
	if s.Node != (artel.NodeID{}) && !s.Until.IsZero() {
		a.say("%s may still sign until %s; hint: artel wallet signer %s --revoke", s.Node.Short(), clock(s.Until), s.Signer)
	}
}

// grantSteward sets the steward's rights on the ledger.
func (a *app) grantSteward(ctx context.Context, c *api.Client, s api.Steward, allowance, lasts string) (api.Steward, error) {
	if s.Node == (artel.NodeID{}) {
		return s, usage("artel steward NODE --allowance 20CREDIT", "no steward is named")
	}
	r := api.SignerRequest{Key: s.Signer}
	var err error
	if r.Allowance, err = a.parseAmount(ctx, c, "--allowance", allowance); err != nil {
		return s, err
	}
	ms, err := parseDuration("--lasts", lasts)
	if err != nil {
		return s, err
	}
	r.Until = time.Now().Add(time.Duration(ms) * time.Millisecond)
	d, err := c.SetSigner(ctx, r)
	if err != nil {
		return s, err
	}
	if !d.Final {
		a.say("transaction %s is not final yet; it goes on by itself", d.Tx)
	}
	return c.StewardNode(ctx)
}

func (a *app) stewardText(ctx context.Context, c *api.Client, s api.Steward) {
	if s.Node == (artel.NodeID{}) {
		a.say("no steward is named; hint: artel steward NODE, docs/survive.md says how to set one up")
		return
	}
	fmt.Fprintf(a.out, "steward    %s\nsigner     %s\n", s.Node, s.Signer)
	switch {
	case s.Until.IsZero():
		fmt.Fprintf(a.out, "rights     none yet: it can pay nobody\n")
		a.say("hint: artel steward --allowance 20CREDIT --lasts 30d")
	default:
		fmt.Fprintf(a.out, "rights     may book %s until %s\n", a.money(ctx, c, s.Allowance), clock(s.Until))
	}
	if s.Reachable {
		fmt.Fprintf(a.out, "reachable  yes, release %s\n", clean(s.Release))
	} else {
		fmt.Fprintf(a.out, "reachable  no: %s\n", clean(s.Message))
	}
}

// toSteward returns a client of the steward, once it is known that there is one, and
// that it can pay.
func (a *app) toSteward(ctx context.Context, c *api.Client) (*api.Client, error) {
	s, err := c.StewardNode(ctx)
	switch {
	case err != nil:
		return nil, err
	case s.Node == (artel.NodeID{}):
		return nil, api.Errorf(api.CodeNotFound, "no steward is named").WithHint("artel steward NODE --allowance 20CREDIT --lasts 30d; docs/survive.md says how to set one up")
	case !s.Reachable:
		return nil, api.Errorf(api.CodeUnavailable, "the steward cannot be reached: %s", clean(s.Message))
	case s.Until.Before(time.Now()):
		a.say("note: the steward may sign for nothing yet, so the job waits\nhint: artel steward --allowance 20CREDIT --lasts 30d")
	}
	a.say("handing over to the steward %s; keep this machine on meanwhile", s.Node.Short())
	return c.Steward(), nil
}
