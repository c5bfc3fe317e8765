package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) chainCmd() *cobra.Command {
	c := &cobra.Command{Use: "chain", Short: "Run or look at the embedded chain", Args: cobra.ArbitraryArgs, RunE: group}
	c.AddCommand(a.chainStatusCmd())
	return c
}

func (a *app) chainStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the chain as the daemon sees it", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Chain(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(s, func() { fmt.Fprintln(a.out, chainText(s)) })
		},
	}
}
