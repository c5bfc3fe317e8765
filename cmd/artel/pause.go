package main

import (
	"context"
	"fmt"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/host/owner"
	"github.com/spf13/cobra"
)

func (a *app) pauseCmd() *cobra.Command {
	var during string
	var evict, drain bool
	c := &cobra.Command{
		Use: "pause", Short: "Have this machine for yourself, at once", Args: exactly(),
		Long: `Stop strangers' work. It stands still and keeps its memory, until artel resume
or until the time is up; --evict ends it, and frees the memory; --drain lets it go
elsewhere, within two minutes. artel pause outlasts restarts.`,
		Example: `  artel pause --for 2h
  artel pause --evict`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := notBoth(cmd, "evict", "drain"); err != nil {
				return err
			}
			r := api.PauseRequest{How: "freeze"}
			switch {
			case evict:
				r.How = "evict"
			case drain:
				r.How = "drain"
			}
			if during != "" {
				var err error
				if r.For, err = parseDuration("--for", during); err != nil {
					return err
				}
			}
			return a.ownerWish(cmd.Context(), func(ctx context.Context, c *api.Client) (api.Owner, error) { return c.PauseWork(ctx, r) })
		},
	}
	f := c.Flags()
	f.StringVar(&during, "for", "", "how long, like 2h (default until artel resume)")
	f.BoolVar(&evict, "evict", false, "end what runs: its memory is free at once, what was not saved is lost")
	f.BoolVar(&drain, "drain", false, "let what runs go elsewhere, at half speed, for two minutes at most")
	return c
}

func (a *app) resumeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "Take artel pause back", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.ownerWish(cmd.Context(), func(ctx context.Context, c *api.Client) (api.Owner, error) { return c.ResumeWork(ctx) })
		},
	}
}

func (a *app) ownerCmd() *cobra.Command {
	var example bool
	c := &cobra.Command{
		Use: "owner", Short: "Show what this machine tells of you, and what follows", Args: exactly(),
		Long: `Strangers' work gives way to the machine's owner as owner.yaml in the data
directory says (docs/owners.md). This shows what is seen now, and what follows.`,
		Example: `  artel owner
  artel owner --example > ~/.local/share/artel/owner.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				fmt.Fprint(a.out, owner.Example)
				return nil
			}
			return a.ownerWish(cmd.Context(), func(ctx context.Context, c *api.Client) (api.Owner, error) { return c.Owner(ctx) })
		},
	}
	c.Flags().BoolVar(&example, "example", false, "print an owner.yaml to begin with")
	return c
}

func (a *app) ownerWish(ctx context.Context, do func(context.Context, *api.Client) (api.Owner, error)) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	o, err := do(ctx, c)
	if err != nil {
		return err
	}
	return a.print(o, func() { a.ownerText(o) })
}

func (a *app) ownerText(o api.Owner) {
	word := map[string]string{
		"run": "runs", "rest": "takes nothing new", "drain": "goes elsewhere", "freeze": "stands still", "evict": "has been ended",
	}[o.Action]
	fmt.Fprintf(a.out, "work        %s\n", word)
	if o.Why != "" {
		fmt.Fprintf(a.out, "because     %s\nsince       %s\n", clean(o.Why), clock(o.Since))
	}
	switch {
	case o.Paused == "":
	case o.Until.IsZero():
		fmt.Fprintf(a.out, "paused      until artel resume\n")
	default:
		fmt.Fprintf(a.out, "paused      until %s\n", clock(o.Until))
	}
	if o.HasFile {
		fmt.Fprintf(a.out, "policy      %s\n", clean(o.File))
	} else {
		fmt.Fprintf(a.out, "policy      none: strangers' work runs whenever you let it\n")
		a.say("hint: artel owner --example > %s", clean(o.File))
	}
	for _, f := range o.Seen {
		fmt.Fprintf(a.out, "%-11s %s\n", clean(f.Name), clean(f.Text))
	}
	fmt.Fprintf(a.out, "this month  %s through the network\n", size(o.Month))
	for _, n := range o.Notices {
		a.say("note: %s", clean(n))
	}
}
